/* test_journal_power.c -- what a power cut leaves of the last write is cut off, be it any of its sectors; more than that is damage.
 *
 * Two folders that only the power had hurt were refused once: in one the last write began a few bytes before the end of a
 * sector, and that sector was lost; in the other two threads had written, and of the first one's record a sector was lost.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/rocks.h"
#include "journal/synced.h"
#include "journal/wal.h"

#include "journal_disk.h"

enum { SECTOR = 512 };

static struct rocks *opened(const char *dir, bool create, bool loose)
{
    struct err err = {0};
    enum rocks_trouble why;
    uint64_t cut;
    struct rocks_options o = {.create = create, .loose = loose};
    struct rocks *r = rocks_open(dir, &o, &cut, &why, &err);
    CHECK(r != NULL, "%s", err.text);
    return r;
}

/* In the log, unsynced. */
static void write_one(struct rocks *r, size_t n_bytes)
{
    static uint64_t x = 1;
    struct err err = {0};
    struct buf value = {0};
    struct rocks_batch *b = rocks_batch_new(r);
    while (value.n < n_bytes) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        buf_put(&value, &x, sizeof(x));
    }
    value.n = n_bytes;
    rocks_put(b, ROCKS_BLOCKS, STR("key"), buf_str(&value));
    CHECK(rocks_write(r, b, true, &err) == ROCKS_FINE, "%s", err.text);
    rocks_batch_free(b);
    buf_fini(&value);
}

/* A record that ends n_bytes into a sector. */
static void write_up_to(struct rocks *r, const char *log, int64_t n_bytes)
{
    int64_t size = disk_size(log),
            head = 0; /* what is in front of a value; more where one goes on in another block */
    for (int i = 0; i < 9 && (i == 0 || size % SECTOR != n_bytes); i++) {
        int64_t n = 1000 + ((n_bytes - size - 1000 - head) % SECTOR + SECTOR) % SECTOR;
        write_one(r, (size_t)n);
        head = disk_size(log) - size - n;
        size += head + n;
    }
    CHECK_INT(disk_size(log) % SECTOR, n_bytes);
}

/* A flipped bit explains it as well, and counts as damage. */
static bool one_bit(const char *log, int64_t from, int64_t to)
{
    uint8_t bytes[SECTOR];
    int n = 0, fd = open(log, O_RDONLY);
    CHECK(fd >= 0 && pread(fd, bytes, (size_t)(to - from), from) == to - from);
    for (int64_t i = 0; i < to - from; i++)
        n += __builtin_popcount(bytes[i]);
    close(fd);
    return n <= 1;
}

/* The log when nothing of [from, to) got to the disk, and the file is n_more longer than its last record. */
static struct wal_state without(const char *log, int64_t from, int64_t to, int64_t n_more)
{
    const char *torn = disk_path("torn.log");
    struct wal_state w;
    struct err err = {0};
    CHECK_INT(disk_shell("cp '%s' '%s'", log, torn), 0);
    disk_zero(torn, from, to);
    disk_cut(torn, disk_size(torn) + n_more);
    CHECK(wal_read(torn, &w, &err), "%s", err.text);
    return w;
}

static void test_first_or_last_sector_lost(void)
{
    const char *dir = disk_path("edges");
    struct rocks *r = opened(dir, true, false);
    char log[1000];
    int n_tried = 0;
    snprintf(log, sizeof(log), "%s", disk_file(dir, "*.log", -1));
    for (int n = 1; n <= 40; n++) {
        write_up_to(r, log, SECTOR - n);
        int64_t begin = disk_size(log);
        write_up_to(r, log, n); /* the last of what it writes is looked at, too */
        int64_t end = disk_size(log);
        if (!one_bit(log, end - n, end))
            for (int more = 0; more <= 700; more += 350, n_tried++) {
                struct wal_state w = without(log, end - n, end, more);
                CHECK(w.end == WAL_CUT && w.whole_bytes >= (uint64_t)begin, "its last %d bytes: %s",
                      n, w.why);
            }
        disk_shell("cp '%s' '%s'", log, disk_path("whole.log"));
        write_up_to(r, log, SECTOR - n);
        begin = disk_size(log);
        write_one(r, 1500);
        if (!one_bit(log, begin, begin + n)) {
            struct wal_state w = without(log, begin, begin + n, 0);
            CHECK(w.end == WAL_CUT && w.whole_bytes == (uint64_t)begin, "its first %d bytes: %s", n,
                  w.why);
            n_tried++;
        }
        CHECK_INT(without(log, begin + 600, begin + 620, 0).end, WAL_DAMAGED);
    }
    CHECK(n_tried > 100, "%d", n_tried);
    rocks_close(r);
}

