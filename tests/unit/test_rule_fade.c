/* test_rule_fade.c -- rule_next_crossing is never late: random profiles and criteria, read at every millisecond until all
 * has faded. Whenever the criteria turn true by themselves, the crossing asked for just before was due by then.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rule/rule.h"

#include "desc.h"

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
}

enum { N_ATTRS = 4, START = 100000, SPAN = 150 };

static void random_attr(struct buf *b, size_t i)
{
    static const char *const aggs[] = {"counter",
                                       "sum",
                                       "min",
                                       "max",
                                       "mean",
                                       "first",
                                       "last",
                                       "most_frequent",
                                       "least_frequent",
                                       "approx_count_distinct",
                                       "unique_list",
                                       "category_count"};
    size_t agg = draw(3) ? draw(7) : draw(COUNT_OF(aggs));
    buf_printf(b, "%s{'name': 'a%zu', 'aggregation': '%s', 'events': [{}]", i ? ", " : "", i,
               aggs[agg]);
    if (agg)
        buf_puts(b, ", 'property': {'kind': 'atomic', 'name': 'se_value'}");
    if (draw(4))
        buf_printf(b, ", 'period': %d", 5 + (int)draw(100));
    else if (draw(3))
        buf_printf(b, ", 'ttl': %d", 5 + (int)draw(100));
    if (agg < 10 && draw(5) == 0)
        buf_printf(b, ", 'default': %d", (int)draw(5));
    else if (agg >= 1 && agg < 5 && draw(4) == 0)
        buf_puts(b, ", 'type': 'int32'");
    buf_putc(b, '}');
}

static void random_leaf(struct buf *b)
{
    static const char *const ops[] = {"eq", "neq", "gt", "gte", "lt", "lte"};
    int attr = (int)draw(N_ATTRS);
    switch (draw(10)) {
    case 0:
        buf_printf(b, "{'attribute': 'g:a%d', 'op': 'is_null'}", attr);
        return;
    case 1:
        buf_printf(b, "{'attribute': 'g:a%d', 'op': 'is_not_null'}", attr);
        return;
    case 2:
        buf_printf(b, "{'attribute': 'g:a%d', 'op': '%s', 'value': [1, 3, 4.5]}", attr,
                   draw(2) ? "in_list" : "not_in_list");
        return;
    case 3:
        buf_printf(b, "{'attributes': ['g:a%d', 'g:a%d'], 'fn': 0}", attr, (int)draw(N_ATTRS));
        return;
    case 4:
        buf_printf(b, "{'attribute': 'g:a%d', 'op': 'changed'}", attr);
        return;
    }
    buf_printf(b, "{'attribute': 'g:a%d', 'op': '%s', 'value': %s}", attr, ops[draw(6)],
               (const char *[]){"0", "1", "2", "2.5", "3", "-1", "5"}[draw(7)]);
}

static void random_criteria(struct buf *b, int depth)
{
    if (depth == 3 || draw(2)) {
        random_leaf(b);
        return;
    }
    buf_printf(b, "{'%s': [", (const char *[]){"all", "any", "none"}[draw(3)]);
    for (size_t n = 1 + draw(3); n; n--) {
        random_criteria(b, depth + 1);
        buf_puts(b, n > 1 ? ", " : "");
    }
    buf_puts(b, "]}");
}

static struct val is_even(struct val v)
{
    return val_bool(v.type == VAL_INT && v.i % 2 == 0);
}

static bool holds_at(const struct rule_view *v, int64_t now, struct arena *a)
{
    return rule_holds(v, rule_read(v, now, a), NULL, 0, a) == COND_TRUE;
}

/* How often the criteria turned true, so that main can say that the test tests something. */
static int one_world(uint64_t with)
{
    struct plan_ids ids;
    struct arena a;
    struct buf text = {0};
    struct test_fn fns[4] = {{.answer = is_even}};
    int turned = 0;
    seed = with;
    plan_ids_init(&ids);
    arena_init(&a);
    buf_puts(
        &text,
        "[{'kind': 'attribute_group', 'name': 'g', 'attribute_key': 'user_id', 'attributes': [");
    for (size_t i = 0; i < N_ATTRS; i++)
        random_attr(&text, i);
    buf_puts(&text, "]}, {'kind': 'intervention', 'name': 'r', 'when': ");
    random_criteria(&text, 0);
    buf_puts(&text, "}]");
    buf_putc(&text, 0);
    struct plan *p = desc_plan_ok(text.p, fns, &ids);
    struct store *store = store_new(&profile_limits_default);
    struct profile *profile = store_touch(store, p->keys[1].id, STR("ann"));
    bool big = draw(3) == 0;
    for (size_t n = draw(12); n; n--) {
        int64_t ts = START - (int64_t)draw(60),
                value = big && draw(3) == 0 ? 3000000000 : (int64_t)draw(7) - 1;
        for (size_t s = 0; s < p->n_series; s++)
            profile_add(store, profile, &p->series[s], ts,
                        p->series[s].slot < 0 ? val_null : val_int(value), START);
    }
    struct rule_view view = {store, p, &p->rules[0], &profile};
    bool before = holds_at(&view, START, &a);
    int64_t next = rule_next_crossing(&view, START);
    for (int64_t now = START + 1; now <= START + SPAN; now++) {
        CHECK(next >= now, "seed %" PRIu64 ": a crossing in the past", with);
        bool holds = holds_at(&view, now, &a);
        if (holds && !before) {
            turned++;
            CHECK(next <= now,
                  "seed %" PRIu64 ": true at +%d, the crossing asked for was +%" PRId64 "\n%s",
                  with, (int)(now - START), next - START, text.p);
        }
        if (next <= now)
            next = rule_next_crossing(&view, now);
        before = holds;
        if (now % 16 == 0)
            arena_reset(&a);
    }
    store_free(store);
    plan_unref(p);
    plan_ids_fini(&ids);
    arena_fini(&a);
    buf_fini(&text);
    return turned;
}

