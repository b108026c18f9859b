// What is predicted of a loop, against the same loop run: pid's own steps on a simulated plant.
#include "controller/stability.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <deque>

#include "controller/pid.hpp"
#include "core/random.hpp"

namespace homeostat::controller {
namespace {

constexpr Duration kPeriod = Duration::seconds(10);

PidSettings settings_of(Gains gains) {
  PidSettings s;
  s.gains = gains;
  s.output_min = -1e12;
  s.output_max = 1e12;
  return s;
}

/// How far the metric is from its set-point over the last tenth of `steps`, against the tenth before the middle.
double growth(const PidSettings& settings, const PlantPoint& plant, int steps) {
  const PidSettings pid = with_defaults(settings, kPeriod);
  const double t = kPeriod.in_seconds();
  PidStep last;
  last.state.aligning = false;
  last.state.law = {pid.gains, pid.setpoint_weight, pid.action, pid.error, pid.deadband};
  // The plant in sub-steps, so that nothing of the prediction's own formulas is used.
  constexpr int kSub = 100;
  const double h = t / kSub;
  const double a = plant.lag.ns > 0 ? std::exp(-h / plant.lag.in_seconds()) : 0;
  const auto delay = static_cast<std::size_t>(std::llround(plant.delay.in_seconds() / h));
  std::deque<double> line(delay, 0.0);
  double pv = 1;  // the set-point is 0
  double middle = 0, end = 0;
  for (int i = 0; i < steps; ++i) {
    advance(pid, pid.gains, {pv, 0, t, true, 1, 0}, last);
    if (!std::isfinite(last.output) || std::fabs(last.output) > 1e11) return HUGE_VAL;
    for (int j = 0; j < kSub; ++j) {
      line.push_back(last.output);
      pv = a * pv + (1 - a) * plant.gain * line.front();
      line.pop_front();
    }
    if (i >= steps * 4 / 10 && i < steps / 2) middle = std::max(middle, std::fabs(pv));
    if (i >= steps * 9 / 10) end = std::max(end, std::fabs(pv));
  }
  return end / std::max(middle, 1e-300);
}

TEST(Stability, IsWhatTheSimulatedLoopShowsOnRandomPlants) {
  Random random(7);
  int stable = 0, unstable = 0;
  for (int i = 0; i < 400; ++i) {
    const PlantPoint plant{random.uniform(0.1, 3),
                           Duration::milliseconds(static_cast<std::int64_t>(random.uniform(500, 100'000))),
                           Duration::milliseconds(100 * static_cast<std::int64_t>(random.uniform(0, 600)))};
    PidSettings s = settings_of({random.uniform(0, 3), random.uniform(0.001, 0.1), random.chance(0.3) ? 5.0 : 0.0});
    s.integration = static_cast<Integration>(random.below(3));
    if (random.chance(0.5)) s.leak_half_life = Duration::seconds(200);
    if (random.chance(0.5)) s.derivative_filter = Duration::seconds(15);
    if (random.chance(0.3)) s.input_filter = Duration::seconds(20);
    const LinearLaw law = linear(s, s.gains, 0);
    const Margins m = margins(law, plant, kPeriod);
    if (m.stable && m.gain < 1.03) continue;  // too near to see in any time
    LinearLaw weaker = law;
    weaker.kp *= 0.97, weaker.ki_per_s *= 0.97, weaker.kd_s *= 0.97;
    if (!m.stable && is_stable(weaker, plant, kPeriod)) continue;
    const double grew = growth(s, plant, 1500);
    if (m.stable) EXPECT_LT(grew, 1) << i << " gain margin " << m.gain;
    if (!m.stable) EXPECT_GT(grew, 1) << i;
    ++(m.stable ? stable : unstable);
  }
  EXPECT_GT(stable, 80);
  EXPECT_GT(unstable, 80);
}

TEST(Stability, TheGainMarginIsWhereTheSimulatedLoopBeginsToGrow) {
  const PlantPoint plant{1, Duration::seconds(60), Duration::seconds(25)};
  const PidSettings s = settings_of({1, 0.01, 0});
  const Margins m = margins(linear(s, s.gains, 0), plant, kPeriod);
  ASSERT_TRUE(m.stable);
  PlantPoint more = plant;
  more.gain = plant.gain * m.gain * 0.97;
  EXPECT_LT(growth(s, more, 2000), 1);
  more.gain = plant.gain * m.gain * 1.03;
  EXPECT_GT(growth(s, more, 2000), 1);
}

TEST(Stability, TheDelayMarginIsWhereTheSimulatedLoopBeginsToGrow) {
  const PlantPoint plant{1, Duration::seconds(100), Duration::seconds(5)};
  const PidSettings s = settings_of({1.5, 0.01, 0});
  const Margins m = margins(linear(s, s.gains, 0), plant, kPeriod);
  ASSERT_TRUE(m.stable);
  PlantPoint more = plant;
  more.delay = plant.delay + Duration{static_cast<std::int64_t>(m.delay_s * 0.95e9)};
  EXPECT_LT(growth(s, more, 3000), 1);
  more.delay = plant.delay + Duration{static_cast<std::int64_t>(m.delay_s * 1.05e9)};
  EXPECT_GT(growth(s, more, 3000), 1);
}

TEST(Stability, AnIntegratorAloneOnAPlantAtOnceIsTextbook) {
  // backward Euler on a gain seen one sample later: z - 1 + K ki T = 0, stable up to K ki T = 2
  LinearLaw law{.ki_per_s = 0.1, .integration = Integration::backward};
  EXPECT_TRUE(is_stable(law, {1.99, {}, {}}, kPeriod));
  EXPECT_FALSE(is_stable(law, {2.01, {}, {}}, kPeriod));
  EXPECT_NEAR(margins(law, PlantPoint{1, {}, {}}, kPeriod).gain, 2, 1e-9);
  EXPECT_NEAR(margins(law, PlantPoint{1, {}, {}}, kPeriod).phase_deg, 60, 0.2);
}

TEST(Stability, ARangeIsAsStableAsItsWorstCorner) {
  const PlantRange range{
      0.5, 2, Duration::seconds(30), Duration::seconds(120), Duration::seconds(0), Duration::seconds(20)};
  const LinearLaw law{.kp = 0.5, .ki_per_s = 0.01};
  const Margins m = margins(law, range, kPeriod);
  ASSERT_TRUE(m.stable);
  EXPECT_EQ(m.worst.gain, 2);
  EXPECT_EQ(m.worst.delay, Duration::seconds(30));
  LinearLaw stronger = law;
  stronger.kp *= m.gain * 1.01, stronger.ki_per_s *= m.gain * 1.01;
  EXPECT_FALSE(margins(stronger, range, kPeriod).stable);
}

TEST(Stability, TheRegionEndsWhereTheLargestIntegralGainSays) {
  const PlantRange range{
      0.5, 2, Duration::seconds(30), Duration::seconds(120), Duration::seconds(0), Duration::seconds(20)};
  const LinearLaw law{.kp = 0.3, .ki_per_s = 0.004, .leak_half_life = Duration::seconds(300)};
  const auto rows = stable_region(law, range, kPeriod);
  ASSERT_EQ(rows.size(), 9U);
  for (const RegionRow& row : rows) {
    LinearLaw edge = law;
    edge.kp *= row.kp_factor;
    const Duration period = kPeriod * static_cast<std::int64_t>(row.period_factor);
    edge.ki_per_s = law.ki_per_s * row.ki_factor_max * 0.99;
    EXPECT_TRUE(margins(edge, range, period).stable);
    edge.ki_per_s = law.ki_per_s * row.ki_factor_max * 1.02;
    EXPECT_FALSE(margins(edge, range, period).stable);
    edge.leak_half_life = Duration::zero();
    edge.ki_per_s = law.ki_per_s * row.ki_factor_max_without_leak * 1.02;
    EXPECT_FALSE(margins(edge, range, period).stable);
  }
}

}  // namespace
}  // namespace homeostat::controller
