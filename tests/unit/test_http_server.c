/* test_http_server.c -- requests and answers over real sockets: order, bodies, refusals, deadlines,
 * caps.
 *
 * Each conversation is one function.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http_site.h"

static void check_plain(void)
{
    CHECK(!ask(GET("/health"), "\r\n\r\nok"));
    CHECK_INT(status(), 200);
    CHECK(strstr(heard, "\r\nContent-Length: 2\r\n"));
    CHECK(strstr(heard, "\r\nContent-Type: text/plain\r\n"));
    CHECK(strstr(heard, "\r\nX-Peer: 127.0.0.1\r\n"));
    CHECK(strstr(heard, "\r\nDate: "));
    CHECK(!strstr(heard, "Connection:"));

    CHECK(ask("GET /health HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", NULL));
    CHECK(strstr(heard, "\r\nConnection: close\r\n"));
    CHECK(ask("GET /health HTTP/1.0\r\n\r\n", NULL));
    CHECK_INT(status(), 200);
    CHECK(!ask("GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "\r\n\r\nok"));
    CHECK(strstr(heard, "\r\nConnection: keep-alive\r\n"));

    CHECK(ask("HEAD /health HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", NULL));
    CHECK_INT(status(), 200);
    CHECK(strstr(heard, "\r\nContent-Length: 2\r\n"));
    CHECK_STR(strstr(heard, "\r\n\r\n"), "\r\n\r\n");

    CHECK(!ask("GET /things/a%20b?c=d+e&f&=g&h=%41%zz HTTP/1.1\r\n" HOST
               "Cookie: a=b; sp = id1 ;c\r\n\r\n",
               ";h="));
    CHECK_STR(strstr(heard, "\r\n\r\n"), "\r\n\r\na b|id1|c=d e;f=;=g;h=A%zz;");
}

static void check_refusals(void)
{
    CHECK(!ask(GET("/nowhere"), "}"));
    CHECK_INT(status(), 404);
    CHECK(strstr(heard, "application/problem+json"));
    CHECK(strstr(heard, "\"status\":404"));
    CHECK(!ask("PUT /health HTTP/1.1\r\n" HOST "Origin: http://o\r\n\r\n", "}"));
    CHECK_INT(status(), 405);
    CHECK(strstr(heard, "\r\nAllow: GET, HEAD, OPTIONS\r\n"));
    CHECK(strstr(
        heard,
        "\r\nAccess-Control-Allow-Origin: http://o\r\nAccess-Control-Allow-Credentials: true\r\n"));
    CHECK(!ask("BREW /health HTTP/1.1\r\n" HOST "\r\n", "}"));
    CHECK_INT(status(), 501);
    CHECK(!ask("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "\r\n\r\n"));
    CHECK_INT(status(), 200);
    CHECK(!ask("OPTIONS /nowhere HTTP/1.1\r\n" HOST "\r\n", "\r\n\r\n"));
    CHECK_INT(status(), 200);

    CHECK(ask("GET / HTTP/1.1\r\n\r\n", NULL)); /* no Host */
    CHECK_INT(status(), 400);
    CHECK(strstr(heard, "\r\nConnection: close\r\n"));
    CHECK(ask("GET / HTTP/1.1\r\nOrigin: http://o\r\nHost: x\r\nA : b\r\n\r\n", NULL));
    CHECK_INT(status(), 400);
    CHECK(strstr(heard, "\r\nAccess-Control-Allow-Origin: http://o\r\n"));
    char long_line[600];
    snprintf(long_line, sizeof(long_line), "GET /%0400d HTTP/1.1\r\n" HOST "\r\n", 0);
    CHECK(ask(long_line, NULL));
    CHECK_INT(status(), 414);
    char long_head[1300];
    snprintf(long_head, sizeof(long_head), "GET / HTTP/1.1\r\n" HOST "A: %01100d\r\n\r\n", 0);
    CHECK(ask(long_head, NULL));
    CHECK_INT(status(), 431);
    CHECK(ask(GET("/health") "bad\r\n\r\n" GET("/health"),
              NULL)); /* the good one first, nothing behind the bad one */
    CHECK_INT(count("HTTP/1.1 200"), 1);
    CHECK_INT(count("HTTP/1.1 400"), 1);
    CHECK_INT(count("HTTP/1.1 "), 2);
}

