/* test_profile_naive.c -- every aggregation against a naive evaluator over a plain list of events.
 *
 * Random streams: late, repeated, equal times, values of all kinds; windows of seconds to days,
 * lifetimes with and without ttl; read at random times. The evaluator below follows the definitions
 * of profile.h word for word and knows nothing of how they are kept.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "profile/profile.h"

#include <math.h>
#include <stdlib.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

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

/* -- the plan: what each aggregation reads with a period, and for a lifetime */
static const struct {
    enum agg agg;
    enum keep windowed, lifetime;
    bool property;
} reads[] = {
    {AGG_COUNTER, KEEP_TIMES, KEEP_SUM, false},
    {AGG_SUM, KEEP_NUMBERS, KEEP_SUM, true},
    {AGG_MIN, KEEP_NUMBERS, KEEP_SUM, true},
    {AGG_MAX, KEEP_NUMBERS, KEEP_SUM, true},
    {AGG_MEAN, KEEP_NUMBERS, KEEP_SUM, true},
    {AGG_FIRST, KEEP_VALUES, KEEP_FIRST, true},
    {AGG_LAST, KEEP_LAST, KEEP_LAST, true},
    {AGG_MOST_FREQUENT, KEEP_VALUES, KEEP_FREQS, true},
    {AGG_LEAST_FREQUENT, KEEP_VALUES, KEEP_FREQS, true},
    {AGG_CATEGORY_COUNT, KEEP_VALUES, KEEP_FREQS, true},
    {AGG_UNIQUE_LIST, KEEP_SET, KEEP_SET, true},
    {AGG_APPROX_COUNT_DISTINCT, KEEP_SET, KEEP_SET, true},
};
/* {longest, shorter} share a series; {0, ttl} are lifetimes */
struct span {
    int64_t period, ttl;
};

static struct plan plan;
static void plan_make(int64_t longest, int64_t shorter, int64_t ttl)
{
    const struct span spans[] = {{longest, 0}, {shorter, 0}, {0, 0}, {0, ttl}};
    free(plan.attrs);
    free(plan.series);
    plan = (struct plan){0};
    plan.attrs = calloc(COUNT_OF(reads) * COUNT_OF(spans), sizeof(*plan.attrs));
    plan.series = calloc(COUNT_OF(reads) * COUNT_OF(spans), sizeof(*plan.series));
    for (size_t i = 0; i < COUNT_OF(reads); i++) {
        for (size_t k = 0; k < COUNT_OF(spans); k++) {
            struct plan_series want = {
                .keep = spans[k].period ? reads[i].windowed : reads[i].lifetime,
                .slot = reads[i].property ? 0 : -1,
                .longest_ms = spans[k].period ? longest : 0,
                .shortest_ms = spans[k].period ? shorter : 0,
                .ttl_ms = spans[k].ttl,
            };
            uint32_t at = 0;
            for (; at < plan.n_series; at++) {
                const struct plan_series *s = &plan.series[at];
                if (s->keep == want.keep && s->slot == want.slot &&
                    s->longest_ms == want.longest_ms && s->ttl_ms == want.ttl_ms)
                    break;
            }
            want.id = (at * 7 + 3) % 101; /* no order */
            if (at == plan.n_series)
                plan.series[plan.n_series++] = want;
            plan.attrs[plan.n_attrs++] = (struct plan_attr){.series = at,
                                                            .agg = reads[i].agg,
                                                            .type = TYPE_ANY,
                                                            .period_ms = spans[k].period,
                                                            .ttl_ms = spans[k].ttl};
        }
    }
}

/* -- the naive evaluator */
struct event {
    int64_t ts;
    struct val v;
};
struct history {
    struct event *items;
    size_t n, cap;
};

static int event_cmp(const void *pa, const void *pb)
{
    const struct event *a = pa, *b = pb;
    if (a->ts != b->ts)
        return a->ts < b->ts ? -1 : 1;
    return val_cmp(a->v, b->v);
}

static bool usable(const struct plan_series *s, struct val v)
{
    double d;
    if (s->slot < 0)
        return true;
    if (s->keep == KEEP_NUMBERS || s->keep == KEEP_SUM)
        return val_as_double(v, &d);
    return v.type != VAL_NULL;
}

/* The events that the attribute speaks of at now, in order. */
static struct history relevant(const struct history *all, const struct plan_attr *attr, int64_t now)
{
    struct history h = {calloc(all->n + 1, sizeof(*h.items)), 0, 0};
    const struct plan_series *s = &plan.series[attr->series];
    for (size_t i = 0; i < all->n; i++) {
        struct event e = all->items[i];
        if (usable(s, e.v) && e.ts <= now && (!attr->period_ms || e.ts > now - attr->period_ms))
            h.items[h.n++] = e;
    }
    qsort(h.items, h.n, sizeof(*h.items), event_cmp);
    if (attr->ttl_ms && h.n) {
        size_t from = h.n - 1;
        while (from > 0 && h.items[from].ts - h.items[from - 1].ts < attr->ttl_ms)
            from--;
        if (now - h.items[h.n - 1].ts >= attr->ttl_ms)
            from = h.n;
        memmove(h.items, h.items + from, (h.n - from) * sizeof(*h.items));
        h.n -= from;
    }
    return h;
}

