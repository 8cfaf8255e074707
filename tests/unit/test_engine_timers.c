/* test_engine_timers.c -- what time alone does: fading, timers that move with events and with the rules, and their limits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine_world.h"

static void fading(void)
{
    struct world *w = world_new(
        "[" GROUP_D(MINUTE ", " EVER) ", " RULE(
            "quiet", "{'all': [" LEAF("d:minute", "lt", "2") ", " LEAF("d:ever", "gt", "2") "]}",
            ", 'payload': {'n': {'attribute': 'd:minute'}}") ", " RULE("gone",
                                                                       "{'all': [{'attribute': "
                                                                       "'d:minute', 'op': "
                                                                       "'is_null'}, " LEAF(
                                                                           "d:ever", "gt",
                                                                           "2") "]}",
                                                                       "") "]",
        NULL);
    view(w, T0 + 1000, "ann");
    view(w, T0 + 2000, "ann");
    view(w, T0 + 3000, "ann");
    CHECK_INT(w->e->timers.heap.n, 2);
    CHECK_INT(engine_tick(w->e, T0 + 3500), T0 + 62000); /* the second of three leaves the window */
    CHECK_INT(engine_tick(w->e, T0 + 61999), T0 + 62000);
    CHECK_INT(gets(w, "quiet"), 0);
    CHECK_INT(engine_tick(w->e, T0 + 62000), T0 + 63000);
    CHECK_INT(gets(w, "quiet"), 1);
    CHECK(strstr(w->heard[0].json, "\"payload\":{\"n\":1}"), "%s", w->heard[0].json);
    CHECK_INT(w->heard[0].expires_ms, T0 + 62000 + push_limits_default.keep_ms);
    CHECK_INT(engine_tick(w->e, T0 + 90000),
              INT64_MAX); /* late to look, yet it fired for the moment it was due */
    CHECK_INT(gets(w, "gone"), 1);
    CHECK_INT(w->heard[1].expires_ms, T0 + 63000 + push_limits_default.keep_ms);
    CHECK_INT(w->e->timers.heap.n, 0);
    /* an event comes in time: the timer moves */
    view(w, T0 + 100000, "bob");
    view(w, T0 + 100001, "bob");
    view(w, T0 + 100002, "bob");
    view(w, T0 + 130000, "bob");
    CHECK_INT(engine_tick(w->e, T0 + 160001), T0 + 160002);
    CHECK_INT(gets(w, "quiet"), 0);
    view(w, T0 + 160500,
         "bob"); /* the record's own time fires what is due before it, then its event is applied */
    CHECK_INT(gets(w, "quiet"), 1);
    CHECK_READ(w, "d:minute", "bob", T0 + 160500, 2);
    world_free(w);
}

/* A visitor logs in: the events before and after carry other identifiers, but what the rule reads is the same, so it fires
 * once when it fades, for whom the last event named. */
static void one_timer_for_what_is_read(void)
{
    struct world *w = world_new(
        "[" GROUP_D(MINUTE ", " EVER) ", " RULE(
            "gone",
            "{'all': [{'attribute': 'd:minute', 'op': 'is_null'}, " LEAF("d:ever", "gt", "0") "]}",
            ", 'target_attribute_keys': ['domain_userid', 'user_id']") "]",
        NULL);
    view(w, T0 + 1000, "ann");
    send(w, T0 + 2000, "{'event': 'page_view', 'domain_userid': 'ann', 'user_id': 'u1'}");
    CHECK_INT(w->e->timers.heap.n, 1);
    engine_tick(w->e, T0 + 70000);
    CHECK_INT(gets(w, "gone"), 2);
    CHECK(w->n == 2 && strcmp(w->heard[0].uuid, w->heard[1].uuid) == 0,
          "two targets, one intervention");
    CHECK_STR(w->heard[1].id, "u1");
    world_free(w);
}

/* A timer was set for the window of an hour; the saved file says a minute. It must not wait for the hour. */
static void narrower_window(void)
{
    static const char *const hour =
        "[" GROUP_D("{'name': 'a', 'aggregation': 'counter', 'period': 3600000, " VIEW
                    "}, " EVER) ", " RULE("gone",
                                          "{'all': [{'attribute': 'd:a', 'op': 'is_null'}, " LEAF(
                                              "d:ever", "gt", "0") "]}",
                                          "") "]";
    static const char *const minute =
        "[" GROUP_D("{'name': 'a', 'aggregation': 'counter', 'period': 60000, " VIEW
                    "}, " EVER) ", " RULE("gone",
                                          "{'all': [{'attribute': 'd:a', 'op': 'is_null'}, " LEAF(
                                              "d:ever", "gt", "0") "]}",
                                          "") "]";
    struct world *w = world_new(hour, NULL);
    view(w, T0 + 1000, "ann");
    CHECK_INT(engine_tick(w->e, T0 + 2000), T0 + 3601000);
    engine_swap(w->e, desc_plan_ok(hour, NULL, &w->e->ids), STR(""), T0 + 2500);
    CHECK_INT(engine_tick(w->e, T0 + 2600),
              T0 + 3601000); /* nothing changed: nothing is looked at */
    engine_swap(w->e, desc_plan_ok(minute, NULL, &w->e->ids), STR(""), T0 + 3000);
    CHECK_INT(engine_tick(w->e, T0 + 3500), T0 + 61000);
    engine_tick(w->e, T0 + 61000);
    CHECK_INT(gets(w, "gone"), 1);
    view(w, T0 + 70000, "bob");
    CHECK_INT(w->e->timers.heap.n, 1);
    world_free(w);
}

