/* box.c -- one sandboxed Lua state: its memory, its hook, its calls, and the library inside.
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <lauxlib.h>
#include <luajit.h>
#include <lualib.h>
#include <stdlib.h>

#include "script/box.h"
#include "script/safe.h"

enum { HARD_TIMES = 4 };

struct box *box_of(lua_State *L)
{
    void *box;
    lua_getallocf(L, &box);
    return box;
}

static void *box_alloc(void *ud, void *p, size_t before, size_t after)
{
    struct box *b = ud;
    if (after == 0) {
        free(p);
        b->used -= before;
        return NULL;
    }
    size_t used = b->used - before + after;
    if (after > before && used > HARD_TIMES * b->soft)
        return NULL;
    p = realloc(p, after);
    if (!p)
        return NULL;
    b->used = used;
    b->peak = MAX_OF(b->peak, used);
    if (after > before && used > b->soft && b->run)
        watch_set_hook(b->run, true);
    return p;
}

/* -- Where something happened: the innermost frame of the rule file or of words.lua */

static struct str box_own_path(const struct box *b, struct str name)
{
    if (name.n == 0)
        return (struct str){0};
    return str_eq(name, b->path)         ? b->path
           : str_eq(name, b->words_path) ? b->words_path
                                         : (struct str){0};
}

static void note_place(struct box *b, lua_State *L, int level)
{
    lua_Debug ar;
    for (; lua_getstack(L, level, &ar) && lua_getinfo(L, "Sl", &ar); level++) {
        struct str at =
            *ar.source == '@' ? box_own_path(b, str_of(ar.source + 1)) : (struct str){0};
        if (at.n == 0 || ar.currentline <= 0)
            continue;
        b->at = at;
        b->line = (uint32_t)ar.currentline;
        return;
    }
}

/* -- The hook */

/* Once is not always enough: Lua's buffer for joining strings shrinks by half each time. */
void box_collect(struct box *b)
{
    size_t before;
    do {
        before = b->used;
        lua_gc(b->L, LUA_GCCOLLECT, 0);
    } while (b->used > b->soft && b->used < before);
}

static int raise_stop(lua_State *L, struct box *b, enum box_stop stop)
{
    if (b->stop == BOX_RUNS) {
        b->stop = stop;
        note_place(b, L, 0);
    }
    watch_set_hook(b->run, true);
    lua_rawgeti(L, LUA_REGISTRYINDEX,
                b->stopped); /* a string made before: raising takes no memory */
    return lua_error(L);
}

int box_raise_time(lua_State *L)
{
    return raise_stop(L, box_of(L), BOX_TIME);
}

static void on_hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    struct box *b = box_of(L);
    if (b->stop != BOX_RUNS || b->run->due)
        raise_stop(L, b, BOX_TIME);
    if (b->used > b->soft)
        box_collect(b);
    if (b->used > b->soft)
        raise_stop(L, b, BOX_MEMORY);
    watch_set_hook(b->run, false);
}

/* -- Calls */

static int on_error(lua_State *L)
{
    struct box *b = box_of(L);
    if (b->stop != BOX_RUNS)
        return 1;
    note_place(b, L, 1);
    if (lua_type(L, 1) == LUA_TSTRING) {
        luaL_traceback(L, L, lua_tostring(L, 1), 1);
        log_debug("%s", lua_tostring(L, -1));
        lua_pop(L, 1);
    }
    return 1;
}

static int enter(lua_State *L)
{
    struct box *b = box_of(L);
    b->body(L, b->arg);
    return 0;
}

/* Splits "rules/x.lua:12: text" when it names one of the box's files; takes a library's place
 * away when a rule's is known. */
static struct str split_place(const struct box *b, struct str text, struct str *file,
                              uint32_t *line)
{
    struct str rest = text;
    const char *colon;
    while ((colon = memchr(rest.p, ':', rest.n))) {
        struct str name = {text.p, (size_t)(colon - text.p)};
        size_t n = 0;
        rest = (struct str){colon + 1, rest.n - (size_t)(colon + 1 - rest.p)};
        while (n < rest.n && rest.p[n] >= '0' && rest.p[n] <= '9')
            n++;
        uint64_t number;
        if (n + 1 >= rest.n || rest.p[n] != ':' || rest.p[n + 1] != ' ' ||
            !str_u64((struct str){rest.p, n}, &number))
            continue;
        struct str own = box_own_path(b, name);
        if (own.n == 0 && line[0] == 0)
            return text;
        if (own.n > 0) {
            *file = own;
            *line = (uint32_t)number;
        }
        return (struct str){rest.p + n + 2, rest.n - n - 2};
    }
    return text;
}

