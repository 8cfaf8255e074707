/* decode_tsv.c -- Snowplow's enriched event: 131 columns a line, tabs between them.
 *
 * Every column of every line is checked, asked for or not. Enriched events are written by a program: a value that is not of its
 * column's type means that the line is damaged or its columns have slipped, and then nothing else in it can be trusted either.
 *
 * The events come out in the order of their times, those of the same time in the order of their lines. Snowplow Micro, which
 * posts what it has enriched, puts the events of one tracker's request last first, and an attribute such as "the last page
 * seen" would be wrong on every such body.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/finish.h"
#include "evt/lines.h"
#include "evt/tstamp.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

/* Always false. */
static bool refuse(struct evt_decoder *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static bool refuse(struct evt_decoder *d, const char *fmt, ...)
{
    char why[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    d->item.why = arena_str(&d->scratch, str_of(why));
    return false;
}

/* The columns that hold something, as strings, into the item. Returns how many columns there are, those beyond the last one
 * counted too. */
static size_t split(struct item *it, struct str line)
{
    const char *p = line.p, *end = p + line.n;
    for (size_t n = 0;; n++, p++) {
        const char *tab = p;
        if (p < end && *p != '\t') {
            tab = memchr(p, '\t', (size_t)(end - p));
            tab = tab ? tab : end;
            if (n < EVT_COLUMNS)
                item_put(it, (unsigned)n, val_str((struct str){p, (size_t)(tab - p)}));
        }
        if (tab == end)
            return n + 1;
        p = tab;
    }
}

static bool is_uuid(struct str s)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (s.n != sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = (char)(s.p[i] | 32);
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (form[i] == '-' ? s.p[i] != '-' : !hex)
            return false;
    }
    return true;
}

static bool refuse_value(struct evt_decoder *d, unsigned column, const char *want)
{
    struct str value = val_as_str(d->item.cols[column]);
    return refuse(d, "%s: want %s, not \"%.*s\"", evt_columns[column].name, want,
                  STR_FMT(finish_quote(value)));
}

/* In one pass over the line: only of a bad one it is asked in which column. */
static bool check_utf8(struct evt_decoder *d, struct str line)
{
    unsigned column = 0;
    if (utf8_valid(line))
        return true;
    while (!item_has(&d->item, column) || utf8_valid(val_as_str(d->item.cols[column]))) {
        column++;
        assert(column < EVT_COLUMNS); /* a tab is never part of a character */
    }
    return refuse(d, "%s: not UTF-8", evt_columns[column].name);
}

/* Read where it stands, like a line of NDJSON. */
static bool read_json(struct evt_decoder *d, unsigned column, enum part_id id)
{
    struct part *part = &d->item.parts[id];
    struct json_node root;
    struct err err = {0};
    if (!json_parse_line(d->trees[id], val_as_str(d->item.cols[column]), &root, &err))
        return refuse(d, "%s: %s", evt_columns[column].name, err.text);
    *part = (struct part){
        .form = PART_NODE, .field = evt_columns[column].name, .node = node_json(root)};
    return true;
}

/* From its text to a value of its type. */
static bool read_column(struct evt_decoder *d, unsigned column)
{
    static const char *const wants[] = {[EVT_COL_INT] = "a whole number",
                                        [EVT_COL_DOUBLE] = "a number",
                                        [EVT_COL_BOOL] = "0 or 1",
                                        [EVT_COL_TIMESTAMP] =
                                            "a time like 2026-09-21 14:13:20.000"};
    struct val *v = &d->item.cols[column], typed;
    int64_t ms;
    switch (evt_columns[column].type) {
    case EVT_COL_STRING:
        return true;
    case EVT_COL_JSON:
        return read_json(d, column,
                         column == COL_CONTEXTS           ? PART_CO
                         : column == COL_DERIVED_CONTEXTS ? PART_DERIVED
                                                          : PART_UE_PR);
    case EVT_COL_TIMESTAMP:
        typed = tstamp_parse_enriched(val_as_str(*v), &ms) ? val_int(ms) : val_null;
        break;
    default:
        typed = column_convert(evt_columns[column].type, *v);
    }
    if (typed.type == VAL_NULL)
        return refuse_value(d, column, wants[evt_columns[column].type]);
    *v = typed;
    return true;
}

/* Snowplow's own readers also want v_collector and v_etl. Nothing depends on these two, and lines that somebody exported from a
 * warehouse or made for a test may do without. */
static bool read_required(struct evt_decoder *d)
{
    static const uint8_t required[] = {COL_COLLECTOR_TSTAMP, COL_EVENT_ID};
    for (size_t i = 0; i < COUNT_OF(required); i++)
        if (!item_has(&d->item, required[i]))
            return refuse(d, "%s: missing", evt_columns[required[i]].name);
    return is_uuid(val_as_str(d->item.cols[COL_EVENT_ID])) ||
           refuse_value(d, COL_EVENT_ID, "a UUID");
}

static void read_line(struct evt_decoder *d, const struct evt_proj *proj, struct str line)
{
    struct item *it = &d->item;
    size_t n = split(it, line);
    if (n != EVT_COLUMNS) {
        refuse(d, "%zu columns, want %d", n, EVT_COLUMNS);
        return;
    }
    if (!check_utf8(d, line) || !read_required(d))
        return;
    for (unsigned word = 0; word < COUNT_OF(it->have.bits); word++)
        for (uint64_t bits = it->have.bits[word]; bits; bits &= bits - 1)
            if (!read_column(d, 64 * word + (unsigned)__builtin_ctzll(bits)))
                return;
}

static int by_time(const void *left, const void *right)
{
    const struct evt *a = *(const struct evt *const *)left, *b = *(const struct evt *const *)right;
    if (a->ts_ms != b->ts_ms)
        return a->ts_ms < b->ts_ms ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* The n events from first on, stable. */
static void sort_by_time(struct arena *a, struct evt *first, size_t n)
{
    size_t ordered = 1;
    while (ordered < n && first[ordered - 1].ts_ms <= first[ordered].ts_ms)
        ordered++;
    if (ordered >= n)
        return;
    const struct evt **order = arena_alloc(a, n * sizeof(const struct evt *));
    struct evt *sorted = arena_alloc(a, n * sizeof(*sorted));
    for (size_t i = 0; i < n; i++)
        order[i] = &first[i];
    qsort(order, n, sizeof(const struct evt *), by_time);
    for (size_t i = 0; i < n; i++)
        sorted[i] = *order[i];
    memcpy(first, sorted, n * sizeof(*sorted));
}

bool evt_decode_tsv(struct evt_decoder *d, const struct evt_proj *proj, const struct evt_meta *meta,
                    struct str body, struct evt_batch *out, struct err *err)
{
    size_t before = out->n;
    if (!lines_decode(d, proj, meta, body, " ", read_line, out, err))
        return false;
    sort_by_time(&out->arena, out->evts + before, out->n - before);
    return true;
}
