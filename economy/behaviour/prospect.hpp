// Loss aversion: what a risky outcome is worth to people, by cumulative prospect theory.
//
//     v(x) = x^alpha for x >= 0,  -lambda (-x)^beta for x < 0
//     w(p) = p^c / (p^c + (1 - p)^c)^(1 / c),   c = gamma for gains, delta for losses
//     V = sum over gains pi+ v + sum over losses pi- v,  each pi the difference of w of "at least as good (bad)" and w
//         of "strictly better (worse)"
//
// x is a change against the reference point, in any one unit (v is not free of scale: keep to that unit), p a
// probability. Relative error about 1e-14 (two powers of core/math.hpp).
// Source: [Tversky, Kahneman 1992, Advances in prospect theory]; the defaults are their medians.
#pragma once

#include <span>

#include "core/result.hpp"

namespace homeostat::economy::behaviour {

struct ProspectSettings {
  double gain_curvature = 0.88;  ///< alpha, 0.1..1
  double loss_curvature = 0.88;  ///< beta, 0.1..1
  double loss_aversion = 2.25;   ///< lambda, 1..10
  double gain_weighting = 0.61;  ///< gamma, 0.28..1: below, w would fall somewhere
  double loss_weighting = 0.69;  ///< delta, 0.28..1
};
[[nodiscard]] Result<> check(const ProspectSettings& settings);

/// One of several outcomes, of which exactly one happens.
struct Outcome {
  double change = 0;       ///< -1e15..1e15
  double probability = 0;  ///< 0..1, all together 1
};
inline constexpr std::size_t kOutcomesMax = 64;
[[nodiscard]] Result<> check(std::span<const Outcome> outcomes);

/// v(x) of a finite change.
[[nodiscard]] double value_of(const ProspectSettings& settings, double change);
/// w(p) of a probability in [0, 1], for gains or losses.
[[nodiscard]] double gain_weight(const ProspectSettings& settings, double probability);
[[nodiscard]] double loss_weight(const ProspectSettings& settings, double probability);
/// V of checked outcomes; their order does not matter.
[[nodiscard]] double prospect_value(const ProspectSettings& settings, std::span<const Outcome> outcomes);
/// The sure change that is worth as much: v^-1(V).
[[nodiscard]] double certainty_equivalent(const ProspectSettings& settings, std::span<const Outcome> outcomes);

}  // namespace homeostat::economy::behaviour
