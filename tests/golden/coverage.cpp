#include "coverage.hpp"

#include <algorithm>
#include <functional>
#include <iterator>

#include "controller/law.hpp"
#include "guardian/signed_order.hpp"

namespace homeostat::golden {
namespace {

using engine::Answer;
using engine::CommandKind;
using engine::DecisionRecord;
using engine::Outcome;

/// What a stream of inputs cannot reach, and why.
const std::set<std::string, std::less<>> kOutOfReach = {
    "law says none",   // pid's terms say it
    "law says fault",  // 256 bits are more than any reading can fill
};

std::string_view name_of(guardian::Arbitration a) {
  switch (a) {
    case guardian::Arbitration::sum: return "sum";
    case guardian::Arbitration::min: return "min";
    case guardian::Arbitration::max: return "max";
    case guardian::Arbitration::first: return "first";
    case guardian::Arbitration::weighted: return "weighted";
  }
  return "?";
}
constexpr guardian::Arbitration last_of(guardian::Arbitration) {
  return guardian::Arbitration::weighted;
}
std::string_view name_of(controller::AntiWindup a) {
  switch (a) {
    case controller::AntiWindup::tracking: return "tracking";
    case controller::AntiWindup::conditional: return "conditional";
    case controller::AntiWindup::back_calculation: return "back calculation";
  }
  return "?";
}
constexpr controller::AntiWindup last_of(controller::AntiWindup) {
  return controller::AntiWindup::back_calculation;
}
std::string_view name_of(controller::Integration i) {
  switch (i) {
    case controller::Integration::trapezoid: return "trapezoid";
    case controller::Integration::forward: return "forward";
    case controller::Integration::backward: return "backward";
  }
  return "?";
}
constexpr controller::Integration last_of(controller::Integration) {
  return controller::Integration::backward;
}
std::string_view name_of(Forgery f) {
  switch (f) {
    case Forgery::none: return "none";
    case Forgery::replayed: return "replayed";
    case Forgery::late: return "late";
    case Forgery::altered: return "altered";
    case Forgery::unknown_key: return "unknown key";
    case Forgery::other_policy: return "other policy";
    case Forgery::wrong_signature: return "wrong signature";
  }
  return "?";
}
constexpr Forgery last_of(Forgery) {
  return Forgery::wrong_signature;
}
constexpr engine::NoticeKind last_of(engine::NoticeKind) {
  return engine::NoticeKind::missed_slots;
}
constexpr oracle::Refusal last_of(oracle::Refusal) {
  return oracle::Refusal::rate_of_change;
}
std::string_view name_of(oracle::SourceCondition c) {
  switch (c) {
    case oracle::SourceCondition::connected: return "connected";
    case oracle::SourceCondition::failing: return "failing";
    case oracle::SourceCondition::wrong_chain: return "wrong chain";
    case oracle::SourceCondition::violated: return "violated";
    case oracle::SourceCondition::disputed: return "disputed";
  }
  return "?";
}

/// "what name"; each enumeration is used with one `what` only.
template <class Enum>
const std::string& label(const char* what, Enum value) {
  static const std::vector<std::string> all = [what] {
    std::vector<std::string> made;
    for (int i = 0; i <= static_cast<int>(last_of(Enum{})); ++i) {
      made.push_back(std::string(what) + " " + std::string(name_of(static_cast<Enum>(i))));
    }
    return made;
  }();
  return all[static_cast<std::size_t>(value)];
}
template <class Enum>
void ask_for(const char* what, std::set<std::string, std::less<>>& names, Enum first = Enum{}) {
  for (int i = static_cast<int>(first); i <= static_cast<int>(last_of(Enum{})); ++i) {
    names.insert(label(what, static_cast<Enum>(i)));
  }
}

constexpr const char* kMode = "mode";
constexpr const char* kOutcome = "outcome";
constexpr const char* kAnswer = "answer";
constexpr const char* kLimit = "limit";
constexpr const char* kArbitration = "arbitration of several loops:";
constexpr const char* kAction = "action";
constexpr const char* kLaw = "sent by the law";
constexpr const char* kLawSays = "law says";
constexpr const char* kAntiWindup = "pid: anti-windup";
constexpr const char* kIntegration = "pid: integration";
constexpr const char* kQuality = "quality";
constexpr const char* kRefusal = "sample refused:";
constexpr const char* kCondition = "source reports:";
constexpr const char* kNotice = "notice";
constexpr const char* kCause = "cause";
constexpr const char* kCarriedOut = "carried out:";
constexpr const char* kForgery = "signed order refused:";

/// What no enumeration names.
const char* const kOthers[] = {
    "a tick after missed slots",
    "a tick that is ignored",
    "terms: frozen",
    "terms: emergency gains",
    "terms: wait for an answer",
    "terms: anti-windup",
    "terms: a driving loop",
    "terms: a gain schedule above 1",
    "terms: a gain schedule below 1",
    "terms: a weight between 0 and 1",
    "terms: a share of a decoupled loop",
    "terms: a doubtful reading",
    "terms: a reading of blocks that may go",
    "terms: a reading of final blocks",
    "terms: a reading of too little liquidity",
    "terms: a reading that the guard holds",
    "terms: a reading with a confidence",
    "terms: a reading that does not respond",
    "sent: an override",
    "sent: in an emergency",
    "sent: decoupled",
    "sent: of a bundle alone",
    "sent: a bundle",
    "sent: transfers to recipients",
    "bundle refused: invariant",
    "bundle refused: an unusable reading",
    "bundle refused: a limited member",
    "bundle refused: model",
    "bundle refused: one is under way",
    "waited: sent after all",
    "waited: not sent",
    "answer: applied in part",
    "answer: to a bundle, in part",
    "answer: applied after it expired",
    "answer: refused",
    "order: signed, carried out",
    "order: waits for signatures",
    "order: unsigned, refused",
    "order: ran out",
    "order: refused for its content",
    "policy: changed",
    "policy: another period",
    "policy: refused",
    "policy: refused, it loosens limits",
    "policy: refused, other decimals",
    "policy: refused, it contradicts itself",
    "policy: promoted",
    "policy: promotion refused",
    "chain: refused",
    "chain: reorg",
    "pid: reverse",
    "pid: relative error",
    "pid: deadband",
    "pid: set-point weight",
    "pid: leak",
    "pid: derivative filter",
    "pid: feed-forward",
    "pid: input filter",
    "pid: slew limit",
    "pid: tracking time",
    "pid: integral limits",
    "pid: dt cap",
    "pid: set-point ramp",
    "shadow: decided",
    "shadow: differed",
    "restart from saved state",
};

/// Why what waited was not sent after all, by the words of the record.
const std::pair<const char*, const char*> kNotSent[] = {
    {"not sent: nobody released it", "no guardian released it"},
    {"not sent: no longer allowed", "no longer allowed when"},
    {"not sent: no usable reading", "no loop had a usable reading"},
    {"not sent: another value was applied", "was applied in its veto window"},
    {"not sent: overtaken by an override", "overtaken"},
    {"not sent: an invariant", "does not hold"},
    {"not sent: the model", "by the plant of"},
};

std::set<std::string, std::less<>> wanted() {
  std::set<std::string, std::less<>> names(std::begin(kOthers), std::end(kOthers));
  ask_for<guardian::OperatingMode>(kMode, names);
  ask_for<Outcome>(kOutcome, names);
  ask_for<Answer>(kAnswer, names, Answer::applied);
  ask_for<guardian::Limit>(kLimit, names);
  ask_for<guardian::Arbitration>(kArbitration, names);
  ask_for<guardian::ActionKind>(kAction, names);
  ask_for<controller::LawKind>(kLaw, names);
  ask_for<controller::LawReason>(kLawSays, names);
  ask_for<controller::AntiWindup>(kAntiWindup, names);
  ask_for<controller::Integration>(kIntegration, names);
  ask_for<oracle::Quality>(kQuality, names);
  ask_for<oracle::Refusal>(kRefusal, names, oracle::Refusal::unknown_source);
  ask_for<oracle::SourceCondition>(kCondition, names);
  ask_for<engine::NoticeKind>(kNotice, names);
  ask_for<guardian::CauseKind>(kCause, names);
  ask_for<CommandKind>(kCarriedOut, names);
  ask_for<Forgery>(kForgery, names, Forgery::replayed);
  for (const char* policy : kPolicies) names.insert(std::string("tick under policy ") + policy);
  for (const auto& [what, words] : kNotSent) names.insert(what);
  for (const auto& name : kOutOfReach) names.erase(name);
  return names;
}

template <class All>
const auto* named(const All& all, std::string_view name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& x) { return x.name == name; });
  return found == all.end() ? nullptr : &*found;
}

