/* test_evt_enrich.c -- columns that are worked out: URL parts, referrer, campaign, cross-domain.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt_case.h"

#include <unistd.h>

static const char *page(struct evt_case *c, const char *url, const char *refr)
{
    case_tp2(c, arena_printf(&c->arena, "{\"e\":\"pv\",\"url\":%s,\"refr\":%s}", case_quote(c, url),
                             case_quote(c, refr))
                    .p);
    return case_slots(c, 0);
}

static void test_url(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "page_urlscheme", "page_urlhost", "page_urlport", "page_urlpath", "page_urlquery",
              "page_urlfragment");
    CHECK_STR(page(&c, "https://a.example/b c?d=1#e", ""),
              "[\"https\",\"a.example\",443,\"/b%20c\",\"d=1\",\"e\"]");
    CHECK_STR(page(&c, "http://a.example", ""), "[\"http\",\"a.example\",80,null,null,null]");
    CHECK_STR(page(&c, "http://a.example:8443/", ""),
              "[\"http\",\"a.example\",8443,\"/\",null,null]");
    CHECK_STR(page(&c, "no url at all", ""), "[null,null,null,null,null,null]");
    CHECK_STR(page(&c, "", ""), "[null,null,null,null,null,null]");
    case_close(&c);
    CASE_OPEN(&c, "refr_urlscheme", "refr_urlhost", "refr_urlport", "refr_urlpath", "refr_urlquery",
              "refr_urlfragment", "page_referrer");
    CHECK_STR(
        page(&c, "", "https://a.example/b c?d=1#e"),
        "[\"https\",\"a.example\",443,\"/b%20c\",\"d=1\",\"e\",\"https://a.example/b c?d=1#e\"]");
    case_close(&c);
}

static void test_referer(void)
{
    struct evt_case c;
    const char *here = "https://www.shop.example/x";
    CASE_OPEN(&c, "refr_medium", "refr_source", "refr_term");
    CHECK_STR(page(&c, here, ""), "[null,null,null]");
    CHECK_STR(page(&c, here, "https://www.google.com/search?q=tarot+cards&hl=en"),
              "[\"search\",\"Google\",\"tarot cards\"]");
    CHECK_STR(page(&c, here, "https://www.google.co.uk/"), "[\"search\",\"Google\",null]");
    CHECK_STR(page(&c, here, "HTTPS://WWW.GOOGLE.DE/?q=a%20b"), "[\"search\",\"Google\",\"a b\"]");
    CHECK_STR(page(&c, here, "https://www.bing.com/search?q=x"), "[\"search\",\"Bing\",\"x\"]");
    CHECK_STR(page(&c, here, "https://www.bing.com/images/search?q=x"),
              "[\"search\",\"Bing Images\",\"x\"]");
    CHECK_STR(page(&c, here, "https://www.bing.com/chat"), "[\"chatbot\",\"Copilot\",null]");
    CHECK_STR(page(&c, here, "https://www.bing.com/chat/more"), "[\"chatbot\",\"Copilot\",null]");
    CHECK_STR(page(&c, here, "https://www.bing.com/chatter"), "[\"search\",\"Bing\",null]");
    CHECK_STR(page(&c, here, "https://search.yahoo.com/search?p=y&q=z"),
              "[\"search\",\"Yahoo!\",\"y\"]");
    CHECK_STR(page(&c, here, "https://yandex.ru/search/?text=%D0%BA"),
              "[\"search\",\"Yandex\",\"к\"]");
    CHECK_STR(page(&c, here, "https://duckduckgo.com/?q=x"), "[\"search\",\"DuckDuckGo\",\"x\"]");
    CHECK_STR(page(&c, here, "https://mail.google.com/mail/u/0?q=x"), "[\"email\",\"Gmail\",null]");
    CHECK_STR(page(&c, here, "https://m.facebook.com/story"), "[\"social\",\"Facebook\",null]");
    CHECK_STR(page(&c, here, "https://t.co/abc"), "[\"social\",\"X\",null]");
    CHECK_STR(page(&c, here, "https://chatgpt.com/"), "[\"chatbot\",\"ChatGPT\",null]");
    CHECK_STR(page(&c, here, "https://claude.ai/chat/1"), "[\"chatbot\",\"Claude.ai\",null]");
    CHECK_STR(page(&c, here, "https://gemini.google.com/app"), "[\"chatbot\",\"Gemini\",null]");
    CHECK_STR(page(&c, here, "https://googleads.g.doubleclick.net/x"),
              "[\"paid\",\"Google Ads\",null]");
    CHECK_STR(page(&c, here, "android-app://com.google.android.gm/"), "[\"email\",\"Gmail\",null]");
    CHECK_STR(page(&c, here, "https://nobody.example/?q=x"), "[\"unknown\",null,null]");
    CHECK_STR(page(&c, here, "https://notgoogle.com/"), "[\"unknown\",null,null]");
    CHECK_STR(page(&c, here, "https://www.shop.example/y?q=x"), "[\"internal\",null,null]");
    CHECK_STR(page(&c, here, "https://WWW.shop.example/y"), "[\"internal\",null,null]");
    CHECK_STR(page(&c, here, "https://shop.example/y"), "[\"unknown\",null,null]");
    CHECK_STR(page(&c, here, "https://sister.example/y"), "[\"internal\",null,null]");
    CHECK_STR(page(&c, "", "https://sister.example/y"), "[\"internal\",null,null]");
    CHECK_STR(page(&c, here, "ftp://www.google.com/search?q=x"), "[null,null,null]");
    CHECK_STR(page(&c, here, "www.google.com/search?q=x"), "[null,null,null]");
    CHECK_STR(page(&c, here, "https:///search?q=x"), "[null,null,null]");
    case_close(&c);
}

static struct evt_referers *load(const char *text, struct err *err)
{
    char path[] = "/tmp/test_evt_enrich.XXXXXX";
    int fd = mkstemp(path);
    ssize_t n = write(fd, text, strlen(text));
    CHECK_INT(n, strlen(text));
    close(fd);
    *err = (struct err){0};
    struct evt_referers *r = evt_referers_load(path, err);
    unlink(path);
    if (r || !err->set)
        return r;
    const char *why = strstr(err->text, ": ");
    CHECK(strncmp(err->text, path, strlen(path)) == 0, "%s", err->text);
    if (why)
        memmove(err->text, why + 2, strlen(why + 2) + 1);
    return r;
}

static void test_own_file(void)
{
    struct evt_case c;
    struct err err;
    CASE_OPEN(&c, "refr_medium", "refr_source", "refr_term");
    struct evt_decoder *shipped = c.decoder;
    struct evt_referers *own =
        load("# ours\n\nsearch\tIn-house\tfind.example FIND2.example/Deep/path\tq  words\r\n"
             "social\tWhole\ta.b.example/one/two\nemail\tPart\tb.example/one\n"
             "paid\tHost\tdeep.a.b.example",
             &err);
    CHECK(own, "%s", err.text);
    c.decoder = evt_decoder_new(own, NULL, 0);
    CHECK_STR(page(&c, "", "http://x.find.example/?words=w"), "[\"search\",\"In-house\",\"w\"]");
    CHECK_STR(page(&c, "", "http://x.find.example/?words=w&q=q"),
              "[\"search\",\"In-house\",\"q\"]");
    CHECK_STR(page(&c, "", "http://find2.example/Deep/path?q=z"),
              "[\"search\",\"In-house\",\"z\"]");
    CHECK_STR(page(&c, "", "http://find2.example/Deep/path/on"), "[\"unknown\",null,null]");
    CHECK_STR(page(&c, "", "http://a.b.example/one/two"), "[\"social\",\"Whole\",null]");
    CHECK_STR(page(&c, "", "http://a.b.example/one/three"), "[\"email\",\"Part\",null]");
    CHECK_STR(page(&c, "", "http://deep.a.b.example/one/two"),
              "[\"social\",\"Whole\",null]"); /* a path before a host */
    CHECK_STR(page(&c, "", "http://deep.a.b.example/two"), "[\"paid\",\"Host\",null]");
    CHECK_STR(page(&c, "", "http://www.google.com/"), "[\"unknown\",null,null]");
    evt_decoder_free(c.decoder);
    c.decoder = evt_decoder_new(NULL, NULL, 0);
    CHECK_STR(page(&c, "", "http://www.google.com/"), "[\"unknown\",null,null]");
    evt_decoder_free(c.decoder);
    c.decoder = shipped;
    evt_referers_free(own);
    case_close(&c);

    CHECK(!load("search\tA\ta.example\tq\nserach\tB\tb.example\n", &err));
    CHECK_STR(err.text, "line 2: unknown medium \"serach\"");
    CHECK(!load("search\tA\ta.example\nemail\tB\tc.example a.example\n", &err));
    CHECK_STR(err.text, "line 2: a.example stands there twice");
    CHECK(!load("\n\nsearch\tA\n", &err));
    CHECK_STR(err.text, "line 3: want medium, source and domains with tabs between them");
    CHECK(!load("search\tA\ta.example\t1 2 3 4 5 6 7 8 9\n", &err));
    CHECK_STR(err.text, "line 1: more than 8 parameters");
    CHECK(!load("search\tA\ta\xff.example\n", &err));
    CHECK_STR(err.text, "not UTF-8");
    err = (struct err){0};
    CHECK(!evt_referers_load("/nonexistent/file", &err));
    CHECK_STR(err.text, "/nonexistent/file: No such file or directory");
}

