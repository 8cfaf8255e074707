/* names.c -- looks up the names of parameters and columns, some forty for each event.
 *
 * The first and the last eight bytes, loaded as numbers, are hash and comparison at once: no loop
 * over the name and no call for names of up to sixteen bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/names.h"

#include <assert.h>

static inline void load_ends(struct str s, uint64_t *head, uint64_t *tail)
{
    if (s.n >= 8) {
        memcpy(head, s.p, 8);
        memcpy(tail, s.p + s.n - 8, 8);
    } else if (s.n >= 4) {
        uint32_t h, t;
        memcpy(&h, s.p, 4);
        memcpy(&t, s.p + s.n - 4, 4);
        *head = h;
        *tail = t;
    } else {
        *head = (uint64_t)(uint8_t)s.p[0] << 8 | (uint8_t)s.p[s.n / 2];
        *tail = (uint8_t)s.p[s.n - 1];
    }
}

static inline size_t cell_of(uint64_t head, uint64_t tail, size_t n)
{
    uint64_t h = (head ^ (tail << 7 | tail >> 57) ^ n) * UINT64_C(0x9e3779b97f4a7c15);
    return h >> 54; /* the upper ten bits: NAMES_CELLS */
}

void names_init(struct names *t)
{
    memset(t, 0, sizeof(*t));
}

void names_add(struct names *t, const char *name, uint32_t number)
{
    struct name_cell cell = {.name = name, .n = (uint32_t)strlen(name), .number = number};
    assert(cell.n > 0 && number < NAMES_MAX);
    load_ends(str_of(name), &cell.head, &cell.tail);
    size_t i = cell_of(cell.head, cell.tail, cell.n);
    while (t->cells[i].n)
        i = (i + 1) % NAMES_CELLS;
    t->cells[i] = cell;
}

int names_find(const struct names *t, struct str name)
{
    uint64_t head, tail;
    if (name.n == 0)
        return -1;
    load_ends(name, &head, &tail);
    for (size_t i = cell_of(head, tail, name.n); t->cells[i].n; i = (i + 1) % NAMES_CELLS) {
        const struct name_cell *c = &t->cells[i];
        if (c->head == head && c->tail == tail && c->n == name.n &&
            (name.n <= 16 || !memcmp(c->name, name.p, name.n)))
            return (int)c->number;
    }
    return -1;
}
