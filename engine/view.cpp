// The view: a copy of the state in the words of its readers.
#include "engine/state.hpp"

namespace homeostat::engine {
namespace {

SourceView view_of(oracle::SourceStatus&& s) {
  SourceView view;
  view.name = std::move(s.name);
  view.condition = s.condition;
  view.detail = std::move(s.detail);
  view.condition_since = s.condition_since;
  view.accepted = s.accepted;
  view.refused = s.refused;
  view.newest = s.newest;
  view.watermark = s.watermark;
  view.idle = s.idle;
  view.skew = s.skew;
  view.skew_ahead = s.skew_ahead;
  view.skew_behind = s.skew_behind;
  view.skewed = s.skewed;
  view.late_accepted = s.late_accepted;
  view.block = s.block;
  view.block_hash = s.block_hash;
  view.finalized = s.finalized;
  view.settled = s.settled;
  view.reorgs = s.reorgs;
  view.retracted_blocks = s.retracted_blocks;
  view.retracted_events = s.retracted_events;
  view.disputes = s.disputes;
  view.chain_refused = s.chain_refused;
  view.last_refused = std::move(s.last_refused);
  view.last_refused_at = s.last_refused_at;
  return view;
}

LoopView view_of(const LoopPlan& plan, const LoopState& state) {
  LoopView view;
  view.name = plan.settings->name;
  view.metric = plan.settings->metric;
  view.parameter = plan.settings->parameter;
  view.response = plan.settings->response;
  view.setpoint = state.setpoint;
  if (state.shift) {
    view.setpoint_shift = state.shift->amount;
    view.shift_until = state.shift->order.until;
  }
  view.error = state.last.error;
  view.p = state.last.p;
  view.i = state.last.i;
  view.d = state.last.d;
  view.output = state.output();
  view.frozen = state.last.frozen;
  view.emergency = state.in_band;
  return view;
}

ParameterView view_of(const guardian::ParameterSettings& settings, const ParameterRuntime& runtime, Instant at) {
  ParameterView view;
  view.name = settings.name;
  view.unit = settings.unit;
  view.help = settings.help;
  view.value = runtime.guarded.applied;
  view.wanted = runtime.wanted;
  view.min = settings.min;
  view.max = settings.max;
  view.quantum = settings.quantum;
  view.initial = settings.initial;
  if (runtime.pause) {
    view.paused = true;
    view.paused_until = runtime.pause->until;
    view.paused_by = runtime.pause->actor;
  }
  if (runtime.override_order) {
    view.overridden = true;
    view.override_value = runtime.override_order->value;
    view.override_until = runtime.override_order->order.until;
    view.override_by = runtime.override_order->order.actor;
  }
  view.last_raised = runtime.guarded.raised;
  view.last_lowered = runtime.guarded.lowered;
  view.drift_used = guardian::drift_used(settings, runtime.guarded, at);
  if (settings.drift) view.drift_budget = settings.drift->budget;
  view.in_flight = runtime.under_way ? runtime.under_way->id : 0;
  view.last_decision = runtime.last_decision;
  view.why = runtime.why;
  view.emitted = runtime.emitted;
  view.applied = runtime.applied;
  view.rejected = runtime.rejected;
  view.timed_out = runtime.timed_out;
  view.direction_changes = runtime.direction_changes;
  view.bites.assign(runtime.bites.begin(), runtime.bites.end());
  return view;
}

}  // namespace

View Engine::view() const {
  const State& state = *state_;
  const Progress& progress = state.progress;
  View view;
  view.policy_name = state.policy->name;
  view.policy_digest = state.policy->digest;
  view.policy_generation = progress.generation;
  view.period = state.policy->period;
  view.slot = progress.slot;
  view.at = progress.at;
  view.ticks = progress.ticks;
  view.missed_slots = progress.missed_slots;
  view.mode = state.modes.mode();
  view.causes = state.modes.worst_first();
  view.decisions = progress.decisions;
  view.commands_accepted = progress.commands_accepted;
  view.commands_refused = progress.commands_refused;
  view.keys = state.policy->guardian.keys;
  for (const auto& [id, pending] : state.authority.pending()) {
    view.pending.push_back({id, pending.command, pending.signers, pending.needed, pending.expires});
  }
  view.allowed_policies = state.allowed_policies;
  view.watermark = state.oracle.watermark();
  const auto& sources = state.policy->oracle.sources;
  for (auto& source : state.oracle.sources()) {
    SourceView& added = view.sources.emplace_back(view_of(std::move(source)));
    added.allowed_lateness = sources[view.sources.size() - 1].allowed_lateness;
    added.skew_max = sources[view.sources.size() - 1].skew_max;
  }
  const auto& readings = state.oracle.readings();
  const auto& metrics = state.policy->oracle.metrics;
  const auto progress_of = state.oracle.progress();
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    MetricView& added = view.metrics.emplace_back();
    added.name = metrics[i].name;
    added.unit = metrics[i].unit;
    added.help = metrics[i].help;
    added.reading = readings[i];
    added.has_sources = progress_of[i].is_watched;
    if (!added.has_sources) continue;
    added.moved = progress_of[i].moved;
    added.stall_max = progress_of[i].stall_max;
    added.held_by = sources[progress_of[i].held_by].name;
  }
  for (std::size_t i = 0; i < state.loops.size(); ++i) {
    view.loops.push_back(view_of(state.plan.loops[i], state.loops[i]));
  }
  for (std::size_t i = 0; i < state.parameters.size(); ++i) {
    view.parameters.push_back(view_of(*state.plan.parameters[i].settings, state.parameters[i], progress.at));
  }
  return view;
}

}  // namespace homeostat::engine
