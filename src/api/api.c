/* api.c -- makes the engine and the server and ties them together.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"

#include <pthread.h>
#include <stdlib.h>

const struct api_limits api_limits_default = {
    .batches = 4096,
    .identifiers = 1000,
    .targets = 16,
};

/* Timers fire at most so late when no events come. */
enum { TICK_MS = 50 };

static void advance_posted(void *ctx, void *arg)
{
    struct api *a = ctx;
    atomic_store(&a->told, false); /* before: what comes from here on is told again */
    engine_advance(a->engine);
}

static void tick(void *ctx, unsigned front)
{
    struct api *a = ctx;
    if (atomic_load(&a->told)) /* whoever was told may be busy, or have left */
        advance_posted(a, NULL);
    if (front == 0)
        engine_tick(a->engine, a->o.http.clock_ms());
    take_tick(a, front);
}

/* On the journal's thread: the fronts take turns. One that has been told and has not come round to it yet will see this too. */
static void durable(void *ctx)
{
    struct api *a = ctx;
    if (atomic_exchange(&a->told, true))
        return;
    pthread_mutex_lock(&a->closing);
    if (!a->closed)
        http_post(a->http, a->turn++ % a->o.http.fronts, advance_posted, NULL);
    pthread_mutex_unlock(&a->closing);
}

static void hup(void *ctx)
{
    struct api *a = ctx;
    if (a->o.on_hup)
        a->o.on_hup(a->o.ctx);
}

static bool configure(struct api *a, struct err *err)
{
    const struct api_collector *c = &a->o.collector;
    a->o.http.routes = alias_routes(c->paths, c->n_paths, &a->kept, &a->o.http.n_routes, err);
    a->optouts = optout_new(c->dnt_cookies, c->n_dnt_cookies, &a->kept, err);
    return a->o.http.routes && a->optouts;
}

struct api *api_new(const struct api_options *o, struct err *err)
{
    struct api *a = xcalloc(1, sizeof(*a));
    a->o = *o;
    arena_init(&a->kept);
    a->fronts = xcalloc(o->http.fronts, sizeof(*a->fronts));
    pthread_mutex_init(&a->closing, NULL);
    a->o.engine.fronts = o->http.fronts;
    a->o.engine.applied = take_applied;
    a->o.engine.durable = durable;
    a->o.engine.deliver = interventions_deliver;
    a->o.engine.ctx = a;
    a->o.http.ctx = a;
    a->o.http.tick = tick;
    a->o.http.tick_ms = TICK_MS;
    a->o.http.too_large = collect_too_large;
    if (configure(a, err))
        a->http = http_new(&a->o.http, err); /* first: a port that is taken is found out at once */
    a->engine = a->http ? engine_new(&a->o.engine, err) : NULL;
    if (!a->engine) {
        api_free(a);
        return NULL;
    }
    return a;
}

struct engine *api_engine(struct api *a)
{
    return a->engine;
}

int api_port(const struct api *a)
{
    return http_port(a->http);
}

void api_set_rules(struct api *a, struct rules *r)
{
    a->rules = r;
}

void api_run(struct api *a)
{
    uint64_t kept = engine_epoch(a->engine);
    a->epoch = kept ? kept : (uint64_t)a->o.http.clock_ms();
    http_run(a->http, hup);
}

void api_stop(struct api *a)
{
    http_stop(a->http);
}

void api_free(struct api *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->closing);
    a->closed = true;
    pthread_mutex_unlock(&a->closing);
    if (a->http) /* its streams unsubscribe, its waiting requests are dropped */
        http_free(a->http);
    a->http = NULL;
    if (a->engine)
        engine_free(a->engine);
    pthread_mutex_destroy(&a->closing);
    free(a->fronts);
    arena_fini(&a->kept);
    free(a);
}
