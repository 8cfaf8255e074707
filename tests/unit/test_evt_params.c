/* test_evt_params.c -- every parameter of the tracker protocol reaches its column, by POST and by
 * GET.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt_case.h"

#include "../../src/evt/params.c"

static const struct {
    const char *param, *value, *column, *want;
} cases[] = {
    {"p", "web", "platform", "\"web\""},
    {"p", "iot", "platform", "\"iot\""},
    {"p", "app", "platform", "\"app\""},
    {"p", "mob", "platform", "\"mob\""},
    {"p", "pc", "platform", "\"pc\""},
    {"p", "cnsl", "platform", "\"cnsl\""},
    {"p", "tv", "platform", "\"tv\""},
    {"p", "srv", "platform", "\"srv\""},
    {"p", "headset", "platform", "\"headset\""},
    {"aid", "shop", "app_id", "\"shop\""},
    {"eid", "C6EF3124-B53A-4B13-A233-0088F79DCBCB", "event_id",
     "\"C6EF3124-B53A-4B13-A233-0088F79DCBCB\""},
    {"tna", "sp", "name_tracker", "\"sp\""},
    {"tv", "js-4.0.0", "v_tracker", "\"js-4.0.0\""},
    {"cv", "c-1", "v_collector", "\"c-1\""},
    {"tid", "508780", "txn_id", "508780"},
    {"tid", "x", "txn_id", "null"},
    {"tid", "null", "txn_id", "null"}, /* old trackers */
    {"uid", "12345", "user_id", "\"12345\""},
    {"duid", "d1", "domain_userid", "\"d1\""},
    {"nuid", "n1", "network_userid", "\"n1\""},
    {"tnuid", "n2", "network_userid", "\"n2\""},
    {"sid", "s1", "domain_sessionid", "\"s1\""},
    {"vid", "3", "domain_sessionidx", "3"},
    {"vid", "three", "domain_sessionidx", "null"},
    {"fp", "2161814971", "user_fingerprint", "\"2161814971\""},
    {"ip", "1.2.3.4", "user_ipaddress", "\"1.2.3.4\""},
    {"ip", "1.2.3.4, 5.6.7.8", "user_ipaddress", "\"1.2.3.4\""},
    {"ip", " 2001:db8::1,5.6.7.8", "user_ipaddress", "\"2001:db8::1\""},
    {"ip", "1.2.3.4|5.6.7.8", "user_ipaddress", "\"1.2.3.4\""},
    {"ip", "1.2.3.4 5.6.7.8", "user_ipaddress", "\"1.2.3.4\""},
    {"ip", ",5.6.7.8", "user_ipaddress", "null"},
    {"ua", "Mozilla/5.0 (X)", "useragent", "\"Mozilla/5.0 (X)\""},
    {"dtm", "1789999999000", "dvce_created_tstamp", "1789999999000"},
    {"stm", "1789999999500", "dvce_sent_tstamp", "1789999999500"},
    {"ttm", "1789999998000", "true_tstamp", "1789999998000"},
    {"ttm", "1789999998000", "derived_tstamp", "1789999998000"},
    {"ttm", "soon", "true_tstamp", "null"},
    {"ttm", "soon", "derived_tstamp", "1790000000000"},
    {"url", "https://a.example/x?y=1#z", "page_url", "\"https://a.example/x?y=1#z\""},
    {"url", "https://a.example/x y", "page_url", "\"https://a.example/x%20y\""},
    {"page", "Hello, wörld", "page_title", "\"Hello, wörld\""},
    {"refr", "https://b.example/", "page_referrer", "\"https://b.example/\""},
    {"lang", "en-GB", "br_lang", "\"en-GB\""},
    {"cookie", "1", "br_cookies", "true"},
    {"cookie", "0", "br_cookies", "false"},
    {"cookie", "maybe", "br_cookies", "null"},
    {"res", "1920x1080", "dvce_screenwidth", "1920"},
    {"res", "1920x1080", "dvce_screenheight", "1080"},
    {"res", "1920", "dvce_screenwidth", "null"},
    {"res", "wide x high", "dvce_screenheight", "null"},
    {"res", "1920x1080x3", "dvce_screenheight", "null"},
    {"res", "x1080", "dvce_screenwidth", "null"},
    {"vp", "1280x720", "br_viewwidth", "1280"},
    {"vp", "1280x720", "br_viewheight", "720"},
    {"ds", "1280x9000", "doc_width", "1280"},
    {"ds", "1280x9000", "doc_height", "9000"},
    {"cd", "24", "br_colordepth", "\"24\""},
    {"tz", "Europe/Berlin", "os_timezone", "\"Europe/Berlin\""},
    {"cs", "UTF-8", "doc_charset", "\"UTF-8\""},
    {"f_pdf", "1", "br_features_pdf", "true"},
    {"f_fla", "0", "br_features_flash", "false"},
    {"f_java", "1", "br_features_java", "true"},
    {"f_dir", "1", "br_features_director", "true"},
    {"f_qt", "1", "br_features_quicktime", "true"},
    {"f_realp", "1", "br_features_realplayer", "true"},
    {"f_wma", "1", "br_features_windowsmedia", "true"},
    {"f_gears", "1", "br_features_gears", "true"},
    {"f_ag", "1", "br_features_silverlight", "true"},
    {"se_ca", "shop", "se_category", "\"shop\""},
    {"se_ac", "add", "se_action", "\"add\""},
    {"se_la", "sku", "se_label", "\"sku\""},
    {"se_pr", "size", "se_property", "\"size\""},
    {"se_va", "19.99", "se_value", "19.99"},
    {"se_va", "much", "se_value", "null"},
    {"se_va", "-1e3", "se_value", "-1000"},
    {"ev_ca", "shop", "se_category", "\"shop\""},
    {"ev_ac", "add", "se_action", "\"add\""},
    {"ev_la", "sku", "se_label", "\"sku\""},
    {"ev_pr", "size", "se_property", "\"size\""},
    {"ev_va", "2.5", "se_value", "2.5"},
    {"tr_id", "O1", "tr_orderid", "\"O1\""},
    {"tr_af", "web", "tr_affiliation", "\"web\""},
    {"tr_tt", "99.5", "tr_total", "99.5"},
    {"tr_tx", "9.5", "tr_tax", "9.5"},
    {"tr_sh", "4.5", "tr_shipping", "4.5"},
    {"tr_ci", "Bonn", "tr_city", "\"Bonn\""},
    {"tr_st", "NRW", "tr_state", "\"NRW\""},
    {"tr_co", "DE", "tr_country", "\"DE\""},
    {"tr_cu", "EUR", "tr_currency", "\"EUR\""},
    {"ti_id", "O1", "ti_orderid", "\"O1\""},
    {"ti_sk", "pbz0001", "ti_sku", "\"pbz0001\""},
    {"ti_nm", "Tarot", "ti_name", "\"Tarot\""},
    {"ti_na", "Tarot", "ti_name", "\"Tarot\""},
    {"ti_ca", "cards", "ti_category", "\"cards\""},
    {"ti_pr", "7.99", "ti_price", "7.99"},
    {"ti_qu", "2", "ti_quantity", "2"},
    {"ti_cu", "EUR", "ti_currency", "\"EUR\""},
    {"pp_mix", "0", "pp_xoffset_min", "0"},
    {"pp_max", "25", "pp_xoffset_max", "25"},
    {"pp_miy", "100", "pp_yoffset_min", "100"},
    {"pp_may", "250.0", "pp_yoffset_max", "250"},

    /* one line, between two tabs */
    {"page", "a\tb", "page_title", "\"a    b\""},
    {"page", "\t", "page_title", "\"    \""},
    {"page", "line\r\nline", "page_title", "\"lineline\""},
    {"page", "\001a\037b\177", "page_title", "\"ab\""},
    {"page", "long enough for eight at a time\n", "page_title",
     "\"long enough for eight at a time\""},
    {"page", "del\177, where eight are looked at", "page_title",
     "\"del, where eight are looked at\""},
    {"page", "\n\r\x01", "page_title", "null"},
    {"page", "\xc2\x85 is none of ASCII's", "page_title", "\"\xc2\x85 is none of ASCII's\""},
    {"tnuid", "n\t2", "network_userid", "\"n    2\""},
    {"ip", "1.2.3.4\n", "user_ipaddress", "\"1.2.3.4\""},
    {"url", "https://a.example/x\ty", "page_url", "\"https://a.example/x%20%20%20%20y\""},
    {"url", "https://a.example/?utm_term=a%09b%0a", "mkt_term", "\"a    b\""},
    {"refr", "https://www.google.com/?q=a%09b%0a", "refr_term", "\"a    b\""},
};

