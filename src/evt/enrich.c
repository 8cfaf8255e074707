/* enrich.c -- the table of enrichments, and the two simplest: the parts of URLs.
 *
 * To add one: write its function, add its row with the columns it fills and those it reads, add its
 * test. Columns that the item brought itself, an enriched event's for instance, are never
 * overwritten.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/enrich.h"

enum { COLUMNS_MAX = 8, NONE = 255 };
struct enrichment {
    void (*run)(struct enrich *e);
    uint8_t reads[3];
    uint8_t fills[COLUMNS_MAX];
};

void enrich_put(struct item *item, unsigned column, struct str value)
{
    if (value.n && !item_has(item, column))
        item_put(item, column, val_str(value));
}

static void put_url(struct item *item, const struct url *url, unsigned scheme_column)
{
    /* the six columns stand side by side, in this order */
    enrich_put(item, scheme_column, url->scheme);
    enrich_put(item, scheme_column + 1, url->host);
    if (url->port >= 0 && !item_has(item, scheme_column + 2))
        item_put(item, scheme_column + 2, val_int(url->port));
    enrich_put(item, scheme_column + 3, url->path);
    enrich_put(item, scheme_column + 4, url->query);
    enrich_put(item, scheme_column + 5, url->fragment);
}

static void enrich_page_url(struct enrich *e)
{
    put_url(e->item, &e->page, COL_PAGE_URLSCHEME);
}

static void enrich_refr_url(struct enrich *e)
{
    put_url(e->item, &e->refr, COL_REFR_URLSCHEME);
}

static const struct enrichment enrichments[] = {
    {enrich_page_url,
     {COL_PAGE_URL, NONE},
     {COL_PAGE_URLSCHEME, COL_PAGE_URLHOST, COL_PAGE_URLPORT, COL_PAGE_URLPATH, COL_PAGE_URLQUERY,
      COL_PAGE_URLFRAGMENT, NONE}},
    {enrich_refr_url,
     {COL_PAGE_REFERRER, NONE},
     {COL_REFR_URLSCHEME, COL_REFR_URLHOST, COL_REFR_URLPORT, COL_REFR_URLPATH, COL_REFR_URLQUERY,
      COL_REFR_URLFRAGMENT, NONE}},
    {enrich_referer,
     {COL_PAGE_REFERRER, COL_PAGE_URL, NONE},
     {COL_REFR_MEDIUM, COL_REFR_SOURCE, COL_REFR_TERM, NONE}},
    {enrich_campaign,
     {COL_PAGE_URL, NONE},
     {COL_MKT_MEDIUM, COL_MKT_SOURCE, COL_MKT_TERM, COL_MKT_CONTENT, COL_MKT_CAMPAIGN,
      COL_MKT_CLICKID, COL_MKT_NETWORK, NONE}},
    {enrich_cross_domain,
     {COL_PAGE_URL, NONE},
     {COL_REFR_DOMAIN_USERID, COL_REFR_DVCE_TSTAMP, NONE}},
};
_Static_assert(COL_PAGE_URLFRAGMENT == COL_PAGE_URLSCHEME + 5 &&
                   COL_REFR_URLFRAGMENT == COL_REFR_URLSCHEME + 5,
               "put_url counts on their order");

uint32_t enrich_plan(struct column_set *needed)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < COUNT_OF(enrichments); i++)
        for (const uint8_t *c = enrichments[i].fills; *c != NONE; c++)
            if (column_set_has(needed, *c))
                bits |= UINT32_C(1) << i;
    for (unsigned i = 0; i < COUNT_OF(enrichments); i++)
        for (const uint8_t *c = enrichments[i].reads; bits >> i & 1 && *c != NONE; c++)
            column_set_add(needed, *c);
    return bits;
}

/* One bad URL leaves its parts missing; the item stays. */
static void read_url(struct enrich *e, unsigned column, struct url *out)
{
    url_parse(url_escape_blanks(val_as_str(item_get(e->item, column)), &e->d->scratch), out);
}

void enrich_run(struct evt_decoder *d, struct item *item, uint32_t bits)
{
    struct enrich e = {.d = d, .item = item};
    read_url(&e, COL_PAGE_URL, &e.page);
    read_url(&e, COL_PAGE_REFERRER, &e.refr);
    for (unsigned i = 0; i < COUNT_OF(enrichments); i++)
        if (bits >> i & 1)
            enrichments[i].run(&e);
}
