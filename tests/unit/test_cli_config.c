/* test_cli_config.c -- options: what wins over what, what is refused and how, and that the table agrees with itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

static char toml_path[] = "/tmp/test_cli_config_XXXXXX";

static void write_toml(const char *text)
{
    FILE *f = fopen(toml_path, "w");
    fputs(text, f);
    fclose(f);
}

/* Words apart by blanks, NULL at the end. */
static char **words(char *text, char **out, int *n)
{
    char *save = NULL;
    *n = 0;
    for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
        out[(*n)++] = w;
    out[*n] = NULL;
    return out;
}

/* Loads with this file (NULL: none), environment and command line; the caller finis. */
static bool load(struct config *c, const char *toml, const char *env, const char *args,
                 struct err *err)
{
    static char env_text[1000], arg_text[1000];
    static char *envs[32], *argv[32];
    int n_env, n_arg;
    snprintf(env_text, sizeof(env_text), "%s", env);
    snprintf(arg_text, sizeof(arg_text), "%s%s%s", args, toml ? " --config " : "",
             toml ? toml_path : "");
    if (toml)
        write_toml(toml);
    *err = (struct err){0};
    config_init(c);
    words(env_text, envs, &n_env);
    return config_load(c, n_arg = (words(arg_text, argv, &n_arg), n_arg), argv, envs, err);
}

static void test_defaults(void)
{
    struct config c;
    struct err err;
    CHECK(load(&c, NULL, "", "", &err));
    CHECK_STR(c.listen, "127.0.0.1:8080");
    CHECK_STR(c.rules, "rules");
    CHECK(c.referers == NULL);
    CHECK(c.cookie_on);
    CHECK_INT(c.http.head_ms, http_limits_default.head_ms);
    CHECK_INT(c.push.keep_ms, 3600000);
    CHECK_INT(c.profile.entries, profile_limits_default.entries);
    CHECK_INT(c.api.targets, 16);
    CHECK_STR(c.data, "data");
    CHECK_INT(c.journal.sync, JOURNAL_ALWAYS);
    CHECK_INT(c.journal.interval_ms, 1000);
    CHECK_INT(c.keep_days, 60);
    CHECK_INT(c.journal.keep_bytes, 0);
    CHECK_INT(c.write_back_ms, 60000);
    CHECK_INT(c.log_level, LOG_INFO);
    config_fini(&c);
}

