/* test_evt_tsv.c -- Snowplow's enriched event as a line: the same event as a map of columns, or told by line, column and reason.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt_case.h"

#define SP   "com.snowplowanalytics.snowplow"
#define SHOP "com.snowplowanalytics.snowplow.ecommerce"
#define ID   "4ae8b8b6-f60c-4a5b-9d2c-6a4b2b0a7e11"

enum { CELLS_MAX = 8 };
struct cell {
    const char *column, *text;
};

/* A line without its end: what a page view needs at least, and the cells. */
static struct str line_of(struct evt_case *c, const struct cell *cells)
{
    const char *texts[EVT_COLUMNS] = {0};
    struct cell least[] = {
        {"event_id", ID},           {"collector_tstamp", "2026-09-21 14:13:00.000"},
        {"event_vendor", SP},       {"event_name", "page_view"},
        {"event_version", "1-0-0"}, {"event", "page_view"}};
    for (size_t i = 0; i < COUNT_OF(least); i++)
        texts[evt_column_find(str_of(least[i].column))] = least[i].text;
    for (size_t i = 0; cells && i < CELLS_MAX && cells[i].column; i++)
        texts[evt_column_find(str_of(cells[i].column))] = cells[i].text;
    struct buf b = {0};
    for (int i = 0; i < EVT_COLUMNS; i++) {
        buf_puts(&b, i ? "\t" : "");
        buf_puts(&b, texts[i] ? texts[i] : "");
    }
    struct str line = arena_str(&c->arena, buf_str(&b));
    buf_fini(&b);
    return line;
}
#define LINE(c, ...) line_of(c, (const struct cell[CELLS_MAX]){__VA_ARGS__}).p

static bool tsv(struct evt_case *c, const char *body)
{
    return case_bytes(c, CASE_TSV, str_of(body));
}

/* A value for every column but three, as the line and as a map of native types have it. */
static void put_both(struct evt_case *c, int i, struct buf *line, struct buf *map)
{
    const char *name = evt_columns[i].name;
    const char *special[][3] = {
        {"event_id", ID, "\"" ID "\""},
        {"event", "unstruct", "\"unstruct\""},
        {"event_vendor", SHOP, "\"" SHOP "\""},
        {"event_name", "snowplow_ecommerce_action", "\"snowplow_ecommerce_action\""},
        {"event_version", "1-0-2", "\"1-0-2\""},
        {"page_url", "https://a.example/a?b=c#d", "\"https://a.example/a?b=c#d\""},
        {"platform", "glasses", "\"glasses\""}, /* no tracker's, but it went through Snowplow */
        {"contexts",
         "{\"schema\":\"iglu:" SP "/contexts/jsonschema/1-0-1\",\"data\":[{\"schema\":\"iglu:" SHOP
         "/product/jsonschema/"
         "1-0-0\",\"data\":{\"id\":\"P1\",\"price\":9.5}},{\"schema\":\"iglu:" SHOP
         "/product/jsonschema/1-0-0\",\"data\":{\"id\":\"a\\tb\\u00e4\",\"price\":3}}]}",
         "[{\"schema\":\"iglu:" SHOP "/product/jsonschema/"
         "1-0-0\",\"data\":{\"id\":\"P1\",\"price\":9.5}},{\"schema\":\"iglu:" SHOP
         "/product/jsonschema/1-0-0\",\"data\":{\"id\":\"a\\tb\\u00e4\",\"price\":3}}]"},
        {"derived_contexts",
         "{\"schema\":\"iglu:" SP "/contexts/jsonschema/1-0-1\",\"data\":[{\"schema\":\"iglu:"
         "nl.basjes/yauaa_context/jsonschema/1-0-4\",\"data\":{\"deviceClass\":\"Phone\"}}]}",
         "[{\"schema\":\"iglu:nl.basjes/yauaa_context/jsonschema/1-0-4\",\"data\":{\"deviceClass\":"
         "\"Phone\"}}]"},
        {"unstruct_event",
         "{\"schema\":\"iglu:" SP
         "/unstruct_event/jsonschema/1-0-0\",\"data\":{\"schema\":\"iglu:" SHOP
         "/snowplow_ecommerce_action/jsonschema/1-0-2\",\"data\":{\"type\":\"add_to_cart\"}}}",
         "{\"schema\":\"iglu:" SHOP
         "/snowplow_ecommerce_action/jsonschema/1-0-2\",\"data\":{\"type\":\"add_to_cart\"}}"},
    };
    for (size_t k = 0; k < COUNT_OF(special); k++)
        if (strcmp(name, special[k][0]) == 0) {
            buf_puts(line, special[k][1]);
            buf_puts(map, special[k][2]);
            return;
        }
    switch (evt_columns[i].type) {
    case EVT_COL_INT:
        buf_printf(line, "%d", i - 60);
        buf_printf(map, "%d", i - 60);
        break;
    case EVT_COL_DOUBLE:
        buf_printf(line, "%d.25", i - 60);
        buf_printf(map, "%d.25", i - 60);
        break;
    case EVT_COL_BOOL:
        buf_printf(line, "%d", i % 2);
        buf_puts(map, i % 2 ? "true" : "false");
        break;
    case EVT_COL_TIMESTAMP:
        buf_printf(line, "2026-09-21 14:13:00.%03d", i);
        buf_printf(map, "%" PRId64, case_now - 20000 + i);
        break;
    default:
        buf_printf(line, "%s \"\xc3\xa4\" \\ %d", name, i);
        buf_puts(map, case_quote(c, arena_printf(&c->arena, "%s \"\xc3\xa4\" \\ %d", name, i).p));
    }
}

