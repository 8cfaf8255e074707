/* apply.c -- the whole pipeline: timers that are due, then each event: dedupe -> match -> profile -> rule -> push.
 *
 * Everything here is a function of the state and the record: the same records give the same state and the same messages.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

#include <stdlib.h>

enum { LOOK_AHEAD = 16, AS_IN_A_FRONT = 10 };

/* One event while it is applied. */
struct visit {
    struct engine *e;
    const struct plan *plan;
    struct evt *evt;
    uint64_t seq, salt;
    int64_t now_ms;
    bool history;              /* it fires nothing */
    struct str *ids;           /* per key of the plan; empty when the event carries none */
    struct profile **profiles; /* per key; NULL until touched */
    signed char *fresh;        /* per key: -1 not asked yet, 0 seen before, 1 new to this profile */
    struct who *who;           /* the ids that are there, for firings and timers */
    size_t n_who;
};

/* A rule that this event may turn. */
struct watched {
    struct rule_view view;
    struct val *before;
    enum cond_truth held;
};

static void visit_identify(struct visit *v)
{
    struct arena *a = &v->e->scratch;
    size_t n = v->plan->n_keys;
    v->ids = arena_alloc(a, n * sizeof(*v->ids));
    v->profiles = arena_zalloc(a, n * sizeof(*v->profiles));
    v->fresh = arena_alloc(a, n);
    v->who = arena_alloc(a, n * sizeof(*v->who));
    memset(v->fresh, -1, n);
    for (size_t k = 0; k < n; k++) {
        v->ids[k] = key_identifier(&v->plan->keys[k], v->evt, a);
        if (v->ids[k].n)
            v->who[v->n_who++] = (struct who){v->plan->keys[k].id, v->ids[k]};
        else
            stat_add(STAT_IDENTIFIERS_LONG,
                     plan_identifier_long(v->evt->slots[v->plan->keys[k].slot]));
    }
}

/* Has the profile of this key not seen the event before? Asked once an event and key: the answer is remembered. */
static bool visit_fresh(struct visit *v, uint32_t key)
{
    if (v->ids[key].n == 0)
        return false;
    if (v->fresh[key] < 0) {
        v->profiles[key] = store_touch(v->e->store, v->plan->keys[key].id, v->ids[key]);
        v->fresh[key] = !profile_seen(v->e->store, v->profiles[key], v->evt->id, v->now_ms);
    }
    return v->fresh[key];
}

/* Each event counts once, however many profiles it went to. */
static void visit_count(const struct visit *v)
{
    bool asked = memchr(v->fresh, 0, v->plan->n_keys) != NULL,
         fresh = memchr(v->fresh, 1, v->plan->n_keys) != NULL;
    stat_add(STAT_EVENTS_PROCESSED, fresh);
    stat_add(STAT_EVENTS_DUPLICATE, asked && !fresh);
}

static struct rule_view view_of(struct engine *e, const struct plan_rule *rule,
                                const struct who *who, size_t n_who)
{
    struct profile **profiles =
        arena_alloc(&e->scratch, (rule->n_keys + 1) * sizeof(struct profile *));
    for (size_t i = 0; i < rule->n_keys; i++) {
        uint32_t key_id = e->plan->keys[rule->keys[i]].id;
        struct str id = who_find(who, n_who, key_id);
        profiles[i] = id.n ? store_find(e->store, key_id, id) : NULL;
    }
    return (struct rule_view){e->store, e->plan, rule, profiles};
}

static bool criteria_read(const struct plan *p, const struct plan_rule *rule, uint32_t key_id)
{
    for (size_t i = 0; i < rule->n_when_reads; i++)
        if (p->keys[p->attrs[rule->reads[i]].key].id == key_id)
            return true;
    return false;
}

static bool names_key(const struct plan *p, const uint32_t *keys, size_t n, uint32_t key_id)
{
    for (size_t i = 0; i < n; i++)
        if (p->keys[keys[i]].id == key_id)
            return true;
    return false;
}

/* The identifiers that matter to a rule: first those its criteria are read at, n_read of them, then those of its payload and
 * of whom it tells. */
static size_t who_of(const struct plan *p, const struct plan_rule *rule, const struct who *who,
                     size_t n_who, struct who *out, size_t *n_read)
{
    size_t n = 0;
    for (size_t i = 0; i < n_who; i++)
        if (criteria_read(p, rule, who[i].key_id))
            out[n++] = who[i];
    *n_read = n;
    for (size_t i = 0; i < n_who; i++)
        if (!criteria_read(p, rule, who[i].key_id) &&
            (names_key(p, rule->keys, rule->n_keys, who[i].key_id) ||
             names_key(p, rule->targets, rule->n_targets, who[i].key_id)))
            out[n++] = who[i];
    return n;
}

