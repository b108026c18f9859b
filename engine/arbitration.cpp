// Several loops on one parameter: how contributions combine, how what was not applied goes back to
// them, and how they take over from somebody else without a step.
//
// Combining (around the base value): sum; the smallest or largest contribution; or the first loop in the
// policy's order with a usable reading; or their mean, each weighted by the authority of its reading (0 if it cannot be
// trusted; nobody can: as it was).
//
// Anti-windup. The gap between the total that a loop stands for and what is applied counts only beyond
// what the next adjustment could still do, so that cooldowns and quantisation do not bleed the
// integral while bounds, clamping chains and rejections do:
// - with a largest change: the gap to the applied value beyond one such change;
// - without: the gap to the hard bounds, as the next adjustment could go anywhere inside them; unless
//   the last adjustment was refused or clamped, then the gap to the applied value beyond one quantum.
// Under `sum` the gap goes back to the loops in proportion to the size of their contributions (equally
// when all are zero), loops without integral action left out. Under min, max, first and weighted each loop
// follows on its own account: the one that won the gap above, the others the winner's total, so that
// they are ready to take over (as in selector control).
//
// A parameter of a decoupling has one loop of its own and is moved by the others too: engine/decoupling.cpp.
#include <algorithm>
#include <cmath>

#include "engine/state.hpp"

namespace homeostat::engine {

using guardian::Arbitration;

double Engine::State::proposed(std::uint32_t index, const std::vector<oracle::Reading>& readings) const {
  const ParameterPlan& parameter = plan.parameters[index];
  if (parameter.loops.empty()) return parameters[index].guarded.applied.to_double();
  if (parameter.decoupling != kNoDecoupling) {
    return parameter.base + parameters[index].decoupled;
  }
  double contribution = loops[parameter.loops.front()].output();
  switch (parameter.settings->arbitration) {
    case Arbitration::sum:
      contribution = 0;
      for (const auto loop : parameter.loops) contribution += loops[loop].output();
      break;
    case Arbitration::min:
      for (const auto loop : parameter.loops) contribution = std::min(contribution, loops[loop].output());
      break;
    case Arbitration::max:
      for (const auto loop : parameter.loops) contribution = std::max(contribution, loops[loop].output());
      break;
    case Arbitration::first:
      for (const auto loop : parameter.loops) {
        if (!is_usable(readings[plan.loops[loop].metric].quality)) continue;
        contribution = loops[loop].output();
        break;
      }
      break;
    case Arbitration::weighted: {
      double sum = 0;
      double weights = 0;
      for (const auto loop : parameter.loops) {
        const double share = weight(loop, readings);
        sum += share * loops[loop].output();
        weights += share;
      }
      if (weights <= 0) return parameters[index].proposed;  // nobody can see: as it was
      contribution = sum / weights;
      break;
    }
  }
  return base_of(index) + contribution;
}

double Engine::State::base_of(std::uint32_t index) const {
  const ParameterPlan& parameter = plan.parameters[index];
  return guardian::is_amount(parameter.settings->action.kind) ? parameters[index].guarded.applied.to_double()
                                                              : parameter.base;
}

double Engine::State::weight(std::uint32_t loop, const std::vector<oracle::Reading>& readings) const {
  const oracle::Reading& reading = readings[plan.loops[loop].metric];
  return is_usable(reading.quality) ? reading.authority : 0;
}

double Engine::State::share(const ParameterPlan& parameter, std::uint32_t of_loop, bool is_excess) const {
  if (parameter.loops.size() == 1) return 1;
  const auto takes_it = [&](std::uint32_t loop) {
    return is_excess ? plan.loops[loop].can_wind_up : plan.loops[loop].can_align;
  };
  double sum = 0;
  double count = 0;
  for (const auto loop : parameter.loops) {
    if (!takes_it(loop)) continue;
    sum += std::fabs(loops[loop].output());
    count += 1;
  }
  if (count == 0 || !takes_it(of_loop)) return 0;
  return sum > 0 ? std::fabs(loops[of_loop].output()) / sum : 1 / count;
}

Engine::State::Reach Engine::State::reach_of(std::uint32_t index, double total) const {
  const guardian::ParameterSettings& settings = *plan.parameters[index].settings;
  const ParameterRuntime& runtime = parameters[index];
  const auto most = guardian::change_max(settings, runtime.guarded.applied, acting_mode());
  Reach reach{runtime.guarded.applied.to_double(), (most ? *most : settings.quantum).to_double()};
  const bool is_alone = settings.arbitration == Arbitration::sum || plan.parameters[index].decoupling != kNoDecoupling;
  if (!is_alone && total != runtime.proposed) {
    reach.target = runtime.proposed;
  } else if (!most && !runtime.resisted && !settings.restricted) {
    reach.target = std::clamp(total, settings.min.to_double(), settings.max.to_double());
  }
  return reach;
}

double Engine::State::excess(std::uint32_t index, double total) const {
  const Reach reach = reach_of(index, total);
  return controller::with_deadband(reach.target - total, reach.within);
}

void Engine::State::align_sum(const ParameterPlan& parameter, double contribution) {
  double sum = 0;
  for (const auto loop : parameter.loops) sum += loops[loop].output();
  const double gap = contribution - sum;
  std::vector<double> outputs;
  double left = 0;  // what loops at a limit of their own could not take over
  for (const auto loop : parameter.loops) {
    const double wanted = loops[loop].output() + share(parameter, loop, false) * gap;
    const controller::PidSettings& limits = plan.loops[loop].pid;
    outputs.push_back(std::clamp(wanted, limits.output_min, limits.output_max));
    left += wanted - outputs.back();
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const LoopPlan& loop = plan.loops[parameter.loops[i]];
    const double before = outputs[i];
    if (left != 0 && loop.can_align) outputs[i] = std::clamp(before + left, loop.pid.output_min, loop.pid.output_max);
    left -= outputs[i] - before;
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) loops[parameter.loops[i]].align_to(outputs[i]);
}

void Engine::State::align(std::uint32_t index) {
  const ParameterPlan& parameter = plan.parameters[index];
  ParameterRuntime& runtime = parameters[index];
  const double contribution = runtime.guarded.applied.to_double() - base_of(index);
  if (parameter.decoupling != kNoDecoupling) {
    runtime.proposed = runtime.guarded.applied.to_double();
    align_decoupled(plan.decouplings[parameter.decoupling]);
  } else if (parameter.settings->arbitration == Arbitration::sum) {
    align_sum(parameter, contribution);
  } else {
    for (const auto loop : parameter.loops) loops[loop].align_to(contribution);
  }
  runtime.proposed = runtime.guarded.applied.to_double();
  if (runtime.under_way) runtime.under_way->laws.clear();  // whatever becomes of it, the laws go on from here
}

void Engine::State::align_all() {
  for (std::uint32_t i = 0; i < parameters.size(); ++i) align(i);
}

}  // namespace homeostat::engine
