/* body.c -- bodies as trees: JSON and msgpack in, by Content-Type; out, by Accept; and problems
 * (RFC 9457).
 *
 * A body that says nothing about its type counts as JSON. A key that stands twice in one object is
 * refused, because two readers could disagree on which counts; so is nesting deeper than
 * MP_DEPTH_MAX, for both formats. An answer is msgpack only when Accept names msgpack with a higher
 * weight than JSON gets, by its name or by a wildcard.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/http_internal.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>

enum format { FORMAT_JSON, FORMAT_MSGPACK, FORMAT_OTHER };

static enum format format_of(struct str media_type)
{
    static const char *const msgpack[] = {"application/msgpack", "application/x-msgpack",
                                          "application/vnd.msgpack"};
    const char *semicolon = media_type.n ? memchr(media_type.p, ';', media_type.n) : NULL;
    if (semicolon)
        media_type.n = (size_t)(semicolon - media_type.p);
    media_type = str_trim(media_type);
    if (str_eq_nocase(media_type, STR("application/json")))
        return FORMAT_JSON;
    for (size_t i = 0; i < COUNT_OF(msgpack); i++)
        if (str_eq_nocase(media_type, str_of(msgpack[i])))
            return FORMAT_MSGPACK;
    return FORMAT_OTHER;
}

static bool tree_of(struct arena *a, json_t *j, int depth, struct val *out, struct err *err);

static bool list_of(struct arena *a, json_t *j, int depth, struct val *out, struct err *err)
{
    size_t n = json_array_size(j);
    *out = val_list(a, n);
    for (size_t i = 0; i < n; i++)
        if (!tree_of(a, json_array_get(j, i), depth - 1, &out->items[i], err))
            return false;
    return true;
}

static bool dict_of(struct arena *a, json_t *j, int depth, struct val *out, struct err *err)
{
    size_t used = 0;
    const char *key;
    json_t *item;
    *out = val_dict(a, json_object_size(j));
    json_object_foreach(j, key, item)
    {
        struct val v;
        if (!tree_of(a, item, depth - 1, &v, err))
            return false;
        dict_put(out, &used, arena_str(a, str_of(key)), v);
    }
    return true;
}

static bool tree_of(struct arena *a, json_t *j, int depth, struct val *out, struct err *err)
{
    if (depth < 0)
        return err_set(err, "nested deeper than %d", MP_DEPTH_MAX);
    switch (json_typeof(j)) {
    case JSON_OBJECT:
        return dict_of(a, j, depth, out, err);
    case JSON_ARRAY:
        return list_of(a, j, depth, out, err);
    case JSON_STRING:
        *out = val_str(arena_str(a, (struct str){json_string_value(j), json_string_length(j)}));
        return true;
    case JSON_INTEGER:
        *out = val_int(json_integer_value(j));
        return true;
    case JSON_REAL:
        *out = val_dbl(json_real_value(j));
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        *out = val_bool(json_is_true(j));
        return true;
    default:
        *out = val_null;
        return true;
    }
}

static bool read_json(struct str body, struct arena *a, struct val *out, struct err *err)
{
    json_error_t e;
    json_t *j = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    if (!j)
        return err_set(err, "not JSON: line %d, column %d: %s", e.line, e.column, e.text);
    bool ok = tree_of(a, j, MP_DEPTH_MAX, out, err);
    json_decref(j);
    return ok;
}

static int key_cmp(const void *a, const void *b)
{
    return str_cmp(val_as_str(*(const struct val *)a), val_as_str(*(const struct val *)b));
}

/* No key twice, in any dict below v. */
static bool keys_unique(struct arena *a, const struct val *v, struct err *err)
{
    bool dict = v->type == VAL_DICT;
    size_t n = dict ? (size_t)v->n * 2 : v->type == VAL_LIST ? v->n : 0;
    for (size_t i = dict; i < n; i += dict ? 2 : 1)
        if (!keys_unique(a, &v->items[i], err))
            return false;
    if (!dict || v->n < 2)
        return true;
    struct val *keys = arena_alloc(a, v->n * sizeof(*keys));
    for (size_t i = 0; i < v->n; i++)
        keys[i] = v->items[2 * i];
    qsort(keys, v->n, sizeof(*keys), key_cmp);
    for (size_t i = 1; i < v->n; i++)
        if (key_cmp(&keys[i - 1], &keys[i]) == 0)
            return err_set(err, "the key \"%.*s\" is there twice",
                           (int)MIN_OF(val_as_str(keys[i]).n, 100u), val_as_str(keys[i]).p);
    return true;
}

