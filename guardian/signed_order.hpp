// The text that a guardian signs: every line is what will be done, in words that a person can read before signing.
//
//     homeostat order 1
//     policy: streaming
//     key: alice
//     nonce: 5f0c6a...            (32 hexadecimal digits, never used again)
//     expires: 2026-11-21T07:00:00Z
//     command: override
//     target: transaction_fee
//     value: 0.02
//     until: 2026-11-21T08:00:00Z
//     reason: spam wave
//
// There is exactly one text for one order: what does not read back as the same bytes is refused, so a signature can
// mean nothing else. `policy` binds it to one deployment, `nonce` and `expires` to one use.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"
#include "guardian/command.hpp"

namespace homeostat::guardian {

/// Longest text, in bytes.
inline constexpr std::size_t kSignedTextMax = 4096;

struct SignedOrder {
  std::string policy;  ///< the policy's name
  std::string key;     ///< its name in the policy
  std::string nonce;
  Instant expires;  ///< not accepted, and not approved, from then on
  Command command;  ///< without actor and at, which the receiver fills in

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.policy), a(x.key), a(x.nonce), a(x.expires), a(x.command);
  }
};

/// The canonical text.
[[nodiscard]] std::string text_of(const SignedOrder& order);
/// Errors, with the line: malformed (what was expected), out_of_range (too long).
[[nodiscard]] Result<SignedOrder> parse_signed_order(std::string_view text);

}  // namespace homeostat::guardian
