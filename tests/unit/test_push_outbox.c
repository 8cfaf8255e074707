/* test_push_outbox.c -- conversations with push/: who gets which message, what waits, what is dropped.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "push/push.h"

#include <stdlib.h>

/* What was delivered since the last look: "STREAM:JSON ..." */
static struct buf heard;

static void deliver(void *ctx, unsigned front, uint64_t stream, struct push_msg *m)
{
    CHECK(ctx == &heard);
    CHECK_INT(front, stream % 2);
    buf_printf(&heard, "%s%d:%.*s", heard.n ? " " : "", (int)stream, STR_FMT(m->json));
}

static void expect(int line, const char *want)
{
    struct str got = buf_str(&heard);
    CHECK(str_eqz(got, want), "line %d: got \"%.*s\", want \"%s\"", line, STR_FMT(got), want);
    heard.n = 0;
}
#define HEARD(want) expect(__LINE__, want)

static struct push *start(int64_t keep_ms, uint32_t each, uint32_t all)
{
    struct push_limits limits = {.keep_ms = keep_ms, .keep_each = each, .keep_all = all};
    return push_new(&limits, deliver, &heard);
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

static void listen_after(struct push *p, uint64_t stream, const char *who, uint64_t seq,
                         uint32_t index, int64_t now)
{
    struct push_target t[8];
    push_subscribe(p, (unsigned)(stream % 2), stream, t, parse(who, t), seq, index, now);
}

static void listen(struct push *p, uint64_t stream, const char *who, int64_t now)
{
    listen_after(p, stream, who, 0, 0, now);
}

/* One message to each of some targets, published by either function; the text is SEQ and the target's identifier. */
static int publish(struct push *p, bool each, uint64_t seq, uint8_t id, const char *targets,
                   int64_t expires, int64_t now)
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
        m.intervention_id[0] = id;
        msgs[i] = push_msg_new(&m);
    }
    int received = each ? (int)push_each(p, msgs, n, now) : (int)push_publish(p, msgs, n, now);
    for (size_t i = 0; i < n; i++)
        push_msg_unref(msgs[i]);
    return received;
}

static int fire_until(struct push *p, uint64_t seq, const char *targets, int64_t expires,
                      int64_t now)
{
    return publish(p, false, seq, (uint8_t)seq, targets, expires, now);
}

/* Intervention `id` to each of the targets, whoever they are. */
static enum push_outcome push(struct push *p, uint64_t seq, uint8_t id, const char *targets,
                              int64_t now)
{
    return (enum push_outcome)publish(p, true, seq, id, targets, 0, now);
}

static int fire(struct push *p, uint64_t seq, const char *targets, int64_t now)
{
    return fire_until(p, seq, targets, 0, now);
}

static void test_delivery(void)
{
    struct push *p = start(1000, 10, 100);
    listen(p, 1, "d=ann", 0);
    listen(p, 2, "d=ann,u=7", 0);
    listen(p, 3, "d=bob", 0);
    HEARD("");

    /* a subscriber of several targets of a firing receives it once: the first copy in the firing's order */
    CHECK_INT(fire(p, 1, "u=7,d=ann", 0), 2);
    HEARD("2:17 1:1ann");
    CHECK_INT(push_waiting(p), 0);

    /* nobody else's, and an identifier of another key is another target */
    CHECK_INT(fire(p, 2, "u=ann", 0), 0);
    HEARD("");
    CHECK_INT(push_waiting(p), 1);

    /* the same target named twice is one */
    listen(p, 4, "d=cid,d=cid", 0);
    CHECK_INT(fire(p, 3, "d=cid", 0), 1);
    HEARD("4:3cid");

    /* gone is gone; unknown streams do no harm */
    push_unsubscribe(p, 1);
    push_unsubscribe(p, 1);
    push_unsubscribe(p, 99);
    CHECK_INT(fire(p, 4, "d=ann", 0), 1);
    HEARD("2:4ann");

    /* the same stream again replaces what it listened for */
    listen(p, 2, "d=eve", 0);
    CHECK_INT(fire(p, 5, "d=ann,d=eve", 0), 1);
    HEARD("2:5eve");
    push_free(p);
}

