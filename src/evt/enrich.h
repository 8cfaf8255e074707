/* enrich.h -- columns and entities that are worked out from other columns, when somebody asks for them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EVT_ENRICH_H
#define EVT_ENRICH_H

#include "evt/item.h"
#include "evt/url.h"

struct enrich {
    struct evt_decoder *d;
    const struct evt_proj *proj;
    struct item *item;
    struct url page, refr; /* empty unless the item has one that can be read */
};
/* Runs the enrichments that the projection calls for: they fill what the item does not bring itself. Its parts have been
 * read. */
void enrich_run(struct evt_decoder *d, const struct evt_proj *proj, struct item *item);
/* Which enrichments the needed columns and the entities call for; adds to the columns what those in turn need. */
void enrich_plan(struct evt_proj *proj);
/* Fills a column unless it is there or nothing is left of value once it is clean. */
void enrich_put(struct enrich *e, unsigned column, struct str value);

/* campaign.c */
void enrich_campaign(struct enrich *e);
void enrich_cross_domain(struct enrich *e);
/* device_entity.c */
bool device_wanted(const struct evt_proj *proj);
void enrich_device(struct enrich *e);
/* referer.c */
void enrich_referer(struct enrich *e);

#endif
