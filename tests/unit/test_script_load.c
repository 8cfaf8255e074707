/* test_script_load.c -- rule files through script.h, with a stand-in for the language, so that this
 * room's part is seen alone.
 * SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "check.h"
#include "script/file.h"
#include "unhurried.h"

/* desc(t) gives the description, fn(kind, rule, f) a function; SCAN in a text is refused before
 * it runs. */
static const char stand_in[] =
    "local load_module = ...\n"
    "local L = {}\n"
    "function L.scan(path, text) if text:find('SCAN', 1, true) then return {line = 3, text = "
    "'scanned in ' .. path} end end\n"
    "function L.new(host)\n"
    "  local S = {functions = {}, function_info = {}}\n"
    "  local desc, problems, names = {file = 'x', defs = {}}, {}, {}\n"
    "  local env = {type = type, error = error, pcall = pcall, tostring = host.wrap.tostring, "
    "pairs = pairs, math = math, log = host.wrap.log,\n"
    "    inf = math.huge}\n"
    "  function env.desc(t) desc = t end\n"
    "  function env.problem(t) problems[#problems + 1] = t end\n"
    "  function env.fn(kind, rule, f)\n"
    "    local n = #S.functions + 1\n"
    "    S.functions[n] = f\n"
    "    S.function_info[n] = {kind = kind, rule = rule, file = S.path, line = debug.getinfo(2, "
    "'l').currentline}\n"
    "    return n\n"
    "  end\n"
    "  function S.run_words(path, text)\n"
    "    S.path = path\n"
    "    local f, message = host.load(text, path)\n"
    "    if not f then return nil, {{file = path, line = 1, text = message}} end\n"
    "    setfenv(f, env)()\n"
    "    return true\n"
    "  end\n"
    "  S.run = S.run_words\n"
    "  function S.finish() return desc, problems end\n"
    "  function S.name_args(n, list) names[n] = list end\n"
    "  function S.call(n, args, count)\n"
    "    local f, list, used = S.functions[n], names[n], nil\n"
    "    if S.function_info[n].kind ~= 'formula' then return f(unpack(args, 1, count)) end\n"
    "    used = {}\n"
    "    return f(setmetatable({}, {__index = function(_, key)\n"
    "      for i = 1, #list do if list[i] == key then used[i] = true return args[i] end end\n"
    "      error('no attribute ' .. key, 2)\n"
    "    end})), used\n"
    "  end\n"
    "  function S.try_formulas() return {} end\n"
    "  function S.run_test(n, h)\n"
    "    local ok, message = S.functions[n](h)\n"
    "    if ok == false then return nil, message end\n"
    "    return true\n"
    "  end\n"
    "  return S\n"
    "end\n"
    "return L\n";
static const struct library_module modules[] = {{"signalbox", stand_in, sizeof(stand_in) - 1}};
static const struct library library = {modules, 1};

#define PATH  STR("rules/t.lua")
#define WORDS STR("rules/words.lua")

static struct script_file *load(const char *text, unsigned lanes,
                                const struct script_limits *limits, struct plan_report *report)
{
    return file_load(&library, PATH, str_of(text), WORDS, (struct str){0}, lanes, limits, report);
}

/* Loads what must load. Its limits stay unhurried until the test sets others. */
static struct script_file *load_good(const char *text, unsigned lanes)
{
    struct plan_report report;
    struct script_limits limits = unhurried();
    plan_report_init(&report);
    struct script_file *f = load(text, lanes, &limits, &report);
    CHECK(f && report.n == 0, "%s: %.*s", text, f ? 0 : STR_FMT(report.items[0].text));
    plan_report_fini(&report);
    return f;
}

/* A stop says where, but not always in the same place: time may end in any line. */
static void check_stopped(const struct err *err, const char *end)
{
    static const char begin[] = "rules/t.lua:";
    size_t n = strlen(err->text), n_end = strlen(end);
    CHECK(!strncmp(err->text, begin, sizeof(begin) - 1) && n > n_end &&
              !strcmp(err->text + n - n_end, end),
          "%s, want ...%s", err->text, end);
}

/* -- The description */

