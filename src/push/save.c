/* save.c -- what is kept for identifiers, as bytes and back: a restart must not lose what nobody has had yet.
 *
 * Two orders must survive. That in which messages came decides what is replayed and dropped first, and is the order of the
 * bytes; the copies of one firing come one behind the other, and all but the first say so. That in which they were delivered
 * decides which of the delivered makes room first; it follows as a list.
 *
 * Taking a capture happens behind the engine's door, so it only counts references, and asks for memory ahead of its need;
 * sorting and writing are done with what was taken, by any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#include "push/push_internal.h"

#include <stdlib.h>

enum { PUSH_FORMAT = 1, MESSAGE_BYTES_MIN = 16 + 9, LOOK_AHEAD = 16 };
enum { IS_DELIVERED = 1, IS_COPY = 2 }; /* a message's flags */

struct captured {
    struct push_msg *msg; /* a reference */
    int64_t due_ms;
    uint64_t tie, firing, turn;
    bool delivered;
};
struct push_capture {
    size_t n;
    struct captured items[]; /* in no order */
};

struct push_capture *push_capture(const struct push *p)
{
    size_t n = p->due.n;
    struct heap_item *const *due = p->due.items;
    struct push_capture *c = xmalloc(sizeof(*c) + n * sizeof(c->items[0]));
    c->n = n;
    for (size_t i = 0; i < n; i++) {
        if (i + 2 * LOOK_AHEAD < n) {
            __builtin_prefetch(due[i + 2 * LOOK_AHEAD]);
            __builtin_prefetch(&LINK_OF(due[i + 2 * LOOK_AHEAD], struct held, due)->firing);
            __builtin_prefetch(LINK_OF(due[i + LOOK_AHEAD], struct held, due)->msg, 1);
        }
        const struct held *h = LINK_OF(due[i], struct held, due);
        c->items[i] = (struct captured){
            push_msg_ref(h->msg), h->due.due_ms, h->due.tie, h->firing, h->turn, h->delivered};
    }
    return c;
}

void push_capture_free(struct push_capture *c)
{
    for (size_t i = 0; c && i < c->n; i++)
        push_msg_unref(c->items[i].msg);
    free(c);
}

static int by_tie(const void *a, const void *b)
{
    const struct captured *x = *(const struct captured *const *)a,
                          *y = *(const struct captured *const *)b;
    return x->tie < y->tie ? -1 : x->tie > y->tie;
}

struct delivery {
    uint64_t turn;
    size_t at; /* the message's place */
};

static int by_turn(const void *a, const void *b)
{
    const struct delivery *x = a, *y = b;
    return x->turn < y->turn ? -1 : x->turn > y->turn;
}

static void write_message(const struct captured *m, bool copy, struct buf *out)
{
    const struct push_msg *msg = m->msg;
    buf_put(out, msg->intervention_id, sizeof(msg->intervention_id));
    pack_uint(out, msg->seq);
    pack_uint(out, msg->index);
    pack_int(out, msg->expires_ms);
    pack_int(out, m->due_ms);
    pack_uint(out, (m->delivered ? IS_DELIVERED : 0) | (copy ? IS_COPY : 0));
    pack_str(out, msg->name);
    pack_str(out, msg->key);
    pack_str(out, msg->id);
    pack_str(out, msg->json);
}

void push_capture_write(const struct push_capture *c, struct buf *out)
{
    const struct captured **order = xcalloc(c->n + 1, sizeof(const struct captured *));
    struct delivery *delivered = xcalloc(c->n + 1, sizeof(*delivered));
    size_t n_delivered = 0;
    for (size_t i = 0; i < c->n; i++)
        order[i] = &c->items[i];
    qsort(order, c->n, sizeof(const struct captured *), by_tie);
    pack_uint(out, PUSH_FORMAT);
    pack_uint(out, c->n);
    for (size_t i = 0; i < c->n; i++) {
        write_message(order[i], i && order[i - 1]->firing == order[i]->firing, out);
        if (order[i]->delivered)
            delivered[n_delivered++] = (struct delivery){order[i]->turn, i};
    }
    qsort(delivered, n_delivered, sizeof(*delivered), by_turn);
    for (size_t i = 0; i < n_delivered; i++)
        pack_uint(out, delivered[i].at);
    free(delivered);
    free(order);
}

/* -- back: all is read and checked before anything is kept */
struct kept {
    struct push_msg proto; /* borrows its texts */
    int64_t due_ms;
    bool delivered, copy, listed;
    struct held *held;
};

static bool read_message(struct unpack *in, struct kept *k)
{
    struct push_msg *m = &k->proto;
    struct str id = unpack_bytes(in, sizeof(m->intervention_id));
    if (id.n)
        memcpy(m->intervention_id, id.p, id.n);
    m->seq = unpack_uint(in);
    uint64_t index = unpack_uint(in);
    m->expires_ms = unpack_int(in);
    k->due_ms = unpack_int(in);
    uint64_t flags = unpack_uint(in);
    m->name = unpack_str(in);
    m->key = unpack_str(in);
    m->id = unpack_str(in);
    m->json = unpack_str(in);
    m->index = (uint32_t)index;
    k->delivered = flags & IS_DELIVERED;
    k->copy = flags & IS_COPY;
    return !in->bad && index <= UINT32_MAX && flags <= (IS_DELIVERED | IS_COPY) && m->key.n &&
           !memchr(m->key.p, 0, m->key.n);
}

/* The list of those delivered names each of them once and nothing else. */
static bool read_delivered(struct unpack *in, struct kept *all, size_t n, size_t *list,
                           size_t n_list)
{
    for (size_t i = 0; i < n_list; i++) {
        uint64_t at = unpack_uint(in);
        if (in->bad || at >= n || !all[at].delivered || all[at].listed)
            return false;
        all[at].listed = true;
        list[i] = (size_t)at;
    }
    return true;
}

static void keep_all(struct push *p, struct kept *all, size_t n, const size_t *delivered,
                     size_t n_delivered)
{
    for (size_t i = 0; i < n; i++) {
        struct push_msg *m = push_msg_new(&all[i].proto);
        all[i].held = outbox_keep(p, m, all[i].copy ? all[i - 1].held : NULL, false, all[i].due_ms);
        push_msg_unref(m);
    }
    for (size_t i = 0; i < n_delivered; i++)
        outbox_mark_delivered(p, all[delivered[i]].held);
    for (size_t i = 0; i < n; i++) /* the limits may be smaller than they were */
        outbox_trim(p, all[i].proto.key, all[i].proto.id);
}

bool push_restore(struct push *p, struct unpack *in)
{
    bool ok = unpack_uint(in) == PUSH_FORMAT && p->due.n == 0;
    size_t n = ok ? unpack_count(in, MESSAGE_BYTES_MIN) : 0, n_delivered = 0;
    struct kept *all = xcalloc(n + 1, sizeof(*all));
    size_t *delivered = xcalloc(n + 1, sizeof(*delivered));
    ok = ok && !in->bad;
    for (size_t i = 0; i < n && ok; i++) {
        ok = read_message(in, &all[i]) && (i || !all[i].copy);
        n_delivered += all[i].delivered;
    }
    ok = ok && read_delivered(in, all, n, delivered, n_delivered);
    if (ok)
        keep_all(p, all, n, delivered, n_delivered);
    free(delivered);
    free(all);
    return ok;
}