static void test_campaign(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "mkt_medium", "mkt_source", "mkt_term", "mkt_content", "mkt_campaign",
              "mkt_clickid", "mkt_network");
    CHECK_STR(page(&c,
                   "https://a.example/"
                   "?utm_medium=cpc&utm_source=google&utm_term=tarot+deck&utm_content=ad%201"
                   "&utm_campaign=spring&gclid=abc",
                   ""),
              "[\"cpc\",\"google\",\"tarot deck\",\"ad 1\",\"spring\",\"abc\",\"Google\"]");
    CHECK_STR(page(&c, "https://a.example/?msclkid=m1", ""),
              "[null,null,null,null,null,\"m1\",\"Microsoft\"]");
    CHECK_STR(page(&c, "https://a.example/?dclid=d1", ""),
              "[null,null,null,null,null,\"d1\",\"DoubleClick\"]");
    CHECK_STR(page(&c, "https://a.example/?dclid=d1&gclid=g1", ""),
              "[null,null,null,null,null,\"g1\",\"Google\"]");
    CHECK_STR(page(&c, "https://a.example/?utm_medium=&utm_sourc=x&xutm_term=y&UTM_CONTENT=z", ""),
              "[null,null,null,null,null,null,null]");
    CHECK_STR(page(&c, "https://a.example/#?utm_medium=cpc", ""),
              "[null,null,null,null,null,null,null]");
    CHECK_STR(page(&c, "", "https://a.example/?utm_medium=cpc"),
              "[null,null,null,null,null,null,null]");
    case_close(&c);
    CASE_OPEN(&c, "mkt_network");
    CHECK_STR(page(&c, "https://a.example/?gclid=abc", ""), "[\"Google\"]");
    case_close(&c);
}

