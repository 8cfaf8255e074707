/* test_plan_index.c -- what an event finds: against a check of every pattern one by one, for random plans and events; and
 * which criterion functions run for it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "desc.h"

enum { ROUNDS = 400, EVENTS = 60 };

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
}

static struct val is_five(struct val v)
{
    return val_bool(v.type == VAL_INT && v.i == 5);
}

static struct val is_text(struct val v)
{
    return val_bool(v.type == VAL_STR);
}

/* -- random plans, as text */
static const char *const columns[] = {"page_url", "page_title", "br_lang"};
static const char *const constants[] = {"5", "5.0", "'x'", "true", "7"};

static void random_leaf(struct buf *b)
{
    const char *column = columns[draw(3)];
    switch (draw(5)) {
    case 0:
        buf_printf(b, "{'op': 'is_not_null', 'property': {'kind': 'atomic', 'name': '%s'}}",
                   column);
        break;
    case 1:
        buf_printf(b, "{'fn': %d, 'properties': [{'kind': 'atomic', 'name': '%s'}]}", (int)draw(2),
                   column);
        break;
    default:
        buf_printf(b, "{'op': '%s', 'value': %s, 'property': {'kind': 'atomic', 'name': '%s'}}",
                   draw(4) ? "eq" : "neq", constants[draw(5)], column);
    }
}

static void random_criteria(struct buf *b, int depth)
{
    static const char *const joins[] = {"all", "any", "none"};
    if (depth == 3 || draw(2)) {
        random_leaf(b);
        return;
    }
    buf_printf(b, "{'%s': [", joins[draw(3)]);
    for (size_t n = 1 + draw(3); n; n--) {
        random_criteria(b, depth + 1);
        buf_puts(b, n > 1 ? ", " : "");
    }
    buf_puts(b, "]}");
}

static void random_events(struct buf *b)
{
    buf_puts(b, "'events': [");
    for (size_t n = 1 + draw(3); n; n--) {
        buf_putc(b, '{');
        const char *comma = "";
        if (draw(2))
            buf_printf(b, "'vendor': 'v%d'", (int)draw(2)), comma = ", ";
        if (draw(2))
            buf_printf(b, "%s'name': 'n%d'", comma, (int)draw(2)), comma = ", ";
        if (draw(2))
            buf_printf(b, "%s'version': '%d-0-0'", comma, (int)draw(2)), comma = ", ";
        if (draw(2)) {
            buf_printf(b, "%s'criteria': ", comma);
            random_criteria(b, 0);
        }
        buf_puts(b, n > 1 ? "}, " : "}");
    }
    buf_putc(b, ']');
}

static void random_plan(struct buf *b)
{
    buf_puts(
        b, "[{'kind': 'attribute_group', 'name': 'g', 'attribute_key': 'user_id', 'attributes': [");
    size_t n = 1 + draw(12);
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, "%s{'name': 'a%zu', 'aggregation': 'counter', ", i ? ", " : "", i);
        random_events(b);
        if (draw(2)) {
            buf_puts(b, ", 'criteria': ");
            random_criteria(b, 0);
        }
        buf_putc(b, '}');
    }
    buf_puts(b, "]}");
    for (size_t i = draw(5); i; i--) {
        buf_printf(b,
                   ", {'kind': 'intervention', 'name': 'r%zu', 'target_attribute_keys': "
                   "['user_id'], 'when': {",
                   i);
        random_events(b);
        buf_puts(b, "}}");
    }
    buf_putc(b, ']');
    buf_putc(b, 0);
}

/* -- and one by one */
static bool one_holds(const struct plan *p, const struct plan_match *m, size_t n,
                      const struct cond *criteria, const struct evt *e, struct arena *a)
{
    for (size_t i = 0; i < n; i++)
        if ((!m[i].vendor.n || str_eq(m[i].vendor, e->vendor)) &&
            (!m[i].name.n || str_eq(m[i].name, e->name)) &&
            (!m[i].version.n || str_eq(m[i].version, e->version)) &&
            (!m[i].criteria || cond_eval(m[i].criteria, e->slots, NULL, 0, a)) &&
            (!criteria || cond_eval(criteria, e->slots, NULL, 0, a)))
            return true;
    return false;
}

/* All functions, whether asked for or not. */
static void compute_all(const struct plan *p, struct evt *e, struct arena *a)
{
    for (size_t i = 0; i < p->n_computed; i++) {
        const struct plan_computed *c = &p->computed[i];
        struct val out = val_bool(false);
        if (e->slots[c->args[0]].type != VAL_NULL)
            c->fn->call(c->fn, 0, &e->slots[c->args[0]], 1, a, &out, NULL, NULL);
        e->slots[c->slot] = out;
    }
}

