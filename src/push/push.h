/* push.h -- who listens for whom, what was not delivered yet, and who gets a message.
 *
 * A message goes to one (attribute key, identifier). Those of one intervention share an intervention_id; a subscriber of
 * several of them receives it once. Without a subscriber it waits in that identifier's outbox until it is too old or too many
 * wait.
 * All calls happen behind the engine's door. Pure: time is an argument, delivery a callback.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSH_H
#define PUSH_H

#include "base/base.h"

/* One encoded message, shared by all that receive it. */
struct push_msg {
    int refs; /* atomic */
    uint8_t intervention_id[16];
    uint64_t seq; /* with index: the SSE id, <epoch>-<seq>.<index> is written by api/ */
    uint32_t index;
    int64_t expires_ms;
    struct str name;    /* the intervention's */
    struct str key, id; /* the target */
    struct str json;    /* one line */
};
/* Copies everything. One reference is the caller's. */
struct push_msg *push_msg_new(const struct push_msg *proto);
struct push_msg *push_msg_ref(struct push_msg *m);
void push_msg_unref(struct push_msg *m); /* any thread */

struct push_limits {
    int64_t keep_ms;    /* an undelivered message waits so long: default 1 hour */
    uint32_t keep_each; /* undelivered messages of one identifier: default 32; the oldest goes */
    uint32_t keep_all;  /* undelivered messages in all: default 100,000 */
};
extern const struct push_limits push_limits_default;
/* Hands a message to a subscriber's front; takes its own reference if it keeps it. One without a text is a position: all up
 * to there has been delivered. */
typedef void push_deliver_fn(void *ctx, unsigned front, uint64_t stream, struct push_msg *m);

struct push;
struct push *push_new(const struct push_limits *limits, push_deliver_fn *deliver, void *ctx);
void push_free(struct push *p);
struct push_target {
    struct str key, id;
};
/* stream: unique. after_seq, after_index: what the subscriber has had (Last-Event-ID), 0 when it says nothing. Delivers what
 * it lacks, oldest first: see outbox.c. Returns how many it delivered. */
size_t push_subscribe(struct push *p, unsigned front, uint64_t stream,
                      const struct push_target *targets, size_t n, uint64_t after_seq,
                      uint32_t after_index, int64_t now_ms);
/* Tells a subscriber that it has had all up to there. */
void push_position(struct push *p, unsigned front, uint64_t stream, uint64_t seq, uint32_t index);
void push_unsubscribe(struct push *p, uint64_t stream);
/* The messages of one firing, to one visitor known by several identifiers. Returns how many subscribers received one. */
size_t push_publish(struct push *p, struct push_msg *const *msgs, size_t n, int64_t now_ms);
void push_expire(struct push *p, int64_t now_ms);
size_t push_waiting(const struct push *p);
/* -- each.c: the messages of one intervention that was pushed to several identifiers, each perhaps a visitor of its own */
enum push_outcome {
    PUSH_LOST,    /* nobody listens, and nothing is kept */
    PUSH_WAITS,   /* nobody has had it yet */
    PUSH_RECEIVED /* somebody has, now or when it was pushed before */
};
enum push_outcome push_each(struct push *p, struct push_msg *const *msgs, size_t n, int64_t now_ms);
/* -- save.c: what is kept, for a restart. push_capture only counts references; the rest needs no door. */
struct push_capture;
struct push_capture *push_capture(const struct push *p);
void push_capture_write(const struct push_capture *c, struct buf *out);
void push_capture_free(struct push_capture *c);
/* Into an empty one: what was kept is kept again, delivered or not, copies of one firing together. false: it makes no sense. */
bool push_restore(struct push *p, struct unpack *in);
uint64_t push_digest(const struct push *p); /* of what waits, for replay tests */

#endif
