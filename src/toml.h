/* toml.h -- reads a TOML file as a run of dotted names with their values and lines.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TOML_H
#define TOML_H

#ifdef __cplusplus
extern "C" {
#endif
#include "base/base.h"

enum toml_kind { TOML_STRING, TOML_NUMBER, TOML_BOOL, TOML_LIST, TOML_OTHER };
/* One leaf: `[http]` with `head_ms = 5` is http.head_ms. texts: the value as text, several of a LIST of strings; borrowed.
 * OTHER is what no option takes: a date, a list of something else. false: stops the reading; the visitor has set err. */
typedef bool toml_visit(void *ctx, const char *name, unsigned line, enum toml_kind kind,
                        const char *const *texts, size_t n, struct err *err);
bool toml_read(const char *path, toml_visit *visit, void *ctx, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
