/* route.c -- which handler a method and a path belong to.
 *
 * Routes whose paths differ only in the names of their parameters form one shape. Literal shapes
 * are found by hash; the others are tried in an order in which a literal segment comes before a
 * parameter at the first place where two differ.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/http_internal.h"

#include <stdlib.h>

struct shape {
    const char *path;
    const struct http_route **routes;
    size_t n, cap;
};

struct route_set {
    struct shape *shapes; /* those with parameters first, in the order in which they are tried */
    size_t n, cap, n_patterns;
    struct map literals;
    const struct http_route *any_options;
};

/* Cuts the next segment, with the '/' before it, off the front of path. */
static struct str next_segment(struct str *path)
{
    const char *slash = path->n > 1 ? memchr(path->p + 1, '/', path->n - 1) : NULL;
    size_t n = slash ? (size_t)(slash - path->p) : path->n;
    struct str segment = {path->p + 1, n - 1};
    *path = (struct str){path->p + n, path->n - n};
    return segment;
}

static bool is_param(struct str segment)
{
    return segment.n > 2 && segment.p[0] == '{' && segment.p[segment.n - 1] == '}';
}

/* Orders by the first differing segment, literal before parameter; 0: the same shape. */
static int shape_cmp(const char *a, const char *b)
{
    struct str x = str_of(a), y = str_of(b);
    while (x.n && y.n) {
        struct str s = next_segment(&x), t = next_segment(&y);
        if (is_param(s) != is_param(t))
            return is_param(s) ? 1 : -1;
        int order = is_param(s) ? 0 : str_cmp(s, t);
        if (order)
            return order;
    }
    return (x.n > 0) - (y.n > 0);
}

static int pattern_first(const void *a, const void *b)
{
    const struct shape *x = a, *y = b;
    bool px = strchr(x->path, '{') != NULL, py = strchr(y->path, '{') != NULL;
    return px != py ? (px ? -1 : 1) : shape_cmp(x->path, y->path);
}

static bool pattern_matches(const char *pattern, struct str path)
{
    struct str x = str_of(pattern);
    while (x.n && path.n) {
        struct str s = next_segment(&x), t = next_segment(&path);
        if (is_param(s) ? t.n == 0 : !str_eq(s, t))
            return false;
    }
    return x.n == 0 && path.n == 0;
}

static bool shape_add(struct route_set *s, const struct http_route *route, struct err *err)
{
    if (str_eqz(STR("*"), route->path) && !strcmp(route->method, "OPTIONS")) {
        s->any_options = route;
        return true;
    }
    if (route->path[0] != '/')
        return err_set(err, "route %s %s: a path begins with /", route->method, route->path);
    size_t i = 0;
    while (i < s->n && shape_cmp(s->shapes[i].path, route->path) != 0)
        i++;
    if (i == s->n) {
        s->shapes = xgrow(s->shapes, s->n, &s->cap, sizeof(*s->shapes));
        s->shapes[s->n++] = (struct shape){.path = route->path};
    }
    struct shape *shape = &s->shapes[i];
    for (size_t k = 0; k < shape->n; k++)
        if (!strcmp(shape->routes[k]->method, route->method))
            return err_set(err, "route %s %s is there twice", route->method, route->path);
    shape->routes = xgrow(shape->routes, shape->n, &shape->cap, sizeof(*shape->routes));
    shape->routes[shape->n++] = route;
    return true;
}

struct route_set *routes_new(const struct http_route *routes, size_t n, struct err *err)
{
    struct route_set *s = xcalloc(1, sizeof(*s));
    map_init(&s->literals);
    for (size_t i = 0; i < n; i++)
        if (!shape_add(s, &routes[i], err)) {
            routes_free(s);
            return NULL;
        }
    if (s->n)
        qsort(s->shapes, s->n, sizeof(*s->shapes), pattern_first);
    while (s->n_patterns < s->n && strchr(s->shapes[s->n_patterns].path, '{'))
        s->n_patterns++;
    for (size_t i = s->n_patterns; i < s->n; i++)
        map_put(&s->literals, str_of(s->shapes[i].path), &s->shapes[i]);
    return s;
}

void routes_free(struct route_set *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->shapes[i].routes);
    free(s->shapes);
    map_fini(&s->literals);
    free(s);
}

static const struct shape *shape_of(const struct route_set *s, struct str path)
{
    const struct shape *shape = map_get(&s->literals, path);
    for (size_t i = 0; !shape && i < s->n_patterns; i++)
        if (pattern_matches(s->shapes[i].path, path))
            shape = &s->shapes[i];
    return shape;
}

static const struct http_route *route_of(const struct shape *shape, struct str method)
{
    for (size_t i = 0; i < shape->n; i++)
        if (str_eqz(method, shape->routes[i]->method))
            return shape->routes[i];
    return NULL;
}

static bool method_known(struct str method)
{
    static const char *const known[] = {"GET",    "HEAD",  "POST",    "PUT",
                                        "DELETE", "PATCH", "OPTIONS", "TRACE"};
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (str_eqz(method, known[i]))
            return true;
    return false;
}

int route_find(const struct route_set *s, const struct http_head *head,
               const struct http_route **out)
{
    const struct shape *shape = shape_of(s, head->path);
    *out = shape ? route_of(shape, head->method) : NULL;
    if (!*out && shape && str_eqz(head->method, "HEAD"))
        *out = route_of(shape, STR("GET"));
    if (!*out && str_eqz(head->method, "OPTIONS"))
        *out = s->any_options;
    if (*out)
        return 0;
    if (!method_known(head->method))
        return 501;
    if (str_eqz(head->path, "*"))
        return 204;
    return shape ? 405 : 404;
}

void route_allow(const struct route_set *s, const struct http_head *head, struct buf *out)
{
    const struct shape *shape = shape_of(s, head->path);
    bool has_head = false, has_options = false;
    for (size_t i = 0; shape && i < shape->n; i++) {
        const char *method = shape->routes[i]->method;
        has_head |= !strcmp(method, "HEAD");
        has_options |= !strcmp(method, "OPTIONS");
        buf_printf(out, "%s%s", out->n ? ", " : "", method);
    }
    if (shape && !has_head && route_of(shape, STR("GET")))
        buf_puts(out, ", HEAD");
    if (!has_options && (s->any_options || !shape))
        buf_printf(out, "%sOPTIONS", out->n ? ", " : "");
}

bool route_param(const char *pattern, struct str path, const char *name, struct str *out)
{
    struct str x = str_of(pattern);
    while (x.n && path.n) {
        struct str s = next_segment(&x), t = next_segment(&path);
        if (is_param(s) && str_eqz((struct str){s.p + 1, s.n - 2}, name)) {
            *out = t;
            return true;
        }
    }
    return false;
}
