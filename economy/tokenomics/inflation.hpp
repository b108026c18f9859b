// Inflation: how fast the supply may grow, moved once a month towards a target that indicators set.
//
// The monthly move, pi in 1/year:
//
//     target  = clamp(wanted, pi_min, pi_max)
//     move    = clamp((target - pi) / 12, -move_max, move_max)          pi' = pi + move
//
// so that pi never leaves the band once inside, a constant target is approached by 1/12 of the gap a month (64.8 % of
// it in a year), and no month moves more than move_max. From outside the band it comes back at the same pace, never by
// a jump.
//
// The target from indicators:
//
//     wanted = neutral + w_bonded (1 - bonded / bonded_goal) + w_growth growth - w_velocity velocity_change
//
// Its first term is the rule of Cosmos (too little bonded: pay more for bonding), the other two are the equation of
// exchange M V = P Q in rates: prices stay where they are when the supply grows by real growth less the growth of
// velocity [Fisher 1911; McCallum 1988].
//
// The rule of Cosmos itself (cosmos/cosmos-sdk, x/mint), for those who want it as it is:
//
//     d pi / dt = (1 - bonded / bonded_goal) change_max,   pi in [pi_min, pi_max]
//
// From 13 % with nothing bonded it reaches 20 % after 0.538 years.
//
// Symbols: pi inflation, 1/year; bonded the share of the supply that is bonded, 0..1; growth of real output and
// velocity_change, 1/year. All are ratios: 0.05 is 5 %. Errors name the argument; the range is beside each field.
#pragma once

#include "core/result.hpp"
#include "economy/amount.hpp"

namespace homeostat::economy::tokenomics {

/// The largest rate taken anywhere here: a hundredfold in a year.
inline constexpr double kRatePerYearMax = 100;

struct InflationSettings {
  double rate_min_per_year = 0.02;       ///< 0..kRatePerYearMax
  double rate_max_per_year = 0.08;       ///< rate_min_per_year..kRatePerYearMax
  double monthly_move_max = 0.005;       ///< > 0..kRatePerYearMax, of the yearly rate: 0.5 points
  double neutral_rate_per_year = 0.035;  ///< within the band
  double bonded_goal = 0.67;             ///< > 0..1
  double bonded_weight = 0.03;           ///< 0..kRatePerYearMax, 1/year: what nothing bonded adds
  double growth_weight = 0.5;            ///< 0..10
  double velocity_weight = 0.25;         ///< 0..10
};
[[nodiscard]] Result<> check(const InflationSettings& settings);

struct InflationMove {
  double next_per_year = 0;
  double change = 0;               ///< next less current
  double target_per_year = 0;      ///< the wanted one within the band
  bool is_target_clamped = false;  ///< the band bit
  bool is_move_clamped = false;    ///< the monthly maximum bit
  bool operator==(const InflationMove&) const = default;
};

/// One month's move. `current` and `wanted` in -1..kRatePerYearMax: a supply can have shrunk.
[[nodiscard]] Result<InflationMove> monthly_move(const InflationSettings& settings, double current_per_year,
                                                 double wanted_per_year);

/// What the target is read from. Those that are not measured stay neutral.
struct InflationIndicators {
  double bonded = 0.67;                 ///< 0..1
  double growth_per_year = 0;           ///< -1..kRatePerYearMax
  double velocity_change_per_year = 0;  ///< -1..kRatePerYearMax
};

/// The wanted inflation within the band.
[[nodiscard]] Result<double> inflation_target(const InflationSettings& settings, const InflationIndicators& indicators);

struct BondedSettings {
  double rate_min_per_year = 0.07;     ///< 0..kRatePerYearMax
  double rate_max_per_year = 0.20;     ///< rate_min_per_year..kRatePerYearMax
  double change_max_per_year2 = 0.13;  ///< > 0..kRatePerYearMax: of the rate, in a year with nothing bonded
  double bonded_goal = 0.67;           ///< > 0..1
};
[[nodiscard]] Result<> check(const BondedSettings& settings);

/// The rule of Cosmos over `years` (0..100) during which `bonded` stays.
[[nodiscard]] Result<double> bonded_inflation(const BondedSettings& settings, double current_per_year, double bonded,
                                              double years);

/// supply x rate x years, rounded down: what a period of `years` (0..100) issues. Error out_of_range, also beyond
/// kAmountMax.
[[nodiscard]] Result<Amount> issuance(Amount supply, double rate_per_year, double years);

}  // namespace homeostat::economy::tokenomics
