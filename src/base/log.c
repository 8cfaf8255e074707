/* log.c -- one line an event, to stderr.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <stdarg.h>
#include <time.h>

/* The program's one log: set once, before any thread starts. */
static enum log_level least = LOG_INFO;
static int64_t (*clock_ms)(void);

void log_init(enum log_level least_level, int64_t (*now_ms)(void))
{
    least = least_level;
    clock_ms = now_ms;
}

void log_line(enum log_level level, const char *fmt, ...)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    char line[2048];
    size_t n = 0;
    if (level < least)
        return;
    if (clock_ms) {
        int64_t now = clock_ms();
        time_t s = (time_t)(now / 1000);
        struct tm tm;
        gmtime_r(&s, &tm);
        n = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &tm);
        n += (size_t)snprintf(line + n, sizeof(line) - n, ".%03dZ ", (int)(now % 1000));
    }
    n += (size_t)snprintf(line + n, sizeof(line) - n, "%s ", names[level]);
    va_list args;
    va_start(args, fmt);
    int more = vsnprintf(line + n, sizeof(line) - n - 1, fmt, args);
    va_end(args);
    n = MIN_OF(n + (size_t)MAX_OF(more, 0), sizeof(line) - 2);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] =
                ' '; /* what a client sent must not forge a line, nor move a terminal's cursor */
    line[n++] = '\n';
    fwrite(line, 1, n, stderr);
}
