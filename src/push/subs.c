/* subs.c -- who listens for which identifiers, and who gets a message.
 *
 * A subscriber is one stream that named one or more targets; a target is known while somebody listens for it or something
 * is kept for it, so identifiers that come and go cost nothing. Messages go to subscribers in the order in which they
 * subscribed: with the same calls, the same deliveries.
 * SPDX-License-Identifier: Apache-2.0 */
#include "push/push_internal.h"

#include <stdlib.h>

const struct push_limits push_limits_default = {
    .keep_ms = 3600 * 1000,
    .keep_each = 32,
    .keep_all = 100000,
};

struct push *push_new(const struct push_limits *limits, push_deliver_fn *deliver, void *ctx)
{
    struct push *p = xcalloc(1, sizeof(*p));
    p->limits = limits ? *limits : push_limits_default;
    p->deliver = deliver;
    p->ctx = ctx;
    map_init(&p->targets);
    map_init(&p->subs);
    link_init(&p->waiting);
    link_init(&p->delivered);
    return p;
}

static struct str stream_key(const uint64_t *stream)
{
    return (struct str){(const char *)stream, sizeof(*stream)};
}

void push_free(struct push *p)
{
    struct str key;
    void *value;
    if (!p)
        return;
    while (p->due.n)
        outbox_drop(p, LINK_OF(heap_min(&p->due), struct held, due));
    for (size_t i = 0; map_next(&p->subs, &i, &key, &value);)
        free(value);
    for (size_t i = 0; map_next(&p->targets, &i, &key, &value);)
        free(value);
    map_fini(&p->subs);
    map_fini(&p->targets);
    heap_fini(&p->due);
    free(p);
}

/* Writes key, NUL, identifier: an attribute key's name holds no NUL, so two targets never read the same. */
static struct str target_name(char *out, struct str key, struct str id)
{
    memcpy(out, key.p, key.n);
    out[key.n] = 0;
    if (id.n)
        memcpy(out + key.n + 1, id.p, id.n);
    return (struct str){out, key.n + 1 + id.n};
}

struct target *target_find(const struct push *p, struct str key, struct str id)
{
    char small[256], *space = key.n + id.n < sizeof(small) ? small : xmalloc(key.n + id.n + 1);
    struct target *t = map_get(&p->targets, target_name(space, key, id));
    if (space != small)
        free(space);
    return t;
}

struct target *target_touch(struct push *p, struct str key, struct str id)
{
    struct target *t = target_find(p, key, id);
    if (t)
        return t;
    t = xcalloc(1, sizeof(*t) + key.n + id.n + 1);
    t->name = target_name((char *)(t + 1), key, id);
    link_init(&t->ears);
    link_init(&t->held);
    map_put(&p->targets, t->name, t);
    return t;
}

void target_drop_unused(struct push *p, struct target *t)
{
    if (t->ears.next != &t->ears || t->n_held)
        return;
    map_del(&p->targets, t->name);
    free(t);
}

static bool listens(const struct sub *s, const struct target *t)
{
    for (size_t i = 0; i < s->n_ears; i++)
        if (s->ears[i].target == t)
            return true;
    return false;
}

size_t push_subscribe(struct push *p, unsigned front, uint64_t stream,
                      const struct push_target *targets, size_t n, uint64_t after_seq,
                      uint32_t after_index, int64_t now_ms)
{
    push_unsubscribe(p, stream);
    push_expire(p, now_ms);
    struct sub *s = xcalloc(1, sizeof(*s) + n * sizeof(s->ears[0]));
    s->stream = stream;
    s->front = front;
    map_put(&p->subs, stream_key(&stream), s);
    for (size_t i = 0; i < n; i++) {
        struct target *t = target_touch(p, targets[i].key, targets[i].id);
        if (listens(s, t))
            continue;
        struct ear *e = &s->ears[s->n_ears++];
        *e = (struct ear){.target = t, .sub = s};
        link_before(&t->ears, &e->in_target);
    }
    return outbox_replay(p, s, after_seq, after_index);
}

void push_position(struct push *p, unsigned front, uint64_t stream, uint64_t seq, uint32_t index)
{
    struct push_msg *m = push_msg_new(&(struct push_msg){.seq = seq, .index = index});
    if (p->deliver)
        p->deliver(p->ctx, front, stream, m);
    push_msg_unref(m);
}

void push_unsubscribe(struct push *p, uint64_t stream)
{
    struct sub *s = map_del(&p->subs, stream_key(&stream));
    if (!s)
        return;
    for (size_t i = 0; i < s->n_ears; i++) {
        link_del(&s->ears[i].in_target);
        target_drop_unused(p, s->ears[i].target);
    }
    free(s);
}

/* Hands m to those who listen for its target and got none of this firing's messages yet. */
static size_t publish_one(struct push *p, struct push_msg *m)
{
    size_t received = 0;
    struct target *t = target_find(p, m->key, m->id);
    if (!t)
        return 0;
    for (struct link *l = t->ears.next; l != &t->ears; l = l->next) {
        struct sub *s = LINK_OF(l, struct ear, in_target)->sub;
        if (s->given == p->serial)
            continue;
        s->given = p->serial;
        p->deliver(p->ctx, s->front, s->stream, m);
        received++;
    }
    return received;
}

size_t push_publish(struct push *p, struct push_msg *const *msgs, size_t n, int64_t now_ms)
{
    size_t received = 0;
    struct held *first = NULL;
    push_expire(p, now_ms);
    p->serial++;
    if (p->deliver)
        for (size_t i = 0; i < n; i++)
            received += publish_one(p, msgs[i]);
    for (size_t i = 0; i < n; i++)
        first = outbox_hold(p, msgs[i], first, received > 0, now_ms);
    for (size_t i = 0; i < n; i++)
        outbox_trim(p, msgs[i]->key, msgs[i]->id);
    return received;
}
