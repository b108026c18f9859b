// Guardian commands and policy changes. A refused one changes nothing but its own count, and says why.
#include "core/format.hpp"
#include "core/text.hpp"
#include "engine/state.hpp"

namespace homeostat::engine {
namespace {

constexpr std::size_t kFingerprintLength = 64;  // hexadecimal SHA-256
constexpr std::size_t kAllowedPoliciesMax = 16;

using guardian::CauseKind;
using guardian::Expiry;
using guardian::Order;

template <class Plans>
Error unknown(const char* what, const std::string& name, const Plans& plans) {
  std::vector<std::string_view> names;
  for (const auto& plan : plans) names.push_back(plan.settings->name);
  return {ErrorCode::unknown_name, "target",
          std::string("no ") + what + " is named '" + name + "'" + did_you_mean(name, names)};
}

std::string until_text(const Order& order) {
  return order.until.is_never() ? "" : " until " + text_of(order.until);
}

/// One command against one state: each method says what will happen, or why it is refused.
struct Handler {
  Engine::State& state;
  const GuardianCommand& command;
  Effects& effects;
  Order order;

  using Said = Result<std::string>;

  const guardian::Settings& settings() const { return state.policy->guardian; }

  Result<std::uint32_t> parameter() const {
    if (const auto index = state.plan.parameter(command.target)) return *index;
    return tl::make_unexpected(unknown("parameter", command.target, state.plan.parameters));
  }
  Result<std::uint32_t> loop() const {
    if (const auto index = state.plan.loop(command.target)) return *index;
    return tl::make_unexpected(unknown("loop", command.target, state.plan.loops));
  }
  Result<> no_target() const {
    if (command.target.empty()) return {};
    return fail(ErrorCode::invalid_argument, "target", "this command acts on everything: leave the target empty");
  }

  Said pause() {
    if (auto ok = check_order(settings(), order, Expiry::optional); !ok) return tl::make_unexpected(ok.error());
    if (command.target.empty()) {
      state.modes.raise({CauseKind::guardian_pause, order.actor, order.reason, order.at, order.until, Instant{}});
      return "everything is paused" + until_text(order);
    }
    const auto index = parameter();
    if (!index) return tl::make_unexpected(index.error());
    state.parameters[*index].pause = order;
    return command.target + " is paused" + until_text(order);
  }

  Said resume() {
    if (auto ok = check_order(settings(), order, Expiry::optional); !ok) return tl::make_unexpected(ok.error());
    if (command.target.empty()) {
      if (state.modes.clear_all(CauseKind::guardian_pause) == 0) {
        return fail(ErrorCode::conflict, "target",
                    "not everything is paused; name the parameter to resume one that is paused on its own");
      }
      state.align_all();
      return "resumed; parameters that are paused on their own stay paused";
    }
    const auto index = parameter();
    if (!index) return tl::make_unexpected(index.error());
    if (!state.parameters[*index].pause) return fail(ErrorCode::conflict, "target", command.target + " is not paused");
    state.parameters[*index].pause.reset();
    state.align(*index);
    return command.target + " is resumed";
  }

  Said override_value() {
    const auto index = parameter();
    if (!index) return tl::make_unexpected(index.error());
    auto made = make_override(settings(), *state.plan.parameters[*index].settings, order, command.value);
    if (!made) return tl::make_unexpected(made.error());
    const std::string text = command.target + " will be held at " + made->value.to_string() + until_text(order);
    state.parameters[*index].override_order = std::move(*made);
    return text;
  }

  Said clear_override() {
    if (auto ok = check_order(settings(), order, Expiry::optional); !ok) return tl::make_unexpected(ok.error());
    const auto index = parameter();
    if (!index) return tl::make_unexpected(index.error());
    auto& runtime = state.parameters[*index];
    if (!runtime.override_order) return fail(ErrorCode::conflict, "target", command.target + " is not overridden");
    runtime.override_order.reset();
    state.align(*index);
    return command.target + " goes on from " + runtime.guarded.applied.to_string();
  }

