/* engine.h -- owns the rooms below; engine_apply() is the whole pipeline on one screen.
 *
 * Threads: fronts decode and submit, the worker loads rules and swaps plans; each enters the engine's one door for a short
 * while. Reads enter too and copy out.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_H
#define ENGINE_H

#include "base/base.h"
#include "evt/evt.h"
#include "journal/journal.h"
#include "plan/plan.h"
#include "profile/profile.h"
#include "push/push.h"
#include "score/score.h"
#include "script/script.h"

struct engine;
struct engine_batch;

struct engine_options {
    unsigned fronts; /* lanes: 0 .. fronts-1 are theirs, then the engine's, then the worker's */
    struct profile_limits profile;
    struct push_limits push;
    struct script_limits script;
    struct journal_options journal; /* dir NULL: nothing is kept; durable and ctx are filled in */
    const char *referers;           /* path of a data file; NULL: the one built in */
    const struct str *internal_domains;
    size_t n_internal_domains;
    const struct evt_campaign *campaign; /* borrowed; NULL: the usual parameters */
    /* Tells the front that this batch, which it submitted, has been applied. Called by any thread, inside the door: it must
     * only pass the word on. NULL: nobody asks. */
    void (*applied)(void *ctx, struct engine_batch *b);
    /* Tells that there is something to apply, or that the journal's state has changed: some front is to call
     * engine_advance. Called by the journal's thread; only passes the word on. NULL: nobody asks. */
    void (*durable)(void *ctx);
    push_deliver_fn *deliver; /* see push.h; NULL: messages are not sent */
    void *ctx;
    /* For tests and the trial runs of rule files: sees each firing's message. NULL: nobody. */
    void (*fired)(void *ctx, const struct push_msg *m);
};
/* Opens the journal. engine_recover follows before anything else. */
struct engine *engine_new(const struct engine_options *o, struct err *err);
void engine_free(
    struct engine *e); /* batches that were never applied are freed, and nobody is told */

/* -- Events. A front: engine_batch_new, fill meta and the body, engine_decode, engine_submit; when applied: look at counts,
 * engine_batch_free. */
enum engine_wire { /* as kept: never renumbered */
                   WIRE_TP2,
                   WIRE_QUERY,
                   WIRE_JSON,
                   WIRE_MSGPACK,
                   WIRE_NDJSON,
                   WIRE_TSV,
                   WIRE_DIRECT, /* no events, but a direct intervention: see direct.c */
                   WIRES
};
/* History: events from elsewhere that happened before. They change attributes and arm timers, and fire nothing. Each source is
 * read in order and taken once: a batch says which of its lines it holds, and counts only when all before it have. */
struct engine_history {
    uint8_t source[16];
    uint64_t from, lines; /* lines of the source before this batch, and with it */
    uint64_t hash;        /* the sender's, of the first `lines` lines; kept for it */
    /* When applied: STALE, `from` was not where the source stood; NO_ROOM, there are too many sources. Nothing was done. */
    enum engine_history_said { HISTORY_TAKEN, HISTORY_STALE, HISTORY_NO_ROOM } said;
};
enum { ENGINE_HISTORIES = 65536 };
/* An intervention that somebody pushes past the rules: direct.c. */
struct engine_direct {
    uint8_t intervention_id[16];
    struct str name;
    int64_t version;
    struct val attributes; /* a dict; their values become texts */
    struct val more;       /* a dict: what else subscribers are to see, as it is */
    struct engine_direct_target {
        struct str key, address, id; /* see struct plan_key */
        struct str line;             /* when decoded: the message */
    } * targets;
    size_t n;
    enum push_outcome outcome; /* when applied */
};
struct engine_batch {
    enum engine_wire wire;
    struct arena arena; /* the body's, and of meta's strings: use engine_batch_str */
    struct evt_meta meta;
    struct str body; /* a copy, with EVT_PADDING behind it */
    struct evt_batch events;
    struct plan *plan; /* the one it was decoded with */
    unsigned front;
    void *owner; /* the front's: the request that waits */
    struct record *record;
    const struct plan *warm;        /* with this plan, all profiles that it touches are in memory */
    struct engine_history *history; /* in the arena; NULL: it happens now */
    struct engine_direct *direct;   /* WIRE_DIRECT: in the arena */
};
struct engine_batch *engine_batch_new(enum engine_wire wire, unsigned front, struct str body);
struct engine_batch *engine_batch_direct(unsigned front,
                                         const struct engine_direct *d); /* copies */
