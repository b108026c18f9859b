// A configuration that cannot be stable on the plant it declares is refused, and told what could be.
#include "world.hpp"

namespace homeostat::engine {
namespace {

std::vector<Error> unstable(const Policy& policy) {
  std::vector<Error> errors = check(policy);
  if (errors.empty()) check_stability(policy, errors);
  return errors;
}

Policy with_plant() {
  Policy policy = small_policy();
  policy.loops[0].plant =
      controller::Plant{0.5, 2, Duration::minutes(1), {}, Duration::minutes(5), Duration::seconds(20)};
  return policy;
}

TEST(StabilityCheck, ALoopThatIsStableOnAllOfItsPlantPasses) {
  EXPECT_TRUE(unstable(with_plant()).empty());
}

TEST(StabilityCheck, ALoopThatCannotBeStableIsRefusedWithWhatCould) {
  Policy policy = with_plant();
  policy.loops[0].pid.gains = {8, 0.1, 0};
  const auto errors = unstable(policy);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].where, "loops.cool_velocity.gains");
  EXPECT_NE(errors[0].message.find("unstable on its plant (gain 2, lag "), std::string::npos) << errors[0].message;
  EXPECT_NE(errors[0].message.find("times 0.125 they do not"), std::string::npos) << errors[0].message;
}

TEST(StabilityCheck, EmergencyGainsAndTheLargestFactorOfAScheduleCount) {
  Policy policy = with_plant();
  policy.loops[0].emergency = controller::Gains{8, 0.1, 0};
  ASSERT_EQ(unstable(policy).size(), 1U);
  EXPECT_EQ(unstable(policy)[0].where, "loops.cool_velocity.emergency");
  policy = with_plant();
  policy.loops[0].schedule = controller::GainSchedule{"activity", {{0, 1}, {1, 20}}};
  ASSERT_EQ(unstable(policy).size(), 1U);
  EXPECT_EQ(unstable(policy)[0].where, "loops.cool_velocity.gains");
}

TEST(StabilityCheck, ARangeThatContradictsItselfIsRefused) {
  Policy policy = with_plant();
  policy.loops[0].plant->gain_min = 3;
  ASSERT_EQ(unstable(policy).size(), 1U);
  EXPECT_EQ(unstable(policy)[0].where, "loops.cool_velocity.plant.gain");
}

}  // namespace
}  // namespace homeostat::engine
