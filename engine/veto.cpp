// Veto windows: what was decided waits, so that a guardian can say no, or until one releases it. Of a bundle all
// members wait, until the longest window of those that move has passed; a veto of one is a veto of all, a release of
// one is one of all.
//
// The laws wait with it (docs/decisions/0015): what they asked for is neither sent nor refused yet. When it is not sent
// after all they are where they were before they asked.
//
// The world has moved on when the window has passed: what is sent must still be allowed, and still be the change that
// guardians were shown. From another value (an expired adjustment was applied after all) it would be another change,
// perhaps in the other direction, than record and executor are told, and cooldown and budget would be counted from one
// that never was.
#include <algorithm>

#include "core/format.hpp"
#include "engine/state.hpp"

namespace homeostat::engine {

std::vector<std::uint64_t> Engine::State::waiting_with(std::uint64_t id) const {
  const DecisionRecord* const known = adjustments.find(id);
  return known == nullptr || known->group.empty() ? std::vector{id} : known->group;
}

std::string Engine::State::overtaken(std::uint32_t index, const DecisionRecord& record) const {
  const auto& order = parameters[index].override_order;
  if (!record.overridden) return order ? "overtaken by an override" : "";
  return order && order->value == record.wanted ? "" : "overtaken: its override is no longer the one it was";
}

std::string Engine::State::no_longer(std::uint32_t index, const DecisionRecord& record) const {
  const ParameterRuntime& runtime = parameters[index];
  const guardian::ParameterSettings& settings = *plan.parameters[index].settings;
  const auto& own = plan.parameters[index].loops;
  const auto& readings = oracle.readings();
  const auto is_blind = [&](std::uint32_t loop) { return !is_usable(readings[plan.loops[loop].metric].quality); };
  if (!record.overridden && std::all_of(own.begin(), own.end(), is_blind)) {
    return "not sent: no loop had a usable reading when its veto window passed";
  }
  if (runtime.guarded.applied != record.previous) {
    return "not sent: " + runtime.guarded.applied.to_string() + " was applied in its veto window";
  }
  const guardian::Allowed allowed =
      record.overridden ? guardian::limit_override(settings, runtime.guarded, record.value, acting_mode())
                        : guardian::limit(settings, runtime.guarded, record.value, acting_mode(), progress.at);
  const bool is_held = progress.mode == guardian::OperatingMode::halted || runtime.pause.has_value();
  if (!is_held && allowed.value == record.value) return "";
  return "not sent: no longer allowed when its veto window passed";
}

std::string Engine::State::bundle_no_longer(const std::vector<std::uint64_t>& group) const {
  const DecisionRecord& first = adjustments.at(group.front());
  // What moves with others is of the bundle that they were judged in; what moves alone, of the one that it is in now.
  const bool is_alone = group.size() == 1;
  const auto is_its = [&](const BundlePlan& b) {
    if (!is_alone) return b.name == first.bundle;
    return std::any_of(b.members.begin(), b.members.end(),
                       [&](std::uint32_t member) { return plan.parameters[member].name == first.parameter; });
  };
  const auto bundle = std::find_if(plan.bundles.begin(), plan.bundles.end(), is_its);
  if (bundle == plan.bundles.end()) {
    if (!is_alone) return "not sent: bundle " + first.bundle.str() + " is no more";
    const auto index = plan.parameter(first.parameter);
    if (!index || first.overridden) return "";
    const std::string left = model_refusal(*index, first, oracle.readings());
    return left.empty() ? "" : "not sent: " + left;
  }
  std::vector<const DecisionRecord*> members(bundle->members.size(), nullptr);
  std::size_t found = 0;
  for (const std::uint64_t id : group) {
    const DecisionRecord& record = adjustments.at(id);
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (plan.parameters[bundle->members[i]].name != record.parameter) continue;
      members[i] = &record;
      ++found;
    }
  }
  if (found != group.size()) return "not sent: bundle " + first.bundle.str() + " has other members now";
  for (std::size_t i = 0; i < members.size(); ++i) {  // of a policy that has bound them together since
    const auto& under_way = parameters[bundle->members[i]].under_way;
    if (members[i] != nullptr || !under_way) continue;
    return "not sent: adjustment " + std::to_string(under_way->id) + " of " +
           plan.parameters[bundle->members[i]].name.str() + ", in the same bundle, is under way";
  }
  std::string broken = broken_invariant(*bundle, members, oracle.readings());
  if (broken.empty()) broken = model_refusal(*bundle, members, oracle.readings());
  return broken.empty() ? "" : "not sent: " + broken;
}

