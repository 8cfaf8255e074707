/* engine_drive.c -- the engine on a leash: JSON lines in, JSON lines out, one thread, and a clock that is an argument.
 *
 * The property test and the simulation drive it, and so does a person who repeats a failing seed by hand. One object a line:
 *   {"limits": {"entries": 256}}                before the first rules; names as in struct profile_limits
 *   {"keep": DIR}                               before the first rules: the journal's folder; what is there is recovered
 *   {"rules": DIR, "now": MS}                   a fresh engine with these rules       -> {"ok", "problems": [text ...]}
 *   {"reload": MS}                              reads the folder again                -> the same
 *   {"now": MS, "events": [{column: value}]}    one batch                             -> {"accepted", "rejected": [text ...]}
 *   {"now": MS, "wire": "tp2", "body": HEX}     the same, as bytes in a wire format
 *   {"now": MS, "direct": UUID, "to": [[K, ID] ...], "attributes": {name: text}}      -> {"status": "waits" | ...}
 *   {"now": MS, "listen": [[K, ID] ...]}        what waits for them, which has been delivered then -> {"heard": [message ...]}
 *   {"tick": MS}                                time passes                           -> {"next": MS}
 *   {"read": {"key": K, "ids": [...], "attributes": ["g_v1:a" ...], "now": MS}}       -> {"columns": [[value ...] ...]}
 *   {"fired": true}                             firings since the last time asked     -> {"fired": [message ...]}
 *   {"write_back": true}                                                              -> {"ok": bool}
 *   {"seq": true}                                                                     -> {"seq": N}
 *   {"digest": true}                                                                  -> {"digest": "hex"}
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>

enum { FRONTS = 1, LANES = FRONTS + 2, UNHURRIED_US = 60000000 };

struct drive {
    struct engine *engine;
    struct rules *rules;
    struct profile_limits limits;
    char *keep;
    json_t *fired, *heard;
    uint64_t n_streams;
};

static void applied(void *ctx, struct engine_batch *b)
{
    *(bool *)b->owner = true; /* on this thread */
}

static void fired(void *ctx, const struct push_msg *m)
{
    struct drive *d = ctx;
    char id[37];
    uuid_format(m->intervention_id, id);
    json_t *message = json_loadb(m->json.p, m->json.n, JSON_ALLOW_NUL, NULL);
    json_t *key = json_object_get(json_object_get(message, "target_attribute_key"), "name");
    json_t *row = json_pack("{s:s, s:I, s:I, s:s%, s:O*, s:s%, s:o*}", "intervention_id", id, "seq",
                            (json_int_t)m->seq, "index", (json_int_t)m->index, "name", m->name.p,
                            m->name.n, "key", key, "id", m->id.p, m->id.n, "message", message);
    json_array_append_new(d->fired, row);
}

static void deliver(void *ctx, unsigned front, uint64_t stream, struct push_msg *m)
{
    struct drive *d = ctx;
    if (m->json.n) /* else it is a position */
        json_array_append_new(d->heard, json_loadb(m->json.p, m->json.n, 0, NULL));
}

