// Decoupling matrices and relative gains.
#include "controller/decoupling.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace homeostat::controller {
namespace {

DecouplingSettings of(std::vector<double> gain, bool is_gain = true) {
  DecouplingSettings s{"x", {}, is_gain, std::move(gain)};
  const auto n = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(s.matrix.size()))));
  for (std::size_t i = 0; i < n; ++i) s.loops.push_back(std::string(1, static_cast<char>('a' + i)));
  return s;
}

TEST(Decoupling, RelativeGainsAreThoseOfTheWoodBerryColumn) {  // Wood and Berry 1973: K = [12.8 -18.9; 6.6 -19.4]
  const auto d = decoupling_of(of({12.8, -18.9, 6.6, -19.4}));
  ASSERT_TRUE(d);
  EXPECT_NEAR(d->rga[0], 2.0094, 1e-4);
  EXPECT_NEAR(d->rga[1], -1.0094, 1e-4);
}

TEST(Decoupling, EachLoopGoesOnToSeeItsOwnGain) {
  const std::vector<double> k = {2, 0.7, -0.3, 0.4, -1.5, 0.2, 0.1, 0.3, 0.9};
  const auto d = decoupling_of(of(k));
  ASSERT_TRUE(d);
  for (std::size_t i = 0; i < 3; ++i) {
    double row_sum = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      double seen = 0;
      for (std::size_t m = 0; m < 3; ++m) seen += k[i * 3 + m] * d->matrix[m * 3 + j];
      EXPECT_NEAR(seen, i == j ? k[i * 3 + i] : 0, 1e-12);
      row_sum += d->rga[i * 3 + j];
    }
    EXPECT_NEAR(row_sum, 1, 1e-12);
    EXPECT_NEAR(d->rga[i * 3 + i], d->matrix[i * 3 + i], 1e-12);
  }
}

TEST(Decoupling, WhetherItIsSingularDoesNotDependOnUnits) {
  const auto regular = of({1e-9, 2e6, 3e-12, 7e3});
  EXPECT_TRUE(decoupling_of(regular));
  EXPECT_FALSE(decoupling_of(of({1, 2, 1 + 1e-11, 2})));
  EXPECT_FALSE(decoupling_of(of({1e6, 2e6, 1e-6, 2e-6})));
}

TEST(Decoupling, BadPairsAndGainsThatMustBeKnownTooWellAreDoubted) {
  const auto said = [](std::vector<double> gain) {
    const auto settings = of(std::move(gain));
    return doubts(settings, decoupling_of(settings).value());
  };
  EXPECT_TRUE(said({2, 0.5, 0.5, 2}).empty());
  ASSERT_EQ(said({1, 3, 3, -1.5}).size(), 2U);  // both are moved more by the other one's
  EXPECT_NE(said({1, 3, 3, -1.5})[0].find("another parameter moves its metric more"), std::string::npos);
  EXPECT_NE(said({1, 2, 2, 1})[0].find("the other way"), std::string::npos);
  const auto ill = said({1, 1, 1, 1.02});
  ASSERT_EQ(ill.size(), 1U);
  EXPECT_NE(ill[0].find("is ill-conditioned"), std::string::npos);
  EXPECT_NE(ill[0].find("1.96"), std::string::npos) << ill[0];
}

TEST(Decoupling, ADeclaredMatrixIsTakenAsItIs) {
  const auto d = decoupling_of(of({1, 0.3, -0.2, 1}, false));
  ASSERT_TRUE(d);
  EXPECT_EQ(d->matrix, (std::vector<double>{1, 0.3, -0.2, 1}));
  EXPECT_TRUE(d->rga.empty());
}

}  // namespace
}  // namespace homeostat::controller
