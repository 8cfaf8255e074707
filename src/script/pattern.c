/* pattern.c -- Lua 5.1 patterns: reading one into items, and matching them on a budget.
 *
 * Where Lua gives up because a pattern is nested too deeply for its recursion, this matcher goes
 * on; nothing else differs. Classes are ASCII's, whatever the locale.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "script/pattern.h"

/* -- Reading */

/* Each class as pairs of first and last byte. An upper-case letter is the class turned round. */
static const struct {
    char name;
    uint8_t n;
    uint8_t ranges[8];
} classes[] = {
    {'a', 4, {'A', 'Z', 'a', 'z'}},
    {'c', 4, {0, 31, 127, 127}},
    {'d', 2, {'0', '9'}},
    {'g', 2, {33, 126}},
    {'l', 2, {'a', 'z'}},
    {'p', 8, {33, 47, 58, 64, 91, 96, 123, 126}},
    {'s', 4, {9, 13, 32, 32}},
    {'u', 2, {'A', 'Z'}},
    {'w', 6, {'0', '9', 'A', 'Z', 'a', 'z'}},
    {'x', 6, {'0', '9', 'A', 'F', 'a', 'f'}},
    {'z', 2, {0, 0}},
};

static void set_range(uint32_t *set, unsigned first, unsigned last)
{
    for (unsigned c = first; c <= last; c++)
        set[c / 32] |= UINT32_C(1) << c % 32;
}

static void set_flip(uint32_t *set)
{
    for (size_t i = 0; i < 8; i++)
        set[i] = ~set[i];
}

/* Adds what %letter stands for: a class, or the letter itself. */
static void set_class(uint32_t *set, unsigned char letter)
{
    bool upper = letter >= 'A' && letter <= 'Z';
    unsigned char name = upper ? letter - 'A' + 'a' : letter;
    for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
        if (classes[i].name != name)
            continue;
        uint32_t own[8] = {0};
        for (size_t k = 0; k < classes[i].n; k += 2)
            set_range(own, classes[i].ranges[k], classes[i].ranges[k + 1]);
        if (upper)
            set_flip(own);
        for (size_t k = 0; k < 8; k++)
            set[k] |= own[k];
        return;
    }
    set_range(set, letter, letter);
}

struct reader {
    const unsigned char *p, *end;
    const char *broken;
};

/* The end of a set whose [ is at p: behind its ]. The first byte inside never closes it. NULL:
 * it is not closed. */
static const unsigned char *set_end(const unsigned char *p, const unsigned char *end)
{
    p += p + 1 < end && p[1] == '^' ? 2 : 1;
    do {
        if (p == end)
            return NULL;
        if (*p++ == '%' && p < end)
            p++;
    } while (p == end || *p != ']');
    return p + 1;
}

/* Reads [...] at r->p. */
static bool read_set(struct reader *r, uint32_t *set)
{
    const unsigned char *behind = set_end(r->p, r->end);
    if (!behind) {
        r->broken = "malformed pattern (missing ']')";
        return false;
    }
    const unsigned char *p = r->p + 1, *close = behind - 1;
    bool flip = p < close && *p == '^';
    if (flip)
        p++;
    while (p < close) {
        if (*p == '%') {
            set_class(set, p[1]);
            p += 2;
        } else if (p + 2 < close && p[1] == '-') {
            set_range(set, p[0], p[2]);
            p += 3;
        } else {
            set_range(set, *p, *p);
            p++;
        }
    }
    if (flip)
        set_flip(set);
    r->p = behind;
    return true;
}

static void read_repeat(struct reader *r, struct pattern_item *item)
{
    if (r->p < r->end && memchr("*+-?", *r->p, 4))
        item->repeat = (char)*r->p++;
}

/* Reads what a % at r->p begins. */
static bool read_escape(struct reader *r, struct pattern_item *item)
{
    const unsigned char *p = r->p;
    size_t left = (size_t)(r->end - p);
    if (left < 2) {
        r->broken = "malformed pattern (ends with '%')";
        return false;
    }
    if (p[1] == 'b') {
        if (left < 4) {
            r->broken = "unbalanced pattern";
            return false;
        }
        *item = (struct pattern_item){.op = PATTERN_BALANCE, .low = p[2], .high = p[3]};
        r->p += 4;
    } else if (p[1] == 'f') {
        if (left < 3 || p[2] != '[') {
            r->broken = "missing '[' after '%f' in pattern";
            return false;
        }
        item->op = PATTERN_FRONTIER;
        r->p += 2;
        return read_set(r, item->set);
    } else if (p[1] >= '0' && p[1] <= '9') {
        item->op = PATTERN_BACK;
        item->low = (uint8_t)(p[1] - '1'); /* %0 is no capture's: 255 */
        r->p += 2;
    } else {
        set_class(item->set, p[1]);
        r->p += 2;
        read_repeat(r, item);
    }
    return true;
}

