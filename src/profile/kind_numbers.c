/* kind_numbers.c -- the numbers of a window's events: sum, min, max, mean; and counter.
 * SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"

static struct val numbers_read(const struct read_at *at, const struct state *st)
{
    struct series_edge e = series_edge(st, at->since_ms);
    struct summary sum;
    uint64_t count = 0;
    summary_init(&sum);
    for (size_t i = e.i; i < e.n; i++) {
        const struct chunk *c = e.chunks[i];
        uint32_t from = i == e.i ? e.at : 0;
        const struct summary *whole = from == 0 ? chunk_summary(c, st->keep) : NULL;
        if (whole)
            summary_merge(&sum, whole);
        for (uint32_t k = from; !whole && k < c->count; k++)
            summary_add(&sum, word_double(chunk_words(c, st->keep)[k]));
        count += c->count - from;
    }
    if (count == 0)
        return val_null;
    return at->agg == AGG_COUNTER ? val_int((int64_t)count) : summary_answer(&sum, count, at->agg);
}

const struct kind kind_numbers = {
    .name = "numbers",
    .takes = KIND_TAKES_NUMBER,
    .add = series_add,
    .read = numbers_read,
    .next_fade = series_next_fade,
    .newest = series_newest,
    .expire = series_expire,
    .digest = series_digest,
    .free = series_free,
    .save = series_save,
    .load = series_load,
};
