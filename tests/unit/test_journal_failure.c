/* test_journal_failure.c -- a disk that is full, one that fails for a while, one that fails for good, and a sync that fails.
 *
 * The disk in between is this file's: it refuses what it is told to, and otherwise passes on to the real one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal_folder.h"

#include <signal.h>
#include <sys/resource.h>

static struct {
    _Atomic int writes, pages, syncs; /* so many more fail, of the kinds named */
    _Atomic int n_writes, n_syncs;    /* came through */
    enum rocks_trouble why;
    bool written_all_the_same; /* what is told as failed is there after all */
} disk;

static enum rocks_trouble failing_write(struct rocks *r, struct rocks_batch *b, bool logged,
                                        struct err *err)
{
    _Atomic int *left = logged ? &disk.writes : &disk.pages;
    if (*left > 0) {
        --*left;
        if (disk.written_all_the_same)
            rocks_write(r, b, logged, err);
        err_set(err, "the test says no");
        return disk.why;
    }
    disk.n_writes++;
    return rocks_write(r, b, logged, err);
}

static enum rocks_trouble failing_sync(struct rocks *r, struct err *err)
{
    if (disk.syncs > 0) {
        disk.syncs--;
        err_set(err, "the test syncs nothing");
        return disk.why;
    }
    disk.n_syncs++;
    return rocks_sync(r, err);
}

static _Atomic int told_state = -1;
static struct journal *teller;

static void tell(void *ctx)
{
    if (teller)
        told_state = journal_state(teller);
}

static struct journal *open_failing(char path[64], enum journal_sync sync)
{
    folder_make(path);
    struct journal_options o = options_of(path, sync);
    o.durable = tell;
    struct journal *j = open_with(&o);
    memset(&disk, 0, sizeof(disk));
    told_state = -1;
    j->write = failing_write;
    j->sync = failing_sync;
    teller = j;
    return j;
}

static bool wait_told(int state)
{
    for (int i = 0; i < 5000 && told_state != state; i++)
        poll(NULL, 0, 1);
    return told_state == state;
}

/* What was taken before is there after a restart, and up to `most` more. */
static void restart(const char *path, uint64_t least, uint64_t most)
{
    struct journal *j = open_always(path);
    uint64_t last = journal_seq(j);
    CHECK(last >= least && last <= most, "%" PRIu64, last);
    if (last)
        CHECK_INT(scan_from(j, 1).n, last);
    journal_start(j);
    queue_some(j, 1, 9);
    CHECK_INT(take_until(j, last + 1), last + 1);
    journal_close(j);
    folder_drop(path);
}

static void full_and_room_again(bool written)
{
    char path[64];
    struct journal *j = open_failing(path, JOURNAL_ALWAYS);
    journal_start(j);
    queue_some(j, 3, 1);
    CHECK_INT(take_until(j, 3), 3);
    disk.why = ROCKS_FULL;
    disk.written_all_the_same = written;
    disk.writes = 1000000;
    queue_some(j, 2, 2);
    CHECK(wait_state(j, JOURNAL_FULL) && wait_told(JOURNAL_FULL));
    CHECK_INT(stat_get(STAT_JOURNAL_STATE), JOURNAL_FULL);
    queue_some(j, 5, 3); /* ticks and swaps go on coming */
    poll(NULL, 0, 50);
    CHECK(!journal_take(j) && journal_seq(j) == 10);
    CHECK_INT(scan_from(j, 1).n, 3); /* read beside it, to what is durable */
    disk.writes = 0;
    CHECK_INT(take_until(j, 10), 10);
    CHECK(wait_state(j, JOURNAL_OPEN) && wait_told(JOURNAL_OPEN));
    CHECK_INT(stat_get(STAT_JOURNAL_STATE), JOURNAL_OPEN);
    CHECK_INT(scan_from(j, 1).n, 10);
    journal_close(j);
    restart(path, 10, 10);
}

static void closed_while_full(void)
{
    char path[64];
    struct journal *j = open_failing(path, JOURNAL_NEVER);
    journal_start(j);
    queue_some(j, 3, 1);
    take_until(j, 3);
    uint64_t epoch = journal_epoch(j);
    disk.why = ROCKS_FULL;
    disk.writes = 1000000;
    j->full_pause_ms = 1000000;
    queue_some(j, 2, 2);
    CHECK(wait_state(j, JOURNAL_FULL));
    struct record *left = journal_stop(j);
    CHECK(!journal_take(j) && !journal_stop(j));
    journal_close(j);
    CHECK(left && left->seq == 4 && left->next->seq == 5 && !left->next->next);
    free(left->next);
    free(left);
    j = open_always(path);
    CHECK(journal_epoch(j) != epoch, "it was not closed cleanly");
    journal_close(j);
    restart(path, 3, 3);
}

