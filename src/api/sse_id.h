/* sse_id.h -- ids of messages on a stream: EPOCH-SEQUENCE.INDEX.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_ID_H
#define SSE_ID_H

#include "base/base.h"

struct sse_id {
    uint64_t epoch, seq;
    uint32_t index;
};
void sse_id_write(struct buf *b, const struct sse_id *id);
bool sse_id_parse(struct str text, struct sse_id *out); /* the whole string or false */

#endif
