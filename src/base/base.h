/* base.h -- what every room stands on; knows nothing of events.
 *
 * Memory: xmalloc and friends abort when the system has none left, since no caller could apply half a batch. What lives as
 * long as a batch or a request comes from its arena; what stays comes from the heap; nothing else.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_H
#define BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define COUNT_OF(a)  (sizeof(a) / sizeof(*(a)))
#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))

/* -- mem.c: memory that is there or the process is not */
void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
/* Makes room for one more element: doubles *cap from 4 when n == *cap. Returns the (moved) array. */
void *xgrow(void *array, size_t n, size_t *cap, size_t size);

/* -- str.c: a borrowed run of bytes, not terminated, may hold NUL */
struct str {
    const char *p;
    size_t n;
};
#define STR(lit)   ((struct str){(lit), sizeof(lit) - 1})
#define STR_FMT(s) (int)(s).n, (s).p /* for "%.*s" */
struct str str_of(const char *z);    /* z may be NULL: empty */
bool str_eq(struct str a, struct str b);
bool str_eqz(struct str a, const char *z);
bool str_eq_nocase(struct str a, struct str b); /* ASCII */
int str_cmp(struct str a, struct str b);        /* bytewise, shorter first */
bool str_starts(struct str s, const char *prefix);
struct str str_trim(struct str s); /* blanks and tabs off both ends */
/* Strict decimal readers: the whole string or false. No sign for str_u64; a leading '-' for str_i64. */
bool str_u64(struct str s, uint64_t *out);
bool str_i64(struct str s, int64_t *out);
/* A JSON number (so no inf, nan, hex, blanks), whole string, shorter than 64 bytes unless it fits an int64. */
bool str_double(struct str s, double *out);
uint64_t str_hash(struct str s);                 /* XXH3, seedless: may be stored */
void str_hash128(struct str s, uint8_t out[16]); /* XXH3 128, canonical byte order */
/* Makes a UUID of it: of version 4 when it was drawn, 8 when it is a hash. */
void uuid_mark(uint8_t bytes[16], unsigned version);
void uuid_format(const uint8_t bytes[16], char out[37]); /* terminated */
/* The whole string or false; any version, either case. */
bool uuid_parse(struct str s, uint8_t out[16]);
/* The value of a hexadecimal digit of either case; -1: it is none. */
static inline int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
/* The nearest of n names by edit distance, at most a third of word's length (rounded up) away, the first of equally near
 * ones; NULL when none is near. */
const char *str_nearest(struct str word, const char *const *names, size_t n);
bool utf8_valid(struct str s);

