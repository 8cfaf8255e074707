/* wreck.c -- opens what RocksDB does not: a database whose manifest or files are gone.
 *
 * RocksDB can describe the files of a folder anew, but not together with logs that repeat what is in them. So, in a copy, the
 * files are described without the logs; the logs are read into a database of their own; and what they hold is laid over it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/walk.h"

#include "journal/synced.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum { FAR_AHEAD = 1000000 }; /* of the numbers that a new database gives */

static struct rocks *open_as_it_is(const char *db, bool read_only, struct err *err)
{
    uint64_t cut;
    enum rocks_trouble why;
    struct rocks_options o = {.read_only = read_only, .salvage = true};
    return rocks_open(db, &o, &cut, &why, err);
}

static bool made_new(const char *db, struct err *err)
{
    uint64_t cut;
    enum rocks_trouble why;
    struct rocks_options o = {.create = true};
    struct rocks *r = rocks_open(db, &o, &cut, &why, err);
    rocks_close(r);
    return r != NULL;
}

static bool logs_move(const char *from, const char *to, struct err *err)
{
    bool good = true;
    DIR *dir = opendir(from);
    for (struct dirent *e; dir && good && (e = readdir(dir)) != NULL;) {
        char old[4096], now[4096];
        uint64_t number;
        if (synced_kind_of(e->d_name, &number) != SYNCED_LOG)
            continue;
        snprintf(old, sizeof(old), "%s/%s", from, e->d_name);
        snprintf(now, sizeof(now), "%s/%" PRIu64 ".log", to, number + FAR_AHEAD);
        good = rename(old, now) == 0 || err_set(err, "%s: cannot move: %s", old, strerror(errno));
    }
    if (dir)
        closedir(dir);
    return good;
}

/* -- Laying the logs over the files */

struct overlay {
    struct rocks *to;
    enum rocks_space space;
    struct err *err;
};

static bool lay(void *ctx, struct str key, struct str value)
{
    struct overlay *o = ctx;
    struct rocks_batch *b = rocks_batch_new(o->to);
    rocks_put(b, o->space, key, value);
    bool good = rocks_write(o->to, b, false, o->err) == ROCKS_FINE;
    rocks_batch_free(b);
    return good;
}

static uint64_t generation_of(struct rocks *r)
{
    struct meta_run run = {0};
    struct meta_base base = {0};
    struct err err = {0};
    bool found;
    uint64_t generation = meta_load(r, &run, &base, &found, &err) ? base.generation : 0;
    meta_run_fini(&run);
    meta_base_fini(&base);
    return generation;
}

static bool lay_over(struct rocks *logs, struct rocks *files, FILE *out, struct err *err)
{
    struct findings found = {.out = out};
    uint64_t gaps = 0;
    struct overlay o = {files, ROCKS_BLOCKS, err};
    if (!walk_space(logs, ROCKS_BLOCKS, &found, &gaps, lay, &o))
        return false;
    o.space = ROCKS_META; /* a log that is damaged may have lost what a file still has */
    return generation_of(logs) < generation_of(files) ||
           walk_space(logs, ROCKS_META, &found, &gaps, lay, &o);
}

static struct rocks *put_in_order(const char *aside, const char *logs, FILE *out, struct err *err)
{
    if (!made_new(logs, err) || !logs_move(aside, logs, err) || !rocks_repair(aside, err))
        return NULL;
    struct rocks *over = open_as_it_is(logs, false, err);
    struct rocks *files = over ? open_as_it_is(aside, false, err) : NULL;
    if (files && !lay_over(over, files, out, err)) {
        rocks_close(files);
        files = NULL;
    }
    rocks_close(over);
    return files;
}

struct rocks *wreck_open(const char *db, const char *aside, bool *guessed, FILE *out,
                         struct err *err)
{
    struct err why = {0};
    struct buf logs = {0};
    struct rocks *r = open_as_it_is(db, true, &why);
    *guessed = !r;
    if (r)
        return r;
    buf_printf(&logs, "%s-logs", aside);
    buf_putc(&logs, 0);
    fprintf(out, "damaged: %s\nworking on a copy, %s and %s: delete both afterwards\n", why.text,
            aside, logs.p);
    if (copy_files(db, aside, NULL, out, err))
        r = put_in_order(aside, logs.p, out, err);
    buf_fini(&logs);
    return r;
}

static bool is_log(const char *name)
{
    uint64_t number;
    return synced_kind_of(name, &number) == SYNCED_LOG;
}

struct rocks *wreck_logs(const char *db, const char *aside, FILE *out, struct err *err)
{
    struct rocks *r = NULL;
    struct buf logs = {0};
    buf_printf(&logs, "%s-logs", aside);
    buf_putc(&logs, 0);
    fprintf(out, "working on a copy of the logs, %s and %s: delete both afterwards\n", aside,
            logs.p);
    if (copy_files(db, aside, is_log, out, err) && made_new(logs.p, err) &&
        logs_move(aside, logs.p, err))
        r = open_as_it_is(logs.p, false, err);
    buf_fini(&logs);
    return r;
}
