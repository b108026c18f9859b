// Everything the oracle remembers, as plain values: copied for a preview, archived for a snapshot. What
// follows from the settings (names, indexes, parsed expressions) is rebuilt, not archived.
#pragma once

#include <algorithm>
#include <deque>
#include <numeric>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/expression.hpp"
#include "core/ring.hpp"
#include "oracle/distinct.hpp"
#include "oracle/guard.hpp"
#include "oracle/intake.hpp"
#include "oracle/oracle.hpp"
#include "oracle/quorum.hpp"
#include "oracle/watermark.hpp"
#include "oracle/window.hpp"

namespace homeostat::oracle {

/// Hashes kept to find the fork point of a reorg: of every block that is not final, and of so many at least.
inline constexpr std::size_t kRecentBlocksMin = 256;
/// Events kept because their block is not final, or because some metric asks for more: some 50 MB at three
/// arguments. A segment that would exceed it is refused whole; the shell sends it again when finality has moved on.
inline constexpr std::size_t kPendingEventsMax = 250'000;
inline constexpr std::size_t kPendingBlocksMax = 100'000;
/// A block this far ahead of its receipt is a lie that would empty every window.
inline constexpr Duration kBlockFutureMax = Duration::hours(1);
/// A chain whose finality trails its head by more than this is not final any more in any useful sense.
inline constexpr Duration kFinalityLagMax = Duration::hours(2);

/// A guardian's acceptances of one metric's values that may wait for their blocks to become final.
inline constexpr std::size_t kClearsMax = 64;

constexpr Refusal last_of(Refusal) {
  return Refusal::rate_of_change;
}

/// One contribution to a metric, already judged.
struct Contribution {
  Instant time;  ///< source time
  Instant received;
  double value = 0;  ///< in the metric's unit
  Word key{};        ///< for distinct counts
  std::uint64_t sequence = 0;
  std::uint32_t log_index = 0;
  Hash32 block{};
  double confidence = 0;  ///< 0 = none stated
  double liquidity = -1;  ///< below 0 = none stated
};

/// One metric as one source says it.
struct Series {
  std::uint32_t source = 0;  ///< index into Settings::sources
  bool has_value = false;
  Instant first;  ///< time of the first accepted value
  Instant time;   ///< of the newest accepted value
  double value = 0;
  std::uint64_t sequence = 0;

  // The reference of the rate-of-change check: an accepted value at least `per` old when it was replaced.
  bool has_reference = false;
  Instant reference_time;
  double reference_value = 0;
  // A run of samples that were refused for their rate of change, by receive time; never = none.
  Instant breach_since;
  Instant breach_until;
  Instant breach_time;  ///< source time and value of the newest of them
  double breach_value = 0;
  std::uint64_t breach_sequence = 0;

  double average = 0;              ///< ewma, at `time`
  std::optional<StepWindow> step;  ///< twap

  double confidence = 0;  ///< of the newest value, 0 = none stated
  double liquidity = -1;  ///< of the newest that stated one, below 0 = none did
  // Sources that stopped following the world.
  std::uint32_t pinned = 0;        ///< samples in a row exactly at a limit
  Instant changed;                 ///< source time at which the value last changed
  double travel_when_changed = 0;  ///< Metric::travel then
  std::uint32_t changes = 0;       ///< how often it has changed, up to what is asked for

  [[nodiscard]] bool is_breaching() const { return !breach_since.is_never(); }

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.has_value), a(x.first), a(x.time), a(x.value), a(x.sequence), a(x.has_reference), a(x.reference_time),
        a(x.reference_value), a(x.breach_since), a(x.breach_until), a(x.breach_time), a(x.breach_value),
        a(x.breach_sequence), a(x.average), a(x.confidence), a(x.liquidity), a(x.pinned), a(x.changed),
        a(x.travel_when_changed), a(x.changes);
    if (x.step) a(*x.step);
  }
};

