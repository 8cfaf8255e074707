/* base64.c -- reads base64: 32 characters at a time where the processor has AVX2, else four through
 * a table.
 *
 * Contexts come in base64 with every GET and from many trackers with every POST, so this is on the
 * way of each event.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/base64.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { NO = 255 }; /* above every digit, so that one test of an OR of four finds it */
static const uint8_t digit_of[256] = {
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, 62, NO, 62, NO, 63,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO, NO, NO, NO, NO, 0,  1,  2,  3,  4,  5,  6,
    7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, NO, NO, NO, NO, 63,
    NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48,
    49, 50, 51, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
};

/* The two or three characters behind the last whole four. */
static bool decode_tail(const uint8_t *in, size_t n, uint8_t *out, size_t *n_out)
{
    if (n == 0)
        return true;
    if (n == 1)
        return false;
    uint32_t a = digit_of[in[0]], b = digit_of[in[1]], c = n == 3 ? digit_of[in[2]] : 0;
    if ((a | b | c) > 63)
        return false;
    out[(*n_out)++] = (uint8_t)(a << 2 | b >> 4);
    if (n == 3)
        out[(*n_out)++] = (uint8_t)(b << 4 | c >> 2);
    return true;
}

#ifdef __x86_64__
/* All of whole 32s until a character is no digit; the table then says what is wrong with it.
 * Returns how many were read. */
__attribute__((target("avx2"))) static size_t decode_wide(const uint8_t *in, size_t n, uint8_t *out)
{
    const __m256i pack =
        _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1, /* */
                         2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    const __m256i join = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7);
    size_t done = 0;
    for (; n - done >= 32; done += 32, out += 24) {
        __m256i c = _mm256_loadu_si256((const __m256i *)(const void *)(in + done));
/* signed comparisons: bytes from 128 on are negative and lie in none of the ranges */
#define BETWEEN(first, last)                                                                       \
    _mm256_and_si256(_mm256_cmpgt_epi8(c, _mm256_set1_epi8((first)-1)),                            \
                     _mm256_cmpgt_epi8(_mm256_set1_epi8((last) + 1), c))
#define EITHER(a, b)                                                                               \
    _mm256_or_si256(_mm256_cmpeq_epi8(c, _mm256_set1_epi8(a)),                                     \
                    _mm256_cmpeq_epi8(c, _mm256_set1_epi8(b)))
        __m256i upper = BETWEEN('A', 'Z'), lower = BETWEEN('a', 'z'), digit = BETWEEN('0', '9');
        __m256i is62 = EITHER('+', '-'), is63 = EITHER('/', '_');
        __m256i letter = _mm256_or_si256(_mm256_or_si256(upper, lower), digit);
        __m256i valid = _mm256_or_si256(letter, _mm256_or_si256(is62, is63));
        if (_mm256_movemask_epi8(valid) != -1)
            break;
        __m256i shift = _mm256_or_si256(_mm256_and_si256(upper, _mm256_set1_epi8(-'A')),
                                        _mm256_and_si256(lower, _mm256_set1_epi8(26 - 'a')));
        shift = _mm256_or_si256(shift, _mm256_and_si256(digit, _mm256_set1_epi8(52 - '0')));
        __m256i six = _mm256_and_si256(_mm256_add_epi8(c, shift), letter);
        six = _mm256_or_si256(six, _mm256_and_si256(is62, _mm256_set1_epi8(62)));
        six = _mm256_or_si256(six, _mm256_and_si256(is63, _mm256_set1_epi8(63)));
        /* four sixes into 24 bits: a*64+b, then that*4096 + c*64+d, then the three bytes of each in
         * order */
        __m256i twelve = _mm256_maddubs_epi16(six, _mm256_set1_epi32(0x01400140));
        __m256i all = _mm256_madd_epi16(twelve, _mm256_set1_epi32(0x00011000));
        all = _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(all, pack), join);
        _mm256_storeu_si256((__m256i *)(void *)out, all);
#undef BETWEEN
#undef EITHER
    }
    return done;
}

static size_t decode_start(const uint8_t *in, size_t n, uint8_t *out)
{
    return __builtin_cpu_supports("avx2") ? decode_wide(in, n, out) : 0;
}
#else
static size_t decode_start(const uint8_t *in, size_t n, uint8_t *out)
{
    return 0;
}
#endif

bool base64_decode(struct str in, uint8_t *out, size_t *n_out)
{
    const uint8_t *p = (const uint8_t *)in.p;
    size_t n = in.n;
    *n_out = 0;
    if (n && n % 4 == 0) /* padding only ever fills up a four */
        for (int i = 0; i < 2 && p[n - 1] == '='; i++)
            n--;
    size_t done = decode_start(p, n, out);
    uint8_t *o = out + done / 4 * 3;
    p += done;
    n -= done;
    for (; n >= 4; n -= 4, p += 4, o += 3) {
        uint32_t a = digit_of[p[0]], b = digit_of[p[1]], c = digit_of[p[2]], d = digit_of[p[3]];
        if ((a | b | c | d) > 63)
            return false;
        uint32_t bits = a << 18 | b << 12 | c << 6 | d;
        o[0] = (uint8_t)(bits >> 16);
        o[1] = (uint8_t)(bits >> 8);
        o[2] = (uint8_t)bits;
    }
    *n_out = (size_t)(o - out);
    return decode_tail(p, n, out, n_out);
}
