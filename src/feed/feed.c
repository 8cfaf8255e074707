/* feed.c -- the loop of `replay` and `send`: fill a body, hear what became of the last one, send this one.
 *
 * A line counts as settled once the server has answered for it; what was read and not settled is read again by the next run.
 * SPDX-License-Identifier: Apache-2.0 */
#include "feed/feed_internal.h"
#include "clock.h"
#include "feed/stop.h"

#include <jansson.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GARBAGE_LINES = 1000, TICK_MS = 100, PATIENCE_S = 300 };
#define ULL(n) ((unsigned long long)(n))

/* ---- Saying */

static void say(struct feed *f, const char *fmt, va_list args)
{
    char text[900];
    struct buf line = {0};
    vsnprintf(text, sizeof(text), fmt, args);
    refused_put_plain(&line, str_of(text));
    progress_clear(&f->progress);
    fprintf(stderr, "signalbox: %.*s\n", STR_FMT(buf_str(&line)));
    buf_fini(&line);
}

void feed_say(struct feed *f, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(f, fmt, args);
    va_end(args);
}

void feed_complain(struct feed *f, const char *fmt, ...)
{
    va_list args;
    f->failed = true;
    va_start(args, fmt);
    say(f, fmt, args);
    va_end(args);
}

static void say_line(void *ctx, const char *line)
{
    feed_say(ctx, "%s", line);
}

static const char *name_of(const struct feed *f)
{
    return input_name(lines_input(f->lines));
}

void feed_tick(void *ctx)
{
    struct feed *f = ctx;
    if (!f->lines)
        return;
    const struct input *in = lines_input(f->lines);
    int64_t us = clock_monotonic_us();
    struct progress_state s = {
        .name = input_name(in),
        .at = input_at(in),
        .size = input_size(in),
        .from = f->began_at,
        .n_events = f->file_accepted + f->file_refused,
        .spent_ms = us / 1000 - f->began_ms,
        .wait_ms = f->due_us > us ? (f->due_us - us) / 1000 : 0,
    };
    progress_show(&f->progress, &s, us / 1000);
}

/* Where the next run begins, or somebody who does it by hand. */
static void say_where(struct feed *f)
{
    feed_complain(f, "%s: stopped behind line %llu%s", name_of(f), ULL(f->n_settled),
                  f->way->goes_on);
}

enum feed_said feed_stopped(struct feed *f)
{
    say_where(f);
    return FEED_QUIT;
}

/* ---- Reading */

uint64_t feed_hash(uint64_t before, uint64_t line)
{
    uint8_t both[16];
    for (int i = 0; i < 8; i++) {
        both[i] = (uint8_t)(before >> 8 * i);
        both[8 + i] = (uint8_t)(line >> 8 * i);
    }
    return str_hash((struct str){(const char *)both, sizeof(both)});
}

static bool named(const char *path, const char *end)
{
    size_t n = strlen(path), k = strlen(end);
    return n >= k && !strcasecmp(path + n - k, end);
}

static bool is_tsv(const struct config *c, const char *path)
{
    static const char *const ends[] = {".ndjson",   ".jsonl",      ".ndjson.gz",
                                       ".jsonl.gz", ".ndjson.zst", ".jsonl.zst"};
    for (size_t i = 0; !c->format && i < COUNT_OF(ends); i++)
        if (named(path, ends[i]))
            return false;
    return !c->format || !strcmp(c->format, "tsv");
}

bool feed_open(struct feed *f)
{
    struct input_options o = {.stop_fd = f->stop_fd, .any_size = f->c->any_size};
    struct err err = {0};
    lines_close(f->lines);
    f->lines = lines_open(f->path, f->c->http.body - 1, &o, &err); /* with its LF it fills a body */
    f->hash = f->n_read = f->n_settled = 0;
    if (!f->lines)
        feed_complain(f, "%s", err.text);
    return f->lines;
}

