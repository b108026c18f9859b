// Simulate, then send: a proposed value is first run through the plant that its loop declares, together with the loop's
// law and the parameter's limits, over the corridor's horizon. One that ends outside the corridor is not sent. A bundle
// is run as a whole: all members with what is proposed for them, all their loops that declare a plant.
//
// The plant, in deviation from the reading it starts at:   lag dy/dt = k v(t - delay) - y
// with v the parameter's movement from what is applied now, and k the gain in the direction the loop takes for granted;
// discretised exactly for a parameter that stands still within a step. A metric goes where all ways to it add up to:
// from its loop's own parameter by the loop's plant; from another member by the plant of a loop of that member on the
// same metric, or by the gain of a decoupling with the lag and delay of the metric's own loop. Both ends of every
// gain's range are run, in all combinations of the first kDialsMax; further ones go with one of those.
//
// What the executor does, loops and parameters outside, cascades and noise are not in it. A law other than pid stands
// still. Without the adjustment this model stands still, so a reading that is outside already only refuses what ends
// farther out: the way back is not barred.
//
// What waited in a veto window or for a release is run again when it is to be sent, from the readings, limits and
// operating mode of that tick: what was inside when it was proposed may end outside by now.
//
// Cost: 2^kDialsMax x kModelStepsMax steps of each law at most, only for what would be sent; a longer horizon takes
// longer steps.
#include <algorithm>
#include <cmath>

#include "core/format.hpp"
#include "core/math.hpp"
#include "engine/state.hpp"

namespace homeostat::engine {
namespace {

constexpr std::int64_t kModelStepsMax = 100;
constexpr std::size_t kDialsMax = 4;

double outside(const controller::Corridor& corridor, double pv) {
  return std::max({corridor.min - pv, pv - corridor.max, 0.0});
}

/// A parameter that moves in the run.
struct Mover {
  std::uint32_t index = 0;
  const ParameterPlan* plan = nullptr;
  guardian::ParameterState state;
  Decimal value;       ///< proposed
  double rest = 0;     ///< its base and what loops outside the run contribute, as it stands, U
  bool stays = false;  ///< after the proposed value: overridden
  double from = 0;     ///< what was applied before, U
};

/// A loop whose metric is followed in the run.
struct Actor {
  std::uint32_t index = 0;
  const LoopPlan* plan = nullptr;
  controller::PidStep law;
  const controller::Gains* gains = nullptr;
  double setpoint = 0;
  double gain_factor = 1;
  std::size_t mover = 0;  ///< its own parameter
  double start = 0;       ///< PV
  bool acts = false;      ///< its law is stepped
  bool is_judged = false;
};

/// From a parameter to an actor's metric.
struct Way {
  std::size_t mover = 0;
  std::size_t actor = 0;
  double gain_min = 0;  ///< PV per U, with its sign
  double gain_max = 0;
  std::size_t dial = 0;  ///< the actor whose end of the range it goes with
  Duration lag, delay;

  double deviation = 0;  ///< scratch of one run
};

class Simulation {
 public:
  Simulation(const Plan& plan, guardian::OperatingMode mode, Instant at) : plan_(plan), mode_(mode), at_(at) {}

  void add(Mover mover) { movers_.push_back(std::move(mover)); }
  void add(Actor actor) { actors_.push_back(std::move(actor)); }

  /// What leaves its corridor, in words; empty = nothing. `whose` says whose plants were run.
  std::string refusal(const std::string& whose) {
    Duration horizon;
    for (const Actor& a : actors_) {
      if (a.is_judged) horizon = std::max(horizon, a.plan->settings->corridor->horizon);
    }
    if (horizon == Duration::zero()) return "";
    step_ = std::max(actors_.front().plan->period, horizon / kModelStepsMax);
    find_ways();
    for (Mover& m : movers_) {
      m.from = m.state.applied.to_double();
      for (const Actor& a : actors_) m.rest -= share(m, a) * a.law.state.output;
    }
    const std::size_t dials = std::min(actors_.size(), kDialsMax);
    for (std::size_t corner = 0; corner < (std::size_t{1} << dials); ++corner) {
      if (std::string found = run(corner, horizon, whose); !found.empty()) return found;
    }
    return "";
  }

 private:
  [[nodiscard]] bool is_high(std::size_t corner, std::size_t dial) const {
    return ((corner >> (dial % kDialsMax)) & 1) != 0;
  }

  /// U of the parameter per U of the loop's output.
  [[nodiscard]] double share(const Mover& m, const Actor& a) const {
    if (m.plan->decoupling == kNoDecoupling) return a.plan->parameter == m.index ? 1 : 0;
    const DecouplingPlan& group = plan_.decouplings[m.plan->decoupling];
    for (std::size_t column = 0; column < group.size(); ++column) {
      if (group.loops[column] == a.index) return group.at(m.plan->row, column);
    }
    return 0;
  }

