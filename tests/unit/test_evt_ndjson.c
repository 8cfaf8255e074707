/* test_evt_ndjson.c -- newline-delimited JSON: which lines count, and that a bad one is told by its number and harms no other.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt_case.h"

#define PV(app) "{\"event\":\"pv\",\"app_id\":\"" app "\"}"

static bool ndjson(struct evt_case *c, const char *body)
{
    return case_bytes(c, CASE_NDJSON, str_of(body));
}

/* Where lines end, and which are none. */
static void test_ends(void)
{
    static const struct {
        const char *body, *apps; /* the app_id of each event, in order */
    } cases[] = {
        {PV("a"), "a"},
        {PV("a") "\n", "a"},
        {PV("a") "\r\n", "a"},
        {PV("a") "\r", "a"},
        {"\xef\xbb\xbf" PV("a") "\n" PV("b"), "ab"}, /* a byte order mark */
        {PV("a") "\n" PV("b"), "ab"},
        {PV("a") "\r\n" PV("b") "\r\n", "ab"},
        {PV("a") "\n" PV("b") "\r\n" PV("c"), "abc"},
        {"\n\n" PV("a") "\n\r\n \t \n\t\r\n" PV("b") "\n\n", "ab"},
        {"  " PV("a") "  \n", "a"},
        {"{\"event\":\r\"pv\",\"app_id\":\"a\"}\n", "a"}, /* CR is a blank of JSON */
        {PV("b") "\n" PV("a") "\n", "ba"},
        {"\n", ""},
        {" \r\n\t\n", ""},
    };
    struct evt_case c;
    CASE_OPEN(&c, "app_id");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CHECK(ndjson(&c, cases[i].body), "%s: %s", cases[i].body, c.err.text);
        CHECK_INT(c.batch.n_rejects, 0);
        CHECK_INT(c.batch.n, strlen(cases[i].apps));
        for (size_t k = 0; k < c.batch.n; k++)
            CHECK(val_as_str(c.batch.evts[k].slots[0]).p[0] == cases[i].apps[k], "%s: event %zu",
                  cases[i].body, k);
    }
    CHECK(!ndjson(&c, ""));
    CHECK_STR(c.err.text, "an empty body: want an event a line");
    case_close(&c);
}

/* One bad line between two good ones. */
static void test_bad_lines(void)
{
    static const struct {
        const char *line, *why, *column;
    } cases[] = {
        {"{\"event\":\"pv\",}", "line 3: bad JSON at byte 15: string or '}' expected near '}'", ""},
        {"{\"event\":\"pv\"", "line 3: bad JSON at byte 13: '}' expected near end of file", ""},
        {"{\"event\":\"pv\"}}", "line 3: bad JSON at byte 15: end of file expected near '}'", ""},
        {"{\"event\":\"pv\"} {}", "line 3: bad JSON at byte 16: end of file expected near '{'", ""},
        {"{\"event\":\"p", "line 3: bad JSON at byte 11: premature end of input near '\"p'", ""},
        {"\x01", "line 3: bad JSON at byte 1: invalid token near '\x01'", ""},
        {"{\"app_id\":\"\xff\"}",
         "line 3: bad JSON at byte 11: unable to decode byte 0xff near '\"'", ""},
        {"[" PV("x") "]",
         "line 3: a list: want one map of columns a line; a body that is one list of maps is "
         "application/json",
         ""},
        {"[]",
         "line 3: a list: want one map of columns a line; a body that is one list of maps is "
         "application/json",
         ""},
        {"7", "line 3: not a map of columns", ""},
        {"null", "line 3: not a map of columns", ""},
        {"\"text\"", "line 3: not a map of columns", ""},
        {"{}", "line 3: event: missing, and no event_vendor with event_name", "event"},
        {"{\"event\":\"nonsense\"}", "line 3: event: unknown event \"nonsense\"", "event"},
        {"{\"event\":\"ue\"}", "line 3: unstruct_event: missing", "unstruct_event"},
        {"{\"event\":\"pv\",\"contexts\":[5]}", "line 3: contexts: entity 0: no schema",
         "contexts"},
    };
    struct evt_case c;
    CASE_OPEN(&c, "app_id");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (int crlf = 0; crlf <= 1; crlf++) {
            const char *end = crlf ? "\r\n" : "\n";
            struct str body = arena_printf(&c.arena, "%s%s%s%s%s%s", PV("a"), end, end,
                                           cases[i].line, end, PV("b"));
            CHECK(case_bytes(&c, CASE_NDJSON, body), "%s", c.err.text);
            CHECK_INT(c.batch.n, 2);
            CHECK_STR(case_slots(&c, 0), "[\"a\"]");
            CHECK_STR(case_slots(&c, 1), "[\"b\"]");
            CHECK_INT(c.batch.n_rejects, 1);
            CHECK_STR(case_reject(&c, 0), cases[i].why);
            if (c.batch.n_rejects != 1)
                continue;
            CHECK_INT(c.batch.rejects[0].line, 3);
            CHECK_INT(c.batch.rejects[0].index, 1); /* the blank line is no item */
            CHECK_STR(arena_str(&c.arena, c.batch.rejects[0].column).p, cases[i].column);
        }
    }
    case_close(&c);
}

