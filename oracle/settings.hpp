// The oracle's part of a policy, as plain values. The config folder validates them; the defaults
// beside the fields are the ones the YAML documentation states.
#pragma once

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
};

/// From which depth on an event counts. What counts before its block is final is provisional: a reorg takes it
/// back. A block is final at the chain's finalized height, or below SourceSettings::finality_depth.
enum class Finality : std::uint8_t { confirmations, safe, finalized };

/// An event a chain source watches, e.g. `event Tip(address indexed viewer, ...)`.
struct EventSettings {
  std::string name;       ///< the name metrics refer to; unique over the policy
  std::string source;     ///< the chain source
  std::string contract;   ///< 0x address, or the name of one given under the source's contracts
  std::string signature;  ///< as written in Solidity
};

enum class Aggregate : std::uint8_t {
  last,      ///< newest value of each source, then the lower median over sources
  median,    ///< lower median over sources of their newest values (same as last; kept for reading)
  sum,       ///< over `window`
  rate,      ///< sum over `window` / window, per second
  count,     ///< number of contributions in `window`
  distinct,  ///< distinct keys in `window`
  ewma,      ///< exponentially weighted by time, half-life `half_life`
  twap,      ///< time-weighted mean over `window`, needs `coverage_min` of it
};

struct SampleOrigin {
  std::vector<std::string> sources;
  std::uint32_t quorum = 1;  ///< sources with a fresh value needed; fewer = held
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
  Duration staleness_max = Duration::minutes(5);
  Duration future_max = Duration::seconds(5);  ///< clock skew allowed to a source
  std::optional<RateOfChange> rate_of_change;
};

struct Settings {
  std::vector<SourceSettings> sources;  ///< every source, chain sources too
  std::vector<EventSettings> events;
  std::vector<MetricSettings> metrics;  ///< in dependency order: an expression after its operands
};

}  // namespace homeostat::oracle
