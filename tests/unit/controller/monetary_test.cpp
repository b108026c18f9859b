#include "controller/monetary.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace homeostat::controller::monetary {
namespace {

TEST(Semilog, IsStraightOnALogarithmicScale) {
  const Semilog s{.rate_min = 0.01, .rate_max = 1};
  EXPECT_EQ(rate(s, 0), 0.01);
  EXPECT_NEAR(rate(s, 0.5), 0.1, 1e-16);  // by hand: 0.01 * 100^(1/2)
  EXPECT_NEAR(rate(s, 0.25), 0.031622776601683794, 1e-16);
  EXPECT_EQ(rate(s, 1), 1);
}

TEST(Semilog, CountsBeyondItsEndsAsTheEnds) {
  const Semilog s{.rate_min = 0.01, .rate_max = 1};
  EXPECT_EQ(rate(s, -3), 0.01);
  EXPECT_EQ(rate(s, 1.7), 1);
}

const Exponential kPolicy{.rate_0 = 0.1, .rate_cap = 3, .sigma = 0.02, .keepers_target = 0.1};

TEST(Exponential, AtThePegItIsTheBaseRate) {
  EXPECT_DOUBLE_EQ(rate(kPolicy, {.price = 1}).rate, 0.1);
}

TEST(Exponential, ASigmaBelowThePegMultipliesByE) {
  EXPECT_NEAR(rate(kPolicy, {.price = 0.98}).rate, 0.1 * std::exp(1.0), 1e-15);
  EXPECT_NEAR(rate(kPolicy, {.price = 1.02}).rate, 0.1 / std::exp(1.0), 1e-15);
}

TEST(Exponential, KeepersAtTheirTargetDivideByE) {
  EXPECT_NEAR(rate(kPolicy, {.price = 1, .keepers_share = 0.1}).rate, 0.1 / std::exp(1.0), 1e-16);
}

TEST(Exponential, AMarketNinetyPercentFullPaysNearlyTwice) {
  EXPECT_NEAR(rate(kPolicy, {.price = 1, .debt = 90, .debt_ceiling = 100}).rate, 0.19, 1e-15);  // 0.9 + 0.1 / 0.1
  EXPECT_NEAR(rate(kPolicy, {.price = 1, .debt = 500, .debt_ceiling = 100}).fill_factor, 1000.9, 1e-6);
}

TEST(Exponential, ExtraIsOutsideTheExponential) {
  Exponential s = kPolicy;
  s.rate_extra = 0.02;
  EXPECT_NEAR(rate(s, {.price = 2}).rate, 0.02 + 0.1 * std::exp(-40.0), 1e-15);
}

TEST(Exponential, IsCapped) {
  const auto t = rate(kPolicy, {.price = 0.5});
  EXPECT_EQ(t.rate, 3);
  EXPECT_GT(t.uncapped, 1e9);
}

TEST(Mean, TakesInItsShareOfTheTime) {
  EXPECT_NEAR(mean_after(0, 1, Duration::hours(1), Duration::hours(1)), 1 - std::exp(-1.0), 1e-15);
  EXPECT_EQ(mean_after(0.3, 1, Duration::zero(), Duration::hours(1)), 0.3);
}

TEST(LeastDebt, ForgetsADipOnlyAfterTheNextHalfDay) {
  const auto hour = [](int h) { return Instant{} + Duration::hours(h); };
  LeastDebt least = with_debt({}, 100, hour(1));
  least = with_debt(least, 10, hour(2));
  EXPECT_EQ(counted_debt(least, 100, hour(3)), 10);
  least = with_debt(least, 100, hour(13));
  EXPECT_EQ(counted_debt(least, 100, hour(23)), 10);
  least = with_debt(least, 100, hour(25));
  EXPECT_EQ(counted_debt(least, 100, hour(26)), 100);
}

TEST(LeastDebt, ALoanOfABlockCannotRaiseIt) {
  const LeastDebt least = with_debt({}, 100, Instant{});
  EXPECT_EQ(counted_debt(least, 1'000'000, Instant{} + Duration::minutes(1)), 100);
}

TEST(LeastDebt, AfterALongSilenceTheMomentCounts) {
  const LeastDebt least = with_debt({}, 1, Instant{});
  EXPECT_EQ(counted_debt(least, 50, Instant{} + Duration::hours(40)), 50);
}

TEST(Monetary, ChecksItsSettings) {
  EXPECT_TRUE(check(kPolicy));
  EXPECT_EQ(check(Semilog{.rate_min = 0, .rate_max = 1}).error().where, "rate_min");
  EXPECT_EQ(check(Semilog{.rate_min = 1, .rate_max = 1}).error().where, "rate_max");
  Exponential s = kPolicy;
  s.sigma = 0;
  EXPECT_EQ(check(s).error().where, "sigma");
}

}  // namespace
}  // namespace homeostat::controller::monetary
