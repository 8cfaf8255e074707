/* rules.c -- from the files on disk to the best plan there is: what is wrong in one file never takes the others down.
 *
 * Changed files are tried together, since they may need each other; then without those that the errors name; then one by one,
 * for as long as one more is taken. A file that is not taken keeps its last good version, and so does a deleted one that
 * another file still reads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

#include <stdlib.h>

/* A file whose disk version is not the one in force. */
struct change {
    size_t file;             /* index into rules.files */
    struct script_file *now; /* NULL: deleted */
    struct str text;         /* the folder's */
    uint64_t hash;
    bool taken, tried_out;
};

/* One load, while it goes on. */
struct load {
    struct rules *r;
    struct plan_ids *ids;
    const struct engine_options *o;
    unsigned engine_lane;
    bool run_tests;
    struct plan_report *report;
    struct buf *out;
    struct change *changes;
    size_t n_changes;
    struct plan *plan; /* the best so far */
};

static struct str owned(struct str s)
{
    char *copy = xmalloc(s.n + 1);
    if (s.n)
        memcpy(copy, s.p, s.n);
    copy[s.n] = 0;
    return (struct str){copy, s.n};
}

struct rules *rules_new(struct str dir, unsigned lanes, const struct script_limits *limits)
{
    struct rules *r = xcalloc(1, sizeof(*r));
    r->dir = owned(dir);
    r->lanes = lanes;
    r->limits = *limits;
    pthread_mutex_init(&r->lock, NULL);
    arena_init(&r->status_arena);
    return r;
}

