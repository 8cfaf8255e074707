/* read.c -- attributes of one or more identifiers as they are now; what is on disk only is read first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

#include <stdlib.h>

/* One identifier after the other: neighbours in a request mostly share it. */
struct looking {
    uint32_t key_id;
    struct str id;
    const struct profile *profile;
};

static const struct profile *look_up(struct engine *e, struct looking *l, uint32_t key_id,
                                     struct str id)
{
    if (key_id != l->key_id || id.p != l->id.p || id.n != l->id.n)
        *l = (struct looking){key_id, id, id.p ? store_find(e->store, key_id, id) : NULL};
    return l->profile;
}

/* Those that are not in memory: copies of the identifiers' places, not of their bytes. */
static struct who *missing(struct engine *e, const struct plan *p, const uint32_t *attrs,
                           const struct str *ids, size_t n, size_t *n_out)
{
    struct who *list = xcalloc(n, sizeof(*list));
    struct looking l = {.key_id = UINT32_MAX};
    size_t k = 0;
    pthread_mutex_lock(&e->door);
    for (size_t i = 0; i < n; i++) {
        uint32_t key_id = p->keys[p->attrs[attrs[i]].key].id;
        bool again = k && list[k - 1].key_id == key_id && list[k - 1].id.p == ids[i].p;
        if (ids[i].n && !again && !look_up(e, &l, key_id, ids[i]))
            list[k++] = (struct who){key_id, ids[i]};
    }
    pthread_mutex_unlock(&e->door);
    *n_out = k;
    return list;
}

bool engine_read(struct engine *e, const struct plan *p, const uint32_t *attrs,
                 const struct str *ids, size_t n, int64_t clock_ms, struct arena *arena,
                 struct val *values, struct err *err)
{
    if (e->may_be_cold) {
        size_t n_missing;
        struct who *list = missing(e, p, attrs, ids, n, &n_missing);
        bool good = cold_fetch(e, list, n_missing, err);
        free(list);
        if (!good)
            return false;
    }
    struct looking l = {.key_id = UINT32_MAX};
    pthread_mutex_lock(&e->door);
    int64_t now = MAX_OF(clock_ms, e->now_ms);
    for (size_t i = 0; i < n; i++) {
        const struct plan_attr *attr = &p->attrs[attrs[i]];
        const struct profile *profile = look_up(e, &l, p->keys[attr->key].id, ids[i]);
        values[i] = profile_read(e->store, profile, p, attr, now, arena);
    }
    pthread_mutex_unlock(&e->door);
    return true;
}