static void test_description(void)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"desc {}", "[]"},
        {"desc {1, 2.5, 'x', true, {}}", "[1,2.5,\"x\",true,[]]"},
        {"desc {b = 1, a = {c = {1, 2}}, B = false}", "{\"B\":false,\"a\":{\"c\":[1,2]},\"b\":1}"},
        {"desc {n = 9007199254740993, m = -3, big = 1e300, z = -0.0}",
         "{\"big\":1e+300,\"m\":-3,\"n\":9007199254740992,\"z\":0}"},
        {"desc {fn = fn('criterion', 'r', function() end), g = fn('criterion', 'r', type)}",
         "{\"fn\":1,\"g\":2}"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct script_file *f = load_good(cases[i].text, 1);
        struct buf json = {0};
        val_write_json(&json, script_file_desc(f));
        buf_putc(&json, 0);
        CHECK_STR(json.p, cases[i].json);
        buf_fini(&json);
        script_file_unref(f);
    }
}

static void check_problem(const char *text, uint32_t line, const char *want)
{
    struct plan_report report;
    plan_report_init(&report);
    struct script_limits limits = unhurried();
    if (strstr(want, "500 ms")) /* long enough to be in the loop by then */
        limits.load_us = 500000;
    struct script_file *f = load(text, 2, &limits, &report);
    CHECK(!f && report.n == 1 && plan_report_failed(&report), "%s: %zu problems", text, report.n);
    if (report.n > 0) {
        CHECK(str_eqz(report.items[0].file, "rules/t.lua"));
        CHECK_INT(report.items[0].line, line);
        CHECK(str_eqz(report.items[0].text, want), "%s: %.*s", text, STR_FMT(report.items[0].text));
    }
    script_file_unref(f);
    plan_report_fini(&report);
}

static void test_problems(void)
{
    check_problem("x = 1 -- SCAN", 3, "scanned in rules/t.lua");
    check_problem("\nwhile true do end", 2, "stopped: more than 500 ms of CPU time");
    check_problem("local t = {}\nfor i = 1, 1e9 do\n t[i] = {} end", 3,
                  "stopped: more than 8 MiB of memory");
    check_problem("local x\n\nx()", 3, "attempt to call local 'x' (a nil value)");
    check_problem("problem {line = 4, text = 'odd', file = 'rules/t.lua'}", 4, "odd");
    check_problem(
        "desc {1, nil, 3}", 0,
        "the description has a table that is neither a list without holes nor a table of names");
    check_problem(
        "desc {1, x = 2}", 0,
        "the description has a table that is neither a list without holes nor a table of names");
    check_problem("desc {inf}", 0, "the description has a number that is not finite");
    check_problem("desc {inf - inf}", 0, "the description has a number that is not finite");
    check_problem("desc {f = type}", 0, "the description has a function in it");
    check_problem("local t = {} t[1] = t desc(t)", 0,
                  "the description is nested more than 32 deep");
    check_problem("local t = {} for i = 1, 20 do t = {t, t, t} end desc(t)", 0,
                  "the description has more than 100000 values");
    check_problem("local s = 'xxxxxxxx' for i = 1, 16 do s = s .. s end local t = {} for i = 1, 99 "
                  "do t[i] = s end desc(t)",
                  0, "the description has more than 4194304 bytes of text");
    struct plan_report report;
    struct script_limits limits = unhurried();
    plan_report_init(&report);
    struct script_file *f =
        load("problem {line = 2, text = 'perhaps', rule = 'score \"p\"', warning = true}", 1,
             &limits, &report);
    CHECK(f && report.n == 1 && report.items[0].warning && !plan_report_failed(&report));
    CHECK(str_eqz(report.items[0].rule, "score \"p\"") && report.items[0].line == 2);
    script_file_unref(f);
    char *large = malloc((1 << 20) + 2);
    memset(large, ' ', (1 << 20) + 1);
    large[(1 << 20) + 1] = 0;
    CHECK(!load(large, 1, &limits, &report));
    CHECK(str_eqz(report.items[1].text, "the file is larger than 1024 KiB"));
    free(large);
    plan_report_fini(&report);
}

