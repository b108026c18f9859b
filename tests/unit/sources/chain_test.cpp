#include "daemon/sources/chain_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/sources/backoff.hpp"
#include "daemon/sources/hex.hpp"
#include "daemon/sources/range_sizer.hpp"

namespace homeostat::sources {
namespace {

oracle::Hash32 hash_of(std::uint8_t n) {
  oracle::Hash32 hash{};
  hash[31] = n;
  return hash;
}

rpc::Log log_at(std::uint64_t block, std::uint32_t index, std::uint8_t hash) {
  rpc::Log log;
  log.block_number = block;
  log.log_index = index;
  log.block_hash = hash_of(hash);
  return log;
}

EvmEvent event(const char* name, std::uint8_t contract, const char* declaration) {
  Address address{};
  address[19] = contract;
  return {name, address, *oracle::parse_event_signature(declaration)};
}

TEST(ChainMemory, RewindsThenAppendsAsTheOracleDoes) {
  ChainMemory memory(Cursor{{{1, hash_of(1)}, {2, hash_of(2)}, {5, hash_of(5)}}});
  oracle::ChainSegment segment;
  segment.rewind_to = 2;
  segment.blocks = {{3, hash_of(33), {}, {}}};
  memory.apply(segment);
  EXPECT_EQ(memory.head(), (ChainMemory::Entry{3, hash_of(33)}));
  EXPECT_EQ(memory.entries().size(), 3u);
}

TEST(ChainMemory, KeepsABoundedNumberOfBlocks) {
  ChainMemory memory(Cursor{});
  oracle::ChainSegment segment;
  for (std::uint64_t n = 0; n < 2 * kBlocksRemembered; ++n) segment.blocks.push_back({n, {}, {}, {}});
  memory.apply(segment);
  EXPECT_EQ(memory.entries().size(), kBlocksRemembered);
  EXPECT_EQ(memory.head().first, 2 * kBlocksRemembered - 1);
  memory.settled_is(2 * kBlocksRemembered - 1001);
  EXPECT_EQ(memory.entries().front().first, 2 * kBlocksRemembered - 1001);  // the newest that is final
  memory.settled_is(2 * kBlocksRemembered - 1);
  EXPECT_EQ(memory.entries().size(), kFinalBlocksRemembered);
}

TEST(ChainMemory, WhatASegmentMakesFinalIsSettledAtOnceUpToTheNewestBlockThatIsKnown) {
  ChainMemory memory(Cursor{{{10, oracle::Hash32{1}}}, 10, {}});
  oracle::ChainSegment segment;
  segment.from = 11;
  segment.to = 30;
  segment.blocks = {{15, oracle::Hash32{2}, {}, {}}, {30, oracle::Hash32{3}, {}, {}}};
  segment.finalized = 20;
  const ChainMemory before = memory;
  memory.apply(segment);
  EXPECT_EQ(memory.settled(), 15u) << "nobody could go back to block 20";
  EXPECT_EQ(before.settled(), 10u) << "a copy keeps what was final for it";
  segment = {};
  segment.from = segment.to = 31;
  segment.blocks = {{31, oracle::Hash32{4}, {}, {}}};
  memory.apply(segment);  // from a node that names no finality
  EXPECT_EQ(memory.settled(), 15u);
}

TEST(Logs, AreOrderedByBlockAndIndex) {
  std::vector<rpc::Log> logs{log_at(2, 0, 2), log_at(1, 7, 1), log_at(1, 3, 1)};
  EXPECT_FALSE(order_logs(logs, 1, 2));
  EXPECT_EQ(logs[0].log_index, 3u);
  EXPECT_EQ(logs[2].block_number, 2u);
}

TEST(Logs, TwiceTheSameOrOutsideOrWithTwoHashesAreInconsistent) {
  std::vector<rpc::Log> twice{log_at(1, 3, 1), log_at(1, 3, 1)};
  EXPECT_EQ(order_logs(twice, 1, 2)->kind, FaultKind::inconsistent);
  std::vector<rpc::Log> outside{log_at(3, 0, 1)};
  EXPECT_EQ(order_logs(outside, 1, 2)->kind, FaultKind::inconsistent);
  std::vector<rpc::Log> two_hashes{log_at(1, 0, 1), log_at(1, 1, 9)};
  EXPECT_EQ(order_logs(two_hashes, 1, 2)->kind, FaultKind::inconsistent);
}

TEST(Logs, MustCarryTheirHeadersHash) {
  const std::vector<rpc::Log> logs{log_at(1, 0, 1)};
  std::vector<rpc::Header> headers(1);
  headers[0].number = 1;
  headers[0].hash = hash_of(1);
  EXPECT_FALSE(match_headers(logs, headers));
  headers[0].hash = hash_of(2);
  EXPECT_TRUE(match_headers(logs, headers));
}

TEST(Bloom, HoldsWhatWasAddedInAtMostThreeBits) {
  rpc::Bloom bloom{};
  const auto address = *parse_array<20>("0x0000000000000000000000000000000000000000");
  add_to_bloom(bloom, address);
  int bits = 0;
  for (const std::uint8_t byte : bloom) bits += __builtin_popcount(byte);
  EXPECT_LE(bits, 3);
  EXPECT_GE(bits, 1);
  EXPECT_TRUE(bloom_may_hold(bloom, bloom_bits(address)));
  EXPECT_FALSE(bloom_may_hold(bloom, bloom_bits(hash_of(7))));
}

TEST(Bloom, NoticesAMissingLog) {
  rpc::Log one = log_at(1, 0, 1);
  one.address[0] = 1;
  one.topics[0] = hash_of(9);
  one.topic_count = 1;
  rpc::Log two = one;
  two.topics[0] = hash_of(10);
  rpc::Bloom bloom{};
  for (const auto& log : {one, two}) {
    add_to_bloom(bloom, log.address);
    add_to_bloom(bloom, log.topics[0]);
  }
  EXPECT_TRUE(bloom_equals(bloom, std::vector{one, two}));
  EXPECT_FALSE(bloom_equals(bloom, std::vector{one}));
}

TEST(Bloom, CountsTopicsThatShareAPlaceInTheMemoryOfThoseSeen) {
  rpc::Log log = log_at(1, 0, 1);
  log.topic_count = 4;
  for (std::size_t i = 0; i < 4; ++i) {  // the same bytes, another limb: their order does not change the place
    log.topics[i] = {};
    log.topics[i][8 * i] = 1;
  }
  rpc::Bloom bloom{};
  add_to_bloom(bloom, log.address);
  for (const auto& topic : log.topics) add_to_bloom(bloom, topic);
  EXPECT_TRUE(bloom_equals(bloom, std::vector{log, log}));
}

TEST(EventBook, WatchesPairsOfContractAndEventNotTheirCrossProduct) {
  const auto book = EventBook::make({event("a", 1, "event A(uint256 x)"), event("b", 2, "event B(uint256 x)")});
  ASSERT_TRUE(book);
  rpc::Log log;
  log.address[19] = 1;
  log.topic_count = 1;
  log.topics[0] = keccak256("A(uint256)");
  EXPECT_TRUE(book->watches(log));
  log.topics[0] = keccak256("B(uint256)");
  EXPECT_FALSE(book->watches(log));
}

TEST(EventBook, ALogOfTwoConfiguredEventsGivesBoth) {
  const auto book = EventBook::make({event("a", 1, "event A(uint256 x)"), event("again", 1, "event A(uint256 x)")});
  rpc::Log log;
  log.address[19] = 1;
  log.topic_count = 1;
  log.topics[0] = keccak256("A(uint256)");
  log.data.assign(32, 0);
  std::vector<oracle::ChainEvent> events;
  EXPECT_FALSE(book->decode(log, events));
  EXPECT_EQ(events.size(), 2u);
  log.data.clear();
  events.clear();
  EXPECT_TRUE(book->decode(log, events));
  EXPECT_TRUE(events.empty());
}

TEST(RangeSizer, DoublesUntilRefusedAndThenGrowsByAnEighth) {
  RangeSizer sizer(10'000, 1'000'000);
  EXPECT_EQ(sizer.blocks(), 500u);
  sizer.succeeded(500, 0);
  EXPECT_EQ(sizer.blocks(), 1000u);
  EXPECT_TRUE(sizer.refused(1000, std::nullopt));
  EXPECT_EQ(sizer.blocks(), 500u);
  sizer.succeeded(500, 0);
  EXPECT_EQ(sizer.blocks(), 562u);
}

TEST(RangeSizer, TakesAHintOnlyWhenItIsSmaller) {
  RangeSizer sizer(10'000, 1'000'000);
  EXPECT_TRUE(sizer.refused(500, 100));
  EXPECT_EQ(sizer.blocks(), 100u);
  EXPECT_TRUE(sizer.refused(100, 100));
  EXPECT_EQ(sizer.blocks(), 50u);
  EXPECT_TRUE(sizer.refused(50, 2000));
  EXPECT_EQ(sizer.blocks(), 25u);
  EXPECT_TRUE(sizer.refused(25, 0));
  EXPECT_EQ(sizer.blocks(), 12u);
}

TEST(RangeSizer, ReachesOneBlockInABoundedNumberOfRefusalsWhateverTheHint) {
  RangeSizer sizer(UINT64_MAX, 1);
  int refusals = 0;
  while (sizer.refused(sizer.blocks(), sizer.blocks())) ASSERT_LT(++refusals, 64);
  EXPECT_EQ(sizer.blocks(), 1u);
}

TEST(RangeSizer, AimsAtTheTargetOfLogs) {
  RangeSizer sizer(10'000, 1000);
  sizer.succeeded(500, 5000);
  EXPECT_EQ(sizer.blocks(), 100u);
  sizer.succeeded(100, 1000);
  EXPECT_EQ(sizer.blocks(), 100u);
  sizer.succeeded(100, 0);
  EXPECT_EQ(sizer.blocks(), 200u);
}

TEST(Backoff, DoublesUpToItsCapWithJitterOfAtMostAQuarter) {
  Backoff backoff({.first = Duration::milliseconds(100), .max = Duration::seconds(1), .seed = 7});
  Duration full = Duration::milliseconds(100);
  for (int i = 0; i < 100; ++i) {
    const Duration wait = backoff.next();
    EXPECT_LE(wait, full);
    EXPECT_GE(wait, full - full / 4);
    full = std::min(full * 2, Duration::seconds(1));
  }
  backoff.reset();
  EXPECT_LE(backoff.next(), Duration::milliseconds(100));
}

TEST(Backoff, IsTheSameForTheSameSeedAndAnotherForAnother) {
  const auto waits = [](std::uint64_t seed) {
    Backoff backoff({.seed = seed});
    return std::vector{backoff.next(), backoff.next(), backoff.next()};
  };
  EXPECT_EQ(waits(1), waits(1));
  EXPECT_NE(waits(1), waits(2));
}

}  // namespace
}  // namespace homeostat::sources
