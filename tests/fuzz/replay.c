/* replay.c -- drives a fuzz target without libFuzzer: every file of the corpus, then mutations of
 * them from a fixed seed.
 *
 * Usage: fuzz_X [FOLDER [MUTATIONS]]. Each input sits in an allocation of its own size, so that a
 * sanitizer sees a byte too far. A mutation starts from a corpus file and changes it in up to eight
 * places: flips, interesting bytes, cuts, copies, pieces of other files. An input that fails aborts
 * the process; the one that was running is told by its number. SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

enum { MUTATIONS = 20000, INPUT_MAX = 1 << 16, FILES_MAX = 4096 };

struct input {
    uint8_t *p;
    size_t n;
};

static struct input files[FILES_MAX];
static size_t n_files;
static uint64_t state = 0x9e3779b97f4a7c15u;
static long running, passed;

static uint32_t chance(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % below;
}

static void add_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f || n_files == FILES_MAX) {
        if (f)
            fclose(f);
        return;
    }
    struct input *in = &files[n_files++];
    in->p = malloc(INPUT_MAX);
    in->n = fread(in->p, 1, INPUT_MAX, f);
    fclose(f);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* not the locale's order: the same everywhere */
}

static void add_folder(const char *path)
{
    struct dirent **names;
    int n = scandir(path, &names, NULL, by_name);
    for (int i = 0; i < n; i++) {
        char full[4096];
        snprintf(full, sizeof(full), "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.')
            add_file(full);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
}

static void run(const uint8_t *p, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    memcpy(copy, p, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
    passed++;
    running++;
}

static void put(struct input *in, size_t at, const uint8_t *p, size_t n)
{
    if (in->n + n > INPUT_MAX)
        return;
    memmove(in->p + at + n, in->p + at, in->n - at);
    memmove(in->p + at, p, n);
    in->n += n;
}

static void mutate_once(struct input *in)
{
    static const uint8_t bytes[] = {0,  1,  9,  10,  13,  32,  34,  37,  44,  47,  48,  57, 58,
                                    91, 92, 93, 123, 125, 127, 128, 192, 193, 221, 223, 255};
    size_t at = in->n ? chance((uint32_t)in->n) : 0;
    size_t most = in->n - at;
    uint8_t b = bytes[chance(sizeof(bytes))];
    uint8_t piece[64];
    switch (in->n ? chance(7) : 1) {
    case 0:
        in->p[at] ^= (uint8_t)(1 << chance(8));
        break;
    case 1:
        put(in, at, &b, 1);
        break;
    case 2:
        in->p[at] = b;
        break;
    case 3: { /* cut a few bytes out */
        size_t n = 1 + chance(16);
        n = n < most ? n : most;
        memmove(in->p + at, in->p + at + n, most - n);
        in->n -= n;
        break;
    }
    case 4: /* cut the end off */
        in->n = at;
        break;
    case 5: { /* repeat a piece somewhere */
        size_t n = 1 + chance(sizeof(piece));
        n = n < most ? n : most;
        memcpy(piece, in->p + at, n);
        put(in, chance((uint32_t)in->n), piece, n);
        break;
    }
    default: { /* a piece of another file */
        const struct input *other = &files[chance((uint32_t)n_files)];
        if (!other->n)
            break;
        size_t from = chance((uint32_t)other->n), n = 1 + chance(sizeof(piece));
        n = n < other->n - from ? n : other->n - from;
        put(in, at, other->p + from, n);
        break;
    }
    }
}

static void on_abort(int number)
{
    char text[96];
    int n =
        snprintf(text, sizeof(text), "input %ld failed\n%ld passed, 1 failed\n", running, passed);
    if (write(STDOUT_FILENO, text, (size_t)n) < 0)
        _exit(2);
    signal(number, SIG_DFL);
    raise(number);
}

int main(int argc, char **argv)
{
    long mutations = argc > 2 ? atol(argv[2]) : MUTATIONS;
    if (LLVMFuzzerInitialize)
        LLVMFuzzerInitialize(&argc, &argv);
    signal(SIGABRT, on_abort);
    if (argc > 1)
        add_folder(argv[1]);
    if (n_files < FILES_MAX)
        files[n_files++].p = calloc(1, INPUT_MAX); /* the empty input */
    for (size_t i = 0; i < n_files; i++)
        run(files[i].p, files[i].n);
    struct input in = {.p = malloc(INPUT_MAX)};
    for (long i = 0; i < mutations; i++) {
        const struct input *from = &files[chance((uint32_t)n_files)];
        memcpy(in.p, from->p, from->n);
        in.n = from->n;
        for (uint32_t k = 1 + chance(8); k > 0; k--)
            mutate_once(&in);
        run(in.p, in.n);
    }
    printf("%ld passed, 0 failed\n", passed);
    free(in.p);
    for (size_t i = 0; i < n_files; i++)
        free(files[i].p);
    return 0;
}
