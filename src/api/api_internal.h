/* api_internal.h -- what the families of endpoints share; for the files of api/ only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef API_INTERNAL_H
#define API_INTERNAL_H

#include "api/api.h"

#include <pthread.h>
#include <stdatomic.h>

struct take_wait;
struct api_front {
    uint8_t pool[4096]; /* drawn bytes not given out yet */
    size_t left;
    struct take_wait *waits; /* requests whose batch is under way */
    char apart[64];          /* fronts don't share a cache line */
};
struct api {
    struct api_options o;
    struct arena kept; /* what lives as long as it does */
    struct optout *optouts;
    struct engine *engine;
    struct http *http;
    struct rules *_Atomic rules; /* NULL: not ready */
    struct api_front *fronts;
    uint64_t epoch; /* part of every SSE id: what the journal drew, or when the process started */
    _Atomic uint64_t n_streams;
    atomic_uint n_batches; /* under way */
    atomic_bool told;      /* a front is about to call engine_advance */
    unsigned turn;         /* the journal thread's: which one is next */
    pthread_mutex_t closing;
    bool
        closed; /* under closing: from then on nothing is posted to the fronts by the journal's thread */
};

/* answer.c: what every answer carries */
/* First thing in a handler: CORS headers, X-Request-Id. credentials: the answer may go with cookies. */
void answer_begin(struct http_req *r, bool credentials);
/* The first of an Origin header's, if it may stand in a header; else empty. */
struct str answer_origin(struct str header);
/* The media type of a Content-Type, without parameters. */
struct str answer_media_type(struct str header);
bool answer_is_msgpack(struct str media_type);

/* auth.c */
bool auth_has_credentials(const struct http_req *r);

/* draw.c: chance, the only place that asks the system for it */
void draw_bytes(struct api *a, unsigned front, void *out, size_t n);
void draw_uuid(struct api *a, unsigned front, char out[37]); /* version 4 */

/* take.c: from a body to applied events. The handler has begun the answer. finish is called once, on the request's front,
 * perhaps before this returns, and answers; the batch is freed behind it. What can't be decoded at all is answered here. */
typedef void take_finish(struct api *a, struct http_req *r, struct engine_batch *b);
void take_events(struct api *a, struct http_req *r, enum engine_wire wire, struct str body,
                 const struct evt_meta *meta, take_finish *finish);
/* The same for events of the past. */
void take_history(struct api *a, struct http_req *r, enum engine_wire wire, struct str body,
                  const struct engine_history *history, take_finish *finish);
/* The two halves, for a batch that is none of a request's body. open: false, nothing is taken now, and r has been answered;
 * true: close follows, and takes the batch. */
bool take_open(struct api *a, struct http_req *r);
void take_close(struct api *a, struct http_req *r, struct engine_batch *b, take_finish *finish);
void take_applied(void *ctx, struct engine_batch *b);
/* Why no events are taken now, for whoever sends some; NULL: they are. */
const char *take_trouble(struct api *a);
/* Now and then on each front's thread: once events can't be kept, whoever waits for that is told. */
void take_tick(struct api *a, unsigned front);

/* events.c: {"accepted": n, "rejected": [...]}, what was taken of a body and what was not */
struct val events_counts(struct arena *arena, const struct evt_batch *events);
/* The wire that a body of this Content-Type is in; false: none, and r has been answered. */
bool events_wire(struct http_req *r, enum engine_wire *out);

/* read.c: identifiers of a request, and attributes read at them */
struct read_key {
    struct str name;
    int key;         /* index into plan.keys */
    struct str *ids; /* p == NULL: none at this position */
    size_t n;
};
/* An identifier as text: see plan_identifier. false: it is none; *out is p == NULL for null. */
#define READ_ID_WANTS "an identifier is a text of 1 to %d bytes or a whole number"
bool read_id(struct arena *arena, const struct val *v, struct str *out);
/* rows x attrs values, row by row: each attribute at the identifier that its group's key has in that row. NULL: what is kept
 * is damaged, and r has been answered. */
struct val *read_rows(struct api *a, struct http_req *r, const struct plan *p,
                      const uint32_t *attrs, size_t n_attrs, const struct read_key *keys,
                      size_t n_keys, size_t n_rows, struct arena *arena);
/* " (did you mean x?)" or nothing. */
struct str read_hint(struct arena *arena, struct str word, const struct str *names, size_t n);
struct str read_key_hint(struct arena *arena, const struct plan *p, struct str word);

/* targets.c: the identifiers in a request's query, in the arena. last_id: gets last_event_id; NULL: that is an
 * unknown key like any other. false: there is none, or one is wrong, and r has been answered. */
struct targets {
    struct push_target *items;
    struct str *names; /* of their attribute keys */
    size_t n;
};
bool targets_take(struct api *a, struct http_req *r, struct arena *arena, struct targets *out,
                  struct str *last_id);

/* alias.c: api_routes and two for each path, in the arena. NULL: err says which path is none. */
struct http_route *alias_routes(const struct str *paths, size_t n, struct arena *arena,
                                size_t *n_routes, struct err *err);

/* optout.c: the cookies of a configuration, in the arena. NULL: err says which is none. */
struct optout;
struct optout *optout_new(const struct str *cookies, size_t n, struct arena *arena,
                          struct err *err);
/* Does the request bring one of the n? */
bool optout_said(const struct optout *all, size_t n, const struct http_req *r);

/* collect.c: is it the first segment of paths that are ours and no tracker's? */
bool collect_reserved(struct str segment);
/* The status for a body that is too large for a route. */
int collect_too_large(const struct http_route *route);

/* direct.c: bytes of a body. A message near http_limits.stream_bytes would end every stream it is sent to. */
enum { INTERVENTION_MAX = 16384 };

/* interventions.c */
void interventions_deliver(void *ctx, unsigned front, uint64_t stream, struct push_msg *m);

/* The handlers, one family a file: see routes.c. */
void collect_post(struct http_req *r, void *ctx);
void collect_get(struct http_req *r, void *ctx);
void collect_get_any(struct http_req *r, void *ctx);
void collect_options(struct http_req *r, void *ctx);
void collect_robots(struct http_req *r, void *ctx);
void collect_redirect(struct http_req *r, void *ctx);
void events_post(struct http_req *r, void *ctx);
void history_get(struct http_req *r, void *ctx);
void history_post(struct http_req *r, void *ctx);
void attributes_post(struct http_req *r, void *ctx);
void interventions_post(struct http_req *r, void *ctx);
void interventions_get(struct http_req *r, void *ctx);
void scores_post(struct http_req *r, void *ctx);
void scores_predict(struct http_req *r, void *ctx);
void pages_get(struct http_req *r, void *ctx);
void pages_slash(struct http_req *r, void *ctx);
void admin_root(struct http_req *r, void *ctx);
void admin_health(struct http_req *r, void *ctx);
void admin_sink_health(struct http_req *r, void *ctx);
void admin_ready(struct http_req *r, void *ctx);
void admin_metrics(struct http_req *r, void *ctx);
void admin_rules(struct http_req *r, void *ctx);

#endif
