/* load.c -- running a rule file: words, file, trial of its formulas, description; once in each
 * lane.
 *
 * The first lane decides: its problems are the file's, its description is the file's. The other
 * lanes only have to come out the same, which a file that is as the language wants it does,
 * since it sees neither clock nor chance.
 * SPDX-License-Identifier: Apache-2.0 */
#include <lauxlib.h>
#include <stdlib.h>

#include "script/file.h"
#include "script/value.h"

enum { TEXT_MAX = 1 << 20 };

const struct script_limits script_limits_default = {
    .load_us = 200000,
    .call_us = 10000,
    .inside_us = 1000,
    .test_us = 2000000,
    .memory = 8 << 20,
    .strikes = 3,
};

/* One lane's loading. */
struct loading {
    struct script_file *file;
    struct box *box;
    struct plan_report *report;
    bool quiet;            /* not the first lane: problems are known already */
    struct str path, text; /* of the step under way */
    struct arena arena;    /* what is read of Lua and not kept */
    struct val desc;
    size_t n_fns;
    bool failed;
};

static struct str field_str(struct val dict, const char *key)
{
    const struct val *v = val_get(&dict, key);
    return v ? val_as_str(*v) : (struct str){0};
}

static void report_problem(struct loading *l, struct val problem)
{
    const struct val *line = val_get(&problem, "line"), *warning = val_get(&problem, "warning");
    struct str file = field_str(problem, "file"), text = field_str(problem, "text");
    bool warns = warning && warning->type == VAL_BOOL && warning->b;
    l->failed = l->failed || !warns;
    if (!l->quiet)
        plan_report_add(l->report, warns, file.n > 0 ? file : l->path,
                        line && line->type == VAL_INT && line->i > 0 ? (uint32_t)line->i : 0,
                        field_str(problem, "rule"), "%.*s", STR_FMT(text));
}

/* Reports a list of problems at `index`, or nothing when there is nil. */
static void report_problems(struct loading *l, lua_State *L, int index)
{
    if (lua_isnil(L, index))
        return;
    struct val problems = value_read(L, index, &l->arena, "a problem");
    for (uint32_t i = 0; problems.type == VAL_LIST && i < problems.n; i++)
        report_problem(l, problems.items[i]);
}

/* -- The steps; each is the body of a box_call */

static void push_text(lua_State *L, const struct loading *l)
{
    lua_pushlstring(L, l->path.p, l->path.n);
    lua_pushlstring(L, l->text.p, l->text.n);
}

static void step_scan(lua_State *L, void *arg)
{
    struct loading *l = arg;
    box_push_library(l->box, "scan");
    push_text(L, l);
    lua_call(L, 2, 1);
    if (lua_isnil(L, -1))
        return;
    report_problem(l, value_read(L, -1, &l->arena, "a problem"));
    l->failed = true;
}

static void run_text(lua_State *L, struct loading *l, const char *function)
{
    box_push_session(l->box, function);
    push_text(L, l);
    lua_call(L, 2, 2);
    report_problems(l, L, -1);
    l->failed = l->failed || !lua_toboolean(L, -2);
}

static void step_words(lua_State *L, void *arg)
{
    run_text(L, arg, "run_words");
}

static void step_run(lua_State *L, void *arg)
{
    run_text(L, arg, "run");
}

/* Reads what the session knows of each function. */
static void read_functions(lua_State *L, struct loading *l)
{
    struct script_file *f = l->file;
    box_push_session(l->box, "functions");
    l->n_fns = lua_objlen(L, -1);
    if (l->quiet)
        return;
    f->n_fns = l->n_fns;
    f->fns = arena_zalloc(&f->arena, l->n_fns * sizeof(*f->fns));
    box_push_session(l->box, "function_info");
    for (size_t i = 0; i < l->n_fns; i++) {
        lua_rawgeti(L, -1, (int)i + 1);
        struct val info = value_read(L, -1, &f->arena, "what is known of a function");
        const struct val *line = val_get(&info, "line");
        struct script_fn *fn = &f->fns[i];
        fn_init(fn, f, i + 1);
        fn->is_test = str_eqz(field_str(info, "kind"), "test");
        fn->rule = field_str(info, "rule");
        fn->path = field_str(info, "file");
        fn->line = line && line->type == VAL_INT && line->i > 0 ? (uint32_t)line->i : 0;
        lua_pop(L, 1);
    }
}

