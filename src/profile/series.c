/* series.c -- the entries of a window, in order of time and value, in chunks of at most 64.
 *
 * A chunk keeps its times as milliseconds after its first, four bytes each, and what an entry
 * carries as one word. While a series fits one chunk the state points at it directly, and that
 * chunk starts small and grows: most series of most profiles never hold more than a handful. A late
 * entry goes to its place; a full chunk splits for it. A full-sized chunk of numbers also has their
 * summary, made anew whenever an entry comes or goes at its front or middle: nothing is ever
 * subtracted. SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"

/* -- chunks */

static size_t summary_size(enum keep keep, uint32_t cap)
{
    return keep == KEEP_NUMBERS && cap == CHUNK_MAX ? sizeof(struct summary) : 0;
}

static size_t word_size(enum keep keep)
{
    return keep == KEEP_TIMES ? 0 : sizeof(uint64_t);
}

static size_t chunk_size(enum keep keep, uint32_t cap)
{
    return sizeof(struct chunk) + summary_size(keep, cap) +
           cap * (word_size(keep) + sizeof(uint32_t));
}

/* Room for n entries, and a third more when there are many: always even. */
uint32_t chunk_cap(uint32_t n)
{
    uint32_t cap = (n + n / 3 + 1) & ~1u;
    return cap > CHUNK_MAX - 12 ? CHUNK_MAX : cap;
}

uint64_t *chunk_words(const struct chunk *c, enum keep keep)
{
    return (uint64_t *)((char *)(c + 1) + summary_size(keep, c->cap));
}

uint32_t *chunk_deltas(const struct chunk *c, enum keep keep)
{
    return (uint32_t *)((char *)chunk_words(c, keep) + c->cap * word_size(keep));
}

const struct summary *chunk_summary(const struct chunk *c, enum keep keep)
{
    if (c->cap == 0)
        return &((const struct pane *)c)->summary;
    return summary_size(keep, c->cap) ? (const struct summary *)(c + 1) : NULL;
}

int64_t chunk_time(const struct chunk *c, enum keep keep, uint32_t i)
{
    return c->first_ms + chunk_deltas(c, keep)[i];
}

int64_t chunk_last(const struct chunk *c, enum keep keep)
{
    return c->cap == 0 ? ((const struct pane *)c)->last_ms : chunk_time(c, keep, c->count - 1);
}

void chunk_summarise(struct chunk *c, enum keep keep)
{
    if (!summary_size(keep, c->cap))
        return;
    struct summary m;
    summary_init(&m);
    for (uint32_t i = 0; i < c->count; i++)
        summary_add(&m, word_double(chunk_words(c, keep)[i]));
    memcpy(c + 1, &m, sizeof(m));
}

struct chunk *chunk_new(struct store *s, enum keep keep, uint32_t cap)
{
    struct chunk *c = store_alloc(s, chunk_size(keep, cap));
    *c = (struct chunk){.cap = (uint8_t)cap};
    return c;
}

/* Copies n entries from the i-th on to the end of another chunk; the words' references move along.
 */
static void chunk_move(struct chunk *to, const struct chunk *from, enum keep keep, uint32_t i,
                       uint32_t n)
{
    if (to->count == 0)
        to->first_ms = chunk_time(from, keep, i);
    uint32_t shift = (uint32_t)(from->first_ms - to->first_ms); /* modulo 2^32, like the deltas */
    for (uint32_t k = 0; k < n; k++)
        chunk_deltas(to, keep)[to->count + k] = chunk_deltas(from, keep)[i + k] + shift;
    if (word_size(keep))
        memcpy(chunk_words(to, keep) + to->count, chunk_words(from, keep) + i,
               n * sizeof(uint64_t));
    to->count += n;
}

static struct chunk *chunk_resize(struct store *s, struct chunk *c, enum keep keep, uint32_t cap)
{
    struct chunk *bigger = chunk_new(s, keep, cap);
    chunk_move(bigger, c, keep, 0, c->count);
    chunk_summarise(bigger, keep);
    store_release(s, c, chunk_size(keep, c->cap));
    return bigger;
}

void chunk_free(struct store *s, struct chunk *c, enum keep keep, bool unref)
{
    if (c->cap == 0) {
        pane_free(s, (struct pane *)c, keep);
        return;
    }
    for (uint32_t i = 0; unref && keep == KEEP_VALUES && i < c->count; i++)
        word_unref(s, chunk_words(c, keep)[i]);
    store_release(s, c, chunk_size(keep, c->cap));
}

/* -- the list of them */

