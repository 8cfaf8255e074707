/* profile_internal.h -- what the files of this room share: words, states, kinds, and the parts that
 * kinds are made of.
 *
 * A profile has one struct state per series. What hangs off a state depends on what the series
 * keeps: see kind.c for the table. Everything is allocated through the store, which so knows what
 * it weighs. SPDX-License-Identifier: Apache-2.0 */
#ifndef PROFILE_INTERNAL_H
#define PROFILE_INTERNAL_H

#include "profile/profile.h"

static inline uint64_t mix64(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}
static inline uint64_t mix_pair(uint64_t a, uint64_t b)
{
    return mix64(a ^ mix64(b + 0x9e3779b97f4a7c15u));
}
/* Sums of times that stop at the end of time: a ttl may be as long as anybody likes. */
static inline int64_t time_add(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (b < 0 ? INT64_MIN : INT64_MAX) : sum;
}
static inline int64_t time_sub(int64_t a, int64_t b)
{
    int64_t diff;
    return __builtin_sub_overflow(a, b, &diff) ? (b < 0 ? INT64_MAX : INT64_MIN) : diff;
}

/* The newest moment that is past for every period that reads a series. */
static inline int64_t series_past(const struct plan_series *series, int64_t now_ms)
{
    int64_t past = time_sub(now_ms, series->longest_ms);
    return series->hidden_ms ? MAX_OF(past, series->hidden_ms) : past;
}

/* -- table.c: hash -> pointer, in shards that grow one by one, so that no growth is a pause */
enum { TABLE_SHARDS = 1024 };
struct table_slot {
    uint64_t hash;
    void *p; /* NULL: free */
};
struct table_shard {
    struct table_slot *slots;
    uint32_t n, cap;
};
struct table {
    struct table_shard shards[TABLE_SHARDS];
    size_t n, n_bytes;
};
void table_fini(struct table *t);
void *table_get(const struct table *t, uint64_t hash, bool (*same)(const void *p, const void *key),
                const void *key);
void table_put(struct table *t, uint64_t hash, void *p); /* not yet inside */
void table_del(struct table *t, uint64_t hash, const void *p);
void table_prefetch(const struct table *t, uint64_t hash);
void *table_peek(const struct table *t, uint64_t hash); /* one with this hash */

/* -- pool.c */
enum { POOL_BYTES_MAX = 512 };
struct pool {
    void *free[POOL_BYTES_MAX / 8 + 1]; /* by size in eights */
    uint64_t has;                       /* bit i: free[i + 1] is not empty */
    char *at, *end;                     /* what is left of the newest slab */
    struct slab *slabs;
    size_t n_bytes; /* in use */
};
void *pool_alloc(struct pool *p, size_t n); /* 8-aligned, n > 0 */
void *pool_realloc(struct pool *p, void *piece, size_t old, size_t n);
void pool_release(struct pool *p, void *piece, size_t n); /* piece may be NULL */
void pool_fini(struct pool *p);

/* -- store.c */
enum { STORE_AHEAD = 8 };
struct store {
    struct profile_limits limits;
    struct table profiles;
    struct table texts; /* the strings of all profiles, each once: see word.c */
    struct pool pool;
    uint32_t sweep_shard, sweep_slot; /* where store_sweep goes on */
    uint64_t ahead[STORE_AHEAD];      /* hashes of profiles that are being fetched into the cache */
    uint32_t n_ahead;
    struct store_hooks hooks;
    struct saving
        *saving; /* save.c; NULL: changes are not tracked, and every profile counts as dirty */
    uint8_t
        dirty; /* of PROFILE_DIRTY's bits the one in use: each save that begins takes the other */
    const struct plan *plan;
    const struct plan_series **by_id; /* its series by number */
    size_t n_by_id;
};
static inline void *store_alloc(struct store *s, size_t n)
{
    return pool_alloc(&s->pool, n);
}
static inline void *store_realloc(struct store *s, void *p, size_t old, size_t n)
{
    return pool_realloc(&s->pool, p, old, n);
}
static inline void store_release(struct store *s, void *p, size_t n)
{
    pool_release(&s->pool, p, n);
}

/* -- word.c: a value in eight bytes. Equal values are equal words, within one store. */
bool word_of(struct store *s, struct val v, uint64_t *word); /* a reference; false: not a scalar */
uint64_t word_ref(uint64_t word);
void word_unref(struct store *s, uint64_t word);
struct val word_val(const uint64_t *word); /* a short string's bytes lie in *word */
int word_cmp(uint64_t a, uint64_t b);      /* as val_cmp */
uint64_t word_hash(uint64_t word);         /* of the value, so the same in any store */
enum { WORD_NONE_TAG = 0xffff };
#define WORD_NONE ((uint64_t)WORD_NONE_TAG << 48) /* no value's word */
static inline uint64_t word_of_double(double d)
{
    uint64_t w;
    memcpy(&w, &d, sizeof(w));
    return w;
}
static inline double word_double(uint64_t w)
{
    double d;
    memcpy(&d, &w, sizeof(d));
    return d;
}

