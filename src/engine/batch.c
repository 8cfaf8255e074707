/* batch.c -- a body on its way: copied, decoded with the plan in force, ready to be queued.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

#include <stdlib.h>

struct engine_batch *engine_batch_new(enum engine_wire wire, unsigned front, struct str body)
{
    struct engine_batch *b = xcalloc(1, sizeof(*b));
    b->wire = wire;
    b->front = front;
    arena_init(&b->arena);
    evt_batch_init(&b->events);
    char *copy = arena_alloc(&b->arena, body.n + EVT_PADDING);
    if (body.n)
        memcpy(copy, body.p, body.n);
    memset(copy + body.n, 0, EVT_PADDING);
    b->body = (struct str){copy, body.n};
    return b;
}

void engine_batch_free(struct engine_batch *b)
{
    evt_batch_fini(&b->events);
    arena_fini(&b->arena);
    plan_unref(b->plan);
    if (b->record)
        free((char *)b->record->bytes.p);
    free(b->record);
    free(b);
}

struct str engine_batch_str(struct engine_batch *b, struct str s)
{
    return arena_str(&b->arena, s);
}

/* Behind the projection's slots stand those of criterion functions. */
static void compute_slots(struct evt_batch *events, const struct plan *p, unsigned lane)
{
    size_t n_proj = evt_proj_slots(p->proj);
    if (p->n_computed == 0)
        return;
    for (size_t i = 0; i < events->n; i++) {
        struct evt *evt = &events->evts[i];
        struct val *slots = arena_alloc(&events->arena, p->n_slots * sizeof(*slots));
        memcpy(slots, evt->slots, n_proj * sizeof(*slots));
        evt->slots = slots;
        plan_compute(p, evt, lane, &events->arena);
    }
}

bool batch_decode(struct evt_decoder *d, struct engine_batch *b, struct plan *p, unsigned lane,
                  struct err *err)
{
    static bool (*const decoders[])(struct evt_decoder *, const struct evt_proj *,
                                    const struct evt_meta *, struct str, struct evt_batch *,
                                    struct err *) = {
        [WIRE_TP2] = evt_decode_tp2,       [WIRE_QUERY] = evt_decode_query,
        [WIRE_JSON] = evt_decode_json,     [WIRE_MSGPACK] = evt_decode_msgpack,
        [WIRE_NDJSON] = evt_decode_ndjson, [WIRE_TSV] = evt_decode_tsv,
    };
    if (b->wire == WIRE_DIRECT)
        return direct_unpack(b, err);
    if (!decoders[b->wire](d, p->proj, &b->meta, b->body, &b->events, err))
        return false;
    compute_slots(&b->events, p, lane);
    return true;
}

bool engine_decode(struct engine *e, struct engine_batch *b, struct err *err)
{
    b->plan = engine_plan(e);
    return batch_decode(e->decoders[b->front], b, b->plan, b->front, err);
}