static void note_trouble(struct box *b, int status, struct box_trouble *t)
{
    *t = (struct box_trouble){.stop = b->stop, .file = b->at, .line = b->line};
    if (status == LUA_ERRMEM && t->stop == BOX_RUNS)
        t->stop = BOX_MEMORY;
    if (t->stop != BOX_RUNS)
        return;
    struct str text = {0};
    if (lua_type(b->L, -1) == LUA_TSTRING)
        text.p = lua_tolstring(b->L, -1, &text.n);
    else
        text = STR("an error that is no text was raised");
    text = split_place(b, text, &t->file, &t->line);
    snprintf(t->text, sizeof(t->text), "%.*s", STR_FMT(text));
}

/* Calls on a budget this short leave the collector for afterwards. */
enum { SHORT_US = 1000 };

/* Collects at the pace at which the last call allocated, and rests after each round until twice as much is used. */
static void collect_some(struct box *b, size_t before)
{
    size_t grown = b->used > before ? b->used - before : 0;
    if (b->used >= b->collect_from && lua_gc(b->L, LUA_GCSTEP, (int)(grown >> 10) + 1))
        b->collect_from = b->used * 2;
}

bool box_call(struct box *b, void (*body)(lua_State *L, void *arg), void *arg, int64_t us,
              struct box_trouble *t)
{
    lua_State *L = b->L;
    struct box outer = *b;
    struct watch_run run;
    int top = lua_gettop(L);
    /* what earlier calls, of other functions perhaps, left to be collected is not this one's to pay for */
    bool collect_later = us <= SHORT_US && !outer.run;
    size_t before = b->used;
    if (!watch_begin(&run, L, on_hook, us)) {
        *t = (struct box_trouble){.text = "the system gives no timer"};
        return false;
    }
    b->run = &run;
    b->body = body;
    b->arg = arg;
    b->stack = __builtin_frame_address(0);
    b->stop = BOX_RUNS;
    b->at = (struct str){0};
    b->line = 0;
    b->n_logged = 0;
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->on_error);
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->enter);
    if (collect_later)
        lua_gc(L, LUA_GCSTOP, 0);
    int status = lua_pcall(L, 0, 0, top + 1);
    watch_end(&run);
    if (collect_later)
        lua_gc(L, LUA_GCRESTART, 0);
    bool ok = status == 0 && b->stop == BOX_RUNS;
    if (!ok)
        note_trouble(b, status, t);
    assert(lua_gettop(L) == top + 1 + (status != 0));
    lua_settop(L, top);
    if (b->used > b->soft) /* the next call shall not begin near the hard limit */
        box_collect(b);
    else if (collect_later)
        collect_some(b, before);
    b->run = outer.run;
    b->body = outer.body;
    b->arg = outer.arg;
    b->stack = outer.stack;
    b->stop = outer.stop;
    b->at = outer.at;
    b->line = outer.line;
    b->n_logged = outer.n_logged;
    return ok;
}

struct str box_trouble_text(const struct box *b, const struct box_trouble *t, int64_t us,
                            struct arena *arena)
{
    if (t->stop == BOX_TIME && us % 1000 == 0)
        return arena_printf(arena, "stopped: more than %lld ms of CPU time", (long long)us / 1000);
    if (t->stop == BOX_TIME)
        return arena_printf(arena, "stopped: more than %lld us of CPU time", (long long)us);
    if (t->stop == BOX_MEMORY && b->soft % (1 << 20) == 0)
        return arena_printf(arena, "stopped: more than %zu MiB of memory", b->soft >> 20);
    if (t->stop == BOX_MEMORY)
        return arena_printf(arena, "stopped: more than %zu KiB of memory", b->soft >> 10);
    return arena_str(arena, str_of(t->text));
}

/* -- The library inside */

void box_push_library(struct box *b, const char *name)
{
    lua_rawgeti(b->L, LUA_REGISTRYINDEX, b->library);
    lua_getfield(b->L, -1, name);
    lua_remove(b->L, -2);
}

void box_push_session(struct box *b, const char *name)
{
    lua_rawgeti(b->L, LUA_REGISTRYINDEX, b->session);
    lua_getfield(b->L, -1, name);
    lua_remove(b->L, -2);
}

static int load_module(lua_State *L);

static void push_load_module(lua_State *L, const struct library *library, int loaded)
{
    lua_pushvalue(L, loaded);
    lua_pushlightuserdata(L, (void *)library);
    lua_insert(L, -2);
    lua_pushcclosure(L, load_module, 2);
}

/* load_module(name): upvalues the library and a table of what was loaded so far. */
static int load_module(lua_State *L)
{
    const struct library *library = lua_touserdata(L, lua_upvalueindex(1));
    const char *name = luaL_checkstring(L, 1);
    lua_getfield(L, lua_upvalueindex(2), name);
    if (!lua_isnil(L, -1))
        return 1;
    for (size_t i = 0; i < library->n; i++) {
        const struct library_module *m = &library->modules[i];
        if (strcmp(m->name, name) != 0)
            continue;
        if (luaL_loadbufferx(L, m->code, m->n, m->name, "bt") != 0)
            return lua_error(L);
        push_load_module(L, library, lua_upvalueindex(2));
        lua_call(L, 1, 1);
        lua_pushvalue(L, -1);
        lua_setfield(L, lua_upvalueindex(2), name);
        return 1;
    }
    return luaL_error(L, "the rule language has no module \"%s\"", name);
}

