/* value.c -- Lua's values to struct val and back.
 * SPDX-License-Identifier: Apache-2.0 */
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>

#include "script/value.h"

struct reading {
    lua_State *L;
    struct arena *arena;
    const char *what;
    size_t n, n_bytes; /* values and bytes of strings so far */
};

static struct val read_any(struct reading *r, int index, int depth);

static struct str read_string(struct reading *r, int index)
{
    struct str s;
    s.p = lua_tolstring(r->L, index, &s.n);
    r->n_bytes += s.n;
    if (r->n_bytes > VALUE_BYTES_MAX)
        luaL_error(r->L, "%s has more than %d bytes of text", r->what, VALUE_BYTES_MAX);
    return arena_str(r->arena, s);
}

static struct val read_number(struct reading *r, double x)
{
    if (!isfinite(x))
        luaL_error(r->L, "%s has a number that is not finite", r->what);
    if (x == floor(x) && x >= -0x1p63 && x < 0x1p63)
        return val_int((int64_t)x);
    return val_dbl(x);
}

static struct val read_list(struct reading *r, int index, size_t n, int depth)
{
    struct val list = val_list(r->arena, n);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(r->L, index, (int)i + 1);
        list.items[i] = read_any(r, lua_gettop(r->L), depth);
        lua_pop(r->L, 1);
    }
    return list;
}

static int compare_keys(const void *a, const void *b)
{
    return str_cmp(val_as_str(*(const struct val *)a), val_as_str(*(const struct val *)b));
}

static struct val read_dict(struct reading *r, int index, size_t n, int depth)
{
    struct val dict = val_dict(r->arena, n);
    size_t i = 0;
    lua_pushnil(r->L);
    while (lua_next(r->L, index)) { /* n times: nothing changes the table meanwhile */
        dict.items[2 * i] = val_str(read_string(r, -2));
        dict.items[2 * i + 1] = read_any(r, lua_gettop(r->L), depth);
        lua_pop(r->L, 1);
        i++;
    }
    dict.n = (uint32_t)n;
    qsort(dict.items, n, 2 * sizeof(*dict.items), compare_keys);
    return dict;
}

static struct val read_table(struct reading *r, int index, int depth)
{
    lua_State *L = r->L;
    size_t n = 0, n_strings = 0, n_places = 0, length = lua_objlen(L, index);
    if (depth == VALUE_DEPTH_MAX)
        luaL_error(L, "%s is nested more than %d deep", r->what, VALUE_DEPTH_MAX);
    luaL_checkstack(L, 8, "nested too deep");
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        n++;
        if (lua_type(L, -2) == LUA_TSTRING) {
            n_strings++;
        } else if (lua_type(L, -2) == LUA_TNUMBER) {
            lua_Number key = lua_tonumber(L, -2);
            n_places += key >= 1 && key <= (lua_Number)length && key == floor(key);
        }
    }
    if (n_places == n && n == length)
        return read_list(r, index, n, depth + 1);
    if (n_strings == n)
        return read_dict(r, index, n, depth + 1);
    luaL_error(L, "%s has a table that is neither a list without holes nor a table of names",
               r->what);
    return val_null;
}

static struct val read_any(struct reading *r, int index, int depth)
{
    lua_State *L = r->L;
    if (++r->n > VALUE_COUNT_MAX)
        luaL_error(L, "%s has more than %d values", r->what, VALUE_COUNT_MAX);
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        return val_null;
    case LUA_TBOOLEAN:
        return val_bool(lua_toboolean(L, index));
    case LUA_TNUMBER:
        return read_number(r, lua_tonumber(L, index));
    case LUA_TSTRING:
        return val_str(read_string(r, index));
    case LUA_TTABLE:
        return read_table(r, index, depth);
    }
    luaL_error(L, "%s has a %s in it", r->what, luaL_typename(L, index));
    return val_null;
}

struct val value_read(lua_State *L, int index, struct arena *arena, const char *what)
{
    struct reading r = {.L = L, .arena = arena, .what = what};
    return read_any(&r, index < 0 ? lua_gettop(L) + index + 1 : index, 0);
}

void value_push(lua_State *L, struct val v)
{
    luaL_checkstack(L, 4, "nested too deep");
    switch (v.type) {
    case VAL_NULL:
        lua_pushnil(L);
        return;
    case VAL_BOOL:
        lua_pushboolean(L, v.b);
        return;
    case VAL_INT:
        lua_pushnumber(L, (lua_Number)v.i);
        return;
    case VAL_DBL:
        lua_pushnumber(L, v.d);
        return;
    case VAL_STR:
    case VAL_BIN:
        lua_pushlstring(L, v.s, v.n);
        return;
    case VAL_LIST:
        lua_createtable(L, (int)v.n, 0);
        for (uint32_t i = 0; i < v.n; i++) {
            value_push(L, v.items[i]);
            lua_rawseti(L, -2, (int)i + 1);
        }
        return;
    case VAL_DICT:
        lua_createtable(L, 0, (int)v.n);
        for (uint32_t i = 0; i < v.n; i++) {
            value_push(L, v.items[2 * i]);
            value_push(L, v.items[2 * i + 1]);
            lua_rawset(L, -3);
        }
    }
}
