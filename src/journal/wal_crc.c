/* wal_crc.c -- CRC-32C, the checksum of RocksDB's logs: with the processor's instruction where it has one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/wal.h"

#include <pthread.h>

enum { CRC32C = 0x82f63b78 }; /* Castagnoli, reflected */

static uint32_t table[256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void table_make(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? (uint32_t)CRC32C : 0);
        table[i] = crc;
    }
}

static uint32_t crc_by_table(uint32_t crc, const uint8_t *p, size_t n)
{
    pthread_once(&table_once, table_make);
    for (; n; n--)
        crc = crc >> 8 ^ table[(uint8_t)crc ^ *p++];
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_by_machine(uint32_t crc, const uint8_t *p,
                                                                 size_t n)
{
    uint64_t wide = crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; n; n--)
        crc = __builtin_ia32_crc32qi(crc, *p++);
    return crc;
}
#endif

uint32_t wal_crc(uint32_t crc, const void *p, size_t n)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~crc_by_machine(~crc, p, n);
#endif
    return ~crc_by_table(~crc, p, n);
}

bool wal_crc_one_bit(uint32_t difference, size_t n)
{
    uint32_t of_bit[8];
    pthread_once(&table_once, table_make);
    for (int bit = 0; bit < 8; bit++)
        of_bit[bit] = table[1 << bit]; /* in the last byte */
    for (; n; n--)
        for (int bit = 0; bit < 8; bit++) {
            if (of_bit[bit] == difference)
                return true;
            of_bit[bit] = of_bit[bit] >> 8 ^ table[(uint8_t)of_bit[bit]];
        }
    return false;
}