  Said shift_setpoint() {
    const auto index = loop();
    if (!index) return tl::make_unexpected(index.error());
    const LoopPlan& loop_plan = state.plan.loops[*index];
    const auto& metric = state.policy->oracle.metrics[loop_plan.metric];
    auto made = make_shift(settings(), loop_plan.settings->setpoint, metric.min, metric.max, order, command.shift);
    if (!made) return tl::make_unexpected(made.error());
    state.loops[*index].shift = std::move(*made);
    return "the set-point of " + command.target + " moves to " + text_of(loop_plan.settings->setpoint + command.shift) +
           until_text(order);
  }

  Said clear_shift() {
    if (auto ok = check_order(settings(), order, Expiry::optional); !ok) return tl::make_unexpected(ok.error());
    const auto index = loop();
    if (!index) return tl::make_unexpected(index.error());
    if (!state.loops[*index].shift) return fail(ErrorCode::conflict, "target", command.target + " is not shifted");
    state.loops[*index].shift.reset();
    return "the set-point of " + command.target + " goes back";
  }

  Said emergency_on() {
    if (auto ok = check_order(settings(), order, Expiry::optional); !ok) return tl::make_unexpected(ok.error());
    if (auto ok = no_target(); !ok) return tl::make_unexpected(ok.error());
    state.modes.raise({CauseKind::guardian_emergency, order.actor, order.reason, order.at, order.until, Instant{}});
    return "emergency gains and limits are in force" + until_text(order);
  }

  Said emergency_off() {
    if (auto ok = check_order(settings(), order, Expiry::optional); !ok) return tl::make_unexpected(ok.error());
    if (auto ok = no_target(); !ok) return tl::make_unexpected(ok.error());
    if (state.modes.clear_all(CauseKind::guardian_emergency) == 0) {
      return fail(ErrorCode::conflict, "kind", "no guardian has ordered an emergency");
    }
    return state.modes.is_emergency() ? "no longer ordered; a metric still keeps the emergency on"
                                      : "the ordered emergency is over";
  }

  Said veto() {
    if (auto ok = check_order(settings(), order, Expiry::optional); !ok) return tl::make_unexpected(ok.error());
    for (std::uint32_t i = 0; i < state.parameters.size(); ++i) {
      const auto& under_way = state.parameters[i].under_way;
      if (!under_way || under_way->id != command.id) continue;
      if (under_way->sent) {
        return fail(ErrorCode::conflict, "adjustment",
                    "adjustment " + std::to_string(command.id) + " was already sent");
      }
      const std::size_t others = state.waiting_with(command.id).size() - 1;
      state.veto(command.id, order, effects);
      return "adjustment " + std::to_string(command.id) + " will not be sent" +
             (others == 0 ? "" : ", nor the " + std::to_string(others) + " that would go with it");
    }
    return fail(ErrorCode::unknown_name, "adjustment",
                "adjustment " + std::to_string(command.id) + " is not in a veto window");
  }

  Said release() {
    if (auto ok = check_order(settings(), order, Expiry::optional); !ok) return tl::make_unexpected(ok.error());
    const std::string what = "adjustment " + std::to_string(command.id);
    for (ParameterRuntime& runtime : state.parameters) {
      auto& under_way = runtime.under_way;
      if (!under_way || under_way->id != command.id) continue;
      if (under_way->sent) return fail(ErrorCode::conflict, "adjustment", what + " was already sent");
      if (under_way->approval_ends.is_never()) {
        return fail(ErrorCode::conflict, "adjustment", what + " needs no release; it waits for its veto window alone");
      }
      if (under_way->released) return fail(ErrorCode::duplicate, "adjustment", what + " was released before");
      if (order.at >= under_way->approval_ends) {  // also where the tick that gives it up is still to come
        return fail(ErrorCode::conflict, "adjustment",
                    what + " could be released until " + text_of(under_way->approval_ends) + "; it will not be sent");
      }
      for (const std::uint64_t id : state.waiting_with(command.id)) {
        for (ParameterRuntime& member : state.parameters) {
          if (member.under_way && member.under_way->id == id) member.under_way->released = true;
        }
      }
      return what + (order.at < under_way->ready
                         ? " will be sent when its veto window has passed, at " + text_of(under_way->ready)
                         : " will be sent at the next tick, if it is still allowed then");
    }
    return fail(ErrorCode::unknown_name, "adjustment", what + " does not wait for a release");
  }

