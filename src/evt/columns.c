/* columns.c -- the 131 columns of a Snowplow enriched event: their names and types, and how a value
 * becomes one of a type.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/columns.h"

#include "evt/tstamp.h"

#include <math.h>

const struct evt_column evt_columns[EVT_COLUMNS] = {
#define X(id, name, type) [COL_##id] = {name, EVT_COL_##type},
    EVT_COLUMN_TABLE(X)
#undef X
};

int evt_column_find(struct str name)
{
    for (int i = 0; i < EVT_COLUMNS; i++)
        if (str_eqz(name, evt_columns[i].name))
            return i;
    return -1;
}

/* A double that is a whole number and that an int64 holds exactly. */
static bool double_is_int(double d, int64_t *out)
{
    if (!(d > -9007199254740992.0 && d < 9007199254740992.0) || d != floor(d))
        return false;
    *out = (int64_t)d;
    return true;
}

/* Trackers report sizes and offsets as "25.0" at times; that is 25. */
static bool val_is_int(struct val v, int64_t *out)
{
    double d;
    switch (v.type) {
    case VAL_INT:
        *out = v.i;
        return true;
    case VAL_DBL:
        return double_is_int(v.d, out);
    case VAL_STR:
        return str_i64(val_as_str(v), out) ||
               (str_double(val_as_str(v), &d) && double_is_int(d, out));
    default:
        return false;
    }
}

static struct val bool_of(struct val v)
{
    struct str s = v.type == VAL_STR ? val_as_str(v) : (struct str){0};
    if (v.type == VAL_BOOL)
        return v;
    if (v.type == VAL_INT && (v.i == 0 || v.i == 1))
        return val_bool(v.i == 1);
    if (str_eq(s, STR("1")) || str_eq(s, STR("true")))
        return val_bool(true);
    if (str_eq(s, STR("0")) || str_eq(s, STR("false")))
        return val_bool(false);
    return val_null;
}

static struct val timestamp_of(struct val v)
{
    int64_t ms;
    if (v.type == VAL_STR)
        return tstamp_parse(val_as_str(v), &ms) ? val_int(ms) : val_null;
    return val_is_int(v, &ms) && tstamp_in_range(ms) ? val_int(ms) : val_null;
}

struct val column_convert(enum evt_column_type type, struct val v)
{
    int64_t i;
    double d;
    switch (type) {
    case EVT_COL_STRING:
        return v.type == VAL_STR && v.n ? v : val_null;
    case EVT_COL_INT:
        return val_is_int(v, &i) ? val_int(i) : val_null;
    case EVT_COL_DOUBLE:
        return val_as_double(v, &d) ? val_dbl(d) : val_null;
    case EVT_COL_BOOL:
        return bool_of(v);
    case EVT_COL_TIMESTAMP:
        return timestamp_of(v);
    case EVT_COL_JSON:
        break; /* no scalar holds one */
    }
    return val_null;
}
