// The catalogue of value faults: each test is named after the case it is for (tests/README.md), and scenarios read as
// time passing. Expected numbers are written out, never computed by the code's own formula.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/oracle/fixture.hpp"

namespace homeostat::oracle {
namespace {

using namespace testing;

constexpr double kPerHour = 1.0 / 3600;

MetricSettings price(std::uint32_t quorum = 2, std::vector<std::string> sources = {"a", "b", "c"}) {
  MetricSettings m = sampled("price", Aggregate::median, std::move(sources), quorum);
  m.min = 1e-6;
  m.max = 1e15;
  m.staleness_max = Duration::minutes(2);
  m.outliers = Outliers{.mads = 3.5, .floor = 0.01};
  m.agree_within = 0.05;
  return m;
}

MetricSettings guarded(std::uint32_t quorum = 2, std::vector<std::string> sources = {"a", "b", "c"}) {
  MetricSettings m = price(quorum, std::move(sources));
  m.guard = GuardSettings{.band = 0.1,
                          .rate_per_s = 0.2 * kPerHour,
                          .halt_after = Duration::seconds(60),
                          .release_after = Duration::seconds(120),
                          .reseed_after = Duration::minutes(10),
                          .reseed_per_fold = Duration::minutes(10),
                          .suspect_after = Duration::minutes(30)};
  return m;
}

Settings sources_of(MetricSettings m) {
  Settings s;
  for (const std::string& name : std::get<SampleOrigin>(m.origin).sources) s.sources.push_back({.name = name});
  s.metrics = {std::move(m)};
  return s;
}

/// Everyone says a value every ten seconds; the reading is taken after each.
class World {
 public:
  explicit World(Settings settings) : settings_(settings), oracle_(std::move(settings)) {}
  explicit World(MetricSettings m) : World(sources_of(std::move(m))) {}

  /// From the last time until `until`, by source; NaN = silent.
  const Reading& say(double until, const std::vector<double>& values) {
    for (; now_ < until; now_ += 10) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (!std::isnan(values[i])) (void)feed_.send(settings_.sources[i].name, "price", now_, values[i]);
      }
      reading_ = oracle_.evaluate(at(now_)).front();
      trusted_after_halt_ = trusted_after_halt_ || (worst_ == Quality::halted && is_usable(reading_.quality));
      worst_ = std::max(worst_, reading_.quality);
    }
    return reading_;
  }
  const Reading& all(double until, double value) {
    return say(until, std::vector<double>(settings_.sources.size(), value));
  }
  Oracle& oracle() { return oracle_; }
  double now() const { return now_; }
  Quality worst() const { return worst_; }
  bool trusted_after_halt() const { return trusted_after_halt_; }

 private:
  Settings settings_;
  Oracle oracle_;
  Feed feed_{oracle_};
  double now_ = 0;
  Reading reading_;
  Quality worst_ = Quality::ok;
  bool trusted_after_halt_ = false;
};

constexpr double kSilent = std::numeric_limits<double>::quiet_NaN();

// --- V1, V2, V3: the quorum ----------------------------------------------------------------------------

TEST(Values, V1_HalfOfAnEvenNumberCompromisedNeverMovesTheMedian) {
  MetricSettings m = price(2, {"a", "b", "c", "d"});
  m.agree_within = 0;
  m.outliers.reset();
  World world(m);
  EXPECT_EQ(world.say(10, {1.0, 1.0, 2.0, 2.05}).value, 1.0)
      << "the lower of the two in the middle, not their mean 1.5";
}

TEST(Values, V1_TwoAgainstTwoIsNoQuorumWhateverTheSide) {
  for (const double lie : {2.0, 0.5}) {
    World world(price(2, {"a", "b", "c", "d"}));
    world.all(60, 1.0);
    const Reading r = world.say(70, {1.0, 1.0, lie, lie});
    EXPECT_EQ(r.quality, Quality::held) << r.reason;
    EXPECT_EQ(r.value, 1.0);
    EXPECT_NE(r.reason.view().find("the sources disagree: only 2 of 4"), std::string::npos) << r.reason;
  }
}

