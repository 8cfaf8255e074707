/* heap.c -- the earliest of many: a binary heap whose items know their place, so that one in the middle can be taken out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <stdlib.h>

void heap_fini(struct heap *h)
{
    free(h->items);
    *h = (struct heap){0};
}

static bool before(const struct heap_item *a, const struct heap_item *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->tie < b->tie;
}

static void place(struct heap *h, size_t pos, struct heap_item *item)
{
    h->items[pos] = item;
    item->pos = pos;
}

static void settle(struct heap *h, size_t pos, struct heap_item *item)
{
    for (size_t up; pos > 0 && before(item, h->items[up = (pos - 1) / 2]); pos = up)
        place(h, pos, h->items[up]);
    for (size_t down; (down = 2 * pos + 1) < h->n; pos = down) {
        if (down + 1 < h->n && before(h->items[down + 1], h->items[down]))
            down++;
        if (!before(h->items[down], item))
            break;
        place(h, pos, h->items[down]);
    }
    place(h, pos, item);
}

void heap_put(struct heap *h, struct heap_item *item)
{
    if (item->pos == SIZE_MAX) {
        h->items = xgrow(h->items, h->n, &h->cap, sizeof(*h->items));
        item->pos = h->n++;
    }
    settle(h, item->pos, item);
}

void heap_del(struct heap *h, struct heap_item *item)
{
    size_t pos = item->pos;
    if (pos == SIZE_MAX)
        return;
    item->pos = SIZE_MAX;
    struct heap_item *last = h->items[--h->n];
    if (last != item)
        settle(h, pos, last);
}

struct heap_item *heap_min(const struct heap *h)
{
    return h->n ? h->items[0] : NULL;
}
