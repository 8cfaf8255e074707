/* open.c -- from a folder to a journal that can go on, and the end of it.
 *
 * A folder that is there is not written to before journal_start, so that a start that fails leaves it as it was. What is read
 * grows with the records behind the base, never with the whole: the blocks before it may hold two months.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/datadir.h"
#include "journal/journal_internal.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

enum { FULL_PAUSE_MS = 1000, TROUBLE_PAUSE_MS = 500, N_TRIES = 10 };

const struct journal_options journal_options_default = {
    .sync = JOURNAL_ALWAYS, .interval_ms = 1000, .keep_ms = 60 * 24 * 3600 * (int64_t)1000};

/* -- the epoch */
static uint64_t drawn(const struct journal *j, size_t at)
{
    uint64_t n;
    memcpy(&n, j->o.draw + at, sizeof(n));
    return n ? n : 1;
}

/* Behind the last record another one begins: sequences above it may have been given before. */
static void new_epoch(struct journal *j)
{
    struct meta_run *m = &j->run;
    while (m->n_epochs && m->epochs[m->n_epochs - 1].from_seq > j->seq)
        m->n_epochs--;
    m->epochs = xgrow(m->epochs, m->n_epochs, &m->cap_epochs, sizeof(*m->epochs));
    m->epochs[m->n_epochs++] = (struct meta_epoch){j->seq + 1, drawn(j, 0)};
}

/* -- what the folder says */
static bool make_run(struct journal *j, struct err *err)
{
    j->run.page_seed = drawn(j, 8);
    j->run.clean = true;
    new_epoch(j);
    j->run_version++;
    return pages_write_run(j, err) == ROCKS_FINE;
}

static void abort_begun(struct journal *j)
{
    struct meta_run *m = &j->run;
    for (uint32_t g = (uint32_t)j->kept.generation + 1; g <= m->begun; g++) {
        if (meta_is_aborted(m, g))
            continue;
        m->aborted = xgrow(m->aborted, m->n_aborted, &m->cap_aborted, sizeof(*m->aborted));
        m->aborted[m->n_aborted++] = g;
    }
}

static bool read_meta(struct journal *j, bool made, struct err *err)
{
    bool found;
    if (!meta_load(j->rocks, &j->run, &j->kept, &found, err))
        return false;
    if (!found && !made)
        return err_set(err,
                       "journal: %s holds no record of a run: restore a backup, or `signalbox "
                       "journal salvage`",
                       j->db_dir);
    if (j->kept.generation > j->run.begun)
        return err_set(err,
                       "journal: %s: generation %" PRIu64
                       " is complete and was never begun: restore a backup",
                       j->db_dir, j->kept.generation);
    abort_begun(j);
    j->base = (struct journal_base){j->kept.generation, j->kept.seq, buf_str(&j->kept.state)};
    j->has_pages = j->run.begun > 0;
    return found || make_run(j, err);
}

static bool pass_block(void *ctx, struct str key, struct str value, const struct block_head *h,
                       struct err *err)
{
    return true;
}

/* Where the sequence stands, and whether everything is there from the base to it. */
static bool read_tail(struct journal *j, struct err *err)
{
    struct block_head first, last;
    bool any = scan_find(j, UINT64_MAX, &last, err);
    if (err->set || (any && !scan_first(j, &first, err)))
        return false;
    j->seq = j->durable_seq = any ? block_last_seq(&last) : 0;
    j->now_ms = any ? last.last_ms : 0;
    j->oldest = any ? first.seq : 1;
    if (j->seq < j->base.seq)
        return err_set(err,
                       "journal: records %" PRIu64 " to %" PRIu64
                       " are missing in %s: restore a backup, or `signalbox "
                       "journal salvage`",
                       j->seq + 1, j->base.seq, j->db_dir);
    if (any && first.seq > j->base.seq + 1)
        return err_set(err,
                       "journal: records %" PRIu64 " to %" PRIu64
                       " are missing in %s: restore a backup, or `signalbox "
                       "journal salvage`",
                       j->base.seq + 1, first.seq - 1, j->db_dir);
    return scan_blocks(j, j->base.seq + 1, j->seq, pass_block, NULL, err);
}

