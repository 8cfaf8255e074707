/* test_plan_cond.c -- every operator against matching, missing and wrongly typed values; patterns; the tree.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/cond.c"

#include <math.h>

#include "desc.h"

/* One leaf over slot 0. arg: a literal of desc.h. */
static struct cond leaf(struct arena *a, const char *op, struct val arg)
{
    struct cond c = {.kind = COND_LEAF, .n = 1, .op = cond_op_find(str_of(op)), .arg = arg};
    if (!c.op) {
        printf("no operator %s\n", op);
        abort();
    }
    c.refs = arena_zalloc(a, sizeof(uint32_t));
    return c;
}

static bool holds(const char *op, const char *arg, const char *value)
{
    struct arena a;
    arena_init(&a);
    struct val v = desc(&a, value);
    struct cond c = leaf(&a, op, desc(&a, arg));
    if (strstr(op, "rlike"))
        c.compiled = rlike_new(val_as_str(c.arg), NULL);
    bool answer = cond_eval(&c, &v, NULL, 0, &a);
    if (c.compiled)
        rlike_free(c.compiled);
    arena_fini(&a);
    return answer;
}

static void operators(void)
{
    static const struct {
        const char *op, *arg, *yes, *no; /* lists of values; null and other types are in `no` */
    } cases[] = {
        {"eq", "5", "[5, 5.0]", "[4, 5.5, '5', true, null, [5], '']"},
        {"eq", "5.0", "[5, 5.0]", "[4, '5.0', null]"},
        {"eq", "9007199254740993", "[9007199254740993]", "[9007199254740992, 9007199254740992.0]"},
        {"eq", "'a'", "['a']", "['A', 'ab', '', 5, null, ['a']]"},
        {"eq", "true", "[true]", "[false, 1, 'true', null]"},
        {"neq", "5", "[4, 5.5, -5]", "[5, 5.0, '4', true, null, [4]]"},
        {"neq", "'JP'", "['FR', '', 'jp']", "['JP', null, 5, true]"},
        {"neq", "true", "[false]", "[true, 0, null, 'x']"},
        {"gt", "5", "[6, 5.1, 1e300]", "[5, 5.0, 4, '6', true, null, ['6']]"},
        {"gte", "5", "[5, 5.0, 6]", "[4.9, '5', null, true]"},
        {"lt", "5", "[4, 4.9, -1e300]", "[5, 5.0, 6, '4', false, null]"},
        {"lte", "5", "[5, 5.0, 4]", "[5.1, '5', null, false]"},
        {"lt", "0.5", "[0, -1]", "[1, 0.5, null]"},
        {"like", "'a%'", "['a', 'ab']", "['ba', '', 5, null, true]"},
        {"not_like", "'a%'", "['ba', '']", "['a', 'ab', 5, null, true]"},
        {"rlike", "'^a+$'", "['a', 'aaa']", "['ab', '', 5, null]"},
        {"rlike", "'b'", "['abc']", "['ac']"},
        {"not_rlike", "'^a+$'", "['ab', '']", "['a', 5, null, true]"},
        {"in_list", "[1, 'x', true]", "[1, 1.0, 'x', true]", "[2, 'y', false, null, '1', [1]]"},
        {"not_in_list", "[1, 2]", "[3, 2.5]", "[1, 2.0, null, 'x', true]"},
        {"not_in_list", "['a', 1]", "['b', 2]", "['a', 1, null, true]"},
        {"is_null", "null", "[null]", "[0, '', false, 'x', []]"},
        {"is_not_null", "null", "[0, '', false, 'x', []]", "[null]"},
        {"changed", "null", "[]", "[null, 1, 'x']"}, /* nothing to compare with */
    };
    struct arena a;
    arena_init(&a);
    bool seen[64] = {0};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct cond_op *op = cond_op_find(str_of(cases[i].op));
        seen[op - cond_ops] = true;
        for (int want = 0; want < 2; want++) {
            struct val list = desc(&a, want ? cases[i].yes : cases[i].no);
            struct cond c = leaf(&a, cases[i].op, desc(&a, cases[i].arg));
            if (strstr(cases[i].op, "rlike"))
                c.compiled = rlike_new(val_as_str(c.arg), NULL);
            for (size_t k = 0; k < list.n; k++)
                CHECK(cond_eval(&c, &list.items[k], NULL, 0, &a) == want, "%s %s, value %zu of %s",
                      cases[i].op, cases[i].arg, k, want ? cases[i].yes : cases[i].no);
            if (c.compiled)
                rlike_free(c.compiled);
        }
    }
    for (size_t i = 0; i < n_cond_ops; i++) {
        CHECK(seen[i], "%s has no case here", cond_ops[i].word);
        CHECK(cond_ops[i].help && cond_ops[i].wire);
    }
    CHECK(!cond_op_find(STR("equals")) && !cond_op_find(STR("")));
    arena_fini(&a);
}

