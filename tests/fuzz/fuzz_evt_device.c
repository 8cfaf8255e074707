/* fuzz_evt_device.c -- any bytes as a user agent: it always has a class, with a cache the same, in capitals the same, and
 * whatever stands past the bytes that are looked at.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/device.h"

#include <assert.h>
#include <stdlib.h>

static bool same(const struct device *a, const struct device *b)
{
    return a->device_class == b->device_class && a->system_class == b->system_class &&
           a->system_name == b->system_name && a->agent_class == b->agent_class &&
           a->agent_name == b->agent_name;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct device_cache *cache;
    char *copy = malloc(n ? n : 1); /* of just that size */
    struct device d, other;
    if (!cache)
        cache = device_cache_new();
    if (n)
        memcpy(copy, data, n);
    device_classify((struct str){copy, n}, &d);
    assert(d.device_class);
    assert(!d.agent_name || d.agent_class);
    assert(same(device_cache_get(cache, (struct str){copy, n}), &d));
    assert(same(device_cache_get(cache, (struct str){copy, n}), &d));
    device_classify((struct str){copy, MIN_OF(n, (size_t)DEVICE_UA_MAX)}, &other);
    assert(same(&other, &d));
    for (size_t i = 0; i < n; i++)
        copy[i] = (char)(copy[i] >= 'a' && copy[i] <= 'z' ? copy[i] & ~32 : copy[i]);
    device_classify((struct str){copy, n}, &other);
    assert(same(&other, &d));
    free(copy);
    return 0;
}
