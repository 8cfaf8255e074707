/* fuzz_evt_tp2.c -- any bytes as a tracker's POST body.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    return fuzz_decode(evt_decode_tp2, data, n);
}
