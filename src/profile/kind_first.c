/* kind_first.c -- the oldest value of a lifetime: first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"
#include "profile/page.h"

struct run_first {
    struct run run;
    uint64_t word; /* at run.first_ms */
};

static void first_merge(struct store *s, void *into, void *newer)
{
    word_unref(s, ((struct run_first *)newer)->word);
}

static void first_drop(struct store *s, void *run)
{
    word_unref(s, ((struct run_first *)run)->word);
}

static void run_save(struct page_out *o, const void *run)
{
    put_word(o, ((const struct run_first *)run)->word);
}

static bool run_load(struct page_in *in, void *run)
{
    return get_word(in, &((struct run_first *)run)->word);
}

static const struct run_ops ops = {.size = sizeof(struct run_first),
                                   .merge = first_merge,
                                   .drop = first_drop,
                                   .save = run_save,
                                   .load = run_load};

static bool first_add(struct store *s, struct state *st, const struct plan_series *series,
                      int64_t ts_ms, uint64_t word, int64_t now_ms)
{
    bool fresh;
    struct runs *runs = st->p;
    struct run_first *r = runs_place(s, &runs, &ops, series->ttl_ms, ts_ms, &fresh);
    st->p = runs;
    if (r && (fresh || ts_ms < r->run.first_ms ||
              (ts_ms == r->run.first_ms && word_cmp(word, r->word) < 0))) {
        if (!fresh)
            word_unref(s, r->word);
        r->word = word;
    } else {
        word_unref(s, word);
    }
    if (r)
        run_stretch(&r->run, ts_ms);
    return r;
}

static struct val first_read(const struct read_at *at, const struct state *st)
{
    const struct run_first *r = runs_alive(st->p, &ops, at->series->ttl_ms, at->now_ms);
    return r ? word_val(&r->word) : val_null;
}

static int64_t first_next_fade(const struct read_at *at, const struct state *st)
{
    return run_fade(runs_alive(st->p, &ops, at->series->ttl_ms, at->now_ms), at->series->ttl_ms);
}

static int64_t first_newest(const struct state *st)
{
    const struct run *r = runs_newest(st->p, &ops);
    return r ? r->last_ms : INT64_MIN;
}

static bool first_expire(struct store *s, struct state *st, const struct plan_series *series,
                         int64_t now_ms)
{
    struct runs *runs = st->p;
    bool empty = runs_expire(s, &runs, &ops, series->ttl_ms, now_ms);
    st->p = runs;
    return empty;
}

static uint64_t first_digest(const struct state *st)
{
    uint64_t sum = 0;
    const struct run_first *r;
    for (size_t i = 0; (r = runs_at(st->p, &ops, i)); i++)
        sum += mix_pair(mix_pair((uint64_t)r->run.first_ms, (uint64_t)r->run.last_ms),
                        word_hash(r->word));
    return sum;
}

static void first_free(struct store *s, struct state *st)
{
    struct runs *runs = st->p;
    runs_free(s, &runs, &ops);
    st->p = NULL;
}

static void first_save(struct page_out *o, const struct state *st)
{
    runs_save(o, st->p, &ops);
}

static bool first_load(struct page_in *in, struct state *st)
{
    struct runs *runs = NULL;
    runs_load(in, &runs, &ops);
    st->p = runs;
    return runs;
}

const struct kind kind_first = {
    .name = "first",
    .takes = KIND_TAKES_VALUE,
    .add = first_add,
    .read = first_read,
    .next_fade = first_next_fade,
    .newest = first_newest,
    .expire = first_expire,
    .digest = first_digest,
    .free = first_free,
    .save = first_save,
    .load = first_load,
};
