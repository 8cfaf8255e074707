/* test_script_language.c -- the sandbox with the rule language inside: what ships loads, the names a
 * rule has are exactly these, and the language's own handlers hold no stop up.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "check.h"
#include "script/file.h"
#include "unhurried.h"

#define PATH  STR("rules/t.lua")
#define WORDS STR("rules/words.lua")

static char *slurp(const char *path, struct str *text)
{
    FILE *file = fopen(path, "rb");
    CHECK(file, "%s", path);
    if (!file)
        return NULL;
    char *p = xmalloc(1 << 20);
    *text = (struct str){p, fread(p, 1, 1 << 20, file)};
    fclose(file);
    return p;
}

static struct script_file *load_rules(const char *path, const char *file, struct str words,
                                      struct plan_report *report)
{
    struct str text = {0};
    struct script_limits limits = unhurried();
    char *p = slurp(file, &text);
    struct script_file *f = script_load(str_of(path), text, WORDS, words, 2, &limits, report);
    free(p);
    return f;
}

static struct script_file *load_text(const char *text, const struct script_limits *limits,
                                     struct plan_report *report)
{
    return script_load(PATH, str_of(text), WORDS, (struct str){0}, 1, limits, report);
}

static void test_rules(void)
{
    struct plan_report report;
    struct str words = {0};
    plan_report_init(&report);
    char *p = slurp(SOURCE_DIR "/rules/words.lua", &words);
    static const char *const names[] = {"prospect_scoring", "ecommerce"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char path[100], file[500];
        snprintf(path, sizeof(path), "rules/%s.lua", names[i]);
        snprintf(file, sizeof(file), "%s/rules/%s.lua", SOURCE_DIR, names[i]);
        struct script_file *f = load_rules(path, file, words, &report);
        CHECK(f && report.n == 0, "%s: %zu problems", path, report.n);
        if (!f)
            continue;
        const struct val *defs = val_get(script_file_desc(f), "defs");
        CHECK(defs && defs->type == VAL_LIST && defs->n > 2);
        CHECK(str_eqz(val_as_str(*val_get(script_file_desc(f), "file")), path));
        script_file_unref(f);
    }
    free(p);
    plan_report_fini(&report);
    struct buf out = {0};
    script_write_words(&out);
    buf_putc(&out, 0);
    CHECK(!strncmp(out.p, "thing\n  event \"", 15), "%.40s", out.p);
    CHECK(strstr(out.p, "\n\nblock\n  attribute_key \"") != NULL);
    CHECK(strstr(out.p, "\n  attribute_group \"name\" { … }  ") != NULL);
    buf_fini(&out);
}

/* A name that a rule file may use gives true; any other stops the load. The list is all there
 * is: not one more. */
static void test_globals(void)
{
    static const char *const given[] = {
        "assert",       "error",        "ipairs",     "next",        "pairs",
        "pcall",        "rawequal",     "select",     "tonumber",    "tostring",
        "type",         "unpack",       "log",        "string",      "table",
        "math",         "bit",          "string.rep", "string.find", "string.format",
        "table.concat", "table.insert", "table.sort", "math.floor",  "bit.band",
    };
    static const char *const kept[] = {
        "io",
        "os",
        "package",
        "require",
        "module",
        "debug",
        "ffi",
        "jit",
        "load",
        "loadstring",
        "loadfile",
        "dofile",
        "getfenv",
        "setfenv",
        "getmetatable",
        "setmetatable",
        "rawget",
        "rawset",
        "rawlen",
        "newproxy",
        "collectgarbage",
        "gcinfo",
        "coroutine",
        "xpcall",
        "print",
        "_G",
        "_VERSION",
        "arg",
        "host",
        "load_module",
        "L",
        "S",
        "string.dump",
        "table.move",
        "table.foreach",
        "table.foreachi",
        "table.unpack",
        "math.random",
        "math.randomseed",
        "(''):dump()",
        "pairs.x",
        "string.real",
    };
    for (size_t i = 0; i < COUNT_OF(given) + COUNT_OF(kept); i++) {
        char text[200];
        bool want = i < COUNT_OF(given);
        const char *name = want ? given[i] : kept[i - COUNT_OF(given)];
        struct plan_report report;
        plan_report_init(&report);
        snprintf(text, sizeof(text), "local x = %s\nassert(x ~= nil)", name);
        struct script_limits limits = unhurried();
        struct script_file *f = load_text(text, &limits, &report);
        CHECK((f != NULL) == want, "%s: %zu problems", name, report.n);
        script_file_unref(f);
        plan_report_fini(&report);
    }
}

