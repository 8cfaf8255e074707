/* wal.h -- reads RocksDB's log files without RocksDB, to tell a write that a crash cut short from damage. Private to the room.
 *
 * A log is blocks of 32 KiB; a record is one or more fragments, each with a checksum; fragments do not cross blocks.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef JOURNAL_WAL_H
#define JOURNAL_WAL_H

#ifdef __cplusplus
extern "C" {
#endif

#include "base/base.h"

enum wal_end {
    WAL_WHOLE, /* the file ends behind a record */
    WAL_CUT, /* its last write did not get to the disk, or not all of it; nothing whole stands behind */
    WAL_DAMAGED /* anything else */
};
struct wal_state {
    enum wal_end end;
    uint64_t n_records;   /* whole ones */
    uint64_t n_bytes;     /* of the file */
    uint64_t whole_bytes; /* behind the last whole record: where a cut one is to be cut off */
    uint64_t bad_at; /* position of the first fragment that is not whole; n_bytes when all are */
    const char *why; /* what is wrong there; static */
};
bool wal_read(const char *path, struct wal_state *out,
              struct err *err); /* false: the file can't be read */

/* CRC-32C of bytes behind those that gave crc (0 at first), as in iSCSI. */
uint32_t wal_crc(uint32_t crc, const void *p, size_t n);
/* Could two checksums over n bytes differ like this because one bit of the bytes does? */
bool wal_crc_one_bit(uint32_t difference, size_t n);

#ifdef __cplusplus
}
#endif
#endif
