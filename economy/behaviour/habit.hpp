// Habit: a stock that grows while something is done and decays while it is not.
//
//     dh/dt = g a (1 - h) - d (1 - a) h          h in [0, 1], a activity (how much of the time it is done) in [0, 1]
//     constant a: h tends to g a / (g a + d (1 - a)) with rate g a + d (1 - a), exact for any time step
//     acts = 1 - (1 - intention)(1 - strength h)                                   by intention or out of habit
//
// g gain and d decay per day. Errors within 1e-14. Source: growth to an asymptote, 95 % of it after 66 days in the
// median [Lally et al. 2010], so g = ln 20 / 66; a stock with decay as in [Becker, Murphy 1988]; that it halves in 30
// days without practice, and the last formula, are our own choice.
#pragma once

#include "core/result.hpp"
#include "core/time.hpp"

namespace homeostat::economy::behaviour {

struct HabitSettings {
  double gain_per_day = 0.045389882932635;   ///< ln 20 / 66, 0..100
  double decay_per_day = 0.023104906018665;  ///< ln 2 / 30, 0..100
  double strength = 0.8;                     ///< how often a full habit acts by itself, 0..1
};
[[nodiscard]] Result<> check(const HabitSettings& settings);

/// h after `time` (negative counts as zero) of constant activity; `stock` and `activity` in [0, 1], so is the result.
[[nodiscard]] double habit_after(const HabitSettings& settings, double stock, double activity, Duration time);
/// The share of occasions on which it is done, given an intention in [0, 1].
[[nodiscard]] double acts_with_habit(const HabitSettings& settings, double stock, double intention);

}  // namespace homeostat::economy::behaviour
