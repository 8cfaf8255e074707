/* synced.c -- the file SYNCED: which logs and manifests must be there, and how long.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/synced.h"
#include "journal/wal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { PLACE = 4096, PLACES = 2, LENGTH_AT = PLACE * PLACES, LENGTH_BYTES = 20 };
#define MAGIC "SBsynced"

struct synced {
    pthread_mutex_t lock;
    int fd, dir_fd; /* both open: there may be none left later */
    uint64_t turn;  /* of the newest place; they alternate */
    bool loose;
    bool unwritten; /* something is in no place yet */
    bool failed;    /* for good */
    struct synced_file files[SYNCED_MAX];
    size_t n;
};

enum synced_kind synced_kind_of(const char *name, uint64_t *number)
{
    struct str s = str_of(name);
    if (str_starts(s, "MANIFEST-"))
        return str_u64((struct str){s.p + 9, s.n - 9}, number) ? SYNCED_MANIFEST : SYNCED_NOTHING;
    if (s.n > 4 && strcmp(s.p + s.n - 4, ".log") == 0)
        return str_u64((struct str){s.p, s.n - 4}, number) ? SYNCED_LOG : SYNCED_NOTHING;
    return SYNCED_NOTHING;
}

/* -- One place: what it is, its turn, the files, a checksum, zeros */

static uint64_t newest_log(const struct synced *s)
{
    uint64_t newest = 0;
    for (size_t i = 0; i < s->n; i++)
        if (s->files[i].kind == SYNCED_LOG)
            newest = MAX_OF(newest, s->files[i].number);
    return newest;
}

static void place_pack(const struct synced *s, struct buf *out)
{
    buf_puts(out, MAGIC);
    pack_u64(out, s->turn + 1);
    pack_u32(out, s->loose);
    pack_u32(out, (uint32_t)s->n);
    for (size_t i = 0; i < s->n; i++) {
        const struct synced_file *f = &s->files[i];
        bool open = f->kind == SYNCED_LOG && f->number == newest_log(s);
        pack_u32(out, f->kind);
        pack_u64(out, f->number);
        pack_u64(out, open ? 0 : f->n_bytes);
    }
    pack_u32(out, wal_crc(0, out->p, out->n));
    while (out->n < PLACE)
        buf_putc(out, 0);
}

static bool place_unpack(struct synced *s, struct str place)
{
    struct unpack u = unpack_of(place);
    if (!str_eqz(unpack_bytes(&u, 8), MAGIC))
        return false;
    s->turn = unpack_u64(&u);
    s->loose = unpack_u32(&u) != 0;
    s->n = unpack_u32(&u);
    if (s->n > SYNCED_MAX)
        return false;
    for (size_t i = 0; i < s->n; i++) {
        s->files[i].kind = (enum synced_kind)unpack_u32(&u);
        s->files[i].number = unpack_u64(&u);
        s->files[i].n_bytes = unpack_u64(&u);
    }
    uint32_t crc = wal_crc(0, place.p, (size_t)(u.p - place.p));
    return unpack_u32(&u) == crc && !u.bad;
}

static int write_at(const struct synced *s, const struct buf *b, off_t at)
{
    for (size_t done = 0; done < b->n;) {
        ssize_t n = pwrite(s->fd, b->p + done, b->n - done, at + (off_t)done);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            return n == 0 ? ENOSPC : errno;
    }
    return 0;
}

/* 0 or errno. In place: needs no room, but where a quota, a thin volume or copying on write has its say. The place that was
 * not written keeps its turn: the other one is good. */
static int save(struct synced *s)
{
    struct buf place = {0};
    s->unwritten = true;
    if (s->failed)
        return EIO;
    place_pack(s, &place);
    int why = write_at(s, &place, (off_t)((s->turn + 1) % PLACES * PLACE));
    if (!why && fdatasync(s->fd) != 0)
        why = errno;
    buf_fini(&place);
    s->failed = why && !synced_again(why);
    if (!why) {
        s->turn++;
        s->unwritten = false;
    }
    return why;
}

/* A hint: whether it gets there does not matter. */
static void length_save(const struct synced *s, const struct synced_file *f)
{
    struct buf b = {0};
    pack_u64(&b, f->number);
    pack_u64(&b, f->n_bytes);
    pack_u32(&b, wal_crc(0, b.p, b.n));
    (void)write_at(s, &b, LENGTH_AT);
    buf_fini(&b);
}

/* The newest log's length; one that can't be read is none. */
static void length_load(struct synced *s, struct str text)
{
    struct unpack u = unpack_of(text);
    uint64_t number = unpack_u64(&u), n_bytes = unpack_u64(&u);
    if (text.n != LENGTH_BYTES || unpack_u32(&u) != wal_crc(0, text.p, LENGTH_BYTES - 4))
        return;
    for (size_t i = 0; i < s->n; i++)
        if (s->files[i].kind == SYNCED_LOG && s->files[i].number == number)
            s->files[i].last_bytes = n_bytes;
}

/* -- Opening */

