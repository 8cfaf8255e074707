/* proj.h -- what a projection looks like to the decoders.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EVT_PROJ_H
#define EVT_PROJ_H

#include "evt/columns.h"
#include "evt/iglu.h"

struct proj_atomic {
    uint32_t slot;
    uint32_t column;
};
struct proj_want { /* one path into the data of a schema */
    uint32_t slot;
    uint32_t index; /* which of the entities that match */
    struct evt_path path;
};
/* All wants with the same vendor, name and major version. */
struct proj_group {
    struct str vendor, name; /* an empty one matches all */
    int major;               /* -1 matches all */
    struct proj_want *wants;
    size_t n;
    int32_t
        next; /* the next group with the same vendor and name, or the next wildcard; -1: no more */
};
/* Groups that name both vendor and name are found by hash; the few others are tried one by one. */
struct proj_set {
    struct proj_group *groups;
    size_t n;
    int32_t *cells; /* heads of chains by hash of "vendor/name"; -1 where empty */
    size_t mask;
    int32_t wild; /* head of the chain of wildcards */
};
struct evt_proj {
    size_t n_slots;
    struct proj_atomic *atomics;
    size_t n_atomics;
    struct proj_set event, entity;
    struct column_set wanted; /* what the slots ask for */
    struct column_set needed; /* and what the decoders need to work it out */
    uint32_t enrichments;     /* bit i: row i of enrichments[] has to run */
    struct arena arena;
};

/* Walks the groups that match: for (g = proj_first(set, uri); g; g = proj_next(set, uri, g)). */
const struct proj_group *proj_first(const struct proj_set *set, const struct iglu *uri);
const struct proj_group *proj_next(const struct proj_set *set, const struct iglu *uri,
                                   const struct proj_group *g);

#endif
