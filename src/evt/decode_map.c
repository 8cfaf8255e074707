/* decode_map.c -- what JSON and msgpack maps of column names share: one value goes to its column or
 * its part.
 *
 * Names that are no column's are passed over. A value of a type that its column cannot take counts
 * as missing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/item.h"

static void put_part(struct item *it, enum part_id id, const char *field, struct val v,
                     const struct node *node)
{
    struct part *part = &it->parts[id];
    *part = (struct part){.form = PART_ABSENT, .field = field};
    if (v.type == VAL_LIST || v.type == VAL_DICT) {
        part->form = PART_NODE;
        part->node = *node;
    } else if (v.type == VAL_STR && v.n) { /* the enriched event's own form: JSON in a string */
        part->form = PART_TEXT;
        part->text = val_as_str(v);
    } else if (v.type != VAL_NULL && v.type != VAL_STR) {
        part->form = PART_WRONG;
    }
}

/* simdjson has seen to the UTF-8 of its strings; msgpack's are bytes so far. */
static void put_column(struct item *it, unsigned column, struct val v, bool check_utf8)
{
    v = column_convert(evt_columns[column].type, v);
    if (v.type == VAL_STR && check_utf8 && !utf8_valid(val_as_str(v)))
        return;
    if (v.type != VAL_NULL)
        item_put(it, column, v);
}

void columns_put(struct evt_decoder *d, const struct evt_proj *proj, struct str name, struct val v,
                 const struct node *node)
{
    int column = names_find(&d->columns, name);
    if (column == COL_CONTEXTS)
        put_part(&d->item, PART_CO, "contexts", v, node);
    else if (column == COL_DERIVED_CONTEXTS)
        put_part(&d->item, PART_DERIVED, "derived_contexts", v, node);
    else if (column == COL_UNSTRUCT_EVENT)
        put_part(&d->item, PART_UE_PR, "unstruct_event", v, node);
    else if (column >= 0 && column_set_has(&proj->needed, (unsigned)column))
        put_column(&d->item, (unsigned)column, v, node->is_mp);
}
