/* test_journal_datadir.c -- whose the data folder is: every refusal names the file and the way out, and changes nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/datadir.h"

#include "journal_disk.h"

#include <sys/wait.h>

static const char *refusal(const char *dir, enum datadir_use use, bool *fresh)
{
    static struct err err;
    err = (struct err){0};
    struct datadir *d = datadir_open(dir, use, fresh, &err);
    CHECK((d != NULL) == !err.set);
    datadir_close(d);
    return err.text;
}

/* A folder made by a shell line (%s: its path); what opening it says, and that it is as it was. */
struct bad_folder {
    const char *make;
    enum datadir_use use;
    const char *says[3];
};
static const struct bad_folder bad_folders[] = {
    {"touch %s", DATADIR_MAKE, {"Not a directory"}},
    {"true %s", DATADIR_OPEN, {"there is no such file or folder"}},
    {"true %s", DATADIR_LOOK, {"there is no such file or folder"}},
    {"mkdir -p %s/x", DATADIR_MAKE, {"is not a Signalbox data folder", "choose an empty one"}},
    {"mkdir -p %1$s && echo 1 >%1$s/PG_VERSION", DATADIR_MAKE, {"is not a Signalbox data folder"}},
    {"mkdir -p %s/db", DATADIR_MAKE, {"is not a Signalbox data folder"}},
    {"mkdir -p %1$s/db && touch %1$s/db/CURRENT",
     DATADIR_MAKE,
     {"signalbox.json: is missing", "restore a backup"}},
    {"mkdir -p %1$s/db && echo '{\"program\": \"signalbox\", \"format\": 2}' >%1$s/signalbox.json",
     DATADIR_MAKE,
     {"signalbox.json", "was written by a newer version (format 2; this one reads 1)",
      "use that version, or restore"}},
    {"mkdir -p %1$s/db && echo '{\"program\":\"lampbox\",\"format\":1}' >%1$s/signalbox.json",
     DATADIR_MAKE,
     {"does not say"}},
    {"mkdir -p %1$s/db && echo '{\"program\":\"signalbox\",\"format\":0}' >%1$s/signalbox.json",
     DATADIR_OPEN,
     {"does not say"}},
    {"mkdir -p %1$s/db && : >%1$s/signalbox.json", DATADIR_LOOK, {"does not say"}},
    {"mkdir -p %1$s && echo '{\"program\": \"signalbox\", \"format\": 1}' >%1$s/signalbox.json",
     DATADIR_MAKE,
     {"/db: the database is missing", "restore a backup"}},
    {"mkdir -p %1$s/db && echo '{\"program\": \"signalbox\", \"format\": 1}' >%1$s/signalbox.json",
     DATADIR_NEW,
     {"holds data already", "choose an empty folder"}},
    {"mkdir -p %s", DATADIR_OPEN, {"holds no Signalbox data"}},
    {"mkdir -p %s", DATADIR_LOOK, {"holds no Signalbox data"}},
    {"mkdir -p %1$s/db && touch %1$s/signalbox.json.new",
     DATADIR_NEW,
     {"holds an unfinished copy"}},
};

static void test_bad_folders(void)
{
    char line[2000], sum[2][80];
    for (size_t i = 0; i < COUNT_OF(bad_folders); i++) {
        const struct bad_folder *b = &bad_folders[i];
        const char *dir = disk_path("bad");
        disk_shell("rm -rf '%s'", dir);
        snprintf(line, sizeof(line), b->make, dir); // NOLINT: the rows are ours
        CHECK_INT(disk_shell("%s", line), 0);
        disk_sum(disk_root, sum[0]);
        const char *said = refusal(dir, b->use, NULL);
        CHECK(strstr(said, dir), "row %zu: %s", i, said);
        for (size_t k = 0; k < 3 && b->says[k]; k++)
            CHECK(strstr(said, b->says[k]), "row %zu: \"%s\" is not in \"%s\"", i, b->says[k],
                  said);
        bool locked = disk_size(disk_path("bad/lock")) >= 0; /* that may be there; nothing else */
        if (locked)
            CHECK_INT(unlink(disk_path("bad/lock")), 0);
        disk_sum(disk_root, sum[1]);
        CHECK(strcmp(sum[0], sum[1]) == 0, "row %zu: something was changed", i);
    }
    disk_shell("rm -rf '%s'", disk_path("bad"));
}

