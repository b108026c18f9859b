#include "economy/tokenomics/inflation.hpp"

#include <algorithm>

#include "economy/argument.hpp"
#include "economy/tokenomics/share.hpp"

namespace homeostat::economy::tokenomics {

namespace {
constexpr double kMonthsPerYear = 12;
constexpr double kYearsMax = 100;
constexpr Range kAnyRate{-1, kRatePerYearMax};
constexpr Range kRate{0, kRatePerYearMax};
constexpr Range kAboveZero{std::numeric_limits<double>::min(), kRatePerYearMax};
constexpr Range kShareAboveZero{std::numeric_limits<double>::min(), 1};
}  // namespace

Result<> check(const InflationSettings& s) {
  return first_error(
      require("rate_min_per_year", s.rate_min_per_year, kRate),
      require("rate_max_per_year", s.rate_max_per_year, kRate),
      require_order("rate_min_per_year", s.rate_min_per_year, "rate_max_per_year", s.rate_max_per_year),
      require("monthly_move_max", s.monthly_move_max, kAboveZero),
      require("neutral_rate_per_year", s.neutral_rate_per_year, {s.rate_min_per_year, s.rate_max_per_year}),
      require("bonded_goal", s.bonded_goal, kShareAboveZero), require("bonded_weight", s.bonded_weight, kRate),
      require("growth_weight", s.growth_weight, {0, 10}), require("velocity_weight", s.velocity_weight, {0, 10}));
}

Result<InflationMove> monthly_move(const InflationSettings& s, double current_per_year, double wanted_per_year) {
  if (auto ok = first_error(check(s), require("current_per_year", current_per_year, kAnyRate),
                            require("wanted_per_year", wanted_per_year, kAnyRate));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  InflationMove out;
  out.target_per_year = std::clamp(wanted_per_year, s.rate_min_per_year, s.rate_max_per_year);
  out.is_target_clamped = out.target_per_year != wanted_per_year;
  const double asked = (out.target_per_year - current_per_year) / kMonthsPerYear;
  const double move = std::clamp(asked, -s.monthly_move_max, s.monthly_move_max);
  out.is_move_clamped = move != asked;
  out.next_per_year = current_per_year + move;
  out.change = out.next_per_year - current_per_year;
  return out;
}

Result<double> inflation_target(const InflationSettings& s, const InflationIndicators& indicators) {
  if (auto ok = first_error(check(s), require("bonded", indicators.bonded, {0, 1}),
                            require("growth_per_year", indicators.growth_per_year, kAnyRate),
                            require("velocity_change_per_year", indicators.velocity_change_per_year, kAnyRate));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  const double wanted = s.neutral_rate_per_year + s.bonded_weight * (1 - indicators.bonded / s.bonded_goal) +
                        s.growth_weight * indicators.growth_per_year -
                        s.velocity_weight * indicators.velocity_change_per_year;
  return std::clamp(wanted, s.rate_min_per_year, s.rate_max_per_year);
}

Result<> check(const BondedSettings& s) {
  return first_error(require("rate_min_per_year", s.rate_min_per_year, kRate),
                     require("rate_max_per_year", s.rate_max_per_year, kRate),
                     require_order("rate_min_per_year", s.rate_min_per_year, "rate_max_per_year", s.rate_max_per_year),
                     require("change_max_per_year2", s.change_max_per_year2, kAboveZero),
                     require("bonded_goal", s.bonded_goal, kShareAboveZero));
}

Result<double> bonded_inflation(const BondedSettings& s, double current_per_year, double bonded, double years) {
  if (auto ok = first_error(check(s), require("current_per_year", current_per_year, kAnyRate),
                            require("bonded", bonded, {0, 1}), require("years", years, {0, kYearsMax}));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  const double next = current_per_year + (1 - bonded / s.bonded_goal) * s.change_max_per_year2 * years;
  return std::clamp(next, s.rate_min_per_year, s.rate_max_per_year);
}

Result<Amount> issuance(Amount supply, double rate_per_year, double years) {
  if (auto ok = first_error(require_amount("supply", supply), require("rate_per_year", rate_per_year, kRate),
                            require("years", years, {0, kYearsMax}));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  return share_of(supply, rate_per_year * years);
}

}  // namespace homeostat::economy::tokenomics
