/* rocks_files.cc -- the files that RocksDB writes: what is synced is noted, and what a crash left is mended first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/rocks_files.h"
#include "journal/mend.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace
{

/* RocksDB goes on after a full disk, but not after what it doesn't know: a quota, or a limit on the size of files. */
IOStatus limits_told(IOStatus s)
{
    if (s.ok() || s.IsNoSpace())
        return s;
    std::string text = s.ToString();
    if (text.find(strerror(ENOSPC)) == std::string::npos &&
        text.find(strerror(EDQUOT)) == std::string::npos &&
        text.find(strerror(EFBIG)) == std::string::npos)
        return s;
    IOStatus full = IOStatus::NoSpace(text);
    full.SetRetryable(true);
    return full;
}

IOStatus not_noted(int why)
{
    return why ? limits_told(IOStatus::IOError("While noting in SYNCED", strerror(why)))
               : IOStatus::OK();
}

/* What there was no room to note is noted later, and nothing is acknowledged before (rocks_sync). */
IOStatus noted(struct synced *synced, enum synced_kind kind, uint64_t number, uint64_t n_bytes)
{
    int why = synced_note(synced, kind, number, n_bytes);
    return synced_again(why) ? IOStatus::OK() : not_noted(why);
}

/* One whose end does not count. */
class ended_file : public rocksdb::FSSequentialFileOwnerWrapper
{
  public:
    ended_file(std::unique_ptr<rocksdb::FSSequentialFile> &&file, uint64_t n_bytes)
        : FSSequentialFileOwnerWrapper(std::move(file)), left_(n_bytes)
    {
    }
    IOStatus Read(size_t n, const IOOptions &o, Slice *out, char *room,
                  IODebugContext *dbg) override
    {
        IOStatus s = target()->Read(std::min<uint64_t>(n, left_), o, out, room, dbg);
        if (s.ok())
            left_ -= out->size();
        return s;
    }
    IOStatus Skip(uint64_t n) override
    {
        n = std::min(n, left_);
        left_ -= n;
        return target()->Skip(n);
    }

  private:
    uint64_t left_;
};

/* Everything but logs. */
class written_file : public rocksdb::FSWritableFileOwnerWrapper
{
  public:
    written_file(std::unique_ptr<FSWritableFile> &&file, struct synced *synced,
                 enum synced_kind kind, uint64_t number)
        : FSWritableFileOwnerWrapper(std::move(file)), synced_(synced), kind_(kind), number_(number)
    {
    }
    IOStatus Append(const Slice &data, const IOOptions &o, IODebugContext *dbg) override
    {
        IOStatus s = target()->Append(data, o, dbg);
        if (s.ok())
            n_bytes_ += data.size();
        return limits_told(std::move(s));
    }
    IOStatus Append(const Slice &data, const IOOptions &o, const rocksdb::DataVerificationInfo &,
                    IODebugContext *dbg) override
    {
        return Append(data, o, dbg);
    }
    IOStatus Truncate(uint64_t size, const IOOptions &o, IODebugContext *dbg) override
    {
        return limits_told(target()->Truncate(size, o, dbg));
    }
    IOStatus Close(const IOOptions &o, IODebugContext *dbg) override
    {
        return limits_told(target()->Close(o, dbg));
    }
    IOStatus Sync(const IOOptions &o, IODebugContext *dbg) override
    {
        IOStatus s = target()->Sync(o, dbg);
        return s.ok() ? noted() : limits_told(std::move(s));
    }
    IOStatus Fsync(const IOOptions &o, IODebugContext *dbg) override
    {
        IOStatus s = target()->Fsync(o, dbg);
        return s.ok() ? noted() : limits_told(std::move(s));
    }

  private:
    IOStatus noted()
    {
        return kind_ == SYNCED_NOTHING ? IOStatus::OK()
                                       : ::noted(synced_, kind_, number_, n_bytes_);
    }

    struct synced *synced_;
    enum synced_kind kind_;
    uint64_t number_;
    uint64_t n_bytes_ = 0; /* never appended to beside a sync */
};

} // namespace