static void test_waiting(void)
{
    struct push *p = start(1000, 10, 100);
    fire(p, 3, "d=ann", 0);
    fire(p, 1, "u=7", 0); /* a subscriber gets what waits by age, not by target */
    fire(p, 2, "d=ann", 0);
    CHECK_INT(push_waiting(p), 3);
    listen(p, 1, "d=ann,u=7", 10);
    HEARD("1:17 1:2ann 1:3ann");
    CHECK_INT(push_waiting(p), 0);

    /* delivered: it waits for nobody else, and is no history for those who come later */
    listen(p, 2, "d=ann,u=7", 10);
    HEARD("");

    /* One firing for a device and an account. The browser got the device's copy; after signing in it opens a new stream
     * with both and without a Last-Event-ID: no repeat. */
    listen(p, 3, "d=bob", 20);
    fire(p, 4, "d=bob,u=8", 20);
    HEARD("3:4bob");
    CHECK_INT(push_waiting(p), 0);
    push_unsubscribe(p, 3);
    listen(p, 4, "d=bob,u=8", 21);
    HEARD("");

    /* The same when the copies waited: one is delivered, once, and the others are done with. */
    fire(p, 5, "d=cid,u=9,n=z", 30);
    CHECK_INT(push_waiting(p), 3);
    listen(p, 5, "u=9,d=cid", 30);
    HEARD("5:5cid");
    CHECK_INT(push_waiting(p), 0);
    listen(p, 6, "n=z", 30);
    HEARD("");
    push_free(p);
}

static void test_resuming(void)
{
    struct push *p = start(1000, 10, 100);
    listen(p, 1, "d=ann", 0);
    fire(p, 1, "d=ann,u=7", 0);
    fire(p, 2, "d=ann,u=7", 0);
    fire(p, 3, "d=ann", 0);
    HEARD("1:1ann 1:2ann 1:3ann");
    push_unsubscribe(p, 1);
    fire(p, 4, "d=ann", 0);

    /* The stream broke with 2 and 3 under way: who says what it had last gets everything newer, each firing once. */
    listen_after(p, 2, "u=7,d=ann", 1, 0, 1);
    HEARD("2:2ann 2:3ann 2:4ann");
    /* index 0 of sequence 2 was had: its copy at index 1 is the same firing */
    listen_after(p, 3, "d=ann,u=7", 2, 0, 1);
    HEARD("3:3ann 3:4ann");
    /* who says the same again has lost it again */
    listen_after(p, 3, "d=ann,u=7", 2, 0, 1);
    HEARD("3:3ann 3:4ann");
    listen_after(p, 4, "d=ann", 4, 0, 1);
    HEARD("");
    /* What was skipped still waits for others. */
    fire(p, 5, "d=bob", 2);
    listen_after(p, 5, "d=bob", 5, 0, 2);
    HEARD("");
    CHECK_INT(push_waiting(p), 1);
    listen(p, 6, "d=bob", 2);
    HEARD("6:5bob");
    push_free(p);
}

/* Pushed to several identifiers: each may be a visitor of its own. */
static void test_each(void)
{
    struct push *p = start(1000, 10, 100);
    listen(p, 1, "d=ann", 0);
    CHECK_INT(push(p, 1, 101, "d=ann,d=bob", 0), PUSH_RECEIVED);
    HEARD("1:1ann");
    CHECK_INT(push_waiting(p), 1); /* bob has not had it because ann has */
    listen(p, 2, "d=bob", 1);
    HEARD("2:1bob");
    listen(p, 3, "d=ann,d=bob", 2);
    HEARD("");
    CHECK_INT(push(p, 2, 102, "d=cid,u=7", 3), PUSH_WAITS);
    CHECK_INT(push_waiting(p), 2);

    /* who listens for several receives it once, when it is pushed ... */
    listen(p, 4, "d=eve,u=8", 4);
    listen(p, 5, "u=8", 4);
    CHECK_INT(push(p, 3, 103, "u=8,d=eve", 4), PUSH_RECEIVED);
    HEARD("4:38 5:38");
    CHECK_INT(push_waiting(p), 2); /* eve's counts as delivered: she is 8 */
    /* ... and when it waited, and then it is done with for both */
    listen(p, 6, "u=7,d=cid", 5);
    HEARD("6:2cid");
    CHECK_INT(push_waiting(p), 0);

    /* signed in behind the delivery: no repeat by the other name, which waits for others */
    listen(p, 7, "d=flo", 6);
    CHECK_INT(push(p, 4, 104, "d=flo,u=9", 6), PUSH_RECEIVED);
    HEARD("7:4flo");
    listen(p, 8, "d=flo,u=9", 7);
    HEARD("");
    CHECK_INT(push_waiting(p), 1);
    listen(p, 9, "u=9", 8);
    HEARD("9:49");

    /* nobody listens and nothing may wait */
    push_free(p);
    p = start(1000, 0, 100);
    CHECK_INT(push(p, 1, 1, "d=ann", 0), PUSH_LOST);
    listen(p, 1, "d=ann,d=bob", 0);
    CHECK_INT(push(p, 2, 2, "d=ann,d=bob", 0), PUSH_RECEIVED);
    HEARD("1:2ann");
    push_free(p);
}

