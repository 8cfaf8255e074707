/* test_http_stream.c -- what lasts: streams, draining, signals, a lack of descriptors, several
 * fronts under load.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http_site.h"

struct push {
    unsigned n;
    atomic_int done, ok;
    uint64_t id;
};

static void push_now(void *ctx, void *arg)
{
    struct push *p = arg;
    struct http_stream *s = http_stream_find(site.http, atomic_load(&last_front), p->id);
    static char line[1025];
    memset(line, 'd', 1024);
    bool ok = s != NULL;
    for (unsigned i = 0; ok && i < p->n; i++)
        ok = http_stream_write(s, p->n == 1 ? STR("data: {}\n\n") : (struct str){line, 1024});
    atomic_store(&p->ok, ok);
    atomic_store(&p->done, 1);
}

/* Writes n lines to a stream, on its front's thread. */
static bool push(uint64_t id, unsigned n)
{
    struct push p = {.n = n, .id = id};
    http_post(site.http, atomic_load(&last_front), push_now, &p);
    while (!atomic_load(&p.done))
        usleep(1000);
    return atomic_load(&p.ok);
}

static int open_stream(void)
{
    int fd = dial();
    say(fd, "GET /stream HTTP/1.1\r\n" HOST "Origin: http://o\r\n\r\n");
    hear(fd, "\n\n", 1, LONG_MS);
    return fd;
}

static void check_streams(void)
{
    int fd = open_stream();
    CHECK_INT(status(), 200);
    CHECK(strstr(heard, "\r\nContent-Type: text/event-stream\r\n"));
    CHECK(strstr(heard, "\r\nCache-Control: no-cache, no-transform\r\n"));
    CHECK(strstr(heard, "\r\nX-Accel-Buffering: no\r\n"));
    CHECK(strstr(heard, "\r\nAccess-Control-Allow-Origin: http://o\r\n"));
    CHECK(!strstr(heard, "Content-Length"));
    CHECK(strstr(heard, "\r\n\r\nretry: 3000\n:ok\n\n"));
    CHECK_INT(stat_get(STAT_SSE_CONNECTIONS), 1);
    CHECK(!hear(fd, ":\n\n", 3, LONG_MS)); /* keep-alives, each 150 ms */
    CHECK(count(":\n\n") >= 3);
    CHECK(push(atomic_load(&last_stream), 1));
    CHECK(!hear(fd, "data: {}\n\n", 1, LONG_MS));
    say(fd, "noise"); /* is ignored */
    CHECK(push(atomic_load(&last_stream), 1));
    CHECK(!hear(fd, "data: {}\n\n", 1, LONG_MS));
    int closed = atomic_load(&site.closed);
    uint64_t id = atomic_load(&last_stream);
    close(fd);
    WAIT(atomic_load(&site.closed) == closed + 1);
    CHECK(!push(id, 1));

    CHECK(ask("HEAD /stream HTTP/1.1\r\n" HOST "\r\n", NULL));
    CHECK_STR(strstr(heard, "\r\n\r\n"), "\r\n\r\n");

    int fds[4]; /* one more than may be */
    for (int i = 0; i < 4; i++)
        fds[i] = open_stream();
    CHECK_INT(status(), 200);
    CHECK(strstr(heard, "\r\n\r\nretry: 15000\n\n"));
    CHECK(hear(fds[3], NULL, 0, LONG_MS));
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    WAIT(stat_get(STAT_SSE_CONNECTIONS) == 0);
}

static void check_slow_reader(void)
{
    int64_t dropped = stat_get(STAT_SSE_DROPPED);
    int closed = atomic_load(&site.closed);
    int fd = open_stream();
    uint64_t id = atomic_load(&last_stream);
    unsigned written = 0;
    while (written < 100000 && push(id, 16)) /* nobody reads */
        written += 16;
    CHECK(written < 100000, "%u KiB were taken from a server that nobody reads", written);
    WAIT(stat_get(STAT_SSE_DROPPED) == dropped + 1);
    WAIT(atomic_load(&site.closed) == closed + 1);
    CHECK(!push(id, 1));
    close(fd);
    CHECK(!ask(GET("/health"), "\r\n\r\nok"));
}

