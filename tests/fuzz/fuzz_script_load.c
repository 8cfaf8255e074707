/* fuzz_script_load.c -- any text as a rule file: it loads or is refused with a reason, and takes
 * no longer than it may.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <time.h>

#include "script/script.h"

enum {
    BUDGET_US = 20000,
    STEPS = 8,
    SLACK_US = 10000000
}; /* the slack is for sanitizers and busy machines */

static int64_t cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Calls what the file left behind with nulls. */
static void call_functions(struct script_file *f, struct arena *arena)
{
    struct plan_source source = script_file_source(f);
    struct val args[4] = {val_null, val_int(1), val_strz("x"), val_list(arena, 2)};
    for (size_t n = 1; n <= 8; n++) {
        struct str names[] = {STR("a"), STR("b"), STR("c"), STR("d")};
        struct plan_fn *fn = source.fn(source.ctx, n);
        struct err err = {.set = false};
        struct val out;
        if (!fn)
            continue;
        fn = source.name_args(source.ctx, n, names, 4);
        if (!fn->call(fn, 0, args, 4, arena, &out, NULL, &err) && !err.set)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script_limits limits = script_limits_default;
    limits.load_us = BUDGET_US;
    limits.call_us = 1000;
    limits.memory = 2 << 20;
    struct plan_report report;
    plan_report_init(&report);
    int64_t before = cpu_us();
    struct script_file *f =
        script_load(STR("rules/fuzz.lua"), (struct str){(const char *)data, size},
                    STR("rules/words.lua"), (struct str){0}, 1, &limits, &report);
    if (!f && !plan_report_failed(&report))
        abort();
    if (f) {
        struct arena arena;
        arena_init(&arena);
        call_functions(f, &arena);
        arena_fini(&arena);
    }
    if (cpu_us() - before > STEPS * BUDGET_US + SLACK_US)
        abort();
    script_file_unref(f);
    plan_report_fini(&report);
    return 0;
}
