/* salvage.c -- of a damaged folder, what a server can start from, in a new folder.
 *
 * A start needs pages as of one record, and every record behind it. So what is kept is the last complete generation with the
 * longest run of records, without a gap, that joins it: backwards for history, forwards to the end. Records behind a gap are
 * lost even where they can be read: applied without those before them they would give wrong values. Without a generation the
 * records must begin with the first. Where they do, and pages are lost, the pages that are left are not kept either: the
 * records give all of them anew. Whatever is left out is told, with sequences and times.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/datadir.h"
#include "journal/gather.h"

#include <inttypes.h>
#include <stdlib.h>

struct span { /* blocks without a gap */
    uint64_t first, last;
    int64_t first_ms, last_ms;
};
struct salvage {
    struct gathered from;
    struct span *spans;
    size_t n_spans, cap_spans;
    struct span kept;
    bool filled;     /* kept is one empty record */
    int64_t base_ms; /* when the base's record came, or the first behind it */
};

/* -- Which records */

static bool see_block(void *ctx, struct str key, struct str value)
{
    struct salvage *s = ctx;
    struct block_head h;
    struct err err = {0};
    if (!block_head(key, value, &h, &err)) /* it was whole when it was gathered */
        return err_set(s->from.err, "%s", err.text);
    struct span *last = s->n_spans ? &s->spans[s->n_spans - 1] : NULL;
    if (!last || h.seq != last->last + 1) {
        s->spans = xgrow(s->spans, s->n_spans, &s->cap_spans, sizeof(*s->spans));
        last = &s->spans[s->n_spans++];
        *last = (struct span){.first = h.seq, .first_ms = h.first_ms};
    }
    last->last = block_last_seq(&h);
    last->last_ms = h.last_ms;
    if (h.seq <= s->from.base.seq + 1)
        s->base_ms = h.last_ms;
    return true;
}

static void tell_spans(const struct salvage *s)
{
    FILE *out = s->from.found.out;
    uint64_t next = s->n_spans ? s->spans[0].first : 0;
    if (next > 1)
        fprintf(out,
                "not there: records 1 to %" PRIu64 ": let go of because of their age, or lost\n",
                next - 1);
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
    if (s->from.bad_log && s->n_spans)
        fprintf(out,
                "lost: records %" PRIu64
                " and on, if there were any, from %s on: a log is damaged or gone, "
                "and nothing that can be read is behind them\n",
                next, time_text(s->spans[s->n_spans - 1].last_ms).text);
}

static void drop_blocks(struct salvage *s, uint64_t from, uint64_t to)
{
    uint8_t first[BLOCK_KEY], end[BLOCK_KEY];
    block_key(from, first);
    block_key(to, end);
    rocks_del_range(s->from.batch, ROCKS_BLOCKS, (struct str){(char *)first, BLOCK_KEY},
                    (struct str){(char *)end, BLOCK_KEY});
}

/* Before a generation is written, the record that it is as of is there: when it is lost, an empty one takes its place. */
static void fill_in(struct salvage *s)
{
    struct buf value = {0};
    uint8_t key[BLOCK_KEY];
    struct record r = {.kind = RECORD_TICK,
                       .seq = s->from.base.seq,
                       .least_ms = INT64_MAX,
                       .greatest_ms = INT64_MIN};
    for (size_t i = 0; i < s->n_spans && s->spans[i].last < r.seq; i++)
        r.now_ms = s->spans[i].last_ms;
    block_write(&value, &r, &r, SIZE_MAX);
    block_key(r.seq, key);
    rocks_put(s->from.batch, ROCKS_BLOCKS, (struct str){(char *)key, BLOCK_KEY}, buf_str(&value));
    buf_fini(&value);
    s->kept = (struct span){r.seq, r.seq, r.now_ms, r.now_ms};
    s->filled = true;
    fprintf(s->from.found.out,
            "lost: record %" PRIu64
            ", and all before it: their effect is in what was written back\n",
            r.seq);
}

static bool keep_records(struct salvage *s)
{
    for (size_t i = 0; i < s->n_spans; i++)
        if (s->spans[i].first != s->kept.first)
            drop_blocks(s, s->spans[i].first, s->spans[i].last + 1);
    if (s->kept.first > s->kept.last)
        fill_in(s);
    return gather_write(&s->from, true);
}

static bool choose_records(struct salvage *s)
{
    const struct meta_base *base = &s->from.base;
    uint64_t gaps = 0;
    if (!gather_blocks(&s->from) ||
        !walk_space(s->from.to, ROCKS_BLOCKS, &s->from.found, &gaps, see_block, s))
        return false;
    s->kept = (struct span){.first = 1, .last = 0};
    for (size_t i = 0; i < s->n_spans; i++)
        if (s->spans[i].first <= base->seq + 1 && s->spans[i].last >= base->seq)
            s->kept = s->spans[i];
    tell_spans(s);
    if (s->kept.first > s->kept.last && !base->seq)
        return err_set(s->from.err,
                       "there is nothing to start from: what was written back is lost, and the "
                       "records do not begin with the first: restore a backup");
    return keep_records(s);
}

