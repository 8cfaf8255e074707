/* journal_internal.h -- what the files of this room share: how blocks, pages and the records that stand for the whole are laid
 * out, and the journal itself.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef JOURNAL_INTERNAL_H
#define JOURNAL_INTERNAL_H

#include "journal/journal.h"
#include "journal/rocks.h"

#include <pthread.h>
#include <stdatomic.h>

/* -- block.c: records that were committed together, as the bytes of one value in ROCKS_BLOCKS. Pure. */
enum { BLOCK_KEY = 8, BLOCK_HEAD = 45, BLOCK_GROUP_BYTES = 4 << 20 };
struct block_head {
    uint32_t n;                    /* records, at least one */
    uint64_t seq;                  /* the first one's; the key as well */
    int64_t first_ms, last_ms;     /* now_ms of the first and of the last */
    int64_t least_ms, greatest_ms; /* of all events' times; least > greatest: it has none */
};
void block_key(uint64_t seq, uint8_t out[BLOCK_KEY]); /* big endian, so that keys stand in order */
bool block_key_seq(struct str key, uint64_t *seq);    /* false: it is no block's key */
uint64_t block_last_seq(const struct block_head *h);
/* Replaces what is in out with a block of the records from first on, at least one, up to last or until it holds max_bytes.
 * Returns the last one it took. */
struct record *block_write(struct buf *out, struct record *first, const struct record *last,
                           size_t max_bytes);
/* Only what stands in front, the checksum unread: for walking over blocks. */
bool block_head(struct str key, struct str value, struct block_head *out, struct err *err);
struct block_reader {
    struct block_head head;
    struct unpack in;
    uint32_t n_read;
    int64_t now_ms;
};
bool block_open(struct block_reader *b, struct str key, struct str value, struct err *err);
/* The next record, its bytes borrowed from the value. false: there is none, or err is set. */
bool block_next(struct block_reader *b, struct record_view *out, struct err *err);

/* -- page_value.c: one version of a page as key and value in ROCKS_PAGES, its timer as key in ROCKS_DUE. Pure. */
enum { PAGE_SLOTS = 2, PAGE_PLACE = PAGE_KEY + 1, PAGE_HEAD = 20, DUE_KEY = 8 + PAGE_PLACE };
void page_place(const struct page_key *key, uint8_t slot, uint8_t out[PAGE_PLACE]);
void page_write(struct buf *out, const struct page *p, uint32_t generation); /* appends */
/* Fills key, slot, generation, expires_ms and bytes (borrowed from value). */
bool page_read(struct page *out, struct str place, struct str value, struct err *err);
void page_due_key(const struct page *p, uint8_t out[DUE_KEY]);
bool page_due_read(struct page_due *out, struct str key, struct str value);

/* -- meta.c: what stands for the whole, in ROCKS_META. One record tells of the last complete generation, one of the last run;
 * each ends with its checksum. */
struct meta_epoch {
    uint64_t from_seq, epoch;
};
struct meta_run {
    uint64_t page_seed;
    bool clean;             /* it was closed, and all that was queued had been written */
    enum journal_sync sync; /* how it wrote */
    uint32_t begun;         /* the highest generation any page may carry */
    uint32_t *aborted;      /* generations begun and never completed, ascending */
    size_t n_aborted, cap_aborted;
    struct meta_epoch *epochs; /* ascending; the last one is in force */
    size_t n_epochs, cap_epochs;
};
struct meta_base {
    uint64_t generation, seq;
    struct buf state;
};
void meta_run_fini(struct meta_run *m);
void meta_base_fini(struct meta_base *m);
void meta_run_pack(struct buf *out, const struct meta_run *m);
bool meta_run_unpack(struct meta_run *m, struct str value, struct err *err);
void meta_base_pack(struct buf *out, uint64_t generation, uint64_t seq, struct str state);
bool meta_base_unpack(struct meta_base *m, struct str value, struct err *err);
void meta_put_run(struct rocks_batch *b, const struct meta_run *m);
void meta_put_base(struct rocks_batch *b, uint64_t generation, uint64_t seq, struct str state);
/* *found: the folder has a record of a run. */
bool meta_load(struct rocks *r, struct meta_run *run, struct meta_base *base, bool *found,
               struct err *err);
