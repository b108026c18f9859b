#include <algorithm>
#include <limits>

#include "world.hpp"

namespace homeostat::engine {
namespace {

using guardian::OperatingMode;

PolicyPtr shared(Policy policy) {
  return std::make_shared<const Policy>(std::move(policy));
}

Effects change(World& world, Policy policy) {
  return world.engine.apply(PolicyChange{at(world.now_s), "alice", "text", shared(std::move(policy))});
}

bool complains(const Policy& policy, const std::string& text) {
  for (const Error& error : check(policy)) {
    if (error.text() == text) return true;
  }
  for (const Error& error : check(policy)) ADD_FAILURE() << error.text();
  return false;
}

TEST(PolicyCheck, AcceptsTheSmallPolicy) {
  EXPECT_TRUE(check(small_policy()).empty());
}

TEST(PolicyCheck, UnknownNamesGetTheNearest) {
  auto policy = small_policy();
  policy.loops[0].metric = "velocty";
  EXPECT_TRUE(complains(policy, "loops.cool_velocity.metric: no metric is named 'velocty'; did you mean 'velocity'?"));
}

struct Bad {
  const char* where;
  void (*make)(Policy&);
};

TEST(PolicyCheck, FindsEveryContradictionWhereItIs) {
  const Bad table[] = {
      {"period", [](Policy& p) { p.period = Duration::zero(); }},
      {"records_kept", [](Policy& p) { p.records_kept = 0; }},
      {"metrics.velocity", [](Policy& p) { p.oracle.metrics[1].name = "velocity"; }},
      {"metrics.velocity.min", [](Policy& p) { p.oracle.metrics[0].min = 1000; }},
      {"metrics.velocity.max", [](Policy& p) { p.oracle.metrics[0].max = std::numeric_limits<double>::infinity(); }},
      {"metrics.velocity.sources",
       [](Policy& p) {
         p.oracle.metrics[0].origin = oracle::SampleOrigin{{"fed"}, 1};
       }},
      {"metrics.velocity.quorum",
       [](Policy& p) {
         p.oracle.metrics[0].origin = oracle::SampleOrigin{{"feed"}, 2};
       }},
      {"metrics.velocity.event", [](Policy& p) { p.oracle.metrics[0].origin = oracle::EventOrigin{"Tip"}; }},
      {"metrics.velocity.window", [](Policy& p) { p.oracle.metrics[0].aggregate = oracle::Aggregate::sum; }},
      {"metrics.velocity.half_life", [](Policy& p) { p.oracle.metrics[0].aggregate = oracle::Aggregate::ewma; }},
      {"metrics.velocity.expression",
       [](Policy& p) { p.oracle.metrics[0].origin = oracle::ExpressionOrigin{"activity * 2"}; }},
      {"metrics.activity.expression", [](Policy& p) { p.oracle.metrics[1].origin = oracle::ExpressionOrigin{"1 +"}; }},
      {"sources.feed.rate_per_s", [](Policy& p) { p.oracle.sources[0].rate_per_s = 0; }},
      {"loops.cool_velocity.parameter", [](Policy& p) { p.loops[0].parameter = "fees"; }},
      {"loops.cool_velocity", [](Policy& p) { p.loops[1].name = "cool_velocity"; }},
      {"loops.cool_velocity.setpoint", [](Policy& p) { p.loops[0].setpoint = 2000; }},
      {"loops.cool_velocity.kp", [](Policy& p) { p.loops[0].pid.gains.kp = std::numeric_limits<double>::quiet_NaN(); }},
      {"loops.cool_velocity.ki_per_s", [](Policy& p) { p.loops[0].pid.gains.ki_per_s = -1; }},
      {"loops.cool_velocity.emergency.kd_s",
       [](Policy& p) {
         p.loops[0].emergency = controller::Gains{1, 1, -1};
       }},
      {"loops.cool_velocity.output_min", [](Policy& p) { p.loops[0].pid.output_min = 2; }},
      {"loops.cool_velocity.integral_min", [](Policy& p) { p.loops[0].pid.integral_min = 1; }},
      {"loops.cool_velocity.setpoint_weight", [](Policy& p) { p.loops[0].pid.setpoint_weight = 2; }},
      {"loops.cool_velocity.emergency_above", [](Policy& p) { p.loops[0].emergency_above = 5; }},
      {"loops.cool_velocity.error",
       [](Policy& p) {
         p.loops[0].setpoint = 0;
         p.loops[0].pid.error = controller::ErrorKind::relative;
       }},
      {"parameters.fee.min", [](Policy& p) { p.guardian.parameters[0].min = dec("5"); }},
      {"parameters.fee.max", [](Policy& p) { p.guardian.parameters[0].max = dec("4.99"); }},
      {"parameters.fee.initial", [](Policy& p) { p.guardian.parameters[0].initial = dec("0.45"); }},
      {"parameters.fee.initial", [](Policy& p) { p.guardian.parameters[0].initial = dec("2.5", 3); }},
      {"parameters.fee.quantum", [](Policy& p) { p.guardian.parameters[0].quantum = dec("0"); }},
      {"parameters.fee.change", [](Policy& p) { p.guardian.parameters[0].change.absolute = dec("0.01"); }},
      {"parameters.fee.cooldown_up", [](Policy& p) { p.guardian.parameters[0].cooldown_up = Duration{-1}; }},
      {"parameters.fee.drift.budget",
       [](Policy& p) {
         p.guardian.parameters[0].drift = guardian::DriftBudget{dec("0.01"), Duration::hours(1)};
       }},
      {"parameters.fee.expiry", [](Policy& p) { p.guardian.parameters[0].expiry = Duration::zero(); }},
      {"guardian.setpoint_shift_max", [](Policy& p) { p.guardian.setpoint_shift_max = 2; }},
  };
  for (const Bad& bad : table) {
    auto policy = small_policy();
    bad.make(policy);
    const auto errors = check(policy);
    EXPECT_TRUE(std::any_of(errors.begin(), errors.end(), [&](const Error& e) { return e.where == bad.where; }))
        << bad.where << ", got " << (errors.empty() ? "nothing" : errors[0].text());
  }
}

TEST(PolicyCheck, AllErrorsAreReportedAtOnce) {
  auto policy = small_policy();
  policy.loops[0].metric = "x";
  policy.loops[1].parameter = "y";
  policy.guardian.parameters[0].min = dec("5");
  EXPECT_GE(check(policy).size(), 3U);
}

TEST(PolicyChange, KeepsStateByNameAndRetunesWithoutAStep) {
  World world;
  world.tick(0);
  world.sees("velocity", 11).ticks(10, 60);
  const double before = world.fee().proposed;
  auto next = small_policy();
  next.digest = "d2";
  std::swap(next.loops[0], next.loops[1]);  // order is not identity
  std::swap(next.guardian.parameters[0], next.guardian.parameters[1]);
  next.loops[1].pid.gains = {0.1, 0.0001, 0};
  EXPECT_TRUE(change(world, next).outcome.accepted);
  world.tick(70);
  EXPECT_NEAR(world.fee().proposed, before, 1e-9);
  EXPECT_EQ(world.fee().policy_digest, "d2");
  EXPECT_EQ(world.engine.view().policy_generation, 2U);
}

TEST(PolicyChange, ReadingsModesContributionsAndOpenAdjustmentsGoOn) {
  World world;
  world.answers = false;
  world.tick(0);
  world.sees("velocity", 14).tick(10);
  const auto sent = world.fee().id;
  const double output = world.fee().loops[0].output;
  EXPECT_GT(output, 1);
  world.order(CommandKind::pause);
  auto next = small_policy();
  next.loops[0].pid.gains = {0.1, 0.0001, 0};
  EXPECT_TRUE(change(world, next).outcome.accepted);
  world.loses("velocity").tick(20);
  EXPECT_EQ(world.fee().mode, OperatingMode::halted);
  EXPECT_EQ(world.fee().loops[0].reading.value, 14);
  EXPECT_NEAR(world.fee().loops[0].output, output, 1e-9);
  EXPECT_TRUE(world.answer(sent, dec("2.75")).outcome.accepted);
}

TEST(PolicyChange, ABadPolicyIsRefusedAndTheOldOneStays) {
  World world;
  world.ticks(0, 20);
  auto bad = small_policy();
  bad.guardian.parameters[0].min = dec("5");
  const auto outcome = change(world, bad).outcome;
  EXPECT_FALSE(outcome.accepted);
  EXPECT_NE(outcome.message.find("parameters.fee.min"), std::string::npos);
  EXPECT_EQ(world.engine.view().policy_generation, 1U);
  EXPECT_FALSE(world.engine.apply(PolicyChange{at(20), "alice", "", nullptr}).outcome.accepted);
}

TEST(PolicyChange, DecimalsOfALivingParameterCannotChange) {
  World world;
  auto next = small_policy();
  auto& fee = next.guardian.parameters[0];
  fee.decimals = 3;
  for (auto* value : {&fee.initial, &fee.min, &fee.max, &fee.quantum, &*fee.change.absolute}) {
    *value = value->rescaled(3).value();
  }
  EXPECT_EQ(change(world, next).outcome.accepted, false);
}

TEST(PolicyChange, ANewBaseMovesNothing) {
  World world;
  world.tick(0);
  world.sees("velocity", 11).ticks(10, 100);
  const auto before = world.value("fee");
  auto next = small_policy();
  next.guardian.parameters[0].initial = dec("1");
  for (auto& loop : next.loops) loop.pid.output_max = 4;
  EXPECT_TRUE(change(world, next).outcome.accepted);
  world.tick(110);
  EXPECT_EQ(world.fee().wanted, before);
}

TEST(PolicyChange, AnotherPeriodGoesOnAtTheSameTime) {
  World world;
  world.ticks(0, 50);
  auto next = small_policy();
  next.period = Duration::seconds(20);
  EXPECT_TRUE(change(world, next).outcome.accepted);
  const Instant then = at(60);
  const Effects effects = world.engine.apply(Tick{static_cast<std::uint64_t>(then.ns / next.period.ns), then});
  EXPECT_EQ(effects.records.size(), 2U);
  EXPECT_EQ(world.engine.view().missed_slots, 0U);
}

TEST(PolicyChange, AnOverrideThatNoLongerFitsEnds) {
  World world;
  world.tick(0);
  world.override_value("fee", "4.5", 1000);
  world.ticks(10, 190);  // it goes there in permitted steps
  ASSERT_EQ(world.value("fee"), dec("4.5"));
  auto next = small_policy();
  next.guardian.parameters[0].max = dec("4");
  EXPECT_TRUE(change(world, next).outcome.accepted);
  world.tick(200);
  EXPECT_FALSE(world.fee().overridden);
  EXPECT_EQ(world.value("fee"), dec("4.25"));  // back inside by permitted changes
}

}  // namespace
}  // namespace homeostat::engine
