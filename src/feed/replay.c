/* replay.c -- feeds files to /api/v1/history, each line once, however often it is interrupted.
 *
 * The server keeps a place for each source: how many of its lines it has taken, and the hash of these. A source is named by the
 * format and the first line of the file, and a number k: the first 16 bytes of XXH3-128 over "tsv 0123456789abcdef k", where
 * the digits are the XXH3-64 of that line. The hash of n lines is that of the hash of n - 1 lines and of the n-th line's own:
 * see feed_hash.
 *
 * A run asks for the places of k = 0, 1, 2 ... up to the first that is not known, reads the file up to the last of these places
 * and goes on at the first one whose hash is the file's own there: the file has been taken up to it, and may have grown. When
 * none fits, this is another file that begins with the same line (a header, say), and the place that was not known becomes
 * its own. Standard input can't be read twice: when it has gone past the line to go on at, that is an error.
 * SPDX-License-Identifier: Apache-2.0 */
#include "feed/feed.h"
#include "feed/feed_internal.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

enum { PLACES = 1001, TRIES = 5, SOURCE_MAX = 33 }; /* a server keeps a thousand places */
#define ULL(n) ((unsigned long long)(n))

struct place {
    char source[SOURCE_MAX];
    uint64_t lines, hash; /* lines 0: nothing was taken */
    bool fits;
};
struct replay {
    struct place *places;
    size_t n_places;
    char source[SOURCE_MAX]; /* of the file */
    unsigned tries;          /* that came to nothing, in a row */
};

/* ---- Where a source stands */

static void name_source(const struct feed *f, uint64_t first_line, size_t k, char out[SOURCE_MAX])
{
    char text[80];
    uint8_t id[16];
    int n = snprintf(text, sizeof(text), "%s %016" PRIx64 " %zu", f->tsv ? "tsv" : "ndjson",
                     first_line, k);
    str_hash128((struct str){text, (size_t)n}, id);
    for (size_t i = 0; i < sizeof(id); i++)
        snprintf(out + 2 * i, 3, "%02x", id[i]);
}

/* {"lines": n, "hash": "0123456789abcdef"} */
static bool read_place(struct str answer, uint64_t *lines, uint64_t *hash)
{
    json_t *root = json_loadb(answer.n ? answer.p : "", answer.n, 0, NULL);
    const json_t *n = json_object_get(root, "lines");
    const char *text = json_string_value(json_object_get(root, "hash"));
    bool good = json_is_integer(n) && json_integer_value(n) >= 0 && text && strlen(text) == 16;
    *lines = good ? (uint64_t)json_integer_value(n) : 0;
    *hash = good ? strtoull(text, NULL, 16) : 0;
    json_decref(root);
    return good;
}

static enum client_said ask(struct feed *f, const char *source, uint64_t *lines, uint64_t *hash,
                            struct err *err)
{
    struct client_answer a;
    char path[80];
    snprintf(path, sizeof(path), "/api/v1/history/%s", source);
    client_begin(f->client, path, NULL, (struct str){0});
    enum client_said said = client_end(f->client, &a, err);
    if (said == CLIENT_ANSWERED && (a.status != 200 || !read_place(a.body, lines, hash))) {
        client_complain(f->client, &a, err);
        return CLIENT_FAILED;
    }
    return said;
}

/* Asks for all places of files that begin with this line, up to the first that is none. */
static enum feed_said ask_all(struct feed *f, struct replay *r, uint64_t first_line)
{
    struct err err = {0};
    r->n_places = 0;
    for (size_t k = 0; k < PLACES; k++) {
        struct place *p = &r->places[r->n_places++];
        *p = (struct place){0};
        name_source(f, first_line, k, p->source);
        enum client_said said = ask(f, p->source, &p->lines, &p->hash, &err);
        if (said == CLIENT_STOPPED)
            return feed_stopped(f);
        if (said == CLIENT_FAILED) {
            feed_complain(f, "%s", err.text);
            return FEED_QUIT;
        }
        if (!p->lines)
            return FEED_ON;
    }
    feed_complain(
        f, "%s: %d other files that begin with the same line have been taken, which is too many",
        f->path, PLACES);
    return FEED_NEXT;
}

/* ---- Where this file goes on */

/* Reads on until line n has been read, marking the places that fit. false: somebody wants to leave. What can't be read is
 * found again, and said, by whoever comes to it. */
