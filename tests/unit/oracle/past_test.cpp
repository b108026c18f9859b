// Filters added later: they read their own past, range by range, and then join the live blocks.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/oracle/fixture.hpp"

namespace homeostat::oracle {
namespace {

using namespace testing;

Settings settings_with(std::optional<std::uint64_t> start_block, bool has_gifts) {
  Settings s = settings_of({from_event("tips", Aggregate::sum, {.event = "Tip", .value = 1, .confirmations = 0})});
  if (has_gifts) {
    s.events.push_back({.name = "Gift", .source = "chain", .contract = "g", .signature = s.events[0].signature});
    s.metrics.push_back(from_event("gifts", Aggregate::sum, {.event = "Gift", .value = 1, .confirmations = 0}));
    s.metrics.push_back(from_event("givers", Aggregate::distinct, {.event = "Gift", .key = 0, .confirmations = 0}));
  }
  for (MetricSettings& m : s.metrics) m.window = Duration::hours(3), m.max = 1e6;
  s.sources[3].finality_depth = 4;
  s.sources[3].start_block = start_block;
  return s;
}

/// Block n tips n and, from block 5 on, gives 2n; the live segment has only the events of `events`.
ChainBlock both(std::uint64_t n, bool has_tips, bool has_gifts) {
  ChainBlock block = block_of(n);
  if (has_tips) block.events.push_back({.event = 0, .log_index = 0, .args = {word_of(n), word_of(n)}});
  const std::uint32_t gift = has_tips ? 1 : 0;
  if (has_gifts && n >= 5) {
    block.events.push_back({.event = gift, .log_index = 1, .args = {word_of(n % 7), word_of(2 * n)}});
  }
  return block;
}

ChainSegment range(std::uint64_t from, std::uint64_t to, bool has_tips, bool has_gifts) {
  std::vector<ChainBlock> blocks;
  for (std::uint64_t n = from; n <= to; ++n) blocks.push_back(both(n, has_tips, has_gifts));
  ChainSegment s = segment_of(std::move(blocks));
  s.events.clear();
  if (has_tips) s.events.push_back("Tip");
  if (has_gifts) s.events.push_back("Gift");
  s.past = !has_tips;
  return s;
}

Oracle live_without_gifts() {
  Oracle oracle(settings_with(1, false));
  EXPECT_TRUE(oracle.ingest(range(1, 40, true, false)));
  oracle.evaluate(at(481));
  oracle.reconfigure(settings_with(1, true));
  return oracle;
}

std::string readings_at(Oracle& oracle, double seconds) {
  return archive_bytes(oracle.evaluate(at(seconds)));
}

std::string from_the_beginning(std::uint64_t to, double seconds) {
  Oracle oracle(settings_with(1, true));
  EXPECT_TRUE(oracle.ingest(range(1, to, true, true)));
  return readings_at(oracle, seconds);
}

TEST(Past, C5_AFilterAddedLaterReadsItsPastBesideLiveBlocksAndThenReadsAsIfFromTheBeginning) {
  Oracle oracle = live_without_gifts();
  auto missing = oracle.missing_past("chain");
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->events, std::vector<std::string>{"Gift"});
  EXPECT_EQ(missing->from, 1u);
  EXPECT_EQ(missing->to, 36u);
  ASSERT_TRUE(oracle.ingest(range(1, 20, false, true)));
  ASSERT_TRUE(oracle.ingest(range(41, 42, true, true)));  // live goes on
  oracle.evaluate(at(505));
  EXPECT_EQ(oracle.readings()[0].value, 42 * 43 / 2);
  EXPECT_FALSE(is_usable(oracle.readings()[1].quality));
  EXPECT_EQ(oracle.readings()[1].reason, "no value yet (chain: backfilling, 20 of 40 blocks)");
  ASSERT_TRUE(oracle.ingest(range(21, 38, false, true)));
  // All that is final was read, but live blocks 39 and 40 came without gifts: they must become final first.
  EXPECT_FALSE(oracle.missing_past("chain"));
  ASSERT_TRUE(oracle.ingest(range(43, 46, true, true)));
  missing = oracle.missing_past("chain");
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->from, 39u);
  EXPECT_EQ(missing->to, 42u);
  ASSERT_TRUE(oracle.ingest(range(39, 42, false, true)));
  EXPECT_FALSE(oracle.missing_past("chain"));
  EXPECT_EQ(readings_at(oracle, 553), from_the_beginning(46, 553));
  EXPECT_TRUE(is_usable(oracle.readings()[1].quality));