/// No quality comes to it.
bool is_for_liquidity(double authority) {
  return authority > 0 && authority != oracle::kDoubtedAuthority &&
         authority != oracle::authority_of(oracle::Quality::degraded) && authority != 1;
}

bool is_of_chain(const oracle::Reading& reading) {
  return reading.provenance.block != oracle::Hash32{};
}

}  // namespace

void Coverage::add(std::string_view what) {
  const auto found = counts_.find(what);
  if (found != counts_.end()) {
    ++found->second;
  } else {
    counts_.emplace(what, 1);
  }
}

void Coverage::note(const engine::Policy& policy, const engine::Input& input, const engine::Effects& effects,
                    Forgery forgery) {
  if (std::holds_alternative<engine::Tick>(input)) {
    add("tick under policy " + policy.name);
    if (effects.records.empty()) add("a tick that is ignored");
  }
  if (std::holds_alternative<oracle::ChainSegment>(input) && !effects.chain) add("chain: refused");
  if (const auto* report = std::get_if<oracle::SourceReport>(&input)) add(label(kCondition, report->condition));
  for (const auto& verdict : effects.verdict.refused) add(label(kRefusal, verdict.refusal));
  for (const engine::Notice& notice : effects.notices) {
    add(label(kNotice, notice.kind));
    const auto says = [&](const char* what) { return notice.text.find(what) != std::string::npos; };
    if (notice.kind == engine::NoticeKind::command && says(" expired")) add("order: ran out");
    if (notice.kind == engine::NoticeKind::actuator && says("applied in part")) {
      add("answer: to a bundle, in part");
    }
  }
  note_order(policy, input, effects, forgery);
  for (const DecisionRecord& record : effects.records) note_record(policy, record);
  for (const DecisionRecord& record : effects.updates) note_update(policy, record);
  for (const engine::Adjustment& adjustment : effects.adjustments) note_adjustment(adjustment);
}

