/* history.c -- /api/v1/history/SOURCE: events of the past, fed in order and taken once. `signalbox replay` speaks this.
 *
 * A source is 32 hexadecimal digits that the sender made up for its file. GET says how many of its lines were taken; POST brings
 * the next ones, and is refused with 409 when they are not the next: the sender asks again, and goes on from there.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"

static bool hex_read(struct str text, uint8_t *out, size_t n)
{
    for (size_t i = 0; text.n == 2 * n && i < n; i++) {
        int high = hex_digit(text.p[2 * i]), low = hex_digit(text.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return text.n == 2 * n;
}

/* false: answered. */
static bool source_of(struct http_req *r, struct engine_history *h)
{
    if (hex_read(http_param(r, "source"), h->source, sizeof(h->source)))
        return true;
    http_reply_problem(r, 404, "a source of history is called by 32 hexadecimal digits");
    return false;
}

static bool number_of(struct str text, uint64_t *out)
{
    int64_t n;
    bool good = str_i64(text, &n) && n >= 0;
    *out = good ? (uint64_t)n : 0;
    return good;
}

static uint64_t lines_in(struct str body)
{
    uint64_t n = 0;
    for (const char *p = body.p, *end = p + body.n; p < end; n++) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        p = lf ? lf + 1 : end;
    }
    return n;
}

/* ?from=N&lines=M&hash=H; false: answered. */
static bool place_of(struct http_req *r, struct engine_history *h)
{
    struct str name, value;
    unsigned seen = 0;
    uint8_t hash[8];
    for (size_t i = 0; http_query_next(r, &i, &name, &value);) {
        if (str_eqz(name, "from") && number_of(value, &h->from))
            seen |= 1;
        else if (str_eqz(name, "lines") && number_of(value, &h->lines))
            seen |= 2;
        else if (str_eqz(name, "hash") && hex_read(value, hash, sizeof(hash)))
            seen |= 4;
    }
    if (seen != 7) {
        http_reply_problem(r, 400,
                           "say which lines these are: ?from=N&lines=M&hash=H, lines of the source "
                           "before and with this body, and 16 hexadecimal digits");
        return false;
    }
    for (size_t i = 0; i < sizeof(hash); i++)
        h->hash = h->hash << 8 | hash[i];
    uint64_t n = lines_in(http_body(r));
    if (h->lines > h->from && h->lines - h->from == n)
        return true;
    http_reply_problem(r, 400, "from %llu to %llu is not the %llu lines of this body",
                       (unsigned long long)h->from, (unsigned long long)h->lines,
                       (unsigned long long)n);
    return false;
}

void history_get(struct http_req *r, void *ctx)
{
    struct api *a = ctx;
    struct engine_history h;
    uint64_t lines, hash;
    answer_begin(r, false);
    if (!source_of(r, &h))
        return;
    engine_history_at(a->engine, h.source, &lines, &hash);
    struct val answer = val_dict(http_arena(r), 2);
    size_t used = 0;
    dict_put(&answer, &used, STR("lines"), val_int((int64_t)lines));
    dict_put(&answer, &used, STR("hash"),
             val_str(arena_printf(http_arena(r), "%016llx", (unsigned long long)hash)));
    http_reply_val(r, 200, &answer);
}

static void answer_taken(struct api *a, struct http_req *r, struct engine_batch *b)
{
    if (b->history->said == HISTORY_STALE) {
        http_reply_problem(r, 409, "line %llu of this source is not the next one",
                           (unsigned long long)b->history->from + 1);
        return;
    }
    if (b->history->said == HISTORY_NO_ROOM) {
        http_reply_problem(r, 422,
                           "%d sources have been taken, and no further one can be remembered: join "
                           "what is left into fewer files",
                           ENGINE_HISTORIES);
        return;
    }
    struct val answer = events_counts(http_arena(r), &b->events);
    http_reply_val(r, 200, &answer);
}

void history_post(struct http_req *r, void *ctx)
{
    struct engine_history h = {0};
    enum engine_wire wire;
    answer_begin(r, false);
    if (!source_of(r, &h) || !events_wire(r, &wire))
        return;
    if (wire != WIRE_TSV && wire != WIRE_NDJSON) {
        http_reply_problem(
            r, 415, "history comes in lines: text/tab-separated-values or application/x-ndjson");
        return;
    }
    if (place_of(r, &h))
        take_history(ctx, r, wire, http_body(r), &h, answer_taken);
}
