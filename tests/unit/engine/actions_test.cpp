// Actions that move amounts: a parameter is the running total of what was moved, so that bounds, largest change,
// cooldown, budget, approval, two-phase commit and record are those of every other parameter.
#include "controller/law.hpp"
#include "engine/codec.hpp"
#include "engine/transfers.hpp"
#include "world.hpp"

namespace homeostat::engine {
namespace {

using guardian::ActionKind;
using guardian::Limit;

/// `activity` is what a pool holds, in thousands of tokens; a tenth of what is above 0.2 of them is paid out.
Policy payouts() {
  Policy policy = small_policy();
  auto& paid = policy.guardian.parameters[1];
  paid.name = "paid";
  paid.unit = "STREAM";
  paid.initial = paid.min = dec("0");
  paid.max = dec("1000");
  paid.quantum = dec("0.01");
  paid.change.absolute = dec("50");
  paid.cooldown_up = Duration::seconds(30);
  paid.action = {
      ActionKind::distribute,
      "STREAM",
      "pool",
      "",
      {{"stakers", 400'000'000}, {"treasury", 300'000'000}, {"developers", 200'000'000}, {"burn", 100'000'000}}};
  controller::EconomyLaw law{.mechanism = "payout", .inputs = {}, .is_amount = true};
  law.inputs = {{controller::InputSource::reading, 0, "", 1000},
                {controller::InputSource::constant, 200},
                {controller::InputSource::constant, 0.1}};
  auto& loop = policy.loops[1];
  loop.parameter = "paid";
  loop.pid = {};
  loop.pid.output_max = 1000;
  loop.law = std::make_shared<const controller::LawSettings>(controller::LawSettings{law, {}});
  return policy;
}

Decimal sum_of(const std::vector<guardian::Transfer>& transfers) {
  Decimal sum(0, 2);
  for (const auto& t : transfers) sum = sum + t.amount;
  return sum;
}

GuardianCommand release(std::uint64_t id, std::int64_t seconds) {
  GuardianCommand command{"alice", "as voted", at(seconds), CommandKind::release};
  command.id = id;
  return command;
}

TEST(Actions, APolicyWithOneHolds) {
  for (const Error& e : check(payouts())) ADD_FAILURE() << e.text();
}

TEST(Actions, AnAmountIsAStepOfItsTotalAndIsSharedExactly) {
  World world(payouts());
  world.tick(0);  // takes up nothing
  EXPECT_TRUE(world.last.adjustments.empty());
  world.tick(10);
  ASSERT_EQ(world.last.adjustments.size(), 1U);
  const Adjustment& sent = world.last.adjustments[0];
  EXPECT_EQ(sent.value, dec("30"));  // (500 - 200) x 0.1
  EXPECT_EQ(sent.act.kind, ActionKind::distribute);
  EXPECT_EQ(sent.act.amount, dec("30"));
  ASSERT_EQ(sent.act.transfers.size(), 4U);
  EXPECT_EQ(sent.act.transfers[0].to, "stakers");
  EXPECT_EQ(sent.act.transfers[0].amount, dec("12"));
  EXPECT_EQ(sum_of(sent.act.transfers), dec("30"));
  EXPECT_EQ(world.record("paid").loops[0].detail, "payout(balance 500, reserve 200, share 0.1) = 30");
  EXPECT_EQ(
      world.record("paid").why,
      "distribute 30 STREAM, 30 STREAM in all: activity 0.5 (quality ok): the law economy gives 30, its own value "
      "goes on");
  world.ticks(20, 30);
  EXPECT_EQ(world.record("paid").limits.back().limit, Limit::cooldown);
  world.tick(40);
  ASSERT_EQ(world.last.adjustments.size(), 1U);
  EXPECT_EQ(world.last.adjustments[0].value, dec("60"));  // again thirty
}

TEST(Actions, OneActionIsNeverLargerThanItsLargestChangeNorTheTotalThanItsMaximum) {
  Policy policy = payouts();
  policy.guardian.parameters[1].max = dec("120");
  World world(policy);
  world.sees("activity", 1).ticks(0, 10);  // eighty are asked for
  EXPECT_EQ(world.value("paid"), dec("50"));
  world.ticks(20, 40);
  EXPECT_EQ(world.value("paid"), dec("100"));
  world.ticks(50, 100);
  EXPECT_EQ(world.value("paid"), dec("120"));
  EXPECT_EQ(world.record("paid").limits.front().limit, Limit::hard_max);
}

TEST(Actions, WhatAnExecutorMovedInPartIsWhatIsGoneOnFrom) {
  World world(payouts());
  world.answers = false;
  world.ticks(0, 10);
  ASSERT_EQ(world.last.adjustments.size(), 1U);
  world.answer(world.last.adjustments[0].id, dec("12.34"));
  world.ticks(20, 40);
  ASSERT_EQ(world.last.adjustments.size(), 1U);
  EXPECT_EQ(world.last.adjustments[0].previous, dec("12.34"));
  EXPECT_EQ(world.last.adjustments[0].value, dec("42.34"));
}

TEST(Actions, ARejectedOneConsumesNothing) {
  World world(payouts());
  world.answers = false;
  world.ticks(0, 10);
  world.reject(world.last.adjustments.at(0).id);
  EXPECT_EQ(world.value("paid"), dec("0"));
  world.answers = true;
  world.ticks(20, 40);
  EXPECT_EQ(world.value("paid"), dec("30"));
}

TEST(Actions, ATotalIsNeverTakenBackNotEvenByAnOverride) {
  World world(payouts());
  world.ticks(0, 10);
  ASSERT_EQ(world.value("paid"), dec("30"));
  EXPECT_TRUE(world.override_value("paid", "5", 1000).outcome.accepted);
  world.ticks(20, 60);
  EXPECT_EQ(world.value("paid"), dec("30"));
  EXPECT_EQ(world.record("paid").limits.back().limit, Limit::hard_min);
}

TEST(Actions, AReadingThatIsGonePaysNothingMore) {
  World world(payouts());
  world.ticks(0, 10);
  EXPECT_EQ(world.value("paid"), dec("30"));
  world.loses("activity").ticks(20, 200);
  const Decimal stopped = world.value("paid");
  world.ticks(210, 600);
  EXPECT_EQ(world.value("paid"), stopped);
  EXPECT_EQ(world.record("paid").limits.back().limit, Limit::unusable);
}

TEST(Actions, AboveItsThresholdOneWaitsForARelease) {
  Policy policy = payouts();
  policy.guardian.parameters[1].approve_above = dec("20");
  policy.guardian.parameters[1].approval_max = Duration::seconds(100);
  World world(policy);
  world.ticks(0, 10);
  EXPECT_TRUE(world.last.adjustments.empty());
  ASSERT_EQ(world.record("paid").outcome, Outcome::awaiting_approval);
  const auto id = world.record("paid").id;
  world.ticks(20, 60);
  EXPECT_EQ(world.value("paid"), dec("0"));
  EXPECT_TRUE(world.engine.apply(release(id, 65)).outcome.accepted);
  EXPECT_EQ(world.engine.apply(release(id, 65)).outcome.refusal, ErrorCode::duplicate);
  world.tick(70);
  ASSERT_EQ(world.last.adjustments.size(), 1U);
  EXPECT_EQ(world.last.adjustments[0].id, id);
  EXPECT_EQ(world.value("paid"), dec("30"));
  EXPECT_EQ(world.engine.apply(release(id, 75)).outcome.refusal, ErrorCode::unknown_name);
}

TEST(Actions, WhatNobodyReleasesIsNotSent) {
  Policy policy = payouts();
  policy.guardian.parameters[1].approve_above = dec("20");
  policy.guardian.parameters[1].approval_max = Duration::seconds(50);
  World world(policy);
  world.ticks(0, 50);
  world.tick(60);
  ASSERT_EQ(world.last.updates.size(), 1U);
  EXPECT_EQ(world.last.updates[0].outcome, Outcome::withheld);
  EXPECT_TRUE(world.last.updates[0].why.view().ends_with("; not sent: no guardian released it within 50s"))
      << world.last.updates[0].why;
  EXPECT_EQ(world.value("paid"), dec("0"));
}

TEST(Actions, WhatIsReleasedTooLateIsNotSentAlsoIfNoTickHasGivenItUp) {
  Policy policy = payouts();
  policy.guardian.parameters[1].approve_above = dec("20");
  policy.guardian.parameters[1].approval_max = Duration::seconds(45);
  World world(policy);
  world.ticks(0, 50);
  const auto id = world.engine.view().parameters.at(1).in_flight;
  const Effects late = world.engine.apply(release(id, 55));
  EXPECT_FALSE(late.outcome.accepted);
  EXPECT_NE(late.outcome.message.find("could be released until"), std::string::npos) << late.outcome.message;
  world.tick(60);
  EXPECT_TRUE(world.last.adjustments.empty());
  EXPECT_EQ(world.value("paid"), dec("0"));
}

TEST(Actions, AMechanismThatRefusesItsInputsMovesNothingAndSaysWhy) {
  Policy policy = payouts();
  auto law = std::get<controller::EconomyLaw>(policy.loops[1].law->choice);
  law.inputs[2] = {controller::InputSource::metric, 0, "velocity"};  // 10 is no share
  policy.loops[1].law = std::make_shared<const controller::LawSettings>(controller::LawSettings{law, {}});
  World world(policy);
  world.ticks(0, 10);
  EXPECT_EQ(world.value("paid"), dec("0"));
  const LoopTerms& terms = world.record("paid").loops[0];
  EXPECT_EQ(terms.reason, controller::LawReason::refused);
  EXPECT_EQ(terms.detail, "payout(balance 500, reserve 200, share 10) refused: share: must be from 0 to 1, is 10");
}

TEST(Actions, AMonthlyMoveIsAWholeOneFromTheFirstOn) {
  Policy policy = small_policy();
  controller::EconomyLaw law{.mechanism = "inflation_step", .inputs = {}, .scale = 100};
  law.inputs = {{controller::InputSource::applied, 0, "", 0.01},
                {controller::InputSource::constant, 0.085},
                {controller::InputSource::constant, 0.02},
                {controller::InputSource::constant, 0.09},
                {controller::InputSource::constant, 0.01}};
  policy.guardian.parameters[0].cooldown_up = Duration::hours(1);
  policy.loops[0].law = std::make_shared<const controller::LawSettings>(controller::LawSettings{law, {}});
  World world(policy);
  world.ticks(0, 10);
  EXPECT_EQ(world.value("fee"), dec("2.75"));  // its largest change; (8.5 - 2.5) / 12 is half a point
  EXPECT_EQ(world.fee().loops[0].reason, controller::LawReason::followed);
}

TEST(Actions, ASnapshotInTheMiddleGoesOnTheSame) {
  Policy policy = payouts();
  policy.guardian.parameters[1].approve_above = dec("20");
  World world(policy);
  world.ticks(0, 30);
  const auto id = world.engine.view().parameters.at(1).in_flight;
  auto loaded = Engine::load(std::make_shared<const Policy>(policy), world.engine.save());
  ASSERT_TRUE(loaded.has_value());
  Engine restored = std::move(*loaded);
  EXPECT_TRUE(restored.apply(release(id, 35)).outcome.accepted);
  const Effects sent = restored.apply(World::tick_at(40));
  ASSERT_EQ(sent.adjustments.size(), 1U);
  EXPECT_EQ(sum_of(sent.adjustments[0].act.transfers), dec("30"));
}

TEST(Actions, WhatContradictsItselfIsRefusedByTheCheck) {
  const auto first_error = [](const auto& change) {
    Policy policy = payouts();
    change(policy);
    const auto errors = check(policy);
    return errors.empty() ? std::string("none") : errors[0].text();
  };
  EXPECT_EQ(first_error([](Policy& p) { p.guardian.parameters[1].action.recipients[0].parts = 100'000'000; }),
            "parameters.paid.action.recipients: the shares sum to 70%, not 100%");
  EXPECT_EQ(first_error([](Policy& p) { p.guardian.parameters[1].action.asset.clear(); }),
            "parameters.paid.action.asset: distribute needs the asset that it moves");
  EXPECT_EQ(first_error([](Policy& p) { p.guardian.parameters[1].action = {}; }),
            "loops.wake_activity.law.economy.mechanism: payout gives an amount to be moved, and 'paid' has no action "
            "that moves one (distribute, mint, burn, buy_back, move_liquidity)");
  EXPECT_EQ(first_error([](Policy& p) { p.loops[1].law.reset(); }).substr(0, 46),
            "loops.wake_activity.law: 'paid' is the total o");
  EXPECT_EQ(first_error([](Policy& p) {
              auto law = std::get<controller::EconomyLaw>(p.loops[1].law->choice);
              law.mechanism = "payuot";
              p.loops[1].law = std::make_shared<const controller::LawSettings>(controller::LawSettings{law, {}});
            }),
            "loops.wake_activity.law.economy.mechanism: there is no mechanism 'payuot'; did you mean 'payout'?");
}

TEST(Transfers, SumToTheAmountForEveryAmountAndEveryShare) {
  const guardian::Action thirds{
      ActionKind::distribute, "T", "", "", {{"a", 333'333'333}, {"b", 333'333'333}, {"c", 333'333'334}}};
  for (const Decimal::Units units : {Decimal::Units{0}, Decimal::Units{1}, Decimal::Units{2}, Decimal::Units{100},
                                     Decimal::kUnitsMax, Decimal::kUnitsMax - 1}) {
    Decimal::Units sum = 0;
    for (const auto& t : transfers_of(thirds, Decimal(units, 18))) sum += t.amount.units();
    EXPECT_TRUE(sum == units);
  }
  const auto one = transfers_of(thirds, Decimal(1, 0));
  EXPECT_EQ(one[2].amount.units(), 1);  // the largest remainder
  const auto two = transfers_of(thirds, Decimal(2, 0));
  EXPECT_EQ(two[0].amount.units(), 1);  // of equal ones the first
  EXPECT_EQ(two[1].amount.units(), 0);
  EXPECT_EQ(two[1].to, "b");
  EXPECT_TRUE(transfers_of({.kind = ActionKind::mint, .asset = "T"}, Decimal(1, 0)).empty());
}

}  // namespace
}  // namespace homeostat::engine
