/* test_script_sandbox.c -- what a rule may try against the program: time, memory, reach; each is
 * stopped within its budget and the state is as good as before.
 * SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "script/box_of_text.h"

/* The slack is for sanitizers, for a collection of a full state, and for what a busy machine takes
 * away; PLENTY is for what must not be stopped, and LONG enough to be in the loop when it ends. */
enum { BUDGET_US = 10000, SLACK_US = 1000000, LONG_US = 400000, PLENTY_US = 60000000 };

static int64_t cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool usable(struct box *b)
{
    struct box_run r;
    struct box_trouble t;
    bool ok = box_run(b, "run",
                      "local t = {} for i = 1, 100 do t[i] = tostring(i):rep(2) end return "
                      "#table.concat(t) .. ' ' .. ('x'):rep(3)",
                      PLENTY_US, &r, &t);
    if (!ok)
        printf("not usable: stop %d: %s, %zu bytes\n", t.stop, t.text, b->used);
    return ok && strcmp(r.answer, "384 xxx") == 0 && lua_gettop(b->L) == 0 && !lua_gethook(b->L);
}

struct attack {
    const char *text;
    enum box_stop stop;
};

static const struct attack attacks[] = {
    /* time */
    {"while true do end", BOX_TIME},
    {"for i = 1, 1e15 do end", BOX_TIME},
    {"local function f() return f() end f()", BOX_TIME},
    {"repeat until false", BOX_TIME},
    {"while true do pcall(function() while true do end end) end", BOX_TIME},
    {"local function f() pcall(f) while true do end end while true do pcall(f) end", BOX_TIME},
    {"while true do pcall(error, {}) end", BOX_TIME},
    {"pcall(function() while true do end end) return 'went on'", BOX_TIME},
    {"return pcall(function() while true do end end)", BOX_TIME},
    {"return pcall(pcall, pcall, function() repeat pcall(pcall) until false end)", BOX_TIME},
    {"local t = {} for i = 1, 1e15 do t[i % 10] = i end", BOX_TIME},
    {"while true do ('a'):rep(1000):gsub('a', function() end) end", BOX_TIME},
    {"('a'):rep(1000):gsub('a', function() while true do end end)", BOX_TIME},
    {"table.sort({3, 2, 1}, function() while true do end end)", BOX_TIME},
    {"local t = {} for i = 1, 2e4 do t[i] = i % 7 end while true do table.sort(t) end", BOX_TIME},
    {"while true do pcall(string.find, ('a'):rep(5000), '.-b') end", BOX_TIME},
    {"while true do pcall(string.find, ('a'):rep(40), ('a*'):rep(20) .. 'b') end", BOX_TIME},
    {"while true do log('x') end", BOX_TIME},
    {"while true do local t = {unpack({}, 1, 4000)} end", BOX_TIME},
    {"local s = ('x'):rep(1e5) while true do s:upper():lower():reverse():byte(1, 100) end",
     BOX_TIME},
    {"while true do tostring({}) string.format('%99.99f', 1e300) end", BOX_TIME},
    /* memory */
    {"local t = {} for i = 1, 1e9 do t[i] = {} end", BOX_MEMORY},
    {"local s = 'x' while true do s = s .. s end", BOX_MEMORY},
    {"local t = {} for i = 1, 1e9 do t['k' .. i] = i end", BOX_MEMORY},
    {"local t = {} for i = 1, 1e7 do local ok, e = pcall(function(k) t[#t + 1] = {k, tostring(k)} "
     "end, i) if not ok then t = {} end end",
     BOX_MEMORY},
    {"local t = {} for i = 1, 1e7 do pcall(function(k) t[#t + 1] = tostring(k) end, i) end",
     BOX_MEMORY},
    {"local t = {} for i = 1, 1e7 do pcall(function(k) t[#t + 1] = ('x' .. k):upper() end, i) end",
     BOX_MEMORY},
    {"local t = {} for i = 1, 1e7 do pcall(function(k) t[#t + 1] = ('x'):rep(100 + k % 50) .. k "
     "end, i) end",
     BOX_MEMORY},
    {"local t = {} while true do t[#t + 1] = function() return t end end", BOX_MEMORY},
    {"local t = {} while true do pcall(function() while true do t[#t + 1] = {} end end) end",
     BOX_MEMORY},
    {"local t = {('x'):rep(1e5)} for i = 1, 1e3 do t[#t + 1] = table.concat(t, i) end", BOX_MEMORY},
    {"local s = ('x'):rep(1e6) return ('%s%s%s%s%s%s%s%s%s'):format(s, s, s, s, s, s, s, s, s)",
     BOX_RUNS},
    {"local s = ('x'):rep(1e6) return s:gsub('x', ('y'):rep(100))", BOX_RUNS},
    {"return ('a'):rep(1e9)", BOX_RUNS},
    {"return ('a'):rep(1e300)", BOX_RUNS},
    {"return ('a'):rep(3, ('b'):rep(7e6))", BOX_RUNS},
    {"return table.concat({1, 2, 3}, ('x'):rep(5e6))", BOX_RUNS},
    {"return unpack({}, 1, 1e7)", BOX_RUNS},
    {"return unpack({}, -2147483648, 2147483647)", BOX_RUNS},
    {"table.insert({}, -2147483648, 1)", BOX_RUNS},
    {"return string.format('%1000d', 1)", BOX_RUNS},
    {"return string.format('%p', {})", BOX_RUNS},
    {"local function f() return 1 + f() end return f()", BOX_RUNS},
    {"local function f(s) return (s:gsub('.', f)) end return f('x')",
     BOX_RUNS}, /* overran C's stack */
    {"local function f(s) return (s:gsub('.', function(c) pcall(f, c) end)) end while true do "
     "f('xy') end",
     BOX_TIME},
    {"local function f(a, b) table.sort({1, 2, 3}, f) return a < b end table.sort({1, 2, 3}, f)",
     BOX_RUNS},
    {"return ('x'):byte(1, 1e9), string.char(unpack({}, 1, 300))", BOX_RUNS},
    /* reach: each is an error, for the name is nil */
    {"xpcall(function() end, function() while true do end end)", BOX_RUNS},
    {"coroutine.wrap(function() end)()", BOX_RUNS},
    {"newproxy(true)", BOX_RUNS},
    {"getmetatable('').__index.upper = nil", BOX_RUNS},
    {"setmetatable({}, {})", BOX_RUNS},
    {"rawset({}, 1, 1)", BOX_RUNS},
    {"getfenv(0)", BOX_RUNS},
    {"setfenv(1, {})", BOX_RUNS},
    {"loadstring('return 1')()", BOX_RUNS},
    {"load(function() end)", BOX_RUNS},
    {"collectgarbage('stop')", BOX_RUNS},
    {"string.dump(function() end)", BOX_RUNS},
    {"math.randomseed(1)", BOX_RUNS},
    {"table.move({}, 1, 1e15, 2)", BOX_RUNS},
    {"table.foreach({}, error)", BOX_RUNS},
    {"require 'os'", BOX_RUNS},
    {"debug.getregistry()", BOX_RUNS},
    {"\x1bLJ\x02", BOX_RUNS},
    {"table.sort({3, 2, 1}, rawequal) table.sort({1, 2}, pcall) table.sort({1, 2}, error)",
     BOX_RUNS},
};

