/* box_of_text.h -- a box whose language library is one text, for tests of what lies below the
 * language.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOX_OF_TEXT_H
#define BOX_OF_TEXT_H

#include <lauxlib.h>
#include <stdlib.h>

#include "script/box.h"
#include "script/safe.h"

/* new(host) answers a session with run(text): the text in an environment of what a rule is
 * given, and little more. */
#define BOX_LIBRARY                                                                                \
    "local load_module = ...\n"                                                                    \
    "local L = {}\n"                                                                               \
    "function L.new(host)\n"                                                                       \
    "  local w = host.wrap\n"                                                                      \
    "  local S = {real = string, wrap = w}\n"                                                      \
    "  local env = {assert=assert, error=error, ipairs=ipairs, next=next, pairs=pairs, "           \
    "pcall=pcall, select=select,\n"                                                                \
    "    tonumber=tonumber, type=type, rawequal=rawequal, tostring=w.tostring, unpack=w.unpack, "  \
    "log=w.log, math=math,\n"                                                                      \
    "    bit=bit, string={byte=string.byte, char=string.char, len=string.len, "                    \
    "lower=string.lower, upper=string.upper,\n"                                                    \
    "      reverse=string.reverse, sub=string.sub, rep=w.rep, find=w.find, match=w.match, "        \
    "gmatch=w.gmatch, gsub=w.gsub,\n"                                                              \
    "      format=w.format}, table={insert=table.insert, remove=table.remove, sort=table.sort, "   \
    "concat=w.concat}}\n"                                                                          \
    "  function S.run(text)\n"                                                                     \
    "    local f, message = host.load(text, '@rules/t.lua')\n"                                     \
    "    if not f then error(message, 0) end\n"                                                    \
    "    return setfenv(f, env)()\n"                                                               \
    "  end\n"                                                                                      \
    "  function S.real_run(text) return assert(host.load(text, '@rules/t.lua'))(S) end\n"          \
    "  return S\n"                                                                                 \
    "end\n"                                                                                        \
    "return L\n"

static const struct library_module box_modules[] = {
    {"signalbox", BOX_LIBRARY, sizeof(BOX_LIBRARY) - 1}};
static const struct library box_library = {box_modules, 1};

static inline struct box *box_of_text(size_t soft)
{
    struct err err = {.set = false};
    struct box *b =
        box_new(&box_library, STR("rules/t.lua"), STR("rules/words.lua"), soft, 5000000, &err);
    if (!b) {
        printf("no box: %s\n", err.text);
        abort();
    }
    return b;
}

/* One text to run; answer is what it returned, as text. */
struct box_run {
    struct box *box;
    const char *function, *text;
    char answer[400];
};

/* Lua errors leave it, which TSan would not hear of. */
__attribute__((no_sanitize("thread"))) static void box_run_body(lua_State *L, void *arg)
{
    struct box_run *r = arg;
    size_t n;
    box_push_session(r->box, r->function);
    lua_pushstring(L, r->text);
    lua_call(L, 1, 1);
    const char *s = safe_to_text(L, lua_gettop(L), &n);
    snprintf(r->answer, sizeof(r->answer), "%.*s", (int)n, s);
}

static inline bool box_run(struct box *b, const char *function, const char *text, int64_t us,
                           struct box_run *r, struct box_trouble *t)
{
    *r = (struct box_run){.box = b, .function = function, .text = text};
    *t = (struct box_trouble){.stop = BOX_RUNS};
    return box_call(b, box_run_body, r, us, t);
}

#endif
