/* test_engine_apply.c -- conversations with an engine: what is sent, what fires, what is read; and that the same records
 * give the same state.
 * SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "desc.h"
#include "engine/core.h"

#define VIEW "'events': [{'name': 'page_view'}]"
#define GROUP_D(attrs) "{'kind': 'attribute_group', 'name': 'd', 'attribute_key': 'domain_userid', 'attributes': [" attrs "]}"
#define GROUP_U(attrs) "{'kind': 'attribute_group', 'name': 'u', 'attribute_key': 'user_id', 'attributes': [" attrs "]}"
#define MINUTE "{'name': 'minute', 'aggregation': 'counter', 'period': 60000, " VIEW "}"
#define EVER "{'name': 'ever', 'aggregation': 'counter', " VIEW "}"
#define URL "{'name': 'url', 'aggregation': 'last', 'property': {'kind': 'atomic', 'name': 'page_url'}, " VIEW "}"
#define LEAF(attr, op, value) "{'attribute': '" attr "', 'op': '" op "', 'value': " value "}"
#define RULE(name, when, rest) "{'kind': 'intervention', 'name': '" name "', 'when': " when rest "}"

enum { MSGS_MAX = 2000 };
static const int64_t T0 = 1790000000000;

struct heard {
    char name[32], key[32], id[32], uuid[37];
    char *json;
    uint64_t seq;
    uint32_t index;
    int64_t expires_ms;
};
struct world {
    struct engine *e;
    struct heard heard[MSGS_MAX];
    size_t n, looked; /* heard in all; and already asked for */
    int applied;
};

static void on_fired(void *ctx, const struct push_msg *m)
{
    struct world *w = ctx;
    if (w->n == MSGS_MAX)
        abort();
    struct heard *h = &w->heard[w->n++];
    snprintf(h->name, sizeof(h->name), "%.*s", STR_FMT(m->name));
    snprintf(h->key, sizeof(h->key), "%.*s", STR_FMT(m->key));
    snprintf(h->id, sizeof(h->id), "%.*s", STR_FMT(m->id));
    uuid_format(m->intervention_id, h->uuid);
    h->json = strndup(m->json.p, m->json.n);
    h->seq = m->seq;
    h->index = m->index;
    h->expires_ms = m->expires_ms;
}

static void on_applied(void *ctx, struct engine_batch *b)
{
    struct world *w = ctx;
    w->applied++; /* inside the door */
    if (b->owner)
        __atomic_add_fetch((int *)b->owner, 1, __ATOMIC_RELEASE);
}

static struct world *world_new(const char *rules, struct test_fn *fns)
{
    struct world *w = calloc(1, sizeof(*w));
    struct engine_options o = {
        .fronts = 2,
        .profile = profile_limits_default,
        .push = push_limits_default,
        .script = script_limits_default,
        .applied = on_applied,
        .ctx = w,
        .fired = on_fired,
    };
    struct err err = {0};
    w->e = engine_new(&o, &err);
    CHECK(w->e, "%s", err.text);
    engine_swap(w->e, desc_plan_ok(rules, fns, &w->e->ids), T0);
    return w;
}

static void world_free(struct world *w)
{
    engine_free(w->e);
    for (size_t i = 0; i < w->n; i++)
        free(w->heard[i].json);
    free(w);
}

static struct engine_batch *batch_of(const char *events, unsigned front, int64_t clock_ms)
{
    struct buf body = {0};
    buf_puts(&body, events);
    for (size_t i = 0; i < body.n; i++)
        if (body.p[i] == '\'')
            body.p[i] = '"';
    struct engine_batch *b = engine_batch_new(WIRE_JSON, front, buf_str(&body));
    buf_fini(&body);
    b->meta.collector_ms = clock_ms;
    memcpy(b->meta.draw, &clock_ms, sizeof(clock_ms));
    return b;
}