static void attack(struct box *b, const struct attack *a)
{
    struct box_run r;
    struct box_trouble t;
    int64_t before = cpu_us();
    CHECK(!box_run(b, "run", a->text, a->stop == BOX_TIME ? BUDGET_US : PLENTY_US, &r, &t),
          "%s: answered %s", a->text, r.answer);
    int64_t took = cpu_us() - before;
    CHECK(t.stop == a->stop, "%s: stop %d: %s", a->text, t.stop, t.text);
    if (a->stop == BOX_TIME)
        CHECK(took < BUDGET_US + SLACK_US, "%s: took %" PRId64 " us", a->text, took);
    if (a->stop == BOX_MEMORY)
        CHECK(b->peak <= 4 * b->soft, "%s: %zu bytes", a->text, b->peak);
    CHECK(usable(b), "after %s", a->text);
}

static void test_attacks(void)
{
    struct box *b = box_of_text(8 << 20);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT_OF(attacks); i++)
            attack(b, &attacks[i]);
    }
    box_free(b);
}

/* A number with LL or i makes LuaJIT open its ffi library; the state is of no use after that,
 * and is not used. */
static void test_ffi(void)
{
    static const char *const texts[] = {"local x = 7LL return x", "return 12i", "return 0x1fULL",
                                        "if false then x = 1ll end"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct box *b = box_of_text(1 << 20);
        struct box_run r;
        struct box_trouble t;
        CHECK(!box_run(b, "run", texts[i], PLENTY_US, &r, &t));
        CHECK_STR(t.text, "a number here ends in LL or i");
        CHECK(!box_run(b, "run", "return 1", PLENTY_US, &r, &t));
        box_free(b);
    }
}

