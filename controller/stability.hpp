// Whether a pid loop can be stable on a plant that is only known within a range, computed in discrete time, as the loop
// will run: sampled every period, with the delay of the plant, and with the law's own filters, leak and integration.
//
//     plant   P(s) = gain e^(-delay s) / (lag s + 1), held between samples (zero-order), PV per U
//             P(z) = gain ((1 - a) z^-1 + ...) z^-d,  a = e^(-period / lag),  d = delay / period; a fraction of a
//             period is split exactly between two samples [Astrom & Wittenmark 1997, Computer-Controlled Systems,
//             ch. 2.6]
//     law     C(z) = kp + ki T (trapezoid, forward or backward) / (1 - leak z^-1) + kd (1 - z^-1) (1 - f) / T / (1 - f
//     z^-1),
//             behind the filter on the input; leak = 2^(-T / half-life), f = e^(-T / derivative filter)
//
// Stable: every root of 1 + C P lies inside the unit circle (Schur-Cohn recursion, exact up to rounding, no roots are
// sought). Gain margin: the factor on the gain at which the first root crosses, by bisection of that test. Phase and
// delay margin: from the frequency response on a fine grid of the unit circle.
//
// A range is judged at its corners: both gains, both lags, both delays and delay + period, for the margin of a
// first-order plant falls with gain and delay; of the lag both ends and their geometric mean are taken.
//
// The same signs as the law's: `gain` > 0 means that what the law does when its metric is low raises the metric. Units:
// PV and U as in controller/settings.hpp; with a relative error the gains are per ratio, and `pv_per_error` turns them.
#pragma once

#include <optional>
#include <vector>

#include "controller/settings.hpp"

namespace homeostat::controller {

struct PlantPoint {
  double gain = 0;  ///< PV per U
  Duration lag;     ///< time constant, 0 = at once
  Duration delay;
};

/// What is known of how the metric answers to the parameter: a first-order lag behind a delay, each from its least to
/// its most .
struct PlantRange {
  double gain_min = 0;  ///< PV per U, > 0
  double gain_max = 0;
  Duration lag_min, lag_max;
  Duration delay_min, delay_max;

  bool operator==(const PlantRange&) const = default;
};

[[nodiscard]] PlantRange range_of(const Plant& plant);

/// A loop's law as far as stability depends on it.
struct LinearLaw {
  double kp = 0;        ///< U per PV
  double ki_per_s = 0;  ///< U per PV and second
  double kd_s = 0;      ///< U seconds per PV
  Duration leak_half_life;
  Duration derivative_filter;
  Duration input_filter;
  Integration integration = Integration::trapezoid;
};
/// Of settings that went through with_defaults(); `setpoint` turns a relative error into PV.
[[nodiscard]] LinearLaw linear(const PidSettings& settings, const Gains& gains, double setpoint);

/// More samples of delay than this are not looked at: such a loop is asked to run at a longer period.
inline constexpr std::size_t kDelaySamplesMax = 1000;
/// And beyond this many no region is computed, which looks at hundreds of laws.
inline constexpr std::size_t kRegionSamplesMax = 100;

[[nodiscard]] bool is_stable(const LinearLaw& law, const PlantPoint& plant, Duration period);

struct Margins {
  bool stable = false;
  double gain = 0;         ///< the factor on the gain that makes it unstable; kGainMarginMax = none up to there
  double phase_deg = 180;  ///< 180 = the loop gain never reaches 1
  double delay_s = 0;      ///< what more delay makes it unstable; infinite = none
  PlantPoint worst;        ///< where in the range
};
inline constexpr double kGainMarginMax = 1000;

[[nodiscard]] Margins margins(const LinearLaw& law, const PlantPoint& plant, Duration period);
/// The least margins of the whole range.
[[nodiscard]] Margins margins(const LinearLaw& law, const PlantRange& range, Duration period);

/// A plant of the range on which the law is unstable; none = stable on all.
[[nodiscard]] std::optional<PlantPoint> unstable_in(const LinearLaw& law, const PlantRange& range, Duration period);

/// The stable region around a law: for a factor on kp and a factor on the period, the largest factor on ki that keeps
/// the whole range stable, with the leak as it is and without any; 0 = none does.
struct RegionRow {
  double kp_factor = 1;
  double period_factor = 1;
  double ki_factor_max = 0;
  double ki_factor_max_without_leak = 0;
};
[[nodiscard]] std::vector<RegionRow> stable_region(const LinearLaw& law, const PlantRange& range, Duration period);

}  // namespace homeostat::controller
