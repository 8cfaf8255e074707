/* match.c -- patterns on strings: SQL's like, and rlike on PCRE2 with limits, so that no pattern can hang the server.
 * SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "plan/build.h"

#include <pcre2.h>
#include <stdlib.h>

enum { RLIKE_STEPS = 100000, RLIKE_HEAP_KIB = 1024, RLIKE_DEPTH = 1000, RLIKE_SUBJECT = 65536 };

static size_t utf8_len(const char *p, const char *end)
{
    size_t n = 1;
    while (p + n < end && ((uint8_t)p[n] & 0xc0) == 0x80)
        n++;
    return n;
}

/* `%` any run, `_` one character, `\` takes the sign behind it as it is. One place to go back to is enough: the last %. */
bool like_match(struct str pattern, struct str subject)
{
    const char *p = pattern.p, *p_end = p + pattern.n;
    const char *s = subject.p, *s_end = s + subject.n;
    const char *back_p = NULL, *back_s = NULL;
    for (;;) {
        if (p < p_end && *p == '%') {
            back_p = ++p;
            back_s = s;
            if (p == p_end)
                return true;
            continue;
        }
        if (s == s_end && p == p_end)
            return true;
        if (s < s_end && p < p_end) {
            if (*p == '_') {
                p++;
                s += utf8_len(s, s_end);
                continue;
            }
            const char *sign = *p == '\\' && p + 1 < p_end ? p + 1 : p;
            if (*sign == *s) {
                p = sign + 1;
                s++;
                continue;
            }
        }
        if (!back_p || back_s == s_end)
            return false;
        p = back_p;
        s = back_s += utf8_len(back_s, s_end);
    }
}

struct rlike {
    pcre2_code *code;
    pcre2_match_context *limits;
};

struct rlike *rlike_new(struct str pattern, struct err *err)
{
    int number;
    PCRE2_SIZE at;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n,
                                     PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &number, &at, NULL);
    if (!code) {
        PCRE2_UCHAR text[128];
        pcre2_get_error_message(number, text, sizeof(text));
        err_set(err, "%s, at byte %zu", (const char *)text, (size_t)at + 1);
        return NULL;
    }
    struct rlike *r = xmalloc(sizeof(*r));
    r->code = code;
    r->limits = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(r->limits, RLIKE_STEPS);
    pcre2_set_heap_limit(r->limits, RLIKE_HEAP_KIB);
    pcre2_set_depth_limit(r->limits, RLIKE_DEPTH);
    return r;
}

void rlike_free(void *object)
{
    struct rlike *r = object;
    pcre2_code_free(r->code);
    pcre2_match_context_free(r->limits);
    free(r);
}

int rlike_match(const struct rlike *r, struct str subject)
{
    if (subject.n > RLIKE_SUBJECT)
        return -1;
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    int rc = pcre2_match(r->code, (PCRE2_SPTR)subject.p, subject.n, 0, 0, data, r->limits);
    pcre2_match_data_free(data);
    return rc >= 0 ? 1 : rc == PCRE2_ERROR_NOMATCH ? 0 : -1;
}
