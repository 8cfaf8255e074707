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
    return plan_identifier(evt->slots[key->slot], arena);
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
    uuid_mark(id, 8);
    buf_fini(&all);
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
        dict_put(&dict, &used, name, message_text(f->reads[i], arena));
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

static struct push_msg *msg_of(struct engine *e, const struct firing *f, const struct message *m)
{
    struct buf json = {0};
    message_write(m, &e->scratch, &json);
    struct push_msg *msg = message_new(e, m, buf_str(&json), f->seq, f->now_ms);
    buf_fini(&json);
    return msg;
}

void engine_fire(struct engine *e, const struct firing *f)
{
    struct push_msg **msgs =
        arena_alloc(&e->scratch, f->rule->n_targets * sizeof(struct push_msg *));
    uint8_t id[16];
    size_t n = 0, n_more = 0;
    struct message m = {
        .intervention_id = id,
        .name = f->rule->name,
        .version = f->rule->version,
        .attributes = attributes_of(e, f, &e->scratch),
        .more = val_dict(&e->scratch, 1),
    };
    firing_id(f, id);
    if (f->rule->n_payload)
        dict_put(&m.more, &n_more, STR("payload"), payload_of(f, &e->scratch));
    for (size_t i = 0; i < f->rule->n_targets; i++) {
        const struct plan_key *key = &e->plan->keys[f->rule->targets[i]];
        m.key = key->name;
        m.address = key->address;
        m.id = who_find(f->who, f->n_who, key->id);
        if (m.id.n)
            msgs[n++] = msg_of(e, f, &m);
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