static bool load(struct synced *s, const char *path, struct err *err)
{
    static const struct synced none;
    char text[LENGTH_AT + LENGTH_BYTES];
    struct synced best = none, it = none;
    ssize_t n = pread(s->fd, text, sizeof(text), 0);
    if (n < 0)
        return err_set(err, "%s: cannot read: %s", path, strerror(errno));
    for (size_t i = 0; i < PLACES && (ssize_t)((i + 1) * PLACE) <= n; i++)
        if (place_unpack(&it, (struct str){text + i * PLACE, PLACE}) && it.turn > best.turn)
            best = it;
    if (!best.turn)
        return err_set(err, "%s: is damaged at byte 0", path);
    s->turn = best.turn;
    s->loose = best.loose;
    s->n = best.n;
    memcpy(s->files, best.files, sizeof(s->files));
    if (n == (ssize_t)sizeof(text))
        length_load(s, (struct str){text + LENGTH_AT, LENGTH_BYTES});
    return true;
}

static bool make_file(struct synced *s, const char *path, struct err *err)
{
    int why = save(s);
    if (!why)
        why = save(s); /* both places */
    if (!why && fsync(s->fd) != 0)
        why = errno;
    return !why || err_set(err, "%s: cannot write: %s", path, strerror(why));
}

struct synced *synced_open(const char *dir, bool make, struct err *err)
{
    struct buf path = {0};
    struct synced *s = xcalloc(1, sizeof(*s));
    pthread_mutex_init(&s->lock, NULL);
    s->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    buf_printf(&path, "%s/SYNCED", dir);
    buf_putc(&path, 0);
    s->fd = open(path.p, O_RDWR | O_CLOEXEC | (make ? O_CREAT | O_TRUNC : 0), 0600);
    if (s->fd < 0 && !make && (errno == EACCES || errno == EROFS))
        s->fd = open(path.p, O_RDONLY | O_CLOEXEC); /* enough for looking */
    bool good = s->fd >= 0 && s->dir_fd >= 0;
    if (!good && errno == ENOENT)
        err_set(err, "%s: is missing", path.p);
    else if (!good)
        err_set(err, "%s: cannot open: %s", path.p, strerror(errno));
    else
        good = make ? make_file(s, path.p, err) : load(s, path.p, err);
    buf_fini(&path);
    if (good)
        return s;
    synced_close(s);
    return NULL;
}

void synced_close(struct synced *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    if (s->dir_fd >= 0)
        close(s->dir_fd);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* -- Noting */

static struct synced_file *find(struct synced *s, enum synced_kind kind, uint64_t number)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->files[i].kind == kind && s->files[i].number == number)
            return &s->files[i];
    return NULL;
}

/* A file's name must be as durable as what is said of it. What a sync of a folder could not write may be gone. */
static int name_synced(struct synced *s)
{
    s->failed |= fsync(s->dir_fd) != 0;
    return s->failed ? EIO : 0;
}

bool synced_loose(struct synced *s)
{
    return s->loose;
}

void synced_set_loose(struct synced *s, bool loose)
{
    pthread_mutex_lock(&s->lock);
    s->unwritten |= s->loose != loose;
    s->loose = loose;
    pthread_mutex_unlock(&s->lock);
}

bool synced_again(int why)
{
    return why == ENOSPC || why == EDQUOT || why == EFBIG;
}

int synced_note(struct synced *s, enum synced_kind kind, uint64_t number, uint64_t n_bytes)
{
    int why = 0;
    pthread_mutex_lock(&s->lock);
    struct synced_file *f = find(s, kind, number);
    bool is_new = !f && s->n < SYNCED_MAX;
    if (is_new) {
        why = name_synced(s);
        f = &s->files[s->n];
        *f = (struct synced_file){.kind = kind, .number = number};
    }
    if (f && !why) {
        bool longer = n_bytes > f->n_bytes;
        f->n_bytes = MAX_OF(f->n_bytes, n_bytes);
        s->n += is_new;
        if (is_new || kind == SYNCED_MANIFEST || s->unwritten)
            why = save(s);
        if (!why && longer && kind == SYNCED_LOG && number == newest_log(s))
            length_save(s, f); /* it is written to a place when it is not the newest any more */
    }
    pthread_mutex_unlock(&s->lock);
    return why;
}

int synced_forget(struct synced *s, enum synced_kind kind, uint64_t number)
{
    pthread_mutex_lock(&s->lock);
    struct synced_file *f = find(s, kind, number);
    if (f) {
        memmove(f, f + 1, (size_t)(s->files + s->n - (f + 1)) * sizeof(*f));
        s->n--;
    }
    int why =
        f || s->unwritten ? save(s) : 0; /* it may still stand on the disk from the last try */
    pthread_mutex_unlock(&s->lock);
    return why;
}

int synced_settle(struct synced *s)
{
    pthread_mutex_lock(&s->lock);
    int why = s->unwritten ? save(s) : 0;
    pthread_mutex_unlock(&s->lock);
    return why;
}

size_t synced_files(struct synced *s, struct synced_file out[SYNCED_MAX])
{
    pthread_mutex_lock(&s->lock);
    size_t n = s->n;
    memcpy(out, s->files, n * sizeof(*out));
    pthread_mutex_unlock(&s->lock);
    return n;
}
