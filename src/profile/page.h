/* page.h -- how what is kept becomes bytes: the pieces that every kind's save and load are made of.
 *
 * Times are written as the way from the one written before, whole numbers as varints, a longer text once a page and after
 * that as its number. A page is written by struct page_out and read by struct page_in, in the same order. What is read is
 * not trusted: whoever reads a count checks it against the bytes left before anything is allocated, and in->u.bad stays
 * set once something made no sense.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PROFILE_PAGE_H
#define PROFILE_PAGE_H

#include "base/base.h"

enum { PAGE_TEXTS = 256 };
struct page_text {
    uint64_t word;
    uint32_t number;
    uint32_t page; /* the page that it was written to: others' leavings are nothing */
};
struct page_out {
    struct buf buf;
    size_t id_at;    /* where in it the identifier stands */
    int64_t time_ms; /* the last one written */
    uint32_t page, n_texts;
    /* Where a text has been written, as far as remembered: one that was crowded out is written again. */
    struct page_text texts[PAGE_TEXTS];
};
struct page_in {
    struct store *store;
    struct unpack u;
    int64_t time_ms;
    uint64_t *texts; /* borrowed words, by number */
    size_t n_texts, cap_texts;
};

static inline void put_uint(struct page_out *o, uint64_t n)
{
    struct buf *b = &o->buf;
    if (b->cap - b->n < 10)
        buf_reserve(b, 10);
    char *p = b->p + b->n;
    for (; n >= 0x80; n >>= 7)
        *p++ = (char)(n | 0x80);
    *p++ = (char)n;
    b->n = (size_t)(p - b->p);
}
static inline uint64_t get_uint(struct page_in *in)
{
    struct unpack *u = &in->u;
    if (u->p < u->end && (signed char)*u->p >= 0)
        return (unsigned char)*u->p++;
    return unpack_uint(u);
}
static inline uint64_t zigzag(int64_t n)
{
    return ((uint64_t)n << 1) ^ (uint64_t)(n >> 63);
}
static inline int64_t unzigzag(uint64_t n)
{
    return (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
}
/* Any time: the difference may wrap, and wraps back. */
static inline void put_time(struct page_out *o, int64_t ts_ms)
{
    put_uint(o, zigzag((int64_t)((uint64_t)ts_ms - (uint64_t)o->time_ms)));
    o->time_ms = ts_ms;
}
static inline int64_t get_time(struct page_in *in)
{
    in->time_ms = (int64_t)((uint64_t)in->time_ms + (uint64_t)unzigzag(get_uint(in)));
    return in->time_ms;
}
/* Always false, and what comes after reads as zeros: for `return page_bad(in);`. */
static inline bool page_bad(struct page_in *in)
{
    in->u.bad = true;
    in->u.p = in->u.end;
    return false;
}
/* A number from 1 to max. */
static inline uint64_t get_some(struct page_in *in, uint64_t max)
{
    uint64_t n = get_uint(in);
    if (n == 0 || n > max)
        page_bad(in);
    return n;
}

/* -- word.c */
void put_word(struct page_out *o, uint64_t word);
bool get_word(struct page_in *in, uint64_t *word); /* a reference */
/* Any double, most numbers that people use in few bytes. */
void put_number(struct page_out *o, double d);
double get_number(struct page_in *in);

#endif
