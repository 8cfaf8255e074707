/* page_value.c -- one version of a page as a value, its earliest timer as a key.
 *
 *     ROCKS_PAGES: key 16, slot 1 -> expires_ms i64 | generation u32 | XXH3-64 of all the rest and of the key | bytes
 *     ROCKS_DUE:   due_ms i64, big endian | key 16, slot 1 -> what is shown of it
 *
 * expires_ms and due_ms stand where rocks_options.past_ms wants them. The key is in the checksum so that a version which turns
 * up in another's place is found out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal_internal.h"

#include <inttypes.h>
#include <xxhash.h>

enum { SUM_AT = 12 };

void page_place(const struct page_key *key, uint8_t slot, uint8_t out[PAGE_PLACE])
{
    memcpy(out, key->bytes, PAGE_KEY);
    out[PAGE_KEY] = slot;
}

/* head: what stands before the sum. */
static uint64_t page_sum(const uint8_t place[PAGE_PLACE], const char *head, struct str bytes)
{
    char front[PAGE_PLACE + SUM_AT];
    memcpy(front, place, PAGE_PLACE);
    memcpy(front + PAGE_PLACE, head, SUM_AT);
    return XXH3_64bits_withSeed(bytes.n ? bytes.p : "", bytes.n, XXH3_64bits(front, sizeof(front)));
}

void page_write(struct buf *out, const struct page *p, uint32_t generation)
{
    uint8_t place[PAGE_PLACE];
    size_t at = out->n;
    page_place(&p->key, p->slot, place);
    pack_u64(out, (uint64_t)p->expires_ms);
    pack_u32(out, generation);
    pack_u64(out, page_sum(place, out->p + at, p->bytes));
    buf_put(out, p->bytes.p, p->bytes.n);
}

static bool page_bad(struct err *err, struct str place, const char *what)
{
    char hex[2 * PAGE_PLACE + 1] = "";
    for (size_t i = 0; i < MIN_OF(place.n, (size_t)PAGE_PLACE); i++)
        snprintf(hex + 2 * i, 3, "%02x", (uint8_t)place.p[i]);
    return err_set(err, "profile page %s: %s: restore a backup, or `signalbox journal salvage`",
                   hex, what);
}

bool page_read(struct page *out, struct str place, struct str value, struct err *err)
{
    *out = (struct page){.due_ms = INT64_MAX};
    if (place.n != PAGE_PLACE || (uint8_t)place.p[PAGE_KEY] >= PAGE_SLOTS)
        return page_bad(err, place, "its key is none");
    struct unpack in = unpack_of(value);
    memcpy(out->key.bytes, place.p, PAGE_KEY);
    out->slot = (uint8_t)place.p[PAGE_KEY];
    out->expires_ms = (int64_t)unpack_u64(&in);
    out->generation = unpack_u32(&in);
    uint64_t sum = unpack_u64(&in);
    if (in.bad)
        return page_bad(err, place, "it is cut short");
    out->bytes = (struct str){in.p, (size_t)(in.end - in.p)};
    if (sum != page_sum((const uint8_t *)place.p, value.p, out->bytes))
        return page_bad(err, place, "its checksum is wrong");
    return true;
}

/* -- timers: times before 1970 are kept as 1970, so that keys stand in order of time */
void page_due_key(const struct page *p, uint8_t out[DUE_KEY])
{
    block_key((uint64_t)MAX_OF(p->due_ms, 0), out);
    page_place(&p->key, p->slot, out + 8);
}

bool page_due_read(struct page_due *out, struct str key, struct str value)
{
    uint64_t due_ms;
    if (key.n != DUE_KEY || !block_key_seq((struct str){key.p, 8}, &due_ms) || due_ms > INT64_MAX)
        return false;
    out->due_ms = (int64_t)due_ms;
    memcpy(out->key.bytes, key.p + 8, PAGE_KEY);
    out->what = value;
    return true;
}
