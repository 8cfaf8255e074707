/* check.h -- the checks of the unit tests. A failed one says file:line and both sides and the test goes on; main ends with
 * `return check_done();`.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int check_passed, check_failed;

#define CHECK(cond, ...)                                                                           \
    ((cond) ? (void)check_passed++                                                                 \
            : (check_failed++, printf("%s:%d: not true: %s", __FILE__, __LINE__, #cond),           \
               printf("  " __VA_ARGS__), (void)printf("\n")))
#define CHECK_INT(got, want)                                                                       \
    do {                                                                                           \
        int64_t got_ = (int64_t)(got), want_ = (int64_t)(want);                                    \
        CHECK(got_ == want_, "%s: got %" PRId64 ", want %" PRId64, #got, got_, want_);             \
    } while (0)
#define CHECK_STR(got, want) /* both terminated */                                                 \
    do {                                                                                           \
        const char *got_ = (got), *want_ = (want);                                                 \
        CHECK(strcmp(got_, want_) == 0, "%s: got \"%s\", want \"%s\"", #got, got_, want_);         \
    } while (0)

static inline int check_done(void)
{
    printf("%d passed, %d failed\n", check_passed, check_failed);
    return check_failed != 0;
}

#endif
