/* test_profile_page.c -- a profile as bytes and back is the same profile: what it shows, and what becomes of it.
 *
 * Two stores get the same events; the second is saved and loaded into a new one at random moments. They must never differ.
 * The limits are small, so that everything folds, drops and estimates. And: bytes that make no sense leave nothing behind.
 * SPDX-License-Identifier: Apache-2.0 */
#include "profile_stream.h"
#include "profile/profile_internal.h"

static struct arena arena;

static struct store *saving_store(const struct profile_limits *limits)
{
    struct store *s = store_new(limits);
    store_hang(s, NULL, true);
    return s;
}

/* Everything that changed since the last time. */
static struct store_pages take_pages(struct store *s)
{
    struct store_pages pages = {0};
    store_save_begin(s);
    while (store_save(s, 3) > 0)
        ;
    store_save_take(s, &pages);
    return pages;
}

/* Where chunks end and what room they have decides what folds together later, and in which order numbers are added. */
static void check_layout(const struct store *a, const struct store *b)
{
    const struct profile *pa = store_find(a, 1, STR("ann")), *pb = store_find(b, 1, STR("ann"));
    for (uint32_t i = 0; pa && i < pa->n_states; i++) {
        const struct state *sa = &pa->states[i], *sb = &pb->states[i];
        if (sa->keep > KEEP_VALUES)
            continue;
        struct series_edge ea = series_edge(sa, INT64_MIN), eb = series_edge(sb, INT64_MIN);
        CHECK_INT(ea.n, eb.n);
        for (size_t k = 0; k < MIN_OF(ea.n, eb.n); k++)
            CHECK(ea.chunks[k]->cap == eb.chunks[k]->cap &&
                      ea.chunks[k]->count == eb.chunks[k]->count &&
                      ea.chunks[k]->first_ms == eb.chunks[k]->first_ms,
                  "series %u, chunk %zu", sa->series, k);
    }
}

static struct store *round_trip(struct store *s, const struct profile_limits *limits)
{
    struct store *to = saving_store(limits);
    struct store_pages pages = take_pages(s);
    CHECK_INT(pages.n, store_count(s));
    for (size_t i = 0; i < pages.n; i++) {
        struct err err = {0};
        struct profile *p = store_load(to, pages.items[i].bytes, pages.items[i].slot, 0, &err);
        CHECK(p, "%s", err.text);
        if (p)
            store_change(to, p); /* so that the next round trip takes it along */
    }
    CHECK_INT(store_digest(to), store_digest(s));
    check_layout(s, to);
    store_pages_fini(&pages);
    store_free(s);
    return to;
}

/* To the last bit. */
static bool identical(struct val a, struct val b)
{
    if (a.type == VAL_DBL && b.type == VAL_DBL)
        return word_of_double(a.d) == word_of_double(b.d);
    return a.type == b.type && val_eq(a, b);
}

static void compare(const struct store *a, const struct store *b, int64_t now)
{
    const struct profile *pa = store_find(a, 1, STR("ann")), *pb = store_find(b, 1, STR("ann"));
    CHECK(!pa == !pb);
    for (size_t i = 0; i < stream_plan.n_attrs; i++) {
        const struct plan_attr *attr = &stream_attrs[i];
        int64_t n = below(20);
        CHECK(identical(profile_read(a, pa, &stream_plan, attr, now, &arena),
                        profile_read(b, pb, &stream_plan, attr, now, &arena)),
              "attribute %zu (agg %d, period %" PRId64 ", ttl %" PRId64 ")", i, attr->agg,
              attr->period_ms, attr->ttl_ms);
        CHECK_INT(profile_next_fade(b, pb, &stream_plan, attr, now),
                  profile_next_fade(a, pa, &stream_plan, attr, now));
        CHECK_INT(profile_next_at_most(b, pb, &stream_plan, attr, n, now),
                  profile_next_at_most(a, pa, &stream_plan, attr, n, now));
    }
    arena_reset(&arena);
}

static void stream(uint64_t seed, struct profile_limits limits, int64_t longest, int64_t ttl,
                   int64_t step, size_t n, int variety)
{
    rng_state = seed;
    stream_plan_make(longest, longest / 5, ttl);
    struct store *a = saving_store(&limits), *b = saving_store(&limits);
    int64_t now = START, trips = 0;
    for (size_t i = 0; i < n; i++) {
        struct stream_event e = stream_next(&now, step, variety);
        if (below(40) == 0)
            now += below(longest / 2);
        stream_add(a, STR("ann"), e);
        stream_add(b, STR("ann"), e);
        if (below(30) == 0) {
            b = round_trip(b, &limits);
            trips++;
        }
        if (below(50) == 0) {
            store_sweep(a, &stream_plan, now, 2, true);
            store_sweep(b, &stream_plan, now, 2, true);
        }
        if (below(10) == 0)
            compare(a, b, below(3) ? now : now + below(longest));
        if (below(6) == 0)
            CHECK_INT(store_digest(a), store_digest(b));
        if (check_failed > 20)
            break;
    }
    CHECK(trips > 0);
    CHECK(store_bytes(b) < store_bytes(a) + store_bytes(a) / 4);
    store_free(a);
    store_free(b);
}

