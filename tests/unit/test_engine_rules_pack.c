/* test_engine_rules_pack.c -- the rules in force as bytes and back: a restart runs the rules that ran, under the same numbers
 * and in the same order, whatever became of the files meanwhile.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "engine/core.h"
#include "unhurried.h"

enum { LANES = 3, ENGINE_LANE = 1 };

/* A folder, and what one process knows of it. */
struct yard {
    char dir[64];
    struct engine_options o;
    struct rules *rules;
    struct plan_ids ids;
    struct plan *plan; /* in force */
    struct plan_report report;
};

static void write_file(const struct yard *y, const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/%s", y->dir, name);
    if (!text) {
        unlink(path);
        return;
    }
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

static void start(struct yard *y)
{
    y->rules = rules_new(str_of(y->dir), LANES, &y->o.script);
    plan_ids_init(&y->ids);
    plan_report_init(&y->report);
}

static void stop(struct yard *y)
{
    plan_unref(y->plan);
    y->plan = NULL;
    rules_free(y->rules);
    plan_ids_fini(&y->ids);
    plan_report_fini(&y->report);
}

static void yard_init(struct yard *y)
{
    *y = (struct yard){.o = {.fronts = 1,
                             .profile = profile_limits_default,
                             .push = push_limits_default,
                             .script = unhurried()}};
    strcpy(y->dir, "/tmp/signalbox_pack_XXXXXX");
    CHECK(mkdtemp(y->dir));
    start(y);
}

static void yard_fini(struct yard *y)
{
    char command[100];
    stop(y);
    snprintf(command, sizeof(command), "rm -r %s", y->dir);
    CHECK(system(command) == 0);
}

static void fresh_report(struct yard *y)
{
    plan_report_fini(&y->report);
    plan_report_init(&y->report);
}

/* Was there anything to put in force? */
static bool load(struct yard *y)
{
    fresh_report(y);
    struct plan *p = rules_load(y->rules, &y->ids, &y->o, ENGINE_LANE, true, &y->report, NULL);
    if (!p)
        return false;
    plan_unref(y->plan);
    y->plan = p;
    return true;
}

static bool unpack(struct yard *y, struct str bytes)
{
    fresh_report(y);
    struct plan *p = rules_unpack(y->rules, &y->ids, ENGINE_LANE, bytes, &y->report);
    CHECK(!p == plan_report_failed(&y->report));
    if (!p)
        return false;
    plan_unref(y->plan);
    y->plan = p;
    return true;
}

static struct buf pack(const struct yard *y)
{
    struct buf b = {0};
    rules_pack(y->rules, &y->ids, &b);
    return b;
}

/* Another process begins where this one was. */
static void restart(struct yard *y)
{
    struct buf b = pack(y);
    stop(y);
    start(y);
    CHECK(unpack(y, buf_str(&b)));
    struct buf again = pack(y);
    CHECK(str_eq(buf_str(&b), buf_str(&again)), "packed again it is the same");
    buf_fini(&b);
    buf_fini(&again);
}

static bool has(const struct yard *y, const char *ref)
{
    return y->plan && plan_find_attr(y->plan, str_of(ref)) >= 0;
}

static bool says(const struct yard *y, const char *words)
{
    for (size_t i = 0; i < y->report.n; i++) {
        char text[1200];
        const struct plan_problem *p = &y->report.items[i];
        snprintf(text, sizeof(text), "%.*s: %.*s", STR_FMT(p->file), STR_FMT(p->text));
        if (strstr(text, words))
            return true;
    }
    return false;
}

/* -- Everything of a plan that what it does can depend on, as text */
static void put_cond(struct buf *b, const struct cond *c)
{
    if (!c)
        return;
    buf_printf(b, "(%d %s", c->kind, c->op ? c->op->word : "");
    for (size_t i = 0; c->refs && i < c->n; i++)
        buf_printf(b, " %u", c->refs[i]);
    val_write_json(b, &c->arg);
    for (size_t i = 0; c->kids && i < c->n; i++)
        put_cond(b, &c->kids[i]);
    buf_puts(b, ")");
}

static void put_matches(struct buf *b, const struct plan_match *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, " on %.*s/%.*s/%.*s", STR_FMT(m[i].vendor), STR_FMT(m[i].name),
                   STR_FMT(m[i].version));
        put_cond(b, m[i].criteria);
    }
}

