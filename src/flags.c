/* flags.c -- one table of flags: name, argument, the commands it belongs to, help.
 *
 * To add one: a field in struct config, and a row here. A name that means something else to another command has another row.
 * SPDX-License-Identifier: Apache-2.0 */
#include "flags.h"

#define AT(field) offsetof(struct config, field)

enum kind { SWITCH, TEXT, NUMBER };
static const struct flag {
    const char *name, *arg;
    const char *commands; /* NULL: every one */
    enum kind kind;
    size_t at;
    double least, most; /* of numbers */
    const char *variable, *help;
} flags[] = {
    {"config", "FILE", NULL, TEXT, AT(file), 0, 0, "SIGNALBOX_CONFIG",
     "a TOML file with options; also SIGNALBOX_CONFIG"},
    {"print-config", "", NULL, SWITCH, AT(print), 0, 0, NULL,
     "prints what is set, and where each value came from"},
    {"help", "", NULL, SWITCH, AT(help), 0, 0, NULL, "this"},

    {"format", "FORMAT", "check test", TEXT, AT(format), 0, 0, NULL,
     "text, json or github: how problems are written (text)"},

    {"to", "URL", "replay send", TEXT, AT(to), 0, 0, NULL,
     "the server; without it http:// and this configuration's own `listen`"},
    {"token", "TOKEN", "replay send", TEXT, AT(token), 0, 0, "SIGNALBOX_TOKEN",
     "goes along as a bearer token; better in SIGNALBOX_TOKEN, which others can't see"},
    {"format", "FORMAT", "replay send", TEXT, AT(format), 0, 0, NULL,
     "tsv (131 columns) or ndjson (a map a line); without it, by the name: .ndjson or .jsonl, "
     "else tsv"},
    {"refused", "FILE", "replay send", TEXT, AT(refused), 0, 0, NULL,
     "every line that was refused is added to FILE: file, line, column, reason, tabs between"},
    {"patience", "SECONDS", "replay send", NUMBER, AT(patience_s), 0, 1e6, NULL,
     "a server that is away or busy is waited for so long (300)"},
    {"any-size", "", "replay send", SWITCH, AT(any_size), 0, 0, NULL,
     "reads on when a file unpacks to more than 200 times its size"},
    {"speed", "N", "send", NUMBER, AT(speed), 0.001, 1e6, NULL,
     "N times as fast as recorded, by collector_tstamp; 1: as it was"},
    {"rate", "N", "send", NUMBER, AT(rate), 0.001, 1e9, NULL, "N events a second"},
    {"now", "", "send", SWITCH, AT(now), 0, 0, NULL,
     "each event's collector_tstamp becomes the moment at which it is due, and its other times "
     "move along"},
};
enum { N_FLAGS = COUNT_OF(flags) };

int flags_find(const char *name)
{
    for (int i = 0; i < N_FLAGS; i++)
        if (!strcmp(flags[i].name, name))
            return i;
    return -1;
}

const char *flags_name(int row)
{
    return row < N_FLAGS ? flags[row].name : NULL;
}

bool flags_wants_value(int row)
{
    return flags[row].kind != SWITCH;
}

bool flags_set(struct config *c, int row, const char *value, struct err *err)
{
    const struct flag *f = &flags[row];
    char *at = (char *)c + f->at;
    double number;
    c->flags |= 1u << row;
    switch (f->kind) {
    case SWITCH:
        if (value)
            return err_set(err, "--%s: it takes no value", f->name);
        *(bool *)at = true;
        return true;
    case TEXT:
        *(const char **)at = value;
        return true;
    case NUMBER:
        if (!str_double(str_of(value), &number) || !(number >= f->least && number <= f->most))
            return err_set(err, "--%s: a number from %g to %g is needed, not \"%s\"", f->name,
                           f->least, f->most, value);
        *(double *)at = number;
        return true;
    }
    return false;
}

/* The value of NAME=VALUE, when that is this flag's variable. */
static const char *value_in(const struct flag *f, const char *variable)
{
    size_t n = f->variable ? strlen(f->variable) : 0;
    return n && !strncmp(variable, f->variable, n) && variable[n] == '=' ? variable + n + 1 : NULL;
}

void flags_take_env(struct config *c, char *const *env)
{
    for (; *env; env++)
        for (size_t i = 0; i < N_FLAGS; i++) {
            const char *value = value_in(&flags[i], *env);
            if (value)
                *(const char **)((char *)c + flags[i].at) = *value ? value : NULL;
        }
}

bool flags_know_env(const char *variable)
{
    for (size_t i = 0; i < N_FLAGS; i++)
        if (value_in(&flags[i], variable))
            return true;
    return false;
}

/* ---- To whom it belongs */

static bool belongs(const struct flag *f, const char *command)
{
    size_t n = strlen(command);
    for (const char *p = f->commands; p && (p = strstr(p, command)); p += n)
        if ((p == f->commands || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
            return true;
    return !f->commands;
}

/* "check, test" */
static void put_commands(const struct flag *f, struct buf *out)
{
    for (const char *p = f->commands; *p; p++)
        buf_puts(out, *p == ' ' ? ", " : (char[]){*p, 0});
}

static bool complain(const struct flag *f, struct err *err)
{
    struct buf list = {0};
    for (size_t i = 0; i < N_FLAGS; i++)
        if (!strcmp(flags[i].name, f->name)) {
            buf_puts(&list, list.n ? ", " : "");
            put_commands(&flags[i], &list);
        }
    err_set(err, "--%s is for: %.*s", f->name, STR_FMT(buf_str(&list)));
    buf_fini(&list);
    return false;
}

bool flags_check(const struct config *c, const char *command, struct err *err)
{
    for (size_t row = 0; row < N_FLAGS; row++) {
        bool good = !(c->flags & 1u << row);
        for (size_t i = row; i < N_FLAGS && !good; i++)
            good = !strcmp(flags[i].name, flags[row].name) && belongs(&flags[i], command);
        if (!good)
            return complain(&flags[row], err);
    }
    return true;
}

void flags_write_help(const char *command, struct buf *out)
{
    for (size_t i = 0; i < N_FLAGS; i++) {
        const struct flag *f = &flags[i];
        char left[64];
        if (command && (!f->commands || !belongs(f, command)))
            continue;
        snprintf(left, sizeof(left), "--%s%s%s", f->name, *f->arg ? " " : "", f->arg);
        buf_printf(out, "  %-25s ", left);
        if (!command && f->commands) {
            put_commands(f, out);
            buf_puts(out, ": ");
        }
        buf_printf(out, "%s\n", f->help);
    }
}
