/* plan.c -- a plan's life: references, and what it keeps alive.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/build.h"

#include <stdlib.h>

const char *const agg_names[AGG_COUNT] = {
    "counter",
    "sum",
    "min",
    "max",
    "mean",
    "first",
    "last",
    "most_frequent",
    "least_frequent",
    "approx_count_distinct",
    "category_count",
    "unique_list",
};

const char *const plan_type_names[TYPE_COUNT] = {
    "bytes",
    "string",
    "int32",
    "int64",
    "double",
    "float",
    "bool",
    "dict",
    "unix_timestamp",
    "bytes_list",
    "string_list",
    "int32_list",
    "int64_list",
    "double_list",
    "float_list",
    "bool_list",
    "unix_timestamp_list",
    NULL,
};

struct plan_kept {
    struct plan_kept *next;
    void *object;
    void (*release)(void *object);
};

void plan_keep(struct plan *p, void *object, void (*release)(void *object))
{
    struct plan_kept *kept = arena_alloc(&p->arena, sizeof(*kept));
    *kept = (struct plan_kept){p->kept, object, release};
    p->kept = kept;
}

struct plan *plan_ref(struct plan *p)
{
    __atomic_fetch_add(&p->refs, 1, __ATOMIC_RELAXED);
    return p;
}

void plan_unref(struct plan *p)
{
    if (!p || __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (struct plan_kept *kept = p->kept; kept; kept = kept->next)
        kept->release(kept->object);
    plan_index_free(p->index);
    evt_proj_free(p->proj);
    free(p->computed);
    free(p->keys);
    free(p->series);
    free(p->attrs);
    free(p->groups);
    free(p->services);
    free(p->rules);
    free(p->scores);
    arena_fini(&p->arena);
    free(p);
}
