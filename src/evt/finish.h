/* finish.h -- an item on its way to an event: what finish.c, identity.c and parts.c hand each
 * other.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EVT_FINISH_H
#define EVT_FINISH_H

#include "evt/item.h"

struct finish {
    struct evt_decoder *d;
    const struct evt_proj *proj;
    const struct evt_meta *meta;
    struct item *item;
    size_t index;
    struct evt_batch *out;
    bool has_event; /* the item carries self-describing data of its own, of this schema */
    struct iglu event;
    struct str vendor, name, version; /* identity.c: of the event, borrowing */
};

/* Rejects the item; always false. The first reason counts, since nothing goes on after it. */
bool finish_refuse(struct finish *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* For messages: at most 60 bytes of a string from outside, cut between characters. */
struct str finish_quote(struct str s);

/* parts.c: reads contexts and self-describing data, wanted or not, and fills the slots that ask for
 * something of them */
bool finish_parts(struct finish *f);
/* identity.c: vendor, name and version, and the columns that say so */
bool finish_identity(struct finish *f);

#endif