/* The place of a stop is the line in the rule file, the innermost one. */
static void test_places(void)
{
    struct box *b = box_of_text(8 << 20);
    struct box_run r;
    struct box_trouble t;
    struct arena arena;
    arena_init(&arena);
    CHECK(!box_run(b, "run",
                   "local x\n\nlocal function f()\n  while true do x = 1 end\nend\nf()\nreturn 1",
                   LONG_US, &r, &t));
    CHECK_INT(t.line, 4);
    CHECK(str_eqz(t.file, "rules/t.lua"));
    CHECK_STR(box_trouble_text(b, &t, 10000, &arena).p, "stopped: more than 10 ms of CPU time");
    CHECK_STR(box_trouble_text(b, &t, 250, &arena).p, "stopped: more than 250 us of CPU time");
    CHECK(!box_run(b, "run", "local t = {}\nwhile true do t[#t + 1] = {} end", PLENTY_US, &r, &t));
    CHECK_INT(t.line, 2);
    CHECK_STR(box_trouble_text(b, &t, 10000, &arena).p, "stopped: more than 8 MiB of memory");
    CHECK(!box_run(b, "run", "local x\n\nx = x + 1\nreturn x", PLENTY_US, &r, &t));
    CHECK_INT(t.line, 3);
    CHECK_STR(t.text, "attempt to perform arithmetic on local 'x' (a nil value)");
    CHECK(!box_run(b, "run", "local x = ('x'):rep({})\nreturn x", PLENTY_US, &r, &t));
    CHECK_INT(t.line, 1);
    CHECK_STR(t.text, "bad argument #1 to 'rep' (number expected, got table)");
    CHECK(!box_run(b, "run", "x = = 1", PLENTY_US, &r, &t));
    CHECK_INT(t.line, 1);
    CHECK_STR(t.text, "unexpected symbol near '='");
    CHECK(!box_run(b, "run", "local x = 1\nerror({})", PLENTY_US, &r, &t));
    CHECK_INT(t.line, 2);
    CHECK_STR(t.text, "an error that is no text was raised");
    CHECK(!box_run(b, "run", "local x = {}\nerror(nil)", PLENTY_US, &r, &t));
    CHECK_STR(t.text, "an error that is no text was raised");
    CHECK(!box_run(b, "run", "\n\x1bLJ", PLENTY_US, &r, &t) &&
          !box_run(b, "run", "\x1bLua", PLENTY_US, &r, &t));
    CHECK(strstr(t.text, "attempt to load chunk with wrong mode"), "%s", t.text);
    arena_fini(&arena);
    box_free(b);
}

/* No address gets out, whatever is made into text. */
static void test_addresses(void)
{
    struct box *b = box_of_text(8 << 20);
    struct box_run r;
    struct box_trouble t;
    CHECK(box_run(b, "run",
                  "local s = tostring({}) .. tostring(print) .. tostring(tostring) .. "
                  "tostring(function() end)\n"
                  "s = s .. string.format('%s %s', {}, tostring)\n"
                  "return s",
                  PLENTY_US, &r, &t));
    CHECK_STR(r.answer, "tablenilfunctionfunctiontable function");
    box_free(b);
}

