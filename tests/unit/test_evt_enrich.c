/* test_evt_enrich.c -- columns that are worked out: URL parts, time, referrer, campaign, cross-domain.
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
    CHECK_STR(page(&c, "https://a.example:443/", ""),
              "[\"https\",\"a.example\",443,\"/\",null,null]");
    CHECK_STR(page(&c, "android-app://com.example/x", ""),
              "[\"android-app\",\"com.example\",80,\"/x\",null,null]");
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

#define HERE "https://www.shop.example/x"

/* page, referrer, what becomes of it: medium, source, term */
static const struct referer_case {
    const char *page, *refr, *want;
} referers[] = {
    /* an address with a host, of one of three schemes */
    {HERE, "", "[null,null,null]"},
    {HERE, "http://www.bing.com/", "[\"search\",\"Bing\",null]"},
    {HERE, "https://www.bing.com/", "[\"search\",\"Bing\",null]"},
    {HERE, "HTTPS://WWW.GOOGLE.DE/?q=a%20b", "[\"search\",\"Google\",\"a b\"]"},
    {HERE, "android-app://com.google.android.gm/", "[\"email\",\"Gmail\",null]"},
    {HERE, "android-app://com.google.android.googlequicksearchbox/https/www.google.com",
     "[\"search\",\"Google\",null]"},
    {HERE, "android-app://com.example.unheard", "[\"unknown\",null,null]"},
    {HERE, "ftp://www.google.com/search?q=x", "[null,null,null]"},
    {HERE, "ios-app://www.google.com/", "[null,null,null]"},
    {HERE, "www.google.com/search?q=x", "[null,null,null]"},
    {HERE, "https:///search?q=x", "[null,null,null]"},
    {HERE, "about:blank", "[null,null,null]"},

    /* the page's own host, or one that is set to be internal; not its parents or children */
    {HERE, "https://www.shop.example/y?q=x", "[\"internal\",null,null]"},
    {HERE, "https://WWW.shop.example/y", "[\"internal\",null,null]"},
    {HERE, "http://www.shop.example:8080/", "[\"internal\",null,null]"},
    {HERE, "https://shop.example/y", "[\"unknown\",null,null]"},
    {HERE, "https://a.www.shop.example/y", "[\"unknown\",null,null]"},
    {HERE, "https://sister.example/y", "[\"internal\",null,null]"},
    {"", "https://sister.example/y", "[\"internal\",null,null]"},
    {HERE, "https://a.sister.example/y", "[\"unknown\",null,null]"},
    {"https://www.google.com/x", "https://www.google.com/search?q=x", "[\"internal\",null,null]"},

    /* by host and whole path, host and first part of the path, host; each for its parents too */
    {HERE, "https://www.bing.com/chat", "[\"chatbot\",\"Copilot\",null]"},
    {HERE, "https://www.bing.com/chat/more/of/it", "[\"chatbot\",\"Copilot\",null]"},
    {HERE, "https://www.bing.com/chatter", "[\"search\",\"Bing\",null]"},
    {HERE, "https://www.bing.com/more/chat", "[\"search\",\"Bing\",null]"},
    {HERE, "https://www.bing.com/images/search?q=x", "[\"search\",\"Bing Images\",\"x\"]"},
    {HERE, "https://x.com/i/grok", "[\"chatbot\",\"Grok\",null]"},
    {HERE, "https://x.com/i/lists", "[\"social\",\"X\",null]"},
    {HERE, "https://a.b.c.google.com/", "[\"search\",\"Google\",null]"},
    {HERE, "https://a.mail.google.com/?q=x", "[\"email\",\"Gmail\",null]"},
    {HERE, "https://nobody.example/?q=x", "[\"unknown\",null,null]"},
    {HERE, "https://notgoogle.com/", "[\"unknown\",null,null]"},
    {HERE, "https://google.com.evil.example/", "[\"unknown\",null,null]"},
    {HERE, "https://com/", "[\"unknown\",null,null]"},

    /* words searched for: of searches only, the first parameter that is listed for them */
    {HERE, "https://www.google.com/search?q=tarot+cards&hl=en",
     "[\"search\",\"Google\",\"tarot cards\"]"},
    {HERE, "https://www.google.co.uk/", "[\"search\",\"Google\",null]"},
    {HERE, "https://www.google.com/search?query=second&q=first",
     "[\"search\",\"Google\",\"first\"]"},
    {HERE, "https://www.google.com/search?q=&query=second", "[\"search\",\"Google\",\"second\"]"},
    {HERE, "https://search.yahoo.com/search?p=y&q=z", "[\"search\",\"Yahoo!\",\"y\"]"},
    {HERE, "https://yandex.ru/search/?text=%D0%BA", "[\"search\",\"Yandex\",\"к\"]"},
    {HERE, "https://www.google.com/search?q=%ff", "[\"search\",\"Google\",null]"},
    {HERE, "https://mail.google.com/mail/u/0?q=x", "[\"email\",\"Gmail\",null]"},
    {HERE, "https://www.facebook.com/?q=x", "[\"social\",\"Facebook\",null]"},

    /* the nine chatbots */
    {HERE, "https://character.ai/chat/x", "[\"chatbot\",\"Character.AI\",null]"},
    {HERE, "https://chatgpt.com/", "[\"chatbot\",\"ChatGPT\",null]"},
    {HERE, "https://chat.openai.com/", "[\"chatbot\",\"ChatGPT\",null]"},
    {HERE, "https://claude.ai/chat/1", "[\"chatbot\",\"Claude.ai\",null]"},
    {HERE, "https://gemini.google.com/app", "[\"chatbot\",\"Gemini\",null]"},
    {HERE, "https://www.meta.ai/", "[\"chatbot\",\"Meta.ai\",null]"},
    {HERE, "https://copilot.microsoft.com/", "[\"chatbot\",\"Copilot\",null]"},
    {HERE, "https://chat.mistral.ai/chat", "[\"chatbot\",\"Mistral\",null]"},
    {HERE, "https://www.perplexity.ai/search/x", "[\"chatbot\",\"Perplexity\",null]"},
    {HERE, "https://poe.com/", "[\"chatbot\",\"Poe\",null]"},

    /* some that everybody knows, of each medium */
    {HERE, "https://duckduckgo.com/?q=x", "[\"search\",\"DuckDuckGo\",\"x\"]"},
    {HERE, "https://www.baidu.com/s?wd=x", "[\"search\",\"Baidu\",\"x\"]"},
    {HERE, "https://www.ecosia.org/search?q=x", "[\"search\",\"Ecosia\",\"x\"]"},
    {HERE, "https://search.brave.com/search?q=x", "[\"search\",\"Brave\",\"x\"]"},
    {HERE, "https://www.qwant.com/?q=x", "[\"search\",\"Qwant\",\"x\"]"},
    {HERE, "https://www.startpage.com/do/search?query=x", "[\"search\",\"Startpage\",\"x\"]"},
    {HERE, "https://search.naver.com/search.naver?query=x", "[\"search\",\"Naver\",\"x\"]"},
    {HERE, "https://search.seznam.cz/?q=x", "[\"search\",\"Seznam\",\"x\"]"},
    {HERE, "https://m.facebook.com/story", "[\"social\",\"Facebook\",null]"},
    {HERE, "https://l.instagram.com/", "[\"social\",\"Instagram\",null]"},
    {HERE, "https://t.co/abc", "[\"social\",\"X\",null]"},
    {HERE, "https://www.linkedin.com/feed/", "[\"social\",\"LinkedIn\",null]"},
    {HERE, "android-app://com.linkedin.android/", "[\"social\",\"LinkedIn\",null]"},
    {HERE, "https://out.reddit.com/x", "[\"social\",\"Reddit\",null]"},
    {HERE, "https://www.youtube.com/", "[\"social\",\"YouTube\",null]"},
    {HERE, "https://www.tiktok.com/", "[\"social\",\"TikTok\",null]"},
    {HERE, "https://www.pinterest.de/", "[\"social\",\"Pinterest\",null]"},
    {HERE, "https://go.bsky.app/", "[\"social\",\"Bluesky\",null]"},
    {HERE, "https://mastodon.social/@x", "[\"social\",\"Mastodon\",null]"},
    {HERE, "https://www.threads.net/", "[\"social\",\"Threads\",null]"},
    {HERE, "https://news.ycombinator.com/", "[\"social\",\"Hacker News\",null]"},
    {HERE, "https://web.whatsapp.com/", "[\"social\",\"WhatsApp\",null]"},
    {HERE, "https://web.telegram.org/", "[\"social\",\"Telegram\",null]"},
    {HERE, "https://vk.com/", "[\"social\",\"VK\",null]"},
    {HERE, "https://outlook.live.com/mail/0/", "[\"email\",\"Outlook.com\",null]"},
    {HERE, "https://outlook.office.com/", "[\"email\",\"Microsoft 365\",null]"},
    {HERE, "https://mail.yahoo.com/d/folders/1", "[\"email\",\"Yahoo! Mail\",null]"},
    {HERE, "https://mail.proton.me/u/0/inbox", "[\"email\",\"Proton Mail\",null]"},
    {HERE, "https://deref-gmx.net/x", "[\"email\",\"GMX Mail\",null]"},
    {HERE, "https://googleads.g.doubleclick.net/x", "[\"paid\",\"Google Ads\",null]"},
    {HERE, "https://www.googleadservices.com/pagead/aclk", "[\"paid\",\"Google Ads\",null]"},
    {HERE, "https://trc.taboola.com/", "[\"paid\",\"Taboola\",null]"},
    {HERE, "https://paid.outbrain.com/", "[\"paid\",\"Outbrain\",null]"},
    {HERE, "https://cat.criteo.com/", "[\"paid\",\"Criteo\",null]"},
};