/// What contributions have made of a metric: a function of them, their order and a guardian's acceptances alone.
struct Tally {
  // Their shape is the settings'.
  std::vector<Series> series;          ///< by source index; one for an event, none for an expression
  std::optional<SumWindow> sums;       ///< sum, rate, count, distinct
  std::optional<DistinctWindow> keys;  ///< distinct

  bool halted = false;
  std::string halted_reason;
  bool has_started = false;
  Instant started;                  ///< since when its window is being watched
  std::uint64_t contributions = 0;  ///< ever
  Provenance newest;                ///< of the newest contribution
  // Chain only: blocks up to `consumed` are counted; `frontier` is the time of the newest of them.
  bool has_frontier = false;
  std::uint64_t consumed = 0;
  Instant frontier;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    for (auto& s : x.series) a(s);
    if (x.sums) a(*x.sums);
    if (x.keys) a(*x.keys);
    a(x.halted), a(x.halted_reason), a(x.has_started), a(x.started), a(x.contributions), a(x.newest), a(x.has_frontier),
        a(x.consumed), a(x.frontier);
  }
};

/// The tally is that of everything that counts. As soon as some of it is not final, `settled` is the tally of
/// what is: after a reorg the metric goes on from it, which is exact for every aggregate. See
/// docs/decisions/0009-provisional-contributions.md.
struct Metric : Tally {
  // From the settings.
  std::optional<Expression> expression;
  std::vector<std::uint32_t> operands;  ///< metric indexes, in the order of the expression's variables
  std::uint32_t event = 0;              ///< index into Settings::events
  std::vector<std::uint32_t> groups;    ///< by series: which origin it is a way to

  // State.
  double travel = 0;  ///< how far all its series together have moved, see is_frozen
  std::optional<GuardState> guard;
  bool was_covered = false;        ///< twap over samples: coverage was enough once
  std::uint64_t rate_refused = 0;  ///< samples since the last evaluate
  std::optional<Tally> settled;    ///< chain only
  /// A guardian accepted a refused value when blocks up to these were counted, and they are not settled yet; ascending.
  std::vector<std::uint64_t> cleared_after;

  // Chain only: an event watched only since later reads its past first, see past.cpp.
  bool backfilling = false;
  std::uint64_t past_from = 0;
  std::uint64_t past_next = 0;      ///< the next block to read of it
  std::uint64_t watched_since = 0;  ///< live blocks up to this one came without its events
  Hash32 past_head{};               ///< of block past_next - 1

  Progress progress;
  std::string doubt;  ///< why its readings are doubted; empty = they are not

  [[nodiscard]] std::uint64_t provisional() const { return settled ? contributions - settled->contributions : 0; }

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    Tally::fields(a, x);
    a(x.was_covered), a(x.rate_refused), a(x.cleared_after), a(x.travel), a(x.backfilling), a(x.past_from),
        a(x.past_next), a(x.watched_since), a(x.past_head), a(x.progress), a(x.doubt);
    if (x.guard) a(*x.guard);
    bool has_settled = x.settled.has_value();
    a(has_settled);
    if constexpr (!std::is_const_v<Self>) {
      // A copy has the windows' shape, which is not archived.
      if (has_settled) x.settled = static_cast<const Tally&>(x);
    }
    if (has_settled) a(*x.settled);
  }
};

/// A block whose events wait, with the order in which metrics look for theirs: of hundreds of filters each finds its
/// own without looking at all the others'.
class WaitingBlock : public ChainBlock {
 public:
  /// Calls f(event) for those of one kind (an index into Settings::events), in the order of the block.
  template <class F>
  void for_each_of(std::uint32_t kind, F&& f) {
    if (by_kind_.size() != events.size()) sort();
    auto it = std::lower_bound(by_kind_.begin(), by_kind_.end(), kind,
                               [&](std::uint32_t i, std::uint32_t k) { return events[i].event < k; });
    for (; it != by_kind_.end() && events[*it].event == kind; ++it) f(std::as_const(events[*it]));
  }
  /// After anything else than adding events.
  void events_changed() { by_kind_.clear(); }

