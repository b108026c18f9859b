// Simulate, then send: a proposed value is first run through the plant that its loop declares, together with the loop's
// law and the parameter's limits, over the corridor's horizon. One that ends outside the corridor is not sent.
//
// The plant, in deviation from the reading it starts at:   lag dy/dt = k v(t - delay) - y
// with v the parameter's movement from what is applied now, and k the gain in the direction the loop takes for granted;
// discretised exactly for a parameter that stands still within a step. Both ends of the gain's range are run. What the
// executor does, other loops, other parameters and noise are not in it. Without the adjustment this model stands still,
// so a reading that is outside already only refuses what ends farther out: the way back is not barred.
//
// Cost: 2 x kModelStepsMax steps of the law, only for a value that would be sent; a longer horizon takes longer steps.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/format.hpp"
#include "core/math.hpp"
#include "engine/state.hpp"

namespace homeostat::engine {
namespace {

inline constexpr std::int64_t kModelStepsMax = 100;

double outside(const controller::Corridor& corridor, double pv) {
  return std::max({corridor.min - pv, pv - corridor.max, 0.0});
}

/// What of the engine's state the run starts from, and what it never changes.
struct Model {
  const LoopPlan& loop;
  const guardian::ParameterSettings& settings;
  guardian::OperatingMode mode;
  const controller::Gains& gains;
  double setpoint = 0;
  double others = 0;  ///< base and the other loops' contributions, as they stand, U
  double share = 1;   ///< U of the parameter per U of the loop's output, by a decoupling
  Instant start;
  double gain_factor = 1;  ///< of the gain schedule, as it is now
};

/// Lag and delay of the plant, in steps of one length.
class Plant {
 public:
  Plant(const controller::Plant& plant, double gain, Duration step)
      : gain_(gain),
        share_(plant.lag.ns > 0 ? 1 - math::exp(-step.in_seconds() / plant.lag.in_seconds()) : 1),
        delay_(static_cast<std::size_t>(std::min<std::int64_t>(kModelStepsMax, plant.delay / step))) {}

  /// The deviation after a step during which the parameter stood `moved` away from where it was.
  double step(double moved) {
    delayed_[written_ % delayed_.size()] = moved;
    const double seen = written_ >= delay_ ? delayed_[(written_ - delay_) % delayed_.size()] : 0;
    ++written_;
    deviation_ += (gain_ * seen - deviation_) * share_;
    return deviation_;
  }

 private:
  double gain_;
  double share_;
  std::size_t delay_;
  std::size_t written_ = 0;
  double deviation_ = 0;
  std::array<double, kModelStepsMax + 1> delayed_{};
};

/// Where the process variable ends.
double run(const Model& m, controller::PidStep law, guardian::ParameterState state, Decimal value, double gain,
           double pv_start) {
  const controller::Corridor& corridor = *m.loop.settings->corridor;
  const Duration step = std::max(m.loop.period, corridor.horizon / kModelStepsMax);
  const std::int64_t steps = std::clamp<std::int64_t>(corridor.horizon / step, 1, kModelStepsMax);
  controller::PidSettings pid = m.loop.pid;
  pid.dt_max = std::max(pid.dt_max, step);
  const bool is_reverse = pid.action == controller::Action::reverse;
  Plant plant(*m.loop.settings->plant, is_reverse ? -gain : gain, step);
  const double from = state.applied.to_double();
  const auto apply = [&](Decimal to, Instant at) {
    if (to == state.applied) return;
    state = guardian::emitted(m.settings, std::move(state), to, at);
    state.applied = to;
  };
  apply(value, m.start);
  double pv = pv_start;
  for (std::int64_t i = 0; i < steps; ++i) {
    pv = pv_start + plant.step(state.applied.to_double() - from);
    if (m.loop.law != nullptr) continue;  // another law's memory is not run: the value stands
    const double wanted = m.others + m.share * law.state.output;
    const auto most = guardian::change_max(m.settings, state.applied, m.mode);
    const double reachable = most ? most->to_double() : m.settings.quantum.to_double();
    const double excess = controller::with_deadband(state.applied.to_double() - wanted, reachable);
    controller::advance(pid, m.gains, {pv, m.setpoint, step.in_seconds(), true, 1, excess / m.share, m.gain_factor},
                        law);
    const Instant at = m.start + step * (i + 1);
    apply(guardian::limit(m.settings, state, quantised(m.settings, m.others + m.share * law.state.output), m.mode, at)
              .value,
          at);
  }
  return pv;
}

}  // namespace

std::string Engine::State::model_refusal(std::uint32_t index, const DecisionRecord& record) const {
  const ParameterPlan& parameter = plan.parameters[index];
  for (std::size_t i = 0; i < parameter.loops.size(); ++i) {
    const std::uint32_t own = parameter.loops[i];
    const LoopPlan& loop = plan.loops[own];
    if (!loop.settings->corridor || !loop.settings->plant || record.loops[i].frozen) continue;
    const controller::Corridor& corridor = *loop.settings->corridor;
    const double pv = record.loops[i].reading.value;
    const controller::Gains& gains = loops[own].emergency_gains ? *loop.settings->emergency : loop.pid.gains;
    const double share = record.loops[i].share;
    const double others = parameters[index].proposed - share * loops[own].output();
    const Model model{loop,        *parameter.settings,        acting_mode(), gains, loops[own].setpoint, others, share,
                      progress.at, record.loops[i].gain_factor};
    for (const double gain : {loop.settings->plant->gain_min, loop.settings->plant->gain_max}) {
      const double end = run(model, loops[own].last, parameters[index].guarded, record.value, gain, pv);
      if (std::isfinite(end) && outside(corridor, end) <= outside(corridor, pv)) continue;
      return loop.metric_name.str() + " would go from " + short_text(pv) + " to " + short_text(end) + " in " +
             text_of(corridor.horizon) + " by the plant of " + loop.name.str() + " with gain " + short_text(gain) +
             ", outside " + short_text(corridor.min) + " to " + short_text(corridor.max);
    }
  }
  return "";
}

}  // namespace homeostat::engine
