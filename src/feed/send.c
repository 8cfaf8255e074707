/* send.c -- feeds recorded events to /api/v1/events, as fast as they were recorded, at a rate, or as fast as it goes.
 *
 * One timetable for all files: the first event is due at once, another one as much later as it was recorded later, divided by
 * the speed, or by its number, divided by the rate. What is overdue goes at once, many in a body; nothing goes too early.
 *
 * With --now an event happens when it is due: its collector_tstamp becomes that moment and its other times move by as much. So
 * the distances between events are the recorded ones, divided by the speed, even when the server can't keep up.
 * SPDX-License-Identifier: Apache-2.0 */
#include "feed/feed.h"
#include "clock.h"
#include "feed/feed_internal.h"
#include "feed/stamp.h"

#include <jansson.h>

enum { LATE_MS = 1000 }; /* from there on it is worth a line */

struct send {
    bool begun, timed; /* the timetable has a beginning; the time of its first event is known */
    int64_t zero_us, zero_wall_ms;
    int64_t first_ms;  /* of the first event that says when it happened */
    int64_t last_us;   /* the latest time at which one was due so far, behind zero */
    uint64_t n;        /* events so far */
    int64_t latest_ms; /* the most that one was late */
    struct buf moved;  /* the line with other times */
};

/* Behind zero. */
static int64_t due_us(struct send *s, const struct config *c, const struct stamp *at)
{
    if (c->rate)
        return (int64_t)((double)s->n * 1e6 / c->rate);
    if (!c->speed)
        return clock_monotonic_us() - s->zero_us;
    if (!at->known)
        return s->last_us;
    if (!s->timed) {
        s->timed = true;
        s->first_ms = at->ms;
    }
    static const double most = 1e17; /* three thousand years */
    double us = (double)(at->ms - s->first_ms) * 1000 / c->speed;
    return (int64_t)MIN_OF(MAX_OF(us, -most), most);
}

static int64_t admit(struct feed *f, const struct line *l, struct str *text)
{
    struct send *s = f->ctx;
    const struct config *c = f->c;
    struct stamp at = {0};
    if (l->text.n == 0) /* blank, or too long */
        return 0;
    if (!s->begun) {
        s->begun = true;
        s->zero_us = clock_monotonic_us();
        s->zero_wall_ms = clock_wall_ms();
    }
    if (c->speed || c->now)
        stamp_read(&at, f->tsv, l->text);
    int64_t due = due_us(s, c, &at), now = clock_monotonic_us() - s->zero_us;
    if (due <= now) {
        s->n++;
        if (due >= s->last_us) { /* else it was recorded out of its turn, and is none too late */
            s->latest_ms = MAX_OF(s->latest_ms, (now - due) / 1000);
            s->last_us = due;
        }
        s->moved.n = 0;
        if (c->now && at.known) {
            stamp_write(&at, s->zero_wall_ms + due / 1000 - at.ms, &s->moved);
            *text = buf_str(&s->moved);
        }
    }
    stamp_fini(&at);
    return due <= now ? 0 : s->zero_us + due;
}

static void target(struct feed *f, const struct feed_body *b, struct buf *out)
{
    buf_puts(out, "/api/v1/events");
}

/* A body of which nothing was taken is a 400 with the same counts. */
static enum feed_verdict judge(struct feed *f, const struct feed_body *b,
                               const struct client_answer *a, struct err *err)
{
    if (a->status != 400)
        return a->status == 200 ? FEED_TAKEN : FEED_WRONG;
    json_t *root = json_loadb(a->body.n ? a->body.p : "", a->body.n, 0, NULL);
    bool counts = json_is_array(json_object_get(root, "rejected"));
    json_decref(root);
    return counts ? FEED_TAKEN : FEED_WRONG;
}

static void sum_up(struct feed *f, struct buf *out)
{
    const struct send *s = f->ctx;
    if (s->latest_ms > LATE_MS)
        buf_printf(out, "the server did not keep up: events went up to %.1f s late\n",
                   (double)s->latest_ms / 1000);
}

int feed_send(const struct config *c)
{
    static const struct feed_way way = {
        .goes_on = "", .admit = admit, .target = target, .judge = judge, .sum_up = sum_up};
    struct send s = {0};
    if (c->speed && c->rate) {
        fprintf(stderr, "signalbox: --speed and --rate exclude each other\n");
        return 2;
    }
    int code = feed_run(c, &way, &s);
    buf_fini(&s.moved);
    return code;
}
