/* walk.c -- over everything a folder holds, past what is damaged.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/walk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

void findings_add(struct findings *f, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("damaged: ", f->out);
    vfprintf(f->out, fmt, args);
    fputc('\n', f->out);
    va_end(args);
    f->n++;
}

struct time_text time_text(int64_t ms)
{
    struct time_text t = {""};
    struct tm tm;
    int64_t part = (ms % 1000 + 1000) % 1000;
    time_t s = (time_t)((ms - part) / 1000);
    char day[30] = "?";
    if (gmtime_r(&s, &tm))
        strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", &tm);
    snprintf(t.text, sizeof(t.text), "%s.%03d UTC", day, (int)part);
    return t;
}

bool walk_block_whole(struct str key, struct str value, struct block_head *out, struct err *err)
{
    struct block_reader b;
    struct record_view r;
    if (!block_open(&b, key, value, err))
        return false;
    while (block_next(&b, &r, err))
        ;
    *out = b.head;
    return !err->set;
}

/* key + 2^bit, as a big endian number in its first 8 bytes; false: there is none so large. */
static bool key_ahead(struct buf *key, int bit)
{
    uint64_t n = 0;
    for (int i = 0; i < 8; i++)
        n = n << 8 | ((size_t)i < key->n ? (uint8_t)key->p[i] : 0);
    uint64_t ahead = n + ((uint64_t)1 << bit);
    if (ahead < n)
        return false;
    key->n = 0;
    for (int i = 7; i >= 0; i--)
        buf_putc(key, (char)(ahead >> 8 * i));
    return true;
}

/* Stands on the first key that can be read behind the one it could not go on from, or almost: it looks ever further ahead. */
static bool pass_over(struct rocks_iter *i, struct str from)
{
    bool found = false;
    for (int bit = 0; bit < 64 && !found; bit++) {
        struct err err = {0};
        struct buf key = {0};
        buf_put(&key, from.p, from.n);
        found = key_ahead(&key, bit) && rocks_seek(i, buf_str(&key), &err);
        buf_fini(&key);
        if (!found && !err.set) /* nothing is behind it */
            break;
    }
    return found;
}

bool walk_space(struct rocks *r, enum rocks_space space, struct findings *f, uint64_t *gaps,
                walk_fn *visit, void *ctx)
{
    struct err err = {0};
    struct buf at = {0};
    struct rocks_iter *i = rocks_iter_new(r, space);
    bool more = rocks_seek(i, STR(""), &err), good = true;
    while (good && (more || err.set)) {
        if (err.set) {
            findings_add(f, "%s", err.text);
            err = (struct err){0};
            (*gaps)++;
            more = pass_over(i, buf_str(&at));
            continue;
        }
        struct str key = rocks_key(i);
        at.n = 0;
        buf_put(&at, key.p, key.n);
        good = visit(ctx, key, rocks_value(i));
        more = rocks_next(i, &err);
    }
    rocks_iter_free(i);
    buf_fini(&at);
    return good;
}
