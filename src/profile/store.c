/* store.c -- all profiles in memory: key number and identifier -> profile, what they weigh, and the
 * sweep that frees what is past. SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"

#include <stdlib.h>

const struct profile_limits profile_limits_default = {
    .entries = 4096,
    .distinct = 1000,
    .list_values = 1000,
    .value_bytes = 1024,
    .dedupe_ids = 4096,
    .dedupe_ms = 24 * 3600 * 1000,
    .runs = 16,
};

struct store *store_new(const struct profile_limits *limits)
{
    struct store *s = xcalloc(1, sizeof(*s));
    s->limits = *limits;
    s->limits.entries = MAX_OF(s->limits.entries, 2u * CHUNK_MAX);
    s->limits.distinct = MAX_OF(s->limits.distinct, 1u);
    s->limits.dedupe_ids = MAX_OF(s->limits.dedupe_ids, 1u);
    s->limits.runs = MAX_OF(s->limits.runs, 1u);
    s->dirty = 1;
    return s;
}

void store_free(struct store *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < TABLE_SHARDS; i++)
        for (uint32_t j = 0; j < s->profiles.shards[i].cap; j++)
            if (s->profiles.shards[i].slots[j].p)
                profile_free(s, s->profiles.shards[i].slots[j].p);
    stat_add(STAT_PROFILES, -(int64_t)s->profiles.n);
    store_forget(s);
    store_plan(s, NULL);
    table_fini(&s->profiles);
    table_fini(&s->texts);
    pool_fini(&s->pool);
    free(s);
}

struct profile_key {
    uint32_t key_id;
    struct str id;
};

static inline uint64_t profile_hash(uint32_t key_id, struct str id)
{
    return mix_pair(str_hash(id), key_id);
}

static bool profile_same(const void *p, const void *key)
{
    const struct profile *prof = p;
    const struct profile_key *k = key;
    return prof->key_id == k->key_id && prof->n_id == k->id.n &&
           (k->id.n == 0 || memcmp(prof->id, k->id.p, k->id.n) == 0);
}

struct profile *store_find(const struct store *s, uint32_t key_id, struct str id)
{
    struct profile_key key = {key_id, id};
    return table_get(&s->profiles, profile_hash(key_id, id), profile_same, &key);
}

struct profile *store_make(struct store *s, uint32_t key_id, struct str id)
{
    struct profile *p = store_alloc(s, MAX_OF(profile_size(id.n), sizeof(*p)));
    *p = (struct profile){
        .key_id = key_id, .n_id = (uint32_t)id.n, .flags = s->saving ? 0 : s->dirty};
    if (id.n)
        memcpy(p->id, id.p, id.n);
    return p;
}

void profile_free(struct store *s, struct profile *p)
{
    if (p->hung && s->hooks.drop)
        s->hooks.drop(s->hooks.ctx, p->hung);
    profile_clear(s, p);
    store_release(s, p, MAX_OF(profile_size(p->n_id), sizeof(*p)));
}

void store_put(struct store *s, struct profile *p)
{
    table_put(&s->profiles, profile_hash(p->key_id, profile_id(p)), p);
    stat_add(STAT_PROFILES, 1);
}

void store_take(struct store *s, struct profile *p)
{
    table_del(&s->profiles, profile_hash(p->key_id, profile_id(p)), p);
    stat_add(STAT_PROFILES, -1);
}

struct profile *store_touch(struct store *s, uint32_t key_id, struct str id)
{
    struct profile_key key = {key_id, id};
    struct profile *p = table_get(&s->profiles, profile_hash(key_id, id), profile_same, &key);
    if (!p) {
        p = store_make(s, key_id, id);
        store_put(s, p);
    }
    store_changing(s, p);
    return p;
}

/* A profile is three dependent misses away: its slot, itself, its states. Each call starts the
 * first for one profile, the second for the one four calls before, the third for the one eight
 * before; so a batch's misses overlap. */
