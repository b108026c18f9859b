// Social adoption: how the share of those who have taken something up grows, by their own choice and by imitation.
//
//     dF/dt = (p + q F)(1 - F),   u = (1 - F) / (p + q F) falls as e^(-(p + q) t),   F = (1 - p u) / (1 + q u)
//
// F adopted share, p innovation and q imitation per year, t years; p = 0 is the logistic curve. From F(0) = 0 that is
// Bass's closed form (1 - e^(-(p+q)t)) / (1 + q/p e^(-(p+q)t)), fastest at t* = ln(q / p) / (p + q). Exact for any time
// step, within 1e-14. Source: [Bass 1969]; defaults: means over 213 applications [Sultan, Farley, Lehmann 1990].
#pragma once

#include <optional>

#include "core/result.hpp"
#include "core/time.hpp"

namespace homeostat::economy::behaviour {

struct DiffusionSettings {
  double innovation_per_year = 0.03;  ///< p, 0..100
  double imitation_per_year = 0.38;   ///< q, 0..100; p + q > 0
};
[[nodiscard]] Result<> check(const DiffusionSettings& settings);

/// F after `time` (negative counts as zero), from `share` in [0, 1]; in [share, 1].
[[nodiscard]] double adopted_after(const DiffusionSettings& settings, double share, Duration time);
/// dF/dt per year.
[[nodiscard]] double adoption_rate_per_year(const DiffusionSettings& settings, double share);
/// t* in years from F = 0; none unless q > p > 0.
[[nodiscard]] std::optional<double> peak_years(const DiffusionSettings& settings);

}  // namespace homeostat::economy::behaviour