/* -- Which pages */

static void tell_damage(const struct gathered *g)
{
    FILE *out = g->found.out;
    if (g->n_bad || g->n_bad_due)
        fprintf(out, "lost: %" PRIu64 " damaged pages, %" PRIu64 " damaged timers\n", g->n_bad,
                g->n_bad_due);
    if (g->n_gaps)
        fprintf(out,
                "lost: pages or timers in %" PRIu64
                " places that can't be read: how many can't be told\n",
                g->n_gaps);
    if (g->n_ahead)
        fprintf(out,
                "lost: the record of the newest write-back, of which %" PRIu64 " pages are there\n",
                g->n_ahead);
    if (g->guessed)
        fprintf(out, "lost: the list of files: whether pages are missing can't be told\n");
}

/* None of them was kept, so the next start begins with the first record and with no generation. */
static void drop_pages(struct gathered *g)
{
    meta_base_fini(&g->base);
    g->run.begun = 0;
    g->run.n_aborted = 0;
    fprintf(g->found.out,
            "left out: what was written back, as it is not whole: the records begin with the "
            "first and give everything anew, so nothing is lost by it; the first start applies "
            "all of them and takes longer\n");
}

static void tell_pages(const struct salvage *s)
{
    const struct gathered *g = &s->from;
    FILE *out = g->found.out;
    fprintf(out,
            "kept: %" PRIu64 " pages, as of record %" PRIu64 "; left out: %" PRIu64
            " of a write-back that was never completed\n",
            g->n_pages, g->base.seq, g->n_left_out);
    if (gathered_all_pages(g))
        return;
    fprintf(out,
            "WARNING: WRONG VALUES: what was written back is not whole%s, and the records do not "
            "reach back to the first to give it anew.\n"
            "WARNING: a profile whose page is lost begins with an older page, or with nothing, and "
            "with what records %" PRIu64
            " on add to it: whatever came before, up to %s, is missing "
            "from its values and timers, and the server can't tell whose.\n"
            "WARNING: restore a backup if there is one\n",
            g->guessed && !g->n_ahead && !g->n_bad && !g->n_bad_due && !g->n_gaps
                ? ", as far as can be told"
                : "",
            g->base.seq + 1, time_text(s->base_ms).text);
}

static bool choose_pages(struct salvage *s)
{
    struct gathered *g = &s->from;
    if (!g->base.generation) {
        fprintf(g->found.out, "nothing was written back: everything comes from the records\n");
        return true;
    }
    bool replayable = s->kept.first == 1 && !s->filled;
    if (!gather_pages(g, replayable))
        return false;
    tell_damage(g);
    if (replayable && !gathered_all_pages(g))
        drop_pages(g);
    else
        tell_pages(s);
    return true;
}

/* -- The folders */

static bool keep_meta(struct salvage *s)
{
    struct gathered *g = &s->from;
    if (g->has_run) { /* the next start goes on under a new epoch: sequences are given again */
        meta_forget_epoch(&g->run);
        meta_put_run(g->batch, &g->run);
    }
    if (g->base.generation)
        meta_put_base(g->batch, g->base.generation, g->base.seq, buf_str(&g->base.state));
    bool good = gather_write(g, true);
    for (int space = ROCKS_SPACES - 1; good && space >= 0;
         space--) /* what stands for the whole comes last */
        good = rocks_flush(g->to, (enum rocks_space)space, g->err) == ROCKS_FINE;
    return good;
}

static bool salvage_all(struct salvage *s)
{
    gather_meta(&s->from);
    if (choose_records(s) && choose_pages(s) && keep_meta(s))
        return true;
    return err_set(s->from.err, "what was read could not be written");
}

static bool salvage_folder(struct datadir *from, struct datadir *to, FILE *out, struct err *err)
{
    struct salvage s = {.from = {.found = {.out = out}, .err = err}};
    struct buf aside = {0};
    buf_printf(&aside, "%s.wreck", datadir_db(to));
    buf_putc(&aside, 0);
    bool good = gather_open(&s.from, datadir_db(from), aside.p, datadir_db(to)) && salvage_all(&s);
    /* Without a record of a run the first start makes one, as it does in a folder whose making was interrupted. */
    if (good && s.from.has_run)
        good = datadir_done(to, err);
    gathered_fini(&s.from);
    free(s.spans);
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
