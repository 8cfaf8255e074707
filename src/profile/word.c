/* word.c -- a value in eight bytes.
 *
 * Most bit patterns of a negative NaN are free, since NaN never enters a val: they hold integers of
 * 48 bits, booleans, strings of up to six bytes, and pointers to longer ones, which the store keeps
 * once each and counts. A number that is whole is always held as an integer. So equal values are
 * equal words, whatever they arrived as, and sets and frequencies compare eight bytes. Addresses
 * have 48 bits on the machines we build for; bytes of a short string are found in place because
 * those are little-endian.
 * SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile_internal.h"
#include "profile/page.h"

#include <assert.h>
#include <math.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && sizeof(void *) == 8,
               "see the head of this file");

enum { TAG_INT = 0xfff9, TAG_BOOL, TAG_SHORT, TAG_TEXT, TAG_BIG_INT };
enum { SHORT_MAX = 6 };
#define PAYLOAD 0x0000ffffffffffffu

struct text {
    uint32_t refs;
    uint32_t n : 31, is_int : 1;
    char bytes[];
};
struct text_key {
    struct str bytes;
    bool is_int;
};

static uint64_t tagged(unsigned tag, uint64_t payload)
{
    return (uint64_t)tag << 48 | (payload & PAYLOAD);
}

static unsigned tag_of(uint64_t word)
{
    return (unsigned)(word >> 48);
}

static struct text *text_of(uint64_t word)
{
    return (struct text *)(uintptr_t)(word & PAYLOAD);
}

static bool is_text(uint64_t word)
{
    return tag_of(word) == TAG_TEXT || tag_of(word) == TAG_BIG_INT;
}

static uint64_t text_hash(struct str bytes, bool is_int)
{
    uint64_t h = str_hash(bytes);
    return is_int ? mix64(h) : h;
}

static bool text_same(const void *p, const void *key)
{
    const struct text *t = p;
    const struct text_key *k = key;
    return t->n == k->bytes.n && t->is_int == k->is_int && memcmp(t->bytes, k->bytes.p, t->n) == 0;
}

static uint64_t text_ref(struct store *s, struct str bytes, bool is_int)
{
    struct text_key key = {bytes, is_int};
    uint64_t hash = text_hash(bytes, is_int);
    struct text *t = table_get(&s->texts, hash, text_same, &key);
    if (!t) {
        t = store_alloc(s, sizeof(*t) + bytes.n);
        *t = (struct text){.n = (uint32_t)bytes.n, .is_int = is_int};
        memcpy(t->bytes, bytes.p, bytes.n);
        table_put(&s->texts, hash, t);
    }
    t->refs++;
    assert(((uintptr_t)t & ~(uintptr_t)PAYLOAD) == 0);
    return tagged(is_int ? TAG_BIG_INT : TAG_TEXT, (uintptr_t)t);
}

static uint64_t word_of_int(struct store *s, int64_t i)
{
    if (i >= -((int64_t)1 << 47) && i < (int64_t)1 << 47)
        return tagged(TAG_INT, (uint64_t)i);
    return text_ref(s, (struct str){(const char *)&i, sizeof(i)}, true);
}

static inline uint64_t word_of_bytes(struct store *s, struct str v)
{
    if (v.n <= SHORT_MAX && !(v.n && memchr(v.p, 0, v.n))) { /* zeros tell its length */
        uint64_t payload = 0;
        if (v.n)
            memcpy(&payload, v.p, v.n);
        return tagged(TAG_SHORT, payload);
    }
    return text_ref(s, v, false);
}

static uint64_t word_of_str(struct store *s, struct str v)
{
    if (v.n > s->limits.value_bytes) {
        v.n = s->limits.value_bytes;
        while (v.n > 0 && ((unsigned char)v.p[v.n] & 0xc0) == 0x80)
            v.n--;
        stat_add(STAT_VALUES_CUT, 1);
    }
    return word_of_bytes(s, v);
}

bool word_of(struct store *s, struct val v, uint64_t *word)
{
    switch (v.type) {
    case VAL_BOOL:
        *word = tagged(TAG_BOOL, v.b);
        return true;
    case VAL_INT:
        *word = word_of_int(s, v.i);
        return true;
    case VAL_DBL:
        if (v.d >= -0x1p63 && v.d < 0x1p63 && v.d == floor(v.d))
            *word = word_of_int(s, (int64_t)v.d);
        else
            *word = word_of_double(v.d);
        return v.d == v.d;
    case VAL_STR:
    case VAL_BIN:
        *word = word_of_str(s, val_as_str(v));
        return true;
    default:
        return false;
    }
}

uint64_t word_ref(uint64_t word)
{
    if (is_text(word))
        text_of(word)->refs++;
    return word;
}

void word_unref(struct store *s, uint64_t word)
{
    if (!is_text(word))
        return;
    struct text *t = text_of(word);
    if (--t->refs > 0)
        return;
    table_del(&s->texts, text_hash((struct str){t->bytes, t->n}, t->is_int), t);
    store_release(s, t, sizeof(*t) + t->n);
}

struct val word_val(const uint64_t *word)
{
    const struct text *t;
    int64_t i;
    switch (tag_of(*word)) {
    case TAG_INT:
        return val_int((int64_t)(*word << 16) >> 16);
    case TAG_BOOL:
        return val_bool(*word & 1);
    case TAG_SHORT:
        return val_str((struct str){(const char *)word, strnlen((const char *)word, SHORT_MAX)});
    case TAG_TEXT:
        t = text_of(*word);
        return val_str((struct str){t->bytes, t->n});
    case TAG_BIG_INT:
        memcpy(&i, text_of(*word)->bytes, sizeof(i));
        return val_int(i);
    case WORD_NONE_TAG:
        return val_null;
    default:
        return val_dbl(word_double(*word));
    }
}

