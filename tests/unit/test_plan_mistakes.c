/* test_plan_mistakes.c -- each mistake in a description has its message, with file and line; and what can never hold is warned of.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan_parts.h"

static struct plan_ids ids;

#define ATTR(rest) "[" GROUP("g", "{'name': 'a', 'line': 3, " rest "}") "]"

static void mistakes(void)
{
    static const struct {
        const char *file, *rule, *text; /* of the first problem, which is in f1.lua */
        uint32_t line;
    } cases[] = {
        {"[{'kind': 'score', 'name': 'x y', 'line': 7}]", "score \"x y\"",
         "a name is 1 to 128 letters, digits and _", 7},
        {"[{'kind': 'rule', 'name': 'x', 'line': 7}]", "rule \"x\"", "no definition is called this",
         7},
        {"[{'kind': 'attribute_key', 'name': 'user_id', 'line': 7, " PAGE "}]",
         "attribute_key \"user_id\"", "this attribute key is built in", 7},
        {"[{'kind': 'attribute_key', 'name': 'k', 'line': 7, " PAGE
         "}, {'kind': 'attribute_key', 'name': 'k', 'line': 8, " PAGE "}]",
         "attribute_key \"k\"", "stands already in f1.lua", 8},
        {"[{'kind': 'attribute_key', 'name': 'k', 'line': 7, 'property': {'kind': 'atomic', "
         "'name': 'nope'}}]",
         "attribute_key \"k\"", "atomic has no property 'nope'", 7},
        {"[{'kind': 'attribute_key', 'name': 'k', 'line': 7}]", "attribute_key \"k\"",
         "a property is atomic, of an event or of an entity", 7},
        {"[{'kind': 'attribute_key', 'name': 'k', 'line': 7, 'ttl': 0, " PAGE "}]",
         "attribute_key \"k\"", "ttl is a whole number of milliseconds", 7},
        {"[{'kind': 'attribute_group', 'name': 'g', 'line': 7, 'attribute_key': 'nope'}]",
         "attribute_group \"g\"", "no attribute key 'nope'", 7},
        {"[{'kind': 'attribute_group', 'name': 'g', 'line': 7, 'version': 0, 'attribute_key': "
         "'user_id'}]",
         "attribute_group \"g\"", "version is a whole number from 1", 7},
        {"[" GROUP("g", COUNTER("a")) ", " GROUP("g", COUNTER("a")) "]", "attribute_group \"g\"",
         "version 1 stands already in f1.lua:2", 2},
        {"[" GROUP("g", COUNTER("a") ", " COUNTER("a")) "]", "attribute_group \"g\"",
         "a stands twice in this group", 3},
        {"[" GROUP("g", COUNTER("a:b")) "]", "attribute_group \"g\"",
         "an attribute's name is 1 to 128 letters, digits and _, not \"a:b\"", 3},
        {ATTR("'aggregation': 'avg', " ON_VIEW), "attribute_group \"g\"", "a: no aggregation 'avg'",
         3},
        {ATTR("'aggregation': 'counter', 'type': 'int', " ON_VIEW), "attribute_group \"g\"",
         "a: no type 'int'", 3},
        {ATTR("'aggregation': 'counter', " PAGE ", " ON_VIEW), "attribute_group \"g\"",
         "a: counter needs no property", 3},
        {ATTR("'aggregation': 'sum', " ON_VIEW), "attribute_group \"g\"", "a: sum takes a property",
         3},
        {ATTR("'aggregation': 'counter'"), "attribute_group \"g\"", "on which event?", 3},
        {ATTR("'aggregation': 'counter', 'events': []"), "attribute_group \"g\"", "on which event?",
         3},
        {ATTR("'aggregation': 'counter', 'period': 5, 'ttl': 5, " ON_VIEW), "attribute_group \"g\"",
         "a has both :within and :ttl; a window needs no ttl", 3},
        {ATTR("'aggregation': 'counter', 'period': -5, " ON_VIEW), "attribute_group \"g\"",
         "period is a whole number of milliseconds", 3},
        {ATTR("'aggregation': 'counter', 'period': 1.5, " ON_VIEW), "attribute_group \"g\"",
         "period is a whole number of milliseconds", 3},
        {ATTR("'aggregation': 'counter', 'period': 9000000000000000000, " ON_VIEW),
         "attribute_group \"g\"", "period is a whole number of milliseconds", 3},
        {ATTR("'aggregation': 'counter', 'type': 'int32', 'default': 'x', " ON_VIEW),
         "attribute_group \"g\"", "a: the default is not of type int32", 3},
        {ATTR("'aggregation': 'counter', " ON_VIEW
              ", 'criteria': {'op': 'contains', 'line': 4, 'value': 1, " PAGE "}"),
         "attribute_group \"g\"", "no operator :contains", 4},
        {ATTR("'aggregation': 'counter', " ON_VIEW
              ", 'criteria': {'op': 'rlike', 'line': 4, 'value': 'x', " PAGE "}"),
         "attribute_group \"g\"", "no operator :rlike on events, only on attributes", 4},
        {ATTR("'aggregation': 'counter', " ON_VIEW
              ", 'criteria': {'op': 'gt', 'line': 4, 'value': 'x', " PAGE "}"),
         "attribute_group \"g\"", ":gt takes a number", 4},
        {ATTR("'aggregation': 'counter', " ON_VIEW
              ", 'criteria': {'op': 'in_list', 'line': 4, 'value': [], " PAGE "}"),
         "attribute_group \"g\"", ":in_list takes a list of values", 4},
        {ATTR("'aggregation': 'counter', " ON_VIEW
              ", 'criteria': {'op': 'is_null', 'line': 4, 'value': 1, " PAGE "}"),
         "attribute_group \"g\"", ":is_null takes nothing", 4},
        {ATTR("'aggregation': 'counter', " ON_VIEW ", 'criteria': {'op': 'eq', 'line': 4, " PAGE
              "}"),
         "attribute_group \"g\"", ":eq takes a text, number or boolean", 4},
        {ATTR("'aggregation': 'counter', " ON_VIEW
              ", 'criteria': {'op': 'like', 'line': 4, 'value': 1, " PAGE "}"),
         "attribute_group \"g\"", ":like takes a text", 4},
        {ATTR("'aggregation': 'counter', " ON_VIEW ", 'criteria': {'all': [], 'line': 4}"),
         "attribute_group \"g\"", "all needs at least one criterion", 4},
        {ATTR("'aggregation': 'counter', " ON_VIEW
              ", 'criteria': {'fn': 9, 'line': 4, 'properties': [{'kind': 'atomic', 'name': "
              "'page_url'}]}"),
         "attribute_group \"g\"", "criterion needs a function", 4},
        {ATTR("'aggregation': 'counter', " ON_VIEW ", 'criteria': {'fn': 0, 'line': 4}"),
         "attribute_group \"g\"", "criterion names the properties that its function reads", 4},
        {ATTR("'aggregation': 'last', " ON_VIEW ", 'property': {'kind': 'entity', 'vendor': 'v', "
              "'name': 'p', 'index': 5000, 'path': 'a'}"),
         "attribute_group \"g\"", "an entity's index is 0 to 1000, not 5000", 3},
        {ATTR("'aggregation': 'last', " ON_VIEW
              ", 'property': {'kind': 'entity', 'vendor': 'v', 'name': 'p', 'path': ''}"),
         "attribute_group \"g\"", "it names nothing", 3},
        {"[{'kind': 'service', 'name': 's', 'line': 5, 'attribute_groups': ['nope']}]",
         "service \"s\"", "no attribute group \"nope\"", 5},
        {"[{'kind': 'service', 'name': 's', 'line': 5, 'attribute_groups': []}]", "service \"s\"",
         "attribute_groups names at least one group", 5},
        {"[" GROUP("g", COUNTER("a")) ", {'kind': 'service', 'name': 's', 'line': 5, "
                                      "'attribute_groups': ['g', 'g_v1']}]",
         "service \"s\"", "attribute_groups names \"g_v1\" twice", 5},
        {"[" GROUP(
             "g",
             COUNTER(
                 "a")) ", {'kind': 'service', 'name': 's', 'line': 5, 'attribute_groups': ['g']}, "
                       "{'kind': 'service', 'name': 's', 'line': 6, 'attribute_groups': ['g']}]",
         "service \"s\"", "stands already in f1.lua:5", 6},
        {"[{'kind': 'score', 'name': 'x', 'line': 5, 'service': 'nope', 'formula': {'fn': 0}}]",
         "score \"x\"", "no service \"nope\"", 5},
        {"[" GROUP(
             "g",
             COUNTER(
                 "a")) ", {'kind': 'service', 'name': 's', 'attribute_groups': ['g']}, {'kind': "
                       "'score', 'name': 'x', 'line': 5, 'service': 's', 'formula': {'fn': 9}}]",
         "score \"x\"", "formula is a function", 5},
        {"[" RULE(WHEN("'op': 'gt', 'value': 3")) "]", "intervention \"r\"", "no attribute \"g:a\"",
         10},
        {"[" GROUP("g", COUNTER("a")) ", " RULE(WHEN("'op': 'bigger', 'value': 3")) "]",
         "intervention \"r\"", "no operator :bigger", 10},
        {"[" GROUP("g", COUNTER("a")) ", " RULE(WHEN("'op': 'rlike', 'value': '('")) "]",
         "intervention \"r\"", ":rlike: ", 10},
        {"[" GROUP("g", COUNTER("a")) ", " RULE("'when': {'fn': 0, 'line': 10}") "]",
         "intervention \"r\"", "criterion names the attributes that its function reads", 10},
        {"[" GROUP("g", COUNTER("a")) ", " RULE(
             WHEN("'op': 'gt', 'value': 3") ", 'target_attribute_keys': ['nope']") "]",
         "intervention \"r\"", "no attribute key 'nope'", 9},
        {"[" GROUP("g", COUNTER("a")) ", " RULE(
             WHEN("'op': 'gt', 'value': 3") ", 'payload': {'x': {'attribute': 'g:b'}}") "]",
         "intervention \"r\"", "no attribute \"g:b\"", 9},
        {"[" GROUP("g", COUNTER("a")) ", " RULE(WHEN("'op': 'gt', 'value': 3")) ", " RULE(
             WHEN("'op': 'gt', 'value': 4")) "]",
         "intervention \"r\"", "stands already in f1.lua:9", 9},
        {"[" GROUP("g", COUNTER("ab")) ", " RULE(WHEN("'op': 'gt', 'value': 3")) "]",
         "intervention \"r\"", "no attribute \"g:a\"; did you mean \"g:ab\"?", 10},
        {"[" GROUP("g", COUNTER("zebra")) ", " RULE(WHEN("'op': 'gt', 'value': 3")) "]",
         "intervention \"r\"", "no attribute \"g:a\"; attributes are named \"group:attribute\"",
         10},
        {"[{'kind': 'attribute_group', 'name': 'g', 'line': 7, 'attribute_key': 'userid'}]",
         "attribute_group \"g\"", "no attribute key 'userid'; did you mean \"user_id\"?", 7},
        {"[{'kind': 'attribute_group', 'name': 'g', 'line': 7, 'attribute_key': 'user'}]",
         "attribute_group \"g\"", "no attribute key 'user': there are domain_userid, user_id,", 7},
        {"[" GROUP("cart", COUNTER("a")) ", {'kind': 'service', 'name': 's', 'line': 5, "
                                         "'attribute_groups': ['card']}]",
         "service \"s\"", "no attribute group \"card\"; did you mean \"cart\"?", 5},
        {"[" RULE("'x': 1") "]", "intervention \"r\"",
         "when is a criterion on attributes, or an event", 9},
        {"[" RULE("'when': {'events': [{}]}") "]", "intervention \"r\"",
         "when is an event, so say whom", 9},
        {"[" RULE("'version': 1.5, 'when': {'events': [{}]}") "]", "intervention \"r\"",
         "version is a whole number from 1", 9},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct test_fn fns[4] = {0};
        struct plan_report report;
        plan_report_init(&report);
        struct plan *p = desc_plan(&cases[i].file, 1, fns, &ids, &report);
        CHECK(!p && plan_report_failed(&report), "case %zu was built", i);
        plan_unref(p);
        if (report.n == 0)
            continue;
        const struct plan_problem *at = &report.items[0];
        CHECK(str_eqz(at->file, "f1.lua"), "case %zu: file %.*s", i, STR_FMT(at->file));
        CHECK(at->line == cases[i].line, "case %zu: line %u, want %u (%.*s)", i, at->line,
              cases[i].line, STR_FMT(at->text));
        CHECK(str_eqz(at->rule, cases[i].rule), "case %zu: rule %.*s", i, STR_FMT(at->rule));
        char text[1200];
        snprintf(text, sizeof(text), "%.*s", STR_FMT(at->text));
        CHECK(strstr(text, cases[i].text), "case %zu: \"%s\", want \"%s\"", i, text, cases[i].text);
        plan_report_fini(&report);
    }
}

