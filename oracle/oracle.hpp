// The oracle: observations in, readings with a quality out. Pure and deterministic; time arrives as
// arguments. It refuses in the order of oracle::Refusal, counts every refusal, and never lets a bad
// value through or a good one be lost without a verdict.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/archive.hpp"
#include "core/result.hpp"
#include "oracle/observation.hpp"
#include "oracle/reading.hpp"
#include "oracle/settings.hpp"
#include "oracle/watermark.hpp"

namespace homeostat::oracle {

/// How far back duplicates of a source's sequence can be told apart, in samples.
inline constexpr std::uint64_t kSequenceWindow = 4096;

/// Per source, for operators: counters and the newest facts. See engine::SourceView for the units.
struct SourceStatus {
  std::string name;
  SourceCondition condition = SourceCondition::connected;
  std::string detail;
  Instant condition_since;
  std::uint64_t accepted = 0;
  std::array<std::uint64_t, kRefusalCount> refused{};
  Instant newest;     ///< newest accepted source time
  Instant watermark;  ///< event time up to which everything it feeds is complete
  bool idle = true;
  Duration skew;        ///< median of its clock less ours over the newest batches: above 0 = it is ahead
  Duration skew_ahead;  ///< the farthest ahead of nine in ten of them
  Duration skew_behind;
  bool skewed = false;
  std::uint64_t late_accepted = 0;
  std::uint64_t block = 0;
  Hash32 block_hash{};
  std::uint64_t finalized = 0;  ///< as the chain's nodes say, 0 = they do not
  std::uint64_t settled = 0;    ///< the newest block that no reorg may take back any more
  std::uint64_t reorgs = 0;
  std::uint64_t retracted_blocks = 0;  ///< taken back by reorgs
  std::uint64_t retracted_events = 0;  ///< that were in them
  std::uint64_t disputes = 0;          ///< reports that providers contradict each other
  std::uint64_t chain_refused = 0;
  std::string last_refused;
  Instant last_refused_at;
};

class Oracle {
 public:
  explicit Oracle(Settings settings);
  ~Oracle();
  Oracle(const Oracle&);
  Oracle(Oracle&&) noexcept;
  Oracle& operator=(const Oracle&);
  Oracle& operator=(Oracle&&) noexcept;

  /// Validates and takes in a batch; the verdict lists every refused sample.
  [[nodiscard]] BatchVerdict ingest(const SampleBatch& batch);

  /// Takes in a chain segment. Errors (nothing is changed): unknown source, a gap, a parent hash that is
  /// not the head's (conflict), blocks out of order (malformed), a rewind below what is final (corrupt: the source
  /// becomes violated and its readings halt, until a segment fits behind what was final, or clear()).
  [[nodiscard]] Result<> ingest(const ChainSegment& segment);

  void report(const SourceReport& report);

  /// Evaluates every metric at `at`, in order, expressions last. The result is by index of
  /// Settings::metrics and stays valid until the next call.
  const std::vector<Reading>& evaluate(Instant at);
  /// The readings of the last evaluate().
  [[nodiscard]] const std::vector<Reading>& readings() const;

  /// Somebody who knows more than the signal doubts the metric (by index of Settings::metrics), from the next
  /// evaluate() on until `why` is empty: its readings are at best degraded, say why, and have at most
  /// kDoubtedAuthority.
  void doubt(std::size_t metric, const std::string& why);

  /// Clears a halted metric or violated source by name; error unknown_name if there is none.
  [[nodiscard]] Result<> clear(const std::string& name, Instant at);

  /// Takes over new settings; the state of every source and metric that keeps its name, origin and
  /// aggregate is kept, the rest starts anew.
  void reconfigure(Settings settings);

  [[nodiscard]] std::vector<SourceStatus> sources() const;
  /// Event time up to which everything together is complete: the least watermark of the metrics that some source still
  /// feeds. Never moves back. Never = none yet.
  [[nodiscard]] Instant watermark() const;
  /// By index of Settings::metrics: whether the watermark of each advances; nothing of expressions.
  [[nodiscard]] std::vector<MetricProgress> progress() const;
  /// Hashes of the newest blocks taken in (ascending, up to kRecentBlocksMax, none missing that is not final) so
  /// that the shell can find the fork point of a reorg and go on after a restart. Empty when unknown or nothing was
  /// taken in.
  [[nodiscard]] std::vector<std::pair<std::uint64_t, Hash32>> recent_blocks(const std::string& source) const;

  /// What the shell should read next for filters of this chain that were added later, and deliver in part or whole
  /// from `from` on as a segment with `past`. None when nothing is missing, or none of it is final yet.
  [[nodiscard]] std::optional<MissingPast> missing_past(const std::string& source) const;
  /// The newest block that no reorg may take back: a fork below it is a violation. 0 = none yet.
  /// What the source last said it wants back when it starts again; empty = nothing, or no such source.
  [[nodiscard]] std::string source_cursor(const std::string& source) const;
  [[nodiscard]] std::uint64_t settled_block(const std::string& source) const;
  /// Nothing of a source that is no chain.
  [[nodiscard]] Unsettled unsettled(const std::string& source) const;

  void save(Writer& writer) const;
  /// False when the bytes do not fit these settings; the state is then unspecified.
  [[nodiscard]] bool load(Reader& reader);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace homeostat::oracle
