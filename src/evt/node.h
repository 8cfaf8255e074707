/* node.h -- a value inside a JSON tree or inside msgpack bytes, so that what follows the decoders
 * is written once.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EVT_NODE_H
#define EVT_NODE_H

#include "evt/evt.h"
#include "evt/json_dom.h"

struct node {
    bool is_mp;
    union {
        struct json_node json;
        /* at the head of a value that mp_skip has been over: nothing in it can fail */
        struct mp mp;
    };
};
struct node node_json(struct json_node n);
struct node node_mp(struct mp m);

/* The scalar there; a LIST or DICT without its items. A msgpack string that is not UTF-8 is null.
 */
struct val node_val(const struct node *n);
/* Walks a dict or a list; false when it is none. Pairs whose key is no string are passed over. */
struct node_iter {
    bool is_mp;
    uint32_t left;
    union {
        struct json_iter json;
        struct mp mp;
    };
};
bool dict_walk(const struct node *dict, struct node_iter *it);
bool dict_next(struct node_iter *it, struct str *key, struct node *value);
bool list_walk(const struct node *list, struct node_iter *it);
bool list_next(struct node_iter *it, struct node *item);

/* The scalar at the end of steps; null when they lead nowhere, or to a list, a dict or bytes. Of
 * keys that are there twice the last counts. */
struct val node_find(const struct node *n, const struct evt_step *steps, size_t n_steps);

/* A self-describing value {"schema": "iglu:...", "data": ...}. */
struct sd {
    struct str schema; /* empty: none that is a string */
    bool has_data;
    struct node data;
};
void node_sd(const struct node *n, struct sd *out); /* of anything but a dict: an empty one */

/* list_next and node_sd in one, which spares msgpack a second look. */
bool sd_next(struct node_iter *it, struct sd *out);

#endif
