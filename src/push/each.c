/* each.c -- one intervention pushed to several identifiers, each perhaps a visitor of its own.
 *
 * Whoever pushes may lose the answer and push again. So what the outbox still holds, delivered or not, is not published a
 * second time under the same intervention_id; and a subscriber that listens where the intervention was delivered before does
 * not receive it by another of its identifiers. What the outbox has let go of is not known any more.
 * SPDX-License-Identifier: Apache-2.0 */
#include "push/push_internal.h"

/* NULL: nothing of this intervention is kept for the target. */
static struct held *find_held(const struct target *t, const struct push_msg *m)
{
    for (struct link *l = t ? t->held.next : NULL; l && l != &t->held; l = l->next)
        if (msg_same(LINK_OF(l, struct held, in_target)->msg, m))
            return LINK_OF(l, struct held, in_target);
    return NULL;
}

static bool has_had(const struct sub *s, const struct push_msg *m)
{
    for (size_t i = 0; i < s->n_ears; i++) {
        const struct held *h = find_held(s->ears[i].target, m);
        if (h && h->delivered)
            return true;
    }
    return false;
}

/* Hands m to those who listen for its target and have not had its like. false: nobody listens. */
static bool hand(struct push *p, struct target *t, struct push_msg *m)
{
    if (!t || !p->deliver)
        return false;
    for (struct link *l = t->ears.next; l != &t->ears; l = l->next) {
        struct sub *s = LINK_OF(l, struct ear, in_target)->sub;
        if (s->given == p->serial || has_had(s, m))
            continue;
        s->given = p->serial;
        p->deliver(p->ctx, s->front, s->stream, m);
    }
    return t->ears.next != &t->ears;
}

enum push_outcome push_each(struct push *p, struct push_msg *const *msgs, size_t n, int64_t now_ms)
{
    enum push_outcome outcome = PUSH_LOST;
    push_expire(p, now_ms);
    p->serial++;
    for (size_t i = 0; i < n; i++) {
        struct target *t = target_find(p, msgs[i]->key, msgs[i]->id);
        struct held *before = find_held(t, msgs[i]);
        bool received = (before && before->delivered) || hand(p, t, msgs[i]);
        if (!before)
            outbox_hold(p, msgs[i], NULL, received, now_ms);
        else if (received) /* it waited though somebody listens, who had resumed behind it */
            outbox_mark_delivered(p, before);
        if (received)
            outcome = PUSH_RECEIVED;
    }
    for (size_t i = 0; i < n; i++)
        outbox_trim(p, msgs[i]->key, msgs[i]->id);
    for (size_t i = 0; i < n && outcome == PUSH_LOST; i++)
        if (find_held(target_find(p, msgs[i]->key, msgs[i]->id), msgs[i]))
            outcome = PUSH_WAITS;
    return outcome;
}
