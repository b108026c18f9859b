// Sources over https:// and wss:// against a server with a certificate of a test authority: they speak TLS, and they
// refuse whom they should.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/sources/sample_source.hpp"
#include "tests/integration/sources/anvil.hpp"
#include "tests/integration/sources/certificates.hpp"
#include "tests/integration/sources/fake_chain.hpp"
#include "tests/integration/sources/source_run.hpp"
#include "tests/integration/sources/web_server.hpp"

namespace homeostat::test {
namespace {

using oracle::SourceCondition;
using sources::FaultKind;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

const Certificates& certificates() {
  static const auto made = [] {
    auto fresh = std::make_unique<Certificates>();
    fresh->make_authority("ca");
    fresh->make_authority("rogue-ca");
    fresh->make_certificate("server", "ca", "DNS:localhost,IP:127.0.0.1");
    fresh->make_certificate("elsewhere", "ca", "DNS:elsewhere.example,IP:192.0.2.1");
    fresh->make_certificate("rogue", "rogue-ca", "DNS:localhost,IP:127.0.0.1");
    return fresh;
  }();
  return *made;
}

std::string head_of(std::uint64_t number) {
  return R"({"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x5","result":{"number":"0x)" +
         fmt::format("{:x}", number) + "\"}}}";
}

/// A node and two metrics behind one certificate.
struct Secured : SourceRun {
  explicit Secured(const std::string& certificate)
      : server(
            io,
            [this](const std::string& target, const std::string& body) {
              if (target == "/value") return std::string(R"({"v": 7})");
              if (target.starts_with("/api")) {
                return std::string(R"({"status":"success","data":{"resultType":"scalar","result":[1600000000,"8"]}})");
              }
              return chain.answer(body);
            },
            [](const std::string& text) {
              const bool asks_chain = text.find("eth_chainId") != std::string::npos;
              return asks_chain ? R"({"jsonrpc":"2.0","id":1,"result":"0x1"})"
                                : R"({"jsonrpc":"2.0","id":2,"result":"0x5"})";
            },
            certificates().server_context(certificate)) {
    http.ca_file = certificates().certificate("ca");
    http.deadline = Duration::seconds(10);
  }

  FakeChain chain{30};
  WebServer server;
  sources::HttpSettings http;
  sources::BackoffSettings backoff{Duration::milliseconds(2), Duration::milliseconds(20), 1};
  std::unique_ptr<sources::SampleSource> source;

  sources::EvmSettings chain_settings(const std::string& host = "127.0.0.1") const {
    sources::EvmSettings settings;
    settings.name = "chain";
    settings.providers = {{"fake", server.url("https", host), server.url("wss", host)}};
    settings.chain_id = 1;
    settings.poll_period = Duration::milliseconds(5);
    settings.http = http;
    settings.backoff = backoff;
    settings.events = {{"tips", FakeChain::contract(), *oracle::parse_event_signature(kTip)}};
    return settings;
  }

  template <class Settings>
  void poll(Settings settings) {
    settings.name = "metrics";
    settings.period = Duration::milliseconds(10);
    settings.http = http;
    settings.backoff = backoff;
    auto made = sources::SampleSource::make(io.get_executor(), std::move(settings), sink(), 0, [this] { return now; });
    ASSERT_TRUE(made) << made.error().text();
    source = std::move(*made);
    source->start();
  }
  void poll_page(const std::string& host = "127.0.0.1") {
    poll(sources::HttpSourceSettings{.metrics = {{"page", server.url("https", host) + "/value", "/v", ""}}});
  }
  void poll_prometheus(const std::string& host = "127.0.0.1") {
    poll(sources::PrometheusSettings{.url = server.url("https", host), .metrics = {{"prom", "x"}}});
  }
};

TEST(Tls, AChainIsReadOverHttpsAndItsHeadsOverWss) {
  Secured run("server");
  auto settings = run.chain_settings();
  settings.poll_period = Duration::hours(1);
  run.start(settings);
  run.run_until([&] { return run.delivered() == 30 && run.evm->metrics().ws_connects == 1; }, "30 blocks and a head");
  run.chain.mine(1);
  run.server.tell(head_of(31));
  run.run_until([&] { return run.delivered() == 31; }, "the block that the WebSocket announced");
  EXPECT_EQ(run.faults(FaultKind::transport), 0u);
  run.expect_linked();
}

TEST(Tls, MetricsAreReadOverHttpsByAddressAndByName) {
  for (const char* host : {"127.0.0.1", "localhost"}) {
    Secured page("server");
    page.poll_page(host);
    page.run_until([&] { return !page.batches.empty(); }, "a page's value");
    EXPECT_EQ(page.batches[0].samples[0].value, 7) << host;
    Secured prometheus("server");
    prometheus.poll_prometheus(host);
    prometheus.run_until([&] { return !prometheus.batches.empty(); }, "a query's value");
    EXPECT_EQ(prometheus.batches[0].samples[0].value, 8) << host;
  }
}

struct Refusal {
  const char* name;
  const char* certificate;
  const char* host;
  bool default_authorities;  ///< no ca_file
  const char* said;
};

class TlsRefuses : public ::testing::TestWithParam<Refusal> {
 protected:
  void SetUp() override {
    run = std::make_unique<Secured>(GetParam().certificate);
    if (GetParam().default_authorities) run->http.ca_file.clear();
  }
  std::unique_ptr<Secured> run;

