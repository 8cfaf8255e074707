/* test_plan_build.c -- descriptions become a plan: what shares a series, whose numbers last, what each name means, and what
 * is said of every mistake.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan_parts.h"

static struct plan_ids ids;

static const struct plan_series *series_of(const struct plan *p, const char *ref)
{
    int at = plan_find_attr(p, str_of(ref));
    if (at < 0) {
        printf("no attribute %s\n", ref);
        abort();
    }
    return &p->series[p->attrs[at].series];
}

static void shared_series(void)
{
    struct plan *p = desc_plan_ok(
        "[" GROUP(
            "g",
            "{'name': 'week', 'aggregation': 'counter', 'period': 604800000, " ON_VIEW "},"
            "{'name': 'month', 'aggregation': 'counter', 'period': 2592000000, " ON_VIEW "},"
            "{'name': 'ever', 'aggregation': 'counter', " ON_VIEW "},"
            "{'name': 'ever_ttl', 'aggregation': 'counter', 'ttl': 5000, " ON_VIEW "},"
            "{'name': 'other', 'aggregation': 'counter', 'period': 604800000, 'events': "
            "[{'vendor': 'v', 'name': 'view'}]},"
            "{'name': 'narrow', 'aggregation': 'counter', 'period': 604800000, " ON_VIEW
            ", 'criteria': {'op': 'eq', 'value': 'x', " PAGE "}},"
            "{'name': 'narrow2', 'aggregation': 'counter', 'period': 1000, " ON_VIEW
            ", 'criteria': {'op': 'eq', 'value': 'x', " PAGE "}},"
            "{'name': 'narrower', 'aggregation': 'counter', 'period': 1000, " ON_VIEW
            ", 'criteria': {'op': 'eq', 'value': 'y', " PAGE "}},"
            "{'name': 'sum7', 'aggregation': 'sum', 'period': 604800000, " ON_VIEW ", " PRICE "},"
            "{'name': 'max1', 'aggregation': 'max', 'period': 86400000, " ON_VIEW ", " PRICE "},"
            "{'name': 'sum_ever', 'aggregation': 'sum', " ON_VIEW ", " PRICE "},"
            "{'name': 'min_ever', 'aggregation': 'min', " ON_VIEW ", " PRICE "},"
            "{'name': 'first7', 'aggregation': 'first', 'period': 604800000, " ON_VIEW ", " PAGE
            "},"
            "{'name': 'often7', 'aggregation': 'most_frequent', 'period': 604800000, " ON_VIEW
            ", " PAGE "},"
            "{'name': 'set', 'aggregation': 'unique_list', " ON_VIEW ", " PAGE "},"
            "{'name': 'distinct', 'aggregation': 'approx_count_distinct', " ON_VIEW ", " PAGE
            "}") ", {'kind': 'attribute_group', 'name': 'h', 'attribute_key': 'domain_userid', "
                 "'attributes': [{'name': 'day', 'aggregation': 'counter', 'period': "
                 "86400000, " ON_VIEW "}]}"
                 ", {'kind': 'attribute_group', 'name': 'u', 'attribute_key': 'user_id', "
                 "'attributes': [{'name': 'day', 'aggregation': 'counter', 'period': "
                 "86400000, " ON_VIEW "}]}]",
        NULL, &ids);
    const struct plan_series *week = series_of(p, "g:week");
    CHECK(week == series_of(p, "g:month") && week == series_of(p, "h:day"),
          "whatever the windows, over groups");
    CHECK_INT(week->longest_ms, 2592000000);
    CHECK_INT(week->shortest_ms, 86400000);
    CHECK(week != series_of(p, "g:ever"), "lifetime is another");
    CHECK(series_of(p, "g:ever") != series_of(p, "g:ever_ttl"), "a ttl is part of what it is");
    CHECK(week != series_of(p, "g:other"), "other events");
    CHECK(week != series_of(p, "g:narrow") && series_of(p, "g:narrow") == series_of(p, "g:narrow2"),
          "criteria");
    CHECK(series_of(p, "g:narrow") != series_of(p, "g:narrower"), "the constant");
    CHECK(week != series_of(p, "u:day"), "another key");
    CHECK(series_of(p, "g:sum7") == series_of(p, "g:max1") && series_of(p, "g:sum7") != week);
    CHECK(series_of(p, "g:sum_ever") == series_of(p, "g:min_ever"));
    CHECK(series_of(p, "g:first7") == series_of(p, "g:often7"));
    CHECK(series_of(p, "g:set") == series_of(p, "g:distinct"));
    CHECK_INT(series_of(p, "g:sum7")->slot, 5); /* four keys, page_url, price */
    CHECK_INT(evt_proj_slots(p->proj), 6);
    CHECK_INT(p->n_slots, 6);
    plan_unref(p);
}

