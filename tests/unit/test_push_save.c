/* test_push_save.c -- what is kept for identifiers survives a restart: a push that was written and read back does the same
 * from then on as one that went on.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "push/push.h"

#include <stdlib.h>

/* What a subscriber of one push heard since the last look: "STREAM:JSON ..." */
static void deliver(void *ctx, unsigned front, uint64_t stream, struct push_msg *m)
{
    struct buf *heard = ctx;
    buf_printf(heard, "%s%d:%.*s", heard->n ? " " : "", (int)stream, STR_FMT(m->json));
}

static struct push *start(struct buf *heard, int64_t keep_ms, uint32_t each, uint32_t all)
{
    struct push_limits limits = {.keep_ms = keep_ms, .keep_each = each, .keep_all = all};
    return push_new(&limits, deliver, heard);
}

/* "d=ann,u=7": one target each; at most eight. */
static size_t parse(const char *text, struct push_target *out)
{
    size_t n = 0;
    while (*text && n < 8) {
        size_t k = strcspn(text, "="), v = strcspn(text + k + 1, ",");
        out[n++] = (struct push_target){{text, k}, {text + k + 1, v}};
        text += k + 1 + v + (text[k + 1 + v] == ',');
    }
    return n;
}

static void listen(struct push *p, uint64_t stream, const char *who, uint64_t seq, uint32_t index,
                   int64_t now)
{
    struct push_target t[8];
    push_subscribe(p, 0, stream, t, parse(who, t), seq, index, now);
}

/* One firing to each of its targets; the message's text is SEQ and the target's identifier. */
static void fire(struct push *p, uint64_t seq, const char *targets, int64_t expires, int64_t now)
{
    struct push_target t[8];
    struct push_msg *msgs[8];
    size_t n = parse(targets, t);
    for (size_t i = 0; i < n; i++) {
        char json[64];
        snprintf(json, sizeof(json), "%d%.*s", (int)seq, STR_FMT(t[i].id));
        struct push_msg m = {.seq = seq,
                             .index = (uint32_t)i,
                             .expires_ms = expires,
                             .name = STR("offer"),
                             .key = t[i].key,
                             .id = t[i].id,
                             .json = str_of(json)};
        m.intervention_id[0] = (uint8_t)seq;
        msgs[i] = push_msg_new(&m);
    }
    push_publish(p, msgs, n, now);
    for (size_t i = 0; i < n; i++)
        push_msg_unref(msgs[i]);
}

static struct buf saved(const struct push *p)
{
    struct buf b = {0};
    struct push_capture *c = push_capture(p);
    push_capture_write(c, &b);
    push_capture_free(c);
    return b;
}

static bool restore(struct push *p, struct str bytes)
{
    struct unpack in = unpack_of(bytes);
    return push_restore(p, &in) && unpack_done(&in);
}

static bool same(const struct push *a, const struct push *b)
{
    struct buf x = saved(a), y = saved(b);
    bool equal = str_eq(buf_str(&x), buf_str(&y));
    buf_fini(&x);
    buf_fini(&y);
    return equal && push_digest(a) == push_digest(b) && push_waiting(a) == push_waiting(b);
}

static void copy(struct push *to, const struct push *from)
{
    struct buf b = saved(from);
    CHECK(restore(to, buf_str(&b)));
    CHECK(same(to, from));
    buf_fini(&b);
}

static void expect(int line, struct buf *heard, const char *want)
{
    struct str got = buf_str(heard);
    CHECK(str_eqz(got, want), "line %d: got \"%.*s\", want \"%s\"", line, STR_FMT(got), want);
    heard->n = 0;
}
#define HEARD(want) expect(__LINE__, &heard, want)

