/* core.h -- private to engine/: the engine itself, and what its files share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CORE_H
#define ENGINE_CORE_H

#include <pthread.h>

#include "engine/engine.h"
#include "journal/journal.h"
#include "rule/rule.h"

/* timers.c: one timer for each rule and set of identifiers that its criteria are read at */
struct who { /* identifiers by attribute key, as an event carried them */
    uint32_t key_id;
    struct str id;
};
struct timer {
    struct heap_item item;
    uint32_t rule_id;
    size_t n_read, n;
    struct who *
        who; /* owned, with their bytes: the n_read that name it, then the targets it was armed with last */
    struct str name; /* its key in the map; owned by the map's copy */
};
struct timers {
    struct heap heap;
    struct map map;
};
void timers_fini(struct timers *t);
/* Sets the one timer of this rule and the first n_read identifiers; due INT64_MAX takes it away. */
void timers_set(struct timers *t, uint32_t rule_id, const struct who *who, size_t n_read, size_t n,
                int64_t due_ms);
/* Makes the timers of some rules due, to be looked at again. */
void timers_hasten(struct timers *t, bool (*wanted)(const void *ctx, uint32_t rule_id),
                   const void *ctx, int64_t now_ms);
/* The earliest that is due by now_ms, taken out; NULL when none is. The caller timer_frees it. */
struct timer *timers_take(struct timers *t, int64_t now_ms);
void timer_free(struct timer *timer);
uint64_t timers_digest(const struct timers *t);

/* What the rules do not name any more is kept for a while: a file that a checkout or a slip took away finds its attributes'
 * state and its rules' timers again when it comes back. */
enum { SWEEP_EVERY_MS = 1000, UNKNOWN_KEPT_MS = 3600000 };
struct engine {
    struct engine_options o;
    unsigned lane;        /* of what runs behind the door */
    pthread_mutex_t door; /* guards all below but plan_lock's */
    struct journal *journal;
    struct store *store;
    struct push *push;
    struct timers timers;
    struct arena scratch;    /* of one event */
    struct evt_decoder *own; /* decodes again what was decoded with an older plan */
    struct record *current;  /* being applied, a slice at a time */
    size_t at;               /* its next event */
    uint32_t n_messages;     /* of the current record so far */
    uint64_t applied_seq;    /* of the newest record done with */
    int64_t now_ms;          /* of the newest record begun */
    int64_t swapped_ms;      /* when the plan came in force */
    int64_t swept_ms;
    uint32_t *rule_by_id; /* of the plan in force: rule's number -> index + 1 */
    size_t n_rule_ids;

    pthread_mutex_t plan_lock; /* guards the pointer below: fronts take a reference */
    struct plan *plan;

    struct plan_ids ids; /* the worker's */
    struct evt_referers *referers;
    struct evt_decoder **decoders; /* one a front */
};

/* engine.c: engine_lane is the copy of a rule's functions that runs behind the door */
struct engine *engine_new_in_lanes(const struct engine_options *o, unsigned engine_lane,
                                   struct err *err);
/* Applies what is durable, a slice at a time; enters the door. */
void engine_drain(struct engine *e);
/* Puts a plan in force, as a record in the order. Takes the caller's reference. */
void engine_swap(struct engine *e, struct plan *p, int64_t clock_ms);

/* apply.c: applies at most n events of the current record; true when it is done with. */
bool engine_apply(struct engine *e, struct record *r, size_t n);

/* batch.c: the caller holds no reference to b->plan yet */
bool batch_decode(struct evt_decoder *d, struct engine_batch *b, struct plan *p, unsigned lane,
                  struct err *err);

/* fire.c */
struct firing {
    const struct plan_rule *rule;
    const struct who *who; /* identifiers of all of the plan's keys that are known */
    size_t n_who;
    const struct val *reads; /* values of rule->reads */
    const struct evt *evt;   /* NULL at a timer */
    uint64_t seq;            /* with salt: what makes this firing different from every other */
    uint64_t salt;
    int64_t now_ms;
};
void engine_fire(struct engine *e, const struct firing *f);
/* The identifier an event carries for a key: text, or a number's JSON text; empty when there is none. */
struct str key_identifier(const struct plan_key *key, const struct evt *evt, struct arena *arena);
struct str who_find(const struct who *who, size_t n, uint32_t key_id);

/* trial.c: runs one test block of a file on a scratch engine with this plan and a virtual clock. lane: the caller's. */
bool trial_run(const struct engine_options *o, struct plan *p, struct script_file *f, size_t fn,
               unsigned lane, struct err *err);

/* folder.c: what is on disk */
struct folder_file {
    struct str path; /* with the folder's name in front */
    struct str text;
};
struct folder {
    struct folder_file *files; /* sorted by path; words.lua of the top folder is not among them */
    size_t n, cap;
    struct folder_file words; /* text.p NULL: there is none */
    struct arena arena;
};
/* Reads every *.lua below dir. What cannot be read is reported. false: dir, or a folder in it, cannot be. */
bool folder_read(struct folder *f, struct str dir, struct plan_report *report);
void folder_fini(struct folder *f);

/* status.c: what rules_status answers, built when a load has ended */
struct rule_file;
struct val status_build(struct arena *a, const struct rules *r, const struct plan *p,
                        const struct plan_report *report);

/* rules.c */
struct rule_file {
    struct str path; /* owned */
    bool on_disk;
    struct script_file *good; /* the last good version; NULL: none yet */
    uint64_t good_hash;
    bool is_disk; /* the good version is the one on disk */
};
struct rules {
    struct str dir; /* owned */
    unsigned lanes;
    struct script_limits limits;
    struct rule_file *files;
    size_t n, cap;
    pthread_mutex_t lock; /* guards the status */
    struct arena status_arena;
    struct val status;
};
/* Loads what has changed and builds the best plan there is: NULL when nothing changed for the better. */
struct plan *rules_load(struct rules *r, struct plan_ids *ids, const struct engine_options *o,
                        unsigned engine_lane, bool run_tests, struct plan_report *report,
                        struct buf *out);

#endif
