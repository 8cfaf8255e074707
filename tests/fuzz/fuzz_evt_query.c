/* fuzz_evt_query.c -- any bytes as a tracker's query string.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    return fuzz_decode(evt_decode_query, data, n);
}
