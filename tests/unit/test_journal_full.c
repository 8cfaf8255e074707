/* test_journal_full.c -- the door to RocksDB on a disk that is full for a while: nothing is lost, and it goes on.
 *
 * A limit on the size of files, which works on every machine and for everybody, stands in for it; a start on a full disk is
 * tried on a small file system, which wants the right to mount one. When that can't be had, it is said, and counts as failed
 * under SIGNALBOX_MUST_MOUNT.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/rocks.h"

#include "journal_disk.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>

static void number_key(uint64_t n, uint8_t out[8])
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(n >> 8 * (7 - i));
}

static struct rocks *opened(const char *dir)
{
    struct err err = {0};
    enum rocks_trouble why;
    uint64_t cut;
    struct rocks_options o = {.create = true, .log_bytes = 4 << 20};
    struct rocks *r = rocks_open(dir, &o, &cut, &why, &err);
    CHECK(r != NULL, "%s", err.text);
    return r;
}

static enum rocks_trouble write_one(struct rocks *r, uint64_t number, size_t n, struct err *err)
{
    uint8_t key[8];
    struct buf value = {0};
    uint64_t x = number * 0x9e3779b97f4a7c15u + 1;
    while (value.n < n) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        buf_put(&value, &x, sizeof(x));
    }
    number_key(number, key);
    struct rocks_batch *b = rocks_batch_new(r);
    rocks_put(b, ROCKS_BLOCKS, (struct str){(char *)key, 8}, buf_str(&value));
    enum rocks_trouble why = rocks_write(r, b, true, err);
    if (why == ROCKS_FINE)
        why = rocks_sync(r, err);
    rocks_batch_free(b);
    buf_fini(&value);
    return why;
}

/* 1 .. n are there, and perhaps one that was refused; that will be written again as it is. */
static void check_all(struct rocks *r, uint64_t n)
{
    struct err err = {0};
    uint8_t key[8];
    uint64_t i = 0;
    struct rocks_iter *it = rocks_iter_new(r, ROCKS_BLOCKS);
    for (bool more = rocks_seek(it, STR(""), &err); more; more = rocks_next(it, &err)) {
        number_key(++i, key);
        CHECK(str_eq(rocks_key(it), ((struct str){(char *)key, 8})), "%" PRIu64, i);
    }
    CHECK(!err.set, "%s", err.text);
    CHECK(i == n || i == n + 1, "%" PRIu64 " of %" PRIu64, i, n);
    rocks_iter_free(it);
}

static void check_crash(const char *dir, uint64_t n)
{
    const char *crash = disk_path("crash");
    disk_copy(dir, crash);
    struct rocks *r = opened(crash);
    if (r)
        check_all(r, n);
    rocks_close(r);
}

/* As the journal does: tidying up may take the new room for a moment, and gives it back. */
static enum rocks_trouble insist(struct rocks *r, uint64_t number, size_t n_bytes, struct err *err)
{
    enum rocks_trouble why = ROCKS_FULL;
    for (int i = 0; i < 600 && why == ROCKS_FULL; i++) {
        *err = (struct err){0};
        why = rocks_resume(r, err);
        if (why == ROCKS_FINE)
            why = write_one(r, number, n_bytes, err);
        if (why == ROCKS_FULL)
            poll(NULL, 0, 50);
    }
    return why;
}

/* Writes until the disk is full; then again and again in vain; makes room; and goes on. Returns how many are there. */
static uint64_t fill_and_go_on(struct rocks *r, const char *dir, uint64_t n, size_t n_bytes,
                               void (*make_room)(bool))
{
    struct err err = {0};
    enum rocks_trouble why = ROCKS_FINE;
    uint64_t most = n + 3000;
    while (n < most && (why = write_one(r, n + 1, n_bytes, &err)) == ROCKS_FINE)
        n++;
    CHECK_INT(why, ROCKS_FULL);
    check_all(r, n); /* reads go on */
    for (int i = 0; i < 3; i++) {
        err = (struct err){0};
        rocks_resume(r, &err); /* may say yes: what is in memory might have found room */
        why = write_one(r, n + 1, 13 << 20, &err);
        CHECK_INT(why, ROCKS_FULL);
        CHECK(err.set);
    }
    make_room(true);
    check_crash(dir, n);
    for (int i = 0; i < 20; i++, n++)
        CHECK_INT(insist(r, n + 1, n_bytes, &err), ROCKS_FINE);
    CHECK(!err.set, "%s", err.text);
    check_all(r, n);
    check_crash(dir, n);
    return n;
}

/* -- a limit on the size of files: SIGXFSZ or EFBIG */
static rlim_t limit_bytes;

