#include "guardian/keys.hpp"

#include <sodium/crypto_hash_sha256.h>
#include <sodium/crypto_sign_ed25519.h>

#include "core/hex.hpp"

namespace homeostat::guardian {

Role role_for(CommandKind kind) {
  switch (kind) {
    case CommandKind::pause:
    case CommandKind::veto:
    case CommandKind::reject: return Role::operator_role;
    case CommandKind::resume:
    case CommandKind::override_value:
    case CommandKind::clear_override:
    case CommandKind::shift_setpoint:
    case CommandKind::clear_shift:
    case CommandKind::emergency_on:
    case CommandKind::emergency_off:
    case CommandKind::clear_halt:
    case CommandKind::release:
    case CommandKind::approve: return Role::guardian;  // of approve: and what the approved command asks for
    case CommandKind::allow_policy: return Role::admin;
  }
  return Role::admin;
}

bool does_less(CommandKind kind) {
  return role_for(kind) == Role::operator_role || kind == CommandKind::approve;
}

bool has_size(CommandKind kind) {
  return kind == CommandKind::override_value || kind == CommandKind::shift_setpoint;
}

std::string fingerprint(std::string_view text) {
  std::array<std::uint8_t, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
  return hex_of(hash);
}

bool verify(const PublicKey& key, std::string_view text, const Signature& signature) {
  static_assert(crypto_sign_ed25519_PUBLICKEYBYTES == std::tuple_size_v<PublicKey>);
  static_assert(crypto_sign_ed25519_BYTES == std::tuple_size_v<Signature>);
  return crypto_sign_ed25519_verify_detached(signature.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                             text.size(), key.data()) == 0;
}

}  // namespace homeostat::guardian
