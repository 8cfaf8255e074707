/* pane.c -- folds the oldest entries of a long series into panes, which keep only what all their
 * entries add up to.
 *
 * A pane counts while its newest entry is in the window, so a window's old edge may include up to a
 * pane's width too much, never too little. A pane is no wider than 1/64 of the shortest window, or
 * of its own age: only a window longer than that age can have its edge there. So whatever the
 * window, it holds count(period) <= read <= count(period * (1 + 1/64)), and a series has at most
 * some 64 * (2 + ln(longest / shortest)) panes, however many events it sees.
 * SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"
#include "profile/page.h"

enum { PANES_PER_WINDOW = 64 };

static size_t pane_size(enum keep keep)
{
    if (keep == KEEP_TIMES)
        return offsetof(struct pane, summary);
    return keep == KEEP_NUMBERS ? offsetof(struct pane, summary) + sizeof(struct summary)
                                : sizeof(struct pane);
}

struct pane *pane_new(struct store *s, enum keep keep, int64_t ts_ms, uint64_t word)
{
    struct pane *p = store_alloc(s, pane_size(keep));
    memset(p, 0, pane_size(keep));
    p->head.first_ms = p->last_ms = ts_ms;
    if (keep == KEEP_NUMBERS)
        summary_init(&p->summary);
    if (keep == KEEP_VALUES)
        p->values.first = word_ref(word);
    return p;
}

void pane_add(struct store *s, struct pane *p, enum keep keep, int64_t ts_ms, uint64_t word)
{
    if (keep == KEEP_NUMBERS)
        summary_add(&p->summary, word_double(word));
    if (keep == KEEP_VALUES) {
        if (ts_ms < p->head.first_ms ||
            (ts_ms == p->head.first_ms && word_cmp(word, p->values.first) < 0)) {
            word_unref(s, p->values.first);
            p->values.first = word_ref(word);
        }
        tallies_add(s, &p->values.tallies, word, ts_ms, 1);
    }
    p->head.first_ms = MIN_OF(p->head.first_ms, ts_ms);
    p->last_ms = MAX_OF(p->last_ms, ts_ms);
    p->head.count++;
}

void pane_free(struct store *s, struct pane *p, enum keep keep)
{
    if (keep == KEEP_VALUES) {
        word_unref(s, p->values.first);
        tallies_fini(s, &p->values.tallies);
    }
    store_release(s, p, pane_size(keep));
}

/* newer is freed. */
static void pane_merge(struct store *s, struct pane *p, struct pane *newer, enum keep keep)
{
    if (keep == KEEP_NUMBERS)
        summary_merge(&p->summary, &newer->summary);
    if (keep == KEEP_VALUES)
        tallies_merge(s, &p->values.tallies, &newer->values.tallies);
    p->head.count += newer->head.count;
    p->last_ms = MAX_OF(p->last_ms, newer->last_ms);
    pane_free(s, newer, keep);
}

static int64_t pane_width(const struct plan_series *series)
{
    return series->shortest_ms / PANES_PER_WINDOW;
}

static struct pane *pane_at(const struct state *st, size_t i)
{
    return (struct pane *)((struct chunk_list *)st->p)->chunks[i];
}

/* Joins neighbours that together are narrow enough for their age. */
static void panes_coarsen(struct store *s, struct state *st, const struct plan_series *series,
                          int64_t now_ms)
{
    struct chunk_list *l = st->p;
    uint32_t kept = 0;
    for (uint32_t i = 1; i < l->n_panes; i++) {
        struct pane *p = pane_at(st, kept), *next = pane_at(st, i);
        int64_t age = time_sub(now_ms, next->last_ms);
        if (next->last_ms - p->head.first_ms <= MAX_OF(pane_width(series), age / PANES_PER_WINDOW))
            pane_merge(s, p, next, st->keep);
        else
            l->chunks[++kept] = &next->head;
    }
    kept++;
    memmove(&l->chunks[kept], &l->chunks[l->n_panes], (l->n - l->n_panes) * sizeof(*l->chunks));
    l->n -= l->n_panes - kept;
    l->n_panes = kept;
}

