#include "core/hyperbolic.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "core/random.hpp"

namespace homeostat {
namespace {

constexpr int kSamples = 300'000;

double ulps(double x, long double exact) {
  int exponent = 0;
  std::frexp(static_cast<double>(exact), &exponent);
  const long double ulp = std::ldexp(1.0L, std::max(exponent - 53, -1074));
  return static_cast<double>(std::fabs((static_cast<long double>(x) - exact) / ulp));
}

/// Arguments of every size: uniform, and uniform in the exponent.
double argument(Random& random, int i, double size) {
  const double sign = random.chance(0.5) ? 1 : -1;
  if (i % 3 == 0) return sign * std::ldexp(random.uniform(1, 2), static_cast<int>(random.below(60)) - 60) * size / 2;
  return sign * random.uniform(0, i % 3 == 1 ? size : size / 10);
}

TEST(Hyperbolic, TanhIsWithinItsStatedError) {
  Random random(1);
  double worst = 0;
  for (int i = 0; i < kSamples; ++i) {
    const double x = argument(random, i, 20);
    worst = std::max(worst, ulps(math::tanh(x), std::tanh(static_cast<long double>(x))));
  }
  RecordProperty("ulp_max", std::to_string(worst));
  EXPECT_LE(worst, 2.0);
}

TEST(Hyperbolic, AtanhIsWithinItsStatedError) {
  Random random(2);
  double worst = 0;
  for (int i = 0; i < kSamples; ++i) {
    const double x = argument(random, i, 1);
    worst = std::max(worst, ulps(math::atanh(x), std::atanh(static_cast<long double>(x))));
  }
  for (int i = 1; i < 52; ++i) {  // towards one
    const double x = 1 - std::ldexp(1.0, -i);
    worst = std::max(worst, ulps(math::atanh(x), std::atanh(static_cast<long double>(x))));
  }
  RecordProperty("ulp_max", std::to_string(worst));
  EXPECT_LE(worst, 2.0);
}

TEST(Hyperbolic, EachUndoesTheOther) {
  Random random(3);
  for (int i = 0; i < 10'000; ++i) {
    const double x = random.uniform(-0.9, 0.9);
    EXPECT_NEAR(math::tanh(math::atanh(x)), x, 3e-16);
  }
}

TEST(Hyperbolic, SpecialValuesFollowIeee754) {
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(math::tanh(0), 0);
  EXPECT_TRUE(std::signbit(math::tanh(-0.0)));
  EXPECT_EQ(math::tanh(inf), 1);
  EXPECT_EQ(math::tanh(-inf), -1);
  EXPECT_EQ(math::tanh(20), 1);
  EXPECT_TRUE(std::isnan(math::tanh(std::nan(""))));
  EXPECT_EQ(math::atanh(0), 0);
  EXPECT_TRUE(std::signbit(math::atanh(-0.0)));
  EXPECT_EQ(math::atanh(1), inf);
  EXPECT_EQ(math::atanh(-1), -inf);
  EXPECT_TRUE(std::isnan(math::atanh(1.0000001)));
  EXPECT_TRUE(std::isnan(math::atanh(std::nan(""))));
  EXPECT_EQ(math::tanh(5e-324), 5e-324);
  EXPECT_EQ(math::atanh(5e-324), 5e-324);
}

// The bits themselves: another compiler, library or flag must not change them.
TEST(Hyperbolic, TheBitsAreTheSameEverywhere) {
  Random random(42);
  std::uint64_t digest = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double x = random.uniform(-1, 1);
    for (const double y : {math::tanh(x), math::tanh(20 * x), math::atanh(x)}) {
      digest = (digest ^ std::bit_cast<std::uint64_t>(y)) * 0x9e3779b97f4a7c15ULL;
      digest ^= digest >> 29;
    }
  }
  EXPECT_EQ(digest, 5745613990428590216u);
}

}  // namespace
}  // namespace homeostat
