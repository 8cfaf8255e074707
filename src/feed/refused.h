/* refused.h -- the lines that were not taken: how many for which reason, the first of them, and all of them in a file.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REFUSED_H
#define REFUSED_H

#include "base/base.h"

enum { REFUSED_SHOWN = 10, REFUSED_REASONS = 50 };

struct refused {
    uint64_t n;
    struct refused_reason {
        uint64_t kind; /* hash of the reason without what differs from line to line */
        uint64_t n;
        char *text; /* the first such reason; NULL: of all those beyond REFUSED_REASONS */
    } reasons[REFUSED_REASONS + 1];
    size_t n_reasons;
    struct buf shown; /* the first REFUSED_SHOWN of them, a line each */
    const char *path; /* of the file; NULL: none is wanted */
    FILE *file;
    bool failed; /* the file could not be written whole */
};
/* path: all of them are appended to this file; NULL: none. false: it can't be opened. */
bool refused_init(struct refused *r, const char *path, struct err *err);
/* The file is whole on return, or err says why not. */
bool refused_fini(struct refused *r, struct err *err);
/* column: empty when it is the line as a whole. */
void refused_add(struct refused *r, const char *file, uint64_t line, struct str column,
                 struct str reason);
void refused_write(const struct refused *r, struct buf *out); /* for the summary */
/* A text from elsewhere for a terminal or a file of lines: what would move a cursor or end a line becomes a blank. */
void refused_put_plain(struct buf *out, struct str text);

#endif
