/* journal_folder.h -- a data folder for a test, records to queue, and what a scan finds.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef JOURNAL_FOLDER_H
#define JOURNAL_FOLDER_H

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "journal/journal_internal.h"

static inline void folder_make(char path[64])
{
    snprintf(path, 64, "%s/journal-XXXXXX",
             getenv("TMPDIR") && strlen(getenv("TMPDIR")) < 40 ? getenv("TMPDIR") : "/tmp");
    CHECK(mkdtemp(path) != NULL);
}

static inline void folder_drop(const char *path)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", path);
    CHECK_INT(system(command), 0);
}

static inline struct journal_options options_of(const char *path, enum journal_sync sync)
{
    static uint8_t n;
    struct journal_options o = journal_options_default;
    o.dir = path;
    o.sync = sync;
    o.interval_ms = 20;
    memset(o.draw, ++n, sizeof(o.draw));
    return o;
}

/* Quick to lose patience. */
static inline struct journal *open_with(const struct journal_options *o)
{
    struct err err = {0};
    struct journal *j = journal_open(o, &err);
    CHECK(j != NULL, "%s", err.text);
    if (!j)
        exit(check_done());
    j->full_pause_ms = j->trouble_pause_ms = 5;
    return j;
}

static inline struct journal *open_always(const char *path)
{
    struct journal_options o = options_of(path, JOURNAL_ALWAYS);
    return open_with(&o);
}

/* What is in record n: its length and bytes follow from n. */
static inline struct str text_of(uint64_t n)
{
    static __thread char bytes[4096];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(n * 7 + i);
    return (struct str){bytes, n * 37 % 700};
}

static inline struct record *record_new(uint64_t n)
{
    struct str text = text_of(n);
    struct record *r = calloc(1, sizeof(*r) + text.n);
    r->kind = n % 5 == 0 ? RECORD_TICK : RECORD_BATCH;
    r->bytes = (struct str){(char *)(r + 1), text.n};
    memcpy(r + 1, text.p, text.n);
    r->least_ms = (int64_t)n * 10;
    r->greatest_ms = (int64_t)n * 10 + 5;
    return r;
}

static inline void queue_some(struct journal *j, uint64_t n, int64_t clock_ms)
{
    for (uint64_t i = 0; i < n; i++)
        journal_queue(j, record_new(journal_seq(j) + 1), clock_ms);
}

static inline uint64_t durable_of(struct journal *j)
{
    pthread_mutex_lock(&j->lock);
    uint64_t seq = j->durable_seq;
    pthread_mutex_unlock(&j->lock);
    return seq;
}

/* Takes until `until` was there; gives up after ten seconds. The last sequence it saw. */
static inline uint64_t take_until(struct journal *j, uint64_t until)
{
    uint64_t seq = 0;
    for (int idle = 0; seq < until && idle < 10000;) {
        struct record *r = journal_take(j);
        if (!r) {
            idle++;
            poll(NULL, 0, 1);
            continue;
        }
        if (seq && r->seq != seq + 1)
            CHECK(false, "record %" PRIu64 " behind %" PRIu64, r->seq, seq);
        seq = r->seq;
        free(r);
    }
    return seq;
}

static inline bool wait_state(struct journal *j, enum journal_state state)
{
    for (int i = 0; i < 10000 && journal_state(j) != state; i++)
        poll(NULL, 0, 1);
    return journal_state(j) == state;
}

struct seen {
    uint64_t first, last, n;
    int64_t first_ms, last_ms;
    uint64_t stop_at; /* 0: never */
    bool wrong;
};

static inline bool see(void *ctx, const struct record_view *r, struct err *err)
{
    struct seen *s = ctx;
    if (!s->n)
        s->first = r->seq, s->first_ms = r->now_ms;
    if ((s->n && r->seq != s->last + 1) || r->now_ms < s->last_ms ||
        !str_eq(r->bytes, text_of(r->seq)) ||
        r->kind != (r->seq % 5 == 0 ? RECORD_TICK : RECORD_BATCH))
        s->wrong = true;
    s->last = r->seq;
    s->last_ms = r->now_ms;
    s->n++;
    return r->seq != s->stop_at || err_set(err, "stopped at %" PRIu64, r->seq);
}

static inline struct seen scan_from(struct journal *j, uint64_t from)
{
    struct seen s = {0};
    struct err err = {0};
    CHECK(journal_scan(j, from, see, &s, &err), "%s", err.text);
    CHECK(!s.wrong, "what was read is not what was written");
    return s;
}

#endif
