/* journal_disk.h -- folders that tests damage: made, copied as a crash would leave them, cut, flipped.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef JOURNAL_DISK_H
#define JOURNAL_DISK_H

#include "base/base.h"
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char disk_root[300]; /* everything is below it, and goes at the end */

static inline void disk_init(const char *test)
{
    const char *tmp =
        getenv("TMPDIR"); /* else in memory: syncs are many, and none is put to the test here */
    tmp = tmp ? tmp : access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(disk_root, sizeof(disk_root), "%s/signalbox-%s-XXXXXX", tmp, test);
    CHECK(mkdtemp(disk_root) != NULL);
}

__attribute__((format(printf, 1, 2))) static int disk_shell(const char *fmt, ...)
{
    char line[2000];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    return system(line);
}

static inline void disk_fini(void)
{
    CHECK_INT(disk_shell("rm -rf '%s'", disk_root), 0);
}

/* Stays as it is until the end. */
static inline const char *disk_path(const char *name)
{
    static char paths[64][600];
    char path[600];
    int i = 0;
    snprintf(path, sizeof(path), "%s/%s", disk_root, name);
    while (i < 63 && paths[i][0] && strcmp(paths[i], path) != 0)
        i++;
    return strcpy(paths[i], path);
}

/* The folder as it is now: what a crash of the process that writes it would leave. Replaces to. */
static inline void disk_copy(const char *from, const char *to)
{
    int status = 1;
    for (int i = 0; status && i < 50; i++) /* a database at work may take a file away meanwhile */
        status = disk_shell("rm -rf '%s' && cp -a '%s' '%s'", to, from, to);
    CHECK_INT(status, 0);
}

/* The path of the nth file whose name ends (or begins) so, by name; -1: the last. Empty: there is none. */
static inline const char *disk_file(const char *dir, const char *pattern, int n)
{
    static char out[1000];
    char line[1000];
    snprintf(line, sizeof(line), "ls -d '%s'/%s 2>/dev/null | sort", dir, pattern);
    FILE *in = popen(line, "r");
    out[0] = 0;
    for (int i = 0; in && fgets(line, sizeof(line), in) && (n < 0 || i <= n); i++) {
        line[strcspn(line, "\n")] = 0;
        out[0] = 0;
        if (n < 0 || i == n)
            snprintf(out, sizeof(out), "%s", line);
    }
    if (in)
        pclose(in);
    return out;
}

static inline int64_t disk_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

static inline void disk_cut(const char *path, int64_t n_bytes)
{
    CHECK_INT(truncate(path, n_bytes), 0);
}

static inline void disk_flip(const char *path, int64_t at, int bit)
{
    uint8_t byte = 0;
    int fd = open(path, O_RDWR);
    CHECK(fd >= 0 && pread(fd, &byte, 1, at) == 1, "%s at %" PRId64, path, at);
    byte ^= (uint8_t)(1 << bit);
    CHECK(pwrite(fd, &byte, 1, at) == 1);
    close(fd);
}

static inline void disk_zero(const char *path, int64_t from, int64_t to)
{
    static const char zeros[1 << 16];
    int fd = open(path, O_WRONLY);
    CHECK(to - from <= (int64_t)sizeof(zeros) &&
          pwrite(fd, zeros, (size_t)(to - from), from) == to - from);
    close(fd);
}

/* A sum over the names and bytes of all files, for "nothing was changed". */
static inline void disk_sum(const char *dir, char out[80])
{
    char line[1000];
    snprintf(line, sizeof(line),
             "cd '%s' && find . -printf '%%p %%m %%s\\n' -type f -exec cat {} + | sort | sha256sum",
             dir);
    FILE *in = popen(line, "r");
    CHECK(in && fgets(out, 80, in));
    if (in)
        pclose(in);
}

#endif
