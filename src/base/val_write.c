/* val_write.c -- a value as JSON or as msgpack.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <inttypes.h>
#include <math.h>
#include <msgpack.h>
#include <stdlib.h>

/* Text that reads back as the same double, of 15 digits where they do, else 16 or 17; whole numbers keep no fraction, as
 * JavaScript writes them. */
static void write_double(struct buf *b, double d)
{
    char text[40];
    if (d == floor(d) && fabs(d) < 1e15) {
        buf_printf(b, "%.0f", d == 0 ? 0.0 : d);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, d);
        if (strtod(text, NULL) == d)
            break;
    }
    buf_puts(b, text);
}

/* Bytes of the UTF-8 character at p; 0 when it is not one. */
static size_t utf8_step(const uint8_t *p, size_t left)
{
    size_t n = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
    if (*p < 0xc2 || n > left || !utf8_valid((struct str){(const char *)p, n}))
        return 0;
    return n;
}

static void write_string(struct buf *b, struct str s)
{
    const uint8_t *p = (const uint8_t *)s.p;
    buf_reserve(b, s.n + 2);
    buf_putc(b, '"');
    for (size_t i = 0; i < s.n;) {
        size_t start = i;
        while (i < s.n && p[i] >= 0x20 && p[i] < 0x80 && p[i] != '"' && p[i] != '\\')
            i++;
        buf_put(b, s.p + start, i - start);
        if (i == s.n)
            break;
        uint8_t c = p[i];
        if (c >= 0x80) {
            size_t n = utf8_step(p + i, s.n - i);
            if (n)
                buf_put(b, s.p + i, n);
            else
                buf_puts(b, "\xef\xbf\xbd");
            i += n ? n : 1;
            continue;
        }
        if (c == '"' || c == '\\')
            buf_putc(b, '\\'), buf_putc(b, (char)c);
        else if (c == '\n')
            buf_puts(b, "\\n");
        else if (c == '\t')
            buf_puts(b, "\\t");
        else
            buf_printf(b, "\\u%04x", c);
        i++;
    }
    buf_putc(b, '"');
}

static void write_base64(struct buf *b, struct str s)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = (const uint8_t *)s.p;
    buf_putc(b, '"');
    for (size_t i = 0; i < s.n; i += 3) {
        size_t left = s.n - i;
        uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                     (left > 2 ? p[i + 2] : 0);
        buf_putc(b, alphabet[v >> 18]);
        buf_putc(b, alphabet[v >> 12 & 63]);
        buf_putc(b, left > 1 ? alphabet[v >> 6 & 63] : '=');
        buf_putc(b, left > 2 ? alphabet[v & 63] : '=');
    }
    buf_putc(b, '"');
}

static void write_int(struct buf *b, int64_t i)
{
    char text[24], *p = text + sizeof(text);
    uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    do
        *--p = (char)('0' + u % 10);
    while (u /= 10);
    if (i < 0)
        *--p = '-';
    buf_put(b, p, (size_t)(text + sizeof(text) - p));
}

void val_write_json(struct buf *b, const struct val *v)
{
    switch (v->type) {
    case VAL_NULL:
        buf_puts(b, "null");
        break;
    case VAL_BOOL:
        buf_puts(b, v->b ? "true" : "false");
        break;
    case VAL_INT:
        write_int(b, v->i);
        break;
    case VAL_DBL:
        write_double(b, v->d);
        break;
    case VAL_STR:
        write_string(b, val_as_str(*v));
        break;
    case VAL_BIN:
        write_base64(b, val_as_str(*v));
        break;
    case VAL_LIST:
        buf_putc(b, '[');
        for (size_t i = 0; i < v->n; i++) {
            if (i)
                buf_putc(b, ',');
            val_write_json(b, &v->items[i]);
        }
        buf_putc(b, ']');
        break;
    case VAL_DICT:
        buf_putc(b, '{');
        for (size_t i = 0; i < v->n; i++) {
            if (i)
                buf_putc(b, ',');
            val_write_json(b, &v->items[2 * i]);
            buf_putc(b, ':');
            val_write_json(b, &v->items[2 * i + 1]);
        }
        buf_putc(b, '}');
        break;
    }
}

static int put(void *b, const char *p, size_t n)
{
    buf_put(b, p, n);
    return 0;
}

static void pack(msgpack_packer *pk, const struct val *v)
{
    switch (v->type) {
    case VAL_NULL:
        msgpack_pack_nil(pk);
        break;
    case VAL_BOOL:
        v->b ? msgpack_pack_true(pk) : msgpack_pack_false(pk);
        break;
    case VAL_INT:
        msgpack_pack_int64(pk, v->i);
        break;
    case VAL_DBL:
        msgpack_pack_double(pk, v->d);
        break;
    case VAL_STR:
        msgpack_pack_str_with_body(pk, v->s, v->n);
        break;
    case VAL_BIN:
        msgpack_pack_bin_with_body(pk, v->s, v->n);
        break;
    case VAL_LIST:
        msgpack_pack_array(pk, v->n);
        for (size_t i = 0; i < v->n; i++)
            pack(pk, &v->items[i]);
        break;
    case VAL_DICT:
        msgpack_pack_map(pk, v->n);
        for (size_t i = 0; i < 2 * (size_t)v->n; i++)
            pack(pk, &v->items[i]);
        break;
    }
}

void val_write_msgpack(struct buf *b, const struct val *v)
{
    msgpack_packer pk;
    msgpack_packer_init(&pk, b, put);
    pack(&pk, v);
}
