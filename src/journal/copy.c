/* copy.c -- a running journal's folder into another one, and back.
 *
 * A copy goes on from the same record as its original, so it forgets its epoch: each that starts from it draws one of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/datadir.h"
#include "journal/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool forget(struct rocks *r, struct err *err)
{
    struct meta_run run = {0};
    struct meta_base base = {0};
    bool found = false, good = meta_load(r, &run, &base, &found, err);
    struct rocks_batch *b = rocks_batch_new(r);
    if (good && found) {
        meta_forget_epoch(&run);
        meta_put_run(b, &run);
        good = rocks_write(r, b, true, err) == ROCKS_FINE && rocks_sync(r, err) == ROCKS_FINE;
    }
    rocks_batch_free(b);
    meta_run_fini(&run);
    meta_base_fini(&base);
    return good;
}

/* Also shows that the copy opens. */
static bool copy_forgets(const char *db, struct err *err)
{
    uint64_t cut;
    enum rocks_trouble why;
    struct rocks_options o = {0};
    struct rocks *r = rocks_open(db, &o, &cut, &why, err);
    bool good = r && forget(r, err);
    rocks_close(r);
    return good;
}

bool journal_copy(struct journal *j, const char *dir, struct err *err)
{
    enum rocks_trouble why;
    if (!j->rocks)
        return err_set(err, "%s: nothing is kept that could be copied: start with a data folder",
                       dir);
    struct datadir *to = datadir_open(dir, DATADIR_NEW, NULL, err);
    bool good = to && rocks_copy(j->rocks, datadir_db(to), &why, err) &&
                copy_forgets(datadir_db(to), err) && datadir_done(to, err);
    datadir_close(to);
    return good;
}

/* -- restoring: file by file */

static bool file_failed(struct err *err, const char *path, const char *doing)
{
    return err_set(err, "%s: cannot %s: %s%s", path, doing, strerror(errno),
                   errno == ENOSPC || errno == EDQUOT ? ": make room, or choose another folder"
                                                      : "");
}

static bool bytes_copy(int in, int out, const char *from, const char *to, struct err *err)
{
    enum { PIECE = 1 << 20 };
    char *piece = xmalloc(PIECE);
    bool good = true;
    for (ssize_t n = 1; good && n != 0;) {
        n = read(in, piece, PIECE);
        if (n < 0)
            good = errno == EINTR || file_failed(err, from, "read");
        for (ssize_t done = 0, k; good && done < n; done += MAX_OF(k, 0)) {
            k = write(out, piece + done, (size_t)(n - done));
            good = k >= 0 || errno == EINTR || file_failed(err, to, "write");
        }
    }
    free(piece);
    return good && (fsync(out) == 0 || file_failed(err, to, "sync"));
}

static bool file_copy(const char *from_dir, const char *to_dir, const char *name, struct err *err)
{
    char from[4096], to[4096];
    struct stat st;
    snprintf(from, sizeof(from), "%s/%s", from_dir, name);
    snprintf(to, sizeof(to), "%s/%s", to_dir, name);
    int in = open(from, O_RDONLY | O_CLOEXEC), out = -1;
    bool good = in >= 0 && fstat(in, &st) == 0;
    if (!good)
        file_failed(err, from, "read");
    if (good && S_ISREG(st.st_mode)) {
        out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        good = out >= 0 ? bytes_copy(in, out, from, to, err) : file_failed(err, to, "make");
    }
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return good;
}

bool copy_files(const char *from, const char *to, bool (*only)(const char *name), FILE *out,
                struct err *err)
{
    size_t n = 0;
    DIR *dir = opendir(from);
    bool good = dir || file_failed(err, from, "read the folder");
    good = good && (mkdir(to, 0700) == 0 || file_failed(err, to, "make the folder"));
    for (struct dirent *e; good && (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.' && strcmp(e->d_name, "LOCK") != 0 && (!only || only(e->d_name))) {
            good = file_copy(from, to, e->d_name, err);
            n++;
        }
    if (dir)
        closedir(dir);
    if (good)
        fprintf(out, "%zu files copied to %s\n", n, to);
    return good && datadir_sync(to, err);
}

bool journal_restore(const char *from, const char *to, FILE *out, struct err *err)
{
    if (!journal_verify(from, out, err))
        return false;
    struct datadir *source = datadir_open(from, DATADIR_LOOK, NULL, err);
    struct datadir *made = source ? datadir_open(to, DATADIR_NEW, NULL, err) : NULL;
    bool good = made && copy_files(datadir_db(source), datadir_db(made), NULL, out, err) &&
                copy_forgets(datadir_db(made), err) && datadir_done(made, err);
    datadir_close(made);
    datadir_close(source);
    return good;
}
