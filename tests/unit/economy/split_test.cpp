#include "economy/bonding/split.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "core/random.hpp"

namespace homeostat::economy::bonding {
namespace {

using Values = std::vector<double>;

double sum_of(const Values& xs) {
  return std::accumulate(xs.begin(), xs.end(), 0.0);
}

struct Case {
  Values u, w;
  double amount = 0;
};
Case any_case(Random& random, std::size_t n, bool has_weightless = false) {
  Case c;
  for (std::size_t i = 0; i < n; ++i) {
    c.u.push_back(random.chance(0.1) ? 0 : std::pow(10, random.uniform(-2, 4)));
    c.w.push_back(has_weightless && i > 0 && random.chance(0.3) ? 0 : random.uniform(0.01, 1));
  }
  const double total = sum_of(c.w);
  for (double& w : c.w) w /= total;
  c.amount = sum_of(c.u) * random.uniform(0, 1);
  return c;
}

TEST(Split, AWithdrawalComesFromTheTallestVaultsAndLeavesThemLevel) {
  Values x(3);
  const double level = *split_withdrawal(Values{600, 300, 100}, Values{0.4, 0.3, 0.3}, 100, x);
  EXPECT_EQ(x, (Values{100, 0, 0}));
  EXPECT_DOUBLE_EQ(level, 1250);
}

TEST(Split, EveryVaultThatGivesEndsAtTheSameHeightAndNoOtherIsTaller) {
  Random random(31);
  for (int n = 0; n < 5'000; ++n) {
    const Case c = any_case(random, 1 + random.below(20));
    Values x(c.u.size());
    const double level = *split_withdrawal(c.u, c.w, c.amount, x);
    EXPECT_NEAR(sum_of(x), c.amount, c.amount * 0x1p-52);
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_GE(x[i], 0);
      EXPECT_LE(x[i], c.u[i]);
      const double height = (c.u[i] - x[i]) / c.w[i];
      EXPECT_LE(height, level + 1e-12 * (sum_of(c.u) / c.w[i]));
      if (x[i] > 1e-9 * c.amount) {
        EXPECT_NEAR(height, level, 1e-12 * (sum_of(c.u) / c.w[i]));
      }
    }
  }
}

TEST(Split, ADepositFillsTheLowestVaultsAndNoOtherIsLower) {
  Random random(32);
  for (int n = 0; n < 5'000; ++n) {
    const Case c = any_case(random, 1 + random.below(20));
    Values x(c.u.size());
    const double level = *split_deposit(c.u, c.w, c.amount, x);
    EXPECT_NEAR(sum_of(x), c.amount, c.amount * 0x1p-52);
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_GE(x[i], 0);
      const double height = (c.u[i] + x[i]) / c.w[i];
      EXPECT_GE(height, level - 1e-12 * (sum_of(c.u) / c.w[i]));
      if (x[i] > 1e-9 * c.amount) {
        EXPECT_NEAR(height, level, 1e-12 * (sum_of(c.u) / c.w[i]));
      }
    }
  }
}

TEST(Split, VaultsOfWeightZeroGiveFirstAndTakeLast) {
  Values x(3);
  ASSERT_TRUE(split_withdrawal(Values{30, 10, 60}, Values{0, 0, 1}, 20, x));
  EXPECT_EQ(x, (Values{15, 5, 0}));
  ASSERT_TRUE(split_withdrawal(Values{30, 10, 60}, Values{0, 0, 1}, 50, x));
  EXPECT_EQ(x, (Values{30, 10, 10}));
  ASSERT_TRUE(split_deposit(Values{30, 10, 60}, Values{0, 0, 1}, 50, x));
  EXPECT_EQ(x, (Values{0, 0, 50}));
  ASSERT_TRUE(split_deposit(Values{0.1, 0, 0}, Values{1, 0, 0}, 0.2, x));
  EXPECT_EQ(x, (Values{0.2, 0, 0}));
  const Values low{0, 0, 0}, high{6, 2, 10};
  ASSERT_TRUE(split_deposit(Values{30, 10, 60}, Values{0, 0, 1}, 14, SplitBounds{low, high}, x));
  EXPECT_EQ(x, (Values{3, 1, 10}));
}

TEST(Split, BoundsAreKeptAndTheRestIsAsLevelAsTheyAllow) {
  Random random(33);
  for (int n = 0; n < 5'000; ++n) {
    Case c = any_case(random, 1 + random.below(20), true);
    Values low, high, x(c.u.size());
    for (const double u : c.u) {
      low.push_back(u * random.uniform(0, 0.5));
      high.push_back(u * random.uniform(0.5, 1));
    }
    const double share = random.uniform(0, 1);
    c.amount = sum_of(low) + share * (sum_of(high) - sum_of(low));
    const auto level = split_withdrawal(c.u, c.w, c.amount, SplitBounds{low, high}, x);
    ASSERT_TRUE(level) << level.error().text();
    EXPECT_NEAR(sum_of(x), c.amount, c.amount * 0x1p-51);
    const double near = 1e-9 * sum_of(c.u);
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_GE(x[i], low[i] - 1e-12 * c.u[i]);
      EXPECT_LE(x[i], high[i] + 1e-12 * c.u[i]);
      for (std::size_t j = 0; j < x.size(); ++j) {  // who still could give is not taller than who gives
        if (c.w[i] == 0 || c.w[j] == 0 || x[i] > high[i] - near || x[j] < low[j] + near) continue;
        EXPECT_LE((c.u[i] - x[i]) / c.w[i], (c.u[j] - x[j]) / c.w[j] * (1 + 1e-6) + near) << n;
      }
    }
  }
}

