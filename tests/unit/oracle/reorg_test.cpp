// Reorgs: what counted before it was final is taken back, what was final is not. Names begin with the number of
// the case in the catalogue of tests/README.md.
#include <gtest/gtest.h>

#include "tests/unit/oracle/fixture.hpp"

namespace homeostat::oracle {
namespace {

using namespace testing;

EventOrigin tips(Finality finality, std::uint32_t confirmations = 0) {
  return EventOrigin{.event = "Tip", .value = 1, .finality = finality, .confirmations = confirmations};
}

/// A sum and a distinct count at the head, a sum of what is final, an average, and a limited newest value.
Settings head_settings(std::uint32_t finality_depth = 4) {
  EventOrigin users{.event = "Tip", .key = 0, .confirmations = 0};
  Settings s = settings_of({from_event("tips", Aggregate::sum, tips(Finality::confirmations)),
                            from_event("tippers", Aggregate::distinct, users),
                            from_event("final_tips", Aggregate::sum, tips(Finality::finalized)),
                            from_event("average", Aggregate::ewma, tips(Finality::confirmations)),
                            from_event("newest", Aggregate::last, tips(Finality::confirmations)),
                            expression("mean", "tips / max(tippers, 1)")});
  for (MetricSettings& m : s.metrics) m.window = Duration::hours(2);
  s.metrics[4].rate_of_change =
      RateOfChange{.ratio_max = 0.5, .per = Duration::seconds(10), .halt_after = Duration::seconds(30)};
  s.sources[3].finality_depth = finality_depth;
  return s;
}

ChainSegment rewinding(std::uint64_t fork, std::vector<ChainBlock> blocks, std::uint64_t parent_branch = 0) {
  ChainSegment s = segment_of(std::move(blocks), parent_branch);
  s.rewind_to = fork;
  return s;
}

/// What an oracle reads that was given these blocks alone.
std::string direct(const Settings& settings, std::vector<ChainBlock> blocks, Instant when) {
  Oracle oracle(settings);
  EXPECT_TRUE(oracle.ingest(segment_of(std::move(blocks))));
  return archive_bytes(oracle.evaluate(when));
}

const SourceStatus chain_status(const Oracle& oracle) {
  return oracle.sources()[3];
}

TEST(Reorg, R1_TheReplacedLogCountsAndTheFirstOneDoesNot) {
  Oracle oracle(head_settings());
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(10, {5}), block_of(11, {7})})));
  EXPECT_EQ(oracle.evaluate(at(133))[0].value, 12);
  EXPECT_EQ(oracle.readings()[0].provisional, 2u);
  ASSERT_TRUE(oracle.ingest(rewinding(10, {block_of(11, {9}, 1)})));
  EXPECT_EQ(archive_bytes(oracle.evaluate(at(134))),
            direct(head_settings(), {block_of(10, {5}), block_of(11, {9}, 1)}, at(134)));
  EXPECT_EQ(oracle.readings()[0].value, 14);
  EXPECT_EQ(oracle.readings()[0].provenance.block, hash_of(11, 1));
}

TEST(Reorg, R2_BackOnTheFirstBranchItReadsAsBefore) {
  Oracle oracle(head_settings());
  const std::vector<ChainBlock> first = {block_of(10, {5}), block_of(11, {7}), block_of(12, {8})};
  ASSERT_TRUE(oracle.ingest(segment_of(first)));
  const std::string before = archive_bytes(oracle.evaluate(at(150)));
  ASSERT_TRUE(oracle.ingest(rewinding(10, {block_of(11, {50}, 1), block_of(12, {80}, 1), block_of(13, {}, 1)})));
  EXPECT_NE(archive_bytes(oracle.evaluate(at(170))), before);
  ASSERT_TRUE(oracle.ingest(rewinding(10, {first[1], first[2]})));
  EXPECT_EQ(archive_bytes(oracle.evaluate(at(150))), before);
}

