/* test_journal_block.c -- blocks and page versions as bytes: what is written is read, and nothing else is.
 * SPDX-License-Identifier: Apache-2.0 */
#include <xxhash.h>

#include "journal_folder.h"

enum { N = 9 };
static const int64_t times[N] = {-5, -5, 0, 7, 7, 1000000, 1000001, INT64_MAX - 1, INT64_MAX};

static struct record records[N];

static void make_records(void)
{
    for (size_t i = 0; i < N; i++)
        records[i] = (struct record){.kind = i % 3 + 1,
                                     .seq = 100 + i,
                                     .now_ms = times[i],
                                     .bytes = {text_of(i).p, i * i * 10},
                                     .least_ms = i == 4 ? -77 : 10,
                                     .greatest_ms = i == 5   ? 99
                                                    : i == 6 ? 5
                                                             : 12, /* 6: none */
                                     .next = i + 1 < N ? &records[i + 1] : NULL};
}

static struct str key_of(uint64_t seq)
{
    static uint8_t key[BLOCK_KEY];
    block_key(seq, key);
    return (struct str){(char *)key, BLOCK_KEY};
}

static void what_is_written_is_read(void)
{
    struct buf b = {0};
    struct block_reader in;
    struct record_view r;
    struct err err = {0};
    CHECK(block_write(&b, &records[0], &records[N - 1], 1 << 20) == &records[N - 1]);
    CHECK(block_open(&in, key_of(100), buf_str(&b), &err), "%s", err.text);
    CHECK_INT(in.head.n, N);
    CHECK_INT(block_last_seq(&in.head), 100 + N - 1);
    CHECK(in.head.first_ms == -5 && in.head.last_ms == INT64_MAX);
    CHECK(in.head.least_ms == -77 && in.head.greatest_ms == 99);
    for (size_t i = 0; i < N; i++) {
        CHECK(block_next(&in, &r, &err), "%s", err.text);
        CHECK(r.kind == records[i].kind && r.seq == 100 + i && r.now_ms == times[i] &&
              str_eq(r.bytes, records[i].bytes));
    }
    CHECK(!block_next(&in, &r, &err) && !err.set, "%s", err.text);
    CHECK(block_write(&b, &records[6], &records[6], 0) == &records[6],
          "one record, whatever its size");
    CHECK(block_open(&in, key_of(106), buf_str(&b), &err) &&
          in.head.least_ms > in.head.greatest_ms);
    buf_fini(&b);
}

static void groups_are_bounded(void)
{
    struct buf b = {0};
    size_t n = 0, n_blocks = 0;
    for (struct record *r = &records[0]; r; r = r->next, n_blocks++) {
        struct record *last = block_write(&b, r, &records[N - 1], 700);
        CHECK(b.n < 700 + 100 || last == r, "%zu bytes", b.n);
        n += (size_t)(last->seq - r->seq + 1);
        r = last;
    }
    CHECK_INT(n, N);
    CHECK(n_blocks > 2);
    buf_fini(&b);
}

/* Opened and read to its end? */
static bool reads(uint64_t seq, struct str value, struct err *err)
{
    struct block_reader in;
    struct record_view r;
    if (!block_open(&in, key_of(seq), value, err))
        return false;
    while (block_next(&in, &r, err))
        ;
    return !err->set;
}

static void damage_is_found(void)
{
    struct buf b = {0};
    struct err none = {0};
    block_write(&b, &records[0], &records[3], 1 << 20);
    CHECK(reads(100, buf_str(&b), &none));
    CHECK(!reads(101, buf_str(&b), &(struct err){0}), "another block's key");
    CHECK(!block_head((struct str){"1234567", 7}, buf_str(&b), &(struct block_head){0},
                      &(struct err){0}));
    for (size_t n = 0; n < b.n; n++) {
        struct err err = {0};
        char *cut = malloc(n + 1); /* its own, so that a sanitizer sees a byte too far */
        memcpy(cut, b.p, n);
        if (reads(100, (struct str){cut, n}, &err) || !err.set)
            CHECK(false, "cut to %zu bytes", n);
        free(cut);
    }
    for (size_t bit = 0; bit < 8 * b.n; bit++) {
        struct err err = {0};
        b.p[bit / 8] ^= (char)(1 << bit % 8);
        if (reads(100, buf_str(&b), &err) || !err.set)
            CHECK(false, "bit %zu", bit);
        b.p[bit / 8] ^= (char)(1 << bit % 8);
    }
    CHECK(reads(100, buf_str(&b), &none));
    buf_fini(&b);
}

/* With a checksum that is right: by a program that is newer, or wrong. */
static void expect(const char *what, struct buf *b, size_t at, const char *bytes, size_t n,
                   const char *text)
{
    struct err err = {0};
    struct buf copy = {0};
    buf_put(&copy, b->p, b->n - 8);
    memcpy(copy.p + at, bytes, n);
    pack_u64(&copy, XXH3_64bits(copy.p, copy.n));
    CHECK(!reads(100, buf_str(&copy), &err) && strstr(err.text, text), "%s: %s", what, err.text);
    buf_fini(&copy);
}

