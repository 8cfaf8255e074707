/* test_profile_kinds.c -- each kind as a table: what went in, what comes out, and when.
 *
 * A case is a line of events `seconds:value`, an aggregation, a window or a ttl in seconds, and
 * answers `seconds=json`. Values are JSON scalars without blanks; a bare word is a string; `-` is a
 * missing property. SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "profile/profile.h"

#include <stdlib.h>

struct row {
    enum keep keep;
    enum agg agg;
    enum plan_type type;
    int64_t period_s, ttl_s;
    const char *events, *answers;
    const char *fades; /* `seconds=seconds`: next_fade; NULL: not asked */
};
static const int64_t START_MS = 1700000000000;

static const struct row rows[] = {
    /* a window is (now - period, now] */
    {KEEP_TIMES, AGG_COUNTER, TYPE_INT32, 10, 0, "1:- 2:- 2:- 5:-",
     "5=4 10=4 11=3 12=1 14=1 15=null", "5=11 11=12 12=15 15=never"},
    {KEEP_TIMES, AGG_COUNTER, TYPE_STRING, 10, 0, "1:-", "5=\"1\"", NULL},
    {KEEP_SUM, AGG_COUNTER, TYPE_INT32, 0, 0, "1:- 2:-", "2=2 9999999=2", "2=never"},
    {KEEP_SUM, AGG_COUNTER, TYPE_INT32, 0, 10, "1:- 2:-", "2=2 11=2 12=null", "2=12 12=never"},
    /* numbers and strings that read as numbers; nothing else counts */
    {KEEP_NUMBERS, AGG_SUM, TYPE_DOUBLE, 10, 0, "1:1.5 2:\"2.5\" 3:web 4:true 5:-",
     "5=4 11=2.5 12=null", "5=11 11=12"},
    {KEEP_NUMBERS, AGG_SUM, TYPE_INT32, 10, 0, "1:1.5 2:-3.25", "5=-1", NULL},
    {KEEP_NUMBERS, AGG_SUM, TYPE_INT32, 10, 0, "1:3e9", "5=null", NULL},
    {KEEP_NUMBERS, AGG_SUM, TYPE_INT64, 10, 0, "1:3e9", "5=3000000000", NULL},
    {KEEP_NUMBERS, AGG_MIN, TYPE_INT64, 10, 0, "1:3 2:-7 3:5", "5=-7 12=5 13=null", NULL},
    {KEEP_NUMBERS, AGG_MAX, TYPE_INT64, 10, 0, "1:9 2:-7 3:5", "5=9 11=5", NULL},
    {KEEP_NUMBERS, AGG_MEAN, TYPE_DOUBLE, 10, 0, "1:1 2:2 3:6", "5=3 11=4", NULL},
    {KEEP_SUM, AGG_MEAN, TYPE_DOUBLE, 0, 0, "1:1 2:2 3:6 4:x", "99=3", NULL},
    {KEEP_SUM, AGG_MIN, TYPE_INT32, 0, 5, "1:1 2:2 20:6", "20=6 25=null", "20=25"},
    {KEEP_SUM, AGG_MAX, TYPE_INT32, 0, 5, "1:1 2:2 20:1", "20=1", NULL},
    /* a late event bridges two runs; 5 apart is not less than 5 */
    {KEEP_SUM, AGG_SUM, TYPE_INT32, 0, 5, "1:1 9:10 5:100", "9=111", NULL},
    {KEEP_SUM, AGG_SUM, TYPE_INT32, 0, 5, "1:1 6:10", "6=10", NULL},
    {KEEP_SUM, AGG_SUM, TYPE_INT32, 0, 5, "1:1 5:10", "5=11", NULL},
    {KEEP_FIRST, AGG_FIRST, TYPE_ANY, 0, 5, "9:b 1:a", "9=\"b\"", NULL},
    {KEEP_FIRST, AGG_FIRST, TYPE_ANY, 0, 5, "9:b 1:a 5:c", "9=\"a\" 13=\"a\" 14=null", "9=14"},
    {KEEP_FREQS, AGG_MOST_FREQUENT, TYPE_ANY, 0, 5, "1:a 1:a 9:b", "9=\"b\"", NULL},
    {KEEP_FREQS, AGG_MOST_FREQUENT, TYPE_ANY, 0, 5, "1:a 1:a 9:b 5:c", "9=\"a\"", NULL},
    {KEEP_SET, AGG_UNIQUE_LIST, TYPE_ANY, 0, 5, "1:a 9:b 9:a", "9=[\"a\",\"b\"]", NULL},
    {KEEP_SET, AGG_UNIQUE_LIST, TYPE_ANY, 0, 5, "1:z 9:b", "9=[\"b\"]", "9=14 14=never"},
    {KEEP_SET, AGG_UNIQUE_LIST, TYPE_ANY, 0, 5, "1:z 9:b 5:m", "9=[\"z\",\"m\",\"b\"] 14=null",
     NULL},
    {KEEP_LAST, AGG_LAST, TYPE_ANY, 0, 5, "1:z 9:b", "9=\"b\" 13=\"b\" 14=null", "9=14 14=never"},
    /* equal times: the smaller is first, the greater last */
    {KEEP_VALUES, AGG_FIRST, TYPE_ANY, 10, 0, "2:b 2:a 2:c 4:0", "5=\"a\" 12=0 14=null", "5=12"},
    {KEEP_FIRST, AGG_FIRST, TYPE_ANY, 0, 0, "2:b 2:a 2:c 4:0", "5=\"a\"", "5=never"},
    {KEEP_LAST, AGG_LAST, TYPE_ANY, 10, 0, "2:b 2:c 2:a 1:x", "5=\"c\" 11=\"c\" 12=null", "5=12"},
    {KEEP_LAST, AGG_LAST, TYPE_ANY, 0, 0, "2:true 2:5 2:false", "5=5", "5=never"},
    {KEEP_LAST, AGG_LAST, TYPE_ANY, 0, 0, "2:a 3:-", "5=\"a\"", NULL},
    {KEEP_LAST, AGG_LAST, TYPE_ANY, 0, 0, "2:a 3:\"\"", "5=\"\"", NULL},
    /* frequencies: ties go to the value seen last */
    {KEEP_VALUES, AGG_MOST_FREQUENT, TYPE_ANY, 10, 0, "1:a 2:b 3:b 4:a 5:c",
     "5=\"a\" 11=\"b\" 14=\"c\"", NULL},
    {KEEP_VALUES, AGG_LEAST_FREQUENT, TYPE_ANY, 10, 0, "1:a 2:b 3:b 4:a 4:d 5:c", "5=\"c\"", NULL},
    {KEEP_FREQS, AGG_LEAST_FREQUENT, TYPE_ANY, 0, 0, "1:a 2:b 3:b 4:a", "5=\"a\"", NULL},
    {KEEP_FREQS, AGG_MOST_FREQUENT, TYPE_ANY, 0, 0, "1:a 4:b 4:c", "5=\"c\"", NULL},
    {KEEP_FREQS, AGG_CATEGORY_COUNT, TYPE_DICT, 0, 0, "1:a 2:b 3:b 4:7 5:7.0 6:true",
     "9={\"7\":2,\"b\":2,\"true\":1,\"a\":1}", NULL},
    {KEEP_FREQS, AGG_CATEGORY_COUNT, TYPE_DICT, 0, 0, "1:7 2:\"7\" 3:b", "9={\"7\":2,\"b\":1}",
     NULL},
    {KEEP_VALUES, AGG_CATEGORY_COUNT, TYPE_DICT, 10, 0, "1:a 2:b 3:a",
     "9={\"a\":2,\"b\":1} 11={\"a\":1,\"b\":1} 13=null", NULL},
    {KEEP_FREQS, AGG_CATEGORY_COUNT, TYPE_STRING, 0, 0, "1:a", "9=null", NULL},
    /* distinct: seeing one again moves it to the end */
    {KEEP_SET, AGG_UNIQUE_LIST, TYPE_STRING_LIST, 10, 0, "1:a 2:b 3:a 4:5",
     "5=[\"b\",\"a\",\"5\"] 12=[\"a\",\"5\"] 14=null", "5=12"},
    {KEEP_SET, AGG_UNIQUE_LIST, TYPE_INT32_LIST, 0, 0, "1:a 2:1 3:2.5 4:\"9\" 5:true", "5=[1,2,9]",
     NULL},
    {KEEP_SET, AGG_UNIQUE_LIST, TYPE_BOOL_LIST, 0, 0, "1:a 2:1 3:false", "5=[false]", NULL},
    {KEEP_SET, AGG_UNIQUE_LIST, TYPE_STRING, 0, 0, "1:a", "5=null", NULL},
    {KEEP_SET, AGG_APPROX_COUNT_DISTINCT, TYPE_INT64, 10, 0, "1:a 2:b 3:a 4:1 5:1.0",
     "5=3 12=2 15=null", NULL},
    {KEEP_SET, AGG_APPROX_COUNT_DISTINCT, TYPE_INT64, 0, 0, "1:a 2:b", "99=2", "5=never"},
    /* types */
    {KEEP_LAST, AGG_LAST, TYPE_INT32, 0, 0, "1:2147483648", "5=null", NULL},
    {KEEP_LAST, AGG_LAST, TYPE_INT32, 0, 0, "1:-2.9", "5=-2", NULL},
    {KEEP_LAST, AGG_LAST, TYPE_INT64, 0, 0, "1:\"9007199254740993\"", "5=9007199254740993", NULL},
    {KEEP_LAST, AGG_LAST, TYPE_INT64, 0, 0, "1:9223372036854775807", "5=9223372036854775807", NULL},
    {KEEP_LAST, AGG_LAST, TYPE_INT64, 0, 0, "1:1e19", "5=null", NULL},
    {KEEP_LAST, AGG_LAST, TYPE_DOUBLE, 0, 0, "1:web", "5=null", NULL},
    {KEEP_LAST, AGG_LAST, TYPE_FLOAT, 0, 0, "1:0.5", "5=0.5", NULL},
    {KEEP_LAST, AGG_LAST, TYPE_FLOAT, 0, 0, "1:1e200", "5=null", NULL},
    {KEEP_LAST, AGG_LAST, TYPE_STRING, 0, 0, "1:0.5", "5=\"0.5\"", NULL},
    {KEEP_LAST, AGG_LAST, TYPE_BOOL, 0, 0, "1:true", "5=true", NULL},
    {KEEP_LAST, AGG_LAST, TYPE_BOOL, 0, 0, "1:\"true\"", "5=null", NULL},
    {KEEP_LAST, AGG_LAST, TYPE_BOOL, 0, 0, "1:1", "5=null", NULL},
    {KEEP_LAST, AGG_LAST, TYPE_DOUBLE, 0, 0, "1:true", "5=null", NULL},
    {KEEP_LAST, AGG_LAST, TYPE_BYTES, 0, 0, "1:abc", "5=\"YWJj\"", NULL},
    {KEEP_LAST, AGG_LAST, TYPE_UNIX_TIMESTAMP, 0, 0, "1:1700000000123", "5=1700000000123", NULL},
    {KEEP_LAST, AGG_LAST, TYPE_STRING_LIST, 0, 0, "1:abc", "5=null", NULL},
};

