/* test_api_pieces.c -- the small pure parts of api/: what is echoed from a request, addresses, cookies, further paths, ids of
 * messages.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "../../src/api/alias.c"
#include "../../src/api/answer.c"
#include "../../src/api/client.c"
#include "../../src/api/cookie.c"
#include "../../src/api/draw.c"
#include "../../src/api/optout.c"
#include "../../src/api/sse_id.c"

#define CHECK_TEXT(got, want)                                                                      \
    do {                                                                                           \
        struct str text_ = (got);                                                                  \
        CHECK(str_eqz(text_, want), "got \"%.*s\", want \"%s\"", STR_FMT(text_), want);            \
    } while (0)

static void test_origin(void)
{
    CHECK_TEXT(answer_origin(STR("https://shop.example.com")), "https://shop.example.com");
    CHECK_TEXT(answer_origin(STR("http://a.example http://b.example")), "http://a.example");
    CHECK_TEXT(answer_origin(STR("http://a.example, http://b.example")), "http://a.example");
    CHECK_TEXT(answer_origin(STR("null")), "null");
    CHECK_TEXT(answer_origin(STR("")), "");
    CHECK_TEXT(answer_origin((struct str){0}), "");
    CHECK_TEXT(answer_origin(STR("http://a\x01.example")), ""); /* what may not stand in a header */
    CHECK_TEXT(answer_origin(STR("http://\xc3\xa4.example")), "");
    char huge[2000];
    memset(huge, 'a', sizeof(huge));
    CHECK_TEXT(answer_origin((struct str){huge, sizeof(huge)}), "");
}

static void test_request_id(void)
{
    CHECK(safe_id(STR("b0f3-4.5_6:7/8+9=")));
    CHECK(!safe_id(STR("")));
    CHECK(!safe_id(STR("a b")));
    CHECK(!safe_id(STR("a\tb")));
    CHECK(!safe_id(STR("<script>")));
    char huge[200];
    memset(huge, 'a', sizeof(huge));
    CHECK(safe_id((struct str){huge, 128}));
    CHECK(!safe_id((struct str){huge, 129}));
}

static void test_media_type(void)
{
    CHECK_TEXT(answer_media_type(STR("application/json; charset=UTF-8")), "application/json");
    CHECK_TEXT(answer_media_type(STR("application/json ;x")), "application/json");
    CHECK_TEXT(answer_media_type(STR("text/plain")), "text/plain");
    CHECK_TEXT(answer_media_type((struct str){0}), "");
    CHECK(answer_is_msgpack(STR("Application/MsgPack")));
    CHECK(answer_is_msgpack(STR("application/vnd.msgpack")));
    CHECK(!answer_is_msgpack(STR("application/json")));
    CHECK(!answer_is_msgpack(STR("")));
}

