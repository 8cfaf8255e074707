/* enrich.h -- columns that are worked out from others, when somebody asks for them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EVT_ENRICH_H
#define EVT_ENRICH_H

#include "evt/item.h"
#include "evt/url.h"

struct enrich {
    struct evt_decoder *d;
    struct item *item;
    struct url page, refr; /* empty unless the item has one that can be read */
};
/* Runs the enrichments that the bits name: they fill columns that the item does not bring itself.
 */
void enrich_run(struct evt_decoder *d, struct item *item, uint32_t bits);
/* Which enrichments the needed columns call for; adds to the set what those in turn need. */
uint32_t enrich_plan(struct column_set *needed);
/* Fills a column unless it is there or value is empty. */
void enrich_put(struct item *item, unsigned column, struct str value);

/* campaign.c */
void enrich_campaign(struct enrich *e);
void enrich_cross_domain(struct enrich *e);
/* referer.c */
void enrich_referer(struct enrich *e);

#endif
