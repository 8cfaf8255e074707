/* test_evt_tp2.c -- tracker requests: envelopes, identities, entities, and items that are refused
 * beside items that are not.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt_case.h"

#define SP             "com.snowplowanalytics.snowplow"
#define SHOP           "com.snowplowanalytics.snowplow.ecommerce"
#define CONTEXTS(list) "{\"schema\":\"iglu:" SP "/contexts/jsonschema/1-0-0\",\"data\":[" list "]}"
#define UNSTRUCT(inner)                                                                            \
    "{\"schema\":\"iglu:" SP "/unstruct_event/jsonschema/1-0-0\",\"data\":" inner "}"
#define PRODUCT(data) "{\"schema\":\"iglu:" SHOP "/product/jsonschema/1-0-0\",\"data\":" data "}"
#define ACTION(data)                                                                               \
    "{\"schema\":\"iglu:" SHOP "/snowplow_ecommerce_action/jsonschema/1-0-2\",\"data\":" data "}"
#define WEB_PAGE                                                                                   \
    "{\"schema\":\"iglu:" SP                                                                       \
    "/web_page/jsonschema/1-0-0\",\"data\":{\"id\":\"a86c42e5-b831-45c8-b706\"}}"

/* A page view and an add to cart as the browser tracker posts them, parts in base64 or plain. */
static const char *shop_items(struct evt_case *c, bool base64)
{
    const char *contexts = CONTEXTS(WEB_PAGE "," PRODUCT(
        "{\"id\":\"P125\",\"name\":\"Baseball "
        "T\",\"price\":200,\"currency\":\"USD\"}") "," PRODUCT("{\"id\":\"P126\",\"price\":49.5,"
                                                               "\"tags\":[\"new\",\"red\"],"
                                                               "\"size\":null}"));
    const char *action = UNSTRUCT(ACTION(
        "{\"type\":\"add_to_cart\",\"name\":null,\"deep\":{\"a\":[{\"b\":true},{\"b\":7}]}}"));
    return arena_printf(
               &c->arena,
               "{\"e\":\"pv\",\"url\":\"https://shop.example/"
               "pricing?utm_source=mail\",\"page\":\"Pricing\",\"eid\":"
               "\"8c9ff0a3-0e59-4b5b-8f8c-7f0a2f1f0001\",\"tv\":\"js-3.24.0\",\"tna\":\"sp1\","
               "\"aid\":\"shop\",\"p\":\"web\","
               "\"cookie\":\"1\",\"cs\":\"UTF-8\",\"lang\":\"en-US\",\"res\":\"1920x1080\",\"cd\":"
               "\"24\",\"tz\":\"Europe/Berlin\","
               "\"dtm\":\"1789999990000\",\"vp\":\"1200x800\",\"ds\":\"1185x3000\",\"vid\":\"4\","
               "\"sid\":\"sess-1\","
               "\"duid\":\"dev-1\",\"uid\":\"ann\",\"refr\":\"https://www.google.com/"
               "\",\"stm\":\"1789999995000\",\"%s\":%s},"
               "{\"e\":\"ue\",\"%s\":%s,\"%s\":%s,\"duid\":\"dev-1\",\"vid\":\"4\",\"p\":\"web\","
               "\"eid\":"
               "\"8c9ff0a3-0e59-4b5b-8f8c-7f0a2f1f0002\"}",
               base64 ? "cx" : "co",
               case_quote(c, base64 ? case_base64(c, CONTEXTS(WEB_PAGE)) : CONTEXTS(WEB_PAGE)),
               base64 ? "ue_px" : "ue_pr", case_quote(c, base64 ? case_base64(c, action) : action),
               base64 ? "cx" : "co", case_quote(c, base64 ? case_base64(c, contexts) : contexts))
        .p;
}

