#include "controller/law_facts.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace homeostat::controller {
namespace {

constexpr double kYear_s = 365.0 * 86'400;

/// HAI's first deployment: 50 % of the price a year for half of it, a memory of 30 days.
RaiPiLaw hai() {
  RaiPiLaw law{.settings = {.variant = rai::Variant::hai},
               .redemption = {.price = "", .per = Duration::days(365), .units_per_ratio = 100}};
  law.settings.kp = 111'001'102'931;
  law.settings.ki = 32'884;
  law.settings.leak = *parse_int("999999732582142021614955959");
  law.settings.noise_barrier = *parse_int("999999999841846100");
  return law;
}

LawFacts facts_of(const LawChoice& choice, const LawPlace& place) {
  return facts_of(LawSettings{choice, {}}, place);
}

/// The rate of the contract, a first update without an integral, for a market price that lies `error` below 3.
bool moves(const rai::Settings& settings, double error) {
  const auto wads = [](double x) { return Int(static_cast<std::int64_t>(x * 1e9)) * 1'000'000'000; };
  return rai::step(settings, {}, wads(3 - error), 3 * ray(), 1)->rate != ray();
}

TEST(LawFacts, ADeadbandIsTheDeviationAtWhichTheContractBeginsToMove) {
  for (const auto variant : {rai::Variant::hai, rai::Variant::pi_raw, rai::Variant::p_scaled}) {
    RaiPiLaw law = hai();
    law.settings.variant = variant;
    const double deadband = facts_of(law, {.setpoint = 3}).deadband;
    EXPECT_GT(deadband, 0.001);
    EXPECT_FALSE(moves(law.settings, deadband * 0.999)) << name_of(variant);
    EXPECT_TRUE(moves(law.settings, deadband * 1.001)) << name_of(variant);
  }
}

TEST(LawFacts, ABarrierForADeviationLetsThatOneThrough) {
  for (const auto variant : {rai::Variant::hai, rai::Variant::pi_raw}) {
    RaiPiLaw law = hai();
    law.settings.variant = variant;
    law.settings.noise_barrier = noise_barrier_for(law.settings, 3, 0.005);
    EXPECT_NEAR(facts_of(law, {.setpoint = 3}).deadband, 0.015, 1e-6) << name_of(variant);
  }
}

TEST(LawFacts, ABarrierWrittenAsADeviationIsPassedByNone) {
  RaiPiLaw law = hai();
  law.settings.noise_barrier = wad() / 1000 * 995;
  const auto share = facts_of(law, {.setpoint = 3}).passed_share;
  ASSERT_TRUE(share);
  EXPECT_LT(*share, 5e-5);
  // The contract itself, with a market price of nothing for ten years.
  rai::State state;
  for (std::uint64_t now = 1; now < 10 * kYear_s; now += 86'400) {
    const auto step = rai::step(law.settings, state, 0, 3 * ray(), now);
    ASSERT_TRUE(step);
    ASSERT_EQ(step->rate, ray());
    state = step->state;
  }
  law.settings.leak = ray();  // what never forgets passes it in the end
  EXPECT_FALSE(facts_of(law, {.setpoint = 3}).passed_share);
  law.settings.ki = 0;
  EXPECT_TRUE(facts_of(law, {.setpoint = 3}).passed_share);
}

TEST(LawFacts, TimeConstantsAreThoseOfTheContractsNumbers) {
  const LawFacts facts = facts_of(hai(), {.setpoint = 3, .quantum = 0.01, .low = -90, .high = 100});
  ASSERT_TRUE(facts.leak_half_life);
  EXPECT_NEAR(facts.leak_half_life->in_seconds(), 30 * 86'400, 1);
  ASSERT_TRUE(facts.integral_time);
  EXPECT_NEAR(facts.integral_time->in_seconds(), 111'001'102'931.0 / 32'884, 1);
}

TEST(LawFacts, TheErrorThatALeakLeavesHoldsTheFarEndOfTheOutput) {
  RaiPiLaw law = hai();
  law.settings.noise_barrier = wad();
  const double error = *facts_of(law, {.setpoint = 3, .low = -1, .high = 2}).steady_error;
  rai::State state;
  Int rate;
  const Int market = Int(static_cast<std::int64_t>((3 - error) * 1e9)) * 1'000'000'000;
  for (std::uint64_t now = 1; now < 3 * kYear_s; now += 3600) {
    const auto step = rai::step(law.settings, state, market, 3 * ray(), now);
    state = step->state;
    rate = step->rate;
  }
  EXPECT_NEAR(Int{rate - ray()}.convert_to<double>() / 1e27 * kYear_s * 100, 2, 1e-3);
}

TEST(LawFacts, AFirstStepIsWorthHalfAQuantum) {
  const LawFacts fee =
      facts_of(MultiplicativeLaw{.settings = {}, .every = {}}, {.setpoint = 15, .initial = 20, .quantum = 0.5});
  EXPECT_DOUBLE_EQ(20 * fee.first_step / 15 / 8, 0.25);
  const DirectRateLaw direct{.acceleration = wad() / 1000, .redemption = hai().redemption, .every = {}};
  EXPECT_DOUBLE_EQ(facts_of(direct, {.setpoint = 3, .quantum = 0.5}).first_step * 0.001 * kYear_s * 100, 0.25);
  const LawFacts rate = facts_of(RaiPiLaw{hai()}, {.setpoint = 3, .quantum = 50});
  EXPECT_NEAR(rate.first_step / 3 * 111'001'102'931e-18 * kYear_s * 100, 25, 1e-9);
}

TEST(LawFacts, WhatActsOnlyBeyondAShareSaysIt) {
  const SigmoidLaw sigmoid{.settings = {wad() / 20, wad(), wad(), wad() / 10, -wad() / 10}, .every = {}};
  EXPECT_DOUBLE_EQ(facts_of(sigmoid, {.setpoint = 4}).deadband, 0.2);
  RatioLaw ratio{ratio::defaults(0, 10)};
  ratio.settings.up.tolerance = 0.2;
  EXPECT_DOUBLE_EQ(facts_of(ratio, {.setpoint = 50}).deadband, 5);
  EXPECT_EQ(facts_of(SemilogLaw{}, {.setpoint = 50}).deadband, 0);
}

}  // namespace
}  // namespace homeostat::controller
