/* targets.c -- ?KEY=ID...: for whom a request listens, or to whom it pushes.
 *
 * Identifiers are the credentials of a stream: whoever knows a device's random id may listen for it. A user_id can be guessed,
 * so it needs a token.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"

/* Is it user_id, or another name for the same column? */
static bool names_users(const struct plan *p, const struct plan_key *key)
{
    int user = plan_find_key(p, STR("user_id"));
    return user >= 0 && key->slot == p->keys[user].slot;
}

/* NULL: not allowed, and r has been answered. */
static const struct plan_key *key_of(struct http_req *r, const struct plan *p, struct str name,
                                     struct str id)
{
    int key = plan_find_key(p, name);
    if (key < 0) {
        struct str hint = read_key_hint(http_arena(r), p, name);
        http_reply_problem(r, 404, "there is no attribute key \"%.*s\"%.*s", STR_FMT(name),
                           STR_FMT(hint));
        return NULL;
    }
    if (id.n > PLAN_IDENTIFIER_MAX) {
        http_reply_problem(r, 400, "%.*s: an identifier has at most %d bytes", STR_FMT(name),
                           PLAN_IDENTIFIER_MAX);
        return NULL;
    }
    if (names_users(p, &p->keys[key]) && !auth_has_credentials(r)) {
        http_add_header(r, "WWW-Authenticate", STR("Bearer"));
        http_reply_problem(r, 401, "a %.*s needs credentials: Authorization: Bearer TOKEN",
                           STR_FMT(name));
        return NULL;
    }
    return &p->keys[key];
}

static bool add(struct targets *t, struct http_req *r, const struct plan *p, size_t most,
                struct arena *arena, struct str name, struct str id)
{
    const struct plan_key *key = key_of(r, p, name, id);
    if (!key)
        return false;
    if (t->n == most) {
        http_reply_problem(r, 400, "at most %zu identifiers are allowed", most);
        return false;
    }
    t->names[t->n] = arena_str(arena, key->name);
    t->items[t->n++] = (struct push_target){arena_str(arena, key->address), arena_str(arena, id)};
    return true;
}

static bool take(struct targets *t, struct http_req *r, const struct plan *p, size_t most,
                 struct arena *arena, struct str *last_id)
{
    struct str name, value;
    t->items = arena_alloc(arena, most * sizeof(*t->items) + 1);
    t->names = arena_alloc(arena, most * sizeof(*t->names) + 1);
    for (size_t i = 0; http_query_next(r, &i, &name, &value);) {
        if (last_id && str_eqz(name, "last_event_id"))
            *last_id = arena_str(arena, value);
        else if (value.n && /* a browser may not know an identifier yet */
                 !add(t, r, p, most, arena, name, value))
            return false;
    }
    if (t->n == 0)
        http_reply_problem(r, 400,
                           "say for whom: ?domain_userid=IDENTIFIER, or another attribute key");
    return t->n > 0;
}

bool targets_take(struct api *a, struct http_req *r, struct arena *arena, struct targets *out,
                  struct str *last_id)
{
    struct plan *p = engine_plan(a->engine);
    *out = (struct targets){0};
    bool good = take(out, r, p, a->o.limits.targets, arena, last_id);
    plan_unref(p);
    return good;
}
