/* test_engine_history.c -- events of the past: they count, they fire nothing, and each line of a source is taken once.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "check.h"
#include "engine_world.h"

#define ATTRS GROUP_D(EVER ", " MINUTE)
#define LOUD                                                                                       \
    "[" ATTRS ", " RULE("twice", LEAF("d:ever", "gt", "1"), "") ", " RULE(                         \
        "seen", "{" VIEW "}", ", 'target_attribute_keys': ['domain_userid']") "]"
#define FADING "[" ATTRS ", " RULE("quiet", LEAF("d:minute", "lt", "2"), "") "]"

static const struct engine_history none;

/* Lines of source `s`; every one a view of ann at ts_ms. Returns whether they were the next. */
static bool feed(struct world *w, uint8_t s, uint64_t from, uint64_t lines, int64_t ts_ms,
                 int64_t clock_ms)
{
    struct engine_history h = {.source = {s}, .from = from, .lines = lines, .hash = lines * 7};
    struct buf events = {0};
    struct err err = {0};
    for (uint64_t i = from; i < lines; i++)
        buf_printf(&events,
                   "%s{'event': 'page_view', 'domain_userid': 'ann', 'event_id': 'e%u.%llu', "
                   "'derived_tstamp': %lld}",
                   i == from ? "[" : ", ", s, (unsigned long long)i, (long long)ts_ms);
    buf_puts(&events, lines > from ? "]" : "[]");
    buf_putc(&events, 0);
    struct engine_batch *b = batch_of(events.p, 0, clock_ms);
    engine_batch_history(b, &h);
    CHECK(engine_decode(w->e, b, &err), "%s", err.text);
    engine_submit(w->e, b, clock_ms);
    bool taken = b->history->said == HISTORY_TAKEN;
    engine_batch_free(b);
    buf_fini(&events);
    return taken;
}

static uint64_t place(struct world *w, uint8_t s)
{
    uint64_t lines, hash;
    engine_history_at(w->e, (uint8_t[16]){s}, &lines, &hash);
    CHECK_INT(hash, lines * 7);
    return lines;
}

static void counts_and_fires_nothing(void)
{
    struct world *w = world_new(LOUD, NULL);
    CHECK(feed(w, 1, 0, 5, T0 + 1000, T0 + 2000));
    CHECK_READ(w, "d:ever", "ann", T0 + 2000, 5);
    CHECK_READ(w, "d:minute", "ann", T0 + 2000, 5);
    CHECK_INT(gets(w, "nothing"), 0);
    view(w, T0 + 3000, "ann"); /* it was true before: nothing turns */
    CHECK_INT(gets(w, "seen"), 1);
    view(w, T0 + 3001, "bob");
    CHECK_INT(gets(w, "seen"), 1);
    view(w, T0 + 3002, "bob"); /* the same, live, fires */
    CHECK_STR(w->heard[w->looked].name, "twice");
    CHECK_STR(w->heard[w->looked].id, "bob");
    world_free(w);
}

/* What turns true because time passes happens now, whatever it is that fades. */
static void time_still_passes(void)
{
    struct world *w = world_new(FADING, NULL);
    CHECK(feed(w, 1, 0, 3, T0 + 1000, T0 + 2000));
    engine_tick(w->e, T0 + 60999);
    CHECK_INT(gets(w, "nothing"), 0);
    engine_tick(w->e, T0 + 61001);
    CHECK_INT(gets(w, "quiet"), 0); /* from three to none: null is less than nothing */
    CHECK(feed(w, 1, 3, 4, T0 + 100000, T0 + 110000));
    CHECK(feed(w, 1, 4, 5, T0 + 105000, T0 + 110000));
    engine_tick(w->e, T0 + 160001);
    CHECK_INT(gets(w, "quiet"), 1);
    /* long past: armed for nothing */
    CHECK(feed(w, 2, 0, 9, T0 - 90000000, T0 + 200000));
    engine_tick(w->e, T0 + 900000);
    CHECK_INT(gets(w, "nothing"), 0);
    world_free(w);
}