/* Words run first, in the same state; their mistakes are theirs. */
static void test_words(void)
{
    struct plan_report report;
    struct script_limits limits = unhurried();
    plan_report_init(&report);
    struct script_file *f = file_load(&library, PATH, STR("desc {n = seven()}"), WORDS,
                                      STR("function seven() return 7 end"), 2, &limits, &report);
    CHECK(f && val_get(script_file_desc(f), "n")->i == 7);
    CHECK_INT(f->n_lanes, 0); /* no function: no state is kept */
    script_file_unref(f);
    f = file_load(&library, PATH, STR("desc {}"), WORDS, STR("\nlocal x\nx()"), 2, &limits,
                  &report);
    CHECK(!f && report.n == 1 && str_eqz(report.items[0].file, "rules/words.lua") &&
          report.items[0].line == 3);
    plan_report_fini(&report);
}

/* -- Calls */

static struct plan_fn *function(struct script_file *f, size_t n)
{
    struct plan_source source = script_file_source(f);
    return source.fn(source.ctx, n);
}

static void test_calls(void)
{
    struct script_file *f = load_good(
        "fn('criterion', 'intervention \"a\"', function(x, y) return x == y end)\n"
        "fn('criterion', 'b', function(...) return {...} end)\n"
        "fn('formula', 'score \"p\"', function(a)\n  return (a.one or 10) + #(a.two or {}) end)\n"
        "fn('criterion', 'c', function(d) return d.k.l[2] end)\n"
        "fn('criterion', 'd', function(x) return x end)\n"
        "fn('test', 't', function() end)\n"
        "fn('criterion', 'e', function() local x\n x.y = 1 end)\n"
        "fn('criterion', 'f', function() return 0 / 0 end)\n"
        "fn('criterion', 'g', function() return nil .. 'x' end)\n",
        3);
    struct arena arena;
    arena_init(&arena);
    struct val out, text = val_str((struct str){"a\0b", 3});
    struct err err = {.set = false};
    struct val same[] = {text, text}, other[] = {text, val_int(3)};
    struct plan_fn *fn = function(f, 1);
    for (unsigned lane = 0; lane < 3; lane++) {
        CHECK(fn->call(fn, lane, same, 2, &arena, &out, NULL, &err) && out.type == VAL_BOOL &&
              out.b);
        CHECK(fn->call(fn, lane, other, 2, &arena, &out, NULL, &err) && out.type == VAL_BOOL &&
              !out.b);
    }
    CHECK(!fn->call(fn, 3, same, 2, &arena, &out, NULL, &err));
    err.set = false;
    struct val list = val_list(&arena, 2);
    list.items[0] = val_int(INT64_C(1) << 60);
    list.items[1] = val_dbl(0.5);
    struct val all[] = {list, val_bool(true), val_dbl(2), text};
    CHECK(function(f, 2)->call(function(f, 2), 0, all, 4, &arena, &out, NULL, &err), "%s",
          err.text);
    struct val want = val_list(&arena, 4);
    memcpy(want.items, all, sizeof(all));
    CHECK(val_eq(out, want) && out.items[2].type == VAL_INT);
    struct val dict = val_dict(&arena, 1), inner = val_dict(&arena, 1);
    size_t used_pairs = 0;
    dict_put(&inner, &used_pairs, STR("l"), list);
    used_pairs = 0;
    dict_put(&dict, &used_pairs, STR("k"), inner);
    CHECK(function(f, 4)->call(function(f, 4), 0, &dict, 1, &arena, &out, NULL, &err) &&
          out.type == VAL_DBL && out.d == 0.5);
    CHECK(function(f, 5)->call(function(f, 5), 0, &val_null, 1, &arena, &out, NULL, &err) &&
          out.type == VAL_NULL);
    CHECK(function(f, 5)->call(function(f, 5), 0, NULL, 0, &arena, &out, NULL, &err) &&
          out.type == VAL_NULL);

    /* formulas: names, flags, new names */
    struct plan_source source = script_file_source(f);
    struct str names[] = {STR("zero"), STR("one"), STR("two")};
    bool used[3] = {true, false, true};
    fn = function(f, 3);
    struct plan_fn *first = fn = source.name_args(source.ctx, 3, names, 3);
    struct val args[] = {val_int(1), val_null, list};
    CHECK(fn->call(fn, 1, args, 3, &arena, &out, used, &err) && val_eq(out, val_int(12)), "%s",
          err.text);
    CHECK(!used[0] && used[1] && used[2]);
    names[0] = STR("one");
    names[1] = STR("zero");
    fn = source.name_args(source.ctx, 3, names, 3);
    CHECK(fn != first && source.name_args(source.ctx, 3, names, 3) == fn);
    CHECK(fn->call(fn, 1, args, 3, &arena, &out, used, &err) && val_eq(out, val_int(3)));
    CHECK(used[0] && !used[1] && used[2]);
    /* a plan that is still in force goes on with its own names */
    CHECK(first->call(first, 1, args, 3, &arena, &out, used, &err) && val_eq(out, val_int(12)));
    CHECK(!used[0] && used[1] && used[2]);
    names[2] = STR("three");
    fn = source.name_args(source.ctx, 3, names, 3);
    CHECK(!fn->call(fn, 2, args, 3, &arena, &out, used, &err));
    CHECK_STR(err.text, "rules/t.lua:4: score \"p\": no attribute two");

    /* errors count, and do not quarantine */
    int64_t errors = stat_get(STAT_RULE_ERRORS);
    for (int i = 0; i < 5; i++) {
        err.set = false;
        CHECK(!function(f, 7)->call(function(f, 7), 0, NULL, 0, &arena, &out, NULL, &err) &&
              out.type == VAL_NULL);
        CHECK_STR(err.text, "rules/t.lua:9: e: attempt to index local 'x' (a nil value)");
    }
    CHECK_INT(stat_get(STAT_RULE_ERRORS) - errors, 5);
    CHECK(!function(f, 7)->quarantined(function(f, 7)));
    err.set = false;
    CHECK(!function(f, 8)->call(function(f, 8), 0, NULL, 0, &arena, &out, NULL, &err));
    CHECK_STR(err.text, "rules/t.lua:10: f: the answer has a number that is not finite");
    CHECK(!source.fn(source.ctx, 0) && !source.fn(source.ctx, 6) && !source.fn(source.ctx, 10));
    arena_fini(&arena);
    CHECK(script_file_ref(f) == f);
    script_file_unref(f);
    script_file_unref(f);
}

