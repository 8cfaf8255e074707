/* rocks_log.cc -- what RocksDB says, in our words: its log lines, and its statuses as what somebody can do about them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "journal/rocks_files.h"

#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <string>

namespace
{

class line_logger : public rocksdb::Logger
{
  public:
    line_logger() : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}
    using rocksdb::Logger::Logv;
    void Logv(const char *format, va_list args) override
    {
        Logv(rocksdb::InfoLogLevel::DEBUG_LEVEL, format, args);
    }
    void Logv(const rocksdb::InfoLogLevel level, const char *format, va_list args) override
    {
        char text[700];
        if (level < GetInfoLogLevel() || level == rocksdb::InfoLogLevel::HEADER_LEVEL)
            return;
        int n = vsnprintf(text, sizeof(text), format, args);
        while (n > 0 && (size_t)n < sizeof(text) && text[n - 1] == '\n')
            text[--n] = 0;
        /* An error of its own is told by whoever made the call; here it is background. */
        log_line(level >= rocksdb::InfoLogLevel::WARN_LEVEL ? LOG_WARN : LOG_DEBUG, "rocksdb: %s",
                 text);
    }
};

bool says(const std::string &text, int number)
{
    return text.find(strerror(number)) != std::string::npos;
}

} // namespace

std::shared_ptr<rocksdb::Logger> rocks_logger()
{
    return std::make_shared<line_logger>();
}

enum rocks_trouble rocks_trouble_of(const rocksdb::Status &s)
{
    if (s.ok())
        return ROCKS_FINE;
    std::string text = s.ToString();
    if (s.IsNoSpace() || s.subcode() == rocksdb::Status::kSpaceLimit || says(text, EDQUOT) ||
        says(text, EFBIG))
        return ROCKS_FULL;
    if (s.IsBusy() || text.find("/LOCK") != std::string::npos)
        return says(text, EACCES) || says(text, EROFS) ? ROCKS_FAILED : ROCKS_BUSY;
    if (s.IsCorruption() || s.IsPathNotFound() || s.IsNotFound() || s.IsInvalidArgument() ||
        s.IsNotSupported() || says(text, ENOENT))
        return ROCKS_DAMAGED;
    return ROCKS_FAILED;
}
