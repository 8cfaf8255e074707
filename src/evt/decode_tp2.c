/* decode_tp2.c -- a tracker's request: the POST body with a list of events, or the GET query string
 * with one.
 *
 * All values are strings on the wire; numbers and booleans are taken as the text they would be.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/item.h"

#include "evt/url.h"

static const char payload_data[] = "com.snowplowanalytics.snowplow/payload_data";

/* The fewest digits that read back as the same number. */
static struct str double_text(struct arena *a, double d)
{
    struct str s;
    double again;
    for (int digits = 15;; digits++) {
        s = arena_printf(a, "%.*g", digits, d);
        if (digits == 17 || (str_double(s, &again) && again == d))
            return s;
    }
}

static struct str text_of(struct evt_decoder *d, struct val v)
{
    switch (v.type) {
    case VAL_STR:
        return val_as_str(v);
    case VAL_BOOL:
        return v.b ? STR("true") : STR("false");
    case VAL_INT:
        return arena_printf(&d->scratch, "%lld", (long long)v.i);
    case VAL_DBL:
        return double_text(&d->scratch, v.d);
    default:
        return (struct str){0};
    }
}

static void decode_item(struct evt_decoder *d, const struct evt_proj *proj, struct json_node node)
{
    struct item *it = decoder_item(d, true);
    struct json_node value;
    struct str name;
    if (json_val(node).type != VAL_DICT) {
        it->why = STR("not an object");
        return;
    }
    for (struct json_iter fields = json_dict_walk(node); json_dict_next(&fields, &name, &value);) {
        struct val v = json_val(value);
        if (v.type == VAL_LIST || v.type == VAL_DICT)
            params_refuse(d, name);
        else
            params_put(d, proj, name, text_of(d, v));
    }
}

/* The list of items, when the envelope is what it should be. */
static bool open_envelope(struct json_node root, struct json_node *items, struct err *err)
{
    struct node node = node_json(root);
    struct sd sd;
    struct iglu uri;
    node_sd(&node, &sd);
    if (!iglu_parse(sd.schema, &uri) || !iglu_is(&uri, str_of(payload_data)) ||
        !str_starts(uri.version, "1-0-"))
        return err_set(err, "schema: want iglu:%s/jsonschema/1-0-*", payload_data);
    if (!sd.has_data || node_val(&sd.data).type != VAL_LIST)
        return err_set(err, "data: want a list of events");
    *items = sd.data.json;
    size_t n = json_list_size(*items);
    if (n > EVT_ITEMS_MAX)
        return err_set(err, "data: %zu events, more than %d", n, EVT_ITEMS_MAX);
    return true;
}

bool evt_decode_tp2(struct evt_decoder *d, const struct evt_proj *proj, const struct evt_meta *meta,
                    struct str body, struct evt_batch *out, struct err *err)
{
    struct json_node root, items, item;
    if (!json_parse_body(d->body, body, &root, err) || !open_envelope(root, &items, err))
        return false;
    decoder_begin(d, proj);
    batch_reserve(out, json_list_size(items));
    size_t index = 0;
    for (struct json_iter it = json_list_walk(items); json_list_next(&it, &item); index++) {
        decode_item(d, proj, item);
        item_finish(d, proj, meta, index, out);
    }
    return true;
}

bool evt_decode_query(struct evt_decoder *d, const struct evt_proj *proj,
                      const struct evt_meta *meta, struct str query, struct evt_batch *out,
                      struct err *err)
{
    struct str key, value;
    (void)err; /* a query string has no envelope that could be unreadable */
    decoder_begin(d, proj);
    batch_reserve(out, 1);
    decoder_item(d, true);
    while (query_next(&query, &key, &value))
        params_put(d, proj, query_decode(key, &d->scratch), query_decode(value, &d->scratch));
    item_finish(d, proj, meta, 0, out);
    return true;
}
