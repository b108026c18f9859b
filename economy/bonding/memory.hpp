// Exponential forgetting: what is left of a flow after some time, flow(t) = flow(t - dt) memory^dt.
//
// `memory` is what is left after one unit of time (the system's unit is the day); its half-life is -ln 2 / ln memory:
// 0.9 a day is 6.58 days. The logarithm is taken once; memory^dt is exp(dt ln memory), relative error <= 1e-15 (1 +
// |dt ln memory|).
#pragma once

#include <algorithm>

#include "core/math.hpp"

namespace homeostat::economy::bonding {

class Memory {
 public:
  /// `memory` in (0, 1), checked by whoever read it.
  explicit Memory(double memory = 0.9) : log_(math::log(memory)) {}

  /// memory^elapsed: exactly 1 for no time; a negative time counts as none.
  [[nodiscard]] double after(double elapsed) const { return elapsed > 0 ? math::exp(elapsed * log_) : 1; }
  [[nodiscard]] double half_life() const { return -0.69314718055994531 / log_; }

 private:
  double log_;
};

}  // namespace homeostat::economy::bonding
