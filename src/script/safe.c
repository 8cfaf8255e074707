/* safe.c -- what of Lua's own libraries is taken away, replaced or bounded in every state.
 *
 * The rule of thumb: what loops in C without calling back is replaced, unless the length of its
 * loop is that of something which already sits in the state's memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include <lauxlib.h>

#include "script/box.h"
#include "script/safe.h"

enum { UNPACK_MAX = 4000, LOG_BYTES_MAX = 500, STACK_MAX = 256 << 10 };

void safe_check_size(lua_State *L, size_t n)
{
    if (n > box_of(L)->soft)
        luaL_error(L, "resulting string too large");
}

void safe_check_stack(lua_State *L)
{
    const char *now = __builtin_frame_address(0), *then = box_of(L)->stack;
    if (then && then - now > STACK_MAX)
        luaL_error(L, "functions are nested too deep");
}

/* rep(s, n [, separator]) */
static int safe_rep(lua_State *L)
{
    size_t n, n_sep;
    const char *s = luaL_checklstring(L, 1, &n), *sep = luaL_optlstring(L, 3, "", &n_sep);
    lua_Number wanted = luaL_checknumber(L, 2);
    if (!(wanted >= 1)) {
        lua_pushliteral(L, "");
        return 1;
    }
    size_t one = n + n_sep, most = box_of(L)->soft / MAX_OF(one, 1) + 1;
    if (one == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    if (wanted > (lua_Number)most)
        return luaL_error(L, "resulting string too large");
    size_t total = one * (size_t)wanted - n_sep;
    safe_check_size(L, total);
    char *out = lua_newuserdata(L, total + n_sep);
    memcpy(out, s, n);
    memcpy(out + n, sep, n_sep);
    for (size_t done = one; done < total; done *= 2) /* each round copies all there is so far */
        memcpy(out + done, out, MIN_OF(done, total - done));
    lua_pushlstring(L, out, total);
    return 1;
}

/* concat(t [, separator [, from [, to]]]) */
static int safe_concat(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    size_t n_sep, total = 0;
    const char *sep = luaL_optlstring(L, 2, "", &n_sep);
    int from = luaL_optint(L, 3, 1), to = luaL_opt(L, luaL_checkint, 4, (int)lua_objlen(L, 1));
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (int64_t i = from; i <= to; i++) {
        lua_rawgeti(L, 1, (int)i);
        size_t n;
        const char *s = lua_type(L, -1) == LUA_TSTRING || lua_type(L, -1) == LUA_TNUMBER
                            ? lua_tolstring(L, -1, &n)
                            : NULL;
        if (!s)
            return luaL_error(L, "invalid value (%s) at index %d in table for 'concat'",
                              luaL_typename(L, -1), (int)i);
        total += n + n_sep;
        safe_check_size(L, total - n_sep);
        luaL_addvalue(&buffer);
        if (i < to)
            luaL_addlstring(&buffer, sep, n_sep);
    }
    luaL_pushresult(&buffer);
    return 1;
}

static int safe_unpack(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    int from = luaL_optint(L, 2, 1), to = luaL_opt(L, luaL_checkint, 3, (int)lua_objlen(L, 1));
    int64_t n = (int64_t)to - from + 1;
    if (n <= 0)
        return 0;
    if (n > UNPACK_MAX || !lua_checkstack(L, (int)n))
        return luaL_error(L, "too many results to unpack");
    for (int64_t i = from; i <= to; i++)
        lua_rawgeti(L, 1, (int)i);
    return (int)n;
}

/* insert(t, [at,] value): Lua's own loops from the end down to `at`, however far outside the
 * table that is. */
static int safe_insert(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    int behind = (int)lua_objlen(L, 1) + 1, at = behind;
    if (lua_gettop(L) == 3) {
        at = luaL_checkint(L, 2);
        luaL_argcheck(L, at >= 1 && at <= behind, 2, "position out of bounds");
    } else if (lua_gettop(L) != 2) {
        return luaL_error(L, "wrong number of arguments to 'insert'");
    }
    for (int i = behind; i > at; i--) {
        lua_rawgeti(L, 1, i - 1);
        lua_rawseti(L, 1, i);
    }
    lua_rawseti(L, 1, at);
    return 0;
}

/* sort(t [, less]): Lua's own, but always with a function in Lua, between whose calls the hook
 * gets its turn: sorting without one is quadratic for a table made for it. Upvalues: Lua's sort,
 * that function. */
static int safe_sort(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    safe_check_stack(L);
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_pushvalue(L, lua_upvalueindex(2));
        lua_replace(L, 2);
    } else if (lua_iscfunction(L, 2)) {
        return luaL_error(L, "sort takes a function written in Lua");
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 2, 0);
    return 0;
}

