/* direct.c -- an intervention that somebody pushes past the rules: a record in the order, like events.
 *
 * What is kept of it: a format number, the intervention_id, name, version, targets, and as msgpack the attributes and what
 * goes along besides. The lines for subscribers are made of that when it is decoded, which is not behind the door.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

enum { DIRECT_FORMAT = 1, TARGET_BYTES_MIN = 3 };

struct engine_batch *engine_batch_direct(unsigned front, const struct engine_direct *d)
{
    struct buf body = {0};
    pack_uint(&body, DIRECT_FORMAT);
    buf_put(&body, d->intervention_id, sizeof(d->intervention_id));
    pack_str(&body, d->name);
    pack_int(&body, d->version);
    pack_uint(&body, d->n);
    for (size_t i = 0; i < d->n; i++) {
        pack_str(&body, d->targets[i].key);
        pack_str(&body, d->targets[i].address);
        pack_str(&body, d->targets[i].id);
    }
    val_write_msgpack(&body, &d->attributes);
    val_write_msgpack(&body, &d->more);
    struct engine_batch *b = engine_batch_new(WIRE_DIRECT, front, buf_str(&body));
    buf_fini(&body);
    return b;
}

static bool read_targets(struct unpack *in, struct engine_direct *d, struct arena *arena)
{
    d->n = unpack_count(in, TARGET_BYTES_MIN);
    d->targets = arena_zalloc(arena, d->n * sizeof(*d->targets));
    for (size_t i = 0; i < d->n; i++) {
        struct engine_direct_target *t = &d->targets[i];
        t->key = unpack_str(in);
        t->address = unpack_str(in);
        t->id = unpack_str(in);
        if (!t->address.n || memchr(t->address.p, 0, t->address.n))
            return false;
    }
    return d->n > 0 && !in->bad;
}

static bool read_dict(struct mp *in, struct arena *arena, struct val *out)
{
    return mp_tree(in, arena, out, NULL) && out->type == VAL_DICT;
}

static bool read_body(struct str body, struct engine_direct *d, struct arena *arena)
{
    struct unpack in = unpack_of(body);
    bool known = unpack_uint(&in) == DIRECT_FORMAT;
    struct str id = unpack_bytes(&in, sizeof(d->intervention_id));
    d->name = unpack_str(&in);
    d->version = unpack_int(&in);
    if (!known || !id.n || !read_targets(&in, d, arena))
        return false;
    memcpy(d->intervention_id, id.p, id.n);
    struct mp rest = {(const uint8_t *)in.p, (const uint8_t *)in.end};
    return read_dict(&rest, arena, &d->attributes) && read_dict(&rest, arena, &d->more) &&
           rest.p == rest.end;
}

/* As of a rule's firing: what has no value is not named. */
static struct val texts_of(const struct val *attributes, struct arena *arena)
{
    struct val dict = val_dict(arena, attributes->n);
    size_t used = 0;
    for (uint32_t i = 0; i < attributes->n; i++)
        if (attributes->items[2 * i + 1].type != VAL_NULL)
            dict_put(&dict, &used, val_as_str(attributes->items[2 * i]),
                     message_text(attributes->items[2 * i + 1], arena));
    return dict;
}

static struct message message_of(const struct engine_direct *d, size_t target)
{
    return (struct message){
        .intervention_id = d->intervention_id,
        .name = d->name,
        .version = d->version,
        .more = d->more,
        .key = d->targets[target].key,
        .address = d->targets[target].address,
        .id = d->targets[target].id,
    };
}

static void write_lines(struct engine_direct *d, struct arena *arena)
{
    struct buf line = {0};
    struct val texts = texts_of(&d->attributes, arena);
    for (size_t i = 0; i < d->n; i++) {
        struct message m = message_of(d, i);
        m.attributes = texts;
        line.n = 0;
        message_write(&m, arena, &line);
        d->targets[i].line = arena_str(arena, buf_str(&line));
    }
    buf_fini(&line);
}

bool direct_unpack(struct engine_batch *b, struct err *err)
{
    struct engine_direct *d = arena_zalloc(&b->arena, sizeof(*d));
    if (!read_body(b->body, d, &b->arena))
        return err_set(err, "a direct intervention that makes no sense");
    write_lines(d, &b->arena);
    b->direct = d;
    return true;
}

void direct_apply(struct engine *e, struct record *r, struct engine_batch *b)
{
    struct engine_direct *d = b->direct;
    struct push_msg **msgs = arena_alloc(&b->arena, d->n * sizeof(struct push_msg *));
    for (size_t i = 0; i < d->n; i++) {
        struct message m = message_of(d, i);
        msgs[i] = message_new(e, &m, d->targets[i].line, r->seq, r->now_ms);
    }
    d->outcome = push_each(e->push, msgs, d->n, r->now_ms);
    stat_add(STAT_INTERVENTIONS_PUSHED, 1);
    for (size_t i = 0; i < d->n; i++)
        push_msg_unref(msgs[i]);
}
