/* rocks_files.h -- how RocksDB reaches its files, and what it says about them: private to rocks*.cc.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef JOURNAL_ROCKS_FILES_H
#define JOURNAL_ROCKS_FILES_H

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/listener.h>
#include <rocksdb/status.h>

#include "journal/rocks.h"
#include "journal/synced.h"

/* -- rocks_files.cc: the system's files, with four things added. What is synced is noted (synced.h). Once RocksDB holds its
 * lock, and before it reads anything, its logs are mended (mend.h), or, for who only looks, end where they would be cut. A quota
 * counts as a full disk. And a log never fails to take a record, as far as RocksDB sees: what can't be written stays in memory,
 * and is tried again. */
class log_file;
class rocks_files : public rocksdb::FileSystemWrapper
{
  public:
    explicit rocks_files(const char *dir);
    ~rocks_files() override;
    const char *Name() const override;
    rocksdb::IOStatus NewSequentialFile(const std::string &path,
                                        const rocksdb::FileOptions &options,
                                        std::unique_ptr<rocksdb::FSSequentialFile> *out,
                                        rocksdb::IODebugContext *dbg) override;
    rocksdb::IOStatus NewWritableFile(const std::string &path, const rocksdb::FileOptions &options,
                                      std::unique_ptr<rocksdb::FSWritableFile> *out,
                                      rocksdb::IODebugContext *dbg) override;
    rocksdb::IOStatus DeleteFile(const std::string &path, const rocksdb::IOOptions &options,
                                 rocksdb::IODebugContext *dbg) override;
    rocksdb::IOStatus LockFile(const std::string &path, const rocksdb::IOOptions &options,
                               rocksdb::FileLock **lock, rocksdb::IODebugContext *dbg) override;
    /* What LockFile does once it has the lock; for opening without one: cutting false. */
    bool mend(bool cutting, struct err *err);
    /* Writes what logs could not take before. Any thread. */
    rocksdb::IOStatus settle();
    /* Notes what was synced and could not be noted before. Any thread. */
    rocksdb::IOStatus note();
    /* How often RocksDB was done with a log that something was still to be written to. */
    uint64_t n_lost() const
    {
        return n_lost_;
    }
    bool unsynced();            /* Is there anything in a log that no sync covers? */
    rocksdb::IOStatus failed(); /* the first sync of a log that failed */

    bool careful = true; /* false: takes the folder as it is */
    bool loose = false;  /* rocks_options */
    uint64_t cut = 0;
    struct err refused = {}; /* why mend failed, in our words */
    rocksdb::IOStatus refused_status() const;

  private:
    friend class log_file;
    static void end_at(void *files, const char *path, uint64_t n_bytes);
    void sync_failed(const rocksdb::IOStatus &s);
    enum synced_kind kind_of(const std::string &path, uint64_t *number) const;

    std::string dir_;
    std::map<std::string, uint64_t> ends_; /* of those that end before their end */
    struct synced *synced_ = nullptr;
    std::mutex lock_; /* over these; before a log's own */
    std::set<log_file *> logs_;
    rocksdb::IOStatus failed_;
    std::atomic<bool> unsettled_{false};
    std::atomic<uint64_t> n_lost_{0};
};

/* -- rocks_log.cc: what RocksDB has to say, through log_line: its warnings as warnings, the rest for debugging; there is no
 * LOG file. And its statuses as what somebody can do about them. */
std::shared_ptr<rocksdb::Logger> rocks_logger();
/* Hears of what fails behind our back. */
class rocks_watch : public rocksdb::EventListener
{
  public:
    std::atomic<uint64_t> n_errors{0};

    rocksdb::Status last()
    {
        std::lock_guard<std::mutex> hold(lock_);
        return last_;
    }
    /* RocksDB fears for a log's buffer when it can't make the next log. Ours are written out after each record. */
    void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status *s) override
    {
        if (s->IsNoSpace() && s->severity() > rocksdb::Status::Severity::kHardError)
            *s = rocksdb::Status(*s, rocksdb::Status::Severity::kHardError);
        std::lock_guard<std::mutex> hold(lock_);
        last_ = *s;
        n_errors++;
    }
    /* A compaction that found no room is tried again by RocksDB; else whoever writes decides when. */
    void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason reason, rocksdb::Status,
                              bool *by_itself) override
    {
        *by_itself = reason == rocksdb::BackgroundErrorReason::kCompaction;
    }

  private:
    std::mutex lock_;
    rocksdb::Status last_;
};
enum rocks_trouble rocks_trouble_of(const rocksdb::Status &s);

#endif
