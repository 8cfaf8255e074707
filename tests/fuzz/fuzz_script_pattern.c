/* fuzz_script_pattern.c -- first line a pattern, the rest a subject: what is found lies within
 * the subject, soon.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "script/pattern.h"

static void check(bool good)
{
    if (!good)
        abort();
}

static void check_match(const struct pattern_match *m, const char *s, const char *e)
{
    check(s >= m->subject && e >= s && e <= m->end);
    check(m->n_captures >= 0 && m->n_captures <= PATTERN_CAPTURES_MAX);
    for (int i = 0; i < m->n_captures; i++) {
        ptrdiff_t n = m->captures[i].n;
        const char *p = m->captures[i].p;
        check(p >= s && p <= e);
        check(n == PATTERN_CAPTURE_OPEN || n == PATTERN_CAPTURE_POSITION || (n >= 0 && e - p >= n));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *newline = memchr(data, '\n', size);
    size_t n_pattern = newline ? (size_t)(newline - data) : size;
    size_t n = newline ? size - n_pattern - 1 : 0;
    char *subject = malloc(n + 1),
         *text = malloc(n_pattern + 1); /* each alone, so that a sanitizer sees a byte too far */
    memcpy(subject, data + size - n, n);
    memcpy(text, data, n_pattern);
    char *exact = realloc(subject, n ? n : 1),
         *exact_text = realloc(text, n_pattern ? n_pattern : 1);
    for (int anchors = 0; anchors < 2; anchors++) {
        struct pattern p;
        struct pattern_match m = {.subject = exact, .end = exact + n, .steps = 100000};
        const char *s = exact, *e;
        pattern_read(&p, exact_text, n_pattern, anchors);
        check(p.n <= PATTERN_ITEMS_MAX);
        switch (pattern_search(&p, &m, &s, &e)) {
        case PATTERN_YES:
            check_match(&m, s, e);
            break;
        case PATTERN_BAD:
        case PATTERN_STOPPED:
            check(m.error != NULL);
            break;
        case PATTERN_NO:
            break;
        }
        check(m.steps > -(int64_t)n - 2);
    }
    free(exact);
    free(exact_text);
    return 0;
}
