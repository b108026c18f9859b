// Laws other than pid, as loops of a policy: where they start, what they do with a reading that cannot be trusted, how
// they take over, and that what executors make of an adjustment is what they go on from.
#include <cmath>

#include "controller/law.hpp"
#include "engine/codec.hpp"
#include "world.hpp"

namespace homeostat::engine {
namespace {

using namespace controller;

std::shared_ptr<const LawSettings> made(LawChoice choice) {
  return std::make_shared<const LawSettings>(LawSettings{std::move(choice), Duration::seconds(100)});
}

RatioLaw ratio_law() {
  RatioLaw law{ratio::defaults(0.5, 5)};
  law.settings.up.policies = {{ratio::Measure::units, 1, Duration::seconds(60)}};
  law.settings.down.window = Duration::zero();
  return law;
}

constexpr double kPercent = 100;
Redemption per_second() {
  return {.price = {}, .per = Duration::seconds(1), .units_per_ratio = kPercent};
}

RaiPiLaw rai_law() {
  RaiPiLaw law{.settings = {}, .redemption = per_second()};
  law.settings.kp = wad() / 1000;
  law.settings.ki = wad() / 100'000;
  return law;
}

RaiPiLaw rai_dollar_law() {
  RaiPiLaw law = rai_law();
  law.settings.variant = rai::Variant::rai_dollar;
  law.settings.kp *= 10;  // of a relative deviation
  law.settings.ki *= 10;
  law.settings.bias = ray() / 50;
  return law;
}

std::vector<LawChoice> every_law() {
  return {rai_law(),
          rai_dollar_law(),
          DirectRateLaw{.acceleration = wad() / 100'000, .redemption = per_second(), .every = {}},
          MultiplicativeLaw{.settings = {}, .every = {}},
          BlobFeeLaw{.fee_min = 1, .update_fraction = 50, .every = {}},
          SigmoidLaw{.settings = {wad() / 100, wad() * 3, wad() * 3, wad() / 10, -wad() / 10}, .every = {}},
          ratio_law(),
          SemilogLaw{.settings = {0.6, 4.8}, .full = 20},
          ExponentialLaw{.settings = {.rate_0 = 2.2, .rate_extra = 0, .rate_cap = 4.5, .peg = 0, .sigma = 10},
                         .keepers_share = {},
                         .debt = {},
                         .debt_ceiling = {},
                         .keepers_mean = {}}};
}

/// The fee by this law of the velocity, around 2.5 from 0.5 to 5, free to go anywhere.
Policy by_law(const LawChoice& choice) {
  Policy policy = small_policy();
  auto& fee = policy.guardian.parameters[0];
  fee.quantum = dec("0.01");
  fee.change.absolute.reset();
  LoopSettings& loop = policy.loops[0];
  loop.law = made(choice);
  loop.pid = {};
  loop.pid.action = action_of(*loop.law);
  loop.pid.output_min = -2;
  loop.pid.output_max = 2.5;
  return policy;
}

/// Every law raises the fee when this much is seen.
double high_for(const LawChoice& choice) {
  LawSettings law{choice, {}};
  return action_of(law) == Action::reverse ? 15 : 5;
}

TEST(Laws, APolicyWithAnyOfThemHolds) {
  for (const LawChoice& choice : every_law()) {
    for (const Error& e : check(by_law(choice))) ADD_FAILURE() << choice.index() << ": " << e.text();
  }
}

TEST(Laws, StartWithoutAStep) {
  for (const LawChoice& choice : every_law()) {
    World world(by_law(choice));
    world.sees("velocity", 17).tick(0);
    EXPECT_EQ(world.value("fee"), dec("2.5")) << choice.index();
    EXPECT_EQ(world.fee().loops[0].reason, LawReason::aligned) << choice.index();
    EXPECT_EQ(world.fee().loops[0].law, static_cast<LawKind>(choice.index()));
  }
}

TEST(Laws, MoveTheirParameterTheWayTheyAreMeantTo) {
  for (const LawChoice& choice : every_law()) {
    World up(by_law(choice));
    up.sees("velocity", high_for(choice)).ticks(0, 600);
    EXPECT_GT(up.value("fee"), dec("2.5")) << choice.index();
    World down(by_law(choice));
    down.sees("velocity", 20 - high_for(choice)).ticks(0, 600);
    EXPECT_LT(down.value("fee"), dec("2.5")) << choice.index();
  }
}

TEST(Laws, DoNotMoveAtAllOnAReadingThatCannotBeTrusted) {
  for (const LawChoice& choice : every_law()) {
    World world(by_law(choice));
    world.sees("velocity", high_for(choice)).ticks(0, 30);
    world.loses("velocity").ticks(40, 150);  // stale after a minute
    const Decimal held = world.value("fee");
    const double output = world.fee().loops[0].output;
    EXPECT_TRUE(world.fee().loops[0].frozen) << choice.index();
    EXPECT_EQ(world.fee().loops[0].reason, LawReason::unusable) << choice.index();
    world.ticks(160, 2000);
    EXPECT_EQ(world.value("fee"), held) << choice.index();
    EXPECT_EQ(world.fee().loops[0].output, output) << choice.index();
  }
}

TEST(Laws, HandBackAfterAnOverrideWithoutAStep) {
  for (const LawChoice& choice : every_law()) {
    World world(by_law(choice));
    world.sees("velocity", high_for(choice)).ticks(0, 100);
    world.override_value("fee", "1.2", 250);
    world.ticks(110, 240);
    ASSERT_EQ(world.value("fee"), dec("1.2")) << choice.index();
    world.tick(250);  // it has expired
    EXPECT_EQ(world.value("fee"), dec("1.2")) << choice.index();
    world.ticks(260, 1500);
    EXPECT_GT(world.value("fee"), dec("1.2")) << choice.index();
  }
}

TEST(Laws, TakeOverFromPidAndFromEachOtherWithoutAStep) {
  for (const LawChoice& choice : every_law()) {
    World world;
    world.sees("velocity", 12).ticks(0, 200);
    for (int i = 0; i < 2; ++i) {  // pid -> law, law -> pid
      const Decimal before = world.value("fee");
      Policy next = i == 0 ? by_law(choice) : small_policy();
      next.digest = i == 0 ? "d2" : "d3";
      next.guardian.parameters[0].quantum = dec("0.01");
      next.loops[0].pid.output_max = 2.5;
      const auto said = world.engine.apply(
          PolicyChange{at(world.now_s), "alice", "", std::make_shared<const Policy>(std::move(next))});
      ASSERT_TRUE(said.outcome.accepted) << said.outcome.message;
      world.tick(world.now_s + 10);
      EXPECT_LE((world.value("fee") - before).abs(), dec("0.01")) << choice.index() << " " << i;
      world.ticks(world.now_s + 10, world.now_s + 200);
    }
  }
}

TEST(Laws, AnotherTuningIsNoStep) {
  Policy policy = by_law(SemilogLaw{.settings = {0.6, 4.8}, .full = 20});
  World world(policy);
  world.sees("velocity", 15).ticks(0, 2000);
  const Decimal before = world.value("fee");
  EXPECT_NEAR(before.to_double(), 0.6 * std::pow(8, 0.75), 0.011);
  policy.digest = "d2";
  policy.loops[0].law = made(SemilogLaw{.settings = {0.6, 1.2}, .full = 20});
  ASSERT_TRUE(
      world.engine.apply(PolicyChange{at(2000), "alice", "", std::make_shared<const Policy>(policy)}).outcome.accepted);
  world.tick(2010);
  EXPECT_EQ(world.value("fee"), before);
  EXPECT_EQ(world.fee().loops[0].reason, LawReason::aligned);
  world.tick(2110);  // ten slots: a half-life of the bridge
  EXPECT_EQ(world.fee().loops[0].reason, LawReason::bridging);
  const double goal = 0.6 * std::pow(2, 0.75);
  EXPECT_NEAR(world.value("fee").to_double(), goal + (before.to_double() - goal) / 2, 0.01);
  world.ticks(2120, 4000);
  EXPECT_NEAR(world.value("fee").to_double(), goal, 0.011);
}

TEST(Laws, TheBaseFeeIsThatOfTheProtocolToTheLastDigit) {
  Policy policy = by_law(MultiplicativeLaw{.settings = {}, .every = {}});
  World world(policy);
  Int fee = 250;
  world.sees("velocity", 10).tick(0);
  for (const double used : {20.0, 13.0, 0.0, 7.0, 10.0, 25.0, 3.0}) {
    world.sees("velocity", used).tick(world.now_s + 10);
    const Int gas = Int(static_cast<std::int64_t>(std::min(used, 20.0)));
    fee = std::clamp(*multiplicative::next_base_fee({}, fee, gas, 20), Int(50), Int(500));
    EXPECT_EQ(world.value("fee").units(), static_cast<std::int64_t>(fee)) << used;
  }
}

constexpr std::array kPrices = {9.75, 9.5, 10.25, 11.0, 10.0, 8.0};
Int market_price(double price) {
  return Int(static_cast<std::int64_t>(price * 100)) * wad() / 100;
}
double as_ratio(const Int& rate) {
  return Int{rate - ray()}.convert_to<double>() / 1e27;
}

/// A rate around 0, so that what a law takes up is the contract's beginning.
Policy by_rate(const LawChoice& choice) {
  Policy policy = by_law(choice);
  policy.guardian.parameters[0].initial = dec("0");
  policy.guardian.parameters[0].min = dec("-5");
  return policy;
}

TEST(Laws, TheRedemptionRateIsThatOfTheContractToTheLastDigit) {
  for (RaiPiLaw law : {rai_law(), rai_dollar_law()}) {
    law.redemption.units_per_ratio = 1;
    World world(by_rate(law));
    rai::State state{.last_time = static_cast<std::uint64_t>(at(0).ns / 1'000'000'000),
                     .last_proportional = 0,
                     .integral = -law.settings.bias * wad() / law.settings.ki};
    world.sees("velocity", 10).tick(0);
    EXPECT_NEAR(world.fee().loops[0].raw, 0, 1e-15);  // by its integral, not by a bridge
    for (const double price : kPrices) {
      world.sees("velocity", price).tick(world.now_s + 10);
      const auto now = static_cast<std::uint64_t>(at(world.now_s).ns / 1'000'000'000);
      const auto step = rai::step(law.settings, state, market_price(price), ray() * 10, now);
      ASSERT_TRUE(step);
      state = step->state;
      const LoopTerms& terms = world.fee().loops[0];
      EXPECT_EQ(terms.raw, as_ratio(step->rate)) << price;
      EXPECT_EQ(terms.feed_forward, as_ratio(ray() + law.settings.bias));
      EXPECT_NEAR(terms.p + terms.i + terms.feed_forward, terms.raw, 1e-15) << price;
    }
  }
}

TEST(Laws, TheDirectRateIsThatOfTheContractToTheLastDigit) {
  DirectRateLaw law{.acceleration = wad() / 100'000, .redemption = per_second(), .every = Duration::seconds(20)};
  law.redemption.units_per_ratio = 1;
  World world(by_rate(law));
  world.sees("velocity", 10).tick(0);
  Int rate = ray();
  for (const double price : kPrices) {
    world.sees("velocity", price).tick(world.now_s + 10);
    EXPECT_EQ(world.fee().loops[0].raw, as_ratio(rate)) << price;  // the time of its step has not come
    world.tick(world.now_s + 10);
    rate = *rai::direct_rate(law.acceleration, market_price(price), ray() * 10, rate);
    EXPECT_EQ(world.fee().loops[0].raw, as_ratio(rate)) << price;
  }
}

TEST(Laws, ABoundIsLeftAtOnceWhenTheReadingTurns) {
  for (const LawChoice& choice : every_law()) {
    World world(by_law(choice));
    world.sees("velocity", high_for(choice) > 10 ? 40 : 0.5).ticks(0, 5000);
    const Decimal top = world.value("fee");
    world.sees("velocity", high_for(choice) > 10 ? 2 : 18).ticks(5010, 5100);
    EXPECT_LT(world.value("fee"), top) << choice.index();
  }
}

TEST(Laws, DoNotRunAwayFromAnExecutorThatRefuses) {
  for (const LawChoice& choice : every_law()) {
    Policy policy = by_law(choice);
    policy.guardian.parameters[0].change.absolute = dec("0.05");
    World world(policy);
    world.answers = false;
    world.sees("velocity", high_for(choice));
    for (std::int64_t s = 0; s <= 6000; s += 10) {
      world.tick(s);
      for (const Adjustment& a : std::vector<Adjustment>(world.last.adjustments)) {
        if (a.parameter == "fee")
          world.reject(a.id);
        else
          world.answer(a.id, a.value);
      }
    }
    EXPECT_EQ(world.value("fee"), dec("2.5")) << choice.index();
    if (!can_wind_up(*policy.loops[0].law)) continue;
    const auto& terms = world.fee().loops[0];
    EXPECT_LT(terms.output, 0.6) << choice.index();  // one change and a step of its own, not the bound of 2.5
  }
}

TEST(Laws, ContinueFromASavedStateToTheLastBit) {
  for (const LawChoice& choice : every_law()) {
    const auto policy = std::make_shared<const Policy>(by_law(choice));
    World world(*policy);
    world.sees("velocity", high_for(choice)).ticks(0, 300);
    auto again = Engine::load(policy, world.engine.save());
    ASSERT_TRUE(again) << choice.index();
    EXPECT_EQ(again->save(), world.engine.save()) << choice.index();
    const Tick next = World::tick_at(310);
    const Effects a = world.engine.apply(next);
    const Effects b = again->apply(next);
    EXPECT_EQ(encode_record(a.records[0]), encode_record(b.records[0])) << choice.index();
  }
}

TEST(Laws, StepOnceHoweverLongItWas) {
  World world(by_law(MultiplicativeLaw{.settings = {}, .every = Duration::seconds(60)}));
  world.sees("velocity", 20).tick(0);
  world.ticks(10, 50);
  EXPECT_EQ(world.value("fee"), dec("2.5"));
  EXPECT_EQ(world.fee().loops[0].reason, LawReason::waits);
  world.tick(60);
  EXPECT_EQ(world.value("fee"), dec("2.81"));
  world.tick(1000);  // missed many: one step
  EXPECT_EQ(world.value("fee"), dec("3.16"));
}

TEST(Laws, AMetricTheyReadBesidesMustBeUsableToo) {
  ExponentialLaw law{.settings = {.rate_0 = 1.5, .rate_extra = 0, .rate_cap = 4.5, .peg = 0, .sigma = 10},
                     .keepers_share = "activity",
                     .debt = {},
                     .debt_ceiling = {},
                     .keepers_mean = {}};
  World world(by_law(law));
  world.sees("velocity", 5).ticks(0, 50);
  EXPECT_FALSE(world.fee().loops[0].frozen);
  world.loses("activity").ticks(60, 200);
  EXPECT_TRUE(world.fee().loops[0].frozen);
  EXPECT_EQ(world.fee().loops[0].reading.quality, oracle::Quality::ok);
  EXPECT_NE(world.fee().why.view().find("a reading cannot be acted on"), std::string::npos) << world.fee().why;
}

TEST(Laws, WhatContradictsItselfIsRefused) {
  Policy policy = by_law(SemilogLaw{.settings = {2, 1}, .full = 1});
  auto errors = check(policy);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].text(), "loops.cool_velocity.law.semilog.rate_max: must be above rate_min");
  policy = by_law(rai_law());
  policy.period = Duration::milliseconds(1500);
  errors = check(policy);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].where, "loops.cool_velocity.law.rai_pi");
  policy = by_law(ratio_law());
  policy.loops[0].setpoint = 0;
  errors = check(policy);
  ASSERT_FALSE(errors.empty());
  EXPECT_EQ(errors[0].where, "loops.cool_velocity.setpoint");
}

}  // namespace
}  // namespace homeostat::engine
