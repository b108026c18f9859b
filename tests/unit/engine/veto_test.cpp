// Veto windows: of one parameter, of bundles, and what the laws do meanwhile; and bundles as a whole on the model.
#include "world.hpp"

namespace homeostat::engine {
namespace {

using guardian::Limit;

/// Fee and reward move together; the fee waits 30 s for a veto, the reward would not.
Policy pair() {
  Policy policy = small_policy();
  for (auto& p : policy.guardian.parameters) p.change.absolute.reset();  // a limit would refuse the whole
  policy.guardian.parameters[0].veto_window = Duration::seconds(30);
  policy.guardian.bundles = {{"pair", {"fee", "reward"}, {}}};
  return policy;
}
/// Both loops want to move.
World moving(const Policy& policy) {
  EXPECT_TRUE(check(policy).empty()) << check(policy)[0].text();
  World world(policy);
  world.tick(0);
  world.sees("velocity", 14).sees("activity", 0.3);
  return world;
}
Effects veto(World& world, std::uint64_t id) {
  GuardianCommand command{"alice", "no", at(world.now_s + 5), CommandKind::veto};
  command.id = id;
  return world.engine.apply(command);
}
double integral(const World& world, const std::string& loop) {
  for (const LoopView& l : world.engine.view().loops) {
    if (l.name == loop) return l.i;
  }
  return 0;
}

TEST(BundleVeto, TheWholeBundleWaitsUntilTheLongestWindowHasPassed) {
  World world = moving(pair());
  world.tick(10);
  EXPECT_EQ(world.record("fee").outcome, Outcome::awaiting_veto);
  EXPECT_EQ(world.record("reward").outcome, Outcome::awaiting_veto);
  for (const std::int64_t s : {20, 30}) EXPECT_TRUE(world.tick(s).adjustments.empty());
  const Effects& sent = world.tick(40);
  ASSERT_EQ(sent.adjustments.size(), 1U);
  ASSERT_EQ(sent.adjustments[0].members.size(), 2U);
  EXPECT_EQ(sent.updates.size(), 2U);
}

TEST(BundleVeto, AVetoOfOneRefusesAll) {
  World world = moving(pair());
  world.tick(10);
  const Effects vetoed = veto(world, world.record("reward").id);
  EXPECT_TRUE(vetoed.outcome.accepted);
  EXPECT_NE(vetoed.outcome.message.find("nor the 1 that would go with it"), std::string::npos)
      << vetoed.outcome.message;
  ASSERT_EQ(vetoed.updates.size(), 2U);
  for (const DecisionRecord& record : vetoed.updates) EXPECT_EQ(record.outcome, Outcome::vetoed);
  EXPECT_EQ(world.engine.view().parameters[0].in_flight, 0U);
  EXPECT_TRUE(world.tick(20).adjustments.empty());
  EXPECT_EQ(world.value("fee"), dec("2.50"));
}

TEST(BundleVeto, AnOverrideOfOneOvertakesAll) {
  World world = moving(pair());
  world.tick(10);
  world.override_value("reward", "2.6", 4000);
  world.tick(20);
  ASSERT_GE(world.last.updates.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(world.last.updates[i].outcome, Outcome::withheld);
    EXPECT_TRUE(world.last.updates[i].why.view().ends_with("; overtaken by an override")) << world.last.updates[i].why;
  }
}

TEST(BundleVeto, AnInvariantThatNoLongerHoldsWhenTheWindowHasPassedRefusesAll) {
  Policy policy = pair();

  policy.guardian.bundles[0].invariants = {{"fast_enough", "fee <= 2.5 ? 1 : velocity > 13"}};
  World world = moving(policy);
  world.tick(10);
  ASSERT_EQ(world.record("fee").outcome, Outcome::awaiting_veto);
  world.sees("velocity", 12).ticks(20, 40);
  EXPECT_TRUE(world.last.adjustments.empty());
  ASSERT_EQ(world.last.updates.size(), 2U);
  EXPECT_NE(world.last.updates[1].why.view().find("not sent: fast_enough does not hold"), std::string::npos)
      << world.last.updates[1].why;
}

TEST(BundleVeto, AMemberThatMovesAloneIsJudgedAgainWithTheWholeWhenItsWindowHasPassed) {
  Policy policy = pair();
  policy.guardian.bundles[0].invariants = {{"fast_enough", "fee <= 2.5 ? 1 : velocity > 13"}};
  World world = moving(policy);
  world.sees("activity", 0.5);  // the reward stays where it is
  world.tick(10);
  ASSERT_EQ(world.record("fee").outcome, Outcome::awaiting_veto);
  world.sees("velocity", 12).ticks(20, 40);
  EXPECT_TRUE(world.last.adjustments.empty());
  ASSERT_EQ(world.last.updates.size(), 1U);
  EXPECT_NE(world.last.updates[0].why.view().find("not sent: fast_enough does not hold"), std::string::npos)
      << world.last.updates[0].why;
}

TEST(BundleVeto, WhatWaitsWhenItsParameterIsBundledIsNotSentBesideAnotherMember) {
  Policy policy = pair();
  policy.guardian.bundles.clear();
  World world = moving(policy);
  world.answers = false;
  world.tick(10);
  ASSERT_EQ(world.record("fee").outcome, Outcome::awaiting_veto);
  ASSERT_EQ(world.record("reward").outcome, Outcome::emitted);
  PolicyChange change{at(15), "alice", "", std::make_shared<const Policy>(pair())};
  ASSERT_TRUE(world.engine.apply(change).outcome.accepted);
  world.ticks(20, 40);
  EXPECT_TRUE(world.last.adjustments.empty());
  ASSERT_EQ(world.last.updates.size(), 1U);
  EXPECT_NE(world.last.updates[0].why.view().find("of reward, in the same bundle, is under way"), std::string::npos)
      << world.last.updates[0].why;
}

TEST(BundleVeto, AReleaseOfOneThatNeedsItIsAReleaseOfAll) {
  Policy policy = pair();
  policy.guardian.parameters[1].approve_above = dec("0.1");
  World world = moving(policy);
  world.tick(10);
  for (const char* member : {"fee", "reward"}) {
    EXPECT_EQ(world.record(member).outcome, Outcome::awaiting_approval) << member;
  }
  world.ticks(20, 60);
  EXPECT_TRUE(world.last.adjustments.empty());
  GuardianCommand release{"alice", "yes", at(65), CommandKind::release};
  release.id = world.engine.view().parameters[1].in_flight;
  EXPECT_TRUE(world.engine.apply(release).outcome.accepted);
  world.tick(70);
  ASSERT_EQ(world.last.adjustments.size(), 1U);
  EXPECT_EQ(world.last.adjustments[0].members.size(), 2U);
}

TEST(BundleVeto, GoesOnFromASavedState) {
  World world = moving(pair());
  world.tick(10);
  auto loaded = Engine::load(std::make_shared<const Policy>(pair()), world.engine.save());
  ASSERT_TRUE(loaded) << loaded.error().text();
  world.engine = std::move(*loaded);
  world.ticks(20, 40);
  EXPECT_EQ(world.last.adjustments.size(), 1U);
}

TEST(BundleOverride, LargerThanTheLargestChangeGoesThereInSteps) {
  Policy policy = pair();
  policy.guardian.parameters[0].veto_window = {};
  policy.guardian.parameters[0].change.absolute = dec("0.25");
  World world(policy);
  world.tick(0);
  world.override_value("fee", "3.2", 4000);
  world.tick(10);
  EXPECT_EQ(world.value("fee"), dec("2.75"));
  world.tick(20);
  EXPECT_EQ(world.value("fee"), dec("3.00"));
  world.tick(30);
  EXPECT_EQ(world.value("fee"), dec("3.20"));
}

// --- what the laws do ----------------------------------------------------------------------

Policy waiting() {
  Policy policy = small_policy();
  policy.guardian.parameters[0].veto_window = Duration::minutes(10);
  policy.guardian.parameters[0].change.absolute.reset();
  return policy;
}

TEST(Veto, TheLawsWaitWithTheirProposal) {
  World world = moving(waiting());
  world.sees("velocity", 12).sees("activity", 0.5);
  world.tick(10);
  ASSERT_EQ(world.fee().outcome, Outcome::awaiting_veto);
  const double then = integral(world, "cool_velocity");
  const Decimal asked = world.fee().value;
  world.ticks(20, 600);  // an error that nobody may answer yet winds nothing up
  EXPECT_TRUE(world.fee().loops[0].waiting);
  EXPECT_EQ(integral(world, "cool_velocity"), then);
  world.tick(610);
  ASSERT_EQ(world.last.adjustments.size(), 1U);
  EXPECT_EQ(world.last.adjustments[0].value, asked);
  world.tick(620);  // answered: the step after the gap takes in three periods at most
  EXPECT_NEAR(integral(world, "cool_velocity") - then, 2 * 0.01 * 30, 1e-9);
}

TEST(Veto, VetoedTheLawsAreWhereTheyWereBeforeTheyAsked) {
  World world = moving(waiting());
  world.sees("velocity", 12).sees("activity", 0.5);
  const double before = integral(world, "cool_velocity");
  world.tick(10);
  ASSERT_NE(integral(world, "cool_velocity"), before);
  ASSERT_TRUE(veto(world, world.fee().id).outcome.accepted);
  EXPECT_EQ(integral(world, "cool_velocity"), before);
}

TEST(Veto, ARejectionAfterTheWindowGivesBackWhatTheLawsWereBeforeIt) {
  World world = moving(waiting());
  world.sees("velocity", 12).sees("activity", 0.5);
  const double before = integral(world, "cool_velocity");
  world.answers = false;
  world.ticks(10, 610);
  ASSERT_EQ(world.last.adjustments.size(), 1U);
  world.reject(world.last.adjustments[0].id);
  EXPECT_EQ(integral(world, "cool_velocity"), before);
}

// --- bundles on the model ---------------------------------------------------------------------

/// Both parameters lower the velocity, each by as much as it may alone; together they would lower it too far.
Policy too_much_together() {
  Policy policy = pair();
  policy.guardian.parameters[0].veto_window = {};
  policy.loops[1] = policy.loops[0];
  policy.loops[1].name = "cool_by_reward";
  policy.loops[1].parameter = "reward";
  for (auto& loop : policy.loops) {
    loop.pid.gains = {0.125, 0, 0};
    loop.plant = controller::Plant{4, 4, Duration::seconds(10), Duration{}};
    loop.corridor = controller::Corridor{11, 20, Duration::seconds(10)};
  }
  return policy;
}

TEST(BundleModel, WhatOnlyTheWholeTakesOutOfTheCorridorIsRefusedWhole) {
  World world = moving(too_much_together());
  world.sees("velocity", 12).tick(10);
  EXPECT_TRUE(world.last.adjustments.empty());
  for (const char* member : {"fee", "reward"}) {
    const DecisionRecord& record = world.record(member);
    EXPECT_EQ(record.outcome, Outcome::withheld);
    ASSERT_FALSE(record.limits.empty());
    EXPECT_EQ(record.limits.back().limit, Limit::bundle);
    EXPECT_NE(record.limits.back().detail.find("pair refused: velocity would go from 12 to 10.7"), std::string::npos)
        << record.limits.back().detail;
    EXPECT_NE(record.limits.back().detail.find("with the whole bundle moved, outside 11 to 20"), std::string::npos);
  }
}

TEST(BundleModel, EachByItselfWouldHaveBeenSent) {
  Policy policy = too_much_together();
  policy.guardian.bundles.clear();
  World world = moving(policy);
  EXPECT_EQ(world.sees("velocity", 12).tick(10).adjustments.size(), 2U);
}

/// The fee alone, waiting; each % of it is said to lower the velocity by 4 to 8 within a tick.
Policy waits_on_the_model() {
  Policy policy = small_policy();
  policy.loops.pop_back();
  policy.guardian.parameters[0].veto_window = Duration::seconds(30);
  policy.loops[0].plant = controller::Plant{4, 8, Duration::seconds(10), Duration{}};
  policy.loops[0].corridor = controller::Corridor{9, 20, Duration::seconds(10)};
  return policy;
}

TEST(VetoModel, WhatStaysInsideByTheReadingsOfNowIsSent) {
  World world = moving(waits_on_the_model());
  world.tick(10);
  ASSERT_EQ(world.fee().outcome, Outcome::awaiting_veto);
  world.sees("velocity", 12).ticks(20, 40);
  EXPECT_EQ(world.last.adjustments.size(), 1U);
}

TEST(VetoModel, WhatWouldEndOutsideByTheReadingsOfNowIsNotSentAndUsesUpNoCooldown) {
  Policy policy = waits_on_the_model();
  policy.guardian.parameters[0].cooldown_up = Duration::hours(1);
  World world = moving(policy);
  const double before = integral(world, "cool_velocity");
  world.tick(10);
  ASSERT_EQ(world.fee().outcome, Outcome::awaiting_veto);
  world.sees("velocity", 10.2).ticks(20, 30);  // it came down by itself
  world.tick(40);
  EXPECT_TRUE(world.last.adjustments.empty());
  ASSERT_EQ(world.last.updates.size(), 1U);
  const DecisionRecord& record = world.last.updates[0];
  EXPECT_EQ(record.outcome, Outcome::withheld);
  EXPECT_NE(record.why.view().find("; not sent: velocity would go from 10.2 to 8.9"), std::string::npos) << record.why;
  EXPECT_NE(record.why.view().find("in 10s by the plant of cool_velocity with gain 8, outside 9 to 20"),
            std::string::npos)
      << record.why;
  EXPECT_EQ(world.engine.view().parameters[0].in_flight, 0U);
  EXPECT_EQ(integral(world, "cool_velocity"), before);
  world.sees("velocity", 14).tick(50);
  EXPECT_EQ(world.fee().outcome, Outcome::awaiting_veto) << world.fee().why;
}

/// The fee of the two waits, and so do both.
Policy too_much_together_later() {
  Policy policy = too_much_together();
  policy.guardian.parameters[0].veto_window = Duration::seconds(30);
  return policy;
}

TEST(BundleVetoModel, TheWholeIsRunAgainWhenItsWindowHasPassed) {
  World world = moving(too_much_together_later());
  world.sees("velocity", 14).tick(10);
  ASSERT_EQ(world.fee().outcome, Outcome::awaiting_veto) << world.fee().why;
  world.ticks(20, 40);
  EXPECT_EQ(world.last.adjustments.size(), 1U);
}

TEST(BundleVetoModel, WhatTheWholeWouldTakeOutOfTheCorridorByNowIsRefusedWhole) {
  Policy policy = too_much_together_later();
  for (auto& p : policy.guardian.parameters) p.cooldown_up = Duration::hours(1);
  World world = moving(policy);
  world.sees("velocity", 14).tick(10);
  ASSERT_EQ(world.fee().outcome, Outcome::awaiting_veto) << world.fee().why;
  world.sees("velocity", 12.5).ticks(20, 40);  // each of both by itself would still end inside
  EXPECT_TRUE(world.last.adjustments.empty());
  ASSERT_EQ(world.last.updates.size(), 2U);
  for (const DecisionRecord& record : world.last.updates) {
    EXPECT_EQ(record.outcome, Outcome::withheld);
    EXPECT_NE(record.why.view().find("; not sent: velocity would go from 12.5 to 9.9"), std::string::npos)
        << record.why;
    EXPECT_TRUE(record.why.view().ends_with("with the whole bundle moved, outside 11 to 20")) << record.why;
  }
  for (const ParameterView& p : world.engine.view().parameters) {
    EXPECT_EQ(p.in_flight, 0U) << p.name;
    EXPECT_EQ(p.value, dec("2.5")) << p.name;
  }
  world.sees("velocity", 14).tick(50);  // no cooldown runs
  EXPECT_EQ(world.fee().outcome, Outcome::awaiting_veto) << world.fee().why;
}

TEST(BundleVetoModel, TheCorridorOfAMemberThatDoesNotMoveCountsToo) {
  Policy policy = too_much_together_later();
  policy.loops[0].corridor.reset();
  policy.loops[1].pid.gains = {0.0001, 0, 0};  // the reward stays where it is
  World world = moving(policy);
  world.sees("velocity", 14).tick(10);
  ASSERT_EQ(world.fee().outcome, Outcome::awaiting_veto) << world.fee().why;
  ASSERT_EQ(world.record("reward").value, dec("2.5"));
  world.sees("velocity", 11.2).ticks(20, 40);
  EXPECT_TRUE(world.last.adjustments.empty());
  ASSERT_EQ(world.last.updates.size(), 1U);
  EXPECT_NE(world.last.updates[0].why.view().find("by the plant of cool_by_reward"), std::string::npos)
      << world.last.updates[0].why;
}

TEST(BundleModel, ADecouplingsGainCarriesOneMembersMoveToTheOthersMetric) {
  const auto outcome = [](bool is_gain_known) {
    Policy policy = pair();
    policy.guardian.parameters[0].veto_window = {};
    policy.guardian.parameters[0].quantum = dec("0.5");  // too coarse to make up for what the reward does to velocity
    controller::DecouplingSettings road{"road", {"cool_velocity", "wake_activity"}, true, {-4, 1, 0.13, 0.1}};
    if (!is_gain_known) road = {road.name, road.loops, false, controller::decoupling_of(road)->matrix};
    policy.decouplings = {road};
    for (auto& loop : policy.loops) loop.plant = controller::Plant{1, 1, Duration::seconds(10), Duration{}};
    policy.loops[0].corridor = controller::Corridor{9, 10.1, Duration::seconds(10)};
    EXPECT_TRUE(check(policy).empty()) << check(policy)[0].text();
    World world(policy);
    world.tick(0);
    world.sees("activity", 0.3).tick(10);
    EXPECT_EQ(world.fee().value, dec("2.5"));
    return world.record("reward").outcome;
  };
  EXPECT_EQ(outcome(false), Outcome::emitted);
  EXPECT_EQ(outcome(true), Outcome::withheld);
}

}  // namespace
}  // namespace homeostat::engine
