#include "economy/amount.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "economy/argument.hpp"

namespace homeostat::economy {
namespace {

TEST(Amount, MulDivIsExactBeyond128BitsAndRoundsAsAsked) {
  EXPECT_TRUE(*mul_div(kAmountMax, kAmountMax, kAmountMax, Rounding::down) == kAmountMax);
  EXPECT_TRUE(*mul_div(kAmountMax, kAmountMax - 1, kAmountMax, Rounding::up) == kAmountMax - 1);
  EXPECT_TRUE(*mul_div(7, 3, 2, Rounding::down) == 10);
  EXPECT_TRUE(*mul_div(7, 3, 2, Rounding::up) == 11);
  EXPECT_TRUE(*mul_div(kAmountMax - 1, kAmountMax - 1, kAmountMax, Rounding::down) == kAmountMax - 2);
  EXPECT_TRUE(*mul_div(kAmountMax - 1, kAmountMax - 1, kAmountMax, Rounding::up) == kAmountMax - 1);
  EXPECT_EQ(mul_div(kAmountMax, 2, 1, Rounding::down).error().code, ErrorCode::out_of_range);
}

TEST(Amount, OfTokensTakesTheDoubleAsItIs) {
  EXPECT_TRUE(*amount_of(0.1, 18, Rounding::down) ==
              Amount{100'000'000'000'000'005});  // 0.1 is a little more than a tenth
  EXPECT_TRUE(*amount_of(0.1, 18, Rounding::up) == Amount{100'000'000'000'000'006});
  EXPECT_TRUE(*amount_of(2.5, 0, Rounding::down) == 2);
  EXPECT_TRUE(*amount_of(2.5, 0, Rounding::up) == 3);
  EXPECT_TRUE(*amount_of(3, 6, Rounding::up) == 3'000'000);
  EXPECT_TRUE(*amount_of(5e-324, 18, Rounding::down) == 0);
  EXPECT_TRUE(*amount_of(5e-324, 18, Rounding::up) == 1);
  EXPECT_TRUE(*amount_of(1e12, 18, Rounding::down) == kAmountMax);
  for (const double bad :
       {-1.0, 1.0000001e12, 1e300, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(amount_of(bad, 18, Rounding::down).error().code, ErrorCode::out_of_range) << bad;
  }
}

TEST(Argument, ErrorsNameTheArgumentAndItsRange) {
  EXPECT_TRUE(require("target", 0.05, {0.02, 0.08}));
  EXPECT_EQ(require("target", 0.5, {0.02, 0.08}).error().text(), "target: must be from 0.02 to 0.08, is 0.5");
  EXPECT_EQ(require("supply", -1, {}).error().text(), "supply: must be at least 0, is -1");
  EXPECT_FALSE(require("supply", std::numeric_limits<double>::quiet_NaN(), {}));
  EXPECT_FALSE(require("supply", std::numeric_limits<double>::infinity(), {}));
  const double shares[] = {0.5, 0.25};
  EXPECT_EQ(require_shares("shares", shares).error().text(), "shares: must sum to 1, they sum to 0.75");
  const double weights[] = {1, -2};
  EXPECT_EQ(require_each("weights", weights, {}).error().where, "weights[1]");
  EXPECT_EQ(require_each("weights", {}, {}).error().code, ErrorCode::missing);
  EXPECT_EQ(first_error(require("a", 1, {}), require("b", -1, {}), require("c", -1, {})).error().where, "b");
}

}  // namespace
}  // namespace homeostat::economy
