/* json_where.c -- says where a text stops being JSON.
 *
 * simdjson, which reads bodies on the hot path, knows that one is bad but not where. A refused text is read once more by
 * jansson, which does; not one beyond WHERE_MAX, since that reading is some fifteen times as dear.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/json_dom.h"

#include <jansson.h>

enum { WHERE_MAX = 65536 };

/* false: nothing to say. The two differ on numbers beyond 64 bits and on depth. */
static bool find_where(struct str text, json_error_t *where)
{
    if (text.n > WHERE_MAX)
        return false;
    json_t *tree = json_loadb(text.p, text.n, JSON_DECODE_ANY, where);
    json_decref(tree);
    return !tree;
}

/* Parses; what is refused is said with its place. */
static bool parse(struct json_parser *p, struct str text, struct json_node *root, bool one_line,
                  struct err *err)
{
    struct err first = {0};
    json_error_t where;
    if (json_parse(p, text, root, &first))
        return true;
    if (!find_where(text, &where))
        return err_set(err, "%s", first.text);
    if (one_line)
        return err_set(err, "bad JSON at byte %d: %s", where.position, where.text);
    return err_set(err, "bad JSON in line %d, column %d: %s", where.line, where.column, where.text);
}

bool json_parse_body(struct json_parser *p, struct str text, struct json_node *root,
                     struct err *err)
{
    return parse(p, text, root, false, err);
}

bool json_parse_line(struct json_parser *p, struct str text, struct json_node *root,
                     struct err *err)
{
    return parse(p, text, root, true, err);
}
