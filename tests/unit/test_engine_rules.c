/* test_engine_rules.c -- a rules folder that is edited while the engine runs: what is taken, what keeps its last good
 * version, and what is said about it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "engine/core.h"
#include "unhurried.h"

static const int64_t T0 = 1790000000000;

struct yard {
    char dir[64];
    struct engine *e;
    struct rules *rules;
    struct plan_report report;
    bool ok; /* the last reload's answer */
    int64_t now_ms;
};

static void write_file(const struct yard *y, const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/%s", y->dir, name);
    if (!text) {
        unlink(path);
        return;
    }
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

static void reload(struct yard *y)
{
    plan_report_fini(&y->report);
    plan_report_init(&y->report);
    y->ok = engine_reload(y->e, y->rules, ++y->now_ms, &y->report);
}

static struct yard *yard_new(void)
{
    struct yard *y = calloc(1, sizeof(*y));
    struct engine_options o = {
        .fronts = 1,
        .profile = profile_limits_default,
        .push = push_limits_default,
        .script = unhurried(),
    };
    strcpy(y->dir, "/tmp/signalbox_rules_XXXXXX");
    CHECK(mkdtemp(y->dir));
    y->e = engine_new(&o, NULL);
    y->rules = rules_new(str_of(y->dir), o.fronts + 2, &o.script);
    y->now_ms = T0;
    plan_report_init(&y->report);
    return y;
}

static void yard_free(struct yard *y)
{
    char command[100];
    plan_report_fini(&y->report);
    engine_free(y->e);
    rules_free(y->rules);
    snprintf(command, sizeof(command), "rm -r %s", y->dir);
    CHECK(system(command) == 0);
    free(y);
}

/* Is this attribute in force? */
static bool has(struct yard *y, const char *ref)
{
    struct plan *p = engine_plan(y->e);
    int at = plan_find_attr(p, str_of(ref));
    plan_unref(p);
    return at >= 0;
}

static uint64_t generation(struct yard *y)
{
    struct plan *p = engine_plan(y->e);
    uint64_t g = p->generation;
    plan_unref(p);
    return g;
}

/* Is there an error in this file, with these words in it? */
static bool says(struct yard *y, const char *file, const char *words)
{
    for (size_t i = 0; i < y->report.n; i++) {
        const struct plan_problem *p = &y->report.items[i];
        char path[200], text[1200];
        snprintf(path, sizeof(path), "%s/%s", y->dir, file);
        snprintf(text, sizeof(text), "%.*s", STR_FMT(p->text));
        if (!p->warning && str_eqz(p->file, path) && strstr(text, words))
            return true;
    }
    for (size_t i = 0; i < y->report.n; i++)
        printf("  %.*s:%u: %.*s\n", STR_FMT(y->report.items[i].file), y->report.items[i].line,
               STR_FMT(y->report.items[i].text));
    return false;
}

static uint32_t error_line(const struct yard *y)
{
    for (size_t i = 0; i < y->report.n; i++)
        if (!y->report.items[i].warning)
            return y->report.items[i].line;
    return 0;
}

static const char *status_of(struct yard *y, const char *file)
{
    static char answer[40];
    struct arena a;
    char path[200];
    arena_init(&a);
    struct val s = rules_status(y->rules, &a);
    const struct val *files = val_get(&s, "files");
    snprintf(path, sizeof(path), "%s/%s", y->dir, file);
    strcpy(answer, "unknown");
    for (size_t i = 0; files && i < files->n; i++)
        if (str_eqz(val_as_str(*val_get(&files->items[i], "file")), path))
            snprintf(answer, sizeof(answer), "%.*s",
                     STR_FMT(val_as_str(*val_get(&files->items[i], "status"))));
    arena_fini(&a);
    return answer;
}

#define SHOP(attr)                                                                                 \
    "shop = event \"v/shop/1-0-0\"\nattribute_group \"g\" {\n  attribute_key = "                   \
    "\"domain_userid\",\n  attributes = { " attr " = counter():on(shop) },\n}\n"
#define RULE_ON(attr) "intervention \"i\" {\n  when = attribute \"g:" attr "\":gt(3),\n}\n"

static void broken_file(void)
{
    struct yard *y = yard_new();
    reload(y);
    CHECK(y->ok && generation(y) == 0, "an empty folder is no error, and nothing to swap");
    write_file(y, "a.lua", SHOP("one"));
    reload(y);
    CHECK(y->ok && has(y, "g:one") && generation(y) == 1);
    CHECK_STR(status_of(y, "a.lua"), "in_force");
    reload(y);
    CHECK(y->ok && generation(y) == 1, "nothing changed");
    write_file(y, "a.lua", "attribute_group \"g\" {{{\n");
    reload(y);
    CHECK(!y->ok && has(y, "g:one") && generation(y) == 1);
    CHECK(says(y, "a.lua", ""));
    CHECK_STR(status_of(y, "a.lua"), "last_good_version_kept");
    write_file(y, "b.lua",
               "attribute_group \"h\" { attribute_key = \"user_id\", attributes = { x = "
               "counter():on(event \"*\") } }\n");
    reload(y);
    CHECK(!y->ok && has(y, "h:x") && has(y, "g:one") && generation(y) == 2, "the others go on");
    CHECK_STR(status_of(y, "b.lua"), "in_force");
    write_file(y, "a.lua", SHOP("two"));
    reload(y);
    CHECK(y->ok && has(y, "g:two") && !has(y, "g:one"));
    write_file(y, "c.lua", "nonsense(");
    reload(y);
    CHECK_STR(status_of(y, "c.lua"), "not_loaded");
    write_file(y, "c.lua", NULL);
    reload(y);
    CHECK(y->ok);
    CHECK_STR(status_of(y, "c.lua"), "unknown");
    yard_free(y);
}

static void together_and_singly(void)
{
    struct yard *y = yard_new();
    write_file(y, "a.lua", SHOP("one"));
    write_file(y, "b.lua", RULE_ON("one"));
    reload(y);
    CHECK(y->ok && generation(y) == 1, "files know of each other");
    /* renamed in both: neither could be taken alone */
    write_file(y, "a.lua", SHOP("two"));
    write_file(y, "b.lua", RULE_ON("two"));
    reload(y);
    CHECK(y->ok && has(y, "g:two") && generation(y) == 2);
    /* one change would break the other file's rule */
    write_file(y, "a.lua", SHOP("three"));
    reload(y);
    CHECK(!y->ok && has(y, "g:two") && !has(y, "g:three"));
    CHECK_STR(status_of(y, "a.lua"), "last_good_version_kept");
    CHECK_STR(status_of(y, "b.lua"), "in_force");
    CHECK(says(y, "b.lua", "no attribute \"g:two\"") && says(y, "a.lua", "is not taken"));
    /* meanwhile a third is taken */
    write_file(y, "c.lua",
               "attribute_group \"h\" { attribute_key = \"user_id\", attributes = { x = "
               "counter():on(event \"*\") } }\n");
    reload(y);
    CHECK(!y->ok && has(y, "h:x") && has(y, "g:two"));
    write_file(y, "b.lua", RULE_ON("three"));
    reload(y);
    CHECK(y->ok && has(y, "g:three"));
    /* a name that another had first */
    write_file(y, "0.lua", SHOP("one"));
    reload(y);
    CHECK(!y->ok && has(y, "g:three") && !has(y, "g:one"));
    CHECK(says(y, "0.lua", "stands already in"));
    yard_free(y);
}

static void deleted(void)
{
    struct yard *y = yard_new();
    write_file(y, "a.lua", SHOP("one"));
    write_file(y, "b.lua", RULE_ON("one"));
    reload(y);
    write_file(y, "a.lua", NULL);
    reload(y);
    CHECK(!y->ok && has(y, "g:one"), "a rule still reads it");
    CHECK(says(y, "a.lua", "was deleted, but is still needed"));
    CHECK_STR(status_of(y, "a.lua"), "last_good_version_kept");
    write_file(y, "b.lua", NULL);
    reload(y);
    CHECK(y->ok && !has(y, "g:one"), "now nobody does");
    CHECK_STR(status_of(y, "a.lua"), "unknown");
    /* moved to another file, in another folder */
    char sub[100];
    snprintf(sub, sizeof(sub), "%s/team", y->dir);
    mkdir(sub, 0700);
    write_file(y, "a.lua", SHOP("one"));
    reload(y);
    write_file(y, "a.lua", NULL);
    write_file(y, "team/moved.lua", SHOP("one"));
    reload(y);
    CHECK(y->ok && has(y, "g:one"));
    CHECK_STR(status_of(y, "team/moved.lua"), "in_force");
    /* what editors leave beside it is no rule */
    write_file(y, ".moved.lua.swp", "{{{");
    write_file(y, ".#moved.lua", "{{{");
    write_file(y, "notes.txt", "{{{");
    reload(y);
    CHECK(y->ok);
    yard_free(y);
}

static void words(void)
{
    struct yard *y = yard_new();
    write_file(y, "words.lua", "shop = event \"v/shop/1-0-0\"\n");
    write_file(y, "a.lua",
               "attribute_group \"g\" { attribute_key = \"domain_userid\", attributes = { one = "
               "counter():on(shop) } }\n");
    reload(y);
    CHECK(y->ok && has(y, "g:one") && generation(y) == 1);
    struct plan *p = engine_plan(y->e);
    CHECK(p->n_series == 1 && str_eqz(p->series[0].matches[0].name, "shop"));
    plan_unref(p);
    write_file(y, "words.lua", "shop = event \"v/market/1-0-0\"\n");
    reload(y);
    p = engine_plan(y->e);
    CHECK(y->ok && p->generation == 2 && str_eqz(p->series[0].matches[0].name, "market"),
          "every file is loaded again");
    plan_unref(p);
    write_file(y, "words.lua", "shop = event(\n");
    reload(y);
    p = engine_plan(y->e);
    CHECK(!y->ok && p->generation == 2 && p->n_series == 1);
    CHECK(says(y, "words.lua", ""));
    plan_unref(p);
    yard_free(y);
}

static void tests_in_files(void)
{
    struct yard *y = yard_new();
    static const char *const good = SHOP("one")
        RULE_ON("one") "test(\"four of them fire it\", function(t)\n  ann = t:visitor()\n  "
                       "ann:sends(3, shop)\n  ann:gets_no \"i\"\n  ann:sends(shop)\n  ann:gets "
                       "\"i\"\n  ann:has(\"g:one\", 4)\nend)\n";
    static const char *const bad =
        SHOP("one") RULE_ON("one") "test(\"two of them fire it\", function(t)\n  ann = "
                                   "t:visitor()\n  ann:sends(2, shop)\n  ann:gets \"i\"\nend)\n";
    write_file(y, "a.lua", bad);
    reload(y);
    CHECK(!y->ok && !has(y, "g:one"));
    CHECK(says(y, "a.lua", ""));
    CHECK_INT(error_line(y), 12); /* the step that failed */
    CHECK_STR(status_of(y, "a.lua"), "not_loaded");
    write_file(y, "a.lua", good);
    reload(y);
    CHECK(y->ok && has(y, "g:one"));
    CHECK(stat_get(STAT_INTERVENTIONS_FIRED) == 0, "trials are not counted");
    write_file(y, "a.lua", bad);
    reload(y);
    CHECK(!y->ok && has(y, "g:one"));
    CHECK_STR(status_of(y, "a.lua"), "last_good_version_kept");
    /* a function that fails is no change of what it reads */
    write_file(y, "b.lua",
               "intervention \"f\" { when = criterion(attribute \"g:one\", function(n)\n  if n == "
               "3 then error(\"no\") end\n  return n >= 2\nend) }\n"
               "intervention \"e\" { when = none { criterion(attribute \"g:one\", function(n)\n  "
               "if n == 3 then error(\"no\") end\n  return true\nend) } }\n"
               "test(\"once\", function(t)\n  ann = t:visitor()\n  ann:sends(2, event "
               "\"v/shop/1-0-0\")\n  ann:gets \"f\"\n  ann:sends(3, event \"v/shop/1-0-0\")\n  "
               "ann:gets_no \"f\"\n  ann:gets_no \"e\"\nend)\n");
    write_file(y, "a.lua", SHOP("one"));
    reload(y);
    CHECK(y->ok);
    for (size_t i = 0; i < y->report.n; i++)
        printf("  %.*s\n", STR_FMT(y->report.items[i].text));
    write_file(y, "b.lua", NULL);
    /* a change in another file makes this one's test fail */
    write_file(y, "a.lua", SHOP("one"));
    write_file(y, "b.lua",
               "test(\"it counts\", function(t)\n  ann = t:visitor()\n  ann:sends(2, event "
               "\"v/shop/1-0-0\")\n  ann:has(\"g:one\", 2)\nend)\n");
    reload(y);
    CHECK(y->ok);
    write_file(y, "a.lua",
               "shop = event \"v/market/1-0-0\"\nattribute_group \"g\" { attribute_key = "
               "\"domain_userid\", attributes = { one = counter():on(shop) } }\n");
    reload(y);
    CHECK(!y->ok && says(y, "b.lua", "") && says(y, "a.lua", "is not taken"));
    struct plan *p = engine_plan(y->e);
    CHECK(str_eqz(p->series[0].matches[0].name, "shop"));
    plan_unref(p);
    yard_free(y);
}

/* A page view of this page at this time, and then what the attribute says. */
static int64_t seen_after(struct yard *y, const char *page, const char *ref)
{
    char text[200];
    struct err err = {0};
    struct str who = STR("d");
    struct arena a;
    struct val v;
    y->now_ms += 1000;
    int n = snprintf(text, sizeof(text),
                     "{\"event\":\"page_view\",\"domain_userid\":\"d\",\"page_url\":\"%s\"}", page);
    struct engine_batch *b = engine_batch_new(WIRE_JSON, 0, (struct str){text, (size_t)n});
    b->meta.collector_ms = y->now_ms;
    memcpy(b->meta.draw, &y->now_ms, sizeof(y->now_ms));
    CHECK(engine_decode(y->e, b, &err) && b->events.n_rejects == 0, "%s", err.text);
    engine_submit(y->e, b, y->now_ms);
    engine_batch_free(b);
    struct plan *p = engine_plan(y->e);
    uint32_t attr = (uint32_t)plan_find_attr(p, str_of(ref));
    arena_init(&a);
    CHECK(engine_read(y->e, p, &attr, &who, 1, y->now_ms, &a, &v, &err), "%s", err.text);
    int64_t seen = v.type == VAL_INT ? v.i : -1;
    arena_fini(&a);
    plan_unref(p);
    return seen;
}

#define LONG_PAGES(more, limit)                                                                    \
    "local least = " limit "\n"                                                                    \
    "attribute_group \"g\" { attribute_key = \"domain_userid\", attributes = {\n"                  \
    "  pages = counter():on(page_view):where(criterion(atomic.page_url, function(url)\n"           \
    "    return long(url) and #url > least" more "\n"                                              \
    "  end)) } }\n"
#define WORDS_LONG(limit)                                                                          \
    "page_view = event \"com.snowplowanalytics.snowplow/page_view\"\nfunction long(text) return "  \
    "#text > " limit " end\n"
/* What a function has counted outlives a reload that leaves the function as it is, and no other. */
static void criterion_functions(void)
{
    static const struct {
        const char *file, *text;
        int64_t seen; /* after the reload and one more page view */
        const char *what;
    } steps[] = {
        {"a.lua", LONG_PAGES("", "3"), 1, "the first"},
        {"a.lua", "-- a comment\n\n" LONG_PAGES("", "3"), 2, "a comment above"},
        {"a.lua",
         "other = days(3)\nlocal function f(x)\n  return x\nend\nlog(f(3))\n" LONG_PAGES(
             " -- yes", "2 + 1 --[[ three ]]"),
         3, "moved"},
        {"words.lua", "-- words\n" WORDS_LONG("2"), 4, "a comment in words.lua"},
        {"a.lua", LONG_PAGES("", "4"), 1, "an upvalue"},
        {"a.lua", LONG_PAGES(" and url ~= 'x'", "4"), 1, "its text"},
        {"words.lua", WORDS_LONG("1"), 1, "a helper in words.lua"},
        {"words.lua", "-- again\n" WORDS_LONG("1"), 2, "and from then on"},
    };
    struct yard *y = yard_new();
    write_file(y, "words.lua", WORDS_LONG("2"));
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        write_file(y, steps[i].file, steps[i].text);
        reload(y);
        CHECK(y->ok && generation(y) == i + 1, "%s: %.*s", steps[i].what,
              y->report.n ? (int)y->report.items[0].text.n : 0,
              y->report.n ? y->report.items[0].text.p : "");
        int64_t seen = seen_after(y, "https://shop", "g:pages");
        CHECK(seen == steps[i].seen, "%s: %" PRId64, steps[i].what, seen);
    }
    yard_free(y);
}