static void test_referer(void)
{
    struct evt_case c;
    CASE_OPEN(&c, "refr_medium", "refr_source", "refr_term");
    for (const struct referer_case *r = referers; r < referers + COUNT_OF(referers); r++) {
        const char *got = page(&c, r->page, r->refr);
        CHECK(!strcmp(got, r->want), "%s on %s: %s, want %s", r->refr, r->page, got, r->want);
    }
    case_close(&c);
}

/* Device and collector: the device's clock is right about differences only. */
static void test_time(void)
{
    static const struct {
        const char *times;
        int64_t want; /* behind the collector's time */
    } times[] = {
        {"", 0},
        {"\"ttm\":\"1789999998000\"", -2000},
        {"\"ttm\":\"1789999998000\",\"dtm\":\"1789999990000\",\"stm\":\"1789999991000\"", -2000},
        {"\"ttm\":\"1800000000000\"", 0}, /* nothing has happened yet that happens later */
        {"\"dtm\":\"1789999990000\",\"stm\":\"1789999995000\"", -5000},
        {"\"dtm\":\"1000\",\"stm\":\"6000\"", -5000}, /* a device that woke up in 1970 */
        {"\"dtm\":\"1899999990000\",\"stm\":\"1899999995000\"", -5000}, /* or is years ahead */
        {"\"dtm\":\"1789999990000\",\"stm\":\"1789999990000\"", 0},
        {"\"dtm\":\"1789999995000\",\"stm\":\"1789999990000\"", 0},
        {"\"dtm\":\"1789999990000\"", 0},
        {"\"stm\":\"1789999990000\"", 0},
        {"\"ttm\":\"soon\",\"dtm\":\"1789999990000\",\"stm\":\"1789999995000\"", -5000},
        {"\"ttm\":\"\",\"dtm\":\"1789999990000\",\"stm\":\"1789999995000\"", -5000},
    };
    struct evt_case c;
    CASE_OPEN(&c, "derived_tstamp", "collector_tstamp");
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        case_tp2(&c, arena_printf(&c.arena, "{\"e\":\"pv\"%s%s}", *times[i].times ? "," : "",
                                  times[i].times)
                         .p);
        CHECK_INT(c.batch.n ? c.batch.evts[0].ts_ms - case_now : 1, times[i].want);
        CHECK_STR(case_slots(&c, 0),
                  arena_printf(&c.arena, "[%lld,%lld]", (long long)(case_now + times[i].want),
                               (long long)case_now)
                      .p);
    }
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

