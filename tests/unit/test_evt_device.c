/* test_evt_device.c -- the device of a user agent: how often we say what YAUAA says, and that the cache says the same.
 *
 * user_agents.tsv has the user agents and YAUAA's values: a half that device_words.c was built with, and a half that nobody
 * looked at meanwhile. The floors below stand a little under what was measured; the second half's tell what to expect of
 * user agents that are new.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "evt/device.h"

#include <stdlib.h>

/* The cache is compiled in here, so that what it asks of the classifier can be counted. */
static int n_classified;
static void count_classify(struct str ua, struct device *out)
{
    n_classified++;
    device_classify(ua, out);
}
#define device_classify count_classify
#include "../../src/evt/device_cache.c"
#undef device_classify

enum { CLASSES_MAX = 30, FIELDS = 5 };
static const char *const field_names[FIELDS] = {"deviceClass", "operatingSystemClass",
                                                "operatingSystemName", "agentClass", "agentName"};
struct tally {
    char class[30];
    int right, n;
};
struct half {
    struct tally classes[CLASSES_MAX], all;
    int right[FIELDS], said[FIELDS], n;
};

static struct tally *tally_of(struct half *h, const char *class)
{
    struct tally *t = h->classes;
    while (*t->class && strcmp(t->class, class) != 0)
        t++;
    CHECK(t < h->classes + CLASSES_MAX - 1, "%s", class);
    snprintf(t->class, sizeof(t->class), "%s", class);
    return t;
}

static double percent(int n, int of)
{
    return of ? 100.0 * n / of : 0;
}

static void take_line(struct half *h, char *line)
{
    char *want[FIELDS];
    for (int i = 0; i < FIELDS; i++)
        want[i] = strsep(&line, "\t");
    CHECK(line, "want six columns");
    if (!line)
        return;
    struct device d;
    device_classify(str_of(line), &d);
    const char *got[FIELDS] = {d.device_class, d.system_class, d.system_name, d.agent_class,
                               d.agent_name};
    struct tally *t = tally_of(h, want[0]);
    t->n++;
    t->right += strcmp(got[0], want[0]) == 0;
    h->n++;
    for (int i = 0; i < FIELDS; i++) {
        h->said[i] += got[i] != NULL;
        h->right[i] += got[i] && strcmp(got[i], want[i]) == 0;
    }
}

static void measure(struct half halves[2])
{
    FILE *f = fopen(SOURCE_DIR "/tests/unit/user_agents.tsv", "r");
    char *line = NULL;
    size_t cap = 0;
    int at = 0;
    CHECK(f);
    for (ssize_t n; f && (n = getline(&line, &cap, f)) > 0;) {
        line[n - 1] = 0;
        if (strcmp(line, "# held out") == 0)
            at = 1;
        else if (*line != '#')
            take_line(&halves[at], line);
    }
    free(line);
    if (f)
        fclose(f);
}

/* The least that each may get right, in percent: of the half it was built with, of the half held out. Classes with few user
 * agents count only in all of them. */
static const struct floor {
    const char *class;
    double built, held;
} floors[] = {
    {"Desktop", 98, 97},      {"Phone", 96, 98},       {"Tablet", 95, 95}, {"Robot", 93, 87},
    {"Robot Mobile", 80, 88}, {"Mobile", 80, 70},      {"Hacker", 95, 90}, {"TV", 95, 78},
    {"Game Console", 95, 95}, {"Set-top box", 90, 55}, {"Watch", 80, 75},
};
/* And of what is said at all of the other fields. */
static const double field_floors[2][FIELDS] = {{94.5, 96, 93, 94.5, 90}, {90, 93, 90, 92, 89}};

static void test_accuracy(void)
{
    static struct half halves[2];
    static const char *const names[] = {"built with", "held out"};
    measure(halves);
    for (int k = 0; k < 2; k++) {
        struct half *h = &halves[k];
        CHECK(h->n >= 450, "%s: %d user agents", names[k], h->n);
        for (struct tally *t = h->classes; *t->class; t++)
            printf("%-10s %-22s %3d of %3d\n", names[k], t->class, t->right, t->n);
        for (int i = 0; i < FIELDS; i++) {
            printf("%-10s %-22s %5.1f%% of %d\n", names[k], field_names[i],
                   percent(h->right[i], h->said[i]), h->said[i]);
            CHECK(percent(h->right[i], h->said[i]) >= field_floors[k][i], "%s: %s", names[k],
                  field_names[i]);
        }
        for (const struct floor *f = floors; f < floors + COUNT_OF(floors); f++) {
            struct tally *t = tally_of(h, f->class);
            CHECK(percent(t->right, t->n) >= (k ? f->held : f->built), "%s: %s: %.1f%%", names[k],
                  f->class, percent(t->right, t->n));
        }
    }
}

