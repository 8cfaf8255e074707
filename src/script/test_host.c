/* test_host.c -- running a test block: what it may do to the engine's scratch copy, as functions
 * in Lua.
 * SPDX-License-Identifier: Apache-2.0 */
#include <lauxlib.h>

#include "script/file.h"
#include "script/value.h"

struct test_run {
    const struct script_host *host;
    struct script_fn *fn;
    struct box *box;
    struct arena arena; /* of one call of the host */
    struct str verdict; /* why it failed; empty: it did not */
    struct arena kept;
};

static struct test_run *test_of(lua_State *L)
{
    struct test_run *run = box_of(L)->host;
    if (!run)
        luaL_error(L, "this is over with its test");
    luaL_checkstack(L, LUA_MINSTACK,
                    "nested too deep"); /* the host may call functions of this very state */
    arena_reset(&run->arena);
    return run;
}

static int raise_err(lua_State *L, const struct err *err)
{
    lua_pushstring(L, err->text);
    return lua_error(L);
}

static struct str check_text(lua_State *L, int index)
{
    struct str s;
    s.p = luaL_checklstring(L, index, &s.n);
    return s;
}

static int test_send(lua_State *L)
{
    struct test_run *run = test_of(L);
    struct err err = {.set = false};
    luaL_checktype(L, 1, LUA_TTABLE);
    struct val event = value_read(L, 1, &run->arena, "the event"), ids = val_null;
    if (!run->host->send(run->host->ctx, &event, &run->arena, &ids, &err))
        return raise_err(L, &err);
    value_push(L, ids);
    return 1;
}

static int test_wait(lua_State *L)
{
    struct test_run *run = test_of(L);
    struct err err = {.set = false};
    lua_Number ms = luaL_checknumber(L, 1);
    luaL_argcheck(L, ms >= 0 && ms < 0x1p53, 1, "not a span of time");
    return run->host->wait(run->host->ctx, (int64_t)ms, &err) ? 0 : raise_err(L, &err);
}

static int test_read(lua_State *L)
{
    struct test_run *run = test_of(L);
    struct err err = {.set = false};
    struct val ids = value_read(L, 1, &run->arena, "the visitor"), out = val_null;
    if (!run->host->read(run->host->ctx, &ids, check_text(L, 2), &run->arena, &out, &err))
        return raise_err(L, &err);
    value_push(L, out);
    return 1;
}

static int test_take(lua_State *L)
{
    struct test_run *run = test_of(L);
    struct err err = {.set = false};
    struct val ids = value_read(L, 1, &run->arena, "the visitor"), out = val_null;
    if (!run->host->take(run->host->ctx, &ids, check_text(L, 2), &run->arena, &out, &err))
        return raise_err(L, &err);
    value_push(L, out);
    return 1;
}

static void body(lua_State *L, void *arg)
{
    static const luaL_Reg functions[] = {
        {"send", test_send}, {"wait", test_wait}, {"read", test_read}, {"take", test_take}};
    struct test_run *run = arg;
    box_push_session(run->box, "run_test");
    lua_pushinteger(L, (lua_Integer)run->fn->number);
    lua_newtable(L);
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        lua_pushcfunction(L, functions[i].func);
        lua_setfield(L, -2, functions[i].name);
    }
    lua_call(L, 2, 2);
    if (lua_toboolean(L, -2))
        return;
    run->verdict = STR("failed");
    if (lua_type(L, -1) == LUA_TSTRING) {
        run->verdict.p = lua_tolstring(L, -1, &run->verdict.n);
        run->verdict = arena_str(&run->kept, run->verdict);
    }
}

bool script_run_test(struct script_file *f, size_t fn, unsigned lane,
                     const struct script_host *host, struct err *err)
{
    if (fn < 1 || fn > f->n_fns || !f->fns[fn - 1].is_test || lane >= f->n_lanes)
        return err_set(err, "%.*s: there is no test %zu", STR_FMT(f->path), fn);
    struct test_run run = {.host = host, .fn = &f->fns[fn - 1], .box = f->lanes[lane].box};
    struct box_trouble t;
    arena_init(&run.arena);
    arena_init(&run.kept);
    run.box->host = &run;
    bool ok = box_call(run.box, body, &run, f->limits.test_us, &t);
    run.box->host = NULL;
    if (!ok) {
        struct str text = box_trouble_text(run.box, &t, f->limits.test_us, &run.kept);
        bool placed = t.file.n > 0;
        err_set(err, "%.*s:%u: %.*s: %.*s", STR_FMT(placed ? t.file : run.fn->path),
                placed ? t.line : run.fn->line, STR_FMT(run.fn->rule), STR_FMT(text));
    } else if (run.verdict.n > 0) {
        ok = err_set(err, "%.*s", STR_FMT(run.verdict));
    }
    arena_fini(&run.kept);
    arena_fini(&run.arena);
    return ok;
}