void store_prefetch(struct store *s, uint32_t key_id, struct str id)
{
    uint64_t hash = profile_hash(key_id, id), *oldest = &s->ahead[s->n_ahead % STORE_AHEAD];
    const struct profile *p = table_peek(&s->profiles, *oldest);
    if (p) {
        __builtin_prefetch(p->states);
        __builtin_prefetch((const char *)p->states + 64);
        __builtin_prefetch(p->seen);
    }
    p = table_peek(&s->profiles, s->ahead[(s->n_ahead + STORE_AHEAD / 2) % STORE_AHEAD]);
    if (p)
        __builtin_prefetch(p);
    table_prefetch(&s->profiles, hash);
    *oldest = hash;
    s->n_ahead++;
}

size_t store_count(const struct store *s)
{
    return s->profiles.n;
}

size_t store_bytes(const struct store *s)
{
    return sizeof(*s) + s->pool.n_bytes + s->profiles.n_bytes + s->texts.n_bytes;
}

uint64_t store_digest(const struct store *s)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < TABLE_SHARDS; i++) {
        const struct table_shard *sh = &s->profiles.shards[i];
        for (uint32_t j = 0; j < sh->cap; j++) {
            uint64_t digest = sh->slots[j].p ? profile_digest(sh->slots[j].p) : 0;
            if (digest)
                sum += mix_pair(digest, sh->slots[j].hash);
        }
    }
    return sum;
}

/* The plan's series by number; the caller frees it. */
static const struct plan_series **series_by_id(const struct plan *p, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < p->n_series; i++)
        *n = MAX_OF(*n, (size_t)p->series[i].id + 1);
    const struct plan_series **by_id = xcalloc(*n + 1, sizeof(*by_id));
    for (size_t i = 0; i < p->n_series; i++)
        by_id[p->series[i].id] = &p->series[i];
    return by_id;
}

void store_plan(struct store *s, const struct plan *p)
{
    free(s->by_id);
    s->plan = p;
    s->by_id = p ? series_by_id(p, &s->n_by_id) : NULL;
}

/* What a save that runs has still to see stays as it is. Nor is that freed which was changed and not written, or written
 * by this save: who looked for it on disk would find an older version until the save is complete. Nor what somebody hangs
 * on to. */
static bool profile_past(struct store *s, struct profile *p, const struct plan_series *const *by_id,
                         size_t n, int64_t now_ms, bool drop_unknown)
{
    if (s->saving && store_waits(s, p))
        return false;
    if (!profile_expire(s, p, by_id, n, now_ms, drop_unknown) || p->hung)
        return false;
    return !s->saving || !(p->flags & PROFILE_DIRTY || store_wrote(s, p));
}

/* Deleting moves later slots of a run back, so the same slot is looked at again; one that wraps
 * around the shard's end may be missed until the next round. */
void store_sweep(struct store *s, const struct plan *p, int64_t now_ms, size_t n, bool drop_unknown)
{
    size_t n_series = s->n_by_id, empty = 0;
    const struct plan_series **by_id = p == s->plan ? s->by_id : series_by_id(p, &n_series);
    while (n > 0 && empty <= TABLE_SHARDS) {
        struct table_shard *sh = &s->profiles.shards[s->sweep_shard];
        if (s->sweep_slot >= sh->cap || sh->n == 0) {
            s->sweep_slot = 0;
            s->sweep_shard = (s->sweep_shard + 1) % TABLE_SHARDS;
            empty++;
            continue;
        }
        struct profile *prof = sh->slots[s->sweep_slot].p;
        if (!prof) {
            s->sweep_slot++;
            continue;
        }
        n--;
        if (!profile_past(s, prof, by_id, n_series, now_ms, drop_unknown)) {
            s->sweep_slot++;
            continue;
        }
        store_take(s, prof);
        profile_free(s, prof);
    }
    if (p != s->plan)
        free(by_id);
}
