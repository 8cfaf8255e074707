/* engine.c -- the engine's life, its one door, and what goes through it besides events: reads, subscriptions, swaps.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

#include <poll.h>
#include <stdlib.h>

/* A record comes at least so often, so that time passes. */
enum { DOOR_EVENTS = 256, TICK_AT_LEAST_MS = 60000, WAIT_FOR_DISK_MS = 5 };

static void deliver_nowhere(void *ctx, unsigned front, uint64_t stream, struct push_msg *m) {}

static void journal_moved(void *ctx)
{
    struct engine *e = ctx;
    if (e->o.durable)
        e->o.durable(e->o.ctx);
}

struct engine *engine_new_in_lanes(const struct engine_options *o, unsigned engine_lane,
                                   struct err *err)
{
    struct evt_referers *refs =
        o->referers ? evt_referers_load(o->referers, err) : evt_referers_builtin();
    if (!refs)
        return NULL;
    struct engine *e = xcalloc(1, sizeof(*e));
    struct journal_options journal = o->journal;
    journal.durable = journal_moved;
    journal.ctx = e;
    e->o = *o;
    e->lane = engine_lane;
    e->journal = journal_open(&journal, err);
    if (!e->journal) {
        evt_referers_free(refs);
        free(e);
        return NULL;
    }
    pthread_mutex_init(&e->door, NULL);
    pthread_mutex_init(&e->plan_lock, NULL);
    pthread_cond_init(&e->boundary, NULL);
    e->store = store_new(&o->profile);
    e->swap_settled = true;
    timers_init(&e->timers, e->store, journal_keeps(e->journal));
    e->push = push_new(&o->push, o->deliver ? o->deliver : deliver_nowhere, o->ctx);
    arena_init(&e->scratch);
    arena_init(&e->cold.arena);
    plan_ids_init(&e->ids);
    e->referers = refs;
    e->own = evt_decoder_new(refs, o->internal_domains, o->n_internal_domains);
    evt_decoder_campaign(e->own, o->campaign);
    e->decoders = xcalloc(o->fronts, sizeof(*e->decoders));
    for (unsigned i = 0; i < o->fronts; i++) {
        e->decoders[i] = evt_decoder_new(refs, o->internal_domains, o->n_internal_domains);
        evt_decoder_campaign(e->decoders[i], o->campaign);
    }
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

/* A record that was applied, or never will be. */
static void record_done(struct engine *e, struct record *r, bool applied)
{
    struct swap *swap = r->body;
    if (r->kind == RECORD_BATCH) {
        if (applied && e->o.applied)
            e->o.applied(e->o.ctx, r->body); /* from here on the batch is its front's again */
        else if (!applied)
            engine_batch_free(r->body);
        return;
    }
    if (r->kind == RECORD_SWAP && !applied)
        plan_unref(swap->plan);
    if (r->kind == RECORD_SWAP && (swap->left || !applied))
        free(swap);
    free((char *)r->bytes.p);
    free(r);
}

void engine_free(struct engine *e)
{
    struct record *next, *never = journal_stop(e->journal);
    engine_drain(e);
    for (struct record *r; (r = journal_take(e->journal));) /* behind one that can't be applied */
        record_done(e, r, false);
    if (e->current) /* it waited for something that is damaged */
        record_done(e, e->current, false);
    for (struct record *r = never; r; r = next) {
        next = r->next;
        record_done(e, r, false);
    }
    saving_free(e);
    for (unsigned i = 0; i < e->o.fronts; i++)
        evt_decoder_free(e->decoders[i]);
    free(e->decoders);
    evt_decoder_free(e->own);
    evt_referers_free(e->referers);
    push_free(e->push);
    store_free(e->store);
    timers_fini(&e->timers);
    journal_close(e->journal);
    plan_unref(e->plan);
    plan_ids_fini(&e->ids);
    free(e->rule_by_id);
    free(e->cold.ids);
    arena_fini(&e->cold.arena);
    buf_fini(&e->rules);
    free(e->spans);
    histories_fini(&e->histories);
    arena_fini(&e->scratch);
    pthread_cond_destroy(&e->boundary);
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

/* The record under way needs what is on disk: this thread reads it, and the others leave the door alone meanwhile. */
static bool serve_cold(struct engine *e)
{
    struct err err = {0};
    pthread_mutex_unlock(&e->door);
    bool good = cold_serve(e, &err);
    pthread_mutex_lock(&e->door);
    e->fetching = false;
    if (!good) {
        __atomic_store_n(&e->damaged, true, __ATOMIC_RELAXED);
        pthread_cond_broadcast(&e->boundary);
        log_error("nothing is taken in any more until a restart: %s", err.text);
    }
    return good;
}

static void end_record(struct engine *e, struct record *r)
{
    e->current = NULL;
    e->applied_seq = r->seq;
    e->ticking &= r->kind != RECORD_TICK;
    if (e->save_wanted) {
        saving_begin(e);
        pthread_cond_broadcast(&e->boundary);
    }
    record_done(e, r, true);
}

/* One slice behind the door; false when nothing durable is left for this thread. */
static bool drain_slice(struct engine *e)
{
    pthread_mutex_lock(&e->door);
    bool mine = !e->fetching && !e->damaged;
    if (mine && !e->current) {
        e->current = journal_take(e->journal);
        e->at = 0;
        e->n_messages = 0;
    }
    struct record *r = mine ? e->current : NULL;
    enum applied how = r ? engine_apply(e, r, DOOR_EVENTS) : APPLIED_PART;
    bool more = r != NULL;
    if (how == APPLIED_COLD) {
        e->fetching = true;
        more = serve_cold(e);
    } else if (how == APPLIED_WHOLE) {
        end_record(e, r);
    }
    pthread_mutex_unlock(&e->door);
    return more;
}

void engine_drain(struct engine *e)
{
    while (drain_slice(e))
        ;
}

void engine_advance(struct engine *e)
{
    engine_drain(e);
}

/* The copy of a record's bytes is freed with it. */
static struct str keep_bytes(struct str s)
{
    char *copy = xmalloc(s.n);
    if (s.n)
        memcpy(copy, s.p, s.n);
    return (struct str){copy, s.n};
}

static void pack_record(struct engine *e, struct engine_batch *b)
{
    struct buf bytes = {0};
    cold_warm_batch(e, b);
    batch_pack(b, &bytes);
    b->record->bytes = buf_str(&bytes); /* engine_batch_free frees it */
    for (size_t i = 0; i < b->events.n; i++) {
        b->record->least_ms = MIN_OF(b->record->least_ms, b->events.evts[i].ts_ms);
        b->record->greatest_ms = MAX_OF(b->record->greatest_ms, b->events.evts[i].ts_ms);
    }
}

static struct record *record_new(enum record_kind kind, void *body)
{
    struct record *r = xcalloc(1, sizeof(*r));
    *r = (struct record){
        .kind = kind, .body = body, .least_ms = INT64_MAX, .greatest_ms = INT64_MIN};
    return r;
}

void engine_submit(struct engine *e, struct engine_batch *b, int64_t clock_ms)
{
    b->record = record_new(RECORD_BATCH, b);
    stat_add(STAT_EVENTS_RECEIVED, (int64_t)b->events.n);
    stat_add(STAT_EVENTS_REJECTED, (int64_t)b->events.n_rejects);
    if (journal_keeps(e->journal))
        pack_record(e, b);
    bool at_once = !journal_keeps(e->journal);
    journal_queue(e->journal, b->record, clock_ms);
    if (at_once)
        engine_drain(e);
}

static bool swap_applied(struct engine *e, struct swap *swap)
{
    pthread_mutex_lock(&e->door);
    bool applied = swap->applied;
    pthread_mutex_unlock(&e->door);
    return applied;
}

void engine_swap(struct engine *e, struct plan *p, struct str kept, int64_t clock_ms)
{
    struct err err = {0};
    struct swap *swap = xcalloc(1, sizeof(*swap));
    struct record *r = record_new(RECORD_SWAP, swap);
    swap->plan = p;
    swap->ready = e->swap_settled && cold_warm_swap(e, p, &err);
    r->bytes = keep_bytes(kept);
    journal_queue(e->journal, r, clock_ms);
    for (engine_drain(e); !swap_applied(e, swap) && engine_journal_state(e) == JOURNAL_OPEN;
         engine_drain(e))
        poll(NULL, 0, 1); /* cut short by a signal, or not: it is looked at again */
    pthread_mutex_lock(&e->door);
    e->swap_settled = swap->applied;
    swap->left = true;
    if (e->swap_settled)
        free(swap);
    pthread_mutex_unlock(&e->door);
    if (!e->swap_settled)
        log_warn("rules: the new ones wait for the disk, as everything that is written does");
}

static int64_t next_due(const struct engine *e)
{
    const struct heap_item *next = heap_min(&e->timers.heap);
    return next ? next->due_ms : INT64_MAX;
}

/* Frees what is past: nobody can see the difference, so it is no record. As of the newest record, since a clock may be set
 * back. */
static void sweep(struct engine *e)
{
    enum { SWEEP_PROFILES = 2000 };
    store_sweep(e->store, e->plan, e->now_ms, SWEEP_PROFILES,
                e->now_ms - e->swapped_ms >= UNKNOWN_KEPT_MS);
    push_expire(e->push, e->now_ms);
}

/* Is there a reason for a record that only says that time has passed? */
static bool tick_wanted(const struct engine *e, int64_t now_ms)
{
    bool long_ago = e->applied_seq > 0 && now_ms - e->now_ms >= TICK_AT_LEAST_MS;
    return !e->ticking && (next_due(e) <= now_ms || long_ago);
}

int64_t engine_tick(struct engine *e, int64_t clock_ms)
{
    journal_pass(e->journal, clock_ms);
    pthread_mutex_lock(&e->door);
    int64_t now_ms = MAX_OF(clock_ms, e->now_ms);
    bool between = !e->current && !e->damaged && !e->fetching,
         read = between && cold_due(e, now_ms);
    if (read) {
        e->fetching = true;
        serve_cold(e);
    }
    if (between && now_ms - e->swept_ms >= SWEEP_EVERY_MS) {
        e->swept_ms = now_ms;
        sweep(e);
    }
    bool wanted = tick_wanted(e, now_ms) && engine_journal_state(e) == JOURNAL_OPEN;
    e->ticking |= wanted;
    pthread_mutex_unlock(&e->door);
    if (wanted)
        journal_queue(e->journal, record_new(RECORD_TICK, NULL), clock_ms);
    if (wanted || read) /* what became durable meanwhile found nobody at the door */
        engine_drain(e);
    pthread_mutex_lock(&e->door);
    int64_t due = next_due(e);
    bool waits =
        e->ticking || (due <= now_ms && !wanted); /* for the disk: its end is told by itself */
    pthread_mutex_unlock(&e->door);
    return waits ? MAX_OF(due, now_ms + WAIT_FOR_DISK_MS) : due;
}

bool engine_idle(struct engine *e)
{
    pthread_mutex_lock(&e->door);
    bool idle = !e->current && e->applied_seq == journal_seq(e->journal);
    pthread_mutex_unlock(&e->door);
    return idle;
}

uint64_t engine_seq(struct engine *e)
{
    pthread_mutex_lock(&e->door);
    uint64_t seq = e->applied_seq;
    pthread_mutex_unlock(&e->door);
    return seq;
}

enum journal_state engine_journal_state(struct engine *e)
{
    return __atomic_load_n(&e->damaged, __ATOMIC_RELAXED) ? JOURNAL_FAILED
                                                          : journal_state(e->journal);
}

uint64_t engine_epoch(const struct engine *e)
{
    return journal_epoch(e->journal);
}

bool engine_copy(struct engine *e, const char *dir, struct err *err)
{
    return journal_copy(e->journal, dir, err);
}

/* The last message there can have been: of the record under way, if it has sent one, or of those before it. */
static void last_message(const struct engine *e, uint64_t *seq, uint32_t *index)
{
    bool sent = e->current && e->n_messages;
    *seq = sent ? e->current->seq : e->applied_seq;
    *index = sent ? e->n_messages - 1 : UINT32_MAX;
}

void engine_subscribe(struct engine *e, unsigned front, uint64_t stream,
                      const struct push_target *targets, size_t n, uint64_t after_seq,
                      uint32_t after_index, int64_t clock_ms)
{
    uint64_t seq;
    uint32_t index;
    pthread_mutex_lock(&e->door);
    push_subscribe(e->push, front, stream, targets, n, after_seq, after_index,
                   MAX_OF(clock_ms, e->now_ms));
    last_message(e, &seq, &index);
    if (after_seq == 0 && seq > 0)
        push_position(e->push, front, stream, seq, index);
    pthread_mutex_unlock(&e->door);
}

void engine_unsubscribe(struct engine *e, uint64_t stream)
{
    pthread_mutex_lock(&e->door);
    push_unsubscribe(e->push, stream);
    pthread_mutex_unlock(&e->door);
}

uint64_t engine_digest(struct engine *e)
{
    struct err err = {0};
    if (!cold_warm_all(e, &err))
        log_error("%s", err.text);
    pthread_mutex_lock(&e->door);
    for (int round = 0; round < 2; round++) /* one profile may be missed while others go */
        store_sweep(e->store, e->plan, e->now_ms, store_count(e->store) + 1,
                    e->now_ms - e->swapped_ms >= UNKNOWN_KEPT_MS);
    push_expire(e->push, e->now_ms);
    uint64_t parts[] = {store_digest(e->store), push_digest(e->push), timers_digest(&e->timers),
                        histories_digest(&e->histories)};
    pthread_mutex_unlock(&e->door);
    return str_hash((struct str){(const char *)parts, sizeof(parts)});
}
