/* save.c -- which profiles are to be written, and as of when.
 *
 * A profile that changes is listed, once. store_save_begin makes that list the one to be written and begins an empty one:
 * what is dirty is told by one of two bits, and the other now says that a profile waits to be encoded. So nothing is walked
 * at that moment, and what a change costs is the test of a bit. A profile that waits and is about to change is encoded there
 * and then. Each goes to the place on disk that does not hold its last version.
 * SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"
#include "profile/page.h"

#include <stdlib.h>

enum { DAY_MS = 24 * 3600 * 1000, AHEAD = 8 };

struct listed {
    struct profile **items;
    size_t n, cap;
};
struct saving {
    struct listed dirty, waiting; /* of those waiting, some may have been encoded already */
    size_t at, left; /* in waiting: where store_save goes on; how many were not encoded */
    struct page_out out;
    struct buf what;
    struct store_pages pages;
};

void store_hang(struct store *s, const struct store_hooks *hooks, bool saves)
{
    if (s->profiles.n)
        abort();
    s->hooks = hooks ? *hooks : (struct store_hooks){0};
    store_forget(s);
    if (saves)
        s->saving = xcalloc(1, sizeof(*s->saving));
}

void store_forget(struct store *s)
{
    struct saving *sv = s->saving;
    if (!sv)
        return;
    free(sv->dirty.items);
    free(sv->waiting.items);
    buf_fini(&sv->out.buf);
    buf_fini(&sv->what);
    store_pages_fini(&sv->pages);
    free(sv);
    s->saving = NULL;
}

void **profile_hung(struct profile *p)
{
    return &p->hung;
}

void store_pages_fini(struct store_pages *pages)
{
    free(pages->items);
    arena_fini(&pages->arena);
    *pages = (struct store_pages){0};
}

/* -- one profile */

static int64_t state_until(const struct store *s, const struct state *st)
{
    const struct plan_series *series = st->series < s->n_by_id ? s->by_id[st->series] : NULL;
    if (!series || series->keep != st->keep)
        return INT64_MAX;
    int64_t newest = kind_of(st->keep)->newest(st);
    if (series->longest_ms)
        return time_add(newest, series->longest_ms);
    return series->ttl_ms ? time_add(newest, time_add(series->ttl_ms, RUN_GRACE_MS)) : INT64_MAX;
}

/* When nothing of it means anything any more. */
static int64_t profile_until(const struct store *s, const struct profile *p)
{
    int64_t until = s->plan ? dedupe_until(s, p->seen) : INT64_MAX;
    for (uint32_t i = 0; i < p->n_states && until < INT64_MAX; i++)
        until = MAX_OF(until, state_until(s, &p->states[i]));
    return until;
}

static uint8_t profile_slot(struct profile *p)
{
    if (!(p->flags & PROFILE_ON_DISK))
        p->flags |= PROFILE_ON_DISK;
    else
        p->flags ^= PROFILE_SLOT;
    return (p->flags & PROFILE_SLOT) != 0;
}

static void profile_save(struct store *s, struct profile *p)
{
    struct saving *sv = s->saving;
    struct store_pages *pages = &sv->pages;
    struct store_page page = {.key_id = p->key_id, .slot = profile_slot(p), .due_ms = INT64_MAX};
    page_save(&sv->out, p);
    sv->what.n = 0;
    if (s->hooks.save)
        s->hooks.save(s->hooks.ctx, p->hung, &sv->out.buf, &page.due_ms, &sv->what);
    page.expires_ms = MAX_OF(p->until_ms, profile_until(s, p));
    if (page.due_ms != INT64_MAX)
        page.expires_ms = MAX_OF(page.expires_ms, time_add(page.due_ms, DAY_MS));
    p->until_ms = page.expires_ms;
    page.bytes = arena_str(&pages->arena, buf_str(&sv->out.buf));
    page.id = (struct str){page.bytes.p + sv->out.id_at, p->n_id};
    if (sv->what.n)
        page.due_what = arena_str(&pages->arena, buf_str(&sv->what));
    pages->items = xgrow(pages->items, pages->n, &pages->cap, sizeof(*pages->items));
    pages->items[pages->n++] = page;
    pages->n_bytes += page.bytes.n + page.due_what.n;
    p->flags &= (uint8_t)(~(PROFILE_DIRTY | PROFILE_WRITTEN) | s->dirty);
    p->flags |= (uint8_t)(s->dirty * 16);
    sv->left--;
}

