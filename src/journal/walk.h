/* walk.h -- over everything a folder holds, past what is damaged: for verifying and salvaging. Private to the room.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef JOURNAL_WALK_H
#define JOURNAL_WALK_H

#include "journal/journal_internal.h"

/* What is found wrong, a line each (out NULL: untold), and how often. */
struct findings {
    FILE *out;
    uint64_t n;
};
void findings_add(struct findings *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "2024-05-17 09:30:00.123 UTC" */
struct time_text {
    char text[40];
};
struct time_text time_text(int64_t ms);

/* All of its records, checked. */
bool walk_block_whole(struct str key, struct str value, struct block_head *out, struct err *err);
/* Each key of a space with its value, in order from `from` on. What can't be read is found, and passed over: *gaps counts. */
typedef bool walk_fn(void *ctx, struct str key, struct str value);
bool walk_space(struct rocks *r, enum rocks_space space, struct findings *f, uint64_t *gaps,
                walk_fn *visit, void *ctx);
/* The same of each table by itself: one that is gone makes all the others of its space unreadable together. A key may come more
 * than once, with what it once was, or though it was deleted; what only the logs hold does not come. */
bool walk_tables(struct rocks *r, enum rocks_space space, struct findings *f, uint64_t *gaps,
                 walk_fn *visit, void *ctx);

/* -- copy.c: the files of a folder into a new one, synced; `only` (NULL: all) says which, by their names. */
bool copy_files(const char *from, const char *to, bool (*only)(const char *name), FILE *out,
                struct err *err);

/* -- wreck.c: a damaged database as far as it can be read. Where RocksDB does not open it, a copy is put in order, in aside;
 * *guessed then: whether a file is missing altogether can't be told. */
struct rocks *wreck_open(const char *db, const char *aside, bool *guessed, FILE *out,
                         struct err *err);
/* What the logs alone hold, in a database of its own, in aside-logs. */
struct rocks *wreck_logs(const char *db, const char *aside, FILE *out, struct err *err);

#endif
