/* profile.h -- what is kept of one identifier, and the values that can be read from it.
 *
 * A profile belongs to one attribute key and identifier. It holds the ids of events it has seen in the last day, and one
 * state per series that ever got an entry: sparse, so what is not used costs nothing. Times are event times; `now_ms` is an
 * argument everywhere. All calls happen behind the engine's door: one thread at a time.
 *
 * Definitions (the brute-force evaluator of tests/ follows the same):
 * - A window is (now - period, now]. Entries with equal times are ordered by val_cmp, so that arrival never matters.
 * - Lifetime with ttl: events whose neighbours in event time are less than ttl apart form a run; the value is that of the
 *   newest run, or nothing once now - its newest event >= ttl.
 * - Nothing to show is VAL_NULL (the attribute's default is put in by profile_read).
 * - Past profile_limits.entries the oldest entries of a series fold into summaries no wider than 1/64 of its shortest
 *   window, or of their own age: count(period) <= read <= count(period * (1 + 1/64)) for every window.
 * - A run of a lifetime with ttl is forgotten a day after it could last be read: exact for events up to a day late.
 * - Whole numbers are integers, whatever they came as: 1.0 is 1.
 * - Past profile_limits.distinct a set drops the value seen least recently, and approx_count_distinct turns into a sliding
 *   HyperLogLog; lifetime frequencies drop the rarest, of those the one seen least recently.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PROFILE_H
#define PROFILE_H

#include "base/base.h"
#include "plan/plan.h"

struct profile_limits {
    uint32_t entries;     /* exact entries of a windowed series: default 4096 */
    uint32_t distinct;    /* values of a set or of frequencies: default 1000 */
    uint32_t list_values; /* values that unique_list and category_count answer: default 1000 */
    /* longer strings are kept cut at a character, with a counter: default 1024 */
    uint32_t value_bytes;
    uint32_t dedupe_ids; /* event ids remembered: default 4096 */
    int64_t dedupe_ms;   /* for how long: default 1 day */
    uint32_t runs; /* runs of a lifetime with ttl that a late event may still join: default 16 */
};
extern const struct profile_limits profile_limits_default;

/* -- store.c: key number and identifier -> profile */
struct store;
struct profile;
struct store *store_new(const struct profile_limits *limits);
void store_free(struct store *s);
/* NULL when there is none */
struct profile *store_find(const struct store *s, uint32_t key_id, struct str id);
struct profile *store_touch(struct store *s, uint32_t key_id, struct str id); /* makes it */
/* Call it for a batch's identifiers before the first of them is touched. */
void store_prefetch(struct store *s, uint32_t key_id, struct str id);
size_t store_count(const struct store *s);
size_t store_bytes(const struct store *s);
/* A digest of everything kept, the same for equal content whatever the order of arrival, for replay tests. */
uint64_t store_digest(const struct store *s);
/* Frees what is past: one slice of work, at most n profiles looked at, going round. Profiles that hold nothing any more are
 * freed, and with drop_unknown series that p does not know. Changed ones that
 * were not saved yet stay, and those somebody hangs on to. References to profiles do not outlive it. */
void store_sweep(struct store *s, const struct plan *p, int64_t now_ms, size_t n,
                 bool drop_unknown);

/* -- save.c, page.c: profiles as bytes, and back. A write-back takes every profile as it was at one moment, while they go on changing:
 * store_save_begin marks that moment, store_save encodes a slice at a time, and a profile that is about to change is
 * encoded first. */
/* What others keep with a profile (the engine: its timers) travels with it. */
struct store_hooks {
    void *ctx;
    /* Appends it; *due_ms: when somebody must look at the profile though nothing happens (left alone: never); what: shown
     * beside that time. hung may be NULL. */
    void (*save)(void *ctx, const void *hung, struct buf *out, int64_t *due_ms, struct buf *what);
    /* Takes it up again, from what save wrote (perhaps nothing), and puts it at profile_hung(p); reads all of it. false: it
     * makes no sense; what is at profile_hung(p) then is dropped. p is in the store, and does not count as changed. */
    bool (*load)(void *ctx, struct profile *p, struct unpack *in);
    void (*drop)(void *ctx, void *hung);
};
/* Before the first profile. hooks: copied; NULL, or a function NULL: nothing to do. saves: changes are tracked, for store_save_begin. */
void store_hang(struct store *s, const struct store_hooks *hooks, bool saves);
void **profile_hung(struct profile *p); /* whoever sets or changes it calls store_change first */
void store_change(struct store *s,
                  struct profile *p); /* p is about to change; store_touch has said so already */
/* The plan in force: how long what is kept means something. Borrowed until the next call; NULL: everything may. */
void store_plan(struct store *s, const struct plan *p);
struct store_page {
    uint32_t key_id;
    uint8_t slot; /* which of the profile's two places on disk it goes to */
    struct str id, bytes, due_what;
    int64_t expires_ms, due_ms; /* INT64_MAX: never */
};
struct store_pages { /* starts zeroed */
    struct store_page *items;
    size_t n, cap, n_bytes;
    struct arena arena; /* of their strings */
};
void store_pages_fini(struct store_pages *pages);
void store_save_begin(
    struct store *s); /* the last one has been taken whole, and is complete on disk */
/* Encodes at most n more; returns how many are left. Behind the door. */
size_t store_save(struct store *s, size_t n);
/* Hands over what was encoded until now, by store_save or before a change; out's own is freed. Behind the door. */
void store_save_take(struct store *s, struct store_pages *out);
/* The profile of a page's bytes, as it was saved, unless there is one already: then that. slot, expires_ms: as it was found. NULL: the
 * bytes make no sense; nothing has changed. */
struct profile *store_load(struct store *s, struct str bytes, uint8_t slot, int64_t expires_ms,
                           struct err *err);

/* -- profile.c */
uint32_t profile_key_id(const struct profile *p);
struct str profile_id(const struct profile *p);
/* Has it seen this event id in the last day? If not, it has now: false. */
bool profile_seen(struct store *s, struct profile *p, uint64_t event_id, int64_t now_ms);
/* Takes one event's value. v: VAL_NULL when the series has no property. An event without a usable value (missing; not a
 * number where numbers are kept) must not count: nothing happens, false. ts_ms <= now_ms. v's bytes are copied. */
bool profile_add(struct store *s, struct profile *p, const struct plan_series *series,
                 int64_t ts_ms, struct val v, int64_t now_ms);
/* The attribute's value at now_ms, cast to its type, or its default. p may be NULL: the default. Bytes and items go to the
 * arena. Never changes p. */
struct val profile_read(const struct store *s, const struct profile *p, const struct plan *plan,
                        const struct plan_attr *attr, int64_t now_ms, struct arena *arena);
/* When, after now_ms, the passing of time alone next changes what profile_read answers; INT64_MAX when never.
 * May be early (a change that does not show), never late. */
int64_t profile_next_fade(const struct store *s, const struct profile *p, const struct plan *plan,
                          const struct plan_attr *attr, int64_t now_ms);
/* For a counter with period: the earliest time after now_ms at which it is at most n; INT64_MAX when it is already. */
int64_t profile_next_at_most(const struct store *s, const struct profile *p,
                             const struct plan *plan, const struct plan_attr *attr, int64_t n,
                             int64_t now_ms);

#endif
