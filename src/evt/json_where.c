/* json_where.c -- says in which line and column a body stops being JSON.
 *
 * simdjson, which reads bodies on the hot path, knows that one is bad but not where. A refused body is read once more by
 * jansson, which does; not one beyond WHERE_MAX, since that reading is some fifteen times as dear.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/json_dom.h"

#include <jansson.h>

enum { WHERE_MAX = 65536 };

bool json_parse_body(struct json_parser *p, struct str text, struct json_node *root,
                     struct err *err)
{
    struct err first = {0};
    json_error_t where;
    if (json_parse(p, text, root, &first))
        return true;
    json_t *tree = text.n <= WHERE_MAX ? json_loadb(text.p, text.n, JSON_DECODE_ANY, &where) : NULL;
    json_decref(tree);
    if (tree || text.n > WHERE_MAX) /* they differ on numbers beyond 64 bits and on depth */
        return err_set(err, "%s", first.text);
    return err_set(err, "bad JSON in line %d, column %d: %s", where.line, where.column, where.text);
}
