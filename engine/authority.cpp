// Signed orders. The signature, the key's role and the approvals are judged here, by the engine, from what the policy
// says and what was signed: a replay proves every one of them again.
#include "guardian/authority.hpp"

#include <cmath>

#include "core/format.hpp"
#include "engine/state.hpp"

namespace homeostat::engine {
namespace {

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string missing_text(std::uint64_t id, std::uint32_t missing, Instant expires) {
  return "waits for " + std::to_string(missing) + (missing == 1 ? " more signature" : " more signatures") + " until " +
         text_of(expires) + ": homeostat guardian approve " + std::to_string(id);
}

}  // namespace

double Engine::State::size_of(const GuardianCommand& command) const {
  double before = 0, move = 0;
  if (command.kind == CommandKind::override_value && command.value) {
    if (const auto index = plan.parameter(command.target)) {
      before = parameters[*index].guarded.applied.to_double();
      move = command.value->to_double() - before;
    }
  } else if (command.kind == CommandKind::shift_setpoint) {
    if (const auto index = plan.loop(command.target)) {
      before = plan.loops[*index].settings->setpoint;
      move = command.shift;
    }
  }
  if (move == 0) return 0;
  return before == 0 ? HUGE_VAL : std::fabs(move / before);
}

void Engine::State::signed_command(const SignedCommand& command, Effects& effects) {
  effects.outcome.id = ++progress.commands;
  auto order = authority.admit(policy->guardian, policy->name, command.text, command.signature, command.at);
  if (!order) {
    effects.outcome.refusal = order.error().code;
    effects.outcome.message = order.error().text();
    ++progress.commands_refused;
    effects.notices.push_back({NoticeKind::command, command.at, "signed order", "refused: " + effects.outcome.message});
    return;
  }
  conclude(order->command, judge(*order, effects), effects);
}

Result<std::string> Engine::State::judge(const guardian::SignedOrder& order, Effects& effects) {
  const GuardianCommand& command = order.command;
  if (command.kind == CommandKind::reject) {
    const auto rejected = authority.reject(command.id);
    if (!rejected) return tl::make_unexpected(rejected.error());
    return std::string(name_of(rejected->kind)) + " by " + rejected->actor + " will not be carried out";
  }
  if (command.kind == CommandKind::approve) {
    const auto pending = authority.pending().find(command.id);
    const Instant expires = pending == authority.pending().end() ? Instant{} : pending->second.expires;
    const auto approved = authority.approve(policy->guardian, command.id, command.actor, command.at);
    if (!approved) return tl::make_unexpected(approved.error());
    if (approved->missing > 0) {
      return std::string(name_of(approved->command.kind)) + " by " + approved->command.actor + " " +
             missing_text(command.id, approved->missing, expires);
    }
    auto said = carry_out(approved->command, effects);
    if (!said) return said;
    return std::string(name_of(approved->command.kind)) + " by " + approved->command.actor + ": " + *said;
  }
  const std::uint32_t needed = signatures_needed(policy->guardian, command.kind, size_of(command));
  if (needed <= 1) return carry_out(command, effects);
  // What would be refused anyway is refused now, not when the last one has signed.
  State trial = *this;
  Effects unused;
  if (auto said = trial.carry_out(command, unused); !said) return said;
  const guardian::Pending pending{command, {command.actor}, needed, order.expires};
  if (auto ok = authority.wait(effects.outcome.id, pending); !ok) return tl::make_unexpected(ok.error());
  effects.outcome.missing = needed - 1;
  return missing_text(effects.outcome.id, needed - 1, order.expires);
}

void Engine::State::expire_authority(Instant at, Effects& effects) {
  for (const auto& [id, pending] : authority.expire(at)) {
    effects.notices.push_back({NoticeKind::command, at, pending.command.target.empty() ? "all" : pending.command.target,
                               std::string(name_of(pending.command.kind)) + " #" + std::to_string(id) + " by " +
                                   join(pending.signers) + " expired: " + std::to_string(pending.needed) +
                                   " signatures were needed"});
  }
  std::erase_if(allowed_policies, [&](const auto& entry) { return at >= entry.second; });
}

}  // namespace homeostat::engine
