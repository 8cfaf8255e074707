/* fuzz_engine_direct.c -- any bytes as what is kept of a direct intervention: they are refused, or come back the same when they
 * are kept once more, and each target's line is one line.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "engine/core.h"

static void check_lines(const struct engine_direct *d)
{
    for (size_t i = 0; i < d->n; i++) {
        struct str line = d->targets[i].line;
        if (!line.n || line.p[0] != '{' || line.p[line.n - 1] != '}' || !utf8_valid(line))
            abort();
        for (size_t k = 0; k < line.n; k++)
            if ((unsigned char)line.p[k] < ' ')
                abort();
    }
}

static void check_again(const struct engine_direct *d)
{
    struct engine_batch *again = engine_batch_direct(0, d);
    if (!direct_unpack(again, NULL) || again->direct->n != d->n)
        abort();
    for (size_t i = 0; i < d->n; i++)
        if (!str_eq(again->direct->targets[i].line, d->targets[i].line))
            abort();
    engine_batch_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str body = {(const char *)data, size};
    struct engine_batch *b = engine_batch_new(WIRE_DIRECT, 0, body);
    if (direct_unpack(b, NULL)) {
        check_lines(b->direct);
        check_again(b->direct);
    }
    engine_batch_free(b);
    return 0;
}
