// Strategies under any levers, objectives and first-order plants: a plan keeps every bound, does what it says, and
// nothing is changed that does not beat doing nothing.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "economy/tokenomics/strategy.hpp"

namespace homeostat::economy::tokenomics {
namespace {

double within(double low, double high) {
  const double x = static_cast<double>(*rc::gen::arbitrary<std::uint32_t>()) / 4294967295.0;
  return std::min(low + (high - low) * x, high);
}

struct World {
  StrategySettings settings;
  std::vector<Lever> levers;
  std::vector<Objective> objectives;
  FirstOrderPlant plant;
};

World any_world() {
  World w;
  w.settings.horizon_steps = *rc::gen::inRange(1, 60);
  w.settings.plan_steps_max = *rc::gen::inRange(1, 15);
  w.settings.step_every = *rc::gen::inRange(1, 10);
  w.settings.margin = within(0, 0.3);
  w.levers.resize(*rc::gen::inRange<std::size_t>(1, 4));
  for (auto& lever : w.levers) {
    lever.min = within(-1, 1);
    lever.max = lever.min + within(0, 2);
    lever.value = within(lever.min, lever.max);
    lever.step_max = within(0.01, 0.5);
    w.plant.lever_rest.push_back(lever.value);
  }
  w.objectives.resize(*rc::gen::inRange<std::size_t>(1, 4));
  for (auto& o : w.objectives) {
    o.value = within(-1, 1);
    o.target.low = within(-1, 1);
    o.target.high = o.target.low + within(0, 0.5);
    o.hard_min = o.value - within(0.1, 3);
    o.hard_max = o.value + within(0.1, 3);
    o.weight = within(0, 5);
    w.plant.metric_rest.push_back(o.value + within(-0.05, 0.05));
    w.plant.rate.push_back(within(0, 1));
    for (std::size_t k = 0; k < w.levers.size(); ++k) w.plant.gain.push_back(within(-2, 2));
  }
  return w;
}

RC_GTEST_PROP(Strategy, APlanKeepsEveryBoundAndDoesWhatItSays, ()) {
  const World w = any_world();
  const auto s = *best_strategy(w.settings, w.levers, w.objectives, w.plant);
  RC_TAG(std::string(name_of(s.outcome)));
  if (s.outcome != Outcome::change) {
    RC_ASSERT(s.plan.empty() && s.moves.empty());
    for (const auto& e : s.expected) RC_ASSERT(e.with == e.without);
    return;
  }
  RC_ASSERT(s.cost_with <= (1 - w.settings.margin) * s.cost_without);
  RC_ASSERT(!s.plan.empty() && s.plan.size() <= static_cast<std::size_t>(w.settings.plan_steps_max));
  RC_ASSERT(s.plan.back().at < w.settings.horizon_steps);
  std::vector<double> now;
  for (const auto& lever : w.levers) now.push_back(lever.value);
  for (const auto& step : s.plan) {
    for (std::size_t k = 0; k < w.levers.size(); ++k) {
      RC_ASSERT(step.levers[k] >= w.levers[k].min && step.levers[k] <= w.levers[k].max);
      RC_ASSERT(std::abs(step.levers[k] - now[k]) <= w.levers[k].step_max * (1 + 1e-9));
    }
    now = step.levers;
  }
  for (const auto& move : s.moves) RC_ASSERT(now[move.lever] == move.to);

  // The plan, run by someone else: the same end, and never outside.
  std::vector<double> metrics, levers;
  for (const auto& o : w.objectives) metrics.push_back(o.value);
  std::size_t next = 0;
  for (int t = 0; t < w.settings.horizon_steps; ++t) {
    if (next < s.plan.size() && s.plan[next].at == t) levers = s.plan[next++].levers;
    w.plant(levers, metrics);
    for (std::size_t j = 0; j < metrics.size(); ++j) {
      RC_ASSERT(metrics[j] >= w.objectives[j].hard_min && metrics[j] <= w.objectives[j].hard_max);
    }
  }
  for (std::size_t j = 0; j < metrics.size(); ++j) RC_ASSERT(std::abs(metrics[j] - s.expected[j].with) < 1e-12);
}

RC_GTEST_PROP(Strategy, IsTheSameForTheSameArguments, ()) {
  const World w = any_world();
  const auto a = *best_strategy(w.settings, w.levers, w.objectives, w.plant);
  const auto b = *best_strategy(w.settings, w.levers, w.objectives, w.plant);
  RC_ASSERT(a.outcome == b.outcome && a.cost_with == b.cost_with && a.candidates == b.candidates);
  RC_ASSERT(a.plan.size() == b.plan.size());
  for (std::size_t i = 0; i < a.plan.size(); ++i) RC_ASSERT(a.plan[i].levers == b.plan[i].levers);
}

}  // namespace
}  // namespace homeostat::economy::tokenomics