static void nonsense_is_refused(void)
{
    struct buf b = {0};
    block_write(&b, &records[0], &records[3],
                1 << 20); /* the second record has 10 bytes, from BLOCK_HEAD + 3 on */
    expect("version", &b, 0, "\2", 1, "newer version");
    expect("none", &b, 1, "\0\0\0\0", 4, "head");
    expect("too many", &b, 1, "\377\377\377\377", 4, "head");
    expect("one more than there are", &b, 1, "\5\0\0\0", 4, "fit");
    expect("one less", &b, 1, "\3\0\0\0", 4, "end");
    expect("sequence", &b, 5, "\0\0\0\0\0\0\0\0", 8, "head");
    expect("time turned round", &b, 13, "\377\377\377\377\377\377\377\177", 8, "head");
    expect("last time", &b, 21, "\10\0\0\0\0\0\0\0", 8, "end");
    expect("last time before a record's", &b, 21, "\0\0\0\0\0\0\0\0", 8, "fit");
    expect("kind", &b, BLOCK_HEAD, "\4", 1, "newer version");
    expect("length", &b, BLOCK_HEAD + 5, "\177", 1, "");
    buf_fini(&b);
    struct record last = {.kind = RECORD_TICK, .seq = UINT64_MAX};
    block_write(&b, &last, &last, 1);
    CHECK(!block_head(key_of(UINT64_MAX), buf_str(&b), &(struct block_head){0}, &(struct err){0}),
          "behind it is no sequence");
    buf_fini(&b);
}

static void pages_are_checked(void)
{
    struct page p = {.key = {"0123456789abcdef"},
                     .slot = 1,
                     .expires_ms = 5,
                     .bytes = STR("what a profile is")},
                out;
    struct buf b = {0};
    struct err err = {0};
    uint8_t place[PAGE_PLACE];
    page_place(&p.key, 1, place);
    struct str name = {(char *)place, PAGE_PLACE};
    page_write(&b, &p, 77);
    CHECK(page_read(&out, name, buf_str(&b), &err), "%s", err.text);
    CHECK(out.generation == 77 && out.slot == 1 && out.expires_ms == 5 &&
          str_eq(out.bytes, p.bytes) && memcmp(&out.key, &p.key, PAGE_KEY) == 0 &&
          out.due_ms == INT64_MAX);
    for (size_t bit = 0; bit < 8 * (b.n + PAGE_PLACE); bit++) {
        char *byte = bit / 8 < b.n ? b.p + bit / 8 : (char *)place + bit / 8 - b.n;
        struct err bad = {0};
        *byte ^= (char)(1 << bit % 8);
        if (page_read(&out, name, buf_str(&b), &bad) || !bad.set)
            CHECK(false, "bit %zu", bit);
        *byte ^= (char)(1 << bit % 8);
    }
    for (size_t n = 0; n < b.n; n++)
        CHECK(!page_read(&out, name, (struct str){b.p, n}, &(struct err){0}), "%zu", n);
    CHECK(!page_read(&out, name, (struct str){b.p, 0}, &err) && strstr(err.text, "3031323334"),
          "%s", err.text);
    buf_fini(&b);
}

static void meta_is_checked(void)
{
    struct meta_run run = {.page_seed = 9, .clean = true, .sync = JOURNAL_NEVER, .begun = 40},
                    back = {0};
    static const uint32_t aborted[] = {3, 4, 39, 40};
    run.aborted = (uint32_t *)aborted;
    run.n_aborted = COUNT_OF(aborted);
    run.epochs = (struct meta_epoch[]){{1, 111}, {500, 222}};
    run.n_epochs = 2;
    struct buf b = {0};
    struct err err = {0};
    meta_run_pack(&b, &run);
    CHECK(meta_run_unpack(&back, buf_str(&b), &err), "%s", err.text);
    CHECK(back.page_seed == 9 && back.clean && back.sync == JOURNAL_NEVER && back.begun == 40);
    CHECK(back.n_aborted == 4 && memcmp(back.aborted, aborted, sizeof(aborted)) == 0);
    CHECK(back.n_epochs == 2 && back.epochs[1].from_seq == 500 && back.epochs[1].epoch == 222);
    for (uint32_t g = 0; g < 42; g++)
        CHECK_INT(meta_is_aborted(&back, g), g == 3 || g == 4 || g == 39 || g == 40);
    for (size_t bit = 0; bit < 8 * b.n; bit++) {
        struct meta_run bad = {0};
        b.p[bit / 8] ^= (char)(1 << bit % 8);
        CHECK(!meta_run_unpack(&bad, buf_str(&b), &(struct err){0}), "bit %zu", bit);
        b.p[bit / 8] ^= (char)(1 << bit % 8);
        meta_run_fini(&bad);
    }
    meta_run_fini(&back);
    b.n = 0;
    struct meta_base base = {0};
    meta_base_pack(&b, 7, 1234567, STR("the engine's"));
    CHECK(meta_base_unpack(&base, buf_str(&b), &err) && base.generation == 7 &&
          base.seq == 1234567 && str_eqz(buf_str(&base.state), "the engine's"));
    for (size_t n = 0; n < b.n; n++)
        CHECK(!meta_base_unpack(&base, (struct str){b.p, n}, &(struct err){0}), "%zu", n);
    meta_base_fini(&base);
    buf_fini(&b);
}

int main(void)
{
    make_records();
    what_is_written_is_read();
    groups_are_bounded();
    damage_is_found();
    nonsense_is_refused();
    pages_are_checked();
    meta_is_checked();
    return check_done();
}