static void test_conversation(void)
{
    struct buf heard = {0};
    struct push *before = start(&heard, 1000, 10, 100), *p = start(&heard, 1000, 10, 100);
    copy(p, before); /* nothing is something too */
    listen(before, 1, "d=bob", 0, 0, 0);
    fire(before, 1, "d=bob,u=8", 0, 0); /* delivered */
    fire(before, 2, "d=ann,u=7,n=z", 0, 10);
    fire(before, 3, "d=ann", 500, 20);
    HEARD("1:1bob");
    struct buf b = saved(before);
    push_free(before);
    CHECK(restore(p, buf_str(&b)));
    CHECK_INT(push_waiting(p), 4);

    /* what was delivered is no news, but is there for who had nothing of it */
    listen(p, 2, "u=8", 0, 0, 30);
    HEARD("");
    listen(p, 3, "d=bob,u=8", 0, 1, 30);
    HEARD("");
    fire(p, 4, "d=bob", 0, 30);
    HEARD("3:4bob");
    listen(p, 3, "d=bob,u=8", 1, 0,
           30); /* had the copy with index 0: the one with index 1 is the same firing */
    HEARD("3:4bob");
    /* one copy delivered: all are */
    listen(p, 4, "n=z", 0, 0, 40);
    HEARD("4:2z");
    CHECK_INT(push_waiting(p), 1);
    /* it is due when it was due */
    push_expire(p, 499);
    CHECK_INT(push_waiting(p), 1);
    push_expire(p, 500);
    CHECK_INT(push_waiting(p), 0);
    listen(p, 5, "d=ann", 1, 0, 1009);
    HEARD("5:2ann");
    listen(p, 5, "d=ann", 1, 0, 1010);
    HEARD("");
    push_free(p);
    buf_fini(&b);
    buf_fini(&heard);
}

static void test_smaller_limits(void)
{
    struct buf heard = {0};
    struct push *before = start(&heard, 1000, 10, 100);
    listen(before, 1, "d=ann", 0, 0, 0);
    fire(before, 1, "d=ann", 0, 0);
    push_unsubscribe(before, 1);
    for (uint64_t seq = 2; seq <= 4; seq++)
        fire(before, seq, "d=ann", 0, 0);
    fire(before, 5, "d=bob", 0, 0);
    struct buf b = saved(before);
    heard.n = 0;

    struct push *p = start(&heard, 1000, 2, 100);
    int64_t expired = stat_get(STAT_MESSAGES_EXPIRED);
    CHECK(restore(p, buf_str(&b)));
    CHECK_INT(push_waiting(p), 3);
    CHECK_INT(stat_get(STAT_MESSAGES_EXPIRED) - expired, 1); /* 2; not 1, which was delivered */
    listen(p, 1, "d=ann,d=bob", 0, 0, 1);
    HEARD("1:3ann 1:4ann 1:5bob");
    push_free(p);

    p = start(&heard, 1000, 10, 2); /* in all: the oldest go */
    CHECK(restore(p, buf_str(&b)));
    listen(p, 1, "d=ann,d=bob", 0, 0, 1);
    HEARD("1:4ann 1:5bob");
    push_free(p);

    p = start(&heard, 1000, 0, 0);
    CHECK(restore(p, buf_str(&b)));
    CHECK_INT(push_waiting(p), 0);
    push_free(p);
    push_free(before);
    buf_fini(&b);
    buf_fini(&heard);
}

/* Any of many things that can happen, the same for the same r; time is i. */
static void happen(struct push *p, uint32_t r, int i)
{
    char who[64];
    snprintf(who, sizeof(who), "d=%u,u=%u,n=%u", r % 17, (r / 17) % 5, (r / 85) % 3);
    switch ((r / 1000) % 4) {
    case 0:
        listen(p, 1 + r % 13, who, r % 3 || i < 20 ? 0 : (uint64_t)(i - 20), r % 2, i);
        break;
    case 1:
        push_unsubscribe(p, 1 + r % 13);
        break;
    default:
        fire(p, (uint64_t)i + 1, who, r % 5 ? 0 : i + 7, i);
    }
}

/* The stream that broke off with the process must come back by itself: it is no part of what is kept. */
static void hang_up(struct push *p)
{
    for (uint64_t stream = 1; stream <= 13; stream++)
        push_unsubscribe(p, stream);
}

static void test_goes_on_alike(void)
{
    uint32_t x = 12345;
    size_t delivered = 0;
    for (int round = 0; round < 300; round++) {
        struct buf heard[2] = {{0}, {0}};
        struct push *a = start(&heard[0], 60, 5, 60), *b = start(&heard[1], 60, 5, 60);
        int i = 0, half = 20 + round;
        for (; i < half; i++, x = x * 1664525 + 1013904223)
            happen(a, x >> 8, i);
        hang_up(a);
        heard[0].n = 0;
        copy(b, a);
        for (; i < half + 100; i++, x = x * 1664525 + 1013904223) {
            happen(a, x >> 8, i);
            happen(b, x >> 8, i);
            CHECK(push_digest(a) == push_digest(b));
        }
        CHECK(same(a, b));
        CHECK(str_eq(buf_str(&heard[0]), buf_str(&heard[1])));
        delivered += heard[0].n;
        for (int s = 0; s < 2; s++) {
            push_free(s ? a : b);
            buf_fini(&heard[s]);
        }
    }
    CHECK(delivered > 300 * 100, "the rounds were not about nothing: %zu bytes", delivered);
}

