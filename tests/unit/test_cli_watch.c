/* test_cli_watch.c -- what is done to a folder of rules, and how often that calls for a reload. Takes some seconds: quiet is
 * what it waits for.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "watch.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char top[64];
static atomic_int calls;

static void changed(void *ctx)
{
    calls++;
}

static void sh(const char *fmt)
{
    char command[1000];
    snprintf(command, sizeof(command), "cd %s && { %s; }", top, fmt);
    CHECK_INT(system(command), 0);
}

/* Waits until there was at least one call and none for a while: says how many. */
static int count(void)
{
    int before = -1, waited = 0;
    while ((calls == 0 || calls != before) && waited++ < 100) {
        before = calls;
        usleep(500000);
    }
    return atomic_exchange(&calls, 0);
}

/* Several changes count once when they come within the time that watch.c takes for quiet. A busy machine may be slower
 * than that: then they are made again, or show that they count at all. */
static void check_once(const char *command)
{
    for (int i = 0; i < 20; i++) {
        struct timespec begin, end;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        sh(command);
        clock_gettime(CLOCK_MONOTONIC, &end);
        int64_t ms = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
        int n = count();
        CHECK(ms < 90 ? n == 1 : n >= 1, "%s: %d reloads", command, n);
        if (ms < 90)
            break;
    }
}

static int count_none(void)
{
    usleep(700000);
    return atomic_exchange(&calls, 0);
}

int main(void)
{
    struct err err = {0};
    snprintf(top, sizeof(top), "/tmp/test_cli_watch_%d", (int)getpid());
    mkdir(top, 0755);
    sh("mkdir rules");
    char rules[100];
    snprintf(rules, sizeof(rules), "%s/rules", top);

    CHECK(watch_new("/nonexistent/folder", changed, NULL, &err) == NULL);
    CHECK(err.set);
    struct watch *w = watch_new(rules, changed, NULL, &err);
    CHECK(w != NULL);
    if (!w)
        return check_done();
    sh("echo 1 > rules/early.lua"); /* before the thread runs: not missed */
    CHECK_INT(calls, 0);
    CHECK(watch_start(w, &err));
    CHECK_INT(count(), 1);

    sh("echo 2 > rules/a.lua");
    CHECK_INT(count(), 1);
    check_once("echo 3 > rules/.a.lua.tmp && mv rules/.a.lua.tmp rules/a.lua"); /* as editors do */
    check_once(
        "for i in 1 2 3 4 5 6 7 8 9; do echo $i > rules/$i.lua; done"); /* as a checkout does */
    sh("rm rules/9.lua");
    CHECK_INT(count(), 1);
    sh("mkdir -p rules/x/y && echo 1 > rules/x/y/deep.lua");
    CHECK(count() >= 1);
    sh("echo 2 > rules/x/y/deep.lua"); /* a folder that was not there at first */
    CHECK_INT(count(), 1);
    sh("ln -s a.lua rules/link.lua");
    CHECK_INT(count(), 1);
    sh("exec 3> rules/slow.lua; echo half >&3; sleep 0.4; echo whole >&3"); /* counts once, when it is closed */
    CHECK_INT(count(), 1);
    sh("cat rules/a.lua > /dev/null; ls -R rules > /dev/null");
    CHECK_INT(count_none(), 0);
    watch_kick(w);
    CHECK_INT(count(), 1);

    /* something that never stops writing does not hold it up for ever */
    sh("for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do for k in 1 2 3; do "
       "echo $i > rules/a.lua; sleep 0.05; done; done");
    CHECK(calls >= 1, "%d", (int)calls);
    count();

    sh("mv rules gone && sleep 0.3 && mkdir rules && echo 1 > rules/new.lua"); /* the folder itself is replaced */
    CHECK(count() >= 1);
    count_none();
    sleep(1);
    calls = 0;
    sh("echo 2 > rules/new.lua");
    CHECK(count() >= 1);
    watch_free(w);
    sh("rm -r rules gone");
    rmdir(top);
    return check_done();
}
