// A sensor that no longer moves when its actuator does. The world of the other scenarios: velocity above its set-point
// of 10 raises the fee, whose range is 4.5 %; a period of 10 s.
#include "world.hpp"

namespace homeostat::engine {
namespace {

Policy watched_policy() {
  Policy policy = small_policy();
  for (auto& loop : policy.loops) {
    loop.plausibility = controller::Plausibility{0.1, Duration::minutes(2), 0.001};
    loop.pid.gains = {0, 0.002, 0};  // a slow ramp that comes nowhere near its limits
  }
  return policy;
}

const oracle::Reading& reading(const World& world, const std::string& parameter = "fee") {
  return world.record(parameter).loops[0].reading;
}

/// Ticks until the reading is unresponsive; the second at which it first was, 0 = never.
std::int64_t unresponsive_at(World& world, std::int64_t from, std::int64_t to) {
  for (std::int64_t s = from; s <= to; s += 10) {
    world.tick(s);
    if (reading(world).unresponsive) return s;
  }
  return 0;
}

TEST(Plausibility, ASensorThatStandsStillWhileItsActuatorMovesIsUnresponsive) {
  World world(watched_policy());
  world.sees("velocity", 12);
  const std::int64_t when = unresponsive_at(world, 10, 2000);
  ASSERT_NE(when, 0);
  const oracle::Reading& r = reading(world);
  EXPECT_EQ(r.quality, oracle::Quality::degraded);
  EXPECT_EQ(r.authority, oracle::kDoubtedAuthority);
  EXPECT_NE(r.reason.view().find("unresponsive: fee moved by "), std::string::npos) << r.reason;
  EXPECT_NE(r.reason.view().find("stayed within 0.1% of 12"), std::string::npos) << r.reason;
  // Not before the fee had moved by a tenth of its range, 0.45, and two minutes after it at the earliest.
  EXPECT_GE(world.value("fee"), dec("2.95"));
  EXPECT_FALSE(reading(world, "reward").unresponsive) << "the other loop's metric is at its set-point";
}

TEST(Plausibility, TimeBeginsWhenTheParameterHasMovedFarEnough) {
  World world(watched_policy());
  world.sees("velocity", 12);
  std::int64_t moved = 0;
  std::int64_t when = 0;
  for (std::int64_t s = 10; s <= 2000 && when == 0; s += 10) {
    world.tick(s);
    if (moved == 0 && world.value("fee") >= dec("2.95")) moved = s;
    if (reading(world).unresponsive) when = s;
  }
  ASSERT_NE(moved, 0);
  EXPECT_EQ(when, moved + 130) << "the tick after it moved begins the two minutes, the one after them says so";
}

TEST(Plausibility, ANoisyTremblingWithinTheResponseIsStillStanding) {
  World world(watched_policy());
  for (std::int64_t s = 10; s <= 2000; s += 10) {
    world.sees("velocity", s % 20 == 0 ? 12.005 : 11.995);
    world.tick(s);
  }
  EXPECT_TRUE(reading(world).unresponsive);
}

TEST(Plausibility, ASensorThatAnswersIsNot) {
  World world(watched_policy());
  double velocity = 14;
  for (std::int64_t s = 10; s <= 4000; s += 10) {
    velocity = 14 - 1.5 * (world.value("fee").to_double() - 2.5);
    world.sees("velocity", velocity);
    world.tick(s);
    ASSERT_FALSE(reading(world).unresponsive) << s;
  }
  EXPECT_GT(world.value("fee"), dec("3")) << "there was something to answer to";
}

TEST(Plausibility, WhatWasNotAcknowledgedHasNotMoved) {
  Policy policy = watched_policy();
  policy.loops[0].plausibility->moved_ratio = 0.02;  // less than the one step that is asked for
  World world(policy);
  world.answers = false;
  world.sees("velocity", 12);
  EXPECT_EQ(unresponsive_at(world, 10, 3000), 0);
}

TEST(Plausibility, WhatWasRejectedHasNotMoved) {
  Policy policy = watched_policy();
  policy.loops[0].plausibility->moved_ratio = 0.02;
  World world(policy);
  world.answers = false;
  world.sees("velocity", 12);
  for (std::int64_t s = 10; s <= 3000; s += 10) {
    for (const Adjustment& a : world.tick(s).adjustments) world.reject(a.id);
    ASSERT_FALSE(reading(world).unresponsive) << s;
  }
}

TEST(Plausibility, ALoopAtItsLimitsAsksNothingMoreOfThePlant) {
  Policy policy = watched_policy();
  policy.loops[0].pid.gains = {1, 0, 0};  // at once to +2, its limit
  policy.loops[0].pid.output_max = 1;
  World world(policy);
  world.sees("velocity", 20);
  EXPECT_EQ(unresponsive_at(world, 10, 3000), 0);
  EXPECT_EQ(world.value("fee"), dec("3.5")) << "it had moved by more than a tenth";
}

TEST(Plausibility, AStandingLoopAtItsSetPointIsNot) {
  World world(watched_policy());
  EXPECT_EQ(unresponsive_at(world, 10, 3000), 0);
}

TEST(Plausibility, LoopsOnOneMetricThatCancelEachOtherAreNot) {
  Policy policy = watched_policy();
  // Velocity moves the reward too. Both parameters rise by the same share of their ranges, and are taken to move it in
  // opposite directions.
  policy.loops[1].metric = "velocity";
  policy.loops[1].setpoint = 14;
  World world(policy);
  world.sees("velocity", 12);
  EXPECT_EQ(unresponsive_at(world, 10, 3000), 0);
  EXPECT_GT(world.value("fee"), dec("3"));
  EXPECT_GT(world.value("reward"), dec("3"));
}

TEST(Plausibility, LoopsOnOneMetricThatPullTheSameWayAre) {
  Policy policy = watched_policy();
  policy.loops[1].metric = "velocity";
  policy.loops[1].setpoint = 10;
  policy.loops[1].pid.action = controller::Action::direct;  // lowers the reward when velocity is high
  World world(policy);
  world.sees("velocity", 12);
  EXPECT_NE(unresponsive_at(world, 10, 3000), 0);
  EXPECT_LT(world.value("reward"), dec("2.5"));
}

TEST(Plausibility, ItEndsWhenTheReadingMovesAgain) {
  World world(watched_policy());
  world.sees("velocity", 12);
  const std::int64_t when = unresponsive_at(world, 10, 2000);
  ASSERT_NE(when, 0);
  world.sees("velocity", 11.9).tick(when + 10);
  ASSERT_EQ(world.last.notices.size(), 1U);
  EXPECT_EQ(world.last.notices[0].text, "moves again: it is no longer unresponsive");
  world.tick(when + 20);
  EXPECT_FALSE(reading(world).unresponsive);
  EXPECT_EQ(reading(world).quality, oracle::Quality::ok);
  EXPECT_EQ(reading(world).authority, 1);
}

TEST(Plausibility, ItEndsWhenAGuardianSaysSoAndBeginsAnew) {
  World world(watched_policy());
  world.sees("velocity", 12);
  const std::int64_t when = unresponsive_at(world, 10, 2000);
  ASSERT_NE(when, 0);
  EXPECT_TRUE(world.order(CommandKind::clear_halt, "velocity").outcome.accepted);
  world.tick(when + 10);
  EXPECT_FALSE(reading(world).unresponsive);
  EXPECT_FALSE(world.order(CommandKind::clear_halt, "velocity").outcome.accepted) << "there is nothing to clear";
  EXPECT_NE(unresponsive_at(world, when + 20, when + 3000), 0) << "it still does not answer";
}

TEST(Plausibility, ASourceThatIsSilentIsNotCalledFrozen) {
  Policy policy = watched_policy();
  policy.oracle.metrics[0].staleness_max = Duration::minutes(30);  // its last word stays usable
  World world(policy);
  world.sees("velocity", 12);
  std::int64_t s = 10;
  for (; world.value("fee") < dec("2.95"); s += 10) world.tick(s);
  world.loses("velocity");
  EXPECT_EQ(unresponsive_at(world, s, s + 1200), 0);
}

TEST(Plausibility, WhatCouldNotBeReadDoesNotCountAsStanding) {
  World world(watched_policy());
  world.sees("velocity", 12);
  std::int64_t s = 10;
  for (; world.value("fee") < dec("2.95"); s += 10) world.tick(s);
  world.loses("velocity");
  for (const std::int64_t end = s + 200; s < end; s += 10) world.tick(s);
  ASSERT_FALSE(is_usable(reading(world).quality));
  world.sees("velocity", 12);
  EXPECT_EQ(unresponsive_at(world, s, s + 100), 0) << "nobody knows where it was meanwhile";
}

TEST(Plausibility, GoesOnFromASavedState) {
  World world(watched_policy());
  world.sees("velocity", 12);
  std::int64_t s = 10;
  for (; world.value("fee") < dec("2.95"); s += 10) world.tick(s);
  world.tick(s), world.tick(s + 10);
  auto loaded = Engine::load(std::make_shared<const Policy>(watched_policy()), world.engine.save());
  ASSERT_TRUE(loaded);
  World again(watched_policy());
  again.engine = std::move(*loaded);
  again.sequence = world.sequence;
  again.sees("velocity", 12);
  const std::int64_t when = unresponsive_at(world, s + 20, s + 2000);
  EXPECT_NE(when, 0);
  EXPECT_EQ(unresponsive_at(again, s + 20, s + 2000), when);
  EXPECT_EQ(again.engine.state_hash(), world.engine.state_hash());
}

TEST(Plausibility, OutlivesAPolicyThatStillAsksAndEndsWithOneThatDoesNot) {
  World world(watched_policy());
  world.sees("velocity", 12);
  const std::int64_t when = unresponsive_at(world, 10, 2000);
  ASSERT_NE(when, 0);
  Policy same = watched_policy();
  same.digest = "d2";
  const auto change = [&](const Policy& policy) {
    return world.engine.apply(PolicyChange{at(world.now_s), "alice", "", std::make_shared<const Policy>(policy)})
        .outcome;
  };
  ASSERT_TRUE(change(same).accepted);
  world.tick(when + 10);
  EXPECT_TRUE(reading(world).unresponsive);
  Policy without = same;
  without.digest = "d3";
  for (auto& loop : without.loops) loop.plausibility.reset();
  ASSERT_TRUE(change(without).accepted);
  world.tick(when + 20);
  EXPECT_FALSE(reading(world).unresponsive);
}

}  // namespace
}  // namespace homeostat::engine
