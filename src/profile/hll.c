/* hll.c -- about how many distinct values a window saw: a sliding HyperLogLog.
 *
 * Each of 8192 registers keeps, instead of one greatest rank, every (time, rank) that is greatest
 * in some window that ends now: those that no later one equals or exceeds (Chabchoub and Hebrail's
 * list of possible future maxima). So one structure answers all windows, and late values go to
 * their place. Given to it with equal times it is a plain HyperLogLog. The standard error is 1.04 /
 * sqrt(8192) = 1.15 %. The estimate is Ertl's improved raw estimator, which needs no correction at
 * either end. SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"
#include "profile/page.h"

#include <math.h>

enum { BITS = 13, REGISTERS = 1 << BITS, RANKS = 64 - BITS + 1 };

struct node {
    int64_t ts_ms;
    uint32_t next; /* older; index + 1; 0: none */
    uint32_t rank; /* 0: the node is free */
};
struct hll {
    struct node *nodes;
    uint32_t n, cap, free;     /* free: index + 1 */
    uint32_t heads[REGISTERS]; /* newest first, ranks ascending; index + 1 */
};

struct hll *hll_new(struct store *s)
{
    struct hll *h = store_alloc(s, sizeof(*h));
    memset(h, 0, sizeof(*h));
    return h;
}

void hll_free(struct store *s, struct hll *h)
{
    if (!h)
        return;
    store_release(s, h->nodes, h->cap * sizeof(*h->nodes));
    store_release(s, h, sizeof(*h));
}

static uint32_t node_make(struct store *s, struct hll *h, struct node node)
{
    if (!h->free && h->n == h->cap) {
        uint32_t cap = h->cap ? h->cap + h->cap / 2 + 1 : 1024;
        h->nodes = store_realloc(s, h->nodes, h->cap * sizeof(node), cap * sizeof(node));
        h->cap = cap;
    }
    uint32_t ref = h->free ? h->free : ++h->n;
    if (h->free)
        h->free = h->nodes[ref - 1].next;
    h->nodes[ref - 1] = node;
    return ref;
}

/* Frees a node and answers the next older one. */
static uint32_t node_drop(struct hll *h, uint32_t ref)
{
    uint32_t next = h->nodes[ref - 1].next;
    h->nodes[ref - 1] = (struct node){.next = h->free};
    h->free = ref;
    return next;
}

void hll_add(struct store *s, struct hll *h, uint64_t hash, int64_t ts_ms)
{
    hash = mix64(hash);
    uint64_t bits = hash << BITS;
    uint32_t rank = bits ? (uint32_t)__builtin_clzll(bits) + 1 : RANKS;
    uint32_t newer = 0, ref = h->heads[hash >> (64 - BITS)];
    for (; ref && h->nodes[ref - 1].ts_ms >= ts_ms; ref = h->nodes[ref - 1].next) {
        if (h->nodes[ref - 1].rank >= rank)
            return;
        if (h->nodes[ref - 1].ts_ms == ts_ms)
            break;
        newer = ref;
    }
    while (ref && h->nodes[ref - 1].rank <= rank)
        ref = node_drop(h, ref);
    ref = node_make(s, h, (struct node){ts_ms, ref, rank});
    *(newer ? &h->nodes[newer - 1].next : &h->heads[hash >> (64 - BITS)]) = ref;
}

void hll_expire(struct hll *h, int64_t until_ms)
{
    for (size_t i = 0; i < REGISTERS; i++) {
        uint32_t *link = &h->heads[i];
        while (*link && h->nodes[*link - 1].ts_ms > until_ms)
            link = &h->nodes[*link - 1].next;
        uint32_t ref = *link;
        *link = 0;
        while (ref)
            ref = node_drop(h, ref);
    }
}

/* Ertl 2017, "New cardinality estimation algorithms for HyperLogLog sketches": sums of the two
 * series at the ends. */
static double ertl_sigma(double x)
{
    if (x == 1)
        return INFINITY;
    double y = 1, z = x, before;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z != before);
    return z;
}

static double ertl_tau(double x)
{
    if (x == 0 || x == 1)
        return 0;
    double y = 1, z = 1 - x, before;
    do {
        x = sqrt(x);
        before = z;
        y /= 2;
        z -= (1 - x) * (1 - x) * y;
    } while (z != before);
    return z / 3;
}

