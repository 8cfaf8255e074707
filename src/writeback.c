/* writeback.c -- the thread that has what changed in memory written back to disk, again and again.
 *
 * It waits for the disk so that nobody else has to. The time runs from the end of one call to the next one, so that a slow
 * disk is not asked for more than it can do.
 * SPDX-License-Identifier: Apache-2.0 */
#include "writeback.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { AGAIN_MS = 5000 }; /* after what could not be finished */

struct writeback {
    bool (*write)(void *ctx);
    void *ctx;
    int64_t every_ms;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop; /* under lock */
};

static struct timespec in_ms(int64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

/* Sleeps so long, or until it is to stop: false. The lock is held. */
static bool sleep_for(struct writeback *w, int64_t ms)
{
    struct timespec until = in_ms(ms);
    while (!w->stop && pthread_cond_timedwait(&w->wake, &w->lock, &until) == 0)
        ;
    return !w->stop;
}

static void *run(void *arg)
{
    struct writeback *w = arg;
    bool done = true;
    pthread_mutex_lock(&w->lock);
    while (sleep_for(w, done ? w->every_ms : MIN_OF(w->every_ms, (int64_t)AGAIN_MS))) {
        pthread_mutex_unlock(&w->lock);
        done = w->write(w->ctx);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

struct writeback *writeback_new(bool (*write)(void *ctx), void *ctx, int64_t every_ms,
                                struct err *err)
{
    struct writeback *w = xcalloc(1, sizeof(*w));
    pthread_condattr_t attr;
    sigset_t all, before; /* signals are for the thread that serves */
    *w = (struct writeback){.write = write, .ctx = ctx, .every_ms = every_ms};
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &attr);
    pthread_condattr_destroy(&attr);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int failed = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failed)
        return w;
    err_set(err, "no thread for writing back: %s", strerror(failed));
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
    return NULL;
}

void writeback_free(struct writeback *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
