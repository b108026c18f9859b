// Following a chain live with 900 filters, through the real daemon: newHeads over a WebSocket, every check at the head
// (chain id, parent hashes, whole blocks of logs by number, bloom filter and block hash), journal with a flush per
// group commit, the oracle, and a loop that decides upon what came. The chain was made on a real node in advance
// (support/recorded_chain.hpp).
//
// - Rate: each block is announced when the logs of the one before were asked for; counted until a decision upon the
//   last block is on the Watch stream. Beside it a bare client that makes the same requests and throws the bytes away.
// - Latency: from just before the newHeads message is sent to when a client of Watch holds a decision that was made
//   upon a reading of that block. The period is 10 ms, so some 5 ms of it, at most 10, are the wait for the tick.
//
//   live_bench [--smoke]
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "benchmarks/support/process.hpp"
#include "benchmarks/support/recorded_chain.hpp"
#include "benchmarks/support/table.hpp"
#include "core/hex.hpp"
#include "daemon/sources/http_client.hpp"
#include "daemon/sources/rpc.hpp"
#include "homeostat/v1/control.grpc.pb.h"

using namespace homeostat;

namespace {

using Clock = bench::ChainServer::Clock;

constexpr std::size_t kFilters = 900;
constexpr std::uint64_t kLogsPerBlock = 1000;
constexpr double kTargetLogsPerS = 20'000;
constexpr double kTargetP99Ms = 20;
constexpr auto kDeadline = std::chrono::minutes(5);

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}
double ms_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

/// One event of each contract, a count of each, and a loop on the number that the newest block carries.
std::string config_of(const bench::RecordedChain& chain, const bench::ChainServer& server,
                      const std::string& directory) {
  std::string text = fmt::format(
      "homeostat: 1\nname: live\nperiod: 10ms\nlisten: {{grpc: \"127.0.0.1:0\", http: \"127.0.0.1:0\"}}\n"
      "journal: {{directory: \"{}/journal\"}}\nsources:\n  chain:\n    kind: evm\n    chain_id: {}\n"
      "    providers: [{{name: recorded, http: \"{}\", ws: \"{}\"}}]\n"
      "    start_block: {}\n    finality: latest\n    poll: 1s\n    contracts:\n",
      directory, chain.chain_id, server.http(), server.ws(), chain.first);
  std::string metrics = "metrics:\n";
  for (std::size_t i = 0; i < chain.contracts.size(); ++i) {
    text += fmt::format("      c{}: {{address: \"{}\", events: [\"{}\"]}}\n", i, hex0x_of(chain.contracts[i]),
                        bench::kTipSignature);
    metrics += fmt::format(
        "  tips_{}: {{event: c{}.Tip, aggregate: count, window: 1d, coverage_min: 0%, unit: tips, min: 0, max: "
        "1e12}}\n",
        i, i);
  }
  return text + metrics +
         "  newest: {event: c0.Tip, value: amount, unit: blocks, min: 0, max: 1e12, staleness_max: 1h}\n"
         "parameters:\n"
         "  rate: {unit: points, decimals: 2, initial: 50, min: 0, max: 100, quantum: 0.25, change: 1, cooldown: 0s}\n"
         "loops:\n"
         "  hold: {response: as the newest block goes, metric: newest, parameter: rate, setpoint: 0 blocks, when_high: "
         "raise, gains: {kp: 0.000001}}\n";
}

/// What the controller saw last, by the Watch stream of decisions.
class Watcher {
 public:
  struct Seen {
    Clock::time_point here;  ///< when the decision was with the client
    Clock::time_point slot;  ///< the tick that made it
  };

  explicit Watcher(const std::string& address)
      : stub_(v1::ControlService::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()))) {
    v1::WatchRequest request;
    request.set_decisions(true);
    context_.set_deadline(Clock::now() + kDeadline);
    stream_ = stub_->Watch(&context_, request);
    thread_ = std::thread([this] { run(); });
  }
  ~Watcher() {
    context_.TryCancel();
    thread_.join();
    (void)stream_->Finish();
  }

  /// Waits for a decision upon a reading of block `number` or a later one.
  Seen wait_for(std::uint64_t number) {
    std::unique_lock lock(mutex_);
    const bool came = moved_.wait_for(lock, kDeadline, [&] { return ended_ || newest_ >= number; });
    if (!came || ended_) bench::give_up(fmt::format("no decision upon block {}; the last one is {}", number, newest_));
    return seen_;
  }
  /// Sum of the readings of all counts.
  [[nodiscard]] double counted() {
    grpc::ClientContext context;
    v1::ListMetricsResponse response;
    if (!stub_->ListMetrics(&context, {}, &response).ok()) bench::give_up("ListMetrics failed");
    double sum = 0;
    for (const auto& metric : response.metrics()) {
      if (metric.name().starts_with("tips_")) sum += metric.reading().value();
    }
    return sum;
  }

 private:
  void run() {
    v1::WatchEvent event;
    while (stream_->Read(&event)) {
      if (!event.has_decision() || event.decision().loops_size() == 0) continue;
      const auto& at = event.decision().at();
      const double value = event.decision().loops(0).reading().value();
      const std::lock_guard lock(mutex_);
      if (value <= static_cast<double>(newest_)) continue;
      newest_ = static_cast<std::uint64_t>(value);
      seen_ = {Clock::now(),
               Clock::time_point(std::chrono::seconds(at.seconds()) + std::chrono::nanoseconds(at.nanos()))};
      moved_.notify_all();
    }
    const std::lock_guard lock(mutex_);
    ended_ = true;
    moved_.notify_all();
  }

  std::unique_ptr<v1::ControlService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchEvent>> stream_;
  std::mutex mutex_;
  std::condition_variable moved_;
  std::uint64_t newest_ = 0;
  Seen seen_;
  bool ended_ = false;
  std::thread thread_;
};