/* What was taken stays as it was, while the push goes on. */
static void test_capture(void)
{
    struct buf heard = {0}, later = {0};
    struct push *p = start(&heard, 1000, 10, 100);
    fire(p, 1, "d=ann,u=7", 0, 0);
    struct buf now = saved(p);
    struct push_capture *c = push_capture(p);
    push_expire(p, 5000);
    fire(p, 2, "d=ann", 0, 5000);
    push_free(p);
    push_capture_write(c, &later);
    CHECK(str_eq(buf_str(&now), buf_str(&later)));
    push_capture_free(c);
    buf_fini(&now);
    buf_fini(&later);
    buf_fini(&heard);
}

/* -- bytes that make no sense */
static void refuses(struct str bytes)
{
    struct buf heard = {0};
    struct push *p = start(&heard, 1000, 10, 100);
    char *tight = malloc(bytes.n + !bytes.n); /* in memory of its own size */
    memcpy(tight, bytes.p, bytes.n);
    CHECK(!restore(p, (struct str){tight, bytes.n}));
    free(tight);
    push_free(p);
}

struct entry {
    const char *key;
    bool copy;
    bool delivered;
};

/* Two or more messages; behind them the list of the delivered. */
static struct buf written(const struct entry *e, size_t n, const uint64_t *list, size_t n_list)
{
    struct buf b = {0};
    pack_uint(&b, 1);
    pack_uint(&b, n);
    for (size_t i = 0; i < n; i++) {
        buf_put(&b, "0123456789abcdef", 16);
        for (int k = 0; k < 2; k++)
            pack_uint(&b, i + 1); /* seq, index */
        for (int k = 0; k < 2; k++)
            pack_int(&b, 1000); /* expires, due */
        pack_uint(&b, (uint64_t)e[i].copy << 1 | e[i].delivered);
        pack_str(&b, STR("offer"));
        pack_str(&b, str_of(e[i].key));
        pack_str(&b, STR("id"));
        pack_str(&b, STR("{}"));
    }
    for (size_t i = 0; i < n_list; i++)
        pack_uint(&b, list[i]);
    return b;
}

static void test_nonsense(void)
{
    static const struct {
        const char *what;
        struct entry e[3];
        uint64_t list[3];
        size_t n_list;
        bool good;
    } rows[] = {
        {"all is well", {{"d", 0, 1}, {"u", 1, 1}, {"n", 1, 1}}, {2, 0, 1}, 3, true},
        {"none delivered", {{"d", 0, 0}, {"u", 0, 0}, {"n", 1, 0}}, {0}, 0, true},
        {"a copy of nothing", {{"d", 1, 0}, {"u", 0, 0}, {"n", 0, 0}}, {0}, 0, false},
        {"listed twice", {{"d", 0, 1}, {"u", 0, 1}, {"n", 0, 0}}, {0, 0}, 2, false},
        {"listed and not delivered", {{"d", 0, 1}, {"u", 0, 0}, {"n", 0, 0}}, {1}, 1, false},
        {"listed and not there", {{"d", 0, 1}, {"u", 0, 0}, {"n", 0, 0}}, {3}, 1, false},
        {"not listed", {{"d", 0, 1}, {"u", 0, 0}, {"n", 0, 0}}, {0}, 0, false},
        {"no key", {{"", 0, 0}, {"u", 0, 0}, {"n", 0, 0}}, {0}, 0, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf b = written(rows[i].e, 3, rows[i].list, rows[i].n_list), heard = {0};
        struct push *p = start(&heard, 1000, 10, 100);
        CHECK(restore(p, buf_str(&b)) == rows[i].good, "%s", rows[i].what);
        CHECK(rows[i].good || push_waiting(p) == 0, "%s: nothing is kept", rows[i].what);
        push_free(p);
        for (size_t n = 0; n < b.n; n++)
            refuses((struct str){b.p, n});
        buf_fini(&b);
    }
    /* a push that keeps something already is not restored into */
    struct buf b = written(rows[0].e, 3, rows[0].list, 3), heard = {0};
    struct push *p = start(&heard, 1000, 10, 100);
    CHECK(restore(p, buf_str(&b)));
    CHECK(!restore(p, buf_str(&b)));
    b.p[0]++; /* another format */
    refuses(buf_str(&b));
    push_free(p);
    buf_fini(&b);
}

int main(void)
{
    test_conversation();
    test_smaller_limits();
    test_goes_on_alike();
    test_capture();
    test_nonsense();
    return check_done();
}
