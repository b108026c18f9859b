#include "daemon/journal/connection.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace homeostat::journal {

Result<Database> open_for_writing(const std::filesystem::path& file, std::uint64_t max_bytes) {
  Result<Database> db = Database::open(file, Database::Mode::create);
  if (!db) return db;
  JOURNAL_TRY(db->execute(fmt::format("PRAGMA page_size={}", kPageBytes).c_str()));
  const Result<std::string> mode = db->query_text("PRAGMA journal_mode=WAL");
  if (!mode) return tl::make_unexpected(mode.error());
  if (*mode != "wal") {
    return fail(ErrorCode::unsupported, file.string(),
                fmt::format("the file system cannot hold a write-ahead log (mode '{}'): use a local one, not a network "
                            "share",
                            *mode));
  }
  // A negative cache_size is in KB: room for a whole frame, so that it is written once, at the commit.
  JOURNAL_TRY(db->execute("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-16384"));
  if (max_bytes != 0) {
    const Result<std::int64_t> page = db->query_integer("PRAGMA page_size");
    if (!page) return tl::make_unexpected(page.error());
    const std::uint64_t pages = std::max<std::uint64_t>(max_bytes / static_cast<std::uint64_t>(*page), 1);
    JOURNAL_TRY(db->execute(fmt::format("PRAGMA max_page_count={}", pages).c_str()));
  }
  return db;
}

// A file in a directory that we may not write has no -shm file unless a daemon runs. When there is no log
// either, nothing can change and SQLite may read the file as it is.
Result<Database> open_for_reading(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    return fail(ErrorCode::missing, file.string(), "there is no journal here");
  }
  Result<Database> db = Database::open(file, Database::Mode::read);
  if (!db) return db;
  const Result<std::int64_t> probe = db->query_integer("SELECT count(*) FROM sqlite_schema");
  if (probe) return db;
  const std::filesystem::path log = file.string() + "-wal";
  const bool has_log = std::filesystem::exists(log, ignored) && std::filesystem::file_size(log, ignored) > 0;
  const ErrorCode code = probe.error().code;
  if ((code != ErrorCode::unavailable && code != ErrorCode::permission_denied) || has_log) {
    return tl::make_unexpected(probe.error());
  }
  return Database::open(file, Database::Mode::immutable);
}

}  // namespace homeostat::journal
