// The E-CLP against what Balancer's and Gyroscope's own tests hold (exact values of 80 digits), and liquidity in it.
#include "economy/bonding/eclp.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "economy/bonding/liquidity.hpp"

namespace homeostat::economy::bonding {
namespace {

// lambda k = 2e11: the flattest of the field's.
const EclpSettings kFlat{0.050000000000020290, 0.397316269897841178, 0.9551573261744535, 0.29609877111408056,
                         748956.475};
const EclpSettings kNarrow{0.998502246630054917, 1.0002000400080016, 0.707106781186547524, 0.707106781186547524, 4000};
constexpr double kNarrowSupply = 0.000535740808545474;

Eclp made(const EclpSettings& settings) {
  const auto eclp = Eclp::make(settings);
  if (!eclp) ADD_FAILURE() << eclp.error().text();
  return *eclp;
}
void expect_close(double computed, double expected, double relative = 1e-14) {
  EXPECT_NEAR(computed, expected, relative * std::fabs(expected));
}

TEST(Eclp, FlatEllipseHasItsSizeOffsetAndRoom) {
  const Eclp e = made(kFlat);
  const auto at = e.at(100, 100);
  ASSERT_TRUE(at);
  expect_close(at->size, 0.000295358168772127101033760290056);
  expect_close(e.offset(*at).x, 211.290746521813465932288911361);
  expect_close(e.offset(*at).y, 65.5001314315375540663982396441);
  expect_close(e.room_for(*at, 0) / 0.91 * 0.999999, 354.484802734577426189028398629);
  expect_close(e.derived().u, 0.56564182095617502122541689600223111);
  expect_close(e.derived().w, 0.0000033825106624039795790200375365235);
}

TEST(Eclp, FlatEllipseSwapsAsTheFieldDoes) {
  const Eclp e = made(kFlat);
  const auto at = e.at(100, 100);
  const auto in = e.surface().swap_in(*at, 0, 10 * 0.91, 1);
  ASSERT_TRUE(in) << in.error().text();
  expect_close(in->amount_out, 2.82100779918966271780346849333);
  expect_close(in->price_after / 0.91, 3.54483300709924906139244633812);
  const auto out = e.surface().swap_out(*at, 0, 1, 10);
  expect_close(out->amount_in, 32.2579873399036973068107677595);
  expect_close(out->price_after / 0.91, 3.54483550484819811740898926868);
}

TEST(Eclp, PricesAtTheEdgesAreItsBounds) {
  for (const auto& [alpha, beta] : {std::pair{1.2, 1.3}, std::pair{0.7, 0.8}}) {
    const Eclp e = made({alpha, beta, 0.707106781186547524, 0.707106781186547524, 1});
    expect_close(e.spot_price(*e.at(1, 0)), alpha);
    expect_close(e.spot_price(*e.at(0, 1)), beta);
  }
}

TEST(Eclp, BalancesReachTheirMaximumWhereTheOtherIsUsedUp) {
  const Eclp e = made(kNarrow);
  const auto at = e.at(1, 1);
  const auto most = e.balances_max(*at);
  const auto all_y = e.surface().swap_in(*at, 0, (most.x - 1) * (1 - 1e-9), 1);
  ASSERT_TRUE(all_y) << all_y.error().text();
  EXPECT_NEAR(all_y->amount_out, 1, 1e-8);
  EXPECT_FALSE(e.surface().swap_in(*at, 0, (most.x - 1) * (1 + 1e-6), 1));
  const auto all_x = e.surface().swap_in(*at, 1, e.room_for(*at, 1) * (1 - 1e-9), 0);
  ASSERT_TRUE(all_x) << all_x.error().text();
  EXPECT_NEAR(all_x->amount_out, 1, 1e-8);
}

TEST(Liquidity, AsBalancerCountsItInAnEclp) {
  const Eclp e = made(kNarrow);
  const Surface& s = e.surface();
  const auto at = e.at(1, 1);
  ASSERT_TRUE(at);
  // In proportion: no fee.
  const auto both = add_amounts(s, *at, std::array{1.0, 1.0}, 0.01);
  expect_close(both->share, 1);
  EXPECT_NEAR(both->fees[0] + both->fees[1], 0, 1e-15);
  const double share = 0.001 / kNarrowSupply;
  expect_close(add_share(s, *at, 1, share, 0.01)->amount, 3.75193147695783913228519012951);
  expect_close(add_share(s, *at, 0, share, 0.01)->amount, 3.75257700238615655816153934452);
  expect_close(remove_share(s, *at, 1, 1e-6 / kNarrowSupply, 0.01)->amount, 0.00371420371912256906611215029929);
  expect_close(remove_amount(s, *at, 0, 0.1, 0.01)->share * kNarrowSupply, 0.000026920442359382076642351820676);
}

TEST(Liquidity, OneSidedPaysTheFeeOfTheSwapInIt) {
  const auto pool = Surface::make({.weights = {0.5, 0.3, 0.2}});
  const auto at = pool->at(std::array{50.0, 30.0, 20.0});
  const auto one = add_amounts(*pool, *at, std::array{10.0, 0.0, 0.0}, 0.01);
  ASSERT_TRUE(one);
  // Half of what comes in is in proportion, half is swapped.
  EXPECT_NEAR(one->fees[0], 0.05, 2e-4);
  const auto free = add_amounts(*pool, *at, std::array{10.0, 0.0, 0.0}, 0);
  EXPECT_LT(one->share, free->share);
  // Shares for an exact amount and the amount for exact shares are inverses without a fee.
  expect_close(add_share(*pool, *at, 0, free->share, 0)->amount, 10, 1e-13);
  expect_close(remove_share(*pool, *at, 0, 0.01, 0.01)->amount + remove_share(*pool, *at, 0, 0.01, 0.01)->fee,
               remove_share(*pool, *at, 0, 0.01, 0)->amount);
}

TEST(Eclp, TheWorkedExamplesOfTheDocumentation) {
  const Eclp e = made({.alpha = 0.98, .beta = 1.02, .lambda = 100});
  const auto at = e.at(1000, 1000);
  EXPECT_NEAR(at->size, 20.083, 5e-4);
  EXPECT_NEAR(e.balances_max(*at).x, 2008.42, 5e-3);
  const auto swap = e.surface().swap_in(*at, 0, 100, 1);
  EXPECT_NEAR(swap->amount_out, 99.9225, 5e-5);
  EXPECT_NEAR(1 / swap->price_after, 0.99852, 5e-6);
  const auto pool = Surface::make({.weights = {0.4, 0.3, 0.3}});
  const auto added = add_amounts(*pool, *pool->at(std::array{400.0, 300.0, 300.0}), std::array{100.0, 0.0, 0.0}, 0.01);
  EXPECT_NEAR(added->share, 0.099136, 5e-7);
  EXPECT_NEAR(added->fees[0], 0.601, 5e-4);
}

TEST(Eclp, RefusesBadSettingsAndArgumentsByName) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const auto where = [](EclpSettings s) {
    const auto eclp = Eclp::make(s);
    return eclp ? std::string("accepted") : eclp.error().where;
  };
  EXPECT_EQ(where({0, 1.1, 0.6, 0.8, 2}), "alpha");
  EXPECT_EQ(where({1.1, 1.1, 0.6, 0.8, 2}), "alpha");
  EXPECT_EQ(where({0.9, kNan, 0.6, 0.8, 2}), "beta");
  EXPECT_EQ(where({0.9, 1.1, 0.6, 0.7, 2}), "c");
  EXPECT_EQ(where({0.9, 1.1, -0.6, 0.8, 2}), "c");
  EXPECT_EQ(where({0.9, 1.1, 0.6, 1.8, 2}), "s");
  EXPECT_EQ(where({0.9, 1.1, 0.6, 0.8, 0.5}), "lambda");
  EXPECT_EQ(where({0.9, 1.1, 0.6, 0.8, 2e8}), "lambda");
  EXPECT_EQ(where({0.9, 0.900001, 0.6, 0.8, 2}), "beta");  // too close for any liquidity between them
  EXPECT_EQ(where({0.9, 1.1, 0.6, 0.8, 2}), "accepted");

  const Eclp e = made(kNarrow);
  const auto at = e.at(1, 1);
  EXPECT_EQ(e.at(1, -1).error().where, "balances[1]");
  const auto share_error = [&](auto call, double share, double fee) {
    return call(e.surface(), *at, 0, share, fee).error().where;
  };
  EXPECT_EQ(share_error(add_share, -1, 0), "share");
  EXPECT_EQ(share_error(add_share, 1, 1), "fee");
  EXPECT_EQ(share_error(remove_share, 1.5, 0), "share");
  EXPECT_EQ(share_error(remove_share, kNan, 0), "share");
  EXPECT_EQ(share_error(remove_amount, 2, 0), "amount");
  EXPECT_EQ(remove_amount(e.surface(), *at, 2, 0.1, 0).error().where, "asset");
  EXPECT_EQ(add_amounts(e.surface(), *at, std::array{-1.0, 0.0}, 0).error().where, "amounts[0]");
}

}  // namespace
}  // namespace homeostat::economy::bonding
