/* serve.h -- the server: rules, engine, endpoints and the thread that reloads.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVE_H
#define SERVE_H

#include "config.h"

/* Serves until it is told to stop. Returns the exit code. */
int serve(const struct config *c);

/* report.c: problems of rule files, one a line as `FILE:LINE: RULE: TEXT`, or for machines */
enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_GITHUB };
bool report_format_find(const char *word, enum report_format *out); /* NULL: text */
void report_write(const struct plan_report *report, enum report_format format, struct buf *out);

#endif
