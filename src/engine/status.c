/* status.c -- what GET /api/v1/rules answers: each file with its problems, and what is in force.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

static struct val problem(struct arena *a, const struct plan_problem *p)
{
    struct val v = val_dict(a, 5);
    size_t n = 0;
    dict_put(&v, &n, STR("file"), val_str(p->file));
    dict_put(&v, &n, STR("line"), p->line ? val_int(p->line) : val_null);
    dict_put(&v, &n, STR("rule"), p->rule.n ? val_str(p->rule) : val_null);
    dict_put(&v, &n, STR("severity"), val_strz(p->warning ? "warning" : "error"));
    dict_put(&v, &n, STR("message"), val_str(p->text));
    return v;
}

/* The problems of one file; of none in particular (the folder, words.lua) when path is empty. */
static struct val problems_of(struct arena *a, const struct rules *r,
                              const struct plan_report *report, struct str path)
{
    struct val list = val_list(a, report->n);
    list.n = 0;
    for (size_t i = 0; i < report->n; i++) {
        bool owned = false;
        for (size_t k = 0; k < r->n && path.n == 0; k++)
            owned |= str_eq(r->files[k].path, report->items[i].file);
        if (path.n ? str_eq(path, report->items[i].file) : !owned)
            list.items[list.n++] = problem(a, &report->items[i]);
    }
    return list;
}

static struct val file_status(struct arena *a, const struct rules *r, const struct rule_file *f,
                              const struct plan_report *report)
{
    struct val v = val_dict(a, 4);
    size_t n = 0;
    const char *status = f->is_disk && f->on_disk ? "in_force"
                         : f->good                ? "last_good_version_kept"
                                                  : "not_loaded";
    dict_put(&v, &n, STR("file"), val_str(f->path));
    dict_put(&v, &n, STR("status"), val_strz(status));
    if (f->good) /* which version is in force: another hash, another version */
        dict_put(&v, &n, STR("hash"),
                 val_str(arena_printf(a, "%016llx", (unsigned long long)f->good_hash)));
    dict_put(&v, &n, STR("problems"), problems_of(a, r, report, f->path));
    return v;
}

struct named {
    struct str name, file;
    uint32_t version, line; /* version 0: has none */
};

static struct val definition(struct arena *a, struct named d)
{
    struct val v = val_dict(a, 4);
    size_t n = 0;
    dict_put(&v, &n, STR("name"), val_str(d.name));
    if (d.version)
        dict_put(&v, &n, STR("version"), val_int(d.version));
    dict_put(&v, &n, STR("file"), val_str(d.file));
    dict_put(&v, &n, STR("line"), val_int(d.line));
    return v;
}

/* Those that are not built in. */
static struct val keys_of(struct arena *a, const struct plan *p)
{
    struct val list = val_list(a, p->n_keys);
    list.n = 0;
    for (size_t i = 0; i < p->n_keys; i++)
        if (p->keys[i].file.n)
            list.items[list.n++] =
                definition(a, (struct named){p->keys[i].name, p->keys[i].file, 0, p->keys[i].line});
    return list;
}

struct val status_build(struct arena *a, const struct rules *r, const struct plan *p,
                        const struct plan_report *report)
{
    struct val all = val_dict(a, 8), files = val_list(a, r->n), groups = val_list(a, p->n_groups),
               services = val_list(a, p->n_services), rules = val_list(a, p->n_rules),
               scores = val_list(a, p->n_scores);
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++)
        files.items[i] = file_status(a, r, &r->files[i], report);
    for (size_t i = 0; i < p->n_groups; i++) {
        const struct plan_group *g = &p->groups[i];
        groups.items[i] = definition(a, (struct named){g->name, g->file, g->version, g->line});
    }
    for (size_t i = 0; i < p->n_services; i++)
        services.items[i] = definition(
            a, (struct named){p->services[i].name, p->services[i].file, 0, p->services[i].line});
    for (size_t i = 0; i < p->n_rules; i++) {
        const struct plan_rule *rule = &p->rules[i];
        rules.items[i] =
            definition(a, (struct named){rule->name, rule->file, rule->version, rule->line});
    }
    for (size_t i = 0; i < p->n_scores; i++)
        scores.items[i] = definition(
            a, (struct named){p->scores[i].name, p->scores[i].file, 0, p->scores[i].line});
    dict_put(&all, &n, STR("generation"), val_int((int64_t)p->generation));
    dict_put(&all, &n, STR("files"), files);
    dict_put(&all, &n, STR("problems"), problems_of(a, r, report, (struct str){"", 0}));
    dict_put(&all, &n, STR("attribute_keys"), keys_of(a, p));
    dict_put(&all, &n, STR("attribute_groups"), groups);
    dict_put(&all, &n, STR("services"), services);
    dict_put(&all, &n, STR("interventions"), rules);
    dict_put(&all, &n, STR("scores"), scores);
    return val_copy(a, all);
}