  void find_ways() {
    for (std::size_t i = 0; i < actors_.size(); ++i) {
      for (std::size_t m = 0; m < movers_.size(); ++m) add_way(i, m);
    }
  }

  void add_way(std::size_t to, std::size_t mover) {
    const Actor& actor = actors_[to];
    const controller::Plant& own = *actor.plan->settings->plant;
    const ParameterPlan& parameter = *movers_[mover].plan;
    if (actor.mover != mover && parameter.decoupling != kNoDecoupling) {
      const DecouplingPlan& group = plan_.decouplings[parameter.decoupling];
      const auto row = std::find(group.loops.begin(), group.loops.end(), actor.index) - group.loops.begin();
      if (row < std::ptrdiff_t(group.size()) && !group.gain.empty()) {
        const double gain = group.gain[static_cast<std::size_t>(row) * group.size() + parameter.row];
        ways_.push_back({mover, to, gain, gain, to, own.lag, own.delay});
        return;
      }
    }
    for (std::size_t by = 0; by < actors_.size(); ++by) {
      const Actor& other = actors_[by];
      if (other.mover != mover || other.plan->metric != actor.plan->metric) continue;
      if (actor.mover == mover && by != to) continue;  // its own parameter: by its own plant
      const controller::Plant& p = *other.plan->settings->plant;
      const double sign = other.plan->pid.action == controller::Action::reverse ? -1 : 1;
      ways_.push_back({mover, to, sign * p.gain_min, sign * p.gain_max, by, p.lag, p.delay});
      return;
    }
  }

  [[nodiscard]] std::size_t steps(Duration time) const {
    return static_cast<std::size_t>(std::clamp<std::int64_t>(time / step_, 1, kModelStepsMax));
  }

  std::string run(std::size_t corner, Duration horizon, const std::string& whose) {
    std::vector<Mover> movers = movers_;
    std::vector<Actor> actors = actors_;
    for (Way& way : ways_) way.deviation = 0;
    for (Mover& m : movers) apply(m, m.value, at_);
    std::vector<std::vector<double>> moved(movers.size());
    for (std::size_t i = 0; i < steps(horizon); ++i) {
      for (std::size_t m = 0; m < movers.size(); ++m) {
        moved[m].push_back(movers[m].state.applied.to_double() - movers[m].from);
      }
      std::vector<double> pvs = respond(corner, moved, i);
      for (std::size_t a = 0; a < actors.size(); ++a) {
        const auto& corridor = actors[a].plan->settings->corridor;
        if (!actors[a].is_judged || i + 1 != steps(corridor->horizon)) continue;
        if (std::isfinite(pvs[a]) && outside(*corridor, pvs[a]) <= outside(*corridor, actors[a].start)) continue;
        return text(actors[a], is_high(corner, a), pvs[a], whose);
      }
      act(movers, actors, pvs, at_ + step_ * static_cast<std::int64_t>(i + 1));
    }
    return "";
  }

  /// Where the metrics are after a step.
  std::vector<double> respond(std::size_t corner, const std::vector<std::vector<double>>& moved, std::size_t i) {
    std::vector<double> pvs;
    for (const Actor& a : actors_) pvs.push_back(a.start);
    for (Way& way : ways_) {
      const auto delay = static_cast<std::size_t>(std::min<std::int64_t>(kModelStepsMax, way.delay / step_));
      const double seen = i >= delay ? moved[way.mover][i - delay] : 0;
      const double share = way.lag.ns > 0 ? 1 - math::exp(-step_.in_seconds() / way.lag.in_seconds()) : 1;
      const double gain = is_high(corner, way.dial) ? way.gain_max : way.gain_min;
      way.deviation += (gain * seen - way.deviation) * share;
      pvs[way.actor] += way.deviation;
    }
    return pvs;
  }

