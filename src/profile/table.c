/* table.c -- a hash table of pointers in many shards, so that tens of millions of entries grow
 * without a pause.
 *
 * A shard is an open-addressed table of its own: when it is four fifths full it grows by half,
 * alone, which at ten million entries moves ten thousand. The whole hash stands beside the pointer:
 * a probe touches one line, and growth none of the entries. The place is the hash's fraction of the
 * table, so that entries keep their order as it grows. SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"

#include <stdlib.h>

static struct table_shard *shard_of(const struct table *t, uint64_t hash)
{
    return (struct table_shard *)&t->shards[hash >> 54];
}

static uint32_t home_of(const struct table_shard *sh, uint64_t hash)
{
    return (uint32_t)(((uint64_t)(uint32_t)hash * sh->cap) >> 32);
}

static uint32_t after(const struct table_shard *sh, uint32_t i)
{
    return i + 1 == sh->cap ? 0 : i + 1;
}

/* How far i lies behind from. */
static uint32_t distance(const struct table_shard *sh, uint32_t from, uint32_t i)
{
    return i >= from ? i - from : i + sh->cap - from;
}

void table_fini(struct table *t)
{
    for (size_t i = 0; i < TABLE_SHARDS; i++)
        free(t->shards[i].slots);
}

void *table_get(const struct table *t, uint64_t hash, bool (*same)(const void *p, const void *key),
                const void *key)
{
    const struct table_shard *sh = shard_of(t, hash);
    if (sh->n == 0)
        return NULL;
    for (uint32_t i = home_of(sh, hash); sh->slots[i].p; i = after(sh, i))
        if (sh->slots[i].hash == hash && same(sh->slots[i].p, key))
            return sh->slots[i].p;
    return NULL;
}

static void shard_put(struct table_shard *sh, uint64_t hash, void *p)
{
    uint32_t i = home_of(sh, hash);
    while (sh->slots[i].p)
        i = after(sh, i);
    sh->slots[i] = (struct table_slot){hash, p};
    sh->n++;
}

static void shard_grow(struct table *t, struct table_shard *sh)
{
    struct table_shard big = {.cap = sh->cap ? sh->cap + sh->cap / 2 : 4};
    big.slots = xcalloc(big.cap, sizeof(*big.slots));
    for (uint32_t i = 0; i < sh->cap; i++)
        if (sh->slots[i].p)
            shard_put(&big, sh->slots[i].hash, sh->slots[i].p);
    t->n_bytes += (big.cap - sh->cap) * sizeof(*big.slots);
    free(sh->slots);
    *sh = big;
}

void table_put(struct table *t, uint64_t hash, void *p)
{
    struct table_shard *sh = shard_of(t, hash);
    if (sh->n + 1 >= sh->cap - sh->cap / 5)
        shard_grow(t, sh);
    shard_put(sh, hash, p);
    t->n++;
}

void table_del(struct table *t, uint64_t hash, const void *p)
{
    struct table_shard *sh = shard_of(t, hash);
    uint32_t i = home_of(sh, hash);
    while (sh->slots[i].p != p)
        i = after(sh, i);
    /* Moves back whoever would not be found any more behind the gap. */
    for (uint32_t j = after(sh, i); sh->slots[j].p; j = after(sh, j)) {
        if (distance(sh, home_of(sh, sh->slots[j].hash), j) >= distance(sh, i, j)) {
            sh->slots[i] = sh->slots[j];
            i = j;
        }
    }
    sh->slots[i].p = NULL;
    sh->n--;
    t->n--;
}

void table_prefetch(const struct table *t, uint64_t hash)
{
    const struct table_shard *sh = shard_of(t, hash);
    if (sh->n)
        __builtin_prefetch(&sh->slots[home_of(sh, hash)]);
}

void *table_peek(const struct table *t, uint64_t hash)
{
    const struct table_shard *sh = shard_of(t, hash);
    if (sh->n == 0)
        return NULL;
    uint32_t i = home_of(sh, hash);
    while (sh->slots[i].p && sh->slots[i].hash != hash)
        i = after(sh, i);
    return sh->slots[i].p;
}
