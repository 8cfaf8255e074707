/* collect.c -- the tracker protocol: what a Snowplow collector answers, so that its trackers work unchanged.
 *
 * A tracker drops events for ever on 400, 401, 403, 410 and 422, and on anything else sends them again before it sends any
 * other. So what can never be taken is one of those, what may be taken later none, and a batch with some bad events is
 * answered `ok`, with a header that says what was wrong: only what holds no good event at all is a 400.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"
#include "api/client.h"
#include "api/cookie.h"

/* The smallest transparent GIF there is. */
static const char pixel[] = "GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff\x21\xf9\4\1\0\0\0\0\x2c\0\0\0"
                            "\0\1\0\1\0\0\2\2\x44\1\0\x3b";
static const char nobody[] = "00000000-0000-0000-0000-000000000000";

static struct str address_of(const struct http_req *r)
{
    struct str ip = client_address(http_header(r, "X-Forwarded-For"));
    if (!ip.n)
        ip = client_address(http_header(r, "X-Real-IP"));
    return ip.n ? ip : http_peer(r);
}

static struct str query_nuid(struct http_req *r)
{
    struct str name, value, query = http_head(r)->query;
    if (!query.n || !memmem(query.p, query.n, "nuid=", 5))
        return (struct str){0};
    for (size_t i = 0; http_query_next(r, &i, &name, &value);)
        if (str_eqz(name, "nuid"))
            return value;
    return (struct str){0};
}

static void set_cookie(struct api *a, struct http_req *r, struct str value, bool expire)
{
    struct str domain = cookie_domain(&a->o.cookie, answer_origin(http_header(r, "Origin")));
    long long age = expire ? 0 : (long long)a->o.cookie.days * 86400;
    http_add_header(
        r, "Set-Cookie",
        arena_printf(
            http_arena(r), "sp=%.*s; Max-Age=%lld; Path=/; %s%.*s%sSecure; HttpOnly; SameSite=None",
            STR_FMT(value), age, domain.n ? "Domain=" : "", STR_FMT(domain), domain.n ? "; " : ""));
}

/* Who sent this: fills meta and sets the cookie. */
static void identify(struct api *a, struct http_req *r, struct evt_meta *meta)
{
    struct str cookie = http_cookie(r, "sp");
    meta->useragent = http_header(r, "User-Agent");
    meta->referer = http_header(r, "Referer");
    if (http_header(r, "SP-Anonymous").p) {
        meta->nuid = STR(nobody);
        if (cookie.p && a->o.cookie.on)
            set_cookie(a, r, (struct str){0}, true);
        return;
    }
    meta->ip = address_of(r);
    meta->nuid = query_nuid(r);
    if (!cookie_safe(meta->nuid))
        meta->nuid = cookie;
    if (!cookie_safe(meta->nuid)) {
        char *drawn = arena_alloc(http_arena(r), 37);
        draw_uuid(a, http_front_of(r), drawn);
        meta->nuid = (struct str){drawn, 36};
    }
    if (a->o.cookie.on)
        set_cookie(a, r, meta->nuid, false);
}

/* What was wrong with some events, on one line that may stand in a header. */
static struct str describe(struct arena *arena, const struct evt_batch *events)
{
    enum { SHOWN = 3, LONGEST = 1000 };
    struct buf b = {0};
    buf_printf(&b, "%zu of %zu", events->n_rejects, events->n + events->n_rejects);
    for (size_t i = 0; i < events->n_rejects && i < SHOWN; i++)
        buf_printf(&b, "; %.*s", STR_FMT(events->rejects[i].why));
    b.n = MIN_OF(b.n, (size_t)LONGEST);
    for (size_t i = 0; i < b.n; i++)
        if (b.p[i] < ' ' || b.p[i] > '~')
            b.p[i] = '?';
    struct str text = arena_str(arena, buf_str(&b));
    buf_fini(&b);
    return text;
}

/* true: it has been answered, since no event was any good. */
static bool all_bad(struct http_req *r, struct engine_batch *b)
{
    if (!b->events.n_rejects)
        return false;
    struct str what = describe(http_arena(r), &b->events);
    log_debug("events refused: %.*s", STR_FMT(what));
    if (!b->events.n) {
        http_reply_problem(r, 400, "events that can't be read: %.*s", STR_FMT(what));
        return true;
    }
    http_add_header(r, "X-Events-Rejected", what);
    return false;
}

static void reply_ok(struct http_req *r)
{
    http_reply(r, 200, "text/plain", STR("ok"));
}

