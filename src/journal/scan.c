/* scan.c -- reading records back, in order and without a gap.
 *
 * An iterator sees the database as of when it was made, so that a scan may run while records are written and while old ones
 * are let go. It ends at what was durable when it began: a block may be seen before it is synced.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal_internal.h"

#include <inttypes.h>

static bool missing(struct journal *j, uint64_t from, uint64_t to, struct err *err)
{
    return err_set(err,
                   "journal: records %" PRIu64 " to %" PRIu64
                   " are missing in %s: restore a backup, or `signalbox journal "
                   "salvage`",
                   from, to, j->db_dir);
}

static bool seek_seq(struct rocks_iter *i, uint64_t seq, bool back, struct err *err)
{
    uint8_t key[BLOCK_KEY];
    block_key(seq, key);
    struct str s = {(char *)key, BLOCK_KEY};
    return back ? rocks_seek_back(i, s, err) : rocks_seek(i, s, err);
}

/* Damage is told with the folder it is in. */
static bool in_folder(struct journal *j, const struct err *what, struct err *err)
{
    return err_set(err, "journal: %s: %s: restore a backup, or `signalbox journal salvage`",
                   j->db_dir, what->text);
}

static bool find(struct journal *j, uint64_t seq, bool back, struct block_head *out,
                 struct err *err)
{
    struct err what = {0};
    struct rocks_iter *i = rocks_iter_new(j->rocks, ROCKS_BLOCKS);
    bool found = seek_seq(i, seq, back, err);
    if (found && !block_head(rocks_key(i), rocks_value(i), out, &what))
        found = in_folder(j, &what, err);
    rocks_iter_free(i);
    return found;
}

bool scan_find(struct journal *j, uint64_t seq, struct block_head *out, struct err *err)
{
    return find(j, seq, true, out, err);
}

bool scan_first(struct journal *j, struct block_head *out, struct err *err)
{
    return find(j, 0, false, out, err);
}

/* Stands on the block that holds seq or, when there is none, on the next one. */
static bool stand_on(struct journal *j, struct rocks_iter *i, uint64_t seq, struct err *err)
{
    struct block_head h;
    struct err what = {0};
    if (seek_seq(i, seq, true, err)) {
        if (!block_head(rocks_key(i), rocks_value(i), &h, &what))
            return in_folder(j, &what, err);
        return block_last_seq(&h) >= seq || rocks_next(i, err);
    }
    return !err->set && seek_seq(i, seq, false, err);
}

static bool walk(struct journal *j, struct rocks_iter *i, uint64_t from, uint64_t until,
                 scan_block_fn *visit, void *ctx, struct err *err)
{
    bool first = true;
    for (bool there = stand_on(j, i, from, err); from <= until; there = rocks_next(i, err)) {
        struct block_head h;
        struct err what = {0};
        if (!there)
            return err->set ? false : missing(j, from, until, err);
        if (!block_head(rocks_key(i), rocks_value(i), &h, &what))
            return in_folder(j, &what, err);
        if (h.seq > from)
            return missing(j, from, h.seq - 1, err);
        if (h.seq < from && !first)
            return err_set(&what, "records from %" PRIu64 " on are there twice", h.seq),
                   in_folder(j, &what, err);
        if (!visit(ctx, rocks_key(i), rocks_value(i), &h, err))
            return false;
        from = block_last_seq(&h) + 1;
        first = false;
    }
    return true;
}

bool scan_blocks(struct journal *j, uint64_t from, uint64_t until, scan_block_fn *visit, void *ctx,
                 struct err *err)
{
    struct rocks_iter *i = rocks_iter_new(j->rocks, ROCKS_BLOCKS);
    uint64_t oldest =
        journal_oldest(j); /* read behind the iterator: what goes from now on, it still sees */
    bool good = walk(j, i, MAX_OF(from, oldest), until, visit, ctx, err);
    rocks_iter_free(i);
    return good;
}

/* -- record by record */
struct scan {
    struct journal *j;
    uint64_t from, until;
    journal_visit_fn *visit;
    void *ctx;
};

static bool scan_block(void *ctx, struct str key, struct str value, const struct block_head *h,
                       struct err *err)
{
    struct scan *s = ctx;
    struct block_reader b;
    struct record_view r;
    struct err what = {0};
    bool good = block_open(&b, key, value, &what);
    while (good && block_next(&b, &r, &what) && r.seq <= s->until)
        if (r.seq >= s->from && !s->visit(s->ctx, &r, err))
            return false;
    return what.set ? in_folder(s->j, &what, err) : good;
}

bool journal_scan(struct journal *j, uint64_t from, journal_visit_fn *visit, void *ctx,
                  struct err *err)
{
    struct err own = {0}; /* err may be NULL, and is looked at */
    if (!j->rocks)
        return true;
    pthread_mutex_lock(&j->lock);
    struct scan s = {j, MAX_OF(from, 1), j->durable_seq, visit, ctx};
    pthread_mutex_unlock(&j->lock);
    bool good = scan_blocks(j, s.from, s.until, scan_block, &s, &own);
    if (own.set)
        err_set(err, "%s", own.text);
    return good;
}

uint64_t journal_oldest(struct journal *j)
{
    return j->rocks ? atomic_load(&j->oldest) : journal_seq(j) + 1;
}
