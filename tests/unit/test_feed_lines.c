/* test_feed_lines.c -- lines of plain, gzip and zstd files: wherever a chunk ends, whatever is cut off, damaged or too large.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "feed/lines.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { LINE_MAX_BYTES = 8 };

/* ---- Files in memory */

struct file {
    int fd;
    char path[40];
};

static struct file file_of(struct str bytes)
{
    struct file f = {.fd = memfd_create("test", 0)};
    if (f.fd < 0 || write(f.fd, bytes.p, bytes.n) != (ssize_t)bytes.n)
        abort();
    snprintf(f.path, sizeof(f.path), "/proc/self/fd/%d", f.fd);
    return f;
}

static void gzip(struct str s, struct buf *out)
{
    z_stream z = {0};
    deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    buf_reserve(out, deflateBound(&z, s.n));
    z.next_in = (Bytef *)s.p;
    z.avail_in = (uInt)s.n;
    z.next_out = (Bytef *)out->p + out->n;
    z.avail_out = (uInt)(out->cap - out->n);
    if (deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    out->n += z.total_out;
    deflateEnd(&z);
}

static void zstd(struct str s, struct buf *out)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    buf_reserve(out, ZSTD_compressBound(s.n));
    size_t n = ZSTD_compress2(c, out->p + out->n, out->cap - out->n, s.p, s.n);
    if (ZSTD_isError(n))
        abort();
    out->n += n;
    ZSTD_freeCCtx(c);
}

static void plain(struct str s, struct buf *out)
{
    buf_put(out, s.p, s.n);
}

typedef void packer(struct str s, struct buf *out);
static packer *const packers[] = {plain, gzip, zstd};

/* ---- What is read */

/* Every line as number, text or "too long", and "." for an end; then how it ended. */
static enum input_said read_all(const char *path, const struct input_options *o, size_t line_max,
                                struct buf *out, struct err *err)
{
    struct lines *l = lines_open(path, line_max, o, err);
    struct line line;
    enum input_said said = l ? INPUT_BYTES : INPUT_FAILED;
    while (l && (said = lines_next(l, &line, err)) == INPUT_BYTES) {
        buf_printf(out, "%d=", (int)line.number);
        buf_put(out, line.text.p, line.text.n);
        buf_printf(out, "%s%s ", line.too_long ? "too long" : "", line.ended ? "." : "");
    }
    lines_close(l);
    return said;
}

static enum input_said read_bytes(struct str bytes, size_t chunk, size_t line_max, struct buf *out,
                                  struct err *err)
{
    struct file f = file_of(bytes);
    struct input_options o = {.stop_fd = -1, .chunk = chunk};
    out->n = 0;
    enum input_said said = read_all(f.path, &o, line_max, out, err);
    close(f.fd);
    return said;
}

static void test_lines(void)
{
    static const struct {
        struct str bytes;
        const char *want;
    } cases[] = {
        {STR(""), ""},
        {STR("\n"), "1=. "},
        {STR("\n\n"), "1=. 2=. "},
        {STR("a"), "1=a "},
        {STR("a\n"), "1=a. "},
        {STR("a\nbc"), "1=a. 2=bc "},
        {STR("a\r\nb\r\n"), "1=a. 2=b. "},
        {STR("\r\n\r\n"), "1=. 2=. "},
        {STR("a\rb\n"), "1=a\rb. "},
        {STR("a\r\r\n"), "1=a\r. "},
        {STR("a\r"), "1=a\r "}, /* half an end is none */
        {STR("\xef\xbb\xbf"), "1= "},
        {STR("\xef\xbb\xbf"
             "a\nb\n"),
         "1=a. 2=b. "},
        {STR("a\n\xef\xbb\xbf"
             "b\n"),
         "1=a. 2=\xef\xbb\xbf"
         "b. "},
        {STR("12345678\n1\n"), "1=12345678. 2=1. "},
        {STR("12345678\r\n1\n"), "1=12345678. 2=1. "},
        {STR("\xef\xbb\xbf"
             "12345678\r\n1\n"),
         "1=12345678. 2=1. "},
        {STR("123456789\n1\n"), "1=too long. 2=1. "},
        {STR("123456789\r\n1\n"), "1=too long. 2=1. "},
        {STR("1\n12345678901234567890\n\n2\n"), "1=1. 2=too long. 3=. 4=2. "},
        {STR("1\n12345678901234567890"), "1=1. 2=too long "},
        {STR("12345678"), "1=12345678 "},
        {STR("123456789"), "1=too long "},
    };
    struct buf got = {0}, packed = {0};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (size_t k = 0; k < COUNT_OF(packers); k++)
            for (size_t chunk = 0; chunk < 40; chunk++) {
                struct err err = {0};
                packed.n = 0;
                packers[k](cases[i].bytes, &packed);
                enum input_said said =
                    read_bytes(buf_str(&packed), chunk, LINE_MAX_BYTES, &got, &err);
                CHECK(said == INPUT_END && str_eqz(buf_str(&got), cases[i].want),
                      "case %zu, packer %zu, chunk %zu: %d %s, got %.*s", i, k, chunk, said,
                      err.text, STR_FMT(buf_str(&got)));
            }
    buf_fini(&got);
    buf_fini(&packed);
}

