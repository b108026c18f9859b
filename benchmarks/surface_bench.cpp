// The bonding surface: what a size, a price, a mint, a swap and a fee cost, each beside a plain loop of the same
// arithmetic without checks of its input, of its domain or of what cancels.
//
//   surface_bench [--smoke]
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "benchmarks/support/table.hpp"
#include "core/random.hpp"
#include "economy/bonding/eclp.hpp"
#include "economy/bonding/imbalance_fee.hpp"

using namespace homeostat;
using namespace homeostat::economy::bonding;

namespace {

constexpr double kInvariantMaxNs = 60;
constexpr double kMintMaxNs = 150;
/// Pools that the loops go round, so that no answer is known before.
constexpr std::size_t kPools = 256;

volatile double sink = 0;

/// Nanoseconds per call: the fastest of several rounds, the one that nothing else on the machine disturbed.
template <class F>
double ns_of(std::size_t calls, int rounds, F&& f) {
  double best = 1e300;
  for (int round = 0; round < rounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    double sum = 0;
    for (std::size_t i = 0; i < calls; ++i) sum += f(i % kPools);
    sink = sink + sum;
    const double ns = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
    best = std::min(best, ns / static_cast<double>(calls));
  }
  return best;
}

struct Pools {
  Surface surface;
  std::vector<std::array<double, kAssetsMax>> v, d;
};

template <class T>
T checked(Result<T> result) {
  if (!result) bench::give_up(result.error().text());
  return *std::move(result);
}

Pools pools_of(std::size_t n) {
  Random random(n);
  SurfaceSettings settings;
  settings.weights.assign(n, 1.0 / static_cast<double>(n));
  Pools out{checked(Surface::make(settings)), {}, {}};
  for (std::size_t i = 0; i < kPools; ++i) {
    std::array<double, kAssetsMax> v{}, d{};
    for (std::size_t j = 0; j < n; ++j) {
      v[j] = random.uniform(80, 120);
      d[j] = random.uniform(0, 1);
    }
    out.v.push_back(v);
    out.d.push_back(d);
  }
  return out;
}

/// The quadratic as it stands on paper, standard axes, in sums.
struct Plain {
  double n, lambda, k_minus_1;
  std::array<double, kAssetsMax> c{};
  double c_last = 0;

