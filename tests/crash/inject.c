/* inject.c -- stands between the server and the system's calls on its data folder: makes some fail, and records what changed.
 *
 * Preloaded, so it also stands between the system and RocksDB, which calls the same C library. The system is called directly;
 * only what the C library buffers goes on to its own function. To add a call: a row in enum fault_op, its name in inject.py,
 * and a function here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "inject.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#undef dprintf
#undef fread_unlocked /* of some C libraries' headers */
enum { FDS = 1 << 16, IO_ERROR_SEEN = 0x20 };
static char dir[PATH_MAX]; /* empty: nothing is ours */
static size_t dir_n;
static struct faults *faults;
static _Atomic unsigned char ours[FDS]; /* descriptors of files below dir */
static _Atomic uint64_t syncs;

static size_t (*real_fread_unlocked)(void *, size_t, size_t, FILE *);
static size_t (*real_fread)(void *, size_t, size_t, FILE *);
static FILE *(*real_fopen)(const char *, const char *);
static int (*real_fclose)(FILE *);
static DIR *(*real_opendir)(const char *);

static void *next(const char *name)
{
    void *f = dlsym(RTLD_NEXT, name);
    if (!f)
        _exit(123);
    return f;
}

/* Other libraries' constructors may open files before ours has run. */
static void resolve(void)
{
    if (real_opendir)
        return;
    *(void **)&real_fread_unlocked = next("fread_unlocked");
    *(void **)&real_fread = next("fread");
    *(void **)&real_fopen = next("fopen");
    *(void **)&real_fclose = next("fclose");
    *(void **)&real_opendir = next("opendir");
}

__attribute__((constructor)) static void start(void)
{
    resolve();
    const char *where = getenv("INJECT_DIR"), *file = getenv("INJECT_FAULTS"),
               *record = getenv("INJECT_RECORD");
    if (!where || strlen(where) >= sizeof(dir))
        return;
    if (file) {
        int fd = open(file, O_RDWR | O_CLOEXEC);
        void *p = mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (fd < 0 || p == MAP_FAILED)
            _exit(124);
        close(fd);
        faults = p;
    }
    if (record)
        record_init(record);
    dir_n = strlen(where);
    memcpy(dir, where, dir_n + 1);
}

/* ---- What is ours */

static bool path_below(const char *path)
{
    return dir_n && !strncmp(path, dir, dir_n) && (!path[dir_n] || path[dir_n] == '/') &&
           !strstr(path + dir_n, "/..");
}

static bool path_of(int fd, char *out, size_t n)
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t got = syscall(SYS_readlinkat, AT_FDCWD, link, out, n - 1);
    out[got < 0 ? 0 : got] = 0;
    return got > 0;
}

/* The path when it is below dir, NULL when not. */
static const char *path_whole(int at, const char *path, char *out, size_t n)
{
    if (!dir_n || !path)
        return NULL;
    if (path[0] == '/' || at == AT_FDCWD)
        return path_below(path) ? path : NULL;
    size_t used = path_of(at, out, n) ? strlen(out) : 0;
    if (!used || used + strlen(path) + 2 > n)
        return NULL;
    out[used] = '/';
    strcpy(out + used + 1, path);
    return path_below(out) ? out : NULL;
}

static bool fd_ours(int fd)
{
    return fd >= 0 && fd < FDS && ours[fd];
}

static void fd_mark(int fd, bool is)
{
    if (fd >= 0 && fd < FDS)
        ours[fd] = is;
}

/* ---- Faults */

static bool fault_taken(enum fault_op op)
{
    if (!faults)
        return false;
    faults->calls[op]++;
    if (!faults->armed || !(faults->ops >> op & 1))
        return false;
    return faults->skip-- <= 0 && faults->times-- > 0;
}

static bool is_log(const char *path)
{
    size_t n = strlen(path);
    return n > 4 && !strcmp(path + n - 4, ".log");
}

