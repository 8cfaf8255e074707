/* decode_ndjson.c -- newline-delimited JSON: a map of column names a line.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/lines.h"

/* Read where it stands: the lines behind it are simdjson's padding. */
static void read_line(struct evt_decoder *d, const struct evt_proj *proj, struct str line)
{
    struct json_node root;
    struct err err = {0};
    if (!json_parse_line(d->body, line, &root, &err))
        d->item.why = arena_str(&d->scratch, str_of(err.text));
    else if (json_val(root).type == VAL_LIST)
        d->item.why = STR("a list: want one map of columns a line; a body that is one list of maps "
                          "is application/json");
    else
        json_item(d, proj, root);
}

bool evt_decode_ndjson(struct evt_decoder *d, const struct evt_proj *proj,
                       const struct evt_meta *meta, struct str body, struct evt_batch *out,
                       struct err *err)
{
    return lines_decode(d, proj, meta, body, " \t\r", read_line, out, err);
}
