/* rules_pack.c -- the rules in force as bytes, for the journal: a replay runs the rules that ran, whatever stands on disk.
 *
 * Behind a format number stand the words files, each once; the good files, each with its words' number (0: none), in the
 * order in which the plan was made of them; the identities' numbers. The order matters: it decides which of two rules fires
 * first, and with that what their messages are called. What a text loads to depends on nothing but the text and its words,
 * so texts are enough.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

#include <stdlib.h>

enum { RULES_FORMAT = 1 };

/* -- packing */
static int by_place(const void *a, const void *b)
{
    const struct rule_file *x = *(const struct rule_file *const *)a,
                           *y = *(const struct rule_file *const *)b;
    return x->place < y->place ? -1 : 1;
}

/* The good files in the plan's order; the caller frees the list. */
static const struct rule_file **good_files(const struct rules *r, size_t *n)
{
    const struct rule_file **list = xcalloc(r->n + 1, sizeof(const struct rule_file *));
    *n = 0;
    for (size_t i = 0; i < r->n; i++)
        if (r->files[i].good)
            list[(*n)++] = &r->files[i];
    qsort(list, *n, sizeof(const struct rule_file *), by_place);
    return list;
}

/* Where words stand among the distinct ones, counted from 1; behind them when they are not among them. 0: none. */
static size_t words_number(const struct rule_words **words, size_t n, const struct rule_words *w)
{
    if (!w)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (str_eq(words[i]->path, w->path) && str_eq(words[i]->text, w->text))
            return i + 1;
    return n + 1;
}

void rules_pack(const struct rules *r, const struct plan_ids *ids, struct buf *out)
{
    size_t n, n_words = 0;
    const struct rule_file **list = good_files(r, &n);
    const struct rule_words **words = xcalloc(n + 1, sizeof(const struct rule_words *));
    size_t *numbers = xcalloc(n + 1, sizeof(*numbers));
    for (size_t i = 0; i < n; i++) {
        numbers[i] = words_number(words, n_words, list[i]->good_words);
        if (numbers[i] > n_words)
            words[n_words++] = list[i]->good_words;
    }
    pack_uint(out, RULES_FORMAT);
    pack_uint(out, n_words);
    for (size_t i = 0; i < n_words; i++) {
        pack_str(out, words[i]->path);
        pack_str(out, words[i]->text);
    }
    pack_uint(out, n);
    for (size_t i = 0; i < n; i++) {
        pack_str(out, list[i]->path);
        pack_str(out, list[i]->good_text);
        pack_uint(out, numbers[i]);
    }
    plan_ids_pack(ids, out);
    free(numbers);
    free(words);
    free(list);
}

/* -- unpacking: everything is read and made aside, and put in its place when all of it is right */
struct packed_file {
    struct str path, text; /* borrowed */
    struct rule_words *words;
};
struct packed {
    struct rule_words **words;
    struct packed_file *from; /* as many as there are files */
    struct rule_file *files;
    size_t n_words, n_files;
    struct plan_ids ids;
};

static void packed_fini(struct packed *k)
{
    for (size_t i = 0; i < k->n_words; i++)
        rule_words_unref(k->words[i]);
    for (size_t i = 0; i < k->n_files; i++)
        rule_file_fini(&k->files[i]);
    free(k->words);
    free(k->from);
    free(k->files);
    plan_ids_fini(&k->ids);
}

static bool unpack_words(struct packed *k, struct unpack *in)
{
    size_t n = unpack_count(in, 2);
    k->words = xcalloc(n + 1, sizeof(struct rule_words *));
    for (size_t i = 0; i < n; i++) {
        struct str path = unpack_str(in), text = unpack_str(in);
        if (in->bad || path.n == 0)
            return false;
        k->words[k->n_words++] = rule_words_new(path, text);
    }
    return !in->bad;
}

static bool is_known(const struct packed *k, struct str path)
{
    for (size_t i = 0; i < k->n_files; i++)
        if (str_eq(k->from[i].path, path))
            return true;
    return false;
}

