/* hint.c -- the name that somebody may have meant who wrote one that nothing has.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/build.h"

#include <stdlib.h>

struct names {
    const char **list;
    size_t n, cap;
};

static void names_add(struct names *names, struct str name)
{
    names->list = xgrow(names->list, names->n, &names->cap, sizeof(*names->list));
    names->list[names->n++] = name.p; /* the plan's, and ended with a NUL */
}

static void names_of(struct builder *b, enum hint_kind kind, struct names *names)
{
    const struct plan *p = b->plan;
    for (size_t i = 0; kind == HINT_KEY && i < p->n_keys; i++)
        names_add(names, p->keys[i].name);
    for (size_t i = 0; kind == HINT_GROUP && i < p->n_groups; i++)
        names_add(names, p->groups[i].name);
    for (size_t i = 0; kind == HINT_SERVICE && i < p->n_services; i++)
        names_add(names, p->services[i].name);
    for (size_t i = 0; kind == HINT_ATTR && i < p->n_attrs; i++) {
        const struct plan_group *g = &p->groups[p->attrs[i].group];
        if (g->newest)
            names_add(names,
                      arena_printf(b->a, "%.*s:%.*s", STR_FMT(g->name), STR_FMT(p->attrs[i].name)));
    }
}

const char *build_hint(struct builder *b, enum hint_kind kind, struct str word,
                       const char *otherwise)
{
    struct names names = {0};
    names_of(b, kind, &names);
    const char *near = str_nearest(word, names.list, names.n);
    free(names.list);
    return near ? arena_printf(b->a, "; did you mean \"%s\"?", near).p : otherwise;
}