static void test_cross_domain(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "refr_domain_userid", "refr_dvce_tstamp");
    CHECK_STR(page(&c, "https://a.example/?_sp=abc.1789999999000", ""), "[\"abc\",1789999999000]");
    CHECK_STR(page(&c, "https://a.example/?x=1&_sp=abc.1789999999000.sess.user.src.web.why#y", ""),
              "[\"abc\",1789999999000]");
    CHECK_STR(page(&c, "https://a.example/?_sp=abc", ""), "[\"abc\",null]");
    CHECK_STR(page(&c, "https://a.example/?_sp=abc.soon", ""), "[\"abc\",null]");
    CHECK_STR(page(&c, "https://a.example/?_sp=", ""), "[null,null]");
    case_close(&c);
}

/* Columns that came along are never overwritten, and what is missing beside them still is worked
 * out. */
static void test_given(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "page_urlhost", "page_urlpath", "refr_medium", "refr_source", "mkt_medium",
              "mkt_source", "derived_tstamp");
    case_json(
        &c,
        "{\"event\":\"page_view\",\"page_url\":\"https://a.example/p?utm_medium=m&utm_source=s\","
        "\"page_urlhost\":\"given.example\",\"page_referrer\":\"https://www.google.com/"
        "\",\"refr_medium\":\"paid\","
        "\"mkt_medium\":\"given\",\"mkt_source\":null,\"page_urlpath\":5}");
    CHECK_STR(case_slots(&c, 0),
              "[\"given.example\",\"/p\",\"paid\",null,\"given\",\"s\",1790000000000]");
    case_close(&c);
}

int main(void)
{
    test_url();
    test_referer();
    test_own_file();
    test_campaign();
    test_cross_domain();
    test_given();
    return check_done();
}