/* value with all but letters and digits as %xx */
static const char *encoded(struct evt_case *c, const char *value)
{
    char *out = arena_alloc(&c->arena, 3 * strlen(value) + 1), *o = out;
    for (; *value; value++) {
        bool plain = (*value >= 'a' && *value <= 'z') || (*value >= 'A' && *value <= 'Z') ||
                     (*value >= '0' && *value <= '9');
        o += plain ? sprintf(o, "%c", *value) : sprintf(o, "%%%02X", (uint8_t)*value);
    }
    *o = 0;
    return out;
}

static void test_table(void)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct evt_case c;
        const char *want = cases[i].want, *got;
        CASE_OPEN(&c, cases[i].column);
        want = arena_printf(&c.arena, "[%s]", want).p;
        case_tp2(&c, arena_printf(&c.arena, "{\"e\":\"pv\",\"%s\":%s}", cases[i].param,
                                  case_quote(&c, cases[i].value))
                         .p);
        got = case_slots(&c, 0);
        CHECK(strcmp(got, want) == 0, "POST %s=%s: %s, want %s", cases[i].param, cases[i].value,
              got, want);
        case_bytes(
            &c, CASE_QUERY,
            arena_printf(&c.arena, "e=pv&%s=%s", cases[i].param, encoded(&c, cases[i].value)));
        got = case_slots(&c, 0);
        CHECK(strcmp(got, want) == 0, "GET %s=%s: %s, want %s", cases[i].param, cases[i].value, got,
              want);
        case_tp2(&c, arena_printf(&c.arena, "{\"e\":\"pv\",\"%s\":\"\"}", cases[i].param)
                         .p); /* empty is missing */
        if (!strcmp(cases[i].column, "v_collector"))
            CHECK_STR(case_slots(&c, 0), "[\"signalbox\"]");
        else if (strcmp(cases[i].column, "derived_tstamp") && strcmp(cases[i].column, "event_id"))
            CHECK_STR(case_slots(&c, 0), "[null]");
        case_close(&c);
    }
}

