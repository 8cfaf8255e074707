/* datadir.h -- the data folder itself: whose it is, which format, and that one process at a time has it. Private to the room.
 *
 * DATA/signalbox.json names the program and the format; DATA/lock is locked and tells the process's number; DATA/db is
 * RocksDB's. Nothing that is there is ever overwritten or deleted here.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef JOURNAL_DATADIR_H
#define JOURNAL_DATADIR_H

#include "base/base.h"

enum { DATADIR_FORMAT = 1 }; /* the one that is written here, and the newest that is read */
enum datadir_use {
    DATADIR_WRECK, /* changes nothing, and asks nothing but that no process is at it */
    DATADIR_LOOK,  /* changes nothing; beside others that look */
    DATADIR_OPEN,  /* alone; the folder is there already */
    DATADIR_MAKE,  /* alone; makes it (0700) when there is none, or an empty one */
    DATADIR_NEW    /* alone; makes it, and refuses one that holds anything */
};
struct datadir;

/* *fresh (may be NULL): nothing was ever kept in it, so that its database is to be made; false: its database is there. A
 * folder whose making was interrupted is fresh again. err names the file and the way out. */
struct datadir *datadir_open(const char *dir, enum datadir_use use, bool *fresh, struct err *err);
/* The fresh folder's database stands, and is synced: writes signalbox.json. Nothing when it is there already. */
bool datadir_done(struct datadir *d, struct err *err);
const char *datadir_db(const struct datadir *d); /* where the database is, or is to be made */
void datadir_close(struct datadir *d);           /* lets go of the lock; NULL: nothing */
/* Makes what was created or renamed in a folder last. */
bool datadir_sync(const char *dir, struct err *err);

#endif
