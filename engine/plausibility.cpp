#include "engine/plausibility.hpp"

#include <algorithm>
#include <cmath>

#include "core/format.hpp"
#include "engine/state.hpp"

namespace homeostat::engine {
namespace {

std::string percent(double ratio) {
  return short_text(ratio * 100) + "%";
}

}  // namespace

bool Engine::State::is_at_limit(std::uint32_t index) const {
  const LoopPlan& plan_of = plan.loops[index];
  const double output = loops[index].output();
  const guardian::ParameterSettings& settings = *plan.parameters[plan_of.parameter].settings;
  const Decimal applied = parameters[plan_of.parameter].guarded.applied;
  return output <= plan_of.pid.output_min || output >= plan_of.pid.output_max || applied <= settings.min ||
         applied >= settings.max;
}

/// The least of the loop's own parameter's movement and of what all parameters of its metric together should do to it,
/// as shares of a range; above 0 and compared with `moved_ratio`.
double Engine::State::movement(std::uint32_t index) const {
  const LoopPlan& plan_of = plan.loops[index];
  const ResponseWatch& watch = loops[index].watch;
  double own = 0;
  double net = 0;
  for (std::size_t i = 0; i < plan_of.actuators.size(); ++i) {
    const Actuator& actuator = plan_of.actuators[i];
    const double moved = parameters[actuator.parameter].guarded.applied.to_double() - watch.applied[i];
    const double effect = actuator.effect_per_u * moved;
    if (actuator.parameter == plan_of.parameter) own = effect;
    net += effect;
  }
  return std::min(std::fabs(own), std::fabs(net));
}

void Engine::State::anchor(std::uint32_t index, double reading) {
  ResponseWatch& watch = loops[index].watch;
  watch.anchored = true;
  watch.reading = reading;
  watch.waited = Duration::zero();
  watch.applied.clear();
  for (const Actuator& actuator : plan.loops[index].actuators) {
    watch.applied.push_back(parameters[actuator.parameter].guarded.applied.to_double());
  }
}

void Engine::State::watch_response(std::uint32_t index, const oracle::Reading& reading, std::uint64_t slots,
                                   Effects& effects) {
  const LoopPlan& plan_of = plan.loops[index];
  const controller::Plausibility& asked = *plan_of.settings->plausibility;
  ResponseWatch& watch = loops[index].watch;
  if (!is_usable(reading.quality)) {
    if (watch.unresponsive.empty()) watch.anchored = false;
    return;
  }
  const double scale = std::max(std::fabs(watch.reading), std::fabs(plan_of.settings->setpoint));
  const bool answers = !watch.anchored || std::fabs(reading.value - watch.reading) > asked.response_ratio * scale;
  if (answers) {
    if (!watch.unresponsive.empty()) {
      effects.notices.push_back(
          {NoticeKind::source, progress.at, plan_of.settings->metric, "moves again: it is no longer unresponsive"});
    }
    watch.unresponsive.clear();
    watch.seen = reading.time;
    return anchor(index, reading.value);
  }
  const Duration passed =
      watch.seen.is_never() ? Duration::zero() : std::max(Duration::zero(), reading.time - watch.seen);
  watch.seen = reading.time;
  if (watch.applied.size() != plan_of.actuators.size()) return anchor(index, watch.reading);  // of another policy
  if (!watch.unresponsive.empty()) return;
  const double moved = movement(index);
  if (moved < asked.moved_ratio || slots > kResponseGapMax) {
    watch.waited = Duration::zero();
    return;
  }
  if (is_at_limit(index)) return;
  watch.waited = watch.waited + passed;
  if (watch.waited < asked.within) return;
  watch.unresponsive = "unresponsive: " + plan_of.settings->parameter + " moved by " + percent(moved) +
                       " of its range, acknowledged, and for " + text_of(watch.waited) + " this stayed within " +
                       percent(asked.response_ratio) + " of " + short_text(watch.reading) +
                       ": a frozen, cached or manipulated source";
  effects.notices.push_back({NoticeKind::source, progress.at, plan_of.settings->metric, watch.unresponsive});
}

void Engine::State::watch_responses(const std::vector<oracle::Reading>& readings, std::uint64_t slots,
                                    Effects& effects) {
  for (const std::uint32_t index : plan.plausible) {
    watch_response(index, readings[plan.loops[index].metric], slots, effects);
  }
  tell_doubts();
}

void Engine::State::tell_doubts() {
  for (const std::uint32_t index : plan.plausible) oracle.doubt(plan.loops[index].metric, "");
  for (const std::uint32_t index : plan.plausible) {
    const std::string& why = loops[index].watch.unresponsive;
    if (!why.empty()) oracle.doubt(plan.loops[index].metric, why);
  }
}

bool Engine::State::trust_again(const std::string& metric) {
  bool was_doubted = false;
  for (const std::uint32_t index : plan.plausible) {
    if (plan.loops[index].settings->metric != metric) continue;
    ResponseWatch& watch = loops[index].watch;
    if (watch.unresponsive.empty()) continue;
    was_doubted = true;
    watch = {};
  }
  tell_doubts();
  return was_doubted;
}

}  // namespace homeostat::engine
