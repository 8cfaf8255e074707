/* kind_times.c -- the times of a window's events: counter.
 * SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"

static struct val times_read(const struct read_at *at, const struct state *st)
{
    struct series_edge e = series_edge(st, at->since_ms);
    int64_t count = -(int64_t)e.at;
    for (size_t i = e.i; i < e.n; i++)
        count += e.chunks[i]->count;
    return count ? val_int(count) : val_null;
}

static int64_t times_next_at_most(const struct read_at *at, const struct state *st, int64_t n)
{
    struct series_edge e = series_edge(st, at->since_ms);
    int64_t left = -(int64_t)e.at;
    for (size_t i = e.i; i < e.n; i++)
        left += e.chunks[i]->count;
    if (left <= n || n < 0)
        return INT64_MAX;
    int64_t goes = left - n; /* so many must leave: the last of them is sought */
    for (; e.i < e.n; e.i++, e.at = 0) {
        const struct chunk *c = e.chunks[e.i];
        int64_t here = (int64_t)c->count - e.at;
        if (goes <= here)
            return time_add(c->cap ? chunk_time(c, st->keep, e.at + (uint32_t)goes - 1)
                                   : chunk_last(c, st->keep),
                            at->period_ms);
        goes -= here;
    }
    return INT64_MAX;
}

const struct kind kind_times = {
    .name = "times",
    .takes = KIND_TAKES_NOTHING,
    .add = series_add,
    .read = times_read,
    .next_fade = series_next_fade,
    .next_at_most = times_next_at_most,
    .newest = series_newest,
    .expire = series_expire,
    .digest = series_digest,
    .free = series_free,
    .save = series_save,
    .load = series_load,
};