static struct str text_of(struct val v, struct arena *a)
{
    if (v.type == VAL_STR)
        return val_as_str(v);
    if (v.type == VAL_DBL && v.d == floor(v.d) && fabs(v.d) < 1e15)
        v = val_int((int64_t)v.d);
    struct buf b = {0};
    val_write_json(&b, &v);
    struct str text = arena_str(a, buf_str(&b));
    buf_fini(&b);
    return text;
}

struct group {
    struct val v; /* the one seen last */
    struct str text;
    int64_t last, count;
};
static bool by_text;
static int by_last(const void *pa, const void *pb)
{
    const struct group *a = pa, *b = pb;
    return a->last != b->last ? (a->last < b->last ? -1 : 1) : val_cmp(a->v, b->v);
}
static int by_count(const void *pa, const void *pb)
{
    const struct group *a = pa, *b = pb;
    return a->count != b->count ? (a->count > b->count ? -1 : 1) : -by_last(pa, pb);
}

static size_t groups_of(const struct history *h, struct group *groups, struct arena *a)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++) {
        struct str text = text_of(h->items[i].v, a);
        size_t k = 0;
        while (k < n &&
               !(by_text ? str_eq(groups[k].text, text) : val_eq(groups[k].v, h->items[i].v)))
            k++;
        if (k == n)
            groups[n++] = (struct group){.text = text};
        groups[k].v = h->items[i].v;
        groups[k].last = h->items[i].ts;
        groups[k].count++;
    }
    return n;
}

#if __LDBL_MANT_DIG__ >= 113
#define WIDE long double
#else
#define WIDE                                                                                       \
    __float128 /* numbers of 2^63 that cancel each other leave nothing of cents in 64 bits */
#endif

static struct val naive_number(const struct history *h, enum agg agg)
{
    WIDE sum = 0;
    double min = INFINITY, max = -INFINITY, d = 0;
    for (size_t i = 0; i < h->n; i++) {
        val_as_double(h->items[i].v, &d);
        sum += d;
        min = fmin(min, d);
        max = fmax(max, d);
    }
    return val_dbl(agg == AGG_MIN   ? min
                   : agg == AGG_MAX ? max
                                    : (double)(agg == AGG_SUM ? sum : sum / h->n));
}

static struct val naive_groups(const struct history *h, enum agg agg, struct arena *a)
{
    struct group *g = calloc(h->n, sizeof(*g));
    by_text = agg == AGG_CATEGORY_COUNT;
    size_t n = groups_of(h, g, a), used = 0;
    bool ordered_by_last = agg == AGG_UNIQUE_LIST;
    qsort(g, n, sizeof(*g), ordered_by_last ? by_last : by_count);
    struct val v = g[0].v;
    if (agg == AGG_LEAST_FREQUENT) {
        size_t k = n - 1;
        while (k > 0 && g[k - 1].count == g[n - 1].count)
            k--;
        v = g[k].v;
    } else if (agg == AGG_APPROX_COUNT_DISTINCT) {
        v = val_int((int64_t)n);
    } else if (agg == AGG_UNIQUE_LIST) {
        v = val_list(a, n);
        for (size_t i = 0; i < n; i++)
            v.items[i] = g[i].v;
    } else if (agg == AGG_CATEGORY_COUNT) {
        v = val_dict(a, n);
        for (size_t i = 0; i < n; i++)
            dict_put(&v, &used, g[i].text, val_int(g[i].count));
    }
    free(g);
    return v;
}

static struct val naive(const struct history *all, const struct plan_attr *attr, int64_t now,
                        struct arena *a)
{
    struct history h = relevant(all, attr, now);
    struct val v = val_null;
    if (h.n) {
        switch (attr->agg) {
        case AGG_COUNTER:
            v = val_int((int64_t)h.n);
            break;
        case AGG_SUM:
        case AGG_MIN:
        case AGG_MAX:
        case AGG_MEAN:
            v = naive_number(&h, attr->agg);
            break;
        case AGG_FIRST:
            v = h.items[0].v;
            break;
        case AGG_LAST:
            v = h.items[h.n - 1].v;
            break;
        default:
            v = naive_groups(&h, attr->agg, a);
        }
    }
    free(h.items);
    return v;
}

/* -- the comparison */
static struct arena arena;

