#include "economy/behaviour/herding.hpp"

#include <algorithm>
#include <cmath>

#include "core/hyperbolic.hpp"
#include "core/math.hpp"
#include "economy/argument.hpp"

namespace homeostat::economy::behaviour {

namespace {
constexpr double kStep = 0.05;  ///< in units of 1 / r: a quarter of what the steepest tanh here needs
}

Result<> check(const HerdingSettings& s) {
  return first_error(require("rate_per_day", s.rate_per_day, {0, 100}), require("crowd_pull", s.crowd_pull, {0, 3}),
                     require("sentiment_pull", s.sentiment_pull, {0, 3}));
}

double opinion_after(const HerdingSettings& s, double opinion, double sentiment, Duration time) {
  const double span = s.rate_per_day * std::max(time.in_seconds(), 0.0) / 86400;
  const double steps = std::clamp(std::ceil(span / kStep), 1.0, static_cast<double>(kHerdingStepsMax));
  const double h = std::min(span / steps, kStep);
  const auto slope = [&](double z) { return math::tanh(s.sentiment_pull * sentiment + s.crowd_pull * z) - z; };
  double z = opinion;
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(steps); ++i) {
    const double k1 = slope(z), k2 = slope(z + h / 2 * k1), k3 = slope(z + h / 2 * k2), k4 = slope(z + h * k3);
    const double next = std::clamp(z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), -1.0, 1.0);
    if (next == z) break;
    z = next;
  }
  return z;
}

Result<> check(const AntSettings& s) {
  return first_error(require("ants", s.ants, {2, kAntsMax}), require("self_change", s.self_change, {1e-9, 1}),
                     require("recruitment", s.recruitment, {0, 1}));
}

std::vector<double> stationary(const AntSettings& s) {
  const double n = s.ants;
  const auto up = [&](double k) { return (1 - k / n) * (s.self_change + s.recruitment * k / (n - 1)); };
  const auto down = [&](double k) { return k / n * (s.self_change + s.recruitment * (n - k) / (n - 1)); };
  // Logarithms: the ends of a large colony are too unlikely for a double.
  std::vector<double> logs{0};
  for (std::uint32_t k = 0; k < s.ants; ++k) logs.push_back(logs.back() + math::log(up(k) / down(k + 1)));
  const double top = *std::max_element(logs.begin(), logs.end());
  double sum = 0;
  for (double& x : logs) sum += x = math::exp(x - top);
  for (double& x : logs) x /= sum;
  return logs;
}

Result<double> sentiment_of(double positive, double negative, double prior) {
  auto ok = first_error(require("positive", positive, {0, 1e15}), require("negative", negative, {0, 1e15}),
                        require("prior", prior, {1e-9, 1e15}));
  if (!ok) return tl::make_unexpected(ok.error());
  return (positive - negative) / (positive + negative + prior);
}

}  // namespace homeostat::economy::behaviour
