/* test_profile_limits.c -- what happens at each limit, and at the end of a profile's life.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "profile/profile.h"

#include <math.h>
#include <stdlib.h>

static const int64_t HOUR = 3600 * 1000, DAY = 24 * 3600 * 1000, START = 1700000000000;
static uint64_t rng_state = 1;
static struct arena arena;

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

/* One series and the attributes that read it. */
struct one {
    struct plan plan;
    struct plan_series series;
    struct plan_attr attrs[4];
    struct store *store;
    struct profile *p;
};

static void one_init(struct one *o, struct plan_series series, struct profile_limits limits)
{
    *o = (struct one){.series = series};
    o->plan = (struct plan){.series = &o->series, .n_series = 1, .attrs = o->attrs, .n_attrs = 4};
    o->series.id = 5;
    o->store = store_new(&limits);
    o->p = store_touch(o->store, 1, STR("ann"));
}

static struct val one_read(struct one *o, enum agg agg, int64_t period, int64_t now)
{
    struct plan_attr attr = {
        .agg = agg, .type = TYPE_ANY, .period_ms = period, .ttl_ms = o->series.ttl_ms};
    return profile_read(o->store, o->p, &o->plan, &attr, now, &arena);
}

static int64_t total_of(struct val dict)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < dict.n; i++)
        sum += dict.items[2 * i + 1].i;
    return sum;
}

/* What the folded series says of a window, as a number of events: every event's value is 1 or true.
 */
static int64_t folded_count(struct one *o, int64_t period, int64_t now)
{
    struct val v;
    switch (o->series.keep) {
    case KEEP_TIMES:
        v = one_read(o, AGG_COUNTER, period, now);
        return v.type == VAL_INT ? v.i : 0;
    case KEEP_NUMBERS:
        v = one_read(o, AGG_SUM, period, now);
        return v.type == VAL_DBL ? (int64_t)v.d : 0;
    default:
        v = one_read(o, AGG_CATEGORY_COUNT, period, now);
        return v.type == VAL_DICT ? total_of(v) : 0;
    }
}

static int64_t count_since(const int64_t *times, size_t n, int64_t since)
{
    int64_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += times[i] > since;
    return count;
}

/* count(period) <= read <= count(period * (1 + 1/64)), whatever the window, when most of the series
 * is folded. */
static void test_folding(enum keep keep, int64_t shortest, int64_t longest, int64_t step, size_t n)
{
    struct profile_limits limits = profile_limits_default;
    limits.entries = 256;
    struct one o;
    one_init(&o,
             (struct plan_series){.keep = keep,
                                  .slot = keep == KEEP_TIMES ? -1 : 0,
                                  .longest_ms = longest,
                                  .shortest_ms = shortest},
             limits);
    int64_t *times = calloc(n, sizeof(*times)), now = START, folded = stat_get(STAT_SERIES_FOLDED),
            inexact = 0;
    for (size_t i = 0; i < n; i++) {
        now += below(2 * step);
        times[i] = now - (below(10) ? 0 : below(step * 2000));
        struct val v = keep == KEEP_VALUES ? val_bool(below(2)) : val_int(1);
        profile_add(o.store, o.p, &o.series, times[i], v, now);
        if (i % 97 != 0)
            continue;
        int64_t period = below(2)   ? shortest + below(longest - shortest + 1)
                         : below(2) ? shortest
                                    : longest;
        int64_t at = now + (below(2) ? 0 : below(longest));
        int64_t least = count_since(times, i + 1, at - period),
                most = count_since(times, i + 1, at - period - period / 64);
        int64_t got = folded_count(&o, period, at);
        CHECK(least <= got && got <= most, "keep %d: %" PRId64 " <= %" PRId64 " <= %" PRId64, keep,
              least, got, most);
        inexact += got != least;
        struct plan_attr attr = {.agg = keep == KEEP_TIMES     ? AGG_COUNTER
                                        : keep == KEEP_NUMBERS ? AGG_SUM
                                                               : AGG_CATEGORY_COUNT,
                                 .type = TYPE_ANY,
                                 .period_ms = period};
        int64_t fade = profile_next_fade(o.store, o.p, &o.plan, &attr, at);
        CHECK(fade > at);
        if (fade != INT64_MAX) {
            CHECK_INT(folded_count(&o, period, fade - 1), got);
            CHECK(folded_count(&o, period, fade) < got);
        }
        int64_t left = below(got + 1),
                when = profile_next_at_most(o.store, o.p, &o.plan, &attr, left, at);
        if (keep == KEEP_TIMES && left < got)
            CHECK(folded_count(&o, period, when - 1) > left &&
                  folded_count(&o, period, when) <= left);
        arena_reset(&arena);
    }
    CHECK(stat_get(STAT_SERIES_FOLDED) - folded > (int64_t)n / 2);
    CHECK(inexact > 0, "nothing was folded at an edge");
    size_t bytes = store_bytes(o.store);
    store_sweep(o.store, &o.plan, now, 1, true);
    printf("keep %d: %zu entries in %zu bytes\n", keep, n, bytes);
    CHECK(bytes < 400000);
    store_sweep(o.store, &o.plan, now + longest + 2 * DAY, 1, true);
    CHECK_INT(store_count(o.store), 0);
    free(times);
    store_free(o.store);
}

