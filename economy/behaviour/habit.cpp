#include "economy/behaviour/habit.hpp"

#include <algorithm>

#include "core/math.hpp"
#include "economy/argument.hpp"

namespace homeostat::economy::behaviour {

Result<> check(const HabitSettings& s) {
  return first_error(require("gain_per_day", s.gain_per_day, {0, 100}),
                     require("decay_per_day", s.decay_per_day, {0, 100}), require("strength", s.strength, {0, 1}));
}

double habit_after(const HabitSettings& s, double stock, double activity, Duration time) {
  const double up = s.gain_per_day * activity, rate = up + s.decay_per_day * (1 - activity);
  if (rate <= 0) return stock;
  const double days = std::max(time.in_seconds(), 0.0) / 86400, rest = up / rate;
  return std::clamp(rest + (stock - rest) * math::exp(-rate * days), 0.0, 1.0);
}

double acts_with_habit(const HabitSettings& s, double stock, double intention) {
  return 1 - (1 - intention) * (1 - s.strength * stock);
}

}  // namespace homeostat::economy::behaviour