Duration Engine::State::approval_for(std::uint32_t index, const DecisionRecord& record) const {
  const guardian::ParameterSettings& settings = *plan.parameters[index].settings;
  const bool needs_release =
      !record.overridden && settings.approve_above && (record.value - record.previous).abs() > *settings.approve_above;
  return needs_release ? settings.approval_max : Duration::zero();
}

Engine::State::Waiting Engine::State::waiting_of(std::uint32_t index, const DecisionRecord& record) const {
  if (record.value == record.previous) return {};
  if (!record.group.empty()) return {parameters[index].group_window, parameters[index].group_approval};
  if (record.overridden) return {};
  return {plan.parameters[index].settings->veto_window, approval_for(index, record)};
}

void Engine::State::finish_veto_window(std::uint32_t index, Effects& effects) {
  const ParameterRuntime& runtime = parameters[index];
  if (!runtime.under_way || runtime.under_way->sent) return;
  const std::vector<std::uint64_t> group = waiting_with(runtime.under_way->id);
  std::vector<std::uint32_t> members;
  std::string reason;
  for (const std::uint64_t id : group) {
    const DecisionRecord* const known = adjustments.find(id);
    const auto member = known == nullptr ? std::nullopt : plan.parameter(known->parameter);
    if (member && parameters[*member].under_way && parameters[*member].under_way->id == id) {
      members.push_back(*member);
      if (reason.empty()) reason = overtaken(*member, *known);
    } else if (reason.empty()) {
      reason = "not sent: a part of it is no longer there";
    }
  }
  const UnderWay& under_way = *runtime.under_way;  // a bundle's members have the same times
  const bool is_unreleased = !under_way.approval_ends.is_never() && !under_way.released;
  if (reason.empty() && progress.at < (is_unreleased ? under_way.approval_ends : under_way.ready)) return;
  if (reason.empty() && is_unreleased) {
    reason = "not sent: no guardian released it within " +
             text_of(under_way.approval_ends - adjustments.at(under_way.id).at);
  }
  for (std::size_t i = 0; i < members.size() && reason.empty(); ++i) {
    const DecisionRecord& record = adjustments.at(group[i]);
    reason = no_longer(members[i], record);
    if (!reason.empty() && group.size() > 1) reason += " (" + record.parameter.str() + ")";
  }
  if (reason.empty()) reason = bundle_no_longer(group);
  if (members.empty()) return withdraw(index);
  for (const std::uint32_t member : members) {
    DecisionRecord& record = adjustments.at(parameters[member].under_way->id);
    if (reason.empty()) {
      send(member, record, effects);
    } else {
      record.outcome = Outcome::withheld;
      record.why = record.why.str() + "; " + reason;
      withdraw(member);
    }
    effects.updates.push_back(record);
  }
}

void Engine::State::withdraw(std::uint32_t index) {
  const bool had_laws = !parameters[index].under_way->laws.empty();
  restore_laws(index);
  parameters[index].under_way.reset();
  if (had_laws) settle_decoupled(index, false);
}

void Engine::State::veto(std::uint64_t id, const guardian::Order& order, Effects& effects) {
  const std::string said = "vetoed by " + order.actor + ": " + order.reason;
  for (const std::uint64_t each : waiting_with(id)) {
    DecisionRecord* const known = adjustments.find(each);
    if (known == nullptr) continue;
    const auto index = plan.parameter(known->parameter);
    if (index && parameters[*index].under_way && parameters[*index].under_way->id == each) {
      withdraw(*index);
      back_off(*index, order.at, said);
    }
    known->outcome = Outcome::vetoed;
    known->answered = order.at;
    known->answer_detail = said;
    effects.updates.push_back(*known);
  }
}

}  // namespace homeostat::engine
