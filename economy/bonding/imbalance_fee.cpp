#include "economy/bonding/imbalance_fee.hpp"

#include <algorithm>
#include <cmath>

#include "economy/argument.hpp"

namespace homeostat::economy::bonding {
namespace {

constexpr double kThresholdMax = 0.999999;
constexpr Range kSlopes{0.01, 100};
constexpr double kMultiplierMax = 1000;
constexpr double kWeightMin = 1e-9;

/// In place and without calls, which for up to sixteen values is the quickest.
void sort(Values& x) {
  for (std::size_t i = 1; i < x.size(); ++i) {
    const double one = x[i];
    std::size_t j = i;
    for (; j > 0 && x[j - 1] > one; --j) x[j] = x[j - 1];
    x[j] = one;
  }
}

double imbalance_of(const Values& z) {
  const double middle = median(z);
  double away = 0, sum = 0;
  for (const double x : z) {
    away += std::fabs(x - middle);
    sum += x;
  }
  return sum > 0 ? away / sum : 0;
}

/// z_i = u_i / (N w_i)
Values scaled(std::span<const double> values, std::span<const double> weights) {
  Values out(values);
  const double n = static_cast<double>(values.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] /= n * weights[i];
  return out;
}

bool is_pool(std::span<const double> values) {
  bool is_good = !values.empty() && values.size() <= kAssetsMax;
  for (const double x : values) is_good &= is_in(x, {0, kBalanceMax});
  return is_good;
}
bool are_shares(std::span<const double> weights, std::size_t count) {
  double sum = 0;
  bool is_good = weights.size() == count;
  for (const double w : weights) {
    is_good &= is_in(w, {kWeightMin, 1});
    sum += w;
  }
  return is_good && std::fabs(sum - 1) <= kShareSumTolerance;
}

Result<> require_count(std::string_view name, std::size_t count) {
  if (count <= kAssetsMax) return {};
  return fail(ErrorCode::out_of_range, std::string(name), "must be at most 16, are " + std::to_string(count));
}

}  // namespace

Result<> check(const ImbalanceFeeSettings& s) {
  return first_error(require("static_fee", s.static_fee, {0, kFeeMax}), require("surge_fee", s.surge_fee, {0, kFeeMax}),
                     require("threshold", s.threshold, {0, kThresholdMax}),
                     require("fee_to_treasury", s.fee_to_treasury, {0, 1}));
}

double median(std::span<const double> values) {
  HOMEOSTAT_CHECK(!values.empty());
  Values sorted(values);
  sort(sorted);
  const std::size_t n = sorted.size();
  return n % 2 == 1 ? sorted[n / 2] : sorted[n / 2 - 1] + (sorted[n / 2] - sorted[n / 2 - 1]) / 2;
}

Result<double> imbalance(std::span<const double> values) {
  auto ok = first_error(require_count("values", values.size()), require_each("values", values, {0, kBalanceMax}));
  if (!ok) return tl::make_unexpected(ok.error());
  return imbalance_of(Values(values));
}

Result<Values> normalised(std::span<const double> values, std::span<const double> weights) {
  const std::size_t n = values.size();
  auto ok = first_error(require_count("values", n), require_each("values", values, {0, kBalanceMax}),
                        require_same_size("weights", weights.size(), "the values", n),
                        require_shares("weights", weights), require_each("weights", weights, {kWeightMin, 1}));
  if (!ok) return tl::make_unexpected(ok.error());
  return scaled(values, weights);
}

double fee_rate(const ImbalanceFeeSettings& s, double before, double after) {
  if (!(after > before && after > s.threshold && s.surge_fee >= s.static_fee)) return s.static_fee;
  return s.static_fee + (s.surge_fee - s.static_fee) * std::min((after - s.threshold) / (1 - s.threshold), 1.0);
}

Result<FeeRate> imbalance_fee(const ImbalanceFeeSettings& s, std::span<const double> before,
                              std::span<const double> after, std::span<const double> weights) {
  if (auto ok = require_same_size("after", after.size(), "before", before.size()); !ok) {
    return tl::make_unexpected(ok.error());
  }
  const bool is_raw = s.measure == Measure::raw;
  if (!(is_raw ? is_pool(before) && is_pool(after)
               : are_shares(weights, before.size()) && is_pool(before) && is_pool(after))) {
    for (const auto& values : {before, after}) {  // the slow way, which knows what is wrong
      if (auto raw = imbalance(values); !raw) return tl::make_unexpected(raw.error());
      if (is_raw) continue;
      if (auto z = normalised(values, weights); !z) return tl::make_unexpected(z.error());
    }
  }
  const double was = imbalance_of(is_raw ? Values(before) : scaled(before, weights));
  const double is = imbalance_of(is_raw ? Values(after) : scaled(after, weights));
  return FeeRate{was, is, fee_rate(s, was, is)};
}

Charge charge(const ImbalanceFeeSettings& s, double rate, double value) {
  const double fee = value * rate;
  const double to_treasury = fee * s.fee_to_treasury;
  return {value - fee, to_treasury, fee - to_treasury};
}

Result<double> price_imbalance(const EclpSettings& pool, double price, SurgeSlopes slopes) {
  auto ok = first_error(check(pool), require("price", price, {kPriceMin, kPriceMax}),
                        require("slopes.below", slopes.below, kSlopes), require("slopes.above", slopes.above, kSlopes));
  if (!ok) return tl::make_unexpected(ok.error());
  // c may be zero: the peak is then beyond any beta.
  const double peak = pool.s >= pool.beta * pool.c ? pool.beta : std::max(pool.s / pool.c, pool.alpha);
  const double p = std::clamp(price, pool.alpha, pool.beta);
  if (p == peak) return 0;
  return std::min(
      1.0, p < peak ? slopes.below * (peak - p) / (peak - pool.alpha) : slopes.above * (p - peak) / (pool.beta - peak));
}

Result<double> price_imbalance(std::span<const double> prices, std::span<const double> weights,
                               std::span<const double> price_min, std::span<const double> price_max) {
  const std::size_t n = prices.size();
  auto ok =
      first_error(require_count("prices", n), require_each("prices", prices, {kPriceMin, kPriceMax}),
                  require_same_size("weights", weights.size(), "the prices", n), require_shares("weights", weights),
                  require_same_size("price_min", price_min.size(), "the prices", n),
                  require_each("price_min", price_min, {0, 1 - kPriceMin}),
                  require_same_size("price_max", price_max.size(), "the prices", n),
                  require_each("price_max", price_max, {1 + kPriceMin, kPriceMax}));
  if (!ok) return tl::make_unexpected(ok.error());
  double scale = 0;
  for (std::size_t i = 0; i < n; ++i) scale += weights[i] * prices[i];
  double out = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double p = prices[i] / scale;
    out = std::max(out, p > 1 ? (p - 1) / (price_max[i] - 1) : (1 - p) / (1 - price_min[i]));
  }
  return std::min(out, 1.0);
}

