/* test_base_str.c -- strings: numbers read strictly, UTF-8, comparison, the nearest name, ids.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/base.h"
#include "check.h"

static void numbers(void)
{
    static const struct {
        const char *text;
        bool u64, i64, dbl;
    } cases[] = {
        {"0", 1, 1, 1},
        {"7", 1, 1, 1},
        {"-7", 0, 1, 1},
        {"007", 1, 1, 0},
        {"", 0, 0, 0},
        {"-", 0, 0, 0},
        {"--1", 0, 0, 0},
        {"+1", 0, 0, 0},
        {" 1", 0, 0, 0},
        {"1 ", 0, 0, 0},
        {"1.5", 0, 0, 1},
        {"1.", 0, 0, 0},
        {".5", 0, 0, 0},
        {"1e3", 0, 0, 1},
        {"1E-3", 0, 0, 1},
        {"1e", 0, 0, 0},
        {"1e+", 0, 0, 0},
        {"1e999", 0, 0, 0},
        {"inf", 0, 0, 0},
        {"nan", 0, 0, 0},
        {"0x10", 0, 0, 0},
        {"1,5", 0, 0, 0},
        {"-0", 0, 1, 1},
        {"-0.0", 0, 0, 1},
        {"12a", 0, 0, 0},
        {"0.1", 0, 0, 1},
        {"00.1", 0, 0, 0},
        {"-01", 0, 1, 0},
        {"9223372036854775807", 1, 1, 1},
        {"9223372036854775808", 1, 0, 1},
        {"-9223372036854775808", 0, 1, 1},
        {"-9223372036854775809", 0, 0, 1},
        {"18446744073709551615", 1, 0, 1},
        {"18446744073709551616", 0, 0, 1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str s = str_of(cases[i].text);
        uint64_t u;
        int64_t n;
        double d;
        CHECK(str_u64(s, &u) == cases[i].u64, "u64 of \"%s\"", cases[i].text);
        CHECK(str_i64(s, &n) == cases[i].i64, "i64 of \"%s\"", cases[i].text);
        CHECK(str_double(s, &d) == cases[i].dbl, "double of \"%s\"", cases[i].text);
        if (cases[i].dbl && str_double(s, &d))
            CHECK(d == strtod(cases[i].text, NULL), "value of \"%s\": %.17g", cases[i].text, d);
    }
    int64_t n;
    CHECK(str_i64(STR("-9223372036854775808"), &n) && n == INT64_MIN);
    uint64_t u;
    CHECK(str_u64(STR("18446744073709551615"), &u) && u == UINT64_MAX);
    double d;
    CHECK(!str_double((struct str){"1\0", 2}, &d), "a NUL is no digit");
}

static void utf8(void)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"", 1},
        {"plain", 1},
        {"\x7f", 1},
        {"\xc3\xa9", 1},
        {"\xe6\x97\xa5\xe6\x9c\xac", 1},
        {"\xf0\x9f\x98\x80", 1},
        {"\xc2\x80", 1},
        {"\xdf\xbf", 1},
        {"\xe0\xa0\x80", 1},
        {"\xed\x9f\xbf", 1},
        {"\xee\x80\x80", 1},
        {"\xf4\x8f\xbf\xbf", 1},
        {"\x80", 0},     /* a continuation alone */
        {"\xc0\xaf", 0}, /* overlong */
        {"\xc1\xbf", 0},
        {"\xe0\x9f\xbf", 0},
        {"\xf0\x8f\xbf\xbf", 0},
        {"\xed\xa0\x80", 0},     /* a surrogate */
        {"\xf4\x90\x80\x80", 0}, /* beyond U+10FFFF */
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
        {"\xc3", 0}, /* cut */
        {"\xe6\x97", 0},
        {"\xf0\x9f\x98", 0},
        {"a\xc3(", 0},
        {"\xe6\x97\x28", 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *heap = strdup(cases[i].text); /* so that a read past the end is seen */
        CHECK(utf8_valid((struct str){heap, strlen(heap)}) == cases[i].valid, "case %zu", i);
        free(heap);
    }
}

