// The oracle's part of a policy, as plain values. The config folder validates them; the defaults
// beside the fields are the ones the YAML documentation states.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/time.hpp"

namespace homeostat::oracle {

/// Blocks below the head can be final at most so far down: their hashes must be kept until then.
inline constexpr std::uint32_t kFinalityDepthMax = 4096;

/// Samples per source: a token bucket over sample source counts, refilled by receive time.
struct SourceSettings {
  std::string name;
  double rate_per_s = 1000;  ///< sustained samples per second
  double burst = 2000;       ///< samples that may come at once
  /// Chain: blocks with so many on top are final, as long as the chain's nodes have named no finalized height.
  std::uint32_t finality_depth = 64;
  std::string group;  ///< sources behind one origin count as one; empty = an origin of its own
  /// Chain: where a filter that is added later begins to read its past; none = it begins at the head.
  std::optional<std::uint64_t> start_block;
  /// How far an event may be behind the newest one of its source and metric, see oracle/watermark.hpp. Zero = the
  /// source promises order.
  Duration allowed_lateness;
  Duration skew_max;  ///< its clock may be so far from ours, either way; zero = not asked
};

/// From which depth on an event counts. What counts before its block is final is provisional: a reorg takes it
/// back. A block is final at the chain's finalized height, or below SourceSettings::finality_depth.
enum class Finality : std::uint8_t { confirmations, safe, finalized };

/// An event a chain source watches, e.g. `event Tip(address indexed viewer, ...)`.
struct EventSettings {
  std::string name;                         ///< the name metrics refer to; unique over the policy
  std::string source;                       ///< the chain source
  std::string contract;                     ///< 0x address, or the name of one given under the source's contracts
  std::string signature;                    ///< as written in Solidity
  std::optional<std::uint64_t> from_block;  ///< the contract's first block, instead of SourceSettings::start_block
};

enum class Aggregate : std::uint8_t {
  last,       ///< newest value of each source, then the lower median over sources
  median,     ///< lower median over sources of their newest values (same as last; kept for reading)
  sum,        ///< over `window`
  rate,       ///< sum over `window` / window, per second
  count,      ///< number of contributions in `window`
  distinct,   ///< distinct keys in `window`
  ewma,       ///< exponentially weighted by time, half-life `half_life`
  twap,       ///< time-weighted mean over `window`, needs `coverage_min` of it
  quartiles,  ///< of three votes per source, value and value +- confidence: the middle one, with a confidence
};

/// The values at which a source stops following the world, such as a feed's own minimum answer.
struct SourceLimits {
  std::string source;
  double min = 0;
  double max = 0;

  bool operator==(const SourceLimits&) const = default;
};

struct SampleOrigin {
  std::vector<std::string> sources;
  std::uint32_t quorum = 1;  ///< independent sources with a fresh value needed; fewer = held
  std::vector<SourceLimits> limits;
};

struct EventOrigin {
  std::string event;                   ///< EventSettings::name
  std::optional<std::uint32_t> value;  ///< argument index; none = 1 per event
  bool value_signed = false;           ///< int256 rather than uint256
  std::optional<std::uint32_t> key;    ///< argument index whose distinct values are counted
  double scale = 1;                    ///< value multiplier: base units to the metric's unit
  Finality finality = Finality::confirmations;
  std::uint32_t confirmations = 1;  ///< blocks on top, incl. none = 0
};

struct ExpressionOrigin {
  std::string text;  ///< over other metrics' names, see core/expression.hpp
};

/// A change larger than `ratio_max` per `per` (on |ln(new/old)|, symmetric) refuses the sample; the
/// budget grows with the time since the last accepted value. A breach that lasts `halt_after` halts.
struct RateOfChange {
  double ratio_max = 0;
  Duration per;
  Duration halt_after;
};

/// Which votes are too far from the others to count, see oracle/quorum.hpp.
struct Outliers {
  double mads = 3.5;    ///< median absolute deviations
  double floor = 0.01;  ///< |ln| that is never an outlier, however close together the others are
};

/// What the quorum's value may have done since it was last trusted, see oracle/guard.hpp.
struct GuardSettings {
  double band = 0.1;      ///< |ln| of a departure that is allowed at once
  double rate_per_s = 0;  ///< |ln| per second that the allowance grows by
  /// Nothing below the reference by more than this (|ln|) is accepted: for a rate that can only grow. Unlike the band
  /// it does not grow with time.
  std::optional<double> decrease_max;
  Duration halt_after = Duration::minutes(1);
  Duration release_after = Duration::minutes(5);
  Duration reseed_after = Duration::minutes(15);     ///< zero = only a guardian accepts a jump
  Duration reseed_per_fold = Duration::minutes(30);  ///< more for a jump by a factor e, four times that for e squared
  double steady_rate_per_s = 0;  ///< |ln| per second at which a value may go on moving and still be called steady
  Duration suspect_after = Duration::hours(2);
  Duration average;  ///< the reading is the time-weighted mean of what was accepted over this; zero = the newest
};

/// What the value is meant to be; beyond `band` (|ln|, both ways) it is believed of more than half of all configured
/// origins only, and then with reduced authority.
struct Peg {
  double at = 1;
  double band = 0.05;
};

struct MetricSettings {
  std::string name;
  std::string unit;
  std::string help;
  /// Hard bounds of the reading, and of each sample where the two mean the same (last, median, ewma, twap). A
  /// single contribution to a sum or rate may not exceed what the whole may be; counts bound the reading only.
  double min = 0;
  double max = 0;
  std::variant<SampleOrigin, EventOrigin, ExpressionOrigin> origin;
  Aggregate aggregate = Aggregate::last;
  Duration window;             ///< sum, rate, count, distinct, twap
  std::uint32_t buckets = 60;  ///< a window's resolution: it moves in window / buckets
  Duration half_life;          ///< ewma
  double coverage_min = 0.8;   ///< share of the window that must be covered (0 = any); twap always, others at first
  std::uint32_t exact_max = 10000;  ///< distinct: exact up to here, a HyperLogLog beyond
  /// distinct: the key of its hash (SipHash-2-4). None = a fixed hash, by which whoever chooses keys can shift the
  /// count.
  std::optional<std::array<std::uint8_t, 16>> hash_key;
  Duration staleness_max = Duration::minutes(5);
  Duration future_max = Duration::seconds(5);  ///< clock skew allowed to a source
  std::optional<RateOfChange> rate_of_change;
  // Of samples only: what makes several sources worth more than one.
  std::optional<Outliers> outliers;
  double agree_within = 0;         ///< |ln| around the median in which votes agree; 0 = not asked
  std::uint32_t pinned_after = 0;  ///< samples in a row exactly at a limit that make a source pinned; 0 = never
  Duration frozen_after;  ///< a source that repeats one value for longer, while others move, is frozen; zero = never
  double liquidity_needed = 0;  ///< the authority is full from this liquidity on; 0 = not asked
  std::optional<Peg> peg;
  std::optional<GuardSettings> guard;
};

struct Settings {
  std::vector<SourceSettings> sources;  ///< every source, chain sources too
  std::vector<EventSettings> events;
  std::vector<MetricSettings> metrics;  ///< in dependency order: an expression after its operands
  /// A metric whose watermark has not moved for longer is stalled; zero = its own staleness_max.
  Duration stall_max;
};

}  // namespace homeostat::oracle