/* One event in every form: equal slots, time, id and identity. */
static void test_equal(void)
{
    const char *slots[EVT_COLUMNS + 8] = {0};
    struct buf line = {0}, map = {0};
    struct evt_case c, other;
    int n = 0;
    for (; n < EVT_COLUMNS; n++)
        slots[n] = evt_columns[n].name;
    slots[n++] = "entity " SHOP "/product/1#1 id";
    slots[n++] = "entity " SHOP "/product/1#0 price";
    slots[n++] = "entity nl.basjes/yauaa_context/1#0 deviceClass";
    slots[n++] = "event " SHOP "/snowplow_ecommerce_action/1 type";
    case_open(&c, slots);
    case_open(&other, slots);
    for (int i = 0; i < EVT_COLUMNS; i++) {
        buf_puts(&line, i ? "\t" : "");
        buf_printf(&map, "%c\"%s\":", i ? ',' : '{', evt_columns[i].name);
        put_both(&c, i, &line, &map);
    }
    buf_putc(&map, '}');
    buf_putc(&map, 0);
    CHECK(case_bytes(&c, CASE_TSV, buf_str(&line)) && c.batch.n == 1, "%s", case_reject(&c, 0));
    for (int i = 0; c.batch.n && i < n; i++)
        CHECK((c.batch.evts[0].slots[i].type == VAL_NULL) ==
                  (i < EVT_COLUMNS && evt_columns[i].type == EVT_COL_JSON),
              "%s", slots[i]);
    for (int form = 0; form < 3; form++) {
        form == 0   ? case_json(&other, map.p)
        : form == 1 ? case_bytes(&other, CASE_NDJSON, str_of(map.p))
                    : case_msgpack(&other, map.p);
        CHECK(other.ok && other.batch.n == 1, "%s", case_reject(&other, 0));
        CHECK_STR(case_slots(&c, 0), case_slots(&other, 0));
        CHECK_STR(case_identity(&c, 0), case_identity(&other, 0));
        CHECK_INT(c.batch.evts[0].ts_ms, other.batch.evts[0].ts_ms);
        CHECK(c.batch.evts[0].id == other.batch.evts[0].id);
    }
    CHECK(c.batch.evts[0].id == str_hash(STR(ID)));
    buf_fini(&line);
    buf_fini(&map);
    case_close(&c);
    case_close(&other);
}

static const char *const typed_slots[] = {"domain_sessionidx",   "se_value", "br_cookies",
                                          "dvce_created_tstamp", "event_id", "platform",
                                          "geo_latitude",        NULL};

