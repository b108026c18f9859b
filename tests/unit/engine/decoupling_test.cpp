// Two loops that fight: each one's parameter moves the other one's metric too, as much as its own.
#include <cmath>
#include <deque>

#include "core/math.hpp"
#include "world.hpp"

namespace homeostat::engine {
namespace {

// PV per %: the fee lowers velocity and raises activity, the reward raises both.
constexpr double kGain[2][2] = {{-4, 3}, {0.13, 0.1}};
constexpr double kLag_s = 60;
constexpr std::size_t kDelayTicks = 2;

Policy fighting() {
  Policy policy = small_policy();
  policy.oracle.metrics = {sample_metric("velocity", -1000, 1000), sample_metric("activity", -10, 10)};
  for (auto& p : policy.guardian.parameters) {
    p.change.absolute.reset();
    p.quantum = dec("0.01");
  }
  // Each tuned for its own parameter and metric: a loop gain of 2 behind a lag of a minute and a delay of 20 s.
  policy.loops[0].pid.gains = {0.5, 0.5 / 60, 0};
  policy.loops[1].pid.gains = {20, 20.0 / 60, 0};
  for (auto& loop : policy.loops) loop.pid.output_min = -(loop.pid.output_max = 10);
  return policy;
}

Policy decoupled() {
  Policy policy = fighting();
  policy.decouplings = {{"pair", {"cool_velocity", "wake_activity"}, true, {-4, 3, 0.13, 0.1}}};
  return policy;
}

/// Steps the plant with the world: what the executor applied moves both metrics.
struct Plant {
  explicit Plant(const Policy& policy) : world(policy) {
    EXPECT_TRUE(check(policy).empty()) << check(policy)[0].text();
  }

  void tick() {
    const std::array<double, 2> moved{world.value("fee").to_double() - 2.5, world.value("reward").to_double() - 2.5};
    delayed.push_back(moved);
    if (delayed.size() > kDelayTicks + 1) delayed.pop_front();
    const auto& seen = delayed.size() > kDelayTicks ? delayed.front() : rest;
    const double share = 1 - math::exp(-10 / kLag_s);
    for (int i = 0; i < 2; ++i) {
      deviation[i] += share * (kGain[i][0] * seen[0] + kGain[i][1] * seen[1] - deviation[i]);
    }
    pv = {10 + load[0] + deviation[0], 0.5 + load[1] + deviation[1]};
    if (sees[0]) world.sees("velocity", pv[0]);
    if (sees[1]) world.sees("activity", pv[1]);
    world.tick(now_s);
    now_s += 10;
  }
  void ticks(int n) {
    for (int i = 0; i < n; ++i) tick();
  }
  /// How far the metrics still swing over the next n ticks.
  std::array<double, 2> swing(int n) {
    std::array<double, 2> low{1e9, 1e9}, high{-1e9, -1e9};
    for (int i = 0; i < n; ++i) {
      tick();
      for (int m = 0; m < 2; ++m) low[m] = std::min(low[m], pv[m]), high[m] = std::max(high[m], pv[m]);
    }
    return {high[0] - low[0], high[1] - low[1]};
  }
  const LoopTerms& terms(const std::string& parameter, std::size_t i = 0) { return world.record(parameter).loops[i]; }

  World world;
  std::array<double, 2> load{}, deviation{}, pv{};
  const std::array<double, 2> rest{};
  std::deque<std::array<double, 2>> delayed;
  std::array<bool, 2> sees{true, true};
  std::int64_t now_s = 0;
};

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

/// The fee is overridden and will be handed back at the next tick; the reward may move by 0.05 % at a time, and its
/// loop asks for some % more since the last one.
struct BeforeAHandBack {
  static Policy policy() {
    Policy policy = decoupled();
    policy.guardian.parameters[1].change.absolute = dec("0.05");
    return policy;
  }
  explicit BeforeAHandBack(const Policy& of = policy()) : plant(of) {
    plant.ticks(20);
    plant.world.override_value("fee", "4.00", plant.now_s + 95);
    plant.ticks(9);
    plant.load = {0, -0.3};
    plant.tick();
    EXPECT_TRUE(plant.world.record("fee").overridden);
    EXPECT_GT(plant.world.record("reward").proposed, plant.world.value("reward").to_double() + 1);
  }
  double proposed(const std::string& parameter) { return plant.world.record(parameter).proposed; }
  Plant plant;
};

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
    plant.load = {i % 40 < 20 ? 3 : -6, i % 60 < 30 ? 0 : -0.2};
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
    engine->apply(next);
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
