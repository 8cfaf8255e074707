/* test_journal_rocks.c -- the door to RocksDB: what is written is read again, whatever crashes, and damage is refused.
 *
 * A folder that is copied while it is open is what a crash would leave of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/rocks.h"
#include "journal/wal.h"

#include "journal_disk.h"

static struct str key_of(uint64_t n, uint8_t out[8])
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(n >> 8 * (7 - i));
    return (struct str){(char *)out, 8};
}

/* A value that says which it is, of n bytes that LZ4 can't make much smaller. */
static void value_of(uint64_t number, size_t n, struct buf *out)
{
    uint64_t x = number * 0x9e3779b97f4a7c15u + 1;
    out->n = 0;
    while (out->n < n) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        buf_put(out, &x, sizeof(x));
    }
    out->n = n;
}

static struct rocks *opened(const char *dir, bool create, uint64_t *cut)
{
    struct err err = {0};
    enum rocks_trouble why;
    uint64_t ignored;
    struct rocks_options o = {.create = create};
    struct rocks *r = rocks_open(dir, &o, cut ? cut : &ignored, &why, &err);
    CHECK(r != NULL, "%s", err.text);
    return r;
}

static enum rocks_trouble write_one(struct rocks *r, enum rocks_space space, uint64_t number,
                                    size_t n, bool logged)
{
    uint8_t key[8];
    struct buf value = {0};
    struct err err = {0};
    struct rocks_batch *b = rocks_batch_new(r);
    value_of(number, n, &value);
    rocks_put(b, space, key_of(number, key), buf_str(&value));
    enum rocks_trouble why = rocks_write(r, b, logged, &err);
    CHECK(why == ROCKS_FINE || err.set);
    rocks_batch_free(b);
    buf_fini(&value);
    return why;
}

static enum rocks_trouble sync_all(struct rocks *r)
{
    struct err err = {0};
    return rocks_sync(r, &err);
}

/* How many of 1, 2, ... are there, as they were written; -1: one that is there is wrong, or one is there behind a gap. */
static int64_t count_from_1(struct rocks *r, enum rocks_space space, size_t n_bytes)
{
    struct err err = {0};
    uint8_t key[8];
    struct buf want = {0};
    int64_t n = 0;
    struct rocks_iter *it = rocks_iter_new(r, space);
    for (bool more = rocks_seek(it, key_of(0, key), &err); more; more = rocks_next(it, &err)) {
        value_of((uint64_t)n + 1, n_bytes, &want);
        if (str_cmp(rocks_key(it), key_of((uint64_t)n + 1, key)) != 0 ||
            str_cmp(rocks_value(it), buf_str(&want)) != 0) {
            n = -1;
            break;
        }
        n++;
    }
    CHECK(!err.set, "%s", err.text);
    rocks_iter_free(it);
    buf_fini(&want);
    return n;
}

static void test_reads_what_was_written(void)
{
    const char *dir = disk_path("plain");
    struct arena arena;
    struct err err = {0};
    struct rocks *r = opened(dir, true, NULL);
    uint8_t keys[4][8];
    struct str wanted[4], values[4];
    arena_init(&arena);
    for (int space = 0; space < ROCKS_SPACES; space++)
        for (uint64_t i = 1; i <= 20; i++)
            CHECK_INT(write_one(r, (enum rocks_space)space, i, 50 + (size_t)space, true),
                      ROCKS_FINE);
    CHECK_INT(sync_all(r), ROCKS_FINE);
    for (int turn = 0; turn < 3; turn++) {
        for (int space = 0; space < ROCKS_SPACES; space++) {
            CHECK_INT(count_from_1(r, (enum rocks_space)space, 50 + (size_t)space), 20);
            wanted[0] = key_of(20, keys[0]), wanted[1] = key_of(99, keys[1]);
            wanted[2] = key_of(1, keys[2]), wanted[3] = key_of(20, keys[3]);
            CHECK(rocks_get(r, (enum rocks_space)space, wanted, 4, values, &arena, &err), "%s",
                  err.text);
            CHECK(values[0].n == 50 + (size_t)space && values[1].p == NULL && values[2].p &&
                  str_eq(values[0], values[3]));
        }
        if (turn == 0) {
            rocks_close(r);
            r = opened(dir, false, NULL);
        } else if (turn == 1) {
            for (int space = 0; space < ROCKS_SPACES; space++)
                CHECK_INT(rocks_flush(r, (enum rocks_space)space, &err), ROCKS_FINE);
            CHECK(rocks_bytes(r, ROCKS_BLOCKS) > 0);
        }
    }
    struct stat st;
    CHECK(stat(dir, &st) == 0 && (st.st_mode & 0777) == 0700);
    rocks_close(r);
    arena_fini(&arena);
}

