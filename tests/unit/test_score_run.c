/* test_score_run.c -- a score and what each attribute contributed, with a formula written in C.
 * SPDX-License-Identifier: Apache-2.0 */
#include "score/score.h"

#include <math.h>

#include "desc.h"

/* 2 * a - 3 * b + 1, where null is 0; never looks at c; refuses a missing `must`. */
static bool formula(struct plan_fn *fn, unsigned lane, const struct val *args, size_t n,
                    struct arena *arena, struct val *out, bool *used, struct err *err)
{
    double a = 0, b = 0;
    ++*(int *)(fn + 1);
    CHECK_INT(n, 4);
    CHECK_INT(lane, 7);
    val_as_double(args[0], &a);
    val_as_double(args[1], &b);
    if (used)
        used[0] = used[1] = used[3] = true;
    if (args[3].type == VAL_NULL)
        return err_set(err, "f1.lua:3: must is missing");
    *out = val_dbl(2 * a - 3 * b + 1);
    if (args[3].type == VAL_STR)
        *out = args[3];
    return true;
}

static struct {
    struct plan_fn fn;
    int calls;
} counted = {{formula, test_fn_quarantined}, 0};

static struct plan_fn *get_fn(void *ctx, size_t n)
{
    return &counted.fn;
}

static int named;

static struct plan_fn *name_args(void *ctx, size_t fn, const struct str *names, size_t n)
{
    CHECK_INT(n, 4);
    CHECK(n == 4 && str_eqz(names[0], "a") && str_eqz(names[3], "must"));
    named++;
    return &counted.fn;
}

int main(void)
{
    struct plan_ids ids;
    struct plan_report report;
    struct arena a;
    plan_ids_init(&ids);
    plan_report_init(&report);
    arena_init(&a);
    struct val file =
        desc(&a, "{'file': 'f1.lua', 'defs': [{'kind': 'attribute_group', 'name': 'g', "
                 "'attribute_key': 'user_id', 'attributes': ["
                 "{'name': 'a', 'aggregation': 'counter', 'events': [{}]}, {'name': 'b', "
                 "'aggregation': 'counter', 'events': [{}]},"
                 "{'name': 'c', 'aggregation': 'counter', 'events': [{}]}, {'name': 'must', "
                 "'aggregation': 'counter', 'events': [{}]}]},"
                 "{'kind': 'service', 'name': 's', 'attribute_groups': ['g']},"
                 "{'kind': 'score', 'name': 'sc', 'service': 's', 'formula': {'fn': 0}}]}");
    struct plan_source source = {.desc = &file, .fn = get_fn, .name_args = name_args};
    struct plan *p = plan_build(&source, 1, &ids, &report);
    CHECK_INT(named, 1);
    struct score_result r;
    struct err err = {0};
    struct val values[] = {val_int(5), val_dbl(4), val_int(100), val_int(1)};
    CHECK(score_run(p, &p->scores[0], 7, values, false, &a, &r, &err) && r.score == -1 &&
          r.n_parts == 0);
    CHECK_INT(counted.calls, 1);
    CHECK(r.used[0] && r.used[1] && !r.used[2] && r.used[3]);

    CHECK(score_run(p, &p->scores[0], 7, values, true, &a, &r, &err) && r.score == -1);
    CHECK_INT(counted.calls, 1 + 1 + 3);
    CHECK_INT(r.n_parts, 3);
    CHECK(r.parts[0].attr == 1 && r.parts[0].part == -12, "the largest, whatever its sign");
    CHECK(r.parts[1].attr == 0 && r.parts[1].part == 10);
    CHECK(r.parts[2].attr == 3 && r.parts[2].part == 0, "what it cannot do without is unexplained");
    CHECK(values[0].i == 5 && values[1].d == 4, "the values are left as they were");

    values[0] = val_null; /* contributes nothing, and need not be asked */
    counted.calls = 0;
    CHECK(score_run(p, &p->scores[0], 7, values, true, &a, &r, &err) && r.score == -11 &&
          r.n_parts == 3);
    CHECK_INT(counted.calls, 3);
    CHECK(r.parts[0].attr == 1 && r.parts[1].part == 0 && r.parts[1].attr == 0);

    values[3] = val_null;
    CHECK(!score_run(p, &p->scores[0], 7, values, true, &a, &r, &err));
    CHECK_STR(err.text, "f1.lua:3: must is missing");
    values[3] = val_strz("text");
    err.set = false;
    CHECK(!score_run(p, &p->scores[0], 7, values, true, &a, &r, &err));
    CHECK_STR(err.text, "score \"sc\": the formula must return a number");
    plan_unref(p);
    plan_report_fini(&report);
    plan_ids_fini(&ids);
    arena_fini(&a);
    return check_done();
}
