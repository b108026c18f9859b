// The imbalance fee with its defaults and its variants, and the pools beside the ellipsoid.
#include "economy/bonding/imbalance_fee.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "economy/bonding/neighbours.hpp"

namespace homeostat::economy::bonding {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
const ImbalanceFeeSettings kRaw{.measure = Measure::raw};

double raw_fee(std::vector<double> before, std::vector<double> after) {
  return imbalance_fee(kRaw, before, after)->rate;
}

TEST(ImbalanceFee, DefaultsAreStaticBelowTheThresholdAndRiseAboveIt) {
  EXPECT_EQ(raw_fee({100, 100, 100}, {100, 100, 100}), 0.003);
  EXPECT_EQ(raw_fee({100, 100, 100}, {150, 100, 100}), 0.003);  // 14 %
  EXPECT_DOUBLE_EQ(raw_fee({100, 100, 100}, {200, 100, 100}), 0.0059375);
  EXPECT_DOUBLE_EQ(raw_fee({100, 100, 100}, {400, 100, 100}), 0.020625);
  EXPECT_EQ(raw_fee({400, 100, 100}, {300, 100, 100}), 0.003);  // back towards balance
  EXPECT_DOUBLE_EQ(raw_fee({100, 100, 100, 100}, {100, 100, 100, 1000}), 0.03192307692307692307692308);
  EXPECT_EQ(raw_fee({0, 0, 5}, {0, 0, 6}), 0.003);
}

TEST(ImbalanceFee, ASurgeBelowTheStaticFeeIsNone) {
  EXPECT_EQ(fee_rate({.static_fee = 0.02, .surge_fee = 0.01}, 0, 0.9), 0.02);
}

TEST(ImbalanceFee, MedianOfAnEvenCountIsBetweenTheMiddleTwo) {
  const std::array values{800.0, 700.0, 600.0, 500.0, 400.0, 300.0, 200.0, 100.0};
  EXPECT_EQ(median(values), 450);
  EXPECT_DOUBLE_EQ(*imbalance(values), 4.0 / 9);
  EXPECT_EQ(*imbalance(std::array{0.0, 0.0}), 0);
}

TEST(ImbalanceFee, AReserveAtItsTargetWeightsIsBalancedWhenNormalised) {
  const std::array weights{0.4, 0.3, 0.3}, at_target{400.0, 300.0, 300.0};
  const auto fee = imbalance_fee({}, at_target, at_target, weights);
  ASSERT_TRUE(fee);
  EXPECT_NEAR(fee->after, 0, 1e-15);
  const Values z = *normalised(at_target, weights);
  for (const double x : z) EXPECT_DOUBLE_EQ(x, 1000.0 / 3);
  EXPECT_DOUBLE_EQ(*imbalance(at_target), 0.1);  // raw, the same reserve looks a tenth off
}

TEST(ImbalanceFee, TheWorkedExampleOfTheDocumentation) {
  const std::array weights{0.4, 0.3, 0.3};
  const auto fee = imbalance_fee({}, std::array{400.0, 300.0, 300.0}, std::array{900.0, 300.0, 300.0}, weights);
  EXPECT_NEAR(fee->after, 0.294, 5e-4);
  EXPECT_NEAR(fee->rate, 0.00853, 5e-6);
}

TEST(ImbalanceFee, AChargeIsSplitBetweenTreasuryAndReserve) {
  const Charge c = charge({.fee_to_treasury = 0.25}, 0.02, 1000);
  EXPECT_DOUBLE_EQ(c.net, 980);
  EXPECT_DOUBLE_EQ(c.to_treasury, 5);
  EXPECT_DOUBLE_EQ(c.to_reserve, 15);
}

TEST(ImbalanceFee, PricesSayHowFarAnEclpIsFromItsPeak) {
  const EclpSettings pool{1.5, 2, 0.5, 0.866025403784439, 5};  // peak at sqrt(3)
  const double peak = pool.s / pool.c;
  EXPECT_NEAR(*price_imbalance(pool, peak), 0, 1e-15);
  EXPECT_NEAR(*price_imbalance(pool, (peak + 1.5) / 2), 0.5, 1e-14);
  EXPECT_NEAR(*price_imbalance(pool, (peak + 2) / 2, {.above = 0.5}), 0.25, 1e-14);
  EXPECT_EQ(*price_imbalance(pool, 1.5), 1);
  EXPECT_EQ(*price_imbalance(pool, 3, {.above = 100}), 1);
  EXPECT_EQ(*price_imbalance({2510.2, 2554.4, 6.1e-17, 1, 251}, 2554.4), 0);  // the peak is beyond beta
}

TEST(ImbalanceFee, PricesOfManyAssetsAreMeasuredAgainstTheirBox) {
  const std::array weights{0.5, 0.25, 0.25}, low{0.8, 0.8, 0.8}, high{1.5, 1.5, 1.5};
  EXPECT_EQ(*price_imbalance(std::array{2.0, 2.0, 2.0}, weights, low, high), 0);
  // Scaled to weigh 1: (1, 0.9, 1.1); 0.9 is half way to 0.8, 1.1 a fifth of the way to 1.5.
  EXPECT_NEAR(*price_imbalance(std::array{10.0, 9.0, 11.0}, weights, low, high), 0.5, 1e-14);
}

TEST(DynamicFees, OfCurveRiseFromOneToTheOther) {
  EXPECT_DOUBLE_EQ(*offpeg_fee(0.001, 4, 50, 50), 0.001);
  EXPECT_NEAR(*offpeg_fee(0.001, 4, 1e12, 1), 0.004, 1e-10);
  EXPECT_DOUBLE_EQ(*offpeg_fee(0.001, 4, 75, 25), 0.004 / (3 * 0.75 + 1));
  EXPECT_DOUBLE_EQ(*reduction_fee(0.001, 0.01, 0.005, std::array{3.0, 3.0, 3.0}), 0.001);
  EXPECT_NEAR(*reduction_fee(0.001, 0.01, 0.005, std::array{1.0, 1e-9, 1.0}), 0.01 - 0.009 * 0.005 / 1.005, 1e-9);
}

TEST(ImbalanceFee, RefusesBadInputByName) {
  EXPECT_EQ(check({.static_fee = -0.1}).error().where, "static_fee");
  EXPECT_EQ(check({.surge_fee = 1}).error().where, "surge_fee");
  EXPECT_EQ(check({.threshold = 1}).error().where, "threshold");
  EXPECT_EQ(check({.fee_to_treasury = kNan}).error().where, "fee_to_treasury");
  EXPECT_TRUE(check(ImbalanceFeeSettings{}));
  const std::array two{1.0, 2.0};
  EXPECT_EQ(imbalance(std::array{1.0, -2.0}).error().where, "values[1]");
  EXPECT_EQ(imbalance({}).error().where, "values");
  EXPECT_EQ(imbalance(std::vector<double>(17, 1.0)).error().where, "values");
  EXPECT_EQ(imbalance_fee(kRaw, two, std::array{1.0}).error().where, "after");
  EXPECT_EQ(imbalance_fee({}, two, two).error().where, "weights");
  EXPECT_EQ(imbalance_fee({}, two, two, std::array{1.0, 0.0}).error().where, "weights[1]");
  EXPECT_EQ(price_imbalance(EclpSettings{}, 1, {.below = 0}).error().where, "slopes.below");
  EXPECT_EQ(price_imbalance(EclpSettings{}, kNan).error().where, "price");
  EXPECT_EQ(price_imbalance(two, std::array{0.5, 0.5}, std::array{0.5, 1.0}, two).error().where, "price_min[1]");
  EXPECT_EQ(offpeg_fee(0.1, 0.5, 1, 1).error().where, "multiplier");
  EXPECT_EQ(offpeg_fee(0.1, 2, 0, 1).error().where, "x");
  EXPECT_EQ(reduction_fee(0.1, 0.2, 0, two).error().where, "gamma");
}

TEST(WeightedPool, AnswersAsConstantMeanDoes) {
  const std::array b{100.0, 50.0}, w{0.8, 0.2};
  EXPECT_DOUBLE_EQ(*weighted::invariant(b, w), std::pow(100, 0.8) * std::pow(50, 0.2));
  const auto out = weighted::out_given_in(b, w, 0, 5, 1);
  EXPECT_NEAR(*out, 50 * (1 - std::pow(100.0 / 105, 4)), 1e-13);
  EXPECT_NEAR(*out, 8.8649, 5e-5);  // the documentation's
  EXPECT_NEAR(*weighted::in_given_out(b, w, 0, 1, *out), 5, 1e-13);
  EXPECT_NEAR(*weighted::minted_share(b, w, std::array{10.0, 0.0}), std::pow(1.1, 0.8) - 1, 1e-15);
  EXPECT_NEAR(*weighted::minted_share(b, w, std::array{10.0, 5.0}), 0.1, 1e-15);
  // A billionth of the pool keeps its digits: w a / b to first order.
  EXPECT_NEAR(*weighted::minted_share(b, w, std::array{1e-7, 0.0}) / 0.8e-9, 1, 1e-9);
}

TEST(WeightedPool, KeepsItsGuards) {
  const std::array b{100.0, 50.0}, w{0.8, 0.2};
  EXPECT_EQ(weighted::out_given_in(b, w, 0, 31, 1).error().where, "amount_in");
  EXPECT_EQ(weighted::in_given_out(b, w, 0, 1, 16).error().where, "amount_out");
  EXPECT_EQ(weighted::out_given_in(b, w, 0, 1, 0).error().where, "out");
  EXPECT_EQ(weighted::minted_share(b, w, std::array{500.0, 0.0}).error().where, "deposit");
  EXPECT_EQ(weighted::minted_share(b, w, std::array{-40.0, -20.0}).error().where, "deposit");
  EXPECT_EQ(weighted::minted_share(b, w, std::array{-100.0, 0.0}).error().where, "deposit[0]");
  EXPECT_EQ(weighted::invariant(b, std::array{0.995, 0.005}).error().where, "weights[1]");
}

TEST(StablePool, SwapsAsBalancersStablePoolDoes) {
  const auto out = stable::out_given_in(1000, std::array{0.01, 10.0}, 0, 0.001 * 0.99, 1);
  ASSERT_TRUE(out);
  EXPECT_NEAR(*out, 0.078522716365403686938680363540275088, 1e-14);
  EXPECT_NEAR(*stable::invariant(200, std::array{7.0, 7.0, 7.0}), 21, 1e-13);
  EXPECT_EQ(stable::invariant(0, std::array{1.0, 1.0}).error().where, "amplification");
  EXPECT_EQ(stable::invariant(100, std::array{1.0, 0.0}).error().where, "balances[1]");
  EXPECT_EQ(stable::out_given_in(100, std::array{1.0, 1.0}, 0, -1, 1).error().where, "amount_in");
}

}  // namespace
}  // namespace homeostat::economy::bonding
