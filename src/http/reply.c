/* reply.c -- an answer: its head, its headers, its body, written into the connection's buffer and
 * not sent yet.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/http_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <time.h>

static const struct {
    int status;
    const char *text;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *http_reason(int status)
{
    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Unknown";
}

static void put(struct buf *b, struct str s)
{
    buf_put(b, s.p, s.n);
}

static void put_number(struct buf *b, uint64_t n)
{
    char digits[20], *p = digits + sizeof(digits);
    do
        *--p = (char)('0' + n % 10);
    while (n /= 10);
    buf_put(b, p, (size_t)(digits + sizeof(digits) - p));
}

/* The Date line is made once a second. */
static void put_date(struct http_req *r, struct buf *b)
{
    struct http_front *f = r->conn->front;
    int64_t now_ms = r->now_ms ? r->now_ms : f->http->options.clock_ms();
    if (f->date_s != now_ms / 1000) {
        time_t t = now_ms / 1000;
        struct tm tm;
        gmtime_r(&t, &tm);
        strftime(f->date, sizeof(f->date), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
        f->date_s = now_ms / 1000;
    }
    buf_puts(b, f->date);
}

static void put_cors(struct http_req *r, struct buf *b)
{
    struct str origin = http_header(r, "origin");
    if (!origin.n || r->has_cors)
        return;
    put(b, STR("Access-Control-Allow-Origin: "));
    put(b, origin);
    put(b, STR("\r\nAccess-Control-Allow-Credentials: true\r\nVary: Origin\r\n"));
}

/* The last answer of a connection says so; when draining, that is the last request under way. */
static void put_connection(struct http_req *r, struct buf *b)
{
    struct conn *c = r->conn;
    if (!r->head.keep_alive || (c->front->draining && r == c->last)) {
        c->no_more = true;
        put(b, STR("Connection: close\r\n"));
    } else if (r->head.minor == 0) {
        put(b, STR("Connection: keep-alive\r\n"));
    }
}

void reply_head(struct http_req *r, struct buf *b, int status, const char *type)
{
    if (status == 200) {
        put(b, STR("HTTP/1.1 200 OK\r\n"));
    } else {
        put(b, STR("HTTP/1.1 "));
        put_number(b, (uint64_t)status);
        buf_putc(b, ' ');
        buf_puts(b, http_reason(status));
        put(b, STR("\r\n"));
    }
    put_date(r, b);
    if (type) {
        put(b, STR("Content-Type: "));
        buf_puts(b, type);
        put(b, STR("\r\n"));
    }
    put(b, buf_str(&r->headers));
    if (status >= 400 && r->server_made)
        put_cors(r, b);
    put_connection(r, b);
}

void http_add_header(struct http_req *r, const char *name, struct str value)
{
    for (size_t i = 0; i < value.n; i++)
        assert(value.p[i] != '\r' && value.p[i] != '\n' && value.p[i] != 0);
    r->has_cors |= str_eq_nocase(str_of(name), STR("access-control-allow-origin"));
    buf_puts(&r->headers, name);
    put(&r->headers, STR(": "));
    put(&r->headers, value);
    put(&r->headers, STR("\r\n"));
}

void http_reply(struct http_req *r, int status, const char *type, struct str body)
{
    assert(!r->answered);
    stat_add(STAT_HTTP_REQUESTS, 1);
    if (status >= 400)
        stat_add(STAT_HTTP_ERRORS, 1);
    if (!r->conn->dead) {
        struct buf *out = req_out(r);
        buf_reserve(out, 512 + r->headers.n + body.n);
        reply_head(r, out, status, type);
        if (status != 204 && status != 304) {
            put(out, STR("Content-Length: "));
            put_number(out, body.n);
            put(out, STR("\r\n"));
        }
        put(out, STR("\r\n"));
        if (!r->is_head && status != 204 && status != 304)
            put(out, body);
    }
    req_done(r);
}

static const char *default_detail(int status)
{
    switch (status) {
    case 404:
        return "nothing is served at this path";
    case 405:
        return "this path does not know this method";
    case 501:
        return "no path knows this method";
    default:
        return "";
    }
}

void req_refuse(struct http_req *r, int status, const char *detail)
{
    r->server_made = true;
    if (status == 405 || status == 204) {
        r->scratch.n = 0;
        route_allow(r->conn->front->http->routes, &r->head, &r->scratch);
        http_add_header(r, "Allow", buf_str(&r->scratch));
    }
    if (status == 204)
        http_reply(r, 204, NULL, STR(""));
    else
        http_reply_problem(r, status, "%s", detail ? detail : default_detail(status));
}
