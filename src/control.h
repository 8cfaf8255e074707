/* control.h -- the socket in the data folder through which `signalbox backup` talks to the server that has the folder open.
 *
 * One line is asked, one is answered: `ok TEXT` or `error TEXT`. Only the folder's owner may connect.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_H
#define CONTROL_H

#include "base/base.h"

/* Does what the line asks for, on control's own thread; out: what to say about it, one line. */
typedef bool control_answer_fn(void *ctx, const char *line, struct buf *out);

struct control;
/* Listens at DIR/control. The folder is this process's alone, so a socket that is found there is a dead one's. */
struct control *control_new(const char *dir, control_answer_fn *answer, void *ctx, struct err *err);
/* Returns when the answer under way has been given; takes the socket away. NULL: nothing. */
void control_free(struct control *c);

enum control_said {
    CONTROL_OK,
    CONTROL_ERROR, /* or the connection broke */
    CONTROL_NOBODY /* no server has the folder open */
};
/* Asks the server of this folder and waits for its answer, which may take long; out: what it said. */
enum control_said control_ask(const char *dir, const char *line, struct buf *out);

#endif
