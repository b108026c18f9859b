// Prometheus and HTTP sources against a server in the test: rounds, sequences, faults and recovery.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/sources/sample_source.hpp"
#include "tests/integration/sources/source_run.hpp"
#include "tests/integration/sources/tiny_server.hpp"

namespace homeostat::test {
namespace {

using oracle::SourceCondition;
using sources::FaultKind;
using ::testing::HasSubstr;

struct Polled : SourceRun {
  std::function<RawReply(const std::string& target)> answer;
  std::vector<std::string> targets;
  TinyServer server{io, [this](const std::string& target, const std::string&) {
                      targets.push_back(target);
                      return answer(target);
                    }};
  std::unique_ptr<sources::SampleSource> source;

  template <class Settings>
  void poll(Settings settings, std::uint64_t last_sequence = 0) {
    settings.name = "metrics";
    settings.period = Duration::milliseconds(10);
    settings.backoff = {Duration::milliseconds(2), Duration::milliseconds(20), 1};
    settings.http.deadline = Duration::milliseconds(300);
    auto made = sources::SampleSource::make(io.get_executor(), std::move(settings), sink(), last_sequence,
                                            [this] { return now; });
    ASSERT_TRUE(made) << made.error().text();
    source = std::move(*made);
    source->start();
  }
  sources::PrometheusSettings prometheus() const {
    sources::PrometheusSettings settings;
    settings.url = server.url() + "/prom/";
    settings.metrics = {{"a", "sum(a)"}, {"b", "sum(b)"}};
    return settings;
  }
  std::uint64_t source_faults(FaultKind kind) const { return source->metrics().faults[static_cast<std::size_t>(kind)]; }
};

std::string scalar(const std::string& value) {
  return R"({"status":"success","data":{"resultType":"scalar","result":[1600000000.5,")" + value + "\"]}}";
}

TEST(SampleSource, NumbersSamplesOnFromTheLastSequence) {
  Polled run;
  run.answer = [](const std::string&) { return reply_with(scalar("2.5")); };
  run.poll(run.prometheus(), 100);
  run.run_until([&] { return run.batches.size() == 2; }, "two rounds");
  EXPECT_EQ(run.targets[0], "/prom/api/v1/query?query=sum%28a%29");
  EXPECT_EQ(run.batches[0].first_sequence, 101u);
  EXPECT_EQ(run.batches[1].first_sequence, 103u);
  EXPECT_EQ(run.batches[0].metrics, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(run.batches[0].samples[1].value, 2.5);
  EXPECT_EQ(run.batches[0].samples[1].time.ns, 1600000000500000000);
  EXPECT_TRUE(run.reported(SourceCondition::connected));
}

TEST(SampleSource, OneMetricsErrorLeavesTheOthersAlone) {
  Polled run;
  run.answer = [](const std::string& target) {
    if (target.ends_with("b%29")) return reply_with(R"({"status":"error","error":"no such function"})", 400);
    return reply_with(scalar("1"));
  };
  run.poll(run.prometheus());
  run.run_until([&] { return run.batches.size() == 1; }, "a round");
  EXPECT_EQ(run.batches[0].metrics, std::vector<std::string>{"a"});
  EXPECT_TRUE(run.reported(SourceCondition::connected));
  EXPECT_THAT(run.source->status().metrics[1].fault, HasSubstr("no such function"));
}

TEST(SampleSource, AFullQueueDelaysTheSameBatch) {
  Polled run;
  run.refuse = 3;
  run.answer = [](const std::string&) { return reply_with(scalar("1")); };
  run.poll(run.prometheus());
  run.run_until([&] { return run.batches.size() == 2; }, "two rounds");
  EXPECT_EQ(run.batches[0].first_sequence, 1u);
  EXPECT_EQ(run.batches[1].first_sequence, 3u);
  EXPECT_EQ(run.source->metrics().back_pressure, 3u);
}

TEST(SampleSource, FailsWithTheReasonAndRecoversByItself) {
  const std::vector<std::pair<RawReply, FaultKind>> table = {
      {reply_with("<html>"), FaultKind::not_json},
      {reply_with("busy", 503), FaultKind::http_status},
      {reply_with("", 429), FaultKind::rate_limited},
      {{"", true, false}, FaultKind::transport},
      {{"", false, true}, FaultKind::timed_out},
      {{"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", true, false}, FaultKind::transport},
      {reply_with(std::string(2 << 20, ' ')), FaultKind::oversize},
  };
  for (const auto& [bad, kind] : table) {
    Polled run;
    run.answer = [&bad = bad](const std::string&) { return bad; };
    run.poll(run.prometheus());
    run.run_until([&] { return run.reported(SourceCondition::failing); }, "failing");
    EXPECT_TRUE(run.batches.empty());
    EXPECT_GE(run.source_faults(kind), 1u) << sources::name_of(kind) << " " << run.reports.back().detail;
    run.answer = [](const std::string&) { return reply_with(scalar("1")); };
    run.run_until([&] { return run.reported(SourceCondition::connected) && !run.batches.empty(); }, "recovery");
    EXPECT_EQ(run.batches[0].first_sequence, 1u);
  }
}

TEST(SampleSource, MetricsOfOneUrlShareARequest) {
  Polled run;
  run.answer = [](const std::string&) { return reply_with(R"({"a":1,"b":"2","t":"2020-09-13T12:26:40Z"})"); };
  sources::HttpSourceSettings settings;
  const std::string url = run.server.url() + "/stats?x=1";
  settings.metrics = {{"a", url, "/a", "/t"}, {"b", url, "/b", ""}, {"c", url, "/c", ""}};
  run.poll(settings);
  run.run_until([&] { return run.batches.size() == 1; }, "a round");
  EXPECT_EQ(run.targets, std::vector<std::string>{"/stats?x=1"});
  ASSERT_EQ(run.batches[0].samples.size(), 2u);
  EXPECT_EQ(run.batches[0].samples[0].time, Instant::from_unix_seconds(1600000000));
  EXPECT_EQ(run.batches[0].samples[1].time, run.now);
  EXPECT_EQ(run.source_faults(FaultKind::bad_reply), 1u);
}

TEST(SampleSource, RefusesSettingsThatCannotWork) {
  boost::asio::io_context io;
  const auto make = [&](sources::HttpSourceSettings settings) {
    return sources::SampleSource::make(io.get_executor(), std::move(settings), {}, 0, [] { return Instant{}; });
  };
  EXPECT_FALSE(make({}));
  EXPECT_FALSE(make({.name = "x", .metrics = {{"a", "nowhere", "/a", ""}}}));
  EXPECT_FALSE(make({.name = "x", .metrics = {{"a", "http://h/", "a", ""}}}));
  EXPECT_FALSE(make({.name = "x", .period = Duration::zero(), .metrics = {{"a", "http://h/", "/a", ""}}}));
}

}  // namespace
}  // namespace homeostat::test
