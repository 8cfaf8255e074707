/* test_feed_progress.c -- the bar, at every width; and the texts of refused lines.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "feed/progress.h"
#include "feed/refused.h"

#include <stdlib.h>
#include <unistd.h>

static void test_line(void)
{
    static const struct {
        struct progress_state s;
        unsigned width;
        const char *want;
    } cases[] = {
        {{"a.tsv", 50 << 20, 100 << 20, 0, 1234567, 10000, 0},
         100,
         "a.tsv  [===============>              ]  50 %  50.0 MiB of 100.0 MiB  123,456 events/s  "
         "0:10 left"},
        {{"a.tsv", 50 << 20, 100 << 20, 0, 1234567, 10000, 0},
         60,
         " 50 %  50.0 MiB of 100.0 MiB  123,456 events/s  0:10 left"},
        {{"a.tsv", 50 << 20, 100 << 20, 0, 1234567, 10000, 0}, 20, " 50 %  50.0 MiB of 1"},
        /* half of what was skipped took no time */
        {{"a.tsv", 75 << 20, 100 << 20, 50 << 20, 100, 3600000, 0},
         60,
         " 75 %  75.0 MiB of 100.0 MiB  0 events/s  1:00:00 left"},
        {{"a.tsv", 0, 10, 0, 0, 0, 0},
         60,
         "a.tsv  [>                   ]   0 %  0 B of 10 B  0 events/s"},
        {{"standard input", 999, 0, 0, 5000, 1000, 0}, 80, "standard input  999 B  5,000 events/s"},
        {{"a.tsv", 5, 10, 0, 2, 1000, 61500},
         80,
         "a.tsv  [=============>            ]  50 %  5 B of 10 B  2 events/s  next in 1:02"},
        {{"a/very/long/path/to/some/file.tsv.gz", 5, 5, 0, 2, 1000, 0},
         90,
         "...h/to/some/file.tsv.gz  [=====================] 100 %  5 B of 5 B  2 "
         "events/s  0:00 left"},
        {{"a\x1b[2J\n", 5, 0, 0, 2, 1000, 0}, 90, "a?[2J?  5 B  2 events/s"},
        {{"a.tsv", 20, 10, 0, 2, 1000, 0}, 50, "a.tsv  100 %  20 B of 10 B  2 events/s  0:00 left"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out = {0};
        progress_line(&cases[i].s, cases[i].width, &out);
        CHECK(str_eqz(buf_str(&out), cases[i].want), "case %zu:\n%.*s\n%s", i,
              STR_FMT(buf_str(&out)), cases[i].want);
        for (unsigned width = 0; width < 200; width++) {
            out.n = 0;
            progress_line(&cases[i].s, width, &out);
            CHECK(out.n <= width, "case %zu: %zu in %u", i, out.n, width);
        }
        buf_fini(&out);
    }
}

static void test_refused(void)
{
    struct refused r;
    struct buf out = {0};
    struct err err = {0};
    CHECK(refused_init(&r, NULL, &err));
    refused_add(&r, "a.tsv", 3, STR(""), STR("12 columns, want 131"));
    refused_add(&r, "a.tsv", 5, STR("x"), STR("x: want a number, not \"\x1b[2J\" \"7\""));
    refused_add(&r, "a.tsv", 7, STR("x"), STR("x: want a number, not \"y\xc2\x9b\""));
    refused_write(&r, &out);
    CHECK(str_eqz(buf_str(&out), "refused, by reason:\n"
                                 "        2  x: want a number, not \" [2J\" \"7\"\n"
                                 "        1  12 columns, want 131\n"
                                 "which are:\n"
                                 "  a.tsv:3: 12 columns, want 131\n"
                                 "  a.tsv:5: x: want a number, not \" [2J\" \"7\"\n"
                                 "  a.tsv:7: x: want a number, not \"y \"\n"),
          "%.*s", STR_FMT(buf_str(&out)));
    CHECK(refused_fini(&r, &err));
    buf_fini(&out);
}

/* Garbage has as many reasons as lines. */
static void test_many_reasons(void)
{
    struct refused r;
    struct buf out = {0};
    struct err err = {0};
    refused_init(&r, NULL, &err);
    for (int i = 0; i < 500; i++) {
        char why[10] = {(char)('a' + i / 26), (char)('a' + i % 26), 0};
        refused_add(&r, "f", 1, STR(""), str_of(why));
    }
    refused_write(&r, &out);
    buf_putc(&out, 0);
    CHECK_INT(r.n, 500);
    CHECK(strstr(out.p, "        1  aa\n"));
    CHECK(strstr(out.p, "      450  for other reasons\nthe first 10 of them:\n"), "%s", out.p);
    CHECK(strstr(out.p, "  f:1: aj\n--refused FILE writes down all of them\n"), "%s", out.p);
    refused_fini(&r, &err);
    buf_fini(&out);
}

static void test_file(void)
{
    char path[] = "/tmp/test_cli_refused_XXXXXX", text[200];
    struct refused r;
    struct err err = {0};
    close(mkstemp(path));
    for (int i = 0; i < 2; i++) { /* the second run adds to it */
        CHECK(refused_init(&r, path, &err));
        refused_add(&r, "a\tb", 17, STR("x"), STR("x: not\na number"));
        CHECK(refused_fini(&r, &err));
    }
    FILE *f = fopen(path, "r");
    size_t n = fread(text, 1, sizeof(text), f);
    CHECK(str_eqz((struct str){text, n},
                  "a b\t17\tx\tx: not a number\na b\t17\tx\tx: not a number\n"),
          "%.*s", (int)n, text);
    fclose(f);
    unlink(path);
    CHECK(!refused_init(&r, "/nonexistent/x", &err) && strstr(err.text, "/nonexistent/x: No such"));
    CHECK(refused_init(&r, "/dev/full", &err));
    err = (struct err){0};
    refused_add(&r, "a", 1, STR(""), STR("b"));
    CHECK(!refused_fini(&r, &err) && strstr(err.text, "No space left"), "%s", err.text);
}

int main(void)
{
    test_line();
    test_refused();
    test_many_reasons();
    test_file();
    return check_done();
}
