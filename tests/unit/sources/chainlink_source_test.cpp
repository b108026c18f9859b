// The source over a wire that answers what the test says: what it asks, at which block, how often, and of whom.
#include <map>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>

#include "core/hex.hpp"
#include "daemon/sources/chainlink_source.hpp"
#include "daemon/sources/hex.hpp"

namespace homeostat::sources {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using oracle::SourceCondition;
using ::testing::HasSubstr;

constexpr std::uint64_t kNow = 1'700'000'000;

std::string word(std::uint64_t low, std::uint64_t high = 0) {
  return fmt::format("{:032x}{:016x}{:016x}", 0, high, low);
}

/// One node: what it says the chain is, and what each contract answers by function.
struct FakeNode {
  std::uint64_t chain_id = 1;
  std::uint64_t head = 100;
  std::uint64_t head_time = kNow;
  bool is_dead = false;
  std::string calls_fail;                      ///< the error of every eth_call, if any
  std::map<std::string, std::string> answers;  ///< "address.function()" -> hex; others are reverted
  std::map<std::string, int> asked;            ///< by method, and by "address.function()"
  std::set<std::string> blocks;                ///< every block that was named in an eth_call
  std::vector<std::size_t> batches;

  void round(const std::string& feed, std::uint64_t phase, std::uint64_t round, std::uint64_t answer,
             std::uint64_t started = kNow - 60) {
    answers[feed + ".latestRoundData()"] =
        word(round, phase) + word(answer) + word(started) + word(started + 20) + word(0);
  }

  std::string answer_one(const json::object& request) {
    const std::string method(request.at("method").as_string());
    const auto id = json::serialize(request.at("id"));
    asked[method] += 1;
    const auto result = [&](const std::string& text) {
      return R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + text + "}";
    };
    if (method == "eth_chainId") return result("\"" + hex_quantity(chain_id) + "\"");
    const std::string hash = fmt::format("0x{:064x}", head);
    if (method == "eth_getBlockByNumber") {
      return result(fmt::format(R"({{"number":"{}","hash":"{}","parentHash":"{}","timestamp":"{}"}})",
                                hex_quantity(head), hash, hash, hex_quantity(head_time)));
    }
    const auto& call = request.at("params").as_array();
    blocks.insert(std::string(call[1].at("blockHash").as_string()));
    const std::string to(call[0].at("to").as_string());
    for (const auto& function : {"latestRoundData()", "decimals()", "description()", "aggregator()", "minAnswer()",
                                 "maxAnswer()", "minSubmissionValue()", "maxSubmissionValue()"}) {
      const oracle::Hash32 keccak = keccak256(std::string_view(function));
      const auto selector = hex0x_of(std::span(keccak).first(4));
      if (call[0].at("data").as_string() != selector) continue;
      const std::string key = to.substr(40) + "." + function;
      asked[key] += 1;
      if (!calls_fail.empty()) {
        return R"({"jsonrpc":"2.0","id":)" + id + R"(,"error":{"code":-32000,"message":")" + calls_fail + "\"}}";
      }
      const auto found = answers.find(key);
      if (found != answers.end()) return result("\"0x" + found->second + "\"");
    }
    return R"({"jsonrpc":"2.0","id":)" + id + R"(,"error":{"code":3,"message":"execution reverted"}})";
  }

  std::string answer(const std::string& body) {
    const json::value request = json::parse(body);
    if (request.is_object()) {
      batches.push_back(1);
      return answer_one(request.as_object());
    }
    batches.push_back(request.as_array().size());
    std::string text;
    for (const auto& item : request.as_array()) text += (text.empty() ? "[" : ",") + answer_one(item.as_object());
    return text + "]";
  }
};

class FakeWire : public Wire {
 public:
  explicit FakeWire(std::map<std::string, FakeNode*> nodes) : nodes_(std::move(nodes)) {}
  std::unique_ptr<HttpChannel> http(const Endpoint& endpoint, const HttpSettings&) override {
    return std::make_unique<Channel>(*nodes_.at(endpoint.host));
  }
  std::unique_ptr<MessageChannel> messages(const Endpoint&, const HttpSettings&) override { return nullptr; }

