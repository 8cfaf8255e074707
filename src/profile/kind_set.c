/* kind_set.c -- distinct values, each with the time it was last seen: unique_list,
 * approx_count_distinct.
 *
 * Items stand in the order in which they were last seen. A window then is the end of the list, and
 * so is the newest run of a lifetime with ttl: a value belongs to it when it was last seen no
 * earlier than the run began. What a few profiles need stands aside: the runs, and past the limit
 * the HyperLogLog, which lives until nothing that was dropped could still be in a window.
 * SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"
#include "profile/page.h"

#include <math.h>
#include <stdlib.h>

struct item {
    int64_t last_ms;
    uint64_t word;
};
struct more {
    struct runs *runs;  /* lifetime with ttl */
    struct hll *hll;    /* since a value was dropped */
    int64_t dropped_ms; /* when the latest of those dropped was last seen */
    int64_t hll_trimmed_ms;
};
struct set {
    uint32_t n, cap;
    struct more *more; /* mostly NULL */
    struct item items[];
};
static const struct run_ops ops = {.size = sizeof(struct run)};

static size_t set_size(uint32_t cap)
{
    return sizeof(struct set) + cap * sizeof(struct item);
}

static struct more *set_more(struct store *s, struct set *set)
{
    if (!set->more) {
        set->more = store_alloc(s, sizeof(*set->more));
        *set->more = (struct more){.dropped_ms = INT64_MIN, .hll_trimmed_ms = INT64_MIN};
    }
    return set->more;
}

static struct runs *set_runs(const struct set *set)
{
    return set->more ? set->more->runs : NULL;
}

static int item_cmp(const struct item *i, int64_t last_ms, uint64_t word)
{
    if (i->last_ms != last_ms)
        return i->last_ms < last_ms ? -1 : 1;
    return word_cmp(i->word, word);
}

static struct set *set_grow(struct store *s, struct set *set)
{
    uint32_t n = set ? set->n : 0, cap = set ? set->cap + MAX_OF(set->cap / 2, 1u) : 1;
    bool fresh = !set;
    set = store_realloc(s, set, fresh ? 0 : set_size(set->cap), set_size(cap));
    if (fresh)
        set->more = NULL;
    set->n = n;
    set->cap = cap;
    return set;
}

/* Puts the value where its time belongs. from: its old place, or n. Takes over the reference. */
static void set_place(struct set *set, uint32_t from, int64_t last_ms, uint64_t word)
{
    uint32_t to = from;
    for (; to > 0 && item_cmp(&set->items[to - 1], last_ms, word) > 0; to--)
        set->items[to] = set->items[to - 1];
    for (; to + 1 < set->n && item_cmp(&set->items[to + 1], last_ms, word) < 0; to++)
        set->items[to] = set->items[to + 1];
    set->items[to] = (struct item){last_ms, word};
}

/* timeless: the HyperLogLog needs no times. */
static void set_drop_oldest(struct store *s, struct set *set, bool timeless)
{
    struct more *m = set_more(s, set);
    if (!m->hll) {
        m->hll = hll_new(s);
        for (uint32_t i = 0; i < set->n; i++)
            hll_add(s, m->hll, word_hash(set->items[i].word), timeless ? 0 : set->items[i].last_ms);
    }
    m->dropped_ms = MAX_OF(m->dropped_ms, set->items[0].last_ms);
    word_unref(s, set->items[0].word);
    memmove(&set->items[0], &set->items[1], (set->n - 1) * sizeof(*set->items));
    set->n--;
    stat_add(STAT_VALUES_DROPPED, 1);
}

/* Takes over the reference. */
static void set_see(struct store *s, struct state *st, int64_t ts_ms, uint64_t word, bool timeless)
{
    struct set *set = st->p;
    uint32_t i = 0, n = set ? set->n : 0;
    if (set && set->more && set->more->hll)
        hll_add(s, set->more->hll, word_hash(word), timeless ? 0 : ts_ms);
    while (i < n && set->items[i].word != word)
        i++;
    if (i < n) {
        if (ts_ms > set->items[i].last_ms)
            set_place(set, i, ts_ms, word);
        word_unref(s, word);
        return;
    }
    if (!set || n == set->cap)
        set = st->p = set_grow(s, set);
    set->n++;
    set_place(set, n, ts_ms, word);
    if (set->n > s->limits.distinct)
        set_drop_oldest(s, set, timeless);
}

static bool set_add(struct store *s, struct state *st, const struct plan_series *series,
                    int64_t ts_ms, uint64_t word, int64_t now_ms)
{
    if (series->longest_ms == 0 && series->ttl_ms) {
        bool fresh;
        if (!st->p)
            st->p = set_grow(s, NULL);
        struct more *m = set_more(s, st->p);
        struct run *run = runs_place(s, &m->runs, &ops, series->ttl_ms, ts_ms, &fresh);
        if (!run) {
            word_unref(s, word);
            return false;
        }
        run_stretch(run, ts_ms);
    }
    set_see(s, st, ts_ms, word, series->longest_ms == 0 && series->ttl_ms == 0);
    return true;
}

