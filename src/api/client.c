/* client.c -- the address a request says it comes from.
 *
 * Behind a proxy that is the first of X-Forwarded-For, in whichever of the usual forms: 192.0.2.1, 192.0.2.1:4711, 2001:db8::1,
 * [2001:db8::1]:4711, in quotes or not. What is no address says nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/client.h"

#include <arpa/inet.h>

static bool is_address(struct str s)
{
    char text[INET6_ADDRSTRLEN];
    uint8_t bytes[sizeof(struct in6_addr)];
    if (s.n == 0 || s.n >= sizeof(text) || memchr(s.p, 0, s.n))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static struct str cut_at(struct str s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return at ? (struct str){s.p, (size_t)(at - s.p)} : s;
}

struct str client_address(struct str header)
{
    struct str s = str_trim(cut_at(header, ','));
    if (s.n && *s.p == '"')
        s = cut_at((struct str){s.p + 1, s.n - 1}, '"');
    if (s.n && *s.p == '[')
        s = cut_at((struct str){s.p + 1, s.n - 1}, ']');
    else if (s.n && memchr(s.p, '.', s.n) && !is_address(s)) /* not ::ffff:192.0.2.1 */
        s = cut_at(s, ':');
    return is_address(s) ? s : (struct str){0};
}
