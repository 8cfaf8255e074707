/* evt_decode.c -- nanoseconds an event for each decoder: ten events of some 2 KB with three
 * entities each, twelve slots.
 *
 * evt_decode [seconds [row]]: each row, or the one with that number, runs that long in five rounds;
 * the fastest counts, since noise only ever adds.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/evt.h"

#include <stdlib.h>
#include <time.h>

enum { EVENTS = 10, ROUNDS = 5 };

static const char web_page[] = "{\"schema\":\"iglu:com.snowplowanalytics.snowplow/web_page/"
                               "jsonschema/1-0-0\",\"data\":{\"id\":"
                               "\"a86c42e5-b831-45c8-b706-e214c26b4b3d\"}}";
static const char product[] = "{\"schema\":\"iglu:com.snowplowanalytics.snowplow.ecommerce/product/"
                              "jsonschema/1-0-0\",\"data\":{"
                              "\"id\":\"P125\",\"name\":\"Baseball "
                              "T-shirt\",\"brand\":\"Snowplow\",\"category\":\"Mens/Apparel\","
                              "\"price\":200,\"list_price\":250.5,\"inventory_status\":\"in "
                              "stock\",\"size\":\"XL\",\"quantity\":1,"
                              "\"variant\":\"Red\",\"currency\":\"USD\"}}";
static const char session[] =
    "{\"schema\":\"iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2\",\"data\":{"
    "\"userId\":\"fd0e5288-e89b-45df-aad5-6d0c6eda6198\",\"sessionId\":\"1ab28b79-bfdd-4855-9bf1-"
    "5199ce15beac\",\"eventIndex\":24,\"sessionIndex\":1,\"previousSessionId\":null,"
    "\"storageMechanism\":"
    "\"COOKIE_1\",\"firstEventId\":\"40fbdb30-1b99-42a3-99f7-850dacf5be43\","
    "\"firstEventTimestamp\":"
    "\"2026-09-20T09:08:04.451Z\"}}";
static const char action[] =
    "{\"schema\":\"iglu:com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action/"
    "jsonschema/"
    "1-0-2\",\"data\":{\"type\":\"add_to_cart\",\"total_value\":200,\"currency\":\"USD\"}}";

static void put_base64(struct buf *b, const char *text, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t i = 0; i < n; i += 3) {
        size_t left = MIN_OF(n - i, (size_t)3);
        uint32_t bits = (uint32_t)(uint8_t)text[i] << 16 |
                        (left > 1 ? (uint32_t)(uint8_t)text[i + 1] << 8 : 0) |
                        (left > 2 ? (uint8_t)text[i + 2] : 0);
        for (size_t k = 0; k <= left; k++)
            buf_putc(b, digits[bits >> (18 - 6 * k) & 63]);
    }
}

static void put_quoted(struct buf *b, const char *text, size_t n)
{
    struct val v = val_str((struct str){text, n});
    val_write_json(b, &v);
}

static void put_event(struct buf *b, int i, bool base64)
{
    struct buf co = {0}, ue = {0};
    buf_printf(&co,
               "{\"schema\":\"iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/"
               "1-0-0\",\"data\":[%s,%s,%s]}",
               web_page, product, session);
    buf_printf(&ue,
               "{\"schema\":\"iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/"
               "1-0-0\",\"data\":%s}",
               action);
    buf_printf(
        b,
        "{\"e\":\"ue\",\"eid\":\"4ae8b8b6-f60c-4a5b-9d2c-6a4b2b0a7e%02d\",\"tv\":\"js-3.24.0\","
        "\"tna\":\"sp1\",\"aid\":"
        "\"web-shop\",\"p\":\"web\",\"cookie\":\"1\",\"cs\":\"UTF-8\",\"lang\":\"en-US\",\"res\":"
        "\"1920x1080\",\"cd\":\"24\","
        "\"tz\":\"Europe/"
        "Berlin\",\"dtm\":\"1789999990%03d\",\"stm\":\"1789999995000\",\"vp\":\"1200x800\",\"ds\":"
        "\"1185x3241\",\"vid\":\"4\",\"sid\":\"45f81e0e-fd5c-4d2b-a5b7-fd3e3e1d0b7a\",\"duid\":"
        "\"2bcb5ab3-7c2f-4a6a-93a2-6a7a41b0f5%02d\",\"uid\":\"ann@example.com\",\"fp\":"
        "\"2161814971\",\"url\":"
        "\"https://shop.example.com/products/mens/"
        "baseball-t?utm_source=newsletter&utm_medium=email&utm_campaign=spring\","
        "\"page\":\"Baseball T-shirt | The "
        "shop\",\"refr\":\"https://www.google.com/search?q=baseball+shirt\",\"ua\":"
        "\"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 "
        "Safari/537.36\",\"%s\":",
        i, i, i, base64 ? "ue_px" : "ue_pr");
    if (base64) {
        buf_putc(b, '"');
        put_base64(b, ue.p, ue.n);
        buf_puts(b, "\",\"cx\":\"");
        put_base64(b, co.p, co.n);
        buf_puts(b, "\"}");
    } else {
        put_quoted(b, ue.p, ue.n);
        buf_puts(b, ",\"co\":");
        put_quoted(b, co.p, co.n);
        buf_putc(b, '}');
    }
    buf_fini(&co);
    buf_fini(&ue);
}

static struct buf tp2_body(bool base64)
{
    struct buf b = {0};
    buf_puts(&b, "{\"schema\":\"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/"
                 "1-0-4\",\"data\":[");
    for (int i = 0; i < EVENTS; i++) {
        if (i)
            buf_putc(&b, ',');
        put_event(&b, i, base64);
    }
    buf_puts(&b, "]}");
    buf_reserve(&b, EVT_PADDING);
    return b;
}

/* The same events as maps of columns: a list, or a line each. */
static struct buf map_body(bool lines)
{
    struct buf b = {0};
    if (!lines)
        buf_putc(&b, '[');
    for (int i = 0; i < EVENTS; i++)
        buf_printf(&b,
                   "%s{\"event\":\"unstruct\",\"event_id\":\"4ae8b8b6-f60c-4a5b-9d2c-6a4b2b0a7e%"
                   "02d\",\"v_tracker\":\"js-3.24.0\","
                   "\"name_tracker\":\"sp1\",\"app_id\":\"web-shop\",\"platform\":\"web\",\"br_"
                   "cookies\":true,\"doc_charset\":\"UTF-8\","
                   "\"br_lang\":\"en-US\",\"dvce_screenwidth\":1920,\"dvce_screenheight\":1080,"
                   "\"br_colordepth\":\"24\",\"os_timezone\":"
                   "\"Europe/"
                   "Berlin\",\"dvce_created_tstamp\":1789999990%03d,\"dvce_sent_tstamp\":"
                   "1789999995000,\"br_viewwidth\":1200,"
                   "\"br_viewheight\":800,\"doc_width\":1185,\"doc_height\":3241,\"domain_"
                   "sessionidx\":4,\"domain_sessionid\":"
                   "\"45f81e0e-fd5c-4d2b-a5b7-fd3e3e1d0b7a\",\"domain_userid\":\"2bcb5ab3-7c2f-"
                   "4a6a-93a2-6a7a41b0f5%02d\",\"user_id\":"
                   "\"ann@example.com\",\"user_fingerprint\":\"2161814971\",\"page_url\":"
                   "\"https://shop.example.com/products/mens/"
                   "baseball-t?utm_source=newsletter&utm_medium=email&utm_campaign=spring\","
                   "\"page_title\":\"Baseball T-shirt | The "
                   "shop\",\"page_referrer\":\"https://www.google.com/search?q=baseball+shirt\","
                   "\"useragent\":\"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, "
                   "like Gecko) Chrome/140.0 "
                   "Safari/537.36\",\"unstruct_event\":%s,\"contexts\":[%s,%s,%s]}",
                   !i      ? ""
                   : lines ? "\n"
                           : ",",
                   i, i, i, action, web_page, product, session);
    if (!lines)
        buf_putc(&b, ']');
    buf_reserve(&b, EVT_PADDING);
    return b;
}

