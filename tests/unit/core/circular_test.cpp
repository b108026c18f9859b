#include "core/circular.hpp"

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

double worst_of(double (*ours)(double), long double (*reference)(long double), std::uint64_t seed) {
  Random random(seed);
  double worst = 0;
  for (int i = 0; i < kSamples; ++i) {
    double x = i % 3 == 0 ? random.uniform(-math::kCircularMax, math::kCircularMax) : random.uniform(-7, 7);
    // Near a multiple of pi/2 all but the last digits of the argument cancel.
    if (i % 9 == 1) x = std::nearbyint(random.uniform(-600'000, 600'000)) * 1.5707963267948966;
    worst = std::max(worst, ulps(ours(x), reference(static_cast<long double>(x))));
  }
  return worst;
}

TEST(Circular, SinIsWithinItsStatedError) {
  const double worst = worst_of(math::sin, std::sin, 1);
  RecordProperty("ulp_max", std::to_string(worst));
  EXPECT_LE(worst, 1.0);
}

TEST(Circular, CosIsWithinItsStatedError) {
  const double worst = worst_of(math::cos, std::cos, 2);
  RecordProperty("ulp_max", std::to_string(worst));
  EXPECT_LE(worst, 1.0);
}

// cos 2x = c^2 - s^2 and sin 2x = 2 s c hold to 2^-100 only if both turns do.
TEST(Circular, TurnsAreExactToAHundredBits) {
  using math::Wide;
  Random random(3);
  double worst = 0, worst_rounded = 0;
  for (int i = 0; i < 20'000; ++i) {
    const double x = random.uniform(-math::kTurnMax / 2, math::kTurnMax / 2);
    const auto [c, s] = math::turn_of(x);
    const auto twice = math::turn_of(2 * x);
    for (const Wide off : {c * c - s * s - twice.cosine, Wide(2) * s * c - twice.sine, c * c + s * s - Wide(1)}) {
      worst = std::max(worst, std::fabs(off.rounded()));
    }
    worst_rounded =
        std::max(worst_rounded, std::fabs(s.rounded() - math::sin(x)) + std::fabs(c.rounded() - math::cos(x)));
  }
  EXPECT_LE(worst, 0x1p-98);
  EXPECT_LE(worst_rounded, 0x1p-52);
  EXPECT_EQ(math::turn_of(0).cosine.rounded(), 1);
}

TEST(Circular, SpecialValues) {
  EXPECT_EQ(math::sin(0.0), 0);
  EXPECT_EQ(math::cos(0.0), 1);
  EXPECT_EQ(math::sin(5e-324), 5e-324);
  EXPECT_EQ(math::sin(-0.5), -math::sin(0.5));
  EXPECT_EQ(math::cos(-0.5), math::cos(0.5));
  // The double nearest to pi is this far from it.
  EXPECT_DOUBLE_EQ(math::sin(3.141592653589793), 1.2246467991473532e-16);
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity(), math::kCircularMax * 1.0001}) {
    EXPECT_TRUE(std::isnan(math::sin(bad))) << bad;
    EXPECT_TRUE(std::isnan(math::cos(-bad))) << bad;
  }
}

// The bits themselves: another compiler, library or flag must not change them.
TEST(Circular, TheBitsAreTheSameEverywhere) {
  Random random(42);
  std::uint64_t digest = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double x = random.uniform(-50, 50);
    for (const double y : {math::sin(x), math::cos(x)}) {
      digest = (digest ^ std::bit_cast<std::uint64_t>(y)) * 0x9e3779b97f4a7c15ULL;
      digest ^= digest >> 29;
    }
  }
  EXPECT_EQ(digest, 2136957557008163412u);
}

}  // namespace
}  // namespace homeostat
