/* test_journal_verify.c -- copying, restoring, verifying and salvaging whole folders.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal_disk.h"
#include "journal_folder.h"

static void put(struct journal *j, uint64_t who, uint8_t slot, const char *bytes)
{
    char id[30];
    snprintf(id, sizeof(id), "visitor-%" PRIu64, who);
    struct page p = {.key = journal_page_key(j, 3, str_of(id)),
                     .slot = slot,
                     .expires_ms = INT64_MAX,
                     .due_ms = who % 3 ? INT64_MAX : (int64_t)who * 1000,
                     .due_what = STR("what"),
                     .bytes = str_of(bytes)};
    CHECK(journal_put(j, &p, 1));
}

/* How many of visitors 1..n have that page; -1: one has another. */
static int count_pages(struct journal *j, uint64_t n, const char *bytes)
{
    int found = 0;
    struct arena arena;
    arena_init(&arena);
    for (uint64_t who = 1; who <= n; who++) {
        char id[30];
        struct page page;
        struct err err = {0};
        snprintf(id, sizeof(id), "visitor-%" PRIu64, who);
        struct page_key key = journal_page_key(j, 3, str_of(id));
        CHECK(journal_load(j, &key, 1, &page, &arena, &err), "%s", err.text);
        if (page.bytes.p && !str_eqz(page.bytes, bytes))
            return -1;
        found += page.bytes.p != NULL;
    }
    arena_fini(&arena);
    return found;
}

static void records(struct journal *j, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) { /* one a block, or nearly */
        queue_some(j, 1, (int64_t)journal_seq(j) * 1000);
        CHECK_INT(take_until(j, journal_seq(j)), journal_seq(j));
    }
}

static void written_out(struct journal *j)
{
    struct err err = {0};
    CHECK_INT(rocks_flush(j->rocks, ROCKS_BLOCKS, &err), ROCKS_FINE);
}

/* 60 records; 50 pages as of record 40; half of another generation that is never completed; blocks in two files. */
static struct journal *filled(const char *dir)
{
    struct journal *j = open_always(dir);
    journal_start(j);
    records(j, 30);
    written_out(j);
    records(j, 10);
    CHECK_INT(journal_begin(j, 40), 1);
    for (uint64_t who = 1; who <= 50; who++)
        put(j, who, 0, "true");
    CHECK(journal_complete(j, STR("state"), 0));
    records(j, 5);
    written_out(j);
    CHECK_INT(journal_begin(j, 45), 2);
    for (uint64_t who = 1; who <= 20; who++)
        put(j, who, 1, "never");
    struct err err = {0};
    CHECK_INT(rocks_flush(j->rocks, ROCKS_PAGES, &err), ROCKS_FINE);
    records(j, 15);
    return j;
}

/* What a command of ours writes, and what it says is wrong. */
static char told[20000], wrong[600];

static bool ran(bool (*command)(const char *, const char *, FILE *, struct err *), const char *a,
                const char *b)
{
    struct err err = {0};
    FILE *out = fmemopen(told, sizeof(told), "w");
    bool good = command(a, b, out, &err);
    fclose(out);
    CHECK(good == !err.set);
    snprintf(wrong, sizeof(wrong), "%s", err.text);
    return good;
}

static bool verify(const char *dir, const char *unused, FILE *out, struct err *err)
{
    return journal_verify(dir, out, err);
}

/* The folder starts, and holds records first..last and the pages. */
static void check_folder(const char *dir, uint64_t first, uint64_t last, int n_pages)
{
    struct err err = {0};
    struct journal_options o = options_of(dir, JOURNAL_ALWAYS);
    struct journal *j = journal_open(&o, &err);
    CHECK(j != NULL, "%s", err.text);
    if (!j)
        return;
    CHECK_INT(journal_seq(j), last);
    CHECK_INT(journal_oldest(j), first);
    CHECK_INT(journal_base(j)->seq, n_pages ? 40 : 0);
    CHECK(!n_pages || str_eqz(journal_base(j)->state, "state"));
    CHECK_INT(count_pages(j, 50, "true"), n_pages);
    journal_start(j);
    records(j, 3); /* and goes on */
    CHECK_INT(journal_seq(j), last + 3);
    journal_close(j);
}

