/* record.c -- the preloaded library's memory of every change to the data folder, in the order it happened.
 *
 * It lives in a file in memory, so that it outlasts the process. A change is noted by whoever made it while the lock is held;
 * only a sync runs without it, between its two notes, as a write beside it may or may not be covered.
 * SPDX-License-Identifier: Apache-2.0 */
#include "inject.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct record_head *head;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

bool record_on(void)
{
    return head != NULL;
}

void record_init(const char *file)
{
    int fd = open(file, O_RDWR | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st))
        _exit(121); /* the test sees it: a server without its recorder would pass for nothing */
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        _exit(122);
    close(fd);
    head = p;
    head->room = (uint64_t)st.st_size - sizeof(*head);
}

void record_lock(void)
{
    if (head)
        pthread_mutex_lock(&lock);
}

void record_unlock(void)
{
    if (head)
        pthread_mutex_unlock(&lock);
}

uint64_t record_file(int fd)
{
    struct stat st;
    return head && !fstat(fd, &st) ? st.st_ino : 0;
}

void record_change(enum change_kind kind, uint64_t file, uint64_t a, const void *bytes, size_t n)
{
    if (!head)
        return;
    uint64_t size = head->size, padded = (n + 7) & ~(uint64_t)7;
    if (size + sizeof(struct change) + padded > head->room) {
        head->overflow = 1;
        return;
    }
    struct change c = {kind, (uint32_t)n, file, a};
    char *to = (char *)(head + 1) + size;
    memcpy(to, &c, sizeof(c));
    if (n)
        memcpy(to + sizeof(c), bytes, n);
    head->size = size + sizeof(c) + padded;
}
