/* writeback.h -- the thread that has what changed in memory written back to disk, again and again.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef WRITEBACK_H
#define WRITEBACK_H

#include "base/base.h"

struct writeback;
/* Calls write(ctx) every_ms after the last call has ended, on a thread of its own; false from it: it could not be finished,
 * and is tried again sooner. */
struct writeback *writeback_new(bool (*write)(void *ctx), void *ctx, int64_t every_ms,
                                struct err *err);
/* Returns when the thread has ended, which takes as long as the call that is under way. NULL: nothing. */
void writeback_free(struct writeback *w);

#endif
