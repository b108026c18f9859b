// A step of a law other than pid: what it reads, and where it stands against what is applied.
#include <algorithm>

#include "engine/state.hpp"

namespace homeostat::engine {

void Engine::State::step_law(std::uint32_t index, const std::vector<oracle::Reading>& readings, double dt_s) {
  const LoopPlan& loop_plan = plan.loops[index];
  const ParameterPlan& parameter = plan.parameters[loop_plan.parameter];
  LoopState& loop = loops[index];
  loop.emergency_gains = false;
  const oracle::Reading& reading = readings[loop_plan.metric];
  controller::LawInput input{.process_variable = reading.value,
                             .setpoint = loop.setpoint,
                             .others = {},
                             .now = progress.at,
                             .dt_s = dt_s,
                             .usable = is_usable(reading.quality),
                             .authority = reading.authority,
                             .excess = loop.excess,
                             .applied = parameters[loop_plan.parameter].guarded.applied.to_double(),
                             .base = parameter.base,
                             .decimals = parameter.settings->decimals,
                             .period = policy->period};
  for (std::size_t i = 0; i < loop_plan.law_metrics.size(); ++i) {
    if (loop_plan.law_metrics[i] == kNoMetric) continue;
    const oracle::Reading& other = readings[loop_plan.law_metrics[i]];
    input.others[i] = other.value;
    input.usable = input.usable && is_usable(other.quality);
    input.authority = std::min(input.authority, other.authority);
  }
  controller::advance(*loop_plan.law, loop_plan.pid, input, loop.law.made(), loop.last);
}

}  // namespace homeostat::engine