static void put_list(struct buf *b, const uint32_t *list, size_t n)
{
    buf_puts(b, " [");
    for (size_t i = 0; i < n; i++)
        buf_printf(b, " %u", list[i]);
    buf_puts(b, "]");
}

static void put_series(struct buf *b, const struct plan *p)
{
    for (size_t i = 0; i < p->n_computed; i++) {
        buf_printf(b, "computed %u", p->computed[i].slot);
        put_list(b, p->computed[i].args, p->computed[i].n_args);
    }
    for (size_t i = 0; i < p->n_series; i++) {
        const struct plan_series *s = &p->series[i];
        buf_printf(b, "\nseries %u %u %d %d %d %d %d", s->id, s->key, s->keep, s->slot,
                   (int)s->longest_ms, (int)s->shortest_ms, (int)s->ttl_ms);
        put_matches(b, s->matches, s->n_matches);
        put_cond(b, s->criteria);
        put_list(b, s->rules, s->n_rules);
    }
    for (size_t i = 0; i < p->n_attrs; i++) {
        const struct plan_attr *a = &p->attrs[i];
        buf_printf(b, "\nattr %.*s %u %u %d %d %d %d", STR_FMT(a->ref), a->series, a->key, a->agg,
                   a->type, (int)a->period_ms, (int)a->ttl_ms);
        val_write_json(b, &a->dflt);
    }
}

static void put_rules(struct buf *b, const struct plan *p)
{
    for (size_t i = 0; i < p->n_rules; i++) {
        const struct plan_rule *r = &p->rules[i];
        buf_printf(b, "\nrule %.*s %u %u %" PRIx64 " %.*s:%u %zu", STR_FMT(r->name), r->version,
                   r->id, r->form, STR_FMT(r->file), r->line, r->n_when_reads);
        put_cond(b, r->when);
        put_matches(b, r->events, r->n_events);
        put_list(b, r->reads, r->n_reads);
        put_list(b, r->targets, r->n_targets);
        put_list(b, r->keys, r->n_keys);
        for (size_t k = 0; k < r->n_payload; k++) {
            buf_printf(b, " %.*s=%d:%u", STR_FMT(r->payload[k].name), r->payload[k].kind,
                       r->payload[k].ref);
            val_write_json(b, &r->payload[k].value);
        }
    }
    for (size_t i = 0; i < p->n_scores; i++)
        buf_printf(b, "\nscore %.*s %u", STR_FMT(p->scores[i].name), p->scores[i].service);
}

static struct buf dump(const struct plan *p)
{
    struct buf b = {0};
    for (size_t i = 0; i < p->n_keys; i++)
        buf_printf(&b, "key %.*s %u %u\n", STR_FMT(p->keys[i].name), p->keys[i].id,
                   p->keys[i].slot);
    put_series(&b, p);
    for (size_t i = 0; i < p->n_services; i++) {
        buf_printf(&b, "\nservice %.*s", STR_FMT(p->services[i].name));
        put_list(&b, p->services[i].attrs, p->services[i].n_attrs);
    }
    put_rules(&b, p);
    return b;
}

#define SHOP(attr)                                                                                 \
    "shop = event \"v/shop/1-0-0\"\nattribute_group \"g\" {\n  attribute_key = "                   \
    "\"domain_userid\",\n  attributes = { " attr " = counter():on(shop) },\n}\n"
#define RULE_ON(name, attr)                                                                        \
    "intervention \"" name "\" {\n  when = attribute \"g:" attr "\":gt(3),\n}\n"
#define ACCOUNT "attribute_key \"account\" { property = entity(\"v/account\"):path(\"number\") }\n"
/* functions of both kinds, a score, a payload */
#define FUNCTIONS                                                                                  \
    "attribute_group \"f\" { attribute_key = \"user_id\", attributes = {\n"                        \
    "  long = counter():on(event \"v/shop/1-0-0\"):where(criterion(atomic.page_url, function(u)\n" \
    "    return #u > LONG\n  end)),\n"                                                             \
    "  spent = sum(atomic.tr_total):on(event \"v/shop/1-0-0\"):within(days(7)) } }\n"              \
    "service \"s\" { attribute_groups = { \"f\" } }\n"                                             \
    "score \"likely\" { service = \"s\", formula = function(a) return (a.spent or 0) / 2 end }\n"  \
    "intervention \"fn\" { when = criterion(attribute \"f:spent\", function(n)\n"                  \
    "  return n > LONG end),\n  payload = { z = 1, a = \"x\", m = attribute \"f:long\" } }\n"

