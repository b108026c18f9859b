// Whether a sensor answers to its actuator. A loop exists because its parameter moves its metric; when executors have
// acknowledged that the parameter moved, and the reading stays where it was for as long as the plant may take, the
// reading is of something else: a frozen, cached or manipulated source. All filters of the oracle look at a signal
// alone, and a source that repeats a likely value with a fresh time passes every one of them.
//
// Per loop with `plausibility`: an anchor of reading and acknowledged parameter values. A usable reading that is
// farther from it than `response` sets the anchor anew. While it is not, and the parameter's net movement since the
// anchor is `moved` or more, time counts; after `within` of it the metric is unresponsive: its readings are degraded,
// have at most oracle::kDoubtedAuthority, and say why. That ends when a reading moves away from the anchor, or a
// guardian says so.
//
// Time is the reading's own event time: a source that is merely slow shows nothing until it says something. It does not
// count, so that nothing fires
// - while what moved was not acknowledged: the parameter's value is what executors said they applied;
// - while the loop's output or its parameter is at a limit: no more can be asked of the plant, which may be there too;
// - while the reading is not usable: the anchor is set anew when it is;
// - over a gap of more than kResponseGapMax periods without ticks: the wait begins anew;
// - while several loops on the metric cancel each other: the expected effect of each parameter that any loop moves for
//   this metric (its movement as a share of its range, with the sign that the loop's action implies) is added up, and
//   the sum must be `moved` or more as well.
//
// What it cannot see: a source that adds noise beyond `response`, a plant that truly does not answer (then a guardian
// clears it, or the policy asks for less), and disturbances that undo the parameter's effect to within `response`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/time.hpp"

namespace homeostat::engine {

inline constexpr std::uint64_t kResponseGapMax = 3;

/// A parameter that is moved for a metric.
struct Actuator {
  std::uint32_t parameter = 0;  ///< index into Policy::guardian.parameters
  double effect_per_u = 0;      ///< expected sign on the metric, over the parameter's max - min
};

/// One loop's memory of it.
struct ResponseWatch {
  bool anchored = false;
  double reading = 0;           ///< when anchored, PV
  std::vector<double> applied;  ///< of LoopPlan::actuators then, U
  Instant seen;                 ///< event time of the last usable reading
  Duration waited;              ///< event time that counted since the parameters had moved far enough
  std::string unresponsive;     ///< why; empty = it is not

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.anchored), a(x.reading), a(x.applied), a(x.seen), a(x.waited), a(x.unresponsive);
  }
};

}  // namespace homeostat::engine