enum input_said feed_line(struct feed *f, struct line *out, struct err *err)
{
    enum input_said said;
    while ((said = lines_next(f->lines, out, err)) == INPUT_QUIET)
        feed_tick(f);
    if (said == INPUT_BYTES) {
        f->hash = feed_hash(f->hash, out->hash);
        f->n_read = out->number;
    }
    return said;
}

/* ---- Filling */

enum fill { FULL, LATER, QUIET, END, STOPPED, FAILED };

/* What this program's own decoder says to some lines: the server's words, as long as both are of one version. */
static void decode_here(struct feed *f, struct str text, struct evt_batch *out, struct err *err)
{
    struct evt_meta meta = {.collector_ms = clock_wall_ms()};
    struct buf padded = {0};
    evt_batch_init(out);
    buf_reserve(&padded, text.n + EVT_PADDING);
    buf_put(&padded, text.p, text.n);
    memset(padded.p + padded.n, 0, EVT_PADDING);
    (f->tsv ? evt_decode_tsv : evt_decode_ndjson)(f->decoder, f->proj, &meta, buf_str(&padded), out,
                                                  err);
    buf_fini(&padded);
}

/* why: perhaps with the line's number in the body before it, which means nothing here. */
static void refuse(struct feed *f, uint64_t line, struct str column, struct str why)
{
    const char *colon = str_starts(why, "line ") ? memmem(why.p, why.n, ": ", 2) : NULL;
    if (colon)
        why = (struct str){colon + 2, (size_t)(why.p + why.n - colon) - 2};
    f->file_refused++;
    refused_add(&f->refused, name_of(f), line, column, why);
}

/* A last line without an end may be half of one: it is taken when it is an event, and else left for when the file is whole. */
static bool is_half(struct feed *f, const struct line *l)
{
    struct evt_batch batch;
    struct err err = {0};
    if (l->ended || (!l->text.n && !l->too_long))
        return false;
    decode_here(f, l->text, &batch, &err);
    f->half = l->too_long || err.set || batch.n_rejects ? l->number : 0;
    evt_batch_fini(&batch);
    return f->half;
}

static void put_line(struct feed *f, struct feed_body *b, const struct line *l, struct str text)
{
    if (b->n == 0)
        b->first = l->number;
    buf_put(&b->text, text.p, text.n);
    buf_putc(&b->text, '\n');
    f->hash = feed_hash(f->hash, l->hash);
    f->n_read = l->number;
    b->ends[b->n] = (uint32_t)b->text.n;
    b->hashes[b->n] = f->hash;
    b->too_long[b->n] = l->too_long;
    b->n++;
}

static enum fill fill(struct feed *f, struct feed_body *b, struct err *err)
{
    static const enum fill ends[] = {[INPUT_END] = END,
                                     [INPUT_QUIET] = QUIET,
                                     [INPUT_STOPPED] = STOPPED,
                                     [INPUT_FAILED] = FAILED};
    b->n = b->text.n = b->from = b->to = 0;
    f->due_us = 0;
    for (;;) {
        struct line l;
        enum input_said said = lines_next(f->lines, &l, err);
        if (said != INPUT_BYTES)
            return ends[said];
        if (is_half(f, &l))
            return END;
        struct str text = l.text;
        bool full = b->n == FEED_LINES || (b->n && b->text.n + l.text.n + 1 > FEED_BYTES);
        if (!full && f->way->admit)
            f->due_us = f->way->admit(f, &l, &text);
        if (full || f->due_us) {
            lines_hold(f->lines);
            return full ? FULL : LATER;
        }
        put_line(f, b, &l, text);
    }
}

/* ---- Sending */

/* One line that is too long, for which an empty one is sent. */
static bool is_empty(const struct feed_body *b)
{
    return b->to == b->from + 1 && b->too_long[b->from];
}

/* The part under way. */
static struct str part_text(const struct feed_body *b)
{
    size_t start = b->from ? b->ends[b->from - 1] : 0;
    if (is_empty(b))
        return STR("\n");
    return (struct str){b->text.p + start, b->ends[b->to - 1] - start};
}

