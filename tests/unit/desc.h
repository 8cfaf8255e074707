/* desc.h -- for tests of what is built from descriptions: trees of values from JSON with ' for ", and functions in place of
 * those of a rule file.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DESC_H
#define DESC_H

#include <stdlib.h>

#include "check.h"
#include "plan/plan.h"

/* -- desc("{'a': [1, 2.5, true, null]}"): a mistake in a test's own text aborts */
struct desc_reader {
    const char *p;
    struct arena *a;
};

static inline char desc_next(struct desc_reader *r)
{
    while (*r->p == ' ' || *r->p == '\n')
        r->p++;
    return *r->p;
}

static inline void desc_want(struct desc_reader *r, char c)
{
    if (desc_next(r) != c) {
        fprintf(stderr, "desc: %c expected at: %s\n", c, r->p);
        abort();
    }
    r->p++;
}

static inline struct val desc_text(struct desc_reader *r)
{
    desc_want(r, '\'');
    const char *start = r->p;
    while (*r->p != '\'')
        r->p++;
    struct str s = {start, (size_t)(r->p++ - start)};
    return val_str(arena_str(r->a, s));
}

static inline struct val desc_scalar(struct desc_reader *r)
{
    size_t n = strcspn(r->p, ",]} \n");
    struct str s = {r->p, n};
    int64_t i;
    double d;
    r->p += n;
    if (str_i64(s, &i))
        return val_int(i);
    if (str_double(s, &d))
        return val_dbl(d);
    if (str_eqz(s, "true") || str_eqz(s, "false"))
        return val_bool(s.n == 4);
    if (!str_eqz(s, "null")) {
        fprintf(stderr, "desc: no value: %.*s\n", STR_FMT(s));
        abort();
    }
    return val_null;
}

static inline struct val desc_value(struct desc_reader *r)
{
    struct val items[256];
    size_t n = 0;
    char c = desc_next(r);
    if (c == '\'')
        return desc_text(r);
    if (c != '[' && c != '{')
        return desc_scalar(r);
    r->p++;
    while (desc_next(r) != (c == '[' ? ']' : '}')) {
        if (n)
            desc_want(r, ',');
        if (n + 2 > COUNT_OF(items))
            abort();
        if (c == '{') {
            desc_next(r);
            items[n++] = desc_text(r);
            desc_want(r, ':');
        }
        items[n++] = desc_value(r);
    }
    r->p++;
    struct val v = {.type = c == '[' ? VAL_LIST : VAL_DICT, .n = (uint32_t)(c == '[' ? n : n / 2)};
    v.items = arena_alloc(r->a, n * sizeof(*items));
    if (n)
        memcpy(v.items, items, n * sizeof(*items));
    return v;
}

static inline struct val desc(struct arena *a, const char *text)
{
    struct desc_reader r = {text, a};
    return desc_value(&r);
}

/* -- functions: counts its calls, answers what `answer` makes of the first argument */
struct test_fn {
    struct plan_fn fn;
    int calls;
    bool fails;
    struct val (*answer)(struct val first);
};

static inline bool test_fn_call(struct plan_fn *fn, unsigned lane, const struct val *args, size_t n,
                                struct arena *arena, struct val *out, bool *used, struct err *err)
{
    struct test_fn *f = (struct test_fn *)fn;
    __atomic_fetch_add(&f->calls, 1, __ATOMIC_RELAXED);
    for (size_t i = 0; used && i < n; i++)
        used[i] = true;
    if (f->fails)
        return err_set(err, "it fails");
    *out = f->answer(n ? args[0] : val_null);
    return true;
}

static inline bool test_fn_quarantined(const struct plan_fn *fn)
{
    return false;
}

static inline struct plan_fn *test_fn_get(void *ctx, size_t n)
{
    return n < 4 ? &((struct test_fn *)ctx)[n].fn : NULL;
}

/* -- plans: one text a file, each a list of definitions. fns: four functions for all files; may be NULL. */
static inline struct plan *desc_plan(const char *const *files, size_t n, struct test_fn *fns,
                                     struct plan_ids *ids, struct plan_report *report)
{
    struct arena a;
    struct val *trees = calloc(n + 1, sizeof(*trees));
    struct plan_source *sources = calloc(n + 1, sizeof(*sources));
    arena_init(&a);
    for (size_t i = 0; i < n; i++) {
        size_t used = 0;
        trees[i] = val_dict(&a, 2);
        dict_put(&trees[i], &used, STR("file"), val_str(arena_printf(&a, "f%zu.lua", i + 1)));
        dict_put(&trees[i], &used, STR("defs"), desc(&a, files[i]));
        sources[i] = (struct plan_source){.desc = &trees[i], .hash = str_hash(str_of(files[i]))};
        if (fns) {
            for (size_t k = 0; k < 4; k++)
                fns[k].fn = (struct plan_fn){test_fn_call, test_fn_quarantined};
            sources[i].fn = test_fn_get;
            sources[i].ctx = fns;
        }
    }
    struct plan *p = plan_build(sources, n, ids, report);
    arena_fini(&a);
    free(trees);
    free(sources);
    return p;
}

/* One that must build; what is wrong is printed. */
static inline struct plan *desc_plan_ok(const char *file, struct test_fn *fns, struct plan_ids *ids)
{
    struct plan_report report;
    plan_report_init(&report);
    struct plan *p = desc_plan(&file, 1, fns, ids, &report);
    for (size_t i = 0; i < report.n; i++)
        printf("%.*s:%u: %.*s: %.*s\n", STR_FMT(report.items[i].file), report.items[i].line,
               STR_FMT(report.items[i].rule), STR_FMT(report.items[i].text));
    if (!p)
        abort();
    plan_report_fini(&report);
    return p;
}

#endif