TEST(Split, TheSafeBoundsAreAlwaysFeasible) {
  Random random(34);
  for (int n = 0; n < 20'000; ++n) {
    const Case c = any_case(random, 1 + random.below(12), true);
    Values low(c.u.size()), high(c.u.size()), x(c.u.size());
    const double band = random.uniform(0, 1);
    safe_withdrawal_bounds(c.u, c.w, c.amount, band, low, high);
    const auto out = split_withdrawal(c.u, c.w, c.amount, SplitBounds{low, high}, x);
    ASSERT_TRUE(out) << n << " " << out.error().text();
    safe_deposit_bounds(c.u, c.w, c.amount, band, low, high);
    const auto in = split_deposit(c.u, c.w, c.amount, SplitBounds{low, high}, x);
    ASSERT_TRUE(in) << n << " " << in.error().text();
    EXPECT_NEAR(sum_of(x), c.amount, c.amount * 0x1p-51);
  }
}

TEST(Split, ADepositWithinSafeBoundsDoesNotDiluteAVaultThatIsShortItself) {
  const Values u{1, 30, 69}, w{1.0 / 3, 1.0 / 3, 1.0 / 3};
  Values x(3), low(3), high(3);
  ASSERT_TRUE(split_deposit(u, w, 25, x));
  EXPECT_NEAR(x[0], 25, 1e-12);  // takes the second vault from 30 % to 24 %
  safe_deposit_bounds(u, w, 25, 0.1, low, high);
  ASSERT_TRUE(split_deposit(u, w, 25, SplitBounds{low, high}, x));
  EXPECT_NEAR(x[0], 17.5, 1e-12);
  EXPECT_NEAR(x[1], 7.5, 1e-12);
}

TEST(Split, AThousandVaultsLevelToo) {
  Random random(35);
  const Case c = any_case(random, 1000);
  Values x(1000);
  ASSERT_TRUE(split_withdrawal(c.u, c.w, c.amount, x));
  EXPECT_NEAR(sum_of(x), c.amount, c.amount * 0x1p-52);
}

TEST(Split, ExtremesOfSizeEndInBoundedTime) {
  Values x(4);
  const Values tiny{1e-300, 1e300, 1, 0}, w{1e-300, 0.25, 0.25, 0.5};
  for (const double amount : {0.0, 1e-300, 1.0, 1e299, 1e300}) {
    ASSERT_TRUE(split_withdrawal(tiny, w, amount, x)) << amount;
    EXPECT_NEAR(sum_of(x), amount, amount * 1e-15);
    ASSERT_TRUE(split_deposit(tiny, w, amount, x)) << amount;
    EXPECT_NEAR(sum_of(x), amount, amount * 1e-15);
  }
}

TEST(Split, BadArgumentsNameThemselves) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Values x(2), one(1);
  const Values u{1, 2}, w{0.5, 0.5};
  EXPECT_EQ(split_withdrawal(Values{}, Values{}, 0, {}).error().where, "values");
  EXPECT_EQ(split_withdrawal(Values{1, -2}, w, 1, x).error().where, "values[1]");
  EXPECT_EQ(split_withdrawal(u, Values{0.5, 0.4}, 1, x).error().where, "weights");
  EXPECT_EQ(split_withdrawal(u, Values{1}, 1, x).error().where, "weights");
  EXPECT_EQ(split_withdrawal(u, w, 1, one).error().where, "parts");
  EXPECT_EQ(split_withdrawal(u, w, nan, x).error().where, "amount");
  EXPECT_EQ(split_withdrawal(u, w, 4, x).error().text(), "amount: must be from 0 to 3, is 4");
  EXPECT_EQ(split_withdrawal(u, w, 1, SplitBounds{Values{0, 2}, Values{1, 1}}, x).error().where, "low[1]");
  EXPECT_EQ(split_withdrawal(u, w, 1, SplitBounds{Values{0, 0}, Values{1, 3}}, x).error().where, "high[1]");
  EXPECT_EQ(split_withdrawal(u, w, 1, SplitBounds{Values{nan, 0}, Values{1, 1}}, x).error().where, "low[0]");
  EXPECT_EQ(split_deposit(u, w, 3, SplitBounds{Values{0, 0}, Values{1, 1}}, x).error().text(),
            "amount: must be from 0 to 2, is 3");
  EXPECT_EQ(split_deposit(u, w, 1, SplitBounds{Values{0, 0}, Values{1}}, x).error().where, "high");
}

}  // namespace
}  // namespace homeostat::economy::bonding
