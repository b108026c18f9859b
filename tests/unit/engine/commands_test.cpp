#include "world.hpp"

namespace homeostat::engine {
namespace {

using guardian::Limit;
using guardian::OperatingMode;

TEST(Guardian, APauseStopsEmissionAtTheNextTickAndResumeGoesOnWithoutAStep) {
  World world;
  world.tick(0);
  world.sees("velocity", 14).tick(10);
  EXPECT_TRUE(world.order(CommandKind::pause, "fee").outcome.accepted);
  world.ticks(20, 500);
  EXPECT_EQ(world.value("fee"), dec("2.75"));
  EXPECT_EQ(world.fee_limits().back(), Limit::paused);
  EXPECT_EQ(world.record("reward").outcome, Outcome::no_change);  // the other one goes on
  EXPECT_TRUE(world.order(CommandKind::resume, "fee").outcome.accepted);
  world.tick(510);
  EXPECT_EQ(world.fee().wanted, dec("2.75"));  // aligned to what is applied
  world.tick(520);
  EXPECT_GT(world.value("fee"), dec("2.75"));  // and acting again
}

TEST(Guardian, APauseDuringACooldownIsNamedBeforeTheCooldown) {
  auto policy = small_policy();
  policy.guardian.parameters[0].cooldown_up = Duration::hours(1);
  World world(policy);
  world.tick(0);
  world.sees("velocity", 14).tick(10);
  world.tick(20);
  EXPECT_EQ(world.fee_limits().back(), Limit::cooldown);
  EXPECT_TRUE(world.order(CommandKind::pause, "fee").outcome.accepted);
  world.tick(30);
  ASSERT_EQ(world.fee_limits().back(), Limit::paused);
  EXPECT_EQ(world.fee().limits.back().without, dec("3"));
  EXPECT_NE(world.fee().why.view().find("held at 2.75 % instead of 3 % by paused"), std::string::npos)
      << world.fee().why;
  // a pause of everything as well
  EXPECT_TRUE(world.order(CommandKind::resume, "fee").outcome.accepted);
  EXPECT_TRUE(world.order(CommandKind::pause, "").outcome.accepted);
  world.ticks(40, 50);
  EXPECT_EQ(world.fee_limits().back(), Limit::halted);
}

TEST(Guardian, APauseOfEverythingHaltsAndExpires) {
  World world;
  world.tick(0);
  world.sees("velocity", 14).tick(10);
  EXPECT_TRUE(world.order(CommandKind::pause, "", 100).outcome.accepted);
  world.ticks(20, 90);
  EXPECT_EQ(world.fee().mode, OperatingMode::halted);
  EXPECT_EQ(world.fee_limits().back(), Limit::halted);
  EXPECT_EQ(world.value("fee"), dec("2.75"));
  world.tick(100);
  EXPECT_EQ(world.fee().mode, OperatingMode::normal);
  EXPECT_EQ(world.value("fee"), dec("2.75"));
  world.tick(110);
  EXPECT_GT(world.value("fee"), dec("2.75"));
}

TEST(Guardian, AnOverrideHoldsExpiresAndHandsBackWithoutAStep) {
  auto policy = small_policy();
  policy.guardian.parameters[0].cooldown_up = Duration::hours(1);
  World world(policy);
  world.tick(0);
  world.sees("velocity", 11).tick(10);
  // at 10 s: an override; it waits for no cooldown, but goes in permitted steps
  EXPECT_TRUE(world.override_value("fee", "4", 100).outcome.accepted);
  world.tick(20);
  EXPECT_EQ(world.value("fee"), dec("3"));
  EXPECT_TRUE(world.fee().overridden);
  EXPECT_EQ(world.fee().why.view().substr(0, 39), "raised 2.75 % -> 3 %: override by alice");
  world.ticks(30, 90);
  EXPECT_EQ(world.value("fee"), dec("4"));
  EXPECT_EQ(world.fee().outcome, Outcome::no_change);
  // at 100 s it is over: the loops go on from there
  world.tick(100);
  EXPECT_FALSE(world.fee().overridden);
  EXPECT_EQ(world.fee().wanted, dec("4"));
  EXPECT_EQ(world.value("fee"), dec("4"));
}

TEST(Guardian, AnOverrideOutsideTheBoundsIsRefusedAndChangesNothing) {
  World world;
  world.tick(0);
  const auto before = world.engine.view();
  const Effects refused = world.override_value("fee", "9", 100);
  EXPECT_FALSE(refused.outcome.accepted);
  EXPECT_EQ(refused.outcome.message, "value: 9 is outside the hard bounds of fee, 0.5 to 5 %");
  EXPECT_EQ(world.engine.view().commands_refused, before.commands_refused + 1);
  world.tick(10);
  EXPECT_FALSE(world.fee().overridden);
}

TEST(Guardian, AMistypedTargetGetsTheNearestName) {
  World world;
  EXPECT_EQ(world.order(CommandKind::pause, "fe").outcome.message,
            "target: no parameter is named 'fe'; did you mean 'fee'?");
  EXPECT_FALSE(world.order(CommandKind::resume, "fee").outcome.accepted);
  EXPECT_FALSE(world.order(CommandKind::resume).outcome.accepted);
  EXPECT_FALSE(world.order(CommandKind::clear_override, "fee").outcome.accepted);
  EXPECT_FALSE(world.order(CommandKind::clear_shift, "cool_velocity").outcome.accepted);
  EXPECT_FALSE(world.order(CommandKind::emergency_off).outcome.accepted);
  EXPECT_FALSE(world.order(CommandKind::clear_halt, "nothing").outcome.accepted);
}

TEST(Guardian, AnOrderedEmergencyIsOnUntilItIsOff) {
  World world;
  EXPECT_TRUE(world.order(CommandKind::emergency_on).outcome.accepted);
  world.ticks(0, 100);
  EXPECT_EQ(world.fee().mode, OperatingMode::emergency);
  EXPECT_TRUE(world.order(CommandKind::emergency_off).outcome.accepted);
  world.tick(110);
  EXPECT_EQ(world.fee().mode, OperatingMode::normal);
}

TEST(Guardian, AnAdjustmentWaitsForItsVetoWindow) {
  auto policy = small_policy();
  policy.guardian.parameters[0].veto_window = Duration::seconds(30);
  World world(policy);
  world.tick(0);
  world.sees("velocity", 14).tick(10);
  EXPECT_EQ(world.fee().outcome, Outcome::awaiting_veto);
  const auto id = world.fee().id;
  EXPECT_TRUE(world.last.adjustments.empty());
  world.ticks(20, 30);
  EXPECT_EQ(world.fee_limits().back(), Limit::in_flight);
  // at 40 s nobody has said no
  world.tick(40);
  ASSERT_EQ(world.last.adjustments.size(), 1U);
  EXPECT_EQ(world.last.adjustments[0].id, id);
  ASSERT_EQ(world.last.updates.size(), 1U);
  EXPECT_EQ(world.last.updates[0].outcome, Outcome::emitted);
  EXPECT_EQ(world.value("fee"), dec("2.75"));
}

TEST(Guardian, AVetoedAdjustmentIsNeverSentAndNotAskedForAgainAtOnce) {
  auto policy = small_policy();
  policy.guardian.parameters[0].veto_window = Duration::seconds(30);
  World world(policy);
  world.tick(0);
  world.sees("velocity", 14).tick(10);
  GuardianCommand veto{"alice", "no", at(15), CommandKind::veto};
  veto.id = world.fee().id;
  const Effects vetoed = world.engine.apply(veto);
  EXPECT_TRUE(vetoed.outcome.accepted);
  ASSERT_EQ(vetoed.updates.size(), 1U);
  EXPECT_EQ(vetoed.updates[0].outcome, Outcome::vetoed);
  EXPECT_FALSE(world.engine.apply(veto).outcome.accepted);
  world.tick(20);
  EXPECT_EQ(world.fee_limits().back(), Limit::backoff);
  world.ticks(30, 40);
  EXPECT_EQ(world.value("fee"), dec("2.5"));
}

TEST(Guardian, APauseDuringAVetoWindowKeepsTheAdjustmentBack) {
  auto policy = small_policy();
  policy.guardian.parameters[0].veto_window = Duration::seconds(30);
  World world(policy);
  world.tick(0);
  world.sees("velocity", 14).tick(10);
  world.order(CommandKind::pause, "fee");
  world.ticks(20, 40);
  EXPECT_TRUE(world.last.adjustments.empty());
  ASSERT_EQ(world.last.updates.size(), 1U);
  EXPECT_EQ(world.last.updates[0].outcome, Outcome::withheld);
}

TEST(Guardian, NothingIsSentOnceItsReadingIsGoneWhenItsVetoWindowPasses) {
  auto policy = small_policy();
  policy.guardian.parameters[0].veto_window = Duration::seconds(30);
  policy.oracle.metrics[0].staleness_max = Duration::seconds(20);
  World world(policy);
  world.tick(0);
  world.sees("velocity", 14).tick(10);
  EXPECT_EQ(world.fee().outcome, Outcome::awaiting_veto);
  world.loses("velocity").ticks(20, 40);
  EXPECT_TRUE(world.last.adjustments.empty());
  ASSERT_EQ(world.last.updates.size(), 1U);
  EXPECT_EQ(world.last.updates[0].outcome, Outcome::withheld);
  EXPECT_TRUE(world.last.updates[0].why.view().ends_with(
      "; not sent: no loop had a usable reading when its veto window passed"))
      << world.last.updates[0].why;
}

TEST(Guardian, AfterItsPauseExpiredAParameterMovesAgain) {
  World world;
  world.tick(0);
  world.order(CommandKind::pause, "fee", 25);
  world.sees("velocity", 14).ticks(10, 20);
  EXPECT_EQ(world.value("fee"), dec("2.5"));
  world.ticks(30, 60);
  EXPECT_GT(world.value("fee"), dec("2.5"));
}

}  // namespace
}  // namespace homeostat::engine