/* And as Snowplow's enrichment writes them out, with what it has worked out. */
static const struct cell {
    const char *column, *text; /* %02d: the event's number */
} cells[] = {
    {"app_id", "web-shop"},
    {"platform", "web"},
    {"etl_tstamp", "2026-09-21 14:13:16.120"},
    {"collector_tstamp", "2026-09-21 14:13:15.420"},
    {"dvce_created_tstamp", "2026-09-21 14:13:10.0%02d"},
    {"event", "unstruct"},
    {"event_id", "4ae8b8b6-f60c-4a5b-9d2c-6a4b2b0a7e%02d"},
    {"name_tracker", "sp1"},
    {"v_tracker", "js-3.24.0"},
    {"v_collector", "ssc-3.4.0-kafka"},
    {"v_etl", "snowplow-enrich-kafka-6.10.0"},
    {"user_id", "ann@example.com"},
    {"user_ipaddress", "203.0.113.7"},
    {"user_fingerprint", "2161814971"},
    {"domain_userid", "2bcb5ab3-7c2f-4a6a-93a2-6a7a41b0f5%02d"},
    {"domain_sessionidx", "4"},
    {"network_userid", "ecdff4d0-9175-40ac-a8bb-325c49733607"},
    {"geo_country", "DE"},
    {"geo_region", "BE"},
    {"geo_city", "Berlin"},
    {"geo_zipcode", "10115"},
    {"geo_latitude", "52.5244"},
    {"geo_longitude", "13.4105"},
    {"geo_region_name", "Land Berlin"},
    {"page_url",
     "https://shop.example.com/products/mens/baseball-t?utm_source=newsletter&utm_medium="
     "email&utm_campaign=spring"},
    {"page_title", "Baseball T-shirt | The shop"},
    {"page_referrer", "https://www.google.com/search?q=baseball+shirt"},
    {"page_urlscheme", "https"},
    {"page_urlhost", "shop.example.com"},
    {"page_urlport", "443"},
    {"page_urlpath", "/products/mens/baseball-t"},
    {"page_urlquery", "utm_source=newsletter&utm_medium=email&utm_campaign=spring"},
    {"refr_urlscheme", "https"},
    {"refr_urlhost", "www.google.com"},
    {"refr_urlport", "443"},
    {"refr_urlpath", "/search"},
    {"refr_urlquery", "q=baseball+shirt"},
    {"refr_medium", "search"},
    {"refr_source", "Google"},
    {"refr_term", "baseball shirt"},
    {"mkt_medium", "email"},
    {"mkt_source", "newsletter"},
    {"mkt_campaign", "spring"},
    {"useragent",
     "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 "
     "Safari/537.36"},
    {"br_lang", "en-US"},
    {"br_cookies", "1"},
    {"br_colordepth", "24"},
    {"br_viewwidth", "1200"},
    {"br_viewheight", "800"},
    {"os_timezone", "Europe/Berlin"},
    {"dvce_screenwidth", "1920"},
    {"dvce_screenheight", "1080"},
    {"doc_charset", "UTF-8"},
    {"doc_width", "1185"},
    {"doc_height", "3241"},
    {"geo_timezone", "Europe/Berlin"},
    {"dvce_sent_tstamp", "2026-09-21 14:13:15.000"},
    {"domain_sessionid", "45f81e0e-fd5c-4d2b-a5b7-fd3e3e1d0b7a"},
    {"derived_tstamp", "2026-09-21 14:13:10.4%02d"},
    {"event_vendor", "com.snowplowanalytics.snowplow.ecommerce"},
    {"event_name", "snowplow_ecommerce_action"},
    {"event_format", "jsonschema"},
    {"event_version", "1-0-2"},
    {"event_fingerprint", "8a3ba5eb5c7d44a1a4ac0e9e3c0d1c4b"},
};

