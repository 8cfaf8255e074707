/* kind.c -- the table of what a series can keep.
 *
 * To add a kind: one file kind_x.c with its struct kind, one value of enum keep, one row here, its
 * cases in tests/unit/test_profile_kinds.c. Which aggregations read which keep is the plan's
 * choice; a kind answers those it can. SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"

#include <stdlib.h>

static const struct kind *const kinds[] = {
    [KEEP_TIMES] = &kind_times, [KEEP_NUMBERS] = &kind_numbers, [KEEP_VALUES] = &kind_values,
    [KEEP_LAST] = &kind_last,   [KEEP_SET] = &kind_set,         [KEEP_SUM] = &kind_sum,
    [KEEP_FIRST] = &kind_first, [KEEP_FREQS] = &kind_freqs,
};

bool kind_known(uint64_t keep)
{
    return keep < COUNT_OF(kinds);
}

const struct kind *kind_of(enum keep keep)
{
    if ((size_t)keep >= COUNT_OF(kinds))
        abort();
    return kinds[keep];
}