static void round_trip(void)
{
    struct yard y;
    yard_init(&y);
    write_file(&y, "words.lua", "LONG = 10\n");
    write_file(&y, "a.lua", SHOP("one") RULE_ON("a", "one"));
    write_file(&y, "b.lua", RULE_ON("b", "one"));
    write_file(&y, "c.lua", FUNCTIONS);
    bool loaded = load(&y);
    for (size_t i = 0; i < y.report.n; i++)
        printf("%.*s:%u: %.*s\n", STR_FMT(y.report.items[i].file), y.report.items[i].line,
               STR_FMT(y.report.items[i].text));
    CHECK(loaded && y.plan && y.plan->n_rules == 3 && y.plan->n_computed == 1);
    /* what was changed last stands last in the plan: order is history, not the folder's */
    write_file(&y, "a.lua", "-- edited\n" SHOP("one") RULE_ON("a", "one"));
    CHECK(load(&y));
    CHECK(str_eqz(y.plan->rules[0].name, "b") && str_eqz(y.plan->rules[2].name, "a"));
    struct buf before = dump(y.plan);
    uint32_t n = y.ids.n;

    restart(&y);
    struct buf after = dump(y.plan);
    CHECK(str_eq(buf_str(&before), buf_str(&after)), "was:\n%.*s\nis:\n%.*s", STR_FMT(before),
          STR_FMT(after));
    CHECK_INT(y.ids.n, n);
    CHECK(!load(&y) && y.report.n == 0, "the disk has what is in force");
    CHECK_INT(y.ids.n, n);

    /* a process that did not know the history would have had another plan */
    struct buf kept = pack(&y);
    stop(&y);
    start(&y);
    CHECK(load(&y));
    struct buf other = dump(y.plan);
    CHECK(!str_eq(buf_str(&before), buf_str(&other)));
    CHECK(unpack(&y, buf_str(&kept)), "in place of what was loaded");
    buf_fini(&other);
    other = dump(y.plan);
    CHECK(str_eq(buf_str(&before), buf_str(&other)));
    buf_fini(&before);
    buf_fini(&after);
    buf_fini(&other);
    buf_fini(&kept);
    yard_fini(&y);
}

/* The same edits with a restart in between and without come to the same plan. */
static void same_history(void)
{
    struct buf dumps[2];
    struct yard y;
    yard_init(&y);
    for (int restarts = 0; restarts < 2; restarts++) {
        write_file(&y, "a.lua", NULL);
        write_file(&y, "b.lua", SHOP("one") RULE_ON("b", "one"));
        write_file(&y, "c.lua", RULE_ON("c", "one"));
        CHECK(load(&y));
        write_file(&y, "b.lua", "\n" SHOP("one") RULE_ON("b", "one"));
        CHECK(load(&y));
        if (restarts)
            restart(&y);
        write_file(&y, "a.lua", RULE_ON("a", "one"));
        CHECK(load(&y));
        if (restarts)
            restart(&y);
        write_file(&y, "c.lua", "\n" RULE_ON("c", "one"));
        CHECK(load(&y));
        CHECK(str_eqz(y.plan->rules[0].name, "b") && str_eqz(y.plan->rules[1].name, "a") &&
              str_eqz(y.plan->rules[2].name, "c"));
        dumps[restarts] = dump(y.plan);
        stop(&y);
        start(&y);
    }
    CHECK(str_eq(buf_str(&dumps[0]), buf_str(&dumps[1])), "was:\n%.*s\nis:\n%.*s",
          STR_FMT(dumps[0]), STR_FMT(dumps[1]));
    buf_fini(&dumps[0]);
    buf_fini(&dumps[1]);
    yard_fini(&y);
}

