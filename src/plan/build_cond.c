/* build_cond.c -- properties to slots, criteria to trees.
 *
 * Each part also writes its canonical form: two attributes whose forms are equal keep one series. Order inside all, any and
 * none is kept, so the same criteria written in another order are another series: harmless, only not shared.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/build.h"

#include <inttypes.h>

static bool prop_read(struct builder *b, const struct val *v, struct evt_prop *out,
                      struct buf *text)
{
    struct str kind = build_text(v, "kind");
    *out = (struct evt_prop){.major = -1};
    if (str_eqz(kind, "atomic")) {
        struct str name = build_text(v, "name");
        out->kind = EVT_PROP_ATOMIC;
        out->column = evt_column_find(name);
        buf_puts(text, "a(");
        build_put(text, name);
        buf_putc(text, ')');
        return out->column >= 0 || build_fail(b, 0, "atomic has no property '%.*s'", STR_FMT(name));
    }
    bool entity = str_eqz(kind, "entity");
    if (!entity && !str_eqz(kind, "event"))
        return build_fail(b, 0, "a property is atomic, of an event or of an entity");
    out->kind = entity ? EVT_PROP_ENTITY : EVT_PROP_EVENT;
    out->vendor = build_copy(b, v, "vendor");
    out->name = build_copy(b, v, "name");
    out->major = (int)build_int(v, "major", -1);
    int64_t index = build_int(v, "index", 0);
    struct str path = build_copy(b, v, "path");
    struct err err = {0};
    if (index < 0 || index > 1000)
        return build_fail(b, 0, "an entity's index is 0 to 1000, not %" PRId64, index);
    out->index = (uint32_t)index;
    if (!evt_path_parse(path, b->a, &out->path, &err))
        return build_fail(b, 0, "%s", err.text);
    buf_puts(text, entity ? "n(" : "e(");
    build_put(text, out->vendor);
    build_put(text, out->name);
    buf_printf(text, "%d[%u]", out->major, out->index);
    build_put(text, path);
    buf_putc(text, ')');
    return true;
}

int build_slot(struct builder *b, const struct val *v, struct buf *text)
{
    struct evt_prop prop;
    size_t start = text->n;
    if (!prop_read(b, v, &prop, text))
        return -1;
    struct str canonical = {text->p + start, text->n - start};
    void *known = map_get(&b->slots, canonical);
    if (known)
        return (int)(intptr_t)known - 1;
    b->props = xgrow(b->props, b->n_props, &b->cap_props, sizeof(*b->props));
    b->props[b->n_props++] = prop;
    map_put(&b->slots, canonical, (void *)(intptr_t)b->n_props);
    return (int)b->n_props - 1;
}

/* -- a tree, of either kind: what differs is the leaf */
typedef bool leaf_fn(struct builder *b, const struct val *v, struct reads *reads, struct cond *out,
                     struct buf *text);

static bool tree(struct builder *b, const struct val *v, struct reads *reads, leaf_fn *leaf,
                 struct cond *out, struct buf *text)
{
    static const struct {
        const char *word;
        enum cond_kind kind;
    } joins[] = {{"all", COND_ALL}, {"any", COND_ANY}, {"none", COND_NONE}};
    for (size_t i = 0; i < COUNT_OF(joins); i++) {
        const struct val *kids = val_get(v, joins[i].word);
        if (!kids)
            continue;
        if (kids->type != VAL_LIST || kids->n == 0)
            return build_fail(b, build_line(v), "%s needs at least one criterion", joins[i].word);
        *out = (struct cond){.kind = joins[i].kind, .n = kids->n};
        out->kids = arena_zalloc(b->a, kids->n * sizeof(*out->kids));
        buf_printf(text, "%s{", joins[i].word);
        for (size_t k = 0; k < kids->n; k++)
            if (!tree(b, &kids->items[k], reads, leaf, &out->kids[k], text))
                return false;
        buf_putc(text, '}');
        return true;
    }
    return leaf(b, v, reads, out, text);
}