struct query_case {
    const char *query, *want;
};

static void check_queries(struct evt_case *c, const struct query_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *got =
            page(c, arena_printf(&c->arena, "https://a.example/%s", cases[i].query).p, "");
        CHECK(!strcmp(got, cases[i].want), "%s: %s, want %s", cases[i].query, got, cases[i].want);
    }
}

static void test_campaign(void)
{
    static const struct query_case cases[] = {
        {"?utm_medium=cpc&utm_source=google&utm_term=tarot+deck&utm_content=ad%201"
         "&utm_campaign=spring&gclid=abc",
         "[\"cpc\",\"google\",\"tarot deck\",\"ad 1\",\"spring\",\"abc\",\"Google\"]"},
        {"?utm_medium=cpc", "[\"cpc\",null,null,null,null,null,null]"},
        {"?utm_source=news", "[null,\"news\",null,null,null,null,null]"},
        {"?utm_term=t", "[null,null,\"t\",null,null,null,null]"},
        {"?utm_content=c", "[null,null,null,\"c\",null,null,null]"},
        {"?utm_campaign=c", "[null,null,null,null,\"c\",null,null]"},
        {"?gclid=g1", "[null,null,null,null,null,\"g1\",\"Google\"]"},
        {"?msclkid=m1", "[null,null,null,null,null,\"m1\",\"Microsoft\"]"},
        {"?dclid=d1", "[null,null,null,null,null,\"d1\",\"DoubleClick\"]"},
        /* the order of the list decides, not that of the query */
        {"?dclid=d1&msclkid=m1&gclid=g1", "[null,null,null,null,null,\"g1\",\"Google\"]"},
        {"?dclid=d1&gclid=", "[null,null,null,null,null,\"d1\",\"DoubleClick\"]"},
        {"?utm_source=first&utm_source=last", "[null,\"last\",null,null,null,null,null]"},
        {"?utm_medium=&utm_sourc=x&xutm_term=y&UTM_CONTENT=z",
         "[null,null,null,null,null,null,null]"},
        {"?fbclid=f1&cid=c1", "[null,null,null,null,null,null,null]"},
        {"#?utm_medium=cpc", "[null,null,null,null,null,null,null]"},
        {"utm_medium=cpc", "[null,null,null,null,null,null,null]"},
    };
    struct evt_case c;
    CASE_OPEN(&c, "mkt_medium", "mkt_source", "mkt_term", "mkt_content", "mkt_campaign",
              "mkt_clickid", "mkt_network");
    check_queries(&c, cases, COUNT_OF(cases));
    CHECK_STR(page(&c, "", "https://a.example/?utm_medium=cpc"), /* not of where one came from */
              "[null,null,null,null,null,null,null]");
    case_close(&c);
    CASE_OPEN(&c, "mkt_network");
    CHECK_STR(page(&c, "https://a.example/?gclid=abc", ""), "[\"Google\"]");
    case_close(&c);
    CASE_OPEN(&c, "mkt_clickid",
              "mkt_network"); /* a click that came along is of no network we know */
    CHECK(case_json(&c, "{\"event\":\"pv\",\"mkt_clickid\":\"x\","
                        "\"page_url\":\"https://a.example/?gclid=abc\"}"));
    CHECK_STR(case_slots(&c, 0), "[\"x\",null]");
    case_close(&c);
}

