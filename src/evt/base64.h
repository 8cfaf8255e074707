/* base64.h -- base64 as trackers write it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EVT_BASE64_H
#define EVT_BASE64_H

#include "base/base.h"

/* Room that base64_decode may write to for n characters of input: more than comes out, since it
 * stores wide. */
static inline size_t base64_room(size_t n)
{
    return n / 4 * 3 + 32;
}
/* The standard and the URL-safe alphabet, even mixed; with padding or without. The whole string or
 * false, and then what stands in out is nothing to go by. */
bool base64_decode(struct str in, uint8_t *out, size_t *n_out);

#endif
