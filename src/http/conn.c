/* conn.c -- one connection: bytes in, requests in order, answers out.
 *
 * A readable socket is read once; every request that is whole by then is handed to its handler;
 * what they answer leaves in one write. While a handler is at work or the peer does not read,
 * nothing more is read: that is the back pressure, and it keeps the bytes still that heads and
 * bodies point into. The read event stays added meanwhile, because taking it out and putting it
 * back would cost every request two system calls; it is taken out when it fires too early.
 *
 * After a refusal the rest of the input is read and thrown away for a moment (WAIT_LINGER): closing
 * at once would reset the connection and the peer might never see the answer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/http_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ_LEAST = 16 << 10, READ_MOST = 1 << 20, OUT_ENOUGH = 256 << 10, REQS_MAX = 256 };

static const struct http_limits *limits_of(const struct conn *c)
{
    return &c->front->http->options.limits;
}

/* While a body comes, the buffer may move: the head is then read again where it stands now. */
static void follow_head(const struct conn *c, struct http_req *r)
{
    struct http_read_limits rl = {.line = SIZE_MAX, .head = r->n_head};
    const char *why;
    if (r->at == c->in.p + c->pos)
        return;
    r->at = c->in.p + c->pos;
    http_read_head((struct str){r->at, r->n_head}, &rl, &r->head, &why);
}

static void conn_refuse(struct conn *c, struct http_req *r, int status, const char *why)
{
    if (r == c->cur)
        follow_head(c, r);
    c->cur = NULL;
    c->no_more = c->must_linger = true;
    r->head.keep_alive = false;
    req_push(c, r);
    req_refuse(r, status, why);
}

/* A head that grows by a few bytes is not read again before it has one more line or is too long
 * anyway: a peer that drips pays more than we do. */
static bool head_worth_reading(struct conn *c, struct str in)
{
    const struct http_limits *l = limits_of(c);
    if (c->n_seen == 0 || in.n >= l->head || (!c->seen_lf && in.n > l->line))
        return true;
    if (memchr(in.p + c->n_seen, '\n', in.n - c->n_seen))
        return true;
    c->n_seen = in.n;
    return false;
}

static bool body_is_there(const struct conn *c, const struct http_req *r)
{
    return !r->head.chunked && r->head.length <= c->in.n - c->pos - r->n_head;
}

/* May r start although earlier requests are not answered? See http.h. */
static bool may_overtake(const struct conn *c, const struct http_req *r)
{
    return r->route && r->route == c->last->route && str_eqz(r->head.method, "POST") &&
           body_is_there(c, r) && r->head.length <= r->max_body && c->n_reqs < REQS_MAX;
}

static void refuse_body(struct conn *c, struct http_req *r)
{
    const struct http_options *o = &c->front->http->options;
    conn_refuse(c, r, r->route && o->too_large ? o->too_large(r->route) : 413,
                "the body is too large");
}

