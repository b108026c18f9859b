// Loops of a decoupling that are handed back, stop seeing or see again: no parameter steps by it, and none makes up for
// what another one only asked for.
#include <cmath>

#include "decoupled_world.hpp"

namespace homeostat::engine {
namespace {

TEST(Decoupling, AHandBackMovesNeitherParameter) {
  Plant plant(decoupled());
  plant.load = {3, -0.1};
  plant.ticks(200);
  plant.world.override_value("fee", "4.00", plant.now_s + 595);
  plant.ticks(59);
  ASSERT_EQ(plant.world.value("fee"), dec("4.00"));
  const Decimal reward = plant.world.value("reward");
  plant.ticks(1);
  EXPECT_EQ(plant.world.value("fee"), dec("4.00"));
  EXPECT_LE((plant.world.value("reward") - reward).abs(), dec("0.01"));
  plant.ticks(300);
  EXPECT_NEAR(plant.pv[0], 10, 0.1);
  EXPECT_NEAR(plant.pv[1], 0.5, 0.01);
}

TEST(Decoupling, AHandBackMakesUpForWhatAnotherOneDoesAndNotForWhatItsLoopAsksFor) {
  Policy policy = decoupled();
  policy.guardian.parameters[1].change.absolute = dec("0.05");
  Plant plant(policy);
  plant.ticks(20);
  plant.world.override_value("fee", "4.00", plant.now_s + 95);
  plant.ticks(9);
  plant.load = {0, -0.3};  // the reward's loop asks for some % more at once, of which it gets 0.05 % a tick
  plant.tick();
  ASSERT_GT(plant.world.record("reward").proposed, plant.world.value("reward").to_double() + 1);
  plant.tick();
  EXPECT_FALSE(plant.world.record("fee").overridden);
  EXPECT_NEAR(plant.world.record("fee").proposed, 4, 0.0376);  // it makes up for the reward's 0.05 %, by 0.75 of them
}

TEST(Decoupling, AHandBackStepsByNothingThatAnotherOneWasJustGiven) {
  BeforeAHandBack before;
  before.plant.tick();
  EXPECT_FALSE(before.plant.world.record("fee").overridden);
  EXPECT_NEAR(before.proposed("fee"), 4, 1e-9);  // the reward's 0.05 % are made up for from here on
}

TEST(Decoupling, AHandBackStepsByNothingWhenAnotherOneStopsSeeing) {
  BeforeAHandBack before;
  const double reward = before.proposed("reward");
  before.plant.sees[1] = false;
  before.plant.world.loses("activity");
  before.plant.now_s += 60;  // of missed slots: the reading is stale
  before.plant.tick();
  ASSERT_TRUE(before.plant.terms("reward").frozen);
  EXPECT_NEAR(before.proposed("fee"), 4, 1e-9);
  EXPECT_NEAR(before.proposed("reward"), reward, 1e-9);
}

TEST(Decoupling, AHandBackStepsByNothingWhenTheLimitsOfAnEmergencyBeginWithIt) {
  Policy policy = BeforeAHandBack::policy();
  policy.guardian.parameters[1].emergency = guardian::EmergencyLimits{};
  policy.guardian.parameters[1].emergency->change.absolute = dec("1");  // of what its loop asks for it could do 1 %
  BeforeAHandBack before(policy);
  const double reward = before.proposed("reward");
  before.plant.world.order(CommandKind::emergency_on, "", before.plant.now_s + 1000);
  before.plant.tick();
  EXPECT_NEAR(before.proposed("fee"), 4, 1e-9);
  EXPECT_NEAR(before.proposed("reward"), reward, 1e-9);
}

TEST(Decoupling, AHandBackStepsByNothingAfterAnotherOneWasGivenBack) {
  Policy policy = decoupled();
  policy.guardian.parameters[1].cooldown_up = Duration::seconds(100);
  policy.guardian.parameters[1].veto_window = Duration::seconds(30);
  Plant plant(policy);
  plant.ticks(3);
  plant.load = {0, -0.02};
  plant.ticks(8);  // the reward was raised, and waits for its cooldown
  plant.world.override_value("fee", "4.00", plant.now_s + 1000);
  plant.load = {0, -0.1};
  while (plant.world.record("reward").outcome != Outcome::awaiting_veto) {
    ASSERT_LT(plant.now_s, 500);
    plant.tick();
  }
  GuardianCommand veto{"alice", "drill", at(plant.now_s), CommandKind::veto};
  veto.id = plant.world.record("reward").id;
  ASSERT_TRUE(plant.world.engine.apply(veto).outcome.accepted);
  plant.world.order(CommandKind::clear_override, "fee");
  const double reward = plant.world.value("reward").to_double();
  plant.tick();
  ASSERT_GT(plant.world.record("reward").proposed, reward + 0.1);  // asks as it did before the window, and has less
  EXPECT_NEAR(plant.world.record("fee").proposed, 4, 1e-9);
}

/// A relative gain of -2: which parameters are pinned has several answers, or none.
Policy doubted(const char* fee_change, const char* reward_change) {
  Policy policy = decoupled();
  policy.decouplings[0].matrix = {-4, 3, -0.2, 0.1};
  policy.guardian.parameters[0].change.absolute = dec(fee_change);
  policy.guardian.parameters[1].change.absolute = dec(reward_change);
  return policy;
}

TEST(Decoupling, AHandBackStepsByNothingWhereWhatIsPinnedHasSeveralAnswers) {
  Plant plant(doubted("0.02", "0.02"));
  plant.ticks(10);
  plant.world.override_value("fee", "3.00", plant.now_s + 95);
  plant.ticks(9);
  plant.load = {-6, -0.4};
  plant.ticks(2);
  ASSERT_FALSE(plant.world.record("fee").overridden);
  const DecisionRecord& fee = plant.world.record("fee");
  EXPECT_NEAR(fee.proposed, fee.previous.to_double(), 1e-9);  // the other answer is 0.06 away
}

TEST(Decoupling, WhereWhatIsPinnedHasNoAnswerNothingCountsThatNobodyCanFollowAndTheRecordSaysSo) {
  Plant plant(doubted("0.05", "0.02"));
  plant.ticks(10);
  int undecided = 0;
  for (int i = 0; i < 200; ++i) {
    plant.load = {i % 40 < 20 ? 3.0 : -6.0, i % 60 < 30 ? 0 : -0.2};
    plant.tick();
    const DecisionRecord& fee = plant.world.record("fee");
    const DecisionRecord& reward = plant.world.record("reward");
    if (fee.loops[1].pin != Pin::undecided) continue;
    ++undecided;
    // Each one's output as it counts for the other, and what that would come to in its own parameter.
    const double cools = reward.loops[1].contribution / reward.loops[1].share;
    const double wakes = fee.loops[1].contribution / fee.loops[1].share;
    const double of_fee = fee.loops[0].share * cools + fee.loops[1].share * wakes;
    const double of_reward = reward.loops[1].share * cools + reward.loops[0].share * wakes;
    EXPECT_LE(std::fabs(2.5 + of_fee - fee.previous.to_double()), 0.05 + 1e-9);
    EXPECT_LE(std::fabs(2.5 + of_reward - reward.previous.to_double()), 0.02 + 1e-9);
  }
  EXPECT_GT(undecided, 0);
}

TEST(Decoupling, AHandBackStepsByNothingWithAnotherPolicyInForceBeforeTheTick) {
  BeforeAHandBack before;
  Plant& plant = before.plant;
  plant.world.order(CommandKind::clear_override, "fee");
  Policy policy = BeforeAHandBack::policy();
  policy.digest += "x";
  policy.guardian.parameters[1].change.absolute = dec("1");
  PolicyChange order;
  order.actor = "alice";
  order.at = at(plant.now_s);
  order.policy = std::make_shared<const Policy>(policy);
  ASSERT_TRUE(plant.world.engine.apply(order).outcome.accepted);
  plant.tick();
  EXPECT_NEAR(before.proposed("fee"), 4, 1e-9);
}

TEST(Decoupling, AHandBackGoesOnFromASavedStateBitForBit) {
  Policy policy = BeforeAHandBack::policy();
  policy.guardian.parameters[1].emergency = guardian::EmergencyLimits{};
  policy.guardian.parameters[1].emergency->change.absolute = dec("1");
  BeforeAHandBack before(policy);
  World& world = before.plant.world;
  world.order(CommandKind::clear_override, "fee");
  auto loaded = Engine::load(std::make_shared<const Policy>(policy), world.engine.save());
  ASSERT_TRUE(loaded) << loaded.error().text();
  const GuardianCommand emergency{"alice", "drill", at(world.now_s), CommandKind::emergency_on};
  const Tick next = World::tick_at(before.plant.now_s);
  for (Engine* engine : {&*loaded, &world.engine}) {
    ASSERT_TRUE(engine->apply(emergency).outcome.accepted);
    (void)engine->apply(next);
  }
  EXPECT_EQ(loaded->state_hash(), world.engine.state_hash());
}

TEST(Decoupling, WhatALoopAskedForInVainIsNotMadeUpForWhenItStopsSeeing) {
  Plant plant(BeforeAHandBack::policy());
  plant.ticks(20);
  plant.load = {0, -0.3};
  plant.tick();
  const double fee = plant.world.record("fee").proposed;
  const double reward = plant.world.record("reward").proposed;
  ASSERT_GT(reward, plant.world.value("reward").to_double() + 1);
  plant.sees[1] = false;
  plant.world.loses("activity");
  plant.now_s += 60;
  plant.tick();
  ASSERT_TRUE(plant.terms("reward").frozen);
  EXPECT_NEAR(plant.world.record("reward").proposed, reward, 1e-9);
  EXPECT_NEAR(plant.world.record("fee").proposed, fee, 0.2) << "the reward stays, and nobody moves for it";
}

TEST(Decoupling, ALoopThatCannotSeeLeavesItsParameterAndTheOtherGoesOnByItself) {
  Plant plant(decoupled());
  plant.ticks(100);
  plant.sees[0] = false;
  plant.world.loses("velocity");
  plant.ticks(10);
  const Decimal fee = plant.world.value("fee");
  plant.load = {0, -0.1};
  plant.ticks(300);
  EXPECT_EQ(plant.world.value("fee"), fee);
  EXPECT_NEAR(plant.world.record("fee").proposed, fee.to_double(), 0.006);
  EXPECT_NEAR(plant.pv[1], 0.5, 0.01);
  plant.sees[0] = true;
  plant.tick();
  plant.tick();
  EXPECT_LE((plant.world.value("fee") - fee).abs(), dec("0.02") + dec("0.5")) << "no step to where it would have been";
  plant.ticks(300);
  EXPECT_NEAR(plant.pv[0], 10, 0.1);
}

TEST(Decoupling, ALoopThatSeesAgainGoesOnFromWhereItsParameterStood) {
  Plant plant(decoupled());
  plant.ticks(50);
  plant.sees[0] = false;
  plant.world.loses("velocity");
  plant.load = {0, -0.1};
  plant.ticks(200);
  const double stood = plant.world.record("fee").proposed;
  plant.sees[0] = true;
  plant.tick();
  EXPECT_NEAR(plant.world.record("fee").proposed, stood, 0.02);
}

}  // namespace
}  // namespace homeostat::engine
