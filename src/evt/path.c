/* path.c -- reads a path into steps: a subset of JSONPath.
 *
 *   a.b[0].c     $.a.b[0].c     ["odd name"].x     ['another'][2]
 *
 * Inside quotes a backslash takes the next byte as it is. A bare name is any run without . [ ] and
 * blanks.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/evt.h"

struct reader {
    struct str text;
    size_t at;
    struct arena *arena;
    struct err *err;
};

static bool fail(struct reader *r, const char *what)
{
    return err_set(r->err, "path \"%.*s\": %s at character %zu",
                   (int)MIN_OF(r->text.n, (size_t)100), r->text.p, what, r->at + 1);
}

static int peek(const struct reader *r)
{
    return r->at < r->text.n ? (unsigned char)r->text.p[r->at] : -1;
}

static bool ends_name(int c)
{
    return c < 0 || c == '.' || c == '[' || c == ']' || c == ' ' || c == '\t' || c == '"' ||
           c == '\'';
}

static bool read_name(struct reader *r, struct evt_step *step)
{
    size_t start = r->at;
    while (!ends_name(peek(r)))
        r->at++;
    if (r->at == start)
        return fail(r, "a name is missing");
    step->key = arena_str(r->arena, (struct str){r->text.p + start, r->at - start});
    return true;
}

static bool read_quoted(struct reader *r, struct evt_step *step)
{
    int quote = peek(r), c;
    char *key = arena_alloc(r->arena, r->text.n - r->at + 1);
    size_t n = 0;
    for (r->at++; (c = peek(r)) != quote; r->at++) {
        if (c == '\\') {
            r->at++;
            c = peek(r);
        }
        if (c < 0)
            return fail(r, "the closing quote is missing");
        key[n++] = (char)c;
    }
    r->at++;
    key[n] = 0;
    step->key = (struct str){key, n};
    return true;
}

static bool read_index(struct reader *r, struct evt_step *step)
{
    size_t start = r->at;
    uint64_t index;
    while (peek(r) >= '0' && peek(r) <= '9')
        r->at++;
    if (!str_u64((struct str){r->text.p + start, r->at - start}, &index) || index > UINT32_MAX)
        return fail(r, "a number or a quoted name is missing");
    step->index = (uint32_t)index;
    return true;
}

static bool read_bracket(struct reader *r, struct evt_step *step)
{
    r->at++;
    bool quoted = peek(r) == '"' || peek(r) == '\'';
    if (!(quoted ? read_quoted(r, step) : read_index(r, step)))
        return false;
    if (peek(r) != ']')
        return fail(r, "] is missing");
    r->at++;
    return true;
}

/* A $ stands for the root only where a step follows it or nothing does; $ref is a name. */
static void skip_root(struct reader *r)
{
    if (r->text.n && r->text.p[0] == '$' &&
        (r->text.n == 1 || r->text.p[1] == '.' || r->text.p[1] == '['))
        r->at = 1;
}

bool evt_path_parse(struct str text, struct arena *a, struct evt_path *out, struct err *err)
{
    struct reader r = {.text = text, .arena = a, .err = err};
    struct evt_step steps[EVT_PATH_MAX];
    size_t n = 0;
    if (!utf8_valid(text))
        return err_set(err, "path: not UTF-8");
    skip_root(&r);
    bool dot_due = r.at == 1;
    while (peek(&r) >= 0) {
        struct evt_step step = {0};
        if (n == EVT_PATH_MAX)
            return fail(&r, "more than 16 steps");
        if (peek(&r) == '[') {
            if (!read_bracket(&r, &step))
                return false;
        } else {
            if (dot_due && peek(&r) != '.')
                return fail(&r, "a dot or [ is missing");
            r.at += dot_due;
            if (!read_name(&r, &step))
                return false;
        }
        steps[n++] = step;
        dot_due = true;
    }
    if (n == 0)
        return fail(&r, "it names nothing");
    out->steps = arena_alloc(a, n * sizeof(*steps));
    memcpy(out->steps, steps, n * sizeof(*steps));
    out->n = n;
    return true;
}
