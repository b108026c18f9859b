#include "economy/markets/book.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace homeostat::economy::markets {
namespace {

const Instant kNow = Instant::from_unix_seconds(1'800'000'000);

BookSettings settings() {
  BookSettings s;
  s.risk_deviations = 0;
  s.capital_rate_per_year = 0;
  return s;
}

/// Three chains, one token at 100, 110 and 104; all bridged, free.
Book example(const BookSettings& s = settings()) {
  Book book = *Book::make(s, {"ethereum", "base", "polygon"}, {{"MYC", 0.05}, {"OTHER", 0.05}});
  const double prices[] = {100, 110, 104};
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_TRUE(book.quote_pool(c, 0, {1000, 1000 * prices[c], 0}, kNow));
    EXPECT_TRUE(book.quote_swap_cost(c, 0, kNow));
    for (std::size_t to = 0; to < 3; ++to) {
      if (to == c) continue;
      EXPECT_TRUE(book.set_bridge(c, to, {}));
    }
  }
  return book;
}

TEST(Book, FindsTheBestOrderedPair) {
  const Book book = example();
  const auto best = book.best(Objective::profit, kNow);
  ASSERT_TRUE(best);
  EXPECT_EQ(best->token, 0);
  EXPECT_EQ(best->from, 0);
  EXPECT_EQ(best->to, 1);
  EXPECT_NEAR(best->trade.profit, 119.1151830, 1e-6);
  EXPECT_NEAR(best->spot_return, 0.1, 1e-12);
  EXPECT_EQ(best->quote_age, Duration::zero());
  const auto all = book.all(Objective::profit, kNow, 10);
  ASSERT_EQ(all.size(), 3);  // 100 -> 110, 104 -> 110, 100 -> 104; never against the price
  EXPECT_EQ(all.front(), *best);
  EXPECT_EQ(book.all(Objective::profit, kNow, 1).size(), 1);
}

TEST(Book, RoiAndProfitMayPreferDifferentRoutes) {
  Book book = example();
  // Deep and 2 % apart against shallow and 10 % apart.
  EXPECT_TRUE(book.quote_pool(0, 1, {1e6, 1e8, 0}, kNow));
  EXPECT_TRUE(book.quote_pool(1, 1, {1e6, 1.02e8, 0}, kNow));
  EXPECT_EQ(book.best(Objective::profit, kNow)->token, 1);
  EXPECT_EQ(book.best(Objective::roi, kNow)->token, 0);
}

TEST(Book, StaleQuotesGiveNothing) {
  Book book = example();
  EXPECT_TRUE(book.best(Objective::profit, kNow + Duration::seconds(60)));
  EXPECT_EQ(book.best(Objective::profit, kNow + Duration::seconds(60))->quote_age, Duration::seconds(60));
  EXPECT_FALSE(book.best(Objective::profit, kNow + Duration::seconds(61)));
  EXPECT_FALSE(book.best(Objective::profit, kNow - Duration::seconds(1)));  // of a time that has not come
  EXPECT_EQ(book.price(0, 0, kNow + Duration::seconds(75)).error().text(),
            "pool of MYC on ethereum: is stale, 1m15s old, at most 1m");
  EXPECT_EQ(book.price(0, 1, kNow).error().text(), "pool of OTHER on ethereum: has not been quoted");
  EXPECT_EQ(*book.price(0, 0, kNow), 100);
  // One side renewed is not enough; both are.
  const Instant later = kNow + Duration::seconds(100);
  EXPECT_TRUE(book.quote_pool(0, 0, {1000, 100'000, 0}, later));
  EXPECT_TRUE(book.quote_pool(1, 0, {1000, 110'000, 0}, later));
  EXPECT_TRUE(book.quote_swap_cost(0, 0, later));
  EXPECT_FALSE(book.best(Objective::profit, later));
  EXPECT_EQ(book.route(0, 0, 1, later).error().where, "swap_cost of base");
  EXPECT_TRUE(book.quote_swap_cost(1, 0, later));
  EXPECT_TRUE(book.best(Objective::profit, later));
}

TEST(Book, CapitalRiskFeesAndLimitsCome) {
  BookSettings s;
  s.risk_deviations = 2;
  s.capital_rate_per_year = 0.365;
  s.capital_max = 900;
  Book book = example(s);
  EXPECT_TRUE(book.set_bridge(0, 1, {5, 0.001, Duration::hours(6), 0, 1e15}));
  EXPECT_TRUE(book.quote_swap_cost(0, 2, kNow));
  const auto r = book.route(0, 0, 1, kNow);
  ASSERT_TRUE(r);
  EXPECT_NEAR(r->haircut_ratio, 2 * 0.05 * 0.5, 1e-12);  // a quarter of a day: half of a day's deviation
  EXPECT_NEAR(r->capital_factor, 1 + 0.00025, 1e-12);
  EXPECT_EQ(r->fixed_cost, 7);
  EXPECT_EQ(r->size_max, 900);
  EXPECT_EQ(book.opportunity(0, 0, 1, kNow)->trade.size, 900);
  EXPECT_TRUE(book.set_bridge(0, 1, {0, 0, Duration::zero(), 1000, 1e15}));  // takes nothing below 1000
  EXPECT_FALSE(book.opportunity(0, 0, 1, kNow));
  EXPECT_EQ(book.route(0, 0, 1, kNow).error().code, ErrorCode::unavailable);
}

TEST(Book, LeastProfitAndReturnHold) {
  BookSettings s = settings();
  s.profit_min = 119;
  EXPECT_TRUE(example(s).best(Objective::profit, kNow));
  s.profit_min = 120;
  EXPECT_FALSE(example(s).best(Objective::profit, kNow));
  s.profit_min = 0, s.roi_min = 0.048;
  EXPECT_TRUE(example(s).best(Objective::roi, kNow));
  s.roi_min = 0.049;
  EXPECT_FALSE(example(s).best(Objective::roi, kNow));
}

TEST(Book, TiesGoToTheFirst) {
  Book book = example();
  EXPECT_TRUE(book.quote_pool(2, 0, {1000, 110'000, 0}, kNow));
  const auto best = book.best(Objective::profit, kNow);
  EXPECT_EQ(best->to, 1);
  EXPECT_EQ(best->from, 0);
}

TEST(Book, RefusesBadQuotesAndStaysAsItWas) {
  Book book = example();
  const auto before = book.all(Objective::profit, kNow, 100);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(book.quote_pool(3, 0, {1, 1, 0}, kNow).error().where, "chain");
  EXPECT_EQ(book.quote_pool(0, 2, {1, 1, 0}, kNow).error().where, "token");
  EXPECT_EQ(book.quote_pool(0, 0, {0, 1, 0}, kNow).error().where, "token_reserve");
  EXPECT_EQ(book.quote_pool(0, 0, {1, nan, 0}, kNow).error().where, "numeraire_reserve");
  EXPECT_EQ(book.quote_pool(0, 0, {1, 1, -1}, kNow).error().where, "fee_ratio");
  EXPECT_EQ(book.quote_pool(0, 0, {1, 1, 0}, kNow - Duration::seconds(1)).error().code, ErrorCode::conflict);
  EXPECT_EQ(book.quote_pool(0, 1, {1, 1, 0}, Instant{}).error().code, ErrorCode::conflict);
  EXPECT_EQ(book.quote_swap_cost(0, -1, kNow).error().where, "swap_cost");
  EXPECT_EQ(book.quote_swap_cost(9, 1, kNow).error().where, "chain");
  EXPECT_EQ(book.set_bridge(0, 0, {}).error().where, "to");
  EXPECT_EQ(book.set_bridge(0, 1, {0, 1.5}).error().where, "fee_ratio");
  EXPECT_EQ(book.set_bridge(0, 1, {0, 0, Duration::days(31)}).error().text(),
            "latency: must be from 0s to 30d, is 31d");
  EXPECT_EQ(book.set_bridge(0, 1, {0, 0, Duration::zero(), 2, 1}).error().where, "size_min");
  EXPECT_EQ(book.chain_named("etherium").error().text(),
            "chain: 'etherium' is not in the book; did you mean 'ethereum'?");
  EXPECT_EQ(*book.chain_named("polygon"), 2);
  EXPECT_EQ(*book.token_named("OTHER"), 1);
  EXPECT_FALSE(book.opportunity(0, 0, 7, kNow));
  EXPECT_EQ(book.all(Objective::profit, kNow, 100), before);
}

TEST(Book, RefusesBadSettings) {
  EXPECT_EQ(Book::make({}, {"a"}, {{"T"}}).error().text(), "chains: must be 2 to 64, are 1");
  EXPECT_EQ(Book::make({}, {"a", "a"}, {{"T"}}).error().text(), "chains: 'a' is there twice");
  EXPECT_EQ(Book::make({}, {"a", ""}, {{"T"}}).error().code, ErrorCode::missing);
  EXPECT_EQ(Book::make({}, {"a", "b"}, {}).error().where, "tokens");
  EXPECT_EQ(Book::make({}, {"a", "b"}, {{"T", -1}}).error().where, "tokens[0].volatility_per_sqrt_day");
  BookSettings s;
  s.staleness_max = Duration::zero();
  EXPECT_EQ(check(s).error().where, "staleness_max");
  s = {};
  s.capital_max = 0;
  EXPECT_EQ(check(s).error().where, "capital_max");
  s = {};
  s.risk_deviations = std::numeric_limits<double>::infinity();
  EXPECT_EQ(check(s).error().where, "risk_deviations");
}

}  // namespace
}  // namespace homeostat::economy::markets
