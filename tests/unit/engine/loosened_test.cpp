// What a policy lets happen, or believes, beyond the one before it.
#include "engine/loosened.hpp"

#include <gtest/gtest.h>

#include "world.hpp"

namespace homeostat::engine {
namespace {

Policy guarded_policy() {
  Policy policy = small_policy();
  auto& metric = policy.oracle.metrics[0];
  auto& samples = std::get<oracle::SampleOrigin>(metric.origin);
  samples.quorum = 2;
  samples.limits = {{"feed", 0.5, 99}};
  metric.rate_of_change = oracle::RateOfChange{0.5, Duration::seconds(10), Duration::minutes(1)};
  metric.outliers = oracle::Outliers{};
  metric.peg = oracle::Peg{};
  metric.guard = oracle::GuardSettings{};
  metric.agree_within = 0.1;
  metric.pinned_after = 5;
  metric.frozen_after = Duration::minutes(10);
  metric.liquidity_needed = 1000;
  policy.oracle.sources[0].group = "a";
  policy.oracle.sources[0].skew_max = Duration::seconds(3);
  policy.oracle.events = {{"tips", "chain", "0x01", "event Tip(uint256 amount)", {}}};
  oracle::MetricSettings counted;
  counted.name = "tipped";
  counted.origin = oracle::EventOrigin{.event = "tips", .value = 0, .key = {}, .confirmations = 3};
  policy.oracle.metrics.push_back(counted);
  oracle::MetricSettings made;
  made.name = "made";
  made.origin = oracle::ExpressionOrigin{"tipped * 2"};
  policy.oracle.metrics.push_back(made);
  auto& loop = policy.loops[0];
  loop.emergency_below = 1;
  loop.emergency_above = 19;
  loop.corridor = controller::Corridor{5, 15, Duration::hours(1)};
  loop.plausibility = controller::Plausibility{};
  return policy;
}

/// What is said of a policy that `change` made of the one before; several things with bars between.
template <class Change>
std::string after(const Change& change) {
  const Policy was = guarded_policy();
  Policy now = was;
  change(now);
  std::string all;
  for (const std::string& one : loosened(was, now)) all += (all.empty() ? "" : " | ") + one;
  return all;
}
template <class Change>
std::string after_metric(const Change& change) {
  return after([&](Policy& p) { change(p.oracle.metrics[0]); });
}
template <class Change>
std::string after_loop(const Change& change) {
  return after([&](Policy& p) { change(p.loops[0]); });
}

TEST(LoosenedPolicy, SaysNothingOfTheSameOneNorOfATuning) {
  EXPECT_EQ(after([](Policy&) {}), "");
  EXPECT_EQ(after([](Policy& p) {
              p.loops[0].setpoint = 11;
              p.loops[0].pid.gains.kp *= 3;
              p.period = Duration::seconds(30);
              p.records_kept = 7;
            }),
            "");
}

TEST(LoosenedPolicy, SaysWhatIsBelievedBeyondWhatWasBefore) {
  const std::string name = guarded_policy().oracle.metrics[0].name;
  const std::string at = "metrics." + name;
  const auto samples = [](auto& m) -> oracle::SampleOrigin& { return std::get<oracle::SampleOrigin>(m.origin); };
  EXPECT_EQ(after_metric([](auto& m) { m.min -= 1; }).find(at + ".min from "), 0U);
  EXPECT_EQ(after_metric([](auto& m) { m.max += 1; }).find(at + ".max from "), 0U);
  EXPECT_EQ(after_metric([](auto& m) { m.min += 1, m.max -= 1; }), "");
  EXPECT_EQ(after_metric([](auto& m) {
              m.staleness_max = m.staleness_max + Duration::seconds(1);
            }).find(at + ".staleness_max from 1m to 1m1s"),
            0U);
  EXPECT_EQ(after_metric([](auto& m) { m.future_max = Duration::hours(1); }), at + ".future_max from 5s to 1h");
  EXPECT_EQ(after_metric([](auto& m) { m.coverage_min = 0.5; }), at + ".coverage_min from 0.8 to 0.5");
  EXPECT_EQ(after_metric([&](auto& m) { samples(m).quorum = 1; }), at + ".quorum from 2 to 1");
  EXPECT_EQ(after_metric([&](auto& m) { samples(m).quorum = 3; }), "");
  EXPECT_EQ(after_metric([&](auto& m) { samples(m).sources.emplace_back("other"); }), at + " is of other sources");
  EXPECT_EQ(after_metric([&](auto& m) { samples(m).limits[0].max = 100; }),
            at + " no longer knows the limits of a source");
  EXPECT_EQ(after_metric([](auto& m) { m.origin = oracle::ExpressionOrigin{"1"}; }), at + " is read from elsewhere");
  EXPECT_EQ(after_metric([](auto& m) { m.rate_of_change.reset(); }), at + ".rate_of_change is gone");
  EXPECT_EQ(after_metric([](auto& m) { m.rate_of_change->ratio_max = 0.6; }), at + ".rate_of_change allows more");
  EXPECT_EQ(after_metric([](auto& m) { m.rate_of_change->ratio_max = 0.4; }), "");
  EXPECT_EQ(after_metric([](auto& m) { m.outliers->mads = 4; }), at + ".outliers allows more");
  EXPECT_EQ(after_metric([](auto& m) { m.peg->band = 0.06; }), at + ".peg allows more");
  EXPECT_EQ(after_metric([](auto& m) { m.guard.reset(); }), at + ".guard is gone");
  EXPECT_EQ(after_metric([](auto& m) { m.guard->band = 0.2; }), at + ".guard allows more");
  EXPECT_EQ(after_metric([](auto& m) { m.guard->reseed_after = Duration::zero(); }), "");
  EXPECT_EQ(after_metric([](auto& m) { m.guard->reseed_after = Duration::minutes(1); }), at + ".guard allows more");
  EXPECT_EQ(after_metric([](auto& m) { m.guard->decrease_max = 0.1; }), "");
  EXPECT_EQ(after_metric([](auto& m) { m.agree_within = 0; }), at + ".agree_within is gone");
  EXPECT_EQ(after_metric([](auto& m) { m.agree_within = 0.2; }), at + ".agree_within from 0.1 to 0.2");
  EXPECT_EQ(after_metric([](auto& m) { m.pinned_after = 0; }), at + ".pinned_after is gone");
  EXPECT_EQ(after_metric([](auto& m) { m.frozen_after = Duration::hours(1); }), at + ".frozen_after from 10m to 1h");
  EXPECT_EQ(after_metric([](auto& m) { m.liquidity_needed = 10; }), at + ".liquidity_needed from 1000 to 10");
  EXPECT_EQ(after_metric([](auto& m) { m.aggregate = oracle::Aggregate::ewma; }), at + ".aggregate is another one");
}

TEST(LoosenedPolicy, SaysWhereAnEventOrAnExpressionIsAnotherOne) {
  const auto event = [](Policy& p) -> oracle::EventOrigin& {
    return std::get<oracle::EventOrigin>(p.oracle.metrics[p.oracle.metrics.size() - 2].origin);
  };
  EXPECT_EQ(after([&](Policy& p) { event(p).confirmations = 2; }), "metrics.tipped.finality counts blocks earlier");
  EXPECT_EQ(after([&](Policy& p) { event(p).finality = oracle::Finality::finalized; }), "");
  EXPECT_EQ(after([&](Policy& p) { event(p).scale = 2; }),
            "metrics.tipped is of another event, or reads it differently");
  EXPECT_EQ(after([](Policy& p) { p.oracle.events[0].contract = "0x02"; }), "events.tips is another one");
  EXPECT_EQ(
      after([](Policy& p) { std::get<oracle::ExpressionOrigin>(p.oracle.metrics.back().origin).text = "tipped * 3"; }),
      "metrics.made is another expression");
  const std::string source = "sources." + guarded_policy().oracle.sources[0].name;
  EXPECT_EQ(after([](Policy& p) { p.oracle.sources[0].group = ""; }), source + ".group is another one");
  EXPECT_EQ(after([](Policy& p) { p.oracle.sources[0].skew_max = Duration::zero(); }), source + ".skew_max is gone");
  EXPECT_EQ(after([](Policy& p) { p.oracle.sources[0].finality_depth = 3; }), source + ".finality_depth from 64 to 3");
}

TEST(LoosenedPolicy, SaysWhatNoLongerStopsALoop) {
  const std::string at = "loops." + guarded_policy().loops[0].name;
  EXPECT_EQ(after_loop([](auto& l) { l.metric = "made"; }), at + ".metric is another one");
  EXPECT_EQ(after_loop([](auto& l) { l.emergency_below.reset(); }), at + ".emergency.below is gone");
  EXPECT_EQ(after_loop([](auto& l) { l.emergency_above = 30; }), at + ".emergency.above allows more");
  EXPECT_EQ(after_loop([](auto& l) { l.emergency_below = 2, l.emergency_above = 18; }), "");
  EXPECT_EQ(after_loop([](auto& l) { l.emergency_clear_after = Duration::seconds(1); }),
            at + ".emergency.clear_after from 5m to 1s");
  EXPECT_EQ(after_loop([](auto& l) { l.corridor.reset(); }), at + ".corridor is gone");
  EXPECT_EQ(after_loop([](auto& l) { l.corridor->max = 16; }), at + ".corridor allows more");
  EXPECT_EQ(after_loop([](auto& l) { l.plausibility->within = Duration::hours(9); }), at + ".plausibility allows more");
  EXPECT_EQ(after([](Policy& p) { p.loops[0].name = "renamed"; }),
            at + " is gone, which asked for emergency mode | loops.renamed is new");
  EXPECT_EQ(after([](Policy& p) {
              p.guardian.parameters[0].max = p.guardian.parameters[0].max + p.guardian.parameters[0].quantum;
            }).find("parameters."),
            0U);
}

}  // namespace
}  // namespace homeostat::engine
