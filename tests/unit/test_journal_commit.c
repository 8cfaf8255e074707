/* test_journal_commit.c -- records on a real disk: the order, groups, a restart, and what is refused at a start.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal_folder.h"

#include <sys/stat.h>

static void order_and_restart(enum journal_sync sync)
{
    char path[64];
    folder_make(path);
    struct journal_options o = options_of(path, sync);
    struct journal *j = open_with(&o);
    uint64_t epoch = journal_epoch(j);
    CHECK(journal_keeps(j) && epoch && journal_seq(j) == 0 && journal_oldest(j) == 1 &&
          scan_from(j, 1).n == 0);
    CHECK(!journal_has_pages(j) && journal_base(j)->generation == 0);
    journal_start(j);
    queue_some(j, 300, 1000);
    queue_some(j, 1, 500); /* the clock is set back */
    CHECK_INT(take_until(j, 301), 301);
    CHECK(!journal_take(j) && journal_state(j) == JOURNAL_OPEN);
    struct seen s = scan_from(j, 1);
    CHECK(s.first == 1 && s.n == 301 && s.last_ms == 1000);
    queue_some(j, 50, 3000); /* closed before they are taken: written all the same */
    struct record *left = j->first;
    journal_close(j);
    for (struct record *next; left; left = next) {
        next = left->next;
        free(left);
    }

    o = options_of(path, sync);
    j = open_with(&o);
    CHECK(journal_epoch(j) == epoch, "it was closed, nothing is lost");
    CHECK(journal_seq(j) == 351 && journal_oldest(j) == 1 && !journal_take(j));
    for (uint64_t from = 1; from <= 351; from += 7) {
        s = scan_from(j, from);
        CHECK(s.first == from && s.last == 351 && s.n == 352 - from && s.last_ms == 3000);
    }
    CHECK(scan_from(j, 352).n == 0 && scan_from(j, 0).n == 351);
    struct err err = {0};
    s = (struct seen){.stop_at = 9};
    CHECK(!journal_scan(j, 3, see, &s, &err) && s.n == 7 && strcmp(err.text, "stopped at 9") == 0,
          "%s", err.text);
    journal_start(j);
    queue_some(j, 1, 2000);
    CHECK_INT(j->now_ms, 3000); /* time goes on where it stood */
    CHECK_INT(take_until(j, 352), 352);
    journal_close(j);
    folder_drop(path);
}

/* The end of a server: the thread is gone, what is durable is applied and written back, then the folder is closed. */
static void stopped(enum journal_sync sync)
{
    char path[64];
    folder_make(path);
    struct journal_options o = options_of(path, sync);
    struct journal *j = open_with(&o);
    uint64_t epoch = journal_epoch(j);
    struct page page = {.bytes = STR("x"), .expires_ms = INT64_MAX, .due_ms = INT64_MAX};
    journal_start(j);
    queue_some(j, 100, 1);
    CHECK(journal_stop(j) == NULL, "all of it could be written");
    CHECK_INT(take_until(j, 100), 100);
    CHECK(!journal_take(j) && !journal_stop(j));
    journal_begin(j, 100);
    CHECK(journal_put(j, &page, 1) && journal_complete(j, STR("s"), 1));
    journal_close(j);
    o = options_of(path, sync);
    j = open_with(&o);
    CHECK(journal_base(j)->seq == 100 && journal_seq(j) == 100 && journal_epoch(j) == epoch);
    CHECK(!journal_stop(j), "it was never started");
    journal_close(j);
    folder_drop(path);
}

/* -- groups: while the disk is slow, what comes gathers */
static _Atomic bool held, holds;

static enum rocks_trouble held_sync(struct rocks *r, struct err *err)
{
    while (held) {
        holds = true;
        poll(NULL, 0, 1);
    }
    return rocks_sync(r, err);
}

struct told {
    _Atomic int n;
};

static void count(void *ctx)
{
    ((struct told *)ctx)->n++;
}