/* The answer was lost, so it is pushed again. */
static void test_pushed_again(void)
{
    struct push *p = start(1000, 10, 100);
    listen(p, 1, "d=ann", 0);
    CHECK_INT(push(p, 1, 101, "d=ann", 0), PUSH_RECEIVED);
    CHECK_INT(push(p, 2, 101, "d=ann", 1), PUSH_RECEIVED);
    HEARD("1:1ann");
    push_unsubscribe(p, 1);
    CHECK_INT(push(p, 3, 101, "d=ann", 2), PUSH_RECEIVED); /* when it was pushed before */
    listen(p, 2, "d=ann", 3);
    HEARD("");

    CHECK_INT(push(p, 4, 102, "d=bob", 4), PUSH_WAITS);
    CHECK_INT(push(p, 5, 102, "d=bob", 5), PUSH_WAITS);
    CHECK_INT(push_waiting(p), 1);
    listen(p, 3, "d=bob", 6);
    HEARD("3:4bob");
    CHECK_INT(push(p, 6, 102, "d=bob,d=bob", 7), PUSH_RECEIVED);
    HEARD("");

    /* to one more than before: that one gets it, and nobody twice */
    listen(p, 4, "d=bob,u=7", 8);
    listen(p, 5, "u=7", 8);
    CHECK_INT(push(p, 7, 102, "d=bob,u=7", 8), PUSH_RECEIVED);
    HEARD("5:77");
    /* of two that wait, pushed one behind the other, a subscriber of both receives the older one */
    CHECK_INT(push(p, 8, 103, "d=cid", 9), PUSH_WAITS);
    CHECK_INT(push(p, 9, 104, "d=cid", 9), PUSH_WAITS);
    CHECK_INT(push(p, 10, 103, "u=8", 9), PUSH_WAITS);
    listen(p, 6, "u=8,d=cid", 9);
    HEARD("6:8cid 6:9cid");
    CHECK_INT(push_waiting(p), 0);
    listen_after(p, 7, "d=cid,u=8", 8, 0, 9); /* which is not newer for being there twice */
    HEARD("7:9cid");

    /* The older one waits, a later one was delivered: who listens for both has had it. */
    CHECK_INT(push(p, 10, 105, "d=gus", 9), PUSH_WAITS);
    listen(p, 9, "u=10", 9);
    CHECK_INT(push(p, 10, 105, "u=10", 9), PUSH_RECEIVED);
    HEARD("9:1010");
    listen(p, 10, "d=gus,u=10", 9);
    HEARD("");

    /* a rule's firing is known like a push */
    listen(p, 8, "d=dee", 10);
    fire(p, 11, "d=dee,u=9", 10);
    HEARD("8:11dee");
    CHECK_INT(push(p, 12, 11, "d=dee,u=9", 10), PUSH_RECEIVED);
    HEARD("");

    /* it waits though somebody listens, who had resumed behind it: pushed again, it comes */
    CHECK_INT(push(p, 12, 106, "d=hal", 10), PUSH_WAITS);
    listen_after(p, 11, "d=hal", 25, 0, 10);
    HEARD("");
    CHECK_INT(push(p, 30, 106, "d=hal", 10), PUSH_RECEIVED);
    HEARD("11:30hal");
    CHECK_INT(push(p, 31, 106, "d=hal", 10), PUSH_RECEIVED);
    HEARD("");

    /* what the outbox has let go of is not known any more */
    CHECK_INT(push(p, 13, 102, "d=bob", 2000), PUSH_RECEIVED);
    HEARD("3:13bob 4:13bob");
    push_free(p);
}

static void test_position(void)
{
    struct push *p = start(1000, 10, 100);
    push_position(p, 1, 3, 7, 2); /* no more than a message without a text */
    HEARD("3:");
    push_free(p);
}

