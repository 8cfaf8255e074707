/* walk.c -- over everything a folder holds, past what is damaged.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/walk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

void findings_add(struct findings *f, const char *fmt, ...)
{
    va_list args;
    f->n++;
    if (!f->out)
        return;
    va_start(args, fmt);
    fputs("damaged: ", f->out);
    vfprintf(f->out, fmt, args);
    fputc('\n', f->out);
    va_end(args);
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

/* key + ahead, as a big endian number in its first 8 bytes; false: there is none so large. */
static bool key_ahead(struct buf *out, struct str key, uint64_t ahead)
{
    uint64_t n = 0;
    for (size_t i = 0; i < 8; i++)
        n = n << 8 | (i < key.n ? (uint8_t)key.p[i] : 0);
    ahead += n;
    for (int i = 7; i >= 0; i--)
        buf_putc(out, (char)(ahead >> 8 * i));
    return ahead >= n;
}

/* Can it be read so far ahead? *found: something is there, or behind it, and the iterator stands on it. */
static bool reads_at(struct rocks_iter *i, struct str from, uint64_t ahead, bool *found)
{
    struct err err = {0};
    struct buf key = {0};
    *found = key_ahead(&key, from, ahead) && rocks_seek(i, buf_str(&key), &err);
    buf_fini(&key);
    return !err.set;
}

/* Stands on the first key that can be read behind the one it could not go on from: it looks ever further ahead, and halves what
 * it passed over. false: there is none. */
static bool pass_over(struct rocks_iter *i, struct str from)
{
    bool found = false;
    uint64_t bad = 0, good = 1;
    while (!reads_at(i, from, good, &found)) {
        bad = good;
        good = good > UINT64_MAX / 2 ? UINT64_MAX : 2 * good;
        if (bad == good)
            return false;
    }
    while (good - bad > 1) {
        uint64_t mid = bad + (good - bad) / 2;
        if (reads_at(i, from, mid, &found))
            good = mid;
        else
            bad = mid;
    }
    return reads_at(i, from, good, &found) && found;
}

static bool walk(struct rocks_iter *i, struct findings *f, uint64_t *gaps, walk_fn *visit,
                 void *ctx)
{
    struct err err = {0};
    struct buf at = {0};
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
    buf_fini(&at);
    return good;
}

bool walk_space(struct rocks *r, enum rocks_space space, struct findings *f, uint64_t *gaps,
                walk_fn *visit, void *ctx)
{
    struct rocks_iter *i = rocks_iter_new(r, space);
    bool good = walk(i, f, gaps, visit, ctx);
    rocks_iter_free(i);
    return good;
}

bool walk_tables(struct rocks *r, enum rocks_space space, struct findings *f, uint64_t *gaps,
                 walk_fn *visit, void *ctx)
{
    bool good = true;
    struct rocks_iter *i;
    for (size_t n = 0; good && (i = rocks_iter_table(r, space, n)) != NULL; n++) {
        good = walk(i, f, gaps, visit, ctx);
        rocks_iter_free(i);
    }
    return good;
}
