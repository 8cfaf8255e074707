/* read.c -- what reading endpoints share: identifiers out of a request, and attributes read at them.
 *
 * The engine's door is entered for a slice of whole rows at a time: one identifier's attributes are of one moment, and a
 * long list of identifiers does not hold up events.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"

enum { SLICE_VALUES = 512 };

bool read_id(struct arena *arena, const struct val *v, struct str *out)
{
    *out = plan_identifier(*v, arena);
    return out->n > 0 || v->type == VAL_NULL;
}

static struct str id_at(const struct read_key *keys, size_t n_keys, uint32_t key, size_t row)
{
    for (size_t i = 0; i < n_keys; i++)
        if (keys[i].key == (int)key)
            return row < keys[i].n ? keys[i].ids[row] : (struct str){0};
    return (struct str){0};
}

struct val *read_rows(struct api *a, struct http_req *r, const struct plan *p,
                      const uint32_t *attrs, size_t n_attrs, const struct read_key *keys,
                      size_t n_keys, size_t n_rows, struct arena *arena)
{
    struct err err = {0};
    size_t n = n_attrs * n_rows, slice = MAX_OF(SLICE_VALUES / MAX_OF(n_attrs, 1), 1) * n_attrs;
    uint32_t *which = arena_alloc(arena, n * sizeof(*which) + 1);
    struct str *ids = arena_alloc(arena, n * sizeof(*ids) + 1);
    struct val *values = arena_zalloc(arena, n * sizeof(*values) + 1);
    for (size_t i = 0; i < n; i++) {
        which[i] = attrs[i % n_attrs];
        ids[i] = id_at(keys, n_keys, p->attrs[which[i]].key, i / n_attrs);
    }
    for (size_t i = 0; i < n; i += slice)
        if (!engine_read(a->engine, p, which + i, ids + i, MIN_OF(slice, n - i), http_now(r), arena,
                         values + i, &err)) {
            log_error("reading: %s", err.text);
            http_reply_problem(r, 500, "what is kept can't be read: %s", err.text);
            return NULL;
        }
    return values;
}

struct str read_hint(struct arena *arena, struct str word, const struct str *names, size_t n)
{
    const char **z = arena_alloc(arena, n * sizeof(*z) + 1);
    for (size_t i = 0; i < n; i++)
        z[i] = arena_str(arena, names[i]).p;
    const char *near = str_nearest(word, z, n);
    return near ? arena_printf(arena, " (did you mean %s?)", near) : (struct str){0};
}

struct str read_key_hint(struct arena *arena, const struct plan *p, struct str word)
{
    struct str *names = arena_alloc(arena, p->n_keys * sizeof(*names) + 1);
    for (size_t i = 0; i < p->n_keys; i++)
        names[i] = p->keys[i].name;
    return read_hint(arena, word, names, p->n_keys);
}