/* Whether a body may come. false: it has been refused. */
static bool admit_body(struct conn *c, struct http_req *r)
{
    bool expects = r->head.expect_continue && (r->head.chunked || r->head.length);
    if (r->head.length > r->max_body) {
        refuse_body(c, r);
        return false;
    }
    if (expects && r->status) {
        conn_refuse(c, r, r->status, NULL);
        return false;
    }
    if (expects && !body_is_there(c, r)) {
        if (!c->out.p)
            c->out = front_take_buf(c->front);
        buf_puts(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    return true;
}

/* Reads the next head into c->cur. false: not now. */
static bool next_head(struct conn *c)
{
    const struct http_limits *l = limits_of(c);
    struct http_read_limits rl = {.line = l->line, .head = l->head};
    struct str in = {c->in.p + c->pos, c->in.n - c->pos};
    const char *why;
    if (in.n == 0 || !head_worth_reading(c, in))
        return false;
    struct http_req *r = req_new(c);
    int n = http_read_head(in, &rl, &r->head, &why);
    r->is_head = str_eqz(r->head.method, "HEAD");
    if (n == 0) {
        c->n_seen = in.n;
        c->seen_lf = memchr(in.p, '\n', in.n) != NULL;
        req_free(c->front, r);
        return false;
    }
    if (n < 0) {
        if (c->first)
            req_free(c->front, r); /* read again when its turn to answer has come */
        else
            conn_refuse(c, r, -n, why);
        return false;
    }
    r->at = in.p;
    r->n_head = (size_t)n;
    r->status = route_find(c->front->http->routes, &r->head, &r->route);
    r->max_body = r->route && r->route->max_body ? r->route->max_body : l->body;
    if (c->first && !may_overtake(c, r)) {
        req_free(c->front, r);
        return false;
    }
    c->n_seen = 0;
    c->seen_lf = false;
    if (!admit_body(c, r))
        return false;
    c->cur = r;
    return true;
}

/* 1: the body is whole and *end is where the next request begins; 0: more is needed or it has been
 * refused. */
static int next_body(struct conn *c, size_t *end)
{
    struct http_req *r = c->cur;
    size_t start = c->pos + r->n_head;
    if (!r->head.chunked) {
        r->n_body = (size_t)r->head.length;
        *end = start + r->n_body;
        return body_is_there(c, r);
    }
    const char *why;
    size_t raw = start + r->n_body, n_used, n_out;
    int rc = http_read_chunks(&r->chunks, c->in.p + raw, c->in.n - raw, &n_used, &n_out, &why);
    r->n_body += n_out;
    if (rc < 0) {
        conn_refuse(c, r, -rc, why);
        return 0;
    }
    if (r->n_body > r->max_body || r->chunks.left > r->max_body - r->n_body) {
        refuse_body(c, r);
        return 0;
    }
    *end = raw + n_used;
    if (rc == 0)
        c->in.n = start + r->n_body;
    return rc;
}

static void start_request(struct conn *c, struct http_req *r, size_t end)
{
    struct http *h = c->front->http;
    follow_head(c, r);
    r->body = (struct str){c->in.p + c->pos + r->n_head, r->n_body};
    r->now_ms = h->options.clock_ms();
    c->pos = end;
    c->seen_request = c->restart_wait = true;
    if (!r->head.keep_alive)
        c->no_more = true;
    req_push(c, r);
    if (r->status)
        req_refuse(r, r->status, NULL);
    else
        r->route->handler(r, h->options.ctx);
}

static void advance(struct conn *c)
{
    while (!c->no_more && !c->broken) {
        size_t end;
        if (c->out.n - c->n_sent >= OUT_ENOUGH) {
            c->out_full = true;
            return;
        }
        if (!c->cur && !next_head(c))
            return;
        if (!next_body(c, &end))
            return;
        struct http_req *r = c->cur;
        c->cur = NULL;
        start_request(c, r, end);
    }
}

bool conn_flush(struct conn *c)
{
    bool moves = false;
    while (c->n_sent < c->out.n) {
        ssize_t n = write(c->fd, c->out.p + c->n_sent, c->out.n - c->n_sent);
        if (n >= 0) {
            c->n_sent += (size_t)n;
            moves = true;
        } else if (errno == EAGAIN) {
            if (!c->writing)
                event_add(&c->ev_write, NULL);
            c->writing = true;
            if (moves || !c->blocked_ms)
                c->blocked_ms = c->front->now_ms;
            return false;
        } else if (errno != EINTR) {
            c->broken = true;
            return false;
        }
    }
    if (c->writing) {
        event_del(&c->ev_write);
        c->writing = false;
        c->restart_wait |= c->wait == WAIT_WRITE;
    }
    c->blocked_ms = 0;
    c->n_sent = 0;
    front_give_buf(c->front, &c->out);
    return true;
}

static void settle(struct conn *c)
{
    bool empty = c->in.n == c->pos;
    enum wait wait = c->stream                    ? WAIT_PING
                     : c->out.n                   ? WAIT_WRITE
                     : c->lingering               ? WAIT_LINGER
                     : c->first                   ? WAIT_NONE
                     : c->cur                     ? WAIT_BODY
                     : !empty || !c->seen_request ? WAIT_HEAD
                                                  : WAIT_IDLE;
    if (wait != c->wait || c->restart_wait)
        front_wait(c, wait);
    c->restart_wait = false;
    if (empty && !c->first && !c->cur) {
        front_give_buf(c->front, &c->in);
        c->pos = 0;
    }
    if (!c->reading && wait != WAIT_NONE && wait != WAIT_WRITE) {
        event_add(&c->ev_read, NULL);
        c->reading = true;
    }
}

static void finish(struct conn *c)
{
    if ((!c->must_linger && c->in.n == c->pos) || shutdown(c->fd, SHUT_WR) < 0) {
        conn_close(c);
        return;
    }
    c->lingering = true;
    c->pos = c->in.n = 0;
    settle(c);
}

static bool is_over(const struct conn *c)
{
    if (c->first || c->stream || c->lingering)
        return false;
    return c->no_more || (c->front->draining && !c->cur && c->in.n == c->pos);
}

void conn_run(struct conn *c)
{
    bool flushed;
    c->running = true; /* answers given below need no second run */
    do {
        c->out_full = false;
        if (!c->lingering && !c->stream)
            advance(c);
        flushed = conn_flush(c);
    } while (flushed && c->out_full);
    c->running = false;
    if (c->broken)
        conn_close(c);
    else if (flushed && is_over(c))
        finish(c);
    else
        settle(c);
}

/* Room behind c->in for the rest of the request under way, or for some bytes when its length is not
 * known. What a peer merely announces is not allocated: the buffer doubles with what has come. */
static void make_room(struct conn *c)
{
    size_t want = READ_LEAST;
    if (!c->in.p)
        c->in = front_take_buf(c->front);
    if (c->pos) {
        memmove(c->in.p, c->in.p + c->pos, c->in.n - c->pos);
        c->in.n -= c->pos;
        c->pos = 0;
    }
    if (c->cur && !c->cur->head.chunked) {
        size_t rest = c->cur->n_head + (size_t)c->cur->head.length - c->in.n;
        want = MIN_OF(rest, MAX_OF(c->in.n, (size_t)READ_LEAST));
    }
    buf_reserve(&c->in, want + BODY_PADDING);
}

/* What peers still say on streams and behind a refusal. */
static void discard(struct conn *c)
{
    char bytes[4096];
    ssize_t n = read(c->fd, bytes, sizeof(bytes));
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        conn_close(c);
}

static void read_more(struct conn *c)
{
    make_room(c);
    size_t room = c->in.cap - c->in.n - BODY_PADDING;
    ssize_t n = read(c->fd, c->in.p + c->in.n, MIN_OF(room, (size_t)READ_MOST));
    if (n > 0) {
        c->in.n += (size_t)n;
        conn_run(c);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        conn_close(c);
    }
}

static void on_read(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    struct http_front *f = c->front;
    front_enter(f);
    if (c->stream || c->lingering) {
        discard(c);
    } else if (c->first || c->out.n) {
        event_del(&c->ev_read);
        c->reading = false;
    } else {
        read_more(c);
    }
    front_leave(f);
}

static void on_write(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    struct http_front *f = c->front;
    front_enter(f);
    conn_run(c);
    front_leave(f);
}

void conn_new(struct http_front *f, int fd, const struct sockaddr *sa, struct addr *addr)
{
    struct conn *c = xcalloc(1, sizeof(*c));
    c->front = f;
    c->fd = fd;
    c->addr = addr;
    addr_text(sa, c->peer);
    event_assign(&c->ev_read, f->base, fd, EV_READ | EV_PERSIST, on_read, c);
    event_assign(&c->ev_write, f->base, fd, EV_WRITE | EV_PERSIST, on_write, c);
    TAILQ_INSERT_TAIL(&f->all, c, all);
    f->n_conns++;
    settle(c);
}

void conn_close(struct conn *c)
{
    struct http_front *f = c->front;
    if (c->dead)
        return;
    c->dead = true;
    front_wait(c, WAIT_NONE);
    event_del(&c->ev_read);
    event_del(&c->ev_write);
    close(c->fd);
    front_give_buf(f, &c->out);
    if (c->cur)
        req_free(f, c->cur);
    c->cur = NULL;
    if (c->stream)
        stream_gone(c);
    addr_release(&f->http->addrs, c->addr);
    atomic_fetch_sub(&f->http->n_conns, 1);
    f->n_conns--;
    stat_add(STAT_HTTP_CONNECTIONS, -1);
    conn_try_free(c);
}

void conn_try_free(struct conn *c)
{
    if (!c->dead || c->first || c->dirty)
        return;
    front_give_buf(c->front, &c->in);
    TAILQ_REMOVE(&c->front->all, c, all);
    free(c);
}

/* c has been in its queue for too long. */
void conn_timeout(struct conn *c)
{
    enum wait wait = c->wait;
    if (wait == WAIT_PING) {
        stream_ping(c);
        return;
    }
    front_wait(c, WAIT_NONE);
    if (wait != WAIT_LINGER)
        stat_add(STAT_HTTP_TIMEOUTS, 1);
    if (wait == WAIT_BODY) {
        conn_refuse(c, c->cur, 408, "the body took too long");
    } else if (wait == WAIT_HEAD && c->in.n > c->pos) {
        struct http_read_limits rl = {.line = limits_of(c)->line, .head = limits_of(c)->head};
        const char *why;
        struct http_req *r = req_new(c);
        http_read_head((struct str){c->in.p + c->pos, c->in.n - c->pos}, &rl, &r->head, &why);
        conn_refuse(c, r, 408, "the head took too long");
    } else {
        conn_close(c);
    }
}
