// The journal: what an acknowledgement rests on. Inputs are durable before they are applied, in order,
// without gaps; after kill -9 or power loss everything reported durable is there, and nothing that was
// not appended.
//
//     auto opened = Journal::open({.directory = "/var/lib/homeostat"});
//     Journal& journal = **opened;
//     auto snapshot = journal.latest_snapshot();                     // recover: load it, then
//     journal.read(from_seq, [&](auto seq, auto bytes) { ...; return true; });
//     journal.on_durable([&](const Durable& durable) { ... });       // then go live
//     auto seq = journal.append(bytes);                              // resource_exhausted: shed
//
// Store: SQLite, WAL, synchronous=FULL, in one file (store.hpp). Threads: append, put_decisions,
// put_snapshot and everything const or reading may be called from any thread. A writer thread commits
// what is queued as one frame (group commit: the flush costs the same for one input as for thousands); a
// keeper thread does the rest (keeper.hpp).
//
// A failed write or flush is fatal and never retried: after a failed fsync the system may have dropped the
// data and a second fsync "succeeds". The process ends (Hooks::on_fatal) before anything later is reported
// durable; its supervisor starts it again, and recovery finds all that was acknowledged. A full disk ends it
// the same way, with a message that says what to do.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/result.hpp"
#include "daemon/journal/frame.hpp"
#include "daemon/journal/keeper.hpp"
#include "daemon/journal/lock_file.hpp"
#include "daemon/journal/queue.hpp"
#include "daemon/journal/reader.hpp"
#include "daemon/journal/store.hpp"
#include "daemon/journal/turn.hpp"
#include "daemon/journal/types.hpp"

namespace homeostat::journal {

class Journal {
 public:
  /// Creates or recovers the journal and starts its threads. `progress` reports the check of the tail.
  /// Errors: conflict (another process has it open; its pid), corrupt (which inputs, which file; see
  /// salvage()), unsupported (newer format), invalid_argument (settings), io, permission_denied.
  [[nodiscard]] static Result<std::unique_ptr<Journal>> open(Settings settings, Hooks hooks = {},
                                                             const ProgressCallback& progress = {});
  /// Commits what is queued, then closes.
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Queues an input; returns its sequence number, each one above the last. Never waits for the disk.
  /// Errors: resource_exhausted (queue full: shed or slow down), invalid_argument (longer than
  /// frame_max_bytes), unavailable (failed or closed).
  [[nodiscard]] Result<std::uint64_t> append(std::string_view input) { return queue_->append(input); }

  /// Called on the writer thread after each commit, in order; must not block, and not call wait_durable() or
  /// put_decisions(). Set it before the first append (CHECKed). An empty one ends the calls, at any time: after
  /// it was set none is running or comes.
  void on_durable(std::function<void(const Durable&)> callback);
  [[nodiscard]] std::uint64_t durable_seq() const { return queue_->durable_seq(); }
  /// Error unavailable when the journal failed or closed first.
  [[nodiscard]] Result<> wait_durable(std::uint64_t seq) { return queue_->wait_durable(seq); }

  /// Goes with the next commit; returns the batch's ticket, see Durable. Waits for the disk only when
  /// decisions_max_bytes are pending. A row put again replaces the old one. 0 once failed.
  std::uint64_t put_decisions(std::vector<DecisionRow> rows) { return queue_->put_decisions(std::move(rows)); }
  /// Written in the background; then what it makes superfluous is pruned. Its seq must be durable (CHECKed).
  void put_snapshot(Snapshot snapshot);

  /// How often this journal was opened for writing, this time included: a fencing token.
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
  /// Snapshots found damaged while opening, newest first; the journal works from an older one.
  [[nodiscard]] const std::vector<std::uint64_t>& damaged_snapshots() const { return damaged_snapshots_; }
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }
  [[nodiscard]] Stats stats() const;

  /// As in JournalReader. The decisions are read over one connection, in turn; the others open their own.
  [[nodiscard]] Result<std::optional<DecisionRow>> find_decision(std::uint64_t id) const;
  [[nodiscard]] Result<std::vector<DecisionRow>> list_decisions(const DecisionFilter& filter) const;
  [[nodiscard]] Result<> read(std::uint64_t from_seq, const InputCallback& callback,
                              const ProgressCallback& progress = {}) const;
  [[nodiscard]] Result<std::optional<Snapshot>> latest_snapshot() const;
  [[nodiscard]] Result<VerifyReport> verify(const ProgressCallback& progress = {}) const;
  [[nodiscard]] Result<> backup(const std::filesystem::path& destination, const ProgressCallback& progress = {}) const;

 private:
  Journal(Settings settings, Hooks hooks, LockFile lock);

  [[nodiscard]] Result<> start(const ProgressCallback& progress);
  [[nodiscard]] Result<> recover(const ProgressCallback& progress);
  void write_loop();
  [[nodiscard]] Result<> commit(const Group& group);
  void record_commit(const Group& group, Duration took);
  void fail_for_good(const Error& error, const std::string& doing);
  [[nodiscard]] std::string advice_for(const Error& error) const;

  const Settings settings_;
  const Hooks hooks_;
  const std::filesystem::path file_;
  LockFile lock_;

  // The writer thread's, once it runs.
  Database db_;
  Inserts inserts_;
  ChainHead head_;

  std::uint64_t epoch_ = 0;
  std::vector<std::uint64_t> damaged_snapshots_;
  std::unique_ptr<Queue> queue_;
  Turn turn_;
  std::unique_ptr<Keeper> keeper_;

  mutable std::mutex reader_mutex_;
  mutable std::optional<JournalReader> reader_;

  std::mutex callback_mutex_;
  std::function<void(const Durable&)> on_durable_;
  std::uint64_t first_seq_ = 0;  ///< that this opening will give

  mutable std::mutex stats_mutex_;
  std::uint64_t commits_ = 0;
  std::uint64_t committed_bytes_ = 0;
  std::array<std::int64_t, kLatencyWindow> commit_ns_{};

  std::thread writer_;
};

/// Repairs a journal that no longer opens: writes a new file with every input up to the first damaged
/// frame (or, when a good snapshot lies behind the damage, every input from that snapshot on), the good
/// snapshots that fit, and all readable decisions. The damaged original is kept whole under another name. Nothing
/// is changed when the journal verifies. Error conflict: a process has it open.
[[nodiscard]] Result<SalvageReport> salvage(const std::filesystem::path& directory);

}  // namespace homeostat::journal