/* What ends inside a pcall with memory gone crashed LuaJIT at one limit in six: the soft limit
 * must keep away from there. */
static void test_memory_limits(void)
{
    size_t n = 0, peak = 0;
    for (size_t soft = 64000; soft < 400000; soft += 3500) {
        for (size_t i = 0; i < COUNT_OF(attacks); i++) {
            if (attacks[i].stop != BOX_MEMORY)
                continue;
            struct box *b = box_of_text(soft);
            struct box_run r;
            struct box_trouble t;
            /* with little memory, a single string may be refused before */
            CHECK(!box_run(b, "run", attacks[i].text, PLENTY_US, &r, &t), "%zu: %s", soft,
                  attacks[i].text);
            CHECK(t.stop == BOX_MEMORY || strstr(t.text, "string too large"), "%zu: %s: %s", soft,
                  attacks[i].text, t.text);
            CHECK(usable(b), "%zu after %s", soft, attacks[i].text);
            peak = MAX_OF(peak, b->peak * 100 / soft);
            box_free(b);
            n++;
        }
    }
    printf("%zu memory stops, worst peak %zu %% of the limit\n", n, peak);
    CHECK(peak <= 400);
}

/* Garbage is no reason to stop: most of the memory may be in use. */
static void test_garbage(void)
{
    struct box *b = box_of_text(4 << 20);
    struct box_run r;
    struct box_trouble t;
    for (int i = 0; i < 20; i++)
        CHECK(box_run(b, "run",
                      "local keep = {} for i = 1, 20 do keep[i] = ('x'):rep(120000) .. i end\n"
                      "for i = 1, 1000 do local s = ('y'):rep(50000) .. i end return #keep",
                      PLENTY_US, &r, &t),
              "%s", t.text);
    box_free(b);
}

/* Stops at any moment leave the state good. */
static void random_stops(unsigned seed, int count)
{
    static const char *const loops[] = {
        "while true do pcall(function() local t = {} for i = 1, 50 do t[i] = tostring(i) .. 'x' "
        "end end) end",
        "local s = '' while true do s = (s .. 'abc'):sub(-200):gsub('b', '%0%0') end",
        "while true do local t = {} for i = 1, 100 do t[#t + 1] = i end table.sort(t, function(a, "
        "b) return a > b end) end",
        "while true do for w in ('one two three'):gmatch('%a+') do pcall(error, w) end end",
        "local function f(n) if n > 0 then return pcall(f, n - 1) end while true do end end while "
        "true do f(20) end",
        "while true do local t = {} for i = 1, 300 do t['k' .. i] = {i} end string.format('%5.2f "
        "%s', 1.5, table.concat({1, 2}, ',')) end",
    };
    struct box *b = box_of_text(1 << 20);
    for (int i = 0; i < count; i++) {
        struct box_run r;
        struct box_trouble t;
        seed = seed * 1103515245 + 12345;
        int64_t us = 50 + (seed >> 8) % 3000;
        bool ok = box_run(b, "run", loops[(unsigned)i % COUNT_OF(loops)], us, &r, &t);
        if (ok || t.stop != BOX_TIME || !usable(b))
            CHECK(false, "stop %d after %d us: ok %d, stop %d, %s", i, (int)us, ok, t.stop, t.text);
    }
    box_free(b);
}

static void *random_stops_thread(void *arg)
{
    random_stops(*(unsigned *)arg, 150);
    return NULL;
}

static void test_threads(void)
{
    unsigned seeds[8];
    pthread_t threads[COUNT_OF(seeds)];
    for (unsigned i = 0; i < COUNT_OF(seeds); i++) {
        seeds[i] = i * 77 + 5;
        pthread_create(&threads[i], NULL, random_stops_thread, &seeds[i]);
    }
    for (unsigned i = 0; i < COUNT_OF(seeds); i++)
        pthread_join(threads[i], NULL);
    CHECK(true);
}