static void say(json_t *answer)
{
    json_dumpf(answer, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(answer);
}

static json_t *fail(const char *what)
{
    return json_pack("{s:s}", "error", what);
}

static json_t *reload(struct drive *d, int64_t now_ms)
{
    struct plan_report report;
    plan_report_init(&report);
    bool ok = engine_reload(d->engine, d->rules, now_ms, &report);
    json_t *problems = json_array();
    for (size_t i = 0; i < report.n; i++) {
        struct plan_problem *p = &report.items[i];
        json_array_append_new(
            problems, json_sprintf("%s%.*s:%u: %.*s: %.*s", p->warning ? "warning: " : "",
                                   STR_FMT(p->file), p->line, STR_FMT(p->rule), STR_FMT(p->text)));
    }
    plan_report_fini(&report);
    return json_pack("{s:b, s:o}", "ok", ok, "problems", problems);
}

static void stop(struct drive *d)
{
    if (d->engine)
        engine_free(d->engine);
    if (d->rules)
        rules_free(d->rules);
    d->engine = NULL;
    d->rules = NULL;
    json_array_clear(d->fired);
}

static json_t *start(struct drive *d, const char *dir, int64_t now_ms)
{
    struct err err = {0};
    struct engine_options options = {
        .fronts = FRONTS,
        .profile = d->limits,
        .push = push_limits_default,
        .script = script_limits_default,
        .journal = journal_options_default,
        .applied = applied,
        .deliver = deliver,
        .fired = fired,
        .ctx = d,
    };
    options.push.keep_each = options.push.keep_all; /* what waits depends on time alone */
    /* what comes out must not depend on how busy the machine is */
    struct script_limits *s = &options.script;
    s->load_us = s->call_us = s->inside_us = s->test_us = UNHURRIED_US;
    stop(d);
    options.journal.dir = d->keep;
    memset(options.journal.draw, 7, sizeof(options.journal.draw));
    if (!(d->engine = engine_new(&options, &err)))
        return fail(err.text);
    d->rules = rules_new(str_of(dir), LANES, &options.script);
    if (!engine_recover(d->engine, d->rules, &err))
        return fail(err.text);
    return reload(d, now_ms);
}

static json_t *set_limits(struct drive *d, json_t *limits)
{
    static const struct {
        const char *name;
        size_t at;
    } rows[] = {
        {"entries", offsetof(struct profile_limits, entries)},
        {"distinct", offsetof(struct profile_limits, distinct)},
        {"list_values", offsetof(struct profile_limits, list_values)},
        {"value_bytes", offsetof(struct profile_limits, value_bytes)},
        {"dedupe_ids", offsetof(struct profile_limits, dedupe_ids)},
        {"runs", offsetof(struct profile_limits, runs)},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *v = json_object_get(limits, rows[i].name);
        if (v)
            *(uint32_t *)(void *)((char *)&d->limits + rows[i].at) =
                (uint32_t)json_integer_value(v);
    }
    return json_object();
}

/* Returns when it has been applied. */
static void submit(struct drive *d, struct engine_batch *b, int64_t now_ms)
{
    bool done = false;
    b->owner = &done;
    engine_submit(d->engine, b, now_ms);
    while (!done) { /* with a folder, the journal's thread writes it first */
        engine_advance(d->engine);
        poll(NULL, 0, 0);
    }
}

static json_t *send_body(struct drive *d, enum engine_wire wire, struct str body, int64_t now_ms)
{
    struct err err = {0};
    struct engine_batch *b = engine_batch_new(wire, 0, body);
    b->meta.collector_ms = now_ms;
    if (!engine_decode(d->engine, b, &err)) {
        engine_batch_free(b);
        return fail(err.text);
    }
    json_t *rejected = json_array();
    for (size_t i = 0; i < b->events.n_rejects; i++)
        json_array_append_new(rejected,
                              json_stringn(b->events.rejects[i].why.p, b->events.rejects[i].why.n));
    json_int_t accepted = (json_int_t)b->events.n;
    submit(d, b, now_ms);
    engine_batch_free(b);
    return json_pack("{s:I, s:o}", "accepted", accepted, "rejected", rejected);
}

static json_t *send_events(struct drive *d, json_t *events, int64_t now_ms)
{
    char *body = json_dumps(events, JSON_COMPACT);
    json_t *out = send_body(d, WIRE_JSON, str_of(body), now_ms);
    free(body);
    return out;
}

static json_t *send_wire(struct drive *d, const char *name, const char *hex, int64_t now_ms)
{
    static const char *const names[] = {
        [WIRE_TP2] = "tp2",         [WIRE_QUERY] = "query",   [WIRE_JSON] = "json",
        [WIRE_MSGPACK] = "msgpack", [WIRE_NDJSON] = "ndjson", [WIRE_TSV] = "tsv",
    };
    struct buf body = {0};
    unsigned byte;
    for (; hex && sscanf(hex, "%2x", &byte) == 1; hex += 2)
        buf_putc(&body, (char)byte);
    json_t *out = NULL;
    for (size_t i = 0; !out && i < COUNT_OF(names); i++)
        if (strcmp(name, names[i]) == 0)
            out = send_body(d, (enum engine_wire)i, buf_str(&body), now_ms);
    buf_fini(&body);
    return out ? out : fail("unknown wire");
}

static struct str json_text(json_t *text)
{
    return (struct str){json_string_value(text), json_string_length(text)};
}

enum { TARGETS_MAX = 16 };

static json_t *push_direct(struct drive *d, json_t *ask, int64_t now_ms)
{
    static const char *const words[] = {
        [PUSH_LOST] = "lost", [PUSH_WAITS] = "waits", [PUSH_RECEIVED] = "received"};
    struct engine_direct_target targets[TARGETS_MAX];
    struct engine_direct direct = {.name = STR("direct"), .version = 1, .targets = targets};
    struct err err = {0};
    struct arena arena;
    const char *name;
    json_t *to, *text, *attributes = json_object_get(ask, "attributes");
    size_t i, used = 0;
    if (!uuid_parse(json_text(json_object_get(ask, "direct")), direct.intervention_id))
        return fail("no UUID");
    json_array_foreach(json_object_get(ask, "to"), i, to)
    {
        struct str key = json_text(json_array_get(to, 0)), id = json_text(json_array_get(to, 1));
        if (i < TARGETS_MAX)
            targets[direct.n++] = (struct engine_direct_target){key, key, id, {0}};
    }
    arena_init(&arena);
    direct.attributes = val_dict(&arena, json_object_size(attributes));
    direct.more = val_dict(&arena, 0);
    json_object_foreach(attributes, name, text)
        dict_put(&direct.attributes, &used, str_of(name), val_str(json_text(text)));
    struct engine_batch *b = engine_batch_direct(0, &direct);
    arena_fini(&arena);
    bool good = engine_decode(d->engine, b, &err);
    if (good)
        submit(d, b, now_ms);
    json_t *answer =
        good ? json_pack("{s:s}", "status", words[b->direct->outcome]) : fail(err.text);
    engine_batch_free(b);
    return answer;
}

static json_t *listen(struct drive *d, json_t *to, int64_t now_ms)
{
    struct push_target targets[TARGETS_MAX];
    size_t i, n = 0;
    json_t *one;
    json_array_foreach(to, i, one) if (n < TARGETS_MAX) targets[n++] =
        (struct push_target){json_text(json_array_get(one, 0)), json_text(json_array_get(one, 1))};
    json_array_clear(d->heard);
    engine_subscribe(d->engine, 0, ++d->n_streams, targets, n, 0, 0, now_ms);
    engine_unsubscribe(d->engine, d->n_streams);
    return json_pack("{s:O}", "heard", d->heard);
}

static json_t *json_of(const struct val *v)
{
    struct buf text = {0};
    val_write_json(&text, v);
    json_t *out = json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL);
    buf_fini(&text);
    return out ? out : json_string("(unreadable)");
}

