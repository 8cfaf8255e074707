/* fuzz_http_chunks.c -- any bytes as a chunked body: whole and in two pieces they give the same
 * bytes or the same refusal.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/http.h"

#include <stdlib.h>

/* Decodes p[0..n) cut at `cut`, in place. */
static int decode(char *p, size_t n, size_t cut, size_t *n_out, size_t *n_used)
{
    struct http_chunks c = {0};
    size_t used, out;
    const char *why;
    int rc = http_read_chunks(&c, p, cut, n_used, n_out, &why);
    if (rc != 0)
        return rc;
    if (*n_used != cut || *n_out > cut)
        abort();
    rc = http_read_chunks(&c, p + cut, n - cut, &used, &out, &why);
    if (used > n - cut || out > used)
        abort();
    memmove(p + *n_out, p + cut, out);
    *n_out += out;
    *n_used += used;
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *a = malloc(size + 1), *b = malloc(size + 1);
    size_t n_a, n_b, used_a, used_b, cut = size ? data[0] * size / 256 : 0;
    memcpy(a, data, size);
    memcpy(b, data, size);
    int rc = decode(a, size, size, &n_a, &used_a);
    if (decode(b, size, cut, &n_b, &used_b) != rc)
        abort();
    if (rc >= 0 && (n_a != n_b || used_a != used_b || memcmp(a, b, n_a)))
        abort();
    free(a);
    free(b);
    return 0;
}