static void check_pipelining(void)
{
    char burst[16 * 128] = "";
    for (int i = 0; i < 16; i++)
        sprintf(burst + strlen(burst),
                "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\n<%02d>", i);
    int fd = dial();
    say(fd, burst);
    CHECK(!hear(fd, "\r\n\r\n<", 16, LONG_MS));
    char *p = heard;
    for (int i = 0; i < 16; i++) {
        char want[8];
        sprintf(want, "<%02d>", i);
        char *at = strstr(p, want);
        CHECK(at && at >= p, "answer %d is missing or too early", i);
        p = at ? at : p;
    }
    for (int i = 0; i < 3; i++) { /* and the connection lives on */
        say(fd, GET("/health"));
        CHECK(!hear(fd, "\r\n\r\nok", 1, LONG_MS));
    }
    for (const char *c = GET("/health"); *c; c++) { /* byte by byte */
        send(fd, c, 1, 0);
        usleep(500);
    }
    CHECK(!hear(fd, "\r\n\r\nok", 1, LONG_MS));
    close(fd);
}

/* Three POSTs to one route run side by side, their answers leave in order; the GET behind them
 * waits for all. */
static void check_async(void)
{
    int fd = dial();
    int before = atomic_load(&site.handled);
    atomic_store(&held, true);
    say(fd, "POST /later HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n200"
            "POST /later HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n 01"
            "POST /later HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n 02" GET("/health"));
    WAIT(atomic_load(&posters) == 3);     /* one after the other it would never be */
    CHECK(!hear(fd, "HTTP/1.1", 1, 100)); /* quiet so far */
    CHECK_INT(n_heard, 0);
    CHECK_INT(atomic_load(&site.handled), before);
    atomic_store(&held, false); /* the first takes longest */
    CHECK(!hear(fd, "\r\n\r\nok", 1, LONG_MS));
    char *a = strstr(heard, "\r\n\r\n200"), *b = strstr(heard, "\r\n\r\n 01"),
         *c = strstr(heard, "\r\n\r\n 02");
    CHECK(a && b && c && a < b && b < c);
    /* a client that leaves before its answer */
    atomic_store(&held, true);
    say(fd, "POST /later HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n10");
    WAIT(atomic_load(&posters) == 1);
    close(fd);
    atomic_store(&held, false);
    WAIT(stat_get(STAT_HTTP_CONNECTIONS) == 0 && atomic_load(&posters) == 0);
    CHECK(!ask(GET("/health"), "\r\n\r\nok"));
}

static void check_bodies(void)
{
    CHECK(!ask("POST /echo HTTP/1.1\r\n" HOST
               "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x\r\n!\r\n0\r\n\r\n",
               "hello!"));
    CHECK_INT(status(), 200);
    CHECK(strstr(heard, "Content-Length: 6\r\n"));
    int fd = dial(); /* chunks in pieces, with the next request right behind them */
    const char *pieces[] = {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r",
                            "\nhel", "lo\r\n", "3\r\nabc\r\n0\r\nT: x\r", "\n\r\n" GET("/health")};
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        say(fd, pieces[i]);
        usleep(5000);
    }
    CHECK(!hear(fd, "\r\n\r\nok", 1, LONG_MS));
    CHECK(strstr(heard, "\r\n\r\nhelloabcHTTP/1.1 200"));
    close(fd);
    CHECK(ask("POST /echo HTTP/1.1\r\n" HOST
              "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
              NULL));
    CHECK_INT(status(), 400);

    CHECK(ask("POST /small HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\nhello world", NULL));
    CHECK_INT(status(), 413);
    CHECK(!ask("POST /small HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhello worl", "worl"));
    CHECK_INT(status(), 200);
    CHECK(ask("POST /small HTTP/1.1\r\n" HOST
              "Transfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n",
              NULL));
    CHECK_INT(status(), 413);

    fd = dial(); /* larger than any first buffer: the head moves with it */
    static char big[90001];
    memset(big, 'b', 90000);
    say(fd, "POST /echo?long=1 HTTP/1.1\r\n" HOST "Content-Length: 90000\r\n\r\n");
    usleep(20000);
    for (int i = 0; i < 9; i++) {
        send(fd, big, 10000, MSG_NOSIGNAL);
        usleep(2000);
    }
    say(fd, GET("/health"));
    CHECK(!hear(fd, "\r\n\r\nok", 1, LONG_MS));
    CHECK_INT(strspn(strstr(heard, "\r\n\r\n") + 4, "b"), 90000);
    close(fd);
}

