/* verify.c -- reads everything a folder holds, and says what is wrong where.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/datadir.h"
#include "journal/walk.h"

#include <inttypes.h>

struct verify {
    struct findings found;
    struct rocks *rocks;
    struct meta_run run;
    struct meta_base base;
    uint64_t n_blocks, n_records, block_bytes, first_seq, last_seq, gaps;
    int64_t first_ms, last_ms;
    uint64_t n_pages, n_true, page_bytes, n_due;
};

static bool verify_block(void *ctx, struct str key, struct str value)
{
    struct verify *v = ctx;
    struct block_head h;
    struct err err = {0};
    if (!walk_block_whole(key, value, &h, &err)) {
        findings_add(&v->found, "%s", err.text);
        return true;
    }
    if (v->n_blocks && h.seq != v->last_seq + 1)
        findings_add(&v->found, "records %" PRIu64 " to %" PRIu64 " are missing", v->last_seq + 1,
                     h.seq - 1);
    if (v->n_blocks && h.first_ms < v->last_ms)
        findings_add(&v->found,
                     "record %" PRIu64 ": its time is before the one of the record before it",
                     h.seq);
    if (!v->n_blocks) {
        v->first_seq = h.seq;
        v->first_ms = h.first_ms;
    }
    v->n_blocks++;
    v->n_records += h.n;
    v->block_bytes += value.n;
    v->last_seq = block_last_seq(&h);
    v->last_ms = h.last_ms;
    return true;
}

static bool verify_page(void *ctx, struct str key, struct str value)
{
    struct verify *v = ctx;
    struct page p;
    struct err err = {0};
    if (!page_read(&p, key, value, &err)) {
        findings_add(&v->found, "%s", err.text);
        return true;
    }
    v->n_pages++;
    v->page_bytes += value.n;
    v->n_true += p.generation <= v->base.generation && !meta_is_aborted(&v->run, p.generation);
    return true;
}

static bool verify_due(void *ctx, struct str key, struct str value)
{
    struct verify *v = ctx;
    struct page_due due;
    if (!page_due_read(&due, key, value))
        findings_add(&v->found, "a timer's key of %zu bytes is none", key.n);
    v->n_due++;
    return true;
}

static void found_file(void *ctx, const char *what)
{
    struct verify *v = ctx;
    findings_add(&v->found, "%s", what);
}

/* The pages stand for the records up to the base's; the ones behind must follow at once. */
static void verify_join(struct verify *v)
{
    uint64_t from = v->base.seq + 1;
    if (v->n_blocks ? v->last_seq < v->base.seq : v->base.seq > 0)
        findings_add(&v->found,
                     "records up to %" PRIu64 " were written back, and those up to %" PRIu64
                     " are there",
                     v->base.seq, v->last_seq);
    else if (v->n_blocks && v->first_seq > from)
        findings_add(&v->found, "records %" PRIu64 " to %" PRIu64 " are missing", from,
                     v->first_seq - 1);
}

static void verify_all(struct verify *v)
{
    bool found = false;
    uint64_t gaps = 0;
    struct err err = {0};
    rocks_verify(v->rocks, found_file, v);
    if (!meta_load(v->rocks, &v->run, &v->base, &found, &err))
        findings_add(&v->found, "%s", err.text);
    else if (!found)
        findings_add(&v->found, "there is no record of a run");
    walk_space(v->rocks, ROCKS_BLOCKS, &v->found, &v->gaps, verify_block, v);
    walk_space(v->rocks, ROCKS_PAGES, &v->found, &gaps, verify_page, v);
    walk_space(v->rocks, ROCKS_DUE, &v->found, &gaps, verify_due, v);
    verify_join(v);
}

static void verify_tell(const struct verify *v, uint64_t cut)
{
    FILE *out = v->found.out;
    if (v->n_blocks)
        fprintf(out,
                "records: %" PRIu64 " in %" PRIu64 " blocks of %" PRIu64 " bytes, %" PRIu64
                " (%s) to %" PRIu64 " (%s)\n",
                v->n_records, v->n_blocks, v->block_bytes, v->first_seq,
                time_text(v->first_ms).text, v->last_seq, time_text(v->last_ms).text);
    else
        fprintf(out, "records: none\n");
    fprintf(out, "written back: generation %" PRIu64 ", as of record %" PRIu64 "\n",
            v->base.generation, v->base.seq);
    fprintf(out,
            "pages: %" PRIu64 " versions of %" PRIu64 " bytes, %" PRIu64
            " of complete generations; %" PRIu64 " timers\n",
            v->n_pages, v->page_bytes, v->n_true, v->n_due);
    fprintf(out, "files: %" PRIu64 " bytes\n",
            rocks_bytes(v->rocks, ROCKS_META) + rocks_bytes(v->rocks, ROCKS_BLOCKS) +
                rocks_bytes(v->rocks, ROCKS_PAGES) + rocks_bytes(v->rocks, ROCKS_DUE));
    if (cut)
        fprintf(out,
                "the last write was cut short: its %" PRIu64
                " bytes go at the next start; it was not acknowledged\n",
                cut);
}

static bool verify_folder(const char *db, struct verify *v, struct err *err)
{
    uint64_t cut;
    enum rocks_trouble why;
    struct rocks_options o = {.read_only = true};
    v->rocks = rocks_open(db, &o, &cut, &why, err);
    if (!v->rocks)
        return false;
    verify_all(v);
    verify_tell(v, cut);
    rocks_close(v->rocks);
    return v->found.n == 0 || err_set(err,
                                      "%s: %" PRIu64 " damages: restore a backup, or take what can "
                                      "be read with `signalbox journal salvage`",
                                      db, v->found.n);
}

bool journal_verify(const char *dir, FILE *out, struct err *err)
{
    struct verify v = {.found = {.out = out}};
    struct datadir *d = datadir_open(dir, DATADIR_LOOK, NULL, err);
    bool good = d && verify_folder(datadir_db(d), &v, err);
    meta_run_fini(&v.run);
    meta_base_fini(&v.base);
    datadir_close(d);
    return good;
}
