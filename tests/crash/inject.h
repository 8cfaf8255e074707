/* inject.h -- what the tests of faults and power cuts share with the library they preload into the server: two files in memory.
 *
 * INJECT_DIR names the data folder: only what happens below it is seen, and what a socket accepts. INJECT_FAULTS names a file
 * that holds struct faults: the test arms it at any time, the library counts in it. INJECT_RECORD names a file that holds
 * struct record_head and behind it every change to the folder in the order it happened: states.py reads it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef INJECT_H
#define INJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* In the order of OPS in inject.py. */
enum fault_op {
    OP_OPEN,
    OP_CREATE, /* an open that may make the file */
    OP_READ,
    OP_PREAD,
    OP_FREAD,
    OP_WRITE,
    OP_PWRITE,
    OP_WRITEV,
    OP_FDATASYNC,
    OP_FSYNC,
    OP_SYNC_RANGE,
    OP_TRUNCATE,
    OP_ALLOCATE,
    OP_RENAME,
    OP_UNLINK,
    OP_LINK,
    OP_MKDIR,
    OP_MMAP,
    OP_OPENDIR,
    OP_STAT,
    OP_ACCEPT,
    OPS
};

enum { FAULT_PATH = 256 };
struct faults {
    _Atomic uint32_t armed;
    uint32_t ops;  /* a bit for each enum fault_op that fails */
    int32_t error; /* errno; 0: the call only does a part of what it was asked to */
    uint32_t part; /* the first hit does a part, those behind it fail: a disk that runs full */
    _Atomic int64_t skip;  /* calls that still go well */
    _Atomic int64_t times; /* calls that then fail */
    _Atomic uint64_t hits;
    _Atomic uint64_t syncs_failed; /* of a log: behind that nothing may be promised */
    _Atomic uint64_t calls[OPS];
    char path[FAULT_PATH]; /* of the last hit */
};

enum change_kind {                    /* in the order of states.py */
                   CHANGE_CREATE,     /* path; file is its number */
                   CHANGE_WRITE,      /* a: offset; the bytes */
                   CHANGE_TRUNCATE,   /* a: size */
                   CHANGE_ALLOCATE,   /* a: the size it grew to */
                   CHANGE_SYNC_BEGIN, /* a: which one */
                   CHANGE_SYNC_END,   /* a: the one that has ended well */
                   CHANGE_RENAME,     /* path, NUL, path */
                   CHANGE_UNLINK,     /* path */
                   CHANGE_LINK,       /* path, NUL, path */
                   CHANGE_MKDIR,      /* path; file is its number */
                   CHANGE_RMDIR       /* path */
};
struct record_head {
    _Atomic uint64_t
        size; /* of what is written behind it; what was there by then happened before */
    uint64_t room;
    _Atomic uint64_t overflow; /* it did not fit: the test is void */
    uint64_t unused;
};
struct change {
    uint32_t kind, n_bytes; /* the bytes follow, padded to 8 */
    uint64_t file, a;
};

/* -- inject.c */
/* -- record.c */
bool record_on(void);
void record_init(const char *file);
void record_lock(void);
void record_unlock(void);
void record_change(enum change_kind kind, uint64_t file, uint64_t a, const void *bytes, size_t n);
uint64_t record_file(int fd); /* its number: the inode's */

#endif