void rules_free(struct rules *r)
{
    for (size_t i = 0; i < r->n; i++)
        rule_file_fini(&r->files[i]);
    free(r->files);
    free((char *)r->dir.p);
    arena_fini(&r->status_arena);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static size_t file_index(struct rules *r, struct str path)
{
    for (size_t i = 0; i < r->n; i++)
        if (str_eq(r->files[i].path, path))
            return i;
    r->files = xgrow(r->files, r->n, &r->cap, sizeof(*r->files));
    rule_file_init(&r->files[r->n], path);
    return r->n++;
}

uint64_t rules_hash(struct str text, struct str words)
{
    uint64_t both[] = {str_hash(text), str_hash(words), text.n};
    return str_hash((struct str){(const char *)both, sizeof(both)});
}

struct rule_words *rule_words_new(struct str path, struct str text)
{
    struct rule_words *w = xcalloc(1, sizeof(*w));
    *w = (struct rule_words){1, owned(path), owned(text)};
    return w;
}

void rule_words_unref(struct rule_words *w)
{
    if (!w || --w->refs)
        return;
    free((char *)w->path.p);
    free((char *)w->text.p);
    free(w);
}

static void drop_good(struct rule_file *f)
{
    script_file_unref(f->good);
    rule_words_unref(f->good_words);
    free((char *)f->good_text.p);
    f->good = NULL;
    f->good_words = NULL;
    f->good_text = (struct str){0};
}

void rule_file_init(struct rule_file *f, struct str path)
{
    *f = (struct rule_file){.path = owned(path)};
}

void rule_file_take(struct rule_file *f, struct script_file *script, struct str text,
                    struct rule_words *words, uint64_t place)
{
    drop_good(f);
    f->good = script;
    f->good_text = owned(text);
    f->good_words = words;
    f->good_hash = rules_hash(text, words ? words->text : (struct str){0});
    f->place = place;
}

void rule_file_fini(struct rule_file *f)
{
    drop_good(f);
    free((char *)f->path.p);
}

/* -- trying a set of files */
static struct change *change_of(const struct load *l, size_t file)
{
    for (size_t i = 0; i < l->n_changes; i++)
        if (l->changes[i].file == file)
            return &l->changes[i];
    return NULL;
}

static int by_place(const void *a, const void *b)
{
    const struct rule_member *x = a, *y = b;
    return x->place < y->place ? -1 : 1;
}

/* Those in force first, so that a name taken twice is reported against the newcomer; in the order they came in force. */
static size_t members(const struct load *l, bool (*wanted)(const struct change *c, const void *arg),
                      const void *arg, struct rule_member *out)
{
    size_t n = 0;
    for (size_t i = 0; i < l->r->n; i++) {
        const struct rule_file *f = &l->r->files[i];
        const struct change *c = change_of(l, i);
        bool replaced = c && (c->taken || wanted(c, arg));
        if (f->good && !replaced)
            out[n++] = (struct rule_member){f->good, f->good_hash, f->place};
    }
    if (n)
        qsort(out, n, sizeof(*out), by_place);
    for (size_t i = 0; i < l->n_changes; i++) {
        const struct change *c = &l->changes[i];
        if (c->now && (c->taken || wanted(c, arg)))
            out[n++] = (struct rule_member){c->now, c->hash, l->r->n_places + 1 + i};
    }
    return n;
}

/* What a function says carries its place in front, and what it belongs to: rules/x.lua:12: score "prospect": text. */
static void report_said(struct plan_report *report, struct str file, uint32_t line, struct str rule,
                        struct str said)
{
    struct str prefix = arena_printf(&report->arena, "%.*s:", STR_FMT(file));
    if (str_starts(said, prefix.p)) {
        size_t at = prefix.n;
        for (line = 0; at < said.n && said.p[at] >= '0' && said.p[at] <= '9'; at++)
            line = line * 10 + (uint32_t)(said.p[at] - '0');
        at = MIN_OF(at + 2, said.n);
        said = (struct str){said.p + at, said.n - at};
    }
    if (str_starts(said, rule.p) && said.n > rule.n + 2)
        said = (struct str){said.p + rule.n + 2, said.n - rule.n - 2};
    plan_report_add(report, false, file, line, rule, "%.*s", STR_FMT(said));
}

static bool run_tests(struct load *l, struct plan *p, const struct rule_member *set, size_t n,
                      struct plan_report *report, struct buf *out)
{
    bool passed = true;
    for (size_t i = 0; i < n; i++) {
        const struct val *desc = script_file_desc(set[i].script), *defs = val_get(desc, "defs");
        struct str file = val_as_str(*val_get(desc, "file"));
        for (size_t d = 0; defs && d < defs->n; d++) {
            const struct val *def = &defs->items[d], *name = val_get(def, "name"),
                             *fn = val_get(def, "fn");
            const struct val *line = val_get(def, "line");
            if (!str_eqz(val_as_str(*val_get(def, "kind")), "test") || !fn)
                continue;
            struct err err = {0};
            bool ok = trial_run(l->o, p, set[i].script, (size_t)fn->i, l->r->lanes - 1, &err);
            passed &= ok;
            if (out)
                buf_printf(out, "%s  %.*s: %.*s\n", ok ? "ok  " : "FAIL", STR_FMT(file),
                           STR_FMT(val_as_str(*name)));
            if (!ok)
                report_said(
                    report, file, line ? (uint32_t)line->i : 0,
                    arena_printf(&report->arena, "test \"%.*s\"", STR_FMT(val_as_str(*name))),
                    str_of(err.text));
        }
    }
    return passed;
}

/* Each formula once with every attribute null: here, other than when its file was loaded, it is known which attributes its
 * service has, so that a name it does not know is found before a request finds it. */
static bool try_scores(const struct load *l, const struct plan *p, struct plan_report *report)
{
    struct arena arena;
    bool good = true;
    arena_init(&arena);
    stat_mute(true);
    for (size_t i = 0; i < p->n_scores; i++) {
        size_t n = p->services[p->scores[i].service].n_attrs;
        struct val out, *nulls = arena_zalloc(&arena, (n + 1) * sizeof(*nulls));
        struct err err = {0};
        struct plan_fn *fn = p->scores[i].fn;
        if (fn->quarantined(fn) ||
            fn->call(fn, l->r->lanes - 1, nulls, n, &arena, &out, NULL, &err))
            continue;
        report_said(report, p->scores[i].file, p->scores[i].line,
                    arena_printf(&report->arena, "score \"%.*s\"", STR_FMT(p->scores[i].name)),
                    str_of(err.text));
        good = false;
    }
    stat_mute(false);
    arena_fini(&arena);
    return good;
}

static void release_script(void *f)
{
    script_file_unref(f);
}

struct plan *rules_build(const struct rule_member *set, size_t n, struct plan_ids *ids,
                         struct plan_report *report)
{
    struct plan_source *sources = xcalloc(n, sizeof(*sources));
    for (size_t i = 0; i < n; i++) {
        sources[i] = script_file_source(set[i].script);
        sources[i].hash = set[i].hash;
    }
    struct plan *p = plan_build(sources, n, ids, report);
    for (size_t i = 0; p && i < n; i++)
        plan_keep(p, script_file_ref(set[i].script), release_script);
    free(sources);
    return p;
}

/* Builds and tries one set. NULL: the report says why. */
static struct plan *attempt(struct load *l, bool (*wanted)(const struct change *c, const void *arg),
                            const void *arg, struct plan_report *report, struct buf *out)
{
    struct rule_member *set = xcalloc(l->r->n + l->n_changes, sizeof(*set));
    size_t n = members(l, wanted, arg, set);
    struct plan *p = rules_build(set, n, l->ids, report);
    if (p &&
        (!try_scores(l, p, report) || (l->run_tests && !run_tests(l, p, set, n, report, out)))) {
        plan_unref(p);
        p = NULL;
    }
    free(set);
    return p;
}

static bool is_candidate(const struct change *c, const void *arg)
{
    return !c->tried_out;
}

static bool is_one(const struct change *c, const void *arg)
{
    return c == arg;
}

static void report_append(struct plan_report *to, const struct plan_report *from)
{
    for (size_t i = 0; i < from->n; i++) {
        const struct plan_problem *p = &from->items[i];
        plan_report_add(to, p->warning, p->file, p->line, p->rule, "%.*s", STR_FMT(p->text));
    }
}

static void take_plan(struct load *l, struct plan *p)
{
    plan_unref(l->plan);
    l->plan = p;
}

/* Leaves out the candidates that the errors name; how many are left, 0 when none was named. */
static size_t leave_out(struct load *l, const struct plan_report *report)
{
    size_t left = 0, out = 0;
    for (size_t i = 0; i < l->n_changes; i++) {
        struct change *c = &l->changes[i];
        if (c->tried_out)
            continue;
        for (size_t k = 0; k < report->n && !c->tried_out; k++)
            c->tried_out = !report->items[k].warning &&
                           str_eq(report->items[k].file, l->r->files[c->file].path);
        out += c->tried_out;
        left += !c->tried_out;
    }
    return out ? left : 0;
}

static void try_together(struct load *l)
{
    for (size_t left = l->n_changes; left;) {
        struct plan_report report;
        plan_report_init(&report);
        struct buf out = {0};
        struct plan *p = attempt(l, is_candidate, NULL, &report, &out);
        if (p) {
            for (size_t i = 0; i < l->n_changes; i++)
                l->changes[i].taken |= !l->changes[i].tried_out;
            take_plan(l, p);
            report_append(l->report, &report); /* warnings */
            if (l->out)
                buf_put(l->out, out.p, out.n);
            left = 0;
        } else {
            left = leave_out(l, &report);
        }
        buf_fini(&out);
        plan_report_fini(&report);
    }
}

static bool names_file(const struct plan_report *report, size_t from, struct str file)
{
    for (size_t i = from; i < report->n; i++)
        if (!report->items[i].warning && str_eq(report->items[i].file, file))
            return true;
    return false;
}

static void try_singly(struct load *l)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < l->n_changes; i++) {
            struct change *c = &l->changes[i];
            struct plan_report report;
            if (c->taken)
                continue;
            plan_report_init(&report);
            struct plan *p = attempt(l, is_one, c, &report, NULL);
            if (p) {
                c->taken = more = true;
                take_plan(l, p);
            }
            plan_report_fini(&report);
        }
    }
    /* what is left says why, against what is in force now */
    for (size_t i = 0; i < l->n_changes; i++) {
        struct change *c = &l->changes[i];
        if (c->taken)
            continue;
        size_t before = l->report->n;
        if (!c->now)
            plan_report_add(l->report, false, l->r->files[c->file].path, 0, STR(""),
                            "was deleted, but is still needed; its last good version stays");
        plan_unref(attempt(l, is_one, c, l->report, l->out));
        if (!names_file(l->report, before, l->r->files[c->file].path))
            plan_report_add(
                l->report, false, l->r->files[c->file].path, 0, STR(""),
                "is not taken: with it, another file would have the errors reported there");
    }
}

