/* test_evt_maps.c -- maps of columns as JSON, msgpack and a line of NDJSON: equal to each other and
 * to what a tracker sends.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt_case.h"

#define SP   "com.snowplowanalytics.snowplow"
#define SHOP "com.snowplowanalytics.snowplow.ecommerce"

/* Decodes text as JSON and as msgpack, and a map as a line too; all have to give these slots. */
static void both(struct evt_case *c, const char *text, const char *identity, const char *slots)
{
    static const char *const forms[] = {"NDJSON", "msgpack", "JSON"};
    for (int form = *text == '['; form < 3; form++) {
        form == 0   ? case_bytes(c, CASE_NDJSON, str_of(text))
        : form == 1 ? case_msgpack(c, text)
                    : case_json(c, text);
        const char *got = case_slots(c, 0);
        CHECK(strcmp(got, slots) == 0, "%s %s:\n  got  %s\n  want %s", forms[form], text, got,
              slots);
        if (identity)
            CHECK_STR(case_identity(c, 0), identity);
    }
}

static void refused(struct evt_case *c, const char *text, const char *why)
{
    for (int packed = 0; packed <= 1; packed++) {
        packed ? case_msgpack(c, text) : case_json(c, text);
        CHECK(c->ok && c->batch.n == 0 && c->batch.n_rejects == 1, "%s", text);
        CHECK_STR(case_reject(c, 0), why);
    }
}