static void comparing(void)
{
    CHECK(str_eq(STR("a"), STR("a")) && !str_eq(STR("a"), STR("ab")));
    CHECK(str_eq((struct str){NULL, 0}, STR("")) && str_eqz((struct str){NULL, 0}, ""));
    CHECK(str_cmp(STR("a"), STR("ab")) < 0 && str_cmp(STR("b"), STR("ab")) > 0 &&
          str_cmp(STR("x"), STR("x")) == 0);
    CHECK(str_cmp(STR("\xff"), STR("a")) > 0, "bytes are unsigned");
    CHECK(str_eq_nocase(STR("AbC"), STR("aBc")) && !str_eq_nocase(STR("["), STR("{")));
    CHECK(str_starts(STR("abc"), "ab") && !str_starts(STR("a"), "ab") &&
          str_starts((struct str){NULL, 0}, ""));
    CHECK(str_eqz(str_trim(STR(" \ta b\t ")), "a b") && str_trim(STR(" \t ")).n == 0);
    CHECK_INT(str_of(NULL).n, 0);
}

static void nearest(void)
{
    static const char *const names[] = {"counter", "sum",   "min",  "max",
                                        "mean",    "first", "last", "most_frequent"};
    static const struct {
        const char *word, *want;
    } cases[] = {
        {"conter", "counter"},  {"countre", "counter"},
        {"couter", "counter"},  {"sun", "sum"},
        {"maen", "mean"},       {"most_freqent", "most_frequent"},
        {"average", NULL},      {"frist", "first"},
        {"xyzzy", NULL},        {"", NULL},
        {"counter", "counter"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *got = str_nearest(str_of(cases[i].word), names, COUNT_OF(names));
        CHECK_STR(got ? got : "(none)", cases[i].want ? cases[i].want : "(none)");
    }
    char longest[300];
    memset(longest, 'a', sizeof(longest));
    const char *long_name[] = {"aaaa"};
    CHECK(!str_nearest((struct str){longest, sizeof(longest)}, long_name, 1),
          "too long to be near");
    CHECK(!str_nearest(STR("abc"), names, 0));
}

static void ids(void)
{
    uint8_t bytes[16];
    char text[37];
    memset(bytes, 0xff, sizeof(bytes));
    uuid_mark(bytes, 8);
    uuid_format(bytes, text);
    CHECK_STR(text, "ffffffff-ffff-8fff-bfff-ffffffffffff");
    memset(bytes, 0, sizeof(bytes));
    uuid_mark(bytes, 4);
    uuid_format(bytes, text);
    CHECK_STR(text, "00000000-0000-4000-8000-000000000000");
    CHECK(uuid_parse(STR("0123abcd-4567-89eF-0a1B-ffEE00998877"), bytes));
    uuid_format(bytes, text);
    CHECK_STR(text, "0123abcd-4567-89ef-0a1b-ffee00998877");
    static const char *const bad[] = {"",
                                      "0123abcd-4567-89ef-0a1b-ffee0099887",
                                      "0123abcd-4567-89ef-0a1b-ffee009988777",
                                      "0123abcd-4567-89ef-0a1b-ffee0099887g",
                                      "0123abcd-4567-89ef-0a1b0-fee00998877",
                                      "0123abcd4567-89ef-0a1b-ffee00998877-",
                                      "{0123abcd-4567-89ef-0a1b-ffee009988}"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        CHECK(!uuid_parse(str_of(bad[i]), bytes), "%s", bad[i]);
    CHECK(!uuid_parse((struct str){"0123abcd-4567-89ef-0a1b-ffee0099887\0", 36}, bytes));
    uint8_t a[16], b[16];
    str_hash128(STR("x"), a);
    str_hash128(STR("y"), b);
    CHECK(memcmp(a, b, 16) != 0);
    CHECK(str_hash(STR("x")) == str_hash(STR("x")) && str_hash(STR("x")) != str_hash(STR("y")));
    CHECK(str_hash((struct str){NULL, 0}) == str_hash(STR("")));
}

static void errors(void)
{
    struct err err = {0};
    CHECK(!err_set(&err, "first %d", 1) && !err_set(&err, "second"));
    CHECK_STR(err.text, "first 1");
    CHECK(!err_set(NULL, "nobody listens"));
    char longest[2000];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = 0;
    struct err cut = {0};
    err_set(&cut, "%s", longest);
    CHECK_INT(strlen(cut.text), sizeof(cut.text) - 1);
}

int main(void)
{
    numbers();
    utf8();
    comparing();
    nearest();
    ids();
    errors();
    return check_done();
}
