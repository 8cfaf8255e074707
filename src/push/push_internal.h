/* push_internal.h -- how subscribers, identifiers and kept messages hang together; for the files of push/ only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSH_INTERNAL_H
#define PUSH_INTERNAL_H

#include "push/push.h"

/* A place in a list that goes round; the list itself is one too. */
struct link {
    struct link *prev, *next;
};
#define LINK_OF(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

static inline void link_init(struct link *l)
{
    l->prev = l->next = l;
}

static inline void link_before(struct link *where, struct link *l)
{
    l->prev = where->prev;
    l->next = where;
    where->prev->next = l;
    where->prev = l;
}

static inline void link_del(struct link *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    link_init(l);
}

/* One (attribute key, identifier): lives as long as somebody listens for it or something is kept for it. */
struct target {
    struct str name;  /* key, NUL, identifier: the map's key; its bytes stand behind the struct */
    struct link ears; /* struct ear, in order of subscription */
    struct link held; /* struct held, oldest first */
    size_t n_held;
};
struct sub {
    uint64_t stream;
    uint64_t given; /* the last publishing it received something of: see push.serial */
    unsigned front;
    size_t n_ears;
    struct ear {
        struct link in_target;
        struct target *target;
        struct sub *sub;
    } ears[];
};
/* A message kept for one target: undelivered, or delivered and kept for those who resume with a Last-Event-ID. */
struct held {
    struct heap_item due;
    struct push_msg *msg;
    struct target *target;
    struct link in_target, in_all; /* in_all: of push.waiting or push.delivered */
    struct link copies;            /* the same firing's for other targets */
    uint64_t firing; /* the tie of the first copy: those of one firing come one behind the other */
    uint64_t turn;   /* of those delivered: which of them came first */
    bool delivered;
};
struct push {
    struct push_limits limits;
    push_deliver_fn *deliver;
    void *ctx;
    struct map targets, subs;
    struct link waiting, delivered; /* struct held, oldest first */
    size_t n_waiting, n_delivered;
    struct heap due;
    uint64_t serial; /* counts publishings: each subscriber receives one message of one at most */
    uint64_t tie, turn;
};

/* msg.c: are they of one intervention? */
bool msg_same(const struct push_msg *a, const struct push_msg *b);

/* subs.c */
struct target *target_touch(struct push *p, struct str key, struct str id);
/* NULL: nobody, nothing */
struct target *target_find(const struct push *p, struct str key, struct str id);
void target_drop_unused(struct push *p, struct target *t);

/* outbox.c */
/* Keeps a message for its target, unless the limits keep nothing. The copies of one firing are chained by `before`: NULL for
 * the first of them, then what this returned. Nothing is dropped yet: outbox_trim follows for each. */
struct held *outbox_hold(struct push *p, struct push_msg *m, struct held *before, bool delivered,
                         int64_t now_ms);
/* The same, whatever the limits say, until due_ms. */
struct held *outbox_keep(struct push *p, struct push_msg *m, struct held *before, bool delivered,
                         int64_t due_ms);
/* It goes to the end of those delivered, unless it is among them. */
void outbox_mark_delivered(struct push *p, struct held *h);
/* Drops what is too much for this target, and in all. */
void outbox_trim(struct push *p, struct str key, struct str id);
/* Everything kept for these subscribed targets that a subscriber who has had (after_seq, after_index) lacks. */
size_t outbox_replay(struct push *p, struct sub *s, uint64_t after_seq, uint32_t after_index);
void outbox_drop(struct push *p, struct held *h);

#endif
