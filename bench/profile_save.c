/* profile_save.c -- what it costs to write profiles as bytes and to read them again, and how many bytes they are.
 *
 * Usage: profile_save [profiles]. Profiles of a prospect who was seen twenty times, and series of 4,096 entries; each met cold,
 * as a write-back does.
 * SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile.h"

#include <stdlib.h>
#include <time.h>

static const int64_t DAY = 24 * 3600 * 1000, START = 1700000000000;
static uint64_t rng_state = 7;

static uint64_t rng(void)
{
    uint64_t z = (rng_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double cpu_ns(void) /* the process's: others' work is not counted */
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void id_of(uint64_t n, char id[37])
{
    uint8_t bytes[16];
    str_hash128((struct str){(const char *)&n, sizeof(n)}, bytes);
    uuid_format(bytes, id);
}

/* Everything in s, which has just been filled, is saved, and loaded into another store. */
static void bench(const char *name, struct store *s)
{
    size_t n = store_count(s), n_bytes = store_bytes(s);
    struct store_pages pages = {0};
    struct err err = {0};
    double t0 = cpu_ns();
    store_save_begin(s);
    double t1 = cpu_ns();
    while (store_save(s, 100) > 0)
        ;
    store_save_take(s, &pages);
    double t2 = cpu_ns();
    uint64_t digest = store_digest(s);
    store_free(s);
    s = store_new(&profile_limits_default);
    store_hang(s, NULL, true);
    double t3 = cpu_ns();
    for (size_t i = 0; i < pages.n; i++)
        if (!store_load(s, pages.items[i].bytes, 0, 0, &err))
            abort();
    double t4 = cpu_ns();
    if (store_digest(s) != digest)
        abort();
    printf("%s: begin %.1f us; a profile: %.0f ns to write, %.0f ns to read, %zu bytes; in memory "
           "%zu, read again %zu\n",
           name, (t1 - t0) / 1e3, (t2 - t1) / (double)n, (t4 - t3) / (double)n, pages.n_bytes / n,
           n_bytes / n, store_bytes(s) / n);
    store_pages_fini(&pages);
    store_free(s);
}

static struct store *store_made(void)
{
    struct store *s = store_new(&profile_limits_default);
    store_hang(s, NULL, true);
    return s;
}

/* What the prospect scoring tutorial keeps, and of how many of the twenty events. */
static const struct {
    enum keep keep;
    int events, days;
    const char *values[3]; /* none: a session's id */
} prospect[] = {
    {KEEP_LAST, 8, 0, {"website", "docs"}},
    {KEEP_LAST, 8, 0, {"Desktop", "Phone"}},
    {KEEP_SET, 8, 30, {NULL}},
    {KEEP_SET, 8, 30, {"website", "docs"}},
    {KEEP_TIMES, 8, 30, {NULL}},
    {KEEP_TIMES, 8, 30, {NULL}},
    {KEEP_TIMES, 1, 30, {NULL}},
    {KEEP_TIMES, 1, 30, {NULL}},
    {KEEP_TIMES, 1, 7, {NULL}},
    {KEEP_TIMES, 1, 30, {NULL}},
    {KEEP_VALUES, 8, 30, {"search", "social", "unknown"}},
    {KEEP_VALUES, 2, 30, {"cpc", "email"}},
    {KEEP_SET, 2, 30, {"spring-sale-2024", "brand-awareness-eu"}},
};

static struct val prospect_value(size_t row, size_t user, unsigned round, char session[37])
{
    size_t n = 0;
    while (n < COUNT_OF(prospect[row].values) && prospect[row].values[n])
        n++;
    if (prospect[row].keep == KEEP_TIMES)
        return val_null;
    if (n)
        return val_strz(prospect[row].values[(user + round / 8) % n]);
    id_of(user * 100 + round / 8, session);
    return val_strz(session);
}

static void bench_prospects(size_t n)
{
    enum { EVENTS = 20 };
    struct store *s = store_made();
    char id[37], session[37];
    for (unsigned round = 0; round < EVENTS; round++)
        for (size_t k = 0; k < n; k++) {
            size_t user = rng() % n;
            int64_t now = START + round * 30 * DAY / EVENTS + (int64_t)(rng() % (uint64_t)DAY);
            id_of(user, id);
            struct profile *p = store_touch(s, 1, str_of(id));
            profile_seen(s, p, rng(), now);
            for (size_t i = 0; i < COUNT_OF(prospect); i++) {
                struct plan_series series = {.id = (uint32_t)i,
                                             .keep = prospect[i].keep,
                                             .slot = prospect[i].keep == KEEP_TIMES ? -1 : 0,
                                             .longest_ms = prospect[i].days * DAY,
                                             .shortest_ms = 7 * DAY};
                if ((int)(rng() % EVENTS) < prospect[i].events)
                    profile_add(s, p, &series, now - 5000, prospect_value(i, user, round, session),
                                now);
            }
        }
    bench("a prospect of 20 events", s);
}

static void bench_long(const char *name, enum keep keep, size_t n)
{
    static const char *const values[] = {"checkout", "product list", "a landing page",
                                         "search results"};
    struct plan_series series = {.id = 1,
                                 .keep = keep,
                                 .slot = keep == KEEP_TIMES ? -1 : 0,
                                 .longest_ms = 30 * DAY,
                                 .shortest_ms = 30 * DAY};
    struct store *s = store_made();
    for (size_t user = 0; user < n; user++) {
        char id[37];
        id_of(user, id);
        struct profile *p = store_touch(s, 1, str_of(id));
        int64_t now = START;
        for (int i = 0; i < 4096; i++) {
            now += (int64_t)(rng() % 600000);
            struct val v = val_null;
            if (keep == KEEP_NUMBERS)
                v = val_dbl((double)(rng() % 100000) / 100);
            else if (keep == KEEP_VALUES)
                v = val_strz(values[rng() % COUNT_OF(values)]);
            profile_add(s, p, &series, now, v, now);
        }
    }
    bench(name, s);
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
    bench_prospects(n);
    bench_long("4096 times", KEEP_TIMES, n / 1000 + 1);
    bench_long("4096 numbers", KEEP_NUMBERS, n / 1000 + 1);
    bench_long("4096 values", KEEP_VALUES, n / 1000 + 1);
    return 0;
}
