#include "economy/tokenomics/strategy.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>
#include <utility>

#include "core/check.hpp"
#include "economy/argument.hpp"

namespace homeostat::economy::tokenomics {

namespace {

constexpr Range kAny{-1e30, 1e30};
constexpr Range kAboveZero{1e-30, 1e30};
constexpr int kFractions = 8;

double gap_of(const Objective& o, double value) {
  return value - std::clamp(value, o.target.low, o.target.high);
}

/// A candidate: where each lever is to end up.
using Goal = std::vector<double>;

struct Run {
  double cost = 0;
  bool is_inside = true;        ///< of all hard bounds, at every step
  std::vector<double> metrics;  ///< at the horizon
};

class Search {
 public:
  Search(const StrategySettings& settings, std::span<const Lever> levers, std::span<const Objective> objectives,
         const Plant& plant)
      : settings_(settings), levers_(levers), objectives_(objectives), plant_(plant), inputs_(levers.size()) {}

  void set_cost_of_nothing(double cost) {
    nothing_ = cost;
    enough_ = (1 - settings_.margin) * cost;
  }
  [[nodiscard]] bool is_enough(double cost) const { return cost <= enough_; }

  [[nodiscard]] Goal now() const {
    Goal goal;
    for (const Lever& lever : levers_) goal.push_back(lever.value);
    return goal;
  }

  /// Of a plan: those that the horizon still sees.
  [[nodiscard]] int steps_max() const {
    return std::min(settings_.plan_steps_max, (settings_.horizon_steps - 1) / settings_.step_every + 1);
  }

  /// How many steps of the plan a lever needs.
  [[nodiscard]] int steps_of(std::size_t lever, double to) const {
    const double steps = std::ceil(std::abs(to - levers_[lever].value) / levers_[lever].step_max);
    return static_cast<int>(std::min(steps, static_cast<double>(steps_max())));
  }

  /// Where a lever is after `done` steps of the plan.
  [[nodiscard]] double lever_at(std::size_t k, double to, int done) const {
    const int needed = steps_of(k, to);
    if (done >= needed) return to;
    const double way = (to - levers_[k].value) * (static_cast<double>(done) / needed);
    return std::clamp(levers_[k].value + way, levers_[k].min, levers_[k].max);
  }

  /// The plant over the horizon; `effect` times the levers' displacement.
  [[nodiscard]] Run run(const Goal& goal, double effect) {
    Run out;
    for (const Objective& o : objectives_) out.metrics.push_back(o.value);
    for (int t = 0; t < settings_.horizon_steps; ++t) {
      const int done = t / settings_.step_every + 1;
      for (std::size_t k = 0; k < levers_.size(); ++k) {
        inputs_[k] = levers_[k].value + effect * (lever_at(k, goal[k], done) - levers_[k].value);
      }
      plant_(inputs_, out.metrics);
      for (std::size_t j = 0; j < objectives_.size(); ++j) {
        const Objective& o = objectives_[j];
        if (!(out.metrics[j] >= o.hard_min && out.metrics[j] <= o.hard_max)) out.is_inside = false;  // NaN too
        const double gap = gap_of(o, out.metrics[j]) / o.scale;
        out.cost += o.weight * gap * gap;
      }
    }
    out.cost /= settings_.horizon_steps;
    return out;
  }

  [[nodiscard]] std::size_t evaluated() const { return evaluated_; }

  /// Still better than nothing and inside all bounds, should the levers do less or more than the plant says.
  [[nodiscard]] bool is_robust(const Goal& goal) {
    for (const double effect : {settings_.effect_low, settings_.effect_high}) {
      if (effect == 0 || effect == 1) continue;
      const Run other = run(goal, effect);
      if (!other.is_inside || !(other.cost < nothing_)) return false;
    }
    return true;
  }