static void test_makes_a_folder(void)
{
    static const char *const before[] = {"true", "mkdir %s", "mkdir -p %s/lost+found"};
    char line[2000];
    struct stat st;
    struct err err = {0};
    bool fresh;
    for (size_t i = 0; i < COUNT_OF(before); i++) {
        const char *dir = disk_path("made");
        snprintf(line, sizeof(line), before[i], dir); // NOLINT
        disk_shell("umask 022; rm -rf '%s'", dir);
        CHECK_INT(disk_shell("%s", line), 0);
        struct datadir *d = datadir_open(dir, DATADIR_MAKE, &fresh, &err);
        CHECK(d && fresh, "%s", err.text);
        CHECK_STR(datadir_db(d), disk_path("made/db"));
        datadir_close(d); /* a crash: it is made again */
        d = datadir_open(dir, DATADIR_MAKE, &fresh, &err);
        CHECK(d && fresh, "%s", err.text);
        CHECK_INT(mkdir(datadir_db(d), 0700), 0);
        CHECK(datadir_done(d, &err) && datadir_done(d, &err), "%s", err.text);
        datadir_close(d);
        d = datadir_open(dir, DATADIR_MAKE, &fresh, &err);
        CHECK(d && !fresh, "%s", err.text);
        datadir_close(d);
        CHECK(stat(disk_path("made/signalbox.json"), &st) == 0 && (st.st_mode & 0777) == 0600);
        CHECK(stat(dir, &st) == 0 && (st.st_mode & 0777) == (i == 0 ? 0700 : 0755));
        CHECK_STR(refusal(dir, DATADIR_LOOK, NULL), "");
    }
}

/* The lock is another process's; its number is told. */
static void test_one_process_at_a_time(void)
{
    const char *dir = disk_path("held");
    int ready[2], done[2];
    char byte = 0, want[100];
    CHECK(pipe(ready) == 0 && pipe(done) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct err err = {0};
        struct datadir *d = datadir_open(dir, DATADIR_MAKE, NULL, &err);
        bool good = d && mkdir(datadir_db(d), 0700) == 0 && datadir_done(d, &err);
        if (write(ready[1], good ? "y" : "n", 1) != 1 || read(done[0], &byte, 1) < 0)
            _exit(2);
        _exit(0); /* without closing: as a crash would */
    }
    CHECK(read(ready[0], &byte, 1) == 1 && byte == 'y');
    snprintf(want, sizeof(want), "held/lock: the folder is in use by process %d: stop it",
             (int)pid);
    CHECK(strstr(refusal(dir, DATADIR_MAKE, NULL), want), "%s", want);
    CHECK(strstr(refusal(dir, DATADIR_LOOK, NULL), want));
    CHECK(strstr(refusal(dir, DATADIR_WRECK, NULL), want));
    CHECK(write(done[1], "x", 1) == 1);
    waitpid(pid, NULL, 0);
    CHECK_STR(refusal(dir, DATADIR_MAKE, NULL), "");
    for (int i = 0; i < 2; i++)
        close(ready[i]), close(done[i]);
}

/* As somebody who may not: root may everything, so that it is a child that becomes nobody. */
static void test_no_permission(void)
{
    const char *dir = disk_path("closed");
    struct err err = {0};
    struct datadir *d = datadir_open(dir, DATADIR_MAKE, NULL, &err);
    CHECK(d && mkdir(datadir_db(d), 0700) == 0 && datadir_done(d, &err));
    datadir_close(d);
    CHECK_INT(chmod(disk_root, 0755), 0);
    CHECK_INT(chmod(dir, 0500), 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int failed = check_failed;
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(3);
        CHECK(strstr(refusal(disk_path("new"), DATADIR_MAKE, NULL),
                     "new: cannot make the folder: no permission"),
              "new");
        CHECK_INT(access(disk_path("new"), F_OK), -1);
        if (getuid() == 65534) /* it was root that made it */
            CHECK(strstr(refusal(dir, DATADIR_MAKE, NULL),
                         "closed: cannot read the folder: no permission: run as"),
                  "closed");
        fflush(stdout);
        _exit(check_failed > failed);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    if (getuid() != 0) /* then our own folder's is no obstacle to a new one beside it */
        CHECK(WIFEXITED(status));
    else
        CHECK_INT(status, 0);
    CHECK_INT(chmod(dir, 0700), 0);
}

int main(void)
{
    log_init(LOG_ERROR, NULL);
    disk_init("datadir");
    test_bad_folders();
    test_makes_a_folder();
    test_one_process_at_a_time();
    test_no_permission();
    disk_fini();
    return check_done();
}
