/* front.c -- one front: an event loop, an inbox for other threads, and queues of deadlines.
 *
 * What connections wait for has one duration per kind, so a queue per kind is in order of its
 * deadlines by itself: moving a connection costs a few pointers, and one timer watches the heads.
 * Answers written during a callback stay in their connections' buffers until it ends, so that a
 * burst leaves in one write.
 *
 * The inbox wakes the loop through an eventfd, edge-triggered: nobody needs to read it, and only
 * the first job of a batch writes to it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/http_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { LINGER_MS = 1000, SPARE_BUF_MAX = 64 << 10 };

static int64_t monotonic_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct timeval timeval_of(int64_t ms)
{
    ms = MAX_OF(ms, 1);
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

static int64_t wait_ms(const struct http_limits *l, enum wait wait)
{
    switch (wait) {
    case WAIT_IDLE:
        return l->idle_ms;
    case WAIT_HEAD:
        return l->head_ms;
    case WAIT_BODY:
        return l->body_ms;
    case WAIT_WRITE:
        return l->write_ms;
    case WAIT_PING:
        return l->stream_ping_ms;
    default:
        return LINGER_MS;
    }
}

void front_wait(struct conn *c, enum wait wait)
{
    struct http_front *f = c->front;
    if (c->wait != WAIT_NONE)
        TAILQ_REMOVE(&f->waits[c->wait], c, waiting);
    c->wait = wait;
    if (wait == WAIT_NONE)
        return;
    c->due_ms = f->now_ms + wait_ms(&f->http->options.limits, wait);
    TAILQ_INSERT_TAIL(&f->waits[wait], c, waiting);
}

void front_mark(struct conn *c)
{
    struct http_front *f = c->front;
    if (c->dirty || c->running)
        return;
    c->dirty = true;
    c->next_dirty = NULL;
    if (f->first_dirty)
        f->last_dirty->next_dirty = c;
    else
        f->first_dirty = c;
    f->last_dirty = c;
}

static void run_dirty(struct http_front *f)
{
    struct conn *c;
    while ((c = f->first_dirty)) {
        f->first_dirty = c->next_dirty;
        c->dirty = false;
        if (c->dead)
            conn_try_free(c);
        else
            conn_run(c);
    }
}

static void arm_timer(struct http_front *f)
{
    int64_t due = f->draining ? f->drain_due_ms : INT64_MAX;
    for (int i = WAIT_NONE + 1; i < WAIT_COUNT; i++) {
        struct conn *c = TAILQ_FIRST(&f->waits[i]);
        if (c)
            due = MIN_OF(due, c->due_ms);
    }
    if (due >= f->timer_due_ms)
        return;
    f->timer_due_ms = due;
    struct timeval tv = timeval_of(due - f->now_ms);
    evtimer_add(&f->ev_timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct http_front *f = arg;
    front_enter(f);
    f->timer_due_ms = INT64_MAX;
    for (int i = WAIT_NONE + 1; i < WAIT_COUNT; i++) {
        struct conn *c;
        while ((c = TAILQ_FIRST(&f->waits[i])) && c->due_ms <= f->now_ms)
            conn_timeout(c);
    }
    front_leave(f);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct http_front *f = arg;
    front_enter(f);
    f->http->options.tick(f->http->options.ctx, f->index);
    front_leave(f);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct http_front *f = arg;
    front_enter(f);
    front_run_jobs(f);
    front_leave(f);
}

void front_enter(struct http_front *f)
{
    f->now_ms = monotonic_ms();
}

void front_leave(struct http_front *f)
{
    run_dirty(f);
    arm_timer(f);
    if (f->draining && ((f->n_conns == 0 && f->n_reqs == 0) || f->now_ms >= f->drain_due_ms))
        event_base_loopbreak(f->base);
}

void front_run_jobs(struct http_front *f)
{
    pthread_mutex_lock(&f->lock);
    struct job *jobs = f->jobs;
    size_t n = f->n_jobs, cap = f->cap_jobs;
    f->jobs = f->running;
    f->cap_jobs = f->cap_running;
    f->n_jobs = 0;
    f->running = jobs;
    f->cap_running = cap;
    pthread_mutex_unlock(&f->lock);
    for (size_t i = 0; i < n; i++)
        jobs[i].fn(f->http->options.ctx, jobs[i].arg);
}

void http_post(struct http *h, unsigned front, void (*fn)(void *ctx, void *arg), void *arg)
{
    struct http_front *f = &h->fronts[front];
    pthread_mutex_lock(&f->lock);
    bool wake = f->n_jobs == 0;
    f->jobs = xgrow(f->jobs, f->n_jobs, &f->cap_jobs, sizeof(*f->jobs));
    f->jobs[f->n_jobs++] = (struct job){fn, arg};
    pthread_mutex_unlock(&f->lock);
    if (wake)
        eventfd_write(f->wake_fd, 1);
}

uint32_t front_chance(struct http_front *f, uint32_t below)
{
    f->chance ^= f->chance << 13;
    f->chance ^= f->chance >> 7;
    f->chance ^= f->chance << 17;
    return (uint32_t)(f->chance >> 32) % below;
}

struct buf front_take_buf(struct http_front *f)
{
    return f->n_spare_bufs ? f->spare_bufs[--f->n_spare_bufs] : (struct buf){0};
}

void front_give_buf(struct http_front *f, struct buf *b)
{
    if (!b->p || b->cap > SPARE_BUF_MAX || f->n_spare_bufs == SPARE_BUFS) {
        buf_fini(b);
        return;
    }
    b->n = 0;
    f->spare_bufs[f->n_spare_bufs++] = *b;
    *b = (struct buf){0};
}

/* Stops accepting; closes what is idle; what is under way is answered and closed, by drain_ms at
 * the latest. */
