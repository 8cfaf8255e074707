/* unhurried.h -- budgets that no correct rule ends on, however slow and busy the machine is: for tests that are not about
 * budgets, and for calls that must succeed in those that are.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef UNHURRIED_H
#define UNHURRIED_H

#include "script/script.h"

enum { UNHURRIED_US = 20000000 };

static inline struct script_limits unhurried(void)
{
    struct script_limits limits = script_limits_default;
    limits.load_us = limits.call_us = limits.inside_us = limits.test_us = UNHURRIED_US;
    return limits;
}

#endif
