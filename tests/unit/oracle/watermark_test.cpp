// Event time: watermarks, late samples, idle sources, skewed clocks.
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace homeostat::oracle {
namespace {

using namespace testing;

struct Clock : ::testing::Test {
  Settings settings = settings_of({sampled("load", Aggregate::last, {"a", "b"}), sampled("flow", Aggregate::sum, {"a"}),
                                   sampled("mean", Aggregate::ewma, {"a"}),
                                   from_event("tips", Aggregate::count, {.event = "Tip", .confirmations = 1})});
  std::map<std::string, std::uint64_t> sequences;

  /// A sample of event time `time` that is received at `received`.
  Refusal send(Oracle& oracle, const std::string& source, const std::string& metric, double time, double received,
               double value = 1) {
    SampleBatch batch{.source = source, .first_sequence = ++sequences[source], .received = at(received)};
    batch.metrics = {metric};
    batch.samples = {{.metric = 0, .time = at(time), .value = value}};
    const BatchVerdict verdict = oracle.ingest(batch);
    message = verdict.refused.empty() ? "" : verdict.refused[0].message;
    return verdict.refused.empty() ? Refusal::none : verdict.refused[0].refusal;
  }
  static SourceStatus status(const Oracle& oracle, const std::string& source) {
    for (const SourceStatus& s : oracle.sources()) {
      if (s.name == source) return s;
    }
    return {};
  }
  std::string message;
};

struct Watermark : Clock {};

TEST_F(Watermark, OfASourceIsItsNewestEventLessTheAllowedLateness) {
  settings.sources[0].allowed_lateness = Duration::seconds(4);
  Oracle oracle(settings);
  EXPECT_EQ(send(oracle, "a", "flow", 10, 10), Refusal::none);
  const auto& readings = oracle.evaluate(at(11));
  EXPECT_EQ(readings[1].watermark, at(6));
  EXPECT_EQ(status(oracle, "a").watermark, at(6));
  EXPECT_EQ(status(oracle, "a").newest, at(10));
  EXPECT_EQ(oracle.watermark(), at(6));
}

TEST_F(Watermark, OfAMetricIsTheLeastOfItsSourcesUntilOneIsIdle) {
  Oracle oracle(settings);
  (void)send(oracle, "a", "load", 10, 10);
  (void)send(oracle, "b", "load", 14, 14);
  EXPECT_EQ(oracle.evaluate(at(14))[0].watermark, at(10));
  (void)send(oracle, "b", "load", 40, 40);
  EXPECT_EQ(oracle.evaluate(at(40))[0].watermark, at(10)) << "a may still say something of then: staleness_max is 30 s";
  EXPECT_FALSE(status(oracle, "a").idle);
  EXPECT_EQ(oracle.evaluate(at(41))[0].watermark, at(40)) << "a holds nothing back for ever";
  EXPECT_TRUE(status(oracle, "a").idle);
  EXPECT_FALSE(status(oracle, "b").idle);
  EXPECT_EQ(oracle.watermark(), at(40));
}

TEST_F(Watermark, AnIdleSourceThatComesBackIsTakenInAndMovesNothingBack) {
  Oracle oracle(settings);
  (void)send(oracle, "a", "load", 10, 10);
  (void)send(oracle, "b", "load", 50, 50);
  EXPECT_EQ(oracle.evaluate(at(50))[0].watermark, at(50));
  EXPECT_EQ(send(oracle, "a", "load", 45, 51), Refusal::none);
  EXPECT_EQ(oracle.evaluate(at(51))[0].watermark, at(50));
  EXPECT_EQ(oracle.watermark(), at(50));
  EXPECT_FALSE(status(oracle, "a").idle);
}

TEST_F(Watermark, OfAChainIsItsHeadAndOfItsMetricTheNewestBlockThatCounts) {
  Oracle oracle(settings);
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(1, {5}), block_of(2), block_of(3)})));
  EXPECT_EQ(oracle.evaluate(at(40))[3].watermark, at(24)) << "one confirmation: block 3 does not count yet";
  EXPECT_EQ(status(oracle, "chain").watermark, at(36));
}

TEST_F(Watermark, OfAnExpressionIsTheLeastOfItsOperands) {
  settings.metrics.push_back(expression("both", "load + flow"));
  Oracle oracle(settings);
  (void)send(oracle, "b", "load", 20, 20);
  EXPECT_TRUE(oracle.evaluate(at(20))[4].watermark.is_never()) << "of flow nothing is known";
  (void)send(oracle, "a", "flow", 12, 21);
  EXPECT_EQ(oracle.evaluate(at(21))[4].watermark, at(12));
}

TEST_F(Watermark, StallsWhenItsSourcesBringNothingNewer) {
  Oracle oracle(settings);
  oracle.evaluate(at(0));
  (void)send(oracle, "a", "load", 10, 10);
  oracle.evaluate(at(10));
  const auto moved = [&] { return oracle.progress()[0].moved; };
  EXPECT_EQ(moved(), at(10));
  (void)send(oracle, "a", "load", 10, 20);  // it answers, with the old time
  oracle.evaluate(at(20));
  EXPECT_EQ(moved(), at(10));
  EXPECT_EQ(oracle.progress()[0].held_by, 1u) << "b has never said anything";
  (void)send(oracle, "a", "load", 11, 21);
  oracle.evaluate(at(21));
  EXPECT_EQ(moved(), at(21));
  EXPECT_EQ(oracle.progress()[0].stall_max, Duration::seconds(30));
  EXPECT_FALSE(Oracle(settings_of({sampled("x", Aggregate::last), expression("y", "x")})).progress()[1].is_watched);
}

struct Late : Clock {};

