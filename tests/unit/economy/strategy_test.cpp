#include "economy/tokenomics/strategy.hpp"

#include <cmath>

#include "tests/unit/economy/tokenomics.hpp"

namespace homeostat::economy::tokenomics {
namespace {

/// Participation 0.4 where 0.6 is wanted; a point of APY brings four points of participation and a fifth of a point of
/// inflation in the end, a tenth of the way a day.
struct World {
  std::vector<Lever> levers{{.name = "apy", .value = 0.05, .min = 0.05, .max = 0.15, .step_max = 0.01}};
  std::vector<Objective> objectives{
      {.name = "participation", .value = 0.4, .target = {0.6, 1}, .hard_min = 0, .hard_max = 1, .scale = 0.1},
      {.name = "inflation", .value = 0.04, .target = {0.02, 0.05}, .hard_min = 0, .hard_max = 0.08, .scale = 0.01}};
  FirstOrderPlant plant{{0.05}, {0.4, 0.04}, {0.1, 0.1}, {4, 0.2}};
  StrategySettings settings;

  Strategy best() {
    auto out = best_strategy(settings, levers, objectives, plant);
    EXPECT_TRUE(out) << out.error().text();
    return out ? *out : Strategy{};
  }
};

TEST(Strategy, ClosesTheGapByBoundedSteps) {
  World w;
  const auto s = w.best();
  ASSERT_EQ(s.outcome, Outcome::change);
  ASSERT_EQ(s.moves.size(), 1u);
  EXPECT_EQ(s.moves[0].from, 0.05);
  EXPECT_DOUBLE_EQ(s.moves[0].to, 0.1);  // further up, the inflation it brings costs more than the time it saves
  ASSERT_EQ(s.plan.size(), 5u);
  double last = 0.05;
  for (const auto& step : s.plan) {
    EXPECT_LE(step.levers[0] - last, 0.01 * (1 + 1e-12));
    last = step.levers[0];
  }
  EXPECT_EQ(last, s.moves[0].to);
  EXPECT_EQ(s.plan[4].at, 28);
  EXPECT_NEAR(s.expected[0].gap_now, -0.2, 1e-15);
  EXPECT_DOUBLE_EQ(s.expected[0].without, 0.4);
  EXPECT_NEAR(s.expected[0].with, 0.59989119, 1e-8);
  EXPECT_NEAR(s.expected[1].with, 0.04999456, 1e-8);
  EXPECT_DOUBLE_EQ(s.cost_without, 4);
  EXPECT_NEAR(s.cost_with, 0.6828799868910055, 1e-12);
  EXPECT_EQ(s.candidates, 8u);
}

TEST(Strategy, WeighsWhatOneTargetCostsAnother) {
  World w;
  w.objectives[1].weight = 100;  // above 5 % of inflation is dear
  const auto s = w.best();
  ASSERT_EQ(s.outcome, Outcome::change);
  // 0.1 would cost less as modelled, and more than doing nothing at one and a half times the effect.
  EXPECT_DOUBLE_EQ(s.moves[0].to, 0.0875);
  EXPECT_NEAR(s.cost_with, 0.8938397204520756, 1e-12);
}

TEST(Strategy, UsesTwoLeversWhereOneIsNotEnough) {
  World w;
  w.levers.push_back({.name = "fee", .value = 0.03, .min = 0.01, .max = 0.03, .step_max = 0.01});
  w.objectives[1].weight = 100;
  w.plant = {{0.05, 0.03}, {0.4, 0.04}, {0.1, 0.1}, {4, -10, 0.2, 0}};  // a lower fee brings participation, too
  const auto s = w.best();
  ASSERT_EQ(s.outcome, Outcome::change);
  EXPECT_EQ(s.moves.size(), 2u);
  EXPECT_GE(s.expected[0].with, 0.6);
}

TEST(Strategy, ChangesNothingWithoutAGap) {
  World w;
  w.objectives[0].target = {0.3, 0.5};
  const auto s = w.best();
  EXPECT_EQ(s.outcome, Outcome::no_gap);
  EXPECT_TRUE(s.plan.empty() && s.moves.empty());
}

TEST(Strategy, ChangesNothingThatDoesNotBeatDoingNothingByTheMargin) {
  World w;
  w.plant.gain = {0, 0};
  EXPECT_EQ(w.best().outcome, Outcome::not_better);
  w.plant.gain = {0.02, 0};
  EXPECT_EQ(w.best().outcome, Outcome::not_better);
  w.settings.margin = 0;
  EXPECT_EQ(w.best().outcome, Outcome::change);
}

TEST(Strategy, ChangesNothingThatLeavesTheHardBounds) {
  World w;
  w.objectives[1].hard_max = 0.041;
  const auto s = w.best();
  EXPECT_EQ(s.outcome, Outcome::none_inside_bounds);
  EXPECT_TRUE(s.plan.empty());
}

TEST(Strategy, TheHardBoundsHoldWithoutTheRobustnessToo) {
  World w;
  w.settings.effect_low = w.settings.effect_high = 1;
  w.objectives[1].hard_max = 0.0474;
  const auto s = w.best();
  ASSERT_EQ(s.outcome, Outcome::change);
  EXPECT_DOUBLE_EQ(s.moves[0].to, 0.075);  // 0.0875 would take inflation to 4.75 %
  EXPECT_LT(s.expected[1].with, 0.0474);
}

TEST(Strategy, ChangesNothingThatAStrongerEffectWouldSpoil) {
  World w;
  w.objectives[1].hard_max = 0.06;  // where no move takes inflation as modelled, and every one at ten times the effect
  w.settings.effect_high = 10;
  EXPECT_EQ(w.best().outcome, Outcome::not_robust);
}

TEST(Strategy, APlantThatGivesNoNumberLosesOrIsAnError) {
  World w;
  const Plant wild = [](std::span<const double> levers, std::span<double> metrics) {
    if (levers[0] != 0.05) metrics[0] = kNan;
  };
  EXPECT_EQ(best_strategy(w.settings, w.levers, w.objectives, wild)->outcome, Outcome::none_inside_bounds);
  const Plant broken = [](std::span<const double>, std::span<double> metrics) { metrics[0] = kInfinity; };
  EXPECT_EQ(refused(best_strategy(w.settings, w.levers, w.objectives, broken)), "plant");
  EXPECT_EQ(refused(best_strategy(w.settings, w.levers, w.objectives, Plant())), "plant");
}

TEST(Strategy, ThePlantIsItsClosedForm) {
  const FirstOrderPlant plant{{0.05}, {0.4}, {0.1}, {4}};
  std::vector<double> levers{0.1}, metrics{0.4};
  for (int t = 0; t < 30; ++t) plant(levers, metrics);
  EXPECT_NEAR(metrics[0], 0.6 + std::pow(0.9, 30) * (0.4 - 0.6), 1e-14);
}

TEST(Strategy, RefusesWhatIsOutOfRange) {
  const auto refuse = [](auto change) {
    World w;
    change(w);
    return refused(best_strategy(w.settings, w.levers, w.objectives, w.plant));
  };
  EXPECT_EQ(refuse([](World& w) { w.levers.clear(); }), "levers");
  EXPECT_EQ(refuse([](World& w) { w.objectives.resize(33); }), "objectives");
  EXPECT_EQ(refuse([](World& w) { w.levers[0].value = 0.2; }), "levers[0].value");
  EXPECT_EQ(refuse([](World& w) { w.levers[0].min = kNan; }), "levers[0].min");
  EXPECT_EQ(refuse([](World& w) { w.levers[0].step_max = 0; }), "levers[0].step_max");
  EXPECT_EQ(refuse([](World& w) { w.objectives[1].value = 0.09; }), "objectives[1].value");
  EXPECT_EQ(refuse([](World& w) { w.objectives[1].target = {1, 0}; }), "objectives[1].target.low");
  EXPECT_EQ(refuse([](World& w) { w.objectives[0].weight = kNan; }), "objectives[0].weight");
  EXPECT_EQ(refuse([](World& w) { w.objectives[0].scale = 0; }), "objectives[0].scale");
  EXPECT_EQ(refuse([](World& w) { w.settings.horizon_steps = 0; }), "horizon_steps");
  EXPECT_EQ(refuse([](World& w) { w.settings.plan_steps_max = 0; }), "plan_steps_max");
  EXPECT_EQ(refuse([](World& w) { w.settings.step_every = 0; }), "step_every");
  EXPECT_EQ(refuse([](World& w) { w.settings.margin = 2; }), "margin");
  EXPECT_EQ(refuse([](World& w) { w.settings.effect_high = 0.5; }), "effect_high");
  EXPECT_EQ(refused(check(FirstOrderPlant{{0}, {0}, {2}, {1}})), "rate[0]");
  EXPECT_EQ(refused(check(FirstOrderPlant{{0}, {0}, {1}, {1, 2}})), "gain");
}

}  // namespace
}  // namespace homeostat::economy::tokenomics
