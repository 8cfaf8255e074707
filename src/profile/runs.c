/* runs.c -- a lifetime with ttl, as a list of runs: events whose neighbours in time are less than
 * ttl apart.
 *
 * Only the newest run is ever read, and only until its ttl has passed. Older ones are kept because
 * a late event may bridge the gap to the next: then the two merge. A run is forgotten a day after
 * its ttl has passed, or when there are too many: a late event that would have joined it then
 * starts a run of its own. So values are exact for events up to a day late. Without ttl there is no
 * gap, and one run. SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"
#include "profile/page.h"

struct runs {
    uint32_t n, cap;
    char items[] __attribute__((aligned(8))); /* ascending by time */
};

static size_t runs_size(const struct run_ops *ops, uint32_t cap)
{
    return sizeof(struct runs) + cap * ops->size;
}

void *runs_at(const struct runs *runs, const struct run_ops *ops, size_t i)
{
    return runs && i < runs->n ? (char *)runs->items + i * ops->size : NULL;
}

void *runs_newest(const struct runs *runs, const struct run_ops *ops)
{
    return runs ? runs_at(runs, ops, runs->n - 1) : NULL;
}

static void runs_remove(struct runs *r, const struct run_ops *ops, size_t i)
{
    char *gap = r->items + i * ops->size;
    memmove(gap, gap + ops->size, (r->n - i - 1) * ops->size);
    r->n--;
}

static void runs_drop(struct store *s, struct runs *r, const struct run_ops *ops, size_t i)
{
    if (ops->drop)
        ops->drop(s, runs_at(r, ops, i));
    runs_remove(r, ops, i);
}

static void *runs_make(struct store *s, struct runs **runs, const struct run_ops *ops, size_t i,
                       int64_t ts_ms)
{
    struct runs *r = *runs;
    if (r && r->n >= s->limits.runs) {
        stat_add(STAT_RUNS_DROPPED, 1);
        if (i == 0)
            return NULL;
        runs_drop(s, r, ops, 0);
        i--;
    }
    if (!r || r->n == r->cap) {
        uint32_t n = r ? r->n : 0, cap = r ? r->cap * 2 : 1;
        r = *runs = store_realloc(s, r, r ? runs_size(ops, r->cap) : 0, runs_size(ops, cap));
        r->n = n;
        r->cap = cap;
    }
    struct run *run = (struct run *)(r->items + i * ops->size);
    memmove((char *)run + ops->size, run, (r->n - i) * ops->size);
    r->n++;
    memset(run, 0, ops->size);
    *run = (struct run){ts_ms, ts_ms};
    return run;
}

void *runs_place(struct store *s, struct runs **runs, const struct run_ops *ops, int64_t ttl_ms,
                 int64_t ts_ms, bool *fresh)
{
    int64_t reach = ttl_ms ? ttl_ms : INT64_MAX;
    struct runs *r = *runs;
    size_t i = r ? r->n : 0; /* of the runs that begin later than ts, the oldest */
    *fresh = false;
    while (i > 0 && ((struct run *)runs_at(r, ops, i - 1))->first_ms > ts_ms)
        i--;
    struct run *left = i > 0 ? runs_at(r, ops, i - 1) : NULL, *right = runs_at(r, ops, i);
    bool joins_left = left && time_sub(ts_ms, left->last_ms) < reach;
    bool joins_right = right && time_sub(right->first_ms, ts_ms) < reach;
    if (joins_left && joins_right) {
        left->last_ms = right->last_ms;
        if (ops->merge)
            ops->merge(s, left, right);
        runs_remove(r, ops, i);
    }
    if (joins_left)
        return left;
    if (joins_right)
        return right;
    *fresh = true;
    return runs_make(s, runs, ops, i, ts_ms);
}

void run_stretch(struct run *run, int64_t ts_ms)
{
    run->first_ms = MIN_OF(run->first_ms, ts_ms);
    run->last_ms = MAX_OF(run->last_ms, ts_ms);
}

bool runs_expire(struct store *s, struct runs **runs, const struct run_ops *ops, int64_t ttl_ms,
                 int64_t now_ms)
{
    struct runs *r = *runs;
    if (!r)
        return true;
    while (ttl_ms && r->n &&
           time_sub(now_ms, ((struct run *)r->items)->last_ms) >= time_add(ttl_ms, RUN_GRACE_MS))
        runs_drop(s, r, ops, 0);
    if (r->n)
        return false;
    runs_free(s, runs, ops);
    return true;
}

void runs_free(struct store *s, struct runs **runs, const struct run_ops *ops)
{
    struct runs *r = *runs;
    if (!r)
        return;
    for (size_t i = 0; ops->drop && i < r->n; i++)
        ops->drop(s, runs_at(r, ops, i));
    store_release(s, r, runs_size(ops, r->cap));
    *runs = NULL;
}

void *runs_alive(const struct runs *runs, const struct run_ops *ops, int64_t ttl_ms, int64_t now_ms)
{
    struct run *run = runs_newest(runs, ops);
    return run && now_ms < run_fade(run, ttl_ms) ? run : NULL;
}

int64_t run_fade(const struct run *run, int64_t ttl_ms)
{
    return run && ttl_ms ? time_add(run->last_ms, ttl_ms) : INT64_MAX;
}

void runs_save(struct page_out *o, const struct runs *r, const struct run_ops *ops)
{
    put_uint(o, r ? r->n : 0);
    for (size_t i = 0; r && i < r->n; i++) {
        const struct run *run = runs_at(r, ops, i);
        put_time(o, run->first_ms);
        put_time(o, run->last_ms);
        if (ops->save)
            ops->save(o, run);
    }
}

static bool run_load(struct page_in *in, const struct run_ops *ops, struct run *run,
                     const struct run *before)
{
    memset(run, 0, ops->size);
    run->first_ms = get_time(in);
    run->last_ms = get_time(in);
    if (in->u.bad || run->first_ms == INT64_MIN || run->last_ms < run->first_ms ||
        (before && before->last_ms > run->first_ms))
        return page_bad(in);
    return !ops->load || ops->load(in, run);
}

/* At least one. On failure *runs stays NULL. */
bool runs_load(struct page_in *in, struct runs **runs, const struct run_ops *ops)
{
    size_t n = unpack_count(&in->u, 2);
    if (n == 0 || n > UINT32_MAX)
        return page_bad(in);
    struct runs *r = *runs = store_alloc(in->store, runs_size(ops, (uint32_t)n));
    *r = (struct runs){.cap = (uint32_t)n};
    struct run *before = NULL;
    while (r->n < r->cap) {
        struct run *run = (struct run *)(r->items + r->n * ops->size);
        if (!run_load(in, ops, run, before)) {
            runs_free(in->store, runs, ops);
            return false;
        }
        before = run;
        r->n++;
    }
    return true;
}
