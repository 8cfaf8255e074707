/* build_rule.c -- services, interventions and scores: what refers to attributes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/build.h"

#include <inttypes.h>
#include <stdlib.h>

static bool stands_already(struct builder *b, struct str file, uint32_t line)
{
    return build_fail(b, 0, "stands already in %.*s:%u", STR_FMT(file), line);
}

/* "attr", or "group:attr" where two groups of the service share one, or "group_v2:attr" where two versions do. */
static void service_names(struct builder *b, struct plan_service *s)
{
    const struct plan *p = b->plan;
    s->names = arena_alloc(b->a, s->n_attrs * sizeof(*s->names));
    for (size_t i = 0; i < s->n_attrs; i++) {
        const struct plan_attr *attr = &p->attrs[s->attrs[i]];
        const struct plan_group *group = &p->groups[attr->group];
        bool shared = false, by_versions = false;
        for (size_t j = 0; j < s->n_attrs; j++) {
            const struct plan_attr *other = &p->attrs[s->attrs[j]];
            bool same = j != i && str_eq(other->name, attr->name);
            shared |= same;
            by_versions |= same && str_eq(p->groups[other->group].name, group->name);
        }
        s->names[i] =
            by_versions ? attr->ref
            : shared    ? arena_printf(b->a, "%.*s:%.*s", STR_FMT(group->name), STR_FMT(attr->name))
                        : attr->name;
    }
}

bool build_service(struct builder *b, const struct val *def)
{
    struct plan *p = b->plan;
    struct str name = build_text(def, "name");
    const struct val *groups = val_get(def, "attribute_groups");
    int known = plan_find_service(p, name);
    if (known >= 0)
        return stands_already(b, p->services[known].file, p->services[known].line);
    if (!groups || groups->type != VAL_LIST || groups->n == 0)
        return build_fail(b, 0, "attribute_groups names at least one group");
    struct plan_service s = {
        .name = arena_str(b->a, name),
        .owner = build_copy(b, def, "owner"),
        .description = build_copy(b, def, "description"),
        .file = arena_str(b->a, b->file),
        .line = b->line,
        .groups = arena_alloc(b->a, groups->n * sizeof(uint32_t)),
        .n_groups = groups->n,
    };
    for (size_t i = 0; i < groups->n; i++) {
        struct str ref = val_as_str(groups->items[i]);
        int g = plan_find_group(p, ref);
        if (g < 0)
            return build_fail(b, 0, "no attribute group \"%.*s\"%s", STR_FMT(ref),
                              build_hint(b, HINT_GROUP, ref, ""));
        for (size_t j = 0; j < i; j++)
            if (s.groups[j] == (uint32_t)g)
                return build_fail(b, 0, "attribute_groups names \"%.*s\" twice", STR_FMT(ref));
        s.groups[i] = (uint32_t)g;
        s.n_attrs += p->groups[g].n_attrs;
    }
    s.attrs = arena_alloc(b->a, s.n_attrs * sizeof(*s.attrs));
    size_t at = 0;
    for (size_t i = 0; i < s.n_groups; i++)
        for (uint32_t j = 0; j < p->groups[s.groups[i]].n_attrs; j++)
            s.attrs[at++] = p->groups[s.groups[i]].first_attr + j;
    service_names(b, &s);
    p->services = xgrow(p->services, p->n_services, &b->cap_services, sizeof(*p->services));
    p->services[p->n_services++] = s;
    return true;
}

static bool build_payload(struct builder *b, const struct val *payload, struct reads *reads,
                          struct plan_rule *r)
{
    if (!payload || payload->type != VAL_DICT)
        return true;
    r->payload = arena_zalloc(b->a, payload->n * sizeof(*r->payload));
    r->n_payload = payload->n;
    for (size_t i = 0; i < payload->n; i++) {
        const struct val *v = &payload->items[2 * i + 1];
        struct plan_payload *out = &r->payload[i];
        out->name = arena_str(b->a, val_as_str(payload->items[2 * i]));
        int at = 0;
        if (val_get(v, "attribute")) {
            out->kind = PAYLOAD_ATTR;
            at = build_read(b, build_text(v, "attribute"), 0, reads);
        } else if (val_get(v, "property")) {
            struct buf text = {0};
            out->kind = PAYLOAD_SLOT;
            at = build_slot(b, val_get(v, "property"), &text);
            buf_fini(&text);
        } else {
            out->value = val_copy(b->a, *v);
        }
        if (at < 0)
            return false;
        out->ref = (uint32_t)at;
    }
    return true;
}

static void add_distinct(uint32_t *list, size_t *n, uint32_t v)
{
    for (size_t i = 0; i < *n; i++)
        if (list[i] == v)
            return;
    list[(*n)++] = v;
}

