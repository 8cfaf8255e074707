/* find.c -- look-ups by name.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

bool plan_name_ok(struct str name)
{
    if (name.n == 0 || name.n > PLAN_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_'))
            return false;
    }
    return true;
}

int plan_find_key(const struct plan *p, struct str name)
{
    for (size_t i = 0; i < p->n_keys; i++)
        if (str_eq(p->keys[i].name, name))
            return (int)i;
    return -1;
}

int plan_find_address(const struct plan *p, struct str address)
{
    for (size_t i = 0; i < p->n_keys; i++)
        if (str_eq(p->keys[i].address, address))
            return (int)i;
    return -1;
}

int plan_find_service(const struct plan *p, struct str name)
{
    for (size_t i = 0; i < p->n_services; i++)
        if (str_eq(p->services[i].name, name))
            return (int)i;
    return -1;
}

int plan_find_score(const struct plan *p, struct str name)
{
    for (size_t i = 0; i < p->n_scores; i++)
        if (str_eq(p->scores[i].name, name))
            return (int)i;
    return -1;
}

/* A last _vN is always the version. */
static bool split_version(struct str ref, struct str *name, uint64_t *version)
{
    size_t i = ref.n;
    while (i > 0 && ref.p[i - 1] >= '0' && ref.p[i - 1] <= '9')
        i--;
    if (i < 3 || i == ref.n || ref.p[i - 1] != 'v' || ref.p[i - 2] != '_')
        return false;
    if (!str_u64((struct str){ref.p + i, ref.n - i}, version))
        return false;
    *name = (struct str){ref.p, i - 2};
    return true;
}

int plan_find_group(const struct plan *p, struct str ref)
{
    struct str name = ref;
    uint64_t version = 0;
    bool versioned = split_version(ref, &name, &version);
    for (size_t i = 0; i < p->n_groups; i++) {
        const struct plan_group *g = &p->groups[i];
        if (str_eq(g->name, name) && (versioned ? g->version == version : g->newest))
            return (int)i;
    }
    return -1;
}

int plan_find_attr(const struct plan *p, struct str ref)
{
    const char *colon = ref.n ? memchr(ref.p, ':', ref.n) : NULL;
    if (!colon)
        return -1;
    int g = plan_find_group(p, (struct str){ref.p, (size_t)(colon - ref.p)});
    if (g < 0)
        return -1;
    struct str name = {colon + 1, (size_t)(ref.p + ref.n - colon - 1)};
    for (uint32_t i = 0; i < p->groups[g].n_attrs; i++) {
        uint32_t at = p->groups[g].first_attr + i;
        if (str_eq(p->attrs[at].name, name))
            return (int)at;
    }
    return -1;
}