static void send(struct world *w, int64_t clock_ms, const char *events)
{
    struct engine_batch *b = batch_of(events, 0, clock_ms);
    struct err err = {0};
    CHECK(engine_decode(w->e, b, &err), "%s", err.text);
    CHECK(b->events.n_rejects == 0, "%.*s", STR_FMT(b->events.rejects[0].why));
    engine_submit(w->e, b, clock_ms);
    engine_batch_free(b);
}

/* A page view of d: its event_id is drawn from the time. */
static void view(struct world *w, int64_t clock_ms, const char *d)
{
    char text[200];
    snprintf(text, sizeof(text), "{'event': 'page_view', 'domain_userid': '%s'}", d);
    send(w, clock_ms, text);
}

static struct val read_one(struct world *w, const char *ref, const char *id, int64_t clock_ms)
{
    struct plan *p = engine_plan(w->e);
    struct arena a;
    struct val v;
    struct str who = str_of(id);
    uint32_t attr = (uint32_t)plan_find_attr(p, str_of(ref));
    arena_init(&a);
    engine_read(w->e, p, &attr, &who, 1, clock_ms, &a, &v);
    if (v.type >= VAL_STR)
        v = val_null; /* numbers only: the arena ends here */
    arena_fini(&a);
    plan_unref(p);
    return v;
}

#define CHECK_READ(w, ref, id, clock, want)                                                                            \
    do {                                                                                                               \
        struct val v_ = read_one(w, ref, id, clock);                                                                   \
        CHECK(v_.type == VAL_INT && v_.i == (want), "%s of %s: type %d, %" PRId64, ref, id, v_.type, v_.i);            \
    } while (0)

/* How many messages came since the last call; all of this name. */
static size_t gets(struct world *w, const char *name)
{
    size_t n = 0;
    for (; w->looked < w->n; w->looked++, n++)
        CHECK_STR(w->heard[w->looked].name, name);
    return n;
}

/* -- conversations */
static void edges(void)
{
    struct world *w = world_new("[" GROUP_D(MINUTE ", " EVER) ", " RULE("many", LEAF("d:minute", "gt", "2"), "") "]", NULL);
    CHECK(read_one(w, "d:ever", "ann", T0).type == VAL_NULL, "nobody was here");
    view(w, T0 + 1000, "ann");
    view(w, T0 + 2000, "ann");
    view(w, T0 + 2500, "bob");
    CHECK_INT(gets(w, "many"), 0);
    view(w, T0 + 3000, "ann");
    CHECK_INT(gets(w, "many"), 1);
    CHECK_STR(w->heard[0].key, "domain_userid");
    CHECK_STR(w->heard[0].id, "ann");
    view(w, T0 + 4000, "ann");
    CHECK(gets(w, "many") == 0, "it is true already");
    CHECK_READ(w, "d:minute", "ann", T0 + 4000, 4);
    CHECK_READ(w, "d:minute", "ann", T0 + 60999, 4);
    CHECK_READ(w, "d:minute", "ann", T0 + 61000, 3);
    CHECK_READ(w, "d:ever", "ann", T0 + 99000, 4);
    CHECK_READ(w, "d:ever", "bob", T0 + 99000, 1);
    CHECK(read_one(w, "d:minute", "ann", T0 + 64000).type == VAL_NULL, "faded: null, not 0");
    view(w, T0 + 100000, "ann");
    view(w, T0 + 101000, "ann");
    CHECK_INT(gets(w, "many"), 0);
    view(w, T0 + 102000, "ann");
    CHECK(gets(w, "many") == 1, "it had faded, and turned true again");
    CHECK(strcmp(w->heard[0].uuid, w->heard[1].uuid) != 0);
    world_free(w);
}