static void begin_part(struct feed *f, struct feed_body *b)
{
    f->target.n = 0;
    f->way->target(f, b, &f->target);
    buf_putc(&f->target, 0);
    client_begin(f->client, f->target.p,
                 f->tsv ? "text/tab-separated-values" : "application/x-ndjson", part_text(b));
}

/* As many of the lines that are left as the server takes at once. */
static void begin_next(struct feed *f, struct feed_body *b)
{
    size_t start = b->from ? b->ends[b->from - 1] : 0;
    b->to = b->from + 1;
    while (b->to < b->n && b->ends[b->to] - start <= f->body_most)
        b->to++;
    begin_part(f, b);
}

/* Its lines become fewer, or its only line is refused. */
static void shrink(struct feed *f, struct feed_body *b)
{
    if (b->to == b->from + 1) {
        b->too_long[b->from] = true;
        begin_part(f, b);
        return;
    }
    f->body_most = part_text(b).n / 2;
    begin_next(f, b);
}

/* {"accepted": n, "rejected": [{"line", "column", "error"}]}; false: it is something else. */
static bool take_counts(struct feed *f, const struct feed_body *b, struct str answer)
{
    json_t *root = json_loadb(answer.n ? answer.p : "", answer.n, 0, NULL), *one;
    const json_t *accepted = json_object_get(root, "accepted"),
                 *rejected = json_object_get(root, "rejected");
    bool good = json_is_integer(accepted) && json_is_array(rejected);
    size_t i;
    json_array_foreach(rejected, i, one)
    {
        json_int_t line = json_integer_value(json_object_get(one, "line"));
        refuse(f, b->first + b->from + (uint64_t)line - 1,
               str_of(json_string_value(json_object_get(one, "column"))),
               str_of(json_string_value(json_object_get(one, "error"))));
    }
    f->file_accepted += good ? (uint64_t)json_integer_value(accepted) : 0;
    json_decref(root);
    return good;
}

/* The same for a part whose answer got lost. */
static void take_unseen(struct feed *f, const struct feed_body *b)
{
    struct evt_batch batch;
    struct err err = {0};
    decode_here(f, part_text(b), &batch, &err);
    for (size_t i = 0; i < batch.n_rejects; i++)
        refuse(f, b->first + b->from + batch.rejects[i].line - 1, batch.rejects[i].column,
               batch.rejects[i].why);
    f->file_accepted += batch.n;
    evt_batch_fini(&batch);
}

static void settle_part(struct feed *f, struct feed_body *b)
{
    for (size_t i = b->from; i < b->to; i++)
        if (b->too_long[i])
            refuse(f, b->first + i, (struct str){0}, STR("longer than a body may be (http.body)"));
    f->n_settled = b->first + b->to - 1;
    f->n_lines += b->to - b->from;
    b->from = b->to;
}

/* A file of something else would only fill the summary. */
static bool is_garbage(struct feed *f)
{
    if (f->file_accepted || f->file_refused < GARBAGE_LINES || f->n_skipped)
        return false;
    feed_complain(f,
                  "%s: the first %llu lines were all refused: this looks like no %s; it is read no "
                  "further (--format says what it is)",
                  name_of(f), ULL(f->file_refused),
                  f->tsv ? "enriched events of 131 columns" : "maps of columns, one a line");
    return true;
}

/* Until the server has answered for every line of the body. */
static enum feed_said settle(struct feed *f, struct feed_body *b)
{
    while (b->from < b->n) {
        struct client_answer a;
        struct err err = {0};
        enum client_said said = client_end(f->client, &a, &err);
        if (said == CLIENT_STOPPED)
            return feed_stopped(f);
        if (said == CLIENT_ANSWERED && a.status == 413 && !is_empty(b)) {
            shrink(f, b);
            continue;
        }
        enum feed_verdict verdict =
            said == CLIENT_FAILED ? FEED_WRONG : f->way->judge(f, b, &a, &err);
        if (verdict == FEED_AGAIN) {
            begin_part(f, b);
            continue;
        }
        if (verdict == FEED_TAKEN && !take_counts(f, b, a.body))
            verdict = FEED_WRONG;
        if (verdict == FEED_WRONG) {
            if (!err.set)
                client_complain(f->client, &a, &err);
            feed_complain(f, "%s", err.text);
            say_where(f);
            return FEED_QUIT;
        }
        if (verdict == FEED_UNSEEN)
            take_unseen(f, b);
        settle_part(f, b);
        if (b->from < b->n)
            begin_next(f, b);
    }
    return is_garbage(f) ? FEED_NEXT : FEED_ON;
}

