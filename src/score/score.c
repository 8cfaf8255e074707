/* score.c -- runs a scoring function, and asks what each attribute contributed: the score, less the score without it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "score/score.h"

#include <math.h>
#include <stdlib.h>

static bool call(const struct plan_score *score, unsigned lane, const struct val *values, size_t n,
                 bool *used, struct arena *arena, double *out, struct err *err)
{
    struct val answer;
    if (!score->fn->call(score->fn, lane, values, n, arena, &answer, used, err))
        return false;
    if ((answer.type == VAL_INT || answer.type == VAL_DBL) && val_as_double(answer, out))
        return true;
    return err_set(err, "score \"%.*s\": the formula must return a number", STR_FMT(score->name));
}

static int by_size(const void *a, const void *b)
{
    const struct score_part *x = a, *y = b;
    double d = fabs(y->part) - fabs(x->part);
    if (d != 0)
        return d > 0 ? 1 : -1;
    return x->attr < y->attr ? -1 : x->attr > y->attr;
}

bool score_run(const struct plan *p, const struct plan_score *score, unsigned lane,
               const struct val *values, bool explain, struct arena *arena,
               struct score_result *out, struct err *err)
{
    size_t n = p->services[score->service].n_attrs;
    *out = (struct score_result){.used = arena_zalloc(arena, n * sizeof(bool))};
    if (!call(score, lane, values, n, out->used, arena, &out->score, err))
        return false;
    if (!explain)
        return true;
    struct val *without = arena_alloc(arena, n * sizeof(*without));
    if (n)
        memcpy(without, values, n * sizeof(*without));
    out->parts = arena_alloc(arena, n * sizeof(*out->parts));
    for (size_t i = 0; i < n; i++) {
        double other = out->score;
        if (!out->used[i])
            continue;
        without[i] = val_null;
        /* A formula that cannot do without one attribute leaves it unexplained; the score itself stands. */
        if (values[i].type != VAL_NULL && !call(score, lane, without, n, NULL, arena, &other, NULL))
            other = out->score;
        without[i] = values[i];
        out->parts[out->n_parts++] = (struct score_part){(uint32_t)i, out->score - other};
    }
    qsort(out->parts, out->n_parts, sizeof(*out->parts), by_size);
    return true;
}
