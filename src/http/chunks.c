/* chunks.c -- a chunked body, decoded in place and strictly.
 *
 * A size is one to sixteen hexadecimal digits, at once followed by CRLF or by an extension;
 * extensions and trailers are read strictly, thrown away, and together bounded, since nobody sends
 * them but those who try.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/http.h"

enum { EXTRA_MAX = 4096, DIGITS_MAX = 16 };
enum {
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    DONE
};

static bool is_name_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_value_char(char c)
{
    return c == '\t' || ((uint8_t)c >= ' ' && c != 0x7f);
}

static const char *step_size(struct http_chunks *c, char ch)
{
    int digit = hex_digit(ch);
    if (digit >= 0) {
        if (++c->n_digits > DIGITS_MAX)
            return "a chunk size has too many digits";
        c->left = c->left << 4 | (unsigned)digit;
        return NULL;
    }
    if (!c->n_digits || (ch != '\r' && ch != ';'))
        return "a chunk size is not a hexadecimal number";
    c->state = ch == '\r' ? SIZE_LF : EXTENSION;
    return NULL;
}

static const char *step_trailer(struct http_chunks *c, char ch)
{
    if (c->state == TRAILER && ch == '\r')
        c->state = END_LF;
    else if (c->state == TRAILER && is_name_char(ch))
        c->state = TRAILER_NAME;
    else if (c->state == TRAILER_NAME && ch == ':')
        c->state = TRAILER_VALUE;
    else if (c->state == TRAILER_VALUE && ch == '\r')
        c->state = TRAILER_LF;
    else if (!(c->state == TRAILER_NAME && is_name_char(ch)) &&
             !(c->state == TRAILER_VALUE && is_value_char(ch)))
        return "a trailer has a character that it may not have";
    return NULL;
}

static const char *expect(struct http_chunks *c, char ch, char want, int next)
{
    c->state = next;
    return ch == want ? NULL : "a chunk or its size does not end in CRLF";
}

/* Everything but the data itself, one byte at a time. NULL: fine. */
static const char *step(struct http_chunks *c, char ch)
{
    switch (c->state) {
    case SIZE:
        return step_size(c, ch);
    case EXTENSION:
        if (ch == '\r')
            c->state = SIZE_LF;
        else if (!is_value_char(ch))
            return "a chunk extension has a character that it may not have";
        break;
    case SIZE_LF:
        c->n_digits = 0;
        return expect(c, ch, '\n', c->left ? DATA : TRAILER);
    case DATA_CR:
        return expect(c, ch, '\r', DATA_LF);
    case DATA_LF:
        return expect(c, ch, '\n', SIZE);
    case TRAILER_LF:
        return expect(c, ch, '\n', TRAILER);
    case END_LF:
        return expect(c, ch, '\n', DONE);
    default:
        if (step_trailer(c, ch))
            return "a trailer has a character that it may not have";
        break;
    }
    return ++c->n_extra > EXTRA_MAX ? "too many chunk extensions or trailers" : NULL;
}

int http_read_chunks(struct http_chunks *c, char *p, size_t n, size_t *n_used, size_t *n_out,
                     const char **why)
{
    size_t i = 0, out = 0;
    *why = NULL;
    while (i < n && c->state != DONE && !*why) {
        if (c->state != DATA) {
            *why = step(c, p[i++]);
            continue;
        }
        size_t take = c->left < n - i ? (size_t)c->left : n - i;
        if (out != i)
            memmove(p + out, p + i, take);
        out += take;
        i += take;
        c->left -= take;
        if (!c->left)
            c->state = DATA_CR;
    }
    *n_used = i;
    *n_out = out;
    return *why ? -400 : c->state == DONE;
}
