/* rule.c -- the values a rule reads, and whether its criteria hold.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rule/rule.h"

static const struct profile *profile_of(const struct rule_view *v, uint32_t key)
{
    for (size_t i = 0; i < v->rule->n_keys; i++)
        if (v->rule->keys[i] == key)
            return v->profiles[i];
    return NULL;
}

struct val *rule_read(const struct rule_view *v, int64_t now_ms, struct arena *arena)
{
    struct val *values = arena_alloc(arena, v->rule->n_reads * sizeof(*values));
    for (size_t i = 0; i < v->rule->n_reads; i++) {
        const struct plan_attr *attr = &v->plan->attrs[v->rule->reads[i]];
        values[i] = profile_read(v->store, profile_of(v, attr->key), v->plan, attr, now_ms, arena);
    }
    return values;
}

enum cond_truth rule_holds(const struct rule_view *v, const struct val *now,
                           const struct val *before, unsigned lane, struct arena *arena)
{
    stat_add(STAT_RULE_EVALUATIONS, 1);
    return v->rule->when ? cond_decide(v->rule->when, now, before, lane, arena) : COND_FALSE;
}