/* Texts that would be equal if they were only joined. */
static void distinct_forms(void)
{
    struct plan *p = desc_plan_ok(
        "[" GROUP(
            "g",
            "{'name': 'a', 'aggregation': 'counter', 'events': [{'vendor': 'x/y', 'name': 'z'}]},"
            "{'name': 'b', 'aggregation': 'counter', 'events': [{'vendor': 'x', 'name': 'y/z'}]},"
            "{'name': 'c', 'aggregation': 'counter', 'events': [{'vendor': 'x'}], 'criteria': "
            "{'op': 'eq', 'value': '1', " PAGE "}},"
            "{'name': 'd', 'aggregation': 'counter', 'events': [{'vendor': 'x'}], 'criteria': "
            "{'op': 'eq', 'value': 1, " PAGE "}},"
            "{'name': 'e', 'aggregation': 'counter', 'events': [{'vendor': 'x', 'criteria': {'op': "
            "'eq', 'value': 1, " PAGE "}}]}") "]",
        NULL, &ids);
    for (size_t i = 0; i < p->n_attrs; i++)
        for (size_t k = 0; k < i; k++)
            CHECK(p->attrs[i].series != p->attrs[k].series, "%zu and %zu", i, k);
    plan_unref(p);
}

static void numbers_last(void)
{
    static const char *const narrow =
        "[" GROUP("g", "{'name': 'a', 'aggregation': 'counter', 'period': 1000, " ON_VIEW
                       "}") ", " RULE(WHEN("'op': 'gt', 'value': 3")) "]";
    static const char *const wide =
        "[" GROUP("z", "{'name': 'first', 'aggregation': 'counter', 'events': [{}]}") ", " GROUP(
            "g", "{'name': 'renamed', 'aggregation': 'counter', 'events': [{}]},"
                 "{'name': 'a', 'aggregation': 'counter', 'period': 99000, " ON_VIEW
                 "}") ", " RULE(WHEN("'op': 'gt', 'value': 4")) "]";
    struct plan *before = desc_plan_ok(narrow, NULL, &ids),
                *same = desc_plan_ok(narrow, NULL, &ids), *after = desc_plan_ok(wide, NULL, &ids);
    CHECK_INT(series_of(before, "g:a")->id, series_of(same, "g:a")->id);
    CHECK_INT(series_of(before, "g:a")->id, series_of(after, "g:a")->id);
    CHECK_INT(series_of(after, "g:a")->longest_ms, 99000);
    CHECK(series_of(after, "z:first")->id != series_of(after, "g:a")->id);
    CHECK(series_of(after, "z:first") == series_of(after, "g:renamed"), "a name is no part of it");
    CHECK_INT(before->rules[0].id, after->rules[0].id);
    CHECK(before->rules[0].form == same->rules[0].form &&
          before->rules[0].form != after->rules[0].form);
    for (size_t i = 0; i < 4; i++)
        CHECK_INT(before->keys[i].id, after->keys[i].id);
    plan_unref(before);
    plan_unref(same);
    plan_unref(after);
}