/* Comparisons that cannot come true: warned of, not refused. */
static void impossible(void)
{
    static const struct {
        const char *attr, *leaf, *warns; /* NULL: nothing to say */
    } cases[] = {
        {"'aggregation': 'counter', 'type': 'int32'", "'op': 'lt', 'value': 1",
         "null, not 0: write :is_null(), or give a :default(0)"},
        {"'aggregation': 'counter', 'type': 'int32'", "'op': 'lte', 'value': 0", "null, not 0"},
        {"'aggregation': 'counter', 'type': 'int32'", "'op': 'eq', 'value': 0", "null, not 0"},
        {"'aggregation': 'counter', 'type': 'int32'", "'op': 'eq', 'value': 1", NULL},
        {"'aggregation': 'counter', 'type': 'int32'", "'op': 'lt', 'value': 2", NULL},
        {"'aggregation': 'counter', 'type': 'int32'", "'op': 'neq', 'value': 0", NULL},
        {"'aggregation': 'counter', 'type': 'int32', 'default': 0", "'op': 'eq', 'value': 0", NULL},
        {"'aggregation': 'counter', 'type': 'int32'", "'op': 'eq', 'value': 'x'",
         "a is of type int32, and :eq compares it with another type"},
        {"'aggregation': 'counter', 'type': 'int32'", "'op': 'like', 'value': '%x%'",
         "of type int32"},
        {"'aggregation': 'counter', 'type': 'int32'", "'op': 'in_list', 'value': ['x', 'y']",
         "of type int32"},
        {"'aggregation': 'counter', 'type': 'int32'", "'op': 'in_list', 'value': ['x', 2]", NULL},
        {"'aggregation': 'sum', 'type': 'double', " PAGE, "'op': 'eq', 'value': 0", NULL},
        {"'aggregation': 'last', 'type': 'string', " PAGE, "'op': 'gt', 'value': 0",
         "of type string"},
        {"'aggregation': 'last', 'type': 'string', " PAGE, "'op': 'rlike', 'value': 'x'", NULL},
        {"'aggregation': 'last', 'type': 'string', " PAGE, "'op': 'changed'", NULL},
        {"'aggregation': 'last', 'type': 'bool', " PAGE, "'op': 'eq', 'value': true", NULL},
        {"'aggregation': 'last', " PAGE, "'op': 'gt', 'value': 0", NULL},
        {"'aggregation': 'unique_list', " PAGE, "'op': 'eq', 'value': 'x'",
         "a is a list: write criterion(attribute \"…\", function(list)"},
        {"'aggregation': 'unique_list', 'type': 'string_list', " PAGE,
         "'op': 'like', 'value': '%x'", "a is a list"},
        {"'aggregation': 'unique_list', 'type': 'string_list', " PAGE, "'op': 'is_not_null'", NULL},
        {"'aggregation': 'category_count', 'type': 'dict', " PAGE, "'op': 'gt', 'value': 1",
         "a is a dict"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[1000];
        const char *file = text;
        struct plan_report report;
        plan_report_init(&report);
        snprintf(text, sizeof(text),
                 "[{'kind': 'attribute_group', 'name': 'g', 'line': 2, 'attribute_key': 'user_id', "
                 "'attributes': "
                 "[{'name': 'a', 'line': 3, " ON_VIEW
                 ", %s}]}, " RULE("'when': {'attribute': 'g:a', 'line': 10, %s}") "]",
                 cases[i].attr, cases[i].leaf);
        struct plan *p = desc_plan(&file, 1, NULL, &ids, &report);
        CHECK(p, "case %zu: %s", i, report.n ? report.items[0].text.p : "");
        CHECK_INT(report.n, cases[i].warns != NULL);
        if (report.n)
            CHECK(report.items[0].warning && report.items[0].line == 10 && cases[i].warns &&
                      strstr(report.items[0].text.p, cases[i].warns),
                  "case %zu: %s", i, report.items[0].text.p);
        plan_unref(p);
        plan_report_fini(&report);
    }
}

/* One broken definition does not hide what is wrong with the next. */
static void many_mistakes(void)
{
    static const char *const files[] = {
        "[" GROUP("g", "{'name': 'a', 'line': 3, 'aggregation': 'avg'}, {'name': 'b', 'line': 4, "
                       "'aggregation': 'mode'}") "]",
        "[{'kind': 'service', 'name': 's', 'line': 5, 'attribute_groups': ['g', 'h']}]",
    };
    struct plan_report report;
    plan_report_init(&report);
    CHECK(!desc_plan(files, 2, NULL, &ids, &report));
    CHECK_INT(report.n, 3);
    CHECK(report.n == 3 && report.items[1].line == 4 && str_eqz(report.items[2].file, "f2.lua"));
    plan_report_fini(&report);
    plan_report_init(&report);
    plan_report_add(&report, true, STR("f"), 1, STR("r"), "only a warning");
    CHECK(!plan_report_failed(&report));
    struct plan *p = desc_plan(NULL, 0, NULL, &ids, &report);
    CHECK(p && p->n_series == 0 && p->n_keys == 4, "no files: an empty plan");
    plan_unref(p);
    plan_report_fini(&report);
}

int main(void)
{
    plan_ids_init(&ids);
    mistakes();
    impossible();
    many_mistakes();
    plan_ids_fini(&ids);
    return check_done();
}
