/* core.h -- private to engine/: the engine itself, and what its files share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CORE_H
#define ENGINE_CORE_H

#include <pthread.h>

#include "engine/engine.h"
#include "journal/journal.h"
#include "rule/rule.h"

/* timers.c: one timer for each rule and set of identifiers that its criteria are read at. It hangs on the profile of the first
 * of these: so it is written back and read again with it. */
struct who { /* identifiers by attribute key, as an event carried them */
    uint32_t key_id;
    struct str id;
};
struct timer {
    struct heap_item item;
    struct timer *next; /* of the same profile */
    struct profile *at;
    uint32_t rule_id;
    bool warm; /* the profiles of all its identifiers are in memory */
    size_t n_read, n;
    struct who *
        who; /* owned, with their bytes: the n_read that name it, then the targets it was armed with last */
};
struct timers {
    struct heap heap;
    struct store *store; /* whose profiles they hang on */
};
/* Hangs the timers on the store's profiles, for as long as both live. */
void timers_init(struct timers *t, struct store *store, bool saves);
void timers_fini(struct timers *t); /* behind store_free, which drops them */
/* Sets the one timer of this rule and the first n_read identifiers; due INT64_MAX takes it away. */
void timers_set(struct timers *t, uint32_t rule_id, const struct who *who, size_t n_read, size_t n,
                int64_t due_ms);
/* Makes the timers of some rules due, to be looked at again. */
void timers_hasten(struct timers *t, bool (*wanted)(const void *ctx, uint32_t rule_id),
                   const void *ctx, int64_t now_ms);
/* The earliest that is due by now_ms; NULL when none is. timers_take takes it out; the caller timer_frees it. */
struct timer *timers_due(const struct timers *t, int64_t now_ms);
void timers_take(struct timers *t, struct timer *timer);
void timer_free(struct timer *timer);
uint64_t timers_digest(const struct timers *t);

/* What the rules do not name any more is kept for a while: a file that a checkout or a slip took away finds its attributes'
 * state and its rules' timers again when it comes back. */
enum { SWEEP_EVERY_MS = 1000, UNKNOWN_KEPT_MS = 3600000 };
/* cold.c: what an apply waits for */
struct cold {
    bool timers; /* those on disk that are due by until_ms */
    bool rules;  /* those of rules that mean something else in plan `swap` */
    int64_t until_ms;
    const struct plan *swap;
    struct who *ids; /* profiles; copies in the arena */
    size_t n, cap;
    struct arena arena;
};
/* How far back a series has kept entries, and up to when they don't count: what was past is gone, whether a sweep has come by
 * or not, even when a longer period follows. */
struct span {
    int64_t longest_ms, hidden_ms;
};
/* history.c: how far each source of history was taken. None is ever forgotten, lest its lines be taken again. */
struct histories {
    struct history_at {
        uint8_t source[16];
        uint64_t lines, hash;
    } * items;
    size_t n, cap;
};
/* Moves a source on, unless the batch does not begin where it stands, or it is new and there are ENGINE_HISTORIES. */
enum engine_history_said histories_move(struct histories *h, const struct engine_history *to);
struct histories histories_copy(const struct histories *h);
void histories_fini(struct histories *h);
uint64_t histories_digest(const struct histories *h);
void histories_pack(const struct histories *h, struct buf *out);
void histories_unpack(struct unpack *in, struct histories *h); /* into an empty one */
void history_pack(const struct engine_history *h, struct buf *out);
void history_unpack(struct unpack *in, struct engine_history *h);
struct saving; /* writeback.c: a write-back under way */
/* The body of a RECORD_SWAP. */
struct swap {
    struct plan *plan;
    bool ready;   /* the timers that it may change are in memory */
    bool applied; /* guarded by the door, as is: */
    bool left;    /* who queued it does not wait any more: whoever applies it frees it */
};
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
    struct span *spans; /* by number of the series; survives plans */
    size_t n_spans;
    struct histories histories;
    struct buf rules; /* what the swap to the plan in force keeps: see rules_pack */
    bool
        may_be_cold; /* there were pages at the start: a profile that is not in memory may be on disk */
    bool fetching; /* the record under way waits for the disk: nobody else applies */
    bool
        damaged; /* what it waited for can't be read: nothing is applied any more; read by any thread */
    bool ticking;      /* a tick is queued */
    bool swap_settled; /* the worker's: no swap waits to be applied */
    struct cold cold;
    int64_t due_loaded_ms;   /* timers on disk that are due until then have been read */
    bool save_wanted;        /* somebody waits for the end of the record under way */
    pthread_cond_t boundary; /* ... and is told here */
    struct saving *saving;

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
/* Puts a plan in force, as a record in the order. Takes the caller's reference. kept: see rules_pack. Returns when it is in
 * force, or when that must wait for the disk. */
void engine_swap(struct engine *e, struct plan *p, struct str kept, int64_t clock_ms);

/* apply.c: applies at most n events of the current record */
enum applied {
    APPLIED_WHOLE,
    APPLIED_PART,
    APPLIED_COLD /* e->cold says what must be read first */
};
enum applied engine_apply(struct engine *e, struct record *r, size_t n);
/* The plan in force, and what is looked up in it. */
void engine_take_plan(struct engine *e, struct plan *p);