TEST_F(Late, WithinTheAllowedLatenessLandsInItsOwnBucket) {
  settings.sources[0].allowed_lateness = Duration::seconds(20);
  Oracle oracle(settings);
  (void)send(oracle, "a", "flow", 100, 100, 1);
  EXPECT_EQ(send(oracle, "a", "flow", 80, 100, 10), Refusal::none) << message;
  EXPECT_EQ(oracle.evaluate(at(100))[1].value, 11);
  // The window of 60 s in 60 buckets has left the late one's bucket behind, and not the newer one's.
  (void)send(oracle, "a", "flow", 143, 143, 100);
  EXPECT_EQ(oracle.evaluate(at(143))[1].value, 101);
  EXPECT_EQ(status(oracle, "a").late_accepted, 1u);
}

TEST_F(Late, BeyondItIsRefusedWithItsOwnReasonAndCounted) {
  settings.sources[0].allowed_lateness = Duration::seconds(5);
  Oracle oracle(settings);
  (void)send(oracle, "a", "flow", 20, 20);
  EXPECT_EQ(send(oracle, "a", "flow", 15, 20), Refusal::none);
  EXPECT_EQ(send(oracle, "a", "flow", 14.999, 20), Refusal::late);
  EXPECT_NE(message.find("is before the watermark"), std::string::npos) << message;
  EXPECT_EQ(status(oracle, "a").refused[static_cast<std::size_t>(Refusal::late)], 1u);
  EXPECT_EQ(oracle.evaluate(at(20))[1].count, 2u);
}

TEST_F(Late, ASourceThatPromisesOrderIsHeldToIt) {
  Oracle oracle(settings);
  (void)send(oracle, "a", "flow", 20, 20);
  EXPECT_EQ(send(oracle, "a", "flow", 19.999, 20), Refusal::out_of_order);
}

TEST_F(Late, DoesNotReplaceTheNewestValue) {
  settings.sources[0].allowed_lateness = Duration::seconds(5);
  Oracle oracle(settings);
  (void)send(oracle, "a", "load", 20, 20, 7);
  EXPECT_EQ(send(oracle, "a", "load", 18, 20, 900), Refusal::none);
  const Reading& r = oracle.evaluate(at(20))[0];
  EXPECT_EQ(r.value, 7);
  EXPECT_EQ(r.time, at(20));
}

TEST_F(Late, OneSourceAheadDoesNotShutOutAnother) {
  Oracle oracle(settings);
  EXPECT_EQ(send(oracle, "a", "load", 24, 20), Refusal::none);
  EXPECT_EQ(send(oracle, "b", "load", 19, 20), Refusal::none);
}

struct Skew : Clock {};

TEST_F(Skew, IsMeasuredAlsoOfWhatIsRefusedForItsTime) {
  settings.sources[0].skew_max = Duration::seconds(3);
  Oracle oracle(settings);
  for (int i = 1; i <= 4; ++i) EXPECT_EQ(send(oracle, "a", "load", 10.0 * i + 60, 10.0 * i), Refusal::in_future);
  oracle.evaluate(at(40));
  EXPECT_EQ(status(oracle, "a").skew, Duration::seconds(60));
  EXPECT_TRUE(status(oracle, "a").skewed);
  EXPECT_FALSE(status(oracle, "b").skewed);
}

TEST_F(Skew, AFewOddTimesSayNothingAndAClockThatIsRightAgainClears) {
  settings.sources[0].skew_max = Duration::seconds(3);
  Oracle oracle(settings);
  double now = 0;
  const auto beat = [&](double ahead) {
    now += 1;
    (void)send(oracle, "a", "load", now + ahead, now);
    oracle.evaluate(at(now));
    return status(oracle, "a").skewed;
  };
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(beat(-0.1));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(beat(4));
  bool skewed = false;
  for (int i = 0; i < 32; ++i) skewed = beat(4);
  EXPECT_TRUE(skewed);
  EXPECT_EQ(status(oracle, "a").skew, Duration::seconds(4));
  for (int i = 0; i < 32; ++i) skewed = beat(-0.1);
  EXPECT_FALSE(skewed);
}

TEST_F(Skew, BehindIsToldFromAhead) {
  settings.sources[0].skew_max = Duration::seconds(3);
  Oracle oracle(settings);
  for (int i = 1; i <= 8; ++i) (void)send(oracle, "a", "load", 10.0 * i - 5, 10.0 * i);
  oracle.evaluate(at(80));
  EXPECT_EQ(status(oracle, "a").skew, Duration::seconds(-5));
  EXPECT_EQ(status(oracle, "a").skew_behind, Duration::seconds(-5));
  EXPECT_TRUE(status(oracle, "a").skewed);
}

TEST_F(Clock, AllOfItGoesOnFromASavedState) {
  settings.sources[0].allowed_lateness = Duration::seconds(20);
  settings.sources[0].skew_max = Duration::seconds(1);
  Oracle oracle(settings);
  for (int i = 1; i <= 6; ++i) {
    (void)send(oracle, "a", "load", 10.0 * i - 5, 10.0 * i);
    oracle.evaluate(at(10.0 * i));
  }
  Oracle loaded(settings);
  const std::string saved = bytes_of(oracle);
  Reader reader(saved);
  ASSERT_TRUE(loaded.load(reader));
  EXPECT_EQ(loaded.watermark(), oracle.watermark());
  EXPECT_EQ(status(loaded, "a").skew, Duration::seconds(-5));
  EXPECT_TRUE(status(loaded, "a").skewed);
  EXPECT_EQ(loaded.progress()[0].moved, at(60));
  EXPECT_EQ(send(loaded, "a", "load", 34, 60), Refusal::late);
}

}  // namespace
}  // namespace homeostat::oracle