static bool open_rocks(struct journal *j, bool made, struct err *err)
{
    uint64_t cut = 0;
    enum rocks_trouble why;
    struct rocks_options o = {.create = made,
                              .loose = j->o.sync != JOURNAL_ALWAYS,
                              .past_ms = (const int64_t *)&j->past_ms};
    j->rocks = rocks_open(j->db_dir, &o, &cut, &why, err);
    if (!j->rocks || !read_meta(j, made, err) || !read_tail(j, err))
        return false;
    if (!j->run.clean && j->run.sync != JOURNAL_ALWAYS)
        new_epoch(j); /* written by journal_start, before the first record */
    if (cut)
        log_warn("journal: the last write to %s was cut short, %" PRIu64
                 " bytes of it: what is kept ends with record %" PRIu64,
                 j->db_dir, cut, j->seq);
    return true;
}

static bool open_folder(struct journal *j, struct err *err)
{
    bool made = false;
    j->folder = datadir_open(j->dir, DATADIR_MAKE, &made, err);
    if (!j->folder)
        return false;
    j->db_dir = datadir_db(j->folder);
    return open_rocks(j, made, err) && (!made || datadir_done(j->folder, err));
}

struct journal *journal_open(const struct journal_options *o, struct err *err)
{
    struct err own = {0};
    struct journal *j = xcalloc(1, sizeof(*j));
    j->o = *o;
    j->write = rocks_write;
    j->sync = rocks_sync;
    j->flush = rocks_flush;
    j->full_pause_ms = FULL_PAUSE_MS;
    j->trouble_pause_ms = TROUBLE_PAUSE_MS;
    j->n_tries = N_TRIES;
    pthread_mutex_init(&j->lock, NULL);
    pthread_mutex_init(&j->sync_lock, NULL);
    pthread_mutex_init(&j->disk_lock, NULL);
    pthread_mutex_init(&j->meta_lock, NULL);
    if (!o->dir)
        return j;
    j->o.dir = j->dir = xstrdup(o->dir);
    if (open_folder(j, &own))
        return j;
    err_set(err, "%s", own.text);
    journal_close(j);
    return NULL;
}

/* -- from here on records are queued */
static void start_thread(pthread_t *thread, void *(*run)(void *), struct journal *j)
{
    if (pthread_create(thread, NULL, run, j) != 0) {
        log_error("journal: the system gives no thread: raise the limit on processes");
        abort();
    }
}

void journal_start(struct journal *j)
{
    sigset_t all, before;
    if (!j->rocks || j->started)
        return;
    j->run.clean = false;
    j->run.sync = j->o.sync;
    j->run_version++;
    stat_set(STAT_JOURNAL_STATE, JOURNAL_OPEN);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the program's */
    start_thread(&j->thread, commit_main, j);
    if (j->o.sync == JOURNAL_INTERVAL)
        start_thread(&j->sync_thread, commit_sync_main, j);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    j->started = true;
}

/* Takes what is in no block out of the queue. */
static struct record *cut_unwritten(struct journal *j)
{
    struct record *rest = j->unwritten, **at = &j->first;
    if (!rest)
        return NULL;
    for (j->last = NULL; *at != rest; at = &(*at)->next)
        j->last = *at;
    *at = j->unwritten = NULL;
    return rest;
}

struct record *journal_stop(struct journal *j)
{
    if (j->started) {
        commit_stop(j);
        pthread_join(j->thread, NULL);
        if (j->o.sync == JOURNAL_INTERVAL)
            pthread_join(j->sync_thread, NULL);
        j->started = false;
    }
    return cut_unwritten(j);
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    journal_stop(j);
    commit_say_clean(j);
    rocks_close(j->rocks);
    datadir_close(j->folder);
    meta_run_fini(&j->run);
    meta_base_fini(&j->kept);
    pthread_mutex_destroy(&j->lock);
    pthread_mutex_destroy(&j->sync_lock);
    pthread_mutex_destroy(&j->disk_lock);
    pthread_mutex_destroy(&j->meta_lock);
    free(j->dir);
    free(j);
}