/* One event in every form: equal slots, time, id and identity. */
static void test_equal(void)
{
    static const char contexts[] =
        "[{\"schema\":\"iglu:" SHOP
        "/product/jsonschema/1-0-0\",\"data\":{\"id\":\"P1\",\"price\":9.5}},"
        "{\"schema\":\"iglu:" SHOP
        "/product/jsonschema/1-0-1\",\"data\":{\"id\":\"P2\",\"price\":3}}]";
    static const char inner[] = "{\"schema\":\"iglu:" SHOP
                                "/snowplow_ecommerce_action/jsonschema/1-0-2\",\"data\":{\"type\":"
                                "\"add_to_cart\"}}";
    struct evt_case c;
    CASE_OPEN(&c, "app_id", "platform", "event", "event_vendor", "event_name", "event_version",
              "event_format", "event_id", "domain_userid", "domain_sessionidx", "page_url",
              "page_urlhost", "page_urlport", "refr_medium", "refr_source", "refr_term",
              "mkt_medium", "mkt_clickid", "mkt_network", "dvce_screenwidth", "br_cookies",
              "dvce_created_tstamp", "derived_tstamp", "collector_tstamp", "user_ipaddress",
              "useragent", "se_value", "entity " SHOP "/product/1#1 price",
              "entity " SHOP "/product/1#0 id", "event " SHOP "/snowplow_ecommerce_action/1 type",
              "contexts", "unstruct_event");
    c.meta.ip = STR("1.2.3.4");
    c.meta.useragent = STR("agent");
    const char *want =
        "[\"shop\",\"web\",\"unstruct\",\"" SHOP
        "\",\"snowplow_ecommerce_action\",\"1-0-2\",\"jsonschema\",\"id-1\",\"d1\",7,"
        "\"https://a.example/"
        "?utm_medium=mail&gclid=g\",\"a.example\",443,\"search\",\"Google\",\"tarot\",\"mail\","
        "\"g\","
        "\"Google\",1920,true,1789999990000,1789999995000,1790000000000,\"1.2.3.4\",\"agent\",2.5,"
        "3,\"P1\",\"add_to_cart\",null,"
        "null]";
    char *co = (char *)case_quote(&c, arena_printf(&c.arena,
                                                   "{\"schema\":\"iglu:" SP
                                                   "/contexts/jsonschema/1-0-0\",\"data\":%s}",
                                                   contexts)
                                          .p);
    char *ue = (char *)case_quote(
        &c, arena_printf(&c.arena,
                         "{\"schema\":\"iglu:" SP "/unstruct_event/jsonschema/1-0-0\",\"data\":%s}",
                         inner)
                .p);
    case_tp2(&c, arena_printf(&c.arena,
                              "{\"e\":\"ue\",\"aid\":\"shop\",\"p\":\"web\",\"eid\":\"id-1\","
                              "\"duid\":\"d1\",\"vid\":\"7\",\"url\":"
                              "\"https://a.example/?utm_medium=mail&gclid=g\",\"refr\":\"https://"
                              "www.google.com/?q=tarot\","
                              "\"res\":\"1920x1080\",\"cookie\":\"1\",\"dtm\":\"1789999990000\","
                              "\"stm\":\"1789999995000\","
                              "\"se_va\":\"2.5\",\"co\":%s,\"ue_pr\":%s}",
                              co, ue)
                     .p);
    CHECK_STR(case_slots(&c, 0), want);
    const char *map =
        "\"event\":\"%s\",\"app_id\":\"shop\",\"platform\":\"web\",\"event_id\":\"id-1\",\"domain_"
        "userid\":\"d1\","
        "\"domain_sessionidx\":%s,\"page_url\":\"https://a.example/"
        "?utm_medium=mail&gclid=g\",\"page_referrer\":"
        "\"https://www.google.com/"
        "?q=tarot\",\"dvce_screenwidth\":1920,\"br_cookies\":%s,\"dvce_created_tstamp\":%s,"
        "\"dvce_sent_tstamp\":1789999995000,\"se_value\":2.5,\"user_ipaddress\":\"1.2.3.4\","
        "\"useragent\":\"agent\"";
    static const char *const forms[][4] = {
        {"unstruct", "7", "true", "1789999990000"},
        {"ue", "\"7\"", "\"1\"", "\"2026-09-21 14:13:10.000\""},
        {"unstruct", "7.0", "1", "\"2026-09-21T14:13:10Z\""},
    };
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        struct str start =
            arena_printf(&c.arena, map, forms[i][0], forms[i][1], forms[i][2], forms[i][3]);
        both(&c,
             arena_printf(&c.arena, "{%s,\"contexts\":%s,\"unstruct_event\":%s}", start.p, contexts,
                          inner)
                 .p,
             SHOP "/snowplow_ecommerce_action/1-0-2", want);
        both(&c,
             arena_printf(&c.arena,
                          "[{\"unstruct_event\":{\"schema\":\"iglu:" SP
                          "/unstruct_event/jsonschema/1-0-0\",\"data\":%s},"
                          "\"derived_contexts\":{\"schema\":\"iglu:" SP
                          "/contexts/jsonschema/1-0-1\",\"data\":%s},%s}]",
                          inner, contexts, start.p)
                 .p,
             SHOP "/snowplow_ecommerce_action/1-0-2", want);
        both(
            &c,
            arena_printf(&c.arena, "{%s,\"contexts\":%s,\"unstruct_event\":%s}", start.p, co, ue).p,
            NULL, want);
        CHECK_INT(c.batch.evts[0].ts_ms, case_now - 5000);
        CHECK(c.batch.evts[0].id == str_hash(STR("id-1")));
    }
    case_close(&c);
}