/* -- err.c: what went wrong, for a person. The first error wins: later err_set on the same struct are dropped. */
struct err {
    bool set;
    char text[500];
};
/* Always returns false, so that `return err_set(...)` reads well. err may be NULL. */
bool err_set(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* -- arena.c: memory with one end. Not shared between threads. */
struct arena_chunk;
struct arena {
    struct arena_chunk *chunk; /* newest first */
    size_t n_bytes;            /* handed out in all */
};
void arena_init(struct arena *a);
void arena_fini(struct arena *a);
void arena_reset(struct arena *a);            /* keeps the newest chunk, if it is of usual size */
void *arena_alloc(struct arena *a, size_t n); /* 16-aligned, not zeroed */
void *arena_zalloc(struct arena *a, size_t n);
struct str arena_str(struct arena *a, struct str s); /* a copy, with a NUL behind it */
struct str arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* -- buf.c: bytes that grow */
struct buf {
    char *p;
    size_t n, cap;
};
void buf_fini(struct buf *b);
void buf_reserve(struct buf *b, size_t more);
void buf_put(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *z);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct str buf_str(const struct buf *b);

/* -- pack.c: numbers and texts as bytes, for what is kept on disk. Integers are varints (LEB128), signed ones zigzag; doubles
 * and fixed ones little endian. A reader never goes past its end: what is cut short or too large sets bad, and answers zeros. */
void pack_uint(struct buf *b, uint64_t n);
void pack_int(struct buf *b, int64_t n);
void pack_double(struct buf *b, double d);
void pack_u32(struct buf *b, uint32_t n);
void pack_u64(struct buf *b, uint64_t n);
void pack_str(struct buf *b, struct str s); /* its length before it */
struct unpack {
    const char *p, *end;
    bool bad;
};
struct unpack unpack_of(struct str s);
uint64_t unpack_uint(struct unpack *u);
int64_t unpack_int(struct unpack *u);
double unpack_double(struct unpack *u);
uint32_t unpack_u32(struct unpack *u);
uint64_t unpack_u64(struct unpack *u);
struct str unpack_str(struct unpack *u);             /* borrowed */
struct str unpack_bytes(struct unpack *u, size_t n); /* borrowed */
/* A count of items of at least min_bytes each: more than the bytes left can hold is bad, and 0. min_bytes > 0. */
size_t unpack_count(struct unpack *u, size_t min_bytes);
bool unpack_done(const struct unpack *u); /* nothing was bad, and nothing is left */

/* -- map.c: bytes -> pointer, open addressing; copies its keys */
struct map {
    struct map_slot *slots;
    size_t n, cap;
};
void map_init(struct map *m);
void map_fini(struct map *m); /* not the values */
void *map_get(const struct map *m, struct str key);
/* value not NULL; returns the value it replaced or NULL */
void *map_put(struct map *m, struct str key, void *value);
void *map_del(struct map *m, struct str key); /* returns the value it held or NULL */
/* Walks in no order: for (size_t i = 0; map_next(&m, &i, &key, &value);). No put or del meanwhile. */
bool map_next(const struct map *m, size_t *i, struct str *key, void **value);

/* -- val.c: a value as rules and answers see it. Borrowed bytes and items: whoever makes one says from where. */
enum val_type { VAL_NULL, VAL_BOOL, VAL_INT, VAL_DBL, VAL_STR, VAL_BIN, VAL_LIST, VAL_DICT };
struct val {
    enum val_type type;
    uint32_t n; /* bytes of a STR or BIN, items of a LIST, pairs of a DICT */
    union {
        bool b;
        int64_t i;
        double d;
        const char *s;
        struct val *items; /* a DICT's are key, value, key, value ... keys are STR */
    };
};
extern const struct val val_null;
struct val val_bool(bool b);
struct val val_int(int64_t i);
struct val val_dbl(double d);
struct val val_str(struct str s);
struct val val_strz(const char *z);
struct str val_as_str(struct val v); /* of a STR or BIN; empty otherwise */
/* INT, DBL; a STR that is a JSON number; nothing else */
bool val_as_double(struct val v, double *out);
/* Total order and equality: by class (null < bool < number < str/bin < list < dict), numbers by value, INT 1 == DBL 1.0.
 * val_cmp is exact for int64 against double. NaN never enters a val. */
int val_cmp(struct val a, struct val b);
bool val_eq(struct val a, struct val b);
uint64_t val_hash(struct val v);                    /* equal values hash alike */
struct val val_copy(struct arena *a, struct val v); /* deep */
/* NULL when absent or not a DICT */
const struct val *val_get(const struct val *dict, const char *key);
/* Builders in an arena; they grow by copying, for small trees. */
struct val val_list(struct arena *a, size_t n); /* n nulls */
struct val val_dict(struct arena *a, size_t n); /* room for n pairs, empty */
/* There must be room (val_dict); *used counts the pairs. */
void dict_put(struct val *dict, size_t *used, struct str key, struct val v);
/* compact; BIN as base64; strings must be UTF-8: else U+FFFD */
void val_write_json(struct buf *b, const struct val *v);
void val_write_msgpack(struct buf *b, const struct val *v); /* through msgpack-c's packer */

/* -- mp.c: reads msgpack in place. Counts are checked against the bytes left before anybody believes them. */
struct mp {
    const uint8_t *p, *end;
};
enum { MP_DEPTH_MAX = 32 };
/* Reads one head. A LIST or DICT's items follow (v.n of them; items == NULL); a STR or BIN borrows the bytes.
 * Ext types, and NaN or infinite floats, read as null; uint64 above INT64_MAX as DBL. false: bytes end early or 0xc1. */
bool mp_next(struct mp *m, struct val *v);
bool mp_skip(struct mp *m); /* one whole value, at most MP_DEPTH_MAX deep */
/* One whole value as a tree in the arena. */
bool mp_tree(struct mp *m, struct arena *a, struct val *out, struct err *err);

/* -- heap.c: the earliest of many, with removal; order (due_ms, tie) is total, so that replay repeats it */
struct heap_item {
    int64_t due_ms;
    uint64_t tie;
    size_t pos; /* the heap's own; SIZE_MAX when outside */
};
struct heap {
    struct heap_item **items;
    size_t n, cap;
};
void heap_fini(struct heap *h);
void heap_put(struct heap *h, struct heap_item *item); /* borrowed; moves it when already inside */
void heap_del(struct heap *h, struct heap_item *item); /* nothing when outside */
struct heap_item *heap_min(const struct heap *h);

/* -- log.c: one line an event, to stderr; the clock is handed in by main, so that no room below reads one */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
void log_init(enum log_level least, int64_t (*now_ms)(void));
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)

