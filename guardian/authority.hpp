// Judges signed orders: is it the key's signature, for this policy, now, for the first time, and may that key order it?
// And keeps the ones that wait for more signatures. The policy lists keys and rules; this is what must be remembered.
//
// A nonce is used up by any order whose signature is good, also by one that is then refused: a refused order can not be
// sent again by somebody else at a better moment. Nonces are kept until their order has expired.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "guardian/settings.hpp"
#include "guardian/signed_order.hpp"

namespace homeostat::guardian {

/// Orders of one key that are remembered at a time, and orders that wait at a time.
inline constexpr std::size_t kNoncesMax = 10'000;
inline constexpr std::size_t kPendingMax = 100;

/// An order that waits for more signatures.
struct Pending {
  Command command;                   ///< actor: its first signer
  std::vector<std::string> signers;  ///< keys, the first signer first
  std::uint32_t needed = 0;          ///< different keys
  Instant expires;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.command), a(x.signers), a(x.needed), a(x.expires);
  }
};

/// How many keys must sign a command that moves its target by `size`, relative to what it is.
[[nodiscard]] std::uint32_t signatures_needed(const Settings& settings, CommandKind kind, double size);

class Authority {
 public:
  /// The order, its command's actor and time filled in; its nonce is used up. Errors: malformed; unknown_name (key);
  /// permission_denied (signature, role, another policy); out_of_range (expired, valid for too long); duplicate
  /// (nonce); resource_exhausted.
  [[nodiscard]] Result<SignedOrder> admit(const Settings& settings, const std::string& policy, std::string_view text,
                                          const Signature& signature, Instant at);

  /// Lets a command wait. Errors: resource_exhausted.
  [[nodiscard]] Result<> wait(std::uint64_t id, Pending pending);
  /// One more signature for a waiting command: how many are still missing. With none missing it no longer waits, and
  /// `command` is what to carry out. Errors: unknown_name, duplicate (this key signed already), permission_denied.
  struct Approved {
    std::uint32_t missing = 0;
    Command command;
  };
  [[nodiscard]] Result<Approved> approve(const Settings& settings, std::uint64_t id, const std::string& key,
                                         Instant at);
  /// Errors: unknown_name.
  [[nodiscard]] Result<Command> reject(std::uint64_t id);

  /// Forgets the waiting commands that have expired; returns them.
  std::vector<std::pair<std::uint64_t, Pending>> expire(Instant at);

  [[nodiscard]] const std::map<std::uint64_t, Pending>& pending() const { return pending_; }

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.nonces_), a(x.pending_);
  }

 private:
  [[nodiscard]] Result<> use(const SignedOrder& order);

  std::map<std::string, std::map<std::string, Instant>> nonces_;  ///< key -> nonce -> until when it is kept
  std::map<std::uint64_t, Pending> pending_;
};

}  // namespace homeostat::guardian
