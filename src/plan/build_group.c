/* build_group.c -- attribute groups, and the series their attributes share.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/build.h"

#include <inttypes.h>

static int name_in(const char *const *names, size_t n, struct str word)
{
    for (size_t i = 0; i < n; i++)
        if (names[i] && str_eqz(word, names[i]))
            return (int)i;
    return -1;
}

static enum keep keep_of(enum agg agg, bool windowed)
{
    switch (agg) {
    case AGG_COUNTER:
        return windowed ? KEEP_TIMES : KEEP_SUM;
    case AGG_SUM:
    case AGG_MIN:
    case AGG_MAX:
    case AGG_MEAN:
        return windowed ? KEEP_NUMBERS : KEEP_SUM;
    case AGG_FIRST:
        return windowed ? KEEP_VALUES : KEEP_FIRST;
    case AGG_LAST:
        return KEEP_LAST;
    case AGG_MOST_FREQUENT:
    case AGG_LEAST_FREQUENT:
    case AGG_CATEGORY_COUNT:
        return windowed ? KEEP_VALUES : KEEP_FREQS;
    case AGG_APPROX_COUNT_DISTINCT:
    case AGG_UNIQUE_LIST:
    case AGG_COUNT:
        break;
    }
    return KEEP_SET;
}

/* The series with this identity, made when there is none yet; its windows grow to hold the attribute's. */
static uint32_t series_of(struct builder *b, const struct plan_series *proto, struct str identity,
                          int64_t period)
{
    struct plan *p = b->plan;
    uintptr_t at = (uintptr_t)map_get(&b->drafts, identity);
    if (!at) {
        p->series = xgrow(p->series, p->n_series, &b->cap_series, sizeof(*p->series));
        p->series[p->n_series++] = *proto;
        at = p->n_series;
        map_put(&b->drafts, identity, (void *)at);
        p->series[at - 1].id = plan_ids_number(b->ids, identity);
        p->series[at - 1].longest_ms = p->series[at - 1].shortest_ms = period;
    }
    struct plan_series *s = &p->series[at - 1];
    s->longest_ms = MAX_OF(s->longest_ms, period);
    s->shortest_ms = MIN_OF(s->shortest_ms, period);
    return (uint32_t)(at - 1);
}

static bool is_of_type(struct val v, enum plan_type type)
{
    static const enum plan_type items[] = {
        [TYPE_BYTES_LIST] = TYPE_BYTES,   [TYPE_STRING_LIST] = TYPE_STRING,
        [TYPE_INT32_LIST] = TYPE_INT32,   [TYPE_INT64_LIST] = TYPE_INT64,
        [TYPE_DOUBLE_LIST] = TYPE_DOUBLE, [TYPE_FLOAT_LIST] = TYPE_FLOAT,
        [TYPE_BOOL_LIST] = TYPE_BOOL,     [TYPE_UNIX_TIMESTAMP_LIST] = TYPE_UNIX_TIMESTAMP,
    };
    switch (type) {
    case TYPE_BYTES:
    case TYPE_STRING:
        return v.type == VAL_STR || (type == TYPE_BYTES && v.type == VAL_BIN);
    case TYPE_INT32:
        return v.type == VAL_INT && v.i >= INT32_MIN && v.i <= INT32_MAX;
    case TYPE_INT64:
    case TYPE_UNIX_TIMESTAMP:
        return v.type == VAL_INT;
    case TYPE_DOUBLE:
    case TYPE_FLOAT:
        return v.type == VAL_INT || v.type == VAL_DBL;
    case TYPE_BOOL:
        return v.type == VAL_BOOL;
    case TYPE_DICT:
        return v.type == VAL_DICT;
    case TYPE_ANY:
    case TYPE_COUNT:
        return true;
    default:
        break;
    }
    if (v.type != VAL_LIST)
        return false;
    for (size_t i = 0; i < v.n; i++)
        if (!is_of_type(v.items[i], items[type]))
            return false;
    return true;
}

static bool attr_default(struct builder *b, const struct val *v, struct plan_attr *attr)
{
    const struct val *dflt = val_get(v, "default");
    if (!dflt || dflt->type == VAL_NULL)
        return true;
    attr->dflt = val_copy(b->a, *dflt);
    if (attr->type == TYPE_DICT && attr->dflt.n == 0 && attr->dflt.type == VAL_LIST)
        attr->dflt.type = VAL_DICT; /* Lua's {} is either */
    return is_of_type(attr->dflt, attr->type) ||
           build_fail(b, attr->line, "%.*s: the default is not of type %s", STR_FMT(attr->name),
                      plan_type_names[attr->type]);
}