/* -- all of them */

void store_mark(struct store *s, struct profile *p)
{
    struct saving *sv = s->saving;
    if (store_waits(s, p))
        profile_save(s, p);
    p->flags |= s->dirty;
    sv->dirty.items = xgrow(sv->dirty.items, sv->dirty.n, &sv->dirty.cap, sizeof(*sv->dirty.items));
    sv->dirty.items[sv->dirty.n++] = p;
}

void store_change(struct store *s, struct profile *p)
{
    store_changing(s, p);
}

void store_save_begin(struct store *s)
{
    struct saving *sv = s->saving;
    if (!sv || sv->left || sv->pages.n)
        abort();
    struct listed done = sv->waiting;
    done.n = 0;
    sv->waiting = sv->dirty;
    sv->dirty = done;
    sv->at = 0;
    sv->left = sv->waiting.n;
    s->dirty ^= PROFILE_DIRTY;
}

/* As store_prefetch does: what waits is mostly cold. None of it is freed before it is encoded. */
static void fetch_ahead(const struct saving *sv)
{
    struct profile *const *next = sv->waiting.items + sv->at;
    size_t left = sv->waiting.n - sv->at;
    if (left > AHEAD)
        __builtin_prefetch(next[AHEAD]);
    if (left > AHEAD / 2) {
        const struct profile *p = next[AHEAD / 2];
        for (size_t line = 0; line < p->n_states * sizeof(*p->states); line += 64)
            __builtin_prefetch((const char *)p->states + line);
        __builtin_prefetch(p->seen);
    }
    if (left > AHEAD / 4)
        for (uint32_t i = 0; i < next[AHEAD / 4]->n_states; i++)
            __builtin_prefetch(next[AHEAD / 4]->states[i].p);
}

size_t store_save(struct store *s, size_t n)
{
    struct saving *sv = s->saving;
    for (; n > 0 && sv->at < sv->waiting.n; sv->at++) {
        struct profile *p = sv->waiting.items[sv->at];
        fetch_ahead(sv);
        if (!store_waits(s, p))
            continue;
        profile_save(s, p);
        n--;
    }
    return sv->left;
}

void store_save_take(struct store *s, struct store_pages *out)
{
    store_pages_fini(out);
    *out = s->saving->pages;
    s->saving->pages = (struct store_pages){0};
}

/* -- back */

static struct profile *load_failed(struct str bytes, const char *what, struct err *err)
{
    err_set(err, "a profile's page of %zu bytes makes no sense: %s", bytes.n, what);
    return NULL;
}

/* What hangs on the profile has the rest of the page, whole. */
static bool load_hung(struct store *s, struct profile *p, struct unpack *rest)
{
    if (s->hooks.load && !s->hooks.load(s->hooks.ctx, p, rest))
        return false;
    return unpack_done(rest);
}

static struct profile *load_rest(struct store *s, struct page_in *in, struct profile *p,
                                 struct str bytes, struct err *err)
{
    if (!page_load(in, p)) {
        profile_free(s, p);
        return load_failed(bytes, "what it keeps", err);
    }
    store_put(s, p);
    p->flags |= s->dirty; /* it is not listed, whatever the hook does */
    if (!load_hung(s, p, &in->u)) {
        store_take(s, p);
        profile_free(s, p);
        return load_failed(bytes, "what hangs on it", err);
    }
    return p;
}

struct profile *store_load(struct store *s, struct str bytes, uint8_t slot, int64_t expires_ms,
                           struct err *err)
{
    struct page_in in = {.store = s, .u = unpack_of(bytes)};
    uint32_t key_id;
    struct str id;
    if (!page_key(&in, &key_id, &id))
        return load_failed(bytes, "its version or whose it is", err);
    struct profile *p = store_find(s, key_id, id);
    if (p)
        return p;
    p = load_rest(s, &in, store_make(s, key_id, id), bytes, err);
    free(in.texts);
    if (p && s->saving)
        p->flags = (uint8_t)(PROFILE_ON_DISK | (slot ? PROFILE_SLOT : 0));
    if (p)
        p->until_ms = expires_ms;
    return p;
}