static void test_verify_reads_everything(void)
{
    const char *dir = disk_path("whole"), *crash = disk_path("whole.crash");
    char sum[2][80];
    struct journal *j = filled(dir);
    disk_copy(dir, crash); /* with the lock file, but not the lock */
    CHECK(!ran(verify, dir, NULL) && strstr(wrong, "in use by process"), "%s", wrong);
    disk_sum(crash, sum[0]);
    CHECK(ran(verify, crash, NULL), "%s%s", told, wrong);
    CHECK(strstr(told, "records: 60 in 6") &&
              strstr(told, "1 (1970-01-01 00:00:00.000 UTC) to 60 (1970-01-01 00:00:59.000 UTC)"),
          "%s", told);
    CHECK(strstr(told, "written back: generation 1, as of record 40"), "%s", told);
    CHECK(strstr(told, "pages: 70 versions") && strstr(told, "50 of complete generations; "), "%s",
          told);
    disk_sum(crash, sum[1]);
    CHECK_STR(sum[0], sum[1]);
    const char *log = disk_file(disk_path("whole.crash/db"), "*.log", -1);
    disk_cut(log, disk_size(log) - 3);
    CHECK(ran(verify, crash, NULL) && strstr(told, "the last write was cut short"), "%s%s", told,
          wrong);
    journal_close(j);
    CHECK(ran(verify, dir, NULL), "%s%s", told, wrong);
}

static void test_copy_and_restore(void)
{
    const char *dir = disk_path("run"), *backup = disk_path("backup"), *again = disk_path("again");
    struct err err = {0};
    struct journal *j = filled(dir);
    CHECK(journal_copy(j, backup, &err), "%s", err.text);
    uint64_t epoch = journal_epoch(j);
    records(j, 7);
    CHECK(!journal_copy(j, backup, &err) && strstr(err.text, "choose an empty folder"), "%s",
          err.text);
    journal_close(j);
    CHECK(ran(journal_restore, backup, again), "%s%s", told, wrong);
    CHECK(strstr(told, "files copied to"), "%s", told);
    struct journal_options o = options_of(again, JOURNAL_ALWAYS);
    j = open_with(&o);
    CHECK_INT(journal_seq(j), 60);
    CHECK(journal_epoch(j) != epoch, "two journals go on from here");
    CHECK(journal_epoch_of(j, 60) == epoch, "but they share what was before");
    CHECK_INT(scan_from(j, 1).n, 60);
    CHECK_INT(count_pages(j, 50, "true"), 50);
    journal_close(j);
    CHECK(!ran(journal_restore, backup, again) && strstr(wrong, "holds data already"), "%s", wrong);
    check_folder(backup, 1, 60, 50); /* it may be started as it is, too */
    check_folder(dir, 1, 67, 50);
}

static void test_restore_refuses_a_damaged_backup(void)
{
    const char *dir = disk_path("run2"), *backup = disk_path("backup2");
    struct err err = {0};
    struct journal *j = filled(dir);
    CHECK(journal_copy(j, backup, &err), "%s", err.text);
    journal_close(j);
    const char *file = disk_file(disk_path("backup2/db"), "*.sst", 0);
    disk_flip(file, disk_size(file) / 3, 2);
    CHECK(!ran(journal_restore, backup, disk_path("never")), "restored");
    CHECK_INT(disk_size(disk_path("never")), -1);
    CHECK(strstr(told, "damaged: ") && strstr(told, file), "%s", told);
}

