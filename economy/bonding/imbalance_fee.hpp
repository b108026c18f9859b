// A fee that rises when an operation leaves the reserve more lopsided than it found it.
//
//     imbalance(z) = sum |z_i - median(z)| / sum z    (0 of nothing; median of an even count: the mean of the middle
//     two) fee = static + (surge - static) min((after - threshold) / (1 - threshold), 1)
//           if after > threshold, after > before and surge >= static; static otherwise
//
// z are values before and after the operation without its fee: raw values u_i, or better normalised by their target,
// z_i = u_i / (N w_i), so that a reserve at its target weights is balanced whatever these are. Instead of values,
// prices can say how far the reserve is from its peak:
//
//     E-CLP    peak = clamp(s / c, alpha, beta), imbalance = slope (peak - p) / (peak - alpha) below it,
//              slope (p - peak) / (beta - peak) above, at most 1
//     N assets max_i ((p_i - 1) / (beta_i - 1) if p_i > 1, (1 - p_i) / (1 - alpha_i) otherwise), sum w_i p_i = 1
//
// Fees are fractions, as is `fee_to_treasury`; the rest of a fee stays in the reserve. Errors: 1e-15 relative but for
// the differences from a threshold or peak. Sources: Balancer v3's StableSurge and E-CLP surge hooks; the MYCO bonding
// curve (defaults 0.3 %, 5 %, 20 %, to the treasury); normalisation and the price form of N assets are ours.
#pragma once

#include "economy/bonding/eclp.hpp"
#include "economy/bonding/liquidity.hpp"

namespace homeostat::economy::bonding {

enum class Measure : std::uint8_t { normalised, raw };

struct ImbalanceFeeSettings {
  Measure measure = Measure::normalised;
  double static_fee = 0.003;   ///< 0..kFeeMax
  double surge_fee = 0.05;     ///< 0..kFeeMax; below static_fee: no surge
  double threshold = 0.2;      ///< 0..0.999999
  double fee_to_treasury = 1;  ///< 0..1
};
[[nodiscard]] Result<> check(const ImbalanceFeeSettings& settings);

/// Of the middle two for an even count. 1..kAssetsMax finite values (CHECKed).
[[nodiscard]] double median(std::span<const double> values);
/// 0..1, of values >= 0; more than 1 only for three or more of which most are zero.
[[nodiscard]] Result<double> imbalance(std::span<const double> values);
/// z_i of `values` for `weights` (> 0).
[[nodiscard]] Result<Values> normalised(std::span<const double> values, std::span<const double> weights);

/// The fee of an operation that moves the imbalance from `before` to `after`; settings have been checked.
[[nodiscard]] double fee_rate(const ImbalanceFeeSettings& settings, double before, double after);

struct FeeRate {
  double before = 0;  ///< imbalance
  double after = 0;
  double rate = 0;
};
/// Of values before and after the operation. `weights` are the targets; empty with Measure::raw.
[[nodiscard]] Result<FeeRate> imbalance_fee(const ImbalanceFeeSettings& settings, std::span<const double> before,
                                            std::span<const double> after, std::span<const double> weights = {});

struct Charge {
  double net = 0;
  double to_treasury = 0;
  double to_reserve = 0;
};
/// Splits `value` (>= 0) at a rate that fee_rate() gave.
[[nodiscard]] Charge charge(const ImbalanceFeeSettings& settings, double rate, double value);

/// How far prices are from the peak, where an E-CLP has most liquidity; slopes 0.01..100.
struct SurgeSlopes {
  double below = 1;
  double above = 1;
};
[[nodiscard]] Result<double> price_imbalance(const EclpSettings& pool, double price, SurgeSlopes slopes = {});
/// N assets: `prices` on any scale, a box around 1 (price_min < 1 < price_max).
[[nodiscard]] Result<double> price_imbalance(std::span<const double> prices, std::span<const double> weights,
                                             std::span<const double> price_min, std::span<const double> price_max);

/// stableswap-ng: m f / ((m - 1) 4 x y / (x + y)^2 + 1): f when x = y, towards m f when not. Source: Curve.
[[nodiscard]] Result<double> offpeg_fee(double fee, double multiplier, double x, double y);
/// tricrypto: mid g + out (1 - g), g = gamma / (gamma + 1 - K), K = prod x_i / (sum x_i / N)^N. Source: Curve.
[[nodiscard]] Result<double> reduction_fee(double mid_fee, double out_fee, double gamma,
                                           std::span<const double> balances);

}  // namespace homeostat::economy::bonding
