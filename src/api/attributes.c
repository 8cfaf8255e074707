/* attributes.c -- POST /api/v1/get-online-attributes: the current attributes of some identifiers.
 *
 * {"service": S, "attribute_keys": {KEY: [ID, ...], ...}} or {"attributes": ["GROUP_vN:ATTR", ...], "attribute_keys": ...}.
 * The answer is columns, {KEY: [ID, ...], ATTR: [value, ...]}: one row per position in the lists of identifiers. With
 * several keys, row i is about the i-th identifier of each, and an attribute is read at the identifier of its own group's
 * key; where a list is shorter there is none, and the attribute answers its default.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"

enum { KEYS_MAX = 16, ATTRIBUTES_MAX = 2000 };

struct request {
    struct http_req *r;
    struct arena *arena;
    struct plan *plan;
    struct read_key keys[KEYS_MAX];
    size_t n_keys, n_rows;
    uint32_t *attrs;
    struct str *names; /* of the answer's columns */
    size_t n_attrs;
};

/* Each step answers a problem itself and says false. */
#define REFUSE(q, status, ...) (http_reply_problem((q)->r, status, __VA_ARGS__), false)

static bool take_ids(struct request *q, struct read_key *k, const struct val *v, unsigned most)
{
    const struct val *items = v->type == VAL_LIST ? v->items : v; /* one identifier needs no list */
    k->n = v->type == VAL_LIST ? v->n : 1;
    if (k->n > most)
        return REFUSE(q, 400, "attribute_keys.%.*s: %zu identifiers, at most %u are allowed",
                      STR_FMT(k->name), k->n, most);
    k->ids = arena_alloc(q->arena, k->n * sizeof(*k->ids) + 1);
    for (size_t i = 0; i < k->n; i++)
        if (!read_id(q->arena, &items[i], &k->ids[i]))
            return REFUSE(q, 422, "attribute_keys.%.*s[%zu]: " READ_ID_WANTS, STR_FMT(k->name), i,
                          PLAN_IDENTIFIER_MAX);
    q->n_rows = MAX_OF(q->n_rows, k->n);
    return true;
}

static bool take_keys(struct request *q, const struct val *body, unsigned most)
{
    const struct val *keys = val_get(body, "attribute_keys");
    if (!keys || keys->type != VAL_DICT || !keys->n)
        return REFUSE(q, 422,
                      "attribute_keys: an object like {\"domain_userid\": [\"...\"]} is needed");
    if (keys->n > KEYS_MAX)
        return REFUSE(q, 400, "attribute_keys: at most %d keys are allowed", KEYS_MAX);
    for (uint32_t i = 0; i < keys->n; i++) {
        struct read_key *k = &q->keys[q->n_keys++];
        k->name = val_as_str(keys->items[2 * i]);
        k->key = plan_find_key(q->plan, k->name);
        if (k->key < 0) {
            struct str hint = read_key_hint(q->arena, q->plan, k->name);
            return REFUSE(q, 404, "attribute_keys: there is no attribute key \"%.*s\"%.*s",
                          STR_FMT(k->name), STR_FMT(hint));
        }
        for (size_t j = 0; j + 1 < q->n_keys; j++)
            if (q->keys[j].key == k->key)
                return REFUSE(q, 422, "attribute_keys: \"%.*s\" is given twice", STR_FMT(k->name));
        if (!take_ids(q, k, &keys->items[2 * i + 1], most))
            return false;
    }
    return true;
}

static bool take_service(struct request *q, struct str name, bool full)
{
    int i = plan_find_service(q->plan, name);
    if (i < 0) {
        struct str *names = arena_alloc(q->arena, q->plan->n_services * sizeof(*names) + 1);
        for (size_t j = 0; j < q->plan->n_services; j++)
            names[j] = q->plan->services[j].name;
        struct str hint = read_hint(q->arena, name, names, q->plan->n_services);
        return REFUSE(q, 404, "there is no service \"%.*s\"%.*s", STR_FMT(name), STR_FMT(hint));
    }
    const struct plan_service *s = &q->plan->services[i];
    q->attrs = s->attrs;
    q->n_attrs = s->n_attrs;
    q->names = arena_alloc(q->arena, s->n_attrs * sizeof(*q->names) + 1);
    for (size_t j = 0; j < s->n_attrs; j++)
        q->names[j] = full ? q->plan->attrs[s->attrs[j]].ref : s->names[j];
    return true;
}

static struct str ref_hint(struct request *q, struct str ref)
{
    struct str *names = arena_alloc(q->arena, q->plan->n_attrs * sizeof(*names) + 1);
    for (size_t i = 0; i < q->plan->n_attrs; i++)
        names[i] = q->plan->attrs[i].ref;
    return read_hint(q->arena, ref, names, q->plan->n_attrs);
}

