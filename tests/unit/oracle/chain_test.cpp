#include <gtest/gtest.h>

#include <cmath>

#include "oracle/word.hpp"
#include "tests/unit/oracle/fixture.hpp"

namespace homeostat::oracle {
namespace {

using namespace testing;

EventOrigin tips(std::uint32_t confirmations) {
  return EventOrigin{.event = "Tip", .value = 1, .confirmations = confirmations};
}

Settings chain_settings(std::uint32_t confirmations = 2) {
  auto users = from_event("tippers", Aggregate::distinct, {.event = "Tip", .key = 0, .confirmations = confirmations});
  Settings s = settings_of({from_event("tips", Aggregate::sum, tips(confirmations)), users});
  for (MetricSettings& m : s.metrics) m.window = Duration::minutes(10);
  return s;
}

TEST(Chain, AnEventCountsWhenItsBlockIsDeepEnough) {
  Oracle oracle(chain_settings(2));
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(10, {5}), block_of(11)})));
  EXPECT_TRUE(oracle.evaluate(at(133))[0].time.is_never());
  EXPECT_EQ(oracle.readings()[0].reason, "no value yet (chain: no block is as deep as the metric asks)");
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(12, {7})})));
  EXPECT_EQ(oracle.evaluate(at(145))[0].value, 5);
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(13), block_of(14)})));
  const Reading& r = oracle.evaluate(at(169))[0];
  EXPECT_EQ(r.value, 12);
  EXPECT_EQ(r.count, 2u);
  EXPECT_EQ(r.provenance.source, "chain");
  EXPECT_EQ(r.provenance.sequence, 12u);
  EXPECT_EQ(r.provenance.block, hash_of(12));
  EXPECT_EQ(r.time, at(168));
  EXPECT_EQ(oracle.readings()[1].value, 2);
}

TEST(Chain, NoEventsAreARealZeroAsLongAsBlocksCome) {
  Settings settings = chain_settings(0);
  for (MetricSettings& m : settings.metrics) m.window = Duration::seconds(24);
  Oracle oracle(settings);
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(1), block_of(2), block_of(3)})));
  EXPECT_EQ(oracle.evaluate(at(40))[0].value, 0);
  EXPECT_EQ(oracle.readings()[0].quality, Quality::ok);
  EXPECT_EQ(oracle.evaluate(at(80))[0].quality, Quality::stale);
  EXPECT_EQ(oracle.readings()[0].reason, "chain: the newest block, 3, is 44s old; allowed 30s");
}

TEST(Chain, AWindowGivesNoValueBeforeEnoughOfItWasWatched) {
  Settings settings = chain_settings(0);
  for (MetricSettings& m : settings.metrics) {
    m.window = Duration::seconds(60);
    m.coverage_min = 0.8;
  }
  Oracle oracle(settings);
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(1, {5}), block_of(2), block_of(3)})));
  EXPECT_TRUE(oracle.evaluate(at(40))[0].time.is_never());
  EXPECT_NE(oracle.readings()[0].reason.view().find("building up: 40% of the 1m window, needs 80%"), std::string::npos)
      << oracle.readings()[0].reason;
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(4), block_of(5)})));
  EXPECT_EQ(oracle.evaluate(at(62))[0].value, 5);
  EXPECT_EQ(oracle.readings()[0].quality, Quality::degraded);
}

TEST(Chain, SafeAndFinalizedFollowTheChainsOwnHeights) {
  Settings settings = chain_settings();
  std::get<EventOrigin>(settings.metrics[0].origin).finality = Finality::safe;
  std::get<EventOrigin>(settings.metrics[1].origin).finality = Finality::finalized;
  Oracle oracle(settings);
  ChainSegment s = segment_of({block_of(10, {5}), block_of(11, {6}), block_of(12, {7})});
  s.safe = 11;
  s.finalized = 10;
  ASSERT_TRUE(oracle.ingest(s));
  oracle.evaluate(at(145));
  EXPECT_EQ(oracle.readings()[0].value, 11);
  EXPECT_EQ(oracle.readings()[1].value, 1);
}

TEST(Chain, AReorgOfWaitingBlocksReadsAsIfTheyHadNeverBeen) {
  Oracle reorged(chain_settings(2));
  ASSERT_TRUE(reorged.ingest(segment_of({block_of(10, {5}), block_of(11), block_of(12, {100}), block_of(13, {200})})));
  ChainSegment s = segment_of({block_of(12, {7}, 1), block_of(13, {}, 1), block_of(14, {}, 1)});
  s.rewind_to = 11;
  ASSERT_TRUE(reorged.ingest(s));

  Oracle direct(chain_settings(2));
  ASSERT_TRUE(direct.ingest(
      segment_of({block_of(10, {5}), block_of(11), block_of(12, {7}, 1), block_of(13, {}, 1), block_of(14, {}, 1)})));
  EXPECT_EQ(archive_bytes(reorged.evaluate(at(170))), archive_bytes(direct.evaluate(at(170))));
  EXPECT_EQ(reorged.readings()[0].value, 12);
  EXPECT_EQ(reorged.sources()[3].reorgs, 1u);
  EXPECT_EQ(reorged.recent_blocks("chain"), direct.recent_blocks("chain"));
}

