/* watch.c -- the worker thread: notices that rule files change, waits for quiet, and calls for a reload.
 *
 * A checkout writes many files and an editor several times, so a reload waits until nothing has changed for 100 ms, but not
 * longer than half a second: something that writes all the time must not hold up what is there. A file counts when it was
 * closed or moved into place, not when it was made: half of it would be read. What is made whole, a link, counts at once.
 * Folders are looked for anew when one comes or goes; when the watched one itself goes, it is looked for every second.
 * SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"
#include "clock.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { QUIET_MS = 100, LONGEST_MS = 500, MISSING_MS = 1000, DEPTH_MAX = 16 };

struct folder {
    int wd;
    char *path;
};
struct watch {
    char *dir;
    void (*changed)(void *ctx);
    void *ctx;
    pthread_t thread;
    bool started;
    int inotify, wake;
    atomic_bool stop, kicked;
    struct folder *folders;
    size_t n, cap;
    bool missing; /* the watched folder itself */
};

static const char *path_of(const struct watch *w, int wd)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->folders[i].wd == wd)
            return w->folders[i].path;
    return NULL;
}

static void forget(struct watch *w, int wd)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->folders[i].wd == wd) {
            free(w->folders[i].path);
            w->folders[i] = w->folders[--w->n];
            return;
        }
}

/* Watches a folder and those below it. Again is harmless: the kernel gives the same number for the same folder. */
static bool add(struct watch *w, const char *path, int depth)
{
    int wd = inotify_add_watch(w->inotify, path,
                               IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_TO |
                                   IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
    DIR *dir = wd < 0 ? NULL : opendir(path);
    if (!dir)
        return false;
    forget(w, wd); /* it may have another name now */
    w->folders = xgrow(w->folders, w->n, &w->cap, sizeof(*w->folders));
    w->folders[w->n++] = (struct folder){wd, xstrdup(path)};
    for (struct dirent *e; (e = readdir(dir));) {
        char *inner = NULL;
        struct stat st;
        if (e->d_name[0] == '.' || depth == DEPTH_MAX ||
            asprintf(&inner, "%s/%s", path, e->d_name) < 0)
            continue;
        if (lstat(inner, &st) == 0 && S_ISDIR(st.st_mode))
            add(w, inner, depth + 1);
        free(inner);
    }
    closedir(dir);
    return true;
}

/* Was this file made whole? A link is; what somebody writes now is not. */
static bool made_whole(const struct watch *w, const struct inotify_event *e)
{
    const char *folder = path_of(w, e->wd);
    char *path = NULL;
    struct stat st;
    if (!folder || !e->len || asprintf(&path, "%s/%s", folder, e->name) < 0)
        return false;
    bool whole =
        lstat(path, &st) == 0 && (S_ISLNK(st.st_mode) || (S_ISREG(st.st_mode) && st.st_nlink > 1));
    free(path);
    return whole;
}

/* Reads what happened. Does it call for a reload? */
static bool drain(struct watch *w)
{
    char space[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool relevant = false, rescan = false;
    ssize_t n;
    while ((n = read(w->inotify, space, sizeof(space))) > 0)
        for (char *p = space; p < space + n;) {
            const struct inotify_event *e = (const struct inotify_event *)(void *)p;
            p += sizeof(*e) + e->len;
            bool folder = e->mask & (IN_ISDIR | IN_DELETE_SELF | IN_MOVE_SELF | IN_Q_OVERFLOW);
            rescan |= folder;
            if (e->mask & IN_IGNORED)
                forget(w, e->wd);
            else
                relevant |= folder || !(e->mask & IN_CREATE) || made_whole(w, e);
        }
    if (rescan)
        w->missing = !add(w, w->dir, 0);
    return relevant;
}

/* Waits for something to happen; false: for at most timeout_ms, nothing did. */
static bool wait_for(struct watch *w, int timeout_ms)
{
    struct pollfd fds[] = {{.fd = w->inotify, .events = POLLIN}, {.fd = w->wake, .events = POLLIN}};
    uint64_t count;
    if (poll(fds, 2, timeout_ms) <= 0)
        return false;
    if (fds[1].revents && read(w->wake, &count, sizeof(count)) < 0 && errno != EAGAIN)
        log_warn("watching the rules: %s", strerror(errno));
    bool kicked = atomic_exchange(&w->kicked, false);
    return drain(w) || kicked;
}

static void *run(void *arg)
{
    struct watch *w = arg;
    int64_t first = 0, last = 0; /* of the changes not reloaded yet; 0: none */
    while (!w->stop) {
        int64_t now = clock_monotonic_ms(), due = MIN_OF(last + QUIET_MS, first + LONGEST_MS);
        if (first && due <= now) {
            first = 0;
            w->changed(w->ctx);
            continue;
        }
        bool something = wait_for(w, first ? (int)(due - now) : w->missing ? MISSING_MS : -1);
        if (w->missing && add(w, w->dir, 0)) {
            w->missing = false;
            something = true;
        }
        if (something) {
            last = clock_monotonic_ms();
            first = first ? first : last;
        }
    }
    return NULL;
}

struct watch *watch_new(const char *dir, void (*changed)(void *ctx), void *ctx, struct err *err)
{
    struct watch *w = xcalloc(1, sizeof(*w));
    w->dir = xstrdup(dir);
    w->changed = changed;
    w->ctx = ctx;
    w->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    w->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (w->inotify >= 0 && w->wake >= 0 && add(w, dir, 0))
        return w;
    err_set(err, "watching %s: %s", dir, strerror(errno));
    watch_free(w);
    return NULL;
}

bool watch_start(struct watch *w, struct err *err)
{
    sigset_t all, before; /* signals are for the thread that serves */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int failed = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    w->started = !failed;
    return !failed || err_set(err, "watching %s: %s", w->dir, strerror(failed));
}

static void wake(struct watch *w)
{
    uint64_t one = 1;
    while (write(w->wake, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

void watch_kick(struct watch *w)
{
    w->kicked = true;
    wake(w);
}

void watch_free(struct watch *w)
{
    if (!w)
        return;
    if (w->started) {
        w->stop = true;
        wake(w);
        pthread_join(w->thread, NULL);
    }
    while (w->n)
        forget(w, w->folders[0].wd);
    free(w->folders);
    if (w->inotify >= 0)
        close(w->inotify);
    if (w->wake >= 0)
        close(w->wake);
    free(w->dir);
    free(w);
}
