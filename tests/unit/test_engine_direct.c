/* test_engine_direct.c -- interventions pushed past the rules: what subscribers see, what waits, what a restart repeats.
 * SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "desc.h"
#include "engine/core.h"
#include "unhurried.h"

static const int64_t T0 = 1790000000000;
enum { HOUR_MS = 3600000 };

/* An engine, and what its streams were handed since the last look: "STREAM@SEQ.INDEX:JSON\n", positions without a text. */
struct place {
    struct engine *e;
    struct rules *rules;
    struct push_limits push;
    const char *dir; /* NULL: nothing is kept */
    struct buf heard;
    bool positions; /* are heard too */
    int applied;
};

static void deliver(void *ctx, unsigned front, uint64_t stream, struct push_msg *m)
{
    struct place *p = ctx;
    if (m->json.n || p->positions)
        buf_printf(&p->heard, "%d@%d.%d:%.*s\n", (int)stream, (int)m->seq, (int)m->index,
                   STR_FMT(m->json));
}

static void applied(void *ctx, struct engine_batch *b)
{
    ((struct place *)ctx)->applied++;
}

static void open_place(struct place *p)
{
    struct err err = {0};
    struct engine_options o = {
        .fronts = 1,
        .profile = profile_limits_default,
        .push = p->push,
        .script = unhurried(),
        .journal = journal_options_default,
        .applied = applied,
        .deliver = deliver,
        .ctx = p,
    };
    o.journal.dir = p->dir;
    memset(o.journal.draw, 7, sizeof(o.journal.draw));
    p->e = engine_new(&o, &err);
    p->rules = rules_new(STR("no rules"), 3, &o.script);
    CHECK(p->e, "%s", err.text);
    CHECK(engine_recover(p->e, p->rules, &err), "%s", err.text);
}

static void close_place(struct place *p)
{
    engine_free(p->e);
    rules_free(p->rules);
}

static struct place place_of(const char *dir)
{
    return (struct place){.push = push_limits_default, .dir = dir};
}

static void drop_place(struct place *p)
{
    close_place(p);
    buf_fini(&p->heard);
}

static void settle(struct place *p, int wanted)
{
    while (p->applied < wanted) { /* with a folder, the journal's thread writes it first */
        engine_advance(p->e);
        poll(NULL, 0, 0);
    }
}

/* Intervention `id` for "KEY=ID,KEY=ID". */
static enum push_outcome push_all(struct place *p, uint8_t id, const char *targets,
                                  struct val attributes, struct val more, int64_t now_ms)
{
    struct engine_direct_target list[8];
    struct engine_direct d = {.name = STR("offer"),
                              .version = 3,
                              .attributes = attributes,
                              .more = more,
                              .targets = list};
    struct err err = {0};
    for (const char *at = targets; *at; d.n++) {
        size_t k = strcspn(at, "="), v = strcspn(at + k + 1, ",");
        list[d.n] = (struct engine_direct_target){{at, k}, {at, k}, {at + k + 1, v}, {0}};
        at += k + 1 + v + (at[k + 1 + v] == ',');
    }
    memset(d.intervention_id, id, sizeof(d.intervention_id));
    struct engine_batch *b = engine_batch_direct(0, &d);
    CHECK(engine_decode(p->e, b, &err), "%s", err.text);
    int before = p->applied;
    engine_submit(p->e, b, now_ms);
    settle(p, before + 1);
    enum push_outcome outcome = b->direct->outcome;
    engine_batch_free(b);
    return outcome;
}

static const struct val nothing = {.type = VAL_DICT};

static enum push_outcome push(struct place *p, uint8_t id, const char *targets, int64_t now_ms)
{
    return push_all(p, id, targets, nothing, nothing, now_ms);
}

static void listen(struct place *p, uint64_t stream, const char *key, const char *id,
                   uint64_t after_seq, int64_t now_ms)
{
    struct push_target t = {str_of(key), str_of(id)};
    engine_subscribe(p->e, 0, stream, &t, 1, after_seq, 0, now_ms);
}

static void expect(struct place *p, int line, const char *want)
{
    struct str got = buf_str(&p->heard);
    CHECK(str_eqz(got, want), "line %d: got \"%.*s\", want \"%s\"", line, STR_FMT(got), want);
    p->heard.n = 0;
}
#define HEARD(p, want) expect(p, __LINE__, want)
#define OFFER(uuid, key, id)                                                                       \
    "{\"intervention_id\":\"" uuid "\",\"name\":\"offer\",\"version\":3,\"attributes\":{},"        \
    "\"target_attribute_key\":{\"name\":\"" key "\",\"id\":\"" id "\"}}\n"
#define UUID_1 "01010101-0101-0101-0101-010101010101"
#define UUID_2 "02020202-0202-0202-0202-020202020202"
#define UUID_3 "03030303-0303-0303-0303-030303030303"

