#include "economy/markets/rebalance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>

#include "economy/markets/flow.hpp"

namespace homeostat::economy::markets {
namespace {

std::vector<long long> plain(const std::vector<Amount>& amounts) {
  std::vector<long long> out;
  for (const Amount a : amounts) out.push_back(static_cast<long long>(a));
  return out;
}
using Plain = std::vector<long long>;

Arc arc(std::uint32_t from, std::uint32_t to, Amount capacity, std::uint32_t cost_ppm, Amount fixed = 0,
        Amount least = 0) {
  return {from, to, capacity, cost_ppm, fixed, least};
}

TEST(Flow, TakesTheCheapestWayAndThenTheNext) {
  // 0 has 10 too many, 3 lacks 10: by 1 at 1 + 1, room for 6; by 2 at 2 + 2.
  const Network n{{10, 0, 0, -10}, {arc(0, 1, 6, 1), arc(1, 3, 9, 1), arc(0, 2, 9, 2), arc(2, 3, 9, 2)}};
  const Flow f = min_cost_flow(n);
  EXPECT_EQ(plain(f.amounts), (Plain{6, 6, 4, 4}));
  EXPECT_EQ(static_cast<long long>(f.cost_ppm), 28);
  EXPECT_EQ(static_cast<long long>(f.moved), 10);
  EXPECT_TRUE(f.is_optimal);
}

TEST(Flow, TakesBackWhatAnEarlierPathTook) {
  // The first path 0-1-2-3 is the cheapest, and wrong: the best plan is 0-1-3 and 0-2-3.
  const Network n{{2, 0, 0, -2}, {arc(0, 1, 1, 1), arc(0, 2, 1, 4), arc(1, 2, 1, 1), arc(1, 3, 1, 5), arc(2, 3, 1, 1)}};
  const Flow f = min_cost_flow(n);
  EXPECT_EQ(plain(f.amounts), (Plain{1, 1, 0, 1, 1}));
  EXPECT_EQ(static_cast<long long>(f.cost_ppm), 11);
}

TEST(Flow, ManySmallFixedCostsAgainstOneLarge) {
  // Two cheap bridges of 5 with a fixed cost each against one of 10 that costs a little more per unit.
  const Network n{{10, -10}, {arc(0, 1, 5, 0, 100), arc(0, 1, 5, 0, 100), arc(0, 1, 10, 1'000'000, 120)}};
  const Flow f = min_cost_flow(n);
  EXPECT_EQ(plain(f.amounts), (Plain{0, 0, 10}));  // 130 against 200, or 100 + 125
  EXPECT_EQ(static_cast<long long>(f.cost_ppm), 130'000'000);
  EXPECT_TRUE(f.is_optimal);
}

TEST(Flow, LeastSizesAreKeptOrTheArcIsNotUsed) {
  const Network n{{10, -10}, {arc(0, 1, 8, 1), arc(0, 1, 10, 5, 0, 4)}};
  EXPECT_EQ(plain(min_cost_flow(n).amounts), (Plain{6, 4}));
  const Network too_large{{3, -3}, {arc(0, 1, 2, 1), arc(0, 1, 10, 5, 0, 4)}};
  EXPECT_EQ(plain(min_cost_flow(too_large).amounts), (Plain{2, 0}));
}

TEST(Flow, ACircleIsNoWayAroundALeastSize) {
  // Sending 4 and getting 2 back would fill the 2 that are missing; the arcs are as cheap as they can be.
  const Network n{{4, -2}, {arc(0, 1, 4, 0, 0, 4), arc(1, 0, 2, 0, 0, 2)}};
  const Flow f = min_cost_flow(n);
  EXPECT_EQ(plain(f.amounts), (Plain{0, 0}));
  EXPECT_TRUE(f.is_optimal);
}

TEST(Flow, FindsTheBestAmongManyWays) {
  // Units of four sources to four sinks at costs of which one assignment is the least, found by trying
  // all; paths must take back what earlier ones took more than once.
  const std::uint32_t cost[4][4] = {{9, 6, 7, 8}, {6, 8, 3, 7}, {5, 8, 1, 8}, {7, 6, 9, 4}};
  Network n{{1, 1, 1, 1, -1, -1, -1, -1}, {}};
  Amount least = 1000;
  for (std::uint32_t i = 0; i < 4; ++i) {
    for (std::uint32_t j = 0; j < 4; ++j) n.arcs.push_back(arc(i, 4 + j, 1, cost[i][j]));
  }
  std::array<std::size_t, 4> to{0, 1, 2, 3};
  do {
    least = std::min<Amount>(least, cost[0][to[0]] + cost[1][to[1]] + cost[2][to[2]] + cost[3][to[3]]);
  } while (std::next_permutation(to.begin(), to.end()));
  const Flow f = min_cost_flow(n);
  EXPECT_TRUE(f.moved == 4);
  EXPECT_TRUE(f.cost_ppm == least);
}

TEST(Flow, MovesWhatItCanWhenNotAllCan) {
  const Network n{{10, -4, -6}, {arc(0, 1, 3, 1), arc(0, 2, 4, 1)}};
  const Flow f = min_cost_flow(n);
  EXPECT_EQ(plain(f.amounts), (Plain{3, 4}));
  Network limited = n;
  limited.moved_max = 5;
  EXPECT_EQ(static_cast<long long>(min_cost_flow(limited).moved), 5);
}

TEST(Flow, AmountsMayBeAsLargeAsTheyGet) {
  const Network n{{kAmountMax, 0, -kAmountMax}, {arc(0, 1, kAmountMax, 1'000'000), arc(1, 2, kAmountMax, 1'000'000)}};
  const Flow f = min_cost_flow(n);
  EXPECT_TRUE(f.moved == kAmountMax);
  EXPECT_TRUE(f.cost_ppm == kAmountMax * 2'000'000);
}

TEST(Flow, RefusesWhatIsOutOfRangeByName) {
  const auto where = [](const Network& n) { return check(n) ? "" : check(n).error().where; };
  EXPECT_EQ(where({{1, -1}, {arc(0, 1, 1, 1)}}), "");
  EXPECT_EQ(where({{}, {}}), "balances");
  EXPECT_EQ(where({std::vector<Amount>(65), {}}), "balances");
  EXPECT_EQ(where({{kAmountMax + 1, 0}, {}}), "balances[0]");
  EXPECT_EQ(where({{0, 0}, {arc(0, 2, 1, 1)}}), "arcs[0].to");
  EXPECT_EQ(where({{0, 0}, {arc(0, 1, -1, 1)}}), "arcs[0].capacity");
  EXPECT_EQ(where({{0, 0}, {arc(0, 1, 1, 1'000'001)}}), "arcs[0].cost_ppm");
  EXPECT_EQ(where({{0, 0}, {arc(0, 1, 1, 1, kFixedCostMax + 1)}}), "arcs[0].fixed_cost");
  EXPECT_EQ(where({{0, 0}, {arc(0, 1, 1, 1, 0, 2)}}), "arcs[0].size_min");
  EXPECT_EQ(where({{0, 0}, {}, -1}), "moved_max");
  EXPECT_EQ(check(FlowSettings{0, 1}).error().where, "relaxations_max");
  EXPECT_EQ(check(FlowSettings{1, 0}).error().where, "paths_max");
}

Lane lane(std::uint32_t from, std::uint32_t to, Amount capacity, std::uint32_t ppm, Amount fixed = 0,
          Amount least = 0) {
  return {from, to, {{capacity, ppm}}, fixed, least};
}

Amount sum(const std::vector<Amount>& amounts) {
  Amount out = 0;
  for (const Amount a : amounts) out += a;
  return out;
}

TEST(Rebalance, FeesComeOutOfTheWholeAndTheSharesHoldAfterThem) {
  // 1,000,000 on one chain, half wanted on the other at 1 %: x arrives, x / 100 is the fee, both end with
  // (1,000,000 - fee) / 2, so x = 497,512 with a fee of 4,976 (497,512.4 and 4,975.1 in real numbers).
  Holdings h{{1'000'000, 0}, {0.5, 0.5}, {lane(0, 1, 1'000'000, 10'000)}};
  ASSERT_TRUE(check(h));
  const Plan p = rebalance(h);
  ASSERT_EQ(p.legs.size(), 1);
  EXPECT_EQ(p.legs[0], (Leg{0, 0, 1, 502'488, 497'512, 4'976, 0}));
  EXPECT_EQ(plain(p.after), (Plain{497'512, 497'512}));
  EXPECT_EQ(plain(p.target), (Plain{497'512, 497'512}));
  EXPECT_TRUE(p.is_on_target);
  EXPECT_TRUE(p.is_optimal);
  EXPECT_TRUE(sum(p.after) + p.fees == 1'000'000);
}

TEST(Rebalance, GoesByAThirdChainWhenThatIsCheaperAndPaysThere) {
  const Holdings h{{900'000, 0, 100'000},
                   {0.4, 0.5, 0.1},
                   {lane(0, 1, 1'000'000, 30'000), lane(0, 2, 1'000'000, 1'000), lane(2, 1, 1'000'000, 2'000)}};
  const Plan p = rebalance(h);
  ASSERT_EQ(p.legs.size(), 2);
  EXPECT_EQ(p.legs[0].lane, 1);
  EXPECT_EQ(p.legs[0].stage, 0);
  EXPECT_EQ(p.legs[1].lane, 2);
  EXPECT_EQ(p.legs[1].stage, 1);  // it has 100,000 and must wait for the rest
  EXPECT_TRUE(p.is_on_target);
  EXPECT_EQ(plain(p.after), plain(p.target));
  EXPECT_TRUE(sum(p.after) + p.fees == 1'000'000);
}

TEST(Rebalance, CheaperTiersGoFirst) {
  const Holdings h{{1'000'000, 0}, {0.5, 0.5}, {{0, 1, {{100'000, 1'000}, {900'000, 5'000}}}}};
  const Plan p = rebalance(h);
  ASSERT_EQ(p.legs.size(), 1);
  const long long x = static_cast<long long>(p.legs[0].arrives);
  EXPECT_EQ(static_cast<long long>(p.fees), 100 + ((x - 100'000) * 5 + 999) / 1000);
  EXPECT_TRUE(p.is_on_target);
}

TEST(Rebalance, SaysWhatIsMissingWhenTheBridgesAreTooSmall) {
  const Holdings h{{1000, 0, 0}, {0.5, 0.25, 0.25}, {lane(0, 1, 100, 0), lane(0, 2, 1000, 0)}};
  const Plan p = rebalance(h);
  EXPECT_FALSE(p.is_on_target);
  EXPECT_EQ(plain(p.after), (Plain{650, 100, 250}));
  EXPECT_EQ(plain(rebalance({{100, 0, 0}, {0.3334, 0.3333, 0.3333}, {}}).target), (Plain{34, 33, 33}));
  EXPECT_EQ(plain(p.missing), (Plain{0, 150, 0}));
  EXPECT_EQ(plain(p.surplus), (Plain{150, 0, 0}));
}

TEST(Rebalance, FixedFeesAndLeastSizesCount) {
  // The first is cheaper per unit, but only with many of them; one of the second's transfers is enough.
  Holdings h{{1'000'000, 0}, {0.999, 0.001}, {lane(0, 1, 1'000'000, 100, 500), lane(0, 1, 1'000'000, 20'000)}};
  Plan p = rebalance(h);
  ASSERT_EQ(p.legs.size(), 1);
  EXPECT_EQ(p.legs[0].lane, 1);
  h.target_shares = {0.5, 0.5};
  p = rebalance(h);
  ASSERT_EQ(p.legs.size(), 1);
  EXPECT_EQ(p.legs[0].lane, 0);
  EXPECT_TRUE(p.is_on_target);
  h.target_shares = {0.999, 0.001};
  h.lanes = {lane(0, 1, 1'000'000, 100, 0, 5'000)};
  p = rebalance(h);
  EXPECT_TRUE(p.legs.empty());
  EXPECT_EQ(plain(p.missing), (Plain{0, 1000}));
}

TEST(Rebalance, AChainThatCannotPayTheFeesForwardsNothing) {
  // 1 lacks more than it can get; to forward to 2 it would have to pay 40 % out of nothing.
  const Holdings h{{1000, 0, 0}, {0.2, 0.4, 0.4}, {lane(0, 1, 100, 0), lane(1, 2, 1000, 400'000)}};
  const Plan p = rebalance(h);
  for (const Amount a : p.after) EXPECT_TRUE(a >= 0);
  EXPECT_TRUE(sum(p.after) + p.fees == 1000);
}

TEST(Rebalance, NothingToDoIsAnEmptyPlan) {
  const Plan p = rebalance({{500, 500}, {0.5, 0.5}, {lane(0, 1, 1000, 1)}});
  EXPECT_TRUE(p.legs.empty());
  EXPECT_TRUE(p.is_on_target);
  EXPECT_TRUE(rebalance({{0, 0}, {0.5, 0.5}, {}}).is_on_target);
}

TEST(Rebalance, RefusesWhatIsOutOfRangeByName) {
  const Holdings good{{10, 0}, {0.5, 0.5}, {lane(0, 1, 10, 0)}};
  EXPECT_TRUE(check(good));
  const auto where = [&](auto change) {
    Holdings h = good;
    change(h);
    const auto ok = check(h);
    return ok ? std::string() : ok.error().where;
  };
  EXPECT_EQ(where([](Holdings& h) { h.amounts = {1}; }), "amounts");
  EXPECT_EQ(where([](Holdings& h) { h.amounts[1] = -1; }), "amounts[1]");
  EXPECT_EQ(where([](Holdings& h) { h.amounts = {kAmountMax, 1}; }), "amounts[1]");
  EXPECT_EQ(where([](Holdings& h) { h.target_shares = {0.5, 0.4}; }), "target_shares");
  EXPECT_EQ(where([](Holdings& h) { h.target_shares = {1}; }), "target_shares");
  EXPECT_EQ(where([](Holdings& h) { h.target_shares[1] = std::numeric_limits<double>::quiet_NaN(); }),
            "target_shares[1]");
  EXPECT_EQ(where([](Holdings& h) { h.moved_max = -1; }), "moved_max");
  EXPECT_EQ(where([](Holdings& h) { h.lanes[0].to = 0; }), "lanes[0].to");
  EXPECT_EQ(where([](Holdings& h) { h.lanes[0].from = 2; }), "lanes[0].from");
  EXPECT_EQ(where([](Holdings& h) { h.lanes[0].tiers = {}; }), "lanes[0].tiers");
  EXPECT_EQ(where([](Holdings& h) { h.lanes[0].tiers[0].size = -1; }), "lanes[0].tiers[0].size");
  EXPECT_EQ(where([](Holdings& h) { h.lanes[0].tiers = {{5, 20}, {5, 10}}; }), "lanes[0].tiers[1].fee_ppm");
  EXPECT_EQ(where([](Holdings& h) { h.lanes[0].fixed_fee = -1; }), "lanes[0].fixed_fee");
  EXPECT_EQ(where([](Holdings& h) { h.lanes[0].size_min = 11; }), "lanes[0].size_min");
  EXPECT_EQ(where([](Holdings& h) {
              h.lanes[0].tiers = {{5, 10}, {5, 20}}, h.lanes[0].fixed_fee = 1;
            }),
            "lanes[0].tiers");
}

}  // namespace
}  // namespace homeostat::economy::markets
