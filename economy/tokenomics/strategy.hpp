// Strategy optimisation: from the gaps between where metrics are and where they should be to a plan of bounded steps,
// or to no change at all.
//
//     gap_j  = m_j - clamp(m_j, low_j, high_j)
//     cost   = mean over the steps of the horizon of  sum_j weight_j (gap_j / scale_j)^2
//
// 1. Candidates. Each lever up and down by 1/8, 2/8 .. all of what the plan's steps allow it within its bounds; then,
//    greedily, the best of them with another lever's move added, as long as that lowers the cost (a coordinate search:
//    it can miss a strategy in which two moves help only together, and says how many it looked at).
// 2. Evaluation. The plant is run over the horizon with the candidate's plan, and with nothing done. A candidate under
//    which any metric leaves its hard bounds at any step is out.
// 3. Validation. Should its effect be smaller or larger than the plant says (the levers' displacement times effect_low
// and
//    effect_high), a candidate must still cost less than doing nothing and stay inside all bounds. The best of those
//    that do must cost at most (1 - margin) of doing nothing. Otherwise: no change, and why.
// 4. The plan. Every lever that moves does so by equal steps of at most its step_max, one every `step_every` steps of
// the
//    plant, never outside its bounds; the last one lands on its goal exactly.
//
// Deterministic: same arguments, same plan, to the last bit (as far as the plant is). A plant that gives something not
// finite loses the candidate; when it does so with nothing done, that is an error.
//
// `FirstOrderPlant` is a plant in closed form: each metric goes towards its own steady state, which levers shift:
//
//     m_j(t + 1) = m_j(t) + rate_j (rest_j + sum_k s_jk (u_k(t) - u0_k) - m_j(t))
//
// with constant levers m_j(t) = steady_j + (1 - rate_j)^t (m_j(0) - steady_j). rate_j 1/step, 0..1; s_jk the
// steady-state gain of lever k on metric j, from a regression, an experiment or the simulator.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "economy/tokenomics/health.hpp"

namespace homeostat::economy::tokenomics {

inline constexpr std::size_t kLeversMax = 16;
inline constexpr std::size_t kObjectivesMax = 32;
inline constexpr int kHorizonMax = 10'000;

struct Lever {
  std::string name;
  double value = 0;  ///< now, min..max
  double min = 0;
  double max = 1;
  double step_max = 1;  ///< > 0: the largest change in one step of the plan
};

struct Objective {
  std::string name;
  double value = 0;  ///< now, within the hard bounds
  Target target;     ///< low <= high
  double hard_min = std::numeric_limits<double>::lowest();
  double hard_max = std::numeric_limits<double>::max();
  double weight = 1;  ///< 0..1e6
  double scale = 1;   ///< > 0: the gap that counts as one
};

/// One step of a plant: `metrics` become those after a step with `levers`. Both in the order of the arguments below.
using Plant = std::function<void(std::span<const double> levers, std::span<double> metrics)>;

struct FirstOrderPlant {
  std::vector<double> lever_rest;   ///< u0, one for each lever
  std::vector<double> metric_rest;  ///< where each metric goes with the levers at rest
  std::vector<double> rate;         ///< 0..1, one for each metric
  std::vector<double> gain;         ///< s, metric by metric: gain[j * levers + k]

  void operator()(std::span<const double> levers, std::span<double> metrics) const;
};
[[nodiscard]] Result<> check(const FirstOrderPlant& plant);

struct StrategySettings {
  int horizon_steps = 90;    ///< 1..kHorizonMax
  int plan_steps_max = 12;   ///< 1..1000
  int step_every = 7;        ///< 1..kHorizonMax: plant steps between two of the plan's
  double margin = 0.05;      ///< 0..1: how much better than doing nothing it must be
  double effect_low = 0.5;   ///< 0..1
  double effect_high = 1.5;  ///< 1..10
};
[[nodiscard]] Result<> check(const StrategySettings& settings);

enum class Outcome : std::uint8_t {
  change,
  no_gap,              ///< all is where it should be, and stays there
  none_inside_bounds,  ///< every candidate takes a metric out of its hard bounds
  not_better,          ///< none beats doing nothing by the margin
  not_robust,          ///< some do, but none that does stands a smaller or larger effect
};
[[nodiscard]] std::string_view name_of(Outcome outcome);

struct LeverMove {
  std::size_t lever = 0;
  double from = 0;
  double to = 0;
};
struct PlanStep {
  int at = 0;                  ///< the plant's step
  std::vector<double> levers;  ///< all of them, from then on
};
struct Expected {
  double gap_now = 0;
  double without = 0;  ///< the metric at the horizon, with nothing done
  double with = 0;     ///< and with the plan
};

struct Strategy {
  Outcome outcome = Outcome::no_gap;
  double cost_without = 0;
  double cost_with = 0;          ///< of the best candidate, taken or not
  std::vector<LeverMove> moves;  ///< of the plan; empty unless outcome is change
  std::vector<PlanStep> plan;
  std::vector<Expected> expected;  ///< of each objective
  std::size_t candidates = 0;      ///< evaluated
};

/// Errors name a lever or an objective by its index and field.
[[nodiscard]] Result<Strategy> best_strategy(const StrategySettings& settings, std::span<const Lever> levers,
                                             std::span<const Objective> objectives, const Plant& plant);

}  // namespace homeostat::economy::tokenomics
