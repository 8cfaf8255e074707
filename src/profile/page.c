/* page.c -- a profile as bytes, and back: its version, whose it is, a state per series, the event ids it has seen.
 *
 * What hangs on the profile stands behind that: see save.c. A state's series need not be in any plan; its keep must be known.
 * SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"
#include "profile/page.h"

enum { KEEP_BITS = 4 };

void page_save(struct page_out *o, const struct profile *p)
{
    o->buf.n = 0;
    o->time_ms = 0;
    o->n_texts = 0;
    if (++o->page ==
        0) { /* numbers of pages begin again: the texts of an old one must not seem this one's */
        memset(o->texts, 0, sizeof(o->texts));
        o->page = 1;
    }
    put_uint(o, PAGE_VERSION);
    put_uint(o, p->key_id);
    put_uint(o, p->n_id);
    o->id_at = o->buf.n;
    buf_put(&o->buf, p->id, p->n_id);
    put_uint(o, p->n_states);
    uint32_t next = 0; /* the least number that the next series can have */
    for (uint32_t i = 0; i < p->n_states; i++) {
        const struct state *st = &p->states[i];
        put_uint(o, (uint64_t)(st->series - next) << KEEP_BITS | st->keep);
        kind_of(st->keep)->save(o, st);
        next = st->series + 1;
    }
    dedupe_save(o, p->seen);
}

bool page_key(struct page_in *in, uint32_t *key_id, struct str *id)
{
    uint64_t version = get_uint(in), key = get_uint(in);
    *id = unpack_str(&in->u);
    *key_id = (uint32_t)key;
    return (!in->u.bad && version == PAGE_VERSION && key <= UINT32_MAX && id->n <= INT32_MAX) ||
           page_bad(in);
}

static bool state_load(struct page_in *in, struct state *st, uint64_t next)
{
    uint64_t head = get_uint(in), keep = head & ((1u << KEEP_BITS) - 1);
    uint64_t series = (head >> KEEP_BITS) + next;
    if (in->u.bad || series > UINT32_MAX || !kind_known(keep))
        return page_bad(in);
    *st = (struct state){.series = (uint32_t)series, .keep = (uint8_t)keep};
    return kind_of(st->keep)->load(in, st);
}

bool page_load(struct page_in *in, struct profile *p)
{
    size_t n = unpack_count(&in->u, 3);
    if (n > UINT32_MAX)
        return page_bad(in);
    p->cap_states = (uint32_t)n;
    p->states = n ? store_alloc(in->store, n * sizeof(*p->states)) : NULL;
    uint64_t next = 0;
    while (p->n_states < n && state_load(in, &p->states[p->n_states], next))
        next = (uint64_t)p->states[p->n_states++].series + 1;
    if (!in->u.bad && dedupe_load(in, &p->seen))
        return true;
    profile_clear(in->store, p);
    return false;
}
