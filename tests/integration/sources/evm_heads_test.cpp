// New heads by WebSocket: a socket that is open but silent is opened anew, one that closes is opened anew after a wait,
// and what came meanwhile is delivered.
#include <chrono>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/sources/anvil.hpp"
#include "tests/integration/sources/fake_chain.hpp"
#include "tests/integration/sources/source_run.hpp"
#include "tests/integration/sources/web_server.hpp"

namespace homeostat::test {
namespace {

using oracle::SourceCondition;
using ::testing::Contains;
using ::testing::HasSubstr;

struct Announced : SourceRun {
  FakeChain chain{30};
  std::string chain_id = "0x1";  ///< as the WebSocket answers
  WebServer server{io, [this](const std::string&, const std::string& body) { return chain.answer(body); },
                   [this](const std::string& text) {
                     const bool asks_chain = text.find("eth_chainId") != std::string::npos;
                     return asks_chain ? fmt::format(R"({{"jsonrpc":"2.0","id":1,"result":"{}"}})", chain_id)
                                       : std::string(R"({"jsonrpc":"2.0","id":2,"result":"0x5"})");
                   }};

  sources::EvmSettings settings() const {
    sources::EvmSettings settings;
    settings.name = "chain";
    settings.providers = {{"fake", server.url("http"), server.url("ws")}};
    settings.chain_id = 1;
    settings.backoff = {Duration::milliseconds(2), Duration::milliseconds(20), 1};
    settings.events = {{"tips", FakeChain::contract(), *oracle::parse_event_signature(kTip)}};
    return settings;
  }
  void announce() {
    server.tell(fmt::format(
        R"({{"jsonrpc":"2.0","method":"eth_subscription","params":{{"subscription":"0x5","result":{{"number":"0x{:x}"}}}}}})",
        chain.head()));
  }
  /// Until nothing is under way any more: both ends are in this thread, so what is quiet waits for a timer.
  void settle() {
    io.restart();
    while (io.run_one_for(std::chrono::milliseconds(50)) > 0) {
    }
  }
  [[nodiscard]] const sources::EvmMetrics& metrics() const { return evm->metrics(); }
};

TEST(EvmHeads, ASocketThatIsSilentWhilePollingSeesBlocksIsOpenedAnew) {
  Announced run;
  auto settings = run.settings();
  settings.poll_period = Duration::milliseconds(5);
  settings.ws_silence_max = Duration::milliseconds(50);
  run.start(settings);
  run.run_until(
      [&] {
        if (run.delivered() == run.chain.head()) run.chain.mine(1);
        return run.server.sockets_opened() >= 3;
      },
      "the third socket");
  EXPECT_GE(run.metrics().ws_silences, 2u);
  EXPECT_EQ(run.metrics().ws_heads, 0u);
  // And the new one is listened to.
  run.run_until(
      [&] {
        if (run.delivered() == run.chain.head()) {
          run.chain.mine(1);
          run.announce();
        }
        return run.metrics().ws_heads >= 10;
      },
      "ten heads");
  EXPECT_TRUE(run.reported(SourceCondition::connected));
  run.expect_linked();
}

TEST(EvmHeads, ASocketOfAQuietChainIsLeftAlone) {
  Announced run;
  auto settings = run.settings();
  settings.poll_period = Duration::milliseconds(2);
  settings.ws_silence_max = Duration::milliseconds(1);
  run.start(settings);
  run.run_until([&] { return run.metrics().ws_connects == 1; }, "the subscription");
  const auto asked = run.chain.calls["eth_getBlockByNumber"];
  run.run_until([&] { return run.chain.calls["eth_getBlockByNumber"] > asked + 50; }, "many polls");
  EXPECT_EQ(run.metrics().ws_silences, 0u);
  EXPECT_EQ(run.server.sockets_opened(), 1u);
}

TEST(EvmHeads, AClosedSocketIsOpenedAnewAndTheGapFilledAtOnce) {
  Announced run;
  auto settings = run.settings();
  settings.poll_period = Duration::hours(1);  // only heads wake it up
  settings.backoff = {Duration::seconds(1), Duration::seconds(1), 1};
  run.start(settings);
  run.run_until([&] { return run.delivered() == 30 && run.metrics().ws_connects == 1; }, "the head and a socket");
  run.settle();
  run.chain.mine(1);
  run.announce();
  run.run_until([&] { return run.delivered() == 31; }, "an announced block");
  run.server.hang_up();
  run.settle();
  EXPECT_EQ(run.metrics().ws_faults, 1u);
  run.chain.mine(3);  // nobody hears of these
  run.run_until([&] { return run.metrics().ws_connects == 2; }, "a new socket");
  run.run_until([&] { return run.delivered() == 34; }, "what came meanwhile", std::chrono::seconds(20));
  EXPECT_EQ(run.metrics().ws_faults, 1u);
  EXPECT_THAT(run.log, Contains(HasSubstr("new heads by WebSocket ended")));
  EXPECT_EQ(run.events(), 35u);
  run.expect_linked();
}

TEST(EvmHeads, ASocketThatCannotBeOpenedIsTriedAgainAfterGrowingWaits) {
  Announced run;
  run.chain_id = "0x2";
  auto settings = run.settings();
  settings.poll_period = Duration::milliseconds(5);
  settings.backoff = {Duration::milliseconds(100), Duration::seconds(10), 1};
  run.start(settings);
  run.run_until([&] { return run.metrics().ws_faults == 1; }, "the first refusal");
  const auto began = std::chrono::steady_clock::now();
  run.run_until([&] { return run.metrics().ws_faults == 3; }, "the third");
  // 100 ms and 200 ms, each at most a quarter less.
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(225 - 1));
  EXPECT_THAT(run.log, Contains(HasSubstr("the WebSocket answers for chain id 0x2")));
  EXPECT_EQ(run.metrics().ws_connects, 0u);
  EXPECT_EQ(run.delivered(), 30u) << "polling goes on";
}

}  // namespace
}  // namespace homeostat::test