/* The members that a rule's message has, in its order, then whatever else came. */
static void what_subscribers_see(void)
{
    struct place p = place_of(NULL);
    struct arena a;
    size_t used = 0, n_more = 0;
    arena_init(&a);
    open_place(&p);
    struct val attributes = val_dict(&a, 6), more = val_dict(&a, 2), list = val_list(&a, 2);
    list.items[0] = val_str(STR("r\"d"));
    list.items[1] = val_int(7);
    dict_put(&attributes, &used, STR("g:text"), val_str(STR("a \"b\"\n")));
    dict_put(&attributes, &used, STR("g:whole"), val_int(-3));
    dict_put(&attributes, &used, STR("g:none"), val_null);
    dict_put(&attributes, &used, STR("g:part"), val_dbl(0.1));
    dict_put(&attributes, &used, STR("g:yes"), val_bool(true));
    dict_put(&attributes, &used, STR("g:list"), list);
    dict_put(&more, &n_more, STR("payload"), list);
    dict_put(&more, &n_more, STR("expires_at"), val_null);
    listen(&p, 1, "domain_userid", "ann", 0, T0);
    int64_t pushed = stat_get(STAT_INTERVENTIONS_PUSHED);
    CHECK_INT(push_all(&p, 1, "domain_userid=ann", attributes, more, T0), PUSH_RECEIVED);
    CHECK_INT(stat_get(STAT_INTERVENTIONS_PUSHED) - pushed, 1);
    HEARD(&p, "1@1.0:{\"intervention_id\":\"" UUID_1 "\",\"name\":\"offer\",\"version\":3,"
              "\"attributes\":{\"g:text\":\"a \\\"b\\\"\\n\",\"g:whole\":\"-3\",\"g:part\":\"0.1\","
              "\"g:yes\":\"true\",\"g:list\":\"[\\\"r\\\\\\\"d\\\",7]\"},"
              "\"target_attribute_key\":{\"name\":\"domain_userid\",\"id\":\"ann\"},"
              "\"payload\":[\"r\\\"d\",7],\"expires_at\":null}\n");
    arena_fini(&a);
    drop_place(&p);
}

static struct engine_direct offer_to(struct engine_direct_target *to, uint8_t id)
{
    struct engine_direct d = {.name = STR("offer"),
                              .version = 3,
                              .attributes = nothing,
                              .more = nothing,
                              .targets = to,
                              .n = 1};
    memset(d.intervention_id, id, sizeof(d.intervention_id));
    return d;
}

/* A key whose address says more than its name: subscribers go by the one, readers see the other. */
static void addresses(void)
{
    struct place p = place_of(NULL);
    struct engine_direct_target to = {STR("account"), STR("account 70"), STR("a1"), {0}};
    struct engine_direct d = offer_to(&to, 2);
    struct err err = {0};
    open_place(&p);
    listen(&p, 1, "account", "a1", 0, T0);
    listen(&p, 2, "account 70", "a1", 0, T0);
    struct engine_batch *b = engine_batch_direct(0, &d);
    CHECK(engine_decode(p.e, b, &err), "%s", err.text);
    engine_submit(p.e, b, T0);
    engine_batch_free(b);
    HEARD(&p, "2@1.0:" OFFER(UUID_2, "account", "a1"));
    drop_place(&p);
}

/* The rules changed while it was on its way: it is read again, and applied once. */
static void rules_change_meanwhile(void)
{
    struct place p = place_of(NULL);
    struct engine_direct_target to = {STR("user_id"), STR("user_id"), STR("7"), {0}};
    struct engine_direct d = offer_to(&to, 3);
    struct err err = {0};
    open_place(&p);
    listen(&p, 1, "user_id", "7", 0, T0);
    struct engine_batch *b = engine_batch_direct(0, &d);
    CHECK(engine_decode(p.e, b, &err), "%s", err.text);
    engine_swap(p.e, desc_plan_ok("[]", NULL, &p.e->ids), STR(""), T0);
    engine_submit(p.e, b, T0);
    CHECK_INT(b->direct->outcome, PUSH_RECEIVED);
    engine_batch_free(b);
    HEARD(&p, "1@2.0:" OFFER(UUID_3, "user_id", "7"));
    drop_place(&p);
}

static void waits_and_expires(void)
{
    struct place p = place_of(NULL);
    open_place(&p);
    CHECK_INT(push(&p, 1, "domain_userid=ann", T0), PUSH_WAITS);
    CHECK_INT(push(&p, 2, "domain_userid=bob", T0 + 1), PUSH_WAITS);
    listen(&p, 1, "domain_userid", "ann", 0, T0 + HOUR_MS - 1);
    HEARD(&p, "1@1.0:" OFFER(UUID_1, "domain_userid", "ann"));
    listen(&p, 2, "domain_userid", "bob", 0, T0 + HOUR_MS + 1);
    HEARD(&p, "");
    p.push.keep_each = 0;
    close_place(&p);
    open_place(&p); /* which lets nothing wait */
    CHECK_INT(push(&p, 1, "domain_userid=ann", T0), PUSH_LOST);
    drop_place(&p);
}

