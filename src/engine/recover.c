/* recover.c -- a start: the state as of the last write-back, then every record behind it, applied as it was the first time.
 *
 * Profiles are not loaded here: they are read when something needs them, a replayed record not least.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

#include <stdlib.h>

/* Event functions run where they ran: in a front's lane, of which none is served yet. */
enum { FRONT_LANE = 0 };
/* What was not stopped the first time must not be stopped now, on a machine that is busy with starting; what never ends must. */
enum { REPLAY_PATIENCE = 1000 };

struct replay {
    struct engine *e;
    struct rules *rules;
    uint64_t n_records, n_events;
};

static bool damaged(struct err *err, uint64_t seq, const char *what)
{
    return err_set(err,
                   "journal: record %llu holds %s that make no sense: restore a backup, or see "
                   "`signalbox journal salvage`",
                   (unsigned long long)seq, what);
}

/* The first error of a report, for a person. */
static bool rules_gone(struct err *err, const struct plan_report *report)
{
    static const struct plan_problem unsaid;
    const struct plan_problem *p = &unsaid;
    for (size_t i = 0; i < report->n && p == &unsaid; i++)
        if (!report->items[i].warning)
            p = &report->items[i];
    return err_set(err, "the rules that were in force do not load any more: %.*s%s%.*s",
                   STR_FMT(p->file), p->file.n ? ": " : "", STR_FMT(p->text));
}

static struct plan *unpack_rules(struct engine *e, struct rules *r, struct str bytes,
                                 struct err *err)
{
    struct plan_report report;
    plan_report_init(&report);
    struct plan *p = rules_unpack(r, &e->ids, e->lane, bytes, &report);
    if (!p)
        rules_gone(err, &report);
    plan_report_fini(&report);
    return p;
}

/* As behind the door, a slice at a time; what must be read from disk is read in between. */
static bool apply(struct engine *e, struct record *r, struct err *err)
{
    enum applied how;
    bool good = true;
    pthread_mutex_lock(&e->door);
    e->current = r;
    e->at = 0;
    e->n_messages = 0;
    while (good && (how = engine_apply(e, r, 256)) != APPLIED_WHOLE)
        if (how == APPLIED_COLD) {
            pthread_mutex_unlock(&e->door);
            good = cold_serve(e, err);
            pthread_mutex_lock(&e->door);
        }
    e->current = NULL;
    e->applied_seq = r->seq;
    pthread_mutex_unlock(&e->door);
    return good;
}

static bool replay_batch(struct replay *p, struct record *r, struct err *err)
{
    struct engine *e = p->e;
    struct engine_batch *b = batch_unpack(r->bytes);
    struct err why = {0};
    if (!b)
        return damaged(err, r->seq, "events");
    b->plan = plan_ref(e->plan);
    r->body = b;
    bool good =
        batch_decode(e->own, b, b->plan, FRONT_LANE, &why) || damaged(err, r->seq, "events");
    p->n_events += b->events.n;
    good = good && apply(e, r, err);
    engine_batch_free(b);
    return good;
}

static bool replay_swap(struct replay *p, struct record *r, struct err *err)
{
    struct err why = {0};
    struct swap swap = {.plan = unpack_rules(p->e, p->rules, r->bytes, &why)};
    if (!swap.plan)
        return err_set(err,
                       "journal: record %llu: %s; start the version that was running, with its "
                       "options, and stop it with SIGTERM, so that nothing is left to replay",
                       (unsigned long long)r->seq, why.text);
    r->body = &swap;
    return apply(p->e, r, err);
}

static bool replay(void *ctx, const struct record_view *view, struct err *err)
{
    struct replay *p = ctx;
    struct record r = {
        .kind = view->kind, .seq = view->seq, .now_ms = view->now_ms, .bytes = view->bytes};
    p->n_records++;
    switch (r.kind) {
    case RECORD_BATCH:
        return replay_batch(p, &r, err);
    case RECORD_SWAP:
        return replay_swap(p, &r, err);
    case RECORD_TICK:
        return apply(p->e, &r, err);
    }
    return damaged(err, r.seq, "bytes of an unknown kind");
}

/* The rules that were in force. With nothing to replay a version that can't load them any more may go on: those on disk follow
 * at once, and the numbers say which state is whose. */
static bool take_rules(struct engine *e, struct rules *r, const struct engine_kept *kept,
                       struct str rules, struct err *err)
{
    struct err why = {0};
    struct plan *p = unpack_rules(e, r, rules, &why);
    if (p) {
        p->generation = kept->generation;
        engine_take_plan(e, p);
        buf_put(&e->rules, rules.p, rules.n);
        return true;
    }
    bool tail = journal_seq(e->journal) > journal_base(e->journal)->seq;
    if (tail || !rules_unpack_ids(&e->ids, rules))
        return err_set(
            err,
            "journal: %s; start the version that was running, with its options, and stop "
            "it with SIGTERM, so that nothing is left to replay",
            why.text);
    rules_pack(
        r, &e->ids,
        &e->rules); /* no file, all the numbers: the next start knows whose state is whose too */
    log_warn("journal: %s; those on disk are taken instead", why.text);
    return true;
}

/* The state as of the last write-back, but for its profiles. */
static bool take_base(struct engine *e, struct rules *r, struct err *err)
{
    const struct journal_base *base = journal_base(e->journal);
    struct engine_kept kept = {0};
    struct str rules;
    struct unpack in = unpack_of(base->state);
    bool good = kept_unpack(&in, &kept, &rules);
    e->spans = kept.spans;
    e->n_spans = kept.n_spans;
    e->histories = kept.histories;
    if (!good)
        return err_set(
            err,
            "journal: its state was written by another version: use that one, or restore a backup");
    if (rules.n && !take_rules(e, r, &kept, rules, err))
        return false;
    e->now_ms = kept.now_ms;
    e->swapped_ms = kept.swapped_ms;
    e->swept_ms = kept.swept_ms;
    e->applied_seq = base->seq;
    if (!push_restore(e->push, &in) || !unpack_done(&in))
        return err_set(err, "journal: the interventions that wait make no sense: restore a backup");
    return true;
}

bool engine_recover(struct engine *e, struct rules *r, struct err *err)
{
    struct replay p = {.e = e, .rules = r};
    if (journal_keeps(e->journal)) {
        const struct journal_base *base = journal_base(e->journal);
        if (base->generation && !take_base(e, r, err))
            return false;
        e->may_be_cold = journal_has_pages(e->journal);
        e->due_loaded_ms = e->now_ms - 1; /* what was due before then has run */
        script_patience(REPLAY_PATIENCE);
        bool good = journal_scan(e->journal, base->seq + 1, replay, &p, err);
        script_patience(1);
        if (!good)
            return false;
        log_info("journal: %llu records with %llu events since the last write-back were applied "
                 "again; the last record is %llu",
                 (unsigned long long)p.n_records, (unsigned long long)p.n_events,
                 (unsigned long long)e->applied_seq);
    }
    journal_start(e->journal);
    return true;
}
