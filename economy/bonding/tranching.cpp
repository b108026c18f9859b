#include "economy/bonding/tranching.hpp"

#include <algorithm>
#include <cmath>

#include "economy/argument.hpp"

namespace homeostat::economy::bonding {
namespace {

constexpr Range kPrices{1e-12, 1e12};
constexpr Range kFinite{-1e300, 1e300};

void scale_to_one(std::span<double> xs, double sum) {
  for (double& x : xs) x /= sum;
}

}  // namespace

double Ramp::at(double t) const {
  if (t >= end || end <= begin) return t < begin ? from : to;
  if (t <= begin) return from;
  return from + (t - begin) / (end - begin) * (to - from);
}

double Drift::at(double t) const {
  return std::clamp(base + rate * (t - updated), min, max);
}

Result<> check(const Drift& d) {
  return first_error(require("min", d.min, kFinite), require("max", d.max, kFinite),
                     require_order("min", d.min, "max", d.max), require("base", d.base, {d.min, d.max}),
                     require("rate", d.rate, kFinite), require("updated", d.updated, kFinite));
}

Result<> scheduled_weights(std::span<const double> previous, std::span<const double> current, double elapsed,
                           double duration, std::span<double> out) {
  if (auto ok = first_error(require_shares("previous", previous), require_shares("current", current),
                            require_same_size("current", current.size(), "previous", previous.size()),
                            require_same_size("out", out.size(), "previous", previous.size()),
                            require("elapsed", elapsed, {}), require("duration", duration, {}));
      !ok) {
    return ok;
  }
  const double way = elapsed >= duration ? 1 : elapsed / duration;
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = way == 1 ? current[i] : previous[i] + (current[i] - previous[i]) * way;
  }
  return {};
}

Result<> drifting_weights(std::span<const Drift> drifts, double t, std::span<double> out) {
  if (drifts.empty()) return fail(ErrorCode::missing, "drifts", "must have at least one element");
  if (auto ok = first_error(require_same_size("out", out.size(), "drifts", drifts.size()), require("t", t, kFinite));
      !ok) {
    return ok;
  }
  for (std::size_t i = 0; i < drifts.size(); ++i) {
    auto ok = check(drifts[i]);
    if (ok && drifts[i].min < 0) ok = require("min", drifts[i].min, {});
    if (!ok) return fail(ok.error().code, "drifts[" + std::to_string(i) + "]." + ok.error().where, ok.error().message);
  }
  double sum = 0;
  for (const Drift& d : drifts) sum += d.at(t);
  if (auto ok = require("sum of weights", sum, {1e-12, 1e300}); !ok) return ok;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = drifts[i].at(t);
  scale_to_one(out, sum);
  return {};
}

Result<> target_weights(std::span<const double> prices, std::span<const double> calibration_prices,
                        std::span<const double> scheduled, std::span<double> out) {
  if (auto ok = first_error(
          require_each("prices", prices, kPrices), require_each("calibration_prices", calibration_prices, kPrices),
          require_same_size("calibration_prices", calibration_prices.size(), "prices", prices.size()),
          require_same_size("scheduled", scheduled.size(), "prices", prices.size()),
          require_shares("scheduled", scheduled), require_same_size("out", out.size(), "prices", prices.size()));
      !ok) {
    return ok;
  }
  double sum = 0;
  for (std::size_t i = 0; i < out.size(); ++i) sum += out[i] = prices[i] / calibration_prices[i] * scheduled[i];
  scale_to_one(out, sum);
  return {};
}

void current_weights(std::span<const double> values, std::span<const double> targets, std::span<double> out) {
  double sum = 0;
  for (const double u : values) sum += u;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = sum > 0 ? values[i] / sum : targets[i];
}

double weight_imbalance(std::span<const double> weights, std::span<const double> targets) {
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) sum += std::abs(weights[i] - targets[i]);
  return sum / 2;
}

}  // namespace homeostat::economy::bonding
