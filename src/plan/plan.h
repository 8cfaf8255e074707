/* plan.h -- the compiled definitions: what C executes when an event comes.
 *
 * A plan is immutable once built, reference-counted, and swapped whole. It knows no Lua: a function of a rule file is a struct
 * plan_fn that script/ supplies. It is built from descriptions, plain trees of values with the shape below; rule files, and
 * nothing else, make them.
 *
 *   FILE = { file = "rules/shop.lua", defs = { DEF ... } }          every DEF and attribute also has line = N
 *   DEF  = { kind = "attribute_key", name, property = PROP, ttl = MS?, description? }
 *        | { kind = "attribute_group", name, version, attribute_key, owner?, description?, ttl = MS?, attributes = { ATTR ... } }
 *        | { kind = "service", name, owner?, description?, attribute_groups = { "group" | "group_v2" ... } }
 *        | { kind = "intervention", name, version, owner?, description?, when = RCOND | WHEN_EVENTS,
 *            target_attribute_keys = { "user_id" ... }?, payload = { name = PAYLOAD ... }? }
 *        | { kind = "score", name, service, formula = { fn = N, line = N }, owner?, description? }
 *        | { kind = "test", name, fn = N }
 *   ATTR = { name, line, aggregation = "counter" ..., property = PROP?, events = { EVENT ... }, criteria = COND?,
 *            period = MS?, ttl = MS?, default = VALUE?, type = "int32" ..., description? }
 *   EVENT = { vendor?, name?, version?, criteria = COND? }          a part left out matches all
 *   PROP = { kind = "atomic", name } | { kind = "event", vendor?, name?, major = N?, path }
 *        | { kind = "entity", vendor, name, major = N?, index = N, path }
 *   COND = { all = { COND ... } } | { any = ... } | { none = ... }
 *        | { op = "eq", property = PROP, value = VALUE?, line }
 *        | { fn = N, properties = { PROP ... }, identity = "hex"?, line }
 *          identity: where it is equal, functions answer alike, whatever file they stand in; without it a function is
 *          another one as soon as anything in its file is
 *   RCOND = the same with attribute = "group:attr" for property, attributes for properties
 *   WHEN_EVENTS = { events = { EVENT ... } }
 *   PAYLOAD = VALUE | { attribute = "group:attr" } | { property = PROP }
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PLAN_H
#define PLAN_H

#include "base/base.h"
#include "evt/evt.h"

/* -- A Lua function behind a pointer. lane: which of its copies to call; fronts have 0 .. n-1, the engine and the worker one
 * each; a lane is used by one thread at a time. args are borrowed. The answer's bytes go to the arena.
 * used: NULL, or args' flags that the function sets for those it looked at.
 * false: it failed or was stopped; err says why, with file:line; it has been counted, and after repeated stops it is
 * quarantined: then false at once. */
struct plan_fn {
    bool (*call)(struct plan_fn *fn, unsigned lane, const struct val *args, size_t n,
                 struct arena *arena, struct val *out, bool *used, struct err *err);
    bool (*quarantined)(const struct plan_fn *fn);
};
/* Where plan_build finds function N of a file. */
struct plan_source {
    const struct val *desc; /* a FILE; borrowed during plan_build only */
    uint64_t hash;          /* of the file's bytes: stands in for a function's identity */
    struct plan_fn *(*fn)(void *ctx, size_t n); /* n is the fn = N of the description */
    /* For a score: function fn as it is called with arguments of these names, in this order; may be NULL. What was answered
     * for other names, to a plan that is in force meanwhile, stays right. */
    struct plan_fn *(*name_args)(void *ctx, size_t fn, const struct str *names, size_t n);
    void *ctx; /* outlives the plan: see plan_keep */
};