static bool same(struct val a, struct val b, enum agg agg)
{
    if ((agg == AGG_SUM || agg == AGG_MEAN) && a.type == VAL_DBL && b.type == VAL_DBL)
        return fabs(a.d - b.d) <= 1e-9 * fmax(fabs(a.d), 1);
    return val_eq(a, b);
}

static const char *shown(struct val v)
{
    struct buf b = {0};
    val_write_json(&b, &v);
    buf_putc(&b, 0);
    struct str s = arena_str(&arena, buf_str(&b));
    buf_fini(&b);
    return s.p;
}

static void compare(const struct store *s, const struct profile *p, const struct history *h,
                    int64_t now, const char *what)
{
    for (size_t i = 0; i < plan.n_attrs; i++) {
        const struct plan_attr *attr = &plan.attrs[i];
        struct val got = profile_read(s, p, &plan, attr, now, &arena),
                   want = naive(h, attr, now, &arena);
        CHECK(same(got, want, attr->agg),
              "%s: agg %d period %" PRId64 " ttl %" PRId64 " now %" PRId64 ": got %s, want %s",
              what, attr->agg, attr->period_ms, attr->ttl_ms, now, shown(got), shown(want));
    }
}

/* Until next_fade nothing changes; profile_next_at_most is when the naive count first is low
 * enough. */
static void check_fades(const struct store *s, const struct profile *p, const struct history *h,
                        int64_t now)
{
    for (size_t i = 0; i < plan.n_attrs; i++) {
        const struct plan_attr *attr = &plan.attrs[i];
        int64_t fade = profile_next_fade(s, p, &plan, attr, now);
        CHECK(fade > now);
        struct val v = profile_read(s, p, &plan, attr, now, &arena);
        int64_t until = fade == INT64_MAX ? now + 100LL * DAY : fade;
        CHECK(same(profile_read(s, p, &plan, attr, until - 1, &arena), v, attr->agg), "agg %d",
              attr->agg);
        CHECK(same(profile_read(s, p, &plan, attr, now + below(until - now), &arena), v, attr->agg),
              "agg %d", attr->agg);
        if (attr->agg == AGG_COUNTER && fade != INT64_MAX)
            CHECK(!same(profile_read(s, p, &plan, attr, fade, &arena), v, attr->agg));
        if (attr->agg != AGG_COUNTER || !attr->period_ms)
            continue;
        int64_t count = v.type == VAL_INT ? v.i : 0, n = below(count + 2);
        int64_t when = profile_next_at_most(s, p, &plan, attr, n, now);
        if (count <= n) {
            CHECK_INT(when, INT64_MAX);
            continue;
        }
        struct val before = naive(h, attr, when - 1, &arena), then = naive(h, attr, when, &arena);
        CHECK(when > now && before.i > n && (then.type == VAL_NULL || then.i <= n), "n %" PRId64,
              n);
    }
}

static struct val random_value(int kinds)
{
    static char texts[8][64];
    static const char *const words[] = {"",
                                        "a",
                                        "web",
                                        "mobile",
                                        "a longer value",
                                        "1",
                                        "12.5",
                                        "-3",
                                        "true",
                                        "seven77",
                                        "h\xc3\xa9llo w\xc3\xb6rld",
                                        "1e3"};
    static const int64_t ints[] = {
        0,         1,         -3,  7, 140737488355327, 140737488355328, -140737488355329,
        INT64_MAX, INT64_MIN, 1000};
    static const double dbls[] = {0.0, 1.0, 12.5, -0.125, 1e300, 0.1, 1000.0, 140737488355328.0,
                                  3.3};
    switch (below(kinds)) {
    case 0:
        return val_null;
    case 1:
        return val_strz(words[below(COUNT_OF(words))]);
    case 2:
        return val_int(below(5));
    case 3:
        return val_dbl((double)below(7) / 2);
    case 4: {
        char *t = texts[below(8)];
        if (!*t)
            snprintf(t, sizeof(*texts), "value number %d", (int)(t - texts[0]));
        return val_strz(t);
    }
    case 5:
        return val_bool(below(2));
    case 6:
        return val_dbl((double)below(1000000) / 100);
    case 7:
        return val_int(ints[below(COUNT_OF(ints))]);
    default:
        return val_dbl(dbls[below(COUNT_OF(dbls) - 5) + (below(2) ? 5 : 0)]);
    }
}

static void add(struct store *s, struct profile *p, struct event e, int64_t now)
{
    for (size_t i = 0; i < plan.n_series; i++) {
        bool took =
            profile_add(s, p, &plan.series[i], e.ts, plan.series[i].slot < 0 ? val_null : e.v, now);
        CHECK(!took || usable(&plan.series[i], e.v));
    }
}

static void remember(struct history *h, struct event e)
{
    h->items = xgrow(h->items, h->n, &h->cap, sizeof(*h->items));
    h->items[h->n++] = e;
}

