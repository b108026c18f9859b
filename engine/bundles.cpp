// Bundles: every member is judged on its own first, then all of them as one. A refused bundle changes nothing: no
// cooldown, budget or adjustment of any member; every member's record says which invariant failed, or which member was
// limited and by what.
#include <algorithm>

#include "core/format.hpp"
#include "engine/state.hpp"

namespace homeostat::engine {
namespace {

using guardian::Limit;
using guardian::OperandKind;

/// Seconds since the last change that was sent.
double since(const guardian::ParameterState& state, Instant at) {
  const Instant last = std::max(state.raised, state.lowered);
  if (last.is_never()) return guardian::kSinceNever;
  return std::clamp((at - last).in_seconds(), 0.0, guardian::kSinceNever);
}

/// The member that a limit kept from where it was to go, and by which; empty if there is none.
std::string limited_member(const std::vector<DecisionRecord*>& members) {
  for (const DecisionRecord* record : members) {
    if (record == nullptr || record->limits.empty() || record->value == record->wanted) continue;
    const guardian::Bite& bite = record->limits.back();
    // A guardian's override goes there in steps, in a bundle as by itself; what each step comes to is judged.
    if (record->overridden && bite.limit == Limit::change && record->value != record->previous) continue;
    return record->parameter.str() + " could only go to " + record->value.to_string() + " instead of " +
           record->wanted.to_string() + " (" + std::string(name_of(bite.limit)) +
           (bite.detail.empty() ? "" : ": " + bite.detail) + "), and is not moved in part";
  }
  return "";
}

bool would_move(const DecisionRecord* record) {
  return record != nullptr && record->value != record->previous;
}

}  // namespace

void Engine::State::decide_bundles(const std::vector<oracle::Reading>& readings, Effects& effects) {
  std::vector<DecisionRecord*> records(parameters.size(), nullptr);  // effects.records was given its room: they stay
  for (std::uint32_t i = 0; i < parameters.size(); ++i) finish_veto_window(i, effects);
  for (std::uint32_t i = 0; i < parameters.size(); ++i) records[i] = judge(i, readings, effects);
  for (const BundlePlan& bundle : plan.bundles) judge_bundle(bundle, records, readings);
  for (std::uint32_t i = 0; i < parameters.size(); ++i) {
    if (records[i] != nullptr) conclude(i, *records[i], effects);
  }
}

void Engine::State::judge_bundle(const BundlePlan& bundle, const std::vector<DecisionRecord*>& all,
                                 const std::vector<oracle::Reading>& readings) {
  std::vector<DecisionRecord*> members;
  std::string reason;
  for (const std::uint32_t index : bundle.members) {
    members.push_back(all[index]);
    if (all[index] != nullptr) all[index]->bundle = bundle.name;
    if (parameters[index].under_way && reason.empty()) {
      reason = "adjustment " + std::to_string(parameters[index].under_way->id) + " of " +
               plan.parameters[index].name.str() +
               (parameters[index].under_way->sent ? " is not answered yet" : " waits for its veto window");
    }
  }
  if (std::none_of(members.begin(), members.end(), would_move)) return;
  if (reason.empty()) reason = limited_member(members);
  if (reason.empty()) reason = broken_invariant(bundle, {members.begin(), members.end()}, readings);
  if (reason.empty()) reason = model_refusal(bundle, {members.begin(), members.end()}, readings);
  if (reason.empty()) {
    std::vector<std::uint64_t> group;
    for (const DecisionRecord* record : members) {
      if (would_move(record)) group.push_back(record->id);
    }
    std::sort(group.begin(), group.end());
    if (group.size() < 2) return;
    Duration window, approval;  // a guardian's own order asks for none
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (!would_move(members[i]) || members[i]->overridden) continue;
      window = std::max(window, plan.parameters[bundle.members[i]].settings->veto_window);
      approval = std::max(approval, approval_for(bundle.members[i], *members[i]));
    }
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (!would_move(members[i])) continue;
      members[i]->group = group;
      parameters[bundle.members[i]].group_window = window;
      parameters[bundle.members[i]].group_approval = approval;
    }
    return;
  }
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (members[i] == nullptr) continue;
    DecisionRecord& record = *members[i];
    record.limits.push_back({Limit::bundle, record.value, record.previous, bundle.name.str() + " refused: " + reason});
    if (record.value != record.previous)
      parameters[bundle.members[i]].resisted = true;  // what its loops want is not so
    record.value = record.previous;
  }
}

std::string Engine::State::broken_invariant(const BundlePlan& bundle, const std::vector<const DecisionRecord*>& members,
                                            const std::vector<oracle::Reading>& readings) const {
  for (const InvariantPlan& checked : bundle.invariants) {
    std::vector<double> values;
    for (std::size_t i = 0; i < checked.operands.size(); ++i) {
      const OperandPlan& operand = checked.operands[i];
      if (operand.kind == OperandKind::now) {
        values.push_back((progress.at - Instant{}).in_seconds());
        continue;
      }
      if (operand.is_metric) {
        const oracle::Reading& reading = readings[operand.index];
        if (!is_usable(reading.quality)) {
          return checked.invariant.name + " cannot be judged: " + checked.invariant.operands[i].name + " is " +
                 std::string(name_of(reading.quality)) + (reading.reason.empty() ? "" : ": " + reading.reason.str());
        }
        values.push_back(reading.value);
        continue;
      }
      const guardian::ParameterState& state = parameters[bundle.members[operand.index]].guarded;
      const DecisionRecord* record = members[operand.index];
      switch (operand.kind) {
        case OperandKind::value: values.push_back((record ? record->value : state.applied).to_double()); break;
        case OperandKind::previous: values.push_back(state.applied.to_double()); break;
        case OperandKind::since: values.push_back(since(state, progress.at)); break;
        case OperandKind::now: break;
      }
    }
    if (!checked.invariant.holds(values)) {
      return checked.invariant.name + " does not hold: " + checked.invariant.text + " with " +
             checked.invariant.numbers(values);
    }
  }
  return "";
}

}  // namespace homeostat::engine