static void test_shop(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "domain_userid", "domain_sessionidx", "page_urlpath", "refr_medium", "mkt_source",
              "event_name", "event " SHOP "/snowplow_ecommerce_action/1 type",
              "event " SHOP "/snowplow_ecommerce_action/1 deep.a[1].b",
              "event " SHOP "/*/* deep.a[0].b", "entity " SHOP "/product/1#0 price",
              "entity " SHOP "/product/1#1 price", "entity " SHOP "/product/1#2 price",
              "entity " SHOP "/product/1#1 tags[1]", "entity " SP "/web_page/1#0 id",
              "entity " SHOP "/product/2#0 price",
              "event " SHOP "/snowplow_ecommerce_action/2 type", "event_version");
    for (int base64 = 0; base64 <= 1; base64++) {
        CHECK(case_tp2(&c, shop_items(&c, base64)), "%s", c.err.text);
        CHECK_INT(c.batch.n, 2);
        CHECK_INT(c.batch.n_rejects, 0);
        CHECK_STR(case_identity(&c, 0), SP "/page_view/1-0-0");
        CHECK_STR(case_identity(&c, 1), SHOP "/snowplow_ecommerce_action/1-0-2");
        CHECK_STR(case_slots(&c, 0),
                  "[\"dev-1\",4,\"/"
                  "pricing\",\"search\",\"mail\",\"page_view\",null,null,null,null,null,null,"
                  "null,\"a86c42e5-b831-45c8-b706\",null,null,\"1-0-0\"]");
        CHECK_STR(case_slots(&c, 1),
                  "[\"dev-1\",4,null,null,null,\"snowplow_ecommerce_action\",\"add_to_cart\",7,"
                  "true,200,49.5,"
                  "null,\"red\",\"a86c42e5-b831-45c8-b706\",null,null,\"1-0-2\"]");
        CHECK_INT(c.batch.evts[0].ts_ms, case_now - 5000);
        CHECK_INT(c.batch.evts[1].ts_ms, case_now);
        CHECK(c.batch.evts[0].id == str_hash(STR("8c9ff0a3-0e59-4b5b-8f8c-7f0a2f1f0001")));
    }
    case_close(&c);
}

/* Entities count within the same vendor, name and major version; a wildcard counts all that it
 * matches. */
static void test_entities(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "entity a/x/1#0 v", "entity a/x/1#1 v", "entity a/x/2#0 v", "entity a/x/*#2 v",
              "entity a/*/*#3 v", "entity */*/*#4 v", "entity a/x/1#0 w");
#define E(schema, v) "{\"schema\":\"iglu:" schema "\",\"data\":{\"v\":" v "}}"
    const char *list =
        CONTEXTS(E("a/x/jsonschema/1-0-0", "1") "," E("a/x/jsonschema/2-0-0", "2") "," E(
            "a/x/jsonschema/1-5-9", "3") "," E("a/y/jsonschema/1-0-0",
                                               "4") "," E("b/x/jsonschema/1-0-0", "\"five\""));
    case_tp2(&c, arena_printf(&c.arena, "{\"e\":\"pv\",\"co\":%s}", case_quote(&c, list)).p);
    CHECK_STR(case_slots(&c, 0), "[1,3,2,3,4,\"five\",null]");
    /* co and cx together: co first; an entity without data counts too; a bare list is taken */
    case_tp2(&c,
             arena_printf(&c.arena, "{\"e\":\"pv\",\"cx\":\"%s\",\"co\":%s}",
                          case_base64(&c, "[" E("a/x/jsonschema/1-0-0", "8") "]"),
                          case_quote(&c, CONTEXTS("{\"schema\":\"iglu:a/x/jsonschema/1-0-0\"}")))
                 .p);
    CHECK_STR(case_slots(&c, 0), "[null,8,null,null,null,null,null]");
    case_close(&c);
}