/* What a read sees is newer than this; false: nothing. */
static bool set_since(const struct read_at *at, const struct set *set, int64_t *since_ms)
{
    *since_ms = at->since_ms;
    if (at->period_ms || !at->series->ttl_ms)
        return true;
    const struct run *run = runs_alive(set_runs(set), &ops, at->series->ttl_ms, at->now_ms);
    if (run)
        *since_ms = run->first_ms - 1;
    return run;
}

static uint32_t set_edge(const struct set *set, int64_t since_ms)
{
    uint32_t lo = 0, hi = set->n;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (set->items[mid].last_ms > since_ms)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static bool set_incomplete(const struct set *set, int64_t since_ms)
{
    return set->more && set->more->hll && set->more->dropped_ms > since_ms;
}

static struct val set_read(const struct read_at *at, const struct state *st)
{
    const struct set *set = st->p;
    int64_t since;
    if (!set_since(at, set, &since))
        return val_null;
    uint32_t from = set_edge(set, since), n = set->n - from;
    if (n == 0)
        return val_null;
    if (at->agg == AGG_APPROX_COUNT_DISTINCT) {
        double about = set_incomplete(set, since) ? hll_estimate(set->more->hll, since) : 0;
        return val_int((int64_t)MAX_OF(llround(about), (long long)n));
    }
    if (at->agg != AGG_UNIQUE_LIST)
        return val_null;
    uint32_t shown = MIN_OF(n, at->store->limits.list_values);
    struct val list = val_list(at->arena, shown);
    for (uint32_t i = 0; i < shown; i++)
        list.items[i] = word_val(&set->items[set->n - shown + i].word);
    return list;
}

static int64_t set_next_fade(const struct read_at *at, const struct state *st)
{
    const struct set *set = st->p;
    int64_t since;
    if (!set_since(at, set, &since))
        return INT64_MAX;
    if (!at->period_ms)
        return at->series->ttl_ms ? run_fade(runs_newest(set_runs(set), &ops), at->series->ttl_ms)
                                  : INT64_MAX;
    uint32_t from = set_edge(set, since);
    int64_t oldest = from < set->n ? set->items[from].last_ms : INT64_MAX;
    if (at->agg == AGG_APPROX_COUNT_DISTINCT && set_incomplete(set, since))
        oldest = MIN_OF(oldest, hll_oldest(set->more->hll, since));
    return oldest == INT64_MAX ? INT64_MAX : time_add(oldest, at->period_ms);
}

static int64_t set_newest(const struct state *st)
{
    const struct set *set = st->p;
    if (set && set->n)
        return set->items[set->n - 1].last_ms;
    return set && set->more && set->more->hll ? set->more->dropped_ms : INT64_MIN;
}

static void set_free(struct store *s, struct state *st)
{
    struct set *set = st->p;
    if (!set)
        return;
    for (uint32_t i = 0; i < set->n; i++)
        word_unref(s, set->items[i].word);
    if (set->more) {
        runs_free(s, &set->more->runs, &ops);
        hll_free(s, set->more->hll);
        store_release(s, set->more, sizeof(*set->more));
    }
    store_release(s, set, set_size(set->cap));
    st->p = NULL;
}

/* Drops what was last seen no later than until. */
static void set_trim(struct store *s, struct state *st, int64_t until_ms, int64_t span_ms)
{
    struct set *set = st->p;
    struct more *m = set->more;
    uint32_t gone = 0;
    while (gone < set->n && set->items[gone].last_ms <= until_ms)
        word_unref(s, set->items[gone++].word);
    memmove(&set->items[0], &set->items[gone], (set->n - gone) * sizeof(*set->items));
    set->n -= gone;
    if (gone && set->n * 4 <= set->cap && set->cap > 4) {
        uint32_t cap = set->cap;
        set->cap = MAX_OF(set->n * 2, 1u);
        st->p = store_realloc(s, set, set_size(cap), set_size(set->cap));
    }
    if (m && m->hll && m->dropped_ms <= until_ms) {
        hll_free(s, m->hll);
        m->hll = NULL;
        m->dropped_ms = INT64_MIN;
    } else if (m && m->hll &&
               until_ms >=
                   time_add(m->hll_trimmed_ms, span_ms / 64)) { /* it is a walk of all registers */
        hll_expire(m->hll, until_ms);
        m->hll_trimmed_ms = until_ms;
    }
}

static bool set_expire(struct store *s, struct state *st, const struct plan_series *series,
                       int64_t now_ms)
{
    struct set *set = st->p;
    if (!set)
        return true;
    if (series->longest_ms) {
        set_trim(s, st, series_past(series, now_ms), series->longest_ms);
    } else if (series->ttl_ms) {
        runs_expire(s, &set_more(s, set)->runs, &ops, series->ttl_ms, now_ms);
        const struct run *oldest = runs_at(set_runs(set), &ops, 0);
        set_trim(s, st, oldest ? oldest->first_ms - 1 : INT64_MAX, series->ttl_ms);
    }
    set = st->p;
    if (set->n == 0 && !(set->more && set->more->hll))
        set_free(s, st);
    return !st->p;
}

static uint64_t set_digest(const struct state *st)
{
    const struct set *set = st->p;
    const struct run *r;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < set->n; i++)
        sum += mix_pair((uint64_t)set->items[i].last_ms, word_hash(set->items[i].word));
    for (size_t i = 0; (r = runs_at(set_runs(set), &ops, i)); i++)
        sum += mix_pair((uint64_t)r->first_ms, mix64((uint64_t)r->last_ms));
    if (set->more && set->more->hll)
        sum += hll_digest(set->more->hll);
    return sum;
}

