/* summary.c -- sum, smallest and largest of numbers.
 *
 * The sum is kept as two doubles, the second of which collects exactly what each addition rounded
 * away (Neumaier). For n numbers the result is within 2^-53 |sum| + n^2 2^-105 (|x1| + ... + |xn|)
 * of the true sum, whatever their order: far below one part in 10^9 unless nearly everything
 * cancels. SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"
#include "profile/page.h"

#include <math.h>

void summary_init(struct summary *m)
{
    *m = (struct summary){.min = INFINITY, .max = -INFINITY};
}

static void add_exactly(struct summary *m, double x)
{
    double sum = m->sum + x;
    if (fabs(m->sum) >= fabs(x))
        m->rest += (m->sum - sum) + x;
    else
        m->rest += (x - sum) + m->sum;
    m->sum = sum;
}

void summary_add(struct summary *m, double x)
{
    add_exactly(m, x);
    m->min = MIN_OF(m->min, x);
    m->max = MAX_OF(m->max, x);
}

void summary_merge(struct summary *m, const struct summary *from)
{
    add_exactly(m, from->sum);
    m->rest += from->rest;
    m->min = MIN_OF(m->min, from->min);
    m->max = MAX_OF(m->max, from->max);
}

double summary_sum(const struct summary *m)
{
    return m->sum + m->rest;
}

struct val summary_answer(const struct summary *m, uint64_t count, enum agg agg)
{
    double d;
    switch (agg) {
    case AGG_SUM:
        d = summary_sum(m);
        break;
    case AGG_MEAN:
        d = summary_sum(m) / (double)count;
        break;
    case AGG_MIN:
        d = m->min;
        break;
    case AGG_MAX:
        d = m->max;
        break;
    default:
        return val_null;
    }
    return isfinite(d) ? val_dbl(d + 0.0) : val_null; /* a sum may overflow; -0 is 0 */
}

uint64_t summary_digest(const struct summary *m, uint64_t count)
{
    uint64_t h = mix_pair(count, word_of_double(summary_sum(m) + 0.0));
    return mix_pair(h, mix_pair(word_of_double(m->min + 0.0), word_of_double(m->max + 0.0)));
}

void summary_save(struct page_out *o, const struct summary *m)
{
    put_number(o, m->sum);
    put_number(o, m->rest);
    put_number(o, m->min);
    put_number(o, m->max);
}

void summary_load(struct page_in *in, struct summary *m)
{
    m->sum = get_number(in);
    m->rest = get_number(in);
    m->min = get_number(in);
    m->max = get_number(in);
}
