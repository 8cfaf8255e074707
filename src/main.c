/* main.c -- the command line: picks a command, nothing else.
 *
 * Exit codes: 0 it went well; 1 it did not, or the rules have errors; 2 the command line was wrong.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data.h"
#include "flags.h"
#include "feed/feed.h"
#include "serve.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OK = 0, FAILED = 1, USAGE = 2 };

static int run_serve(const struct config *c);
static int run_check(const struct config *c);
static int run_test(const struct config *c);
static int run_backup(const struct config *c);
static int run_restore(const struct config *c);
static int run_journal(const struct config *c);
static int run_replay(const struct config *c);
static int run_send(const struct config *c);
static int run_help(const struct config *c);
static int run_version(const struct config *c);

static const struct command {
    const char *name, *args, *help;
    size_t least, most; /* positionals */
    int (*run)(const struct config *c);
} commands[] = {
    {"serve", "[--rules DIR] [--data DIR] [--listen ADDRESS:PORT]",
     "serves; saved rule files take effect at once", 0, 0, run_serve},
    {"check", "[DIR] [--format=text|json|github]",
     "says what is wrong with the rule files in a folder", 0, 1, run_check},
    {"test", "[DIR] [--format=text|json|github]",
     "checks them and runs their own tests on a virtual clock", 0, 1, run_test},
    {"backup", "DIR [--data DIR]", "copies what is kept into a new folder, of a running server too",
     1, 1, run_backup},
    {"restore", "BACKUP [--data DIR]", "makes a new data folder of a backup", 1, 1, run_restore},
    {"journal", "verify [--data DIR]", "reads all that is kept and says what is damaged", 1, 2,
     run_journal},
    {"journal", "salvage NEWDIR [--data DIR]",
     "takes what can be read of a damaged data folder into a new one", 1, 2, run_journal},
    {"replay", "[FILE...] [--to URL]",
     "feeds a server with its past: events count and fire nothing", 0, SIZE_MAX, run_replay},
    {"send", "[FILE...] [--to URL] [--speed N | --rate N] [--now]",
     "feeds a server with recorded events as if they happened now", 0, SIZE_MAX, run_send},
    {"help", "[TOPIC]", "explains: operators, aggregations, options, words, and each command", 0, 1,
     run_help},
    {"version", "", "says which version this is", 0, 0, run_version},
};

static int usage_error(const char *text)
{
    fprintf(stderr, "signalbox: %s\n", text);
    return USAGE;
}

static void print_to(FILE *f, struct buf *b)
{
    if (b->n)
        fwrite(b->p, 1, b->n, f);
    buf_fini(b);
}

static void print(struct buf *b)
{
    print_to(stdout, b);
}

/* ---- serve, check, test */

static int run_serve(const struct config *c)
{
    struct stat st;
    struct err err = {0};
    if (!config_check_listen(c, &err))
        return usage_error(err.text);
    if (c->rules && stat(c->rules, &st) == 0 && S_ISDIR(st.st_mode))
        return serve(c);
    fprintf(
        stderr,
        "signalbox: there is no folder \"%s\": say where the rule files are, with --rules DIR\n",
        c->rules ? c->rules : "");
    return USAGE;
}

static int check(const struct config *c, bool run_tests)
{
    struct stat st;
    enum report_format format;
    const char *dir = c->n_positional ? c->positional[0] : c->rules;
    if (!report_format_find(c->format, &format))
        return usage_error("--format is text, json or github");
    if (!dir || stat(dir, &st) || !S_ISDIR(st.st_mode)) {
        fprintf(stderr, "signalbox: there is no folder \"%s\"\n", dir ? dir : "");
        return USAGE;
    }
    struct plan_report report;
    struct buf problems = {0}, results = {0};
    log_init((enum log_level)c->log_level, NULL);
    plan_report_init(&report);
    struct rules *rules = rules_new(str_of(dir), 3, &c->script); /* as a server with one front */
    bool good = rules_check(rules, run_tests, &report, &results);
    report_write(&report, format, &problems);
    print_to(format == REPORT_TEXT ? stdout : stderr, &results);
    print(&problems);
    if (good && format == REPORT_TEXT && !run_tests)
        printf("%s: no errors\n", dir);
    rules_free(rules);
    plan_report_fini(&report);
    return good ? OK : FAILED;
}

static int run_check(const struct config *c)
{
    return check(c, false);
}

static int run_test(const struct config *c)
{
    return check(c, true);
}

/* ---- backup, restore, journal */

static bool has_data(const struct config *c)
{
    if (!c->data)
        usage_error("say which data folder, with --data DIR");
    return c->data;
}

