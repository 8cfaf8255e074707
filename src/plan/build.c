/* build.c -- descriptions of all files -> one plan, in passes: keys, groups, then what refers to groups.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/build.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

bool build_fail(struct builder *b, uint32_t line, const char *fmt, ...)
{
    char text[800];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    plan_report_add(b->report, false, b->file, line ? line : b->line, b->rule, "%s", text);
    return false;
}

struct str build_text(const struct val *dict, const char *field)
{
    const struct val *v = val_get(dict, field);
    return v && v->type == VAL_STR ? val_as_str(*v) : (struct str){"", 0};
}

struct str build_copy(struct builder *b, const struct val *dict, const char *field)
{
    return arena_str(b->a, build_text(dict, field));
}

int64_t build_int(const struct val *dict, const char *field, int64_t otherwise)
{
    const struct val *v = val_get(dict, field);
    return v && v->type == VAL_INT ? v->i : otherwise;
}

uint32_t build_line(const struct val *dict)
{
    return (uint32_t)build_int(dict, "line", 0);
}

bool build_duration(struct builder *b, const struct val *dict, const char *field, int64_t *ms)
{
    static const int64_t most = (int64_t)100 * 366 * 24 * 3600 * 1000;
    const struct val *v = val_get(dict, field);
    *ms = 0;
    if (!v || v->type == VAL_NULL)
        return true;
    if (v->type != VAL_INT || v->i <= 0 || v->i > most)
        return build_fail(b, build_line(dict),
                          "%s is a whole number of milliseconds, from 1 to a hundred years", field);
    *ms = v->i;
    return true;
}

bool build_version(struct builder *b, const struct val *def, uint32_t *version)
{
    const struct val *v = val_get(def, "version");
    *version = 1;
    if (!v || v->type == VAL_NULL)
        return true;
    if (v->type != VAL_INT || v->i < 1 || v->i > INT32_MAX)
        return build_fail(b, 0, "version is a whole number from 1");
    *version = (uint32_t)v->i;
    return true;
}

void build_put(struct buf *text, struct str s)
{
    buf_printf(text, "%zu:", s.n);
    buf_put(text, s.p, s.n);
}

static struct plan_key *key_add(struct builder *b, struct str name, int slot, struct str identity)
{
    struct plan *p = b->plan;
    p->keys = xgrow(p->keys, p->n_keys, &b->cap_keys, sizeof(*p->keys));
    struct plan_key *key = &p->keys[p->n_keys++];
    *key = (struct plan_key){
        .name = arena_str(b->a, name),
        .slot = (uint32_t)slot,
        .id = plan_ids_number(b->ids, identity),
    };
    key->address = key->name;
    return key;
}

static bool build_key(struct builder *b, const struct val *def)
{
    struct str name = build_text(def, "name");
    int known = plan_find_key(b->plan, name);
    int64_t ttl_ms;
    if (known >= 0 && b->plan->keys[known].file.n == 0)
        return build_fail(b, 0, "this attribute key is built in");
    if (known >= 0)
        return build_fail(b, 0, "stands already in %.*s:%u", STR_FMT(b->plan->keys[known].file),
                          b->plan->keys[known].line);
    if (!build_duration(b, def, "ttl", &ttl_ms))
        return false;
    struct buf text = {0};
    buf_printf(&text, "key %.*s ", STR_FMT(name));
    const struct val *prop = val_get(def, "property");
    int slot = build_slot(b, prop, &text);
    if (slot >= 0) {
        struct plan_key *key = key_add(b, name, slot, buf_str(&text));
        key->address = arena_printf(b->a, "%.*s %u", STR_FMT(name), key->id);
        key->ttl_ms = ttl_ms;
        key->file = arena_str(b->a, b->file);
        key->line = b->line;
        key->description = build_copy(b, def, "description");
    }
    buf_fini(&text);
    return slot >= 0;
}

/* These four are always there, in these places. */
static void built_in_keys(struct builder *b)
{
    static const char *const names[] = {"domain_userid", "user_id", "network_userid",
                                        "domain_sessionid"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct val pairs[] = {val_strz("kind"), val_strz("atomic"), val_strz("name"),
                              val_strz(names[i])};
        struct val prop = {.type = VAL_DICT, .n = 2, .items = pairs};
        struct buf text = {0};
        buf_printf(&text, "key %s ", names[i]);
        int slot = build_slot(b, &prop, &text);
        key_add(b, str_of(names[i]), slot, buf_str(&text));
        buf_fini(&text);
    }
}

