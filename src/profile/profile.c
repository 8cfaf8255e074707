/* profile.c -- what one identifier has: a state per series that ever got an entry, in the order of
 * their numbers. SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"

enum { LATE_MS = 60 * 1000 };

uint32_t profile_key_id(const struct profile *p)
{
    return p->key_id;
}

struct str profile_id(const struct profile *p)
{
    return (struct str){p->id, p->n_id};
}

bool profile_seen(struct store *s, struct profile *p, uint64_t event_id, int64_t now_ms)
{
    return dedupe_seen(s, &p->seen, event_id, now_ms);
}

/* -- states */

/* The first index whose series is not less. */
static uint32_t state_find(const struct profile *p, uint32_t series)
{
    const struct state *base = p->states;
    uint32_t n = p->n_states;
    while (n > 0) {
        uint32_t half = n / 2;
        bool less = base[half].series < series;
        base = less ? base + half + 1 : base;
        n = less ? n - half - 1 : half;
    }
    return (uint32_t)(base - p->states);
}

static const struct state *state_get(const struct profile *p, const struct plan_series *series)
{
    uint32_t i = state_find(p, series->id);
    if (i == p->n_states || p->states[i].series != series->id || p->states[i].keep != series->keep)
        return NULL;
    return &p->states[i];
}

static struct state *state_make(struct store *s, struct profile *p, uint32_t i,
                                const struct plan_series *series)
{
    if (p->n_states == p->cap_states) {
        uint32_t cap = p->cap_states + MAX_OF(p->cap_states / 8, 2u);
        p->states = store_realloc(s, p->states, p->cap_states * sizeof(*p->states),
                                  cap * sizeof(*p->states));
        p->cap_states = cap;
    }
    memmove(&p->states[i + 1], &p->states[i], (p->n_states - i) * sizeof(*p->states));
    p->n_states++;
    p->states[i] = (struct state){.series = series->id, .keep = (uint8_t)series->keep};
    return &p->states[i];
}

static void state_remove(struct profile *p, uint32_t i)
{
    memmove(&p->states[i], &p->states[i + 1], (p->n_states - i - 1) * sizeof(*p->states));
    p->n_states--;
}

/* -- adding */

static bool take_word(struct store *s, const struct plan_series *series, struct val v,
                      uint64_t *word)
{
    double d = 0;
    *word = 0;
    switch (kind_of(series->keep)->takes) {
    case KIND_TAKES_NOTHING:
        return true;
    case KIND_TAKES_NUMBER:
        if (series->slot >= 0 && !val_as_double(v, &d))
            return false;
        *word = word_of_double(d + 0.0); /* -0 is 0 */
        return true;
    case KIND_TAKES_VALUE:
        return word_of(s, v, word);
    }
    return false;
}

bool profile_add(struct store *s, struct profile *p, const struct plan_series *series,
                 int64_t ts_ms, struct val v, int64_t now_ms)
{
    const struct kind *kind = kind_of(series->keep);
    uint64_t word;
    if (series->slot >= 0 && v.type == VAL_NULL)
        return false;
    if (series->longest_ms &&
        ts_ms <= series_past(series, now_ms)) { /* past every window already */
        stat_add(STAT_EVENTS_LATE, 1);
        return false;
    }
    if (!take_word(s, series, v, &word))
        return false;
    uint32_t i = state_find(p, series->id);
    struct state *st = i < p->n_states && p->states[i].series == series->id ? &p->states[i] : NULL;
    if (st && st->keep !=
                  series->keep) { /* a number has one keep for ever: only a page can lie about it */
        kind_of(st->keep)->free(s, st);
        state_remove(p, i);
        st = NULL;
    }
    if (!st)
        st = state_make(s, p, i, series);
    else if (!kind->expire(s, st, series, now_ms) && ts_ms < time_sub(kind->newest(st), LATE_MS))
        stat_add(STAT_EVENTS_LATE, 1);
    bool changed = kind->add(s, st, series, ts_ms, word, now_ms);
    if (!st->p)
        state_remove(p, i);
    return changed;
}

