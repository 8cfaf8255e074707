/* test_http_reader.c -- request heads: what is read, what is refused, and that neither depends on
 * how the bytes arrive.
 *
 * Every input is copied right up against an unreadable page, so that a reader which looks one byte
 * too far dies; and every prefix of it is read too: it must want more, or refuse as the whole is
 * refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "http/http.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define H   "Host: x\r\n"
#define END "\r\n"

static const struct http_read_limits limits = {.line = 200, .head = 4000};

static const struct {
    const char *name, *in;
    int want; /* 0: accepted whole; 1: needs more; else the status */
} cases[] = {
    {"plain get", "GET / HTTP/1.1\r\n" H END, 0},
    {"query", "GET /i?e=pv&p=web HTTP/1.1\r\n" H END, 0},
    {"http/1.0 without host", "GET / HTTP/1.0\r\n\r\n", 0},
    {"host with port", "GET / HTTP/1.1\r\nHost: a.example:8080\r\n\r\n", 0},
    {"host v6", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0},
    {"empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 0},
    {"value trimmed", "GET / HTTP/1.1\r\n" H "A: \t b c \t\r\n\r\n", 0},
    {"empty value", "GET / HTTP/1.1\r\n" H "A:\r\n\r\n", 0},
    {"utf-8 in a value", "GET / HTTP/1.1\r\n" H "A: \xc3\xa4\r\n\r\n", 0},
    {"every token character", "GET / HTTP/1.1\r\n" H "!#$%&'*+-.^_`|~09azAZ: 1\r\n\r\n", 0},
    {"options star", "OPTIONS * HTTP/1.1\r\n" H END, 0},
    {"absolute form", "GET http://x/a?b HTTP/1.1\r\n" H END, 0},
    {"absolute form, no path", "GET http://x:80?b HTTP/1.1\r\n" H END, 0},
    {"unencoded braces in a query", "GET /i?a={\"b\"|c}^`\\ HTTP/1.1\r\n" H END, 0},
    {"percent in a query", "GET /i?a=100%&b=%zz HTTP/1.1\r\n" H END, 0},
    {"unknown method", "BREW /pot HTTP/1.1\r\n" H END, 0},
    {"content-length", "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n", 0},
    {"content-length 0", "POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", 0},
    {"chunked", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n", 0},
    {"chunked in capitals", "POST / HTTP/1.1\r\n" H "TRANSFER-ENCODING: Chunked\r\n\r\n", 0},
    {"expect", "POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n", 0},
    {"one empty line before", "\r\nGET / HTTP/1.1\r\n" H END, 0},

    {"nothing", "", 1},
    {"no end", "GET / HTTP/1.1\r\n" H, 1},
    {"end without its lf", "GET / HTTP/1.1\r\n" H "\r", 1},

    {"two empty lines before", "\r\n\r\nGET / HTTP/1.1\r\n" H END, 400},
    {"lf before", "\nGET / HTTP/1.1\r\n" H END, 400},
    {"bare lf after the request line", "GET / HTTP/1.1\nHost: x\r\n\r\n", 400},
    {"bare lf after a header", "GET / HTTP/1.1\r\nHost: x\n\r\n", 400},
    {"bare lf at the end", "GET / HTTP/1.1\r\n" H "\n", 400},
    {"bare cr in a header", "GET / HTTP/1.1\r\n" H "A: b\rc\r\n\r\n", 400},
    {"cr cr lf", "GET / HTTP/1.1\r\n" H "A: b\r\r\n\r\n", 400},
    {"folded line, blank", "GET / HTTP/1.1\r\n" H "A: b\r\n c\r\n\r\n", 400},
    {"folded line, tab", "GET / HTTP/1.1\r\n" H "A: b\r\n\tc\r\n\r\n", 400},
    {"blank before the first header", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
    {"blank before the colon", "GET / HTTP/1.1\r\n" H "Content-Length : 5\r\n\r\n", 400},
    {"tab before the colon", "GET / HTTP/1.1\r\n" H "A\t: 5\r\n\r\n", 400},
    {"empty name", "GET / HTTP/1.1\r\n" H ": 5\r\n\r\n", 400},
    {"no colon", "GET / HTTP/1.1\r\n" H "abc\r\n\r\n", 400},
    {"name with a bracket", "GET / HTTP/1.1\r\n" H "a[0]: 5\r\n\r\n", 400},
    {"name in utf-8", "GET / HTTP/1.1\r\n" H "\xc3\xa4: 5\r\n\r\n", 400},
    {"control in a value", "GET / HTTP/1.1\r\n" H "A: \x01\r\n\r\n", 400},
    {"del in a value", "GET / HTTP/1.1\r\n" H "A: aaaaaaaaaaaa\x7f\r\n\r\n", 400},
    {"escape in a long value",
     "GET / HTTP/1.1\r\n" H "A: aaaaaaaaaaaa\x1b"
     "bbbbbbbb\r\n\r\n",
     400},

    {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
    {"two hosts", "GET / HTTP/1.1\r\n" H H END, 400},
    {"two hosts in 1.0", "GET / HTTP/1.0\r\n" H H END, 400},
    {"host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
    {"host with a user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
    {"host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"host with a bad port", "GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", 400},
    {"host with half a v6", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},

    {"no version", "GET /\r\n" H END, 400},
    {"no target", "GET HTTP/1.1\r\n" H END, 400},
    {"two blanks", "GET  / HTTP/1.1\r\n" H END, 400},
    {"two blanks before the version", "GET /  HTTP/1.1\r\n" H END, 400},
    {"blank behind the version", "GET / HTTP/1.1 \r\n" H END, 400},
    {"blank before the method", " GET / HTTP/1.1\r\n" H END, 400},
    {"tab for a blank", "GET\t/ HTTP/1.1\r\n" H END, 400},
    {"version in small letters", "GET / http/1.1\r\n" H END, 400},
    {"version 1", "GET / HTTP/1\r\n" H END, 400},
    {"version 1.10", "GET / HTTP/1.10\r\n" H END, 400},
    {"version 1.2", "GET / HTTP/1.2\r\n" H END, 505},
    {"version 2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"method not a token", "GE(T / HTTP/1.1\r\n" H END, 400},
    {"tls", "\x16\x03\x01\x02", 400},
    {"target with a fragment", "GET /a#b HTTP/1.1\r\n" H END, 400},
    {"target in utf-8", "GET /\xc3\xa4 HTTP/1.1\r\n" H END, 400},
    {"target with a control", "GET /\x01 HTTP/1.1\r\n" H END, 400},
    {"target without a slash", "GET a HTTP/1.1\r\n" H END, 400},
    {"star for get", "GET * HTTP/1.1\r\n" H END, 400},
    {"encoded nul in the path", "GET /a%00b HTTP/1.1\r\n" H END, 400},
    {"broken escape in the path", "GET /a%2 HTTP/1.1\r\n" H END, 400},
    {"broken escape in the path 2", "GET /a%zz HTTP/1.1\r\n" H END, 400},
    {"absolute form, other scheme", "GET ftp://x/ HTTP/1.1\r\n" H END, 400},
    {"absolute form, no host", "GET http:///a HTTP/1.1\r\n" H END, 400},
    {"absolute form, user", "GET http://a@b/ HTTP/1.1\r\n" H END, 400},
    {"connect", "CONNECT x:80 HTTP/1.1\r\n" H END, 501},

    {"two lengths", "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
    {"two equal lengths", "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
     400},
    {"length list", "POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n", 400},
    {"length +5", "POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n", 400},
    {"length -5", "POST / HTTP/1.1\r\n" H "Content-Length: -5\r\n\r\n", 400},
    {"length 0x5", "POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n", 400},
    {"length 5a", "POST / HTTP/1.1\r\n" H "Content-Length: 5a\r\n\r\n", 400},
    {"length 5 5", "POST / HTTP/1.1\r\n" H "Content-Length: 5 5\r\n\r\n", 400},
    {"empty length", "POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", 400},
    {"length past 64 bits", "POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551621\r\n\r\n",
     413},
    {"length and chunks",
     "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"chunks and length",
     "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400},
    {"xchunked", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", 400},
    {"identity", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", 400},
    {"empty encoding", "POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n", 400},
    {"gzip, chunked", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
    {"chunked, gzip", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, gzip\r\n\r\n", 400},
    {"chunked, chunked", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n\r\n",
     400},
    {"chunked twice",
     "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
     400},
    {"gzip, then chunked",
     "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"chunked with a parameter", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked;q=1\r\n\r\n",
     400},
    {"chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"other expectation", "POST / HTTP/1.1\r\n" H "Expect: 200-ok\r\n\r\n", 417},
};

/* A copy of in that ends where an unreadable page begins. */
static const char *page_end;

static struct str against_the_wall(struct str in)
{
    enum { PAGES = 16 };
    static char *map;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (!map) {
        map = mmap(NULL, (PAGES + 1) * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                   -1, 0);
        mprotect(map + PAGES * page, page, PROT_NONE);
        page_end = map + PAGES * page;
    }
    char *p = (char *)page_end - in.n;
    if (in.n)
        memcpy(p, in.p, in.n);
    return (struct str){p, in.n};
}

static int read_walled(struct str in, struct http_head *h, const char **why)
{
    return http_read_head(against_the_wall(in), &limits, h, why);
}

static void check_case(const char *name, struct str in, int want)
{
    struct http_head h;
    const char *why;
    int whole = read_walled(in, &h, &why);
    int expected = want == 0 ? (int)in.n : want == 1 ? 0 : -want;
    CHECK(whole == expected, "%s: got %d, want %d (%s)", name, whole, expected, why);
    CHECK(whole >= 0 || *why, "%s: no reason", name);
    for (size_t n = 0; n < in.n; n++) {
        int part = read_walled((struct str){in.p, n}, &h, &why);
        CHECK(part == 0 || (part < 0 && part == whole), "%s cut at %zu: got %d, whole %d", name, n,
              part, whole);
    }
    /* what follows the head changes nothing */
    char longer[8192];
    memcpy(longer, in.p, in.n);
    memcpy(longer + in.n, "GET \n\0\xff", 7);
    if (want != 1)
        CHECK_INT(read_walled((struct str){longer, in.n + 7}, &h, &why), whole);
}

static void check_limits(void)
{
    char in[8192];
    struct http_head h;
    const char *why;
    for (size_t line = 190; line <= 210; line++) { /* a request line of exactly that many bytes */
        size_t n = (size_t)snprintf(in, sizeof(in), "GET /");
        memset(in + n, 'a', line - 14);
        n += line - 14;
        n += (size_t)snprintf(in + n, sizeof(in) - n, " HTTP/1.1\r\n" H END);
        check_case("line", (struct str){in, n}, line <= limits.line ? 0 : 414);
    }
    for (size_t want = 3990; want <= 4010; want++) { /* a head of exactly that many bytes */
        size_t n = (size_t)snprintf(in, sizeof(in), "GET / HTTP/1.1\r\n" H "A: ");
        memset(in + n, 'a', want - n - 4);
        memcpy(in + want - 4, "\r\n\r\n", 4);
        check_case("head", (struct str){in, want}, want <= limits.head ? 0 : 431);
    }
    for (int headers = 98; headers <= 103; headers++) { /* Host is one of them */
        size_t n = (size_t)snprintf(in, sizeof(in), "GET / HTTP/1.1\r\n" H);
        for (int i = 1; i < headers; i++)
            n += (size_t)snprintf(in + n, sizeof(in) - n, "A: 1\r\n");
        n += (size_t)snprintf(in + n, sizeof(in) - n, "\r\n");
        check_case("headers", (struct str){in, n}, headers <= HTTP_HEADERS_MAX ? 0 : 431);
    }
    memset(in, 'a', sizeof(in));
    CHECK_INT(http_read_head((struct str){in, sizeof(in)}, &limits, &h, &why), -414);
}

static struct http_head read_ok(const char *in)
{
    static struct http_head h;
    const char *why;
    CHECK_INT(http_read_head(str_of(in), &limits, &h, &why), strlen(in));
    return h;
}

static void check_fields(void)
{
    struct http_head h =
        read_ok("GET /a/b?c=d?e HTTP/1.1\r\nhOsT: x\r\nX-A: \t v \t\r\nB:\r\n\r\n");
    CHECK(str_eqz(h.method, "GET"));
    CHECK(str_eqz(h.target, "/a/b?c=d?e"));
    CHECK(str_eqz(h.path, "/a/b"));
    CHECK(str_eqz(h.query, "c=d?e"));
    CHECK_INT(h.n_headers, 3);
    CHECK(str_eqz(h.headers[1].name, "X-A"));
    CHECK(str_eqz(h.headers[1].value, "v"));
    CHECK(str_eqz(h.headers[2].value, ""));
    CHECK_INT(h.minor, 1);
    CHECK(h.keep_alive && !h.chunked && !h.has_length && !h.expect_continue);

    h = read_ok("GET http://x.example:80?q HTTP/1.1\r\n" H END);
    CHECK(str_eqz(h.path, "/"));
    CHECK(str_eqz(h.query, "q"));
    h = read_ok("GET HTTPS://x/p/q HTTP/1.1\r\n" H END);
    CHECK(str_eqz(h.path, "/p/q"));
    h = read_ok("OPTIONS * HTTP/1.1\r\n" H END);
    CHECK(str_eqz(h.path, "*"));

    CHECK(!read_ok("GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n").keep_alive);
    CHECK(!read_ok("GET / HTTP/1.1\r\n" H "Connection: keep-alive, Close\r\n\r\n").keep_alive);
    CHECK(!read_ok("GET / HTTP/1.0\r\n\r\n").keep_alive);
    CHECK(read_ok("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
    h = read_ok("POST / HTTP/1.1\r\n" H "Content-Length: 007\r\nExpect: 100-Continue\r\n\r\n");
    CHECK(h.has_length && h.expect_continue);
    CHECK_INT(h.length, 7);
    CHECK(!read_ok("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").expect_continue);
    CHECK(read_ok("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n").chunked);
}

/* NUL cannot stand in the table. */
static void check_nul(void)
{
    static const char in_value[] = "GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n";
    static const char in_name[] = "GET / HTTP/1.1\r\nHost: x\r\nA\0: b\r\n\r\n";
    static const char in_target[] = "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n";
    static const char in_host[] = "GET / HTTP/1.1\r\nHost: x\0y\r\n\r\n";
    check_case("nul in a value", STR(in_value), 400);
    check_case("nul in a name", STR(in_name), 400);
    check_case("nul in the target", STR(in_target), 400);
    check_case("nul in the host", STR(in_host), 400);
}

int main(void)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_case(cases[i].name, str_of(cases[i].in), cases[i].want);
    check_nul();
    check_limits();
    check_fields();
    return check_done();
}
