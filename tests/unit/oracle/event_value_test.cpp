// What of an event becomes a value, whose event it is, and when it stops waiting.
#include <gtest/gtest.h>

#include "oracle/state.hpp"
#include "oracle/word.hpp"
#include "tests/unit/oracle/fixture.hpp"

namespace homeostat::oracle {
namespace {

using namespace testing;

Word negative(std::uint64_t x) {
  Word w = word_of(~x + 1);
  std::fill(w.begin(), w.begin() + 24, std::uint8_t{0xff});
  return w;
}

ChainEvent event(std::uint32_t name, const Word& value) {
  return {.event = name, .log_index = 0, .args = {word_of(1), value}};
}

/// The value that one event of argument `word` gives a metric of this origin.
double reading_of(EventOrigin origin, const Word& word) {
  origin.event = "Tip";
  origin.value = 1;
  origin.confirmations = 0;
  MetricSettings m = from_event("x", Aggregate::sum, origin);
  m.min = -1e6;
  m.max = 1e6;
  Oracle oracle(settings_of({m}));
  ChainBlock block = block_of(10);
  block.events = {event(0, word)};
  EXPECT_TRUE(oracle.ingest(segment_of({block})));
  return oracle.evaluate(at(121))[0].value;
}

TEST(EventValue, IsScaledWithOneRounding) {
  EXPECT_EQ(reading_of({.scale = 1e-18}, word_of(7'000'000'000'000'000'000)), 7);
  EXPECT_EQ(reading_of({.scale = 1e-18}, word_of(13'000'000'000'000'000'000ULL)), 13);
  EXPECT_EQ(reading_of({.scale = 1e-21}, word_of(14'000'000'000'000'000'000ULL)), 0.014);
  EXPECT_EQ(reading_of({.scale = 1e-6}, word_of(1'500'000)), 1.5);
  EXPECT_EQ(reading_of({.scale = 0.75}, word_of(8)), 6);  // no power of ten: multiplied
  EXPECT_EQ(reading_of({.scale = 100}, word_of(3)), 300);
}

TEST(EventValue, IsSignedOnlyIfItsMetricSaysSo) {
  EXPECT_EQ(reading_of({.value_signed = true}, negative(5)), -5);
  EXPECT_EQ(reading_of({.value_signed = false}, negative(5)), 0);  // 2^256 - 5 is outside its bounds: never taken in
}

/// Two events; metrics "tips" and "fees" sum them after two confirmations.
Settings two_events() {
  Settings s = settings_of({from_event("tips", Aggregate::sum, {.event = "Tip", .value = 1, .confirmations = 2}),
                            from_event("fees", Aggregate::sum, {.event = "Fee", .value = 1, .confirmations = 2})});
  s.events.push_back(s.events[0]);
  s.events[1].name = "Fee";
  s.events[1].signature = "event Fee(address indexed viewer, uint256 amount)";
  for (MetricSettings& m : s.metrics) m.window = Duration::minutes(10);
  return s;
}
/// Block 10 with one event of each kind; the segment names them in another order than the settings, and one more.
ChainSegment both_kinds() {
  ChainBlock block = block_of(10);
  block.events = {event(0, word_of(100)), event(1, word_of(7)), event(2, word_of(30))};
  ChainSegment s = segment_of({block, block_of(11)});
  s.events = {"Dropped", "Fee", "Tip"};
  return s;
}

TEST(EventNames, OfASegmentMayComeInAnyOrderAndUnknownOnesGo) {
  Oracle oracle(two_events());
  ASSERT_TRUE(oracle.ingest(both_kinds()));
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(12)})));
  EXPECT_EQ(oracle.evaluate(at(145))[0].value, 30);
  EXPECT_EQ(oracle.readings()[1].value, 7);
  EXPECT_EQ(oracle.sources()[3].accepted, 2u);
}

TEST(EventNames, WaitingEventsKeepTheirMeaningWhenTheOrderOfTheSettingsChanges) {
  Settings settings = two_events();
  Oracle oracle(settings);
  ASSERT_TRUE(oracle.ingest(both_kinds()));
  std::swap(settings.events[0], settings.events[1]);
  oracle.reconfigure(settings);
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(12)})));
  EXPECT_EQ(oracle.evaluate(at(145))[0].value, 30);
  EXPECT_EQ(oracle.readings()[1].value, 7);
}