/* -- reading */

static struct read_at read_at(const struct store *s, const struct plan *plan,
                              const struct plan_attr *attr, int64_t now_ms, struct arena *arena)
{
    int64_t hidden_ms = plan->series[attr->series].hidden_ms,
            since_ms = attr->period_ms ? time_sub(now_ms, attr->period_ms) : INT64_MIN;
    return (struct read_at){
        .store = s,
        .series = &plan->series[attr->series],
        .agg = attr->agg,
        .now_ms = now_ms,
        .period_ms = attr->period_ms,
        .since_ms = attr->period_ms && hidden_ms ? MAX_OF(since_ms, hidden_ms) : since_ms,
        .arena = arena,
    };
}

struct val profile_read(const struct store *s, const struct profile *p, const struct plan *plan,
                        const struct plan_attr *attr, int64_t now_ms, struct arena *arena)
{
    struct read_at at = read_at(s, plan, attr, now_ms, arena);
    const struct state *st = p ? state_get(p, at.series) : NULL;
    struct val v = st ? cast_val(kind_of(st->keep)->read(&at, st), attr->type, arena) : val_null;
    if (v.type == VAL_NULL)
        v = attr->dflt;
    return v.type >= VAL_STR ? val_copy(arena, v) : v;
}

int64_t profile_next_fade(const struct store *s, const struct profile *p, const struct plan *plan,
                          const struct plan_attr *attr, int64_t now_ms)
{
    struct read_at at = read_at(s, plan, attr, now_ms, NULL);
    const struct state *st = p ? state_get(p, at.series) : NULL;
    return st ? kind_of(st->keep)->next_fade(&at, st) : INT64_MAX;
}

int64_t profile_next_at_most(const struct store *s, const struct profile *p,
                             const struct plan *plan, const struct plan_attr *attr, int64_t n,
                             int64_t now_ms)
{
    struct read_at at = read_at(s, plan, attr, now_ms, NULL);
    const struct state *st = p ? state_get(p, at.series) : NULL;
    if (!st || !kind_of(st->keep)->next_at_most)
        return INT64_MAX;
    return kind_of(st->keep)->next_at_most(&at, st, n);
}

/* -- the end */

bool profile_expire(struct store *s, struct profile *p, const struct plan_series *const *series,
                    size_t n, int64_t now_ms, bool drop_unknown)
{
    bool unseen = dedupe_expire(s, &p->seen, now_ms);
    for (uint32_t i = p->n_states; i-- > 0;) {
        struct state *st = &p->states[i];
        const struct plan_series *known = st->series < n ? series[st->series] : NULL;
        if (!known && !drop_unknown)
            continue;
        if (known && known->keep != st->keep)
            continue;
        if (!known) { /* not past, only unknown: that must be written down */
            store_changing(s, p);
            kind_of(st->keep)->free(s, st);
        }
        if (!known || kind_of(st->keep)->expire(s, st, known, now_ms))
            state_remove(p, i);
    }
    return unseen && p->n_states == 0;
}

void profile_clear(struct store *s, struct profile *p)
{
    for (uint32_t i = 0; i < p->n_states; i++)
        kind_of(p->states[i].keep)->free(s, &p->states[i]);
    store_release(s, p->states, p->cap_states * sizeof(*p->states));
    dedupe_free(s, &p->seen);
    p->states = NULL;
    p->n_states = p->cap_states = 0;
}

uint64_t profile_digest(const struct profile *p)
{
    uint64_t sum = p->seen ? mix64(dedupe_digest(p->seen)) : 0;
    for (uint32_t i = 0; i < p->n_states; i++)
        sum += mix_pair(p->states[i].series, kind_of(p->states[i].keep)->digest(&p->states[i]));
    return sum;
}