TEST(Reorg, R3_AnyDepthThatIsNotFinalIsTakenBackAndNoneDeeper) {
  constexpr std::uint32_t kDepth = 6;
  std::vector<ChainBlock> blocks;
  for (std::uint64_t n = 10; n <= 30; ++n) blocks.push_back(block_of(n, {n, 2 * n}));
  for (std::uint64_t depth = 1; depth <= kDepth + 1; ++depth) {
    Oracle oracle(head_settings(kDepth));
    ASSERT_TRUE(oracle.ingest(segment_of(blocks)));
    oracle.evaluate(at(365));
    std::vector<ChainBlock> branch;
    for (std::uint64_t n = 30 - depth + 1; n <= 31; ++n) branch.push_back(block_of(n, {3}, 1));
    const auto done = oracle.ingest(rewinding(30 - depth, branch));
    ASSERT_EQ(done.has_value(), depth <= kDepth) << depth;
    if (!done) {
      EXPECT_EQ(done.error().message, "the chain took back its blocks above 23, but those up to 24 were already final");
      continue;
    }
    std::vector<ChainBlock> canonical(blocks.begin(), blocks.end() - static_cast<std::ptrdiff_t>(depth));
    canonical.insert(canonical.end(), branch.begin(), branch.end());
    EXPECT_EQ(archive_bytes(oracle.evaluate(at(380))), direct(head_settings(kDepth), canonical, at(380))) << depth;
    EXPECT_EQ(chain_status(oracle).retracted_blocks, depth);
    EXPECT_EQ(chain_status(oracle).retracted_events, 2 * depth);
  }
}

/// Final up to 20 by the chain's own word, head at 22.
Oracle final_at_20() {
  Oracle oracle(head_settings());
  std::vector<ChainBlock> blocks;
  for (std::uint64_t n = 10; n <= 22; ++n) blocks.push_back(block_of(n, {n}));
  ChainSegment s = segment_of(blocks);
  s.finalized = 20;
  EXPECT_TRUE(oracle.ingest(s));
  oracle.evaluate(at(265));
  return oracle;
}

ChainSegment deeper_than_final() {
  return rewinding(18, {block_of(19, {900}, 1), block_of(20, {}, 1), block_of(21, {}, 1), block_of(22, {}, 1)});
}

TEST(Reorg, R4_DeeperThanFinalityLatchesLosesNothingAndHealsWithTheTruth) {
  Oracle oracle = final_at_20();
  const double before = oracle.readings()[0].value;
  EXPECT_EQ(chain_status(oracle).settled, 20u);
  const auto refused = oracle.ingest(deeper_than_final());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::corrupt);
  EXPECT_EQ(oracle.evaluate(at(277))[0].quality, Quality::halted);
  EXPECT_EQ(oracle.readings()[0].value, before);
  EXPECT_EQ(oracle.readings()[0].reason,
            "chain: violated: the chain took back its blocks above 18, but those up to 20 were already final");
  EXPECT_EQ(oracle.readings()[5].quality, Quality::halted);

  // The chain comes back to what was final, on another branch above it.
  ASSERT_TRUE(oracle.ingest(rewinding(20, {block_of(21, {1}, 2), block_of(22, {}, 2), block_of(23, {2}, 2)})));
  EXPECT_EQ(chain_status(oracle).condition, SourceCondition::connected);
  EXPECT_EQ(oracle.evaluate(at(278))[0].quality, Quality::degraded) << oracle.readings()[0].reason;  // still young
  EXPECT_EQ(oracle.readings()[0].value, before - 21 - 22 + 1 + 2);
  EXPECT_EQ(chain_status(oracle).retracted_events, 2u);
}