  explicit Plain(const Surface& s)
      : n(static_cast<double>(s.assets())), lambda(s.geometry().lambda), k_minus_1(s.geometry().k_minus_1) {
    for (std::size_t i = 0; i < s.assets(); ++i) c[i] = s.geometry().c[i];
    c_last = s.geometry().c[s.assets()];
  }
  [[nodiscard]] double size(const double* v, std::size_t count) const {
    double sum = 0, aa = 0, ac = 0;
    for (std::size_t i = 0; i < count; ++i) sum += v[i];
    for (std::size_t i = 0; i < count; ++i) {
      const double a = (v[i] - sum / n) / lambda;
      aa += a * a;
      ac += a * c[i];
    }
    const double last = sum / std::sqrt(n);
    aa += last * last;
    ac += last * c_last;
    return (ac + std::sqrt(ac * ac - k_minus_1 * aa)) / k_minus_1;
  }
};

void print(const std::string& what, double ns, double plain_ns, const std::string& peer, double max_ns) {
  bench::print({what, fmt::format("{:.1f} ns", ns), plain_ns > 0 ? fmt::format("{}, {:.1f} ns", peer, plain_ns) : "",
                plain_ns > 0 ? fmt::format("{:.2f}", ns / plain_ns) : "",
                max_ns > 0 ? bench::verdict(fmt::format("under {:.0f} ns", max_ns), ns < max_ns) : ""});
}

void bench_surface(std::size_t n, std::size_t calls, int rounds) {
  const Pools p = pools_of(n);
  const Plain plain(p.surface);
  const Surface& s = p.surface;
  const auto view = [n](const std::array<double, kAssetsMax>& x) { return std::span(x.data(), n); };
  for (std::size_t i = 0; i < kPools; ++i) {
    const double ours = checked(s.invariant(view(p.v[i]))), theirs = plain.size(p.v[i].data(), n);
    if (std::fabs(ours - theirs) > 1e-12 * theirs) bench::give_up(fmt::format("size: {} and {}", ours, theirs));
  }
  const double size_ns = ns_of(calls, rounds, [&](std::size_t i) { return *s.invariant(view(p.v[i])); });
  const double plain_ns = ns_of(calls, rounds, [&](std::size_t i) { return plain.size(p.v[i].data(), n); });
  print(fmt::format("surface: size, N = {}", n), size_ns, plain_ns, "a plain loop", n == 8 ? kInvariantMaxNs : 0);

  const double price_ns = ns_of(calls, rounds, [&](std::size_t i) { return s.gradient(*s.at(view(p.v[i])))[n - 1]; });
  print(fmt::format("surface: size and prices, N = {}", n), price_ns, plain_ns, "a plain size", 0);

  const double mint_ns =
      ns_of(calls, rounds, [&](std::size_t i) { return s.mint(view(p.v[i]), view(p.d[i]))->growth; });
  const double twice_ns = ns_of(calls, rounds, [&](std::size_t i) {
    std::array<double, kAssetsMax> after = p.v[i];
    for (std::size_t j = 0; j < n; ++j) after[j] += p.d[i][j];
    return plain.size(after.data(), n) - plain.size(p.v[i].data(), n);
  });
  print(fmt::format("surface: mint, N = {}", n), mint_ns, twice_ns, "two plain sizes", n == 8 ? kMintMaxNs : 0);

  const double swap_ns = ns_of(
      calls, rounds, [&](std::size_t i) { return s.swap_in(*s.at(view(p.v[i])), 0, p.d[i][0] + 0.1, 1)->amount_out; });
  print(fmt::format("surface: swap, N = {}", n), swap_ns, twice_ns, "two plain sizes", 0);
}

void bench_free_axes(std::size_t n, std::size_t calls, int rounds) {
  const Pools p = pools_of(n);
  SurfaceSettings settings{.weights = std::vector(n, 1.0 / static_cast<double>(n)), .lambdas = std::vector(n, 1.5)};
  for (std::size_t i = 1; i < n; ++i) settings.rotations.push_back({i - 1, i, 0.2});
  const Surface s = checked(Surface::make(settings));
  const auto view = [n](const std::array<double, kAssetsMax>& x) { return std::span(x.data(), n); };
  checked(s.invariant(view(p.v[0])));
  const double ns = ns_of(calls, rounds, [&](std::size_t i) {
    const auto size = s.invariant(view(p.v[i]));
    return size ? *size : 0;
  });
  const Plain plain(p.surface);
  const double plain_ns = ns_of(calls, rounds, [&](std::size_t i) { return plain.size(p.v[i].data(), n); });
  print(fmt::format("surface: size, free axes, N = {}", n), ns, plain_ns, "a plain loop of standard axes", 0);
}

void bench_eclp(std::size_t calls, int rounds) {
  const Eclp e =
      checked(Eclp::make({0.998502246630054917, 1.0002000400080016, 0.707106781186547524, 0.707106781186547524, 4000}));
  Random random(3);
  std::vector<std::array<double, 2>> v;
  for (std::size_t i = 0; i < kPools; ++i) v.push_back({random.uniform(0.5, 1.5), random.uniform(0.5, 1.5)});
  checked(e.surface().swap_in(checked(e.at(v[0][0], v[0][1])), 0, 0.1, 1));
  print("E-CLP: size", ns_of(calls, rounds, [&](std::size_t i) { return *e.surface().invariant(v[i]); }), 0, "", 0);
  print("E-CLP: out given in",
        ns_of(calls, rounds,
              [&](std::size_t i) { return e.surface().swap_in(*e.at(v[i][0], v[i][1]), 0, 0.1, 1)->amount_out; }),
        0, "", 0);
}

void bench_fee(std::size_t calls, int rounds) {
  constexpr std::size_t n = 8;
  const Pools p = pools_of(n);
  const std::array<double, n> weights{0.2, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1};
  const auto view = [](const std::array<double, kAssetsMax>& x) { return std::span(x.data(), n); };
  const double ns =
      ns_of(calls, rounds, [&](std::size_t i) { return imbalance_fee({}, view(p.v[i]), view(p.d[i]), weights)->rate; });
  const double plain_ns = ns_of(calls, rounds, [&](std::size_t i) {
    double rate = 0;
    for (const auto* x : {&p.v[i], &p.d[i]}) {
      std::array<double, n> z, sorted;
      for (std::size_t j = 0; j < n; ++j) z[j] = (*x)[j] / (8 * weights[j]);
      sorted = z;
      std::sort(sorted.begin(), sorted.end());
      const double middle = (sorted[3] + sorted[4]) / 2;
      double away = 0, sum = 0;
      for (const double y : z) away += std::fabs(y - middle), sum += y;
      rate = away / sum - rate;
    }
    return rate;
  });
  print("imbalance fee, before and after, N = 8", ns, plain_ns, "a plain loop", 0);
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = bench::is_smoke(argc, argv);
  const std::size_t calls = smoke ? kPools : 20'000;  // short, so that some round has the processor to itself
  const int rounds = smoke ? 1 : 151;
  for (const std::size_t n : {2, 3, 8, 16}) bench_surface(n, calls, rounds);
  bench_free_axes(8, calls, rounds);
  bench_eclp(calls, rounds);
  bench_fee(calls, rounds);
}
