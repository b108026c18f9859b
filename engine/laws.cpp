// A step of a law other than pid: what it reads, and where it stands against what is applied.
#include <algorithm>
#include <span>

#include "core/format.hpp"
#include "economy/mechanism.hpp"
#include "engine/state.hpp"

namespace homeostat::engine {
namespace {

/// What the mechanism gives, in the parameter's unit, and how it came to it in words.
std::optional<double> run_mechanism(const controller::EconomyLaw& law, const economy::Mechanism& mechanism,
                                    const controller::LawInput& input, SharedText& detail) {
  using controller::InputSource;
  std::array<double, economy::kMechanismInputsMax> values{};
  std::size_t metric = 0;
  Buffer text;
  text.append(mechanism.name).append("(");
  for (std::size_t i = 0; i < law.inputs.size(); ++i) {
    const controller::MechanismInput& from = law.inputs[i];
    switch (from.source) {
      case InputSource::constant: values[i] = from.constant; break;
      case InputSource::metric: values[i] = input.others[metric++] * from.scale; break;
      case InputSource::reading: values[i] = input.process_variable * from.scale; break;
      case InputSource::setpoint: values[i] = input.setpoint * from.scale; break;
      case InputSource::applied: values[i] = input.applied * from.scale; break;
    }
    text.append(i == 0 ? "" : ", ").append(mechanism.inputs[i].name).append(" ");
    append_short(text, values[i]);
  }
  const Result<double> out = economy::evaluate(mechanism, std::span(values).first(law.inputs.size()));
  text.append(") ");
  if (out) {
    append_short(text.append("= "), *out);
  } else {
    text.append("refused: ").append(out.error().text());
  }
  if (text.view() != detail.view()) detail = text.view();
  if (!out) return std::nullopt;
  return *out * law.scale;
}

}  // namespace

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
  if (const auto* law = std::get_if<controller::EconomyLaw>(&loop_plan.law->choice); law != nullptr && input.usable) {
    input.base = base_of(loop_plan.parameter);
    input.mechanism = run_mechanism(*law, *loop_plan.mechanism, input, loop.law.made().detail);
  }
  controller::advance(*loop_plan.law, loop_plan.pid, input, loop.law.made(), loop.last);
}

}  // namespace homeostat::engine
