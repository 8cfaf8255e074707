/* msg.c -- a message: encoded once, counted, shared by all that receive it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "push/push_internal.h"

#include <stdlib.h>

static struct str put(char **at, struct str s)
{
    char *p = *at;
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    *at = p + s.n + 1;
    return (struct str){p, s.n};
}

struct push_msg *push_msg_new(const struct push_msg *proto)
{
    size_t n = proto->name.n + proto->key.n + proto->id.n + proto->json.n + 4;
    struct push_msg *m = xmalloc(sizeof(*m) + n);
    char *at = (char *)(m + 1);
    *m = *proto;
    m->refs = 1;
    m->name = put(&at, proto->name);
    m->key = put(&at, proto->key);
    m->id = put(&at, proto->id);
    m->json = put(&at, proto->json);
    return m;
}

struct push_msg *push_msg_ref(struct push_msg *m)
{
    __atomic_add_fetch(&m->refs, 1, __ATOMIC_RELAXED);
    return m;
}

void push_msg_unref(struct push_msg *m)
{
    if (m && __atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL) == 0)
        free(m);
}

bool msg_same(const struct push_msg *a, const struct push_msg *b)
{
    return memcmp(a->intervention_id, b->intervention_id, sizeof(a->intervention_id)) == 0;
}
