/* table.c -- a hash table of pointers in many shards, so that tens of millions of entries grow without a pause.
 *
 * A shard is an open-addressed table of its own: when it is three quarters full it doubles, alone, which at ten million entries
 * moves ten thousand. The whole hash stands beside the pointer: a probe touches one line, and growth none of the entries.
 * SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"

#include <stdlib.h>

static struct table_shard *shard_of(const struct table *t, uint64_t hash)
{
    return (struct table_shard *)&t->shards[hash >> 54];
}

void table_fini(struct table *t)
{
    for (size_t i = 0; i < TABLE_SHARDS; i++)
        free(t->shards[i].slots);
}

void *table_get(const struct table *t, uint64_t hash, bool (*same)(const void *p, const void *key), const void *key)
{
    const struct table_shard *sh = shard_of(t, hash);
    if (sh->n == 0)
        return NULL;
    for (uint32_t i = (uint32_t)hash & (sh->cap - 1); sh->slots[i].p; i = (i + 1) & (sh->cap - 1))
        if (sh->slots[i].hash == hash && same(sh->slots[i].p, key))
            return sh->slots[i].p;
    return NULL;
}

static void shard_put(struct table_shard *sh, uint64_t hash, void *p)
{
    uint32_t i = (uint32_t)hash & (sh->cap - 1);
    while (sh->slots[i].p)
        i = (i + 1) & (sh->cap - 1);
    sh->slots[i] = (struct table_slot){hash, p};
    sh->n++;
}

static void shard_grow(struct table *t, struct table_shard *sh)
{
    struct table_shard big = {.cap = sh->cap ? sh->cap * 2 : 4};
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
    if (sh->n >= sh->cap - sh->cap / 4)
        shard_grow(t, sh);
    shard_put(sh, hash, p);
    t->n++;
}

void table_del(struct table *t, uint64_t hash, const void *p)
{
    struct table_shard *sh = shard_of(t, hash);
    uint32_t mask = sh->cap - 1, i = (uint32_t)hash & mask;
    while (sh->slots[i].p != p)
        i = (i + 1) & mask;
    /* Moves back whoever would not be found any more behind the gap. */
    for (uint32_t j = (i + 1) & mask; sh->slots[j].p; j = (j + 1) & mask) {
        uint32_t home = (uint32_t)sh->slots[j].hash & mask;
        if (((j - home) & mask) >= ((j - i) & mask)) {
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
        __builtin_prefetch(&sh->slots[(uint32_t)hash & (sh->cap - 1)]);
}