/* -- page.h */
struct page_out;
struct page_in;

/* -- summary.c: sum, min and max of numbers */
struct summary {
    double sum, rest; /* the sum is their sum: rest holds what rounding took */
    double min, max;
};
void summary_init(struct summary *m);
void summary_add(struct summary *m, double x);
void summary_merge(struct summary *m, const struct summary *from);
double summary_sum(const struct summary *m);
struct val summary_answer(const struct summary *m, uint64_t count, enum agg agg);
uint64_t summary_digest(const struct summary *m, uint64_t count);
void summary_save(struct page_out *o, const struct summary *m);
void summary_load(struct page_in *in, struct summary *m);

/* -- tally.c: how often each value was seen, and when last */
struct tally {
    uint64_t word; /* a reference */
    int64_t last_ms;
    uint64_t count;
};
struct tallies { /* ascending by word */
    struct tally *items;
    uint32_t n, cap;
};
void tallies_add(struct store *s, struct tallies *t, uint64_t word, int64_t last_ms,
                 uint64_t count);
void tallies_merge(struct store *s, struct tallies *t, const struct tallies *from);
void tallies_fini(struct store *s, struct tallies *t);
uint64_t tallies_digest(const struct tallies *t);
void tallies_save(struct page_out *o, const struct tallies *t);
bool tallies_load(struct page_in *in,
                  struct tallies *t); /* into an empty one; false: it stays empty */
struct counting {                     /* counts in an arena, for one read; borrows its words */
    struct tally *slots;
    size_t cap;
};
void counting_init(struct counting *c, struct arena *arena, size_t n);
void counting_add(struct counting *c, uint64_t word, int64_t last_ms, uint64_t count);
size_t counting_pack(struct counting *c); /* its tallies are then slots[0 .. answer-1] */

/* -- profile.c */
struct chunk;
struct state {
    uint32_t series; /* plan_series.id */
    uint8_t keep;    /* enum keep */
    bool listed;     /* series.c: p is a list of chunks, not one chunk */
    union {
        void *p;
        struct chunk *chunk;
    };
};
enum {
    PROFILE_DIRTY =
        1 |
        2, /* store.dirty: changed since the last save began; the other: that save still has to encode it */
    PROFILE_ON_DISK = 4, /* in the place that PROFILE_SLOT tells */
    PROFILE_SLOT = 8,
    PROFILE_WRITTEN =
        16 |
        32, /* as PROFILE_DIRTY: encoded by a save that began while store.dirty was this, times 16 */
};
struct profile {
    uint32_t key_id, n_id;
    uint32_t n_states, cap_states;
    struct state *states; /* ascending by series */
    struct dedupe *seen;
    void *hung; /* somebody else's: store_hooks */
    int64_t
        until_ms; /* expires_ms of its last page: a later page's is not less, lest the older one outlive it */
    uint8_t flags;
    char id[];
};
static inline size_t profile_size(size_t n_id)
{
    return offsetof(struct profile, id) + n_id;
}
/* Frees what is past, and with drop_unknown states whose series is not in series[id] (n of them).
 * True: nothing is left. */
bool profile_expire(struct store *s, struct profile *p, const struct plan_series *const *series,
                    size_t n, int64_t now_ms, bool drop_unknown);
void profile_clear(struct store *s, struct profile *p);
void profile_free(struct store *s, struct profile *p); /* not in the store */
uint64_t profile_digest(const struct profile *p);      /* 0: holds nothing */

/* -- page.c: a whole profile as bytes */
enum { PAGE_VERSION = 1 };
void page_save(struct page_out *o, const struct profile *p); /* all but what hangs on it */
/* The key of the profile that a page is of; the id is borrowed. */
bool page_key(struct page_in *in, uint32_t *key_id, struct str *id);
/* What comes behind the key, into an empty profile. false: it makes no sense, and p is empty. */
bool page_load(struct page_in *in, struct profile *p);

/* -- save.c */
void store_mark(struct store *s, struct profile *p); /* the slow half of store_change */
void store_forget(struct store *s);                  /* frees what save.c has */
static inline void store_changing(struct store *s, struct profile *p)
{
    if (!(p->flags & s->dirty))
        store_mark(s, p);
}
/* Perhaps it was encoded by the save that runs: what is on disk then is not the newest version until that is complete. */
static inline bool store_wrote(const struct store *s, const struct profile *p)
{
    return p->flags & s->dirty * 16;
}
static inline bool store_waits(const struct store *s, const struct profile *p)
{
    return p->flags & PROFILE_DIRTY & ~s->dirty;
}
/* Puts a profile that is not there yet into the table, and takes it out again. */
void store_put(struct store *s, struct profile *p);
void store_take(struct store *s, struct profile *p);
struct profile *store_make(struct store *s, uint32_t key_id, struct str id); /* outside the table */

