/* profile_update.c -- what an update and a read of profiles cost, and what a profile weighs.
 *
 * Usage: profile_update [profiles]. Two sets: the nineteen attributes of the prospect scoring
 * tutorial, and twenty windowed counters. Every profile gets twenty events in thirty days, in
 * random order of profiles, so that nearly every one is met cold.
 * SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile.h"

#include <stdlib.h>
#include <time.h>

enum { EVENTS = 20, BATCH = 16 };
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

/* Which events a series takes, as bits. */
enum { VIEW = 1, PING = 2, FORM = 4, SUBMIT = 8, MEDIA = 16, PRICING = 32, CAMPAIGN = 64 };
enum value { NONE, APP, DEVICE, SESSION, REFERRER, MEDIUM, CAMPAIGN_NAME };
struct row {
    enum keep keep;
    unsigned takes;
    enum value value;
    int days; /* the longest window; 0: lifetime */
    enum agg agg;
    int n; /* attributes: the windows of 7 and of 30 days */
};
static const struct row prospects[] = {
    {KEEP_LAST, VIEW, APP, 0, AGG_LAST, 1},
    {KEEP_LAST, VIEW, DEVICE, 0, AGG_LAST, 1},
    {KEEP_SET, VIEW, SESSION, 30, AGG_UNIQUE_LIST, 2},
    {KEEP_SET, VIEW, APP, 30, AGG_UNIQUE_LIST, 2},
    {KEEP_TIMES, VIEW, NONE, 30, AGG_COUNTER, 2},
    {KEEP_TIMES, PING, NONE, 30, AGG_COUNTER, 2},
    {KEEP_TIMES, PRICING, NONE, 30, AGG_COUNTER, 2},
    {KEEP_TIMES, SUBMIT, NONE, 30, AGG_COUNTER, 2},
    {KEEP_TIMES, FORM, NONE, 7, AGG_COUNTER, 1},
    {KEEP_TIMES, MEDIA, NONE, 30, AGG_COUNTER, 1},
    {KEEP_VALUES, VIEW, REFERRER, 30, AGG_FIRST, 1},
    {KEEP_VALUES, CAMPAIGN, MEDIUM, 30, AGG_FIRST, 1},
    {KEEP_SET, CAMPAIGN, CAMPAIGN_NAME, 30, AGG_UNIQUE_LIST, 1},
};
static const struct row counters[] = {
    {KEEP_TIMES, VIEW, NONE, 30, AGG_COUNTER, 2},
    {KEEP_TIMES, PING, NONE, 30, AGG_COUNTER, 2},
    {KEEP_TIMES, FORM, NONE, 30, AGG_COUNTER, 2},
    {KEEP_TIMES, SUBMIT, NONE, 30, AGG_COUNTER, 2},
    {KEEP_TIMES, MEDIA, NONE, 30, AGG_COUNTER, 2},
    {KEEP_TIMES, PRICING, NONE, 30, AGG_COUNTER, 2},
    {KEEP_TIMES, CAMPAIGN, NONE, 30, AGG_COUNTER, 2},
    {KEEP_TIMES, VIEW | PING, NONE, 30, AGG_COUNTER, 2},
    {KEEP_TIMES, FORM | SUBMIT, NONE, 30, AGG_COUNTER, 2},
    {KEEP_TIMES, VIEW | MEDIA, NONE, 30, AGG_COUNTER, 2},
};

static struct plan_series series[16];
static struct plan_attr attrs[32];
static struct plan plan = {.series = series, .attrs = attrs};

static void plan_make(const struct row *rows, size_t n)
{
    plan.n_series = plan.n_attrs = 0;
    for (size_t i = 0; i < n; i++) {
        series[i] =
            (struct plan_series){.id = (uint32_t)i,
                                 .keep = rows[i].keep,
                                 .slot = rows[i].value == NONE ? -1 : 0,
                                 .longest_ms = rows[i].days * DAY,
                                 .shortest_ms = rows[i].n == 2 ? 7 * DAY : rows[i].days * DAY};
        for (int k = 0; k < rows[i].n; k++)
            attrs[plan.n_attrs++] =
                (struct plan_attr){.series = (uint32_t)i,
                                   .agg = rows[i].agg,
                                   .type = TYPE_ANY,
                                   .period_ms = k == 1 ? 7 * DAY : rows[i].days * DAY};
    }
    plan.n_series = n;
}

static size_t resident(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%*s %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return (size_t)pages * 4096;
}

static void id_of(uint64_t n, char id[37])
{
    uint8_t bytes[16];
    str_hash128((struct str){(const char *)&n, sizeof(n)}, bytes);
    uuid_format(bytes, id);
}