bool meta_is_aborted(const struct meta_run *m, uint32_t generation);
/* Whoever copies a folder calls this on the copy: the next start draws a new epoch, since two journals go on from here. */
void meta_forget_epoch(struct meta_run *m);

/* -- The journal */
struct journal {
    struct journal_options o;
    char *dir;
    const char *db_dir; /* the database's folder in it: folder's */
    struct datadir *folder;
    struct rocks *rocks; /* NULL: nothing is kept */
    /* What goes to the disk goes through these, so that a test can put a failing disk there. */
    enum rocks_trouble (*write)(struct rocks *r, struct rocks_batch *b, bool logged,
                                struct err *err);
    enum rocks_trouble (*sync)(struct rocks *r, struct err *err);
    enum rocks_trouble (*flush)(struct rocks *r, enum rocks_space space, struct err *err);
    int full_pause_ms, trouble_pause_ms, n_tries; /* between two tries; of a write that fails */

    pthread_mutex_t lock;        /* over these, and never held while anything waits for the disk: */
    struct record *first, *last; /* queued and not taken, */
    struct record *unwritten;    /* and from here on in no block yet */
    uint64_t seq, durable_seq;   /* the last one given; the last one that may be taken */
    int64_t now_ms;
    bool sleeping; /* the thread waits for commit_wake */

    _Atomic int state;         /* enum journal_state; FAILED is for ever */
    _Atomic uint32_t word;     /* moves when the thread is to look again */
    _Atomic uint32_t stopping; /* 1: journal_close was called */
    _Atomic bool unsynced;     /* JOURNAL_INTERVAL: something was written behind the last sync */
    _Atomic uint64_t oldest;   /* the first sequence kept */
    _Atomic int64_t past_ms;   /* rocks_options.past_ms */
    bool started;              /* the threads run */
    bool drained;              /* they ended with everything written */
    pthread_t thread, sync_thread;

    pthread_mutex_t sync_lock; /* one sync at a time: none may say yes beside one that fails */
    pthread_mutex_t disk_lock; /* one writer of ROCKS_META at a time; before meta_lock */
    uint64_t run_written;      /* the version of run that is on the disk */

    pthread_mutex_t meta_lock; /* over these, and never held while anything waits for the disk: */
    struct meta_run run;
    struct meta_base kept;
    struct journal_base base; /* kept, as others see it */
    uint32_t running;         /* the generation that is being written; 0: none */
    uint64_t running_seq;
    uint64_t run_version; /* moves with every change of run */
    _Atomic bool has_pages;
    bool put_trouble; /* the worker's: its last write failed, and was told */
};

/* -- commit.c: the journal's threads */
void *commit_main(void *journal);
void *commit_sync_main(void *journal); /* JOURNAL_INTERVAL: syncs now and then */
void commit_wake(struct journal *j);
void commit_say_clean(struct journal *j); /* when they have ended */
void commit_stop(struct journal *j);      /* tells them to end, waits for neither */
/* Everything written so far is on the disk behind this, or the journal has failed. Any thread. */
enum rocks_trouble commit_sync(struct journal *j, struct err *err);

/* -- pages.c */
/* One try at writing and syncing the run's record, when it has changed since it was last written. */
enum rocks_trouble pages_write_run(struct journal *j, struct err *err);

/* -- scan.c */
/* One after the other the blocks that hold records from..until, which must be there without a gap; they are not checked beyond
 * their heads. false: err is set. */
typedef bool scan_block_fn(void *ctx, struct str key, struct str value, const struct block_head *h,
                           struct err *err);
bool scan_blocks(struct journal *j, uint64_t from, uint64_t until, scan_block_fn *visit, void *ctx,
                 struct err *err);
/* The block that holds seq, or the last one before it. false: there is none, or err is set. */
bool scan_find(struct journal *j, uint64_t seq, struct block_head *out, struct err *err);
bool scan_first(struct journal *j, struct block_head *out, struct err *err); /* of all */

#endif
