// A tick, in this order: readings -> orders and answers that ran out -> causes and mode -> every loop one
// step -> every parameter one decision. The only place where decisions are made.
#include "core/format.hpp"
#include "core/prefetch.hpp"
#include "engine/state.hpp"
#include "engine/why.hpp"

namespace homeostat::engine {
namespace {

using guardian::Limit;

void hold_back(DecisionRecord& record, Limit limit, std::string detail) {
  if (record.value == record.previous) return;
  record.limits.push_back({limit, record.value, record.previous, std::move(detail)});
  record.value = record.previous;
}

/// A halt or a pause is named also where a limit that passes with time holds already: whoever asks why nothing moves
/// has to know it, and it holds when that limit has passed.
void hold_by_order(DecisionRecord& record, Limit limit, std::string detail) {
  if (record.value != record.previous) return hold_back(record, limit, std::move(detail));
  if (record.limits.empty()) return;
  const Limit last = record.limits.back().limit;
  if (last != Limit::cooldown && last != Limit::drift) return;
  const Decimal without = record.limits.back().without;
  record.limits.push_back({limit, without, record.previous, std::move(detail)});
}

void tell_law(const LoopPlan& plan, const LoopState& loop, LoopTerms& terms) {
  terms.law = plan.law->kind();
  if (loop.law.get() == nullptr) return;
  terms.reason = loop.law.get()->reason;
  terms.raw = loop.law.get()->raw;
  terms.detail = loop.law.get()->detail;
}

/// Rounded up: an answer comes between two ticks, and nobody asks for the nanoseconds of a wait.
Duration to_the_millisecond(Duration d) {
  constexpr Duration kStep = Duration::milliseconds(1);
  return kStep * ((d + kStep - Duration{1}) / kStep);
}

std::string until_text(const guardian::Order& order) {
  return " by " + order.actor + (order.until.is_never() ? "" : " until " + text_of(order.until)) + ": " + order.reason;
}

}  // namespace

Decimal quantised(const guardian::ParameterSettings& settings, double proposed) {
  const auto value = Decimal::from_double(proposed, settings.decimals);
  if (!value || value->abs().units() > Decimal::kUnitsMax / 4) return proposed > 0 ? settings.max : settings.min;
  return value->rounded_to(settings.quantum);
}

void Engine::State::tick(const Tick& tick, Effects& effects) {
  if (progress.ticks > 0 && tick.slot <= progress.slot) {
    ++progress.ignored_ticks;
    return;
  }
  const std::uint64_t slots = progress.ticks == 0 ? 1 : tick.slot - progress.slot;
  if (slots > 1) {
    progress.missed_slots += slots - 1;
    effects.notices.push_back(
        {NoticeKind::missed_slots, tick.at, "engine",
         std::to_string(slots - 1) + " slots were missed before slot " + std::to_string(tick.slot)});
  }
  progress.slot = tick.slot;
  progress.at = tick.at;
  ++progress.ticks;

  const std::vector<oracle::Reading>& readings = oracle.evaluate(tick.at);
  expire_orders(tick.at, effects);
  for (std::uint32_t i = 0; i < parameters.size(); ++i) follow_up(i, effects);
  observe(readings);
  note_mode(effects);
  mode_cause = modes.cause_text();
  if (!plan.plausible.empty()) watch_responses(readings, slots, effects);
  const double dt_s = static_cast<double>(slots) * policy->period.in_seconds();
  effects.records.reserve(parameters.size());
  effects.adjustments.reserve(sent);
  if (!plan.cascades.empty()) step_outer(readings, dt_s);
  if (plan.bundles.empty() && plan.decouplings.empty()) {  // no parameter looks at another: one walk through memory
    for (std::uint32_t i = 0; i < parameters.size(); ++i) {
      fetch_ahead(i, readings);
      step_loops(i, readings, dt_s);
      decide(i, readings, effects);
    }
  } else {
    for (std::uint32_t i = 0; i < parameters.size(); ++i) step_loops(i, readings, dt_s);
    for (const DecouplingPlan& group : plan.decouplings) step_decoupled(group, readings, dt_s);
    if (!plan.bundles.empty()) decide_bundles(readings, effects);
    for (std::uint32_t i = 0; plan.bundles.empty() && i < parameters.size(); ++i) decide(i, readings, effects);
  }
  sent = effects.adjustments.size();
  forget_oldest();
}

void Engine::State::fetch_ahead(std::uint32_t index, const std::vector<oracle::Reading>& readings) const {
  constexpr std::uint32_t kAhead = 4;  // what one decision costs, several times the way to memory and back
  if (index + 2 * kAhead < parameters.size()) {
    prefetch(plan.parameters[index + 2 * kAhead]);
    prefetch(&parameters[index + 2 * kAhead].why, sizeof(SharedText));
  }
  if (index + kAhead >= parameters.size()) return;
  const ParameterPlan& next = plan.parameters[index + kAhead];
  prefetch(parameters[index + kAhead]);
  prefetch(*next.settings);
  parameters[index + kAhead].why.prefetch();
  next.name.prefetch();
  for (const std::uint32_t loop : next.loops) {
    prefetch(loops[loop]);
    prefetch(plan.loops[loop]);
  }
  const ParameterPlan& soon = plan.parameters[index + kAhead / 2];
  for (const std::uint32_t loop : soon.loops) {
    prefetch(readings[plan.loops[loop].metric]);
    plan.loops[loop].name.prefetch();
    plan.loops[loop].metric_name.prefetch();
  }
}

void Engine::State::step_loops(std::uint32_t index, const std::vector<oracle::Reading>& readings, double dt_s) {
  const ParameterPlan& parameter = plan.parameters[index];
  if (parameter.loops.empty() || parameter.decoupling != kNoDecoupling) return;  // of a decoupling: step_decoupled
  if (is_waiting(index)) {
    wait(index, dt_s);
    // Whether what waits may be sent is asked of the readings as they are now.
    for (const auto i : parameter.loops) loops[i].last.frozen = !is_usable(readings[plan.loops[i].metric].quality);
    return;
  }
  remember(index);
  // First every loop's excess by the outputs of the last tick, then every loop's step.
  if (parameter.settings->arbitration == guardian::Arbitration::sum) {
    const double total = excess(index, parameters[index].proposed);
    for (const auto loop : parameter.loops) loops[loop].excess = total == 0 ? 0 : total * share(parameter, loop, true);
  } else {
    for (const auto loop : parameter.loops) loops[loop].excess = excess(index, base_of(index) + loops[loop].output());
  }
  for (const auto loop : parameter.loops) step_loop(loop, readings, dt_s);
}

void Engine::State::step_loop(std::uint32_t index, const std::vector<oracle::Reading>& readings, double dt_s) {
  const LoopPlan& loop_plan = plan.loops[index];
  const oracle::Reading& reading = readings[loop_plan.metric];
  LoopState& loop = loops[index];
  const double target = loop_plan.setpoint + (loop.shift ? loop.shift->amount : 0) + loop.driven;
  loop.setpoint = controller::ramp(loop.setpoint, target, loop_plan.setpoint_ramp_per_s, dt_s);
  if (loop_plan.law != nullptr) return step_law(index, readings, dt_s);
  loop.emergency_gains = modes.is_emergency() && loop_plan.settings->emergency.has_value();
  const controller::Gains& gains = loop.emergency_gains ? *loop_plan.settings->emergency : loop_plan.pid.gains;
  const double factor = loop_plan.schedule_metric == kNoMetric ? 1 : gain_factor(index, readings);
  controller::advance(loop_plan.pid, gains,
                      {reading.value, loop.setpoint, dt_s, is_usable(reading.quality) && !loop.holds, reading.authority,
                       loop.excess, factor},
                      loop.last);
}

void Engine::State::begin_record(DecisionRecord& record, std::uint32_t index,
                                 const std::vector<oracle::Reading>& readings) {
  const ParameterPlan& parameter = plan.parameters[index];
  record.id = progress.decisions;
  record.slot = progress.slot;
  record.at = progress.at;
  record.parameter = parameter.name;
  const DecouplingPlan* const group =
      parameter.decoupling == kNoDecoupling ? nullptr : &plan.decouplings[parameter.decoupling];
  record.loops.reserve(parameter.loops.size() + parameter.outer.size() + (group != nullptr ? group->size() : 0), &pile);
  const bool is_weighted = parameter.settings->arbitration == guardian::Arbitration::weighted;
  // Of a decoupling as it was when its loops were to step: another one of its parameters may have been sent since.
  const bool waits = group == nullptr ? is_waiting(index) : decouplings[parameter.decoupling].waits;
  const auto tell = [&](std::uint32_t i) -> LoopTerms& {
    const LoopPlan& loop_plan = plan.loops[i];
    const LoopState& loop = loops[i];
    const controller::PidStep& step = loop.last;
    LoopTerms& terms = record.loops.emplace_back();
    terms.loop = loop_plan.name;
    terms.metric = loop_plan.metric_name;
    terms.reading = readings[loop_plan.metric];
    terms.setpoint = loop.setpoint;
    terms.error = step.error;
    terms.p = step.p;
    terms.i = step.i;
    terms.d = step.d;
    terms.feed_forward = step.feed_forward;
    terms.unlimited = step.unlimited;
    terms.output = step.output;
    terms.tracking = step.tracking;
    terms.frozen = step.frozen;
    terms.emergency_gains = loop.emergency_gains;
    if (loop_plan.law != nullptr) tell_law(loop_plan, loop, terms);
    terms.waiting = waits;
    if (terms.waiting) terms.frozen = !is_usable(terms.reading.quality);  // of the reading as it is now
    terms.gain_factor = step.state.gain_factor;
    if (is_weighted) terms.weight = weight(i, readings);
    terms.drives = loop_plan.drives_name;
    return terms;
  };
  LoopTerms* own = nullptr;
  for (const auto i : parameter.loops) own = &tell(i);
  for (const auto i : parameter.outer) tell(i);
  for (std::size_t column = 0; group != nullptr && column < group->size(); ++column) {
    LoopTerms& terms = column == parameter.row ? *own : tell(group->loops[column]);
    const LoopState& loop = loops[group->loops[column]];
    terms.decoupling = group->name;
    terms.share = group->at(parameter.row, column);
    terms.contribution = terms.share * (column == parameter.row ? loop.output() : loop.counted);
    if (!waits) terms.pin = pin_reason(*group, column);
    if (column != parameter.row) terms.moves = plan.parameters[group->parameters[column]].name;
  }
  record.mode = progress.mode;
  record.mode_cause = mode_cause;
  record.previous = parameters[index].guarded.applied;
  record.policy_digest = plan.digest;
}

/// The reasons not to send anything now, over and above the limits of the value.
void Engine::State::hold_back_all(std::uint32_t index, DecisionRecord& record) const {
  const ParameterRuntime& runtime = parameters[index];
  if (progress.mode == guardian::OperatingMode::halted) hold_by_order(record, Limit::halted, record.mode_cause.str());
  if (runtime.pause) hold_by_order(record, Limit::paused, "paused" + until_text(*runtime.pause));
  if (record.value == record.previous) return;
  bool any_usable = record.overridden;
  for (std::size_t i = 0; i < plan.parameters[index].loops.size(); ++i) any_usable |= !record.loops[i].frozen;
  if (!any_usable) hold_back(record, Limit::unusable, "no loop has a usable reading");
  if (runtime.under_way) {
    hold_back(record, Limit::in_flight,
              "adjustment " + std::to_string(runtime.under_way->id) +
                  (runtime.under_way->timed_out
                       ? " was not answered within " + text_of(plan.parameters[index].settings->ack_timeout) +
                             "; its loops hold until it is, or until it expires in " +
                             text_of(runtime.under_way->expires - progress.at)
                   : runtime.under_way->sent ? " is not answered yet"
                   : !runtime.under_way->approval_ends.is_never() && !runtime.under_way->released
                       ? " waits for a guardian to release it"
                       : " waits for its veto window"));
  }
  if (progress.at < runtime.retry_at) {
    const Duration left = runtime.retry_at - progress.at;
    hold_back(record, Limit::backoff, runtime.retry_reason + ", again in " + text_of(to_the_millisecond(left)));
  }
}

void Engine::State::decide(std::uint32_t index, const std::vector<oracle::Reading>& readings, Effects& effects) {
  finish_veto_window(index, effects);
  if (DecisionRecord* record = judge(index, readings, effects)) conclude(index, *record, effects);
}

DecisionRecord* Engine::State::judge(std::uint32_t index, const std::vector<oracle::Reading>& readings,
                                     Effects& effects) {
  const ParameterPlan& parameter = plan.parameters[index];
  ParameterRuntime& runtime = parameters[index];
  if (parameter.loops.empty() && !runtime.override_order) return nullptr;  // nothing could have acted
  const guardian::ParameterSettings& settings = *parameter.settings;

  DecisionRecord& record = effects.records.emplace_back();  // in place: a record is large
  ++progress.decisions;
  begin_record(record, index, readings);
  runtime.proposed = proposed(index, readings);
  record.proposed = runtime.proposed;
  record.given_back = given_back_since(record, parameter);
  record.overridden = runtime.override_order.has_value();
  record.wanted = record.overridden ? runtime.override_order->value : quantised(settings, record.proposed);
  guardian::Allowed allowed =
      record.overridden ? guardian::limit_override(settings, runtime.guarded, record.wanted, acting_mode())
                        : guardian::limit(settings, runtime.guarded, record.wanted, acting_mode(), progress.at);
  record.value = allowed.value;
  record.limits = std::move(allowed.bites);
  hold_back_all(index, record);
  if (record.value != record.previous && !record.overridden && !parameter.is_bundled) {
    if (std::string refusal = model_refusal(index, record, readings); !refusal.empty()) {
      hold_back(record, Limit::model, std::move(refusal));
      runtime.resisted = true;  // what its loops want is not so
    }
  }
  return &record;
}

void Engine::State::conclude(std::uint32_t index, DecisionRecord& record, Effects& effects) {
  ParameterRuntime& runtime = parameters[index];
  const guardian::ParameterSettings& settings = *plan.parameters[index].settings;
  const std::string_view override_by = record.overridden ? std::string_view(runtime.override_order->order.actor) : "";
  const Waiting waits = waiting_of(index, record);
  if (record.value == record.previous) {
    record.outcome = record.limits.empty() ? Outcome::no_change : Outcome::withheld;
  } else {
    record.outcome = waits.approval.ns > 0 ? Outcome::awaiting_approval
                     : waits.window.ns > 0 ? Outcome::awaiting_veto
                                           : Outcome::emitted;
  }
  record.why = SharedText(why(record, settings, override_by, sentence), &pile);
  if (record.outcome == Outcome::emitted) {
    send(index, record, effects);
  } else if (record.outcome == Outcome::awaiting_veto || record.outcome == Outcome::awaiting_approval) {
    UnderWay& waiting = runtime.under_way.emplace();
    waiting.id = record.id;
    waiting.ready = progress.at + waits.window;
    if (waits.approval.ns > 0) waiting.approval_ends = progress.at + waits.approval;
    waiting.proposed_before = runtime.proposed_before;
    if (!record.overridden) remembered(index, waiting.laws);
    adjustments.put(record);
  }

  for (const guardian::Bite& bite : record.limits) ++runtime.bites[static_cast<std::size_t>(bite.limit)];
  runtime.wanted = record.wanted;
  runtime.last_decision = record.id;
  runtime.why = record.why;
  scratch.clear();
  scratch(progress.decisions_hash.canonical());
  scratch(record);
  progress.decisions_hash = homeostat::state_hash(scratch.bytes());  // chain(), in one go
}

}  // namespace homeostat::engine