void Coverage::note_order(const engine::Policy& policy, const engine::Input& input, const engine::Effects& effects,
                          Forgery forgery) {
  const bool accepted = effects.outcome.accepted;
  if (std::holds_alternative<engine::ActuatorReport>(input) && !accepted) add("answer: refused");
  if (const auto* change = std::get_if<engine::PolicyChange>(&input)) {
    add(accepted ? "policy: changed" : "policy: refused");
    const auto says = [&](const char* what) { return effects.outcome.message.find(what) != std::string::npos; };
    if (!accepted && says("loosens limits")) add("policy: refused, it loosens limits");
    if (!accepted && says("while running")) add("policy: refused, other decimals");
    if (!accepted && says("(and ") && !says("loosens limits")) add("policy: refused, it contradicts itself");
    if (accepted && change->policy->period != policy.period) add("policy: another period");
    if (change->promotion) add(accepted ? "policy: promoted" : "policy: promotion refused");
  }
  if (const auto* command = std::get_if<engine::GuardianCommand>(&input)) {
    if (accepted) add(label(kCarriedOut, command->kind));
    if (!accepted) add(policy.guardian.keys.empty() ? "order: refused for its content" : "order: unsigned, refused");
  }
  const auto* signed_one = std::get_if<engine::SignedCommand>(&input);
  if (signed_one == nullptr) return;
  if (!accepted && forgery != Forgery::none) add(label(kForgery, forgery));
  if (!accepted) return;
  if (effects.outcome.missing > 0) return add("order: waits for signatures");
  add("order: signed, carried out");
  if (const auto order = guardian::parse_signed_order(signed_one->text)) add(label(kCarriedOut, order->command.kind));
}