static void groups_gather(void)
{
    char path[64];
    folder_make(path);
    struct told told = {0};
    struct journal_options o = options_of(path, JOURNAL_ALWAYS);
    o.durable = count;
    o.ctx = &told;
    struct journal *j = open_with(&o);
    j->sync = held_sync;
    journal_start(j);
    queue_some(j, 1, 1000);
    CHECK_INT(take_until(j, 1), 1);
    held = true;
    int64_t before = stat_get(STAT_JOURNAL_COMMITS), records = stat_get(STAT_JOURNAL_RECORDS);
    queue_some(j, 1, 1000);
    while (!holds)
        poll(NULL, 0, 1);
    queue_some(j, 499, 1000);
    CHECK(!journal_take(j), "written and not synced is not durable");
    held = false;
    CHECK_INT(take_until(j, 501), 501);
    CHECK_INT(stat_get(STAT_JOURNAL_COMMITS) - before, 2);
    CHECK_INT(stat_get(STAT_JOURNAL_RECORDS) - records, 500);
    int n = 3;
    for (int i = 0; i < 1000 && told.n < n; i++)
        poll(NULL, 0, 1);
    CHECK_INT(told.n, n);
    journal_close(j);
    folder_drop(path);
}

/* A body may be larger than a group is wished for, and a group ends where the next body would make it so. */
static void large_ones(void)
{
    char path[64];
    folder_make(path);
    struct journal *j = open_always(path);
    enum { SIZE = 3 << 20 };
    struct record r[5];
    char *bytes = calloc(1, 2 * SIZE);
    for (size_t i = 0; i < COUNT_OF(r); i++) {
        r[i] = (struct record){.kind = RECORD_BATCH, .bytes = {bytes, i == 2 ? 2 * SIZE : SIZE}};
        journal_queue(j, &r[i], 5); /* before the start: all of them wait */
    }
    int64_t before = stat_get(STAT_JOURNAL_COMMITS);
    journal_start(j);
    for (int i = 0; i < 10000 && durable_of(j) < 5; i++)
        poll(NULL, 0, 1);
    CHECK_INT(stat_get(STAT_JOURNAL_COMMITS) - before, 5);
    for (size_t i = 0; i < COUNT_OF(r); i++)
        CHECK(journal_take(j) == &r[i]);
    journal_close(j);
    free(bytes);
    j = open_always(path);
    CHECK_INT(journal_seq(j), 5);
    journal_close(j);
    folder_drop(path);
}

/* -- several who queue, one who takes, one who scans */
enum { WRITERS = 4, EACH = 2000 };

static void *write_some(void *journal)
{
    for (int i = 0; i < EACH; i++) {
        struct record *r = record_new(0);
        journal_queue(journal, r, i);
    }
    return NULL;
}

static bool in_order(void *ctx, const struct record_view *r, struct err *err)
{
    uint64_t *last = ctx;
    bool good = r->seq == *last + 1;
    *last = r->seq;
    return good || err_set(err, "record %" PRIu64, r->seq);
}

static struct err scan_err; /* the scanner's: the checks are the main thread's */

static void *scan_some(void *journal)
{
    for (int i = 0; i < 20 && !scan_err.set; i++) {
        uint64_t last = 0;
        journal_scan(journal, 1, in_order, &last, &scan_err);
        if (last > journal_seq(journal))
            err_set(&scan_err, "record %" PRIu64 " was never given", last);
    }
    return NULL;
}

static void several_threads(enum journal_sync sync)
{
    char path[64];
    folder_make(path);
    struct journal_options o = options_of(path, sync);
    struct journal *j = open_with(&o);
    pthread_t writers[WRITERS], scanner;
    journal_start(j);
    for (int i = 0; i < WRITERS; i++)
        pthread_create(&writers[i], NULL, write_some, j);
    pthread_create(&scanner, NULL, scan_some, j);
    CHECK_INT(take_until(j, WRITERS * EACH), WRITERS * EACH);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    pthread_join(scanner, NULL);
    CHECK(!scan_err.set, "%s", scan_err.text);
    journal_close(j);
    j = open_with(&o);
    CHECK_INT(journal_seq(j), WRITERS * EACH);
    journal_close(j);
    folder_drop(path);
}