 private:
  void sort() {
    by_kind_.resize(events.size());
    std::iota(by_kind_.begin(), by_kind_.end(), 0u);
    std::sort(by_kind_.begin(), by_kind_.end(), [&](std::uint32_t a, std::uint32_t b) {
      return std::pair(events[a].event, a) < std::pair(events[b].event, b);
    });
  }

  std::vector<std::uint32_t> by_kind_;  ///< follows from the events: not archived
};

struct Chain {
  struct Recent {
    std::uint64_t number = 0;
    Hash32 hash{};
    Instant time;

    template <class Archive, class Self>
    static void fields(Archive& a, Self& x) {
      a(x.number), a(x.hash), a(x.time);
    }
  };

  bool has_head = false;
  Recent head;
  std::uint64_t origin = 0;  ///< the block before the first one ever taken in
  /// Blocks with a known hash, ascending: all above `settled`, that one, and some before it.
  std::deque<Recent> recent;
  /// Blocks that are not final or that some metric has yet to count, ascending; ChainEvent::event is an index into
  /// Settings::events.
  std::deque<WaitingBlock> pending;
  std::uint64_t pending_events = 0;
  std::uint64_t pruned = 0;  ///< blocks up to here have left `pending`
  std::uint64_t safe = 0;
  std::uint64_t finalized = 0;  ///< as the nodes say; never moves back
  /// The newest block of `recent` that is final. What is up to here is never taken back.
  std::uint64_t settled = 0;

  [[nodiscard]] bool is_consistent() const;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.has_head), a(x.head), a(x.origin), a(x.recent), a(x.pending), a(x.pending_events), a(x.pruned), a(x.safe),
        a(x.finalized), a(x.settled);
  }
};

struct Source {
  SourceCondition condition = SourceCondition::connected;
  std::string detail;
  Instant condition_since;
  bool violated = false;  ///< latched until a guardian clears it, or the chain comes back to what was final
  std::uint64_t accepted = 0;
  std::array<std::uint64_t, kRefusalCount> refused{};
  Instant newest;     ///< newest accepted source time; of a chain that of its head
  Instant watermark;  ///< the least of what it feeds, of a chain that of its head
  bool idle = true;   ///< it has brought nothing for longer than any metric it feeds may go without
  SkewMeter skew;
  bool skewed = false;              ///< its clock is off by more than skew_max
  std::uint64_t late_accepted = 0;  ///< samples behind the newest of their series, within the allowed lateness
  std::uint64_t reorgs = 0;
  std::uint64_t retracted_blocks = 0;
  std::uint64_t retracted_events = 0;
  std::uint64_t disputes = 0;
  std::uint64_t chain_refused = 0;
  std::string last_refused;
  Instant last_refused_at;
  SequenceWindow sequences;
  TokenBucket bucket;
  std::string cursor;  ///< SampleBatch::cursor of the newest batch that had one
  std::optional<Chain> chain;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.condition), a(x.detail), a(x.condition_since), a(x.violated), a(x.accepted), a(x.refused), a(x.newest),
        a(x.watermark), a(x.idle), a(x.skew), a(x.skewed), a(x.late_accepted), a(x.reorgs), a(x.retracted_blocks),
        a(x.retracted_events), a(x.disputes), a(x.chain_refused), a(x.last_refused), a(x.last_refused_at),
        a(x.sequences), a(x.bucket), a(x.cursor), a(x.chain);
  }
};

/// What a metric says at one tick, before bounds and staleness are applied.
struct Candidate {
  bool is_good = false;  ///< otherwise the last good value is held
  double value = 0;
  Quality quality = Quality::ok;
  std::string reason;
  Instant time;
  std::uint32_t sources = 0;
  std::uint64_t count = 0;
  double error_ratio = 0;
  std::uint64_t provisional = 0;
  double authority = 1;  ///< besides what the quality is worth
  double confidence = 0;
  double guard_gap = 0;
  bool guard_suspect = false;
  const Provenance* provenance = nullptr;  ///< or, for one series:
  const Series* series = nullptr;
};

