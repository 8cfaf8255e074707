/* enrich.c -- the table of enrichments, and the two simplest: the parts of URLs.
 *
 * To add one: write its function, add its row with the columns it fills and those it reads, add its
 * test. One that makes an entity says instead who wants it. What the item brought itself, as an
 * enriched event does, is never overwritten.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/enrich.h"

#include "evt/clean.h"

enum { COLUMNS_MAX = 8, NONE = 255 };
struct enrichment {
    void (*run)(struct enrich *e);
    uint8_t reads[3];
    uint8_t fills[COLUMNS_MAX];
    bool (*wanted)(const struct evt_proj *proj); /* NULL: when a column is that it fills */
};

void enrich_put(struct enrich *e, unsigned column, struct str value)
{
    if (!value.n || item_has(e->item, column))
        return;
    value = clean_text(value, &e->d->scratch);
    if (value.n)
        item_put(e->item, column, val_str(value));
}

static void put_url(struct enrich *e, const struct url *url, unsigned scheme_column)
{
    /* the six columns stand side by side, in this order */
    enrich_put(e, scheme_column, url->scheme);
    enrich_put(e, scheme_column + 1, url->host);
    if (url->port >= 0 && !item_has(e->item, scheme_column + 2))
        item_put(e->item, scheme_column + 2, val_int(url->port));
    enrich_put(e, scheme_column + 3, url->path);
    enrich_put(e, scheme_column + 4, url->query);
    enrich_put(e, scheme_column + 5, url->fragment);
}

static void enrich_page_url(struct enrich *e)
{
    put_url(e, &e->page, COL_PAGE_URLSCHEME);
}

static void enrich_refr_url(struct enrich *e)
{
    put_url(e, &e->refr, COL_REFR_URLSCHEME);
}

static const struct enrichment enrichments[] = {
    {enrich_page_url,
     {COL_PAGE_URL, NONE},
     {COL_PAGE_URLSCHEME, COL_PAGE_URLHOST, COL_PAGE_URLPORT, COL_PAGE_URLPATH, COL_PAGE_URLQUERY,
      COL_PAGE_URLFRAGMENT, NONE},
     NULL},
    {enrich_refr_url,
     {COL_PAGE_REFERRER, NONE},
     {COL_REFR_URLSCHEME, COL_REFR_URLHOST, COL_REFR_URLPORT, COL_REFR_URLPATH, COL_REFR_URLQUERY,
      COL_REFR_URLFRAGMENT, NONE},
     NULL},
    {enrich_referer,
     {COL_PAGE_REFERRER, COL_PAGE_URL, NONE},
     {COL_REFR_MEDIUM, COL_REFR_SOURCE, COL_REFR_TERM, NONE},
     NULL},
    {enrich_campaign,
     {COL_PAGE_URL, NONE},
     {COL_MKT_MEDIUM, COL_MKT_SOURCE, COL_MKT_TERM, COL_MKT_CONTENT, COL_MKT_CAMPAIGN,
      COL_MKT_CLICKID, COL_MKT_NETWORK, NONE},
     NULL},
    {enrich_cross_domain,
     {COL_PAGE_URL, NONE},
     {COL_REFR_DOMAIN_USERID, COL_REFR_DVCE_TSTAMP, NONE},
     NULL},
    {enrich_device, {COL_USERAGENT, NONE}, {NONE}, device_wanted},
};
_Static_assert(COL_PAGE_URLFRAGMENT == COL_PAGE_URLSCHEME + 5 &&
                   COL_REFR_URLFRAGMENT == COL_REFR_URLSCHEME + 5,
               "put_url counts on their order");

static bool is_wanted(const struct enrichment *row, const struct evt_proj *proj)
{
    if (row->wanted)
        return row->wanted(proj);
    for (const uint8_t *c = row->fills; *c != NONE; c++)
        if (column_set_has(&proj->needed, *c))
            return true;
    return false;
}

void enrich_plan(struct evt_proj *proj)
{
    proj->enrichments = 0;
    for (unsigned i = 0; i < COUNT_OF(enrichments); i++)
        proj->enrichments |= (uint32_t)is_wanted(&enrichments[i], proj) << i;
    for (unsigned i = 0; i < COUNT_OF(enrichments); i++)
        for (const uint8_t *c = enrichments[i].reads; proj->enrichments >> i & 1 && *c != NONE; c++)
            column_set_add(&proj->needed, *c);
}

/* One bad URL leaves its parts missing; the item stays. */
static void read_url(struct enrich *e, unsigned column, struct url *out)
{
    url_parse(url_escape_blanks(val_as_str(item_get(e->item, column)), &e->d->scratch), out);
}

void enrich_run(struct evt_decoder *d, const struct evt_proj *proj, struct item *item)
{
    struct enrich e = {.d = d, .proj = proj, .item = item};
    read_url(&e, COL_PAGE_URL, &e.page);
    read_url(&e, COL_PAGE_REFERRER, &e.refr);
    for (unsigned i = 0; i < COUNT_OF(enrichments); i++)
        if (proj->enrichments >> i & 1)
            enrichments[i].run(&e);
}
