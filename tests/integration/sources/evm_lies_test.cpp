// The EVM source against a node that fails or lies in every way we know of: it holds, counts, and recovers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/sources/anvil.hpp"
#include "tests/integration/sources/fake_chain.hpp"
#include "tests/integration/sources/source_run.hpp"
#include "tests/integration/sources/tiny_server.hpp"

namespace homeostat::test {
namespace {

using oracle::SourceCondition;
using sources::FaultKind;
using ::testing::HasSubstr;

struct Liar : SourceRun {
  FakeChain chain{30};
  std::function<std::optional<RawReply>(const std::string& body)> instead;  ///< overrules the chain's answer
  TinyServer server{io, [this](const std::string&, const std::string& body) {
                      if (instead) {
                        if (auto reply = instead(body)) return *reply;
                      }
                      return reply_with(chain.answer(body));
                    }};

  sources::EvmSettings settings() const {
    sources::EvmSettings settings;
    settings.name = "chain";
    settings.providers = {{"fake", server.url(), ""}};
    settings.chain_id = 1;
    settings.poll_period = Duration::milliseconds(5);
    settings.backoff = {Duration::milliseconds(2), Duration::milliseconds(20), 1};
    settings.http.deadline = Duration::milliseconds(500);
    settings.events = {{"tips", FakeChain::contract(), *oracle::parse_event_signature(kTip)}};
    return settings;
  }