static void like(void)
{
    static const struct {
        const char *pattern, *subject;
        bool want;
    } cases[] = {
        {"", "", 1},
        {"", "a", 0},
        {"%", "", 1},
        {"%", "abc", 1},
        {"%%", "abc", 1},
        {"_", "", 0},
        {"_", "a", 1},
        {"_", "ab", 0},
        {"a_c", "abc", 1},
        {"a_c", "ac", 0},
        {"a%c", "ac", 1},
        {"a%c", "abcbc", 1},
        {"a%c", "abcb", 0},
        {"%b%", "abc", 1},
        {"%b%", "ac", 0},
        {"%ab", "aab", 1},
        {"%aab", "aaab", 1},
        {"%a%b%c", "xaxbxc", 1},
        {"%a%b%c", "xcxbxa", 0},
        {"%_", "", 0},
        {"%_", "a", 1},
        {"_%", "a", 1},
        {"A%", "abc", 0},
        {"a.c", "abc", 0},
        {"100\\%", "100%", 1},
        {"100\\%", "100x", 0},
        {"a\\_b", "a_b", 1},
        {"a\\_b", "axb", 0},
        {"a\\\\b", "a\\b", 1},
        {"a\\", "a\\", 1},
        {"a\\", "a", 0},
        {"%\\%", "50%", 1},
        {"%\\%%", "a%b", 1},
        {"%\\%%", "ab", 0},
        {"_", "\xc3\xa9", 1},
        {"__", "\xc3\xa9", 0},
        {"_\xc3\xa9_", "a\xc3\xa9z", 1},
        {"%\xc3\xa9", "\xe6\x97\xa5\xc3\xa9", 1},
        {"_", "\xf0\x9f\x98\x80", 1},
        {"%_x", "\xf0\x9f\x98\x80x", 1},
        {"a%_%b", "ab", 0},
        {"a%_%b", "axb", 1},
        {"%abab", "abababab", 1},
        {"%aba%bab", "ababab", 1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *heap = strdup(cases[i].subject); /* so that a read past the end is seen */
        CHECK(like_match(str_of(cases[i].pattern), (struct str){heap, strlen(heap)}) ==
                  cases[i].want,
              "%s like %s", cases[i].subject, cases[i].pattern);
        free(heap);
    }
    /* many % must not take the time of all their combinations */
    static char subject[20000];
    memset(subject, 'a', sizeof(subject));
    CHECK(!like_match(STR("%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%b"),
                      (struct str){subject, sizeof(subject)}));
}

static void rlike_limits(void)
{
    struct err err = {0};
    CHECK(!rlike_new(STR("a(b"), &err) && strstr(err.text, "byte"), "%s", err.text);
    err.set = false;
    CHECK(!rlike_new(STR("a\\Cb"), &err), "\\C splits characters");
    CHECK(!rlike_new(STR("((((a{1,1000}){1,1000}){1,1000}){1,1000})"), NULL), "too large");
    /* the classic: exponential without limits */
    struct rlike *evil = rlike_new(STR("^(a+)+$"), NULL);
    char many[64];
    memset(many, 'a', sizeof(many));
    many[60] = '!';
    CHECK_INT(rlike_match(evil, (struct str){many, 61}), -1);
    CHECK_INT(rlike_match(evil, (struct str){many, 60}), 1);
    rlike_free(evil);
    struct rlike *any = rlike_new(STR("x"), NULL);
    char *large = malloc(70000);
    memset(large, 'x', 70000);
    CHECK_INT(rlike_match(any, (struct str){large, 65536}), 1);
    CHECK_INT(rlike_match(any, (struct str){large, 65537}), -1);
    CHECK_INT(rlike_match(any, STR("\xff")), -1);
    CHECK_INT(rlike_match(any, STR("")), 0);
    free(large);
    rlike_free(any);
    /* what cannot be known satisfies neither */
    char value[80];
    snprintf(value, sizeof(value), "'%.61s'", many);
    CHECK(!holds("rlike", "'^(a+)+$'", value) && !holds("not_rlike", "'^(a+)+$'", value));
    CHECK(holds("rlike", "'^.$'", "'\xc3\xa9'"), "one character");
}

static void changed(void)
{
    struct arena a;
    arena_init(&a);
    struct cond c = leaf(&a, "changed", val_null);
    static const struct {
        const char *before, *now;
        bool want;
    } cases[] = {
        {"1", "1", 0},           {"1", "1.0", 0},         {"1", "2", 1},     {"null", "1", 1},
        {"1", "null", 1},        {"null", "null", 0},     {"'a'", "'a'", 0}, {"'a'", "'b'", 1},
        {"[1, 2]", "[1, 2]", 0}, {"[1, 2]", "[2, 1]", 1}, {"1", "'1'", 1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct val before = desc(&a, cases[i].before), now = desc(&a, cases[i].now);
        CHECK(cond_eval(&c, &now, &before, 0, &a) == cases[i].want, "%s -> %s", cases[i].before,
              cases[i].now);
    }
    arena_fini(&a);
}

/* all, any and none over every combination of three leaves, and nested in each other. */
static void joins(void)
{
    struct arena a;
    arena_init(&a);
    for (int bits = 0; bits < 8; bits++) {
        struct val slots[3];
        struct cond kids[3];
        for (uint32_t i = 0; i < 3; i++) {
            slots[i] = val_bool(bits >> i & 1);
            kids[i] = leaf(&a, "eq", val_bool(true));
            kids[i].refs[0] = i;
        }
        struct cond all = {.kind = COND_ALL, .n = 3, .kids = kids},
                    any = {.kind = COND_ANY, .n = 3, .kids = kids},
                    none = {.kind = COND_NONE, .n = 3, .kids = kids};
        CHECK(cond_eval(&all, slots, NULL, 0, &a) == (bits == 7), "all of %d", bits);
        CHECK(cond_eval(&any, slots, NULL, 0, &a) == (bits != 0), "any of %d", bits);
        CHECK(cond_eval(&none, slots, NULL, 0, &a) == (bits == 0), "none of %d", bits);
        struct cond pair[] = {all, none}; /* none { all, none } = some but not every one */
        struct cond nested = {.kind = COND_NONE, .n = 2, .kids = pair};
        CHECK(cond_eval(&nested, slots, NULL, 0, &a) == (bits != 7 && bits != 0), "nested, %d",
              bits);
        struct cond deep = {.kind = COND_ALL, .n = 1, .kids = &nested};
        CHECK(cond_eval(&deep, slots, NULL, 0, &a) == (bits != 7 && bits != 0), "deep, %d", bits);
    }
    struct val gone = val_null;
    struct cond eq = leaf(&a, "eq", val_int(1)), none = {.kind = COND_NONE, .n = 1, .kids = &eq};
    CHECK(cond_eval(&none, &gone, NULL, 0, &a),
          "not (null = 1) holds: only the comparison is false");
    arena_fini(&a);
}

static struct val is_five(struct val v)
{
    return val_bool(v.type == VAL_INT && v.i == 5);
}

static struct val five(struct val v)
{
    return val_int(5);
}

static void functions(void)
{
    struct arena a;
    arena_init(&a);
    struct test_fn f = {.fn = {test_fn_call, test_fn_quarantined}, .answer = is_five};
    uint32_t refs[] = {1, 0};
    struct cond c = {.kind = COND_FN, .n = 2, .refs = refs, .fn = &f.fn};
    struct val slots[] = {val_strz("x"), val_int(5)};
    CHECK(cond_eval(&c, slots, NULL, 0, &a) && f.calls == 1, "its first argument is slot 1");
    slots[1] = val_int(6);
    CHECK(!cond_eval(&c, slots, NULL, 0, &a) && f.calls == 2);
    slots[1] = val_int(5);
    slots[0] = val_null;
    CHECK(!cond_eval(&c, slots, NULL, 0, &a) && f.calls == 2, "not called: something is missing");
    slots[0] = val_strz("x");
    f.fails = true;
    CHECK(!cond_eval(&c, slots, NULL, 0, &a) && f.calls == 3, "failing is false");
    CHECK_INT(cond_decide(&c, slots, NULL, 0, &a), COND_UNKNOWN);
    uint32_t first = 0;
    struct cond yes = {.kind = COND_LEAF,
                       .n = 1,
                       .refs = &first,
                       .op = cond_op_find(STR("is_not_null"))},
                no = yes;
    no.op = cond_op_find(STR("is_null"));
    struct cond with_yes[] = {c, yes}, with_no[] = {c, no};
    static const enum cond_truth want[][2] = {
        /* with yes, with no */
        [COND_ALL] = {COND_UNKNOWN, COND_FALSE},
        [COND_ANY] = {COND_TRUE, COND_UNKNOWN},
        [COND_NONE] = {COND_FALSE, COND_UNKNOWN},
    };
    for (int kind = COND_ALL; kind <= COND_NONE; kind++) {
        struct cond one = {.kind = (enum cond_kind)kind, .n = 2, .kids = with_yes}, other = one;
        other.kids = with_no;
        CHECK_INT(cond_decide(&one, slots, NULL, 0, &a), want[kind][0]);
        CHECK_INT(cond_decide(&other, slots, NULL, 0, &a), want[kind][1]);
    }
    f.fails = false;
    f.answer = five;
    CHECK(!cond_eval(&c, slots, NULL, 0, &a), "only true is true");
    arena_fini(&a);
}

int main(void)
{
    operators();
    like();
    rlike_limits();
    changed();
    joins();
    functions();
    return check_done();
}