static void test_types(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "entity a/x/1#0 s", "entity a/x/1#0 i", "entity a/x/1#0 d", "entity a/x/1#0 t",
              "entity a/x/1#0 n", "entity a/x/1#0 o", "entity a/x/1#0 l", "entity a/x/1#0 big",
              "entity a/x/1#0 numeric", "entity a/x/1#0 l[0]", "entity a/x/1#0 l[9]",
              "entity a/x/1#0 o.k", "entity a/x/1#0 s.k", "entity a/x/1#0 s[0]",
              "entity a/x/1#0 o[0]", "entity a/x/1#0 twice", "entity a/x/1#0 empty");
    const char *data = "[{\"schema\":\"iglu:a/x/jsonschema/"
                       "1-0-0\",\"data\":{\"s\":\"str\\u00e4\",\"i\":-3,\"d\":2.5,\"t\":false,"
                       "\"n\":null,\"o\":{\"k\":1},\"l\":[5],\"big\":18446744073709551615,"
                       "\"numeric\":\"12\",\"twice\":1,"
                       "\"twice\":2,\"empty\":\"\"}}]";
    case_tp2(&c, arena_printf(&c.arena, "{\"e\":\"pv\",\"co\":%s}", case_quote(&c, data)).p);
    CHECK_STR(case_slots(&c, 0), "[\"strä\",-3,2.5,false,null,null,null,1.8446744073709552e+19,"
                                 "\"12\",5,null,1,null,null,null,2,\"\"]");
    CHECK(c.batch.evts[0].slots[7].type == VAL_DBL);
    case_close(&c);
}

static void test_identities(void)
{
    static const struct {
        const char *code, *event, *identity;
    } cases[] = {
        {"pv", "page_view", SP "/page_view/1-0-0"},
        {"pp", "page_ping", SP "/page_ping/1-0-0"},
        {"se", "struct", "com.google.analytics/event/1-0-0"},
        {"tr", "transaction", SP "/transaction/1-0-0"},
        {"ti", "transaction_item", SP "/transaction_item/1-0-0"},
        {"ad", "ad_impression", SP "/ad_impression/1-0-0"},
    };
    struct evt_case c;
    CASE_OPEN(&c, "event", "event_format");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        case_tp2(&c, arena_printf(&c.arena, "{\"e\":\"%s\"}", cases[i].code).p);
        CHECK_STR(case_identity(&c, 0), cases[i].identity);
        CHECK_STR(case_slots(&c, 0),
                  arena_printf(&c.arena, "[\"%s\",\"jsonschema\"]", cases[i].event).p);
    }
    case_tp2(&c, arena_printf(&c.arena, "{\"e\":\"ue\",\"ue_pr\":%s}",
                              case_quote(&c, "{\"schema\":\"iglu:v/n/thrift/3-2-1\"}"))
                     .p);
    CHECK_STR(case_identity(&c, 0), "v/n/3-2-1");
    CHECK_STR(case_slots(&c, 0), "[\"unstruct\",\"thrift\"]");
    case_close(&c);
}