static bool take_list(struct request *q, const struct val *list, bool full)
{
    if (list->n > ATTRIBUTES_MAX)
        return REFUSE(q, 400, "attributes: at most %d are allowed", ATTRIBUTES_MAX);
    q->attrs = arena_alloc(q->arena, list->n * sizeof(*q->attrs) + 1);
    q->names = arena_alloc(q->arena, list->n * sizeof(*q->names) + 1);
    bool *taken = arena_zalloc(q->arena, q->plan->n_attrs + 1);
    for (uint32_t i = 0; i < list->n; i++) {
        struct str ref = val_as_str(list->items[i]);
        if (list->items[i].type != VAL_STR)
            return REFUSE(q, 422, "attributes[%u]: a string like \"group_v1:attribute\" is needed",
                          i);
        int found = plan_find_attr(q->plan, ref);
        if (found < 0) {
            struct str hint = ref_hint(q, ref);
            return REFUSE(q, 404, "attributes[%u]: there is no attribute \"%.*s\"%.*s", i,
                          STR_FMT(ref), STR_FMT(hint));
        }
        if (taken[found])
            continue;
        taken[found] = true;
        q->attrs[q->n_attrs] = (uint32_t)found;
        q->names[q->n_attrs++] = full ? q->plan->attrs[found].ref : q->plan->attrs[found].name;
    }
    return true;
}

/* A column's name that another column has too, or that is a key's, gives way to the full one. */
static void settle_names(struct request *q)
{
    struct map seen;
    map_init(&seen);
    for (size_t i = 0; i < q->n_keys; i++)
        map_put(&seen, q->keys[i].name, q);
    for (size_t i = 0; i < q->n_attrs; i++) {
        size_t *first = map_get(&seen, q->names[i]);
        if (first) {
            if ((void *)first != (void *)q)
                q->names[*first] = q->plan->attrs[q->attrs[*first]].ref;
            q->names[i] = q->plan->attrs[q->attrs[i]].ref;
            continue;
        }
        size_t *at = arena_alloc(q->arena, sizeof(*at));
        *at = i;
        map_put(&seen, q->names[i], at);
    }
    map_fini(&seen);
}

/* None of the keys given is one that these attributes are about: every answer would be null. */
static bool check_keys(struct request *q)
{
    for (size_t i = 0; i < q->n_attrs; i++)
        for (size_t j = 0; j < q->n_keys; j++)
            if ((int)q->plan->attrs[q->attrs[i]].key == q->keys[j].key)
                return true;
    if (!q->n_attrs)
        return true;
    struct str needed = q->plan->keys[q->plan->attrs[q->attrs[0]].key].name;
    return REFUSE(
        q, 422,
        "attribute_keys: these attributes are about \"%.*s\", and no identifier of it is given",
        STR_FMT(needed));
}

static bool take_request(struct request *q, const struct val *body, unsigned most)
{
    if (body->type != VAL_DICT)
        return REFUSE(q, 422,
                      "the body must be an object with attribute_keys and service or attributes");
    const struct val *service = val_get(body, "service"), *list = val_get(body, "attributes");
    const struct val *full = val_get(body, "full_attribute_names");
    if (full && full->type != VAL_BOOL && full->type != VAL_NULL)
        return REFUSE(q, 422, "full_attribute_names: true or false is needed");
    bool is_full = full && full->type == VAL_BOOL && full->b;
    service = service && service->type != VAL_NULL ? service : NULL;
    list = list && list->type != VAL_NULL ? list : NULL;
    if (!service == !list)
        return REFUSE(q, 422, "one of service and attributes is needed%s",
                      list ? ", not both" : "");
    if (service && service->type != VAL_STR)
        return REFUSE(q, 422, "service: a string is needed");
    if (list && list->type != VAL_LIST)
        return REFUSE(q, 422, "attributes: a list is needed");
    if (!(service ? take_service(q, val_as_str(*service), is_full) : take_list(q, list, is_full)))
        return false;
    return take_keys(q, body, most) && check_keys(q);
}

static void answer_columns(struct api *a, struct request *q)
{
    size_t used = 0;
    struct val answer = val_dict(q->arena, q->n_keys + q->n_attrs);
    struct val *values =
        read_rows(a, q->r, q->plan, q->attrs, q->n_attrs, q->keys, q->n_keys, q->n_rows, q->arena);
    if (!values)
        return;
    settle_names(q);
    for (size_t i = 0; i < q->n_keys; i++) {
        struct val ids = val_list(q->arena, q->n_rows);
        for (size_t row = 0; row < q->keys[i].n; row++)
            if (q->keys[i].ids[row].p)
                ids.items[row] = val_str(q->keys[i].ids[row]);
        dict_put(&answer, &used, q->keys[i].name, ids);
    }
    for (size_t i = 0; i < q->n_attrs; i++) {
        struct val column = val_list(q->arena, q->n_rows);
        for (size_t row = 0; row < q->n_rows; row++)
            column.items[row] = values[row * q->n_attrs + i];
        dict_put(&answer, &used, q->names[i], column);
    }
    http_reply_val(q->r, 200, &answer);
}

void attributes_post(struct http_req *r, void *ctx)
{
    struct api *a = ctx;
    struct val body;
    answer_begin(r, false);
    if (!http_body_val(r, &body))
        return;
    struct request q = {.r = r, .arena = http_arena(r), .plan = engine_plan(a->engine)};
    if (take_request(&q, &body, a->o.limits.identifiers))
        answer_columns(a, &q);
    plan_unref(q.plan);
}