static bool takes_ok(enum cond_takes takes, const struct val *arg)
{
    enum val_type t = arg ? arg->type : VAL_NULL;
    switch (takes) {
    case COND_TAKES_NOTHING:
        return t == VAL_NULL;
    case COND_TAKES_SCALAR:
        return t == VAL_BOOL || t == VAL_INT || t == VAL_DBL || t == VAL_STR;
    case COND_TAKES_NUMBER:
        return t == VAL_INT || t == VAL_DBL;
    case COND_TAKES_STRING:
        return t == VAL_STR;
    case COND_TAKES_LIST:
        if (t != VAL_LIST || arg->n == 0)
            return false;
        for (size_t i = 0; i < arg->n; i++)
            if (!takes_ok(COND_TAKES_SCALAR, &arg->items[i]))
                return false;
        return true;
    }
    return false;
}

/* The operator and its constant. */
static bool leaf_op(struct builder *b, const struct val *v, bool on_events, struct cond *out,
                    struct buf *text)
{
    static const char *const wants[] = {"takes nothing", "takes a text, number or boolean",
                                        "takes a number", "takes a text", "takes a list of values"};
    struct str word = build_text(v, "op");
    const struct val *arg = val_get(v, "value");
    const struct cond_op *op = cond_op_find(word);
    if (!op)
        return build_fail(b, build_line(v), "no operator :%.*s", STR_FMT(word));
    if (on_events && !op->on_events)
        return build_fail(b, build_line(v), "no operator :%s on events, only on attributes",
                          op->word);
    if (!takes_ok(op->takes, arg))
        return build_fail(b, build_line(v), ":%s %s", op->word, wants[op->takes]);
    out->kind = COND_LEAF;
    out->op = op;
    out->arg = arg ? val_copy(b->a, *arg) : val_null;
    if (str_eqz(word, "rlike") || str_eqz(word, "not_rlike")) {
        struct err err = {0};
        out->compiled = rlike_new(val_as_str(out->arg), &err);
        if (!out->compiled)
            return build_fail(b, build_line(v), ":%s: %s", op->word, err.text);
        plan_keep(b->plan, out->compiled, rlike_free);
    }
    buf_printf(text, " %s ", op->word);
    val_write_msgpack(text, &out->arg);
    return true;
}

static struct plan_fn *find_fn(struct builder *b, const struct val *v)
{
    int64_t n = build_int(v, "fn", -1);
    struct plan_fn *fn = n >= 0 && b->source->fn ? b->source->fn(b->source->ctx, (size_t)n) : NULL;
    if (!fn)
        build_fail(b, build_line(v), "criterion needs a function");
    return fn;
}

/* What the function of a leaf is, for a canonical form. */
static void put_fn(struct builder *b, const struct val *v, struct buf *text)
{
    struct str identity = build_text(v, "identity");
    buf_puts(text, "fn ");
    if (identity.n > 0) {
        build_put(text, identity);
        return;
    }
    buf_printf(text, "%" PRIx64 " %" PRId64 " of ", b->source->hash, build_int(v, "fn", -1));
    build_put(text, b->file);
}

/* A criterion function over properties becomes a computed slot that the fronts fill. The slot's number is given when the
 * projection's size is known (build_series_finish); until then it counts down from the top. */
static bool computed_leaf(struct builder *b, const struct val *v, struct cond *out,
                          struct buf *text)
{
    struct plan *p = b->plan;
    const struct val *props = val_get(v, "properties");
    struct plan_fn *fn = find_fn(b, v);
    if (!fn)
        return false;
    if (!props || props->type != VAL_LIST || props->n == 0)
        return build_fail(b, build_line(v),
                          "criterion names the properties that its function reads");
    uint32_t *args = arena_alloc(b->a, props->n * sizeof(*args));
    size_t start = text->n;
    put_fn(b, v, text);
    buf_putc(text, '(');
    for (size_t i = 0; i < props->n; i++) {
        int slot = build_slot(b, &props->items[i], text);
        if (slot < 0)
            return false;
        args[i] = (uint32_t)slot;
    }
    buf_putc(text, ')');
    struct str canonical = {text->p + start, text->n - start};
    uintptr_t at = (uintptr_t)map_get(&b->computed, canonical);
    if (!at) {
        p->computed = xgrow(p->computed, p->n_computed, &b->cap_computed, sizeof(*p->computed));
        p->computed[p->n_computed++] =
            (struct plan_computed){.args = args, .n_args = props->n, .fn = fn};
        at = p->n_computed;
        map_put(&b->computed, canonical, (void *)at);
    }
    *out = (struct cond){
        .kind = COND_LEAF, .op = cond_op_find(STR("eq")), .arg = val_bool(true), .n = 1};
    out->refs = arena_alloc(b->a, sizeof(*out->refs));
    out->refs[0] = UINT32_MAX - (uint32_t)(at - 1);
    return true;
}

