/* fuzz_evt_url.c -- any bytes as a URL and as a query string: the parts stand in the text in their order, with nothing between
 * them but the marks, and what is encoded decodes to what it was.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/url.h"

#include <assert.h>
#include <stdlib.h>

/* A part that is not empty lies in the text from *at on; moves *at behind it. */
static void pass_part(struct str text, struct str part, const char **at)
{
    if (part.n == 0)
        return;
    assert(part.p >= *at && part.p + part.n <= text.p + text.n);
    *at = part.p + part.n;
}

static bool has(struct str s, char c)
{
    return s.n && memchr(s.p, c, s.n);
}

static bool is_text(struct str s)
{
    return s.n == 0 || utf8_valid(s);
}

static void check_url(struct str text)
{
    struct url u;
    const char *at = text.p, *end = text.p + text.n;
    bool ok = url_parse(text, &u);
    assert(u.port >= -1 && u.port <= 65535 && (u.port >= 0) == (u.host.n > 0));
    if (!ok) {
        assert(u.scheme.n + u.host.n + u.path.n + u.query.n + u.fragment.n == 0);
        return;
    }
    assert(u.scheme.n && u.scheme.p == text.p && u.scheme.p[u.scheme.n] == ':');
    pass_part(text, u.scheme, &at);
    pass_part(text, u.host, &at);
    pass_part(text, u.path, &at);
    pass_part(text, u.query, &at);
    pass_part(text, u.fragment, &at);
    assert(!has(u.host, '/') && !has(u.path, '?') && !has(u.path, '#') && !has(u.query, '#'));
    if (u.path.n)
        assert(u.path.p + u.path.n == end || strchr("?#", u.path.p[u.path.n]));
    if (u.query.n)
        assert(u.query.p[-1] == '?' &&
               (u.query.p + u.query.n == end || u.query.p[u.query.n] == '#'));
    if (u.fragment.n)
        assert(u.fragment.p[-1] == '#' && u.fragment.p + u.fragment.n == end);
}

static void check_pairs(struct str query, struct arena *a)
{
    struct str rest = query, key, value;
    const char *at = query.p, *end = query.p + query.n;
    while (query_next(&rest, &key, &value)) {
        for (; at < key.p; at++) /* only marks between the pairs: nothing is lost */
            assert(*at == '&');
        assert(at == key.p && !has(key, '=') && !has(key, '&') && !has(value, '&'));
        at += key.n;
        if (value.n)
            assert(*at == '=' && value.p == at + 1);
        at += at < end && *at == '=';
        at += value.n;
        struct str last = query_get(query, key, a);
        assert(last.n <= query.n && is_text(last));
    }
    for (; at < end; at++)
        assert(*at == '&');
}

static void check_decode(struct str text, struct arena *a)
{
    static const char hex[] = "0123456789aBcDeF";
    struct str plain = query_decode(text, a);
    assert(plain.n <= text.n && is_text(plain));
    if (!has(text, '%') && !has(text, '+') && utf8_valid(text))
        assert(plain.p == text.p && plain.n == text.n);
    char *coded = arena_alloc(a, 3 * text.n + 1);
    for (size_t i = 0; i < text.n; i++) {
        uint8_t byte = (uint8_t)text.p[i];
        memcpy(coded + 3 * i, (char[]){'%', hex[byte >> 4], hex[byte & 15]}, 3);
    }
    struct str again = query_decode((struct str){coded, 3 * text.n}, a);
    assert(utf8_valid(text) ? str_eq(again, text) : again.n == 0);
}

static void check_blanks(struct str text, struct arena *a)
{
    struct str escaped = url_escape_blanks(text, a);
    size_t blanks = 0;
    for (size_t i = 0; i < text.n; i++)
        blanks += text.p[i] == ' ';
    assert(escaped.n == text.n + 2 * blanks && !has(escaped, ' '));
    assert(blanks || escaped.p == text.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a;
    char *copy = malloc(n ? n : 1);
    struct str text = {copy, n};
    arena_init(&a);
    if (n)
        memcpy(copy, data, n);
    check_url(text);
    check_pairs(text, &a);
    check_decode(text, &a);
    check_blanks(text, &a);
    arena_fini(&a);
    free(copy);
    return 0;
}
