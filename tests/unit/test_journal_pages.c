/* test_journal_pages.c -- what is written back: which version of a page is seen, over generations, crashes and restarts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal_folder.h"

static struct page_key key_of(struct journal *j, const char *who)
{
    return journal_page_key(j, 3, str_of(who));
}

static bool put(struct journal *j, const char *who, uint8_t slot, const char *bytes, int64_t due_ms)
{
    struct page p = {.key = key_of(j, who),
                     .slot = slot,
                     .expires_ms = INT64_MAX,
                     .due_ms = due_ms,
                     .due_what = str_of(who),
                     .bytes = str_of(bytes)};
    return journal_put(j, &p, 1);
}

/* "bytes slot generation", "-" when there is none, what is wrong when it can't be read. */
static const char *load(struct journal *j, const char *who)
{
    static char text[600];
    struct page_key key = key_of(j, who);
    struct page p;
    struct arena arena;
    struct err err = {0};
    arena_init(&arena);
    if (!journal_load(j, &key, 1, &p, &arena, &err))
        snprintf(text, sizeof(text), "%s", err.text);
    else if (!p.bytes.p)
        snprintf(text, sizeof(text), "-");
    else
        snprintf(text, sizeof(text), "%.*s %d %u", STR_FMT(p.bytes), p.slot, p.generation);
    CHECK(memcmp(&p.key, &key, PAGE_KEY) == 0);
    arena_fini(&arena);
    return text;
}

static void advance(struct journal *j, uint64_t n)
{
    queue_some(j, n, (int64_t)journal_seq(j) * 10);
    CHECK_INT(take_until(j, journal_seq(j)), journal_seq(j));
}

/* A process that dies: the thread ends without a word, and nothing is written any more. */
static enum rocks_trouble dead_write(struct rocks *r, struct rocks_batch *b, bool logged,
                                     struct err *err)
{
    err_set(err, "dead");
    return ROCKS_FAILED;
}

static struct journal *crash(struct journal *j, const char *path, bool pages_reach_disk)
{
    struct err err = {0};
    if (pages_reach_disk)
        CHECK(rocks_flush(j->rocks, ROCKS_PAGES, &err) == ROCKS_FINE &&
              rocks_flush(j->rocks, ROCKS_DUE, &err) == ROCKS_FINE);
    j->write = dead_write;
    j->n_tries = 1;
    journal_close(j);
    j = open_always(path);
    return j;
}

struct visited {
    char text[200];
};

static bool visit(void *ctx, const struct page *p, struct err *err)
{
    struct visited *v = ctx;
    size_t n = strlen(v->text);
    snprintf(v->text + n, sizeof(v->text) - n, "%.*s/%u ", STR_FMT(p->bytes), p->generation);
    return true;
}

static bool has_words(const char *text, const char *const *words)
{
    size_t n = 0;
    for (; *words; words++) {
        n += strlen(*words) + 1;
        if (!strstr(text, *words))
            return false;
    }
    return n == strlen(text);
}

static void pages_are(struct journal *j, const char *const *words)
{
    struct visited v = {{0}};
    struct err err = {0};
    CHECK(journal_pages(j, visit, &v, &err) && has_words(v.text, words), "%s%s", v.text, err.text);
}
#define PAGES_ARE(j, ...) pages_are(j, (const char *const[]){__VA_ARGS__, NULL})

