// Loops that fight, decoupled: what it is worth, what its records say, waiting, partial answers, restarts.
#include <cmath>

#include "decoupled_world.hpp"

namespace homeostat::engine {
namespace {

TEST(Decoupling, TwoLoopsThatFightWithoutItSettleWithIt) {
  Plant alone(fighting());
  alone.load = {4, 0};
  alone.ticks(300);
  const auto fights = alone.swing(60);
  EXPECT_GT(fights[0], 5);  // velocity, around 10, never comes to rest
  EXPECT_GT(fights[1], 0.2);

  Plant together(decoupled());
  together.load = {4, 0};
  together.ticks(300);
  const auto rests = together.swing(60);
  EXPECT_LT(rests[0], 0.2);  // what a quantum of 0.01 % leaves
  EXPECT_LT(rests[1], 0.01);
  EXPECT_NEAR(together.pv[0], 10, 0.1);
  EXPECT_NEAR(together.pv[1], 0.5, 0.01);
}

TEST(Decoupling, ADisturbanceOfOneMetricIsHardlySeenInTheOther) {
  Plant plant(decoupled());
  plant.load = {4, 0};
  double most = 0;
  for (int i = 0; i < 300; ++i) {
    plant.tick();
    most = std::max(most, std::fabs(plant.pv[1] - 0.5));
  }
  EXPECT_LT(most, 0.01);  // without decoupling it is driven 0.18 away
}

TEST(Decoupling, TheRecordShowsEachLoopsOwnOutputAndWhatItMakesOfThisParameter) {
  Plant plant(decoupled());
  plant.tick();
  plant.load = {4, 0};
  plant.tick();
  const DecisionRecord& fee = plant.world.record("fee");
  ASSERT_EQ(fee.loops.size(), 2U);
  EXPECT_EQ(fee.loops[0].loop, "cool_velocity");
  EXPECT_EQ(fee.loops[0].decoupling, "pair");
  EXPECT_EQ(fee.loops[0].moves, "");
  EXPECT_NEAR(fee.loops[0].share, 0.5063291, 1e-6);  // its relative gain
  EXPECT_EQ(fee.loops[1].loop, "wake_activity");
  EXPECT_EQ(fee.loops[1].moves, "reward");
  EXPECT_NEAR(fee.loops[1].share, 0.3797468, 1e-6);
  EXPECT_NEAR(fee.proposed, 2.5 + fee.loops[0].share * fee.loops[0].output + fee.loops[1].share * fee.loops[1].output,
              1e-12);
  EXPECT_NEAR(fee.proposed, 2.5 + fee.loops[0].contribution + fee.loops[1].contribution, 1e-12);
  const DecisionRecord& reward = plant.world.record("reward");
  EXPECT_EQ(reward.loops[0].loop, "wake_activity");
  EXPECT_EQ(reward.loops[0].error, 0);  // its own metric is where it should be, and it moves all the same
  EXPECT_NE(reward.value, reward.previous);
  EXPECT_NE(reward.why.view().find("decoupling pair adds -"), std::string_view::npos) << reward.why;
}

TEST(Decoupling, NobodyWindsUpWhileAParameterIsAtItsBound) {
  Plant plant(decoupled());
  plant.load = {40, -0.2};  // far more than the fee can take away
  plant.ticks(300);
  EXPECT_EQ(plant.world.value("fee"), dec("5"));
  const auto& fee = plant.world.record("fee").loops[0];
  EXPECT_GT(fee.i, -10.01);
  EXPECT_NEAR(plant.pv[1], 0.5, 0.02) << "the other loop still holds its own metric";
  plant.load = {-4, -0.2};
  plant.ticks(12);
  EXPECT_LT(plant.world.value("fee"), dec("4.9")) << "it leaves the bound at once";
}

TEST(Decoupling, TheLoopsWaitTogetherForAnAnswer) {
  Plant plant(decoupled());
  plant.tick();
  plant.world.answers = false;
  plant.load = {4, 0};
  plant.tick();
  ASSERT_EQ(plant.world.last.adjustments.size(), 2U);
  const auto sent = plant.world.last.adjustments;
  plant.world.answer(sent[0].id, sent[0].value);
  const double output = plant.terms("reward").output;
  plant.tick();
  EXPECT_TRUE(plant.terms("fee").waiting);
  EXPECT_TRUE(plant.terms("reward").waiting);
  EXPECT_EQ(plant.terms("reward").output, output);
  EXPECT_TRUE(plant.world.last.adjustments.empty());
  plant.world.answer(sent[1].id, sent[1].value);
  plant.tick();
  EXPECT_FALSE(plant.terms("fee").waiting);
}

TEST(Decoupling, WhatWasAppliedInPartIsWhereTheLoopsGoOnFrom) {
  Plant plant(decoupled());
  plant.tick();
  plant.world.answers = false;
  plant.load = {4, 0};
  plant.tick();
  const auto sent = plant.world.last.adjustments;
  ASSERT_EQ(sent.size(), 2U);
  ASSERT_EQ(sent[0].parameter, "fee");
  plant.world.answer(sent[0].id, sent[0].value);
  plant.world.reject(sent[1].id);
  plant.tick();
  EXPECT_NEAR(plant.world.record("fee").proposed, sent[0].value.to_double(), 0.0051);
  EXPECT_NEAR(plant.world.record("reward").proposed, 2.5, 0.0051);
}

TEST(Decoupling, WhatWasAppliedInPartLeavesOutWhatAnotherOneAskedForInVain) {
  Policy policy = decoupled();
  policy.guardian.parameters[0].change.absolute = dec("0.05");  // of some % that its loop asks for
  Plant plant(policy);
  plant.tick();
  plant.world.answers = false;
  plant.load = {8, -0.02};
  plant.tick();
  const auto sent = plant.world.last.adjustments;
  ASSERT_EQ(sent.size(), 2U);
  ASSERT_GT(plant.world.record("fee").proposed, 4);
  plant.world.answer(sent[0].id, sent[0].value);
  plant.world.reject(sent[1].id);
  plant.tick();
  EXPECT_NEAR(plant.world.record("reward").proposed, 2.5, 0.07);  // what the fee's 0.05 % come to in it
}

TEST(Decoupling, WhatIsGivenUpIsProposedNoLongerInThatVeryTick) {
  Policy policy = decoupled();
  policy.guardian.parameters[1].approve_above = dec("0.2");
  policy.guardian.parameters[1].approval_max = Duration::seconds(50);
  Plant plant(policy);
  plant.ticks(3);
  const double before = plant.world.record("reward").proposed;
  plant.load = {0, -0.3};
  plant.tick();
  ASSERT_EQ(plant.world.record("reward").outcome, Outcome::awaiting_approval);
  plant.ticks(4);
  ASSERT_GT(plant.world.record("reward").proposed, before + 1);
  plant.tick();  // nobody has released it
  const DecisionRecord& reward = plant.world.record("reward");
  EXPECT_EQ(reward.proposed, before);
  double sum = 0;
  for (const LoopTerms& terms : reward.loops) sum += terms.contribution;
  EXPECT_NEAR(reward.proposed, 2.5 + sum, 1e-9);
}

TEST(Decoupling, WhatWasGivenBackWhileTheOthersAreWaitedForIsSaid) {
  Plant plant(decoupled());
  plant.tick();
  plant.world.answers = false;
  plant.load = {4, -0.1};
  plant.tick();
  const auto sent = plant.world.last.adjustments;
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(plant.world.record("fee").given_back, 0);
  plant.world.reject(sent[1].id);
  plant.tick();
  const DecisionRecord& fee = plant.world.record("fee");
  ASSERT_TRUE(fee.loops[0].waiting);
  EXPECT_GT(std::fabs(fee.given_back), 0.01);  // what the reward was to do, and the fee to make up for
  EXPECT_NEAR(fee.proposed, 2.5 + fee.loops[0].contribution + fee.loops[1].contribution + fee.given_back, 1e-12);
  EXPECT_NE(fee.why.view().find("for steps that were given back since it asked"), std::string_view::npos) << fee.why;
}

TEST(Decoupling, TheRecordSaysWhyAnotherParameterCannotFollow) {
  BeforeAHandBack before;
  Plant& plant = before.plant;
  const auto pin = [&](const char* record, std::size_t i) { return plant.world.record(record).loops[i].pin; };
  EXPECT_EQ(pin("fee", 1), Pin::change);
  EXPECT_EQ(pin("reward", 1), Pin::override);
  plant.world.order(CommandKind::clear_override, "fee");
  plant.world.order(CommandKind::pause, "fee");
  plant.tick();
  EXPECT_EQ(pin("reward", 1), Pin::pause);
  plant.world.order(CommandKind::resume, "fee");
  plant.sees[0] = false;
  plant.world.loses("velocity");
  plant.ticks(20);
  EXPECT_EQ(pin("reward", 1), Pin::unusable);
  EXPECT_EQ(pin("fee", 0), Pin::unusable);
  plant.sees[0] = true;
  plant.load = {40, -2};  // the reward goes to its hard bound
  plant.ticks(100);
  EXPECT_EQ(pin("fee", 1), Pin::bound);
  EXPECT_EQ(plant.world.value("reward"), dec("5"));
}

TEST(Decoupling, RejectedAltogetherTheLoopsAreWhereTheyWere) {
  Plant plant(decoupled());
  plant.ticks(3);
  const double before = plant.terms("fee").i;
  plant.world.answers = false;
  plant.load = {4, 0};
  plant.tick();
  for (const auto& sent : plant.world.last.adjustments) plant.world.reject(sent.id);
  for (const LoopView& loop : plant.world.engine.view().loops) {
    if (loop.name == "cool_velocity") {
      EXPECT_EQ(loop.i, before);
    }
  }
}

TEST(Decoupling, AnotherMatrixMovesNothing) {
  Plant plant(decoupled());
  plant.load = {3, -0.1};
  plant.ticks(300);
  const auto before = std::array{plant.world.record("fee").proposed, plant.world.record("reward").proposed};
  const auto change = [&](std::vector<controller::DecouplingSettings> to) {
    Policy policy = decoupled();
    policy.digest += "x";
    policy.decouplings = std::move(to);
    PolicyChange order;
    order.actor = "alice";
    order.at = at(plant.now_s);
    order.policy = std::make_shared<const Policy>(policy);
    EXPECT_TRUE(plant.world.engine.apply(order).outcome.accepted);
    plant.tick();
    EXPECT_NEAR(plant.world.record("fee").proposed, before[0], 0.02);
    EXPECT_NEAR(plant.world.record("reward").proposed, before[1], 0.02);
  };
  change({{"pair", {"cool_velocity", "wake_activity"}, false, {1, 0.5, -0.5, 1}}});
  change({});
  change(decoupled().decouplings);
}

TEST(Decoupling, GoesOnFromASavedStateBitForBit) {
  Plant plant(decoupled());
  plant.load = {3, 0.1};
  plant.world.answers = false;
  plant.ticks(5);
  auto loaded = Engine::load(std::make_shared<const Policy>(decoupled()), plant.world.engine.save());
  ASSERT_TRUE(loaded) << loaded.error().text();
  EXPECT_EQ(loaded->state_hash(), plant.world.engine.state_hash());
  const Tick next = World::tick_at(plant.now_s + 100);
  EXPECT_EQ(loaded->apply(next).records.size(), plant.world.engine.apply(next).records.size());
  EXPECT_EQ(loaded->state_hash(), plant.world.engine.state_hash());
}

/// Waits for the answer of the fee; the reward, answered, has gone on towards its proposal by another change.
struct HalfAnswered {
  static Policy policy() {
    Policy policy = decoupled();
    policy.guardian.parameters[1].change.absolute = dec("0.10");
    return policy;
  }
  HalfAnswered() : plant(policy()) {
    plant.ticks(3);
    plant.world.answers = false;
    plant.load = {4, -0.1};
    plant.tick();
    for (const auto& a : plant.world.last.adjustments) {
      if (a.parameter == "reward") plant.world.answer(a.id, a.value);
    }
  }
  Plant plant;
};

TEST(Decoupling, WhatIsSentWhileTheOthersAreWaitedForIsTheSameAfterARestart) {
  HalfAnswered half;
  auto loaded = Engine::load(std::make_shared<const Policy>(HalfAnswered::policy()), half.plant.world.engine.save());
  ASSERT_TRUE(loaded) << loaded.error().text();
  const Tick next = World::tick_at(half.plant.now_s);
  ASSERT_EQ(loaded->apply(next).adjustments.size(), 1U);  // the reward again, by itself
  EXPECT_EQ(half.plant.world.engine.apply(next).adjustments.size(), 1U);
  EXPECT_EQ(loaded->state_hash(), half.plant.world.engine.state_hash());
}

TEST(Decoupling, WhatIsRejectedWhileTheOthersAreWaitedForLeavesItsLoopWhereItWas) {
  HalfAnswered half;
  const auto integral = [&] { return half.plant.world.engine.view().loops[1].i; };
  const double before = integral();
  half.plant.tick();
  ASSERT_EQ(half.plant.world.last.adjustments.size(), 1U);
  half.plant.world.reject(half.plant.world.last.adjustments[0].id);
  EXPECT_EQ(integral(), before);  // not where it was before the change that was applied
}

std::string first_error(const Policy& policy) {
  const auto errors = check(policy);
  return errors.empty() ? "" : errors[0].text();
}

TEST(Decoupling, WhatCannotBeDecoupledIsRefused) {
  const auto with = [](auto change) {
    Policy policy = decoupled();
    change(policy);
    return first_error(policy);
  };
  using P = Policy;
  EXPECT_NE(with([](P& p) { p.decouplings[0].matrix = {-4, 3, 0.08, -0.06}; }).find("is singular"), std::string::npos);
  EXPECT_NE(with([](P& p) { p.decouplings[0].matrix[0] = 4; }).find("but raising it is declared to raise the metric"),
            std::string::npos);
  EXPECT_NE(with([](P& p) { p.decouplings[0].matrix.pop_back(); }).find("has 3 numbers"), std::string::npos);
  EXPECT_NE(with([](P& p) { p.decouplings[0].matrix[3] = 0; }).find("diagonal has a 0 for 'wake_activity'"),
            std::string::npos);
  EXPECT_NE(with([](P& p) { p.decouplings[0].loops[1] = "wake_activty"; }).find("did you mean 'wake_activity'"),
            std::string::npos);
  EXPECT_NE(with([](P& p) { p.loops[1].pid.gains.ki_per_s = 0; }).find("has no ki"), std::string::npos);
  EXPECT_NE(with([](P& p) { p.loops[1].plausibility.emplace(); }).find("dead sensor"), std::string::npos);
  EXPECT_NE(with([](P& p) {
              p.loops.push_back(p.loops[1]);
              p.loops.back().name = "third";
            }).find("shares 'reward' with 'third'"),
            std::string::npos);
  EXPECT_NE(with([](P& p) { p.decouplings.push_back(p.decouplings[0]); }).find("given twice"), std::string::npos);
}

}  // namespace
}  // namespace homeostat::engine