static void put_cell(struct buf *b, int column, int i)
{
    const char *name = evt_columns[column].name;
    if (!strcmp(name, "unstruct_event"))
        buf_printf(b,
                   "{\"schema\":\"iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/"
                   "1-0-0\",\"data\":%s}",
                   action);
    else if (!strcmp(name, "contexts"))
        buf_printf(b,
                   "{\"schema\":\"iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/"
                   "1-0-1\",\"data\":[%s,%s,%s]}",
                   web_page, product, session);
    for (const struct cell *c = cells; c < cells + COUNT_OF(cells); c++) {
        const char *number = strstr(c->text, "%02d");
        if (strcmp(name, c->column))
            continue;
        buf_put(b, c->text, number ? (size_t)(number - c->text) : strlen(c->text));
        if (number)
            buf_printf(b, "%02d", i);
    }
}

static struct buf tsv_body(bool reversed)
{
    struct buf b = {0};
    for (int i = 0; i < EVENTS; i++)
        for (int column = 0; column < EVT_COLUMNS; column++) {
            put_cell(&b, column, reversed ? EVENTS - 1 - i : i);
            buf_putc(&b, column + 1 < EVT_COLUMNS ? '\t' : '\n');
        }
    buf_reserve(&b, EVT_PADDING);
    return b;
}