static bool event_leaf(struct builder *b, const struct val *v, struct reads *reads,
                       struct cond *out, struct buf *text)
{
    if (val_get(v, "fn"))
        return computed_leaf(b, v, out, text);
    buf_putc(text, ' ');
    int slot = build_slot(b, val_get(v, "property"), text);
    if (slot < 0)
        return false;
    *out = (struct cond){.kind = COND_LEAF, .n = 1, .refs = arena_alloc(b->a, sizeof(uint32_t))};
    out->refs[0] = (uint32_t)slot;
    return leaf_op(b, v, true, out, text);
}

struct cond *build_cond(struct builder *b, const struct val *v, struct buf *text)
{
    struct cond *c = arena_zalloc(b->a, sizeof(*c));
    return tree(b, v, NULL, event_leaf, c, text) ? c : NULL;
}

int build_read(struct builder *b, struct str ref, uint32_t line, struct reads *reads)
{
    int attr = plan_find_attr(b->plan, ref);
    if (attr < 0) {
        build_fail(b, line, "no attribute \"%.*s\"%s", STR_FMT(ref),
                   build_hint(b, HINT_ATTR, ref, "; attributes are named \"group:attribute\""));
        return -1;
    }
    for (size_t i = 0; i < reads->n; i++)
        if (reads->attrs[i] == (uint32_t)attr)
            return (int)i;
    reads->attrs = xgrow(reads->attrs, reads->n, &reads->cap, sizeof(*reads->attrs));
    reads->attrs[reads->n++] = (uint32_t)attr;
    return (int)reads->n - 1;
}

/* Which values an attribute can have; bits of enum val_type. 0: any. */
static unsigned values_of(const struct plan_attr *attr)
{
    if (attr->agg == AGG_UNIQUE_LIST)
        return 1u << VAL_LIST;
    switch (attr->type) {
    case TYPE_INT32:
    case TYPE_INT64:
    case TYPE_DOUBLE:
    case TYPE_FLOAT:
    case TYPE_UNIX_TIMESTAMP:
        return 1u << VAL_INT | 1u << VAL_DBL;
    case TYPE_STRING:
        return 1u << VAL_STR;
    case TYPE_BOOL:
        return 1u << VAL_BOOL;
    case TYPE_ANY:
    case TYPE_BYTES:
        return 0;
    case TYPE_DICT:
        return 1u << VAL_DICT;
    default:
        return 1u << VAL_LIST;
    }
}

static bool fits_constant(const struct cond *leaf, unsigned values)
{
    if (leaf->arg.type != VAL_LIST)
        return values & 1u << leaf->arg.type;
    for (size_t i = 0; i < leaf->arg.n; i++)
        if (values & 1u << leaf->arg.items[i].type)
            return true;
    return false;
}

/* A counter that saw nothing is null, and null is less than nothing: who writes :eq(0) means something else. */
static bool below_one(const struct plan_attr *attr, const struct cond *leaf)
{
    double bound;
    if (attr->agg != AGG_COUNTER || attr->dflt.type != VAL_NULL ||
        !val_as_double(leaf->arg, &bound))
        return false;
    return (strcmp(leaf->op->word, "lt") == 0 && bound <= 1) ||
           ((strcmp(leaf->op->word, "lte") == 0 || strcmp(leaf->op->word, "eq") == 0) && bound < 1);
}