/* -- cond.c: criteria, of events (over slots) and of interventions (over the rule's reads) */
struct cond_op;
enum cond_kind { COND_ALL, COND_ANY, COND_NONE, COND_LEAF, COND_FN };
struct cond {
    enum cond_kind kind;
    size_t n; /* kids, or refs of a FN */
    struct cond *kids;
    const struct cond_op *op; /* LEAF */
    uint32_t *refs;           /* LEAF: one; FN: n; indices into the values handed to cond_eval */
    struct val arg;           /* LEAF: constant; LIST for in, not in */
    void *compiled;           /* LEAF: a like or rlike pattern */
    struct plan_fn *fn;       /* FN */
};
/* One operator: its name in the language, in Signals' wire form, what it takes. The table is cond_ops[]. */
enum cond_takes {
    COND_TAKES_NOTHING,
    COND_TAKES_SCALAR,
    COND_TAKES_NUMBER,
    COND_TAKES_STRING,
    COND_TAKES_LIST
};
struct cond_op {
    const char *word, *wire, *help;
    enum cond_takes takes;
    bool on_events; /* else on attributes only */
    bool (*test)(const struct cond *c, struct val now, struct val before);
};
extern const struct cond_op cond_ops[];
extern const size_t n_cond_ops;
/* Not known: a function on which it hangs failed, or was stopped. */
enum cond_truth { COND_FALSE, COND_TRUE, COND_UNKNOWN };
/* before: the same values without the event, for `changed`; may be NULL (changed is false then).
 * lane, arena: for FN kids. A missing value satisfies no operator, != included. */
enum cond_truth cond_decide(const struct cond *c, const struct val *now, const struct val *before,
                            unsigned lane, struct arena *arena);
/* Is it known to be true? */
bool cond_eval(const struct cond *c, const struct val *now, const struct val *before, unsigned lane,
               struct arena *arena);

/* -- The definitions */
enum {
    PLAN_NAME_MAX = 128,
    PLAN_IDENTIFIER_MAX = 1024,
    PLAN_RULE_KEYS_MAX = 64 /* that an intervention reads and tells, both counted */
};
bool plan_name_ok(struct str name); /* 1 to PLAN_NAME_MAX letters, digits and _ */
struct plan_key {
    struct str name;
    uint32_t id; /* persistent number */
    uint32_t slot;
    /* What messages and their subscribers go by: the name, and with it the number of a key that is not built in. So who
     * listens for a name hears nothing of what it means after it was given to another property. */
    struct str address;
    int64_t ttl_ms;  /* 0: none */
    bool counted;    /* some series is of this key */
    struct str file; /* empty: built in */
    uint32_t line;
    struct str description;
};
/* key.c: a value as an identifier: a text as it is, a whole number in digits, so that 7, 7.0 and "7" are one. Empty when it
 * identifies nobody: nothing, an empty text or one of more than PLAN_IDENTIFIER_MAX bytes, a fraction, true or false. Borrows
 * the text; else in the arena. */
struct str plan_identifier(struct val v, struct arena *arena);
/* Is it that only because it is too long? */
bool plan_identifier_long(struct val v);

/* What a series keeps of each event: see profile.h. */
enum keep {
    KEEP_TIMES,   /* windowed: times */
    KEEP_NUMBERS, /* windowed: times and numbers */
    KEEP_VALUES,  /* windowed: times and values */
    KEEP_LAST,    /* the newest value */
    KEEP_SET,     /* distinct values, each with the time it was last seen */
    KEEP_SUM,     /* lifetime: count, sum, min, max */
    KEEP_FIRST,   /* lifetime: the oldest value */
    KEEP_FREQS,   /* lifetime: value -> count, last seen */
};
struct plan_match {                   /* one of the events a series takes */
    struct str vendor, name, version; /* empty: any */
    struct cond *criteria;            /* of this event only; NULL: none */
};
struct plan_series {
    /* persistent number of its identity: key, events, criteria, property, keep, ttl, and
       whether it is windowed; not the window, so that a rule file can widen one and keep what is there */
    uint32_t id;
    uint32_t key; /* index into plan.keys */
    enum keep keep;
    struct plan_match *matches;
    size_t n_matches;
    struct cond *criteria;           /* NULL: none */
    int32_t slot;                    /* -1: no property */
    int64_t longest_ms, shortest_ms; /* of the periods that read it; 0: lifetime */
    int64_t ttl_ms;                  /* lifetime: 0 for ever */
    /* Entries up to then do not count: they were past already when a longer period came. The engine's; 0: none */
    int64_t hidden_ms;
    uint32_t *rules; /* interventions to look at when it changes: indices into plan.rules */
    size_t n_rules;
};