/* -- what has changed */
static void find_changes(struct load *l, const struct folder *folder)
{
    struct rules *r = l->r;
    for (size_t i = 0; i < r->n; i++)
        r->files[i].on_disk = false;
    for (size_t i = 0; i < folder->n; i++) {
        size_t at = file_index(r, folder->files[i].path); /* first: it may move the files */
        r->files[at].on_disk = true;
    }
    l->changes = xcalloc(r->n, sizeof(*l->changes));
    for (size_t i = 0; i < folder->n; i++) {
        struct str text = folder->files[i].text;
        size_t at = file_index(r, folder->files[i].path);
        struct rule_file *f = &r->files[at];
        uint64_t hash = text.p ? rules_hash(text, folder->words.text) : 0;
        f->is_disk = f->good && f->good_hash == hash;
        if (f->is_disk || !text.p)
            continue;
        struct script_file *now = script_load(f->path, text, folder->words.path, folder->words.text,
                                              r->lanes, &r->limits, l->report);
        if (!now)
            continue;
        script_file_engine_lane(now, l->engine_lane);
        l->changes[l->n_changes++] =
            (struct change){.file = at, .now = now, .text = text, .hash = hash};
    }
    for (size_t i = 0; i < r->n; i++)
        if (!r->files[i].on_disk && r->files[i].good)
            l->changes[l->n_changes++] = (struct change){.file = i};
}

