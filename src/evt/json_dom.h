/* json_dom.h -- simdjson's document tree for C: parse once, then walk it without another copy.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EVT_JSON_DOM_H
#define EVT_JSON_DOM_H

#include "base/base.h"

enum { JSON_DEPTH_MAX = 32, JSON_PADDING = 64 };

/* One document at a time; its memory is used again by the next and grows to the largest. */
struct json_parser;
/* Where a value stands in the tree; holds until its parser is used again. */
struct json_node {
    const void *doc;
    size_t at;
};
struct json_iter {
    struct json_node at, end;
};

struct json_parser *json_parser_new(void);
void json_parser_free(struct json_parser *p);
/* JSON_PADDING readable bytes must stand behind text; they are not looked at for what they say. */
bool json_parse(struct json_parser *p, struct str text, struct json_node *root, struct err *err);
/* The same for a whole request's body: the error also says line and column (json_where.c). */
bool json_parse_body(struct json_parser *p, struct str text, struct json_node *root,
                     struct err *err);
/* The same for one line of a body: the error says at which of its bytes, from 1. */
bool json_parse_line(struct json_parser *p, struct str text, struct json_node *root,
                     struct err *err);
/* A scalar; a LIST or DICT without its items; integers above INT64_MAX as DBL. Strings live as long
 * as the tree. */
struct val json_val(struct json_node n);
size_t json_list_size(struct json_node list);
struct json_iter json_list_walk(struct json_node list);
bool json_list_next(struct json_iter *it, struct json_node *item);
struct json_iter json_dict_walk(struct json_node dict);
bool json_dict_next(struct json_iter *it, struct str *key, struct json_node *value);

#endif
