/* fuzz_evt_ndjson.c -- any bytes as lines of JSON maps: a line is read as if it stood alone.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    fuzz_decode(evt_decode_ndjson, data, n);
    return fuzz_lines(evt_decode_ndjson, data, n);
}
