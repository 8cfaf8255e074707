/* str.c -- borrowed runs of bytes: compare, read numbers, hash, suggest.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <stdlib.h>
#include <xxhash.h>

struct str str_of(const char *z)
{
    return (struct str){z, z ? strlen(z) : 0};
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eqz(struct str a, const char *z)
{
    return str_eq(a, str_of(z));
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t n = MIN_OF(a.n, b.n);
    int c = n ? memcmp(a.p, b.p, n) : 0;
    if (c)
        return c;
    return a.n < b.n ? -1 : a.n > b.n;
}

bool str_starts(struct str s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.n >= n && (n == 0 || memcmp(s.p, prefix, n) == 0);
}

struct str str_trim(struct str s)
{
    while (s.n && (*s.p == ' ' || *s.p == '\t'))
        s.p++, s.n--;
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

bool str_u64(struct str s, uint64_t *out)
{
    uint64_t v = 0;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned)(s.p[i] - '0');
        if (digit > 9 || v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

bool str_i64(struct str s, int64_t *out)
{
    uint64_t v;
    bool minus = s.n > 1 && s.p[0] == '-';
    if (minus)
        s.p++, s.n--;
    if (!str_u64(s, &v) || v > (uint64_t)INT64_MAX + minus)
        return false;
    *out = minus ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

static bool digits(const char **p, const char *end)
{
    const char *start = *p;
    while (*p < end && (unsigned)(**p - '0') <= 9)
        (*p)++;
    return *p > start;
}

/* JSON's grammar for a number; strtod alone would take inf, hex and blanks. */
static bool looks_like_number(struct str s)
{
    const char *p = s.p, *end = s.p + s.n;
    if (p < end && *p == '-')
        p++;
    if (p + 1 < end && *p == '0' && (unsigned)(p[1] - '0') <= 9)
        return false;
    if (!digits(&p, end))
        return false;
    if (p < end && *p == '.') {
        p++;
        if (!digits(&p, end))
            return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        if (!digits(&p, end))
            return false;
    }
    return p == end;
}

bool str_double(struct str s, double *out)
{
    char z[64];
    int64_t i;
    if (str_i64(s, &i) && looks_like_number(s)) { /* the common case, without strtod */
        *out = (double)i;
        return true;
    }
    if (s.n >= sizeof(z) || !looks_like_number(s))
        return false;
    memcpy(z, s.p, s.n);
    z[s.n] = 0;
    double d = strtod(z, NULL);
    if (d - d != 0) /* infinite */
        return false;
    *out = d;
    return true;
}

uint64_t str_hash(struct str s)
{
    return XXH3_64bits(s.p, s.n);
}

void str_hash128(struct str s, uint8_t out[16])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(s.p, s.n));
    memcpy(out, canonical.digest, 16);
}

void uuid_mark(uint8_t bytes[16], unsigned version)
{
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | version << 4);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
}

void uuid_format(const uint8_t bytes[16], char out[37])
{
    static const char hex[] = "0123456789abcdef";
    char *o = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *o++ = '-';
        *o++ = hex[bytes[i] >> 4];
        *o++ = hex[bytes[i] & 15];
    }
    *o = 0;
}

bool uuid_parse(struct str s, uint8_t out[16])
{
    size_t at = 0;
    if (s.n != 36)
        return false;
    for (int i = 0; i < 32; i++) {
        if ((i == 8 || i == 12 || i == 16 || i == 20) && s.p[at++] != '-')
            return false;
        int value = hex_digit(s.p[at++]);
        if (value < 0)
            return false;
        out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | value : value << 4);
    }
    return true;
}

/* Levenshtein's distance with swaps of neighbours counted as one; words longer than the row are never near. */
static size_t distance(struct str a, struct str b)
{
    enum { LONGEST = 64 };
    size_t rows[3][LONGEST + 1];
    if (a.n > LONGEST || b.n > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.n; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = above[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            best = MIN_OF(best, above[j] + 1);
            best = MIN_OF(best, row[j - 1] + 1);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
                best = MIN_OF(best, above2[j - 2] + 1);
            row[j] = best;
        }
    }
    return rows[a.n % 3][b.n];
}

const char *str_nearest(struct str word, const char *const *names, size_t n)
{
    const char *best = NULL;
    size_t least = (word.n + 2) / 3;
    for (size_t i = 0; i < n; i++) {
        size_t d = distance(word, str_of(names[i]));
        if (d <= least && (!best || d < least)) {
            best = names[i];
            least = d;
        }
    }
    return best;
}

bool utf8_valid(struct str s)
{
    const uint8_t *p = (const uint8_t *)s.p, *end = p + s.n;
    while (p < end) {
        uint64_t eight = UINT64_MAX;
        if (end - p >= 8)
            memcpy(&eight, p, 8);
        if (!(eight & UINT64_C(0x8080808080808080))) { /* ASCII, nearly always */
            p += 8;
            continue;
        }
        if (*p < 0x80) {
            p++;
            continue;
        }
        int more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : 1;
        if (*p < 0xc2 || *p > 0xf4 || end - p <= more)
            return false;
        if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
            (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
            return false;
        for (int i = 1; i <= more; i++)
            if ((p[i] & 0xc0) != 0x80)
                return false;
        p += more + 1;
    }
    return true;
}
