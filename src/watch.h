/* watch.h -- the worker thread: notices that rule files change, waits for quiet, and calls for a reload.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef WATCH_H
#define WATCH_H

#include "base/base.h"

struct watch;
/* Watches a folder and those below it from now on. changed is called on the watch's own thread, and on no other. */
struct watch *watch_new(const char *dir, void (*changed)(void *ctx), void *ctx, struct err *err);
/* the thread, which begins with what happened since watch_new */
bool watch_start(struct watch *w, struct err *err);
void watch_kick(struct watch *w); /* any thread: as if something had changed */
void watch_free(struct watch *w); /* returns when the thread has ended */

#endif