static void changed_while_down(void)
{
    struct yard y;
    yard_init(&y);
    write_file(&y, "a.lua", SHOP("one"));
    write_file(&y, "b.lua", RULE_ON("b", "one"));
    CHECK(load(&y));

    /* broken while the process was away: what was in force stays */
    write_file(&y, "a.lua", "attribute_group {{{\n");
    restart(&y);
    CHECK(!load(&y) && plan_report_failed(&y.report) && has(&y, "g:one"));
    restart(&y);
    CHECK(!load(&y) && plan_report_failed(&y.report) && has(&y, "g:one"));
    /* the other file needs what the changed one would take away */
    write_file(&y, "a.lua", SHOP("two"));
    CHECK(!load(&y) && says(&y, "is not taken") && has(&y, "g:one"));
    /* deleted, but needed */
    write_file(&y, "a.lua", NULL);
    restart(&y);
    CHECK(!load(&y) && says(&y, "was deleted, but is still needed"));
    /* put right */
    write_file(&y, "a.lua", SHOP("one, two"));
    write_file(&y, "a.lua", "x = event \"v/x/1-0-0\"\n" SHOP("one"));
    restart(&y);
    CHECK(load(&y) && has(&y, "g:one") && y.report.n == 0);
    /* deleted with what needs it */
    write_file(&y, "a.lua", NULL);
    write_file(&y, "b.lua", NULL);
    restart(&y);
    CHECK(load(&y) && !has(&y, "g:one") && y.rules->n == 0 && y.report.n == 0);
    /* no rules at all are rules */
    restart(&y);
    CHECK(y.plan && y.plan->n_attrs == 0 && y.plan->n_keys == 4 && !load(&y) && y.report.n == 0);
    yard_fini(&y);
}

/* A number is kept while its identity is out of force, and so is a file's part in what was kept before. */
static void numbers(void)
{
    struct yard y;
    yard_init(&y);
    write_file(&y, "a.lua", SHOP("one"));
    write_file(&y, "b.lua",
               "attribute_group \"h\" { attribute_key = \"user_id\", attributes = { x "
               "= counter():on(event \"*\") } }\n");
    CHECK(load(&y));
    uint32_t series = y.plan->series[y.plan->attrs[plan_find_attr(y.plan, STR("h:x"))].series].id;
    plan_ids_settle(&y.ids, y.plan, 1000);
    write_file(&y, "b.lua", NULL);
    CHECK(load(&y));
    plan_ids_settle(&y.ids, y.plan, 2000);
    restart(&y);
    write_file(&y, "b.lua",
               "\nattribute_group \"h\" { attribute_key = \"user_id\", attributes = { "
               "x = counter():on(event \"*\") } }\n");
    CHECK(load(&y));
    CHECK_INT(y.plan->series[y.plan->attrs[plan_find_attr(y.plan, STR("h:x"))].series].id, series);
    /* forgotten, it is another one */
    write_file(&y, "b.lua", NULL);
    CHECK(load(&y));
    plan_ids_settle(&y.ids, y.plan, 3000);
    plan_ids_forget(&y.ids, 3001);
    uint32_t n = y.ids.n;
    restart(&y);
    write_file(&y, "b.lua",
               "attribute_group \"h\" { attribute_key = \"user_id\", attributes = { x "
               "= counter():on(event \"*\") } }\n");
    CHECK(load(&y));
    CHECK_INT(y.plan->series[y.plan->attrs[plan_find_attr(y.plan, STR("h:x"))].series].id, n + 1);
    yard_fini(&y);
}

