// An epoch's budget shared out among a million participants, to the last base unit, and the smaller decisions.
//
// Beside the apportionment stand the same amounts as one would write it down (128-bit divisions, a stable_sort of the
// remainders), and one plain pass over the arrays, which is what memory costs.
//
//   tokenomics_bench [--smoke]
#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "benchmarks/support/table.hpp"
#include "core/random.hpp"
#include "core/statistics.hpp"
#include "economy/tokenomics/apportion.hpp"
#include "economy/tokenomics/inflation.hpp"
#include "economy/tokenomics/plant.hpp"
#include "economy/tokenomics/rates.hpp"
#include "economy/tokenomics/rewards.hpp"
#include "economy/tokenomics/stabilisation.hpp"
#include "economy/tokenomics/strategy.hpp"
#include "economy/tokenomics/sybil.hpp"

using namespace homeostat;
using namespace homeostat::economy;
using namespace homeostat::economy::tokenomics;

namespace {

constexpr double kEpochTargetMs = 60;
constexpr Amount kToken = 1'000'000'000'000'000'000;

/// The fastest of several rounds, the one that nothing else on the machine disturbed.
double fastest_ms(int rounds, const std::function<void()>& f) {
  double best = 1e300;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    f();
    best = std::min(best, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

std::string in_ms(double ms) {
  return fmt::format("{:.1f} ms", ms);
}

void must_sum(const std::vector<Amount>& amounts, Amount budget) {
  Amount sum = 0;
  for (const Amount amount : amounts) sum += amount;
  if (sum != budget) bench::give_up("the amounts do not sum to the budget");
}

/// The same amounts as one writes them down: 128-bit division, and a stable_sort of the remainders. For budget x weight
/// below 2^127.
void by_sorting(Amount budget, const std::vector<Amount>& weights, std::vector<Amount>& amounts) {
  const Amount total = std::accumulate(weights.begin(), weights.end(), Amount{0});
  std::vector<Amount> remainders(weights.size());
  std::vector<std::uint32_t> order(weights.size());
  Amount left = budget;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const Amount product = budget * weights[i];
    amounts[i] = product / total;
    remainders[i] = product % total;
    left -= amounts[i];
    order[i] = static_cast<std::uint32_t>(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return remainders[a] > remainders[b]; });
  for (std::size_t i = 0; i < order.size() && left > 0; ++i, --left) ++amounts[order[i]];
}

void bench_apportion(std::size_t n, int rounds) {
  Random random(1);
  std::vector<Amount> wide, narrow, amounts(n);
  std::vector<double> rewards, quality;
  for (std::size_t i = 0; i < n; ++i) {
    const double stake = random.exponential(5000);
    wide.push_back(static_cast<Amount>(stake * 1e6) * 1'000'000'000'000 + static_cast<Amount>(random.below(1 << 30)));
    narrow.push_back(static_cast<Amount>(stake * 1e3) + 1);
    rewards.push_back(stake);
    quality.push_back(random.uniform());
  }
  const Amount budget = 1'234'567 * kToken + 89;
  ApportionScratch scratch;
  const auto give = [&](const auto& weights) {
    if (auto ok = apportion(budget, std::span(weights), amounts, scratch); !ok) bench::give_up(ok.error().text());
  };
  Amount sink = 0;
  const double pass = fastest_ms(rounds, [&] {
    for (std::size_t i = 0; i < n; ++i) sink += amounts[i] = wide[i] + sink % 2;
  });
  std::vector<Amount> sorted(n);
  const double sorting = fastest_ms(std::min(rounds, 3), [&] { by_sorting(budget, narrow, sorted); });
  const auto row = [&](const char* what, double ms, double beside, std::string of) {
    must_sum(amounts, budget);
    bench::print({what, in_ms(ms), fmt::format("{}, {:.1f} ms", of, beside), fmt::format("{:.2f}", ms / beside),
                  bench::verdict("under 60 ms", ms < kEpochTargetMs)});
  };
  const std::span<const Amount> as_wide(wide), as_narrow(narrow);
  double ms = fastest_ms(rounds, [&] { give(as_narrow); });
  if (amounts != sorted) bench::give_up("apportion and the sort differ");
  row("apportion 1 000 000 by weights that sum to less than 2^64", ms, sorting, "128-bit divisions, std::stable_sort");
  ms = fastest_ms(rounds, [&] { give(as_wide); });
  row("apportion 1 000 000 by balances in base units, 256-bit products", ms, pass, "a plain pass over the arrays");
  std::vector<Amount> equal(n, kToken);
  ms = fastest_ms(rounds, [&] { give(std::span<const Amount>(equal)); });
  row("apportion 1 000 000 equal weights: every remainder a tie", ms, pass, "a plain pass over the arrays");
  EpochScratch epoch;
  Amount shared = 0;
  ms = fastest_ms(rounds, [&] {
    const auto done =
        distribute_epoch({}, {.participation = 0.4, .congestion = 0.1}, budget, rewards, quality, amounts, epoch);
    if (!done) bench::give_up(done.error().text());
    shared = done->budget;
  });
  must_sum(amounts, shared);
  bench::print({"an epoch for 1 000 000: rewards, multiplier, bonus, apportionment", in_ms(ms),
                fmt::format("128-bit divisions, std::stable_sort, {:.1f} ms", sorting),
                fmt::format("{:.2f}", ms / sorting), bench::verdict("under 60 ms", ms < kEpochTargetMs)});
}

void bench_quadratic(std::size_t n, int rounds) {
  Random random(2);
  std::vector<Amount> contributions, amounts(n);
  std::vector<std::uint32_t> clusters;
  for (std::size_t i = 0; i < n; ++i) {
    contributions.push_back(static_cast<Amount>(random.exponential(100)) * kToken + 1);
    clusters.push_back(random.chance(0.3) ? 1 + static_cast<std::uint32_t>(random.below(n / 10 + 1)) : kNoCluster);
  }
  QuadraticScratch scratch;
  const Amount budget = 1'000'000 * kToken;
  Amount left = 0;
  const double ms = fastest_ms(rounds, [&] {
    const auto done = capped_quadratic({0.001, 0.0005}, budget, contributions, clusters, amounts, scratch);
    if (!done) bench::give_up(done.error().text());
    left = *done;
  });
  must_sum(amounts, budget - left);
  bench::print({"capped quadratic rewards, 1 000 000 identities, a third in clusters", in_ms(ms), "", "", ""});
  std::vector<double> holdings;
  for (const Amount c : contributions) holdings.push_back(static_cast<double>(c));
  double g = 0;
  const double gini_ms = fastest_ms(rounds, [&] {
    auto copy = holdings;
    g = gini(copy);
  });
  if (!(g > 0 && g < 1)) bench::give_up("gini");
  const double sort_ms = fastest_ms(rounds, [&] {
    auto copy = holdings;
    std::sort(copy.begin(), copy.end());
  });
  bench::print({"gini of 1 000 000 holdings", in_ms(gini_ms), fmt::format("std::sort, {:.1f} ms", sort_ms),
                fmt::format("{:.2f}", gini_ms / sort_ms), ""});
}

void bench_plant(std::size_t steps, int rounds) {
  TokenState s;
  const double ms = fastest_ms(rounds, [&] {
    for (std::size_t i = 0; i < steps; ++i) s = next(TokenPlant{}, s, i % 2 == 0 ? 0.5 : -0.5);
  });
  if (!std::isfinite(s.price)) bench::give_up("the plant's price is not finite");
  bench::print({"steps of the token plant", bench::grouped(static_cast<double>(steps) / ms * 1e3) + "/s", "", "", ""});
  const FirstOrderPlant plant{{0.05, 0.03}, {0.4, 0.04}, {0.1, 0.1}, {4, -10, 0.2, 0}};
  const std::vector<Lever> levers{{"apy", 0.05, 0.05, 0.15, 0.01}, {"fee", 0.03, 0.01, 0.03, 0.01}};
  const std::vector<Objective> objectives{{.name = "participation", .value = 0.4, .target = {0.6, 1}, .scale = 0.1},
                                          {.name = "inflation", .value = 0.04, .target = {0.02, 0.05}, .scale = 0.01}};
  std::size_t candidates = 0;
  const double search_ms = fastest_ms(rounds, [&] {
    const auto best = best_strategy({}, levers, objectives, plant);
    if (!best || best->outcome != Outcome::change) bench::give_up("no strategy");
    candidates = best->candidates;
  });
  bench::print({fmt::format("a strategy: two levers, 90 steps, {} candidates", candidates),
                fmt::format("{:.0f} us", search_ms * 1e3), "", "", ""});
}

void bench_decisions(std::size_t calls, int rounds) {
  std::vector<double> prices;
  Random random(3);
  for (int i = 0; i < 1024; ++i) prices.push_back(random.uniform(0.8, 1.2));
  double sink = 0;
  const auto row = [&](const char* what, const std::function<double(double)>& f) {
    const double ms = fastest_ms(rounds, [&] {
      for (std::size_t i = 0; i < calls; ++i) sink += f(prices[i % 1024]);
    });
    bench::print({what, fmt::format("{:.0f} ns", ms * 1e6 / static_cast<double>(calls)), "", "", ""});
  };
  row("a monthly inflation move to a target from indicators",
      [](double x) { return monthly_move({}, 0.05, *inflation_target({}, {.bonded = x / 2}))->next_per_year; });
  row("a staking APY", [](double x) { return *staking_apy({}, x / 2); });
  row("a stability fee", [](double x) { return *stability_fee({}, {.price = x}); });
  row("buy-back, supply increase or nothing",
      [](double x) { return static_cast<double>(stabilise({}, x, 500'000 * kToken, 100'000'000 * kToken)->tokens); });
  if (!std::isfinite(sink)) bench::give_up("a decision is not finite");
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = bench::is_smoke(argc, argv);
  const std::size_t n = smoke ? 2'000 : 1'000'000;
  const int rounds = smoke ? 1 : 7;
  bench_apportion(n, rounds);
  bench_quadratic(n, rounds);
  bench_plant(smoke ? 100 : 1'000'000, rounds);
  bench_decisions(smoke ? 100 : 1'000'000, rounds);
}
