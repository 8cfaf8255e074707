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

static uint64_t word_of_str(struct store *s, struct str v)
{
    if (v.n > s->limits.value_bytes) {
        v.n = s->limits.value_bytes;
        while (v.n > 0 && ((unsigned char)v.p[v.n] & 0xc0) == 0x80)
            v.n--;
        stat_add(STAT_VALUES_CUT, 1);
    }
    if (v.n <= SHORT_MAX && !(v.n && memchr(v.p, 0, v.n))) { /* zeros tell its length */
        uint64_t payload = 0;
        if (v.n)
            memcpy(&payload, v.p, v.n);
        return tagged(TAG_SHORT, payload);
    }
    return text_ref(s, v, false);
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
