#include "controller/pid.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/archive.hpp"

namespace homeostat::controller {
namespace {

constexpr Duration kPeriod = Duration::seconds(10);

/// A loop with everything off: each test switches on what it is about.
PidSettings plain() {
  PidSettings settings;
  settings.output_min = -100;
  settings.output_max = 100;
  return settings;
}

/// A loop in time: `at(pv)` is one period.
struct Loop {
  explicit Loop(const PidSettings& s) : settings(with_defaults(s, kPeriod)) {}

  PidStep at(double pv, double sp = 10, bool usable = true, double dt_s = 10) {
    input.process_variable = pv;
    input.setpoint = sp;
    input.usable = usable;
    input.dt_s = dt_s;
    last = step(settings, settings.gains, last.state, input);
    return last;
  }
  PidStep unusable(double dt_s = 10) { return at(0, 10, false, dt_s); }

  PidSettings settings;
  PidInput input;
  PidStep last;
};

TEST(Pid, ProportionalTermIsGainTimesError) {
  auto settings = plain();
  settings.gains.kp = 2;
  EXPECT_EQ(Loop(settings).at(7).p, 6);
  settings.action = Action::reverse;
  EXPECT_EQ(Loop(settings).at(7).p, -6);
}

TEST(Pid, RelativeErrorIsDividedByTheSetpointsSize) {
  auto settings = plain();
  settings.gains.kp = 1;
  settings.error = ErrorKind::relative;
  EXPECT_EQ(Loop(settings).at(7.5).p, 0.25);
  EXPECT_EQ(Loop(settings).at(-7.5, -10).p, -0.25);
}

TEST(Pid, RelativeErrorAtASetpointOfZeroIsBoundedAndFinite) {
  auto settings = plain();
  settings.gains.kp = 1;
  settings.error = ErrorKind::relative;
  const PidStep step = Loop(settings).at(5, 0);
  EXPECT_EQ(step.error, -kErrorRatioMax);
  EXPECT_EQ(step.output, settings.output_min);
}

TEST(Pid, DeadbandShrinksTheErrorContinuously) {
  EXPECT_EQ(with_deadband(0.5, 0.5), 0);
  EXPECT_EQ(with_deadband(-0.5, 0.5), 0);
  EXPECT_EQ(with_deadband(0.75, 0.5), 0.25);
  EXPECT_EQ(with_deadband(-0.75, 0.5), -0.25);
}

TEST(Pid, SetpointWeightZeroKeepsSetpointChangesOutOfTheProportionalTerm) {
  auto settings = plain();
  settings.gains.kp = 1;
  settings.setpoint_weight = 0;
  Loop loop(settings);
  const double before = loop.at(7, 10).p;
  EXPECT_EQ(loop.at(7, 20).p, before);
  EXPECT_EQ(before, -7);
}

TEST(Pid, StartsWithoutAStep) {
  auto settings = plain();
  settings.gains = {2, 0.1, 5};
  settings.feed_forward = 3;
  Loop loop(settings);
  EXPECT_EQ(loop.at(4).output, 0);
  // 10 s later at the same error: only the integral has moved, by ki e dt.
  EXPECT_DOUBLE_EQ(loop.at(4).output, 0.1 * 6 * 10);
}

TEST(Pid, WithoutIntegralActionTheOutputIsProportionalFromTheStart) {
  auto settings = plain();
  settings.gains.kp = 2;
  EXPECT_EQ(Loop(settings).at(4).output, 12);
}

TEST(Pid, IntegratesByTrapezoid) {
  auto settings = plain();
  settings.gains.ki_per_s = 0.01;
  Loop loop(settings);
  loop.at(10);  // error 0
  loop.at(6);   // error 4: mean 2 over 10 s
  EXPECT_DOUBLE_EQ(loop.last.i, 0.01 * 2 * 10);
  loop.at(8);  // error 2: mean 3 over 10 s
  EXPECT_DOUBLE_EQ(loop.last.i, 0.01 * (2 + 3) * 10);
}

TEST(Pid, LeakHalvesTheIntegralInItsHalfLife) {
  auto settings = plain();
  settings.gains.ki_per_s = 0.01;
  settings.leak_half_life = Duration::seconds(30);
  Loop loop(settings);
  loop.at(10);
  loop.last.state.integral = 8;
  for (int i = 0; i < 3; ++i) loop.at(10);
  EXPECT_NEAR(loop.last.i, 4, 1e-12);
}

TEST(Pid, DerivativeActsOnTheMeasurementAndNotOnTheSetpoint) {
  auto settings = plain();
  settings.gains.kd_s = 5;
  Loop loop(settings);
  loop.at(10, 10);
  EXPECT_EQ(loop.at(10, 20).d, 0);
  EXPECT_EQ(loop.at(12, 20).d, -5 * 0.2);
}

TEST(Pid, DerivativeFilterReachesSixtyThreePercentInItsTimeConstant) {
  auto settings = plain();
  settings.gains.kd_s = 1;
  settings.derivative_filter = Duration::seconds(10);
  Loop loop(settings);
  loop.at(0);
  EXPECT_NEAR(loop.at(10).d, -(1 - std::exp(-1.0)), 1e-12);  // a slope of 1 PV/s for one time constant
}

TEST(Pid, FirstStepHasNoDerivativeKick) {
  auto settings = plain();
  settings.gains.kd_s = 1000;
  EXPECT_EQ(Loop(settings).at(4).d, 0);
}

TEST(Pid, FreezesIntegralAndHoldsOutputWhenTheReadingIsUnusable) {
  auto settings = plain();
  settings.gains = {1, 0.01, 0};
  settings.leak_half_life = Duration::seconds(30);
  settings.feed_forward = 3;
  Loop loop(settings);
  loop.at(6);
  const PidStep before = loop.at(5);
  for (int i = 0; i < 5; ++i) {
    const PidStep held = loop.unusable();
    EXPECT_TRUE(held.frozen);
    EXPECT_EQ(held.output, before.output);
    EXPECT_EQ(held.i, before.i);
    EXPECT_EQ(held.error, before.error);  // the record goes on saying what the output stands for
    EXPECT_EQ(held.unlimited, before.output);
    EXPECT_EQ(held.feed_forward, 3);
  }
}

TEST(Pid, AGapNeitherWindsTheIntegralUpNorLooksLikeAJump) {
  auto settings = plain();
  settings.gains = {0, 0.01, 100};
  settings.dt_max = Duration::seconds(20);
  Loop loop(settings);
  loop.at(9);
  const double before = loop.at(9).i;
  loop.unusable(3600);
  const PidStep after = loop.at(8, 10, true, 40);
  EXPECT_DOUBLE_EQ(after.i - before, 0.01 * 1.5 * 20);  // 20 s, not 3,640 s
  EXPECT_DOUBLE_EQ(after.d, 100 * 1.0 / 3640);          // the slope sees the whole gap
}

TEST(Pid, IntegralTakesInOnlyWhatStillMovesTheOutput) {
  auto settings = plain();
  settings.gains = {0, 1, 0};
  settings.output_max = 5;
  settings.integral_min = -1000;
  settings.integral_max = 1000;
  Loop loop(settings);
  for (int i = 0; i < 100; ++i) loop.at(0);
  EXPECT_EQ(loop.last.output, 5);
  EXPECT_EQ(loop.last.i, 5);
  EXPECT_LT(loop.at(30).output, 5);  // it comes off the limit at once
}

TEST(Pid, IntegralStaysInsideItsOwnBounds) {
  auto settings = plain();
  settings.gains = {0, 1, 0};
  settings.integral_min = -2;
  settings.integral_max = 3;
  Loop loop(settings);
  for (int i = 0; i < 10; ++i) loop.at(0);
  EXPECT_EQ(loop.last.i, 3);
  for (int i = 0; i < 10; ++i) loop.at(20);
  EXPECT_EQ(loop.last.i, -2);
}

TEST(Pid, TheIntegralFollowsWhatWasAppliedWithTheTrackingTime) {
  auto settings = plain();
  settings.gains.ki_per_s = 0.01;
  settings.tracking_time = Duration::seconds(40);
  Loop loop(settings);
  loop.at(10);
  loop.last.state.integral = 8;
  loop.input.excess = -4;  // 4 U of it were not applied
  EXPECT_DOUBLE_EQ(loop.at(10).i, 7);
  EXPECT_DOUBLE_EQ(loop.last.tracking, -1);
}

TEST(Pid, TrackingFasterThanAStepTakesBackNoMoreThanTheExcess) {
  auto settings = plain();
  settings.gains.ki_per_s = 0.01;
  settings.tracking_time = Duration::seconds(1);
  Loop loop(settings);
  loop.at(10);
  loop.last.state.integral = 8;
  loop.input.excess = -4;
  EXPECT_EQ(loop.at(10).i, 4);
}

/// An integrating loop that a low limit stops at 1 U.
PidSettings stopped(AntiWindup mode) {
  auto settings = plain();
  settings.gains = {0, 0.01, 0};
  settings.output_max = 1;
  settings.integral_min = -50;
  settings.integral_max = 50;
  settings.anti_windup = mode;
  settings.tracking_time = Duration::seconds(20);
  return settings;
}

TEST(Pid, ConditionalIntegrationTakesInNothingBeyondALimitAndEverythingOnTheWayBack) {
  Loop loop(stopped(AntiWindup::conditional));
  loop.at(10);
  EXPECT_DOUBLE_EQ(loop.at(0).i, 0.5);  // half of 10 x 0.01 x 10s, the first trapezoid
  EXPECT_DOUBLE_EQ(loop.at(0).i, 0.5);  // a whole one would be beyond the limit
  EXPECT_EQ(loop.last.tracking, 0);
  loop.at(10);
  EXPECT_DOUBLE_EQ(loop.at(20).i, 0.5);  // down by as much as it had gone up since
}

TEST(Pid, ConditionalIntegrationStopsAgainstAnExcessAndGoesOnWithIt) {
  auto settings = stopped(AntiWindup::conditional);
  settings.output_max = 100;
  Loop loop(settings);
  loop.at(10);
  loop.input.excess = -3;  // applied was 3 U less than wanted
  EXPECT_EQ(loop.at(0).i, 0);
  EXPECT_LT(loop.at(30).i, 0);
}

TEST(Pid, BackCalculationDrawsTheIntegralBackByWhatTheLimitCutOff) {
  Loop loop(stopped(AntiWindup::back_calculation));
  loop.at(10);
  loop.last.state.integral = 5;
  const PidStep s = loop.at(10);
  EXPECT_DOUBLE_EQ(s.tracking, (1 - 5) * 10.0 / 20);
  EXPECT_DOUBLE_EQ(s.i, 3);
  EXPECT_EQ(s.output, 1);
}

TEST(Pid, BackCalculationSettlesWhereItsAreaEqualsWhatItGivesBack) {
  Loop loop(stopped(AntiWindup::back_calculation));
  for (int i = 0; i < 200; ++i) loop.at(0);
  // 1 U comes in per step and half of all that is beyond the limit goes: I = 1 + (1 - 1/2) / (1/2)
  EXPECT_NEAR(loop.last.i, 2, 1e-9);
}

TEST(Pid, BackCalculationFollowsWhatWasAppliedAsWell) {
  auto settings = stopped(AntiWindup::back_calculation);
  settings.output_max = 100;
  Loop loop(settings);
  loop.at(10);
  loop.last.state.integral = 8;
  loop.input.excess = -4;
  EXPECT_DOUBLE_EQ(loop.at(10).i, 6);
}

TEST(Pid, ForwardIntegrationActsOneStepLateAndBackwardAtOnce) {
  const auto integral_of = [](Integration integration) {
    auto settings = plain();
    settings.gains.ki_per_s = 0.01;
    settings.integration = integration;
    Loop loop(settings);
    loop.at(10);
    return loop.at(8).i;
  };
  EXPECT_EQ(integral_of(Integration::forward), 0);
  EXPECT_DOUBLE_EQ(integral_of(Integration::trapezoid), 0.1);
  EXPECT_DOUBLE_EQ(integral_of(Integration::backward), 0.2);
}

TEST(Pid, InputFilterIsInFrontOfEverythingAndStartsAtTheFirstReading) {
  auto settings = plain();
  settings.gains = {1, 0, 5};
  settings.input_filter = Duration::seconds(10);
  Loop loop(settings);
  EXPECT_EQ(loop.at(4).p, 6);  // no memory to filter with
  loop.at(14);
  const double filtered = 4 + 10 * (1 - std::exp(-1.0));
  EXPECT_NEAR(loop.last.p, 10 - filtered, 1e-12);
  EXPECT_NEAR(loop.last.d, -5 * (filtered - 4) / 10, 1e-12);
  const double again = filtered + (14 - filtered) * (1 - std::exp(-1.0));  // from what was filtered, not what was read
  EXPECT_NEAR(loop.at(14).p, 10 - again, 1e-12);
}

TEST(Pid, AStepThatOverflowsIsAsIfItHadNotBeen) {
  auto settings = plain();
  settings.gains = {1e200, 0, 0};
  Loop loop(settings);
  loop.at(10);
  loop.unusable(7);
  const PidState before = loop.last.state;
  const PidStep s = loop.at(-1e200);
  EXPECT_TRUE(s.frozen);
  EXPECT_EQ(s.output, before.output);
  EXPECT_EQ(s.state.since_usable_s, before.since_usable_s);
  EXPECT_EQ(s.state.process_variable, before.process_variable);
}

TEST(Pid, InputFilterCountsTheWholeGap) {
  auto settings = plain();
  settings.gains = {1, 0, 0};
  settings.input_filter = Duration::seconds(10);
  Loop loop(settings);
  loop.at(0);
  loop.unusable();
  EXPECT_NEAR(loop.at(10).p, 10 * std::exp(-2.0), 1e-12);
}

TEST(Pid, SlewLimitBoundsTheSpeedOfTheOutputAndKeepsTheIntegralFromWindingUp) {
  auto settings = plain();
  settings.gains = {1, 0.1, 0};
  settings.slew_per_s = 0.2;
  Loop loop(settings);
  loop.at(10);
  for (int i = 1; i <= 5; ++i) EXPECT_DOUBLE_EQ(loop.at(0).output, 2 * i);
  EXPECT_LE(loop.last.i, 10);  // without it: 100 x 0.1 x 10s a step
  EXPECT_DOUBLE_EQ(loop.at(20).output, 8);
}

TEST(Pid, SlewLimitCountsTheTimeOfAGap) {
  auto settings = plain();
  settings.gains = {1, 0, 0};
  settings.slew_per_s = 0.1;
  Loop loop(settings);
  loop.at(10);
  loop.unusable();
  EXPECT_DOUBLE_EQ(loop.at(0).output, 2);
}

TEST(Pid, RetuningIsBumpless) {
  auto settings = plain();
  settings.gains = {2, 0.02, 30};
  settings.setpoint_weight = 0.5;
  Loop loop(settings);
  loop.at(8);
  loop.at(7);
  Loop control = loop;
  control.settings.gains.ki_per_s = 1e-300;  // what the old law says now, without integrating on
  control.last.state.law.gains.ki_per_s = 1e-300;
  const double expected = control.at(6).output;

  Loop gains = loop;
  gains.settings.gains = {7, 0.5, 4};
  EXPECT_NEAR(gains.at(6).output, expected, 1e-12);
  Loop weight = loop;
  weight.settings.setpoint_weight = 1;
  EXPECT_NEAR(weight.at(6).output, expected, 1e-12);
  Loop action = loop;
  action.settings.action = Action::reverse;
  EXPECT_NEAR(action.at(6).output, expected, 1e-12);
  Loop kind = loop;
  kind.settings.error = ErrorKind::relative;
  EXPECT_NEAR(kind.at(6).output, expected, 1e-12);
  Loop deadband = loop;
  deadband.settings.deadband = 1;
  EXPECT_NEAR(deadband.at(6).output, expected, 1e-12);
}

TEST(Pid, GoesOnFromAnAlignedOutputWithoutAStep) {
  auto settings = plain();
  settings.gains = {2, 0.02, 0};
  Loop loop(settings);
  loop.at(8);
  loop.at(7);
  loop.last.state = align_to(loop.last.state, 42);
  EXPECT_EQ(loop.unusable().output, 42);
  EXPECT_EQ(loop.at(3).output, 42);
  EXPECT_GT(loop.at(3).output, 42);
}

TEST(Pid, ADoubtfulReadingMovesTheOutputHalfTheWayInEachStep) {
  auto settings = plain();
  settings.gains.kp = 1;
  Loop loop(settings);
  loop.at(10);
  loop.input.authority = 0.5;
  EXPECT_EQ(loop.at(2).output, 4);
  EXPECT_EQ(loop.at(2).output, 6);
  loop.input.authority = 1;
  EXPECT_EQ(loop.at(2).output, 8);
}

TEST(Pid, NumbersBeyondADoubleHoldTheOutput) {
  auto settings = plain();
  settings.gains = {1e308, 0, 1e308};
  Loop loop(settings);
  loop.at(0, 0);
  const PidStep step = loop.at(1e10, 0);
  EXPECT_TRUE(step.frozen);
  EXPECT_TRUE(std::isfinite(step.output));
}

TEST(Pid, RelativeErrorScalesSetpointWeightAndDerivativeToo) {
  auto settings = plain();
  settings.gains = {1, 0, 5};
  settings.error = ErrorKind::relative;
  settings.setpoint_weight = 0.5;
  Loop loop(settings);
  loop.at(8);
  const PidStep step = loop.at(9);
  EXPECT_DOUBLE_EQ(step.p, 0.1 - 0.5);
  EXPECT_DOUBLE_EQ(step.d, -5 * 0.1 / 10);
}

TEST(Pid, ADoubtfulReadingIntegratesHalf) {
  auto settings = plain();
  settings.gains.ki_per_s = 0.01;
  Loop loop(settings);
  loop.at(10);
  loop.input.authority = 0.5;
  EXPECT_DOUBLE_EQ(loop.at(6).i, 0.01 * 2 * 10 / 2);
}

TEST(Pid, NarrowerOutputLimitsHoldWithoutAReadingToo) {
  Loop loop(plain());
  loop.last.state.output = 90;
  loop.settings.output_max = 50;
  EXPECT_EQ(loop.unusable().output, 50);
}

TEST(Pid, WithoutIntegralActionNoIntegralIsKept) {
  auto settings = plain();
  settings.gains.ki_per_s = 0.01;
  Loop loop(settings);
  loop.at(10);
  loop.at(2);
  EXPECT_NE(loop.last.i, 0);
  loop.settings.gains = {1, 0, 0};
  EXPECT_EQ(loop.at(2).i, 0);
  EXPECT_EQ(loop.last.output, 8);
}

TEST(Pid, OnlyWhatIsNotGivenIsFilledIn) {
  const PidSettings filled = with_defaults(plain(), kPeriod);
  EXPECT_EQ(filled.integral_min, -100);
  EXPECT_EQ(filled.integral_max, 100);
  EXPECT_EQ(filled.tracking_time, kPeriod);
  EXPECT_EQ(filled.dt_max, kPeriod * 3);
  auto given = plain();
  given.integral_max = 5;  // from 0: one of them is enough
  given.tracking_time = given.dt_max = Duration{1};
  const PidSettings kept = with_defaults(given, kPeriod);
  EXPECT_EQ(kept.integral_min, 0);
  EXPECT_EQ(kept.integral_max, 5);
  EXPECT_EQ(kept.tracking_time, Duration{1});
  EXPECT_EQ(kept.dt_max, Duration{1});
}

TEST(Pid, WhatIsKnownOfAUsualStepIsWhatAStepOfThatLengthComputes) {
  auto settings = plain();
  settings.gains = {1, 0.01, 5};
  settings.leak_half_life = Duration::minutes(3);
  settings.derivative_filter = Duration::seconds(7);
  settings.input_filter = Duration::seconds(13);
  for (const Duration cap : {kPeriod * 3, Duration{kPeriod.ns / 3}}) {  // of the step that is integrated
    settings.dt_max = cap;
    Loop loop(settings), computed(settings);
    computed.settings.usual = {};
    for (int i = 0; i < 50; ++i) {
      const double reading = 10 + std::sin(i * 0.7);
      EXPECT_EQ(archive_bytes(loop.at(reading)), archive_bytes(computed.at(reading))) << i;
    }
  }
}

TEST(Ramp, MovesNoFasterThanItsSpeedAndStopsAtTheTarget) {
  EXPECT_EQ(ramp(10, 20, 0.1, 10), 11);
  EXPECT_EQ(ramp(10, 0, 0.1, 10), 9);
  EXPECT_EQ(ramp(19.5, 20, 0.1, 10), 20);
  EXPECT_EQ(ramp(10, 20, 0, 10), 20);  // 0 = at once
}

}  // namespace
}  // namespace homeostat::controller
