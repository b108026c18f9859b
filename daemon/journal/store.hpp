// The file's layout and the queries over it that the writer and the readers share.
//
//     frames           one row per group commit, chained (frame.hpp)
//     decisions        one row per decision, the last put holds
//     snapshots        one row per complete snapshot, its state in snapshot_parts
//     meta             epoch, created_ns, and the base: what retention has cut off
//     ledger, seals    the chains of everything but the inputs (ledger.hpp)
//
// The base (base_seq, base_hash) is the chain's head before the oldest kept frame, so that a missing
// first frame is noticed like any other. Readable with the sqlite3 command.
#pragma once

#include <functional>
#include <optional>

#include "core/result.hpp"
#include "daemon/journal/frame.hpp"
#include "daemon/journal/sqlite.hpp"
#include "daemon/journal/types.hpp"

namespace homeostat::journal {

/// Snapshot state is stored in parts of this size, one short transaction each, so that a large snapshot
/// delays a commit by one part (some milliseconds), not by its whole length.
inline constexpr std::size_t kSnapshotPartBytes = std::size_t{1} << 20;

/// The database file of a journal given as its directory or as the file itself.
[[nodiscard]] std::filesystem::path database_file(const std::filesystem::path& directory_or_file);

/// Creates the tables in an empty file; in a file with content does nothing.
[[nodiscard]] Result<> create_schema(Database& db, Instant now);
/// Error: corrupt (not a journal), unsupported (of a newer format).
[[nodiscard]] Result<> check_schema(Database& db);

[[nodiscard]] Result<ChainHead> read_base(Database& db);
[[nodiscard]] Result<> write_base(Database& db, const ChainHead& base);
/// After the last frame; the base when there is none.
[[nodiscard]] Result<ChainHead> read_head(Database& db);

/// Gives every frame from the one that holds `from_seq` on, each checked against the chain; false stops.
/// Sees what is committed meanwhile; holds no read transaction longer than kScanBytes of frames.
/// Errors: out_of_range (from_seq was pruned), corrupt (first bad frame), io.
[[nodiscard]] Result<> scan_frames(Database& db, std::uint64_t from_seq,
                                   const std::function<bool(const Frame&)>& visit);

/// The newest snapshot whose hash is right; damaged newer ones are added to `damaged`.
[[nodiscard]] Result<std::optional<Snapshot>> newest_good_snapshot(Database& db, std::vector<std::uint64_t>* damaged);
/// Complete snapshots, ascending.
[[nodiscard]] Result<std::vector<std::uint64_t>> snapshot_seqs(Database& db);
/// Error: missing, corrupt.
[[nodiscard]] Result<Snapshot> read_snapshot(Database& db, std::uint64_t seq);

/// The statements that made the file's tables and indexes, sorted; and those that it must be made of.
[[nodiscard]] Result<std::vector<std::string>> schema_of(Database& db);
[[nodiscard]] std::vector<std::string> expected_schema();

[[nodiscard]] Result<std::optional<DecisionRow>> find_decision(Database& db, std::uint64_t id);
[[nodiscard]] Result<std::vector<DecisionRow>> list_decisions(Database& db, const DecisionFilter& filter);

/// The INSERTs, prepared once.
class Inserts {
 public:
  [[nodiscard]] static Result<Inserts> prepare(Database& db);
  [[nodiscard]] Result<> frame(const Frame& frame);
  [[nodiscard]] Result<> decision(const DecisionRow& row);
  [[nodiscard]] Result<> snapshot_part(std::uint64_t seq, std::int64_t part, std::string_view bytes);
  /// The row that makes the parts count.
  [[nodiscard]] Result<> snapshot(const Snapshot& snapshot);

 private:
  Statement frame_;
  Statement decision_;
  Statement part_;
  Statement snapshot_;
};

}  // namespace homeostat::journal