static const char *class_of(const char *ua)
{
    struct device d;
    device_classify(str_of(ua), &d);
    return d.device_class;
}

static const char *all_of(const char *ua)
{
    static char text[200];
    struct device d;
    device_classify(str_of(ua), &d);
    const char *f[] = {d.device_class, d.system_class, d.system_name, d.agent_class, d.agent_name};
    snprintf(text, sizeof(text), "%s/%s/%s/%s/%s", f[0], f[1] ? f[1] : "-", f[2] ? f[2] : "-",
             f[3] ? f[3] : "-", f[4] ? f[4] : "-");
    return text;
}

#define KIT " AppleWebKit/537.36 (KHTML, like Gecko) "
#define IPHONE                                                                                     \
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "    \
    "Gecko) "
#define DROID "Mozilla/5.0 (Linux; Android 10; K)" KIT

static void test_conclusions(void)
{
    CHECK_STR(all_of(""), "Unknown/-/-/-/-");
    CHECK_STR(
        all_of("Mozilla/5.0 (Windows NT 10.0; Win64; x64)" KIT "Chrome/154.0.0.0 Safari/537.36"),
        "Desktop/Desktop/Windows NT/Browser/Chrome");
    CHECK_STR(all_of("Mozilla/5.0 (Windows NT 10.0; Win64; x64)" KIT
                     "Chrome/154.0.0.0 Safari/537.36 Edg/154.0.0.0"),
              "Desktop/Desktop/Windows NT/Browser/Edge");
    /* an iPad that asks for desktop sites, or a Mac: nobody can tell */
    CHECK_STR(all_of("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, "
                     "like Gecko) Version/18.5 Safari/605.1.15"),
              "Desktop/Desktop/Mac OS/Browser/Safari");
    CHECK_STR(all_of(IPHONE "Version/18.5 Mobile/15E148 Safari/604.1"),
              "Phone/Mobile/iOS/Browser/Safari");
    CHECK_STR(all_of(IPHONE "Mobile/22F76 [FBAN/FBIOS;FBAV/467.0.0.42.108;FBDV/iPhone15,3]"),
              "Phone/Mobile/iOS/Browser Webview/UIWebView");
    CHECK_STR(all_of(IPHONE "Mobile/15E148 Instagram 335.1.8 (iPhone14,5; iOS 18_5)"),
              "Phone/Mobile/iOS/Mobile App/Instagram");
    CHECK_STR(all_of(DROID "Chrome/154.0.0.0 Mobile Safari/537.36"),
              "Phone/Mobile/Android/Browser/Chrome");
    CHECK_STR(all_of(DROID "Chrome/154.0.0.0 Safari/537.36"),
              "Tablet/Mobile/Android/Browser/Chrome");
    CHECK_STR(all_of("Mozilla/5.0 (Linux; Android 14; SM-S918B Build/UP1A.231005.007; wv)" KIT
                     "Version/4.0 Chrome/125.0.0.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/467.0]"),
              "Phone/Mobile/Android/Browser Webview/Chrome Webview");
    CHECK_STR(all_of("Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/AP1A.240505.005)"),
              "Mobile/Mobile/Android/-/-");
    CHECK_STR(all_of("MyShop/312 CFNetwork/1496.0.7 Darwin/23.5.0"), "Mobile/Mobile/iOS/-/-");
    CHECK_STR(all_of("MyShop/312 CFNetwork/1496.0.7 Darwin/23.5.0 (x86_64)"),
              "Desktop/Desktop/Mac OS/-/-");
    CHECK_STR(all_of("Mozilla/5.0 (Linux; Android 9; AFTKA)" KIT
                     "Silk/120.4.1 like Chrome/120.0.6099.230 Safari/537.36"),
              "Set-top box/Mobile/FireOS/Browser/Silk");
    CHECK_STR(class_of("Aftonbladet/8.1 (iPhone; iOS 18.5; Scale/3.00)"), "Phone");
    CHECK_STR(class_of("Mozilla/5.0 (Linux; Android 6.0; CUBOT MAX Build/MRA58K)" KIT
                       "Chrome/64.0.3282.137 Mobile Safari/537.36"),
              "Phone");
    CHECK_STR(all_of("Mozilla/5.0 (PlayStation; PlayStation 5/9.00) AppleWebKit/605.1.15 (KHTML, "
                     "like Gecko) Version/17.0 Safari/605.1.15"),
              "Game Console/Game Console/PS5 OS/Browser/Safari");
    CHECK_STR(
        all_of("Mozilla/5.0 (X11; Linux x86_64)" KIT "HeadlessChrome/125.0.0.0 Safari/537.36"),
        "Desktop/Desktop/Linux/Robot/Chrome");
}

