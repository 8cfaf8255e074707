/* mp.c -- reads msgpack in place; no count is believed before the bytes for it are there.
 * Format: https://github.com/msgpack/msgpack/blob/master/spec.md
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <math.h>

static bool take(struct mp *m, size_t n, uint64_t *out)
{
    uint64_t v = 0;
    if ((size_t)(m->end - m->p) < n)
        return false;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | m->p[i];
    m->p += n;
    *out = v;
    return true;
}

static bool bytes(struct mp *m, enum val_type type, uint64_t n, struct val *v)
{
    if ((uint64_t)(m->end - m->p) < n)
        return false;
    *v = (struct val){.type = type, .n = (uint32_t)n, .s = (const char *)m->p};
    m->p += n;
    return true;
}

/* Each item takes a byte at least. */
static bool container(struct mp *m, enum val_type type, uint64_t n, struct val *v)
{
    if ((uint64_t)(m->end - m->p) < n * (type == VAL_DICT ? 2 : 1))
        return false;
    *v = (struct val){.type = type, .n = (uint32_t)n};
    return true;
}

static bool ext(struct mp *m, uint64_t n, struct val *v)
{
    if (!bytes(m, VAL_BIN, n + 1, v))
        return false;
    *v = val_null;
    return true;
}

static bool next_sized(struct mp *m, uint8_t head, struct val *v)
{
    static const uint8_t sizes[32] = {
        [0x04] = 1, [0x05] = 2, [0x06] = 4,             /* bin */
        [0x07] = 1, [0x08] = 2, [0x09] = 4,             /* ext */
        [0x0a] = 4, [0x0b] = 8,                         /* float */
        [0x0c] = 1, [0x0d] = 2, [0x0e] = 4, [0x0f] = 8, /* uint */
        [0x10] = 1, [0x11] = 2, [0x12] = 4, [0x13] = 8, /* int */
        [0x19] = 1, [0x1a] = 2, [0x1b] = 4,             /* str */
        [0x1c] = 2, [0x1d] = 4, [0x1e] = 2, [0x1f] = 4, /* array, map */
    };
    uint64_t n = 0;
    if (!take(m, sizes[head & 31], &n))
        return false;
    switch (head) {
    case 0xc0:
        *v = val_null;
        return true;
    case 0xc2:
    case 0xc3:
        *v = val_bool(head == 0xc3);
        return true;
    case 0xc4:
    case 0xc5:
    case 0xc6:
        return bytes(m, VAL_BIN, n, v);
    case 0xc7:
    case 0xc8:
    case 0xc9:
        return ext(m, n, v);
    case 0xca: {
        uint32_t u = (uint32_t)n;
        float f;
        memcpy(&f, &u, sizeof(f));
        *v = val_dbl((double)f);
        return true;
    }
    case 0xcb: {
        double d;
        memcpy(&d, &n, sizeof(d));
        *v = val_dbl(d);
        return true;
    }
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        *v = n > INT64_MAX ? val_dbl((double)n) : val_int((int64_t)n);
        return true;
    case 0xd0:
        *v = val_int((int8_t)n);
        return true;
    case 0xd1:
        *v = val_int((int16_t)n);
        return true;
    case 0xd2:
        *v = val_int((int32_t)n);
        return true;
    case 0xd3:
        *v = val_int((int64_t)n);
        return true;
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        return ext(m, (uint64_t)1 << (head - 0xd4), v);
    case 0xd9:
    case 0xda:
    case 0xdb:
        return bytes(m, VAL_STR, n, v);
    case 0xdc:
    case 0xdd:
        return container(m, VAL_LIST, n, v);
    case 0xde:
    case 0xdf:
        return container(m, VAL_DICT, n, v);
    }
    return false; /* 0xc1 */
}

bool mp_next(struct mp *m, struct val *v)
{
    if (m->p >= m->end)
        return false;
    uint8_t head = *m->p++;
    if (head < 0x80)
        *v = val_int(head);
    else if (head >= 0xe0)
        *v = val_int((int8_t)head);
    else if (head < 0x90)
        return container(m, VAL_DICT, head & 15, v);
    else if (head < 0xa0)
        return container(m, VAL_LIST, head & 15, v);
    else if (head < 0xc0)
        return bytes(m, VAL_STR, head & 31, v);
    else
        return next_sized(m, head, v);
    return true;
}

static bool skip(struct mp *m, int depth)
{
    struct val v;
    if (depth > MP_DEPTH_MAX || !mp_next(m, &v))
        return false;
    if (v.type != VAL_LIST && v.type != VAL_DICT)
        return true;
    for (uint64_t left = (uint64_t)v.n * (v.type == VAL_DICT ? 2 : 1); left; left--)
        if (!skip(m, depth + 1))
            return false;
    return true;
}

bool mp_skip(struct mp *m)
{
    return skip(m, 0);
}

/* owed: items that the containers around this one still claim. All claims together must fit in the bytes left, so that
 * nested headers cannot reserve more than a body's length of items. */
static bool tree(struct mp *m, struct arena *a, int depth, size_t owed, struct val *v)
{
    if (depth > MP_DEPTH_MAX || !mp_next(m, v))
        return false;
    if (v->type != VAL_LIST && v->type != VAL_DICT)
        return true;
    size_t n = (size_t)v->n * (v->type == VAL_DICT ? 2 : 1);
    if ((size_t)(m->end - m->p) < n + owed)
        return false;
    v->items = arena_alloc(a, n * sizeof(*v->items));
    for (size_t i = 0; i < n; i++) {
        if (!tree(m, a, depth + 1, owed + n - i - 1, &v->items[i]))
            return false;
        if (v->type == VAL_DICT && i % 2 == 0 && v->items[i].type != VAL_STR)
            return false;
    }
    return true;
}

bool mp_tree(struct mp *m, struct arena *a, struct val *out, struct err *err)
{
    const uint8_t *start = m->p;
    if (!tree(m, a, 0, 0, out))
        return err_set(
            err,
            "not msgpack, or cut short, or nested more than %d deep, or a map's key is no "
            "string: byte %zu",
            MP_DEPTH_MAX, (size_t)(m->p - start));
    return true;
}
