/* timers.c -- when to look at a rule again although nothing happened: one timer for each rule and set of
 * identifiers that its criteria are read at. Whom it will tell are the identifiers it was armed with last.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

#include <stdlib.h>

void timer_free(struct timer *timer)
{
    free(timer->who);
    free((char *)timer->name.p);
    free(timer);
}

void timers_fini(struct timers *t)
{
    struct str key;
    void *timer;
    for (size_t at = 0; map_next(&t->map, &at, &key, &timer);)
        timer_free(timer);
    map_fini(&t->map);
    stat_add(STAT_TIMERS_PENDING, -(int64_t)t->heap.n);
    heap_fini(&t->heap);
}

/* Length before bytes, so that no two sets of identifiers have the same name. */
static void write_name(struct buf *name, uint32_t rule_id, const struct who *who, size_t n)
{
    buf_put(name, &rule_id, sizeof(rule_id));
    for (size_t i = 0; i < n; i++) {
        buf_put(name, &who[i].key_id, sizeof(who[i].key_id));
        buf_put(name, &who[i].id.n, sizeof(who[i].id.n));
        buf_put(name, who[i].id.p, who[i].id.n);
    }
}

static bool same_who(const struct timer *timer, const struct who *who, size_t n)
{
    bool same = timer->n == n;
    for (size_t i = 0; same && i < n; i++)
        same = timer->who[i].key_id == who[i].key_id && str_eq(timer->who[i].id, who[i].id);
    return same;
}

static void copy_who(struct timer *timer, const struct who *who, size_t n)
{
    size_t bytes = n * sizeof(*who);
    free(timer->who);
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
}

static struct timer *timer_new(uint32_t rule_id, size_t n_read, const struct buf *name)
{
    struct timer *timer = xcalloc(1, sizeof(*timer));
    char *copy = xmalloc(name->n);
    memcpy(copy, name->p, name->n);
    timer->name = (struct str){copy, name->n};
    timer->rule_id = rule_id;
    timer->n_read = n_read;
    timer->item.pos = SIZE_MAX;
    timer->item.tie = str_hash(timer->name);
    return timer;
}

void timers_set(struct timers *t, uint32_t rule_id, const struct who *who, size_t n_read, size_t n,
                int64_t due_ms)
{
    struct buf name = {0};
    write_name(&name, rule_id, who, n_read);
    struct timer *timer = map_get(&t->map, buf_str(&name));
    if (timer && due_ms == INT64_MAX) {
        map_del(&t->map, timer->name);
        heap_del(&t->heap, &timer->item);
        timer_free(timer);
        stat_add(STAT_TIMERS_PENDING, -1);
    } else if (due_ms != INT64_MAX) {
        if (!timer) {
            timer = timer_new(rule_id, n_read, &name);
            map_put(&t->map, timer->name, timer);
            stat_add(STAT_TIMERS_PENDING, 1);
        }
        if (!same_who(timer, who, n))
            copy_who(timer, who, n);
        timer->item.due_ms = due_ms;
        heap_put(&t->heap, &timer->item);
    }
    buf_fini(&name);
}

void timers_hasten(struct timers *t, bool (*wanted)(const void *ctx, uint32_t rule_id),
                   const void *ctx, int64_t now_ms)
{
    struct str name;
    void *value;
    for (size_t at = 0; map_next(&t->map, &at, &name, &value);) {
        struct timer *timer = value;
        if (timer->item.due_ms <= now_ms || !wanted(ctx, timer->rule_id))
            continue;
        timer->item.due_ms = now_ms;
        heap_put(&t->heap, &timer->item);
    }
}

struct timer *timers_take(struct timers *t, int64_t now_ms)
{
    struct heap_item *first = heap_min(&t->heap);
    if (!first || first->due_ms > now_ms)
        return NULL;
    struct timer *timer = (struct timer *)((char *)first - offsetof(struct timer, item));
    heap_del(&t->heap, first);
    map_del(&t->map, timer->name);
    stat_add(STAT_TIMERS_PENDING, -1);
    return timer;
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