/* The same whatever the chunk, and whether it was held or passed over: a replay is told apart by it. */
static void test_hashes(void)
{
    static const struct str text = {"\xef\xbb\xbf"
                                    "ab\r\n\n123456789012345678901234567890\r\nlast",
                                    44};
    struct file f = file_of(text);
    uint64_t want[4] = {str_hash((struct str){text.p, 6}), str_hash(STR("")),
                        str_hash(STR("123456789012345678901234567890\r")), str_hash(STR("last"))};
    for (size_t line_max = 1; line_max < 40; line_max++)
        for (size_t chunk = 1; chunk < 45; chunk++) {
            struct input_options o = {.stop_fd = -1, .chunk = chunk};
            struct err err = {0};
            struct line line;
            struct lines *l = lines_open(f.path, line_max, &o, &err);
            for (size_t i = 0; i < COUNT_OF(want); i++)
                CHECK(lines_next(l, &line, &err) == INPUT_BYTES && line.hash == want[i],
                      "line_max %zu, chunk %zu, line %zu", line_max, chunk, i + 1);
            lines_close(l);
        }
    close(f.fd);
}

/* A line longer than any buffer, between two others. */
static void test_a_long_line(void)
{
    enum { LONG = 3 << 20 };
    struct buf bytes = {0}, got = {0};
    struct err err = {0};
    buf_puts(&bytes, "a\n");
    for (size_t i = 0; i < LONG; i++)
        buf_putc(&bytes, 'x');
    buf_puts(&bytes, "\nb\n");
    CHECK_INT(read_bytes(buf_str(&bytes), 0, 100000, &got, &err), INPUT_END);
    CHECK(str_eqz(buf_str(&got), "1=a. 2=too long. 3=b. "), "%.*s", STR_FMT(buf_str(&got)));
    CHECK_INT(read_bytes(buf_str(&bytes), 0, LONG, &got, &err), INPUT_END);
    CHECK_INT(got.n, LONG + 14); /* there it is short enough */
    buf_fini(&bytes);
    buf_fini(&got);
}

static void test_holding(void)
{
    struct file f = file_of(STR("a\nb\n"));
    struct input_options o = {.stop_fd = -1};
    struct err err = {0};
    struct line line;
    struct lines *l = lines_open(f.path, 100, &o, &err);
    for (int i = 0; i < 3; i++) {
        CHECK(lines_next(l, &line, &err) == INPUT_BYTES && str_eqz(line.text, "a"));
        CHECK_INT(line.number, 1);
        lines_hold(l);
    }
    lines_next(l, &line, &err);
    CHECK(lines_next(l, &line, &err) == INPUT_BYTES && str_eqz(line.text, "b"));
    CHECK_INT(lines_next(l, &line, &err), INPUT_END);
    CHECK_INT(lines_next(l, &line, &err), INPUT_END);
    CHECK_INT(input_at(lines_input(l)), 4);
    CHECK_INT(input_size(lines_input(l)), 4);
    lines_close(l);
    close(f.fd);
}

/* ---- Packed files */