static void arm_timer(struct engine *e, const struct rule_view *view, const struct who *who,
                      size_t n_who, int64_t now_ms)
{
    if (!view->rule->fades)
        return;
    struct who *its = arena_alloc(&e->scratch, n_who * sizeof(*its));
    size_t n_read, n = who_of(e->plan, view->rule, who, n_who, its, &n_read);
    timers_set(&e->timers, view->rule->id, its, n_read, n, rule_next_crossing(view, now_ms));
}

static void fire_for(struct visit *v, const struct plan_rule *rule, const struct val *reads)
{
    struct who *its = arena_alloc(&v->e->scratch, v->n_who * sizeof(*its));
    size_t n_read;
    struct firing f = {
        .rule = rule,
        .who = its,
        .n_who = who_of(v->plan, rule, v->who, v->n_who, its, &n_read),
        .reads = reads,
        .evt = v->evt,
        .seq = v->seq,
        .salt = v->salt,
        .now_ms = v->now_ms,
    };
    engine_fire(v->e, &f);
}

/* The rules that the series at hand concern, each once, as they stand without the event. */
static struct watched *watch(struct visit *v, const uint32_t *series, size_t n_series,
                             size_t *n_out)
{
    struct arena *a = &v->e->scratch;
    const struct plan *p = v->plan;
    struct watched *list = NULL;
    size_t n = 0, cap = 0;
    for (size_t i = 0; i < n_series; i++)
        cap += p->series[series[i]].n_rules;
    list = arena_alloc(a, cap * sizeof(*list));
    for (size_t i = 0; i < n_series; i++)
        for (size_t r = 0; r < p->series[series[i]].n_rules; r++) {
            const struct plan_rule *rule = &p->rules[p->series[series[i]].rules[r]];
            bool known = false;
            for (size_t k = 0; k < n; k++)
                known |= list[k].view.rule == rule;
            if (known)
                continue;
            struct watched *w = &list[n++];
            w->view = view_of(v->e, rule, v->who, v->n_who);
            if (v->history)
                continue;
            w->before = rule_read(&w->view, v->now_ms, a);
            w->held = rule_holds(&w->view, w->before, NULL, v->e->lane, a);
        }
    *n_out = n;
    return list;
}

static void settle(struct visit *v, struct watched *list, size_t n)
{
    struct arena *a = &v->e->scratch;
    for (size_t i = 0; i < n; i++) {
        struct watched *w = &list[i];
        struct val *after = v->history ? NULL : rule_read(&w->view, v->now_ms, a);
        if (!v->history && w->held == COND_FALSE &&
            rule_holds(&w->view, after, w->before, v->e->lane, a) == COND_TRUE)
            fire_for(v, w->view.rule, after);
        arm_timer(v->e, &w->view, v->who, v->n_who, v->now_ms);
    }
}

/* Rules whose `when` is this event: each new event fires, for the first target it carries an identifier of. */
static void fire_on_event(struct visit *v, const uint32_t *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct plan_rule *rule = &v->plan->rules[rules[i]];
        for (size_t t = 0; t < rule->n_targets; t++) {
            if (v->ids[rule->targets[t]].n == 0)
                continue;
            if (visit_fresh(v, rule->targets[t])) {
                struct rule_view view = view_of(v->e, rule, v->who, v->n_who);
                fire_for(v, rule, rule_read(&view, v->now_ms, &v->e->scratch));
            }
            break;
        }
    }
}

static void apply_event(struct engine *e, struct record *r, struct evt *evt, size_t index)
{
    const struct engine_batch *b = r->body;
    struct visit v = {.e = e,
                      .plan = e->plan,
                      .evt = evt,
                      .seq = r->seq,
                      .salt = index,
                      .now_ms = r->now_ms,
                      .history = b->history};
    struct plan_hits hits;
    size_t n = 0, n_watched;
    arena_reset(&e->scratch);
    plan_match_event(e->plan, evt, e->lane, &e->scratch, &hits);
    if (hits.n_series + hits.n_rules == 0)
        return;
    visit_identify(&v);
    for (size_t i = 0; i < hits.n_series; i++)
        if (visit_fresh(&v, e->plan->series[hits.series[i]].key))
            hits.series[n++] = hits.series[i];
    struct watched *watched = watch(&v, hits.series, n, &n_watched);
    int64_t ts_ms =
        MIN_OF(evt->ts_ms, r->now_ms); /* a clock ahead of ours must not reach into the future */
    for (size_t i = 0; i < n; i++) {
        const struct plan_series *s = &e->plan->series[hits.series[i]];
        struct val value = s->slot >= 0 ? evt->slots[s->slot] : val_null;
        profile_add(e->store, v.profiles[s->key], s, ts_ms, value, r->now_ms);
    }
    settle(&v, watched, n_watched);
    if (!v.history)
        fire_on_event(&v, hits.rules, hits.n_rules);
    visit_count(&v);
}

