/* api.c -- makes the engine and the server and ties them together.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"

#include <stdlib.h>

const struct api_limits api_limits_default = {
    .batches = 4096,
    .identifiers = 1000,
    .targets = 16,
};

/* Timers fire at most so late when no events come. */
enum { TICK_MS = 50 };

static void tick(void *ctx, unsigned front)
{
    struct api *a = ctx;
    if (front == 0)
        engine_tick(a->engine, a->o.http.clock_ms());
}

static void hup(void *ctx)
{
    struct api *a = ctx;
    if (a->o.on_hup)
        a->o.on_hup(a->o.ctx);
}

struct api *api_new(const struct api_options *o, struct err *err)
{
    struct api *a = xcalloc(1, sizeof(*a));
    a->o = *o;
    a->fronts = xcalloc(o->http.fronts, sizeof(*a->fronts));
    a->epoch = (uint64_t)o->http.clock_ms();
    a->o.engine.fronts = o->http.fronts;
    a->o.engine.applied = take_applied;
    a->o.engine.deliver = interventions_deliver;
    a->o.engine.ctx = a;
    a->o.http.routes = api_routes;
    a->o.http.n_routes = n_api_routes;
    a->o.http.ctx = a;
    a->o.http.tick = tick;
    a->o.http.tick_ms = TICK_MS;
    a->http = http_new(&a->o.http, err);
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
    if (a->http)
        http_free(
            a->http); /* its streams unsubscribe, its waiting requests let go of their batches */
    if (a->engine)
        engine_free(a->engine);
    free(a->fronts);
    free(a);
}
