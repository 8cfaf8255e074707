/* test_evt_base64.c -- base64 against the vectors of RFC 4648, both alphabets, and what is refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "evt/base64.h"

static const char *decoded(const char *text)
{
    static char out[300];
    size_t n;
    if (!base64_decode(str_of(text), (uint8_t *)out, &n))
        return "refused";
    out[n] = 0;
    return out;
}

int main(void)
{
    CHECK_STR(decoded(""), "");
    CHECK_STR(decoded("Zg=="), "f");
    CHECK_STR(decoded("Zm8="), "fo");
    CHECK_STR(decoded("Zm9v"), "foo");
    CHECK_STR(decoded("Zm9vYg=="), "foob");
    CHECK_STR(decoded("Zm9vYmE="), "fooba");
    CHECK_STR(decoded("Zm9vYmFy"), "foobar");
    CHECK_STR(decoded("Zg"), "f");
    CHECK_STR(decoded("Zm8"), "fo");
    CHECK_STR(decoded("Zm9vYg"), "foob");
    CHECK_STR(decoded("Pz8_"), "???");
    CHECK_STR(decoded("Pz8/"), "???");
    CHECK_STR(decoded("fn5-"), "~~~");
    CHECK_STR(decoded("fn5+"), "~~~");
    CHECK_STR(decoded("fn5-Pz8/"), "~~~???");

    CHECK_STR(decoded("Z"), "refused");
    CHECK_STR(decoded("Zm9vZ"), "refused");
    CHECK_STR(decoded("Zg="), "refused");
    CHECK_STR(decoded("Zm8=="), "refused");
    CHECK_STR(decoded("Zm9v="), "refused");
    CHECK_STR(decoded("===="), "refused");
    CHECK_STR(decoded("Zg==Zg=="), "refused");
    CHECK_STR(decoded("Zm 9v"), "refused");
    CHECK_STR(decoded("Zm9v\n"), "refused");
    CHECK_STR(decoded("Zm9%"), "refused");
    CHECK_STR(decoded("Zm9v\xc3\xa4"), "refused");

    /* all bytes, there and back by the definition of the encoding */
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (unsigned v = 0; v < 256 * 256; v++) {
        char text[5] = {digits[v >> 10], digits[v >> 4 & 63], digits[v << 2 & 63], '=', 0};
        uint8_t out[8];
        size_t n;
        bool ok = base64_decode(str_of(text), out, &n) && n == 2 && out[0] == v >> 8 &&
                  out[1] == (v & 255);
        if (!ok || v == 0)
            CHECK(ok, "%s", text);
    }
    /* long ones: every length, and one wrong character at every place, against the same taken in
     * short pieces */
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t len = 0; len <= 200; len++) {
        char text[208], hurt[208];
        uint8_t whole[256], piece[256];
        size_t n, n_piece, want = 0;
        bool ok, same = true;
        for (size_t i = 0; i < len; i++)
            text[i] = i % 3 ? safe[(i * 37 + len) % 64] : digits[(i * 11 + len * 7) % 64];
        ok = base64_decode((struct str){text, len}, whole, &n);
        CHECK(ok == (len % 4 != 1), "%zu characters", len);
        for (size_t i = 0; ok && i < len; i += 4) {
            same &=
                base64_decode((struct str){text + i, len - i < 4 ? len - i : 4}, piece, &n_piece);
            same &= memcmp(piece, whole + want, n_piece) == 0;
            want += n_piece;
        }
        CHECK(!ok || (same && want == n), "%zu characters", len);
        for (size_t i = 0; i < len; i++) {
            memcpy(hurt, text, len);
            hurt[i] = (char)("=@[`{:,.\x80\xff\0 "[i % 12]);
            if (i + 2 < len && base64_decode((struct str){hurt, len}, whole, &n))
                CHECK(false, "%zu characters, wrong at %zu", len, i);
        }
    }
    return check_done();
}
