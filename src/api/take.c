/* take.c -- from a request's body to applied events, and back to the request that waits.
 *
 * A front decodes and submits. The batch is applied once it is durable, by whoever stands in the engine's door; with nothing
 * to keep that is the same thread at once, and the answer goes out when the submission returns. Else word comes from some
 * thread, and the answer is posted to the front the request belongs to.
 *
 * When the disk is full or fails, nothing becomes durable. Who waits then is told to come again; the batch stays queued and
 * may be applied later, and what comes again is a duplicate by its event_id.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"

#include <pthread.h>

#define RETRY_S "10" /* a disk is not emptied, and a server not restarted, in a second */

/* One batch under way and the request that waits for it, in the batch's arena: it outlives the request that is told to come
 * again. Links those of one front, and is touched by that front's thread only. */
struct take_wait {
    struct http_req *r; /* NULL: answered, nobody waits any more */
    take_finish *finish;
    struct take_wait *prev, *next;
    pthread_t thread;  /* not changed once submitted */
    bool inside, done; /* engine_submit has not returned; the batch was applied meanwhile */
};

static void forget(struct api_front *f, struct take_wait *w)
{
    if (w->prev)
        w->prev->next = w->next;
    else
        f->waits = w->next;
    if (w->next)
        w->next->prev = w->prev;
    w->r = NULL;
}

static void remember(struct api_front *f, struct take_wait *w)
{
    w->next = f->waits;
    if (w->next)
        w->next->prev = w;
    f->waits = w;
}

static void finish(struct api *a, struct engine_batch *b)
{
    struct take_wait *w = b->owner;
    struct http_req *r = w->r;
    atomic_fetch_sub_explicit(&a->n_batches, 1, memory_order_relaxed);
    if (r) {
        forget(&a->fronts[b->front], w);
        w->finish(a, r, b);
    }
    engine_batch_free(b);
}

static void finish_posted(void *ctx, void *arg)
{
    finish(ctx, arg);
}

void take_applied(void *ctx, struct engine_batch *b)
{
    struct api *a = ctx;
    struct take_wait *w = b->owner;
    if (!a->http) /* the fronts have gone, and their requests */
        engine_batch_free(b);
    else if (pthread_equal(pthread_self(), w->thread) && w->inside)
        w->done = true;
    else
        http_post(a->http, b->front, finish_posted, b);
}

const char *take_trouble(struct api *a)
{
    switch (engine_journal_state(a->engine)) {
    case JOURNAL_FULL:
        return "the disk is full: no events are taken until there is room again; send this later";
    case JOURNAL_FAILED:
        return "a write to disk failed: no events are taken until the server has been restarted; "
               "send this later";
    default:
        return NULL;
    }
}

/* Not a 4xx: for those, trackers throw their events away. */
static void answer_later(struct http_req *r, const char *seconds, const char *why)
{
    http_add_header(r, "Retry-After", str_of(seconds));
    http_reply_problem(r, 503, "%s", why);
}

void take_tick(struct api *a, unsigned front)
{
    struct api_front *f = &a->fronts[front];
    const char *trouble = f->waits ? take_trouble(a) : NULL;
    while (trouble && f->waits) {
        struct take_wait *w = f->waits;
        struct http_req *r = w->r;
        forget(f, w);
        answer_later(r, RETRY_S, trouble);
    }
}

static void submit(struct api *a, struct http_req *r, struct engine_batch *b, take_finish *done)
{
    struct take_wait *w = arena_zalloc(&b->arena, sizeof(*w));
    *w = (struct take_wait){.r = r, .finish = done, .thread = pthread_self(), .inside = true};
    remember(&a->fronts[b->front], w);
    b->owner = w;
    engine_submit(a->engine, b, http_now(r));
    w->inside = false;
    if (w->done)
        finish(a, b);
}

bool take_open(struct api *a, struct http_req *r)
{
    const char *trouble = take_trouble(a);
    if (trouble) {
        answer_later(r, RETRY_S, trouble);
        return false;
    }
    if (atomic_fetch_add_explicit(&a->n_batches, 1, memory_order_relaxed) >= a->o.limits.batches) {
        atomic_fetch_sub_explicit(&a->n_batches, 1, memory_order_relaxed);
        answer_later(r, "1", "too many events are under way: send this again");
        return false;
    }
    return true;
}

static struct engine_batch *fill(struct api *a, struct http_req *r, enum engine_wire wire,
                                 struct str body, const struct evt_meta *meta)
{
    unsigned front = http_front_of(r);
    struct engine_batch *b = engine_batch_new(wire, front, body);
    b->meta = *meta;
    b->meta.ip = engine_batch_str(b, meta->ip);
    b->meta.useragent = engine_batch_str(b, meta->useragent);
    b->meta.referer = engine_batch_str(b, meta->referer);
    b->meta.nuid = engine_batch_str(b, meta->nuid);
    b->meta.collector_ms = http_now(r);
    draw_bytes(a, front, b->meta.draw, sizeof(b->meta.draw));
    return b;
}

void take_close(struct api *a, struct http_req *r, struct engine_batch *b, take_finish *done)
{
    struct err err = {0};
    if (engine_decode(a->engine, b, &err) && (b->events.n > 0 || b->history || b->direct)) {
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

void take_events(struct api *a, struct http_req *r, enum engine_wire wire, struct str body,
                 const struct evt_meta *meta, take_finish *done)
{
    if (take_open(a, r))
        take_close(a, r, fill(a, r, wire, body, meta), done);
}

void take_history(struct api *a, struct http_req *r, enum engine_wire wire, struct str body,
                  const struct engine_history *history, take_finish *done)
{
    const struct evt_meta nobody = {0};
    if (!take_open(a, r))
        return;
    struct engine_batch *b = fill(a, r, wire, body, &nobody);
    engine_batch_history(b, history);
    take_close(a, r, b, done);
}
