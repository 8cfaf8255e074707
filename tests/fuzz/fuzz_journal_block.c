/* fuzz_journal_block.c -- any bytes as a block: reading stays inside them, gives what the head promises or says what is wrong,
 * and what was read can be written and read again as the same.
 *
 * Once as they are, once with the checksum put right, since chance will not find it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <xxhash.h>

#include "journal/journal_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS_MAX = 4096 };

/* The records of a block; SIZE_MAX: something is wrong. */
static size_t read_all(struct str key, struct str value, struct record *out,
                       struct block_head *head)
{
    struct block_reader b;
    struct record_view r;
    struct block_head first;
    struct err err = {0}, other = {0};
    size_t n = 0;
    bool opened = block_open(&b, key, value, &err);
    if (opened &&
        (!block_head(key, value, &first, &other) || first.seq != b.head.seq || first.n != b.head.n))
        abort();
    while (opened && block_next(&b, &r, &err)) {
        if (r.seq != b.head.seq + n || r.now_ms > b.head.last_ms || r.bytes.n > value.n)
            abort();
        if (n < RECORDS_MAX)
            out[n] = (struct record){.kind = r.kind,
                                     .seq = r.seq,
                                     .now_ms = r.now_ms,
                                     .bytes = r.bytes,
                                     .least_ms = b.head.least_ms,
                                     .greatest_ms = b.head.greatest_ms};
        n++;
    }
    if (!opened || err.set)
        return err.set ? SIZE_MAX : (abort(), 0);
    if (n != b.head.n)
        abort();
    *head = b.head;
    return n;
}

static void write_again(struct str key, struct record *records, size_t n,
                        const struct block_head *head)
{
    static struct record again[RECORDS_MAX];
    struct block_head other;
    struct buf b = {0};
    for (size_t i = 0; i < n; i++)
        records[i].next = i + 1 < n ? &records[i + 1] : NULL;
    if (block_write(&b, records, &records[n - 1], SIZE_MAX) != &records[n - 1])
        abort();
    if (read_all(key, buf_str(&b), again, &other) != n || other.last_ms != head->last_ms ||
        other.seq != head->seq)
        abort();
    if (head->least_ms <= head->greatest_ms &&
        (other.least_ms != head->least_ms || other.greatest_ms != head->greatest_ms))
        abort();
    for (size_t i = 0; i < n; i++)
        if (again[i].kind != records[i].kind || again[i].now_ms != records[i].now_ms ||
            !str_eq(again[i].bytes, records[i].bytes))
            abort();
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct record records[RECORDS_MAX];
    struct block_head head;
    if (size < BLOCK_KEY)
        return 0;
    struct str key = {(const char *)data, BLOCK_KEY}, value = {key.p + BLOCK_KEY, size - BLOCK_KEY};
    read_all(key, value, records, &head);
    if (value.n < 8)
        return 0;
    char *right = malloc(value.n);
    memcpy(right, value.p, value.n);
    uint64_t sum = XXH3_64bits(right, value.n - 8);
    memcpy(right + value.n - 8, &sum, 8);
    size_t n = read_all(key, (struct str){right, value.n}, records, &head);
    if (n <= RECORDS_MAX)
        write_again(key, records, n, &head);
    free(right);
    return 0;
}
