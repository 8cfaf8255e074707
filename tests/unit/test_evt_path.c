/* test_evt_path.c -- paths: what is one, what is none, and where it breaks off.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "evt/evt.h"

/* The steps as text: a key in <>, an index in {}. */
static const char *steps_of(struct arena *a, const char *text)
{
    struct evt_path path;
    struct err err = {0};
    struct buf b = {0};
    if (!evt_path_parse(str_of(text), a, &path, &err))
        return arena_str(a, str_of(err.text)).p;
    for (size_t i = 0; i < path.n; i++) {
        if (path.steps[i].key.p)
            buf_printf(&b, "<%.*s>", STR_FMT(path.steps[i].key));
        else
            buf_printf(&b, "{%u}", path.steps[i].index);
    }
    struct str out = arena_str(a, buf_str(&b));
    buf_fini(&b);
    return out.p;
}

int main(void)
{
    struct arena a;
    arena_init(&a);
    CHECK_STR(steps_of(&a, "type"), "<type>");
    CHECK_STR(steps_of(&a, "$.type"), "<type>");
    CHECK_STR(steps_of(&a, "a.b[0].c"), "<a><b>{0}<c>");
    CHECK_STR(steps_of(&a, "$.a.b[0].c"), "<a><b>{0}<c>");
    CHECK_STR(steps_of(&a, "[2].x"), "{2}<x>");
    CHECK_STR(steps_of(&a, "$[2][3]"), "{2}{3}");
    CHECK_STR(steps_of(&a, "[\"odd name\"].x"), "<odd name><x>");
    CHECK_STR(steps_of(&a, "a['b.c'][1]"), "<a><b.c>{1}");
    CHECK_STR(steps_of(&a, "a['it\\'s']"), "<a><it's>");
    CHECK_STR(steps_of(&a, "[\"\"]"), "<>");
    CHECK_STR(steps_of(&a, "$ref"), "<$ref>");
    CHECK_STR(steps_of(&a, "naïve.größe"), "<naïve><größe>");
    CHECK_STR(steps_of(&a, "a[4294967295]"), "<a>{4294967295}");
    CHECK_STR(steps_of(&a, "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a"),
              "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>");

    CHECK_STR(steps_of(&a, ""), "path \"\": it names nothing at character 1");
    CHECK_STR(steps_of(&a, "$"), "path \"$\": it names nothing at character 2");
    CHECK_STR(steps_of(&a, "."), "path \".\": a name is missing at character 1");
    CHECK_STR(steps_of(&a, "a."), "path \"a.\": a name is missing at character 3");
    CHECK_STR(steps_of(&a, "a..b"), "path \"a..b\": a name is missing at character 3");
    CHECK_STR(steps_of(&a, "a b"), "path \"a b\": a dot or [ is missing at character 2");
    CHECK_STR(steps_of(&a, "a[0]b"), "path \"a[0]b\": a dot or [ is missing at character 5");
    CHECK_STR(steps_of(&a, "a[]"),
              "path \"a[]\": a number or a quoted name is missing at character 3");
    CHECK_STR(steps_of(&a, "a[-1]"),
              "path \"a[-1]\": a number or a quoted name is missing at character 3");
    CHECK_STR(steps_of(&a, "a[*]"),
              "path \"a[*]\": a number or a quoted name is missing at character 3");
    CHECK_STR(steps_of(&a, "a[4294967296]"),
              "path \"a[4294967296]\": a number or a quoted name is missing at character 13");
    CHECK_STR(steps_of(&a, "a[0"), "path \"a[0\": ] is missing at character 4");
    CHECK_STR(steps_of(&a, "a['b"), "path \"a['b\": the closing quote is missing at character 5");
    CHECK_STR(steps_of(&a, "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a"),
              "path \"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a\": more than 16 steps at character 32");
    CHECK_STR(steps_of(&a, "\xff"), "path: not UTF-8");
    arena_fini(&a);
    return check_done();
}
