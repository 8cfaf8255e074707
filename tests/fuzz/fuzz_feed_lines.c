/* fuzz_feed_lines.c -- any bytes as a file of lines, packed or not: read twice, in chunks of two sizes, with the same result.
 *
 * The first byte says how long a line may be, the second how large the chunks of the first reading are.
 * SPDX-License-Identifier: Apache-2.0 */
#include "feed/lines.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct seen {
    enum input_said end;
    uint64_t n, hash;
};

static struct seen read_all(const char *path, size_t line_max, size_t chunk)
{
    struct input_options o = {.stop_fd = -1, .chunk = chunk};
    struct err err = {0};
    struct seen seen = {.end = INPUT_BYTES};
    struct line line;
    struct lines *l = lines_open(path, line_max, &o, &err);
    while ((seen.end = lines_next(l, &line, &err)) == INPUT_BYTES) {
        if (line.number != ++seen.n || line.text.n > line_max || (line.too_long && line.text.n))
            abort();
        for (size_t i = 0; i < line.text.n; i++)
            if (line.text.p[i] == '\n')
                abort();
        seen.hash = seen.hash * 31 + line.hash + line.too_long;
    }
    if (seen.end != INPUT_END && !(seen.end == INPUT_FAILED && err.set))
        abort();
    if (input_at(lines_input(l)) > input_size(lines_input(l)))
        abort();
    lines_close(l);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char path[40];
    if (n < 2)
        return 0;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data + 2, n - 2) != (ssize_t)(n - 2))
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct seen small = read_all(path, data[0], data[1] + 1u), large = read_all(path, data[0], 0);
    close(fd);
    if (small.end != large.end)
        abort();
    if (small.end == INPUT_END && (small.n != large.n || small.hash != large.hash))
        abort();
    return 0;
}
