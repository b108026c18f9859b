// The EVM source against a real node.
#include <signal.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/sources/hex.hpp"
#include "tests/integration/sources/anvil.hpp"
#include "tests/integration/sources/source_run.hpp"

namespace homeostat::test {
namespace {

using oracle::SourceCondition;
using sources::FaultKind;
using ::testing::HasSubstr;

sources::EvmSettings settings_for(const Anvil& anvil, const sources::Address& emitter) {
  sources::EvmSettings settings;
  settings.name = "chain";
  settings.providers = {{"local", anvil.http(), ""}};
  settings.chain_id = 31337;
  settings.poll_period = Duration::milliseconds(20);
  settings.backoff = {Duration::milliseconds(20), Duration::milliseconds(200), 1};
  settings.events = {{"tips", emitter, *oracle::parse_event_signature(kTip)}};
  return settings;
}

double amount_of(const oracle::ChainEvent& event) {
  double value = 0;
  for (const std::uint8_t byte : event.args[2]) value = value * 256 + byte;
  return value;
}

TEST(EvmSource, DeliversLiveEventsDecoded) {
  Anvil anvil;
  const auto emitter = anvil.deploy_emitter();
  SourceRun run;
  run.start(settings_for(anvil, emitter));
  run.run_until([&] { return run.delivered() == 1; }, "the deployment's block");
  anvil.tip(emitter, 42, 1000, 3);
  run.run_until([&] { return run.events() == 3; }, "three tips");
  const auto& block = run.segments.back().blocks.back();
  EXPECT_EQ(block.number, 2u);
  EXPECT_EQ(block.events[2].log_index, 2u);
  EXPECT_EQ(block.events[0].args[0][31], 42);
  EXPECT_EQ(amount_of(block.events[0]), 1000);
  EXPECT_EQ(run.segments.back().events, std::vector<std::string>{"tips"});
  EXPECT_TRUE(run.reported(SourceCondition::connected));
  EXPECT_EQ(run.faults(FaultKind::inconsistent), 0u);
  run.expect_linked();
}

TEST(EvmSource, BackfillsInRangesThenGoesOnLive) {
  Anvil anvil;
  const auto emitter = anvil.deploy_emitter();
  for (int i = 0; i < 10; ++i) {
    anvil.tip(emitter, 1, 5, 200);
    anvil.mine(199);
  }
  auto settings = settings_for(anvil, emitter);
  settings.logs_target = 600;
  SourceRun run;
  run.start(settings);
  run.run_until([&] { return run.delivered() == anvil.block_number(); }, "2000 blocks");
  EXPECT_EQ(run.events(), 2000u);
  EXPECT_LT(run.segments.size(), 40u);
  anvil.tip(emitter, 1, 6);
  run.run_until([&] { return run.events() == 2001; }, "the live tip");
  run.expect_linked();
}

TEST(EvmSource, AReorgBecomesOneSegmentThatRewindsAndReplaces) {
  Anvil anvil;
  const auto emitter = anvil.deploy_emitter();
  anvil.mine(5);
  anvil.tip(emitter, 1, 111);
  anvil.mine(2);
  SourceRun run;
  run.start(settings_for(anvil, emitter));
  run.run_until([&] { return run.delivered() == anvil.block_number(); }, "before the reorg");
  const std::uint64_t head = run.delivered();
  EXPECT_EQ(run.events(), 1u);
  run.segments.clear();
  anvil.call("anvil_reorg", "[4, []]");  // takes the tip's block with it
  run.run_until([&] { return !run.segments.empty(); }, "the reorg");
  ASSERT_EQ(run.segments.size(), 1u);
  EXPECT_EQ(run.segments[0].rewind_to, head - 4);
  EXPECT_EQ(run.segments[0].from, head - 3);
  EXPECT_EQ(run.segments[0].to, head);
  EXPECT_EQ(run.events(), 0u);
  EXPECT_EQ(run.evm->metrics().reorgs, 1u);
  EXPECT_EQ(run.evm->metrics().reorg_depth_last, 4u);
  anvil.tip(emitter, 1, 222);
  run.run_until([&] { return run.events() == 1; }, "a tip on the new branch");
}

TEST(EvmSource, TwoReorgsBackToBackEndOnTheNodesChain) {
  Anvil anvil;
  const auto emitter = anvil.deploy_emitter();
  anvil.mine(20);
  SourceRun run;
  run.start(settings_for(anvil, emitter));
  run.run_until([&] { return run.delivered() == anvil.block_number(); }, "the start");
  anvil.call("anvil_reorg", "[3, []]");
  anvil.call("anvil_reorg", "[12, []]");
  anvil.mine(1);
  run.run_until([&] { return run.delivered() == anvil.block_number(); }, "the last branch");
  anvil.tip(emitter, 1, 1);
  run.run_until([&] { return run.events() == 1; }, "going on");
  run.expect_linked();
}

TEST(EvmSource, AReorgWhileItWasAwayIsFoundByTheCursor) {
  Anvil anvil;
  const auto emitter = anvil.deploy_emitter();
  anvil.mine(10);
  sources::Cursor cursor;
  {
    SourceRun run;
    run.start(settings_for(anvil, emitter));
    run.run_until([&] { return run.delivered() == anvil.block_number(); }, "the first life");
    for (const auto& segment : run.segments) {
      for (const auto& block : segment.blocks) cursor.recent.emplace_back(block.number, block.hash);
    }
  }
  const std::uint64_t head = cursor.recent.back().first;
  anvil.call("anvil_reorg", "[5, []]");
  anvil.tip(emitter, 1, 1);
  SourceRun run;
  run.start(settings_for(anvil, emitter), cursor);
  run.run_until([&] { return run.events() == 1; }, "the second life");
  EXPECT_EQ(run.segments[0].rewind_to, head - 5);
  EXPECT_EQ(run.segments[0].from, head - 4);
}

TEST(EvmSource, R4_AForkBelowWhatWasFinalIsViolatedAndNotDelivered) {
  Anvil anvil;
  const auto emitter = anvil.deploy_emitter();
  anvil.mine(10);
  SourceRun run;
  run.start(settings_for(anvil, emitter));
  run.run_until([&] { return run.delivered() == anvil.block_number(); }, "the start");
  run.evm->inform(run.delivered() - 2, std::nullopt);
  const std::size_t before = run.segments.size();
  anvil.call("anvil_reorg", "[2, []]");
  run.run_until([&] { return run.segments.size() == before + 1; }, "a reorg of what was not final");
  anvil.call("anvil_reorg", "[5, []]");
  run.run_until([&] { return run.reported(SourceCondition::violated); }, "violated");
  EXPECT_THAT(run.reports.back().detail, HasSubstr("which was final"));
  EXPECT_EQ(run.segments.size(), before + 1);
}

TEST(EvmSource, C5_AFilterAddedLaterIsReadAloneInRangesBesideLiveBlocks) {
  Anvil anvil;
  const auto emitter = anvil.deploy_emitter();
  for (int i = 0; i < 5; ++i) {
    anvil.tip(emitter, 1, 7, 300);
    anvil.mine(99);
  }
  auto settings = settings_for(anvil, emitter);
  settings.logs_target = 400;
  const auto old = *oracle::parse_event_signature("event Other(uint256 x)");
  settings.events.insert(settings.events.begin(), {"others", emitter, old});
  settings.start_at_latest = true;
  SourceRun run;
  run.start(settings);
  run.run_until([&] { return run.delivered() == anvil.block_number(); }, "the head");
  const std::uint64_t final_block = run.delivered() - 5;
  const oracle::MissingPast missing{{"tips"}, 1, final_block};
  run.evm->inform(final_block, missing);
  anvil.tip(emitter, 1, 8);
  const auto past_end = [&] {
    std::uint64_t end = 0;
    for (const auto& s : run.segments) end = s.past ? s.to : end;
    return end;
  };
  run.run_until([&] { return past_end() == final_block; }, "the past");
  run.evm->inform(final_block, missing);  // asked before the answer was taken in
  anvil.mine(1);
  const auto head = anvil.block_number();
  run.run_until([&] { return !run.segments.back().past && run.delivered() == head; }, "going on");
  std::uint64_t next = 1;
  std::uint64_t events = 0;
  oracle::Hash32 parent{};
  for (const auto& s : run.segments) {
    if (!s.past) continue;
    EXPECT_EQ(s.events, std::vector<std::string>{"tips"});
    EXPECT_EQ(s.from, next);
    EXPECT_EQ(s.blocks.front().number, s.from);
    EXPECT_EQ(s.blocks.back().number, s.to);
    if (next > 1) {
      EXPECT_EQ(s.parent, parent);
    }
    parent = s.blocks.back().hash;
    next = s.to + 1;
    for (const auto& block : s.blocks) events += block.events.size();
  }
  EXPECT_EQ(next, final_block + 1);
  EXPECT_EQ(events, 1500u);
  std::erase_if(run.segments, [](const auto& s) { return s.past; });
  run.expect_linked();
}

TEST(EvmSource, AChainThatSharesNothingIsViolatedAndNothingIsDelivered) {
  Anvil anvil;
  const auto emitter = anvil.deploy_emitter();
  anvil.mine(3);
  SourceRun run;
  run.start(settings_for(anvil, emitter), sources::Cursor{{{1, oracle::Hash32{1}}, {2, oracle::Hash32{2}}}});
  run.run_until([&] { return run.reported(SourceCondition::violated); }, "violated");
  EXPECT_TRUE(run.segments.empty());
  // A guardian accepts the chain as it is: the source begins again.
  run.evm->resume_from({});
  run.run_until([&] { return run.reported(SourceCondition::connected); }, "connected");
  run.run_until([&] { return run.delivered() == 4; }, "the new chain");
}

TEST(EvmSource, ANodeKilledAndRestartedLosesNoEvent) {
  const auto state =
      std::filesystem::path(::testing::TempDir()) / ("anvil-state-" + std::to_string(getpid()) + ".json");
  Anvil::Options options;
  options.more = {"--state", state.string()};
  auto anvil = std::make_unique<Anvil>(options);
  options.port = anvil->port();
  const auto emitter = anvil->deploy_emitter();
  anvil->tip(emitter, 1, 1);
  SourceRun run;
  run.start(settings_for(*anvil, emitter));
  run.run_until([&] { return run.events() == 1; }, "the first tip");
  anvil->tip(emitter, 1, 2);
  anvil->mine(2);
  anvil->end(SIGTERM);
  run.run_until([&] { return run.reported(SourceCondition::failing); }, "failing");
  EXPECT_THAT(run.reports.back().detail, HasSubstr("local"));
  anvil = std::make_unique<Anvil>(options);
  anvil->tip(emitter, 1, 3);
  run.run_until([&] { return run.events() == 3; }, "the gap and the new tip");
  EXPECT_TRUE(run.reported(SourceCondition::connected));
  run.expect_linked();
  std::filesystem::remove(state);
}

TEST(EvmSource, AnotherChainIdIsRefusedUntilTheRightNodeIsBack) {
  Anvil::Options options;
  options.chain_id = 5;
  auto wrong = std::make_unique<Anvil>(options);
  const auto emitter = wrong->deploy_emitter();
  SourceRun run;
  run.start(settings_for(*wrong, emitter));
  run.run_until([&] { return run.reported(SourceCondition::wrong_chain); }, "wrong_chain");
  EXPECT_THAT(run.reports.back().detail, HasSubstr("chain id 5, expected 31337"));
  EXPECT_TRUE(run.segments.empty());
  options.port = wrong->port();
  options.chain_id = 31337;
  wrong.reset();
  Anvil right(options);
  right.deploy_emitter();
  run.run_until([&] { return run.reported(SourceCondition::connected) && run.delivered() == 1; }, "recovery");
}

TEST(EvmSource, AProviderOfAnotherChainIsPassedOver) {
  Anvil::Options options;
  options.chain_id = 5;
  auto first = std::make_unique<Anvil>(options);
  Anvil second;
  const auto emitter = second.deploy_emitter();
  auto settings = settings_for(second, emitter);
  settings.providers = {{"first", first->http(), ""}, {"second", second.http(), ""}};
  SourceRun run;
  run.start(settings);
  run.run_until([&] { return run.delivered() == 1; }, "the second provider");
  EXPECT_EQ(run.evm->metrics().provider, 1u);
  EXPECT_GE(run.faults(FaultKind::wrong_chain), 1u);
  EXPECT_TRUE(run.reported(SourceCondition::connected));
  EXPECT_EQ(run.reports.size(), 1u);
}

TEST(EvmSource, AMissingContractHoldsUntilItIsThere) {
  Anvil anvil;
  anvil.mine(3);
  auto settings = settings_for(anvil, *sources::parse_array<20>("0x5fbdb2315678afecb367f032d93f642f64180aa3"));
  settings.contracts["token"] = settings.events[0].contract;
  SourceRun run;
  run.start(settings);
  run.run_until([&] { return run.reported(SourceCondition::failing); }, "failing");
  EXPECT_THAT(run.reports.back().detail, HasSubstr("contract token at 0x5fbdb2315678afecb367f032d93f642f64180aa3"));
  EXPECT_TRUE(run.segments.empty());
  ASSERT_EQ(anvil.deploy_emitter(), settings.events[0].contract);
  run.run_until([&] { return run.delivered() == 4; }, "going on");
  EXPECT_TRUE(run.reported(SourceCondition::connected));
}

TEST(EvmSource, AFullQueueDelaysButLosesNothing) {
  Anvil anvil;
  const auto emitter = anvil.deploy_emitter();
  for (int i = 0; i < 5; ++i) anvil.tip(emitter, 1, 1);
  SourceRun run;
  run.refuse = 5;
  run.start(settings_for(anvil, emitter));
  run.run_until([&] { return run.events() == 5; }, "five tips");
  EXPECT_EQ(run.evm->metrics().back_pressure, 5u);
  run.expect_linked();
}

TEST(EvmSource, ALogThatCannotBeDecodedIsCountedAndTold) {
  Anvil anvil;
  const auto emitter = anvil.deploy_emitter();
  auto settings = settings_for(anvil, emitter);
  // The same topic 0, but nothing indexed: the real log has three topics.
  settings.events[0].signature =
      *oracle::parse_event_signature("event Tip(address viewer, address creator, uint256 amount)");
  SourceRun run;
  run.start(settings);
  anvil.tip(emitter, 1, 1);
  run.run_until([&] { return run.delivered() == 2; }, "the tip's block");
  EXPECT_EQ(run.events(), 0u);
  EXPECT_EQ(run.evm->metrics().logs_undecodable, 1u);
  EXPECT_THAT(run.log, ::testing::Contains(HasSubstr("was not understood")));
}

TEST(EvmSource, WebSocketHeadsWakeThePollUp) {
  Anvil anvil;
  const auto emitter = anvil.deploy_emitter();
  auto settings = settings_for(anvil, emitter);
  settings.providers[0].ws = anvil.ws();
  settings.poll_period = Duration::hours(1);
  SourceRun run;
  run.start(settings);
  run.run_until([&] { return run.evm->metrics().ws_connects == 1; }, "the subscription");
  // The subscription itself is a reason to look once; what comes after that is noticed by its head only.
  for (std::uint64_t tips = 1; tips <= 3; ++tips) {
    anvil.tip(emitter, 1, 1);
    run.run_until([&] { return run.events() == tips && run.evm->metrics().ws_heads >= tips; },
                  "a tip and its head long before the next poll");
  }
}

}  // namespace
}  // namespace homeostat::test
