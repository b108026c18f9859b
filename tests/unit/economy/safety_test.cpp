#include "economy/bonding/safety.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace homeostat::economy::bonding {
namespace {

using List = std::vector<double>;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

const List kTargets{0.5, 0.5};

Safety judged(const SafetySettings& s, const List& balances, const List& amounts, bool is_mint,
              const std::vector<PegBand>& pegs = {}, const List& prices = {1, 1}) {
  return *judge(s, {balances, amounts, prices, kTargets, is_mint, pegs});
}

TEST(Safety, AProportionalMovementOfAReserveOutOfItsBandIsSafeUnlessStrict) {
  const List balances{90, 10}, amounts{9, 1};
  EXPECT_EQ(judged({}, balances, amounts, true), Safety::ok);
  EXPECT_EQ(judged({}, balances, amounts, false), Safety::ok);
  EXPECT_EQ(judged({.is_strict = true}, balances, amounts, true), Safety::unsafe);
}

TEST(Safety, AMovementTowardsTheTargetIsSafeHoweverFarOffItIs) {
  EXPECT_EQ(judged({}, {90, 10}, {0, 10}, true), Safety::ok);
  EXPECT_EQ(judged({.is_strict = true}, {90, 10}, {10, 0}, false), Safety::ok);
  EXPECT_EQ(judged({}, {90, 10}, {10, 0}, true), Safety::unsafe);
}

TEST(Safety, AMintIsRefusedWhileAStableVaultIsBelowItsFloorUnlessItsWeightFalls) {
  const std::vector<PegBand> pegs{{0.95, 1.05}, {0.95, 1.05}};
  EXPECT_EQ(judged({}, {50, 50}, {5, 5}, true, pegs, {1, 0.9}), Safety::off_peg);
  EXPECT_EQ(judged({}, {50, 50}, {5, 0}, true, pegs, {1, 0.9}), Safety::ok);   // its weight falls
  EXPECT_EQ(judged({}, {50, 50}, {5, 5}, true, pegs, {1, 1.1}), Safety::ok);   // none is below its floor
  EXPECT_EQ(judged({}, {50, 50}, {5, 5}, false, pegs, {1, 0.9}), Safety::ok);  // redemptions never
}

TEST(Safety, WhatIsNotThereCannotLeaveAndWhatIsWorthNothingCannotEnter) {
  EXPECT_EQ(judged({}, {50, 50}, {51, 0}, false), Safety::infeasible);
  EXPECT_EQ(judged({}, {50, 50}, {1, 1}, true, {}, {1, 1e-6}), Safety::price_too_small);
}

TEST(Safety, BadArgumentsNameThemselves) {
  const List b{50, 50}, a{1, 1}, p{1, 1}, bad{1, kNan}, one{1};
  EXPECT_EQ(judge({}, {bad, a, p, kTargets}).error().where, "balances[1]");
  EXPECT_EQ(judge({}, {b, List{-1, 0}, p, kTargets}).error().where, "amounts[0]");
  EXPECT_EQ(judge({}, {b, a, bad, kTargets}).error().where, "prices[1]");
  EXPECT_EQ(judge({}, {b, one, p, kTargets}).error().where, "amounts");
  EXPECT_EQ(judge({}, {b, a, p, List{0.5, 0.4}}).error().where, "targets");
  EXPECT_EQ(judge({}, {List{}, List{}, List{}, List{}}).error().where, "balances");
  EXPECT_EQ(judge({.band = -1}, {b, a, p, kTargets}).error().where, "band");
  EXPECT_EQ(check(SafetySettings{.price_min = 0}).error().where, "price_min");
  EXPECT_EQ(check(VaultFlowSettings{.threshold = 0}).error().where, "threshold");
  EXPECT_EQ(check(VaultFlowSettings{.lock = 11}).error().where, "lock");
}

TEST(VaultFlow, HeadroomIsWhatIsAccepted) {
  const VaultFlowSettings s{.memory = 0.5, .threshold = 10, .lock = 2};
  const VaultFlow flow{.flow = 8, .at = 0};
  EXPECT_EQ(headroom(s, flow, 1), 6);
  EXPECT_TRUE(step(s, flow, 6, 1).is_accepted());
  const auto refused = step(s, flow, 6.1, 1);
  EXPECT_EQ(refused.verdict, FlowVerdict::flow_too_high);
  EXPECT_EQ(refused.next, flow);
}

TEST(VaultFlow, AFlowNearItsThresholdLocksItsDirectionForAWhile) {
  const VaultFlowSettings s{.memory = 0.5, .threshold = 10, .lock = 2};
  const auto warned = step(s, {}, 9, 5);
  EXPECT_EQ(warned.verdict, FlowVerdict::ok_safety_mode);
  EXPECT_EQ(warned.next.locked_until, 7);
  EXPECT_EQ(headroom(s, warned.next, 7), 0);
  EXPECT_EQ(step(s, warned.next, 0.1, 7).verdict, FlowVerdict::safety_mode);
  EXPECT_EQ(step(s, warned.next, 0.1, 7.1).verdict, FlowVerdict::ok);
}

TEST(VaultFlow, AGuardianMayLockForLongerButNotForEver) {
  const VaultFlowSettings s;
  EXPECT_EQ(locked(s, {}, 5, 100)->locked_until, 105);
  EXPECT_EQ(locked(s, {}, 11, 100).error().where, "duration");
}

}  // namespace
}  // namespace homeostat::economy::bonding