static void test_streams(int rounds)
{
    const struct profile_limits small = {.entries = 128,
                                         .distinct = 12,
                                         .list_values = 100,
                                         .value_bytes = 1024,
                                         .dedupe_ids = 40,
                                         .dedupe_ms = HOUR,
                                         .runs = 3};
    struct profile_limits wide = small, usual = profile_limits_default;
    wide.distinct = 200;
    wide.entries = 500;
    wide.dedupe_ids = 300;
    for (int i = 0; i < rounds; i++) {
        uint64_t seed = (uint64_t)i * 1000;
        stream(seed + 1, small, DAY, HOUR, 20 * MINUTE, 600, 50);
        stream(seed + 2, small, 30 * DAY, 30 * MINUTE, 10 * MINUTE, 2000, 300);
        stream(seed + 3, small, 400 * DAY, DAY, 2 * DAY, 500, 8);
        stream(seed + 4, wide, DAY, 10 * MINUTE, 2 * MINUTE, 3000, 1000);
        stream(seed + 5, wide, 2 * MINUTE, 30 * 1000, 1000, 2000, 100);
        stream(seed + 6, usual, 7 * DAY, HOUR, MINUTE, 1500, 3000);
        stream(seed + 7, small, 10, 7, 2, 1000, 40);
        stream(seed + 8, small, 7 * DAY, 3 * HOUR, 5 * MINUTE, 6000, 60); /* coarser panes */
    }
}

/* -- one page */

/* A profile with something of every kind, as bytes. */
static struct store_pages rich_page(size_t n_events)
{
    struct profile_limits limits = profile_limits_default;
    limits.entries = 128;
    limits.distinct = 10;
    rng_state = 5;
    stream_plan_make(DAY, HOUR, 10 * MINUTE);
    struct store *s = saving_store(&limits);
    int64_t now = START;
    for (size_t i = 0; i < n_events; i++)
        stream_add(s, STR("ann"), stream_next(&now, MINUTE, 30));
    struct store_pages pages = take_pages(s);
    CHECK_INT(pages.n, 1);
    store_free(s);
    return pages;
}

static bool load_bytes(struct store *s, const char *p, size_t n)
{
    struct err err = {0};
    char *copy = malloc(n ? n : 1); /* of its own size, so that a sanitizer sees a byte too far */
    memcpy(copy, p, n);
    struct profile *profile = store_load(s, (struct str){copy, n}, 0, 0, &err);
    free(copy);
    CHECK(!profile == err.set);
    return profile;
}

static void test_damage(void)
{
    struct store_pages pages = rich_page(400);
    struct str good = pages.items[0].bytes;
    struct store *s = saving_store(&profile_limits_default);
    size_t empty = 0, loaded = 0, failed = 0;
    char *bytes = malloc(good.n + 1);
    memcpy(bytes, good.p, good.n);
    CHECK(load_bytes(s, bytes, good.n));
    store_free(s);
    for (size_t n = 0; n < good.n; n++) { /* cut short: never a profile */
        s = saving_store(&profile_limits_default);
        empty = s->pool.n_bytes;
        CHECK(!load_bytes(s, bytes, n), "%zu of %zu bytes", n, good.n);
        CHECK_INT(store_count(s), 0);
        CHECK_INT(s->pool.n_bytes, empty);
        CHECK_INT(s->texts.n, 0);
        store_free(s);
    }
    bytes[good.n] = 0;
    s = saving_store(&profile_limits_default);
    CHECK(!load_bytes(s, bytes, good.n + 1), "a byte behind the end");
    store_free(s);
    for (size_t i = 0; i < good.n; i++) {
        s = saving_store(&profile_limits_default);
        bytes[i] ^= (char)(1 << below(8));
        bool took = load_bytes(s, bytes, good.n);
        bytes[i] = good.p[i];
        loaded += took;
        failed += !took;
        if (!took)
            CHECK(s->pool.n_bytes == empty && s->texts.n == 0 && store_count(s) == 0);
        store_free(s);
    }
    CHECK(loaded > 0 && failed > 0, "%zu loaded, %zu failed", loaded, failed);
    free(bytes);
    store_pages_fini(&pages);
}

