/* pattern.h -- Lua 5.1 patterns on a budget of steps, so that no pattern and no subject can hold
 * a thread.
 *
 * A pattern is first turned into a row of items, then matched by a loop with a stack of its own:
 * an item never stands on that stack twice, so the stack is as long as the pattern and the
 * machine's stack is not used at all. What is wrong with a pattern is, as in Lua, found only
 * when matching gets there.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SCRIPT_PATTERN_H
#define SCRIPT_PATTERN_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PATTERN_ITEMS_MAX = 500,
    PATTERN_CAPTURES_MAX = 32,
    PATTERN_STEPS = 1000000, /* of one call of a string function: some milliseconds */
};

enum pattern_op {
    PATTERN_SET,      /* one byte of a set, perhaps repeated */
    PATTERN_OPEN,     /* ( */
    PATTERN_POSITION, /* () */
    PATTERN_CLOSE,    /* ) */
    PATTERN_BACK,     /* %1: low is the capture's index */
    PATTERN_BALANCE,  /* %bxy: low is x, high is y */
    PATTERN_FRONTIER, /* %f[set] */
    PATTERN_END,      /* $ as the last byte */
    PATTERN_DONE,
    PATTERN_BROKEN, /* the pattern can't be read from here on: see pattern.broken */
};
struct pattern_item {
    uint8_t op;
    char repeat; /* of a SET: 0 or one of * + - ? */
    uint8_t low, high;
    uint32_t set[8]; /* of a SET or FRONTIER: a bit for each byte */
};
struct pattern {
    bool anchored;
    uint16_t n;
    const char *broken;
    struct pattern_item items[PATTERN_ITEMS_MAX + 1];
};
/* anchors: a leading ^ is an anchor, not a byte. */
void pattern_read(struct pattern *p, const char *text, size_t n, bool anchors);

enum { PATTERN_CAPTURE_OPEN = -1, PATTERN_CAPTURE_POSITION = -2 };
struct pattern_match {
    const char *subject, *end;
    int64_t steps;                    /* left; shared by all tries of one call */
    const volatile sig_atomic_t *due; /* looked at now and then: stop when set; may be NULL */
    const char *error;                /* why PATTERN_BAD, PATTERN_STOPPED */
    int n_captures;
    struct {
        const char *p;
        ptrdiff_t n; /* or PATTERN_CAPTURE_ */
    } captures[PATTERN_CAPTURES_MAX];
};
enum pattern_answer { PATTERN_NO, PATTERN_YES, PATTERN_BAD, PATTERN_STOPPED };
/* Tries at s, within subject and end. YES: *e is where the match ends. */
enum pattern_answer pattern_try(const struct pattern *p, struct pattern_match *m, const char *s,
                                const char **e);
/* Tries at *s and, unless the pattern is anchored, at each later byte; moves *s to where the
 * match begins. */
enum pattern_answer pattern_search(const struct pattern *p, struct pattern_match *m, const char **s,
                                   const char **e);

#endif