enum agg {
    AGG_COUNTER,
    AGG_SUM,
    AGG_MIN,
    AGG_MAX,
    AGG_MEAN,
    AGG_FIRST,
    AGG_LAST,
    AGG_MOST_FREQUENT,
    AGG_LEAST_FREQUENT,
    AGG_APPROX_COUNT_DISTINCT,
    AGG_CATEGORY_COUNT,
    AGG_UNIQUE_LIST,
    AGG_COUNT
};
enum plan_type {
    TYPE_BYTES,
    TYPE_STRING,
    TYPE_INT32,
    TYPE_INT64,
    TYPE_DOUBLE,
    TYPE_FLOAT,
    TYPE_BOOL,
    TYPE_DICT,
    TYPE_UNIX_TIMESTAMP,
    TYPE_BYTES_LIST,
    TYPE_STRING_LIST,
    TYPE_INT32_LIST,
    TYPE_INT64_LIST,
    TYPE_DOUBLE_LIST,
    TYPE_FLOAT_LIST,
    TYPE_BOOL_LIST,
    TYPE_UNIX_TIMESTAMP_LIST,
    TYPE_ANY, /* ANY: no type given: first, last and their like answer what they saw */
    TYPE_COUNT
};
extern const char *const agg_names[AGG_COUNT];
extern const char *const plan_type_names[TYPE_COUNT]; /* ANY's is NULL */
struct plan_attr {
    struct str name, description;
    struct str ref;  /* "group_v1:name" */
    uint32_t group;  /* index into plan.groups */
    uint32_t series; /* index into plan.series */
    uint32_t key;    /* index into plan.keys */
    enum agg agg;
    enum plan_type type;
    int64_t period_ms; /* 0: lifetime */
    int64_t ttl_ms;    /* lifetime: effective; 0 for ever */
    struct val dflt;   /* VAL_NULL: none */
    uint32_t line;
};
struct plan_group {
    struct str name, owner, description, file;
    uint32_t version, key, line;
    int64_t ttl_ms;
    uint32_t first_attr, n_attrs; /* a run of plan.attrs, in the order written */
    bool newest;                  /* no higher version of this name */
};
struct plan_service {
    struct str name, owner, description, file;
    uint32_t line;
    uint32_t *groups; /* indices into plan.groups */
    size_t n_groups;
    uint32_t *attrs; /* all their attributes, in order: indices into plan.attrs */
    /* as an answer names each: "attr", or "group:attr" where two groups share one */
    struct str *names;
    size_t n_attrs;
};
struct plan_payload {
    struct str name;
    enum { PAYLOAD_CONST, PAYLOAD_ATTR, PAYLOAD_SLOT } kind;
    struct val value; /* CONST */
    uint32_t ref;     /* ATTR: index into plan_rule.reads; SLOT: the slot */
};
struct plan_rule { /* an intervention */
    struct str name, owner, description, file;
    uint32_t version, line;
    uint32_t id;               /* persistent number of name and version */
    struct cond *when;         /* over reads; NULL when it fires on events */
    struct plan_match *events; /* when it fires on events */
    size_t n_events;
    uint32_t *reads; /* attributes that `when` and the payload name: indices into plan.attrs */
    size_t n_reads;
    size_t n_when_reads; /* the first so many are `when`'s */
    uint32_t *targets;   /* attribute keys: indices into plan.keys */
    size_t n_targets;
    uint32_t *keys; /* keys of the reads, distinct: whose identifiers an evaluation needs */
    size_t n_keys;
    struct plan_payload *payload;
    size_t n_payload;
    bool fades; /* it reads what fades with time: it may want timers */
    /* of `when` and what it reads: equal, and timers armed with an older plan stay right */
    uint64_t form;
};
struct plan_score {
    struct str name, owner, description, file;
    uint32_t line, service; /* index into plan.services */
    struct plan_fn *fn;     /* args: the service's attributes, in order; answers a number */
};
/* a criterion function over properties: runs in the front, fills a slot with a bool */
struct plan_computed {
    uint32_t slot, *args;
    size_t n_args;
    struct plan_fn *fn;
};