/* Every file, flipped in many places: verify finds it, or it is a place that holds nothing of ours. */
static void test_verify_finds_damage(void)
{
    const char *dir = disk_path("hurt"), *crash = disk_path("hurt.crash");
    struct journal *j = filled(dir);
    int n_found = 0, n_tried = 0;
    for (int f = 0;; f++) {
        disk_copy(dir, crash);
        char file[1000];
        snprintf(file, sizeof(file), "%s", disk_file(disk_path("hurt.crash/db"), "*.sst", f));
        if (!file[0])
            break;
        int64_t size = disk_size(file);
        for (int64_t at = 0; at < size; at += 1 + size / 40) {
            disk_flip(file, at, (int)(at % 8));
            bool found = !ran(verify, crash, NULL);
            CHECK(!found || strstr(told, file) || strstr(wrong, file), "%s at %" PRId64 ": %s %s",
                  file, at, told, wrong);
            n_found += found;
            n_tried++;
            disk_flip(file, at, (int)(at % 8));
        }
        CHECK(ran(verify, crash, NULL), "%s", wrong);
    }
    CHECK(n_tried > 100 && n_found * 100 > n_tried * 95, "%d of %d found", n_found, n_tried);
    journal_close(j);
}

static void test_salvage_of_a_sound_folder_is_a_copy(void)
{
    const char *dir = disk_path("sound"), *to = disk_path("sound.new");
    char sum[2][80];
    struct journal *j = filled(dir);
    CHECK(!ran(journal_salvage, dir, to) && strstr(wrong, "in use"), "%s", wrong);
    journal_close(j);
    disk_sum(dir, sum[0]);
    CHECK(ran(journal_salvage, dir, to), "%s%s", told, wrong);
    CHECK(strstr(told, "kept: records 1 to 60") &&
              strstr(told, "kept: 50 pages, as of record 40") && !strstr(told, "damaged:"),
          "%s", told);
    disk_sum(dir, sum[1]);
    CHECK_STR(sum[0], sum[1]);
    CHECK(ran(verify, to, NULL), "%s%s", told, wrong);
    check_folder(to, 1, 60, 50);
    CHECK(!ran(journal_salvage, dir, to) && strstr(wrong, "holds data already"), "%s", wrong);
}

/* Blocks of the first file are lost, whole: the records behind them still join the pages. */
static void test_salvage_without_old_blocks(void)
{
    const char *dir = disk_path("old"), *to = disk_path("old.new");
    struct journal *j = filled(dir);
    uint8_t from[BLOCK_KEY], until[BLOCK_KEY];
    struct err err = {0};
    struct rocks_batch *b = rocks_batch_new(j->rocks);
    block_key(10, from), block_key(20, until); /* as a file that was lost would leave it */
    rocks_del_range(b, ROCKS_BLOCKS, (struct str){(char *)from, 8}, (struct str){(char *)until, 8});
    CHECK_INT(rocks_write(j->rocks, b, true, &err), ROCKS_FINE);
    rocks_batch_free(b);
    journal_close(j);
    CHECK(!ran(verify, dir, NULL) && strstr(told, "damaged: records 10 to 19 are missing"), "%s%s",
          told, wrong);
    CHECK(ran(journal_salvage, dir, to), "%s%s", told, wrong);
    CHECK(strstr(told, "lost: records 1 to 9,") && strstr(told, "lost: records 10 to 19,") &&
              strstr(told, "they can't be read") && strstr(told, "kept: records 20 to 60,"),
          "%s", told);
    check_folder(to, 20, 60, 50);
}