static void duplicates_and_late_events(void)
{
    struct world *w = world_new("[" GROUP_D(MINUTE ", " EVER) ", " GROUP_U(EVER) ", "
                                RULE("many", LEAF("d:minute", "gt", "2"), "") ", "
                                RULE("each", "{'events': [{'name': 'page_view'}]}", ", 'target_attribute_keys': ['user_id']") "]", NULL);
    const char *one = "{'event': 'page_view', 'domain_userid': 'ann', 'event_id': 'AAAAAAAA-0000-4000-8000-000000000001'}";
    send(w, T0 + 1000, one);
    send(w, T0 + 1001, one);
    send(w, T0 + 1002, "{'event': 'page_view', 'domain_userid': 'ann', 'event_id': 'aaaaaaaa-0000-4000-8000-000000000001'}");
    CHECK_READ(w, "d:ever", "ann", T0 + 2000, 1);
    const char *both = "{'event': 'page_view', 'domain_userid': 'ann', 'user_id': 'u1', 'event_id': 'aaaaaaaa-0000-4000-8000-000000000001'}";
    int64_t processed = stat_get(STAT_EVENTS_PROCESSED), twice = stat_get(STAT_EVENTS_DUPLICATE);
    send(w, T0 + 1003, both);
    CHECK_READ(w, "u:ever", "u1", T0 + 2000, 1); /* u1's profile had not seen it */
    CHECK_READ(w, "d:ever", "ann", T0 + 2000, 1);
    CHECK_INT(gets(w, "each"), 1);
    CHECK_INT(stat_get(STAT_EVENTS_PROCESSED) - processed, 1);
    send(w, T0 + 1004, both);
    CHECK_INT(gets(w, "each"), 0);
    CHECK_INT(stat_get(STAT_EVENTS_DUPLICATE) - twice, 1);
    /* late, but in the window; too late for the window; in the future */
    char text[300];
    snprintf(text, sizeof(text), "{'event': 'page_view', 'domain_userid': 'ann', 'derived_tstamp': %" PRId64 "}", T0 + 500);
    send(w, T0 + 50000, text);
    CHECK_READ(w, "d:minute", "ann", T0 + 50000, 2);
    snprintf(text, sizeof(text), "{'event': 'page_view', 'domain_userid': 'ann', 'derived_tstamp': %" PRId64 "}", T0 - 100000);
    send(w, T0 + 50001, text);
    CHECK_READ(w, "d:minute", "ann", T0 + 50001, 2);
    CHECK_READ(w, "d:ever", "ann", T0 + 50001, 3);
    CHECK_INT(gets(w, "many"), 0);
    snprintf(text, sizeof(text), "{'event': 'page_view', 'domain_userid': 'ann', 'derived_tstamp': %" PRId64 "}", T0 + 900000);
    send(w, T0 + 50002, text);
    CHECK_READ(w, "d:minute", "ann", T0 + 50002, 3);
    CHECK_INT(gets(w, "many"), 1);
    CHECK(read_one(w, "d:minute", "ann", T0 + 110003).type == VAL_NULL, "a clock ahead does not reach into the future");
    /* nor does a batch that was decoded before the clock was set back */
    struct engine_batch *b = batch_of("{'event': 'page_view', 'domain_userid': 'carl'}", 0, T0 + 900000);
    struct err err = {0};
    CHECK(engine_decode(w->e, b, &err));
    engine_submit(w->e, b, T0 + 50003);
    engine_batch_free(b);
    CHECK_READ(w, "d:minute", "carl", T0 + 50003, 1);
    CHECK(read_one(w, "d:minute", "carl", T0 + 110003).type == VAL_NULL);
    /* a clock set back does not turn time round */
    view(w, T0 + 10, "bob");
    CHECK(read_one(w, "d:minute", "bob", T0 + 10).i == 1);
    world_free(w);
}

static void fading(void)
{
    struct world *w = world_new("[" GROUP_D(MINUTE ", " EVER) ", "
                                RULE("quiet", "{'all': [" LEAF("d:minute", "lt", "2") ", " LEAF("d:ever", "gt", "2") "]}",
                                     ", 'payload': {'n': {'attribute': 'd:minute'}}") ", "
                                RULE("gone", "{'all': [{'attribute': 'd:minute', 'op': 'is_null'}, " LEAF("d:ever", "gt", "2") "]}", "") "]", NULL);
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
    CHECK_INT(engine_tick(w->e, T0 + 90000), INT64_MAX); /* late to look, yet it fired for the moment it was due */
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
    view(w, T0 + 160500, "bob"); /* the record's own time fires what is due before it, then its event is applied */
    CHECK_INT(gets(w, "quiet"), 1);
    CHECK_READ(w, "d:minute", "bob", T0 + 160500, 2);
    world_free(w);
}

