/* reload.c -- puts the rules on disk in force, and says what is known of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

#include <stdlib.h>

static void publish_status(struct rules *r, const struct plan *p, const struct plan_report *report)
{
    struct arena fresh;
    arena_init(&fresh);
    struct val status = status_build(&fresh, r, p, report);
    pthread_mutex_lock(&r->lock);
    struct arena old = r->status_arena;
    r->status_arena = fresh;
    r->status = status;
    pthread_mutex_unlock(&r->lock);
    arena_fini(&old);
}

static void log_problems(const struct plan_report *report)
{
    for (size_t i = 0; i < report->n; i++) {
        const struct plan_problem *p = &report->items[i];
        char line[16] = ""; /* a whole file's or folder's problem has none */
        if (p->line)
            snprintf(line, sizeof(line), ":%u", p->line);
        log_line(p->warning ? LOG_WARN : LOG_ERROR, "rules: %.*s%s: %.*s%s%.*s", STR_FMT(p->file),
                 line, STR_FMT(p->rule), p->rule.n ? ": " : "", STR_FMT(p->text));
    }
}

bool engine_reload(struct engine *e, struct rules *r, int64_t clock_ms, struct plan_report *report)
{
    pthread_mutex_lock(&e->door);
    int64_t now_ms = MAX_OF(clock_ms, e->now_ms);
    pthread_mutex_unlock(&e->door);
    plan_ids_forget(&e->ids, now_ms - UNKNOWN_KEPT_MS + 1); /* as sweeps do: from the hour on */
    struct plan *fresh = rules_load(r, &e->ids, &e->o, e->lane, true, report, NULL);
    if (fresh) {
        struct buf kept = {0};
        plan_ids_settle(&e->ids, fresh, now_ms);
        rules_pack(r, &e->ids, &kept);
        engine_swap(e, fresh, buf_str(&kept), clock_ms);
        buf_fini(&kept);
    }
    bool whole = !plan_report_failed(report);
    struct plan *p = engine_plan(e);
    publish_status(r, p, report);
    log_problems(report);
    log_info("rules: %zu groups, %zu services, %zu interventions, %zu scores in force, generation "
             "%llu%s",
             p->n_groups, p->n_services, p->n_rules, p->n_scores, (unsigned long long)p->generation,
             whole ? "" : "; files with errors keep their last good version");
    plan_unref(p);
    stat_add(whole ? STAT_RELOADS_OK : STAT_RELOADS_FAILED, 1);
    stat_set(STAT_RELOAD_LAST_OK, whole);
    if (whole)
        stat_set(STAT_RELOAD_LAST_TIME, clock_ms / 1000);
    return whole;
}

bool rules_check(struct rules *r, bool run_tests, struct plan_report *report, struct buf *out)
{
    struct engine_options o = {
        .fronts = 1,
        .profile = profile_limits_default,
        .push = push_limits_default,
        .script = r->limits,
    };
    struct plan_ids ids;
    plan_ids_init(&ids);
    struct plan *p = rules_load(r, &ids, &o, r->lanes - 1, run_tests, report, out);
    plan_unref(p);
    plan_ids_fini(&ids);
    return !plan_report_failed(report);
}

struct val rules_status(struct rules *r, struct arena *arena)
{
    pthread_mutex_lock(&r->lock);
    struct val copy = val_copy(arena, r->status);
    pthread_mutex_unlock(&r->lock);
    return copy;
}
