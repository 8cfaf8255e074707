/* test_base_mp.c -- the msgpack cursor: against msgpack-c's packer, against every cut of what it wrote, and against counts
 * that promise more than there is.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <msgpack.h>
#include <stdlib.h>

#include "base/base.h"
#include "check.h"

static struct mp over(const void *p, size_t n)
{
    return (struct mp){p, (const uint8_t *)p + n};
}

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
}

/* -- what the packer writes, at the seams between its formats */
static void integers(void)
{
    static const int64_t cases[] = {
        0,  1,   127, 128,  255,  256,    65535,  65536,       4294967295,  4294967296, INT64_MAX,
        -1, -32, -33, -128, -129, -32768, -32769, -2147483648, -2147483649, INT64_MIN};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        msgpack_sbuffer b;
        msgpack_packer pk;
        msgpack_sbuffer_init(&b);
        msgpack_packer_init(&pk, &b, msgpack_sbuffer_write);
        msgpack_pack_int64(&pk, cases[i]); /* the shortest form */
        msgpack_pack_fix_int64(&pk, cases[i]);
        struct mp m = over(b.data, b.size);
        struct val v;
        for (int form = 0; form < 2; form++)
            CHECK(mp_next(&m, &v) && v.type == VAL_INT && v.i == cases[i], "%" PRId64, cases[i]);
        CHECK(m.p == m.end && !mp_next(&m, &v));
        msgpack_sbuffer_destroy(&b);
    }
    struct val v;
    struct mp m = over("\xcf\x80\0\0\0\0\0\0\0", 9);
    CHECK(mp_next(&m, &v) && v.type == VAL_DBL && v.d == 9223372036854775808.0,
          "past int64: a double");
}

static void lengths(void)
{
    static const size_t cases[] = {0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536, 70000};
    static char text[70000];
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t n = cases[i];
        msgpack_sbuffer b;
        msgpack_packer pk;
        msgpack_sbuffer_init(&b);
        msgpack_packer_init(&pk, &b, msgpack_sbuffer_write);
        msgpack_pack_str_with_body(&pk, text, n);
        msgpack_pack_bin_with_body(&pk, text, n);
        msgpack_pack_ext_with_body(&pk, text, n, 5);
        msgpack_pack_array(&pk, n);
        for (size_t k = 0; k < n; k++)
            msgpack_pack_nil(&pk);
        msgpack_pack_map(&pk, n);
        for (size_t k = 0; k < 2 * n; k++)
            msgpack_pack_true(&pk);
        struct mp m = over(b.data, b.size), again = m;
        struct val v;
        CHECK(mp_next(&m, &v) && v.type == VAL_STR && v.n == n && memcmp(v.s, text, n) == 0);
        CHECK(mp_next(&m, &v) && v.type == VAL_BIN && v.n == n);
        CHECK(mp_next(&m, &v) && v.type == VAL_NULL, "ext is null");
        CHECK(mp_next(&m, &v) && v.type == VAL_LIST && v.n == n && !v.items);
        for (size_t k = 0; k < n; k++)
            mp_next(&m, &v);
        CHECK(mp_next(&m, &v) && v.type == VAL_DICT && v.n == n);
        for (int k = 0; k < 5; k++)
            CHECK(mp_skip(&again));
        CHECK(again.p == again.end);
        msgpack_sbuffer_destroy(&b);
    }
}

static void floats(void)
{
    static const double cases[] = {0, -0.0, 1.5, -1e300, 5e-324, 1.7976931348623157e308};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf b = {0};
        struct val in = val_dbl(cases[i]), v;
        val_write_msgpack(&b, &in);
        struct mp m = over(b.p, b.n);
        CHECK(mp_next(&m, &v) && v.type == VAL_DBL && v.d == cases[i]);
        buf_fini(&b);
    }
    static const char *const none[] = {"\xcb\x7f\xf0\0\0\0\0\0\0", "\xcb\x7f\xf8\0\0\0\0\0\0",
                                       "\xcb\xff\xf0\0\0\0\0\0\0", "\xca\x7f\x80\0\0",
                                       "\xca\x7f\xc0\0\0"};
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        struct val v;
        struct mp m = over(none[i], i < 3 ? 9 : 5);
        CHECK(mp_next(&m, &v) && v.type == VAL_NULL && m.p == m.end, "case %zu", i);
    }
    struct val v;
    struct mp m = over("\xca\x3f\xc0\0\0", 5);
    CHECK(mp_next(&m, &v) && v.type == VAL_DBL && v.d == 1.5);
}

/* -- random trees there and back, and cut anywhere */
static struct val random_val(struct arena *a, int depth)
{
    static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz0123456789";
    switch (draw(depth < 5 ? 8 : 6)) {
    case 0:
        return val_null;
    case 1:
        return val_bool(draw(2));
    case 2:
        return val_int((int64_t)(seed >> draw(64)));
    case 3:
        return val_dbl((double)draw(1000) / 7);
    case 4:
        return val_str((struct str){text, draw(sizeof(text))});
    case 5:
        return (struct val){.type = VAL_BIN, .n = (uint32_t)draw(40), .s = text};
    case 6: {
        struct val v = val_list(a, draw(6));
        for (size_t i = 0; i < v.n; i++)
            v.items[i] = random_val(a, depth + 1);
        return v;
    }
    }
    size_t n = draw(6), used = 0;
    struct val v = val_dict(a, n);
    while (used < n)
        dict_put(&v, &used, (struct str){text, draw(20)}, random_val(a, depth + 1));
    return v;
}

