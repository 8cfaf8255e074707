/* series_save.c -- the entries of a window as bytes.
 *
 * Chunks come back as they were, their room included: which entries fold together later, and which chunks have a summary,
 * hangs on it, and so would the last digit of a sum. Times are the milliseconds since the entry before. A series that is one
 * chunk, as most are, costs one byte more than the chunk.
 * SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"
#include "profile/page.h"

/* A chunk begins with its count less one, and whether its room is another than what chunk_cap gives. */
enum { COUNT_MASK = CHUNK_MAX - 1, OTHER_CAP = CHUNK_MAX };

static void chunk_save(struct page_out *o, const struct chunk *c, enum keep keep)
{
    bool other = c->cap != chunk_cap(c->count);
    put_uint(o, (c->count - 1) | (other ? OTHER_CAP : 0));
    if (other)
        put_uint(o, c->cap);
    put_time(o, c->first_ms);
    const uint32_t *deltas = chunk_deltas(c, keep);
    for (uint32_t i = 1; i < c->count; i++)
        put_uint(o, deltas[i] - deltas[i - 1]);
    o->time_ms = chunk_last(c, keep);
    if (keep == KEEP_TIMES)
        return;
    const uint64_t *words = chunk_words(c, keep);
    for (uint32_t i = 0; i < c->count; i++)
        if (keep == KEEP_NUMBERS)
            put_number(o, word_double(words[i]));
        else
            put_word(o, words[i]);
}

void series_save(struct page_out *o, const struct state *st)
{
    struct series_edge all = series_edge(st, INT64_MIN);
    uint32_t panes = st->listed ? ((const struct chunk_list *)st->p)->n_panes : 0;
    put_uint(o, (uint64_t)all.n << 1 | (panes > 0));
    if (panes)
        put_uint(o, panes);
    for (size_t i = 0; i < all.n; i++)
        if (i < panes)
            pane_save(o, (const struct pane *)all.chunks[i], st->keep);
        else
            chunk_save(o, all.chunks[i], st->keep);
}

/* -- and back */

bool series_time_fits(int64_t ts_ms)
{
    return ts_ms > INT64_MIN / 2 && ts_ms < INT64_MAX / 2;
}

static bool load_times(struct page_in *in, struct chunk *c, enum keep keep, uint32_t count)
{
    uint64_t past = 0;
    uint32_t *deltas = chunk_deltas(c, keep);
    deltas[0] = 0;
    for (uint32_t i = 1; i < count; i++) {
        uint64_t step = get_uint(in);
        past += step;
        if (step > UINT32_MAX || past > UINT32_MAX)
            return page_bad(in);
        deltas[i] = (uint32_t)past;
    }
    in->time_ms = c->first_ms + (int64_t)past;
    return series_time_fits(in->time_ms) || page_bad(in);
}

/* c->count is how many there are, so that the chunk can be freed at any point. */
static bool load_words(struct page_in *in, struct chunk *c, enum keep keep, uint32_t count)
{
    uint64_t *words = chunk_words(c, keep);
    const uint32_t *deltas = chunk_deltas(c, keep);
    for (; c->count < count; c->count++) {
        uint32_t i = c->count;
        if (keep == KEEP_NUMBERS) {
            double d = get_number(in);
            words[i] = word_of_double(d);
            if (d != d)
                return page_bad(in);
        } else if (!get_word(in, &words[i])) {
            return false;
        }
        if (i && deltas[i] == deltas[i - 1] && word_cmp(words[i - 1], words[i]) > 0) {
            c->count++;
            return page_bad(in);
        }
    }
    return !in->u.bad;
}

/* A chunk has room for what it holds, and no more than what twice that would get. */
static struct chunk *chunk_load(struct page_in *in, enum keep keep)
{
    uint64_t head = get_uint(in);
    uint32_t count = (uint32_t)(head & COUNT_MASK) + 1, most = MIN_OF(2 * count, CHUNK_MAX + 0u);
    uint64_t cap = head & OTHER_CAP ? get_uint(in) : chunk_cap(count);
    int64_t first_ms = get_time(in);
    if (in->u.bad || head > (COUNT_MASK | OTHER_CAP) || cap < count || cap > chunk_cap(most) ||
        !series_time_fits(first_ms))
        return page_bad(in), NULL;
    struct chunk *c = chunk_new(in->store, keep, (uint32_t)cap);
    c->first_ms = first_ms;
    bool good = load_times(in, c, keep, count);
    if (good && keep != KEEP_TIMES)
        good = load_words(in, c, keep, count);
    else
        c->count = good ? count : 0;
    if (good && !in->u.bad) {
        chunk_summarise(c, keep);
        return c;
    }
    chunk_free(in->store, c, keep, true);
    return NULL;
}

static bool list_load(struct page_in *in, struct state *st, uint32_t n, uint32_t panes)
{
    struct chunk_list *l = chunk_list_new(in->store, n);
    int64_t before_ms = INT64_MIN;
    st->p = l;
    st->listed = true;
    while (l->n < n) {
        bool is_pane = l->n < panes;
        struct pane *p = is_pane ? pane_load(in, st->keep) : NULL;
        struct chunk *c = is_pane ? (struct chunk *)p : chunk_load(in, st->keep);
        if (!c)
            return false;
        l->chunks[l->n++] = c;
        l->n_panes += is_pane;
        l->entries += is_pane ? 0 : c->count;
        if (c->first_ms < before_ms)
            return page_bad(in);
        before_ms = chunk_last(c, st->keep);
    }
    return true;
}

bool series_load(struct page_in *in, struct state *st)
{
    uint64_t head = get_uint(in), n = head >> 1, panes = head & 1 ? get_uint(in) : 0;
    if (in->u.bad || n == 0 || n > (size_t)(in->u.end - in->u.p) / 2 || n > UINT32_MAX / 2 ||
        panes > n)
        return page_bad(in);
    if (n == 1 && panes == 0)
        return (st->p = chunk_load(in, st->keep)) != NULL;
    if (list_load(in, st, (uint32_t)n, (uint32_t)panes))
        return true;
    series_free(in->store, st);
    return false;
}