/* A request whose body does not come; the server has its head when this is back. */
static int half_a_request(void)
{
    int fd = dial();
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    CHECK(!hear(fd, "HTTP/1.1 100 Continue\r\n\r\n", 1, LONG_MS));
    say(fd, "he");
    return fd;
}

/* A request that a handler has, and keeps until it is let go. */
static int held_request(void)
{
    int fd = dial();
    atomic_store(&held, true);
    say(fd, "POST /later HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n10");
    WAIT(atomic_load(&posters) == 1);
    return fd;
}

/* What is idle is closed at once, what is under way is answered, and then all is over: long before drain_ms. */
static void check_drain(void)
{
    int stream = open_stream(), idle = dial(), busy = held_request(), half = half_a_request();
    say(idle, GET("/health"));
    hear(idle, "\r\n\r\nok", 1, LONG_MS);
    int64_t start = mono_ms();
    http_stop(site.http);
    CHECK(hear(idle, NULL, 0, LONG_MS));
    CHECK(hear(stream, NULL, 0, LONG_MS));
    char *retry = strstr(heard, "retry: ");
    int retry_ms = retry ? atoi(retry + 7) : 0;
    CHECK(retry_ms >= 1000 && retry_ms <= 5000, "retry %d", retry_ms);
    int late = dial(); /* each front closes its listener as soon as it hears of it */
    while (late >= 0 && mono_ms() < start + LONG_MS) {
        close(late);
        usleep(10000);
        late = dial();
    }
    CHECK_INT(late, -1);
    say(half, "llo");
    CHECK(hear(half, NULL, 0, LONG_MS));
    CHECK(strstr(heard, "\r\n\r\nhello") && strstr(heard, "\r\nConnection: close\r\n"), "%s",
          heard);
    atomic_store(&held, false);
    CHECK(hear(busy, NULL, 0, LONG_MS));
    CHECK(strstr(heard, "\r\n\r\n10") && strstr(heard, "\r\nConnection: close\r\n"), "%s", heard);
    site_free();
    CHECK(mono_ms() - start < tiny.drain_ms);
    CHECK_INT(atomic_load(&site.closed), 1);
    close(stream);
    close(idle);
    close(half);
    close(busy);
    CHECK_INT(stat_get(STAT_HTTP_CONNECTIONS), 0);
}

/* A handler that takes longer than drain_ms does not hold the server up, and may still answer. */
static void check_drain_limit(void)
{
    struct http_limits limits = tiny;
    limits.drain_ms = 500;
    site_open(&limits, 1);
    int fd = held_request();
    int64_t start = mono_ms();
    http_stop(site.http);
    pthread_join(site.thread, NULL); /* which it could not, were the request waited for */
    int64_t ms = mono_ms() - start;
    CHECK(ms >= 250 && ms < LONG_MS, "drained in %d ms", (int)ms);
    CHECK_INT(atomic_load(&posters), 1);
    atomic_store(&held, false);
    while (atomic_load(&posters))
        usleep(1000);
    http_free(site.http); /* the answer has been posted: it is run, into nothing */
    close(fd);
    CHECK_INT(stat_get(STAT_HTTP_CONNECTIONS), 0);
}

/* A connection whose body never came was freed twice when drain_ms was over: closing it frees it at once unless a request
 * of its is with a handler. */
static void check_drain_leftovers(void)
{
    struct http_limits impatient = tiny;
    impatient.drain_ms = 100;
    site_open(&impatient, 1);
    int half = half_a_request(), later = held_request();
    http_stop(site.http);
    site_free(); /* which lets the request go when the server has left */
    CHECK_INT(stat_get(STAT_HTTP_CONNECTIONS), 0);
    close(half);
    close(later);
}

