/* test_api_pieces.c -- the small pure parts of api/: what is echoed from a request, cookies, ids of messages.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "../../src/api/answer.c"
#include "../../src/api/cookie.c"
#include "../../src/api/draw.c"
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
    test_cookie();
    test_sse_id();
    test_uuid();
    return check_done();
}