static unsigned event_of(unsigned round)
{
    static const unsigned events[EVENTS] = {VIEW | CAMPAIGN,
                                            PING,
                                            PING,
                                            VIEW,
                                            PING,
                                            VIEW | PRICING,
                                            PING,
                                            VIEW,
                                            PING,
                                            VIEW | CAMPAIGN,
                                            PING,
                                            VIEW,
                                            PING,
                                            VIEW,
                                            FORM,
                                            SUBMIT,
                                            PING,
                                            MEDIA,
                                            VIEW,
                                            PING};
    return events[round];
}

static struct val value_of(enum value v, uint64_t user, unsigned round, char session[37])
{
    static const char *const apps[] = {"website", "docs"}, *const devices[] = {"Desktop", "Phone"};
    static const char *const referrers[] = {"search", "social", "unknown"}, *const mediums[] = {
                                                                                "cpc", "email"};
    static const char *const campaigns[] = {"spring-sale-2024", "brand-awareness-eu",
                                            "newsletter-17"};
    switch (v) {
    case APP:
        return val_strz(apps[(user + round) % 5 == 0]);
    case DEVICE:
        return val_strz(devices[user % 2]);
    case SESSION:
        id_of(user * 100 + round / 8, session); /* three of them */
        return val_strz(session);
    case REFERRER:
        return val_strz(referrers[(user + round / 8) % 3]);
    case MEDIUM:
        return val_strz(mediums[user % 2]);
    case CAMPAIGN_NAME:
        return val_strz(campaigns[(user + round / 9) % 3]);
    default:
        return val_null;
    }
}

static void bench(const char *name, const struct row *rows, size_t n_rows, size_t n_users,
                  bool prefetch)
{
    plan_make(rows, n_rows);
    struct store *s = store_new(&profile_limits_default);
    struct arena arena;
    arena_init(&arena);
    char(*ids)[37] = xmalloc(n_users * 37), session[37];
    for (size_t i = 0; i < n_users; i++)
        id_of(i, ids[i]);
    size_t adds = 0, values = 0, before = resident();
    double t0 = cpu_ns();
    for (unsigned round = 0; round < EVENTS; round++) {
        for (size_t from = 0; from < n_users; from += BATCH) {
            size_t users[BATCH], n = MIN_OF((size_t)BATCH, n_users - from);
            int64_t now =
                START + round * 30 * DAY / EVENTS + (int64_t)(DAY * (double)from / (double)n_users);
            for (size_t k = 0; k < n; k++) {
                users[k] = rng() % n_users;
                if (prefetch)
                    store_prefetch(s, 1, (struct str){ids[users[k]], 36});
            }
            for (size_t k = 0; k < n; k++) {
                struct profile *p = store_touch(s, 1, (struct str){ids[users[k]], 36});
                profile_seen(s, p, rng(), now);
                for (size_t i = 0; i < n_rows; i++) {
                    if (!(rows[i].takes & event_of(round)))
                        continue;
                    profile_add(s, p, &series[i], now - 5000,
                                value_of(rows[i].value, users[k], round, session), now);
                    adds++;
                }
            }
        }
    }
    double t1 = cpu_ns();
    size_t after = resident();
    size_t reads = MIN_OF(n_users, (size_t)1000000);
    for (size_t i = 0; i < reads; i++) {
        struct profile *p = store_find(s, 1, (struct str){ids[rng() % n_users], 36});
        for (size_t k = 0; k < plan.n_attrs; k++)
            values +=
                profile_read(s, p, &plan, &attrs[k], START + 30 * DAY, &arena).type != VAL_NULL;
        arena_reset(&arena);
    }
    double t2 = cpu_ns();
    struct profile *p = store_find(s, 1, (struct str){ids[rng() % n_users], 36});
    for (size_t i = 0; i < reads; i++) {
        for (size_t k = 0; k < plan.n_attrs; k++)
            values +=
                profile_read(s, p, &plan, &attrs[k], START + 30 * DAY, &arena).type != VAL_NULL;
        arena_reset(&arena);
    }
    double t3 = cpu_ns();
    size_t events = EVENTS * n_users;
    printf("%s, %s: %.0f ns an event, %.0f ns an add; %zu totals of a cold profile %.0f ns, of a "
           "hot one %.0f ns; %zu bytes a profile, "
           "%zu resident (%zu values)\n",
           name, prefetch ? "prefetch" : "no prefetch", (t1 - t0) / (double)events,
           (t1 - t0) / (double)adds, plan.n_attrs, (t2 - t1) / (double)reads,
           (t3 - t2) / (double)reads, store_bytes(s) / store_count(s),
           (after - before) / store_count(s), values);
    free(ids);
    arena_fini(&arena);
    store_free(s);
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
    for (int prefetch = 0; prefetch < 2; prefetch++) {
        bench("prospects", prospects, COUNT_OF(prospects), n, prefetch);
        bench("counters", counters, COUNT_OF(counters), n, prefetch);
    }
    return 0;
}
