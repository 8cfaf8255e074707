/* alias.c -- further paths that take trackers' events, for pages on which the usual ones are blocked.
 *
 * Each is served like /com.snowplowanalytics.snowplow/tp2, by POST and by GET. One that could be mistaken for a path of
 * ours, today's or one still to come, is refused when the server starts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"

#include <stdlib.h>

enum { ALIAS_MAX = 256 };

/* What needs no escape in a path; without commas, which separate the paths of a list. */
static bool may_stand(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           memchr("-._~!$&'()*+;=:@", c, 16);
}

static bool well_formed(struct str path)
{
    if (path.n < 2 || path.n > ALIAS_MAX || path.p[0] != '/' || path.p[path.n - 1] == '/')
        return false;
    for (size_t i = 1; i < path.n; i++)
        if (path.p[i] == '/' ? path.p[i - 1] == '/' : !may_stand(path.p[i]))
            return false;
    return true;
}

static struct str first_segment(struct str path)
{
    struct str first = {path.p + 1, path.n - 1};
    const char *slash = memchr(first.p, '/', first.n);
    return slash ? (struct str){first.p, (size_t)(slash - first.p)} : first;
}

/* Whatever begins like one of ours: a page may get further files, and an endpoint a neighbour. */
static bool is_ours(struct str path)
{
    struct str first = first_segment(path);
    if (collect_reserved(first))
        return true;
    for (size_t i = 0; i < n_api_routes; i++)
        if (str_eq(first, first_segment(str_of(api_routes[i].path))))
            return true;
    return false;
}

static bool check(const struct str *paths, size_t i, struct err *err)
{
    struct str path = paths[i];
    if (!well_formed(path))
        return err_set(err, "collector.paths: \"%.*s\" is no path like /events or /a/b",
                       STR_FMT(path));
    if (is_ours(path))
        return err_set(err, "collector.paths: %.*s is this server's own", STR_FMT(path));
    for (size_t k = 0; k < i; k++)
        if (str_eq(path, paths[k]))
            return err_set(err, "collector.paths: %.*s stands there twice", STR_FMT(path));
    return true;
}

struct http_route *alias_routes(const struct str *paths, size_t n, struct arena *arena,
                                size_t *n_routes, struct err *err)
{
    size_t at = n_api_routes;
    struct http_route *all = arena_alloc(arena, (n_api_routes + 2 * n) * sizeof(*all));
    memcpy(all, api_routes, n_api_routes * sizeof(*all));
    for (size_t i = 0; i < n; i++) {
        if (!check(paths, i, err))
            return NULL;
        const char *path = arena_str(arena, paths[i]).p;
        all[at++] = (struct http_route){"POST", path, collect_post, 0, NULL};
        all[at++] = (struct http_route){"GET", path, collect_get, 0, NULL};
    }
    *n_routes = at;
    return all;
}