TEST(Reorg, R5_NothingButTheTruthOrAGuardianClearsTheLatch) {
  Oracle oracle = final_at_20();
  ASSERT_FALSE(oracle.ingest(deeper_than_final()));
  const auto still_latched = [&](const char* after) {
    EXPECT_EQ(oracle.evaluate(at(280))[0].quality, Quality::halted) << after;
    EXPECT_EQ(chain_status(oracle).condition, SourceCondition::violated) << after;
  };
  oracle.report({.source = "chain", .at = at(278), .condition = SourceCondition::failing, .detail = "timeout"});
  still_latched("a transient error");
  oracle.report({.source = "chain", .at = at(279), .condition = SourceCondition::connected});
  still_latched("a connection");
  oracle.report({.source = "chain", .at = at(279), .condition = SourceCondition::disputed});
  still_latched("a dispute");
  EXPECT_EQ(oracle.ingest(segment_of({block_of(21, {21})})).error().code, ErrorCode::corrupt);
  still_latched("a provider that lags behind");
  EXPECT_EQ(oracle.ingest(segment_of({block_of(23)}, 1)).error().code, ErrorCode::corrupt);
  still_latched("the other branch going on");
  EXPECT_EQ(oracle.ingest(deeper_than_final()).error().code, ErrorCode::corrupt);
  still_latched("the same reorg again");

  std::string saved = bytes_of(oracle);
  Oracle restarted(head_settings());
  Reader reader(saved);
  ASSERT_TRUE(restarted.load(reader));
  EXPECT_EQ(restarted.evaluate(at(281))[0].quality, Quality::halted);

  Oracle cleared = oracle;
  ASSERT_TRUE(cleared.clear("chain", at(282)));
  EXPECT_TRUE(cleared.recent_blocks("chain").empty());
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(23, {1})})));
  EXPECT_NE(oracle.evaluate(at(283))[0].quality, Quality::halted);
}

TEST(Reorg, R6_FoundAfterAnOutageItIsFollowedIfItLeavesWhatWasFinal) {
  Oracle followed = final_at_20();
  std::vector<ChainBlock> branch;
  for (std::uint64_t n = 21; n <= 60; ++n) branch.push_back(block_of(n, {1}, 1));
  ChainSegment s = rewinding(20, branch);
  s.finalized = 50;  // finality has passed the fork meanwhile
  ASSERT_TRUE(followed.ingest(s));
  EXPECT_EQ(followed.evaluate(at(721))[0].value, (10 + 20) * 11 / 2 + 40);
  EXPECT_EQ(followed.readings()[2].value, (10 + 20) * 11 / 2 + 30);

  Oracle violated = final_at_20();
  s = deeper_than_final();
  s.finalized = 21;
  EXPECT_EQ(violated.ingest(s).error().code, ErrorCode::corrupt);
  EXPECT_EQ(violated.evaluate(at(278))[0].quality, Quality::halted);
}

TEST(Reorg, R7_AShorterChainTakesBackConfirmationsToo) {
  Settings settings = head_settings(20);
  std::get<EventOrigin>(settings.metrics[0].origin).confirmations = 2;
  Oracle oracle(settings);
  const ChainBlock b10 = block_of(10, {5});
  const ChainBlock b11 = block_of(11, {6});
  ASSERT_TRUE(oracle.ingest(segment_of({b10, b11, block_of(12), block_of(13)})));
  EXPECT_EQ(oracle.evaluate(at(157))[0].value, 11);
  const ChainBlock b12 = block_of(12, {}, 1);
  ASSERT_TRUE(oracle.ingest(rewinding(11, {b12})));  // block 11 has one confirmation left
  EXPECT_EQ(archive_bytes(oracle.evaluate(at(158))), direct(settings, {b10, b11, b12}, at(158)));
  EXPECT_EQ(oracle.readings()[0].value, 5);
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(13, {}, 1), block_of(14, {8}, 1)}, 1)));
  EXPECT_EQ(oracle.evaluate(at(170))[0].value, 11);
}

TEST(Reorg, R8_GoesBackToTheNearestKnownAncestorOfUnlistedBlocks) {
  const ChainBlock b10 = block_of(10, {5});
  const ChainBlock b15 = block_of(15, {6});
  ChainSegment sparse = segment_of({b10, b15});  // blocks 11..14 held nothing
  Oracle oracle(head_settings(20));
  ASSERT_TRUE(oracle.ingest(sparse));
  EXPECT_EQ(oracle.ingest(rewinding(13, {block_of(14, {}, 1)})).error().message,
            "the hash of block 13 is not known; rewind to one of the recent blocks");
  std::vector<ChainBlock> branch;
  for (std::uint64_t n = 11; n <= 16; ++n) branch.push_back(block_of(n, {1}, 1));
  ASSERT_TRUE(oracle.ingest(rewinding(10, branch)));
  branch.insert(branch.begin(), b10);
  EXPECT_EQ(archive_bytes(oracle.evaluate(at(200))), direct(head_settings(20), branch, at(200)));
}

