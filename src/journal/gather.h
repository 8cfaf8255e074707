/* gather.h -- everything that can be read of a damaged database, in a new one. Private to the room.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef JOURNAL_GATHER_H
#define JOURNAL_GATHER_H

#include "journal/walk.h"

struct gathered {
    struct findings found;
    const char *db, *aside; /* the damaged one, and where a copy of it may be made */
    struct rocks *from, *logs, *to;
    bool guessed; /* the list of files is lost, and was made anew from those that are there */
    bool bad_log; /* one is not whole: records may be missing behind the last */
    struct meta_run run;
    struct meta_base base; /* generation 0: none */
    bool has_run;
    uint64_t n_pages;    /* versions that are true */
    uint64_t n_left_out; /* of write-backs that were never completed */
    uint64_t
        n_ahead;    /* of write-backs that the record of the run does not know: it is an old one */
    uint64_t n_bad; /* damaged: pages, */
    uint64_t n_bad_due; /* and timers' keys */
    uint64_t n_gaps;    /* pages or timers that could not be read, without a number */
    struct rocks_batch *batch;
    size_t n_batch; /* bytes in it */
    bool apart;     /* tables are read one by one: a key may have come before */
    bool keeping;   /* else it only looks */
    struct err *err;
};
/* Opens db, and makes the database `to`. Whatever it returns, gathered_fini is called at the end. */
bool gather_open(struct gathered *g, const char *db, const char *aside, const char *to);
void gathered_fini(struct gathered *g);
/* What stands for the whole; it is not written. */
void gather_meta(struct gathered *g);
/* All blocks that are whole. */
bool gather_blocks(struct gathered *g);
/* The pages up to the base, and all timers. all_or_none: they are only kept when gathered_all_pages. */
bool gather_pages(struct gathered *g, bool all_or_none);
/* Is each page there, and as of the base? */
bool gathered_all_pages(const struct gathered *g);
/* Writes what is in the batch, once it is big; all: in any case. */
bool gather_write(struct gathered *g, bool all);

#endif