int word_cmp(uint64_t a, uint64_t b)
{
    return a == b ? 0 : val_cmp(word_val(&a), word_val(&b));
}

uint64_t word_hash(uint64_t word)
{
    if (!is_text(word))
        return mix64(word);
    const struct text *t = text_of(word);
    return text_hash((struct str){t->bytes, t->n}, t->is_int);
}

/* -- as bytes: a varint whose lowest two bits say what it is of */

enum { PUT_TEXT, PUT_INT, PUT_AGAIN, PUT_OTHER }; /* length; zigzag; number of a text; one of: */
enum {
    OTHER_FALSE,
    OTHER_TRUE,
    OTHER_DOUBLE,
    OTHER_INT
}; /* the latter two are followed by eight bytes */

static struct page_text *page_text(struct page_out *o, uint64_t word)
{
    return &o->texts[mix64(word) % PAGE_TEXTS];
}

static void put_text(struct page_out *o, uint64_t word)
{
    struct page_text *t = page_text(o, word);
    if (t->page == o->page && t->word == word) {
        put_uint(o, (uint64_t)t->number << 2 | PUT_AGAIN);
        return;
    }
    *t = (struct page_text){word, o->n_texts++, o->page};
    put_uint(o, (uint64_t)text_of(word)->n << 2 | PUT_TEXT);
    buf_put(&o->buf, text_of(word)->bytes, text_of(word)->n);
}

void put_word(struct page_out *o, uint64_t word)
{
    struct val v = word_val(&word);
    switch (tag_of(word)) {
    case TAG_INT:
        put_uint(o, zigzag(v.i) << 2 | PUT_INT);
        return;
    case TAG_BOOL:
        put_uint(o, (unsigned)(v.b ? OTHER_TRUE : OTHER_FALSE) << 2 | PUT_OTHER);
        return;
    case TAG_SHORT:
        put_uint(o, (uint64_t)v.n << 2 | PUT_TEXT);
        buf_put(&o->buf, v.s, v.n);
        return;
    case TAG_TEXT:
        put_text(o, word);
        return;
    case TAG_BIG_INT:
        put_uint(o, OTHER_INT << 2 | PUT_OTHER);
        pack_u64(&o->buf, (uint64_t)v.i);
        return;
    default:
        put_uint(o, OTHER_DOUBLE << 2 | PUT_OTHER);
        pack_u64(&o->buf, word);
    }
}

/* Kept as it was, though longer than what is taken today. */
static bool get_text(struct page_in *in, uint64_t n, uint64_t *word)
{
    struct str s = unpack_bytes(&in->u, n);
    if (in->u.bad || s.n > INT32_MAX)
        return page_bad(in);
    *word = word_of_bytes(in->store, s);
    if (is_text(*word)) {
        in->texts = xgrow(in->texts, in->n_texts, &in->cap_texts, sizeof(*in->texts));
        in->texts[in->n_texts++] = *word;
    }
    return true;
}

static bool get_other(struct page_in *in, uint64_t what, uint64_t *word)
{
    struct val v = val_bool(what == OTHER_TRUE);
    if (what == OTHER_DOUBLE)
        v = val_dbl(unpack_double(&in->u));
    else if (what == OTHER_INT)
        v = val_int((int64_t)unpack_u64(&in->u));
    else if (what > OTHER_INT)
        page_bad(in);
    return (!in->u.bad && word_of(in->store, v, word)) || page_bad(in);
}

bool get_word(struct page_in *in, uint64_t *word)
{
    uint64_t head = get_uint(in), n = head >> 2;
    if (in->u.bad)
        return false;
    switch (head & 3) {
    case PUT_TEXT:
        return get_text(in, n, word);
    case PUT_INT:
        *word = word_of_int(in->store, unzigzag(n));
        return true;
    case PUT_AGAIN:
        if (n >= in->n_texts)
            return page_bad(in);
        *word = word_ref(in->texts[n]);
        return true;
    default:
        return get_other(in, n, word);
    }
}

/* Whole numbers, and hundredths: both as integers of 50 bits; the lowest two bits say which. */
enum { NUMBER_WHOLE, NUMBER_HUNDREDTHS, NUMBER_ANY };
static const double NUMBER_MOST = 0x1p50;

static bool put_number_as(struct page_out *o, double d, double whole, double divisor, unsigned how)
{
    if (!(fabs(whole) < NUMBER_MOST))
        return false;
    int64_t i = (int64_t)whole;
    if (word_of_double((double)i / divisor) != word_of_double(d))
        return false;
    put_uint(o, zigzag(i) << 2 | how);
    return true;
}

void put_number(struct page_out *o, double d)
{
    if (put_number_as(o, d, d, 1, NUMBER_WHOLE) ||
        put_number_as(o, d, rint(d * 100), 100, NUMBER_HUNDREDTHS))
        return;
    put_uint(o, NUMBER_ANY);
    pack_double(&o->buf, d);
}

double get_number(struct page_in *in)
{
    uint64_t head = get_uint(in);
    switch (head & 3) {
    case NUMBER_WHOLE:
        return (double)unzigzag(head >> 2);
    case NUMBER_HUNDREDTHS:
        return (double)unzigzag(head >> 2) / 100;
    case NUMBER_ANY:
        return unpack_double(&in->u);
    default:
        page_bad(in);
        return 0;
    }
}
