#include "core/format.hpp"

#include <cmath>
#include <cstdio>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "core/random.hpp"

namespace homeostat {
namespace {

std::string printed(double x) {
  char text[64];
  std::snprintf(text, sizeof text, "%g", x);
  return text;
}

TEST(ShortText, IsWhatPrintfSaysAtEveryEdge) {
  for (const double x : {0.0,
                         -0.0,
                         1.0,
                         -1.0,
                         0.8,
                         0.1,
                         1e-4,
                         9.99999e-5,
                         99999.95,
                         999999.4,
                         999999.5,
                         1e6,
                         123456.5,
                         0.5,
                         0.00012345678,
                         2.5,
                         14.2,
                         1234.565,
                         0.1234565,
                         8.5e-5,
                         1e300,
                         5e-324,
                         std::numeric_limits<double>::infinity(),
                         -std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(short_text(x), printed(x));
    EXPECT_EQ(short_text(-x), printed(-x));
    EXPECT_EQ(short_text(std::nextafter(x, 1e9)), printed(std::nextafter(x, 1e9)));
    EXPECT_EQ(short_text(std::nextafter(x, -1e9)), printed(std::nextafter(x, -1e9)));
  }
}

TEST(ShortText, IsWhatPrintfSaysOfRandomNumbersAndOfNumbersWithFewDigits) {
  Random random(20'261'121);
  for (int i = 0; i < 200'000; ++i) {
    const double power = std::pow(10.0, static_cast<double>(i % 14) - 6);
    const double x = (random.uniform() - 0.5) * power;
    EXPECT_EQ(short_text(x), printed(x));
    const double few = std::round(x * 1e7) / 1e7;  // ends in a tie more often than chance
    EXPECT_EQ(short_text(few), printed(few));
  }
}

}  // namespace
}  // namespace homeostat