static bool read_item(struct reader *r, struct pattern_item *item)
{
    *item = (struct pattern_item){.op = PATTERN_SET};
    switch (*r->p) {
    case '(':
        item->op = PATTERN_OPEN;
        r->p++;
        if (r->p < r->end && *r->p == ')') {
            item->op = PATTERN_POSITION;
            r->p++;
        }
        return true;
    case ')':
        item->op = PATTERN_CLOSE;
        r->p++;
        return true;
    case '%':
        return read_escape(r, item);
    case '$':
        if (r->p + 1 < r->end)
            break;
        item->op = PATTERN_END;
        r->p++;
        return true;
    case '[':
        if (!read_set(r, item->set))
            return false;
        read_repeat(r, item);
        return true;
    case '.':
        set_range(item->set, 0, 255);
        r->p++;
        read_repeat(r, item);
        return true;
    }
    set_range(item->set, *r->p, *r->p);
    r->p++;
    read_repeat(r, item);
    return true;
}

void pattern_read(struct pattern *p, const char *text, size_t n, bool anchors)
{
    const char *nul = memchr(text, 0, n); /* as in Lua 5.1, a NUL ends a pattern */
    struct reader r = {(const unsigned char *)text, (const unsigned char *)(nul ? nul : text + n),
                       NULL};
    p->anchored = anchors && r.p < r.end && *r.p == '^';
    p->n = 0;
    p->broken = NULL;
    if (p->anchored)
        r.p++;
    while (r.p < r.end) {
        if (p->n == PATTERN_ITEMS_MAX)
            r.broken = "pattern too long";
        else if (read_item(&r, &p->items[p->n]))
            p->n++;
        if (r.broken)
            break;
    }
    p->broken = r.broken;
    p->items[p->n].op = r.broken ? PATTERN_BROKEN : PATTERN_DONE;
}

/* -- Matching */

enum way { WAY_TRY, WAY_FEWER, WAY_MORE, WAY_UNOPEN, WAY_UNCLOSE };
/* A way not taken yet, or something to undo, in the order in which matching failed forward. */
struct back {
    uint16_t item; /* where to go on; of UNCLOSE: the capture */
    uint8_t way;
    const char *s, *least;
};

static bool item_has(const struct pattern_item *item, unsigned char c)
{
    return item->set[c / 32] >> c % 32 & 1;
}

static bool spend(struct pattern_match *m, int64_t steps)
{
    /* The clock's word is looked at about once in 256 steps: when these steps carry the count
     * over such a border. */
    int64_t before = m->steps;
    m->steps -= steps;
    if (m->steps > 0 && ((before ^ m->steps) < 256 || !m->due || !*m->due))
        return true;
    m->error = m->steps > 0 ? "pattern stopped" : "pattern takes too many steps";
    return false;
}

/* The end of %bxy at s; NULL when there is none. */
static const char *match_balance(const struct pattern_item *item, const char *s, const char *end,
                                 int64_t *steps)
{
    if (s == end || (unsigned char)*s != item->low)
        return NULL;
    size_t depth = 1;
    const char *from = s;
    while (++s < end) {
        if ((unsigned char)*s == item->high) {
            if (--depth == 0) {
                s++;
                break;
            }
        } else if ((unsigned char)*s == item->low) {
            depth++;
        }
    }
    *steps = s - from;
    return depth == 0 ? s : NULL;
}

static bool match_frontier(const struct pattern_item *item, const struct pattern_match *m,
                           const char *s)
{
    unsigned char before = s == m->subject ? 0 : (unsigned char)s[-1];
    unsigned char here = s == m->end ? 0 : (unsigned char)*s;
    return !item_has(item, before) && item_has(item, here);
}

/* The end of a repeat of item at s that must match at least once where + stands. Pushes what to
 * come back to. NULL: none. */
static const char *match_set(const struct pattern_match *m, const struct pattern_item *item,
                             const char *s, struct back *back, size_t *n_back, int64_t *steps)
{
    bool first = s < m->end && item_has(item, (unsigned char)*s);
    switch (item->repeat) {
    case 0:
        return first ? s + 1 : NULL;
    case '?':
        if (!first)
            return s;
        back->way = WAY_TRY;
        back->s = s;
        ++*n_back;
        return s + 1;
    case '-':
        back->way = WAY_MORE;
        back->s = s;
        ++*n_back;
        return s;
    }
    if (!first)
        return item->repeat == '+' ? NULL : s;
    const char *e = s + 1;
    while (e < m->end && item_has(item, (unsigned char)*e))
        e++;
    *steps = e - s;
    back->way = WAY_FEWER;
    back->least = item->repeat == '+' ? s + 1 : s;
    back->s = e;
    if (e > back->least)
        ++*n_back;
    return e;
}

