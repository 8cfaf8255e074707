/* progress.h -- how far a feed has come, drawn over itself on a terminal.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include "base/base.h"

struct progress_state {
    const char *name;
    uint64_t at, size; /* bytes of the file; size 0: nobody knows */
    uint64_t
        from; /* where the reading began that counts: what was skipped says nothing of the time */
    uint64_t n_events; /* since then */
    int64_t spent_ms;  /* the same */
    int64_t wait_ms;   /* the next event is due then; 0: nobody waits */
};
/* The line itself, without an end, at most `width` columns. */
void progress_line(const struct progress_state *s, unsigned width, struct buf *out);

void progress_put_count(struct buf *out, uint64_t n); /* 1,234,567 */

struct progress {
    bool on; /* standard error is a terminal */
    bool shown;
    int64_t drawn_ms;
};
void progress_init(struct progress *p);
/* Draws, unless it did so a moment ago. */
void progress_show(struct progress *p, const struct progress_state *s, int64_t now_ms);
void progress_clear(struct progress *p); /* before anything else is written to the terminal */

#endif