static void test_walks_both_ways_and_deletes(void)
{
    struct err err = {0};
    uint8_t a[8], b[8];
    struct rocks *r = opened(disk_path("walk"), true, NULL);
    struct rocks_batch *batch = rocks_batch_new(r);
    for (uint64_t i = 10; i <= 100; i += 10)
        CHECK_INT(write_one(r, ROCKS_BLOCKS, i, 10, true), ROCKS_FINE);
    struct rocks_iter *it = rocks_iter_new(r, ROCKS_BLOCKS);
    CHECK(rocks_seek(it, key_of(55, a), &err) && str_eq(rocks_key(it), key_of(60, b)));
    CHECK(rocks_seek_back(it, key_of(55, a), &err) && str_eq(rocks_key(it), key_of(50, b)));
    CHECK(rocks_seek_back(it, key_of(50, a), &err) && str_eq(rocks_key(it), key_of(50, b)));
    CHECK(!rocks_seek_back(it, key_of(5, a), &err) && !err.set);
    CHECK(!rocks_seek(it, key_of(101, a), &err) && !err.set);
    rocks_iter_free(it);

    rocks_del(batch, ROCKS_BLOCKS, key_of(100, a));
    rocks_del_range(batch, ROCKS_BLOCKS, key_of(10, a), key_of(30, b));
    CHECK_INT(rocks_write(r, batch, true, &err), ROCKS_FINE);
    rocks_batch_clear(batch);
    it = rocks_iter_new(r, ROCKS_BLOCKS);
    CHECK(rocks_seek(it, STR(""), &err) && str_eq(rocks_key(it), key_of(30, b)));
    CHECK(rocks_seek_back(it, key_of(1000, a), &err) && str_eq(rocks_key(it), key_of(90, b)));
    rocks_iter_free(it);
    CHECK_INT(rocks_drop_files(r, ROCKS_BLOCKS, key_of(0, a), key_of(50, b), &err), ROCKS_FINE);
    rocks_batch_free(batch);
    rocks_close(r);
}

static void test_batch_is_atomic_and_written_again(void)
{
    struct err err = {0};
    uint8_t key[8];
    struct rocks *r = opened(disk_path("batch"), true, NULL);
    struct rocks_batch *b = rocks_batch_new(r);
    struct arena arena;
    struct str keys[1], values[1];
    arena_init(&arena);
    keys[0] = key_of(7, key);
    rocks_put(b, ROCKS_META, keys[0], STR("meta"));
    rocks_put(b, ROCKS_DUE, keys[0], STR("due"));
    for (int i = 0; i < 2; i++)
        CHECK_INT(rocks_write(r, b, true, &err), ROCKS_FINE);
    CHECK(rocks_get(r, ROCKS_DUE, keys, 1, values, &arena, &err) && str_eqz(values[0], "due"));
    CHECK(rocks_get(r, ROCKS_PAGES, keys, 1, values, &arena, &err) && values[0].p == NULL);
    rocks_batch_free(b);
    rocks_close(r);
    arena_fini(&arena);
}

/* -- crashes */

/* A folder with two logs that count: the older holds 1 to 8, the newer 9 to n; open, to be copied. */
static struct rocks *two_logs(const char *dir, uint64_t n, size_t n_bytes)
{
    struct err err = {0};
    struct rocks *r = opened(dir, true, NULL);
    for (uint64_t i = 1; i <= n; i++) {
        CHECK_INT(write_one(r, ROCKS_BLOCKS, i, n_bytes, true), ROCKS_FINE);
        CHECK_INT(sync_all(r), ROCKS_FINE);
        if (i ==
            8) { /* another space's memory is written out: the log goes on in a new file, the old one is needed */
            CHECK_INT(write_one(r, ROCKS_META, 1, 10, true), ROCKS_FINE);
            CHECK_INT(rocks_flush(r, ROCKS_META, &err), ROCKS_FINE);
        }
    }
    return r;
}

