/* cast.c -- values as the type an attribute declares. What cannot be cast is null.
 * SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"

#include <math.h>

struct str cast_text(struct val v, struct arena *arena)
{
    if (v.type == VAL_STR || v.type == VAL_BIN)
        return val_as_str(v);
    struct buf b = {0};
    val_write_json(&b, &v);
    struct str text = arena_str(arena, buf_str(&b));
    buf_fini(&b);
    return text;
}

static struct val cast_int(struct val v, int64_t least, int64_t most)
{
    int64_t i;
    double d;
    if (v.type == VAL_INT)
        i = v.i;
    else if (v.type == VAL_STR && str_i64(val_as_str(v), &i)) /* exact where a double is not */
        ;
    else if (val_as_double(v, &d) && trunc(d) >= -0x1p63 && trunc(d) < 0x1p63)
        i = (int64_t)d;
    else
        return val_null;
    return i >= least && i <= most ? val_int(i) : val_null;
}

static struct val cast_scalar(struct val v, enum plan_type type, struct arena *arena)
{
    double d;
    switch (type) {
    case TYPE_BYTES:
        if (v.type == VAL_STR)
            v.type = VAL_BIN;
        return v.type == VAL_BIN ? v : val_null;
    case TYPE_STRING:
        return val_str(cast_text(v, arena));
    case TYPE_INT32:
        return cast_int(v, INT32_MIN, INT32_MAX);
    case TYPE_INT64:
    case TYPE_UNIX_TIMESTAMP:
        return cast_int(v, INT64_MIN, INT64_MAX);
    case TYPE_DOUBLE:
        return val_as_double(v, &d) ? val_dbl(d) : val_null;
    case TYPE_FLOAT:
        return val_as_double(v, &d) && isfinite((float)d) ? val_dbl((float)d) : val_null;
    case TYPE_BOOL:
        return v.type == VAL_BOOL ? v : val_null;
    default:
        return val_null;
    }
}

/* The type of a list's items; TYPE_COUNT when it is no list. */
static enum plan_type item_type(enum plan_type list)
{
    switch (list) {
    case TYPE_BYTES_LIST:
        return TYPE_BYTES;
    case TYPE_STRING_LIST:
        return TYPE_STRING;
    case TYPE_INT32_LIST:
        return TYPE_INT32;
    case TYPE_INT64_LIST:
        return TYPE_INT64;
    case TYPE_DOUBLE_LIST:
        return TYPE_DOUBLE;
    case TYPE_FLOAT_LIST:
        return TYPE_FLOAT;
    case TYPE_BOOL_LIST:
        return TYPE_BOOL;
    case TYPE_UNIX_TIMESTAMP_LIST:
        return TYPE_UNIX_TIMESTAMP;
    default:
        return TYPE_COUNT;
    }
}

struct val cast_val(struct val v, enum plan_type type, struct arena *arena)
{
    if (type == TYPE_ANY || v.type == VAL_NULL)
        return v;
    if (v.type == VAL_DICT)
        return type == TYPE_DICT ? v : val_null;
    enum plan_type item = item_type(type);
    if (v.type != VAL_LIST)
        return item == TYPE_COUNT ? cast_scalar(v, type, arena) : val_null;
    if (item == TYPE_COUNT)
        return val_null;
    struct val list = val_list(arena, v.n);
    list.n = 0;
    for (uint32_t i = 0; i < v.n; i++) {
        struct val one = cast_scalar(v.items[i], item, arena);
        if (one.type != VAL_NULL)
            list.items[list.n++] = one;
    }
    return list.n ? list : val_null;
}
