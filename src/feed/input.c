/* input.c -- reads a file or a pipe; gzip and zstd are recognised by their first bytes, whatever the file is called.
 *
 * Members of gzip and frames of zstd that stand behind each other are one stream, as their own tools have it. What is cut off
 * or damaged gives all bytes before that place, and then says where it is. Memory does not grow with the file: zstd's
 * window, the largest part, is refused beyond 128 MiB.
 * SPDX-License-Identifier: Apache-2.0 */
#include "feed/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { CHUNK = 256 << 10, HEAD = 10 }; /* HEAD: bytes that tell what a file is */
enum packing { UNKNOWN, PLAIN, GZIP, ZSTD };

struct input {
    const char *name;
    struct input_options o;
    int fd;
    uint64_t size;
    bool rereadable;
    enum packing packing;
    char *raw; /* bytes of the file from raw_at to raw_n are not unpacked yet */
    size_t raw_at, raw_n;
    bool raw_end;
    uint64_t n_read, n_made;
    bool inside; /* a member or frame has begun and has not ended */
    bool full;   /* the last room was filled: there may be more in the unpacker */
    z_stream gzip;
    ZSTD_DStream *zstd;
};

struct input *input_open(const char *path, const struct input_options *o, struct err *err)
{
    struct stat st;
    bool std = !strcmp(path, "-");
    int fd = std ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        err_set(err, "%s: %s", std ? "standard input" : path, strerror(errno));
        return NULL;
    }
    if (S_ISDIR(st.st_mode)) {
        err_set(err, "%s: this is a folder", path);
        close(fd);
        return NULL;
    }
    struct input *in = xcalloc(1, sizeof(*in));
    in->name = std ? "standard input" : path;
    in->o = *o;
    in->o.chunk = o->chunk ? o->chunk : CHUNK;
    in->fd = fd;
    in->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    in->rereadable = S_ISREG(st.st_mode) && !std;
    in->raw = xmalloc(MAX_OF(in->o.chunk, HEAD));
    return in;
}

void input_close(struct input *in)
{
    if (!in)
        return;
    if (in->packing == GZIP)
        inflateEnd(&in->gzip);
    ZSTD_freeDStream(in->zstd);
    if (in->fd != STDIN_FILENO)
        close(in->fd);
    free(in->raw);
    free(in);
}

const char *input_name(const struct input *in)
{
    return in->name;
}

uint64_t input_at(const struct input *in)
{
    return in->n_read;
}

uint64_t input_size(const struct input *in)
{
    return in->size;
}

bool input_rereadable(const struct input *in)
{
    return in->rereadable;
}

/* ---- Bytes of the file */

/* At most *n, at least one. A file that can't be waited for answers at once. */
static enum input_said read_file(struct input *in, char *p, size_t *n, struct err *err)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = in->fd, .events = POLLIN},
                               {.fd = in->o.stop_fd, .events = POLLIN}};
        int ready = poll(fds, 2, INPUT_QUIET_MS);
        if (ready > 0 && fds[1].revents)
            return INPUT_STOPPED;
        if (ready == 0)
            return INPUT_QUIET;
        if (ready < 0 && errno == EINTR)
            continue;
        ssize_t got = read(in->fd, p, MIN_OF(*n, in->o.chunk));
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got < 0) {
            err_set(err, "%s: it can't be read behind byte %llu: %s", in->name,
                    (unsigned long long)in->n_read, strerror(errno));
            return INPUT_FAILED;
        }
        in->raw_end = got == 0;
        in->n_read += (uint64_t)got;
        *n = (size_t)got;
        return got ? INPUT_BYTES : INPUT_END;
    }
}

/* More into raw, behind what is there. */
static enum input_said fill(struct input *in, struct err *err)
{
    if (in->raw_at == in->raw_n)
        in->raw_at = in->raw_n = 0;
    size_t n = MAX_OF(in->o.chunk, HEAD) - in->raw_n;
    enum input_said said = in->raw_end ? INPUT_END : read_file(in, in->raw + in->raw_n, &n, err);
    if (said == INPUT_BYTES)
        in->raw_n += n;
    return said;
}

/* ---- What it is */

static bool is_zstd(const uint8_t *p, size_t n)
{
    bool skippable = n >= 4 && (p[0] & 0xf0) == 0x50 && !memcmp(p + 1, "\x2a\x4d\x18", 3);
    return skippable || (n >= 4 && !memcmp(p, "\x28\xb5\x2f\xfd", 4));
}

/* What no line of events begins with, and what to do about it; NULL: it may be one. */
static const char *stranger(const uint8_t *p, size_t n)
{
    static const struct {
        const char *bytes; /* '?': any */
        size_t n;
        const char *text;
    } table[] = {
        {"\xfd\x37zXZ\0", 6, "this is xz: unpack it first"},
        {"BZh?1AY&SY", 10, "this is bzip2: unpack it first"},
        {"PK\x03\x04", 4, "this is a zip archive: unpack it first"},
        {"\x04\x22\x4d\x18", 4, "this is lz4: unpack it first"},
        {"\xff\xfe", 2, "this is UTF-16: make it UTF-8 first"},
        {"\xfe\xff", 2, "this is UTF-16: make it UTF-8 first"},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        size_t k = 0;
        while (k < table[i].n && k < n &&
               (table[i].bytes[k] == '?' || (uint8_t)table[i].bytes[k] == p[k]))
            k++;
        if (k == table[i].n)
            return table[i].text;
    }
    return NULL;
}

