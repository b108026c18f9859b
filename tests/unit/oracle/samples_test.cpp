#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "core/format.hpp"
#include "tests/unit/oracle/fixture.hpp"

namespace homeostat::oracle {
namespace {

using namespace testing;

TEST(Samples, TheSourcesCursorIsKeptWithTheDataAndOverASnapshot) {
  Oracle oracle(settings_of({sampled("price", Aggregate::last)}));
  SampleBatch batch{.source = "a", .first_sequence = 1, .received = at(1)};
  batch.metrics = {"price"};
  batch.samples = {{.metric = 0, .time = at(1), .value = 5}};
  batch.cursor = "round 7";
  (void)oracle.ingest(batch);
  EXPECT_EQ(oracle.source_cursor("a"), "round 7");
  batch.first_sequence = 2;
  batch.cursor.clear();
  (void)oracle.ingest(batch);
  EXPECT_EQ(oracle.source_cursor("a"), "round 7");
  batch.cursor.assign(kSourceCursorBytesMax + 1, 'x');
  (void)oracle.ingest(batch);
  EXPECT_EQ(oracle.source_cursor("a"), "round 7");
  EXPECT_EQ(oracle.source_cursor("b"), "");
  EXPECT_EQ(oracle.source_cursor("nobody"), "");

  Oracle changed = oracle;
  Settings settings = settings_of({sampled("price", Aggregate::last), sampled("other", Aggregate::last)});
  changed.reconfigure(settings);
  EXPECT_EQ(changed.source_cursor("a"), "round 7");

  Writer writer;
  oracle.save(writer);
  const std::string bytes = writer.take();
  Oracle restored(settings_of({sampled("price", Aggregate::last)}));
  Reader reader(bytes);
  ASSERT_TRUE(restored.load(reader) && reader.is_done());
  EXPECT_EQ(restored.source_cursor("a"), "round 7");
}

TEST(Refusals, EachHasItsReasonAndMessage) {
  MetricSettings price = sampled("price", Aggregate::last);
  price.rate_of_change =
      RateOfChange{.ratio_max = 0.5, .per = Duration::seconds(10), .halt_after = Duration::minutes(5)};
  Settings settings = settings_of({price, sampled("other", Aggregate::last, {"b"})});
  settings.sources[0].rate_per_s = 1;
  settings.sources[0].burst = 3;
  Oracle oracle(settings);

  const auto ask = [&](const std::string& source, std::uint64_t sequence, const std::string& metric, Instant time,
                       double value, Instant received) -> Verdict {
    SampleBatch batch{.source = source, .first_sequence = sequence, .received = received, .metrics = {metric}};
    batch.samples = {{.metric = 0, .time = time, .value = value}};
    const BatchVerdict verdict = oracle.ingest(batch);
    EXPECT_EQ(verdict.accepted + verdict.refused.size(), 1u);
    return verdict.refused.empty() ? Verdict{} : verdict.refused[0];
  };
  ASSERT_EQ(ask("a", 5000, "price", at(0), 100, at(0)).refusal, Refusal::none);

  struct Row {
    Refusal refusal;
    std::string message;
    std::string source;
    std::uint64_t sequence;
    std::string metric;
    Instant time;
    double value;
  };
  const std::string t0 = text_of(at(0));
  const std::vector<Row> table = {
      {Refusal::unknown_source, "there is no source 'chian'; did you mean 'chain'?", "chian", 1, "price", at(1), 1},
      {Refusal::unknown_metric, "there is no metric 'pricee'; did you mean 'price'?", "a", 5001, "pricee", at(1), 1},
      {Refusal::unknown_metric, "metric 'other' is not fed by source 'a'", "a", 5001, "other", at(1), 1},
      {Refusal::duplicate, "sequence 5000 was already taken", "a", 5000, "price", at(1), 100},
      {Refusal::sequence_too_old, "sequence 904 is 4096 or more behind the highest taken; go on from 5001", "a", 904,
       "price", at(1), 100},
      {Refusal::sequence_too_old, "sequence 0 is 4096 or more behind the highest taken; go on from 5001", "a", 0,
       "price", at(1), 100},
      {Refusal::not_finite, "the value is nan, not a finite number", "a", 5001, "price", at(1), std::nan("")},
      {Refusal::not_finite, "the value is -inf, not a finite number", "a", 5002, "price", at(1), -HUGE_VAL},
      {Refusal::out_of_bounds, "value 1001 is outside 0 .. 1000 u", "a", 5003, "price", at(1), 1001},
      {Refusal::out_of_order,
       "time " + text_of(at(-1)) + " is before " + t0 + ", the last accepted of this source and metric", "a", 5004,
       "price", at(-1), 100},
      {Refusal::in_future, "time " + text_of(at(7)) + " is 6s ahead of its receipt; allowed 5s", "a", 5005, "price",
       at(7), 100},
      {Refusal::rate_of_change,
       "200 is a change of 0.6931471805599453 from 100 at " + t0 + "; allowed now 0.5, 0.5 more per 10s", "a", 5006,
       "price", at(1), 200},
  };
  for (const Row& row : table) {
    const Verdict v = ask(row.source, row.sequence, row.metric, row.time, row.value, at(1));
    EXPECT_EQ(name_of(v.refusal), name_of(row.refusal)) << row.message;
    EXPECT_EQ(v.message, row.message);
  }
  const Verdict old = ask("b", 1, "other", at(-40), 100, at(1));
  EXPECT_EQ(old.refusal, Refusal::too_old);
  EXPECT_EQ(old.message, "time " + text_of(at(-40)) + " was 41s ago at its receipt; allowed 30s");

  // The burst is 3, and the change that was too fast has taken one.
  EXPECT_EQ(ask("a", 5007, "price", at(1), 100, at(1)).refusal, Refusal::none);
  EXPECT_EQ(ask("a", 5008, "price", at(1), 100, at(1)).refusal, Refusal::none);
  const Verdict limited = ask("a", 5009, "price", at(1), 100, at(1));
  EXPECT_EQ(limited.refusal, Refusal::rate_limited);
  EXPECT_EQ(limited.message, "over 1 samples/s with a burst of 3; send it again later");
}

TEST(Refusals, OneRefusedForItsRateMayBeSentAgainAndOneRefusedForItsValueMayNot) {
  Settings settings = settings_of({sampled("x", Aggregate::last)});
  settings.sources[0].rate_per_s = 1;
  settings.sources[0].burst = 2;
  Oracle oracle(settings);
  SampleBatch batch{.source = "a", .first_sequence = 1, .received = at(0), .metrics = {"x"}};
  batch.samples = {{0, at(0), 1}, {0, at(0), -1}, {0, at(0), 2}, {0, at(0), 3}};
  BatchVerdict verdict = oracle.ingest(batch);
  EXPECT_EQ(verdict.accepted, 2u);
  ASSERT_EQ(verdict.refused.size(), 2u);
  EXPECT_EQ(verdict.refused[0].refusal, Refusal::out_of_bounds);
  EXPECT_EQ(verdict.refused[1].index, 3u);
  EXPECT_EQ(verdict.refused[1].refusal, Refusal::rate_limited);
  EXPECT_EQ(verdict.refused[1].message, "over 1 samples/s with a burst of 2; send it again later");

  EXPECT_EQ(oracle.evaluate(at(0.5))[0].quality, Quality::rate_limited);
  EXPECT_EQ(oracle.readings()[0].reason, "1 samples were refused for their rate since the last tick");
  EXPECT_EQ(oracle.evaluate(at(0.6))[0].quality, Quality::ok);

  batch.received = at(1);
  verdict = oracle.ingest(batch);
  EXPECT_EQ(verdict.accepted, 1u);
  for (const Verdict& v : verdict.refused) EXPECT_EQ(v.refusal, Refusal::duplicate);
  EXPECT_EQ(oracle.evaluate(at(2))[0].value, 3);
}

TEST(Refusals, BatchesMayArriveReorderedWithinTheSequenceWindow) {
  Oracle oracle(settings_of({sampled("x", Aggregate::count)}));
  const auto send = [&](std::uint64_t first, double t) {
    SampleBatch batch{.source = "a", .first_sequence = first, .received = at(t), .metrics = {"x"}};
    for (int i = 0; i < 10; ++i) batch.samples.push_back({0, at(t), 1});
    return oracle.ingest(batch).accepted;
  };
  EXPECT_EQ(send(11, 0), 10u);
  EXPECT_EQ(send(1, 1), 10u);
  EXPECT_EQ(send(5, 2), 0u);
  EXPECT_EQ(send(16, 3), 5u);  // half of it is new
  EXPECT_EQ(oracle.evaluate(at(4))[0].value, 25);
}

TEST(Refusals, AreCountedPerSourceAndTheLastIsReadable) {
  Oracle oracle(settings_of({sampled("x", Aggregate::last)}));
  Feed feed(oracle);
  feed.send("a", "x", 0, 1);
  feed.send("a", "x", 1, 5000);
  const SourceStatus status = oracle.sources()[0];
  EXPECT_EQ(status.accepted, 1u);
  EXPECT_EQ(status.refused[static_cast<std::size_t>(Refusal::out_of_bounds)], 1u);
  EXPECT_EQ(std::accumulate(status.refused.begin(), status.refused.end(), 0u), 1u);
  EXPECT_EQ(status.last_refused, "x: value 5000 is outside 0 .. 1000 u");
  EXPECT_EQ(status.last_refused_at, at(1));
  EXPECT_EQ(status.newest, at(0));
}

TEST(Reading, HasNoValueBeforeTheFirstSample) {
  Oracle oracle(settings_of({sampled("x", Aggregate::last)}));
  const Reading& r = oracle.evaluate(at(0))[0];
  EXPECT_EQ(r.quality, Quality::stale);
  EXPECT_TRUE(r.time.is_never());
  EXPECT_TRUE(r.reason.view().starts_with("no value yet")) << r.reason;
}

TEST(Reading, AgesUntilItIsStaleAndSaysWhy) {
  Oracle oracle(settings_of({sampled("x", Aggregate::last)}));
  Feed feed(oracle);
  feed.send("a", "x", 0, 7);
  EXPECT_EQ(oracle.evaluate(at(30))[0].quality, Quality::ok);
  EXPECT_EQ(oracle.readings()[0].reason, "");
  EXPECT_EQ(oracle.readings()[0].age, Duration::seconds(30));
  oracle.report({.source = "a", .at = at(31), .condition = SourceCondition::failing, .detail = "connection refused"});
  const Reading& r = oracle.evaluate(at(31))[0];
  EXPECT_EQ(r.quality, Quality::stale);
  EXPECT_EQ(r.value, 7);
  EXPECT_EQ(r.reason,
            "0 of 1 sources fresh, quorum 1; missing a (last 31s ago; no provider answers: connection refused)");
}

TEST(Median, IsTheLowerOneOfAnEvenCount) {
  Oracle oracle(settings_of({sampled("x", Aggregate::median, {"a", "b", "c", "chain"}, 2)}));
  Feed feed(oracle);
  feed.send("a", "x", 0, 1);
  feed.send("b", "x", 0, 100);
  feed.send("c", "x", 0, 3);
  feed.send("chain", "x", 0, 2);
  EXPECT_EQ(oracle.evaluate(at(1))[0].value, 2);
  EXPECT_EQ(oracle.readings()[0].sources, 4u);
}

TEST(Median, HoldsBelowItsQuorumAndNamesWhoIsMissing) {
  Oracle oracle(settings_of({sampled("x", Aggregate::median, {"a", "b", "c"}, 2)}));
  Feed feed(oracle);
  feed.send("a", "x", 0, 10);
  feed.send("b", "x", 10, 20);
  EXPECT_EQ(oracle.evaluate(at(11))[0].quality, Quality::degraded);
  EXPECT_EQ(oracle.readings()[0].reason, "missing c (no sample yet)");
  EXPECT_EQ(oracle.readings()[0].value, 10);
  EXPECT_EQ(oracle.evaluate(at(35))[0].quality, Quality::held);
  EXPECT_EQ(oracle.readings()[0].value, 10);
  EXPECT_EQ(oracle.readings()[0].reason, "1 of 3 sources fresh, quorum 2; missing a (last 35s ago), c (no sample yet)");
  EXPECT_EQ(oracle.evaluate(at(41))[0].quality, Quality::stale);
  feed.send("a", "x", 42, 30);
  feed.send("b", "x", 42, 40);
  feed.send("c", "x", 42, 50);
  EXPECT_EQ(oracle.evaluate(at(43))[0].quality, Quality::ok);
  EXPECT_EQ(oracle.readings()[0].value, 40);
}

TEST(Window, SumsRatesAndCountsTheLastWindowOnly) {
  Oracle oracle(settings_of(
      {sampled("sum", Aggregate::sum), sampled("rate", Aggregate::rate), sampled("count", Aggregate::count)}));
  Feed feed(oracle);
  for (int t = 0; t < 120; t += 2) {
    for (const char* metric : {"sum", "rate", "count"}) feed.send("a", metric, t, 3);
  }
  const auto& r = oracle.evaluate(at(119));
  EXPECT_EQ(r[0].value, 90);  // 30 of them are within 60 s and one bucket
  EXPECT_EQ(r[1].value, 1.5);
  EXPECT_EQ(r[2].value, 30);
  EXPECT_EQ(r[2].quality, Quality::ok);
  EXPECT_EQ(oracle.evaluate(at(130))[2].value, 25);
}

TEST(Window, SaysThatItIsBuildingUp) {
  Oracle oracle(settings_of({sampled("sum", Aggregate::sum)}));
  Feed feed(oracle);
  feed.send("a", "sum", 0, 3);
  feed.send("a", "sum", 15, 3);
  const Reading& r = oracle.evaluate(at(15))[0];
  EXPECT_EQ(r.quality, Quality::degraded);
  EXPECT_EQ(r.reason, "building up: 25% of the 1m window");
  EXPECT_EQ(r.value, 6);
}

TEST(Window, AReadingOutsideItsBoundsIsHeldNeverClamped) {
  Oracle oracle(settings_of({sampled("sum", Aggregate::sum)}));
  Feed feed(oracle);
  for (int t = 0; t < 70; t += 10) feed.send("a", "sum", t, 100);
  EXPECT_EQ(oracle.evaluate(at(65))[0].value, 600);
  feed.send("a", "sum", 66, 900);
  const Reading& r = oracle.evaluate(at(67))[0];
  EXPECT_EQ(r.quality, Quality::held);
  EXPECT_EQ(r.value, 600);
  EXPECT_EQ(r.reason, "the value 1500 is outside 0 .. 1000");
}

TEST(Ewma, MovesHalfTheWayInAHalfLife) {
  Oracle oracle(settings_of({sampled("x", Aggregate::ewma)}));
  Feed feed(oracle);
  feed.send("a", "x", 0, 100);
  feed.send("a", "x", 5, 200);
  EXPECT_EQ(oracle.evaluate(at(5))[0].value, 100);
  EXPECT_EQ(oracle.evaluate(at(15))[0].value, 150);
  EXPECT_EQ(oracle.evaluate(at(25))[0].value, 175);
}

TEST(Twap, IsTheTimeWeightedMeanAndNeedsItsCoverage) {
  Oracle oracle(settings_of({sampled("x", Aggregate::twap)}));
  Feed feed(oracle);
  feed.send("a", "x", 0, 100);
  EXPECT_EQ(oracle.evaluate(at(20))[0].quality, Quality::degraded);
  EXPECT_EQ(oracle.readings()[0].reason, "building up: 33% of the 1m window is covered, needs 80%");
  feed.send("a", "x", 30, 200);
  feed.send("a", "x", 50, 200);
  EXPECT_NEAR(oracle.evaluate(at(60))[0].value, 150, 1e-9);
  EXPECT_EQ(oracle.readings()[0].quality, Quality::ok);
  // A gap: nothing is known from 80 s (50 + staleness) to 120 s, so only half of the window is covered.
  feed.send("a", "x", 120, 300);
  const Reading& r = oracle.evaluate(at(121))[0];
  EXPECT_EQ(r.quality, Quality::stale);  // held, and for longer than the metric allows
  EXPECT_NEAR(r.value, 150, 1e-9);
  EXPECT_EQ(r.reason, "only 33% of the 1m window is covered, needs 80%");
}

TEST(Distinct, IsExactUpToItsBoundAndThenStatesItsError) {
  MetricSettings m = sampled("users", Aggregate::distinct);
  m.max = 1e9;
  m.exact_max = 100;
  Settings settings = settings_of({m});
  settings.sources[0].burst = settings.sources[0].rate_per_s = 1e9;
  Oracle oracle(settings);
  Feed feed(oracle);
  for (int i = 0; i < 300; ++i) feed.send("a", "users", 0, i % 100);
  EXPECT_EQ(oracle.evaluate(at(1))[0].value, 100);
  EXPECT_EQ(oracle.readings()[0].error_ratio, 0);
  EXPECT_EQ(oracle.readings()[0].count, 300u);
  for (int i = 0; i < 20'000; ++i) feed.send("a", "users", 2, i);
  EXPECT_NEAR(oracle.evaluate(at(3))[0].value, 20'000, 20'000 * 0.05);
  EXPECT_NEAR(oracle.readings()[0].error_ratio, 0.008125, 1e-9);
  feed.send("a", "users", 100, 1);
  EXPECT_EQ(oracle.evaluate(at(101))[0].value, 1);  // emptied, and exact again
  EXPECT_EQ(oracle.readings()[0].error_ratio, 0);
}

TEST(Expression, TakesTheWorstQualityOfItsOperandsAndSaysWhose) {
  Oracle oracle(settings_of({sampled("creators", Aggregate::last), sampled("viewers", Aggregate::last, {"b"}),
                             expression("ratio", "creators / viewers")}));
  Feed feed(oracle);
  feed.send("a", "creators", 0, 10);
  feed.send("b", "viewers", 0, 40);
  EXPECT_EQ(oracle.evaluate(at(1))[2].value, 0.25);
  EXPECT_EQ(oracle.readings()[2].quality, Quality::ok);
  feed.send("b", "viewers", 20, 0);
  EXPECT_EQ(oracle.evaluate(at(21))[2].quality, Quality::held);
  EXPECT_EQ(oracle.readings()[2].value, 0.25);
  EXPECT_EQ(oracle.readings()[2].reason, "'creators / viewers' has no finite value (division by zero?)");
  feed.send("b", "viewers", 35, 20);
  EXPECT_EQ(oracle.evaluate(at(36))[2].quality, Quality::stale);
  EXPECT_TRUE(oracle.readings()[2].reason.view().starts_with("creators is stale: ")) << oracle.readings()[2].reason;
}

TEST(Expression, HealthOfATokenIsAMetric) {
  Oracle oracle(settings_of({sampled("whale", Aggregate::last), sampled("fund", Aggregate::last),
                             sampled("others", Aggregate::last), expression("held_by", "nakamoto(whale, fund, others)"),
                             expression("unequal", "gini(whale, fund, others)"),
                             expression("concentration", "hhi(whale, fund, others)")}));
  Feed feed(oracle);
  feed.send("a", "whale", 0, 500);
  feed.send("a", "fund", 0, 300);
  feed.send("a", "others", 0, 200);
  const auto& readings = oracle.evaluate(at(1));
  EXPECT_EQ(readings[3].value, 2);
  EXPECT_DOUBLE_EQ(readings[4].value, 0.2);
  EXPECT_DOUBLE_EQ(readings[5].value, 0.38);
  EXPECT_EQ(readings[5].quality, Quality::ok);
  for (const char* metric : {"whale", "fund", "others"}) feed.send("a", metric, 10, 0);
  EXPECT_EQ(oracle.evaluate(at(11))[4].quality, Quality::held);  // nothing is held by anyone
  EXPECT_DOUBLE_EQ(oracle.readings()[4].value, 0.2);
}

TEST(RateOfChange, HaltsWhenItPersistsAndAGuardianAcceptsTheNewValue) {
  MetricSettings m = sampled("x", Aggregate::last);
  m.rate_of_change = RateOfChange{.ratio_max = 0.01, .per = Duration::seconds(60), .halt_after = Duration::seconds(20)};
  Oracle oracle(settings_of({m}));
  Feed feed(oracle);
  feed.send("a", "x", 0, 100);
  EXPECT_EQ(oracle.evaluate(at(1))[0].value, 100);
  EXPECT_EQ(feed.send("a", "x", 5, 300).refused.at(0).refusal, Refusal::rate_of_change);
  EXPECT_EQ(oracle.evaluate(at(6))[0].quality, Quality::held);
  EXPECT_EQ(oracle.readings()[0].value, 100);
  feed.send("a", "x", 15, 300);
  feed.send("a", "x", 25, 310);
  EXPECT_EQ(oracle.evaluate(at(26))[0].quality, Quality::halted);
  EXPECT_EQ(oracle.readings()[0].value, 100);
  EXPECT_TRUE(oracle.clear("x", at(27)));
  EXPECT_EQ(oracle.evaluate(at(28))[0].quality, Quality::ok);
  EXPECT_EQ(oracle.readings()[0].value, 310);
  EXPECT_EQ(oracle.clear("x", at(29)).error().code, ErrorCode::conflict);
  EXPECT_EQ(oracle.clear("y", at(29)).error().code, ErrorCode::unknown_name);
}

TEST(RateOfChange, ItsBudgetGrowsWithTimeSoThatNoHoldIsForEver) {
  MetricSettings m = sampled("x", Aggregate::last);
  m.rate_of_change = RateOfChange{.ratio_max = 0.2, .per = Duration::seconds(10), .halt_after = Duration::hours(1)};
  Oracle oracle(settings_of({m}));
  Feed feed(oracle);
  feed.send("a", "x", 0, 100);
  EXPECT_EQ(feed.send("a", "x", 10, 150).accepted, 0u);  // ln 1.5 = 0.405
  EXPECT_EQ(feed.send("a", "x", 21, 150).accepted, 1u);
  // Where a logarithm has no meaning, the step counts as a share of the range 0 .. 1000.
  EXPECT_EQ(feed.send("a", "x", 22, 0).accepted, 1u);
  EXPECT_EQ(feed.send("a", "x", 31, 0).accepted, 1u);  // the reference from here on
  EXPECT_EQ(feed.send("a", "x", 32, 300).accepted, 0u);
  EXPECT_EQ(feed.send("a", "x", 33, 150).accepted, 1u);
}

TEST(RateOfChange, OneLyingSourceOfThreeDoesNotHaltTheMedian) {
  MetricSettings m = sampled("x", Aggregate::median, {"a", "b", "c"}, 2);
  m.rate_of_change = RateOfChange{.ratio_max = 0.1, .per = Duration::seconds(60), .halt_after = Duration::seconds(1)};
  Oracle oracle(settings_of({m}));
  Feed feed(oracle);
  for (const char* source : {"a", "b", "c"}) feed.send(source, "x", 0, 100);
  for (int t = 1; t < 10; ++t) {
    feed.send("a", "x", t, 101);
    feed.send("b", "x", t, 102);
    feed.send("c", "x", t, 900);
  }
  EXPECT_EQ(oracle.evaluate(at(10))[0].quality, Quality::degraded);
  EXPECT_EQ(oracle.readings()[0].value, 101);
  EXPECT_EQ(oracle.readings()[0].reason, "missing c (refused for its rate of change)");
}

TEST(Reconfigure, KeepsWhatStillMeansTheSameByName) {
  Settings settings = settings_of({sampled("x", Aggregate::sum), sampled("y", Aggregate::sum)});
  Oracle oracle(settings);
  Feed feed(oracle);
  feed.send("a", "x", 0, 5);
  feed.send("a", "y", 0, 6);
  std::swap(settings.metrics[0], settings.metrics[1]);
  settings.metrics[0].window = Duration::seconds(120);  // y starts anew
  settings.metrics[1].max = 500;
  std::swap(settings.sources[0], settings.sources[1]);
  oracle.reconfigure(settings);
  EXPECT_EQ(oracle.evaluate(at(1))[1].value, 5);
  EXPECT_TRUE(oracle.readings()[0].time.is_never());
  EXPECT_EQ(feed.send("a", "y", 2, 1).accepted, 1u);
  EXPECT_EQ(oracle.sources()[1].name, "a");
  EXPECT_EQ(oracle.sources()[1].accepted, 3u);
}

}  // namespace
}  // namespace homeostat::oracle