/* What stands behind a line is no part of it, though simdjson reads on into it. */
static void test_next_line(void)
{
    static const char *const behind[] = {"}", "}}}}\n", "\"}", "1}", "1", "ull}", "\xff", "]"};
    static const char *const cut[] = {"{\"event\":\"pv\"",        "{\"event\":\"pv\",\"x\":\"y",
                                      "{\"event\":\"pv\",\"x\":", "{\"event\":\"pv\",\"x\":n",
                                      "[{\"event\":\"pv\"}",      "7"};
    struct evt_case c;
    CASE_OPEN(&c, "app_id");
    for (size_t i = 0; i < COUNT_OF(cut); i++)
        for (size_t k = 0; k < COUNT_OF(behind); k++) {
            struct str body = arena_printf(&c.arena, "%s\n%s", cut[i], behind[k]);
            CHECK(case_bytes(&c, CASE_NDJSON, body));
            CHECK(c.batch.n == 0 && c.batch.n_rejects == 2, "%s", body.p);
            CHECK(ndjson(&c, cut[i]));
            CHECK(c.batch.n == 0 && c.batch.n_rejects == 1, "%s", cut[i]);
        }
    for (size_t k = 0; k < COUNT_OF(behind); k++) {
        struct str body = arena_printf(&c.arena, PV("a") "\n%s", behind[k]);
        CHECK(case_bytes(&c, CASE_NDJSON, body));
        CHECK(c.batch.n == 1 && c.batch.n_rejects == 1, "%s", body.p);
    }
    case_close(&c);
}

static struct str repeat(struct arena *a, const char *text, size_t times)
{
    size_t n = strlen(text);
    char *all = arena_alloc(a, n * times + 1);
    for (size_t i = 0; i < times; i++)
        memcpy(all + i * n, text, n);
    return (struct str){all, n * times};
}

static void test_limits(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "app_id");
    CHECK(case_bytes(&c, CASE_NDJSON, repeat(&c.arena, PV("a") "\n\n", 10000)));
    CHECK_INT(c.batch.n, 10000);
    CHECK(!case_bytes(&c, CASE_NDJSON, repeat(&c.arena, PV("a") "\n", 10001)));
    CHECK_STR(c.err.text, "10001 events, more than 10000");
    CHECK(c.batch.n == 0 && c.batch.n_rejects == 0);
    /* the bad ones count too: an answer does not grow without end */
    CHECK(!case_bytes(&c, CASE_NDJSON, repeat(&c.arena, "x\n", 10001)));
    CHECK(case_bytes(&c, CASE_NDJSON, repeat(&c.arena, "x\n", 10000)));
    CHECK_INT(c.batch.n_rejects, 10000);
    CHECK_INT(c.batch.rejects[9999].line, 10000);
    case_close(&c);
}