/// Whether one contribution may be `value`, and the sentence that refuses it.
[[nodiscard]] bool sample_is_inside(const MetricSettings& m, double value);
[[nodiscard]] std::string outside_message(const MetricSettings& m, double value);
/// How far behind the newest of its series an event of this source may be for this metric.
[[nodiscard]] Duration lateness_of(const MetricSettings& m, const SourceSettings& source);
/// Why a metric is halted whose values went on being refused for their rate of change.
[[nodiscard]] std::string persistent_breach_text(const MetricSettings& m);

/// Keeps account of which series move and which do not.
void note_movement(Metric& metric, Series& series, const MetricSettings& m, const Contribution& c,
                   const SourceLimits* limits);
/// The source repeats one of its limits: it would say more if it could.
[[nodiscard]] bool is_pinned(const Series& series, const MetricSettings& m);
/// It has said one and the same value for longer than frozen_after while the others moved.
[[nodiscard]] bool is_frozen(const Metric& metric, const Series& series, const MetricSettings& m, Instant at);

struct Oracle::State {
  explicit State(Settings s);

  Settings settings;
  std::unordered_map<std::string, std::uint32_t> source_index;  // only looked up, never iterated
  std::unordered_map<std::string, std::uint32_t> metric_index;
  std::unordered_map<std::string, std::uint32_t> event_index;
  std::vector<std::vector<std::uint32_t>> chain_metrics;  ///< by source: the metrics fed by its events
  std::vector<SharedText> source_names;                   ///< by source, as readings have them
  std::vector<Source> sources;
  std::vector<Metric> metrics;
  std::vector<Reading> readings;
  Instant evaluated_at;  ///< the last tick; never = none yet
  Instant watermark;     ///< of everything together
  // Scratch, reused from call to call.
  Candidate candidate;
  std::vector<double> values;
  std::vector<Metric*> batch_metrics;
  std::vector<Series*> batch_series;
  Instant batch_newest;    ///< of what was new in the batch
  Instant feed_received_;  ///< of the segment that is being taken in

  // metric.cpp: contributions
  void make_metric(std::size_t index);
  void reset_metric(std::size_t index);
  /// A metric that is new beside a chain that is not: it counts from the next block on.
  void start_at_head(std::size_t index);
  void contribute(std::size_t metric, Tally& tally, Series& series, const Contribution& c);
  /// A guardian accepts the values that are being refused.
  void accept_refused(std::size_t metric, Tally& tally);
  /// Whether the value is too far from the series' reference; if so `message` says why and the breach goes on.
  [[nodiscard]] bool is_too_fast(const MetricSettings& m, Series& series, const Contribution& c, std::string* message);

  // ingest_samples.cpp
  [[nodiscard]] BatchVerdict ingest(const SampleBatch& batch);
  [[nodiscard]] Refusal judge(const SampleBatch& batch, std::size_t i, Source& source, std::string& message);

  // ingest_chain.cpp
  [[nodiscard]] Result<> ingest(const ChainSegment& segment);
  [[nodiscard]] Result<> check_tidings(std::uint32_t source, const ChainSegment& segment) const;
  [[nodiscard]] Result<> check_shape(const ChainSegment& segment) const;
  [[nodiscard]] Result<> check_arguments(const ChainSegment& segment) const;
  [[nodiscard]] Result<> check_link(std::uint32_t source, const ChainSegment& segment);
  [[nodiscard]] Result<> check_room(std::uint32_t source, const ChainSegment& segment) const;
  void append(std::uint32_t source, const ChainSegment& segment);
  void consume(std::uint32_t source, Instant received);
  void feed(std::size_t metric, Tally& tally, const ChainBlock& block, const ChainEvent& event, Source* counted);