/* A block behind the base is lost: what follows it can't be applied. */
static void test_salvage_ends_at_a_gap(void)
{
    const char *dir = disk_path("gap"), *to = disk_path("gap.new");
    struct journal *j = filled(dir);
    uint8_t key[BLOCK_KEY];
    struct err err = {0};
    struct rocks_batch *b = rocks_batch_new(j->rocks);
    block_key(50, key);
    rocks_del(b, ROCKS_BLOCKS, (struct str){(char *)key, 8});
    CHECK_INT(rocks_write(j->rocks, b, true, &err), ROCKS_FINE);
    rocks_batch_free(b);
    journal_close(j);
    struct journal_options o = options_of(dir, JOURNAL_ALWAYS);
    CHECK(journal_open(&o, &err) == NULL && strstr(err.text, "50"), "%s", err.text);
    CHECK(ran(journal_salvage, dir, to), "%s%s", told, wrong);
    CHECK(strstr(told, "kept: records 1 to 49,") && strstr(told, "lost: records 51 to 60,"), "%s",
          told);
    check_folder(to, 1, 49, 50);
}

/* 1 when it is there: the first record is one that only fills a place. */
static uint64_t says(const char *text, const char *what)
{
    return strstr(text, what) != NULL;
}

/* Files of every kind, damaged or gone, one after the other: either something starts, or it is said that nothing can. */
static void test_salvage_of_any_damage(void)
{
    static const char *const patterns[] = {"*.sst", "*.log", "MANIFEST-*", "CURRENT", "SYNCED"};
    const char *dir = disk_path("any"), *crash = disk_path("any.crash"), *to = disk_path("any.new");
    struct journal *j = filled(dir);
    int n_saved = 0, n_tried = 0;
    for (size_t p = 0; p < COUNT_OF(patterns); p++)
        for (int f = 0; f < 6; f++)
            for (int how = 0; how < 3; how++) {
                disk_copy(dir, crash);
                const char *file = disk_file(disk_path("any.crash/db"), patterns[p], f);
                if (!file[0])
                    continue;
                if (how == 0)
                    unlink(file);
                else if (how == 1)
                    disk_flip(file, disk_size(file) / 2, 1);
                else
                    disk_cut(file, disk_size(file) / 2);
                disk_shell("rm -rf '%s'", to);
                n_tried++;
                if (!ran(journal_salvage, crash, to)) {
                    CHECK(strstr(wrong, "nothing to start from"), "%s %d: %s", file, how, wrong);
                    continue;
                }
                n_saved++;
                struct err err = {0};
                struct journal_options o = options_of(to, JOURNAL_ALWAYS);
                struct journal *made = journal_open(&o, &err);
                CHECK(made != NULL, "%s %d: %s\n%s", file, how, err.text, told);
                uint64_t from = made ? journal_oldest(made) + says(told, "lost: record 40, ") : 1;
                if (made && from <= journal_seq(made))
                    CHECK_INT(scan_from(made, from).last, journal_seq(made));
                if (made)
                    CHECK(count_pages(made, 50, "true") >= 0);
                journal_close(made);
            }
    CHECK(n_saved * 2 > n_tried, "%d of %d", n_saved, n_tried);
    printf("salvaged: %d of %d damaged folders\n", n_saved, n_tried);
    journal_close(j);
}

/* Takes records [from, to) out of the folder. */
static void lose(struct journal *j, uint64_t from, uint64_t to)
{
    uint8_t first[BLOCK_KEY], end[BLOCK_KEY];
    struct err err = {0};
    struct rocks_batch *b = rocks_batch_new(j->rocks);
    block_key(from, first), block_key(to, end);
    rocks_del_range(b, ROCKS_BLOCKS, (struct str){(char *)first, 8}, (struct str){(char *)end, 8});
    CHECK_INT(rocks_write(j->rocks, b, true, &err), ROCKS_FINE);
    rocks_batch_free(b);
}

