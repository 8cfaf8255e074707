/* journal.c -- the queue that gives sequence and time.
 *
 * Nothing is kept: a record is durable as soon as it is queued. The order is already the one that recovery will repeat.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal.h"

#include <pthread.h>
#include <stdlib.h>

struct journal {
    pthread_mutex_t lock;
    struct record *first, *last;
    uint64_t seq;
    int64_t now_ms;
};

struct journal *journal_new(void)
{
    struct journal *j = xcalloc(1, sizeof(*j));
    pthread_mutex_init(&j->lock, NULL);
    return j;
}

void journal_free(struct journal *j)
{
    pthread_mutex_destroy(&j->lock);
    free(j);
}

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
    else
        j->first = r;
    j->last = r;
    pthread_mutex_unlock(&j->lock);
}

struct record *journal_take(struct journal *j)
{
    pthread_mutex_lock(&j->lock);
    struct record *r = j->first;
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
