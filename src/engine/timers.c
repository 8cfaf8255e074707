/* timers.c -- when to look at a rule again although nothing happened: one timer for each rule and set of
 * identifiers that its criteria are read at. Whom it will tell are the identifiers it was armed with last.
 *
 * A timer hangs on the profile of the first identifier: they are few a profile, so finding one is a short walk, and they
 * are written back and read again with it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

#include <stdlib.h>

void timer_free(struct timer *timer)
{
    free(timer->who);
    free(timer);
}

static struct timer *timer_of(struct heap_item *item)
{
    return (struct timer *)((char *)item - offsetof(struct timer, item));
}

/* Length before bytes, so that no two sets of identifiers have the same name. */
static uint64_t name_hash(uint32_t rule_id, const struct who *who, size_t n)
{
    struct buf name = {0};
    buf_put(&name, &rule_id, sizeof(rule_id));
    for (size_t i = 0; i < n; i++) {
        buf_put(&name, &who[i].key_id, sizeof(who[i].key_id));
        buf_put(&name, &who[i].id.n, sizeof(who[i].id.n));
        buf_put(&name, who[i].id.p, who[i].id.n);
    }
    uint64_t hash = str_hash(buf_str(&name));
    buf_fini(&name);
    return hash;
}

static bool same_who(const struct timer *timer, const struct who *who, size_t n)
{
    bool same = timer->n >= n;
    for (size_t i = 0; same && i < n; i++)
        same = timer->who[i].key_id == who[i].key_id && str_eq(timer->who[i].id, who[i].id);
    return same;
}

static void copy_who(struct timer *timer, const struct who *who, size_t n)
{
    size_t bytes = n * sizeof(*who);
    struct who *old = timer->who; /* who may be the timer's own */
    for (size_t i = 0; i < n; i++)
        bytes += who[i].id.n;
    timer->who = xmalloc(bytes);
    char *p = (char *)(timer->who + n);
    for (size_t i = 0; i < n; i++) {
        timer->who[i] = (struct who){who[i].key_id, {p, who[i].id.n}};
        memcpy(p, who[i].id.p, who[i].id.n);
        p += who[i].id.n;
    }
    timer->n = n;
    free(old);
}

static struct timer **head_of(struct profile *p)
{
    return (struct timer **)profile_hung(p);
}

static struct timer *timer_new(struct profile *at, uint32_t rule_id, const struct who *who,
                               size_t n_read)
{
    struct timer *timer = xcalloc(1, sizeof(*timer));
    timer->at = at;
    timer->rule_id = rule_id;
    timer->n_read = n_read;
    timer->item.pos = SIZE_MAX;
    timer->item.tie = name_hash(rule_id, who, n_read);
    timer->next = *head_of(at);
    *head_of(at) = timer;
    stat_add(STAT_TIMERS_PENDING, 1);
    return timer;
}

/* From the heap and its profile; the caller has said that the profile changes. */
static void unhang(struct timers *t, struct timer *timer)
{
    struct timer **at = head_of(timer->at);
    while (*at != timer)
        at = &(*at)->next;
    *at = timer->next;
    heap_del(&t->heap, &timer->item);
    stat_add(STAT_TIMERS_PENDING, -1);
}

void timers_take(struct timers *t, struct timer *timer)
{
    store_change(t->store, timer->at);
    unhang(t, timer);
}

static struct timer *find(struct profile *p, uint32_t rule_id, const struct who *who, size_t n_read)
{
    for (struct timer *timer = *head_of(p); timer; timer = timer->next)
        if (timer->rule_id == rule_id && timer->n_read == n_read && same_who(timer, who, n_read))
            return timer;
    return NULL;
}

void timers_set(struct timers *t, uint32_t rule_id, const struct who *who, size_t n_read, size_t n,
                int64_t due_ms)
{
    if (n_read == 0)
        return; /* nobody's: there is nothing that could fade */
    struct profile *p = store_find(t->store, who[0].key_id, who[0].id);
    struct timer *timer = p ? find(p, rule_id, who, n_read) : NULL;
    if (timer && timer->item.due_ms == due_ms && timer->n == n && same_who(timer, who, n))
        return;
    if (due_ms == INT64_MAX) {
        if (timer) {
            timers_take(t, timer);
            timer_free(timer);
        }
        return;
    }
    p = p ? p : store_touch(t->store, who[0].key_id, who[0].id);
    store_change(t->store, p);
    if (!timer)
        timer = timer_new(p, rule_id, who, n_read);
    if (timer->n != n || !same_who(timer, who, n)) {
        copy_who(timer, who, n);
        timer->warm = false;
    }
    timer->item.due_ms = due_ms;
    heap_put(&t->heap, &timer->item);
}

