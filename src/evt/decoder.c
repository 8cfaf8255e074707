/* decoder.c -- what decoders keep from call to call, and the batch they fill.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/device.h"
#include "evt/item.h"

#include <stdlib.h>

struct evt_decoder *evt_decoder_new(const struct evt_referers *refs,
                                    const struct str *internal_domains, size_t n_domains)
{
    struct evt_decoder *d = xcalloc(1, sizeof(*d));
    arena_init(&d->scratch);
    arena_init(&d->kept);
    d->refs = refs;
    d->internal_domains = arena_alloc(&d->kept, n_domains * sizeof(*d->internal_domains));
    d->n_domains = n_domains;
    for (size_t i = 0; i < n_domains; i++)
        d->internal_domains[i] = arena_str(&d->kept, internal_domains[i]);
    d->body = json_parser_new();
    for (int i = 0; i < PARTS; i++)
        d->trees[i] = json_parser_new();
    d->devices = device_cache_new();
    params_init(&d->params);
    names_init(&d->columns);
    for (unsigned i = 0; i < EVT_COLUMNS; i++)
        names_add(&d->columns, evt_columns[i].name, i);
    return d;
}

void evt_decoder_campaign(struct evt_decoder *d, const struct evt_campaign *c)
{
    d->campaign = c;
}

void evt_decoder_free(struct evt_decoder *d)
{
    if (!d)
        return;
    json_parser_free(d->body);
    for (int i = 0; i < PARTS; i++)
        json_parser_free(d->trees[i]);
    device_cache_free(d->devices);
    buf_fini(&d->text);
    arena_fini(&d->scratch);
    arena_fini(&d->kept);
    free(d->slots);
    free(d->seen);
    free(d);
}

void decoder_begin(struct evt_decoder *d, const struct evt_proj *proj)
{
    if (proj->n_slots > d->n_slots_max) {
        d->slots = xrealloc(d->slots, proj->n_slots * sizeof(*d->slots));
        d->n_slots_max = proj->n_slots;
    }
    if (proj->entity.n > d->n_seen_max) {
        d->seen = xrealloc(d->seen, proj->entity.n * sizeof(*d->seen));
        d->n_seen_max = proj->entity.n;
    }
}

struct item *decoder_item(struct evt_decoder *d, bool is_tracker)
{
    struct item *it = &d->item;
    if (d->scratch.n_bytes)
        arena_reset(&d->scratch);
    it->have = (struct column_set){{0}};
    for (int i = 0; i < PARTS; i++)
        it->parts[i].form = PART_ABSENT;
    it->code = it->why = (struct str){0};
    it->line = 0;
    it->is_tracker = is_tracker;
    it->has_tnuid = it->has_device = false;
    return it;
}

void evt_batch_init(struct evt_batch *b)
{
    *b = (struct evt_batch){0};
    arena_init(&b->arena);
}

void evt_batch_fini(struct evt_batch *b)
{
    arena_fini(&b->arena);
    *b = (struct evt_batch){0};
}

void batch_reserve(struct evt_batch *b, size_t n)
{
    struct evt *evts = arena_alloc(&b->arena, (b->n + n) * sizeof(*evts));
    if (b->n)
        memcpy(evts, b->evts, b->n * sizeof(*evts));
    b->evts = evts;
}

/* The array doubles at each power of two, so it needs no capacity beside its length. */
void batch_reject(struct evt_batch *b, struct evt_reject reject)
{
    if ((b->n_rejects & (b->n_rejects - 1)) == 0) {
        struct evt_reject *rejects =
            arena_alloc(&b->arena, (b->n_rejects ? 2 * b->n_rejects : 1) * sizeof(*rejects));
        if (b->n_rejects)
            memcpy(rejects, b->rejects, b->n_rejects * sizeof(*rejects));
        b->rejects = rejects;
    }
    b->rejects[b->n_rejects++] = reject;
}

struct batch_mark batch_mark(const struct evt_batch *b)
{
    return (struct batch_mark){b->evts, b->n, b->rejects, b->n_rejects};
}

void batch_rewind(struct evt_batch *b, struct batch_mark mark)
{
    b->evts = mark.evts;
    b->n = mark.n;
    b->rejects = mark.rejects;
    b->n_rejects = mark.n_rejects;
}