/* Texts that a column takes. */
static void test_texts(void)
{
    static const struct {
        struct cell cell;
        const char *slots;
    } cases[] = {
        {{"domain_sessionidx", ""}, "[null,null,null,null,\"" ID "\",null,null]"},
        {{"domain_sessionidx", "7"}, "[7,null,null,null,\"" ID "\",null,null]"},
        {{"domain_sessionidx", "-7"}, "[-7,null,null,null,\"" ID "\",null,null]"},
        {{"se_value", "1E+3"}, "[null,1000,null,null,\"" ID "\",null,null]"},
        {{"se_value", "1.0E-5"}, "[null,1e-05,null,null,\"" ID "\",null,null]"},
        {{"geo_latitude", "-33.5"}, "[null,null,null,null,\"" ID "\",null,-33.5]"},
        {{"br_cookies", "0"}, "[null,null,false,null,\"" ID "\",null,null]"},
        {{"br_cookies", "1"}, "[null,null,true,null,\"" ID "\",null,null]"},
        {{"br_cookies", "true"}, "[null,null,true,null,\"" ID "\",null,null]"},
        {{"br_cookies", "false"}, "[null,null,false,null,\"" ID "\",null,null]"},
        {{"dvce_created_tstamp", "2026-09-21 14:13:20"},
         "[null,null,null,1790000000000,\"" ID "\",null,null]"},
        {{"dvce_created_tstamp", "2026-09-21 14:13:20.5"},
         "[null,null,null,1790000000500,\"" ID "\",null,null]"},
        {{"dvce_created_tstamp", "2026-09-21 14:13:20.123456"},
         "[null,null,null,1790000000123,\"" ID "\",null,null]"},
        {{"event_id", "4AE8B8B6-F60C-4A5B-9D2C-6A4B2B0A7E11"},
         "[null,null,null,null,\"4AE8B8B6-F60C-4A5B-9D2C-6A4B2B0A7E11\",null,null]"},
        {{"platform", "fridge"}, "[null,null,null,null,\"" ID "\",\"fridge\",null]"},
        {{"v_collector", ""}, "[null,null,null,null,\"" ID "\",null,null]"},
    };
    struct evt_case c;
    case_open(&c, typed_slots);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CHECK(tsv(&c, LINE(&c, cases[i].cell)));
        CHECK_STR(case_slots(&c, 0), cases[i].slots);
        CHECK(c.batch.n == 1 && c.batch.evts[0].id == str_hash(STR(ID))); /* in lower case */
    }
    case_close(&c);
}

/* Slots for all columns and slots for none: what is refused does not depend on them. */
static void refused(const char *line, const char *column, const char *why)
{
    const char *slots[EVT_COLUMNS + 1] = {0};
    for (int all = 0; all <= 1; all++) {
        struct evt_case c;
        for (int i = 0; all && i < EVT_COLUMNS; i++)
            slots[i] = evt_columns[i].name;
        case_open(&c, slots);
        const char *good = LINE(&c, {0});
        struct str body = arena_printf(&c.arena, "%s\n\n%s\n%s\n", good, line, good);
        CHECK(case_bytes(&c, CASE_TSV, body), "%s", c.err.text);
        CHECK(c.batch.n == 2 && c.batch.n_rejects == 1, "%s", line);
        CHECK_STR(case_reject(&c, 0), arena_printf(&c.arena, "line 3: %s", why).p);
        if (c.batch.n_rejects == 1) {
            CHECK_INT(c.batch.rejects[0].line, 3);
            CHECK_INT(c.batch.rejects[0].index, 1);
            CHECK_STR(arena_str(&c.arena, c.batch.rejects[0].column).p, column);
        }
        case_close(&c);
    }
}