/* Between two good ones each of these is refused, by name, and only it. */
static void test_rejects(void)
{
    static const struct {
        const char *item, *why;
    } cases[] = {
        {"{}", "item 1: e: missing"},
        {"{\"e\":\"\"}", "item 1: e: missing"},
        {"{\"e\":\"xx\"}", "item 1: e: unknown event \"xx\""},
        {"{\"e\":\"PV\"}", "item 1: e: unknown event \"PV\""},
        {"7", "item 1: not an object"},
        {"[]", "item 1: not an object"},
        {"null", "item 1: not an object"},
        {"{\"e\":\"pv\",\"p\":\"toaster\"}", "item 1: p: unknown platform \"toaster\""},
        {"{\"e\":\"ue\"}", "item 1: ue_pr: missing"},
        {"{\"e\":\"ue\",\"ue_px\":\"%%%\"}", "item 1: ue_px: bad base64"},
        {"{\"e\":\"pv\",\"cx\":\"e30\"}", "item 1: cx: no schema"},
        {"{\"e\":\"pv\",\"cx\":\"e3\"}", "item 1: cx: bad JSON"},
        {"{\"e\":\"pv\",\"cx\":\"e\"}", "item 1: cx: bad base64"},
        {"{\"e\":\"pv\",\"co\":\"{\"}", "item 1: co: bad JSON"},
        {"{\"e\":\"pv\",\"co\":\"7\"}", "item 1: co: no schema"},
        {"{\"e\":\"pv\",\"co\":7}", "item 1: co: no schema"},
        {"{\"e\":\"pv\",\"co\":{\"schema\":1}}", "item 1: co: not self-describing data"},
        {"{\"e\":\"pv\",\"co\":\"[1]\"}", "item 1: co: entity 0: no schema"},
        {"{\"e\":\"pv\",\"co\":\"[{\\\"data\\\":{}}]\"}", "item 1: co: entity 0: no schema"},
        {"{\"e\":\"pv\",\"co\":\"[{\\\"schema\\\":\\\"iglu:a/b/c/1\\\"}]\"}",
         "item 1: co: entity 0: no schema"},
        {"{\"e\":\"pv\",\"co\":\"[{\\\"schema\\\":\\\"iglu:a/b/c/1-0-0\\\",\\\"data\\\":1e999}]\"}",
         "item 1: co: bad JSON"},
        {"{\"e\":\"pv\",\"co\":\"[{\\\"schema\\\":\\\"iglu:a/b/c/"
         "1-0-0\\\",\\\"data\\\":99999999999999999999}]\"}",
         "item 1: co: bad JSON"},
        {"{\"e\":\"pv\",\"co\":\"{\\\"schema\\\":\\\"iglu:a/b/c/1-0-0\\\",\\\"data\\\":[]}\"}",
         "item 1: co: want the schema contexts, not iglu:a/b/c/1-0-0"},
        {"{\"e\":\"pv\",\"co\":\"{\\\"schema\\\":\\\"iglu:" SP "/contexts/jsonschema/1-0-0\\\"}\"}",
         "item 1: co: data is no list"},
        {"{\"e\":\"ue\",\"ue_pr\":\"{\\\"schema\\\":\\\"iglu:" SP
         "/unstruct_event/jsonschema/1-0-0\\\"}\"}",
         "item 1: ue_pr: no schema"},
        {"{\"e\":\"ue\",\"ue_pr\":\"{\\\"schema\\\":\\\"iglu:" SP
         "/unstruct_event/jsonschema/1-0-0\\\",\\\"data\\\":{}}\"}",
         "item 1: ue_pr: no schema"},
        {"{\"e\":\"ue\",\"ue_pr\":\"[]\"}", "item 1: ue_pr: no schema"},
    };
    for (int wanted = 0; wanted <= 1; wanted++) { /* whatever anybody asks for */
        struct evt_case c;
        if (wanted)
            CASE_OPEN(&c, "app_id", "entity */*/*#0 x", "event */*/* x");
        else
            case_open(&c, (const char *const[]){NULL});
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            case_tp2(&c,
                     arena_printf(&c.arena,
                                  "{\"e\":\"pv\",\"aid\":\"a\"},%s,{\"e\":\"pp\",\"aid\":\"b\"}",
                                  cases[i].item)
                         .p);
            CHECK(c.ok && c.batch.n == 2 && c.batch.n_rejects == 1, "%s: %zu events", cases[i].item,
                  c.batch.n);
            CHECK(strncmp(case_reject(&c, 0), cases[i].why, strlen(cases[i].why)) == 0, "%s: %s",
                  cases[i].item, case_reject(&c, 0));
            CHECK_INT(c.batch.n_rejects ? c.batch.rejects[0].index : 0, 1);
            CHECK_STR(case_slots(&c, 0), wanted ? "[\"a\",null,null]" : "[]");
            CHECK_STR(case_slots(&c, 1), wanted ? "[\"b\",null,null]" : "[]");
        }
        case_tp2(
            &c,
            "{\"e\":\"1\"},{\"e\":\"2\"},{\"e\":\"3\"},{\"e\":\"pv\"},{\"e\":\"5\"},{\"e\":\"6\"}");
        CHECK_INT(c.batch.n, 1);
        CHECK_INT(c.batch.n_rejects, 5);
        CHECK_INT(c.batch.rejects[3].index, 4);
        CHECK_STR(case_reject(&c, 0), "item 0: e: unknown event \"1\"");
        CHECK_STR(case_reject(&c, 4), "item 5: e: unknown event \"6\"");
        case_close(&c);
    }
}