/* One stream: events come now and then, often late; everything is read now and then. */
static void stream(uint64_t seed, int64_t longest, int64_t shorter, int64_t ttl, int64_t step,
                   size_t n, int kinds)
{
    struct profile_limits limits = profile_limits_default;
    limits.runs = 100000;
    rng_state = seed;
    plan_make(longest, shorter, ttl);
    struct store *s = store_new(&limits);
    struct history h = {0};
    int64_t now = 1700000000000 + below(DAY);
    for (size_t i = 0; i < n; i++) {
        struct profile *p = store_touch(s, 1, STR("ann"));
        now += below(10) == 0 ? below(step * 20) : below(step);
        struct event e = {now, random_value(kinds)};
        if (below(3) == 0)
            e.ts -= below(below(4) ? MIN_OF(5 * step, DAY) : DAY);
        if (h.n && below(6) == 0)
            e.ts = h.items[h.n - 1].ts; /* equal times */
        if (now - e.ts >= DAY)
            e.ts = now;
        uint64_t id = rng();
        CHECK(!profile_seen(s, p, id, now));
        add(s, p, e, now);
        remember(&h, e);
        CHECK(profile_seen(s, p, id, now));
        if (below(20) == 0) {
            int64_t later = now + (below(2) ? 0 : below(longest * 2));
            compare(s, p, &h, now, "now");
            compare(s, p, &h, later, "later");
            check_fades(s, p, &h, now);
            if (below(3) == 0)
                store_sweep(s, &plan, now, 1 + (size_t)below(3), true);
            p = store_find(s, 1, STR("ann"));
            compare(s, p, &h, now, "swept");
        }
        arena_reset(&arena);
    }
    free(h.items);
    store_free(s);
}

/* The same events in another order leave the same content. */
static void shuffled(uint64_t seed, int64_t longest, int64_t ttl, size_t n)
{
    rng_state = seed;
    plan_make(longest, longest / 3, ttl);
    struct profile_limits limits = profile_limits_default;
    limits.runs = 100000;
    struct store *a = store_new(&limits), *b = store_new(&limits);
    struct history h = {0};
    int64_t start = 1700000000000, end = start + 20LL * HOUR;
    for (size_t i = 0; i < n; i++)
        remember(&h,
                 (struct event){start + below(end - start + 1) / SECOND * SECOND, random_value(7)});
    qsort(h.items, n, sizeof(*h.items), event_cmp);
    for (size_t i = 0; i < n; i++) {
        profile_seen(a, store_touch(a, 2, STR("x")), (uint64_t)i, end);
        add(a, store_touch(a, 2, STR("x")), h.items[i], h.items[i].ts);
    }
    for (size_t i = n; i-- > 0;) {
        size_t k = (size_t)below((int64_t)i + 1);
        struct event e = h.items[k];
        h.items[k] = h.items[i];
        h.items[i] = e;
        profile_seen(b, store_touch(b, 2, STR("x")), (uint64_t)i, end);
        add(b, store_touch(b, 2, STR("x")), e, end);
    }
    store_sweep(a, &plan, end, 10, true);
    store_sweep(b, &plan, end, 10, true);
    CHECK(store_digest(a) != 0);
    CHECK_INT(store_digest(a), store_digest(b));
    compare(a, store_find(a, 2, STR("x")), &h, end, "ordered");
    compare(b, store_find(b, 2, STR("x")), &h, end, "shuffled");
    add(b, store_touch(b, 2, STR("x")), (struct event){end, val_int(1)}, end);
    CHECK(store_digest(a) != store_digest(b));
    arena_reset(&arena);
    free(h.items);
    store_free(a);
    store_free(b);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 2;
    arena_init(&arena);
    for (int i = 0; i < rounds; i++) {
        uint64_t seed = (uint64_t)i * 1000;
        stream(seed + 1, 10 * SECOND, 3 * SECOND, 2 * SECOND, SECOND, 600, 9);
        stream(seed + 2, HOUR, 10 * MINUTE, 10 * MINUTE, MINUTE, 600, 9);
        stream(seed + 3, 30LL * DAY, 7LL * DAY, DAY, 6 * HOUR, 600, 9);
        stream(seed + 4, DAY, HOUR, HOUR, MINUTE, 1500, 7);
        stream(seed + 5, 365LL * DAY, 3 * DAY, 40LL * DAY, 10 * DAY, 300,
               7); /* chunks wider than 2^32 ms */
        stream(seed + 6, 2LL, 1LL, 1LL, 2, 300, 4);
        shuffled(seed + 7, DAY, 10 * MINUTE, 700);
        shuffled(seed + 8, HOUR, 2 * MINUTE, 400);
        shuffled(seed + 9, 7LL * DAY, HOUR, 5);
    }
    free(plan.attrs);
    free(plan.series);
    arena_fini(&arena);
    return check_done();
}
