/* watch.c -- one timer a thread that stops Lua at its deadline.
 *
 * The kernel looks at a timer on a thread's CPU clock only at its ticks, 4 ms apart, which is
 * four times the budget of a criterion inside the door. So the timer runs on the monotonic
 * clock, which is exact and never slower than a thread's CPU clock, and the handler asks the CPU
 * clock whether the time is really up; if not, because the thread waited for its turn, the
 * timer's interval brings it back. The interval also repeats a signal that came while the hook
 * was being set.
 *
 * Setting a timer costs as much as a small formula. So it is left ticking when a run ends, and the
 * next run finds it set; a tick that finds no run stops it.
 *
 * lua_sethook is made to be called from a signal handler, but not while it is itself under way
 * on that thread: the two would leave the dispatch table half set. Hence `busy`.
 * SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "script/watch.h"

enum { WATCH_SIGNAL = SIGVTALRM, REPEAT_MIN_NS = 50000, REPEAT_MAX_NS = 1000000 };

/* A thread's timer and what it watches; in the heap, so that the key's destructor finds it. */
struct watch {
    timer_t timer;
    struct watch_run *volatile run;
    volatile sig_atomic_t ticking; /* set by the thread, cleared by the handler */
    int64_t first_ns;              /* what it was set to */
};
static _Thread_local struct watch *watch_mine;
static pthread_key_t watch_key;
static pthread_once_t watch_once = PTHREAD_ONCE_INIT;

/* TSan would hold the signal back until the next call it knows, and a loop in Lua makes none: it
 * must not see the handler. */
#ifdef __SANITIZE_THREAD__
#define WATCH_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WATCH_TSAN 1
#endif
#endif
#ifdef WATCH_TSAN
int __sigaction(int signal, const struct sigaction *now, struct sigaction *before);
#define watch_sigaction __sigaction
#define WATCH_UNSEEN    __attribute__((no_sanitize("thread")))
#else
#define watch_sigaction sigaction
#define WATCH_UNSEEN
#endif

WATCH_UNSEEN static int64_t cpu_ns(void)
{
    struct timespec t;
    syscall(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID,
            &t); /* what clock_gettime does, for a clock that is no vDSO's */
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

WATCH_UNSEEN static void on_signal(int signal)
{
    struct watch *w = watch_mine;
    struct watch_run *run = w ? w->run : NULL;
    if (w && !run) {
        timer_settime(w->timer, 0, &(struct itimerspec){{0, 0}, {0, 0}}, NULL);
        w->ticking = 0;
    }
    if (!run || cpu_ns() < run->due_ns)
        return;
    run->due = 1;
    if (!run->busy)
        lua_sethook(run->L, run->hook, LUA_MASKCOUNT, 1);
}

static void watch_free(void *p)
{
    struct watch *w = p;
    watch_mine = NULL;
    timer_delete(w->timer);
    free(w);
}

static void watch_start(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    watch_sigaction(WATCH_SIGNAL, &action, NULL);
    if (pthread_key_create(&watch_key, watch_free) != 0)
        abort();
}

static struct watch *watch_new(void)
{
    pthread_once(&watch_once, watch_start);
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = WATCH_SIGNAL};
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    struct watch *w = xcalloc(1, sizeof(*w));
    if (timer_create(CLOCK_MONOTONIC, &event, &w->timer) != 0) {
        free(w);
        return NULL;
    }
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, WATCH_SIGNAL);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    pthread_setspecific(watch_key, w);
    watch_mine = w;
    return w;
}

static void watch_arm(struct watch *w, int64_t ns)
{
    int64_t first = MAX_OF(ns, 1), repeat = MIN_OF(MAX_OF(first / 4, REPEAT_MIN_NS), REPEAT_MAX_NS);
    struct itimerspec when = {
        .it_value = {first / 1000000000, first % 1000000000},
        .it_interval = {0, repeat},
    };
    w->first_ns = first;
    w->ticking = 1;
    timer_settime(w->timer, 0, &when, NULL);
}

bool watch_begin(struct watch_run *run, lua_State *L, lua_Hook hook, int64_t us)
{
    struct watch *w = watch_mine ? watch_mine : watch_new();
    if (!w)
        return false;
    *run =
        (struct watch_run){.L = L, .hook = hook, .due_ns = cpu_ns() + us * 1000, .outer = w->run};
    atomic_signal_fence(memory_order_release);
    w->run = run; /* from here on the handler lets the timer tick */
    if (!w->ticking || w->first_ns > us * 1000)
        watch_arm(w, us * 1000);
    return true;
}

void watch_end(struct watch_run *run)
{
    struct watch *w = watch_mine;
    struct watch_run *outer = run->outer;
    if (outer)
        outer->busy = 1; /* it may be a run of the same state */
    run->busy = 1;
    w->run = outer;
    lua_sethook(run->L, NULL, 0, 0);
    if (!outer)
        return;
    watch_set_hook(outer, outer->due);
    watch_arm(w, outer->due_ns - cpu_ns());
}

void watch_set_hook(struct watch_run *run, bool on)
{
    run->busy = 1;
    lua_sethook(run->L, on ? run->hook : NULL, on ? LUA_MASKCOUNT : 0, on ? 1 : 0);
    run->busy = 0;
    if (!on && run->due) /* it came meanwhile */
        watch_set_hook(run, true);
}