void engine_batch_free(struct engine_batch *b);
struct str engine_batch_str(struct engine_batch *b, struct str s); /* a copy in the batch's arena */
void engine_batch_history(struct engine_batch *b, const struct engine_history *h); /* copies */
/* Decodes with the plan in force. false: nothing was taken; err says why. */
bool engine_decode(struct engine *e, struct engine_batch *b, struct err *err);
/* Queues the batch. applied(b) is called once, behind the door, when it is durable and applied: perhaps before this returns. */
void engine_submit(struct engine *e, struct engine_batch *b, int64_t clock_ms);
/* Applies whatever is durable. Any thread, when durable was told. */
void engine_advance(struct engine *e);
/* Lets time pass when no events come: due timers fire, old messages expire. Returns when the next timer is due
 * (INT64_MAX: none). */
int64_t engine_tick(struct engine *e, int64_t clock_ms);

/* -- Reads. A snapshot of one or more identifiers' attributes at clock_ms. */
struct plan *engine_plan(struct engine *e); /* a reference to the plan in force */
/* values[i] = attribute attrs[i] at (its group's key, id); id.p == NULL: the default. Waits for the disk when a profile is
 * there. false: what is there is damaged; err says what. */
bool engine_read(struct engine *e, const struct plan *p, const uint32_t *attrs,
                 const struct str *ids, size_t n, int64_t clock_ms, struct arena *arena,
                 struct val *values, struct err *err);

/* -- history.c: where a source stands; zeros for one that is not known. Enters the door. */
void engine_history_at(struct engine *e, const uint8_t source[16], uint64_t *lines, uint64_t *hash);

/* -- Subscriptions: as push.h, through the door */
/* One that does not say what it has had is told its position behind what waited for it: should its stream break, it comes
 * back with that, and gets what was sent into the broken one, and nothing from before. */
void engine_subscribe(struct engine *e, unsigned front, uint64_t stream,
                      const struct push_target *targets, size_t n, uint64_t after_seq,
                      uint32_t after_index, int64_t clock_ms);
void engine_unsubscribe(struct engine *e, uint64_t stream);

/* -- Rules: reload.c. The last good version of each file stays in force. Loads, checks, runs the files' own tests on a scratch
 * engine, swaps. Only one thread at a time (the worker). true: every file is the one on disk. */
struct rules; /* what is known of the files in a folder */
struct rules *rules_new(struct str dir, unsigned lanes, const struct script_limits *limits);
void rules_free(struct rules *r);
bool engine_reload(struct engine *e, struct rules *r, int64_t clock_ms, struct plan_report *report);
/* Loads and tries without an engine in force: `signalbox check` and, with run_tests, `signalbox test`. Test results go to out. */
bool rules_check(struct rules *r, bool run_tests, struct plan_report *report, struct buf *out);
/* What GET /api/v1/rules answers: {files: [{file, status, problems: [...], definitions ..., hash ...}], generation}. Any thread. */
struct val rules_status(struct rules *r, struct arena *arena);

/* -- What is kept: recover.c, writeback.c */
/* Once, after engine_new: the state as of the last write-back, then every record behind it. r: gets the rule files that
 * were in force; a reload finds what has changed on disk since. false: something is missing or damaged; err says what. */
bool engine_recover(struct engine *e, struct rules *r, struct err *err);
/* One write-back of all that has changed. Off the door but for short slices; one thread only. false: it could not be
 * finished now; what was written stays, and the next call goes on with it. */
bool engine_write_back(struct engine *e);
/* A backup of everything up to now, in a new folder. */
bool engine_copy(struct engine *e, const char *dir, struct err *err);
enum journal_state engine_journal_state(struct engine *e); /* any thread, cheap */
uint64_t engine_epoch(const struct engine *e);             /* see journal_epoch */

/* -- For tests */
bool engine_idle(struct engine *e);    /* all that was queued has been applied */
uint64_t engine_seq(struct engine *e); /* of the newest record applied */
/* What a replay must repeat. Loads every profile, frees what is past. */
uint64_t engine_digest(struct engine *e);

#endif
