/* proj.c -- which properties the plan asks for, laid out as the decoders look for them.
 *
 * A column is asked for by number. A path into an event's own data or into an entity is reached
 * through the schema: one hash of "vendor/name" finds the wants of a schema or says that nobody
 * wants anything of it, and then it is passed over.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/proj.h"

#include "evt/enrich.h"

#include <assert.h>
#include <stdlib.h>

static bool is_wild(const struct proj_group *g)
{
    return g->vendor.n == 0 || g->name.n == 0;
}

static bool group_is(const struct proj_group *g, const struct evt_prop *p)
{
    return str_eq(g->vendor, p->vendor) && str_eq(g->name, p->name) && g->major == p->major;
}

static struct evt_path copy_path(struct arena *a, const struct evt_path *path)
{
    struct evt_path copy = {arena_alloc(a, path->n * sizeof(*path->steps)), path->n};
    for (size_t i = 0; i < path->n; i++) {
        copy.steps[i] = path->steps[i];
        if (path->steps[i].key.p)
            copy.steps[i].key = arena_str(a, path->steps[i].key);
    }
    return copy;
}

static void add_want(struct arena *a, struct proj_set *set, const struct evt_prop *prop,
                     size_t slot, size_t n_props)
{
    size_t i = 0;
    while (i < set->n && !group_is(&set->groups[i], prop))
        i++;
    struct proj_group *g = &set->groups[i];
    if (i == set->n) {
        set->n++;
        *g = (struct proj_group){.vendor = arena_str(a, prop->vendor),
                                 .name = arena_str(a, prop->name),
                                 .major = prop->major,
                                 .wants = arena_alloc(a, n_props * sizeof(*g->wants)),
                                 .next = -1};
    }
    g->wants[g->n++] = (struct proj_want){.slot = (uint32_t)slot,
                                          .index = prop->kind == EVT_PROP_ENTITY ? prop->index : 0,
                                          .path = copy_path(a, &prop->path)};
}

static size_t cell_of(const struct proj_set *set, struct str vendor_name)
{
    return str_hash(vendor_name) & set->mask;
}

/* Puts each group at the head of the chain in its cell; different schemas may share a chain. */
static void link_groups(struct arena *a, struct proj_set *set)
{
    size_t n_cells = 8;
    while (n_cells < 4 * set->n)
        n_cells *= 2;
    set->mask = n_cells - 1;
    set->wild = -1;
    set->cells = arena_alloc(a, n_cells * sizeof(*set->cells));
    for (size_t i = 0; i < n_cells; i++)
        set->cells[i] = -1;
    for (size_t i = 0; i < set->n; i++) {
        struct proj_group *g = &set->groups[i];
        int32_t *head = &set->wild;
        if (!is_wild(g)) {
            struct str key = arena_printf(a, "%.*s/%.*s", STR_FMT(g->vendor), STR_FMT(g->name));
            head = &set->cells[cell_of(set, key)];
        }
        g->next = *head;
        *head = (int32_t)i;
    }
}

static bool matches(const struct proj_group *g, const struct iglu *uri)
{
    return (g->major < 0 || g->major == uri->major) &&
           (g->name.n == 0 || str_eq(g->name, uri->name)) &&
           (g->vendor.n == 0 || str_eq(g->vendor, uri->vendor));
}

/* The first that matches from group i of a chain on; after a schema's chain comes that of the
 * wildcards. */
static const struct proj_group *walk(const struct proj_set *set, const struct iglu *uri, int32_t i,
                                     bool wild)
{
    for (;;) {
        for (; i >= 0; i = set->groups[i].next)
            if (matches(&set->groups[i], uri))
                return &set->groups[i];
        if (wild)
            return NULL;
        wild = true;
        i = set->wild;
    }
}

const struct proj_group *proj_first(const struct proj_set *set, const struct iglu *uri)
{
    if (set->n == 0)
        return NULL;
    return walk(set, uri, set->cells[cell_of(set, uri->vendor_name)], false);
}

const struct proj_group *proj_next(const struct proj_set *set, const struct iglu *uri,
                                   const struct proj_group *g)
{
    return walk(set, uri, g->next, is_wild(g));
}

/* What the decoders read to know an event and its time, whatever is asked for. */
static const uint8_t always_needed[] = {COL_EVENT,
                                        COL_EVENT_ID,
                                        COL_EVENT_VENDOR,
                                        COL_EVENT_NAME,
                                        COL_EVENT_FORMAT,
                                        COL_EVENT_VERSION,
                                        COL_COLLECTOR_TSTAMP,
                                        COL_DERIVED_TSTAMP,
                                        COL_TRUE_TSTAMP,
                                        COL_DVCE_CREATED_TSTAMP,
                                        COL_DVCE_SENT_TSTAMP};

static void add_atomic(struct evt_proj *p, int column, size_t slot)
{
    assert(column >= 0 && column < EVT_COLUMNS);
    p->atomics[p->n_atomics++] =
        (struct proj_atomic){.slot = (uint32_t)slot, .column = (uint32_t)column};
    column_set_add(&p->wanted, (unsigned)column);
}

struct evt_proj *evt_proj_new(const struct evt_prop *props, size_t n)
{
    struct evt_proj *p = xcalloc(1, sizeof(*p));
    arena_init(&p->arena);
    p->n_slots = n;
    p->atomics = arena_alloc(&p->arena, n * sizeof(*p->atomics));
    p->event.groups = arena_alloc(&p->arena, n * sizeof(*p->event.groups));
    p->entity.groups = arena_alloc(&p->arena, n * sizeof(*p->entity.groups));
    for (size_t i = 0; i < n; i++) {
        if (props[i].kind == EVT_PROP_ATOMIC)
            add_atomic(p, props[i].column, i);
        else
            add_want(&p->arena, props[i].kind == EVT_PROP_EVENT ? &p->event : &p->entity, &props[i],
                     i, n);
    }
    link_groups(&p->arena, &p->event);
    link_groups(&p->arena, &p->entity);
    p->needed = p->wanted;
    for (size_t i = 0; i < COUNT_OF(always_needed); i++)
        column_set_add(&p->needed, always_needed[i]);
    enrich_plan(p);
    return p;
}

void evt_proj_free(struct evt_proj *p)
{
    if (!p)
        return;
    arena_fini(&p->arena);
    free(p);
}

size_t evt_proj_slots(const struct evt_proj *p)
{
    return p->n_slots;
}