/* -- stat.c: every counter of the program, one row each; /metrics reads this table */
#define STAT_TABLE(X)                                                                              \
    X(EVENTS_RECEIVED, "events_received_total", "counter",                                         \
      "Events taken in, before checking for duplicates")                                           \
    X(EVENTS_PROCESSED, "events_processed_total", "counter", "Events applied to profiles")         \
    X(EVENTS_DUPLICATE, "events_duplicate_total", "counter",                                       \
      "Events dropped for a profile that had seen their event_id")                                 \
    X(EVENTS_REJECTED, "events_rejected_total", "counter", "Events that could not be read")        \
    X(IDENTIFIERS_LONG, "identifiers_too_long_total", "counter",                                   \
      "Identifiers beyond 1024 bytes: their events count for nobody of that key")                  \
    X(EVENTS_LATE, "events_late_total", "counter",                                                 \
      "Events more than a minute older than the newest of their series")                           \
    X(EVENTS_REDECODED, "events_redecoded_total", "counter",                                       \
      "Events decoded again because the rules had changed meanwhile")                              \
    X(DEDUPE_EVICTED, "dedupe_evicted_total", "counter",                                           \
      "Event ids forgotten before their day was over")                                             \
    X(SERIES_FOLDED, "series_folded_entries_total", "counter",                                     \
      "Series entries folded into summaries past the limit")                                       \
    X(VALUES_DROPPED, "values_dropped_total", "counter",                                           \
      "Distinct values dropped past their limit")                                                  \
    X(VALUES_CUT, "values_cut_total", "counter", "Strings kept cut past their limit")              \
    X(RUNS_DROPPED, "runs_dropped_total", "counter",                                               \
      "Old runs of a lifetime with ttl dropped past their limit")                                  \
    X(PROFILES, "profiles", "gauge", "Profiles in memory")                                         \
    X(PROFILES_WRITTEN, "profiles_written_total", "counter", "Profiles written back to disk")      \
    X(TIMERS_PENDING, "timers_pending", "gauge", "Timers that wait for a criterion to turn true")  \
    X(RULE_EVALUATIONS, "rule_evaluations_total", "counter", "Criteria trees evaluated")           \
    X(RULE_ERRORS, "rule_errors_total", "counter",                                                 \
      "Lua functions of rules that failed or were stopped")                                        \
    X(RULE_QUARANTINED, "rule_quarantined", "gauge",                                               \
      "Lua functions of rules that are not called any more")                                       \
    X(INTERVENTIONS_FIRED, "interventions_fired_total", "counter", "Interventions that fired")     \
    X(INTERVENTIONS_PUSHED, "interventions_pushed_total", "counter",                               \
      "Interventions pushed past the rules")                                                       \
    X(MESSAGES_DELIVERED, "interventions_delivered_total", "counter",                              \
      "Messages written to a subscriber")                                                          \
    X(MESSAGES_EXPIRED, "interventions_expired_total", "counter",                                  \
      "Messages dropped undelivered: too old or too many")                                         \
    X(SSE_CONNECTIONS, "sse_connections", "gauge", "Open streams")                                 \
    X(SSE_DROPPED, "sse_dropped_total", "counter",                                                 \
      "Streams closed because the reader was too slow")                                            \
    X(RELOADS_OK, "reloads_success_total", "counter",                                              \
      "Reloads of the rules that were taken whole")                                                \
    X(RELOADS_FAILED, "reloads_failed_total", "counter",                                           \
      "Reloads in which a file kept its last good version")                                        \
    X(RELOAD_LAST_OK, "config_last_reload_successful", "gauge",                                    \
      "1 when every rule file is the one on disk")                                                 \
    X(RELOAD_LAST_TIME, "config_last_reload_success_timestamp_seconds", "gauge",                   \
      "When the rules were last taken whole")                                                      \
    X(JOURNAL_STATE, "journal_state", "gauge",                                                     \
      "0: open, 1: the disk is full and events are refused, 2: failed until a restart")            \
    X(JOURNAL_RECORDS, "journal_records_total", "counter", "Records made durable")                 \
    X(JOURNAL_COMMITS, "journal_commits_total", "counter",                                         \
      "Groups of records written, a block each")                                                   \
    X(JOURNAL_BYTES, "journal_bytes_written_total", "counter", "Bytes of blocks written")          \
    X(JOURNAL_SYNCS, "journal_syncs_total", "counter", "Times the log was synced to the disk")     \
    X(HTTP_REQUESTS, "http_requests_total", "counter", "Requests answered")                        \
    X(HTTP_ERRORS, "http_request_errors_total", "counter", "Requests answered 4xx or 5xx")         \
    X(HTTP_CONNECTIONS, "http_connections", "gauge", "Open connections")                           \
    X(HTTP_REFUSED, "http_connections_refused_total", "counter", "Connections refused at a cap")   \
    X(HTTP_TIMEOUTS, "http_timeouts_total", "counter", "Connections closed at a deadline")
enum stat_id {
#define X(id, name, type, help) STAT_##id,
    STAT_TABLE(X)
#undef X
        STAT_COUNT
};
void stat_add(enum stat_id id, int64_t n); /* any thread */
void stat_set(enum stat_id id, int64_t n);
int64_t stat_get(enum stat_id id);
/* this thread's stat_add and stat_set do nothing: for trials beside the real thing */
void stat_mute(bool mute);
void stat_write_prometheus(struct buf *b); /* text format 0.0.4, prefix signalbox_ */

#endif
