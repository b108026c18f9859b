#include <gtest/gtest.h>

#include "controller/multiplicative.hpp"
#include "controller/sigmoid.hpp"

namespace homeostat::controller {
namespace {

using multiplicative::fake_exponential;
using multiplicative::next_base_fee;

TEST(BaseFee, MovesByAnEighthAtMost) {
  EXPECT_EQ(*next_base_fee({}, 1'000'000'000, 20'000'000, 20'000'000), 1'125'000'000);
  EXPECT_EQ(*next_base_fee({}, 1'000'000'000, 0, 20'000'000), 875'000'000);
}

TEST(BaseFee, RisesByOneWeiAtLeastAndMayFallByNone) {
  EXPECT_EQ(*next_base_fee({}, 1, 10'000'001, 20'000'000), 2);
  EXPECT_EQ(*next_base_fee({}, 1, 9'999'999, 20'000'000), 1);
  EXPECT_EQ(*next_base_fee({}, 0, 20'000'000, 20'000'000), 1);
}

TEST(BaseFee, OfALimitWithoutTargetIsAnError) {
  EXPECT_FALSE(next_base_fee({}, 100, 1, 0));  // floor(0 / 2) = 0: division by zero as in a contract
  EXPECT_FALSE(next_base_fee({.elasticity = 0}, 100, 1, 100));
  EXPECT_FALSE(next_base_fee({.change_denominator = 0}, 100, 1, 100));
  EXPECT_FALSE(next_base_fee({}, uint256_max(), 100, 100));
}

TEST(GasLimit, HasAFloorOfItsOwn) {
  EXPECT_TRUE(*multiplicative::is_gas_limit_allowed(5000, 5000));
  EXPECT_FALSE(*multiplicative::is_gas_limit_allowed(5002, 4999));
}

TEST(FakeExponential, OfNothingIsTheFactor) {
  EXPECT_EQ(*fake_exponential(7, 0, 3), 7);
}

TEST(FakeExponential, EndsOrSaysThatItDoesNotFit) {
  EXPECT_TRUE(fake_exponential(1, 170, 1));
  EXPECT_FALSE(fake_exponential(1, 1'000'000, 1));
  EXPECT_FALSE(fake_exponential(1, uint256_max(), 1));
  EXPECT_FALSE(fake_exponential(1, 1, 0));
}

const sigmoid::Settings kAmple{.deviation_threshold = wad() * 25 / 1000,
                               .positive_growth = wad() * 45,
                               .negative_growth = wad() * 45,
                               .positive_limit = wad() * 5 / 100,
                               .negative_limit = wad() * -77 / 1000};

TEST(Sigmoid, TwoPowerIsExactAtWholeExponents) {
  EXPECT_EQ(*sigmoid::two_power(0), wad());
  EXPECT_EQ(*sigmoid::two_power(wad() * 10), wad() * 1024);
  EXPECT_EQ(*sigmoid::two_power(wad() * -2), wad() / 4);
  EXPECT_EQ(*sigmoid::two_power(wad() / 2), Int{1'414'213'562'373'095'049});
  EXPECT_FALSE(sigmoid::two_power(wad() * 100 + 1));
}

TEST(Sigmoid, TwoPowerHasStepsOfAThirtySecond) {
  EXPECT_EQ(*sigmoid::two_power(wad() / 32), *sigmoid::two_power(wad() / 16 - 1));
  EXPECT_LT(*sigmoid::two_power(wad() / 32), *sigmoid::two_power(wad() / 16));
}

TEST(Sigmoid, NothingChangesOnTarget) {
  sigmoid::Settings settings = kAmple;
  settings.deviation_threshold = 0;
  const auto s = sigmoid::step(settings, {wad(), wad(), 1'000'000});
  ASSERT_TRUE(s);
  EXPECT_EQ(s->percentage, 0);
}

TEST(Sigmoid, DataThatIsNotValidChangesNothing) {
  EXPECT_EQ(sigmoid::step(kAmple, {wad() * 2, wad(), 1000, false, true})->supply_delta, 0);
  EXPECT_EQ(sigmoid::step(kAmple, {wad() * 2, wad(), 1000, true, false})->supply_delta, 0);
}

TEST(Sigmoid, ExtremeRatesCountAsAMillion) {
  sigmoid::Settings gentle = kAmple;
  gentle.positive_growth = wad() / 1'000'000;  // so that the curve is not flat out there
  const auto far = sigmoid::step(gentle, {sigmoid::rate_max(), wad(), 1'000'000});
  const auto farther = sigmoid::step(gentle, {sigmoid::rate_max() * 1000, wad(), 1'000'000});
  ASSERT_TRUE(far && farther);
  EXPECT_EQ(far->supply_delta, farther->supply_delta);
}

TEST(Sigmoid, SupplyNeverGrowsBeyondItsMaximum) {
  const auto s = sigmoid::step(kAmple, {wad() * 2, wad(), sigmoid::supply_max() - 5});
  ASSERT_TRUE(s);
  EXPECT_EQ(s->supply_delta, 5);
  EXPECT_TRUE(s->capped);
}

TEST(Sigmoid, TargetOfZeroIsAnError) {
  EXPECT_FALSE(sigmoid::step(kAmple, {wad(), 0, 1000}));
}

TEST(Sigmoid, ChecksItsSettings) {
  EXPECT_TRUE(sigmoid::check(kAmple));
  sigmoid::Settings settings = kAmple;
  settings.negative_limit = 1;
  EXPECT_EQ(sigmoid::check(settings).error().where, "negative_limit");
  settings = kAmple;
  settings.positive_limit = 0;
  EXPECT_EQ(sigmoid::check(settings).error().where, "positive_limit");
}

}  // namespace
}  // namespace homeostat::controller
