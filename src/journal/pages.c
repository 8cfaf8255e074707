/* pages.c -- what is written back: generations of pages, and which version of one is true.
 *
 * A version is seen when its generation was completed, or when it is the one this run is writing: the engine that wrote it is
 * alive, and forgot the profile on the strength of it. A generation that an earlier run began and did not complete is aborted
 * for ever; so that this is known whatever became of its pages, its number is on the disk before the first of them.
 *
 * Pages are not logged: completing a generation writes the memory they are in to files, and only then the record that makes
 * them true.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>

const struct journal_base *journal_base(const struct journal *j)
{
    return &j->base;
}

struct page_key journal_page_key(const struct journal *j, uint32_t key_id, struct str id)
{
    struct page_key key;
    XXH128_canonical_t sum;
    uint64_t seed = j->run.page_seed ^ key_id * 0x9e3779b97f4a7c15u;
    XXH128_canonicalFromHash(&sum, XXH3_128bits_withSeed(id.n ? id.p : "", id.n, seed));
    memcpy(key.bytes, sum.digest, PAGE_KEY);
    return key;
}

bool journal_has_pages(const struct journal *j)
{
    return atomic_load_explicit(&j->has_pages, memory_order_relaxed);
}

/* -- the run's record */
enum rocks_trouble pages_write_run(struct journal *j, struct err *err)
{
    enum rocks_trouble why = ROCKS_FINE;
    struct rocks_batch *b = rocks_batch_new(j->rocks);
    pthread_mutex_lock(&j->disk_lock);
    pthread_mutex_lock(&j->meta_lock);
    uint64_t version = j->run_version;
    bool changed = version != j->run_written;
    if (changed)
        meta_put_run(b, &j->run);
    pthread_mutex_unlock(&j->meta_lock);
    if (changed) {
        why = j->write(j->rocks, b, true, err);
        if (why == ROCKS_FINE)
            why = commit_sync(j, err);
        if (why == ROCKS_FINE)
            j->run_written = version;
    }
    pthread_mutex_unlock(&j->disk_lock);
    rocks_batch_free(b);
    return why;
}

/* -- writing back */
uint32_t journal_begin(struct journal *j, uint64_t seq)
{
    pthread_mutex_lock(&j->meta_lock);
    if (j->running)
        abort(); /* its pages could be neither true nor forgotten */
    j->running = j->run.begun = MAX_OF((uint32_t)j->base.generation, j->run.begun) + 1;
    j->running_seq = seq;
    j->run_version++;
    uint32_t generation = j->running;
    pthread_mutex_unlock(&j->meta_lock);
    return generation;
}

/* Each trouble is told once: the caller tries again and again. */
static bool put_failed(struct journal *j, const struct err *err)
{
    struct err ignored = {0};
    if (journal_state(j) == JOURNAL_FAILED)
        return false;
    if (!j->put_trouble)
        log_warn("journal: profiles can't be written back to %s: %s: it is tried again", j->db_dir,
                 err->text);
    j->put_trouble = true;
    rocks_resume(j->rocks, &ignored);
    return false;
}

static bool put_done(struct journal *j)
{
    j->put_trouble = false;
    return true;
}

static void put_page(struct rocks_batch *b, const struct page *p, uint32_t generation,
                     struct buf *value)
{
    uint8_t place[PAGE_PLACE], due[DUE_KEY];
    value->n = 0;
    page_place(&p->key, p->slot, place);
    page_write(value, p, generation);
    rocks_put(b, ROCKS_PAGES, (struct str){(char *)place, PAGE_PLACE}, buf_str(value));
    if (p->due_ms == INT64_MAX)
        return;
    page_due_key(p, due);
    rocks_put(b, ROCKS_DUE, (struct str){(char *)due, DUE_KEY}, p->due_what);
}

static uint32_t running(struct journal *j)
{
    pthread_mutex_lock(&j->meta_lock);
    uint32_t generation = j->running;
    pthread_mutex_unlock(&j->meta_lock);
    return generation;
}

