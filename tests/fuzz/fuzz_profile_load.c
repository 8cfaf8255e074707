/* fuzz_profile_load.c -- any bytes as a profile's page: either a profile, or an error and nothing left of it.
 *
 * What is taken must be one that lives on: it is written and read again with the same digest, read through every
 * aggregation, gets events, is swept; and memory stays in proportion to the bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "profile/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEEPS = 8, SERIES = KEEPS * 3, HOUR = 3600 * 1000 };

/* Series 0 .. 7 windowed, 8 .. 15 for ever, 16 .. 23 with a ttl: of the bytes' choice are those that a page has. */
static struct plan_series series[SERIES];
static struct plan plan = {.series = series, .n_series = SERIES};

static void plan_make(void)
{
    for (uint32_t i = 0; i < SERIES; i++)
        series[i] = (struct plan_series){.id = i,
                                         .keep = (enum keep)(i % KEEPS),
                                         .slot = i % KEEPS == KEEP_TIMES ? -1 : 0,
                                         .longest_ms = i < KEEPS ? 48 * HOUR : 0,
                                         .shortest_ms = i < KEEPS ? HOUR : 0,
                                         .ttl_ms = i < 2 * KEEPS ? 0 : HOUR};
}

static struct store *store_made(void)
{
    struct profile_limits limits = profile_limits_default;
    limits.entries = 128;
    limits.distinct = 20;
    limits.runs = 3;
    struct store *s = store_new(&limits);
    store_hang(s, NULL, true);
    store_plan(s, &plan);
    return s;
}

static void again(struct store *s, struct profile *p)
{
    struct store *to = store_made();
    struct store_pages pages = {0};
    struct err err = {0};
    store_change(s, p);
    store_save_begin(s);
    if (store_save(s, 1) != 0)
        abort();
    store_save_take(s, &pages);
    if (pages.n != 1 || !store_load(to, pages.items[0].bytes, 0, 0, &err) ||
        store_digest(to) != store_digest(s))
        abort();
    store_pages_fini(&pages);
    store_free(to);
}

static void read_all(const struct store *s, const struct profile *p, int64_t now_ms)
{
    struct arena arena;
    arena_init(&arena);
    for (uint32_t i = 0; i < SERIES; i++)
        for (int agg = 0; agg <= AGG_UNIQUE_LIST; agg++) {
            struct plan_attr attr = {.series = i,
                                     .agg = (enum agg)agg,
                                     .type = TYPE_ANY,
                                     .period_ms = series[i].longest_ms,
                                     .ttl_ms = series[i].ttl_ms};
            profile_read(s, p, &plan, &attr, now_ms, &arena);
            profile_next_fade(s, p, &plan, &attr, now_ms);
            profile_next_at_most(s, p, &plan, &attr, 3, now_ms);
        }
    arena_fini(&arena);
}

static void live_on(struct store *s, struct profile *p, int64_t now_ms)
{
    for (int k = 0; k < 6; k++, now_ms += 7 * HOUR) {
        profile_seen(s, p, (uint64_t)k, now_ms);
        for (uint32_t i = 0; i < SERIES; i++) {
            struct val v = k % 2 ? val_strz("a longer value") : val_int(k);
            profile_add(s, p, &series[i], now_ms - k % 3 * HOUR, i % KEEPS ? v : val_null, now_ms);
        }
    }
    read_all(s, p, now_ms);
    again(s, p);
    store_sweep(s, &plan, now_ms, 1, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    plan_make();
    struct store *s = store_made();
    size_t empty = store_bytes(s);
    struct profile *p = store_load(s, (struct str){(const char *)data, size}, 1, 0, &err);
    if (!p != err.set || store_count(s) != (p != NULL))
        abort();
    if (store_bytes(s) > empty + 2048 + size * 64)
        abort();
    if (p) {
        again(s, p);
        read_all(s, p, 1700000000000);
        live_on(s, p, 1700000000000);
    }
    store_free(s);
    return 0;
}
