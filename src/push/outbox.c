/* outbox.c -- what is kept for each identifier: messages nobody has had yet, and those a broken stream may have lost.
 *
 * A message waits until somebody who listens for its target comes, until it is too old, or until too many wait. Browsers
 * open a new stream, without a Last-Event-ID, whenever an identifier changes; so a new subscriber gets what was never
 * delivered, and only that: no history.
 *
 * The copies of one firing are for one visitor, known by several identifiers. Once anybody received one of them all count
 * as delivered: the browser that had the copy for its device must not get the one for its account when it signs in. The
 * price: of a visitor's two devices, one that is away when the message comes does not get it later.
 *
 * What was pushed to several identifiers may be for as many visitors, so each copy waits for its own. Who listens for two of
 * them receives one, and both count as delivered.
 *
 * Delivered messages are kept within the same limits, but make room first. A subscriber that says what it had last gets
 * everything newer, delivered or not, since a stream can break with messages under way; saying the same once more, it gets
 * the same once more. What it skips that way still waits for others.
 * SPDX-License-Identifier: Apache-2.0 */
#include "push/push_internal.h"

#include <stdlib.h>

void outbox_drop(struct push *p, struct held *h)
{
    struct target *t = h->target;
    heap_del(&p->due, &h->due);
    link_del(&h->in_target);
    link_del(&h->in_all);
    link_del(&h->copies);
    if (h->delivered)
        p->n_delivered--;
    else {
        p->n_waiting--;
        stat_add(STAT_MESSAGES_EXPIRED, 1);
    }
    t->n_held--;
    target_drop_unused(p, t);
    push_msg_unref(h->msg);
    free(h);
}

/* The one of a target's that must go: its oldest delivered one, or else its oldest. */
static struct held *least_wanted(struct target *t)
{
    for (struct link *l = t->held.next; l != &t->held; l = l->next)
        if (LINK_OF(l, struct held, in_target)->delivered)
            return LINK_OF(l, struct held, in_target);
    return LINK_OF(t->held.next, struct held, in_target);
}

void outbox_trim(struct push *p, struct str key, struct str id)
{
    struct target *t = target_find(p, key, id);
    while (t && t->n_held > p->limits.keep_each) {
        bool last = t->n_held == 1;
        outbox_drop(p, least_wanted(t));
        t = last ? NULL : t;
    }
    while (p->n_waiting + p->n_delivered > p->limits.keep_all) {
        struct link *oldest = p->n_delivered ? p->delivered.next : p->waiting.next;
        outbox_drop(p, LINK_OF(oldest, struct held, in_all));
    }
}

struct held *outbox_keep(struct push *p, struct push_msg *m, struct held *before, bool delivered,
                         int64_t due_ms)
{
    struct held *h = xcalloc(1, sizeof(*h));
    h->target = target_touch(p, m->key, m->id);
    h->msg = push_msg_ref(m);
    h->delivered = delivered;
    h->turn = delivered ? p->turn++ : 0;
    h->firing = before ? before->firing : p->tie;
    h->due = (struct heap_item){.due_ms = due_ms, .tie = p->tie++, .pos = SIZE_MAX};
    link_init(&h->copies);
    if (before)
        link_before(&before->copies, &h->copies);
    link_before(&h->target->held, &h->in_target);
    link_before(delivered ? &p->delivered : &p->waiting, &h->in_all);
    h->target->n_held++;
    *(delivered ? &p->n_delivered : &p->n_waiting) += 1;
    heap_put(&p->due, &h->due);
    return h;
}

struct held *outbox_hold(struct push *p, struct push_msg *m, struct held *before, bool delivered,
                         int64_t now_ms)
{
    int64_t due = p->limits.keep_ms > INT64_MAX - now_ms ? INT64_MAX : now_ms + p->limits.keep_ms;
    if (m->expires_ms > 0)
        due = MIN_OF(due, m->expires_ms);
    if (due <= now_ms || p->limits.keep_each == 0 || p->limits.keep_all == 0) {
        if (!delivered)
            stat_add(STAT_MESSAGES_EXPIRED, 1);
        return before;
    }
    return outbox_keep(p, m, before, delivered, due);
}

void outbox_mark_delivered(struct push *p, struct held *h)
{
    if (h->delivered)
        return;
    h->delivered = true;
    h->turn = p->turn++;
    link_del(&h->in_all);
    link_before(&p->delivered, &h->in_all);
    p->n_waiting--;
    p->n_delivered++;
}