static void check_signals(void)
{
    site_open(&tiny, 2);
    CHECK(!ask(GET("/health"), "\r\n\r\nok"));
    kill(getpid(), SIGHUP);
    WAIT(atomic_load(&site.hups) == 1);
    WAIT(atomic_load(&site.ticks) > 0);
    kill(getpid(), SIGTERM);
    site_free();
}

/* How much of a processor this program takes, in percent: of several looks the least, since a busy machine takes from some
 * of them. */
static int least_cpu(void)
{
    int least = 100;
    for (int i = 0; i < 20 && least >= 10; i++) {
        int64_t start = mono_ms();
        clock_t cpu = clock();
        usleep(500000);
        cpu = clock() - cpu;
        int percent = (int)(cpu / (CLOCKS_PER_SEC / 1000) * 100 / (mono_ms() - start));
        least = percent < least ? percent : least;
    }
    return least;
}

/* Out of descriptors: those that wait are turned away, and the processor rests meanwhile. */
static void check_descriptors(void)
{
    struct rlimit before, low;
    struct http_limits limits = tiny;
    limits.connections = 1000;
    site_open(&limits, 1);
    CHECK(!ask(GET("/health"), "\r\n\r\nok"));
    int fds[80], n = 0;
    getrlimit(RLIMIT_NOFILE, &before);
    low = before;
    int spare = dup(0);
    close(spare);
    low.rlim_cur = (rlim_t)spare + 60; /* both ends are ours: room for about 30 connections */
    setrlimit(RLIMIT_NOFILE, &low);
    while (n < 80) {
        int fd = dial();
        if (fd < 0)
            break;
        fds[n++] = fd;
        say(fd, GET("/health"));
        usleep(1000);
    }
    int percent = least_cpu();
    CHECK(n >= 20 && n < 80, "%d", n);
    CHECK(percent < 10, "%d %% of a processor", percent);
    for (int i = 0; i < n; i++)
        close(fds[i]);
    WAIT(!ask(GET("/health"), "\r\n\r\nok") && status() == 200);
    setrlimit(RLIMIT_NOFILE, &before);
    site_close();
}

/* Many clients at once, on several fronts. */
static void *hammer(void *arg)
{
    for (int i = 0; i < 60; i++) {
        int fd = dial();
        char got[4096];
        size_t n = 0;
        ssize_t k = 0;
        say(fd, GET("/health") "POST /later HTTP/1.1\r\n" HOST
                               "Content-Length: 1\r\n\r\n1" GET("/stream"));
        while (n < sizeof(got) - 1 && (k = read(fd, got + n, sizeof(got) - 1 - n)) > 0) {
            n += (size_t)k;
            got[n] = 0;
            if (strstr(got, "retry: "))
                break;
        }
        close(fd);
    }
    return NULL;
}

static void check_fronts(void)
{
    struct http_limits limits = tiny;
    limits.connections = 1000;
    limits.streams = 4;
    limits.streams_per_address = 3;
    limits.per_address = 500;
    int64_t requests = stat_get(STAT_HTTP_REQUESTS);
    site_open(&limits, 3);
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, hammer, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    CHECK_INT(stat_get(STAT_HTTP_REQUESTS) - requests, 4 * 60 * 3);
    site_close();
    CHECK_INT(stat_get(STAT_HTTP_CONNECTIONS), 0);
    CHECK_INT(stat_get(STAT_SSE_CONNECTIONS), 0);
}

int main(void)
{
    site_open(&tiny, 1);
    check_streams();
    check_slow_reader();
    site_close();
    site_open(&tiny, 2);
    check_drain();
    check_drain_limit();
    check_drain_leftovers();
    check_signals();
    check_descriptors();
    check_fronts();
    return check_done();
}
