/* fuzz_journal_page.c -- any bytes as what stands beside the records: a version of a page, a timer's key, the records that
 * stand for the whole. Each is refused with an error, or can be written and read again as the same.
 *
 * The first byte says which. Checksums are put right, since chance will not find them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <xxhash.h>

#include "journal/journal_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void page(struct str in)
{
    struct page p, again;
    struct err err = {0};
    struct buf b = {0};
    if (in.n < PAGE_PLACE)
        return;
    struct str place = {in.p, PAGE_PLACE}, value = {in.p + PAGE_PLACE, in.n - PAGE_PLACE};
    bool good = page_read(&p, place, value, &err);
    if (good == err.set)
        abort();
    p = (struct page){
        .slot = (uint8_t)in.p[PAGE_KEY] & 1, .expires_ms = (int64_t)in.n, .bytes = value};
    memcpy(p.key.bytes, in.p, PAGE_KEY);
    page_write(&b, &p, (uint32_t)in.n);
    uint8_t name[PAGE_PLACE];
    page_place(&p.key, p.slot, name);
    if (!page_read(&again, (struct str){(char *)name, PAGE_PLACE}, buf_str(&b), &(struct err){0}) ||
        !str_eq(again.bytes, p.bytes) || again.generation != in.n ||
        again.expires_ms != p.expires_ms)
        abort();
    buf_fini(&b);
}

static void timer(struct str in)
{
    struct page_due d;
    size_t n = MIN_OF(in.n, (size_t)DUE_KEY);
    struct str key = {in.p, n}, what = {in.p + n, in.n - n};
    if (!page_due_read(&d, key, what))
        return;
    struct page p = {.key = d.key, .slot = (uint8_t)in.p[DUE_KEY - 1], .due_ms = d.due_ms};
    uint8_t again[DUE_KEY];
    page_due_key(&p, again);
    if (d.due_ms < 0 || memcmp(again, key.p, DUE_KEY) != 0 || !str_eq(d.what, what))
        abort();
}

static void run_record(struct str in)
{
    struct meta_run m = {0}, back = {0};
    struct err err = {0};
    struct buf once = {0}, twice = {0};
    if (meta_run_unpack(&m, in, &err) == err.set)
        abort();
    for (size_t i = 1; i < m.n_aborted; i++)
        if (m.aborted[i] <= m.aborted[i - 1])
            abort();
    if (!err.set) {
        meta_run_pack(&once, &m);
        if (!meta_run_unpack(&back, buf_str(&once), NULL))
            abort();
        meta_run_pack(&twice, &back);
        if (!str_eq(buf_str(&once), buf_str(&twice)))
            abort();
    }
    buf_fini(&once);
    buf_fini(&twice);
    meta_run_fini(&m);
    meta_run_fini(&back);
}

static void base_record(struct str in)
{
    struct meta_base m = {0};
    struct err err = {0};
    if (meta_base_unpack(&m, in, &err) == err.set || m.state.n > in.n)
        abort();
    meta_base_fini(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str in = {(const char *)data + 1, size - 1};
    char *right = malloc(in.n + 1);
    memcpy(right, in.p, in.n);
    if (in.n >= 8) {
        uint64_t sum = XXH3_64bits(right, in.n - 8);
        memcpy(right + in.n - 8, &sum, 8);
    }
    struct str summed = {right, in.n};
    switch (data[0] % 4) {
    case 0:
        page(in);
        break;
    case 1:
        timer(in);
        break;
    case 2:
        run_record(in);
        run_record(summed);
        break;
    default:
        base_record(in);
        base_record(summed);
    }
    free(right);
    return 0;
}
