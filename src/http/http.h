/* http.h -- the only room that listens: a strict HTTP/1.1 reader over libevent's events, a route table, bodies, streams.
 *
 * One front is one thread with its own event loop, listener (SO_REUSEPORT) and connections. A handler runs on its front's
 * thread and answers at once or later, once, from the same thread; other threads pass work to a front with http_post().
 * Requests of one connection are handled in order, each after the answer to the one before; only a POST to the same route
 * may start earlier, so that a burst of them can share one commit. Answers always leave in order, one write per burst.
 * Deadlines are absolute: a head must be there http_limits.head_ms after its first byte, a body body_ms after its head.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_H
#define HTTP_H

#include "base/base.h"

/* -- reader.c, chunks.c: pure functions over bytes. An absolute-form target is accepted: its path and query count, its
 * authority does not. Trailers and chunk extensions are read strictly and thrown away. */
enum { HTTP_HEADERS_MAX = 100 };
struct http_header {
    struct str name, value; /* value trimmed */
};
struct http_head {
    struct str method, target; /* target as sent: origin-form, absolute-form or "*" */
    struct str path, query;    /* target cut at '?'; path not decoded */
    int minor;                 /* HTTP/1.minor */
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t n_headers;
    bool keep_alive, chunked, has_length, expect_continue;
    uint64_t length; /* Content-Length */
};
struct http_read_limits {
    size_t line, head; /* bytes of the request line; of the whole head */
};
/* Reads a head. > 0: its length in bytes; 0: more bytes are needed; < 0: refused: -(status), why says what; out then holds
 * the headers before the bad one. Borrows from in. */
int http_read_head(struct str in, const struct http_read_limits *limits, struct http_head *out,
                   const char **why);
/* A chunked body, decoded in place: state is zeroed before the first call. */
struct http_chunks {
    uint64_t left; /* of the chunk under way */
    int state;
    unsigned n_digits;
    size_t n_extra; /* bytes of extensions and trailers so far */
};
/* Decodes what it can of p[0..*n): the decoded bytes are moved to the front and *n_out says how many; *n_used says how many
 * input bytes are done with. 1: the body has ended; 0: more is needed; < 0: -(status). */
int http_read_chunks(struct http_chunks *c, char *p, size_t n, size_t *n_used, size_t *n_out,
                     const char **why);

/* -- server.c */
struct http;        /* the server: all fronts */
struct http_req;    /* one request, until it is answered */
struct http_stream; /* one SSE stream, until it is closed */
struct http_front;

/* Of the paths that match, the one whose first differing segment is literal decides, then its methods: a path that is
 * there without the method asked for answers 405, it does not fall through to a wider one. */
struct http_route {
    const char *method; /* "GET" (serves HEAD too), "POST" ... */
    const char *
        path; /* "/api/v1/scores/{name}"; "{x}" is one segment; OPTIONS "*": OPTIONS of every other path */
    void (*handler)(struct http_req *r, void *ctx);
    size_t max_body;  /* 0: http_limits.body */
    const char *help; /* one line, for docs */
};
struct http_limits {
    size_t line, head, body;   /* 20,480; 40,960; 1 MiB */
    int64_t head_ms, body_ms;  /* absolute: 10 s, 30 s; the first head counts from the accept */
    int64_t idle_ms, write_ms; /* keep-alive 610 s; an answer must be read within 30 s */
    unsigned connections,
        per_address;        /* of all fronts: 10,000; 0: no cap per address (IPv6: per /64) */
    size_t stream_bytes;    /* a stream with more unsent bytes is dropped: 64 KiB */
    int64_t stream_ping_ms; /* 15 s */
    unsigned streams, streams_per_address; /* 8,000; 0 */
    int64_t drain_ms;                      /* after http_stop, what is under way has 10 s */
};
extern const struct http_limits http_limits_default;

