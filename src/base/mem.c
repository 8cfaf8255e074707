/* mem.c -- memory that is there, or the process is not: nobody above could apply half a batch.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <stdlib.h>

static void *must(void *p, size_t n)
{
    if (!p) {
        fprintf(stderr, "out of memory: %zu bytes could not be had\n", n);
        abort();
    }
    return p;
}

void *xmalloc(size_t n)
{
    return must(malloc(n ? n : 1), n);
}

void *xcalloc(size_t n, size_t size)
{
    return must(calloc(n ? n : 1, size ? size : 1), n);
}

void *xrealloc(void *p, size_t n)
{
    return must(realloc(p, n ? n : 1), n);
}

char *xstrdup(const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(xmalloc(n), s, n);
}

void *xgrow(void *array, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return array;
    *cap = *cap ? *cap * 2 : 4;
    return xrealloc(array, *cap * size);
}
