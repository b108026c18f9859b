// Health of a token economy: how it stands against its targets, from measured numbers.
//
//     price band        share of steps with |P / P_ref - 1| <= band; the largest deviation; steps until it is in for
//     good volatility        sqrt(periods_per_year sum(r^2) / n), r = ln(P_t / P_(t-1)), 1/sqrt(year), about a mean of
//     zero inflation         S(t) / S(t - 1 year) - 1, net of burn participation     staked / circulating value capture
//     (treasury + burned + stakers' share) / gross fees; net of what buy-backs cost it must be > 0 runway treasury /
//     spending per month, months concentration     Gini, HHI, Nakamoto coefficient of holdings (core/statistics.hpp)
//     velocity          V = P Q / M; the identity's gap M V / (P Q) - 1 where V is measured by itself  [Fisher 1911]
//
// The targets of the designs this project grew from: price within 10 % for 95 % of the time, inflation 2-5 %, staking
// above 60 %, value capture above 20 %. Flags follow the house's rule: false is healthy.
//
// Statistics of plain numbers (gini, hhi, nakamoto, mean, deviation, median) are also functions of the oracle's metric
// expressions; the ratios here are expressions too: `staked / circulating`, `treasury / spending_per_month`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace homeostat::economy::tokenomics {

/// A runway longer than this, also an endless one, is this.
inline constexpr double kRunwayMonthsMax = 1200;

/// A closed range; one without an end has infinity there.
struct Target {
  double low = 0;
  double high = 0;
};

/// How a series of anything (inflation, participation) kept to its target.
struct BandRecord {
  double inside_share = 0;  ///< 0..1
  double least = 0;
  double most = 0;
  double mean = 0;
  std::size_t settled_after = 0;  ///< as below
};
/// `values` finite, at least one; `target` with low <= high; `settled` at least 1.
[[nodiscard]] Result<BandRecord> band_record(std::span<const double> values, Target target, std::size_t settled = 1);

struct PriceBand {
  double inside_share = 0;        ///< 0..1
  double deviation_max = 0;       ///< the largest |P / P_ref - 1|
  std::size_t settled_after = 0;  ///< the step at which it came in for good: for at least `settled` steps, to the
                                  ///< end; the number of steps if it did not
};
/// `prices` > 0, at least one; `reference` > 0; `band` 0..10; `settled` at least 1.
[[nodiscard]] Result<PriceBand> price_band(std::span<const double> prices, double reference, double band,
                                           std::size_t settled = 200);

/// `prices` > 0, at least two; `periods_per_year` (steps in a year) > 0..1e9.
[[nodiscard]] Result<double> realised_volatility(std::span<const double> prices, double periods_per_year);

/// Supplies > 0, a year apart.
[[nodiscard]] Result<double> inflation(double supply_now, double supply_a_year_ago);
/// `staked` 0..circulating, `circulating` > 0.
[[nodiscard]] Result<double> participation(double staked, double circulating);

struct ValueCapture {
  double ratio = 0;  ///< of gross fees
  double net = 0;    ///< captured less the cost of buy-backs, in the fees' unit
};
/// All >= 0 and in one unit; `gross_fees` > 0.
[[nodiscard]] Result<ValueCapture> value_capture(double treasury, double burned, double stakers, double gross_fees,
                                                 double buy_back_cost);
/// Both >= 0; kRunwayMonthsMax if nothing is spent.
[[nodiscard]] Result<double> runway_months(double treasury, double spending_per_month);
/// `output` (Q) and `price` (P) >= 0, `money` (M) > 0: transactions a unit of money makes in the period of Q.
[[nodiscard]] Result<double> velocity(double price, double output, double money);
/// M V / (P Q) - 1; all > 0.
[[nodiscard]] Result<double> velocity_gap(double money, double velocity, double price, double output);

struct Concentration {
  double gini = 0;
  double hhi = 0;
  double nakamoto = 0;
};
/// `holdings` >= 0, together > 0; `scratch` is overwritten. O(n log n).
[[nodiscard]] Result<Concentration> concentration(std::span<const double> holdings, std::vector<double>& scratch);

/// In the order of Health::all.
struct HealthTargets {
  Target price_inside{0.95, 1};
  Target volatility{0, 1};  ///< a year's
  Target inflation{0.02, 0.05};
  Target participation{0.6, 1};
  Target value_capture{0.2, 100};
  Target runway_months{12, kRunwayMonthsMax};
  Target gini{0, 0.85};
  Target hhi{0, 0.15};
  Target nakamoto{10, 1e18};
};
[[nodiscard]] Result<> check(const HealthTargets& targets);

/// What was measured; what was not is left out of the judgement.
struct HealthMeasured {
  std::optional<double> price_inside, volatility, inflation, participation, value_capture, runway_months, gini, hhi,
      nakamoto;
};

struct HealthItem {
  std::string_view name;
  std::optional<double> value;
  Target target;
  double gap = 0;  ///< value less the nearer end of the target, 0 inside or unmeasured
  bool is_missed = false;
};
inline constexpr std::size_t kHealthItems = 9;

struct Health {
  std::array<HealthItem, kHealthItems> items;
  std::size_t measured = 0;
  std::size_t missed = 0;
};
/// Error out_of_range for a target or a value that is not finite.
[[nodiscard]] Result<Health> judge(const HealthTargets& targets, const HealthMeasured& measured);

}  // namespace homeostat::economy::tokenomics
