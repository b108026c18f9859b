// The journal's housekeeping thread: everything that need not be done before an input is acknowledged.
//
//   - copies the write-ahead log back into the database before it grows long (checkpoint);
//   - writes snapshots, part by part;
//   - prunes: old snapshots, frames that are both covered by the oldest kept snapshot and older than the
//     retention, decisions older than theirs. A frame no snapshot covers is never pruned, nor the last frame.
//
// It has its own connection and takes turns with the writer, one short transaction at a time.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "daemon/journal/sqlite.hpp"
#include "daemon/journal/turn.hpp"
#include "daemon/journal/types.hpp"

namespace homeostat::journal {

class Keeper {
 public:
  /// What it did since the start, for Stats.
  struct Counts {
    std::atomic<std::uint64_t> checkpoints{0};
    std::atomic<std::uint64_t> snapshots{0};
    std::atomic<std::uint64_t> snapshots_skipped{0};
    std::atomic<std::uint64_t> newest_snapshot_seq{0};
    std::atomic<std::uint64_t> pruned_frames{0};
  };
  using FailureCallback = std::function<void(const Error& error, const char* doing)>;

  /// `db`: an own connection, set up for writing; `turn` must outlive the keeper.
  Keeper(const Settings& settings, Database db, Turn& turn, std::function<Instant()> now, FailureCallback on_failure);
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  void start();
  /// Writes the waiting snapshot, if any, and ends the thread.
  void stop();

  /// After each commit: how long the log is now. Thread-safe.
  void note_wal_pages(std::uint64_t pages);
  /// Never blocks: one snapshot waits; a newer one replaces it. Thread-safe.
  void put_snapshot(Snapshot snapshot);

  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] std::uint64_t wal_pages() const { return wal_pages_; }

 private:
  void run();
  [[nodiscard]] Result<> checkpoint();
  [[nodiscard]] Result<> write_snapshot(const Snapshot& snapshot);
  [[nodiscard]] Result<> remove_old_snapshots();
  [[nodiscard]] Result<> prune_frames();
  [[nodiscard]] Result<> prune_some_frames(std::uint64_t covered_seq, bool& more);
  [[nodiscard]] Result<> prune_decisions();
  [[nodiscard]] Result<> seal_frames_to_prune(std::uint64_t covered_seq, bool& any);
  [[nodiscard]] Result<> seal_decisions_to_prune(Instant cutoff, std::uint64_t& ledger_to, bool& any);
  /// A transaction while it is the keeper's turn.
  template <class Task>
  [[nodiscard]] Result<> write(Task&& task);

  const Settings settings_;
  Database db_;
  Turn& turn_;
  const std::function<Instant()> now_;
  const FailureCallback on_failure_;
  std::uint64_t restart_pages_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<Snapshot> waiting_;
  bool stopped_ = false;
  std::atomic<std::uint64_t> wal_pages_{0};
  std::atomic<std::uint64_t> checkpoint_at_pages_{0};
  Counts counts_;
  std::thread thread_;
};

}  // namespace homeostat::journal