static void versions_and_services(void)
{
    static const char *const files[] = {
        "[{'kind': 'service', 'name': 's', 'line': 1, 'attribute_groups': ['g', 'h_v1']},"
        " {'kind': 'service', 'name': 'both', 'line': 2, 'attribute_groups': ['g_v1', 'g_v2']}]",
        "[{'kind': 'attribute_group', 'name': 'g', 'version': 2, 'attribute_key': 'user_id', "
        "'ttl': 7000, 'owner': 'o', 'attributes': [" COUNTER("a") ", " COUNTER(
            "b") "]},"
                 " {'kind': 'attribute_group', 'name': 'g', 'version': 1, 'attribute_key': "
                 "'user_id', 'attributes': [" COUNTER(
                     "a") "]},"
                          " {'kind': 'attribute_group', 'name': 'h', 'attribute_key': 'user_id', "
                          "'attributes': [" COUNTER("a") ", " COUNTER("c") "]}]",
    };
    struct plan_report report;
    plan_report_init(&report);
    struct plan *p = desc_plan(files, 2, NULL, &ids,
                               &report); /* a service may stand in a file before its groups */
    CHECK(p && report.n == 0);
    int g = plan_find_group(p, STR("g")), g1 = plan_find_group(p, STR("g_v1")),
        g2 = plan_find_group(p, STR("g_v2"));
    CHECK(g == g2 && g != g1 && p->groups[g].newest && !p->groups[g1].newest);
    CHECK(plan_find_group(p, STR("g_v3")) < 0 && plan_find_group(p, STR("_v1")) < 0 &&
          plan_find_group(p, STR("")) < 0);
    CHECK(plan_find_attr(p, STR("g:b")) == plan_find_attr(p, STR("g_v2:b")) &&
          plan_find_attr(p, STR("g_v1:b")) < 0);
    CHECK(plan_find_attr(p, STR("a")) < 0 && plan_find_attr(p, STR(":a")) < 0 &&
          plan_find_attr(p, STR("g:")) < 0);
    int a = plan_find_attr(p, STR("g_v2:a")), a1 = plan_find_attr(p, STR("g_v1:a"));
    CHECK(str_eqz(p->attrs[a].ref, "g_v2:a") && p->attrs[a].ttl_ms == 7000 &&
          p->attrs[a1].ttl_ms == 0);
    const struct plan_service *s = &p->services[plan_find_service(p, STR("s"))];
    static const char *const names[] = {"g:a", "b", "h:a", "c"};
    CHECK_INT(s->n_attrs, 4);
    for (size_t i = 0; i < 4; i++)
        CHECK(str_eqz(s->names[i], names[i]), "%.*s", STR_FMT(s->names[i]));
    const struct plan_service *both = &p->services[plan_find_service(p, STR("both"))];
    CHECK(str_eqz(both->names[0], "g_v1:a") && str_eqz(both->names[1], "g_v2:a") &&
          str_eqz(both->names[2], "b"));
    plan_unref(p);
    plan_report_fini(&report);
}

