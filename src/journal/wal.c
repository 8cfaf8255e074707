/* wal.c -- tells a write that a crash cut short from damage, in one of RocksDB's log files.
 *
 * RocksDB itself can't: it takes a record that ends behind the file's end for a cut in any log, and so a flipped bit in a
 * length; and it takes zeros, which a lost sector leaves as well as a write that never came, for the end. Here a cut is
 * - a fragment that ends behind the file's end, unless its length is what was flipped, or
 * - a fragment of which all that lies in some sector is zero, unless a bit was flipped in it, too;
 * and no record begins behind it. Everything else that is not whole is damage.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/wal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 32768, HEAD = 7, SECTOR = 512 };
enum { TYPE_NONE, TYPE_FULL, TYPE_FIRST, TYPE_MIDDLE, TYPE_LAST };

struct log {
    uint8_t *p;
    uint64_t n;
};
struct fragment {
    uint32_t masked; /* the checksum, as it is stored */
    uint32_t n;
    uint8_t type;
};

static struct fragment head_of(const struct log *log, uint64_t at)
{
    const uint8_t *p = log->p + at;
    return (struct fragment){p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24,
                             (uint32_t)(p[4] | p[5] << 8), p[6]};
}

static uint32_t unmask(uint32_t masked)
{
    uint32_t rotated = masked - 0xa282ead8u;
    return rotated >> 17 | rotated << 15;
}

static uint64_t block_end(uint64_t at)
{
    return at / BLOCK * BLOCK + BLOCK;
}

/* Does a fragment of this length have room, in its block and in the file? */
static bool fits(const struct log *log, uint64_t at, uint64_t n)
{
    return at + HEAD + n <= MIN_OF(log->n, block_end(at));
}

/* The checksum covers the type and what follows, not the length. */
static uint32_t crc_of(const struct log *log, uint64_t at, uint64_t n)
{
    return wal_crc(0, log->p + at + 6, 1 + n);
}

static bool fragment_whole(const struct log *log, uint64_t at)
{
    if (!fits(log, at, 0))
        return false;
    struct fragment f = head_of(log, at);
    return f.type != TYPE_NONE && fits(log, at, f.n) && crc_of(log, at, f.n) == unmask(f.masked);
}

/* Would it be whole, but for one bit? A crash does not flip single bits. */
static bool fragment_flipped(const struct log *log, uint64_t at)
{
    if (!fits(log, at, 0))
        return false;
    struct fragment f = head_of(log, at);
    uint32_t want = unmask(f.masked);
    for (int bit = 0; bit < 16; bit++)
        if (fits(log, at, f.n ^ 1u << bit) && crc_of(log, at, f.n ^ 1u << bit) == want)
            return true;
    if (!fits(log, at, f.n))
        return false;
    uint32_t crc = crc_of(log, at, f.n);
    for (int bit = 0; bit < 32; bit++)
        if (unmask(f.masked ^ 1u << bit) == crc)
            return true;
    return wal_crc_one_bit(crc ^ want, 1 + f.n);
}

static bool all_zero(const struct log *log, uint64_t from, uint64_t to)
{
    while (from < to && log->p[from] == 0)
        from++;
    return from >= to;
}

/* Did nothing of [from, to) get to some sector? Those at both ends may be shared with a neighbour and hold a few bytes only: but a
 * fragment begins with a checksum, and what is logged ends with one, so these are hardly ever zeros by themselves. */
static bool sector_unwritten(const struct log *log, uint64_t from, uint64_t to)
{
    while (from < to) {
        uint64_t end = MIN_OF(from / SECTOR * SECTOR + SECTOR, to);
        if (all_zero(log, from, end))
            return true;
        from = end;
    }
    return false;
}

/* Does a record begin behind the fragment that is not whole? Each block begins with a fragment, and they follow each other. */
static bool record_behind(const struct log *log, uint64_t at)
{
    struct fragment f = fits(log, at, 0) ? head_of(log, at) : (struct fragment){0};
    uint64_t next = f.type != TYPE_NONE && fits(log, at, f.n) ? at + HEAD + f.n : block_end(at);
    while (next < log->n) {
        for (; fragment_whole(log, next); next += HEAD + head_of(log, next).n)
            if (head_of(log, next).type <= TYPE_FIRST)
                return true;
        next = block_end(next);
    }
    return false;
}

/* The fragment at out->bad_at is not whole. */
static void judge(const struct log *log, struct wal_state *out)
{
    uint64_t at = out->bad_at, end = log->n;
    bool short_of = !fits(log, at, 0);
    out->end = WAL_DAMAGED;
    out->why = "a checksum does not match";
    if (!short_of && head_of(log, at).type != TYPE_NONE) {
        end = at + HEAD + head_of(log, at).n;
        short_of = end > log->n && end <= block_end(at);
        if (end > block_end(at))
            out->why = "a length is out of range";
        end = MIN_OF(end, log->n);
    }
    if (fragment_flipped(log, at))
        out->why = "a bit is flipped";
    else if (record_behind(log, at))
        out->why = "a record is not whole, though others are behind it";
    else if (short_of || sector_unwritten(log, at, end)) {
        out->end = WAL_CUT;
        out->why = "the last write is not all there";
    }
}

/* Walks over the fragments, and stops at the first that does not fit to those before it. */
static void walk(const struct log *log, struct wal_state *out)
{
    bool inside = false; /* a record */
    uint64_t at = 0;
    while (at < log->n) {
        if (at % BLOCK + HEAD > BLOCK) { /* too little for a head: filled up */
            at = block_end(at);
            continue;
        }
        out->bad_at = at;
        if (!fragment_whole(log, at)) {
            judge(log, out);
            return;
        }
        struct fragment f = head_of(log, at);
        if (f.type > TYPE_LAST || inside != (f.type == TYPE_MIDDLE || f.type == TYPE_LAST)) {
            out->end = WAL_DAMAGED;
            out->why = f.type > TYPE_LAST ? "a record is of an unknown kind"
                                          : "part of a record is missing";
            return;
        }
        at += HEAD + f.n;
        inside = f.type == TYPE_FIRST || f.type == TYPE_MIDDLE;
        if (!inside) {
            out->whole_bytes = at;
            out->n_records++;
        }
    }
    out->bad_at = log->n;
    out->end = inside ? WAL_CUT : WAL_WHOLE;
    out->why = inside ? "the last write is not all there" : "";
}

static bool log_load(const char *path, struct log *log, struct err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && fstat(fd, &st) == 0;
    log->p = xmalloc(good ? (size_t)st.st_size + 1 : 1);
    log->n = 0;
    while (good && log->n < (uint64_t)st.st_size) {
        ssize_t n = read(fd, log->p + log->n, (size_t)st.st_size - log->n);
        if (n == 0)
            break;
        if (n > 0)
            log->n += (uint64_t)n;
        else if (errno != EINTR)
            good = false;
    }
    if (!good)
        err_set(err, "%s: cannot read: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return good;
}

bool wal_read(const char *path, struct wal_state *out, struct err *err)
{
    struct log log;
    *out = (struct wal_state){.end = WAL_WHOLE, .why = ""};
    bool good = log_load(path, &log, err);
    out->n_bytes = log.n;
    if (good)
        walk(&log, out);
    free(log.p);
    return good;
}