enum pass { PASS_KEYS, PASS_GROUPS, PASS_SERVICES, PASS_REST };

static bool build_def(struct builder *b, enum pass pass, const struct val *def)
{
    struct str kind = build_text(def, "kind");
    bool is_key = str_eqz(kind, "attribute_key"), is_group = str_eqz(kind, "attribute_group"),
         is_service = str_eqz(kind, "service"), is_rule = str_eqz(kind, "intervention"),
         is_score = str_eqz(kind, "score"), is_test = str_eqz(kind, "test");
    enum pass its = is_key       ? PASS_KEYS
                    : is_group   ? PASS_GROUPS
                    : is_service ? PASS_SERVICES
                                 : PASS_REST;
    if (its != pass || is_test)
        return true;
    struct str name = build_text(def, "name");
    char rule[PLAN_NAME_MAX + 40];
    snprintf(rule, sizeof(rule), "%.*s \"%.*s\"", STR_FMT(kind), STR_FMT(name));
    b->rule = str_of(rule);
    b->line = build_line(def);
    bool ok;
    if (!plan_name_ok(name))
        ok = build_fail(b, 0, "a name is 1 to %d letters, digits and _", PLAN_NAME_MAX);
    else if (is_key)
        ok = build_key(b, def);
    else if (is_group)
        ok = build_group(b, def);
    else if (is_service)
        ok = build_service(b, def);
    else if (is_rule)
        ok = build_rule(b, def);
    else if (is_score)
        ok = build_score(b, def);
    else
        ok = build_fail(b, 0, "no definition is called this");
    b->rule = (struct str){"", 0};
    return ok;
}

static void run_pass(struct builder *b, enum pass pass, const struct plan_source *sources, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        b->source = &sources[i];
        b->file = build_text(sources[i].desc, "file");
        const struct val *defs = val_get(sources[i].desc, "defs");
        for (size_t j = 0; defs && defs->type == VAL_LIST && j < defs->n; j++)
            build_def(b, pass, &defs->items[j]);
    }
}

static void mark_newest(struct plan *p)
{
    for (size_t i = 0; i < p->n_groups; i++) {
        p->groups[i].newest = true;
        for (size_t j = 0; j < p->n_groups; j++)
            if (str_eq(p->groups[i].name, p->groups[j].name) &&
                p->groups[j].version > p->groups[i].version)
                p->groups[i].newest = false;
    }
}

/* Computed slots stand behind the projection's, whose number is known only now: refs to them were made from the top. */
static void finish(struct builder *b)
{
    struct plan *p = b->plan;
    p->proj = evt_proj_new(b->props, b->n_props);
    build_series_finish(b);
    p->index = plan_index_new(p);
}

struct plan *plan_build(const struct plan_source *sources, size_t n, struct plan_ids *ids,
                        struct plan_report *report)
{
    struct plan *p = xcalloc(1, sizeof(*p));
    p->refs = 1;
    arena_init(&p->arena);
    struct builder b = {.plan = p, .a = &p->arena, .ids = ids, .report = report};
    size_t before = report->n;
    built_in_keys(&b);
    for (enum pass pass = PASS_KEYS; pass <= PASS_REST; pass++) {
        run_pass(&b, pass, sources, n);
        if (pass == PASS_GROUPS)
            mark_newest(p);
    }
    bool failed = false;
    for (size_t i = before; i < report->n; i++)
        failed |= !report->items[i].warning;
    if (!failed)
        finish(&b);
    free(b.props);
    map_fini(&b.slots);
    map_fini(&b.computed);
    map_fini(&b.drafts);
    if (!failed)
        return p;
    plan_unref(p);
    return NULL;
}