static struct chunk_list *list_of(const struct state *st)
{
    return st->listed ? st->p : NULL;
}

static struct chunk **chunks_of(const struct state *st, size_t *n)
{
    struct chunk_list *l = list_of(st);
    *n = l ? l->n : st->p != NULL;
    return l ? l->chunks : (struct chunk **)&st->chunk;
}

static size_t list_size(uint32_t cap)
{
    return sizeof(struct chunk_list) + cap * sizeof(struct chunk *);
}

struct chunk_list *chunk_list_new(struct store *s, uint32_t cap)
{
    struct chunk_list *l = store_alloc(s, list_size(cap));
    *l = (struct chunk_list){.cap = cap};
    return l;
}

/* Puts a chunk before the i-th. Counts its entries, when it has any, but knows nothing of panes. */
void series_insert(struct store *s, struct state *st, size_t i, struct chunk *c)
{
    if (!st->p) {
        st->p = c;
        return;
    }
    struct chunk_list *l = list_of(st);
    if (!l) {
        struct chunk *only = st->p;
        l = chunk_list_new(s, 4);
        l->n = 1;
        l->entries = only->count;
        l->chunks[0] = only;
        st->listed = true;
    }
    if (l->n == l->cap) {
        l = store_realloc(s, l, list_size(l->cap), list_size(l->cap * 2));
        l->cap *= 2;
    }
    memmove(&l->chunks[i + 1], &l->chunks[i], (l->n - i) * sizeof(*l->chunks));
    l->chunks[i] = c;
    l->n++;
    l->entries += c->cap ? c->count : 0;
    st->p = l;
}

void series_free(struct store *s, struct state *st)
{
    size_t n;
    struct chunk **chunks = chunks_of(st, &n);
    for (size_t i = 0; i < n; i++)
        chunk_free(s, chunks[i], st->keep, true);
    if (st->listed)
        store_release(s, st->p, list_size(list_of(st)->cap));
    st->p = NULL;
    st->listed = false;
}

/* -- adding */

static int entry_cmp(enum keep keep, int64_t ts_a, uint64_t a, int64_t ts_b, uint64_t b)
{
    if (ts_a != ts_b)
        return ts_a < ts_b ? -1 : 1;
    return keep == KEEP_TIMES ? 0 : word_cmp(a, b);
}

/* Compares entry k of a chunk with a new one. */
static int entry_cmp_at(const struct chunk *c, enum keep keep, uint32_t k, int64_t ts_ms,
                        uint64_t word)
{
    return entry_cmp(keep, chunk_time(c, keep, k), keep == KEEP_TIMES ? 0 : chunk_words(c, keep)[k],
                     ts_ms, word);
}

/* The last chunk that begins no later than the entry, or the first. */
static size_t chunk_locate(struct chunk *const *chunks, size_t n, enum keep keep, int64_t ts_ms,
                           uint64_t word)
{
    size_t lo = 0, hi = n; /* chunks[lo] begins no later, chunks[hi] later */
    while (hi - lo > 1) {
        size_t mid = hi == n ? n - 1 : (lo + hi) / 2; /* the newest first: it nearly always is it */
        const struct chunk *c = chunks[mid];
        bool later = c->cap ? entry_cmp_at(c, keep, 0, ts_ms, word) > 0 : c->first_ms > ts_ms;
        if (later)
            hi = mid;
        else
            lo = mid;
    }
    return lo;
}

