/* commit.c -- the journal's thread: takes what is queued, writes it as one block, syncs, and says that it is durable.
 *
 * While it waits for the disk the next group gathers, so that the slower the disk is, the larger the groups are. A record is
 * in exactly one block. Nothing here reads a clock: who waits, waits for a word of memory to move, or so many milliseconds.
 *
 * A write that finds the disk full is tried again, as it is, until there is room; so is a sync that only could not be noted.
 * Other failed writes are tried for some seconds. A failed sync is the end: the system may have thrown away what it could not
 * write, and a second one would say yes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal_internal.h"

#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* -- waiting */

/* Until word is not `seen` any more or so many ms are over; ms < 0: no limit. It may also return for nothing. */
static void wait_word(_Atomic uint32_t *word, uint32_t seen, int64_t ms)
{
    struct timespec limit = {ms / 1000, ms % 1000 * 1000000};
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, ms < 0 ? NULL : &limit, NULL, 0);
}

static void wake_word(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void commit_wake(struct journal *j)
{
    atomic_fetch_add(&j->word, 1);
    wake_word(&j->word);
}

void commit_stop(struct journal *j)
{
    atomic_store(&j->stopping, 1);
    wake_word(&j->stopping);
    commit_wake(j);
}

static void pause_ms(struct journal *j, int64_t ms)
{
    wait_word(&j->stopping, 0, ms);
}

/* -- states */
static bool has_failed(struct journal *j)
{
    return atomic_load(&j->state) == JOURNAL_FAILED;
}

static void tell(struct journal *j)
{
    if (j->o.durable)
        j->o.durable(j->o.ctx);
}

static void enter_failed(struct journal *j, const char *what, const struct err *why)
{
    if (atomic_exchange(&j->state, JOURNAL_FAILED) == JOURNAL_FAILED)
        return;
    stat_set(STAT_JOURNAL_STATE, JOURNAL_FAILED);
    log_error("journal: a %s failed (%s). Nothing is kept from here on: reads are served, events "
              "are refused until a restart. "
              "See what the system says of the disk under %s, then restart",
              what, why->text, j->dir);
    commit_wake(j); /* the thread passes the word on */
}

static void enter_full(struct journal *j, const struct err *why)
{
    int open = JOURNAL_OPEN;
    struct statvfs disk;
    if (!atomic_compare_exchange_strong(&j->state, &open, JOURNAL_FULL))
        return;
    stat_set(STAT_JOURNAL_STATE, JOURNAL_FULL);
    uint64_t free_bytes = statvfs(j->dir, &disk) == 0 ? (uint64_t)disk.f_bavail * disk.f_frsize : 0;
    log_error("journal: no room for %s (%s; %" PRIu64
              " bytes are free). Reads are served and events refused; it goes on by "
              "itself once there is room",
              j->dir, why->text, free_bytes);
    tell(j);
}

static void leave_full(struct journal *j)
{
    int full = JOURNAL_FULL;
    if (!atomic_compare_exchange_strong(&j->state, &full, JOURNAL_OPEN))
        return;
    stat_set(STAT_JOURNAL_STATE, JOURNAL_OPEN);
    log_info("journal: there is room for %s again: events are taken", j->dir);
    tell(j);
}

/* -- the disk */
enum rocks_trouble commit_sync(struct journal *j, struct err *err)
{
    enum rocks_trouble why = ROCKS_FAILED;
    pthread_mutex_lock(&j->sync_lock);
    if (has_failed(j))
        err_set(err, "an earlier write or sync failed");
    else
        why = j->sync(j->rocks, err);
    if (why == ROCKS_FINE)
        stat_add(STAT_JOURNAL_SYNCS, 1);
    else if (why != ROCKS_FULL)
        enter_failed(j, "sync", err);
    pthread_mutex_unlock(&j->sync_lock);
    return why;
}

static enum rocks_trouble write_logged(struct journal *j, struct rocks_batch *b, struct err *err)
{
    return j->write(j->rocks, b, true, err);
}

static enum rocks_trouble sync_logged(struct journal *j, struct rocks_batch *b, struct err *err)
{
    return commit_sync(j, err);
}

static enum rocks_trouble write_run(struct journal *j, struct rocks_batch *b, struct err *err)
{
    return pages_write_run(j, err);
}

/* Until it is done. false: it can't be; the journal has failed, or stops while the disk is full. */
static bool insist(struct journal *j,
                   enum rocks_trouble (*attempt)(struct journal *, struct rocks_batch *,
                                                 struct err *),
                   struct rocks_batch *b)
{
    for (int n_failed = 0;;) {
        struct err err = {0}, ignored = {0};
        if (has_failed(j))
            return false;
        enum rocks_trouble why = attempt(j, b, &err);
        if (why == ROCKS_FINE) {
            leave_full(j);
            return true;
        }
        if (why == ROCKS_FULL)
            enter_full(j, &err);
        else if (++n_failed >= j->n_tries)
            enter_failed(j, "write", &err);
        if (has_failed(j) || atomic_load(&j->stopping))
            return false;
        pause_ms(j, why == ROCKS_FULL ? j->full_pause_ms : j->trouble_pause_ms);
        rocks_resume(j->rocks, &ignored);
    }
}

/* -- groups */
struct group {
    struct record *first, *last;
};

/* All that is queued and in no block. false: nothing more comes. */
static bool wait_group(struct journal *j, struct group *g)
{
    pthread_mutex_lock(&j->lock);
    uint32_t seen = atomic_load(&j->word); /* read before what it stands for */
    while (!j->unwritten && !atomic_load(&j->stopping) && !has_failed(j)) {
        j->sleeping = true;
        pthread_mutex_unlock(&j->lock);
        wait_word(&j->word, seen, -1);
        pthread_mutex_lock(&j->lock);
        j->sleeping = false;
        seen = atomic_load(&j->word);
    }
    *g = (struct group){j->unwritten, j->last};
    pthread_mutex_unlock(&j->lock);
    return g->first && !has_failed(j);
}

/* Behind this the records up to `last` may be taken, and freed. */
static bool publish(struct journal *j, struct record *last)
{
    pthread_mutex_lock(&j->lock);
    bool good = !has_failed(j);
    if (good) {
        j->unwritten = last->next;
        j->durable_seq = last->seq;
    }
    pthread_mutex_unlock(&j->lock);
    if (good)
        tell(j);
    return good;
}

static bool commit(struct journal *j, struct group g, struct buf *block, struct rocks_batch *b)
{
    uint8_t key[BLOCK_KEY];
    struct record *last = block_write(block, g.first, g.last, BLOCK_GROUP_BYTES);
    int64_t n = (int64_t)(last->seq - g.first->seq + 1);
    block_key(g.first->seq, key);
    rocks_batch_clear(b);
    rocks_put(b, ROCKS_BLOCKS, (struct str){(char *)key, BLOCK_KEY}, buf_str(block));
    if (!insist(j, write_logged, b))
        return false;
    if (j->o.sync == JOURNAL_ALWAYS && !insist(j, sync_logged, b))
        return false;
    if (j->o.sync == JOURNAL_INTERVAL)
        atomic_store(&j->unsynced, true);
    stat_add(STAT_JOURNAL_BYTES, (int64_t)block->n);
    stat_add(STAT_JOURNAL_COMMITS, 1);
    stat_add(STAT_JOURNAL_RECORDS, n);
    return publish(j, last);
}

/* The last thing written says that nothing is missing: with the sync behind it that is true in every mode. */
void commit_say_clean(struct journal *j)
{
    struct err err = {0};
    if (!j->drained || atomic_load(&j->state) != JOURNAL_OPEN)
        return;
    pthread_mutex_lock(&j->meta_lock);
    j->run.clean = true;
    j->run_version++;
    pthread_mutex_unlock(&j->meta_lock);
    if (pages_write_run(j, &err) != ROCKS_FINE)
        log_warn("journal: %s: not closed cleanly: %s", j->dir, err.text);
}

void *commit_main(void *journal)
{
    struct journal *j = journal;
    struct rocks_batch *b = rocks_batch_new(j->rocks);
    struct buf block = {0};
    struct group g = {0};
    bool good =
        insist(j, write_run,
               NULL); /* before the first record: a run that says nothing must not have begun */
    while (good && wait_group(j, &g))
        good = commit(j, g, &block, b);
    if (has_failed(j))
        tell(j);
    while (!atomic_load(&j->stopping))
        pause_ms(j, -1);
    j->drained = good; /* read behind the join */
    buf_fini(&block);
    rocks_batch_free(b);
    return NULL;
}

void *commit_sync_main(void *journal)
{
    struct journal *j = journal;
    while (!atomic_load(&j->stopping)) {
        struct err err = {0};
        pause_ms(j, j->o.interval_ms);
        if (atomic_exchange(&j->unsynced, false) && commit_sync(j, &err) == ROCKS_FULL)
            atomic_store(&j->unsynced, true); /* the next one says so */
    }
    return NULL;
}
