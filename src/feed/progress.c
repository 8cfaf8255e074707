/* progress.c -- the bar: bytes, events a second, time left. Nothing of it unless standard error is a terminal.
 * SPDX-License-Identifier: Apache-2.0 */
#include "feed/progress.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { EVERY_MS = 100, NAME_MOST = 24, BAR_LEAST = 10, BAR_MOST = 30 };

static void put_bytes(struct buf *out, uint64_t n)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)n;
    size_t u = 0;
    for (; value >= 1000 && u + 1 < COUNT_OF(units); u++)
        value /= 1024;
    buf_printf(out, u ? "%.1f %s" : "%.0f %s", value, units[u]);
}

void progress_put_count(struct buf *out, uint64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            buf_putc(out, ',');
        buf_putc(out, digits[i]);
    }
}

static void put_time(struct buf *out, uint64_t seconds)
{
    unsigned long long h = seconds / 3600, m = seconds / 60 % 60, s = seconds % 60;
    if (h)
        buf_printf(out, "%llu:%02llu:%02llu", h, m, s);
    else
        buf_printf(out, "%llu:%02llu", m, s);
}

static void put_bar(struct buf *out, double done, unsigned width)
{
    unsigned n = (unsigned)(done * width);
    buf_putc(out, '[');
    for (unsigned i = 0; i < width; i++)
        buf_putc(out, i < n ? '=' : i == n ? '>' : ' ');
    buf_puts(out, "] ");
}

/* What stands right of the bar. */
static void put_figures(const struct progress_state *s, double done, struct buf *out)
{
    if (s->size)
        buf_printf(out, "%3.0f %%  ", done * 100);
    put_bytes(out, s->at);
    if (s->size) {
        buf_puts(out, " of ");
        put_bytes(out, s->size);
    }
    buf_puts(out, "  ");
    progress_put_count(out, s->spent_ms > 0 ? s->n_events * 1000 / (uint64_t)s->spent_ms : 0);
    buf_puts(out, " events/s");
    uint64_t read = s->at - MIN_OF(s->from, s->at), left = s->size - MIN_OF(s->at, s->size);
    if (s->wait_ms > 0) {
        buf_puts(out, "  next in ");
        put_time(out, (uint64_t)(s->wait_ms + 999) / 1000);
    } else if (s->size && read && s->spent_ms > 0) {
        buf_puts(out, "  ");
        put_time(out, (uint64_t)((double)left / (double)read * (double)s->spent_ms / 1000 + 0.5));
        buf_puts(out, " left");
    }
}

/* The end of a name says more than its beginning. */
static void put_name(struct buf *out, const char *name)
{
    size_t n = strlen(name);
    const char *from = n > NAME_MOST ? name + n - NAME_MOST + 3 : name;
    while (from > name && (*from & 0xc0) == 0x80) /* not in the middle of a character */
        from++;
    buf_puts(out, from > name ? "..." : "");
    for (; *from; from++)
        buf_putc(out, (uint8_t)*from < ' ' || *from == 0x7f ? '?' : *from);
    buf_puts(out, "  ");
}

void progress_line(const struct progress_state *s, unsigned width, struct buf *out)
{
    struct buf name = {0}, figures = {0};
    double done = s->size ? MIN_OF((double)s->at / (double)s->size, 1.0) : 0;
    put_name(&name, s->name);
    put_figures(s, done, &figures);
    size_t room = width > figures.n ? width - figures.n : 0;
    if (name.n <= room) {
        buf_put(out, name.p, name.n);
        room -= name.n;
    }
    if (s->size && room >= BAR_LEAST + 3)
        put_bar(out, done, (unsigned)MIN_OF(room - 3, (size_t)BAR_MOST));
    buf_put(out, figures.p, MIN_OF(figures.n, width));
    buf_fini(&name);
    buf_fini(&figures);
}

void progress_init(struct progress *p)
{
    *p = (struct progress){.on = isatty(STDERR_FILENO)};
}

static unsigned terminal_width(void)
{
    enum { USUAL = 80 };
    struct winsize w;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) || w.ws_col == 0)
        return USUAL;
    return w.ws_col;
}

void progress_show(struct progress *p, const struct progress_state *s, int64_t now_ms)
{
    struct buf out = {0};
    if (!p->on || (p->drawn_ms && now_ms - p->drawn_ms < EVERY_MS))
        return;
    unsigned width = terminal_width() - 1; /* a full line would wrap */
    buf_putc(&out, '\r');
    progress_line(s, width, &out);
    for (size_t n = out.n; n <= width; n++)
        buf_putc(&out, ' ');
    fwrite(out.p, 1, out.n, stderr);
    fflush(stderr);
    buf_fini(&out);
    p->shown = true;
    p->drawn_ms = now_ms;
}

void progress_clear(struct progress *p)
{
    if (p->shown)
        fprintf(stderr, "\r%*s\r", (int)terminal_width() - 1, "");
    fflush(stderr);
    p->shown = false;
    p->drawn_ms = 0;
}