static void test_quarantine(void)
{
    struct script_file *f = load_good(
        "fn('formula', 'score \"prospect\"', function(a)\n  while a.x do end\n  return 1 end)\n"
        "fn('criterion', 'c', function() local t = {}\n while true do t[#t + 1] = {} end end)\n",
        3);
    struct arena arena;
    arena_init(&arena);
    struct val out, yes = val_bool(true), no = val_bool(false);
    struct plan_source source = script_file_source(f);
    struct plan_fn *fn = source.name_args(source.ctx, 1, &STR("x"), 1);
    int64_t quarantined = stat_get(STAT_RULE_QUARANTINED), errors = stat_get(STAT_RULE_ERRORS);
    script_file_engine_lane(f, 2);
    for (unsigned lane = 0; lane < 3; lane++) {
        struct err err = {.set = false};
        f->limits = unhurried();
        CHECK(fn->call(fn, lane, &no, 1, &arena, &out, NULL, &err) && val_eq(out, val_int(1)), "%s",
              err.text);
        CHECK(!fn->quarantined(fn));
        f->limits = script_limits_default;
        CHECK(!fn->call(fn, lane, &yes, 1, &arena, &out, NULL, &err));
        check_stopped(&err, lane == 2
                                ? ": score \"prospect\": stopped: more than 1 ms of CPU time"
                                : ": score \"prospect\": stopped: more than 10 ms of CPU time");
    }
    struct err err = {.set = false};
    CHECK(fn->quarantined(fn));
    CHECK(!fn->call(fn, 0, &no, 1, &arena, &out, NULL, &err));
    CHECK_STR(err.text,
              "rules/t.lua:1: score \"prospect\": stopped 3 times and not called any more");
    CHECK_INT(stat_get(STAT_RULE_QUARANTINED) - quarantined, 1);
    CHECK_INT(stat_get(STAT_RULE_ERRORS) - errors, 3);
    script_file_unref(f);
    CHECK_INT(stat_get(STAT_RULE_QUARANTINED), quarantined);

    /* there is time enough, so that memory ends first */
    f = load_good(
        "\nfn('criterion', 'c', function() local t = {}\n while true do t[#t + 1] = {} end end)\n",
        1);
    err.set = false;
    CHECK(!function(f, 1)->call(function(f, 1), 0, NULL, 0, &arena, &out, NULL, &err));
    CHECK_STR(err.text, "rules/t.lua:3: c: stopped: more than 8 MiB of memory");
    script_file_unref(f);
    arena_fini(&arena);
}