static bool read_to(struct feed *f, struct replay *r, uint64_t n)
{
    struct err err = {0};
    struct line line;
    while (f->n_read < n) {
        enum input_said said = feed_line(f, &line, &err);
        if (said != INPUT_BYTES)
            return said != INPUT_STOPPED;
        for (size_t i = 0; i < r->n_places; i++)
            r->places[i].fits |= r->places[i].lines == line.number && r->places[i].hash == f->hash;
        if (line.number % FEED_LINES == 0)
            feed_tick(f);
    }
    return true;
}

static enum feed_said go_on_at(struct feed *f, struct replay *r, const struct place *p)
{
    memcpy(r->source, p->source, sizeof(r->source));
    if (f->n_read > p->lines) {
        if (!input_rereadable(lines_input(f->lines))) {
            feed_complain(f,
                          "%s begins like something that was taken before, and is something "
                          "else; it can't be read twice: put it into a file",
                          input_name(lines_input(f->lines)));
            return FEED_NEXT;
        }
        if (!feed_open(f))
            return FEED_NEXT;
        if (!read_to(f, r, p->lines))
            return feed_stopped(f);
    }
    if (f->n_read != p->lines || (p->lines && f->hash != p->hash)) {
        feed_complain(f, "%s: it changes while it is read", f->path);
        return FEED_NEXT;
    }
    f->n_skipped = p->lines;
    if (p->lines) {
        struct buf n = {0};
        progress_put_count(&n, p->lines);
        feed_say(f, "%s: %.*s line%s had been taken before; goes on behind them",
                 input_name(lines_input(f->lines)), STR_FMT(buf_str(&n)), p->lines == 1 ? "" : "s");
        buf_fini(&n);
    }
    return FEED_ON;
}

static enum feed_said begin(struct feed *f)
{
    struct replay *r = f->ctx;
    struct line first;
    struct err err = {0};
    enum input_said said;
    while ((said = lines_next(f->lines, &first, &err)) == INPUT_QUIET)
        feed_tick(f);
    if (said == INPUT_STOPPED)
        return feed_stopped(f);
    if (said != INPUT_BYTES) /* an empty file; or what the next reading says */
        return FEED_ON;
    lines_hold(f->lines);
    enum feed_said asked = ask_all(f, r, first.hash);
    if (asked != FEED_ON)
        return asked;
    uint64_t most = 0;
    for (size_t i = 0; i < r->n_places; i++)
        most = MAX_OF(most, r->places[i].lines);
    if (!read_to(f, r, most))
        return feed_stopped(f);
    for (size_t i = 0;; i++)
        if (r->places[i].fits || !r->places[i].lines)
            return go_on_at(f, r, &r->places[i]);
}

/* ---- Bodies */

static void target(struct feed *f, const struct feed_body *b, struct buf *out)
{
    const struct replay *r = f->ctx;
    buf_printf(out, "/api/v1/history/%s?from=%llu&lines=%llu&hash=%016" PRIx64, r->source,
               ULL(b->first - 1 + b->from), ULL(b->first - 1 + b->to), b->hashes[b->to - 1]);
}

/* 409: the lines are not the next ones. They are the last ones when an answer got lost. */
static enum feed_verdict judge(struct feed *f, const struct feed_body *b,
                               const struct client_answer *a, struct err *err)
{
    struct replay *r = f->ctx;
    uint64_t lines, hash;
    if (a->status == 200) {
        r->tries = 0;
        return FEED_TAKEN;
    }
    if (a->status != 409 || ++r->tries > TRIES)
        return FEED_WRONG;
    switch (ask(f, r->source, &lines, &hash, err)) {
    case CLIENT_FAILED:
        return FEED_WRONG;
    case CLIENT_STOPPED:
        err_set(err, "stopped before the server could be asked which lines it has");
        return FEED_WRONG;
    case CLIENT_ANSWERED:
        break;
    }
    if (lines == b->first - 1 + b->to && hash == b->hashes[b->to - 1]) {
        r->tries = 0;
        return FEED_UNSEEN;
    }
    if (lines == b->first - 1 + b->from)
        return FEED_AGAIN;
    err_set(err,
            "the server has %llu lines of this source, not %llu: another replay of the same file "
            "is running, or the server was started with other data",
            ULL(lines), ULL(b->first - 1 + b->from));
    return FEED_WRONG;
}

int feed_replay(const struct config *c)
{
    static const struct feed_way way = {.goes_on = "; the same command goes on there",
                                        .begin = begin,
                                        .target = target,
                                        .judge = judge};
    struct replay r = {.places = xcalloc(PLACES, sizeof(*r.places))};
    int code = feed_run(c, &way, &r);
    free(r.places);
    return code;
}