static void test_order(void)
{
    static const struct {
        const char *toml, *env, *args;
        int64_t head_ms;
        const char *origin; /* as --print-config says it */
    } cases[] = {
        {NULL, "", "", 10000, "# default"},
        {"[http]\nhead_ms = 1\n", "", "", 1, ":2\n"},
        {"[http]\nhead_ms = 1\n", "SIGNALBOX_HTTP_HEAD_MS=2", "", 2, "# SIGNALBOX_HTTP_HEAD_MS"},
        {"[http]\nhead_ms = 1\n", "SIGNALBOX_HTTP_HEAD_MS=2", "--http.head_ms 3", 3,
         "# --http.head_ms"},
        {NULL, "", "--http.head_ms=3 --http.head_ms=4", 4, "# --http.head_ms"},
        {NULL, "", "--http.head-ms=3", 3, "# --http.head_ms"},
        {"http.head_ms = 7", "", "", 7, ":1\n"},
        {"[http]\nhead_ms = 1_000\n", "", "", 1000, ":2\n"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config c;
        struct err err;
        struct buf out = {0};
        CHECK(load(&c, cases[i].toml, cases[i].env, cases[i].args, &err), "case %zu: %s", i,
              err.text);
        CHECK_INT(c.http.head_ms, cases[i].head_ms);
        config_write(&c, &out);
        buf_putc(&out, 0);
        char *line = strstr(out.p, "\nhead_ms = ");
        CHECK(line != NULL);
        if (line) {
            line[strcspn(line + 1, "\n") + 2] = 0;
            CHECK(strstr(line, cases[i].origin) != NULL, "case %zu: %s", i, line);
        }
        buf_fini(&out);
        config_fini(&c);
    }
}

static void test_refusals(void)
{
    static const struct {
        const char *toml, *env, *args, *want; /* a part of the message */
    } cases[] = {
        {"[http]\nhead_msx = 5\n", "", "",
         ":2: there is no option http.head_msx (did you mean http.head_ms?)"},
        {"\n\nlisen = \"x\"\n", "", "", ":3: there is no option lisen (did you mean listen?)"},
        {"[http]\nhead_ms = \"5\"\n", "", "", ":2: http.head_ms must be a number"},
        {"[http]\nhead_ms = 5.5\n", "", "", ":2: http.head_ms must be a number"},
        {"[http]\nhead_ms = 0\n", "", "", ":2: http.head_ms must be from 1 to "},
        {"listen = 8080\n", "", "", ":1: listen must be a string"},
        {"internal_domains = [1]\n", "", "", ":1: internal_domains must be a list of strings"},
        {"listen = \n", "", "", ":1: "},
        {"[http\n", "", "", ":1: "},
        {NULL, "SIGNALBOX_FRONTS=many", "",
         "SIGNALBOX_FRONTS: fronts must be a whole number, not \"many\""},
        {NULL, "SIGNALBOX_FRONTS=-1", "", "SIGNALBOX_FRONTS: fronts must be from 1 to 256, not -1"},
        {NULL, "SIGNALBOX_CONFIG=/nonexistent/x.toml", "", "/nonexistent/x.toml"},
        {"[journal]\nsync = \"sometimes\"\n", "", "",
         ":2: journal.sync must be always, interval or never, not \"sometimes\""},
        {"[journal]\nsync = 1\n", "", "", ":2: journal.sync must be a string"},
        {NULL, "", "--journal.keep_bytes=-1",
         "--journal.keep_bytes: journal.keep_bytes must be from 0 to "},
        {NULL, "", "--journal.write_back_ms=0", "journal.write_back_ms must be from 100 to "},
        {NULL, "SIGNALBOX_LOG_LEVEL=loud", "",
         "SIGNALBOX_LOG_LEVEL: log.level must be debug, info, warn or error, not \"loud\""},
        {NULL, "", "--fronts=257", "--fronts: fronts must be from 1 to 256, not 257"},
        {NULL, "", "--fronts=99999999999999999999", "must be a whole number"},
        {NULL, "", "--lisen x", "there is no option lisen (did you mean listen?)"},
        {NULL, "", "--listen", "--listen: a value is needed"},
        {NULL, "", "--log.level loud", "must be debug, info, warn or error, not \"loud\""},
        {NULL, "", "--cookie.on=maybe", "must be true or false"},
        {NULL, "", "-x", "there is no option -x"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config c;
        struct err err;
        CHECK(!load(&c, cases[i].toml, cases[i].env, cases[i].args, &err), "case %zu", i);
        CHECK(strstr(err.text, cases[i].want) != NULL, "case %zu: got \"%s\"", i, err.text);
        config_fini(&c);
    }
}

static void test_kinds(void)
{
    struct config c;
    struct err err;
    CHECK(load(&c,
               "referers = \"r.json\"\ninternal_domains = [\"a.example\", "
               "\"b.example\"]\n[cookie]\non = false\n"
               "[log]\nlevel = \"debug\"\n[profile]\nentries = 128\n",
               "", "rules --format json --cookie.domains=x.example,y.example", &err),
          "%s", err.text);
    CHECK_STR(c.referers, "r.json");
    CHECK_INT(c.internal_domains.n, 2);
    CHECK(str_eqz(c.internal_domains.items[1], "b.example"));
    CHECK_INT(c.cookie_domains.n, 2);
    CHECK(str_eqz(c.cookie_domains.items[0], "x.example"));
    CHECK(!c.cookie_on);
    CHECK_INT(c.log_level, LOG_DEBUG);
    CHECK_INT(c.profile.entries, 128);
    CHECK_INT(c.n_positional, 1);
    CHECK_STR(c.positional[0], "rules");
    CHECK_STR(c.format, "json");
    config_fini(&c);

    CHECK(load(&c, NULL, "SIGNALBOX_COOKIE_ON=0 SIGNALBOX_REFERERS=", "--print-config -h", &err),
          "%s", err.text);
    CHECK(!c.cookie_on && c.print && c.help && !c.referers);
    config_fini(&c);
    CHECK(load(&c, NULL, "", "--cookie.on=false --cookie.on", &err)); /* a switch alone is on */
    CHECK(c.cookie_on);
    config_fini(&c);
}

/* What --print-config writes is a file that sets the same. */
static void test_round_trip(void)
{
    struct config c;
    struct err err;
    struct buf first = {0}, second = {0};
    CHECK(load(&c, NULL, "",
               "--fronts 3 --journal.sync interval --internal-domains a.example,b.example "
               "--cookie.fallback x\"y --http.body 2048",
               &err));
    config_write(&c, &first);
    buf_putc(&first, 0);
    config_fini(&c);
    CHECK(load(&c, first.p, "", "", &err), "%s", err.text);
    CHECK_INT(c.fronts, 3);
    CHECK_INT(c.http.body, 2048);
    CHECK_INT(c.journal.sync, JOURNAL_INTERVAL);
    CHECK_INT(c.internal_domains.n, 2);
    CHECK_STR(c.cookie_fallback, "x\"y");
    config_write(&c, &second);
    CHECK(memmem(second.p, second.n, "# default", 9) == NULL); /* every option stands in it */
    buf_fini(&first);
    buf_fini(&second);
    config_fini(&c);
}

static void test_listen(void)
{
    static const struct {
        const char *listen;
        bool good;
    } cases[] = {
        {"127.0.0.1:8080", true},  {"127.9.9.9:0", true},
        {"[::1]:8080", true},      {"localhost:80", true},
        {"0.0.0.0:8080", false},   {"[::]:8080", false},
        {":8080", false},          {"8080", false},
        {"10.0.0.1:80", false},    {"*:80", false},
        {"example.com:80", false}, {"127.0.0.1.example.com:80", false},
        {"127.0.0.1:65535", true}, {"127.0.0.1:65536", false},
        {"127.0.0.1:", false},     {"127.0.0.1:http", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char listen[100];
        struct err err = {0};
        snprintf(listen, sizeof(listen), "%s", cases[i].listen);
        struct config c = {.listen = listen};
        CHECK(config_check_listen(&c, &err) == cases[i].good, "%s: %s", listen, err.text);
        CHECK(err.set != cases[i].good);
    }
}

static void test_unknown_env(void)
{
    char *env[] = {"PATH=/bin",         "SIGNALBOX_LISTEN=x", "SIGNALBOX_LISTENS=x",
                   "SIGNALBOX_CONFIG=", "SIGNALBOX_HTTP=1",   NULL};
    size_t i = 0;
    CHECK_STR(config_unknown_env(env, &i), "SIGNALBOX_LISTENS=x");
    CHECK_STR(config_unknown_env(env, &i), "SIGNALBOX_HTTP=1");
    CHECK(config_unknown_env(env, &i) == NULL);
}

int main(void)
{
    close(mkstemp(toml_path));
    test_defaults();
    test_order();
    test_refusals();
    test_kinds();
    test_round_trip();
    test_listen();
    test_unknown_env();
    unlink(toml_path);
    return check_done();
}
