/* reader.c -- the head of an HTTP/1.1 request, read strictly by a function without memory.
 *
 * Whatever two readers of one connection could understand differently is refused, because the
 * second reader is a proxy and the difference is how requests are smuggled: two lengths, a length
 * and chunks, a bare LF, a folded line, a blank before the colon, NUL. Three liberties remain: one
 * empty line before the request (RFC 9112, 2.2), an absolute-form target (3.2.2: its path and query
 * count, its authority must be well-formed and is otherwise ignored), and an empty Host.
 *
 * Every check looks at the bytes up to one position and nothing behind it, in order, so that a
 * request that arrives byte by byte is judged like one that arrives whole.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/http.h"

enum { TOKEN = 1, TARGET = 2, VALUE = 4, HOST = 8 };

static const uint8_t classes[256] = {
    ['\t'] = VALUE,
    [' '] = VALUE,
    ['!'] = TOKEN | TARGET | VALUE | HOST,
    ['"'] = TARGET | VALUE,
    ['#'] = TOKEN | VALUE,
    ['$'] = TOKEN | TARGET | VALUE | HOST,
    ['%'] = TOKEN | TARGET | VALUE | HOST,
    ['&'] = TOKEN | TARGET | VALUE | HOST,
    ['\''] = TOKEN | TARGET | VALUE | HOST,
    ['('] = TARGET | VALUE | HOST,
    [')'] = TARGET | VALUE | HOST,
    ['*'] = TOKEN | TARGET | VALUE | HOST,
    ['+'] = TOKEN | TARGET | VALUE | HOST,
    [','] = TARGET | VALUE,
    ['-'] = TOKEN | TARGET | VALUE | HOST,
    ['.'] = TOKEN | TARGET | VALUE | HOST,
    ['/'] = TARGET | VALUE,
    ['0' ... '9'] = TOKEN | TARGET | VALUE | HOST,
    [':'] = TARGET | VALUE,
    [';'] = TARGET | VALUE | HOST,
    ['<'] = TARGET | VALUE,
    ['='] = TARGET | VALUE | HOST,
    ['>' ... '@'] = TARGET | VALUE,
    ['A' ... 'Z'] = TOKEN | TARGET | VALUE | HOST,
    ['[' ... ']'] = TARGET | VALUE,
    ['^'] = TOKEN | TARGET | VALUE,
    ['_'] = TOKEN | TARGET | VALUE | HOST,
    ['`'] = TOKEN | TARGET | VALUE,
    ['a' ... 'z'] = TOKEN | TARGET | VALUE | HOST,
    ['{'] = TARGET | VALUE,
    ['|'] = TOKEN | TARGET | VALUE,
    ['}'] = TARGET | VALUE,
    ['~'] = TOKEN | TARGET | VALUE | HOST,
    [0x80 ... 0xff] = VALUE,
};

struct reader {
    const char *p;
    size_t i, n;
    size_t line_start, line_max;
    struct http_head *head;
    const char **why;
    bool has_host, says_close, says_keep;
};

enum { MORE = 0, GO_ON = 1 };

static int refuse(struct reader *r, int status, const char *why)
{
    *r->why = why;
    return -status;
}

static struct str skip_class(struct reader *r, uint8_t class)
{
    size_t from = r->i;
    while (r->i < r->n && (classes[(uint8_t)r->p[r->i]] & class))
        r->i++;
    return (struct str){r->p + from, r->i - from};
}

/* Values are most of a head, so eight bytes at a time while none of them is a control character. */
static struct str skip_value(struct reader *r)
{
    size_t from = r->i;
    for (; r->n - r->i >= 8; r->i += 8) {
        const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
        uint64_t w;
        memcpy(&w, r->p + r->i, 8);
        uint64_t below_blank = (w - ones * 0x20) & ~w;
        uint64_t del = w ^ (ones * 0x7f);
        if ((below_blank | ((del - ones) & ~del)) & tops)
            break;
    }
    skip_class(r, VALUE);
    return (struct str){r->p + from, r->i - from};
}

static int read_crlf(struct reader *r, const char *why)
{
    if (r->i == r->n)
        return MORE;
    if (r->p[r->i] != '\r')
        return refuse(r, 400, why);
    if (r->i + 1 == r->n)
        return MORE;
    if (r->p[r->i + 1] != '\n')
        return refuse(r, 400, "a CR without its LF");
    r->i += 2;
    return GO_ON;
}

static bool line_too_long(const struct reader *r)
{
    size_t n = r->i - r->line_start;
    return n > r->line_max || (n == r->line_max && r->i < r->n && r->p[r->i] != '\r');
}

/* A run of one class and the blank behind it. */
static int read_word(struct reader *r, uint8_t class, struct str *out, const char *why)
{
    *out = skip_class(r, class);
    if (line_too_long(r))
        return refuse(r, 414, "the request line is too long");
    if (r->i == r->n)
        return MORE;
    if (r->p[r->i] != ' ' || !out->n)
        return refuse(r, 400, why);
    r->i++;
    return GO_ON;
}

