/* input.h -- the bytes of a file or of standard input, unpacked while they are read when they are gzip or zstd.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef INPUT_H
#define INPUT_H

#include "base/base.h"

/* What a packed file may unpack to: so many bytes whatever its size, and beyond them so many times what was read of it. Events
 * pack to a tenth, those of one robot to a fiftieth; what goes further was made to fill a disk. */
#define INPUT_FREE_BYTES (UINT64_C(64) << 20)
enum { INPUT_TIMES = 200, INPUT_QUIET_MS = 100 };

struct input_options {
    int stop_fd;   /* nothing more is read once this is readable; -1: none */
    bool any_size; /* the limit above is off */
    size_t chunk;  /* bytes of the file at a time, for tests; 0: as many as are good */
};
enum input_said {
    INPUT_BYTES,
    INPUT_END,
    INPUT_QUIET,   /* a pipe, and nobody has written to it for INPUT_QUIET_MS */
    INPUT_STOPPED, /* stop_fd */
    INPUT_FAILED   /* err says which file, where and why */
};
struct input;

/* path "-": standard input. NULL: it can't be read, err says why. */
struct input *input_open(const char *path, const struct input_options *o, struct err *err);
void input_close(struct input *in);
/* *n in: room, > 0; out, with INPUT_BYTES only: how many there are, > 0. */
enum input_said input_read(struct input *in, char *p, size_t *n, struct err *err);
const char *input_name(const struct input *in); /* for people */
uint64_t input_at(const struct input *in);      /* bytes of the file read so far */
uint64_t input_size(const struct input *in);    /* of the file; 0: nobody knows */
bool input_rereadable(const struct input *in);  /* opened once more it begins anew; no pipe does */

#endif
