#include "economy/bonding/pamm.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/random.hpp"

namespace homeostat::economy::bonding {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

Pamm any_pamm(Random& random) {
  return *Pamm::make({.slope_min = random.uniform(0.05, 3),
                      .par_share_max = random.uniform(0, 1),
                      .floor_ratio = random.uniform(0, 1)});
}
PammState any_state(Random& random) {
  const double ya = std::pow(10, random.uniform(-3, 9));
  const double x = ya * random.uniform(0, 0.95);
  return {x, (ya - x) * random.uniform(0, 1.1), ya - x};
}

TEST(Pamm, TheWorkedExampleOfTheDocumentation) {
  const Pamm pamm;  // slope 1, a third less a bit at par, floor 0.6
  // 1,000,000 tokens, 950,000 behind them, nothing redeemed lately: a tenth leaves at par ...
  const auto first = *pamm.redeem({0, 950'000, 1'000'000}, 100'000);
  EXPECT_DOUBLE_EQ(first.paid, 100'000);
  EXPECT_EQ(first.region, AnchorRegion::i);
  // ... and of half a million the last share what is left: xl = 1 - sqrt(0.7^2 - 0.1), r_L = 1 - (xl - 0.3).
  const auto half = *pamm.redeem({0, 950'000, 1'000'000}, 500'000);
  const double tail = 0.3 + std::sqrt(0.39);
  EXPECT_NEAR(half.rate_after, tail, 1e-15);
  EXPECT_NEAR(half.paid, 950'000 - tail * 500'000, 1e-8);
}

TEST(Pamm, ReserveAtOrAboveTheSupplyPaysPar) {
  const Pamm pamm;
  EXPECT_EQ(pamm.redeem({0, 100, 100}, 40)->paid, 40);
  EXPECT_EQ(pamm.redeem({50, 120, 100}, 100)->paid, 100);
  EXPECT_EQ(pamm.redeem({50, 120, 100}, 100)->region, AnchorRegion::par);
}

TEST(Pamm, ReserveBelowTheFloorIsShared) {
  const Pamm pamm;
  const auto out = *pamm.redeem({0, 50, 100}, 30);
  EXPECT_EQ(out.paid, 15);
  EXPECT_EQ(out.region, AnchorRegion::pro_rata);
  EXPECT_EQ(pamm.redeem({0, 0, 100}, 30)->paid, 0);
}

TEST(Pamm, TwoRedemptionsAtOneInstantPayWhatOneOfTheirSumPays) {
  Random random(21);
  for (int n = 0; n < 20'000; ++n) {
    const Pamm pamm = any_pamm(random);
    const PammState s = any_state(random);
    const double first = s.supply * random.uniform(0, 0.5), second = s.supply * random.uniform(0, 0.5);
    const double one = pamm.redeem(s, first + second)->paid;
    const double a = pamm.redeem(s, first)->paid;
    const PammState next{s.level + first, s.reserve - a, s.supply - first};
    const double two = a + pamm.redeem(next, second)->paid;
    // Within kFloorTolerance above the floor the reserve keeps the difference.
    EXPECT_NEAR(one, two, (kFloorTolerance + 1e-13) * (s.level + s.supply)) << n;
  }
}

TEST(Pamm, RatesNeverRiseAndStayBetweenFloorAndPar) {
  Random random(22);
  for (int n = 0; n < 20'000; ++n) {
    const Pamm pamm = any_pamm(random);
    const PammState s = any_state(random);
    const auto out = *pamm.redeem(s, s.supply * random.uniform(0, 1));
    const double r = s.reserve / s.supply;
    EXPECT_LE(out.rate_before, 1);
    EXPECT_LE(out.rate_after, out.rate_before);
    EXPECT_GE(out.rate_after, std::min(r, pamm.settings().floor_ratio) - 1e-9) << n;
    EXPECT_GE(out.paid, 0);
    EXPECT_LE(out.paid, s.reserve);
  }
}

TEST(Pamm, TheAnchorItFindsGivesTheReserveBack) {
  Random random(23);
  int found = 0;
  for (int n = 0; n < 20'000; ++n) {
    const Pamm pamm = any_pamm(random);
    const double ra = random.uniform(pamm.settings().floor_ratio, 1), x = random.uniform(0, 0.95);
    const double b = pamm.curve_of(ra).reserve_at(x);
    const auto anchor = pamm.anchor_of(x, b);
    if (anchor.region == AnchorRegion::pro_rata || anchor.region == AnchorRegion::par) continue;
    ++found;
    EXPECT_NEAR(pamm.curve_of(anchor.ratio).reserve_at(x), b, 1e-13) << n << " " << name_of(anchor.region);
  }
  EXPECT_GT(found, 10'000);
}

TEST(Pamm, AHaircutComesOffTheReserveBeforePricing) {
  const Pamm pamm = *Pamm::make({.haircut_ratio = 0.01});
  EXPECT_EQ(pamm.redeem({0, 101, 100}, 10)->paid, 10);    // a hundredth over par is par
  EXPECT_LT(pamm.redeem({0, 100, 100}, 60)->paid, 60);    // par less a hundredth is not
  EXPECT_EQ(pamm.redeem({0, 1.5, 100}, 10)->paid, 0.15);  // b <= 2 haircut y: left alone
}

TEST(Pamm, BadSettingsNameTheFieldAndItsRange) {
  EXPECT_EQ(Pamm::make({.slope_min = 0}).error().text(), "slope_min: must be from 0.0001 to 10000, is 0");
  EXPECT_EQ(Pamm::make({.par_share_max = 1.5}).error().where, "par_share_max");
  EXPECT_EQ(Pamm::make({.floor_ratio = kNan}).error().where, "floor_ratio");
  EXPECT_EQ(Pamm::make({.level_memory = 1}).error().where, "level_memory");
  EXPECT_EQ(Pamm::make({.haircut_ratio = -0.1}).error().where, "haircut_ratio");
}

TEST(Pamm, BadArgumentsNameThemselves) {
  const Pamm pamm;
  const struct {
    PammState state;
    double amount;
    const char* where;
  } table[] = {
      {{-1, 1, 1}, 0.1, "level"},   {{kNan, 1, 1}, 0.1, "level"},
      {{0, -1, 1}, 0.1, "reserve"}, {{0, kInf, 1}, 0.1, "reserve"},
      {{0, 1, 0}, 0, "supply"},     {{0, 1, kNan}, 0, "supply"},
      {{0, 1, 1}, 1.1, "amount"},   {{0, 1, 1}, -0.1, "amount"},
      {{0, 1, 1}, kNan, "amount"},  {{1.7e308, 1, 1.7e308}, 1, "level + supply"},
  };
  for (const auto& row : table) {
    const auto out = pamm.redeem(row.state, row.amount);
    ASSERT_FALSE(out) << row.where;
    EXPECT_EQ(out.error().where, row.where);
    EXPECT_EQ(out.error().code, ErrorCode::out_of_range);
  }
}

TEST(Pamm, AFloorOfParIsParOrShared) {
  const Pamm pamm = *Pamm::make({.floor_ratio = 1});
  EXPECT_EQ(pamm.redeem({0.2, 0.9, 1}, 0.5)->paid, 0.45);
  EXPECT_EQ(pamm.redeem({0.2, 1, 1}, 0.5)->paid, 0.5);
}

}  // namespace
}  // namespace homeostat::economy::bonding