static int run_backup(const struct config *c)
{
    return !has_data(c) ? USAGE : data_backup(c, c->positional[0]) ? OK : FAILED;
}

static int run_restore(const struct config *c)
{
    return !has_data(c) ? USAGE : data_restore(c, c->positional[0]) ? OK : FAILED;
}

static int run_journal(const struct config *c)
{
    const char *what = c->positional[0];
    if (!has_data(c))
        return USAGE;
    if (!strcmp(what, "verify") && c->n_positional == 1)
        return data_verify(c) ? OK : FAILED;
    if (!strcmp(what, "salvage") && c->n_positional == 2)
        return data_salvage(c, c->positional[1]) ? OK : FAILED;
    return usage_error("it is `journal verify` or `journal salvage NEWDIR`");
}

/* ---- replay, send */

static int run_replay(const struct config *c)
{
    return feed_replay(c);
}

static int run_send(const struct config *c)
{
    return feed_send(c);
}

/* ---- help */

/* What a line of help can't say; of the commands that need it. */
static const struct {
    const char *command, *text;
} pages[] = {
    {"replay",
     "Each FILE holds enriched events: 131 columns with tabs between them, or a JSON map of "
     "columns, "
     "a line. gzip and\n"
     "zstd are read as they are. \"-\", or no FILE: standard input.\n\n"
     "The events change attributes as if they had come when they happened, and no intervention "
     "fires. Each line of a\n"
     "file is taken once: the same command goes on where an earlier one stopped, and in a file "
     "that "
     "has grown behind its\n"
     "old end. What counts is what the file holds, not its name. Feed what the server has not had: "
     "an event that came to\n"
     "it live more than a day ago counts again.\n\n"
     "  signalbox replay 2026-09-*.tsv.gz\n"
     "  zcat old.gz | grep page_view | signalbox replay --to http://10.0.0.7:8080 --refused "
     "bad.tsv\n"},
    {"send",
     "Each FILE holds enriched events, as for replay. They are sent as fast as the server takes "
     "them, unless --speed or\n"
     "--rate says how fast, and interventions fire. An event keeps the times it was recorded with, "
     "which may be long ago\n"
     "and out of every window; with --now it happens when it is sent. A server knows events it has "
     "had in the last day by\n"
     "their event_id, and counts them once.\n\n"
     "  signalbox send --speed 10 --now monday.tsv.gz     monday again, in two and a half hours\n"
     "  signalbox send --rate 500 events.ndjson           five hundred a second\n"},
};

static void put_command(const struct command *command, struct buf *out)
{
    buf_printf(out, "  %-8s %-51s %s\n", command->name, command->args, command->help);
}

static void help_usage(struct buf *out)
{
    buf_puts(
        out,
        "signalbox watches what people do on a site and acts when a rule says so.\n\nCommands:\n");
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        put_command(&commands[i], out);
    buf_puts(out, "\nFlags:\n");
    flags_write_help(NULL, out);
    buf_puts(out, "\nOptions. The command line wins over the environment (SIGNALBOX_HTTP_BODY for "
                  "http.body), that over the\n"
                  "file ([http] body = ...), that over the default, which stands behind each:\n");
    config_write_help(out);
}

/* false: there is no such command. */
static bool help_command(const char *name, struct buf *out)
{
    size_t before = out->n;
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (!strcmp(commands[i].name, name))
            buf_printf(out, "signalbox %s %s\n  %s\n", name, commands[i].args, commands[i].help);
    bool found = out->n > before;
    for (size_t i = 0; i < COUNT_OF(pages); i++)
        if (!strcmp(pages[i].command, name))
            buf_printf(out, "\n%s", pages[i].text);
    struct buf own = {0};
    flags_write_help(name, &own);
    if (own.n)
        buf_printf(out, "\n%.*s", STR_FMT(buf_str(&own)));
    if (found)
        buf_puts(out, "\n`signalbox help` lists the flags and options of every command.\n");
    buf_fini(&own);
    return found;
}

static void help_options(struct buf *out)
{
    config_write_help(out);
}

static void help_operators(struct buf *out)
{
    static const char *const takes[] = {"nothing", "a value", "a number", "a string", "a list"};
    for (size_t i = 0; i < n_cond_ops; i++) {
        const struct cond_op *op = &cond_ops[i];
        buf_printf(out, "  :%-12s %-12s takes %-9s %s%s\n", op->word, op->wire, takes[op->takes],
                   op->help, op->on_events ? "" : " (attributes only)");
    }
}

