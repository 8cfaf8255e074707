/* kind_last.c -- the newest value: last, in a window or for a lifetime.
 *
 * A ttl needs no runs here: the newest run ends with the newest event.
 * SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"
#include "profile/page.h"

struct last {
    int64_t ts_ms;
    uint64_t word;
};

static bool last_add(struct store *s, struct state *st, const struct plan_series *series,
                     int64_t ts_ms, uint64_t word, int64_t now_ms)
{
    struct last *l = st->p;
    if (l && (ts_ms < l->ts_ms || (ts_ms == l->ts_ms && word_cmp(word, l->word) <= 0))) {
        word_unref(s, word);
        return false;
    }
    if (l)
        word_unref(s, l->word);
    else
        l = st->p = store_alloc(s, sizeof(*l));
    *l = (struct last){ts_ms, word};
    return true;
}

static int64_t last_next_fade(const struct read_at *at, const struct state *st)
{
    const struct last *l = st->p;
    int64_t span = at->period_ms ? at->period_ms : at->series->ttl_ms;
    int64_t due = span ? time_add(l->ts_ms, span) : INT64_MAX;
    return due > at->now_ms ? due : INT64_MAX;
}

static struct val last_read(const struct read_at *at, const struct state *st)
{
    const struct last *l = st->p;
    int64_t ttl_ms = at->series->ttl_ms;
    bool past = at->period_ms ? l->ts_ms <= at->since_ms
                              : ttl_ms && time_add(l->ts_ms, ttl_ms) <= at->now_ms;
    return past ? val_null : word_val(&l->word);
}

static int64_t last_newest(const struct state *st)
{
    return st->p ? ((const struct last *)st->p)->ts_ms : INT64_MIN;
}

static void last_free(struct store *s, struct state *st)
{
    struct last *l = st->p;
    if (l)
        word_unref(s, l->word);
    store_release(s, l, sizeof(*l));
    st->p = NULL;
}

static bool last_expire(struct store *s, struct state *st, const struct plan_series *series,
                        int64_t now_ms)
{
    const struct last *l = st->p;
    if (l && series->longest_ms && l->ts_ms <= series_past(series, now_ms))
        last_free(s, st);
    else if (l && !series->longest_ms && series->ttl_ms &&
             time_add(l->ts_ms, series->ttl_ms) <= now_ms)
        last_free(s, st);
    return !st->p;
}

static uint64_t last_digest(const struct state *st)
{
    const struct last *l = st->p;
    return mix_pair((uint64_t)l->ts_ms, word_hash(l->word));
}

static void last_save(struct page_out *o, const struct state *st)
{
    const struct last *l = st->p;
    put_time(o, l->ts_ms);
    put_word(o, l->word);
}

static bool last_load(struct page_in *in, struct state *st)
{
    struct last l = {.ts_ms = get_time(in)};
    if (!get_word(in, &l.word))
        return false;
    struct last *kept = st->p = store_alloc(in->store, sizeof(l));
    *kept = l;
    return true;
}

const struct kind kind_last = {
    .name = "last",
    .takes = KIND_TAKES_VALUE,
    .add = last_add,
    .read = last_read,
    .next_fade = last_next_fade,
    .newest = last_newest,
    .expire = last_expire,
    .digest = last_digest,
    .free = last_free,
    .save = last_save,
    .load = last_load,
};
