// A guardian's key on disk, and orders signed with it.
//
// A key file is text, readable by its owner alone:
//
//     homeostat key 1
//     name: alice
//     public: 64 hexadecimal digits, for the policy (guardian.keys)
//     secret: 64 hexadecimal digits, the Ed25519 seed (RFC 8032)
//
// A signed order's file is the order's text (guardian/signed_order.hpp) and, as its last line, `signature: ` and 128
// hexadecimal digits.
#pragma once

#include <string>

#include "cli/exit_codes.hpp"
#include "guardian/keys.hpp"
#include "guardian/signed_order.hpp"

namespace homeostat::cli {

class SigningKey {
 public:
  [[nodiscard]] static SigningKey make(std::string name);
  /// Fails when others than its owner may read the file.
  [[nodiscard]] static Outcome<SigningKey> read(const std::string& path);
  /// Fails when the file is there already: a key is never overwritten.
  [[nodiscard]] Outcome<> write(const std::string& path) const;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string public_hex() const;
  [[nodiscard]] guardian::Signature sign(std::string_view text) const;

 private:
  std::string name_;
  std::array<unsigned char, 32> seed_{};
  guardian::PublicKey public_{};
  std::array<unsigned char, 64> secret_{};

  void expand();
};

struct SignedText {
  std::string text;
  guardian::Signature signature{};
};

/// 32 hexadecimal digits from the operating system's randomness.
[[nodiscard]] std::string new_nonce();

[[nodiscard]] Outcome<> write_signed(const std::string& path, const SignedText& order);
[[nodiscard]] Outcome<SignedText> read_signed(const std::string& path);

}  // namespace homeostat::cli
