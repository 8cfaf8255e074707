/* cond.c -- the operators a criterion may use, and the tree of them.
 *
 * To add an operator: write its function, add its row to cond_ops[], add its cases to tests/unit/test_plan_cond.c. Nothing
 * else knows the list: the loader's messages and `signalbox help operators` read this table.
 *
 * A missing value satisfies no operator, != included: rule writers mean "we know the country and it is not Japan"; read the
 * other way, a half-filled event would satisfy every exclusion. A value of another type than the constant's counts as missing, and where
 * an expression takes too long to search for, neither rlike nor its opposite holds.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/build.h"

static bool is_number(struct val v)
{
    return v.type == VAL_INT || v.type == VAL_DBL;
}

/* Can the two be compared at all? */
static bool same_class(struct val a, struct val b)
{
    return a.type == b.type || (is_number(a) && is_number(b));
}

static bool op_eq(const struct cond *c, struct val now, struct val before)
{
    return now.type != VAL_NULL && same_class(now, c->arg) && val_eq(now, c->arg);
}

static bool op_neq(const struct cond *c, struct val now, struct val before)
{
    return now.type != VAL_NULL && same_class(now, c->arg) && !val_eq(now, c->arg);
}

static bool op_gt(const struct cond *c, struct val now, struct val before)
{
    return is_number(now) && val_cmp(now, c->arg) > 0;
}

static bool op_gte(const struct cond *c, struct val now, struct val before)
{
    return is_number(now) && val_cmp(now, c->arg) >= 0;
}

static bool op_lt(const struct cond *c, struct val now, struct val before)
{
    return is_number(now) && val_cmp(now, c->arg) < 0;
}

static bool op_lte(const struct cond *c, struct val now, struct val before)
{
    return is_number(now) && val_cmp(now, c->arg) <= 0;
}

static bool op_like(const struct cond *c, struct val now, struct val before)
{
    return now.type == VAL_STR && like_match(val_as_str(c->arg), val_as_str(now));
}

static bool op_not_like(const struct cond *c, struct val now, struct val before)
{
    return now.type == VAL_STR && !like_match(val_as_str(c->arg), val_as_str(now));
}

static bool op_rlike(const struct cond *c, struct val now, struct val before)
{
    return now.type == VAL_STR && rlike_match(c->compiled, val_as_str(now)) == 1;
}

static bool op_not_rlike(const struct cond *c, struct val now, struct val before)
{
    return now.type == VAL_STR && rlike_match(c->compiled, val_as_str(now)) == 0;
}

static bool in_list(struct val list, struct val v, bool *comparable)
{
    for (size_t i = 0; i < list.n; i++) {
        if (!same_class(v, list.items[i]))
            continue;
        *comparable = true;
        if (val_eq(v, list.items[i]))
            return true;
    }
    return false;
}

static bool op_in(const struct cond *c, struct val now, struct val before)
{
    bool comparable;
    return now.type != VAL_NULL && in_list(c->arg, now, &comparable);
}

static bool op_not_in(const struct cond *c, struct val now, struct val before)
{
    bool comparable = false;
    return now.type != VAL_NULL && !in_list(c->arg, now, &comparable) && comparable;
}

static bool op_is_null(const struct cond *c, struct val now, struct val before)
{
    return now.type == VAL_NULL;
}

static bool op_is_not_null(const struct cond *c, struct val now, struct val before)
{
    return now.type != VAL_NULL;
}

static bool op_changed(const struct cond *c, struct val now, struct val before)
{
    return !val_eq(now, before);
}

