/* test_script_pattern.c -- the matcher and its string functions against LuaJIT's own, on
 * generated patterns; and bombs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "script/box_of_text.h"
#include "script/pattern.h"

/* Everything is said in Lua, inside a box: S.real are LuaJIT's functions, S.wrap ours. */
static const char compare[] =
    "local S = ...\n"
    "local real, wrap = S.real, S.wrap\n"
    "local seed = SEED\n"
    "local function draw(n) seed = (seed * 16807) % 2147483647 return seed % n + 1 end\n"
    "local atoms = "
    "{'a','b','c','.','%a','%d','%s','%w','%x','%p','%l','%u','%c','%z','%g','%S','%A','%D','%%','%"
    ".','%(',\n"
    "  "
    "'[ab]','[^a]','[a-c]','[%a_]','[]]','[^]]','[a-]','[%]]','[^%d]','[b-%%]','(',')','(',')','()'"
    ",'%1','%2','%0','%b()',\n"
    "  "
    "'%bab','%baa','%f[%a]','%f[^a]','%f[%z]','%fa','$','^','*','+','-','?','*','-','+','?','%','['"
    ",'[^','%b','\\0','x','('}\n"
    "local bytes = {'a','b','c','a','b','(',')',' "
    "','1','A','_','\\0','\\200',']','%','$','^','-'}\n"
    "local function make(list, most)\n"
    "  local s = ''\n"
    "  for _ = 1, draw(most + 1) - 1 do s = s .. list[draw(#list)] end\n"
    "  return s\n"
    "end\n"
    "local function clean(m) return type(m) == 'string' and m:gsub('^[^ ]*:%d+: ', "
    "''):gsub('^invalid [fo].*', 'invalid') or m end\n"
    "local function eq(x, y) return x == y or x ~= x and y ~= y end\n"
    "local function same(name, ...)\n"
    "  local a, b = {pcall(real[name], ...)}, {pcall(wrap[name], ...)}\n"
    "  if not a[1] and clean(a[2]) == 'pattern too complex' then return end\n"
    "  if not a[1] then a[2], b[2] = clean(a[2]), clean(b[2]) end\n"
    "  for i = 1, 40 do\n"
    "    if not eq(a[i], b[i]) then\n"
    "      local args = {...}\n"
    "      for k = 1, select('#', ...) do args[k] = type(args[k]) == 'string' and "
    "wrap.format('%q', args[k]) or tostring(args[k]) end\n"
    "      error(name .. '(' .. table.concat(args, ', ') .. '): answer ' .. i .. ' is ' .. "
    "tostring(b[i]) .. ', Lua\\'s '\n"
    "        .. tostring(a[i]), 0)\n"
    "    end\n"
    "  end\n"
    "end\n"
    "local function all(f, s, p)\n"
    "  local out = {}\n"
    "  for x, y, z in f(s, p) do\n"
    "    out[#out + 1] = tostring(x) .. '/' .. tostring(y) .. '/' .. tostring(z)\n"
    "    if #out > 60 then break end\n"
    "  end\n"
    "  return table.concat(out, ';')\n"
    "end\n"
    "real.all = function(s, p) return all(real.gmatch, s, p) end\n"
    "wrap.all = function(s, p) return all(wrap.gmatch, s, p) end\n"
    "local replacements = {'', 'x', '%0', '<%1>', '%2', '%%', '%', '%a', 'x%1y%0', 5, {a = 'A', b "
    "= false, ['('] = 7},\n"
    "  function(x, y) return y or x end, function() return nil end, function() return {} end, "
    "true}\n";

/* find, match, gmatch, gsub: random patterns; the checks before are of arguments. */
static const char patterns[] =
    "for _ = 1, COUNT do\n"
    "  local s, p = make(bytes, 14), make(atoms, 7)\n"
    "  same('find', s, p)\n"
    "  same('find', s, p, draw(20) - 10)\n"
    "  same('find', s, p, 1, true)\n"
    "  same('match', s, p)\n"
    "  same('match', s, p, draw(20) - 10)\n"
    "  same('all', s, p)\n"
    "  same('gsub', s, p, replacements[draw(#replacements)])\n"
    "  same('gsub', s, p, replacements[draw(#replacements)], draw(4) - 1)\n"
    "end\n"
    "local n = 0\n"
    "for _, args in ipairs {{}, {'a'}, {'a', nil}, {nil, 'a'}, {'a', {}}, {12, 1}, {'a', 'a', "
    "'x'}, {'abc', 'b', -1e6},\n"
    "    {'abc', 'b', 1e6}, {'abc', '', 4}, {'abc', '', 5}, {'abc', '()', 9}} do\n"
    "  same('find', unpack(args)) same('match', unpack(args)) same('gmatch', unpack(args[2] and {} "
    "or args))\n"
    "end\n"
    "same('find', 'a', real.rep('()', 33)) same('match', 'a', real.rep('()', 32)) same('gsub', "
    "'abc', 'b')\n"
    "same('gsub', real.rep('ab', 5000), 'a', '%0%0') same('gsub', 'abc', '%w', '%1', 2.5) "
    "same('gsub', 'abc', '', '-', -1)\n"
    "return 'same'\n";

