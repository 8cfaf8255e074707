/* journal.h -- the one order of everything that happens, kept on disk: sequence and time are given here, and nowhere else.
 *
 * A record is queued (it gets its sequence and now_ms, never less than the last), is written in a block with those queued
 * beside it and synced, is taken in order by whoever stands in the engine's door, applied, and answered. Beside the records
 * stand pages: what the engine has written back of its profiles, as of one sequence. Recovery takes the pages of the last
 * write-back that was completed, and the records behind it.
 *
 * The journal knows neither what a record says nor what a page holds.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "base/base.h"

enum record_kind {
    RECORD_BATCH = 1,
    RECORD_TICK = 2,
    RECORD_SWAP = 3
}; /* as kept: never renumbered */
struct record {
    enum record_kind kind;
    uint64_t seq; /* from 1, without a gap */
    int64_t now_ms;
    struct str bytes; /* what is kept of it; the owner's, unchanged until it was taken */
    int64_t least_ms, greatest_ms; /* of its events' times; least > greatest: it has none */
    void *body;                    /* the engine's: a batch, a plan; NULL for a tick */
    struct record *next;
};

enum journal_sync { JOURNAL_ALWAYS, JOURNAL_INTERVAL, JOURNAL_NEVER };
enum journal_state {
    JOURNAL_OPEN,
    JOURNAL_FULL,  /* the disk is: what is queued waits, and goes on by itself once there is room */
    JOURNAL_FAILED /* a write or sync failed: nothing more becomes durable until a restart */
};
struct journal_options {
    const char *dir; /* NULL: nothing is kept, and a record is durable as soon as it is queued */
    enum journal_sync sync;
    int64_t interval_ms; /* JOURNAL_INTERVAL: between two syncs */
    int64_t keep_ms;     /* blocks whose newest record is older go; 0: never */
    uint64_t keep_bytes; /* past it the oldest blocks go; 0: no limit */
    /* On the journal's thread, each time more can be taken, or the state has changed. It only passes the word on. */
    void (*durable)(void *ctx);
    void *ctx;
    uint8_t draw[32]; /* random bytes, other ones each time: what a folder draws comes from them */
};
extern const struct journal_options journal_options_default;
struct journal;
/* Opens or makes the folder. Nothing is written before journal_start but what a new folder needs. err: what is wrong with
 * which file, and the way out. */
struct journal *journal_open(const struct journal_options *o, struct err *err);
void journal_start(struct journal *j); /* after recovery: from here on records are queued */
/* Writes what is queued (unless that can't be) and ends the thread. What is durable can still be taken, and pages put and
 * completed. Returns the records that never will be: the caller's again, chained by next. */
struct record *journal_stop(struct journal *j);
/* Stops it, unless that was done, and closes. */
void journal_close(struct journal *j); /* NULL: nothing */

/* Any thread. The record is the caller's until it was taken; clock_ms: the wall clock's. */
void journal_queue(struct journal *j, struct record *r, int64_t clock_ms);
/* It is clock_ms, though nothing is queued: no record behind this one is earlier. */
void journal_pass(struct journal *j, int64_t clock_ms);
/* The next durable record in order, or NULL. Only behind the engine's door. */
struct record *journal_take(struct journal *j);
uint64_t journal_seq(struct journal *j);             /* the last one given */
enum journal_state journal_state(struct journal *j); /* any thread, cheap */
/* Drawn when the folder was made, and again whenever records that were applied may have been lost: with the sequence it
 * names one record for ever. 0 without a folder. */
uint64_t journal_epoch(const struct journal *j);
/* The one a record was given its sequence under: what replaying an old record needs. */
uint64_t journal_epoch_of(const struct journal *j, uint64_t seq);
/* Has it a folder? */
bool journal_keeps(const struct journal *j);

/* -- scan.c: reading records back */
struct record_view { /* borrowed during the call */
    enum record_kind kind;
    uint64_t seq;
    int64_t now_ms;
    struct str bytes;
};
typedef bool journal_visit_fn(void *ctx, const struct record_view *r,
                              struct err *err); /* false: stop */