/* A checkout takes a file away for a moment: what it named is kept for an hour. */
static void gone_and_back(void)
{
    static const char *const rules = "[" GROUP_D(MINUTE ", " EVER) ", " RULE(
        "gone",
        "{'all': [{'attribute': 'd:minute', 'op': 'is_null'}, " LEAF("d:ever", "gt", "0") "]}",
        "") "]";
    static const int64_t hour = 3600000;
    struct world *w = world_new(rules, NULL);
    view(w, T0 + 1000, "ann");
    engine_swap(w->e, desc_plan_ok("[]", NULL, &w->e->ids), STR(""), T0 + 2000);
    for (int64_t t = T0 + 3000; t < T0 + 30000; t += 1000)
        engine_tick(w->e, t); /* sweeps go by */
    engine_swap(w->e, desc_plan_ok(rules, NULL, &w->e->ids), STR(""), T0 + 30000);
    CHECK_READ(w, "d:ever", "ann", T0 + 30000, 1);
    CHECK_INT(engine_tick(w->e, T0 + 31000), T0 + 61000);
    CHECK_INT(engine_tick(w->e, T0 + 61000), INT64_MAX);
    CHECK_INT(gets(w, "gone"), 1);
    /* while it is away nothing fires, and the timer is there when it comes back */
    view(w, T0 + 100000, "bob");
    engine_swap(w->e, desc_plan_ok("[]", NULL, &w->e->ids), STR(""), T0 + 101000);
    engine_tick(w->e, T0 + 170000);
    CHECK_INT(w->e->timers.heap.n, 1);
    engine_swap(w->e, desc_plan_ok(rules, NULL, &w->e->ids), STR(""), T0 + 171000);
    engine_tick(w->e, T0 + 172000);
    CHECK_INT(gets(w, "gone"), 0);
    CHECK_INT(w->e->timers.heap.n, 0);
    /* after an hour it is forgotten */
    view(w, T0 + 200000, "cem");
    engine_swap(w->e, desc_plan_ok("[]", NULL, &w->e->ids), STR(""), T0 + 201000);
    engine_tick(w->e, T0 + 300000);
    CHECK_INT(w->e->timers.heap.n, 1);
    engine_tick(w->e, T0 + 201000 + hour);
    engine_tick(w->e, T0 + 203000 + hour);
    CHECK_INT(w->e->timers.heap.n, 0);
    engine_swap(w->e, desc_plan_ok(rules, NULL, &w->e->ids), STR(""), T0 + 205000 + hour);
    CHECK(read_one(w, "d:ever", "cem", T0 + 205000 + hour).type == VAL_NULL, " ");
    world_free(w);
}

/* More timers are due than one slice takes. */
static void many_timers(void)
{
    enum { N = 700 };
    struct world *w = world_new(
        "[" GROUP_D(MINUTE ", " EVER) ", " RULE(
            "gone",
            "{'all': [{'attribute': 'd:minute', 'op': 'is_null'}, " LEAF("d:ever", "gt", "0") "]}",
            "") "]",
        NULL);
    for (int i = 0; i < N; i++) {
        char id[20];
        snprintf(id, sizeof(id), "d%d", i);
        view(w, T0 + 1 + i, id);
    }
    /* a record that must wait for all of them: it takes the rule away */
    engine_swap(w->e, desc_plan_ok("[" GROUP_D(MINUTE ", " EVER) "]", NULL, &w->e->ids), STR(""),
                T0 + 100000);
    CHECK_INT(gets(w, "gone"), N);
    for (size_t i = 1; i < w->n; i++)
        CHECK(w->heard[i].expires_ms > w->heard[i - 1].expires_ms && w->heard[i].index == i,
              "in order of their time");
    world_free(w);
}

int main(void)
{
    fading();
    one_timer_for_what_is_read();
    narrower_window();
    gone_and_back();
    many_timers();
    return check_done();
}