  auto is_clear() const { return AllOf(HasSubstr("the server's certificate is refused"), HasSubstr(GetParam().said)); }
};

TEST_P(TlsRefuses, AChainsProviderForEachOfItsAddresses) {
  run->start(run->chain_settings(GetParam().host));
  run->run_until([&] { return run->reported(SourceCondition::failing); }, "failing");
  EXPECT_THAT(run->reports.back().detail, is_clear());
  EXPECT_TRUE(run->segments.empty());
  EXPECT_TRUE(run->chain.calls.empty());
  // The WebSocket alone, beside a provider that is fine over plain HTTP.
  WebServer plain(run->io, [&](const std::string&, const std::string& body) { return run->chain.answer(body); });
  auto settings = run->chain_settings(GetParam().host);
  settings.providers[0].http = plain.url("http");
  run->evm.reset();
  run->log.clear();
  run->start(settings);
  run->run_until([&] { return run->delivered() == 30 && run->evm->metrics().ws_faults >= 2; },
                 "the WebSocket's faults");
  EXPECT_EQ(run->evm->metrics().ws_connects, 0u);
  EXPECT_EQ(run->server.sockets_opened(), 0u);
  EXPECT_THAT(run->log, Contains(is_clear()));
}

TEST_P(TlsRefuses, APageAndAPrometheus) {
  run->poll_page(GetParam().host);
  run->run_until([&] { return run->reported(SourceCondition::failing); }, "failing page");
  EXPECT_THAT(run->reports.back().detail, is_clear());
  run->reports.clear();
  run->poll_prometheus(GetParam().host);
  run->run_until([&] { return run->reported(SourceCondition::failing); }, "failing Prometheus");
  EXPECT_THAT(run->reports.back().detail, is_clear());
  EXPECT_TRUE(run->batches.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Table, TlsRefuses,
    ::testing::Values(Refusal{"ForeignAuthority", "rogue", "127.0.0.1", false, "name it with ca_file"},
                      Refusal{"AuthorityOfNoSystem", "server", "127.0.0.1", true, "name it with ca_file"},
                      Refusal{"AnotherAddress", "elsewhere", "127.0.0.1", false, "made out to another host"},
                      Refusal{"AnotherName", "elsewhere", "localhost", false, "made out to another host"}),
    [](const auto& p) { return std::string(p.param.name); });

TEST(Tls, AnAuthorityFileThatIsNotThereIsNamed) {
  Secured run("server");
  run.http.ca_file = "/nowhere/ca.pem";
  run.poll_page();
  run.run_until([&] { return run.reported(SourceCondition::failing); }, "failing");
  EXPECT_THAT(run.reports.back().detail, HasSubstr("loading the certificate authorities /nowhere/ca.pem"));
}

TEST(Tls, APlainServerBehindHttpsIsAFault) {
  SourceRun run;
  WebServer plain(run.io, [](const std::string&, const std::string&) { return std::string(R"({"v": 7})"); });
  sources::HttpSourceSettings settings{
      .name = "page", .metrics = {{"page", plain.url("https") + "/value", "/v", ""}}, .http = {.ca_file = ""}};
  auto made = sources::SampleSource::make(run.io.get_executor(), settings, run.sink(), 0, [&] { return run.now; });
  ASSERT_TRUE(made) << made.error().text();
  (*made)->start();
  run.run_until([&] { return run.reported(SourceCondition::failing); }, "failing");
  EXPECT_THAT(run.reports.back().detail, HasSubstr("TLS handshake"));
}

}  // namespace
}  // namespace homeostat::test
