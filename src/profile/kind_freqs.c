/* kind_freqs.c -- how often a lifetime saw each value: most_frequent, least_frequent,
 * category_count.
 *
 * Ties go to the value seen last, in either direction. category_count's keys are strings; a number
 * and a string that read the same are one key. SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"
#include "profile/page.h"

#include <stdlib.h>

struct run_freqs {
    struct run run;
    struct tallies tallies;
};

static void freqs_drop(struct store *s, void *run)
{
    tallies_fini(s, &((struct run_freqs *)run)->tallies);
}

static void freqs_merge(struct store *s, void *into, void *newer)
{
    tallies_merge(s, &((struct run_freqs *)into)->tallies, &((struct run_freqs *)newer)->tallies);
    freqs_drop(s, newer);
}

static void run_save(struct page_out *o, const void *run)
{
    tallies_save(o, &((const struct run_freqs *)run)->tallies);
}

static bool run_load(struct page_in *in, void *run)
{
    return tallies_load(in, &((struct run_freqs *)run)->tallies);
}

static const struct run_ops ops = {.size = sizeof(struct run_freqs),
                                   .merge = freqs_merge,
                                   .drop = freqs_drop,
                                   .save = run_save,
                                   .load = run_load};

static bool freqs_add(struct store *s, struct state *st, const struct plan_series *series,
                      int64_t ts_ms, uint64_t word, int64_t now_ms)
{
    bool fresh;
    struct runs *runs = st->p;
    struct run_freqs *r = runs_place(s, &runs, &ops, series->ttl_ms, ts_ms, &fresh);
    st->p = runs;
    if (r) {
        run_stretch(&r->run, ts_ms);
        tallies_add(s, &r->tallies, word, ts_ms, 1);
    }
    word_unref(s, word);
    return r;
}

/* Of two tallies the one that was seen later. */
static bool tally_later(const struct tally *a, const struct tally *b)
{
    return a->last_ms != b->last_ms ? a->last_ms > b->last_ms : word_cmp(a->word, b->word) > 0;
}

static int by_count_down(const void *pa, const void *pb)
{
    const struct tally *a = pa, *b = pb;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return tally_later(a, b) ? -1 : 1;
}

struct keyed {
    struct str text;
    struct tally tally;
};

static int by_text(const void *a, const void *b)
{
    return str_cmp(((const struct keyed *)a)->text, ((const struct keyed *)b)->text);
}

/* Makes one tally of those whose keys read the same; only strings can read like something else. */
static size_t tally_join(const struct read_at *at, struct tally *items, size_t n)
{
    size_t strings = 0, left = 0;
    for (size_t i = 0; i < n; i++)
        strings += word_val(&items[i].word).type == VAL_STR;
    if (strings == 0 || strings == n)
        return n;
    struct keyed *keyed = arena_alloc(at->arena, n * sizeof(*keyed));
    for (size_t i = 0; i < n; i++) {
        keyed[i].tally = items[i];
        keyed[i].text = cast_text(val_copy(at->arena, word_val(&items[i].word)), at->arena);
    }
    qsort(keyed, n, sizeof(*keyed), by_text);
    for (size_t i = 0; i < n; i++) {
        struct tally *t = &keyed[i].tally, *last = left ? &items[left - 1] : NULL;
        if (!last || !str_eq(keyed[i].text, keyed[i - 1].text)) {
            items[left++] = *t;
            continue;
        }
        uint64_t count = last->count + t->count;
        *last = tally_later(t, last) ? *t : *last;
        last->count = count;
    }
    return left;
}

static struct val tally_dict(const struct read_at *at, struct tally *items, size_t n)
{
    size_t used = 0;
    n = tally_join(at, items, n);
    qsort(items, n, sizeof(*items), by_count_down);
    n = MIN_OF(n, (size_t)at->store->limits.list_values);
    struct val dict = val_dict(at->arena, n);
    for (size_t i = 0; i < n; i++) {
        struct str text = cast_text(val_copy(at->arena, word_val(&items[i].word)), at->arena);
        dict_put(&dict, &used, text, val_int((int64_t)items[i].count));
    }
    return dict;
}

struct val tally_answer(const struct read_at *at, struct tally *items, size_t n)
{
    if (n == 0)
        return val_null;
    if (at->agg == AGG_CATEGORY_COUNT)
        return tally_dict(at, items, n);
    if (at->agg != AGG_MOST_FREQUENT && at->agg != AGG_LEAST_FREQUENT)
        return val_null;
    const struct tally *best = &items[0];
    for (size_t i = 1; i < n; i++) {
        bool more = items[i].count > best->count, fewer = items[i].count < best->count;
        bool better = at->agg == AGG_MOST_FREQUENT ? more : fewer;
        if (better || (!more && !fewer && tally_later(&items[i], best)))
            best = &items[i];
    }
    return word_val(&best->word);
}

static struct val freqs_read(const struct read_at *at, const struct state *st)
{
    const struct run_freqs *r = runs_alive(st->p, &ops, at->series->ttl_ms, at->now_ms);
    if (!r)
        return val_null;
    struct tally *items = arena_alloc(at->arena, r->tallies.n * sizeof(*items));
    memcpy(items, r->tallies.items, r->tallies.n * sizeof(*items));
    return tally_answer(at, items, r->tallies.n);
}

static int64_t freqs_next_fade(const struct read_at *at, const struct state *st)
{
    return run_fade(runs_alive(st->p, &ops, at->series->ttl_ms, at->now_ms), at->series->ttl_ms);
}

static int64_t freqs_newest(const struct state *st)
{
    const struct run *r = runs_newest(st->p, &ops);
    return r ? r->last_ms : INT64_MIN;
}

static bool freqs_expire(struct store *s, struct state *st, const struct plan_series *series,
                         int64_t now_ms)
{
    struct runs *runs = st->p;
    bool empty = runs_expire(s, &runs, &ops, series->ttl_ms, now_ms);
    st->p = runs;
    return empty;
}

static uint64_t freqs_digest(const struct state *st)
{
    uint64_t sum = 0;
    const struct run_freqs *r;
    for (size_t i = 0; (r = runs_at(st->p, &ops, i)); i++)
        sum += mix_pair(mix_pair((uint64_t)r->run.first_ms, (uint64_t)r->run.last_ms),
                        tallies_digest(&r->tallies));
    return sum;
}

static void freqs_free(struct store *s, struct state *st)
{
    struct runs *runs = st->p;
    runs_free(s, &runs, &ops);
    st->p = NULL;
}

static void freqs_save(struct page_out *o, const struct state *st)
{
    runs_save(o, st->p, &ops);
}

static bool freqs_load(struct page_in *in, struct state *st)
{
    struct runs *runs = NULL;
    runs_load(in, &runs, &ops);
    st->p = runs;
    return runs;
}

const struct kind kind_freqs = {
    .name = "freqs",
    .takes = KIND_TAKES_VALUE,
    .add = freqs_add,
    .read = freqs_read,
    .next_fade = freqs_next_fade,
    .newest = freqs_newest,
    .expire = freqs_expire,
    .digest = freqs_digest,
    .free = freqs_free,
    .save = freqs_save,
    .load = freqs_load,
};
