/* stamp.h -- the times of one recorded event, read from its line and moved.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef STAMP_H
#define STAMP_H

#include "base/base.h"

struct stamp {
    bool tsv;
    struct str line;     /* borrowed */
    struct json_t *tree; /* of NDJSON; NULL: the line is none */
    bool known;          /* ms says when the event happened */
    int64_t ms;          /* its collector_tstamp, else derived_tstamp, else dvce_created_tstamp */
};
void stamp_read(struct stamp *s, bool tsv, struct str line);
/* The line with all its times later by so much, without an end. One whose time is not known, or would leave the years that
 * can be written, is as it was. */
void stamp_write(const struct stamp *s, int64_t later_ms, struct buf *out);
void stamp_fini(struct stamp *s);

#endif