static int by_age(const struct held *x, const struct held *y)
{
    if (x->msg->seq != y->msg->seq)
        return x->msg->seq < y->msg->seq ? -1 : 1;
    if (x->msg->index != y->msg->index)
        return x->msg->index < y->msg->index ? -1 : 1;
    return x->due.tie < y->due.tie ? -1 : x->due.tie > y->due.tie;
}

static int by_intervention(const void *a, const void *b)
{
    const struct held *x = *(struct held *const *)a, *y = *(struct held *const *)b;
    int order = memcmp(x->msg->intervention_id, y->msg->intervention_id, 16);
    return order ? order : by_age(x, y);
}

/* All that is kept for a subscriber's targets, each intervention's together, oldest first. */
static struct held **gather(const struct sub *s, size_t *n)
{
    struct held **all = NULL;
    size_t cap = 0;
    *n = 0;
    for (size_t i = 0; i < s->n_ears; i++) {
        struct link *held = &s->ears[i].target->held;
        for (struct link *l = held->next; l != held; l = l->next) {
            all = xgrow(all, *n, &cap, sizeof(*all));
            all[(*n)++] = LINK_OF(l, struct held, in_target);
        }
    }
    if (*n)
        qsort(all, *n, sizeof(*all), by_intervention);
    return all;
}

/* Is it newer than what a subscriber has had? Not when a copy of it is that very thing. */
static bool newer(struct held *h, uint64_t after_seq, uint32_t after_index)
{
    for (struct link *l = h->copies.next;; l = l->next) {
        const struct held *copy = LINK_OF(l, struct held, copies);
        const struct push_msg *m = copy->msg;
        if (m->seq < after_seq || (m->seq == after_seq && m->index <= after_index))
            return false;
        if (copy == h)
            return true;
    }
}

/* What is kept of one intervention for one subscriber's targets: it receives the oldest. */
struct group {
    struct held **items;
    size_t n;
};

static bool lacks(const struct group *g, uint64_t after_seq, uint32_t after_index)
{
    for (size_t i = 0; i < g->n; i++)
        if (after_seq ? !newer(g->items[i], after_seq, after_index) : g->items[i]->delivered)
            return false;
    return true;
}

static int by_oldest(const void *a, const void *b)
{
    return by_age(((const struct group *)a)->items[0], ((const struct group *)b)->items[0]);
}

/* Delivers it; all that is kept of it for these targets, and copies for others, count as delivered. */
static void give(struct push *p, struct sub *s, const struct group *g)
{
    p->deliver(p->ctx, s->front, s->stream, g->items[0]->msg);
    for (size_t i = 0; i < g->n; i++)
        for (struct link *l = g->items[i]->copies.next;; l = l->next) {
            struct held *copy = LINK_OF(l, struct held, copies);
            outbox_mark_delivered(p, copy);
            if (copy == g->items[i])
                break;
        }
}

size_t outbox_replay(struct push *p, struct sub *s, uint64_t after_seq, uint32_t after_index)
{
    size_t n, n_lacking = 0;
    if (!p->deliver)
        return 0;
    struct held **all = gather(s, &n);
    struct group *lacking = xcalloc(n + 1, sizeof(*lacking));
    for (size_t i = 0; i < n;) {
        struct group g = {all + i, 1};
        while (i + g.n < n && msg_same(all[i]->msg, all[i + g.n]->msg))
            g.n++;
        if (lacks(&g, after_seq, after_index))
            lacking[n_lacking++] = g;
        i += g.n;
    }
    qsort(lacking, n_lacking, sizeof(*lacking), by_oldest);
    for (size_t i = 0; i < n_lacking; i++)
        give(p, s, &lacking[i]);
    free(lacking);
    free(all);
    return n_lacking;
}

void push_expire(struct push *p, int64_t now_ms)
{
    struct heap_item *item;
    while ((item = heap_min(&p->due)) && item->due_ms <= now_ms)
        outbox_drop(p, LINK_OF(item, struct held, due));
}

size_t push_waiting(const struct push *p)
{
    return p->n_waiting;
}

uint64_t push_digest(const struct push *p)
{
    uint64_t digest = 0;
    for (struct link *l = p->waiting.next; l != &p->waiting; l = l->next) {
        const struct held *h = LINK_OF(l, struct held, in_all);
        uint64_t parts[] = {digest,
                            str_hash(h->target->name),
                            str_hash((struct str){(const char *)h->msg->intervention_id, 16}),
                            str_hash(h->msg->json),
                            h->msg->seq,
                            h->msg->index,
                            (uint64_t)h->due.due_ms};
        digest = str_hash((struct str){(const char *)parts, sizeof(parts)});
    }
    return digest;
}