/* ---- One file */

/* Until the next event is due; false: somebody wants to leave. */
static bool wait_until_due(struct feed *f)
{
    for (int64_t left; (left = f->due_us - clock_monotonic_us()) > 0;) {
        struct pollfd stop = {.fd = f->stop_fd, .events = POLLIN};
        if (poll(&stop, 1, (int)MIN_OF((left + 999) / 1000, TICK_MS)) > 0)
            return false;
        feed_tick(f);
    }
    return true;
}

static enum feed_said pump(struct feed *f)
{
    struct feed_body *b = &f->bodies[0], *sent = NULL;
    for (;;) {
        struct err err = {0};
        enum fill end = fill(f, b, &err);
        enum feed_said said = sent ? settle(f, sent) : FEED_ON;
        sent = NULL;
        if (said != FEED_ON)
            return said;
        bool all = end == END && !b->n; /* nothing is left that could be stopped */
        if (end == STOPPED || (!all && stop_wanted(f->stop_fd)))
            return feed_stopped(f);
        if (b->n) {
            begin_next(f, b);
            sent = b;
            b = &f->bodies[b == f->bodies];
        }
        if (end == FULL)
            continue;
        said = sent ? settle(f, sent) : FEED_ON;
        sent = NULL;
        if (said != FEED_ON)
            return said;
        if (end == LATER && !wait_until_due(f))
            return feed_stopped(f);
        if (end == FAILED)
            feed_complain(f, "%s", err.text);
        if (end == END && f->half)
            refuse(
                f, f->half, (struct str){0},
                STR("the last line has no end and is no event: it is left for when it is whole"));
        if (end == END || end == FAILED)
            return FEED_NEXT;
        feed_tick(f);
    }
}

static enum feed_said run_file(struct feed *f, const char *path)
{
    f->path = path;
    f->tsv = is_tsv(f->c, path);
    f->file_accepted = f->file_refused = f->n_skipped = f->half = 0;
    f->due_us = 0;
    f->began_ms = clock_monotonic_ms();
    f->began_at = 0;
    if (!feed_open(f))
        return FEED_NEXT;
    f->n_files++;
    enum feed_said said = f->way->begin ? f->way->begin(f) : FEED_ON;
    f->n_before += f->n_skipped;
    f->n_settled = f->n_skipped;
    f->began_at = input_at(lines_input(f->lines));
    f->began_ms = clock_monotonic_ms();
    if (said == FEED_ON)
        said = pump(f);
    f->n_accepted += f->file_accepted;
    lines_close(f->lines);
    f->lines = NULL;
    return said;
}

/* ---- The command */

/* "1 file, ", "2 files, " */
static void put_amount(struct buf *out, uint64_t n, const char *what, const char *behind)
{
    progress_put_count(out, n);
    buf_printf(out, " %s%s%s", what, n == 1 ? "" : "s", behind);
}

static void sum_up(struct feed *f, int64_t spent_ms)
{
    struct buf out = {0};
    uint64_t n = f->n_accepted + f->refused.n;
    if (f->n_before)
        put_amount(&out, f->n_before, "line", " had been taken before\n");
    put_amount(&out, f->n_files, "file", ", ");
    put_amount(&out, f->n_lines, "line", ": ");
    put_amount(&out, f->n_accepted, "event", " taken, ");
    progress_put_count(&out, f->refused.n);
    buf_printf(&out, " refused, in %.1f s", (double)spent_ms / 1000);
    if (n && spent_ms > 0) {
        buf_puts(&out, " (");
        progress_put_count(&out, n * 1000 / (uint64_t)spent_ms);
        buf_puts(&out, " a second)");
    }
    buf_putc(&out, '\n');
    if (f->way->sum_up)
        f->way->sum_up(f, &out);
    refused_write(&f->refused, &out);
    progress_clear(&f->progress);
    fwrite(out.p, 1, out.n, stdout);
    buf_fini(&out);
}