static bool same_types(struct val a, struct val b)
{
    if (a.type != b.type || a.n != b.n)
        return a.type == b.type && a.type < VAL_STR;
    for (size_t i = 0; a.type >= VAL_LIST && i < a.n * (a.type == VAL_DICT ? 2u : 1u); i++)
        if (!same_types(a.items[i], b.items[i]))
            return false;
    return true;
}

static void trees(void)
{
    for (uint64_t with = 1; with <= 3000; with++) {
        struct arena a;
        struct buf b = {0};
        struct err err = {0};
        seed = with;
        arena_init(&a);
        struct val in = random_val(&a, 0), out;
        val_write_msgpack(&b, &in);
        struct mp m = over(b.p, b.n), s = m;
        CHECK(mp_tree(&m, &a, &out, &err) && m.p == m.end && val_eq(in, out) && same_types(in, out),
              "seed %" PRIu64 " %s", with, err.text);
        CHECK(mp_skip(&s) && s.p == s.end);
        for (size_t cut = 0; cut < b.n && b.n < 200; cut++) {
            char *exact = malloc(cut ? cut : 1); /* so that a byte too many is seen */
            memcpy(exact, b.p, cut);
            struct err why = {0};
            m = s = over(exact, cut);
            if (mp_tree(&m, &a, &out, &why) || !why.set || mp_skip(&s))
                CHECK(false, "seed %" PRIu64 " cut at %zu of %zu was read", with, cut, b.n);
            free(exact);
        }
        buf_fini(&b);
        arena_fini(&a);
    }
}

/* -- lies */
static void counts(void)
{
    static const struct {
        const char *bytes;
        size_t n;
    } cases[] = {
        {"", 0},
        {"\xc1", 1},
        {"\xdd\xff\xff\xff\xff", 5},
        {"\xdf\xff\xff\xff\xff", 5},
        {"\xdf\x80\0\0\0", 5}, /* twice this is 0 in 32 bits */
        {"\xdc\0\x02\xc0", 4},
        {"\x92\xc0", 2},
        {"\x81\xa1x", 3},
        {"\xdb\xff\xff\xff\xff", 5},
        {"\xc6\xff\xff\xff\xffx", 6},
        {"\xc9\xff\xff\xff\xff\x01", 6},
        {"\xc7\0", 2}, /* the ext's type is missing */
        {"\xd8\x01x", 3},
        {"\xd9", 1},
        {"\xcb\0\0\0", 4},
        {"\xa5hell", 5},
        {"\x81\x01\x02", 3}, /* a key that is no string: for a tree */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena a;
        struct err err = {0};
        struct val v;
        arena_init(&a);
        struct mp m = over(cases[i].bytes, cases[i].n);
        CHECK(!mp_tree(&m, &a, &v, &err) && err.set, "case %zu", i);
        CHECK(a.n_bytes <= 16 * cases[i].n, "case %zu took %zu bytes", i, a.n_bytes);
        m = over(cases[i].bytes, cases[i].n);
        CHECK(mp_skip(&m) == (i == COUNT_OF(cases) - 1), "case %zu", i);
        arena_fini(&a);
    }
}

/* Each header claims all that is left: if each were believed by itself, n headers would take n * n / 2 items. */
static void nested_claims(void)
{
    enum { N = 60000 };
    uint8_t *bytes = malloc(N);
    memset(bytes, 0xc0, N);
    for (size_t i = 0; i < MP_DEPTH_MAX; i++) {
        size_t left = N - 3 * (i + 1);
        bytes[3 * i] = 0xdc;
        bytes[3 * i + 1] = (uint8_t)(left >> 8);
        bytes[3 * i + 2] = (uint8_t)left;
    }
    struct arena a;
    struct val v;
    struct err err = {0};
    arena_init(&a);
    struct mp m = over(bytes, N);
    CHECK(!mp_tree(&m, &a, &v, &err));
    CHECK(a.n_bytes <= sizeof(struct val) * N, "%zu bytes", a.n_bytes);
    arena_fini(&a);
    free(bytes);
}

static void depth(void)
{
    for (size_t n = MP_DEPTH_MAX - 1; n <= MP_DEPTH_MAX + 2; n++) {
        uint8_t bytes[100];
        struct arena a;
        struct val v;
        memset(bytes, 0x91, n);
        bytes[n] = 0xc0;
        arena_init(&a);
        struct mp m = over(bytes, n + 1), s = m;
        CHECK(mp_tree(&m, &a, &v, NULL) == (n <= MP_DEPTH_MAX), "%zu lists", n);
        CHECK(mp_skip(&s) == (n <= MP_DEPTH_MAX), "%zu lists", n);
        arena_fini(&a);
    }
    uint8_t *deep = malloc(1000000); /* must not take the stack */
    memset(deep, 0x91, 1000000);
    struct mp m = over(deep, 1000000);
    CHECK(!mp_skip(&m));
    free(deep);
}

int main(void)
{
    integers();
    lengths();
    floats();
    trees();
    counts();
    nested_claims();
    depth();
    return check_done();
}
