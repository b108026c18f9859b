// What stands behind the source in the daemon: a bounded queue, a journal, the real oracle, snapshots; and the
// power switch. After every segment that the oracle takes in, what it reads is compared with the model chain.
//
// It does what daemon/app/source_runner and the pipeline do, in the same order: journal first, then apply; a
// refused segment sends the source back to where the oracle is.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "daemon/sources/evm_source.hpp"
#include "oracle/oracle.hpp"
#include "tests/simulation/plan.hpp"
#include "tests/simulation/trace.hpp"

namespace homeostat::simulation {

class DaemonSide {
 public:
  DaemonSide(Timeline& timeline, std::shared_ptr<sources::Wire> wire, const Plan& plan, const ModelChain& chain,
             Random& random, Trace& trace);
  ~DaemonSide();

  void start();
  /// The power goes: what was not journaled is lost. With `lose_journal` also a part of the journal is, as when
  /// an older backup is put back.
  void crash(bool lose_journal);
  [[nodiscard]] bool runs() const { return source_ != nullptr; }
  void save_snapshot();
  /// The policy changes to one that watches more; the source goes on as it was for a moment. Once; not before the chain
  /// is where the new contract began.
  void add_filter();
  /// The guardian accepts that the chain broke its promise, if it did.
  void clear_violation();

  [[nodiscard]] bool is_violated() const;
  /// What the oracle reads against the model, at its own head. Throws Violation.
  void check(bool with_distinct);
  /// That everything has been taken in: the oracle is at the model's head and its readings are usable.
  void check_complete();

  /// Set when the chain took back a final block: from then on the source may be called violated.
  bool promise_broken = false;

  [[nodiscard]] Instant wall() const;
  [[nodiscard]] std::uint64_t accepted() const { return accepted_; }
  [[nodiscard]] std::uint64_t starts() const { return starts_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }
  [[nodiscard]] std::string describe() const;

 private:
  struct Clear {
    Instant at;
  };
  struct Tick {
    Instant at;
  };
  struct PolicyChange {};
  using Entry = std::variant<oracle::ChainSegment, oracle::SourceReport, Tick, Clear, PolicyChange>;
  /// What the segments taken in so far promise, kept beside the oracle and never by it.
  struct Expected {
    bool begun = false;
    std::uint64_t linked_from = 0;  ///< the first block taken in
    std::uint64_t first = 0;        ///< and the first that counts
    std::uint64_t safe = 0;
    std::uint64_t finalized = 0;
    std::uint64_t settled = 0;              ///< blocks up to here are final
    std::vector<std::uint64_t> counted_to;  ///< by metric: blocks up to here count, first - 1 = none
    bool has_filter = false;                ///< the policy has changed
    std::uint64_t late_first = 0;           ///< the first block that the late filter's metrics count
    std::uint64_t past_to = 0;              ///< what the late filter has read of its past
    std::vector<bool> joined;               ///< by metric: a late one that has read its past
  };
  struct Session;  ///< one life of the process

  [[nodiscard]] sources::Sink sink_of(const std::shared_ptr<Session>& session);
  void make_source();
  [[nodiscard]] sources::Cursor cursor() const;
  [[nodiscard]] Expected nothing_expected() const;
  void note_joined();
  void inform();
  bool offer(const std::shared_ptr<Session>& session, oracle::ChainSegment& segment);
  void process_one();
  Result<> apply(const Entry& entry);
  void expect(const oracle::ChainSegment& segment);
  void refuse(const Error& why);
  [[nodiscard]] std::string saved() const;
  void check_links(std::size_t head) const;
  [[nodiscard]] oracle::SourceStatus status() const;

  Timeline& timeline_;
  std::shared_ptr<sources::Wire> wire_;
  const Plan& plan_;
  const ModelChain& chain_;
  Random& random_;
  Trace& trace_;
  std::unique_ptr<oracle::Oracle> oracle_;
  Expected expected_;
  std::string snapshot_;
  Expected snapshot_expected_;
  std::vector<Entry> journal_;  ///< since the snapshot
  std::deque<oracle::ChainSegment> queue_;
  std::shared_ptr<Session> session_;
  std::unique_ptr<sources::EvmSource> source_;
  std::uint64_t accepted_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t starts_ = 0;
};

}  // namespace homeostat::simulation
