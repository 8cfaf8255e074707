/* item.h -- one item of a body between its decoder and finish.c: raw columns, and where its JSON
 * parts stand.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EVT_ITEM_H
#define EVT_ITEM_H

#include "evt/columns.h"
#include "evt/names.h"
#include "evt/node.h"
#include "evt/proj.h"

enum { EVT_ITEMS_MAX = 10000, EVT_ENTITIES_MAX = 256 };

/* A part that holds self-describing data, as text still to be read or as a tree. */
enum part_form { PART_ABSENT, PART_TEXT, PART_BASE64, PART_NODE, PART_WRONG };
struct part {
    enum part_form form;
    const char *field; /* static: what the wire calls it */
    struct str text;
    struct node node;
};
/* In the order in which their entities count. */
enum part_id { PART_CO, PART_CX, PART_DERIVED, PART_UE_PR, PART_UE_PX, PARTS };

/* Everything in it borrows: from the body, from the decoder's trees, from its scratch arena. */
struct item {
    struct column_set have;
    struct val cols[EVT_COLUMNS]; /* as they came; column_convert gives them their type */
    struct part parts[PARTS];
    struct str code; /* a tracker's e */
    size_t line;     /* in a body of lines: from 1; 0 elsewhere */
    bool is_tracker; /* else a map of columns */
    bool has_tnuid;
    bool has_device; /* parts.c: it brought an entity of DEVICE_ENTITY */
    struct str why;  /* a reason against it, found while reading; empty: none */
};

struct evt_decoder {
    const struct evt_referers *refs;
    const struct evt_campaign *campaign; /* NULL: the usual one */
    struct str *internal_domains;
    size_t n_domains;
    struct json_parser *body;
    struct json_parser *trees[PARTS];
    struct names params, columns;
    struct device_cache *devices;
    struct buf text;      /* base64 and plain JSON parts on their way into a tree */
    struct arena scratch; /* what an item needs until it is finished */
    struct arena kept;    /* what the decoder itself keeps */
    struct item item;
    struct val *slots; /* of the item at work, borrowing */
    uint32_t *seen;    /* entities met so far, by group of the projection */
    size_t n_slots_max, n_seen_max;
};

static inline bool item_has(const struct item *it, unsigned column)
{
    return column_set_has(&it->have, column);
}
static inline void item_put(struct item *it, unsigned column, struct val v)
{
    it->cols[column] = v;
    column_set_add(&it->have, column);
}
/* The column with its type; null when missing. */
static inline struct val item_get(const struct item *it, unsigned column)
{
    return item_has(it, column) ? column_convert(evt_columns[column].type, it->cols[column])
                                : val_null;
}

/* decoder.c */
void decoder_begin(struct evt_decoder *d, const struct evt_proj *proj);
struct item *decoder_item(struct evt_decoder *d,
                          bool is_tracker);        /* an empty one; the one before is gone */
void batch_reserve(struct evt_batch *b, size_t n); /* room for n more events */
/* its reason belongs to the batch's arena */
void batch_reject(struct evt_batch *b, struct evt_reject reject);
/* Taken before a body, given back when the body turns out unreadable. */
struct batch_mark {
    struct evt *evts;
    size_t n;
    struct evt_reject *rejects;
    size_t n_rejects;
};
struct batch_mark batch_mark(const struct evt_batch *b);
void batch_rewind(struct evt_batch *b, struct batch_mark mark);

/* params.c */
void params_init(struct names *t);
void params_put(struct evt_decoder *d, const struct evt_proj *proj, struct str name,
                struct str value);
/* its value has no text: bad where a part was due */
void params_refuse(struct evt_decoder *d, struct str name);

/* decode_json.c: a tree's columns into an item that is empty so far */
void json_item(struct evt_decoder *d, const struct evt_proj *proj, struct json_node node);

/* decode_map.c */
void columns_put(struct evt_decoder *d, const struct evt_proj *proj, struct str name, struct val v,
                 const struct node *node);

/* finish.c: the item becomes an event of the batch, or a reject */
void item_finish(struct evt_decoder *d, const struct evt_proj *proj, const struct evt_meta *meta,
                 size_t index, struct evt_batch *out);

#endif
