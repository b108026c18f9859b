// Durable ingest: batches of 100 samples through homeostatd, each acknowledged after it is on disk and judged, beside
// the same messages through a server that decodes them and does nothing. Runs alternate, so that whatever else
// the machine does meets both.
//
//   ingest_bench [--smoke]
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "benchmarks/support/load.hpp"
#include "benchmarks/support/process.hpp"
#include "benchmarks/support/table.hpp"

using namespace homeostat::bench;

namespace {

constexpr double kRatioTarget = 0.25;

struct Plan {
  int repeats = 5;
  double warm_up_s = 0.5;
  double measured_s = 2;
};

struct Measured {
  std::vector<double> rate;  ///< samples/s, one per repeat
  std::vector<double> reply_ms;
};

/// What the daemon says it accepted, over all sources.
double accepted(std::uint16_t http_port) {
  std::string page;
  if (http_get(http_port, "/metrics", &page) != 200) give_up("no /metrics");
  const std::string name = "homeostat_source_accepted_total{";
  double sum = 0;
  for (std::size_t at = page.find("\n" + name); at != std::string::npos; at = page.find("\n" + name, at + 1)) {
    sum += std::strtod(page.c_str() + page.find("} ", at) + 2, nullptr);
  }
  return sum;
}

/// Every sample sent must have been accepted. The counters are as old as the last tick, so they may lag a moment.
void expect_accepted(std::uint16_t http_port, std::uint64_t sent) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  double said = 0;
  do {
    said = accepted(http_port);
    if (said == static_cast<double>(sent)) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  } while (std::chrono::steady_clock::now() < until);
  give_up(fmt::format("the daemon counts {} accepted samples, {} were sent", said, sent));
}

void through_daemon(const Plan& plan, int streams, Measured& out) {
  const Scratch scratch;
  Daemon daemon(scratch.path(), push_config(scratch.path(), streams, 10, "1s"));
  const Loaded loaded = run({.address = daemon.grpc_address(),
                             .streams = streams,
                             .warm_up_s = plan.warm_up_s,
                             .measured_s = plan.measured_s});
  out.rate.push_back(loaded.samples_per_s);
  out.reply_ms.insert(out.reply_ms.end(), loaded.reply_ms.begin(), loaded.reply_ms.end());
  expect_accepted(daemon.http_port(), loaded.samples);
  daemon.stop();
}

void through_nothing(const Plan& plan, int streams, bool silent, Measured& out) {
  const Scratch scratch;
  Process server("bare_stream_server", silent ? std::vector<std::string>{"--silent"} : std::vector<std::string>{},
                 scratch.path() / "output.log");
  const std::string port = server.wait_for("port ");
  const Loaded loaded = run({.address = "127.0.0.1:" + port,
                             .streams = streams,
                             .warm_up_s = plan.warm_up_s,
                             .measured_s = plan.measured_s,
                             .expect_verdicts = false,
                             .expect_replies = !silent});
  out.rate.push_back(loaded.samples_per_s);
  (void)server.end(SIGTERM);
}

void compare(const Plan& plan, int streams) {
  Measured durable, bare, silent;
  for (int i = 0; i < plan.repeats; ++i) {
    through_nothing(plan, streams, false, bare);
    through_daemon(plan, streams, durable);
    through_nothing(plan, streams, true, silent);
  }
  const double ours = median(durable.rate);
  const double ratio = ours / median(bare.rate);
  const std::string name = fmt::format("durable ingest, {} stream{}", streams, streams == 1 ? "" : "s");
  print({.what = name + ", samples/s",
         .measured = fmt::format("{} (best {})", grouped(ours), grouped(quantile(durable.rate, 1))),
         .beside = fmt::format("bare stream, a reply per batch: {}", grouped(median(bare.rate))),
         .ratio = fmt::format("{:.2f}", ratio),
         .target = verdict(fmt::format(">= {}", kRatioTarget), ratio >= kRatioTarget)});
  print({.what = name + ", beside one way only",
         .measured = grouped(ours),
         .beside = fmt::format("bare stream, no replies: {}", grouped(median(silent.rate))),
         .ratio = fmt::format("{:.2f}", ours / median(silent.rate)),
         .target = ""});
  print({.what = name + ", batch sent to durable and judged, ms",
         .measured =
             fmt::format("p50 {:.1f}, p99 {:.1f}", quantile(durable.reply_ms, 0.5), quantile(durable.reply_ms, 0.99)),
         .beside = "256 batches in flight per stream",
         .ratio = "",
         .target = ""});
}

}  // namespace

int main(int argc, char** argv) {
  if (is_smoke(argc, argv)) {
    compare({.repeats = 1, .warm_up_s = 0.05, .measured_s = 0.2}, 2);
    return 0;
  }
  for (const int streams : {1, 2, 4}) compare({}, streams);
  return 0;
}
