/* message.c -- one intervention for one target as a line of JSON: what subscribers receive, whether a rule fired it or somebody
 * pushed it.
 *
 * The members and their order are the official clients'. `attributes` is always there and holds texts only: the browser plugin
 * walks it before it calls anybody, and the Python SDK refuses a number in it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

struct val message_text(struct val v, struct arena *arena)
{
    if (v.type == VAL_STR)
        return v;
    struct buf text = {0};
    val_write_json(&text, &v);
    struct val out = val_str(arena_str(arena, buf_str(&text)));
    buf_fini(&text);
    return out;
}

void message_write(const struct message *m, struct arena *arena, struct buf *json)
{
    char uuid[37];
    uuid_format(m->intervention_id, uuid);
    struct val to = val_dict(arena, 2), all = val_dict(arena, 5 + m->more.n);
    size_t n_to = 0, n = 0;
    dict_put(&to, &n_to, STR("name"), val_str(m->key));
    dict_put(&to, &n_to, STR("id"), val_str(m->id));
    dict_put(&all, &n, STR("intervention_id"), val_str(arena_str(arena, str_of(uuid))));
    dict_put(&all, &n, STR("name"), val_str(m->name));
    dict_put(&all, &n, STR("version"), val_int(m->version));
    dict_put(&all, &n, STR("attributes"), m->attributes);
    dict_put(&all, &n, STR("target_attribute_key"), to);
    for (uint32_t i = 0; i < m->more.n; i++)
        dict_put(&all, &n, val_as_str(m->more.items[2 * i]), m->more.items[2 * i + 1]);
    val_write_json(json, &all);
}

struct push_msg *message_new(struct engine *e, const struct message *m, struct str json,
                             uint64_t seq, int64_t now_ms)
{
    struct push_msg proto = {
        .seq = seq,
        .index = e->n_messages++,
        .expires_ms = now_ms + e->o.push.keep_ms,
        .name = m->name,
        .key = m->address,
        .id = m->id,
        .json = json,
    };
    memcpy(proto.intervention_id, m->intervention_id, 16);
    return push_msg_new(&proto);
}