/* Names of one's own, in place of the usual ones; of several for one column the first wins. */
static void test_own_campaign(void)
{
    const struct str params[] = {STR("cid=mkt_campaign"), STR("utm_campaign=mkt_campaign"),
                                 STR("src=mkt_source")};
    const struct str clicks[] = {STR("fbclid=Facebook"), STR("gclid=Ads, by Google")};
    static const struct query_case cases[] = {
        {"?utm_campaign=u&cid=c", "[null,null,\"c\",null,null]"},
        {"?utm_campaign=u", "[null,null,\"u\",null,null]"},
        {"?utm_campaign=u&cid=", "[null,null,\"u\",null,null]"},
        {"?utm_medium=m&utm_source=s&src=own", "[null,\"own\",null,null,null]"},
        {"?gclid=g&fbclid=f", "[null,null,null,\"f\",\"Facebook\"]"},
        {"?gclid=g&msclkid=m", "[null,null,null,\"g\",\"Ads, by Google\"]"},
        {"?msclkid=m", "[null,null,null,null,null]"},
    };
    static const struct query_case own_clicks[] = {
        {"?utm_medium=m&fbclid=f&gclid=g", "[\"m\",null,null,\"f\",\"Facebook\"]"},
    };
    static const struct query_case own_params[] = {
        {"?utm_medium=m&cid=c&gclid=g", "[null,null,\"c\",\"g\",\"Google\"]"},
    };
    struct err err = {0};
    struct evt_case c;
    CASE_OPEN(&c, "mkt_medium", "mkt_source", "mkt_campaign", "mkt_clickid", "mkt_network");
    struct evt_campaign *both = evt_campaign_new(params, 3, clicks, 2, &err);
    struct evt_campaign *one = evt_campaign_new(NULL, 0, clicks, 1, &err);
    struct evt_campaign *other = evt_campaign_new(params, 1, NULL, 0, &err);
    CHECK(both && one && other, "%s", err.text);
    evt_decoder_campaign(c.decoder, both);
    check_queries(&c, cases, COUNT_OF(cases));
    evt_decoder_campaign(c.decoder, one);
    check_queries(&c, own_clicks, COUNT_OF(own_clicks));
    evt_decoder_campaign(c.decoder, other);
    check_queries(&c, own_params, COUNT_OF(own_params));
    evt_campaign_free(both);
    evt_campaign_free(one);
    evt_campaign_free(other);
    case_close(&c);
}

