/* test_plan_ids.c -- numbers of identities: kept while anybody may remember them, never given twice, the same after a restart.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan_parts.h"

#define TWO                                                                                        \
    "[" GROUP("g", COUNTER("a")) "," RULE(WHEN("'attribute': 'g:a', 'op': 'gt', 'value': 3")) "]"
#define NONE "[]"

static struct buf packed(const struct plan_ids *ids)
{
    struct buf b = {0};
    plan_ids_pack(ids, &b);
    return b;
}

static bool same(const struct plan_ids *a, const struct plan_ids *b)
{
    struct buf x = packed(a), y = packed(b);
    bool equal = str_eq(buf_str(&x), buf_str(&y));
    buf_fini(&x);
    buf_fini(&y);
    return equal;
}

/* What another process knows. */
static void restart(struct plan_ids *ids)
{
    struct plan_ids fresh;
    struct buf b = packed(ids);
    struct unpack in = unpack_of(buf_str(&b));
    CHECK(plan_ids_unpack(&fresh, &in) && unpack_done(&in));
    CHECK(same(ids, &fresh));
    plan_ids_fini(ids);
    *ids = fresh;
    buf_fini(&b);
}

static void in_force_and_gone(void)
{
    struct plan_ids ids;
    plan_ids_init(&ids);
    struct plan *with = desc_plan_ok(TWO, NULL, &ids), *without = desc_plan_ok(NONE, NULL, &ids);
    uint32_t key = with->keys[0].id, series = with->series[0].id, rule = with->rules[0].id;
    uint32_t n = ids.n;
    CHECK_INT(n, 6); /* four keys, a series, a rule */
    plan_ids_settle(&ids, with, 1000);
    plan_ids_forget(&ids, INT64_MAX);
    CHECK_INT(ids.map.n, 6); /* all are in force */

    plan_ids_settle(&ids, without, 2000);
    plan_ids_settle(&ids, without, 3000); /* gone since 2000 */
    plan_ids_forget(&ids, 2000);
    CHECK_INT(ids.map.n, 6);
    restart(&ids);
    /* back in time: the same numbers, and nothing of having been gone */
    plan_unref(with);
    with = desc_plan_ok(TWO, NULL, &ids);
    CHECK(with->series[0].id == series && with->rules[0].id == rule && with->keys[0].id == key);
    plan_ids_settle(&ids, with, 4000);
    plan_ids_settle(&ids, without, 5000);
    plan_ids_forget(&ids, 4500);
    CHECK_INT(ids.map.n, 6);

    /* too late: other numbers, which nothing had before; what stayed in force keeps its own */
    plan_ids_forget(&ids, 5001);
    CHECK_INT(ids.map.n, 4);
    CHECK_INT(ids.n, n);
    restart(&ids);
    CHECK_INT(ids.n, n);
    plan_unref(with);
    with = desc_plan_ok(TWO, NULL, &ids);
    CHECK(with->series[0].id > n && with->rules[0].id > n && with->keys[0].id == key);
    CHECK(with->series[0].id != with->rules[0].id);
    plan_unref(with);
    plan_unref(without);
    plan_ids_fini(&ids);
}

/* A plan that is never put in force leaves identities that go with the next one that is. */
static void never_in_force(void)
{
    struct plan_ids ids;
    plan_ids_init(&ids);
    struct plan *without = desc_plan_ok(NONE, NULL, &ids);
    plan_unref(desc_plan_ok(TWO, NULL, &ids));
    CHECK_INT(ids.map.n, 6);
    plan_ids_settle(&ids, without, 1000);
    plan_ids_settle(&ids, without, 2000); /* gone since the first time */
    plan_ids_forget(&ids, 1001);
    CHECK_INT(ids.map.n, 4);
    plan_unref(without);
    plan_ids_fini(&ids);
}

/* Equal numbers are equal bytes, however they came about. */
static void order(void)
{
    struct plan_ids a, b;
    plan_ids_init(&a);
    plan_ids_init(&b);
    for (int i = 0; i < 1000; i++) {
        char text[32];
        snprintf(text, sizeof(text), "%d is an identity", i);
        CHECK_INT(plan_ids_number(&a, str_of(text)), i + 1);
    }
    restart(&a);
    for (int i = 0; i < 1000; i++) {
        char text[32];
        snprintf(text, sizeof(text), "%d is an identity", i);
        CHECK_INT(plan_ids_number(&a, str_of(text)), i + 1);
        CHECK_INT(plan_ids_number(&b, str_of(text)), i + 1);
        CHECK_INT(plan_ids_number(&b, str_of(text)), i + 1);
    }
    CHECK(same(&a, &b));
    plan_ids_fini(&a);
    plan_ids_fini(&b);
}

/* -- bytes that make no sense */
struct row {
    uint64_t step;
    int64_t gone;
    const char *text;
};

static bool reads(uint64_t given, size_t claimed, const struct row *rows, size_t n)
{
    struct buf b = {0};
    struct plan_ids ids;
    pack_uint(&b, given);
    pack_uint(&b, claimed);
    for (size_t i = 0; i < n; i++) {
        pack_uint(&b, rows[i].step);
        pack_int(&b, rows[i].gone);
        pack_str(&b, str_of(rows[i].text));
    }
    struct unpack in = unpack_of(buf_str(&b));
    bool ok = plan_ids_unpack(&ids, &in) && unpack_done(&in);
    plan_ids_fini(&ids);
    buf_fini(&b);
    return ok;
}

static void nonsense(void)
{
    static const struct row good[] = {{1, 0, "a"}, {2, 5, "b"}};
    CHECK(reads(3, 2, good, 2));
    CHECK(reads(9, 2, good, 2)); /* the last ones were forgotten */
    CHECK(reads(0, 0, NULL, 0) && reads(7, 0, NULL, 0));
    CHECK(!reads(2, 2, good, 2), "a number that was never given");
    CHECK(!reads(3, 3, good, 2));
    CHECK(!reads(3, UINT64_MAX, good, 2));
    CHECK(!reads(UINT64_MAX, 2, good, 2) && !reads(UINT32_MAX, 0, NULL, 0));
    CHECK(!reads(3, 2, (struct row[]){{1, 0, "a"}, {0, 0, "b"}}, 2), "the same number twice");
    CHECK(!reads(3, 2, (struct row[]){{0, 0, "a"}, {1, 0, "b"}}, 2), "numbers begin at 1");
    CHECK(!reads(3, 2, (struct row[]){{1, 0, "a"}, {1, 0, "a"}}, 2), "two numbers for one");
    CHECK(!reads(3, 2, (struct row[]){{1, 0, "a"}, {UINT64_MAX, 0, "b"}}, 2));
    CHECK(!reads(3, 1, (struct row[]){{1, -1, "a"}}, 1));
    CHECK(!reads(3, 1, (struct row[]){{1, 0, ""}}, 1));
}

static void cut_short(void)
{
    struct plan_ids ids;
    plan_ids_init(&ids);
    plan_unref(desc_plan_ok(TWO, NULL, &ids));
    struct buf b = packed(&ids);
    plan_ids_fini(&ids);
    for (size_t n = 0; n < b.n; n++) { /* in memory of its own size */
        char *cut = xmalloc(n + !n);
        memcpy(cut, b.p, n);
        struct unpack in = unpack_of((struct str){cut, n});
        CHECK(!plan_ids_unpack(&ids, &in));
        plan_ids_fini(&ids);
        free(cut);
    }
    buf_fini(&b);
}

int main(void)
{
    in_force_and_gone();
    never_in_force();
    order();
    nonsense();
    cut_short();
    return check_done();
}
