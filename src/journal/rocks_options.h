/* rocks_options.h -- how each space is kept: private to rocks*.cc.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef JOURNAL_ROCKS_OPTIONS_H
#define JOURNAL_ROCKS_OPTIONS_H

#include <string>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include "journal/rocks.h"

rocksdb::DBOptions rocks_db_options(const struct rocks_options *o);
/* One for each of enum rocks_space, in its order. */
std::vector<rocksdb::ColumnFamilyDescriptor> rocks_space_options(const struct rocks_options *o);

#endif
