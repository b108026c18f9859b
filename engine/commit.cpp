// Two phases: what a law asks for is sent; the law advances when it is acknowledged, and goes back to where it was when
// it is not. In between it waits: it takes no step, so that nothing winds up against an answer that is still to come,
// and the time is counted, so that its next step integrates it (up to its dt cap) and its slope is over the whole gap.
#include <algorithm>

#include "engine/state.hpp"

namespace homeostat::engine {

bool Engine::State::is_waiting(std::uint32_t index) const {
  const auto waits = [this](std::uint32_t parameter) {
    const auto& under_way = parameters[parameter].under_way;
    return under_way && !under_way->laws.empty();
  };
  const std::uint32_t group = plan.parameters[index].decoupling;
  if (group == kNoDecoupling) return waits(index);
  const auto& all = plan.decouplings[group].parameters;  // what one of them does the others have to make up for
  return std::any_of(all.begin(), all.end(), waits);
}

namespace {
/// Its own loops, then those that drive them: the order of UnderWay::laws.
template <class See>
void for_each_law(const ParameterPlan& parameter, const See& see) {
  for (const std::uint32_t i : parameter.loops) see(i);
  for (const std::uint32_t i : parameter.outer) see(i);
}
}  // namespace

void Engine::State::wait(std::uint32_t index, double dt_s) {
  if (auto& under_way = parameters[index].under_way; under_way) {
    for (LoopMemory& law : under_way->laws) law.pid.since_usable_s += dt_s;
  }
  for (const std::uint32_t i : plan.parameters[index].loops) {
    const LoopPlan& loop_plan = plan.loops[i];
    LoopState& loop = loops[i];
    const double target = loop_plan.setpoint + (loop.shift ? loop.shift->amount : 0) + loop.driven;
    loop.setpoint = controller::ramp(loop.setpoint, target, loop_plan.setpoint_ramp_per_s, dt_s);
    loop.last.state.since_usable_s += dt_s;
  }
}

void Engine::State::remember(std::uint32_t index) {
  parameters[index].proposed_before = parameters[index].proposed;
  for (const std::uint32_t i : plan.parameters[index].loops) {
    LoopMemory& memory = before_step[plan.loops[i].slot];
    memory.pid = loops[i].last.state;
    memory.law = loops[i].law;
    memory.counted = loops[i].counted;
  }
}

void Engine::State::remembered(std::uint32_t index, std::vector<LoopMemory>& laws) const {
  const ParameterPlan& parameter = plan.parameters[index];
  laws.reserve(parameter.loops.size() + parameter.outer.size());
  for_each_law(parameter, [&](std::uint32_t loop) { laws.push_back(before_step[plan.loops[loop].slot]); });
}

void Engine::State::restore_laws(std::uint32_t index) {
  ParameterRuntime& runtime = parameters[index];
  UnderWay& under_way = *runtime.under_way;
  if (under_way.laws.empty()) return;
  std::size_t next = 0;
  for_each_law(plan.parameters[index], [&](std::uint32_t i) {
    LoopState& loop = loops[i];
    loop.last.state = under_way.laws[next].pid;
    loop.counted = under_way.laws[next].counted;
    loop.law = std::move(under_way.laws[next++].law);
    loop.last.output = loop.last.state.output;
    if (plan.loops[i].law == nullptr) loop.last.i = loop.last.state.integral;
  });
  runtime.proposed = under_way.proposed_before;
  runtime.decoupled = runtime.proposed - plan.parameters[index].base;  // it may be judged again in this very tick
  remember_as_is(index);
}

void Engine::State::remember_as_is(std::uint32_t index) {
  parameters[index].proposed_before = parameters[index].proposed;
  for_each_law(plan.parameters[index], [&](std::uint32_t i) {
    before_step[plan.loops[i].slot] = {loops[i].last.state, loops[i].law, loops[i].counted};
  });
}

void Engine::State::give_back(std::uint32_t index) {
  ParameterRuntime& runtime = parameters[index];
  runtime.guarded = guardian::given_back(std::move(runtime.guarded), runtime.under_way->before);
  const bool had_laws = !runtime.under_way->laws.empty();
  restore_laws(index);
  runtime.under_way.reset();
  if (had_laws) settle_decoupled(index, false);
}

}  // namespace homeostat::engine
