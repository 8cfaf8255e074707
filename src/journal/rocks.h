/* rocks.h -- the one door to RocksDB: what the journal needs of it, as C. only rocks*.cc include its headers.
 *
 * Four spaces of keys in one database, one log for all of them. Writes are atomic a batch; a batch is lost or there, and never
 * there without those before it. Any thread; a batch and an iterator belong to one thread at a time.
 * Memory: up to 106 MiB of what is not written out yet, and a cache of 64 MiB that holds indexes and filters, too.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef JOURNAL_ROCKS_H
#define JOURNAL_ROCKS_H

#ifdef __cplusplus
extern "C" {
#endif

#include "base/base.h"

enum rocks_space {
    ROCKS_META,   /* few and small: what stands for the whole */
    ROCKS_BLOCKS, /* the records, a block each: big values that come once and in order, compressed when they leave the log */
    ROCKS_PAGES, /* written-back profiles: found by key alone, with a filter against looking in vain */
    ROCKS_DUE, /* which page holds a timer that is due when: read in order of time */
    ROCKS_SPACES
};

/* Why a call failed, as far as somebody can do something about it. */
enum rocks_trouble {
    ROCKS_FINE,
    ROCKS_FULL,    /* no space, or past a quota */
    ROCKS_DAMAGED, /* a checksum, a format, a file that is missing */
    ROCKS_BUSY,    /* another process has it open */
    ROCKS_FAILED   /* anything else the system said: EIO, EMFILE, EACCES ... */
};

struct rocks_options {
    bool create;    /* when there is none; else a missing one is an error */
    bool read_only; /* takes no lock, changes nothing: for verify beside nobody */
    bool salvage;   /* takes what can be read of a damaged log */
    /* rocks_sync is called only now and then: a crash may leave any part of what was written behind the last one. */
    bool loose;
    size_t log_bytes; /* 0: 128 MiB; past it, memory is written out and the log cut */
    /* What was past by this time may be dropped when files are rewritten: pages by their first 8 bytes (expires_ms, little
     * endian), due entries by the first 8 bytes of their key (due_ms, big endian). Read by other threads. */
    const int64_t *past_ms;
};
struct rocks;
/* err names the folder, what is wrong and the way out. *cut: bytes dropped from the end of the last log (0: none). */
struct rocks *rocks_open(const char *dir, const struct rocks_options *o, uint64_t *cut,
                         enum rocks_trouble *why, struct err *err);
void rocks_close(struct rocks *r); /* NULL: nothing */

/* -- Writing. rocks_write hands the batch to the system, in the log, unsynced; the batch stays the caller's, may be written
 * again and is emptied with rocks_batch_clear. What was logged before is synced by then, unless loose: a crash leaves one write
 * unfinished, not two. One that was refused with ROCKS_FULL or ROCKS_FAILED may be read already, but is on no disk until it was
 * written again as it is; no other is logged before there is room. */
struct rocks_batch;
struct rocks_batch *rocks_batch_new(struct rocks *r); /* freed before rocks_close */
void rocks_batch_free(struct rocks_batch *b);
void rocks_batch_clear(struct rocks_batch *b);
void rocks_put(struct rocks_batch *b, enum rocks_space space, struct str key, struct str value);
void rocks_del(struct rocks_batch *b, enum rocks_space space, struct str key);
void rocks_del_range(struct rocks_batch *b, enum rocks_space space, struct str from,
                     struct str to); /* [from, to) */
/* logged false: into memory only; rocks_flush makes it last. */
enum rocks_trouble rocks_write(struct rocks *r, struct rocks_batch *b, bool logged,
                               struct err *err);
/* All that rocks_write took with logged is on the disk when this returns. ROCKS_FULL: it is, but there was no room to note that;
 * nothing may be acknowledged until another call says ROCKS_FINE. Any other failure is ROCKS_FAILED, and for ever: the system
 * may have thrown away what it could not write, and would say yes the next time. */
enum rocks_trouble rocks_sync(struct rocks *r, struct err *err);
/* Writes a space's memory into a file that is synced. */
enum rocks_trouble rocks_flush(struct rocks *r, enum rocks_space space, struct err *err);
/* After trouble other than a failed sync: lets writes through again. Try the write again afterwards. */
enum rocks_trouble rocks_resume(struct rocks *r, struct err *err);
/* Files that hold nothing but [from, to) go at once; rocks_del_range does the rest. */
enum rocks_trouble rocks_drop_files(struct rocks *r, enum rocks_space space, struct str from,
                                    struct str to, struct err *err);

/* -- Reading. Values are copied into the arena; p == NULL: there is none. false: damaged or unreadable; err says where. */
bool rocks_get(struct rocks *r, enum rocks_space space, const struct str *keys, size_t n,
               struct str *values, struct arena *arena, struct err *err);
struct rocks_iter;
struct rocks_iter *rocks_iter_new(struct rocks *r, enum rocks_space space);
/* Over the nth table alone, whatever became of the others, and without what is in memory. NULL: there are not so many. */
struct rocks_iter *rocks_iter_table(struct rocks *r, enum rocks_space space, size_t n);
void rocks_iter_free(struct rocks_iter *i); /* before rocks_close */
/* The first at or behind key / the last at or before it. false: there is none, or err is set. */
bool rocks_seek(struct rocks_iter *i, struct str key, struct err *err);
bool rocks_seek_back(struct rocks_iter *i, struct str key, struct err *err);
bool rocks_next(struct rocks_iter *i, struct err *err);
struct str rocks_key(const struct rocks_iter *i); /* borrowed until the next move */
struct str rocks_value(const struct rocks_iter *i);

/* -- The whole */
uint64_t rocks_bytes(struct rocks *r, enum rocks_space space); /* its files on disk */
/* Of these, roughly what the keys in [from, to) take up. */
uint64_t rocks_range_bytes(struct rocks *r, enum rocks_space space, struct str from, struct str to);
/* Every checksum of every file; found is told of each that is damaged. false: there was one. */
typedef void rocks_found_fn(void *ctx, const char *what);
bool rocks_verify(struct rocks *r, rocks_found_fn *found, void *ctx);
/* A copy as of now in a folder that does not exist yet: by hard links where that can be. */
bool rocks_copy(struct rocks *r, const char *dir, enum rocks_trouble *why, struct err *err);

/* Builds what describes the files of a folder anew from the files; whatever can't be used is set aside in it. Of a copy only. */
bool rocks_repair(const char *dir, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