/* cold.c: profiles that are on disk. No door is held by the caller of cold_fetch. */
bool cold_fetch(struct engine *e, const struct who *ids, size_t n, struct err *err);
/* What e->cold says. Only whoever has set e->fetching. */
bool cold_serve(struct engine *e, struct err *err);
/* Behind the door: is a profile of these perhaps on disk only? Then e->cold says which. */
bool cold_batch(struct engine *e, struct engine_batch *b);
bool cold_timer(struct engine *e, struct timer *timer);
bool cold_due(struct engine *e, int64_t now_ms); /* timers on disk */
/* A front's or the worker's, before the record is queued: so that applying finds all in memory. */
void cold_warm_batch(struct engine *e, struct engine_batch *b);
bool cold_warm_swap(struct engine *e, const struct plan *p, struct err *err);
bool cold_warm_all(struct engine *e, struct err *err);

/* record.c: what is kept of a record, and of the engine beside its profiles */
void batch_pack(const struct engine_batch *b, struct buf *out);
struct engine_batch *batch_unpack(struct str bytes); /* NULL: it makes no sense */
struct engine_kept {                                 /* as of a write-back */
    int64_t now_ms, swapped_ms, swept_ms;
    uint64_t generation; /* the plan's */
    struct span *spans;  /* owned */
    size_t n_spans;
    struct histories histories; /* owned */
};
void kept_pack(const struct engine_kept *k, struct str rules, struct buf *out);
/* false: it makes no sense. What push_capture_write wrote comes behind it. */
bool kept_unpack(struct unpack *in, struct engine_kept *k, struct str *rules);

/* writeback.c */
void saving_begin(struct engine *e); /* behind the door, between two records */
void saving_free(struct engine *e);

/* Does a rule mean something else in one plan than in the other? */
bool rule_form_changed(const struct engine *e, const struct plan *to, uint32_t rule_id);

/* batch.c: the caller holds no reference to b->plan yet */
bool batch_decode(struct evt_decoder *d, struct engine_batch *b, struct plan *p, unsigned lane,
                  struct err *err);

/* message.c: what is said of one intervention to one target */
struct message {
    const uint8_t *intervention_id;
    struct str name;
    int64_t version;
    struct val attributes, more; /* dicts: of texts; what goes along besides */
    struct str key, address, id; /* the target: see struct plan_key */
};
void message_write(const struct message *m, struct arena *arena, struct buf *json);
/* An attribute's value on this wire: a text as it is, anything else as its JSON. */
struct val message_text(struct val v, struct arena *arena);
/* The current record's next message; json: what message_write wrote. One reference is the caller's. */
struct push_msg *message_new(struct engine *e, const struct message *m, struct str json,
                             uint64_t seq, int64_t now_ms);

/* direct.c */
bool direct_unpack(struct engine_batch *b, struct err *err); /* from its body into its arena */
void direct_apply(struct engine *e, struct record *r, struct engine_batch *b);

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
/* The identifier an event carries for a key; empty when there is none. */
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
struct rule_words { /* a rules/words.lua, shared by the files that were loaded with it */
    unsigned refs;
    struct str path, text; /* its own */
};
struct rule_file {
    struct str path; /* owned */
    bool on_disk;
    struct script_file *good; /* the last good version; NULL: none yet */
    uint64_t good_hash;
    struct str good_text;          /* owned; what the good version was loaded from */
    struct rule_words *good_words; /* a reference; NULL: there was none */
    uint64_t place; /* of the good version: the plan in force is made of the files in this order */
    bool is_disk;   /* the good version is the one on disk */
};
struct rules {
    struct str dir; /* owned */
    unsigned lanes;
    struct script_limits limits;
    struct rule_file *files;
    size_t n, cap;
    uint64_t n_places;    /* given so far */
    pthread_mutex_t lock; /* guards the status */
    struct arena status_arena;
    struct val status;
};
/* Loads what has changed and builds the best plan there is: NULL when nothing changed for the better. */
struct plan *rules_load(struct rules *r, struct plan_ids *ids, const struct engine_options *o,
                        unsigned engine_lane, bool run_tests, struct plan_report *report,
                        struct buf *out);
struct rule_member { /* of a plan */
    struct script_file *script;
    uint64_t hash, place;
};
/* NULL: the report says why. */
struct plan *rules_build(const struct rule_member *set, size_t n, struct plan_ids *ids,
                         struct plan_report *report);
uint64_t rules_hash(struct str text, struct str words);
struct rule_words *rule_words_new(struct str path, struct str text); /* copies them */
void rule_words_unref(struct rule_words *w);                         /* w may be NULL */
void rule_file_init(struct rule_file *f, struct str path);           /* copies it */
/* Gives a file its good version, in place of what it had; takes the references to script and words. */
void rule_file_take(struct rule_file *f, struct script_file *script, struct str text,
                    struct rule_words *words, uint64_t place);
void rule_file_fini(struct rule_file *f);

/* rules_pack.c: the rules in force as bytes: each good file with its words, in the plan's order, and the numbers */
void rules_pack(const struct rules *r, const struct plan_ids *ids, struct buf *out);
/* Loads what was packed, replaces what r and ids hold by it, and builds the very plan that was in force, numbers and order
 * included; no tests are run. The next rules_load compares the disk with it. NULL: the report says what does not load any
 * more; r and ids are as before. */
struct plan *rules_unpack(struct rules *r, struct plan_ids *ids, unsigned engine_lane,
                          struct str bytes, struct plan_report *report);
/* The numbers alone. false: it makes no sense. */
bool rules_unpack_ids(struct plan_ids *ids, struct str bytes);

#endif
