/* lines.c -- cuts an input into lines.
 *
 * One buffer holds what was read and not given out yet. It grows to the longest line that is allowed and no further: of a
 * longer one only the hash is made, while its bytes pass by.
 * SPDX-License-Identifier: Apache-2.0 */
#include "feed/lines.h"

#include <stdlib.h>
#include <xxhash.h>

enum { READ_LEAST = 64 << 10 };

struct lines {
    struct input *in;
    size_t line_max;
    char *p; /* from `start` to `end` not given out; from `start` to `scanned` no LF */
    size_t start, scanned, end, cap;
    uint64_t number;
    struct line last;
    bool held;
    bool passing; /* in the middle of a line that is too long; what was seen of it is in the hash */
    XXH3_state_t *hash;
};

struct lines *lines_open(const char *path, size_t line_max, const struct input_options *o,
                         struct err *err)
{
    struct input *in = input_open(path, o, err);
    if (!in)
        return NULL;
    struct lines *l = xcalloc(1, sizeof(*l));
    l->in = in;
    l->line_max = line_max;
    l->cap = 4 * READ_LEAST;
    l->p = xmalloc(l->cap);
    l->hash = XXH3_createState();
    if (!l->hash)
        abort();
    return l;
}

void lines_close(struct lines *l)
{
    if (!l)
        return;
    input_close(l->in);
    XXH3_freeState(l->hash);
    free(l->p);
    free(l);
}

const struct input *lines_input(const struct lines *l)
{
    return l->in;
}

void lines_hold(struct lines *l)
{
    l->held = true;
}

/* The bytes up to `to`, which end a line or the input. */
static void take(struct lines *l, size_t to, bool ended, struct line *out)
{
    struct str text = {l->p + l->start, to - l->start};
    *out = (struct line){.number = ++l->number, .ended = ended};
    l->start = l->scanned = to + ended;
    if (l->passing) {
        XXH3_64bits_update(l->hash, text.p, text.n);
        out->hash = XXH3_64bits_digest(l->hash);
        out->too_long = true;
        l->passing = false;
        return;
    }
    out->hash = str_hash(text);
    if (l->number == 1 && str_starts(text, "\xef\xbb\xbf"))
        text = (struct str){text.p + 3, text.n - 3};
    if (ended && text.n && text.p[text.n - 1] == '\r')
        text.n--;
    out->too_long = text.n > l->line_max;
    out->text = out->too_long ? (struct str){0} : text;
}

/* Everything in the buffer belongs to a line that is too long. */
static void pass(struct lines *l)
{
    if (!l->passing)
        XXH3_64bits_reset(l->hash);
    l->passing = true;
    XXH3_64bits_update(l->hash, l->p + l->start, l->end - l->start);
    l->start = l->scanned = l->end = 0;
}

static enum input_said read_more(struct lines *l, struct err *err)
{
    enum { BOM_AND_CR = 4 }; /* may stand around a line that is just short enough */
    if (l->passing || l->end - l->start > l->line_max + BOM_AND_CR)
        pass(l);
    memmove(l->p, l->p + l->start, l->end - l->start);
    l->end -= l->start;
    l->scanned -= l->start;
    l->start = 0;
    if (l->cap - l->end < READ_LEAST) {
        l->cap *= 2;
        l->p = xrealloc(l->p, l->cap);
    }
    size_t n = l->cap - l->end;
    enum input_said said = input_read(l->in, l->p + l->end, &n, err);
    if (said == INPUT_BYTES)
        l->end += n;
    return said;
}

static enum input_said next(struct lines *l, struct line *out, struct err *err)
{
    for (;;) {
        const char *lf =
            l->end > l->scanned ? memchr(l->p + l->scanned, '\n', l->end - l->scanned) : NULL;
        if (lf) {
            take(l, (size_t)(lf - l->p), true, out);
            return INPUT_BYTES;
        }
        l->scanned = l->end;
        enum input_said said = read_more(l, err);
        if (said == INPUT_END && (l->end > l->start || l->passing)) {
            take(l, l->end, false, out);
            return INPUT_BYTES;
        }
        if (said != INPUT_BYTES)
            return said;
    }
}

enum input_said lines_next(struct lines *l, struct line *out, struct err *err)
{
    enum input_said said = l->held ? INPUT_BYTES : next(l, &l->last, err);
    l->held = false;
    if (said == INPUT_BYTES)
        *out = l->last;
    return said;
}
