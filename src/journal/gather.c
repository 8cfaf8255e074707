/* gather.c -- everything that can be read of a damaged database, in a new one.
 *
 * A space is read as one. When a table of it is gone or damaged, each table is read by itself, and so are the logs. Then a key may come more than once: a block is always the same; of a page's versions in one
 * place the one of the highest generation was written last.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/gather.h"

#include "journal/synced.h"
#include "journal/wal.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { BATCH_BYTES = 4 << 20 };

bool gather_write(struct gathered *g, bool all)
{
    if (g->n_batch < BATCH_BYTES && !all)
        return true;
    bool good = rocks_write(g->to, g->batch, false, g->err) == ROCKS_FINE;
    rocks_batch_clear(g->batch);
    g->n_batch = 0;
    return good;
}

static bool keep(struct gathered *g, enum rocks_space space, struct str key, struct str value)
{
    if (!g->keeping)
        return true;
    rocks_put(g->batch, space, key, value);
    g->n_batch += key.n + value.n;
    return gather_write(g, false);
}

/* -- From everywhere */

/* What only the logs hold; pages and timers never stand there. That they can't be read is told, and the rest goes on. */
static bool from_logs(struct gathered *g, enum rocks_space space, uint64_t *gaps, walk_fn *take)
{
    struct err err = {0};
    if (space != ROCKS_BLOCKS)
        return true;
    if (g->guessed) /* they were laid over the tables */
        return walk_space(g->from, space, &g->found, gaps, take, g);
    if (!g->logs)
        g->logs = wreck_logs(g->db, g->aside, g->found.out, &err);
    if (g->logs)
        return walk_space(g->logs, space, &g->found, gaps, take, g);
    findings_add(&g->found, "%s", err.text);
    (*gaps)++;
    return true;
}

static bool from_each(struct gathered *g, enum rocks_space space, uint64_t *gaps, walk_fn *take)
{
    g->apart = true;
    bool good = walk_tables(g->from, space, &g->found, gaps, take, g) && gather_write(g, true) &&
                from_logs(g, space, gaps, take) && gather_write(g, true);
    g->apart = false;
    return good;
}

static bool pass(void *ctx, struct str key, struct str value)
{
    return true;
}

/* Whether all tables can be read is asked of each: over all of them, RocksDB 7.8 forgets that one could not be read once it
 * has passed over a range that was deleted. */
static bool from_all(struct gathered *g, enum rocks_space space, uint64_t *gaps, walk_fn *take)
{
    struct findings untold = {0};
    uint64_t n = 0;
    walk_tables(g->from, space, &untold, &n, pass, NULL);
    return n ? from_each(g, space, gaps, take)
             : walk_space(g->from, space, &g->found, gaps, take, g) && gather_write(g, true);
}

/* -- Blocks */

static bool take_block(void *ctx, struct str key, struct str value)
{
    struct gathered *g = ctx;
    struct block_head h;
    struct err err = {0};
    if (walk_block_whole(key, value, &h, &err))
        return keep(g, ROCKS_BLOCKS, key, value);
    findings_add(&g->found, "%s", err.text);
    return true;
}

bool gather_blocks(struct gathered *g)
{
    uint64_t gaps = 0;
    return from_all(g, ROCKS_BLOCKS, &gaps, take_block);
}

/* -- Pages */

/* The version that is in this place already. false: none, or it can't be read. */
static bool has_version(struct gathered *g, struct str place, uint32_t *generation)
{
    struct str value = {0};
    struct page p;
    struct arena arena;
    struct err err = {0};
    arena_init(&arena);
    bool has = gather_write(g, true) &&
               rocks_get(g->to, ROCKS_PAGES, &place, 1, &value, &arena, &err) && value.p &&
               page_read(&p, place, value, &err);
    *generation = has ? p.generation : 0;
    arena_fini(&arena);
    return has;
}

static bool take_page(void *ctx, struct str key, struct str value)
{
    struct gathered *g = ctx;
    struct page p;
    struct err err = {0};
    uint32_t other = 0;
    if (!page_read(&p, key, value, &err)) {
        findings_add(&g->found, "%s", err.text);
        g->n_bad++;
        return true;
    }
    if (p.generation > g->base.generation || meta_is_aborted(&g->run, p.generation)) {
        g->n_left_out++;
        g->n_ahead += p.generation > g->run.begun;
        return true;
    }
    bool again = g->keeping && g->apart && has_version(g, key, &other);
    g->n_pages += !again;
    return (again && other >= p.generation) || keep(g, ROCKS_PAGES, key, value);
}

static bool take_due(void *ctx, struct str key, struct str value)
{
    struct gathered *g = ctx;
    struct page_due due;
    if (page_due_read(&due, key, value))
        return keep(g, ROCKS_DUE, key, value);
    findings_add(&g->found, "a timer's key of %zu bytes is none", key.n);
    g->n_bad_due++;
    return true;
}

static void forget_counts(struct gathered *g)
{
    g->n_pages = g->n_left_out = g->n_ahead = g->n_bad = g->n_bad_due = g->n_gaps = 0;
}

static bool read_pages(struct gathered *g)
{
    forget_counts(g);
    return from_all(g, ROCKS_PAGES, &g->n_gaps, take_page) &&
           from_all(g, ROCKS_DUE, &g->n_gaps, take_due);
}

bool gathered_all_pages(const struct gathered *g)
{
    return !g->guessed && !g->n_ahead && !g->n_bad && !g->n_bad_due && !g->n_gaps;
}

