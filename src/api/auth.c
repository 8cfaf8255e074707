/* auth.c -- does a request bring credentials? The server listens on loopback only, where any token is as good as another.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"

bool auth_has_credentials(const struct http_req *r)
{
    struct str given = http_header(r, "Authorization");
    struct str scheme = {given.p, MIN_OF(given.n, 7)};
    if (str_eq_nocase(scheme, STR("Bearer ")) && str_trim((struct str){given.p + 7, given.n - 7}).n)
        return true;
    return http_header(r, "X-API-Key-Id").n && http_header(r, "X-API-Key").n;
}
