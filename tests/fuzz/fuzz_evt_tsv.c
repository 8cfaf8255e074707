/* fuzz_evt_tsv.c -- any bytes as enriched events: as they are, and as the value of one column of a good line.
 *
 * A value that a column of numbers, booleans or text takes from a line is one that it takes from a map.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt_fuzz.h"

#include "evt/columns.h"

static struct str good_line(unsigned column, struct str value, struct buf *b)
{
    static const struct {
        unsigned column;
        const char *text;
    } least[] = {{COL_COLLECTOR_TSTAMP, "2026-09-21 14:13:00.000"},
                 {COL_EVENT_ID, "4ae8b8b6-f60c-4a5b-9d2c-6a4b2b0a7e11"},
                 {COL_EVENT_VENDOR, "a"},
                 {COL_EVENT_NAME, "e"}};
    for (unsigned i = 0; i < EVT_COLUMNS; i++) {
        buf_puts(b, i ? "\t" : "");
        for (size_t k = 0; k < COUNT_OF(least) && i != column; k++)
            if (least[k].column == i)
                buf_puts(b, least[k].text);
        if (i == column)
            buf_put(b, value.p, value.n);
    }
    return buf_str(b);
}

/* The first byte says which column, the others are its value. */
static void one_column(const uint8_t *data, size_t n)
{
    struct buf line = {0};
    struct evt_batch batch;
    struct err err = {0};
    struct evt_meta meta = {.collector_ms = INT64_C(1790000000000)};
    unsigned column = data[0] % EVT_COLUMNS;
    enum evt_column_type type = evt_columns[column].type;
    struct str value = {(const char *)data + 1, n - 1};
    if (memchr(value.p, '\t', value.n) || memchr(value.p, '\n', value.n) ||
        (value.n && value.p[value.n - 1] == '\r'))
        return;
    good_line(column, value, &line);
    buf_reserve(&line, EVT_PADDING);
    memset(line.p + line.n, '"', EVT_PADDING);
    evt_batch_init(&batch);
    bool ok = evt_decode_tsv(decoder, projs[0], &meta, buf_str(&line), &batch, &err);
    assert(ok && batch.n + batch.n_rejects == 1);
    struct val v = column_convert(type, val_str(value));
    bool is_plain = type == EVT_COL_INT || type == EVT_COL_DOUBLE || type == EVT_COL_BOOL;
    if (is_plain && batch.n) /* slot i is column i */
        assert(batch.evts[0].slots[column].type == v.type &&
               val_eq(batch.evts[0].slots[column], v));
    if (is_plain)
        assert(batch.n == (v.type != VAL_NULL || value.n == 0));
    if (batch.n_rejects)
        assert(batch.rejects[0].line == 1 && utf8_valid(batch.rejects[0].why));
    evt_batch_fini(&batch);
    buf_fini(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    fuzz_decode(evt_decode_tsv, data, n);
    fuzz_lines(evt_decode_tsv, data, n);
    if (n)
        one_column(data, n);
    return 0;
}
