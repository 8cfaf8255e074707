/* pack.c -- numbers and texts as bytes, and back without trust.
 *
 * Varints are LEB128 as in protocol buffers: seven bits a byte, the lowest first; signed ones zigzag.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

void pack_uint(struct buf *b, uint64_t n)
{
    char out[10];
    size_t at = 0;
    for (; n >= 0x80; n >>= 7)
        out[at++] = (char)(n | 0x80);
    out[at++] = (char)n;
    buf_put(b, out, at);
}

void pack_int(struct buf *b, int64_t n)
{
    pack_uint(b, ((uint64_t)n << 1) ^ (uint64_t)(n >> 63));
}

/* The machine is little endian, as is every one this is built for. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "fixed numbers are kept little endian");

void pack_double(struct buf *b, double d)
{
    buf_put(b, &d, sizeof(d));
}

void pack_u32(struct buf *b, uint32_t n)
{
    buf_put(b, &n, sizeof(n));
}

void pack_u64(struct buf *b, uint64_t n)
{
    buf_put(b, &n, sizeof(n));
}

void pack_str(struct buf *b, struct str s)
{
    pack_uint(b, s.n);
    if (s.n)
        buf_put(b, s.p, s.n);
}

struct unpack unpack_of(struct str s)
{
    return (struct unpack){s.p, s.p + s.n, false};
}

/* What is bad stays bad: nothing more is read. */
static void spoil(struct unpack *u)
{
    u->bad = true;
    u->p = u->end;
}

uint64_t unpack_uint(struct unpack *u)
{
    uint64_t n = 0;
    for (unsigned shift = 0; shift < 64 && u->p < u->end; shift += 7) {
        uint64_t part = (unsigned char)*u->p++;
        if (shift == 63 && part > 1)
            break;
        n |= (part & 0x7f) << shift;
        if (part < 0x80)
            return n;
    }
    spoil(u);
    return 0;
}

int64_t unpack_int(struct unpack *u)
{
    uint64_t n = unpack_uint(u);
    return (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
}

struct str unpack_bytes(struct unpack *u, size_t n)
{
    if (n > (size_t)(u->end - u->p)) {
        spoil(u);
        return (struct str){NULL, 0};
    }
    struct str s = {u->p, n};
    u->p += n;
    return s;
}

static void fixed(struct unpack *u, void *out, size_t n)
{
    struct str s = unpack_bytes(u, n);
    memset(out, 0, n);
    if (s.n)
        memcpy(out, s.p, n);
}

double unpack_double(struct unpack *u)
{
    double d;
    fixed(u, &d, sizeof(d));
    return d;
}

uint32_t unpack_u32(struct unpack *u)
{
    uint32_t n;
    fixed(u, &n, sizeof(n));
    return n;
}

uint64_t unpack_u64(struct unpack *u)
{
    uint64_t n;
    fixed(u, &n, sizeof(n));
    return n;
}

struct str unpack_str(struct unpack *u)
{
    uint64_t n = unpack_uint(u);
    return unpack_bytes(u, n);
}

size_t unpack_count(struct unpack *u, size_t min_bytes)
{
    uint64_t n = unpack_uint(u);
    if (n <= (uint64_t)(u->end - u->p) / min_bytes)
        return (size_t)n;
    spoil(u);
    return 0;
}

bool unpack_done(const struct unpack *u)
{
    return !u->bad && u->p == u->end;
}
