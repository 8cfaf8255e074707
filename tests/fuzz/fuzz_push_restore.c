/* fuzz_push_restore.c -- any bytes as what was kept for identifiers: they are refused, or what was restored from them can be
 * used, saved and restored again.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "push/push.h"

static void deliver(void *ctx, unsigned front, uint64_t stream, struct push_msg *m)
{
    *(size_t *)ctx += m->json.n;
}

static struct buf saved(const struct push *p)
{
    struct buf b = {0};
    struct push_capture *c = push_capture(p);
    push_capture_write(c, &b);
    push_capture_free(c);
    return b;
}

/* Saved and restored again it is the same. */
static void check_again(const struct push *p)
{
    size_t n;
    struct push *again = push_new(NULL, deliver, &n);
    struct buf first = saved(p);
    struct unpack in = unpack_of(buf_str(&first));
    if (!push_restore(again, &in) || !unpack_done(&in))
        abort();
    struct buf second = saved(again);
    if (!str_eq(buf_str(&first), buf_str(&second)) || push_digest(p) != push_digest(again))
        abort();
    buf_fini(&first);
    buf_fini(&second);
    push_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct push_target targets[] = {{STR("d"), STR("ann")}, {STR("u"), STR("7")}};
    size_t n = 0;
    struct push *p = push_new(NULL, deliver, &n);
    struct unpack in = unpack_of((struct str){(const char *)data, size});
    bool ok = push_restore(p, &in);
    if (!ok && push_waiting(p))
        abort();
    if (ok)
        check_again(p);
    push_subscribe(p, 0, 1, targets, COUNT_OF(targets), 0, 0, 0);
    push_subscribe(p, 0, 2, targets, COUNT_OF(targets), 2, 1, 100);
    if (ok)
        check_again(p);
    push_expire(p, 1000);
    push_free(p);
    return 0;
}
