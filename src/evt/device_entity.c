/* device_entity.c -- the entity nl.basjes/yauaa_context of an event that comes without one.
 *
 * Snowplow's YAUAA enrichment attaches one to every event it takes from a tracker, without a user agent
 * {"deviceClass": "Unknown"}. So does this, when a rule asks for one of its properties; it stands behind the entities that came
 * along, as derived ones do. An event that somebody's server sends gets one only if it says a user agent: what it does not say
 * is not Unknown, and must not take the place of what is known.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/device.h"
#include "evt/enrich.h"

#include <stddef.h>

static const struct iglu schema = {
    .vendor = {"nl.basjes", 9},
    .name = {"yauaa_context", 13},
    .format = {"jsonschema", 10},
    .version = {"1-0-5", 5},
    .vendor_name = {DEVICE_ENTITY, sizeof(DEVICE_ENTITY) - 1},
    .major = 1,
};
static const struct field {
    struct str key;
    size_t offset; /* in struct device */
} fields[] = {
    {{"deviceClass", 11}, offsetof(struct device, device_class)},
    {{"operatingSystemClass", 20}, offsetof(struct device, system_class)},
    {{"operatingSystemName", 19}, offsetof(struct device, system_name)},
    {{"agentClass", 10}, offsetof(struct device, agent_class)},
    {{"agentName", 9}, offsetof(struct device, agent_name)},
};

static const struct field *field_at(const struct evt_path *path)
{
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (path->n == 1 && path->steps[0].key.p && str_eq(path->steps[0].key, fields[i].key))
            return &fields[i];
    return NULL;
}

bool device_wanted(const struct evt_proj *proj)
{
    const struct proj_set *set = &proj->entity;
    for (const struct proj_group *g = proj_first(set, &schema); g; g = proj_next(set, &schema, g))
        for (size_t i = 0; i < g->n; i++)
            if (field_at(&g->wants[i].path))
                return true;
    return false;
}

void enrich_device(struct enrich *e)
{
    const struct proj_set *set = &e->proj->entity;
    if (e->item->has_device || !(e->item->is_tracker || item_has(e->item, COL_USERAGENT)))
        return;
    const struct device *device =
        device_cache_get(e->d->devices, val_as_str(item_get(e->item, COL_USERAGENT)));
    for (const struct proj_group *g = proj_first(set, &schema); g; g = proj_next(set, &schema, g)) {
        uint32_t index = e->d->seen[g - set->groups]++;
        for (const struct proj_want *w = g->wants; w < g->wants + g->n; w++) {
            const struct field *field = w->index == index ? field_at(&w->path) : NULL;
            const char *value =
                field ? *(const char *const *)((const char *)device + field->offset) : NULL;
            if (value)
                e->d->slots[w->slot] = val_strz(value);
        }
    }
}