static void step_finish(lua_State *L, void *arg)
{
    struct loading *l = arg;
    box_push_session(l->box, "finish");
    lua_call(L, 0, 2);
    report_problems(l, L, -1);
    if (!lua_istable(L, -2)) {
        l->failed = true;
        return;
    }
    l->desc = value_read(L, -2, l->quiet ? &l->arena : &l->file->arena, "the description");
    read_functions(L, l);
}

static void step_try(lua_State *L, void *arg)
{
    struct loading *l = arg;
    box_push_session(l->box, "try_formulas");
    lua_call(L, 0, 1);
    report_problems(l, L, -1);
}

/* -- Loading */

static bool run_step(struct loading *l, void (*step)(lua_State *L, void *arg))
{
    struct box_trouble t;
    int64_t us = l->file->limits.load_us;
    if (!box_call(l->box, step, l, us, &t)) {
        struct str text = box_trouble_text(l->box, &t, us, &l->arena);
        plan_report_add(l->report, false, t.file.n > 0 ? t.file : l->path, t.line, (struct str){0},
                        "%.*s", STR_FMT(text));
        l->failed = true;
    }
    return !l->failed;
}

static bool run_steps(struct loading *l, struct str text, struct str words_text)
{
    struct script_file *f = l->file;
    if (words_text.p) {
        l->path = f->words_path;
        l->text = words_text;
        if (!run_step(l, step_scan) || !run_step(l, step_words))
            return false;
    }
    l->path = f->path;
    l->text = text;
    return run_step(l, step_scan) && run_step(l, step_run) && run_step(l, step_finish) &&
           (l->quiet || run_step(l, step_try));
}

static bool load_lane(const struct library *library, struct script_file *f, unsigned lane,
                      struct str text, struct str words_text, struct plan_report *report)
{
    struct loading l = {.file = f, .report = report, .quiet = lane > 0};
    struct err err = {.set = false};
    l.box = box_new(library, f->path, f->words_path, f->limits.memory, f->limits.load_us, &err);
    if (!l.box) {
        plan_report_add(report, false, f->path, 0, (struct str){0}, "%s", err.text);
        return false;
    }
    f->lanes[lane].box = l.box;
    arena_init(&l.arena);
    bool ok = run_steps(&l, text, words_text);
    box_collect(l.box);
    if (lane == 0) {
        f->desc = l.desc;
    } else if (ok ? l.n_fns != f->n_fns || !val_eq(l.desc, f->desc) : !plan_report_failed(report)) {
        plan_report_add(report, false, f->path, 0, (struct str){0},
                        "the file does not load the same way twice");
        ok = false;
    }
    arena_fini(&l.arena);
    return ok;
}

static bool check_size(struct str path, struct str text, struct plan_report *report)
{
    if (text.n > TEXT_MAX)
        plan_report_add(report, false, path, 0, (struct str){0}, "the file is larger than %d KiB",
                        TEXT_MAX >> 10);
    return text.n <= TEXT_MAX;
}

static void close_lanes(struct script_file *f)
{
    for (unsigned i = 0; i < f->n_lanes; i++) {
        box_free(f->lanes[i].box);
        free(f->lanes[i].named);
    }
    free(f->lanes);
    f->lanes = NULL;
    f->n_lanes = 0;
}

/* At least one lane is opened, to read the description; when the file left no functions, none
 * stays. */
