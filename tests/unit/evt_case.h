/* evt_case.h -- what the tests of the decoders share: a projection in words, bodies in JSON, slots
 * as JSON text.
 *
 * A slot is asked for as "page_urlhost", "event VENDOR/NAME/MAJOR PATH" or "entity
 * VENDOR/NAME/MAJOR#INDEX PATH"; * stands for any.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EVT_CASE_H
#define EVT_CASE_H

#include "check.h"
#include "evt/evt.h"
#include "evt/json_dom.h"

#include <stdlib.h>

enum { CASE_SLOTS_MAX = 160 };
static const int64_t case_now = INT64_C(1790000000000); /* 2026-09-21 14:13:20 */

struct evt_case {
    struct evt_referers *refs;
    struct evt_decoder *decoder;
    struct evt_proj *proj;
    struct evt_meta meta;
    struct evt_batch batch;
    struct err err;
    struct arena arena;
    bool ok;
};

static struct evt_prop case_prop(struct arena *a, const char *words)
{
    struct evt_prop p = {.major = -1};
    struct err err = {0};
    char kind[16], vendor[80], name[80], major[16], path[80];
    unsigned index = 0;
    if (!strchr(words, ' ')) {
        p.column = evt_column_find(str_of(words));
        CHECK(p.column >= 0, "no column %s", words);
        return p;
    }
    if (sscanf(words, "%15s %79[^/]/%79[^/]/%15[^# ]#%u %79s", kind, vendor, name, major, &index,
               path) != 6 &&
        sscanf(words, "%15s %79[^/]/%79[^/]/%15[^ ] %79s", kind, vendor, name, major, path) != 5)
        CHECK(false, "slot %s", words);
    p.kind = strcmp(kind, "event") == 0 ? EVT_PROP_EVENT : EVT_PROP_ENTITY;
    p.vendor = strcmp(vendor, "*") ? arena_str(a, str_of(vendor)) : (struct str){0};
    p.name = strcmp(name, "*") ? arena_str(a, str_of(name)) : (struct str){0};
    p.major = strcmp(major, "*") ? atoi(major) : -1;
    p.index = index;
    CHECK(evt_path_parse(str_of(path), a, &p.path, &err), "%s", err.text);
    return p;
}

static void case_open(struct evt_case *c, const char *const *slots)
{
    struct evt_prop props[CASE_SLOTS_MAX];
    struct str internal = STR("sister.example");
    size_t n = 0;
    memset(c, 0, sizeof(*c));
    arena_init(&c->arena);
    for (; slots[n]; n++)
        props[n] = case_prop(&c->arena, slots[n]);
    c->proj = evt_proj_new(props, n);
    c->refs = evt_referers_builtin();
    c->decoder = evt_decoder_new(c->refs, &internal, 1);
    c->meta.collector_ms = case_now;
    evt_batch_init(&c->batch);
}
#define CASE_OPEN(c, ...) case_open(c, (const char *const[]){__VA_ARGS__, NULL})

static void case_close(struct evt_case *c)
{
    evt_batch_fini(&c->batch);
    evt_decoder_free(c->decoder);
    evt_referers_free(c->refs);
    evt_proj_free(c->proj);
    arena_fini(&c->arena);
}

enum case_format { CASE_TP2, CASE_QUERY, CASE_JSON, CASE_MSGPACK, CASE_NDJSON, CASE_TSV };

/* Decodes from a copy with nothing but the promised padding behind it; what was decoded before is
 * gone. */
static bool case_bytes(struct evt_case *c, enum case_format format, struct str body)
{
    char *copy = malloc(body.n + EVT_PADDING);
    if (body.n)
        memcpy(copy, body.p, body.n);
    memset(copy + body.n, '"', EVT_PADDING);
    struct str s = {copy, body.n};
    evt_batch_fini(&c->batch);
    evt_batch_init(&c->batch);
    c->err = (struct err){0};
    switch (format) {
    case CASE_TP2:
        c->ok = evt_decode_tp2(c->decoder, c->proj, &c->meta, s, &c->batch, &c->err);
        break;
    case CASE_QUERY:
        c->ok = evt_decode_query(c->decoder, c->proj, &c->meta, s, &c->batch, &c->err);
        break;
    case CASE_JSON:
        c->ok = evt_decode_json(c->decoder, c->proj, &c->meta, s, &c->batch, &c->err);
        break;
    case CASE_MSGPACK:
        c->ok = evt_decode_msgpack(c->decoder, c->proj, &c->meta, s, &c->batch, &c->err);
        break;
    case CASE_NDJSON:
        c->ok = evt_decode_ndjson(c->decoder, c->proj, &c->meta, s, &c->batch, &c->err);
        break;
    case CASE_TSV:
        c->ok = evt_decode_tsv(c->decoder, c->proj, &c->meta, s, &c->batch, &c->err);
        break;
    }
    memset(copy, '#', body.n); /* an event that still borrowed from the body would show it */
    free(copy);
    return c->ok;
}