  Said clear_halt() {
    if (auto ok = check_order(settings(), order, Expiry::optional); !ok) return tl::make_unexpected(ok.error());
    const bool was_doubted = state.trust_again(command.target);
    if (auto ok = state.oracle.clear(command.target, order.at); !ok && !was_doubted) {
      return tl::make_unexpected(ok.error());
    }
    return "the newest value of " + command.target + " is accepted";
  }

  Said allow_policy() {
    if (auto ok = check_order(settings(), order, Expiry::optional); !ok) return tl::make_unexpected(ok.error());
    if (command.target.size() != kFingerprintLength ||
        command.target.find_first_not_of("0123456789abcdef") != std::string::npos) {
      return fail(ErrorCode::malformed, "target",
                  "must be the configuration's fingerprint, " + std::to_string(kFingerprintLength) +
                      " digits (homeostat check FILE prints it)");
    }
    const Instant until = order.until.is_never() ? order.at + settings().order_valid_max : order.until;
    if (state.allowed_policies.size() >= kAllowedPoliciesMax) {
      return fail(ErrorCode::resource_exhausted, "target",
                  "too many policies are allowed already; wait for one to expire");
    }
    state.allowed_policies[command.target] = until;
    return "policy " + command.target.substr(0, 12) + " may be loaded until " + text_of(until);
  }

  Said handle() {
    switch (command.kind) {
      case CommandKind::pause: return pause();
      case CommandKind::resume: return resume();
      case CommandKind::override_value: return override_value();
      case CommandKind::clear_override: return clear_override();
      case CommandKind::shift_setpoint: return shift_setpoint();
      case CommandKind::clear_shift: return clear_shift();
      case CommandKind::emergency_on: return emergency_on();
      case CommandKind::emergency_off: return emergency_off();
      case CommandKind::veto: return veto();
      case CommandKind::release: return release();
      case CommandKind::clear_halt: return clear_halt();
      case CommandKind::allow_policy: return allow_policy();
      case CommandKind::approve:
      case CommandKind::reject: break;  // only signed ones: authority.cpp
    }
    return fail(ErrorCode::unsupported, "kind", std::string(name_of(command.kind)) + " needs a signature");
  }
};

}  // namespace

Result<std::string> Engine::State::carry_out(const GuardianCommand& command, Effects& effects) {
  Handler handler{*this, command, effects, {command.actor, command.reason, command.at, command.until}};
  return handler.handle();
}

void Engine::State::conclude(const GuardianCommand& command, const Result<std::string>& said, Effects& effects) {
  effects.outcome.accepted = said.has_value();
  effects.outcome.message = said ? *said : said.error().text();
  effects.outcome.refusal = said ? ErrorCode::conflict : said.error().code;
  ++(said ? progress.commands_accepted : progress.commands_refused);
  effects.notices.push_back({NoticeKind::command, command.at, command.target.empty() ? "all" : command.target,
                             std::string(name_of(command.kind)) + " by " + command.actor +
                                 (said ? ": " : " refused: ") + effects.outcome.message +
                                 (command.reason.empty() ? "" : " (" + command.reason + ")")});
}

void Engine::State::command(const GuardianCommand& command, Effects& effects) {
  effects.outcome.id = ++progress.commands;
  if (policy->guardian.keys.empty()) return conclude(command, carry_out(command, effects), effects);
  conclude(command,
           fail(ErrorCode::permission_denied, "",
                "policy " + policy->name + " takes signed orders only: sign it with homeostat guardian --key FILE"),
           effects);
}

}  // namespace homeostat::engine