static void test_identity(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "event", "event_vendor", "event_name", "event_version");
    both(&c, "{\"event\":\"page_view\"}", SP "/page_view/1-0-0",
         "[\"page_view\",\"" SP "\",\"page_view\",\"1-0-0\"]");
    both(&c, "{\"event\":\"pv\"}", SP "/page_view/1-0-0",
         "[\"page_view\",\"" SP "\",\"page_view\",\"1-0-0\"]");
    both(&c, "{\"event\":\"struct\"}", "com.google.analytics/event/1-0-0",
         "[\"struct\",\"com.google.analytics\",\"event\",\"1-0-0\"]");
    both(&c, "{\"event\":\"transaction_item\"}", SP "/transaction_item/1-0-0",
         "[\"transaction_item\",\"" SP "\",\"transaction_item\",\"1-0-0\"]");
    both(&c, "{\"event_vendor\":\"a\",\"event_name\":\"b\",\"event_version\":\"2-0-0\"}",
         "a/b/2-0-0", "[\"unstruct\",\"a\",\"b\",\"2-0-0\"]");
    both(&c, "{\"event_vendor\":\"a\",\"event_name\":\"b\"}", "a/b/",
         "[\"unstruct\",\"a\",\"b\",null]");
    both(&c,
         "{\"event_vendor\":\"" SP "\",\"event_name\":\"page_ping\",\"event_version\":\"1-0-0\"}",
         SP "/page_ping/1-0-0", "[\"page_ping\",\"" SP "\",\"page_ping\",\"1-0-0\"]");
    both(&c,
         "{\"event\":\"unstruct\",\"event_vendor\":\"a\",\"event_name\":\"b\",\"event_version\":"
         "\"1-0-0\",\"unstruct_event\":"
         "{\"schema\":\"iglu:x/y/jsonschema/3-0-0\",\"data\":{}}}",
         "a/b/1-0-0", "[\"unstruct\",\"a\",\"b\",\"1-0-0\"]");
    both(&c, "{\"unstruct_event\":{\"schema\":\"iglu:x/y/jsonschema/3-0-0\",\"data\":{}}}",
         "x/y/3-0-0", "[\"unstruct\",\"x\",\"y\",\"3-0-0\"]");
    both(&c, "{\"event\":\"page_view\",\"event_name\":7,\"event_vendor\":null}",
         SP "/page_view/1-0-0", "[\"page_view\",\"" SP "\",\"page_view\",\"1-0-0\"]");
    refused(&c, "{}", "item 0: event: missing, and no event_vendor with event_name");
    refused(&c, "[{\"event\":7}]", "item 0: event: missing, and no event_vendor with event_name");
    refused(&c, "{\"event_name\":\"b\"}",
            "item 0: event: missing, and no event_vendor with event_name");
    refused(&c, "{\"event\":\"nonsense\"}", "item 0: event: unknown event \"nonsense\"");
    refused(&c, "{\"event\":\"unstruct\"}", "item 0: unstruct_event: missing");
    case_close(&c);
}

static void test_times(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "derived_tstamp", "collector_tstamp");
    both(&c, "{\"event\":\"pv\"}", NULL, "[1790000000000,1790000000000]");
    both(&c, "{\"event\":\"pv\",\"derived_tstamp\":\"2026-09-21 14:13:00.250\"}", NULL,
         "[1789999980250,1790000000000]");
    both(&c, "{\"event\":\"pv\",\"derived_tstamp\":1789999980250}", NULL,
         "[1789999980250,1790000000000]");
    both(&c, "{\"event\":\"pv\",\"derived_tstamp\":1999999980250}", NULL,
         "[1790000000000,1790000000000]");
    both(&c, "{\"event\":\"pv\",\"derived_tstamp\":\"?\",\"true_tstamp\":\"2026-09-21 14:13:00\"}",
         NULL, "[1789999980000,1790000000000]");
    both(&c, "{\"event\":\"pv\",\"collector_tstamp\":1780000000000}", NULL,
         "[1780000000000,1780000000000]");
    both(&c, "{\"event\":\"pv\",\"collector_tstamp\":1999999999999}", NULL,
         "[1790000000000,1790000000000]");
    both(&c,
         "{\"event\":\"pv\",\"collector_tstamp\":1780000000000,\"dvce_created_tstamp\":1,\"dvce_"
         "sent_tstamp\":5001}",
         NULL, "[1779999995000,1780000000000]");
    both(&c,
         "{\"event\":\"pv\",\"dvce_created_tstamp\":-9223372036854775808,\"dvce_sent_tstamp\":"
         "9223372036854775807}",
         NULL, "[1790000000000,1790000000000]");
    case_close(&c);
}