static void test_robots(void)
{
    CHECK_STR(all_of("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
              "Robot/Cloud/-/Robot/-");
    CHECK_STR(class_of("Mozilla/5.0 (compatible; Googlebot/2.1)"), "Robot Imitator");
    CHECK_STR(all_of(DROID "Chrome/125.0.6422.175 Mobile Safari/537.36 (compatible; Googlebot/2.1; "
                           "+http://www.google.com/bot.html)"),
              "Robot Mobile/Cloud/-/Robot/-");
    CHECK_STR(class_of("Mozilla/5.0" KIT "; compatible; GPTBot/1.2; +https://openai.com/gptbot)"),
              "Robot");
    CHECK_STR(class_of("Mozilla/5.0" KIT "; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)"),
              "Robot");
    CHECK_STR(class_of("curl/8.5.0"), "Robot");
    CHECK_STR(class_of("python-requests/2.32.3"), "Robot");
    CHECK_STR(class_of("python-httpx/0.27.0"), "Robot"); /* Unknown for YAUAA */
    CHECK_STR(class_of("okhttp/4.12.0"), "Robot");
    CHECK_STR(all_of("${jndi:ldap://a.example/x}"), "Hacker/Hacker/Hacker/Hacker/Hacker");
    CHECK_STR(class_of("no user agent"), "Hacker"); /* as for YAUAA: it has not the form of one */
}

/* Any bytes, and more of them than anybody looks at. */
static void test_hostile(void)
{
    static const char *const pieces[] = {"s ",      "(",  "\xff",    "android ", "../",
                                         "select(", "^$", "mozilla", "\n",       "m m"};
    enum { LONG = 8192 };
    char *text = malloc(LONG + 1);
    struct device whole, cut;
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        for (size_t n = 0; n < LONG; n++)
            text[n] = pieces[i][n % strlen(pieces[i])];
        device_classify((struct str){text, LONG}, &whole);
        device_classify((struct str){text, DEVICE_UA_MAX}, &cut);
        CHECK(memcmp(&whole, &cut, sizeof(whole)) == 0, "%s", pieces[i]);
    }
    memset(text, 0, LONG);
    device_classify((struct str){text, LONG}, &whole);
    CHECK_STR(whole.device_class, "Hacker");
    memcpy(text + DEVICE_UA_MAX - 3, "ipad", 4); /* a word over the edge is none */
    device_classify((struct str){text, LONG}, &whole);
    CHECK_STR(whole.device_class, "Hacker");
    memcpy(text + DEVICE_UA_MAX - 4, "ipad", 4);
    device_classify((struct str){text, LONG}, &whole);
    CHECK_STR(whole.device_class, "Tablet");
    free(text);
}

/* Nothing can be asked that changes a later answer, however many user agents push each other out. */
static void test_cache(void)
{
    struct device_cache *c = device_cache_new();
    char ua[1000];
    struct device want;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 5000; i++) {
            int n = snprintf(ua, sizeof(ua), "Mozilla/5.0 (%s; %d) %*s Mobile",
                             i % 3 ? "Linux; Android 14" : "iPad", i % (1000 * (round + 1)),
                             i % 700, "");
            device_classify((struct str){ua, (size_t)n}, &want);
            const struct device *got = device_cache_get(c, (struct str){ua, (size_t)n});
            if (memcmp(got, &want, sizeof(want)) != 0) {
                CHECK(false, "%s: %s, want %s", ua, got->device_class, want.device_class);
                break;
            }
        }
    }
    n_classified = 0;
    for (int i = 0; i < 5; i++)
        CHECK_STR(device_cache_get(c, STR("curl/8.5.0"))->device_class, "Robot");
    CHECK_INT(n_classified, 1);
    memset(ua, ' ', sizeof(ua)); /* one that no place has room for */
    for (int i = 0; i < 5; i++)
        device_cache_get(c, (struct str){ua, ROOM + 1});
    CHECK_INT(n_classified, 6);
    device_cache_free(c);
}

int main(void)
{
    test_accuracy();
    test_conclusions();
    test_robots();
    test_hostile();
    test_cache();
    return check_done();
}
