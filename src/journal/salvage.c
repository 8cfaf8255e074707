/* salvage.c -- of a damaged folder, what a server can start from, in a new folder.
 *
 * A start needs pages as of one record, and every record behind it. So what is kept is the last complete generation with the
 * longest run of records, without a gap, that joins it: backwards for history, forwards to the end. Records behind a gap are
 * lost even where they can be read: applied without those before them they would give wrong values. Without a generation the
 * records must begin with the first. Whatever is left out is told, with sequences and times.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/datadir.h"
#include "journal/walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum { BATCH_BYTES = 4 << 20 };

struct span { /* blocks without a gap */
    uint64_t first, last;
    int64_t first_ms, last_ms;
};
struct salvage {
    struct findings found;
    struct rocks *from, *to;
    struct meta_run run;
    struct meta_base base;
    bool has_run, has_base;
    struct span *spans;
    size_t n_spans, cap_spans;
    struct span kept; /* first > last: none */
    struct rocks_batch *batch;
    size_t n_batch; /* bytes in it */
    uint64_t n_pages, n_old_pages, n_bad_pages, n_gaps;
    struct err *err;
};

/* -- What there is */

static bool see_block(void *ctx, struct str key, struct str value)
{
    struct salvage *s = ctx;
    struct block_head h;
    struct err err = {0};
    if (!walk_block_whole(key, value, &h, &err)) {
        findings_add(&s->found, "%s", err.text);
        return true;
    }
    struct span *last = s->n_spans ? &s->spans[s->n_spans - 1] : NULL;
    if (!last || h.seq != last->last + 1) {
        s->spans = xgrow(s->spans, s->n_spans, &s->cap_spans, sizeof(*s->spans));
        last = &s->spans[s->n_spans++];
        *last = (struct span){.first = h.seq, .first_ms = h.first_ms};
    }
    last->last = block_last_seq(&h);
    last->last_ms = h.last_ms;
    return true;
}

static void see_meta(struct salvage *s)
{
    struct err err = {0};
    if (!meta_load(s->from, &s->run, &s->base, &s->has_run, &err)) {
        findings_add(&s->found, "%s", err.text);
        meta_run_fini(&s->run);
        meta_base_fini(&s->base);
        s->run = (struct meta_run){0};
        s->base = (struct meta_base){0};
        s->has_run = false;
    }
    s->has_base = s->base.generation > 0;
}

/* -- What is kept */

static void tell_spans(const struct salvage *s)
{
    FILE *out = s->found.out;
    uint64_t next = s->n_spans ? s->spans[0].first : 0;
    for (size_t i = 0; i < s->n_spans; i++) {
        const struct span *p = &s->spans[i];
        if (p->first > next)
            fprintf(out,
                    "lost: records %" PRIu64 " to %" PRIu64 ", from %s to %s: they can't be read\n",
                    next, p->first - 1, time_text(s->spans[i - 1].last_ms).text,
                    time_text(p->first_ms).text);
        bool kept = p->first == s->kept.first && p->last == s->kept.last;
        fprintf(out, "%s: records %" PRIu64 " to %" PRIu64 ", from %s to %s%s\n",
                kept ? "kept" : "lost", p->first, p->last, time_text(p->first_ms).text,
                time_text(p->last_ms).text, kept ? "" : ": nothing joins them to what is kept");
        next = p->last + 1;
    }
}

/* Before a generation is written, the record that it is as of is there: when it is lost, an empty one takes its place. */
static void fill_in(struct salvage *s)
{
    struct buf value = {0};
    uint8_t key[BLOCK_KEY];
    struct record r = {
        .kind = RECORD_TICK, .seq = s->base.seq, .least_ms = INT64_MAX, .greatest_ms = INT64_MIN};
    for (size_t i = 0; i < s->n_spans && s->spans[i].last < s->base.seq; i++)
        r.now_ms = s->spans[i].last_ms;
    block_write(&value, &r, &r, SIZE_MAX);
    block_key(r.seq, key);
    rocks_put(s->batch, ROCKS_BLOCKS, (struct str){(char *)key, BLOCK_KEY}, buf_str(&value));
    buf_fini(&value);
    fprintf(s->found.out,
            "lost: record %" PRIu64
            ", and all before it: their effect is in what was written back\n",
            r.seq);
}

static bool choose(struct salvage *s)
{
    s->kept = (struct span){.first = 1, .last = 0};
    for (size_t i = 0; i < s->n_spans; i++)
        if (s->spans[i].first <= s->base.seq + 1 && s->spans[i].last >= s->base.seq)
            s->kept = s->spans[i];
    tell_spans(s);
    if (s->kept.first <= s->kept.last)
        return true;
    if (s->has_base && s->base.seq) {
        fill_in(s);
        return true;
    }
    return err_set(s->err, "there is nothing to start from: what was written back is lost, and the "
                           "records do not begin with the first: "
                           "restore a backup");
}

/* -- Copying */

static bool batch_out(struct salvage *s, bool all)
{
    if (s->n_batch < BATCH_BYTES && !all)
        return true;
    bool good = rocks_write(s->to, s->batch, false, s->err) == ROCKS_FINE;
    rocks_batch_clear(s->batch);
    s->n_batch = 0;
    return good;
}