/* Each column, given a value of a type it does not take, is missing; the event is not refused. */
static void test_mismatch(void)
{
    static const char *const wrong[][5] = {
        [EVT_COL_STRING] = {"5", "true", "null", "{\"a\":1}", "[\"x\"]"},
        [EVT_COL_INT] = {"\"x\"", "true", "5.5", "{\"a\":1}", "[5]"},
        [EVT_COL_DOUBLE] = {"\"x\"", "true", "\"\"", "{\"a\":1}", "[5]"},
        [EVT_COL_BOOL] = {"\"x\"", "5", "0.5", "{\"a\":1}", "[true]"},
        [EVT_COL_TIMESTAMP] = {"\"x\"", "true", "0.5", "{\"a\":1}", "[5]"},
    };
    for (int i = 0; i < EVT_COLUMNS; i++) {
        struct evt_case c;
        const char *name = evt_columns[i].name;
        bool filled = !strcmp(name, "event") || !strcmp(name, "event_id") ||
                      !strcmp(name, "event_format") || !strcmp(name, "collector_tstamp") ||
                      !strcmp(name, "derived_tstamp") || !strcmp(name, "event_vendor") ||
                      !strcmp(name, "event_name") || !strcmp(name, "event_version");
        if (evt_columns[i].type == EVT_COL_JSON)
            continue;
        CASE_OPEN(&c, name);
        for (size_t k = 0; k < COUNT_OF(wrong[0]); k++) {
            const char *text = arena_printf(&c.arena, "{\"event\":\"pv\"}").p, *without;
            case_json(&c, text);
            without = case_slots(&c, 0);
            if (!filled)
                CHECK_STR(without, "[null]");
            if (strcmp(name, "event") == 0)
                continue;
            both(&c,
                 arena_printf(&c.arena, "{\"event\":\"pv\",\"%s\":%s}", name,
                              wrong[evt_columns[i].type][k])
                     .p,
                 NULL, without);
        }
        case_close(&c);
    }
}

static void test_parts(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "entity a/x/1#0 v", "entity a/x/1#1 v", "entity a/x/1#2 v", "event a/e/1 v");
#define X(v) "{\"schema\":\"iglu:a/x/jsonschema/1-0-0\",\"data\":{\"v\":" v "}}"
    both(
        &c,
        "{\"event\":\"pv\",\"derived_contexts\":[" X("3") "],\"contexts\":[" X("1") "," X("2") "]}",
        NULL, "[1,2,3,null]");
    both(&c, "{\"event\":\"pv\",\"contexts\":null,\"derived_contexts\":\"\"}", NULL,
         "[null,null,null,null]");
    both(&c,
         "{\"event\":\"pv\",\"contexts\":[],\"unstruct_event\":{\"schema\":\"iglu:a/e/jsonschema/"
         "1-0-0\",\"data\":{\"v\":1}}}",
         NULL, "[null,null,null,1]");
    both(&c,
         "{\"event\":\"pv\",\"contexts\":[{\"data\":{\"v\":1,\"schema\":2},\"more\":[[[]]],"
         "\"schema\":"
         "\"iglu:a/x/jsonschema/1-0-0\"}]}",
         NULL, "[1,null,null,null]");
    both(&c, "{\"event\":\"pv\",\"contexts\":[" X("[1]") "," X("{}") "," X("null") "]}", NULL,
         "[null,null,null,null]");
    refused(&c, "{\"event\":\"pv\",\"contexts\":5}", "item 0: contexts: not self-describing data");
    refused(&c, "{\"event\":\"pv\",\"contexts\":[5]}", "item 0: contexts: entity 0: no schema");
    refused(&c, "{\"event\":\"pv\",\"contexts\":[" X("1") ",{\"schema\":5}]}",
            "item 0: contexts: entity 1: no schema");
    refused(&c, "{\"event\":\"pv\",\"contexts\":{}}", "item 0: contexts: no schema");
    refused(&c,
            "{\"event\":\"pv\",\"derived_contexts\":{\"schema\":\"iglu:" SP
            "/contexts/jsonschema/1-0-0\",\"data\":{}}}",
            "item 0: derived_contexts: data is no list");
    refused(&c, "{\"event\":\"ue\",\"unstruct_event\":[]}", "item 0: unstruct_event: no schema");
    refused(&c, "{\"event\":\"ue\",\"unstruct_event\":true}",
            "item 0: unstruct_event: not self-describing data");
    refused(&c, "[7]", "item 0: not a map of columns");
    case_close(&c);
}