static int read_version(struct reader *r)
{
    static const char form[] = "HTTP/0.0";
    size_t from = r->i;
    for (size_t k = 0; k < sizeof(form) - 1; k++, r->i++) {
        if (line_too_long(r))
            return refuse(r, 414, "the request line is too long");
        if (r->i == r->n)
            return MORE;
        char c = r->p[r->i];
        if (form[k] == '0' ? c < '0' || c > '9' : c != form[k])
            return refuse(r, 400, "the request line has no HTTP version");
    }
    int rc = read_crlf(r, "the request line does not end behind its version");
    if (rc != GO_ON)
        return rc;
    if (r->p[from + 5] != '1' || r->p[from + 7] > '1')
        return refuse(r, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    r->head->minor = r->p[from + 7] - '0';
    return GO_ON;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool path_valid(struct str path)
{
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] != '%')
            continue;
        if (path.n - i < 3 || !is_hex(path.p[i + 1]) || !is_hex(path.p[i + 2]))
            return false;
        if (path.p[i + 1] == '0' && path.p[i + 2] == '0')
            return false;
    }
    return true;
}

/* host[:port], [v6][:port] or nothing */
static bool host_valid(struct str host)
{
    size_t i = 0;
    if (host.n && host.p[0] == '[') {
        for (i = 1; i < host.n && (is_hex(host.p[i]) || host.p[i] == ':' || host.p[i] == '.');)
            i++;
        if (i < 3 || i == host.n || host.p[i] != ']')
            return false;
        i++;
    } else {
        while (i < host.n && (classes[(uint8_t)host.p[i]] & HOST))
            i++;
        if (!i && host.n)
            return false;
    }
    if (i == host.n)
        return true;
    if (host.p[i] != ':' || host.n - i > 6)
        return false;
    for (i++; i < host.n; i++)
        if (host.p[i] < '0' || host.p[i] > '9')
            return false;
    return true;
}

/* Cuts the target into path and query. */
static int split_target(struct reader *r)
{
    struct http_head *h = r->head;
    struct str rest = h->target;
    if (str_eqz(rest, "*")) {
        if (!str_eqz(h->method, "OPTIONS"))
            return refuse(r, 400, "only OPTIONS may ask for *");
        h->path = rest;
        return GO_ON;
    }
    if (rest.p[0] != '/') {
        size_t n_scheme = rest.n > 7 && str_eq_nocase((struct str){rest.p, 7}, STR("http://")) ? 7
                          : rest.n > 8 && str_eq_nocase((struct str){rest.p, 8}, STR("https://"))
                              ? 8
                              : 0;
        if (!n_scheme)
            return refuse(r, 400, "the target is neither a path nor an absolute URI");
        size_t end = n_scheme;
        while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?')
            end++;
        struct str authority = {rest.p + n_scheme, end - n_scheme};
        if (!authority.n || !host_valid(authority))
            return refuse(r, 400, "the target names no valid host");
        rest = (struct str){rest.p + end, rest.n - end};
    }
    const char *mark = rest.n ? memchr(rest.p, '?', rest.n) : NULL;
    h->path = mark ? (struct str){rest.p, (size_t)(mark - rest.p)} : rest;
    if (mark)
        h->query = (struct str){mark + 1, (size_t)(rest.p + rest.n - mark) - 1};
    if (!h->path.n)
        h->path = STR("/");
    if (!path_valid(h->path))
        return refuse(r, 400, "the path has a broken or forbidden percent escape");
    return GO_ON;
}

static int read_request_line(struct reader *r)
{
    int rc;
    if (r->n && r->p[0] == '\r' && (rc = read_crlf(r, "")) != GO_ON)
        return rc;
    r->line_start = r->i;
    if ((rc = read_word(r, TOKEN, &r->head->method, "the method is not a token")) != GO_ON)
        return rc;
    rc = read_word(r, TARGET, &r->head->target, "the target has a character that it may not have");
    if (rc != GO_ON || (rc = read_version(r)) != GO_ON)
        return rc;
    if (str_eqz(r->head->method, "CONNECT"))
        return refuse(r, 501, "this is not a proxy");
    return split_target(r);
}

static int take_length(struct reader *r, struct str value)
{
    if (r->head->has_length)
        return refuse(r, 400, "more than one Content-Length");
    if (!value.n)
        return refuse(r, 400, "an empty Content-Length");
    uint64_t length = 0;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            return refuse(r, 400, "Content-Length is not a number");
        length =
            length * 10 + (uint64_t)(value.p[i] - '0'); /* may wrap: then it is refused below */
    }
    if (value.n > 19)
        return refuse(r, 413, "the body is too large");
    r->head->has_length = true;
    r->head->length = length;
    return GO_ON;
}

/* RFC 9112, 6.1 and 6.3: chunked and nothing else is served; what ends in chunked could be, but is
 * not; what does not end in it has no length at all. */