/* Reads one scalar: strtod, but exact for whole numbers. */
static struct val scalar(struct str t, bool *missing)
{
    int64_t i;
    double d;
    *missing = str_eqz(t, "-");
    if (*missing)
        return val_null;
    if (str_eqz(t, "true") || str_eqz(t, "false"))
        return val_bool(t.n == 4);
    if (str_i64(t, &i))
        return val_int(i);
    if (str_double(t, &d))
        return val_dbl(d);
    if (t.n >= 2 && t.p[0] == '"')
        return val_str((struct str){t.p + 1, t.n - 2});
    return val_str(t);
}

/* The next `number SEP text`, ended by a blank. */
static bool next_pair(const char **p, char sep, int64_t *number, struct str *text)
{
    while (**p == ' ')
        (*p)++;
    if (!**p)
        return false;
    char *end;
    *number = strtoll(*p, &end, 10);
    if (*end != sep)
        abort();
    size_t n = strcspn(end + 1, " ");
    *text = (struct str){end + 1, n};
    *p = end + 1 + n;
    return true;
}

static void run_row(const struct row *r, struct val dflt)
{
    struct plan_series series = {.id = 9,
                                 .keep = r->keep,
                                 .slot = r->agg == AGG_COUNTER ? -1 : 0,
                                 .longest_ms = r->period_s * 1000,
                                 .shortest_ms = r->period_s * 1000,
                                 .ttl_ms = r->ttl_s * 1000};
    struct plan_attr attr = {.agg = r->agg,
                             .type = r->type,
                             .period_ms = r->period_s * 1000,
                             .ttl_ms = r->ttl_s * 1000,
                             .dflt = dflt};
    struct plan plan = {.series = &series, .n_series = 1, .attrs = &attr, .n_attrs = 1};
    struct store *s = store_new(&profile_limits_default);
    struct profile *p = store_touch(s, 1, STR("x"));
    struct arena arena;
    struct str text;
    int64_t at;
    bool missing;
    arena_init(&arena);
    for (const char *e = r->events; next_pair(&e, ':', &at, &text);) {
        struct val v = scalar(text, &missing);
        profile_add(s, p, &series, START_MS + at * 1000, v, START_MS + 10 * 1000);
    }
    for (const char *a = r->answers; next_pair(&a, '=', &at, &text);) {
        struct val v = profile_read(s, p, &plan, &attr, START_MS + at * 1000, &arena);
        struct buf b = {0};
        if (dflt.type != VAL_NULL && str_eqz(text, "null"))
            CHECK(val_eq(v, dflt));
        else
            val_write_json(&b, &v);
        if (b.n)
            CHECK(str_eq(buf_str(&b), text), "row %d (%s) at %d: got %.*s, want %.*s",
                  (int)(r - rows), r->events, (int)at, STR_FMT(buf_str(&b)), STR_FMT(text));
        buf_fini(&b);
    }
    for (const char *f = r->fades ? r->fades : ""; next_pair(&f, '=', &at, &text);) {
        int64_t want = INT64_MAX, due;
        if (str_i64(text, &due))
            want = START_MS + due * 1000;
        CHECK_INT(profile_next_fade(s, p, &plan, &attr, START_MS + at * 1000), want);
    }
    arena_fini(&arena);
    store_free(s);
}

int main(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        run_row(&rows[i], val_null);
        run_row(&rows[i], val_strz("a default"));
    }
    struct plan_series series = {.id = 1};
    struct plan_attr attr = {.type = TYPE_INT32, .dflt = val_int(0)};
    struct plan plan = {.series = &series, .attrs = &attr};
    struct store *s = store_new(&profile_limits_default);
    struct arena arena;
    arena_init(&arena);
    CHECK_INT(profile_read(s, NULL, &plan, &attr, START_MS, &arena).i, 0);
    CHECK_INT(profile_next_fade(s, NULL, &plan, &attr, START_MS), INT64_MAX);
    CHECK_INT(profile_next_at_most(s, NULL, &plan, &attr, 0, START_MS), INT64_MAX);
    arena_fini(&arena);
    store_free(s);
    return check_done();
}
