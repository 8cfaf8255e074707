/* events.c -- POST /api/v1/events: events from applications and pipelines, in whichever form they have them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"

static struct val rejected(struct arena *arena, const struct evt_reject *reject)
{
    struct val one = val_dict(arena, 4);
    size_t used = 0;
    dict_put(&one, &used, STR("index"), val_int((int64_t)reject->index));
    if (reject->line)
        dict_put(&one, &used, STR("line"), val_int((int64_t)reject->line));
    if (reject->column.n)
        dict_put(&one, &used, STR("column"), val_str(reject->column));
    dict_put(&one, &used, STR("error"), val_str(reject->why));
    return one;
}

struct val events_counts(struct arena *arena, const struct evt_batch *events)
{
    struct val counts = val_dict(arena, 2), list = val_list(arena, events->n_rejects);
    size_t used = 0;
    for (size_t i = 0; i < events->n_rejects; i++)
        list.items[i] = rejected(arena, &events->rejects[i]);
    dict_put(&counts, &used, STR("accepted"), val_int((int64_t)events->n));
    dict_put(&counts, &used, STR("rejected"), list);
    return counts;
}

static void answer_counts(struct api *a, struct http_req *r, struct engine_batch *b)
{
    struct val answer = events_counts(http_arena(r), &b->events);
    http_reply_val(r, !b->events.n && b->events.n_rejects ? 400 : 200, &answer);
}

static const struct {
    const char *type;
    enum engine_wire wire;
} wires[] = {
    {"application/json", WIRE_JSON},         {"application/x-ndjson", WIRE_NDJSON},
    {"application/ndjson", WIRE_NDJSON},     {"application/jsonl", WIRE_NDJSON},
    {"text/tab-separated-values", WIRE_TSV},
};

bool events_wire(struct http_req *r, enum engine_wire *out)
{
    struct str type = answer_media_type(http_header(r, "Content-Type"));
    *out = answer_is_msgpack(type) ? WIRE_MSGPACK : WIRE_JSON;
    if (*out == WIRE_MSGPACK || !type.n)
        return true;
    for (size_t i = 0; i < COUNT_OF(wires); i++)
        if (str_eq_nocase(type, str_of(wires[i].type))) {
            *out = wires[i].wire;
            return true;
        }
    http_reply_problem(r, 415,
                       "events are application/json, application/x-ndjson, application/msgpack or "
                       "text/tab-separated-values, not %.*s",
                       STR_FMT(type));
    return false;
}

void events_post(struct http_req *r, void *ctx)
{
    struct evt_meta meta = {0};
    enum engine_wire wire;
    answer_begin(r, false);
    if (events_wire(r, &wire))
        take_events(ctx, r, wire, http_body(r), &meta, answer_counts);
}