static void test_cookie(void)
{
    CHECK(cookie_safe(STR("8e554b10-4fcf-49e9-a0d8-48b6b6458df3")));
    CHECK(!cookie_safe(STR("")));
    CHECK(!cookie_safe(STR("a;b")));
    CHECK(!cookie_safe(STR("a b")));
    CHECK(!cookie_safe(STR("a\r\nSet-Cookie: x=y")));

    static const struct str domains[] = {
        {"shop.example.com", 16}, {"example.com", 11}, {"other.example", 13}};
    struct api_cookie c = {.domains = domains, .n_domains = 3};
    static const struct {
        const char *origin, *want;
    } cases[] = {
        {"https://www.shop.example.com", "shop.example.com"}, /* the first that holds it */
        {"https://shop.example.com:8443", "shop.example.com"},
        {"https://example.com", "example.com"},
        {"https://WWW.Example.com/", "example.com"},
        {"https://notexample.com", ""}, /* a parent ends at a dot */
        {"https://com", ""},
        {"null", ""},
        {"", ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_TEXT(cookie_domain(&c, str_of(cases[i].origin)), cases[i].want);
    c.fallback = "fallback.example";
    CHECK_TEXT(cookie_domain(&c, STR("https://unknown.example")), "fallback.example");
    CHECK_TEXT(cookie_domain(&c, STR("https://other.example")), "other.example");
}

static void test_client_address(void)
{
    static const struct {
        const char *header, *want;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"192.0.2.1, 198.51.100.2", "192.0.2.1"},
        {" 192.0.2.1 ,198.51.100.2", "192.0.2.1"},
        {"192.0.2.1:4711", "192.0.2.1"},
        {"2001:db8::1", "2001:db8::1"},
        {"2001:db8::1, 192.0.2.1", "2001:db8::1"},
        {"[2001:db8::1]", "2001:db8::1"},
        {"[2001:db8::1]:4711, 192.0.2.1", "2001:db8::1"},
        {"\"[2001:db8::1]:4711\"", "2001:db8::1"},
        {"\"192.0.2.1\"", "192.0.2.1"},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
        {"", ""},
        {"unknown", ""},
        {"_hidden, 192.0.2.1", ""},
        {",192.0.2.1", ""},
        {"192.0.2", ""},
        {"192.0.2.256", ""},
        {"192.0.2.1.example", ""},
        {"[]", ""},
        {"[", ""},
        {"\"", ""},
        {":80", ""},
        {"fe80::1%eth0", ""},
        {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_TEXT(client_address(str_of(cases[i].header)), cases[i].want);
    CHECK_TEXT(client_address((struct str){0}), "");
    CHECK_TEXT(client_address((struct str){"192.0.2.1\0", 10}), "");
}

static void test_aliases(void)
{
    static const struct {
        const char *path, *why; /* NULL: taken */
    } cases[] = {
        {"/x/y", NULL},
        {"/collect", NULL},
        {"/a/b/c-d_e.f~1", NULL},
        {"/healthy", NULL},
        {"/a/api", NULL},
        {"x/y", "\"x/y\" is no path like /events or /a/b"},
        {"", "\"\" is no path like /events or /a/b"},
        {"/", "\"/\" is no path like /events or /a/b"},
        {"//", "\"//\" is no path like /events or /a/b"},
        {"/x/", "\"/x/\" is no path like /events or /a/b"},
        {"/x//y", "\"/x//y\" is no path like /events or /a/b"},
        {"/{x}", "\"/{x}\" is no path like /events or /a/b"},
        {"/x?y", "\"/x?y\" is no path like /events or /a/b"},
        {"/x#y", "\"/x#y\" is no path like /events or /a/b"},
        {"/x y", "\"/x y\" is no path like /events or /a/b"},
        {"/x%20y", "\"/x%20y\" is no path like /events or /a/b"},
        {"/h\xc3\xa4", "\"/h\xc3\xa4\" is no path like /events or /a/b"},
        {"/i", "/i is this server's own"},
        {"/ice.png", "/ice.png is this server's own"},
        {"/robots.txt", "/robots.txt is this server's own"},
        {"/health", "/health is this server's own"},
        {"/metrics/x", "/metrics/x is this server's own"},
        {"/sink-health", "/sink-health is this server's own"},
        {"/predict", "/predict is this server's own"},
        {"/api", "/api is this server's own"},
        {"/api/v1/events", "/api/v1/events is this server's own"},
        {"/api/v1/scores/x", "/api/v1/scores/x is this server's own"},
        {"/i/x", "/i/x is this server's own"},
        {"/shop/cart.js", "/shop/cart.js is this server's own"},
        {"/r/tp2", "/r/tp2 is this server's own"},
        {"/taken/already", "/taken/already stands there twice"},
    };
    struct arena arena;
    char longest[300];
    arena_init(&arena);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct str paths[] = {STR("/taken/already"), str_of(cases[i].path)};
        struct err err = {0};
        size_t n = 0;
        struct http_route *all = alias_routes(paths, 2, &arena, &n, &err);
        CHECK(!all == (cases[i].why != NULL), "%s: %s", cases[i].path, err.text);
        if (cases[i].why)
            CHECK_STR(err.text, arena_printf(&arena, "collector.paths: %s", cases[i].why).p);
        if (!all)
            continue;
        CHECK_INT(n, n_api_routes + 4);
        CHECK(!memcmp(all, api_routes, n_api_routes * sizeof(*all)));
        CHECK_STR(all[n - 2].path, cases[i].path);
        CHECK(!strcmp(all[n - 2].method, "POST") && all[n - 2].handler == collect_post);
        CHECK_STR(all[n - 1].path, cases[i].path);
        CHECK(!strcmp(all[n - 1].method, "GET") && all[n - 1].handler == collect_get);
    }
    memset(longest, 'a', sizeof(longest));
    longest[0] = '/';
    for (size_t n = 256; n <= 257; n++) {
        struct str path = {longest, n};
        struct err err = {0};
        size_t n_routes;
        CHECK(!alias_routes(&path, 1, &arena, &n_routes, &err) == (n > 256), "%zu", n);
    }
    /* no path of ours can be an alias, or lie where one might come */
    for (size_t i = 0; i < n_api_routes; i++) {
        struct str path = str_of(api_routes[i].path);
        struct err err = {0};
        size_t n_routes;
        CHECK(!alias_routes(&path, 1, &arena, &n_routes, &err), "%s", api_routes[i].path);
    }
    arena_fini(&arena);
}

static void test_optout_cookies(void)
{
    static const char *const bad[] = {"",    "=",     "=1",      "a b", "a=b c",
                                      "a;b", "a=b;c", "a=\"b\"", "a,b", "\xc3\xa4"};
    const struct str good[] = {STR("dnt"), STR("consent=no"), STR("x=")};
    struct arena arena;
    struct err err = {0};
    arena_init(&arena);
    struct optout *all = optout_new(good, 3, &arena, &err);
    CHECK(all != NULL, "%s", err.text);
    CHECK(!strcmp(all[0].name, "dnt") && !all[0].value.p);
    CHECK(!strcmp(all[1].name, "consent") && str_eqz(all[1].value, "no"));
    CHECK(!strcmp(all[2].name, "x") && all[2].value.p && !all[2].value.n);
    CHECK(optout_new(NULL, 0, &arena, &err) != NULL);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct str one = str_of(bad[i]);
        err = (struct err){0};
        CHECK(!optout_new(&one, 1, &arena, &err), "%s", bad[i]);
        CHECK_STR(err.text, arena_printf(&arena,
                                         "collector.dnt_cookies: \"%s\" is no NAME or NAME=VALUE "
                                         "of a cookie",
                                         bad[i])
                                .p);
    }
    arena_fini(&arena);
}

static void test_sse_id(void)
{
    struct sse_id id;
    struct buf b = {0};
    sse_id_write(&b, &(struct sse_id){1700000000000, UINT64_MAX, UINT32_MAX});
    CHECK_TEXT(buf_str(&b), "1700000000000-18446744073709551615.4294967295");
    CHECK(sse_id_parse(buf_str(&b), &id) && id.epoch == 1700000000000 && id.seq == UINT64_MAX &&
          id.index == UINT32_MAX);
    buf_fini(&b);
    static const char *const bad[] = {"",
                                      "5",
                                      "1-2",
                                      "1-2.",
                                      "1-.3",
                                      "-2.3",
                                      "1-2.3 ",
                                      " 1-2.3",
                                      "1-2.4294967296",
                                      "1-2.-3",
                                      "1.2-3",
                                      "1-2.3.4",
                                      "x-2.3",
                                      "1-18446744073709551616.0"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        CHECK(!sse_id_parse(str_of(bad[i]), &id), "%s", bad[i]);
}

static void test_uuid(void)
{
    struct api_front front = {.left = 0};
    struct api a = {.fronts = &front};
    char last[37] = "", id[37];
    for (int i = 0; i < 1000; i++) { /* more than one pool */
        draw_uuid(&a, 0, id);
        CHECK_INT(strlen(id), 36);
        CHECK(id[14] == '4' && strchr("89ab", id[19]) && id[8] == '-' && id[13] == '-' &&
              id[18] == '-' && id[23] == '-');
        CHECK(strcmp(id, last) != 0);
        memcpy(last, id, sizeof(last));
    }
}

int main(void)
{
    test_origin();
    test_request_id();
    test_media_type();
    test_client_address();
    test_cookie();
    test_aliases();
    test_optout_cookies();
    test_sse_id();
    test_uuid();
    return check_done();
}