/* Calls behind the engine's door do not pay for the collector, and yet it keeps up with them. */
static void test_garbage(void)
{
    struct script_file *f =
        load_good("fn('criterion', 'c', function(n)\n  local t = {}\n"
                  "  for i = 1, 50 do t[i] = {i, n} end\n  return #t == 50 end)\n",
                  2);
    f->limits.inside_us = script_limits_default.inside_us;
    f->limits.strikes = UINT_MAX; /* those that are stopped leave garbage too */
    script_file_engine_lane(f, 1);
    struct arena arena;
    arena_init(&arena);
    size_t before = f->lanes[1].box->used, most = 0;
    for (int i = 0; i < 5000; i++) {
        struct val out, n = val_int(i);
        function(f, 1)->call(function(f, 1), 1, &n, 1, &arena, &out, NULL, NULL);
        most = MAX_OF(most, f->lanes[1].box->used);
        arena_reset(&arena);
    }
    CHECK(most < 4 * before + (256 << 10), "%zu bytes, and %zu at first", most, before);
    arena_fini(&arena);
    script_file_unref(f);
}

/* Lanes at once: each thread has one; some calls are stopped, names come meanwhile. */
struct user {
    struct script_file *file;
    struct plan_fn *fn;
    unsigned lane;
    int good, stopped;
};

static void *use_lane(void *arg)
{
    struct user *u = arg;
    struct plan_fn *fn = u->fn;
    struct arena arena;
    arena_init(&arena);
    for (int i = 0; i < 400; i++) {
        struct val out, arg_val = val_int(i % 200 == 50 ? -1 : i);
        struct err err = {.set = false};
        bool used;
        bool ok = fn->call(fn, u->lane, &arg_val, 1, &arena, &out, &used, &err);
        u->good += ok && val_eq(out, val_int(2 * i));
        u->stopped += !ok && strstr(err.text, "stopped: more than 300 ms") != NULL;
        arena_reset(&arena);
    }
    arena_fini(&arena);
    script_file_unref(u->file);
    return NULL;
}

static void test_lanes(void)
{
    struct script_file *f =
        load_good("fn('formula', 'p', function(a) while a.x < 0 do end return 2 * a.x end)", 4);
    f->limits.call_us =
        300000; /* for the good calls too: more than a busy machine takes away at once */
    f->limits.strikes = 1000;
    struct plan_source source = script_file_source(f);
    struct plan_fn *fn = source.name_args(source.ctx, 1, &STR("x"), 1);
    struct user users[4];
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++) {
        users[i] = (struct user){.file = script_file_ref(f), .fn = fn, .lane = i};
        pthread_create(&threads[i], NULL, use_lane, &users[i]);
    }
    struct str more[] = {STR("x"), STR("y")};
    for (int i = 0; i < 20; i++)
        source.name_args(source.ctx, 1, more, 1 + (size_t)i % 2);
    script_file_unref(f);
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(users[i].good, 398);
        CHECK_INT(users[i].stopped, 2);
    }
}

/* -- Test blocks */

static bool host_send(void *ctx, const struct val *event, struct arena *arena, struct val *ids,
                      struct err *err)
{
    struct buf *log = ctx;
    size_t used = 0;
    buf_puts(log, "send ");
    val_write_json(log, event);
    if (val_get(event, "bad"))
        return err_set(err, "no such column: bad");
    buf_puts(log, "\n");
    *ids = val_dict(arena, 1);
    dict_put(ids, &used, STR("cart"), val_str(STR("7")));
    return true;
}

static bool host_wait(void *ctx, int64_t ms, struct err *err)
{
    buf_printf(ctx, "wait %lld\n", (long long)ms);
    return true;
}

static bool host_read(void *ctx, const struct val *ids, struct str attribute, struct arena *arena,
                      struct val *out, struct err *err)
{
    struct buf *log = ctx;
    buf_printf(log, "read %.*s ", STR_FMT(attribute));
    val_write_json(log, ids);
    buf_puts(log, "\n");
    *out = str_eqz(attribute, "g:n") ? val_str(arena_str(arena, STR("seven"))) : val_null;
    return true;
}