static void generations(void)
{
    char path[64];
    folder_make(path);
    struct journal *j = open_always(path);
    CHECK(!journal_has_pages(j));
    CHECK_STR(load(j, "ann"), "-");
    journal_start(j);
    advance(j, 10);
    CHECK_INT(journal_begin(j, 10), 1);
    CHECK(put(j, "ann", 0, "ann1", INT64_MAX) && put(j, "bob", 0, "bob1", 5000));
    CHECK(journal_has_pages(j));
    CHECK_STR(load(j, "ann"), "ann1 0 1"); /* this run's own */
    CHECK(journal_complete(j, STR("state one"), 100));
    advance(j, 5);
    CHECK_INT(journal_begin(j, 12), 2);
    CHECK(put(j, "ann", 1, "ann2", INT64_MAX) && put(j, "cyd", 0, "cyd2", INT64_MAX));
    CHECK_STR(load(j, "ann"), "ann2 1 2");
    CHECK_STR(load(j, "bob"), "bob1 0 1");
    PAGES_ARE(j, "ann2/2", "bob1/1", "cyd2/2");
    CHECK_INT(journal_base(j)->generation, 1);

    j = crash(j, path, true); /* generation 2 is on the disk, and means nothing */
    CHECK(journal_base(j)->generation == 1 && journal_base(j)->seq == 10);
    CHECK(str_eqz(journal_base(j)->state, "state one"));
    CHECK(journal_has_pages(j));
    CHECK_STR(load(j, "ann"), "ann1 0 1");
    CHECK_STR(load(j, "cyd"), "-");
    PAGES_ARE(j, "ann1/1", "bob1/1");
    CHECK_INT(scan_from(j, journal_base(j)->seq + 1).n, 5);

    j = crash(j, path, true); /* a start that went no further changes nothing */
    CHECK_STR(load(j, "ann"), "ann1 0 1");
    journal_start(j);
    advance(j, 1);
    CHECK_INT(journal_begin(j, 16), 3);
    CHECK(put(j, "ann", 1, "ann3", INT64_MAX));
    CHECK(journal_complete(j, STR("state three"), 200));
    CHECK_STR(load(j, "ann"), "ann3 1 3");
    CHECK_STR(load(j, "cyd"), "-"); /* 2 is aborted for ever, also behind 3 */
    CHECK_INT(journal_begin(j, 16), 4);
    CHECK(put(j, "ann", 0, "ann4", INT64_MAX));
    journal_close(j); /* in the middle of a generation: it is cleanly closed and not complete */
    j = open_always(path);
    CHECK(journal_base(j)->generation == 3 && str_eqz(journal_base(j)->state, "state three"));
    CHECK_STR(load(j, "ann"), "ann3 1 3");
    CHECK_STR(load(j, "bob"), "bob1 0 1");
    PAGES_ARE(j, "ann3/3", "bob1/1");
    journal_start(j);
    CHECK_INT(journal_begin(j, 16), 5);
    CHECK(journal_complete(j, STR(""), 300)); /* nothing had changed */
    j = crash(j, path, false);
    CHECK_INT(journal_base(j)->generation, 5);
    CHECK_STR(load(j, "ann"), "ann3 1 3");
    journal_close(j);
    folder_drop(path);
}

/* Cut short at every step of a generation, many times over, against a model. */
static void many_crashes(void)
{
    enum { WHO = 12, ROUNDS = 40 };
    char path[64], want[WHO][32], next[WHO][32];
    uint8_t slot[WHO] = {0}, next_slot[WHO];
    uint32_t chance = 7;
    folder_make(path);
    for (int i = 0; i < WHO; i++)
        strcpy(want[i], "-");
    for (int round = 0; round < ROUNDS; round++) {
        struct journal *j = open_always(path);
        for (int i = 0; i < WHO; i++) {
            const char *got = load(j, (char[]){(char)('a' + i), 0});
            CHECK(strcmp(got, want[i]) == 0, "round %d, %c: got %s, want %s", round, 'a' + i, got,
                  want[i]);
        }
        journal_start(j);
        advance(j, 1);
        uint32_t generation = journal_begin(j, journal_seq(j));
        memcpy(next, want, sizeof(want));
        memcpy(next_slot, slot, sizeof(slot));
        for (int i = 0; i < WHO; i++) {
            char bytes[20];
            chance = chance * 1664525 + 1013904223;
            if (chance >> 30)
                continue;
            next_slot[i] = !slot[i];
            snprintf(bytes, sizeof(bytes), "%c%d", 'a' + i, round);
            CHECK(put(j, (char[]){(char)('a' + i), 0}, next_slot[i], bytes, INT64_MAX));
            snprintf(next[i], sizeof(next[i]), "%s %d %u", bytes, next_slot[i], generation);
        }
        bool complete = chance >> 28 & 1;
        if (complete) {
            CHECK(journal_complete(j, STR("s"), 1));
            memcpy(want, next, sizeof(want));
            memcpy(slot, next_slot, sizeof(slot));
        }
        journal_close(crash(j, path, chance >> 27 & 1));
    }
    folder_drop(path);
}

