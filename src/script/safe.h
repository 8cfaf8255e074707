/* safe.h -- the functions of Lua's libraries that a rule could hold a thread or eat memory with,
 * written again with bounds.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SCRIPT_SAFE_H
#define SCRIPT_SAFE_H

#include <lua.h>

/* Takes away what nobody needs and replaces what can't be bounded, among the methods of strings
 * too. */
void safe_globals(lua_State *L);
/* Nobody gets at the metatable of strings any more. To be called when the library has done what
 * it likes with it. */
void safe_lock_strings(lua_State *L);
/* Pushes host.wrap. */
void safe_push_wraps(lua_State *L);

/* -- safe_pattern.c */
int safe_find(lua_State *L);
int safe_match(lua_State *L);
int safe_gmatch(lua_State *L);
int safe_gsub(lua_State *L);
/* -- safe_format.c */
int safe_format(lua_State *L);
int safe_tostring(lua_State *L);
/* Pushes what tostring would say of a value: no address, whatever it is. */
const char *safe_to_text(lua_State *L, int index, size_t *n);
/* Raises when a string of n bytes would not fit into the state's memory. */
void safe_check_size(lua_State *L, size_t n);
/* Raises when C's stack has grown too much in this call: LuaJIT does not count C functions that
 * call back into Lua. */
void safe_check_stack(lua_State *L);

#endif