/* JSON text as msgpack, through the smallest reader that this text needs. */
static struct val read_value(const char **p, struct arena *a);

static struct val read_items(const char **p, struct arena *a, bool dict)
{
    struct val items[64 * 2], v;
    uint32_t n = 0;
    for (++*p; **p != (dict ? '}' : ']'); n++) {
        items[n] = read_value(p, a);
        *p += **p == ',' || **p == ':';
    }
    ++*p;
    v = (struct val){.type = dict ? VAL_DICT : VAL_LIST,
                     .n = dict ? n / 2 : n,
                     .items = arena_alloc(a, n * sizeof(v))};
    if (n)
        memcpy(v.items, items, n * sizeof(v));
    return v;
}

static struct val read_value(const char **p, struct arena *a)
{
    if (**p == '{' || **p == '[')
        return read_items(p, a, **p == '{');
    if (**p == '"') {
        const char *start = ++*p;
        *p = strchr(*p, '"');
        return val_str((struct str){start, (size_t)((*p)++ - start)});
    }
    struct str word = {*p, strcspn(*p, ",]}")};
    int64_t i;
    double d = 0;
    *p += word.n;
    if (str_eqz(word, "null") || str_eqz(word, "true"))
        return str_eqz(word, "null") ? val_null : val_bool(true);
    if (str_i64(word, &i))
        return val_int(i);
    str_double(word, &d);
    return val_dbl(d);
}

static struct buf pack(const struct buf *json)
{
    struct arena a;
    struct buf text = {0}, out = {0};
    arena_init(&a);
    buf_put(&text, json->p, json->n);
    buf_putc(&text, 0);
    const char *p = text.p;
    struct val tree = read_value(&p, &a);
    val_write_msgpack(&out, &tree);
    buf_reserve(&out, EVT_PADDING);
    arena_fini(&a);
    buf_fini(&text);
    return out;
}

static struct evt_proj *projection(bool wide)
{
    static const char *const columns[] = {"domain_userid",    "user_id",   "app_id",
                                          "domain_sessionid", "platform",  "page_urlpath",
                                          "refr_medium",      "mkt_medium"};
    static const struct {
        enum evt_prop_kind kind;
        const char *vendor, *name, *path;
    } paths[] = {
        {EVT_PROP_EVENT, "com.snowplowanalytics.snowplow.ecommerce", "snowplow_ecommerce_action",
         "type"},
        {EVT_PROP_ENTITY, "com.snowplowanalytics.snowplow.ecommerce", "product", "price"},
        {EVT_PROP_ENTITY, "com.snowplowanalytics.snowplow.ecommerce", "product", "id"},
        {EVT_PROP_ENTITY, "com.snowplowanalytics.snowplow", "client_session", "sessionIndex"},
    };
    struct evt_prop props[COUNT_OF(columns) + COUNT_OF(paths)] = {{0}};
    struct arena a;
    size_t n = 0;
    arena_init(&a);
    for (size_t i = 0; i < (wide ? COUNT_OF(columns) : 5); i++)
        props[n++] = (struct evt_prop){.kind = EVT_PROP_ATOMIC,
                                       .column = evt_column_find(str_of(columns[i]))};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        props[n] = (struct evt_prop){.kind = paths[i].kind,
                                     .vendor = str_of(paths[i].vendor),
                                     .name = str_of(paths[i].name),
                                     .major = 1};
        evt_path_parse(str_of(paths[i].path), &a, &props[n++].path, NULL);
    }
    struct evt_proj *proj = evt_proj_new(props, n);
    arena_fini(&a);
    return proj;
}

