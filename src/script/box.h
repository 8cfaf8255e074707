/* box.h -- one sandboxed Lua state, and the one way to call into it.
 *
 * How a box is safe:
 *   time    the JIT is off, since compiled code can't be interrupted; a run that is due gets a hook
 *           (watch.h) that raises at the next instruction, and again at each after it, so that no
 *           pcall holds it up
 *   memory  the allocator refuses nothing up to four times the limit, because Lua is not sound when
 *           memory ends inside some of its fast functions; past the limit it sets that same hook,
 *           which collects first and raises if that was not enough
 *   reach   only text is loaded; what can't be interrupted is replaced (safe.h); what rules may
 *           name is the library's choice
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SCRIPT_BOX_H
#define SCRIPT_BOX_H

#include <lua.h>

#include "base/base.h"
#include "script/library.h"
#include "script/watch.h"

enum box_stop { BOX_RUNS, BOX_TIME, BOX_MEMORY };
enum { BOX_LOG_LINES = 10 }; /* of one call */

struct box {
    lua_State *L;
    size_t used, peak, soft;
    size_t collect_from; /* box_call: as much must be used before the collector works again */
    struct str path, words_path; /* whose frames say where something happened; borrowed */
    int library,
        session; /* registry references: what signalbox.lua returned, and what its new() returned */
    /* The rest is of the call under way; an outer one's is kept by box_call. */
    struct watch_run *run;
    void (*body)(lua_State *L, void *arg);
    void *arg;
    void *host;        /* a test block's struct test_run; NULL outside one */
    const char *stack; /* where C's stack was: see safe_check_stack */
    enum box_stop stop;
    struct str at; /* path or words_path; empty: not known */
    uint32_t line;
    int n_logged;
    int enter, on_error, stopped; /* registry references */
};

/* What came of a call that failed. text is without file and line. */
struct box_trouble {
    enum box_stop stop;
    struct str file; /* the box's */
    uint32_t line;
    char text[400];
};

/* Loads the library. paths: "rules/x.lua"; they must outlive the box. NULL: err says why. */
struct box *box_new(const struct library *library, struct str path, struct str words_path,
                    size_t soft, int64_t us, struct err *err);
void box_free(struct box *b);    /* b may be NULL */
void box_collect(struct box *b); /* frees what nothing refers to any more */
struct box *box_of(lua_State *L);
/* For C functions that saw run->due: raises what the hook would raise at the next instruction. */
int box_raise_time(lua_State *L);
/* Runs body(L, arg) protected, on so much CPU time; body may raise and leave what it likes on
 * the stack. */
bool box_call(struct box *b, void (*body)(lua_State *L, void *arg), void *arg, int64_t us,
              struct box_trouble *t);
/* Pushes a member of what the library returned, or of its session: a function to call. */
void box_push_library(struct box *b, const char *name);
void box_push_session(struct box *b, const char *name);
/* "stopped: more than 10 ms of CPU time"; for a trouble that is no stop, its text. */
struct str box_trouble_text(const struct box *b, const struct box_trouble *t, int64_t us,
                            struct arena *arena);

#endif
