/* names.h -- from a name on the wire to its small number: a hash table over a fixed list of words.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EVT_NAMES_H
#define EVT_NAMES_H

#include "base/base.h"

enum { NAMES_MAX = 255, NAMES_CELLS = 1024 };
struct name_cell {
    uint64_t head, tail; /* its first and last eight bytes, overlapping: up to sixteen bytes that is
                            the whole name */
    const char *name;
    uint32_t n; /* 0: an empty cell */
    uint32_t number;
};
struct names {
    struct name_cell cells[NAMES_CELLS];
};
void names_init(struct names *t);
/* borrows a static name of at least one byte */
void names_add(struct names *t, const char *name, uint32_t number);
int names_find(const struct names *t, struct str name); /* -1 when it is not among them */

#endif
