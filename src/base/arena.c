/* arena.c -- memory with one end: chunks that double, freed together.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <stdarg.h>
#include <stdlib.h>

enum { CHUNK_LEAST = 4096, CHUNK_MOST = 1 << 20, ALIGN = 16 };

struct arena_chunk {
    struct arena_chunk *older;
    size_t used, size;
    _Alignas(16) char bytes[];
};

void arena_init(struct arena *a)
{
    *a = (struct arena){0};
}

void arena_fini(struct arena *a)
{
    while (a->chunk) {
        struct arena_chunk *older = a->chunk->older;
        free(a->chunk);
        a->chunk = older;
    }
    a->n_bytes = 0;
}

void arena_reset(struct arena *a)
{
    struct arena_chunk *kept = a->chunk;
    if (!kept || kept->size > CHUNK_MOST) { /* one huge body must not weigh for ever */
        arena_fini(a);
        return;
    }
    a->chunk = kept->older;
    arena_fini(a);
    kept->older = NULL;
    kept->used = 0;
    a->chunk = kept;
}

static void chunk_add(struct arena *a, size_t n)
{
    size_t size = a->chunk ? MIN_OF(a->chunk->size * 2, (size_t)CHUNK_MOST) : CHUNK_LEAST;
    size = MAX_OF(size, n);
    struct arena_chunk *chunk = xmalloc(sizeof(*chunk) + size);
    *chunk = (struct arena_chunk){.older = a->chunk, .size = size};
    a->chunk = chunk;
}

void *arena_alloc(struct arena *a, size_t n)
{
    n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (!a->chunk || a->chunk->size - a->chunk->used < n)
        chunk_add(a, n);
    void *p = a->chunk->bytes + a->chunk->used;
    a->chunk->used += n;
    a->n_bytes += n;
    return p;
}

void *arena_zalloc(struct arena *a, size_t n)
{
    void *p = arena_alloc(a, n);
    return memset(p, 0, n);
}

struct str arena_str(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return (struct str){p, s.n};
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *p = arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return (struct str){p, (size_t)n};
}