/* A line of some megabytes, good and bad. */
static void test_huge_line(void)
{
    struct evt_case c;
    struct buf b = {0};
    CASE_OPEN(&c, "app_id");
    buf_puts(&b, PV("a") "\n{\"event\":\"pv\",\"app_id\":\"b\",\"more\":[");
    for (int i = 0; i < 400000; i++)
        buf_puts(&b, "12345,");
    size_t n = b.n;
    buf_puts(&b, "0]}\n" PV("c"));
    CHECK(case_bytes(&c, CASE_NDJSON, buf_str(&b)));
    CHECK(c.batch.n == 3 && c.batch.n_rejects == 0);
    CHECK_STR(case_slots(&c, 1), "[\"b\"]");
    CHECK_STR(case_slots(&c, 2), "[\"c\"]");
    b.n = n;
    buf_puts(&b, "]}\n" PV("c"));
    CHECK(case_bytes(&c, CASE_NDJSON, buf_str(&b)));
    CHECK(c.batch.n == 2 && c.batch.n_rejects == 1);
    CHECK(str_starts(str_of(case_reject(&c, 0)), "line 2: bad JSON: "), "%s", case_reject(&c, 0));
    buf_fini(&b);
    case_close(&c);
}

/* An event is what it is in a list of maps: equal slots, time and id. An id that is drawn comes from its place among the items. */
static void test_equal(void)
{
    static const char *const maps[] = {
        "{\"event\":\"pv\",\"event_id\":\"ID-1\",\"app_id\":\"a\",\"domain_sessionidx\":\"7\"}",
        "{\"event\":\"pv\",\"app_id\":\"a\",\"derived_tstamp\":\"2026-09-21 14:13:00.250\"}",
        "{\"unstruct_event\":{\"schema\":\"iglu:x/y/jsonschema/3-0-0\",\"data\":{\"v\":[1,2.5]}}}",
        "{\"event\":\"pp\",\"dvce_created_tstamp\":1789999990000,\"dvce_sent_tstamp\":"
        "1789999995000,\"contexts\":[{\"schema\":\"iglu:a/x/jsonschema/1-0-0\",\"data\":{\"v\":"
        "3}}]}",
    };
    struct evt_case lines, list;
#define SLOTS                                                                                      \
    "event_id", "app_id", "domain_sessionidx", "event_vendor", "event_name", "event x/y/3 v[1]",   \
        "entity a/x/1 v"
    CASE_OPEN(&lines, SLOTS);
    CASE_OPEN(&list, SLOTS);
    memset(lines.meta.draw, 7, sizeof(lines.meta.draw));
    list.meta = lines.meta;
    struct buf a = {0}, b = {0};
    for (size_t i = 0; i < COUNT_OF(maps); i++) {
        buf_printf(&a, "%s\n\n", maps[i]);
        buf_printf(&b, "%c%s", i ? ',' : '[', maps[i]);
    }
    buf_putc(&b, ']');
    CHECK(case_bytes(&lines, CASE_NDJSON, buf_str(&a)) && lines.batch.n == COUNT_OF(maps));
    CHECK(case_bytes(&list, CASE_JSON, buf_str(&b)) && list.batch.n == COUNT_OF(maps));
    for (size_t i = 0; i < MIN_OF(lines.batch.n, list.batch.n); i++) {
        CHECK_STR(case_slots(&lines, i), case_slots(&list, i));
        CHECK_STR(case_identity(&lines, i), case_identity(&list, i));
        CHECK_INT(lines.batch.evts[i].ts_ms, list.batch.evts[i].ts_ms);
        CHECK(lines.batch.evts[i].id == list.batch.evts[i].id);
    }
    buf_fini(&a);
    buf_fini(&b);
    case_close(&lines);
    case_close(&list);
}

int main(void)
{
    test_ends();
    test_bad_lines();
    test_next_line();
    test_limits();
    test_huge_line();
    test_equal();
    return check_done();
}