static bool load_lanes(const struct library *library, struct script_file *f, struct str text,
                       struct str words_text, unsigned lanes, struct plan_report *report)
{
    f->n_lanes = MAX_OF(lanes, 1);
    f->lanes = xcalloc(f->n_lanes, sizeof(*f->lanes));
    for (unsigned i = 0; i < f->n_lanes; i++) {
        if (!load_lane(library, f, i, text, words_text, report))
            return false;
        if (f->n_fns == 0 || lanes == 0) {
            close_lanes(f);
            return true;
        }
        f->lanes[i].named = xcalloc(f->n_fns, sizeof(*f->lanes[i].named));
    }
    return true;
}

struct script_file *file_load(const struct library *library, struct str path, struct str text,
                              struct str words_path, struct str words_text, unsigned lanes,
                              const struct script_limits *limits, struct plan_report *report)
{
    if (!check_size(path, text, report) || !check_size(words_path, words_text, report))
        return NULL;
    struct script_file *f = xcalloc(1, sizeof(*f));
    atomic_init(&f->refs, 1);
    atomic_init(&f->engine_lane, UINT_MAX);
    f->limits = limits ? *limits : script_limits_default;
    arena_init(&f->arena);
    f->path = arena_str(&f->arena, path);
    f->words_path = arena_str(&f->arena, words_path);
    if (load_lanes(library, f, text, words_text, lanes, report))
        return f;
    script_file_unref(f);
    return NULL;
}

struct script_file *script_load(struct str path, struct str text, struct str words_path,
                                struct str words_text, unsigned lanes,
                                const struct script_limits *limits, struct plan_report *report)
{
    return file_load(&library_embedded, path, text, words_path, words_text, lanes, limits, report);
}

struct script_file *script_file_ref(struct script_file *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

void script_file_unref(struct script_file *f)
{
    if (!f || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) > 1)
        return;
    close_lanes(f);
    for (size_t i = 0; i < f->n_fns; i++)
        fn_fini(&f->fns[i]);
    arena_fini(&f->arena);
    free(f);
}

const struct val *script_file_desc(const struct script_file *f)
{
    return &f->desc;
}

void script_file_engine_lane(struct script_file *f, unsigned lane)
{
    atomic_store_explicit(&f->engine_lane, lane, memory_order_relaxed);
}

/* -- What the language knows, for people */

static void step_list_words(lua_State *L, void *arg)
{
    struct loading *l = arg;
    box_push_library(l->box, "words");
    l->desc = value_read(L, -1, &l->arena, "the vocabulary");
}

static struct str field_of(const struct val *word, const char *name)
{
    const struct val *v = word ? val_get(word, name) : NULL;
    return v ? val_as_str(*v) : (struct str){0};
}

/* One line, and a headline where the kind of word changes. */
static void write_word(struct buf *out, const struct val *word, const struct val *before)
{
    struct str kind = field_of(word, "kind"), form = field_of(word, "form");
    if (!str_eq(kind, field_of(before, "kind")))
        buf_printf(out, "%s%.*s\n", before ? "\n" : "", STR_FMT(kind));
    int columns = 46;
    for (size_t i = 0; i < form.n; i++)
        columns += ((uint8_t)form.p[i] & 0xc0) == 0x80; /* bytes of a character that has begun */
    buf_printf(out, "  %-*.*s %.*s\n", columns, STR_FMT(form), STR_FMT(field_of(word, "help")));
}

void script_write_words(struct buf *out)
{
    const struct script_limits *limits = &script_limits_default;
    struct loading l = {.path = STR("words")};
    struct box_trouble t;
    struct err err = {.set = false};
    arena_init(&l.arena);
    l.box =
        box_new(&library_embedded, l.path, (struct str){0}, limits->memory, limits->load_us, &err);
    if (!l.box) {
        log_error("%s", err.text);
    } else if (!box_call(l.box, step_list_words, &l, limits->load_us, &t)) {
        log_error("the words of the rule language: %s", t.text);
    } else {
        for (uint32_t i = 0; l.desc.type == VAL_LIST && i < l.desc.n; i++)
            write_word(out, &l.desc.items[i], i ? &l.desc.items[i - 1] : NULL);
    }
    box_free(l.box);
    arena_fini(&l.arena);
}