void timers_hasten(struct timers *t, bool (*wanted)(const void *ctx, uint32_t rule_id),
                   const void *ctx, int64_t now_ms)
{
    struct timer **list =
        xcalloc(t->heap.n, sizeof(struct timer *)); /* moving them stirs the heap */
    size_t n = 0;
    for (size_t i = 0; i < t->heap.n; i++) {
        struct timer *timer = timer_of(t->heap.items[i]);
        if (timer->item.due_ms > now_ms && wanted(ctx, timer->rule_id))
            list[n++] = timer;
    }
    for (size_t i = 0; i < n; i++) {
        store_change(t->store, list[i]->at);
        list[i]->item.due_ms = now_ms;
        heap_put(&t->heap, &list[i]->item);
    }
    free(list);
}

struct timer *timers_due(const struct timers *t, int64_t now_ms)
{
    struct heap_item *first = heap_min(&t->heap);
    return first && first->due_ms <= now_ms ? timer_of(first) : NULL;
}

uint64_t timers_digest(const struct timers *t)
{
    uint64_t sum = t->heap.n;
    for (size_t i = 0; i < t->heap.n; i++) {
        const struct heap_item *item = t->heap.items[i];
        int64_t both[] = {item->due_ms, (int64_t)item->tie};
        sum += str_hash((struct str){(const char *)both, sizeof(both)});
    }
    return sum;
}

/* -- as part of a profile's page. The profile's own identifier, mostly the first, is an empty text. */
static void save_one(const struct timer *timer, struct buf *out)
{
    pack_uint(out, timer->rule_id);
    pack_int(out, timer->item.due_ms);
    pack_uint(out, timer->n_read);
    pack_uint(out, timer->n);
    for (size_t i = 0; i < timer->n; i++) {
        bool own = timer->who[i].key_id == profile_key_id(timer->at) &&
                   str_eq(timer->who[i].id, profile_id(timer->at));
        pack_uint(out, timer->who[i].key_id);
        pack_str(out, own ? STR("") : timer->who[i].id);
    }
}

static void save(void *ctx, const void *hung, struct buf *out, int64_t *due_ms, struct buf *what)
{
    size_t n = 0;
    for (const struct timer *timer = hung; timer; timer = timer->next)
        n++;
    pack_uint(out, n);
    for (const struct timer *timer = hung; timer; timer = timer->next) {
        save_one(timer, out);
        *due_ms = MIN_OF(*due_ms, timer->item.due_ms);
        pack_uint(what, timer->rule_id);
    }
}

static bool load_one(struct timers *t, struct profile *p, struct unpack *in)
{
    struct who who[PLAN_RULE_KEYS_MAX];
    uint64_t rule_id = unpack_uint(in);
    int64_t due_ms = unpack_int(in);
    size_t n_read = unpack_uint(in), n = unpack_count(in, 2);
    if (in->bad || rule_id > UINT32_MAX || n > COUNT_OF(who) || n_read == 0 || n_read > n)
        return false;
    for (size_t i = 0; i < n; i++) {
        who[i].key_id = (uint32_t)unpack_uint(in);
        who[i].id = unpack_str(in);
        if (who[i].id.n == 0)
            who[i].id = profile_id(p);
    }
    if (in->bad || find(p, (uint32_t)rule_id, who, n_read))
        return false;
    struct timer *timer = timer_new(p, (uint32_t)rule_id, who, n_read);
    copy_who(timer, who, n);
    timer->item.due_ms = due_ms;
    heap_put(&t->heap, &timer->item);
    return true;
}

static void drop(void *ctx, void *hung)
{
    struct timers *t = ctx;
    for (struct timer *next, *timer = hung; timer; timer = next) {
        next = timer->next;
        heap_del(&t->heap, &timer->item);
        stat_add(STAT_TIMERS_PENDING, -1);
        timer_free(timer);
    }
}

static bool load(void *ctx, struct profile *p, struct unpack *in)
{
    size_t n = unpack_count(in, 4);
    for (size_t i = 0; i < n; i++)
        if (!load_one(ctx, p, in))
            return false;
    return !in->bad;
}

void timers_init(struct timers *t, struct store *store, bool saves)
{
    t->store = store;
    store_hang(store, &(struct store_hooks){t, save, load, drop}, saves);
}

void timers_fini(struct timers *t)
{
    heap_fini(&t->heap);
}
