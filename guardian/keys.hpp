// Who may order what. A policy that lists keys takes signed commands only (Ed25519, RFC 8032): each names its key, and
// a key has a role. Roles ascend: each may order what the ones below it may.
//
//     observer   nothing; its key only identifies
//     operator   what makes the system do less: pause, veto, reject
//     guardian   everything that acts inside the hard bounds and for a time
//     admin      also what moves the bounds: allow policy
//
// Approval rules ask for more signatures where a command makes the system do more. None can be asked for a command that
// makes it do less: one guardian alone can always stop it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.hpp"
#include "guardian/command.hpp"

namespace homeostat::guardian {

enum class Role : std::uint8_t { observer, operator_role, guardian, admin };
constexpr Role last_of(Role) {
  return Role::admin;
}
[[nodiscard]] constexpr std::string_view name_of(Role role) {
  switch (role) {
    case Role::observer: return "observer";
    case Role::operator_role: return "operator";
    case Role::guardian: return "guardian";
    case Role::admin: return "admin";
  }
  return "?";
}

/// The least role for a command.
[[nodiscard]] Role role_for(CommandKind kind);
/// It only makes the system do less: no approval can be required of it.
[[nodiscard]] bool does_less(CommandKind kind);
/// It moves something by an amount that a rule can ask about: override, shift.
[[nodiscard]] bool has_size(CommandKind kind);

using PublicKey = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;

struct Key {
  std::string name;
  PublicKey public_key{};
  Role role = Role::observer;
  Instant expires;  ///< never = until it is taken out of the policy
};

/// `of` different keys must sign a command of this kind, its first signer's included.
struct ApprovalRule {
  CommandKind kind = CommandKind::clear_halt;
  double above = 0;      ///< only if it moves more than this, relative to what it moves (override, shift set-point)
  std::uint32_t of = 2;  ///< at least 2, at most as many as there are keys that may order it
};

/// SHA-256 of a configuration's text, 64 hexadecimal digits: what `allow policy` names.
[[nodiscard]] std::string fingerprint(std::string_view text);

[[nodiscard]] bool verify(const PublicKey& key, std::string_view text, const Signature& signature);

}  // namespace homeostat::guardian
