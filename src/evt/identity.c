/* identity.c -- which event an item is: vendor, name, version.
 *
 * The classic events have one fixed identity each; self-describing ones are what their own schema
 * says. A map of columns may name all three parts itself, as the enriched event does; what it
 * leaves out is worked out as for a tracker.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/finish.h"

static const struct event_type {
    const char *code, *event;  /* a tracker's e; the column `event` */
    const char *vendor, *name; /* NULL: from the schema of its data */
} event_types[] = {
    {"pv", "page_view", "com.snowplowanalytics.snowplow", "page_view"},
    {"pp", "page_ping", "com.snowplowanalytics.snowplow", "page_ping"},
    {"se", "struct", "com.google.analytics", "event"},
    {"ue", "unstruct", NULL, NULL},
    {"tr", "transaction", "com.snowplowanalytics.snowplow", "transaction"},
    {"ti", "transaction_item", "com.snowplowanalytics.snowplow", "transaction_item"},
    {"ad", "ad_impression", "com.snowplowanalytics.snowplow", "ad_impression"},
    {"ev", "struct", "com.google.analytics", "event"}, /* until 2013 */
};
static const struct event_type *const unstruct = &event_types[3];

static const struct event_type *type_by_code(struct str code)
{
    for (size_t i = 0; i < COUNT_OF(event_types); i++)
        if (str_eqz(code, event_types[i].code))
            return &event_types[i];
    return NULL;
}

static const struct event_type *type_by_event(struct str event)
{
    for (size_t i = 0; i < COUNT_OF(event_types); i++)
        if (str_eqz(event, event_types[i].event))
            return &event_types[i];
    return type_by_code(event);
}

static const struct event_type *type_by_identity(const struct finish *f)
{
    for (size_t i = 0; i < COUNT_OF(event_types); i++) {
        const struct event_type *t = &event_types[i];
        if (t->vendor && str_eqz(f->vendor, t->vendor) && str_eqz(f->name, t->name))
            return t;
    }
    return unstruct;
}

/* Fills what is still empty. */
static void take_type(struct finish *f, const struct event_type *t)
{
    if (f->vendor.n == 0)
        f->vendor = t->vendor ? str_of(t->vendor) : f->event.vendor;
    if (f->name.n == 0)
        f->name = t->name ? str_of(t->name) : f->event.name;
    if (f->version.n == 0)
        f->version = t->vendor ? STR("1-0-0") : f->event.version;
}

static bool tracker_identity(struct finish *f, const struct event_type **t)
{
    struct str code = f->item->code;
    if (code.n == 0)
        return finish_refuse(f, "e: missing");
    *t = type_by_code(code);
    if (!*t)
        return finish_refuse(f, "e: unknown event \"%.*s\"", STR_FMT(finish_quote(code)));
    if (*t == unstruct && !f->has_event)
        return finish_refuse(f, "ue_pr: missing");
    take_type(f, *t);
    return true;
}

static bool map_identity(struct finish *f, const struct event_type **t)
{
    struct str event = val_as_str(item_get(f->item, COL_EVENT));
    f->vendor = val_as_str(item_get(f->item, COL_EVENT_VENDOR));
    f->name = val_as_str(item_get(f->item, COL_EVENT_NAME));
    f->version = val_as_str(item_get(f->item, COL_EVENT_VERSION));
    *t = event.n ? type_by_event(event) : NULL;
    if (*t)
        take_type(f, *t);
    else if (event.n == 0 && f->has_event)
        take_type(f, unstruct);
    if (f->vendor.n && f->name.n)
        return true;
    if (*t == unstruct)
        return finish_refuse(f, "unstruct_event: missing");
    if (event.n)
        return finish_refuse(f, "event: unknown event \"%.*s\"", STR_FMT(finish_quote(event)));
    return finish_refuse(f, "event: missing, and no event_vendor with event_name");
}

bool finish_identity(struct finish *f)
{
    struct item *it = f->item;
    const struct event_type *t = NULL;
    if (!(it->is_tracker ? tracker_identity(f, &t) : map_identity(f, &t)))
        return false;
    if (!t && !item_has(it, COL_EVENT))
        t = type_by_identity(f);
    if (t)
        item_put(it, COL_EVENT, val_strz(t->event));
    item_put(it, COL_EVENT_VENDOR, val_str(f->vendor));
    item_put(it, COL_EVENT_NAME, val_str(f->name));
    item_put(it, COL_EVENT_VERSION, val_str(f->version));
    if (!item_has(it, COL_EVENT_FORMAT))
        item_put(it, COL_EVENT_FORMAT, val_str(f->has_event ? f->event.format : STR("jsonschema")));
    return true;
}
