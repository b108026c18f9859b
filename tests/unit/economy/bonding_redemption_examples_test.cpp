// The worked examples of docs/economy/bonding.md, from the redemption curve on, to the digits that stand there.
#include <gtest/gtest.h>

#include "economy/bonding/governed.hpp"
#include "economy/bonding/scenarios.hpp"
#include "economy/bonding/tranching.hpp"

namespace homeostat::economy::bonding {
namespace {

using List = std::vector<double>;

TEST(BondingExamples, TheRedemptionCurve) {
  const Pamm pamm;
  EXPECT_NEAR(pamm.redeem({0, 950'000, 1e6}, 100'000)->paid, 100'000, 0.5);
  const auto half = *pamm.redeem({0, 950'000, 1e6}, 500'000);
  EXPECT_NEAR(half.paid, 487'750, 0.5);
  EXPECT_NEAR(half.rate_after, 0.9245, 5e-5);
  EXPECT_NEAR(pamm.curve_of(0.95).tail_from, 0.3755, 5e-5);
  EXPECT_EQ(pamm.curve_of(0.95).par_until, 0.3);
}

TEST(BondingExamples, Tranching) {
  List scheduled(3), targets(3);
  ASSERT_TRUE(scheduled_weights(List{0.4, 0.3, 0.3}, List{0.2, 0.4, 0.4}, 15, 30, scheduled));
  EXPECT_NEAR(scheduled[1], 0.35, 1e-12);
  ASSERT_TRUE(target_weights(List{4000, 1, 1}, List{2000, 1, 1}, scheduled, targets));
  EXPECT_NEAR(targets[0], 0.462, 5e-4);
  EXPECT_NEAR(targets[2], 0.269, 5e-4);
}

TEST(BondingExamples, Dampening) {
  const Dampener integral;
  EXPECT_EQ(integral.redeemable(0, 1e6, 50'000), 50'000);
  EXPECT_NEAR(integral.redeemable(0, 1e6, 100'000), 98'227, 0.5);
  EXPECT_NEAR(integral.redeemable(0, 1e6, 500'000), 210'026, 0.5);
  EXPECT_NEAR(Dampener::make({.mode = Dampening::pre})->redeemable(0, 1e6, 500'000), 500'000, 0.5);
  EXPECT_NEAR(Dampener::make({.mode = Dampening::post})->redeemable(0, 1e6, 500'000), 50'000, 0.5);
}

TEST(BondingExamples, ABankRun) {
  SystemSettings s = scenario_settings();
  const Moment queue = bank_run(s, 950'000, false)->back(), batch = bank_run(s, 950'000, true)->back();
  EXPECT_NEAR(queue.redeemed, 531'362, 0.5);
  EXPECT_NEAR(queue.paid_first, 65'666, 0.5);
  EXPECT_NEAR(queue.paid_last, 39'791, 0.5);
  EXPECT_NEAR(batch.paid_first, 53'136, 0.5);
  EXPECT_NEAR(batch.paid_last, 53'136, 0.5);
  s.flow.mode = Dampening::none;
  EXPECT_NEAR(bank_run(s, 950'000, false)->back().redeemed, 911'173, 0.5);
}

TEST(BondingExamples, Splits) {
  const List u{600, 300, 100}, w{0.4, 0.3, 0.3};
  List x(3), low(3), high(3);
  ASSERT_TRUE(split_withdrawal(u, w, 500, x));
  EXPECT_NEAR(x[0], 371.43, 0.005);
  EXPECT_NEAR(x[1], 128.57, 0.005);
  safe_withdrawal_bounds(u, w, 500, 0.1, low, high);
  ASSERT_TRUE(split_withdrawal(u, w, 500, SplitBounds{low, high}, x));
  EXPECT_NEAR(x[0], 365, 1e-9);
  EXPECT_NEAR(x[1], 135, 1e-9);
}

TEST(BondingExamples, TheSystemAndItsGuard) {
  SystemSettings s = scenario_settings();
  EXPECT_NEAR(round_trip(s)->profit, -30, 0.005);
  s.has_mint_guard = false;
  EXPECT_NEAR(round_trip(s)->profit, 1'077.78, 0.005);
  System system = *System::make(scenario_settings());
  EXPECT_NEAR(system.deposit(List{20, 30'000, 30'000})->minted, 99'700, 1e-6);
  EXPECT_NEAR(system.redeem(5'000)->paid, 5'000, 1e-4);
  EXPECT_TRUE(system.set_parameter("redemption.floor_ratio", 0.7));
  EXPECT_EQ(governed_parameters().size(), 51U);
}

}  // namespace
}  // namespace homeostat::economy::bonding
