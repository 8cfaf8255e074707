/* fuzz_evt_path.c -- any bytes as a path; what is read can be written out again and reads the same.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/evt.h"

#include <assert.h>
#include <stdlib.h>

static void write_path(struct buf *b, const struct evt_path *path)
{
    for (size_t i = 0; i < path->n; i++) {
        const struct evt_step *step = &path->steps[i];
        if (!step->key.p) {
            buf_printf(b, "[%u]", step->index);
            continue;
        }
        buf_puts(b, "[\"");
        for (size_t k = 0; k < step->key.n; k++) {
            if (step->key.p[k] == '"' || step->key.p[k] == '\\')
                buf_putc(b, '\\');
            buf_putc(b, step->key.p[k]);
        }
        buf_puts(b, "\"]");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct evt_path path, again;
    struct err err = {0};
    struct arena a;
    struct buf text = {0};
    char *copy = malloc(n ? n : 1);
    arena_init(&a);
    if (n)
        memcpy(copy, data, n);
    bool ok = evt_path_parse((struct str){copy, n}, &a, &path, &err);
    assert(ok != err.set);
    if (ok) {
        assert(path.n > 0 && path.n <= EVT_PATH_MAX);
        write_path(&text, &path);
        ok = evt_path_parse(buf_str(&text), &a, &again, &err);
        assert(ok && again.n == path.n);
        for (size_t i = 0; i < path.n; i++)
            assert(!again.steps[i].key.p == !path.steps[i].key.p &&
                   str_eq(again.steps[i].key, path.steps[i].key) &&
                   again.steps[i].index == path.steps[i].index);
    }
    free(copy);
    buf_fini(&text);
    arena_fini(&a);
    return 0;
}