static double score_of(struct yard *y, const struct val *values)
{
    struct plan *p = engine_plan(y->e);
    struct score_result result = {0};
    struct err err = {0};
    struct arena a;
    arena_init(&a);
    bool ok = p->n_scores == 1 && score_run(p, &p->scores[0], 0, values, false, &a, &result, &err);
    CHECK(ok, "%s", err.text);
    double score = result.score;
    arena_fini(&a);
    plan_unref(p);
    return score;
}

#define TWO(extra)                                                                                 \
    "attribute_group \"g\" { attribute_key = \"user_id\", attributes = { " extra                   \
    "x = counter():on(event \"*\"), y = counter():on(event \"a/b\") } }\nservice \"s\" { "         \
    "attribute_groups = { \"g\" } }\n"
#define NEW "w = counter():on(event \"c/d\"), "
#define SCORE(formula)                                                                             \
    "score \"sc\" { service = \"s\", formula = function(a)\n  return " formula "\nend }\n"

/* A formula is tried with the names of its service, and a plan in force keeps the names it was built with. */
static void scores(void)
{
    struct yard *y = yard_new();
    struct val values[] = {val_int(2), val_int(3)}, three[] = {val_int(7), val_int(2), val_int(3)};
    write_file(y, "a.lua", TWO(""));
    write_file(y, "b.lua", SCORE("(a.x or 0) + 10 * (a.z or 0)"));
    reload(y);
    CHECK(!y->ok && says(y, "b.lua", "the service has no attribute \"z\""));
    CHECK_INT(error_line(y), 2);
    CHECK_STR(status_of(y, "b.lua"), "not_loaded");
    write_file(y, "b.lua", SCORE("(a.x or 0) + 10 * (a.y or 0)"));
    reload(y);
    CHECK(y->ok && score_of(y, values) == 32);
    struct plan *old = engine_plan(y->e);
    /* refused: nothing of it may stay behind */
    write_file(
        y, "a.lua",
        TWO(NEW) "test(\"no\", function(t)\n  ann = t:visitor()\n  ann:has(\"g:x\", 7)\nend)\n");
    reload(y);
    CHECK(!y->ok && score_of(y, values) == 32);
    write_file(y, "a.lua", TWO(NEW));
    reload(y);
    CHECK(y->ok && score_of(y, three) == 32);
    /* a request that began with the plan before */
    struct score_result result;
    struct arena a;
    arena_init(&a);
    CHECK(score_run(old, &old->scores[0], 0, values, false, &a, &result, NULL) &&
          result.score == 32);
    arena_fini(&a);
    plan_unref(old);
    CHECK(score_of(y, three) == 32);
    /* what a score reads cannot be taken away from it */
    write_file(y, "a.lua",
               "attribute_group \"g\" { attribute_key = \"user_id\", attributes = { x = "
               "counter():on(event \"*\") } }\nservice \"s\" { attribute_groups = { \"g\" } }\n");
    reload(y);
    CHECK(!y->ok && has(y, "g:y") && score_of(y, three) == 32);
    CHECK(says(y, "b.lua", "the service has no attribute \"y\"") &&
          says(y, "a.lua", "is not taken"));
    yard_free(y);
}

