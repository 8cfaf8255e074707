/* clean.c -- strings from outside as they may stand in a column.
 *
 * An enriched event is one line with tabs between its columns; values that trackers send are made to
 * fit before anybody looks at them, so that a rule sees here what it would see behind a pipeline.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/clean.h"

enum { TAB_BLANKS = 4 };

static inline bool is_control(char c)
{
    return (uint8_t)c < ' ' || c == 0x7f;
}

/* Nearly all are clean, so that is found out eight bytes at a time: subtracting borrows from the top
 * bit of a byte that is less than what is taken off. */
static bool has_control(struct str s)
{
    const uint64_t each = UINT64_C(0x0101010101010101), top = each << 7;
    uint64_t found = 0, word, del;
    size_t i = 0;
    for (; s.n - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, s.p + i, sizeof(word));
        del = word ^ each * 0x7f;
        found |= ((word - each * ' ') & ~word) | ((del - each) & ~del);
    }
    bool control = found & top;
    for (; i < s.n; i++)
        control |= is_control(s.p[i]);
    return control;
}

struct str clean_text(struct str text, struct arena *a)
{
    size_t tabs = 0, n = 0;
    if (!has_control(text))
        return text;
    for (size_t i = 0; i < text.n; i++)
        tabs += text.p[i] == '\t';
    char *out = arena_alloc(a, text.n + (TAB_BLANKS - 1) * tabs);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\t')
            for (int k = 0; k < TAB_BLANKS; k++)
                out[n++] = ' ';
        else if (!is_control(text.p[i]))
            out[n++] = text.p[i];
    }
    return (struct str){out, n};
}