  // retract.cpp: what is final, and what a reorg takes back
  /// The chain's heights once a segment will have been taken in.
  struct Heights {
    std::uint64_t head = 0;
    std::uint64_t safe = 0;
    std::uint64_t settled = 0;
  };
  [[nodiscard]] Heights heights_with(std::uint32_t source, const ChainSegment& segment) const;
  /// Takes over the chain's ends, and forgets the hashes that nothing can go back to.
  void move_ends(std::uint32_t source, const ChainSegment& segment, const Heights& heights);
  /// The highest block that counts for a metric, given the chain's heights; nullopt if none yet.
  [[nodiscard]] static std::optional<std::uint64_t> countable(const EventOrigin& origin, const Heights& heights);
  /// Feeds a tally the waiting blocks up to `height`. With `counted` refusals are counted there (the first time only).
  void advance(std::size_t metric, Tally& tally, std::uint64_t height, Source* counted);
  void retract(std::uint32_t source, const ChainSegment& segment);
  void retract_metric(std::size_t metric, std::uint64_t height);
  void forget_retracted_readings(const std::vector<std::uint32_t>& touched);
  void settle_metric(std::size_t metric, std::uint64_t settled);

  // past.cpp: filters added later
  void begin_past(std::size_t metric);
  [[nodiscard]] std::uint64_t linked_only(std::uint32_t source) const;
  void begin_before(std::size_t metric, const ChainSegment& first);
  void note_unwatched(std::uint32_t source, const ChainSegment& segment);
  [[nodiscard]] std::optional<MissingPast> missing_past(std::uint32_t source) const;
  [[nodiscard]] Result<> check_past(std::uint32_t source, const ChainSegment& segment) const;
  [[nodiscard]] bool takes_past(const Metric& metric, const ChainSegment& segment) const;
  void take_past(std::uint32_t source, const ChainSegment& segment);

  // evaluate.cpp
  /// Asks for the memory of metrics that are next.
  void fetch_ahead(std::size_t metric) const;
  void evaluate(std::size_t metric, Instant at);
  void propose_from_samples(std::size_t metric, Instant at);
  void propose_from_events(std::size_t metric, Instant at);
  void propose_from_expression(std::size_t metric, Instant at);
  void propose_aggregate(std::size_t metric, Instant at, const std::vector<const Series*>& fresh);
  void settle(std::size_t metric, Instant at);

  // watermark.cpp
  /// When the series last brought something, and up to when it is complete.
  [[nodiscard]] Mark mark_of(std::size_t metric, const Series& series) const;
  /// Before and after every metric was evaluated: the watermarks of the sources and of the whole, idle sources, skew.
  void begin_sources();
  void advance_sources();
  void advance_watermark(std::size_t metric, Instant at);
  [[nodiscard]] MetricProgress progress_of(std::size_t metric) const;
  std::vector<Mark> source_marks_;  ///< scratch of one evaluation, by source
  Instant least_;                   ///< scratch of it: the least watermark of a metric that is fed

  // agree.cpp: votes of independent sources, and the guard over what they come to
  [[nodiscard]] std::size_t independent(std::size_t metric, const std::vector<const Series*>& series);
  /// The candidate's value from one value per voter (in `values`).
  void conclude(std::size_t metric, const std::vector<const Series*>& voters);
  void note_peg(std::size_t metric, std::size_t agreeing);
  /// Before a contribution becomes the series' newest value.
  void note(std::size_t metric, Series& series, const Contribution& c);
  void guard(std::size_t metric, Instant at);
  std::vector<Vote> votes;
  std::vector<std::uint32_t> groups_seen_;
  std::vector<const Series*> voters_;
  std::vector<const Series*> fresh_;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    for (auto& source : x.sources) a(source);
    for (auto& metric : x.metrics) a(metric);
    for (auto& reading : x.readings) a(reading);
    a(x.evaluated_at), a(x.watermark);
  }
};

}  // namespace homeostat::oracle