bool journal_put(struct journal *j, const struct page *pages, size_t n)
{
    struct err err = {0};
    if (!j->rocks || journal_state(j) == JOURNAL_FAILED)
        return false;
    uint32_t generation = running(j);
    if (!generation)
        abort();
    if (pages_write_run(j, &err) != ROCKS_FINE)
        return put_failed(j, &err);
    struct rocks_batch *b = rocks_batch_new(j->rocks);
    struct buf value = {0};
    for (size_t i = 0; i < n; i++)
        put_page(b, &pages[i], generation, &value);
    atomic_store(&j->has_pages, true);
    bool good = j->write(j->rocks, b, false, &err) == ROCKS_FINE;
    buf_fini(&value);
    rocks_batch_free(b);
    return good ? put_done(j) : put_failed(j, &err);
}

/* Pages and timers into files, then, on the disk behind them, the record that makes them true. */
static bool write_base(struct journal *j, struct str state, struct err *err)
{
    struct rocks_batch *b = rocks_batch_new(j->rocks);
    pthread_mutex_lock(&j->disk_lock);
    pthread_mutex_lock(&j->meta_lock);
    uint64_t version = j->run_version;
    meta_put_base(b, j->running, j->running_seq, state);
    meta_put_run(b, &j->run);
    pthread_mutex_unlock(&j->meta_lock);
    bool good = j->flush(j->rocks, ROCKS_PAGES, err) == ROCKS_FINE &&
                j->flush(j->rocks, ROCKS_DUE, err) == ROCKS_FINE &&
                j->write(j->rocks, b, true, err) == ROCKS_FINE && commit_sync(j, err) == ROCKS_FINE;
    if (good)
        j->run_written = version;
    pthread_mutex_unlock(&j->disk_lock);
    rocks_batch_free(b);
    return good;
}

bool journal_complete(struct journal *j, struct str state, int64_t now_ms)
{
    struct err err = {0};
    if (!j->rocks || journal_state(j) == JOURNAL_FAILED)
        return false;
    if (!running(j))
        abort();
    if (!write_base(j, state, &err))
        return put_failed(j, &err);
    pthread_mutex_lock(&j->meta_lock);
    j->kept.generation = j->running;
    j->kept.seq = j->running_seq;
    j->kept.state.n = 0;
    buf_put(&j->kept.state, state.p, state.n);
    j->base = (struct journal_base){j->kept.generation, j->kept.seq, buf_str(&j->kept.state)};
    j->running = 0;
    pthread_mutex_unlock(&j->meta_lock);
    atomic_store(&j->past_ms, now_ms);
    return put_done(j);
}

/* -- reading. The list of aborted generations stands still while the journal is open. */
static bool is_seen(struct journal *j, const struct page *p, bool *seen, struct err *err)
{
    pthread_mutex_lock(&j->meta_lock);
    uint32_t newest = MAX_OF((uint32_t)j->base.generation, j->running);
    pthread_mutex_unlock(&j->meta_lock);
    if (p->generation > newest && !meta_is_aborted(&j->run, p->generation))
        return err_set(err,
                       "a profile page is of generation %" PRIu32 ", and %" PRIu32 " is the newest",
                       p->generation, newest);
    *seen = !meta_is_aborted(&j->run, p->generation);
    return true;
}

/* Takes the version into out when it is seen and newer than what stands there. */
static bool take_version(struct journal *j, struct str place, struct str value, struct page *out,
                         struct err *err)
{
    struct page p;
    bool seen = false;
    if (!page_read(&p, place, value, err) || !is_seen(j, &p, &seen, err))
        return false;
    if (seen && out->bytes.p && p.generation == out->generation)
        return err_set(err, "a profile page has two versions of generation %" PRIu32, p.generation);
    if (seen && (!out->bytes.p || p.generation > out->generation))
        *out = p;
    return true;
}

