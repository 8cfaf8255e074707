/* direct.c -- POST /api/v1/interventions?KEY=ID...: an intervention that an application pushes past the rules.
 *
 * The body is an instance as the official SDKs write it: name and version, perhaps attributes and an intervention_id. What else
 * it holds, a payload say, goes along as it is; target_attribute_key does not, each receiver's message names its own. The answer
 * is {"status": S}, once the intervention is kept as events are: `success`, some subscriber was handed it; `undelivered`, nobody
 * listens now, and it waits; `failure`, nobody listens, and the limits let nothing wait.
 *
 * Who gets no answer may send the same again, with an intervention_id of its own: it is received once, see push/each.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"

/* Each step answers a problem itself and says false. */
#define REFUSE(r, status, ...) (http_reply_problem(r, status, __VA_ARGS__), false)

static bool take_name(struct http_req *r, struct engine_direct *d, const struct val *v)
{
    if (v->type != VAL_STR || !plan_name_ok(val_as_str(*v)))
        return REFUSE(r, 422, "name: 1 to %d letters, digits or _ are needed", PLAN_NAME_MAX);
    d->name = val_as_str(*v);
    return true;
}

static bool take_version(struct http_req *r, struct engine_direct *d, const struct val *v)
{
    if (v->type != VAL_INT || v->i < 0)
        return REFUSE(r, 422, "version: a whole number, 0 or more, is needed");
    d->version = v->i;
    return true;
}

static bool take_id(struct api *a, struct http_req *r, struct engine_direct *d, const struct val *v)
{
    if (v->type == VAL_NULL) {
        draw_bytes(a, http_front_of(r), d->intervention_id, sizeof(d->intervention_id));
        uuid_mark(d->intervention_id, 4);
        return true;
    }
    if (!uuid_parse(val_as_str(*v), d->intervention_id))
        return REFUSE(r, 422, "intervention_id: a UUID is needed, or none");
    return true;
}

static bool take_attributes(struct http_req *r, struct engine_direct *d, const struct val *v)
{
    if (v->type == VAL_NULL)
        d->attributes = val_dict(http_arena(r), 0);
    else if (v->type == VAL_DICT)
        d->attributes = *v;
    else
        return REFUSE(r, 422,
                      "attributes: an object like {\"group:attribute\": \"value\"} is needed");
    return true;
}

static const struct val *field(const struct val *body, const char *name)
{
    const struct val *v = val_get(body, name);
    return v ? v : &val_null;
}

static bool is_own_field(struct str name)
{
    static const char *const own[] = {"intervention_id", "name", "version", "attributes",
                                      "target_attribute_key"};
    for (size_t i = 0; i < COUNT_OF(own); i++)
        if (str_eqz(name, own[i]))
            return true;
    return false;
}

static bool take_instance(struct api *a, struct http_req *r, struct engine_direct *d)
{
    struct val body;
    size_t used = 0;
    if (!http_body_val(r, &body))
        return false;
    if (body.type != VAL_DICT)
        return REFUSE(r, 422,
                      "the body must be an object like {\"name\": \"offer\", \"version\": 1}");
    if (!take_name(r, d, field(&body, "name")) || !take_version(r, d, field(&body, "version")) ||
        !take_id(a, r, d, field(&body, "intervention_id")) ||
        !take_attributes(r, d, field(&body, "attributes")))
        return false;
    d->more = val_dict(http_arena(r), body.n);
    for (uint32_t i = 0; i < body.n; i++)
        if (!is_own_field(val_as_str(body.items[2 * i])))
            dict_put(&d->more, &used, val_as_str(body.items[2 * i]), body.items[2 * i + 1]);
    return true;
}

static bool take_targets(struct api *a, struct http_req *r, struct engine_direct *d)
{
    struct targets t;
    if (!targets_take(a, r, http_arena(r), &t, NULL))
        return false;
    d->n = t.n;
    d->targets = arena_zalloc(http_arena(r), t.n * sizeof(*d->targets));
    for (size_t i = 0; i < t.n; i++)
        d->targets[i] =
            (struct engine_direct_target){t.names[i], t.items[i].key, t.items[i].id, {0}};
    return true;
}

static void answer_status(struct api *a, struct http_req *r, struct engine_batch *b)
{
    static const char *const words[] = {
        [PUSH_LOST] = "failure", [PUSH_WAITS] = "undelivered", [PUSH_RECEIVED] = "success"};
    struct val answer = val_dict(http_arena(r), 1);
    size_t used = 0;
    dict_put(&answer, &used, STR("status"), val_strz(words[b->direct->outcome]));
    http_reply_val(r, 200, &answer);
}

void interventions_post(struct http_req *r, void *ctx)
{
    struct api *a = ctx;
    struct engine_direct d = {0};
    answer_begin(r, false);
    if (take_targets(a, r, &d) && take_instance(a, r, &d) && take_open(a, r))
        take_close(a, r, engine_batch_direct(http_front_of(r), &d), answer_status);
}