/* Who says nothing is told where it stands, behind what waited. With that it misses nothing, and gets nothing from before. */
static void positions(void)
{
    struct place p = place_of(NULL);
    p.positions = true;
    open_place(&p);
    listen(&p, 1, "domain_userid", "ann", 0, T0);
    HEARD(&p, ""); /* there has been nothing yet */
    push(&p, 1, "user_id=7", T0);
    push(&p, 2, "domain_userid=ann", T0);
    HEARD(&p, "1@2.0:" OFFER(UUID_2, "domain_userid", "ann"));
    listen(&p, 2, "user_id", "7", 0, T0);
    HEARD(&p, "2@1.0:" OFFER(UUID_1, "user_id", "7") "2@2.-1:\n");
    listen(&p, 3, "domain_userid", "ann", 1, T0); /* it says something: the gap, and no more */
    HEARD(&p, "3@2.0:" OFFER(UUID_2, "domain_userid", "ann"));
    struct push_target t = {STR("domain_userid"), STR("ann")};
    engine_subscribe(p.e, 0, 4, &t, 1, 2, UINT32_MAX, T0);
    HEARD(&p, "");
    drop_place(&p);
}

/* Killed and started again, it has the same outbox: what waited, as of when, and what is known of what was pushed before. */
static void kept(bool written_back)
{
    char dir[64];
    snprintf(dir, sizeof(dir), "%s/direct-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    CHECK(mkdtemp(dir) != NULL);
    struct place p = place_of(dir);
    open_place(&p);
    CHECK_INT(push(&p, 1, "domain_userid=ann,user_id=7", T0), PUSH_WAITS);
    if (written_back)
        CHECK(engine_write_back(p.e));
    CHECK_INT(push(&p, 2, "domain_userid=bob", T0 + 1000), PUSH_WAITS);
    CHECK_INT(push(&p, 1, "domain_userid=ann", T0 + 2000), PUSH_WAITS);
    uint64_t digest = engine_digest(p.e), seq = engine_seq(p.e);
    close_place(&p); /* which writes nothing back */
    open_place(&p);
    CHECK_INT(engine_seq(p.e), seq);
    CHECK(engine_digest(p.e) == digest, " ");
    CHECK_INT(push(&p, 2, "domain_userid=bob", T0 + 3000), PUSH_WAITS);
    listen(&p, 1, "domain_userid", "bob", 0, T0 + 3000);
    HEARD(&p, "1@2.0:" OFFER(UUID_2, "domain_userid", "bob"));
    listen(&p, 2, "domain_userid", "ann", 0, T0 + HOUR_MS - 1);
    HEARD(&p, "2@1.0:" OFFER(UUID_1, "domain_userid", "ann"));
    listen(&p, 3, "user_id", "7", 0, T0 + HOUR_MS);
    HEARD(&p, "");
    /* what was delivered is known as that once it was written back */
    CHECK(engine_write_back(p.e));
    close_place(&p);
    open_place(&p);
    CHECK_INT(push(&p, 2, "domain_userid=bob", T0 + 4000), PUSH_RECEIVED);
    listen(&p, 4, "domain_userid", "bob", 0, T0 + 4000);
    HEARD(&p, "");
    listen(&p, 5, "domain_userid", "bob", 1, T0 + 4000);
    HEARD(&p, "5@2.0:" OFFER(UUID_2, "domain_userid", "bob"));
    drop_place(&p);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    CHECK_INT(system(command), 0);
}

/* Every place at which what is kept could be cut short, and bytes behind it. */
static void makes_no_sense(void)
{
    struct engine_direct_target to = {STR("user_id"), STR("user_id"), STR("7"), {0}};
    struct engine_direct d = {.name = STR("offer"),
                              .version = 3,
                              .attributes = nothing,
                              .more = nothing,
                              .targets = &to,
                              .n = 1};
    struct engine_batch *whole = engine_batch_direct(0, &d);
    struct buf longer = {0};
    struct err err = {0};
    buf_put(&longer, whole->body.p, whole->body.n);
    buf_putc(&longer, 0);
    CHECK(direct_unpack(whole, &err), " ");
    for (size_t n = 0; n <= longer.n; n++) {
        struct engine_batch *b = engine_batch_new(WIRE_DIRECT, 0, (struct str){longer.p, n});
        CHECK(direct_unpack(b, &err) == (n == whole->body.n), "%zu bytes", n);
        engine_batch_free(b);
    }
    d.n = 0;
    struct engine_batch *nobody = engine_batch_direct(0, &d);
    CHECK(!direct_unpack(nobody, &err), " ");
    engine_batch_free(nobody);
    engine_batch_free(whole);
    buf_fini(&longer);
}

int main(void)
{
    what_subscribers_see();
    addresses();
    rules_change_meanwhile();
    waits_and_expires();
    positions();
    kept(false);
    kept(true);
    makes_no_sense();
    return check_done();
}
