/* client.h -- requests to a running server, one at a time, sent again while the server is away or asks for patience.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENT_H
#define CLIENT_H

#include "base/base.h"

struct client_options {
    const char *token;   /* a bearer token; NULL: none */
    int64_t patience_ms; /* how long one request may be tried */
    int stop_fd;         /* once this is readable nothing is waited for but an answer; -1: none */
    /* Some ten times a second while it waits, and with a line for the person who watches. */
    void (*tick)(void *ctx);
    void (*say)(void *ctx, const char *line);
    void *ctx;
};
struct client_answer {
    int status;
    struct str body; /* lives until the next request */
};
enum client_said {
    CLIENT_ANSWERED, /* whatever the status, except those that ask to come again */
    CLIENT_FAILED,   /* patience is at its end, or no patience helps: err says why */
    CLIENT_STOPPED   /* by stop_fd while it waited to try again */
};
struct client;

/* url: http://HOST:PORT, perhaps with a path before the server's own ones; http:// may be left out. NULL: err says why not. */
struct client *client_new(const char *url, const struct client_options *o, struct err *err);
void client_free(struct client *c);
const char *client_url(const struct client *c); /* as it is used */

/* Sends a request; path, type and body are borrowed until client_end. type NULL: a GET without a body. */
void client_begin(struct client *c, const char *path, const char *type, struct str body);
/* Waits for its answer, and tries again where that helps. */
enum client_said client_end(struct client *c, struct client_answer *out, struct err *err);
/* What the server itself says in an answer that is none of those expected; always false. */
bool client_complain(const struct client *c, const struct client_answer *a, struct err *err);

#endif
