/* url.h -- the parts of a URL, and the parameters of a query string.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EVT_URL_H
#define EVT_URL_H

#include "base/base.h"

/* Borrowed from the text; an absent part is empty. */
struct url {
    struct str scheme, host, path, query, fragment;
    int port; /* 443 for https, else 80, when the text names none; -1 without a host */
};
/* false: no absolute URL, or a port that is none; out is empty then. */
bool url_parse(struct str text, struct url *out);
/* text itself, or a copy in the arena with blanks as %20. */
struct str url_escape_blanks(struct str text, struct arena *a);

/* Takes the next key=value off the front of *query; both still encoded. false when nothing is left.
 */
bool query_next(struct str *query, struct str *key, struct str *value);
/* %xx and + decoded: text itself when it has neither, else a copy in the arena. A % that no two hex
 * digits follow stays. Empty when what comes out is not UTF-8. */
struct str query_decode(struct str text, struct arena *a);
/* The decoded value of the last parameter of that name which has one; empty when there is none. */
struct str query_get(struct str query, struct str name, struct arena *a);

#endif
