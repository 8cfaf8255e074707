/* test_evt_device_entity.c -- an event that comes without an entity of the device gets one when somebody asks; one that brings
 * its own keeps it, whatever the wire.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt_case.h"
#include "evt/proj.h"

#define YAUAA "entity nl.basjes/yauaa_context/1"
#define PHONE                                                                                      \
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/154.0.0.0 "  \
    "Mobile Safari/537.36"
#define LAPTOP                                                                                     \
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "            \
    "Chrome/154.0.0.0 Safari/537.36"
#define SP    "iglu:com.snowplowanalytics.snowplow"
#define OTHER "{\"schema\":\"iglu:a.example/x/jsonschema/1-0-0\",\"data\":{\"deviceClass\":\"X\"}}"
#define OWN(version, data)                                                                         \
    "{\"schema\":\"iglu:nl.basjes/yauaa_context/jsonschema/" version "\",\"data\":" data "}"
#define TV           "{\"deviceClass\":\"TV\"}"
#define CONTEXTS(of) "{\"schema\":\"" SP "/contexts/jsonschema/1-0-1\",\"data\":[" of "]}"

static const char *view(struct evt_case *c, const char *more)
{
    case_tp2(c, arena_printf(&c->arena, "{\"e\":\"pv\"%s}", more).p);
    return case_slots(c, 0);
}

static void open_case(struct evt_case *c, const char *agent)
{
    CASE_OPEN(c, YAUAA " deviceClass", YAUAA " operatingSystemClass", YAUAA " operatingSystemName",
              YAUAA " agentClass", YAUAA " agentName", YAUAA " deviceBrand", YAUAA "#1 deviceClass",
              "entity nl.basjes/yauaa_context/2 deviceClass");
    c->meta.useragent = str_of(agent);
}

#define ON_PHONE  "[\"Phone\",\"Mobile\",\"Android\",\"Browser\",\"Chrome\",null,null,null]"
#define ON_LAPTOP "[\"Desktop\",\"Desktop\",\"Windows NT\",\"Browser\",\"Chrome\",null,null,null]"
#define ON_TV     "[\"TV\",null,null,null,null,null,null,null]"
#define UNKNOWN   "[\"Unknown\",null,null,null,null,null,null,null]"
#define NOTHING   "[null,null,null,null,null,null,null,null]"

/* The tracker's word comes before the request's. Without either Snowplow's own enrichment says Unknown, and nothing more. */
static void test_whose(void)
{
    struct evt_case c;
    open_case(&c, LAPTOP);
    CHECK_STR(view(&c, ",\"ua\":\"" PHONE "\""), ON_PHONE);
    CHECK_STR(view(&c, ""), ON_LAPTOP);
    CHECK_STR(view(&c, ",\"ua\":\"\""), ON_LAPTOP);
    c.meta.useragent = (struct str){0};
    CHECK_STR(view(&c, ""), UNKNOWN);
    c.meta.useragent = STR("\xff\xfe"); /* says nothing */
    CHECK_STR(view(&c, ""), UNKNOWN);
    case_close(&c);

    /* what a server sends on tells of the visitor only what it says itself */
    open_case(&c, "okhttp/4.12.0");
    case_json(&c, "{\"event\":\"page_view\",\"useragent\":\"" PHONE "\"}");
    CHECK_STR(case_slots(&c, 0), ON_PHONE);
    case_json(&c, "{\"event\":\"page_view\"}");
    CHECK_STR(case_slots(&c, 0), NOTHING);
    case_json(&c, "{\"event\":\"page_view\",\"useragent\":null}");
    CHECK_STR(case_slots(&c, 0), NOTHING);
    case_json(&c, "{\"event\":\"page_view\",\"useragent\":\"\"}");
    CHECK_STR(case_slots(&c, 0), NOTHING);
    case_close(&c);
}

/* Theirs counts whole: what it does not say is missing. One of another version, or without data, is theirs as well. */
static void test_own(void)
{
    static const char *const lists[] = {OWN("1-0-4", TV), OTHER "," OWN("1-0-5", TV)};
    struct evt_case c;
    open_case(&c, PHONE);
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        const char *list = arena_printf(&c.arena, CONTEXTS("%s"), lists[i]).p;
        const char *text = case_quote(&c, list), *coded = case_base64(&c, list);
        CHECK_STR(view(&c, arena_printf(&c.arena, ",\"co\":%s", text).p), ON_TV);
        CHECK_STR(view(&c, arena_printf(&c.arena, ",\"cx\":\"%s\"", coded).p), ON_TV);
        case_bytes(&c, CASE_QUERY, arena_printf(&c.arena, "e=pv&cx=%s", coded));
        CHECK_STR(case_slots(&c, 0), ON_TV);
        for (int part = 0; part < 2; part++) {
            const char *map =
                arena_printf(&c.arena,
                             "{\"event\":\"page_view\",\"useragent\":\"" PHONE "\",\"%s\":%s}",
                             part ? "derived_contexts" : "contexts", list)
                    .p;
            case_json(&c, map);
            CHECK_STR(case_slots(&c, 0), ON_TV);
            case_msgpack(&c, map);
            CHECK_STR(case_slots(&c, 0), ON_TV);
            case_bytes(&c, CASE_NDJSON, str_of(map));
            CHECK_STR(case_slots(&c, 0), ON_TV);
        }
    }
    CHECK_STR(
        view(&c, ",\"co\":\"{\\\"schema\\\":\\\"" SP "/contexts/jsonschema/1-0-0\\\",\\\"data\\\":["
                 "{\\\"schema\\\":\\\"iglu:nl.basjes/yauaa_context/jsonschema/1-0-0\\\"}]}\""),
        NOTHING);
    case_json(&c, "{\"event\":\"page_view\",\"useragent\":\"" PHONE
                  "\",\"contexts\":[" OWN("2-0-0", TV) "]}");
    CHECK_STR(case_slots(&c, 0), "[null,null,null,null,null,null,null,\"TV\"]");
    case_json(&c, "{\"event\":\"page_view\",\"useragent\":\"" PHONE "\",\"contexts\":[" OTHER "]}");
    CHECK_STR(case_slots(&c, 0), ON_PHONE);
    /* one event's entity is not the next one's */
    case_json(&c, "[{\"event\":\"page_view\",\"useragent\":\"" PHONE "\",\"contexts\":[" OWN(
                      "1-0-0", TV) "]},"
                                   "{\"event\":\"page_view\",\"useragent\":\"" LAPTOP "\"}]");
    CHECK_STR(case_slots(&c, 0), ON_TV);
    CHECK_STR(case_slots(&c, 1), ON_LAPTOP);
    case_close(&c);
}