/* What opening it says: empty when it opens, and then *n counts. */
static const char *refusal(const char *dir, size_t n_bytes, int64_t *n, uint64_t *cut)
{
    static struct err err;
    enum rocks_trouble why;
    struct rocks_options o = {0};
    err = (struct err){0};
    struct rocks *r = rocks_open(dir, &o, cut, &why, &err);
    CHECK((r != NULL) == (why == ROCKS_FINE) && (r != NULL) == !err.set);
    if (!r) {
        CHECK_INT(why, ROCKS_DAMAGED);
        return err.text;
    }
    *n = count_from_1(r, ROCKS_BLOCKS, n_bytes);
    rocks_close(r);
    return "";
}

enum { SMALL = 100 };

static void test_cut_of_the_last_log_keeps_what_is_before(void)
{
    const char *dir = disk_path("cuts"), *crash = disk_path("cuts.crash");
    struct rocks *r = two_logs(dir, 12, SMALL);
    disk_copy(dir, crash);
    char log[1000];
    snprintf(log, sizeof(log), "%s", disk_file(crash, "*.log", -1));
    int64_t size = disk_size(log), n = 0, before = 12;
    uint64_t cut = 99;
    CHECK_STR(refusal(crash, SMALL, &n, &cut), "");
    CHECK_INT(n, 12);
    CHECK_INT(cut, 0);
    for (int64_t at = size - 1; at >= 0; at -= 7) {
        disk_copy(dir, crash);
        disk_cut(log, at);
        CHECK_STR(refusal(crash, SMALL, &n, &cut), "");
        CHECK(n >= 8 && n <= before, "%" PRId64 " behind a cut at %" PRId64, n, at);
        before = n;
        int64_t last = size * (n - 8) / 4; /* four records of one size */
        CHECK_INT(cut, at - last);
        CHECK_STR(refusal(crash, SMALL, &n, &cut), ""); /* and once more: it is mended for good */
        CHECK_INT(n, before);
        CHECK_INT(cut, 0);
    }
    CHECK_INT(before, 8);
    rocks_close(r);
}

static void test_zeros_at_the_end_are_a_cut(void)
{
    const char *dir = disk_path("zeros"), *crash = disk_path("zeros.crash");
    size_t n_bytes = 3000;
    struct rocks *r = two_logs(dir, 12, n_bytes);
    disk_copy(dir, crash);
    char log[1000];
    snprintf(log, sizeof(log), "%s", disk_file(crash, "*.log", -1));
    int64_t size = disk_size(log), n = 0, each = size / 4;
    uint64_t cut;
    for (int64_t from = size - 1000; from >= size - 2500;
         from -= 500) { /* the system gave the last write no bytes */
        disk_copy(dir, crash);
        disk_zero(log, from / 512 * 512, size);
        CHECK_STR(refusal(crash, n_bytes, &n, &cut), "");
        CHECK_INT(n, 11);
        CHECK_INT(cut, each);
    }
    disk_copy(dir, crash);
    disk_zero(log, size - each, size);
    CHECK_STR(refusal(crash, n_bytes, &n, &cut), "");
    CHECK_INT(n, 11);
    disk_copy(dir, crash); /* a sector in the middle of the last write */
    disk_zero(log, (size - 1500) / 512 * 512, (size - 1500) / 512 * 512 + 512);
    CHECK_STR(refusal(crash, n_bytes, &n, &cut), "");
    CHECK_INT(n, 11);
    disk_copy(dir, crash); /* the same in the write before: that was synced */
    disk_zero(log, (size - each - 1500) / 512 * 512, (size - each - 1500) / 512 * 512 + 512);
    CHECK(strstr(refusal(crash, n_bytes, &n, &cut), "is damaged at byte"));
    rocks_close(r);
}