static void damage_is_refused(void)
{
    char path[64];
    folder_make(path);
    struct journal *j = open_always(path);
    journal_start(j);
    advance(j, 1);
    journal_begin(j, 1);
    put(j, "ann", 0, "a profile", INT64_MAX);
    put(j, "bob", 0, "another", INT64_MAX);
    CHECK(journal_complete(j, STR(""), 1));
    struct page_key ann = key_of(j, "ann"), bob = key_of(j, "bob");
    uint8_t place[PAGE_PLACE], other[PAGE_PLACE];
    page_place(&ann, 0, place);
    page_place(&bob, 0, other);
    struct str name = {(char *)place, PAGE_PLACE}, from = {(char *)other, PAGE_PLACE}, value;
    struct rocks_batch *b = rocks_batch_new(j->rocks);
    struct arena arena;
    struct err err = {0};
    arena_init(&arena);
    CHECK(rocks_get(j->rocks, ROCKS_PAGES, &from, 1, &value, &arena, &err) && value.p);
    rocks_put(b, ROCKS_PAGES, name, value); /* a version in the place of another */
    CHECK(rocks_write(j->rocks, b, true, &err) == ROCKS_FINE);
    const char *got = load(j, "ann");
    CHECK(strstr(got, "checksum") && strstr(got, path), "%s", got);
    CHECK_STR(load(j, "bob"), "another 0 1");
    struct visited v = {{0}};
    CHECK(!journal_pages(j, visit, &v, &err) && strstr(err.text, "checksum"), "%s", err.text);

    struct page p = {.key = ann, .slot = 0, .bytes = STR("of a time to come")};
    struct buf late = {0};
    page_write(&late, &p, 9);
    rocks_batch_clear(b);
    rocks_put(b, ROCKS_PAGES, name, buf_str(&late));
    CHECK(rocks_write(j->rocks, b, true, &err) == ROCKS_FINE);
    CHECK(strstr(load(j, "ann"), "generation 9"), "%s", load(j, "ann"));
    buf_fini(&late);
    rocks_batch_free(b);
    arena_fini(&arena);
    journal_close(j);
    folder_drop(path);
}

static void seeds(void)
{
    char path[64], other[64];
    folder_make(path);
    folder_make(other);
    struct journal *j = open_always(path), *k = open_always(other);
    struct page_key ann = key_of(j, "ann"), again = journal_page_key(j, 3, STR("ann"));
    struct page_key four = journal_page_key(j, 4, STR("ann")), elsewhere = key_of(k, "ann");
    CHECK(memcmp(&ann, &again, PAGE_KEY) == 0);
    CHECK(memcmp(&ann, &four, PAGE_KEY) != 0 && memcmp(&ann, &elsewhere, PAGE_KEY) != 0);
    journal_close(j);
    j = open_always(path);
    again = key_of(j, "ann");
    CHECK(memcmp(&ann, &again, PAGE_KEY) == 0, "a folder keeps its seed");
    journal_close(j);
    journal_close(k);
    folder_drop(path);
    folder_drop(other);
}

/* -- timers */
static size_t due(struct journal *j, int64_t after_ms, int64_t until_ms, size_t slice, char *text,
                  size_t n_text)
{
    struct due_cursor from = {.after_ms = after_ms};
    struct page_due out[64];
    struct arena arena;
    struct err err = {0};
    size_t n = slice, all = 0;
    arena_init(&arena);
    for (*text = 0; n == slice; all += n) {
        CHECK(journal_due(j, &from, until_ms, out, slice, &n, &arena, &err), "%s", err.text);
        for (size_t i = 0; i < n; i++) {
            struct page_key key = journal_page_key(j, 3, out[i].what);
            size_t at = strlen(text);
            CHECK(memcmp(&key, &out[i].key, PAGE_KEY) == 0);
            snprintf(text + at, n_text - at, "%" PRId64 " ", out[i].due_ms);
        }
    }
    arena_fini(&arena);
    return all;
}

static void timers(void)
{
    char path[64], text[400], name[8];
    folder_make(path);
    struct journal *j = open_always(path);
    CHECK_INT(due(j, INT64_MIN, INT64_MAX, 5, text, sizeof(text)), 0);
    journal_start(j);
    advance(j, 1);
    journal_begin(j, 1);
    static const int64_t times[] = {70, 10, 256, 65536,         10,        255,
                                    1,  70, 70,  INT64_MAX - 1, INT64_MAX, -3};
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        snprintf(name, sizeof(name), "p%zu", i);
        CHECK(put(j, name, 0, "x", times[i]));
    }
    for (int restarts = 0; restarts < 2; restarts++) {
        for (size_t slice = 1; slice < 14; slice++) {
            CHECK_INT(due(j, INT64_MIN, INT64_MAX, slice, text, sizeof(text)), 11);
            CHECK_STR(text, "0 1 10 10 70 70 70 255 256 65536 9223372036854775806 ");
            CHECK_INT(due(j, 10, 256, slice, text, sizeof(text)), 5);
            CHECK_STR(text, "70 70 70 255 256 ");
        }
        CHECK_INT(due(j, 256, 300, 4, text, sizeof(text)), 0);
        if (restarts == 0) {
            CHECK(journal_complete(j, STR(""), -10));
            journal_close(j);
            j = open_always(path);
        }
    }
    journal_close(j);
    folder_drop(path);
}

int main(void)
{
    generations();
    many_crashes();
    damage_is_refused();
    seeds();
    timers();
    return check_done();
}
