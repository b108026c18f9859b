// Chain ingest from a local node: how fast a backfill delivers logs through every check, beside the node's own
// bare eth_getLogs for the same blocks, read and thrown away.
//
//   chain_bench [--smoke]
#include <chrono>
#include <cstdio>

#include <fmt/format.h>
#include <boost/asio/io_context.hpp>

#include "benchmarks/support/table.hpp"
#include "daemon/sources/evm_source.hpp"
#include "daemon/sources/hex.hpp"
#include "tests/integration/sources/anvil.hpp"

using namespace homeostat;

namespace {

constexpr double kTargetLogsPerS = 5000;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Measured {
  double seconds = 0;
  std::uint64_t logs = 0;
};

/// The node alone: the same ranges, one after the other, answers counted in bytes only.
Measured bare(const test::Anvil& anvil, const sources::Address& emitter, std::uint64_t head, std::uint64_t range) {
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t logs = 0;
  for (std::uint64_t from = 0; from <= head; from += range) {
    const std::uint64_t to = std::min(head, from + range - 1);
    const std::string text =
        anvil.call("eth_getLogs", "[{\"fromBlock\":\"" + sources::hex_quantity(from) + "\",\"toBlock\":\"" +
                                      sources::hex_quantity(to) + "\",\"address\":\"" + hex0x_of(emitter) + "\"}]");
    for (std::size_t at = 0; (at = text.find("\"logIndex\"", at)) != std::string::npos; ++at) ++logs;
  }
  return {seconds_since(start), logs};
}

Measured ingest(const test::Anvil& anvil, const sources::Address& emitter, std::uint64_t head) {
  boost::asio::io_context io{1};
  Measured measured;
  std::uint64_t delivered = 0;
  sources::Sink sink;
  sink.chain = [&](oracle::ChainSegment& segment) {
    delivered = segment.to;
    for (const auto& block : segment.blocks) measured.logs += block.events.size();
    return true;
  };
  sink.samples = [](oracle::SampleBatch&) { return true; };
  sink.report = [](const oracle::SourceReport&) {};
  sink.log = [](sources::LogLevel level, std::string_view text) {
    if (level >= sources::LogLevel::warning) std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
  };
  sources::EvmSettings settings;
  settings.name = "bench";
  settings.providers = {{"anvil", anvil.http(), ""}};
  settings.chain_id = 31337;
  settings.poll_period = Duration::milliseconds(10);
  settings.events = {{"tips", emitter, *oracle::parse_event_signature(test::kTip)}};
  auto source =
      sources::EvmSource::make(io.get_executor(), settings, sink, {}, [] { return Instant::from_unix_seconds(1); });
  const auto start = std::chrono::steady_clock::now();
  (*source)->start();
  while (delivered < head) io.run_one();
  measured.seconds = seconds_since(start);
  (*source)->stop();
  io.run_for(std::chrono::milliseconds(100));
  return measured;
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = bench::is_smoke(argc, argv);
  const std::uint64_t blocks = smoke ? 5 : 200;
  const std::uint64_t per_block = smoke ? 20 : 500;
  const test::Anvil anvil;
  const auto emitter = anvil.deploy_emitter();
  for (std::uint64_t i = 0; i < blocks; ++i) anvil.tip(emitter, i, i, per_block);
  const std::uint64_t head = anvil.block_number();
  const Measured alone = bare(anvil, emitter, head, 20);
  const Measured ours = ingest(anvil, emitter, head);
  const double ours_per_s = static_cast<double>(ours.logs) / ours.seconds;
  const double node_per_s = static_cast<double>(alone.logs) / alone.seconds;
  if (ours.logs != alone.logs) {
    bench::give_up(fmt::format("the source delivered {} logs, the node has {}", ours.logs, alone.logs));
  }
  bench::print(
      {.what = fmt::format("chain ingest in backfill, {} logs, verified, logs/s", bench::grouped(double(ours.logs))),
       .measured = bench::grouped(ours_per_s),
       .beside = fmt::format("the node's own eth_getLogs, 20 blocks a call: {}", bench::grouped(node_per_s)),
       .ratio = fmt::format("{:.2f}", ours_per_s / node_per_s),
       .target = bench::verdict(">= 5 000, or the node's limit", ours_per_s >= kTargetLogsPerS)});
  return 0;
}
