/* fire.c -- a firing becomes messages: one for each target that has an identifier, all under one intervention_id.
 *
 * The id is a hash of what the journal would repeat: sequence, place in the record, rule, identifiers. So a replay sends the
 * same message under the same id, and a subscriber can drop it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

#include <stdlib.h>

struct str who_find(const struct who *who, size_t n, uint32_t key_id)
{
    for (size_t i = 0; i < n; i++)
        if (who[i].key_id == key_id)
            return who[i].id;
    return (struct str){NULL, 0};
}

struct str key_identifier(const struct plan_key *key, const struct evt *evt, struct arena *arena)
{
    struct val v = evt->slots[key->slot];
    if (v.type == VAL_STR)
        return val_as_str(v);
    if (v.type != VAL_INT && v.type != VAL_DBL)
        return (struct str){NULL, 0};
    struct buf text = {0};
    val_write_json(&text, &v);
    struct str copy = arena_str(arena, buf_str(&text));
    buf_fini(&text);
    return copy;
}

static void firing_id(const struct firing *f, uint8_t id[16])
{
    struct buf all = {0};
    buf_printf(&all, "%.*s %u", STR_FMT(f->rule->name), f->rule->version);
    buf_put(&all, &f->seq, sizeof(f->seq));
    buf_put(&all, &f->salt, sizeof(f->salt));
    for (size_t i = 0; i < f->n_who; i++) {
        buf_put(&all, &f->who[i].id.n, sizeof(f->who[i].id.n));
        buf_put(&all, f->who[i].id.p, f->who[i].id.n);
    }
    str_hash128(buf_str(&all), id);
    buf_fini(&all);
}

/* A text as it is, anything else as its JSON: attribute values on this wire are strings. */
static struct val as_string(struct val v, struct arena *arena)
{
    if (v.type == VAL_STR)
        return v;
    struct buf text = {0};
    val_write_json(&text, &v);
    struct val out = val_str(arena_str(arena, buf_str(&text)));
    buf_fini(&text);
    return out;
}

static struct val attributes_of(const struct engine *e, const struct firing *f, struct arena *arena)
{
    const struct plan *p = e->plan;
    struct val dict = val_dict(arena, f->rule->n_reads);
    size_t used = 0;
    for (size_t i = 0; i < f->rule->n_reads; i++) {
        const struct plan_attr *attr = &p->attrs[f->rule->reads[i]];
        if (f->reads[i].type == VAL_NULL)
            continue;
        struct str name = arena_printf(arena, "%.*s:%.*s", STR_FMT(p->groups[attr->group].name),
                                       STR_FMT(attr->name));
        dict_put(&dict, &used, name, as_string(f->reads[i], arena));
    }
    return dict;
}

static struct val payload_of(const struct firing *f, struct arena *arena)
{
    struct val dict = val_dict(arena, f->rule->n_payload);
    size_t used = 0;
    for (size_t i = 0; i < f->rule->n_payload; i++) {
        const struct plan_payload *part = &f->rule->payload[i];
        struct val v = part->value;
        if (part->kind == PAYLOAD_ATTR)
            v = f->reads[part->ref];
        else if (part->kind == PAYLOAD_SLOT)
            v = f->evt ? f->evt->slots[part->ref] : val_null;
        dict_put(&dict, &used, part->name, v);
    }
    return dict;
}

static struct push_msg *message(struct engine *e, const struct firing *f, const uint8_t id[16],
                                const struct plan_key *key, struct str target,
                                struct val attributes)
{
    struct arena *a = &e->scratch;
    char uuid[37];
    uuid_format(id, uuid);
    struct val to = val_dict(a, 2), all = val_dict(a, 6);
    size_t n_to = 0, n = 0;
    dict_put(&to, &n_to, STR("name"), val_str(key->name));
    dict_put(&to, &n_to, STR("id"), val_str(target));
    dict_put(&all, &n, STR("intervention_id"), val_str(arena_str(a, str_of(uuid))));
    dict_put(&all, &n, STR("name"), val_str(f->rule->name));
    dict_put(&all, &n, STR("version"), val_int(f->rule->version));
    dict_put(&all, &n, STR("attributes"), attributes);
    dict_put(&all, &n, STR("target_attribute_key"), to);
    if (f->rule->n_payload)
        dict_put(&all, &n, STR("payload"), payload_of(f, a));
    struct buf json = {0};
    val_write_json(&json, &all);
    struct push_msg proto = {
        .seq = f->seq,
        .index = e->n_messages++,
        .expires_ms = f->now_ms + e->o.push.keep_ms,
        .name = f->rule->name,
        .key = key->name,
        .id = target,
        .json = buf_str(&json),
    };
    memcpy(proto.intervention_id, id, 16);
    struct push_msg *m = push_msg_new(&proto);
    buf_fini(&json);
    return m;
}

void engine_fire(struct engine *e, const struct firing *f)
{
    struct push_msg **msgs =
        arena_alloc(&e->scratch, f->rule->n_targets * sizeof(struct push_msg *));
    struct val attributes = attributes_of(e, f, &e->scratch);
    uint8_t id[16];
    size_t n = 0;
    firing_id(f, id);
    for (size_t i = 0; i < f->rule->n_targets; i++) {
        const struct plan_key *key = &e->plan->keys[f->rule->targets[i]];
        struct str target = who_find(f->who, f->n_who, key->id);
        if (target.n)
            msgs[n++] = message(e, f, id, key, target, attributes);
    }
    stat_add(STAT_INTERVENTIONS_FIRED, n != 0);
    if (n)
        push_publish(e->push, msgs, n, f->now_ms);
    for (size_t i = 0; i < n; i++) {
        if (e->o.fired)
            e->o.fired(e->o.ctx, msgs[i]);
        push_msg_unref(msgs[i]);
    }
}
