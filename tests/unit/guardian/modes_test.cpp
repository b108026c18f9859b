#include "guardian/modes.hpp"

#include <gtest/gtest.h>

namespace homeostat::guardian {
namespace {

Instant s(std::int64_t seconds) {
  return Instant::from_unix_seconds(1'000'000 + seconds);
}
Cause cause(CauseKind kind, const char* subject, Instant since, Instant until = {}) {
  return {kind, subject, "because", since, until, {}};
}

TEST(Modes, TheWorstCauseWinsAndCarriesItsReason) {
  Modes modes;
  EXPECT_EQ(modes.mode(), OperatingMode::normal);
  EXPECT_EQ(modes.cause_text(), "");
  modes.raise(cause(CauseKind::reading_unusable, "velocity", s(0)));
  EXPECT_EQ(modes.mode(), OperatingMode::degraded);
  modes.raise(cause(CauseKind::guardian_pause, "alice", s(1)));
  modes.raise(cause(CauseKind::metric_emergency, "velocity", s(2)));
  EXPECT_EQ(modes.mode(), OperatingMode::halted);
  EXPECT_EQ(modes.cause_text(), "guardian_pause alice: because");
  EXPECT_TRUE(modes.is_emergency());
  modes.clear_all(CauseKind::guardian_pause);
  EXPECT_EQ(modes.mode(), OperatingMode::emergency);
  modes.clear(CauseKind::metric_emergency, "velocity");
  EXPECT_FALSE(modes.is_emergency());
}

TEST(Modes, OfEquallyBadCausesTheOldestIsNamed) {
  Modes modes;
  modes.raise(cause(CauseKind::actuator_silent, "a", s(5)));
  modes.raise(cause(CauseKind::actuator_silent, "b", s(3)));
  EXPECT_EQ(modes.worst_first().front().subject, "b");
}

TEST(Modes, RaisingAgainKeepsTheFirstSinceAndTakesTheNewReasonAndExpiry) {
  Modes modes;
  EXPECT_TRUE(modes.raise(cause(CauseKind::actuator_silent, "fee", s(0))));
  EXPECT_FALSE(modes.raise({CauseKind::actuator_silent, "fee", "again", s(9), s(20), {}}));
  EXPECT_EQ(modes.worst_first().front().since, s(0));
  EXPECT_EQ(modes.worst_first().front().reason, "again");
  EXPECT_EQ(modes.worst_first().front().until, s(20));
}

TEST(Modes, AMetricEmergencyClearsOnlyAfterItsWholeCalm) {
  Modes modes;
  const auto observe = [&](int at, bool inside) {
    return modes.observe_emergency("velocity", inside, s(at), Duration::seconds(60), "too high");
  };
  EXPECT_TRUE(observe(0, true));
  EXPECT_EQ(modes.mode(), OperatingMode::emergency);
  EXPECT_FALSE(observe(10, false));
  observe(50, true);  // a relapse starts the calm anew
  observe(60, false);
  observe(119, false);
  ASSERT_EQ(modes.mode(), OperatingMode::emergency);
  EXPECT_EQ(modes.worst_first().front().since, s(0));
  EXPECT_TRUE(observe(120, false));
  EXPECT_EQ(modes.mode(), OperatingMode::normal);
}

TEST(Modes, FlappingCannotPostponeAnEmergency) {
  Modes modes;
  for (int at = 0; at < 100; ++at) {
    modes.observe_emergency("velocity", at % 2 == 0, s(at), Duration::seconds(60), "too high");
    EXPECT_EQ(modes.mode(), OperatingMode::emergency) << at;
  }
}

TEST(Modes, WhatCannotBeSeenIsNoCalm) {
  Modes modes;
  modes.observe_emergency("velocity", true, s(0), Duration::seconds(60), "too high");
  modes.observe_emergency("velocity", false, s(10), Duration::seconds(60), "");
  modes.forget_calm("velocity");
  modes.observe_emergency("velocity", false, s(80), Duration::seconds(60), "");
  EXPECT_EQ(modes.mode(), OperatingMode::emergency);
}

TEST(Modes, AnOrderedCauseEndsAtItsExpiry) {
  Modes modes;
  modes.raise(cause(CauseKind::guardian_pause, "alice", s(0), s(30)));
  EXPECT_TRUE(modes.expire(s(29)).empty());
  EXPECT_EQ(modes.expire(s(30)).size(), 1U);
  EXPECT_EQ(modes.mode(), OperatingMode::normal);
}

}  // namespace
}  // namespace homeostat::guardian
