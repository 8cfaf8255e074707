/* sse_id.c -- ids of messages on a stream: EPOCH-SEQUENCE.INDEX.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/sse_id.h"

#include <inttypes.h>

void sse_id_write(struct buf *b, const struct sse_id *id)
{
    buf_printf(b, "%" PRIu64 "-%" PRIu64 ".%" PRIu32, id->epoch, id->seq, id->index);
}

/* Cuts the part before c off s. */
static bool cut(struct str *s, char c, struct str *part)
{
    const char *at = s->n ? memchr(s->p, c, s->n) : NULL;
    if (!at)
        return false;
    *part = (struct str){s->p, (size_t)(at - s->p)};
    s->n -= part->n + 1;
    s->p = at + 1;
    return true;
}

bool sse_id_parse(struct str text, struct sse_id *out)
{
    struct str epoch, seq;
    uint64_t index;
    if (!cut(&text, '-', &epoch) || !cut(&text, '.', &seq))
        return false;
    if (!str_u64(epoch, &out->epoch) || !str_u64(seq, &out->seq) || !str_u64(text, &index) ||
        index > UINT32_MAX)
        return false;
    out->index = (uint32_t)index;
    return true;
}
