/* cold.c -- profiles that are on disk and not in memory: after a start, all of them. They are read when first needed, by
 * whoever needs them, never behind the door.
 *
 * A batch's are read before it is queued; when a record's turn comes and one is still missing (the plan changed meanwhile, a
 * timer needs another profile), applying stops before it has changed anything, the door is left, and whoever left it reads
 * what is missing and goes on. A profile in memory is always newer than its page, so reading never replaces one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

#include <stdlib.h>

/* Due timers are read so far ahead of the record at hand, so that few records wait for them. */
enum { DUE_AHEAD_MS = 10000, DUE_SLICE = 256, FETCH_SLICE = 256 };

static bool install(struct engine *e, const struct page *pages, size_t n, struct err *err)
{
    bool good = true;
    pthread_mutex_lock(&e->door);
    for (size_t i = 0; good && i < n; i++)
        good = !pages[i].bytes.p ||
               store_load(e->store, pages[i].bytes, pages[i].slot, pages[i].expires_ms, err);
    pthread_mutex_unlock(&e->door);
    return good;
}

static bool fetch_keys(struct engine *e, const struct page_key *keys, size_t n, struct err *err)
{
    struct page pages[FETCH_SLICE];
    bool good = true;
    struct arena arena;
    arena_init(&arena);
    for (size_t at = 0; good && at < n; at += FETCH_SLICE) {
        size_t some = MIN_OF(n - at, (size_t)FETCH_SLICE);
        good = journal_load(e->journal, keys + at, some, pages, &arena, err) &&
               install(e, pages, some, err);
        arena_reset(&arena);
    }
    arena_fini(&arena);
    return good;
}

bool cold_fetch(struct engine *e, const struct who *ids, size_t n, struct err *err)
{
    if (n == 0)
        return true;
    struct page_key *keys = xcalloc(n, sizeof(*keys));
    for (size_t i = 0; i < n; i++)
        keys[i] = journal_page_key(e->journal, ids[i].key_id, ids[i].id);
    bool good = fetch_keys(e, keys, n, err);
    free(keys);
    return good;
}

/* -- timers on disk: all pages with one that is due in (after_ms, until_ms] and wanted */
struct due_filter {
    const struct engine *e;
    const struct plan *swap; /* NULL: every page */
};

static bool due_wanted(const struct due_filter *f, struct str what)
{
    struct unpack in = unpack_of(what);
    if (!f->swap)
        return true;
    while (in.p < in.end)
        if (rule_form_changed(f->e, f->swap, (uint32_t)unpack_uint(&in)))
            return true;
    return false;
}

static bool fetch_due(struct engine *e, const struct due_filter *f, int64_t after_ms,
                      int64_t until_ms, struct err *err)
{
    struct page_due due[DUE_SLICE];
    struct page_key keys[DUE_SLICE];
    struct arena arena;
    bool good = true;
    arena_init(&arena);
    struct due_cursor from = {.after_ms = after_ms};
    for (size_t n = DUE_SLICE; good && n == DUE_SLICE;) {
        size_t n_keys = 0;
        good = journal_due(e->journal, &from, until_ms, due, DUE_SLICE, &n, &arena, err);
        for (size_t i = 0; good && i < n; i++)
            if (due_wanted(f, due[i].what))
                keys[n_keys++] = due[i].key;
        good = good && fetch_keys(e, keys, n_keys, err);
        arena_reset(&arena);
    }
    arena_fini(&arena);
    return good;
}

bool cold_warm_swap(struct engine *e, const struct plan *p, struct err *err)
{
    struct due_filter filter = {e, p};
    return !e->may_be_cold || fetch_due(e, &filter, INT64_MIN, INT64_MAX, err);
}

static bool visit_page(void *ctx, const struct page *page, struct err *err)
{
    return install(ctx, page, 1, err);
}

bool cold_warm_all(struct engine *e, struct err *err)
{
    return !e->may_be_cold || journal_pages(e->journal, visit_page, e, err);
}

bool cold_serve(struct engine *e, struct err *err)
{
    struct cold *c = &e->cold;
    struct due_filter all = {e, NULL};
    bool good = cold_fetch(e, c->ids, c->n, err);
    if (good && c->timers) {
        good = fetch_due(e, &all, e->due_loaded_ms, c->until_ms, err);
        e->due_loaded_ms = c->until_ms;
    }
    if (good && c->rules)
        good = cold_warm_swap(e, c->swap, err);
    c->n = 0;
    c->timers = c->rules = false;
    arena_reset(&c->arena);
    return good;
}

/* -- what is missing */
struct missing {
    struct who *ids;
    size_t n, cap;
    struct arena *arena;
};

static void note_missing(struct engine *e, struct missing *m, uint32_t key_id, struct str id)
{
    if (id.n == 0 || store_find(e->store, key_id, id))
        return;
    if (m->n && m->ids[m->n - 1].key_id == key_id && str_eq(m->ids[m->n - 1].id, id))
        return; /* a visitor's events come together */
    m->ids = xgrow(m->ids, m->n, &m->cap, sizeof(*m->ids));
    m->ids[m->n++] = (struct who){key_id, arena_str(m->arena, id)};
}

static void note_batch(struct engine *e, const struct engine_batch *b, const struct plan *p,
                       struct missing *m)
{
    for (size_t k = 0; k < p->n_keys; k++)
        for (size_t i = 0; i < b->events.n; i++)
            note_missing(e, m, p->keys[k].id,
                         key_identifier(&p->keys[k], &b->events.evts[i], m->arena));
}

static struct missing missing_of(struct cold *c)
{
    return (struct missing){c->ids, c->n, c->cap, &c->arena};
}

static bool keep_missing(struct cold *c, const struct missing *m)
{
    c->ids = m->ids;
    c->n = m->n;
    c->cap = m->cap;
    return c->n > 0;
}

bool cold_batch(struct engine *e, struct engine_batch *b)
{
    if (!e->may_be_cold || b->warm == e->plan)
        return false;
    struct missing m = missing_of(&e->cold);
    note_batch(e, b, e->plan, &m);
    b->warm = e->plan; /* they will be when this is asked again, or nobody asks again */
    return keep_missing(&e->cold, &m);
}

bool cold_timer(struct engine *e, struct timer *timer)
{
    if (!e->may_be_cold || timer->warm)
        return false;
    struct missing m = missing_of(&e->cold);
    for (size_t i = 0; i < timer->n; i++)
        note_missing(e, &m, timer->who[i].key_id, timer->who[i].id);
    timer->warm = true;
    return keep_missing(&e->cold, &m);
}

bool cold_due(struct engine *e, int64_t now_ms)
{
    if (!e->may_be_cold || now_ms <= e->due_loaded_ms)
        return false;
    e->cold.timers = true;
    e->cold.until_ms = now_ms > INT64_MAX - DUE_AHEAD_MS ? INT64_MAX : now_ms + DUE_AHEAD_MS;
    return true;
}

void cold_warm_batch(struct engine *e, struct engine_batch *b)
{
    struct err err = {0};
    struct arena arena;
    if (!e->may_be_cold)
        return;
    arena_init(&arena);
    struct missing m = {.arena = &arena};
    pthread_mutex_lock(&e->door);
    note_batch(e, b, b->plan, &m);
    pthread_mutex_unlock(&e->door);
    if (cold_fetch(e, m.ids, m.n,
                   &err)) /* else it fails again, and is told, when the batch is applied */
        b->warm = b->plan;
    free(m.ids);
    arena_fini(&arena);
}