/* log(...): a line for whoever runs the server; at most so many a call. */
static int safe_log(lua_State *L)
{
    struct box *b = box_of(L);
    if (++b->n_logged > BOX_LOG_LINES)
        return 0;
    char line[LOG_BYTES_MAX];
    size_t used = 0;
    for (int i = 1; i <= lua_gettop(L); i++) {
        size_t n;
        const char *s = safe_to_text(L, i, &n);
        if (i > 1 && used < sizeof(line))
            line[used++] = ' ';
        for (size_t k = 0; k < n && used < sizeof(line); k++)
            line[used++] = (unsigned char)s[k] < 32 || s[k] == 127 ? '?' : s[k];
        lua_pop(L, 1);
    }
    log_info("%.*s: %.*s", STR_FMT(b->path), (int)used, line);
    return 0;
}

static const luaL_Reg wraps[] = {
    {"rep", safe_rep},       {"find", safe_find},         {"match", safe_match},
    {"gmatch", safe_gmatch}, {"gsub", safe_gsub},         {"format", safe_format},
    {"concat", safe_concat}, {"tostring", safe_tostring}, {"unpack", safe_unpack},
    {"log", safe_log},
};

void safe_push_wraps(lua_State *L)
{
    lua_newtable(L);
    for (size_t i = 0; i < COUNT_OF(wraps); i++) {
        lua_pushcfunction(L, wraps[i].func);
        lua_setfield(L, -2, wraps[i].name);
    }
}

static void remove_fields(lua_State *L, const char *table, const char *const *names)
{
    lua_getglobal(L, table);
    for (; *names; names++) {
        lua_pushnil(L);
        lua_setfield(L, -2, *names);
    }
    lua_pop(L, 1);
}

static void replace_table_functions(lua_State *L)
{
    lua_getglobal(L, "table");
    lua_pushcfunction(L, safe_insert);
    lua_setfield(L, -2, "insert");
    lua_getfield(L, -1, "sort");
    if (luaL_loadstring(L, "local a, b = ... return a < b") != 0)
        lua_error(L);
    lua_pushcclosure(L, safe_sort, 2);
    lua_setfield(L, -2, "sort");
    lua_pop(L, 1);
}

/* Methods of strings, ("x"):rep(3), are looked up here, whatever `string` means in a rule file's
 * environment. */
static void replace_methods(lua_State *L)
{
    static const char *const plain[] = {"byte", "char", "len", "lower", "upper", "reverse", "sub"};
    static const char *const no_methods[] = {"concat", "tostring", "unpack", "log"};
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    safe_push_wraps(L);
    for (size_t i = 0; i < COUNT_OF(no_methods); i++) {
        lua_pushnil(L);
        lua_setfield(L, -2, no_methods[i]);
    }
    lua_getglobal(L, "string");
    for (size_t i = 0; i < COUNT_OF(plain); i++) {
        lua_getfield(L, -1, plain[i]);
        lua_setfield(L, -3, plain[i]);
    }
    lua_pop(L, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 2);
}

void safe_lock_strings(lua_State *L)
{
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}

void safe_globals(lua_State *L)
{
    remove_fields(L, "_G",
                  (const char *const[]){"coroutine", "collectgarbage", "gcinfo", "newproxy",
                                        "print", "load", "loadstring", "loadfile", "dofile", NULL});
    remove_fields(L, "string", (const char *const[]){"dump", NULL});
    remove_fields(L, "table", (const char *const[]){"move", "foreach", "foreachi", NULL});
    remove_fields(L, "math", (const char *const[]){"random", "randomseed", NULL});
    replace_table_functions(L);
    replace_methods(L);
    lua_pushcfunction(L, safe_tostring);
    lua_setglobal(L, "tostring");
}
