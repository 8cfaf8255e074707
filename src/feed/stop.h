/* stop.h -- somebody wants the program to leave: SIGINT or SIGTERM, as a descriptor that can be waited for.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef STOP_H
#define STOP_H

#include <stdbool.h>

/* From here on the first SIGINT or SIGTERM makes the descriptor readable, for good; the second one ends the process. A pipe
 * that nobody reads any more is an error of write, not a signal. */
int stop_open(void);
void stop_close(int fd);
bool stop_wanted(int fd); /* fd -1: never */

#endif
