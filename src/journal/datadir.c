/* datadir.c -- the data folder itself: whose it is, which format, and that one process at a time has it.
 *
 * A fresh folder gets signalbox.json.new first, then its database, then the file's right name: so a crash in between is told
 * from a file that somebody deleted.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/datadir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LABEL      "signalbox.json"
#define LABEL_NEW  "signalbox.json.new"
#define LABEL_TEXT "{\"program\": \"signalbox\", \"format\": %d}\n"

struct datadir {
    char *dir, *db, *label, *label_new, *lock;
    int lock_fd; /* -1: none */
    bool done;
};

static char *path_of(const char *dir, const char *name)
{
    struct buf b = {0};
    buf_printf(&b, "%s/%s", dir, name);
    buf_putc(&b, 0);
    return b.p;
}

/* What errno means for the folder, and the way out. */
static bool refuse(struct err *err, const char *path, const char *doing)
{
    switch (errno) {
    case EACCES:
    case EPERM:
        return err_set(
            err,
            "%s: cannot %s: no permission: run as the owner of the folder, or chown it to uid %d",
            path, doing, (int)geteuid());
    case EROFS:
        return err_set(err,
                       "%s: cannot %s: the file system is mounted read-only: choose another folder",
                       path, doing);
    case ENOSPC:
    case EDQUOT:
        return err_set(err, "%s: cannot %s: the disk is full: make room and start again", path,
                       doing);
    case ENOENT:
        return err_set(err, "%s: cannot %s: there is no such file or folder", path, doing);
    default:
        return err_set(err, "%s: cannot %s: %s", path, doing, strerror(errno));
    }
}

bool datadir_sync(const char *dir, struct err *err)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return refuse(err, dir, "open");
    bool good = fsync(fd) == 0 || refuse(err, dir, "sync");
    close(fd);
    return good;
}

static bool exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

/* -- What is in the folder */

enum folder_kind {
    FOLDER_OURS,
    FOLDER_EMPTY,
    FOLDER_HALF, /* its making was interrupted */
    FOLDER_BARE, /* a database, and nothing that says whose */
    FOLDER_OTHERS
};

static bool is_litter(const char *name)
{
    static const char *const ok[] = {".", "..", "lost+found", "lock", "control", LABEL_NEW};
    for (size_t i = 0; i < COUNT_OF(ok); i++)
        if (strcmp(name, ok[i]) == 0)
            return true;
    return false;
}

static bool folder_look(const struct datadir *d, enum folder_kind *kind, struct err *err)
{
    DIR *dir = opendir(d->dir);
    if (!dir)
        return refuse(err, d->dir, "read the folder");
    bool db = false, label = false, half = false, other = false;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        db |= strcmp(e->d_name, "db") == 0;
        label |= strcmp(e->d_name, LABEL) == 0;
        half |= strcmp(e->d_name, LABEL_NEW) == 0;
        other |= !is_litter(e->d_name);
    }
    closedir(dir);
    *kind = label   ? FOLDER_OURS
            : half  ? FOLDER_HALF
            : db    ? FOLDER_BARE
            : other ? FOLDER_OTHERS
                    : FOLDER_EMPTY;
    if (*kind == FOLDER_BARE) { /* or any program's "db" */
        char *current = path_of(d->db, "CURRENT");
        if (!exists(current))
            *kind = FOLDER_OTHERS;
        free(current);
    }
    return true;
}

/* -- signalbox.json */

/* The text behind "name": in a flat JSON object; empty: there is none. */
static struct str member(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    if (!at)
        return (struct str){"", 0};
    at += strlen(name);
    at += strspn(at, " \t\r\n");
    if (*at++ != ':')
        return (struct str){"", 0};
    at += strspn(at, " \t\r\n");
    return (struct str){at, strcspn(at, ",} \t\r\n")};
}

static bool label_read(const struct datadir *d, struct err *err)
{
    char text[1000];
    int fd = open(d->label, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n < 0)
        refuse(err, d->label, "read");
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return false;
    text[n] = 0;
    uint64_t format = 0;
    if (!str_eqz(member(text, "\"program\""), "\"signalbox\"") ||
        !str_u64(member(text, "\"format\""), &format) || format == 0)
        return err_set(err,
                       "%s: does not say what a Signalbox data folder says: restore a backup, or "
                       "write " LABEL_TEXT,
                       d->label, DATADIR_FORMAT);
    if (format > DATADIR_FORMAT)
        return err_set(err,
                       "%s: the folder was written by a newer version (format %llu; this one reads "
                       "%d): use that version, "
                       "or restore a backup of before",
                       d->label, (unsigned long long)format, DATADIR_FORMAT);
    if (!exists(d->db))
        return err_set(
            err, "%s: the database is missing: put it back, or restore a backup into a new folder",
            d->db);
    return true;
}

