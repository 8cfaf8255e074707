/* req.c -- a request's life and what a handler can ask of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/http_internal.h"

#include <stdlib.h>

enum { ARENA_KEPT = 32 << 10, BUF_KEPT = 64 << 10 };

struct http_req *req_new(struct conn *c)
{
    struct http_front *f = c->front;
    struct http_req *r = f->spare_reqs;
    if (r) {
        f->spare_reqs = r->next;
        f->n_spare_reqs--;
    } else {
        r = xcalloc(1, sizeof(*r));
        arena_init(&r->arena);
    }
    r->conn = c;
    r->next = NULL;
    r->route = NULL;
    r->status = 0;
    r->server_made = r->has_cors = r->answered = r->is_head = false;
    r->n_head = r->n_body = 0;
    r->chunks = (struct http_chunks){0};
    r->body = (struct str){0};
    r->now_ms = 0;
    return r;
}

static void buf_clear(struct buf *b)
{
    if (b->cap > BUF_KEPT)
        buf_fini(b);
    b->n = 0;
}

void req_free(struct http_front *f, struct http_req *r)
{
    if (f->n_spare_reqs == SPARE_REQS) {
        arena_fini(&r->arena);
        buf_fini(&r->headers);
        buf_fini(&r->out);
        buf_fini(&r->scratch);
        free(r);
        return;
    }
    if (r->arena.n_bytes > ARENA_KEPT)
        arena_fini(&r->arena);
    else if (r->arena.n_bytes)
        arena_reset(&r->arena);
    buf_clear(&r->headers);
    buf_clear(&r->out);
    buf_clear(&r->scratch);
    r->next = f->spare_reqs;
    f->spare_reqs = r;
    f->n_spare_reqs++;
}

void req_push(struct conn *c, struct http_req *r)
{
    if (c->first)
        c->last->next = r;
    else
        c->first = r;
    c->last = r;
    c->n_reqs++;
    c->front->n_reqs++;
}

struct buf *req_out(struct http_req *r)
{
    struct conn *c = r->conn;
    if (r != c->first)
        return &r->out;
    if (!c->out.p)
        c->out = front_take_buf(c->front);
    return &c->out;
}

void req_done(struct http_req *r)
{
    struct conn *c = r->conn;
    r->answered = true;
    for (struct http_req *first; (first = c->first) && first->answered;) {
        if (first->out.n && !c->dead)
            buf_put(req_out(first), first->out.p, first->out.n);
        c->first = first->next;
        c->n_reqs--;
        c->front->n_reqs--;
        req_free(c->front, first);
    }
    front_mark(c);
}

const struct http_head *http_head(const struct http_req *r)
{
    return &r->head;
}

struct str http_body(const struct http_req *r)
{
    return r->body;
}

struct str http_header(const struct http_req *r, const char *name)
{
    struct str want = str_of(name);
    for (size_t i = 0; i < r->head.n_headers; i++)
        if (str_eq_nocase(r->head.headers[i].name, want))
            return r->head.headers[i].value;
    return (struct str){NULL, 0};
}

struct arena *http_arena(struct http_req *r)
{
    return &r->arena;
}

unsigned http_front_of(const struct http_req *r)
{
    return r->conn->front->index;
}

struct str http_peer(const struct http_req *r)
{
    return str_of(r->conn->peer);
}

int64_t http_now(const struct http_req *r)
{
    return r->now_ms;
}
