/* engine.h -- owns the rooms below; engine_apply() is the whole pipeline on one screen.
 *
 * Threads: fronts decode and submit, the worker loads rules and swaps plans; each enters the engine's one door for a short
 * while. Reads enter too and copy out.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_H
#define ENGINE_H

#include "base/base.h"
#include "evt/evt.h"
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
    const char *referers; /* path of a data file; NULL: the one built in */
    const struct str *internal_domains;
    size_t n_internal_domains;
    /* Tells the front that this batch, which it submitted, has been applied. Called by any thread, inside the door: it must
     * only pass the word on. NULL: nobody asks. */
    void (*applied)(void *ctx, struct engine_batch *b);
    push_deliver_fn *deliver; /* see push.h; NULL: messages are not sent */
    void *ctx;
    /* For tests and the trial runs of rule files: sees each firing's message. NULL: nobody. */
    void (*fired)(void *ctx, const struct push_msg *m);
};
struct engine *engine_new(const struct engine_options *o, struct err *err);
void engine_free(struct engine *e);

/* -- Events. A front: engine_batch_new, fill meta and the body, engine_decode, engine_submit; when applied: look at counts,
 * engine_batch_free. */
enum engine_wire { WIRE_TP2, WIRE_QUERY, WIRE_JSON, WIRE_MSGPACK };
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
};
struct engine_batch *engine_batch_new(enum engine_wire wire, unsigned front, struct str body);
void engine_batch_free(struct engine_batch *b);
struct str engine_batch_str(struct engine_batch *b, struct str s); /* a copy in the batch's arena */
/* Decodes with the plan in force. false: nothing was taken; err says why. */
bool engine_decode(struct engine *e, struct engine_batch *b, struct err *err);
/* Queues the batch and applies whatever is durable. applied(b) is called once, perhaps before this returns. */
void engine_submit(struct engine *e, struct engine_batch *b, int64_t clock_ms);
/* Lets time pass when no events come: due timers fire, old messages expire. Returns when the next timer is due
 * (INT64_MAX: none). */
int64_t engine_tick(struct engine *e, int64_t clock_ms);

/* -- Reads. A snapshot of one or more identifiers' attributes at clock_ms. */
struct plan *engine_plan(struct engine *e); /* a reference to the plan in force */
/* values[i] = attribute attrs[i] at (its group's key, id); id.p == NULL: the default. */
void engine_read(struct engine *e, const struct plan *p, const uint32_t *attrs,
                 const struct str *ids, size_t n, int64_t clock_ms, struct arena *arena,
                 struct val *values);

/* -- Subscriptions: as push.h, through the door */
/* true: nothing waited, and the subscriber has all there is up to *seq and *index: a stream that breaks before its first
 * message can come back with these. */
bool engine_subscribe(struct engine *e, unsigned front, uint64_t stream,
                      const struct push_target *targets, size_t n, uint64_t after_seq,
                      uint32_t after_index, int64_t clock_ms, uint64_t *seq, uint32_t *index);
void engine_unsubscribe(struct engine *e, uint64_t stream);

/* -- Rules: reload.c. The last good version of each file stays in force. Loads, checks, runs the files' own tests on a scratch
 * engine, swaps. Only one thread at a time (the worker). true: every file is the one on disk. */
struct rules; /* what is known of the files in a folder */
struct rules *rules_new(struct str dir, unsigned lanes, const struct script_limits *limits);
void rules_free(struct rules *r);
bool engine_reload(struct engine *e, struct rules *r, int64_t clock_ms, struct plan_report *report);
/* Loads and tries without an engine in force: `signalbox check` and, with run_tests, `signalbox test`. Test results go to out. */
bool rules_check(struct rules *r, bool run_tests, struct plan_report *report, struct buf *out);
/* What GET /api/v1/rules answers: {files: [{file, status, problems: [...], definitions ...}], generation}. Any thread. */
struct val rules_status(struct rules *r, struct arena *arena);

/* -- For tests: what a replay must repeat */
uint64_t engine_digest(struct engine *e);

#endif