/* -- as bytes: how many, and what stands aside; the items; what stands aside */

enum { HAS_RUNS = 1, HAS_HLL = 2, HAS_TRIMMED = 4, HAS_BITS = 3 };

static void set_save(struct page_out *o, const struct state *st)
{
    const struct set *set = st->p;
    const struct more *m = set->more;
    unsigned has = (m && m->runs ? HAS_RUNS : 0) | (m && m->hll ? HAS_HLL : 0) |
                   (m && m->hll_trimmed_ms != INT64_MIN ? HAS_TRIMMED : 0);
    put_uint(o, (uint64_t)set->n << HAS_BITS | has);
    for (uint32_t i = 0; i < set->n; i++) {
        put_time(o, set->items[i].last_ms);
        put_word(o, set->items[i].word);
    }
    if (has & HAS_RUNS)
        runs_save(o, m->runs, &ops);
    if (has & HAS_TRIMMED)
        put_time(o, m->hll_trimmed_ms);
    if (has & HAS_HLL) {
        put_time(o, m->dropped_ms);
        hll_save(o, m->hll);
    }
}

static int by_word(const void *pa, const void *pb)
{
    const uint64_t *a = pa, *b = pb;
    return (*a > *b) - (*a < *b);
}

static bool set_distinct(const struct set *set)
{
    bool distinct = true;
    uint64_t *words = xmalloc(set->n * sizeof(*words));
    for (uint32_t i = 0; i < set->n; i++)
        words[i] = set->items[i].word;
    qsort(words, set->n, sizeof(*words), by_word);
    for (uint32_t i = 1; i < set->n; i++)
        distinct &= words[i] != words[i - 1];
    free(words);
    return distinct;
}

static bool set_load_items(struct page_in *in, struct set *set, uint32_t n)
{
    while (set->n < n) {
        struct item *item = &set->items[set->n];
        item->last_ms = get_time(in);
        if (!get_word(in, &item->word))
            return false;
        set->n++;
        if (set->n > 1 && item_cmp(item - 1, item->last_ms, item->word) >= 0)
            return page_bad(in);
    }
    return set_distinct(set) || page_bad(in);
}

static bool set_load_more(struct page_in *in, struct set *set, unsigned has)
{
    if (!has)
        return true;
    struct more *m = set_more(in->store, set);
    if (has & HAS_RUNS)
        runs_load(in, &m->runs, &ops);
    if (has & HAS_TRIMMED)
        m->hll_trimmed_ms = get_time(in);
    if (has & HAS_HLL) {
        m->dropped_ms = get_time(in);
        m->hll = hll_load(in);
    }
    return !in->u.bad;
}

static bool set_load(struct page_in *in, struct state *st)
{
    uint64_t head = get_uint(in), n = head >> HAS_BITS;
    if (n > (size_t)(in->u.end - in->u.p) / 2 || n >= UINT32_MAX || head == 0)
        return page_bad(in);
    uint32_t cap = MAX_OF((uint32_t)n, 1u);
    struct set *set = st->p = store_alloc(in->store, set_size(cap));
    *set = (struct set){.cap = cap};
    if (set_load_items(in, set, (uint32_t)n) &&
        set_load_more(in, set, head & ((1u << HAS_BITS) - 1)))
        return true;
    set_free(in->store, st);
    return false;
}

const struct kind kind_set = {
    .name = "set",
    .takes = KIND_TAKES_VALUE,
    .add = set_add,
    .read = set_read,
    .next_fade = set_next_fade,
    .newest = set_newest,
    .expire = set_expire,
    .digest = set_digest,
    .free = set_free,
    .save = set_save,
    .load = set_load,
};