  // A reorg of blocks that are not final is respected, and live goes on.
  ChainSegment reorg = range(45, 48, true, true);
  for (ChainBlock& block : reorg.blocks) block.hash = hash_of(block.number, 1);
  reorg.rewind_to = 44;
  ASSERT_TRUE(oracle.ingest(reorg));
  Oracle direct(settings_with(1, true));
  ASSERT_TRUE(direct.ingest(range(1, 44, true, true)));
  reorg.rewind_to.reset();
  ASSERT_TRUE(direct.ingest(reorg));
  EXPECT_EQ(readings_at(oracle, 577), readings_at(direct, 577));
}

TEST(Past, C1_ACrashInTheMiddleGoesOnWhereItWas) {
  Oracle oracle = live_without_gifts();
  ASSERT_TRUE(oracle.ingest(range(1, 20, false, true)));
  const std::string saved = bytes_of(oracle);
  Oracle restarted(settings_with(1, true));
  Reader reader(saved);
  ASSERT_TRUE(restarted.load(reader) && reader.is_done());
  ASSERT_EQ(restarted.missing_past("chain")->from, 21u);
  EXPECT_EQ(restarted.ingest(range(1, 20, false, true)).error().code, ErrorCode::conflict);  // never twice
  EXPECT_EQ(restarted.ingest(range(22, 30, false, true)).error().message,
            "no filter is missing its past from block 22 on");
  ASSERT_TRUE(restarted.ingest(range(21, 36, false, true)));
  ASSERT_TRUE(restarted.ingest(range(41, 46, true, true)));
  ASSERT_TRUE(restarted.ingest(range(37, 42, false, true)));
  EXPECT_EQ(readings_at(restarted, 553), from_the_beginning(46, 553));
}

TEST(Past, R4_AnotherChainsPastIsRefusedAndChangesNothing) {
  Oracle oracle = live_without_gifts();
  ChainSegment s = range(1, 36, false, true);
  s.blocks.back().hash = hash_of(36, 1);
  EXPECT_EQ(oracle.ingest(s).error().message, "block 36 of the past is another than the one that was final");
  EXPECT_EQ(oracle.ingest(range(1, 37, false, true)).error().message,
            "the past ends with the newest final block, 36; the segment ends with block 37");
  ASSERT_TRUE(oracle.ingest(range(1, 10, false, true)));
  s = range(11, 20, false, true);
  s.parent = hash_of(10, 1);
  EXPECT_EQ(oracle.ingest(s).error().message, "the parent of block 11 is not the block that was read before");
  EXPECT_EQ(oracle.missing_past("chain")->from, 11u);
}