static void help_aggregations(struct buf *out)
{
    static const char *const help[AGG_COUNT] = {
        [AGG_COUNTER] = "how many events; needs no property",
        [AGG_SUM] = "the sum of a number",
        [AGG_MIN] = "the smallest number",
        [AGG_MAX] = "the largest number",
        [AGG_MEAN] = "the mean of a number",
        [AGG_FIRST] = "the oldest value, by the events' own time",
        [AGG_LAST] = "the newest value, by the events' own time",
        [AGG_MOST_FREQUENT] = "the value seen most",
        [AGG_LEAST_FREQUENT] = "the value seen least",
        [AGG_APPROX_COUNT_DISTINCT] =
            "how many distinct values: exact while they are few, then within about 1 %",
        [AGG_CATEGORY_COUNT] = "how often each value was seen",
        [AGG_UNIQUE_LIST] = "the distinct values, the one seen last at the end",
    };
    for (size_t i = 0; i < AGG_COUNT; i++)
        buf_printf(out, "  %-22s %s\n", agg_names[i], help[i]);
}

static int run_help(const struct config *c)
{
    static const struct {
        const char *name;
        void (*write)(struct buf *out);
    } topics[] = {
        {"operators", help_operators},
        {"aggregations", help_aggregations},
        {"options", help_options},
        {"words", script_write_words},
    };
    struct buf out = {0};
    const char *names[COUNT_OF(topics)], *topic = c->n_positional ? c->positional[0] : NULL;
    for (size_t i = 0; topic && i < COUNT_OF(topics); i++) {
        names[i] = topics[i].name;
        if (!strcmp(topics[i].name, topic)) {
            topics[i].write(&out);
            print(&out);
            return OK;
        }
    }
    if (topic && help_command(topic, &out)) {
        print(&out);
        return OK;
    }
    if (topic) {
        const char *near = str_nearest(str_of(topic), names, COUNT_OF(names));
        fprintf(stderr,
                "signalbox: there is no help on \"%s\"%s%s%s; there is: operators, aggregations, "
                "options, words, and each command\n",
                topic, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
        return USAGE;
    }
    help_usage(&out);
    print(&out);
    return OK;
}

static int run_version(const struct config *c)
{
    printf("signalbox %s\n", SIGNALBOX_VERSION);
    return OK;
}

/* ---- Which command */

static const struct command *command_find(const char *word)
{
    word += !strncmp(word, "--", 2) ? 2 : 0; /* --version and --help are commands too */
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (!strcmp(commands[i].name, word))
            return &commands[i];
    return !strcmp(word, "-h") ? command_find("help") : NULL;
}

static int run(const struct command *command, struct config *c)
{
    struct buf out = {0};
    struct err err = {0};
    if (c->help) {
        const char *topic = command->name;
        return run_help(
            &(struct config){.positional = &topic, .n_positional = command->run != run_help});
    }
    if (c->n_positional > command->most) {
        fprintf(stderr, "signalbox %s: \"%s\" is one too many\n", command->name,
                c->positional[command->most]);
        return USAGE;
    }
    if (c->n_positional < command->least && !c->print) {
        fprintf(stderr, "signalbox %s: it is `signalbox %s %s`\n", command->name, command->name,
                command->args);
        return USAGE;
    }
    if (!flags_check(c, command->name, &err))
        return usage_error(err.text);
    if (c->print) {
        config_write(c, &out);
        print(&out);
        return OK;
    }
    return command->run(c);
}

int main(int argc, char **argv)
{
    struct config c;
    struct err err = {0};
    const char *names[COUNT_OF(commands)];
    const struct command *command = argc > 1 ? command_find(argv[1]) : NULL;
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        names[i] = commands[i].name;
    if (!command) {
        const char *near = argc > 1 ? str_nearest(str_of(argv[1]), names, COUNT_OF(names)) : NULL;
        fprintf(stderr, "signalbox: %s%s%s%s%s; `signalbox help` says what there is\n",
                argc > 1 ? "there is no command " : "a command is needed", argc > 1 ? argv[1] : "",
                near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
        return USAGE;
    }
    config_init(&c);
    int code;
    if (!config_load(&c, argc - 2, argv + 2, environ, &err)) {
        code = usage_error(err.text);
    } else {
        const char *name;
        for (size_t i = 0; (name = config_unknown_env(environ, &i));)
            fprintf(stderr, "signalbox: warning: %.*s is in the environment, and no option\n",
                    (int)strcspn(name, "="), name);
        code = run(command, &c);
    }
    config_fini(&c);
    return code;
}
