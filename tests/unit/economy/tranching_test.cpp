#include "economy/bonding/tranching.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "core/random.hpp"

namespace homeostat::economy::bonding {
namespace {

using List = std::vector<double>;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Tranching, ARampGoesStraightFromOneValueToTheOther) {
  const Ramp ramp{.from = 10, .to = 30, .begin = 100, .end = 200};
  EXPECT_EQ(ramp.at(0), 10);
  EXPECT_EQ(ramp.at(100), 10);
  EXPECT_EQ(ramp.at(125), 15);
  EXPECT_EQ(ramp.at(200), 30);
  EXPECT_EQ(ramp.at(1e9), 30);
  const Ramp at_once{.from = 10, .to = 30, .begin = 100, .end = 100};
  EXPECT_EQ(at_once.at(99), 10);
  EXPECT_EQ(at_once.at(100), 30);
}

TEST(Tranching, ADriftStaysWithinItsBounds) {
  const Drift drift{.base = 0.5, .rate = 0.01, .updated = 10, .min = 0.4, .max = 0.6};
  EXPECT_EQ(drift.at(10), 0.5);
  EXPECT_DOUBLE_EQ(drift.at(15), 0.55);
  EXPECT_EQ(drift.at(1000), 0.6);
  EXPECT_EQ(drift.at(-1000), 0.4);
}

TEST(Tranching, DriftingWeightsAreScaledToOne) {
  List out(2);
  const std::vector<Drift> drifts{{.base = 0.5, .rate = 0.1, .max = 0.75}, {.base = 0.5, .rate = -0.1, .min = 0}};
  ASSERT_TRUE(drifting_weights(drifts, 5, out));
  EXPECT_EQ(out, (List{1, 0}));
  ASSERT_TRUE(drifting_weights(drifts, 1, out));
  EXPECT_DOUBLE_EQ(out[0], 0.6);
}

TEST(Tranching, TheWorkedExampleOfTheDocumentation) {
  // Half way from 40/30/30 to 20/40/40; then the first asset has doubled against its calibration price.
  List scheduled(3), targets(3);
  ASSERT_TRUE(scheduled_weights(List{0.4, 0.3, 0.3}, List{0.2, 0.4, 0.4}, 15, 30, scheduled));
  EXPECT_NEAR(scheduled[0], 0.3, 1e-15);
  ASSERT_TRUE(target_weights(List{4000, 1, 1}, List{2000, 1, 1}, scheduled, targets));
  EXPECT_NEAR(targets[0], 0.6 / 1.3, 1e-15);
  EXPECT_NEAR(targets[1], 0.35 / 1.3, 1e-15);
}

TEST(Tranching, WeightsAlwaysSumToOne) {
  Random random(51);
  for (int n = 0; n < 5'000; ++n) {
    const std::size_t size = 1 + random.below(16);
    List a(size), b(size), p(size), p0(size), scheduled(size), targets(size);
    for (std::size_t i = 0; i < size; ++i) {
      a[i] = random.uniform(0, 1), b[i] = random.uniform(0, 1);
      p[i] = random.uniform(1e-3, 1e3), p0[i] = random.uniform(1e-3, 1e3);
    }
    for (List* w : {&a, &b}) {
      const double sum = std::accumulate(w->begin(), w->end(), 0.0);
      for (double& x : *w) x /= sum;
    }
    ASSERT_TRUE(scheduled_weights(a, b, random.uniform(0, 2), 1, scheduled));
    ASSERT_TRUE(target_weights(p, p0, scheduled, targets));
    const double tolerance = 4 * static_cast<double>(size) * std::numeric_limits<double>::epsilon();
    EXPECT_NEAR(std::accumulate(scheduled.begin(), scheduled.end(), 0.0), 1, tolerance);
    EXPECT_NEAR(std::accumulate(targets.begin(), targets.end(), 0.0), 1, tolerance);
  }
}

TEST(Tranching, AnEmptyReserveIsWhereItShouldBe) {
  const List targets{0.25, 0.75};
  List out(2);
  current_weights(List{0, 0}, targets, out);
  EXPECT_EQ(out, targets);
  EXPECT_EQ(weight_imbalance(out, targets), 0);
  current_weights(List{3, 1}, targets, out);
  EXPECT_EQ(out, (List{0.75, 0.25}));
  EXPECT_EQ(weight_imbalance(out, targets), 0.5);
}

TEST(Tranching, BadArgumentsNameThemselves) {
  List out(2);
  const List w{0.5, 0.5};
  EXPECT_EQ(scheduled_weights(List{0.5, 0.6}, w, 0, 1, out).error().where, "previous");
  EXPECT_EQ(scheduled_weights(w, List{0.5, kNan}, 0, 1, out).error().where, "current[1]");
  EXPECT_EQ(scheduled_weights(w, List{1}, 0, 1, out).error().where, "current");
  EXPECT_EQ(scheduled_weights(w, w, -1, 1, out).error().where, "elapsed");
  EXPECT_EQ(target_weights(List{0, 1}, List{1, 1}, w, out).error().where, "prices[0]");
  EXPECT_EQ(target_weights(List{1, 1}, List{1, kNan}, w, out).error().where, "calibration_prices[1]");
  EXPECT_EQ(drifting_weights({}, 0, out).error().where, "drifts");
  EXPECT_EQ(drifting_weights(std::vector<Drift>(2), 0, out).error().where, "sum of weights");
  EXPECT_EQ(drifting_weights(std::vector<Drift>{{.base = 0.5}, {.base = 2}}, 0, out).error().where, "drifts[1].base");
  EXPECT_EQ(drifting_weights(std::vector<Drift>{{.min = -1}, {}}, 0, out).error().where, "drifts[0].min");
}

}  // namespace
}  // namespace homeostat::economy::bonding
