/* clean.h -- strings from outside as they may stand in a column.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EVT_CLEAN_H
#define EVT_CLEAN_H

#include "base/base.h"

/* text itself, or a copy in the arena: a tab is four blanks there, and other control characters have
 * gone. */
struct str clean_text(struct str text, struct arena *a);

#endif