/* The table above has a row for each of the protocol's that is a value of its own. */
static void test_all_are_there(void)
{
    static const char *const others[] = {"e", "co", "cx", "ue_pr", "ue_px"}; /* see below */
    for (size_t i = 0; i < COUNT_OF(params); i++) {
        bool found = false;
        for (size_t k = 0; k < COUNT_OF(cases); k++)
            found |= !strcmp(cases[k].param, params[i].name);
        for (size_t k = 0; k < COUNT_OF(others); k++)
            found |= !strcmp(others[k], params[i].name);
        CHECK(found, "%s has no row", params[i].name);
    }
}

#define UNSTRUCT_SCHEMA "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0"
#define CONTEXTS_SCHEMA "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1"

/* What an event says of itself, as Snowplow writes it into its columns. */
static void test_event(void)
{
    static const struct {
        const char *e, *event, *vendor, *name, *version;
    } events[] = {
        {"pv", "page_view", "com.snowplowanalytics.snowplow", "page_view", "1-0-0"},
        {"pp", "page_ping", "com.snowplowanalytics.snowplow", "page_ping", "1-0-0"},
        {"se", "struct", "com.google.analytics", "event", "1-0-0"},
        {"ev", "struct", "com.google.analytics", "event", "1-0-0"},
        {"ue", "unstruct", "com.acme", "thing", "2-1-0"},
        {"tr", "transaction", "com.snowplowanalytics.snowplow", "transaction", "1-0-0"},
        {"ti", "transaction_item", "com.snowplowanalytics.snowplow", "transaction_item", "1-0-0"},
        {"ad", "ad_impression", "com.snowplowanalytics.snowplow", "ad_impression", "1-0-0"},
    };
    struct evt_case c;
    CASE_OPEN(&c, "event", "event_format", "event_vendor", "event_name", "event_version",
              "v_collector", "collector_tstamp", "etl_tstamp", "v_etl", "etl_tags");
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        case_tp2(&c, arena_printf(&c.arena, "{\"e\":\"%s\",\"ue_pr\":%s}", events[i].e,
                                  case_quote(&c, "{\"schema\":\"" UNSTRUCT_SCHEMA
                                                 "\",\"data\":{\"schema\":\"iglu:com.acme/thing/"
                                                 "jsonschema/2-1-0\",\"data\":{}}}"))
                         .p);
        CHECK_STR(case_slots(&c, 0),
                  arena_printf(&c.arena,
                               "[\"%s\",\"jsonschema\",\"%s\",\"%s\",\"%s\",\"signalbox\","
                               "1790000000000,null,null,null]",
                               events[i].event, events[i].vendor, events[i].name, events[i].version)
                      .p);
    }
    case_json(&c, "{\"event\":\"page_view\"}"); /* what has another collector, or none */
    CHECK(strstr(case_slots(&c, 0), "signalbox") == NULL, "%s", case_slots(&c, 0));
    case_close(&c);
}

