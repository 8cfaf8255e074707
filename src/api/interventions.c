/* interventions.c -- GET /api/v1/interventions?KEY=ID: the stream on which a browser or an application receives messages.
 *
 * The official plugin gives up for good when the stream is not open after 2.5 seconds, hears `message` events only, and
 * parses every data line: so the head goes out at once, a message has an id line and one data line and no event line, and
 * what keeps the stream alive is a comment.
 *
 * The epoch of an id says which journal gave it, so that an id holds across restarts. An id of another journal, or of a process
 * that keeps none, tells nothing of what this one delivered, so its subscriber is told to start over: an event called resync, which the plugin does not hear and, for want of a blank behind
 * `data:`, the Python SDK passes over.
 *
 * Identifiers are the credentials of a stream: whoever knows a device's random id may listen for it. A user_id can be
 * guessed, so it needs a token.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"
#include "api/sse_id.h"

#include <stdlib.h>

enum { ID_MAX = 1024 };

/* A message on its way to a stream's front. */
struct delivery {
    uint64_t stream;
    unsigned front;
    struct push_msg *msg;
};

static void deliver_posted(void *ctx, void *arg)
{
    struct api *a = ctx;
    struct delivery *d = arg;
    struct http_stream *s = http_stream_find(a->http, d->front, d->stream);
    if (s) {
        struct buf b = {0};
        buf_puts(&b, "id: ");
        sse_id_write(&b, &(struct sse_id){a->epoch, d->msg->seq, d->msg->index});
        buf_puts(&b, "\ndata: ");
        buf_put(&b, d->msg->json.p, d->msg->json.n);
        buf_puts(&b, "\n\n");
        if (http_stream_write(s, buf_str(&b)))
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

/* What a request asks for. The strings live in an arena of their own: the request's is gone once the stream is open. */
struct wish {
    struct arena arena;
    struct push_target *targets;
    size_t n, cap;
    struct str last_id;
};

/* Each answers a problem itself and says false. */
static bool add_target(struct wish *w, struct http_req *r, const struct plan *p, struct str name,
                       struct str id)
{
    if (plan_find_key(p, name) < 0) {
        struct str hint = read_key_hint(http_arena(r), p, name);
        http_reply_problem(r, 404, "there is no attribute key \"%.*s\"%.*s", STR_FMT(name),
                           STR_FMT(hint));
        return false;
    }
    if (id.n > ID_MAX) {
        http_reply_problem(r, 400, "%.*s: an identifier has at most %d bytes", STR_FMT(name),
                           ID_MAX);
        return false;
    }
    if (str_eqz(name, "user_id") && !auth_has_credentials(r)) {
        http_add_header(r, "WWW-Authenticate", STR("Bearer"));
        http_reply_problem(
            r, 401, "listening for a user_id needs credentials: Authorization: Bearer TOKEN");
        return false;
    }
    if (w->n == w->cap) {
        http_reply_problem(r, 400, "a stream may listen for at most %zu identifiers", w->cap);
        return false;
    }
    w->targets[w->n++] = (struct push_target){arena_str(&w->arena, name), arena_str(&w->arena, id)};
    return true;
}

static bool take_wish(struct wish *w, struct http_req *r, const struct plan *p)
{
    struct str name, value;
    w->last_id = arena_str(&w->arena, http_header(r, "Last-Event-ID"));
    for (size_t i = 0; http_query_next(r, &i, &name, &value);) {
        if (str_eqz(name, "last_event_id"))
            w->last_id = w->last_id.n ? w->last_id : arena_str(&w->arena, value);
        else if (value.n &&
                 !add_target(w, r, p, name, value)) /* a browser may not know an identifier yet */
            return false;
    }
    if (w->n)
        return true;
    http_reply_problem(r, 400, "say for whom: ?domain_userid=IDENTIFIER, or another attribute key");
    return false;
}

/* An id without data is no message, but a client remembers it: should the stream break before the first message, it comes back
 * with this, and gets what was sent into the broken one. */
static void write_id(struct http_stream *s, const struct sse_id *id)
{
    struct buf b = {0};
    buf_puts(&b, "id: ");
    sse_id_write(&b, id);
    buf_puts(&b, "\n\n");
    http_stream_write(s, buf_str(&b));
    buf_fini(&b);
}

static void open_stream(struct api *a, struct http_req *r, const struct wish *w)
{
    struct sse_id last = {0};
    unsigned front = http_front_of(r);
    int64_t now_ms = http_now(r);
    uint64_t id = atomic_fetch_add_explicit(&a->n_streams, 1, memory_order_relaxed) + 1;
    bool known = sse_id_parse(w->last_id, &last) && last.epoch == a->epoch;
    struct http_stream *s = http_stream_open(r, id, stream_closed);
    if (!s)
        return;
    if (w->last_id.n && !known) {
        last = (struct sse_id){0};
        if (!http_stream_write(s, STR("event: resync\ndata:{}\n\n")))
            return;
    }
    struct sse_id here = {.epoch = a->epoch};
    bool even = engine_subscribe(a->engine, front, id, w->targets, w->n, last.seq, last.index,
                                 now_ms, &here.seq, &here.index);
    if (even && !known && here.seq)
        write_id(s, &here);
}

void interventions_get(struct http_req *r, void *ctx)
{
    struct api *a = ctx;
    struct wish w = {.cap = a->o.limits.targets};
    answer_begin(r, false);
    arena_init(&w.arena);
    w.targets = arena_alloc(&w.arena, w.cap * sizeof(*w.targets) + 1);
    struct plan *p = engine_plan(a->engine);
    bool good = take_wish(&w, r, p);
    plan_unref(p);
    if (good)
        open_stream(a, r, &w);
    arena_fini(&w.arena);
}
