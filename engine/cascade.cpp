// Cascades and gain schedules: what a loop gets from other readings and other loops before its step.
//
// A cascade's outer loop moves no parameter but the set-point of another loop: set-point = declared + its output. Outer
// loops step before those they drive, outermost first (Plan::cascades), so a change passes through in one tick.
//
// Anti-windup of the outer loop: when the inner one cannot follow (its output is cut by its own limits, or what was
// applied is less than it wanted) in the direction in which the outer one drives it, the outer loop is told that what
// was really had is the inner metric's own value (external reset). When the inner loop is not in charge (its reading
// cannot be trusted, its parameter is overridden, paused, or everything halted), the outer one holds.
#include <algorithm>

#include "controller/schedule.hpp"
#include "engine/state.hpp"

namespace homeostat::engine {
namespace {

/// What the inner loop could not follow, in the unit of its metric; 0 = it can.
double shortfall(const LoopPlan& plan, const LoopState& inner, double process_variable) {
  const double gap = process_variable - inner.setpoint;
  const double sign = plan.pid.action == controller::Action::direct ? 1 : -1;
  const double wanted = -gap * sign;  // > 0: it would have to raise its output
  const double cut = inner.last.unlimited - inner.last.output - inner.excess;
  return wanted * cut > 0 ? gap : 0;
}

}  // namespace

void Engine::State::step_outer(const std::vector<oracle::Reading>& readings, double dt_s) {
  for (const std::uint32_t index : plan.cascades) {
    const LoopPlan& outer_plan = plan.loops[index];
    const LoopPlan& inner_plan = plan.loops[outer_plan.drives];
    LoopState& outer = loops[index];
    LoopState& inner = loops[outer_plan.drives];
    const ParameterRuntime& runtime = parameters[outer_plan.parameter];
    if (is_waiting(outer_plan.parameter)) {  // for an answer, as the loop that it drives does
      outer.last.state.since_usable_s += dt_s;
      outer.last.frozen = !is_usable(readings[outer_plan.metric].quality);
      continue;
    }
    const oracle::Reading& seen = readings[inner_plan.metric];
    const bool in_charge = is_usable(seen.quality) && !runtime.override_order && !runtime.pause &&
                           progress.mode != guardian::OperatingMode::halted && !inner.last.frozen;
    before_step[outer_plan.slot].pid = outer.last.state;  // for a rejection, with those of the loops it drives
    outer.excess = in_charge ? shortfall(inner_plan, inner, seen.value) : 0;
    outer.holds = !in_charge && progress.ticks > 1;  // at the first tick nobody has stepped yet
    step_loop(index, readings, dt_s);
    inner.driven = outer.output();
  }
}

double Engine::State::gain_factor(std::uint32_t index, const std::vector<oracle::Reading>& readings) {
  const LoopPlan& loop_plan = plan.loops[index];
  LoopState& loop = loops[index];
  if (loop_plan.schedule_metric == kNoMetric) {
    loop.gain_factor = 1;
    return 1;
  }
  const oracle::Reading& reading = readings[loop_plan.schedule_metric];
  if (is_usable(reading.quality)) {
    loop.gain_factor = controller::factor_at(*loop_plan.settings->schedule, reading.value);
  }
  return loop.gain_factor;
}

}  // namespace homeostat::engine