TEST(Past, L4_SeveralFiltersAddedAtDifferentTimesAreReadTogetherWhereTheyMeet) {
  Oracle oracle = live_without_gifts();
  ASSERT_TRUE(oracle.ingest(range(1, 20, false, true)));
  Settings settings = settings_with(1, true);
  MetricSettings late = from_event("late", Aggregate::count, {.event = "Gift", .confirmations = 0});
  late.window = Duration::hours(3);
  settings.metrics.push_back(late);
  Oracle reordered = oracle;
  Settings first = settings;
  std::rotate(first.metrics.begin(), first.metrics.end() - 1, first.metrics.end());
  reordered.reconfigure(first);
  EXPECT_EQ(reordered.missing_past("chain")->to, 20u);
  oracle.reconfigure(settings);
  auto missing = oracle.missing_past("chain");
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->from, 1u);
  EXPECT_EQ(missing->to, 20u);  // where the others stand
  ASSERT_TRUE(oracle.ingest(range(1, 20, false, true)));
  EXPECT_EQ(oracle.missing_past("chain")->from, 21u);
  ASSERT_TRUE(oracle.ingest(range(41, 46, true, true)));
  ASSERT_TRUE(oracle.ingest(range(21, 42, false, true)));
  oracle.evaluate(at(553));
  EXPECT_EQ(oracle.readings()[3].value, 42);
  EXPECT_EQ(oracle.readings()[1].value, 46 * 47 - 2 * 10);
}

TEST(Past, C6_WhatHasBecomeFinalMeanwhileIsReadBeforeItJoins) {
  Oracle oracle = live_without_gifts();
  ASSERT_TRUE(oracle.ingest(range(1, 36, false, true)));
  ASSERT_TRUE(oracle.ingest(range(41, 46, true, true)));
  ASSERT_EQ(oracle.missing_past("chain")->to, 42u);
  ASSERT_TRUE(oracle.ingest(range(47, 50, true, true)));  // finality moves on while 37..42 is being read
  ASSERT_TRUE(oracle.ingest(range(37, 42, false, true)));
  const auto missing = oracle.missing_past("chain");
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->from, 43u);
  EXPECT_EQ(missing->to, 46u);
  ASSERT_TRUE(oracle.ingest(range(43, 46, false, true)));
  EXPECT_EQ(readings_at(oracle, 601), from_the_beginning(50, 601));
}

/// What is final waits here for a metric that counts late, so that a filter added later finds it there, too.
Settings with_a_late_count(bool has_gifts) {
  Settings s = settings_with(1, has_gifts);
  MetricSettings deep = from_event("deep", Aggregate::count, {.event = "Tip", .confirmations = 12});
  deep.window = Duration::hours(3);
  s.metrics.insert(s.metrics.begin(), deep);
  return s;
}

TEST(Past, C5_ItJoinsWhenTheLastBlockThatCameWithoutItsEventsWasReadAndNoSooner) {
  Oracle oracle(with_a_late_count(false));
  ASSERT_TRUE(oracle.ingest(range(1, 40, true, false)));
  oracle.reconfigure(with_a_late_count(true));
  ASSERT_TRUE(oracle.ingest(range(41, 46, true, true)));
  ASSERT_TRUE(oracle.ingest(range(1, 39, false, true)));
  EXPECT_FALSE(is_usable(oracle.evaluate(at(553))[2].quality)) << "block 40 was live, without gifts";
  ASSERT_TRUE(oracle.ingest(range(40, 40, false, true)));
  EXPECT_EQ(oracle.evaluate(at(553))[2].value, 46 * 47 - 2 * 10);
}

TEST(Past, C5_WhatTheOldSourceReadAfterThePolicyChangedIsReadAgain) {
  Oracle oracle(with_a_late_count(false));
  ASSERT_TRUE(oracle.ingest(range(1, 40, true, false)));
  oracle.reconfigure(with_a_late_count(true));
  ASSERT_TRUE(oracle.ingest(range(41, 42, true, false)));  // under way when the policy changed
  ASSERT_TRUE(oracle.ingest(range(43, 46, true, true)));
  ASSERT_TRUE(oracle.ingest(range(1, 41, false, true)));
  EXPECT_EQ(oracle.missing_past("chain")->from, 42u);
  ASSERT_TRUE(oracle.ingest(range(42, 42, false, true)));
  EXPECT_EQ(oracle.evaluate(at(553))[2].value, 46 * 47 - 2 * 10);

  Oracle first(settings_with(1, true));
  ASSERT_TRUE(first.ingest(range(1, 40, true, false)));  // even the first segment of all
  ASSERT_TRUE(first.ingest(range(41, 46, true, true)));
  ASSERT_TRUE(first.ingest(range(1, 42, false, true)));
  EXPECT_EQ(readings_at(first, 553), from_the_beginning(46, 553));
}