static void each_line_once(void)
{
    struct world *w = world_new(LOUD, NULL);
    CHECK_INT(place(w, 1), 0);
    CHECK(feed(w, 1, 0, 3, T0, T0));
    CHECK(!feed(w, 1, 0, 3, T0, T0)); /* the answer was lost */
    CHECK(!feed(w, 1, 5, 6, T0, T0)); /* a gap */
    CHECK(!feed(w, 2, 3, 4, T0, T0)); /* nobody's */
    CHECK_INT(place(w, 1), 3);
    CHECK_INT(place(w, 2), 0);
    CHECK(feed(w, 1, 3, 4, T0, T0));
    CHECK(feed(w, 1, 4, 4, T0, T0)); /* no event was any good, or none is left */
    CHECK(feed(w, 2, 0, 2, T0, T0));
    CHECK_READ(w, "d:ever", "ann", T0, 6);
    CHECK_INT(place(w, 1), 4);
    CHECK_INT(place(w, 2), 2);
    world_free(w);
}

/* One that was forgotten would be taken again. */
static void none_is_forgotten(void)
{
    struct histories h = {0};
    struct engine_history to = none;
    to.lines = 1;
    for (uint32_t i = 0; i < ENGINE_HISTORIES; i++) {
        memcpy(to.source, &i, sizeof(i));
        if (histories_move(&h, &to) != HISTORY_TAKEN)
            CHECK(false, "source %u", i);
    }
    CHECK_INT(h.n, ENGINE_HISTORIES);
    memset(to.source, 0xff, sizeof(to.source));
    CHECK_INT(histories_move(&h, &to), HISTORY_NO_ROOM);
    memset(to.source, 0, sizeof(to.source));
    CHECK_INT(histories_move(&h, &to), HISTORY_STALE);
    to.from = 1;
    to.lines = 2;
    CHECK_INT(histories_move(&h, &to), HISTORY_TAKEN);
    histories_fini(&h);
}

static void kept(void)
{
    struct engine_history h = {.source = {1, 2, 3}, .from = 7, .lines = 9, .hash = UINT64_MAX};
    struct engine_batch *b = batch_of("{'event': 'page_view'}", 0, T0);
    struct buf bytes = {0};
    engine_batch_history(b, &h);
    batch_pack(b, &bytes);
    struct engine_batch *again = batch_unpack(buf_str(&bytes));
    CHECK(again && again->history);
    CHECK(!memcmp(again->history->source, h.source, 16));
    CHECK(again->history->from == 7 && again->history->lines == 9 &&
          again->history->hash == h.hash);
    CHECK(str_eqz(again->body, "{\"event\": \"page_view\"}"));
    for (size_t n = 0; n < 16 + 3;
         n++) { /* cut within its head: refused, and nothing is read past the end */
        struct engine_batch *cut = batch_unpack((struct str){bytes.p, n});
        CHECK(!cut);
    }
    engine_batch_free(again);
    engine_batch_free(b);

    struct engine_kept k = {.now_ms = 5}, back = {0};
    struct str rules;
    CHECK_INT(histories_move(&k.histories, &(struct engine_history){.source = {9}, .lines = 3}),
              HISTORY_TAKEN);
    bytes.n = 0;
    kept_pack(&k, STR("rules"), &bytes);
    struct unpack in = unpack_of(buf_str(&bytes));
    CHECK(kept_unpack(&in, &back, &rules) && unpack_done(&in));
    CHECK(str_eqz(rules, "rules"));
    CHECK_INT(histories_digest(&back.histories), histories_digest(&k.histories));
    CHECK_INT(back.histories.items[0].lines, 3);
    histories_fini(&back.histories);
    free(back.spans);

    bytes.p[0] = 1; /* the format before there was history: the same up to here */
    bytes.n -= 1 + 16 + 2;
    back = (struct engine_kept){0};
    in = unpack_of(buf_str(&bytes));
    CHECK(kept_unpack(&in, &back, &rules) && unpack_done(&in));
    CHECK(back.now_ms == 5 && back.histories.n == 0);
    free(back.spans);
    histories_fini(&k.histories);
    buf_fini(&bytes);
}

int main(void)
{
    counts_and_fires_nothing();
    time_still_passes();
    each_line_once();
    none_is_forgotten();
    kept();
    return check_done();
}
