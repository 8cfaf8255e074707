/* block.c -- records that were committed together, as bytes and back.
 *
 *     version u8 | n u32 | seq u64 | first_ms | last_ms | least_ms | greatest_ms, each i64 | records | XXH3-64 of all before it
 *     a record: kind, now_ms less that of the one before, length: varints; bytes
 *
 * The head has a fixed size, so that whoever looks for a time or a gap reads no records. The checksum is over what was given to
 * the database and is checked on what it gives back: between the two nothing else has to be trusted.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal_internal.h"

#include <inttypes.h>
#include <xxhash.h>

enum { VERSION = 1, SUM = 8, RECORD_MIN = 3 };

void block_key(uint64_t seq, uint8_t out[BLOCK_KEY])
{
    for (int i = BLOCK_KEY - 1; i >= 0; i--, seq >>= 8)
        out[i] = (uint8_t)seq;
}

bool block_key_seq(struct str key, uint64_t *seq)
{
    if (key.n != BLOCK_KEY)
        return false;
    *seq = 0;
    for (size_t i = 0; i < BLOCK_KEY; i++)
        *seq = *seq << 8 | (uint8_t)key.p[i];
    return true;
}

uint64_t block_last_seq(const struct block_head *h)
{
    return h->seq + h->n - 1;
}

/* -- to bytes */
static void write_head(struct buf *out, const struct block_head *h)
{
    struct buf head = {out->p, 0, BLOCK_HEAD}; /* the place that was kept free */
    buf_putc(&head, VERSION);
    pack_u32(&head, h->n);
    pack_u64(&head, h->seq);
    pack_u64(&head, (uint64_t)h->first_ms);
    pack_u64(&head, (uint64_t)h->last_ms);
    pack_u64(&head, (uint64_t)h->least_ms);
    pack_u64(&head, (uint64_t)h->greatest_ms);
}

struct record *block_write(struct buf *out, struct record *first, const struct record *last,
                           size_t max_bytes)
{
    struct block_head h = {0, first->seq, first->now_ms, first->now_ms, INT64_MAX, INT64_MIN};
    struct record *r = first;
    out->n = 0;
    buf_reserve(out, BLOCK_HEAD);
    out->n = BLOCK_HEAD;
    for (;; r = r->next) {
        pack_uint(out, r->kind);
        pack_uint(out, (uint64_t)r->now_ms - (uint64_t)h.last_ms);
        pack_str(out, r->bytes);
        h.n++;
        h.last_ms = r->now_ms;
        if (r->least_ms <= r->greatest_ms) {
            h.least_ms = MIN_OF(h.least_ms, r->least_ms);
            h.greatest_ms = MAX_OF(h.greatest_ms, r->greatest_ms);
        }
        if (r == last || out->n + r->next->bytes.n > max_bytes)
            break;
    }
    write_head(out, &h);
    pack_u64(out, XXH3_64bits(out->p, out->n));
    return r;
}

/* -- and back */
static bool head_holds(const struct block_head *h, uint64_t key_seq, size_t n_bytes)
{
    return h->n && h->n <= n_bytes / RECORD_MIN && h->seq && h->seq == key_seq &&
           h->seq <= UINT64_MAX - h->n && h->first_ms <= h->last_ms;
}

bool block_head(struct str key, struct str value, struct block_head *out, struct err *err)
{
    uint64_t seq;
    if (!block_key_seq(key, &seq))
        return err_set(err, "a block has a key of %zu bytes: the folder is damaged", key.n);
    struct unpack in = unpack_of(value);
    struct str version = unpack_bytes(&in, 1);
    if (version.n && *version.p != VERSION)
        return err_set(
            err,
            "record %" PRIu64
            ": its block has format %d, this program knows %d: it was written by a newer "
            "version, or is damaged",
            seq, (uint8_t)*version.p, VERSION);
    out->n = unpack_u32(&in);
    out->seq = unpack_u64(&in);
    out->first_ms = (int64_t)unpack_u64(&in);
    out->last_ms = (int64_t)unpack_u64(&in);
    out->least_ms = (int64_t)unpack_u64(&in);
    out->greatest_ms = (int64_t)unpack_u64(&in);
    if (in.bad || (size_t)(in.end - in.p) < SUM ||
        !head_holds(out, seq, (size_t)(in.end - in.p) - SUM))
        return err_set(err, "record %" PRIu64 ": the head of its block is damaged", seq);
    return true;
}

bool block_open(struct block_reader *b, struct str key, struct str value, struct err *err)
{
    uint64_t seq, sum;
    *b = (struct block_reader){0};
    if (block_key_seq(key, &seq) && value.n > SUM) {
        memcpy(&sum, value.p + value.n - SUM, SUM);
        if (sum != XXH3_64bits(value.p, value.n - SUM))
            return err_set(err,
                           "record %" PRIu64 ": the checksum of its block of %zu bytes is wrong",
                           seq, value.n);
    }
    if (!block_head(key, value, &b->head, err))
        return false;
    b->in = unpack_of((struct str){value.p + BLOCK_HEAD, value.n - BLOCK_HEAD - SUM});
    b->now_ms = b->head.first_ms;
    return true;
}

static bool block_end(const struct block_reader *b, struct err *err)
{
    if (!unpack_done(&b->in) || b->now_ms != b->head.last_ms)
        err_set(err, "record %" PRIu64 ": its block does not end as its head says",
                block_last_seq(&b->head));
    return false;
}

bool block_next(struct block_reader *b, struct record_view *out, struct err *err)
{
    if (b->n_read == b->head.n)
        return block_end(b, err);
    uint64_t seq = b->head.seq + b->n_read;
    uint64_t kind = unpack_uint(&b->in), delta_ms = unpack_uint(&b->in);
    struct str bytes = unpack_str(&b->in);
    if (b->in.bad || delta_ms > (uint64_t)b->head.last_ms - (uint64_t)b->now_ms)
        return err_set(err, "record %" PRIu64 ": it does not fit into its block", seq);
    if (kind < RECORD_BATCH || kind > RECORD_SWAP)
        return err_set(err,
                       "record %" PRIu64 ": it is of kind %" PRIu64
                       ", which this program does not know: it was written "
                       "by a newer version",
                       seq, kind);
    b->now_ms = (int64_t)((uint64_t)b->now_ms + delta_ms);
    b->n_read++;
    *out = (struct record_view){(enum record_kind)kind, seq, b->now_ms, bytes};
    return true;
}
