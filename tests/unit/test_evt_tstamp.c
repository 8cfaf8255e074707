/* test_evt_tstamp.c -- points in time in all their spellings, and the rule for when an event
 * happened.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "evt/tstamp.h"

static int64_t parsed(const char *text)
{
    int64_t ms;
    return tstamp_parse(str_of(text), &ms) ? ms : INT64_MIN;
}

static void test_parse(void)
{
    const int64_t t = INT64_C(1790000000000); /* date -u -d @1790000000: 2026-09-21 14:13:20 */
    CHECK_INT(parsed("2026-09-21 14:13:20"), t);
    CHECK_INT(parsed("2026-09-21 14:13:20.5"), t + 500);
    CHECK_INT(parsed("2026-09-21 14:13:20.123"), t + 123);
    CHECK_INT(parsed("2026-09-21 14:13:20.123456789"), t + 123);
    CHECK_INT(parsed("2026-09-21T14:13:20Z"), t);
    CHECK_INT(parsed("2026-09-21T14:13:20.007Z"), t + 7);
    CHECK_INT(parsed("2026-09-21T16:13:20+02:00"), t);
    CHECK_INT(parsed("2026-09-21T16:13:20+0200"), t);
    CHECK_INT(parsed("2026-09-21T16:13:20+02"), t);
    CHECK_INT(parsed("2026-09-21T04:43:20-09:30"), t);
    CHECK_INT(parsed("1790000000000"), t);
    CHECK_INT(parsed("0"), 0);
    CHECK_INT(parsed("-1"), -1);
    CHECK_INT(parsed("1970-01-01 00:00:00"), 0);
    CHECK_INT(parsed("1969-12-31 23:59:59.999"), -1);
    CHECK_INT(parsed("2024-02-29 00:00:00"), INT64_C(1709164800000));
    CHECK_INT(parsed("2000-02-29 00:00:00"), INT64_C(951782400000));
    CHECK_INT(parsed("0001-01-01 00:00:00"), -INT64_C(62135596800000));
    CHECK_INT(parsed("9999-12-31 23:59:59.999"), INT64_C(253402300799999));

    static const char *const bad[] = {"",
                                      " ",
                                      "x",
                                      "2026-09-21",
                                      "2026-09-21 14:13",
                                      "2026-09-21 14:13:20.",
                                      "2026-09-21 14:13:20.1234567890",
                                      "2026-09-21 14:13:20 ",
                                      "2026-09-21  14:13:20",
                                      "2026-9-21 14:13:20",
                                      "2026-13-01 00:00:00",
                                      "2026-00-01 00:00:00",
                                      "2026-02-29 00:00:00",
                                      "1900-02-29 00:00:00",
                                      "2026-04-31 00:00:00",
                                      "2026-04-00 00:00:00",
                                      "2026-09-21 24:00:00",
                                      "2026-09-21 14:60:20",
                                      "2026-09-21 14:13:60",
                                      "2026-09-21T14:13:20+2",
                                      "2026-09-21T14:13:20+02:0",
                                      "2026-09-21T14:13:20+19:00",
                                      "2026-09-21T14:13:20ZZ",
                                      "0000-01-01 00:00:00",
                                      "253402300800000",
                                      "9223372036854775807",
                                      "9223372036854775808",
                                      "1.79e12",
                                      "0x5"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        CHECK(parsed(bad[i]) == INT64_MIN, "%s", bad[i]);
}

/* The enriched event's own form is one of those, and no other. */
static void test_enriched(void)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"2026-09-21 14:13:20", true},
        {"2026-09-21 14:13:20.5", true},
        {"2026-09-21 14:13:20.123", true},
        {"2026-09-21 14:13:20.123456789", true},
        {"0001-01-01 00:00:00", true},
        {"9999-12-31 23:59:59.999", true},
        {"2026-09-21T14:13:20", false},
        {"2026-09-21 14:13:20Z", false},
        {"2026-09-21 14:13:20+00:00", false},
        {"2026-09-21 14:13:20.", false},
        {"2026-09-21 14:13:20.1234567890", false},
        {"2026-09-21 14:13:20 ", false},
        {"2026-02-30 14:13:20", false},
        {"2026-09-21", false},
        {"1790000000000", false},
        {"1", false},
        {"", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t ms;
        bool good = tstamp_parse_enriched(str_of(cases[i].text), &ms);
        CHECK(good == cases[i].good, "%s", cases[i].text);
        if (good)
            CHECK_INT(ms, parsed(cases[i].text));
    }
}

/* Every day of four centuries, counted by hand. */
static void test_days(void)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t day = 0, wrong = 0;
    for (int y = 1970; y < 2370; y++) {
        for (int m = 1; m <= 12; m++) {
            bool leap = m == 2 && ((y % 4 == 0 && y % 100 != 0) || y % 400 == 0);
            for (int d = 1; d <= lengths[m - 1] + leap; d++, day++) {
                char text[64];
                snprintf(text, sizeof(text), "%04d-%02d-%02d 00:00:00", y, m, d);
                wrong += parsed(text) != day * 86400000;
            }
        }
    }
    CHECK_INT(day, 146097);
    CHECK_INT(wrong, 0);
}

static void test_derive(void)
{
    const int64_t now = 10000, early = 4000, late = 9000, future = 20000;
    struct tstamp_sources s = {0};
    CHECK_INT(tstamp_derive(&s, now), now);
    s.dvce_created = &early;
    CHECK_INT(tstamp_derive(&s, now), now);
    s.dvce_sent = &late;
    CHECK_INT(tstamp_derive(&s, now), now - 5000);
    s.dvce_created = &late;
    CHECK_INT(tstamp_derive(&s, now), now); /* not created before sent */
    s.dvce_sent = &early;
    CHECK_INT(tstamp_derive(&s, now), now);
    s.true_tstamp = &early;
    CHECK_INT(tstamp_derive(&s, now), early);
    s.true_tstamp = &future;
    CHECK_INT(tstamp_derive(&s, now), now);
    s.derived = &late;
    CHECK_INT(tstamp_derive(&s, now), late);
    s.derived = &future;
    CHECK_INT(tstamp_derive(&s, now), now);
}

int main(void)
{
    test_parse();
    test_enriched();
    test_days();
    test_derive();
    return check_done();
}
