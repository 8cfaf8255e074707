/* device.h -- what kind of device a user agent belongs to, in the words of nl.basjes/yauaa_context.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EVT_DEVICE_H
#define EVT_DEVICE_H

#include "base/base.h"

#define DEVICE_ENTITY "nl.basjes/yauaa_context"

/* All static; NULL: not known. */
struct device {
    const char *device_class; /* never NULL */
    const char *system_class, *system_name;
    const char *agent_class, *agent_name;
};
/* Any bytes; those past DEVICE_UA_MAX are not looked at. */
void device_classify(struct str ua, struct device *out);
enum { DEVICE_UA_MAX = 2048 };

/* device_cache.c: remembers the latest thousand or so user agents, so that one that came before costs a
 * hash and a comparison. Its answers are device_classify's, whatever was asked before. 526 KB, always. */
struct device_cache;
struct device_cache *device_cache_new(void);
void device_cache_free(struct device_cache *c);
/* Valid until the next call. */
const struct device *device_cache_get(struct device_cache *c, struct str ua);

#endif
