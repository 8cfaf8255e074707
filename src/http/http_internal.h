/* http_internal.h -- what the files of this room share: the server, its fronts, their connections
 * and requests.
 *
 * Who owns what: a front owns its connections, a connection its requests in the order in which they
 * came. Requests and the two buffers of a connection come from their front's pools and go back when
 * they are done with, so that a connection that waits holds little more than its struct. A
 * connection that has been closed stays until its last request is answered, because heads and
 * bodies point into its buffer.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include "http/http.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>
#include <sys/socket.h>

enum { BODY_PADDING = 64 };

/* What a connection waits for; each has one duration, so each queue is in order of its deadlines.
 */
enum wait {
    WAIT_NONE, /* for a handler */
    WAIT_IDLE,
    WAIT_HEAD,
    WAIT_BODY,
    WAIT_WRITE,
    WAIT_LINGER, /* for the peer to read our last answer and close */
    WAIT_PING,
    WAIT_COUNT
};

struct conn;
TAILQ_HEAD(conn_list, conn);

/* -- route.c */
struct route_set;
struct route_set *routes_new(const struct http_route *routes, size_t n, struct err *err);
void routes_free(struct route_set *s);
/* 0, or the status of the refusal: 404, 405, 501; 204 for `OPTIONS *` when no route takes it. */
int route_find(const struct route_set *s, const struct http_head *head,
               const struct http_route **out);
/* The methods that the head's path knows: "GET, HEAD". */
void route_allow(const struct route_set *s, const struct http_head *head, struct buf *out);
/* The segment of path that stands where pattern has {name}. */
bool route_param(const char *pattern, struct str path, const char *name, struct str *out);

/* -- addr.c: who holds how much, by address */
struct addr {
    uint8_t key[16];
    unsigned conns, streams;
};
struct addr_table {
    pthread_mutex_t lock;
    struct map map;
};
void addr_table_init(struct addr_table *t);
void addr_table_fini(struct addr_table *t);
/* One more connection of that address; NULL when it has max already. */
struct addr *addr_take(struct addr_table *t, const struct sockaddr *sa, unsigned max);
void addr_release(struct addr_table *t, struct addr *a);
bool addr_take_stream(struct addr_table *t, struct addr *a, unsigned max);
void addr_release_stream(struct addr_table *t, struct addr *a);
void addr_text(const struct sockaddr *sa, char out[INET6_ADDRSTRLEN]);

struct http_req {
    struct conn *conn;
    struct http_req *next; /* on its connection, or in the pool */
    const struct http_route *route;
    int status;       /* of route_find */
    bool server_made; /* the answer is the server's own, not a handler's */
    bool has_cors;    /* the handler set Access-Control-Allow-Origin */
    bool answered, is_head;
    const char *at; /* where the head began when it was read */
    size_t n_head, n_body, max_body;
    struct http_chunks chunks;
    struct str body;
    int64_t now_ms;
    struct arena arena;
    struct buf headers; /* lines of http_add_header */
    struct buf out;     /* the answer while earlier ones are missing */
    struct buf scratch;
    struct http_head head;
};

struct http_stream {
    struct conn *conn;
    uint64_t id;
    void (*closed)(void *ctx, uint64_t id);
};

struct conn {
    struct http_front *front;
    int fd;
    TAILQ_ENTRY(conn) all, waiting;
    struct conn *next_dirty;
    enum wait wait;
    int64_t due_ms;
    bool reading, writing; /* which events are added */
    bool dirty, running;   /* conn_run is due; is under way */
    bool dead, broken;     /* closed; to be closed */
    bool no_more;          /* nothing is read any more after the requests under way */
    bool must_linger, lingering;
    bool restart_wait, out_full, seen_request;
    struct event ev_read, ev_write;
    struct buf in, out;
    size_t pos;    /* in in: where the next or current request begins */
    size_t n_seen; /* bytes of an unfinished head that the reader has seen */
    bool seen_lf;
    size_t n_sent;        /* of out */
    int64_t blocked_ms;   /* when the peer last took something, while bytes are left; else 0 */
    struct http_req *cur; /* its body is still coming */
    struct http_req *first, *last; /* handed to handlers, unanswered or behind an unanswered one */
    size_t n_reqs;
    struct http_stream *stream;
    struct addr *addr;
    char peer[INET6_ADDRSTRLEN];
};

