/* journal.c -- the queue that gives sequence and time, and from which only what is durable is taken.
 *
 * Without a folder that is everything, at once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal_internal.h"

void journal_queue(struct journal *j, struct record *r, int64_t clock_ms)
{
    pthread_mutex_lock(&j->lock);
    if (clock_ms > j->now_ms) /* a clock that is set back must not turn time round */
        j->now_ms = clock_ms;
    r->seq = ++j->seq;
    r->now_ms = j->now_ms;
    r->next = NULL;
    if (j->last)
        j->last->next = r;
    j->last = r;
    if (!j->first)
        j->first = r;
    if (!j->rocks)
        j->durable_seq = r->seq;
    else if (!j->unwritten)
        j->unwritten = r;
    bool wake = j->sleeping;
    j->sleeping = false;
    pthread_mutex_unlock(&j->lock);
    if (wake)
        commit_wake(j);
}

void journal_pass(struct journal *j, int64_t clock_ms)
{
    pthread_mutex_lock(&j->lock);
    j->now_ms = MAX_OF(j->now_ms, clock_ms);
    pthread_mutex_unlock(&j->lock);
}

struct record *journal_take(struct journal *j)
{
    pthread_mutex_lock(&j->lock);
    struct record *r = j->first;
    if (r && r->seq > j->durable_seq)
        r = NULL;
    if (r) {
        j->first = r->next;
        if (!j->first)
            j->last = NULL;
    }
    pthread_mutex_unlock(&j->lock);
    return r;
}

uint64_t journal_seq(struct journal *j)
{
    pthread_mutex_lock(&j->lock);
    uint64_t seq = j->seq;
    pthread_mutex_unlock(&j->lock);
    return seq;
}

enum journal_state journal_state(struct journal *j)
{
    return (enum journal_state)atomic_load_explicit(&j->state, memory_order_relaxed);
}

bool journal_keeps(const struct journal *j)
{
    return j->rocks != NULL;
}

uint64_t journal_epoch(const struct journal *j)
{
    return j->run.n_epochs ? j->run.epochs[j->run.n_epochs - 1].epoch : 0;
}

uint64_t journal_epoch_of(const struct journal *j, uint64_t seq)
{
    const struct meta_run *m = &j->run;
    for (size_t i = m->n_epochs; i > 0; i--)
        if (m->epochs[i - 1].from_seq <= seq || i == 1)
            return m->epochs[i - 1].epoch;
    return 0;
}