/* Folds the oldest exact chunk. */
void series_fold(struct store *s, struct state *st, const struct plan_series *series,
                 int64_t now_ms)
{
    struct chunk_list *l = st->p;
    enum keep keep = st->keep;
    struct chunk *c = l->chunks[l->n_panes];
    size_t made = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        uint64_t word = keep == KEEP_TIMES ? 0 : chunk_words(c, keep)[i];
        int64_t ts = chunk_time(c, keep, i);
        struct pane *p = l->n_panes ? pane_at(st, l->n_panes - 1) : NULL;
        if (!p || ts - p->head.first_ms > pane_width(series)) {
            p = pane_new(s, keep, ts, word);
            series_insert(s, st, l->n_panes, &p->head);
            l = st->p;
            l->n_panes++;
            made++;
        }
        pane_add(s, p, keep, ts, word);
    }
    stat_add(STAT_SERIES_FOLDED, c->count);
    l->entries -= c->count;
    chunk_free(s, c, keep, true);
    memmove(&l->chunks[l->n_panes], &l->chunks[l->n_panes + 1],
            (l->n - l->n_panes - 1) * sizeof(*l->chunks));
    l->n--;
    if (l->n_panes / 256 != (l->n_panes - made) / 256) /* now and then: it walks all of them */
        panes_coarsen(s, st, series, now_ms);
}

static bool pane_takes(const struct pane *p, const struct plan_series *series, int64_t ts_ms)
{
    int64_t first = MIN_OF(p->head.first_ms, ts_ms), last = MAX_OF(p->last_ms, ts_ms);
    return (first == p->head.first_ms && last == p->last_ms) || last - first <= pane_width(series);
}

void series_add_folded(struct store *s, struct state *st, const struct plan_series *series,
                       size_t i, int64_t ts_ms, uint64_t word)
{
    struct chunk_list *l = st->p;
    enum keep keep = st->keep;
    struct pane *p = pane_at(st, i), *next = i + 1 < l->n_panes ? pane_at(st, i + 1) : NULL;
    if (!pane_takes(p, series, ts_ms)) {
        if (next && pane_takes(next, series, ts_ms)) {
            p = next;
        } else {
            size_t at = ts_ms < p->head.first_ms ? i : i + 1;
            p = pane_new(s, keep, ts_ms, word);
            series_insert(s, st, at, &p->head);
            ((struct chunk_list *)st->p)->n_panes++;
        }
    }
    pane_add(s, p, keep, ts_ms, word);
    if (keep == KEEP_VALUES)
        word_unref(s, word);
    stat_add(STAT_SERIES_FOLDED, 1);
}

void pane_save(struct page_out *o, const struct pane *p, enum keep keep)
{
    put_time(o, p->head.first_ms);
    put_time(o, p->last_ms);
    put_uint(o, p->head.count);
    if (keep == KEEP_NUMBERS)
        summary_save(o, &p->summary);
    if (keep == KEEP_VALUES) {
        put_word(o, p->values.first);
        tallies_save(o, &p->values.tallies);
    }
}

/* NULL: it makes no sense. */
struct pane *pane_load(struct page_in *in, enum keep keep)
{
    uint64_t first = 0;
    int64_t first_ms = get_time(in), last_ms = get_time(in);
    uint64_t count = get_some(in, UINT32_MAX);
    if (in->u.bad || !series_time_fits(first_ms) || !series_time_fits(last_ms) ||
        last_ms < first_ms)
        return page_bad(in), NULL;
    if (keep == KEEP_VALUES && !get_word(in, &first))
        return NULL;
    struct pane *p = pane_new(in->store, keep, first_ms, first);
    if (keep == KEEP_VALUES)
        word_unref(in->store, first); /* pane_new took its own */
    p->last_ms = last_ms;
    p->head.count = (uint32_t)count;
    if (keep == KEEP_NUMBERS)
        summary_load(in, &p->summary);
    if (keep == KEEP_VALUES)
        tallies_load(in, &p->values.tallies);
    if (!in->u.bad)
        return p;
    pane_free(in->store, p, keep);
    return NULL;
}