/* -- modes: how often there is a sync */
static int64_t syncs_of(enum journal_sync sync, int64_t interval_ms, int64_t *commits)
{
    char path[64];
    folder_make(path);
    struct journal_options o = options_of(path, sync);
    o.interval_ms = interval_ms;
    struct journal *j = open_with(&o);
    journal_start(j);
    queue_some(j, 1, 1);
    take_until(j, 1);
    int64_t before = stat_get(STAT_JOURNAL_SYNCS), groups = stat_get(STAT_JOURNAL_COMMITS);
    for (uint64_t i = 2; i <= 40; i++) {
        queue_some(j, 1, 1);
        take_until(j, i);
        poll(NULL, 0, 2);
    }
    for (int i = 0; i < 5000 && interval_ms == 20 && j->unsynced; i++)
        poll(NULL, 0, 1);
    int64_t n = stat_get(STAT_JOURNAL_SYNCS) - before;
    *commits = stat_get(STAT_JOURNAL_COMMITS) - groups;
    if (interval_ms == 20) /* all is synced: it rests */
        CHECK(!j->unsynced);
    journal_close(j);
    folder_drop(path);
    return n;
}

static void modes(void)
{
    int64_t commits = 0, n = syncs_of(JOURNAL_ALWAYS, 1, &commits);
    CHECK(n == commits && n == 39, "%" PRId64 " syncs of %" PRId64, n, commits);
    n = syncs_of(JOURNAL_INTERVAL, 20, &commits);
    CHECK(n >= 1 && n <= commits, "%" PRId64 " syncs of %" PRId64, n, commits);
    CHECK_INT(syncs_of(JOURNAL_INTERVAL, 3600000, &commits), 0);
    CHECK_INT(syncs_of(JOURNAL_NEVER, 1, &commits), 0);
}

/* -- a process that dies: without closing, as a copy of the folder made while it runs */
static void copy_folder(const char *from, char to[64])
{
    char command[256];
    folder_make(to);
    snprintf(command, sizeof(command), "cp -a '%s/.' '%s/' && rm -f '%s/db/LOCK'", from, to, to);
    CHECK_INT(system(command), 0);
}

static void epochs(void)
{
    char path[64], copy[64];
    folder_make(path);
    for (enum journal_sync sync = JOURNAL_ALWAYS; sync <= JOURNAL_NEVER; sync++) {
        struct journal_options o = options_of(path, sync);
        struct journal *j = open_with(&o);
        uint64_t epoch = journal_epoch(j), last = journal_seq(j) + 20;
        journal_start(j);
        queue_some(j, 20, 1);
        CHECK_INT(take_until(j, last), last);
        copy_folder(path, copy);
        struct journal *k = open_always(copy);
        CHECK_INT(journal_seq(k), last);
        CHECK_INT(journal_epoch(k) == epoch, sync == JOURNAL_ALWAYS);
        CHECK(journal_epoch_of(k, last) == epoch && journal_epoch_of(k, 1) == epoch,
              "records keep theirs");
        CHECK(journal_epoch_of(k, last + 1) == journal_epoch(k));
        journal_start(k);
        queue_some(k, 1, 1);
        CHECK_INT(take_until(k, last + 1), last + 1);
        uint64_t drawn = journal_epoch(k);
        journal_close(k);
        k = open_always(copy);
        CHECK(journal_epoch(k) == drawn && journal_epoch_of(k, last) == epoch);
        journal_close(k);
        folder_drop(copy);
        journal_close(j);
    }
    folder_drop(path);
}

/* The last log is cut inside its last write: what is before is there, and the sequence goes on behind it. */
static void cut_tail(void)
{
    char path[64], copy[64], command[256];
    folder_make(path);
    struct journal *j = open_always(path);
    journal_start(j);
    for (uint64_t i = 1; i <= 10; i++) {
        queue_some(j, 3, (int64_t)i);
        take_until(j, 3 * i);
    }
    for (int n = 1; n < 2000; n += 313) {
        copy_folder(path, copy);
        snprintf(command, sizeof(command), "f=$(ls %s/db/*.log | tail -1) && truncate -s -%d $f",
                 copy, n);
        CHECK_INT(system(command), 0);
        struct journal *k = open_always(copy);
        uint64_t last = journal_seq(k);
        CHECK(last >= 20 && last < 30, "%" PRIu64, last);
        CHECK(scan_from(k, 1).last == last || last == 0);
        journal_start(k);
        queue_some(k, 1, 50);
        CHECK_INT(take_until(k, last + 1), last + 1);
        journal_close(k);
        folder_drop(copy);
    }
    journal_close(j);
    folder_drop(path);
}

/* -- what is refused */
static void refuse(const char *path, const char *text)
{
    struct err err = {0};
    struct journal_options o = options_of(path, JOURNAL_ALWAYS);
    struct journal *j = journal_open(&o, &err);
    CHECK(!j && strstr(err.text, text) && strstr(err.text, path), "%s", err.text);
    journal_close(j);
}