static void like_brute_force(uint64_t with)
{
    struct plan_ids ids;
    struct buf text = {0};
    struct test_fn fns[4] = {{.answer = is_five}, {.answer = is_text}};
    struct arena a;
    seed = with;
    plan_ids_init(&ids);
    arena_init(&a);
    random_plan(&text);
    struct plan *p = desc_plan_ok(text.p, fns, &ids);
    for (int i = 0; i < EVENTS; i++) {
        static const struct str vendors[] = {STR("v0"), STR("v1"), STR("v2"), {NULL, 0}};
        static const struct str names[] = {STR("n0"), STR("n1"), STR("n2"), {NULL, 0}};
        static const struct str versions[] = {STR("0-0-0"), STR("1-0-0"), {NULL, 0}};
        struct evt e = {
            .vendor = vendors[draw(4)], .name = names[draw(4)], .version = versions[draw(3)]};
        struct evt full = e;
        e.slots = arena_zalloc(&a, p->n_slots * sizeof(*e.slots));
        full.slots = arena_zalloc(&a, p->n_slots * sizeof(*e.slots));
        size_t n_proj = p->n_slots - p->n_computed;
        for (size_t k = 0; k < n_proj; k++)
            full.slots[k] = e.slots[k] = draw(4) ? desc(&a, constants[draw(5)]) : val_null;
        compute_all(p, &full, &a);
        plan_compute(p, &e, 0, &a);
        struct plan_hits hits;
        plan_match_event(p, &e, 0, &a, &hits);
        size_t at = 0;
        for (uint32_t s = 0; s < p->n_series; s++) {
            bool want = one_holds(p, p->series[s].matches, p->series[s].n_matches,
                                  p->series[s].criteria, &full, &a);
            bool got = at < hits.n_series && hits.series[at] == s;
            at += got;
            CHECK(got == want, "seed %" PRIu64 " event %d series %u", with, i, s);
        }
        CHECK_INT(at, hits.n_series);
        at = 0;
        for (uint32_t r = 0; r < p->n_rules; r++) {
            bool want = one_holds(p, p->rules[r].events, p->rules[r].n_events, NULL, &full, &a);
            bool got = at < hits.n_rules && hits.rules[at] == r;
            at += got;
            CHECK(got == want, "seed %" PRIu64 " event %d rule %u", with, i, r);
        }
        CHECK_INT(at, hits.n_rules);
    }
    plan_unref(p);
    plan_ids_fini(&ids);
    arena_fini(&a);
    buf_fini(&text);
}

/* A function runs only for events that one of its patterns can take, and once. */
static void only_those_asked(void)
{
    struct plan_ids ids;
    struct arena a;
    struct test_fn fns[4] = {{.answer = is_five}, {.answer = is_five}};
    plan_ids_init(&ids);
    arena_init(&a);
    struct plan *p = desc_plan_ok(
        "[{'kind': 'attribute_group', 'name': 'g', 'attribute_key': 'user_id', 'attributes': ["
        " {'name': 'a', 'aggregation': 'counter', 'events': [{'vendor': 'v', 'name': 'n'}], "
        "'criteria': {'fn': 0, 'properties': [{'kind': 'atomic', 'name': 'page_url'}]}},"
        " {'name': 'b', 'aggregation': 'counter', 'events': [{'vendor': 'v', 'criteria': {'none': "
        "[{'fn': 0, 'properties': [{'kind': 'atomic', 'name': 'page_url'}]}]}}]},"
        " {'name': 'c', 'aggregation': 'counter', 'events': [{'name': 'm'}], 'criteria': {'fn': 1, "
        "'properties': [{'kind': 'atomic', 'name': 'page_url'}]}}]}]",
        fns, &ids);
    static const struct {
        const char *vendor, *name;
        int calls[2], n_series;
    } cases[] = {
        {"v", "n", {1, 0}, 1}, {"v", "x", {1, 0}, 0}, {"v", "m", {1, 1}, 1},
        {"w", "m", {0, 1}, 1}, {"w", "n", {0, 0}, 0}, {"", "", {0, 0}, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct evt e = {.vendor = str_of(cases[i].vendor), .name = str_of(cases[i].name)};
        struct plan_hits hits;
        e.slots = arena_zalloc(&a, p->n_slots * sizeof(*e.slots));
        e.slots[4] = val_int(5);
        fns[0].calls = fns[1].calls = 0;
        plan_compute(p, &e, 0, &a);
        plan_match_event(p, &e, 0, &a, &hits);
        CHECK_INT(fns[0].calls, cases[i].calls[0]);
        CHECK_INT(fns[1].calls, cases[i].calls[1]);
        CHECK_INT(hits.n_series, cases[i].n_series);
    }
    plan_unref(p);
    plan_ids_fini(&ids);
    arena_fini(&a);
}

/* Names may hold any byte, and be longer than any that a rule has. */
static void odd_names(void)
{
    struct plan_ids ids;
    struct arena a;
    plan_ids_init(&ids);
    arena_init(&a);
    struct plan *p = desc_plan_ok(
        "[{'kind': 'attribute_group', 'name': 'g', 'attribute_key': 'user_id', 'attributes': ["
        "{'name': 'a', 'aggregation': 'counter', 'events': [{'vendor': 'ab', 'name': 'c'}]},"
        "{'name': 'b', 'aggregation': 'counter', 'events': [{'name': 'long'}]}]}]",
        NULL, &ids);
    char longest[5000];
    memset(longest, 'x', sizeof(longest));
    struct {
        struct str vendor, name;
        size_t n;
    } cases[] = {
        {STR("ab"), STR("c"), 1},
        {STR("a"), STR("bc"), 0},
        {STR(""), STR("abc"), 0},
        {{"ab\0", 3}, STR("c"), 0},
        {{longest, sizeof(longest)}, STR("long"), 1},
        {STR("ab"), {longest, sizeof(longest)}, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct evt e = {.vendor = cases[i].vendor, .name = cases[i].name};
        struct plan_hits hits;
        e.slots = arena_zalloc(&a, p->n_slots * sizeof(*e.slots));
        plan_match_event(p, &e, 0, &a, &hits);
        CHECK(hits.n_series == cases[i].n, "case %zu", i);
    }
    plan_unref(p);
    plan_ids_fini(&ids);
    arena_fini(&a);
}

int main(void)
{
    for (uint64_t with = 1; with <= ROUNDS; with++)
        like_brute_force(with);
    only_those_asked();
    odd_names();
    return check_done();
}