static void take_changes(struct load *l, struct rule_words *words)
{
    for (size_t i = 0; i < l->n_changes; i++) {
        struct change *c = &l->changes[i];
        struct rule_file *f = &l->r->files[c->file];
        if (!c->taken) {
            script_file_unref(c->now);
        } else if (c->now) {
            if (words)
                words->refs++;
            rule_file_take(f, c->now, c->text, words, l->r->n_places + 1 + i);
            f->is_disk = true;
        } else {
            drop_good(f);
        }
    }
    l->r->n_places += l->n_changes;
}

static void settle_changes(struct load *l, const struct folder *folder)
{
    struct rules *r = l->r;
    struct rule_words *words =
        folder->words.text.p ? rule_words_new(folder->words.path, folder->words.text) : NULL;
    take_changes(l, words);
    rule_words_unref(words);
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (r->files[i].on_disk || r->files[i].good)
            r->files[n++] = r->files[i];
        else
            rule_file_fini(&r->files[i]);
    }
    r->n = n;
}

struct plan *rules_load(struct rules *r, struct plan_ids *ids, const struct engine_options *o,
                        unsigned engine_lane, bool tests, struct plan_report *report,
                        struct buf *out)
{
    struct load l = {r, ids, o, engine_lane, tests, report, out, NULL, 0, NULL};
    struct folder folder;
    if (folder_read(&folder, r->dir, report)) {
        find_changes(&l, &folder);
        try_together(&l);
        try_singly(&l);
        settle_changes(&l, &folder);
    }
    free(l.changes);
    folder_fini(&folder);
    return l.plan;
}
