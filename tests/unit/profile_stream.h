/* profile_stream.h -- a plan of every kind of series, and random events for it, for the tests of saving.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PROFILE_STREAM_H
#define PROFILE_STREAM_H

#include "check.h"
#include "profile/profile.h"

#include <stdlib.h>

static const int64_t MINUTE = 60 * 1000, HOUR = 3600 * 1000, DAY = 24 * 3600 * 1000,
                     START = 1700000000000;

static uint64_t rng_state;
static uint64_t rng(void)
{
    uint64_t z = (rng_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
static int64_t below(int64_t n)
{
    return (int64_t)(rng() % (uint64_t)n);
}

/* -- the plan */
struct reading {
    enum keep keep;
    bool windowed;
    enum agg agg;
};
static const struct reading readings[] = {
    {KEEP_TIMES, true, AGG_COUNTER},
    {KEEP_NUMBERS, true, AGG_SUM},
    {KEEP_NUMBERS, true, AGG_MEAN},
    {KEEP_NUMBERS, true, AGG_MIN},
    {KEEP_VALUES, true, AGG_FIRST},
    {KEEP_VALUES, true, AGG_CATEGORY_COUNT},
    {KEEP_VALUES, true, AGG_LEAST_FREQUENT},
    {KEEP_LAST, true, AGG_LAST},
    {KEEP_SET, true, AGG_UNIQUE_LIST},
    {KEEP_SET, true, AGG_APPROX_COUNT_DISTINCT},
    {KEEP_SUM, false, AGG_COUNTER},
    {KEEP_SUM, false, AGG_SUM},
    {KEEP_SUM, false, AGG_MAX},
    {KEEP_FIRST, false, AGG_FIRST},
    {KEEP_FREQS, false, AGG_CATEGORY_COUNT},
    {KEEP_FREQS, false, AGG_MOST_FREQUENT},
    {KEEP_LAST, false, AGG_LAST},
    {KEEP_SET, false, AGG_UNIQUE_LIST},
    {KEEP_SET, false, AGG_APPROX_COUNT_DISTINCT},
};
enum { SERIES_MAX = 32, ATTRS_MAX = 64 };
static struct plan_series stream_series[SERIES_MAX];
static struct plan_attr stream_attrs[ATTRS_MAX];
static struct plan stream_plan = {.series = stream_series, .attrs = stream_attrs};

static uint32_t stream_series_of(enum keep keep, int64_t longest, int64_t shortest, int64_t ttl)
{
    uint32_t at = 0;
    for (; at < stream_plan.n_series; at++) {
        const struct plan_series *s = &stream_series[at];
        if (s->keep == keep && s->longest_ms == longest && s->ttl_ms == ttl)
            return at;
    }
    stream_series[at] = (struct plan_series){.id = (at * 7 + 3) % 101, /* no order */
                                             .keep = keep,
                                             .slot = keep == KEEP_TIMES ? -1 : 0,
                                             .longest_ms = longest,
                                             .shortest_ms = shortest,
                                             .ttl_ms = ttl};
    stream_plan.n_series++;
    return at;
}

/* Windows of two lengths, lifetimes for ever and with a ttl. */
static inline void stream_plan_make(int64_t longest, int64_t shorter, int64_t ttl)
{
    stream_plan.n_series = stream_plan.n_attrs = 0;
    for (size_t i = 0; i < COUNT_OF(readings); i++)
        for (int k = 0; k < 2; k++) {
            const struct reading *r = &readings[i];
            struct plan_attr *a = &stream_attrs[stream_plan.n_attrs++];
            *a = (struct plan_attr){.agg = r->agg, .type = TYPE_ANY};
            a->period_ms = !r->windowed ? 0 : k ? shorter : longest;
            a->ttl_ms = r->windowed || k == 0 ? 0 : ttl;
            a->series = r->windowed ? stream_series_of(r->keep, longest, shorter, 0)
                                    : stream_series_of(r->keep, 0, 0, a->ttl_ms);
        }
}

/* -- events */
static inline struct val stream_value(int variety)
{
    static char texts[64][40];
    static const double dbls[] = {0.1, -0.0, 19.99, 1e300, -3.3, 1e-300, 140737488355328.5};
    static const int64_t ints[] = {INT64_MAX, INT64_MIN, 140737488355327, -140737488355329, 0, 7};
    char *t = texts[below(MIN_OF(variety, 64))];
    if (!*t)
        snprintf(t, sizeof(*texts), "value number %d", (int)(t - texts[0]));
    switch (below(8)) {
    case 0:
        return val_bool(below(2));
    case 1:
        return val_int(below(variety));
    case 2:
        return val_int(ints[below(COUNT_OF(ints))]);
    case 3:
        return val_dbl(dbls[below(COUNT_OF(dbls))]);
    case 4:
        return val_dbl((double)below(10000) / 100);
    case 5:
        return val_str((struct str){t + 13, strlen(t + 13)}); /* short */
    case 6:
        return val_strz("12.5");
    default:
        return val_strz(t);
    }
}

struct stream_event {
    int64_t ts_ms, now_ms;
    uint64_t id;
    struct val v;
    uint64_t skip; /* bit i: not for series i */
};

/* The next one, at most step after now: now and then late, or of the same time as the last. */
static inline struct stream_event stream_next(int64_t *now_ms, int64_t step, int variety)
{
    static int64_t before_ms;
    *now_ms += below(12) == 0 ? below(step * 20) : below(step);
    struct stream_event e = {*now_ms, *now_ms, rng(), stream_value(variety), 0};
    if (below(4) == 0)
        e.ts_ms -= below(below(4) ? 10 * step : DAY);
    if (below(6) == 0 && before_ms <= *now_ms)
        e.ts_ms = before_ms;
    if (below(3) == 0)
        e.skip = rng();
    before_ms = e.ts_ms;
    return e;
}

static inline void stream_add(struct store *s, struct str id, struct stream_event e)
{
    struct profile *p = store_touch(s, 1, id);
    if (profile_seen(s, p, e.id, e.now_ms))
        return;
    for (size_t i = 0; i < stream_plan.n_series; i++) {
        const struct plan_series *series = &stream_series[i];
        if (!(e.skip >> i & 1))
            profile_add(s, p, series, e.ts_ms, series->slot < 0 ? val_null : e.v, e.now_ms);
    }
}

#endif
