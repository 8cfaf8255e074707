/* rocks_options.cc -- how each space is kept, and why.
 *
 * Memory is bounded: two write buffers a space (up to 106 MiB when all are full) and one cache of 64 MiB, in which indexes and
 * filters are held too. Two background threads: the machine is the server's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/rocks_options.h"

#include <memory>

#include <rocksdb/cache.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

namespace
{

constexpr size_t MIB = 1 << 20;
constexpr uint64_t DAY_S = 24 * 3600;

/* Drops what was past when a file is rewritten. What it keeps a little longer does no harm: readers know the time. */
class past_filter : public rocksdb::CompactionFilter
{
  public:
    past_filter(const int64_t *past_ms, bool in_key) : past_ms_(past_ms), in_key_(in_key) {}
    const char *Name() const override
    {
        return "past_filter";
    }
    bool Filter(int, const rocksdb::Slice &key, const rocksdb::Slice &value, std::string *,
                bool *) const override
    {
        const rocksdb::Slice &from = in_key_ ? key : value;
        if (from.size() < 8)
            return false;
        uint64_t at = 0;
        for (int i = 0; i < 8; i++) /* big endian in a key, little endian in a value */
            at |= (uint64_t)(uint8_t)from[i] << 8 * (in_key_ ? 7 - i : i);
        int64_t past = __atomic_load_n(past_ms_, __ATOMIC_RELAXED);
        return in_key_ ? (int64_t)at < past
                       : (int64_t)at <= past; /* what is due now may wait still */
    }

  private:
    const int64_t *past_ms_;
    bool in_key_;
};

class past_filters : public rocksdb::CompactionFilterFactory
{
  public:
    past_filters(const int64_t *past_ms, bool in_key) : past_ms_(past_ms), in_key_(in_key) {}
    const char *Name() const override
    {
        return "past_filters";
    }
    std::unique_ptr<rocksdb::CompactionFilter>
    CreateCompactionFilter(const rocksdb::CompactionFilter::Context &) override
    {
        return std::make_unique<past_filter>(past_ms_, in_key_);
    }

  private:
    const int64_t *past_ms_;
    bool in_key_;
};

rocksdb::ColumnFamilyOptions kept(const std::shared_ptr<rocksdb::Cache> &cache, size_t write_buffer,
                                  size_t block_size, bool filter)
{
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = cache;
    table.block_size = block_size;
    table.checksum = rocksdb::kXXH3;
    table.format_version = 5;
    table.cache_index_and_filter_blocks = true; /* or they would grow outside the bound */
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    if (filter)
        table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));

    rocksdb::ColumnFamilyOptions o;
    o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    o.write_buffer_size = write_buffer;
    o.max_write_buffer_number = 2;
    o.compression = rocksdb::kLZ4Compression;
    o.level_compaction_dynamic_level_bytes = true;
    return o;
}

} // namespace

rocksdb::DBOptions rocks_db_options(const struct rocks_options *o)
{
    rocksdb::DBOptions d;
    d.create_if_missing = o->create;
    d.create_missing_column_families = o->create;
    d.paranoid_checks = !o->salvage;
    /* What a crash may leave is cut before RocksDB reads it (rocks_files.cc); everything else is damage. */
    d.wal_recovery_mode = o->salvage ? rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords
                                     : rocksdb::WALRecoveryMode::kAbsoluteConsistency;
    d.max_total_wal_size = o->log_bytes ? o->log_bytes : 128 * MIB;
    d.recycle_log_file_num = 0; /* an old record behind the end would look like a new one */
    d.avoid_flush_during_shutdown = true; /* what matters is in the log, and closing is quick */
    d.use_fsync = false;
    d.max_open_files = 500;
    d.skip_stats_update_on_db_open = true;
    d.max_background_jobs = 2;
    d.max_bgerror_resume_count = 0; /* whoever writes decides when to try again: rocks_resume */
    d.stats_dump_period_sec = 0;
    d.stats_persist_period_sec = 0;
    return d;
}

std::vector<rocksdb::ColumnFamilyDescriptor> rocks_space_options(const struct rocks_options *o)
{
    std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(64 * MIB);
    rocksdb::ColumnFamilyOptions meta = kept(cache, 1 * MIB, 4096, false);
    /* Keys only grow, so files are moved down the levels as they are, and go as a whole once they are too old. */
    rocksdb::ColumnFamilyOptions blocks = kept(cache, 32 * MIB, 64 << 10, false);
    rocksdb::ColumnFamilyOptions pages = kept(cache, 16 * MIB, 8192, true);
    rocksdb::ColumnFamilyOptions due = kept(cache, 4 * MIB, 4096, false);
    if (o->past_ms) {
        pages.compaction_filter_factory = std::make_shared<past_filters>(o->past_ms, false);
        due.compaction_filter_factory = std::make_shared<past_filters>(o->past_ms, true);
    }
    pages.periodic_compaction_seconds =
        DAY_S; /* so that a file that nothing is written to is filtered too */
    due.periodic_compaction_seconds = DAY_S;
    return {{rocksdb::kDefaultColumnFamilyName, meta},
            {"blocks", blocks},
            {"pages", pages},
            {"due", due}};
}
