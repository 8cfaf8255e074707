/* test_feed_stamp.c -- the times of a recorded event: found, moved, and nothing else touched.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "evt/evt.h"
#include "feed/stamp.h"

enum { HOUR_MS = 3600000 };

static void put_columns(struct buf *out, const char *const (*set)[2], size_t n)
{
    for (size_t i = 0; i < EVT_COLUMNS; i++) {
        buf_puts(out, i ? "\t" : "");
        for (size_t k = 0; k < n; k++)
            if (!strcmp(evt_columns[i].name, set[k][0]))
                buf_puts(out, set[k][1]);
    }
}

/* What is read of a line, and how it looks an hour later. */
static void check_moved(bool tsv, struct str line, int64_t want_ms, struct str want)
{
    struct stamp s;
    struct buf moved = {0};
    stamp_read(&s, tsv, line);
    CHECK(s.known == (want_ms != INT64_MIN) && (!s.known || s.ms == want_ms), "%lld in %.*s",
          (long long)s.ms, STR_FMT(line));
    stamp_write(&s, HOUR_MS, &moved);
    CHECK(str_eq(buf_str(&moved), want), "got %.*s, want %.*s", STR_FMT(buf_str(&moved)),
          STR_FMT(want));
    stamp_fini(&s);
    buf_fini(&moved);
}

static void test_tsv(void)
{
    static const char *const before[][2] = {{"app_id", "2026-01-01 00:00:00.000"},
                                            {"etl_tstamp", "2026-09-21 23:13:21.5"},
                                            {"collector_tstamp", "2026-09-21 14:13:20.250"},
                                            {"dvce_created_tstamp", "no time"},
                                            {"dvce_sent_tstamp", "2026-12-31 23:30:00"},
                                            {"refr_dvce_tstamp", "1969-12-31 22:59:59.999"},
                                            {"true_tstamp", "9999-12-31 23:30:00.000"},
                                            {"contexts", "{\"a\": \"2026-01-01 00:00:00.000\"}"}};
    static const char *const after[][2] = {{"app_id", "2026-01-01 00:00:00.000"},
                                           {"etl_tstamp", "2026-09-22 00:13:21.500"},
                                           {"collector_tstamp", "2026-09-21 15:13:20.250"},
                                           {"dvce_created_tstamp", "no time"},
                                           {"dvce_sent_tstamp", "2027-01-01 00:30:00.000"},
                                           {"refr_dvce_tstamp", "1969-12-31 23:59:59.999"},
                                           {"true_tstamp", "9999-12-31 23:30:00.000"},
                                           {"contexts", "{\"a\": \"2026-01-01 00:00:00.000\"}"}};
    struct buf line = {0}, want = {0};
    put_columns(&line, before, COUNT_OF(before));
    put_columns(&want, after, COUNT_OF(after));
    check_moved(true, buf_str(&line), 1790000000250, buf_str(&want));
    buf_fini(&line);
    buf_fini(&want);
}

/* In this order, the first that is a time. */
static void test_which_time(void)
{
    static const char *const sets[][3][2] = {
        {{"collector_tstamp", "2026-09-21 14:13:20"}, {"derived_tstamp", "2020-01-01 00:00:00"}},
        {{"dvce_created_tstamp", "2020-01-01 00:00:00"}, {"derived_tstamp", "2026-09-21 14:13:20"}},
        {{"collector_tstamp", "x"}, {"dvce_created_tstamp", "2026-09-21 14:13:20"}},
        {{"true_tstamp", "2026-09-21 14:13:20"}, {"etl_tstamp", "2026-09-21 14:13:20"}},
    };
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        struct buf line = {0};
        struct stamp s;
        put_columns(&line, sets[i], 2);
        stamp_read(&s, true, buf_str(&line));
        CHECK_INT(s.known, i < 3);
        CHECK_INT(s.ms, i < 3 ? 1790000000000 : 0);
        stamp_fini(&s);
        buf_fini(&line);
    }
}

static void test_ndjson(void)
{
    static const struct {
        const char *line;
        int64_t ms;
        const char *want;
    } cases[] = {
        {"{\"collector_tstamp\": \"2026-09-21T14:13:20Z\", \"etl_tstamp\": 1790000000000, "
         "\"app_id\": \"2026-09-21T14:13:20Z\", \"se_value\": 12.10}",
         1790000000000,
         "{\"collector_tstamp\":\"2026-09-21T15:13:20.000Z\",\"etl_tstamp\":1790003600000,"
         "\"app_id\":\"2026-09-21T14:13:20Z\",\"se_value\":12.1}"},
        {"{\"derived_tstamp\": \"2026-09-21 16:13:20.5+02:00\"}", 1790000000500,
         "{\"derived_tstamp\":\"2026-09-21T15:13:20.500Z\"}"},
        {"{\"derived_tstamp\": 9223372036854775807}", INT64_MIN, NULL},
        {"{\"collector_tstamp\": null, \"dvce_created_tstamp\": 0}", 0,
         "{\"collector_tstamp\":null,\"dvce_created_tstamp\":3600000}"},
        {"{\"contexts\": {\"collector_tstamp\": 5}}", INT64_MIN, NULL},
        {"{\"collector_tstamp\": 5, \"collector_tstamp\": 6}", INT64_MIN, NULL},
        {"[{\"collector_tstamp\": 5}]", INT64_MIN, NULL},
        {"5", INT64_MIN, NULL},
        {"{", INT64_MIN, NULL},
        {"", INT64_MIN, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) /* NULL: as it was, byte for byte */
        check_moved(false, str_of(cases[i].line), cases[i].ms,
                    str_of(cases[i].want ? cases[i].want : cases[i].line));
}

/* Lines that are no events come through as they are. */
static void test_other_lines(void)
{
    static const struct str lines[] = {STR(""),           STR("x"),          STR("\t"),
                                       STR("\t\t\t\t\t"), STR("a\tb\tc\td"), STR("\0\t\0\t\0")};
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        check_moved(true, lines[i], INT64_MIN, lines[i]);
}

int main(void)
{
    test_tsv();
    test_which_time();
    test_ndjson();
    test_other_lines();
    return check_done();
}