static bool read_msgpack(struct str body, struct arena *a, struct val *out, struct err *err)
{
    struct mp m = {(const uint8_t *)body.p, (const uint8_t *)body.p + body.n};
    if (!mp_tree(&m, a, out, err))
        return false;
    if (m.p != m.end)
        return err_set(err, "bytes behind the msgpack value");
    return keys_unique(a, out, err);
}

bool http_body_val(struct http_req *r, struct val *out)
{
    struct str type = http_header(r, "content-type");
    enum format format = type.p ? format_of(type) : FORMAT_JSON;
    struct err err = {0};
    bool ok;
    if (format == FORMAT_OTHER) {
        req_refuse(r, 415, "send application/json or application/msgpack");
        return false;
    }
    if (!r->body.n)
        ok = err_set(&err, "the body is empty");
    else if (format == FORMAT_MSGPACK)
        ok = read_msgpack(r->body, &r->arena, out, &err);
    else
        ok = read_json(r->body, &r->arena, out, &err);
    if (!ok)
        req_refuse(r, 400, err.text);
    return ok;
}

/* The weight behind the first ';' of an Accept range, in thousandths; 1000 when there is none or it
 * cannot be read. */
static int weight_of(struct str params)
{
    for (size_t i = 0; i + 2 < params.n; i++) {
        if ((params.p[i] | 0x20) != 'q' || params.p[i + 1] != '=')
            continue;
        if (i && params.p[i - 1] != ';' && params.p[i - 1] != ' ' && params.p[i - 1] != '\t')
            continue;
        int weight = 0, scale = 1000;
        for (size_t k = i + 2; k < params.n && scale; k++) {
            char c = params.p[k];
            if (c == '.' && k == i + 3)
                continue;
            if (c < '0' || c > '9')
                break;
            weight += (c - '0') * scale;
            scale /= 10;
        }
        return MIN_OF(weight, 1000);
    }
    return 1000;
}

struct weights {
    int json, json_wild, any, msgpack; /* -1: not named */
};

static void weigh(struct weights *w, struct str range)
{
    const char *semicolon = range.n ? memchr(range.p, ';', range.n) : NULL;
    struct str type = range, params = {NULL, 0};
    if (semicolon) {
        type.n = (size_t)(semicolon - range.p);
        params = (struct str){semicolon, range.n - type.n};
    }
    type = str_trim(type);
    int weight = weight_of(params);
    enum format format = format_of(type);
    int *slot = format == FORMAT_JSON                       ? &w->json
                : format == FORMAT_MSGPACK                  ? &w->msgpack
                : str_eq_nocase(type, STR("application/*")) ? &w->json_wild
                : str_eqz(type, "*/*")                      ? &w->any
                                                            : NULL;
    if (slot)
        *slot = MAX_OF(*slot, weight);
}

static bool wants_msgpack(const struct http_req *r)
{
    struct weights w = {-1, -1, -1, -1};
    for (size_t i = 0; i < r->head.n_headers; i++) {
        struct str rest = r->head.headers[i].value;
        if (!str_eq_nocase(r->head.headers[i].name, STR("accept")))
            continue;
        while (rest.n) {
            const char *comma = memchr(rest.p, ',', rest.n);
            size_t n = comma ? (size_t)(comma - rest.p) : rest.n;
            weigh(&w, (struct str){rest.p, n});
            n += comma != NULL;
            rest = (struct str){rest.p + n, rest.n - n};
        }
    }
    int json = w.json >= 0 ? w.json : w.json_wild >= 0 ? w.json_wild : MAX_OF(w.any, 0);
    return w.msgpack > json;
}

static void reply_tree(struct http_req *r, int status, const struct val *v, const char *json_type)
{
    bool msgpack = wants_msgpack(r);
    r->scratch.n = 0;
    if (msgpack)
        val_write_msgpack(&r->scratch, v);
    else
        val_write_json(&r->scratch, v);
    http_reply(r, status, msgpack ? "application/msgpack" : json_type, buf_str(&r->scratch));
}

void http_reply_val(struct http_req *r, int status, const struct val *v)
{
    reply_tree(r, status, v, "application/json");
}

void http_reply_problem(struct http_req *r, int status, const char *detail_fmt, ...)
{
    char detail[600];
    va_list args;
    va_start(args, detail_fmt);
    vsnprintf(detail, sizeof(detail), detail_fmt, args);
    va_end(args);
    struct val items[8] = {
        val_strz("type"),   val_strz("about:blank"),
        val_strz("title"),  val_strz(http_reason(status)),
        val_strz("status"), val_int(status),
        val_strz("detail"), val_strz(detail),
    };
    struct val problem = {.type = VAL_DICT, .n = *detail ? 4 : 3, .items = items};
    reply_tree(r, status, &problem, "application/problem+json");
}
