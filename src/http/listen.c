/* listen.c -- the listening sockets: binding them, accepting within the caps, and living through a
 * lack of descriptors.
 *
 * When no descriptor is left, a reserved one is given up to accept and close what waits, so that
 * nobody hangs, and the listener rests for a moment, since a listener that cannot accept is ready
 * all the time.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/http_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

enum { ACCEPTS = 64, BACKLOG = 1024, REST_MS = 200, WARN_EVERY_MS = 10000 };

static bool split_address(const char *where, char host[256], char port[8], struct err *err)
{
    const char *colon = strrchr(where, ':');
    const char *from = where, *to = colon;
    if (!colon || strlen(colon + 1) > 5 || !colon[1])
        return err_set(err, "listen = \"%s\": want HOST:PORT", where);
    if (*from == '[') {
        if (to == from + 1 || to[-1] != ']')
            return err_set(err, "listen = \"%s\": want [ADDRESS]:PORT", where);
        from++;
        to--;
    }
    if (to - from > 255)
        return err_set(err, "listen = \"%s\": the host is too long", where);
    snprintf(host, 256, "%.*s", (int)(to - from), from);
    snprintf(port, 8, "%s", colon + 1);
    return true;
}

static int bind_to(const struct addrinfo *ai, bool shared)
{
    int on = 1;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* accepted sockets inherit it */
    if (shared)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static int port_of(int fd)
{
    struct sockaddr_storage ss;
    socklen_t n = sizeof(ss);
    if (getsockname(fd, (struct sockaddr *)&ss, &n) < 0)
        return 0;
    return ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&ss)->sin6_port
                                          : ((struct sockaddr_in *)&ss)->sin_port);
}

/* With SO_REUSEPORT a second server could share the port unnoticed: so the first front tries
 * without it before. */
static int bind_first(const struct addrinfo *ai, unsigned fronts)
{
    if (fronts > 1) {
        int probe = bind_to(ai, false);
        if (probe < 0)
            return -1;
        close(probe);
    }
    return bind_to(ai, fronts > 1);
}

int listen_open(const char *where, unsigned fronts, int *port, struct err *err)
{
    char host[256], service[8];
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    if (!split_address(where, host, service, err))
        return -1;
    if (*port)
        snprintf(service, sizeof(service), "%d", *port);
    const char *name = *host && strcmp(host, "*") ? host : NULL;
    int rc = getaddrinfo(name, service, &hints, &found);
    if (rc) {
        err_set(err, "listen = \"%s\": %s", where, gai_strerror(rc));
        return -1;
    }
    int fd = *port ? bind_to(found, true) : bind_first(found, fronts);
    if (fd < 0)
        err_set(err, "listen = \"%s\": %s", where, strerror(errno));
    else
        *port = port_of(fd);
    freeaddrinfo(found);
    return fd;
}

/* Says so if the peer can still hear it, and closes. */
static void turn_away(int fd)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                                 "Connection: close\r\nContent-Length: 0\r\n\r\n";
    stat_add(STAT_HTTP_REFUSED, 1);
    if (write(fd, answer, sizeof(answer) - 1) > 0)
        shutdown(fd, SHUT_WR);
    close(fd);
}

static void admit(struct http_front *f, int fd, const struct sockaddr *sa)
{
    struct http *h = f->http;
    const struct http_limits *l = &h->options.limits;
    if (atomic_fetch_add(&h->n_conns, 1) >= l->connections) {
        atomic_fetch_sub(&h->n_conns, 1);
        turn_away(fd);
        return;
    }
    struct addr *addr = addr_take(&h->addrs, sa, l->per_address);
    if (!addr) {
        atomic_fetch_sub(&h->n_conns, 1);
        turn_away(fd);
        return;
    }
    stat_add(STAT_HTTP_CONNECTIONS, 1);
    conn_new(f, fd, sa, addr);
}

static void shed(struct http_front *f)
{
    if (f->now_ms - f->warned_ms >= WARN_EVERY_MS) {
        log_warn("cannot accept: %s", strerror(errno));
        f->warned_ms = f->now_ms;
    }
    if (f->reserve_fd >= 0) {
        close(f->reserve_fd);
        for (int i = 0; i < ACCEPTS; i++) {
            int fd = accept4(f->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0)
                break;
            stat_add(STAT_HTTP_REFUSED, 1);
            close(fd);
        }
    }
    f->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    event_del(&f->ev_listen);
    struct timeval tv = {.tv_usec = REST_MS * 1000};
    evtimer_add(&f->ev_relisten, &tv);
}

static void on_accept(evutil_socket_t listen_fd, short what, void *arg)
{
    struct http_front *f = arg;
    front_enter(f);
    for (int i = 0; i < ACCEPTS; i++) {
        struct sockaddr_storage ss;
        socklen_t n = sizeof(ss);
        int fd = accept4(listen_fd, (struct sockaddr *)&ss, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            admit(f, fd, (struct sockaddr *)&ss);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            shed(f);
            break;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            break;
        }
    }
    front_leave(f);
}

static void on_relisten(evutil_socket_t fd, short what, void *arg)
{
    struct http_front *f = arg;
    if (f->listen_fd >= 0)
        event_add(&f->ev_listen, NULL);
}

void listen_start(struct http_front *f)
{
    if (f->listen_fd < 0)
        return;
    f->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    f->warned_ms = -WARN_EVERY_MS;
    event_assign(&f->ev_listen, f->base, f->listen_fd, EV_READ | EV_PERSIST, on_accept, f);
    evtimer_assign(&f->ev_relisten, f->base, on_relisten, f);
    event_add(&f->ev_listen, NULL);
}

void listen_stop(struct http_front *f)
{
    if (event_initialized(&f->ev_listen)) {
        event_del(&f->ev_listen);
        event_del(&f->ev_relisten);
    }
    if (f->listen_fd >= 0)
        close(f->listen_fd);
    if (f->reserve_fd >= 0)
        close(f->reserve_fd);
    f->listen_fd = f->reserve_fd = -1;
}
