/* test_journal_trim.c -- what is let go, by age and by size, and what never is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal_folder.h"

static void write_back(struct journal *j, uint64_t seq)
{
    journal_begin(j, seq);
    CHECK(journal_complete(j, STR("state"), 0));
}

/* Each group is a block: n records at each time. */
static void groups(struct journal *j, uint64_t n, int64_t from_ms, int64_t to_ms)
{
    for (int64_t ms = from_ms; ms <= to_ms; ms++) {
        pthread_mutex_lock(&j->lock);
        uint64_t last = j->seq + n;
        pthread_mutex_unlock(&j->lock);
        queue_some(j, n, ms);
        CHECK_INT(take_until(j, last), last);
    }
}

static struct journal *reopen(struct journal *j, const struct journal_options *o)
{
    uint64_t oldest = journal_oldest(j), last = journal_seq(j);
    journal_close(j);
    j = open_with(o);
    CHECK_INT(journal_oldest(j), oldest);
    CHECK_INT(journal_seq(j), last);
    struct seen s = scan_from(j, oldest);
    CHECK(s.first == oldest && s.last == last);
    journal_start(j);
    return j;
}

static void by_age(void)
{
    char path[64];
    folder_make(path);
    struct journal_options o = options_of(path, JOURNAL_NEVER);
    o.keep_ms = 100;
    struct journal *j = open_with(&o);
    journal_start(j);
    groups(j, 1, 1, 300); /* one at a time: record n has time n, alone in its block */
    journal_trim(j, 1000);
    CHECK_INT(journal_oldest(j), 1); /* nothing was written back: all is needed */
    write_back(j, 200);
    journal_trim(j, 100);
    CHECK_INT(journal_oldest(j), 1);
    journal_trim(j, 101);
    CHECK_INT(journal_oldest(j), 1); /* record 1 is 100 ms old, and not older */
    journal_trim(j, 102);
    CHECK_INT(journal_oldest(j), 2);
    for (int64_t now = 103; now < 280; now += 13) {
        journal_trim(j, now);
        CHECK_INT(journal_oldest(j), now - 100);
        struct seen s = scan_from(j, 1); /* what is gone is passed over */
        CHECK(s.first == (uint64_t)now - 100 && s.last == 300);
    }
    j = reopen(j, &o);
    journal_trim(j, 100000);
    CHECK_INT(journal_oldest(j), 201); /* no further than the base */
    j = reopen(j, &o);
    write_back(j, 300);
    journal_trim(j, 100000);
    CHECK_INT(journal_oldest(j), 300); /* the last one says where the sequence stands */
    j = reopen(j, &o);
    groups(j, 1, 100000, 100000);
    CHECK_INT(journal_seq(j), 301);
    journal_close(j);
    folder_drop(path);
}

/* Blocks go whole: those with a record that must stay, stay. */
static void groups_go_whole(void)
{
    char path[64];
    folder_make(path);
    struct journal_options o = options_of(path, JOURNAL_NEVER);
    o.keep_ms = 10;
    struct journal *j = open_with(&o);
    queue_some(j, 20, 1);
    journal_start(j); /* they waited, so that they are one group */
    CHECK_INT(take_until(j, 20), 20);
    groups(j, 1, 2, 50);
    write_back(j, 12); /* inside the first block */
    journal_trim(j, 100000);
    CHECK_INT(journal_oldest(j), 1);
    write_back(j, 20);
    journal_trim(j, 100000);
    CHECK_INT(journal_oldest(j), 21);
    j = reopen(j, &o);
    journal_close(j);
    folder_drop(path);
}

/* Does not press: incompressible bytes, other ones in each record. */
static void fill(struct journal *j, uint64_t n, size_t n_bytes)
{
    static uint64_t state = 88172645463325252u;
    char *bytes = malloc(n_bytes);
    for (uint64_t i = 0; i < n; i++) {
        struct record r = {.kind = RECORD_BATCH, .bytes = {bytes, n_bytes}};
        for (size_t k = 0; k + 8 <= n_bytes; k += 8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            memcpy(bytes + k, &state, 8);
        }
        journal_queue(j, &r, 1);
        while (journal_take(j) != &r)
            poll(NULL, 0, 1);
    }
    free(bytes);
}

/* Files that were in the way of others go a little later. */
static bool files_below(struct journal *j, uint64_t n_bytes)
{
    for (int i = 0; i < 20000 && rocks_bytes(j->rocks, ROCKS_BLOCKS) >= n_bytes; i++)
        poll(NULL, 0, 1);
    return rocks_bytes(j->rocks, ROCKS_BLOCKS) < n_bytes;
}

static void by_size(void)
{
    enum { EACH = 1 << 20, KEEP = 60 };
    char path[64];
    struct err err = {0};
    folder_make(path);
    struct journal_options o = options_of(path, JOURNAL_NEVER);
    o.keep_ms = 0;
    o.keep_bytes = (uint64_t)KEEP * EACH;
    struct journal *j = open_with(&o);
    journal_start(j);
    for (uint64_t n = 0; n < 240; n += 8) {
        fill(j, 8, EACH);
        write_back(j, journal_seq(j));
        rocks_flush(j->rocks, ROCKS_BLOCKS, &err);
        journal_trim(j, 1);
        journal_trim(j, 1); /* the second finds nothing to do */
        uint64_t kept = journal_seq(j) - journal_oldest(j) + 1;
        CHECK(kept >= MIN_OF(n + 8, (uint64_t)KEEP - 12) && kept <= KEEP + 12,
              "%" PRIu64 " MiB are kept of %" PRIu64, kept, n + 8);
        CHECK(files_below(j, (uint64_t)(KEEP + 80) * EACH), "%" PRIu64 " bytes",
              rocks_bytes(j->rocks, ROCKS_BLOCKS));
    }
    journal_close(j);
    folder_drop(path);
}

/* Someone reads all the while. */
static _Atomic bool stop;

static bool in_order(void *ctx, const struct record_view *r, struct err *err)
{
    uint64_t *last = ctx;
    bool good = !*last || r->seq == *last + 1;
    *last = r->seq;
    return good || err_set(err, "record %" PRIu64, r->seq);
}

static struct err scan_err; /* the scanner's: the checks are the main thread's */

static void *scan_on(void *journal)
{
    while (!stop && !scan_err.set) {
        uint64_t last = 0;
        journal_scan(journal, journal_oldest(journal), in_order, &last, &scan_err);
    }
    return NULL;
}

static void beside_a_scan(void)
{
    char path[64];
    folder_make(path);
    struct journal_options o = options_of(path, JOURNAL_NEVER);
    o.keep_ms = 5;
    struct journal *j = open_with(&o);
    pthread_t scanner;
    journal_start(j);
    groups(j, 1, 0, 0);
    pthread_create(&scanner, NULL, scan_on, j);
    for (int64_t ms = 1; ms < 300; ms += 10) {
        groups(j, 3, ms, ms + 9);
        write_back(j, journal_seq(j));
        journal_trim(j, ms + 9);
    }
    stop = true;
    pthread_join(scanner, NULL);
    CHECK(!scan_err.set, "%s", scan_err.text);
    CHECK(journal_oldest(j) > 800, "%" PRIu64, journal_oldest(j));
    journal_close(j);
    folder_drop(path);
}

int main(void)
{
    by_age();
    groups_go_whole();
    by_size();
    beside_a_scan();
    return check_done();
}
