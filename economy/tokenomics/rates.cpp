#include "economy/tokenomics/rates.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "economy/argument.hpp"
#include "economy/tokenomics/inflation.hpp"
#include "economy/tokenomics/share.hpp"

namespace homeostat::economy::tokenomics {

namespace {
constexpr double kTiny = std::numeric_limits<double>::min();
constexpr Range kApy{0, kRatePerYearMax};
constexpr Range kShareAboveZero{kTiny, 1};
constexpr Range kPrice{1e-30, 1e30};
constexpr Range kFull{kTiny, 100};

Result<> check_subject(const Approval& approval, Subject expected) {
  if (approval.proposal().subject == expected) return {};
  return fail(
      ErrorCode::invalid_argument, "approval",
      "must be of " + std::string(name_of(expected)) + ", is of " + std::string(name_of(approval.proposal().subject)));
}
}  // namespace

Result<> check(const StakingSettings& s) {
  if (auto ok = first_error(require("apy_min", s.apy_min, kApy), require("apy_max", s.apy_max, kApy),
                            require_order("apy_min", s.apy_min, "apy_max", s.apy_max),
                            require("participation_low", s.participation_low, {0, 1}),
                            require("participation_high", s.participation_high, {0, 1}),
                            require("apy_goal", s.apy_goal, {s.apy_min, s.apy_max}),
                            require("participation_goal", s.participation_goal, kShareAboveZero));
      !ok) {
    return ok;
  }
  if (s.participation_low < s.participation_high) return {};
  return fail(ErrorCode::invalid_argument, "participation_low", "must be below participation_high");
}

Result<double> staking_apy(const StakingSettings& s, double participation) {
  if (auto ok = first_error(check(s), require("participation", participation, {0, 1})); !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  switch (s.curve) {
    case StakingCurve::linear: {
      const double way = (participation - s.participation_low) / (s.participation_high - s.participation_low);
      const double apy = s.apy_max - (s.apy_max - s.apy_min) * way;
      return std::clamp(apy, s.apy_min, s.apy_max);
    }
    case StakingCurve::inverse_root:
      // Nothing staked: an infinite root, clamped.
      return std::clamp(s.apy_goal * std::sqrt(s.participation_goal / std::max(participation, kTiny)), s.apy_min,
                        s.apy_max);
  }
  return s.apy_min;
}

Result<> check(const StabilityFeeSettings& s) {
  const std::array weights{s.volatility_weight, s.deviation_weight, s.utilisation_weight};
  return first_error(require("fee_min_per_year", s.fee_min_per_year, {0, 1}),
                     require("fee_max_per_year", s.fee_max_per_year, {0, 1}),
                     require_order("fee_min_per_year", s.fee_min_per_year, "fee_max_per_year", s.fee_max_per_year),
                     require("volatility_full", s.volatility_full, kFull),
                     require("deviation_full", s.deviation_full, kFull), require_shares("weights", weights));
}

Result<double> stability_fee(const StabilityFeeSettings& s, const Market& market) {
  if (auto ok = first_error(check(s), require("price", market.price, kPrice), require("target", market.target, kPrice),
                            require("volatility", market.volatility, {0, 100}),
                            require("utilisation", market.utilisation, {0, 1}));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  const double deviation = std::abs(market.price / market.target - 1);
  const double stress = s.volatility_weight * std::min(market.volatility / s.volatility_full, 1.0) +
                        s.deviation_weight * std::min(deviation / s.deviation_full, 1.0) +
                        s.utilisation_weight * market.utilisation;
  const double fee = s.fee_min_per_year + (s.fee_max_per_year - s.fee_min_per_year) * stress;
  return std::clamp(fee, s.fee_min_per_year, s.fee_max_per_year);
}

Result<> check(const TaxSettings& s) {
  return first_error(require("treasury_tax_min", s.treasury_tax_min, {0, 1}),
                     require("treasury_tax_max", s.treasury_tax_max, {0, 1}),
                     require_order("treasury_tax_min", s.treasury_tax_min, "treasury_tax_max", s.treasury_tax_max),
                     require("burn_max", s.burn_max, {0, 1}));
}

Result<double> treasury_tax(const TaxSettings& s, const Approval& approval) {
  if (auto ok =
          first_error(check(s), check_subject(approval, Subject::treasury_tax),
                      require("treasury_tax", approval.proposal().value, {s.treasury_tax_min, s.treasury_tax_max}));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  return approval.proposal().value;
}

Result<Amount> treasury_tax_amount(const TaxSettings& s, const Approval& approval, Amount taxed) {
  const auto rate = treasury_tax(s, approval);
  if (!rate) return tl::make_unexpected(rate.error());
  if (auto ok = require_amount("taxed", taxed); !ok) return tl::make_unexpected(std::move(ok.error()));
  return part_of(taxed, *rate);
}

Result<Amount> burn_amount(const TaxSettings& s, const Approval& approval, Amount burnable) {
  if (auto ok = first_error(check(s), check_subject(approval, Subject::burn),
                            require("burn", approval.proposal().value, {0, s.burn_max}),
                            require_amount("burnable", burnable));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  return part_of(burnable, approval.proposal().value);
}

}  // namespace homeostat::economy::tokenomics
