/* test_http_body.c -- bodies as trees, answers as the client asked for them, problems.
 *
 * A request is put together by hand, without a socket: what it answers is then found in its
 * connection's buffer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "http/http_internal.h"

#include <stdlib.h>

static struct http server;
static struct http_front front;
static struct conn conn;
static char bytes[1 << 16];
static size_t n_head;

static int64_t clock_ms(void)
{
    return 1700000000000;
}

static struct http_req *request(const char *headers, struct str body)
{
    struct http_read_limits limits = {sizeof(bytes), sizeof(bytes)};
    const char *why;
    n_head =
        (size_t)snprintf(bytes, sizeof(bytes), "POST / HTTP/1.1\r\nHost: x\r\n%s\r\n", headers);
    memcpy(bytes + n_head, body.p, body.n);
    conn.out.n = 0;
    struct http_req *r = req_new(&conn);
    CHECK(http_read_head((struct str){bytes, n_head}, &limits, &r->head, &why) > 0, "%s", why);
    r->body = (struct str){bytes + n_head, body.n};
    req_push(&conn, r);
    return r;
}

/* Answers what it was sent. Returns the answer, terminated. */
static const char *echo(const char *headers, struct str body)
{
    struct http_req *r = request(headers, body);
    struct val v;
    if (http_body_val(r, &v))
        http_reply_val(r, 200, &v);
    buf_putc(&conn.out, 0);
    conn.out.n--;
    front.first_dirty = NULL;
    conn.dirty = false;
    return conn.out.p;
}

static int status_of(const char *answer)
{
    return atoi(answer + 9);
}

static const char *body_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    return end ? end + 4 : "";
}

#define JSON    "Content-Type: application/json\r\n"
#define MSGPACK "Content-Type: application/msgpack\r\n"

static void check_types(void)
{
    static const struct {
        const char *headers;
        int status;
    } json[] = {
        {"", 200},
        {JSON, 200},
        {"Content-Type: application/json; charset=UTF-8\r\n", 200},
        {"Content-Type: Application/JSON ;x=y\r\n", 200},
        {"Content-Type: text/json\r\n", 415},
        {"Content-Type: application/jsonx\r\n", 415},
        {"Content-Type: text/plain\r\n", 415},
        {"Content-Type:\r\n", 415},
        {MSGPACK, 400}, /* '[' is a number there, and bytes follow */
    };
    static const char *const msgpack[] = {MSGPACK, "Content-Type: application/x-msgpack\r\n",
                                          "Content-Type: application/vnd.msgpack; v=5\r\n"};
    for (size_t i = 0; i < COUNT_OF(json); i++) {
        int status = status_of(echo(json[i].headers, STR("[1]")));
        CHECK(status == json[i].status, "%s got %d", json[i].headers, status);
    }
    for (size_t i = 0; i < COUNT_OF(msgpack); i++)
        CHECK_STR(body_of(echo(msgpack[i], STR("\x81\xa1k\x92\xc3\xff"))), "{\"k\":[true,-1]}");
    CHECK_INT(status_of(echo(JSON, STR("\x91\x01"))), 400);
}