/* Below its limit a set is exact; past it the value seen least recently goes, and the count is
 * estimated. */
static void test_set(int64_t longest, int64_t ttl)
{
    struct one o;
    one_init(&o,
             (struct plan_series){
                 .keep = KEEP_SET, .longest_ms = longest, .shortest_ms = longest, .ttl_ms = ttl},
             profile_limits_default);
    enum { N = 60000 };
    const int64_t step = DAY / N;
    double squares = 0;
    int64_t checks = 0, dropped = stat_get(STAT_VALUES_DROPPED);
    for (int i = 0; i < N; i++) {
        int64_t now = START + i * step;
        profile_add(o.store, o.p, &o.series, now, val_int(i * 7919LL), now);
        if (i % 3 == 0) /* seen again: no news */
            profile_add(o.store, o.p, &o.series, now, val_int(i / 2 * 7919LL), now);
        if (i == 600) {
            CHECK_INT(one_read(&o, AGG_APPROX_COUNT_DISTINCT, longest, now).i, 601);
        }
        if (i < 5000 || i % 1000 != 0)
            continue;
        int64_t period = longest ? longest / (1 + below(4)) : 0;
        int64_t want = 0, since = period ? now - period : INT64_MIN;
        for (int k = 0; k <= i;
             k++) { /* last seen by itself or by the two that are twice its number */
            int64_t last = k;
            for (int j = 2 * k; j <= 2 * k + 1; j++)
                if (j <= i && j % 3 == 0)
                    last = MAX_OF(last, j);
            want += START + last * step > since;
        }
        double got = (double)one_read(&o, AGG_APPROX_COUNT_DISTINCT, period, now).i,
               error = (got - (double)want) / (double)want;
        CHECK(fabs(error) < 5 * 0.0115, "%d: got %.0f, want %" PRId64, i, got, want);
        squares += error * error;
        checks++;
        arena_reset(&arena);
    }
    printf("approx_count_distinct: mean error %.2f %% over %" PRId64 " reads, %zu bytes\n",
           100 * sqrt(squares / (double)checks), checks, store_bytes(o.store));
    CHECK(sqrt(squares / (double)checks) < 0.02);
    CHECK(stat_get(STAT_VALUES_DROPPED) > dropped);
    int64_t now = START + (N - 1) * step;
    struct val list = one_read(&o, AGG_UNIQUE_LIST, longest, now);
    CHECK_INT(list.n, 1000);
    CHECK_INT(list.items[999].i, (N - 1) * 7919LL);
    if (longest ||
        ttl) { /* when nothing dropped can be seen any more, it is exact again, and then nothing */
        struct plan_attr attr = {.agg = AGG_APPROX_COUNT_DISTINCT,
                                 .period_ms = longest,
                                 .ttl_ms = ttl,
                                 .type = TYPE_ANY};
        int64_t fade = profile_next_fade(o.store, o.p, &o.plan, &attr, now);
        CHECK(fade > now && one_read(&o, AGG_APPROX_COUNT_DISTINCT, longest, fade - 1).i ==
                                one_read(&o, AGG_APPROX_COUNT_DISTINCT, longest, now).i);
    }
    if (longest) {
        int64_t at = START + (N - 1 - 300) * step + longest;
        CHECK_INT(one_read(&o, AGG_APPROX_COUNT_DISTINCT, longest, at).i,
                  one_read(&o, AGG_UNIQUE_LIST, longest, at).n);
        store_sweep(o.store, &o.plan, at, 1, true);
        CHECK(store_bytes(o.store) < 120000, "%zu", store_bytes(o.store));
    }
    store_sweep(o.store, &o.plan, now + 4 * DAY, 1, true);
    CHECK_INT(store_count(o.store), longest || ttl ? 0 : 1);
    store_free(o.store);
}

