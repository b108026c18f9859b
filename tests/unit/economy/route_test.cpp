#include "economy/markets/route.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace homeostat::economy::markets {
namespace {

Route example() {
  Route r;
  r.buy = {1000, 100'000, 0};
  r.sell = {1000, 110'000, 0};
  return r;
}

TEST(Route, ProfitIsThatOfTheBestSizeNotOfTheSpotSpread) {
  const auto t = best_trade(example());
  ASSERT_TRUE(t);
  // (sqrt(1.1e16) - 1e8) / 2000 and (sqrt(1.1e8) - 1e4)^2 / 2000, by hand.
  EXPECT_NEAR(t->size, 2440.4424085, 1e-6);
  EXPECT_NEAR(t->profit, 119.1151830, 1e-6);
  EXPECT_NEAR(t->roi, 119.1151830 / 2440.4424085, 1e-9);
  EXPECT_LT(t->profit, 0.1 * t->size);  // ten percent is what the spread promises
}

TEST(Route, EveryCostTakesItsPart) {
  Route r = example();
  r.buy.fee_ratio = r.sell.fee_ratio = 0.003;
  r.bridge_fee_ratio = 0.001;
  r.haircut_ratio = 0.01;
  r.capital_factor = 1.0005;
  r.fixed_cost = 15;
  const auto t = best_trade(r);
  ASSERT_TRUE(t);
  EXPECT_NEAR(t->size, 1991.98271566251, 1e-8);  // the closed form in 30 digits
  EXPECT_NEAR(t->profit, 63.99567996722440, 1e-8);
  const Trade same = trade_of(r, t->size);
  EXPECT_EQ(same, *t);
  const double in = 0.997 * t->size, bought = 1000 * in / (100'000 + in), sold = bought * 0.999 * 0.997;
  EXPECT_NEAR(t->proceeds, 0.99 * 110'000 * sold / (1000 + sold), 1e-9);
  EXPECT_NEAR(t->profit, t->proceeds - 1.0005 * (t->size + 15), 1e-9);
  EXPECT_LT(t->profit, best_trade(example())->profit - 15);
}

TEST(Route, EqualPoolsPayNothing) {
  Route r = example();
  r.sell = r.buy;
  EXPECT_FALSE(best_trade(r));
  r.fixed_cost = 1;
  EXPECT_FALSE(best_trade(r));
}

TEST(Route, FixedCostsAboveTheProfitLeaveNone) {
  Route r = example();
  r.fixed_cost = 119.1;
  EXPECT_TRUE(best_trade(r));
  r.fixed_cost = 119.2;
  EXPECT_FALSE(best_trade(r));
}

TEST(Route, LimitsOfTheSizeHold) {
  Route r = example();
  r.size_max = 1000;
  EXPECT_EQ(best_trade(r)->size, 1000);
  r.size_max = 1e15;
  r.size_min = 4000;
  EXPECT_EQ(best_trade(r)->size, 4000);
  r.size_min = 10'000;  // beyond where it still pays
  EXPECT_FALSE(best_trade(r));
}

TEST(Route, RefusesWhatIsOutOfRangeByName) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  struct Case {
    const char* where;
    void (*set)(Route&, double);
    std::vector<double> bad;
  };
  const std::vector<Case> cases{
      {"token_reserve", [](Route& r, double x) { r.buy.token_reserve = x; }, {0, -1, nan, inf, 1e19}},
      {"numeraire_reserve", [](Route& r, double x) { r.sell.numeraire_reserve = x; }, {0, -1, nan, inf, 1e19}},
      {"fee_ratio", [](Route& r, double x) { r.sell.fee_ratio = x; }, {-0.1, 0.51, nan, inf}},
      {"bridge_fee_ratio", [](Route& r, double x) { r.bridge_fee_ratio = x; }, {-0.1, 1.1, nan}},
      {"haircut_ratio", [](Route& r, double x) { r.haircut_ratio = x; }, {-0.1, 1.1, nan}},
      {"capital_factor", [](Route& r, double x) { r.capital_factor = x; }, {0.99, 101, nan}},
      {"fixed_cost", [](Route& r, double x) { r.fixed_cost = x; }, {-1, 1e16, nan, inf}},
      {"size_min", [](Route& r, double x) { r.size_min = x; }, {-1, nan, inf}},
      {"size_max", [](Route& r, double x) { r.size_max = x; }, {-1, nan, inf}},
  };
  EXPECT_TRUE(check(example()));
  for (const Case& c : cases) {
    for (const double bad : c.bad) {
      Route r = example();
      c.set(r, bad);
      const auto ok = check(r);
      ASSERT_FALSE(ok) << c.where << " " << bad;
      EXPECT_EQ(ok.error().where, c.where) << bad;
    }
  }
  Route r = example();
  r.size_min = 2, r.size_max = 1;
  EXPECT_EQ(check(r).error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace homeostat::economy::markets