/* How many of the chunk's entries come before the new one or equal it. */
static uint32_t chunk_place(const struct chunk *c, enum keep keep, int64_t ts_ms, uint64_t word)
{
    uint32_t lo = 0, hi = c->count;
    if (hi && entry_cmp_at(c, keep, hi - 1, ts_ms, word) <= 0)
        return hi;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (entry_cmp_at(c, keep, mid, ts_ms, word) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The chunk has room and its times reach from first to ts. */
static void chunk_put(struct chunk *c, enum keep keep, uint32_t at, int64_t ts_ms, uint64_t word)
{
    uint32_t *deltas = chunk_deltas(c, keep);
    if (c->count == 0)
        c->first_ms = ts_ms;
    uint32_t behind = c->count - at;
    memmove(deltas + at + 1, deltas + at, behind * sizeof(*deltas));
    if (at == 0) {
        for (uint32_t i = 1; i <= c->count; i++)
            deltas[i] += (uint32_t)(c->first_ms - ts_ms);
        c->first_ms = ts_ms;
    }
    deltas[at] = (uint32_t)(ts_ms - c->first_ms);
    if (word_size(keep)) {
        uint64_t *words = chunk_words(c, keep);
        memmove(words + at + 1, words + at, behind * sizeof(*words));
        words[at] = word;
    }
    c->count++;
    if (behind == 0 && c->count > 1 && summary_size(keep, c->cap)) {
        struct summary m;
        memcpy(&m, c + 1, sizeof(m));
        summary_add(&m, word_double(word));
        memcpy(c + 1, &m, sizeof(m));
    } else {
        chunk_summarise(c, keep);
    }
}

static bool chunk_reaches(const struct chunk *c, enum keep keep, int64_t ts_ms)
{
    return time_sub(ts_ms, c->first_ms) <= UINT32_MAX &&
           time_sub(chunk_last(c, keep), ts_ms) <= UINT32_MAX;
}

static void chunk_split(struct store *s, struct state *st, size_t i, uint32_t at)
{
    size_t n;
    struct chunk *left = chunks_of(st, &n)[i], *right;
    right = chunk_new(s, st->keep, chunk_cap(left->count - at + 1));
    chunk_move(right, left, st->keep, at, left->count - at);
    left->count = at;
    chunk_summarise(left, st->keep);
    chunk_summarise(right, st->keep);
    if (st->listed)
        list_of(st)->entries -= right->count; /* series_insert adds them */
    series_insert(s, st, i + 1, right);
}

static void series_add_fresh(struct store *s, struct state *st, size_t i, int64_t ts_ms,
                             uint64_t word)
{
    struct chunk *c = chunk_new(s, st->keep, chunk_cap(1));
    chunk_put(c, st->keep, 0, ts_ms, word);
    series_insert(s, st, i, c);
}

/* Adds to exact chunk i or beside it. */
static void series_add_at(struct store *s, struct state *st, size_t i, int64_t ts_ms, uint64_t word)
{
    size_t n;
    enum keep keep = st->keep;
    struct chunk *c = chunks_of(st, &n)[i];
    uint32_t at = chunk_place(c, keep, ts_ms, word);
    if (!chunk_reaches(c, keep, ts_ms) || (c->count == CHUNK_MAX && (at == 0 || at == CHUNK_MAX))) {
        series_add_fresh(s, st, at == 0 ? i : i + 1, ts_ms, word);
        return;
    }
    if (c->count == CHUNK_MAX) {
        chunk_split(s, st, i, CHUNK_MAX / 2);
        if (at > CHUNK_MAX / 2) {
            at -= CHUNK_MAX / 2;
            i++;
        }
    }
    struct chunk **slot = &chunks_of(st, &n)[i];
    if ((*slot)->count == (*slot)->cap)
        *slot = chunk_resize(s, *slot, keep, chunk_cap((*slot)->count + 1));
    chunk_put(*slot, keep, at, ts_ms, word);
    if (st->listed)
        list_of(st)->entries++;
}

bool series_add(struct store *s, struct state *st, const struct plan_series *series, int64_t ts_ms,
                uint64_t word, int64_t now_ms)
{
    size_t n;
    struct chunk **chunks = chunks_of(st, &n);
    if (n == 0) {
        series_add_fresh(s, st, 0, ts_ms, word);
        return true;
    }
    size_t i = chunk_locate(chunks, n, st->keep, ts_ms, word);
    if (chunks[i]->cap)
        series_add_at(s, st, i, ts_ms, word);
    else if (ts_ms <= chunk_last(chunks[i], st->keep) || i + 1 < list_of(st)->n_panes)
        series_add_folded(s, st, series, i, ts_ms, word);
    else if (i + 1 < n)
        series_add_at(s, st, i + 1, ts_ms, word);
    else
        series_add_fresh(s, st, n, ts_ms, word);
    if (st->listed && list_of(st)->entries > s->limits.entries)
        series_fold(s, st, series, now_ms);
    return true;
}

/* -- expiry */

/* Drops the chunk's entries that are not newer than until; some are. */
static struct chunk *chunk_trim(struct store *s, struct chunk *c, enum keep keep, int64_t until_ms)
{
    uint32_t gone = 0;
    while (chunk_time(c, keep, gone) <= until_ms)
        gone++;
    if (gone == 0)
        return c;
    uint32_t left = c->count - gone, *deltas = chunk_deltas(c, keep);
    uint32_t shift = deltas[gone];
    c->first_ms += shift;
    for (uint32_t i = 0; i < left; i++)
        deltas[i] = deltas[i + gone] - shift;
    if (word_size(keep)) {
        uint64_t *words = chunk_words(c, keep);
        for (uint32_t i = 0; keep == KEEP_VALUES && i < gone; i++)
            word_unref(s, words[i]);
        memmove(words, words + gone, left * sizeof(*words));
    }
    c->count = left;
    chunk_summarise(c, keep);
    uint32_t cap = chunk_cap(left * 2);
    return cap < c->cap ? chunk_resize(s, c, keep, cap) : c;
}

/* Takes the first n chunks off the list; a single one left needs no list, unless it is a pane. */
static void list_drop(struct store *s, struct state *st, uint32_t n)
{
    struct chunk_list *l = list_of(st);
    memmove(l->chunks, l->chunks + n, (l->n - n) * sizeof(*l->chunks));
    l->n -= n;
    l->n_panes -= MIN_OF(n, l->n_panes);
    uint32_t cap = l->cap;
    if (l->n == 0 || (l->n == 1 && l->n_panes == 0)) {
        st->p = l->n ? l->chunks[0] : NULL;
        st->listed = false;
        store_release(s, l, list_size(cap));
    } else if (l->n * 4 <= cap && cap > 4) {
        l->cap = cap / 2;
        st->p = store_realloc(s, l, list_size(cap), list_size(l->cap));
    }
}

bool series_expire(struct store *s, struct state *st, const struct plan_series *series,
                   int64_t now_ms)
{
    size_t n, gone = 0;
    int64_t until = series_past(series, now_ms);
    struct chunk **chunks = chunks_of(st, &n);
    if (n == 0 || chunks[0]->first_ms > until)
        return n == 0;
    for (; gone < n && chunk_last(chunks[gone], st->keep) <= until; gone++) {
        if (st->listed)
            list_of(st)->entries -= chunks[gone]->cap ? chunks[gone]->count : 0;
        chunk_free(s, chunks[gone], st->keep, true);
    }
    if (gone < n && chunks[gone]->cap) {
        uint32_t before = chunks[gone]->count;
        chunks[gone] = chunk_trim(s, chunks[gone], st->keep, until);
        if (st->listed)
            list_of(st)->entries -= before - chunks[gone]->count;
    }
    if (gone && st->listed)
        list_drop(s, st, (uint32_t)gone);
    else if (gone)
        st->p = NULL;
    return gone == n;
}

/* -- reading */

int64_t series_newest(const struct state *st)
{
    size_t n;
    struct chunk **chunks = chunks_of(st, &n);
    return n ? chunk_last(chunks[n - 1], st->keep) : INT64_MIN;
}

struct series_edge series_edge(const struct state *st, int64_t since_ms)
{
    struct series_edge e = {0};
    e.chunks = chunks_of(st, &e.n);
    size_t lo = 0, hi = e.n; /* the first chunk whose last is newer */
    if (e.n && chunk_last(e.chunks[0], st->keep) > since_ms)
        hi = 0;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (chunk_last(e.chunks[mid], st->keep) > since_ms)
            hi = mid;
        else
            lo = mid + 1;
    }
    e.i = lo;
    const struct chunk *c = lo < e.n ? e.chunks[lo] : NULL;
    if (!c || c->cap == 0 || c->first_ms > since_ms)
        return e;
    const uint32_t *deltas = chunk_deltas(c, st->keep);
    uint32_t since = (uint32_t)(since_ms - c->first_ms), at = 0, end = c->count;
    while (at < end) {
        uint32_t mid = (at + end) / 2;
        if (deltas[mid] > since)
            end = mid;
        else
            at = mid + 1;
    }
    e.at = at;
    return e;
}

int64_t series_next_fade(const struct read_at *at, const struct state *st)
{
    struct series_edge e = series_edge(st, at->since_ms);
    if (e.i == e.n)
        return INT64_MAX;
    const struct chunk *c = e.chunks[e.i];
    return time_add(c->cap ? chunk_time(c, st->keep, e.at) : chunk_last(c, st->keep),
                    at->period_ms);
}

uint64_t series_digest(const struct state *st)
{
    size_t n;
    uint64_t sum = 0;
    enum keep keep = st->keep;
    struct chunk **chunks = chunks_of(st, &n);
    for (size_t i = 0; i < n; i++) {
        const struct chunk *c = chunks[i];
        if (c->cap == 0) {
            sum +=
                mix_pair((uint64_t)c->first_ms, mix_pair((uint64_t)chunk_last(c, keep), c->count));
            continue;
        }
        for (uint32_t k = 0; k < c->count; k++)
            sum += mix_pair((uint64_t)chunk_time(c, keep, k),
                            word_size(keep) ? word_hash(chunk_words(c, keep)[k]) : 1);
    }
    return sum;
}