TEST(Past, C5_BlocksBeforeTheStartBlockAreLinkedOnlyAndTheContractsOwnAreReadBelowThem) {
  Settings settings = settings_with(10, true);
  settings.events[1].from_block = 7;
  const auto live = [](std::uint64_t from, std::uint64_t to, std::uint64_t branch) {
    ChainSegment s = range(from, to, true, true);
    for (ChainBlock& block : s.blocks) {
      if (block.number < 10) block.events.clear();
      if (branch != 0) block.hash = hash_of(block.number, branch);
    }
    return s;
  };
  Oracle oracle(settings);
  ASSERT_TRUE(oracle.ingest(live(6, 11, 0)));  // begins as deep as a reorg may reach
  EXPECT_EQ(oracle.missing_past("chain")->from, 7u);
  ChainSegment reorg = live(9, 12, 1);
  reorg.rewind_to = 8;
  ASSERT_TRUE(oracle.ingest(reorg));
  ASSERT_TRUE(oracle.ingest(range(7, 8, false, true)));
  EXPECT_FALSE(is_usable(oracle.evaluate(at(145))[1].quality)) << "block 9 was live, before the start block";
  reorg = live(13, 13, 1);
  reorg.parent = hash_of(12, 1);
  ASSERT_TRUE(oracle.ingest(reorg));
  ChainSegment past = range(9, 9, false, true);
  past.blocks.back().hash = hash_of(9, 1);
  ASSERT_TRUE(oracle.ingest(past));
  oracle.evaluate(at(157));
  EXPECT_EQ(oracle.readings()[1].value, 2 * (7 + 8 + 9 + 10 + 11 + 12 + 13));
  EXPECT_EQ(oracle.readings()[0].value, 10 + 11 + 12 + 13);
}

TEST(Past, ABlockThatOnlyItsChildNamedContradictsNobody) {
  Settings settings = settings_with(std::nullopt, true);
  settings.events[1].from_block = 29;
  Oracle oracle(settings);
  ChainSegment first = range(30, 40, true, true);
  first.parent = hash_of(29, 1);  // a lie that nothing has shown yet
  ASSERT_TRUE(oracle.ingest(first));
  EXPECT_TRUE(oracle.ingest(range(29, 36, false, true)));
}

TEST(Past, ASourceThatBeginsAtTheHeadHasNoneButAContractsFirstBlockGivesOne) {
  Oracle head(settings_with(std::nullopt, false));
  ASSERT_TRUE(head.ingest(range(30, 40, true, false)));
  head.reconfigure(settings_with(std::nullopt, true));
  EXPECT_FALSE(head.missing_past("chain"));
  ASSERT_TRUE(head.ingest(range(41, 41, true, true)));
  EXPECT_EQ(head.evaluate(at(493))[1].value, 82);

  Settings settings = settings_with(std::nullopt, true);
  settings.events[1].from_block = 5;
  Oracle older(settings);
  ASSERT_TRUE(older.ingest(range(30, 40, true, true)));
  EXPECT_EQ(older.missing_past("chain")->from, 5u);
  EXPECT_FALSE(is_usable(older.evaluate(at(481))[1].quality));
  ASSERT_TRUE(older.ingest(range(5, 36, false, true)));
  EXPECT_FALSE(older.missing_past("chain"));
  EXPECT_EQ(older.evaluate(at(481))[1].value, 40 * 41 - 20);
  EXPECT_EQ(older.readings()[0].value, 40 * 41 / 2 - 29 * 30 / 2);
}

}  // namespace
}  // namespace homeostat::oracle