void Coverage::note_record(const engine::Policy& policy, const DecisionRecord& record) {
  add(label(kMode, record.mode));
  add(label(kOutcome, record.outcome));
  for (const auto& bite : record.limits) {
    add(label(kLimit, bite.limit));
    if (bite.limit != guardian::Limit::bundle) continue;
    const auto has = [&](std::string_view what) { return bite.detail.find(what) != std::string::npos; };
    if (has("does not hold")) add("bundle refused: invariant");
    if (has("cannot be judged")) add("bundle refused: an unusable reading");
    if (has("is not moved in part")) add("bundle refused: a limited member");
    if (has("the whole bundle moved")) add("bundle refused: model");
    if (has("is not answered yet") || has("waits for its veto")) add("bundle refused: one is under way");
  }
  for (const engine::LoopTerms& terms : record.loops) {
    add(label(kQuality, terms.reading.quality));
    if (terms.law != controller::LawKind::pid) add(label(kLawSays, terms.reason));
    if (terms.frozen) add("terms: frozen");
    if (terms.emergency_gains) add("terms: emergency gains");
    if (terms.waiting) add("terms: wait for an answer");
    if (terms.tracking != 0) add("terms: anti-windup");
    if (!terms.drives.empty() && terms.output != 0) add("terms: a driving loop");
    if (terms.gain_factor > 1) add("terms: a gain schedule above 1");
    if (terms.gain_factor < 1) add("terms: a gain schedule below 1");
    if (terms.weight > 0 && terms.weight < 1) add("terms: a weight between 0 and 1");
    if (!terms.moves.empty() && terms.contribution != 0) add("terms: a share of a decoupled loop");
    if (terms.reading.authority > 0 && terms.reading.authority < 1) add("terms: a doubtful reading");
    if (terms.reading.unresponsive) add("terms: a reading that does not respond");
    if (terms.reading.confidence > 0) add("terms: a reading with a confidence");
    if (terms.reading.guard_gap > 0) add("terms: a reading that the guard holds");
    if (is_for_liquidity(terms.reading.authority)) add("terms: a reading of too little liquidity");
    if (is_of_chain(terms.reading)) {
      add(terms.reading.provisional > 0 ? "terms: a reading of blocks that may go"
                                        : "terms: a reading of final blocks");
    }
  }
  if (record.outcome == Outcome::emitted) note_sent(policy, record);
  if (record.outcome == Outcome::awaiting_approval || record.outcome == Outcome::awaiting_veto) {
    waiting_.insert(record.id);
  }
}

void Coverage::note_sent(const engine::Policy& policy, const DecisionRecord& record) {
  if (record.overridden) return add("sent: an override");
  if (record.mode == guardian::OperatingMode::emergency) add("sent: in an emergency");
  std::size_t acting = 0;
  for (const engine::LoopTerms& terms : record.loops) {
    if (!terms.drives.empty()) continue;
    if (!terms.frozen) ++acting;
    add(label(kLaw, terms.law));
    if (!terms.decoupling.empty()) add("sent: decoupled");
    const auto* loop = named(policy.loops, terms.loop.view());
    if (loop != nullptr && terms.law == controller::LawKind::pid) note_pid(*loop);
  }
  const auto* parameter = named(policy.guardian.parameters, record.parameter.view());
  const bool is_decoupled = !record.loops.empty() && !record.loops.front().decoupling.empty();
  if (parameter != nullptr && acting >= 2 && !is_decoupled) add(label(kArbitration, parameter->arbitration));
}