static void test_one_behind_the_other(void)
{
    struct buf bytes = {0}, got = {0};
    for (size_t k = 1; k < COUNT_OF(packers); k++)
        for (size_t chunk = 0; chunk < 50; chunk++) {
            struct err err = {0};
            bytes.n = 0;
            packers[k](STR("a\nb"), &bytes);
            packers[k](STR(""), &bytes);
            if (packers[k] == zstd) /* a frame that zstd passes over */
                buf_put(&bytes, "\x50\x2a\x4d\x18\x03\x00\x00\x00xyz", 11);
            packers[k](STR("c\nd\n"), &bytes);
            CHECK_INT(read_bytes(buf_str(&bytes), chunk, 100, &got, &err), INPUT_END);
            CHECK(str_eqz(buf_str(&got), "1=a. 2=bc. 3=d. "), "%.*s", STR_FMT(buf_str(&got)));
        }
    bytes.n = 0; /* as pzstd begins a file */
    buf_put(&bytes, "\x50\x2a\x4d\x18\x03\x00\x00\x00xyz", 11);
    zstd(STR("a\n"), &bytes);
    struct err err = {0};
    CHECK_INT(read_bytes(buf_str(&bytes), 0, 100, &got, &err), INPUT_END);
    CHECK(str_eqz(buf_str(&got), "1=a. "));
    buf_fini(&bytes);
    buf_fini(&got);
}

static void fill_text(struct buf *out, size_t n_lines)
{
    uint32_t state = 1;
    for (size_t i = 0; i < n_lines; i++) {
        state = state * 1664525 + 1013904223;
        buf_printf(out, "%zu %x\n", i, state);
    }
}

/* Cut off at every place: whole lines from the beginning, then where and why. */
static void test_truncation(void)
{
    struct buf text = {0}, bytes = {0}, whole = {0}, got = {0};
    fill_text(&text, 30);
    for (size_t k = 1; k < COUNT_OF(packers); k++) {
        struct err none = {0};
        bytes.n = 0;
        packers[k](buf_str(&text), &bytes);
        CHECK_INT(read_bytes(buf_str(&bytes), 0, 100, &whole, &none), INPUT_END);
        for (size_t n = 4; n < bytes.n; n++)
            for (size_t chunk = 0; chunk <= 7; chunk += 7) {
                struct err err = {0};
                char want[100];
                enum input_said said = read_bytes((struct str){bytes.p, n}, chunk, 100, &got, &err);
                snprintf(want, sizeof(want),
                         "damaged at byte %zu of the %s file: it ends too early", n,
                         k == 1 ? "gzip" : "zstd");
                CHECK(said == INPUT_FAILED && strstr(err.text, want), "%zu: %s", n, err.text);
                CHECK(got.n <= whole.n && (!got.n || !memcmp(got.p, whole.p, got.n)));
            }
    }
    buf_fini(&text);
    buf_fini(&bytes);
    buf_fini(&whole);
    buf_fini(&got);
}

/* One bit wrong at every place: it is said, unless it changes nothing. */
static void test_damage(void)
{
    struct buf text = {0}, bytes = {0}, whole = {0}, got = {0};
    fill_text(&text, 30);
    for (size_t k = 1; k < COUNT_OF(packers); k++) {
        struct err none = {0};
        size_t n_silent = 0;
        bytes.n = 0;
        packers[k](buf_str(&text), &bytes);
        read_bytes(buf_str(&bytes), 0, 100, &whole, &none);
        for (size_t i = 4 * 8; i < bytes.n * 8; i++) {
            struct err err = {0};
            bytes.p[i / 8] ^= (char)(1 << i % 8);
            enum input_said said = read_bytes(buf_str(&bytes), 0, 100, &got, &err);
            if (said == INPUT_END && str_eq(buf_str(&got), buf_str(&whole)))
                n_silent++;
            else
                CHECK(said == INPUT_FAILED && strstr(err.text, "damaged at byte "), "bit %zu: %s",
                      i, err.text);
            bytes.p[i / 8] ^= (char)(1 << i % 8);
        }
        CHECK(n_silent < 80, "%zu", n_silent); /* time, system and hints of the head */
    }
    buf_fini(&text);
    buf_fini(&bytes);
    buf_fini(&whole);
    buf_fini(&got);
}

