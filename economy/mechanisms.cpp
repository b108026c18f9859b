// The table of mechanisms. Each entry names its inputs in the order in which its function takes them.
#include <algorithm>
#include <array>
#include <cmath>

#include "economy/bonding/commitment.hpp"
#include "economy/bonding/dampening.hpp"
#include "economy/bonding/imbalance_fee.hpp"
#include "economy/bonding/pamm.hpp"
#include "economy/mechanism.hpp"
#include "economy/tokenomics/inflation.hpp"
#include "economy/tokenomics/rates.hpp"
#include "economy/tokenomics/stabilisation.hpp"

namespace homeostat::economy {
namespace {

using namespace tokenomics;
using Values = std::span<const double>;
using Input = MechanismInput;

constexpr Range kRatio{0, 1};
constexpr Range kYearly{-1, kRatePerYearMax};
constexpr Range kRate{0, kRatePerYearMax};
constexpr Range kTokens{0, 1e30};
constexpr Range kPrice{kPriceMin, kPriceMax};

// --- amounts that a pool or a supply gives ---

constexpr std::array kPayoutInputs{
    Input{"balance", "tokens", kTokens, {}, "what there is"},
    Input{"reserve", "tokens", kTokens, 0.0, "what must stay"},
    Input{"share", "ratio", kRatio, {}, "of what is above the reserve, paid out at once"},
};
Result<double> payout(Values x) {
  return std::max(0.0, x[0] - x[1]) * x[2];
}

constexpr std::array kIssuanceInputs{
    Input{"supply", "tokens", kTokens, {}, "the supply that it grows"},
    Input{"rate", "ratio", kRate, {}, "per year"},
    Input{"period", "days", {0, 36'500}, {}, "how long one issue is for: the cooldown of the parameter"},
};
Result<double> issuance_of(Values x) {
  return x[0] * x[1] * (x[2] / 365);
}

/// How much of an instrument is used when the price is `gap` outside its range (economy/tokenomics/stabilisation.hpp).
double intensity(double gap, double gap_full) {
  return gap_full == 0 ? 1 : std::min(gap / gap_full, 1.0);
}

constexpr std::array kBuyBackInputs{
    Input{"price", "price", kPrice, {}, "of the token"},
    Input{"low", "price", kPrice, {}, "nothing is done at or above this price"},
    Input{"pool", "tokens", kTokens, {}, "what the stability pool holds"},
    Input{"kept", "tokens", kTokens, 0.0, "what the pool never goes below"},
    Input{"pool_rate", "ratio", kRatio, 0.01, "of what the pool can give, at once"},
    Input{"gap_full", "ratio", {0, 100}, 0.0, "the gap below `low` from which on all of pool_rate is used; 0: at once"},
};
Result<double> buy_back_of(Values x) {
  if (x[0] >= x[1]) return 0.0;
  return std::max(0.0, x[2] - x[3]) * x[4] * intensity(x[1] / x[0] - 1, x[5]);
}

constexpr std::array kSupplyIncreaseInputs{
    Input{"price", "price", kPrice, {}, "of the token"},
    Input{"high", "price", kPrice, {}, "nothing is done at or below this price"},
    Input{"supply", "tokens", kTokens, {}, "the supply"},
    Input{"supply_rate", "ratio", kRatio, 0.0002, "of the supply, at once"},
    Input{"gap_full",
          "ratio",
          {0, 100},
          0.0,
          "the gap above `high` from which on all of supply_rate is used; 0: at once"},
};
Result<double> supply_increase_of(Values x) {
  if (x[0] <= x[1]) return 0.0;
  return x[2] * x[3] * intensity(x[0] / x[1] - 1, x[4]);
}

constexpr std::array kBurnInputs{
    Input{"burnable", "tokens", kTokens, {}, "what may be burned: the fees of a period, say"},
    Input{"share", "ratio", {0, 0.5}, {}, "of it that is burned"},
};
Result<double> burn_of(Values x) {
  return x[0] * x[1];
}

// --- values ---

constexpr std::array kInflationInputs{
    Input{"current", "ratio", kYearly, {}, "the inflation in force, per year: `applied`"},
    Input{"target", "ratio", kYearly, {}, "per year; held inside the band"},
    Input{"rate_min", "ratio", kRate, 0.02, "lower end of the band"},
    Input{"rate_max", "ratio", kRate, 0.08, "upper end of the band"},
    Input{"move_max", "ratio", {1e-9, kRatePerYearMax}, 0.005, "largest move of one month"},
};
InflationSettings inflation_settings(double rate_min, double rate_max, double move_max) {
  InflationSettings settings{
      .rate_min_per_year = rate_min, .rate_max_per_year = rate_max, .monthly_move_max = move_max};
  settings.neutral_rate_per_year = std::clamp(settings.neutral_rate_per_year, rate_min, std::max(rate_min, rate_max));
  return settings;
}
Result<double> inflation_step(Values x) {
  const InflationSettings settings = inflation_settings(x[2], x[3], x[4]);
  if (auto ok = check(settings); !ok) return tl::make_unexpected(ok.error());
  const auto move = monthly_move(settings, x[0], x[1]);
  if (!move) return tl::make_unexpected(move.error());
  return move->next_per_year;
}

constexpr std::array kInflationTargetInputs{
    Input{"bonded", "ratio", kRatio, {}, "share of the supply that is bonded"},
    Input{"growth", "ratio", kYearly, 0.0, "of real output, per year"},
    Input{"velocity_change", "ratio", kYearly, 0.0, "of the velocity of money, per year"},
    Input{"bonded_goal", "ratio", {1e-6, 1}, 0.67, "the share to be bonded"},
    Input{"neutral", "ratio", kRate, 0.035, "with everything at its goal, per year"},
    Input{"rate_min", "ratio", kRate, 0.02, "lower end of the band"},
    Input{"rate_max", "ratio", kRate, 0.08, "upper end of the band"},
};
Result<double> inflation_target_of(Values x) {
  InflationSettings settings{
      .rate_min_per_year = x[5], .rate_max_per_year = x[6], .neutral_rate_per_year = x[4], .bonded_goal = x[3]};
  if (auto ok = check(settings); !ok) return tl::make_unexpected(ok.error());
  return inflation_target(settings, {.bonded = x[0], .growth_per_year = x[1], .velocity_change_per_year = x[2]});
}

constexpr std::array kBondedInputs{
    Input{"current", "ratio", kYearly, {}, "the inflation in force, per year: `applied`"},
    Input{"bonded", "ratio", kRatio, {}, "share of the supply that is bonded"},
    Input{"period", "days", {0, 36'500}, {}, "since the last step: the cooldown of the parameter"},
    Input{"bonded_goal", "ratio", {1e-6, 1}, 0.67, "the share to be bonded"},
    Input{"rate_min", "ratio", kRate, 0.07, "lower end of the band"},
    Input{"rate_max", "ratio", kRate, 0.20, "upper end of the band"},
    Input{"change_max", "ratio", {1e-9, kRatePerYearMax}, 0.13, "of the rate, in a year with nothing bonded"},
};
Result<double> bonded_inflation_of(Values x) {
  const BondedSettings settings{
      .rate_min_per_year = x[4], .rate_max_per_year = x[5], .change_max_per_year2 = x[6], .bonded_goal = x[3]};
  if (auto ok = check(settings); !ok) return tl::make_unexpected(ok.error());
  return bonded_inflation(settings, x[0], x[1], x[2] / 365);
}

constexpr std::array kStakingInputs{
    Input{"participation", "ratio", kRatio, {}, "staked share of the supply"},
    Input{"apy_min", "ratio", kRate, 0.05, "paid at participation_high and above"},
    Input{"apy_max", "ratio", kRate, 0.15, "paid at participation_low and below"},
    Input{"participation_low", "ratio", kRatio, 0.2, ""},
    Input{"participation_high", "ratio", kRatio, 0.8, ""},
};
Result<double> staking_of(Values x) {
  StakingSettings settings{.apy_min = x[1], .apy_max = x[2], .participation_low = x[3], .participation_high = x[4]};
  settings.apy_goal = std::clamp(settings.apy_goal, x[1], std::max(x[1], x[2]));
  if (auto ok = check(settings); !ok) return tl::make_unexpected(ok.error());
  return staking_apy(settings, x[0]);
}

constexpr std::array kStabilityFeeInputs{
    Input{"price", "price", kPrice, {}, "of what is to be stable"},
    Input{"target", "price", kPrice, 1.0, "what it should be"},
    Input{"volatility", "ratio", {0, 100}, 0.0, "of the price"},
    Input{"utilisation", "ratio", kRatio, 0.0, "of what can be borrowed"},
    Input{"fee_min", "ratio", kRatio, 0.001, "per year, in a calm market"},
    Input{"fee_max", "ratio", kRatio, 0.01, "per year, in full stress"},
};
Result<double> stability_fee_of(Values x) {
  const StabilityFeeSettings settings{.fee_min_per_year = x[4], .fee_max_per_year = x[5]};
  if (auto ok = check(settings); !ok) return tl::make_unexpected(ok.error());
  return stability_fee(settings, {.price = x[0], .target = x[1], .volatility = x[2], .utilisation = x[3]});
}

// --- the bonding surface ---

constexpr std::array kImbalanceFeeInputs{
    Input{"imbalance", "ratio", {0, 2}, {}, "of the reserve, as it is or would be"},
    Input{"before", "ratio", {0, 2}, 0.0, "as it was: what brings it back pays the static fee"},
    Input{"static_fee", "ratio", {0, bonding::kFeeMax}, 0.003, ""},
    Input{"surge_fee", "ratio", {0, bonding::kFeeMax}, 0.05, "at an imbalance of one"},
    Input{"threshold", "ratio", {0, 0.999999}, 0.2, "the imbalance from which the fee rises"},
};
Result<double> imbalance_fee_of(Values x) {
  const bonding::ImbalanceFeeSettings settings{.static_fee = x[2], .surge_fee = x[3], .threshold = x[4]};
  if (auto ok = bonding::check(settings); !ok) return tl::make_unexpected(ok.error());
  return bonding::fee_rate(settings, x[1], x[0]);
}

constexpr std::array kRedemptionRateInputs{
    Input{"level", "tokens", kTokens, {}, "redeemed lately, decaying"},
    Input{"reserve", "tokens", kTokens, {}, "what the reserve is worth, in tokens at par"},
    Input{"supply", "tokens", {1e-18, 1e30}, {}, "the supply"},
    Input{"slope_min", "1", {1e-4, 1e4}, 1.0, "least fall of the rate per anchor supply redeemed"},
    Input{"par_share_max", "ratio", kRatio, 0.3, "largest share of the anchor supply redeemable at par"},
    Input{"floor_ratio", "ratio", kRatio, 0.6, "reserve ratio at which redemption becomes pro rata"},
};
Result<double> redemption_rate_of(Values x) {
  const auto pamm = bonding::Pamm::make({.slope_min = x[3], .par_share_max = x[4], .floor_ratio = x[5]});
  if (!pamm) return tl::make_unexpected(pamm.error());
  return pamm->rate({x[0], x[1], x[2]});
}

constexpr std::array kRedemptionMultiplierInputs{
    Input{"flow", "tokens", kTokens, {}, "redeemed lately, decaying"},
    Input{"supply", "tokens", {1e-18, 1e30}, {}, "the supply"},
    Input{"threshold", "ratio", {1e-6, 1}, 0.1, "outflow, of the supply, that is dampened"},
    Input{"multiplier_min", "ratio", {1e-3, 1}, 0.1, "the least that passes"},
};
Result<double> redemption_multiplier_of(Values x) {
  const auto dampener = bonding::Dampener::make({.threshold = x[2], .multiplier_min = x[3]});
  if (!dampener) return tl::make_unexpected(dampener.error());
  return dampener->multiplier(x[0] / x[1]);
}

constexpr std::array kCommitmentRoomInputs{
    Input{"supply", "tokens", kTokens, {}, "the supply"},
    Input{"committed", "tokens", kTokens, {}, "of it, minted for commitments"},
    Input{"cap", "ratio", {0, 0.99}, 0.3, "largest share of commitments in the supply"},
};
Result<double> commitment_room_of(Values x) {
  return bonding::cap_room(x[2], x[0], x[1]);
}

constexpr auto kValue = MechanismOutput::value;
constexpr auto kAmount = MechanismOutput::amount;

constexpr std::array kMechanisms{
    Mechanism{"bonded_inflation",
              "The yearly inflation after one step of the rule that pays more for bonding while too little is bonded.",
              "Cosmos SDK, x/mint", kValue, "ratio", kBondedInputs, bonded_inflation_of},
    Mechanism{"burn", "A share, at most half, of what may be burned.", "burn by decision, 0-50 %", kAmount, "tokens",
              kBurnInputs, burn_of},
    Mechanism{"buy_back", "What the stability pool spends on tokens while their price is below its range.",
              "fractional draws: what is left after n of them is (1 - pool_rate)^n", kAmount, "tokens", kBuyBackInputs,
              buy_back_of},
    Mechanism{"commitment_room", "What may still be minted for commitments so that they keep below their cap.",
              "(cap S - C) / (1 - cap)", kValue, "tokens", kCommitmentRoomInputs, commitment_room_of},
    Mechanism{"imbalance_fee", "The fee of what makes a reserve more lopsided, by how lopsided it becomes.",
              "Balancer v3 StableSurge", kValue, "ratio", kImbalanceFeeInputs, imbalance_fee_of},
    Mechanism{"inflation_step", "The yearly inflation after one monthly move towards a target, inside a band.",
              "monthly move of (target - current) / 12", kValue, "ratio", kInflationInputs, inflation_step},
    Mechanism{"inflation_target", "The yearly inflation that indicators ask for, inside a band.",
              "Cosmos SDK x/mint; equation of exchange [Fisher 1911]", kValue, "ratio", kInflationTargetInputs,
              inflation_target_of},
    Mechanism{"issuance", "What a yearly rate issues in a period.", "supply x rate x period / 365 days", kAmount,
              "tokens", kIssuanceInputs, issuance_of},
    Mechanism{"payout", "A share of what a pool holds above its reserve: a pool that is paid out so never runs dry.",
              "geometric payout: what is left after n of them is (1 - share)^n", kAmount, "tokens", kPayoutInputs,
              payout},
    Mechanism{"redemption_multiplier", "The share of a redemption that passes, by what was redeemed lately.",
              "flow dampening, docs/economy/bonding.md", kValue, "ratio", kRedemptionMultiplierInputs,
              redemption_multiplier_of},
    Mechanism{"redemption_rate", "What the next token is paid, of par: falling from par to what there is for each.",
              "Gyroscope's P-AMM [Klages-Mundt, Schuldenzucker 2022]", kValue, "ratio", kRedemptionRateInputs,
              redemption_rate_of},
    Mechanism{"stability_fee", "The yearly fee on borrowing, by how unsettled the market is.",
              "weighted stress; the purpose of MakerDAO's stability fee", kValue, "ratio", kStabilityFeeInputs,
              stability_fee_of},
    Mechanism{"staking_apy", "The yearly staking reward, falling in a straight line as more of the supply is staked.",
              "linear reward curve between two participations", kValue, "ratio", kStakingInputs, staking_of},
    Mechanism{"supply_increase", "What is minted while the price is above its range.",
              "TKPI-8, as a share of the supply", kAmount, "tokens", kSupplyIncreaseInputs, supply_increase_of},
};

}  // namespace

std::span<const Mechanism> mechanisms() {
  return kMechanisms;
}

}  // namespace homeostat::economy