  /// The cheapest goal that adds one more lever's move to `from`; nothing if none is inside all bounds and cheaper than
  /// `cost`. A goal of several levers ends the search at the latest when all have moved.
  [[nodiscard]] std::optional<std::pair<Goal, double>> best_added(const Goal& from, double cost) {
    std::optional<std::pair<Goal, double>> best;
    for (std::size_t k = 0; k < levers_.size(); ++k) {
      const Lever& lever = levers_[k];
      if (from[k] != lever.value) continue;
      for (const double limit : {lever.max, lever.min}) {
        const double reach = lever.step_max * steps_max();
        const double most = std::clamp(limit - lever.value, -reach, reach);
        for (int eighths = 1; eighths <= kFractions; ++eighths) {
          Goal goal = from;
          goal[k] = std::clamp(lever.value + most * eighths / kFractions, lever.min, lever.max);
          if (goal[k] == lever.value) continue;
          ++evaluated_;
          const Run result = run(goal, 1);
          is_any_inside_ |= result.is_inside;
          if (!result.is_inside || !(result.cost < cost)) continue;
          is_any_better_ |= result.cost <= enough_;
          if (!is_robust(goal)) continue;
          cost = result.cost;
          best = {std::move(goal), cost};
        }
      }
    }
    return best;
  }
  [[nodiscard]] bool is_any_inside() const { return is_any_inside_; }
  [[nodiscard]] bool is_any_better() const { return is_any_better_; }

 private:
  const StrategySettings& settings_;
  std::span<const Lever> levers_;
  std::span<const Objective> objectives_;
  const Plant& plant_;
  std::vector<double> inputs_;
  std::size_t evaluated_ = 0;
  double nothing_ = 0;  ///< what doing nothing costs
  double enough_ = 0;   ///< the most that a strategy may cost
  bool is_any_inside_ = false;
  bool is_any_better_ = false;
};

std::string field(const char* what, std::size_t i, const char* name) {
  return std::string(what) + "[" + std::to_string(i) + "]." + name;
}

Result<> check(std::span<const Lever> levers) {
  if (levers.empty() || levers.size() > kLeversMax) {
    return fail(ErrorCode::out_of_range, "levers", "must be 1 to " + std::to_string(kLeversMax));
  }
  for (std::size_t i = 0; i < levers.size(); ++i) {
    const Lever& lever = levers[i];
    const auto name = [&](const char* of) { return field("levers", i, of); };
    if (auto ok = first_error(require(name("min"), lever.min, kAny), require(name("max"), lever.max, kAny),
                              require_order(name("min"), lever.min, name("max"), lever.max),
                              require(name("value"), lever.value, {lever.min, lever.max}),
                              require(name("step_max"), lever.step_max, kAboveZero));
        !ok) {
      return ok;
    }
  }
  return {};
}

Result<> check(std::span<const Objective> objectives) {
  if (objectives.empty() || objectives.size() > kObjectivesMax) {
    return fail(ErrorCode::out_of_range, "objectives", "must be 1 to " + std::to_string(kObjectivesMax));
  }
  for (std::size_t i = 0; i < objectives.size(); ++i) {
    const Objective& o = objectives[i];
    const auto name = [&](const char* of) { return field("objectives", i, of); };
    if (auto ok = first_error(require_order(name("hard_min"), o.hard_min, name("hard_max"), o.hard_max),
                              require(name("value"), o.value, kAny),
                              require(name("value"), o.value, {o.hard_min, o.hard_max}),
                              require_order(name("target.low"), o.target.low, name("target.high"), o.target.high),
                              require(name("weight"), o.weight, {0, 1e6}), require(name("scale"), o.scale, kAboveZero));
        !ok) {
      return ok;
    }
  }
  return {};
}

void write_plan(const Search& search, std::span<const Lever> levers, const Goal& goal, int step_every, Strategy& out) {
  int steps = 0;
  for (std::size_t k = 0; k < levers.size(); ++k) {
    if (goal[k] == levers[k].value) continue;
    out.moves.push_back({k, levers[k].value, goal[k]});
    steps = std::max(steps, search.steps_of(k, goal[k]));
  }
  for (int s = 1; s <= steps; ++s) {
    PlanStep step{(s - 1) * step_every, {}};
    for (std::size_t k = 0; k < levers.size(); ++k) step.levers.push_back(search.lever_at(k, goal[k], s));
    out.plan.push_back(std::move(step));
  }
}

}  // namespace

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::change: return "change";
    case Outcome::no_gap: return "no_gap";
    case Outcome::none_inside_bounds: return "none_inside_bounds";
    case Outcome::not_better: return "not_better";
    case Outcome::not_robust: return "not_robust";
  }
  return "?";
}

