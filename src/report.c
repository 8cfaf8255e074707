/* report.c -- problems of rule files, for people, for programs, and for GitHub's annotations.
 * SPDX-License-Identifier: Apache-2.0 */
#include "serve.h"

bool report_format_find(const char *word, enum report_format *out)
{
    static const char *const words[] = {"text", "json", "github"};
    *out = REPORT_TEXT;
    for (size_t i = 0; word && i < COUNT_OF(words); i++)
        if (!strcmp(word, words[i])) {
            *out = (enum report_format)i;
            return true;
        }
    return !word;
}

static void write_text(const struct plan_problem *p, struct buf *out)
{
    buf_put(out, p->file.p, p->file.n);
    if (p->line)
        buf_printf(out, ":%u", p->line);
    buf_puts(out, p->file.n ? ": " : "");
    buf_puts(out, p->warning ? "warning: " : "");
    if (p->rule.n)
        buf_printf(out, "%.*s: ", STR_FMT(p->rule));
    buf_put(out, p->text.p, p->text.n);
    buf_putc(out, '\n');
}

/* Of a workflow command: what would end it is written as %XX. property: , and : too. */
static void put_escaped(struct buf *out, struct str s, bool property)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%' || c == '\r' || c == '\n' || (property && (c == ',' || c == ':')))
            buf_printf(out, "%%%02X", (unsigned char)c);
        else
            buf_putc(out, c);
    }
}

static void write_github(const struct plan_problem *p, struct buf *out)
{
    buf_printf(out, "::%s file=", p->warning ? "warning" : "error");
    put_escaped(out, p->file, true);
    if (p->line)
        buf_printf(out, ",line=%u", p->line);
    if (p->rule.n) {
        buf_puts(out, ",title=");
        put_escaped(out, p->rule, true);
    }
    buf_puts(out, "::");
    put_escaped(out, p->text, false);
    buf_putc(out, '\n');
}

static void write_json(const struct plan_report *report, struct buf *out)
{
    struct arena a;
    arena_init(&a);
    struct val all = val_dict(&a, 2), problems = val_list(&a, report->n);
    size_t used = 0;
    for (size_t i = 0; i < report->n; i++) {
        const struct plan_problem *p = &report->items[i];
        struct val one = val_dict(&a, 5);
        size_t n = 0;
        dict_put(&one, &n, STR("file"), val_str(p->file));
        dict_put(&one, &n, STR("line"), p->line ? val_int(p->line) : val_null);
        dict_put(&one, &n, STR("rule"), p->rule.n ? val_str(p->rule) : val_null);
        dict_put(&one, &n, STR("severity"), val_strz(p->warning ? "warning" : "error"));
        dict_put(&one, &n, STR("message"), val_str(p->text));
        problems.items[i] = one;
    }
    dict_put(&all, &used, STR("ok"), val_bool(!plan_report_failed(report)));
    dict_put(&all, &used, STR("problems"), problems);
    val_write_json(out, &all);
    buf_putc(out, '\n');
    arena_fini(&a);
}

void report_write(const struct plan_report *report, enum report_format format, struct buf *out)
{
    if (format == REPORT_JSON) {
        write_json(report, out);
        return;
    }
    for (size_t i = 0; i < report->n; i++)
        (format == REPORT_TEXT ? write_text : write_github)(&report->items[i], out);
}
