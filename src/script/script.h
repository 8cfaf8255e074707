/* script.h -- the one door to Lua: loads a rule file into sandboxed states, hands out its description and its functions.
 *
 * A file is loaded once per lane (see plan_fn), in the same way, so that function N is the same function in each. States of
 * files that left no function behind are closed at once. Nothing else in the program includes lua.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include "base/base.h"
#include "plan/plan.h"

struct script_limits {
    int64_t load_us; /* CPU time for running a file at load: default 200,000 */
    int64_t call_us; /* CPU time for one call of a formula: default 10,000 */
    /* CPU time for one call inside the door (a criterion over attributes): default 1,000 */
    int64_t inside_us;
    int64_t test_us; /* CPU time for one test block: default 2,000,000 */
    /* soft limit of a state in bytes: default 8 MiB; the hard one is four times that */
    size_t memory;
    unsigned strikes; /* stops after which a function is quarantined: default 3 */
};
extern const struct script_limits script_limits_default;

struct script_file;
/* Runs words (rules/words.lua; text.p may be NULL) and then the file, in `lanes` fresh states. Scores are tried twice with
 * every attribute null. Problems go to the report; NULL when one is an error. One reference is the caller's. */
struct script_file *script_load(struct str path, struct str text, struct str words_path,
                                struct str words_text, unsigned lanes,
                                const struct script_limits *limits, struct plan_report *report);
struct script_file *script_file_ref(struct script_file *f);
void script_file_unref(struct script_file *f);
/* a FILE of plan.h; the file's own memory */
const struct val *script_file_desc(const struct script_file *f);
/* for plan_build; plan_keep a reference beside it */
struct plan_source script_file_source(struct script_file *f);
/* The lane whose calls run on inside_us: the engine's. Fronts' lanes are below it, the worker's above. */
void script_file_engine_lane(struct script_file *f, unsigned lane);

/* This thread's calls may take so many times their CPU time, from now on: for a replay of what was not stopped. */
void script_patience(unsigned times);

/* What a test block can do: the engine's scratch copy, on a virtual clock. ids: {domain_userid = "...", ...} of a visitor. */
struct script_host {
    void *ctx;
    /* event: columns as POST /api/v1/events takes them; the host sets collector_tstamp, and moves the clock on by 1 ms.
     * *ids: the identifiers that it carries, by the names of their keys */
    bool (*send)(void *ctx, const struct val *event, struct arena *arena, struct val *ids,
                 struct err *err);
    bool (*wait)(void *ctx, int64_t ms, struct err *err);
    bool (*read)(void *ctx, const struct val *ids, struct str attribute, struct arena *arena,
                 struct val *out, struct err *err);
    /* Takes the oldest message of this intervention to one of these ids that was not taken yet; *out null when none. */
    bool (*take)(void *ctx, const struct val *ids, struct str intervention, struct arena *arena,
                 struct val *out, struct err *err);
};
/* Runs test block N (fn = N of the description) in a lane. false: it failed; err says file:line and why. */
bool script_run_test(struct script_file *f, size_t fn, unsigned lane,
                     const struct script_host *host, struct err *err);

/* The rule language's words by kind, one a line with its help, for `signalbox help words`. */
void script_write_words(struct buf *out);

#endif
