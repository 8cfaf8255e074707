/* dedupe.c -- the event ids a profile has seen in the last day.
 *
 * Of an id forty bits of its hash are kept and the second in which it came, in one word: among 4096
 * ids a new one is mistaken for an old one once in 2.7 * 10^8. Words stand in a ring in the order
 * in which they came, so that the past falls off one end; most profiles hold a few and are searched
 * from end to end, the others get an index. SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"

enum { SECOND_BITS = 24, INDEX_FROM = 64 };
#define SECOND_MASK ((1u << SECOND_BITS) - 1)

struct dedupe {
    uint32_t n, cap, head; /* head: where the oldest is */
    uint32_t index_cap;    /* 0: none */
    uint64_t ring[];       /* behind it the index: open addressing, place in the ring + 1 */
};

static size_t dedupe_size(uint32_t cap, uint32_t index_cap)
{
    return sizeof(struct dedupe) + cap * sizeof(uint64_t) + index_cap * sizeof(uint32_t);
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
    return (uint32_t)mix64(hash_part(word)) & (d->index_cap - 1);
}

static void index_put(struct dedupe *d, uint32_t at)
{
    uint32_t i = index_home(d, d->ring[at]);
    uint32_t *index = index_of(d);
    while (index[i])
        i = (i + 1) & (d->index_cap - 1);
    index[i] = at + 1;
}

static void index_del(struct dedupe *d, uint32_t at)
{
    uint32_t mask = d->index_cap - 1, i = index_home(d, d->ring[at]);
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
    if (!d->index_cap) {
        for (uint32_t i = 0; i < d->n; i++)
            if (hash_part(d->ring[place(d, i)]) == hash_part(word))
                return true;
        return false;
    }
    const uint32_t *index = index_of(d);
    for (uint32_t i = index_home(d, word); index[i]; i = (i + 1) & (d->index_cap - 1))
        if (hash_part(d->ring[index[i] - 1]) == hash_part(word))
            return true;
    return false;
}

/* Moves everything to a ring of another size, and makes the index that goes with it. */
static struct dedupe *dedupe_resize(struct store *s, struct dedupe *old, uint32_t cap)
{
    uint32_t index_cap = cap >= INDEX_FROM ? INDEX_FROM : 0;
    while (index_cap && index_cap < cap + cap / 2)
        index_cap *= 2;
    struct dedupe *d = store_alloc(s, dedupe_size(cap, index_cap));
    *d = (struct dedupe){.cap = cap, .index_cap = index_cap, .n = old ? old->n : 0};
    memset(index_of(d), 0, index_cap * sizeof(uint32_t));
    for (uint32_t i = 0; i < d->n; i++) {
        d->ring[i] = old->ring[place(old, i)];
        if (index_cap)
            index_put(d, i);
    }
    dedupe_free(s, &old);
    return d;
}

static void dedupe_pop(struct dedupe *d)
{
    if (d->index_cap)
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
    uint32_t at = place(d, d->n);
    d->ring[at] = word;
    d->n++;
    if (d->index_cap)
        index_put(d, at);
    return false;
}

void dedupe_free(struct store *s, struct dedupe **dedupe)
{
    struct dedupe *d = *dedupe;
    if (!d)
        return;
    store_release(s, d, dedupe_size(d->cap, d->index_cap));
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