static void test_envelope(void)
{
    static const struct {
        const char *body, *err;
    } cases[] = {
        {"", "bad JSON"},
        {"{", "bad JSON"},
        {"[]", "schema: want iglu:" SP "/payload_data/jsonschema/1-0-*"},
        {"{\"data\":[]}", "schema: want"},
        {"{\"schema\":\"iglu:" SP "/payload_data/jsonschema/1-1-0\",\"data\":[]}", "schema: want"},
        {"{\"schema\":\"iglu:" SP "/contexts/jsonschema/1-0-0\",\"data\":[]}", "schema: want"},
        {"{\"schema\":\"iglu:" SP "/payload_data/jsonschema/1-0-0\"}",
         "data: want a list of events"},
        {"{\"schema\":\"iglu:" SP "/payload_data/jsonschema/1-0-0\",\"data\":{}}",
         "data: want a list of events"},
        {"{\"schema\":\"iglu:" SP
         "/payload_data/jsonschema/1-0-0\",\"data\":[{\"e\":\"pv\",\"x\":1e999}]}",
         "bad JSON"},
        {"{\"schema\":\"iglu:" SP
         "/payload_data/jsonschema/1-0-0\",\"data\":[{\"e\":\"pv\",\"x\":\"\xff\"}]}",
         "bad JSON"},
        {"{\"schema\":\"iglu:" SP "/payload_data/jsonschema/1-0-0\",\"data\":[{\"e\":\"pv\"}]}]",
         "bad JSON"},
    };
    struct evt_case c;
    CASE_OPEN(&c, "app_id");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CHECK(!case_bytes(&c, CASE_TP2, str_of(cases[i].body)), "%s", cases[i].body);
        CHECK(strncmp(c.err.text, cases[i].err, strlen(cases[i].err)) == 0, "%s", c.err.text);
        CHECK(c.batch.n == 0 && c.batch.n_rejects == 0);
    }
    for (int v = 0; v <= 9; v++) {
        CHECK(case_bytes(&c, CASE_TP2,
                         arena_printf(&c.arena,
                                      "{\"data\":[{\"e\":\"pv\"}],\"schema\":\"iglu:" SP
                                      "/payload_data/jsonschema/1-0-%d\"}",
                                      v)));
        CHECK_INT(c.batch.n, 1);
    }
    CHECK(case_tp2(&c, "") && c.batch.n == 0);
    case_close(&c);
}

static void test_limits(void)
{
    struct evt_case c;
    struct buf b = {0};
    CASE_OPEN(&c, "app_id");
    for (int i = 0; i < 10000; i++)
        buf_puts(&b, i ? ",{\"e\":\"pv\"}" : "{\"e\":\"pv\"}");
    buf_putc(&b, 0);
    CHECK(case_tp2(&c, b.p));
    CHECK_INT(c.batch.n, 10000);
    b.n--;
    buf_puts(&b, ",{}");
    buf_putc(&b, 0);
    CHECK(!case_tp2(&c, b.p));
    CHECK_STR(c.err.text, "data: 10001 events, more than 10000");
    for (int n = 256; n <= 257; n++) {
        b.n = 0;
        for (int i = 0; i < n; i++)
            buf_printf(&b, "%s{\"schema\":\"iglu:a/b/c/1-0-0\"}", i ? "," : "[");
        buf_puts(&b, "]");
        buf_putc(&b, 0);
        case_tp2(&c, arena_printf(&c.arena, "{\"e\":\"pv\",\"co\":%s}", case_quote(&c, b.p)).p);
        CHECK_STR(c.batch.n ? "taken" : case_reject(&c, 0),
                  n == 256 ? "taken" : "item 0: co: more than 256 entities");
    }
    b.n = 0;
    for (int i = 0; i < 33; i++)
        buf_putc(&b, '[');
    for (int i = 0; i < 33; i++)
        buf_putc(&b, ']');
    buf_putc(&b, 0);
    case_tp2(&c, arena_printf(&c.arena, "{\"e\":\"pv\",\"co\":\"%s\"}", b.p).p);
    CHECK_STR(case_reject(&c, 0), "item 0: co: bad JSON: nested more than 32 deep");
    CHECK(!case_tp2(&c, b.p));
    CHECK_STR(c.err.text, "bad JSON: nested more than 32 deep");
    buf_fini(&b);
    case_close(&c);
}