/* A refusal reads what the head says of its own form. The head was looked for where it had stood when it came, and a body in
 * chunks had made the buffer grow, and so move, since then. */
static void check_refusal_behind_a_move(const char *end, int want)
{
    static char chunk[60000 + 1];
    memset(chunk, 'b', 60000);
    int fd = dial();
    say(fd, "POST /echo HTTP/1.1\r\n" HOST
            "Origin: https://a.example\r\nAccept: application/msgpack\r\n"
            "Transfer-Encoding: chunked\r\n\r\nea60\r\n");
    for (size_t i = 0; i < 60000; i += 10000) {
        usleep(5000);
        send(fd, chunk, 10000, MSG_NOSIGNAL);
    }
    say(fd, end);
    CHECK(hear(fd, NULL, 0, LONG_MS));
    CHECK_INT(status(), want);
    CHECK(strstr(heard, "Content-Type: application/msgpack\r\n"), "%s", heard);
    CHECK(strstr(heard, "Access-Control-Allow-Origin: https://a.example\r\n"), "%s", heard);
    close(fd);
}

static void check_expect(void)
{
    int fd = dial();
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    CHECK(!hear(fd, "\r\n\r\n", 1, LONG_MS));
    CHECK_STR(heard, "HTTP/1.1 100 Continue\r\n\r\n");
    say(fd, "hello");
    CHECK(!hear(fd, "\r\n\r\nhello", 1, LONG_MS));
    CHECK_INT(status(), 200);
    close(fd);
    CHECK(ask("POST /small HTTP/1.1\r\n" HOST
              "Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n",
              NULL));
    CHECK_INT(status(), 413);
    CHECK(ask("POST /nowhere HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
              NULL));
    CHECK_INT(status(), 404);
}

enum { SHORT_MS = 400 }; /* a deadline that is waited for; the others are too far away to help */

/* Ended at its deadline: not at once, and not by another one. */
static void check_lived(int64_t start, const char *what)
{
    int64_t ms = mono_ms() - start;
    CHECK(ms >= SHORT_MS / 2 && ms < LONG_MS, "%s lived %d ms", what, (int)ms);
}

/* A byte every 50 ms resets no deadline. */
static void drip(const char *first, const char *bytes, const char *what)
{
    int64_t start = mono_ms();
    int fd = dial();
    say(fd, first);
    bool ended = false;
    while (!ended && mono_ms() < start + LONG_MS) {
        say(fd, bytes);
        ended = hear(fd, NULL, 0, 50) || n_heard > 0;
    }
    CHECK(ended);
    CHECK_INT(status(), 408);
    close(fd);
    check_lived(start, what);
}

static void check_head_deadline(void)
{
    struct http_limits limits = tiny;
    limits.head_ms = SHORT_MS;
    site_open(&limits, 1);
    drip("GET / HTTP/1.1\r\nA: ", "b", "a dripping head");
    int64_t start = mono_ms(); /* says nothing at all: closed without a word */
    int fd = dial();
    CHECK(hear(fd, NULL, 0, LONG_MS));
    CHECK_INT(n_heard, 0);
    check_lived(start, "a silent connection");
    close(fd);
    site_close();
}

static void check_body_deadline(void)
{
    struct http_limits limits = tiny;
    limits.body_ms = SHORT_MS;
    site_open(&limits, 1);
    drip("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 90000\r\n\r\n", "b", "a dripping body");
    drip("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n",
         "a dripping chunked body");
    site_close();
}