/* A visitor logs in: the events before and after carry other identifiers, but what the rule reads is the same, so it fires
 * once when it fades, for whom the last event named. */
static void one_timer_for_what_is_read(void)
{
    struct world *w = world_new("[" GROUP_D(MINUTE ", " EVER) ", " RULE("gone", "{'all': [{'attribute': 'd:minute', 'op': 'is_null'}, "
                                LEAF("d:ever", "gt", "0") "]}", ", 'target_attribute_keys': ['domain_userid', 'user_id']") "]", NULL);
    view(w, T0 + 1000, "ann");
    send(w, T0 + 2000, "{'event': 'page_view', 'domain_userid': 'ann', 'user_id': 'u1'}");
    CHECK_INT(w->e->timers.heap.n, 1);
    engine_tick(w->e, T0 + 70000);
    CHECK_INT(gets(w, "gone"), 2);
    CHECK(w->n == 2 && strcmp(w->heard[0].uuid, w->heard[1].uuid) == 0, "two targets, one intervention");
    CHECK_STR(w->heard[1].id, "u1");
    world_free(w);
}

static void messages(void)
{
    struct world *w = world_new("[{'kind': 'attribute_key', 'name': 'order', 'property': {'kind': 'atomic', 'name': 'txn_id'}}, "
                                GROUP_D(EVER ", " URL) ", " GROUP_U(EVER) ", "
                                RULE("two", "{'all': [" LEAF("d:ever", "gte", "2") ", " LEAF("u:ever", "gte", "1") "]}",
                                     ", 'payload': {'code': 'SAVE', 'url': {'attribute': 'd:url'}, 'lang': {'property': {'kind': 'atomic', 'name': 'br_lang'}}}") ", "
                                RULE("order", "{'events': [{'name': 'page_ping'}]}", ", 'target_attribute_keys': ['order', 'domain_userid']") "]", NULL);
    view(w, T0 + 1, "ann");
    send(w, T0 + 2, "{'event': 'page_view', 'domain_userid': 'cc', 'user_id': 'u', 'page_url': 'http://x/1', 'br_lang': 'fr'}");
    send(w, T0 + 3, "{'event': 'page_view', 'domain_userid': 'cc', 'user_id': 'u', 'page_url': 'http://x/2', 'br_lang': 'fr'}");
    CHECK_INT(gets(w, "two"), 2);
    CHECK_STR(w->heard[0].key, "domain_userid");
    CHECK_STR(w->heard[1].key, "user_id");
    CHECK_STR(w->heard[0].uuid, w->heard[1].uuid);
    CHECK(w->heard[0].index == 0 && w->heard[1].index == 1 && w->heard[0].seq == w->heard[1].seq);
    char want[600];
    snprintf(want, sizeof(want),
             "{\"intervention_id\":\"%s\",\"name\":\"two\",\"version\":1,\"attributes\":{\"d:ever\":\"2\",\"u:ever\":\"2\","
             "\"d:url\":\"http://x/2\"},\"target_attribute_key\":{\"name\":\"user_id\",\"id\":\"u\"},"
             "\"payload\":{\"code\":\"SAVE\",\"url\":\"http://x/2\",\"lang\":\"fr\"}}",
             w->heard[1].uuid);
    CHECK_STR(w->heard[1].json, want);
    send(w, T0 + 4, "{'event': 'page_ping', 'domain_userid': 'cc', 'txn_id': 77}"); /* a number identifies as its text */
    CHECK_INT(gets(w, "order"), 2);
    CHECK_STR(w->heard[2].id, "77");
    CHECK(strstr(w->heard[2].json, "\"attributes\":{}"), "always an object: %s", w->heard[2].json);
    CHECK(!strstr(w->heard[2].json, "payload"));
    send(w, T0 + 5, "{'event': 'page_ping', 'user_id': 'u'}");
    CHECK(gets(w, "order") == 0, "nobody to tell");
    send(w, T0 + 6, "[{'event': 'page_ping', 'domain_userid': 'c1'}, {'event': 'page_ping', 'domain_userid': 'c2'}]");
    CHECK_INT(gets(w, "order"), 2);
    CHECK(w->heard[4].index == 0 && w->heard[5].index == 1, "counted through the record");
    CHECK(strcmp(w->heard[4].uuid, w->heard[5].uuid) != 0);
    send(w, T0 + 7, "[{'event': 'page_ping', 'domain_userid': 'c1'}, {'event': 'page_ping', 'domain_userid': 'c1'}]");
    CHECK_INT(gets(w, "order"), 2);
    CHECK(strcmp(w->heard[6].uuid, w->heard[7].uuid) != 0, "the same person twice in one record");
    world_free(w);
}

