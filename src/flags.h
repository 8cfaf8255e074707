/* flags.h -- what else may stand on a command line: flags, which belong to commands and can't be set in the file.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLAGS_H
#define FLAGS_H

#include "config.h"

/* The first row of that name, or -1. */
int flags_find(const char *name);
const char *flags_name(int row); /* NULL behind the last row */
bool flags_wants_value(int row);
/* value NULL: none was given. */
bool flags_set(struct config *c, int row, const char *value, struct err *err);
/* From the environment, where a flag has a variable. */
void flags_take_env(struct config *c, char *const *env);
bool flags_know_env(const char *variable); /* NAME=VALUE */
/* Every flag that was given belongs to this command. */
bool flags_check(const struct config *c, const char *command, struct err *err);
/* The flags that belong to a command and not to all; NULL: every one, saying whose it is. */
void flags_write_help(const char *command, struct buf *out);

#endif
