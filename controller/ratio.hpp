// The autoscaler's law: keep a metric per unit at its target by the number of units, e.g. servers, seats, emissions.
//
// Decides: the next number of units, and the reason it is not simply the one that the metric asks for.
//
//     ratio   = metric / target                       several metrics: each proposes, the largest proposal wins
//     desired = ceil(current ratio), or current while 1 - tolerance_down <= ratio <= 1 + tolerance_up
//     stabilised: up to the smallest proposal of the window for up, down to the largest of the window for down,
//                 else current:  clamp(current, smallest over window_up, largest over window_down)
//     limited by the policies of the direction, then by min and max
//
// A policy allows a change per period: the value at the begin of the period (current minus what was added since, plus
// what was taken) plus `units`, or times (1 +- percent / 100), rounded up for up, down for down. Of several policies
// the one that allows the largest or smallest change counts; `disabled` allows none. A limit never reverses the
// direction: when more was added in the period than a policy allows now, up stays where it is. Both windows end at
// `now` and exclude what is exactly as old as they are long.
//
// Metrics that are not valid count as absent; when one is, the law does not go down, and when all are, it holds.
//
// Invariants: the result is within [min, max] when current is; a result differs from current only in the direction of
// the proposal that survived stabilisation; one step stays inside the policies. Recommendations are kept for the longer
// window, changes for the longest period, both at most kHistoryMax; check() refuses windows and periods in
// which more steps would fall.
//
// Source: kubernetes horizontal.go 0006726 (formulas only); facts in the words of KEP-4951 and its API reference.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"

namespace homeostat::controller::ratio {

inline constexpr std::size_t kHistoryMax = 4096;
inline constexpr std::size_t kPoliciesMax = 16;
inline constexpr Duration kWindowMax = Duration::hours(1);

enum class Measure : std::uint8_t { units, percent };
enum class Select : std::uint8_t { largest_change, smallest_change, disabled };

struct Policy {
  Measure measure = Measure::percent;
  double value = 100;  ///< units, or percent of the value at the begin of the period
  Duration period = Duration::seconds(15);

  bool operator==(const Policy&) const = default;
};

struct Direction {
  double tolerance = 0.1;  ///< a ratio this near to 1 changes nothing
  Duration window;         ///< stabilisation
  Select select = Select::largest_change;
  std::vector<Policy> policies;

  bool operator==(const Direction&) const = default;
};

struct Settings {
  double min = 1;  ///< units
  double max = 1;
  Direction up;
  Direction down;

  bool operator==(const Settings&) const = default;
};

/// Up at once, doubling or four units in 15 s; down to the largest proposal of five minutes, by any amount.
[[nodiscard]] Settings defaults(double min, double max);
/// Errors: min above max, tolerance outside 0..1 (down) or 0..10, windows beyond kWindowMax, policies without effect,
/// or windows and periods in which more than kHistoryMax steps of `period` fall.
[[nodiscard]] Result<> check(const Settings& settings, Duration period);

struct Metric {
  double value = 0;
  double target = 1;  ///< > 0
  bool valid = true;
};

struct Change {
  Instant at;
  double units = 0;  ///< > 0

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.at), a(x.units);
  }
};

struct State {
  struct Recommendation {
    Instant at;
    double units = 0;

    template <class Archive, class Self>
    static void fields(Archive& a, Self& x) {
      a(x.at), a(x.units);
    }
  };
  std::deque<Recommendation> recommendations;
  std::deque<Change> added;
  std::deque<Change> taken;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.recommendations), a(x.added), a(x.taken);
  }
};

/// Worst to read last; the last one that applied is the reason.
enum class Reason : std::uint8_t {
  desired_within_range,
  within_tolerance,
  scale_up_stabilized,
  scale_down_stabilized,
  scale_up_limit,
  scale_down_limit,
  too_many,
  too_few,
  current_above_max,
  current_below_min,
  invalid_metric,
};
[[nodiscard]] std::string_view name_of(Reason reason);

struct Step {
  State state;
  double proposed = 0;    ///< by the metrics
  double stabilised = 0;  ///< after the windows
  double units = 0;       ///< after policies and bounds
  Reason reason = Reason::desired_within_range;
};

[[nodiscard]] Step step(const Settings& settings, const State& before, double current, std::span<const Metric> metrics,
                        Instant now);

}  // namespace homeostat::controller::ratio