/* Reads twice where it may come to nothing: what is deleted again would lie about for long. */
bool gather_pages(struct gathered *g, bool all_or_none)
{
    if (all_or_none) {
        FILE *out = g->found.out;
        g->found.out = NULL;
        g->keeping = false;
        bool good = read_pages(g);
        g->found.out = out;
        g->keeping = good && gathered_all_pages(g);
        if (!good)
            return false;
    }
    bool good = read_pages(g);
    g->keeping = true;
    return good;
}

/* -- What stands for the whole */

static void forget_meta(struct gathered *g)
{
    meta_run_fini(&g->run);
    meta_base_fini(&g->base);
    g->has_run = false;
}

/* The newest of what each table and the logs say. */
struct newest {
    struct meta_run run;
    struct meta_base base;
};

static bool take_meta(void *ctx, struct str key, struct str value)
{
    struct newest *n = ctx;
    struct meta_run run = {0};
    struct meta_base base = {0};
    struct err err = {0};
    if (str_eqz(key, "run") && meta_run_unpack(&run, value, &err) &&
        (!n->run.n_epochs || run.begun > n->run.begun ||
         (run.begun == n->run.begun && run.n_aborted >= n->run.n_aborted))) {
        struct meta_run old = n->run;
        n->run = run;
        run = old;
    }
    if (str_eqz(key, "base") && meta_base_unpack(&base, value, &err) &&
        base.generation > n->base.generation) {
        struct meta_base old = n->base;
        n->base = base;
        base = old;
    }
    meta_run_fini(&run);
    meta_base_fini(&base);
    return true;
}

static void meta_from_each(struct gathered *g)
{
    struct newest n = {0};
    uint64_t gaps = 0;
    struct err err = {0};
    walk_tables(g->from, ROCKS_META, &g->found, &gaps, take_meta, &n);
    if (!g->guessed && !g->logs)
        g->logs = wreck_logs(g->db, g->aside, g->found.out, &err);
    struct rocks *logs = g->guessed ? g->from : g->logs;
    if (logs)
        walk_space(logs, ROCKS_META, &g->found, &gaps, take_meta, &n);
    else
        findings_add(&g->found, "%s", err.text);
    g->run = n.run;
    g->base = n.base;
    g->has_run = n.run.n_epochs > 0;
    if (!g->has_run || g->base.generation > g->run.begun)
        forget_meta(g);
}

void gather_meta(struct gathered *g)
{
    struct err err = {0};
    if (meta_load(g->from, &g->run, &g->base, &g->has_run, &err))
        return;
    findings_add(&g->found, "%s", err.text);
    forget_meta(g);
    meta_from_each(g);
}

/* -- The databases */

/* Logs that were there, and are gone or shorter now. */
static void miss_logs(struct gathered *g)
{
    struct err err = {0};
    struct synced_file files[SYNCED_MAX];
    struct synced *synced = synced_open(g->db, false, &err);
    size_t n = synced ? synced_files(synced, files) : 0;
    if (!synced)
        findings_add(&g->found, "%s", err.text);
    for (size_t i = 0; i < n; i++) {
        char path[4096];
        struct stat st = {0};
        uint64_t least = MAX_OF(files[i].n_bytes, files[i].last_bytes);
        snprintf(path, sizeof(path), "%s/%06" PRIu64 ".log", g->db, files[i].number);
        if (files[i].kind != SYNCED_LOG || (stat(path, &st) == 0 && (uint64_t)st.st_size >= least))
            continue;
        findings_add(&g->found, "%s: %" PRIu64 " bytes are there, and %" PRIu64 " were synced",
                     path, (uint64_t)st.st_size, least);
        g->bad_log = true;
    }
    synced_close(synced);
}

/* RocksDB passes over what is damaged in a log and says nothing of it. */
static void see_logs(struct gathered *g)
{
    DIR *dir = opendir(g->db);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        char path[4096];
        uint64_t number;
        struct wal_state w;
        struct err err = {0};
        if (synced_kind_of(e->d_name, &number) != SYNCED_LOG)
            continue;
        snprintf(path, sizeof(path), "%s/%s", g->db, e->d_name);
        if (wal_read(path, &w, &err) && w.end == WAL_WHOLE)
            continue;
        if (err.set)
            findings_add(&g->found, "%s", err.text);
        else
            findings_add(&g->found, "%s: at byte %" PRIu64 " of %" PRIu64 ": %s", path, w.bad_at,
                         w.n_bytes, w.why);
        g->bad_log = true;
    }
    if (dir)
        closedir(dir);
}

bool gather_open(struct gathered *g, const char *db, const char *aside, const char *to)
{
    uint64_t cut;
    enum rocks_trouble why;
    struct rocks_options o = {.create = true};
    g->keeping = true;
    g->db = db;
    g->aside = aside;
    g->from = wreck_open(db, aside, &g->guessed, g->found.out, g->err);
    see_logs(g);
    miss_logs(g);
    g->to = g->from ? rocks_open(to, &o, &cut, &why, g->err) : NULL;
    g->batch = g->to ? rocks_batch_new(g->to) : NULL;
    return g->to != NULL;
}

void gathered_fini(struct gathered *g)
{
    if (g->batch)
        rocks_batch_free(g->batch);
    rocks_close(g->to);
    rocks_close(g->logs);
    rocks_close(g->from);
    forget_meta(g);
}
