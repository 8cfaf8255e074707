/* stop.c -- SIGINT and SIGTERM, for commands that finish what is under way before they leave.
 *
 * A signal handler gets no argument, so the descriptor it writes to is the one variable of this file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "feed/stop.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static volatile sig_atomic_t wake = -1;
static const int signals[] = {SIGINT, SIGTERM};

static void on_signal(int number)
{
    const uint64_t one = 1;
    if (write(wake, &one, sizeof(one)) < 0) /* it is readable, or nobody waits */
        return;
}

static void handle(void (*handler)(int))
{
    struct sigaction a = {.sa_handler = handler, .sa_flags = (int)SA_RESETHAND};
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        sigaction(signals[i], &a, NULL);
}

int stop_open(void)
{
    wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wake < 0)
        abort(); /* no descriptor for a program that has just begun */
    signal(SIGPIPE, SIG_IGN);
    handle(on_signal);
    return wake;
}

void stop_close(int fd)
{
    handle(SIG_DFL);
    wake = -1;
    close(fd);
}

bool stop_wanted(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return fd >= 0 && poll(&p, 1, 0) == 1;
}
