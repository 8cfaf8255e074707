/* writeback.c -- profiles go to disk while they go on changing: all of them as they were behind one record.
 *
 * Between two records the moment is marked: which profiles have changed since the last write-back, the messages that wait, the
 * rules in force. Then slices of profiles are encoded behind the door and written outside it; one that an event is about to
 * change is encoded before. When all are on disk, one synced write says so; until then a restart goes by the one before.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

#include <stdlib.h>

enum { SAVE_PROFILES = 128 };

struct saving {
    uint64_t seq;
    struct engine_kept kept;
    struct buf rules;
    struct push_capture *push;
    bool begun, encoded;      /* the journal was told; every profile was */
    struct store_pages pages; /* encoded and not written yet */
};

void saving_begin(struct engine *e)
{
    struct saving *s = xcalloc(1, sizeof(*s));
    s->seq = e->applied_seq;
    s->kept = (struct engine_kept){
        .now_ms = e->now_ms,
        .swapped_ms = e->swapped_ms,
        .swept_ms = e->swept_ms,
        .generation = e->plan->generation,
        .spans = xcalloc(e->n_spans, sizeof(*e->spans)),
        .n_spans = e->n_spans,
    };
    if (e->n_spans)
        memcpy(s->kept.spans, e->spans, e->n_spans * sizeof(*e->spans));
    s->kept.histories = histories_copy(&e->histories);
    buf_put(&s->rules, e->rules.p, e->rules.n);
    s->push = push_capture(e->push);
    store_save_begin(e->store);
    e->saving = s;
    e->save_wanted = false;
}

void saving_free(struct engine *e)
{
    struct saving *s = e->saving;
    if (!s)
        return;
    free(s->kept.spans);
    histories_fini(&s->kept.histories);
    buf_fini(&s->rules);
    push_capture_free(s->push);
    store_pages_fini(&s->pages);
    free(s);
    e->saving = NULL;
}

/* Waits for the end of the record under way. false: it has none. */
static bool begin(struct engine *e)
{
    pthread_mutex_lock(&e->door);
    if (!e->saving && !e->current)
        saving_begin(e);
    e->save_wanted = !e->saving;
    while (e->save_wanted && !e->damaged)
        pthread_cond_wait(&e->boundary, &e->door);
    bool begun = e->saving != NULL;
    pthread_mutex_unlock(&e->door);
    return begun;
}

static bool write_pages(struct engine *e, struct saving *s)
{
    const struct store_pages *from = &s->pages;
    struct page *pages = xcalloc(from->n, sizeof(*pages));
    for (size_t i = 0; i < from->n; i++)
        pages[i] = (struct page){
            .key = journal_page_key(e->journal, from->items[i].key_id, from->items[i].id),
            .slot = from->items[i].slot,
            .expires_ms = from->items[i].expires_ms,
            .due_ms = from->items[i].due_ms,
            .due_what = from->items[i].due_what,
            .bytes = from->items[i].bytes,
        };
    bool good = from->n == 0 || journal_put(e->journal, pages, from->n);
    free(pages);
    if (good) {
        stat_add(STAT_PROFILES_WRITTEN, (int64_t)from->n);
        store_pages_fini(&s->pages);
        s->pages = (struct store_pages){0};
    }
    return good;
}

static bool complete(struct engine *e, struct saving *s)
{
    struct buf state = {0};
    kept_pack(&s->kept, buf_str(&s->rules), &state);
    push_capture_write(s->push, &state);
    bool good = journal_complete(e->journal, buf_str(&state), s->kept.now_ms);
    buf_fini(&state);
    return good;
}

bool engine_write_back(struct engine *e)
{
    if (!journal_keeps(e->journal))
        return true;
    if (!begin(e))
        return false;
    struct saving *s = e->saving; /* this thread's, but for the pages that the store collects */
    if (!s->begun)
        journal_begin(e->journal, s->seq);
    s->begun = true;
    while (write_pages(e, s) && !s->encoded) {
        pthread_mutex_lock(&e->door);
        s->encoded = store_save(e->store, SAVE_PROFILES) == 0;
        store_save_take(e->store, &s->pages);
        pthread_mutex_unlock(&e->door);
    }
    if (!s->encoded || s->pages.n || !complete(e, s))
        return false;
    journal_trim(e->journal, s->kept.now_ms);
    pthread_mutex_lock(&e->door);
    saving_free(e);
    pthread_mutex_unlock(&e->door);
    return true;
}