/* The rest of what is replaced: format, rep, concat, unpack, insert, sort. */
static const char others[] =
    "local flags = {'', '', '', '-', '+', ' ', '#', '0', '-+', '-+ #0'}\n"
    "local widths = {'', '', '5', '12', '99', '100', '.', '.3', '.0', '6.2', '.14', '.99', "
    "'20.100', '3.'}\n"
    "local letters = {'d', 'i', 'u', 'x', 'X', 'o', 'c', 'e', 'E', 'f', 'g', 'G', 's', 's', 'q', "
    "'%', 'y', ''}\n"
    "local values = {0, 1, -1, 3.99, -3.99, 255, 1e15, 2^31, 2^53, 0.1, 1e100, -1e-7, 66, '12', "
    "'x', '', 'a\\n\\0\"\\\\\\r1', true,\n"
    "  real.rep('y', 120)}\n"
    "for _ = 1, COUNT do\n"
    "  local letter, value = letters[draw(#letters)], values[draw(#values)]\n"
    "  local skip = ('diuxXo'):find(letter, 1, true) and letter ~= '' and tonumber(value) and "
    "math.abs(tonumber(value)) >= 2^63\n"
    "  if letter == 'q' and value == true then skip = true end\n"
    "  if letter == 'c' and not (tonumber(value) and tonumber(value) >= 1 and tonumber(value) < "
    "256) then skip = true end\n"
    "  local format = 'a' .. '%' .. flags[draw(#flags)] .. widths[draw(#widths)] .. letter .. "
    "'z%%'\n"
    "  if letter == '' or letter == 'y' then format = '%y' skip = true end\n"
    "  if (letter == 'c' or letter == 's' or letter == 'q') and format:find '[+ #0]' then skip = "
    "true end\n"
    "  if letter == '%' or letter == 'q' then format = '%' .. letter end\n"
    "  if not skip then same('format', format, value) end\n"
    "end\n"
    "same('format', '%d') same('format', '%s %s', 1) same('format', '') same('format', '100%% %s', "
    "'x') same('format', '%d', 'x')\n"
    "same('format', '%e %g %f', 1/0, -1/0, 0.5) same('format', '%5.1s|%-5s|', 'abc', 'd') "
    "same('format', '%s', 'a\\0b')\n"
    "same('rep', 'ab', 3) same('rep', 'ab', 0) same('rep', 'ab', -1) same('rep', '', 1e9) "
    "same('rep', 'a', 3, ', ') same('rep', 'a', 1, 'xx')\n"
    "same('rep', 'ab', 2.9) same('rep') same('rep', 'x') same('rep', {}, 1)\n"
    "real.concat, real.unpack = table.concat, unpack\n"
    "local t = {1, 'b', 2.5}\n"
    "same('concat', t) same('concat', t, ', ') same('concat', t, ', ', 2) same('concat', t, '', 2, "
    "2) same('concat', t, 'x', 3, 2)\n"
    "same('concat', {}) same('concat', t, ',', 1, 4) same('concat', {1, {}, 3}) same('concat', 5) "
    "same('concat', t, {})\n"
    "same('unpack', t) same('unpack', t, 2) same('unpack', t, 0, 5) same('unpack', t, 3, 1) "
    "same('unpack', t, 1, 1e7) same('unpack', 1)\n"
    "for _ = 1, 300 do\n"
    "  local a = {}\n"
    "  for i = 1, draw(40) do table.insert(a, draw(#a + 1), draw(30)) end\n"
    "  table.sort(a)\n"
    "  for i = 2, #a do assert(a[i - 1] <= a[i]) end\n"
    "  table.sort(a, function(x, y) return x > y end)\n"
    "  for i = 2, #a do assert(a[i - 1] >= a[i]) end\n"
    "end\n"
    "local a = {1, 2}\n"
    "table.insert(a, 3) table.insert(a, 1, 0) table.insert(a, 5, 4)\n"
    "assert(table.concat(a, ',') == '0,1,2,3,4')\n"
    "assert(not pcall(table.insert, a, -2^31, 1) and not pcall(table.insert, a, 7, 1) and not "
    "pcall(table.insert, a))\n"
    "assert(not pcall(wrap.format, '%-+ #00d', 1) and not pcall(wrap.format, '%p', {}))\n"
    "assert(not pcall(table.insert, a, 1, 2, 3) and not pcall(table.sort, {1, 'x'}))\n"
    "return 'same'\n";