/* A moment at which something a rule reads faded: was it false just before, and is it true now? */
static void apply_timer(struct engine *e, struct record *r, struct timer *timer)
{
    int64_t due = timer->item.due_ms;
    uint32_t at = timer->rule_id < e->n_rule_ids ? e->rule_by_id[timer->rule_id] : 0;
    if (!at && r->now_ms - e->swapped_ms <
                   UNKNOWN_KEPT_MS) /* its rule may come back: that makes it due at once */
        timers_set(&e->timers, timer->rule_id, timer->who, timer->n_read, timer->n,
                   e->swapped_ms + UNKNOWN_KEPT_MS);
    if (!at || !e->plan->rules[at - 1].when)
        return;
    const struct plan_rule *rule = &e->plan->rules[at - 1];
    struct rule_view view = view_of(e, rule, timer->who, timer->n);
    struct val *before = rule_read(&view, due - 1, &e->scratch),
               *now = rule_read(&view, due, &e->scratch);
    if (rule_holds(&view, before, NULL, e->lane, &e->scratch) == COND_FALSE &&
        rule_holds(&view, now, NULL, e->lane, &e->scratch) == COND_TRUE) {
        struct firing f = {
            .rule = rule,
            .who = timer->who,
            .n_who = timer->n,
            .reads = now,
            .seq = r->seq,
            .salt = (uint64_t)due ^ timer->item.tie,
            .now_ms = due,
        };
        engine_fire(e, &f);
    }
    arm_timer(e, &view, timer->who, timer->n, due);
}

static uint64_t form_of(const struct plan *p, const uint32_t *by_id, size_t n, uint32_t rule_id)
{
    uint32_t at = rule_id < n ? by_id[rule_id] : 0;
    return at ? p->rules[at - 1].form : 0;
}

bool rule_form_changed(const struct engine *e, const struct plan *to, uint32_t rule_id)
{
    for (size_t i = 0; i < to->n_rules; i++)
        if (to->rules[i].id == rule_id)
            return to->rules[i].form != form_of(e->plan, e->rule_by_id, e->n_rule_ids, rule_id);
    return false; /* gone: its timers wait in case it comes back */
}

/* The plan before a swap, and the engine after it. */
struct change {
    const struct engine *e;
    const struct plan *old;
    const uint32_t *old_by_id;
    size_t n_old_ids;
};

/* Does a rule mean something else than when its timers were armed, so that their time may be wrong? */
static bool form_changed(const void *ctx, uint32_t rule_id)
{
    const struct change *c = ctx;
    if (rule_id >= c->e->n_rule_ids || !c->e->rule_by_id[rule_id])
        return false;
    return form_of(c->old, c->old_by_id, c->n_old_ids, rule_id) !=
           form_of(c->e->plan, c->e->rule_by_id, c->e->n_rule_ids, rule_id);
}

/* A series that is kept for longer from now on: what was past stays past. */
static void widen(struct engine *e, const struct plan *p, int64_t now_ms)
{
    size_t n = e->n_spans;
    for (size_t i = 0; i < p->n_series; i++)
        n = MAX_OF(n, (size_t)p->series[i].id + 1);
    e->spans = xrealloc(e->spans, n * sizeof(*e->spans));
    memset(e->spans + e->n_spans, 0, (n - e->n_spans) * sizeof(*e->spans));
    e->n_spans = n;
    for (size_t i = 0; i < p->n_series; i++) {
        struct span *span = &e->spans[p->series[i].id];
        int64_t longest = p->series[i].longest_ms;
        if (span->longest_ms && longest > span->longest_ms)
            span->hidden_ms = MAX_OF(span->hidden_ms, now_ms - span->longest_ms);
        span->longest_ms = longest;
    }
}

void engine_take_plan(struct engine *e, struct plan *p)
{
    for (size_t i = 0; i < p->n_series; i++)
        if (p->series[i].id < e->n_spans)
            p->series[i].hidden_ms = e->spans[p->series[i].id].hidden_ms;
    pthread_mutex_lock(&e->plan_lock);
    struct plan *old = e->plan;
    e->plan = p;
    pthread_mutex_unlock(&e->plan_lock);
    size_t n = 0;
    for (size_t i = 0; i < p->n_rules; i++)
        n = MAX_OF(n, (size_t)p->rules[i].id + 1);
    free(e->rule_by_id);
    e->rule_by_id = xcalloc(n, sizeof(*e->rule_by_id));
    e->n_rule_ids = n;
    for (size_t i = 0; i < p->n_rules; i++)
        e->rule_by_id[p->rules[i].id] = (uint32_t)i + 1;
    store_plan(e->store, p);
    plan_unref(old);
}