void Coverage::note_pid(const controller::LoopSettings& loop) {
  const controller::PidSettings& pid = loop.pid;
  const auto zero = Duration::zero();
  add(label(kAntiWindup, pid.anti_windup));
  add(label(kIntegration, pid.integration));
  if (pid.action == controller::Action::reverse) add("pid: reverse");
  if (pid.error == controller::ErrorKind::relative) add("pid: relative error");
  if (pid.deadband > 0) add("pid: deadband");
  if (pid.setpoint_weight != 1) add("pid: set-point weight");
  if (pid.leak_half_life > zero) add("pid: leak");
  if (pid.derivative_filter > zero) add("pid: derivative filter");
  if (pid.feed_forward != 0) add("pid: feed-forward");
  if (pid.input_filter > zero) add("pid: input filter");
  if (pid.slew_per_s > 0) add("pid: slew limit");
  if (pid.tracking_time > zero) add("pid: tracking time");
  if (pid.integral_min != pid.integral_max) add("pid: integral limits");
  if (pid.dt_max > zero) add("pid: dt cap");
  if (loop.setpoint_ramp_per_s > 0) add("pid: set-point ramp");
}

void Coverage::note_adjustment(const engine::Adjustment& adjustment) {
  if (adjustment.members.empty()) {
    add(label(kAction, adjustment.act.kind));
    if (!adjustment.bundle.empty()) add("sent: of a bundle alone");
    if (!adjustment.act.transfers.empty()) add("sent: transfers to recipients");
    return;
  }
  add("sent: a bundle");
  for (const auto& member : adjustment.members) add(label(kAction, member.act.kind));
}

void Coverage::note_update(const engine::Policy& policy, const DecisionRecord& record) {
  if (waiting_.erase(record.id) > 0) {
    add(record.outcome == Outcome::emitted ? "waited: sent after all" : "waited: not sent");
    add(label(kOutcome, record.outcome));
    if (record.outcome == Outcome::emitted) note_sent(policy, record);
    for (const auto& [what, words] : kNotSent) {
      if (record.why.str().find(words) != std::string::npos) add(what);
    }
  }
  if (record.answer == Answer::none || record.answer == Answer::waiting) return;
  Answer& last = answers_[record.id];
  if (last == record.answer) return;
  add(label(kAnswer, record.answer));
  if (record.answer == Answer::applied && last == Answer::expired) add("answer: applied after it expired");
  if (record.answer == Answer::applied && record.applied != record.value) add("answer: applied in part");
  last = record.answer;
}

void Coverage::note(const engine::View& view) {
  for (const auto& cause : view.causes) add(label(kCause, cause.kind));
  for (const auto& source : view.sources) {
    if (source.reorgs > 0) add("chain: reorg");
  }
  if (view.missed_slots > 0) add("a tick after missed slots");
}

void Coverage::note(const engine::Shadow& shadow) {
  for (const auto& parameter : shadow.parameters()) {
    if (parameter.shadow.adjustments > 0) add("shadow: decided");
    if (parameter.differing > 0) add("shadow: differed");
  }
}

std::vector<std::pair<std::string, std::uint64_t>> Coverage::counts() const {
  std::vector<std::pair<std::string, std::uint64_t>> all;
  for (const std::string& name : wanted()) {
    const auto found = counts_.find(name);
    all.emplace_back(name, found == counts_.end() ? 0 : found->second);
  }
  return all;
}

}  // namespace homeostat::golden
