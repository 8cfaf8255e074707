/* test_cli_writeback.c -- how often the thread calls, how soon again after a failure, how soon it stops.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "writeback.h"

#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static atomic_int calls, inside, most_inside;
static atomic_bool fails, slow;

static bool write_some(void *ctx)
{
    int n = ++inside;
    most_inside = MAX_OF(most_inside, n);
    calls++;
    if (slow)
        usleep(400000);
    inside--;
    return !fails;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int main(void)
{
    struct err err = {0};
    struct writeback *w = writeback_new(write_some, NULL, 50, &err);
    CHECK(w != NULL);
    int64_t begin = now_ms();
    while (calls < 4 && now_ms() - begin < 10000)
        usleep(1000);
    CHECK(calls >= 4 && now_ms() - begin >= 150, "%d", (int)calls);
    writeback_free(w);

    calls = 0;
    w = writeback_new(write_some, NULL, 3600000, &err); /* an hour: it stops at once all the same */
    begin = now_ms();
    writeback_free(w);
    CHECK(now_ms() - begin < 300);
    CHECK_INT(calls, 0);

    slow = true; /* a call under way is waited for */
    w = writeback_new(write_some, NULL, 20, &err);
    while (!inside)
        usleep(1000);
    writeback_free(w);
    CHECK_INT(inside, 0);
    CHECK_INT(calls, 1);

    slow = false;
    fails = true; /* again, but not faster than it was told */
    calls = 0;
    w = writeback_new(write_some, NULL, 100, &err);
    begin = now_ms();
    while (calls < 3 && now_ms() - begin < 10000)
        usleep(1000);
    CHECK(calls >= 3 && now_ms() - begin >= 250, "%d", (int)calls);
    writeback_free(w);
    CHECK_INT(most_inside, 1);
    writeback_free(NULL);
    return check_done();
}
