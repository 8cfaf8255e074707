/* score.h -- runs a scoring function over a service's attributes and says what each contributed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SCORE_H
#define SCORE_H

#include "base/base.h"
#include "plan/plan.h"

struct score_part {
    uint32_t attr; /* which of the service's attributes, by position */
    double part;   /* score - score with this attribute null */
};
struct score_result {
    double score;
    bool *used;               /* per attribute of the service: the formula looked at it */
    struct score_part *parts; /* of those used, the largest part first */
    size_t n_parts;
};
/* values: one per attribute of the service. Results live in the arena. explain: fill parts (one more call per attribute used). */
bool score_run(const struct plan *p, const struct plan_score *score, unsigned lane,
               const struct val *values, bool explain, struct arena *arena,
               struct score_result *out, struct err *err);

#endif