void front_drain(void *ctx, void *front)
{
    struct http_front *f = front;
    if (f->draining)
        return;
    f->draining = true;
    f->drain_due_ms = f->now_ms + f->http->options.limits.drain_ms;
    listen_stop(f);
    struct conn *next;
    for (struct conn *c = TAILQ_FIRST(&f->all); c; c = next) {
        next = TAILQ_NEXT(c, all);
        if (c->dead)
            continue;
        if (c->stream)
            stream_drain(c);
        else if (!c->first && !c->cur && c->in.n == c->pos && c->out.n == 0)
            conn_close(c);
    }
}

void front_init(struct http *h, unsigned index)
{
    struct http_front *f = &h->fronts[index];
    struct event_config *config = event_config_new();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    f->http = h;
    f->index = index;
    f->base = event_base_new_with_config(config);
    event_config_free(config);
    f->listen_fd = f->reserve_fd = -1;
    f->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!f->base || f->wake_fd < 0) {
        log_error("no event loop: %s", strerror(errno));
        abort();
    }
    pthread_mutex_init(&f->lock, NULL);
    map_init(&f->streams);
    TAILQ_INIT(&f->all);
    for (int i = 0; i < WAIT_COUNT; i++)
        TAILQ_INIT(&f->waits[i]);
    f->timer_due_ms = INT64_MAX;
    f->date_s = -1;
    f->chance = ((uint64_t)monotonic_ms() << 16 ^ (uint64_t)getpid() << 8 ^ index) | 1;
    f->now_ms = monotonic_ms();
    event_assign(&f->ev_wake, f->base, f->wake_fd, EV_READ | EV_PERSIST | EV_ET, on_wake, f);
    event_add(&f->ev_wake, NULL);
    evtimer_assign(&f->ev_timer, f->base, on_timer, f);
    event_assign(&f->ev_tick, f->base, -1, EV_PERSIST, on_tick, f);
}

void front_run(struct http_front *f)
{
    const struct http_options *o = &f->http->options;
    listen_start(f);
    if (o->tick) {
        struct timeval tv = timeval_of(o->tick_ms);
        event_add(&f->ev_tick, &tv);
    }
    event_base_loop(f->base, EVLOOP_NO_EXIT_ON_EMPTY);
    if (o->tick)
        event_del(&f->ev_tick);
}

void front_fini(struct http_front *f)
{
    struct conn *c;
    while ((c = TAILQ_FIRST(&f->all))) {
        while (c->first) {
            struct http_req *r = c->first;
            c->first = r->next;
            req_free(f, r);
        }
        c->dirty = false;
        if (c->dead)
            conn_try_free(c);
        else
            conn_close(c); /* which frees it, now that it holds no request */
    }
    while (f->spare_reqs) {
        struct http_req *r = f->spare_reqs;
        f->spare_reqs = r->next;
        arena_fini(&r->arena);
        buf_fini(&r->headers);
        buf_fini(&r->out);
        buf_fini(&r->scratch);
        free(r);
    }
    while (f->n_spare_bufs)
        buf_fini(&f->spare_bufs[--f->n_spare_bufs]);
    event_del(&f->ev_timer);
    event_del(&f->ev_wake);
    listen_stop(f);
    event_base_free(f->base);
    close(f->wake_fd);
    map_fini(&f->streams);
    pthread_mutex_destroy(&f->lock);
    free(f->jobs);
    free(f->running);
}
