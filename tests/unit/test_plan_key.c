/* test_plan_key.c -- which values identify, and as what; two keys under one name are two.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan_parts.h"

#include <math.h>
#include <stdlib.h>

static struct arena arena;
static char text[PLAN_IDENTIFIER_MAX + 1];

static void values(void)
{
    const struct {
        struct val v;
        const char *id; /* NULL: none */
    } cases[] = {
        {val_strz("c-1"), "c-1"},
        {val_strz("0"), "0"},
        {val_strz("7.0"), "7.0"},
        {val_strz("true"), "true"},
        {val_int(0), "0"},
        {val_int(7), "7"},
        {val_int(INT64_MIN), "-9223372036854775808"},
        {val_int(INT64_MAX), "9223372036854775807"},
        {val_dbl(7), "7"},
        {val_dbl(-0.0), "0"},
        {val_dbl(1e15), "1000000000000000"},
        {val_dbl(0x1p53 - 1), "9007199254740991"},
        {val_dbl(0x1p53), NULL}, /* may have been one more */
        {val_dbl(-0x1p63), NULL},
        {val_dbl(2.5), NULL},
        {val_dbl(NAN), NULL},
        {val_dbl(INFINITY), NULL},
        {val_bool(true), NULL},
        {val_bool(false), NULL},
        {val_strz(""), NULL},
        {val_null, NULL},
        {{.type = VAL_BIN, .n = 1, .s = "x"}, NULL},
        {{.type = VAL_LIST}, NULL},
        {{.type = VAL_DICT}, NULL},
        {val_str((struct str){text, PLAN_IDENTIFIER_MAX}), text},
        {val_str((struct str){text, PLAN_IDENTIFIER_MAX + 1}), NULL},
    };
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str id = plan_identifier(cases[i].v, &arena);
        struct str want = cases[i].id == text ? (struct str){text, PLAN_IDENTIFIER_MAX}
                                              : str_of(cases[i].id ? cases[i].id : "");
        CHECK(str_eq(id, want), "case %zu: \"%.*s\"", i, STR_FMT(id));
        CHECK(plan_identifier_long(cases[i].v) == (i == COUNT_OF(cases) - 1), "case %zu", i);
    }
}

#define KEY(name, column)                                                                          \
    "{'kind': 'attribute_key', 'name': '" name                                                     \
    "', 'line': 7, 'property': {'kind': 'atomic', 'name': '" column "'}}"
#define OF(key)                                                                                    \
    "{'kind': 'attribute_group', 'name': 'g', 'attribute_key': '" key                              \
    "', 'attributes': [" COUNTER("a") "]}"

/* What is kept of one, and what goes to those who listen for it, never becomes another's. */
static void one_name_two_keys(void)
{
    struct plan_ids ids;
    plan_ids_init(&ids);
    struct plan *was = desc_plan_ok("[" KEY("k", "txn_id") "," OF("k") "]", NULL, &ids),
                *is = desc_plan_ok("[" KEY("k", "app_id") "," OF("k") "]", NULL, &ids),
                *back = desc_plan_ok(
                    "[" KEY("other", "br_lang") "," KEY("k", "txn_id") "," OF("k") "]", NULL, &ids);
    const struct plan_key *a = &was->keys[4], *b = &is->keys[4], *c = &back->keys[5];
    CHECK(a->id != b->id && a->id == c->id);
    CHECK(was->series[0].id != is->series[0].id && was->series[0].id == back->series[0].id);
    CHECK(!str_eq(a->address, b->address) && str_eq(a->address, c->address));
    CHECK(!str_eq(a->address, a->name) && a->line == 7);
    CHECK(str_eq(was->keys[0].address, STR("domain_userid")), "a built-in one is always the same");
    CHECK(plan_find_address(back, c->address) == 5 && plan_find_address(back, b->address) < 0 &&
          plan_find_address(back, STR("user_id")) == 1 && plan_find_address(back, STR("k")) < 0);
    plan_unref(was);
    plan_unref(is);
    plan_unref(back);
    plan_ids_fini(&ids);
}

/* A rule that reads one key and tells n others. */
static bool builds(unsigned n)
{
    struct buf file = {0};
    struct plan_ids ids;
    struct plan_report report;
    buf_puts(&file, "[");
    for (unsigned i = 0; i < n; i++)
        buf_printf(&file,
                   "{'kind': 'attribute_key', 'name': 'k%u', 'property': {'kind': 'atomic', "
                   "'name': 'app_id'}}, ",
                   i);
    buf_puts(&file, GROUP("g", COUNTER("a")) ", {'kind': 'intervention', 'name': 'r', " WHEN(
                        "'op': 'gt', 'value': 3") ", 'target_attribute_keys': [");
    for (unsigned i = 0; i < n; i++)
        buf_printf(&file, "%s'k%u'", i ? ", " : "", i);
    buf_puts(&file, "]}]");
    buf_putc(&file, 0);
    const char *text_of_file = file.p;
    plan_ids_init(&ids);
    plan_report_init(&report);
    struct plan *p = desc_plan(&text_of_file, 1, NULL, &ids, &report);
    bool built = p != NULL;
    CHECK(built || str_starts(report.items[0].text, "it reads and tells 65 attribute keys, at"));
    plan_unref(p);
    plan_report_fini(&report);
    plan_ids_fini(&ids);
    buf_fini(&file);
    return built;
}

int main(void)
{
    arena_init(&arena);
    values();
    one_name_two_keys();
    CHECK(builds(PLAN_RULE_KEYS_MAX - 1) && !builds(PLAN_RULE_KEYS_MAX));
    arena_fini(&arena);
    return check_done();
}