static inline bool case_json(struct evt_case *c, const char *body)
{
    return case_bytes(c, CASE_JSON, str_of(body));
}
/* items: what stands between the brackets of data */
static inline bool case_tp2(struct evt_case *c, const char *items)
{
    return case_bytes(
        c, CASE_TP2,
        arena_printf(
            &c->arena,
            "{\"schema\":\"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4\","
            "\"data\":[%s]}",
            items));
}

static struct val case_tree(struct arena *a, struct json_node n)
{
    struct val v = json_val(n), out;
    struct json_node item;
    struct str key;
    size_t used = 0;
    if (v.type == VAL_STR)
        return val_copy(a, v);
    if (v.type == VAL_LIST) {
        out = val_list(a, json_list_size(n));
        for (struct json_iter it = json_list_walk(n); json_list_next(&it, &item); used++)
            out.items[used] = case_tree(a, item);
        return out;
    }
    if (v.type != VAL_DICT)
        return v;
    size_t pairs = 0;
    for (struct json_iter it = json_dict_walk(n); json_dict_next(&it, &key, &item);)
        pairs++;
    out = val_dict(a, pairs);
    for (struct json_iter it = json_dict_walk(n); json_dict_next(&it, &key, &item);)
        dict_put(&out, &used, arena_str(a, key), case_tree(a, item));
    return out;
}

/* JSON text as msgpack. */
static struct str case_pack(struct evt_case *c, const char *json)
{
    struct json_parser *parser = json_parser_new();
    struct json_node root;
    struct err err = {0};
    struct buf text = {0}, packed = {0};
    buf_puts(&text, json);
    buf_reserve(&text, JSON_PADDING);
    CHECK(json_parse(parser, buf_str(&text), &root, &err), "%s", err.text);
    struct val tree = case_tree(&c->arena, root);
    val_write_msgpack(&packed, &tree);
    struct str out = arena_str(&c->arena, buf_str(&packed));
    json_parser_free(parser);
    buf_fini(&text);
    buf_fini(&packed);
    return out;
}

static inline bool case_msgpack(struct evt_case *c, const char *json)
{
    return case_bytes(c, CASE_MSGPACK, case_pack(c, json));
}

/* URL-safe, without padding, as trackers send it. */
static inline const char *case_base64(struct evt_case *c, const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t n = strlen(text), used = 0;
    char *out = arena_alloc(&c->arena, n * 4 / 3 + 4);
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i < 3 ? n - i : 3;
        uint32_t bits = (uint32_t)(uint8_t)text[i] << 16;
        bits |= left > 1 ? (uint32_t)(uint8_t)text[i + 1] << 8 : 0;
        bits |= left > 2 ? (uint8_t)text[i + 2] : 0;
        for (size_t k = 0; k <= left; k++)
            out[used++] = digits[bits >> (18 - 6 * k) & 63];
    }
    out[used] = 0;
    return out;
}

/* A JSON string literal. */
static inline const char *case_quote(struct evt_case *c, const char *text)
{
    struct buf b = {0};
    struct val v = val_strz(text);
    val_write_json(&b, &v);
    struct str out = arena_str(&c->arena, buf_str(&b));
    buf_fini(&b);
    return out.p;
}

static inline const char *case_slots(struct evt_case *c, size_t i)
{
    if (!c->ok || i >= c->batch.n)
        return c->batch.n_rejects ? arena_str(&c->arena, c->batch.rejects[0].why).p : c->err.text;
    struct val list = {
        .type = VAL_LIST, .n = (uint32_t)evt_proj_slots(c->proj), .items = c->batch.evts[i].slots};
    struct buf b = {0};
    val_write_json(&b, &list);
    struct str out = arena_str(&c->arena, buf_str(&b));
    buf_fini(&b);
    return out.p;
}

/* vendor/name/version */
static inline const char *case_identity(struct evt_case *c, size_t i)
{
    if (!c->ok || i >= c->batch.n)
        return "no event";
    const struct evt *e = &c->batch.evts[i];
    return arena_printf(&c->arena, "%.*s/%.*s/%.*s", STR_FMT(e->vendor), STR_FMT(e->name),
                        STR_FMT(e->version))
        .p;
}

static inline const char *case_reject(struct evt_case *c, size_t i)
{
    if (i >= c->batch.n_rejects)
        return "no reject";
    return arena_str(&c->arena, c->batch.rejects[i].why).p;
}

#endif
