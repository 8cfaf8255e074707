/* tally.c -- how often each value was seen, and when last: for a lifetime, for a pane, and for the
 * time of one read. SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"
#include "profile/page.h"

#include <stdlib.h>

/* The first index whose word is not less. */
static uint32_t tallies_find(const struct tallies *t, uint64_t word)
{
    uint32_t lo = 0, hi = t->n;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (t->items[mid].word < word)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool tally_rarer(const struct tally *a, const struct tally *b)
{
    if (a->count != b->count)
        return a->count < b->count;
    if (a->last_ms != b->last_ms)
        return a->last_ms < b->last_ms;
    return word_cmp(a->word, b->word) < 0;
}

static void tallies_drop_rarest(struct store *s, struct tallies *t)
{
    uint32_t rarest = 0;
    for (uint32_t i = 1; i < t->n; i++)
        if (tally_rarer(&t->items[i], &t->items[rarest]))
            rarest = i;
    word_unref(s, t->items[rarest].word);
    memmove(&t->items[rarest], &t->items[rarest + 1], (t->n - rarest - 1) * sizeof(*t->items));
    t->n--;
    stat_add(STAT_VALUES_DROPPED, 1);
}

static void tallies_put(struct store *s, struct tallies *t, uint32_t i, struct tally tally)
{
    if (t->n == t->cap) {
        uint32_t cap = t->cap ? t->cap * 2 : 1;
        t->items = store_realloc(s, t->items, t->cap * sizeof(*t->items), cap * sizeof(*t->items));
        t->cap = cap;
    }
    memmove(&t->items[i + 1], &t->items[i], (t->n - i) * sizeof(*t->items));
    word_ref(tally.word);
    t->items[i] = tally;
    t->n++;
}

static bool tallies_count(struct tallies *t, uint32_t i, const struct tally *tally)
{
    if (i == t->n || t->items[i].word != tally->word)
        return false;
    t->items[i].count += tally->count;
    t->items[i].last_ms = MAX_OF(t->items[i].last_ms, tally->last_ms);
    return true;
}

void tallies_add(struct store *s, struct tallies *t, uint64_t word, int64_t last_ms, uint64_t count)
{
    struct tally tally = {word, last_ms, count};
    uint32_t i = tallies_find(t, word);
    if (tallies_count(t, i, &tally))
        return;
    if (t->n >=
        s->limits.distinct) { /* before the new one comes in: it would be the rarest for ever */
        tallies_drop_rarest(s, t);
        i = tallies_find(t, word);
    }
    tallies_put(s, t, i, tally);
}

/* What is dropped is chosen when all are there: the order of words is that of addresses, which another run does not have. */
void tallies_merge(struct store *s, struct tallies *t, const struct tallies *from)
{
    for (uint32_t k = 0; k < from->n; k++) {
        uint32_t i = tallies_find(t, from->items[k].word);
        if (!tallies_count(t, i, &from->items[k]))
            tallies_put(s, t, i, from->items[k]);
    }
    while (t->n > s->limits.distinct)
        tallies_drop_rarest(s, t);
}

void tallies_fini(struct store *s, struct tallies *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        word_unref(s, t->items[i].word);
    store_release(s, t->items, t->cap * sizeof(*t->items));
    *t = (struct tallies){0};
}

uint64_t tallies_digest(const struct tallies *t)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < t->n; i++)
        sum += mix_pair(word_hash(t->items[i].word),
                        mix_pair((uint64_t)t->items[i].last_ms, t->items[i].count));
    return sum;
}

void counting_init(struct counting *c, struct arena *arena, size_t n)
{
    c->cap = 8;
    while (c->cap < n + n / 2)
        c->cap *= 2;
    c->slots = arena_alloc(arena, c->cap * sizeof(*c->slots));
    for (size_t i = 0; i < c->cap; i++)
        c->slots[i].word = WORD_NONE;
}

void counting_add(struct counting *c, uint64_t word, int64_t last_ms, uint64_t count)
{
    size_t i = mix64(word) & (c->cap - 1);
    while (c->slots[i].word != word && c->slots[i].word != WORD_NONE)
        i = (i + 1) & (c->cap - 1);
    if (c->slots[i].word == WORD_NONE) {
        c->slots[i] = (struct tally){word, last_ms, count};
        return;
    }
    c->slots[i].count += count;
    c->slots[i].last_ms = MAX_OF(c->slots[i].last_ms, last_ms);
}

size_t counting_pack(struct counting *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->cap; i++)
        if (c->slots[i].word != WORD_NONE)
            c->slots[n++] = c->slots[i];
    return n;
}

void tallies_save(struct page_out *o, const struct tallies *t)
{
    put_uint(o, t->n);
    for (uint32_t i = 0; i < t->n; i++) {
        put_word(o, t->items[i].word);
        put_uint(o, t->items[i].count);
        put_time(o, t->items[i].last_ms);
    }
}

static int by_word(const void *pa, const void *pb)
{
    const struct tally *a = pa, *b = pb;
    return (a->word > b->word) - (a->word < b->word);
}

/* At least one. Their order was that of another process's addresses. */
bool tallies_load(struct page_in *in, struct tallies *t)
{
    size_t n = unpack_count(&in->u, 3);
    if (n == 0 || n > UINT32_MAX)
        return page_bad(in);
    t->cap = (uint32_t)n;
    t->items = store_alloc(in->store, t->cap * sizeof(*t->items));
    while (t->n < t->cap && get_word(in, &t->items[t->n].word)) {
        struct tally *tally = &t->items[t->n++];
        tally->count = get_some(in, UINT64_MAX);
        tally->last_ms = get_time(in);
    }
    qsort(t->items, t->n, sizeof(*t->items), by_word);
    for (uint32_t i = 1; i < t->n; i++)
        if (t->items[i].word == t->items[i - 1].word)
            page_bad(in);
    if (in->u.bad)
        tallies_fini(in->store, t);
    return !in->u.bad;
}