TEST(Reorg, R9_OneOfTwoBlocksOfAHeightIsTakenOnce) {
  Oracle oracle(head_settings());
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(10, {5}), block_of(11, {7})})));
  EXPECT_EQ(oracle.ingest(segment_of({block_of(11, {7})})).error().code, ErrorCode::conflict);
  EXPECT_EQ(oracle.ingest(segment_of({block_of(11, {9}, 1)})).error().code, ErrorCode::conflict);
  EXPECT_EQ(oracle.evaluate(at(133))[0].value, 12);
}

TEST(Reorg, R10_TwoForksBackToBackNeverCountBelowZero) {
  Oracle oracle(head_settings(20));
  const ChainBlock b10 = block_of(10, {5});
  ASSERT_TRUE(oracle.ingest(segment_of({b10, block_of(11, {7}), block_of(12, {8}), block_of(13, {9})})));
  ASSERT_TRUE(oracle.ingest(rewinding(11, {block_of(12, {80}, 1), block_of(13, {90}, 1)})));
  ASSERT_TRUE(oracle.ingest(rewinding(10, {block_of(11, {}, 2), block_of(12, {}, 2)})));
  EXPECT_EQ(oracle.evaluate(at(150))[0].value, 5);
  EXPECT_EQ(oracle.readings()[1].value, 1);
  EXPECT_EQ(oracle.readings()[0].provisional, 1u);
  EXPECT_EQ(archive_bytes(oracle.readings()),
            direct(head_settings(20), {b10, block_of(11, {}, 2), block_of(12, {}, 2)}, at(150)));
  EXPECT_EQ(chain_status(oracle).reorgs, 2u);
}

TEST(Reorg, R11_AThousandHotBlocksAreTakenBackWhole) {
  Settings settings = head_settings(2000);
  for (MetricSettings& m : settings.metrics) m.max = 1e9;
  std::vector<ChainBlock> blocks;
  std::vector<ChainBlock> branch;
  for (std::uint64_t n = 1; n <= 1200; ++n) blocks.push_back(block_of(n, {n, n + 1, n + 2, n + 3, n + 4}));
  for (std::uint64_t n = 201; n <= 1201; ++n) branch.push_back(block_of(n, {n}, 1));
  Oracle oracle(settings);
  ASSERT_TRUE(oracle.ingest(segment_of(blocks)));
  oracle.evaluate(at(14401));
  ASSERT_TRUE(oracle.ingest(rewinding(200, branch)));
  EXPECT_EQ(oracle.recent_blocks("chain").size(), 1202u);
  blocks.resize(200);
  blocks.insert(blocks.end(), branch.begin(), branch.end());
  EXPECT_EQ(archive_bytes(oracle.evaluate(at(14413))), direct(settings, blocks, at(14413)));
}

TEST(Reorg, R12_WithoutMatchingLogsOnEitherSideChangesNothing) {
  Oracle oracle(head_settings());
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(10, {5}), block_of(11), block_of(12)})));
  const double before = oracle.evaluate(at(145))[0].value;
  ASSERT_TRUE(oracle.ingest(rewinding(10, {block_of(11, {}, 1), block_of(12, {}, 1), block_of(13, {}, 1)})));
  EXPECT_EQ(oracle.evaluate(at(157))[0].value, before);
  EXPECT_EQ(oracle.readings()[0].provenance.sequence, 10u);
  EXPECT_EQ(chain_status(oracle).retracted_blocks, 2u);
  EXPECT_EQ(chain_status(oracle).retracted_events, 0u);
}

