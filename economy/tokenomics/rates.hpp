// The rates an economy pays and takes: staking reward, stability fee, treasury tax, burn. All within bounds that are
// checked; the last two only with an Approval in hand.
//
// Staking reward (APY, 1/year) by participation p, the staked share of the supply:
//
//     linear        apy_max at p <= p_low, falling in a straight line to apy_min at p >= p_high
//     inverse_root  clamp(apy_goal sqrt(p_goal / p), apy_min, apy_max)     [Ethereum's base reward ~ 1 / sqrt(stake)]
//
// Both fall as more is staked, which is what leads p to a resting place: too little staked pays more.
//
// Stability fee (1/year) by market stress, each part of it 0..1 and the weights summing to 1:
//
//     stress = w_volatility min(volatility / volatility_full, 1) + w_deviation min(|price / target - 1| /
//     deviation_full, 1)
//              + w_utilisation utilisation
//     fee    = fee_min + (fee_max - fee_min) stress
//
// so that borrowing is dearer in an unsettled market (the purpose, not the form, of MakerDAO's stability fee).
//
// Treasury tax: the approved ratio of what is taxed. Burn: the approved ratio of fees or supply that is destroyed.
// Amounts are rounded down: what a rounding leaves stays with the holders.
#pragma once

#include <cstdint>

#include "core/result.hpp"
#include "economy/amount.hpp"
#include "economy/tokenomics/approval.hpp"

namespace homeostat::economy::tokenomics {

enum class StakingCurve : std::uint8_t { linear, inverse_root };

struct StakingSettings {
  StakingCurve curve = StakingCurve::linear;
  double apy_min = 0.05;            ///< 0..kRatePerYearMax
  double apy_max = 0.15;            ///< apy_min..kRatePerYearMax
  double participation_low = 0.2;   ///< 0..1; linear
  double participation_high = 0.8;  ///< above participation_low..1; linear
  double apy_goal = 0.08;           ///< apy_min..apy_max, paid at the goal; inverse_root
  double participation_goal = 0.6;  ///< > 0..1; inverse_root
};
[[nodiscard]] Result<> check(const StakingSettings& settings);
/// The APY at `participation` (0..1).
[[nodiscard]] Result<double> staking_apy(const StakingSettings& settings, double participation);

struct StabilityFeeSettings {
  double fee_min_per_year = 0.001;  ///< 0..1
  double fee_max_per_year = 0.01;   ///< fee_min_per_year..1
  double volatility_full = 0.1;     ///< > 0..100: the volatility (daily, say) that is full stress
  double deviation_full = 0.1;      ///< > 0..100: likewise of |price / target - 1|
  double volatility_weight = 0.4;   ///< 0..1, the three sum to 1
  double deviation_weight = 0.4;
  double utilisation_weight = 0.2;
};
[[nodiscard]] Result<> check(const StabilityFeeSettings& settings);

struct Market {
  double price = 1;        ///< > 0
  double target = 1;       ///< > 0
  double volatility = 0;   ///< 0..100, in the unit of volatility_full
  double utilisation = 0;  ///< 0..1, of what can be borrowed
};
/// The fee, 1/year.
[[nodiscard]] Result<double> stability_fee(const StabilityFeeSettings& settings, const Market& market);

struct TaxSettings {
  double treasury_tax_min = 0.005;  ///< 0..1
  double treasury_tax_max = 0.05;   ///< treasury_tax_min..1
  double burn_max = 0.5;            ///< 0..1
};
[[nodiscard]] Result<> check(const TaxSettings& settings);

/// The approved tax rate. Errors: invalid_argument (an approval of something else), out_of_range.
[[nodiscard]] Result<double> treasury_tax(const TaxSettings& settings, const Approval& approval);
/// That part of `taxed`.
[[nodiscard]] Result<Amount> treasury_tax_amount(const TaxSettings& settings, const Approval& approval, Amount taxed);
/// The approved part of `burnable` that is destroyed: the same errors.
[[nodiscard]] Result<Amount> burn_amount(const TaxSettings& settings, const Approval& approval, Amount burnable);

}  // namespace homeostat::economy::tokenomics
