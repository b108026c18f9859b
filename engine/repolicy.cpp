// A policy change: the state of everything that keeps its name goes on, without a step in any
// parameter. In force at once, which is the next tick, as only ticks decide.
#include <algorithm>

#include "engine/loosened.hpp"
#include "engine/state.hpp"

namespace homeostat::engine {
namespace {

bool is_same_law(const controller::LawSettings* was, const controller::LawSettings* now) {
  if (was == nullptr || now == nullptr) return was == now;
  return *was == *now;
}

/// Where a loop of the new policy goes on from. Another metric is another quantity: its contribution
/// stays, its memory does not. Another parameter is another loop.
LoopState carried_over(const LoopState& before, const controller::LoopSettings& was,
                       const controller::LoopSettings& now) {
  LoopState state = before;
  if (was.metric != now.metric) {
    state = {};
    state.setpoint = now.setpoint;
    state.align_to(before.output());
  }
  if (!is_same_law(was.law.get(), now.law.get())) {  // another law, or another tuning of it: it goes on from here
    state.law.reset();
    state.align_to(before.output());
  }
  if (!now.plausibility) state.watch = {};
  state.driven = 0;             // whoever drives it says so before its next step
  state.watch.applied.clear();  // the parameters of the metric may be others: what moved counts from now on
  return state;
}

bool is_same_loop_set(const Plan& was, const ParameterPlan& a, const Plan& now, const ParameterPlan& b) {
  return std::equal(a.loops.begin(), a.loops.end(), b.loops.begin(), b.loops.end(),
                    [&](auto x, auto y) { return was.loops[x].settings->name == now.loops[y].settings->name; });
}

/// Whether the parameter is made of the same loops' outputs in the same way.
bool is_same_decoupling(const Plan& was, const ParameterPlan& a, const Plan& now, const ParameterPlan& b) {
  if (a.decoupling == kNoDecoupling || b.decoupling == kNoDecoupling) return a.decoupling == b.decoupling;
  const DecouplingPlan& x = was.decouplings[a.decoupling];
  const DecouplingPlan& y = now.decouplings[b.decoupling];
  return a.row == b.row && x.matrix == y.matrix &&
         std::equal(x.loops.begin(), x.loops.end(), y.loops.begin(), y.loops.end(),
                    [&](auto i, auto j) { return was.loops[i].settings->name == now.loops[j].settings->name; });
}

Result<> check_change(const Policy& was, const Policy& now) {
  const std::vector<Error> errors = check(now);
  if (!errors.empty()) {
    std::string message = errors.front().text();
    if (errors.size() > 1) message += " (and " + std::to_string(errors.size() - 1) + " more)";
    return fail(errors.front().code, "", message);
  }
  for (const auto& a : was.guardian.parameters) {
    for (const auto& b : now.guardian.parameters) {
      if (a.name != b.name || a.decimals == b.decimals) continue;
      return fail(ErrorCode::conflict, "parameters." + a.name + ".decimals",
                  "cannot change from " + std::to_string(a.decimals) + " to " + std::to_string(b.decimals) +
                      " while running: what was applied is counted in it; give the parameter a new name");
    }
  }
  return {};
}

/// A policy with keys is loosened only by one that an admin allowed, and so is anything promoted: nobody but its text's
/// sender has seen it on the host.
Result<> check_allowed(const Engine::State& state, const PolicyChange& change) {
  if (state.policy->guardian.keys.empty() || state.allowed_policies.contains(guardian::fingerprint(change.text))) {
    return {};
  }
  if (change.promotion) {
    return fail(ErrorCode::permission_denied, "",
                "a promotion is signed under a policy with keys, and " +
                    guardian::fingerprint(change.text).substr(0, 12) +
                    " is not signed for: homeostat shadow promote SHADOW --sign KEYFILE");
  }
  const auto looser = loosened(*state.policy, *change.policy);
  if (looser.empty()) return {};
  std::string what = looser.front();
  for (std::size_t i = 1; i < std::min<std::size_t>(looser.size(), 3); ++i) what += "; " + looser[i];
  if (looser.size() > 3) what += "; and " + std::to_string(looser.size() - 3) + " more";
  return fail(ErrorCode::permission_denied, "",
              "it loosens limits (" + what + "): an admin must sign first: homeostat guardian allow-policy " +
                  guardian::fingerprint(change.text));
}

/// Orders must hold under the new bounds too; those that do not are taken back, and said so.
void recheck_orders(Engine::State& state, Instant at, Effects& effects) {
  const guardian::Settings& settings = state.policy->guardian;
  for (std::uint32_t i = 0; i < state.parameters.size(); ++i) {
    auto& held = state.parameters[i].override_order;
    if (!held) continue;
    const auto& parameter = *state.plan.parameters[i].settings;
    const bool fits = held->value >= parameter.min && held->value <= parameter.max &&
                      held->value.rounded_to(parameter.quantum) == held->value;
    if (fits) continue;
    effects.notices.push_back(
        {NoticeKind::command, at, parameter.name,
         "override by " + held->order.actor + " ended: " + held->value.to_string() + " does not fit the new policy"});
    held.reset();
    state.align(i);
  }
  for (std::size_t i = 0; i < state.loops.size(); ++i) {
    auto& shift = state.loops[i].shift;
    if (!shift) continue;
    const LoopPlan& loop = state.plan.loops[i];
    const auto& metric = state.policy->oracle.metrics[loop.metric];
    if (make_shift(settings, loop.settings->setpoint, metric.min, metric.max, shift->order, shift->amount)) continue;
    effects.notices.push_back({NoticeKind::command, at, loop.settings->name,
                               "set-point shift by " + shift->order.actor + " ended: it does not fit the new policy"});
    shift.reset();
  }
}

bool has_subject(const Policy& policy, const Plan& plan, const guardian::Cause& cause) {
  switch (cause.kind) {
    case guardian::CauseKind::actuator_silent: return plan.parameter(cause.subject).has_value();
    case guardian::CauseKind::reading_unusable:
    case guardian::CauseKind::reading_halted:
      return std::any_of(plan.watched.begin(), plan.watched.end(),
                         [&](const auto& w) { return policy.oracle.metrics[w.metric].name == cause.subject; });
    case guardian::CauseKind::metric_emergency:
      return std::any_of(plan.watched.begin(), plan.watched.end(), [&](const auto& w) {
        return w.has_band && policy.oracle.metrics[w.metric].name == cause.subject;
      });
    case guardian::CauseKind::guardian_emergency:
    case guardian::CauseKind::guardian_pause: return true;
  }
  return true;
}

}  // namespace

void Engine::State::change_policy(const PolicyChange& change, Effects& effects) {
  effects.outcome.id = ++progress.commands;
  const auto say = [&](bool accepted, std::string message) {
    ++(accepted ? progress.commands_accepted : progress.commands_refused);
    effects.outcome.accepted = accepted;
    effects.notices.push_back({NoticeKind::policy, change.at, change.actor, message});
    effects.outcome.message = std::move(message);
  };
  if (!change.policy) return say(false, "policy refused: there is none");
  if (auto ok = check_change(*policy, *change.policy); !ok) return say(false, "policy refused: " + ok.error().text());

  if (auto ok = check_allowed(*this, change); !ok) return say(false, "policy refused: " + ok.error().text());

  State next(change.policy);
  next.progress = progress;
  next.modes = std::move(modes);
  next.adjustments = std::move(adjustments);
  next.authority = std::move(authority);
  next.allowed_policies = std::move(allowed_policies);
  next.allowed_policies.erase(guardian::fingerprint(change.text));
  next.oracle = std::move(oracle);
  next.oracle.reconfigure(change.policy->oracle);
  for (std::uint32_t i = 0; i < next.loops.size(); ++i) {
    const auto& settings = *next.plan.loops[i].settings;
    const auto was = plan.loop(settings.name);
    if (!was || plan.loops[*was].settings->parameter != settings.parameter ||
        plan.loops[*was].settings->drives != settings.drives)
      continue;
    next.loops[i] = carried_over(loops[*was], *plan.loops[*was].settings, settings);
  }
  for (std::uint32_t i = 0; i < change.policy->oracle.metrics.size(); ++i) next.oracle.doubt(i, "");
  next.tell_doubts();
  std::vector<std::uint32_t> changed;
  for (std::uint32_t i = 0; i < next.parameters.size(); ++i) {
    const ParameterPlan& now = next.plan.parameters[i];
    const auto index = plan.parameter(now.settings->name);
    if (!index) continue;
    const ParameterPlan& was = plan.parameters[*index];
    next.parameters[i] = std::move(parameters[*index]);
    if (next.parameters[i].under_way) next.parameters[i].under_way->laws.clear();  // they may be other laws
    const bool goes_on = was.base == now.base && was.settings->arbitration == now.settings->arbitration &&
                         is_same_loop_set(plan, was, next.plan, now) && is_same_decoupling(plan, was, next.plan, now);
    if (!goes_on) changed.push_back(i);
    if (goes_on && now.decoupling != kNoDecoupling) {
      next.decouplings[now.decoupling].aligns = decouplings[was.decoupling].aligns;
    }
  }
  for (const std::uint32_t i : changed) {
    if (next.plan.parameters[i].decoupling == kNoDecoupling) continue;
    for (const std::uint32_t loop : next.plan.parameters[i].loops) next.loops[loop].counted = next.loops[loop].output();
  }
  for (const std::uint32_t i : changed) next.align(i);  // now that all of a decoupling are where they were
  if (policy->period != change.policy->period) {
    next.progress.slot =
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, progress.at.ns / change.policy->period.ns));
  }
  ++next.progress.generation;
  next.modes.drop_if([&](const guardian::Cause& c) { return !has_subject(*next.policy, next.plan, c); });
  *this = std::move(next);
  recheck_orders(*this, change.at, effects);
  say(true, "policy " + policy->name + " generation " + std::to_string(progress.generation) + " (" +
                policy->digest.substr(0, 12) + ") is in force from the next tick");
}

}  // namespace homeostat::engine