 private:
  class Channel : public HttpChannel {
   public:
    explicit Channel(FakeNode& node) : node_(node) {}
    asio::awaitable<Fetch<HttpReply>> exchange(HttpRequest request) override {
      if (node_.is_dead) co_return fault(FaultKind::transport, "connection refused");
      co_return HttpReply{200, node_.answer(request.body)};
    }
    void close() override {}

   private:
    FakeNode& node_;
  };
  std::map<std::string, FakeNode*> nodes_;
};

struct ChainlinkSourceTest : testing::Test {
  FakeNode one;
  FakeNode two;
  asio::io_context io{1};
  std::vector<oracle::SampleBatch> batches;
  std::vector<oracle::SourceReport> reports;
  std::string log;
  int refuse = 0;
  std::string cursor;  ///< from before it was started
  std::unique_ptr<ChainlinkSource> source;
  ChainlinkSettings settings;

  ChainlinkSourceTest() {
    settings.name = "prices";
    settings.chain_id = 1;
    settings.period = Duration::milliseconds(1);
    settings.backoff = {.first = Duration::milliseconds(1), .max = Duration::milliseconds(2)};
    settings.providers = {{"one", "http://one", ""}, {"two", "http://two", ""}};
    for (FakeNode* node : {&one, &two}) {
      node->round("01", 1, 5, 300'000'000'000);
      node->answers["01.decimals()"] = word(8);
      node->answers["01.aggregator()"] = word(0xa1);
    }
    add_feed("first", 1);
  }

  void add_feed(const std::string& name, std::uint8_t address) {
    ChainlinkFeed feed{.name = name, .metric = name};
    feed.proxy[19] = address;
    settings.feeds.push_back(feed);
  }

  void start() {
    Sink sink;
    sink.samples = [this](oracle::SampleBatch& batch) {
      if (refuse > 0 && refuse-- > 0) return false;
      batches.push_back(std::move(batch));
      return true;
    };
    sink.report = [this](const oracle::SourceReport& report) { reports.push_back(report); };
    sink.log = [this](LogLevel, std::string_view text) { log += std::string(text) + "\n"; };
    Outside outside = network(io.get_executor());
    outside.wire = std::make_shared<FakeWire>(std::map<std::string, FakeNode*>{{"one", &one}, {"two", &two}});
    auto made = ChainlinkSource::make(
        std::move(outside), settings, std::move(sink), 41, [] { return Instant::from_unix_seconds(kNow); }, cursor);
    ASSERT_TRUE(made) << made.error().text();
    source = std::move(*made);
    source->start();
  }
  void until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    io.restart();
    while (!done()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << log;
      io.run_one_for(std::chrono::milliseconds(100));
    }
  }
  void rounds(std::size_t more) {
    const std::size_t goal = batches.size() + more;
    until([&] { return batches.size() >= goal; });
  }
  [[nodiscard]] const FeedMetrics& feed(std::size_t i) const { return source->metrics().feeds[i]; }
  [[nodiscard]] std::uint64_t refused(std::size_t i, chainlink::Refusal why) const {
    return feed(i).refusals[static_cast<std::size_t>(why)];
  }
  ~ChainlinkSourceTest() override {
    if (source) source->stop();
    io.restart();
    while (io.run_one_for(std::chrono::milliseconds(20)) > 0) {
    }
  }
};

