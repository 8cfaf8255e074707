/* mend.c -- before RocksDB opens: what a crash left is cut, and damage is refused with file and position.
 *
 * A crash leaves at most the last write unfinished, as rocks_write syncs what is before it: so at most one log ends in the middle
 * of a record, and no later log holds any. (It need not be the last: a write that failed on a full disk ends its log, and the
 * next one is still empty then.) A run that synced only now and then leaves anything of what it wrote behind its last sync: that
 * is cut at the first hole. So is a manifest behind the last sync that was noted, as RocksDB writes several records to it at once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/mend.h"
#include "journal/wal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct log_file {
    char *path;
    uint64_t number;
    uint64_t least;  /* bytes that must be there */
    uint64_t synced; /* bytes that were synced, as far as is known */
    struct wal_state state;
};
struct folder {
    const char *dir;
    bool current, tables;
    uint64_t manifests;      /* how many */
    uint64_t manifest;       /* the one that CURRENT names, */
    uint64_t manifest_bytes; /* and how long it must be */
    struct log_file *logs;
    size_t n, cap;
    mend_end_fn *end; /* NULL: cuts */
    void *ctx;
};

static char *path_of(const char *dir, const char *name)
{
    struct buf b = {0};
    buf_printf(&b, "%s/%s", dir, name);
    buf_putc(&b, 0);
    return b.p;
}

static void folder_fini(struct folder *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->logs[i].path);
    free(f->logs);
}

