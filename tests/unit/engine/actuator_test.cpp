#include "world.hpp"

namespace homeostat::engine {
namespace {

using guardian::Limit;
using guardian::OperatingMode;

/// A world whose executor is silent, one tick after velocity jumped: adjustment `id` is out.
struct Silent : World {
  explicit Silent(Policy policy = small_policy()) : World(std::move(policy)) {
    answers = false;
    tick(0);
    sees("velocity", 14).tick(10);
    id = fee().id;
  }
  std::uint64_t id = 0;
};

TEST(Actuator, OneAdjustmentPerParameterIsInFlight) {
  Silent world;
  world.tick(20);
  EXPECT_TRUE(world.last.adjustments.empty());
  EXPECT_EQ(world.fee_limits().back(), Limit::in_flight);
  ASSERT_EQ(world.engine.outstanding().size(), 1U);
  EXPECT_EQ(world.engine.outstanding()[0].id, world.id);
  EXPECT_EQ(world.engine.outstanding()[0].expires, at(10) + Duration::minutes(10));
  world.answer(world.id, dec("2.75"));
  EXPECT_TRUE(world.engine.outstanding().empty());
  EXPECT_FALSE(world.tick(30).adjustments.empty());
}

TEST(Actuator, OldAdjustmentsAreForgottenOnlyOnceTheyAreAnswered) {
  Policy policy = small_policy();
  policy.records_kept = 1;
  World world(policy);
  world.answers = false;
  world.tick(0);
  world.sees("velocity", 14).sees("activity", 0.2).tick(10);
  ASSERT_EQ(world.last.adjustments.size(), 2U);
  const std::uint64_t fee = world.fee().id;
  const std::uint64_t reward = world.record("reward").id;
  world.tick(20);
  EXPECT_EQ(world.engine.outstanding().size(), 2U);  // both are open: more than are kept, and known all the same
  EXPECT_TRUE(world.answer(fee, dec("2.75")).outcome.accepted);
  world.tick(30);  // the next fee is sent: three are known, of which one is answered
  EXPECT_FALSE(world.answer(fee, dec("2.75")).outcome.accepted);
  EXPECT_TRUE(world.answer(reward, world.value("reward")).outcome.accepted);
}

TEST(Actuator, AnAnswerUpdatesTheRecord) {
  Silent world;
  const Effects effects = world.answer(world.id, dec("2.75"), 3);
  EXPECT_TRUE(effects.outcome.accepted);
  ASSERT_EQ(effects.updates.size(), 1U);
  EXPECT_EQ(effects.updates[0].answer, Answer::applied);
  EXPECT_EQ(effects.updates[0].applied, dec("2.75"));
  EXPECT_EQ(effects.updates[0].answered, at(13));
  EXPECT_EQ(effects.updates[0].executor, "executor");
}

TEST(Actuator, AnotherAppliedValueIsTheTruth) {
  Silent world;
  const Effects effects = world.answer(world.id, dec("2.6"));
  EXPECT_TRUE(effects.outcome.accepted);
  EXPECT_EQ(world.value("fee"), dec("2.6"));
  ASSERT_EQ(effects.notices.size(), 1U);
  world.tick(20);
  EXPECT_EQ(world.fee().previous, dec("2.6"));
}

TEST(Actuator, AppliedValuesInAnotherScaleAreTakenIfExact) {
  Silent world;
  EXPECT_FALSE(world.answer(world.id, dec("2.7501", 4)).outcome.accepted);
  EXPECT_TRUE(world.answer(world.id, dec("2.7500", 4)).outcome.accepted);
  EXPECT_EQ(world.value("fee"), dec("2.75"));
}

TEST(Actuator, ADuplicateAnswerIsAcceptedAndAContradictionRefused) {
  Silent world;
  world.answer(world.id, dec("2.75"));
  const auto hash = world.engine.state_hash();
  EXPECT_TRUE(world.answer(world.id, dec("2.75")).outcome.accepted);
  EXPECT_FALSE(world.answer(world.id, dec("2.6")).outcome.accepted);
  EXPECT_FALSE(world.reject(world.id).outcome.accepted);
  EXPECT_EQ(world.engine.state_hash(), hash);
}

TEST(Actuator, AnUnknownAdjustmentIsRefused) {
  Silent world;
  EXPECT_FALSE(world.answer(9999, dec("2.75")).outcome.accepted);
  EXPECT_FALSE(world.answer(1, dec("2.75")).outcome.accepted);  // a decision that sent nothing
}

TEST(Actuator, ARejectionGivesCooldownAndBudgetBackAndBacksOff) {
  auto policy = small_policy();
  policy.guardian.parameters[0].cooldown_up = Duration::hours(1);
  policy.guardian.parameters[0].drift = guardian::DriftBudget{dec("0.25"), Duration::hours(1)};
  Silent world(policy);
  EXPECT_TRUE(world.reject(world.id).outcome.accepted);
  EXPECT_EQ(world.value("fee"), dec("2.5"));
  EXPECT_EQ(world.engine.view().parameters[0].drift_used, dec("0"));
  world.tick(20);  // one period after the rejection: again
  EXPECT_EQ(world.last.adjustments.size(), 1U);
  world.reject(world.fee().id);
  world.tick(30);  // after the second, two
  EXPECT_EQ(world.fee_limits().back(), Limit::backoff);
  world.tick(40);
  EXPECT_EQ(world.last.adjustments.size(), 1U);
}

TEST(Actuator, SilenceDegradesThenExpiresThenIsForgivenByAnAnswer) {
  Silent world;
  // at 130 s: two minutes of silence
  world.ticks(20, 120);
  EXPECT_EQ(world.fee().mode, OperatingMode::normal);
  world.tick(130);
  EXPECT_EQ(world.fee().mode, OperatingMode::degraded);
  ASSERT_EQ(world.last.updates.size(), 1U);
  EXPECT_EQ(world.last.updates[0].answer, Answer::timed_out);
  EXPECT_EQ(world.fee_limits().back(), Limit::in_flight);
  // at 610 s: expired; a new one goes out
  world.ticks(140, 600);
  EXPECT_TRUE(world.last.adjustments.empty());
  world.tick(610);
  ASSERT_EQ(world.last.updates.size(), 1U);
  EXPECT_EQ(world.last.updates[0].answer, Answer::expired);
  ASSERT_EQ(world.last.adjustments.size(), 1U);
  EXPECT_EQ(world.fee().mode, OperatingMode::degraded);
  world.answer(world.last.adjustments[0].id, dec("2.75"));
  world.tick(620);
  EXPECT_EQ(world.fee().mode, OperatingMode::normal);
}

TEST(Actuator, ALateAnswerIsRecordedAndCounts) {
  auto policy = small_policy();
  policy.guardian.parameters[0].drift = guardian::DriftBudget{dec("1"), Duration::hours(1)};
  Silent world(policy);
  world.ticks(20, 610);
  ASSERT_EQ(world.last.adjustments.size(), 1U);  // a second one is out
  const Effects late = world.answer(world.id, dec("2.75"));
  EXPECT_TRUE(late.outcome.accepted);
  ASSERT_EQ(late.updates.size(), 1U);
  EXPECT_EQ(late.updates[0].answer, Answer::applied);
  EXPECT_EQ(world.value("fee"), dec("2.75"));
  EXPECT_EQ(world.engine.view().parameters[0].drift_used, dec("0.5"));  // both count
}

TEST(Actuator, ALateAnswerStartsTheCooldownWhenItExpired) {
  auto policy = small_policy();
  policy.guardian.parameters[0].expiry = Duration::seconds(20);
  policy.guardian.parameters[0].cooldown_up = Duration::seconds(100);
  Silent world(policy);  // sent at 10 s
  world.order(CommandKind::pause, "fee");
  world.ticks(20, 50);
  EXPECT_TRUE(world.answer(world.id, dec("2.75")).outcome.accepted);
  world.order(CommandKind::resume, "fee");
  EXPECT_EQ(world.engine.view().parameters[0].last_raised, at(30));
  world.sees("velocity", 30).ticks(60, 120);
  EXPECT_EQ(world.fee_limits().back(), Limit::cooldown);
  world.tick(130);
  EXPECT_EQ(world.last.adjustments.size(), 1U);
}

TEST(Actuator, ALateAnswerComesBeforeWhatWasSentWhenItExpired) {
  auto policy = small_policy();
  policy.guardian.parameters[0].expiry = Duration::seconds(20);
  policy.guardian.parameters[0].flaps = guardian::FlapBudget{1, Duration::hours(1)};
  Silent world(policy);                     // raised at 10 s
  world.sees("velocity", 1).ticks(20, 30);  // expires at 30 s, and is lowered at once
  ASSERT_EQ(world.last.adjustments.size(), 1U);
  const Adjustment lowered = world.last.adjustments[0];
  ASSERT_LT(lowered.value, lowered.previous);
  EXPECT_TRUE(world.answer(world.id, dec("2.75")).outcome.accepted);
  EXPECT_TRUE(world.answer(lowered.id, lowered.value).outcome.accepted);
  world.sees("velocity", 30).ticks(40, 60);
  EXPECT_EQ(world.fee_limits().back(), Limit::flap);  // up, down, and not up again
  EXPECT_EQ(world.value("fee"), lowered.value);
}

TEST(Actuator, ALateAnswerInAVetoWindowLeavesNothingToSendButANewDecision) {
  auto policy = small_policy();
  policy.guardian.parameters[0].change = {};
  policy.guardian.parameters[0].veto_window = Duration::seconds(30);
  policy.guardian.parameters[0].expiry = Duration::seconds(20);
  Silent world(policy);
  world.ticks(20, 40);
  ASSERT_EQ(world.last.adjustments.size(), 1U);
  const Decimal high = world.last.adjustments[0].value;
  world.sees("velocity", 12.5).ticks(50, 60);  // it has expired: guardians are shown another, smaller increase
  ASSERT_EQ(world.fee().outcome, Outcome::awaiting_veto);
  ASSERT_EQ(world.fee().previous, dec("2.5"));
  ASSERT_GT(world.fee().value, dec("2.5"));
  ASSERT_LT(world.fee().value, high);
  world.tick(70);
  EXPECT_TRUE(world.answer(world.id, high).outcome.accepted);  // from here it would be a decrease
  world.ticks(80, 90);
  EXPECT_TRUE(world.last.adjustments.empty());
  ASSERT_EQ(world.last.updates.size(), 1U);
  EXPECT_EQ(world.last.updates[0].outcome, Outcome::withheld);
  EXPECT_TRUE(
      world.last.updates[0].why.view().ends_with("; not sent: " + high.to_string() + " was applied in its veto window"))
      << world.last.updates[0].why;
  world.ticks(100, 120);  // decided anew from what is there, with a veto window of its own
  ASSERT_EQ(world.last.adjustments.size(), 1U);
  EXPECT_EQ(world.last.adjustments[0].previous, high);
}

TEST(Actuator, AnAnswerEndsTheBackoffAndItsCountStartsAnew) {
  Silent world;
  world.reject(world.id);
  world.tick(20);
  world.reject(world.fee().id);  // twice in a row: two periods
  world.ticks(30, 40);
  ASSERT_EQ(world.last.adjustments.size(), 1U);
  world.answer(world.fee().id, dec("2.75"));
  world.tick(50);
  ASSERT_EQ(world.last.adjustments.size(), 1U);
  world.reject(world.fee().id);
  world.tick(60);  // one period again
  EXPECT_EQ(world.last.adjustments.size(), 1U);
  const auto view = world.engine.view().parameters[0];
  EXPECT_EQ(view.emitted, 5U);
  EXPECT_EQ(view.applied, 1U);
  EXPECT_EQ(view.rejected, 3U);
}

TEST(Actuator, TheNewestAdjustmentsAnswerWinsInWhateverOrderTheyCome) {
  Silent world;
  world.ticks(20, 610);
  const auto second = world.last.adjustments.at(0).id;
  world.answer(second, dec("2.7"));
  EXPECT_TRUE(world.answer(world.id, dec("2.75")).outcome.accepted);
  EXPECT_EQ(world.value("fee"), dec("2.7"));
}

TEST(Actuator, AnAnswerFindsItsAdjustmentAfterARestart) {
  Silent world;
  auto restarted = Engine::load(std::make_shared<const Policy>(world.engine.policy()), world.engine.save());
  ASSERT_TRUE(restarted);
  ASSERT_EQ(restarted->outstanding().size(), 1U);
  EXPECT_TRUE(restarted->apply(ActuatorReport{world.id, "executor", at(12), true, dec("2.75"), ""}).outcome.accepted);
}

TEST(Actuator, OldAnsweredAdjustmentsAreForgottenBeyondTheBound) {
  auto policy = small_policy();
  policy.records_kept = 3;
  World world(policy);
  world.tick(0);
  world.sees("velocity", 14).tick(10);
  const auto first = world.fee().id;
  world.ticks(20, 80);
  EXPECT_FALSE(world.answer(first, dec("2.75")).outcome.accepted);
}

}  // namespace
}  // namespace homeostat::engine
