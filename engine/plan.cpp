#include "engine/plan.hpp"

#include <algorithm>

#include "controller/law.hpp"
#include "controller/pid.hpp"
#include "core/check.hpp"
#include "economy/mechanism.hpp"

namespace homeostat::engine {
namespace {

template <class Settings>
std::map<std::string_view, std::uint32_t> index_by_name(const std::vector<Settings>& all) {
  std::map<std::string_view, std::uint32_t> index;
  for (std::uint32_t i = 0; i < all.size(); ++i) index.emplace(all[i].name, i);
  return index;
}

/// A loop that raises its parameter when the metric is low takes it that this raises the metric.
std::vector<Actuator> actuators_of(const Plan& plan, const std::vector<std::uint32_t>& loops) {
  std::vector<Actuator> actuators;
  for (const auto index : loops) {
    const LoopPlan& loop = plan.loops[index];
    if (!loop.settings->drives.empty()) continue;  // moves nothing by itself
    const auto same = [&](const Actuator& a) { return a.parameter == loop.parameter; };
    if (std::any_of(actuators.begin(), actuators.end(), same)) continue;
    const guardian::ParameterSettings& settings = *plan.parameters[loop.parameter].settings;
    const double range = settings.max.to_double() - settings.min.to_double();
    actuators.push_back({loop.parameter, (loop.pid.action == controller::Action::direct ? 1 : -1) / range});
  }
  return actuators;
}

InvariantPlan plan_of(const guardian::BundleInvariant& settings, const guardian::Bundle& bundle,
                      const std::map<std::string_view, std::uint32_t>& metrics) {
  auto invariant = guardian::parse_invariant(settings);
  HOMEOSTAT_CHECK(invariant.has_value());
  InvariantPlan plan{std::move(*invariant), {}};
  for (const guardian::Operand& operand : plan.invariant.operands) {
    OperandPlan& added = plan.operands.emplace_back();
    added.kind = operand.kind;
    if (operand.kind == guardian::OperandKind::now) continue;
    const auto member = std::find(bundle.members.begin(), bundle.members.end(), operand.name);
    added.is_metric = member == bundle.members.end();
    added.index =
        added.is_metric ? metrics.at(operand.name) : static_cast<std::uint32_t>(member - bundle.members.begin());
  }
  return plan;
}

void add_law(LoopPlan& plan, const controller::LoopSettings& settings,
             const std::map<std::string_view, std::uint32_t>& metrics) {
  plan.law = settings.law.get();
  plan.can_wind_up = plan.law != nullptr ? controller::can_wind_up(*plan.law) : plan.pid.gains.ki_per_s != 0;
  plan.has_model = plan.settings->corridor.has_value() && plan.settings->plant.has_value();
  plan.can_align = plan.law != nullptr || plan.can_wind_up;  // what a law cannot remember its bridge carries
  if (plan.law == nullptr) return;
  const controller::LawMetrics others = controller::metrics_of(*plan.law);
  if (const auto* law = std::get_if<controller::EconomyLaw>(&plan.law->choice)) {
    plan.mechanism = economy::mechanism(law->mechanism).value_or(nullptr);
    HOMEOSTAT_CHECK(plan.mechanism != nullptr);
  }
  static_assert(controller::kLawMetricsMax == std::tuple_size_v<decltype(plan.law_metrics)>);
  for (std::size_t i = 0; i < others.size(); ++i) {
    if (!others[i].empty()) plan.law_metrics[i] = metrics.at(others[i]);
  }
}

/// Which loop drives which; those that drive others step before them. check() has refused circles.
void add_cascades(Plan& plan) {
  const auto depth_of = [&](std::uint32_t loop) {
    std::size_t depth = 0;
    for (; plan.loops[loop].drives != kNoLoop && depth < plan.loops.size(); ++depth) loop = plan.loops[loop].drives;
    return depth;
  };
  for (std::uint32_t i = 0; i < plan.loops.size(); ++i) {
    LoopPlan& loop = plan.loops[i];
    if (loop.settings->drives.empty()) continue;
    const auto driven = plan.loop(loop.settings->drives);
    HOMEOSTAT_CHECK(driven.has_value());
    loop.drives = *driven;
    loop.drives_name = loop.settings->drives;
    plan.cascades.push_back(i);
  }
  std::stable_sort(plan.cascades.begin(), plan.cascades.end(),
                   [&](auto a, auto b) { return depth_of(a) > depth_of(b); });
  for (auto it = plan.cascades.rbegin(); it != plan.cascades.rend(); ++it) {
    plan.parameters[plan.loops[*it].parameter].outer.push_back(*it);
  }
}

void add_decouplings(Plan& plan, const Policy& policy) {
  if (policy.decouplings.empty()) return;
  const auto loops = index_by_name(policy.loops);
  for (const controller::DecouplingSettings& settings : policy.decouplings) {
    const auto made = controller::decoupling_of(settings);
    HOMEOSTAT_CHECK(made.has_value());
    const auto index = static_cast<std::uint32_t>(plan.decouplings.size());
    DecouplingPlan& added = plan.decouplings.emplace_back();
    added.name = settings.name;
    added.matrix = made->matrix;
    if (settings.is_gain) added.gain = settings.matrix;
    for (const std::string& name : settings.loops) {
      const std::uint32_t loop = loops.at(name);
      ParameterPlan& parameter = plan.parameters[plan.loops[loop].parameter];
      parameter.decoupling = index;
      parameter.row = static_cast<std::uint32_t>(added.loops.size());
      added.loops.push_back(loop);
      added.parameters.push_back(plan.loops[loop].parameter);
    }
  }
}

/// A parameter that is decided right after its loops have stepped needs what they remembered no longer than that; those
/// of bundles, decouplings and cascades step before anything is decided.
void add_slots(Plan& plan) {
  std::uint32_t shared = 0;
  const auto is_alone = [&](const LoopPlan& loop) {
    return plan.bundles.empty() && plan.decouplings.empty() && plan.parameters[loop.parameter].outer.empty();
  };
  for (const ParameterPlan& parameter : plan.parameters) {
    shared = std::max(shared, static_cast<std::uint32_t>(parameter.loops.size()));
    for (std::uint32_t i = 0; i < parameter.loops.size(); ++i) plan.loops[parameter.loops[i]].slot = i;
  }
  plan.slots = shared;
  for (LoopPlan& loop : plan.loops) {
    if (!is_alone(loop)) loop.slot = plan.slots++;
  }
}

}  // namespace

Plan make_plan(const Policy& policy) {
  const auto metrics = index_by_name(policy.oracle.metrics);
  const auto parameters = index_by_name(policy.guardian.parameters);
  Plan plan;
  Pile names;
  plan.digest = policy.digest;
  plan.parameter_index = parameters;
  for (const auto& settings : policy.guardian.parameters) {
    plan.parameters.push_back({&settings, SharedText(settings.name, &names), {}, settings.initial.to_double()});
  }
  std::map<std::uint32_t, WatchedMetric> watched;
  for (const auto& settings : policy.loops) {
    const auto metric = metrics.find(settings.metric);
    const auto parameter = parameters.find(settings.parameter);
    HOMEOSTAT_CHECK(metric != metrics.end() && parameter != parameters.end());
    const auto loop = static_cast<std::uint32_t>(plan.loops.size());
    if (settings.drives.empty()) plan.parameters[parameter->second].loops.push_back(loop);
    plan.loops.push_back({.settings = &settings,
                          .name = SharedText(settings.name, &names),
                          .metric_name = SharedText(settings.metric, &names),
                          .setpoint = settings.setpoint,
                          .setpoint_ramp_per_s = settings.setpoint_ramp_per_s,
                          .pid = controller::with_defaults(settings.pid, policy.period),
                          .metric = metric->second,
                          .parameter = parameter->second});
    add_law(plan.loops.back(), settings, metrics);
    if (settings.schedule) plan.loops.back().schedule_metric = metrics.at(settings.schedule->metric);
    plan.loops.back().period = policy.period;
    if (settings.plausibility) plan.plausible.push_back(loop);
    WatchedMetric& watch = watched[metric->second];
    watch.metric = metric->second;
    watch.loops.push_back(loop);
    watch.has_band |= settings.emergency_below.has_value() || settings.emergency_above.has_value();
  }
  add_cascades(plan);
  add_decouplings(plan, policy);
  for (const auto loop : plan.plausible) {
    plan.loops[loop].actuators = actuators_of(plan, watched.at(plan.loops[loop].metric).loops);
  }
  for (const guardian::Bundle& settings : policy.guardian.bundles) {
    BundlePlan& bundle = plan.bundles.emplace_back();
    bundle.name = settings.name;
    for (const std::string& member : settings.members) {
      bundle.members.push_back(parameters.at(member));
      plan.parameters[bundle.members.back()].is_bundled = true;
    }
    for (const auto& invariant : settings.invariants) {
      bundle.invariants.push_back(plan_of(invariant, settings, metrics));
    }
  }
  add_slots(plan);
  for (auto& [metric, watch] : watched) plan.watched.push_back(std::move(watch));
  return plan;
}

std::optional<std::uint32_t> Plan::loop(std::string_view name) const {
  for (std::uint32_t i = 0; i < loops.size(); ++i) {
    if (loops[i].settings->name == name) return i;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> Plan::parameter(std::string_view name) const {
  const auto found = parameter_index.find(name);
  if (found == parameter_index.end()) return std::nullopt;
  return found->second;
}

}  // namespace homeostat::engine