static void test_neighbours(void)
{
    struct evt_case c;
    const char *text =
        "[{\"event\":\"pv\",\"app_id\":\"a\"},{\"event\":\"??\"},{\"event\":\"pv\",\"app_id\":"
        "\"b\"},[[]],"
        "{\"event\":\"pv\",\"contexts\":[1],\"app_id\":\"x\"},{\"event\":\"pv\",\"app_id\":\"c\"}]";
    CASE_OPEN(&c, "app_id");
    for (int packed = 0; packed <= 1; packed++) {
        CHECK(packed ? case_msgpack(&c, text) : case_json(&c, text));
        CHECK_INT(c.batch.n, 3);
        CHECK_INT(c.batch.n_rejects, 3);
        CHECK_STR(case_slots(&c, 0), "[\"a\"]");
        CHECK_STR(case_slots(&c, 1), "[\"b\"]");
        CHECK_STR(case_slots(&c, 2), "[\"c\"]");
        CHECK_STR(case_reject(&c, 0), "item 1: event: unknown event \"??\"");
        CHECK_STR(case_reject(&c, 1), "item 3: not a map of columns");
        CHECK_STR(case_reject(&c, 2), "item 4: contexts: entity 0: no schema");
        CHECK_INT(c.batch.rejects[2].index, 4);
    }
    case_close(&c);
}

static void test_json_bodies(void)
{
    static const char *const bad[] = {"",
                                      "7",
                                      "\"x\"",
                                      "null",
                                      "{\"event\":",
                                      "[{\"event\":\"pv\"}",
                                      "{\"event\":\"pv\",\"x\":1e999}"};
    struct evt_case c;
    CASE_OPEN(&c, "app_id");
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        CHECK(!case_json(&c, bad[i]), "%s", bad[i]);
        CHECK(c.err.set && c.batch.n == 0);
    }
    CHECK(case_json(&c, "[]") && c.batch.n == 0);
    case_close(&c);
}

/* Who sends maps is a server: its address, client and cookie are not those of the person. */
static void test_request(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "user_ipaddress", "useragent", "network_userid", "page_url", "page_urlhost");
    c.meta.ip = STR("9.9.9.9");
    c.meta.useragent = STR("curl/8");
    c.meta.nuid = STR("cookie");
    c.meta.referer = STR("https://from.example/");
    both(&c, "{\"event\":\"pv\"}", NULL, "[null,null,null,null,null]");
    both(&c, "{\"event\":\"pv\",\"page_url\":\"https://a.example/a b\"}", NULL,
         "[null,null,null,\"https://a.example/a%20b\",\"a.example\"]");
    case_close(&c);
}

