/* fade.c -- when time alone may turn a rule's criteria true.
 *
 * What leaves a window moves a value in a direction that depends on the aggregation: a counter only falls, and at last is
 * null; a maximum only falls; a newest value is there or not. The table below says which comparisons such a move can turn
 * true, and which false; a leaf under `none` counts when it can turn false. Where the table says nothing, anything can happen
 * and the next change of the value is the next moment to look. A moment too early costs one evaluation; one too late would
 * be a missed intervention.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rule/rule.h"

#include <math.h>

enum { FALLS, RISES, VANISHES, MOVES };
static const unsigned char direction[AGG_COUNT] = {
    [AGG_COUNTER] = FALLS,
    [AGG_MAX] = FALLS,
    [AGG_APPROX_COUNT_DISTINCT] = FALLS,
    [AGG_MIN] = RISES,
    [AGG_LAST] = VANISHES,
    [AGG_SUM] = MOVES,
    [AGG_MEAN] = MOVES,
    [AGG_FIRST] = MOVES,
    [AGG_MOST_FREQUENT] = MOVES,
    [AGG_LEAST_FREQUENT] = MOVES,
    [AGG_CATEGORY_COUNT] = MOVES,
    [AGG_UNIQUE_LIST] = MOVES,
};

/* Operators that a value in motion can turn true / false. All end at null, where only is_null holds. */
static const struct fade_row {
    const char *op;
    bool falling_true, rising_true, vanishing_true, turns_false;
} rows[] = {
    {"eq", true, true, false, true},         {"neq", true, true, false, true},
    {"gt", false, true, false, true},        {"gte", false, true, false, true},
    {"lt", true, false, false, true},        {"lte", true, false, false, true},
    {"in_list", true, true, false, true},    {"not_in_list", true, true, false, true},
    {"is_null", true, true, true, false},    {"is_not_null", false, false, false, true},
    {"changed", false, false, false, false},
};

static bool can_turn(const struct plan_attr *attr, const struct cond_op *op, bool to)
{
    if (attr->dflt.type != VAL_NULL) /* its end is the default, which may satisfy anything */
        return true;
    unsigned how = attr->period_ms ? direction[attr->agg] : VANISHES;
    bool extreme = attr->agg == AGG_MIN || attr->agg == AGG_MAX;
    if (extreme && attr->type != TYPE_DOUBLE && attr->type != TYPE_ANY)
        how = MOVES; /* what is too large for its type is null until it fades */
    if (how == MOVES)
        return !str_eqz(STR("changed"), op->word);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strcmp(rows[i].op, op->word) == 0) {
            if (!to)
                return rows[i].turns_false;
            return how == FALLS   ? rows[i].falling_true
                   : how == RISES ? rows[i].rising_true
                                  : rows[i].vanishing_true;
        }
    return how != VANISHES || !to; /* like and its kind: on texts, gone with the value */
}

struct search {
    const struct rule_view *view;
    int64_t now_ms, next_ms;
};

/* The count at which a leaf may turn true for a counter that falls; none at all is null. false: look at each step. */
static bool count_wanted(const struct cond *leaf, int64_t *at_most)
{
    const char *op = leaf->op->word;
    bool below = strcmp(op, "lt") == 0;
    double bound;
    *at_most = 0;
    if (strcmp(op, "is_null") == 0)
        return true;
    if (!below && strcmp(op, "lte") != 0 && strcmp(op, "eq") != 0)
        return false;
    if (!val_as_double(leaf->arg, &bound) || fabs(bound) >= 1e15)
        return false;
    *at_most = (int64_t)(below ? ceil(bound) - 1 : floor(bound));
    return true;
}

static void look_at(struct search *s, uint32_t read, const struct cond *leaf, bool to)
{
    const struct rule_view *v = s->view;
    const struct plan_attr *attr = &v->plan->attrs[v->rule->reads[read]];
    const struct profile *p = NULL;
    int64_t next;
    if (!attr->period_ms && !attr->ttl_ms)
        return;
    if (leaf && !can_turn(attr, leaf->op, to))
        return;
    for (size_t i = 0; i < v->rule->n_keys; i++)
        if (v->rule->keys[i] == attr->key)
            p = v->profiles[i];
    if (!p)
        return;
    int64_t at_most;
    if (to && leaf && attr->agg == AGG_COUNTER && attr->period_ms && attr->dflt.type == VAL_NULL &&
        count_wanted(leaf, &at_most))
        next = profile_next_at_most(v->store, p, v->plan, attr, at_most, s->now_ms);
    else
        next = profile_next_fade(v->store, p, v->plan, attr, s->now_ms);
    s->next_ms = MIN_OF(s->next_ms, next);
}

static void walk(struct search *s, const struct cond *c, bool to)
{
    switch (c->kind) {
    case COND_ALL:
    case COND_ANY:
        for (size_t i = 0; i < c->n; i++)
            walk(s, &c->kids[i], to);
        break;
    case COND_NONE:
        for (size_t i = 0; i < c->n; i++)
            walk(s, &c->kids[i], !to);
        break;
    case COND_LEAF:
        look_at(s, c->refs[0], c, to);
        break;
    case COND_FN:
        for (size_t i = 0; i < c->n; i++)
            look_at(s, c->refs[i], NULL, to);
        break;
    }
}

int64_t rule_next_crossing(const struct rule_view *v, int64_t now_ms)
{
    struct search s = {v, now_ms, INT64_MAX};
    if (v->rule->when && v->rule->fades)
        walk(&s, v->rule->when, true);
    return s.next_ms;
}
