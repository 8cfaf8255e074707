/* test_journal_memory.c -- without a folder: no gap in the sequence, no step back in time, from one thread and from several,
 * and everything is durable at once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal_folder.h"

static struct journal *open_memory(void)
{
    struct err err = {0};
    struct journal *j = journal_open(&journal_options_default, &err);
    CHECK(j && !err.set);
    journal_start(j);
    return j;
}

static void one_thread(void)
{
    static const int64_t clocks[] = {1000, 1005, 1005, 400, 0, -7, 1006, 2000, 1999};
    static const int64_t want[] = {1000, 1005, 1005, 1005, 1005, 1005, 1006, 2000, 2000};
    struct journal *j = open_memory();
    struct record records[COUNT_OF(clocks)];
    CHECK(!journal_take(j) && journal_seq(j) == 0);
    for (size_t i = 0; i < COUNT_OF(clocks); i++) {
        records[i] = (struct record){.next = &records[0]}; /* whatever stood there */
        journal_queue(j, &records[i], clocks[i]);
        CHECK_INT(records[i].seq, i + 1);
        CHECK_INT(records[i].now_ms, want[i]);
        if (i == 3)
            CHECK(journal_take(j) == &records[0], "taken while more come");
    }
    for (size_t i = 1; i < COUNT_OF(clocks); i++)
        CHECK(journal_take(j) == &records[i]);
    CHECK(!journal_take(j));
    struct record late = {0};
    journal_queue(j, &late, 1);
    CHECK(journal_take(j) == &late && late.seq == COUNT_OF(clocks) + 1 && late.now_ms == 2000);
    CHECK_INT(journal_seq(j), COUNT_OF(clocks) + 1);
    journal_close(j);
}

enum { THREADS = 4, EACH = 5000 };

struct writer {
    struct journal *j;
    struct record *records;
    int64_t skew_ms;
};

static void *write_some(void *arg)
{
    struct writer *w = arg;
    for (int i = 0; i < EACH; i++)
        journal_queue(w->j, &w->records[i], 1000 + i + w->skew_ms);
    return NULL;
}

static void several_threads(void)
{
    struct journal *j = open_memory();
    struct writer writers[THREADS];
    pthread_t threads[THREADS];
    uint64_t seq = 0;
    int64_t now_ms = 0;
    for (int i = 0; i < THREADS; i++) {
        writers[i] = (struct writer){j, calloc(EACH, sizeof(struct record)), i * 50};
        pthread_create(&threads[i], NULL, write_some, &writers[i]);
    }
    while (seq < THREADS * EACH) {
        struct record *r = journal_take(j);
        if (!r)
            continue;
        if (r->seq != seq + 1 || r->now_ms < now_ms)
            CHECK(false, "seq %" PRIu64 " after %" PRIu64 ", at %" PRId64 " after %" PRId64, r->seq,
                  seq, r->now_ms, now_ms);
        seq = r->seq;
        now_ms = r->now_ms;
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        for (int k = 1; k < EACH; k++)
            if (writers[i].records[k].seq <= writers[i].records[k - 1].seq)
                CHECK(false, "a thread's own records changed places");
        free(writers[i].records);
    }
    CHECK(!journal_take(j) && journal_seq(j) == THREADS * EACH);
    journal_close(j);
}

/* The rest of the door is there, and empty. */
static void nothing_is_kept(void)
{
    struct journal *j = open_memory();
    struct record r = {.kind = RECORD_TICK};
    struct page page = {.bytes = STR("x"), .expires_ms = INT64_MAX, .due_ms = 5};
    struct page_key key = journal_page_key(j, 1, STR("someone"));
    struct page out = {.bytes = STR("?")};
    struct due_cursor from = {0};
    struct seen seen = {0};
    struct err err = {0};
    size_t n = 9;
    struct arena arena;
    arena_init(&arena);
    journal_queue(j, &r, 1);
    CHECK(!journal_keeps(j) && journal_epoch(j) == 0 && journal_epoch_of(j, 1) == 0);
    CHECK(journal_state(j) == JOURNAL_OPEN && !journal_has_pages(j) && journal_oldest(j) == 2);
    CHECK(journal_scan(j, 1, see, &seen, &err) && seen.n == 0);
    CHECK(journal_base(j)->generation == 0 && journal_base(j)->state.n == 0);
    CHECK(!journal_put(j, &page, 1) && !journal_complete(j, STR(""), 0));
    CHECK(journal_load(j, &key, 1, &out, &arena, &err) && !out.bytes.p);
    CHECK(journal_due(j, &from, INT64_MAX, NULL, 5, &n, &arena, &err) && n == 0);
    journal_trim(j, INT64_MAX);
    CHECK(journal_take(j) == &r);
    arena_fini(&arena);
    journal_close(j);
    journal_close(NULL);
}

int main(void)
{
    one_thread();
    several_threads();
    nothing_is_kept();
    return check_done();
}
