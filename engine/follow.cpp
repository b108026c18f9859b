// What time alone brings about before a tick decides: orders expire, answers become overdue, causes of
// the operating mode come and go.
#include <cmath>

#include "core/format.hpp"
#include "engine/state.hpp"
#include "engine/why.hpp"

namespace homeostat::engine {

using guardian::CauseKind;

void Engine::State::expire_orders(Instant at, Effects& effects) {
  expire_authority(at, effects);
  for (const guardian::Cause& cause : modes.expire(at)) {
    effects.notices.push_back({NoticeKind::command, at, cause.subject,
                               std::string(name_of(cause.kind)) + " by " + cause.subject + " expired"});
    if (cause.kind == CauseKind::guardian_pause) align_all();
  }
  for (std::uint32_t i = 0; i < parameters.size(); ++i) {
    ParameterRuntime& runtime = parameters[i];
    if (!runtime.pause && !runtime.override_order) continue;
    const std::string& name = plan.parameters[i].settings->name;
    if (runtime.pause && runtime.pause->is_over(at)) {
      effects.notices.push_back({NoticeKind::command, at, name, "pause by " + runtime.pause->actor + " expired"});
      runtime.pause.reset();
      align(i);
    }
    if (runtime.override_order && runtime.override_order->order.is_over(at)) {
      effects.notices.push_back(
          {NoticeKind::command, at, name, "override by " + runtime.override_order->order.actor + " expired"});
      runtime.override_order.reset();
      align(i);
    }
  }
  for (std::size_t i = 0; i < loops.size(); ++i) {
    auto& shift = loops[i].shift;
    if (!shift || !shift->order.is_over(at)) continue;
    effects.notices.push_back({NoticeKind::command, at, plan.loops[i].settings->name,
                               "set-point shift by " + shift->order.actor + " expired"});
    shift.reset();
  }
}

void Engine::State::observe(const std::vector<oracle::Reading>& readings) {
  for (const WatchedMetric& watch : plan.watched) {
    const std::string& metric = policy->oracle.metrics[watch.metric].name;
    const oracle::Reading& reading = readings[watch.metric];
    if (!is_usable(reading.quality)) {
      const bool halted = reading.quality == oracle::Quality::halted;
      modes.raise({halted ? CauseKind::reading_halted : CauseKind::reading_unusable, metric,
                   reading.reason.empty() ? std::string(name_of(reading.quality)) : reading.reason.str(), progress.at,
                   Instant{}, Instant{}});
      modes.clear(halted ? CauseKind::reading_unusable : CauseKind::reading_halted, metric);
      modes.forget_calm(metric);
      continue;
    }
    if (!modes.empty()) {
      modes.clear(CauseKind::reading_unusable, metric);
      modes.clear(CauseKind::reading_halted, metric);
    }
    if (!watch.has_band) continue;
    bool inside = false;
    Duration calm;
    std::string reason;
    for (const auto loop : watch.loops) {
      const controller::LoopSettings& settings = *plan.loops[loop].settings;
      if (!settings.emergency_below && !settings.emergency_above) continue;  // no band, no say in when it clears
      const bool below = settings.emergency_below && reading.value < *settings.emergency_below;
      const bool above = settings.emergency_above && reading.value > *settings.emergency_above;
      loops[loop].in_band = below || above;
      calm = std::max(calm, settings.emergency_clear_after);
      if (!below && !above) continue;
      inside = true;
      reason = short_text(reading.value) + (below ? " is below " : " is above ") +
               short_text(below ? *settings.emergency_below : *settings.emergency_above) + " of loop " + settings.name;
    }
    modes.observe_emergency(metric, inside, progress.at, calm, reason);
  }
}

void Engine::State::note_mode(Effects& effects) {
  const guardian::OperatingMode mode = modes.mode();
  if (mode == progress.mode) return;
  const std::string cause = modes.cause_text();
  effects.notices.push_back({NoticeKind::mode, progress.at, std::string(name_of(mode)),
                             "operating mode " + std::string(name_of(progress.mode)) + " -> " +
                                 std::string(name_of(mode)) + (cause.empty() ? "" : " (" + cause + ")")});
  progress.mode = mode;
}

void Engine::State::follow_up(std::uint32_t index, Effects& effects) {
  ParameterRuntime& runtime = parameters[index];
  if (!runtime.under_way || !runtime.under_way->sent) return;
  const guardian::ParameterSettings& settings = *plan.parameters[index].settings;
  const Instant at = progress.at;
  const bool expired = at >= runtime.under_way->expires;
  const bool overdue = at >= runtime.under_way->sent_at + settings.ack_timeout;
  if (!expired && (!overdue || runtime.under_way->timed_out)) return;

  if (!runtime.under_way->timed_out) {
    runtime.under_way->timed_out = true;
    ++runtime.timed_out;
    const std::string text =
        "adjustment " + std::to_string(runtime.under_way->id) + " was not answered within " +
        text_of(expired ? runtime.under_way->expires - runtime.under_way->sent_at : settings.ack_timeout);
    modes.raise({CauseKind::actuator_silent, settings.name, text, at, Instant{}, Instant{}});
    effects.notices.push_back({NoticeKind::actuator, at, settings.name, text});
  }
  if (DecisionRecord* const known = adjustments.find(runtime.under_way->id)) {
    known->answer = expired ? Answer::expired : Answer::timed_out;
    known->answered = at;
    effects.updates.push_back(*known);
  }
  if (!expired) return;
  give_back(index);
  runtime.resisted = true;
}

}  // namespace homeostat::engine
