/* dedupe.c -- the event ids a profile has seen in the last day.
 *
 * Of an id forty bits of its hash are kept and the second in which it came, in one word: among 4096
 * ids a new one is mistaken for an old one once in 2.7 * 10^8. Words stand in a ring in the order
 * in which they came, so that the past falls off one end; most profiles hold a few and are searched
 * from end to end, the others get an index. SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"
#include "profile/page.h"

enum { SECOND_BITS = 24, INDEX_FROM = 64 };
#define SECOND_MASK ((1u << SECOND_BITS) - 1)

struct dedupe {
    uint32_t n, cap, head; /* head: where the oldest is */
    uint32_t newest_s;     /* when the newest came: the words know it only within 194 days */
    uint64_t ring[];       /* behind it the index: open addressing, place in the ring + 1 */
};

/* A power of two; 0: a ring this short has none. */
static uint32_t index_cap(uint32_t cap)
{
    return cap < INDEX_FROM ? 0 : 1u << (32 - __builtin_clz(cap + cap / 2 - 1));
}

static uint32_t index_mask(const struct dedupe *d)
{
    return index_cap(d->cap) - 1;
}

static bool has_index(const struct dedupe *d)
{
    return d->cap >= INDEX_FROM;
}

static size_t dedupe_size(uint32_t cap)
{
    return sizeof(struct dedupe) + cap * sizeof(uint64_t) + index_cap(cap) * sizeof(uint32_t);
}

static uint32_t *index_of(const struct dedupe *d)
{
    return (uint32_t *)(d->ring + d->cap);
}

static uint32_t seconds(int64_t now_ms)
{
    return (uint32_t)(now_ms / 1000) & SECOND_MASK;
}

static uint64_t hash_part(uint64_t word)
{
    return word >> SECOND_BITS;
}

static uint32_t place(const struct dedupe *d, uint32_t i)
{
    uint32_t at = d->head + i;
    return at >= d->cap ? at - d->cap : at;
}

static uint32_t index_home(const struct dedupe *d, uint64_t word)
{
    return (uint32_t)mix64(hash_part(word)) & index_mask(d);
}

static void index_put(struct dedupe *d, uint32_t at)
{
    uint32_t mask = index_mask(d), i = index_home(d, d->ring[at]);
    uint32_t *index = index_of(d);
    while (index[i])
        i = (i + 1) & mask;
    index[i] = at + 1;
}

static void index_del(struct dedupe *d, uint32_t at)
{
    uint32_t mask = index_mask(d), i = index_home(d, d->ring[at]);
    uint32_t *index = index_of(d);
    while (index[i] != at + 1)
        i = (i + 1) & mask;
    for (uint32_t j = (i + 1) & mask; index[j]; j = (j + 1) & mask) {
        uint32_t home = index_home(d, d->ring[index[j] - 1]);
        if (((j - home) & mask) >= ((j - i) & mask)) {
            index[i] = index[j];
            i = j;
        }
    }
    index[i] = 0;
}

static bool dedupe_has(const struct dedupe *d, uint64_t word)
{
    if (!has_index(d)) {
        for (uint32_t i = 0; i < d->n; i++)
            if (hash_part(d->ring[place(d, i)]) == hash_part(word))
                return true;
        return false;
    }
    const uint32_t *index = index_of(d), mask = index_mask(d);
    for (uint32_t i = index_home(d, word); index[i]; i = (i + 1) & mask)
        if (hash_part(d->ring[index[i] - 1]) == hash_part(word))
            return true;
    return false;
}

static inline struct dedupe *dedupe_new(struct store *s, uint32_t cap)
{
    struct dedupe *d = store_alloc(s, dedupe_size(cap));
    *d = (struct dedupe){.cap = cap};
    memset(index_of(d), 0, index_cap(cap) * sizeof(uint32_t));
    return d;
}

/* There is room. */
static inline void dedupe_push(struct dedupe *d, uint64_t word)
{
    uint32_t at = place(d, d->n);
    d->ring[at] = word;
    d->n++;
    if (has_index(d))
        index_put(d, at);
}

/* Moves everything to a ring of another size, and makes the index that goes with it. */
static struct dedupe *dedupe_resize(struct store *s, struct dedupe *old, uint32_t cap)
{
    struct dedupe *d = dedupe_new(s, cap);
    if (!old)
        return d;
    d->newest_s = old->newest_s;
    for (d->n = 0; d->n < old->n; d->n++) {
        d->ring[d->n] = old->ring[place(old, d->n)];
        if (has_index(d))
            index_put(d, d->n);
    }
    dedupe_free(s, &old);
    return d;
}

