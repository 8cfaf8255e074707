/* finish.c -- the end that all decoders share: an item becomes an event with its slots filled, or a
 * reject.
 *
 * Until the last step everything is borrowed, from the body or from the decoder; only what the
 * slots hold is then copied, with one allocation, so an item that is rejected leaves nothing but
 * its reason behind.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/finish.h"

#include "evt/clean.h"
#include "evt/enrich.h"
#include "evt/tstamp.h"

#include <stdarg.h>

enum { QUOTE_MAX = 60, REASON_MAX = 400 };

struct str finish_quote(struct str s)
{
    if (s.n <= QUOTE_MAX)
        return s;
    s.n = QUOTE_MAX;
    while (s.n && (s.p[s.n] & 0xc0) == 0x80)
        s.n--;
    return s;
}

/* A reason that concerns one column begins with its name. */
static struct str column_of(const struct evt_decoder *d, const char *why)
{
    const char *colon = strchr(why, ':');
    int column = colon ? names_find(&d->columns, (struct str){why, (size_t)(colon - why)}) : -1;
    return column >= 0 ? str_of(evt_columns[column].name) : (struct str){0};
}

bool finish_refuse(struct finish *f, const char *fmt, ...)
{
    char why[REASON_MAX];
    size_t line = f->item->line;
    struct evt_reject reject = {.index = f->index, .line = line};
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    if (line)
        reject.column = column_of(f->d, why);
    reject.why = arena_printf(&f->out->arena, "%s %zu: %s", line ? "line" : "item",
                              line ? line : f->index, why);
    batch_reject(f->out, reject);
    return false;
}

/* Headers are bytes: those that are no UTF-8 say nothing. */
static void fall_back(struct finish *f, unsigned column, struct str value)
{
    if (value.n && column_set_has(&f->proj->needed, column) &&
        item_get(f->item, column).type == VAL_NULL && utf8_valid(value))
        item_put(f->item, column, val_str(clean_text(value, &f->d->scratch)));
}

/* What the request says where the item itself says nothing: a tracker's request comes from the person
 * it tells of, any other one from somebody's server. */
static void fill_from_request(struct finish *f)
{
    fall_back(f, COL_USER_IPADDRESS, f->meta->ip);
    fall_back(f, COL_USERAGENT, f->meta->useragent);
    fall_back(f, COL_NETWORK_USERID, f->meta->nuid);
    fall_back(f, COL_PAGE_URL, f->meta->referer);
    fall_back(f, COL_V_COLLECTOR, STR("signalbox")); /* a version would make a replay differ */
}

static void escape_page_url(struct finish *f)
{
    struct val url = item_get(f->item, COL_PAGE_URL);
    if (url.type == VAL_STR)
        item_put(f->item, COL_PAGE_URL,
                 val_str(url_escape_blanks(val_as_str(url), &f->d->scratch)));
}

static const int64_t *time_of(const struct finish *f, unsigned column, struct val *v)
{
    *v = item_get(f->item, column);
    return v->type == VAL_INT ? &v->i : NULL;
}

/* An enriched event that arrives here later keeps the collector's time it brings along. */
static int64_t fill_times(struct finish *f)
{
    struct val v[5];
    const int64_t *collector = time_of(f, COL_COLLECTOR_TSTAMP, &v[0]);
    int64_t collector_ms =
        collector ? MIN_OF(*collector, f->meta->collector_ms) : f->meta->collector_ms;
    struct tstamp_sources s = {.derived = time_of(f, COL_DERIVED_TSTAMP, &v[1]),
                               .true_tstamp = time_of(f, COL_TRUE_TSTAMP, &v[2]),
                               .dvce_created = time_of(f, COL_DVCE_CREATED_TSTAMP, &v[3]),
                               .dvce_sent = time_of(f, COL_DVCE_SENT_TSTAMP, &v[4])};
    int64_t derived_ms = tstamp_derive(&s, collector_ms);
    item_put(f->item, COL_COLLECTOR_TSTAMP, val_int(collector_ms));
    item_put(f->item, COL_DERIVED_TSTAMP, val_int(derived_ms));
    return derived_ms;
}

/* The same request and the same place in it draw the same id. */
static struct str draw_id(struct finish *f)
{
    uint8_t seed[sizeof(f->meta->draw) + 8], hash[16];
    char *text = arena_alloc(&f->d->scratch, 37);
    memcpy(seed, f->meta->draw, sizeof(f->meta->draw));
    for (int i = 0; i < 8; i++)
        seed[sizeof(f->meta->draw) + i] = (uint8_t)((uint64_t)f->index >> 8 * i);
    str_hash128((struct str){(const char *)seed, sizeof(seed)}, hash);
    uuid_mark(hash, 8);
    uuid_format(hash, text);
    return (struct str){text, 36};
}

static uint64_t fill_id(struct finish *f)
{
    struct str id = val_as_str(item_get(f->item, COL_EVENT_ID));
    char small[64], *lower = small;
    if (id.n == 0) {
        id = draw_id(f);
        item_put(f->item, COL_EVENT_ID, val_str(id));
    }
    if (id.n > sizeof(small))
        lower = arena_alloc(&f->d->scratch, id.n);
    for (size_t i = 0; i < id.n; i++)
        lower[i] = (char)(id.p[i] >= 'A' && id.p[i] <= 'Z' ? id.p[i] | 32 : id.p[i]);
    return str_hash((struct str){lower, id.n});
}

static struct str keep(char **at, struct str s)
{
    char *p = *at;
    if (s.n)
        memcpy(p, s.p, s.n);
    *at += s.n;
    return (struct str){p, s.n};
}

/* Slots, their strings and the event's names behind each other. */
static void keep_event(struct finish *f, struct evt *e)
{
    const struct val *from = f->d->slots;
    size_t n_slots = f->proj->n_slots, n_bytes = f->vendor.n + f->name.n + f->version.n;
    for (size_t i = 0; i < n_slots; i++)
        n_bytes += from[i].type == VAL_STR ? from[i].n : 0;
    struct val *slots = arena_alloc(&f->out->arena, n_slots * sizeof(*slots) + n_bytes);
    char *at = (char *)(slots + n_slots);
    for (size_t i = 0; i < n_slots; i++) {
        slots[i] = from[i];
        if (from[i].type == VAL_STR)
            slots[i].s = keep(&at, val_as_str(from[i])).p;
    }
    e->slots = slots;
    e->vendor = keep(&at, f->vendor);
    e->name = keep(&at, f->name);
    e->version = keep(&at, f->version);
}

void item_finish(struct evt_decoder *d, const struct evt_proj *proj, const struct evt_meta *meta,
                 size_t index, struct evt_batch *out)
{
    struct finish f = {
        .d = d, .proj = proj, .meta = meta, .item = &d->item, .index = index, .out = out};
    struct evt e = {0};
    if (d->item.why.n) {
        finish_refuse(&f, "%.*s", STR_FMT(d->item.why));
        return;
    }
    if (proj->n_slots)
        memset(d->slots, 0, proj->n_slots * sizeof(*d->slots));
    if (!finish_parts(&f) || !finish_identity(&f))
        return;
    e.ts_ms = fill_times(&f);
    e.id = fill_id(&f);
    if (d->item.is_tracker)
        fill_from_request(&f);
    escape_page_url(&f);
    if (proj->enrichments)
        enrich_run(d, proj, &d->item);
    for (size_t i = 0; i < proj->n_atomics; i++)
        d->slots[proj->atomics[i].slot] = item_get(&d->item, proj->atomics[i].column);
    keep_event(&f, &e);
    out->evts[out->n++] = e;
}