static void apply_swap(struct engine *e, struct record *r)
{
    struct swap *swap = r->body;
    struct change change = {e, plan_ref(e->plan), e->rule_by_id, e->n_rule_ids};
    e->rule_by_id = NULL;
    swap->plan->generation = change.old->generation + 1;
    widen(e, swap->plan, r->now_ms);
    engine_take_plan(e, swap->plan);
    e->swapped_ms = r->now_ms;
    e->rules.n = 0;
    buf_put(&e->rules, r->bytes.p, r->bytes.n);
    timers_hasten(&e->timers, form_changed, &change, r->now_ms);
    plan_unref((struct plan *)change.old);
    free((uint32_t *)change.old_by_id);
    swap->applied = true;
}

/* Queued with an older plan, applied with a newer: read again from the body. It was accepted, so it can be read. */
static void decode_again(struct engine *e, struct engine_batch *b)
{
    size_t n = b->events.n;
    evt_batch_fini(&b->events);
    evt_batch_init(&b->events);
    plan_unref(b->plan);
    b->plan = plan_ref(e->plan);
    stat_add(STAT_EVENTS_REDECODED, (int64_t)n);
    struct err err = {0};
    script_patience(
        AS_IN_A_FRONT); /* their functions have a front's time, which is longer than the engine's */
    bool good = batch_decode(e->own, b, b->plan, e->lane, &err);
    script_patience(1);
    if (!good)
        log_error("a body that was accepted could not be read again: %s", err.text);
}

/* Asks for the memory of profiles that a later event of the batch will touch: most of what an event of a cold profile costs
 * is waiting for it. */
static void look_ahead(struct engine *e, const struct evt_batch *events, size_t at)
{
    if (at >= events->n || events->n < LOOK_AHEAD / 4) /* too few to be ahead of anything */
        return;
    for (size_t k = 0; k < e->plan->n_keys; k++) {
        struct val id = events->evts[at].slots[e->plan->keys[k].slot];
        if (e->plan->keys[k].counted && id.type == VAL_STR)
            store_prefetch(e->store, e->plan->keys[k].id, val_as_str(id));
    }
}

/* Timers that are due come before the record; at most *n of them. */
static enum applied apply_due(struct engine *e, struct record *r, size_t *n)
{
    struct timer *timer;
    if (cold_due(e, r->now_ms))
        return APPLIED_COLD;
    for (; *n && (timer = timers_due(&e->timers, r->now_ms)); --*n) {
        arena_reset(&e->scratch);
        if (cold_timer(e, timer))
            return APPLIED_COLD;
        timers_take(&e->timers, timer);
        apply_timer(e, r, timer);
        timer_free(timer);
    }
    return *n ? APPLIED_WHOLE
              : APPLIED_PART; /* more may be due: the next slice goes on with them */
}

static enum applied apply_batch(struct engine *e, struct record *r, struct engine_batch *b,
                                size_t n)
{
    if (b->plan != e->plan)
        decode_again(e, b);
    if (e->at == 0 && cold_batch(e, b))
        return APPLIED_COLD;
    if (b->direct)
        direct_apply(e, r, b);
    if (e->at == 0 && b->history) {
        b->history->said = histories_move(&e->histories, b->history);
        if (b->history->said != HISTORY_TAKEN)
            return APPLIED_WHOLE;
    }
    if (e->at == 0)
        for (size_t i = 0; i < LOOK_AHEAD; i++)
            look_ahead(e, &b->events, i);
    for (; n && e->at < b->events.n; n--, e->at++) {
        look_ahead(e, &b->events, e->at + LOOK_AHEAD);
        apply_event(e, r, &b->events.evts[e->at], e->at);
    }
    return e->at == b->events.n ? APPLIED_WHOLE : APPLIED_PART;
}

static bool cold_swap(struct engine *e, struct swap *swap)
{
    if (!e->may_be_cold || swap->ready)
        return false;
    e->cold.rules = true;
    e->cold.swap = swap->plan;
    return swap->ready = true;
}

enum applied engine_apply(struct engine *e, struct record *r, size_t n)
{
    if (e->at == 0) {
        enum applied due = apply_due(e, r, &n);
        if (due != APPLIED_WHOLE)
            return due;
        e->now_ms = r->now_ms;
    }
    if (r->kind == RECORD_BATCH)
        return apply_batch(e, r, r->body, n);
    if (r->kind == RECORD_SWAP) {
        if (cold_swap(e, r->body))
            return APPLIED_COLD;
        apply_swap(e, r);
    }
    return APPLIED_WHOLE;
}
