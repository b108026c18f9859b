#include "core/decimal.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace homeostat {
namespace {

Decimal d(std::string_view text, int decimals) {
  return Decimal::parse(text, decimals).value();
}

TEST(Decimal, ParsesAndPrintsWhatAPersonWrites) {
  EXPECT_EQ(d("-12.50", 2).units(), -1250);
  EXPECT_EQ(d("-12.50", 2).to_string(), "-12.5");
  EXPECT_EQ(d("0.0125", 4).to_string(), "0.0125");
  EXPECT_EQ(d("-3", 0).to_string(), "-3");
  EXPECT_EQ(d("7.10", 6).to_string(), "7.1");
  EXPECT_EQ(d("-0.000000000000000001", 18).to_string(), "-0.000000000000000001");
  EXPECT_EQ(d("1000000000000", 18).to_string(), "1000000000000");
}

TEST(Decimal, TakesMoreFractionDigitsOnlyIfTheyAreZero) {
  EXPECT_EQ(d("1.2500", 2).units(), 125);
  const auto refused = Decimal::parse("1.2501", 2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::out_of_range);
  EXPECT_EQ(refused.error().message, "'1.2501' has more than 2 decimals");
}

TEST(Decimal, RefusesWhatIsNoDecimal) {
  for (const char* text : {"", "-", "+1", "1e3", ".5", "5.", "1..2", "1.2.3", " 1", "0x10", "nan", "--1", "1,5"}) {
    const auto refused = Decimal::parse(text, 4);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, ErrorCode::malformed) << text;
  }
  EXPECT_EQ(Decimal::parse("1000000000000.000000000000000001", 18).error().code, ErrorCode::out_of_range);
  EXPECT_EQ(Decimal::parse(std::string(5000, '9'), 0).error().code, ErrorCode::out_of_range);
}

TEST(Decimal, RoundsADoubleHalfToEvenOfItsExactValue) {
  EXPECT_EQ(Decimal::from_double(0.5, 0)->units(), 0);
  EXPECT_EQ(Decimal::from_double(1.5, 0)->units(), 2);
  EXPECT_EQ(Decimal::from_double(2.5, 0)->units(), 2);
  EXPECT_EQ(Decimal::from_double(-2.5, 0)->units(), -2);
  EXPECT_EQ(Decimal::from_double(0.125, 2)->units(), 12);
  EXPECT_EQ(Decimal::from_double(0.375, 2)->units(), 38);
  // 1.005 is really 1.00499999999999989...: rounding its text would say 1.01.
  EXPECT_EQ(Decimal::from_double(1.005, 2)->units(), 100);
  EXPECT_EQ(Decimal::from_double(0.1, 18)->to_string(), "0.100000000000000006");
  EXPECT_EQ(Decimal::from_double(std::numeric_limits<double>::denorm_min(), 18)->units(), 0);
  EXPECT_EQ(Decimal::from_double(-0.0, 3)->units(), 0);
}

TEST(Decimal, RefusesADoubleThatItCannotHold) {
  for (const double x : {std::nan(""), HUGE_VAL, -HUGE_VAL, 1.0000001e30, 1e300, -1e31}) {
    EXPECT_EQ(Decimal::from_double(x, 0).error().code, ErrorCode::out_of_range) << x;
  }
  EXPECT_TRUE(Decimal::from_double(9.99e29, 0));
  EXPECT_FALSE(Decimal::from_double(1e30, 0));  // that double is 19884624838656 above 10^30
  EXPECT_FALSE(Decimal::from_double(1e13, 18));
}

TEST(Decimal, RescalesOnlyWithoutLoss) {
  EXPECT_EQ(d("1.20", 2).rescaled(1)->units(), 12);
  EXPECT_EQ(d("1.2", 1).rescaled(18)->to_string(), "1.2");
  EXPECT_EQ(d("1.25", 2).rescaled(1).error().code, ErrorCode::out_of_range);
  EXPECT_EQ(Decimal(Decimal::kUnitsMax, 0).rescaled(1).error().code, ErrorCode::out_of_range);
}

TEST(Decimal, RoundsToTheNearestMultipleTiesToEven) {
  const Decimal quantum = d("0.25", 2);
  EXPECT_EQ(d("1.12", 2).rounded_to(quantum).to_string(), "1");
  EXPECT_EQ(d("1.13", 2).rounded_to(quantum).to_string(), "1.25");
  EXPECT_EQ(d("-1.13", 2).rounded_to(quantum).to_string(), "-1.25");
  EXPECT_EQ(Decimal(15, 0).rounded_to(Decimal(10, 0)).units(), 20);
  EXPECT_EQ(Decimal(25, 0).rounded_to(Decimal(10, 0)).units(), 20);
  EXPECT_EQ(Decimal(-25, 0).rounded_to(Decimal(10, 0)).units(), -20);
  EXPECT_EQ(Decimal(Decimal::kUnitsMax, 0).rounded_to(Decimal(7, 0)).units() % 7, 0);
}

TEST(Decimal, ConvertsToTheNearestDouble) {
  EXPECT_EQ(d("0.1", 1).to_double(), 0.1);
  EXPECT_EQ(d("-123456.789", 3).to_double(), -123456.789);
  EXPECT_EQ(Decimal(Decimal::kUnitsMax, 0).to_double(), 1e30);
}

TEST(DecimalDeathTest, MixingScalesIsAProgrammersMistake) {
  EXPECT_DEATH((void)(Decimal(1, 0) + Decimal(1, 1)), "CHECK failed");
  EXPECT_DEATH((void)(Decimal(1, 0) - Decimal(1, 1)), "CHECK failed");
  EXPECT_DEATH((void)(Decimal(1, 0) < Decimal(1, 1)), "CHECK failed");
  EXPECT_DEATH((void)(Decimal(1, 0) == Decimal(1, 1)), "CHECK failed");
  EXPECT_DEATH((void)Decimal(1, 0).rounded_to(Decimal(1, 1)), "CHECK failed");
  EXPECT_DEATH(Decimal(1, 19), "CHECK failed");
}

TEST(Decimal, IsWrittenAsItsDigitsAreAtEveryWidth) {
  EXPECT_EQ(Decimal(-1, 18).to_string(), "-0.000000000000000001");
  EXPECT_EQ(Decimal(Decimal::kUnitsMax, 18).to_string(), "1000000000000");
  EXPECT_EQ(Decimal(Decimal::kUnitsMax - 1, 18).to_string(), "999999999999.999999999999999999");
  EXPECT_EQ(Decimal(-(Decimal::kUnitsMax - 10), 0).to_string(), "-999999999999999999999999999990");
  const auto past_64_bits = static_cast<Decimal::Units>(std::numeric_limits<std::uint64_t>::max()) + 1;
  EXPECT_EQ(Decimal(past_64_bits - 1, 2).to_string(), "184467440737095516.15");
  EXPECT_EQ(Decimal(past_64_bits, 2).to_string(), "184467440737095516.16");
  EXPECT_EQ(Decimal(1200, 2).to_string(), "12");
  EXPECT_EQ(Decimal(1010, 2).to_string(), "10.1");
}

}  // namespace
}  // namespace homeostat