static int capture_to_close(const struct pattern_match *m)
{
    for (int i = m->n_captures - 1; i >= 0; i--) {
        if (m->captures[i].n == PATTERN_CAPTURE_OPEN)
            return i;
    }
    return -1;
}

/* Takes one item that is no SET at s. YES: *e is where to go on, with the next item. */
static enum pattern_answer match_item(struct pattern_match *m, const struct pattern_item *item,
                                      const char *s, struct back *back, size_t *n_back,
                                      const char **e, int64_t *steps)
{
    *e = s;
    switch (item->op) {
    case PATTERN_OPEN:
    case PATTERN_POSITION:
        if (m->n_captures == PATTERN_CAPTURES_MAX) {
            m->error = "too many captures";
            return PATTERN_BAD;
        }
        m->captures[m->n_captures].p = s;
        m->captures[m->n_captures++].n =
            item->op == PATTERN_OPEN ? PATTERN_CAPTURE_OPEN : PATTERN_CAPTURE_POSITION;
        back->way = WAY_UNOPEN;
        ++*n_back;
        return PATTERN_YES;
    case PATTERN_CLOSE: {
        int i = capture_to_close(m);
        if (i < 0) {
            m->error = "invalid pattern capture";
            return PATTERN_BAD;
        }
        m->captures[i].n = s - m->captures[i].p;
        back->way = WAY_UNCLOSE;
        back->item = (uint16_t)i;
        ++*n_back;
        return PATTERN_YES;
    }
    case PATTERN_BACK: {
        if (item->low >= m->n_captures || m->captures[item->low].n == PATTERN_CAPTURE_OPEN) {
            m->error = "invalid capture index";
            return PATTERN_BAD;
        }
        ptrdiff_t n = m->captures[item->low].n; /* a position is never met again */
        if (n < 0 || m->end - s < n)
            return PATTERN_NO;
        *steps = 1 + n / 16;
        *e = s + n;
        return memcmp(m->captures[item->low].p, s, (size_t)n) == 0 ? PATTERN_YES : PATTERN_NO;
    }
    case PATTERN_BALANCE:
        *e = match_balance(item, s, m->end, steps);
        return *e ? PATTERN_YES : PATTERN_NO;
    case PATTERN_FRONTIER:
        return match_frontier(item, m, s) ? PATTERN_YES : PATTERN_NO;
    default:
        return s == m->end ? PATTERN_YES : PATTERN_NO;
    }
}

/* Undoes until there is a way not taken; false when there is none. */
static bool go_back(const struct pattern *p, struct pattern_match *m, struct back *stack, size_t *n,
                    size_t *item, const char **s)
{
    while (*n > 0) {
        struct back *b = &stack[*n - 1];
        *item = b->item;
        switch (b->way) {
        case WAY_UNOPEN:
            m->n_captures--;
            break;
        case WAY_UNCLOSE:
            m->captures[b->item].n = PATTERN_CAPTURE_OPEN;
            break;
        case WAY_TRY:
            --*n;
            *s = b->s;
            return true;
        case WAY_FEWER:
            *s = --b->s;
            if (b->s == b->least)
                --*n;
            return true;
        case WAY_MORE:
            if (b->s == m->end || !item_has(&p->items[b->item - 1], (unsigned char)*b->s))
                break;
            *s = ++b->s;
            return true;
        }
        --*n;
    }
    return false;
}

enum pattern_answer pattern_try(const struct pattern *p, struct pattern_match *m, const char *s,
                                const char **e)
{
    struct back stack[PATTERN_ITEMS_MAX];
    size_t n = 0, i = 0;
    m->n_captures = 0;
    for (;;) {
        const struct pattern_item *item = &p->items[i];
        const char *next = NULL;
        int64_t steps = 1;
        enum pattern_answer answer;
        if (item->op == PATTERN_DONE) {
            *e = s;
            return PATTERN_YES;
        }
        if (item->op == PATTERN_BROKEN) {
            m->error = p->broken;
            return PATTERN_BAD;
        }
        stack[n].item = (uint16_t)(i + 1);
        if (item->op == PATTERN_SET) {
            next = match_set(m, item, s, &stack[n], &n, &steps);
            answer = next ? PATTERN_YES : PATTERN_NO;
        } else {
            answer = match_item(m, item, s, &stack[n], &n, &next, &steps);
        }
        if (!spend(m, steps))
            return PATTERN_STOPPED;
        if (answer == PATTERN_BAD)
            return answer;
        if (answer == PATTERN_YES) {
            s = next;
            i++;
        } else if (!go_back(p, m, stack, &n, &i, &s)) {
            return PATTERN_NO;
        }
    }
}

enum pattern_answer pattern_search(const struct pattern *p, struct pattern_match *m, const char **s,
                                   const char **e)
{
    for (;; ++*s) {
        enum pattern_answer answer = pattern_try(p, m, *s, e);
        if (answer != PATTERN_NO || p->anchored || *s == m->end)
            return answer;
    }
}