/// The server alone: for each block what the daemon must ask, bytes thrown away. Logs per second.
double bare_rate(const bench::RecordedChain& chain, std::uint64_t from, std::uint64_t to) {
  bench::ChainServer server(chain, chain.last());
  boost::asio::io_context io{1};
  sources::HttpClient client(io.get_executor(), *sources::parse_endpoint(server.http(), false, "bare"), {});
  std::uint64_t logs = 0;
  const auto ask = [&](std::vector<sources::rpc::Call> calls) -> boost::asio::awaitable<void> {
    sources::HttpRequest request{.post = true, .target = "/", .content_type = "application/json"};
    request.body = sources::rpc::encode(calls, 1);
    const auto reply = co_await client.exchange(std::move(request));
    if (!reply || reply->status != 200) bench::give_up("the bare client got no answer");
  };
  const auto start = Clock::now();
  const auto fetch_all = [&]() -> boost::asio::awaitable<void> {
    for (std::uint64_t n = from; n <= to; ++n) {
      using namespace sources::rpc;
      std::vector<Call> heads{chain_id(), header_by_number(n), header_by_tag("safe"), header_by_tag("finalized")};
      co_await ask(std::move(heads));
      oracle::Hash32 hash{};
      (void)decode_hex(chain.blocks[n].hash, hash);
      std::vector<Call> whole{logs_of_block({}, hash)};
      co_await ask(std::move(whole));
      logs += chain.blocks[n].log_count;
    }
  };
  boost::asio::co_spawn(io, fetch_all(), [](const std::exception_ptr& e) {
    if (e) std::rethrow_exception(e);
  });
  io.run();
  return static_cast<double>(logs) / seconds_since(start);
}

struct Measured {
  double logs_per_s = 0;
  std::vector<double> whole_ms;   ///< newHeads sent -> decision upon the block at the client
  std::vector<double> behind_ms;  ///< of that, behind the beginning of the slot that decided
};

Measured follow(const bench::RecordedChain& chain, std::uint64_t latency_blocks) {
  const bench::Scratch scratch;
  bench::ChainServer server(chain, chain.first);
  bench::Daemon daemon(scratch.path(), config_of(chain, server, scratch.path()));
  Watcher watcher(daemon.grpc_address());
  (void)watcher.wait_for(chain.first);
  while (server.listeners() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));

  Measured out;
  std::mt19937 random(20'261'121);
  std::uniform_int_distribution<int> phase_us(20'000, 40'000);
  std::uint64_t block = chain.first;
  for (std::uint64_t i = 0; i < latency_blocks; ++i) {
    std::this_thread::sleep_for(std::chrono::microseconds(phase_us(random)));
    const auto sent = server.announce(++block);
    const auto seen = watcher.wait_for(block);
    out.whole_ms.push_back(ms_between(sent, seen.here));
    out.behind_ms.push_back(ms_between(seen.slot, seen.here));
  }
  const auto start = Clock::now();
  server.announce_as_followed(chain.last());
  const auto end = watcher.wait_for(chain.last());
  out.logs_per_s = static_cast<double>((chain.last() - block) * kLogsPerBlock) /
                   std::chrono::duration<double>(end.here - start).count();
  double all = 0;
  for (const auto& b : chain.blocks) all += static_cast<double>(b.log_count);
  if (watcher.counted() != all) bench::give_up(fmt::format("{} of {} logs were counted", watcher.counted(), all));
  daemon.stop();
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = bench::is_smoke(argc, argv);
  const std::uint64_t latency_blocks = smoke ? 5 : 300;
  const std::uint64_t rate_blocks = smoke ? 5 : 300;
  const auto chain = bench::record(kFilters, 1 + latency_blocks + rate_blocks, kLogsPerBlock);
  const double bare = bare_rate(chain, chain.last() - rate_blocks + 1, chain.last());
  const Measured m = follow(chain, latency_blocks);
  const double node = static_cast<double>((chain.last() - chain.first + 1) * kLogsPerBlock) / chain.seconds;
  bench::print({.what = fmt::format("following live with {} filters, {} logs a block, all checks, durable, logs/s",
                                    kFilters, bench::grouped(double(kLogsPerBlock))),
                .measured = bench::grouped(m.logs_per_s),
                .beside = fmt::format("the same requests by a bare client: {}; the node mined {}", bench::grouped(bare),
                                      bench::grouped(node)),
                .ratio = fmt::format("{:.2f}", m.logs_per_s / bare),
                .target = bench::verdict(">= 20 000", m.logs_per_s >= kTargetLogsPerS)});
  const auto spread = [](const std::vector<double>& ms) {
    return fmt::format("p50 {:.2f}, p99 {:.2f}, max {:.2f}", bench::median(ms), bench::quantile(ms, 0.99),
                       bench::quantile(ms, 1));
  };
  bench::print({.what = "newHeads sent to a decision upon that block's reading at the client, period 10 ms, ms",
                .measured = spread(m.whole_ms),
                .beside = "of that behind the beginning of the tick: " + spread(m.behind_ms),
                .ratio = "",
                .target = bench::verdict("p99 < 20", bench::quantile(m.whole_ms, 0.99) < kTargetP99Ms)});
  return 0;
}
