/* history.c -- events of the past, from elsewhere: where each source stands.
 *
 * Who feeds a file says with each batch from which of its lines to which; the place moves in the same record as the events, so a
 * feed that broke off goes on exactly behind what was taken, whatever was lost on the way: the answer, the connection, the
 * server. Hashes of what was read so far are the sender's: with them it tells a file that has grown from another one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

#include <stdlib.h>

static struct history_at *find(const struct histories *h, const uint8_t source[16])
{
    for (size_t i = 0; i < h->n; i++)
        if (!memcmp(h->items[i].source, source, 16))
            return &h->items[i];
    return NULL;
}

enum engine_history_said histories_move(struct histories *h, const struct engine_history *to)
{
    struct history_at *at = find(h, to->source);
    if ((at ? at->lines : 0) != to->from)
        return HISTORY_STALE;
    if (!at) {
        if (h->n == ENGINE_HISTORIES)
            return HISTORY_NO_ROOM;
        h->items = xgrow(h->items, h->n, &h->cap, sizeof(*h->items));
        at = &h->items[h->n++];
        memcpy(at->source, to->source, sizeof(at->source));
    }
    at->lines = to->lines;
    at->hash = to->hash;
    return HISTORY_TAKEN;
}

struct histories histories_copy(const struct histories *h)
{
    struct histories copy = {.n = h->n, .cap = h->n};
    if (h->n) {
        copy.items = xcalloc(h->n, sizeof(*copy.items));
        memcpy(copy.items, h->items, h->n * sizeof(*copy.items));
    }
    return copy;
}

void histories_fini(struct histories *h)
{
    free(h->items);
    *h = (struct histories){0};
}

uint64_t histories_digest(const struct histories *h)
{
    return h->n ? str_hash((struct str){(const char *)h->items, h->n * sizeof(*h->items)}) : 0;
}

void history_pack(const struct engine_history *h, struct buf *out)
{
    buf_put(out, h->source, sizeof(h->source));
    pack_uint(out, h->from);
    pack_uint(out, h->lines);
    pack_uint(out, h->hash);
}

void history_unpack(struct unpack *in, struct engine_history *h)
{
    struct str source = unpack_bytes(in, sizeof(h->source));
    if (in->bad)
        return;
    memcpy(h->source, source.p, sizeof(h->source));
    h->from = unpack_uint(in);
    h->lines = unpack_uint(in);
    h->hash = unpack_uint(in);
}

void histories_pack(const struct histories *h, struct buf *out)
{
    pack_uint(out, h->n);
    for (size_t i = 0; i < h->n; i++) {
        const struct history_at *at = &h->items[i];
        buf_put(out, at->source, sizeof(at->source));
        pack_uint(out, at->lines);
        pack_uint(out, at->hash);
    }
}

void histories_unpack(struct unpack *in, struct histories *h)
{
    uint64_t n = unpack_count(in, sizeof(h->items->source) + 2);
    for (uint64_t i = 0; i < n && !in->bad; i++) {
        struct engine_history to = {0};
        struct str source = unpack_bytes(in, sizeof(to.source));
        if (in->bad)
            return;
        memcpy(to.source, source.p, sizeof(to.source));
        to.lines = unpack_uint(in);
        to.hash = unpack_uint(in);
        if (histories_move(h, &to) != HISTORY_TAKEN) /* it is there twice, or there are too many */
            in->bad = true;
    }
}

void engine_history_at(struct engine *e, const uint8_t source[16], uint64_t *lines, uint64_t *hash)
{
    pthread_mutex_lock(&e->door);
    const struct history_at *at = find(&e->histories, source);
    *lines = at ? at->lines : 0;
    *hash = at ? at->hash : 0;
    pthread_mutex_unlock(&e->door);
}

void engine_batch_history(struct engine_batch *b, const struct engine_history *h)
{
    b->history = arena_alloc(&b->arena, sizeof(*h));
    *b->history = *h;
}