static bool unpack_files(struct packed *k, struct unpack *in)
{
    size_t n = unpack_count(in, 3);
    k->from = xcalloc(n + 1, sizeof(*k->from));
    k->files = xcalloc(n + 1, sizeof(*k->files));
    for (size_t i = 0; i < n; i++) {
        struct packed_file f = {.path = unpack_str(in), .text = unpack_str(in)};
        uint64_t number = unpack_uint(in);
        if (in->bad || f.path.n == 0 || number > k->n_words || is_known(k, f.path))
            return false;
        f.words = number ? k->words[number - 1] : NULL;
        k->from[k->n_files++] = f;
    }
    return !in->bad;
}

static bool read_all(struct packed *k, struct str bytes, struct plan_report *report)
{
    struct unpack in = unpack_of(bytes);
    plan_ids_init(&k->ids);
    if (unpack_uint(&in) == RULES_FORMAT && unpack_words(k, &in) && unpack_files(k, &in) &&
        plan_ids_unpack(&k->ids, &in) && unpack_done(&in))
        return true;
    plan_report_add(report, false, STR(""), 0, STR(""),
                    "the rules kept in the journal cannot be read: they are damaged, or another "
                    "version of this program wrote them");
    return false;
}

/* Each file as if it were new on disk; on after an error, so that the report names all that do not load. */
static bool load_all(const struct rules *r, struct packed *k, unsigned engine_lane,
                     struct plan_report *report)
{
    static const struct str none = {NULL, 0};
    struct script_limits limits = r->limits;
    bool ok = true;
    limits.load_us *= 10; /* they did load: only a machine that is busy with starting is slower */
    for (size_t i = 0; i < k->n_files; i++) {
        const struct packed_file *f = &k->from[i];
        struct script_file *script =
            script_load(f->path, f->text, f->words ? f->words->path : none,
                        f->words ? f->words->text : none, r->lanes, &limits, report);
        rule_file_init(&k->files[i], f->path);
        if (!script) {
            ok = false;
            continue;
        }
        script_file_engine_lane(script, engine_lane);
        if (f->words)
            f->words->refs++;
        rule_file_take(&k->files[i], script, f->text, f->words, i + 1);
    }
    return ok;
}

static struct plan *build(struct packed *k, struct plan_report *report)
{
    struct rule_member *set = xcalloc(k->n_files + 1, sizeof(*set));
    uint32_t given = k->ids.n;
    for (size_t i = 0; i < k->n_files; i++)
        set[i] = (struct rule_member){k->files[i].good, k->files[i].good_hash, k->files[i].place};
    struct plan *p = rules_build(set, k->n_files, &k->ids, report);
    free(set);
    if (!p || k->ids.n == given)
        return p;
    plan_unref(p);
    plan_report_add(report, false, STR(""), 0, STR(""),
                    "the rules kept in the journal name %u things that no number was kept for, so "
                    "what is known of them would be lost: start the version that wrote this folder",
                    k->ids.n - given);
    return NULL;
}

static int by_path(const void *a, const void *b)
{
    return str_cmp(((const struct rule_file *)a)->path, ((const struct rule_file *)b)->path);
}

/* What r and ids held goes to *k, to be freed with it. */
static void put_in_place(struct rules *r, struct plan_ids *ids, struct packed *k)
{
    struct rule_file *old = r->files;
    size_t n_old = r->n;
    struct plan_ids old_ids = *ids;
    r->files = k->files;
    r->n = k->n_files;
    r->cap = k->n_files;
    r->n_places = k->n_files;
    if (r->n)
        qsort(r->files, r->n, sizeof(*r->files), by_path); /* as a folder is read */
    *ids = k->ids;
    k->files = old;
    k->n_files = n_old;
    k->ids = old_ids;
}

struct plan *rules_unpack(struct rules *r, struct plan_ids *ids, unsigned engine_lane,
                          struct str bytes, struct plan_report *report)
{
    struct packed k = {0};
    struct plan *p = NULL;
    if (read_all(&k, bytes, report) && load_all(r, &k, engine_lane, report))
        p = build(&k, report);
    if (p)
        put_in_place(r, ids, &k);
    packed_fini(&k);
    return p;
}

bool rules_unpack_ids(struct plan_ids *ids, struct str bytes)
{
    struct packed k = {0};
    struct plan_report report;
    plan_report_init(&report);
    bool good = read_all(&k, bytes, &report);
    if (good) {
        struct plan_ids old = *ids;
        *ids = k.ids;
        k.ids = old;
    }
    packed_fini(&k);
    plan_report_fini(&report);
    return good;
}
