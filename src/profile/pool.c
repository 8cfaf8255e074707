/* pool.c -- memory for the many small things of profiles: no header, sizes to eight bytes.
 *
 * Whoever frees knows the size, so a piece needs no header, and freed pieces wait in one list a
 * size; where none of the size waits, a larger one is cut. Pieces come from slabs, which are given
 * back only when the store is: a store that shrinks keeps its pieces for those that come. Sizes
 * above 512 bytes are the heap's. With AddressSanitizer everything is the heap's, so that it sees
 * each piece's bounds and end. SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"

#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define POOL_MAX 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_MAX 0
#endif
#endif
#ifndef POOL_MAX
#define POOL_MAX POOL_BYTES_MAX
#endif

enum { SLAB_FIRST = 4096, SLAB_MAX = 256 * 1024 };
struct slab {
    struct slab *next;
    size_t n;
};

/* What the heap takes for n bytes: 8 of its own, multiples of 16. */
static size_t heap_weight(size_t n)
{
    return MAX_OF((n + 8 + 15) & ~(size_t)15, (size_t)32);
}

static void piece_free(struct pool *p, void *piece, size_t class)
{
    memcpy(piece, &p->free[class], sizeof(void *));
    p->free[class] = piece;
    p->has |= (uint64_t)1 << (class - 1);
}

static void *piece_take(struct pool *p, size_t class)
{
    void *piece = p->free[class];
    memcpy(&p->free[class], piece, sizeof(void *));
    if (!p->free[class])
        p->has &= ~((uint64_t)1 << (class - 1));
    return piece;
}

/* The front of the smallest larger piece that waits. */
static void *piece_split(struct pool *p, size_t class)
{
    uint64_t larger = p->has >> (class - 1);
    if (!larger)
        return NULL;
    size_t from = class + (size_t)__builtin_ctzll(larger);
    char *piece = piece_take(p, from);
    if (from > class)
        piece_free(p, piece + class * 8, from - class);
    return piece;
}

static void pool_slab(struct pool *p)
{
    size_t rest = (size_t)(p->end - p->at);
    if (rest >= 8) /* less than was asked for, so no more than the largest piece */
        piece_free(p, p->at, rest / 8);
    size_t n = p->slabs ? MIN_OF(p->slabs->n * 2, (size_t)SLAB_MAX) : SLAB_FIRST;
    struct slab *slab = xmalloc(n);
    *slab = (struct slab){p->slabs, n};
    p->slabs = slab;
    p->at = (char *)(slab + 1);
    p->end = (char *)slab + n;
}

void *pool_alloc(struct pool *p, size_t n)
{
    size_t class = (n + 7) / 8;
    if (n > POOL_MAX) {
        p->n_bytes += heap_weight(n);
        return xmalloc(n);
    }
    p->n_bytes += class * 8;
    void *piece = p->has ? piece_split(p, class) : NULL;
    if (piece)
        return piece;
    if ((size_t)(p->end - p->at) < class * 8)
        pool_slab(p);
    piece = p->at;
    p->at += class * 8;
    return piece;
}

void pool_release(struct pool *p, void *piece, size_t n)
{
    if (!piece)
        return;
    if (n <= POOL_MAX) {
        piece_free(p, piece, (n + 7) / 8);
        p->n_bytes -= (n + 7) / 8 * 8;
        return;
    }
    p->n_bytes -= heap_weight(n);
    free(piece);
}

void *pool_realloc(struct pool *p, void *piece, size_t old, size_t n)
{
    if (piece && n <= POOL_MAX && (old + 7) / 8 == (n + 7) / 8)
        return piece;
    if (old > POOL_MAX && n > POOL_MAX && piece) {
        p->n_bytes += heap_weight(n) - heap_weight(old);
        return xrealloc(piece, n);
    }
    void *moved = pool_alloc(p, n);
    if (piece)
        memcpy(moved, piece, MIN_OF(old, n));
    pool_release(p, piece, old);
    return moved;
}

void pool_fini(struct pool *p)
{
    while (p->slabs) {
        struct slab *next = p->slabs->next;
        free(p->slabs);
        p->slabs = next;
    }
}
