/* val.c -- a value as rules and answers see it: make, compare, hash, copy, look up.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <assert.h>
#include <math.h>

const struct val val_null = {.type = VAL_NULL};

struct val val_bool(bool b)
{
    return (struct val){.type = VAL_BOOL, .b = b};
}

struct val val_int(int64_t i)
{
    return (struct val){.type = VAL_INT, .i = i};
}

struct val val_dbl(double d)
{
    return isfinite(d) ? (struct val){.type = VAL_DBL, .d = d} : val_null;
}

struct val val_str(struct str s)
{
    return (struct val){.type = VAL_STR, .n = (uint32_t)s.n, .s = s.p};
}

struct val val_strz(const char *z)
{
    return val_str(str_of(z));
}

struct str val_as_str(struct val v)
{
    if (v.type != VAL_STR && v.type != VAL_BIN)
        return (struct str){"", 0};
    return (struct str){v.s, v.n};
}

bool val_as_double(struct val v, double *out)
{
    switch (v.type) {
    case VAL_INT:
        *out = (double)v.i;
        return true;
    case VAL_DBL:
        *out = v.d;
        return true;
    case VAL_STR:
        return str_double(val_as_str(v), out);
    default:
        return false;
    }
}

static int class_of(struct val v)
{
    switch (v.type) {
    case VAL_NULL:
        return 0;
    case VAL_BOOL:
        return 1;
    case VAL_INT:
    case VAL_DBL:
        return 2;
    case VAL_STR:
    case VAL_BIN:
        return 3;
    case VAL_LIST:
        return 4;
    case VAL_DICT:
        return 5;
    }
    return 0;
}

/* Exact: a double cannot hold every int64, so the whole part is compared as an integer. */
static int cmp_int_double(int64_t i, double d)
{
    if (d >= 9223372036854775808.0)
        return -1;
    if (d < -9223372036854775808.0)
        return 1;
    int64_t whole = (int64_t)d;
    if (i != whole)
        return i < whole ? -1 : 1;
    double rest = d - (double)whole;
    return rest > 0 ? -1 : rest < 0;
}

static int cmp_number(struct val a, struct val b)
{
    if (a.type == VAL_INT && b.type == VAL_INT)
        return a.i < b.i ? -1 : a.i > b.i;
    if (a.type == VAL_INT)
        return cmp_int_double(a.i, b.d);
    if (b.type == VAL_INT)
        return -cmp_int_double(b.i, a.d);
    return a.d < b.d ? -1 : a.d > b.d;
}

int val_cmp(struct val a, struct val b)
{
    int ca = class_of(a), cb = class_of(b);
    if (ca != cb)
        return ca < cb ? -1 : 1;
    switch (ca) {
    case 1:
        return (int)a.b - (int)b.b;
    case 2:
        return cmp_number(a, b);
    case 3:
        return str_cmp(val_as_str(a), val_as_str(b));
    case 4:
    case 5: {
        size_t per = ca == 5 ? 2 : 1, na = a.n * per, nb = b.n * per;
        for (size_t i = 0; i < MIN_OF(na, nb); i++) {
            int c = val_cmp(a.items[i], b.items[i]);
            if (c)
                return c;
        }
        return na < nb ? -1 : na > nb;
    }
    }
    return 0;
}

bool val_eq(struct val a, struct val b)
{
    return val_cmp(a, b) == 0;
}

uint64_t val_hash(struct val v)
{
    switch (v.type) {
    case VAL_NULL:
        return 0x9e3779b97f4a7c15u;
    case VAL_BOOL:
        return v.b ? 0xc2b2ae3d27d4eb4fu : 0x165667b19e3779f9u;
    case VAL_STR:
    case VAL_BIN:
        return str_hash(val_as_str(v));
    case VAL_DBL:
        if (v.d >= -9223372036854775808.0 && v.d < 9223372036854775808.0 && v.d == floor(v.d))
            v = val_int((int64_t)v.d); /* 1.0 hashes as 1 */
        break;
    case VAL_LIST:
    case VAL_DICT: {
        uint64_t h = v.type;
        for (size_t i = 0; i < v.n * (v.type == VAL_DICT ? 2u : 1u); i++)
            h = (h ^ val_hash(v.items[i])) * 0x9fb21c651e98df25u;
        return h;
    }
    case VAL_INT:
        break;
    }
    return str_hash((struct str){(const char *)&v.i, sizeof(v.i)}) ^ (v.type == VAL_DBL);
}

struct val val_copy(struct arena *a, struct val v)
{
    if (v.type == VAL_STR || v.type == VAL_BIN) {
        v.s = arena_str(a, val_as_str(v)).p;
    } else if (v.type == VAL_LIST || v.type == VAL_DICT) {
        size_t n = v.n * (v.type == VAL_DICT ? 2u : 1u);
        struct val *items = arena_alloc(a, n * sizeof(*items));
        for (size_t i = 0; i < n; i++)
            items[i] = val_copy(a, v.items[i]);
        v.items = items;
    }
    return v;
}

const struct val *val_get(const struct val *dict, const char *key)
{
    if (!dict || dict->type != VAL_DICT)
        return NULL;
    for (size_t i = 0; i < dict->n; i++)
        if (dict->items[2 * i].type == VAL_STR && str_eqz(val_as_str(dict->items[2 * i]), key))
            return &dict->items[2 * i + 1];
    return NULL;
}

struct val val_list(struct arena *a, size_t n)
{
    return (struct val){
        .type = VAL_LIST, .n = (uint32_t)n, .items = arena_zalloc(a, n * sizeof(struct val))};
}

struct val val_dict(struct arena *a, size_t n)
{
    struct val v = {.type = VAL_DICT, .n = 0};
    v.items = arena_zalloc(a, 2 * n * sizeof(struct val));
    return v;
}

void dict_put(struct val *dict, size_t *used, struct str key, struct val v)
{
    assert(dict->type == VAL_DICT && *used == dict->n);
    dict->items[2 * *used] = val_str(key);
    dict->items[2 * *used + 1] = v;
    dict->n = (uint32_t)++ * used;
}
