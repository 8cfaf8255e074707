/* fuzz_evt_msgpack.c -- any bytes as msgpack maps of columns.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    return fuzz_decode(evt_decode_msgpack, data, n);
}
