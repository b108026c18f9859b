#include "daemon/journal/reader.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "daemon/journal/connection.hpp"
#include "daemon/journal/frame.hpp"
#include "daemon/journal/store.hpp"

namespace homeostat::journal {
namespace {

// Each needs another pruning in the moment between two reads; one is already rare.
constexpr int kVerifyAttemptsMax = 5;

// Pages copied before the backup reports progress.
constexpr int kBackupPages = 256;

Result<> sync_path(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  const int system = errno;
  if (fd >= 0) ::close(fd);
  if (synced) return {};
  return fail(ErrorCode::io, path.string(), fmt::format("cannot flush: {}", std::strerror(system)));
}

// Copies page by page inside the source's own read transaction: commits of the writer then neither change
// nor restart the copy.
Result<> copy_pages(Database& source, Database& target, const ProgressCallback& progress) {
  sqlite3_backup* backup = sqlite3_backup_init(target.handle(), "main", source.handle(), "main");
  if (backup == nullptr) return tl::make_unexpected(error_of(target.handle(), sqlite3_errcode(target.handle())));
  int code = SQLITE_OK;
  while (code == SQLITE_OK) {
    code = sqlite3_backup_step(backup, kBackupPages);
    const auto total = static_cast<std::uint64_t>(sqlite3_backup_pagecount(backup));
    if (progress) progress({total - static_cast<std::uint64_t>(sqlite3_backup_remaining(backup)), total});
  }
  sqlite3_backup_finish(backup);
  if (code == SQLITE_DONE) return {};
  return tl::make_unexpected(error_of(target.handle(), code));
}

}  // namespace

Result<JournalReader> JournalReader::open(const std::filesystem::path& directory_or_file) {
  JournalReader reader;
  reader.file_ = database_file(directory_or_file);
  Result<Database> db = open_for_reading(reader.file_);
  if (!db) return tl::make_unexpected(db.error());
  reader.db_ = std::move(*db);
  if (Result<> schema = check_schema(reader.db_); !schema) {
    return fail(schema.error().code, reader.file_.string(), schema.error().text());
  }
  return reader;
}

Result<std::optional<Frame>> JournalReader::oldest_frame() {
  Result<Statement> select = db_.prepare("SELECT first_seq, last_seq, at_ns FROM frames ORDER BY first_seq LIMIT 1");
  if (!select) return tl::make_unexpected(select.error());
  const Result<bool> row = select->step();
  if (!row) return tl::make_unexpected(row.error());
  if (!*row) return std::optional<Frame>();
  return Frame{.first_seq = select->natural(0), .last_seq = select->natural(1), .at = Instant{select->integer(2)}};
}

Result<std::uint64_t> JournalReader::last_seq() {
  return read_head(db_).map([](const ChainHead& head) { return head.seq; });
}

Result<std::uint64_t> JournalReader::epoch() {
  return db_.query_integer("SELECT value FROM meta WHERE key = 'epoch'").map([](std::int64_t x) {
    return static_cast<std::uint64_t>(x);
  });
}

Result<> JournalReader::read(std::uint64_t from_seq, const InputCallback& callback, const ProgressCallback& progress) {
  const Result<std::uint64_t> target = last_seq();
  if (!target) return tl::make_unexpected(target.error());
  return scan_frames(db_, from_seq, [&](const Frame& frame) {
    std::string_view rest = frame.bytes;
    std::string_view input;
    for (std::uint64_t seq = frame.first_seq; take_input(rest, input); ++seq) {
      if (seq >= from_seq && !callback(seq, input)) return false;
    }
    if (progress) progress({frame.last_seq, std::max(*target, frame.last_seq)});
    return true;
  });
}

Result<std::optional<Snapshot>> JournalReader::latest_snapshot(std::vector<std::uint64_t>* damaged) {
  Result<std::optional<Snapshot>> snapshot = std::optional<Snapshot>();
  JOURNAL_TRY(db_.transaction("BEGIN", [&]() -> Result<> {
    snapshot = newest_good_snapshot(db_, damaged);
    if (!snapshot) return tl::make_unexpected(snapshot.error());
    return {};
  }));
  return snapshot;
}

Result<std::optional<DecisionRow>> JournalReader::find_decision(std::uint64_t id) {
  return journal::find_decision(db_, id);
}

Result<std::vector<DecisionRow>> JournalReader::list_decisions(const DecisionFilter& filter) {
  return journal::list_decisions(db_, filter);
}

Result<VerifyReport> JournalReader::verify(const ProgressCallback& progress) {
  const auto here = [&](const Error& error) { return fail(error.code, file_.string(), error.text()); };
  const Result<std::string> structure = db_.query_text("PRAGMA quick_check(1)");
  if (!structure) return tl::make_unexpected(structure.error());
  if (*structure != "ok") return fail(ErrorCode::corrupt, file_.string(), *structure);
  // Listed before the chain is walked: a live writer may add snapshots beyond where the walk ends.
  const Result<std::vector<std::uint64_t>> seqs = snapshot_seqs(db_);
  if (!seqs) return here(seqs.error());
  const Result<std::uint64_t> target = last_seq();
  if (!target) return here(target.error());
  VerifyReport report;
  Result<ChainHead> base;
  Result<> chain;
  // A live keeper may prune the oldest frames between reading where the chain begins and walking it: begin again.
  for (int attempt = 0; attempt < kVerifyAttemptsMax; ++attempt) {
    base = read_base(db_);
    if (!base) return here(base.error());
    report = {};
    chain = scan_frames(db_, base->seq + 1, [&](const Frame& frame) {
      if (report.frames == 0) report.first_seq = frame.first_seq;
      report.last_seq = frame.last_seq;
      ++report.frames;
      report.bytes += frame.bytes.size();
      if (progress) progress({frame.last_seq, std::max(*target, frame.last_seq)});
      return true;
    });
    if (chain || chain.error().code != ErrorCode::out_of_range) break;
  }
  if (!chain) return here(chain.error());
  for (const std::uint64_t seq : *seqs) {
    Result<Snapshot> snapshot;
    JOURNAL_TRY(db_.transaction("BEGIN", [&]() -> Result<> {
      snapshot = read_snapshot(db_, seq);
      return {};
    }));
    if (!snapshot && snapshot.error().code == ErrorCode::missing) continue;  // replaced by newer ones meanwhile
    if (!snapshot) return here(snapshot.error());
    if (seq > std::max(report.last_seq, base->seq)) {
      return fail(ErrorCode::corrupt, file_.string(),
                  fmt::format("snapshot {} is beyond the last input {}: the tail is missing", seq, report.last_seq));
    }
    report.snapshots.push_back(seq);
  }
  const Result<std::int64_t> decisions = db_.query_integer("SELECT count(*) FROM decisions");
  if (!decisions) return here(decisions.error());
  report.decisions = static_cast<std::uint64_t>(*decisions);
  return report;
}

Result<> JournalReader::backup(const std::filesystem::path& destination, const ProgressCallback& progress) {
  std::error_code ignored;
  if (std::filesystem::exists(destination, ignored)) {
    return fail(ErrorCode::conflict, destination.string(), "exists already; a backup never overwrites");
  }
  // Under another name until it is whole: a file with the given name is always a complete backup.
  const std::filesystem::path partial = destination.string() + ".partial";
  std::filesystem::remove(partial, ignored);
  Result<> copied = [&]() -> Result<> {
    Result<Database> target = Database::open(partial, Database::Mode::create);
    if (!target) return tl::make_unexpected(target.error());
    return db_.transaction("BEGIN", [&]() -> Result<> {
      const Result<ChainHead> opens_the_snapshot = read_head(db_);
      if (!opens_the_snapshot) return tl::make_unexpected(opens_the_snapshot.error());
      return copy_pages(db_, *target, progress);
    });
  }();
  if (copied) copied = sync_path(partial);
  if (!copied) {
    std::filesystem::remove(partial, ignored);
    return copied;
  }
  std::error_code renamed;
  std::filesystem::rename(partial, destination, renamed);
  if (renamed) return fail(ErrorCode::io, destination.string(), "cannot rename the backup: " + renamed.message());
  return sync_path(std::filesystem::absolute(destination).parent_path());
}

}  // namespace homeostat::journal
