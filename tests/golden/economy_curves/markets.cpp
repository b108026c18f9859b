// Arbitrage and rebalancing.
#include <string>

#include "economy/markets/book.hpp"
#include "economy/markets/rebalance.hpp"
#include "economy/markets/route.hpp"
#include "tests/golden/economy_curves/curves.hpp"

namespace homeostat::curves {
namespace {

using namespace economy::markets;
using economy::Amount;

Figure arbitrage() {
  Panel profit{"Profit by size: price 100 here, 110 there",
               {"size, numeraire", 0, 6000},
               {"profit, numeraire", -150, 250},
               {},
               {}};
  const Pool buy{1000, 100'000, 0};
  const Pool sell{1000, 110'000, 0};
  const Route free{.buy = buy, .sell = sell};
  Route costs{.buy = {1000, 100'000, 0.003},
              .sell = {1000, 110'000, 0.003},
              .bridge_fee_ratio = 0.001,
              .haircut_ratio = 0.01,
              .capital_factor = 1.0005,
              .fixed_cost = 15};
  profit.series = {
      sample("no costs", 0, 6000, 120, [&](double size) { return trade_of(free, size).profit; }),
      sample("with fees, haircut and gas", 0, 6000, 120, [&](double size) { return trade_of(costs, size).profit; }),
      sample(
          "what the spread of 10 % promises", 0, 6000, 2,
          [&](double size) { return size * (sell.price() / buy.price() - 1); }, true)};
  for (const Route& route : {free, costs}) {
    const auto best = best_trade(route);
    if (!best) continue;
    profit.marks.push_back(
        {best->size, best->profit, "d* earns " + std::to_string(static_cast<int>(best->profit + 0.5))});
  }
  Panel depth{"The most that a spread can earn",
              {"spread, %", 0, 20},
              {"profit at the best size, numeraire", 0.1, 10'000, true},
              {},
              {}};
  for (const auto& [tokens, label] :
       {std::pair{100.0, "10,000 on each side"}, {1000.0, "100,000"}, {10'000.0, "1,000,000"}}) {
    depth.series.push_back(sample(label, 0, 20, 200, [&, tokens = tokens](double spread) -> std::optional<double> {
      Route route = costs;
      route.buy = {tokens, tokens * 100, 0.003};
      route.sell = {tokens, tokens * (100 + spread), 0.003};
      const auto best = best_trade(route);
      if (!best) return {};
      return best->profit;
    }));
  }
  return {"arbitrage", "Arbitrage: the best size, and what it is worth", {profit, depth}};
}

Figure rebalancing() {
  const auto lane = [](std::uint32_t from, std::uint32_t to, Amount fixed_fee) {
    return Lane{.from = from, .to = to, .tiers = {{1'000'000, 3000}}, .fixed_fee = fixed_fee};
  };
  Holdings holdings{.amounts = {700'000, 50'000, 200'000, 50'000},
                    .target_shares = {0.4, 0.3, 0.2, 0.1},
                    .lanes = {lane(0, 1, 200), lane(0, 3, 200), lane(2, 3, 100), lane(0, 2, 100), lane(1, 3, 100)}};
  must(check(holdings));
  const auto bars = [&](const Plan& plan, Panel& panel) {
    Series before{"before", {}}, after{"after", {}}, target{"target, of what is left", {}};
    for (std::size_t i = 0; i < holdings.amounts.size(); ++i) {
      const auto x = static_cast<double>(i);
      before.points.emplace_back(x, static_cast<double>(holdings.amounts[i]) / 1000);
      after.points.emplace_back(x, static_cast<double>(plan.after[i]) / 1000);
      target.points.emplace_back(x, static_cast<double>(plan.target[i]) / 1000);
    }
    panel.series = {before, after, target};
    panel.categories = {"chain 1", "chain 2", "chain 3", "chain 4"};
  };
  Panel all{"Every bridge open", {"", 0, 4}, {"holdings, thousand units", 0, 800}, {}, {}};
  const Plan open = rebalance(holdings);
  bars(open, all);
  all.title += ": fees " + std::to_string(static_cast<long long>(open.fees)) + " units";
  for (auto& l : holdings.lanes) {
    if (l.to == 1) l.tiers[0].size = 150'000;  // the bridge to chain 2 takes no more
  }
  Panel narrow{"150,000 at most to chain 2", {"", 0, 4}, {"holdings, thousand units", 0, 800}, {}, {}};
  const Plan held = rebalance(holdings);
  bars(held, narrow);
  narrow.title += ": " + std::to_string(static_cast<long long>(held.missing[1])) + " missing";
  return {"rebalancing", "Rebalancing a million units at 0.3 % and fixed fees", {all, narrow}};
}

/// A book whose second chain's quote grows old while its price stays.
Figure quote_age() {
  Panel out{"The best arbitrage while one quote ages",
            {"age of the quote, s", 0, 120},
            {"profit offered, numeraire", 0, 160},
            {},
            {}};
  const Instant now = Instant::from_unix_seconds(1'000'000);
  for (const auto& [seconds, label] : {std::pair{60, "staleness_max 60 s (default)"}, {30, "30 s"}}) {
    BookSettings settings;
    settings.staleness_max = Duration::seconds(seconds);
    Series series{label, {}};
    for (int age = 0; age <= 120; ++age) {
      Book book = must(Book::make(settings, {"here", "there"}, {{"T", 0}}));
      must(book.quote_pool(0, 0, {1000, 100'000, 0}, now));
      must(book.quote_pool(1, 0, {1000, 110'000, 0}, now - Duration::seconds(age)));
      for (const std::size_t chain : {0U, 1U}) must(book.quote_swap_cost(chain, 0, now));
      must(book.set_bridge(0, 1, {}));
      const auto best = book.best(Objective::profit, now);
      series.points.emplace_back(age, best ? best->trade.profit : 0);
    }
    out.series.push_back(series);
  }
  return {"quote_age", "Quotes with an age: nothing is offered on a stale one", {out}};
}

}  // namespace

std::vector<Figure> markets_figures() {
  return {arbitrage(), rebalancing(), quote_age()};
}

}  // namespace homeostat::curves
