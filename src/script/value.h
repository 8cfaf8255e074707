/* value.h -- Lua's values to struct val and back. Both raise Lua errors: call them inside
 * box_call only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SCRIPT_VALUE_H
#define SCRIPT_VALUE_H

#include <lua.h>

#include "base/base.h"

enum { VALUE_DEPTH_MAX = 32, VALUE_COUNT_MAX = 100000, VALUE_BYTES_MAX = 4 << 20 };

/* A table with keys 1 to n is a LIST, and so is an empty one; one with string keys is a DICT,
 * sorted by key. Whole numbers are INT. what: how an error calls it, "a formula's answer". */
struct val value_read(lua_State *L, int index, struct arena *arena, const char *what);
/* A list with nulls gets holes. */
void value_push(lua_State *L, struct val v);

#endif
