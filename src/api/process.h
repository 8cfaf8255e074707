/* process.h -- what the kernel says of this process, under the names that Prometheus' own clients give it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_H
#define PROCESS_H

#include "base/base.h"

void process_write_prometheus(struct buf *b);

#endif
