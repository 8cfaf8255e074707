/* url.c -- splits URLs as the enriched event does, and reads query strings.
 *
 * Lenient on purpose: trackers send what stands in the address bar. Only what would put bytes into
 * the wrong part (no scheme, a port that is no number) makes a URL unreadable.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/url.h"

static bool is_scheme_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '-' || c == '.';
}

static bool take_scheme(struct str *rest, struct str *scheme)
{
    size_t n = 0;
    while (n < rest->n && is_scheme_char(rest->p[n]))
        n++;
    if (n == 0 || n == rest->n || rest->p[n] != ':' || (rest->p[0] >= '0' && rest->p[0] <= '9'))
        return false;
    *scheme = (struct str){rest->p, n};
    rest->p += n + 1;
    rest->n -= n + 1;
    return true;
}

/* Cuts s at the first c: what stands behind it, empty when there is none. */
static struct str cut(struct str *s, char c)
{
    const char *at = s->n ? memchr(s->p, c, s->n) : NULL;
    if (!at)
        return (struct str){0};
    struct str behind = {at + 1, (size_t)(s->p + s->n - at - 1)};
    s->n = (size_t)(at - s->p);
    return behind;
}

/* [user@]host[:port], the host perhaps an address in brackets. */
static bool read_authority(struct str s, struct url *out)
{
    const char *at = s.n ? memrchr(s.p, '@', s.n) : NULL;
    uint64_t port;
    if (at)
        s = (struct str){at + 1, (size_t)(s.p + s.n - at - 1)};
    const char *bracket = s.n && s.p[0] == '[' ? memchr(s.p, ']', s.n) : NULL;
    size_t before = bracket ? (size_t)(bracket - s.p) : 0;
    const char *colon = s.n ? memchr(s.p + before, ':', s.n - before) : NULL;
    out->host = s;
    if (colon) {
        struct str digits = {colon + 1, (size_t)(s.p + s.n - colon - 1)};
        out->host.n = (size_t)(colon - s.p);
        if (digits.n) {
            if (!str_u64(digits, &port) || port > 65535)
                return false;
            out->port = (int)port;
        }
    }
    if (out->host.n == 0)
        out->port = -1;
    return true;
}

bool url_parse(struct str text, struct url *out)
{
    struct str rest = text;
    *out = (struct url){.port = -1};
    if (!take_scheme(&rest, &out->scheme)) {
        *out = (struct url){.port = -1};
        return false;
    }
    out->fragment = cut(&rest, '#');
    out->query = cut(&rest, '?');
    if (str_starts(rest, "//")) {
        size_t n = 2;
        while (n < rest.n && rest.p[n] != '/')
            n++;
        out->port = str_eq_nocase(out->scheme, STR("https")) ? 443 : 80;
        if (!read_authority((struct str){rest.p + 2, n - 2}, out)) {
            *out = (struct url){.port = -1};
            return false;
        }
        rest.p += n;
        rest.n -= n;
    }
    out->path = rest;
    return true;
}

struct str url_escape_blanks(struct str text, struct arena *a)
{
    size_t blanks = 0, n = 0;
    if (text.n == 0 || !memchr(text.p, ' ', text.n))
        return text;
    for (size_t i = 0; i < text.n; i++)
        blanks += text.p[i] == ' ';
    char *out = arena_alloc(a, text.n + 2 * blanks);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == ' ') {
            memcpy(out + n, "%20", 3);
            n += 3;
        } else {
            out[n++] = text.p[i];
        }
    }
    return (struct str){out, n};
}

bool query_next(struct str *query, struct str *key, struct str *value)
{
    while (query->n && *query->p == '&') {
        query->p++;
        query->n--;
    }
    if (query->n == 0)
        return false;
    struct str pair = *query;
    struct str behind = cut(&pair, '&');
    *query = pair.n < query->n ? behind : (struct str){0};
    *key = pair;
    *value = cut(key, '=');
    return true;
}

struct str query_decode(struct str text, struct arena *a)
{
    if (text.n == 0)
        return text;
    if (!memchr(text.p, '%', text.n) && !memchr(text.p, '+', text.n))
        return utf8_valid(text) ? text : (struct str){0};
    char *out = arena_alloc(a, text.n);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%' && text.n - i > 2) {
            int high = hex_digit(text.p[i + 1]), low = hex_digit(text.p[i + 2]);
            if (high >= 0 && low >= 0) {
                c = (char)(high << 4 | low);
                i += 2;
            }
        }
        out[n++] = c;
    }
    struct str decoded = {out, n};
    return utf8_valid(decoded) ? decoded : (struct str){0};
}

struct str query_get(struct str query, struct str name, struct arena *a)
{
    struct str key, value, found = {0};
    while (query_next(&query, &key, &value)) {
        if (value.n && str_eq(key, name))
            found = value;
    }
    return query_decode(found, a);
}
