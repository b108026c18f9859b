#include "guardian/limits.hpp"

#include <gtest/gtest.h>

namespace homeostat::guardian {
namespace {

Decimal d(const char* text) {
  return Decimal::parse(text, 2).value();
}
Instant s(std::int64_t seconds) {
  return Instant::from_unix_seconds(1'000'000 + seconds);
}

ParameterSettings fee() {
  ParameterSettings settings;
  settings.name = "fee";
  settings.unit = "%";
  settings.decimals = 2;
  settings.initial = d("3");
  settings.min = d("0.5");
  settings.max = d("5");
  settings.quantum = d("0.05");
  return settings;
}

ParameterState at_value(const char* text) {
  ParameterState state;
  state.applied = d(text);
  return state;
}

std::vector<Limit> kinds(const Allowed& allowed) {
  std::vector<Limit> all;
  for (const Bite& bite : allowed.bites) all.push_back(bite.limit);
  return all;
}

Allowed normal(const ParameterSettings& settings, const ParameterState& state, const char* wanted, Instant at = s(0)) {
  return limit(settings, state, d(wanted), OperatingMode::normal, at);
}

TEST(Limits, LetAnAllowedValueThroughUntouched) {
  const Allowed allowed = normal(fee(), at_value("3"), "4.25");
  EXPECT_EQ(allowed.value, d("4.25"));
  EXPECT_TRUE(allowed.bites.empty());
}

TEST(Limits, HardBoundsSayWhatWouldHaveGoneOn) {
  const Allowed high = normal(fee(), at_value("3"), "9");
  EXPECT_EQ(high.value, d("5"));
  ASSERT_EQ(kinds(high), std::vector{Limit::hard_max});
  EXPECT_EQ(high.bites[0].without, d("9"));
  EXPECT_EQ(high.bites[0].with, d("5"));
  EXPECT_EQ(high.bites[0].detail, "never above 5 %");
  EXPECT_EQ(normal(fee(), at_value("3"), "-1").value, d("0.5"));
}

TEST(Limits, LargestChangeHoldsInBothDirections) {
  auto settings = fee();
  settings.change.absolute = d("0.25");
  EXPECT_EQ(normal(settings, at_value("3"), "4").value, d("3.25"));
  EXPECT_EQ(normal(settings, at_value("3"), "1").value, d("2.75"));
}

TEST(Limits, RelativeChangeIsRoundedTowardsTheAppliedValue) {
  auto settings = fee();
  settings.change.relative = 0.1;  // of 3.00: 0.30; of 3.30: 0.33, which is 0.30 on the grid
  EXPECT_EQ(normal(settings, at_value("3"), "5").value, d("3.3"));
  EXPECT_EQ(normal(settings, at_value("3.3"), "5").value, d("3.6"));
  EXPECT_EQ(normal(settings, at_value("3.3"), "1").value, d("3"));
}

TEST(Limits, ZeroCanBeLeftUnderARelativeChange) {
  auto settings = fee();
  settings.min = d("0");
  settings.change.relative = 0.1;
  EXPECT_EQ(normal(settings, at_value("0"), "5").value, d("0.05"));
}

TEST(Limits, TheSmallerOfAbsoluteAndRelativeChangeCounts) {
  auto settings = fee();
  settings.change.absolute = d("0.25");
  settings.change.relative = 0.02;
  EXPECT_EQ(change_max(settings, d("5"), OperatingMode::normal), d("0.1"));
  settings.change.relative = 0.5;
  EXPECT_EQ(change_max(settings, d("5"), OperatingMode::normal), d("0.25"));
}

TEST(Limits, CooldownIsPerDirection) {
  auto settings = fee();
  settings.cooldown_up = Duration::seconds(60);
  settings.cooldown_down = Duration::seconds(120);
  auto state = at_value("3");
  // at 0 s: raised
  state = emitted(settings, state, d("3.5"), s(0));
  state.applied = d("3.5");
  // at 30 s: not again, but down
  const Allowed again = normal(settings, state, "4", s(30));
  EXPECT_EQ(again.value, d("3.5"));
  ASSERT_EQ(kinds(again), std::vector{Limit::cooldown});
  EXPECT_EQ(again.bites[0].detail, "next increase in 30s");
  EXPECT_EQ(normal(settings, state, "3", s(30)).value, d("3"));
  // at 60 s: again
  EXPECT_EQ(normal(settings, state, "4", s(60)).value, d("4"));
}

TEST(Limits, DriftBudgetCountsBothDirectionsInsideItsWindow) {
  auto settings = fee();
  settings.drift = DriftBudget{d("1"), Duration::minutes(10)};
  auto state = at_value("3");
  state = emitted(settings, state, d("3.4"), s(0));
  state.applied = d("3.4");
  state = emitted(settings, state, d("3"), s(60));
  state.applied = d("3");
  EXPECT_EQ(drift_used(settings, state, s(60)), d("0.8"));
  // 0.2 are left
  const Allowed allowed = normal(settings, state, "4", s(120));
  EXPECT_EQ(allowed.value, d("3.2"));
  EXPECT_EQ(kinds(allowed), std::vector{Limit::drift});
  // at 10 min the first change leaves the window
  EXPECT_EQ(normal(settings, state, "4", s(600)).value, d("3.6"));
}

TEST(Limits, ANoOpAndARefusedChangeConsumeNothing) {
  auto settings = fee();
  settings.cooldown_up = Duration::seconds(60);
  settings.drift = DriftBudget{d("1"), Duration::minutes(10)};
  const auto before = at_value("3");
  const auto sent = emitted(settings, before, d("3.5"), s(0));
  EXPECT_NE(sent.raised, before.raised);
  const auto back = given_back(sent, before);
  EXPECT_EQ(back.raised, before.raised);
  EXPECT_TRUE(back.drifts.empty());
  EXPECT_EQ(normal(settings, back, "3.5", s(1)).value, d("3.5"));
}

TEST(Limits, EmergencyLimitsReplaceChangeAndCooldownsButNeverTheBounds) {
  auto settings = fee();
  settings.change.absolute = d("0.25");
  settings.cooldown_up = Duration::hours(1);
  settings.emergency = EmergencyLimits{{d("2"), std::nullopt}, Duration::seconds(5), Duration::seconds(5)};
  auto state = emitted(settings, at_value("3"), d("3.25"), s(0));
  EXPECT_EQ(limit(settings, state, d("9"), OperatingMode::normal, s(10)).value, d("3"));
  EXPECT_EQ(limit(settings, state, d("9"), OperatingMode::emergency, s(10)).value, d("5"));
}

TEST(Limits, AnAppliedValueOutsideTheBoundsGoesBackByPermittedChanges) {
  auto settings = fee();
  settings.change.absolute = d("0.5");
  auto state = at_value("6.02");
  for (const char* next : {"5.55", "5.05", "5"}) {
    const Allowed allowed = normal(settings, state, "9");
    EXPECT_EQ(allowed.value, d(next));
    state.applied = allowed.value;
  }
  EXPECT_EQ(normal(settings, state, "9").value, d("5"));
}

TEST(Limits, OffTheGridTheNextValueIsOnIt) {
  EXPECT_EQ(normal(fee(), at_value("3.02"), "3.05").value, d("3.05"));
  EXPECT_EQ(normal(fee(), at_value("3.02"), "3.03").value, d("3.02"));  // nothing on the grid between
  EXPECT_EQ(normal(fee(), at_value("3.02"), "2.9").value, d("2.9"));
}

TEST(Limits, NegativeValuesRoundTowardsTheAppliedValueToo) {
  auto settings = fee();
  settings.min = d("-5");
  settings.change.absolute = d("0.12");
  EXPECT_EQ(normal(settings, at_value("-1"), "-3").value, d("-1.1"));
  EXPECT_EQ(normal(settings, at_value("-1"), "3").value, d("-0.9"));
}

TEST(Limits, MoreChangesThanCanBeRememberedUseUpTheBudget) {
  auto settings = fee();
  settings.drift = DriftBudget{d("100000"), Duration::days(1)};
  auto state = at_value("3");
  for (std::size_t i = 0; i < kDriftsMax + 10; ++i) {
    state = emitted(settings, std::move(state), d("3.05"), s(static_cast<std::int64_t>(i)));
  }
  EXPECT_EQ(state.drifts.size(), kDriftsMax);
  EXPECT_EQ(normal(settings, state, "4", s(5000)).value, d("3"));
}

TEST(Limits, ARelativeChangeWithAFloorLeavesZeroAtAUsefulSpeed) {
  auto settings = fee();
  settings.min = d("0");
  settings.change.relative = 0.1;
  settings.change.floor = d("0.2");
  EXPECT_EQ(normal(settings, at_value("0"), "5").value, d("0.2"));
  EXPECT_EQ(normal(settings, at_value("4"), "5").value, d("4.4"));  // beyond it the share counts
  settings.change.absolute = d("0.1");
  EXPECT_EQ(normal(settings, at_value("0"), "5").value, d("0.1"));  // never beyond the absolute limit
}

TEST(Limits, ADeriskingMoveWaitsForNoCooldownAndTheWayBackDoes) {
  auto settings = fee();
  settings.cooldown_up = settings.cooldown_down = Duration::seconds(60);
  settings.derisking = Direction::down;
  auto state = emitted(settings, at_value("3"), d("2.5"), s(0));
  state.applied = d("2.5");
  EXPECT_EQ(normal(settings, state, "2", s(1)).value, d("2"));
  state = emitted(settings, state, d("3"), s(1));
  state.applied = d("3");
  EXPECT_EQ(kinds(normal(settings, state, "4", s(2))), std::vector{Limit::cooldown});
}

TEST(Limits, DirectionChangesOnlyAsOftenAsTheFlapBudgetAllows) {
  auto settings = fee();
  settings.flaps = FlapBudget{2, Duration::seconds(100)};
  auto state = at_value("3");
  const auto go = [&](const char* value, std::int64_t at) {
    state = emitted(settings, state, d(value), s(at));
    state.applied = d(value);
  };
  go("3.5", 0);
  go("3", 10);    // first
  go("3.5", 20);  // second
  EXPECT_EQ(flaps_used(settings, state, s(30)), 2U);
  EXPECT_EQ(normal(settings, state, "4", s(30)).value, d("4"));  // on in the same direction
  const Allowed back = normal(settings, state, "3", s(30));
  ASSERT_EQ(kinds(back), std::vector{Limit::flap});
  EXPECT_EQ(back.value, d("3.5"));
  EXPECT_EQ(back.bites[0].detail, "2 of 2 changes of direction used in 1m40s, next in 1m20s");
  EXPECT_EQ(normal(settings, state, "3", s(110)).value, d("3"));
  settings.derisking = Direction::down;
  EXPECT_EQ(normal(settings, state, "3", s(30)).value, d("3"));
}

TEST(Limits, WhatWasGivenBackIsNoFlap) {
  auto settings = fee();
  settings.flaps = FlapBudget{1, Duration::seconds(100)};
  auto state = emitted(settings, at_value("3"), d("3.5"), s(0));
  state.applied = d("3.5");
  const auto sent = emitted(settings, state, d("3"), s(1));
  EXPECT_EQ(flaps_used(settings, sent, s(1)), 1U);
  EXPECT_EQ(flaps_used(settings, given_back(sent, state), s(1)), 0U);
}

TEST(Limits, WhatWasAppliedAfterAllIsCountedBetweenTheChangesThatItCameBetween) {
  auto settings = fee();
  settings.flaps = FlapBudget{9, Duration::seconds(100)};
  auto state = at_value("3");
  const auto go = [&](const char* value, std::int64_t at) {
    state = emitted(settings, state, d(value), s(at));
    state.applied = d(value);
  };
  go("3.5", 0);
  // Sent at 5 from 3.5 to 3, it expired at 10: what has gone up and down since made one turn that is known.
  go("4", 20);
  go("3.5", 30);
  ASSERT_EQ(flaps_used(settings, state, s(40)), 1U);
  const auto three = applied_late(settings, state, d("3.5"), d("3"), s(10));
  EXPECT_EQ(flaps_used(settings, three, s(40)), 3U);  // down at 10, up at 20, down at 30
  EXPECT_EQ(flaps_used(settings, three, s(121)), 1U);
  const auto same = applied_late(settings, state, d("3.5"), d("4"), s(10));
  EXPECT_EQ(flaps_used(settings, same, s(40)), 1U);  // up at 10, as before and after it
}

TEST(Limits, WhatWasAppliedAfterAllMayBeTheTurnItself) {
  auto settings = fee();
  settings.flaps = FlapBudget{9, Duration::seconds(100)};
  auto state = emitted(settings, at_value("3"), d("3.5"), s(0));
  state.applied = d("3.5");
  state = emitted(settings, state, d("3"), s(20));
  const auto late = applied_late(settings, state, d("3.5"), d("3"), s(10));
  EXPECT_EQ(flaps_used(settings, late, s(20)), 1U);
  EXPECT_EQ(flaps_used(settings, late, s(111)), 0U);  // it was at 10
}

TEST(Limits, ARestrictedParameterIsMovedByNoAutomationButByAGuardian) {
  auto settings = fee();
  settings.restricted = true;
  EXPECT_EQ(kinds(normal(settings, at_value("3"), "4")), std::vector{Limit::restricted});
  EXPECT_EQ(limit_override(settings, at_value("3"), d("4"), OperatingMode::normal).value, d("4"));
}

TEST(Limits, ARestrictedValueIsStoppedBeforeAndMayBeLeftAndPassed) {
  auto settings = fee();
  settings.restricted_values = {{d("3.5"), d("3.6")}, {d("3.65"), d("4")}};
  const Allowed up = normal(settings, at_value("3"), "3.8");
  EXPECT_EQ(up.value, d("3.45"));  // both ranges are before it, one after the other
  ASSERT_EQ(kinds(up), std::vector{Limit::restricted});
  EXPECT_EQ(up.bites[0].detail, "no automation may send 3.5 to 3.6 %");
  EXPECT_EQ(normal(settings, at_value("4.5"), "3.55").value, d("4.05"));
  EXPECT_EQ(normal(settings, at_value("3.55"), "3.2").value, d("3.2"));  // a guardian had put it there
  EXPECT_EQ(normal(settings, at_value("3.55"), "3.9").value, d("3.55"));
  EXPECT_EQ(normal(settings, at_value("3"), "4.5").value, d("4.5"));
  EXPECT_EQ(limit_override(settings, at_value("3"), d("3.55"), OperatingMode::normal).value, d("3.55"));
}

}  // namespace
}  // namespace homeostat::guardian
