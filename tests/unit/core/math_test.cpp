#include "core/math.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "core/random.hpp"

namespace homeostat {
namespace {

constexpr int kSamples = 300'000;

/// Distance of `x` from the exact value in units of the exact value's last place.
double ulps(double x, long double exact) {
  int exponent = 0;
  std::frexp(static_cast<double>(exact), &exponent);
  const long double ulp = std::ldexp(1.0L, std::max(exponent - 53, -1074));
  return static_cast<double>(std::fabs((static_cast<long double>(x) - exact) / ulp));
}

TEST(Math, ExpIsWithinItsStatedError) {
  Random random(1);
  double worst = 0;
  for (int i = 0; i < kSamples; ++i) {
    const double x = i % 2 == 0 ? random.uniform(-708, 709) : random.uniform(-2, 2);
    worst = std::max(worst, ulps(math::exp(x), std::exp(static_cast<long double>(x))));
  }
  RecordProperty("ulp_max", std::to_string(worst));
  EXPECT_LE(worst, 1.0);
}

TEST(Math, Exp2IsWithinItsStatedError) {
  Random random(2);
  double worst = 0;
  for (int i = 0; i < kSamples; ++i) {
    const double x = i % 2 == 0 ? random.uniform(-1022, 1024) : random.uniform(-2, 2);
    worst = std::max(worst, ulps(math::exp2(x), std::exp2(static_cast<long double>(x))));
  }
  RecordProperty("ulp_max", std::to_string(worst));
  EXPECT_LE(worst, 1.0);
}

TEST(Math, LogIsWithinItsStatedError) {
  Random random(3);
  double worst = 0;
  for (int i = 0; i < kSamples; ++i) {
    const double x = i % 2 == 0 ? std::ldexp(random.uniform(1, 2), static_cast<int>(random.below(2090)) - 1070)
                                : random.uniform(0.5, 2);
    worst = std::max(worst, ulps(math::log(x), std::log(static_cast<long double>(x))));
  }
  RecordProperty("ulp_max", std::to_string(worst));
  EXPECT_LE(worst, 1.0);
}

TEST(Math, PowIsWithinItsStatedError) {
  Random random(4);
  double worst = 0;
  for (int i = 0; i < kSamples; ++i) {
    const double x = i % 2 == 0 ? std::ldexp(random.uniform(1, 2), static_cast<int>(random.below(200)) - 100)
                                : random.uniform(0.9, 1.1);
    // Within the range of exponents where a 64-bit-mantissa reference still carries enough bits.
    const double y = random.uniform(-1, 1) * 700 / std::max(1e-3, std::fabs(std::log(x)));
    // The error of powl itself grows with |y log x|; over this range it is below 2^-60.
    worst = std::max(worst, ulps(math::pow(x, y), std::pow(static_cast<long double>(x), static_cast<long double>(y))));
  }
  RecordProperty("ulp_max", std::to_string(worst));
  EXPECT_LE(worst, 1.0);
}

TEST(Math, SpecialValuesFollowIeee754) {
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(math::exp(0), 1);
  EXPECT_EQ(math::exp(1000), inf);
  EXPECT_EQ(math::exp(-1000), 0);
  EXPECT_EQ(math::exp(-inf), 0);
  EXPECT_EQ(math::exp(-745), std::numeric_limits<double>::denorm_min());
  EXPECT_TRUE(std::isnan(math::exp(std::nan(""))));
  EXPECT_EQ(math::exp2(10), 1024);
  EXPECT_EQ(math::exp2(1023), 0x1p1023);
  EXPECT_EQ(math::exp2(-1074), 0x1p-1074);
  EXPECT_EQ(math::exp2(1024), inf);
  EXPECT_EQ(math::log(1), 0);
  EXPECT_EQ(math::log(0), -inf);
  EXPECT_EQ(math::log(inf), inf);
  EXPECT_TRUE(std::isnan(math::log(-1)));
  EXPECT_EQ(math::pow(2, 10), 1024);
  EXPECT_EQ(math::pow(10, 3), 1000);
  EXPECT_EQ(math::pow(7, 0), 1);
  EXPECT_EQ(math::pow(0, 2), 0);
  EXPECT_EQ(math::pow(0, -2), inf);
  EXPECT_EQ(math::pow(2, 1e300), inf);
  EXPECT_EQ(math::pow(2, -1e300), 0);
  EXPECT_TRUE(std::isnan(math::pow(-2, 2)));
}

TEST(Math, HalfLifeDecayHalvesEveryHalfLife) {
  const Duration h = Duration::minutes(30);
  EXPECT_EQ(math::half_life_decay(Duration::zero(), h), 1);
  EXPECT_EQ(math::half_life_decay(h, h), 0.5);
  EXPECT_EQ(math::half_life_decay(h * 3, h), 0.125);
  EXPECT_EQ(math::half_life_decay(-h, h), 1);
  EXPECT_EQ(math::half_life_decay(Duration::max(), Duration{1}), 0);
  EXPECT_NEAR(math::half_life_decay(h / 2, h), std::sqrt(0.5), 2e-16);
}

// The bits themselves: another compiler, library or flag must not change them.
TEST(Math, TheBitsAreTheSameEverywhere) {
  Random random(42);
  std::uint64_t digest = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double x = random.uniform(-50, 50);
    for (const double y : {math::exp(x), math::exp2(x), math::log(std::fabs(x)), math::pow(std::fabs(x), x / 7)}) {
      digest = (digest ^ std::bit_cast<std::uint64_t>(y)) * 0x9e3779b97f4a7c15ULL;
      digest ^= digest >> 29;
    }
  }
  EXPECT_EQ(digest, 2220295196018580368u);
}

}  // namespace
}  // namespace homeostat
