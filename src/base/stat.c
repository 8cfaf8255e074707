/* stat.c -- the program's counters: one table, read by /metrics.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <inttypes.h>
#include <stdatomic.h>

static _Atomic int64_t values[STAT_COUNT];
static const struct {
    const char *name, *type, *help;
} rows[STAT_COUNT] = {
#define X(id, name, type, help) {name, type, help},
    STAT_TABLE(X)
#undef X
};

static __thread bool muted;

void stat_mute(bool mute)
{
    muted = mute;
}

void stat_add(enum stat_id id, int64_t n)
{
    if (muted)
        return;
    atomic_fetch_add_explicit(&values[id], n, memory_order_relaxed);
}

void stat_set(enum stat_id id, int64_t n)
{
    if (muted)
        return;
    atomic_store_explicit(&values[id], n, memory_order_relaxed);
}

int64_t stat_get(enum stat_id id)
{
    return atomic_load_explicit(&values[id], memory_order_relaxed);
}

void stat_write_prometheus(struct buf *b)
{
    for (size_t i = 0; i < STAT_COUNT; i++)
        buf_printf(b, "# HELP signalbox_%s %s\n# TYPE signalbox_%s %s\nsignalbox_%s %" PRId64 "\n",
                   rows[i].name, rows[i].help, rows[i].name, rows[i].type, rows[i].name,
                   stat_get(i));
}
