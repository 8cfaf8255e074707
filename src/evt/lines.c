/* lines.c -- what the formats of one event a line share: where a line ends, which count, and that a bad one harms no other.
 *
 * Lines end with LF or CRLF; the last may lack its end. Every line has a number, an item is only one that is not blank.
 * A byte order mark before the first is passed over.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/lines.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct lines {
    struct str rest;
    const char *blanks;
    size_t number; /* of the line taken last */
};

static bool is_blank(struct str line, const char *blanks)
{
    while (line.n && strchr(blanks, *line.p) && *line.p) {
        line.p++;
        line.n--;
    }
    return line.n == 0;
}

static bool lines_next(struct lines *l, struct str *line)
{
    while (l->rest.n) {
        const char *end = memchr(l->rest.p, '\n', l->rest.n);
        size_t n = end ? (size_t)(end - l->rest.p) : l->rest.n, taken = n + (end != NULL);
        *line = (struct str){l->rest.p, n - (n && l->rest.p[n - 1] == '\r')};
        l->rest.p += taken;
        l->rest.n -= taken;
        l->number++;
        if (!is_blank(*line, l->blanks))
            return true;
    }
    return false;
}

bool lines_decode(struct evt_decoder *d, const struct evt_proj *proj, const struct evt_meta *meta,
                  struct str body, const char *blanks, line_reader *read, struct evt_batch *out,
                  struct err *err)
{
    struct str line;
    size_t n = 0;
    if (body.n == 0)
        return err_set(err, "an empty body: want an event a line");
    if (str_starts(body, BYTE_ORDER_MARK))
        body = (struct str){body.p + 3, body.n - 3};
    struct lines all = {body, blanks, 0}, lines = all;
    while (lines_next(&all, &line))
        n++;
    if (n > EVT_ITEMS_MAX)
        return err_set(err, "%zu events, more than %d", n, EVT_ITEMS_MAX);
    decoder_begin(d, proj);
    batch_reserve(out, n);
    for (size_t i = 0; i < n; i++) {
        lines_next(&lines, &line);
        decoder_item(d, false)->line = lines.number;
        read(d, proj, line);
        item_finish(d, proj, meta, i, out);
    }
    return true;
}
