#include "controller/stability.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>

#include "core/math.hpp"

namespace homeostat::controller {
namespace {

using Polynomial = std::vector<double>;  // of z^-1, lowest power first

constexpr double kPi = 3.14159265358979323846;
constexpr int kBisections = 40;
constexpr int kFrequencies = 4000;

Polynomial product(const Polynomial& a, const Polynomial& b) {
  Polynomial c(a.size() + b.size() - 1, 0.0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) c[i + j] += a[i] * b[j];
  }
  return c;
}
Polynomial sum(Polynomial a, const Polynomial& b, double factor = 1) {
  if (b.size() > a.size()) a.resize(b.size(), 0.0);
  for (std::size_t i = 0; i < b.size(); ++i) a[i] += factor * b[i];
  return a;
}

struct Fraction {
  Polynomial over;
  Polynomial under{1};
};

double decay(double dt_s, Duration time) {
  return time.ns > 0 ? math::exp(-dt_s / time.in_seconds()) : 0;
}

Fraction plant_of(const PlantPoint& plant, Duration period) {
  const double t = period.in_seconds();
  const double samples = plant.delay.in_seconds() / t;
  const auto whole = static_cast<std::size_t>(samples);
  const double rest_s = (samples - static_cast<double>(whole)) * t;
  const double a = decay(t, plant.lag);
  // Within a period the old output acts for rest_s, then the new one.
  const double late = plant.lag.ns > 0 ? math::exp(-(t - rest_s) / plant.lag.in_seconds()) : (rest_s < t ? 0 : 1);
  Fraction p{Polynomial(whole + 3, 0.0), {1, -a}};
  p.over[whole + 1] = plant.gain * (1 - late);
  p.over[whole + 2] = plant.gain * (late - a);
  return p;
}

Fraction law_of(const LinearLaw& law, Duration period) {
  const double t = period.in_seconds();
  Fraction c{{law.kp}, {1}};
  if (law.ki_per_s != 0) {
    const double leak = law.leak_half_life.ns > 0 ? math::exp2(-t / law.leak_half_life.in_seconds()) : 1;
    Polynomial area;
    switch (law.integration) {
      case Integration::trapezoid: area = {law.ki_per_s * t / 2, law.ki_per_s * t / 2}; break;
      case Integration::forward: area = {0, law.ki_per_s * t}; break;
      case Integration::backward: area = {law.ki_per_s * t}; break;
    }
    const Polynomial under{1, -leak};
    c.over = sum(product(c.over, under), area);
    c.under = under;
  }
  if (law.kd_s != 0) {
    const double f = decay(t, law.derivative_filter);
    const double k = law.kd_s * (1 - f) / t;
    const Polynomial under{1, -f};
    c.over = sum(product(c.over, under), product(c.under, {k, -k}));
    c.under = product(c.under, under);
  }
  if (law.input_filter.ns > 0) {
    const double f = decay(t, law.input_filter);
    c.over = product(c.over, {1 - f});
    c.under = product(c.under, {1, -f});
  }
  return c;
}

/// Whether every root of a polynomial in z^-1 with a leading 1, taken as one in z, is inside the unit circle: at each
/// step of the recursion the last coefficient is smaller than the first. [Schur 1917, Cohn 1922]
bool is_inside(Polynomial a) {
  while (a.size() > 1 && a.back() == 0) a.pop_back();  // roots at 0
  while (a.size() > 1) {
    const double k = a.back() / a.front();
    if (!(std::fabs(k) < 1)) return false;
    const std::size_t n = a.size() - 1;
    Polynomial next(n);
    for (std::size_t i = 0; i < n; ++i) next[i] = a[i] - k * a[n - i];
    a = std::move(next);
    const double scale = std::fabs(a.front());
    for (double& x : a) x /= scale;
  }
  return true;
}

bool is_stable_at(const Fraction& law, const Fraction& plant, double factor) {
  return is_inside(sum(product(law.under, plant.under), product(law.over, plant.over), factor));
}

std::complex<double> at(const Polynomial& p, std::complex<double> w) {
  std::complex<double> x = 0;
  for (std::size_t i = p.size(); i-- > 0;) x = x * w + p[i];
  return x;
}

/// The angle of (x, y) in radians, -pi..pi, to 1e-7: arctangent by halving its argument twice and six terms.
double angle_of(double x, double y) {
  if (x == 0 && y == 0) return 0;
  const double big = std::max(std::fabs(x), std::fabs(y));
  double t = std::min(std::fabs(x), std::fabs(y)) / big;  // 0..1
  t = t / (1 + std::sqrt(1 + t * t));
  t = t / (1 + std::sqrt(1 + t * t));  // a quarter of the angle, below tan(pi / 16)
  const double q = t * t;
  double angle = 4 * t * (1 - q * (1.0 / 3 - q * (1.0 / 5 - q * (1.0 / 7 - q * (1.0 / 9 - q / 11)))));
  if (std::fabs(y) > std::fabs(x)) angle = kPi / 2 - angle;
  if (x < 0) angle = kPi - angle;
  return y < 0 ? -angle : angle;
}

/// e^(-j angle) for an angle 0..pi, from t = tan(angle / 2): no sine is needed.
std::complex<double> back(double t) {
  const double q = 1 + t * t;
  return {(1 - t * t) / q, -2 * t / q};
}

void find_phase(const Fraction& law, const Fraction& plant, Duration period, Margins& m) {
  m.phase_deg = 180;
  m.delay_s = std::numeric_limits<double>::infinity();
  double last = 0;
  for (int i = 1; i < kFrequencies; ++i) {
    // From 1e-6 of the sampling rate on, evenly on a logarithmic scale: t = tan(angle / 2).
    const double t = 1e-6 * math::pow(1e12, static_cast<double>(i) / kFrequencies);
    const std::complex<double> w = back(t);
    const std::complex<double> loop = at(law.over, w) * at(plant.over, w) / (at(law.under, w) * at(plant.under, w));
    const double size = std::abs(loop);
    const bool crosses = i > 1 && (size >= 1) != (last >= 1);
    last = size;
    if (!crosses) continue;
    const double phase = std::fabs(angle_of(-loop.real(), -loop.imag()));  // distance from -180 degrees
    m.phase_deg = std::min(m.phase_deg, phase * 180 / kPi);
    const double frequency = 2 * angle_of(1, t) / period.in_seconds();  // rad/s
    m.delay_s = std::min(m.delay_s, phase / frequency);
  }
}

std::vector<PlantPoint> corners_of(const PlantRange& range, Duration period) {
  const double middle = std::sqrt(range.lag_min.in_seconds() * range.lag_max.in_seconds());
  const Duration lag_middle{static_cast<std::int64_t>(middle * 1e9)};
  std::vector<PlantPoint> corners;
  for (const double gain : {range.gain_min, range.gain_max}) {
    for (const Duration lag : {range.lag_min, lag_middle, range.lag_max}) {
      // A change of the plant is seen by the first sample after it, up to one period late.
      for (const Duration delay : {range.delay_min, range.delay_max, range.delay_max + period}) {
        corners.push_back({gain, lag, delay});
      }
    }
  }
  return corners;
}

bool is_stable(const LinearLaw& law, const PlantRange& range, Duration period) {
  return !unstable_in(law, range, period);
}

/// The largest factor on ki up to kGainMarginMax with which the whole range is stable.
double largest_ki(LinearLaw law, const PlantRange& range, Duration period) {
  const double ki = law.ki_per_s;
  const auto holds = [&](double factor) {
    law.ki_per_s = ki * factor;
    return is_stable(law, range, period);
  };
  double low = 1e-3;
  if (!holds(low)) return 0;
  double high = low;
  while (high < kGainMarginMax && holds(high * 2)) high *= 2;
  low = high;
  high *= 2;
  for (int i = 0; i < 12; ++i) {
    const double middle = (low + high) / 2;
    (holds(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace

PlantRange range_of(const Plant& plant) {
  return {plant.gain_min, plant.gain_max,
          plant.lag,      std::max(plant.lag, plant.lag_max),
          plant.delay,    std::max(plant.delay, plant.delay_max)};
}

LinearLaw linear(const PidSettings& settings, const Gains& gains, double setpoint) {
  const double scale = settings.error == ErrorKind::relative ? std::max(std::fabs(setpoint), 1e-9) : 1;
  return {gains.kp / scale,           gains.ki_per_s / scale, gains.kd_s / scale,  settings.leak_half_life,
          settings.derivative_filter, settings.input_filter,  settings.integration};
}

bool is_stable(const LinearLaw& law, const PlantPoint& plant, Duration period) {
  if (plant.delay / period > static_cast<std::int64_t>(kDelaySamplesMax)) return false;
  return is_stable_at(law_of(law, period), plant_of(plant, period), 1);
}

Margins margins(const LinearLaw& law, const PlantPoint& plant, Duration period) {
  Margins m{.worst = plant};
  m.stable = is_stable(law, plant, period);
  if (!m.stable) return {.phase_deg = 0, .worst = plant};
  const Fraction c = law_of(law, period);
  const Fraction p = plant_of(plant, period);
  double low = 1;
  double high = 1;
  while (high < kGainMarginMax && is_stable_at(c, p, high)) low = high, high *= 1.25;
  for (int i = 0; high < kGainMarginMax && i < kBisections; ++i) {
    const double middle = (low + high) / 2;
    (is_stable_at(c, p, middle) ? low : high) = middle;
  }
  m.gain = std::min(low, kGainMarginMax);
  if (high >= kGainMarginMax) m.gain = kGainMarginMax;
  find_phase(c, p, period, m);
  return m;
}

Margins margins(const LinearLaw& law, const PlantRange& range, Duration period) {
  Margins least;
  bool is_first = true;
  for (const PlantPoint& plant : corners_of(range, period)) {
    const Margins m = margins(law, plant, period);
    if (!m.stable) return m;
    const double phase = is_first ? m.phase_deg : std::min(least.phase_deg, m.phase_deg);
    const double delay = is_first ? m.delay_s : std::min(least.delay_s, m.delay_s);
    if (is_first || m.gain < least.gain) least = m;
    least.phase_deg = phase;
    least.delay_s = delay;
    is_first = false;
  }
  return least;
}

std::optional<PlantPoint> unstable_in(const LinearLaw& law, const PlantRange& range, Duration period) {
  const auto corners = corners_of(range, period);
  for (auto plant = corners.rbegin(); plant != corners.rend(); ++plant) {  // the most gain first: it is the usual one
    if (!is_stable(law, *plant, period)) return *plant;
  }
  return std::nullopt;
}

std::vector<RegionRow> stable_region(const LinearLaw& law, const PlantRange& range, Duration period) {
  std::vector<RegionRow> rows;
  if (law.ki_per_s == 0) return rows;
  for (const int periods : {1, 2, 4}) {
    for (const double kp : {0.5, 1.0, 2.0}) {
      LinearLaw scaled = law;
      scaled.kp *= kp;
      RegionRow row{.kp_factor = kp, .period_factor = static_cast<double>(periods)};
      row.ki_factor_max = largest_ki(scaled, range, period * periods);
      scaled.leak_half_life = Duration::zero();
      row.ki_factor_max_without_leak =
          law.leak_half_life.ns > 0 ? largest_ki(scaled, range, period * periods) : row.ki_factor_max;
      rows.push_back(row);
    }
  }
  return rows;
}

}  // namespace homeostat::controller
