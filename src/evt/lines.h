/* lines.h -- bodies that hold one event a line.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EVT_LINES_H
#define EVT_LINES_H

#include "evt/item.h"

/* Fills the decoder's item, empty so far, from a line without its end; item.why refuses it. At least EVT_PADDING
 * bytes behind the line can be read. */
typedef void line_reader(struct evt_decoder *d, const struct evt_proj *proj, struct str line);

/* A whole body, line by line. A line of nothing but blanks is passed over; blanks: which characters these are. */
bool lines_decode(struct evt_decoder *d, const struct evt_proj *proj, const struct evt_meta *meta,
                  struct str body, const char *blanks, line_reader *read, struct evt_batch *out,
                  struct err *err);

#endif
