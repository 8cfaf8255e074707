/* index.c -- from an event to the series and rules it can change.
 *
 * Patterns stand in four lists: for any event, by vendor, by name, by both. Within a list, those whose criteria demand
 * `property = constant` are found through a hash of the constant: a rule that asks for another value costs nothing. What is
 * found is then checked in full. The criterion functions that an event can need are found through the same lists.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/build.h"

#include <stdlib.h>

struct candidate {
    uint32_t target; /* index of the series; of the rule, + n_series */
    const struct plan_match *match;
};
struct candidates {
    struct candidate *items;
    size_t n, cap;
};
/* Candidates that want one property to equal a constant: constant's hash -> candidates. */
struct by_value {
    uint32_t slot;
    struct map values;
};
struct node {
    struct candidates always;
    struct by_value *by_value;
    size_t n_by_value, cap_by_value;
    uint32_t *computed; /* indices into plan.computed: functions that its criteria ask */
    size_t n_computed, cap_computed;
};
struct plan_index {
    struct map nodes; /* by vendor and name, either may be empty: see node_key */
};

enum { NODE_KEY_MAX = 2048 };
/* Length before bytes: no two pairs have the same key, whatever bytes an event's names are made of. */
static struct str node_key(char *room, size_t size, struct str vendor, struct str name)
{
    uint32_t n_vendor = (uint32_t)vendor.n;
    if (vendor.n > size || name.n > size || sizeof(n_vendor) + vendor.n + name.n > size)
        return (struct str){NULL, 0};
    memcpy(room, &n_vendor, sizeof(n_vendor));
    if (vendor.n)
        memcpy(room + sizeof(n_vendor), vendor.p, vendor.n);
    if (name.n)
        memcpy(room + sizeof(n_vendor) + vendor.n, name.p, name.n);
    return (struct str){room, sizeof(n_vendor) + vendor.n + name.n};
}

/* A `slot = constant` that must hold for the whole tree to hold. */
static const struct cond *find_eq(const struct cond *c)
{
    if (!c)
        return NULL;
    if (c->kind == COND_LEAF && str_eqz(STR("eq"), c->op->word))
        return c;
    for (size_t i = 0; c->kind == COND_ALL && i < c->n; i++) {
        const struct cond *eq = find_eq(&c->kids[i]);
        if (eq)
            return eq;
    }
    return NULL;
}

static void push(struct candidates *list, struct candidate c)
{
    list->items = xgrow(list->items, list->n, &list->cap, sizeof(*list->items));
    list->items[list->n++] = c;
}

static struct str hash_key(uint64_t *hash, struct val v)
{
    *hash = val_hash(v);
    return (struct str){(const char *)hash, sizeof(*hash)};
}

static void node_add(struct node *node, const struct cond *criteria, struct candidate c)
{
    const struct cond *eq = find_eq(c.match->criteria);
    if (!eq)
        eq = find_eq(criteria);
    if (!eq) {
        push(&node->always, c);
        return;
    }
    struct by_value *group = NULL;
    for (size_t i = 0; i < node->n_by_value; i++)
        if (node->by_value[i].slot == eq->refs[0])
            group = &node->by_value[i];
    if (!group) {
        node->by_value =
            xgrow(node->by_value, node->n_by_value, &node->cap_by_value, sizeof(*group));
        group = &node->by_value[node->n_by_value++];
        group->slot = eq->refs[0];
        map_init(&group->values);
    }
    uint64_t hash;
    struct str key = hash_key(&hash, eq->arg);
    struct candidates *list = map_get(&group->values, key);
    if (!list) {
        list = xcalloc(1, sizeof(*list));
        map_put(&group->values, key, list);
    }
    push(list, c);
}

static void node_compute(struct node *node, const struct plan *p, const struct cond *c)
{
    size_t n_proj = p->n_slots - p->n_computed;
    if (!c)
        return;
    if (c->kind != COND_LEAF) {
        for (size_t i = 0; i < c->n; i++)
            node_compute(node, p, &c->kids[i]);
        return;
    }
    if (c->refs[0] < n_proj)
        return;
    uint32_t at = c->refs[0] - (uint32_t)n_proj;
    for (size_t i = 0; i < node->n_computed; i++)
        if (node->computed[i] == at)
            return;
    node->computed =
        xgrow(node->computed, node->n_computed, &node->cap_computed, sizeof(*node->computed));
    node->computed[node->n_computed++] = at;
}

static void index_add(struct plan_index *ix, const struct plan *p, const struct plan_match *matches,
                      size_t n, const struct cond *criteria, uint32_t target)
{
    for (size_t i = 0; i < n; i++) {
        char room[NODE_KEY_MAX];
        struct str key = node_key(room, sizeof(room), matches[i].vendor, matches[i].name);
        if (!key.p)
            continue; /* longer than any event's name that a decoder lets through */
        struct node *node = map_get(&ix->nodes, key);
        if (!node) {
            node = xcalloc(1, sizeof(*node));
            map_put(&ix->nodes, key, node);
        }
        node_add(node, criteria, (struct candidate){target, &matches[i]});
        node_compute(node, p, matches[i].criteria);
        node_compute(node, p, criteria);
    }
}

struct plan_index *plan_index_new(const struct plan *p)
{
    struct plan_index *ix = xcalloc(1, sizeof(*ix));
    map_init(&ix->nodes);
    for (size_t i = 0; i < p->n_series; i++)
        index_add(ix, p, p->series[i].matches, p->series[i].n_matches, p->series[i].criteria,
                  (uint32_t)i);
    for (size_t i = 0; i < p->n_rules; i++)
        index_add(ix, p, p->rules[i].events, p->rules[i].n_events, NULL,
                  (uint32_t)(p->n_series + i));
    return ix;
}