/* Salvages once for each table, without that one; *n_warned: how often it said that values are wrong. */
static void without_each_table(const char *dir, int *n_warned, int *n_anew)
{
    const char *crash = disk_path("each.crash"), *to = disk_path("each.new");
    *n_warned = *n_anew = 0;
    for (int f = 0;; f++) {
        disk_copy(dir, crash);
        const char *file = disk_file(disk_path("each.crash/db"), "*.sst", f);
        if (!file[0])
            break;
        unlink(file);
        disk_shell("rm -rf '%s'", to);
        CHECK(ran(journal_salvage, crash, to), "%s: %s", file, wrong);
        CHECK(strstr(told, strrchr(file, '/')), "%s: %s", file, told);
        bool warned = strstr(told, "WARNING: WRONG VALUES") != NULL;
        CHECK(ran(verify, to, NULL), "%s: %s%s", file, told, wrong);
        struct err err = {0};
        struct journal_options o = options_of(to, JOURNAL_ALWAYS);
        struct journal *made = journal_open(&o, &err);
        CHECK(made != NULL, "%s: %s", file, err.text);
        if (!made)
            continue;
        CHECK_INT(journal_seq(made), 60);
        bool anew = journal_base(made)->seq == 0;
        CHECK(!anew || journal_oldest(made) == 1, "%s: %s", file, told);
        CHECK(warned || count_pages(made, 50, "true") == (anew ? 0 : 50), "%s: %s", file, told);
        CHECK_INT(scan_from(made, journal_oldest(made)).last, 60);
        *n_warned += warned;
        *n_anew += anew;
        journal_close(made);
    }
}

/* Whichever table is lost: the pages and the last records, or all records, still give everything. */
static void test_salvage_without_a_table(void)
{
    int n_warned, n_anew;
    struct journal *j = filled(disk_path("table"));
    journal_close(j);
    without_each_table(disk_path("table"), &n_warned, &n_anew);
    CHECK_INT(n_warned, 0);
    CHECK(n_anew >= 2, "%d", n_anew); /* pages, and timers */
}

/* Once records were let go of they can't: then it is said that values will be wrong. */
static void test_salvage_warns_of_lost_pages(void)
{
    int n_warned, n_anew;
    struct journal *j = filled(disk_path("warn"));
    lose(j, 1, 20);
    journal_close(j);
    without_each_table(disk_path("warn"), &n_warned, &n_anew);
    CHECK(n_warned >= 2, "%d", n_warned);
    CHECK_INT(n_anew, 0);
}

static bool see_only(void *ctx, const struct record_view *r, struct err *err)
{
    CHECK_INT(r->kind, RECORD_TICK);
    CHECK_INT(r->seq, 40);
    ++*(int *)ctx;
    return true;
}

/* Pages alone: an empty record stands where theirs was. */
static void test_salvage_without_records(void)
{
    const char *dir = disk_path("alone"), *to = disk_path("alone.new");
    struct journal *j = filled(dir);
    struct err err = {0};
    int n = 0;
    lose(j, 1, 61);
    journal_close(j);
    CHECK(ran(journal_salvage, dir, to), "%s%s", told, wrong);
    CHECK(strstr(told, "lost: record 40, and all before it"), "%s", told);
    CHECK(ran(verify, to, NULL), "%s%s", told, wrong);
    struct journal_options o = options_of(to, JOURNAL_ALWAYS);
    j = open_with(&o);
    CHECK(journal_scan(j, 1, see_only, &n, &err), "%s", err.text);
    CHECK_INT(n, 1);
    journal_close(j);
    check_folder(to, 40, 40, 50);
}

int main(void)
{
    log_init(LOG_ERROR, NULL);
    disk_init("verify");
    test_verify_reads_everything();
    test_copy_and_restore();
    test_restore_refuses_a_damaged_backup();
    test_verify_finds_damage();
    test_salvage_of_a_sound_folder_is_a_copy();
    test_salvage_without_old_blocks();
    test_salvage_ends_at_a_gap();
    test_salvage_without_a_table();
    test_salvage_warns_of_lost_pages();
    test_salvage_without_records();
    test_salvage_of_any_damage();
    disk_fini();
    return check_done();
}