/* -- dedupe.c */
bool dedupe_seen(struct store *s, struct dedupe **d, uint64_t event_id, int64_t now_ms);
bool dedupe_expire(struct store *s, struct dedupe **d, int64_t now_ms); /* true: nothing is left */
void dedupe_free(struct store *s, struct dedupe **d);
uint64_t dedupe_digest(const struct dedupe *d);
void dedupe_save(struct page_out *o, const struct dedupe *d);
bool dedupe_load(struct page_in *in, struct dedupe **d);
int64_t dedupe_until(const struct store *s,
                     const struct dedupe *d); /* when nothing of it is left */

/* -- kind.c: what a series can keep, one row each */
struct read_at {
    const struct store *store;
    const struct plan_series *series;
    enum agg agg;
    int64_t now_ms, period_ms; /* 0: lifetime */
    int64_t since_ms;          /* entries newer than this are in the window */
    struct arena *arena;
};
enum kind_takes { KIND_TAKES_NOTHING, KIND_TAKES_NUMBER, KIND_TAKES_VALUE };
struct kind {
    const char *name;
    enum kind_takes takes;
    /* Takes over the word's reference. False: nothing has changed. */
    bool (*add)(struct store *s, struct state *st, const struct plan_series *series, int64_t ts_ms,
                uint64_t word, int64_t now_ms);
    struct val (*read)(const struct read_at *at,
                       const struct state *st); /* bytes are borrowed from the state */
    int64_t (*next_fade)(const struct read_at *at, const struct state *st);
    int64_t (*next_at_most)(const struct read_at *at, const struct state *st,
                            int64_t n); /* NULL: holds no counter */
    int64_t (*newest)(const struct state *st);
    /* Frees what is past. True: nothing is left, and p is NULL. Called before every add, so that
     * what a late event meets does not depend on when the last sweep came by. */
    bool (*expire)(struct store *s, struct state *st, const struct plan_series *series,
                   int64_t now_ms);
    uint64_t (*digest)(const struct state *st);
    void (*free)(struct store *s, struct state *st);
    /* What save wrote, load makes again: not only what is shown, but all on which it hangs what will be. Into a state
     * without p; false: it makes no sense, and there is no p. */
    void (*save)(struct page_out *o, const struct state *st);
    bool (*load)(struct page_in *in, struct state *st);
};
extern const struct kind kind_times, kind_numbers, kind_values, kind_last, kind_set, kind_sum,
    kind_first, kind_freqs;
const struct kind *kind_of(enum keep keep);
bool kind_known(uint64_t keep);
/* Items are the caller's, in the arena: it may sort them, and the answer borrows from them. */
struct val tally_answer(const struct read_at *at, struct tally *items, size_t n);

/* -- series.c: the entries of a window in order of time, in chunks. pane.c folds the oldest. */
enum { CHUNK_MAX = 64 };
struct chunk {
    int64_t first_ms;
    uint32_t count;
    uint8_t cap; /* 0: folded, the head of a struct pane */
    /* Otherwise follow: struct summary when it is of numbers and as long as can be; cap words
     * unless only times are kept; cap uint32_t, milliseconds after first_ms. */
};
struct pane {
    struct chunk head;
    int64_t last_ms;
    union { /* not there when only times are kept */
        struct summary summary;
        struct {
            uint64_t first; /* the oldest value */
            struct tallies tallies;
        } values;
    };
};
struct chunk_list {
    uint32_t n, cap;
    uint32_t n_panes; /* the first so many chunks are panes */
    uint32_t entries; /* in the others */
    struct chunk *chunks[];
};
bool series_add(struct store *s, struct state *st, const struct plan_series *series, int64_t ts_ms,
                uint64_t word, int64_t now_ms);
bool series_expire(struct store *s, struct state *st, const struct plan_series *series,
                   int64_t now_ms);
int64_t series_newest(const struct state *st);
uint64_t series_digest(const struct state *st);
void series_free(struct store *s, struct state *st);
int64_t series_next_fade(const struct read_at *at, const struct state *st);
/* Where the window begins: entry `at` of chunk `i`; i == n when it is empty. A pane is in while its
 * newest entry is. */
