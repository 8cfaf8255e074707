/* sse.c -- server-sent events: a connection that only ever speaks, until one side has enough.
 *
 * An EventSource gives up for good on any status but 200, so a server that is full answers 200 with
 * a long `retry:` and closes; one that drains closes its streams with a short one, different for
 * each, lest all return at once. A keep-alive is a comment, because the official plugin parses
 * every data line. A reader with more than stream_bytes unsent, or that has taken nothing for
 * write_ms, is dropped; the kernel's own buffer is bounded too, or it would hide megabytes before
 * that.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/http_internal.h"

#include <assert.h>
#include <stdlib.h>

enum { RETRY_OVERLOAD_MS = 15000, RETRY_DRAIN_LEAST_MS = 1000, RETRY_DRAIN_SPREAD_MS = 4000 };

static struct str id_key(const uint64_t *id)
{
    return (struct str){(const char *)id, sizeof(*id)};
}

static bool admit(struct conn *c)
{
    struct http *h = c->front->http;
    const struct http_limits *l = &h->options.limits;
    if (c->front->draining)
        return false;
    if (atomic_fetch_add(&h->n_streams, 1) < l->streams) {
        if (addr_take_stream(&h->addrs, c->addr, l->streams_per_address))
            return true;
    }
    atomic_fetch_sub(&h->n_streams, 1);
    return false;
}

static void put_stream_head(struct http_req *r, struct buf *out)
{
    struct str origin = http_header(r, "origin");
    r->head.keep_alive = false; /* the stream ends with its connection */
    reply_head(r, out, 200, "text/event-stream");
    buf_puts(out, "Cache-Control: no-cache, no-transform\r\nX-Accel-Buffering: no\r\n");
    if (!r->has_cors && origin.n)
        buf_printf(out, "Access-Control-Allow-Origin: %.*s\r\nVary: Origin\r\n", STR_FMT(origin));
    else if (!r->has_cors)
        buf_puts(out, "Access-Control-Allow-Origin: *\r\n");
    buf_puts(out, "\r\n");
}

static struct http_stream *attach(struct conn *c, uint64_t id,
                                  void (*closed)(void *ctx, uint64_t id))
{
    struct http_stream *s = xmalloc(sizeof(*s));
    *s = (struct http_stream){.conn = c, .id = id, .closed = closed};
    void *before = map_put(&c->front->streams, id_key(&id), s);
    assert(!before);
    int room = (int)MIN_OF(c->front->http->options.limits.stream_bytes, (size_t)1 << 20);
    setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    c->stream = s;
    c->in.n = c->pos; /* nobody will read what came behind the request */
    stat_add(STAT_SSE_CONNECTIONS, 1);
    return s;
}

struct http_stream *http_stream_open(struct http_req *r, uint64_t id,
                                     void (*closed)(void *ctx, uint64_t id))
{
    struct conn *c = r->conn;
    struct http_stream *s = NULL;
    assert(!r->answered && r == c->first && r == c->last && !str_eqz(r->head.method, "POST"));
    stat_add(STAT_HTTP_REQUESTS, 1);
    if (!c->dead) {
        struct buf *out = req_out(r);
        put_stream_head(r, out);
        if (!r->is_head && admit(c)) {
            buf_puts(out, "retry: 3000\n:ok\n\n");
            s = attach(c, id, closed);
        } else if (!r->is_head) {
            buf_printf(out, "retry: %d\n\n", RETRY_OVERLOAD_MS);
        }
    }
    req_done(r);
    return s;
}

struct http_stream *http_stream_find(struct http *h, unsigned front, uint64_t id)
{
    struct http_stream *s = map_get(&h->fronts[front].streams, id_key(&id));
    return s && !s->conn->broken ? s : NULL;
}

static void drop(struct conn *c)
{
    stat_add(STAT_SSE_DROPPED, 1);
    c->broken = true;
    front_mark(c);
}

bool http_stream_write(struct http_stream *s, struct str bytes)
{
    struct conn *c = s->conn;
    size_t max = c->front->http->options.limits.stream_bytes;
    if (c->broken)
        return false;
    if (!c->out.p)
        c->out = front_take_buf(c->front);
    if (c->n_sent > c->out.n / 2) {
        c->out.n -= c->n_sent;
        memmove(c->out.p, c->out.p + c->n_sent, c->out.n);
        c->n_sent = 0;
    }
    buf_put(&c->out, bytes.p, bytes.n);
    front_mark(c);
    if (c->out.n - c->n_sent > max && !conn_flush(c) && c->out.n - c->n_sent > max) {
        drop(c);
        return false;
    }
    return !c->broken;
}

void stream_ping(struct conn *c)
{
    const struct http_limits *l = &c->front->http->options.limits;
    front_wait(c, WAIT_PING);
    if (c->blocked_ms && c->front->now_ms - c->blocked_ms >= l->write_ms)
        drop(c);
    else
        http_stream_write(c->stream, STR(":\n\n"));
}

void stream_gone(struct conn *c)
{
    struct http_stream *s = c->stream;
    struct http *h = c->front->http;
    c->stream = NULL;
    map_del(&c->front->streams, id_key(&s->id));
    addr_release_stream(&h->addrs, c->addr);
    atomic_fetch_sub(&h->n_streams, 1);
    stat_add(STAT_SSE_CONNECTIONS, -1);
    if (s->closed)
        s->closed(h->options.ctx, s->id);
    free(s);
}

void stream_drain(struct conn *c)
{
    char line[32];
    int ms = RETRY_DRAIN_LEAST_MS + (int)front_chance(c->front, RETRY_DRAIN_SPREAD_MS);
    snprintf(line, sizeof(line), "retry: %d\n\n", ms);
    if (http_stream_write(c->stream, str_of(line)))
        stream_gone(c); /* what is unsent still leaves, within write_ms */
}