/* How much of the newest log was synced, as the folder says. */
static uint64_t synced_bytes(const char *dir)
{
    struct err err = {0};
    struct synced_file files[SYNCED_MAX];
    uint64_t n_bytes = 0;
    struct synced *s = synced_open(dir, false, &err);
    CHECK(s != NULL, "%s", err.text);
    size_t n = s ? synced_files(s, files) : 0;
    for (size_t i = 0; i < n; i++)
        if (files[i].kind == SYNCED_LOG)
            n_bytes = files[i].last_bytes;
    synced_close(s);
    return n_bytes;
}

static void test_one_write_at_most_is_unsynced(void)
{
    for (int loose = 0; loose < 2; loose++) {
        const char *dir = disk_path(loose ? "loose" : "strict");
        struct rocks *r = opened(dir, true, loose);
        struct err err = {0};
        char log[1000];
        snprintf(log, sizeof(log), "%s", disk_file(dir, "*.log", -1));
        CHECK_INT(synced_bytes(dir), 0);
        for (int i = 0; i < 5; i++) {
            int64_t before = disk_size(log);
            write_one(r, 100);
            CHECK(disk_size(log) > before);
            CHECK_INT(synced_bytes(dir), loose ? 0 : before);
        }
        CHECK_INT(rocks_sync(r, &err), ROCKS_FINE);
        CHECK_INT(synced_bytes(dir), disk_size(log));
        rocks_close(r);
    }
}

/* RocksDB writes several records to a manifest, and syncs them together: any may be torn while a later one is whole. */
static void test_torn_end_of_a_manifest(void)
{
    const char *dir = disk_path("manifest"), *crash = disk_path("manifest.crash");
    struct rocks *r = opened(dir, true, false);
    struct err err = {0};
    enum rocks_trouble why;
    uint64_t cut;
    uint8_t bytes[1000];
    write_one(r, 100);
    CHECK_INT(rocks_sync(r, &err), ROCKS_FINE);
    disk_copy(dir, crash);
    rocks_close(r);
    const char *manifest = disk_file(crash, "MANIFEST-*", 0);
    int fd = open(manifest, O_RDWR | O_APPEND);
    CHECK(fd >= 0 && pread(fd, bytes, sizeof(bytes), 0) > 7);
    size_t n = 7 + (size_t)(bytes[4] | bytes[5] << 8); /* the first record */
    CHECK(n < sizeof(bytes) / 2);
    memcpy(bytes + n, bytes, n);
    memset(bytes + n - 4, 0x5a, 4);
    CHECK(write(fd, bytes, 2 * n) == (ssize_t)(2 * n));
    close(fd);
    const char *torn = disk_path("manifest.torn");
    disk_copy(crash, torn);
    struct rocks_options o = {.read_only = true};
    struct rocks *look = rocks_open(crash, &o, &cut, &why, &err);
    CHECK(look != NULL, "%s", err.text);
    rocks_close(look);
    rocks_close(opened(crash, false, false));

    manifest = disk_file(torn, "MANIFEST-*", 0); /* the same where it was synced */
    disk_zero(manifest, 20, 24);
    o.read_only = false;
    CHECK(!rocks_open(torn, &o, &cut, &why, &err) && strstr(err.text, "is damaged at byte"), "%s",
          err.text);
}

int main(void)
{
    log_init(LOG_ERROR, NULL);
    disk_init("power");
    test_first_or_last_sector_lost();
    test_one_write_at_most_is_unsynced();
    test_torn_end_of_a_manifest();
    disk_fini();
    return check_done();
}
