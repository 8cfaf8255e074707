/* engine.c -- the engine's life, its one door, and what goes through it besides events: reads, subscriptions, swaps.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

#include <stdlib.h>

enum { DOOR_EVENTS = 256 };

static void deliver_nowhere(void *ctx, unsigned front, uint64_t stream, struct push_msg *m) {}

struct engine *engine_new_in_lanes(const struct engine_options *o, unsigned engine_lane,
                                   struct err *err)
{
    struct evt_referers *refs =
        o->referers ? evt_referers_load(o->referers, err) : evt_referers_builtin();
    if (!refs)
        return NULL;
    struct engine *e = xcalloc(1, sizeof(*e));
    e->o = *o;
    e->lane = engine_lane;
    pthread_mutex_init(&e->door, NULL);
    pthread_mutex_init(&e->plan_lock, NULL);
    e->journal = journal_new();
    e->store = store_new(&o->profile);
    e->push = push_new(&o->push, o->deliver ? o->deliver : deliver_nowhere, o->ctx);
    arena_init(&e->scratch);
    plan_ids_init(&e->ids);
    e->referers = refs;
    e->own = evt_decoder_new(refs, o->internal_domains, o->n_internal_domains);
    e->decoders = xcalloc(o->fronts, sizeof(*e->decoders));
    for (unsigned i = 0; i < o->fronts; i++)
        e->decoders[i] = evt_decoder_new(refs, o->internal_domains, o->n_internal_domains);
    struct plan_report report;
    plan_report_init(&report);
    e->plan = plan_build(NULL, 0, &e->ids, &report); /* without rules every event matches nothing */
    plan_report_fini(&report);
    return e;
}

struct engine *engine_new(const struct engine_options *o, struct err *err)
{
    return engine_new_in_lanes(o, o->fronts, err);
}

void engine_free(struct engine *e)
{
    engine_drain(e);
    for (unsigned i = 0; i < e->o.fronts; i++)
        evt_decoder_free(e->decoders[i]);
    free(e->decoders);
    evt_decoder_free(e->own);
    evt_referers_free(e->referers);
    timers_fini(&e->timers);
    push_free(e->push);
    store_free(e->store);
    journal_free(e->journal);
    plan_unref(e->plan);
    plan_ids_fini(&e->ids);
    free(e->rule_by_id);
    arena_fini(&e->scratch);
    pthread_mutex_destroy(&e->door);
    pthread_mutex_destroy(&e->plan_lock);
    free(e);
}

struct plan *engine_plan(struct engine *e)
{
    pthread_mutex_lock(&e->plan_lock);
    struct plan *p = plan_ref(e->plan);
    pthread_mutex_unlock(&e->plan_lock);
    return p;
}

/* One slice behind the door; false when nothing durable is left. */
static bool drain_slice(struct engine *e)
{
    pthread_mutex_lock(&e->door);
    if (!e->current) {
        e->current = journal_take(e->journal);
        e->at = 0;
        e->n_messages = 0;
    }
    struct record *r = e->current;
    if (r && engine_apply(e, r, DOOR_EVENTS)) {
        e->current = NULL;
        e->applied_seq = r->seq;
        if (r->kind == RECORD_BATCH && e->o.applied)
            e->o.applied(e->o.ctx, r->body); /* from here on the batch is its front's again */
        else if (r->kind != RECORD_BATCH)
            free(r);
    }
    pthread_mutex_unlock(&e->door);
    return r != NULL;
}

void engine_drain(struct engine *e)
{
    while (drain_slice(e))
        ;
}

void engine_submit(struct engine *e, struct engine_batch *b, int64_t clock_ms)
{
    b->record = xcalloc(1, sizeof(*b->record));
    b->record->kind = RECORD_BATCH;
    b->record->body = b;
    stat_add(STAT_EVENTS_RECEIVED, (int64_t)b->events.n);
    stat_add(STAT_EVENTS_REJECTED, (int64_t)b->events.n_rejects);
    journal_queue(e->journal, b->record, clock_ms);
    engine_drain(e);
}

void engine_swap(struct engine *e, struct plan *p, int64_t clock_ms)
{
    struct record *r = xcalloc(1, sizeof(*r));
    r->kind = RECORD_SWAP;
    r->body = p;
    journal_queue(e->journal, r, clock_ms);
    engine_drain(e);
}

static int64_t next_due(struct engine *e)
{
    const struct heap_item *next = heap_min(&e->timers.heap);
    return next ? next->due_ms : INT64_MAX;
}

int64_t engine_tick(struct engine *e, int64_t clock_ms)
{
    pthread_mutex_lock(&e->door);
    int64_t now_ms = MAX_OF(clock_ms, e->now_ms);
    bool wanted = next_due(e) <= now_ms || now_ms - e->swept_ms >= SWEEP_EVERY_MS;
    pthread_mutex_unlock(&e->door);
    if (wanted) {
        struct record *r = xcalloc(1, sizeof(*r));
        r->kind = RECORD_TICK;
        journal_queue(e->journal, r, clock_ms);
        engine_drain(e);
    }
    pthread_mutex_lock(&e->door);
    int64_t due = next_due(e);
    pthread_mutex_unlock(&e->door);
    return due;
}

void engine_read(struct engine *e, const struct plan *p, const uint32_t *attrs,
                 const struct str *ids, size_t n, int64_t clock_ms, struct arena *arena,
                 struct val *values)
{
    const struct profile *profile = NULL;
    uint32_t key = UINT32_MAX;
    struct str id = {NULL, 0};
    pthread_mutex_lock(&e->door);
    int64_t now = MAX_OF(clock_ms, e->now_ms);
    for (size_t i = 0; i < n; i++) {
        const struct plan_attr *attr = &p->attrs[attrs[i]];
        uint32_t key_id = p->keys[attr->key].id;
        if (key_id != key || ids[i].p != id.p || ids[i].n != id.n) {
            key = key_id;
            id = ids[i];
            profile = id.p ? store_find(e->store, key, id) : NULL;
        }
        values[i] = profile_read(e->store, profile, p, attr, now, arena);
    }
    pthread_mutex_unlock(&e->door);
}

/* The last message there can have been: of the record under way, if it has sent one, or of those before it. */
static void last_message(const struct engine *e, uint64_t *seq, uint32_t *index)
{
    bool sent = e->current && e->n_messages;
    *seq = sent ? e->current->seq : e->applied_seq;
    *index = sent ? e->n_messages - 1 : UINT32_MAX;
}

bool engine_subscribe(struct engine *e, unsigned front, uint64_t stream,
                      const struct push_target *targets, size_t n, uint64_t after_seq,
                      uint32_t after_index, int64_t clock_ms, uint64_t *seq, uint32_t *index)
{
    pthread_mutex_lock(&e->door);
    size_t waited = push_subscribe(e->push, front, stream, targets, n, after_seq, after_index,
                                   MAX_OF(clock_ms, e->now_ms));
    last_message(e, seq, index);
    pthread_mutex_unlock(&e->door);
    return waited == 0;
}

void engine_unsubscribe(struct engine *e, uint64_t stream)
{
    pthread_mutex_lock(&e->door);
    push_unsubscribe(e->push, stream);
    pthread_mutex_unlock(&e->door);
}

uint64_t engine_digest(struct engine *e)
{
    pthread_mutex_lock(&e->door);
    uint64_t parts[] = {store_digest(e->store), push_digest(e->push), timers_digest(&e->timers)};
    pthread_mutex_unlock(&e->door);
    return str_hash((struct str){(const char *)parts, sizeof(parts)});
}
