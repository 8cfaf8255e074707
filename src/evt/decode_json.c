/* decode_json.c -- events as JSON: one map of column names, or a list of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/item.h"

void json_item(struct evt_decoder *d, const struct evt_proj *proj, struct json_node node)
{
    struct node value = {0};
    struct str name;
    if (json_val(node).type != VAL_DICT) {
        d->item.why = STR("not a map of columns");
        return;
    }
    for (struct json_iter fields = json_dict_walk(node);
         json_dict_next(&fields, &name, &value.json);)
        columns_put(d, proj, name, json_val(value.json), &value);
}

bool evt_decode_json(struct evt_decoder *d, const struct evt_proj *proj,
                     const struct evt_meta *meta, struct str body, struct evt_batch *out,
                     struct err *err)
{
    struct json_node root, item;
    if (!json_parse_body(d->body, body, &root, err))
        return false;
    enum val_type type = json_val(root).type;
    if (type != VAL_LIST && type != VAL_DICT)
        return err_set(err, "want a map of columns or a list of such maps");
    size_t n = type == VAL_DICT ? 1 : json_list_size(root), index = 0;
    if (n > EVT_ITEMS_MAX)
        return err_set(err, "%zu events, more than %d", n, EVT_ITEMS_MAX);
    decoder_begin(d, proj);
    batch_reserve(out, n);
    if (type == VAL_DICT) {
        decoder_item(d, false);
        json_item(d, proj, root);
        item_finish(d, proj, meta, 0, out);
        return true;
    }
    for (struct json_iter it = json_list_walk(root); json_list_next(&it, &item); index++) {
        decoder_item(d, false);
        json_item(d, proj, item);
        item_finish(d, proj, meta, index, out);
    }
    return true;
}