/* -- the same records, the same state */
static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
}

static const char *const replay_rules[] = {
    "[" GROUP_D(MINUTE ", " EVER ", " URL) ", " GROUP_U(MINUTE) ", " RULE("many", LEAF("d:minute", "gt", "2"), "") ", "
    RULE("quiet", "{'all': [" LEAF("d:minute", "lt", "2") ", " LEAF("d:ever", "gt", "2") "]}", ", 'target_attribute_keys': ['domain_userid', 'user_id']") ", "
    RULE("cross", "{'any': [" LEAF("u:minute", "eq", "2") ", {'attribute': 'd:url', 'op': 'changed'}]}", "") "]",
    "[" GROUP_D("{'name': 'minute', 'aggregation': 'counter', 'period': 20000, " VIEW "}, " EVER ", " URL) ", " GROUP_U(MINUTE) ", "
    RULE("many", LEAF("d:minute", "gt", "1"), "") ", " RULE("quiet", "{'all': [" LEAF("d:minute", "lt", "2") ", " LEAF("d:ever", "gt", "2") "]}", "") "]",
};

static struct world *play(uint64_t with)
{
    struct world *w = world_new(replay_rules[0], NULL);
    int64_t now = T0;
    seed = with;
    for (int i = 0; i < 120; i++) {
        now += (int64_t)draw(9000);
        if (draw(8) == 0) {
            engine_tick(w->e, now);
        } else if (draw(15) == 0) {
            engine_swap(w->e, desc_plan_ok(replay_rules[draw(2)], NULL, &w->e->ids), now);
        } else {
            struct buf b = {0};
            buf_putc(&b, '[');
            for (size_t n = 1 + draw(4), k = 0; k < n; k++)
                buf_printf(&b, "%s{'event': 'page_view', 'domain_userid': 'd%d', 'user_id': '%s', 'page_url': 'http://x/%d', 'derived_tstamp': %" PRId64 "}",
                           k ? ", " : "", (int)draw(3), draw(2) ? "u" : "", (int)draw(3), now - (int64_t)draw(draw(4) ? 10 : 90000));
            buf_putc(&b, ']');
            buf_putc(&b, 0);
            send(w, draw(10) ? now : now - 5000, b.p);
            buf_fini(&b);
        }
    }
    engine_tick(w->e, now + 500000);
    return w;
}

static void replay(void)
{
    size_t n = 0;
    for (uint64_t with = 1; with <= 20; with++) {
        struct world *a = play(with), *b = play(with);
        CHECK(engine_digest(a->e) == engine_digest(b->e), "seed %" PRIu64, with);
        CHECK_INT(a->n, b->n);
        for (size_t i = 0; i < a->n && i < b->n; i++) {
            CHECK_STR(a->heard[i].json, b->heard[i].json); /* ids, order, values */
            CHECK(a->heard[i].seq == b->heard[i].seq && a->heard[i].index == b->heard[i].index);
        }
        for (size_t i = 0; i < a->n; i++)
            for (size_t k = 0; k < i; k++)
                CHECK(strcmp(a->heard[i].uuid, a->heard[k].uuid) != 0 || a->heard[i].seq == a->heard[k].seq,
                      "seed %" PRIu64 ": two firings have one id", with);
        n += a->n;
        world_free(a);
        world_free(b);
    }
    CHECK(n > 200, "only %zu messages", n);
}

