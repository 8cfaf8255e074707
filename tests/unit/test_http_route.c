/* test_http_route.c -- which route a request goes to, and what the rest is told.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "http/http_internal.h"

#include <stdlib.h>

static const struct http_route routes[] = {
    {.method = "GET", .path = "/"},
    {.method = "GET", .path = "/health"},
    {.method = "POST", .path = "/{vendor}/{version}"},
    {.method = "GET", .path = "/{vendor}/{version}"},
    {.method = "GET", .path = "/r/tp2"},
    {.method = "GET", .path = "/api/v1/scores/{name}"},
    {.method = "GET", .path = "/api/v1/scores/"},
    {.method = "POST", .path = "/api/v1/scores/all"},
    {.method = "GET", .path = "/api/{a}/x"},
    {.method = "PUT", .path = "/{b}/v1/{c}"},
    {.method = "GET", .path = "/a/{name}/versions/{n}"},
    {.method = "HEAD", .path = "/own"},
    {.method = "GET", .path = "/own"},
    {.method = "OPTIONS", .path = "/own"},
    {.method = "OPTIONS", .path = "*"},
};

static const struct {
    const char *method, *path;
    int status;
    const char *route;
} cases[] = {
    {"GET", "/", 0, "/"},
    {"GET", "/health", 0, "/health"},
    {"HEAD", "/health", 0, "/health"},
    {"POST", "/health", 405, NULL},
    {"TRACE", "/health", 405, NULL},
    {"BREW", "/health", 501, NULL},
    {"get", "/health", 501, NULL},
    {"BREW", "/nowhere", 501, NULL},
    {"GET", "/nowhere", 404, NULL},
    {"GET", "/health/", 404, NULL}, /* a parameter is not empty */
    {"GET", "//", 404, NULL},
    {"POST", "/com.acme/tp2", 0, "/{vendor}/{version}"},
    {"GET", "/com.acme/tp2", 0, "/{vendor}/{version}"},
    {"GET", "/r/tp2", 0, "/r/tp2"},
    {"POST", "/r/tp2", 405, NULL}, /* the literal path decides */
    {"GET", "/api/v1/scores/x", 0, "/api/v1/scores/{name}"},
    {"GET", "/api/v1/scores/", 0, "/api/v1/scores/"},
    {"POST", "/api/v1/scores/all", 0, "/api/v1/scores/all"},
    {"GET", "/api/v1/scores/all", 405, NULL},
    {"GET", "/api/v1/scores/x/y", 404, NULL},
    {"GET", "/api/v1/x", 0, "/api/{a}/x"}, /* the first differing segment is literal */
    {"PUT", "/api/v1/x", 405, NULL},
    {"PUT", "/other/v1/x", 0, "/{b}/v1/{c}"},
    {"GET", "/a/b/versions/3", 0, "/a/{name}/versions/{n}"},
    {"OPTIONS", "*", 0, "*"},
    {"OPTIONS", "/health", 0, "*"},
    {"OPTIONS", "/nowhere/at/all", 0, "*"},
};

static struct http_head head_of(const char *method, const char *path)
{
    return (struct http_head){.method = str_of(method), .path = str_of(path)};
}

static void check_allow(const struct route_set *s, const char *path, const char *want)
{
    struct http_head h = head_of("DELETE", path);
    struct buf b = {0};
    route_allow(s, &h, &b);
    buf_putc(&b, 0);
    CHECK_STR(b.p, want);
    buf_fini(&b);
}

static void check_params(void)
{
    struct str v;
    struct str path = STR("/a/n%20m/versions/3");
    CHECK(route_param("/a/{name}/versions/{n}", path, "name", &v) && str_eqz(v, "n%20m"));
    CHECK(route_param("/a/{name}/versions/{n}", path, "n", &v) && str_eqz(v, "3"));
    CHECK(!route_param("/a/{name}/versions/{n}", path, "a", &v));
    CHECK(!route_param("/a/{name}/versions/{n}", path, "versions", &v));
}

static void check_bad_tables(void)
{
    static const struct http_route twice[] = {{.method = "GET", .path = "/{a}"},
                                              {.method = "GET", .path = "/{b}"}};
    static const struct http_route bare[] = {{.method = "GET", .path = "health"}};
    struct err err = {0};
    CHECK(!routes_new(twice, 2, &err) && err.set);
    err.set = false;
    CHECK(!routes_new(bare, 1, &err) && err.set);
    struct route_set *none = routes_new(NULL, 0, NULL);
    const struct http_route *r;
    struct http_head star = head_of("OPTIONS", "*"), get = head_of("GET", "/");
    CHECK_INT(route_find(none, &star, &r), 204);
    CHECK_INT(route_find(none, &get, &r), 404);
    routes_free(none);
}

int main(void)
{
    struct err err = {0};
    struct route_set *s = routes_new(routes, COUNT_OF(routes), &err);
    CHECK(s, "%s", err.text);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_head h = head_of(cases[i].method, cases[i].path);
        const struct http_route *r;
        int status = route_find(s, &h, &r);
        CHECK(status == cases[i].status, "%s %s: got %d", h.method.p, h.path.p, status);
        CHECK_STR(r ? r->path : "none", cases[i].route ? cases[i].route : "none");
    }
    struct http_head own = head_of("HEAD", "/own");
    const struct http_route *r;
    route_find(s, &own, &r);
    CHECK_STR(r->method, "HEAD");
    own = head_of("OPTIONS", "/own");
    route_find(s, &own, &r);
    CHECK_STR(r->path, "/own");
    check_allow(s, "/health", "GET, HEAD, OPTIONS");
    check_allow(s, "/r/tp2", "GET, HEAD, OPTIONS");
    check_allow(s, "/api/v1/scores/all", "POST, OPTIONS");
    check_allow(s, "/own", "HEAD, GET, OPTIONS");
    routes_free(s);
    check_params();
    check_bad_tables();
    return check_done();
}
