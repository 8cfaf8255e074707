/* ids.c -- persistent numbers of identities: the same text has the same number for as long as anybody may remember it.
 *
 * State on disk and in memory is kept under these numbers. So an identity that leaves the rules keeps its number for as long
 * as its state is kept, and one that was forgotten gets a number that nothing was ever kept under.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/build.h"

#include <stdlib.h>

struct plan_identity {
    uint32_t number;
    int64_t gone_ms; /* since when no plan in force has it; 0: one has */
};

/* Far beyond what edits of rules come to; what claims more was not written by us. */
static const uint32_t NUMBERS_MAX = INT32_MAX;

void plan_ids_init(struct plan_ids *ids)
{
    map_init(&ids->map);
    ids->n = 0;
}

void plan_ids_fini(struct plan_ids *ids)
{
    struct str text;
    void *it;
    for (size_t i = 0; map_next(&ids->map, &i, &text, &it);)
        free(it);
    map_fini(&ids->map);
}

static void put(struct plan_ids *ids, struct str identity, uint32_t number, int64_t gone_ms)
{
    struct plan_identity *it = xmalloc(sizeof(*it));
    *it = (struct plan_identity){number, gone_ms};
    free(map_put(&ids->map, identity, it));
}

uint32_t plan_ids_number(struct plan_ids *ids, struct str identity)
{
    const struct plan_identity *known = map_get(&ids->map, identity);
    if (known)
        return known->number;
    put(ids, identity, ++ids->n, 0);
    return ids->n;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The plan's numbers, sorted; the caller frees them. */
static uint32_t *numbers_of(const struct plan *p, size_t *n)
{
    uint32_t *all = xcalloc(p->n_keys + p->n_series + p->n_rules + 1, sizeof(*all));
    *n = 0;
    for (size_t i = 0; i < p->n_keys; i++)
        all[(*n)++] = p->keys[i].id;
    for (size_t i = 0; i < p->n_series; i++)
        all[(*n)++] = p->series[i].id;
    for (size_t i = 0; i < p->n_rules; i++)
        all[(*n)++] = p->rules[i].id;
    qsort(all, *n, sizeof(*all), by_value);
    return all;
}

void plan_ids_settle(struct plan_ids *ids, const struct plan *p, int64_t now_ms)
{
    struct str text;
    void *value;
    size_t n;
    uint32_t *used = numbers_of(p, &n);
    for (size_t i = 0; map_next(&ids->map, &i, &text, &value);) {
        struct plan_identity *it = value;
        if (bsearch(&it->number, used, n, sizeof(*used), by_value))
            it->gone_ms = 0;
        else if (it->gone_ms == 0)
            it->gone_ms = now_ms;
    }
    free(used);
}

void plan_ids_forget(struct plan_ids *ids, int64_t before_ms)
{
    struct str text, *gone = xcalloc(ids->map.n + 1, sizeof(*gone));
    void *value;
    size_t n = 0;
    for (size_t i = 0; map_next(&ids->map, &i, &text, &value);) {
        const struct plan_identity *it = value;
        if (it->gone_ms && it->gone_ms < before_ms)
            gone[n++] = text;
    }
    for (size_t i = 0; i < n; i++)
        free(map_del(&ids->map, gone[i]));
    free(gone);
}

/* -- as bytes: the numbers given, how many follow, then in order of the numbers: how far from the one before, since when it
 * is gone, the identity */
struct named {
    struct str text;
    const struct plan_identity *it;
};

static int by_number(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    return x->it->number < y->it->number ? -1 : 1;
}

void plan_ids_pack(const struct plan_ids *ids, struct buf *out)
{
    struct named *all = xcalloc(ids->map.n + 1, sizeof(*all));
    struct str text;
    void *it;
    size_t n = 0;
    for (size_t i = 0; map_next(&ids->map, &i, &text, &it);)
        all[n++] = (struct named){text, it};
    qsort(all, n, sizeof(*all), by_number);
    pack_uint(out, ids->n);
    pack_uint(out, n);
    for (size_t i = 0; i < n; i++) {
        pack_uint(out, all[i].it->number - (i ? all[i - 1].it->number : 0));
        pack_int(out, all[i].it->gone_ms);
        pack_str(out, all[i].text);
    }
    free(all);
}

bool plan_ids_unpack(struct plan_ids *ids, struct unpack *in)
{
    uint64_t last = 0, given = unpack_uint(in);
    size_t n = unpack_count(in, 3);
    plan_ids_init(ids);
    for (size_t i = 0; i < n; i++) {
        uint64_t step = unpack_uint(in);
        int64_t gone_ms = unpack_int(in);
        struct str identity = unpack_str(in);
        if (in->bad || given > NUMBERS_MAX || step == 0 || step > given - last || gone_ms < 0 ||
            identity.n == 0 || map_get(&ids->map, identity))
            return false;
        last += step;
        put(ids, identity, (uint32_t)last, gone_ms);
    }
    ids->n = (uint32_t)given;
    return !in->bad && given <= NUMBERS_MAX;
}
