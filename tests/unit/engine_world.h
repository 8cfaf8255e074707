/* engine_world.h -- an engine to talk with: send events at a time, ask what fired and what can be read.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_WORLD_H
#define ENGINE_WORLD_H

#include "desc.h"
#include "engine/core.h"
#include "unhurried.h"

#define VIEW "'events': [{'name': 'page_view'}]"
#define GROUP_D(attrs)                                                                             \
    "{'kind': 'attribute_group', 'name': 'd', 'attribute_key': 'domain_userid', 'attributes': "    \
    "[" attrs "]}"
#define GROUP_U(attrs)                                                                             \
    "{'kind': 'attribute_group', 'name': 'u', 'attribute_key': 'user_id', 'attributes': [" attrs   \
    "]}"
#define MINUTE "{'name': 'minute', 'aggregation': 'counter', 'period': 60000, " VIEW "}"
#define EVER   "{'name': 'ever', 'aggregation': 'counter', " VIEW "}"
#define URL                                                                                        \
    "{'name': 'url', 'aggregation': 'last', 'property': {'kind': 'atomic', 'name': "               \
    "'page_url'}, " VIEW "}"
#define LEAF(attr, op, value)  "{'attribute': '" attr "', 'op': '" op "', 'value': " value "}"
#define RULE(name, when, rest) "{'kind': 'intervention', 'name': '" name "', 'when': " when rest "}"

enum { MSGS_MAX = 2000 };
static const int64_t T0 = 1790000000000;

struct heard {
    char name[32], key[32], id[32], uuid[37];
    char *json;
    uint64_t seq;
    uint32_t index;
    int64_t expires_ms;
};
struct world {
    struct engine *e;
    struct heard heard[MSGS_MAX];
    size_t n, looked; /* heard in all; and already asked for */
    int applied;
};

static inline void on_fired(void *ctx, const struct push_msg *m)
{
    struct world *w = ctx;
    if (w->n == MSGS_MAX)
        abort();
    struct heard *h = &w->heard[w->n++];
    snprintf(h->name, sizeof(h->name), "%.*s", STR_FMT(m->name));
    snprintf(h->key, sizeof(h->key), "%.*s", STR_FMT(m->key));
    snprintf(h->id, sizeof(h->id), "%.*s", STR_FMT(m->id));
    uuid_format(m->intervention_id, h->uuid);
    h->json = strndup(m->json.p, m->json.n);
    h->seq = m->seq;
    h->index = m->index;
    h->expires_ms = m->expires_ms;
}

static inline void on_applied(void *ctx, struct engine_batch *b)
{
    struct world *w = ctx;
    w->applied++; /* inside the door */
    if (b->owner)
        __atomic_add_fetch((int *)b->owner, 1, __ATOMIC_RELEASE);
}

static inline struct world *world_new(const char *rules, struct test_fn *fns)
{
    struct world *w = calloc(1, sizeof(*w));
    struct engine_options o = {
        .fronts = 2,
        .profile = profile_limits_default,
        .push = push_limits_default,
        .script = unhurried(),
        .applied = on_applied,
        .ctx = w,
        .fired = on_fired,
    };
    struct err err = {0};
    w->e = engine_new(&o, &err);
    CHECK(w->e, "%s", err.text);
    engine_swap(w->e, desc_plan_ok(rules, fns, &w->e->ids), STR(""), T0);
    return w;
}

static inline void world_free(struct world *w)
{
    engine_free(w->e);
    for (size_t i = 0; i < w->n; i++)
        free(w->heard[i].json);
    free(w);
}

static inline struct engine_batch *batch_of(const char *events, unsigned front, int64_t clock_ms)
{
    struct buf body = {0};
    buf_puts(&body, events);
    for (size_t i = 0; i < body.n; i++)
        if (body.p[i] == '\'')
            body.p[i] = '"';
    struct engine_batch *b = engine_batch_new(WIRE_JSON, front, buf_str(&body));
    buf_fini(&body);
    b->meta.collector_ms = clock_ms;
    memcpy(b->meta.draw, &clock_ms, sizeof(clock_ms));
    return b;
}

static inline void send(struct world *w, int64_t clock_ms, const char *events)
{
    struct engine_batch *b = batch_of(events, 0, clock_ms);
    struct err err = {0};
    CHECK(engine_decode(w->e, b, &err), "%s", err.text);
    CHECK(b->events.n_rejects == 0, "%.*s", STR_FMT(b->events.rejects[0].why));
    engine_submit(w->e, b, clock_ms);
    engine_batch_free(b);
}

/* A page view of d: its event_id is drawn from the time. */
static inline void view(struct world *w, int64_t clock_ms, const char *d)
{
    char text[200];
    snprintf(text, sizeof(text), "{'event': 'page_view', 'domain_userid': '%s'}", d);
    send(w, clock_ms, text);
}

static inline struct val read_one(struct world *w, const char *ref, const char *id,
                                  int64_t clock_ms)
{
    struct plan *p = engine_plan(w->e);
    struct arena a;
    struct val v;
    struct str who = str_of(id);
    uint32_t attr = (uint32_t)plan_find_attr(p, str_of(ref));
    arena_init(&a);
    struct err err = {0};
    CHECK(engine_read(w->e, p, &attr, &who, 1, clock_ms, &a, &v, &err), "%s", err.text);
    if (v.type >= VAL_STR)
        v = val_null; /* numbers only: the arena ends here */
    arena_fini(&a);
    plan_unref(p);
    return v;
}

#define CHECK_READ(w, ref, id, clock, want)                                                        \
    do {                                                                                           \
        struct val v_ = read_one(w, ref, id, clock);                                               \
        CHECK(v_.type == VAL_INT && v_.i == (want), "%s of %s: type %d, %" PRId64, ref, id,        \
              v_.type, v_.i);                                                                      \
    } while (0)

/* How many messages came since the last call; all of this name. */
static inline size_t gets(struct world *w, const char *name)
{
    size_t n = 0;
    for (; w->looked < w->n; w->looked++, n++)
        CHECK_STR(w->heard[w->looked].name, name);
    return n;
}

#endif
