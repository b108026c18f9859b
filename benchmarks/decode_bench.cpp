// Decoding logs: the bytes of an eth_getLogs reply to typed events, beside simdjson merely parsing the same bytes into
// its document.
//
// Both are pure computation: the fastest of many rounds is the one that nothing else on the machine disturbed.
//
//   decode_bench [--smoke]
#include <chrono>

#include <fmt/format.h>
#include <simdjson.h>

#include "benchmarks/support/table.hpp"
#include "core/hex.hpp"
#include "core/random.hpp"
#include "daemon/sources/chain_check.hpp"
#include "daemon/sources/hex.hpp"
#include "daemon/sources/rpc.hpp"

using namespace homeostat;

namespace {

constexpr double kTargetRatio = 0.5;
constexpr std::size_t kEvents = 900;

template <class F>
double seconds_of(F&& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

sources::Address contract(std::size_t i) {
  sources::Address address{};
  address[0] = 0x5e;
  address[18] = static_cast<std::uint8_t>(i >> 8);
  address[19] = static_cast<std::uint8_t>(i);
  return address;
}

std::string random_word(Random& random, std::size_t bytes, std::size_t zeros) {
  std::string text = "0x" + std::string(2 * zeros, '0');
  for (std::size_t i = zeros; i < bytes; ++i) text += fmt::format("{:02x}", random.next_u64() & 0xff);
  return text;
}

/// As Geth writes it: a transfer or a tip has two indexed addresses and an amount.
std::string reply_of(const oracle::EventSignature& signature, std::size_t logs) {
  Random random(7);
  const auto layout = sources::abi::make_layout(signature);
  std::string body = R"({"jsonrpc":"2.0","id":1,"result":[)";
  for (std::size_t i = 0; i < logs; ++i) {
    body += fmt::format(
        R"({}{{"address":"{}","topics":["{}","{}","{}"],"data":"{}","blockNumber":"0x{:x}","transactionHash":"{}",)"
        R"("transactionIndex":"0x{:x}","blockHash":"{}","logIndex":"0x{:x}","removed":false}})",
        i == 0 ? "" : ",", hex0x_of(contract(random.next_u64() % kEvents)), hex0x_of(layout->topic),
        random_word(random, 32, 12), random_word(random, 32, 12), random_word(random, 32, 22), 0x1312d00 + i / 200,
        random_word(random, 32, 0), i % 150, "0x" + std::string(64, "0123456789abcdef"[(i / 200) % 16]), i % 200);
  }
  return body + "]}";
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = bench::is_smoke(argc, argv);
  const std::size_t logs = smoke ? 100 : 10000;
  const int rounds = smoke ? 3 : 101;
  const auto signature =
      *oracle::parse_event_signature("event Tip(address indexed viewer, address indexed creator, uint256 amount)");
  std::vector<sources::EvmEvent> watched;
  for (std::size_t i = 0; i < kEvents; ++i) watched.push_back({fmt::format("tip_{}", i), contract(i), signature});
  const auto book = sources::EventBook::make(watched);
  const std::string body = reply_of(signature, logs);
  const sources::rpc::Call call = sources::rpc::logs_of_range(book->filter(), 0, 1);

  std::vector<double> parse_s;
  std::vector<double> decode_s;
  simdjson::dom::parser parser;
  const simdjson::padded_string padded(body);
  for (int round = 0; round < rounds; ++round) {
    parse_s.push_back(seconds_of([&] {
      simdjson::dom::element document;
      if (parser.parse(padded).get(document)) bench::give_up("simdjson does not take the reply");
    }));
    std::string copy;
    copy.reserve(body.size() + simdjson::SIMDJSON_PADDING);  // as the HTTP client receives it
    copy = body;
    std::vector<oracle::ChainEvent> events;
    decode_s.push_back(seconds_of([&] {
      auto values = sources::rpc::parse_replies(std::move(copy), {&call, 1}, 1);
      if (!values || !values->front()) bench::give_up("the reply was refused");
      auto& found = std::get<std::vector<sources::rpc::Log>>(*values->front());
      if (sources::order_logs(found, 0x1312d00, UINT64_MAX)) bench::give_up("the logs are out of order");
      events.reserve(found.size());
      for (const auto& log : found) (void)book->decode(log, events);
    }));
    if (events.size() != logs) bench::give_up(fmt::format("{} of {} events were decoded", events.size(), logs));
  }
  const double ours = bench::quantile(decode_s, 0);
  const double theirs = bench::quantile(parse_s, 0);
  const auto rate = [&](double s) { return fmt::format("{:.2f} GB/s", static_cast<double>(body.size()) / s / 1e9); };
  bench::print({.what = fmt::format("decoding {} logs of {} watched events, JSON-RPC bytes to typed events",
                                    bench::grouped(static_cast<double>(logs)), kEvents),
                .measured = fmt::format("{} ({} logs/s)", rate(ours), bench::grouped(static_cast<double>(logs) / ours)),
                .beside = "simdjson parsing the same bytes: " + rate(theirs),
                .ratio = fmt::format("{:.2f}", theirs / ours),
                .target = bench::verdict(">= 0.5", theirs / ours >= kTargetRatio)});
  return 0;
}