TEST(Reorg, R13_OneChainsReorgLeavesTheOtherAlone) {
  Settings settings = head_settings();
  settings.sources.push_back({.name = "other"});
  settings.events.push_back({.name = "OtherTip", .source = "other", .signature = settings.events[0].signature});
  MetricSettings other =
      from_event("other_tips", Aggregate::sum, {.event = "OtherTip", .value = 1, .confirmations = 0});
  other.window = Duration::hours(2);
  settings.metrics.push_back(other);
  Oracle oracle(settings);
  // The same transaction on both: same height, hash and log index.
  const auto on_other = [](ChainSegment s) {
    s.source = "other";
    s.events = {"OtherTip"};
    return s;
  };
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(10, {5}), block_of(11, {7})})));
  ASSERT_TRUE(oracle.ingest(on_other(segment_of({block_of(10, {5}), block_of(11, {7})}))));
  ASSERT_TRUE(oracle.ingest(rewinding(10, {block_of(11, {}, 1)})));
  oracle.evaluate(at(133));
  EXPECT_EQ(oracle.readings()[0].value, 5);
  EXPECT_EQ(oracle.readings()[6].value, 12);
  EXPECT_EQ(oracle.sources()[4].reorgs, 0u);
  EXPECT_EQ(oracle.recent_blocks("other").back().second, hash_of(11));
  // And a violated chain halts its own metrics alone.
  oracle.report({.source = "chain", .at = at(134), .condition = SourceCondition::violated, .detail = "disjoint"});
  oracle.evaluate(at(134));
  EXPECT_EQ(oracle.readings()[0].quality, Quality::halted);
  EXPECT_TRUE(is_usable(oracle.readings()[6].quality));
}

TEST(Reorg, R14_ARefusedSegmentChangesNothing) {
  Oracle oracle = final_at_20();
  const std::string readings = archive_bytes(oracle.evaluate(at(277)));
  EXPECT_FALSE(oracle.ingest(rewinding(21, {block_of(22, {}, 1)}, 7)));
  EXPECT_EQ(oracle.recent_blocks("chain").back().first, 22u);
  EXPECT_EQ(archive_bytes(oracle.evaluate(at(277))), readings);
  EXPECT_EQ(chain_status(oracle).retracted_blocks, 0u);
}

TEST(Reorg, R15_AFinalizedHeightThatMovesBackIsNotBelieved) {
  Oracle oracle = final_at_20();
  ChainSegment s = segment_of({block_of(23)});
  s.finalized = 12;
  ASSERT_TRUE(oracle.ingest(s));
  EXPECT_EQ(chain_status(oracle).finalized, 20u);
  std::vector<ChainBlock> more;
  for (std::uint64_t n = 24; n <= 40; ++n) more.push_back(block_of(n));
  ASSERT_TRUE(oracle.ingest(segment_of(more)));  // a node that names none: the depth does not take its place
  EXPECT_EQ(chain_status(oracle).finalized, 20u);
  EXPECT_EQ(chain_status(oracle).settled, 20u);
  EXPECT_EQ(oracle.ingest(rewinding(18, {block_of(19, {}, 1)})).error().code, ErrorCode::corrupt);
}

TEST(Reorg, R16_EveryEventIsTakenBackOnceAndAnUndoIsUndone) {
  Oracle oracle(head_settings(20));
  const std::vector<ChainBlock> first = {block_of(10, {5}), block_of(11, {7}), block_of(12, {8, 9})};
  const std::vector<ChainBlock> second = {block_of(11, {70}, 1), block_of(12, {}, 1)};
  ASSERT_TRUE(oracle.ingest(segment_of(first)));
  const std::string before = archive_bytes(oracle.evaluate(at(145)));
  std::uint64_t blocks = 0;
  std::uint64_t events = 0;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(oracle.ingest(rewinding(10, second)));
    EXPECT_EQ(oracle.evaluate(at(145))[0].value, 75);
    ASSERT_TRUE(oracle.ingest(rewinding(10, {first[1], first[2]})));
    EXPECT_EQ(archive_bytes(oracle.evaluate(at(145))), before);
    blocks += 4;
    events += 3 + 1;
    EXPECT_EQ(chain_status(oracle).retracted_blocks, blocks);
    EXPECT_EQ(chain_status(oracle).retracted_events, events);
  }
}

