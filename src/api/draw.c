/* draw.c -- chance: ids of browsers and of events without one. Each front asks the system for a few kilobytes at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

static void fill(uint8_t *p, size_t n)
{
    while (n) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            abort(); /* no kernel this runs on does that; guessable ids would be worse */
        p += got;
        n -= (size_t)got;
    }
}

void draw_bytes(struct api *a, unsigned front, void *out, size_t n)
{
    struct api_front *f = &a->fronts[front];
    if (f->left < n) {
        fill(f->pool, sizeof(f->pool));
        f->left = sizeof(f->pool);
    }
    f->left -= n;
    memcpy(out, f->pool + f->left, n);
    memset(f->pool + f->left, 0, n);
}

void draw_uuid(struct api *a, unsigned front, char out[37])
{
    uint8_t id[16];
    draw_bytes(a, front, id, sizeof(id));
    uuid_mark(id, 4);
    uuid_format(id, out);
}
