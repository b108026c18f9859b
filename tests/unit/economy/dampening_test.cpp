#include "economy/bonding/dampening.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/random.hpp"
#include "economy/bonding/memory.hpp"

namespace homeostat::economy::bonding {
namespace {

Dampener of(Dampening mode) {
  return *Dampener::make({.mode = mode});
}

TEST(Dampening, TheIntegralThrottleDoesNotDependOnHowARequestIsSplit) {
  Random random(41);
  for (int n = 0; n < 20'000; ++n) {
    const Dampener d =
        *Dampener::make({.threshold = random.uniform(0.01, 1), .multiplier_min = random.uniform(0.01, 1)});
    const double supply = 1e6, flow = supply * random.uniform(0, 1);
    const double q1 = supply * random.uniform(0, 0.5), q2 = supply * random.uniform(0, 0.5);
    const double one = d.redeemable(flow, supply, q1 + q2);
    const double a = d.redeemable(flow, supply, q1);
    const double b = d.redeemable(flow + a, supply - a, q2);
    EXPECT_NEAR(one, a + b, 1e-14 * (supply + flow)) << n;
    EXPECT_GE(a, 0);
    EXPECT_LE(a, q1);
  }
}

TEST(Dampening, ThePostAndPreModesDoDependOnIt) {
  const auto post = of(Dampening::post), pre = of(Dampening::pre);
  EXPECT_DOUBLE_EQ(pre.redeemable(0, 1e6, 5e5), 5e5);  // one large request passes whole
  EXPECT_DOUBLE_EQ(post.redeemable(0, 1e6, 5e5), 5e4);
  EXPECT_GT(post.redeemable(0, 1e6, 5e4) + post.redeemable(5e4, 95e4, 45e4), 5e4);
}

TEST(Dampening, MultiplierIsOneUpToHalfTheThresholdAndNeverBelowItsLeast) {
  const Dampener d;
  EXPECT_EQ(d.multiplier(0), 1);
  EXPECT_EQ(d.multiplier(0.05), 1);
  EXPECT_NEAR(d.multiplier(0.1), 8.0 / 9, 1e-15);
  EXPECT_EQ(d.multiplier(1), 0.1);
  EXPECT_EQ(d.multiplier(1e300), 0.1);
}

TEST(Dampening, ResistanceAndFlowRatioUndoEachOther) {
  Random random(42);
  for (int n = 0; n < 10'000; ++n) {
    const Dampener d =
        *Dampener::make({.threshold = random.uniform(0.01, 1), .multiplier_min = random.uniform(0.01, 1)});
    const double rho = random.uniform(0, 1.5);
    EXPECT_NEAR(d.flow_ratio(d.resistance(rho)), rho, 1e-14);
  }
}

TEST(Dampening, ATenthOfTheSupplyHalvesTheExponentialVariant) {
  EXPECT_NEAR(of(Dampening::exponential).redeemable(1e5, 1e6, 1000), 1000 * std::exp(-0.7), 1e-9);
  EXPECT_EQ(of(Dampening::none).redeemable(1e9, 1, 1), 1);
}

TEST(Dampening, NothingPassesAnEmptyBase) {
  EXPECT_EQ(of(Dampening::integral).mintable(0, 0, 10), 0);
  EXPECT_EQ(of(Dampening::pre).redeemable(5, 0, 10), 0);
}

TEST(Dampening, ABatchIsFilledProRata) {
  const std::vector<double> requests{10, 20, 70};
  std::vector<double> filled(3);
  fill_pro_rata(requests, 50, filled);
  EXPECT_EQ(filled, (std::vector<double>{5, 10, 35}));
  fill_pro_rata(requests, 200, filled);
  EXPECT_EQ(filled, requests);
  const std::vector<double> none{0, 0, 0};
  fill_pro_rata(none, 0, filled);
  EXPECT_EQ(filled, none);
}

TEST(Dampening, BadArgumentsNameThemselves) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(Dampener::make({.threshold = 0}).error().text(), "threshold: must be from 1e-06 to 1, is 0");
  EXPECT_EQ(Dampener::make({.multiplier_min = 0}).error().where, "multiplier_min");
  EXPECT_EQ(Dampener::make({.memory = nan}).error().where, "memory");
  EXPECT_EQ(Dampener::make({.steepness = -1}).error().where, "steepness");
  const Dampener d;
  EXPECT_EQ(d.redeem(-1, 1, 1).error().where, "flow");
  EXPECT_EQ(d.redeem(0, nan, 1).error().where, "supply");
  EXPECT_EQ(d.redeem(0, 1, 2).error().where, "amount");
}

TEST(Memory, HalvesEveryHalfLifeAndNeverRises) {
  const Memory memory(0.9);
  EXPECT_NEAR(memory.half_life(), 6.5788134, 1e-7);
  EXPECT_NEAR(memory.after(memory.half_life()), 0.5, 1e-15);
  EXPECT_EQ(memory.after(0), 1);
  EXPECT_EQ(memory.after(-5), 1);
  EXPECT_EQ(memory.after(1e9), 0);
}

}  // namespace
}  // namespace homeostat::economy::bonding
