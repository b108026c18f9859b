// An adjustment's life after it was decided: sent, answered, or not. The applied value is the executor's
// word, read back; the engine never assumes that what it sent is what happened.
#include <algorithm>

#include "core/format.hpp"
#include "engine/state.hpp"
#include "engine/transfers.hpp"

namespace homeostat::engine {
namespace {

/// The largest |value| an executor may report, in units: sums of two stay inside Decimal's range.
constexpr Decimal::Units kReportedUnitsMax = Decimal::kUnitsMax / 4;

void refuse(Effects& effects, std::string message) {
  effects.outcome.accepted = false;
  effects.outcome.message = std::move(message);
}
void accept(Effects& effects, std::string message) {
  effects.outcome.accepted = true;
  effects.outcome.message = std::move(message);
}

/// What the executor says is applied, in the parameter's own scale.
Result<Decimal> applied_value(const DecisionRecord& record, Decimal value) {
  auto scaled = value.rescaled(record.value.decimals());
  if (scaled && scaled->abs().units() <= kReportedUnitsMax) return scaled;
  return fail(ErrorCode::out_of_range, "value",
              "the applied value " + value.to_string() + " does not fit the " +
                  std::to_string(record.value.decimals()) + " decimals of " + record.parameter.str());
}

bool is_answered(const DecisionRecord& record) {
  return record.answer == Answer::applied || record.answer == Answer::rejected;
}
bool is_same_answer(const DecisionRecord& record, bool applied, Decimal value) {
  return (record.answer == Answer::applied) == applied && (!applied || record.applied == value);
}

/// A member of a bundle that was left as it was, while others moved, was not applied: it consumes nothing.
bool is_applied(const DecisionRecord& member, bool applied, Decimal value) {
  return applied && (value == member.value || value != member.previous);
}

}  // namespace

Adjustment Engine::State::adjustment_of(const DecisionRecord& record, Instant expires) const {
  Adjustment adjustment{record.id,  record.parameter, record.value, record.previous, record.at, expires, record.slot,
                        record.why, record.bundle,    {},           act_of(record)};
  for (const std::uint64_t id : record.group) {
    const DecisionRecord* member = adjustments.find(id);
    if (member == nullptr) continue;  // only answered ones are forgotten, and they are answered together
    const DecisionRecord& r = *member;
    adjustment.members.push_back({r.id, r.parameter, r.value, r.previous, r.why, act_of(r)});
  }
  return adjustment;
}

Act Engine::State::act_of(const DecisionRecord& record) const {
  const auto index = plan.parameter(record.parameter);
  if (!index) return {};  // it has left the policy
  const guardian::Action& action = plan.parameters[*index].settings->action;
  if (action == guardian::Action{}) return {};
  Act act{action.kind, action.asset, action.from, action.to, Decimal(0, record.value.decimals()), {}};
  if (is_amount(action.kind) && record.value > record.previous) {
    act.amount = record.value - record.previous;
    act.transfers = transfers_of(action, act.amount);
  }
  return act;
}

void Engine::State::forget_oldest() {
  // Only answered ones are forgotten; there is at most one open per parameter.
  adjustments.forget(policy->records_kept, [](const DecisionRecord& r) {
    return r.outcome == Outcome::awaiting_veto || r.outcome == Outcome::awaiting_approval ||
           r.answer == Answer::waiting || r.answer == Answer::timed_out;
  });
}

void Engine::State::send(std::uint32_t index, DecisionRecord& record, Effects& effects) {
  const guardian::ParameterSettings& settings = *plan.parameters[index].settings;
  ParameterRuntime& runtime = parameters[index];
  const Instant at = progress.at;
  const std::int8_t direction = record.value > runtime.guarded.applied ? 1 : -1;
  if (!runtime.under_way) {
    runtime.under_way.emplace().proposed_before = runtime.proposed_before;
    if (!record.overridden) remembered(index, runtime.under_way->laws);
  }  // else it waited for its veto window, and its laws with it
  UnderWay& under_way = *runtime.under_way;
  under_way.id = record.id;
  under_way.sent = true;
  under_way.ready = under_way.sent_at = at;
  under_way.expires = at + settings.expiry;
  under_way.before = runtime.guarded;
  under_way.approval_ends = Instant{};
  under_way.released = false;
  runtime.guarded = guardian::emitted(settings, std::move(runtime.guarded), record.value, at);
  if (runtime.direction == -direction) ++runtime.direction_changes;
  runtime.direction = direction;
  ++runtime.emitted;
  record.outcome = Outcome::emitted;
  record.answer = Answer::waiting;
  adjustments.put(record);
  if (record.group.empty()) {
    effects.adjustments.push_back(adjustment_of(record, runtime.under_way->expires));
  } else if (record.id == record.group.back()) {  // all of them are known now: one adjustment, by the first one's id
    effects.adjustments.push_back(adjustment_of(adjustments.at(record.group.front()), runtime.under_way->expires));
  }
}

void Engine::State::back_off(std::uint32_t index, Instant at, std::string reason) {
  ParameterRuntime& runtime = parameters[index];
  const std::int64_t periods =
      std::min<std::int64_t>(kBackoffPeriodsMax, std::int64_t{1} << std::min(runtime.refusals, 6U));
  ++runtime.refusals;
  runtime.retry_at = at + policy->period * periods;
  runtime.retry_reason = std::move(reason);
  runtime.resisted = true;
}

void Engine::State::report(const ActuatorReport& report, Effects& effects) {
  effects.outcome.id = report.adjustment;
  DecisionRecord* const known = adjustments.find(report.adjustment);
  if (known == nullptr) {
    return refuse(effects, "no adjustment " + std::to_string(report.adjustment) + " is known; it may be too old");
  }
  DecisionRecord& record = *known;
  if (record.outcome != Outcome::emitted) {
    return refuse(effects, "adjustment " + std::to_string(record.id) + " was never sent (" +
                               std::string(name_of(record.outcome)) + ")");
  }
  if (!record.group.empty()) return report_bundle(report, record, effects);
  const auto value = applied_value(record, report.applied ? report.value : record.value);
  if (!value) return refuse(effects, value.error().message);
  if (is_answered(record)) {
    if (is_same_answer(record, report.applied, *value)) return accept(effects, "already answered so");
    return refuse(effects, "adjustment " + std::to_string(record.id) + " was already answered " +
                               std::string(name_of(record.answer)) +
                               (record.answer == Answer::applied ? " " + record.applied.to_string() : ""));
  }
  accept(effects, report.applied ? "applied " + value->to_string() : "rejected");
  answer(record, report, *value, effects);
}

void Engine::State::answer(DecisionRecord& record, const ActuatorReport& report, Decimal value, Effects& effects) {
  const bool was_expired = record.answer == Answer::expired;
  const Instant expired = record.answered;  // if it was
  record.answer = report.applied ? Answer::applied : Answer::rejected;
  if (report.applied) record.applied = value;
  record.answered = report.at;
  record.executor = report.executor;
  record.answer_detail = report.detail;
  effects.updates.push_back(record);

  const auto index = plan.parameter(record.parameter);
  if (!index) return;  // the parameter has left the policy; the record stays true
  ParameterRuntime& runtime = parameters[*index];
  const guardian::ParameterSettings& settings = *plan.parameters[*index].settings;
  modes.clear(guardian::CauseKind::actuator_silent, settings.name);
  const bool is_under_way = runtime.under_way && runtime.under_way->id == record.id;
  ++(report.applied ? runtime.applied : runtime.rejected);
  if (!report.applied) {
    if (is_under_way) {
      give_back(*index);
      back_off(*index, report.at, "adjustment " + std::to_string(record.id) + " was rejected: " + report.detail);
    }
    effects.notices.push_back({NoticeKind::actuator, report.at, settings.name,
                               "adjustment " + std::to_string(record.id) + " was rejected by " + report.executor +
                                   (report.detail.empty() ? "" : ": " + report.detail)});
    return;
  }
  if (was_expired) {
    const auto count = [&](guardian::ParameterState& state) {
      state = guardian::applied_late(settings, state, record.previous, record.value, expired);
    };
    count(runtime.guarded);
    if (runtime.under_way) count(runtime.under_way->before);
  }
  const bool had_laws = is_under_way && !runtime.under_way->laws.empty();
  if (is_under_way) runtime.under_way.reset();
  if (record.id > runtime.answered) {
    runtime.answered = record.id;
    runtime.guarded.applied = value;
    runtime.refusals = 0;
    runtime.retry_at = Instant{};
    runtime.resisted = value != record.value;
  }
  if (had_laws) settle_decoupled(*index, true);
  if (value != record.value) {
    effects.notices.push_back({NoticeKind::actuator, report.at, settings.name,
                               "adjustment " + std::to_string(record.id) + " asked for " + record.value.to_string() +
                                   " and " + value.to_string() + " was applied"});
  }
}

void Engine::State::report_bundle(const ActuatorReport& report, const DecisionRecord& any, Effects& effects) {
  const std::vector<std::uint64_t> group = any.group;
  const std::string what = "adjustment " + std::to_string(group.front()) + " of bundle " + any.bundle.str();
  std::vector<Decimal> values;
  bool is_known = true, is_same = true, is_whole = true;
  for (const std::uint64_t id : group) {
    const DecisionRecord* found = adjustments.find(id);
    if (found == nullptr) return refuse(effects, what + " is no longer known; it may be too old");
    const DecisionRecord& record = *found;
    Decimal said = record.value;
    if (report.applied) {
      const auto member = std::find_if(report.members.begin(), report.members.end(),
                                       [&](const MemberValue& m) { return m.parameter == record.parameter.view(); });
      if (member == report.members.end()) {
        return refuse(effects, "the answer to " + what +
                                   " must say what was applied of every member; it says nothing of " +
                                   record.parameter.str());
      }
      said = member->value;
    }
    const auto value = applied_value(record, said);
    if (!value) return refuse(effects, value.error().message);
    values.push_back(*value);
    is_known &= is_answered(record);
    is_same &= is_answered(record) && is_same_answer(record, is_applied(record, report.applied, *value), *value);
    is_whole &= !report.applied || *value == record.value;
  }
  if (report.applied && report.members.size() != group.size()) {
    return refuse(effects, "the answer to " + what + " names " + std::to_string(report.members.size()) +
                               " parameters; the bundle has " + std::to_string(group.size()));
  }
  if (is_same) return accept(effects, "already answered so");
  if (is_known) return refuse(effects, what + " was already answered otherwise");
  accept(effects, report.applied ? "applied" : "rejected");
  for (std::size_t i = 0; i < group.size(); ++i) {
    DecisionRecord& record = adjustments.at(group[i]);
    ActuatorReport member = report;
    member.applied = is_applied(record, report.applied, values[i]);
    answer(record, member, values[i], effects);
  }
  if (is_whole) return;

  // The executor did to a part of it what it was told to do to the whole. What is applied is known; nothing of the
  // bundle moves until its backoff is over, and then the whole is judged anew from there.
  const std::string text = what + " was applied in part";
  for (const std::uint64_t id : group) {
    if (const auto index = plan.parameter(adjustments.at(id).parameter)) back_off(*index, report.at, text);
  }
  effects.notices.push_back({NoticeKind::actuator, report.at, any.bundle, text});
}

}  // namespace homeostat::engine
