/* key.c -- which values identify somebody.
 *
 * Only what tells one from another: a text, or a whole number, which a tracker sends as a text and an application as a number.
 * A truth value or a fraction would put everybody with the same one into one profile; so would a number too large to be kept
 * exactly. A text beyond the limit was never meant as one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include <inttypes.h>
#include <math.h>

static struct str digits(int64_t i, struct arena *arena)
{
    return arena_printf(arena, "%" PRId64, i);
}

struct str plan_identifier(struct val v, struct arena *arena)
{
    if (v.type == VAL_STR && v.n <= PLAN_IDENTIFIER_MAX)
        return val_as_str(v);
    if (v.type == VAL_INT)
        return digits(v.i, arena);
    if (v.type == VAL_DBL && fabs(v.d) < 0x1p53 && v.d == floor(v.d))
        return digits((int64_t)v.d, arena);
    return (struct str){NULL, 0};
}

bool plan_identifier_long(struct val v)
{
    return v.type == VAL_STR && v.n > PLAN_IDENTIFIER_MAX;
}
