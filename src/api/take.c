/* take.c -- from a request's body to applied events, and back to the request that waits.
 *
 * A front decodes and submits. Whoever stands in the engine's door applies the batch: mostly the same thread at once, so the
 * answer goes out when the submission returns; else word comes from another thread, or from the same one while it submits
 * something later, and the answer is posted to the front the request belongs to.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"

#include <pthread.h>

/* One request that waits for its batch, in the request's arena. */
struct wait {
    struct api *api;
    struct http_req *r;
    take_finish *finish;
    pthread_t thread; /* the front's; not changed once submitted */
    /* Touched by that thread only: engine_submit has not returned; the batch was applied meanwhile. */
    bool inside, done;
};

static void finish(struct api *a, struct engine_batch *b)
{
    struct wait *w = b->owner;
    atomic_fetch_sub_explicit(&a->n_batches, 1, memory_order_relaxed);
    w->finish(a, w->r, b); /* and with the answer, w is gone */
    engine_batch_free(b);
}

static void finish_posted(void *ctx, void *arg)
{
    finish(ctx, arg);
}

void take_applied(void *ctx, struct engine_batch *b)
{
    struct api *a = ctx;
    struct wait *w = b->owner;
    if (pthread_equal(pthread_self(), w->thread) && w->inside)
        w->done = true;
    else
        http_post(a->http, b->front, finish_posted, b);
}

static void submit(struct api *a, struct http_req *r, struct engine_batch *b, take_finish *done)
{
    struct wait *w = arena_zalloc(http_arena(r), sizeof(*w));
    *w = (struct wait){.api = a, .r = r, .finish = done, .thread = pthread_self(), .inside = true};
    b->owner = w;
    engine_submit(a->engine, b, http_now(r));
    w->inside = false;
    if (w->done)
        finish(a, b);
}

void take_events(struct api *a, struct http_req *r, enum engine_wire wire, struct str body,
                 const struct evt_meta *meta, take_finish *done)
{
    struct err err = {0};
    unsigned front = http_front_of(r);
    if (atomic_fetch_add_explicit(&a->n_batches, 1, memory_order_relaxed) >= a->o.limits.batches) {
        atomic_fetch_sub_explicit(&a->n_batches, 1, memory_order_relaxed);
        http_add_header(r, "Retry-After", STR("1"));
        http_reply_problem(r, 503, "too many events are under way: send this again");
        return;
    }
    struct engine_batch *b = engine_batch_new(wire, front, body);
    b->meta = *meta;
    b->meta.ip = engine_batch_str(b, meta->ip);
    b->meta.useragent = engine_batch_str(b, meta->useragent);
    b->meta.referer = engine_batch_str(b, meta->referer);
    b->meta.nuid = engine_batch_str(b, meta->nuid);
    b->meta.collector_ms = http_now(r);
    draw_bytes(a, front, b->meta.draw, sizeof(b->meta.draw));
    if (engine_decode(a->engine, b, &err) && b->events.n > 0) {
        submit(a, r, b, done);
        return;
    }
    atomic_fetch_sub_explicit(&a->n_batches, 1, memory_order_relaxed);
    stat_add(STAT_EVENTS_REJECTED,
             err.set ? 1 : (int64_t)b->events.n_rejects); /* the engine never hears of them */
    if (err.set) {
        log_debug("events refused: %s", err.text);
        http_reply_problem(r, 400, "%s", err.text);
    } else {
        done(a, r, b); /* nothing to apply */
    }
    engine_batch_free(b);
}
