// Incentive models: what an activity of size a (>= 0, in its own unit) is worth, in tokens, and when its terms change.
//
//     linear              rate a
//     quadratic           rate a^2 / a_ref                     effort is worth more than in proportion
//     square_root         rate sqrt(a a_ref)                   worth less: twice the reward costs four times the
//     effort,
//                                                              as votes do in quadratic voting [Posner, Weyl 2015]
//     exponential_decay   rate a 2^(-T / half_life)            early activity is worth more
//     dynamic_multiplier  rate a m                             m follows the network
//
//     T = period floor(t / period)         m' = clamp(m (1 + gain clamp(1 - observed / target, -1, 1)), m_min, m_max)
//
// a_ref is where quadratic, square_root and linear agree. Terms change at whole adjustment periods only: T is the last
// one's beginning, and m moves at most once in a period, by at most the factor 1 -+ gain; periods in which no one asked
// do not add up. The multiplier's step is that of a base fee [Buterin et al. 2019, EIP-1559] with the sign of a reward:
// too little activity raises it.
//
// The square root favours who splits an identity; sybil.hpp has the variant under which splitting gains nothing.
#pragma once

#include <cstdint>

#include "core/result.hpp"
#include "core/time.hpp"

namespace homeostat::economy::tokenomics {

enum class IncentiveModel : std::uint8_t { linear, quadratic, square_root, exponential_decay, dynamic_multiplier };

inline constexpr double kActivityMax = 1e30;

struct IncentiveSettings {
  IncentiveModel model = IncentiveModel::linear;
  double rate = 1;                                 ///< 0..1e12 tokens per unit of activity
  Duration adjustment_period = Duration::days(7);  ///< > 0..100 years
  double activity_reference = 1;                   ///< a_ref, 1e-12..kActivityMax: quadratic, square_root
  Duration half_life = Duration::days(365);        ///< > 0..100 years: exponential_decay
  double gain = 0.125;                             ///< 0..1: dynamic_multiplier, and below
  double multiplier_min = 0.5;                     ///< > 0..multiplier_max
  double multiplier_max = 2;                       ///< 1000 at most
};
/// The model with its usual period: linear 30 days, quadratic and square_root 14, exponential_decay 7,
/// dynamic_multiplier 1.
[[nodiscard]] IncentiveSettings incentive_defaults(IncentiveModel model);
[[nodiscard]] Result<> check(const IncentiveSettings& settings);

struct MultiplierState {
  double multiplier = 1;
  std::int64_t period = 0;  ///< the one it was last moved in
  bool operator==(const MultiplierState&) const = default;

  /// Archive fields, see core/archive.hpp.
  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.multiplier);
    a(x.period);
  }
};

/// The reward for `activity` (0..kActivityMax) at `elapsed` (>= 0) since the programme began. Error out_of_range, also
/// for a reward beyond 1e60 tokens.
[[nodiscard]] Result<double> incentive(const IncentiveSettings& settings, double activity, Duration elapsed,
                                       const MultiplierState& state = {});

/// The state after `observed` activity (0..kActivityMax) against `target` (> 0..kActivityMax): another one only if a
/// period began since it was last moved.
[[nodiscard]] Result<MultiplierState> next_multiplier(const IncentiveSettings& settings, const MultiplierState& state,
                                                      Duration elapsed, double observed, double target);

}  // namespace homeostat::economy::tokenomics