/* -- swaps */
static void decoded_again(void)
{
    struct test_fn fns[4] = {0};
    struct world *w = world_new("[" GROUP_D(EVER) "]", fns);
    struct engine_batch *b = batch_of("[{'event': 'page_view', 'domain_userid': 'ann', 'page_url': 'http://x/9', 'br_lang': 'fr'}]", 1, T0 + 10);
    struct err err = {0};
    CHECK(engine_decode(w->e, b, &err));
    engine_swap(w->e, desc_plan_ok("[{'kind': 'attribute_group', 'name': 'd', 'attribute_key': 'domain_userid', 'attributes': ["
                                   "{'name': 'fr', 'aggregation': 'counter', " VIEW ", 'criteria': {'op': 'eq', 'value': 'fr', 'property': {'kind': 'atomic', 'name': 'br_lang'}}},"
                                   "{'name': 'de', 'aggregation': 'counter', " VIEW ", 'criteria': {'op': 'eq', 'value': 'de', 'property': {'kind': 'atomic', 'name': 'br_lang'}}},"
                                   EVER "]}]", fns, &w->e->ids), T0 + 11);
    int64_t before = stat_get(STAT_EVENTS_REDECODED);
    engine_submit(w->e, b, T0 + 12);
    CHECK_INT(stat_get(STAT_EVENTS_REDECODED) - before, 1);
    CHECK_INT(b->events.n, 1);
    engine_batch_free(b);
    CHECK_READ(w, "d:fr", "ann", T0 + 20, 1);
    CHECK(read_one(w, "d:de", "ann", T0 + 20).type == VAL_NULL);
    CHECK_READ(w, "d:ever", "ann", T0 + 20, 1);
    struct plan *p = engine_plan(w->e);
    CHECK_INT(p->generation, 2);
    plan_unref(p);
    world_free(w);
}