static void change(const char *path, void (*how)(struct rocks *r, struct rocks_batch *b))
{
    struct err err = {0};
    char db[80];
    uint64_t cut;
    enum rocks_trouble why;
    snprintf(db, sizeof(db), "%s/db", path);
    struct rocks *r = rocks_open(db, &(struct rocks_options){0}, &cut, &why, &err);
    CHECK(r != NULL, "%s", err.text);
    struct rocks_batch *b = rocks_batch_new(r);
    how(r, b);
    CHECK(rocks_write(r, b, true, &err) == ROCKS_FINE, "%s", err.text);
    rocks_batch_free(b);
    rocks_close(r);
}

static void del_blocks(struct rocks_batch *b, uint64_t from, uint64_t to)
{
    uint8_t first[BLOCK_KEY], end[BLOCK_KEY];
    block_key(from, first);
    block_key(to, end);
    rocks_del_range(b, ROCKS_BLOCKS, (struct str){(char *)first, 8}, (struct str){(char *)end, 8});
}

static void lose_middle(struct rocks *r, struct rocks_batch *b)
{
    del_blocks(b, 13, 22);
}

static void lose_first(struct rocks *r, struct rocks_batch *b)
{
    del_blocks(b, 1, 4);
}

static void base_ahead(struct rocks *r, struct rocks_batch *b)
{
    struct meta_run run = {.begun = 1, .epochs = &(struct meta_epoch){1, 1}, .n_epochs = 1};
    meta_put_run(b, &run);
    meta_put_base(b, 1, 1000, STR(""));
}

static void base_behind_gap(struct rocks *r, struct rocks_batch *b)
{
    meta_put_base(b, 1, 21, STR(""));
}

static void never_begun(struct rocks *r, struct rocks_batch *b)
{
    meta_put_base(b, 2, 21, STR(""));
}

static void damage_block(struct rocks *r, struct rocks_batch *b)
{
    uint8_t key[BLOCK_KEY];
    struct arena arena;
    struct str value;
    arena_init(&arena);
    block_key(25, key);
    struct str name = {(char *)key, 8};
    CHECK(rocks_get(r, ROCKS_BLOCKS, &name, 1, &value, &arena, NULL) && value.n > BLOCK_HEAD);
    ((char *)value.p)[value.n / 2] ^= 1;
    rocks_put(b, ROCKS_BLOCKS, name, value);
    arena_fini(&arena);
}

static void no_run(struct rocks *r, struct rocks_batch *b)
{
    rocks_del(b, ROCKS_META, STR("run"));
    rocks_del(b, ROCKS_META, STR("base"));
}

static void refused(void)
{
    char path[64];
    folder_make(path);
    struct journal *j = open_always(path);
    journal_start(j);
    for (uint64_t i = 1; i <= 10; i++) {
        queue_some(j, 3, (int64_t)i);
        take_until(j, 3 * i);
    }
    refuse(path, "another");
    journal_close(j);
    change(path, damage_block);
    j = open_always(path); /* the start reads heads; who reads the record finds it out */
    struct seen s = {0};
    struct err err = {0};
    CHECK(!journal_scan(j, 1, see, &s, &err) && s.last == 24 && !s.wrong &&
              strstr(err.text, "record 25: the checksum"),
          "%s", err.text);
    CHECK_INT(scan_from(j, 28).n, 3);
    journal_close(j);
    change(path, lose_middle);
    refuse(path, "records 13 to 21 are missing");
    change(path, lose_first);
    refuse(path, "records 1 to 3 are missing");
    change(path, never_begun);
    refuse(path, "never begun");
    change(path, base_ahead);
    refuse(path, "records 31 to 1000 are missing");
    change(path, base_behind_gap);
    j = open_always(path); /* nobody needs what is missing */
    CHECK(journal_seq(j) == 30 && scan_from(j, 28).n == 3);
    journal_close(j);
    change(path, no_run);
    refuse(path, "no record of a run");
    folder_drop(path);
}

int main(void)
{
    for (enum journal_sync sync = JOURNAL_ALWAYS; sync <= JOURNAL_NEVER; sync++) {
        order_and_restart(sync);
        stopped(sync);
        several_threads(sync);
    }
    groups_gather();
    large_ones();
    modes();
    epochs();
    cut_tail();
    refused();
    return check_done();
}
