#include "economy/bonding/dampening.hpp"

#include <algorithm>
#include <cmath>

#include "core/check.hpp"
#include "core/hyperbolic.hpp"
#include "core/math.hpp"
#include "economy/argument.hpp"

namespace homeostat::economy::bonding {

Result<> check(const DampeningSettings& s) {
  return first_error(require("threshold", s.threshold, {1e-6, 1}),
                     require("multiplier_min", s.multiplier_min, {1e-3, 1}),
                     require("memory", s.memory, {1e-9, 1 - 1e-12}), require("steepness", s.steepness, {0, 1000}));
}

Dampener::Dampener(const DampeningSettings& settings)
    : settings_(settings), free_until_(settings.threshold / 2), width_(1.5 * settings.threshold) {
  const double zs = std::sqrt(1 - settings_.multiplier_min);
  slowest_from_ = free_until_ + width_ * zs;
  resistance_there_ = free_until_ + width_ * math::atanh(zs);
}

Result<Dampener> Dampener::make(const DampeningSettings& settings) {
  if (auto ok = check(settings); !ok) return tl::make_unexpected(ok.error());
  return Dampener(settings);
}

double Dampener::multiplier(double rho) const {
  if (rho <= free_until_) return 1;
  const double z = (rho - free_until_) / width_;
  return std::max(settings_.multiplier_min, 1 - z * z);
}

double Dampener::resistance(double rho) const {
  if (rho <= free_until_) return rho;
  if (rho <= slowest_from_) return free_until_ + width_ * math::atanh((rho - free_until_) / width_);
  return resistance_there_ + (rho - slowest_from_) / settings_.multiplier_min;
}

double Dampener::flow_ratio(double g) const {
  if (g <= free_until_) return g;
  if (g <= resistance_there_) return free_until_ + width_ * math::tanh((g - free_until_) / width_);
  return slowest_from_ + (g - resistance_there_) * settings_.multiplier_min;
}

double Dampener::effective(double flow, double base, double amount) const {
  if (settings_.mode == Dampening::none) return amount;
  if (base <= 0) return 0;
  const double rho = flow / base;
  switch (settings_.mode) {
    case Dampening::none: break;
    case Dampening::pre: return amount * multiplier(rho);
    case Dampening::post: return amount * multiplier((flow + amount) / base);
    case Dampening::exponential: return amount * math::exp(-settings_.steepness * rho);
    case Dampening::integral: {
      const double asked = amount / base;
      // Where the multiplier is constant the answer is a product, without the rounding of a difference.
      if (rho + asked <= free_until_) return amount;
      if (rho >= slowest_from_) return amount * settings_.multiplier_min;
      return std::clamp(base * (flow_ratio(resistance(rho) + asked) - rho), 0.0, amount);
    }
  }
  return amount;
}

Result<double> Dampener::redeem(double flow, double supply, double amount) const {
  if (auto ok = first_error(require("flow", flow, {0, 1e300}), require("supply", supply, {0, 1e300}),
                            require("amount", amount, {0, supply}));
      !ok) {
    return tl::make_unexpected(ok.error());
  }
  return redeemable(flow, supply, amount);
}

void fill_pro_rata(std::span<const double> requests, double effective, std::span<double> filled) {
  HOMEOSTAT_CHECK(requests.size() == filled.size());
  double total = 0;
  for (const double q : requests) total += q;
  const double share = total > 0 ? std::min(1.0, effective / total) : 0;
  for (std::size_t i = 0; i < requests.size(); ++i) filled[i] = requests[i] * share;
}

}  // namespace homeostat::economy::bonding
