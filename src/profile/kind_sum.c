/* kind_sum.c -- count, sum, min and max of a lifetime: counter, sum, min, max, mean.
 * SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"
#include "profile/page.h"

struct run_sum {
    struct run run;
    uint64_t count;
    struct summary summary;
};

static void sum_merge(struct store *s, void *into, void *newer)
{
    struct run_sum *a = into, *b = newer;
    a->count += b->count;
    summary_merge(&a->summary, &b->summary);
}

static void run_save(struct page_out *o, const void *run)
{
    const struct run_sum *r = run;
    put_uint(o, r->count);
    summary_save(o, &r->summary);
}

static bool run_load(struct page_in *in, void *run)
{
    struct run_sum *r = run;
    r->count = get_some(in, UINT64_MAX);
    summary_load(in, &r->summary);
    return !in->u.bad;
}

static const struct run_ops ops = {
    .size = sizeof(struct run_sum), .merge = sum_merge, .save = run_save, .load = run_load};

static bool sum_add(struct store *s, struct state *st, const struct plan_series *series,
                    int64_t ts_ms, uint64_t word, int64_t now_ms)
{
    bool fresh;
    struct runs *runs = st->p;
    struct run_sum *r = runs_place(s, &runs, &ops, series->ttl_ms, ts_ms, &fresh);
    st->p = runs;
    if (!r)
        return false;
    if (fresh)
        summary_init(&r->summary);
    run_stretch(&r->run, ts_ms);
    r->count++;
    summary_add(&r->summary, word_double(word));
    return true;
}

static struct val sum_read(const struct read_at *at, const struct state *st)
{
    const struct run_sum *r = runs_alive(st->p, &ops, at->series->ttl_ms, at->now_ms);
    if (!r)
        return val_null;
    return at->agg == AGG_COUNTER ? val_int((int64_t)r->count)
                                  : summary_answer(&r->summary, r->count, at->agg);
}

static int64_t sum_next_fade(const struct read_at *at, const struct state *st)
{
    return run_fade(runs_alive(st->p, &ops, at->series->ttl_ms, at->now_ms), at->series->ttl_ms);
}

static int64_t sum_next_at_most(const struct read_at *at, const struct state *st, int64_t n)
{
    const struct run_sum *r = runs_alive(st->p, &ops, at->series->ttl_ms, at->now_ms);
    return n < 0 || (r && r->count <= (uint64_t)n) ? INT64_MAX : sum_next_fade(at, st);
}

static int64_t sum_newest(const struct state *st)
{
    const struct run *r = runs_newest(st->p, &ops);
    return r ? r->last_ms : INT64_MIN;
}

static bool sum_expire(struct store *s, struct state *st, const struct plan_series *series,
                       int64_t now_ms)
{
    struct runs *runs = st->p;
    bool empty = runs_expire(s, &runs, &ops, series->ttl_ms, now_ms);
    st->p = runs;
    return empty;
}

static uint64_t sum_digest(const struct state *st)
{
    uint64_t sum = 0;
    const struct run_sum *r;
    for (size_t i = 0; (r = runs_at(st->p, &ops, i)); i++)
        sum += mix_pair(mix_pair((uint64_t)r->run.first_ms, (uint64_t)r->run.last_ms),
                        summary_digest(&r->summary, r->count));
    return sum;
}

static void sum_free(struct store *s, struct state *st)
{
    struct runs *runs = st->p;
    runs_free(s, &runs, &ops);
    st->p = NULL;
}

static void sum_save(struct page_out *o, const struct state *st)
{
    runs_save(o, st->p, &ops);
}

static bool sum_load(struct page_in *in, struct state *st)
{
    struct runs *runs = NULL;
    runs_load(in, &runs, &ops);
    st->p = runs;
    return runs;
}

const struct kind kind_sum = {
    .name = "sum",
    .takes = KIND_TAKES_NUMBER,
    .add = sum_add,
    .read = sum_read,
    .next_fade = sum_next_fade,
    .next_at_most = sum_next_at_most,
    .newest = sum_newest,
    .expire = sum_expire,
    .digest = sum_digest,
    .free = sum_free,
    .save = sum_save,
    .load = sum_load,
};