/* bytes that JSON cannot say */
static void test_msgpack_bytes(void)
{
    struct evt_case c;
#define PV                                                                                         \
    "\xa5"                                                                                         \
    "event\xa2pv"
    CASE_OPEN(&c, "app_id", "se_value", "txn_id");
    CHECK(case_bytes(&c, CASE_MSGPACK,
                     STR("\x83" PV "\xa6"
                         "app_id\xa2\xff\xfe\xa6"
                         "txn_id\xcf\xff\xff\xff\xff\xff\xff\xff\xff")));
    CHECK_STR(case_slots(&c, 0), "[null,null,null]");
    CHECK(case_bytes(&c, CASE_MSGPACK,
                     STR("\x82" PV "\xa8"
                         "se_value\xcb\x7f\xf8\0\0\0\0\0\0"))); /* NaN */
    CHECK_STR(case_slots(&c, 0), "[null,null,null]");
    CHECK(case_bytes(&c, CASE_MSGPACK,
                     STR("\x82" PV "\xa8"
                         "se_value\xcb\x7f\xf0\0\0\0\0\0\0"))); /* infinite */
    CHECK_STR(case_slots(&c, 0), "[null,null,null]");
    CHECK(case_bytes(&c, CASE_MSGPACK,
                     STR("\x83" PV "\xa6"
                         "app_id\xc4\x01x\x05\xa1y"))); /* bin; a key that is a number */
    CHECK_STR(case_slots(&c, 0), "[null,null,null]");
    CHECK(case_bytes(&c, CASE_MSGPACK,
                     STR("\x83" PV "\xa6"
                         "app_id\xa1x\xa6"
                         "app_id\xa1y"))); /* twice: the last */
    CHECK_STR(case_slots(&c, 0), "[\"y\",null,null]");

    struct str whole = STR("\x92\x82" PV "\xa6"
                           "app_id\xa1x\x82" PV "\xa1k\x93\x01\x81\xa1z\xcd\x01\x02\xd4\x01\x02");
    CHECK(case_bytes(&c, CASE_MSGPACK, whole) && c.batch.n == 2, "%s", c.err.text);
    for (size_t n = 0; n < whole.n; n++) {
        CHECK(!case_bytes(&c, CASE_MSGPACK, (struct str){whole.p, n}), "%zu bytes", n);
        CHECK(c.err.set && c.batch.n == 0 && c.batch.n_rejects == 0);
    }
    CHECK(!case_bytes(&c, CASE_MSGPACK, STR("\x81" PV "\xc0")));
    CHECK_STR(c.err.text, "1 bytes too many behind the last event: byte 10");
    CHECK(!case_bytes(&c, CASE_MSGPACK, STR("\x05")));
    CHECK(!case_bytes(&c, CASE_MSGPACK, STR("\x81\xc1\xc0")));
    CHECK(!case_bytes(&c, CASE_MSGPACK, STR("\xdd\x10\x00\x00\x00"))); /* a count of 268 million */
    CHECK(!case_bytes(&c, CASE_MSGPACK, STR("\xdf\xff\xff\xff\xff")));
    CHECK(!case_bytes(&c, CASE_MSGPACK, STR("\x91\x81\xa1x\xdd\x10\x00\x00\x00")));
    case_close(&c);
}

static void test_msgpack_limits(void)
{
    struct evt_case c;
    struct buf b = {0};
    CASE_OPEN(&c, "app_id");
    for (int n = 10000; n <= 10001; n++) {
        b.n = 0;
        buf_put(&b, (uint8_t[]){0xdc, (uint8_t)(n >> 8), (uint8_t)n}, 3);
        for (int i = 0; i < n; i++)
            buf_put(&b, "\x81" PV, 10);
        CHECK_INT(case_bytes(&c, CASE_MSGPACK, buf_str(&b)), n == 10000);
    }
    CHECK_STR(c.err.text, "10001 events, more than 10000");
    for (int deep = MP_DEPTH_MAX; deep <= MP_DEPTH_MAX + 1; deep++) {
        b.n = 0;
        buf_put(&b, "\x82" PV "\xa1k", 12);
        for (int i = 0; i < deep; i++)
            buf_putc(&b, (char)0x91);
        buf_putc(&b, 1);
        CHECK_INT(case_bytes(&c, CASE_MSGPACK, buf_str(&b)), deep == MP_DEPTH_MAX);
    }
    buf_fini(&b);
    case_close(&c);
}

int main(void)
{
    test_equal();
    test_identity();
    test_times();
    test_mismatch();
    test_parts();
    test_neighbours();
    test_json_bodies();
    test_request();
    test_msgpack_bytes();
    test_msgpack_limits();
    return check_done();
}
