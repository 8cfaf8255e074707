/* trial.c -- one test block of a rule file: a scratch engine with the plan that is being tried, on a clock of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

#include <stdlib.h>

/* Tests begin on a Wednesday at noon, far from the ends of days and months. */
static const int64_t TRIAL_BEGIN_MS = 1767787200000; /* 2026-01-07T12:00:00Z */

static const int64_t TRIAL_WAIT_MAX_MS = (int64_t)10 * 366 * 24 * 3600 * 1000;

struct trial_message {
    struct push_msg *msg;
    bool taken;
};
struct trial {
    struct engine *e;
    struct plan *plan;
    unsigned lane;
    int64_t now_ms;
    uint64_t n_events;
    struct trial_message *messages;
    size_t n, cap;
};

static void trial_fired(void *ctx, const struct push_msg *m)
{
    struct trial *t = ctx;
    t->messages = xgrow(t->messages, t->n, &t->cap, sizeof(*t->messages));
    t->messages[t->n++] = (struct trial_message){push_msg_ref((struct push_msg *)m), false};
}

/* Whose event it is. */
static struct val trial_ids(const struct plan *p, const struct evt *evt, struct arena *arena)
{
    struct val ids = val_dict(arena, p->n_keys);
    size_t used = 0;
    for (size_t k = 0; k < p->n_keys; k++) {
        struct str id = key_identifier(&p->keys[k], evt, arena);
        if (id.n)
            dict_put(&ids, &used, p->keys[k].name, val_str(arena_str(arena, id)));
    }
    return ids;
}

static bool trial_send(void *ctx, const struct val *event, struct arena *arena, struct val *ids,
                       struct err *err)
{
    struct trial *t = ctx;
    struct buf json = {0};
    t->now_ms++; /* so that what is sent later is later */
    val_write_json(&json, event);
    struct engine_batch *b = engine_batch_new(WIRE_JSON, 0, buf_str(&json));
    buf_fini(&json);
    b->meta.collector_ms = t->now_ms;
    memcpy(b->meta.draw, &t->n_events, sizeof(t->n_events));
    t->n_events++;
    b->plan = plan_ref(t->plan);
    bool ok = batch_decode(t->e->own, b, t->plan, t->lane, err);
    if (ok && b->events.n_rejects)
        ok = err_set(err, "%.*s", STR_FMT(b->events.rejects[0].why));
    if (ok) {
        *ids = trial_ids(t->plan, &b->events.evts[0], arena);
        engine_submit(t->e, b, t->now_ms);
    }
    engine_batch_free(b);
    return ok;
}

static bool trial_wait(void *ctx, int64_t ms, struct err *err)
{
    struct trial *t = ctx;
    if (ms < 0 || ms > TRIAL_WAIT_MAX_MS)
        return err_set(err, "a wait is nothing to ten years");
    t->now_ms += ms;
    engine_tick(t->e, t->now_ms);
    return true;
}

static bool trial_read(void *ctx, const struct val *ids, struct str attribute, struct arena *arena,
                       struct val *out, struct err *err)
{
    struct trial *t = ctx;
    int at = plan_find_attr(t->plan, attribute);
    if (at < 0)
        return err_set(err, "no attribute \"%.*s\"; attributes are named \"group:attribute\"",
                       STR_FMT(attribute));
    uint32_t index = (uint32_t)at;
    const struct plan_key *key = &t->plan->keys[t->plan->attrs[index].key];
    const struct val *id = val_get(ids, key->name.p);
    struct str text = id ? val_as_str(*id) : (struct str){NULL, 0};
    return engine_read(t->e, t->plan, &index, &text, 1, t->now_ms, arena, out, err);
}

static bool is_for(const struct trial *t, const struct push_msg *m, const struct val *ids)
{
    int key = plan_find_address(t->plan, m->key);
    const struct val *id = key < 0 ? NULL : val_get(ids, t->plan->keys[key].name.p);
    return id && str_eq(val_as_str(*id), m->id);
}

static bool trial_take(void *ctx, const struct val *ids, struct str intervention,
                       struct arena *arena, struct val *out, struct err *err)
{
    struct trial *t = ctx;
    bool known = false;
    for (size_t i = 0; i < t->plan->n_rules; i++)
        known |= str_eq(t->plan->rules[i].name, intervention);
    if (!known)
        return err_set(err, "no intervention \"%.*s\"", STR_FMT(intervention));
    *out = val_null;
    for (size_t i = 0; i < t->n; i++) {
        const struct push_msg *m = t->messages[i].msg;
        if (t->messages[i].taken || !str_eq(m->name, intervention) || !is_for(t, m, ids))
            continue;
        for (size_t k = i; k < t->n;
             k++) /* the other targets of this firing are the same message */
            if (memcmp(t->messages[k].msg->intervention_id, m->intervention_id, 16) == 0)
                t->messages[k].taken = true;
        *out = val_dict(arena, 2);
        size_t used = 0;
        dict_put(out, &used, STR("name"), val_str(arena_str(arena, m->name)));
        dict_put(out, &used, STR("json"), val_str(arena_str(arena, m->json)));
        return true;
    }
    return true;
}

bool trial_run(const struct engine_options *o, struct plan *p, struct script_file *f, size_t fn,
               unsigned lane, struct err *err)
{
    struct trial t = {.plan = p, .lane = lane, .now_ms = TRIAL_BEGIN_MS};
    struct engine_options options = *o;
    options.fronts = 0;
    options.journal.dir = NULL;
    options.durable = NULL;
    options.applied = NULL;
    options.deliver = NULL;
    options.ctx = &t;
    options.fired = trial_fired;
    stat_mute(true);
    t.e = engine_new_in_lanes(&options, lane, err);
    bool ok = t.e != NULL;
    if (ok) {
        engine_swap(t.e, plan_ref(p), STR(""), t.now_ms);
        struct script_host host = {&t, trial_send, trial_wait, trial_read, trial_take};
        ok = script_run_test(f, fn, lane, &host, err);
        engine_free(t.e);
    }
    for (size_t i = 0; i < t.n; i++)
        push_msg_unref(t.messages[i].msg);
    free(t.messages);
    stat_mute(false);
    return ok;
}
