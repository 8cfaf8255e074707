/* http_site.h -- a real server on loopback with tiny limits, and clients that speak raw bytes to
 * it: what the tests of http/'s server share. One site at a time.
 *
 * Its times are long, and so is what a test waits for, because the machine may be busy; a test of a
 * time sets that one.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_SITE_H
#define HTTP_SITE_H

#include "check.h"
#include "http/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* -- the server under test */

struct site {
    struct http *http;
    pthread_t thread;
    int port;
    atomic_int handled, closed, ticks, hups;
};

static struct site site;

enum { LONG_MS = 60000 };

/* Waits until it is so, or far too long. */
#define WAIT(cond)                                                                                 \
    do {                                                                                           \
        int64_t end_ = mono_ms() + LONG_MS;                                                        \
        while (!(cond) && mono_ms() < end_)                                                        \
            usleep(2000);                                                                          \
        CHECK(cond);                                                                               \
    } while (0)

static inline int64_t wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline int64_t mono_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void get_health(struct http_req *r, void *ctx)
{
    atomic_fetch_add(&site.handled, 1);
    http_add_header(r, "X-Peer", http_peer(r));
    http_reply(r, 200, "text/plain", STR("ok"));
}

static inline void post_echo(struct http_req *r, void *ctx)
{
    struct str body = http_body(r);
    static atomic_int sink;
    for (int i = 0; i < 64; i++) /* they must be readable */
        atomic_fetch_add(&sink, body.p[body.n + (size_t)i]);
    atomic_fetch_add(&site.handled, 1);
    http_reply(r, 200, "application/octet-stream", body);
}

static inline void get_big(struct http_req *r, void *ctx)
{
    enum { BIG = 16 << 20 };
    char *p = calloc(1, BIG);
    http_reply(r, 200, "application/octet-stream", (struct str){p, BIG});
    free(p);
}

static inline void get_things(struct http_req *r, void *ctx)
{
    struct buf b = {0};
    struct str name, value;
    buf_printf(&b, "%.*s|%.*s|", STR_FMT(http_param(r, "x")), STR_FMT(http_cookie(r, "sp")));
    for (size_t i = 0; http_query_next(r, &i, &name, &value);)
        buf_printf(&b, "%.*s=%.*s;", STR_FMT(name), STR_FMT(value));
    http_reply(r, 200, "text/plain", buf_str(&b));
    buf_fini(&b);
}

static inline void preflight(struct http_req *r, void *ctx)
{
    http_add_header(r, "Access-Control-Allow-Origin", STR("*"));
    http_reply(r, 200, NULL, STR(""));
}

/* A thread that answers requests later, the way the journal's does: it only posts. */
struct later {
    struct http_req *r;
    int delay_ms;
    char body[32];
};

static inline void answer_later(void *ctx, void *arg)
{
    struct later *l = arg;
    http_reply(l->r, 200, "text/plain", str_of(l->body));
    free(l);
}

static atomic_int posters;
static atomic_bool held; /* nobody posts while it is set */

static inline void *sleep_and_post(void *arg)
{
    struct later *l = arg;
    while (atomic_load(&held))
        usleep(1000);
    usleep((useconds_t)l->delay_ms * 1000);
    http_post(site.http, http_front_of(l->r), answer_later, l);
    atomic_fetch_sub(&posters, 1);
    return NULL;
}

/* Answers its body after as many ms as the body's number says. */
static inline void post_later(struct http_req *r, void *ctx)
{
    struct later *l = malloc(sizeof(*l));
    pthread_t t;
    *l = (struct later){.r = r};
    snprintf(l->body, sizeof(l->body), "%.*s", STR_FMT(http_body(r)));
    l->delay_ms = atoi(l->body);
    atomic_fetch_add(&posters, 1);
    pthread_create(&t, NULL, sleep_and_post, l);
    pthread_detach(t);
}

static inline void stream_closed(void *ctx, uint64_t id)
{
    atomic_fetch_add(&site.closed, 1);
}

static atomic_ulong last_stream;
static atomic_uint last_front;

static inline void get_stream(struct http_req *r, void *ctx)
{
    static atomic_ulong next = 1;
    uint64_t id = atomic_fetch_add(&next, 1);
    unsigned front = http_front_of(r);
    if (http_stream_open(r, id, stream_closed)) {
        atomic_store(&last_front, front);
        atomic_store(&last_stream, id);
    }
}

