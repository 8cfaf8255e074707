/* data.c -- commands on a data folder: backup, restore, journal verify and salvage.
 *
 * A backup is made by the server that has the folder open, since nobody else may read it meanwhile; where none runs, right
 * here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data.h"
#include "control.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(const char *text)
{
    fprintf(stderr, "signalbox: %s\n", text);
    return false;
}

struct journal_options data_options(const struct config *c)
{
    struct journal_options o = c->journal;
    o.dir = c->data;
    o.keep_ms = (int64_t)c->keep_days * 86400 * 1000;
    if (getrandom(o.draw, sizeof(o.draw), 0) != sizeof(o.draw))
        abort(); /* no kernel this runs on does that for so few bytes */
    return o;
}

static void measure(const char *dir, uint64_t *n_files, uint64_t *n_bytes)
{
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        char *path = NULL;
        struct stat st;
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
            asprintf(&path, "%s/%s", dir, e->d_name) < 0)
            continue;
        if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
            measure(path, n_files, n_bytes);
        } else if (S_ISREG(st.st_mode)) {
            ++*n_files;
            *n_bytes += (uint64_t)st.st_size;
        }
        free(path);
    }
    if (d)
        closedir(d);
}

void data_measure(const char *dir, struct buf *out)
{
    uint64_t n_files = 0, n_bytes = 0;
    measure(dir, &n_files, &n_bytes);
    buf_printf(out, "%" PRIu64 " files, %" PRIu64 " bytes", n_files, n_bytes);
}

/* The path as a process in another folder must say it; the caller frees. */
static char *absolute(const char *path)
{
    char *here = *path == '/' ? NULL : getcwd(NULL, 0), *out = NULL;
    if (*path == '/')
        return xstrdup(path);
    if (!here || asprintf(&out, "%s/%s", here, path) < 0)
        out = NULL;
    free(here);
    return out;
}

/* No server runs: the folder can be opened here. */
static bool copy_at_rest(const struct config *c, const char *to, struct buf *said)
{
    char *mark = NULL;
    struct err err = {0};
    struct journal_options o = data_options(c);
    bool there = asprintf(&mark, "%s/signalbox.json", c->data) >= 0 && access(mark, F_OK) == 0;
    free(mark);
    if (!there) { /* opening would make one */
        buf_printf(said, "%s is no data folder: say which one, with --data DIR", c->data);
        return false;
    }
    struct journal *j = journal_open(&o, &err);
    bool good = j && journal_copy(j, to, &err);
    journal_close(j);
    if (good)
        data_measure(to, said);
    else
        buf_puts(said, err.text);
    return good;
}

bool data_backup(const struct config *c, const char *to)
{
    char *path = absolute(to), *line = NULL;
    struct buf said = {0};
    if (!c->data || !path || strchr(path, '\n') || asprintf(&line, "backup %s", path) < 0) {
        free(path);
        return fail("this path can't be used");
    }
    enum control_said answer = control_ask(c->data, line, &said);
    bool good = answer == CONTROL_NOBODY ? copy_at_rest(c, path, &said) : answer == CONTROL_OK;
    if (good)
        printf("%s is a backup of %s: %.*s\n`signalbox restore %s --data NEW-DIR` makes a data "
               "folder of it\n",
               path, c->data, STR_FMT(buf_str(&said)), path);
    else
        fprintf(stderr, "signalbox: no backup: %.*s\n", STR_FMT(buf_str(&said)));
    buf_fini(&said);
    free(line);
    free(path);
    return good;
}

static bool said_well(bool good, const struct err *err)
{
    return good || fail(err->text);
}

bool data_restore(const struct config *c, const char *from)
{
    struct err err = {0};
    if (!said_well(journal_restore(from, c->data, stdout, &err), &err))
        return false;
    printf("%s is the data folder that %s is a backup of: `signalbox serve --data %s` goes on from "
           "there\n",
           c->data, from, c->data);
    return true;
}

bool data_verify(const struct config *c)
{
    struct err err = {0};
    return said_well(journal_verify(c->data, stdout, &err), &err);
}

bool data_salvage(const struct config *c, const char *to)
{
    struct err err = {0};
    return said_well(journal_salvage(c->data, to, stdout, &err), &err);
}