static void test_rubbish_behind(void)
{
    struct buf bytes = {0}, got = {0};
    for (size_t k = 1; k < COUNT_OF(packers); k++) {
        struct err err = {0};
        bytes.n = 0;
        packers[k](STR("a\nb\n"), &bytes);
        buf_puts(&bytes, "and more");
        CHECK_INT(read_bytes(buf_str(&bytes), 0, 100, &got, &err), INPUT_FAILED);
        CHECK(str_eqz(buf_str(&got), "1=a. 2=b. "), "%.*s", STR_FMT(buf_str(&got)));
        CHECK(strstr(err.text, "damaged at byte "), "%s", err.text);
    }
    buf_fini(&bytes);
    buf_fini(&got);
}

/* 128 MiB in some KiB. */
static void test_bombs(void)
{
    enum { MIB = 1 << 20, N = 128 };
    char *zeros = calloc(N, MIB);
    struct buf bytes = {0}, got = {0};
    for (size_t k = 1; k < COUNT_OF(packers); k++) {
        struct err err = {0};
        bytes.n = 0;
        packers[k]((struct str){zeros, (size_t)N * MIB}, &bytes);
        struct file f = file_of(buf_str(&bytes));
        struct input_options o = {.stop_fd = -1};
        got.n = 0;
        CHECK_INT(read_all(f.path, &o, 1000, &got, &err), INPUT_FAILED);
        CHECK(strstr(err.text, "more than 200 times its size") && strstr(err.text, "--any-size"),
              "%s", err.text);
        CHECK_INT(got.n, 0);
        o.any_size = true;
        CHECK_INT(read_all(f.path, &o, 1000, &got, &err), INPUT_END);
        CHECK(str_eqz(buf_str(&got), "1=too long "));
        close(f.fd);
    }
    free(zeros);
    buf_fini(&bytes);
    buf_fini(&got);
}

/* What unpacks to much, but to less than 200 times its size, is read. */
static void test_large_and_honest(void)
{
    enum { N = 72 << 20 };
    struct buf text = {0}, bytes = {0}, got = {0};
    uint64_t state = 1;
    while (text.n < N) { /* hexadecimal digits: half their size */
        char line[40];
        int n = 0;
        for (int i = 0; i < 2; i++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            n += snprintf(line + n, sizeof(line) - (size_t)n, "%016llx", (unsigned long long)state);
        }
        for (int i = 0; i < 1000; i++)
            buf_put(&text, line, (size_t)n);
        buf_putc(&text, '\n');
    }
    struct err err = {0};
    zstd(buf_str(&text), &bytes);
    CHECK(bytes.n * 200 < text.n * 2, "%zu", bytes.n);
    CHECK_INT(read_bytes(buf_str(&bytes), 0, 10, &got, &err), INPUT_END);
    CHECK(!err.set, "%s", err.text);
    buf_fini(&text);
    buf_fini(&bytes);
    buf_fini(&got);
}

/* ---- What is no file of lines */

static void test_strangers(void)
{
    static const struct {
        struct str bytes;
        const char *want;
    } cases[] = {
        {STR("\xfd\x37zXZ\0\0\0\0\0"), "this is xz"},
        {STR("BZh91AY&SY\0\0\0"), "this is bzip2"},
        {STR("PK\x03\x04\0\0\0\0\0\0"), "this is a zip archive"},
        {STR("\x04\x22\x4d\x18\0\0\0\0\0"), "this is lz4"},
        {STR("\xff\xfe"
             "a\0b\0\n\0"),
         "this is UTF-16"},
        {STR("\xfe\xff\0a\0b\0\n"), "this is UTF-16"},
    };
    struct buf got = {0};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (size_t chunk = 0; chunk < 12; chunk++) {
            struct err err = {0};
            CHECK_INT(read_bytes(cases[i].bytes, chunk, 100, &got, &err), INPUT_FAILED);
            CHECK(strstr(err.text, cases[i].want), "%s", err.text);
        }
    static const struct str near[] = {STR("BZh9 is a shop\n"), STR("PK\n"), STR("\x1f"),
                                      STR("\x28\xb5\x2f")};
    for (size_t i = 0; i < COUNT_OF(near); i++) { /* short of being one, it is a line */
        struct err err = {0};
        CHECK_INT(read_bytes(near[i], 1, 100, &got, &err), INPUT_END);
        CHECK(got.n > 0);
    }
    buf_fini(&got);
}

