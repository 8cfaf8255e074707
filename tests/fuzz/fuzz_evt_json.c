/* fuzz_evt_json.c -- any bytes as JSON maps of columns.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    return fuzz_decode(evt_decode_json, data, n);
}
