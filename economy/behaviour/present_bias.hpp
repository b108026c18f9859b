// Present bias: now counts more than any later time, so that plans are made and not kept.
//
//     D(0) = 1,  D(t) = beta delta^t           worth now = sum of D(t) x utility(t)
//
// beta present bias, delta per year, t years. Relative error 1e-15.
// When a task of which the cost (or the reward) comes at once is done [O'Donoghue, Rabin 1999], delta = 1: by someone
// without bias, by one who does not know of it (naive: compares with doing it at the best later time), and by one who
// does (sophisticated: with when it would really be done).
// Source: [Laibson 1997]; default beta as estimated by [Laibson, Repetto, Tobacman 2007], delta beside it.
#pragma once

#include <cstdint>
#include <span>

#include "core/result.hpp"
#include "core/time.hpp"

namespace homeostat::economy::behaviour {

struct PresentBiasSettings {
  double present_bias = 0.703;       ///< beta, 0.05..1
  double discount_per_year = 0.958;  ///< delta, 0.01..1
};
[[nodiscard]] Result<> check(const PresentBiasSettings& settings);

/// D(t); negative times count as now.
[[nodiscard]] double discount_after(const PresentBiasSettings& settings, Duration time);

enum class Foresight : std::uint8_t { unbiased, naive, sophisticated };
enum class Immediate : std::uint8_t { cost, reward };
inline constexpr std::size_t kPeriodsMax = 1000;

/// The period, from 0, in which a task that must be done in one of them is done. Rewards and costs -1e15..1e15, one of
/// each per period, 1..kPeriodsMax. What is not immediate comes later than all periods.
[[nodiscard]] Result<std::size_t> period_of_action(const PresentBiasSettings& settings, Foresight foresight,
                                                   Immediate immediate, std::span<const double> rewards,
                                                   std::span<const double> costs);

}  // namespace homeostat::economy::behaviour