static void test_no_file(void)
{
    struct input_options o = {.stop_fd = -1};
    struct buf got = {0};
    struct err err = {0};
    CHECK_INT(read_all("/nonexistent/x", &o, 100, &got, &err), INPUT_FAILED);
    CHECK_STR(err.text, "/nonexistent/x: No such file or directory");
    err = (struct err){0};
    CHECK_INT(read_all("/tmp", &o, 100, &got, &err), INPUT_FAILED);
    CHECK_STR(err.text, "/tmp: this is a folder");
    err = (struct err){0};
    CHECK_INT(read_all("/proc/self/mem", &o, 100, &got, &err), INPUT_FAILED);
    CHECK(strstr(err.text, "it can't be read behind byte 0: Input/output error"), "%s", err.text);
    buf_fini(&got);
}

/* A pipe that falls silent in the middle of a line, and somebody who wants to leave. */
static void test_pipe(void)
{
    int data[2], stop[2];
    char path[40];
    struct err err = {0};
    struct line line;
    if (pipe(data) || pipe(stop))
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", data[0]);
    struct input_options o = {.stop_fd = stop[0]};
    struct lines *l = lines_open(path, 100, &o, &err);
    CHECK_INT(lines_next(l, &line, &err), INPUT_QUIET);
    CHECK(write(data[1], "first\nsec", 9) == 9);
    CHECK_INT(lines_next(l, &line, &err), INPUT_QUIET); /* too few bytes to tell what it is */
    CHECK(write(data[1], "ond\nthi", 7) == 7);
    CHECK(lines_next(l, &line, &err) == INPUT_BYTES && str_eqz(line.text, "first"));
    CHECK(lines_next(l, &line, &err) == INPUT_BYTES && str_eqz(line.text, "second"));
    CHECK_INT(lines_next(l, &line, &err), INPUT_QUIET);
    CHECK(write(stop[1], "x", 1) == 1);
    CHECK(write(data[1], "rd\n", 3) == 3);
    CHECK_INT(lines_next(l, &line, &err), INPUT_STOPPED);
    CHECK(read(stop[0], path, 1) == 1);
    CHECK(lines_next(l, &line, &err) == INPUT_BYTES && str_eqz(line.text, "third"));
    CHECK_INT(input_size(lines_input(l)), 0);
    close(data[1]);
    CHECK_INT(lines_next(l, &line, &err), INPUT_END);
    lines_close(l);
    close(data[0]);
    close(stop[0]);
    close(stop[1]);
}

/* zstd counts calls that bring nothing, and takes sixteen of them for damage: a slow sender is none. */
static void test_slow_frame(void)
{
    enum { LONGER_THAN_ZSTD_WAITS = 20 };
    struct buf packed = {0};
    for (size_t k = 1; k < COUNT_OF(packers); k++) {
        int data[2];
        char path[40];
        struct err err = {0};
        struct line line;
        packed.n = 0;
        packers[k](STR("first\nsecond, and a bit more of it\n"), &packed);
        size_t half = packed.n / 2;
        if (pipe(data))
            abort();
        snprintf(path, sizeof(path), "/proc/self/fd/%d", data[0]);
        struct input_options o = {.stop_fd = -1};
        struct lines *l = lines_open(path, 100, &o, &err);
        CHECK(!input_rereadable(lines_input(l)));
        CHECK(write(data[1], packed.p, half) == (ssize_t)half);
        enum input_said said = INPUT_QUIET;
        int n = 0;
        for (int i = 0; i < LONGER_THAN_ZSTD_WAITS && said != INPUT_FAILED; i++)
            n += (said = lines_next(l, &line, &err)) == INPUT_BYTES;
        CHECK(said == INPUT_QUIET, "packer %zu: %s", k, err.text);
        CHECK(write(data[1], packed.p + half, packed.n - half) == (ssize_t)(packed.n - half));
        close(data[1]);
        while ((said = lines_next(l, &line, &err)) == INPUT_BYTES)
            n++;
        CHECK(said == INPUT_END && n == 2, "packer %zu: %d %s", k, said, err.text);
        lines_close(l);
        close(data[0]);
    }
    buf_fini(&packed);
}

int main(void)
{
    test_slow_frame();
    test_lines();
    test_hashes();
    test_a_long_line();
    test_holding();
    test_one_behind_the_other();
    test_truncation();
    test_damage();
    test_rubbish_behind();
    test_bombs();
    test_large_and_honest();
    test_strangers();
    test_no_file();
    test_pipe();
    return check_done();
}