static inline void on_tick(void *ctx, unsigned front)
{
    atomic_fetch_add(&site.ticks, 1);
}

static inline void on_hup(void *ctx)
{
    atomic_fetch_add(&site.hups, 1);
}

static const struct http_route routes[] = {
    {.method = "GET", .path = "/health", .handler = get_health},
    {.method = "POST", .path = "/echo", .handler = post_echo},
    {.method = "POST", .path = "/small", .handler = post_echo, .max_body = 10},
    {.method = "POST", .path = "/later", .handler = post_later},
    {.method = "GET", .path = "/stream", .handler = get_stream},
    {.method = "GET", .path = "/big", .handler = get_big},
    {.method = "GET", .path = "/things/{x}", .handler = get_things},
    {.method = "OPTIONS", .path = "*", .handler = preflight},
};

static const struct http_limits tiny = {
    .line = 256,
    .head = 1024,
    .body = 100000,
    .head_ms = 2 * LONG_MS,
    .body_ms = 2 * LONG_MS,
    .idle_ms = 2 * LONG_MS,
    .write_ms = 2 * LONG_MS,
    .connections = 20,
    .per_address = 0,
    .stream_bytes = 8192,
    .stream_ping_ms = 150,
    .streams = 3,
    .streams_per_address = 0,
    .drain_ms = 2 * LONG_MS,
};

static inline void *run(void *arg)
{
    http_run(site.http, on_hup);
    return NULL;
}

static inline void site_open(const struct http_limits *limits, unsigned fronts)
{
    struct err err = {0};
    struct http_options o = {
        .listen = "127.0.0.1:0",
        .fronts = fronts,
        .routes = routes,
        .n_routes = COUNT_OF(routes),
        .limits = *limits,
        .clock_ms = wall_ms,
        .tick = on_tick,
        .tick_ms = 20,
    };
    memset(&site, 0, sizeof(site));
    site.http = http_new(&o, &err);
    if (!site.http) {
        printf("no server: %s\n", err.text);
        exit(1);
    }
    site.port = http_port(site.http);
    pthread_create(&site.thread, NULL, run, NULL);
}

/* After it has stopped: no post may be under way any more when it is freed. */
static inline void site_free(void)
{
    pthread_join(site.thread, NULL);
    atomic_store(&held, false);
    while (atomic_load(&posters))
        usleep(1000);
    http_free(site.http);
}

static inline void site_close(void)
{
    http_stop(site.http);
    site_free();
}

/* -- clients */

static inline int dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)site.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static inline bool say(int fd, const char *bytes)
{
    size_t n = strlen(bytes);
    return send(fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static char heard[1 << 18];
static size_t n_heard;

/* Reads until `until` has been heard `times` times, or the end, or ms are over. true: it ended. */
static inline bool hear(int fd, const char *until, int times, int ms)
{
    int64_t end = mono_ms() + ms;
    n_heard = 0;
    heard[0] = 0;
    for (;;) {
        int n = 0;
        for (const char *p = heard; until && (p = strstr(p, until)); p++)
            n++;
        if (until && n >= times)
            return false;
        struct pollfd pfd = {fd, POLLIN, 0};
        int64_t left = end - mono_ms();
        if (left <= 0 || poll(&pfd, 1, (int)left) <= 0)
            return false;
        ssize_t got = read(fd, heard + n_heard, sizeof(heard) - 1 - n_heard);
        if (got <= 0)
            return true;
        n_heard += (size_t)got;
        heard[n_heard] = 0;
    }
}

static inline int count(const char *what)
{
    int n = 0;
    for (const char *p = heard; (p = strstr(p, what)); p++)
        n++;
    return n;
}

static inline int status(void)
{
    return n_heard > 12 ? atoi(heard + 9) : 0;
}

/* One request on a connection of its own; hears until the end or until `until`. */
static inline bool ask(const char *bytes, const char *until)
{
    int fd = dial();
    say(fd, bytes);
    bool ended = hear(fd, until, 1, LONG_MS);
    close(fd);
    return ended;
}

#define HOST      "Host: x\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

#endif
