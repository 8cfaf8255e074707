/* journal.h -- the one order of everything that happens: sequence and time are given here, and nowhere else.
 *
 * A record is queued (it gets its sequence and now_ms, never less than the last), becomes durable, is taken in order by whoever
 * stands in the engine's door, applied, and answered. This journal keeps nothing: a queued record is durable at once.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "base/base.h"

enum record_kind { RECORD_BATCH, RECORD_TICK, RECORD_SWAP };
struct record {
    enum record_kind kind;
    uint64_t seq; /* from 1, without a gap */
    int64_t now_ms;
    void *body; /* the engine's: a batch, a plan; NULL for a tick */
    struct record *next;
};
struct journal;
struct journal *journal_new(void);
void journal_free(struct journal *j);
/* Any thread. The record is the caller's until it was taken; clock_ms: the wall clock's. */
void journal_queue(struct journal *j, struct record *r, int64_t clock_ms);
/* The next durable record in order, or NULL. Only behind the engine's door. */
struct record *journal_take(struct journal *j);
uint64_t journal_seq(struct journal *j); /* the last one given */

#endif
