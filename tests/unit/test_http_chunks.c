/* test_http_chunks.c -- chunked bodies: decoded alike however they arrive, refused at the first
 * byte that is wrong.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "http/http.h"

#include <stdlib.h>

static const struct {
    const char *name, *in, *body; /* body NULL: refused */
    const char *rest;             /* what is left behind the body */
} cases[] = {
    {"empty", "0\r\n\r\n", "", ""},
    {"one", "5\r\nhello\r\n0\r\n\r\n", "hello", ""},
    {"two", "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "hello!", ""},
    {"hex, both cases", "a\r\n0123456789\r\nB\r\nabcdefghijk\r\n0\r\n\r\n", "0123456789abcdefghijk",
     ""},
    {"leading zeros", "0005\r\nhello\r\n000\r\n\r\n", "hello", ""},
    {"data that looks like chunks", "7\r\n0\r\n\r\n1\r\r\n0\r\n\r\n", "0\r\n\r\n1\r", ""},
    {"extension", "5;a=b\r\nhello\r\n0;c\r\n\r\n", "hello", ""},
    {"quoted extension", "5;a=\"b c\"\r\nhello\r\n0\r\n\r\n", "hello", ""},
    {"trailers", "1\r\nx\r\n0\r\nA: b\r\nContent-Length: 7\r\n\r\n", "x", ""},
    {"pipelined behind it", "1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "x", "GET / HTTP/1.1\r\n"},

    {"0x5", "0x5\r\nhello\r\n0\r\n\r\n", NULL, NULL},
    {"+5", "+5\r\nhello\r\n0\r\n\r\n", NULL, NULL},
    {"-5", "-5\r\nhello\r\n0\r\n\r\n", NULL, NULL},
    {"blank before", " 5\r\nhello\r\n0\r\n\r\n", NULL, NULL},
    {"blank behind", "5 \r\nhello\r\n0\r\n\r\n", NULL, NULL},
    {"blank before the extension", "5 ;a\r\nhello\r\n0\r\n\r\n", NULL, NULL},
    {"no size", "\r\nhello\r\n0\r\n\r\n", NULL, NULL},
    {"only an extension", ";a\r\nhello\r\n0\r\n\r\n", NULL, NULL},
    {"not hex", "g\r\nhello\r\n0\r\n\r\n", NULL, NULL},
    {"17 digits", "00000000000000005\r\nhello\r\n0\r\n\r\n", NULL, NULL},
    {"size ends in lf", "5\nhello\r\n0\r\n\r\n", NULL, NULL},
    {"size ends in cr", "5\rhello\r\n0\r\n\r\n", NULL, NULL},
    {"extension ends in lf", "5;a\nhello\r\n0\r\n\r\n", NULL, NULL},
    {"control in an extension", "5;a\x01\r\nhello\r\n0\r\n\r\n", NULL, NULL},
    {"data too long", "5\r\nhello!\r\n0\r\n\r\n", NULL, NULL},
    {"data ends in lf", "5\r\nhello\n0\r\n\r\n", NULL, NULL},
    {"data ends in cr", "5\r\nhello\r0\r\n\r\n", NULL, NULL},
    {"no end of data", "5\r\nhello0\r\n\r\n", NULL, NULL},
    {"lf at the very end", "0\r\n\n", NULL, NULL},
    {"cr at the very end", "0\r\n\r\r", NULL, NULL},
    {"trailer without colon", "0\r\nabc\r\n\r\n", NULL, NULL},
    {"trailer without name", "0\r\n: b\r\n\r\n", NULL, NULL},
    {"trailer folded", "0\r\nA: b\r\n c\r\n\r\n", NULL, NULL},
    {"trailer, blank before colon", "0\r\nA : b\r\n\r\n", NULL, NULL},
    {"trailer ends in lf", "0\r\nA: b\n\r\n", NULL, NULL},
    {"control in a trailer", "0\r\nA: \x02\r\n\r\n", NULL, NULL},
};

/* Feeds in to the decoder in pieces cut at a and b, as a connection does. Returns its last answer.
 */
static int decode(struct str in, size_t a, size_t b, char *body, size_t *n_body, size_t *n_left)
{
    struct http_chunks c = {0};
    size_t cuts[] = {a, b, in.n}, from = 0;
    int rc = 0;
    *n_body = 0;
    *n_left = in.n;
    for (size_t i = 0; i < 3 && rc == 0; i++) {
        size_t n = cuts[i] - from, used, out;
        const char *why;
        char *piece = malloc(n + 1); /* its own allocation: ASan sees a byte too far */
        memcpy(piece, in.p + from, n);
        rc = http_read_chunks(&c, piece, n, &used, &out, &why);
        CHECK(rc >= 0 || why, "a refusal without a reason");
        CHECK(rc != 0 || used == n, "bytes left over though more are wanted");
        memcpy(body + *n_body, piece, out);
        *n_body += out;
        *n_left = in.n - from - used;
        free(piece);
        from = cuts[i];
    }
    return rc;
}

static void check_case(size_t k)
{
    struct str in = str_of(cases[k].in);
    char body[256];
    size_t n, left;
    for (size_t a = 0; a <= in.n; a++)
        for (size_t b = a; b <= in.n; b++) {
            int rc = decode(in, a, b, body, &n, &left);
            if (!cases[k].body) {
                CHECK(rc == -400, "%s cut at %zu, %zu: got %d", cases[k].name, a, b, rc);
                continue;
            }
            CHECK(rc == 1, "%s cut at %zu, %zu: got %d", cases[k].name, a, b, rc);
            CHECK(str_eqz((struct str){body, n}, cases[k].body), "%s cut at %zu, %zu: got %.*s",
                  cases[k].name, a, b, (int)n, body);
            CHECK(left <= in.n && str_eqz((struct str){in.p + in.n - left, left}, cases[k].rest),
                  "%s cut at %zu, %zu: %zu left", cases[k].name, a, b, left);
        }
    if (cases[k].body) /* every true prefix wants more */
        for (size_t i = 0; i + strlen(cases[k].rest) < in.n; i++)
            CHECK_INT(decode((struct str){in.p, i}, 0, 0, body, &n, &left), 0);
}

/* Extensions and trailers are bounded together, whatever their number. */
static void check_extra(void)
{
    struct buf b = {0};
    char *body = malloc(1 << 20);
    size_t n, left;
    for (int i = 0; i < 100; i++)
        buf_puts(&b, "1;aaaaaaaaa\r\nx\r\n");
    size_t few = b.n;
    buf_puts(&b, "0\r\n\r\n");
    CHECK_INT(decode(buf_str(&b), 0, 0, body, &n, &left), 1);
    CHECK_INT(n, 100);
    b.n = few;
    for (int i = 0; i < 400; i++)
        buf_puts(&b, "1;aaaaaaaaa\r\nx\r\n");
    buf_puts(&b, "0\r\n\r\n");
    CHECK_INT(decode(buf_str(&b), 0, 0, body, &n, &left), -400);
    b.n = 0;
    buf_puts(&b, "0\r\n");
    for (int i = 0; i < 1000; i++)
        buf_puts(&b, "a: bcd\r\n");
    CHECK_INT(decode(buf_str(&b), 0, 0, body, &n, &left), -400);
    buf_fini(&b);
    free(body);
}

/* A size may be announced that will never come: the decoder neither believes nor fears it. */
static void check_huge(void)
{
    char in[] = "ffffffffffffffff\r\nabc";
    struct http_chunks c = {0};
    size_t used, out;
    const char *why;
    CHECK_INT(http_read_chunks(&c, in, sizeof(in) - 1, &used, &out, &why), 0);
    CHECK_INT(out, 3);
    CHECK(c.left == UINT64_MAX - 3);
}

int main(void)
{
    for (size_t k = 0; k < COUNT_OF(cases); k++)
        check_case(k);
    check_extra();
    check_huge();
    return check_done();
}
