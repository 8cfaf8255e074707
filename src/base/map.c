/* map.c -- bytes -> pointer: open addressing, linear probing, deletion by shifting back.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <stdlib.h>

struct map_slot {
    uint64_t hash;
    struct str key; /* p == NULL: free */
    void *value;
};

void map_init(struct map *m)
{
    *m = (struct map){0};
}

void map_fini(struct map *m)
{
    for (size_t i = 0; i < m->cap; i++)
        free((char *)m->slots[i].key.p);
    free(m->slots);
    *m = (struct map){0};
}

/* The slot that holds the key, or the free one where it would go. */
static size_t find(const struct map *m, struct str key, uint64_t hash)
{
    size_t i = hash & (m->cap - 1);
    while (m->slots[i].key.p && !(m->slots[i].hash == hash && str_eq(m->slots[i].key, key)))
        i = (i + 1) & (m->cap - 1);
    return i;
}

void *map_get(const struct map *m, struct str key)
{
    if (m->n == 0)
        return NULL;
    return m->slots[find(m, key, str_hash(key))].value;
}

static void grow(struct map *m)
{
    struct map_slot *old = m->slots;
    size_t cap = m->cap;
    m->cap = cap ? cap * 2 : 8;
    m->slots = xcalloc(m->cap, sizeof(*m->slots));
    for (size_t i = 0; i < cap; i++)
        if (old[i].key.p)
            m->slots[find(m, old[i].key, old[i].hash)] = old[i];
    free(old);
}

void *map_put(struct map *m, struct str key, void *value)
{
    if (m->n * 4 >= m->cap * 3)
        grow(m);
    uint64_t hash = str_hash(key);
    struct map_slot *slot = &m->slots[find(m, key, hash)];
    void *before = slot->value;
    if (!slot->key.p) {
        char *copy = xmalloc(key.n + 1);
        if (key.n)
            memcpy(copy, key.p, key.n);
        copy[key.n] = 0;
        slot->hash = hash;
        slot->key = (struct str){copy, key.n};
        m->n++;
    }
    slot->value = value;
    return before;
}

void *map_del(struct map *m, struct str key)
{
    if (m->n == 0)
        return NULL;
    size_t hole = find(m, key, str_hash(key));
    void *value = m->slots[hole].value;
    if (!m->slots[hole].key.p)
        return NULL;
    free((char *)m->slots[hole].key.p);
    size_t mask = m->cap - 1;
    for (size_t i = (hole + 1) & mask; m->slots[i].key.p; i = (i + 1) & mask)
        if (((i - m->slots[i].hash) & mask) >= ((i - hole) & mask)) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    m->slots[hole] = (struct map_slot){0};
    m->n--;
    return value;
}

bool map_next(const struct map *m, size_t *i, struct str *key, void **value)
{
    for (; *i < m->cap; (*i)++)
        if (m->slots[*i].key.p) {
            *key = m->slots[*i].key;
            *value = m->slots[*i].value;
            (*i)++;
            return true;
        }
    return false;
}