double hll_estimate(const struct hll *h, int64_t since_ms)
{
    uint32_t counts[RANKS + 1] = {0};
    for (size_t i = 0; i < REGISTERS; i++) {
        uint32_t rank = 0;
        for (uint32_t ref = h->heads[i]; ref; ref = h->nodes[ref - 1].next) {
            if (h->nodes[ref - 1].ts_ms <= since_ms)
                break;
            rank = h->nodes[ref - 1].rank;
        }
        counts[rank]++;
    }
    double m = REGISTERS, z = m * ertl_tau(1 - counts[RANKS] / m);
    for (int k = RANKS - 1; k >= 1; k--)
        z = 0.5 * (z + counts[k]);
    z += m * ertl_sigma(counts[0] / m);
    return m * m / (2 * M_LN2 * z);
}

int64_t hll_oldest(const struct hll *h, int64_t since_ms)
{
    int64_t oldest = INT64_MAX;
    for (uint32_t i = 0; i < h->n; i++)
        if (h->nodes[i].rank && h->nodes[i].ts_ms > since_ms)
            oldest = MIN_OF(oldest, h->nodes[i].ts_ms);
    return oldest;
}

uint64_t hll_digest(const struct hll *h)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < REGISTERS; i++)
        for (uint32_t ref = h->heads[i]; ref; ref = h->nodes[ref - 1].next)
            sum += mix_pair(i, mix_pair((uint64_t)h->nodes[ref - 1].ts_ms, h->nodes[ref - 1].rank));
    return sum;
}

/* -- as bytes: which registers hold anything, and then for each a byte a node, its rank and whether one more follows, with
 * its time. The bits also see to it that a page pays for the registers it makes us allocate. */

enum { NODE_MORE = 0x80 };

static size_t hll_count(const struct hll *h)
{
    size_t n = 0;
    for (uint32_t i = 0; i < h->n; i++)
        n += h->nodes[i].rank != 0;
    return n;
}

void hll_save(struct page_out *o, const struct hll *h)
{
    unsigned char used[REGISTERS / 8] = {0};
    for (size_t i = 0; i < REGISTERS; i++)
        used[i / 8] |= (unsigned char)((h->heads[i] != 0) << i % 8);
    buf_put(&o->buf, used, sizeof(used));
    put_uint(o, hll_count(h));
    for (size_t i = 0; i < REGISTERS; i++)
        for (uint32_t ref = h->heads[i]; ref; ref = h->nodes[ref - 1].next) {
            const struct node *node = &h->nodes[ref - 1];
            buf_putc(&o->buf, (char)(node->rank | (node->next ? NODE_MORE : 0)));
            put_time(o, node->ts_ms);
        }
}

/* One register's nodes: ranks ascend as times descend. */
static bool register_load(struct page_in *in, struct hll *h, size_t i)
{
    uint32_t *link = &h->heads[i], rank = 0;
    int64_t before_ms = 0;
    for (bool more = true; more;) {
        struct str byte = unpack_bytes(&in->u, 1);
        unsigned head = byte.n ? (unsigned char)*byte.p : 0;
        int64_t ts_ms = get_time(in);
        more = head & NODE_MORE;
        head &= ~(unsigned)NODE_MORE;
        if (in->u.bad || h->n == h->cap || head <= rank || head > RANKS ||
            (rank && ts_ms >= before_ms))
            return page_bad(in);
        h->nodes[h->n] = (struct node){.ts_ms = ts_ms, .rank = rank = head};
        *link = ++h->n;
        link = &h->nodes[h->n - 1].next;
        before_ms = ts_ms;
    }
    return true;
}

struct hll *hll_load(struct page_in *in)
{
    struct str used = unpack_bytes(&in->u, REGISTERS / 8);
    size_t n = unpack_count(&in->u, 2);
    if (in->u.bad || n > UINT32_MAX)
        return page_bad(in), NULL;
    struct hll *h = hll_new(in->store);
    h->cap = (uint32_t)n;
    h->nodes = n ? store_alloc(in->store, n * sizeof(*h->nodes)) : NULL;
    for (size_t i = 0; i < REGISTERS && !in->u.bad; i++)
        if ((unsigned char)used.p[i / 8] >> i % 8 & 1)
            register_load(in, h, i);
    if (!in->u.bad && h->n == h->cap)
        return h;
    hll_free(in->store, h);
    return page_bad(in), NULL;
}
