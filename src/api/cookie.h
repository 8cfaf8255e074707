/* cookie.h -- the tracker's cookie: which values may stand in one, and for which domain it is set.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef COOKIE_H
#define COOKIE_H

#include "api/api.h"

/* May this be echoed in a cookie and kept as a network_userid? */
bool cookie_safe(struct str value);
/* The domain for an Origin such as https://shop.example.com:8443; empty for none. */
struct str cookie_domain(const struct api_cookie *c, struct str origin);

#endif
