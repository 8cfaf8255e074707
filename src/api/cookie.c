/* cookie.c -- the tracker's cookie: which values may stand in one, and for which domain it is set.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/cookie.h"

enum { VALUE_MAX = 128 };

bool cookie_safe(struct str s)
{
    if (s.n == 0 || s.n > VALUE_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '-' && c != '_' && c != '.')
            return false;
    }
    return true;
}

static struct str host_of(struct str origin)
{
    const char *slashes = origin.n ? memmem(origin.p, origin.n, "://", 3) : NULL;
    if (!slashes)
        return (struct str){0};
    struct str host = {slashes + 3, origin.n - (size_t)(slashes + 3 - origin.p)};
    for (size_t i = 0; i < host.n; i++)
        if (host.p[i] == ':' || host.p[i] == '/')
            host.n = i;
    return host;
}

static bool within(struct str host, struct str domain)
{
    if (!domain.n || host.n < domain.n)
        return false;
    struct str tail = {host.p + host.n - domain.n, domain.n};
    return str_eq_nocase(tail, domain) && (host.n == domain.n || tail.p[-1] == '.');
}

struct str cookie_domain(const struct api_cookie *c, struct str origin)
{
    struct str host = host_of(origin);
    for (size_t i = 0; i < c->n_domains; i++)
        if (within(host, c->domains[i]))
            return c->domains[i];
    return str_of(c->fallback);
}
