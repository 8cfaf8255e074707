/* rocks.cc -- the journal's door to RocksDB: opening, writing, reading.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/mend.h"
#include "journal/rocks_files.h"
#include "journal/rocks_options.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <poll.h>
#include <string>
#include <sys/stat.h>
#include <vector>

#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

struct rocks {
    std::string dir;
    std::shared_ptr<rocks_files> files;
    std::mutex log_lock; /* one write to the log at a time, unless loose */
    std::shared_ptr<rocks_watch> watch;
    std::unique_ptr<rocksdb::Env> env; /* on files; outlives db */
    std::unique_ptr<rocksdb::DB> db;
    std::vector<rocksdb::ColumnFamilyHandle *> spaces;
};
struct rocks_batch {
    struct rocks *r;
    rocksdb::WriteBatch ops;
};
struct rocks_iter {
    struct rocks *r;
    std::unique_ptr<rocksdb::SstFileReader> table; /* of rocks_iter_table; outlives it */
    std::unique_ptr<rocksdb::Iterator> it;
};

static rocksdb::Slice slice_of(struct str s)
{
    return rocksdb::Slice(s.p ? s.p : "", s.n);
}

/* Says what went wrong while doing what, and how it is to be taken. */
static enum rocks_trouble told(struct rocks *r, const char *doing, const rocksdb::Status &s,
                               struct err *err)
{
    enum rocks_trouble why = rocks_trouble_of(s);
    if (why != ROCKS_FINE)
        err_set(err, "%s: cannot %s: %s", r->dir.c_str(), doing, s.ToString().c_str());
    return why;
}

/* -- Opening */

/* A table that is missing is looked for under an old name last, and that is the one that RocksDB tells. */
static std::string what_stops(const std::string &dir, const rocksdb::Status &s)
{
    std::string text = s.ToString();
    size_t end = text.find(".ldb: No such file"), begin = text.rfind(dir + "/", end);
    if (end == std::string::npos || begin == std::string::npos)
        return dir + ": cannot open: " + text;
    return text.substr(begin, end - begin) + ".sst: is missing";
}

/* Refused in our words, or by RocksDB; both times with the way out. */
static struct rocks *open_refused(struct rocks *r, const rocksdb::Status &s,
                                  enum rocks_trouble *why, struct err *err)
{
    std::string text = r->files->refused.set ? r->files->refused.text : what_stops(r->dir, s);
    *why = rocks_trouble_of(s);
    if (*why == ROCKS_BUSY)
        err_set(err,
                "%s: the database is in use by another process: stop it, or choose another folder",
                r->dir.c_str());
    else if (*why == ROCKS_DAMAGED)
        err_set(err,
                "%s: restore a backup, or take what can be read with `signalbox journal salvage`",
                text.c_str());
    else
        err_set(err, "%s%s", text.c_str(), *why == ROCKS_FULL ? ": make room and start again" : "");
    delete r;
    return nullptr;
}

struct rocks *rocks_open(const char *dir, const struct rocks_options *o, uint64_t *cut,
                         enum rocks_trouble *why, struct err *err)
{
    struct rocks *r = new struct rocks;
    r->dir = dir;
    r->files = std::make_shared<rocks_files>(dir);
    r->files->careful = !o->salvage;
    r->files->loose = o->loose;
    r->env = rocksdb::NewCompositeEnv(r->files);
    rocksdb::DBOptions options = rocks_db_options(o);
    options.env = r->env.get();
    options.info_log = rocks_logger();
    r->watch = std::make_shared<rocks_watch>();
    options.listeners.push_back(r->watch);
    *cut = 0;
    *why = ROCKS_DAMAGED;
    if (o->create && mkdir(dir, 0700) != 0 && errno != EEXIST)
        return open_refused(r, rocksdb::Status::IOError("making the folder", strerror(errno)), why,
                            err);
    if (o->read_only && !o->salvage && !r->files->mend(false, &r->files->refused))
        return open_refused(r, r->files->refused_status(), why, err);
    rocksdb::DB *db = nullptr;
    rocksdb::Status s =
        o->read_only
            ? rocksdb::DB::OpenForReadOnly(options, dir, rocks_space_options(o), &r->spaces, &db)
            : rocksdb::DB::Open(options, dir, rocks_space_options(o), &r->spaces, &db);
    if (!s.ok())
        return open_refused(r, s, why, err);
    r->db.reset(db);
    *cut = r->files->cut;
    *why = ROCKS_FINE;
    return r;
}

void rocks_close(struct rocks *r)
{
    if (!r)
        return;
    for (rocksdb::ColumnFamilyHandle *space : r->spaces)
        r->db->DestroyColumnFamilyHandle(space);
    rocksdb::Status s = r->db->Close();
    if (!s.ok())
        log_warn("%s: closing: %s", r->dir.c_str(), s.ToString().c_str());
    delete r;
}

/* -- Writing */

struct rocks_batch *rocks_batch_new(struct rocks *r)
{
    return new rocks_batch{r, rocksdb::WriteBatch()};
}

void rocks_batch_free(struct rocks_batch *b)
{
    delete b;
}

