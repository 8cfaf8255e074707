/* refused.c -- counts refused lines by reason.
 *
 * Two reasons are of one kind when they differ in numbers and in what they quote only; of each kind the first is kept as it
 * was told. There is room for so many kinds, and the rest is counted together, so that a file of garbage costs no memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "feed/refused.h"

#include <errno.h>
#include <stdlib.h>

bool refused_init(struct refused *r, const char *path, struct err *err)
{
    *r = (struct refused){.path = path};
    if (path && !(r->file = fopen(path, "ae")))
        return err_set(err, "%s: %s", path, strerror(errno));
    if (r->file)
        setvbuf(r->file, NULL, _IOLBF, 0); /* what is refused is not sent again */
    return true;
}

bool refused_fini(struct refused *r, struct err *err)
{
    if (r->file && fclose(r->file))
        r->failed = true;
    if (r->failed)
        err_set(err, "%s: not all refused lines could be written: %s", r->path, strerror(errno));
    for (size_t i = 0; i < r->n_reasons; i++)
        free(r->reasons[i].text);
    buf_fini(&r->shown);
    bool whole = !r->failed;
    *r = (struct refused){0};
    return whole;
}

void refused_put_plain(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = (uint8_t)text.p[i], next = i + 1 < text.n ? (uint8_t)text.p[i + 1] : 0;
        bool c1 = c == 0xc2 && next >= 0x80 && next < 0xa0; /* control characters of two bytes */
        buf_putc(out, c < ' ' || c == 0x7f || c1 ? ' ' : text.p[i]);
        i += c1;
    }
}

/* Without digits, and without what stands between the first quote and the last. */
static uint64_t kind_of(struct str reason)
{
    char text[300];
    size_t n = 0;
    const char *end = reason.p + reason.n, *open = memchr(reason.p, '"', reason.n),
               *close = memrchr(reason.p, '"', reason.n);
    for (const char *p = reason.p; p < end && n < sizeof(text); p++)
        if (!(open && p > open && p < close) && !(*p >= '0' && *p <= '9'))
            text[n++] = *p;
    return str_hash((struct str){text, n});
}

static struct refused_reason *reason_find(struct refused *r, uint64_t kind)
{
    for (size_t i = 0; i < r->n_reasons && r->reasons[i].text; i++)
        if (r->reasons[i].kind == kind)
            return &r->reasons[i];
    if (r->n_reasons <= REFUSED_REASONS)
        r->n_reasons++;
    return &r->reasons[r->n_reasons - 1];
}

void refused_add(struct refused *r, const char *file, uint64_t line, struct str column,
                 struct str reason)
{
    struct buf plain = {0};
    refused_put_plain(&plain, reason);
    struct refused_reason *kind = reason_find(r, kind_of(buf_str(&plain)));
    r->n++;
    if (kind->n++ == 0 && kind != &r->reasons[REFUSED_REASONS]) {
        kind->kind = kind_of(buf_str(&plain));
        kind->text = xmalloc(plain.n + 1);
        memcpy(kind->text, plain.p, plain.n);
        kind->text[plain.n] = 0;
    }
    if (r->n <= REFUSED_SHOWN) {
        buf_puts(&r->shown, "  ");
        refused_put_plain(&r->shown, str_of(file));
        buf_printf(&r->shown, ":%llu: %.*s\n", (unsigned long long)line, STR_FMT(buf_str(&plain)));
    }
    if (r->file) {
        struct buf out = {0};
        refused_put_plain(&out, str_of(file));
        buf_printf(&out, "\t%llu\t%.*s\t%.*s\n", (unsigned long long)line, STR_FMT(column),
                   STR_FMT(buf_str(&plain)));
        r->failed |= fwrite(out.p, 1, out.n, r->file) != out.n;
        buf_fini(&out);
    }
    buf_fini(&plain);
}

static int most_first(const void *left, const void *right)
{
    const struct refused_reason *a = left, *b = right;
    if (!a->text != !b->text)
        return a->text ? -1 : 1;
    return a->n > b->n ? -1 : a->n < b->n;
}

void refused_write(const struct refused *r, struct buf *out)
{
    struct refused_reason sorted[REFUSED_REASONS + 1];
    memcpy(sorted, r->reasons, sizeof(sorted));
    qsort(sorted, r->n_reasons, sizeof(*sorted), most_first);
    if (!r->n)
        return;
    buf_puts(out, "refused, by reason:\n");
    for (size_t i = 0; i < r->n_reasons; i++)
        buf_printf(out, "%9llu  %s\n", (unsigned long long)sorted[i].n,
                   sorted[i].text ? sorted[i].text : "for other reasons");
    if (r->n > REFUSED_SHOWN)
        buf_printf(out, "the first %d of them:\n", REFUSED_SHOWN);
    else
        buf_puts(out, "which are:\n");
    buf_put(out, r->shown.p, r->shown.n);
    if (r->path)
        buf_printf(out, "all of them are in %s\n", r->path);
    else if (r->n > REFUSED_SHOWN)
        buf_puts(out, "--refused FILE writes down all of them\n");
}