static void checking(void)
{
    struct yard *y = yard_new();
    write_file(y, "a.lua",
               SHOP("one") "test(\"none\", function(t)\n  ann = t:visitor()\n  ann:has(\"g:one\", "
                           "nil)\nend)\n");
    struct script_limits limits = unhurried();
    struct rules *r = rules_new(str_of(y->dir), 1, &limits);
    struct buf out = {0};
    CHECK(rules_check(r, true, &y->report, &out));
    CHECK(out.n && memmem(out.p, out.n, "ok  ", 4), "%.*s", (int)out.n, out.p ? out.p : "");
    rules_free(r);
    write_file(y, "a.lua",
               SHOP("one") "test(\"none\", function(t)\n  ann = t:visitor()\n  ann:has(\"g:one\", "
                           "5)\nend)\n");
    out.n = 0;
    r = rules_new(str_of(y->dir), 1, &limits);
    CHECK(!rules_check(r, true, &y->report, &out));
    CHECK(out.n && memmem(out.p, out.n, "FAIL", 4));
    rules_free(r);
    buf_fini(&out);
    r = rules_new(STR("/nowhere/at/all"), 1, &limits);
    plan_report_fini(&y->report);
    plan_report_init(&y->report);
    CHECK(!rules_check(r, false, &y->report, NULL));
    rules_free(r);
    yard_free(y);
}