void rocks_batch_clear(struct rocks_batch *b)
{
    b->ops.Clear();
}

void rocks_put(struct rocks_batch *b, enum rocks_space space, struct str key, struct str value)
{
    b->ops.Put(b->r->spaces[space], slice_of(key), slice_of(value));
}

void rocks_del(struct rocks_batch *b, enum rocks_space space, struct str key)
{
    b->ops.Delete(b->r->spaces[space], slice_of(key));
}

void rocks_del_range(struct rocks_batch *b, enum rocks_space space, struct str from, struct str to)
{
    b->ops.DeleteRange(b->r->spaces[space], slice_of(from), slice_of(to));
}

static rocksdb::Status sync_logs(struct rocks *r)
{
    rocksdb::Status s = r->files->failed();
    if (s.ok())
        s = r->db->FlushWAL(true);
    return s.ok() ? r->files->failed() : s;
}

/* Into a log, which never fails as RocksDB sees it (rocks_files.cc): what became of the record is asked of the log.
 *
 * What was logged before by another thread may not be synced yet. A power cut could then take a piece of it and leave this
 * record whole, and no start could tell that from damage (mend.c): so it is synced first. */
static rocksdb::Status write_logged(struct rocks *r, rocksdb::WriteBatch *ops)
{
    std::unique_lock<std::mutex> hold(r->log_lock, std::defer_lock);
    if (!r->files->loose)
        hold.lock();
    uint64_t n_lost = r->files->n_lost();
    rocksdb::Status s =
        r->files->settle(); /* nothing is logged behind a record that is not there yet */
    if (s.ok() && !r->files->loose && r->files->unsynced())
        s = sync_logs(r);
    if (s.ok())
        s = r->db->Write(rocksdb::WriteOptions(), ops);
    if (s.ok())
        s = r->files->settle();
    if (s.ok() && r->files->n_lost() != n_lost)
        s = rocksdb::Status::NoSpace("a log was ended before it could take a record");
    return s;
}

enum rocks_trouble rocks_write(struct rocks *r, struct rocks_batch *b, bool logged, struct err *err)
{
    rocksdb::WriteOptions unlogged;
    unlogged.disableWAL = true;
    rocksdb::Status s = r->files->failed();
    if (s.ok())
        s = logged ? write_logged(r, &b->ops) : r->db->Write(unlogged, &b->ops);
    return told(r, "write", s, err);
}

enum rocks_trouble rocks_sync(struct rocks *r, struct err *err)
{
    rocksdb::Status s = sync_logs(r);
    if (s.ok()) { /* all is on the disk, but not yet sure to be missed if it were not */
        enum rocks_trouble why = told(r, "sync", r->files->note(), err);
        return why == ROCKS_FULL ? ROCKS_FULL : why == ROCKS_FINE ? ROCKS_FINE : ROCKS_FAILED;
    }
    told(r, "sync", s, err);
    return ROCKS_FAILED; /* a full disk or not: what the system could not write may be gone */
}

/* Once it has gone on after an error, RocksDB 7.8 says yes to a flush that it has only begun: so it is watched here. */
enum rocks_trouble rocks_flush(struct rocks *r, enum rocks_space space, struct err *err)
{
    uint64_t n_errors = r->watch->n_errors, n_waiting = 0;
    rocksdb::Status s = r->db->Flush(rocksdb::FlushOptions(), r->spaces[space]);
    while (s.ok() &&
           r->db->GetIntProperty(r->spaces[space], rocksdb::DB::Properties::kNumImmutableMemTable,
                                 &n_waiting) &&
           n_waiting) {
        if (r->watch->n_errors != n_errors)
            s = r->watch->last();
        else
            poll(nullptr, 0, 1);
    }
    return told(r, "write memory out", s, err);
}

enum rocks_trouble rocks_resume(struct rocks *r, struct err *err)
{
    rocksdb::Status s = r->files->settle();
    if (s.ok())
        s = r->db->Resume();
    if (s.IsBusy()) { /* RocksDB is at it itself */
        err_set(err, "%s: the disk was full, and what was put off is not done yet", r->dir.c_str());
        return ROCKS_FULL;
    }
    return told(r, "go on", s, err);
}

enum rocks_trouble rocks_drop_files(struct rocks *r, enum rocks_space space, struct str from,
                                    struct str to, struct err *err)
{
    rocksdb::Slice first = slice_of(from), behind = slice_of(to);
    return told(r, "delete files",
                rocksdb::DeleteFilesInRange(r->db.get(), r->spaces[space], &first, &behind, false),
                err);
}

/* -- Reading */

bool rocks_get(struct rocks *r, enum rocks_space space, const struct str *keys, size_t n,
               struct str *values, struct arena *arena, struct err *err)
{
    std::vector<rocksdb::Slice> wanted(n);
    std::vector<rocksdb::PinnableSlice> found(n);
    std::vector<rocksdb::Status> said(n);
    for (size_t i = 0; i < n; i++)
        wanted[i] = slice_of(keys[i]);
    r->db->MultiGet(rocksdb::ReadOptions(), r->spaces[space], n, wanted.data(), found.data(),
                    said.data());
    for (size_t i = 0; i < n; i++) {
        values[i] = (struct str){nullptr, 0};
        if (said[i].ok())
            values[i] = arena_str(arena, (struct str){found[i].data(), found[i].size()});
        else if (!said[i].IsNotFound() && told(r, "read", said[i], err) != ROCKS_FINE)
            return false;
    }
    return true;
}

