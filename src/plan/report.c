/* report.c -- what is wrong with the rules: file, line, rule, and the way out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include <stdarg.h>
#include <stdlib.h>

void plan_report_init(struct plan_report *r)
{
    *r = (struct plan_report){0};
    arena_init(&r->arena);
}

void plan_report_fini(struct plan_report *r)
{
    free(r->items);
    arena_fini(&r->arena);
    *r = (struct plan_report){0};
}

void plan_report_add(struct plan_report *r, bool warning, struct str file, uint32_t line,
                     struct str rule, const char *fmt, ...)
{
    char text[1000];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    for (size_t i = 0; i < r->n;
         i++) /* what is wrong in words.lua turns up with each file: said once */
        if (r->items[i].line == line && str_eq(r->items[i].file, file) &&
            str_eqz(r->items[i].text, text) && str_eq(r->items[i].rule, rule))
            return;
    r->items = xgrow(r->items, r->n, &r->cap, sizeof(*r->items));
    r->items[r->n++] = (struct plan_problem){
        .file = arena_str(&r->arena, file),
        .rule = arena_str(&r->arena, rule),
        .text = arena_str(&r->arena, str_of(text)),
        .line = line,
        .warning = warning,
    };
}

bool plan_report_failed(const struct plan_report *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (!r->items[i].warning)
            return true;
    return false;
}
