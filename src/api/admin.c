/* admin.c -- how the server is: health, counters, what the rule files hold.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"
#include "api/process.h"

void admin_root(struct http_req *r, void *ctx)
{
    struct arena *arena = http_arena(r);
    struct val answer = val_dict(arena, 3), list = val_list(arena, n_api_routes);
    size_t used = 0, n = 0;
    answer_begin(r, false);
    for (size_t i = 0; i < n_api_routes; i++) {
        struct val one = val_dict(arena, 3);
        size_t used_one = 0;
        if (str_eqz(STR("OPTIONS"), api_routes[i].method))
            continue;
        dict_put(&one, &used_one, STR("method"), val_strz(api_routes[i].method));
        dict_put(&one, &used_one, STR("path"), val_strz(api_routes[i].path));
        dict_put(&one, &used_one, STR("help"), val_strz(api_routes[i].help));
        list.items[n++] = one;
    }
    list.n = (uint32_t)n;
    dict_put(&answer, &used, STR("name"), val_strz("signalbox"));
    dict_put(&answer, &used, STR("version"), val_strz(SIGNALBOX_VERSION));
    dict_put(&answer, &used, STR("endpoints"), list);
    http_reply_val(r, 200, &answer);
}

void admin_health(struct http_req *r, void *ctx)
{
    answer_begin(r, false);
    http_reply(r, 200, "text/plain", STR("ok"));
}

void admin_sink_health(struct http_req *r, void *ctx)
{
    const char *trouble = take_trouble(ctx);
    answer_begin(r, false);
    if (trouble)
        http_reply_problem(r, 503, "%s", trouble);
    else
        http_reply(r, 200, "text/plain", STR("ok"));
}

/* A full disk mends itself, and reads and streams go on: who is sent elsewhere, or nowhere, has gained nothing. A failed one
 * does not: somebody has to look and restart. */
void admin_ready(struct http_req *r, void *ctx)
{
    struct api *a = ctx;
    const char *trouble = take_trouble(a);
    answer_begin(r, false);
    if (!a->rules)
        http_reply_problem(r, 503, "the rules are not loaded yet");
    else if (engine_journal_state(a->engine) == JOURNAL_FAILED)
        http_reply_problem(r, 503, "%s", trouble ? trouble : "");
    else
        http_reply(r, 200, "text/plain",
                   trouble ? STR("ok, but the disk is full: events are answered 503") : STR("ok"));
}

void admin_metrics(struct http_req *r, void *ctx)
{
    struct buf b = {0};
    answer_begin(r, false);
    stat_write_prometheus(&b);
    process_write_prometheus(&b);
    http_reply(r, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&b));
    buf_fini(&b);
}

void admin_rules(struct http_req *r, void *ctx)
{
    struct api *a = ctx;
    answer_begin(r, false);
    if (!a->rules) {
        http_reply_problem(r, 503, "the rules are not loaded yet");
        return;
    }
    struct val status = rules_status(a->rules, http_arena(r));
    http_reply_val(r, 200, &status);
}