/* One column that is wrong, each of those of its type. */
static void test_wrong_type(void)
{
    static const struct {
        enum evt_column_type type;
        const char *text, *why;
    } cases[] = {
        {EVT_COL_INT, "x", "want a whole number, not \"x\""},
        {EVT_COL_INT, "5.5", "want a whole number, not \"5.5\""},
        {EVT_COL_INT, " 5", "want a whole number, not \" 5\""},
        {EVT_COL_INT, "9223372036854775808", "want a whole number, not \"9223372036854775808\""},
        {EVT_COL_INT, "\xc3\xa4\xff", "not UTF-8"},
        {EVT_COL_DOUBLE, "x", "want a number, not \"x\""},
        {EVT_COL_DOUBLE, "NaN", "want a number, not \"NaN\""},
        {EVT_COL_DOUBLE, "1,5", "want a number, not \"1,5\""},
        {EVT_COL_BOOL, "2", "want 0 or 1, not \"2\""},
        {EVT_COL_BOOL, "yes", "want 0 or 1, not \"yes\""},
        {EVT_COL_TIMESTAMP, "yesterday",
         "want a time like 2026-09-21 14:13:20.000, not \"yesterday\""},
        {EVT_COL_TIMESTAMP, "1790000000000",
         "want a time like 2026-09-21 14:13:20.000, not \"1790000000000\""},
        {EVT_COL_TIMESTAMP, "2026-09-21T14:13:20Z",
         "want a time like 2026-09-21 14:13:20.000, not \"2026-09-21T14:13:20Z\""},
        {EVT_COL_TIMESTAMP, "2026-02-30 14:13:20.000",
         "want a time like 2026-09-21 14:13:20.000, not \"2026-02-30 14:13:20.000\""},
        {EVT_COL_STRING, "\xff", "not UTF-8"},
        {EVT_COL_STRING, "ab\xc3", "not UTF-8"},
        {EVT_COL_JSON, "{\"schema\":", "bad JSON at byte 10: unexpected token near end of file"},
        {EVT_COL_JSON, "{\"schema\":\"\xff\"}", "not UTF-8"},
        {EVT_COL_JSON, "{\"data\":{}}", "no schema"},
        {EVT_COL_JSON, "5", "no schema"},
    };
    struct evt_case c;
    CASE_OPEN(&c, "app_id");
    for (int i = 0; i < EVT_COLUMNS; i++)
        for (size_t k = 0; k < COUNT_OF(cases); k++) {
            const char *name = evt_columns[i].name;
            if (evt_columns[i].type != cases[k].type || strcmp(name, "event_id") == 0)
                continue;
            refused(LINE(&c, {name, cases[k].text}), name,
                    arena_printf(&c.arena, "%s: %s", name, cases[k].why).p);
        }
    case_close(&c);
}

static void test_wrong_lines(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "app_id");
    refused(LINE(&c, {"event_id", ""}), "event_id", "event_id: missing");
    refused(LINE(&c, {"collector_tstamp", ""}), "collector_tstamp", "collector_tstamp: missing");
    static const char *const no_ids[] = {"7",
                                         "4ae8b8b6f60c4a5b9d2c6a4b2b0a7e11",
                                         "4ae8b8b6-f60c-4a5b-9d2c-6a4b2b0a7e1",
                                         "4ae8b8b6-f60c-4a5b-9d2c-6a4b2b0a7e111",
                                         "4ae8b8b6-f60c-4a5b-9d2c-6a4b2b0a7e1g",
                                         "4ae8b8b6-f60c-4a5b-9d2c 6a4b2b0a7e11",
                                         "4ae8b8b6-f60c-4a5b-9d2c\r6a4b2b0a7e11"};
    for (size_t i = 0; i < COUNT_OF(no_ids); i++)
        refused(LINE(&c, {"event_id", no_ids[i]}), "event_id",
                arena_printf(&c.arena, "event_id: want a UUID, not \"%s\"", no_ids[i]).p);
    refused(LINE(&c, {"event_id", "\xff"}), "event_id", "event_id: not UTF-8");
    refused(LINE(&c, {"event_vendor", ""}, {"event", "nonsense"}), "event",
            "event: unknown event \"nonsense\"");
    refused(LINE(&c, {"event_vendor", ""}, {"event", ""}), "event",
            "event: missing, and no event_vendor with event_name");
    refused(LINE(&c, {"event_vendor", ""}, {"event", "unstruct"}), "unstruct_event",
            "unstruct_event: missing");
    refused(LINE(&c, {"contexts", "{\"schema\":\"iglu:a/b/jsonschema/1-0-0\",\"data\":[]}"}),
            "contexts", "contexts: want the schema contexts, not iglu:a/b/jsonschema/1-0-0");
    refused(LINE(&c, {"derived_contexts", "[5]"}), "derived_contexts",
            "derived_contexts: entity 0: no schema");
    /* a reason does not grow with what it quotes, and quotes whole characters */
    refused(
        LINE(&c, {"domain_sessionidx",
                  "0123456789012345678901234567890123456789012345678901234567\xe2\x82\xac more"}),
        "domain_sessionidx",
        "domain_sessionidx: want a whole number, not "
        "\"0123456789012345678901234567890123456789012345678901234567\"");
    /* what counts is how many columns there are, whatever they hold */
    const char *line = LINE(&c, {"domain_sessionidx", "x"}, {"app_id", "\xff"});
    refused(line + strlen("\xff\t"), "", "130 columns, want 131");
    refused(arena_printf(&c.arena, "%s\t", line).p, "", "132 columns, want 131");
    refused(arena_printf(&c.arena, "%s\tx", line).p, "", "132 columns, want 131");
    refused(arena_printf(&c.arena, "a\t%s", line).p, "", "132 columns, want 131");
    refused(LINE(&c, {"page_title", "a\tb"}), "", "132 columns, want 131");
    refused("one", "", "1 columns, want 131");
    refused("\t", "", "2 columns, want 131");
    refused("{\"event\":\"pv\"}", "", "1 columns, want 131");
    char tabs[EVT_COLUMNS + 1] = {0};
    memset(tabs, '\t', EVT_COLUMNS);
    refused(tabs, "", "132 columns, want 131");
    refused(tabs + 1, "collector_tstamp", "collector_tstamp: missing");
    case_close(&c);
}