TEST(Values, V1_TwoThatAgreePrevailOverTwoThatDoNot) {
  World world(price(2, {"a", "b", "c", "d"}));
  const Reading r = world.say(10, {1.30, 1.12, 1.015, 1.02});
  EXPECT_TRUE(is_usable(r.quality)) << r.reason;
  EXPECT_EQ(r.value, 1.015);
}

TEST(Values, V2_QuorumLossHoldsAndNeverAveragesFewerSources) {
  World world(price(3));
  world.all(60, 100);
  const Reading r = world.say(120, {100, kSilent, 100'000});
  EXPECT_EQ(r.quality, Quality::held) << r.reason;
  EXPECT_EQ(r.value, 100);
}

TEST(Values, V2_OfTwoThatAreLeftBothMustAgree) {
  World world(price(2));
  world.all(60, 100);
  EXPECT_EQ(world.say(120, {100, kSilent, 100'000}).value, 100);
  EXPECT_FALSE(is_usable(world.say(300, {100, kSilent, 100'000}).quality));
  const Reading r = world.say(310, {101, kSilent, 102});
  EXPECT_EQ(r.quality, Quality::degraded) << r.reason;
  EXPECT_EQ(r.value, 101);
}

TEST(Values, V2_SourcesBehindOneOriginHaveOneVote) {
  Settings s = sources_of(price(2, {"a", "b", "c"}));
  s.sources[0].group = s.sources[1].group = "one";
  World world(s);
  const Reading r = world.say(10, {100, 100, kSilent});
  EXPECT_FALSE(is_usable(r.quality));
  EXPECT_NE(r.reason.view().find("1 of 3 sources fresh and independent, quorum 2"), std::string::npos) << r.reason;
  EXPECT_EQ(world.say(20, {100, 100, 101}).sources, 2u);
}

TEST(Values, V2_AGroupOutvotesNobody) {
  Settings s = sources_of(price(2, {"a", "b", "c", "d"}));
  s.sources[0].group = s.sources[1].group = "one";
  World world(s);
  const Reading r = world.say(10, {200, 200, 100, 100});
  EXPECT_EQ(r.value, 100) << r.reason;
  EXPECT_EQ(r.sources, 2u);
}

TEST(Values, V3_OneOutlierOfThreeIsLeftOutAndNamed) {
  World world(price(2));
  const Reading r = world.say(10, {100, 101, 250});
  EXPECT_EQ(r.value, 100);
  EXPECT_EQ(r.quality, Quality::degraded);
  EXPECT_EQ(r.sources, 2u);
  EXPECT_NE(r.reason.view().find("left out c (250, "), std::string::npos) << r.reason;
}

TEST(Values, V3_HonestSpreadIsNoOutlier) {
  // One sigma of these three is 0.82: a one-sigma filter would throw out two of three.
  MetricSettings m = price(2);
  m.outliers->floor = 0;
  World world(m);
  const Reading r = world.say(10, {99, 100, 101});
  EXPECT_EQ(r.quality, Quality::ok) << r.reason;
  EXPECT_EQ(r.sources, 3u);
}

TEST(Values, V3_NeverLeavesOutBelowTheQuorum) {
  World world(price(3));
  const Reading r = world.say(10, {100, 100, 104});
  EXPECT_EQ(r.sources, 3u) << r.reason;
  EXPECT_EQ(r.quality, Quality::ok);
  EXPECT_EQ(r.value, 100);
}

// --- V4, V5, V9: sources that stopped following ----------------------------------------------------------

TEST(Values, V4_TimeThatRunsBackwardsIsRefused) {
  Oracle oracle(sources_of(price(1, {"a"})));
  Feed feed(oracle);
  EXPECT_EQ(feed.send("a", "price", 10, 100).accepted, 1u);
  SampleBatch old{.source = "a", .first_sequence = 2, .received = at(11), .metrics = {"price"}};
  old.samples = {{0, at(9.999), 100}};
  const BatchVerdict verdict = oracle.ingest(old);
  ASSERT_EQ(verdict.refused.size(), 1u);
  EXPECT_EQ(verdict.refused[0].refusal, Refusal::out_of_order);
}

TEST(Values, V5_AnOldCachedValueIsStaleByItsOwnTime) {
  MetricSettings m = price(1, {"a"});
  m.staleness_max = Duration::seconds(30);
  Oracle oracle(sources_of(m));
  for (int i = 0; i <= 10; ++i) {
    SampleBatch same{.source = "a", .first_sequence = 1 + static_cast<std::uint64_t>(i), .received = at(10.0 * i)};
    same.metrics = {"price"};
    same.samples = {{0, at(0), 100}};  // received again and again, observed once
    (void)oracle.ingest(same);
    const Reading& r = oracle.evaluate(at(10.0 * i)).front();
    EXPECT_EQ(is_usable(r.quality), i <= 3) << i << ": " << r.reason;
  }
}

TEST(Values, V5_AFrozenSourceThatStampsItsOwnTimeIsLeftOutWhenOthersMove) {
  MetricSettings m = price(2);
  m.frozen_after = Duration::minutes(2);
  World world(m);
  double p = 100;
  for (int i = 0; i < 20; ++i) p *= 1.001, world.say(world.now() + 10, {p, p, p});
  const double stuck = p;
  Reading r;
  for (int i = 0; i < 30; ++i) p *= 1.001, r = world.say(world.now() + 10, {p, p, stuck});
  EXPECT_NE(r.reason.view().find("c (frozen at "), std::string::npos) << r.reason;
  EXPECT_EQ(r.sources, 2u);
  EXPECT_EQ(r.value, p);
}

TEST(Values, V5_SourcesThatAlwaysStoodStillAreNotFrozenBecauseOneJumps) {
  MetricSettings m = price(2);
  m.frozen_after = Duration::minutes(2);
  World world(m);
  world.all(600, 100);
  Reading r;
  for (int i = 0; i < 20; ++i) r = world.say(world.now() + 10, {100, 100, 500.0 + i});
  EXPECT_EQ(r.value, 100) << r.reason;
  EXPECT_TRUE(is_usable(r.quality)) << r.reason;
}

TEST(Values, V5_OneJumpOfOneSourceDoesNotMakeThoseFrozenThatHaveComeToRest) {
  MetricSettings m = price(2);
  m.frozen_after = Duration::minutes(2);
  World world(m);
  double p = 100;
  for (int i = 0; i < 20; ++i) p *= 1.001, world.say(world.now() + 10, {p, p, p});
  Reading r;
  for (int i = 0; i < 30; ++i) r = world.say(world.now() + 10, {p, p, 500});
  EXPECT_EQ(r.value, p) << r.reason;
  EXPECT_TRUE(is_usable(r.quality)) << r.reason;
}

TEST(Values, V9_ASourcePinnedAtItsOwnMinimumDoesNotCount) {
  MetricSettings m = price(2);
  m.agree_within = 0;
  m.pinned_after = 3;
  std::get<SampleOrigin>(m.origin).limits = {{.source = "c", .min = 0.1, .max = 1000}};
  World world(m);
  EXPECT_EQ(world.say(20, {0.1, 0.1, 0.1}).sources, 3u) << "twice may be chance";
  const Reading r = world.say(60, {0.05, 0.06, 0.1});
  EXPECT_NE(r.reason.view().find("c (pinned at its limit 0.1)"), std::string::npos) << r.reason;
  EXPECT_EQ(r.value, 0.05);
  EXPECT_EQ(world.say(70, {0.05, 0.06, 0.11}).sources, 3u) << "one value inside and it counts again";
}

// --- V6, V10, V12: the budget ---------------------------------------------------------------------------

TEST(Values, V6_AHalvingIsAsFarAsADoubling) {
  for (const double factor : {2.0, 0.5, 1e9, 1e-3}) {
    World world(guarded());
    world.all(600, 100);
    const Reading r = world.all(620, 100 * factor);
    EXPECT_EQ(r.quality, Quality::held) << factor << ": " << r.reason;
    EXPECT_EQ(r.value, 100);
  }
  World up(guarded()), down(guarded());
  up.all(600, 100), down.all(600, 100);
  EXPECT_NEAR(up.all(610, 200).guard_gap, 0.693, 0.001);
  EXPECT_NEAR(down.all(610, 50).guard_gap, 0.693, 0.001);
}

TEST(Values, V6_ADisagreementIsHeldThenHaltedAndNeverClamped) {
  World world(guarded());
  world.all(600, 100);
  EXPECT_EQ(world.all(650, 300).quality, Quality::held);
  const Reading r = world.all(700, 300);
  EXPECT_EQ(r.quality, Quality::halted) << r.reason;
  EXPECT_EQ(r.value, 100) << "the last trusted value, not a bound";
  EXPECT_EQ(r.authority, 0);
}

TEST(Values, V6_AShortSpikeIsHeldAndForgotten) {
  World world(guarded());
  world.all(600, 100);
  EXPECT_EQ(world.all(640, 300).quality, Quality::held);
  EXPECT_EQ(world.all(650, 100).quality, Quality::ok);
  EXPECT_EQ(world.worst(), Quality::held);
}

TEST(Values, V6_ARealCrashWithinTheBudgetIsFollowedToTheLastBit) {
  World world(guarded());  // 20 % per hour
  double p = 100;
  world.all(600, p);
  for (int i = 0; i < 6 * 60 * 5; ++i) {  // five hours at 18 % per hour
    p *= 1 - 0.18 / 360;
    EXPECT_EQ(world.all(world.now() + 10, p).value, p);
  }
  EXPECT_LT(p, 42);
  EXPECT_EQ(world.worst(), Quality::ok);
}

TEST(Values, V10_AnOutageWidensTheBudgetSoThatNoMoveLocksItForEver) {
  World world(guarded());
  world.all(600, 104'500);
  world.say(600 + 2 * 3600, {kSilent, kSilent, kSilent});  // two hours: 10 % + 40 %
  EXPECT_EQ(world.say(world.now() + 10, {kSilent, kSilent, kSilent}).quality, Quality::halted);
  EXPECT_FALSE(is_usable(world.all(world.now() + 100, 69'583).quality)) << "back, but not yet steady for 120 s";
  const Reading r = world.all(world.now() + 40, 69'583);
  EXPECT_EQ(r.quality, Quality::ok) << r.reason;
  EXPECT_EQ(r.value, 69'583);
}

TEST(Values, V10_ACoherentQuorumThatIsSteadyReseeds) {
  World world(guarded());
  world.all(600, 100);
  // ln 2 = 0.693, squared 0.480: 10 min + 0.48 x 10 min = 888 s.
  EXPECT_EQ(world.all(600 + 880, 200).quality, Quality::halted);
  const Reading r = world.all(600 + 900, 200);
  EXPECT_TRUE(is_usable(r.quality)) << r.reason;
  EXPECT_EQ(r.value, 200);
  EXPECT_EQ(world.all(600 + 1100, 200).quality, Quality::ok);
}

TEST(Values, V10_TheFartherTheJumpTheLongerItMustLast) {
  const auto seconds_until_trusted = [](double factor) {
    World world(guarded());
    world.all(600, 100);
    while (!is_usable(world.all(world.now() + 10, 100 * factor).quality)) {
    }
    return world.now() - 610;
  };
  EXPECT_EQ(seconds_until_trusted(1.2), 620);  // 600 + 600 x 0.033
  EXPECT_EQ(seconds_until_trusted(10), 3790);  // 600 + 600 x 5.302 = 3781
  EXPECT_EQ(seconds_until_trusted(0.1), 3790);
}

TEST(Values, V10_AMoveThatGoesOnIsSteadyAtTheSpeedItsClassBelieves) {
  for (const double steady : {0.0, 2 * kPerHour}) {
    MetricSettings m = guarded();
    m.guard->steady_rate_per_s = steady;
    World world(m);
    double p = 100;
    world.all(600, p);
    for (int i = 0; i < 180; ++i) p *= std::exp(-1.0 / 360), world.all(world.now() + 10, p);  // -100 % (ln) per hour
    EXPECT_EQ(is_usable(world.worst()), false);
    const bool was_ever_trusted_again = world.trusted_after_halt();
    EXPECT_EQ(was_ever_trusted_again, steady > 0) << steady;
  }
}

TEST(Values, V10_WhatPassesThroughTheOldLevelIsNotReleased) {
  // Pumped to 10, falling through 1 on its way to 0.5: at 1 nothing is over yet.
  World world(guarded());
  world.all(600, 1);
  world.all(900, 10);
  double p = 10;
  while (p > 0.5) {
    p *= 0.97;
    EXPECT_FALSE(is_usable(world.all(world.now() + 10, p).quality)) << p;
  }
  // It has come back: then steady for reseed_after is enough, however far 0.5 is from 1.
  EXPECT_EQ(world.all(world.now() + 500, 0.5).quality, Quality::halted);
  EXPECT_TRUE(is_usable(world.all(world.now() + 130, 0.5).quality));
}

TEST(Values, V10_AnAttackDoesNotDragTheReferenceAlong) {
  MetricSettings m = guarded();
  m.guard->reseed_after = Duration::zero();
  World world(m);
  world.all(600, 100);
  world.all(600 + 2 * 3600, 300);
  const Reading r = world.all(600 + 2 * 3600 + 140, 100);
  EXPECT_EQ(r.quality, Quality::ok) << r.reason;
}

TEST(Values, V10_AGuardianReseedsWhatNothingElseMay) {
  MetricSettings m = guarded();
  m.guard->reseed_after = Duration::zero();
  World world(m);
  world.all(600, 1);
  EXPECT_EQ(world.all(600 + 7200, 2).quality, Quality::halted);
  ASSERT_TRUE(world.oracle().clear("price", at(world.now())).has_value());
  const Reading r = world.all(world.now() + 10, 2);
  EXPECT_EQ(r.quality, Quality::ok) << r.reason;
  EXPECT_EQ(r.value, 2);
}

TEST(Values, V10_AGrowingRateMayNeverFall) {
  MetricSettings m = guarded();
  m.guard->decrease_max = 0.001;
  m.guard->reseed_after = Duration::zero();
  World world(m);
  world.all(600, 1);
  EXPECT_EQ(world.all(610, 0.9995).quality, Quality::ok);
  EXPECT_EQ(world.all(620, 0.99).quality, Quality::held);
  EXPECT_EQ(world.all(100'000, 0.5).quality, Quality::halted) << "time does not widen this side";
}

TEST(Values, V12_AStepFromOrToZeroIsSignificant) {
  MetricSettings m = guarded();
  m.min = 0;
  m.max = 100;
  for (const auto& [from, to] : {std::pair{0.0, 50.0}, std::pair{50.0, 0.0}}) {
    World world(m);
    world.all(600, from);
    EXPECT_EQ(world.all(610, to).quality, Quality::held) << from << " -> " << to;
  }
}

// --- V7, V8, V11: arithmetic -----------------------------------------------------------------------------

TEST(Values, V7_WhatIsNoPriceIsRefused) {
  Oracle oracle(sources_of(price(1, {"a"})));
  Feed feed(oracle);
  const double inf = std::numeric_limits<double>::infinity();
  for (const double x : {0.0, -1.0, kSilent, inf, -inf, 4.3e-8, 4.3e18}) {
    EXPECT_EQ(feed.send("a", "price", 1, x).accepted, 0u) << x;
  }
}

TEST(Values, V7_AWrongExponentOfAMinorityChangesNothing) {
  World world(guarded(2, {"a", "b", "c", "d", "e"}));
  world.all(600, 43'000);
  const Reading r = world.say(610, {43'000, 43'000, 43'000, 0.00043, 0.00043});
  EXPECT_EQ(r.value, 43'000);
  EXPECT_TRUE(is_usable(r.quality)) << r.reason;
}

MetricSettings ten_minutes_covered() {
  MetricSettings m = sampled("price", Aggregate::twap, {"a"});
  m.window = Duration::minutes(10);
  m.coverage_min = 0.8;
  m.staleness_max = Duration::minutes(2);
  m.max = 1e6;
  return m;
}

TEST(Values, V8_ATwapDoesNotCollapseToItsNewestSample) {
  World world(ten_minutes_covered());
  world.all(1200, 380);
  const Reading r = world.all(1210, 18'000);  // an update just now: it has lasted for no time at all
  EXPECT_EQ(r.value, 380);
  const Reading later = world.all(1220, 18'000);  // ten of 610 seconds
  EXPECT_NEAR(later.value, 380 + (18'000.0 - 380) * 10 / 600, 6);
}

TEST(Values, V8_ATwapWithoutItsCoverageIsNoValue) {
  World world(ten_minutes_covered());
  world.all(1200, 380);
  world.say(1200 + 400, {kSilent});
  const Reading r = world.all(1620, 18'000);
  EXPECT_FALSE(is_usable(r.quality)) << r.reason;
  EXPECT_EQ(r.value, 380);
}

TEST(Values, V8_TheAverageOfAcceptedValuesHoldsNothingOfAnAttack) {
  MetricSettings m = guarded();
  m.guard->average = Duration::minutes(10);
  World world(m);
  world.all(1200, 100);
  world.all(1500, 900);
  const Reading r = world.all(1630, 100);
  EXPECT_TRUE(is_usable(r.quality)) << r.reason;
  EXPECT_EQ(r.value, 100);
}

TEST(Values, V11_TheAverageOfAcceptedValuesIsThatOfTimeInNumbers) {
  MetricSettings m = guarded();
  m.guard->average = Duration::seconds(600);
  World world(m);
  world.all(600, 100);
  // 100 for 600 s, then 106 for 290 s of which the 60 buckets of 10 s and the one in progress hold 610 s.
  const Reading r = world.all(900, 106);
  EXPECT_NEAR(r.value, (320.0 * 100 + 290.0 * 106) / 610, 0.06);
}

TEST(Values, V11_TheMedianAbsoluteDeviationInNumbers) {
  // Median 100, deviations |ln| 0.0198 0.0100 0 0.0100 0.0488: their median 0.0100; 3.5 x 1.4826 x 0.0100 = 0.0519.
  MetricSettings m = price(2, {"a", "b", "c", "d", "e"});
  m.outliers->floor = 0;
  EXPECT_EQ(World(m).say(10, {98.02, 99.005, 100, 101.005, 105}).sources, 5u);
  EXPECT_EQ(World(m).say(10, {98.02, 99.005, 100, 101.005, 105.5}).sources, 4u);
}

// --- confidence, liquidity, peg, self-test ---------------------------------------------------------------

class Confident {
 public:
  explicit Confident(MetricSettings m) : settings_(sources_of(std::move(m))), oracle_(settings_) {}

  Reading say(const std::vector<std::pair<double, double>>& votes, double liquidity = -1) {
    now_ += 10;
    for (std::size_t i = 0; i < votes.size(); ++i) {
      SampleBatch batch{.source = settings_.sources[i].name, .first_sequence = ++sequence_, .received = at(now_)};
      batch.metrics = {"price"};
      batch.samples = {{0, at(now_), votes[i].first}};
      batch.details = {{.sample = 0, .confidence = votes[i].second, .liquidity = liquidity}};
      (void)oracle_.ingest(batch);
    }
    return oracle_.evaluate(at(now_)).front();
  }

 private:
  Settings settings_;
  Oracle oracle_;
  std::uint64_t sequence_ = 0;
  double now_ = 0;
};

MetricSettings by_quartiles() {
  MetricSettings m = price(2);
  m.aggregate = Aggregate::quartiles;
  m.outliers.reset();
  m.agree_within = 0;
  return m;
}

TEST(Values, ConfidenceIsTheWiderOfTheTwoQuartileDistances) {
  // Votes 99 100 101, 100 101 102, 96 102 108: sorted 96 99 100 100 101 101 102 102 108; ranks 2, 4, 6.
  const Reading r = Confident(by_quartiles()).say({{100, 1}, {101, 1}, {102, 6}});
  EXPECT_EQ(r.value, 101);
  EXPECT_EQ(r.confidence, 1);
}

TEST(Values, AConfidenceOverAThirdOfItsValueIsIgnored) {
  const Reading r = Confident(by_quartiles()).say({{100, 1}, {102, 1}, {5402, 21'623}});
  EXPECT_EQ(r.sources, 2u);
  EXPECT_NE(r.reason.view().find("c (confidence 21623 is over a third of its value)"), std::string::npos) << r.reason;
}

TEST(Values, AuthorityIsTheShareOfTheLiquidityThatIsNeeded) {
  MetricSettings m = price(2);
  m.liquidity_needed = 3000;
  Confident world(m);
  EXPECT_EQ(world.say({{100, 0}, {100, 0}, {100, 0}}, 1000).authority, 1);
  const Reading thin = world.say({{100, 0}, {100, 0}, {100, 0}}, 200);
  EXPECT_EQ(thin.authority, 0.2);
  EXPECT_EQ(thin.quality, Quality::degraded);
  EXPECT_EQ(thin.reason, "liquidity 600 of 3000 needed");
}

TEST(Values, AuthorityIsHalfWhenDoubtfulAndNoneWhenHeld) {
  World world(price(2));
  EXPECT_EQ(world.all(10, 100).authority, 1);
  EXPECT_EQ(world.say(20, {100, 100, 150}).authority, 0.5);
  EXPECT_EQ(world.say(30, {100, 130, 170}).authority, 0);
}

TEST(Values, OffThePegIsBelievedOfMostOriginsOnly) {
  MetricSettings m = price(2, {"a", "b", "c", "d"});
  m.peg = Peg{.at = 1, .band = 0.05};
  World world(m);
  world.all(60, 1);
  const Reading real = world.say(70, {0.88, 0.88, 0.88, 0.88});
  EXPECT_EQ(real.value, 0.88) << "a real depeg is followed";
  EXPECT_EQ(real.authority, 0.5);
  EXPECT_NE(real.reason.view().find("off the peg of 1, as 4 of 4 sources agree"), std::string::npos) << real.reason;
  world.say(200, {0.88, 0.88, kSilent, kSilent});
  EXPECT_FALSE(is_usable(world.say(210, {0.88, 0.88, kSilent, kSilent}).quality));
}

TEST(Values, TheGuardThatContradictsItsQuorumForLongIsTheSuspect) {
  MetricSettings m = guarded();
  m.guard->reseed_after = Duration::zero();
  World world(m);
  world.all(600, 1);
  EXPECT_FALSE(world.all(600 + 1790, 2).guard_suspect);
  const Reading r = world.all(600 + 1820, 2);
  EXPECT_TRUE(r.guard_suspect);
  EXPECT_NE(r.reason.view().find("the guard may be what is wrong"), std::string::npos) << r.reason;
  EXPECT_FALSE(world.all(world.now() + 200, 1).guard_suspect);
}

TEST(Values, WhatTheGuardRemembersSurvivesARestart) {
  MetricSettings m = guarded();
  m.guard->average = Duration::minutes(10);
  World world(m);
  world.all(600, 100);
  world.all(700, 300);
  Oracle other(sources_of(m));
  const std::string bytes = bytes_of(world.oracle());
  Reader reader(bytes);
  ASSERT_TRUE(other.load(reader) && reader.is_done());
  EXPECT_EQ(bytes_of(other), bytes);
  EXPECT_EQ(archive_bytes(other.evaluate(at(701)).front()), archive_bytes(world.oracle().evaluate(at(701)).front()));
}

}  // namespace
}  // namespace homeostat::oracle