struct rocks_iter *rocks_iter_new(struct rocks *r, enum rocks_space space)
{
    rocksdb::ReadOptions options;
    options.fill_cache = false; /* a walk would push out what is read by key */
    return new rocks_iter{
        r, nullptr,
        std::unique_ptr<rocksdb::Iterator>(r->db->NewIterator(options, r->spaces[space]))};
}

struct rocks_iter *rocks_iter_table(struct rocks *r, enum rocks_space space, size_t n)
{
    std::vector<rocksdb::LiveFileMetaData> files;
    r->db->GetLiveFilesMetaData(&files);
    for (const rocksdb::LiveFileMetaData &file : files) {
        if (file.column_family_name != r->spaces[space]->GetName() || n-- != 0)
            continue;
        auto table = std::make_unique<rocksdb::SstFileReader>(rocksdb::Options());
        rocksdb::Status s = table->Open(file.db_path + file.name);
        std::unique_ptr<rocksdb::Iterator> it(s.ok() ? table->NewIterator(rocksdb::ReadOptions())
                                                     : rocksdb::NewErrorIterator(s));
        return new rocks_iter{r, std::move(table), std::move(it)};
    }
    return nullptr;
}

void rocks_iter_free(struct rocks_iter *i)
{
    delete i;
}

static bool stands(struct rocks_iter *i, struct err *err)
{
    if (i->it->Valid())
        return true;
    told(i->r, "read", i->it->status(), err);
    return false;
}

bool rocks_seek(struct rocks_iter *i, struct str key, struct err *err)
{
    i->it->Seek(slice_of(key));
    return stands(i, err);
}

bool rocks_seek_back(struct rocks_iter *i, struct str key, struct err *err)
{
    i->it->SeekForPrev(slice_of(key));
    return stands(i, err);
}

bool rocks_next(struct rocks_iter *i, struct err *err)
{
    i->it->Next();
    return stands(i, err);
}

struct str rocks_key(const struct rocks_iter *i)
{
    return (struct str){i->it->key().data(), i->it->key().size()};
}

struct str rocks_value(const struct rocks_iter *i)
{
    return (struct str){i->it->value().data(), i->it->value().size()};
}

/* -- The whole */

uint64_t rocks_bytes(struct rocks *r, enum rocks_space space)
{
    uint64_t n = 0;
    r->db->GetIntProperty(r->spaces[space], rocksdb::DB::Properties::kLiveSstFilesSize, &n);
    return n;
}

uint64_t rocks_range_bytes(struct rocks *r, enum rocks_space space, struct str from, struct str to)
{
    uint64_t n = 0;
    rocksdb::Range range(slice_of(from), slice_of(to));
    rocksdb::SizeApproximationOptions files;
    return r->db->GetApproximateSizes(files, r->spaces[space], &range, 1, &n).ok() ? n : 0;
}

bool rocks_verify(struct rocks *r, rocks_found_fn *found, void *ctx)
{
    std::vector<rocksdb::LiveFileMetaData> files;
    bool good = true;
    r->db->GetLiveFilesMetaData(&files);
    for (const rocksdb::LiveFileMetaData &file :
         files) { /* each by itself: the first damage is not the last */
        rocksdb::SstFileReader reader{rocksdb::Options()};
        rocksdb::Status s = reader.Open(file.db_path + file.name);
        if (s.ok())
            s = reader.VerifyChecksum();
        if (!s.ok())
            found(ctx, (file.db_path + file.name + ": " + s.ToString()).c_str());
        good &= s.ok();
    }
    return good;
}

bool rocks_copy(struct rocks *r, const char *dir, enum rocks_trouble *why, struct err *err)
{
    rocksdb::Checkpoint *maker = nullptr;
    rocksdb::Status s = rocksdb::Checkpoint::Create(r->db.get(), &maker);
    std::unique_ptr<rocksdb::Checkpoint> owner(maker);
    if (s.ok())
        s = maker->CreateCheckpoint(dir,
                                    UINT64_MAX); /* copies the logs instead of writing memory out */
    *why = told(r, "copy", s, err);
    if (*why == ROCKS_FINE && !mend_copy(dir, err))
        *why = ROCKS_FAILED;
    return *why == ROCKS_FINE;
}

bool rocks_repair(const char *dir, struct err *err)
{
    struct rocks_options o = {};
    rocksdb::DBOptions options = rocks_db_options(&o);
    options.info_log = rocks_logger();
    rocksdb::Status s = rocksdb::RepairDB(dir, options, rocks_space_options(&o));
    return s.ok() || err_set(err, "%s: cannot repair: %s", dir, s.ToString().c_str());
}