/* Where lines end, and which are none. The last column may be the one before the end. */
static void test_ends(void)
{
    static const struct {
        const char *format; /* %s: a line */
        size_t n;
    } cases[] = {
        {"%s", 1},           {"%s\n", 1},   {"%s\r\n", 1}, {"%s\r", 1}, {"\n\r\n%s\n\n  \n", 1},
        {"%s\r\n%s\r\n", 2}, {"%s\n%s", 2}, {"\n", 0},
    };
    struct evt_case c;
    CASE_OPEN(&c, "true_tstamp");
    for (int filled = 0; filled <= 1; filled++)
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            const char *line = LINE(&c, {"true_tstamp", filled ? "2026-09-21 14:13:00.000" : ""});
            struct buf b = {0};
            for (const char *p = cases[i].format; *p; p++)
                if (*p == '%')
                    buf_puts(&b, (p++, line));
                else
                    buf_putc(&b, *p);
            CHECK(case_bytes(&c, CASE_TSV, buf_str(&b)));
            CHECK(c.batch.n == cases[i].n && c.batch.n_rejects == 0, "%s: %s", cases[i].format,
                  case_reject(&c, 0));
            for (size_t k = 0; k < c.batch.n; k++)
                CHECK_STR(case_slots(&c, k), filled ? "[1789999980000]" : "[null]");
            buf_fini(&b);
        }
    CHECK(!tsv(&c, ""));
    CHECK_STR(c.err.text, "an empty body: want an event a line");
    case_close(&c);
}