struct series_edge {
    struct chunk *const *chunks;
    size_t i, n;
    uint32_t at;
};
struct series_edge series_edge(const struct state *st, int64_t since_ms);
int64_t chunk_time(const struct chunk *c, enum keep keep, uint32_t i);
uint64_t *chunk_words(const struct chunk *c, enum keep keep);
/* NULL: add up its numbers */
const struct summary *chunk_summary(const struct chunk *c, enum keep keep);
int64_t chunk_last(const struct chunk *c, enum keep keep);
void chunk_free(struct store *s, struct chunk *c, enum keep keep, bool unref);
void series_insert(struct store *s, struct state *st, size_t i, struct chunk *c);
uint32_t *chunk_deltas(const struct chunk *c, enum keep keep);
uint32_t chunk_cap(uint32_t n);
struct chunk *chunk_new(struct store *s, enum keep keep, uint32_t cap);
void chunk_summarise(struct chunk *c, enum keep keep);
struct chunk_list *chunk_list_new(struct store *s, uint32_t cap);
/* series_save.c */
void series_save(struct page_out *o, const struct state *st);
bool series_load(struct page_in *in, struct state *st);
bool series_time_fits(int64_t ts_ms); /* the way between two such is no overflow */
/* pane.c */
void pane_save(struct page_out *o, const struct pane *p, enum keep keep);
struct pane *pane_load(struct page_in *in, enum keep keep);
/* word_unref is pane_free's */
struct pane *pane_new(struct store *s, enum keep keep, int64_t ts_ms, uint64_t word);
void pane_add(struct store *s, struct pane *p, enum keep keep, int64_t ts_ms, uint64_t word);
void pane_free(struct store *s, struct pane *p, enum keep keep);
void series_fold(struct store *s, struct state *st, const struct plan_series *series,
                 int64_t now_ms);
/* Puts a late entry that is not newer than the newest pane where it belongs. */
void series_add_folded(struct store *s, struct state *st, const struct plan_series *series,
                       size_t i, int64_t ts_ms, uint64_t word);

/* -- runs.c: a lifetime with ttl: events whose neighbours are less than ttl apart. Without ttl
 * there is one run. */
struct run { /* the first member of what a kind keeps of each */
    int64_t first_ms, last_ms;
};
struct run_ops {
    size_t size;
    void (*merge)(struct store *s, void *into,
                  void *newer);               /* newer is gone afterwards; NULL: nothing to do */
    void (*drop)(struct store *s, void *run); /* NULL: nothing to do */
    void (*save)(struct page_out *o, const void *run); /* NULL: nothing but its times */
    bool (*load)(struct page_in *in, void *run); /* into a zeroed one; false: it holds nothing */
};
struct runs;
enum { RUN_GRACE_MS = 24 * 3600 * 1000 }; /* so long after its ttl a run is kept for late events */
/* The run that ts belongs to, not yet stretched to it. A new one is zeroed but for its times. NULL:
 * there are too many, and this would be the oldest. */
void *runs_place(struct store *s, struct runs **runs, const struct run_ops *ops, int64_t ttl_ms,
                 int64_t ts_ms, bool *fresh);
void run_stretch(struct run *run, int64_t ts_ms);
bool runs_expire(struct store *s, struct runs **runs, const struct run_ops *ops, int64_t ttl_ms,
                 int64_t now_ms);
void runs_free(struct store *s, struct runs **runs, const struct run_ops *ops);
/* ascending; NULL past the end */
void *runs_at(const struct runs *runs, const struct run_ops *ops, size_t i);
void *runs_newest(const struct runs *runs, const struct run_ops *ops);
/* The run to be read at now: the newest, unless its ttl has passed: NULL. */
void *runs_alive(const struct runs *runs, const struct run_ops *ops, int64_t ttl_ms,
                 int64_t now_ms);
void runs_save(struct page_out *o, const struct runs *runs, const struct run_ops *ops);
bool runs_load(struct page_in *in, struct runs **runs, const struct run_ops *ops);
/* when it stops being read; run may be NULL */
int64_t run_fade(const struct run *run, int64_t ttl_ms);

/* -- hll.c: about how many distinct values a window saw */
struct hll;
struct hll *hll_new(struct store *s);
void hll_free(struct store *s, struct hll *h);
void hll_add(struct store *s, struct hll *h, uint64_t hash, int64_t ts_ms);
void hll_expire(struct hll *h, int64_t until_ms);           /* entries not newer */
double hll_estimate(const struct hll *h, int64_t since_ms); /* of entries newer */
int64_t hll_oldest(const struct hll *h, int64_t since_ms);  /* newer than since; INT64_MAX: none */
uint64_t hll_digest(const struct hll *h);
void hll_save(struct page_out *o, const struct hll *h);
struct hll *hll_load(struct page_in *in); /* NULL: it makes no sense */

/* -- cast.c: to the type an attribute declares */
/* borrows v's bytes where it can */
struct val cast_val(struct val v, enum plan_type type, struct arena *arena);
/* a scalar's: strings as they are, JSON else */
struct str cast_text(struct val v, struct arena *arena);

#endif