static bool label_write(const struct datadir *d, struct err *err)
{
    int fd = open(d->label_new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return refuse(err, d->label_new, "write");
    bool good = dprintf(fd, LABEL_TEXT, DATADIR_FORMAT) > 0 && fsync(fd) == 0;
    if (!good)
        refuse(err, d->label_new, "write");
    close(fd);
    return good && datadir_sync(d->dir, err);
}

bool datadir_done(struct datadir *d, struct err *err)
{
    if (d->done)
        return true;
    if (rename(d->label_new, d->label) != 0)
        return refuse(err, d->label, "write");
    d->done = true;
    return datadir_sync(d->dir, err);
}

/* -- The lock */

static bool lock_refused(const struct datadir *d, int fd, struct err *err)
{
    char pid[32] = "";
    if (errno != EWOULDBLOCK)
        return refuse(err, d->lock, "lock");
    ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);
    pid[n > 0 ? strcspn(pid, "\n") : 0] = 0;
    return err_set(err, "%s: the folder is in use by process %s: stop it, or choose another folder",
                   d->lock, pid[0] ? pid : "(unknown)");
}

static bool lock_take(struct datadir *d, enum datadir_use use, struct err *err)
{
    int flags = use <= DATADIR_LOOK ? O_RDONLY : O_RDWR | O_CREAT;
    int fd = open(d->lock, flags | O_CLOEXEC, 0600);
    if (fd < 0 && use <= DATADIR_LOOK && errno == ENOENT)
        return true; /* a copy that no process ever ran on */
    if (fd < 0)
        return refuse(err, d->lock, "open");
    if (flock(fd, (use <= DATADIR_LOOK ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
        lock_refused(d, fd, err);
        close(fd);
        return false;
    }
    d->lock_fd = fd;
    /* The number is for people; the lock holds without it, so a full disk is left to whoever must write. */
    if (use > DATADIR_LOOK && (ftruncate(fd, 0) != 0 || dprintf(fd, "%d\n", (int)getpid()) < 0))
        log_debug("%s: cannot write the process number: %s", d->lock, strerror(errno));
    return true;
}

/* -- Opening */

static bool folder_make(const char *dir, struct err *err)
{
    if (mkdir(dir, 0700) != 0)
        return errno == EEXIST || refuse(err, dir, "make the folder");
    char *parent = path_of(dir, "..");
    bool good = datadir_sync(parent, err);
    free(parent);
    return good;
}

static bool folder_fits(const struct datadir *d, enum folder_kind kind, enum datadir_use use,
                        struct err *err)
{
    if (kind == FOLDER_BARE)
        return err_set(err,
                       "%s: is missing, though %s is there: restore a backup, or write " LABEL_TEXT,
                       d->label, d->db, DATADIR_FORMAT);
    if (kind == FOLDER_OTHERS)
        return err_set(err, "%s: is not a Signalbox data folder: choose an empty one", d->dir);
    if (kind == FOLDER_HALF && use == DATADIR_NEW && exists(d->db))
        return err_set(err, "%s: holds an unfinished copy: delete it, or choose an empty folder",
                       d->dir);
    if (kind == FOLDER_OURS && use == DATADIR_NEW)
        return err_set(err, "%s: holds data already: choose an empty folder", d->dir);
    if (kind != FOLDER_OURS && (use == DATADIR_LOOK || use == DATADIR_OPEN))
        return err_set(err, "%s: holds no Signalbox data: is this the right folder?", d->dir);
    return true;
}

/* Looks twice: what is somebody else's is not even locked, and what is ours may have become so before we had the lock. */
static bool folder_enter(struct datadir *d, enum datadir_use use, struct err *err)
{
    enum folder_kind kind;
    if (use == DATADIR_WRECK)
        return folder_look(d, &kind, err) && lock_take(d, use, err);
    if (use >= DATADIR_MAKE && !folder_make(d->dir, err))
        return false;
    if (!folder_look(d, &kind, err) || !folder_fits(d, kind, use, err) || !lock_take(d, use, err) ||
        !folder_look(d, &kind, err) || !folder_fits(d, kind, use, err))
        return false;
    d->done = kind == FOLDER_OURS;
    if (!d->done)
        return label_write(d, err);
    /* Whoever made it may have been killed just before it synced the names: then nobody would. */
    return label_read(d, err) && (use == DATADIR_LOOK || datadir_sync(d->dir, err));
}

struct datadir *datadir_open(const char *dir, enum datadir_use use, bool *fresh, struct err *err)
{
    struct datadir *d = xcalloc(1, sizeof(*d));
    d->dir = xstrdup(dir);
    d->db = path_of(dir, "db");
    d->label = path_of(dir, LABEL);
    d->label_new = path_of(dir, LABEL_NEW);
    d->lock = path_of(dir, "lock");
    d->lock_fd = -1;
    if (!folder_enter(d, use, err)) {
        datadir_close(d);
        return NULL;
    }
    if (fresh)
        *fresh = !d->done;
    return d;
}

const char *datadir_db(const struct datadir *d)
{
    return d->db;
}

void datadir_close(struct datadir *d)
{
    if (!d)
        return;
    if (d->lock_fd >= 0)
        close(d->lock_fd);
    free(d->dir);
    free(d->db);
    free(d->label);
    free(d->label_new);
    free(d->lock);
    free(d);
}