struct plan {
    uint64_t generation;   /* set by the engine at the swap; 0 before */
    struct evt_proj *proj; /* slots 0 .. n_keys-1 are the keys' */
    size_t n_slots;        /* the projection's and behind them the computed ones */
    struct plan_computed *computed;
    struct plan_key *keys;
    struct plan_series *series;
    struct plan_attr *attrs;
    struct plan_group *groups;
    struct plan_service *services;
    struct plan_rule *rules;
    struct plan_score *scores;
    size_t n_computed, n_keys, n_series, n_attrs, n_groups, n_services, n_rules, n_scores;
    struct plan_index *index;
    struct arena arena;
    struct plan_kept *kept;
    int refs; /* atomic */
};

/* -- ids.c: persistent numbers of identities. Owned by the engine, shared by all its plans. Guarded by the caller. */
struct plan_ids {
    struct map map; /* identity -> struct plan_identity */
    uint32_t n;     /* numbers given so far: none is ever given twice */
};
void plan_ids_init(struct plan_ids *ids);
void plan_ids_fini(struct plan_ids *ids);
/* p comes in force at now_ms (> 0): its identities are in force, all others gone, since now unless they were before. */
void plan_ids_settle(struct plan_ids *ids, const struct plan *p, int64_t now_ms);
/* Those gone since before that get a new number if they come back. Not between plan_build and plan_ids_settle: a plan that is
 * to come in force may have taken up a number again. */
void plan_ids_forget(struct plan_ids *ids, int64_t before_ms);
/* Equal ones give equal bytes. */
void plan_ids_pack(const struct plan_ids *ids, struct buf *out);
/* Into a new one, which is to be freed in any case. false: it makes no sense. */
bool plan_ids_unpack(struct plan_ids *ids, struct unpack *in);

/* -- build.c */
struct plan_problem {
    struct str file, rule, text; /* rule: like `intervention "discount"`; may be empty */
    uint32_t line;               /* 0: none */
    bool warning;
};
struct plan_report {
    struct plan_problem *items;
    size_t n, cap;
    struct arena arena;
};
void plan_report_init(struct plan_report *r);
void plan_report_fini(struct plan_report *r);
void plan_report_add(struct plan_report *r, bool warning, struct str file, uint32_t line,
                     struct str rule, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
bool plan_report_failed(const struct plan_report *r); /* holds an error */

/* Builds one plan from all files. NULL when the report got an error. The caller holds one reference. */
struct plan *plan_build(const struct plan_source *sources, size_t n, struct plan_ids *ids,
                        struct plan_report *report);
struct plan *plan_ref(struct plan *p);
void plan_unref(struct plan *p);
/* Something the plan needs until it is freed. */
void plan_keep(struct plan *p, void *object, void (*release)(void *object));

/* -- find.c: look-ups by name; -1 when there is none */
int plan_find_key(const struct plan *p, struct str name);
int plan_find_address(const struct plan *p, struct str address); /* a key */
int plan_find_service(const struct plan *p, struct str name);
int plan_find_score(const struct plan *p, struct str name);
int plan_find_group(const struct plan *p, struct str ref); /* "group" (the newest) or "group_v2" */
int plan_find_attr(const struct plan *p, struct str ref);  /* "group:attr" or "group_v2:attr" */

/* -- index.c: from an event to what it can change */
struct plan_hits {
    uint32_t *series; /* indices, ascending, whose events and criteria hold */
    uint32_t *rules;  /* indices, ascending, of rules whose `when` is this event */
    size_t n_series, n_rules;
};
/* Fills hits from the arena. slots: the event's, computed ones included. */
void plan_match_event(const struct plan *p, const struct evt *e, unsigned lane, struct arena *arena,
                      struct plan_hits *hits);
/* Runs the criterion functions that e's type can need and fills their slots; slots must have room for plan.n_slots. */
void plan_compute(const struct plan *p, struct evt *e, unsigned lane, struct arena *arena);

#endif