static void test_late(void)
{
    struct one o;
    one_init(&o,
             (struct plan_series){
                 .keep = KEEP_TIMES, .slot = -1, .longest_ms = HOUR, .shortest_ms = HOUR},
             profile_limits_default);
    int64_t late = stat_get(STAT_EVENTS_LATE);
    CHECK(profile_add(o.store, o.p, &o.series, START, val_null, START));
    CHECK(profile_add(o.store, o.p, &o.series, START - 60000, val_null, START));
    CHECK_INT(stat_get(STAT_EVENTS_LATE) - late, 0);
    CHECK(profile_add(o.store, o.p, &o.series, START - 60001, val_null, START));
    CHECK_INT(stat_get(STAT_EVENTS_LATE) - late, 1);
    CHECK(
        !profile_add(o.store, o.p, &o.series, START - HOUR, val_null, START)); /* past the window */
    CHECK_INT(stat_get(STAT_EVENTS_LATE) - late, 2);
    CHECK_INT(one_read(&o, AGG_COUNTER, HOUR, START).i, 3);
    store_free(o.store);
}

static void test_freqs(void)
{
    struct profile_limits limits = profile_limits_default;
    limits.distinct = 3;
    limits.list_values = 2;
    struct one o;
    one_init(&o, (struct plan_series){.keep = KEEP_FREQS}, limits);
    static const char *const seen[] = {"a", "a", "b",
                                       "c", "c", "d"}; /* b is the rarest when d comes */
    for (size_t i = 0; i < COUNT_OF(seen); i++)
        profile_add(o.store, o.p, &o.series, START + (int64_t)i, val_strz(seen[i]), START + 100);
    CHECK_STR(one_read(&o, AGG_LEAST_FREQUENT, 0, START + 100).s, "d");
    struct val dict = one_read(&o, AGG_CATEGORY_COUNT, 0, START + 100);
    CHECK_INT(dict.n, 2);
    CHECK(val_get(&dict, "a") && val_get(&dict, "c") && dict.items[1].i == 2);
    CHECK(str_eqz(val_as_str(dict.items[0]), "c")); /* of two, the one seen last comes first */
    store_free(o.store);
}

static void test_strings(void)
{
    struct profile_limits limits = profile_limits_default;
    limits.value_bytes = 8;
    struct one o;
    one_init(&o, (struct plan_series){.keep = KEEP_LAST}, limits);
    int64_t cut = stat_get(STAT_VALUES_CUT);
    profile_add(o.store, o.p, &o.series, START, val_strz("1234567\xc3\xa9"), START);
    CHECK_STR(one_read(&o, AGG_LAST, 0, START).s, "1234567");
    CHECK_INT(stat_get(STAT_VALUES_CUT) - cut, 1);
    profile_add(o.store, o.p, &o.series, START + 1, val_str((struct str){"a\0b", 3}), START + 1);
    struct val v = one_read(&o, AGG_LAST, 0, START + 1);
    CHECK(v.n == 3 && memcmp(v.s, "a\0b", 3) == 0);
    struct val deep = val_list(&arena, 1);
    CHECK(!profile_add(o.store, o.p, &o.series, START + 2, deep, START + 2));
    CHECK(!profile_add(o.store, o.p, &o.series, START + 2, val_null, START + 2));
    store_free(o.store);
}

