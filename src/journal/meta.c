/* meta.c -- what stands for the whole: the last complete generation, and how the last run went.
 *
 *     "base": version u8 | generation | seq | state | XXH3-64
 *     "run":  version u8 | page seed u64 | clean | sync | begun | aborted generations | epochs with their first seq | XXH3-64
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal_internal.h"

#include <stdlib.h>
#include <xxhash.h>

enum { VERSION = 1, SUM = 8 };
static const struct str key_base = {"base", 4}, key_run = {"run", 3};

void meta_run_fini(struct meta_run *m)
{
    free(m->aborted);
    free(m->epochs);
    *m = (struct meta_run){0};
}

void meta_base_fini(struct meta_base *m)
{
    buf_fini(&m->state);
    *m = (struct meta_base){0};
}

static void put_sum(struct buf *out, size_t from)
{
    pack_u64(out, XXH3_64bits(out->p + from, out->n - from));
}

/* What is between the version and the checksum. */
static bool check_sum(struct str value, const char *name, struct unpack *in, struct err *err)
{
    uint64_t sum;
    if (value.n < 1 + SUM)
        return err_set(err, "journal: its record \"%s\" is cut short: restore a backup", name);
    memcpy(&sum, value.p + value.n - SUM, SUM);
    if (sum != XXH3_64bits(value.p, value.n - SUM))
        return err_set(err, "journal: the checksum of its record \"%s\" is wrong: restore a backup",
                       name);
    if (*value.p != VERSION)
        return err_set(err,
                       "journal: its record \"%s\" has format %d, this program knows %d: start the "
                       "newer version that "
                       "wrote it",
                       name, (uint8_t)*value.p, VERSION);
    *in = unpack_of((struct str){value.p + 1, value.n - 1 - SUM});
    return true;
}

void meta_base_pack(struct buf *out, uint64_t generation, uint64_t seq, struct str state)
{
    size_t from = out->n;
    buf_putc(out, VERSION);
    pack_uint(out, generation);
    pack_uint(out, seq);
    pack_str(out, state);
    put_sum(out, from);
}

bool meta_base_unpack(struct meta_base *m, struct str value, struct err *err)
{
    struct unpack in;
    if (!check_sum(value, "base", &in, err))
        return false;
    m->generation = unpack_uint(&in);
    m->seq = unpack_uint(&in);
    struct str state = unpack_str(&in);
    if (!unpack_done(&in) || m->generation == 0 || m->generation > UINT32_MAX)
        return err_set(err, "journal: its record \"base\" makes no sense: restore a backup");
    m->state.n = 0;
    buf_put(&m->state, state.p, state.n);
    return true;
}

void meta_run_pack(struct buf *out, const struct meta_run *m)
{
    size_t from = out->n;
    uint32_t before = 0;
    buf_putc(out, VERSION);
    pack_u64(out, m->page_seed);
    pack_uint(out, m->clean);
    pack_uint(out, m->sync);
    pack_uint(out, m->begun);
    pack_uint(out, m->n_aborted);
    for (size_t i = 0; i < m->n_aborted; before = m->aborted[i++])
        pack_uint(out, m->aborted[i] - before);
    pack_uint(out, m->n_epochs);
    for (size_t i = 0; i < m->n_epochs; i++) {
        pack_uint(out, m->epochs[i].from_seq);
        pack_u64(out, m->epochs[i].epoch);
    }
    put_sum(out, from);
}

static bool unpack_aborted(struct meta_run *m, struct unpack *in)
{
    size_t n = unpack_count(in, 1);
    for (uint64_t i = 0, generation = 0; i < n; i++) {
        uint64_t step = unpack_uint(in);
        if (step == 0 || step > UINT32_MAX || (generation += step) > UINT32_MAX)
            return false;
        m->aborted = xgrow(m->aborted, m->n_aborted, &m->cap_aborted, sizeof(*m->aborted));
        m->aborted[m->n_aborted++] = (uint32_t)generation;
    }
    return true;
}

static bool unpack_epochs(struct meta_run *m, struct unpack *in)
{
    size_t n = unpack_count(in, 9);
    for (size_t i = 0; i < n; i++) {
        struct meta_epoch e = {unpack_uint(in), unpack_u64(in)};
        if (m->n_epochs && e.from_seq < m->epochs[m->n_epochs - 1].from_seq)
            return false;
        m->epochs = xgrow(m->epochs, m->n_epochs, &m->cap_epochs, sizeof(*m->epochs));
        m->epochs[m->n_epochs++] = e;
    }
    return n > 0;
}

bool meta_run_unpack(struct meta_run *m, struct str value, struct err *err)
{
    struct unpack in;
    if (!check_sum(value, "run", &in, err))
        return false;
    m->page_seed = unpack_u64(&in);
    uint64_t clean = unpack_uint(&in), sync = unpack_uint(&in), begun = unpack_uint(&in);
    if (!unpack_aborted(m, &in) || !unpack_epochs(m, &in) || !unpack_done(&in) || clean > 1 ||
        sync > JOURNAL_NEVER || begun > UINT32_MAX)
        return err_set(err, "journal: its record \"run\" makes no sense: restore a backup");
    m->clean = clean;
    m->sync = (enum journal_sync)sync;
    m->begun = (uint32_t)begun;
    return true;
}

void meta_put_run(struct rocks_batch *b, const struct meta_run *m)
{
    struct buf value = {0};
    meta_run_pack(&value, m);
    rocks_put(b, ROCKS_META, key_run, buf_str(&value));
    buf_fini(&value);
}

void meta_put_base(struct rocks_batch *b, uint64_t generation, uint64_t seq, struct str state)
{
    struct buf value = {0};
    meta_base_pack(&value, generation, seq, state);
    rocks_put(b, ROCKS_META, key_base, buf_str(&value));
    buf_fini(&value);
}

bool meta_load(struct rocks *r, struct meta_run *run, struct meta_base *base, bool *found,
               struct err *err)
{
    struct str keys[2] = {key_run, key_base}, values[2];
    struct arena arena;
    arena_init(&arena);
    bool good = rocks_get(r, ROCKS_META, keys, 2, values, &arena, err);
    *found = good && values[0].p;
    if (good && values[0].p)
        good = meta_run_unpack(run, values[0], err);
    if (good && values[1].p)
        good = meta_base_unpack(base, values[1], err);
    if (good && values[1].p && !values[0].p)
        good = err_set(err, "journal: its record \"run\" is missing: restore a backup");
    arena_fini(&arena);
    return good;
}

bool meta_is_aborted(const struct meta_run *m, uint32_t generation)
{
    size_t low = 0, high = m->n_aborted;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (m->aborted[mid] < generation)
            low = mid + 1;
        else
            high = mid;
    }
    return low < m->n_aborted && m->aborted[low] == generation;
}

void meta_forget_epoch(struct meta_run *m)
{
    m->clean = false;
    m->sync = JOURNAL_NEVER;
}