static void test_bad_campaign(void)
{
    static const struct {
        const char *param, *click, *why;
    } cases[] = {
        {"cid", NULL, "\"cid\" is no NAME=VALUE"},
        {"=mkt_campaign", NULL, "\"=mkt_campaign\" is no NAME=VALUE"},
        {"cid=", NULL, "\"cid=\" is no NAME=VALUE"},
        {"", NULL, "\"\" is no NAME=VALUE"},
        {"cid=campaign", NULL,
         "\"cid=campaign\": want mkt_medium, mkt_source, mkt_term, mkt_content or mkt_campaign "
         "behind the ="},
        {"cid=mkt_clickid", NULL,
         "\"cid=mkt_clickid\": want mkt_medium, mkt_source, mkt_term, mkt_content or mkt_campaign "
         "behind the ="},
        {NULL, "fbclid", "\"fbclid\" is no NAME=VALUE"},
    };
    struct str many[33];
    struct err err = {0};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str param = str_of(cases[i].param), click = str_of(cases[i].click);
        err = (struct err){0};
        CHECK(!evt_campaign_new(&param, cases[i].param != NULL, &click, cases[i].click != NULL,
                                &err));
        CHECK_STR(err.text, cases[i].why);
    }
    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = STR("a=b");
    err = (struct err){0};
    CHECK(!evt_campaign_new(NULL, 0, many, COUNT_OF(many), &err));
    CHECK_STR(err.text, "more than 32 parameters or click ids");
}

static void test_cross_domain(void)
{
    static const struct query_case cases[] = {
        /* short, and what the tracker adds to it: session, user and source in base64, platform, reason in base64 */
        {"?_sp=abc.1789999999000", "[\"abc\",1789999999000]"},
        {"?_sp=abc.1789999999000.sess", "[\"abc\",1789999999000]"},
        {"?_sp=abc.1789999999000.sess..c2hvcA", "[\"abc\",1789999999000]"},
        {"?_sp=abc.1789999999000.sess.YW5uQGEuZXhhbXBsZQ.c2hvcA.web.R28gb24-_w",
         "[\"abc\",1789999999000]"},
        {"?_sp=abc.1789999999000.....R28gb24", "[\"abc\",1789999999000]"},
        {"?_sp=abc.1789999999000......", "[null,null]"}, /* eight: none of the tracker's */
        {"?_sp=abc.1789999999000.a.b.c.d.e.f", "[null,null]"},
        {"?x=1&_sp=abc.1789999999000&y=2#z", "[\"abc\",1789999999000]"},
        {"?_sp=5ab0b4c8-9f12-4c3c-b4d1-0d9d3a1f0f7b.1789999999000",
         "[\"5ab0b4c8-9f12-4c3c-b4d1-0d9d3a1f0f7b\",1789999999000]"},
        {"?_sp=old.1.2.3&_sp=new.1789999999000", "[\"new\",1789999999000]"},
        {"?_sp=abc%2E1789999999000", "[\"abc\",1789999999000]"},
        {"?_sp=.1789999999000", "[null,1789999999000]"}, /* who is not known */
        {"?_sp=abc", "[\"abc\",null]"},
        {"?_sp=abc.", "[\"abc\",null]"},
        {"?_sp=abc.soon", "[\"abc\",null]"},
        {"?_sp=a%09b.1789999999000", "[\"a    b\",1789999999000]"},
        {"?_sp=", "[null,null]"},
        {"?sp=abc.1789999999000", "[null,null]"},
        {"", "[null,null]"},
    };
    struct evt_case c;
    CASE_OPEN(&c, "refr_domain_userid", "refr_dvce_tstamp");
    check_queries(&c, cases, COUNT_OF(cases));
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
    test_time();
    test_own_file();
    test_campaign();
    test_own_campaign();
    test_bad_campaign();
    test_cross_domain();
    test_given();
    return check_done();
}
