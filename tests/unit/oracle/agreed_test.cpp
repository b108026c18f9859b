// What is final only once enough providers agree on it: ChainSegment::agreed, tidings without blocks, and what the
// shell is told of blocks that are not settled. Names begin with the number of the case in tests/README.md.
#include <gtest/gtest.h>

#include "tests/unit/oracle/fixture.hpp"

namespace homeostat::oracle {
namespace {

using namespace testing;

Settings settings() {
  EventOrigin final_tips{.event = "Tip", .value = 1, .finality = Finality::finalized};
  EventOrigin tips{.event = "Tip", .value = 1};
  Settings s =
      settings_of({from_event("tips", Aggregate::sum, tips), from_event("final_tips", Aggregate::sum, final_tips)});
  for (MetricSettings& m : s.metrics) m.window = Duration::hours(2);
  s.sources[3].finality_depth = 4;
  return s;
}

SourceStatus chain_of(const Oracle& oracle) {
  return oracle.sources()[3];
}

/// Blocks 10..22, one tip each of the size of its number.
ChainSegment thirteen(std::uint64_t finalized, std::optional<std::uint64_t> agreed) {
  std::vector<ChainBlock> blocks;
  for (std::uint64_t n = 10; n <= 22; ++n) blocks.push_back(block_of(n, {n}));
  ChainSegment s = segment_of(std::move(blocks));
  s.finalized = finalized;
  s.agreed = agreed;
  return s;
}

ChainSegment tidings(std::uint64_t head, std::uint64_t finalized, std::optional<std::uint64_t> agreed) {
  ChainSegment s{.source = "chain", .received = at(266), .from = head + 1, .to = head, .parent = hash_of(head)};
  s.finalized = finalized;
  s.agreed = agreed;
  return s;
}

TEST(Agreed, NothingAboveItIsFinalWhateverOneProviderNames) {
  Oracle oracle(settings());
  ASSERT_TRUE(oracle.ingest(thirteen(20, 15)));
  oracle.evaluate(at(270));
  EXPECT_EQ(chain_of(oracle).settled, 15u);
  EXPECT_EQ(chain_of(oracle).finalized, 20u);
  EXPECT_EQ(oracle.readings()[1].value, 10 + 11 + 12 + 13 + 14 + 15);
  EXPECT_EQ(oracle.readings()[0].provisional, 6u);
}

TEST(Agreed, HoldsTheDepthRuleBackTooWhileNoProviderNamesFinality) {
  Oracle oracle(settings());
  ASSERT_TRUE(oracle.ingest(thirteen(0, 0)));
  EXPECT_EQ(chain_of(oracle).settled, 9u) << "the block before the first one";
  Oracle one_is_enough(settings());
  ASSERT_TRUE(one_is_enough.ingest(thirteen(0, std::nullopt)));
  EXPECT_EQ(chain_of(one_is_enough).settled, 18u);
}

TEST(Agreed, DoesNotMakeFinalWhatTheProviderDoesNotNameYet) {
  Oracle oracle(settings());
  ASSERT_TRUE(oracle.ingest(thirteen(14, 21)));
  EXPECT_EQ(chain_of(oracle).settled, 14u);
}

TEST(Tidings, SettleWithoutANewBlock) {
  Oracle oracle(settings());
  ASSERT_TRUE(oracle.ingest(thirteen(20, 15)));
  ASSERT_TRUE(oracle.ingest(tidings(22, 20, 20)));
  oracle.evaluate(at(270));
  EXPECT_EQ(chain_of(oracle).settled, 20u);
  EXPECT_EQ(oracle.readings()[1].value, 11 * 15);
  EXPECT_EQ(chain_of(oracle).block, 22u);
  // What is settled stays so, whatever is said later.
  ASSERT_TRUE(oracle.ingest(tidings(22, 12, 11)));
  EXPECT_EQ(chain_of(oracle).settled, 20u);
  // And the chain goes on behind its head.
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(23)})));
}

TEST(Tidings, OfAnotherHeadAreRefused) {
  Oracle oracle(settings());
  EXPECT_FALSE(oracle.ingest(tidings(22, 20, 20))) << "nothing was taken in yet";
  ASSERT_TRUE(oracle.ingest(thirteen(20, 15)));
  EXPECT_FALSE(oracle.ingest(tidings(21, 20, 20)));
  ChainSegment other = tidings(22, 20, 20);
  other.parent = hash_of(22, 1);
  EXPECT_FALSE(oracle.ingest(other));
  EXPECT_EQ(chain_of(oracle).settled, 15u);
}

TEST(Tidings, DoNotClearAViolation) {
  Oracle oracle(settings());
  ASSERT_TRUE(oracle.ingest(thirteen(20, std::nullopt)));
  oracle.report({.source = "chain", .at = at(290), .condition = SourceCondition::violated, .detail = "gone"});
  EXPECT_FALSE(oracle.ingest(tidings(22, 22, std::nullopt)));
  EXPECT_EQ(chain_of(oracle).condition, SourceCondition::violated);
}

TEST(Unsettled, AreTheBlocksAboveTheAgreedOneWithTheirEvents) {
  Oracle oracle(settings());
  ASSERT_TRUE(oracle.ingest(thirteen(22, 20)));
  const Unsettled unsettled = oracle.unsettled("chain");
  ASSERT_EQ(unsettled.blocks.size(), 2u);
  EXPECT_EQ(unsettled.blocks[0].number, 21u);
  EXPECT_EQ(unsettled.blocks[1].hash, hash_of(22));
  ASSERT_EQ(unsettled.blocks[0].events.size(), 1u);
  const std::uint32_t event = unsettled.blocks[0].events[0].event;
  EXPECT_EQ(unsettled.events.at(event).name, "Tip");
  EXPECT_EQ(unsettled.events.at(event).missing_to, 0u);
}

}  // namespace
}  // namespace homeostat::oracle
