/* library.h -- the rule language as this room carries it: modules in Lua, compiled into the
 * binary.
 *
 * Each module is called as chunk(load_module); load_module(name) answers what that module
 * returned. "signalbox" is the first.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SCRIPT_LIBRARY_H
#define SCRIPT_LIBRARY_H

#include <stddef.h>

struct library_module {
    const char *name;
    const void *code; /* bytecode of this LuaJIT, or text */
    size_t n;
};
struct library {
    const struct library_module *modules;
    size_t n;
};
extern const struct library library_embedded; /* every lua/NAME.lua; the build writes it */

#endif
