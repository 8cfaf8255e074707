/* scores.c -- POST /api/v1/scores/{name} and POST /predict: a score for somebody, and what it came from.
 *
 * The body names the somebody, {"domain_userid": "..."}, by each attribute key that the score's service reads. The answer
 * has `signals`, the service's attributes; `scoring_attributes`, those that the formula looked at; `explanations`, how much
 * the score changes without each of the five that matter most, and the sum of the rest; and `score`.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"

enum { KEYS_MAX = 16, EXPLAINED = 5 };

struct question {
    struct http_req *r;
    struct arena *arena;
    struct plan *plan;
    const struct plan_score *score;
    const struct plan_service *service;
    struct read_key keys[KEYS_MAX];
    size_t n_keys;
};
/* Each step answers a problem itself and says false. */
#define REFUSE(q, status, ...) (http_reply_problem((q)->r, status, __VA_ARGS__), false)

static bool service_has_key(const struct question *q, int key)
{
    for (size_t i = 0; i < q->service->n_attrs; i++)
        if ((int)q->plan->attrs[q->service->attrs[i]].key == key)
            return true;
    return false;
}

static bool take_key(struct question *q, struct str name, const struct val *v)
{
    struct str *id = arena_alloc(q->arena, sizeof(*id));
    int key = plan_find_key(q->plan, name);
    if (key < 0) {
        struct str hint = read_key_hint(q->arena, q->plan, name);
        return REFUSE(q, 404, "there is no attribute key \"%.*s\"%.*s", STR_FMT(name),
                      STR_FMT(hint));
    }
    if (!read_id(q->arena, v, id))
        return REFUSE(q, 422, "%.*s: " READ_ID_WANTS, STR_FMT(name), PLAN_IDENTIFIER_MAX);
    if (q->n_keys == KEYS_MAX)
        return REFUSE(q, 400, "at most %d attribute keys are allowed", KEYS_MAX);
    if (id->p)
        q->keys[q->n_keys++] = (struct read_key){.name = name, .key = key, .ids = id, .n = 1};
    return true;
}

static bool take_keys(struct question *q, const struct val *body)
{
    bool useful = q->service->n_attrs == 0;
    for (uint32_t i = 0; i < body->n; i++) {
        struct str name = val_as_str(body->items[2 * i]);
        if (!str_eqz(name, "score") && !take_key(q, name, &body->items[2 * i + 1]))
            return false;
    }
    for (size_t i = 0; i < q->n_keys; i++)
        useful = useful || service_has_key(q, q->keys[i].key);
    if (useful)
        return true;
    struct str needed = q->plan->keys[q->plan->attrs[q->service->attrs[0]].key].name;
    return REFUSE(q, 422, "the score \"%.*s\" needs {\"%.*s\": \"...\"}", STR_FMT(q->score->name),
                  STR_FMT(needed));
}

static struct val explanations(struct question *q, const struct score_result *result)
{
    size_t used = 0, shown = MIN_OF(result->n_parts, (size_t)EXPLAINED);
    double others = 0;
    struct val out = val_dict(q->arena, shown + 1);
    for (size_t i = 0; i < shown; i++)
        dict_put(&out, &used, q->service->names[result->parts[i].attr],
                 val_dbl(result->parts[i].part));
    for (size_t i = shown; i < result->n_parts; i++)
        others += result->parts[i].part;
    dict_put(&out, &used, STR("__sum_of_others"), val_dbl(others));
    return out;
}

static void answer_score(struct question *q, const struct val *values,
                         const struct score_result *result)
{
    const struct plan_service *s = q->service;
    struct val answer = val_dict(q->arena, 4), signals = val_dict(q->arena, s->n_attrs),
               scoring = val_dict(q->arena, s->n_attrs);
    size_t used = 0, n_signals = 0, n_scoring = 0;
    for (size_t i = 0; i < s->n_attrs; i++) {
        dict_put(&signals, &n_signals, s->names[i], values[i]);
        if (result->used[i])
            dict_put(&scoring, &n_scoring, s->names[i], values[i]);
    }
    dict_put(&answer, &used, STR("signals"), signals);
    dict_put(&answer, &used, STR("scoring_attributes"), scoring);
    dict_put(&answer, &used, STR("explanations"), explanations(q, result));
    dict_put(&answer, &used, STR("score"), val_dbl(result->score));
    http_reply_val(q->r, 200, &answer);
}

static void run(struct api *a, struct question *q, const struct val *body)
{
    struct err err = {0};
    struct score_result result = {0};
    q->service = &q->plan->services[q->score->service];
    if (!take_keys(q, body))
        return;
    struct val *values = read_rows(a, q->r, q->plan, q->service->attrs, q->service->n_attrs,
                                   q->keys, q->n_keys, 1, q->arena);
    if (!values)
        return;
    if (score_run(q->plan, q->score, http_front_of(q->r), values, true, q->arena, &result, &err))
        answer_score(q, values, &result);
    else
        http_reply_problem(q->r, 500, "the score \"%.*s\" failed: %s", STR_FMT(q->score->name),
                           err.text);
}

static struct str list_scores(const struct question *q)
{
    struct str list = {0};
    for (size_t i = 0; i < q->plan->n_scores; i++)
        list = arena_printf(q->arena, "%.*s%s%.*s", STR_FMT(list), i ? ", " : "",
                            STR_FMT(q->plan->scores[i].name));
    return list;
}

static bool find_score(struct question *q, struct str name)
{
    int i = plan_find_score(q->plan, name);
    if (i < 0 && !q->plan->n_scores)
        return REFUSE(q, 404, "the rules define no score");
    struct str all = list_scores(q);
    if (i < 0)
        return REFUSE(q, 404, "there is no score \"%.*s\"; there is: %.*s", STR_FMT(name),
                      STR_FMT(all));
    q->score = &q->plan->scores[i];
    return true;
}

/* Of /predict: ?score=, {"score": ...}, or the only one there is. */
static bool choose_score(struct question *q, const struct val *body)
{
    struct str name, value;
    const struct val *field = val_get(body, "score");
    for (size_t i = 0; http_query_next(q->r, &i, &name, &value);)
        if (str_eqz(name, "score"))
            return find_score(q, value);
    if (field && field->type != VAL_STR)
        return REFUSE(q, 422, "score: a name is needed");
    if (field)
        return find_score(q, val_as_str(*field));
    if (q->plan->n_scores > 1) {
        struct str all = list_scores(q);
        return REFUSE(q, 400, "there are several scores: say which, with ?score=NAME: %.*s",
                      STR_FMT(all));
    }
    return find_score(q, q->plan->n_scores ? q->plan->scores[0].name : STR(""));
}

static void answer(struct http_req *r, struct api *a, bool predict)
{
    struct val body;
    answer_begin(r, false);
    if (!http_body_val(r, &body))
        return;
    struct question q = {.r = r, .arena = http_arena(r), .plan = engine_plan(a->engine)};
    if (body.type != VAL_DICT)
        http_reply_problem(r, 422, "the body must be an object like {\"domain_userid\": \"...\"}");
    else if (predict ? choose_score(&q, &body) : find_score(&q, http_param(r, "name")))
        run(a, &q, &body);
    plan_unref(q.plan);
}

void scores_post(struct http_req *r, void *ctx)
{
    answer(r, ctx, false);
}

void scores_predict(struct http_req *r, void *ctx)
{
    answer(r, ctx, true);
}
