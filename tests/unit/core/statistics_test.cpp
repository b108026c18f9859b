#include "core/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/random.hpp"

namespace homeostat {
namespace {

using Values = std::vector<double>;

double gini_of(Values x) {
  return gini(x);
}
double nakamoto_of(Values x, double threshold = 0.5) {
  return nakamoto(x, threshold);
}
double median_of(Values x) {
  return median(x);
}

TEST(Statistics, GiniGoesFromEqualToOneHoldsAll) {
  EXPECT_EQ(gini_of({5, 5, 5, 5}), 0);
  EXPECT_EQ(gini_of({0.1, 0.1, 0.1}), 0);
  EXPECT_EQ(gini_of({0, 0, 0, 8}), 0.75);
  EXPECT_DOUBLE_EQ(gini_of({4, 1, 3, 2}), 0.25);
  EXPECT_EQ(gini_of({7}), 0);
}

TEST(Statistics, GiniOfExponentialHoldingsIsOneHalf) {
  Random random(3);
  Values x(200'000);
  for (double& v : x) v = random.exponential(10);
  EXPECT_NEAR(gini(x), 0.5, 0.003);
}

TEST(Statistics, HhiIsTheSumOfSquaredShares) {
  EXPECT_DOUBLE_EQ(hhi(Values{50, 30, 20}), 0.38);
  EXPECT_DOUBLE_EQ(hhi(Values{1, 1, 1, 1}), 0.25);
  EXPECT_EQ(hhi(Values{0, 9, 0}), 1);
}

TEST(Statistics, NakamotoCountsHoldersOfMoreThanTheThreshold) {
  EXPECT_EQ(nakamoto_of({10, 40, 30, 20}), 2);
  EXPECT_EQ(nakamoto_of({50, 50}), 2);  // exactly one half is not enough
  EXPECT_EQ(nakamoto_of({51, 49}), 1);
  EXPECT_EQ(nakamoto_of({1, 1, 1}, 1.0 / 3), 2);
  EXPECT_EQ(nakamoto_of({1, 0, 0}, 0), 1);
}

TEST(Statistics, TheMedianOfAnEvenCountIsTheLowerOne) {
  EXPECT_EQ(mean(Values{1, 2, 6}), 3);
  EXPECT_EQ(median_of({9, 1, 2}), 2);
  EXPECT_EQ(median_of({9, 1, 2, 4}), 2);
  EXPECT_EQ(deviation(Values{2, 4, 4, 4, 5, 5, 7, 9}), 2);
  EXPECT_EQ(deviation(Values{7}), 0);
}

TEST(Statistics, HaveNoValueWhereTheyMeanNothing) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  for (const Values& x : {Values{}, Values{1, nan}, Values{1, infinity}}) {
    EXPECT_TRUE(std::isnan(mean(x)) && std::isnan(median_of(x)) && std::isnan(deviation(x)));
  }
  const double max = std::numeric_limits<double>::max();
  for (const Values& x :
       {Values{}, Values{1, nan}, Values{1, infinity}, Values{2, -0.5}, Values{0, 0}, Values{max, max}}) {
    EXPECT_TRUE(std::isnan(gini_of(x)) && std::isnan(hhi(x)) && std::isnan(nakamoto_of(x)));
  }
  EXPECT_TRUE(std::isnan(nakamoto_of({1, 1}, 1)) && std::isnan(nakamoto_of({1, 1}, nan)));
}

}  // namespace
}  // namespace homeostat