static void node_free(struct node *node)
{
    for (size_t i = 0; i < node->n_by_value; i++) {
        struct str key;
        void *list;
        for (size_t at = 0; map_next(&node->by_value[i].values, &at, &key, &list);) {
            free(((struct candidates *)list)->items);
            free(list);
        }
        map_fini(&node->by_value[i].values);
    }
    free(node->by_value);
    free(node->always.items);
    free(node->computed);
    free(node);
}

void plan_index_free(struct plan_index *ix)
{
    struct str key;
    void *node;
    if (!ix)
        return;
    for (size_t at = 0; map_next(&ix->nodes, &at, &key, &node);)
        node_free(node);
    map_fini(&ix->nodes);
    free(ix);
}

/* -- matching */
struct matching {
    const struct plan *plan;
    const struct evt *e;
    unsigned lane;
    struct arena *arena;
    uint32_t *found;
    size_t n, cap;
};

static void found_add(struct matching *m, uint32_t target)
{
    if (m->n == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 64;
        uint32_t *more = arena_alloc(m->arena, cap * sizeof(*more));
        if (m->n)
            memcpy(more, m->found, m->n * sizeof(*more));
        m->found = more;
        m->cap = cap;
    }
    m->found[m->n++] = target;
}

static void check(struct matching *m, const struct candidates *list)
{
    for (size_t i = 0; list && i < list->n; i++) {
        const struct candidate *c = &list->items[i];
        const struct cond *criteria =
            c->target < m->plan->n_series ? m->plan->series[c->target].criteria : NULL;
        if (c->match->version.n && !str_eq(c->match->version, m->e->version))
            continue;
        if (c->match->criteria &&
            !cond_eval(c->match->criteria, m->e->slots, NULL, m->lane, m->arena))
            continue;
        if (criteria && !cond_eval(criteria, m->e->slots, NULL, m->lane, m->arena))
            continue;
        found_add(m, c->target);
    }
}

/* The lists that an event's candidates stand in. An event without a vendor or name stands in some of them twice. */
enum { NODES = 4 };
static void nodes_of(const struct plan_index *ix, const struct evt *e,
                     const struct node *nodes[NODES])
{
    static const struct str any = {"", 0};
    for (size_t i = 0; i < NODES; i++) {
        char room[NODE_KEY_MAX];
        struct str key =
            node_key(room, sizeof(room), i & 1 ? e->vendor : any, i & 2 ? e->name : any);
        nodes[i] = key.p ? map_get(&ix->nodes, key) : NULL;
    }
}

static void check_node(struct matching *m, const struct node *node)
{
    check(m, &node->always);
    for (size_t i = 0; i < node->n_by_value; i++) {
        uint64_t hash;
        struct val v = m->e->slots[node->by_value[i].slot];
        if (v.type != VAL_NULL)
            check(m, map_get(&node->by_value[i].values, hash_key(&hash, v)));
    }
}

/* Sorts and drops repeats: a series may be found through two of its events. Few, so by insertion. */
static void sort_distinct(struct matching *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++) {
        uint32_t v = m->found[i];
        size_t at = n;
        while (at > 0 && m->found[at - 1] > v)
            at--;
        if (at > 0 && m->found[at - 1] == v)
            continue;
        memmove(m->found + at + 1, m->found + at, (n - at) * sizeof(v));
        m->found[at] = v;
        n++;
    }
    m->n = n;
}

void plan_match_event(const struct plan *p, const struct evt *e, unsigned lane, struct arena *arena,
                      struct plan_hits *hits)
{
    const struct node *nodes[NODES];
    struct matching m = {.plan = p, .e = e, .lane = lane, .arena = arena};
    nodes_of(p->index, e, nodes);
    for (size_t i = 0; i < NODES; i++)
        if (nodes[i])
            check_node(&m, nodes[i]);
    sort_distinct(&m);
    size_t n_series = 0;
    while (n_series < m.n && m.found[n_series] < p->n_series)
        n_series++;
    hits->series = m.found;
    hits->n_series = n_series;
    hits->rules = m.found ? m.found + n_series : NULL;
    hits->n_rules = m.n - n_series;
    for (size_t i = 0; i < hits->n_rules; i++)
        hits->rules[i] -= (uint32_t)p->n_series;
}

static bool computed_holds(const struct plan_computed *c, const struct evt *e, unsigned lane,
                           struct arena *arena)
{
    struct val *args = arena_alloc(arena, c->n_args * sizeof(*args)), out;
    for (size_t i = 0; i < c->n_args; i++) {
        args[i] = e->slots[c->args[i]];
        if (args[i].type == VAL_NULL)
            return false; /* not called: it may rely on what it names */
    }
    return c->fn->call(c->fn, lane, args, c->n_args, arena, &out, NULL, NULL) &&
           out.type == VAL_BOOL && out.b;
}

void plan_compute(const struct plan *p, struct evt *e, unsigned lane, struct arena *arena)
{
    const struct node *nodes[NODES];
    for (size_t i = 0; i < p->n_computed; i++)
        e->slots[p->computed[i].slot] = val_null; /* not asked: as good as false */
    if (p->n_computed)
        nodes_of(p->index, e, nodes);
    for (size_t i = 0; p->n_computed && i < NODES; i++)
        for (size_t k = 0; nodes[i] && k < nodes[i]->n_computed; k++) {
            const struct plan_computed *c = &p->computed[nodes[i]->computed[k]];
            if (e->slots[c->slot].type == VAL_NULL)
                e->slots[c->slot] = val_bool(computed_holds(c, e, lane, arena));
        }
}
