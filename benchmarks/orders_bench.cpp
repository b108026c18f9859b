// Signed orders judged per second: what an attacker who can reach the port may make the daemon do.
//
// An order is admitted when its text reads back as the same bytes, its key is known, its signature is good and its
// nonce is new; beside it stands the signature check of libsodium alone. A forged order is refused by its signature.
//
//   orders_bench [--smoke]
#include <chrono>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "benchmarks/support/table.hpp"
#include "guardian/authority.hpp"
#include "tests/unit/guardian/signer.hpp"

using namespace homeostat;
using guardian::Authority;
using guardian::Signature;

namespace {

constexpr double kTargetPerSecond = 5'000;

struct Order {
  std::string text;
  Signature signature;
};

const guardian::Signer kAlice(2), kMallory(9);
const Instant kNow = Instant::from_unix_seconds(1'700'000'000);

guardian::Settings settings() {
  guardian::Settings s;
  s.keys = {{"alice", kAlice.public_key, guardian::Role::guardian, {}}};
  return s;
}

std::vector<Order> orders(std::size_t count, const guardian::Signer& signer) {
  std::vector<Order> out;
  for (std::size_t i = 0; i < count; ++i) {
    guardian::SignedOrder order{"streaming", "alice", fmt::format("{:032x}", i), kNow + Duration::minutes(5), {}};
    order.command.kind = guardian::CommandKind::override_value;
    order.command.target = "transaction_fee";
    order.command.value = Decimal(150 + static_cast<std::int64_t>(i % 100), 4);
    order.command.until = kNow + Duration::hours(1);
    order.command.reason = "spam wave";
    std::string text = text_of(order);
    const Signature signature = signer.sign(text);
    out.push_back({std::move(text), signature});
  }
  return out;
}

/// Calls per second: the fastest of several rounds, the one that nothing else on the machine disturbed.
template <class F>
double rate_of(std::size_t calls, int rounds, F&& round) {
  double best = 0;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    round();
    best = std::max(best, static_cast<double>(calls) /
                              std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

double admitted_rate(const std::vector<Order>& signed_orders, int rounds, bool good) {
  const guardian::Settings keys = settings();
  return rate_of(signed_orders.size(), rounds, [&] {
    Authority authority;
    for (const Order& order : signed_orders) {
      const auto admitted = authority.admit(keys, "streaming", order.text, order.signature, kNow);
      if (admitted.has_value() != good) {
        bench::give_up(good ? "a good order was refused: " + admitted.error().text() : "a forged order was admitted");
      }
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = bench::is_smoke(argc, argv);
  const std::size_t count = smoke ? 50 : guardian::kNoncesMax;
  const int rounds = smoke ? 1 : 5;
  const auto good = orders(count, kAlice);
  const auto forged = orders(count, kMallory);
  const double bare = rate_of(count, rounds, [&] {
    for (const Order& order : good) {
      if (!guardian::verify(kAlice.public_key, order.text, order.signature))
        bench::give_up("a good signature was refused");
    }
  });
  const double admitted = admitted_rate(good, rounds, true);
  const double refused = admitted_rate(forged, rounds, false);
  const auto row = [&](const char* what, double rate) {
    bench::print({what, bench::grouped(rate), "libsodium's check alone: " + bench::grouped(bare),
                  fmt::format("{:.2f}", rate / bare), bench::verdict(">= 5 000", rate >= kTargetPerSecond)});
  };
  row("signed orders admitted on one core, orders/s", admitted);
  row("forged orders refused on one core, orders/s", refused);
}
