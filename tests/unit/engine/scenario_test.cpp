#include "core/archive.hpp"
#include "world.hpp"

namespace homeostat::engine {
namespace {

using guardian::Limit;
using guardian::OperatingMode;

TEST(Engine, AtItsSetpointsItDecidesNotToChangeAndSaysSo) {
  World world;
  world.tick(0);
  ASSERT_EQ(world.last.records.size(), 2U);
  EXPECT_EQ(world.fee().outcome, Outcome::no_change);
  EXPECT_EQ(world.fee().why, "stays at 2.5 %: velocity 10 is at its set-point 10 (quality ok)");
  EXPECT_TRUE(world.last.adjustments.empty());
}

TEST(Engine, RaisesTheFeeWhenVelocityIsHighInPermittedSteps) {
  World world;
  world.tick(0);
  // at 10 s: velocity jumps; the law asks for 2.5 + 0.5 x 4 + ..., one change is sent
  world.sees("velocity", 14).tick(10);
  ASSERT_EQ(world.last.adjustments.size(), 1U);
  EXPECT_EQ(world.last.adjustments[0].value, dec("2.75"));
  EXPECT_EQ(world.last.adjustments[0].previous, dec("2.5"));
  EXPECT_EQ(world.fee_limits(), std::vector{Limit::change});
  EXPECT_EQ(world.fee().why,
            "raised 2.5 % -> 2.75 %: velocity 14 is above its set-point 10 (quality ok); limited by change: at most "
            "0.25 % per adjustment");
  EXPECT_EQ(world.value("fee"), dec("2.75"));
  // and on, until the hard bound or the loop's own reach
  world.ticks(20, 300);
  EXPECT_EQ(world.value("fee"), dec("4.5"));
}

TEST(Engine, ComesBackFromSaturationAtOnce) {
  World world;
  world.tick(0);
  world.sees("velocity", 20).ticks(10, 2000);  // half an hour too high
  EXPECT_EQ(world.value("fee"), dec("4.5"));
  world.sees("velocity", 5).tick(2010);
  EXPECT_LT(world.value("fee"), dec("4.5"));
}

TEST(Engine, TheHardBoundDoesNotWindTheIntegralUp) {
  auto policy = small_policy();
  policy.loops[0].pid.output_max = 100;
  policy.loops[0].pid.output_min = -100;
  World world(policy);
  world.tick(0);
  world.sees("velocity", 30).ticks(10, 3000);
  EXPECT_EQ(world.value("fee"), dec("5"));
  // What the loop asks for stays within reach of the bound: one change and one step's integration.
  EXPECT_LT(world.fee().proposed, 5 + 0.25 + 0.01 * 20 * 10 + 1e-9);
}

TEST(Engine, ACooldownDoesNotBleedTheIntegral) {
  auto policy = small_policy();
  policy.guardian.parameters[0].cooldown_up = Duration::minutes(30);
  policy.guardian.parameters[0].change.absolute.reset();
  World world(policy);
  world.tick(0);
  world.sees("velocity", 10.5).ticks(10, 200);
  EXPECT_EQ(world.fee_limits(), std::vector{Limit::cooldown});
  double tracking = 0;
  for (int s = 210; s < 600; s += 10) {
    world.tick(s);
    tracking += world.fee().loops[0].tracking;
  }
  EXPECT_EQ(tracking, 0);
}

TEST(Engine, HoldsTheParameterWhenItsReadingIsLostAndSaysWhy) {
  auto policy = small_policy();
  policy.guardian.parameters[0].change.absolute = dec("0.05");  // so that it is still under way when the feed dies
  World world(policy);
  world.tick(0);
  world.sees("velocity", 14).ticks(10, 30);
  // until 90 s the last value is young enough, from 100 s on it is stale
  world.loses("velocity").ticks(40, 100);
  const Decimal before = world.value("fee");
  world.ticks(110, 200);
  EXPECT_EQ(world.value("fee"), before);
  EXPECT_EQ(world.fee_limits().back(), Limit::unusable);
  EXPECT_TRUE(world.fee().loops[0].frozen);
  EXPECT_EQ(world.fee().mode, OperatingMode::degraded);
  EXPECT_NE(world.fee().mode_cause.view().find("reading_unusable velocity"), std::string::npos);
  // at 210 s it is back: the mode clears, the loop goes on without a jump
  world.sees("velocity", 14).tick(210);
  EXPECT_EQ(world.fee().mode, OperatingMode::normal);
  EXPECT_EQ(world.value("fee"), before + dec("0.05"));
}

TEST(Engine, EveryTickLeavesARecordForEveryParameterThatALoopCouldMove) {
  auto policy = small_policy();
  policy.guardian.parameters.push_back(parameter("unused"));
  World world(policy);
  world.ticks(0, 90);
  EXPECT_EQ(world.last.records.size(), 2U);
  EXPECT_EQ(world.engine.view().decisions, 20U);
  EXPECT_EQ(world.fee().id, 19U);
}

TEST(Engine, MissedSlotsAreOneStepOverTheLargerTimeAndACount) {
  auto policy = small_policy();
  policy.loops[0].pid.gains = {0, 0.01, 0};
  World world(policy);
  world.sees("velocity", 11).tick(0);
  world.tick(10);
  const double before = world.fee().loops[0].i;
  world.tick(1000);
  EXPECT_DOUBLE_EQ(world.fee().loops[0].i - before, 0.01 * 1 * 30);  // capped at three periods
  EXPECT_EQ(world.engine.view().missed_slots, 98U);
  ASSERT_FALSE(world.last.notices.empty());
  EXPECT_EQ(world.last.notices[0].kind, NoticeKind::missed_slots);
}

TEST(Engine, ASlotThatIsNotNewIsIgnored) {
  World world;
  world.ticks(0, 20);
  const auto hash = world.engine.decisions_hash();
  const Effects again = world.engine.apply(World::tick_at(20));
  EXPECT_TRUE(again.records.empty());
  EXPECT_TRUE(world.engine.apply(World::tick_at(10)).records.empty());
  EXPECT_EQ(world.engine.decisions_hash(), hash);
}

TEST(Engine, AnEmergencyBandBringsStrongerGainsAndLimitsAndClearsAfterItsCalm) {
  auto policy = small_policy();
  policy.loops[0].emergency = controller::Gains{1, 0.05, 0};
  policy.loops[0].emergency_above = 30;
  policy.loops[0].emergency_clear_after = Duration::seconds(60);
  policy.guardian.parameters[0].cooldown_up = Duration::hours(1);
  policy.guardian.parameters[0].emergency =
      guardian::EmergencyLimits{{dec("1"), std::nullopt}, Duration::zero(), Duration::zero()};
  World world(policy);
  world.tick(0);
  // at 10 s: normal, then an hour of cooldown
  world.sees("velocity", 14).ticks(10, 20);
  EXPECT_EQ(world.value("fee"), dec("2.75"));
  // at 30 s: emergency; its limits let it move now, and further
  world.sees("velocity", 40).tick(30);
  EXPECT_EQ(world.fee().mode, OperatingMode::emergency);
  EXPECT_TRUE(world.fee().loops[0].emergency_gains);
  EXPECT_EQ(world.value("fee"), dec("3.75"));
  // at 40 s: back inside, but calm for less than a minute
  world.sees("velocity", 12).ticks(40, 90);
  EXPECT_EQ(world.fee().mode, OperatingMode::emergency);
  world.tick(100);
  EXPECT_EQ(world.fee().mode, OperatingMode::normal);
  EXPECT_FALSE(world.fee().loops[0].emergency_gains);
}

TEST(Engine, AnEmergencyThatEndsHandsOverWithoutAStepAndOneOrderedToLastIntegratesOn) {
  auto policy = small_policy();
  policy.loops[0].emergency = controller::Gains{1, 0.05, 0};
  policy.loops[0].emergency_above = 30;
  policy.loops[0].emergency_clear_after = Duration::zero();
  policy.loops[0].pid.output_min = -100;
  policy.loops[0].pid.output_max = 100;
  policy.guardian.parameters[0].max = dec("100");
  policy.guardian.parameters[0].change = {};
  World ends(policy);
  World lasts(policy);
  for (World* world : {&ends, &lasts}) {
    world->tick(0);
    // at 20 s: the second step by the emergency's gains, P = 1 x 30; its integral is 0 again
    world->sees("velocity", 40).ticks(10, 20);
    EXPECT_TRUE(world->fee().loops[0].emergency_gains);
    EXPECT_NEAR(world->fee().proposed, 2.5 + 30, 1e-9);
  }
  EXPECT_TRUE(lasts.order(CommandKind::emergency_on, "", 100).outcome.accepted);
  // at 30 s: back inside the band, which ends the one; the normal law gives what the emergency's P gives, no more
  ends.sees("velocity", 14).tick(30);
  EXPECT_FALSE(ends.fee().loops[0].emergency_gains);
  EXPECT_NEAR(ends.fee().loops[0].p, 2, 1e-9);
  EXPECT_NEAR(ends.fee().proposed, 2.5 + 4, 1e-9);
  // the other one changes no law: it integrates its error, 0.05 x (30 + 4) / 2 x 10 s
  lasts.sees("velocity", 14).tick(30);
  EXPECT_TRUE(lasts.fee().loops[0].emergency_gains);
  EXPECT_NEAR(lasts.fee().proposed, 2.5 + 4 + 8.5, 1e-9);
}

TEST(Engine, TheSetpointRampsToAShift) {
  auto policy = small_policy();
  policy.loops[0].setpoint_ramp_per_s = 0.05;
  World world(policy);
  world.tick(0);
  GuardianCommand shift{"alice", "event", at(0), CommandKind::shift_setpoint, "cool_velocity", {}, 2, at(60)};
  EXPECT_TRUE(world.engine.apply(shift).outcome.accepted);
  world.tick(10);
  EXPECT_DOUBLE_EQ(world.fee().loops[0].setpoint, 10.5);
  world.ticks(20, 50);
  EXPECT_DOUBLE_EQ(world.fee().loops[0].setpoint, 12);
  // at 60 s it expires and ramps back
  world.tick(60);
  EXPECT_DOUBLE_EQ(world.fee().loops[0].setpoint, 11.5);
}

TEST(Engine, PreviewSaysWhatTheNextTickWouldDoAndDoesNothing) {
  World world;
  world.tick(0);
  world.sees("velocity", 14).tick(10);
  const auto state = world.engine.state_hash();
  const Effects preview = world.engine.preview(World::tick_at(20));
  EXPECT_EQ(world.engine.state_hash(), state);
  const Effects real = world.engine.apply(World::tick_at(20));
  ASSERT_EQ(preview.records.size(), real.records.size());
  EXPECT_EQ(archive_bytes(preview.records[0]), archive_bytes(real.records[0]));
}

TEST(Engine, ADoubtfulReadingMovesHalfAsMuch) {
  auto policy = small_policy();
  policy.oracle.sources = {{"feed", 1e6, 1e6}, {"other", 1e6, 1e6}};
  policy.oracle.metrics[0].origin = oracle::SampleOrigin{{"feed", "other"}, 1};
  policy.loops[0].pid.gains = {0.1, 0, 0};
  policy.guardian.parameters[0].change.absolute.reset();
  World world(policy);
  world.sees("velocity", 20).tick(0);
  EXPECT_EQ(world.fee().loops[0].reading.quality, oracle::Quality::degraded);
  EXPECT_EQ(world.value("fee"), dec("3"));
  world.tick(10);
  EXPECT_EQ(world.value("fee"), dec("3.25"));
}

}  // namespace
}  // namespace homeostat::engine