static void test_heads(void)
{
    static const struct {
        const char *what;
        struct str bytes;
        bool good;
    } rows[] = {
        {"nothing", {"", 0}, false},
        {"no states, no ids", {"\1\1\3ann\0\0", 8}, true},
        {"another version", {"\2\1\3ann\0\0", 8}, false},
        {"version 0", {"\0\1\3ann\0\0", 8}, false},
        {"an empty identifier", {"\1\1\0\0\0", 5}, true},
        {"an identifier past the end", {"\1\1\7ann\0\0", 8}, false},
        {"more states than bytes", {"\1\1\3ann\4\0\0\0\0", 11}, false},
        {"an unknown kind", {"\1\1\3ann\1\x5f\1\1\1\0", 12}, false},
        {"last, of a series nobody knows", {"\1\1\3ann\1\x53\2\1\0", 11}, true},
        {"a run without an event", {"\1\1\3ann\1\x55\1\2\0\0\0\0\0\0\0", 17}, false},
        {"ids, more than bytes", {"\1\1\3ann\0\4\1\0abcde", 15}, false},
        {"one id", {"\1\1\3ann\0\1\1\0abcde", 15}, true},
        {"something behind it", {"\1\1\3ann\0\0x", 9}, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct store *s = saving_store(&profile_limits_default);
        CHECK(load_bytes(s, rows[i].bytes.p, rows[i].bytes.n) == rows[i].good, "%s", rows[i].what);
        CHECK_INT(store_count(s), rows[i].good);
        store_free(s);
    }
}

/* A page may say that a series keeps something else than the plan has it keep, whatever it was written with. */
static void test_other_keep(void)
{
    struct store_pages pages = rich_page(300);
    for (int turn = 1; turn < 8; turn++) {
        struct store *s = saving_store(&profile_limits_default);
        CHECK(load_bytes(s, pages.items[0].bytes.p, pages.items[0].bytes.n));
        for (size_t i = 0; i < stream_plan.n_series; i++)
            stream_series[i].keep = (enum keep)((stream_series[i].keep + turn) % 8);
        struct profile *p = store_touch(s, 1, STR("ann"));
        int64_t now = START + 5 * HOUR;
        for (size_t i = 0; i < stream_plan.n_attrs; i++) {
            CHECK(profile_read(s, p, &stream_plan, &stream_attrs[i], now, &arena).type == VAL_NULL);
            profile_next_fade(s, p, &stream_plan, &stream_attrs[i], now);
        }
        store_sweep(s, &stream_plan, now, 1, false);
        for (int i = 0; i < 30; i++)
            stream_add(s, STR("ann"), stream_next(&now, MINUTE, 10));
        store_sweep(s, &stream_plan, now, 1, true);
        store_free(s);
        for (size_t i = 0; i < stream_plan.n_series; i++)
            stream_series[i].keep = (enum keep)((stream_series[i].keep + 8 - turn) % 8);
        arena_reset(&arena);
    }
    store_pages_fini(&pages);
}

/* What a profile saves and loads under other limits. */
static void test_smaller_limits(void)
{
    struct store_pages pages = rich_page(300);
    struct profile_limits tiny = {.entries = 1, .value_bytes = 3, .dedupe_ms = DAY};
    struct store *s = saving_store(&tiny);
    CHECK(load_bytes(s, pages.items[0].bytes.p, pages.items[0].bytes.n));
    int64_t now = START + 5 * HOUR;
    for (int i = 0; i < 300; i++)
        stream_add(s, STR("ann"), stream_next(&now, MINUTE, 10));
    CHECK(store_bytes(s) > 0);
    store_free(s);
    store_pages_fini(&pages);
}

/* Words of texts are addresses, which are others after a restart. When two runs merged that together had more values than
 * are kept, it hung on the order of addresses which of them were dropped. */
static void test_merge_order(void)
{
    enum { TEXTS = 20 };
    struct profile_limits limits = profile_limits_default;
    limits.distinct = TEXTS / 2 + 1;
    const struct plan_series series = {.id = 4, .keep = KEEP_FREQS, .ttl_ms = HOUR};
    uint64_t digests[2];
    for (int turn = 0; turn < 2; turn++) {
        struct store *s = store_new(&limits);
        const struct plan_series all = {
            .id = 5, .keep = KEEP_VALUES, .longest_ms = DAY, .shortest_ms = DAY};
        struct profile *bob = store_touch(s, 1, STR("bob")), *ann = store_touch(s, 1, STR("ann"));
        char text[TEXTS][16];
        for (int i = 0; i < TEXTS; i++) { /* now they have their addresses */
            int k = turn ? TEXTS - 1 - i : i;
            snprintf(text[k], sizeof(text[k]), "value %d", k);
            profile_add(s, bob, &all, START, val_strz(text[k]), START);
        }
        for (int i = 0; i < TEXTS; i++)
            for (int n = 0; n <= i * 7 % 5; n++)
                profile_add(s, ann, &series, START + i / (TEXTS / 2) * 90 * MINUTE + i,
                            val_strz(text[i]), START + 2 * HOUR);
        profile_add(s, ann, &series, START + 45 * MINUTE, val_strz(text[2]), START + 2 * HOUR);
        digests[turn] = profile_digest(ann);
        store_free(s);
    }
    CHECK_INT(digests[1], digests[0]);
}

int main(int argc, char **argv)
{
    arena_init(&arena);
    test_heads();
    test_damage();
    test_other_keep();
    test_smaller_limits();
    test_merge_order();
    test_streams(argc > 1 ? atoi(argv[1]) : 1);
    CHECK(stat_get(STAT_SERIES_FOLDED) > 10000 && stat_get(STAT_VALUES_DROPPED) > 1000 &&
          stat_get(STAT_RUNS_DROPPED) > 100 && stat_get(STAT_DEDUPE_EVICTED) > 1000);
    arena_fini(&arena);
    return check_done();
}