struct job {
    void (*fn)(void *ctx, void *arg);
    void *arg;
};

enum { SPARE_BUFS = 64, SPARE_REQS = 64 };

struct http_front {
    struct http *http;
    unsigned index;
    pthread_t thread;
    struct event_base *base;
    struct event ev_listen, ev_relisten, ev_wake, ev_timer, ev_tick;
    int listen_fd, reserve_fd, wake_fd;
    pthread_mutex_t lock; /* of jobs */
    struct job *jobs, *running;
    size_t n_jobs, cap_jobs, cap_running;
    int64_t now_ms; /* monotonic, as of the callback under way */
    int64_t timer_due_ms;
    struct conn_list all, waits[WAIT_COUNT];
    struct conn *first_dirty, *last_dirty;
    size_t n_conns, n_reqs;
    struct map streams; /* id -> struct http_stream */
    struct http_req *spare_reqs;
    size_t n_spare_reqs;
    struct buf spare_bufs[SPARE_BUFS];
    size_t n_spare_bufs;
    char date[40];
    int64_t date_s;
    uint64_t chance;
    bool draining;
    int64_t drain_due_ms, warned_ms;
};

struct http {
    struct http_options options;
    struct route_set *routes;
    struct addr_table addrs;
    atomic_uint n_conns, n_streams;
    atomic_bool stopping;
    int port;
    void (*on_hup)(void *ctx);
    struct http_front *fronts;
};

/* -- front.c: a loop, its inbox, its deadlines. Every callback of libevent stands between enter and
 * leave. */
void front_init(struct http *h, unsigned index);
void front_fini(struct http_front *f);
void front_run(struct http_front *f);
void front_enter(struct http_front *f);
void front_leave(struct http_front *f);
void front_run_jobs(struct http_front *f);
void front_drain(void *ctx, void *front); /* a job */
void front_wait(struct conn *c, enum wait wait);
void front_mark(struct conn *c); /* conn_run() is due before the callback ends */
uint32_t front_chance(struct http_front *f, uint32_t below);
struct buf front_take_buf(struct http_front *f);
void front_give_buf(struct http_front *f, struct buf *b);

/* -- listen.c */
/* port: 0 or that of the first front */
int listen_open(const char *where, unsigned fronts, int *port, struct err *err);
void listen_start(struct http_front *f);
void listen_stop(struct http_front *f);

/* -- conn.c */
void conn_new(struct http_front *f, int fd, const struct sockaddr *sa, struct addr *addr);
/* starts the requests that are there, writes what is due; may close */
void conn_run(struct conn *c);
bool conn_flush(struct conn *c); /* one write; false: blocked or broken */
void conn_close(struct conn *c);
void conn_try_free(struct conn *c);
void conn_timeout(struct conn *c);

/* -- req.c */
struct http_req *req_new(struct conn *c);
void req_free(struct http_front *f, struct http_req *r);
void req_push(struct conn *c, struct http_req *r);
void req_done(struct http_req *r);       /* its answer is in; passes on what can leave */
struct buf *req_out(struct http_req *r); /* where its answer goes */
/* A problem that the server itself makes: with CORS headers, so that a browser may read it. */
void req_refuse(struct http_req *r, int status, const char *detail);

/* -- reply.c */
const char *http_reason(int status);
void reply_head(struct http_req *r, struct buf *out, int status, const char *type);

/* -- sse.c */
void stream_ping(struct conn *c);
void stream_drain(struct conn *c);
void stream_gone(struct conn *c);

#endif