/* Warns of a comparison that cannot come true, whatever happens. */
static void warn_impossible(struct builder *b, const struct plan_attr *attr,
                            const struct cond *leaf, uint32_t line)
{
    unsigned values = values_of(attr);
    struct str name = attr->name;
    if (below_one(attr, leaf))
        plan_report_add(b->report, true, b->file, line ? line : b->line, b->rule,
                        "this never holds: a counter that saw nothing is null, not 0: write "
                        ":is_null(), or give "
                        "%.*s :default(0)",
                        STR_FMT(name));
    else if (leaf->op->takes == COND_TAKES_NOTHING || !values || fits_constant(leaf, values))
        return;
    else if (values & (1u << VAL_LIST | 1u << VAL_DICT))
        plan_report_add(b->report, true, b->file, line ? line : b->line, b->rule,
                        "this never holds: %.*s is a %s: write criterion(attribute \"…\", "
                        "function(%s) return … end)",
                        STR_FMT(name), values & 1u << VAL_LIST ? "list" : "dict",
                        values & 1u << VAL_LIST ? "list" : "dict");
    else
        plan_report_add(
            b->report, true, b->file, line ? line : b->line, b->rule,
            "this never holds: %.*s is of type %s, and :%s compares it with another type",
            STR_FMT(name), plan_type_names[attr->type], leaf->op->word);
}

static bool attr_leaf(struct builder *b, const struct val *v, struct reads *reads, struct cond *out,
                      struct buf *text)
{
    const struct val *names = val_get(v, "attributes");
    size_t n = val_get(v, "fn") ? (names && names->type == VAL_LIST ? names->n : 0) : 1;
    if (n == 0)
        return build_fail(b, build_line(v),
                          "criterion names the attributes that its function reads");
    *out =
        (struct cond){.kind = COND_LEAF, .n = n, .refs = arena_alloc(b->a, n * sizeof(uint32_t))};
    for (size_t i = 0; i < n; i++) {
        struct str ref =
            val_get(v, "fn") ? val_as_str(names->items[i]) : build_text(v, "attribute");
        int at = build_read(b, ref, build_line(v), reads);
        if (at < 0)
            return false;
        out->refs[i] = (uint32_t)at;
        buf_printf(text, " %d", at);
    }
    if (!val_get(v, "fn")) {
        if (!leaf_op(b, v, false, out, text))
            return false;
        warn_impossible(b, &b->plan->attrs[reads->attrs[out->refs[0]]], out, build_line(v));
        return true;
    }
    buf_putc(text, ' ');
    put_fn(b, v, text);
    out->kind = COND_FN;
    out->fn = find_fn(b, v);
    return out->fn != NULL;
}

struct cond *build_rule_cond(struct builder *b, const struct val *v, struct reads *reads,
                             struct buf *text)
{
    struct cond *c = arena_zalloc(b->a, sizeof(*c));
    return tree(b, v, reads, attr_leaf, c, text) ? c : NULL;
}

bool build_matches(struct builder *b, const struct val *events, struct plan_match **out, size_t *n,
                   struct buf *text)
{
    if (!events || events->type != VAL_LIST || events->n == 0)
        return build_fail(b, 0, "on which event?");
    *n = events->n;
    *out = arena_zalloc(b->a, events->n * sizeof(**out));
    for (size_t i = 0; i < events->n; i++) {
        const struct val *e = &events->items[i];
        struct plan_match *m = &(*out)[i];
        m->vendor = build_copy(b, e, "vendor");
        m->name = build_copy(b, e, "name");
        m->version = build_copy(b, e, "version");
        buf_putc(text, '[');
        build_put(text, m->vendor);
        build_put(text, m->name);
        build_put(text, m->version);
        const struct val *criteria = val_get(e, "criteria");
        if (criteria && criteria->type != VAL_NULL &&
            !(m->criteria = build_cond(b, criteria, text)))
            return false;
        buf_putc(text, ']');
    }
    return true;
}