/* From the first write on: the server starts, and waits for room. */
static void full_from_the_start(void)
{
    char path[64];
    struct journal *j = open_failing(path, JOURNAL_ALWAYS);
    disk.why = ROCKS_FULL;
    disk.writes = 1000000;
    journal_start(j);
    CHECK(wait_state(j, JOURNAL_FULL));
    queue_some(j, 1, 1);
    disk.writes = 0;
    CHECK_INT(take_until(j, 1), 1);
    journal_close(j);
    restart(path, 1, 1);
}

static void trouble_that_passes(void)
{
    char path[64];
    struct journal *j = open_failing(path, JOURNAL_ALWAYS);
    journal_start(j);
    queue_some(j, 1, 1);
    take_until(j, 1);
    disk.why = ROCKS_FAILED;
    disk.writes = j->n_tries - 1;
    queue_some(j, 4, 1);
    CHECK_INT(take_until(j, 5), 5);
    CHECK(journal_state(j) == JOURNAL_OPEN && disk.writes == 0);
    journal_close(j);
    restart(path, 5, 5);
}

static void nothing_more(struct journal *j, uint64_t last)
{
    struct page page = {.bytes = STR("x"), .expires_ms = INT64_MAX, .due_ms = INT64_MAX};
    CHECK(wait_state(j, JOURNAL_FAILED) && wait_told(JOURNAL_FAILED));
    CHECK_INT(stat_get(STAT_JOURNAL_STATE), JOURNAL_FAILED);
    int n_writes = disk.n_writes, n_syncs = disk.n_syncs;
    disk.writes = disk.syncs = disk.pages = 0; /* the disk would say yes again */
    queue_some(j, 3, 5);
    poll(NULL, 0, 50);
    CHECK(!journal_take(j) && journal_state(j) == JOURNAL_FAILED);
    CHECK_INT(scan_from(j, 1).n, last);
    if (!j->running)
        journal_begin(j, last);
    CHECK(!journal_put(j, &page, 1) && !journal_complete(j, STR("s"), 1));
    journal_trim(j, INT64_MAX);
    CHECK(disk.n_writes == n_writes && disk.n_syncs == n_syncs, "not even tried");
    struct record *left = journal_stop(j);
    CHECK(left && left->seq == last + 1);
    journal_close(j);
    for (struct record *next; left; left = next) {
        next = left->next;
        free(left);
    }
}

static void trouble_that_stays(void)
{
    char path[64];
    struct journal *j = open_failing(path, JOURNAL_ALWAYS);
    journal_start(j);
    queue_some(j, 2, 1);
    take_until(j, 2);
    disk.why = ROCKS_FAILED;
    disk.writes = j->n_tries;
    queue_some(j, 1, 1);
    nothing_more(j, 2);
    restart(path, 2, 2);
}

static void sync_fails(enum rocks_trouble why, enum journal_sync sync)
{
    char path[64];
    struct journal *j = open_failing(path, sync);
    journal_start(j);
    queue_some(j, 2, 1);
    take_until(j, 2);
    disk.why = why;
    disk.syncs = 1; /* once is enough */
    queue_some(j, 3, 1);
    uint64_t last = 2;
    if (sync == JOURNAL_INTERVAL) { /* these were durable before the sync, as that mode goes */
        CHECK(wait_state(j, JOURNAL_FAILED));
        last = durable_of(j);
        if (last > 2)
            CHECK_INT(take_until(j, last), last);
    }
    nothing_more(j, last);
    restart(path, 2, 5);
}

/* All is on the disk, but there is no room to note it: nothing is acknowledged before there is. */
static void sync_has_no_room(enum journal_sync sync)
{
    char path[64];
    struct journal *j = open_failing(path, sync);
    journal_start(j);
    queue_some(j, 2, 1);
    CHECK_INT(take_until(j, 2), 2);
    disk.why = ROCKS_FULL;
    disk.syncs = 1000000;
    queue_some(j, 3, 1);
    if (sync == JOURNAL_ALWAYS) {
        CHECK(wait_state(j, JOURNAL_FULL) && wait_told(JOURNAL_FULL));
        poll(NULL, 0, 50);
        CHECK(!journal_take(j));
    } else {
        CHECK_INT(take_until(j, 5), 5);
    }
    for (int i = 0; i < 5000 && disk.syncs > 999997; i++)
        poll(NULL, 0, 1);
    CHECK(disk.syncs <= 999997, "it is tried again and again");
    int n_syncs = disk.n_syncs;
    disk.syncs = 0;
    if (sync == JOURNAL_ALWAYS)
        CHECK_INT(take_until(j, 5), 5);
    for (int i = 0; i < 5000 && disk.n_syncs == n_syncs; i++)
        poll(NULL, 0, 1);
    CHECK(disk.n_syncs > n_syncs && wait_state(j, JOURNAL_OPEN));
    journal_close(j);
    restart(path, 5, 5);
}

