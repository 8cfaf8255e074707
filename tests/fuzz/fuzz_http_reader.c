/* fuzz_http_reader.c -- any bytes as a request head: nothing is read outside them, what is reported
 * lies inside them, and a prefix is judged like the whole.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/http.h"

#include <stdlib.h>

static void check_inside(struct str in, struct str s)
{
    if (s.n && !str_eqz(s, "/") && (s.p < in.p || s.p + s.n > in.p + in.n))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_head h;
    const struct http_read_limits limits = {.line = 300, .head = 2000};
    struct str in = {(const char *)data, size};
    const char *why;
    int whole = http_read_head(in, &limits, &h, &why);
    if (whole > (int)size || (whole < 0 && !*why) || h.n_headers > HTTP_HEADERS_MAX)
        abort();
    for (size_t i = 0; i < h.n_headers; i++) {
        check_inside(in, h.headers[i].name);
        check_inside(in, h.headers[i].value);
    }
    if (whole > 0) {
        check_inside(in, h.target);
        check_inside(in, h.path);
        check_inside(in, h.query);
        if (h.chunked && h.has_length)
            abort();
    }
    size_t cut = size ? data[size / 2] * size / 256 : 0;
    int part = http_read_head((struct str){in.p, cut}, &limits, &h, &why);
    if (part > 0 ? part != whole : part < 0 && part != whole)
        abort();
    return 0;
}
