/* query.c -- the small things inside a head: path parameters, the query string, cookies.
 *
 * A broken percent escape in a query stands for itself, since trackers send "100%" and lose the
 * event otherwise; in a path the reader has refused it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/http_internal.h"

static struct str decode(struct http_req *r, struct str s, bool plus_is_blank)
{
    bool plain = !s.n || (!memchr(s.p, '%', s.n) && !(plus_is_blank && memchr(s.p, '+', s.n)));
    if (plain)
        return s;
    char *out = arena_alloc(&r->arena, s.n);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int high = s.p[i] == '%' && s.n - i > 2 ? hex_digit(s.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;
        if (low >= 0) {
            out[n++] = (char)(high << 4 | low);
            i += 2;
        } else {
            out[n++] = s.p[i] == '+' && plus_is_blank ? ' ' : s.p[i];
        }
    }
    return (struct str){out, n};
}

struct str http_param(const struct http_req *r, const char *name)
{
    struct str raw;
    if (!r->route || !route_param(r->route->path, r->head.path, name, &raw))
        return (struct str){NULL, 0};
    return decode((struct http_req *)r, raw, false); /* only its arena changes */
}

bool http_query_next(struct http_req *r, size_t *i, struct str *name, struct str *value)
{
    struct str q = r->head.query;
    while (*i < q.n) {
        const char *from = q.p + *i, *amp = memchr(from, '&', q.n - *i);
        size_t n = amp ? (size_t)(amp - from) : q.n - *i;
        *i += n + 1;
        if (!n)
            continue;
        const char *eq = memchr(from, '=', n);
        size_t n_name = eq ? (size_t)(eq - from) : n;
        *name = decode(r, (struct str){from, n_name}, true);
        *value = eq ? decode(r, (struct str){eq + 1, n - n_name - 1}, true) : STR("");
        return true;
    }
    return false;
}

static bool cookie_in(struct str line, const char *name, struct str *out)
{
    while (line.n) {
        const char *end = memchr(line.p, ';', line.n);
        size_t n = end ? (size_t)(end - line.p) : line.n;
        struct str pair = str_trim((struct str){line.p, n});
        const char *eq = pair.n ? memchr(pair.p, '=', pair.n) : NULL;
        if (eq && str_eqz(str_trim((struct str){pair.p, (size_t)(eq - pair.p)}), name)) {
            *out = str_trim((struct str){eq + 1, (size_t)(pair.p + pair.n - eq) - 1});
            return true;
        }
        n += end != NULL;
        line = (struct str){line.p + n, line.n - n};
    }
    return false;
}

struct str http_cookie(const struct http_req *r, const char *name)
{
    struct str out = {NULL, 0};
    for (size_t i = 0; i < r->head.n_headers; i++)
        if (str_eq_nocase(r->head.headers[i].name, STR("cookie")) &&
            cookie_in(r->head.headers[i].value, name, &out))
            break;
    return out;
}