static int take_encoding(struct reader *r, struct str value)
{
    if (r->head->chunked)
        return refuse(r, 400, "more than one Transfer-Encoding");
    if (str_eq_nocase(value, STR("chunked"))) {
        r->head->chunked = true;
        return GO_ON;
    }
    const char *comma = value.n ? memrchr(value.p, ',', value.n) : NULL;
    if (!comma)
        return refuse(r, 400, "Transfer-Encoding is not chunked");
    struct str last = str_trim((struct str){comma + 1, (size_t)(value.p + value.n - comma) - 1});
    if (!str_eq_nocase(last, STR("chunked")) || memmem(value.p, comma - value.p, "chunked", 7))
        return refuse(r, 400, "Transfer-Encoding does not end in one chunked");
    return refuse(r, 501, "no Transfer-Encoding but chunked is served");
}

static void take_connection(struct reader *r, struct str value)
{
    while (value.n) {
        const char *comma = memchr(value.p, ',', value.n);
        size_t n = comma ? (size_t)(comma - value.p) : value.n;
        struct str option = str_trim((struct str){value.p, n});
        r->says_close |= str_eq_nocase(option, STR("close"));
        r->says_keep |= str_eq_nocase(option, STR("keep-alive"));
        n += comma != NULL;
        value = (struct str){value.p + n, value.n - n};
    }
}

/* The headers that decide where the request ends and what becomes of its connection. */
static int take_header(struct reader *r, struct str name, struct str value)
{
    switch (name.n) {
    case 4:
        if (!str_eq_nocase(name, STR("host")))
            break;
        if (r->has_host)
            return refuse(r, 400, "more than one Host");
        if (!host_valid(value))
            return refuse(r, 400, "Host is not a host");
        r->has_host = true;
        break;
    case 6:
        if (!str_eq_nocase(name, STR("expect")))
            break;
        if (!str_eq_nocase(value, STR("100-continue")))
            return refuse(r, 417, "no expectation but 100-continue can be met");
        r->head->expect_continue = true;
        break;
    case 10:
        if (str_eq_nocase(name, STR("connection")))
            take_connection(r, value);
        break;
    case 14:
        if (str_eq_nocase(name, STR("content-length")))
            return take_length(r, value);
        break;
    case 17:
        if (str_eq_nocase(name, STR("transfer-encoding")))
            return take_encoding(r, value);
        break;
    }
    return GO_ON;
}

static int read_header(struct reader *r)
{
    struct http_head *h = r->head;
    if (r->p[r->i] == ' ' || r->p[r->i] == '\t')
        return refuse(r, 400, "a folded header line");
    if (h->n_headers == HTTP_HEADERS_MAX)
        return refuse(r, 431, "too many headers");
    struct str name = skip_class(r, TOKEN);
    if (r->i == r->n)
        return MORE;
    if (r->p[r->i] != ':' || !name.n)
        return refuse(r, 400, "a header name is empty or has a character that it may not have");
    r->i++;
    struct str value = skip_value(r);
    int rc = read_crlf(r, "a header has a character that it may not have");
    if (rc != GO_ON)
        return rc;
    value = str_trim(value);
    h->headers[h->n_headers++] = (struct http_header){name, value};
    return take_header(r, name, value);
}

static int finish(struct reader *r)
{
    struct http_head *h = r->head;
    if (h->minor == 1 && !r->has_host)
        return refuse(r, 400, "no Host");
    if (h->chunked && h->has_length)
        return refuse(r, 400, "both Content-Length and Transfer-Encoding");
    if (h->chunked && h->minor == 0)
        return refuse(r, 400, "Transfer-Encoding in HTTP/1.0");
    if (h->minor == 0)
        h->expect_continue = false;
    h->keep_alive = !r->says_close && (h->minor == 1 || r->says_keep);
    return GO_ON;
}

static int read_all(struct reader *r)
{
    int rc = read_request_line(r);
    while (rc == GO_ON) {
        if (r->i == r->n)
            return MORE;
        if (r->p[r->i] == '\r') {
            rc = read_crlf(r, "");
            return rc == GO_ON ? finish(r) : rc;
        }
        rc = read_header(r);
    }
    return rc;
}

int http_read_head(struct str in, const struct http_read_limits *limits, struct http_head *out,
                   const char **why)
{
    struct reader r = {.p = in.p,
                       .n = MIN_OF(in.n, limits->head),
                       .line_max = limits->line,
                       .head = out,
                       .why = why};
    memset(out, 0, offsetof(struct http_head, headers));
    out->n_headers = 0;
    out->keep_alive = out->chunked = out->has_length = out->expect_continue = false;
    out->length = 0;
    out->minor = 1;
    *why = "";
    int rc = read_all(&r);
    if (rc == GO_ON)
        return (int)r.i;
    if (rc == MORE && in.n >= limits->head)
        return refuse(&r, 431, "the head is too long");
    return rc;
}