const struct cond_op cond_ops[] = {
    {"eq", "=", "equal", COND_TAKES_SCALAR, true, op_eq},
    {"neq", "!=", "known and not equal", COND_TAKES_SCALAR, true, op_neq},
    {"gt", ">", "greater than a number", COND_TAKES_NUMBER, true, op_gt},
    {"gte", ">=", "greater than a number, or equal", COND_TAKES_NUMBER, true, op_gte},
    {"lt", "<", "less than a number", COND_TAKES_NUMBER, true, op_lt},
    {"lte", "<=", "less than a number, or equal", COND_TAKES_NUMBER, true, op_lte},
    {"like", "like", "SQL's pattern: % any run, _ one character", COND_TAKES_STRING, true, op_like},
    {"not_like", "not like", "known and not like", COND_TAKES_STRING, false, op_not_like},
    {"rlike", "rlike", "a regular expression found in it", COND_TAKES_STRING, false, op_rlike},
    {"not_rlike", "not rlike", "known, and the expression not found", COND_TAKES_STRING, false,
     op_not_rlike},
    {"in_list", "in", "one of a list", COND_TAKES_LIST, true, op_in},
    {"not_in_list", "not in", "known and none of a list", COND_TAKES_LIST, false, op_not_in},
    {"is_null", "is null", "nothing there", COND_TAKES_NOTHING, true, op_is_null},
    {"is_not_null", "is not null", "something there", COND_TAKES_NOTHING, true, op_is_not_null},
    {"changed", "changed", "another value than without this event", COND_TAKES_NOTHING, false,
     op_changed},
};
const size_t n_cond_ops = COUNT_OF(cond_ops);

const struct cond_op *cond_op_find(struct str word)
{
    for (size_t i = 0; i < n_cond_ops; i++)
        if (str_eqz(word, cond_ops[i].word))
            return &cond_ops[i];
    return NULL;
}

static enum cond_truth call_fn(const struct cond *c, const struct val *now, unsigned lane,
                               struct arena *arena)
{
    struct val *args = arena_alloc(arena, c->n * sizeof(*args)), out;
    for (size_t i = 0; i < c->n; i++) {
        args[i] = now[c->refs[i]];
        if (args[i].type == VAL_NULL)
            return COND_FALSE; /* not called: it may rely on what it names */
    }
    if (!c->fn->call(c->fn, lane, args, c->n, arena, &out, NULL, NULL))
        return COND_UNKNOWN;
    return out.type == VAL_BOOL && out.b ? COND_TRUE : COND_FALSE;
}

/* Until one kid answers `decisive`, which settles it; what is not known leaves it open. */
static enum cond_truth join(const struct cond *c, enum cond_truth decisive, enum cond_truth settled,
                            const struct val *now, const struct val *before, unsigned lane,
                            struct arena *arena)
{
    enum cond_truth truth = settled == COND_TRUE ? COND_FALSE : COND_TRUE;
    for (size_t i = 0; i < c->n; i++) {
        enum cond_truth kid = cond_decide(&c->kids[i], now, before, lane, arena);
        if (kid == decisive)
            return settled;
        if (kid == COND_UNKNOWN)
            truth = COND_UNKNOWN;
    }
    return truth;
}

enum cond_truth cond_decide(const struct cond *c, const struct val *now, const struct val *before,
                            unsigned lane, struct arena *arena)
{
    switch (c->kind) {
    case COND_ALL:
        return join(c, COND_FALSE, COND_FALSE, now, before, lane, arena);
    case COND_ANY:
        return join(c, COND_TRUE, COND_TRUE, now, before, lane, arena);
    case COND_NONE:
        return join(c, COND_TRUE, COND_FALSE, now, before, lane, arena);
    case COND_LEAF: {
        struct val v = now[c->refs[0]];
        return c->op->test(c, v, before ? before[c->refs[0]] : v) ? COND_TRUE : COND_FALSE;
    }
    case COND_FN:
        return call_fn(c, now, lane, arena);
    }
    return COND_FALSE;
}

bool cond_eval(const struct cond *c, const struct val *now, const struct val *before, unsigned lane,
               struct arena *arena)
{
    return cond_decide(c, now, before, lane, arena) == COND_TRUE;
}
