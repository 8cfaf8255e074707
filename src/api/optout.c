/* optout.c -- the cookie by which a visitor has said not to be tracked.
 *
 * Sites set it under a name of their own, so the configuration says which: NAME, whatever it holds, or NAME=VALUE.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"

struct optout {
    const char *name;
    struct str value; /* p == NULL: any */
};

/* What RFC 6265 lets stand in a name, and in a value without quotes. */
static bool cookie_octets(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || memchr("\",;\\", s.p[i], 4))
            return false;
    return true;
}

struct optout *optout_new(const struct str *cookies, size_t n, struct arena *arena, struct err *err)
{
    struct optout *all = arena_alloc(arena, n * sizeof(*all) + 1);
    for (size_t i = 0; i < n; i++) {
        struct str text = cookies[i], value = {0};
        const char *equals = text.n ? memchr(text.p, '=', text.n) : NULL;
        if (equals) {
            value = (struct str){equals + 1, (size_t)(text.p + text.n - equals) - 1};
            text.n = (size_t)(equals - text.p);
        }
        if (!text.n || !cookie_octets(text) || !cookie_octets(value)) {
            err_set(err, "collector.dnt_cookies: \"%.*s\" is no NAME or NAME=VALUE of a cookie",
                    STR_FMT(cookies[i]));
            return NULL;
        }
        all[i].name = arena_str(arena, text).p;
        all[i].value = equals ? arena_str(arena, value) : (struct str){0};
    }
    return all;
}

bool optout_said(const struct optout *all, size_t n, const struct http_req *r)
{
    for (size_t i = 0; i < n; i++) {
        struct str got = http_cookie(r, all[i].name);
        if (got.p && (!all[i].value.p || str_eq(got, all[i].value)))
            return true;
    }
    return false;
}
