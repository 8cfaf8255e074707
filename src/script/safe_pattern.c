/* safe_pattern.c -- string.find, match, gmatch and gsub over the matcher that counts its steps.
 * SPDX-License-Identifier: Apache-2.0 */
#include <lauxlib.h>
#include <math.h>

#include "script/box.h"
#include "script/pattern.h"
#include "script/safe.h"

/* A pattern as a userdata of its own length: gsub calls back into Lua, which may nest, and C's
 * stack is no place for it. */
static __attribute__((noinline)) const struct pattern *push_pattern(lua_State *L, const char *text,
                                                                    size_t n, bool anchors)
{
    struct pattern p;
    pattern_read(&p, text, n, anchors);
    size_t size = offsetof(struct pattern, items) + (p.n + 1u) * sizeof(*p.items);
    return memcpy(lua_newuserdata(L, size), &p, size);
}

static void begin_match(lua_State *L, struct pattern_match *m, const char *subject, size_t n)
{
    const struct box *b = box_of(L);
    m->subject = subject;
    m->end = subject + n;
    m->steps = PATTERN_STEPS;
    m->due = b->run ? &b->run->due : NULL;
    m->error = NULL;
}

static bool check_answer(lua_State *L, const struct pattern_match *m, enum pattern_answer answer)
{
    if (answer == PATTERN_STOPPED && m->due && *m->due)
        box_raise_time(L);
    if (answer == PATTERN_BAD || answer == PATTERN_STOPPED)
        luaL_error(L, "%s", m->error);
    return answer == PATTERN_YES;
}

/* Pushes capture i of a match from s to e; a pattern without captures has one, the whole. */
static void push_capture(lua_State *L, const struct pattern_match *m, int i, const char *s,
                         const char *e)
{
    if (i >= m->n_captures) {
        if (i > 0)
            luaL_error(L, "invalid capture index");
        lua_pushlstring(L, s, (size_t)(e - s));
    } else if (m->captures[i].n == PATTERN_CAPTURE_POSITION) {
        lua_pushinteger(L, m->captures[i].p - m->subject + 1);
    } else if (m->captures[i].n == PATTERN_CAPTURE_OPEN) {
        luaL_error(L, "unfinished capture");
    } else {
        lua_pushlstring(L, m->captures[i].p, (size_t)m->captures[i].n);
    }
}

/* whole: push the whole match when there are no captures. */
static int push_captures(lua_State *L, const struct pattern_match *m, const char *s, const char *e,
                         bool whole)
{
    int n = m->n_captures == 0 && whole ? 1 : m->n_captures;
    luaL_checkstack(L, n, "too many captures");
    for (int i = 0; i < n; i++)
        push_capture(L, m, i, s, e);
    return n;
}

/* Where argument `index` says to begin, in bytes from the start, as string.find counts: past the
 * end is the end. */
static size_t check_start(lua_State *L, int index, size_t n)
{
    lua_Number at = luaL_optnumber(L, index, 1);
    if (at < 0)
        at += (lua_Number)n + 1;
    if (!(at >= 1))
        return 0;
    return at > (lua_Number)n ? n : (size_t)at - 1;
}

static bool has_specials(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] && strchr("^$*+?.([%-", text[i]))
            return true;
    }
    return false;
}

static int find_plain(lua_State *L, struct str s, size_t start, struct str text)
{
    const char *at = memmem(s.p + start, s.n - start, text.p, text.n);
    if (!at)
        return 0;
    lua_pushinteger(L, at - s.p + 1);
    lua_pushinteger(L, at - s.p + (ptrdiff_t)text.n);
    return 2;
}

static int find(lua_State *L, bool positions)
{
    size_t n, n_pattern;
    const char *s = luaL_checklstring(L, 1, &n), *text = luaL_checklstring(L, 2, &n_pattern);
    size_t start = check_start(L, 3, n);
    if (positions && (lua_toboolean(L, 4) || !has_specials(text, n_pattern)))
        return find_plain(L, (struct str){s, n}, start, (struct str){text, n_pattern});
    struct pattern p;
    struct pattern_match m;
    pattern_read(&p, text, n_pattern, true);
    begin_match(L, &m, s, n);
    const char *from = s + start, *e;
    if (!check_answer(L, &m, pattern_search(&p, &m, &from, &e)))
        return 0;
    if (!positions)
        return push_captures(L, &m, from, e, true);
    lua_pushinteger(L, from - s + 1);
    lua_pushinteger(L, e - s);
    return 2 + push_captures(L, &m, from, e, false);
}

int safe_find(lua_State *L)
{
    int n = find(L, true);
    if (n == 0)
        lua_pushnil(L);
    return n == 0 ? 1 : n;
}