  void act(std::vector<Mover>& movers, std::vector<Actor>& actors, const std::vector<double>& pvs, Instant at) const {
    const auto wanted = [&](const Mover& m) {
      double sum = m.rest;
      for (const Actor& a : actors) sum += share(m, a) * a.law.state.output;
      return sum;
    };
    for (std::size_t i = 0; i < actors.size(); ++i) {
      Actor& a = actors[i];
      if (!a.acts) continue;
      const Mover& m = movers[a.mover];
      const auto most = guardian::change_max(*m.plan->settings, m.state.applied, mode_);
      const double reachable = most ? most->to_double() : m.plan->settings->quantum.to_double();
      const double excess = controller::with_deadband(m.state.applied.to_double() - wanted(m), reachable);
      controller::PidSettings pid = a.plan->pid;
      pid.seconds.dt_max = std::max(pid.seconds.dt_max, step_.in_seconds());
      controller::advance(
          pid, *a.gains, {pvs[i], a.setpoint, step_.in_seconds(), true, 1, excess / share(m, a), a.gain_factor}, a.law);
    }
    for (std::size_t i = 0; i < movers.size(); ++i) {
      Mover& m = movers[i];
      const auto moves = [&](const Actor& a) { return a.acts && share(m, a) != 0; };
      if (m.stays || std::none_of(actors.begin(), actors.end(), moves)) continue;
      const Decimal value = quantised(*m.plan->settings, wanted(m));
      apply(m, guardian::limit(*m.plan->settings, m.state, value, mode_, at).value, at);
    }
  }

  static void apply(Mover& m, Decimal to, Instant at) {
    if (to == m.state.applied) return;
    m.state = guardian::emitted(*m.plan->settings, std::move(m.state), to, at);
    m.state.applied = to;
  }

  static std::string text(const Actor& a, bool is_high, double end, const std::string& whose) {
    const controller::Plant& plant = *a.plan->settings->plant;
    const controller::Corridor& corridor = *a.plan->settings->corridor;
    return a.plan->metric_name.str() + " would go from " + short_text(a.start) + " to " + short_text(end) + " in " +
           text_of(corridor.horizon) + " by the plant of " + a.plan->name.str() + " with gain " +
           short_text(is_high ? plant.gain_max : plant.gain_min) + whose + ", outside " + short_text(corridor.min) +
           " to " + short_text(corridor.max);
  }

  const Plan& plan_;
  const guardian::OperatingMode mode_;
  const Instant at_;
  Duration step_;
  std::vector<Mover> movers_;
  std::vector<Actor> actors_;
  std::vector<Way> ways_;
};

Actor actor_of(const LoopPlan& plan, std::uint32_t index, const LoopState& loop, const oracle::Reading& reading,
               bool is_emergency) {
  Actor a;
  a.index = index;
  a.plan = &plan;
  a.law = loop.last;
  // Those of its next step: of a law that waits, the mode may be another one than when it asked.
  a.gains = is_emergency && plan.settings->emergency ? &*plan.settings->emergency : &plan.pid.gains;
  a.setpoint = loop.setpoint;
  a.gain_factor = loop.last.state.gain_factor;
  a.start = reading.value;
  a.acts = plan.law == nullptr;  // another law's memory is not run: the value stands
  a.is_judged = plan.settings->corridor.has_value();
  return a;
}

}  // namespace

std::string Engine::State::model_refusal(std::uint32_t index, const DecisionRecord& record,
                                         const std::vector<oracle::Reading>& readings) const {
  const ParameterPlan& parameter = plan.parameters[index];
  for (const std::uint32_t own : parameter.loops) {
    const LoopPlan& loop = plan.loops[own];
    if (!loop.has_model || loops[own].last.frozen) continue;
    Simulation simulation(plan, acting_mode(), progress.at);
    simulation.add(Mover{index, &parameter, parameters[index].guarded, record.value, parameters[index].proposed});
    simulation.add(actor_of(loop, own, loops[own], readings[loop.metric], modes.is_emergency()));
    if (std::string said = simulation.refusal(""); !said.empty()) return said;
  }
  return "";
}

std::string Engine::State::model_refusal(const BundlePlan& bundle, const std::vector<const DecisionRecord*>& records,
                                         const std::vector<oracle::Reading>& readings) const {
  Simulation simulation(plan, acting_mode(), progress.at);
  for (std::size_t m = 0; m < bundle.members.size(); ++m) {
    const std::uint32_t index = bundle.members[m];
    const ParameterPlan& parameter = plan.parameters[index];
    const DecisionRecord* record = records[m];
    const ParameterRuntime& runtime = parameters[index];
    const bool overridden = record != nullptr ? record->overridden : runtime.override_order.has_value();
    simulation.add(Mover{index, &parameter, runtime.guarded,
                         record != nullptr ? record->value : runtime.guarded.applied, runtime.proposed,
                         overridden || parameter.loops.empty()});
    for (const std::uint32_t own : parameter.loops) {
      const LoopPlan& loop = plan.loops[own];
      if (!loop.settings->plant || loops[own].last.frozen) continue;
      Actor actor = actor_of(loop, own, loops[own], readings[loop.metric], modes.is_emergency());
      actor.mover = m;
      actor.acts = actor.acts && !overridden;
      actor.is_judged = actor.is_judged && !overridden;  // an override is not asked
      simulation.add(std::move(actor));
    }
  }
  return simulation.refusal(", with the whole bundle moved");
}

}  // namespace homeostat::engine
