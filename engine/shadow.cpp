#include "engine/shadow.hpp"

#include <algorithm>
#include <limits>

#include "engine/state.hpp"
#include "guardian/signed_order.hpp"

namespace homeostat::engine {
namespace {

/// Adjustments answered for one input; each answer decides nothing, so there are no more than parameters.
LiveDecision decision_of(const DecisionRecord& record) {
  return {record.parameter, record.id,    record.outcome, record.answer,
          record.previous,  record.value, record.applied, record.why};
}

bool names_an_id(guardian::CommandKind kind) {
  return kind == guardian::CommandKind::veto || kind == guardian::CommandKind::release ||
         kind == guardian::CommandKind::approve || kind == guardian::CommandKind::reject;
}

ActuatorReport applied_at_once(const Adjustment& adjustment) {
  ActuatorReport report{.adjustment = adjustment.id,
                        .executor = "shadow",
                        .at = adjustment.created,
                        .applied = true,
                        .value = adjustment.value};
  for (const BundleMember& member : adjustment.members)
    report.members.push_back({member.parameter.str(), member.value});
  return report;
}

}  // namespace

std::vector<LiveDecision> live_decisions(const Effects& effects) {
  std::vector<LiveDecision> all;
  all.reserve(effects.records.size() + effects.updates.size());
  for (const auto* records : {&effects.updates, &effects.records}) {
    for (const DecisionRecord& record : *records) all.push_back(decision_of(record));
  }
  return all;
}

Result<Engine> Engine::fork(const PolicyChange& change) const {
  if (!change.policy) return fail(ErrorCode::invalid_argument, "policy", "there is none");
  Engine engine(change.policy);
  *engine.state_ = *state_;
  engine.state_->allowed_policies.emplace(guardian::fingerprint(change.text),
                                          Instant{std::numeric_limits<std::int64_t>::max()});
  Effects effects;
  engine.state_->change_policy(change, effects);
  if (!effects.outcome.accepted) return fail(ErrorCode::conflict, "policy", effects.outcome.message);
  return engine;
}

Result<Shadow> Shadow::fork(const Engine& live, PolicyPtr candidate, const std::string& text, Instant at) {
  auto engine = live.fork({.at = at, .actor = "shadow", .text = text, .policy = std::move(candidate)});
  if (!engine) return tl::make_unexpected(engine.error());
  Shadow shadow(std::move(*engine));
  shadow.forked_ = at;
  const View view = live.view();
  shadow.forked_decisions_ = view.decisions;
  return shadow;
}

bool Shadow::is_for_it(const Input& input) const {
  if (std::holds_alternative<PolicyChange>(input)) return false;
  if (const auto* report = std::get_if<ActuatorReport>(&input)) return report->adjustment <= forked_decisions_;
  if (const auto* command = std::get_if<GuardianCommand>(&input)) return !names_an_id(command->kind);
  if (const auto* command = std::get_if<SignedCommand>(&input)) {
    const auto order = guardian::parse_signed_order(command->text);
    return order && !names_an_id(order->command.kind);
  }
  return true;
}

void Shadow::step(const Input& input) {
  const auto* tick = std::get_if<Tick>(&input);
  Effects effects;
  if (tick == nullptr) {
    effects = engine_.apply(input);
  } else {
    // Its own grid; a slot that does not ascend is no tick of it.
    const auto slot = static_cast<std::uint64_t>(std::max<std::int64_t>(tick->at.ns, 0) / engine_.policy().period.ns);
    if (slot > engine_.last_slot()) effects = engine_.apply(Tick{slot, tick->at});
  }
  for (const DecisionRecord& record : effects.records) note(&ShadowParameter::shadow, record);
  for (const DecisionRecord& record : effects.updates) note(&ShadowParameter::shadow, record);
  for (const Adjustment& adjustment : effects.adjustments) {
    const Effects answered = engine_.apply(applied_at_once(adjustment));
    for (const DecisionRecord& record : answered.updates) note(&ShadowParameter::shadow, record);
  }
}

void Shadow::apply(const Input& input, const std::vector<LiveDecision>& live) {
  for (const LiveDecision& decision : live) note(&ShadowParameter::live, decision);
  if (is_for_it(input)) step(input);
  // A tick whose live decisions are not known (the daemon was down) is not compared.
  if (const auto* tick = std::get_if<Tick>(&input); tick != nullptr && !live.empty()) compare(*tick);
}

ShadowParameter& Shadow::parameter(const SharedText& name) {
  // Decisions come in the same order at every tick: the next is behind the last.
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (++last_ >= parameters_.size()) last_ = 0;
    if (parameters_[last_].name == name) return parameters_[last_];
  }
  last_ = parameters_.size();
  return parameters_.emplace_back(ShadowParameter{.name = name});
}

// A value counts from its sending on, so that a slow executor is not a difference between policies.
template <class Decision>
void Shadow::note(ShadowSide ShadowParameter::*which, const Decision& d) {
  ShadowSide& side = parameter(d.parameter).*which;
  const bool is_new = d.outcome == Outcome::emitted && d.answer == Answer::waiting && side.waiting != d.id;
  if (is_new) {
    side.waiting = d.id;
    side.value = d.value;
    ++side.adjustments;
  } else if (d.id == side.waiting && d.answer != Answer::waiting) {
    side.waiting = 0;
    side.value = d.answer == Answer::applied ? d.applied : d.previous;
  } else if (side.waiting == 0 && (d.answer == Answer::none || !side.known)) {
    side.value = d.answer == Answer::applied ? d.applied : d.previous;
  }
  if (d.answer == Answer::none || d.answer == Answer::waiting || !side.known) side.why = d.why;
  side.known = true;
}

void Shadow::compare(const Tick& tick) {
  ++ticks_;
  for (ShadowParameter& p : parameters_) {
    if (!p.live.known || !p.shadow.known || p.live.value.decimals() != p.shadow.value.decimals()) continue;
    ++p.compared;
    if (p.live.value == p.shadow.value) continue;
    ++p.differing;
    const Decimal distance = (p.live.value - p.shadow.value).abs();
    if (!p.first) {
      p.first = Divergence{tick.slot, tick.at, p.live.value, p.shadow.value, p.live.why, p.shadow.why};
      p.distance_max = Decimal(0, distance.decimals());
    }
    if (distance > p.distance_max) {
      p.distance_max = distance;
      p.distance_max_at = tick.at;
    }
  }
}

std::string Shadow::save() const {
  Writer writer;
  writer(forked_);
  writer(forked_decisions_);
  writer(ticks_);
  writer(parameters_);
  writer(engine_.save());
  return writer.take();
}

Result<Shadow> Shadow::load(PolicyPtr candidate, std::string_view bytes) {
  Instant forked;
  std::uint64_t decisions = 0;
  std::uint64_t ticks = 0;
  std::vector<ShadowParameter> parameters;
  std::string state;
  Reader reader(bytes);
  reader(forked);
  reader(decisions);
  reader(ticks);
  reader(parameters);
  reader(state);
  if (!reader.is_done()) return fail(ErrorCode::corrupt, "shadow", "the saved bytes do not make a shadow");
  auto engine = Engine::load(std::move(candidate), state);
  if (!engine) return tl::make_unexpected(engine.error());
  Shadow shadow(std::move(*engine));
  shadow.forked_ = forked;
  shadow.forked_decisions_ = decisions;
  shadow.ticks_ = ticks;
  shadow.parameters_ = std::move(parameters);
  return shadow;
}

}  // namespace homeostat::engine