/* Whose identifiers it needs, and who gets the payload: those named, or else the keys of the groups in the criteria. */
static bool build_targets(struct builder *b, const struct val *def, struct plan_rule *r)
{
    struct plan *p = b->plan;
    const struct val *names = val_get(def, "target_attribute_keys");
    size_t n_names = names && names->type == VAL_LIST ? names->n : 0;
    r->keys = arena_alloc(b->a, (r->n_reads + 1) * sizeof(uint32_t));
    r->targets = arena_alloc(b->a, (r->n_reads + n_names + 1) * sizeof(uint32_t));
    for (size_t i = 0; i < r->n_reads; i++) {
        const struct plan_attr *attr = &p->attrs[r->reads[i]];
        add_distinct(r->keys, &r->n_keys, attr->key);
        if (i < r->n_when_reads) {
            r->fades |= attr->period_ms || attr->ttl_ms;
            if (!n_names)
                add_distinct(r->targets, &r->n_targets, attr->key);
        }
    }
    for (size_t i = 0; i < n_names; i++) {
        int k = plan_find_key(p, val_as_str(names->items[i]));
        if (k < 0)
            return build_fail(b, 0, "no attribute key '%.*s'%s",
                              STR_FMT(val_as_str(names->items[i])),
                              build_hint(b, HINT_KEY, val_as_str(names->items[i]), BUILD_NO_KEY));
        add_distinct(r->targets, &r->n_targets, (uint32_t)k);
    }
    if (r->n_keys + r->n_targets > PLAN_RULE_KEYS_MAX)
        return build_fail(b, 0, "it reads and tells %zu attribute keys, at most %d are allowed",
                          r->n_keys + r->n_targets, PLAN_RULE_KEYS_MAX);
    return r->n_targets ||
           build_fail(
               b, 0,
               "when is an event, so say whom: target_attribute_keys = { \"domain_userid\" }");
}

static bool build_when(struct builder *b, const struct val *def, struct reads *reads,
                       struct plan_rule *r)
{
    const struct val *when = val_get(def, "when"), *events = val_get(when, "events");
    if (events) {
        struct buf text = {0};
        bool ok = build_matches(b, events, &r->events, &r->n_events, &text);
        buf_fini(&text);
        return ok;
    }
    if (!when || when->type != VAL_DICT)
        return build_fail(b, 0, "when is a criterion on attributes, or an event");
    struct buf text = {0};
    r->when = build_rule_cond(b, when, reads, &text);
    r->n_when_reads = reads->n;
    for (size_t i = 0; i < reads->n; i++) {
        const struct plan_attr *attr = &b->plan->attrs[reads->attrs[i]];
        buf_printf(&text, " series=%u %d %d %" PRId64 " %" PRId64 " ",
                   b->plan->series[attr->series].id, attr->agg, attr->type, attr->period_ms,
                   attr->ttl_ms);
        val_write_msgpack(&text, &attr->dflt);
    }
    r->form = str_hash(buf_str(&text));
    buf_fini(&text);
    return r->when != NULL;
}

bool build_rule(struct builder *b, const struct val *def)
{
    struct plan *p = b->plan;
    struct reads reads = {0};
    struct plan_rule r = {
        .name = build_copy(b, def, "name"),
        .owner = build_copy(b, def, "owner"),
        .description = build_copy(b, def, "description"),
        .file = arena_str(b->a, b->file),
        .line = b->line,
    };
    if (!build_version(b, def, &r.version))
        return false;
    for (size_t i = 0; i < p->n_rules; i++)
        if (str_eq(p->rules[i].name, r.name) && p->rules[i].version == r.version)
            return stands_already(b, p->rules[i].file, p->rules[i].line);
    struct str identity = arena_printf(b->a, "rule %.*s %u", STR_FMT(r.name), r.version);
    r.id = plan_ids_number(b->ids, identity);
    bool ok =
        build_when(b, def, &reads, &r) && build_payload(b, val_get(def, "payload"), &reads, &r);
    r.n_reads = reads.n;
    r.reads = arena_alloc(b->a, reads.n * sizeof(*r.reads));
    if (reads.n)
        memcpy(r.reads, reads.attrs, reads.n * sizeof(*r.reads));
    free(reads.attrs);
    if (!ok || !build_targets(b, def, &r))
        return false;
    p->rules = xgrow(p->rules, p->n_rules, &b->cap_rules, sizeof(*p->rules));
    p->rules[p->n_rules++] = r;
    return true;
}

bool build_score(struct builder *b, const struct val *def)
{
    struct plan *p = b->plan;
    const struct val *formula = val_get(def, "formula");
    struct str name = build_text(def, "name"), service = build_text(def, "service");
    int known = plan_find_score(p, name), s = plan_find_service(p, service);
    int64_t fn = build_int(formula, "fn", -1);
    if (known >= 0)
        return stands_already(b, p->scores[known].file, p->scores[known].line);
    if (s < 0)
        return build_fail(b, 0, "no service \"%.*s\"%s", STR_FMT(service),
                          build_hint(b, HINT_SERVICE, service, ""));
    struct plan_score score = {
        .name = arena_str(b->a, name),
        .owner = build_copy(b, def, "owner"),
        .description = build_copy(b, def, "description"),
        .file = arena_str(b->a, b->file),
        .line = b->line,
        .service = (uint32_t)s,
        .fn = fn >= 0 && b->source->fn ? b->source->fn(b->source->ctx, (size_t)fn) : NULL,
    };
    if (!score.fn)
        return build_fail(b, 0, "formula is a function");
    if (b->source->name_args)
        score.fn = b->source->name_args(b->source->ctx, (size_t)fn, p->services[s].names,
                                        p->services[s].n_attrs);
    p->scores = xgrow(p->scores, p->n_scores, &b->cap_scores, sizeof(*p->scores));
    p->scores[p->n_scores++] = score;
    return true;
}
