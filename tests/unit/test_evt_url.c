/* test_evt_url.c -- parts of URLs and parameters of query strings.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "evt/url.h"

static const char *parts(const char *text)
{
    static char out[512];
    struct url u;
    if (!url_parse(str_of(text), &u)) {
        CHECK(u.scheme.n == 0 && u.host.n == 0 && u.path.n == 0 && u.query.n == 0 && u.port == -1);
        return "none";
    }
    snprintf(out, sizeof(out), "%.*s|%.*s|%d|%.*s|%.*s|%.*s", STR_FMT(u.scheme), STR_FMT(u.host),
             u.port, STR_FMT(u.path), STR_FMT(u.query), STR_FMT(u.fragment));
    return out;
}

static void test_parts(void)
{
    CHECK_STR(parts("https://www.example.com/a/b?x=1&y=2#top"),
              "https|www.example.com|443|/a/b|x=1&y=2|top");
    CHECK_STR(parts("http://example.com"), "http|example.com|80|||");
    CHECK_STR(parts("http://example.com/"), "http|example.com|80|/||");
    CHECK_STR(parts("http://example.com:8080/p"), "http|example.com|8080|/p||");
    CHECK_STR(parts("https://example.com:/p"), "https|example.com|443|/p||");
    CHECK_STR(parts("HTTPS://example.com/p"), "HTTPS|example.com|443|/p||");
    CHECK_STR(parts("https://example.com?q=a/b#c?d"), "https|example.com|443||q=a/b|c?d");
    CHECK_STR(parts("https://example.com#a#b"), "https|example.com|443|||a#b");
    CHECK_STR(parts("https://user:pw@example.com:444/"), "https|example.com|444|/||");
    CHECK_STR(parts("http://[2001:db8::1]:81/x"), "http|[2001:db8::1]|81|/x||");
    CHECK_STR(parts("http://[2001:db8::1]/x"), "http|[2001:db8::1]|80|/x||");
    CHECK_STR(parts("android-app://com.example.app/x"), "android-app|com.example.app|80|/x||");
    CHECK_STR(parts("file:///tmp/x"), "file||-1|/tmp/x||");
    CHECK_STR(parts("mailto:a@example.com"), "mailto||-1|a@example.com||");
    CHECK_STR(parts("https://"), "https||-1|||");
    CHECK_STR(parts(""), "none");
    CHECK_STR(parts("/a/b"), "none");
    CHECK_STR(parts("www.example.com/a"), "none");
    CHECK_STR(parts("//example.com/a"), "none");
    CHECK_STR(parts("1http://example.com"), "none");
    CHECK_STR(parts("https://example.com:port/"), "none");
    CHECK_STR(parts("https://example.com:65536/"), "none");
    CHECK_STR(parts("https://example.com:-1/"), "none");
}

static const char *text_of(struct arena *a, struct str s)
{
    return arena_str(a, s).p;
}

static void test_query(struct arena *a)
{
    struct str q = STR("a=1&b=&&c&=5&a=2&d=x%20y+z%26&e=%C3%A4&bad=%zz%4&f=%ff&q=a%3Db=c");
    CHECK_STR(text_of(a, query_get(q, STR("a"), a)), "2");
    CHECK_STR(text_of(a, query_get(q, STR("b"), a)), "");
    CHECK_STR(text_of(a, query_get(q, STR("c"), a)), "");
    CHECK_STR(text_of(a, query_get(q, STR("d"), a)), "x y z&");
    CHECK_STR(text_of(a, query_get(q, STR("e"), a)), "ä");
    CHECK_STR(text_of(a, query_get(q, STR("bad"), a)), "%zz%4");
    CHECK_STR(text_of(a, query_get(q, STR("f"), a)), "");
    CHECK_STR(text_of(a, query_get(q, STR("q"), a)), "a=b=c");
    CHECK_STR(text_of(a, query_get(q, STR("A"), a)), "");
    CHECK_STR(text_of(a, query_get((struct str){0}, STR("a"), a)), "");
    CHECK_STR(text_of(a, url_escape_blanks(STR("a b  c"), a)), "a%20b%20%20c");
    CHECK_STR(text_of(a, url_escape_blanks(STR("abc"), a)), "abc");
    struct str key, value, rest = STR("&&x=1&y");
    CHECK(query_next(&rest, &key, &value) && str_eqz(key, "x") && str_eqz(value, "1"));
    CHECK(query_next(&rest, &key, &value) && str_eqz(key, "y") && value.n == 0);
    CHECK(!query_next(&rest, &key, &value));
}

int main(void)
{
    struct arena a;
    arena_init(&a);
    test_parts();
    test_query(&a);
    arena_fini(&a);
    return check_done();
}
