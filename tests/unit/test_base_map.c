/* test_base_map.c -- the map against a plain array, the heap against a search, arenas and buffers at their seams.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/base.h"
#include "check.h"

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
}

/* Few names, so that every name is put, replaced and deleted often; small maps, so that runs wrap around. */
static void map_like_array(uint64_t with, size_t n_names)
{
    struct map m;
    char names[300][8];
    int values[300] = {0};
    void *model[300] = {0};
    size_t n = 0;
    seed = with;
    map_init(&m);
    for (size_t i = 0; i < n_names; i++)
        snprintf(names[i], sizeof(names[i]), "%zu", i);
    for (int step = 0; step < 4000; step++) {
        size_t i = draw(n_names);
        struct str key = str_of(names[i]);
        void *before = model[i];
        if (draw(3)) {
            model[i] = &values[draw(n_names)];
            n += !before;
            CHECK(map_put(&m, key, model[i]) == before, "put, seed %" PRIu64 " step %d", with,
                  step);
        } else {
            model[i] = NULL;
            n -= before != NULL;
            CHECK(map_del(&m, key) == before, "del, seed %" PRIu64 " step %d", with, step);
        }
        CHECK_INT(m.n, n);
        size_t any = draw(n_names);
        CHECK(map_get(&m, str_of(names[any])) == model[any], "get, seed %" PRIu64 " step %d", with,
              step);
    }
    for (size_t i = 0; i < n_names; i++)
        CHECK(map_get(&m, str_of(names[i])) == model[i]);
    size_t walked = 0;
    struct str key;
    void *value;
    for (size_t at = 0; map_next(&m, &at, &key, &value); walked++)
        CHECK(model[atoi(key.p)] == value && key.p[key.n] == 0);
    CHECK_INT(walked, n);
    map_fini(&m);
}

static void map_keys(void)
{
    struct map m;
    int a, b;
    map_init(&m);
    CHECK(!map_get(&m, STR("x")) && !map_del(&m, STR("x")));
    CHECK(!map_put(&m, (struct str){NULL, 0}, &a), "the empty key is a key");
    CHECK(!map_put(&m, (struct str){"a\0b", 3}, &a) && !map_put(&m, (struct str){"a\0c", 3}, &b));
    CHECK(map_get(&m, STR("")) == &a && map_get(&m, (struct str){"a\0c", 3}) == &b &&
          !map_get(&m, STR("a")));
    CHECK(map_put(&m, STR(""), &b) == &a && map_del(&m, STR("")) == &b && !map_get(&m, STR("")));
    map_fini(&m);
    map_fini(&m);
}

static bool before(const struct heap_item *a, const struct heap_item *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->tie < b->tie;
}

static const struct heap_item *least(const struct heap_item *items, size_t n)
{
    const struct heap_item *min = NULL;
    for (size_t i = 0; i < n; i++)
        if (items[i].pos != SIZE_MAX && (!min || before(&items[i], min)))
            min = &items[i];
    return min;
}

static void heap_like_search(uint64_t with)
{
    enum { N = 120 };
    struct heap h = {0};
    struct heap_item items[N];
    seed = with;
    for (size_t i = 0; i < N; i++)
        items[i] = (struct heap_item){.tie = i, .pos = SIZE_MAX};
    for (int step = 0; step < 3000; step++) {
        struct heap_item *item = &items[draw(N)];
        switch (draw(4)) {
        case 0:
            heap_del(&h, item);
            CHECK(item->pos == SIZE_MAX);
            break;
        case 1:
            if (heap_min(&h))
                heap_del(&h, heap_min(&h));
            break;
        default: /* puts it in, or moves what is inside; few times, so that ties decide */
            item->due_ms = (int64_t)draw(20);
            heap_put(&h, item);
        }
        CHECK(heap_min(&h) == least(items, N), "seed %" PRIu64 " step %d", with, step);
    }
    const struct heap_item *last = NULL;
    while (heap_min(&h)) {
        struct heap_item *min = heap_min(&h);
        CHECK(!last || before(last, min));
        heap_del(&h, min);
        last = min;
    }
    CHECK_INT(h.n, 0);
    heap_fini(&h);
}

static void arenas(void)
{
    struct arena a;
    arena_init(&a);
    arena_reset(&a);
    char *pieces[2000];
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        size_t n = i % 97;
        pieces[i] = arena_alloc(&a, n);
        CHECK((uintptr_t)pieces[i] % 16 == 0);
        memset(pieces[i], (int)(i & 127), n);
    }
    for (size_t i = 0; i < COUNT_OF(pieces); i++)
        for (size_t k = 0; k < i % 97; k++)
            if (pieces[i][k] != (char)(i & 127))
                CHECK(false, "piece %zu was written over", i);
    struct str s = arena_str(&a, (struct str){"a\0b", 3});
    CHECK(s.n == 3 && s.p[3] == 0 && memcmp(s.p, "a\0b", 3) == 0);
    CHECK(str_eqz(arena_printf(&a, "%d-%s", 7, "x"), "7-x"));
    CHECK_INT(arena_str(&a, (struct str){NULL, 0}).n, 0);
    char *zero = arena_zalloc(&a, 5000);
    for (size_t i = 0; i < 5000; i++)
        if (zero[i])
            CHECK(false, "not zeroed");
    arena_reset(&a);
    CHECK(a.n_bytes == 0 && a.chunk, "a chunk is kept");
    struct arena_chunk *kept = a.chunk;
    arena_alloc(&a, 100);
    CHECK(a.chunk == kept, "and used again");
    arena_alloc(&a, 8 << 20);
    arena_reset(&a);
    CHECK(!a.chunk, "one of eight megabytes is not");
    arena_fini(&a);
    arena_fini(&a);
}

static void bufs(void)
{
    struct buf b = {0};
    buf_put(&b, NULL, 0);
    CHECK_INT(b.n, 0);
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "%03d,", i);
    buf_putc(&b, '!');
    CHECK(b.n == 4001 && memcmp(b.p + 3996, "999,!", 5) == 0);
    buf_fini(&b);
    for (size_t n = 250; n < 260; n++) { /* around the first capacity */
        char text[300];
        memset(text, 'x', n);
        text[n] = 0;
        buf_printf(&b, "%s", text);
        CHECK(b.n == n && memcmp(b.p, text, n) == 0);
        buf_fini(&b);
    }
}

static void stats(void)
{
    int64_t before_ = stat_get(STAT_RELOADS_OK);
    stat_add(STAT_RELOADS_OK, 2);
    stat_mute(true);
    stat_add(STAT_RELOADS_OK, 40);
    stat_set(STAT_RELOADS_OK, 99);
    stat_mute(false);
    CHECK_INT(stat_get(STAT_RELOADS_OK), before_ + 2);
    struct buf b = {0};
    stat_write_prometheus(&b);
    buf_putc(&b, 0);
    CHECK(strstr(
        b.p, "# TYPE signalbox_reloads_success_total counter\nsignalbox_reloads_success_total "));
    buf_fini(&b);
}

int main(void)
{
    for (uint64_t s = 1; s <= 20; s++) {
        map_like_array(s, 5 + s * 12);
        heap_like_search(s);
    }
    map_keys();
    arenas();
    bufs();
    stats();
    return check_done();
}
