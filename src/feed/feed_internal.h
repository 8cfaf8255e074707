/* feed_internal.h -- recorded events from files to a server, body by body: what `replay` and `send` have in common.
 *
 * One body is under way while the next one is read. Whatever happens to a file or to the server is said at once on standard
 * error, and in the summary at the end.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEED_INTERNAL_H
#define FEED_INTERNAL_H

#include "feed/client.h"
#include "config.h"
#include "feed/lines.h"
#include "feed/progress.h"
#include "feed/refused.h"

enum { FEED_LINES = 1000, FEED_BYTES = 256 << 10 }; /* a body is full at whichever comes first */

/* Lines on their way. A part of them is under way: all, or fewer when the server takes no body that large. */
struct feed_body {
    struct buf text;             /* a line that is refused here stands in it as an empty one */
    uint64_t first;              /* the number of its first line in the file */
    size_t n, from, to;          /* lines; the part under way */
    uint32_t ends[FEED_LINES];   /* where each ends in text, its LF included */
    uint64_t hashes[FEED_LINES]; /* of the file up to the end of each */
    bool too_long[FEED_LINES];
};
enum feed_said {
    FEED_ON,   /* all is well */
    FEED_NEXT, /* nothing more of this file: go on with the next one */
    FEED_QUIT  /* nothing more at all */
};
enum feed_verdict {
    FEED_TAKEN,  /* the answer has the counts */
    FEED_UNSEEN, /* it was taken, and its answer got lost */
    FEED_AGAIN,  /* send the same once more */
    FEED_WRONG   /* err says why nothing helps */
};
struct feed;

/* What differs. ctx in struct feed is the way's own. */
struct feed_way {
    const char *goes_on; /* behind "stopped behind line N": how to go on */
    /* A file has been opened: reads from f->lines what is not to be sent. NULL: nothing. */
    enum feed_said (*begin)(struct feed *f);
    /* 0: the line goes now, as *text, which lives until the next call; else the clock_monotonic_us at which it is due. NULL: all
     * go now, as they are. */
    int64_t (*admit)(struct feed *f, const struct line *l, struct str *text);
    /* Where the part under way goes. */
    void (*target)(struct feed *f, const struct feed_body *b, struct buf *out);
    /* What the server said to it. */
    enum feed_verdict (*judge)(struct feed *f, const struct feed_body *b,
                               const struct client_answer *a, struct err *err);
    void (*sum_up)(struct feed *f,
                   struct buf *out); /* the way's own lines of the summary; NULL: none */
};

struct feed {
    const struct config *c;
    const struct feed_way *way;
    void *ctx;
    int stop_fd;
    struct client *client;
    struct progress progress;
    struct refused refused;
    struct evt_decoder *decoder; /* for what only this side can judge */
    struct evt_proj *proj;
    struct feed_body bodies[2];
    size_t body_most; /* bytes: the server has refused larger ones */
    struct buf target;
    bool failed;

    /* the file */
    const char *path;
    bool tsv;
    struct lines *lines;
    uint64_t hash;              /* of the lines read so far: see feed_hash */
    uint64_t n_read, n_settled; /* lines */
    uint64_t n_skipped;         /* lines that begin passed over */
    uint64_t half;              /* the number of a last line that is not whole; 0: there is none */
    uint64_t file_accepted, file_refused;
    uint64_t began_at; /* bytes of the file read when the first line was to be sent */
    int64_t began_ms, due_us;

    /* all of them */
    uint64_t n_files, n_lines, n_before, n_accepted;
};

/* Runs a command; its exit code. */
int feed_run(const struct config *c, const struct feed_way *way, void *ctx);

/* For the ways: */
bool feed_open(struct feed *f); /* the file at its beginning, once more too; false: said */
/* The next line, waiting for it; counted and hashed. */
enum input_said feed_line(struct feed *f, struct line *out, struct err *err);
/* The hash of a file's first n lines, from that of one fewer and the last line's own; of none it is 0. */
uint64_t feed_hash(uint64_t before, uint64_t line);
void feed_tick(void *feed);
/* A line on standard error. complain: and the exit code will be 1. */
void feed_say(struct feed *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void feed_complain(struct feed *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Somebody wants to leave: says where it stopped. */
enum feed_said feed_stopped(struct feed *f);

#endif