  void expect_recovery() {
    instead = nullptr;
    run_until([&] { return reported(SourceCondition::connected) && delivered() == chain.head(); }, "recovery");
    EXPECT_EQ(events(), chain.head() + 1);
    expect_linked();
  }
};

struct BadAnswer {
  const char* name;
  RawReply reply;
  FaultKind kind;
};

class EvmSourceBadAnswer : public ::testing::TestWithParam<BadAnswer> {};

TEST_P(EvmSourceBadAnswer, IsCountedHeldAndRecoveredFrom) {
  Liar run;
  run.instead = [](const std::string&) { return GetParam().reply; };
  auto settings = run.settings();
  settings.http.response_max = 100'000;
  run.start(settings);
  run.run_until([&] { return run.reported(SourceCondition::failing); }, "failing");
  EXPECT_TRUE(run.segments.empty());
  EXPECT_GE(run.faults(GetParam().kind), 1u) << run.reports.back().detail;
  run.expect_recovery();
}

INSTANTIATE_TEST_SUITE_P(
    Table, EvmSourceBadAnswer,
    ::testing::Values(
        BadAnswer{"Html", reply_with("<html>Bad gateway</html>"), FaultKind::not_json},
        BadAnswer{"Status502", reply_with("<html>Bad gateway</html>", 502), FaultKind::http_status},
        BadAnswer{"Status429", reply_with("{}", 429), FaultKind::rate_limited},
        BadAnswer{"Empty", reply_with(""), FaultKind::not_json},
        BadAnswer{"WrongId", reply_with(R"([{"jsonrpc":"2.0","id":999,"result":"0x1"}])"), FaultKind::wrong_id},
        BadAnswer{"MissingAnswers", reply_with("[]"), FaultKind::bad_reply},
        BadAnswer{"NotHttp", {"garbage\r\n\r\n", true}, FaultKind::transport},
        BadAnswer{"HangsUp", {"", true}, FaultKind::transport},
        BadAnswer{"Truncated", {"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n[{\"id\"", true}, FaultKind::transport},
        BadAnswer{"Silent", {"", false, true}, FaultKind::timed_out},
        BadAnswer{"TooLarge", reply_with(std::string(200'000, ' ')), FaultKind::oversize}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(EvmSource, LogsWithAnotherBlockHashAreRefused) {
  Liar run;
  run.chain.wrong_block_hash = true;
  run.start(run.settings());
  run.run_until([&] { return run.faults(FaultKind::inconsistent) > 2; }, "inconsistent");
  EXPECT_TRUE(run.segments.empty());
  run.chain.wrong_block_hash = false;
  run.expect_recovery();
}

TEST(EvmSource, TheSameLogTwiceIsRefused) {
  Liar run;
  run.chain.duplicate_logs = true;
  run.start(run.settings());
  run.run_until([&] { return run.faults(FaultKind::inconsistent) > 2; }, "inconsistent");
  run.chain.duplicate_logs = false;
  run.expect_recovery();
}

TEST(EvmSource, AnEmptyAnswerForABlockWhoseBloomPromisesLogsIsRefused) {
  Liar run;
  run.chain.hide_logs = true;
  run.start(run.settings());
  run.run_until([&] { return run.faults(FaultKind::inconsistent) > 2; }, "inconsistent");
  EXPECT_TRUE(run.segments.empty());
  EXPECT_THAT(run.reports.back().detail, HasSubstr("bloom"));
  run.chain.hide_logs = false;
  run.expect_recovery();
}

TEST(EvmSource, TooManyResultsShrinksTheRangeUntilItFitsAndGrowsAgain) {
  Liar run;
  run.chain.mine(3000);
  run.chain.range_max = 37;
  run.start(run.settings());
  run.run_until([&] { return run.delivered() == run.chain.head(); }, "the backfill", std::chrono::seconds(120));
  EXPECT_EQ(run.events(), run.chain.head() + 1);
  EXPECT_GT(run.faults(FaultKind::range_too_wide), 3u);
  EXPECT_TRUE(run.reported(SourceCondition::connected));
  run.expect_linked();
}

TEST(EvmSource, AHintEqualToTheRefusedRangeDoesNotLoop) {
  Liar run;
  run.chain.mine(600);
  run.chain.range_max = 100;
  run.chain.too_wide_text = "Max range: 500";
  run.start(run.settings());
  run.run_until([&] { return run.delivered() == run.chain.head(); }, "the backfill", std::chrono::seconds(120));
  run.expect_linked();
}

TEST(EvmSource, ARangeRefusedDownToOneBlockIsAFailureNotALoop) {
  Liar run;
  run.chain.mine(600);
  run.chain.range_max = 0;
  run.start(run.settings());
  run.run_until([&] { return run.reported(SourceCondition::failing); }, "failing");
  EXPECT_LT(run.faults(FaultKind::range_too_wide), 12u);
  run.chain.range_max = 1000;
  run.expect_recovery();
}

TEST(EvmSource, ANodeWithoutBatchesIsAskedOneByOne) {
  Liar run;
  run.chain.no_batches = true;
  run.start(run.settings());
  run.run_until([&] { return run.delivered() == 30; }, "all blocks");
  run.expect_linked();
}

TEST(EvmSource, AShorterChainIsWaitedForAndThenFollowed) {
  Liar run;
  run.start(run.settings());
  run.run_until([&] { return run.delivered() == 30; }, "all blocks");
  run.segments.clear();
  run.chain.reorg(20, 25, 'b');
  run.run_until([&] { return run.faults(FaultKind::behind) > 3; }, "behind");
  EXPECT_TRUE(run.segments.empty());
  EXPECT_TRUE(run.reported(SourceCondition::connected));
  run.chain.mine(6);
  run.run_until([&] { return run.delivered() == 31; }, "the new branch");
  ASSERT_EQ(run.segments.size(), 1u);
  EXPECT_EQ(run.segments[0].rewind_to, 20u);
}

TEST(EvmSource, AReorgBetweenHeaderAndLogsIsNeverMixed) {
  Liar run;
  int steps = 0;
  run.instead = [&](const std::string& body) -> std::optional<RawReply> {
    // Just before logs are asked for, the chain changes under them, a few times.
    if (body.find("eth_getLogs") != std::string::npos && steps < 6) run.chain.reorg(25, 30, "bcdefg"[steps++]);
    return std::nullopt;
  };
  run.start(run.settings());
  run.run_until([&] { return steps == 6 && run.delivered() == 30; }, "a quiet chain");
  run.expect_linked();
  for (const auto& block : run.segments.back().blocks) {
    if (block.number > 25) EXPECT_EQ(block.hash[0], 'g');
  }
}

TEST(EvmSource, BlocksThatContradictTheirNumberAreRefused) {
  Liar run;
  run.instead = [&](const std::string& body) -> std::optional<RawReply> {
    std::string answer = run.chain.answer(body);
    for (std::size_t at = 0; (at = answer.find(R"("number":"0x5")", at)) != std::string::npos;)
      answer.replace(at, 14, R"("number":"0x6")");
    return reply_with(answer);
  };
  run.start(run.settings());
  run.run_until([&] { return run.faults(FaultKind::inconsistent) > 2; }, "inconsistent");
  EXPECT_TRUE(run.segments.empty());
  run.expect_recovery();
}

TEST(EvmSource, FallsBackToTheNextProviderAndReturnsToTheFirst) {
  Liar run;
  TinyServer second(run.io,
                    [&](const std::string&, const std::string& body) { return reply_with(run.chain.answer(body)); });
  auto settings = run.settings();
  settings.providers = {{"first", run.server.url(), ""}, {"second", second.url(), ""}};
  run.start(settings);
  run.run_until([&] { return run.delivered() == 30; }, "the first provider");
  EXPECT_EQ(run.evm->metrics().provider, 0u);
  run.instead = [](const std::string&) { return reply_with("gone", 503); };
  run.run_until([&] { return run.evm->metrics().provider == 1u; }, "the second provider");
  run.chain.mine(3);
  run.run_until([&] { return run.delivered() == 33; }, "blocks by the second");
  run.instead = nullptr;
  run.run_until([&] { return run.evm->metrics().provider == 0u; }, "the return to the first");
  run.chain.mine(2);
  run.run_until([&] { return run.delivered() == 35; }, "blocks by the first again");
  EXPECT_TRUE(run.evm->status().providers[0].in_use);
  EXPECT_EQ(run.events(), 36u);
  run.expect_linked();
  for (const auto& report : run.reports) EXPECT_EQ(report.condition, SourceCondition::connected) << report.detail;
}

TEST(EvmSource, StartAtLatestBeginsBelowWhatAReorgMayReachAndLaterAtTheCursor) {
  Liar run;
  auto settings = run.settings();
  settings.start_at_latest = true;
  run.start(settings);
  run.run_until([&] { return run.delivered() == 30; }, "the head");
  EXPECT_EQ(run.segments[0].from, 30 - settings.confirmations);
  run.chain.mine(2);
  run.run_until([&] { return run.delivered() == 32; }, "what came after");
  EXPECT_EQ(run.events(), 3 + settings.confirmations);
  run.expect_linked();
  // Started again with what it had delivered: not at the head, which would leave a gap.
  const auto last = run.segments.back().blocks.back();
  run.evm.reset();
  run.io.restart();
  run.io.poll();
  run.segments.clear();
  run.chain.mine(8);
  run.start(settings, {{{last.number, last.hash}}});
  run.run_until([&] { return run.delivered() == 40; }, "the gap and the head");
  EXPECT_EQ(run.segments[0].from, 33u);
  EXPECT_EQ(run.events(), 8u);
  run.expect_linked();
}

}  // namespace
}  // namespace homeostat::test
