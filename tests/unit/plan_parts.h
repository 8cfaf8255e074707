/* plan_parts.h -- pieces of descriptions that the tests of plan_build put together.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PLAN_PARTS_H
#define PLAN_PARTS_H

#include "desc.h"

#include "plan/build.h"

#define PAGE "'property': {'kind': 'atomic', 'name': 'page_url'}"
#define PRICE                                                                                      \
    "'property': {'kind': 'entity', 'vendor': 'v', 'name': 'product', 'major': 1, 'index': 0, "    \
    "'path': 'price'}"
#define ON_VIEW "'events': [{'vendor': 'v', 'name': 'view', 'version': '1-0-0'}]"
#define GROUP(name, attrs)                                                                         \
    "{'kind': 'attribute_group', 'name': '" name                                                   \
    "', 'line': 2, 'attribute_key': 'domain_userid', 'attributes': [" attrs "]}"
#define COUNTER(name) "{'name': '" name "', 'line': 3, 'aggregation': 'counter', " ON_VIEW "}"
#define RULE(rest)    "{'kind': 'intervention', 'name': 'r', 'line': 9, " rest "}"
#define WHEN(op)      "'when': {'attribute': 'g:a', 'line': 10, " op "}"

#endif
