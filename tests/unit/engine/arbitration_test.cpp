#include "world.hpp"

namespace homeostat::engine {
namespace {

/// Two loops on the fee: velocity by P alone, activity by P alone.
Policy two_loops(guardian::Arbitration arbitration) {
  auto policy = small_policy();
  policy.guardian.parameters[0].arbitration = arbitration;
  policy.guardian.parameters[0].change.absolute.reset();
  policy.loops[0].pid.gains = {0.1, 0, 0};
  policy.loops[1].parameter = "fee";
  policy.loops[1].pid.gains = {2, 0, 0};
  return policy;
}

Decimal fee_with(guardian::Arbitration arbitration, double velocity, double activity) {
  World world(two_loops(arbitration));
  world.sees("velocity", velocity).sees("activity", activity).tick(0);
  return world.value("fee");
}

TEST(Arbitration, CombinesContributionsAroundTheBase) {
  using guardian::Arbitration;
  // velocity 15: +0.5; activity 0.25: +0.5; activity 0.75: -0.5
  EXPECT_EQ(fee_with(Arbitration::sum, 15, 0.25), dec("3.5"));
  EXPECT_EQ(fee_with(Arbitration::sum, 15, 0.75), dec("2.5"));
  EXPECT_EQ(fee_with(Arbitration::min, 15, 0.75), dec("2"));
  EXPECT_EQ(fee_with(Arbitration::max, 15, 0.75), dec("3"));
  EXPECT_EQ(fee_with(Arbitration::first, 15, 0.75), dec("3"));
}

TEST(Arbitration, FirstFallsBackToTheNextLoopThatCanSee) {
  World world(two_loops(guardian::Arbitration::first));
  world.sees("velocity", 15).sees("activity", 0.75).tick(0);
  world.loses("velocity").ticks(10, 200);
  EXPECT_EQ(world.value("fee"), dec("2"));
}

TEST(Arbitration, ALoopThatCannotSeeKeepsItsContributionUnderASum) {
  World world(two_loops(guardian::Arbitration::sum));
  world.sees("velocity", 15).sees("activity", 0.25).tick(0);
  world.loses("velocity").sees("activity", 0.5).ticks(10, 200);
  EXPECT_EQ(world.value("fee"), dec("3"));
}

TEST(Arbitration, AtAHandBackTheOthersTakeWhatALoopAtItsOwnLimitCannot) {
  auto policy = two_loops(guardian::Arbitration::sum);
  for (auto& loop : policy.loops) loop.pid.gains.ki_per_s = 1e-6;
  policy.loops[0].pid.output_max = 0.3;
  World world(policy);
  world.sees("velocity", 60).sees("activity", 0.35).ticks(0, 50);
  ASSERT_EQ(world.fee().loops[0].output, 0.3);
  (void)world.override_value("fee", "4", 1000);
  world.ticks(60, 100);
  ASSERT_EQ(world.value("fee"), dec("4"));
  (void)world.order(CommandKind::clear_override, "fee");
  world.tick(110);
  EXPECT_NEAR(world.fee().proposed, 4, 1e-12);
  EXPECT_EQ(world.fee().loops[0].output, 0.3);
}

TEST(Arbitration, TheExcessGoesBackInProportionToTheContributions) {
  auto policy = two_loops(guardian::Arbitration::sum);
  policy.loops[0].pid.gains = {0, 0.001, 0};
  policy.loops[1].pid.gains = {0, 0.01, 0};
  for (auto& loop : policy.loops) {
    loop.pid.output_min = -100;
    loop.pid.output_max = 100;
  }
  policy.guardian.parameters[0].change.absolute = dec("0.25");
  World world(policy);
  world.sees("velocity", 60).sees("activity", 0.0).ticks(0, 1000);
  EXPECT_EQ(world.value("fee"), dec("5"));
  const auto& loops = world.fee().loops;
  EXPECT_LT(loops[0].tracking, 0);
  EXPECT_LT(loops[1].tracking, 0);
  EXPECT_GT(loops[0].tracking / loops[1].tracking, 5);  // the larger contribution takes more of it back
}

TEST(Arbitration, TheLoopThatLosesStaysReadyToTakeOver) {
  auto policy = two_loops(guardian::Arbitration::min);
  policy.guardian.parameters[0].change.absolute = dec("0.25");
  policy.loops[0].pid.gains = {0, 0.001, 0};
  policy.loops[1].pid.gains = {0, 0.01, 0};
  World world(policy);
  // velocity asks for more and more, activity for 0: activity wins
  world.sees("velocity", 30).sees("activity", 0.5).ticks(0, 3000);
  EXPECT_EQ(world.value("fee"), dec("2.5"));
  EXPECT_LT(world.fee().loops[0].output, 0.25 + 0.001 * 20 * 10 + 1e-9);
}

}  // namespace
}  // namespace homeostat::engine