int safe_match(lua_State *L)
{
    int n = find(L, false);
    if (n == 0)
        lua_pushnil(L);
    return n == 0 ? 1 : n;
}

/* Upvalues: subject, pattern, where to go on. */
static int gmatch_next(lua_State *L)
{
    size_t n, start = (size_t)lua_tointeger(L, lua_upvalueindex(3));
    const char *s = lua_tolstring(L, lua_upvalueindex(1), &n);
    if (start > n)
        return 0;
    struct pattern_match m;
    begin_match(L, &m, s, n);
    const char *from = s + start, *e;
    if (!check_answer(L, &m, pattern_search(lua_touserdata(L, lua_upvalueindex(2)), &m, &from, &e)))
        return 0;
    lua_pushinteger(L, e - s + (e == from));
    lua_replace(L, lua_upvalueindex(3));
    return push_captures(L, &m, from, e, true);
}

int safe_gmatch(lua_State *L)
{
    size_t n;
    luaL_checkstring(L, 1);
    const char *text = luaL_checklstring(L, 2, &n);
    lua_settop(L, 2);
    lua_pushvalue(L, 1);
    push_pattern(L, text, n, false);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, gmatch_next, 3);
    return 1;
}

/* -- gsub */

struct gsub {
    luaL_Buffer buffer;
    struct pattern_match m;
    size_t total; /* bytes of the answer so far */
};

static void add_bytes(lua_State *L, struct gsub *g, const char *s, size_t n)
{
    g->total += n;
    safe_check_size(L, g->total);
    luaL_addlstring(&g->buffer, s, n);
}

/* Adds the string on top of the stack, and pops it. */
static void add_top(lua_State *L, struct gsub *g)
{
    g->total += lua_objlen(L, -1);
    safe_check_size(L, g->total);
    luaL_addvalue(&g->buffer);
}

/* A replacement that is a string: %1 stands for a capture, %0 for the whole, % before anything
 * else for that. */
static void add_string(lua_State *L, struct gsub *g, const char *s, const char *e)
{
    size_t n;
    const char *text = lua_tolstring(L, 3, &n);
    for (size_t i = 0; i < n; i++) {
        const char *percent = memchr(text + i, '%', n - i);
        size_t plain = percent ? (size_t)(percent - text) - i : n - i;
        add_bytes(L, g, text + i, plain);
        i += plain + 1;
        if (!percent)
            return;
        char c = text[i]; /* the string's own NUL when % is last */
        if (c == '0') {
            add_bytes(L, g, s, (size_t)(e - s));
        } else if (c >= '1' && c <= '9') {
            push_capture(L, &g->m, c - '1', s, e);
            if (lua_type(L, -1) == LUA_TNUMBER)
                lua_tostring(L, -1);
            add_top(L, g);
        } else {
            add_bytes(L, g, &c, 1);
        }
    }
}

static void add_value(lua_State *L, struct gsub *g, const char *s, const char *e)
{
    switch (lua_type(L, 3)) {
    case LUA_TFUNCTION:
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(L, &g->m, s, e, true), 1);
        break;
    case LUA_TTABLE:
        push_capture(L, &g->m, 0, s, e);
        lua_gettable(L, 3);
        break;
    default:
        add_string(L, g, s, e);
        return;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        add_bytes(L, g, s, (size_t)(e - s));
        return;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    lua_tostring(L, -1);
    add_top(L, g);
}

int safe_gsub(lua_State *L)
{
    size_t n, n_pattern;
    safe_check_stack(L);
    const char *s = luaL_checklstring(L, 1, &n), *text = luaL_checklstring(L, 2, &n_pattern);
    int type = lua_type(L, 3);
    if (type != LUA_TSTRING && type != LUA_TNUMBER && type != LUA_TTABLE && type != LUA_TFUNCTION)
        luaL_argerror(L, 3, "string/function/table expected");
    lua_Number most = trunc(luaL_optnumber(L, 4, (lua_Number)n + 1));
    lua_settop(L, 3);
    const struct pattern *p = push_pattern(L, text, n_pattern, true);
    struct gsub g = {.total = 0};
    luaL_buffinit(L, &g.buffer);
    begin_match(L, &g.m, s, n);
    const char *from = s;
    int count = 0;
    while (count < most) {
        const char *e;
        bool yes = check_answer(L, &g.m, pattern_try(p, &g.m, from, &e));
        if (yes) {
            count++;
            add_value(L, &g, from, e);
        }
        if (yes && e > from)
            from = e;
        else if (from < g.m.end)
            add_bytes(L, &g, from++, 1);
        else
            break;
        if (p->anchored)
            break;
    }
    add_bytes(L, &g, from, (size_t)(g.m.end - from));
    luaL_pushresult(&g.buffer);
    lua_pushinteger(L, count);
    return 2;
}