static void put_line(struct evt_case *c, struct buf *line, const char *agent, const char *derived)
{
    const char *texts[EVT_COLUMNS] = {
        [COL_EVENT] = "page_view",
        [COL_EVENT_ID] = "4ae8b8b6-f60c-4a5b-9d2c-6a4b2b0a7e11",
        [COL_COLLECTOR_TSTAMP] = "2026-09-21 14:13:00.000",
        [COL_EVENT_VENDOR] = "com.snowplowanalytics.snowplow",
        [COL_EVENT_NAME] = "page_view",
        [COL_EVENT_VERSION] = "1-0-0",
        [COL_USERAGENT] = agent,
        [COL_DERIVED_CONTEXTS] = derived,
    };
    for (int i = 0; i < EVT_COLUMNS; i++) {
        buf_puts(line, i ? "\t" : "");
        buf_puts(line, texts[i] ? texts[i] : "");
    }
    buf_puts(line, "\n");
}

static void test_enriched(void)
{
    struct evt_case c;
    struct buf lines = {0};
    open_case(&c, "okhttp/4.12.0");
    put_line(&c, &lines, PHONE, CONTEXTS(OWN("1-0-4", TV)));
    put_line(&c, &lines, PHONE, "");
    put_line(&c, &lines, "", "");
    CHECK(case_bytes(&c, CASE_TSV, buf_str(&lines)) && c.batch.n == 3, "%s", case_reject(&c, 0));
    CHECK_STR(case_slots(&c, 0), ON_TV);
    CHECK_STR(case_slots(&c, 1), ON_PHONE);
    CHECK_STR(case_slots(&c, 2), NOTHING);
    buf_fini(&lines);
    case_close(&c);
}

/* It stands behind those that came along, for those who ask for entities of any name too. */
static void test_place(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "entity */*/* deviceClass", "entity */*/*#1 deviceClass",
              "entity nl.basjes/*/* deviceClass", "entity nl.basjes/yauaa_context/* deviceClass",
              "entity */yauaa_context/1 deviceClass", "entity a.example/x/1 deviceClass",
              "event */*/* deviceClass");
    c.meta.useragent = STR(PHONE);
    CHECK_STR(view(&c, ""), "[\"Phone\",null,\"Phone\",\"Phone\",\"Phone\",null,null]");
    case_json(&c, "{\"event\":\"page_view\",\"useragent\":\"" PHONE "\",\"contexts\":[" OTHER "]}");
    CHECK_STR(case_slots(&c, 0), "[\"X\",\"Phone\",\"Phone\",\"Phone\",\"Phone\",\"X\",null]");
    case_json(&c, "{\"event\":\"page_view\",\"useragent\":\"" PHONE "\",\"contexts\":[" OTHER
                  "," OWN("1-0-0", TV) "]}");
    CHECK_STR(case_slots(&c, 0), "[\"X\",\"TV\",\"TV\",\"TV\",\"TV\",\"X\",null]");
    case_close(&c);
}

/* Nobody pays for what nobody asks for. */
static void test_unasked(void)
{
    static const struct {
        const char *slot;
        bool asks;
    } cases[] = {
        {YAUAA " deviceClass", true},
        {YAUAA "#3 agentName", true},
        {"entity */*/* deviceClass", true},
        {YAUAA " deviceBrand", false},
        {YAUAA " deviceClass.x", false},
        {YAUAA " [0]", false},
        {"entity nl.basjes/yauaa_context/2 deviceClass", false},
        {"entity a.example/yauaa_context/1 deviceClass", false},
        {"event nl.basjes/yauaa_context/1 deviceClass", false},
        {"useragent", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct evt_case c;
        CASE_OPEN(&c, cases[i].slot);
        CHECK(!!c.proj->enrichments == cases[i].asks, "%s", cases[i].slot);
        CHECK(column_set_has(&c.proj->needed, COL_USERAGENT) ==
                  (cases[i].asks || strcmp(cases[i].slot, "useragent") == 0),
              "%s", cases[i].slot);
        case_close(&c);
    }
}

int main(void)
{
    test_whose();
    test_own();
    test_enriched();
    test_place();
    test_unasked();
    return check_done();
}