static void test_runs(void)
{
    struct profile_limits limits = profile_limits_default;
    limits.runs = 2;
    struct one o;
    one_init(&o, (struct plan_series){.keep = KEEP_SUM, .slot = -1, .ttl_ms = 10}, limits);
    int64_t dropped = stat_get(STAT_RUNS_DROPPED);
    CHECK(profile_add(o.store, o.p, &o.series, START, val_null, START + 100));
    CHECK(profile_add(o.store, o.p, &o.series, START + 50, val_null, START + 100));
    CHECK(profile_add(o.store, o.p, &o.series, START + 100, val_null, START + 100));
    CHECK_INT(stat_get(STAT_RUNS_DROPPED) - dropped, 1);
    CHECK(!profile_add(o.store, o.p, &o.series, START + 20, val_null, START + 100));
    for (int64_t t = 55; t < 100; t += 5)
        profile_add(o.store, o.p, &o.series, START + t, val_null, START + 100);
    CHECK_INT(one_read(&o, AGG_COUNTER, 0, START + 100).i, 11);
    store_sweep(o.store, &o.plan, START + 100 + DAY, 1, true);
    CHECK_INT(store_count(o.store), 1); /* a late event may still join */
    store_sweep(o.store, &o.plan, START + 110 + DAY, 1, true);
    CHECK_INT(store_count(o.store), 0);
    store_free(o.store);
}

static void test_dedupe(void)
{
    struct profile_limits limits = profile_limits_default;
    limits.dedupe_ids = 1000;
    struct store *s = store_new(&limits);
    struct plan none = {0};
    struct profile *p = store_touch(s, 1, STR("x"));
    int64_t evicted = stat_get(STAT_DEDUPE_EVICTED);
    for (uint64_t i = 0; i < 1000; i++)
        CHECK(!profile_seen(s, p, i, START + (int64_t)i * 10000));
    for (uint64_t i = 0; i < 1000; i++)
        CHECK(profile_seen(s, p, i, START + 1000 * 10000));
    CHECK_INT(stat_get(STAT_DEDUPE_EVICTED), evicted);
    CHECK(!profile_seen(s, p, 1000, START + 1000 * 10000));
    CHECK_INT(stat_get(STAT_DEDUPE_EVICTED), evicted + 1);
    CHECK(!profile_seen(s, p, 0, START + 1000 * 10000)); /* it was the oldest, and pushed out */
    for (uint64_t i = 2; i < 1001; i++)
        CHECK(profile_seen(s, p, i, START + 1000 * 10000));
    CHECK(profile_seen(s, p, 500,
                       START + 5000000 + DAY -
                           1000)); /* a day later less a second, a day and a second */
    CHECK(!profile_seen(s, p, 500, START + 5000000 + DAY + 1000));
    uint64_t digest = store_digest(s);
    CHECK(profile_seen(s, p, 700, START + 7000000 + DAY));
    store_sweep(s, &none, START + 7000000 + DAY, 1, true);
    CHECK(digest != store_digest(s));
    store_sweep(s, &none, START + 20000000 + 2 * DAY, 1, true);
    CHECK_INT(store_count(s), 0);
    store_free(s);
    /* random against a list */
    limits.dedupe_ids = 200;
    s = store_new(&limits);
    p = store_touch(s, 1, STR("x"));
    int64_t seen[500], now = START;
    for (size_t i = 0; i < COUNT_OF(seen); i++)
        seen[i] = INT64_MIN / 2;
    for (int i = 0; i < 50000; i++) {
        now += below(20) ? below(HOUR / 20) / 1000 * 1000 : below(20) ? 0 : 3 * DAY;
        size_t id = (size_t)below(below(2) ? 500 : 60);
        size_t within = 0, newer = 0;
        for (size_t k = 0; k < COUNT_OF(seen); k++) {
            within += now - seen[k] <= DAY;
            newer += seen[k] > seen[id];
        }
        bool got = profile_seen(s, p, id, now);
        if (within <= 200)
            CHECK_INT(got, now - seen[id] <= DAY);
        else if (newer >= 200)
            CHECK(!got);
        if (!got)
            seen[id] = now;
    }
    store_free(s);
}