TEST_F(ChainlinkSourceTest, JudgesTheFirstRoundsAfterARestartByTheLastOneBelievedBeforeIt) {
  add_feed("second", 2);
  one.round("02", 1, 9, 7'000'000, kNow - 100);
  one.answers["02.decimals()"] = word(6);
  one.round("01", 1, 8, 300'000'000'000);
  start();
  rounds(1);
  source->stop();
  cursor = batches.back().cursor;
  one.round("01", 1, 7, 300'000'000'000);        // a node that is behind
  one.round("02", 2, 1, 70'000'000, kNow - 50);  // a new aggregator, ten times the price
  batches.clear();
  start();
  until([&] {
    return refused(0, chainlink::Refusal::round_regressed) > 0 && refused(1, chainlink::Refusal::phase_jump) > 0;
  });
  EXPECT_TRUE(batches.empty());
  one.round("01", 1, 9, 300'000'000'000);
  rounds(1);
  EXPECT_THAT(batches.back().metrics, ::testing::ElementsAre("first"));
}

TEST_F(ChainlinkSourceTest, ACursorThatCannotBeReadIsAsNone) {
  for (const char* broken : {"x", "\x05\x01", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"}) {
    cursor = broken;
    start();
    rounds(1);
    source->stop();
  }
}

TEST_F(ChainlinkSourceTest, DeliversAllFeedsOfOneBlockWithTheTimeOfTheirObservation) {
  add_feed("second", 2);
  one.round("02", 1, 9, 7'000'000, kNow - 100);
  one.answers["02.decimals()"] = word(6);
  start();
  rounds(2);
  ASSERT_EQ(batches[0].samples.size(), 2u);
  EXPECT_EQ(batches[0].source, "prices");
  EXPECT_EQ(batches[0].first_sequence, 42u);
  EXPECT_THAT(batches[0].metrics, ::testing::ElementsAre("first", "second"));
  EXPECT_EQ(batches[0].samples[0].value, 3000);
  EXPECT_EQ(batches[0].samples[0].time, Instant::from_unix_seconds(kNow - 60));
  EXPECT_EQ(batches[0].samples[1].value, 7);
  EXPECT_EQ(batches[0].samples[1].time, Instant::from_unix_seconds(kNow - 100));
  EXPECT_EQ(batches[1].first_sequence, 44u) << "delivered again with its own old time";
  EXPECT_EQ(batches[1].samples[0].time, batches[0].samples[0].time);
  EXPECT_THAT(one.blocks, ::testing::ElementsAre(fmt::format("0x{:064x}", 100))) << "every call names that block";
  EXPECT_EQ(feed(1).round, 9u);
  EXPECT_EQ(feed(1).age_s, 100u);
  EXPECT_EQ(reports.back().condition, SourceCondition::connected);
}

TEST_F(ChainlinkSourceTest, ReadsTheParametersOncePerPhaseOfTheAggregatorBehindTheProxy) {
  one.answers["a1.minAnswer()"] = word(1);
  one.answers["a1.maxAnswer()"] = word(400'000'000'000);
  start();
  rounds(5);
  EXPECT_EQ(one.asked["01.decimals()"], 1);
  EXPECT_EQ(one.asked["a1.maxAnswer()"], 1);
  EXPECT_EQ(one.asked["01.maxAnswer()"], 0);
  one.answers["01.aggregator()"] = word(0xa2);
  one.answers["01.decimals()"] = word(10);
  one.answers["a2.maxAnswer()"] = word(30'000'000'000'000);
  one.round("01", 2, 1, 29'900'000'000'000);
  until([&] { return feed(0).phase == 2; });
  rounds(3);
  EXPECT_EQ(batches.back().samples[0].value, 2990);
  EXPECT_EQ(one.asked["01.decimals()"], 2);
  EXPECT_EQ(one.asked["a2.maxAnswer()"], 1);
  EXPECT_EQ(feed(0).phase_changes, 1u);
  one.round("01", 2, 2, 30'000'000'000'000);
  until([&] { return refused(0, chainlink::Refusal::pinned_max) > 0; });
  EXPECT_EQ(feed(0).usable, 0u);
}

TEST_F(ChainlinkSourceTest, OneFeedsFaultIsItsOwn) {
  add_feed("broken", 3);
  start();
  rounds(2);
  EXPECT_EQ(batches.back().samples.size(), 1u);
  EXPECT_GE(refused(1, chainlink::Refusal::unreadable), 2u);
  EXPECT_EQ(reports.size(), 1u) << "told once, not in every round";
  EXPECT_EQ(reports.back().condition, SourceCondition::connected);
  EXPECT_THAT(reports.back().detail, HasSubstr("broken: the call was reverted"));
  one.answers["01.decimals()"] = "";
  one.round("01", 2, 1, 1);
  until([&] { return reports.back().condition == SourceCondition::failing; });
  EXPECT_THAT(reports.back().detail, HasSubstr("first: decimals(): the call gave nothing"));
}

TEST_F(ChainlinkSourceTest, F7_ANodeThatFallsBehindIsPassedOver) {
  start();
  rounds(1);
  one.head = 99;
  one.round("01", 1, 4, 310'000'000'000);
  two.head = 101;
  two.round("01", 1, 6, 320'000'000'000);
  until([&] { return batches.back().samples[0].value != 3000; });
  EXPECT_EQ(batches.back().samples[0].value, 3200) << "the older round of the lagging node was not even judged";
  EXPECT_EQ(refused(0, chainlink::Refusal::round_regressed), 0u);
  EXPECT_GE(source->metrics().node.faults[static_cast<std::size_t>(FaultKind::behind)], 1u);
  EXPECT_EQ(source->metrics().node.provider, 1u);
}

TEST_F(ChainlinkSourceTest, V5_ANodeThatStandsStillIsNotBelievedHoweverFreshItsAnswerSeems) {
  one.head_time = kNow - 301;
  one.round("01", 1, 5, 300'000'000'000, kNow - 330);
  two.head_time = kNow - 300;
  two.round("01", 1, 6, 310'000'000'000, kNow - 330);
  start();
  rounds(1);
  EXPECT_EQ(batches[0].samples[0].value, 3100);
  EXPECT_THAT(log, HasSubstr("newest block 100 is 5m1s old; allowed 5m"));
}

TEST_F(ChainlinkSourceTest, F9_AnotherChainIsNotBelieved) {
  one.chain_id = 5;
  two.chain_id = 6;
  start();
  until([&] { return !reports.empty() && reports.back().condition == SourceCondition::wrong_chain; });
  EXPECT_THAT(reports.back().detail, HasSubstr("answers for chain 5, expected chain 1"));
  EXPECT_TRUE(batches.empty());
  two.chain_id = 1;
  rounds(1);
  EXPECT_EQ(reports.back().condition, SourceCondition::connected);
}

TEST_F(ChainlinkSourceTest, ANodeThatCannotAnswerForTheBlockIsTheNodesFault) {
  one.calls_fail = "header not found";
  start();
  rounds(1);
  EXPECT_EQ(source->metrics().node.provider, 1u);
  EXPECT_EQ(refused(0, chainlink::Refusal::unreadable), 0u);
  two.is_dead = true;
  until([&] { return reports.back().condition == SourceCondition::failing; });
  EXPECT_EQ(feed(0).usable, 0u);
  one.calls_fail.clear();
  rounds(1);
  EXPECT_EQ(reports.back().condition, SourceCondition::connected);
}

TEST_F(ChainlinkSourceTest, WhatTheDaemonHasNoRoomForIsOfferedAgainWithItsSequence) {
  refuse = 3;
  start();
  rounds(2);
  EXPECT_EQ(batches[0].first_sequence, 42u);
  EXPECT_EQ(batches[1].first_sequence, 43u);
  EXPECT_EQ(source->metrics().node.back_pressure, 3u);
}

TEST_F(ChainlinkSourceTest, WithoutASequencerNothingIsBelieved) {
  settings.sequencer = ChainlinkSequencer{.feed = {}, .grace = Duration::minutes(10)};
  settings.sequencer->feed[19] = 9;
  start();
  until([&] { return refused(0, chainlink::Refusal::sequencer_unknown) > 0; });
  EXPECT_THAT(reports.back().detail, HasSubstr("the sequencer's uptime feed: the call was reverted"));
  one.round("09", 0, 2, 1, kNow - 50);
  until([&] { return refused(0, chainlink::Refusal::sequencer_down) > 0; });
  one.round("09", 0, 3, 0, kNow - 600);
  until([&] { return refused(0, chainlink::Refusal::sequencer_grace) > 0; });
  EXPECT_TRUE(batches.empty());
  one.round("09", 0, 3, 0, kNow - 601);
  rounds(1);
  EXPECT_EQ(batches.back().samples[0].value, 3000);
}

TEST_F(ChainlinkSourceTest, RefusesSettingsItCannotWorkWith) {
  const auto error = [](ChainlinkSettings s) {
    asio::io_context context;
    auto made = ChainlinkSource::make(context.get_executor(), std::move(s), {}, 0, {});
    return made ? std::string() : made.error().text();
  };
  ChainlinkSettings s = settings;
  s.providers.clear();
  EXPECT_THAT(error(s), HasSubstr("needs at least one provider"));
  s = settings;
  s.feeds.clear();
  EXPECT_THAT(error(s), HasSubstr("needs at least one feed"));
  s = settings;
  s.period = Duration::zero();
  EXPECT_THAT(error(s), HasSubstr("period"));
  s = settings;
  s.providers[0].http = "ftp://one";
  EXPECT_THAT(error(s), HasSubstr("provider one"));
}

}  // namespace
}  // namespace homeostat::sources
