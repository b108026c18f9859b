// The words of the journal: what it keeps, how it is set up, what it reports.
//
// The journal stores opaque bytes. An input is known by its sequence number: 1, 2, 3, ... without
// gaps, for ever. Inputs are committed in frames (one row per group commit), each chained to the one
// before by SHA-256; decisions and snapshots are kept beside them in the same file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"

namespace homeostat::journal {

using Hash = std::array<unsigned char, 32>;  ///< SHA-256

/// The version of everything in the file, kept in SQLite's user_version. A file of a newer version is refused.
/// 2: readings carry authority, confidence and the guard's word; batches may carry details of their samples.
/// 3: readings carry their watermark; the state has watermarks, skew and what loops expect of their sensors; chain
/// segments say on what enough providers agree; batches may carry their source's cursor, and sources remember it.
/// 4: two more chains, of decisions and of what the journal did itself (ledger.hpp).
/// 5: decisions say of a decoupling why a parameter cannot follow, and what was given back.
inline constexpr std::int64_t kFormatVersion = 5;
/// The oldest that this program reads. The bytes have no schema of their own (docs/decisions/0005), so an older journal
/// is refused by its number rather than misread.
inline constexpr std::int64_t kFormatVersionMin = 5;
/// "HMST": marks the file as a journal of ours (SQLite's application_id).
inline constexpr std::int64_t kApplicationId = 0x484d5354;
inline constexpr const char* kFileName = "journal.db";
inline constexpr const char* kLockName = "journal.lock";
/// Newest snapshots kept. Two, so that a damaged newest one costs a longer replay, not the journal.
inline constexpr int kSnapshotsKept = 2;
/// Besides them the first one of each eighth of the retention stays, so that the frames kept can be
/// replayed from the oldest on: pruning moves the journal's beginning by an eighth at a time.
inline constexpr int kSnapshotSpans = 8;

struct Settings {
  std::filesystem::path directory;  ///< created (0750) when missing; holds journal.db, its -wal and -shm, journal.lock

  /// Frames younger than this stay even when a snapshot covers them (for audits and back-tests).
  Duration retention = Duration::days(30);
  /// Decision records younger than this stay.
  Duration decision_retention = Duration::days(365);

  /// Inputs accepted but not yet durable; beyond it append() refuses. 64 MB is about a second and a half of
  /// 40 MB/s, longer than a healthy disk ever stalls; doubling it doubles what memory a stall may take.
  std::size_t queue_max_bytes = std::size_t{64} << 20;
  /// Largest group commit, and so the largest single input. Larger frames amortise the flush better but make
  /// the first input of a frame wait for the last; beyond 4 MB nothing was gained here.
  std::size_t frame_max_bytes = std::size_t{4} << 20;
  /// Decision records waiting for a commit; beyond it put_decisions() waits for the disk.
  std::size_t decisions_max_bytes = std::size_t{64} << 20;
  /// The write-ahead log is copied back once it is this long, and starts over from its beginning. It can
  /// grow beyond while a reader or a backup holds an old view.
  std::size_t wal_restart_bytes = std::size_t{32} << 20;
  /// Quota of the database file, 0 for none. Reaching it is fatal like a full disk, but leaves the volume usable.
  std::uint64_t database_max_bytes = 0;
  /// Check the chain from the newest snapshot to the end while opening. A caller who read()s all of that
  /// anyway, as the daemon's recovery does, may switch it off: read() checks what it returns.
  bool verify_tail_at_open = true;
};

/// How far a long operation has come.
struct Progress {
  std::uint64_t done_seq = 0;
  std::uint64_t target_seq = 0;
};
using ProgressCallback = std::function<void(const Progress&)>;

/// What has reached the disk.
struct Durable {
  std::uint64_t seq = 0;             ///< every input up to and including this one
  std::uint64_t decision_batch = 0;  ///< every put_decisions() up to and including this ticket
};

struct Hooks {
  /// Wall clock for the age of frames; the system clock when empty. Called by several threads at once.
  std::function<Instant()> now;
  /// Called once, on the thread that met the failure, before anything later could be reported durable. The
  /// default prints one line to stderr and leaves by std::_Exit(kFatalExitCode): no destructor may act on a
  /// state that is not on disk. A replacement that returns leaves a journal that refuses everything.
  std::function<void(const Error&)> on_fatal;
};
inline constexpr int kFatalExitCode = 74;  ///< EX_IOERR

/// One decision as stored. The same id may be put again (after recovery, or when its answer arrives): the last one
/// holds.
struct DecisionRow {
  std::uint64_t id = 0;
  std::uint64_t seq = 0;  ///< of the input that caused it
  Instant at;
  std::string parameter;
  std::string outcome;      ///< its stable name
  bool adjustment = false;  ///< an adjustment was emitted under this id
  std::string bytes;

  bool operator==(const DecisionRow&) const = default;
};

/// Which decisions to list, newest first.
struct DecisionFilter {
  std::string parameter;  ///< empty: all
  bool only_adjustments = false;
  std::uint64_t before_id = 0;  ///< only ids below; 0: from the newest
  Instant since;                ///< stop at the first older one; never: no limit
  std::uint32_t limit = 100;    ///< at most kListMax
};
inline constexpr std::uint32_t kListMax = 10'000;

/// The engine's state after every input up to and including `seq`.
struct Snapshot {
  std::uint64_t seq = 0;
  Instant at;
  std::string policy_digest;
  std::string policy_text;
  std::string state;
  std::string decisions_hash;

  bool operator==(const Snapshot&) const = default;
};

struct VerifyReport {
  std::uint64_t first_seq = 0;  ///< 0 when there are no inputs
  std::uint64_t last_seq = 0;
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;
  std::uint64_t decisions = 0;
  std::vector<std::uint64_t> snapshots;
};

struct SalvageReport {
  std::uint64_t first_seq = 0;      ///< kept inputs; 0, 0 when none
  std::uint64_t last_seq = 0;       ///< the journal goes on after this one
  std::string damage;               ///< what was found first
  std::filesystem::path side_file;  ///< the damaged original, whole
  std::uint64_t snapshots_kept = 0;
  std::uint64_t decisions_kept = 0;
  std::uint64_t last_decision_id = 0;  ///< ids up to here may have been emitted: go on above it
  bool replayable = false;             ///< the kept inputs reach back to a kept snapshot or to the first input
};

struct Stats {
  std::uint64_t epoch = 0;
  std::uint64_t appended_seq = 0;
  std::uint64_t durable_seq = 0;
  std::uint64_t oldest_seq = 0;  ///< 0 when no frame is kept
  Instant oldest_at;
  std::uint64_t queued_records = 0;
  std::uint64_t queued_bytes = 0;
  std::uint64_t refused_total = 0;  ///< appends refused because the queue was full
  std::uint64_t decision_waits_total = 0;
  std::uint64_t commits_total = 0;
  std::uint64_t committed_bytes_total = 0;
  Duration commit_p50;  ///< of the last kLatencyWindow commits, flush included
  Duration commit_p99;
  Duration commit_max;
  std::uint64_t database_bytes = 0;
  std::uint64_t wal_bytes = 0;
  std::uint64_t checkpoints_total = 0;
  std::uint64_t snapshots_total = 0;
  std::uint64_t snapshots_skipped_total = 0;  ///< replaced by a newer one before they were written
  std::uint64_t newest_snapshot_seq = 0;
  std::uint64_t pruned_frames_total = 0;
};
inline constexpr std::size_t kLatencyWindow = 1024;

}  // namespace homeostat::journal
