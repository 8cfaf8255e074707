/* server.c -- the server: binds, runs its fronts, and is told to stop.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/http_internal.h"

#include <signal.h>
#include <stdlib.h>

const struct http_limits http_limits_default = {
    .line = 20480,
    .head = 40960,
    .body = 1 << 20,
    .head_ms = 10000,
    .body_ms = 30000,
    .idle_ms = 610000,
    .write_ms = 30000,
    .connections = 10000,
    .stream_bytes = 64 << 10,
    .stream_ping_ms = 15000,
    .streams = 8000,
    .drain_ms = 10000,
};

struct http *http_new(const struct http_options *o, struct err *err)
{
    struct http *h = xcalloc(1, sizeof(*h));
    h->options = *o;
    h->options.fronts = MAX_OF(o->fronts, 1u);
    addr_table_init(&h->addrs);
    h->fronts = xcalloc(h->options.fronts, sizeof(*h->fronts));
    for (unsigned i = 0; i < h->options.fronts; i++)
        front_init(h, i);
    signal(SIGPIPE, SIG_IGN); /* a peer that went away is an error of write() like any other */
    h->routes = routes_new(o->routes, o->n_routes, err);
    bool ok = h->routes != NULL;
    for (unsigned i = 0; ok && i < h->options.fronts; i++) {
        h->fronts[i].listen_fd = listen_open(o->listen, h->options.fronts, &h->port, err);
        ok = h->fronts[i].listen_fd >= 0;
    }
    if (ok)
        return h;
    http_free(h);
    return NULL;
}

int http_port(const struct http *h)
{
    return h->port;
}

static void *run_front(void *front)
{
    front_run(front);
    return NULL;
}

static void on_stop_signal(evutil_socket_t number, short what, void *arg)
{
    http_stop(arg);
}

static void on_hup_signal(evutil_socket_t number, short what, void *arg)
{
    struct http *h = arg;
    front_enter(&h->fronts[0]);
    if (h->on_hup)
        h->on_hup(h->options.ctx);
    front_leave(&h->fronts[0]);
}

/* Signals are for the thread of front 0; the others are started with them blocked. */
static void start_others(struct http *h)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    for (unsigned i = 1; i < h->options.fronts; i++)
        if (pthread_create(&h->fronts[i].thread, NULL, run_front, &h->fronts[i])) {
            log_error("no thread for front %u", i);
            abort();
        }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void http_run(struct http *h, void (*on_hup)(void *ctx))
{
    struct event term, interrupt, hup;
    struct event_base *base = h->fronts[0].base;
    h->on_hup = on_hup;
    evsignal_assign(&term, base, SIGTERM, on_stop_signal, h);
    evsignal_assign(&interrupt, base, SIGINT, on_stop_signal, h);
    evsignal_assign(&hup, base, SIGHUP, on_hup_signal, h);
    event_add(&term, NULL);
    event_add(&interrupt, NULL);
    event_add(&hup, NULL);
    start_others(h);
    front_run(&h->fronts[0]);
    for (unsigned i = 1; i < h->options.fronts; i++)
        pthread_join(h->fronts[i].thread, NULL);
    event_del(&term);
    event_del(&interrupt);
    event_del(&hup);
}

void http_stop(struct http *h)
{
    if (atomic_exchange(&h->stopping, true))
        return;
    for (unsigned i = 0; i < h->options.fronts; i++)
        http_post(h, i, front_drain, &h->fronts[i]);
}

void http_free(struct http *h)
{
    for (unsigned i = 0; i < h->options.fronts;) {
        bool any = h->fronts[i].n_jobs > 0;
        front_run_jobs(&h->fronts[i]);
        i = any ? 0 : i + 1; /* a job may have posted to an earlier front */
    }
    for (unsigned i = 0; i < h->options.fronts; i++)
        front_fini(&h->fronts[i]);
    if (h->routes)
        routes_free(h->routes);
    addr_table_fini(&h->addrs);
    free(h->fronts);
    free(h);
}