TEST(Chain, TheVeryFirstBlockMayBeTakenBackToo) {
  Oracle oracle(chain_settings(2));
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(10, {5})})));
  ChainSegment s = segment_of({block_of(10, {6}, 1), block_of(11, {}, 1), block_of(12, {}, 1)});
  s.rewind_to = 9;
  ASSERT_TRUE(oracle.ingest(s)) << oracle.ingest(s).error().text();
  EXPECT_EQ(oracle.evaluate(at(145))[0].value, 6);
}

TEST(Chain, AReorgBelowWhatIsFinalHaltsUntilAGuardianClearsIt) {
  Settings settings = chain_settings(2);
  settings.sources[3].finality_depth = 2;
  Oracle oracle(settings);
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(10, {5}), block_of(11), block_of(12), block_of(13)})));
  EXPECT_EQ(oracle.evaluate(at(157))[0].value, 5);
  ChainSegment s = segment_of({block_of(11, {9}, 1), block_of(12, {}, 1), block_of(13, {}, 1), block_of(14, {}, 1)});
  s.rewind_to = 10;
  const auto refused = oracle.ingest(s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::corrupt);
  EXPECT_EQ(oracle.evaluate(at(170))[0].quality, Quality::halted);
  EXPECT_EQ(oracle.readings()[0].value, 5);
  EXPECT_EQ(oracle.readings()[0].reason,
            "chain: violated: the chain took back its blocks above 10, but those up to 11 were already final");
  oracle.report({.source = "chain", .at = at(171), .condition = SourceCondition::connected});
  EXPECT_EQ(oracle.evaluate(at(171))[0].quality, Quality::halted);  // a working connection does not clear it
  EXPECT_EQ(oracle.ingest(s).error().code, ErrorCode::corrupt);

  ASSERT_TRUE(oracle.clear("chain", at(172)));
  EXPECT_TRUE(oracle.recent_blocks("chain").empty());
  ASSERT_TRUE(oracle.ingest(segment_of(
      {block_of(10, {5}), block_of(11, {9}, 1), block_of(12, {}, 1), block_of(13, {}, 1), block_of(14, {}, 1)})));
  EXPECT_EQ(oracle.evaluate(at(173))[0].value, 14);
}

TEST(Chain, RefusesWhatDoesNotLinkUpAndChangesNothing) {
  Oracle oracle(chain_settings(2));
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(10, {5}), block_of(11), block_of(12)})));
  const auto check = [&](ChainSegment s, ErrorCode code, std::string_view message) {
    const auto refused = oracle.ingest(s);
    ASSERT_FALSE(refused) << message;
    EXPECT_EQ(refused.error().code, code);
    EXPECT_EQ(refused.error().message, message);
    EXPECT_EQ(oracle.recent_blocks("chain").back().first, 12u);
  };
  const std::uint64_t before = oracle.sources()[3].accepted;
  check(segment_of({block_of(14)}), ErrorCode::conflict, "the segment starts at block 14; expected block 13");
  check(segment_of({block_of(12)}), ErrorCode::conflict, "the segment starts at block 12; expected block 13");
  ChainSegment s = segment_of({block_of(13)}, 7);
  check(s, ErrorCode::conflict,
        "the parent of block 13 is 0xbb0000000000.., but block 12 is known as 0xbb0000000000..");
  s = segment_of({block_of(13)});
  s.to = 14;
  check(s, ErrorCode::malformed, "the last block of a segment must be listed: block 14");
  s = segment_of({block_of(14), block_of(13)});
  s.to = 13;
  s.from = 13;
  check(s, ErrorCode::malformed, "block 13 is out of order in the segment from block 13");
  s = segment_of({block_of(13)});
  s.from = 14;
  check(s, ErrorCode::malformed, "the segment runs from block 14 back to block 13");
  s = segment_of({block_of(13, {1})});
  s.blocks[0].events[0].event = 3;
  check(s, ErrorCode::malformed, "block 13 refers to event 3 of 1");
  s = segment_of({block_of(13, {1})});
  s.blocks[0].events[0].args.clear();
  check(s, ErrorCode::malformed, "log 0 of block 13 has 0 arguments; metric 'tips' needs 2");
  s = segment_of({block_of(13)});
  s.received = s.blocks[0].time - Duration::hours(2);
  check(s, ErrorCode::malformed, "block 13 is 2h ahead of its receipt; allowed 1h");
  s = segment_of({block_of(13)});
  s.blocks[0].time = at(1);
  check(s, ErrorCode::conflict, "block 13 is older than block 12");
  s = segment_of({block_of(21)});
  s.rewind_to = 20;
  check(s, ErrorCode::conflict, "a rewind to block 20 beyond the head, block 12");
  EXPECT_EQ(oracle.sources()[3].accepted, before);
  EXPECT_EQ(oracle.sources()[3].chain_refused, 11u);
  s = segment_of({block_of(13)});
  s.source = "chan";
  EXPECT_EQ(oracle.ingest(s).error().text(), "chan: there is no such source; did you mean 'chain'?");
}