static void sync_fails_at_the_start(void)
{
    char path[64];
    struct journal *j = open_failing(path, JOURNAL_ALWAYS);
    disk.why = ROCKS_FAILED;
    disk.syncs = 1;
    journal_start(j);
    nothing_more(j, 0);
    restart(path, 0, 0);
}

/* -- the worker's side */
static void worker_sync_fails(void)
{
    char path[64];
    struct page page = {.bytes = STR("x"), .expires_ms = INT64_MAX, .due_ms = INT64_MAX};
    struct journal *j = open_failing(path, JOURNAL_ALWAYS);
    journal_start(j);
    queue_some(j, 2, 1);
    take_until(j, 2);
    journal_begin(j, 2);
    CHECK(journal_put(j, &page, 1));
    disk.why = ROCKS_FAILED;
    disk.syncs = 1;
    CHECK(!journal_complete(j, STR("s"), 1));
    CHECK_INT(journal_base(j)->generation, 0);
    nothing_more(j, 2);
    restart(path, 2, 2);
}

static void worker_tries_again(void)
{
    char path[64];
    struct page page = {.bytes = STR("x"), .expires_ms = INT64_MAX, .due_ms = INT64_MAX};
    struct journal *j = open_failing(path, JOURNAL_ALWAYS);
    journal_start(j);
    queue_some(j, 2, 1);
    take_until(j, 2);
    journal_begin(j, 2);
    disk.why = ROCKS_FULL;
    disk.writes = 1; /* that the generation was begun */
    CHECK(!journal_put(j, &page, 1));
    disk.pages = 1;
    CHECK(!journal_put(j, &page, 1));
    CHECK(journal_put(j, &page, 1));
    disk.writes = 1;
    CHECK(!journal_complete(j, STR("s"), 1) && journal_base(j)->generation == 0);
    CHECK(journal_complete(j, STR("s"), 1) && journal_base(j)->generation == 1);
    CHECK_INT(journal_state(j), JOURNAL_OPEN);
    journal_close(j);
    restart(path, 2, 2);
}

static bool count_up(void *ctx, const struct record_view *r, struct err *err)
{
    return r->seq == ++*(uint64_t *)ctx || err_set(err, "record %" PRIu64, r->seq);
}

/* -- the real disk: no file may grow past a limit, which the system tells much as a full disk */
static void limited(bool on)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = on ? 1 << 20 : limit.rlim_max;
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void log_without_room(void)
{
    char path[64];
    char *bytes = calloc(1, 100000);
    folder_make(path);
    struct journal *j = open_always(path);
    teller = NULL;
    journal_start(j);
    limited(true);
    for (int i = 0; i < 30; i++) {
        struct record *r = calloc(1, sizeof(*r));
        r->kind = RECORD_BATCH;
        r->bytes = (struct str){bytes, 100000};
        journal_queue(j, r, i);
    }
    CHECK(wait_state(j, JOURNAL_FULL));
    uint64_t durable = take_until(j, durable_of(j));
    CHECK(durable < 30, "%" PRIu64, durable);
    limited(false);
    CHECK(take_until(j, 30) == 30 && wait_state(j, JOURNAL_OPEN));
    journal_close(j);
    j = open_always(path);
    uint64_t last = 0;
    struct err err = {0};
    CHECK(journal_scan(j, 1, count_up, &last, &err) && last == 30, "%s", err.text);
    journal_close(j);
    free(bytes);
    folder_drop(path);
}

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    log_without_room();
    full_and_room_again(false);
    full_and_room_again(true);
    closed_while_full();
    full_from_the_start();
    trouble_that_passes();
    trouble_that_stays();
    sync_fails(ROCKS_FAILED, JOURNAL_ALWAYS);
    sync_has_no_room(JOURNAL_ALWAYS);
    sync_has_no_room(JOURNAL_INTERVAL);
    sync_fails(ROCKS_FAILED, JOURNAL_INTERVAL);
    sync_fails_at_the_start();
    worker_sync_fails();
    worker_tries_again();
    return check_done();
}
