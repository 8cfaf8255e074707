/* test_engine_apply.c -- conversations with an engine: what is sent, what fires, what is read; and that the same records
 * give the same state.
 * SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "engine_world.h"

/* -- conversations */
static void edges(void)
{
    struct world *w = world_new(
        "[" GROUP_D(MINUTE ", " EVER) ", " RULE("many", LEAF("d:minute", "gt", "2"), "") "]", NULL);
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
    struct world *w = world_new("[" GROUP_D(MINUTE ", " EVER) ", " GROUP_U(EVER) ", " RULE(
                                    "many", LEAF("d:minute", "gt", "2"),
                                    "") ", " RULE("each", "{'events': [{'name': 'page_view'}]}",
                                                  ", 'target_attribute_keys': ['user_id']") "]",
                                NULL);
    const char *one = "{'event': 'page_view', 'domain_userid': 'ann', 'event_id': "
                      "'AAAAAAAA-0000-4000-8000-000000000001'}";
    send(w, T0 + 1000, one);
    send(w, T0 + 1001, one);
    send(w, T0 + 1002,
         "{'event': 'page_view', 'domain_userid': 'ann', 'event_id': "
         "'aaaaaaaa-0000-4000-8000-000000000001'}");
    CHECK_READ(w, "d:ever", "ann", T0 + 2000, 1);
    const char *both = "{'event': 'page_view', 'domain_userid': 'ann', 'user_id': 'u1', "
                       "'event_id': 'aaaaaaaa-0000-4000-8000-000000000001'}";
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
    snprintf(text, sizeof(text),
             "{'event': 'page_view', 'domain_userid': 'ann', 'derived_tstamp': %" PRId64 "}",
             T0 + 500);
    send(w, T0 + 50000, text);
    CHECK_READ(w, "d:minute", "ann", T0 + 50000, 2);
    snprintf(text, sizeof(text),
             "{'event': 'page_view', 'domain_userid': 'ann', 'derived_tstamp': %" PRId64 "}",
             T0 - 100000);
    send(w, T0 + 50001, text);
    CHECK_READ(w, "d:minute", "ann", T0 + 50001, 2);
    CHECK_READ(w, "d:ever", "ann", T0 + 50001, 3);
    CHECK_INT(gets(w, "many"), 0);
    snprintf(text, sizeof(text),
             "{'event': 'page_view', 'domain_userid': 'ann', 'derived_tstamp': %" PRId64 "}",
             T0 + 900000);
    send(w, T0 + 50002, text);
    CHECK_READ(w, "d:minute", "ann", T0 + 50002, 3);
    CHECK_INT(gets(w, "many"), 1);
    CHECK(read_one(w, "d:minute", "ann", T0 + 110003).type == VAL_NULL,
          "a clock ahead does not reach into the future");
    /* nor does a batch that was decoded before the clock was set back */
    struct engine_batch *b =
        batch_of("{'event': 'page_view', 'domain_userid': 'carl'}", 0, T0 + 900000);
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

static void messages(void)
{
    struct world *w = world_new(
        "[{'kind': 'attribute_key', 'name': 'order', 'property': {'kind': 'atomic', 'name': "
        "'txn_id'}}, " GROUP_D(EVER ", " URL) ", " GROUP_U(EVER) ", " RULE(
            "two", "{'all': [" LEAF("d:ever", "gte", "2") ", " LEAF("u:ever", "gte", "1") "]}",
            ", 'payload': {'code': 'SAVE', 'url': {'attribute': 'd:url'}, 'lang': {'property': "
            "{'kind': 'atomic', 'name': 'br_lang'}}}") ", " RULE("order",
                                                                 "{'events': [{'name': "
                                                                 "'page_ping'}]}",
                                                                 ", 'target_attribute_keys': "
                                                                 "['order', 'domain_userid']") "]",
        NULL);
    view(w, T0 + 1, "ann");
    send(w, T0 + 2,
         "{'event': 'page_view', 'domain_userid': 'cc', 'user_id': 'u', 'page_url': 'http://x/1', "
         "'br_lang': 'fr'}");
    send(w, T0 + 3,
         "{'event': 'page_view', 'domain_userid': 'cc', 'user_id': 'u', 'page_url': 'http://x/2', "
         "'br_lang': 'fr'}");
    CHECK_INT(gets(w, "two"), 2);
    CHECK_STR(w->heard[0].key, "domain_userid");
    CHECK_STR(w->heard[1].key, "user_id");
    CHECK_STR(w->heard[0].uuid, w->heard[1].uuid);
    CHECK(w->heard[0].index == 0 && w->heard[1].index == 1 && w->heard[0].seq == w->heard[1].seq);
    char want[600];
    snprintf(
        want, sizeof(want),
        "{\"intervention_id\":\"%s\",\"name\":\"two\",\"version\":1,\"attributes\":{\"d:ever\":"
        "\"2\",\"u:ever\":\"2\","
        "\"d:url\":\"http://x/2\"},\"target_attribute_key\":{\"name\":\"user_id\",\"id\":\"u\"},"
        "\"payload\":{\"code\":\"SAVE\",\"url\":\"http://x/2\",\"lang\":\"fr\"}}",
        w->heard[1].uuid);
    CHECK_STR(w->heard[1].json, want);
    send(
        w, T0 + 4,
        "{'event': 'page_ping', 'domain_userid': 'cc', 'txn_id': 77}"); /* a number identifies as its text */
    CHECK_INT(gets(w, "order"), 2);
    CHECK_STR(w->heard[2].id, "77");
    CHECK(strstr(w->heard[2].json, "\"attributes\":{}"), "always an object: %s", w->heard[2].json);
    CHECK(!strstr(w->heard[2].json, "payload"));
    send(w, T0 + 5, "{'event': 'page_ping', 'user_id': 'u'}");
    CHECK(gets(w, "order") == 0, "nobody to tell");
    send(w, T0 + 6,
         "[{'event': 'page_ping', 'domain_userid': 'c1'}, {'event': 'page_ping', 'domain_userid': "
         "'c2'}]");
    CHECK_INT(gets(w, "order"), 2);
    CHECK(w->heard[4].index == 0 && w->heard[5].index == 1, "counted through the record");
    CHECK(strcmp(w->heard[4].uuid, w->heard[5].uuid) != 0);
    send(w, T0 + 7,
         "[{'event': 'page_ping', 'domain_userid': 'c1'}, {'event': 'page_ping', 'domain_userid': "
         "'c1'}]");
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
    "[" GROUP_D(MINUTE ", " EVER ", " URL) ", " GROUP_U(MINUTE) ", " RULE(
        "many", LEAF("d:minute", "gt", "2"),
        "") ", " RULE("quiet",
                      "{'all': [" LEAF("d:minute", "lt", "2") ", " LEAF("d:ever", "gt", "2") "]}",
                      ", 'target_attribute_keys': ['domain_userid', "
                      "'user_id']") ", " RULE("cross",
                                              "{'any': [" LEAF("u:minute", "eq",
                                                               "2") ", {'attribute': "
                                                                    "'d:url', 'op': "
                                                                    "'changed'}]}",
                                              "") "]",
    "[" GROUP_D(
        "{'name': 'minute', 'aggregation': 'counter', 'period': 20000, " VIEW "}, " EVER
        ", " URL) ", " GROUP_U(MINUTE) ", " RULE("many", LEAF("d:minute", "gt", "1"),
                                                 "") ", " RULE("quiet",
                                                               "{'all': [" LEAF(
                                                                   "d:minute", "lt",
                                                                   "2") ", " LEAF("d:ever", "gt",
                                                                                  "2") "]}",
                                                               "") "]",
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
            engine_swap(w->e, desc_plan_ok(replay_rules[draw(2)], NULL, &w->e->ids), STR(""), now);
        } else {
            struct buf b = {0};
            buf_putc(&b, '[');
            for (size_t n = 1 + draw(4), k = 0; k < n; k++)
                buf_printf(&b,
                           "%s{'event': 'page_view', 'domain_userid': 'd%d', 'user_id': '%s', "
                           "'page_url': 'http://x/%d', 'derived_tstamp': %" PRId64 "}",
                           k ? ", " : "", (int)draw(3), draw(2) ? "u" : "", (int)draw(3),
                           now - (int64_t)draw(draw(4) ? 10 : 90000));
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
                CHECK(strcmp(a->heard[i].uuid, a->heard[k].uuid) != 0 ||
                          a->heard[i].seq == a->heard[k].seq,
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
    struct engine_batch *b = batch_of("[{'event': 'page_view', 'domain_userid': 'ann', 'page_url': "
                                      "'http://x/9', 'br_lang': 'fr'}]",
                                      1, T0 + 10);
    struct err err = {0};
    CHECK(engine_decode(w->e, b, &err));
    engine_swap(w->e,
                desc_plan_ok("[{'kind': 'attribute_group', 'name': 'd', 'attribute_key': "
                             "'domain_userid', 'attributes': ["
                             "{'name': 'fr', 'aggregation': 'counter', " VIEW
                             ", 'criteria': {'op': 'eq', 'value': 'fr', 'property': {'kind': "
                             "'atomic', 'name': 'br_lang'}}},"
                             "{'name': 'de', 'aggregation': 'counter', " VIEW
                             ", 'criteria': {'op': 'eq', 'value': 'de', 'property': {'kind': "
                             "'atomic', 'name': 'br_lang'}}}," EVER "]}]",
                             fns, &w->e->ids),
                STR(""), T0 + 11);
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
    struct world *w = world_new(
        "[{'kind': 'attribute_group', 'name': 'd', 'attribute_key': 'domain_userid', 'attributes': "
        "["
        "{'name': 'fr', 'aggregation': 'counter', " VIEW
        ", 'criteria': {'fn': 0, 'properties': [{'kind': 'atomic', 'name': 'br_lang'}]}}]}," RULE(
            "fn", "{'fn': 1, 'attributes': ['d:fr']}", "") "]",
        fns);
    for (int i = 0; i < 6; i++)
        send(w, T0 + i,
             i % 2 ? "{'event': 'page_view', 'domain_userid': 'ann', 'br_lang': 'de'}"
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
    struct world *w =
        world_new("[" GROUP_D(EVER) ", " RULE("many", LEAF("d:ever", "gt", "900"), "") "]", NULL);
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
                 "[{'event': 'page_view', 'domain_userid': 'ann'}, {'event': 'page_view', "
                 "'domain_userid': 'own%u'}, "
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
    static const char *const rules = "[" GROUP_D(EVER ", " MINUTE) ", " GROUP_U(EVER) ", " RULE(
        "many", LEAF("d:ever", "gt", "50"), "") "]";
    struct world *w = world_new(rules, NULL);
    struct submitter s[2] = {{w, 0, 0}, {w, 1, 0}};
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, submit_some, &s[i]);
    for (int i = 0; i < 20; i++) { /* and rules are saved meanwhile */
        engine_swap(w->e, desc_plan_ok(rules, NULL, &w->e->ids), STR(""), T0 + i);
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
    messages();
    replay();
    decoded_again();
    functions();
    large_batch();
    threads();
    return check_done();
}