/* A log takes every record, and every sync. RocksDB stops for good when one fails (and Debian's is built with its assertions,
 * which end the process at the next touch of that log), so it never hears of it. A record that can't be written waits here, no
 * other is let in meanwhile (rocks_write), and is written once there is room; one that failed in the middle is taken back. Should
 * RocksDB be done with the log before that, it is counted as lost, and whoever wrote it is told to write it again. A sync
 * that failed is kept in mind, and from then on rocks_write and rocks_sync say so. */
class log_file : public rocksdb::FSWritableFileOwnerWrapper
{
  public:
    log_file(std::unique_ptr<FSWritableFile> &&file, rocks_files *files, uint64_t number)
        : FSWritableFileOwnerWrapper(std::move(file)), files_(files), number_(number)
    {
        std::lock_guard<std::mutex> hold(files_->lock_);
        files_->logs_.insert(this);
    }
    ~log_file() override
    {
        leave();
    }
    IOStatus Close(const IOOptions &o, IODebugContext *dbg) override
    {
        leave();
        return limits_told(target()->Close(o, dbg));
    }
    IOStatus Append(const Slice &data, const IOOptions &, IODebugContext *) override
    {
        std::lock_guard<std::mutex> hold(lock_);
        unsettled_.append(data.data(), data.size());
        if (unsettled_.size() > data.size() || !write_out().ok())
            files_->unsettled_ = true;
        return IOStatus::OK();
    }
    IOStatus Append(const Slice &data, const IOOptions &o, const rocksdb::DataVerificationInfo &,
                    IODebugContext *dbg) override
    {
        return Append(data, o, dbg);
    }
    IOStatus Sync(const IOOptions &o, IODebugContext *dbg) override
    {
        uint64_t n_bytes = n_bytes_; /* more may be appended beside the sync */
        IOStatus s = target()->Sync(o, dbg);
        if (s.ok()) {
            n_synced_ = n_bytes;
            s = noted(files_->synced_, SYNCED_LOG, number_, n_bytes);
        }
        if (!s.ok())
            files_->sync_failed(s);
        return IOStatus::OK();
    }
    IOStatus Fsync(const IOOptions &o, IODebugContext *dbg) override
    {
        return Sync(o, dbg);
    }
    uint64_t GetFileSize(const IOOptions &, IODebugContext *) override
    {
        return n_bytes_;
    }
    IOStatus settle()
    {
        std::lock_guard<std::mutex> hold(lock_);
        return write_out();
    }
    bool unsynced() const
    {
        return n_synced_ != n_bytes_;
    }

  private:
    /* Nobody settles it any more. */
    void leave()
    {
        std::lock_guard<std::mutex> hold(files_->lock_);
        files_->n_lost_ += files_->logs_.erase(this) && !unsettled_.empty();
    }
    IOStatus write_out()
    {
        if (unsettled_.empty())
            return IOStatus::OK();
        IOStatus s = target()->PositionedAppend(unsettled_, n_bytes_, IOOptions(), nullptr);
        if (s.ok()) {
            n_bytes_ += unsettled_.size();
            unsettled_.clear();
        } else {
            target()->Truncate(n_bytes_, IOOptions(), nullptr).PermitUncheckedError();
        }
        return limits_told(std::move(s));
    }

    rocks_files *files_;
    uint64_t number_;
    std::mutex lock_;
    std::string unsettled_;
    std::atomic<uint64_t> n_bytes_{0}, n_synced_{0};
};

void rocks_files::sync_failed(const IOStatus &s)
{
    std::lock_guard<std::mutex> hold(lock_);
    if (failed_.ok())
        failed_ = s;
}

IOStatus rocks_files::failed()
{
    std::lock_guard<std::mutex> hold(lock_);
    return failed_;
}

IOStatus rocks_files::settle()
{
    if (!unsettled_)
        return IOStatus::OK();
    std::lock_guard<std::mutex> hold(lock_);
    unsettled_ = false; /* before looking: a log that fails meanwhile sets it again */
    for (log_file *log : logs_) {
        IOStatus s = log->settle();
        if (!s.ok()) {
            unsettled_ = true;
            return s;
        }
    }
    return IOStatus::OK();
}