static void limit_lift(bool lift)
{
    struct rlimit now;
    CHECK_INT(getrlimit(RLIMIT_FSIZE, &now), 0);
    now.rlim_cur = lift ? now.rlim_max : limit_bytes;
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &now), 0);
}

static void test_limit(void)
{
    const char *dir = disk_path("limit");
    struct rocks *r = opened(dir);
    uint64_t n = 0;
    for (int turn = 0; turn < 3; turn++) {
        limit_bytes = turn == 1 ? 16 << 10 : 1 << 20;
        limit_lift(false);
        n = fill_and_go_on(r, dir, n, 20000, limit_lift);
    }
    rocks_close(r);
    r = opened(dir);
    check_all(r, n);
    rocks_close(r);
}

/* The first write of all to a log fails, so that there is nothing in memory that would be written out. */
static void test_limit_at_once(void)
{
    struct err err = {0};
    const char *dir = disk_path("once");
    struct rocks *r = opened(dir);
    for (uint64_t n = 0; n < 3; n++) {
        limit_bytes = n == 1 ? 0 : 9000;
        limit_lift(false);
        CHECK_INT(write_one(r, n + 1, 20000, &err), ROCKS_FULL);
        limit_lift(true);
        check_crash(dir, n);
        err = (struct err){0};
        CHECK_INT(rocks_resume(r, &err), ROCKS_FINE);
        CHECK(!err.set, "%s", err.text);
        CHECK_INT(write_one(r, n + 1, 20000, &err), ROCKS_FINE);
        CHECK(!err.set, "%s", err.text);
        check_all(r, n + 1);
        check_crash(dir, n + 1);
        for (int space = 0; space < ROCKS_SPACES; space++)
            CHECK_INT(rocks_flush(r, (enum rocks_space)space, &err), ROCKS_FINE);
        rocks_close(r);
        r = opened(dir);
        check_all(r, n + 1);
    }
    rocks_close(r);
}

/* A log takes its record and is synced, but there is no room to note that: it counts as full until there is. */
static void test_limit_note(void)
{
    struct err err = {0};
    const char *dir = disk_path("note");
    struct rocks *r = opened(dir);
    for (uint64_t n = 0; n < 4; n++) { /* both places of SYNCED have their turn */
        limit_bytes = 2000;
        limit_lift(false);
        CHECK_INT(write_one(r, n + 1, 100, &err), ROCKS_FULL);
        CHECK(strstr(err.text, "SYNCED"), "%s", err.text);
        for (int i = 0; i < 3; i++)
            CHECK_INT(rocks_sync(r, &err), ROCKS_FULL);
        limit_lift(true);
        check_crash(dir, n);
        err = (struct err){0};
        CHECK_INT(rocks_sync(r, &err), ROCKS_FINE);
        check_all(r, n + 1);
        check_crash(dir, n + 1);
        rocks_close(r);
        r = opened(dir);
        if (n % 2) /* moves the turn by one */
            CHECK_INT(rocks_flush(r, ROCKS_BLOCKS, &err), ROCKS_FINE);
    }
    rocks_close(r);
}

/* Memory can't be written out, nor the manifest: other ways to the same. */
static void test_limit_flush(void)
{
    struct err err = {0};
    const char *dir = disk_path("flush");
    struct rocks *r = opened(dir);
    uint64_t n = 0;
    for (; n < 20; n++)
        CHECK_INT(write_one(r, n + 1, 10000, &err), ROCKS_FINE);
    static const rlim_t limits[] = {50000, 0, 20, 400};
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        limit_bytes = limits[i];
        limit_lift(false);
        CHECK_INT(rocks_flush(r, ROCKS_BLOCKS, &err), ROCKS_FULL);
        err = (struct err){0};
        CHECK_INT(rocks_resume(r, &err), ROCKS_FULL);
        limit_lift(true);
        check_crash(dir, n);
        err = (struct err){0};
        CHECK_INT(rocks_resume(r, &err), ROCKS_FINE);
        CHECK(!err.set, "%s", err.text);
        for (int k = 0; k < 10; k++, n++)
            CHECK_INT(write_one(r, n + 1, 10000, &err), ROCKS_FINE);
        check_all(r, n);
        check_crash(dir, n);
    }
    rocks_close(r);
}

/* Several threads at it while the disk is full now and then: nobody is told yes in vain, nobody hangs, nothing is asserted. */
struct busy {
    struct rocks *r;
    atomic_bool stop;
    atomic_uint_fast64_t written, n_full; /* 1 .. written are there, as rocks_write said */
};