bool journal_load(struct journal *j, const struct page_key *keys, size_t n, struct page *out,
                  struct arena *arena, struct err *err)
{
    struct err what = {0};
    for (size_t i = 0; i < n; i++)
        out[i] = (struct page){.key = keys[i], .due_ms = INT64_MAX};
    if (!j->rocks || n == 0 || !journal_has_pages(j))
        return true;
    uint8_t(*places)[PAGE_PLACE] = arena_alloc(arena, PAGE_SLOTS * n * sizeof(*places));
    struct str *names = arena_alloc(arena, PAGE_SLOTS * n * sizeof(*names));
    struct str *values = arena_alloc(arena, PAGE_SLOTS * n * sizeof(*values));
    for (size_t i = 0; i < PAGE_SLOTS * n; i++) {
        page_place(&keys[i / PAGE_SLOTS], i % PAGE_SLOTS, places[i]);
        names[i] = (struct str){(char *)places[i], PAGE_PLACE};
    }
    bool good = rocks_get(j->rocks, ROCKS_PAGES, names, PAGE_SLOTS * n, values, arena, &what);
    for (size_t i = 0; good && i < PAGE_SLOTS * n; i++)
        good = !values[i].p || take_version(j, names[i], values[i], &out[i / PAGE_SLOTS], &what);
    return good || err_set(err, "journal: %s: %s", j->db_dir, what.text);
}

/* The versions of a page stand side by side. */
static bool next_page(struct journal *j, struct rocks_iter *i, bool *there, struct page *out,
                      struct arena *arena, struct err *err)
{
    struct page_key key;
    *out = (struct page){.due_ms = INT64_MAX};
    for (bool first = true; *there; *there = rocks_next(i, err), first = false) {
        struct str place = rocks_key(i);
        if (!first && (place.n < PAGE_KEY || memcmp(place.p, key.bytes, PAGE_KEY) != 0))
            break;
        if (!take_version(j, place, arena_str(arena, rocks_value(i)), out, err))
            return false;
        memcpy(key.bytes, place.p, PAGE_KEY);
    }
    return !err->set;
}

bool journal_pages(struct journal *j, journal_page_fn *visit, void *ctx, struct err *err)
{
    struct err own = {0};
    struct arena arena;
    if (!j->rocks || !journal_has_pages(j))
        return true;
    struct rocks_iter *i = rocks_iter_new(j->rocks, ROCKS_PAGES);
    arena_init(&arena);
    bool there = rocks_seek(i, (struct str){"", 0}, &own), good = !own.set;
    while (good && there) {
        struct page p;
        arena_reset(&arena);
        good = next_page(j, i, &there, &p, &arena, &own) && (!p.bytes.p || visit(ctx, &p, &own));
    }
    arena_fini(&arena);
    rocks_iter_free(i);
    if (own.set)
        err_set(err, "%s", own.text);
    return good;
}

/* -- timers */

/* The first key behind the cursor. */
static struct str due_from(const struct due_cursor *from, uint8_t key[DUE_KEY + 1])
{
    if (from->n_at) {
        memcpy(key, from->at, DUE_KEY);
        key[DUE_KEY] = 0;
        return (struct str){(char *)key, DUE_KEY + 1};
    }
    block_key(from->after_ms < 0 ? 0 : (uint64_t)from->after_ms + 1, key);
    return (struct str){(char *)key, 8};
}

bool journal_due(struct journal *j, struct due_cursor *from, int64_t until_ms, struct page_due *out,
                 size_t n, size_t *n_out, struct arena *arena, struct err *err)
{
    _Static_assert(DUE_KEY == sizeof(from->at), "a cursor holds a key");
    uint8_t key[DUE_KEY + 1];
    struct err own = {0};
    *n_out = 0;
    if (!j->rocks || n == 0 || !journal_has_pages(j))
        return true;
    struct rocks_iter *i = rocks_iter_new(j->rocks, ROCKS_DUE);
    for (bool there = rocks_seek(i, due_from(from, key), &own); there && *n_out < n;
         there = rocks_next(i, &own)) {
        struct page_due *d = &out[*n_out];
        if (!page_due_read(d, rocks_key(i), rocks_value(i))) {
            err_set(&own, "journal: %s: the key of a timer is damaged: restore a backup",
                    j->db_dir);
            break;
        }
        if (d->due_ms > until_ms)
            break;
        d->what = arena_str(arena, d->what);
        memcpy(from->at, rocks_key(i).p, DUE_KEY);
        from->n_at = DUE_KEY;
        ++*n_out;
    }
    rocks_iter_free(i);
    if (own.set)
        err_set(err, "%s", own.text);
    return !own.set;
}
