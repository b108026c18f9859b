#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "daemon/journal/connection.hpp"
#include "daemon/journal/journal.hpp"
#include "daemon/journal/ledger.hpp"

namespace homeostat::journal {
namespace {

// Decisions copied in one transaction.
constexpr std::uint32_t kDecisionRows = 4096;

struct Copied {
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::optional<Error> damage;  ///< what ended the copy early
};

// Copies frames from the one that holds `from_seq` on, up to the first damaged one. Only an error of the
// target is an Error.
Result<Copied> copy_frames(Database& source, Database& target, std::uint64_t from_seq) {
  Result<Inserts> inserts = Inserts::prepare(target);
  if (!inserts) return tl::make_unexpected(inserts.error());
  Copied copied;
  Result<> written;
  JOURNAL_TRY(target.transaction("BEGIN IMMEDIATE", [&]() -> Result<> {
    const Result<> scanned = scan_frames(source, from_seq, [&](const Frame& frame) {
      if (copied.last_seq == 0) {
        copied.first_seq = frame.first_seq;
        written = write_base(target, ChainHead{frame.first_seq - 1, frame.prev_hash});
      }
      if (written) written = inserts->frame(frame);
      copied.last_seq = frame.last_seq;
      return written.has_value();
    });
    if (!scanned) copied.damage = scanned.error();
    return written;
  }));
  return copied;
}

Result<> copy_snapshots(const std::vector<Snapshot>& snapshots, Database& target) {
  Result<Inserts> inserts = Inserts::prepare(target);
  if (!inserts) return tl::make_unexpected(inserts.error());
  return target.transaction("BEGIN IMMEDIATE", [&]() -> Result<> {
    for (const Snapshot& snapshot : snapshots) {
      const std::string_view state = snapshot.state;
      std::int64_t part = 0;
      for (std::size_t at = 0; at < state.size(); at += kSnapshotPartBytes, ++part) {
        JOURNAL_TRY(inserts->snapshot_part(snapshot.seq, part, state.substr(at, kSnapshotPartBytes)));
      }
      JOURNAL_TRY(inserts->snapshot(snapshot));
      JOURNAL_TRY(append_seal(target,
                              {.has_snapshot = true,
                               .snapshot_seq = snapshot.seq,
                               .snapshot_hash = hash_of(snapshot),
                               .policy_digest = snapshot.policy_digest,
                               .policy_fingerprint = fingerprint_of(snapshot.policy_text)},
                              snapshot.at));
    }
    return {};
  });
}

// All decisions that can be read, oldest first.
Result<> copy_decisions(Database& source, Database& target, SalvageReport& report) {
  Result<Inserts> inserts = Inserts::prepare(target);
  if (!inserts) return tl::make_unexpected(inserts.error());
  DecisionFilter filter{.limit = kDecisionRows};
  for (;;) {
    const Result<std::vector<DecisionRow>> rows = list_decisions(source, filter);
    if (!rows || rows->empty()) return {};  // unreadable ones are lost: replay makes them again
    JOURNAL_TRY(target.transaction("BEGIN IMMEDIATE", [&]() -> Result<> {
      for (const DecisionRow& row : *rows) JOURNAL_TRY(inserts->decision(row));
      return append_ledger(target, *rows, {}, rows->front().at);
    }));
    report.decisions_kept += rows->size();
    report.last_decision_id = std::max(report.last_decision_id, rows->front().id);
    filter.before_id = rows->back().id;
  }
}

std::vector<Snapshot> good_snapshots(Database& source) {
  std::vector<Snapshot> snapshots;
  const Result<std::vector<std::uint64_t>> seqs = snapshot_seqs(source);
  if (!seqs) return snapshots;
  for (const std::uint64_t seq : *seqs) {
    if (Result<Snapshot> snapshot = read_snapshot(source, seq)) snapshots.push_back(std::move(*snapshot));
  }
  return snapshots;
}

void remove_with_log(const std::filesystem::path& file) {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(file.string() + suffix, ignored);
}

// A fresh journal in `file` with what can be kept of `source`.
Result<SalvageReport> rebuild(Database& source, const std::filesystem::path& file) {
  const std::vector<Snapshot> snapshots = good_snapshots(source);
  const std::uint64_t newest = snapshots.empty() ? 0 : snapshots.back().seq;
  const Result<ChainHead> old_base = read_base(source);
  Database target;
  Copied copied;
  SalvageReport report;
  // First everything from the oldest on; when damage stops that before the newest good snapshot, what counts is
  // what follows that snapshot: it stands for all before it.
  for (const std::uint64_t from : {old_base ? old_base->seq + 1 : 1, newest + 1}) {
    target.close();
    remove_with_log(file);
    Result<Database> opened = open_for_writing(file, 0);
    if (!opened) return tl::make_unexpected(opened.error());
    target = std::move(*opened);
    JOURNAL_TRY(create_schema(target, Instant{}));
    Result<Copied> attempt = copy_frames(source, target, from);
    if (!attempt) return tl::make_unexpected(attempt.error());
    copied = std::move(*attempt);
    if (copied.damage && report.damage.empty()) report.damage = copied.damage->text();
    if (copied.last_seq >= newest) break;
  }
  if (copied.last_seq < newest) {  // nothing behind the newest snapshot is whole: the journal goes on from it
    JOURNAL_TRY(target.execute("DELETE FROM frames"));
    JOURNAL_TRY(write_base(target, ChainHead{newest, hash_of(snapshots.back())}));
    copied = Copied{.last_seq = newest};
  }
  std::vector<Snapshot> kept;
  for (const Snapshot& snapshot : snapshots) {
    const bool covers = copied.first_seq == 0 ? snapshot.seq == newest : snapshot.seq + 1 >= copied.first_seq;
    if (covers) kept.push_back(snapshot);
  }
  const Result<ChainHead> base = read_base(target);
  if (!base) return tl::make_unexpected(base.error());
  // The old chains end in the damaged original, which is kept: these begin anew and say why.
  const Result<std::int64_t> epoch = source.query_integer("SELECT value FROM meta WHERE key = 'epoch'");
  JOURNAL_TRY(append_seal(target,
                          {.opened_epoch = epoch ? static_cast<std::uint64_t>(*epoch) : 0,
                           .note = "salvaged: " + report.damage,
                           .inputs_removed_to = base->seq},
                          Instant{}));
  JOURNAL_TRY(copy_snapshots(kept, target));
  JOURNAL_TRY(copy_decisions(source, target, report));
  JOURNAL_TRY(
      target.execute(fmt::format("UPDATE meta SET value = {} WHERE key = 'epoch'", epoch ? *epoch : 0).c_str()));
  JOURNAL_TRY(target.execute("PRAGMA wal_checkpoint(TRUNCATE)"));
  report.first_seq = copied.first_seq;
  report.last_seq = copied.last_seq;
  report.snapshots_kept = kept.size();
  report.replayable = !kept.empty() || copied.first_seq <= 1;
  return report;
}

// The first free name among journal.db.damaged-1, -2, ...
std::filesystem::path side_file_of(const std::filesystem::path& file) {
  std::error_code ignored;
  for (int n = 1;; ++n) {
    const std::filesystem::path side = fmt::format("{}.damaged-{}", file.string(), n);
    if (!std::filesystem::exists(side, ignored)) return side;
  }
}

}  // namespace

Result<SalvageReport> salvage(const std::filesystem::path& directory) {
  const std::filesystem::path file = directory / kFileName;
  const Result<LockFile> lock = LockFile::take(directory / kLockName);
  if (!lock) return tl::make_unexpected(lock.error());
  const std::filesystem::path rebuilt = file.string() + ".rebuilt";
  SalvageReport report;
  {
    Result<Database> source = Database::open(file, Database::Mode::write);
    if (!source) return tl::make_unexpected(source.error());
    // Into the file with what the log holds, so that the side file is the whole original.
    JOURNAL_TRY(source->execute("PRAGMA wal_checkpoint(TRUNCATE)"));
    JOURNAL_TRY(check_schema(*source));
    Result<SalvageReport> done = rebuild(*source, rebuilt);
    if (!done) {
      remove_with_log(rebuilt);
      return done;
    }
    report = std::move(*done);
  }
  report.side_file = side_file_of(file);
  std::error_code failed;
  std::filesystem::rename(file, report.side_file, failed);
  if (!failed) std::filesystem::rename(rebuilt, file, failed);
  if (failed) return fail(ErrorCode::io, file.string(), "cannot put the rebuilt journal in place: " + failed.message());
  return report;
}

}  // namespace homeostat::journal