static void keys_and_targets(void)
{
    struct plan *p = desc_plan_ok(
        "[{'kind': 'attribute_key', 'name': 'order', 'ttl': 9000, 'property': {'kind': 'atomic', "
        "'name': 'txn_id'}}," GROUP(
            "g",
            COUNTER("a")) ", {'kind': 'attribute_group', 'name': 'o', 'attribute_key': 'order', "
                          "'attributes': [" COUNTER(
                              "b") "]},"
                                   " {'kind': 'intervention', 'name': "
                                   "'all_keys', 'when': {'all': [{'attribute': "
                                   "'o:b', 'op': 'gt', 'value': 1}, "
                                   "{'attribute': 'g:a', 'op': 'gt', 'value': "
                                   "1}, {'attribute': 'o:b', 'op': 'lt', "
                                   "'value': 9}]}},"
                                   " {'kind': 'intervention', 'name': 'named', "
                                   "'when': {'attribute': 'g:a', 'op': 'gt', "
                                   "'value': 1}, 'target_attribute_keys': "
                                   "['user_id', 'order', 'user_id'],"
                                   "  'payload': {'x': 1, 'b': {'attribute': "
                                   "'o:b'}, 'p': {" PAGE "}}},"
                                   " {'kind': 'intervention', 'name': "
                                   "'on_event', 'when': {'events': [{'vendor': "
                                   "'v'}]}, 'target_attribute_keys': ['order']}]",
        NULL, &ids);
    CHECK_INT(p->n_keys, 5);
    static const char *const built_in[] = {"domain_userid", "user_id", "network_userid",
                                           "domain_sessionid"};
    for (size_t i = 0; i < 4; i++)
        CHECK(str_eqz(p->keys[i].name, built_in[i]) && p->keys[i].slot == i &&
              p->keys[i].file.n == 0);
    int order = plan_find_key(p, STR("order"));
    CHECK(order == 4 && p->keys[4].ttl_ms == 9000 && str_eqz(p->keys[4].file, "f1.lua"));
    CHECK_INT(p->attrs[plan_find_attr(p, STR("o:b"))].ttl_ms, 9000);
    const struct plan_rule *all = &p->rules[0], *named = &p->rules[1], *on_event = &p->rules[2];
    CHECK(all->n_targets == 2 && all->targets[0] == 4 && all->targets[1] == 0,
          "the keys of the groups");
    CHECK(all->n_reads == 2 && all->n_when_reads == 2 && all->n_keys == 2 && all->fades,
          "o:b fades: its key has a ttl");
    CHECK(named->n_targets == 2 && named->targets[0] == 1 && named->targets[1] == 4);
    CHECK(named->n_when_reads == 1 && named->n_reads == 2 && named->n_keys == 2 && !named->fades);
    CHECK(named->n_payload == 3 && named->payload[0].kind == PAYLOAD_CONST &&
          named->payload[0].value.i == 1);
    CHECK(named->payload[1].kind == PAYLOAD_ATTR && named->payload[1].ref == 1);
    CHECK(named->payload[2].kind == PAYLOAD_SLOT && named->payload[2].ref >= 5);
    CHECK(!on_event->when && on_event->n_events == 1 && on_event->n_targets == 1);
    const struct plan_series *a = series_of(p, "g:a"), *b = series_of(p, "o:b");
    CHECK(a->n_rules == 2 && a->rules[0] == 0 && a->rules[1] == 1, "%zu rules", a->n_rules);
    CHECK(b->n_rules == 1 && b->rules[0] == 0, "a payload is no reason to look: %zu rules",
          b->n_rules);
    plan_unref(p);
}

static void functions(void)
{
    struct test_fn fns[4] = {0};
    struct plan *p = desc_plan_ok(
        "[" GROUP("g", "{'name': 'a', 'aggregation': 'counter', " ON_VIEW
                       ", 'criteria': {'all': [{'fn': 0, 'properties': [{'kind': 'atomic', 'name': "
                       "'page_url'}]}, {'op': 'eq', 'value': 1, " PRICE "}]}},"
                       "{'name': 'b', 'aggregation': 'counter', 'period': 5, " ON_VIEW
                       ", 'criteria': {'any': [{'fn': 0, 'properties': [{'kind': 'atomic', 'name': "
                       "'page_url'}]}, {'fn': 1, 'properties': [{'kind': 'atomic', 'name': "
                       "'page_url'}]}]}}") ", {'kind': 'service', 'name': 's', 'attribute_groups': "
                                           "['g']}, {'kind': 'score', 'name': 'sc', 'service': "
                                           "'s', 'formula': {'fn': 3}}]",
        fns, &ids);
    CHECK_INT(p->n_computed, 2);
    CHECK_INT(evt_proj_slots(p->proj), 6);
    CHECK_INT(p->n_slots, 8);
    CHECK(p->computed[0].slot == 6 && p->computed[1].slot == 7 && p->computed[0].args[0] == 4);
    CHECK_INT(series_of(p, "g:a")->criteria->kids[0].refs[0], 6);
    CHECK_INT(series_of(p, "g:a")->criteria->kids[1].refs[0], 5);
    CHECK_INT(series_of(p, "g:b")->criteria->kids[1].refs[0], 7);
    CHECK(p->scores[plan_find_score(p, STR("sc"))].fn == &fns[3].fn);
    plan_unref(p);
}

#define FN_GROUP(name, fn)                                                                         \
    GROUP(name, "{'name': 'a', 'aggregation': 'counter', " ON_VIEW ", 'criteria': {" fn            \
                ", 'properties': [{'kind': 'atomic', 'name': 'page_url'}]}}")