bool rocks_files::unsynced()
{
    std::lock_guard<std::mutex> hold(lock_);
    return std::any_of(logs_.begin(), logs_.end(), [](log_file *log) { return log->unsynced(); });
}

IOStatus rocks_files::note()
{
    return synced_ ? not_noted(synced_settle(synced_)) : IOStatus::OK();
}

rocks_files::rocks_files(const char *dir)
    : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()), dir_(dir)
{
}

rocks_files::~rocks_files()
{
    synced_close(synced_);
}

const char *rocks_files::Name() const
{
    return "rocks_files";
}

/* Of files outside the folder, a copy's, nothing is noted. */
enum synced_kind rocks_files::kind_of(const std::string &path, uint64_t *number) const
{
    if (!synced_ || path.compare(0, dir_.size() + 1, dir_ + "/") != 0)
        return SYNCED_NOTHING;
    return synced_kind_of(path.c_str() + dir_.size() + 1, number);
}

IOStatus rocks_files::NewSequentialFile(const std::string &path,
                                        const rocksdb::FileOptions &options,
                                        std::unique_ptr<rocksdb::FSSequentialFile> *out,
                                        IODebugContext *dbg)
{
    IOStatus s = target()->NewSequentialFile(path, options, out, dbg);
    auto end = ends_.find(path);
    if (s.ok() && end != ends_.end())
        *out = std::make_unique<ended_file>(std::move(*out), end->second);
    return s;
}

IOStatus rocks_files::NewWritableFile(const std::string &path, const rocksdb::FileOptions &options,
                                      std::unique_ptr<FSWritableFile> *out, IODebugContext *dbg)
{
    uint64_t number = 0;
    std::unique_ptr<FSWritableFile> file;
    IOStatus s = limits_told(target()->NewWritableFile(path, options, &file, dbg));
    enum synced_kind kind = kind_of(path, &number);
    if (s.ok() && kind == SYNCED_LOG)
        *out = std::make_unique<log_file>(std::move(file), this, number);
    else if (s.ok())
        *out = std::make_unique<written_file>(std::move(file), synced_, kind_of(path, &number),
                                              number);
    return s;
}

IOStatus rocks_files::DeleteFile(const std::string &path, const IOOptions &options,
                                 IODebugContext *dbg)
{
    uint64_t number = 0;
    enum synced_kind kind = kind_of(path, &number);
    int why = kind == SYNCED_NOTHING ? 0 : synced_forget(synced_, kind, number);
    return why ? not_noted(why) : target()->DeleteFile(path, options, dbg);
}

void rocks_files::end_at(void *files, const char *path, uint64_t n_bytes)
{
    static_cast<rocks_files *>(files)->ends_[path] = n_bytes;
}

bool rocks_files::mend(bool cutting, struct err *err)
{
    bool none = false;
    if (!mend_is_new(dir_.c_str(), &none, err))
        return false;
    if (none && !cutting)
        return err_set(err, "%s/CURRENT: is missing", dir_.c_str());
    synced_ = synced_open(dir_.c_str(), none, err);
    if (!synced_ ||
        (!none && !mend_logs(dir_.c_str(), synced_, cutting ? nullptr : end_at, this, &cut, err)))
        return false;
    synced_set_loose(synced_, loose);
    return true;
}

/* What the system would not do is no damage. */
IOStatus rocks_files::refused_status() const
{
    std::string text = refused.text;
    bool system = text.find(": cannot ") != std::string::npos;
    return limits_told(system ? IOStatus::IOError(text) : IOStatus::Corruption(text));
}

IOStatus rocks_files::LockFile(const std::string &path, const IOOptions &options,
                               rocksdb::FileLock **lock, IODebugContext *dbg)
{
    IOStatus s = target()->LockFile(path, options, lock, dbg);
    if (!s.ok() || !careful || mend(true, &refused))
        return s;
    target()->UnlockFile(*lock, options, dbg).PermitUncheckedError();
    *lock = nullptr;
    return refused_status();
}