static void check_idle_deadline(void)
{
    struct http_limits limits = tiny;
    limits.idle_ms = SHORT_MS;
    site_open(&limits, 1);
    int64_t start = mono_ms();
    int fd = dial();
    say(fd, GET("/health"));
    CHECK(hear(fd, NULL, 0, LONG_MS));
    CHECK_INT(status(), 200);
    check_lived(start, "an idle connection");
    close(fd);
    site_close();
}

/* Does not read its answer. */
static void check_write_deadline(void)
{
    struct http_limits limits = tiny;
    limits.write_ms = SHORT_MS;
    site_open(&limits, 1);
    int64_t timeouts = stat_get(STAT_HTTP_TIMEOUTS);
    int fd = dial(), little = 16384;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
    say(fd, GET("/big"));
    WAIT(stat_get(STAT_HTTP_TIMEOUTS) > timeouts);
    say(fd, GET("/health"));
    ssize_t got, all = 0;
    while ((got = read(fd, heard, sizeof(heard))) > 0)
        all += got;
    CHECK(all > 0 && all < 16 << 20, "%zd bytes came although nobody read for write_ms", all);
    close(fd);
    site_close();
}

static void check_deadlines(void)
{
    int64_t timeouts = stat_get(STAT_HTTP_TIMEOUTS);
    check_head_deadline();
    check_body_deadline();
    check_idle_deadline();
    check_write_deadline();
    CHECK_INT(stat_get(STAT_HTTP_TIMEOUTS) - timeouts, 6);
}

static void check_cap(unsigned cap)
{
    int fds[64];
    int64_t refused = stat_get(STAT_HTTP_REFUSED);
    for (unsigned i = 0; i < cap + 3; i++) {
        fds[i] = dial();
        say(fds[i], GET("/health"));
        bool ended = hear(fds[i], "\r\n\r\n", 1, LONG_MS);
        if (i < cap)
            CHECK(!ended && status() == 200, "connection %u", i);
        else
            CHECK(ended || status() == 503, "connection %u of %u: %s", i, cap, heard);
    }
    CHECK_INT(stat_get(STAT_HTTP_REFUSED) - refused, 3);
    for (unsigned i = 0; i < cap + 3; i++)
        close(fds[i]);
    WAIT(stat_get(STAT_HTTP_CONNECTIONS) == 0);
    CHECK(!ask(GET("/health"), "\r\n\r\nok")); /* there is room again */
    CHECK_INT(status(), 200);
}

static void check_listen(void)
{
    static const char *const bad[] = {
        "8080", "127.0.0.1:", "[::1:80", "127.0.0.1:123456", "1.2.3.4.5:80", ""};
    struct http_options o = {
        .routes = routes, .n_routes = COUNT_OF(routes), .limits = tiny, .clock_ms = wall_ms};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err err = {0};
        o.listen = bad[i];
        CHECK(!http_new(&o, &err) && err.set, "listen %s", bad[i]);
    }
    char taken[32];
    struct err err = {0};
    o.listen = "127.0.0.1:0";
    for (unsigned fronts = 1; fronts <= 2;
         fronts++) { /* two servers never share a port by mistake */
        o.listen = "127.0.0.1:0";
        o.fronts = fronts;
        struct http *h = http_new(&o, &err);
        CHECK(h, "%s", err.text);
        snprintf(taken, sizeof(taken), "127.0.0.1:%d", http_port(h));
        o.listen = taken;
        struct err second = {0};
        CHECK(!http_new(&o, &second) && second.set);
        http_free(h);
    }
    struct http_limits limits = tiny;
    limits.per_address = 5;
    limits.connections = 50;
    site_open(&limits, 1);
    check_cap(5);
    site_close();
}

int main(void)
{
    site_open(&tiny, 1);
    check_plain();
    check_refusals();
    check_pipelining();
    check_async();
    check_bodies();
    check_refusal_behind_a_move("\r\n0x5\r\n", 400);
    check_refusal_behind_a_move("\r\nea60\r\n", 413);
    check_expect();
    WAIT(stat_get(STAT_HTTP_CONNECTIONS) == 0);
    check_cap(tiny.connections);
    site_close();
    check_deadlines();
    check_listen();
    return check_done();
}
