/* lines.h -- the lines of an input, one after the other, in bounded memory.
 *
 * Lines end with LF or CRLF; the last may lack its end. A byte order mark before the first one is no part of it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINES_H
#define LINES_H

#include "feed/input.h"

struct line {
    struct str text; /* without its end; lives until the next line is read; empty when too_long */
    uint64_t number; /* from 1 */
    uint64_t hash;   /* XXH3-64 of all bytes before its LF, also when it is too long */
    bool too_long;   /* more than line_max bytes */
    bool ended;      /* false: the last one, and nothing stands behind it */
};
struct lines;

/* line_max: what is longer is passed over, not held. */
struct lines *lines_open(const char *path, size_t line_max, const struct input_options *o,
                         struct err *err);
void lines_close(struct lines *l);
/* INPUT_BYTES: there is one. Half a line before a place that can't be read is none. */
enum input_said lines_next(struct lines *l, struct line *out, struct err *err);
/* The next lines_next gives the line it gave last once more. */
void lines_hold(struct lines *l);
const struct input *lines_input(const struct lines *l);

#endif
