/* events.c -- POST /api/v1/events: events from applications and pipelines, as maps of column names.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"

/* {"accepted": n, "rejected": [{"index": i, "error": "..."}]} */
static void answer_counts(struct api *a, struct http_req *r, struct engine_batch *b)
{
    struct arena *arena = http_arena(r);
    const struct evt_batch *events = &b->events;
    struct val answer = val_dict(arena, 2), rejected = val_list(arena, events->n_rejects);
    size_t used = 0;
    for (size_t i = 0; i < events->n_rejects; i++) {
        struct val one = val_dict(arena, 2);
        size_t used_one = 0;
        dict_put(&one, &used_one, STR("index"), val_int((int64_t)events->rejects[i].index));
        dict_put(&one, &used_one, STR("error"), val_str(events->rejects[i].why));
        rejected.items[i] = one;
    }
    dict_put(&answer, &used, STR("accepted"), val_int((int64_t)events->n));
    dict_put(&answer, &used, STR("rejected"), rejected);
    http_reply_val(r, !events->n && events->n_rejects ? 400 : 200, &answer);
}

void events_post(struct http_req *r, void *ctx)
{
    struct evt_meta meta = {0};
    struct str type = answer_media_type(http_header(r, "Content-Type"));
    answer_begin(r, false);
    if (answer_is_msgpack(type))
        take_events(ctx, r, WIRE_MSGPACK, http_body(r), &meta, answer_counts);
    else if (!type.n || str_eq_nocase(type, STR("application/json")))
        take_events(ctx, r, WIRE_JSON, http_body(r), &meta, answer_counts);
    else
        http_reply_problem(r, 415, "events are application/json or application/msgpack, not %.*s",
                           STR_FMT(type));
}
