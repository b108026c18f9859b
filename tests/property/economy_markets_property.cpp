// Arbitrage and rebalancing against judges that know nothing of closed forms, bounds or shortest paths: sampled sizes,
// every pair one by one, every flow one by one.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/math.hpp"
#include "core/random.hpp"
#include "economy/markets/book.hpp"
#include "economy/markets/flow.hpp"
#include "economy/markets/rebalance.hpp"

namespace homeostat::economy::markets {
namespace {

const Instant kNow = Instant::from_unix_seconds(1'800'000'000);

Random any_random() {
  return Random(*rc::gen::arbitrary<std::uint64_t>());
}

double spread_wide(Random& r, double low, double high) {
  return low * math::pow(high / low, r.uniform());
}

Pool any_pool(Random& r, double price) {
  const double numeraire = spread_wide(r, 1e3, 1e8);
  return {numeraire / price, numeraire, r.chance(0.2) ? 0 : r.uniform(0, 0.01)};
}

Route any_route(Random& r) {
  Route route;
  route.buy = any_pool(r, 100);
  route.sell = any_pool(r, 100 * r.uniform(0.9, 1.2));
  if (r.chance(0.7)) route.bridge_fee_ratio = r.uniform(0, 0.01);
  if (r.chance(0.7)) route.haircut_ratio = r.uniform(0, 0.02);
  if (r.chance(0.7)) route.capital_factor = r.uniform(1, 1.01);
  if (r.chance(0.7)) route.fixed_cost = spread_wide(r, 0.01, 1000);
  if (r.chance(0.3)) route.size_max = spread_wide(r, 10, 1e6);
  if (r.chance(0.3)) route.size_min = std::min(route.size_max, spread_wide(r, 1, 1e5));
  return route;
}

RC_GTEST_PROP(Arbitrage, NoSampledSizePaysMoreThanTheClosedForm, ()) {
  Random r = any_random();
  const Route route = any_route(r);
  RC_ASSERT(check(route).has_value());
  const auto best = best_trade(route);
  if (best) {
    RC_ASSERT(best->profit > 0);
    RC_ASSERT(best->size >= route.size_min && best->size <= route.size_max);
    RC_ASSERT(*best == trade_of(route, best->size));
  }
  for (int i = 0; i < 50; ++i) {
    double size = spread_wide(r, 1e-3, 1e7);
    if (best && i % 2 == 0) size = best->size * (1 + (r.uniform() - 0.5) * math::pow(10, -i / 6.0));
    size = std::clamp(size, route.size_min, route.size_max);
    const Trade t = trade_of(route, size);
    const double noise = 1e-12 * (size + route.fixed_cost);
    RC_ASSERT(t.profit <= (best ? best->profit : 0) + noise);
  }
}

Book any_book(Random& r, std::size_t chains, std::size_t tokens) {
  BookSettings s;
  s.risk_deviations = r.chance(0.5) ? r.uniform(0, 2) : 0;
  s.capital_max = spread_wide(r, 100, 1e7);
  if (r.chance(0.3)) s.profit_min = spread_wide(r, 0.1, 100);
  if (r.chance(0.3)) s.roi_min = r.uniform(0, 0.01);
  std::vector<std::string> names;
  std::vector<Token> list;
  for (std::size_t c = 0; c < chains; ++c) names.push_back("chain" + std::to_string(c));
  for (std::size_t t = 0; t < tokens; ++t) list.push_back({"token" + std::to_string(t), r.uniform(0, 0.1)});
  Book book = *Book::make(s, names, list);
  const double width = r.chance(0.5) ? 0.2 : 0.02;
  for (std::size_t c = 0; c < chains; ++c) {
    const auto as_of = [&] { return kNow - Duration::seconds(static_cast<std::int64_t>(r.below(66))); };
    if (r.chance(0.95)) RC_ASSERT(book.quote_swap_cost(c, spread_wide(r, 0.01, 20), as_of()).has_value());
    for (std::size_t t = 0; t < tokens; ++t) {
      if (r.chance(0.9))
        RC_ASSERT(book.quote_pool(c, t, any_pool(r, 100 * (1 + width * r.uniform())), as_of()).has_value());
    }
    for (std::size_t to = 0; to < chains; ++to) {
      if (to == c || r.chance(0.1)) continue;
      Bridge bridge{spread_wide(r, 0.01, 10), r.uniform(0, 0.005),
                    Duration::seconds(static_cast<std::int64_t>(r.below(7200)))};
      if (r.chance(0.2)) bridge.size_max = spread_wide(r, 1e3, 1e6);
      if (r.chance(0.2)) bridge.size_min = spread_wide(r, 1, 1e3);
      RC_ASSERT(book.set_bridge(c, to, bridge).has_value());
    }
  }
  return book;
}

RC_GTEST_PROP(Arbitrage, TheBestIsThatOfEveryPairOneByOne, ()) {
  Random r = any_random();
  const Book book = any_book(r, 2 + r.below(8), 1 + r.below(6));
  for (const Objective objective : {Objective::profit, Objective::roi}) {
    const auto best = book.best(objective, kNow);
    const auto all = book.all(objective, kNow, 100'000);
    RC_ASSERT(best.has_value() == !all.empty());
    if (!best) continue;
    RC_ASSERT(*best == all.front());
    for (const Opportunity& o : all) {
      RC_ASSERT(o.trade.profit > 0 && o.trade.profit >= book.settings().profit_min);
      RC_ASSERT(o.trade.roi >= book.settings().roi_min);
      RC_ASSERT(o.quote_age <= book.settings().staleness_max);
      RC_ASSERT(o.trade.size <= book.settings().capital_max);
      RC_ASSERT(o.trade.roi < o.spot_return + 1e-9);  // depth only ever takes
    }
  }
}

RC_GTEST_PROP(Arbitrage, EqualPoolsNeverPay, ()) {
  Random r = any_random();
  Route route = any_route(r);
  route.sell = route.buy;
  RC_ASSERT(!best_trade(route).has_value());
  // Of two directions at most one pays.
  Route there = any_route(r), back = there;
  std::swap(back.buy, back.sell);
  RC_ASSERT(!(best_trade(there) && best_trade(back)));
}

/// Every flow of a small network, one by one: the most that moves, and what it costs at least.
struct Judge {
  const Network& network;
  std::vector<Amount> x;
  Amount moved = 0, cost = 0;

  void visit(std::size_t arc) {
    if (arc == x.size()) return judge();
    const Arc& a = network.arcs[arc];
    for (Amount amount = 0; amount <= a.capacity; ++amount) {
      if (amount > 0 && amount < a.size_min) continue;
      x[arc] = amount;
      visit(arc + 1);
    }
  }
  [[nodiscard]] bool has_circle() const {
    std::vector<std::vector<bool>> reaches(network.balances.size(), std::vector<bool>(network.balances.size()));
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (x[i] > 0) reaches[network.arcs[i].from][network.arcs[i].to] = true;
    }
    for (std::size_t via = 0; via < reaches.size(); ++via) {
      for (auto& row : reaches) {
        for (std::size_t to = 0; to < row.size(); ++to) row[to] = row[to] || (row[via] && reaches[via][to]);
      }
    }
    for (std::size_t v = 0; v < reaches.size(); ++v) {
      if (reaches[v][v]) return true;
    }
    return false;
  }
  void judge() {
    std::vector<Amount> out(network.balances.size());
    Amount c = 0, m = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      out[network.arcs[i].from] += x[i], out[network.arcs[i].to] -= x[i];
      if (x[i] > 0) c += x[i] * network.arcs[i].cost_ppm + network.arcs[i].fixed_cost * 1'000'000;
    }
    for (std::size_t v = 0; v < out.size(); ++v) {
      const Amount b = network.balances[v];
      if (b >= 0 ? out[v] < 0 || out[v] > b : out[v] > 0 || out[v] < b) return;
      m += std::max<Amount>(out[v], 0);
    }
    if (m > network.moved_max || has_circle()) return;
    if (m > moved || (m == moved && c < cost)) moved = m, cost = c;
  }
};

Network any_network(Random& r, bool with_choices) {
  Network n;
  const std::size_t nodes = 2 + r.below(3);
  for (std::size_t v = 0; v < nodes; ++v) n.balances.push_back(static_cast<Amount>(r.below(9)) - 4);
  for (std::size_t i = 1 + r.below(6); i > 0; --i) {
    Arc a{static_cast<std::uint32_t>(r.below(nodes)), static_cast<std::uint32_t>(r.below(nodes))};
    if (a.from == a.to) continue;
    a.capacity = static_cast<Amount>(r.below(5));
    a.cost_ppm = static_cast<std::uint32_t>(r.below(4)) * 100'000;
    if (with_choices && r.chance(0.5)) a.fixed_cost = static_cast<Amount>(r.below(3));
    if (with_choices && r.chance(0.4))
      a.size_min = static_cast<Amount>(r.below(static_cast<std::uint64_t>(a.capacity) + 1));
    n.arcs.push_back(a);
  }
  if (r.chance(0.2)) n.moved_max = static_cast<Amount>(r.below(6));
  return n;
}

void compare(const Network& n) {
  RC_ASSERT(check(n).has_value());
  const Flow f = min_cost_flow(n);
  Judge judge{n, std::vector<Amount>(n.arcs.size())};
  judge.visit(0);
  RC_ASSERT(f.is_optimal);
  RC_ASSERT(f.moved == judge.moved);
  RC_ASSERT(f.cost_ppm == judge.cost);
  Judge same{n, f.amounts};
  same.judge();  // what it says is a flow of that worth
  RC_ASSERT(same.moved == f.moved);
  RC_ASSERT(same.cost == f.cost_ppm);
}

RC_GTEST_PROP(Flow, CostsAsLittleAsTheBestOfAll, ()) {
  Random r = any_random();
  compare(any_network(r, false));
}

RC_GTEST_PROP(Flow, WithFixedCostsAndLeastSizesToo, ()) {
  Random r = any_random();
  compare(any_network(r, true));
}

/// Optimal flows have no circle of negative cost and no way from a source with something left to a sink that lacks
/// something in what is left of the network: Bellman and Ford over every arc and its reverse, for networks that are too
/// large to try everything.
RC_GTEST_PROP(Flow, LeavesNothingToBeImproved, ()) {
  Random r = any_random();
  Network n;
  const std::size_t nodes = 4 + r.below(12);
  for (std::size_t v = 0; v < nodes; ++v) n.balances.push_back(static_cast<Amount>(r.below(2001)) - 1000);
  for (std::size_t i = nodes * (1 + r.below(6)); i > 0; --i) {
    const auto from = static_cast<std::uint32_t>(r.below(nodes)), to = static_cast<std::uint32_t>(r.below(nodes));
    if (from == to) continue;
    n.arcs.push_back({from, to, static_cast<Amount>(r.below(1500)), static_cast<std::uint32_t>(r.below(1000))});
  }
  const Flow f = min_cost_flow(n);
  RC_ASSERT(f.is_optimal);
  struct Left {
    std::size_t from, to;
    long long cost;
  };
  std::vector<Left> left;  // the last node joins sources to sinks: what is not moved is what it carries
  std::vector<Amount> out(nodes);
  for (std::size_t i = 0; i < n.arcs.size(); ++i) {
    const Arc& a = n.arcs[i];
    RC_ASSERT(f.amounts[i] >= 0 && f.amounts[i] <= a.capacity);
    out[a.from] += f.amounts[i], out[a.to] -= f.amounts[i];
    if (f.amounts[i] < a.capacity) left.push_back({a.from, a.to, a.cost_ppm});
    if (f.amounts[i] > 0) left.push_back({a.to, a.from, -static_cast<long long>(a.cost_ppm)});
  }
  constexpr long long kGain = 1'000'000'000;  // one more unit moved is worth any path
  const std::size_t s = nodes, t = nodes + 1;
  for (std::size_t v = 0; v < nodes; ++v) {
    const Amount b = n.balances[v];
    RC_ASSERT((b >= 0 ? out[v] >= 0 && out[v] <= b : out[v] <= 0 && out[v] >= b));
    if (b > 0 && out[v] < b) left.push_back({s, v, 0});
    if (b > 0 && out[v] > 0) left.push_back({v, s, 0});
    if (b < 0 && out[v] > b) left.push_back({v, t, 0});
    if (b < 0 && out[v] < 0) left.push_back({t, v, 0});
  }
  left.push_back({t, s, -kGain});
  left.push_back({s, t, kGain});
  std::vector<long long> distance(nodes + 2);
  bool has_changed = true;
  for (std::size_t round = 0; has_changed && round <= nodes + 2; ++round) {
    has_changed = false;
    for (const Left& e : left) {
      if (distance[e.from] + e.cost >= distance[e.to]) continue;
      distance[e.to] = distance[e.from] + e.cost;
      has_changed = true;
    }
  }
  RC_ASSERT(!has_changed);
}

Amount any_amount(Random& r, int digits) {
  Amount out = 0;
  for (int i = 0; i < digits; ++i) out = out * 10 + static_cast<Amount>(r.below(10));
  return out;
}

Holdings any_holdings(Random& r) {
  Holdings h;
  const std::size_t chains = 2 + r.below(7);
  const int digits = 1 + static_cast<int>(r.below(29));
  double sum = 0;
  for (std::size_t i = 0; i < chains; ++i) {
    h.amounts.push_back(r.chance(0.2) ? 0 : any_amount(r, digits));
    h.target_shares.push_back(r.chance(0.2) ? 0 : r.uniform());
    sum += h.target_shares.back();
  }
  if (sum == 0) h.target_shares[0] = sum = 1;
  for (double& s : h.target_shares) s /= sum;
  const std::uint32_t fee_max = r.chance(0.2) ? kFeePpmMax : 10'000;
  for (std::uint32_t from = 0; from < chains; ++from) {
    for (std::uint32_t to = 0; to < chains; ++to) {
      if (from == to || r.chance(0.4)) continue;
      Lane lane{from, to, {}};
      std::uint32_t ppm = 0;
      for (std::uint64_t k = 1 + r.below(3); k > 0; --k) {
        ppm = std::min<std::uint32_t>(kFeePpmMax, ppm + static_cast<std::uint32_t>(r.below(fee_max)));
        lane.tiers.push_back({any_amount(r, std::max(1, digits - static_cast<int>(r.below(2)))), ppm});
      }
      if (lane.tiers.size() == 1 && r.chance(0.3))
        lane.fixed_fee = any_amount(r, std::max(1, std::min(24, digits - 3)));
      if (lane.tiers.size() == 1 && r.chance(0.3))
        lane.size_min = lane.tiers[0].size / static_cast<Amount>(2 + r.below(20));
      h.lanes.push_back(lane);
    }
  }
  if (r.chance(0.2)) h.moved_max = any_amount(r, digits);
  h.search.relaxations_max = 20;
  return h;
}

RC_GTEST_PROP(Rebalance, ConservesEveryUnitAndKeepsEveryLimit, ()) {
  Random r = any_random();
  const Holdings h = any_holdings(r);
  RC_ASSERT(check(h).has_value());
  const Plan p = rebalance(h);
  std::vector<Amount> after = h.amounts;
  Amount fees = 0, before = 0, targets = 0, held = 0;
  std::uint32_t stage = 0;
  std::vector<Amount> arriving(after.size());
  for (const Leg& leg : p.legs) {
    if (leg.stage != stage) {
      for (std::size_t i = 0; i < after.size(); ++i) after[i] += std::exchange(arriving[i], 0);
      stage = leg.stage;
    }
    const Lane& lane = h.lanes[leg.lane];
    RC_ASSERT(leg.from == lane.from && leg.to == lane.to);
    RC_ASSERT(leg.leaves == leg.arrives + leg.fee);
    Amount fee = lane.fixed_fee, left = leg.arrives;
    for (const FeeTier& t : lane.tiers) {
      const Amount part = std::min(left, t.size);
      fee += (part * t.fee_ppm + 999'999) / 1'000'000, left -= part;
    }
    RC_ASSERT(left == 0);
    RC_ASSERT(leg.fee == fee);
    RC_ASSERT(leg.arrives > 0 && leg.arrives >= lane.size_min);
    after[leg.from] -= leg.leaves, arriving[leg.to] += leg.arrives, fees += leg.fee;
    RC_ASSERT(after[leg.from] >= 0);  // every leg is covered when it goes
  }
  for (std::size_t i = 0; i < after.size(); ++i) {
    after[i] += arriving[i];
    RC_ASSERT(p.missing[i] - p.surplus[i] == p.target[i] - after[i]);
    RC_ASSERT(p.missing[i] == 0 || p.surplus[i] == 0);
    before += h.amounts[i] - after[i];
    targets += p.target[i], held += after[i];
  }
  RC_ASSERT(targets == held);
  RC_ASSERT(after == p.after);
  RC_ASSERT(before == fees);
  RC_ASSERT(fees == p.fees);
}

RC_GTEST_PROP(Rebalance, ReachesEveryTargetWhenTheBridgesAreLargeEnough, ()) {
  Random r = any_random();
  Holdings h = any_holdings(r);
  h.moved_max = kAmountMax;
  h.lanes.clear();
  for (std::uint32_t from = 0; from < h.amounts.size(); ++from) {
    for (std::uint32_t to = 0; to < h.amounts.size(); ++to) {
      if (from != to) h.lanes.push_back({from, to, {{kAmountMax, static_cast<std::uint32_t>(r.below(20'000))}}});
    }
  }
  const Plan p = rebalance(h);
  Amount missing = 0;
  for (const Amount m : p.missing) missing += m;
  RC_ASSERT(missing <= static_cast<Amount>(h.lanes.size()));  // roundings of fees, at the most
  RC_ASSERT(p.is_optimal);
}

}  // namespace
}  // namespace homeostat::economy::markets