/* A number like 7LL makes LuaJIT open its ffi library, which nothing here may reach. */
static bool ffi_opened(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
    lua_getfield(L, -1, "ffi");
    bool opened = !lua_isnil(L, -1);
    lua_pop(L, 2);
    return opened;
}

/* host.load(text, chunkname): a function, or nil and why not. Text only. */
static int load_text(lua_State *L)
{
    size_t n;
    const char *text = luaL_checklstring(L, 1, &n);
    const char *name = luaL_checkstring(L, 2);
    if (*name != '@' && *name != '=')
        name = lua_pushfstring(L, "@%s", name);
    int status = luaL_loadbufferx(L, text, n, name, "t");
    if (status == LUA_ERRMEM) {
        box_of(L)->stop = BOX_MEMORY;
        return lua_error(L);
    }
    if (status == 0 && !ffi_opened(L))
        return 1;
    lua_pushnil(L);
    if (status == 0)
        lua_pushfstring(L, "%s:1: a number here ends in LL or i", name + 1);
    else
        lua_pushvalue(L, -2);
    return 2;
}

/* host.hash(text): as a text in hex. */
static int hash_text(lua_State *L)
{
    uint8_t hash[16];
    struct str text;
    char hex[2 * sizeof(hash) + 1];
    text.p = luaL_checklstring(L, 1, &text.n);
    str_hash128(text, hash);
    for (size_t i = 0; i < sizeof(hash); i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    lua_pushstring(L, hex);
    return 1;
}

static void open_library(lua_State *L, void *arg)
{
    struct box *b = box_of(L);
    lua_newtable(L);
    push_load_module(L, arg, 1);
    lua_pushliteral(L, "signalbox");
    lua_call(L, 1, 1);
    lua_pushvalue(L, -1);
    b->library = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_getfield(L, -1, "new");
    lua_newtable(L);
    safe_push_wraps(L);
    lua_setfield(L, -2, "wrap");
    lua_pushcfunction(L, load_text);
    lua_setfield(L, -2, "load");
    lua_pushcfunction(L, hash_text);
    lua_setfield(L, -2, "hash");
    lua_call(L, 1, 1);
    b->session = luaL_ref(L, LUA_REGISTRYINDEX);
    safe_lock_strings(L);
}

/* -- Making one */

static int on_panic(lua_State *L)
{
    const char *text = lua_tostring(L, -1);
    log_error("Lua raised outside a call: %s", text ? text : "no text");
    abort();
}

/* Opens what the library needs of Lua, protected by lua_cpcall. */
static int open_state(lua_State *L)
{
    static const luaL_Reg libraries[] = {
        {"", luaopen_base},
        {LUA_STRLIBNAME, luaopen_string},
        {LUA_TABLIBNAME, luaopen_table},
        {LUA_MATHLIBNAME, luaopen_math},
        {LUA_BITLIBNAME, luaopen_bit},
        {LUA_DBLIBNAME, luaopen_debug},
    };
    struct box *b = box_of(L);
    for (size_t i = 0; i < COUNT_OF(libraries); i++) {
        lua_pushcfunction(L, libraries[i].func);
        lua_pushstring(L, libraries[i].name);
        lua_call(L, 1, 0);
    }
    safe_globals(L);
    lua_pushcfunction(L, enter);
    b->enter = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushcfunction(L, on_error);
    b->on_error = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushliteral(L, "stopped");
    b->stopped = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

struct box *box_new(const struct library *library, struct str path, struct str words_path,
                    size_t soft, int64_t us, struct err *err)
{
    struct box *b = xcalloc(1, sizeof(*b));
    *b = (struct box){.path = path, .words_path = words_path, .soft = soft};
    b->L = lua_newstate(box_alloc, b);
    struct box_trouble t = {.text = "no memory for a Lua state"};
    if (b->L) {
        lua_atpanic(b->L, on_panic);
        luaJIT_setmode(b->L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
        if (lua_cpcall(b->L, open_state, NULL) == 0 &&
            box_call(b, open_library, (void *)library, us, &t))
            return b;
    }
    struct arena arena;
    arena_init(&arena);
    err_set(err, "the rule language does not load: %.*s",
            STR_FMT(box_trouble_text(b, &t, us, &arena)));
    arena_fini(&arena);
    box_free(b);
    return NULL;
}

void box_free(struct box *b)
{
    if (!b)
        return;
    if (b->L)
        lua_close(b->L);
    free(b);
}