/* A timer was set for the window of an hour; the saved file says a minute. It must not wait for the hour. */
static void narrower_window(void)
{
    static const char *const hour = "[" GROUP_D("{'name': 'a', 'aggregation': 'counter', 'period': 3600000, " VIEW "}, " EVER) ", "
                                    RULE("gone", "{'all': [{'attribute': 'd:a', 'op': 'is_null'}, " LEAF("d:ever", "gt", "0") "]}", "") "]";
    static const char *const minute = "[" GROUP_D("{'name': 'a', 'aggregation': 'counter', 'period': 60000, " VIEW "}, " EVER) ", "
                                      RULE("gone", "{'all': [{'attribute': 'd:a', 'op': 'is_null'}, " LEAF("d:ever", "gt", "0") "]}", "") "]";
    struct world *w = world_new(hour, NULL);
    view(w, T0 + 1000, "ann");
    CHECK_INT(engine_tick(w->e, T0 + 2000), T0 + 3601000);
    engine_swap(w->e, desc_plan_ok(hour, NULL, &w->e->ids), T0 + 2500);
    CHECK_INT(engine_tick(w->e, T0 + 2600), T0 + 3601000); /* nothing changed: nothing is looked at */
    engine_swap(w->e, desc_plan_ok(minute, NULL, &w->e->ids), T0 + 3000);
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
    static const char *const rules = "[" GROUP_D(MINUTE ", " EVER) ", "
                                     RULE("gone", "{'all': [{'attribute': 'd:minute', 'op': 'is_null'}, " LEAF("d:ever", "gt", "0") "]}", "") "]";
    static const int64_t hour = 3600000;
    struct world *w = world_new(rules, NULL);
    view(w, T0 + 1000, "ann");
    engine_swap(w->e, desc_plan_ok("[]", NULL, &w->e->ids), T0 + 2000);
    for (int64_t t = T0 + 3000; t < T0 + 30000; t += 1000)
        engine_tick(w->e, t); /* sweeps go by */
    engine_swap(w->e, desc_plan_ok(rules, NULL, &w->e->ids), T0 + 30000);
    CHECK_READ(w, "d:ever", "ann", T0 + 30000, 1);
    CHECK_INT(engine_tick(w->e, T0 + 31000), T0 + 61000);
    CHECK_INT(engine_tick(w->e, T0 + 61000), INT64_MAX);
    CHECK_INT(gets(w, "gone"), 1);
    /* while it is away nothing fires, and the timer is there when it comes back */
    view(w, T0 + 100000, "bob");
    engine_swap(w->e, desc_plan_ok("[]", NULL, &w->e->ids), T0 + 101000);
    engine_tick(w->e, T0 + 170000);
    CHECK_INT(w->e->timers.heap.n, 1);
    engine_swap(w->e, desc_plan_ok(rules, NULL, &w->e->ids), T0 + 171000);
    engine_tick(w->e, T0 + 172000);
    CHECK_INT(gets(w, "gone"), 0);
    CHECK_INT(w->e->timers.heap.n, 0);
    /* after an hour it is forgotten */
    view(w, T0 + 200000, "cem");
    engine_swap(w->e, desc_plan_ok("[]", NULL, &w->e->ids), T0 + 201000);
    engine_tick(w->e, T0 + 300000);
    CHECK_INT(w->e->timers.heap.n, 1);
    engine_tick(w->e, T0 + 201000 + hour);
    engine_tick(w->e, T0 + 203000 + hour);
    CHECK_INT(w->e->timers.heap.n, 0);
    engine_swap(w->e, desc_plan_ok(rules, NULL, &w->e->ids), T0 + 205000 + hour);
    CHECK(read_one(w, "d:ever", "cem", T0 + 205000 + hour).type == VAL_NULL, " ");
    world_free(w);
}

static struct val is_fr(struct val v)
{
    return val_bool(v.type == VAL_STR && str_eqz(val_as_str(v), "fr"));
}

static struct val above_two(struct val v)
{
    return val_bool(v.type == VAL_INT && v.i > 2);
}

static void functions(void)
{
    struct test_fn fns[4] = {{.answer = is_fr}, {.answer = above_two}};
    struct world *w = world_new("[{'kind': 'attribute_group', 'name': 'd', 'attribute_key': 'domain_userid', 'attributes': ["
                                "{'name': 'fr', 'aggregation': 'counter', " VIEW ", 'criteria': {'fn': 0, 'properties': [{'kind': 'atomic', 'name': 'br_lang'}]}}]},"
                                RULE("fn", "{'fn': 1, 'attributes': ['d:fr']}", "") "]", fns);
    for (int i = 0; i < 6; i++)
        send(w, T0 + i, i % 2 ? "{'event': 'page_view', 'domain_userid': 'ann', 'br_lang': 'de'}"
                              : "{'event': 'page_view', 'domain_userid': 'ann', 'br_lang': 'fr'}");
    CHECK_READ(w, "d:fr", "ann", T0 + 10, 3);
    CHECK_INT(gets(w, "fn"), 1);
    CHECK_INT(fns[0].calls, 6);
    world_free(w);
}

/* -- slices and threads */
static void large_batch(void)
{
    enum { N = 1000 };
    struct world *w = world_new("[" GROUP_D(EVER) ", " RULE("many", LEAF("d:ever", "gt", "900"), "") "]", NULL);
    struct buf b = {0};
    for (int i = 0; i < N; i++)
        buf_printf(&b, "%s{'event': 'page_view', 'domain_userid': 'ann'}", i ? ", " : "[");
    buf_putc(&b, ']');
    buf_putc(&b, 0);
    send(w, T0 + 5, b.p);
    buf_fini(&b);
    CHECK_INT(w->applied, 1);
    CHECK_READ(w, "d:ever", "ann", T0 + 10, N);
    CHECK_INT(gets(w, "many"), 1);
    send(w, T0 + 6, "[]");
    CHECK_INT(w->applied, 2);
    world_free(w);
}