/* With + and /, and = up to a whole four, where trackers write - and _ and nothing. */
static const char *standard_base64(struct evt_case *c, const char *text)
{
    static const char *const padding[] = {"", "", "==", "="};
    const char *safe = case_base64(c, text);
    char *out = (char *)arena_printf(&c->arena, "%s%s", safe, padding[strlen(safe) % 4]).p;
    for (char *p = out; *p; p++)
        *p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
    return out;
}

/* A request of one event with these two parameters; what its slots hold. */
static const char *send_parts(struct evt_case *c, bool get, const char *name1, const char *value1,
                              const char *name2, const char *value2)
{
    if (get)
        case_bytes(c, CASE_QUERY,
                   arena_printf(&c->arena, "e=ue&%s=%s&%s=%s", name1, encoded(c, value1), name2,
                                encoded(c, value2)));
    else
        case_tp2(c, arena_printf(&c->arena, "{\"e\":\"ue\",\"%s\":%s,\"%s\":%s}", name1,
                                 case_quote(c, value1), name2, case_quote(c, value2))
                        .p);
    return case_slots(c, 0);
}

static const char *wrapped(struct evt_case *c, const char *before, const char *value,
                           const char *behind)
{
    return arena_printf(&c->arena,
                        "%s{\"schema\":\"iglu:com.acme/thing/jsonschema/1-0-0\",\"data\":"
                        "{\"v\":\"%s\"}}%s",
                        before, value, behind)
        .p;
}

/* The four parameters that hold JSON, by POST and by GET, in every form of base64. */
static void test_json_params(void)
{
    static const char *const values[] = {"", "x", "xy", "xyz", "\u00fb\u00ff?>~~~", "~?~?~~?>"};
    unsigned plus = 0, slash = 0, equals = 0;
    for (size_t i = 0; i < COUNT_OF(values) * 2; i++) {
        struct evt_case c;
        bool get = i & 1;
        CASE_OPEN(&c, "event com.acme/thing/* v", "entity com.acme/thing/*#0 v");
        const char *v = values[i / 2], *want = arena_printf(&c.arena, "[\"%s\",\"%s\"]", v, v).p;
        const char *ue = wrapped(&c, "{\"schema\":\"" UNSTRUCT_SCHEMA "\",\"data\":", v, "}");
        const char *co = wrapped(&c, "{\"schema\":\"" CONTEXTS_SCHEMA "\",\"data\":[", v, "]}");
        const char *px = standard_base64(&c, ue), *cx = standard_base64(&c, co);
        CHECK_STR(send_parts(&c, get, "ue_pr", ue, "co", co), want);
        CHECK_STR(send_parts(&c, get, "ue_px", px, "cx", cx), want);
        CHECK_STR(send_parts(&c, get, "ue_px", case_base64(&c, ue), "cx", case_base64(&c, co)),
                  want);
        case_bytes(&c, CASE_QUERY, /* an = in a value need not be written %3D */
                   arena_printf(&c.arena, "e=ue&ue_px=%s&co=%s", px, encoded(&c, co)));
        if (!strchr(px, '+')) /* a + must: it is a blank */
            CHECK_STR(case_slots(&c, 0), want);
        plus += strchr(px, '+') != NULL;
        slash += strchr(px, '/') != NULL;
        equals += strchr(px, '=') != NULL;
        case_close(&c);
    }
    CHECK(plus && slash && equals);
}

