/* mend.h -- before RocksDB opens: what a crash left is cut, and damage is refused with file and position. Private to the room.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef JOURNAL_MEND_H
#define JOURNAL_MEND_H

#ifdef __cplusplus
extern "C" {
#endif

#include "journal/synced.h"

/* Is there a database in the folder? Without one, files that belong to one are damage. *none: it may be made. */
bool mend_is_new(const char *dir, bool *none, struct err *err);
/* Only so many bytes of the file count. */
typedef void mend_end_fn(void *ctx, const char *path, uint64_t n_bytes);
/* Looks at the manifest and every log in the folder. What the last write left unfinished at the end of either is cut, and what
 * stays is synced. end: nothing is changed, and it is told of each that would be cut; NULL: none. *cut: the logs' bytes either
 * way. */
bool mend_logs(const char *dir, struct synced *synced, mend_end_fn *end, void *ctx, uint64_t *cut,
               struct err *err);
/* A folder that was just copied: its logs end behind whole records, and SYNCED tells of its own files. */
bool mend_copy(const char *dir, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