TEST(Reorg, R16_AMetricAtTheHeadAloneIsTakenBackToo) {
  Settings settings = head_settings(20);
  settings.metrics.resize(1);
  Oracle oracle(settings);
  const ChainBlock b10 = block_of(10, {5});
  ASSERT_TRUE(oracle.ingest(segment_of({b10, block_of(11, {7})})));
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(12, {8})})));
  ASSERT_TRUE(oracle.ingest(rewinding(10, {block_of(11, {9}, 1)})));
  EXPECT_EQ(archive_bytes(oracle.evaluate(at(133))), direct(settings, {b10, block_of(11, {9}, 1)}, at(133)));
  EXPECT_EQ(chain_status(oracle).retracted_events, 2u);
}

TEST(Reorg, TheFirstBlockOfAllMayBeTakenBack) {
  Oracle oracle(head_settings());
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(10, {5})})));
  oracle.evaluate(at(121));
  ChainBlock other = block_of(10, {6}, 1);
  other.time = at(117);
  ASSERT_TRUE(oracle.ingest(rewinding(9, {other})));
  EXPECT_EQ(archive_bytes(oracle.evaluate(at(122))), direct(head_settings(), {other}, at(122)));
}

TEST(Reorg, NoReadingIsHeldThatRestsOnWhatWasTakenBack) {
  Oracle oracle(head_settings());
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(10), block_of(11, {7})})));
  EXPECT_EQ(oracle.evaluate(at(133))[4].value, 7);
  EXPECT_EQ(oracle.readings()[5].value, 7);
  ASSERT_TRUE(oracle.ingest(rewinding(10, {block_of(11, {}, 1)})));
  EXPECT_TRUE(oracle.evaluate(at(134))[4].time.is_never());
  EXPECT_EQ(oracle.readings()[4].value, 0);
  EXPECT_EQ(oracle.readings()[4].reason, "no value yet (chain: no such event yet)");
  EXPECT_EQ(oracle.readings()[5].value, 0);
}

TEST(Reorg, AHaltThatRestsOnWhatWasTakenBackIsTakenBackToo) {
  Oracle oracle(head_settings(20));
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(10, {5}), block_of(11, {500}), block_of(14, {500})})));
  EXPECT_EQ(oracle.evaluate(at(169))[4].quality, Quality::halted);
  ASSERT_TRUE(oracle.ingest(rewinding(11, {block_of(12, {}, 1), block_of(13, {}, 1), block_of(14, {}, 1)})));
  EXPECT_EQ(oracle.evaluate(at(170))[4].reason, "no value yet (chain: refused for its rate of change)");
  ASSERT_TRUE(oracle.ingest(rewinding(10, {block_of(11, {6}, 2), block_of(12, {}, 2)})));
  EXPECT_EQ(oracle.evaluate(at(171))[4].value, 6);
}

TEST(Reorg, AGuardiansAcceptanceStaysWhenLaterBlocksAreTakenBack) {
  Oracle oracle(head_settings(20));
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(10, {5}), block_of(11, {500}), block_of(12)})));
  EXPECT_FALSE(is_usable(oracle.evaluate(at(145))[4].quality));
  ASSERT_TRUE(oracle.clear("newest", at(146)));
  EXPECT_EQ(oracle.evaluate(at(146))[4].value, 500);
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(13, {510})})));
  ASSERT_TRUE(oracle.ingest(rewinding(12, {block_of(13, {520}, 1)})));
  EXPECT_EQ(oracle.evaluate(at(157))[4].value, 520);
  EXPECT_TRUE(is_usable(oracle.readings()[4].quality));
  // Even when the block after which it was given goes, as long as what it accepted stays ...
  ASSERT_TRUE(oracle.ingest(rewinding(11, {block_of(12, {530}, 2)})));
  EXPECT_EQ(oracle.evaluate(at(158))[4].value, 530);
  // ... and when it is settled, it stays for good.
  std::vector<ChainBlock> more;
  for (std::uint64_t n = 13; n <= 50; ++n) more.push_back(block_of(n, {540}, 2));
  ASSERT_TRUE(oracle.ingest(segment_of(more, 2)));
  ASSERT_TRUE(oracle.ingest(rewinding(49, {block_of(50, {550}, 3)}, 2)));
  EXPECT_EQ(oracle.evaluate(at(601))[4].value, 550);
  // Taken back with what it accepted, it accepts nothing.
  Oracle other(head_settings(20));
  ASSERT_TRUE(other.ingest(segment_of({block_of(10, {5}), block_of(11, {500})})));
  ASSERT_TRUE(other.clear("newest", at(133)));
  ASSERT_TRUE(other.ingest(rewinding(10, {block_of(11, {600}, 1)})));
  EXPECT_FALSE(is_usable(other.evaluate(at(134))[4].quality));
}