static void test_expiry(void)
{
    struct push *p = start(1000, 10, 100);
    int64_t expired = stat_get(STAT_MESSAGES_EXPIRED);
    fire(p, 1, "d=ann", 0);
    fire_until(p, 2, "d=ann", 500, 0);
    fire_until(p, 3, "d=ann", 5000, 0);  /* keep_ms is the longer limit's end too */
    fire_until(p, 4, "d=ann", 100, 100); /* expired when it came */
    CHECK_INT(push_waiting(p), 3);
    push_expire(p, 499);
    CHECK_INT(push_waiting(p), 3);
    push_expire(p, 500);
    CHECK_INT(push_waiting(p), 2);
    listen(p, 1, "d=ann", 999);
    HEARD("1:1ann 1:3ann");
    fire(p, 5, "d=bob", 1000);
    listen(p, 2, "d=bob", 2000); /* subscribing looks at the time itself */
    HEARD("");
    CHECK_INT(stat_get(STAT_MESSAGES_EXPIRED) - expired, 3); /* 2, 4, 5; not those delivered */
    listen_after(p, 3, "d=ann", 1, 0, 2000);                 /* delivered ones expire too */
    HEARD("");
    push_free(p);
}

static void test_caps(void)
{
    struct push *p = start(1000, 2, 5);
    fire(p, 1, "d=ann", 0);
    fire(p, 2, "d=ann", 0);
    fire(p, 3, "d=ann", 0);
    CHECK_INT(push_waiting(p), 2);
    listen(p, 1, "d=ann", 0);
    HEARD("1:2ann 1:3ann");
    push_unsubscribe(p, 1);
    /* those delivered make room before one that waits has to */
    fire(p, 4, "d=ann", 0);
    fire(p, 5, "d=ann", 0);
    CHECK_INT(push_waiting(p), 2);
    /* in all: the oldest goes, whoever's it is, a firing's copies one by one */
    fire(p, 6, "d=a,d=b,d=c", 0);
    fire(p, 7, "d=d", 0);
    CHECK_INT(push_waiting(p), 5);
    listen(p, 2, "d=ann,d=d", 0);
    HEARD("2:5ann 2:7d");
    push_free(p);

    p = start(1000, 10, 1); /* fewer than one firing's copies */
    fire(p, 1, "d=a,d=b,d=c", 0);
    CHECK_INT(push_waiting(p), 1);
    listen(p, 1, "d=a,d=b,d=c", 0);
    HEARD("1:1c");
    push_free(p);

    p = start(1000, 0, 10); /* nothing waits */
    fire(p, 1, "d=a", 0);
    CHECK_INT(push_waiting(p), 0);
    push_free(p);
}

static void test_digest(void)
{
    struct push *a = start(1000, 10, 100), *b = start(1000, 10, 100);
    CHECK(push_digest(a) == push_digest(b));
    fire(a, 1, "d=ann", 0);
    CHECK(push_digest(a) != push_digest(b));
    fire(b, 1, "d=ann", 0);
    CHECK(push_digest(a) == push_digest(b));
    fire(a, 2, "d=bob", 0);
    fire(b, 2, "d=eve", 0);
    CHECK(push_digest(a) != push_digest(b));
    push_expire(a, 1000);
    push_expire(b, 1000);
    CHECK(push_digest(a) == push_digest(b));
    push_free(a);
    push_free(b);
}

/* Many identifiers, streams and firings from a fixed seed, for the memory checkers; the caps hold all the way. */
static void test_many(void)
{
    struct push *p = start(50, 3, 40);
    uint32_t x = 12345;
    for (int i = 0; i < 20000; i++) {
        char a[32];
        x = x * 1664525 + 1013904223;
        unsigned r = x >> 8;
        snprintf(a, sizeof(a), "d=%u,u=%u", r % 17, (r / 17) % 5);
        switch ((r / 1000) % 4) {
        case 0:
            listen_after(p, 1 + r % 13, a, r % 3 ? 0 : (uint64_t)(i > 20 ? i - 20 : 0), 0, i);
            break;
        case 1:
            push_unsubscribe(p, 1 + r % 13);
            break;
        case 2:
            push(p, (uint64_t)i + 1, (uint8_t)(r % 251), a, i);
            break;
        default:
            fire_until(p, (uint64_t)i + 1, a, r % 5 ? 0 : i + 7, i);
        }
        CHECK(push_waiting(p) <= 40);
        heard.n = 0;
    }
    push_expire(p, 30000);
    CHECK_INT(push_waiting(p), 0);
    push_free(p);
}

int main(void)
{
    test_delivery();
    test_waiting();
    test_resuming();
    test_each();
    test_pushed_again();
    test_position();
    test_expiry();
    test_caps();
    test_digest();
    test_many();
    buf_fini(&heard);
    return check_done();
}