#define FN_OF(n, identity) "'fn': " n ", 'identity': '" identity "'"
/* A function with an identity is itself wherever it stands; one without is of its file. */
static void functions_again(void)
{
    static const char *const texts[] = {
        "[" FN_GROUP("g", FN_OF("0", "f0")) ", " FN_GROUP("h", FN_OF("1", "f1")) ", " FN_GROUP(
            "k", "'fn': 2") "]",
        "[" FN_GROUP("h", FN_OF("0", "f1")) ", " FN_GROUP("i", FN_OF("3", "f1")) ", " FN_GROUP(
            "g", FN_OF("1", "f0")) ", " FN_GROUP("k", "'fn': 2") "]",
    };
    struct test_fn fns[4] = {0};
    struct plan *p = desc_plan_ok(texts[0], fns, &ids), *q = desc_plan_ok(texts[1], fns, &ids);
    CHECK(series_of(p, "g:a")->id == series_of(q, "g:a")->id &&
          series_of(p, "h:a")->id == series_of(q, "h:a")->id);
    CHECK(series_of(p, "g:a")->id != series_of(p, "h:a")->id);
    CHECK(series_of(p, "k:a")->id != series_of(q, "k:a")->id,
          "without an identity the file's counts");
    CHECK(series_of(q, "h:a") == series_of(q, "i:a"), "two that answer alike share a series");
    CHECK_INT(p->n_computed, 3);
    CHECK_INT(q->n_computed, 3);
    plan_unref(p);
    plan_unref(q);
}

static void defaults(void)
{
    static const struct {
        const char *type, *value;
        bool ok;
    } cases[] = {
        {"int32", "5", 1},
        {"int32", "1.5", 0},
        {"int32", "3000000000", 0},
        {"int32", "'5'", 0},
        {"int64", "3000000000", 1},
        {"double", "1.5", 1},
        {"double", "1", 1},
        {"double", "true", 0},
        {"float", "1.5", 1},
        {"bool", "true", 1},
        {"bool", "1", 0},
        {"string", "'x'", 1},
        {"string", "5", 0},
        {"bytes", "'x'", 1},
        {"dict", "{}", 1},
        {"dict", "[]", 1},
        {"dict", "[1]", 0},
        {"dict", "{'a': 1}", 1},
        {"string_list", "[]", 1},
        {"string_list", "['a']", 1},
        {"string_list", "[1]", 0},
        {"string_list", "'a'", 0},
        {"int32_list", "[1, 2.5]", 0},
        {"int32_list", "[1, 2]", 1},
        {"unix_timestamp", "5", 1},
        {"unix_timestamp_list", "[5]", 1},
        {"int32", "null", 1},
        {"bool_list", "[true]", 1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct plan_report report;
        char text[600];
        const char *file = text;
        snprintf(text, sizeof(text),
                 "[" GROUP("g", "{'name': 'a', 'line': 3, 'aggregation': 'last', 'type': '%s', "
                                "'default': %s, " ON_VIEW ", " PAGE "}") "]",
                 cases[i].type, cases[i].value);
        plan_report_init(&report);
        struct plan *p = desc_plan(&file, 1, NULL, &ids, &report);
        CHECK((p != NULL) == cases[i].ok, "%s as %s", cases[i].value, cases[i].type);
        if (p && strcmp(cases[i].type, "dict") == 0)
            CHECK(p->attrs[0].dflt.type == VAL_DICT, "%s is a dict", cases[i].value);
        plan_unref(p);
        plan_report_fini(&report);
    }
}

static void count_release(void *object)
{
    ++*(int *)object;
}

static void life(void)
{
    struct plan *p = desc_plan_ok("[]", NULL, &ids);
    int released = 0;
    plan_keep(p, &released, count_release);
    plan_keep(p, &released, count_release);
    plan_ref(p);
    plan_unref(p);
    CHECK_INT(released, 0);
    plan_unref(p);
    CHECK_INT(released, 2);
    plan_unref(NULL);
}

int main(void)
{
    plan_ids_init(&ids);
    shared_series();
    distinct_forms();
    numbers_last();
    versions_and_services();
    keys_and_targets();
    functions();
    functions_again();
    defaults();
    life();
    plan_ids_fini(&ids);
    return check_done();
}
