/* test_base_val.c -- values: order, equality and hash, copies, look-up, and their text as JSON.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/base.h"
#include "check.h"

static struct val list_of(struct arena *a, size_t n, const struct val *items)
{
    struct val v = val_list(a, n);
    memcpy(v.items, items, n * sizeof(*items));
    return v;
}

/* Every value is less than all in later rows and equal to those in its own. */
static void order(void)
{
    struct arena a;
    arena_init(&a);
    struct val one = val_int(1), two = val_int(2), pair[] = {one, two};
    struct val dict = val_dict(&a, 1);
    size_t used = 0;
    dict_put(&dict, &used, STR("k"), one);
    struct val bin = val_strz("b");
    bin.type = VAL_BIN;
    struct {
        int rank;
        struct val v;
    } rows[] = {
        {0, val_null},
        {1, val_bool(false)},
        {2, val_bool(true)},
        {3, val_dbl(-1e300)},
        {4, val_int(INT64_MIN)},
        {4, val_dbl(-9223372036854775808.0)},
        {5, val_int(INT64_MIN + 1)},
        {6, val_dbl(-1.5)},
        {7, val_int(-1)},
        {8, val_dbl(-0.5)},
        {9, val_int(0)},
        {9, val_dbl(-0.0)},
        {9, val_dbl(0)},
        {10, val_dbl(1e-300)},
        {11, val_int(1)},
        {11, val_dbl(1.0)},
        {12, val_dbl(1.5)},
        {13, val_int(9007199254740992)}, /* 2^53: the next integer is no double */
        {13, val_dbl(9007199254740992.0)},
        {14, val_int(9007199254740993)},
        {15, val_int(9007199254740994)},
        {15, val_dbl(9007199254740994.0)},
        {16, val_int(INT64_MAX)},
        {17, val_dbl(9223372036854775808.0)},
        {18, val_dbl(1e300)},
        {19, val_strz("")},
        {20, val_strz("a")},
        {21, val_strz("b")},
        {21, bin},
        {22, val_strz("ba")},
        {23, val_list(&a, 0)},
        {24, list_of(&a, 1, &one)},
        {25, list_of(&a, 2, pair)},
        {26, list_of(&a, 1, &two)},
        {27, val_dict(&a, 0)},
        {28, dict},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t k = 0; k < COUNT_OF(rows); k++) {
            int want = rows[i].rank < rows[k].rank ? -1 : rows[i].rank > rows[k].rank;
            int got = val_cmp(rows[i].v, rows[k].v);
            CHECK((got < 0 ? -1 : got > 0) == want, "rows %zu and %zu", i, k);
            CHECK(val_eq(rows[i].v, rows[k].v) == (want == 0), "rows %zu and %zu", i, k);
            CHECK((val_hash(rows[i].v) == val_hash(rows[k].v)) == (want == 0),
                  "hash of rows %zu and %zu", i, k);
        }
    CHECK(val_dbl(NAN).type == VAL_NULL && val_dbl(INFINITY).type == VAL_NULL);
    arena_fini(&a);
}

static void copying(void)
{
    struct arena a, b;
    arena_init(&a);
    arena_init(&b);
    struct val v = val_dict(&a, 2);
    size_t used = 0;
    char key[] = "key", text[] = "text";
    struct val items[] = {val_strz(text), val_null, val_dbl(2.5)};
    dict_put(&v, &used, str_of(key), list_of(&a, 3, items));
    dict_put(&v, &used, STR("n"), val_int(-1));
    struct val copy = val_copy(&b, v);
    CHECK(val_eq(v, copy));
    memset(key, 'x', 3);
    memset(text, 'x', 4);
    arena_fini(&a);
    CHECK(str_eqz(val_as_str(val_get(&copy, "key")->items[0]), "text"));
    CHECK_INT(val_get(&copy, "n")->i, -1);
    CHECK(!val_get(&copy, "none") && !val_get(NULL, "key") && !val_get(val_get(&copy, "n"), "key"));
    arena_fini(&b);
}

