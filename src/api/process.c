/* process.c -- what the kernel says of this process, under the names that Prometheus' own clients give it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/process.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

static void gauge(struct buf *b, const char *name, const char *type, const char *help, double value)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", name, help, name, type, name, value);
}

static unsigned count_fds(void)
{
    unsigned n = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n > 3 ? n - 3 : 0; /* . and .. and the one that reads */
}

/* When it started, in seconds: the boot's time and field 22 of stat, in ticks since. */
static double start_time(void)
{
    char text[1024] = "";
    unsigned long long ticks = 0, boot = 0;
    FILE *f = fopen("/proc/self/stat", "r");
    if (f) {
        size_t n = fread(text, 1, sizeof(text) - 1, f);
        text[n] = 0;
        fclose(f);
        char *p = strrchr(text, ')'); /* the name before it may hold anything */
        if (p)
            sscanf(
                p + 1,
                " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                &ticks);
    }
    f = fopen("/proc/stat", "r");
    while (f && fgets(text, sizeof(text), f))
        if (sscanf(text, "btime %llu", &boot) == 1)
            break;
    if (f)
        fclose(f);
    return (double)boot + (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

void process_write_prometheus(struct buf *b)
{
    unsigned long long size = 0, resident = 0;
    struct rusage use;
    struct rlimit files;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f) {
        if (fscanf(f, "%llu %llu", &size, &resident) != 2)
            size = resident = 0;
        fclose(f);
    }
    double page = (double)sysconf(_SC_PAGESIZE);
    gauge(b, "process_virtual_memory_bytes", "gauge", "Virtual memory size", (double)size * page);
    gauge(b, "process_resident_memory_bytes", "gauge", "Resident memory size",
          (double)resident * page);
    gauge(b, "process_open_fds", "gauge", "Open file descriptors", count_fds());
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        gauge(b, "process_max_fds", "gauge", "File descriptors allowed", (double)files.rlim_cur);
    if (getrusage(RUSAGE_SELF, &use) == 0)
        gauge(b, "process_cpu_seconds_total", "counter", "User and system CPU time spent",
              (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                  (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
    gauge(b, "process_start_time_seconds", "gauge", "When the process started", start_time());
    buf_printf(b,
               "# HELP signalbox_build_info What runs\n# TYPE signalbox_build_info gauge\n"
               "signalbox_build_info{version=\"%s\"} 1\n",
               SIGNALBOX_VERSION);
}