static void check_json(void)
{
    static const struct {
        const char *in, *out; /* NULL: refused */
    } cases[] = {
        {"{\"a\":1,\"b\":[2.5,null,true,false,\"\\u00e4\"]}",
         "{\"a\":1,\"b\":[2.5,null,true,false,\"\xc3\xa4\"]}"},
        {" 7 ", "7"},
        {"\"s\"", "\"s\""},
        {"9223372036854775807", "9223372036854775807"},
        {"9223372036854775808", NULL},
        {"1e999", NULL},
        {"{}", "{}"},
        {"[]", "[]"},
        {"{\"a\":1,\"a\":2}", NULL},
        {"{\"a\":{\"b\":1,\"b\":1}}", NULL},
        {"{\"a\":1}x", NULL},
        {"{\"a\":1,}", NULL},
        {"{'a':1}", NULL},
        {"[NaN]", NULL},
        {"\"\\u0000\"", NULL},
        {"\"\\ud800\"", NULL},
        {"\"\xff\"", NULL},
        {"", NULL},
        {"  ", NULL},
        {"[", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *answer = echo(JSON, str_of(cases[i].in));
        CHECK(status_of(answer) == (cases[i].out ? 200 : 400), "%s: %s", cases[i].in, answer);
        if (cases[i].out)
            CHECK_STR(body_of(answer), cases[i].out);
        else
            CHECK(strstr(answer, "application/problem+json"));
    }
}

/* n lists in one another */
static struct str nested(char *out, int n, char open, char close)
{
    memset(out, open, (size_t)n);
    memset(out + n, close, (size_t)n);
    return (struct str){out, (size_t)n * 2};
}

static void check_depth(void)
{
    static char deep[20000];
    CHECK_INT(status_of(echo(JSON, nested(deep, MP_DEPTH_MAX, '[', ']'))), 200);
    CHECK_INT(status_of(echo(JSON, nested(deep, MP_DEPTH_MAX + 2, '[', ']'))), 400);
    CHECK_INT(status_of(echo(JSON, nested(deep, 10000, '[', ']'))), 400);
    memset(deep, 0x91, 10000);
    CHECK_INT(status_of(echo(MSGPACK, (struct str){deep, 10000})), 400);
}

static void check_msgpack(void)
{
    CHECK_INT(status_of(echo(MSGPACK, STR("\x82\xa1"
                                          "a\x01\xa1"
                                          "b\x02"))),
              200);
    CHECK_INT(status_of(echo(MSGPACK, STR("\x82\xa1"
                                          "a\x01\xa1"
                                          "a\x02"))),
              400); /* a key twice */
    CHECK_INT(status_of(echo(MSGPACK, STR("\x91\x82\xa1"
                                          "a\x01\xa1"
                                          "a\x02"))),
              400);
    CHECK_INT(status_of(echo(MSGPACK, STR("\x82\xa1"
                                          "a\x01\xd9\x01"
                                          "a\x02"))),
              400);                                            /* in two spellings */
    CHECK_INT(status_of(echo(MSGPACK, STR("\x01\x02"))), 400); /* bytes behind it */
    CHECK_INT(status_of(echo(MSGPACK, STR("\x92\x01"))), 400); /* ends early */
    CHECK_INT(status_of(echo(MSGPACK, STR("\xdd\x10\x00\x00\x00"))),
              400); /* a count to be feared */
    CHECK_INT(status_of(echo(MSGPACK, STR("\xc1"))), 400);
    CHECK_INT(status_of(echo(MSGPACK, STR(""))), 400);
}

static void check_accept(void)
{
    static const struct {
        const char *accept;
        bool msgpack;
    } cases[] = {
        {"", false},
        {"Accept: */*\r\n", false},
        {"Accept: application/*\r\n", false},
        {"Accept: text/html\r\n", false},
        {"Accept: application/msgpack\r\n", true},
        {"Accept: application/x-msgpack\r\n", true},
        {"Accept: Application/Vnd.Msgpack\r\n", true},
        {"Accept: application/msgpack;q=0\r\n", false},
        {"Accept: application/msgpack;q=0.001\r\n", true},
        {"Accept: application/msgpack, application/json\r\n", false},
        {"Accept: application/json;q=0.9, application/msgpack\r\n", true},
        {"Accept: application/json;q=0.5, application/msgpack;q=0.4\r\n", false},
        {"Accept: application/msgpack, */*;q=0.8\r\n", true},
        {"Accept: application/msgpack;q=0.5, */*\r\n", false},
        {"Accept: application/json;q=0, */*, application/msgpack;q=0.1\r\n", true},
        {"Accept: application/msgpack ; v=5 ; Q=0.7 , application/*;q=0.6\r\n", true},
        {"Accept: application/json;q=0.2\r\nAccept: application/msgpack;q=0.3\r\n", true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *answer = echo(cases[i].accept, STR("[1]"));
        CHECK_INT(status_of(answer), 200);
        CHECK((strstr(answer, "Content-Type: application/msgpack\r\n") != NULL) == cases[i].msgpack,
              "%s", cases[i].accept);
        CHECK_STR(body_of(answer), cases[i].msgpack ? "\x91\x01" : "[1]");
    }
}

static void check_problems(void)
{
    struct http_req *r = request("Origin: https://a.example\r\n", STR(""));
    http_reply_problem(r, 409, "%s is \"taken\"", "x");
    buf_putc(&conn.out, 0);
    CHECK(strstr(conn.out.p, "HTTP/1.1 409 Conflict\r\n"));
    CHECK(strstr(conn.out.p, "Content-Type: application/problem+json\r\n"));
    CHECK(!strstr(conn.out.p, "Access-Control")); /* the handler's own affair */
    CHECK_STR(body_of(conn.out.p), "{\"type\":\"about:blank\",\"title\":\"Conflict\",\"status\":"
                                   "409,\"detail\":\"x is \\\"taken\\\"\"}");

    const char *answer = echo("Origin: https://a.example\r\nContent-Type: a/b\r\n", STR("x"));
    CHECK(strstr(answer, "Access-Control-Allow-Origin: https://a.example\r\n"));
    CHECK(strstr(answer, "Access-Control-Allow-Credentials: true\r\n"));
    answer = echo("Accept: application/msgpack\r\nContent-Type: a/b\r\n", STR("x"));
    CHECK(strstr(answer, "Content-Type: application/msgpack\r\n"));

    r = request("Origin: https://a.example\r\n", STR("{"));
    http_add_header(r, "Access-Control-Allow-Origin", STR("*"));
    struct val v;
    CHECK(!http_body_val(r, &v));
    buf_putc(&conn.out, 0);
    CHECK(strstr(conn.out.p, "Access-Control-Allow-Origin: *\r\n"));
    CHECK(!strstr(conn.out.p, "Access-Control-Allow-Origin: https"));
}

int main(void)
{
    server.options.clock_ms = clock_ms;
    front.http = &server;
    front.date_s = -1;
    conn.front = &front;
    conn.running = true; /* nobody flushes */
    check_types();
    check_json();
    check_depth();
    check_msgpack();
    check_accept();
    check_problems();
    buf_fini(&conn.out);
    return check_done();
}
