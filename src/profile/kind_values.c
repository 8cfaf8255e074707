/* kind_values.c -- the values of a window's events: first, most_frequent, least_frequent,
 * category_count. SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"

static size_t values_in(const struct series_edge *e)
{
    size_t n = 0;
    for (size_t i = e->i; i < e->n; i++) {
        const struct chunk *c = e->chunks[i];
        n += c->cap ? c->count : ((const struct pane *)c)->values.tallies.n;
    }
    return n;
}

static struct val values_count(const struct read_at *at, const struct state *st,
                               const struct series_edge *e)
{
    struct counting c;
    counting_init(&c, at->arena, values_in(e));
    for (size_t i = e->i; i < e->n; i++) {
        const struct chunk *chunk = e->chunks[i];
        if (chunk->cap == 0) {
            const struct tallies *t = &((const struct pane *)chunk)->values.tallies;
            for (uint32_t k = 0; k < t->n; k++)
                counting_add(&c, t->items[k].word, t->items[k].last_ms, t->items[k].count);
            continue;
        }
        for (uint32_t k = i == e->i ? e->at : 0; k < chunk->count; k++)
            counting_add(&c, chunk_words(chunk, st->keep)[k], chunk_time(chunk, st->keep, k), 1);
    }
    return tally_answer(at, c.slots, counting_pack(&c));
}

static struct val values_read(const struct read_at *at, const struct state *st)
{
    struct series_edge e = series_edge(st, at->since_ms);
    if (e.i == e.n)
        return val_null;
    if (at->agg != AGG_FIRST)
        return values_count(at, st, &e);
    const struct chunk *c = e.chunks[e.i];
    return word_val(c->cap ? &chunk_words(c, st->keep)[e.at]
                           : &((const struct pane *)c)->values.first);
}

const struct kind kind_values = {
    .name = "values",
    .takes = KIND_TAKES_VALUE,
    .add = series_add,
    .read = values_read,
    .next_fade = series_next_fade,
    .newest = series_newest,
    .expire = series_expire,
    .digest = series_digest,
    .free = series_free,
    .save = series_save,
    .load = series_load,
};