static void test_platforms(void)
{
    static const char *const none[] = {"toaster", "WEB", "web ", "w", "server"};
    struct evt_case c;
    CASE_OPEN(&c, "platform");
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        case_tp2(&c, arena_printf(&c.arena, "{\"e\":\"pv\",\"p\":\"%s\"}", none[i]).p);
        CHECK_STR(case_slots(&c, 0),
                  arena_printf(&c.arena, "item 0: p: unknown platform \"%s\"", none[i]).p);
    }
    case_close(&c);
}

static void test_precedence(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "network_userid", "se_category", "ti_name");
    case_tp2(&c, "{\"e\":\"pv\",\"tnuid\":\"t\",\"nuid\":\"n\"},{\"nuid\":\"n\",\"tnuid\":\"t\","
                 "\"e\":\"pv\"}");
    CHECK_STR(case_slots(&c, 0), "[\"t\",null,null]");
    CHECK_STR(case_slots(&c, 1), "[\"t\",null,null]");
    case_tp2(&c, "{\"e\":\"pv\",\"tnuid\":\"\\n\",\"nuid\":\"n\"}"); /* nothing is left of it */
    CHECK_STR(case_slots(&c, 0), "[\"n\",null,null]");
    case_tp2(&c, "{\"e\":\"se\",\"ev_ca\":\"old\",\"se_ca\":\"new\",\"ti_nm\":\"a\"},{\"e\":\"pv\","
                 "\"nuid\":\"n\",\"tnuid\":\"\"}");
    CHECK_STR(case_slots(&c, 0), "[null,\"new\",\"a\"]");
    CHECK_STR(case_slots(&c, 1), "[\"n\",null,null]");
    c.meta.nuid = STR("cookie");
    case_tp2(&c, "{\"e\":\"pv\",\"tnuid\":\"t\"},{\"e\":\"pv\"}");
    CHECK_STR(case_slots(&c, 0), "[\"t\",null,null]");
    CHECK_STR(case_slots(&c, 1), "[\"cookie\",null,null]");
    case_close(&c);
}

static void test_request(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "user_ipaddress", "useragent", "page_url", "page_urlhost");
    c.meta.ip = STR("9.9.9.9");
    c.meta.useragent = STR("curl/8");
    c.meta.referer = STR("https://from.example/a b");
    case_tp2(&c, "{\"e\":\"pv\"},{\"e\":\"pv\",\"ip\":\"1.1.1.1,2.2.2.2\",\"ua\":\"x\",\"url\":"
                 "\"http://u.example/\"}");
    CHECK_STR(case_slots(&c, 0),
              "[\"9.9.9.9\",\"curl/8\",\"https://from.example/a%20b\",\"from.example\"]");
    CHECK_STR(case_slots(&c, 1), "[\"1.1.1.1\",\"x\",\"http://u.example/\",\"u.example\"]");
    c.meta.useragent = STR("with a\ttab");
    case_tp2(&c, "{\"e\":\"pv\"}");
    CHECK_STR(case_slots(&c, 0),
              "[\"9.9.9.9\",\"with a    tab\",\"https://from.example/a%20b\",\"from.example\"]");
    c.meta.useragent = STR("bad \xff byte");
    case_tp2(&c, "{\"e\":\"pv\",\"ip\":\" ,2.2.2.2\"}");
    CHECK_STR(case_slots(&c, 0),
              "[\"9.9.9.9\",null,\"https://from.example/a%20b\",\"from.example\"]");
    case_close(&c);
}

int main(void)
{
    test_table();
    test_all_are_there();
    test_event();
    test_json_params();
    test_platforms();
    test_precedence();
    test_request();
    return check_done();
}
