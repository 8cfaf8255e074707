/* device_cache.c -- remembers what user agents turned out to be.
 *
 * Most events come from a few hundred user agents. A hash says in which of the sets one may stand; a set has a few places, which
 * are taken in turn. A place holds the user agent whole, so that an answer never depends on what was asked before. Longer ones
 * than a place has room for, which are rare, are looked at each time.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/device.h"

#include <stdlib.h>

enum { SETS = 256, PLACES = 4, ROOM = 456 }; /* 512 bytes a place */
struct place {
    uint64_t hash;
    struct device device;
    uint16_t n; /* 0: empty */
    char ua[ROOM];
};
struct set {
    struct place places[PLACES];
    unsigned turn; /* whose place is taken next */
};
struct device_cache {
    struct device other; /* of one that has no place */
    struct set sets[SETS];
};

struct device_cache *device_cache_new(void)
{
    return xcalloc(1, sizeof(struct device_cache));
}

void device_cache_free(struct device_cache *c)
{
    free(c);
}

static bool holds(const struct place *p, struct str ua, uint64_t hash)
{
    return p->hash == hash && p->n == ua.n && memcmp(p->ua, ua.p, ua.n) == 0;
}

const struct device *device_cache_get(struct device_cache *c, struct str ua)
{
    if (ua.n == 0 || ua.n > ROOM) {
        device_classify(ua, &c->other);
        return &c->other;
    }
    uint64_t hash = str_hash(ua);
    struct set *set = &c->sets[hash % SETS];
    for (unsigned i = 0; i < PLACES; i++)
        if (holds(&set->places[i], ua, hash))
            return &set->places[i].device;
    struct place *p = &set->places[set->turn++ % PLACES];
    device_classify(ua, &p->device);
    p->hash = hash;
    p->n = (uint16_t)ua.n;
    memcpy(p->ua, ua.p, ua.n);
    return &p->device;
}
