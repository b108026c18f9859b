// What a guardian can order. Commands are inputs like any other: journaled before they take effect, replayed, audited.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/decimal.hpp"
#include "core/time.hpp"

namespace homeostat::guardian {

enum class CommandKind : std::uint8_t {
  pause,  ///< stop emission: of one parameter, or of all with an empty target
  resume,
  override_value,  ///< hold a parameter at `value` until `until`
  clear_override,
  shift_setpoint,  ///< add `shift` to a loop's set-point until `until`
  clear_shift,
  emergency_on,
  emergency_off,
  veto,          ///< of an adjustment still in its veto window
  clear_halt,    ///< accept a halted metric's or violated source's newest value and go on
  allow_policy,  ///< a configuration, by its digest, may loosen limits when it is loaded
  approve,       ///< a command that waits for more signatures
  reject,        ///< likewise: it will not be carried out
  release,       ///< an adjustment that waits for a guardian's approval may be sent
};
inline constexpr std::size_t kCommandKindCount = 14;

constexpr CommandKind last_of(CommandKind) {
  return CommandKind::release;
}
[[nodiscard]] constexpr std::string_view name_of(CommandKind kind) {
  switch (kind) {
    case CommandKind::pause: return "pause";
    case CommandKind::resume: return "resume";
    case CommandKind::override_value: return "override";
    case CommandKind::clear_override: return "clear override";
    case CommandKind::shift_setpoint: return "shift set-point";
    case CommandKind::clear_shift: return "clear shift";
    case CommandKind::emergency_on: return "emergency on";
    case CommandKind::emergency_off: return "emergency off";
    case CommandKind::veto: return "veto";
    case CommandKind::clear_halt: return "clear halt";
    case CommandKind::allow_policy: return "allow policy";
    case CommandKind::approve: return "approve";
    case CommandKind::reject: return "reject";
    case CommandKind::release: return "release";
  }
  return "?";
}

/// The command's name in one word, as signed orders and configurations have it.
[[nodiscard]] constexpr std::string_view word_of(CommandKind kind) {
  switch (kind) {
    case CommandKind::clear_override: return "clear_override";
    case CommandKind::shift_setpoint: return "shift";
    case CommandKind::clear_shift: return "clear_shift";
    case CommandKind::emergency_on: return "emergency_on";
    case CommandKind::emergency_off: return "emergency_off";
    case CommandKind::clear_halt: return "clear_halt";
    case CommandKind::allow_policy: return "allow_policy";
    default: return name_of(kind);
  }
}

struct Command {
  std::string actor;   ///< who: the key that signed it, or as the transport authenticated the caller
  std::string reason;  ///< why, required, for the audit
  Instant at;
  CommandKind kind = CommandKind::pause;
  std::string target;            ///< parameter, loop, metric or source name, or a policy's digest; empty = all
  std::optional<Decimal> value;  ///< override_value
  double shift = 0;              ///< shift_setpoint, in the metric's unit
  Instant until;                 ///< override_value, shift_setpoint, and optionally pause, emergency_on; never = none
  std::uint64_t id = 0;          ///< veto, release: of the adjustment; approve, reject: of the waiting command

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.actor), a(x.reason), a(x.at), a(x.kind), a(x.target), a(x.value), a(x.shift), a(x.until), a(x.id);
  }
};

}  // namespace homeostat::guardian
