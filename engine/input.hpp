// Everything that can ever change the engine's state. Inputs are journaled before they are applied;
// the same sequence of inputs gives the same decisions, to the last bit, anywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/decimal.hpp"
#include "core/time.hpp"
#include "engine/policy.hpp"
#include "oracle/observation.hpp"

namespace homeostat::engine {

/// The decision grid: slot n is at n x period since the epoch. Slots must ascend; a jump of more than
/// one is counted as missed slots and acts as one step over the larger dt.
struct Tick {
  std::uint64_t slot = 0;
  Instant at;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.slot), a(x.at);
  }
};

enum class CommandKind : std::uint8_t {
  pause,  ///< stop emission: of one parameter, or of all with an empty target
  resume,
  override_value,  ///< hold a parameter at `value` until `until`
  clear_override,
  shift_setpoint,  ///< add `shift` to a loop's set-point until `until`
  clear_shift,
  emergency_on,
  emergency_off,
  veto,        ///< of an adjustment still in its veto window
  clear_halt,  ///< accept a halted metric's or violated source's newest value and go on
};

constexpr CommandKind last_of(CommandKind) {
  return CommandKind::clear_halt;
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
  }
  return "?";
}

struct GuardianCommand {
  std::string actor;   ///< who, as the transport authenticated it
  std::string reason;  ///< why, required, for the audit
  Instant at;
  CommandKind kind = CommandKind::pause;
  std::string target;            ///< parameter, loop, metric or source name; empty = all
  std::optional<Decimal> value;  ///< override_value
  double shift = 0;              ///< shift_setpoint, in the metric's unit
  Instant until;                 ///< override_value, shift_setpoint, and optionally pause, emergency_on; never = none
  std::uint64_t adjustment = 0;  ///< veto

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.actor), a(x.reason), a(x.at), a(x.kind), a(x.target), a(x.value), a(x.shift), a(x.until), a(x.adjustment);
  }
};

/// An executor's answer: what was really applied, or why it was not.
struct ActuatorReport {
  std::uint64_t adjustment = 0;
  std::string executor;
  Instant at;
  bool applied = false;
  Decimal value;       ///< read back after applying; meaningful if applied
  std::string detail;  ///< transaction hash, or the reason of a rejection

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.adjustment), a(x.executor), a(x.at), a(x.applied), a(x.value), a(x.detail);
  }
};

/// A new policy, in force from the next tick. The journal keeps the text; `policy` is what the
/// loader made of it (the same text gives the same policy).
struct PolicyChange {
  Instant at;
  std::string actor;
  std::string text;
  PolicyPtr policy;
};

using Input = std::variant<oracle::SampleBatch, oracle::ChainSegment, oracle::SourceReport, Tick, GuardianCommand,
                           ActuatorReport, PolicyChange>;

}  // namespace homeostat::engine
