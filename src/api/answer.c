/* answer.c -- what every answer carries: CORS headers and the request's own id.
 *
 * Browsers send events and listen from other origins, so the origin is echoed everywhere. Only the tracker's endpoints
 * allow cookies: what reads attributes or scores must bring its credentials in a header, which a foreign page has not got.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"

enum { REQUEST_ID_MAX = 128, ORIGIN_MAX = 512 };

struct str answer_origin(struct str header)
{
    size_t n = 0;
    while (n < header.n && header.p[n] > ' ' && header.p[n] < 0x7f && header.p[n] != ',')
        n++;
    if (n > ORIGIN_MAX || (n < header.n && header.p[n] != ' ' && header.p[n] != ','))
        n = 0;
    return (struct str){header.p, n};
}

static bool safe_id(struct str s)
{
    if (s.n == 0 || s.n > REQUEST_ID_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && !memchr("-_.:/+=", c, 7))
            return false;
    }
    return true;
}

void answer_begin(struct http_req *r, bool credentials)
{
    struct str origin = answer_origin(http_header(r, "Origin")),
               id = http_header(r, "X-Request-Id");
    http_add_header(r, "Access-Control-Allow-Origin", origin.n ? origin : STR("*"));
    if (credentials)
        http_add_header(r, "Access-Control-Allow-Credentials", STR("true"));
    if (origin.n)
        http_add_header(r, "Vary", STR("Origin"));
    if (safe_id(id))
        http_add_header(r, "X-Request-Id", id);
}

struct str answer_media_type(struct str header)
{
    const char *end = header.n ? memchr(header.p, ';', header.n) : NULL;
    if (end)
        header.n = (size_t)(end - header.p);
    return str_trim(header);
}

bool answer_is_msgpack(struct str type)
{
    return str_eq_nocase(type, STR("application/msgpack")) ||
           str_eq_nocase(type, STR("application/x-msgpack")) ||
           str_eq_nocase(type, STR("application/vnd.msgpack"));
}
