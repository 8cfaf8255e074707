/* feed.h -- the commands that feed a server with recorded events: `signalbox replay` and `signalbox send`.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEED_H
#define FEED_H

#include "config.h"

/* Each returns the exit code: 0 all was taken, 1 some was refused or it failed. */
int feed_replay(const struct config *c); /* as history: counts, fires nothing, each line once */
int feed_send(const struct config *c);   /* as if it happened now, at a given speed */

#endif