/* Shall this call fail? Then errno is set. *part (may be NULL): it shall do half of what it was asked to. */
static bool fault(enum fault_op op, int fd, const char *path, bool *part)
{
    if (part)
        *part = false;
    if (!fault_taken(op))
        return false;
    char name[FAULT_PATH] = "";
    if (path)
        snprintf(name, sizeof(name), "%s", path);
    else
        path_of(fd, name, sizeof(name));
    memcpy(faults->path, name, sizeof(name));
    if ((op == OP_FDATASYNC || op == OP_FSYNC) && is_log(name))
        faults->syncs_failed++;
    bool first = !faults->hits++;
    if (part && (!faults->error || (faults->part && first))) {
        *part = true;
        return false;
    }
    errno = faults->error ? faults->error : EINTR;
    return true;
}

/* ---- Opening and closing */

static int open_ours(int at, const char *path, const char *whole, int flags, mode_t mode)
{
    if (fault(flags & O_CREAT ? OP_CREATE : OP_OPEN, -1, whole, NULL))
        return -1;
    bool changes = record_on() && (flags & (O_CREAT | O_TRUNC));
    if (changes)
        record_lock();
    bool was = changes && !syscall(SYS_faccessat, at, path, F_OK);
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    if (changes) {
        if (fd >= 0 && !was)
            record_change(CHANGE_CREATE, record_file(fd), 0, whole, strlen(whole));
        else if (fd >= 0 && (flags & O_TRUNC))
            record_change(CHANGE_TRUNCATE, record_file(fd), 0, NULL, 0);
        record_unlock();
    }
    fd_mark(fd, true);
    return fd;
}

static int open_any(int at, const char *path, int flags, mode_t mode)
{
    char room[PATH_MAX];
    const char *whole = path_whole(at, path, room, sizeof(room));
    if (whole)
        return open_ours(at, path, whole, flags, mode);
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    fd_mark(fd, false);
    return fd;
}

#define MODE_OF(flags)                                                                             \
    mode_t mode = 0;                                                                               \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {                                                       \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        mode = (mode_t)va_arg(args, unsigned int);                                                 \
        va_end(args);                                                                              \
    }

