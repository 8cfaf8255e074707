/* iglu.c -- reads the names of schemas.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/iglu.h"

enum { MAJOR_DIGITS_MAX = 9 };

/* Digits off the front: their number. */
static size_t count_digits(struct str s)
{
    size_t n = 0;
    while (n < s.n && (unsigned)(s.p[n] - '0') <= 9)
        n++;
    return n;
}

int iglu_major(struct str version)
{
    size_t n = count_digits(version);
    int major = 0;
    if (n == 0 || n > MAJOR_DIGITS_MAX)
        return -1;
    for (size_t i = 0; i < n; i++)
        major = major * 10 + (version.p[i] - '0');
    return major;
}

static inline bool is_digit(char c)
{
    return (unsigned)(c - '0') <= 9;
}

/* Three numbers, two dashes, nothing else. */
static bool version_valid(struct str s)
{
    if (s.n == 5) /* nearly all */
        return is_digit(s.p[0]) && s.p[1] == '-' && is_digit(s.p[2]) && s.p[3] == '-' &&
               is_digit(s.p[4]);
    for (int part = 0; part < 3; part++) {
        size_t n = count_digits(s);
        if (n == 0 || n > MAJOR_DIGITS_MAX)
            return false;
        s.p += n;
        s.n -= n;
        if (part < 2) {
            if (s.n == 0 || *s.p != '-')
                return false;
            s.p++;
            s.n--;
        }
    }
    return s.n == 0;
}

/* Up to the next slash, which is passed over. */
static bool take_part(struct str *s, struct str *part)
{
    const char *slash = s->n ? memchr(s->p, '/', s->n) : NULL;
    if (!slash || slash == s->p)
        return false;
    *part = (struct str){s->p, (size_t)(slash - s->p)};
    s->n -= part->n + 1;
    s->p = slash + 1;
    return true;
}

bool iglu_parse(struct str uri, struct iglu *out)
{
    if (uri.n < 5 || memcmp(uri.p, "iglu:", 5) != 0)
        return false;
    struct str rest = {uri.p + 5, uri.n - 5};
    if (!take_part(&rest, &out->vendor) || !take_part(&rest, &out->name) ||
        !take_part(&rest, &out->format))
        return false;
    if (!version_valid(rest))
        return false;
    out->version = rest;
    out->vendor_name = (struct str){out->vendor.p, out->vendor.n + 1 + out->name.n};
    out->major = iglu_major(rest);
    return true;
}

bool iglu_is(const struct iglu *uri, struct str vendor_name)
{
    return str_eq(uri->vendor_name, vendor_name);
}
