// A gain schedule: one factor on kp, ki and kd of a loop, as a piecewise-linear function of any metric (the plant is
// faster when volume is high, so the loop is gentler). Beyond its first and last point it stays at theirs.
//
// Bumpless: pid (controller/pid.hpp) moves into its integral what the new factor takes from P and D, so that the output
// is the same at the moment the factor changes; a loop without integral action has no place for it. A reading of the
// schedule's metric that cannot be trusted holds the last factor.
//
// Invariants: factors are > 0 and at most kFactorMax; x ascends strictly; 2 to kPointsMax points.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace homeostat::controller {

struct GainSchedule {
  struct Point {
    double x = 0;       ///< unit of the schedule's metric
    double factor = 1;  ///< on kp, ki and kd
    bool operator==(const Point&) const = default;
  };
  static constexpr std::size_t kPointsMax = 32;
  static constexpr double kFactorMax = 1000;

  std::string metric;
  std::vector<Point> points;
  bool operator==(const GainSchedule&) const = default;
};

/// The factor at x; `schedule` has points.
[[nodiscard]] double factor_at(const GainSchedule& schedule, double x);

}  // namespace homeostat::controller