/* Snowplow Micro posts the events of one request last first. */
static void test_order(void)
{
    static const struct {
        const char *lines, *want; /* a letter and the second at which it happened */
    } cases[] = {
        {"d4c3b2a1", "abcd"}, {"a1b2c3d4", "abcd"}, {"b2a1d4c3", "abcd"},
        {"a1b1c1", "abc"},    {"c2a1d2b1", "abcd"}, {"a5", "a"},
    };
    struct evt_case c;
    CASE_OPEN(&c, "app_id");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf b = {0};
        const char *p = cases[i].lines;
        buf_puts(&b, "bad\n");
        for (; *p; p += 2) {
            char app[] = {p[0], 0};
            struct str at = arena_printf(&c.arena, "2026-09-21 14:12:0%c", p[1]);
            buf_printf(&b, "%s\n", LINE(&c, {"app_id", app}, {"derived_tstamp", at.p}));
        }
        buf_puts(&b, "worse");
        CHECK(case_bytes(&c, CASE_TSV, buf_str(&b)));
        CHECK_INT(c.batch.n, strlen(cases[i].want));
        for (size_t k = 0; k < c.batch.n; k++)
            CHECK(val_as_str(c.batch.evts[k].slots[0]).p[0] == cases[i].want[k], "%s: event %zu",
                  cases[i].lines, k);
        CHECK_INT(c.batch.n_rejects, 2);
        CHECK_STR(case_reject(&c, 0), "line 1: 1 columns, want 131");
        CHECK_STR(case_reject(&c, 1),
                  arena_printf(&c.arena, "line %zu: 1 columns, want 131", c.batch.n + 2).p);
        buf_fini(&b);
    }
    case_close(&c);
}

/* A batch that holds events already keeps them where they are. */
static void test_appends(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "app_id");
    struct buf b = {0};
    buf_printf(&b, "%s\n", LINE(&c, {"app_id", "b"}, {"derived_tstamp", "2026-09-21 14:12:02"}));
    buf_printf(&b, "%s\n", LINE(&c, {"app_id", "a"}, {"derived_tstamp", "2026-09-21 14:12:01"}));
    buf_reserve(&b, EVT_PADDING);
    memset(b.p + b.n, 0, EVT_PADDING);
    for (int i = 0; i < 2; i++)
        CHECK(evt_decode_tsv(c.decoder, c.proj, &c.meta, buf_str(&b), &c.batch, &c.err));
    c.ok = true;
    CHECK_INT(c.batch.n, 4);
    for (size_t i = 0; i < c.batch.n; i++)
        CHECK_STR(case_slots(&c, i), i % 2 ? "[\"b\"]" : "[\"a\"]");
    buf_fini(&b);
    case_close(&c);
}

/* The times of an enriched event count; the request brings only when it came, and nothing of the person. */
static void test_times_and_request(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "derived_tstamp", "collector_tstamp", "useragent", "user_ipaddress",
              "network_userid", "page_url");
    c.meta.ip = STR("9.9.9.9");
    c.meta.useragent = STR("curl/8");
    c.meta.nuid = STR("cookie");
    c.meta.referer = STR("https://from.example/");
    CHECK(tsv(&c, LINE(&c, {0})));
    CHECK_STR(case_slots(&c, 0), "[1789999980000,1789999980000,null,null,null,null]");
    CHECK(tsv(&c, LINE(&c, {"derived_tstamp", "2026-09-21 14:12:59.999"})));
    CHECK_STR(case_slots(&c, 0), "[1789999979999,1789999980000,null,null,null,null]");
    CHECK(tsv(&c, LINE(&c, {"collector_tstamp", "2027-01-01 00:00:00"},
                       {"derived_tstamp", "2027-01-01 00:00:00"})));
    CHECK_STR(case_slots(&c, 0), "[1790000000000,1790000000000,null,null,null,null]");
    CHECK_INT(c.batch.evts[0].ts_ms, case_now);
    case_close(&c);
}

static void test_limits(void)
{
    struct evt_case c;
    struct buf b = {0};
    CASE_OPEN(&c, "app_id");
    const char *line = LINE(&c, {"app_id", "a"});
    for (int i = 0; i < 10000; i++)
        buf_printf(&b, "%s\n\n", line);
    CHECK(case_bytes(&c, CASE_TSV, buf_str(&b)));
    CHECK(c.batch.n == 10000 && c.batch.n_rejects == 0);
    buf_puts(&b, "x");
    CHECK(!case_bytes(&c, CASE_TSV, buf_str(&b)));
    CHECK_STR(c.err.text, "10001 events, more than 10000");
    CHECK(c.batch.n == 0 && c.batch.n_rejects == 0);
    buf_fini(&b);
    case_close(&c);
}

int main(void)
{
    test_equal();
    test_texts();
    test_wrong_type();
    test_wrong_lines();
    test_ends();
    test_order();
    test_appends();
    test_times_and_request();
    test_limits();
    return check_done();
}
