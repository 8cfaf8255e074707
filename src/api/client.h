/* client.h -- the address a request says it comes from.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENT_H
#define CLIENT_H

#include "base/base.h"

/* The first address of a header like X-Forwarded-For, without its port; empty when there is none. */
struct str client_address(struct str header);

#endif