TEST(EventNames, AreStillToldApartAfterAViolationWasCleared) {
  Oracle oracle(two_events());
  ASSERT_TRUE(oracle.ingest(both_kinds()));
  oracle.report({.source = "chain", .at = at(140), .condition = SourceCondition::violated, .detail = "seen elsewhere"});
  EXPECT_EQ(oracle.sources()[3].condition, SourceCondition::violated);
  EXPECT_EQ(oracle.sources()[3].detail, "seen elsewhere");
  ASSERT_TRUE(oracle.clear("chain", at(141)));
  EXPECT_EQ(oracle.sources()[3].condition, SourceCondition::connected);
  EXPECT_EQ(oracle.sources()[3].detail, "");
  EXPECT_EQ(oracle.sources()[3].condition_since, at(141));
  ASSERT_TRUE(oracle.ingest(both_kinds()));
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(12)})));
  EXPECT_EQ(oracle.evaluate(at(145))[0].value, 30);
  EXPECT_EQ(oracle.readings()[1].value, 7);
}

TEST(ChainStatus, SaysHowFarTheSourceIs) {
  Oracle oracle(two_events());
  ChainSegment s = both_kinds();
  s.finalized = 9;
  ASSERT_TRUE(oracle.ingest(s));
  const SourceStatus status = oracle.sources()[3];
  EXPECT_EQ(status.block, 11u);
  EXPECT_EQ(status.block_hash, hash_of(11));
  EXPECT_EQ(status.finalized, 9u);
  EXPECT_EQ(status.watermark, at(132));
  EXPECT_FALSE(oracle.ingest(segment_of({block_of(13)})));
  EXPECT_EQ(oracle.sources()[3].chain_refused, 1u);
  EXPECT_EQ(oracle.sources()[3].last_refused, "the segment starts at block 13; expected block 12");
  EXPECT_EQ(oracle.sources()[3].last_refused_at, at(157));
}

/// `n` events in block `number`.
ChainBlock crowded(std::uint64_t number, std::size_t n, std::uint64_t branch = 0) {
  ChainBlock block = block_of(number, {}, branch);
  block.events.assign(n, event(0, word_of(1)));
  return block;
}

TEST(ChainRoom, IsFreeAgainWhenBlocksBecameFinalOrWereTakenBack) {
  constexpr std::size_t kMost = kPendingEventsMax / 5 * 3;
  Oracle oracle(two_events());
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(10), block_of(11)})));
  ASSERT_TRUE(oracle.ingest(segment_of({crowded(12, kMost)})));
  EXPECT_EQ(oracle.ingest(segment_of({crowded(13, kMost)})).error().code, ErrorCode::resource_exhausted);
  ChainSegment s = segment_of({crowded(12, kMost, 1)});
  s.rewind_to = 11;
  ASSERT_TRUE(oracle.ingest(s));  // what was taken back is gone
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(13)}, 1)));
  s = segment_of({crowded(14, kMost)});
  EXPECT_EQ(oracle.ingest(s).error().code, ErrorCode::resource_exhausted);
  s.finalized = 12;
  EXPECT_TRUE(oracle.ingest(s));  // by it block 12 waits no longer
}

TEST(ChainRoom, IsBoundedInBlocksToo) {
  Oracle oracle(two_events());
  ChainSegment s = segment_of({block_of(1)});
  s.finalized = 1;
  ASSERT_TRUE(oracle.ingest(s));
  std::vector<ChainBlock> blocks;
  for (std::uint64_t n = 0; n <= kPendingBlocksMax; ++n) blocks.push_back(block_of(n + 2));
  EXPECT_EQ(oracle.ingest(segment_of(blocks)).error().code, ErrorCode::resource_exhausted);
  blocks.pop_back();
  EXPECT_TRUE(oracle.ingest(segment_of(blocks)));
}

TEST(ExpressionOrigin, IsAsOldAndAsSureAsItsOperands) {
  Settings settings = settings_of({sampled("old", Aggregate::last, {"a", "b", "c"}, 1), sampled("new", Aggregate::last),
                                   expression("sum", "old + new")});
  Oracle oracle(settings);
  Feed feed(oracle);
  for (const char* source : {"a", "b", "c"}) feed.send(source, "old", 0, 1);
  feed.send("a", "new", 20, 2);
  const Reading& r = oracle.evaluate(at(21))[2];
  EXPECT_EQ(r.value, 3);
  EXPECT_EQ(r.time, at(0));
  EXPECT_EQ(r.age, Duration::seconds(21));
  EXPECT_EQ(r.sources, 1u);
  EXPECT_EQ(r.count, 4u);
  EXPECT_EQ(r.provenance.time, at(20));  // the newest contribution
  EXPECT_EQ(r.provenance.source, "a");
}

}  // namespace
}  // namespace homeostat::oracle
