// Reserve tranching: which share of the reserve each vault is meant to hold, as it moves over time and with prices.
//
// Symbols: t time (any unit, the system's is the day), w weights, p prices, p0 calibration prices.
//
//     ramp        value(t) = v0 + (t - t0) / (t1 - t0) (v1 - v0), held at v0 before t0 and at v1 after t1
//     drift       value(t) = base + rate (t - t_update), kept within [min, max]          (QuantAMM's moving weights)
//     scheduled   sw_i = prev_i + (cur_i - prev_i) min(elapsed / duration, 1)
//     target      w_i = p_i / p0_i sw_i / sum_j (p_j / p0_j sw_j)
//
// A target follows the market: a vault whose asset has doubled against calibration is meant to be worth twice as
// much, so that no price move alone makes the reserve sell or buy. Schedules between weights that sum to one sum to
// one; drifting weights are scaled to one after they were kept within their bounds, which they may leave by that.
//
// Sources: docs 06 and 08 of the founding project; Gyroscope's reserve manager; QuantAMM. Relative error <= 4 N eps.
#pragma once

#include <span>

#include "core/result.hpp"

namespace homeostat::economy::bonding {

/// A value on its way from `from` at `begin` to `to` at `end`.
struct Ramp {
  double from = 0;
  double to = 0;
  double begin = 0;
  double end = 0;  ///< <= begin: the value is `to` at once

  [[nodiscard]] double at(double t) const;
  bool operator==(const Ramp&) const = default;
};

/// A value that moves at a constant rate since `updated`.
struct Drift {
  double base = 0;
  double rate = 0;  ///< per unit of time
  double updated = 0;
  double min = 0;
  double max = 1;

  [[nodiscard]] double at(double t) const;
  bool operator==(const Drift&) const = default;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.base);
    a(x.rate);
    a(x.updated);
    a(x.min);
    a(x.max);
  }
};
/// Errors name base, rate, min and max: all finite, min <= base <= max.
[[nodiscard]] Result<> check(const Drift& drift);

/// out[i] = the scheduled weight after `elapsed` of `duration` (0: at once). Both lists sum to one. Sizes are equal.
[[nodiscard]] Result<> scheduled_weights(std::span<const double> previous, std::span<const double> current,
                                         double elapsed, double duration, std::span<double> out);

/// out[i] = drifts[i] at t, scaled so that they sum to one. Error if they sum to zero.
[[nodiscard]] Result<> drifting_weights(std::span<const Drift> drifts, double t, std::span<double> out);

/// out[i] = w_i above. Prices > 0; the weights sum to one.
[[nodiscard]] Result<> target_weights(std::span<const double> prices, std::span<const double> calibration_prices,
                                      std::span<const double> scheduled, std::span<double> out);

/// Shares of the values; the targets if there is nothing (an empty reserve is where it should be).
void current_weights(std::span<const double> values, std::span<const double> targets, std::span<double> out);

/// sum_i |w_i - target_i| / 2: the share of the reserve that is in the wrong vaults, 0..1.
[[nodiscard]] double weight_imbalance(std::span<const double> weights, std::span<const double> targets);

}  // namespace homeostat::economy::bonding
