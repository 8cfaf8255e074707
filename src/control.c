/* control.c -- the socket in the data folder through which `signalbox backup` talks to the server that has the folder open.
 *
 * A thread of its own, because a backup takes its time. One client after the other; one that does not say its line in time,
 * or says too much, is sent away.
 * SPDX-License-Identifier: Apache-2.0 */
#include "control.h"
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 5000, PATIENCE_MS = 5000, BACKLOG = 8 };
#define NAME "control"

struct control {
    int folder, listener, wake; /* descriptors */
    control_answer_fn *answer;
    void *ctx;
    pthread_t thread;
    bool started;
    atomic_bool stop;
};

/* A socket's address has room for a short path only; through the folder's descriptor every path is short. */
static void address_of(int folder, struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d/" NAME, folder);
}

/* ---- The server's side */

/* Waits until fd can be read; false: it is to stop, or the time is up. due_ms < 0: no limit. */
static bool wait_for(struct control *c, int fd, int64_t due_ms)
{
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = c->wake, .events = POLLIN}};
    int64_t left = due_ms < 0 ? -1 : MAX_OF(due_ms - clock_monotonic_ms(), 0);
    int n = poll(fds, 2, (int)left);
    return !c->stop && (n < 0 ? errno == EINTR : n > 0);
}

/* Reads the line, without its end. */
static bool read_line(struct control *c, int fd, char line[LINE_MAX_BYTES])
{
    size_t n = 0;
    int64_t due_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (wait_for(c, fd, due_ms)) {
        ssize_t got = recv(fd, line + n, LINE_MAX_BYTES - n, MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0)
            return false;
        char *end = memchr(line + n, '\n', (size_t)got);
        n += (size_t)got;
        if (end) {
            *end = 0;
            return memchr(line, 0, n) == end; /* a NUL would cut it unseen */
        }
        if (n == LINE_MAX_BYTES)
            return false;
    }
    return false;
}

static void send_all(int fd, struct str s)
{
    while (s.n) {
        ssize_t sent = send(fd, s.p, s.n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return; /* whoever asked has gone */
        s.p += sent;
        s.n -= (size_t)sent;
    }
}

static void serve_one(struct control *c, int fd)
{
    char line[LINE_MAX_BYTES];
    struct buf said = {0}, out = {0};
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (read_line(c, fd, line)) {
        bool good = c->answer(c->ctx, line, &said);
        buf_puts(&out, good ? "ok " : "error ");
    } else {
        buf_puts(&out, "error ");
        buf_printf(&said, "one line of at most %d bytes is wanted", LINE_MAX_BYTES - 1);
    }
    for (size_t i = 0; i < said.n; i++)
        buf_putc(&out, said.p[i] == '\n' ? ' ' : said.p[i]);
    buf_putc(&out, '\n');
    send_all(fd, buf_str(&out));
    buf_fini(&said);
    buf_fini(&out);
}

static void *run(void *arg)
{
    struct control *c = arg;
    while (!c->stop) {
        if (!wait_for(c, c->listener, -1))
            continue;
        int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) { /* no descriptor is left, perhaps: not again at once */
            struct timespec rest = {.tv_nsec = 100 * 1000000};
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                nanosleep(&rest, NULL);
            continue;
        }
        serve_one(c, fd);
        close(fd);
    }
    return NULL;
}

/* Makes the socket, for its owner alone from the first moment on. */
static bool open_socket(struct control *c, const char *dir, struct err *err)
{
    struct sockaddr_un at;
    struct stat st;
    c->folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (c->folder < 0)
        return err_set(err, "%s: %s", dir, strerror(errno));
    if (fstatat(c->folder, NAME, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (!S_ISSOCK(st.st_mode))
            return err_set(err, "%s/" NAME " is in the way: it is no socket", dir);
        unlinkat(c->folder, NAME, 0);
    }
    address_of(c->folder, &at);
    c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->listener < 0 || fchmod(c->listener, 0600) ||
        bind(c->listener, (struct sockaddr *)&at, sizeof(at)) || listen(c->listener, BACKLOG))
        return err_set(err, "%s/" NAME ": no socket can be made: %s", dir, strerror(errno));
    return true;
}

struct control *control_new(const char *dir, control_answer_fn *answer, void *ctx, struct err *err)
{
    struct control *c = xcalloc(1, sizeof(*c));
    sigset_t all, before; /* signals are for the thread that serves */
    c->folder = c->listener = -1;
    c->answer = answer;
    c->ctx = ctx;
    c->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!open_socket(c, dir, err)) {
        control_free(c);
        return NULL;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int failed = c->wake < 0 ? errno : pthread_create(&c->thread, NULL, run, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    c->started = !failed;
    if (!failed)
        return c;
    err_set(err, "%s/" NAME ": %s", dir, strerror(failed));
    control_free(c);
    return NULL;
}

void control_free(struct control *c)
{
    if (!c)
        return;
    if (c->started) {
        c->stop = true;
        eventfd_write(c->wake, 1);
        pthread_join(c->thread, NULL);
    }
    if (c->listener >= 0) {
        close(c->listener);
        unlinkat(c->folder, NAME, 0);
    }
    if (c->folder >= 0)
        close(c->folder);
    if (c->wake >= 0)
        close(c->wake);
    free(c);
}

/* ---- The side that asks */

static enum control_said read_answer(int fd, struct buf *out)
{
    char bytes[LINE_MAX_BYTES];
    size_t n = 0;
    ssize_t got;
    while (n < sizeof(bytes) &&
           ((got = recv(fd, bytes + n, sizeof(bytes) - n, 0)) > 0 || (got < 0 && errno == EINTR)))
        n += got > 0 ? (size_t)got : 0;
    struct str said = {bytes, n};
    bool whole = n && bytes[n - 1] == '\n', good = whole && str_starts(said, "ok ");
    if (!good && !(whole && str_starts(said, "error "))) {
        buf_puts(out, "the server has gone before it answered");
        return CONTROL_ERROR;
    }
    size_t word = good ? 3 : 6;
    buf_put(out, bytes + word, n - word - 1);
    return good ? CONTROL_OK : CONTROL_ERROR;
}

static enum control_said ask(int folder, int fd, const char *dir, const char *line, struct buf *out)
{
    struct sockaddr_un at;
    address_of(folder, &at);
    if (connect(fd, (struct sockaddr *)&at, sizeof(at))) {
        if (errno == ENOENT || errno == ECONNREFUSED)
            return CONTROL_NOBODY;
        buf_printf(out, "%s/" NAME ": %s", dir, strerror(errno));
        return CONTROL_ERROR;
    }
    send_all(fd, str_of(line));
    send_all(fd, STR("\n"));
    return read_answer(fd, out);
}

enum control_said control_ask(const char *dir, const char *line, struct buf *out)
{
    int folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = folder < 0 ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    enum control_said said = folder < 0 && errno == ENOENT ? CONTROL_NOBODY : CONTROL_ERROR;
    if (fd < 0 && said == CONTROL_ERROR)
        buf_printf(out, "%s: %s", dir, strerror(errno));
    if (fd >= 0) {
        said = ask(folder, fd, dir, line, out);
        close(fd);
    }
    if (folder >= 0)
        close(folder);
    return said;
}