static void numbers(void)
{
    double d = 0;
    CHECK(val_as_double(val_strz("2.5"), &d) && d == 2.5);
    CHECK(val_as_double(val_int(-3), &d) && d == -3);
    CHECK(!val_as_double(val_strz("2.5 "), &d) && !val_as_double(val_bool(true), &d) &&
          !val_as_double(val_null, &d));
    struct val bin = val_strz("1");
    bin.type = VAL_BIN;
    CHECK(!val_as_double(bin, &d), "bytes are no number");
}

static const char *json(struct val v)
{
    static char text[512];
    struct buf b = {0};
    val_write_json(&b, &v);
    snprintf(text, sizeof(text), "%.*s", (int)b.n, b.p);
    buf_fini(&b);
    return text;
}

static void json_text(void)
{
    struct arena a;
    arena_init(&a);
    struct val bin = {.type = VAL_BIN, .n = 4, .s = "\0\xff~\x01"};
    struct val items[] = {val_null, val_bool(true), val_bool(false)};
    struct val dict = val_dict(&a, 2);
    size_t used = 0;
    CHECK_STR(json(dict), "{}");
    dict_put(&dict, &used, STR("a\"b"), list_of(&a, 3, items));
    dict_put(&dict, &used, STR(""), val_list(&a, 0));
    CHECK_STR(json(dict), "{\"a\\\"b\":[null,true,false],\"\":[]}");
    CHECK_STR(json(val_strz("a\\\n\t\r\b\x01/\x7f")), "\"a\\\\\\n\\t\\u000d\\u0008\\u0001/\x7f\"");
    CHECK_STR(json(val_strz("\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80")),
              "\"\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80\"");
    CHECK_STR(json(val_strz("a\xff"
                            "b\xc3")),
              "\"a\xef\xbf\xbd"
              "b\xef\xbf\xbd\"");
    CHECK_STR(json(val_strz("\xed\xa0\x80")), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    CHECK_STR(json((struct val){.type = VAL_STR, .n = 0, .s = NULL}), "\"\"");
    CHECK_STR(json((struct val){.type = VAL_STR, .n = 3, .s = "a\0b"}), "\"a\\u0000b\"");
    CHECK_STR(json(bin), "\"AP9+AQ==\"");
    bin.n = 3;
    CHECK_STR(json(bin), "\"AP9+\"");
    bin.n = 2;
    CHECK_STR(json(bin), "\"AP8=\"");
    bin.n = 0;
    CHECK_STR(json(bin), "\"\"");
    CHECK_STR(json(val_int(INT64_MIN)), "-9223372036854775808");
    CHECK_STR(json(val_int(INT64_MAX)), "9223372036854775807");
    CHECK_STR(json(val_int(0)), "0");
    CHECK_STR(json(val_dbl(0.1)), "0.1");
    CHECK_STR(json(val_dbl(5)), "5");
    CHECK_STR(json(val_dbl(-0.0)), "0");
    CHECK_STR(json(val_dbl(1.0 / 3)), "0.3333333333333333");
    CHECK_STR(json(val_dbl(5e-324)), "4.94065645841247e-324");
    CHECK_STR(json(val_dbl(123456789012.0)), "123456789012");
    arena_fini(&a);
}

/* Any double must read back as itself: from all exponents, and around powers of two and ten. */
static void json_doubles(void)
{
    uint64_t seed = 42;
    for (int i = 0; i < 200000; i++) {
        double d, again;
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t bits = seed ^ seed >> 29;
        memcpy(&d, &bits, sizeof(d));
        if (i < 700)
            d = nextafter(ldexp(1, i - 350), i & 1 ? INFINITY : 0);
        else if (i < 1300)
            d = nextafter(pow(10, i - 1000), i & 1 ? INFINITY : 0);
        if (!isfinite(d))
            continue;
        const char *text = json(val_dbl(d));
        if (!str_double(str_of(text), &again) || again != d)
            CHECK(false, "%.17g was written as %s", d, text);
    }
    CHECK(true);
}

int main(void)
{
    order();
    copying();
    numbers();
    json_text();
    json_doubles();
    return check_done();
}
