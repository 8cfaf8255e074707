/* file.h -- a rule file that was loaded: its description, its functions, and a box a lane to
 * call them in.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SCRIPT_FILE_H
#define SCRIPT_FILE_H

#include <stdatomic.h>

#include "script/box.h"
#include "script/script.h"

/* A formula as it is called with arguments of these names. Each plan holds the one that fits its
 * service, so all of them stay until the file goes. */
struct script_names {
    struct plan_fn base;
    struct script_fn *fn;
    struct script_names *older;
    size_t n;
    struct str *names;
    struct arena arena;
};

struct script_fn {
    struct plan_fn base;
    struct script_file *file;
    size_t number; /* as the description has it, from 1 */
    bool is_test;
    struct str rule, path; /* score "prospect"; the file it stands in */
    uint32_t line;
    struct script_names *names; /* newest; NULL: none given; the loader's */
    atomic_uint stops;
    atomic_bool quarantined, failed;
};

struct script_lane {
    struct box *box;
    struct script_names **named; /* a function: the names that this lane's state knows */
};

struct script_file {
    atomic_int refs;
    struct script_limits limits;
    struct arena arena;
    struct str path, words_path;
    struct val desc;
    struct script_fn *fns; /* fns[i] is number i + 1 */
    size_t n_fns;
    struct script_lane *lanes;
    unsigned n_lanes; /* 0: no functions, or no lanes asked for */
    atomic_uint engine_lane;
};

/* script_load with a library of the caller's. */
struct script_file *file_load(const struct library *library, struct str path, struct str text,
                              struct str words_path, struct str words_text, unsigned lanes,
                              const struct script_limits *limits, struct plan_report *report);

/* -- call.c */
void fn_init(struct script_fn *fn, struct script_file *f, size_t number);
void fn_fini(struct script_fn *fn);

#endif