static void answer_ok(struct api *a, struct http_req *r, struct engine_batch *b)
{
    if (!all_bad(r, b))
        reply_ok(r);
}

static void reply_pixel(struct http_req *r)
{
    http_add_header(r, "Cache-Control", STR("no-cache, no-store, must-revalidate"));
    http_reply(r, 200, "image/gif", STR(pixel));
}

static void answer_pixel(struct api *a, struct http_req *r, struct engine_batch *b)
{
    if (!all_bad(r, b))
        reply_pixel(r);
}

/* Vendors look like com.example; these are the first parts of paths that are ours. */
bool collect_reserved(struct str segment)
{
    static const char *const ours[] = {"api",     "r",      "docs",    "health",
                                       "healthz", "readyz", "metrics", "predict"};
    for (size_t i = 0; i < COUNT_OF(ours); i++)
        if (str_eqz(segment, ours[i]))
            return true;
    return false;
}

/* true: it has been answered, since no tracker asks for that. */
static bool reserved(struct http_req *r)
{
    if (!collect_reserved(http_param(r, "vendor")))
        return false;
    answer_begin(r, false);
    http_reply_problem(r, 404, "there is nothing at this path");
    return true;
}

/* Whoever does not want to be tracked is answered like anybody else, and nothing of it is kept. */
static bool opted_out(const struct api *a, const struct http_req *r)
{
    return optout_said(a->optouts, a->o.collector.n_dnt_cookies, r);
}

/* sendBeacon can only say text/plain, and some trackers say nothing. */
static bool tracker_type(struct str type)
{
    return !type.n || str_eq_nocase(type, STR("application/json")) ||
           str_eq_nocase(type, STR("text/plain"));
}

void collect_post(struct http_req *r, void *ctx)
{
    struct api *a = ctx;
    struct evt_meta meta = {0};
    if (reserved(r))
        return;
    answer_begin(r, true);
    struct str type = answer_media_type(http_header(r, "Content-Type"));
    if (opted_out(a, r)) {
        reply_ok(r);
        return;
    }
    if (!tracker_type(type)) { /* no 415, for which it would come again */
        http_reply_problem(r, 400, "a tracker's events are application/json, not %.*s",
                           STR_FMT(type));
        return;
    }
    identify(a, r, &meta);
    take_events(a, r, WIRE_TP2, http_body(r), &meta, answer_ok);
}

/* What is too large never gets smaller: for a 413 a tracker would send it again and again, and nothing else. */
int collect_too_large(const struct http_route *route)
{
    return route->handler == collect_post ? 422 : 413;
}

void collect_get(struct http_req *r, void *ctx)
{
    struct api *a = ctx;
    struct evt_meta meta = {0};
    answer_begin(r, true);
    if (opted_out(a, r)) {
        reply_pixel(r);
        return;
    }
    identify(a, r, &meta);
    if (!http_head(r)->query.n) {
        reply_pixel(r); /* somebody looks whether we are there */
        return;
    }
    take_events(a, r, WIRE_QUERY, http_head(r)->query, &meta, answer_pixel);
}

void collect_get_any(struct http_req *r, void *ctx)
{
    if (!reserved(r))
        collect_get(r, ctx);
}

void collect_options(struct http_req *r, void *ctx)
{
    answer_begin(r, true);
    http_add_header(r, "Access-Control-Allow-Methods", STR("GET, HEAD, POST, OPTIONS"));
    if (str_starts(http_head(r)->path, "/api/") || str_eqz(http_head(r)->path, "/predict"))
        http_add_header(
            r, "Access-Control-Allow-Headers",
            STR("Content-Type, Accept, Authorization, X-API-Key-Id, X-API-Key, X-Request-Id, "
                "X-Signals-Sdk-Name, Last-Event-ID"));
    else
        http_add_header(r, "Access-Control-Allow-Headers", STR("Content-Type, SP-Anonymous"));
    http_add_header(r, "Access-Control-Max-Age", STR("3600"));
    http_reply(r, 200, NULL, (struct str){0});
}

void collect_robots(struct http_req *r, void *ctx)
{
    answer_begin(r, false);
    /* Google's for advertisements minds no line but its own */
    http_reply(r, 200, "text/plain",
               STR("User-agent: *\nUser-agent: AdsBot-Google\nDisallow: /\n"));
}

void collect_redirect(struct http_req *r, void *ctx)
{
    answer_begin(r, true);
    http_reply_problem(r, 404, "redirects disabled");
}