static bool host_take(void *ctx, const struct val *ids, struct str intervention,
                      struct arena *arena, struct val *out, struct err *err)
{
    size_t used = 0;
    *out = val_dict(arena, 1);
    if (str_eqz(intervention, "none"))
        *out = val_null;
    else
        dict_put(out, &used, STR("code"), val_int(9));
    return true;
}

/* The engine may call a function of the very file, and lane, whose test is running. */
static bool host_send_calling(void *ctx, const struct val *event, struct arena *unused,
                              struct val *ids, struct err *err)
{
    struct script_file *f = ctx;
    struct plan_fn *fn = function(f, 1);
    struct arena arena;
    struct val out;
    arena_init(&arena);
    bool ok = fn->call(fn, 0, event, 1, &arena, &out, NULL, err);
    arena_fini(&arena);
    return ok;
}

static void test_host(void)
{
    struct script_file *f = load_good(
        "fn('criterion', 'c', function(e) local t = {} for i = 1, 50 do t[i] = {e.n} end return "
        "e.n > 0 end)\n"
        "fn('test', 'test \"good\"', function(t)\n"
        "  if t.send {event = 'pv', n = 3}.cart ~= '7' then return false, 'no cart' end\n"
        "  t.wait(60000)\n"
        "  return t.read({user_id = 'u'}, 'g:n') == 'seven' and t.read({}, 'g:m') == nil\n"
        "    and t.take({}, 'x').code == 9 and t.take({}, 'none') == nil end)\n"
        "fn('test', 'test \"bad\"', function(t)\n"
        "  t.send {bad = 1} end)\n"
        "fn('test', 'test \"no\"', function(t) return false, 'rules/t.lua:9: so it is' end)\n"
        "fn('test', 'test \"loop\"', function(t)\n  while true do end end)\n"
        "fn('test', 'test \"calls\"', function(t) for i = 1, 50 do t.send {n = 1} end kept = t "
        "end)\n"
        "fn('test', 'test \"loop with calls\"', function(t) while true do t.send {n = 1} end end)\n"
        "fn('criterion', 'later', function() kept.wait(1) end)\n",
        1);
    struct buf log = {0};
    struct script_host host = {&log, host_send, host_wait, host_read, host_take};
    struct err err = {.set = false};
    CHECK(script_run_test(f, 2, 0, &host, &err), "%s", err.text);
    buf_putc(&log, 0);
    CHECK_STR(
        log.p,
        "send {\"event\":\"pv\",\"n\":3}\nwait 60000\nread g:n {\"user_id\":\"u\"}\nread g:m []\n");
    CHECK(!script_run_test(f, 3, 0, &host, &err));
    CHECK_STR(err.text, "rules/t.lua:8: test \"bad\": no such column: bad");
    err.set = false;
    CHECK(!script_run_test(f, 4, 0, &host, &err));
    CHECK_STR(err.text, "rules/t.lua:9: so it is");
    err.set = false;
    f->limits.test_us = 20000;
    CHECK(!script_run_test(f, 5, 0, &host, &err));
    check_stopped(&err, ": test \"loop\": stopped: more than 20 ms of CPU time");
    f->limits.test_us = UNHURRIED_US;
    err.set = false;
    host = (struct script_host){f, host_send_calling, host_wait, host_read, host_take};
    CHECK(script_run_test(f, 6, 0, &host, &err), "%s", err.text);
    f->limits.test_us = 20000;
    CHECK(!script_run_test(f, 7, 0, &host, &err));
    check_stopped(&err, ": test \"loop with calls\": stopped: more than 20 ms of CPU time");
    f->limits.test_us = UNHURRIED_US;
    err.set = false;
    CHECK(!script_run_test(f, 1, 0, &host, &err) && !script_run_test(f, 9, 0, &host, &err) &&
          !script_run_test(f, 2, 1, &host, &err));
    struct arena arena;
    struct val out;
    arena_init(&arena);
    err.set = false;
    CHECK(!function(f, 8)->call(function(f, 8), 0, NULL, 0, &arena, &out, NULL,
                                &err)); /* a test's host after the test */
    CHECK_STR(err.text, "rules/t.lua:14: later: this is over with its test");
    arena_fini(&arena);
    buf_fini(&log);
    script_file_unref(f);
}

int main(void)
{
    test_description();
    test_problems();
    test_words();
    test_calls();
    test_quarantine();
    test_garbage();
    test_lanes();
    test_host();
    return check_done();
}