/* More timers are due than one slice takes. */
static void many_timers(void)
{
    enum { N = 700 };
    struct world *w = world_new("[" GROUP_D(MINUTE ", " EVER) ", " RULE("gone", "{'all': [{'attribute': 'd:minute', 'op': 'is_null'}, "
                                LEAF("d:ever", "gt", "0") "]}", "") "]", NULL);
    for (int i = 0; i < N; i++) {
        char id[20];
        snprintf(id, sizeof(id), "d%d", i);
        view(w, T0 + 1 + i, id);
    }
    /* a record that must wait for all of them: it takes the rule away */
    engine_swap(w->e, desc_plan_ok("[" GROUP_D(MINUTE ", " EVER) "]", NULL, &w->e->ids), T0 + 100000);
    CHECK_INT(gets(w, "gone"), N);
    for (size_t i = 1; i < w->n; i++)
        CHECK(w->heard[i].expires_ms > w->heard[i - 1].expires_ms && w->heard[i].index == i, "in order of their time");
    world_free(w);
}

enum { BATCHES = 150, PER_BATCH = 3 };

struct submitter {
    struct world *w;
    unsigned front;
    int done;
};

static void *submit_some(void *arg)
{
    struct submitter *s = arg;
    struct engine_batch *batches[BATCHES];
    char text[400];
    for (int i = 0; i < BATCHES; i++) {
        snprintf(text, sizeof(text),
                 "[{'event': 'page_view', 'domain_userid': 'ann'}, {'event': 'page_view', 'domain_userid': 'own%u'}, "
                 "{'event': 'page_view', 'domain_userid': 'ann', 'user_id': 'u'}]",
                 s->front);
        struct engine_batch *b = batches[i] = batch_of(text, s->front, T0 + 10 + i);
        struct err err = {0};
        b->meta.draw[15] = (uint8_t)(s->front + 1);
        b->owner = &s->done;
        engine_decode(s->w->e, b, &err);
        engine_submit(s->w->e, b, T0 + 10 + i);
        engine_tick(s->w->e, T0 + 10 + i);
    }
    while (__atomic_load_n(&s->done, __ATOMIC_ACQUIRE) < BATCHES)
        ;
    for (int i = 0; i < BATCHES; i++)
        engine_batch_free(batches[i]);
    return NULL;
}

static void threads(void)
{
    static const char *const rules = "[" GROUP_D(EVER ", " MINUTE) ", " GROUP_U(EVER) ", " RULE("many", LEAF("d:ever", "gt", "50"), "") "]";
    struct world *w = world_new(rules, NULL);
    struct submitter s[2] = {{w, 0, 0}, {w, 1, 0}};
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, submit_some, &s[i]);
    for (int i = 0; i < 20; i++) { /* and rules are saved meanwhile */
        engine_swap(w->e, desc_plan_ok(rules, NULL, &w->e->ids), T0 + i);
        read_one(w, "d:ever", "ann", T0 + i);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    CHECK_INT(w->applied, 2 * BATCHES);
    CHECK_READ(w, "d:ever", "ann", T0 + 1000, 2 * BATCHES * 2);
    CHECK_READ(w, "d:ever", "own0", T0 + 1000, BATCHES);
    CHECK_READ(w, "d:ever", "own1", T0 + 1000, BATCHES);
    CHECK_READ(w, "u:ever", "u", T0 + 1000, 2 * BATCHES);
    CHECK_INT(gets(w, "many"), 3);
    world_free(w);
}

int main(void)
{
    edges();
    duplicates_and_late_events();
    fading();
    one_timer_for_what_is_read();
    messages();
    replay();
    decoded_again();
    narrower_window();
    gone_and_back();
    functions();
    large_batch();
    many_timers();
    threads();
    return check_done();
}
