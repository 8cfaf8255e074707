/* ids.c -- persistent numbers of identities: the same text has the same number as long as the engine lives.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/build.h"

void plan_ids_init(struct plan_ids *ids)
{
    map_init(&ids->map);
    ids->n = 0;
}

void plan_ids_fini(struct plan_ids *ids)
{
    map_fini(&ids->map);
}

uint32_t plan_ids_number(struct plan_ids *ids, struct str identity)
{
    void *known = map_get(&ids->map, identity);
    if (known)
        return (uint32_t)(uintptr_t)known;
    ids->n++;
    map_put(&ids->map, identity, (void *)(uintptr_t)ids->n);
    return ids->n;
}
