/* api.h -- the endpoints: turns requests into what the engine understands, and its answers into bytes.
 *
 * Makes the engine and the server and stands between them: an applied batch and a message for a stream are told inside the
 * engine's door, on any thread, and handed to the front that waits for them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef API_H
#define API_H

#include "base/base.h"
#include "engine/engine.h"
#include "http/http.h"

struct api_limits {
    unsigned batches;     /* taken in and not yet applied; past it events are answered 503: 4,096 */
    unsigned identifiers; /* rows that one read of attributes may ask for: 1,000 */
    unsigned targets;     /* identifiers that one stream may listen for: 16 */
};
extern const struct api_limits api_limits_default;

/* The tracker's cookie, `sp`. */
struct api_cookie {
    bool on;
    const struct str *domains; /* the first that is the Origin's host or a parent of it */
    size_t n_domains;
    const char *fallback; /* domain when none fits; NULL: none, so that it belongs to the host */
    unsigned days;        /* 365 */
};

/* What is said to trackers beyond the protocol. */
struct api_collector {
    const struct str *paths; /* further ones that take events: see alias.c */
    size_t n_paths;
    const struct str *dnt_cookies; /* NAME or NAME=VALUE: who sends one is not tracked */
    size_t n_dnt_cookies;
};

struct api_options {
    struct engine_options engine; /* fronts, applied, deliver and ctx are filled in */
    /* routes, ctx and tick are filled in; clock_ms is everybody's clock */
    struct http_options http;
    struct api_limits limits;
    struct api_cookie cookie;
    struct api_collector collector;
    void (*on_hup)(void *ctx); /* on SIGHUP, on the thread of front 0 */
    void *ctx;
};
struct api;
/* Makes the engine and binds the address; does not serve yet. Everything that o points to must outlive it. */
struct api *api_new(const struct api_options *o, struct err *err);
struct engine *api_engine(struct api *a);
int api_port(const struct api *a);
/* What GET /api/v1/rules shows; from then on /readyz says yes. Before api_run, or from one thread. */
void api_set_rules(struct api *a, struct rules *r);
/* Serves until SIGTERM, SIGINT or api_stop, on the calling thread and the other fronts' own. */
void api_run(struct api *a);
void api_stop(struct api *a); /* any thread */
void api_free(struct api *a);

/* routes.c: every endpoint, for the server and for the docs */
extern const struct http_route api_routes[];
extern const size_t n_api_routes;

#endif