static bool attr_times(struct builder *b, const struct val *v, const struct plan_group *g,
                       struct plan_attr *attr)
{
    uint32_t line = build_line(v);
    int64_t own, key = b->plan->keys[g->key].ttl_ms;
    if (!build_duration(b, v, "period", &attr->period_ms) || !build_duration(b, v, "ttl", &own))
        return false;
    if (attr->period_ms && own)
        return build_fail(b, line, "%.*s has both :within and :ttl; a window needs no ttl",
                          STR_FMT(attr->name));
    if (!attr->period_ms)
        attr->ttl_ms = own ? own : g->ttl_ms ? g->ttl_ms : key;
    return true;
}

static bool attr_kind(struct builder *b, const struct val *v, struct plan_attr *attr)
{
    uint32_t line = build_line(v);
    struct str agg = build_text(v, "aggregation"), type = build_text(v, "type");
    int a = name_in(agg_names, AGG_COUNT, agg),
        t = type.n ? name_in(plan_type_names, TYPE_ANY, type) : TYPE_ANY;
    if (a < 0)
        return build_fail(b, line, "%.*s: no aggregation '%.*s'", STR_FMT(attr->name),
                          STR_FMT(agg));
    if (t < 0)
        return build_fail(b, line, "%.*s: no type '%.*s'", STR_FMT(attr->name), STR_FMT(type));
    attr->agg = (enum agg)a;
    attr->type = (enum plan_type)t;
    return true;
}

static bool attr_series(struct builder *b, const struct val *v, struct plan_attr *attr)
{
    uint32_t line = build_line(v);
    struct plan_series s = {.key = attr->key, .slot = -1, .ttl_ms = attr->ttl_ms};
    const struct val *prop = val_get(v, "property"), *criteria = val_get(v, "criteria");
    struct buf text = {0};
    bool ok = false;
    s.keep = keep_of(attr->agg, attr->period_ms != 0);
    buf_printf(&text, "series key=%u keep=%d windowed=%d ttl=%" PRId64 " ",
               b->plan->keys[attr->key].id, s.keep, attr->period_ms != 0, s.ttl_ms);
    if (attr->agg == AGG_COUNTER && prop && prop->type != VAL_NULL) {
        build_fail(b, line, "%.*s: counter needs no property", STR_FMT(attr->name));
        goto out;
    }
    if (attr->agg != AGG_COUNTER && (!prop || prop->type == VAL_NULL)) {
        build_fail(b, line, "%.*s: %s takes a property", STR_FMT(attr->name), agg_names[attr->agg]);
        goto out;
    }
    if (prop && prop->type != VAL_NULL && (s.slot = build_slot(b, prop, &text)) < 0)
        goto out;
    if (!build_matches(b, val_get(v, "events"), &s.matches, &s.n_matches, &text))
        goto out;
    buf_puts(&text, " where ");
    if (criteria && criteria->type != VAL_NULL && !(s.criteria = build_cond(b, criteria, &text)))
        goto out;
    attr->series = series_of(b, &s, buf_str(&text), attr->period_ms);
    ok = true;
out:
    buf_fini(&text);
    return ok;
}

static bool build_attr(struct builder *b, const struct val *v, const struct plan_group *g,
                       struct plan_attr *attr)
{
    b->line = build_line(v) ? build_line(v) : b->line;
    attr->line = b->line;
    attr->name = build_copy(b, v, "name");
    attr->description = build_copy(b, v, "description");
    attr->ref =
        arena_printf(b->a, "%.*s_v%u:%.*s", STR_FMT(g->name), g->version, STR_FMT(attr->name));
    attr->key = g->key;
    if (!plan_name_ok(attr->name))
        return build_fail(b, 0,
                          "an attribute's name is 1 to %d letters, digits and _, not \"%.*s\"",
                          PLAN_NAME_MAX, STR_FMT(attr->name));
    return attr_kind(b, v, attr) && attr_times(b, v, g, attr) && attr_default(b, v, attr) &&
           attr_series(b, v, attr);
}