TEST(Reorg, AReadingSaysHowMuchOfItIsNotFinal) {
  Oracle oracle = final_at_20();
  EXPECT_EQ(oracle.readings()[0].provisional, 2u);
  EXPECT_EQ(oracle.readings()[2].provisional, 0u);
  EXPECT_EQ(oracle.readings()[5].provisional, 4u);  // of both its operands
  ChainSegment s = segment_of({block_of(23)});
  s.finalized = 23;
  ASSERT_TRUE(oracle.ingest(s));
  EXPECT_EQ(oracle.evaluate(at(277))[0].provisional, 0u);
}

TEST(Reorg, GoesOnFromASavedStateAndRefusesOneThatCannotGoBack) {
  Oracle oracle = final_at_20();
  const std::string saved = bytes_of(oracle);
  Oracle loaded(head_settings());
  Reader reader(saved);
  ASSERT_TRUE(loaded.load(reader) && reader.is_done());
  EXPECT_EQ(bytes_of(loaded), saved);
  ASSERT_TRUE(oracle.ingest(rewinding(21, {block_of(22, {1}, 1)})));
  ASSERT_TRUE(loaded.ingest(rewinding(21, {block_of(22, {1}, 1)})));
  EXPECT_EQ(archive_bytes(oracle.evaluate(at(277))), archive_bytes(loaded.evaluate(at(277))));
}

TEST(Reorg, AMetricAddedLaterSurvivesOneBelowItsBeginning) {
  Settings settings = head_settings();
  Oracle oracle(settings);
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(10, {5}), block_of(11, {6}), block_of(12, {7})})));
  settings.metrics.push_back(from_event("new", Aggregate::sum, tips(Finality::confirmations)));
  oracle.reconfigure(settings);
  ASSERT_TRUE(oracle.ingest(rewinding(10, {block_of(11, {}, 1), block_of(12, {8}, 1), block_of(13, {9}, 1)})));
  oracle.evaluate(at(157));
  EXPECT_EQ(oracle.readings()[0].value, 5 + 8 + 9);
}

TEST(Dispute, DegradesWhatDependsOnTheSourceAndIsCounted) {
  Settings settings = head_settings();
  for (MetricSettings& m : settings.metrics) m.window = Duration::seconds(12);
  settings.metrics.push_back(sampled("pushed", Aggregate::last, {"a", "b"}));
  Oracle oracle(settings);
  Feed feed(oracle);
  feed.send("a", "pushed", 1, 5);
  feed.send("b", "pushed", 1, 5);
  ASSERT_TRUE(oracle.ingest(segment_of({block_of(1), block_of(2, {5}), block_of(3)})));
  EXPECT_EQ(oracle.evaluate(at(30))[0].quality, Quality::ok) << oracle.readings()[0].reason;
  oracle.report({.source = "chain", .at = at(30), .condition = SourceCondition::disputed, .detail = "block 3"});
  oracle.report({.source = "b", .at = at(30), .condition = SourceCondition::disputed, .detail = "5 or 6"});
  oracle.evaluate(at(31));
  EXPECT_EQ(oracle.readings()[0].quality, Quality::degraded);
  EXPECT_EQ(oracle.readings()[0].reason, "chain: providers contradict each other: block 3");
  EXPECT_EQ(oracle.readings()[6].quality, Quality::degraded);
  EXPECT_EQ(oracle.readings()[6].reason, "b: providers contradict each other: 5 or 6");
  EXPECT_EQ(chain_status(oracle).disputes, 1u);
  oracle.report({.source = "chain", .at = at(32)});
  EXPECT_EQ(oracle.evaluate(at(32))[0].quality, Quality::ok);
  EXPECT_EQ(chain_status(oracle).disputes, 1u);
}

}  // namespace
}  // namespace homeostat::oracle
