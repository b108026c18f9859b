// Simulate, then send: what the declared plant would take out of its corridor is not sent, and the record says why.
#include "world.hpp"

namespace homeostat::engine {
namespace {

using guardian::Limit;

/// Velocity above 10 raises the fee; each % of fee is said to lower the velocity by 4 to 8, with a lag of a minute.
Policy modelled(double min, double max) {
  Policy policy = small_policy();
  policy.loops[0].plant = controller::Plant{4, 8, Duration::minutes(1), Duration::seconds(20)};
  policy.loops[0].corridor = controller::Corridor{min, max, Duration::minutes(10)};
  return policy;
}

World after_a_jump(const Policy& policy) {
  EXPECT_TRUE(check(policy).empty()) << check(policy).front().text();
  World world(policy);
  world.tick(0);
  world.sees("velocity", 12);
  world.tick(10);
  return world;
}

TEST(Model, WhatEndsInsideTheCorridorIsSent) {
  EXPECT_EQ(after_a_jump(modelled(5, 15)).fee().outcome, Outcome::emitted);
}

TEST(Model, WhatEndsOutsideTheCorridorIsNotSentAndTheRecordSaysWhy) {
  Policy policy = modelled(11.9, 15);  // whatever the loop does, it goes towards 10
  World world = after_a_jump(policy);
  EXPECT_EQ(world.fee().outcome, Outcome::withheld);
  ASSERT_FALSE(world.fee().limits.empty());
  const guardian::Bite& bite = world.fee().limits.back();
  EXPECT_EQ(bite.limit, Limit::model);
  EXPECT_EQ(bite.without, dec("2.75"));
  EXPECT_NE(bite.detail.find("velocity would go from 12 to "), std::string::npos) << bite.detail;
  EXPECT_NE(bite.detail.find("in 10m by the plant of cool_velocity with gain 4, outside 11.9 to 15"), std::string::npos)
      << bite.detail;
  EXPECT_TRUE(world.engine.view().parameters[0].in_flight == 0);
}

TEST(Model, TheWayBackIntoTheCorridorIsNotBarred) {
  Policy policy = modelled(2, 11);
  policy.loops[0].corridor->horizon = Duration::seconds(40);
  EXPECT_EQ(after_a_jump(policy).fee().outcome,
            Outcome::emitted);  // 12 is outside, as is where it ends; it comes nearer
}

TEST(Model, TheLoopIsClosedInTheModel) {
  // One step of the fee alone would end at 11.75, which is inside; the loop goes on to its set-point, which is not.
  Policy policy = modelled(10.9, 13);
  policy.loops[0].plant->gain_min = policy.loops[0].plant->gain_max = 1;
  EXPECT_EQ(after_a_jump(policy).fee().outcome, Outcome::withheld);
}

TEST(Model, AnOverrideIsNotHeldByIt) {
  World world(modelled(11.9, 15));
  world.tick(0);
  world.override_value("fee", "2.75", 3600);
  world.sees("velocity", 12);
  EXPECT_EQ(world.tick(10).adjustments.size(), 1U);
}

TEST(Model, ARefusedValueConsumesNothing) {
  Policy policy = modelled(11.9, 15);
  policy.guardian.parameters[0].cooldown_up = Duration::hours(1);
  World world = after_a_jump(policy);
  policy.loops[0].corridor.reset();
  (void)world.engine.apply(PolicyChange{at(15), "alice", "", std::make_shared<const Policy>(policy)});
  EXPECT_EQ(world.tick(20).adjustments.size(), 1U);
}

TEST(Model, ACorridorNeedsAPlant) {
  Policy policy = modelled(5, 15);
  policy.loops[0].plant.reset();
  ASSERT_EQ(check(policy).size(), 1U);
  EXPECT_EQ(check(policy)[0].where, "loops.cool_velocity.plant");
}

}  // namespace
}  // namespace homeostat::engine