struct http_options {
    const char *listen; /* "127.0.0.1:8080", "[::1]:0" */
    unsigned fronts;
    const struct http_route *routes;
    size_t n_routes;
    struct http_limits limits;
    void *ctx;                 /* the handlers' */
    int64_t (*clock_ms)(void); /* wall clock */
    /* The status for a body beyond the route's limit. NULL: 413. */
    int (*too_large)(const struct http_route *route);
    /* Each front, about every so many ms, on its thread. NULL: none. */
    void (*tick)(void *ctx, unsigned front);
    int64_t tick_ms;
};
/* binds; does not serve yet */
struct http *http_new(const struct http_options *o, struct err *err);
int http_port(const struct http *h);
/* Serves until http_stop; runs front 0 on the calling thread, the others on their own. SIGTERM and SIGINT drain, SIGHUP calls on_hup. */
void http_run(struct http *h, void (*on_hup)(void *ctx));
/* any thread: stop accepting, answer what is under way, close streams, return from run */
void http_stop(struct http *h);
/* no http_post under way; runs what was posted late, drops what was not answered */
void http_free(struct http *h);

/* -- a request, for handlers. Borrowed until it is answered. */
const struct http_head *http_head(const struct http_req *r);
struct str http_body(const struct http_req *r); /* with 64 readable bytes behind it */
/* empty when absent; p NULL then */
struct str http_header(const struct http_req *r, const char *name);
struct str http_param(const struct http_req *r,
                      const char *name);      /* a {segment} of the route, percent-decoded */
struct arena *http_arena(struct http_req *r); /* freed with the request */
unsigned http_front_of(const struct http_req *r);
struct str http_peer(const struct http_req *r); /* address text without port */
int64_t http_now(const struct http_req *r);     /* wall clock at the end of the request's reading */
/* Query string, form-decoded, in order: for (size_t i = 0; http_query_next(r, &i, &name, &value);) */
bool http_query_next(struct http_req *r, size_t *i, struct str *name, struct str *value);
struct str http_cookie(const struct http_req *r, const char *name);

/* Adds a header to the answer. Values with CR or LF are refused (asserts). */
void http_add_header(struct http_req *r, const char *name, struct str value);
/* Answers. type: the content type, NULL for none; body is copied. Ends the request. */
void http_reply(struct http_req *r, int status, const char *type, struct str body);
/* -- body.c: JSON and msgpack by Content-Type and Accept */
/* The request's body as a tree in its arena. false: it has been answered (400, 415) with a problem. */
bool http_body_val(struct http_req *r, struct val *out);
/* JSON, or msgpack when Accept says so */
void http_reply_val(struct http_req *r, int status, const struct val *v);
/* RFC 9457 application/problem+json (or msgpack): {type, title, status, detail}. Closes the connection for what the reader refuses. */
void http_reply_problem(struct http_req *r, int status, const char *detail_fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Did the client go away? Handlers that answer later need not care: answering a dead request is fine, and required. */

/* -- sse.c: streams */
/* Turns the request into an SSE stream: head, `retry:` and a comment go out at once. NULL: it was answered (too many streams:
 * accepted, told to retry later, closed; or HEAD). closed(ctx, id) is called once on the front's thread when the stream is
 * gone, never from inside http_stream_write. For GET routes only (asserts). */
struct http_stream *http_stream_open(struct http_req *r, uint64_t id,
                                     void (*closed)(void *ctx, uint64_t id));
/* front's thread; NULL when gone */
struct http_stream *http_stream_find(struct http *h, unsigned front, uint64_t id);
/* Queues bytes; they leave when the callback under way returns. false: the reader was too slow and the stream has been dropped. */
bool http_stream_write(struct http_stream *s, struct str bytes);

/* -- Work for a front from any thread: fn(ctx, arg) runs soon on its thread; in order; batched into one wake-up. */
void http_post(struct http *h, unsigned front, void (*fn)(void *ctx, void *arg), void *arg);

#endif
