/* watch.h -- the clock that stops Lua: at most so much CPU time of the calling thread for one
 * run.
 *
 * Each thread that runs Lua has one timer, made at its first run and deleted when it ends. When
 * a run is due, the signal's handler, on that very thread, sets a flag and a count hook on the
 * running state, and does nothing else. Runs may nest (a test block makes the engine call a
 * formula): the innermost is the one that is watched; an outer one is seen to when it is back.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SCRIPT_WATCH_H
#define SCRIPT_WATCH_H

#include <lua.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct watch_run {
    lua_State *L;
    lua_Hook hook;
    int64_t due_ns;             /* on the thread's CPU clock */
    volatile sig_atomic_t due;  /* the handler's word */
    volatile sig_atomic_t busy; /* the hook is being set: the handler keeps off and comes again */
    struct watch_run *outer;
};
/* false: the system gives no timer, so that nothing may run. */
bool watch_begin(struct watch_run *run, lua_State *L, lua_Hook hook, int64_t us);
void watch_end(struct watch_run *run);
/* Sets or clears the hook of the run's state; the only way to do it while the run is watched. */
void watch_set_hook(struct watch_run *run, bool on);

#endif