/* A run inside a run: the outer one's deadline holds, whether the inner is in the same state or
 * another. */
struct nested {
    struct box *inner, *outer;
    const char *text;
    int64_t us; /* of the inner run */
    int n_calls;
    bool inner_ok;
};

__attribute__((no_sanitize("thread"))) static int nested_call(lua_State *L)
{
    struct nested *n = lua_touserdata(L, lua_upvalueindex(1));
    struct box_run r;
    struct box_trouble t;
    luaL_checkstack(L, LUA_MINSTACK, "deep");
    n->inner_ok = box_run(n->inner, "run", n->text, n->us, &r, &t);
    n->n_calls++;
    return 0;
}

__attribute__((no_sanitize("thread"))) static void nested_body(lua_State *L, void *arg)
{
    if (luaL_loadstring(L, "local f = ... while true do f() end") != 0)
        lua_error(L);
    lua_pushlightuserdata(L, arg);
    lua_pushcclosure(L, nested_call, 1);
    lua_call(L, 1, 0);
}

static void test_nested(void)
{
    struct box *a = box_of_text(1 << 20), *b = box_of_text(1 << 20);
    struct box_trouble t;
    struct nested cases[] = {
        {a, a, "return 1", PLENTY_US, 0, false},
        {b, a, "return 1", PLENTY_US, 0, false},
        {a, a, "while true do end", 2000, 0, false},
        {b, a, "while true do end", 2000, 0, false},
        {b, a, "local t = {} while true do t[#t + 1] = {} end", 2000, 0, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t before = cpu_us();
        CHECK(!box_call(cases[i].outer, nested_body, &cases[i], LONG_US, &t), "case %zu", i);
        CHECK_INT(t.stop, BOX_TIME);
        CHECK(cpu_us() - before < LONG_US + SLACK_US);
        CHECK(cases[i].n_calls > 1 && cases[i].inner_ok == (i < 2), "case %zu: %d calls", i,
              cases[i].n_calls);
        CHECK(usable(a) && usable(b), "after case %zu", i);
    }
    box_free(a);
    box_free(b);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Budgets shorter than the kernel's tick are kept too, as long as nobody takes the machine away. */
static void test_short_budget(void)
{
    struct box *b = box_of_text(1 << 20);
    struct box_run r;
    struct box_trouble t;
    int64_t took[200];
    for (size_t i = 0; i < COUNT_OF(took); i++) {
        int64_t before = cpu_us();
        CHECK(!box_run(b, "run", "while true do end", 100, &r, &t));
        took[i] = cpu_us() - before;
    }
    qsort(took, COUNT_OF(took), sizeof(*took), by_size);
    int64_t median = took[COUNT_OF(took) / 2];
    printf("100 us: median %" PRId64 " us, worst %" PRId64 " us\n", median,
           took[COUNT_OF(took) - 1]);
    CHECK(median < 2000, "%" PRId64 " us", median);
    box_free(b);
}

/* systemd's MemoryDenyWriteExecute. */
static void test_no_writable_code(void)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (prctl(65 /* PR_SET_MDWE */, 1, 0, 0, 0) != 0)
            _exit(0); /* an older kernel */
        struct box *b = box_of_text(1 << 20);
        _exit(usable(b) ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK_INT(status, 0);
}

#define TIMED(call)                                                                                \
    do {                                                                                           \
        int64_t before_ = cpu_us();                                                                \
        call;                                                                                      \
        printf("%6" PRId64 " ms  %s\n", (cpu_us() - before_) / 1000, #call);                       \
    } while (0)

int main(void)
{
    TIMED(test_attacks());
    TIMED(test_ffi());
    TIMED(test_places());
    TIMED(test_addresses());
    TIMED(test_memory_limits());
    TIMED(test_garbage());
    TIMED(random_stops(1, 2000));
    CHECK(true);
    TIMED(test_threads());
    TIMED(test_nested());
    TIMED(test_short_budget());
    TIMED(test_no_writable_code());
    return check_done();
}
