/* synced.h -- the file SYNCED beside RocksDB's: which logs and manifests must be there, and how long. Private to the room.
 *
 * RocksDB takes a log that is gone for one that never was, and a manifest that ends early for a shorter history: both would
 * open, silently, with less than was acknowledged. So the first sync of a log, each sync of a manifest and the deletion of
 * either is noted: in one of two places by turns, in place, so that it needs no room on a full disk and survives a crash.
 * Beside them stands how long the newest log was when it was last synced. That is written without a sync of its own: behind a
 * loss of power it may be an older length, and still no more than was synced.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef JOURNAL_SYNCED_H
#define JOURNAL_SYNCED_H

#ifdef __cplusplus
extern "C" {
#endif

#include "base/base.h"

enum synced_kind { SYNCED_NOTHING, SYNCED_LOG, SYNCED_MANIFEST }; /* as kept: never renumbered */
struct synced_file {
    enum synced_kind kind;
    uint64_t number;
    /* It is at least so long. As opened, 0 for the newest log: a crash may cut what was written to that, */
    uint64_t n_bytes;
    uint64_t last_bytes; /* which was so long when it was last synced, as far as is known */
};
enum { SYNCED_MAX = 160 }; /* RocksDB keeps a handful; what is past this goes unnoted */
struct synced;
/* make: writes a new one. false of read: the file is missing or damaged. Any thread. */
struct synced *synced_open(const char *dir, bool make, struct err *err);
void synced_close(struct synced *s); /* NULL: nothing */
/* The file has been synced at this length. 0, or errno: it is not noted on the disk. When synced_again(errno), it will be by the
 * next call of any of these that returns 0; nothing else may be taken for durable before. Any other is for ever. */
int synced_note(struct synced *s, enum synced_kind kind, uint64_t number, uint64_t n_bytes);
/* It is about to be deleted; not 0: it must not be. */
int synced_forget(struct synced *s, enum synced_kind kind, uint64_t number);
int synced_settle(struct synced *s); /* what could not be written before */
/* Did (does) the run sync its logs only now and then? As opened: the run before. */
bool synced_loose(struct synced *s);
void synced_set_loose(struct synced *s, bool loose); /* on the disk with the next note */
/* Can what failed with this errno be tried again? */
bool synced_again(int why);
size_t synced_files(struct synced *s, struct synced_file out[SYNCED_MAX]); /* ascending by number */
/* Which kind of file a name is, and its number. */
enum synced_kind synced_kind_of(const char *name, uint64_t *number);

#ifdef __cplusplus
}
#endif
#endif