static void compare_run(const char *rest, int seed, int count)
{
    struct box *b = box_of_text(64 << 20);
    struct buf text = {0};
    struct box_run r;
    struct box_trouble t;
    buf_printf(&text, "local SEED, COUNT = %d, %d\n%s%s", seed, count, compare, rest);
    buf_putc(&text, 0);
    CHECK(box_run(b, "real_run", text.p, 300000000, &r, &t), "%s", t.text);
    CHECK_STR(r.answer, "same");
    buf_fini(&text);
    box_free(b);
}

/* What would run for minutes in Lua's own matcher ends with an error, soon. */
static void test_bombs(void)
{
    static const char *const bombs[] = {
        "local x = ('a'):rep(40):find(('a*'):rep(20) .. 'b') return x",
        "local x = ('a'):rep(300000):find('.-b') return x",
        "local x = ('('):rep(200000):find('%b()') return x",
        "local x = ('('):rep(200000):gsub('%b()', '') return x",
        "local x = ('a'):rep(300000):gsub('.-b', 'x') return x",
        "local x = ('a'):rep(300000):match('(a*)*.-%1b') return x",
        "for x in ('a'):rep(300000):gmatch('.-b') do end",
        "local x = ('a'):rep(100000):find(('a-'):rep(30) .. 'b') return x",
        "local x = ('ab'):rep(100000):gsub('(.*)%1(.-)x', '%1') return x",
        "local x = ('x'):rep(1000000):gsub('%f[%d]', '') return x",
    };
    struct box *b = box_of_text(8 << 20);
    for (size_t i = 0; i < COUNT_OF(bombs); i++) {
        struct box_run r;
        struct box_trouble t;
        CHECK(!box_run(b, "run", bombs[i], 60000000, &r, &t), "%s", bombs[i]);
        CHECK(strstr(t.text, "pattern takes too many steps"), "%s: %s", bombs[i], t.text);
        CHECK(str_eqz(t.file, "rules/t.lua"), "%s", bombs[i]);
        CHECK_INT(t.line, 1);
        /* The clock is heard inside the matcher: without it, this loop of short matches would
         * hold the thread. */
        CHECK(!box_run(b, "run", bombs[i], 1000, &r, &t) && t.stop != BOX_MEMORY, "%s: %s",
              bombs[i], t.text);
    }
    box_free(b);
}

/* The subject ends where the caller says, not at a NUL. */
static void test_bounds(void)
{
    struct pattern p;
    struct pattern_match m = {.subject = "aaab", .end = NULL, .steps = 1000};
    char *exact = malloc(3);
    memcpy(exact, "aaa", 3);
    m.subject = exact;
    m.end = exact + 3;
    const char *s = exact, *e;
    pattern_read(&p, "a*b", 3, true);
    CHECK_INT(pattern_search(&p, &m, &s, &e), PATTERN_NO);
    s = exact;
    pattern_read(&p, "%f[%z]$", 7, true);
    CHECK_INT(pattern_search(&p, &m, &s, &e), PATTERN_YES);
    CHECK_INT(s - exact, 3);
    s = exact;
    m.steps = 3;
    pattern_read(&p, "a*a*b", 5, true);
    CHECK_INT(pattern_search(&p, &m, &s, &e), PATTERN_STOPPED);
    free(exact);
    char *wide = malloc(PATTERN_ITEMS_MAX + 2);
    memset(wide, 'a', PATTERN_ITEMS_MAX + 2);
    pattern_read(&p, wide, PATTERN_ITEMS_MAX, true);
    CHECK(!p.broken);
    pattern_read(&p, wide, PATTERN_ITEMS_MAX + 1, true);
    CHECK_STR(p.broken, "pattern too long");
    free(wide);
}

int main(void)
{
    for (int seed = 1; seed <= 5; seed++)
        compare_run(patterns, seed * 7919, 6000);
    compare_run(others, 4711, 20000);
    test_bombs();
    test_bounds();
    return check_done();
}
