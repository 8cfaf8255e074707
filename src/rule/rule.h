/* rule.h -- interventions: when a criteria tree turns from false to true, and when time alone may turn it.
 *
 * A rule is read at the identifiers it was looked at with: one profile per attribute key of its reads, NULL where the event
 * carries none. The tree is evaluated at one `now` without the event and with it; false, then true, fires. The old value is
 * recomputed, never remembered. Leaves that fading can turn get a timer at the next crossing.
 *
 * A timer belongs to the identifiers it was armed with. Where a rule reads two keys and one half of such a pair changes with
 * an event that carries another partner, the first pair's timer stays where it was: it looks again when it is due, and a
 * turn in between is not seen.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULE_H
#define RULE_H

#include "base/base.h"
#include "plan/plan.h"
#include "profile/profile.h"

/* Who a rule is looked at for: profiles[i] is of plan.keys[rule->keys[i]]; NULL where there is none. */
struct rule_view {
    const struct store *store;
    const struct plan *plan;
    const struct plan_rule *rule;
    struct profile *const *profiles;
};
/* The values of rule->reads, in the arena. */
struct val *rule_read(const struct rule_view *v, int64_t now_ms, struct arena *arena);
/* Is `when` true for these values? before: the values without the event, for `changed`; NULL at a timer. A rule fires when
 * it is known to have been false and to be true: a function that was stopped is no change of what it reads. */
enum cond_truth rule_holds(const struct rule_view *v, const struct val *now,
                           const struct val *before, unsigned lane, struct arena *arena);
/* When, after now_ms, time alone may next turn `when` true: the timer's due time; INT64_MAX for never. Never late. */
int64_t rule_next_crossing(const struct rule_view *v, int64_t now_ms);

#endif