/* The language keeps the sandbox tight: its own pcalls and handlers do not hold a stop up. */
static void test_attacks(void)
{
    static const struct {
        const char *text, *want;
        uint32_t line;
    } cases[] = {
        {"while true do end", "stopped: more than 500 ms", 1},
        {"\nwhile true do pcall(function() while true do end end) end", "stopped: more than 500 ms",
         2},
        {"local t = {}\nfor i = 1, 1e9 do\n  t[i] = { i } end", "stopped: more than ", 3},
        {"local s = 'x' while true do s = s .. s end", "stopped: more than 8 MiB", 1},
        {"local x = string.rep('a', 1e9)", "too large", 1},
        {"local x = ('a'):rep(300000):find('.-b')", "too many steps", 1},
        {"string.upper = nil", "cannot be changed", 1},
        {"table.insert(string, 1)", "", 1},
        {"('x').y = 1", "", 1},
        {"local s = tostring(string.format('%s', {})) error(s)", "table", 1},
        {"local x = 7LL", "", 1},
        {"\x1bLJ\x02\x08", "", 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct script_limits limits = unhurried();
        struct plan_report report;
        plan_report_init(&report);
        if (strstr(cases[i].want, "500 ms")) /* long enough to be in the loop by then */
            limits.load_us = 500000;
        struct script_file *f = load_text(cases[i].text, &limits, &report);
        CHECK(!f && report.n > 0, "%s", cases[i].text);
        if (report.n > 0) {
            char got[300];
            snprintf(got, sizeof(got), "%.*s", STR_FMT(report.items[0].text));
            CHECK(strstr(got, cases[i].want), "%s: %s", cases[i].text, got);
            CHECK(!strstr(got, "0x"), "%s: %s", cases[i].text, got);
            CHECK(cases[i].line == 0 || report.items[0].line == cases[i].line, "%s: line %u: %s",
                  cases[i].text, report.items[0].line, got);
        }
        script_file_unref(f);
        plan_report_fini(&report);
    }
}

/* A formula of the language that is stopped answers well the next time. */
static void test_stopped_formula(void)
{
    struct plan_report report;
    struct script_limits limits = unhurried();
    plan_report_init(&report);
    struct script_file *f = load_text("attribute_group \"g\" { attribute_key = \"user_id\",\n"
                                      "  attributes = { views = counter():on(event \"*\"), pings = "
                                      "counter():on(event \"x.y/z\") } }\n"
                                      "service \"s\" { attribute_groups = { \"g\" } }\n"
                                      "score \"p\" { service = \"s\", formula = function(a)\n"
                                      "  while (a.views or 0) > 5 do pcall(error, {}) end\n"
                                      "  return 2 * (a.views or 0)\n"
                                      "end }\n",
                                      &limits, &report);
    CHECK(f && report.n == 0, "%zu problems", report.n);
    if (f) {
        struct plan_source source = script_file_source(f);
        struct str names[] = {STR("views"), STR("pings")};
        struct plan_fn *fn = source.name_args(source.ctx, 1, names, 2);
        struct arena arena;
        arena_init(&arena);
        for (int i = 0; i < 2; i++) {
            struct val out, good[] = {val_int(4), val_int(1)}, bad[] = {val_int(6), val_null};
            struct err err = {.set = false};
            bool used[2];
            f->limits = script_limits_default;
            CHECK(!fn->call(fn, 0, bad, 2, &arena, &out, used, &err));
            CHECK(!strncmp(err.text, "rules/t.lua:", 12) &&
                      strstr(err.text, ": score \"p\": stopped: more than 10 ms of CPU time"),
                  "%s", err.text);
            f->limits = limits;
            CHECK(fn->call(fn, 0, good, 2, &arena, &out, used, &err) && val_eq(out, val_int(8)));
            CHECK(used[0] && !used[1]);
        }
        arena_fini(&arena);
        script_file_unref(f);
    }
    plan_report_fini(&report);
}

int main(void)
{
    test_rules();
    test_globals();
    test_attacks();
    test_stopped_formula();
    return check_done();
}