Result<> check(const StrategySettings& s) {
  return first_error(require("horizon_steps", s.horizon_steps, {1, kHorizonMax}),
                     require("plan_steps_max", s.plan_steps_max, {1, 1000}),
                     require("step_every", s.step_every, {1, kHorizonMax}), require("margin", s.margin, {0, 1}),
                     require("effect_low", s.effect_low, {0, 1}), require("effect_high", s.effect_high, {1, 10}));
}

void FirstOrderPlant::operator()(std::span<const double> levers, std::span<double> metrics) const {
  HOMEOSTAT_CHECK(levers.size() == lever_rest.size() && metrics.size() == metric_rest.size());
  for (std::size_t j = 0; j < metrics.size(); ++j) {
    double steady = metric_rest[j];
    for (std::size_t k = 0; k < levers.size(); ++k) {
      steady += gain[j * levers.size() + k] * (levers[k] - lever_rest[k]);
    }
    metrics[j] += rate[j] * (steady - metrics[j]);
  }
}

Result<> check(const FirstOrderPlant& p) {
  return first_error(
      require_each("lever_rest", p.lever_rest, kAny), require_each("metric_rest", p.metric_rest, kAny),
      require_each("rate", p.rate, {0, 1}),
      require_same_size("rate", p.rate.size(), "metric_rest", p.metric_rest.size()), require_each("gain", p.gain, kAny),
      require_same_size("gain", p.gain.size(), "metric_rest x lever_rest", p.metric_rest.size() * p.lever_rest.size()));
}

Result<Strategy> best_strategy(const StrategySettings& settings, std::span<const Lever> levers,
                               std::span<const Objective> objectives, const Plant& plant) {
  if (auto ok = first_error(check(settings), check(levers), check(objectives)); !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  if (!plant) return fail(ErrorCode::missing, "plant", "must be given");
  Search search(settings, levers, objectives, plant);
  const Run nothing = search.run(search.now(), 1);
  if (!std::isfinite(nothing.cost)) {
    return fail(ErrorCode::out_of_range, "plant", "must give finite metrics when nothing is done");
  }
  Strategy out;
  out.cost_without = out.cost_with = nothing.cost;
  for (std::size_t j = 0; j < objectives.size(); ++j) {
    out.expected.push_back({gap_of(objectives[j], objectives[j].value), nothing.metrics[j], nothing.metrics[j]});
  }
  if (nothing.cost == 0) return out;

  search.set_cost_of_nothing(nothing.cost);
  Goal goal = search.now();
  double cost = nothing.cost;
  while (auto better = search.best_added(goal, cost)) std::tie(goal, cost) = std::move(*better);
  out.candidates = search.evaluated();
  out.cost_with = cost;
  if (goal == search.now() || !search.is_enough(cost)) {
    out.outcome = !search.is_any_inside()  ? Outcome::none_inside_bounds
                  : search.is_any_better() ? Outcome::not_robust
                                           : Outcome::not_better;
    return out;
  }
  out.outcome = Outcome::change;
  const Run taken = search.run(goal, 1);
  for (std::size_t j = 0; j < objectives.size(); ++j) out.expected[j].with = taken.metrics[j];
  write_plan(search, levers, goal, settings.step_every, out);
  return out;
}

}  // namespace homeostat::economy::tokenomics