/* Every durable record from `from` on, in order, also while others are written. What was let go of is passed over: the first
 * one may come later than `from`. false: err says at which sequence what is damaged or missing, or what visit said. */
bool journal_scan(struct journal *j, uint64_t from, journal_visit_fn *visit, void *ctx,
                  struct err *err);
uint64_t
journal_oldest(struct journal *j); /* the first sequence still kept; last + 1 when none is */

/* -- pages.c: what is written back. One write-back at a time: begin, any number of puts, complete. Until it is complete,
 * a restart sees nothing of it. */
struct journal_base {    /* what recovery starts from */
    uint64_t generation; /* 0: nothing was ever written back */
    uint64_t seq;        /* the pages are as of behind this record */
    struct str state;    /* the engine's; the journal's memory, until the next complete */
};
const struct journal_base *journal_base(const struct journal *j);
enum { PAGE_KEY = 16 };
struct page_key {
    uint8_t bytes[PAGE_KEY];
};
/* Each folder hashes with a seed of its own. */
struct page_key journal_page_key(const struct journal *j, uint32_t key_id, struct str id);
struct page {
    struct page_key key;
    uint32_t
        generation; /* of the version: when loaded, the one it was written in; ignored by put */
    uint8_t
        slot; /* each key has two places, 0 and 1: a version must not replace the newest complete one */
    int64_t
        expires_ms; /* from then on it means nothing, nor does any version before it; INT64_MAX: never */
    int64_t due_ms;      /* its earliest timer: the page is named by journal_due; INT64_MAX: none */
    struct str due_what; /* what journal_due shows of it without loading it */
    struct str bytes;
};
/* Opens the next generation, as of behind seq, which has been applied. Returns its number. Waits for nothing. Until it is
 * complete there is no other: one that was begun anew would leave pages that are neither true nor forgotten. */
uint32_t journal_begin(struct journal *j, uint64_t seq);
/* These three wait for the disk: the worker's. false: it can't be written now; the caller keeps it and tries again. */
bool journal_put(struct journal *j, const struct page *pages, size_t n);
/* now_ms: nothing that recovery applies is earlier: pages and timers that are past by then are dropped. */
bool journal_complete(struct journal *j, struct str state, int64_t now_ms);
/* Lets go of blocks that are too old or too many, but none that recovery needs. */
void journal_trim(struct journal *j, int64_t now_ms);
/* The newest complete version of each, or one put since journal_start; bytes.p == NULL: there is none. false: damaged. */
bool journal_load(struct journal *j, const struct page_key *keys, size_t n, struct page *out,
                  struct arena *arena, struct err *err);
/* False: no page was ever put, so that nobody needs to look. */
bool journal_has_pages(const struct journal *j);
/* The next n entries of pages with due_ms in (from->after_ms, until_ms], in order of time, and moves the cursor behind them;
 * fewer: those were the last. Some name a page that has no such timer any more. */
struct due_cursor {
    int64_t after_ms;
    uint8_t at[25]; /* the last entry's key, when n_at is set */
    uint8_t n_at;
};
struct page_due {
    struct page_key key;
    int64_t due_ms;
    struct str what;
};
bool journal_due(struct journal *j, struct due_cursor *from, int64_t until_ms, struct page_due *out,
                 size_t n, size_t *n_out, struct arena *arena, struct err *err);
/* Every page, in the versions recovery would see. */
typedef bool journal_page_fn(void *ctx, const struct page *p, struct err *err);
bool journal_pages(struct journal *j, journal_page_fn *visit, void *ctx, struct err *err);

/* -- copy.c, verify.c: for the command line. Progress and findings go to out, a line each. */
bool journal_copy(struct journal *j, const char *dir,
                  struct err *err); /* a running one's, into a new folder */
bool journal_restore(const char *from, const char *to, FILE *out, struct err *err);
bool journal_verify(const char *dir, FILE *out,
                    struct err *err); /* reads everything there is, changes nothing */
/* Takes what can be read of a damaged folder into a new one, which starts. */
bool journal_salvage(const char *from, const char *to, FILE *out, struct err *err);

#endif