static bool keep(struct salvage *s, enum rocks_space space, struct str key, struct str value)
{
    rocks_put(s->batch, space, key, value);
    s->n_batch += key.n + value.n;
    return batch_out(s, false);
}

static bool keep_block(void *ctx, struct str key, struct str value)
{
    struct salvage *s = ctx;
    uint64_t seq;
    if (!block_key_seq(key, &seq) || seq < s->kept.first || seq > s->kept.last)
        return true;
    return keep(s, ROCKS_BLOCKS, key, value);
}

static bool keep_page(void *ctx, struct str key, struct str value)
{
    struct salvage *s = ctx;
    struct page p;
    struct err err = {0};
    if (!page_read(&p, key, value, &err)) {
        findings_add(&s->found, "%s", err.text);
        s->n_bad_pages++;
        return true;
    }
    if (p.generation > s->base.generation || meta_is_aborted(&s->run, p.generation)) {
        s->n_old_pages++;
        return true;
    }
    s->n_pages++;
    return keep(s, ROCKS_PAGES, key, value);
}

static bool keep_due(void *ctx, struct str key, struct str value)
{
    struct page_due due;
    return !page_due_read(&due, key, value) || keep(ctx, ROCKS_DUE, key, value);
}

static bool keep_meta(struct salvage *s)
{
    if (s->has_run) { /* the next start goes on under a new epoch: sequences are given again */
        meta_forget_epoch(&s->run);
        meta_put_run(s->batch, &s->run);
    }
    if (s->has_base)
        meta_put_base(s->batch, s->base.generation, s->base.seq, buf_str(&s->base.state));
    bool good = batch_out(s, true);
    for (int space = ROCKS_SPACES - 1; good && space >= 0;
         space--) /* what stands for the whole comes last */
        good = rocks_flush(s->to, (enum rocks_space)space, s->err) == ROCKS_FINE;
    return good;
}

static bool keep_all(struct salvage *s)
{
    struct findings told = {
        .out = fopen("/dev/null", "w")}; /* the blocks were told of when they were seen */
    uint64_t n_gaps = 0;
    bool good = told.out && walk_space(s->from, ROCKS_BLOCKS, &told, &n_gaps, keep_block, s);
    if (told.out)
        fclose(told.out);
    if (good && s->has_base)
        good = walk_space(s->from, ROCKS_PAGES, &s->found, &s->n_gaps, keep_page, s) &&
               walk_space(s->from, ROCKS_DUE, &s->found, &n_gaps, keep_due, s);
    if (!good || !keep_meta(s))
        return err_set(s->err, "what was read could not be written");
    if (s->has_base)
        fprintf(s->found.out,
                "kept: %" PRIu64 " pages, as of record %" PRIu64 "; lost: %" PRIu64
                " damaged ones%s; left out: %" PRIu64 " of a write-back that was never completed\n",
                s->n_pages, s->base.seq, s->n_bad_pages,
                s->n_gaps ? ", and some that can't be counted" : "", s->n_old_pages);
    else
        fprintf(s->found.out, "nothing was written back: everything comes from the records\n");
    return true;
}

/* -- The folders */

static bool salvage_into(struct salvage *s, const char *db)
{
    uint64_t cut;
    enum rocks_trouble why;
    struct rocks_options o = {.create = true};
    s->to = rocks_open(db, &o, &cut, &why, s->err);
    if (!s->to)
        return false;
    s->batch = rocks_batch_new(s->to);
    see_meta(s);
    walk_space(s->from, ROCKS_BLOCKS, &s->found, &s->n_gaps, see_block, s);
    s->n_gaps = 0;
    return choose(s) && keep_all(s);
}

static void salvage_fini(struct salvage *s)
{
    if (s->batch)
        rocks_batch_free(s->batch);
    rocks_close(s->to);
    rocks_close(s->from);
    meta_run_fini(&s->run);
    meta_base_fini(&s->base);
    free(s->spans);
}

static bool salvage_folder(struct datadir *from, struct datadir *to, FILE *out, struct err *err)
{
    struct salvage s = {.found = {.out = out}, .err = err};
    struct buf aside = {0};
    buf_printf(&aside, "%s.wreck", datadir_db(to));
    buf_putc(&aside, 0);
    s.from = wreck_open(datadir_db(from), aside.p, out, err);
    bool good = s.from && salvage_into(&s, datadir_db(to));
    /* Without a record of a run the first start makes one, as it does in a folder whose making was interrupted. */
    if (good && s.has_run)
        good = datadir_done(to, err);
    salvage_fini(&s);
    buf_fini(&aside);
    return good;
}

bool journal_salvage(const char *from, const char *to, FILE *out, struct err *err)
{
    struct datadir *wreck = datadir_open(from, DATADIR_WRECK, NULL, err);
    struct datadir *made = wreck ? datadir_open(to, DATADIR_NEW, NULL, err) : NULL;
    bool good = made && salvage_folder(wreck, made, out, err);
    datadir_close(made);
    datadir_close(wreck);
    return good;
}