static enum input_said recognise(struct input *in, struct err *err)
{
    enum input_said said = INPUT_BYTES;
    while (in->raw_n < HEAD && said == INPUT_BYTES)
        said = fill(in, err);
    if (said != INPUT_BYTES && said != INPUT_END)
        return said;
    const uint8_t *p = (const uint8_t *)in->raw;
    const char *why = stranger(p, in->raw_n);
    if (why) {
        err_set(err, "%s: %s; gzip and zstd are read as they are", in->name, why);
        return INPUT_FAILED;
    }
    if (in->raw_n >= 2 && p[0] == 0x1f && p[1] == 0x8b) {
        enum { ANY_WINDOW_OF_GZIP = 15 + 16 };
        if (inflateInit2(&in->gzip, ANY_WINDOW_OF_GZIP) != Z_OK)
            abort(); /* out of memory */
        in->packing = GZIP;
    } else if (is_zstd(p, in->raw_n)) {
        in->zstd = ZSTD_createDStream();
        if (!in->zstd)
            abort();
        in->packing = ZSTD;
    } else {
        in->packing = PLAIN;
    }
    return INPUT_BYTES;
}

/* ---- Unpacking */

static bool damaged(struct input *in, const char *why, struct err *err)
{
    return err_set(err,
                   "%s: damaged at byte %llu of the %s file: %s; what stands before it is whole",
                   in->name, (unsigned long long)(in->n_read - (in->raw_n - in->raw_at)),
                   in->packing == GZIP ? "gzip" : "zstd", why);
}

/* Unpacks what is in raw, or still in the unpacker, into p; *n: how much came of it, perhaps nothing. */
static bool gunzip(struct input *in, char *p, size_t *n, struct err *err)
{
    z_stream *z = &in->gzip;
    if (!in->inside)
        inflateReset(z);
    in->inside = true;
    z->next_in = (Bytef *)in->raw + in->raw_at;
    z->avail_in = (uInt)(in->raw_n - in->raw_at);
    z->next_out = (Bytef *)p;
    z->avail_out = (uInt)MIN_OF(*n, UINT32_MAX);
    size_t room = z->avail_out;
    int code = inflate(z, Z_NO_FLUSH);
    in->raw_at = in->raw_n - z->avail_in;
    *n = room - z->avail_out;
    if (code == Z_STREAM_END)
        in->inside = false;
    else if (code != Z_OK && code != Z_BUF_ERROR)
        return damaged(in, z->msg ? z->msg : "it does not unpack", err);
    return true;
}

static bool unzstd(struct input *in, char *p, size_t *n, struct err *err)
{
    ZSTD_inBuffer from = {in->raw, in->raw_n, in->raw_at};
    ZSTD_outBuffer to = {p, *n, 0};
    size_t code = ZSTD_decompressStream(in->zstd, &to, &from);
    in->raw_at = from.pos;
    *n = to.pos;
    if (ZSTD_isError(code))
        return damaged(in, ZSTD_getErrorName(code), err);
    in->inside = code != 0;
    return true;
}

static bool too_much(const struct input *in)
{
    return !in->o.any_size && in->n_made > INPUT_FREE_BYTES &&
           (in->n_made - INPUT_FREE_BYTES) / INPUT_TIMES > in->n_read;
}

static enum input_said unpack(struct input *in, char *p, size_t *n, struct err *err)
{
    for (;;) {
        size_t made = 0;
        /* not without need: libzstd takes calls that bring nothing for damage */
        if ((in->inside && in->full) || in->raw_at < in->raw_n) {
            made = *n;
            if (!(in->packing == GZIP ? gunzip : unzstd)(in, p, &made, err))
                return INPUT_FAILED;
            in->full = made == *n;
        }
        in->n_made += made;
        if (too_much(in)) {
            err_set(err,
                    "%s: it unpacks to more than %d times its size (%llu MiB so far): if that is "
                    "as it should be, say --any-size",
                    in->name, INPUT_TIMES, (unsigned long long)(in->n_made >> 20));
            return INPUT_FAILED;
        }
        *n = made ? made : *n;
        if (made)
            return INPUT_BYTES;
        if (in->raw_at < in->raw_n)
            continue;
        enum input_said said = fill(in, err);
        if (said == INPUT_END && in->inside) {
            damaged(in, "it ends too early", err);
            return INPUT_FAILED;
        }
        if (said != INPUT_BYTES)
            return said;
    }
}

static enum input_said read_plain(struct input *in, char *p, size_t *n, struct err *err)
{
    size_t held = MIN_OF(in->raw_n - in->raw_at, *n);
    if (!held)
        return in->raw_end ? INPUT_END : read_file(in, p, n, err);
    memcpy(p, in->raw + in->raw_at, held);
    in->raw_at += held;
    *n = held;
    return INPUT_BYTES;
}

enum input_said input_read(struct input *in, char *p, size_t *n, struct err *err)
{
    if (in->packing == UNKNOWN) {
        enum input_said said = recognise(in, err);
        if (said != INPUT_BYTES)
            return said;
    }
    return in->packing == PLAIN ? read_plain(in, p, n, err) : unpack(in, p, n, err);
}