struct row {
    const char *title;
    bool (*decode)(struct evt_decoder *, const struct evt_proj *, const struct evt_meta *,
                   struct str, struct evt_batch *, struct err *);
    struct buf body;
    const struct evt_proj *proj;
    double best;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run(struct evt_decoder *d, struct row *row, double seconds)
{
    struct evt_meta meta = {.collector_ms = INT64_C(1790000000000)};
    struct evt_batch batch;
    struct err err = {0};
    double start = now_s(), took = 0;
    long n = 0;
    evt_batch_init(&batch);
    while (took < seconds) {
        for (int i = 0; i < 100; i++, n += EVENTS) {
            arena_reset(&batch.arena);
            batch.n = batch.n_rejects = 0;
            if (!row->decode(d, row->proj, &meta, buf_str(&row->body), &batch, &err) ||
                batch.n != EVENTS) {
                fprintf(stderr, "%s: %s\n", row->title,
                        batch.n_rejects ? arena_str(&batch.arena, batch.rejects[0].why).p
                                        : err.text);
                exit(1);
            }
        }
        took = now_s() - start;
    }
    double ns = took * 1e9 / (double)n;
    row->best = row->best == 0 ? ns : MIN_OF(row->best, ns);
    evt_batch_fini(&batch);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 0.3;
    size_t only = argc > 2 ? (size_t)atoi(argv[2]) : 0;
    struct evt_referers *refs = evt_referers_builtin();
    struct evt_decoder *d = evt_decoder_new(refs, NULL, 0);
    struct evt_proj *wide = projection(true), *plain = projection(false),
                    *none = evt_proj_new(NULL, 0);
    struct buf map = map_body(false);
    struct row rows[] = {
        {"tracker POST, base64, 12 slots (3 worked out)", evt_decode_tp2, tp2_body(true), wide, 0},
        {"tracker POST, base64, 9 slots, none worked out", evt_decode_tp2, tp2_body(true), plain,
         0},
        {"tracker POST, base64, no slots", evt_decode_tp2, tp2_body(true), none, 0},
        {"tracker POST, plain JSON parts, 12 slots", evt_decode_tp2, tp2_body(false), wide, 0},
        {"JSON maps, 12 slots", evt_decode_json, map_body(false), wide, 0},
        {"msgpack maps, 12 slots", evt_decode_msgpack, pack(&map), wide, 0},
        {"msgpack maps, 9 slots, none worked out", evt_decode_msgpack, pack(&map), plain, 0},
        {"msgpack maps, no slots", evt_decode_msgpack, pack(&map), none, 0},
        {"NDJSON, 12 slots", evt_decode_ndjson, map_body(true), wide, 0},
        {"enriched TSV, 12 slots", evt_decode_tsv, tsv_body(false), wide, 0},
        {"enriched TSV, last first, 12 slots", evt_decode_tsv, tsv_body(true), wide, 0},
        {"enriched TSV, no slots", evt_decode_tsv, tsv_body(false), none, 0},
    };
    if (only > COUNT_OF(rows))
        return 2;
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = only ? only - 1 : 0; i < (only ? only : COUNT_OF(rows)); i++)
            run(d, &rows[i], seconds / ROUNDS);
    printf("| decoder | bytes/event | ns/event |\n|---|---|---|\n");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        printf("| %s | %zu | %.0f |\n", rows[i].title, rows[i].body.n / EVENTS, rows[i].best);
        buf_fini(&rows[i].body);
    }
    buf_fini(&map);
    evt_proj_free(wide);
    evt_proj_free(plain);
    evt_proj_free(none);
    evt_decoder_free(d);
    evt_referers_free(refs);
    return 0;
}
