#include "economy/tokenomics/stabilisation.hpp"

#include "tests/unit/economy/tokenomics.hpp"

namespace homeostat::economy::tokenomics {
namespace {

using Kind = InterventionKind;

StabilisationSettings plant() {
  StabilisationSettings s;
  s.range = {0.19, 0.21};
  s.pool_rate = 0.01;
  s.supply_rate = 2e-5;
  return s;
}

TEST(Stabilisation, DoesWhatThePlantDoesBelowAboveAndInside) {
  // TKPI-8 at its start: a reserve of 500 000, a supply of 100 000 000.
  const auto below = *stabilise(plant(), 0.18, 500'000, 100'000'000);
  EXPECT_EQ(below.kind, Kind::buy_back);
  EXPECT_EQ(small(below.money), 5'000);
  const auto above = *stabilise(plant(), 0.22, 500'000, 100'000'000);
  EXPECT_EQ(above.kind, Kind::mint);
  EXPECT_EQ(small(above.tokens), 2'000);
  for (const double price : {0.19, 0.2, 0.21}) {
    EXPECT_EQ(*stabilise(plant(), price, 500'000, 100'000'000), Intervention{});
  }
}

TEST(Stabilisation, GrowsWithTheGapWhenAsked) {
  auto s = plant();
  s.gap_full = 0.25;
  EXPECT_EQ(small(buy_back(s, 0.19 / 1.125, 500'000)->money), 2'500);  // half the gap: half the draw
  EXPECT_EQ(small(buy_back(s, 0.01, 500'000)->money), 5'000);
}

TEST(Stabilisation, ThePoolRunsOutGracefully) {
  auto s = plant();
  s.pool_rate = 0.5;
  s.pool_kept = 10;
  Amount pool = 100, last = kAmountMax;
  int draws = 0;
  for (; draws < 100; ++draws) {
    const auto action = *buy_back(s, 0.1, pool);
    if (action.kind == Kind::none) break;
    EXPECT_TRUE(action.money <= last);
    pool -= last = action.money;
  }
  EXPECT_EQ(small(pool), 11);  // half of the one above the kept ten is not a base unit
  EXPECT_EQ(draws, 7);
  EXPECT_TRUE(buy_back(s, 0.1, pool)->is_pool_spent);
  EXPECT_TRUE(buy_back(s, 0.1, 5)->is_pool_spent);
  EXPECT_FALSE(buy_back(s, 0.2, 5)->is_pool_spent);
}

TEST(Stabilisation, TheReservePoolSellsWhatItHoldsUpToItsCeiling) {
  auto s = plant();
  s.supply_rate = 0.1;
  s.pool_ceiling = 1'000;
  EXPECT_EQ(*reserve_pool(s, 0.3, 500, 200), (Intervention{.kind = Kind::sell_tokens, .tokens = 20}));
  EXPECT_EQ(*reserve_pool(s, 0.3, 1'000, 200), Intervention{});
  EXPECT_EQ(*reserve_pool(s, 0.1, 500, 200), (Intervention{.kind = Kind::buy_tokens, .money = 5}));
  EXPECT_EQ(*reserve_pool(s, 0.2, 500, 200), Intervention{});
}

TEST(Stabilisation, TheAlgorithmicInstrumentFollowsThePriceBothWays) {
  const AlgorithmicSettings s;  // gain 0.1, at most 5 %
  EXPECT_EQ(small(algorithmic(s, 1.25, 1'000'000)->tokens), 25'000);
  EXPECT_EQ(algorithmic(s, 1.25, 1'000'000)->kind, Kind::mint);
  EXPECT_EQ(*algorithmic(s, 0.75, 1'000'000), (Intervention{.kind = Kind::burn, .tokens = 25'000}));
  EXPECT_EQ(small(algorithmic(s, 5, 1'000'000)->tokens), 50'000);
  EXPECT_EQ(*algorithmic(s, 1.05, 1'000'000), Intervention{});
  EXPECT_EQ(*algorithmic(s, 100, kAmountMax), Intervention{});  // nothing more can exist
}

TEST(Stabilisation, AnOpenMarketTradeTakesThePriceToTheEdge) {
  // 1 000 000 tokens and 810 000 of money: 0.81; to 0.9025 it takes 810 000 x (0.95 / 0.9 - 1).
  const PriceRange range{0.9025, 1.1025};
  OpenMarket m{.tokens = 1'000'000, .money = 810'000, .money_held = 1'000'000, .tokens_held = 1'000'000};
  const auto bought = *open_market(range, m);
  EXPECT_EQ(bought.kind, Kind::buy_tokens);
  EXPECT_NEAR(static_cast<double>(small(bought.money)), 45'000, 1);
  const double y = 810'000 + static_cast<double>(small(bought.money));
  EXPECT_NEAR(y / (1e6 * 810'000 / y), 0.9025, 1e-6);

  m.money = 1'210'000;
  EXPECT_NEAR(static_cast<double>(small(open_market(range, m)->tokens)), 47'619, 1);  // 1.1 / 1.05 - 1
  m.tokens_held = 100;
  EXPECT_EQ(*open_market(range, m), (Intervention{.kind = Kind::sell_tokens, .tokens = 100, .is_pool_spent = true}));
  m.tokens_held = 0;
  EXPECT_EQ(*open_market(range, m), Intervention{.is_pool_spent = true});
  m.money = 1'000'000;
  EXPECT_EQ(*open_market(range, m), Intervention{});
}

TEST(Rebase, AnswersATenthOfTheGapAtALagOfTen) {
  EXPECT_EQ(small(rebase({}, 1.2, 1'000'000)->tokens), 1'019'999);  // 1.2 - 1 is a little below a fifth
  EXPECT_EQ(small(rebase({}, 0.5, 1'000'000)->tokens), 950'000);
  EXPECT_EQ(small(rebase({}, 3, 1'000'000)->tokens), 1'100'000);
  EXPECT_EQ(*rebase({}, 1.05, 1'000'000), Intervention{});
  EXPECT_EQ(*rebase({}, 1.2, 3), Intervention{});  // no base unit would move
}

TEST(Rebase, BalancesSumToTheSupplyAndSharesStay) {
  const std::vector<Amount> shares{1, 2, 3};
  std::vector<Amount> balances(3);
  ApportionScratch scratch;
  for (const Amount supply : {6, 7, 1000, 999, 6}) {
    ASSERT_TRUE(balances_of(supply, shares, balances, scratch));
    EXPECT_TRUE(sum_of(balances) == supply);
  }
  EXPECT_EQ(small(balances), (std::vector<std::int64_t>{1, 2, 3}));  // back where it was, to the unit
}

TEST(Stabilisation, RefusesWhatIsOutOfRange) {
  for (const double bad : {kNan, kInfinity, 0.0, -1.0, 1e31}) {
    EXPECT_EQ(refused(stabilise({}, bad, 1, 1)), "price");
    EXPECT_EQ(refused(reserve_pool({}, bad, 1, 1)), "price");
    EXPECT_EQ(refused(algorithmic({}, bad, 1)), "price");
    EXPECT_EQ(refused(rebase({}, bad, 1)), "price");
    EXPECT_EQ(refused(check(PriceRange{bad, 1})), "range.low");
    EXPECT_EQ(refused(check(PriceRange{1, bad})), "range.high");
  }
  EXPECT_EQ(refused(stabilise({}, 1, -1, 1)), "pool");
  EXPECT_EQ(refused(stabilise({}, 1, 1, kAmountMax + 1)), "supply");
  EXPECT_EQ(refused(reserve_pool({}, 1, 1, -1)), "tokens_held");
  EXPECT_EQ(refused(check(PriceRange{2, 1})), "range.low");
  EXPECT_EQ(refused(check(StabilisationSettings{.pool_rate = 1.1})), "pool_rate");
  EXPECT_EQ(refused(check(StabilisationSettings{.supply_rate = -0.1})), "supply_rate");
  EXPECT_EQ(refused(check(StabilisationSettings{.gap_full = kNan})), "gap_full");
  EXPECT_EQ(refused(check(StabilisationSettings{.pool_kept = -1})), "pool_kept");
  EXPECT_EQ(refused(check(AlgorithmicSettings{.target = 2})), "target");
  EXPECT_EQ(refused(check(AlgorithmicSettings{.gain = -1})), "gain");
  EXPECT_EQ(refused(check(RebaseSettings{.lag = 0.5})), "lag");
  EXPECT_EQ(refused(check(RebaseSettings{.change_max = 2})), "change_max");
  EXPECT_EQ(refused(open_market({}, {.tokens = 0, .money = 1})), "tokens");
  EXPECT_EQ(refused(open_market({}, {.tokens = 1, .money = 0})), "money");
  EXPECT_EQ(refused(open_market({}, {.tokens = 1, .money = 1, .money_held = -1})), "money_held");
  EXPECT_EQ(refused(open_market({}, {.tokens = 1, .money = 1, .money_per_token = 0})), "money_per_token");
}

}  // namespace
}  // namespace homeostat::economy::tokenomics