int open(const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_any(AT_FDCWD, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_any(at, path, flags, mode);
}

int __open_2(const char *path, int flags)
{
    return open_any(AT_FDCWD, path, flags, 0);
}

int creat(const char *path, mode_t mode)
{
    return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* Reading only: what is written through a stream would pass by the record, and its own check would say so. */
FILE *fopen(const char *path, const char *mode)
{
    resolve();
    if (!path_below(path))
        return real_fopen(path, mode);
    if (fault(OP_OPEN, -1, path, NULL))
        return NULL;
    FILE *f = real_fopen(path, mode);
    if (f)
        fd_mark(fileno(f), true);
    return f;
}

int close(int fd)
{
    fd_mark(fd, false);
    return (int)syscall(SYS_close, fd);
}

int fclose(FILE *f)
{
    resolve();
    fd_mark(fileno(f), false);
    return real_fclose(f);
}

DIR *opendir(const char *path)
{
    resolve();
    if (path_below(path) && fault(OP_OPENDIR, -1, path, NULL))
        return NULL;
    return real_opendir(path);
}

int accept4(int fd, struct sockaddr *addr, socklen_t *n, int flags)
{
    if (dir_n && fault(OP_ACCEPT, fd, NULL, NULL))
        return -1;
    int got = (int)syscall(SYS_accept4, fd, addr, n, flags);
    fd_mark(got, false);
    return got;
}

/* ---- Reading */

ssize_t read(int fd, void *to, size_t n)
{
    bool part = false;
    if (fd_ours(fd) && fault(OP_READ, fd, NULL, &part))
        return -1;
    return syscall(SYS_read, fd, to, part && n > 1 ? n / 2 : n);
}

ssize_t __read_chk(int fd, void *to, size_t n, size_t room)
{
    return read(fd, to, n);
}

ssize_t pread(int fd, void *to, size_t n, off_t at)
{
    bool part = false;
    if (fd_ours(fd) && fault(OP_PREAD, fd, NULL, &part))
        return -1;
    return syscall(SYS_pread64, fd, to, part && n > 1 ? n / 2 : n, at);
}

static bool stream_fails(FILE *f)
{
    if (!fd_ours(fileno_unlocked(f)) || !fault(OP_FREAD, fileno_unlocked(f), NULL, NULL))
        return false;
    f->_flags |= IO_ERROR_SEEN; /* as the C library would: no end of the file */
    return true;
}

size_t fread_unlocked(void *to, size_t size, size_t n, FILE *f)
{
    resolve();
    return stream_fails(f) ? 0 : real_fread_unlocked(to, size, n, f);
}

size_t fread(void *to, size_t size, size_t n, FILE *f)
{
    resolve();
    return stream_fails(f) ? 0 : real_fread(to, size, n, f);
}

void *mmap(void *where, size_t n, int prot, int flags, int fd, off_t at)
{
    if (fd_ours(fd) && fault(OP_MMAP, fd, NULL, NULL))
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, where, n, prot, flags, fd, at);
}

int stat(const char *path, struct stat *st)
{
    if (path_below(path) && fault(OP_STAT, -1, path, NULL))
        return -1;
    return (int)syscall(SYS_newfstatat, AT_FDCWD, path, st, 0);
}

int access(const char *path, int mode)
{
    if (path_below(path) && fault(OP_STAT, -1, path, NULL))
        return -1;
    return (int)syscall(SYS_faccessat, AT_FDCWD, path, mode);
}

/* ---- Writing */

ssize_t write(int fd, const void *bytes, size_t n)
{
    bool part = false;
    if (!fd_ours(fd))
        return syscall(SYS_write, fd, bytes, n);
    if (fault(OP_WRITE, fd, NULL, &part))
        return -1;
    record_lock();
    ssize_t done = syscall(SYS_write, fd, bytes, part && n > 1 ? n / 2 : n);
    if (done > 0 && record_on()) {
        off_t end = lseek(fd, 0, SEEK_CUR);
        record_change(CHANGE_WRITE, record_file(fd), (uint64_t)(end - done), bytes, (size_t)done);
    }
    record_unlock();
    return done;
}

static int print_text(int fd, const char *format, va_list args)
{
    char text[4096];
    int n = vsnprintf(text, sizeof(text), format, args);
    return n < 0 || (size_t)n >= sizeof(text) ? -1 : (int)write(fd, text, (size_t)n);
}

int dprintf(int fd, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = print_text(fd, format, args);
    va_end(args);
    return n;
}

int __dprintf_chk(int fd, int flag, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = print_text(fd, format, args);
    va_end(args);
    return n;
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    bool part = false;
    if (!fd_ours(fd))
        return syscall(SYS_pwrite64, fd, bytes, n, at);
    if (fault(OP_PWRITE, fd, NULL, &part))
        return -1;
    record_lock();
    ssize_t done = syscall(SYS_pwrite64, fd, bytes, part && n > 1 ? n / 2 : n, at);
    if (done > 0)
        record_change(CHANGE_WRITE, record_file(fd), (uint64_t)at, bytes, (size_t)done);
    record_unlock();
    return done;
}

/* One piece after the other: a write that ends early is one that a caller must expect. */
ssize_t writev(int fd, const struct iovec *pieces, int n)
{
    if (!fd_ours(fd))
        return syscall(SYS_writev, fd, pieces, n);
    if (fault(OP_WRITEV, fd, NULL, NULL))
        return -1;
    ssize_t all = 0;
    for (int i = 0; i < n; i++) {
        ssize_t done = write(fd, pieces[i].iov_base, pieces[i].iov_len);
        if (done < 0)
            return all ? all : -1;
        all += done;
        if ((size_t)done < pieces[i].iov_len)
            break;
    }
    return all;
}

int ftruncate(int fd, off_t size)
{
    if (fd_ours(fd) && fault(OP_TRUNCATE, fd, NULL, NULL))
        return -1;
    bool notes = fd_ours(fd) && record_on();
    if (notes)
        record_lock();
    int rc = (int)syscall(SYS_ftruncate, fd, size);
    if (notes && !rc)
        record_change(CHANGE_TRUNCATE, record_file(fd), (uint64_t)size, NULL, 0);
    if (notes)
        record_unlock();
    return rc;
}

int fallocate(int fd, int mode, off_t at, off_t n)
{
    if (fd_ours(fd) && fault(OP_ALLOCATE, fd, NULL, NULL))
        return -1;
    bool notes = fd_ours(fd) && record_on() && !(mode & FALLOC_FL_KEEP_SIZE);
    if (notes)
        record_lock();
    int rc = (int)syscall(SYS_fallocate, fd, mode, at, n);
    if (notes && !rc)
        record_change(CHANGE_ALLOCATE, record_file(fd), (uint64_t)(at + n), NULL, 0);
    if (notes)
        record_unlock();
    return rc;
}

int posix_fallocate(int fd, off_t at, off_t n)
{
    return fallocate(fd, 0, at, n) ? errno : 0;
}

static int sync_any(long call, enum fault_op op, int fd)
{
    if (!fd_ours(fd))
        return (int)syscall(call, fd);
    if (fault(op, fd, NULL, NULL))
        return -1;
    uint64_t which = ++syncs, file = record_file(fd);
    record_lock();
    record_change(CHANGE_SYNC_BEGIN, file, which, NULL, 0);
    record_unlock();
    int rc = (int)syscall(call, fd);
    record_lock();
    if (!rc)
        record_change(CHANGE_SYNC_END, file, which, NULL, 0);
    record_unlock();
    return rc;
}

int fdatasync(int fd)
{
    return sync_any(SYS_fdatasync, OP_FDATASYNC, fd);
}

int fsync(int fd)
{
    return sync_any(SYS_fsync, OP_FSYNC, fd);
}

/* Promises nothing, so nothing is noted. Without flags it does nothing: no system can fail at that. */
int sync_file_range(int fd, off_t at, off_t n, unsigned flags)
{
    if (fd_ours(fd) && flags && fault(OP_SYNC_RANGE, fd, NULL, NULL))
        return -1;
    return (int)syscall(SYS_sync_file_range, fd, at, n, flags);
}

/* ---- Names */

static int name_done(int rc, enum change_kind kind, const char *path, const char *other)
{
    if (!rc && record_on()) {
        char both[2 * PATH_MAX]; /* the second behind the first's NUL */
        size_t n = strlen(path);
        memcpy(both, path, n + 1);
        if (other)
            memcpy(both + n + 1, other, strlen(other));
        record_change(kind, 0, 0, both, other ? n + 1 + strlen(other) : n);
    }
    record_unlock();
    return rc;
}

int rename(const char *from, const char *to)
{
    if (!path_below(from) && !path_below(to))
        return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (fault(OP_RENAME, -1, to, NULL))
        return -1;
    record_lock();
    int rc = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    return name_done(rc, CHANGE_RENAME, from, to);
}

int link(const char *from, const char *to)
{
    if (!path_below(to))
        return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (fault(OP_LINK, -1, to, NULL))
        return -1;
    record_lock();
    int rc = (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    return name_done(rc, CHANGE_LINK, from, to);
}

int unlinkat(int at, const char *path, int flags)
{
    char room[PATH_MAX];
    const char *whole = path_whole(at, path, room, sizeof(room));
    if (!whole)
        return (int)syscall(SYS_unlinkat, at, path, flags);
    if (fault(OP_UNLINK, -1, whole, NULL))
        return -1;
    record_lock();
    int rc = (int)syscall(SYS_unlinkat, at, path, flags);
    return name_done(rc, flags ? CHANGE_RMDIR : CHANGE_UNLINK, whole, NULL);
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int mkdir(const char *path, mode_t mode)
{
    if (!path_below(path))
        return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    if (fault(OP_MKDIR, -1, path, NULL))
        return -1;
    record_lock();
    int rc = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    struct stat st;
    if (!rc && record_on() && !syscall(SYS_newfstatat, AT_FDCWD, path, &st, 0))
        record_change(CHANGE_MKDIR, st.st_ino, 0, path, strlen(path));
    record_unlock();
    return rc;
}

/* ---- The same for those built with 64-bit offsets under names of their own, as Python is */

#define ALSO(name, as) extern __typeof__(name) as __attribute__((alias(#name)))
ALSO(open, open64);
ALSO(openat, openat64);
ALSO(__open_2, __open64_2);
ALSO(creat, creat64);
ALSO(fopen, fopen64);
ALSO(pread, pread64);
ALSO(pwrite, pwrite64);
ALSO(mmap, mmap64);
ALSO(ftruncate, ftruncate64);
ALSO(fallocate, fallocate64);
ALSO(posix_fallocate, posix_fallocate64);