TEST(Chain, RefusesMoreThanItCanKeepWaiting) {
  Settings settings = chain_settings();
  std::get<EventOrigin>(settings.metrics[0].origin).finality = Finality::finalized;
  Oracle oracle(settings);
  ChainBlock block = block_of(10);
  block.events.assign(250'001, {.event = 0, .args = {word_of(1), word_of(1)}});
  ChainSegment s = segment_of({block});
  EXPECT_EQ(oracle.ingest(s).error().code, ErrorCode::resource_exhausted);
  s.blocks[0].events.pop_back();
  EXPECT_TRUE(oracle.ingest(s));
}

TEST(Chain, AnotherChainHoldsAtOnceAndRecovers) {
  Oracle oracle(chain_settings(0));
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(10, {5})})));
  oracle.evaluate(at(121));
  oracle.report({.source = "chain", .at = at(121), .condition = SourceCondition::wrong_chain, .detail = "id 5, not 1"});
  EXPECT_EQ(oracle.evaluate(at(122))[0].quality, Quality::held);
  EXPECT_EQ(oracle.readings()[0].reason, "chain: another chain answers: id 5, not 1");
  oracle.report({.source = "chain", .at = at(123)});
  EXPECT_TRUE(is_usable(oracle.evaluate(at(124))[0].quality));
}

TEST(Chain, AnEventValueOutsideItsBoundsIsCountedAsRefused) {
  Oracle oracle(chain_settings(0));
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(10, {5, 2000})})));
  EXPECT_EQ(oracle.evaluate(at(121))[0].value, 5);
  EXPECT_EQ(oracle.sources()[3].refused[static_cast<std::size_t>(Refusal::out_of_bounds)], 1u);
  EXPECT_EQ(oracle.sources()[3].last_refused, "tips: block 10 log 1: value 2000 is outside 0 .. 1000 u");
}

TEST(Chain, AMetricAddedLaterCountsFromTheNextBlockOn) {
  Settings settings = chain_settings(1);
  Oracle oracle(settings);
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(10, {5})})));  // still waiting for the older metrics
  settings.metrics.push_back(from_event("new", Aggregate::count, tips(0)));
  oracle.reconfigure(settings);
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(11, {6})})));
  oracle.evaluate(at(133));
  EXPECT_EQ(oracle.readings()[0].value, 5);
  EXPECT_EQ(oracle.readings()[2].value, 1);
}

TEST(Chain, EventsThatWaitAreFoundUnderTheirNewNumbersAfterAPolicyChange) {
  Settings settings = chain_settings(0);
  settings.events.push_back({.name = "Gift", .source = "chain", .signature = settings.events[0].signature});
  settings.metrics.push_back(from_event("gifts", Aggregate::sum, {.event = "Gift", .value = 1, .confirmations = 0}));
  settings.metrics.back().window = Duration::minutes(10);
  ChainSegment s = segment_of({block_of(10, {5, 6, 7, 8}), block_of(11)});
  s.events = {"Tip", "Gift"};
  s.blocks[0].events[1].event = s.blocks[0].events[2].event = 1;
  Oracle oracle(settings);
  ASSERT_TRUE(oracle.ingest(s));
  EXPECT_EQ(oracle.evaluate(at(133))[0].value, 13);
  EXPECT_EQ(oracle.readings()[2].value, 13);

  std::swap(settings.events[0], settings.events[1]);
  oracle.reconfigure(settings);
  ChainSegment reorg = segment_of({block_of(11, {100}, 1)});  // both are counted anew from what waits
  reorg.rewind_to = 10;
  reorg.parent = hash_of(10);
  ASSERT_TRUE(oracle.ingest(reorg));
  EXPECT_EQ(oracle.evaluate(at(134))[0].value, 113);
  EXPECT_EQ(oracle.readings()[2].value, 13);
}

TEST(Word, IsRoundedToTheNearestDoubleTiesToEven) {
  Word w{};
  EXPECT_EQ(double_from_uint256(w), 0);
  w.fill(0xff);
  EXPECT_EQ(double_from_uint256(w), std::ldexp(1.0, 256));
  EXPECT_EQ(double_from_int256(w), -1);
  EXPECT_EQ(double_from_uint256(word_of((1ULL << 53) + 1)), 0x1p53);      // tie to even, down
  EXPECT_EQ(double_from_uint256(word_of((1ULL << 53) + 3)), 0x1p53 + 4);  // tie to even, up
  Word tie{};
  tie[0] = 0x80;  // 2^255
  tie[6] = 0x04;  // half of its last place: 2^(255-53) = 2^202
  EXPECT_EQ(double_from_uint256(tie), 0x1p255);
  tie[31] = 1;  // just above the tie
  EXPECT_EQ(double_from_uint256(tie), std::nextafter(0x1p255, HUGE_VAL));
  Word least{};
  least[0] = 0x80;
  EXPECT_EQ(double_from_int256(least), -0x1p255);
}

}  // namespace
}  // namespace homeostat::oracle