Result<double> offpeg_fee(double fee, double multiplier, double x, double y) {
  auto ok = first_error(require("fee", fee, {0, kFeeMax}), require("multiplier", multiplier, {1, kMultiplierMax}),
                        require("x", x, {kReserveMin, kBalanceMax}), require("y", y, {kReserveMin, kBalanceMax}));
  if (!ok) return tl::make_unexpected(ok.error());
  return multiplier * fee / ((multiplier - 1) * 4 * (x / (x + y)) * (y / (x + y)) + 1);
}

Result<double> reduction_fee(double mid_fee, double out_fee, double gamma, std::span<const double> balances) {
  auto ok = first_error(require("mid_fee", mid_fee, {0, kFeeMax}), require("out_fee", out_fee, {0, kFeeMax}),
                        require("gamma", gamma, {1e-12, 1e6}), require_count("balances", balances.size()),
                        require_each("balances", balances, {kReserveMin, kBalanceMax}));
  if (!ok) return tl::make_unexpected(ok.error());
  double sum = 0;
  for (const double x : balances) sum += x;
  const double mean = sum / static_cast<double>(balances.size());
  double k = 1;
  for (const double x : balances) k *= x / mean;
  const double g = gamma / (gamma + (1 - std::min(k, 1.0)));
  return mid_fee * g + out_fee * (1 - g);
}

}  // namespace homeostat::economy::bonding
