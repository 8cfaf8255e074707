/* interventions.c -- GET /api/v1/interventions?KEY=ID: the stream on which a browser or an application receives messages.
 *
 * The official plugin gives up for good when the stream is not open after 2.5 seconds, hears `message` events only, and
 * parses every data line: so the head goes out at once, a message has an id line and one data line and no event line, and
 * what keeps the stream alive is a comment.
 *
 * The epoch of an id says which journal gave it, so that an id holds across restarts. An id of another journal, or of a process
 * that keeps none, tells nothing of what this one delivered, so its subscriber is told to start over: an event called resync,
 * which the plugin does not hear and, for want of a blank behind `data:`, the Python SDK passes over.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"
#include "api/sse_id.h"

#include <stdlib.h>

/* A message on its way to a stream's front. */
struct delivery {
    uint64_t stream;
    unsigned front;
    struct push_msg *msg;
};

/* An id without data is no message, but a client remembers it. */
static void write_message(struct buf *b, uint64_t epoch, const struct push_msg *m)
{
    buf_puts(b, "id: ");
    sse_id_write(b, &(struct sse_id){epoch, m->seq, m->index});
    if (m->json.n) {
        buf_puts(b, "\ndata: ");
        buf_put(b, m->json.p, m->json.n);
    }
    buf_puts(b, "\n\n");
}

static void deliver_posted(void *ctx, void *arg)
{
    struct api *a = ctx;
    struct delivery *d = arg;
    struct http_stream *s = http_stream_find(a->http, d->front, d->stream);
    if (s) {
        struct buf b = {0};
        write_message(&b, a->epoch, d->msg);
        if (http_stream_write(s, buf_str(&b)) && d->msg->json.n)
            stat_add(STAT_MESSAGES_DELIVERED, 1);
        buf_fini(&b);
    }
    push_msg_unref(d->msg);
    free(d);
}

void interventions_deliver(void *ctx, unsigned front, uint64_t stream, struct push_msg *m)
{
    struct api *a = ctx;
    if (!a->http)
        return; /* the fronts have gone, and their streams */
    struct delivery *d = xmalloc(sizeof(*d));
    *d = (struct delivery){.stream = stream, .front = front, .msg = push_msg_ref(m)};
    http_post(a->http, front, deliver_posted, d);
}

static void stream_closed(void *ctx, uint64_t id)
{
    struct api *a = ctx;
    engine_unsubscribe(a->engine, id);
}

static void open_stream(struct api *a, struct http_req *r, const struct targets *t,
                        struct str last_id)
{
    struct sse_id last = {0};
    unsigned front = http_front_of(r);
    int64_t now_ms = http_now(r);
    uint64_t id = atomic_fetch_add_explicit(&a->n_streams, 1, memory_order_relaxed) + 1;
    bool known = sse_id_parse(last_id, &last) && last.epoch == a->epoch;
    struct http_stream *s = http_stream_open(r, id, stream_closed);
    if (!s)
        return;
    if (last_id.n && !known) {
        last = (struct sse_id){0};
        if (!http_stream_write(s, STR("event: resync\ndata:{}\n\n")))
            return;
    }
    engine_subscribe(a->engine, front, id, t->items, t->n, last.seq, last.index, now_ms);
}

void interventions_get(struct http_req *r, void *ctx)
{
    struct targets t;
    struct str last_id = {0}, header = http_header(r, "Last-Event-ID");
    struct arena arena; /* the request's own is gone once the stream is open */
    answer_begin(r, false);
    arena_init(&arena);
    if (targets_take(ctx, r, &arena, &t, &last_id))
        open_stream(ctx, r, &t, header.n ? arena_str(&arena, header) : last_id);
    arena_fini(&arena);
}
