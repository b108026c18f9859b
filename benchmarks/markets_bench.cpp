// Arbitrage over 50 chains x 100 tokens, all ordered pairs, each with a bridge; and rebalancings over 50 chains.
//
// Beside the arbitrage stands what a plain scan of spot spreads costs: one division per ordered pair, no size, no
// depth, no fees. Three markets: quiet (spreads inside the fees, the usual), busy (a few in a hundred pairs pay) and
// wild (half of all pairs pay, the worst for any pruning). Every answer is compared with that of the full search.
//
//   markets_bench [--smoke]
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "benchmarks/support/table.hpp"
#include "core/math.hpp"
#include "core/random.hpp"
#include "economy/markets/book.hpp"
#include "economy/markets/rebalance.hpp"

using namespace homeostat;
using namespace homeostat::economy;
using namespace homeostat::economy::markets;

namespace {

constexpr std::size_t kChains = 50;
constexpr std::size_t kTokens = 100;
constexpr double kArbitrageTargetMs = 1;
const Instant kNow = Instant::from_unix_seconds(1'800'000'000);

/// Milliseconds of one call: the fastest of several.
template <class F>
double ms_of(int rounds, F&& f) {
  double best = 1e300;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    f();
    best = std::min(best, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

Book market(double width) {
  Random r(7);
  std::vector<std::string> chains;
  std::vector<Token> tokens;
  for (std::size_t c = 0; c < kChains; ++c) chains.push_back(fmt::format("chain{}", c));
  for (std::size_t t = 0; t < kTokens; ++t) tokens.push_back({fmt::format("token{}", t), r.uniform(0.01, 0.1)});
  Book book = *Book::make({}, chains, tokens);
  bool ok = true;
  for (std::size_t c = 0; c < kChains; ++c) {
    ok = ok && book.quote_swap_cost(c, r.uniform(0.01, 5), kNow);
    for (std::size_t t = 0; t < kTokens; ++t) {
      const double numeraire = 1e4 * math::pow(1000, r.uniform());
      ok = ok && book.quote_pool(c, t, {numeraire / (100 * (1 + width * r.uniform())), numeraire, 0.003}, kNow);
    }
    for (std::size_t to = 0; to < kChains; ++to) {
      if (to == c) continue;
      ok = ok && book.set_bridge(c, to,
                                 {r.uniform(0.1, 3), r.uniform(0, 0.002),
                                  Duration::seconds(static_cast<std::int64_t>(r.below(1800)))});
    }
  }
  if (!ok) bench::give_up("the market refused a quote");
  return book;
}

/// What one would write first: the largest spread of prices among all ordered pairs.
double plain_spread(const std::vector<double>& prices) {
  double best = 0;
  for (std::size_t t = 0; t < kTokens; ++t) {
    const double* p = &prices[t * kChains];
    for (std::size_t i = 0; i < kChains; ++i) {
      for (std::size_t j = 0; j < kChains; ++j) {
        if (i != j && p[j] / p[i] - 1 > best) best = p[j] / p[i] - 1;
      }
    }
  }
  return best;
}

void bench_arbitrage(const char* name, double width, Objective objective, int rounds) {
  const Book book = market(width);
  std::vector<double> prices;
  for (std::size_t t = 0; t < kTokens; ++t) {
    for (std::size_t c = 0; c < kChains; ++c) prices.push_back(*book.price(c, t, kNow));
  }
  const auto all = book.all(objective, kNow, kChains * kChains * kTokens);
  std::optional<Opportunity> best;
  const double ms = ms_of(rounds, [&] { best = book.best(objective, kNow); });
  if (best.has_value() != !all.empty() || (best && *best != all.front())) bench::give_up("not the best of all pairs");
  volatile double sink = 0;
  const double plain_ms = ms_of(rounds, [&] { sink = plain_spread(prices); });
  bench::print({fmt::format("arbitrage over 50 chains x 100 tokens, {} market ({} of 245 000 routes pay), by {}", name,
                            bench::grouped(static_cast<double>(all.size())),
                            objective == Objective::profit ? "profit" : "return"),
                fmt::format("{:.3f} ms", ms), fmt::format("a plain scan of spot spreads, {:.3f} ms", plain_ms),
                fmt::format("{:.2f}", ms / plain_ms), bench::verdict("under 1 ms", ms < kArbitrageTargetMs)});
}

Holdings holdings(bool with_fixed_fees) {
  Random r(3);
  Holdings h;
  double sum = 0;
  for (std::size_t i = 0; i < kChains; ++i) {
    h.amounts.push_back(static_cast<Amount>(r.next_u64() >> 4) * 1'000'000);
    h.target_shares.push_back(r.uniform());
    sum += h.target_shares.back();
  }
  for (double& s : h.target_shares) s /= sum;
  for (std::uint32_t from = 0; from < kChains; ++from) {
    for (std::uint32_t to = 0; to < kChains; ++to) {
      if (from == to) continue;
      Lane lane{
          from, to, {{static_cast<Amount>(r.next_u64() >> 5) * 1'000'000, static_cast<std::uint32_t>(r.below(5000))}}};
      if (with_fixed_fees) lane.fixed_fee = static_cast<Amount>(r.next_u64() >> 14) * 1'000'000;
      h.lanes.push_back(lane);
    }
  }
  return h;
}

void bench_rebalance(bool with_fixed_fees, int rounds) {
  const Holdings h = holdings(with_fixed_fees);
  if (auto ok = check(h); !ok) bench::give_up(ok.error().text());
  Network network;
  for (std::size_t i = 0; i < kChains; ++i) network.balances.push_back(h.amounts[i] - h.amounts[(i + 1) % kChains]);
  for (const Lane& l : h.lanes) {
    network.arcs.push_back({l.from, l.to, l.tiers[0].size, l.tiers[0].fee_ppm, l.fixed_fee});
  }
  Flow flow;
  const double flow_ms = ms_of(rounds, [&] { flow = min_cost_flow(network); });
  Plan plan;
  const double plan_ms = ms_of(rounds, [&] { plan = rebalance(h); });
  Amount before = 0, after = plan.fees;
  for (std::size_t i = 0; i < kChains; ++i) before += h.amounts[i], after += plan.after[i];
  if (before != after) bench::give_up("the plan does not conserve");
  bench::print({fmt::format("minimum-cost flow, 50 chains, 2 450 bridges{}", with_fixed_fees ? " with fixed fees" : ""),
                fmt::format("{:.2f} ms", flow_ms),
                fmt::format("{} relaxations, {}", flow.relaxations, flow.is_optimal ? "optimal" : "bounded"), "", ""});
  bench::print({fmt::format("a rebalancing of them to the unit{}", with_fixed_fees ? " with fixed fees" : ""),
                fmt::format("{:.2f} ms", plan_ms),
                fmt::format("one flow, {:.2f} ms; {} legs", flow_ms, plan.legs.size()),
                fmt::format("{:.1f}", plan_ms / flow_ms), ""});
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = bench::is_smoke(argc, argv);
  const int rounds = smoke ? 1 : 50;
  bench_arbitrage("quiet", 0.004, Objective::profit, rounds);
  bench_arbitrage("busy", 0.02, Objective::profit, rounds);
  bench_arbitrage("wild", 1, Objective::profit, rounds);
  bench_arbitrage("wild", 1, Objective::roi, rounds);
  bench_rebalance(false, smoke ? 1 : 5);
  bench_rebalance(true, 1);
}
