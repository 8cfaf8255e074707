/* stamp.c -- reads when a recorded event happened, and writes its line as if it happened at another time.
 *
 * All of its times move by the same amount, so that everything computed from two of them stays what it was. What is no time in
 * a column of times stays too: to refuse it is the server's business.
 * SPDX-License-Identifier: Apache-2.0 */
#include "feed/stamp.h"

#include "evt/evt.h"

#include <jansson.h>
#include <stdlib.h>
#include <time.h>

static const char *const when[] = {"collector_tstamp", "derived_tstamp", "dvce_created_tstamp"};
enum { TEXT_MAX = 40 };
/* The years 1 to 9999, which have four digits. */
static const int64_t first_ms = -62135596800000, behind_ms = 253402300800000;

static bool is_time(size_t column)
{
    return column < EVT_COLUMNS && evt_columns[column].type == EVT_COL_TIMESTAMP;
}

/* As the enriched event has it; mark: between day and hour, and what says that this is UTC. */
static bool write_time(int64_t ms, const char *mark, const char *zone, char out[TEXT_MAX])
{
    struct tm t;
    if (ms < first_ms || ms >= behind_ms)
        return false;
    time_t s = (time_t)((ms - first_ms) / 1000 + first_ms / 1000);
    gmtime_r(&s, &t);
    snprintf(out, TEXT_MAX, "%04d-%02d-%02d%s%02d:%02d:%02d.%03d%s", t.tm_year + 1900, t.tm_mon + 1,
             t.tm_mday, mark, t.tm_hour, t.tm_min, t.tm_sec, (int)((ms - first_ms) % 1000), zone);
    return true;
}

/* ---- TSV */

/* The next column off the front; false: there is none left. *p stands behind its tab. */
static bool next_column(const char **p, const char *end, struct str *out)
{
    if (*p > end)
        return false;
    const char *tab = *p < end ? memchr(*p, '\t', (size_t)(end - *p)) : NULL;
    *out = (struct str){*p, (size_t)((tab ? tab : end) - *p)};
    *p += out->n + 1;
    return true;
}

static void read_tsv(struct stamp *s)
{
    const char *p = s->line.p, *end = p + s->line.n;
    int64_t times[COUNT_OF(when)];
    bool have[COUNT_OF(when)] = {false};
    struct str text;
    for (size_t column = 0; next_column(&p, end, &text); column++)
        for (size_t i = 0; is_time(column) && i < COUNT_OF(when); i++)
            if (!strcmp(evt_columns[column].name, when[i]))
                have[i] = tstamp_parse_enriched(text, &times[i]);
    for (size_t i = 0; i < COUNT_OF(when) && !s->known; i++) {
        s->known = have[i];
        s->ms = have[i] ? times[i] : 0;
    }
}

static void write_tsv(const struct stamp *s, int64_t later_ms, struct buf *out)
{
    const char *p = s->line.p, *end = p + s->line.n;
    struct str text;
    for (size_t column = 0; next_column(&p, end, &text); column++) {
        char moved[TEXT_MAX];
        int64_t ms;
        if (column)
            buf_putc(out, '\t');
        if (is_time(column) && tstamp_parse_enriched(text, &ms) &&
            write_time(ms + later_ms, " ", "", moved))
            buf_puts(out, moved);
        else
            buf_put(out, text.p, text.n);
    }
}

/* ---- NDJSON */

static bool time_of(const json_t *tree, const char *name, int64_t *ms)
{
    const json_t *v = json_object_get(tree, name);
    if (json_is_string(v))
        return tstamp_parse((struct str){json_string_value(v), json_string_length(v)}, ms);
    *ms = json_integer_value(v);
    return json_is_integer(v) && *ms >= first_ms && *ms < behind_ms;
}

static int put_json(const char *p, size_t n, void *out)
{
    buf_put(out, p, n);
    return 0;
}

static void write_ndjson(const struct stamp *s, int64_t later_ms, struct buf *out)
{
    json_t *moved = json_copy(s->tree);
    for (size_t column = 0; column < EVT_COLUMNS; column++) {
        const char *name = evt_columns[column].name;
        char text[TEXT_MAX];
        int64_t ms;
        if (!is_time(column) || !time_of(s->tree, name, &ms))
            continue;
        if (json_is_integer(json_object_get(s->tree, name)))
            json_object_set_new(moved, name, json_integer(ms + later_ms));
        else if (write_time(ms + later_ms, "T", "Z", text))
            json_object_set_new(moved, name, json_string(text));
    }
    json_dump_callback(moved, put_json, out, JSON_COMPACT);
    json_decref(moved);
}

/* ---- Both */

void stamp_read(struct stamp *s, bool tsv, struct str line)
{
    *s = (struct stamp){.tsv = tsv, .line = line};
    if (tsv) {
        read_tsv(s);
        return;
    }
    s->tree =
        json_loadb(line.n ? line.p : "", line.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    for (size_t i = 0; i < COUNT_OF(when) && !s->known; i++)
        s->known = json_is_object(s->tree) && time_of(s->tree, when[i], &s->ms);
}

void stamp_write(const struct stamp *s, int64_t later_ms, struct buf *out)
{
    if (!s->known)
        buf_put(out, s->line.p, s->line.n);
    else
        (s->tsv ? write_tsv : write_ndjson)(s, later_ms, out);
}

void stamp_fini(struct stamp *s)
{
    json_decref(s->tree);
}
