#include "controller/ratio.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace homeostat::controller::ratio {
namespace {

/// A scaled thing in time: every call is one evaluation.
struct Scaled {
  Settings settings = defaults(1, 100);
  State state;
  double units = 10;

  Step at(std::int64_t second, double ratio, bool valid = true) {
    const std::vector<Metric> metrics{{ratio * 50, 50, valid}};
    const Step s = step(settings, state, units, metrics, Instant{} + Duration::seconds(second));
    state = s.state;
    units = s.units;
    return s;
  }
};

TEST(Ratio, RoundsUpWhatTheMetricAsksFor) {
  Scaled x;
  EXPECT_EQ(x.at(0, 1.15).units, 12);  // 11.5
}

TEST(Ratio, ToleratesTenPercentAndItsEdge) {
  Scaled x;
  const Step s = x.at(0, 1.1);
  EXPECT_EQ(s.units, 10);
  EXPECT_EQ(s.reason, Reason::within_tolerance);
  EXPECT_EQ(x.at(1, 0.9).reason, Reason::within_tolerance);
}

TEST(Ratio, ToleranceIsPerDirection) {
  Scaled x;
  x.settings.up.tolerance = 0;
  x.settings.down.tolerance = 0.5;
  EXPECT_EQ(x.at(0, 0.6).units, 10);
  EXPECT_EQ(x.at(1, 1.01).units, 11);
}

TEST(Ratio, UpDoublesOrAddsFourPerFifteenSeconds) {
  Scaled x;
  x.units = 1;
  const Step first = x.at(0, 50);
  EXPECT_EQ(first.units, 5);  // four more is more than doubling
  EXPECT_EQ(first.reason, Reason::scale_up_limit);
  EXPECT_EQ(x.at(14, 50).units, 5);   // the same period
  EXPECT_EQ(x.at(15, 50).units, 10);  // at 15s: the change is as old as the period and counts no longer
}

TEST(Ratio, SmallestChangeTakesTheStricterPolicy) {
  Scaled x;
  x.units = 1;
  x.settings.up.select = Select::smallest_change;
  EXPECT_EQ(x.at(0, 50).units, 2);
}

TEST(Ratio, DisabledStandsStillAndSaysSo) {
  Scaled x;
  x.settings.up.select = Select::disabled;
  const Step s = x.at(0, 3);
  EXPECT_EQ(s.units, 10);
  EXPECT_EQ(s.reason, Reason::scale_up_limit);
}

TEST(Ratio, DownWaitsForTheLargestProposalOfItsWindow) {
  Scaled x;
  x.at(0, 1.0);
  const Step early = x.at(100, 0.2);
  EXPECT_EQ(early.units, 10);
  EXPECT_EQ(early.reason, Reason::scale_down_stabilized);
  EXPECT_EQ(x.at(299, 0.2).units, 10);
  EXPECT_EQ(x.at(300, 0.2).units, 2);  // at 300s: the proposal of 0s has left the window
}

TEST(Ratio, UpWaitsForTheSmallestProposalOfItsWindow) {
  Scaled x;
  x.settings.up.window = Duration::seconds(60);
  x.at(0, 1.0);
  const Step early = x.at(30, 2.0);
  EXPECT_EQ(early.units, 10);
  EXPECT_EQ(early.reason, Reason::scale_up_stabilized);
  EXPECT_EQ(x.at(60, 2.0).units, 20);
}

TEST(Ratio, StabilisationNeverMovesAgainstTheProposal) {
  // Recommendations above and below inside both windows: the value stays rather than following an old one.
  Scaled x;
  x.settings.up.window = x.settings.down.window = Duration::seconds(300);
  x.state.recommendations = {{Instant{} + Duration::seconds(1), 20}, {Instant{} + Duration::seconds(2), 5}};
  EXPECT_EQ(x.at(10, 0.5).units, 10);
  EXPECT_EQ(x.at(11, 1.5).units, 10);
}

TEST(Ratio, DownPolicyCountsWhatWasTakenInItsPeriod) {
  Scaled x;
  x.settings.down.window = {};
  x.settings.down.policies = {{Measure::units, 2, Duration::seconds(60)}};
  const Step s = x.at(0, 0.1);
  EXPECT_EQ(s.units, 8);
  EXPECT_EQ(s.reason, Reason::scale_down_limit);
  EXPECT_EQ(x.at(30, 0.1).units, 8);
  EXPECT_EQ(x.at(60, 0.1).units, 6);
}

TEST(Ratio, APolicyThatWasOverdrawnNeverReversesTheDirection) {
  Scaled x;
  x.settings.up.policies = {{Measure::units, 1, Duration::seconds(60)}};
  x.state.added = {{Instant{} + Duration::seconds(1), 5}};  // by a looser policy before
  EXPECT_EQ(x.at(2, 3).units, 10);
}

TEST(Ratio, BoundsHaveTheirOwnReasons) {
  Scaled x;
  x.settings.max = 11;
  EXPECT_EQ(x.at(0, 1.9).reason, Reason::too_many);
  EXPECT_EQ(x.units, 11);
  x.settings.min = 9;
  x.settings.down.window = {};
  EXPECT_EQ(x.at(1, 0.1).reason, Reason::too_few);
  EXPECT_EQ(x.units, 9);
}

TEST(Ratio, OutsideItsBoundsItComesBackFirst) {
  Scaled x;
  x.units = 500;
  const Step s = x.at(0, 5);
  EXPECT_EQ(s.units, 100);
  EXPECT_EQ(s.reason, Reason::current_above_max);
  x.units = 0;
  EXPECT_EQ(x.at(1, 5).reason, Reason::current_below_min);
}

TEST(Ratio, TheLargestProposalOfSeveralMetricsWins) {
  const std::vector<Metric> metrics{{60, 50}, {90, 50}, {10, 50}};
  EXPECT_EQ(step(defaults(1, 100), {}, 10, metrics, {}).units, 18);
}

TEST(Ratio, AMetricThatIsNotValidForbidsDownButNotUp) {
  const Settings settings = defaults(1, 100);
  const std::vector<Metric> up{{90, 50}, {0, 50, false}};
  const std::vector<Metric> down{{10, 50}, {0, 50, false}};
  EXPECT_EQ(step(settings, {}, 10, up, {}).units, 18);
  EXPECT_EQ(step(settings, {}, 10, down, {}).units, 10);
  EXPECT_EQ(step(settings, {}, 10, down, {}).reason, Reason::invalid_metric);
}

TEST(Ratio, WithoutAnyValidMetricItHolds) {
  Scaled x;
  EXPECT_EQ(x.at(0, 0.0, false).units, 10);  // not zero units
  EXPECT_TRUE(x.state.recommendations.empty());
}

TEST(Ratio, ChecksItsSettings) {
  const Duration period = Duration::seconds(15);
  EXPECT_TRUE(check(defaults(1, 10), period));
  Settings s = defaults(5, 1);
  EXPECT_EQ(check(s, period).error().where, "min");
  s = defaults(1, 10);
  s.down.tolerance = 1.5;
  EXPECT_EQ(check(s, period).error().where, "down.tolerance");
  s = defaults(1, 10);
  s.up.window = Duration::hours(2);
  EXPECT_EQ(check(s, period).error().where, "up.window");
  s = defaults(1, 10);
  s.up.policies.clear();
  EXPECT_EQ(check(s, period).error().where, "up.policies");
  s = defaults(1, 10);
  EXPECT_EQ(check(s, Duration::milliseconds(10)).error().where, "down.window");  // 30,000 steps to remember
}

}  // namespace
}  // namespace homeostat::controller::ratio