/* Opening a pipe waits until somebody writes to it: one with a rule's name held up every reload, and the start. */
static void pipe_in_folder(void)
{
    struct yard *y = yard_new();
    char path[100];
    snprintf(path, sizeof(path), "%s/p.lua", y->dir);
    write_file(y, "a.lua", SHOP("one"));
    CHECK_INT(mkfifo(path, 0600), 0);
    alarm(120);
    reload(y);
    alarm(0);
    CHECK(!y->ok && has(y, "g:one"));
    CHECK(y->report.n == 1 && str_eqz(y->report.items[0].text, "is not a file"));
    yard_free(y);
}

/* A subfolder that cannot be read is not one whose files were deleted. */
static void unreadable_folder(void)
{
    struct yard *y = yard_new();
    char sub[100], away[100];
    snprintf(sub, sizeof(sub), "%s/team", y->dir);
    snprintf(away, sizeof(away), "%s/team/a.lua", y->dir);
    mkdir(sub, 0700);
    write_file(y, "team/a.lua", SHOP("one"));
    reload(y);
    CHECK(y->ok && has(y, "g:one"));
    if (geteuid() != 0) { /* root reads everything */
        chmod(sub, 0);
        reload(y);
        CHECK(!y->ok && has(y, "g:one"));
        chmod(sub, 0700);
    }
    unlink(away);
    mkdir(away, 0700); /* a folder with a rule's name is only a folder */
    reload(y);
    CHECK(y->ok && !has(y, "g:one"));
    yard_free(y);
}

int main(void)
{
    log_init(LOG_ERROR + 1, NULL); /* the report is what is looked at */
    broken_file();
    together_and_singly();
    deleted();
    words();
    criterion_functions();
    tests_in_files();
    scores();
    checking();
    pipe_in_folder();
    unreadable_folder();
    return check_done();
}
