// What a law's settings come to in the units of its loop: errors up to which nothing happens, time constants,
// half-lives. The laws of contracts state them as integers that say nothing to a reader; RAI's noise barrier does not
// even have the unit of a deviation. For those who check a configuration: nothing decides by it.
//
// Of rai_pi, with R the redemption price, e = |R - M|, k = kp and c = ki as ratios, each / R where P is scaled, b = 0
// but of rai_dollar, and the integral's sum for an error that stays, c / l with l = -ln(leak) per second:
//
//     deadband       R (1 - noise_barrier) / k           e for which P alone passes the barrier
//     first step     quantum / 2 / k, or the deadband    e for which P alone gives another value
//     integral time  kp / ki
//     half-life      ln 2 / l
//     steady error   |v - b| / (k + c / l)               e that stays at the far end v of the output
//     passed share   (k + c / l) R / barrier             the most that any fall of M comes to, against the barrier
#pragma once

#include <optional>

#include "controller/law.hpp"

namespace homeostat::controller {

/// Of the loop and its parameter.
struct LawPlace {
  double setpoint = 0;  ///< PV; for R also where a metric gives it
  double initial = 0;   ///< U
  double quantum = 0;   ///< U
  double low = 0;       ///< U, the least and most that the law may ask for
  double high = 0;
};

struct LawFacts {
  double deadband = 0;                     ///< PV: an error up to here does nothing
  double first_step = 0;                   ///< PV: an error from here on moves the parameter in one step; 0 = not told
  std::optional<Duration> integral_time;   ///< none without integral or proportional part
  std::optional<Duration> leak_half_life;  ///< none = nothing is forgotten
  std::optional<double> steady_error;      ///< PV: what stays because the integral forgets; none = nothing
  std::optional<double> passed_share;      ///< rai_pi with a noise barrier; below 1 nothing ever moves the parameter
};

[[nodiscard]] LawFacts facts_of(const LawSettings& law, const LawPlace& place);

/// Of rai_pi: the noise barrier [WAD] that a deviation of `ratio` of the set-point just passes.
[[nodiscard]] Int noise_barrier_for(const rai::Settings& settings, double setpoint, double ratio);

}  // namespace homeostat::controller