static json_t *read_attributes(struct drive *d, json_t *ask)
{
    json_t *ids = json_object_get(ask, "ids"), *names = json_object_get(ask, "attributes"),
           *columns = json_array();
    int64_t now_ms = json_integer_value(json_object_get(ask, "now"));
    size_t n_ids = json_array_size(ids), n = n_ids * json_array_size(names), i;
    struct plan *plan = engine_plan(d->engine);
    struct arena arena;
    arena_init(&arena);
    uint32_t *attrs = arena_alloc(&arena, (n + 1) * sizeof(*attrs));
    struct str *who = arena_alloc(&arena, (n + 1) * sizeof(*who));
    struct val *values = arena_alloc(&arena, (n + 1) * sizeof(*values));
    json_t *name;
    json_array_foreach(names, i, name)
    {
        int attr = plan_find_attr(plan, str_of(json_string_value(name)));
        if (attr < 0) {
            json_decref(columns);
            columns = NULL;
            break;
        }
        for (size_t k = 0; k < n_ids; k++) {
            attrs[i * n_ids + k] = (uint32_t)attr;
            who[i * n_ids + k] = str_of(json_string_value(json_array_get(ids, k)));
        }
    }
    if (columns) {
        struct err err = {0};
        if (!engine_read(d->engine, plan, attrs, who, n, now_ms, &arena, values, &err))
            fprintf(stderr, "%s\n", err.text);
        for (i = 0; i < json_array_size(names); i++) {
            json_t *column = json_array();
            for (size_t k = 0; k < n_ids; k++)
                json_array_append_new(column, json_of(&values[i * n_ids + k]));
            json_array_append_new(columns, column);
        }
    }
    arena_fini(&arena);
    plan_unref(plan);
    return columns ? json_pack("{s:o}", "columns", columns) : fail("no such attribute");
}