static bool usage_check(const struct config *c, struct err *err)
{
    struct stat refused, st;
    size_t n_std = 0;
    if (c->format && strcmp(c->format, "tsv") && strcmp(c->format, "ndjson"))
        return err_set(err, "--format is tsv or ndjson");
    if (c->n_positional == 0 && isatty(STDIN_FILENO))
        return err_set(err, "say which files, or feed standard input");
    bool there = c->refused && stat(c->refused, &refused) == 0;
    for (size_t i = 0; i < c->n_positional; i++) {
        n_std += !strcmp(c->positional[i], "-");
        if (there && stat(c->positional[i], &st) == 0 && st.st_ino == refused.st_ino &&
            st.st_dev == refused.st_dev && S_ISREG(st.st_mode))
            return err_set(err, "--refused would write into %s, which is to be read", c->refused);
    }
    return n_std < 2 || err_set(err, "standard input can be read once only");
}

/* What `listen` says, or --to. */
static struct client *connect_to(struct feed *f, struct err *err)
{
    const struct config *c = f->c;
    struct client_options o = {
        .token = c->token,
        .patience_ms = (int64_t)((c->patience_s < 0 ? PATIENCE_S : c->patience_s) * 1000),
        .stop_fd = f->stop_fd,
        .tick = feed_tick,
        .say = say_line,
        .ctx = f,
    };
    char url[300];
    snprintf(url, sizeof(url), "http://%s", c->listen ? c->listen : "");
    if (!c->to && named(url, ":0")) {
        err_set(err, "say where the server is, with --to URL");
        return NULL;
    }
    return client_new(c->to ? c->to : url, &o, err);
}

static void free_feed(struct feed *f)
{
    client_free(f->client);
    evt_decoder_free(f->decoder);
    evt_proj_free(f->proj);
    for (size_t i = 0; i < COUNT_OF(f->bodies); i++)
        buf_fini(&f->bodies[i].text);
    buf_fini(&f->target);
    stop_close(f->stop_fd);
    free(f);
}

int feed_run(const struct config *c, const struct feed_way *way, void *ctx)
{
    enum { OK = 0, FAILED_SOME = 1, USAGE = 2 };
    struct feed *f = xcalloc(1, sizeof(*f));
    struct err err = {0};
    const char *standard_input = "-";
    bool good = usage_check(c, &err) && refused_init(&f->refused, c->refused, &err);
    *f = (struct feed){.c = c, .way = way, .ctx = ctx, .refused = f->refused};
    f->stop_fd = stop_open();
    f->body_most = c->http.body;
    f->client = good ? connect_to(f, &err) : NULL;
    if (!f->client) {
        fprintf(stderr, "signalbox: %s\n", err.text);
        refused_fini(&f->refused, &err);
        free_feed(f);
        return USAGE;
    }
    f->decoder = evt_decoder_new(NULL, NULL, 0);
    f->proj = evt_proj_new(NULL, 0);
    progress_init(&f->progress);
    const char *const *paths = c->n_positional ? c->positional : &standard_input;
    size_t n = MAX_OF(c->n_positional, 1);
    int64_t began = clock_monotonic_ms();
    for (size_t i = 0; i < n && run_file(f, paths[i]) != FEED_QUIT; i++)
        ;
    sum_up(f, clock_monotonic_ms() - began);
    bool failed = f->failed || f->refused.n;
    if (!refused_fini(&f->refused, &err)) {
        fprintf(stderr, "signalbox: %s\n", err.text);
        failed = true;
    }
    free_feed(f);
    return failed ? FAILED_SOME : OK;
}
