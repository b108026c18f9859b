// The surface, its fees, and where movements go.
#include <array>
#include <limits>

#include "economy/bonding/eclp.hpp"
#include "economy/bonding/imbalance_fee.hpp"
#include "economy/bonding/neighbours.hpp"
#include "economy/bonding/safety.hpp"
#include "economy/bonding/scenarios.hpp"
#include "economy/bonding/split.hpp"
#include "economy/bonding/tranching.hpp"
#include "tests/golden/economy_curves/curves.hpp"

namespace homeostat::curves {
namespace {

using namespace economy::bonding;

struct Named {
  double value;
  const char* label;
};
constexpr std::array kLambdas{Named{1, "λ = 1"}, Named{2, "λ = 2"}, Named{4, "λ = 4"}, Named{10, "λ = 10"},
                              Named{100, "λ = 100"}};

/// What swaps of one asset for another give, from a reserve of 100 and 100.
Figure neighbours() {
  constexpr std::array kReserve{100.0, 100.0};
  constexpr std::array kHalves{0.5, 0.5};
  Panel out{"Out of 100 and 100", {"amount in", 0, 90}, {"amount out", 0, 92}, {}, {}};
  const Surface surface = must(Surface::make({.weights = {0.5, 0.5}}));
  const Point at = must(surface.at(kReserve));
  out.series = {sample("surface, λ = 4", 0, 90, 90,
                       [&](double x) -> std::optional<double> {
                         if (x == 0) return 0;
                         const auto swap = surface.swap_in(at, 0, x, 1);
                         return swap ? std::optional(swap->amount_out) : std::nullopt;
                       }),
                sample("StableSwap, A = 20", 0, 90, 90,
                       [&](double x) -> std::optional<double> {
                         if (x == 0) return 0;
                         const auto y = stable::out_given_in(20, kReserve, 0, x, 1);
                         return y ? std::optional(*y) : std::nullopt;
                       }),
                sample("weighted 50/50, up to 30 % of a balance", 0, 90, 90,
                       [&](double x) -> std::optional<double> {
                         if (x == 0) return 0;
                         const auto y = weighted::out_given_in(kReserve, kHalves, 0, x, 1);
                         return y ? std::optional(*y) : std::nullopt;
                       }),
                sample(
                    "one for one", 0, 90, 1, [](double x) { return x; }, true)};
  return {"neighbours", "Neighbours: what a swap gives along each curve", {out}};
}

Panel surface_prices() {
  Panel out{"Price of one asset of three",
            {"its share of the reserve, %", 0, 100},
            {"marginal price (1 = par)", 0.6, 1.2},
            {},
            {{100.0 / 3, 1, "target"}}};
  for (const auto& [lambda, label] : kLambdas) {
    const auto surface = must(Surface::make({.weights = {1.0 / 3, 1.0 / 3, 1.0 / 3}, .lambda = lambda}));
    out.series.push_back(sample(label, 0.5, 99.5, 198, [&](double share) -> std::optional<double> {
      const auto point = surface.at(std::array{share, (100 - share) / 2, (100 - share) / 2});
      if (!point) return {};
      return surface.gradient(*point)[0];
    }));
  }
  return out;
}

/// The second half follows from the first: both assets are alike.
Panel level_curves() {
  Panel out{"What two assets can be swapped into",
            {"asset 1, of the pool at par", 0, 1.2},
            {"asset 2, of the pool at par", 0, 1.2},
            {},
            {{0.5, 0.5, "par"}}};
  for (const auto& [lambda, label] : kLambdas) {
    const auto surface = must(Surface::make({.weights = {0.5, 0.5}, .lambda = lambda}));
    const auto middle = must(surface.at(std::array{0.5, 0.5}));
    Series series{label, {}};
    std::vector<std::pair<double, double>> right{{0.5, 0.5}};
    for (double in = 0.005; in <= 0.7; in += 0.005) {
      const auto swap = surface.swap_in(middle, 0, in, 1);
      if (!swap) break;
      right.emplace_back(0.5 + in, 0.5 - swap->amount_out);
    }
    for (auto p = right.rbegin(); p != right.rend(); ++p) series.points.emplace_back(p->second, p->first);
    series.points.insert(series.points.end(), right.begin() + 1, right.end());
    out.series.push_back(std::move(series));
  }
  return out;
}

Figure mint() {
  Panel growth{"Minted for a deposit of one asset",
               {"deposit, % of the reserve", 0, 200},
               {"minted, % of the same value at par", 90, 100.5},
               {},
               {}};
  for (const auto& [lambda, label] : kLambdas) {
    if (lambda == 1) continue;  // its domain ends at a third of the reserve
    const auto surface = must(Surface::make({.weights = {0.4, 0.3, 0.3}, .lambda = lambda}));
    growth.series.push_back(sample(label, 1, 200, 199, [&](double deposit) -> std::optional<double> {
      const auto minted = surface.mint(std::array{40.0, 30.0, 30.0}, std::array{deposit, 0.0, 0.0});
      if (!minted) return {};
      return 100 * minted->growth / deposit;
    }));
  }
  Panel trip{"10,000 USD in, and redeemed at once",
             {"backing, USD per token", 0.7, 1.1},
             {"gain of who does it, USD", -500, 2500},
             {},
             {}};
  for (const bool has_guard : {false, true}) {
    auto settings = scenario_settings();
    settings.has_mint_guard = has_guard;
    trip.series.push_back(sample(
        has_guard ? "with the mint guard" : "without it", 0.7, 1.1, 160,
        [&](double backing) -> std::optional<double> {
          System system = must(backed_system(settings, backing * 1e6));
          const auto deposit = system.deposit_value(10'000);
          if (!deposit) return {};
          const auto redeemed = system.redeem(deposit->minted);
          if (!redeemed) return {};
          return redeemed->paid - 10'000;
        },
        !has_guard));
  }
  return {"mint", "Minting: what a lopsided deposit gets, and the guard below par", {growth, trip}};
}

Figure eclp_liquidity() {
  Panel out{
      "", {"price of x in y", 0.978, 1.022}, {"traded per 0.01 % of price, % of the pool", 0.01, 10, true}, {}, {}};
  for (const auto& [lambda, label] :
       {Named{1, "λ = 1"}, Named{50, "λ = 50"}, Named{200, "λ = 200"}, Named{1000, "λ = 1000"}}) {
    const auto eclp = must(Eclp::make({.alpha = 0.98, .beta = 1.02, .lambda = lambda}));
    const auto& surface = eclp.surface();
    const auto at_par = must(surface.balances_at(1, std::array{1.0, 1.0}));
    const double pool = at_par[0] + at_par[1];
    out.series.push_back(sample(label, 0.9801, 1.0199, 398, [&](double price) -> std::optional<double> {
      const auto low = surface.balances_at(1, std::array{price * (1 - 0.00005), 1.0});
      const auto high = surface.balances_at(1, std::array{price * (1 + 0.00005), 1.0});
      if (!low || !high) return {};
      return 100 * ((*low)[0] - (*high)[0]) / pool;
    }));
  }
  return {"eclp_liquidity", "E-CLP between 0.98 and 1.02: where its liquidity lies", {out}};
}

Figure fee() {
  Panel out{"", {"share of one asset of three after the deposit, %", 33.3333333, 100}, {"fee, %", 0, 5.2}, {}, {}};
  constexpr double kThird = 1.0 / 3;
  for (const auto& [threshold, label] :
       {Named{0.1, "threshold 10 %"}, Named{0.2, "threshold 20 % (default)"}, Named{0.3, "threshold 30 %"}}) {
    const ImbalanceFeeSettings settings{.threshold = threshold};
    must(check(settings));
    out.series.push_back(sample(label, kThird, 1, 200, [&](double share) -> std::optional<double> {
      const std::array before{kThird, kThird, kThird};
      const std::array after{share, (1 - share) / 2, (1 - share) / 2};
      return 100 * must(imbalance_fee(settings, before, after, before)).rate;
    }));
    for (auto& point : out.series.back().points) point.first *= 100;
  }
  return {"imbalance_fee", "Imbalance fee of a deposit that starts from balance", {out}};
}

Figure tranching() {
  Panel out{"", {"day", 0, 30}, {"target share of the reserve, %", 0, 60}, {}, {{15, 46.153846, "its price doubles"}}};
  const std::array from{0.4, 0.3, 0.3};
  const std::array to{0.2, 0.4, 0.4};
  const std::array calibration{2000.0, 1.0, 1.0};
  const auto target = [&](double day, double price) {
    std::array<double, 3> scheduled{}, out_weights{};
    must(scheduled_weights(from, to, day, 30, scheduled));
    must(target_weights(std::array{price, 1.0, 1.0}, calibration, scheduled, out_weights));
    return out_weights;
  };
  for (const std::size_t asset : {0u, 1u}) {
    Series series{asset == 0 ? "first asset" : "second and third, each", {}};
    Series still{asset == 0 ? "first, if no price moved" : "others, if no price moved", {}, true};
    for (int half_day = 0; half_day <= 60; ++half_day) {
      const double day = half_day / 2.0;
      if (half_day == 30) series.points.emplace_back(day, 100 * target(day, 2000)[asset]);
      series.points.emplace_back(day, 100 * target(day, half_day < 30 ? 2000 : 4000)[asset]);
      still.points.emplace_back(day, 100 * target(day, 2000)[asset]);
    }
    out.series.push_back(series);
    out.series.push_back(still);
  }
  return {"tranching", "Targets on their way from 40/30/30 to 20/40/40", {out}};
}

Panel safe_region(const char* title, std::array<double, 2> balances, bool is_marked) {
  Panel out{title, {"into vault 1, % of the reserve", 0, 100}, {"into vault 2, % of the reserve", 0, 100}, {}, {}};
  const std::array targets{0.5, 0.5};
  const SafetySettings settings;
  Series low{"the least into vault 2 that is safe", {}}, high{"the most", {}};
  for (int i = 0; i <= 200; ++i) {
    const double first = i / 2.0;
    std::optional<double> least, most;
    for (int k = 0; k <= 1000; ++k) {
      const double second = k / 5.0;
      if (!is_safe(settings, balances, std::array{balances[0] + first, balances[1] + second}, targets)) continue;
      if (!least) least = second;
      most = second;
    }
    if (least) low.points.emplace_back(first, *least);
    if (most) high.points.emplace_back(first, *most);
  }
  out.series = {low, high};
  if (is_marked) out.marks = {{9, 1, "9 and 1: in proportion"}};
  return out;
}

Figure split() {
  const std::array values{1.0, 60.0, 39.0};
  const std::array weights{1.0 / 3, 1.0 / 3, 1.0 / 3};
  std::array<double, 3> plain{}, safe{}, low{}, high{};
  must(split_withdrawal(values, weights, 50, plain));
  safe_withdrawal_bounds(values, weights, 50, 0.1, low, high);
  must(split_withdrawal(values, weights, 50, SplitBounds{low, high}, safe));
  Panel taken{"What each vault gives", {"", 0, 3}, {"of a withdrawal of 50", 0, 40}, {}, {}};
  Panel share{"What each vault then holds", {"", 0, 3}, {"share of the reserve, %", 0, 80}, {}, {}};
  taken.categories = share.categories = {"vault 1", "vault 2", "vault 3"};
  Series before{"before", {}}, plain_after{"plain split", {}}, safe_after{"safe split, band 10 %", {}};
  Series target{"target", {}};
  Series plain_part{"plain split", {}}, safe_part{"safe split, band 10 %", {}};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto x = static_cast<double>(i);
    before.points.emplace_back(x, values[i]);
    plain_after.points.emplace_back(x, 2 * (values[i] - plain[i]));
    safe_after.points.emplace_back(x, 2 * (values[i] - safe[i]));
    target.points.emplace_back(x, 100 * weights[i]);
    plain_part.points.emplace_back(x, plain[i]);
    safe_part.points.emplace_back(x, safe[i]);
  }
  taken.series = {plain_part, safe_part};
  share.series = {before, plain_after, safe_after, target};
  return {"split", "50 withdrawn from vaults that hold 1, 60 and 39", {taken, share}};
}

}  // namespace

std::vector<Figure> bonding_figures() {
  return {
      {"surface", "The bonding surface: λ from a sphere to nearly a constant sum", {surface_prices(), level_curves()}},
      mint(),
      eclp_liquidity(),
      fee(),
      tranching(),
      {"safety",
       "Deposits that the safety band of 25 % lets pass, targets 50/50",
       {safe_region("Reserve 50 and 50: safe between the lines", {50, 50}, false),
        safe_region("Reserve 90 and 10: safe above the line", {90, 10}, true)}},
      split(),
      neighbours()};
}

}  // namespace homeostat::curves