/* Many profiles: all are found, half are past and swept in slices, the gauge and the bytes follow.
 */
static void test_store(void)
{
    enum { N = 100000 };
    struct one o;
    one_init(&o, (struct plan_series){.keep = KEEP_LAST, .longest_ms = DAY, .shortest_ms = DAY},
             profile_limits_default);
    int64_t gauge = stat_get(STAT_PROFILES);
    char id[32];
    size_t empty = store_bytes(o.store);
    for (int i = 0; i < N; i++) {
        snprintf(id, sizeof(id), "user-%d", i / 2);
        struct profile *p = store_touch(o.store, 7 + i % 2, str_of(id));
        CHECK(p == store_touch(o.store, 7 + i % 2, str_of(id)));
        int64_t ts = START + (i % 2 ? DAY : 0);
        profile_add(o.store, p, &o.series, ts, val_strz("a long enough value"), START + DAY);
    }
    CHECK_INT(store_count(o.store), N + 1);
    CHECK_INT(stat_get(STAT_PROFILES) - gauge, N);
    for (int i = 0; i < N; i++) {
        snprintf(id, sizeof(id), "user-%d", i / 2);
        struct profile *p = store_find(o.store, 7 + i % 2, str_of(id));
        CHECK(p && str_eqz(profile_id(p), id) && profile_key_id(p) == 7u + (unsigned)i % 2);
    }
    CHECK(!store_find(o.store, 9, STR("user-1")));
    CHECK(!store_find(o.store, 7, STR("user-")));
    store_prefetch(o.store, 7, STR("user-1"));
    for (int i = 0; i < 3 * N / 1000; i++)
        store_sweep(o.store, &o.plan, START + DAY, 1000, true);
    CHECK_INT(store_count(o.store), N / 2);
    for (int i = 0; i < N; i++) { /* deleting some loses no others */
        snprintf(id, sizeof(id), "user-%d", i / 2);
        CHECK_INT(store_find(o.store, 7 + i % 2, str_of(id)) != NULL, i % 2);
    }
    o.series.id = 6; /* nobody knows the series any more */
    for (int i = 0; i < N / 1000; i++)
        store_sweep(o.store, &o.plan, START + DAY, 1000, true);
    CHECK_INT(store_count(o.store), 0);
    CHECK_INT(store_digest(o.store), 0);
    CHECK_INT(stat_get(STAT_PROFILES), gauge - 1);
    CHECK(store_bytes(o.store) < empty + 8u * 1024 * 1024); /* the table stays */
    store_free(o.store);
}

int main(void)
{
    arena_init(&arena);
    test_folding(KEEP_TIMES, HOUR, 7 * DAY, HOUR / 60, 20000);
    test_folding(KEEP_NUMBERS, HOUR, 7 * DAY, HOUR / 60, 20000);
    test_folding(KEEP_VALUES, HOUR, 7 * DAY, HOUR / 60, 20000);
    test_folding(KEEP_TIMES, 60000, 30 * DAY, HOUR / 60,
                 40000); /* panes that must widen with age */
    test_folding(KEEP_TIMES, HOUR, HOUR, 1000, 20000);
    test_folding(KEEP_TIMES, 30, 1000, 1, 20000);
    test_set(DAY / 2, 0);
    test_set(0, 0);
    test_set(0, HOUR);
    test_late();
    test_freqs();
    test_strings();
    test_runs();
    test_dedupe();
    test_store();
    arena_fini(&arena);
    return check_done();
}