static void *busy_write(void *arg)
{
    struct busy *b = arg;
    while (!atomic_load(&b->stop)) {
        struct err err = {0};
        enum rocks_trouble why = write_one(b->r, atomic_load(&b->written) + 1, 5000, &err);
        if (why == ROCKS_FINE) {
            atomic_fetch_add(&b->written, 1);
            continue;
        }
        if (why != ROCKS_FULL) {
            printf("a writer: %s\n", err.text);
            return arg;
        }
        atomic_fetch_add(&b->n_full, 1);
        rocks_resume(b->r, &err);
        poll(NULL, 0, 1);
    }
    return NULL;
}

/* Pages: beside the log. And syncs, as every interval. */
static void *busy_beside(void *arg)
{
    struct busy *b = arg;
    for (uint64_t n = 0; !atomic_load(&b->stop); n++) {
        struct err err = {0};
        struct rocks_batch *batch = rocks_batch_new(b->r);
        rocks_put(batch, ROCKS_PAGES, STR("page"), STR("12345678 and so on"));
        enum rocks_trouble why[] = {rocks_write(b->r, batch, false, &err), rocks_sync(b->r, &err),
                                    n % 4 ? ROCKS_FINE : rocks_flush(b->r, ROCKS_PAGES, &err)};
        rocks_batch_free(batch);
        for (int i = 0; i < 3; i++)
            if (why[i] != ROCKS_FINE && (why[i] != ROCKS_FULL || i == 1)) {
                printf("beside, %d: %s\n", i, err.text);
                return arg;
            }
        if (why[0] != ROCKS_FINE || why[2] != ROCKS_FINE)
            rocks_resume(b->r, &err);
        poll(NULL, 0, 1);
    }
    return NULL;
}

static void test_limit_beside_others(void)
{
    const char *dir = disk_path("beside");
    struct busy b = {.r = opened(dir)};
    pthread_t threads[2];
    void *failed[2];
    pthread_create(&threads[0], NULL, busy_write, &b);
    pthread_create(&threads[1], NULL, busy_beside, &b);
    for (int i = 0; i < 60; i++) {
        static const rlim_t limits[] = {100000, 8192, 30000, 9000, 50000}; /* not below SYNCED */
        limit_bytes = limits[i % 5];
        limit_lift(false);
        poll(NULL, 0, 15);
        limit_lift(true);
        poll(NULL, 0, 25);
    }
    atomic_store(&b.stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], &failed[i]);
    CHECK(!failed[0] && !failed[1]);
    CHECK(b.n_full > 10 && b.written > 100, "%d full, %d written", (int)b.n_full, (int)b.written);
    check_all(b.r, b.written);
    check_crash(dir, b.written);
    rocks_close(b.r);
}

/* -- a small file system */
static char ballast[600];

/* Own mounts: as root, or as anybody in a namespace of users of one's own. */
static bool small_disk(const char *at)
{
    CHECK_INT(mkdir(at, 0700), 0);
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWNS | CLONE_NEWUSER) != 0)
        return false;
    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
    return mount("tmpfs", at, "tmpfs", 0, "size=24m") == 0;
}

static void test_small_disk(bool mounted)
{
    const char *disk = disk_path("disk");
    if (!mounted) {
        printf("test_journal_full: no small file system here (%s): only the limit on files was "
               "tried\n",
               strerror(errno));
        CHECK(!getenv("SIGNALBOX_MUST_MOUNT"));
        return;
    }
    const char *dir = disk_path("disk/db");
    struct err refused = {0};
    enum rocks_trouble why;
    uint64_t cut;
    struct rocks_options make = {.create = true};
    snprintf(ballast, sizeof(ballast), "%s", disk_path("disk/all"));
    CHECK(disk_shell("head -c 40000000 /dev/zero >'%s' 2>/dev/null", ballast) !=
          0); /* nothing is left */
    CHECK(!rocks_open(dir, &make, &cut, &why, &refused) && why == ROCKS_FULL, "%d", why);
    CHECK(strstr(refused.text, disk) && strstr(refused.text, "make room"), "%s", refused.text);
    CHECK_INT(unlink(ballast), 0);
    struct rocks *r = opened(dir);
    for (uint64_t n = 1; n <= 20; n++)
        CHECK_INT(write_one(r, n, 7000, &refused), ROCKS_FINE);
    check_all(r, 20);
    rocks_close(r);
    CHECK_INT(umount(disk), 0);
}

int main(void)
{
    log_init(getenv("LOUD") ? LOG_DEBUG : LOG_ERROR, NULL);
    signal(SIGXFSZ, SIG_IGN);
    disk_init("full");
    bool mounted = small_disk(disk_path("disk")); /* now: RocksDB's threads must see it too */
    test_limit();
    test_limit_at_once();
    test_limit_note();
    test_limit_flush();
    test_limit_beside_others();
    test_small_disk(mounted);
    disk_fini();
    return check_done();
}
