/* data.h -- commands on a data folder: backup, restore, journal verify and salvage.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DATA_H
#define DATA_H

#include "config.h"

/* Each says on standard output what it did, on standard error why not. true: it went well, and nothing is damaged. */
bool data_backup(const struct config *c, const char *to);
bool data_restore(const struct config *c, const char *from);
bool data_verify(const struct config *c);
bool data_salvage(const struct config *c, const char *to);

/* The folder and the other options of the journal, with chance drawn. */
struct journal_options data_options(const struct config *c);
/* "N files, N bytes": what lies in a folder and below it. */
void data_measure(const char *dir, struct buf *out);

#endif
