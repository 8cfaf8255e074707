/* trim.c -- letting go of blocks that are too old, or too many.
 *
 * What recovery needs stays: everything behind the base, and always the last block, which says where the sequence stands. now_ms
 * never steps back, so the blocks past an age are a run from the oldest on, and its end is found by halving.
 *
 * Files are dropped whole; the piece of a file that lies before the cut is only marked, and goes when the file is rewritten.
 * So a size is asked of what lies behind a record, not of the files: what is marked must not count.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal_internal.h"

#include <inttypes.h>

/* The first record that must stay whatever the limits say; 0: nothing may go. */
static uint64_t must_stay(struct journal *j, struct err *err)
{
    struct block_head h;
    pthread_mutex_lock(&j->meta_lock);
    uint64_t base_seq = j->base.seq;
    pthread_mutex_unlock(&j->meta_lock);
    pthread_mutex_lock(&j->lock);
    uint64_t durable = j->durable_seq;
    pthread_mutex_unlock(&j->lock);
    return base_seq && scan_find(j, MIN_OF(base_seq + 1, durable), &h, err) ? h.seq : 0;
}

/* The first block that is not older than limit_ms, from oldest to stay. */
static uint64_t cut_by_age(struct journal *j, uint64_t oldest, uint64_t stay, int64_t limit_ms,
                           struct err *err)
{
    struct block_head h;
    if (oldest >= stay || !scan_find(j, oldest, &h, err) || h.last_ms >= limit_ms)
        return oldest; /* as nearly always: one look */
    uint64_t low = block_last_seq(&h) + 1, high = stay;
    while (low < high) {
        if (!scan_find(j, low + (high - low) / 2, &h, err))
            return low;
        if (h.last_ms < limit_ms)
            low = block_last_seq(&h) + 1;
        else
            high = h.seq;
    }
    return low;
}

static uint64_t bytes_from(struct journal *j, uint64_t seq)
{
    uint8_t from[BLOCK_KEY], to[BLOCK_KEY];
    block_key(seq, from);
    block_key(UINT64_MAX, to);
    return rocks_range_bytes(j->rocks, ROCKS_BLOCKS, (struct str){(char *)from, BLOCK_KEY},
                             (struct str){(char *)to, BLOCK_KEY});
}

/* The first block from which on the files hold no more than keep_bytes, or stay. */
static uint64_t cut_by_size(struct journal *j, uint64_t oldest, uint64_t stay, struct err *err)
{
    struct block_head h;
    uint64_t low = oldest, high = stay;
    if (oldest >= stay || bytes_from(j, oldest) <= j->o.keep_bytes)
        return oldest;
    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        if (bytes_from(j, mid) > j->o.keep_bytes)
            low = mid + 1;
        else
            high = mid;
    }
    return scan_find(j, low, &h, err) ? h.seq : oldest;
}

/* The mark is on the disk before files go: else a power cut could leave pieces of what was let go, with gaps between them. */
static bool let_go(struct journal *j, uint64_t cut, struct err *err)
{
    uint8_t from[BLOCK_KEY], to[BLOCK_KEY];
    block_key(0, from);
    block_key(cut, to);
    struct str first = {(char *)from, BLOCK_KEY}, end = {(char *)to, BLOCK_KEY};
    struct rocks_batch *b = rocks_batch_new(j->rocks);
    rocks_del_range(b, ROCKS_BLOCKS, first, end);
    atomic_store(&j->oldest,
                 cut); /* before: a scan that begins meanwhile misses nothing it was told of */
    bool good = j->write(j->rocks, b, true, err) == ROCKS_FINE &&
                commit_sync(j, err) == ROCKS_FINE &&
                rocks_drop_files(j->rocks, ROCKS_BLOCKS, first, end, err) == ROCKS_FINE;
    rocks_batch_free(b);
    return good;
}

void journal_trim(struct journal *j, int64_t now_ms)
{
    struct err err = {0};
    if (!j->rocks || journal_state(j) == JOURNAL_FAILED || (!j->o.keep_ms && !j->o.keep_bytes))
        return;
    uint64_t oldest = journal_oldest(j), cut = oldest, stay = must_stay(j, &err);
    if (j->o.keep_ms)
        cut = cut_by_age(j, oldest, stay, now_ms - j->o.keep_ms, &err);
    if (j->o.keep_bytes)
        cut = MAX_OF(cut, cut_by_size(j, oldest, stay, &err));
    if (cut > oldest && !err.set && let_go(j, cut, &err))
        log_info("journal: let go of records %" PRIu64 " to %" PRIu64, oldest, cut - 1);
    if (err.set)
        log_warn("journal: old records can't be let go of: %s", err.text);
}