/* A tick is a record too. */
static json_t *tick(struct drive *d, int64_t now_ms)
{
    int64_t next = engine_tick(d->engine, now_ms);
    for (; !engine_idle(d->engine); next = engine_tick(d->engine, now_ms)) {
        poll(NULL, 0, 0);
        engine_advance(d->engine);
    }
    return json_pack("{s:I}", "next", (json_int_t)next);
}

static json_t *answer(struct drive *d, json_t *ask)
{
    json_t *v;
    int64_t now_ms = json_integer_value(json_object_get(ask, "now"));
    if ((v = json_object_get(ask, "limits")))
        return set_limits(d, v);
    if ((v = json_object_get(ask, "keep"))) {
        free(d->keep);
        d->keep = strdup(json_string_value(v));
        return json_object();
    }
    if ((v = json_object_get(ask, "rules")))
        return start(d, json_string_value(v), now_ms);
    if (!d->engine)
        return fail("no rules yet");
    if ((v = json_object_get(ask, "events")))
        return send_events(d, v, now_ms);
    if ((v = json_object_get(ask, "wire")))
        return send_wire(d, json_string_value(v), json_string_value(json_object_get(ask, "body")),
                         now_ms);
    if (json_object_get(ask, "direct"))
        return push_direct(d, ask, now_ms);
    if ((v = json_object_get(ask, "listen")))
        return listen(d, v, now_ms);
    if ((v = json_object_get(ask, "reload")))
        return reload(d, json_integer_value(v));
    if ((v = json_object_get(ask, "tick")))
        return tick(d, json_integer_value(v));
    if (json_object_get(ask, "write_back"))
        return json_pack("{s:b}", "ok", engine_write_back(d->engine));
    if ((v = json_object_get(ask, "read")))
        return read_attributes(d, v);
    if (json_object_get(ask, "fired")) {
        json_t *all = d->fired;
        d->fired = json_array();
        return json_pack("{s:o}", "fired", all);
    }
    if (json_object_get(ask, "seq"))
        return json_pack("{s:I}", "seq", (json_int_t)engine_seq(d->engine));
    if (json_object_get(ask, "digest"))
        return json_pack("{s:o}", "digest", json_sprintf("%016" PRIx64, engine_digest(d->engine)));
    return fail("unknown command");
}

int main(void)
{
    struct drive d = {
        .limits = profile_limits_default, .fired = json_array(), .heard = json_array()};
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    log_init(LOG_ERROR, NULL);
    while ((n = getline(&line, &cap, stdin)) > 0) {
        json_error_t error;
        json_t *ask = json_loadb(line, (size_t)n, 0, &error);
        say(ask ? answer(&d, ask) : fail(error.text));
        json_decref(ask);
    }
    stop(&d);
    json_decref(d.fired);
    json_decref(d.heard);
    free(d.keep);
    free(line);
    return 0;
}