/* A run that syncs now and then: what is behind its last sync may be there in any part, what is before it may not. */
static void test_holes_behind_the_last_sync(void)
{
    const char *dir = disk_path("holes"), *crash = disk_path("holes.crash");
    enum { N_BYTES = 3000 };
    char log[1000];
    int64_t n = 0;
    uint64_t cut;
    for (int loose = 0; loose < 2; loose++) {
        struct rocks_options o = {.create = true, .loose = loose};
        struct err err = {0};
        enum rocks_trouble why;
        CHECK_INT(disk_shell("rm -rf '%s'", dir), 0);
        struct rocks *r = rocks_open(dir, &o, &cut, &why, &err);
        CHECK(r != NULL, "%s", err.text);
        for (uint64_t i = 1; i <= 8; i++) {
            CHECK_INT(write_one(r, ROCKS_BLOCKS, i, N_BYTES, true), ROCKS_FINE);
            if (i == 4)
                CHECK_INT(sync_all(r), ROCKS_FINE);
        }
        for (int hole = 1; hole <= 8; hole++) {
            disk_copy(dir, crash);
            snprintf(log, sizeof(log), "%s", disk_file(crash, "*.log", -1));
            int64_t each = disk_size(log) / 8, at = (hole * each - 1500) / 512 * 512;
            disk_zero(log, at, at + 512);
            if (loose && hole > 4) {
                o = (struct rocks_options){.read_only = true};
                struct rocks *look = rocks_open(crash, &o, &cut, &why, &err);
                CHECK(look && count_from_1(look, ROCKS_BLOCKS, N_BYTES) == hole - 1, "%s",
                      err.text);
                rocks_close(look);
            }
            const char *said = refusal(crash, N_BYTES, &n, &cut);
            if ((loose && hole > 4) || hole == 8) {
                CHECK_STR(said, "");
                CHECK_INT(n, hole - 1);
                CHECK_INT(cut, each * (9 - hole));
            } else {
                CHECK(strstr(said, "is damaged at byte"), "%s", said);
            }
        }
        rocks_close(r);
    }
}

/* Whatever bit of a log is flipped, it is never taken for a cut, and refused at its place. */
static void test_flips_are_refused(void)
{
    const char *dir = disk_path("flips"), *crash = disk_path("flips.crash");
    struct rocks *r = two_logs(dir, 12, SMALL);
    struct wal_state w;
    struct err err = {0};
    char log[1000], want[1100];
    int64_t n;
    uint64_t cut;
    for (int which = 0; which < 2; which++) {
        disk_copy(dir, crash);
        snprintf(log, sizeof(log), "%s", disk_file(crash, "*.log", which));
        int64_t size = disk_size(log);
        CHECK(size > 500);
        for (int64_t bit = 0; bit < size * 8; bit++) {
            disk_flip(log, bit / 8, bit % 8);
            CHECK(wal_read(log, &w, &err), "%s", err.text);
            CHECK(w.end == WAL_DAMAGED && w.bad_at <= (uint64_t)bit / 8,
                  "bit %" PRId64 " of %s: %s", bit, log, w.why);
            if (bit % 997 == 0) {
                snprintf(want, sizeof(want), "%s: is damaged at byte %" PRIu64, log, w.bad_at);
                CHECK(strstr(refusal(crash, SMALL, &n, &cut), want), "%s", want);
            }
            disk_flip(log, bit / 8, bit % 8);
        }
        CHECK_STR(refusal(crash, SMALL, &n, &cut), "");
        CHECK_INT(n, 12);
    }
    rocks_close(r);
}

static void test_cut_of_an_older_log_is_refused(void)
{
    const char *dir = disk_path("older"), *crash = disk_path("older.crash");
    struct rocks *r = two_logs(dir, 12, SMALL);
    int64_t n;
    uint64_t cut;
    disk_copy(dir, crash);
    char log[1000];
    snprintf(log, sizeof(log), "%s", disk_file(crash, "*.log", 0));
    int64_t size = disk_size(log);
    for (int64_t at = 0; at < size;
         at += 13) { /* also between two records, where RocksDB sees nothing */
        disk_copy(dir, crash);
        disk_cut(log, at);
        const char *said = refusal(crash, SMALL, &n, &cut);
        CHECK(strstr(said, log) && strstr(said, "ends at byte"), "cut at %" PRId64 ": %s", at,
              said);
    }
    rocks_close(r);
}

