// When blocks are agreed on, and who is right when providers contradict each other.
#include "daemon/sources/agreement.hpp"

#include <gtest/gtest.h>

#include "daemon/sources/evm_witness.hpp"
#include "daemon/sources/provider_pool.hpp"

namespace homeostat::sources {
namespace {

using oracle::ChainBlock;
using oracle::ChainSegment;
using oracle::Hash32;

Hash32 hash_of(std::uint64_t number, std::uint8_t branch = 0) {
  Hash32 hash{};
  for (int i = 0; i < 8; ++i) hash[31 - i] = static_cast<std::uint8_t>(number >> 8 * i);
  hash[0] = 0xbb;
  hash[1] = branch;
  return hash;
}

ChainBlock block(std::uint64_t number, std::vector<std::uint8_t> amounts = {}, std::uint8_t branch = 0) {
  ChainBlock b{.number = number, .hash = hash_of(number, branch), .time = {}, .events = {}};
  for (const std::uint8_t amount : amounts) {
    oracle::Word word{};
    word[31] = amount;
    b.events.push_back({.event = 0, .log_index = static_cast<std::uint32_t>(b.events.size()), .args = {word}});
  }
  return b;
}

ChainSegment segment(std::vector<ChainBlock> blocks, std::optional<std::uint64_t> rewind_to = std::nullopt) {
  ChainSegment s;
  s.rewind_to = rewind_to;
  s.from = rewind_to ? *rewind_to + 1 : blocks.front().number;
  s.to = blocks.back().number;
  s.blocks = std::move(blocks);
  return s;
}

/// Blocks 10..13, with logs in 11 and 13, given by provider 0, who calls 12 final.
Agreement four_blocks(std::size_t needed = 2, std::size_t providers = 3) {
  Agreement a(needed, providers, 64);
  a.restart({}, {});
  a.delivered(segment({block(10), block(11, {1, 2}), block(12), block(13, {3})}), 0);
  a.sees(0, 13, 12);
  return a;
}

TEST(Agreement, OneProvidersWordIsNotEnough) {
  const Agreement a = four_blocks();
  EXPECT_EQ(a.agreed(), 9u) << "what was before the first block";
  EXPECT_EQ(a.final_of(0), 12u);
}

TEST(Agreement, MovesToWhatTwoGaveAndCallFinal) {
  Agreement a = four_blocks();
  const auto question = a.question(1, *a.final_of(0), 100);
  ASSERT_TRUE(question);
  EXPECT_EQ(question->from, 10u);
  EXPECT_EQ(question->to, 12u);
  EXPECT_EQ(question->hash, hash_of(12));
  EXPECT_FALSE(a.difference(*question, std::vector{block(11, {1, 2})}));
  a.confirm(1, 12);
  EXPECT_EQ(a.agreed(), 9u) << "it has not called anything final";
  a.sees(1, 13, 11);
  EXPECT_EQ(a.agreed(), 11u);
  a.sees(1, 13, 13);
  EXPECT_EQ(a.agreed(), 12u) << "the first one calls no more final";
}

TEST(Agreement, OfThreeNeedsThreeWhenToldSo) {
  Agreement a = four_blocks(3);
  a.confirm(1, 13);
  a.sees(1, 13, 13);
  EXPECT_EQ(a.agreed(), 9u);
  a.confirm(2, 11);
  a.sees(2, 13, 13);
  EXPECT_EQ(a.agreed(), 11u);
}

TEST(Agreement, ADepthStandsForFinalityThatIsNotNamed) {
  Agreement a(2, 2, 5);
  a.restart({}, {});
  std::vector<ChainBlock> blocks;
  for (std::uint64_t n = 1; n <= 20; ++n) blocks.push_back(block(n));
  a.delivered(segment(std::move(blocks)), 0);
  a.confirm(1, 20);
  a.sees(0, 20, 0);
  a.sees(1, 19, 0);
  EXPECT_EQ(a.agreed(), 14u);
}

TEST(Agreement, FindsTheLowestBlockThatDiffers) {
  const Agreement a = four_blocks();
  const auto question = *a.question(1, 13, 100);
  using Blocks = std::vector<ChainBlock>;
  const auto differs = [&](const Blocks& blocks) { return a.difference(question, blocks); };
  EXPECT_FALSE(differs({block(11, {1, 2}), block(13, {3})}));
  EXPECT_EQ(differs({}), 11u);
  EXPECT_EQ(differs({block(11, {1, 2})}), 13u);
  EXPECT_EQ(differs({block(11, {1}), block(13, {3})}), 11u) << "one less";
  EXPECT_EQ(differs({block(11, {1, 3}), block(13, {3})}), 11u) << "another amount";
  EXPECT_EQ(differs({block(11, {2, 1}), block(13, {3})}), 11u) << "another order";
  EXPECT_EQ(differs({block(11, {1, 2}), block(12, {9}), block(13, {3})}), 12u) << "one more";
  EXPECT_EQ(differs({block(11, {1, 2}, 1), block(13, {3})}), 11u) << "another hash";
}

TEST(Agreement, WhatAnEmptyRangeSkippedIsComparedToo) {
  Agreement a(2, 2, 64);
  a.restart({}, {});
  ChainSegment range = segment({block(40)});
  range.from = 10;
  a.delivered(range, 0);
  const auto question = a.question(1, 40, 5);
  ASSERT_TRUE(question);
  EXPECT_EQ(question->from, 10u);
  EXPECT_EQ(question->to, 40u) << "there is no hash before";
  EXPECT_EQ(a.difference(*question, std::vector{block(25, {1})}), 25u);
}

TEST(Agreement, WhatIsProvenIsNoDifferenceAnyMoreButNotHonestEither) {
  Agreement a = four_blocks();
  const auto question = *a.question(1, 13, 100);
  const std::vector lie{block(11, {1}), block(13, {3})};
  a.prove(11);
  EXPECT_FALSE(a.difference(question, lie));
  EXPECT_FALSE(a.is_honest(question, lie));
  EXPECT_TRUE(a.is_honest(question, std::vector{block(11, {1, 2}), block(13, {3})}));
  EXPECT_FALSE(a.is_honest(question, {})) << "silence proves nothing";
}

TEST(Agreement, AReorgTakesBackWhatWasConfirmed) {
  Agreement a = four_blocks();
  a.confirm(1, 13);
  a.sees(1, 13, 11);
  EXPECT_EQ(a.agreed(), 11u);
  const std::uint64_t version = a.version();
  a.delivered(segment({block(12, {7}, 1), block(13, {}, 1)}, 11), 0);
  EXPECT_NE(a.version(), version);
  a.sees(0, 13, 13);
  a.sees(1, 13, 13);
  EXPECT_EQ(a.agreed(), 11u) << "it was not asked about the new ones";
  EXPECT_EQ(a.question(1, 13, 100)->from, 12u);
}

TEST(Agreement, EachIsAskedOnlyWhatItDidNotGiveItself) {
  Agreement a = four_blocks();
  a.delivered(segment({block(14, {4}), block(15)}), 1);
  EXPECT_EQ(a.question(0, 15, 100)->from, 14u);
  EXPECT_EQ(a.question(1, 15, 100)->from, 10u);
  a.confirm(1, 13);
  EXPECT_FALSE(a.question(1, 15, 100)) << "it gave the rest";
}

TEST(Agreement, AfterARestartGoesOnFromWhatTheOracleHolds) {
  Agreement a(2, 2, 64);
  Cursor cursor;
  cursor.recent = {{9, hash_of(9)}, {10, hash_of(10)}, {11, hash_of(11)}};
  cursor.settled = 9;
  // The oracle numbers its events in its own way, and one was added when block 10 was past.
  cursor.unsettled.events = {{"other", 0}, {"tip", 0}, {"late", 10}};
  ChainBlock eleven = block(11, {1});
  eleven.events[0].event = 1;
  cursor.unsettled.blocks = {block(10), eleven};
  EvmEvent tip;
  tip.name = "tip";
  EvmEvent late;
  late.name = "late";
  a.restart(cursor, {tip, late});
  EXPECT_EQ(a.agreed(), 9u);
  const auto question = *a.question(0, 11, 100);
  EXPECT_EQ(question.from, 10u) << "nobody in particular gave it";
  ChainBlock ten = block(10, {5});
  ten.events[0].event = 1;
  EXPECT_FALSE(a.difference(question, std::vector{ten, block(11, {1})})) << "it could not know the late one";
  EXPECT_EQ(a.difference(question, std::vector{ten, block(11, {2})}), 11u);
}

TEST(Agreement, IsFullBeforeTheOracleWouldBe) {
  Agreement a(2, 2, 64);
  a.restart({}, {});
  std::vector<ChainBlock> blocks;
  for (std::uint64_t n = 1; n < kUnagreedBlocksMax; ++n) blocks.push_back(block(n));
  a.delivered(segment(std::move(blocks)), 0);
  EXPECT_FALSE(a.is_full());
  a.delivered(segment({block(kUnagreedBlocksMax)}), 0);
  EXPECT_TRUE(a.is_full());
}

TEST(Agreement, OfOneKeepsNothing) {
  Agreement a = four_blocks(1);
  EXPECT_FALSE(a.is_needed());
  EXPECT_FALSE(a.final_of(0));
}

TEST(Agreement, WhatIsNotAgreedMayStillBeTakenBack) {
  ChainMemory memory((Cursor()));
  ChainSegment s = segment({block(10), block(11), block(12)});
  s.finalized = 12;
  s.agreed = 10;
  memory.apply(s);
  EXPECT_EQ(memory.settled(), 10u);
  EXPECT_TRUE(memory.forget_from(12));
  EXPECT_EQ(memory.head().first, 11u);
  EXPECT_FALSE(memory.forget_from(1)) << "no block before it is remembered";
}

// Who is right.

Testimony says(std::size_t provider, std::uint8_t what, bool fits_bloom = true) {
  return {.provider = provider, .digest = hash_of(what), .fits_bloom = fits_bloom};
}
Testimony proves(std::size_t provider, std::uint8_t what, std::uint8_t root, bool sealed) {
  Testimony t = says(provider, what);
  t.proven = hash_of(what);
  t.receipts_root = hash_of(root);
  t.sealed = sealed;
  return t;
}

TEST(Judge, ReceiptsUnderTheBlocksHashDecideAgainstAnyNumber) {
  EXPECT_EQ(judge({says(0, 1), says(1, 1), proves(2, 2, 9, true)}, 2), hash_of(2));
}

TEST(Judge, ARootThatTheHashDoesNotSealCountsOnlyIfNobodyNamesAnother) {
  EXPECT_EQ(judge({proves(0, 1, 9, false), proves(1, 1, 9, false)}, 2), hash_of(1));
  EXPECT_EQ(judge({proves(0, 1, 8, false), proves(1, 2, 9, false)}, 2), std::nullopt);
}

TEST(Judge, WhatDoesNotFitTheBloomFilterIsRefuted) {
  EXPECT_EQ(judge({says(0, 1, false), says(1, 2)}, 2), hash_of(2));
}

TEST(Judge, NobodyVotes) {
  EXPECT_EQ(judge({says(0, 1), says(1, 1), says(2, 2)}, 2), std::nullopt);
}

TEST(Judge, EnoughThatAllSayTheSameAreBelieved) {
  EXPECT_EQ(judge({says(0, 1), says(1, 1)}, 2), hash_of(1));
  EXPECT_EQ(judge({says(0, 1)}, 2), std::nullopt) << "one is not enough";
  EXPECT_EQ(judge({}, 2), std::nullopt);
}

TEST(Refuted, WhoLiedAboutLogsIsNotTrustedForNamingHeads) {
  Moment now{};
  ProviderPool pool({.probes_good = 2}, 2, now);
  pool.saw(0, {10, 5}, now);
  pool.saw(1, {10, 5}, now);
  pool.refuted(0, now);
  for (int i = 0; i < 5; ++i) pool.saw(0, {10, 5}, now);
  EXPECT_EQ(pool.state(0), ProviderState::distrusted);
  EXPECT_EQ(pool.order(now).front(), 1u);
  pool.confirmed(0);
  pool.saw(0, {10, 5}, now);
  EXPECT_EQ(pool.state(0), ProviderState::alive) << "it gave what the others do";
}

TEST(Refuted, WhoLiedAndIsNotComparedAnyMoreIsTriedAgainAfterALongTime) {
  Moment now{};
  ProviderPool pool({.probes_good = 2}, 2, now);
  pool.refuted(0, now);
  now = after(now, kRefutedFor - Duration::seconds(1));
  pool.saw(0, {10, 5}, now);
  pool.saw(0, {10, 5}, now);
  EXPECT_EQ(pool.state(0), ProviderState::distrusted);
  now = after(now, Duration::seconds(1));
  pool.saw(0, {10, 5}, now);
  EXPECT_EQ(pool.state(0), ProviderState::alive);
}

}  // namespace
}  // namespace homeostat::sources