static void old_words(void)
{
    struct yard y;
    yard_init(&y);
    write_file(&y, "words.lua", "shop = event \"v/shop/1-0-0\"\nLONG = 1\n");
    write_file(&y, "a.lua",
               "attribute_group \"g\" { attribute_key = \"user_id\", attributes = { one "
               "= counter():on(shop) } }\n");
    write_file(&y, "b.lua",
               "attribute_group \"h\" { attribute_key = \"user_id\", attributes = { x = "
               "counter():on(event(\"v/v/1-0-\" .. LONG)) } }\n");
    CHECK(load(&y));
    /* new words that only one of the files can live with */
    write_file(&y, "words.lua", "LONG = 2\n");
    CHECK(load(&y) && plan_report_failed(&y.report));
    CHECK(has(&y, "g:one") && has(&y, "h:x"));
    struct buf before = dump(y.plan);
    restart(&y);
    struct buf after = dump(y.plan);
    CHECK(str_eq(buf_str(&before), buf_str(&after)));
    CHECK(!load(&y) && plan_report_failed(&y.report) && has(&y, "g:one"));
    write_file(&y, "words.lua", "shop = event \"v/shop/1-0-0\"\nLONG = 2\n");
    CHECK(load(&y) && y.report.n == 0);
    /* without words from now on; a.lua stays with those it had */
    write_file(&y, "words.lua", NULL);
    restart(&y);
    CHECK(!load(&y) && has(&y, "g:one"));
    buf_fini(&before);
    buf_fini(&after);
    yard_fini(&y);
}

/* What cannot be used says so, and changes nothing. */
static void refuses(struct yard *y, struct str bytes, const char *words)
{
    struct buf before = pack(y);
    struct plan *p = y->plan;
    CHECK(!unpack(y, bytes) && y->plan == p);
    CHECK(says(y, words), "want: %s; %zu problems", words, y->report.n);
    struct buf after = pack(y);
    CHECK(str_eq(buf_str(&before), buf_str(&after)));
    buf_fini(&before);
    buf_fini(&after);
}

static void does_not_load(void)
{
    struct yard y;
    struct plan_ids none;
    yard_init(&y);
    write_file(&y, "a.lua", SHOP("one"));
    write_file(&y, "b.lua", RULE_ON("b", "one"));
    CHECK(load(&y));
    struct buf good = pack(&y), bad = {0};

    /* numbers that were not kept */
    plan_ids_init(&none);
    rules_pack(y.rules, &none, &bad);
    refuses(&y, buf_str(&bad), "no number was kept");
    plan_ids_fini(&none);

    /* texts that this program does not take: both are named */
    bad.n = 0;
    buf_put(&bad, good.p, good.n);
    for (char *at; (at = memmem(bad.p, bad.n, "attribut", 8));)
        memcpy(at, "attribat", 8);
    refuses(&y, buf_str(&bad), "a.lua");
    CHECK(says(&y, "b.lua"));

    /* texts that load, and do not fit together */
    bad.n = 0;
    buf_put(&bad, good.p, good.n);
    char *at = memmem(bad.p, bad.n, "g:one", 5);
    memcpy(at, "g:two", 5);
    refuses(&y, buf_str(&bad), "no attribute \"g:two\"");

    CHECK(!load(&y) && y.report.n == 0, "and nothing is forgotten");
    buf_fini(&good);
    buf_fini(&bad);
    yard_fini(&y);
}

static void damaged(void)
{
    struct yard y;
    yard_init(&y);
    write_file(&y, "words.lua", "L = 1\n");
    write_file(&y, "a.lua", SHOP("one"));
    CHECK(load(&y));
    struct buf good = pack(&y), bad = {0};
    for (size_t n = 0; n < good.n; n++) { /* in memory of its own size */
        char *cut = xmalloc(n + !n);
        memcpy(cut, good.p, n);
        refuses(&y, (struct str){cut, n}, "cannot be read");
        free(cut);
    }
    buf_put(&bad, good.p, good.n);
    buf_putc(&bad, 0);
    refuses(&y, buf_str(&bad), "cannot be read");
    bad.p[0]++; /* another format */
    bad.n--;
    refuses(&y, buf_str(&bad), "cannot be read");
    bad.p[0]--;
    size_t taken = 0;
    for (size_t i = 0; i < good.n; i++) {
        bad.p[i] ^= (char)(1 << i % 8);
        taken += unpack(
            &y,
            buf_str(&bad)); /* perhaps a letter of a comment: what matters is that nothing breaks */
        bad.p[i] = good.p[i];
    }
    CHECK(taken < good.n / 2);
    CHECK(unpack(&y, buf_str(&good)) && has(&y, "g:one"));
    buf_fini(&good);
    buf_fini(&bad);
    yard_fini(&y);
}

int main(void)
{
    round_trip();
    same_history();
    changed_while_down();
    numbers();
    old_words();
    does_not_load();
    damaged();
    return check_done();
}