static void test_missing_files_are_refused(void)
{
    static const char *const patterns[] = {"CURRENT", "MANIFEST-*", "SYNCED", "*.sst"};
    const char *dir = disk_path("missing"), *crash = disk_path("missing.crash");
    struct rocks *r = two_logs(dir, 12, SMALL);
    int64_t n;
    uint64_t cut;
    char file[1000], sum[2][80];
    for (size_t i = 0; i < COUNT_OF(patterns) + 2; i++) {
        disk_copy(dir, crash);
        if (i < COUNT_OF(patterns))
            snprintf(file, sizeof(file), "%s", disk_file(crash, patterns[i], 0));
        else
            snprintf(file, sizeof(file), "%s",
                     disk_file(crash, "*.log", i == COUNT_OF(patterns) ? 0 : -1));
        CHECK_INT(unlink(file), 0);
        disk_sum(crash, sum[0]);
        const char *said = refusal(crash, SMALL, &n, &cut);
        CHECK(strstr(said, file) && strstr(said, "salvage"), "without %s: %s", file, said);
        struct err err = {0};
        enum rocks_trouble why;
        struct rocks_options o = {.create = true};
        CHECK(rocks_open(crash, &o, &cut, &why, &err) == NULL && why == ROCKS_DAMAGED,
              "%s: made anew", file);
        disk_sum(crash, sum[1]);
        CHECK(i == 3 || strcmp(sum[0], sum[1]) == 0, "%s: something was changed", file);
    }
    rocks_close(r);
}

static void test_damaged_manifest_is_refused(void)
{
    const char *dir = disk_path("manifest"), *crash = disk_path("manifest.crash");
    struct rocks *r = two_logs(dir, 12, SMALL);
    int64_t n;
    uint64_t cut;
    disk_copy(dir, crash);
    char file[1000];
    snprintf(file, sizeof(file), "%s", disk_file(crash, "MANIFEST-*", 0));
    int64_t size = disk_size(file);
    for (int64_t at = 0; at < size; at += 11) {
        disk_copy(dir, crash);
        disk_cut(file, at);
        CHECK(strstr(refusal(crash, SMALL, &n, &cut), file), "cut at %" PRId64, at);
        disk_copy(dir, crash);
        disk_flip(file, at, (int)(at % 8));
        CHECK(strstr(refusal(crash, SMALL, &n, &cut), file), "flipped at %" PRId64, at);
    }
    for (int64_t at = 0; at < 8192; at += 97) { /* of SYNCED, one of its two places may go */
        disk_copy(dir, crash);
        disk_flip(disk_file(crash, "SYNCED", 0), at, 3);
        CHECK_STR(refusal(crash, SMALL, &n, &cut), "");
        CHECK_INT(n, 12);
    }
    rocks_close(r);
}

static void test_one_process_at_a_time(void)
{
    struct err err = {0};
    enum rocks_trouble why;
    uint64_t cut;
    struct rocks_options o = {.create = true};
    struct rocks *r = opened(disk_path("busy"), true, NULL);
    CHECK(rocks_open(disk_path("busy"), &o, &cut, &why, &err) == NULL);
    CHECK_INT(why, ROCKS_BUSY);
    CHECK(strstr(err.text, "in use"), "%s", err.text);
    rocks_close(r);
}

static void test_looking_changes_nothing(void)
{
    const char *dir = disk_path("look"), *crash = disk_path("look.crash");
    struct rocks *r = two_logs(dir, 12, SMALL);
    struct err err = {0};
    enum rocks_trouble why;
    uint64_t cut;
    char sum[2][80];
    struct rocks_options o = {.read_only = true};
    disk_copy(dir, crash);
    const char *log = disk_file(crash, "*.log", -1);
    disk_cut(log, disk_size(log) - 5);
    disk_sum(crash, sum[0]);
    struct rocks *look = rocks_open(crash, &o, &cut, &why, &err);
    CHECK(look != NULL, "%s", err.text);
    CHECK(cut > 0);
    CHECK_INT(count_from_1(look, ROCKS_BLOCKS, SMALL), 11);
    rocks_close(look);
    disk_sum(crash, sum[1]);
    CHECK_STR(sum[0], sum[1]);
    rocks_close(r);
}

int main(void)
{
    log_init(LOG_ERROR, NULL);
    disk_init("rocks");
    test_reads_what_was_written();
    test_walks_both_ways_and_deletes();
    test_batch_is_atomic_and_written_again();
    test_cut_of_the_last_log_keeps_what_is_before();
    test_zeros_at_the_end_are_a_cut();
    test_holes_behind_the_last_sync();
    test_flips_are_refused();
    test_cut_of_an_older_log_is_refused();
    test_missing_files_are_refused();
    test_damaged_manifest_is_refused();
    test_one_process_at_a_time();
    test_looking_changes_nothing();
    disk_fini();
    return check_done();
}