bool build_group(struct builder *b, const struct val *def)
{
    struct plan *p = b->plan;
    struct str key = build_text(def, "attribute_key");
    const struct val *attrs = val_get(def, "attributes");
    struct plan_group g = {
        .name = build_copy(b, def, "name"),
        .owner = build_copy(b, def, "owner"),
        .description = build_copy(b, def, "description"),
        .file = arena_str(b->a, b->file),
        .line = b->line,
        .first_attr = (uint32_t)p->n_attrs,
    };
    if (!build_version(b, def, &g.version) || !build_duration(b, def, "ttl", &g.ttl_ms))
        return false;
    for (size_t i = 0; i < p->n_groups; i++)
        if (str_eq(p->groups[i].name, g.name) && p->groups[i].version == g.version)
            return build_fail(b, 0, "version %u stands already in %.*s:%u", g.version,
                              STR_FMT(p->groups[i].file), p->groups[i].line);
    int k = plan_find_key(p, key);
    if (k < 0)
        return build_fail(b, 0, "no attribute key '%.*s'%s", STR_FMT(key),
                          build_hint(b, HINT_KEY, key, BUILD_NO_KEY));
    g.key = (uint32_t)k;
    bool ok = true;
    for (size_t i = 0; attrs && attrs->type == VAL_LIST && i < attrs->n; i++) {
        p->attrs = xgrow(p->attrs, p->n_attrs, &b->cap_attrs, sizeof(*p->attrs));
        struct plan_attr *attr = &p->attrs[p->n_attrs++];
        *attr = (struct plan_attr){.group = (uint32_t)p->n_groups};
        ok &= build_attr(b, &attrs->items[i], &g, attr);
        for (uint32_t j = g.first_attr; j + 1 < p->n_attrs; j++)
            if (str_eq(p->attrs[j].name, p->attrs[p->n_attrs - 1].name))
                ok = build_fail(b, 0, "%.*s stands twice in this group", STR_FMT(p->attrs[j].name));
    }
    g.n_attrs = (uint32_t)p->n_attrs - g.first_attr;
    p->groups = xgrow(p->groups, p->n_groups, &b->cap_groups, sizeof(*p->groups));
    p->groups[p->n_groups++] = g;
    return ok;
}

static void renumber(struct cond *c, uint32_t n_proj)
{
    if (!c)
        return;
    for (size_t i = 0; c->kind != COND_LEAF && c->kind != COND_FN && i < c->n; i++)
        renumber(&c->kids[i], n_proj);
    if (c->kind == COND_LEAF && c->refs[0] > UINT32_MAX / 2)
        c->refs[0] = n_proj + (UINT32_MAX - c->refs[0]);
}

static void renumber_matches(struct plan_match *m, size_t n, uint32_t n_proj)
{
    for (size_t i = 0; i < n; i++)
        renumber(m[i].criteria, n_proj);
}

/* Each series learns which rules it concerns: counted in the first round, written down in the second. */
static void series_rules(struct builder *b)
{
    struct plan *p = b->plan;
    for (int round = 0; round < 2; round++) {
        for (size_t s = 0; round && s < p->n_series; s++) {
            p->series[s].rules = arena_alloc(b->a, p->series[s].n_rules * sizeof(uint32_t));
            p->series[s].n_rules = 0;
        }
        for (size_t r = 0; r < p->n_rules; r++)
            for (size_t k = 0; p->rules[r].when && k < p->rules[r].n_when_reads; k++) {
                struct plan_series *s = &p->series[p->attrs[p->rules[r].reads[k]].series];
                if (round && !(s->n_rules && s->rules[s->n_rules - 1] == r))
                    s->rules[s->n_rules++] = (uint32_t)r;
                else if (!round)
                    s->n_rules++; /* at most once too often for each read */
            }
    }
}

/* The projection's size is known: computed slots get their numbers, and each series learns which rules it concerns. */
void build_series_finish(struct builder *b)
{
    struct plan *p = b->plan;
    uint32_t n_proj = (uint32_t)b->n_props;
    p->n_slots = n_proj + p->n_computed;
    for (size_t i = 0; i < p->n_computed; i++)
        p->computed[i].slot = n_proj + (uint32_t)i;
    for (size_t i = 0; i < p->n_series; i++) {
        renumber(p->series[i].criteria, n_proj);
        p->keys[p->series[i].key].counted = true;
        renumber_matches(p->series[i].matches, p->series[i].n_matches, n_proj);
    }
    for (size_t i = 0; i < p->n_rules; i++)
        renumber_matches(p->rules[i].events, p->rules[i].n_events, n_proj);
    series_rules(b);
}
