/* err.c -- what went wrong, in words for a person; the first error wins.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <stdarg.h>

bool err_set(struct err *err, const char *fmt, ...)
{
    if (!err || err->set)
        return false;
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    err->set = true;
    return false;
}
