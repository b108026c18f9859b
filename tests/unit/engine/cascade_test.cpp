// Loops that drive others, gains that follow a reading, and loops that count by how far their readings can be trusted.
#include "world.hpp"

namespace homeostat::engine {
namespace {

/// Activity below its set-point raises the set-point of velocity, which the fee then follows.
Policy cascaded() {
  Policy policy = small_policy();
  policy.guardian.parameters[0].change.absolute.reset();
  policy.guardian.parameters[0].quantum = dec("0.01");
  policy.loops[0].pid.gains = {0.1, 0.01, 0};
  controller::LoopSettings& outer = policy.loops[1];
  outer.drives = "cool_velocity";
  outer.parameter = "fee";
  outer.pid.gains = {10, 0.1, 0};
  outer.pid.output_min = -5;
  outer.pid.output_max = 20;
  return policy;
}

TEST(Cascade, TheOutputOfTheOuterLoopIsTheSetpointOfTheInnerOneInTheSameTick) {
  World world(cascaded());
  world.tick(0);
  world.sees("activity", 0.3).tick(10);
  const auto& loops = world.fee().loops;
  ASSERT_EQ(loops.size(), 2U);
  EXPECT_EQ(loops[1].loop, "wake_activity");
  EXPECT_EQ(loops[1].drives, "cool_velocity");
  EXPECT_NEAR(loops[1].output, 2.1, 1e-9);  // 10 x 0.2 + 0.1 x 0.1 x 10 s
  EXPECT_EQ(loops[0].setpoint, 10 + loops[1].output);
  EXPECT_LT(world.value("fee"), dec("2.5"));  // velocity is now below its set-point
  EXPECT_EQ(world.fee().why.view().find("activity"), std::string_view::npos);
}

TEST(Cascade, ThreeLoopsStepFromTheOutermostWhateverTheirOrder) {
  Policy policy = cascaded();
  policy.oracle.metrics.push_back(sample_metric("mood", 0, 1));
  controller::LoopSettings top = policy.loops[1];
  top.name = "top";
  top.metric = "mood";
  top.drives = "wake_activity";
  top.pid.gains = {1, 0, 0};
  top.pid.output_min = -0.4;
  top.pid.output_max = 0.4;
  std::swap(policy.loops[0], policy.loops[1]);
  policy.loops.push_back(top);
  ASSERT_TRUE(check(policy).empty()) << check(policy)[0].text();
  World world(policy);
  world.sees("mood", 0.5).tick(0);
  world.sees("mood", 0.4).tick(10);
  const auto& loops = world.fee().loops;
  ASSERT_EQ(loops.size(), 3U);
  EXPECT_EQ(loops[0].loop, "cool_velocity");
  EXPECT_EQ(loops[2].loop, "top");
  EXPECT_NEAR(loops[1].setpoint, 0.6, 1e-12);
  EXPECT_NEAR(loops[0].setpoint, 10 + loops[1].output, 1e-12);
  EXPECT_GT(loops[1].output, 0.9);
}

TEST(Cascade, TheOuterLoopDoesNotWindUpWhileTheInnerOneIsAtItsBound) {
  Policy policy = cascaded();
  World world(policy);
  world.sees("velocity", 2).sees("activity", 0.2).ticks(0, 20'000);  // velocity cannot be raised: the fee is at its min
  EXPECT_EQ(world.value("fee"), dec("0.5"));
  const double integral = world.fee().loops[1].i;
  EXPECT_LT(integral, 5) << "the outer bound is 20";
  world.sees("velocity", 12).sees("activity", 0.55).ticks(20'010, 20'200);  // it turns: the fee leaves its bound soon
  EXPECT_GT(world.value("fee"), dec("0.5"));
}

TEST(Cascade, TheOuterLoopHoldsWhileTheInnerOneIsNotInCharge) {
  World world(cascaded());
  world.ticks(0, 50);
  world.sees("activity", 0.3);
  world.override_value("fee", "1.2", 400);
  world.tick(60);
  const double held = world.fee().loops[1].output;
  world.ticks(70, 390);
  EXPECT_EQ(world.fee().loops[1].output, held);
  EXPECT_TRUE(world.fee().loops[1].frozen);
  world.tick(400);
  EXPECT_EQ(world.value("fee"), dec("1.2"));  // handed back without a step
}

TEST(Cascade, CirclesAndStrangersAreRefused) {
  Policy policy = cascaded();
  policy.loops[0].drives = "wake_activity";
  auto errors = check(policy);
  ASSERT_FALSE(errors.empty());
  EXPECT_NE(errors[0].text().find("goes in a circle"), std::string::npos) << errors[0].text();
  policy = cascaded();
  policy.loops[1].drives = "cool_velocty";
  errors = check(policy);
  ASSERT_FALSE(errors.empty());
  EXPECT_NE(errors[0].text().find("no loop is named 'cool_velocty'; did you mean 'cool_velocity'"), std::string::npos)
      << errors[0].text();
  policy = cascaded();
  policy.loops[1].pid.output_max = 1e6;
  errors = check(policy);
  ASSERT_FALSE(errors.empty());
  EXPECT_EQ(errors[0].where, "loops.wake_activity.output");
}

/// The fee by velocity, its gains by activity: from 1 at 0 to a fifth at 1.
Policy scheduled() {
  Policy policy = small_policy();
  policy.guardian.parameters[0].change.absolute.reset();
  policy.guardian.parameters[0].quantum = dec("0.01");
  policy.loops[0].pid.gains = {0.2, 0.001, 0};
  policy.loops[0].schedule = controller::GainSchedule{"activity", {{0, 1}, {1, 0.2}}};
  return policy;
}

TEST(Schedule, InterpolatesAndStopsAtItsEnds) {
  const controller::GainSchedule s{"x", {{10, 1}, {20, 3}, {40, 1}}};
  EXPECT_EQ(factor_at(s, 0), 1);
  EXPECT_EQ(factor_at(s, 15), 2);
  EXPECT_EQ(factor_at(s, 20), 3);
  EXPECT_EQ(factor_at(s, 30), 2);
  EXPECT_EQ(factor_at(s, 99), 1);
}

TEST(Schedule, AFactorThatChangesIsNoStep) {
  World world(scheduled());
  world.sees("velocity", 15).sees("activity", 0).ticks(0, 100);
  const auto before = world.fee().loops[0];
  EXPECT_NEAR(before.p, 1, 1e-12);
  world.sees("activity", 1).tick(110);
  const auto after = world.fee().loops[0];
  EXPECT_EQ(after.gain_factor, 0.2);
  EXPECT_NEAR(after.p, 0.2, 1e-12);
  EXPECT_NEAR(after.output - before.output, 0.2 * 0.001 * 5 * 10, 1e-12);  // only what it integrates, at a fifth
}

TEST(Schedule, AReadingThatCannotBeTrustedHoldsTheLastFactor) {
  World world(scheduled());
  world.sees("velocity", 12).sees("activity", 0.5).ticks(0, 100);
  EXPECT_NEAR(world.fee().loops[0].gain_factor, 0.6, 1e-12);
  world.loses("activity").ticks(110, 500);
  EXPECT_NEAR(world.fee().loops[0].gain_factor, 0.6, 1e-12);
  EXPECT_FALSE(world.fee().loops[0].frozen);
}

TEST(Schedule, PointsThatDoNotAscendAreRefused) {
  Policy policy = scheduled();
  policy.loops[0].schedule->points = {{1, 1}, {1, 2}};
  const auto errors = check(policy);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].where, "loops.cool_velocity.schedule.points");
}

Policy weighted() {
  Policy policy = small_policy();
  policy.guardian.parameters[0].change.absolute.reset();
  policy.guardian.parameters[0].arbitration = guardian::Arbitration::weighted;
  policy.loops[0].pid.gains = {0.1, 0, 0};
  policy.loops[1].parameter = "fee";
  policy.loops[1].pid.gains = {2, 0, 0};
  return policy;
}

TEST(Weighted, IsTheMeanByAuthority) {
  World world(weighted());
  world.sees("velocity", 20).sees("activity", 0.75).tick(0);  // +1 and -0.5
  EXPECT_EQ(world.value("fee"), dec("2.75"));
  EXPECT_EQ(world.fee().loops[0].weight, 1);
}

TEST(Weighted, ALoopThatCannotSeeDoesNotCountAndNoneLeavesItAsItWas) {
  World world(weighted());
  world.sees("velocity", 20).sees("activity", 0.75).tick(0);
  world.loses("activity").ticks(10, 200);
  EXPECT_EQ(world.value("fee"), dec("3.5"));
  EXPECT_EQ(world.fee().loops[1].weight, 0);
  world.loses("velocity").ticks(210, 400);
  EXPECT_EQ(world.value("fee"), dec("3.5"));
}

}  // namespace
}  // namespace homeostat::engine
