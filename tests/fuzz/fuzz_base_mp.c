/* fuzz_base_mp.c -- any bytes as msgpack: the cursor stays inside them, what it reads can be written and read again as the
 * same, and a tree is never larger than the bytes pay for.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mp m = {data, data + size}, s = m;
    struct arena a;
    struct val v, again;
    struct err err = {0};
    arena_init(&a);
    bool read = mp_tree(&m, &a, &v, &err);
    if (m.p > m.end || read == err.set || a.n_bytes > size * sizeof(struct val))
        abort();
    bool skipped = mp_skip(&s);
    if (read &&
        (!skipped ||
         s.p !=
             m.p)) /* what is a tree can be passed over; not the other way: keys may be no strings */
        abort();
    if (read) {
        struct buf b = {0};
        val_write_msgpack(&b, &v);
        struct mp w = {(const uint8_t *)b.p, (const uint8_t *)b.p + b.n};
        if (!mp_tree(&w, &a, &again, NULL) || w.p != w.end || !val_eq(v, again) ||
            val_hash(v) != val_hash(again))
            abort();
        b.n = 0;
        val_write_json(&b, &v);
        if (!utf8_valid(buf_str(&b)))
            abort();
        buf_fini(&b);
    }
    arena_fini(&a);
    return 0;
}
