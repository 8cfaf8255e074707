/* call.c -- calling a rule's function: arguments in, answer out, strikes counted.
 *
 * A function is called by several threads at once, each in a lane of its own; what the lanes
 * share, its strikes, is atomic. The names of a formula's arguments belong to the plan that calls
 * it, since another plan may know its service by other names or in another order; a lane's state
 * is told of them when a call comes with others than the last.
 * SPDX-License-Identifier: Apache-2.0 */
#include <lauxlib.h>
#include <stdlib.h>

#include "script/file.h"
#include "script/value.h"

struct calling {
    struct script_fn *fn;
    struct script_names *names; /* NULL: not a formula of a plan */
    struct script_lane *lane;
    const struct val *args;
    size_t n;
    struct arena *arena;
    struct val *out;
    bool *used;
};

static void tell_names(lua_State *L, struct calling *c)
{
    struct script_names *names = c->names, **known = &c->lane->named[c->fn->number - 1];
    if (!names || names == *known)
        return;
    box_push_session(c->lane->box, "name_args");
    lua_pushinteger(L, (lua_Integer)c->fn->number);
    lua_createtable(L, (int)names->n, 0);
    for (size_t i = 0; i < names->n; i++) {
        lua_pushlstring(L, names->names[i].p, names->names[i].n);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_call(L, 2, 0);
    *known = names;
}

static void read_used(lua_State *L, int index, struct calling *c)
{
    memset(c->used, 0, c->n * sizeof(*c->used));
    if (!lua_istable(L, index))
        return;
    for (size_t i = 0; i < c->n; i++) {
        lua_rawgeti(L, index, (int)i + 1);
        c->used[i] = lua_toboolean(L, -1);
        lua_pop(L, 1);
    }
}

static void body(lua_State *L, void *arg)
{
    struct calling *c = arg;
    tell_names(L, c);
    box_push_session(c->lane->box, "call");
    lua_pushinteger(L, (lua_Integer)c->fn->number);
    lua_createtable(L, (int)c->n, 0);
    for (size_t i = 0; i < c->n; i++) {
        if (c->args[i].type == VAL_NULL)
            continue;
        value_push(L, c->args[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_pushinteger(L, (lua_Integer)c->n);
    lua_call(L, 3, 2);
    *c->out = value_read(L, -2, c->arena, "the answer");
    if (c->used)
        read_used(L, lua_gettop(L), c);
}

/* err: rules/x.lua:12: score "prospect": text */
static void say(const struct script_fn *fn, const struct box_trouble *t, struct str text,
                struct err *err)
{
    bool placed = t && t->file.n > 0;
    struct str path = placed ? t->file : fn->path;
    err_set(err, "%.*s:%u: %.*s%s%.*s", STR_FMT(path), placed ? t->line : fn->line,
            STR_FMT(fn->rule), fn->rule.n > 0 ? ": " : "", STR_FMT(text));
}

/* Whoever wrote the function is not there to see it fail: the first time is logged, and the last. What is only tried, in
 * the lane of the loader, is reported by the loader. */
static void count_trouble(struct script_fn *fn, unsigned lane, const struct box_trouble *t,
                          const struct err *said)
{
    stat_add(STAT_RULE_ERRORS, 1);
    if (lane + 1 < fn->file->n_lanes && !atomic_exchange(&fn->failed, true))
        log_warn("rules: %s", said->text);
    if (t->stop == BOX_RUNS)
        return;
    unsigned stops = atomic_fetch_add(&fn->stops, 1) + 1;
    if (stops < fn->file->limits.strikes || atomic_exchange(&fn->quarantined, true))
        return;
    stat_add(STAT_RULE_QUARANTINED, 1);
    log_error("rules: %s; this was time %u, so it is not called any more until its file changes",
              said->text, stops);
}

static __thread unsigned patience = 1;

void script_patience(unsigned times)
{
    patience = times;
}

static bool call_named(struct script_fn *fn, struct script_names *names, unsigned lane,
                       const struct val *args, size_t n, struct arena *arena, struct val *out,
                       bool *used, struct err *err)
{
    struct script_file *f = fn->file;
    *out = val_null;
    if (atomic_load_explicit(&fn->quarantined, memory_order_relaxed)) {
        char text[100];
        snprintf(text, sizeof(text), "stopped %u times and not called any more", f->limits.strikes);
        say(fn, NULL, str_of(text), err);
        return false;
    }
    if (lane >= f->n_lanes) {
        say(fn, NULL, STR("called in a lane that the file was not loaded for"), err);
        return false;
    }
    struct calling c = {fn, names, &f->lanes[lane], args, n, arena, out, used};
    int64_t us = lane == atomic_load_explicit(&f->engine_lane, memory_order_relaxed)
                     ? f->limits.inside_us
                     : f->limits.call_us;
    us *= patience;
    struct box_trouble t;
    if (box_call(c.lane->box, body, &c, us, &t))
        return true;
    *out = val_null;
    struct err said = {.set = false};
    say(fn, &t, box_trouble_text(c.lane->box, &t, us, arena), &said);
    count_trouble(fn, lane, &t, &said);
    return err_set(err, "%s", said.text);
}

static bool fn_call(struct plan_fn *base, unsigned lane, const struct val *args, size_t n,
                    struct arena *arena, struct val *out, bool *used, struct err *err)
{
    return call_named((struct script_fn *)base, NULL, lane, args, n, arena, out, used, err);
}

static bool fn_quarantined(const struct plan_fn *base)
{
    return atomic_load_explicit(&((const struct script_fn *)base)->quarantined,
                                memory_order_relaxed);
}

static bool named_call(struct plan_fn *base, unsigned lane, const struct val *args, size_t n,
                       struct arena *arena, struct val *out, bool *used, struct err *err)
{
    struct script_names *names = (struct script_names *)base;
    return call_named(names->fn, names, lane, args, n, arena, out, used, err);
}

static bool named_quarantined(const struct plan_fn *base)
{
    return fn_quarantined(&((const struct script_names *)base)->fn->base);
}

void fn_init(struct script_fn *fn, struct script_file *f, size_t number)
{
    fn->base = (struct plan_fn){.call = fn_call, .quarantined = fn_quarantined};
    fn->file = f;
    fn->number = number;
    fn->names = NULL;
    atomic_init(&fn->stops, 0);
    atomic_init(&fn->quarantined, false);
    atomic_init(&fn->failed, false);
}

void fn_fini(struct script_fn *fn)
{
    if (atomic_load(&fn->quarantined))
        stat_add(STAT_RULE_QUARANTINED, -1);
    struct script_names *names = fn->names;
    while (names) {
        struct script_names *older = names->older;
        arena_fini(&names->arena);
        free(names);
        names = older;
    }
}

/* -- struct plan_source */

static struct plan_fn *source_fn(void *ctx, size_t n)
{
    struct script_file *f = ctx;
    return n >= 1 && n <= f->n_fns && !f->fns[n - 1].is_test ? &f->fns[n - 1].base : NULL;
}

static bool names_equal(const struct script_names *a, const struct str *names, size_t n)
{
    if (a->n != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!str_eq(a->names[i], names[i]))
            return false;
    }
    return true;
}

static struct plan_fn *source_name_args(void *ctx, size_t number, const struct str *names, size_t n)
{
    struct script_file *f = ctx;
    if (!source_fn(f, number))
        return NULL;
    struct script_fn *fn = &f->fns[number - 1];
    for (struct script_names *known = fn->names; known; known = known->older)
        if (names_equal(known, names, n))
            return &known->base;
    struct script_names *copy = xcalloc(1, sizeof(*copy));
    copy->base = (struct plan_fn){.call = named_call, .quarantined = named_quarantined};
    copy->fn = fn;
    arena_init(&copy->arena);
    copy->older = fn->names;
    copy->n = n;
    copy->names = arena_alloc(&copy->arena, n * sizeof(*names));
    for (size_t i = 0; i < n; i++)
        copy->names[i] = arena_str(&copy->arena, names[i]);
    fn->names = copy;
    return &copy->base;
}

struct plan_source script_file_source(struct script_file *f)
{
    return (struct plan_source){
        .desc = &f->desc, .fn = source_fn, .name_args = source_name_args, .ctx = f};
}
