// The imbalance fee under any settings and any reserve: it is a fee, and never one for bringing balance back.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

#include "economy/bonding/imbalance_fee.hpp"
#include "economy/bonding/neighbours.hpp"

namespace homeostat::economy::bonding {
namespace {

double within(double low, double high) {
  return low + (high - low) * (*rc::gen::inRange(0, 1'000'001) / 1e6);
}

struct Reserve {
  std::vector<double> before, after, weights;
};
Reserve any_reserve() {
  const auto n = *rc::gen::inRange<std::size_t>(kAssetsMin, kAssetsMax + 1);
  Reserve r;
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    r.before.push_back(*rc::gen::element(0.0, within(0, 1), within(0, 1e6)));
    r.after.push_back(std::max(0.0, r.before.back() + *rc::gen::element(0.0, within(-1, 1), within(-1e6, 1e6))));
    sum += *r.weights.insert(r.weights.end(), within(0.01, 1));
  }
  for (double& w : r.weights) w /= sum;
  return r;
}
ImbalanceFeeSettings any_settings() {
  ImbalanceFeeSettings s{.static_fee = within(0, 0.1), .threshold = within(0, 0.99), .fee_to_treasury = within(0, 1)};
  s.surge_fee = s.static_fee + within(0, 0.8);
  s.measure = *rc::gen::element(Measure::normalised, Measure::raw);
  return s;
}

RC_GTEST_PROP(ImbalanceFee, IsBetweenStaticAndSurgeAndStaticTowardsBalance, ()) {
  const ImbalanceFeeSettings s = any_settings();
  const Reserve r = any_reserve();
  const auto fee = imbalance_fee(s, r.before, r.after, r.weights);
  RC_ASSERT(fee.has_value());
  RC_ASSERT(fee->rate >= s.static_fee && fee->rate <= s.surge_fee * (1 + 1e-15));
  if (fee->after <= fee->before || fee->after <= s.threshold) RC_ASSERT(fee->rate == s.static_fee);
  const Charge c = charge(s, fee->rate, 1000);
  RC_ASSERT(c.net >= 0 && c.to_treasury >= 0 && c.to_reserve >= 0);
  RC_ASSERT(std::abs(c.net + c.to_treasury + c.to_reserve - 1000) <= 1e-12);
}

RC_GTEST_PROP(ImbalanceFee, DoesNotDependOnTheUnitNorOnTheOrder, ()) {
  ImbalanceFeeSettings s = any_settings();
  s.measure = Measure::raw;
  Reserve r = any_reserve();
  const auto fee = imbalance_fee(s, r.before, r.after);
  const auto turn = static_cast<std::ptrdiff_t>(*rc::gen::inRange<std::size_t>(0, r.before.size()));
  for (auto* list : {&r.before, &r.after}) {
    std::rotate(list->begin(), list->begin() + turn, list->end());
    for (double& x : *list) x *= 1024;
  }
  RC_ASSERT(std::abs(imbalance_fee(s, r.before, r.after)->after - fee->after) <= 1e-14);
}

RC_GTEST_PROP(StablePool, NeverPaysForNothingAndLosesNothingOnTheWayBack, ()) {
  const auto n = *rc::gen::inRange<std::size_t>(2, 5);
  std::vector<double> b;
  for (std::size_t i = 0; i < n; ++i) b.push_back(within(1, 100));
  const double a = within(1, 5000), amount = within(0.001, 50);
  const auto out = stable::out_given_in(a, b, 0, amount, 1);
  RC_ASSERT(out.has_value());
  RC_ASSERT(*out > 0 && *out < b[1]);
  b[0] += amount;
  b[1] -= *out;
  const auto back = stable::out_given_in(a, b, 1, *out, 0);
  RC_ASSERT(std::abs(*back - amount) <= 1e-10 * (amount + b[0]));
}

}  // namespace
}  // namespace homeostat::economy::bonding