static void dedupe_pop(struct dedupe *d)
{
    if (has_index(d))
        index_del(d, d->head);
    d->head = place(d, 1);
    d->n--;
}

bool dedupe_expire(struct store *s, struct dedupe **dedupe, int64_t now_ms)
{
    struct dedupe *d = *dedupe;
    int64_t keep_s = MIN_OF(s->limits.dedupe_ms / 1000, SECOND_MASK / 2);
    while (d && d->n && ((seconds(now_ms) - (uint32_t)d->ring[d->head]) & SECOND_MASK) > keep_s)
        dedupe_pop(d);
    if (d && d->n == 0)
        dedupe_free(s, dedupe);
    else if (d && d->cap > 16 && d->n <= d->cap / 4)
        *dedupe = dedupe_resize(s, d, d->cap / 2);
    return !*dedupe;
}

bool dedupe_seen(struct store *s, struct dedupe **dedupe, uint64_t event_id, int64_t now_ms)
{
    uint64_t word = mix64(event_id) << SECOND_BITS | seconds(now_ms);
    dedupe_expire(s, dedupe, now_ms);
    struct dedupe *d = *dedupe;
    if (d && dedupe_has(d, word))
        return true;
    if (d && d->n >= s->limits.dedupe_ids) {
        dedupe_pop(d);
        stat_add(STAT_DEDUPE_EVICTED, 1);
    }
    if (!d || d->n == d->cap) {
        uint32_t cap = !d ? 2 : d->cap < 16 ? d->cap + 2 : d->cap + d->cap / 2;
        d = *dedupe = dedupe_resize(s, d, MIN_OF(cap, MAX_OF(s->limits.dedupe_ids, 2u)));
    }
    dedupe_push(d, word);
    d->newest_s = (uint32_t)(now_ms / 1000);
    return false;
}

void dedupe_free(struct store *s, struct dedupe **dedupe)
{
    struct dedupe *d = *dedupe;
    if (!d)
        return;
    store_release(s, d, dedupe_size(d->cap));
    *dedupe = NULL;
}

/* Of the ids, not of when they came: that is the order of arrival. */
uint64_t dedupe_digest(const struct dedupe *d)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; d && i < d->n; i++)
        sum += mix64(hash_part(d->ring[place(d, i)]));
    return sum;
}

int64_t dedupe_until(const struct store *s, const struct dedupe *d)
{
    return d ? time_add((d->newest_s + (int64_t)1) * 1000, s->limits.dedupe_ms) : INT64_MIN;
}

/* -- as bytes: how many, when the newest came, and of each its hash and the seconds since the one before */

enum { HASH_BYTES = (64 - SECOND_BITS) / 8 };

void dedupe_save(struct page_out *o, const struct dedupe *d)
{
    put_uint(o, d ? d->n : 0);
    if (!d)
        return;
    put_uint(o, d->newest_s);
    uint32_t before = d->newest_s;
    for (uint32_t i = 0; i < d->n; i++) {
        uint64_t word = d->ring[place(d, i)], hash = hash_part(word);
        put_uint(o, ((uint32_t)word - before) & SECOND_MASK);
        buf_put(&o->buf, &hash, HASH_BYTES);
        before = (uint32_t)word;
    }
}

/* Of more than are remembered today the newest. */
bool dedupe_load(struct page_in *in, struct dedupe **dedupe)
{
    struct store *s = in->store;
    size_t n = unpack_count(&in->u, 1 + HASH_BYTES);
    if (n == 0)
        return !in->u.bad;
    uint64_t newest = get_uint(in);
    uint32_t before = (uint32_t)newest;
    if (in->u.bad || newest > UINT32_MAX)
        return page_bad(in);
    struct dedupe *d = dedupe_new(s, (uint32_t)MAX_OF(MIN_OF(n, (size_t)s->limits.dedupe_ids), 2u));
    for (size_t i = 0; i < n && !in->u.bad; i++) {
        before = (before + (uint32_t)get_uint(in)) & SECOND_MASK;
        struct str bytes = unpack_bytes(&in->u, HASH_BYTES);
        uint64_t hash = 0;
        if (bytes.n)
            memcpy(&hash, bytes.p, HASH_BYTES);
        if (n - i <= d->cap)
            dedupe_push(d, hash << SECOND_BITS | before);
    }
    d->newest_s = (uint32_t)newest;
    *dedupe = d;
    if (in->u.bad)
        dedupe_free(s, dedupe);
    return !in->u.bad;
}
