/* fuzz_evt_base64.c -- any bytes as base64, against a decoder that takes one character at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/base64.h"

#include <assert.h>
#include <stdlib.h>

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c == '-' ? '+' : c == '_' ? '/' : c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static bool decode_slowly(struct str in, uint8_t *out, size_t *n_out)
{
    uint32_t bits = 0;
    size_t n_bits = 0;
    *n_out = 0;
    if (in.n % 4 == 0)
        for (int i = 0; i < 2 && in.n && in.p[in.n - 1] == '='; i++)
            in.n--;
    for (size_t i = 0; i < in.n; i++) {
        if (digit(in.p[i]) < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit(in.p[i]);
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            out[(*n_out)++] = (uint8_t)(bits >> n_bits);
        }
    }
    return in.n % 4 != 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *copy = malloc(n ? n : 1);
    uint8_t *fast = malloc(base64_room(n)), *slow = malloc(n + 1);
    size_t n_fast, n_slow;
    if (n)
        memcpy(copy, data, n);
    struct str in = {copy, n};
    bool ok = base64_decode(in, fast, &n_fast);
    bool want = decode_slowly(in, slow, &n_slow);
    assert(ok == want);
    assert(!ok || (n_fast == n_slow && (n_fast == 0 || memcmp(fast, slow, n_fast) == 0)));
    free(copy);
    free(fast);
    free(slow);
    return 0;
}
