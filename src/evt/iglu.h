/* iglu.h -- names of schemas: iglu:VENDOR/NAME/FORMAT/MAJOR-REVISION-ADDITION.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EVT_IGLU_H
#define EVT_IGLU_H

#include "base/base.h"

/* All borrow the text they were read from. */
struct iglu {
    struct str vendor, name, format, version;
    struct str vendor_name; /* "vendor/name", as it stands in the text */
    int major;
};
bool iglu_parse(struct str uri, struct iglu *out);
/* The first number of a version like 1-0-0; -1 when it has none. */
int iglu_major(struct str version);
bool iglu_is(const struct iglu *uri, struct str vendor_name);

#endif