/* What never comes true by fading must not keep a timer, or every profile would have one. */
static void no_needless_timers(void)
{
    static const struct {
        const char *attr, *when;
        int64_t due; /* after the event at START; -1: never */
    } cases[] = {
        {"'aggregation': 'counter', 'period': 100", "{'attribute': 'g:a', 'op': 'gt', 'value': 3}",
         -1},
        {"'aggregation': 'counter', 'period': 100", "{'attribute': 'g:a', 'op': 'is_not_null'}",
         -1},
        {"'aggregation': 'counter', 'period': 100", "{'attribute': 'g:a', 'op': 'changed'}", -1},
        {"'aggregation': 'counter', 'period': 100", "{'attribute': 'g:a', 'op': 'is_null'}", 100},
        {"'aggregation': 'counter', 'period': 100",
         "{'none': [{'attribute': 'g:a', 'op': 'gt', 'value': 0}]}", 100},
        {"'aggregation': 'counter', 'ttl': 70", "{'attribute': 'g:a', 'op': 'is_null'}", 70},
        {"'aggregation': 'counter', 'ttl': 70", "{'attribute': 'g:a', 'op': 'lt', 'value': 9}", -1},
        {"'aggregation': 'counter'", "{'attribute': 'g:a', 'op': 'is_null'}", -1},
        {"'aggregation': 'counter', 'period': 100, 'default': 0",
         "{'attribute': 'g:a', 'op': 'eq', 'value': 0}", 100},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct plan_ids ids;
        char text[800];
        plan_ids_init(&ids);
        snprintf(
            text, sizeof(text),
            "[{'kind': 'attribute_group', 'name': 'g', 'attribute_key': 'user_id', 'attributes': ["
            "{'name': 'a', 'events': [{}], %s}]}, {'kind': 'intervention', 'name': 'r', 'when': "
            "%s}]",
            cases[i].attr, cases[i].when);
        struct plan *p = desc_plan_ok(text, NULL, &ids);
        struct store *store = store_new(&profile_limits_default);
        struct profile *profile = store_touch(store, p->keys[1].id, STR("ann")), *nobody = NULL;
        profile_add(store, profile, &p->series[0], START, val_null, START);
        struct rule_view view = {store, p, &p->rules[0], &profile},
                         empty = {store, p, &p->rules[0], &nobody};
        int64_t next = rule_next_crossing(&view, START);
        CHECK(next == (cases[i].due < 0 ? INT64_MAX : START + cases[i].due), "case %zu: +%" PRId64,
              i, next - START);
        CHECK(rule_next_crossing(&empty, START) == INT64_MAX, "case %zu: nothing is known", i);
        store_free(store);
        plan_unref(p);
        plan_ids_fini(&ids);
    }
}

int main(void)
{
    int turned = 0;
    for (uint64_t with = 1; with <= 4000; with++)
        turned += one_world(with);
    CHECK(turned > 500, "only %d turned true", turned);
    no_needless_timers();
    return check_done();
}