static int by_number(const void *a, const void *b)
{
    const struct log_file *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static void folder_entry(struct folder *f, const char *name)
{
    uint64_t number;
    size_t n = strlen(name);
    enum synced_kind kind = synced_kind_of(name, &number);
    f->current |= strcmp(name, "CURRENT") == 0;
    f->tables |= n > 4 && strcmp(name + n - 4, ".sst") == 0;
    f->manifests += kind == SYNCED_MANIFEST;
    if (kind != SYNCED_LOG)
        return;
    f->logs = xgrow(f->logs, f->n, &f->cap, sizeof(*f->logs));
    f->logs[f->n++] = (struct log_file){.path = path_of(f->dir, name), .number = number};
}

/* No folder is an empty one. */
static bool folder_read(struct folder *f, const char *dir, struct err *err)
{
    *f = (struct folder){.dir = dir};
    DIR *d = opendir(dir);
    if (!d && errno == ENOENT)
        return true;
    if (!d)
        return err_set(err, "%s: cannot read the folder: %s", dir, strerror(errno));
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        folder_entry(f, e->d_name);
    closedir(d);
    if (f->n)
        qsort(f->logs, f->n, sizeof(*f->logs), by_number);
    return true;
}

/* Making writes a manifest, then CURRENT, then the first log: without CURRENT nothing was ever kept. */
bool mend_is_new(const char *dir, bool *none, struct err *err)
{
    struct folder f;
    bool good = folder_read(&f, dir, err);
    *none = !f.current;
    if (good && !f.current && (f.tables || f.n || f.manifests > 1))
        good = err_set(err, "%s/CURRENT: is missing", dir);
    folder_fini(&f);
    return good;
}

/* -- What must be there */

static bool current_read(struct folder *f, struct err *err)
{
    char name[100];
    char *path = path_of(f->dir, "CURRENT");
    FILE *in = fopen(path, "re");
    bool good = in && fgets(name, sizeof(name), in);
    if (good)
        name[strcspn(name, "\n")] = 0;
    if (!in)
        err_set(err, "%s: %s", path, errno == ENOENT ? "is missing" : strerror(errno));
    else if (!good || synced_kind_of(name, &f->manifest) != SYNCED_MANIFEST)
        good = err_set(err, "%s: is damaged at byte 0: it names no manifest", path);
    if (in)
        fclose(in);
    free(path);
    return good;
}

static bool all_there(struct folder *f, struct synced *synced, struct err *err)
{
    struct synced_file files[SYNCED_MAX];
    size_t n = synced_files(synced, files);
    for (size_t i = 0; i < n; i++) {
        char path[4096];
        struct stat st;
        bool log = files[i].kind == SYNCED_LOG;
        snprintf(path, sizeof(path), log ? "%s/%06" PRIu64 ".log" : "%s/MANIFEST-%06" PRIu64,
                 f->dir, files[i].number);
        if (stat(path, &st) != 0)
            return err_set(err, "%s: %s", path, errno == ENOENT ? "is missing" : strerror(errno));
        if ((uint64_t)st.st_size < files[i].n_bytes)
            return err_set(err,
                           "%s: ends at byte %" PRIu64 ", but %" PRIu64 " were written and synced",
                           path, (uint64_t)st.st_size, files[i].n_bytes);
        for (size_t k = 0; log && k < f->n; k++)
            if (f->logs[k].number == files[i].number)
                f->logs[k].least = files[i].n_bytes, f->logs[k].synced = files[i].last_bytes;
        if (!log && files[i].number == f->manifest)
            f->manifest_bytes = files[i].n_bytes;
    }
    return true;
}

/* -- What may be cut */

/* Or tells where. */
static bool cut_off(const struct folder *f, const char *path, const struct wal_state *w,
                    struct err *err)
{
    if (f->end) {
        f->end(f->ctx, path, w->whole_bytes);
        return true;
    }
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool good = fd >= 0 && ftruncate(fd, (off_t)w->whole_bytes) == 0 && fsync(fd) == 0;
    if (!good)
        err_set(err, "%s: cannot cut off the unfinished write at byte %" PRIu64 ": %s", path,
                w->whole_bytes, strerror(errno));
    if (fd >= 0)
        close(fd);
    return good;
}

static bool file_sync(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (!good)
        err_set(err, "%s: cannot sync: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return good;
}

static bool log_good(const char *path, const struct wal_state *w, uint64_t least, struct err *err)
{
    if (w->end == WAL_DAMAGED)
        return err_set(err, "%s: is damaged at byte %" PRIu64 ": %s", path, w->bad_at, w->why);
    if (w->whole_bytes < least && w->end == WAL_CUT)
        return err_set(err, "%s: is damaged at byte %" PRIu64 ": %s, though it was synced", path,
                       w->bad_at, w->why);
    return true;
}

static bool manifest_mend(struct folder *f, struct err *err)
{
    char name[40];
    struct wal_state w;
    snprintf(name, sizeof(name), "MANIFEST-%06" PRIu64, f->manifest);
    char *path = path_of(f->dir, name);
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        free(path);
        return err_set(err, "%s/CURRENT: names %s, which is missing", f->dir, name);
    }
    bool good = wal_read(path, &w, err);
    if (good && f->manifest_bytes && w.end == WAL_DAMAGED && w.whole_bytes >= f->manifest_bytes)
        w.end = WAL_CUT; /* nothing was built on it: that waits for the note */
    good = good && log_good(path, &w, f->manifest_bytes, err);
    f->manifest_bytes = w.whole_bytes;
    if (good && w.end == WAL_CUT)
        good = cut_off(f, path, &w, err);
    free(path);
    return good;
}

/* Of a run that synced only now and then, what stands behind its last sync may be there in any part. */
static void log_forgive(struct log_file *l)
{
    struct wal_state *w = &l->state;
    if (w->end == WAL_DAMAGED && w->bad_at >= l->synced && w->whole_bytes >= l->least)
        w->end = WAL_CUT;
}

/* A cut in what was synced was not made by a crash. */
static void log_tell_lost(const struct log_file *l)
{
    if (l->state.whole_bytes < l->synced)
        log_error("%s: is whole up to byte %" PRIu64 ", but %" PRIu64
                  " were written and synced: records that were acknowledged are lost. If there is "
                  "a backup that has them, restore it",
                  l->path, l->state.whole_bytes, l->synced);
}

/* Behind the one that is cut. */
static bool log_follows(const struct log_file *torn, struct log_file *l, bool loose,
                        struct err *err)
{
    if (l->state.n_records == 0 && l->state.end == WAL_WHOLE)
        return true;
    if (!loose || l->least || l->synced)
        return err_set(err, "%s: is damaged at byte %" PRIu64 ": %s, though %s goes on behind it",
                       torn->path, torn->state.bad_at, torn->state.why, l->path);
    l->state.end = WAL_CUT; /* never synced: all of it goes */
    l->state.whole_bytes = 0;
    l->state.why = "the log before it is cut";
    return true;
}

static bool logs_judge(struct folder *f, bool loose, struct err *err)
{
    const struct log_file *torn = NULL;
    for (size_t i = 0; i < f->n; i++) {
        struct log_file *l = &f->logs[i];
        if (!wal_read(l->path, &l->state, err))
            return false;
        if (loose)
            log_forgive(l);
        if (!log_good(l->path, &l->state, l->least, err) ||
            (torn && !log_follows(torn, l, loose, err)))
            return false;
        log_tell_lost(l);
        if (!torn && l->state.end == WAL_CUT)
            torn = l;
    }
    return true;
}

/* What was read may be in the system's memory only, when not the power but the process before us went. It is on the disk before
 * anything is built on it: else the next power cut could tear a log that others follow. */
static bool logs_sync(const struct folder *f, struct err *err)
{
    char *synced = path_of(f->dir, "SYNCED");
    bool good = file_sync(synced, err);
    for (size_t i = 0; i < f->n && good; i++)
        good = file_sync(f->logs[i].path, err);
    free(synced);
    return good;
}

/* From the last one on: a crash in between leaves nothing behind a cut. */
static bool logs_mend(struct folder *f, bool loose, uint64_t *cut, struct err *err)
{
    if (!logs_judge(f, loose, err))
        return false;
    for (size_t i = f->n; i-- > 0;) {
        const struct log_file *l = &f->logs[i];
        if (l->state.end != WAL_CUT)
            continue;
        *cut += l->state.n_bytes - l->state.whole_bytes;
        if (!f->end)
            log_warn("%s: cut from byte %" PRIu64 " on, %" PRIu64 " bytes: %s", l->path,
                     l->state.whole_bytes, l->state.n_bytes - l->state.whole_bytes, l->state.why);
        if (!cut_off(f, l->path, &l->state, err))
            return false;
    }
    return true;
}

bool mend_logs(const char *dir, struct synced *synced, mend_end_fn *end, void *ctx, uint64_t *cut,
               struct err *err)
{
    struct folder f;
    *cut = 0;
    bool good = folder_read(&f, dir, err);
    f.end = end;
    f.ctx = ctx;
    good = good && current_read(&f, err) && all_there(&f, synced, err) && manifest_mend(&f, err) &&
           logs_mend(&f, synced_loose(synced), cut, err) && (end || logs_sync(&f, err));
    folder_fini(&f);
    return good;
}

/* -- A copy */

static bool copy_note(const struct folder *f, struct synced *synced, struct err *err)
{
    int why = synced_note(synced, SYNCED_MANIFEST, f->manifest, f->manifest_bytes);
    for (size_t i = 0; i < f->n && !why; i++)
        why = synced_note(synced, SYNCED_LOG, f->logs[i].number, f->logs[i].state.whole_bytes);
    return !why || err_set(err, "%s/SYNCED: cannot write: %s", f->dir, strerror(why));
}

bool mend_copy(const char *dir, struct err *err)
{
    struct folder f;
    uint64_t cut = 0;
    bool good = folder_read(&f, dir, err) && current_read(&f, err) && manifest_mend(&f, err) &&
                logs_mend(&f, false, &cut, err);
    struct synced *synced = good ? synced_open(dir, true, err) : NULL;
    good = synced && copy_note(&f, synced, err);
    synced_close(synced);
    folder_fini(&f);
    return good;
}