static void test_tolerated(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "user_id", "domain_sessionidx", "br_cookies", "se_value", "app_id", "page_title");
    case_tp2(&c, "{\"e\":\"se\",\"uid\":42,\"vid\":3,\"cookie\":true,\"se_va\":0.1,\"aid\":null,"
                 "\"page\":[1],\"nobody\":\"x\"}");
    CHECK_STR(case_slots(&c, 0), "[\"42\",3,true,0.1,null,null]");
    case_tp2(&c,
             "{\"e\":\"se\",\"uid\":0.1,\"aid\":\"first\",\"aid\":\"last\",\"page\":\"a\\tb\"}");
    CHECK_STR(case_slots(&c, 0), "[\"0.1\",null,null,null,\"last\",\"a    b\"]");
    case_close(&c);
}

static void test_ids(void)
{
    struct evt_case c;
    char first[64];
    CASE_OPEN(&c, "event_id");
    memcpy(c.meta.draw, "0123456789abcdef", 16);
    case_tp2(&c, "{\"e\":\"pv\"},{\"e\":\"pv\"},{\"e\":\"pv\",\"eid\":\"ABC-d\"}");
    struct str drawn = val_as_str(c.batch.evts[0].slots[0]);
    CHECK_INT(drawn.n, 36);
    CHECK(drawn.p[8] == '-' && drawn.p[13] == '-' && drawn.p[14] == '8' &&
          strchr("89ab", drawn.p[19]));
    CHECK(!val_eq(c.batch.evts[0].slots[0], c.batch.evts[1].slots[0]));
    CHECK(c.batch.evts[0].id == str_hash(drawn));
    CHECK(c.batch.evts[2].id == str_hash(STR("abc-d")));
    CHECK_STR(case_slots(&c, 2), "[\"ABC-d\"]");
    snprintf(first, sizeof(first), "%s", case_slots(&c, 0));
    case_tp2(&c, "{\"e\":\"pp\",\"aid\":\"else\"}");
    CHECK_STR(case_slots(&c, 0), first); /* same draw, same place */
    c.meta.draw[0]++;
    case_tp2(&c, "{\"e\":\"pv\"}");
    CHECK(strcmp(case_slots(&c, 0), first) != 0);
    case_close(&c);
}

static void test_query(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "page_url", "domain_sessionidx", "entity " SHOP "/product/1#0 price", "app_id");
    const char *cx = case_base64(&c, CONTEXTS(PRODUCT("{\"price\":12.5}")));
    CHECK(case_bytes(&c, CASE_QUERY,
                     arena_printf(&c.arena,
                                  "e=pv&url=https%%3A%%2F%%2Fa.example%%2Fx&vid=2&aid=a+b&cx=%s&&x",
                                  cx)));
    CHECK_STR(case_slots(&c, 0), "[\"https://a.example/x\",2,12.5,\"a b\"]");
    CHECK(case_bytes(&c, CASE_QUERY, STR("")));
    CHECK_STR(case_reject(&c, 0), "item 0: e: missing");
    CHECK(case_bytes(&c, CASE_QUERY, STR("e=pv&aid=%ff&vid=9%")));
    CHECK_STR(case_slots(&c, 0), "[null,null,null,null]");
    case_close(&c);
}

/* What one call left in the batch stays when the next appends, and when the next fails. */
static void test_append(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "app_id");
    char body[256] = "e=pv&aid=x",
         junk[256] = "{\"schema\":", list[256] = "[{\"event\":\"pv\",\"app_id\":\"y\"},{}]";
    c.ok = evt_decode_query(c.decoder, c.proj, &c.meta, str_of(body), &c.batch, &c.err);
    CHECK(!evt_decode_tp2(c.decoder, c.proj, &c.meta, str_of(junk), &c.batch, &c.err));
    CHECK(evt_decode_json(c.decoder, c.proj, &c.meta, str_of(list), &c.batch, NULL));
    CHECK_INT(c.batch.n, 2);
    CHECK_STR(case_slots(&c, 0), "[\"x\"]");
    CHECK_STR(case_slots(&c, 1), "[\"y\"]");
    CHECK_INT(c.batch.n_rejects, 1);
    case_close(&c);
}

int main(void)
{
    test_shop();
    test_entities();
    test_types();
    test_identities();
    test_rejects();
    test_envelope();
    test_limits();
    test_tolerated();
    test_ids();
    test_query();
    test_append();
    return check_done();
}
